"""Where do the nodes of a cell stand? Close together where something changes quickly."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from magnetflow.arrays import Vector
from magnetflow.errors import ProcessError

EVEN = 0.999  # of an even interval, beyond which a first one does not grow


def even(length_m: float, intervals: int) -> Vector:
    """Return evenly spaced nodes from 0 to a length."""
    return np.linspace(0.0, _checked(length_m, intervals), intervals + 1)


def graded(length_m: float, intervals: int, first_m: float) -> Vector:
    """Return nodes (intervals + 1,) from 0 to a length, m, whose intervals grow by a constant factor.

    `first_m` is the first interval. Raises ProcessError where the first interval is not shorter than an even one.
    """
    _checked(length_m, intervals)
    if intervals < 2 or not 0 < first_m < EVEN * length_m / intervals:
        raise ProcessError(
            f"a first interval of {first_m:g} m does not grow; give less than {length_m / intervals:g}"
        )

    def surplus(ln_factor: float) -> float:
        with np.errstate(over="ignore"):  # far too steep a factor is too steep
            return float(np.expm1(intervals * ln_factor) / np.expm1(ln_factor) * first_m / length_m - 1)

    highest = 1.0
    while surplus(highest) < 0:
        highest *= 2
    factor = np.exp(brentq(surplus, 1e-12, highest, xtol=1e-15))
    steps = first_m * factor ** np.arange(intervals)
    nodes = np.append(0.0, np.cumsum(steps))
    return np.asarray(nodes * (length_m / nodes[-1]))


def graded_both(length_m: float, intervals: int, first_m: float) -> Vector:
    """Return nodes from 0 to a length, close together at either end; `intervals` is even."""
    if intervals % 2:
        raise ProcessError(f"a grid of {intervals} intervals has no middle; give an even number")
    half = graded(length_m / 2, intervals // 2, first_m)
    return np.append(half, length_m - half[-2::-1])


def within(grid_m: Vector, start_m: float, end_m: float) -> tuple[Vector, Vector]:
    """Return which part of the box of each node, and of each interval, lies between two places: a membrane."""
    middles = (grid_m[:-1] + grid_m[1:]) / 2
    edges = np.concatenate([grid_m[:1], middles, grid_m[-1:]])

    def part(bounds: Vector) -> Vector:
        inside = np.clip(bounds, start_m, end_m)
        return np.asarray(np.diff(inside) / np.diff(bounds))

    return part(edges), part(grid_m)


def _checked(length_m: float, intervals: int) -> float:
    if not 0 < length_m < np.inf or intervals < 1:
        raise ProcessError(f"a grid of {intervals} intervals over {length_m:g} m; give at least 1 over more than 0")
    return length_m
