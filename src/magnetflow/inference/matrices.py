"""Small operations on sparse matrices that scipy spells with products of matrices.

Done on the stored entries they cost microseconds, which is what a system of a hundred flows is made of.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def scaled(matrix: sparse.csr_array, rows: Vector | None = None, columns: Vector | None = None) -> sparse.csr_array:
    """Return the matrix with its rows and columns multiplied by factors."""
    entries = matrix.data
    if rows is not None:
        entries = entries * np.repeat(rows, np.diff(matrix.indptr))
    if columns is not None:
        entries = entries * columns[matrix.indices]
    return sparse.csr_array((entries, matrix.indices, matrix.indptr), shape=matrix.shape)


def split_columns(matrix: sparse.csr_array, masks: Sequence[NDArray[np.bool_]]) -> list[sparse.csr_array]:
    """Return one matrix for each mask, of the columns it tells."""
    rows = row_numbers(matrix)
    parts = []
    for mask in masks:
        kept = mask[matrix.indices]
        bounds = np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=matrix.shape[0]))])
        indices = (np.cumsum(mask) - 1)[matrix.indices[kept]]
        parts.append(sparse.csr_array((matrix.data[kept], indices, bounds), shape=(matrix.shape[0], int(mask.sum()))))
    return parts


def row_numbers(matrix: sparse.csr_array) -> NDArray[np.intp]:
    """Return the row of each stored entry."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


def largest_in_rows(matrix: sparse.csr_array) -> Vector:
    """Return the largest absolute entry of each row, 0 where it has none."""
    largest = np.zeros(matrix.shape[0])
    np.maximum.at(largest, row_numbers(matrix), np.abs(matrix.data))
    return largest


def row_lengths(matrix: sparse.csr_array) -> Vector:
    """Return the Euclidean length of each row."""
    lengths: Vector = np.sqrt(np.bincount(row_numbers(matrix), weights=matrix.data**2, minlength=matrix.shape[0]))
    return lengths


def without_cancelled(matrix: sparse.csr_array, terms: sparse.csr_array, tolerance: float) -> sparse.csr_array:
    """Drop the entries of a product that are rounding: at most `tolerance` of the terms they were summed from.

    `terms` is the product of the absolute factors; it has the same or more entries.
    """
    matrix.sort_indices()
    terms.sort_indices()
    if len(matrix.data) == len(terms.data) and np.array_equal(matrix.indices, terms.indices):
        sizes = terms.data
    else:
        sizes = np.asarray(terms[row_numbers(matrix), matrix.indices]).ravel()
    kept = np.abs(matrix.data) > tolerance * sizes
    bounds = np.concatenate([[0], np.cumsum(np.bincount(row_numbers(matrix)[kept], minlength=matrix.shape[0]))])
    return sparse.csr_array((matrix.data[kept], matrix.indices[kept], bounds), shape=matrix.shape)
