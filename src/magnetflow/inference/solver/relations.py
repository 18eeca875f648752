"""What do the algebraic balances come to at given values, and which linear ones stand for them there?"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from magnetflow.arrays import Mask, Vector
from magnetflow.inference.problem import Problem
from magnetflow.inference.solver.leastsquares import Linear


def linear_balances(problem: Problem) -> Mask:
    """Return which balances (balances) are weighted sums of the variables that are not constant."""
    free = {name for name, constant in zip(problem.names, problem.constant, strict=True) if not constant}
    related = [relation.is_affine_in(free) for relation in problem.relations]
    return np.array([True] * problem.matrix.shape[0] + related, dtype=bool)


def is_linear(problem: Problem) -> bool:
    """Tell whether every balance is such a sum."""
    return not problem.relations or bool(linear_balances(problem).all())


def imbalances(problem: Problem, x: Vector) -> Vector:
    """Return what each balance comes to at `x` (balances), linear ones first; NaN where it has no finite value."""
    related = [relation.values(_at(problem, relation.variables, x))[-1] for relation in problem.relations]
    return np.concatenate([problem.matrix @ x, np.array(related, dtype=float)])


def linearise(problem: Problem, x: Vector) -> Linear:
    """Return the linear balances that touch all balances at `x`: each relation by its exact gradient there."""
    if not problem.relations:
        return Linear(problem.matrix, np.zeros(problem.matrix.shape[0]))
    rows, columns, slopes, values = [], [], [], []
    for row, relation in enumerate(problem.relations):
        value, gradient = relation.gradient(_at(problem, relation.variables, x))
        rows += [row] * len(gradient)
        columns += [problem.position[name] for name in gradient]
        slopes += list(gradient.values())
        values.append(value)
    shape = (len(problem.relations), len(problem.names))
    jacobian = sparse.csr_array(sparse.coo_array((slopes, (rows, columns)), shape=shape))
    level = jacobian @ x - np.array(values)
    matrix = sparse.csr_array(sparse.vstack([problem.matrix, jacobian]))
    return Linear(matrix, np.concatenate([np.zeros(problem.matrix.shape[0]), level]))


def curvature(problem: Problem, x: Vector, multipliers: Vector) -> sparse.csr_array:
    """Return the second derivatives of the relations (variables, variables) at `x`, summed with their multipliers."""
    rows, columns, entries = [], [], []
    for relation, multiplier in zip(problem.relations, multipliers[len(problem.linear_names) :], strict=False):
        for (one, other), bend in relation.hessian(_at(problem, relation.variables, x)).items():
            pairs = {
                (problem.position[one], problem.position[other]),
                (problem.position[other], problem.position[one]),
            }
            for row, column in sorted(pairs):
                rows.append(row)
                columns.append(column)
                entries.append(multiplier * bend)
    shape = (len(problem.names), len(problem.names))
    return sparse.csr_array(sparse.coo_array((entries, (rows, columns)), shape=shape))


def _at(problem: Problem, names: list[str], x: Vector) -> dict[str, float]:
    return {name: float(x[problem.position[name]]) for name in names}
