"""How sure is each reconciled value, and how do their errors hang together?

To first order the reconciled values follow the errors z linearly, x = M P z with P the projection of the
fit, so that their covariance is M P Mᵀ: what they had, M Mᵀ, less what the balances explain.
For linear balances that is exact.
A bound that holds the solution counts as a balance here.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from magnetflow.arrays import Indices, Mask, Matrix, Vector
from magnetflow.inference.problem import Problem
from magnetflow.inference.solver.factors import nearest
from magnetflow.inference.solver.leastsquares import Determined, Fit
from magnetflow.inference.solver.matrices import evened_columns, row_lengths, scaled

BLOCK = 400  # variables treated at once
MANY = 50  # unmeasured variables from which the response of all costs less than solving for each
CANCELLED = 1e-6  # part of a variance left, below which the difference has too few digits
EPSILON = 1e-15  # part of the terms of a sum
ROUNDING = 1e-10  # part of an sd below which it may be none
CERTAIN = 1e-9  # part of a variable that constants leave open, in units of its own: rounding


def covariance(problem: Problem, fitted: Fit, places: Indices) -> Matrix:
    """Return the covariance of the variables at `places` (places, places)."""
    rows = response(problem, fitted, places)
    square: Matrix = (rows @ rows.T).toarray() - fitted.factor.explained(rows)
    few = np.flatnonzero(np.diag(square) < CANCELLED * row_lengths(rows) ** 2)
    if len(few):  # there the difference of two variances has too few digits
        projected = _projected(fitted, rows[few])
        square[few] = (rows @ projected).T
        square[:, few] = square[few].T
        square[np.ix_(few, few)] = projected.T @ projected
    return square


def standard_deviations(problem: Problem, fitted: Fit, places: Indices, limit: int) -> Vector:
    """Return the standard deviation of each variable at `places` (places), NaN where it is left out.

    Left out are those that have to be solved for one by one beyond the first `limit`.
    """
    sd = np.full(len(places), np.nan)
    if len(places) > limit and fitted.determined.response is None:
        places = places[:limit]
    rows = response(problem, fitted, places)
    before = row_lengths(rows) ** 2
    left = before - fitted.factor.explained_variance(rows, limit)
    doubtful = np.flatnonzero(left < CANCELLED * before)
    for block in np.array_split(doubtful, len(doubtful) // BLOCK + 1):
        left[block] = np.sum(_projected(fitted, rows[block]) ** 2, axis=0)
    sd[: len(places)] = np.sqrt(left)
    return sd


def combined_sd(problem: Problem, fitted: Fit, places: Indices, weights: Vector) -> float:
    """Return the standard deviation of the weighted sum of the variables at `places`, all of them determined."""
    rows = response(problem, fitted, places)
    together = sparse.csr_array((rows.T @ weights)[None])
    sd = float(np.linalg.norm(_projected(fitted, together)))
    # What cancels in the sum already is rounding.
    return sd if sd > EPSILON * (np.abs(weights) @ row_lengths(rows)) else 0.0


def response(problem: Problem, fitted: Fit, places: Indices) -> sparse.csr_array:
    """Return what the variables at `places` change by with z (places, errors).

    Rows of undetermined variables and of constants are empty.
    """
    number = np.where(problem.measured, np.cumsum(problem.measured), np.cumsum(problem.unmeasured))[places] - 1
    determined = fitted.determined
    pivot_of = np.full(len(determined.scale), -1)
    pivot_of[determined.pivots] = np.arange(len(determined.pivots))
    measured, unmeasured = np.flatnonzero(problem.measured[places]), np.flatnonzero(problem.unmeasured[places])
    asked = unmeasured[pivot_of[number[unmeasured]] >= 0]
    rows = [problem.root[number[measured]]]
    if len(asked):
        rows.append(_of_unmeasured(determined, number[asked], pivot_of[number[asked]]))
    chosen = np.concatenate([measured, asked])
    in_place = sparse.csr_array((np.ones(len(chosen)), (chosen, np.arange(len(chosen)))), (len(places), len(chosen)))
    return sparse.csr_array(in_place @ sparse.vstack(rows))


def _of_unmeasured(determined: Determined, asked: Indices, pivots: Indices) -> sparse.csr_array:
    """Return the response (asked, errors) of the unmeasured variables `asked`, determined at these `pivots`."""
    whole = determined.response if len(asked) > MANY else None
    if whole is not None:
        return scaled(whole[pivots], -determined.scale[asked])
    parts = []
    for block in np.array_split(np.arange(len(asked)), len(asked) // BLOCK + 1):
        picks = np.zeros((len(determined.pivots), len(block)))
        picks[pivots[block], np.arange(len(block))] = determined.scale[asked[block]]
        parts.append(sparse.csr_array(-determined.solve(picks, "T").T) @ determined.from_z)
    return sparse.csr_array(sparse.vstack(parts))


def _projected(fitted: Fit, rows: sparse.csr_array) -> Matrix:
    """Return rows (variables, errors) that the balances almost explain, as columns, without what they explain.

    Done twice, the projection has all digits of what is left; where that is nothing but rounding it is zero.
    """
    projected = fitted.factor.project(fitted.factor.project(rows.toarray().T))
    doubtful = np.flatnonzero(np.linalg.norm(projected, axis=0) <= ROUNDING * row_lengths(rows))
    if len(doubtful):
        projected[:, doubtful[_certain(fitted, rows[doubtful])]] = 0.0
    return projected


def _certain(fitted: Fit, rows: sparse.csr_array) -> Mask:
    """Return which variables (rows) follow from constants alone, whatever the sds of the measured ones are."""
    balances = fitted.reduced[fitted.independent]
    unit, even = evened_columns(balances)
    even = scaled(even, 1.0 / row_lengths(even))
    _, factor, _, _ = nearest(even, np.zeros(even.shape[0]))
    columns = scaled(rows, columns=unit).toarray().T
    lengths = np.linalg.norm(columns, axis=0)
    return np.asarray(np.linalg.norm(factor.project(columns), axis=0) <= CERTAIN * lengths)
