"""Which balances and bounds cannot hold together?

The least total imbalance that the bounds allow is found by a linear program.
Its dual values are a certificate: the balances and bounds with a dual value that is not zero contradict each other,
whatever the others say (Farkas 1902; for its use on infeasible models Gleeson and Ryan 1990).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse
from scipy.optimize import linprog

from magnetflow.arrays import Vector
from magnetflow.errors import ConflictError
from magnetflow.inference.problem import Problem, conflict_error
from magnetflow.inference.solver.leastsquares import Linear
from magnetflow.inference.solver.matrices import largest_in_rows, scaled

IMBALANCE = 1e-7  # scaled; below it the balances and bounds hold together


def conflict(problem: Problem, linear: Linear) -> ConflictError | None:
    """Return the error that names the balances and bounds in conflict, or None if none are."""
    free = np.flatnonzero(~problem.constant)
    matrix, of_constant = linear.matrix[:, free], linear.matrix[:, problem.constant]
    largest = largest_in_rows(matrix)
    row_scale = 1.0 / np.where(largest > 0, largest, 1.0)
    right = row_scale * (linear.level - of_constant @ problem.value[problem.constant])
    unit = max(_typical(right), _typical(problem.lower[free]), _typical(problem.upper[free])) or 1.0
    balances, variables = matrix.shape
    slack = sparse.eye_array(balances)
    rows = sparse.hstack([scaled(matrix, row_scale), slack, -slack]).tocsc()
    cost = np.concatenate([np.zeros(variables), np.ones(2 * balances)])
    low = np.concatenate([problem.lower[free] / unit, np.zeros(2 * balances)])
    high = np.concatenate([problem.upper[free] / unit, np.full(2 * balances, np.inf)])
    found = linprog(cost, A_eq=rows, b_eq=right / unit, bounds=np.column_stack([low, high]), method="highs")
    if found.status != 0 or found.fun <= IMBALANCE:
        return None
    used = np.flatnonzero(np.abs(found.eqlin.marginals) > IMBALANCE)
    at_lower = np.abs(found.lower.marginals[:variables]) > IMBALANCE
    at_upper = np.abs(found.upper.marginals[:variables]) > IMBALANCE
    bounds = [f"{problem.names[place]} ≥ {problem.lower[place]:g}" for place in free[at_lower]]
    bounds += [f"{problem.names[place]} ≤ {problem.upper[place]:g}" for place in free[at_upper]]
    return conflict_error(problem, used.tolist(), bounds)


def _typical(values: Vector) -> float:
    """Return the median size of what is finite and not zero, or 0."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(np.median(sizes)) if len(sizes) else 0.0
