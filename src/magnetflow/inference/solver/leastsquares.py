"""Which values meet linear balances and lie nearest to what was measured?

The measured variables are x = y + L z, with L Lᵀ their covariance, so that the weighted sum of squares is z·z.
Eliminating the unmeasured variables leaves balances G z = h among the measured ones alone; then z = Gᵀ(G Gᵀ)⁻¹h
is the nearest point, P = 1 − Gᵀ(G Gᵀ)⁻¹G its covariance (Crowe, Garcia Campos and Hrymak 1983), and the
unmeasured variables follow by back-substitution.
Small problems are solved by an orthogonal factorisation of Gᵀ with pivoting, large ones by a sparse one of G Gᵀ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import SuperLU, lsqr, splu

from magnetflow.arrays import Indices, Matrix, Vector
from magnetflow.inference.problem import Problem, conflict_error
from magnetflow.inference.solver.elimination import RANK_TOLERANCE, Elimination, eliminate
from magnetflow.inference.solver.factors import DenseFactor, SparseFactor, nearest
from magnetflow.inference.solver.matrices import (
    largest_in_rows,
    row_lengths,
    row_numbers,
    scaled,
    typical,
    without_cancelled,
)

SHARE = 1e-6  # of a balance in another, below which it has none
CONSISTENT = 1e-9  # a gap this small against the terms of its balances is rounding


@dataclass(frozen=True)
class Linear:
    """Balances as `matrix` (balances, variables) times all variables equals `level` (balances)."""

    matrix: sparse.csr_array
    level: Vector


@dataclass(frozen=True)
class Fit:
    """The nearest point, and what its covariance follows from.

    `z` is (errors), `x` (variables); `multipliers` (balances) are the changes of half the sum of squares when a level
    rises by one; `reduced` is G (rows, errors) with rows of length one, of which `independent` are used, as many as
    there are degrees of freedom; `combinations` (rows, balances) makes them out of the balances, `gap` is h (rows)
    and `norms` are the lengths (rows) before they were made one.
    """

    z: Vector
    x: Vector
    multipliers: Vector
    combinations: sparse.csr_array
    reduced: sparse.csr_array
    gap: Vector
    norms: Vector
    independent: Indices
    factor: DenseFactor | SparseFactor
    determined: Determined


@dataclass(frozen=True)
class Determined:
    """The unmeasured variables as they follow: echelon · (u / scale) = right − from_z · z.

    Those at `pivots` are determined, those at `free` are not and enter by `free_part` (pivots, free); `scale` is
    (unmeasured), `from_z` (pivots, errors); `made` (pivots, balances) makes the echelon of the balances.
    """

    pivots: Indices
    free: Indices
    scale: Vector
    made: sparse.csr_array
    from_z: sparse.csr_array
    right: Vector
    free_part: sparse.csr_array
    lu: SuperLU | None

    def solve(self, right: Matrix, trans: str = "N") -> Matrix:
        """Return the pivot columns' values, still scaled, for a right-hand side or several; "T" solves transposed."""
        return right if self.lu is None else np.asarray(self.lu.solve(right, trans))

    def values(self, z: Vector, reference: Vector) -> Vector:
        """Return the unmeasured variables (unmeasured) with errors `z`; the free ones stay at `reference`."""
        scaled_values = reference / self.scale
        right = self.right - self.from_z @ z - self.free_part @ scaled_values[self.free]
        scaled_values[self.pivots] = self.solve(right)
        return np.asarray(scaled_values * self.scale)


def fit(problem: Problem, linear: Linear, reference: Vector) -> Fit:
    """Return the nearest point to the measured values that meets linear balances.

    `reference` has a value for every variable (variables); what the balances leave free stays there.
    Raises ConflictError when no values meet the balances.
    """
    measured, unmeasured, constant = problem.measured, problem.unmeasured, problem.constant
    of_measured, of_unmeasured = linear.matrix[:, measured], linear.matrix[:, unmeasured]
    y, c = problem.value[measured], problem.value[constant]
    right = linear.level - of_measured @ y - linear.matrix[:, constant] @ c
    of_z = of_measured @ problem.root if problem.covariance.nnz else scaled(of_measured, columns=problem.sd[measured])
    row_scale, scale = _equilibrate(of_z, of_unmeasured)
    elimination = eliminate(scaled(of_unmeasured, row_scale, scale))
    combinations = scaled(elimination.remaining, columns=row_scale)
    reduced = without_cancelled(combinations, of_z, RANK_TOLERANCE)
    norms, gap = row_lengths(reduced), combinations @ right
    if not norms.all():
        wrong = np.flatnonzero((norms == 0) & (np.abs(gap) > _rounding(problem, linear, combinations)))
        if len(wrong):  # these hold no measured variable but ask for something
            shortest = wrong[np.argmin(np.diff(combinations.indptr)[wrong])]
            raise conflict_error(problem, sorted(combinations[[shortest]].indices.tolist()))
        combinations, reduced, gap, norms = (part[norms > 0] for part in (combinations, reduced, gap, norms))
    reduced = scaled(reduced, 1.0 / norms)
    independent, factor, z, along = nearest(reduced, gap / norms)
    multipliers = combinations[independent].T @ (along / norms[independent])
    determined = _determine(elimination, row_scale, scale, of_z, right)
    x = reference.copy()
    x[constant], x[measured] = c, y + problem.root @ z
    x[unmeasured] = determined.values(z, reference[unmeasured])
    fitted = Fit(z, x, multipliers, combinations, reduced, gap, norms, independent, factor, determined)
    if len(independent) < len(gap):
        _refuse_dependent(problem, linear, fitted)
    return fitted


def _equilibrate(of_z: sparse.csr_array, of_unmeasured: sparse.csr_array) -> tuple[Vector, Vector]:
    """Return scales of rows and of unmeasured columns that bring the largest entries near one."""
    row, column, size = row_numbers(of_unmeasured), of_unmeasured.indices, np.abs(of_unmeasured.data)
    steady = largest_in_rows(of_z)
    columns = _typical_sizes(of_unmeasured, steady)
    rows = np.ones(of_unmeasured.shape[0])
    for _ in range(3):
        largest = steady.copy()
        np.maximum.at(largest, row, size * columns[column])
        rows = 1.0 / np.where(largest > 0, largest, 1.0)
        tallest = np.zeros(len(columns))
        np.maximum.at(tallest, column, size * rows[row])
        columns = 1.0 / np.where(tallest > 0, tallest, 1.0)
    return rows, columns


def _typical_sizes(of_unmeasured: sparse.csr_array, steady: Vector) -> Vector:
    """Return a size for each unmeasured variable: that at which it weighs as much as one sd of its neighbours.

    `steady` is what one sd of the measured variables weighs in each balance, whatever the units of these are.
    """
    row, column, size = row_numbers(of_unmeasured), of_unmeasured.indices, np.abs(of_unmeasured.data)
    sizes = np.zeros(of_unmeasured.shape[1])
    weight = steady.copy()
    while True:
        np.maximum.at(weight, row, size * sizes[column])
        found = np.zeros(len(sizes))
        np.maximum.at(found, column, weight[row] / np.where(size > 0, size, np.inf))
        fresh = (sizes == 0) & (found > 0)
        if not fresh.any():
            break
        sizes[fresh] = found[fresh]
    return np.where(sizes > 0, sizes, typical(sizes) or 1.0)


def _rounding(problem: Problem, linear: Linear, combinations: sparse.csr_array) -> Vector:
    """Return how large a gap in each combination of balances is rounding, from the size of its terms."""
    known = np.where(problem.unmeasured, 0.0, np.abs(np.nan_to_num(problem.value)))
    terms = np.abs(linear.level) + np.abs(linear.matrix) @ known
    return np.asarray(CONSISTENT * (np.abs(combinations) @ terms))


def _refuse_dependent(problem: Problem, linear: Linear, fitted: Fit) -> None:
    """Refuse reduced balances that depend on others but ask for something else than these."""
    combinations, independent, gap = fitted.combinations, fitted.independent, fitted.gap / fitted.norms
    room = _rounding(problem, linear, combinations) / fitted.norms + CONSISTENT * np.abs(gap).max()
    missed = np.abs(fitted.reduced @ fitted.z - gap) > room
    missed[independent] = False
    if missed.any():
        wrong = int(np.flatnonzero(missed)[0])
        row, others = fitted.reduced[[wrong]].toarray().ravel(), fitted.reduced[independent].T
        shares = lsqr(others, row, atol=1e-14, btol=1e-14)[0]
        used = [wrong, *independent[np.abs(shares) > SHARE]]
        raise conflict_error(problem, sorted(set(combinations[used].indices.tolist())))


def _determine(
    elimination: Elimination, row_scale: Vector, scale: Vector, of_z: sparse.csr_array, right: Vector
) -> Determined:
    made = scaled(elimination.determining, columns=row_scale)
    pivots, free = elimination.pivots, elimination.free
    triangle, of_free = elimination.echelon[:, pivots], elimination.echelon[:, free]
    lu = splu(triangle.tocsc(), permc_spec="NATURAL", diag_pivot_thresh=0.0) if len(pivots) else None
    return Determined(pivots, free, scale, made, made @ of_z, made @ right, of_free, lu)
