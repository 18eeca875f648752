"""How sure is each reconciled value, and how do their errors hang together?

To first order the reconciled values follow the errors z linearly, x = M P z with P the projection of the
fit, so that their covariance is M P Mᵀ: what they had, M Mᵀ, less what the balances explain.
For linear balances that is exact.
A bound that holds the solution counts as a balance here.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from magnetflow.arrays import Indices, Matrix, Vector
from magnetflow.inference.problem import Problem
from magnetflow.inference.solver.leastsquares import Fit
from magnetflow.inference.solver.matrices import row_lengths

BLOCK = 400  # variables treated at once
CANCELLED = 1e-6  # part of a variance left, below which the difference has too few digits
ROUNDING = 1e-13  # part of an sd that is none


def covariance(problem: Problem, fitted: Fit, places: Indices) -> Matrix:
    """Return the covariance of the variables at `places` (places, places)."""
    rows = response(problem, fitted, places)
    square: Matrix = (rows @ rows.T).toarray() - fitted.factor.explained(rows)
    few, projected = _almost_sure(fitted, rows, row_lengths(rows) ** 2, np.diag(square))
    if len(few):
        square[few] = (rows @ projected).T
        square[:, few] = square[few].T
        square[np.ix_(few, few)] = projected.T @ projected
    return square


def standard_deviations(problem: Problem, fitted: Fit, places: Indices) -> Vector:
    """Return the standard deviation of each variable at `places` (places)."""
    variances = [np.zeros(0)]
    for block in np.array_split(places, max(1, len(places) // BLOCK)):
        rows = response(problem, fitted, block)
        before = row_lengths(rows) ** 2
        left = before - fitted.factor.explained_variance(rows)
        few, projected = _almost_sure(fitted, rows, before, left)
        left[few] = np.sum(projected**2, axis=0)
        variances.append(left)
    return np.asarray(np.sqrt(np.concatenate(variances)))


def combined_sd(problem: Problem, fitted: Fit, places: Indices, weights: Vector) -> float:
    """Return the standard deviation of the weighted sum of the variables at `places`, all of them determined."""
    rows = response(problem, fitted, places)
    sd = float(np.linalg.norm(fitted.factor.project((rows.T @ weights)[:, None])))
    return sd if sd > ROUNDING * (np.abs(weights) @ row_lengths(rows)) else 0.0


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
        picks = np.zeros((len(determined.pivots), len(asked)))
        picks[pivot_of[number[asked]], np.arange(len(asked))] = determined.scale[number[asked]]
        rows.append(sparse.csr_array(-determined.solve(picks, "T").T) @ determined.from_z)
    chosen = np.concatenate([measured, asked])
    in_place = sparse.csr_array((np.ones(len(chosen)), (chosen, np.arange(len(chosen)))), (len(places), len(chosen)))
    return sparse.csr_array(in_place @ sparse.vstack(rows))


def _almost_sure(fitted: Fit, rows: sparse.csr_array, before: Vector, left: Vector) -> tuple[Indices, Matrix]:
    """Return the variables with almost no variance left, and their projected rows as columns (errors, few).

    There the difference of two variances has too few digits, and the length of the projected row has all of them.
    """
    few = np.flatnonzero(left < CANCELLED * before)
    projected = fitted.factor.project(rows[few].toarray().T) if len(few) else np.zeros((rows.shape[1], 0))
    projected[:, np.linalg.norm(projected, axis=0) <= ROUNDING * np.sqrt(before[few])] = 0.0
    return few, projected
