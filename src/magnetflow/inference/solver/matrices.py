"""Small operations on arrays, and on sparse matrices that scipy spells with products of matrices.

These, done on the stored entries they cost microseconds, which is what a system of a hundred flows is made of.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from magnetflow.arrays import Indices, Vector


def scaled(matrix: sparse.csr_array, rows: Vector | None = None, columns: Vector | None = None) -> sparse.csr_array:
    """Return the matrix with its rows and columns multiplied by factors."""
    entries = matrix.data
    if rows is not None:
        entries = entries * np.repeat(rows, np.diff(matrix.indptr))
    if columns is not None:
        entries = entries * columns[matrix.indices]
    return sparse.csr_array((entries, matrix.indices, matrix.indptr), shape=matrix.shape)


def typical(values: Vector) -> float:
    """Return the median size of what is finite and not zero, or 0."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(np.median(sizes)) if len(sizes) else 0.0


def row_numbers(matrix: sparse.csr_array) -> Indices:
    """Return the row of each stored entry."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


def largest_in_rows(matrix: sparse.csr_array) -> Vector:
    """Return the largest absolute entry of each row, 0 where it has none."""
    largest = np.zeros(matrix.shape[0])
    np.maximum.at(largest, row_numbers(matrix), np.abs(matrix.data))
    return largest


def row_lengths(matrix: sparse.csr_array) -> Vector:
    """Return the Euclidean length of each row."""
    return np.asarray(np.sqrt(np.bincount(row_numbers(matrix), weights=matrix.data**2, minlength=matrix.shape[0])))


def without_cancelled(left: sparse.csr_array, right: sparse.csr_array, tolerance: float) -> sparse.csr_array:
    """Return the product of two matrices without the entries that are rounding.

    An entry is, if it is at most `tolerance` of the largest product that can have gone into it.
    """
    product = sparse.csr_array(left @ right)
    product.sort_indices()
    largest_in_columns = np.zeros(right.shape[1])
    np.maximum.at(largest_in_columns, right.indices, np.abs(right.data))
    terms = largest_in_rows(left)[row_numbers(product)] * largest_in_columns[product.indices]
    product.data = np.where(np.abs(product.data) > tolerance * terms, product.data, 0.0)
    product.eliminate_zeros()
    return product
