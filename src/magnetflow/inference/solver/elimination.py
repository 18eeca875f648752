"""Which balances determine the unmeasured variables, and which are left to test the measured ones?

Gaussian elimination of the unmeasured columns, each step on the column that fewest balances hold, so that the
combinations stay short and read as sums of neighbouring balances (Markowitz 1957; for reconciliation, the
projection of Crowe, Garcia Campos and Hrymak 1983 and the elimination of Madron 1992 and Cencic 2016).
What is dense at the end is finished by an orthogonal factorisation with pivoting.
Where balances are added, only those that unmeasured variables join to them are eliminated anew.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg
import scipy.sparse as sparse
from scipy.sparse.csgraph import connected_components

from magnetflow.arrays import Indices, Matrix
from magnetflow.inference.solver.matrices import columns_of, row_numbers, rows_of

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

    `columns` (balances, unmeasured) were eliminated. `determining` (pivots, balances) times them is `echelon`, which
    is upper triangular in the columns `pivots`; `remaining` (the rest, balances) times them is zero, each row made
    from its balance in `owners`. The columns `free` are not determined. Where what was left at the end was `dense`,
    combinations may mix balances that do not hang together.
    """

    columns: sparse.csr_array
    determining: sparse.csr_array
    remaining: sparse.csr_array
    owners: Indices
    echelon: sparse.csr_array
    pivots: Indices
    dense: bool

    @cached_property
    def free(self) -> Indices:
        """The columns that no balance determines."""
        return np.setdiff1d(np.arange(self.columns.shape[1]), self.pivots)

    @cached_property
    def _parts(self) -> tuple[Indices, Indices]:
        """Which balances and which columns hang together, by the number of their part."""
        balances, nodes = self.columns.shape[0], sum(self.columns.shape)
        edges = (row_numbers(self.columns), balances + self.columns.indices)
        graph = sparse.coo_array((np.ones(len(edges[0])), edges), shape=(nodes, nodes))
        part = connected_components(graph, directed=False)[1]
        return part[:balances], part[balances:]

    def with_balances(self, added: sparse.csr_array) -> Elimination:
        """Return the elimination of the same columns with balances added (added, unmeasured)."""
        before, width = self.columns.shape
        columns = sparse.csr_array(sparse.vstack([self.columns, added]))
        if self.dense:
            return eliminate(columns)
        row_part, column_part = self._parts
        touched = np.zeros(before + width, dtype=bool)  # by part
        touched[column_part[added.indices]] = True
        of_rows, of_columns = touched[row_part], touched[column_part]
        rows = np.append(np.flatnonzero(of_rows), before + np.arange(added.shape[0]))
        places = np.flatnonzero(of_columns)
        anew = eliminate(columns_of(rows_of(columns, rows), of_columns))
        kept, left = np.flatnonzero(~of_columns[self.pivots]), np.flatnonzero(~of_rows[self.owners])
        owners = np.concatenate([self.owners[left], rows[anew.owners]])
        order, count = np.argsort(owners, kind="stable"), columns.shape[0]
        return Elimination(
            columns,
            _joined(rows_of(self.determining, kept), anew.determining, rows, count),
            rows_of(_joined(rows_of(self.remaining, left), anew.remaining, rows, count), order),
            owners[order],
            _joined(rows_of(self.echelon, kept), anew.echelon, places, width),
            np.concatenate([self.pivots[kept], places[anew.pivots]]),
            anew.dense,
        )


def _joined(above: sparse.csr_array, below: sparse.csr_array, columns: Indices, width: int) -> sparse.csr_array:
    """Return two matrices one above the other, the columns of the second being `columns` of the whole `width`."""
    indices = np.concatenate([above.indices, columns[below.indices].astype(above.indices.dtype)])
    bounds = np.concatenate([above.indptr, above.indptr[-1] + below.indptr[1:]])
    shape = (above.shape[0] + below.shape[0], width)
    joined = sparse.csr_array((np.concatenate([above.data, below.data]), indices, bounds), shape=shape)
    joined.sort_indices()
    return joined


def eliminate(columns: sparse.csr_array) -> Elimination:
    """Eliminate the columns of the unmeasured variables (balances, unmeasured), scaled to entries of about 1."""
    work = _Work(columns)
    work.run()
    dense = any(work.rows[row] for row in work.active)
    owners, remaining = work.finish_densely()
    count, width = columns.shape
    return Elimination(
        columns,
        _stack(work.pivot_combinations, count),
        _stack(remaining, count),
        np.array(owners, dtype=np.intp),
        _stack(work.pivot_rows, width),
        np.array(work.pivots, dtype=np.intp),
        dense,
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
        pivot = next(iter(holders)) if len(holders) == 1 else self._pivot(column)
        pivot_row, combination = self.rows[pivot], self.combinations[pivot]
        self.active.discard(pivot)
        self.entries -= len(pivot_row)
        for other in pivot_row:
            self.holders[other].discard(pivot)
        for row in sorted(holders):
            factor = self.rows[row][column] / pivot_row[column]
            self.entries -= len(self.rows[row])
            self._reduce(row, pivot_row, factor)
            self.rows[row].pop(column, None)
            self.entries += len(self.rows[row])
            _subtract(self.combinations[row], combination, factor)
        holders.clear()
        self.pivots.append(column)
        self.pivot_rows.append(pivot_row)
        self.pivot_combinations.append(combination)

    def _reduce(self, row: int, pivot_row: dict[int, float], factor: float) -> None:
        """Take `factor` times the pivot row from a row, as `_subtract`, and keep account of who holds a column."""
        entries = self.rows[row]
        for column, entry in pivot_row.items():
            before, change = entries.get(column), factor * entry
            if before is None:
                if change:
                    entries[column] = -change
                    self.holders[column].add(row)
                continue
            after = before - change
            if abs(after) <= VANISHED * max(abs(before), abs(change)):
                del entries[column]
                self.holders[column].discard(row)
            else:
                entries[column] = after

    def _pivot(self, column: int) -> int:
        """Return the shortest of the rows in which a column is large enough."""
        rows = self.rows
        sizes = {row: abs(rows[row][column]) for row in self.holders[column]}
        least = STABLE * max(sizes.values())
        return min([(len(rows[row]), row) for row, size in sizes.items() if size >= least])[1]

    def finish_densely(self) -> tuple[list[int], list[dict[int, float]]]:
        """Factorise what is left, if anything: Qᵀ times it is upper triangular in pivot order, then zero.

        Returns the combinations of balances that are then free of all columns, after one balance that is in each.
        """
        rows = sorted(row for row in self.active if self.rows[row])
        owners = sorted(self.active.difference(rows))
        remaining = [self.combinations[row] for row in owners]
        if not rows:
            return owners, remaining
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
        return owners + rows[full:], remaining + combined[full:]


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
    """Make a sparse matrix of rows, sorted, so that views of it with other entries are safe from sorting in place."""
    bounds = np.cumsum([0, *map(len, rows)])
    indices = np.fromiter((column for row in rows for column in row), dtype=np.int32, count=bounds[-1])
    entries = np.fromiter((entry for row in rows for entry in row.values()), dtype=float, count=bounds[-1])
    stacked = sparse.csr_array((entries, indices, bounds), shape=(len(rows), width))
    stacked.sort_indices()
    return stacked
