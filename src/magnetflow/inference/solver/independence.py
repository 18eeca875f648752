"""Which rows of a large sparse matrix are independent?

A row that holds a column no other row holds is independent of the rest and is set aside; so on with what is left.
What remains is usually little, and is settled by an orthogonal factorisation with pivoting.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg
import scipy.sparse as sparse
from scipy.sparse.csgraph import connected_components

from magnetflow.arrays import Indices
from magnetflow.errors import ProblemError
from magnetflow.inference.solver.elimination import RANK_TOLERANCE

LEAST_SHARE = 1e-6  # of a row's length: a column smaller than that does not settle independence
LARGEST_CORE = 6000  # rows; beyond it the dense factorisation would not fit a desk machine


def independent_rows(matrix: sparse.csr_array) -> Indices:
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
        diagonal = np.abs(np.diag(triangle))
        rank = int((diagonal > RANK_TOLERANCE * diagonal[0]).sum())
        kept[left[rows[order[rank:]]]] = False
    return np.flatnonzero(kept)


def _peel(matrix: sparse.csr_array) -> Indices:
    """Return the rows that are left when every row with a column of its own has been set aside, again and again."""
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
    return np.flatnonzero(~np.array(gone, dtype=bool))
