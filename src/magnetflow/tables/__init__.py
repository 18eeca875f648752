"""Tables: what `data/` and a user's sheets hold, checked on reading, and the units of their figures."""

from magnetflow.tables.described import describe as describe
from magnetflow.tables.described import find_data as find_data
from magnetflow.tables.described import hashes_read as hashes_read
from magnetflow.tables.described import read as read
from magnetflow.tables.described import read_all as read_all
from magnetflow.tables.units import complete as complete
from magnetflow.tables.units import conversion_factor as conversion_factor
from magnetflow.tables.units import in_unit as in_unit
from magnetflow.tables.units import to_array as to_array
