"""How much of each variance do the balances explain, without the whole inverse of their matrix?

Of Z = (G Gᵀ)⁻¹ only entries between balances that one variable moves are needed. With G Gᵀ = L D Lᵀ they follow from
Z = L⁻ᵀD⁻¹ + Z (1 − L) column by column from the last, each from entries where L has some (Takahashi, Fagan and Chen
1973; Erisman and Tinney 1975). Columns at one depth of the elimination tree are done together; those that come after
a long column are taken as one dense block.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse as sparse
from scipy.sparse.linalg import SuperLU, splu

from magnetflow.arrays import Array, Indices, Mask, Matrix, Vector
from magnetflow.inference.solver.matrices import spans

LONGEST = 64  # entries of a column of L up to which it is not part of the dense block
LARGEST_BLOCK = 4000  # columns of the dense block
FEW = 400  # balances up to which their whole inverse costs less than choosing entries of it
PAIRS_AT_ONCE = 1_000_000
MOST_CANCELLED = 300.0  # times the sum that its terms may be large


def factorise(symmetric: sparse.csc_array) -> SuperLU:
    """Return the factors of a symmetric positive definite matrix; RuntimeError where it is exactly singular."""
    return splu(symmetric, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})


def selected_forms(g: sparse.csr_array, lu: SuperLU, along: sparse.csr_array) -> Vector | None:
    """Return a (G Gᵀ)⁻¹ aᵀ for each row a of `along` (variables, rows of G); None where the factors are too full.

    `lu` are the factors of G Gᵀ. NaN where terms cancel so far that too few digits are left.
    """
    inverse = _needed_inverse(g, lu, along)
    if inverse is None:
        return None
    position, entries = inverse
    count = np.diff(along.indptr)
    forms, sizes = np.zeros(along.shape[0]), np.zeros(along.shape[0])
    for rows in _portions(np.arange(along.shape[0]), count):
        first, second, _ = _pairs(along.indptr[rows], count[rows])
        one, other = position[along.indices[first]], position[along.indices[second]]
        terms = along.data[first] * along.data[second] * _at(entries, one, other)
        of_row = np.repeat(np.arange(len(rows)), count[rows] ** 2)
        forms[rows] = np.bincount(of_row, terms, len(rows))
        sizes[rows] = np.bincount(of_row, np.abs(terms), len(rows))
    return np.where(sizes > MOST_CANCELLED * np.abs(forms), np.nan, forms)


class _Factors(NamedTuple):
    """L D Lᵀ of a symmetric matrix in the order in which row k of it comes at `place[k]`.

    Column c of L has the entries bounds[c] to bounds[c + 1] of `rows` and `values`, its diagonal first; also entries
    that vanish have a place. `pivots` is the diagonal of D.
    """

    place: Indices
    bounds: Indices
    rows: Indices
    values: Vector
    pivots: Vector


def _needed_inverse(
    g: sparse.csr_array, lu: SuperLU, along: sparse.csr_array
) -> tuple[Indices, sparse.csr_array | Matrix] | None:
    """Return as `_selected_inverse` that of G Gᵀ, for all pairs of rows that meet in a row of `along`."""
    if g.shape[0] <= FEW:
        return np.arange(g.shape[0]), lu.solve(np.eye(g.shape[0]))
    square = g @ g.T
    moved = sparse.csr_array((np.ones(along.nnz), along.indices, along.indptr), shape=along.shape)
    entries, pairs = square.tocoo(), (moved.T @ moved).tocoo()
    places = tuple(np.concatenate(both) for both in zip(entries.coords, pairs.coords, strict=True))
    padded = sparse.coo_array((np.append(entries.data, np.zeros(pairs.nnz)), places), shape=square.shape)
    return _selected_inverse(padded.tocsc())


def _selected_inverse(matrix: sparse.csc_array) -> tuple[Indices, sparse.csr_array] | None:
    """Return the new place of each row, and the upper triangle of the inverse in this order where the factors are."""
    factors = _factors_with_all_places(matrix)
    if factors is None:
        return None
    bounds, rows, shape = factors.bounds, factors.rows, matrix.shape
    depth, in_block = _tree(bounds.tolist(), rows.tolist())
    if in_block.sum() > LARGEST_BLOCK:
        return None
    entries = np.zeros(len(rows))
    if in_block.any():
        of_block = in_block[np.repeat(np.arange(shape[0]), np.diff(bounds))]
        entries[of_block] = _inverse_of_block(factors, in_block, of_block)
    single = np.flatnonzero(np.diff(bounds) == 1)
    entries[bounds[single]] = 1.0 / factors.pivots[single]
    order = np.argsort(depth, kind="stable")
    order = order[~in_block[order] & (depth[order] > 0)]
    number_of = sparse.csr_array((np.arange(len(rows)), rows, bounds), shape=shape)
    for chosen in _portions(order, np.diff(bounds)[order] - 1):
        _descend_levels(factors, number_of, depth, chosen, entries)
    return factors.place, sparse.csr_array((entries, rows, bounds), shape=shape)


def _factors_with_all_places(matrix: sparse.csc_array) -> _Factors | None:
    """Return the factors, or None where they could not be had in one order of rows and columns."""
    size, count = matrix.shape[0], np.diff(matrix.indptr)
    # With these entries none of the factors can vanish by chance, so that they show where there is one.
    on_diagonal = matrix.indices == np.repeat(np.arange(size), count)
    dominant = np.where(on_diagonal, np.repeat(count, count), -1.0)
    pattern = factorise(sparse.csc_array((dominant, matrix.indices, matrix.indptr), shape=matrix.shape))
    found, lower = factorise(matrix), pattern.L
    lower.sort_indices()
    if not np.array_equal(found.perm_c, pattern.perm_c) or not np.array_equal(found.perm_c, found.perm_r):
        return None
    number_of = sparse.csr_array((np.arange(lower.nnz), lower.indices, lower.indptr), shape=matrix.shape)
    values, stored = np.zeros(lower.nnz), found.L.tocoo()
    values[number_of[stored.coords[1], stored.coords[0]]] = stored.data
    return _Factors(found.perm_c, lower.indptr, lower.indices, values, found.U.diagonal())


def _inverse_of_block(factors: _Factors, in_block: Mask, of_block: Mask) -> Vector:
    """Return the entries of the inverse at the places `of_block` (entries), all columns `in_block` together."""
    block = np.flatnonzero(in_block)
    lower = sparse.csc_array((factors.values, factors.rows, factors.bounds), shape=(len(in_block), len(in_block)))
    spread = scipy.linalg.solve_triangular(
        lower[block][:, block].toarray(), np.eye(len(block)), lower=True, unit_diagonal=True, check_finite=False
    )
    inverse = spread.T @ (spread / factors.pivots[block, None])
    number, columns = np.cumsum(in_block) - 1, np.repeat(np.arange(len(in_block)), np.diff(factors.bounds))
    return np.asarray(inverse[number[factors.rows[of_block]], number[columns[of_block]]])


def _descend_levels(
    factors: _Factors, number_of: sparse.csr_array, depth: Indices, chosen: Indices, entries: Vector
) -> None:
    """Fill in the entries of the inverse for the `chosen` columns, by depth, from those above them in the tree.

    `number_of` (columns, rows) has the number of each entry.
    """
    _, bounds, rows, values, pivots = factors
    count, on_diagonal = np.diff(bounds)[chosen] - 1, bounds[chosen]
    first, second, each = _pairs(on_diagonal + 1, count)
    between, factor = _at(number_of, rows[first], rows[second]), -values[second]
    below, inverse = spans(on_diagonal + 1, count), 1.0 / pivots[chosen]
    weight, column_start, pair_start = values[below], np.cumsum(count) - count, np.cumsum(each) - each
    ends = np.append(np.flatnonzero(np.diff(depth[chosen])) + 1, len(chosen))
    entry_ends = np.append(column_start, len(below))[ends]
    pair_ends = np.append(pair_start, len(first))[entry_ends]
    c = e = p = 0  # columns, entries and pairs that are done
    for c_end, e_end, p_end in zip(ends.tolist(), entry_ends.tolist(), pair_ends.tolist(), strict=True):
        terms = entries[between[p:p_end]] * factor[p:p_end]
        solved = np.add.reduceat(terms, pair_start[e:e_end] - p)
        entries[below[e:e_end]] = solved
        spent = np.add.reduceat(weight[e:e_end] * solved, column_start[c:c_end] - e)
        entries[on_diagonal[c:c_end]] = inverse[c:c_end] - spent
        c, e, p = c_end, e_end, p_end


def _tree(bounds: list[int], rows: list[int]) -> tuple[Indices, Mask]:
    """Return the depth of each column in the elimination tree, and whether it is of the dense block."""
    size = len(bounds) - 1
    depth, in_block = [0] * size, [False] * size
    parent = [rows[start + 1] if end - start > 1 else -1 for start, end in pairwise(bounds)]
    for column in range(size):
        in_block[column] |= bounds[column + 1] - bounds[column] > LONGEST
        if in_block[column] and parent[column] >= 0:
            in_block[parent[column]] = True
    for column in range(size - 1, -1, -1):
        if parent[column] >= 0:
            depth[column] = depth[parent[column]] + 1
    return np.array(depth), np.array(in_block, dtype=bool)


def _pairs(starts: Indices, count: Indices) -> tuple[Indices, Indices, Indices]:
    """Return all ordered pairs of entries of each span, and for each entry in how many pairs it comes first."""
    each = np.repeat(count, count)
    return np.repeat(spans(starts, count), each), spans(np.repeat(starts, count), each), each


def _at(upper: sparse.csr_array | Matrix, one: Indices, other: Indices) -> Array:
    """Return entries of a symmetric matrix, given its upper triangle, between pairs of places (pairs)."""
    if not len(one):
        return np.zeros(0, dtype=upper.dtype)
    return np.asarray(upper[np.minimum(one, other), np.maximum(one, other)])


def _portions(chosen: Indices, count: Indices) -> list[Indices]:
    """Split what is chosen so that the pairs of each portion fit into memory; `count` is the entries of each."""
    pairs = np.cumsum(count.astype(np.int64) ** 2)
    portions = np.split(chosen, np.flatnonzero(np.diff(pairs // PAIRS_AT_ONCE)) + 1)
    return [portion for portion in portions if len(portion)]
