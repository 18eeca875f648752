"""Which kinds of array does the package pass around?

The aliases tell the number of dimensions; what each dimension runs over stands in the docstring of the function.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]  # one dimension
Matrix = NDArray[np.float64]  # two dimensions
Array = NDArray[np.float64]  # any shape, or shapes that broadcast
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]
Texts = NDArray[np.str_]
Signs = NDArray[np.int8]
Counts = NDArray[np.int64]
