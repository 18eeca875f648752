"""How many ions pass from one node to the next?

Between two nodes flux and field are taken as constant, and the flux that follows is exact there: the exponentially
fitted flux of Scharfetter and Gummel (1969), for one interval the equation of Goldman, Hodgkin and Katz.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SMALL = 1e-2  # below which Bernoulli's function is taken from its series
STEEPEST = 300.0  # beyond which it is straight, or nothing


def bernoulli(x: Array) -> tuple[Array, Array]:
    """Return x / (exp(x) - 1) and its slope."""
    bounded = np.clip(x, -STEEPEST, STEEPEST)
    small = np.abs(bounded) < SMALL
    safe = np.where(small, 1.0, bounded)
    below = np.expm1(safe)
    value = np.where(small, 1 - x / 2 + x**2 / 12 - x**4 / 720, safe / below)
    slope = np.where(small, -1 / 2 + x / 6 - x**3 / 180, (1 - (safe / below) * (below + 1)) / below)
    return np.where(x < -STEEPEST, -x, value), np.where(x < -STEEPEST, -1.0, slope)


def fitted(
    conductance: Array, driven: Array, concentrations: Array, potential: Array
) -> tuple[Array, Array, Array, Array]:
    """Return the flux from each node to the next, with its slopes.

    `conductance` is spreading over the length of the interval, `driven` the charge times the part of the spreading
    that the field acts on, both by ion and interval; `concentrations` by ion and node, `potential` in thermal
    voltages by node. Returns flux, slope by the concentration on the left and on the right, and slope by the
    difference of potential, all by ion and interval.
    """
    step = driven * np.diff(potential)
    ahead, ahead_slope = bernoulli(step)
    back, back_slope = bernoulli(-step)
    left, right = concentrations[:, :-1], concentrations[:, 1:]
    flux = conductance * (ahead * left - back * right)
    by_potential = conductance * driven * (ahead_slope * left + back_slope * right)
    return flux, conductance * ahead, -conductance * back, by_potential
