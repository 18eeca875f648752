"""How many ions pass from one node to the next?

Between two nodes flux and field are taken as constant, and the flux that follows is exact there: the exponentially
fitted flux of Scharfetter and Gummel (1969), for one interval the equation of Goldman, Hodgkin and Katz.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from magnetflow.arrays import Array, Matrix, Vector

SMALL = 1e-2  # below which Bernoulli's function is taken from its series
STEEPEST = 300.0  # beyond which it is nothing


class Bernoulli(NamedTuple):
    """B(x) = x / (exp(x) - 1) and B(-x), with their slopes; each of the shape of x."""

    ahead: Array
    back: Array
    ahead_slope: Array
    back_slope: Array


def bernoulli(x: Array) -> Bernoulli:
    """Return Bernoulli's function on either side: worked out where it is small, the other by B(-x) = B(x) + x."""
    size = np.abs(x)
    small, bounded = size < SMALL, np.minimum(size, STEEPEST)
    safe = np.where(small, 1.0, bounded)
    grown = np.expm1(safe)
    low = np.where(small, 1 - size / 2 + size**2 / 12 - size**4 / 720, safe / grown)
    low_slope = np.where(small, -1 / 2 + size / 6 - size**3 / 180, (1 - (safe / grown) * (grown + 1)) / grown)
    high, high_slope = low + size, -1 - low_slope
    up = x >= 0
    return Bernoulli(
        np.where(up, low, high),
        np.where(up, high, low),
        np.where(up, low_slope, high_slope),
        np.where(up, high_slope, low_slope),
    )


def fitted(
    conductance: Matrix, charges: Vector, concentrations: Matrix, potential: Vector
) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """Return the flux from each node to the next, with its slopes.

    `conductance` is diffusivity over the length of the interval, m/s, (ions, intervals); `charges` (ions,),
    `concentrations` (ions, nodes), `potential` in thermal voltages (nodes,).
    Returns flux, slope by the concentration on the left and on the right, and slope by the difference of potential,
    all (ions, intervals).
    """
    step = charges[:, None] * np.diff(potential)
    ahead, back, ahead_slope, back_slope = bernoulli(step)
    left, right = concentrations[:, :-1], concentrations[:, 1:]
    flux = conductance * (ahead * left - back * right)
    by_potential = conductance * charges[:, None] * (ahead_slope * left + back_slope * right)
    return flux, conductance * ahead, -conductance * back, by_potential
