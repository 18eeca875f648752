"""Which values does an uncertain input take?

A distribution is told by its kind, mean and standard deviation, and taken at probabilities, so that points spread
evenly over the unit cube become draws spread as the inputs are.
Shares that add up to one follow a generalised Dirichlet distribution (Connor and Mosimann 1969): of a stick each
part is broken off what the parts before have left, by a beta distribution of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import betaincinv, ndtri, stdtrit

from magnetflow.arrays import Array, Matrix
from magnetflow.errors import InputError

NORMAL, LOGNORMAL, TRIANGULAR = "normal", "lognormal", "triangular"
UNIFORM, BETA, STUDENT = "uniform", "beta", "student"
DEGREES = 4.0  # of freedom of Student's distribution: a variance, but no fourth moment


def quantiles(kind: str, mean: float, sd: float, probability: Array, mode: float = math.nan) -> Array:
    """Return the values of a distribution at probabilities between 0 and 1 (of any shape), in their shape.

    The uniform distribution is symmetric about the mean, and so is the triangular one unless `mode`, its most likely
    value, is given; Student's has DEGREES of freedom.
    Raises InputError for a kind that is not known, an sd that is not positive, or a mean the kind cannot have.
    """
    if kind not in _STANDARD and kind not in _SHAPED:
        raise InputError(f"{kind!r} is no distribution; take one of {', '.join(sorted({*_STANDARD, *_SHAPED}))}")
    if not sd > 0:
        raise InputError(f"a {kind} distribution needs an sd above zero, found {sd:g}")
    if kind == TRIANGULAR and not math.isnan(mode):
        return _skew(*ends_of_triangle(mean, sd, mode), mode, probability)
    if kind in _STANDARD:
        return np.asarray(mean + sd * _STANDARD[kind](probability))
    return np.asarray(_SHAPED[kind](mean, sd, probability))


def ends_of_triangle(mean: float, sd: float, mode: float) -> tuple[float, float]:
    """Return the lowest and the highest value of the triangular distribution with a mean, an sd and a mode."""
    total = 3.0 * mean - mode
    product = (total**2 + mode**2 - mode * total - 18.0 * sd**2) / 3.0
    half = math.sqrt(max(total**2 / 4.0 - product, 0.0))
    return total / 2.0 - half, total / 2.0 + half


def _skew(low: float, high: float, mode: float, probability: Array) -> Array:
    rising = low + np.sqrt(probability * (high - low) * (mode - low))
    falling = high - np.sqrt((1.0 - probability) * (high - low) * (high - mode))
    return np.asarray(np.where(probability < (mode - low) / (high - low), rising, falling))


def _triangular(probability: Array) -> Array:
    below = np.minimum(probability, 1.0 - probability)
    distance = np.sqrt(6.0) * (1.0 - np.sqrt(2.0 * below))
    return np.asarray(np.where(probability < 0.5, -distance, distance))


def _lognormal(mean: float, sd: float, probability: Array) -> Array:
    if not mean > 0:
        raise InputError(f"a lognormal distribution needs a mean above zero, found {mean:g}")
    variance = np.log1p((sd / mean) ** 2)
    return np.asarray(mean * np.exp(np.sqrt(variance) * ndtri(probability) - variance / 2.0))


def _beta(mean: float, sd: float, probability: Array) -> Array:
    return np.asarray(betaincinv(*beta_parameters(mean, sd), probability))


_STANDARD: dict[str, Callable[[Array], Array]] = {  # at mean 0 and sd 1
    NORMAL: ndtri,
    TRIANGULAR: _triangular,
    UNIFORM: lambda probability: np.sqrt(12.0) * (probability - 0.5),
    STUDENT: lambda probability: np.sqrt(1.0 - 2.0 / DEGREES) * stdtrit(DEGREES, probability),
}
_SHAPED: dict[str, Callable[[float, float, Array], Array]] = {LOGNORMAL: _lognormal, BETA: _beta}


def beta_parameters(mean: float, sd: float) -> tuple[float, float]:
    """Return the two shapes of the beta distribution with a mean and an sd.

    Raises InputError where there is none: a mean not between 0 and 1, or an sd too large for it.
    """
    if not (0.0 < mean < 1.0 and 0.0 < sd**2 < mean * (1.0 - mean)):
        raise InputError(f"no beta distribution has mean {mean:g} and sd {sd:g}; mend one of the two")
    together = mean * (1.0 - mean) / sd**2 - 1.0
    return mean * together, (1.0 - mean) * together


def sticks(mean: Sequence[float], sd: Sequence[float]) -> list[tuple[float, float]]:
    """Return mean and sd of the piece that each part but the last takes of what those before have left.

    `mean` has the shares of all parts in the order of breaking, `sd` theirs; that of the last part follows.
    Raises InputError when the shares do not add up to one, or when an sd is smaller than what the parts before
    leave uncertain.
    """
    if len(mean) != len(sd) or not np.isfinite(sd).all():
        raise InputError("a split needs a share and an sd, a finite number, for each of its parts")
    if not np.isclose(sum(mean), 1.0, rtol=0, atol=1e-9):
        raise InputError(f"the shares of a split add up to {sum(mean):g}; mend them so that they add up to 1")
    pieces, left, left_square = [], 1.0, 1.0
    for share, spread in list(zip(mean, sd, strict=True))[:-1]:
        piece = share / left
        piece_square = (spread**2 + share**2) / left_square
        variance = piece_square - piece**2
        if not variance > 0:
            raise InputError(f"a share of {share:g} cannot have so small an sd as {spread:g} after those before it")
        beta_parameters(piece, float(np.sqrt(variance)))
        pieces.append((piece, float(np.sqrt(variance))))
        left, left_square = left * (1.0 - piece), left_square * (1.0 - 2.0 * piece + piece_square)
    return pieces


def split(pieces: Sequence[tuple[float, float]], probability: Matrix) -> Matrix:
    """Return shares (parts, draws) at probabilities (parts but the last, draws)."""
    shares, left = [], np.ones(probability.shape[1])
    for (mean, sd), row in zip(pieces, probability, strict=True):
        broken = left * _beta(mean, sd, row)
        shares.append(broken)
        left = left - broken
    return np.array([*shares, left])


def split_covariance(pieces: Sequence[tuple[float, float]]) -> Matrix:
    """Return the covariance of the shares of a split, in closed form (parts, parts)."""
    mean = np.array([*(piece for piece, _ in pieces), 1.0])
    square = np.array([*(piece**2 + sd**2 for piece, sd in pieces), 1.0])
    left = np.cumprod([1.0, *(1.0 - mean[:-1])])  # of the stick, before each part
    left_square = np.cumprod([1.0, *(1.0 - 2.0 * mean[:-1] + square[:-1])])
    products = np.diag(left_square * square)
    for one in range(len(mean)):
        for other in range(one + 1, len(mean)):
            between = left[other] / left[one + 1]
            products[one, other] = left_square[one] * (mean[one] - square[one]) * between * mean[other]
            products[other, one] = products[one, other]
    shares = left * mean
    return products - np.outer(shares, shares)
