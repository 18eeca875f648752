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
    rows_in_place,
    scaled,
    split_columns,
    weighted_rows,
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

    `z` is (errors), `x` (variables); `root` is L (measured, errors); `reduced` is G (rows, errors) with rows of
    length one, of which `independent` are used; `combinations` (rows, balances) makes them out of the balances,
    `gap` is h (rows); `multipliers` (balances) are the changes of half the sum of squares when a level rises by one.
    """

    z: Vector
    x: Vector
    multipliers: Vector
    elimination: Elimination
    root: sparse.csr_array
    combinations: sparse.csr_array
    reduced: sparse.csr_array
    gap: Vector
    norms: Vector
    independent: Indices
    factor: DenseFactor | SparseFactor
    determined: _Determined

    @property
    def redundancy(self) -> int:
        """How many independent balances are left to test the measured variables: the degrees of freedom."""
        return len(self.independent)


@dataclass(frozen=True)
class _Determined:
    """The unmeasured variables as they follow: echelon · (u / scale) = right − from_z · z.

    `scale` is (unmeasured), `from_z` (pivots, errors); `made` (pivots, balances) makes the echelon of the balances.
    """

    scale: Vector
    made: sparse.csr_array
    from_z: sparse.csr_array
    right: Vector
    free_part: sparse.csr_array
    lu: SuperLU | None

    def solve(self, right: Matrix) -> Matrix:
        """Return the pivot columns' values, still scaled, for a right-hand side or several."""
        return right if self.lu is None else np.asarray(self.lu.solve(right))


def fit(problem: Problem, linear: Linear, reference: Vector) -> Fit:
    """Return the nearest point to the measured values that meets linear balances.

    `reference` has a value for every variable (variables); what the balances leave free stays there.
    Raises ConflictError when no values meet the balances.
    """
    measured, unmeasured, constant = problem.measured, problem.unmeasured, problem.constant
    of_measured, of_unmeasured, of_constant = split_columns(linear.matrix, (measured, unmeasured, constant))
    y, c = problem.value[measured], problem.value[constant]
    right = linear.level - of_measured @ y - of_constant @ c
    of_z = by_errors(problem, of_measured)
    row_scale, scale = _equilibrate(of_z, of_unmeasured)
    elimination = eliminate(scaled(of_unmeasured, row_scale, scale))
    combinations = scaled(elimination.remaining, columns=row_scale)
    reduced, norms = _reduce(combinations, of_z)
    gap = combinations @ right
    if not norms.all():
        _refuse_empty(problem, linear, combinations, gap, norms)
        combinations, reduced, gap, norms = (part[norms > 0] for part in (combinations, reduced, gap, norms))
    independent, factor, z, along = nearest(reduced, gap / norms)
    if len(independent) < len(gap):
        _refuse_dependent(problem, linear, combinations, reduced, gap / norms, norms, independent, z)
    weights = np.zeros(len(gap))
    weights[independent] = along / norms[independent]
    multipliers = weighted_rows(combinations, weights)
    determined = _determine(elimination, row_scale, scale, of_z, right)
    x = reference.copy()
    x[constant], x[measured] = c, y + problem.root @ z
    x[unmeasured] = _unmeasured_values(elimination, determined, z, reference[unmeasured])
    return Fit(
        z,
        x,
        multipliers,
        elimination,
        problem.root,
        combinations,
        reduced,
        gap,
        norms,
        independent,
        factor,
        determined,
    )


def response(problem: Problem, fitted: Fit, places: Indices) -> sparse.csr_array:
    """Return what the variables at `places` change by with z (places, errors).

    Rows of undetermined variables and of constants are empty.
    """
    number_measured, number_unmeasured = np.cumsum(problem.measured) - 1, np.cumsum(problem.unmeasured) - 1
    asked_measured = np.flatnonzero(problem.measured[places])
    parts = [(asked_measured, fitted.root[number_measured[places[asked_measured]]])]
    pivot_of = np.full(len(fitted.determined.scale), -1)
    pivot_of[fitted.elimination.pivots] = np.arange(len(fitted.elimination.pivots))
    asked = np.flatnonzero(problem.unmeasured[places])
    column = number_unmeasured[places[asked]]
    asked, column = asked[pivot_of[column] >= 0], column[pivot_of[column] >= 0]
    if fitted.determined.lu is not None and len(asked):
        picks = np.zeros((len(fitted.elimination.pivots), len(asked)))
        picks[pivot_of[column], np.arange(len(asked))] = fitted.determined.scale[column]
        solved = sparse.csr_array(fitted.determined.lu.solve(picks, trans="T").T)
        parts.append((asked, sparse.csr_array(-(solved @ fitted.determined.from_z))))
    return rows_in_place(parts, len(places))


def linear_response(problem: Problem, linear: Linear, fitted: Fit) -> tuple[Matrix, Vector, Vector, Matrix]:
    """Return what the balances say of any measured values y: balances left, their level, offset and matrix.

    The balances left among the measured variables, with rows in sds of length one, say balances · y = level; all
    variables are then offset + matrix · y. What the balances leave free, and what follows it, is to be disregarded.
    """
    measured, unmeasured, constant = problem.measured, problem.unmeasured, problem.constant
    of_measured, _, of_constant = split_columns(linear.matrix, (measured, unmeasured, constant))
    right = linear.level - of_constant @ problem.value[constant]
    left = scaled(fitted.combinations, 1.0 / fitted.norms)[fitted.independent]
    offset, matrix = np.zeros(len(problem.names)), np.zeros((len(problem.names), of_measured.shape[1]))
    offset[constant] = problem.value[constant]
    matrix[measured] = np.eye(of_measured.shape[1])
    determined, pivots = fitted.determined, fitted.elimination.pivots
    places = np.flatnonzero(unmeasured)[pivots]
    scale = determined.scale[pivots]
    offset[places] = scale * determined.solve(determined.made @ right)
    matrix[places] = -scale[:, None] * determined.solve((determined.made @ of_measured).toarray())
    return (left @ of_measured).toarray(), left @ right, offset, matrix


def by_errors(problem: Problem, of_measured: sparse.csr_array) -> sparse.csr_array:
    """Return what the balances change by with z (balances, errors), from `of_measured` (balances, measured)."""
    if problem.covariance.nnz:
        return sparse.csr_array(of_measured @ problem.root)
    return scaled(of_measured, columns=problem.sd[problem.measured])


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
    known = sizes > 0
    return np.where(known, sizes, np.median(sizes[known]) if known.any() else 1.0)


def _reduce(combinations: sparse.csr_array, of_z: sparse.csr_array) -> tuple[sparse.csr_array, Vector]:
    """Return the reduced balances with rows of length one, and what their lengths were."""
    reduced = without_cancelled(combinations, of_z, RANK_TOLERANCE)
    norms = row_lengths(reduced)
    return scaled(reduced, 1 / np.where(norms > 0, norms, 1.0)), norms


def _rounding(problem: Problem, linear: Linear, combinations: sparse.csr_array) -> Vector:
    """Return how large a gap in each combination of balances is rounding, from the size of its terms."""
    known = np.where(problem.unmeasured, 0.0, np.abs(np.nan_to_num(problem.value)))
    terms = np.abs(linear.level) + np.abs(linear.matrix) @ known
    return np.asarray(CONSISTENT * (np.abs(combinations) @ terms))


def _refuse_empty(
    problem: Problem, linear: Linear, combinations: sparse.csr_array, gap: Vector, norms: Vector
) -> None:
    """Refuse combinations that hold no measured variable but ask for something."""
    wrong = np.flatnonzero((norms == 0) & (np.abs(gap) > _rounding(problem, linear, combinations)))
    if len(wrong):
        shortest = min(wrong, key=lambda row: combinations.indptr[row + 1] - combinations.indptr[row])
        raise conflict_error(problem, sorted(combinations[[shortest]].indices.tolist()))


def _refuse_dependent(
    problem: Problem,
    linear: Linear,
    combinations: sparse.csr_array,
    reduced: sparse.csr_array,
    gap: Vector,
    norms: Vector,
    independent: Indices,
    z: Vector,
) -> None:
    """Refuse reduced balances that depend on others but ask for something else than these."""
    room = _rounding(problem, linear, combinations) / norms + CONSISTENT * np.abs(gap).max()
    missed = np.abs(reduced @ z - gap) > room
    missed[independent] = False
    if missed.any():
        wrong = int(np.flatnonzero(missed)[0])
        shares = lsqr(reduced[independent].T, reduced[[wrong]].toarray().ravel(), atol=1e-14, btol=1e-14)[0]
        used = [wrong, *independent[np.abs(shares) > SHARE]]
        raise conflict_error(problem, sorted(set(combinations[used].indices.tolist())))


def _determine(
    elimination: Elimination, row_scale: Vector, scale: Vector, of_z: sparse.csr_array, right: Vector
) -> _Determined:
    made = scaled(elimination.determining, columns=row_scale)
    pivots, width = len(elimination.pivots), len(scale)
    place = np.empty(width, dtype=np.int32)
    place[elimination.pivots], place[elimination.free] = np.arange(pivots), np.arange(pivots, width)
    echelon = elimination.echelon
    in_order = sparse.csr_array((echelon.data, place[echelon.indices], echelon.indptr), shape=echelon.shape)
    triangle, of_free = split_columns(in_order, (np.arange(width) < pivots, np.arange(width) >= pivots))
    lu = splu(triangle.tocsc(), permc_spec="NATURAL", diag_pivot_thresh=0.0) if pivots else None
    return _Determined(scale, made, made @ of_z, made @ right, of_free, lu)


def _unmeasured_values(elimination: Elimination, determined: _Determined, z: Vector, reference: Vector) -> Vector:
    scaled = reference / determined.scale
    right = determined.right - determined.from_z @ z - determined.free_part @ scaled[elimination.free]
    scaled[elimination.pivots] = determined.solve(right)
    return np.asarray(scaled * determined.scale)
