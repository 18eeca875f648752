"""How are the reduced balances solved, and what do they take from a covariance?

The balances are G z = h, the rows of G having length one, and the shortest z is wanted.
Small systems are solved by an orthogonal factorisation of Gᵀ with pivoting, which also tells which rows are
independent; large ones by a sparse factorisation of G Gᵀ, refined, and checked against the balances. There a row
that holds a column no other row holds is independent of the rest and set aside, and so on with what is left; what
remains is usually little, and is settled by an orthogonal factorisation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.sparse as sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import SuperLU

from magnetflow.arrays import Indices, Matrix, Vector
from magnetflow.errors import ConvergenceError, ProblemError
from magnetflow.inference.solver.elimination import rank
from magnetflow.inference.solver.matrices import largest_in_columns, row_numbers, rows_of
from magnetflow.inference.solver.selected import LONGEST, factorise, selected_forms

DENSE_LIMIT = 120  # measured variables up to which dense algebra is the faster
DENSE_REFUGE = 6000  # and up to which it is the refuge where squaring the condition costs too much
COLUMNS_AT_ONCE = 16
MANY = 200  # variables from which entries of the inverse cost less than solving for each
MET = 1e-10  # of a reduced balance: the sparse solution is trusted if it meets them to this
SURE = 1e-4  # square of the distance of each row from those before it, from which they are independent
FEW = 0.05  # of the rows
TRIED = 1000  # rows up to which all are taken as independent first; of more, some nearly always depend on others
LEAST_SHARE = 1e-6  # of a row's length: a column smaller than that does not settle independence
LARGEST_CORE = 6000  # rows; beyond it the dense factorisation would not fit a desk machine


@dataclass(frozen=True)
class DenseFactor:
    """Gᵀ = Q R (errors, rows) with its columns in pivot order."""

    q: Matrix
    r: Matrix

    def solve(self, gap: Vector) -> tuple[Vector, Vector]:
        """Return the shortest z with G z = gap, and the multipliers with Gᵀ multipliers = z."""
        along = scipy.linalg.solve_triangular(self.r, gap, trans="T", check_finite=False)
        return self.q @ along, scipy.linalg.solve_triangular(self.r, along, check_finite=False)

    def project(self, columns: Matrix) -> Matrix:
        """Return P times the columns (errors, columns)."""
        return np.asarray(columns - self.q @ (self.q.T @ columns))

    def explained(self, rows: sparse.csr_array) -> Matrix:
        """Return what the balances take from the covariance of variables `rows` (variables, errors) · z."""
        along = rows @ self.q
        return np.asarray(along @ along.T)

    def explained_variance(self, rows: sparse.csr_array, limit: int) -> Vector:
        """Return the diagonal of that; NaN for those solved for one by one beyond the first `limit` of these."""
        return np.asarray(((rows @ self.q) ** 2).sum(axis=1))


@dataclass(frozen=True)
class SparseFactor:
    """G, and the factors of G Gᵀ."""

    g: sparse.csr_array
    lu: SuperLU

    def solve(self, gap: Vector) -> tuple[Vector, Vector]:
        """As the dense one; two steps of refinement bring back what squaring the condition costs."""
        multipliers = self.lu.solve(gap)
        for _ in range(2):
            multipliers += self.lu.solve(gap - self.g @ (self.g.T @ multipliers))
        return self.g.T @ multipliers, multipliers

    def project(self, columns: Matrix) -> Matrix:
        """As the dense one."""
        return np.asarray(columns - self.g.T @ self.lu.solve(self.g @ columns))

    def explained(self, rows: sparse.csr_array) -> Matrix:
        """As the dense one."""
        along = rows @ self.g.T
        square: Matrix = along @ self._solve_columns(along)
        return 0.5 * (square + square.T)

    def explained_variance(self, rows: sparse.csr_array, limit: int) -> Vector:
        """As the dense one; of variables that move few balances by entries of the inverse, else by solving."""
        along = (rows @ self.g.T).tocsr()
        count = np.diff(along.indptr)
        variances, short = np.where(count > 0, np.nan, 0.0), count <= LONGEST
        selected = selected_forms(self.g, self.lu, along[short]) if along.shape[0] > MANY else None
        if selected is not None:
            variances[short] = selected
        left = np.flatnonzero(np.isnan(variances))[:limit]
        for first in range(0, len(left), COLUMNS_AT_ONCE):
            block = left[first : first + COLUMNS_AT_ONCE]
            columns = along[block].T.toarray(order="F")
            variances[block] = np.sum(columns * self.lu.solve(columns), axis=0)
        return variances

    def _solve_columns(self, along: sparse.csr_array) -> Matrix:
        """Solve for the rows of `along` as right-hand sides, a few at a time, so that they stay in the cache."""
        columns: Matrix = along.T.toarray(order="F")
        for first in range(0, columns.shape[1], COLUMNS_AT_ONCE):
            block = slice(first, first + COLUMNS_AT_ONCE)
            columns[:, block] = self.lu.solve(columns[:, block])
        return columns


def nearest(reduced: sparse.csr_array, gap: Vector) -> tuple[Indices, DenseFactor | SparseFactor, Vector, Vector]:
    """Return the independent rows, their factors, the shortest z that meets them (errors), and its multipliers.

    `reduced` is G (rows, errors), `gap` is h (rows). Raises ConvergenceError for rows too nearly dependent.
    """
    if reduced.shape[1] > DENSE_LIMIT:
        independent, sparse_factor = np.arange(reduced.shape[0]), None
        if len(independent) <= TRIED:
            sparse_factor = _factorise_sparsely(reduced)
        if sparse_factor is None or sparse_factor.lu.U.diagonal().min(initial=1.0) < SURE:
            independent = _independent_rows(reduced)
            sparse_factor = _factorise_sparsely(rows_of(reduced, independent))
        if sparse_factor is not None:
            z, along = sparse_factor.solve(gap[independent])
            missed = np.abs(sparse_factor.g @ z - gap[independent]).max(initial=0.0)
            if missed <= MET * (1.0 + np.abs(gap).max(initial=0.0)):
                return independent, sparse_factor, z, along
        if reduced.shape[1] > DENSE_REFUGE:
            raise ConvergenceError("balances are too nearly dependent to be solved; drop those that repeat others")
    # With the errors in order of their largest shares, small ones keep all their digits (Cox and Higham 1998).
    by_size = np.argsort(-largest_in_columns(reduced), kind="stable")
    sorted_q, r, order = scipy.linalg.qr(
        reduced.toarray().T[by_size], mode="economic", pivoting=True, check_finite=False
    )
    full, q = rank(r), np.empty_like(sorted_q)
    q[by_size] = sorted_q
    independent, factor = order[:full].astype(np.intp), DenseFactor(q[:, :full], r[:full, :full])
    return independent, factor, *factor.solve(gap[independent])


def _factorise_sparsely(g: sparse.csr_array) -> SparseFactor | None:
    """Return the factors of G Gᵀ, or None if it is singular to working precision."""
    try:
        return SparseFactor(g, factorise((g @ g.T).T))
    except RuntimeError:
        return None


def _independent_rows(matrix: sparse.csr_array) -> Indices:
    """Return the numbers of a largest set of independent rows, sorted; the rows have length one."""
    left, kept = _peel(matrix), np.ones(matrix.shape[0], dtype=bool)
    if not len(left):
        return np.flatnonzero(kept)
    core = matrix[left]
    _, part_of = connected_components(sparse.block_array([[None, core], [core.T, None]]), directed=False)
    for part in np.unique(part_of[: len(left)]):
        rows = np.flatnonzero(part_of[: len(left)] == part)
        within = core[rows]
        if len(rows) > LARGEST_CORE:
            raise ProblemError(
                f"{len(rows)} balances hang together in a closed system too large to be tested for repetition; "
                "drop one that follows from the others"
            )
        dense = within[:, np.unique(within.indices)].toarray()
        triangle, order = scipy.linalg.qr(dense.T, mode="r", pivoting=True)
        kept[left[rows[order[rank(triangle) :]]]] = False
    return np.flatnonzero(kept)


def _peel(matrix: sparse.csr_array) -> Indices:
    """Return the rows that are left when every row with a column of its own has been set aside, again and again."""
    left, share = np.arange(matrix.shape[0]), 1.0
    while share > FEW:  # together as long as they are many, then one by one
        single = np.bincount(matrix.indices, minlength=matrix.shape[1]) == 1
        own = single[matrix.indices] & (np.abs(matrix.data) >= LEAST_SHARE)
        kept = np.bincount(row_numbers(matrix)[own], minlength=len(left)) == 0
        share = 1.0 - kept.mean() if len(left) else 0.0
        left, matrix = left[kept], matrix[kept]
    by_column = matrix.tocsc()
    bounds, holders = by_column.indptr.tolist(), by_column.indices.tolist()
    row_bounds, row_columns = matrix.indptr.tolist(), matrix.indices.tolist()
    large = (np.abs(by_column.data) >= LEAST_SHARE).tolist()
    count = np.diff(by_column.indptr).tolist()
    gone = [False] * matrix.shape[0]
    waiting = [column for column, rows in enumerate(count) if rows == 1]
    while waiting:
        column = waiting.pop()
        for at in range(bounds[column], bounds[column + 1]):
            row = holders[at]
            if gone[row] or not large[at]:
                continue
            gone[row] = True
            for other in row_columns[row_bounds[row] : row_bounds[row + 1]]:
                count[other] -= 1
                if count[other] == 1:
                    waiting.append(other)
    return np.asarray(left[~np.array(gone, dtype=bool)])
