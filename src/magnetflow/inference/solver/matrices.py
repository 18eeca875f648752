"""Small operations on arrays, and on sparse matrices that scipy spells with products of matrices.

These, done on the stored entries they cost microseconds, which is what a system of a hundred flows is made of.
"""

from __future__ import annotations

from copy import copy

import numpy as np
import scipy.sparse as sparse

from magnetflow.arrays import Indices, Mask, Vector

EVENING = 10  # rounds
TINY = 1e-300


def scaled(matrix: sparse.csr_array, rows: Vector | None = None, columns: Vector | None = None) -> sparse.csr_array:
    """Return the matrix with its rows and columns multiplied by factors."""
    entries = matrix.data
    if rows is not None:
        entries = entries * np.repeat(rows, np.diff(matrix.indptr))
    if columns is not None:
        entries = entries * columns[matrix.indices]
    result = copy(matrix)
    result.data = entries
    return result


def rows_of(matrix: sparse.csr_array, chosen: Indices) -> sparse.csr_array:
    """Return the rows `chosen`, in this order."""
    starts, lengths = matrix.indptr[chosen], np.diff(matrix.indptr)[chosen]
    bounds = np.append(0, np.cumsum(lengths, dtype=matrix.indptr.dtype))
    at = spans(starts, lengths)
    return sparse.csr_array((matrix.data[at], matrix.indices[at], bounds), shape=(len(chosen), matrix.shape[1]))


def columns_of(matrix: sparse.csr_array, chosen: Mask) -> sparse.csr_array:
    """Return the columns where `chosen` is true."""
    kept, number = chosen[matrix.indices], np.cumsum(chosen, dtype=matrix.indices.dtype) - 1
    bounds = np.append(0, np.cumsum(kept, dtype=matrix.indptr.dtype))[matrix.indptr]
    shape = (matrix.shape[0], int(chosen.sum()))
    return sparse.csr_array((matrix.data[kept], number[matrix.indices[kept]], bounds), shape=shape)


def typical(values: Vector) -> float:
    """Return the median size of what is finite and not zero, or 0."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(np.median(sizes)) if len(sizes) else 0.0


def row_numbers(matrix: sparse.csr_array) -> Indices:
    """Return the row of each stored entry."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


def spans(starts: Indices, lengths: Indices) -> Indices:
    """Return the numbers from each start on, as many as its length, one span after the other."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))


def largest_in_rows(matrix: sparse.csr_array) -> Vector:
    """Return the largest absolute entry of each row, 0 where it has none."""
    largest = np.zeros(matrix.shape[0])
    np.maximum.at(largest, row_numbers(matrix), np.abs(matrix.data))
    return largest


def largest_in_columns(matrix: sparse.csr_array) -> Vector:
    """Return the largest absolute entry of each column, 0 where it has none."""
    largest = np.zeros(matrix.shape[1])
    np.maximum.at(largest, matrix.indices, np.abs(matrix.data))
    return largest


def row_lengths(matrix: sparse.csr_array) -> Vector:
    """Return the Euclidean length of each row."""
    return np.asarray(np.sqrt(np.bincount(row_numbers(matrix), weights=matrix.data**2, minlength=matrix.shape[0])))


def evened_columns(matrix: sparse.csr_array) -> tuple[Vector, sparse.csr_array]:
    """Return factors of columns that, with some of rows, bring all entries near one, and the matrix with both.

    Smallest and largest entries of rows and columns are brought to either side of one in turn (Fulkerson and Wolfe
    1962), so that what is left does not depend on the units and sizes of the variables.
    """
    row, column, size = row_numbers(matrix), matrix.indices, np.log(np.maximum(np.abs(matrix.data), TINY))
    rows, columns = np.zeros(matrix.shape[0]), np.zeros(matrix.shape[1])
    for _ in range(EVENING):
        for factors, own, other, others in ((rows, row, columns, column), (columns, column, rows, row)):
            ends = np.full((2, len(factors)), -np.inf)
            np.maximum.at(ends[0], own, size + other[others])
            np.maximum.at(ends[1], own, -size - other[others])
            some = np.isfinite(ends[0])
            factors[some] = 0.5 * (ends[1, some] - ends[0, some])
    return np.exp(columns), scaled(matrix, np.exp(rows), np.exp(columns))


def without_cancelled(
    tolerance: float, *factors: sparse.csr_array, sizes: sparse.csr_array | None = None
) -> sparse.csr_array:
    """Return the product of matrices without the entries that are rounding.

    An entry is, if it is at most `tolerance` of the sum of the sizes of all products that have gone into it.
    `sizes` is the like of the first factor, where that is itself a sum of terms that may have cancelled.
    """
    product, terms = factors[0], abs(factors[0]) if sizes is None else sizes
    for factor in factors[1:]:
        product, terms = product @ factor, terms @ abs(factor)
    product.sort_indices()
    terms.sort_indices()
    of_entry = terms.data
    if terms.nnz > product.nnz:  # a sum that is exactly zero has no entry
        width = product.shape[1]
        wanted = row_numbers(product) * width + product.indices
        of_entry = of_entry[np.searchsorted(row_numbers(terms) * width + terms.indices, wanted)]
    product.data = np.where(np.abs(product.data) > tolerance * of_entry, product.data, 0.0)
    product.eliminate_zeros()
    return product
