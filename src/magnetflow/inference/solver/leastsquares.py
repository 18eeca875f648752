"""Which values meet linear balances and lie nearest to what was measured?

The measured variables are x = y + L z, with L Lᵀ their covariance, so that the weighted sum of squares is z·z.
Eliminating the unmeasured variables leaves balances G z = h among the measured ones alone; then z = Gᵀ(G Gᵀ)⁻¹h
is the nearest point, P = 1 − Gᵀ(G Gᵀ)⁻¹G its covariance (Crowe, Garcia Campos and Hrymak 1983), and the
unmeasured variables follow by back-substitution.
Small problems are solved by an orthogonal factorisation of Gᵀ with pivoting, large ones by a sparse one of G Gᵀ.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import SuperLU, lsqr, splu

from magnetflow.arrays import Indices, Matrix, Vector
from magnetflow.errors import ConflictError, ConvergenceError
from magnetflow.inference.problem import Problem, conflict_error
from magnetflow.inference.solver.elimination import RANK_TOLERANCE, Elimination, eliminate
from magnetflow.inference.solver.factors import DENSE_LIMIT, DenseFactor, SparseFactor, nearest
from magnetflow.inference.solver.matrices import (
    columns_of,
    largest_in_columns,
    largest_in_rows,
    row_lengths,
    row_numbers,
    scaled,
    typical,
    without_cancelled,
)

SHARE = 1e-6  # of a balance in another, below which it has none
FEW_DIGITS = 1e-6  # part of a measured value that is left of it
DROWNED = 1e-8  # largest share of an error in rows of length one, below which it has too few digits
DROWNED_IN_FEW = 1e-4  # the same in few rows, where it may become smaller on the way and the look costs little
CONSISTENT = 1e-9  # a gap this small against the terms of its balances is rounding
DEEPEST = 200  # pivots that follow from one another in a chain
FULLEST = 50  # entries of the response to those of the balances


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
    and `norms` are the lengths (rows) before they were made one. `system` is what was solved.
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
    system: System


@dataclass(frozen=True)
class System:
    """Balances and the elimination of the unmeasured variables; `row_scale` and `scale` bring entries near one."""

    linear: Linear
    row_scale: Vector
    scale: Vector
    elimination: Elimination

    def at_bounds(self, problem: Problem, places: Indices, bounds: Vector) -> System:
        """Return the system with a balance more for each variable at `places`, which keeps it at that of `bounds`."""
        rows = _picks(places, len(problem.names))
        of_unmeasured, linear = columns_of(rows, problem.unmeasured), self.linear
        row_scale = np.ones(len(places))
        row_scale[problem.measured[places]] = 1.0 / problem.sd[places[problem.measured[places]]]
        row_scale[problem.unmeasured[places]] = 1.0 / self.scale[of_unmeasured.indices]
        return System(
            Linear(sparse.csr_array(sparse.vstack([linear.matrix, rows])), np.concatenate([linear.level, bounds])),
            np.concatenate([self.row_scale, row_scale]),
            self.scale,
            self.elimination.with_balances(scaled(of_unmeasured, row_scale, self.scale)),
        )


@dataclass(frozen=True)
class Determined:
    """The unmeasured variables as they follow: echelon · (u / scale) = right − from_z · z.

    Those at `pivots` are determined, those at `free` are not and enter by `free_part` (pivots, free); `scale` is
    (unmeasured), `from_z` (pivots, errors); `made` (pivots, balances) makes the echelon of the balances, whose
    columns of the pivots are the upper `triangle`.
    """

    pivots: Indices
    free: Indices
    scale: Vector
    made: sparse.csr_array
    from_z: sparse.csr_array
    right: Vector
    free_part: sparse.csr_array
    triangle: sparse.csr_array
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

    @cached_property
    def response(self) -> sparse.csr_array | None:
        """triangle⁻¹ from_z (pivots, errors), all pivots of one depth at once; None if deep or full."""
        diagonal = 1.0 / self.triangle.diagonal()
        others = scaled(self.triangle.copy(), -diagonal)
        others.data[row_numbers(others) == others.indices] = 0.0
        others.eliminate_zeros()
        first = response = scaled(self.from_z, diagonal)
        waiting = np.diff(others.indptr) > 0
        for _ in range(DEEPEST):
            if not waiting.any():
                return response
            response = first + others @ response
            if response.nnz > FULLEST * (first.nnz + len(diagonal)):
                return None
            waiting = np.bincount(row_numbers(others), waiting[others.indices], len(waiting)) > 0
        return None


def fit(problem: Problem, linear: Linear, reference: Vector) -> Fit:
    """Return the nearest point to the measured values that meets linear balances.

    `reference` has a value for every variable (variables); what the balances leave free stays there.
    Raises ConflictError when no values meet the balances.
    """
    of_unmeasured = columns_of(linear.matrix, problem.unmeasured)
    row_scale, scale = _equilibrate(_in_errors(problem, linear.matrix), of_unmeasured)
    elimination = eliminate(scaled(of_unmeasured, row_scale, scale))
    return fit_system(problem, System(linear, row_scale, scale, elimination), reference)


def fit_system(problem: Problem, system: System, reference: Vector) -> Fit:
    """Return the same for a system whose unmeasured variables have been eliminated already."""
    combinations = scaled(system.elimination.remaining, columns=system.row_scale)
    made = _combine(problem, system.linear.matrix, combinations)
    separated = _separated(problem, system.linear.matrix, combinations, made[1])
    if separated:
        with suppress(ConflictError):  # which may come from what cancels in the separation
            return _fit_combinations(problem, system, reference, *separated)
    return _fit_combinations(problem, system, reference, combinations, *made)


def _fit_combinations(
    problem: Problem,
    system: System,
    reference: Vector,
    combinations: sparse.csr_array,
    combined: sparse.csr_array,
    reduced: sparse.csr_array,
) -> Fit:
    """Return the fit by combinations (rows, balances) of which `combined` and `reduced` are what `_combine` makes."""
    linear, known = system.linear, np.where(problem.unmeasured, 0.0, problem.value)
    level = combinations @ linear.level
    norms, gap = row_lengths(reduced), level - combined @ known
    if not norms.all():
        wrong = np.flatnonzero((norms == 0) & (np.abs(gap) > _rounding(problem, linear, combinations)))
        if len(wrong):  # these hold no measured variable but ask for something
            shortest = wrong[np.argmin(np.diff(combinations.indptr)[wrong])]
            raise conflict_error(problem, sorted(combinations[[shortest]].indices.tolist()))
        combinations, combined, reduced, level, gap, norms = (
            part[norms > 0] for part in (combinations, combined, reduced, level, gap, norms)
        )
    reduced = scaled(reduced, 1.0 / norms)
    independent, factor, z, along = nearest(reduced, gap / norms)
    multipliers = combinations[independent].T @ (along / norms[independent])
    change = z
    x = known.copy()
    x[problem.measured] += problem.root @ z
    if (np.abs(x) < FEW_DIGITS * np.abs(known)).any():  # then what is left of a value is mended by its balances
        known = x.copy()
        change, _ = factor.solve(((level - combined @ known) / norms)[independent])
        x[problem.measured] += problem.root @ change
        z = z + change
    determined = _determine(problem, system, known)
    x[problem.unmeasured] = determined.values(change, reference[problem.unmeasured])
    fitted = Fit(z, x, multipliers, combinations, reduced, gap, norms, independent, factor, determined, system)
    if len(independent) < len(gap):
        _refuse_dependent(problem, linear, fitted)
    return fitted


def _combine(
    problem: Problem,
    matrix: sparse.csr_array,
    combinations: sparse.csr_array,
    sizes: sparse.csr_array | None = None,
) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Return what combinations of balances hold of variables (rows, variables) and of errors (rows, errors).

    `sizes` are those of the terms of which each entry of `combinations` is the sum.
    """
    combined = without_cancelled(RANK_TOLERANCE, combinations, matrix, sizes=sizes)
    if not problem.covariance.nnz:
        return combined, _in_errors(problem, combined)
    # Errors that variables share may cancel as well.
    of_measured = columns_of(matrix, problem.measured)
    return combined, without_cancelled(RANK_TOLERANCE, combinations, of_measured, problem.root, sizes=sizes)


def _in_errors(problem: Problem, rows: sparse.csr_array) -> sparse.csr_array:
    """Return what rows (rows, variables) hold of the errors (rows, errors)."""
    of_measured = columns_of(rows, problem.measured)
    if problem.covariance.nnz:
        return without_cancelled(RANK_TOLERANCE, of_measured, problem.root)
    return scaled(of_measured, columns=problem.sd[problem.measured])


def _separated(
    problem: Problem, matrix: sparse.csr_array, combinations: sparse.csr_array, reduced: sparse.csr_array
) -> tuple[sparse.csr_array, sparse.csr_array, sparse.csr_array] | None:
    """Return combinations (rows, balances) of which those that can be are free of errors that drown others.

    Where an error weighs almost nothing in any row of `reduced` (rows, errors), rows may differ by it alone, and
    the difference must be taken before any rounding. With them come what `_combine` makes of them; None if there is
    no such combination.
    """
    rows, limit = np.arange(reduced.shape[0]), DROWNED if reduced.shape[1] > DENSE_LIMIT else DROWNED_IN_FEW
    sizes, made = abs(combinations), None
    while len(rows):
        lengths = row_lengths(reduced)
        inverse = 1.0 / np.where(lengths > 0, lengths, 1.0)
        shares = scaled(reduced, inverse)
        largest = largest_in_columns(shares)
        if not ((largest > 0) & (largest < limit)).any():
            break
        found = eliminate(columns_of(shares, largest >= np.sqrt(limit)))
        if found.dense or not len(found.owners):
            break
        even = scaled(found.remaining, columns=inverse)
        changed = np.arange(combinations.shape[0])
        changed[rows[found.owners]] = combinations.shape[0] + np.arange(len(found.owners))
        combinations, sizes = (
            sparse.csr_array(sparse.vstack([before, factor @ before[rows]])[changed])
            for before, factor in ((combinations, even), (sizes, abs(even)))
        )
        made = (combinations, *_combine(problem, matrix, combinations, sizes))
        rows = rows[found.owners]
        reduced = made[2][rows]
    return made


def _picks(places: Indices, width: int) -> sparse.csr_array:
    """Return a row for each of the `places`, with a one in its column."""
    return sparse.csr_array((np.ones(len(places)), places, np.arange(len(places) + 1)), shape=(len(places), width))


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
    Of several balances the surest counts, so that a trace is not measured against the bulk beside it.
    """
    row, column, size = row_numbers(of_unmeasured), of_unmeasured.indices, np.abs(of_unmeasured.data)
    sizes = np.zeros(of_unmeasured.shape[1])
    weight = steady.copy()
    while True:
        np.maximum.at(weight, row, size * sizes[column])
        found = np.full(len(sizes), np.inf)
        weighs = (weight[row] > 0) & (size > 0)
        np.minimum.at(found, column[weighs], (weight[row] / np.where(size > 0, size, 1.0))[weighs])
        fresh = (sizes == 0) & np.isfinite(found)
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


def _determine(problem: Problem, system: System, known: Vector) -> Determined:
    """Return how the unmeasured variables follow, `known` having the values of the others (variables)."""
    elimination, linear = system.elimination, system.linear
    made = scaled(elimination.determining, columns=system.row_scale)
    combined, from_z = _combine(problem, linear.matrix, made)
    pivots, free = elimination.pivots, elimination.free
    triangle, of_free = elimination.echelon[:, pivots], elimination.echelon[:, free]
    try:
        lu = splu(triangle.tocsc(), permc_spec="NATURAL", diag_pivot_thresh=0.0) if len(pivots) else None
    except RuntimeError:
        raise ConvergenceError("numbers grew beyond what can be computed with; give starts away from zero") from None
    right = made @ linear.level - combined @ known
    return Determined(pivots, free, system.scale, made, from_z, right, of_free, triangle, lu)
