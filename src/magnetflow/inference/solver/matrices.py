"""Small operations on sparse matrices that scipy spells with products of matrices.

Done on the stored entries they cost microseconds, which is what a system of a hundred flows is made of.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sparse

from magnetflow.arrays import Indices, Mask, Vector


def scaled(matrix: sparse.csr_array, rows: Vector | None = None, columns: Vector | None = None) -> sparse.csr_array:
    """Return the matrix with its rows and columns multiplied by factors."""
    entries = matrix.data
    if rows is not None:
        entries = entries * np.repeat(rows, np.diff(matrix.indptr))
    if columns is not None:
        entries = entries * columns[matrix.indices]
    return sparse.csr_array((entries, matrix.indices, matrix.indptr), shape=matrix.shape)


def split_columns(matrix: sparse.csr_array, masks: Sequence[Mask]) -> list[sparse.csr_array]:
    """Return one matrix for each mask, of the columns it tells."""
    rows = row_numbers(matrix)
    parts = []
    for mask in masks:
        kept = mask[matrix.indices]
        bounds = np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=matrix.shape[0]))])
        indices = (np.cumsum(mask) - 1)[matrix.indices[kept]]
        parts.append(sparse.csr_array((matrix.data[kept], indices, bounds), shape=(matrix.shape[0], int(mask.sum()))))
    return parts


def rows_in_place(parts: Sequence[tuple[Indices, sparse.csr_array]], rows: int) -> sparse.csr_array:
    """Return a matrix of `rows` rows, each part giving the numbers of its rows; the others are empty."""
    row = np.concatenate([numbers[row_numbers(part)] for numbers, part in parts])
    order = np.argsort(row, kind="stable")
    indices = np.concatenate([part.indices for _, part in parts])[order]
    entries = np.concatenate([part.data for _, part in parts])[order]
    bounds = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=rows))])
    return sparse.csr_array((entries, indices, bounds), shape=(rows, parts[0][1].shape[1]))


def rows_touched(matrix: sparse.csr_array, columns: Mask) -> Mask:
    """Tell which rows have an entry in one of the columns."""
    return np.asarray(np.bincount(row_numbers(matrix), columns[matrix.indices], matrix.shape[0]) > 0)


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


def largest_in_columns(matrix: sparse.csr_array) -> Vector:
    """Return the largest absolute entry of each column, 0 where it has none."""
    largest = np.zeros(matrix.shape[1])
    np.maximum.at(largest, matrix.indices, np.abs(matrix.data))
    return largest


def only_finite(matrix: sparse.csr_array) -> sparse.csr_array:
    """Return the matrix with zeros where an entry is not finite."""
    return sparse.csr_array(
        (np.nan_to_num(matrix.data, posinf=0.0, neginf=0.0), matrix.indices, matrix.indptr), shape=matrix.shape
    )


def weighted_rows(matrix: sparse.csr_array, weights: Vector) -> Vector:
    """Return the sum of the rows, each times its weight."""
    terms = matrix.data * np.repeat(weights, np.diff(matrix.indptr))
    return np.bincount(matrix.indices, terms, matrix.shape[1]).astype(np.float64, copy=False)


def without_cancelled(left: sparse.csr_array, right: sparse.csr_array, tolerance: float) -> sparse.csr_array:
    """Return the product of two matrices without the entries that are rounding.

    An entry is, if it is at most `tolerance` of the largest product that can have gone into it.
    """
    product = left @ right
    product.sort_indices()
    row = row_numbers(product)
    terms = largest_in_rows(left)[row] * largest_in_columns(right)[product.indices]
    kept = np.abs(product.data) > tolerance * terms
    if kept.all():
        return sparse.csr_array(product)
    bounds = np.concatenate([[0], np.cumsum(np.bincount(row[kept], minlength=product.shape[0]))])
    return sparse.csr_array((product.data[kept], product.indices[kept], bounds), shape=product.shape)
