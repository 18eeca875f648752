"""How sure is each reconciled value, and how do their errors hang together?

To first order the reconciled values follow the errors z linearly, x = M P z with P the projection of the
fit, so that their covariance is M P Mᵀ: what they had, M Mᵀ, less what the balances explain.
For linear balances that is exact.
A bound that holds the solution counts as a balance here.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from magnetflow.inference.leastsquares import Fit, response
from magnetflow.inference.matrices import row_lengths
from magnetflow.inference.problem import Problem, Vector

BLOCK = 400  # variables treated at once
ROUNDING = 1e-12  # of a variance before reconciliation


def covariance(problem: Problem, fitted: Fit, places: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the covariance of the variables at `places`, square in their order."""
    rows = response(problem, fitted, places)
    square: NDArray[np.float64] = (rows @ rows.T).toarray() - fitted.factor.explained(rows)
    _clear_rounding(square, _row_squares(rows))
    return square


def standard_deviations(problem: Problem, fitted: Fit, places: NDArray[np.intp]) -> Vector:
    """Return the standard deviation of each variable at `places`."""
    variances = [np.zeros(0)]
    for block in np.array_split(places, max(1, len(places) // BLOCK)):
        rows = response(problem, fitted, block)
        before = _row_squares(rows)
        after = before - fitted.factor.explained_variance(rows)
        variances.append(np.where(after > ROUNDING * before, after, 0.0))
    sd: Vector = np.sqrt(np.concatenate(variances))
    return sd


def _row_squares(rows: sparse.csr_array) -> Vector:
    return row_lengths(rows) ** 2


def _clear_rounding(square: NDArray[np.float64], before: Vector) -> None:
    """Set to zero the rows and columns of variables without variance."""
    certain = np.diag(square) <= ROUNDING * before
    square[certain], square[:, certain] = 0.0, 0.0
