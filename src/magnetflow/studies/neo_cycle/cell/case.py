"""What makes up a case for which the answer of a cell is known beforehand?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from magnetflow.recovery.cell import grids
from magnetflow.recovery.cell.model import thermal_voltage_v

VOLTS = thermal_voltage_v()
K, NA, CL, ND, H, OH, FE = (f"{ion}(aq)" for ion in ("K+", "Na+", "Cl-", "Nd+3", "H+", "OH-", "Fe+2"))


class Checked(NamedTuple):
    """The model's figure, the known one, and the error of the case."""

    model: float
    known: float
    error: float


@dataclass(frozen=True)
class Case:
    """A case: what it shows, by which law it is known, its unit, on which grids, and how close it has to come."""

    name: str
    shows: str
    law: str
    unit: str
    work: Callable[[int], Checked]
    intervals: tuple[int, ...]
    tolerance: float  # of the error on the finest grid
    order: float | None = None  # at which the error has to fall with the grid, at least


def relative(model: float, known: float) -> Checked:
    """Return a figure with its relative error."""
    return Checked(model, known, abs(model / known - 1))


def layer_grid(length_m: float, intervals: int, finer: float) -> NDArray[np.float64]:
    """Return a grid whose first interval is so many times finer than an even one."""
    return grids.graded(length_m, intervals, length_m / intervals / finer)
