"""Tables: what `data/` and a user's sheets hold, checked on reading, and the units of their figures."""

from magnetflow.tables.described import conversion_factor as conversion_factor
from magnetflow.tables.described import describe as describe
from magnetflow.tables.described import find_data as find_data
from magnetflow.tables.described import hashes_read as hashes_read
from magnetflow.tables.described import in_unit as in_unit
from magnetflow.tables.described import read as read
from magnetflow.tables.described import read_all as read_all
from magnetflow.tables.described import to_array as to_array
from magnetflow.tables.described import units as units
