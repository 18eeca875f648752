"""Which balances determine the unmeasured variables, and which are left to test the measured ones?

Gaussian elimination of the unmeasured columns, each step on the column that fewest balances hold, so that the
combinations stay short and read as sums of neighbouring balances (Markowitz 1957; for reconciliation, the
projection of Crowe, Garcia Campos and Hrymak 1983 and the elimination of Madron 1992 and Cencic 2016).
What is dense at the end is finished by an orthogonal factorisation with pivoting.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.sparse as sparse

from magnetflow.arrays import Indices, Matrix
from magnetflow.inference.solver.matrices import row_numbers

VANISHED = 1e-11  # a difference this small against its terms is zero
RANK_TOLERANCE = 1e-10
STABLE = 0.1  # a pivot is at least this part of the largest entry of its column
DENSE = 0.4  # share of entries from which the rest is treated as dense
SMALLEST_DENSE = 40  # columns


def rank(triangle: Matrix) -> int:
    """Return the rank of a matrix from its `triangle` of an orthogonal factorisation with pivoting."""
    diagonal = np.abs(np.diag(triangle))
    return int((diagonal > RANK_TOLERANCE * diagonal[:1]).sum())


@dataclass(frozen=True)
class Elimination:
    """Combinations of balances: those that determine unmeasured variables, and those that are free of them.

    `determining` (pivots by balances) times the unmeasured columns is `echelon`, which is upper triangular in the
    columns `pivots`; `remaining` (the rest by balances) times the unmeasured columns is zero.
    The columns `free` are not determined.
    """

    determining: sparse.csr_array
    remaining: sparse.csr_array
    echelon: sparse.csr_array
    pivots: Indices
    free: Indices


def eliminate(columns: sparse.csr_array) -> Elimination:
    """Eliminate the columns of the unmeasured variables (balances by variables), scaled to entries of about 1."""
    work = _Work(columns)
    work.run()
    remaining = work.finish_densely()
    count, width = columns.shape
    pivots = np.array(work.pivots, dtype=np.intp)
    return Elimination(
        _stack(work.pivot_combinations, count),
        _stack(remaining, count),
        _stack(work.pivot_rows, width),
        pivots,
        np.setdiff1d(np.arange(width), pivots),
    )


class _Work:
    """The rows under elimination, each a mapping from column to entry, and what each is made of."""

    def __init__(self, columns: sparse.csr_array) -> None:
        self.rows: list[dict[int, float]] = [{} for _ in range(columns.shape[0])]
        self.holders: list[set[int]] = [set() for _ in range(columns.shape[1])]
        stored = (row_numbers(columns).tolist(), columns.indices.tolist(), columns.data.tolist())
        for row, column, entry in zip(*stored, strict=True):
            if entry:
                self.rows[row][column] = entry
                self.holders[column].add(row)
        self.combinations: list[dict[int, float]] = [{row: 1.0} for row in range(columns.shape[0])]
        self.active = set(range(columns.shape[0]))
        self.pivots: list[int] = []
        self.pivot_rows: list[dict[int, float]] = []
        self.pivot_combinations: list[dict[int, float]] = []
        self.entries = sum(map(len, self.rows))

    def run(self) -> None:
        """Eliminate column by column until none is left or the rest is dense."""
        queue = [(len(holders), column) for column, holders in enumerate(self.holders) if holders]
        heapq.heapify(queue)
        while queue:
            count, column = heapq.heappop(queue)
            holders = self.holders[column]
            if not holders:
                continue
            if count != len(holders):
                heapq.heappush(queue, (len(holders), column))
                continue
            if count > 3 and len(queue) >= SMALLEST_DENSE and self.entries > DENSE * len(queue) * len(self.active):
                return
            self._eliminate(column)

    def _eliminate(self, column: int) -> None:
        holders = self.holders[column]
        largest = max(abs(self.rows[row][column]) for row in holders)
        pivot = min(
            (row for row in holders if abs(self.rows[row][column]) >= STABLE * largest),
            key=lambda row: (len(self.rows[row]), row),
        )
        pivot_row, combination = self.rows[pivot], self.combinations[pivot]
        self.active.discard(pivot)
        self.entries -= len(pivot_row)
        for other in pivot_row:
            self.holders[other].discard(pivot)
        for row in sorted(holders):
            factor = self.rows[row][column] / pivot_row[column]
            self.entries -= len(self.rows[row])
            _subtract(self.rows[row], pivot_row, factor)
            self.rows[row].pop(column, None)
            self.entries += len(self.rows[row])
            _subtract(self.combinations[row], combination, factor)
            for other in pivot_row:
                (self.holders[other].add if other in self.rows[row] else self.holders[other].discard)(row)
        holders.clear()
        self.pivots.append(column)
        self.pivot_rows.append(pivot_row)
        self.pivot_combinations.append(combination)

    def finish_densely(self) -> list[dict[int, float]]:
        """Factorise what is left, if anything: Qᵀ times it is upper triangular in pivot order, then zero.

        Returns the combinations of balances that are then free of all columns.
        """
        rows = sorted(row for row in self.active if self.rows[row])
        remaining = [self.combinations[row] for row in sorted(self.active.difference(rows))]
        if not rows:
            return remaining
        columns = sorted({column for row in rows for column in self.rows[row]})
        place = {column: position for position, column in enumerate(columns)}
        left = np.zeros((len(rows), len(columns)))
        for position, row in enumerate(rows):
            for column, entry in self.rows[row].items():
                left[position, place[column]] = entry
        turned, triangle, order = scipy.linalg.qr(left, pivoting=True)
        full = rank(triangle)
        combined: list[dict[int, float]] = [{} for _ in rows]
        for total, weights in zip(combined, turned.T.tolist(), strict=True):
            for row, weight in zip(rows, weights, strict=True):
                _subtract(total, self.combinations[row], -weight)
        self.pivots += [columns[at] for at in order[:full]]
        self.pivot_combinations += combined[:full]
        self.pivot_rows += [
            {columns[order[at]]: float(triangle[position, at]) for at in range(position, len(columns))}
            for position in range(full)
        ]
        return remaining + combined[full:]


def _subtract(row: dict[int, float], other: dict[int, float], factor: float) -> None:
    """Take `factor` times `other` from `row`, dropping what cancels."""
    for column, entry in other.items():
        before, change = row.get(column, 0.0), factor * entry
        after = before - change
        if abs(after) <= VANISHED * max(abs(before), abs(change)):
            row.pop(column, None)
        else:
            row[column] = after


def _stack(rows: Sequence[dict[int, float]], width: int) -> sparse.csr_array:
    """Make a sparse matrix of rows."""
    bounds = np.cumsum([0, *map(len, rows)])
    indices = np.fromiter((column for row in rows for column in row), dtype=np.int32, count=bounds[-1])
    entries = np.fromiter((entry for row in rows for entry in row.values()), dtype=float, count=bounds[-1])
    return sparse.csr_array((entries, indices, bounds), shape=(len(rows), width))
