"""What do the algebraic balances come to at given values, and what stands for them near these?

Linear balances do, but with these alone an iteration converges the slower the larger the adjustments.
The Hessian of the Lagrangian on the null space of the balances gives a step that converges quadratically,
and its smallest eigenvalue tells a minimum from a saddle (Nocedal and Wright 2006, sections 16.2 and 18.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.sparse as sparse

from magnetflow.arrays import Mask, Matrix, Vector
from magnetflow.errors import ConvergenceError
from magnetflow.inference.expressions import Expression
from magnetflow.inference.problem import Problem
from magnetflow.inference.solver.elimination import rank
from magnetflow.inference.solver.leastsquares import Fit, Linear

DENSE_LIMIT = 600  # variables up to which the dense null space is cheap
LONGEST = 40  # variables of one relation up to which all its second derivatives are cheap
FLAT = 1e-8


@dataclass(frozen=True)
class Newton:
    """Where the curved step leads, the smallest eigenvalue of the reduced Hessian, and whether bounds are kept.

    `x` is (variables), `z` (errors).
    """

    x: Vector
    z: Vector
    smallest: float
    within: bool


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
    jacobian = sparse.csr_array((slopes, (rows, columns)), shape=shape)
    level = jacobian @ x - np.array(values)
    matrix = sparse.csr_array(sparse.vstack([problem.matrix, jacobian]))
    return Linear(matrix, np.concatenate([np.zeros(problem.matrix.shape[0]), level]))


def bends(problem: Problem, relation: Expression, x: Vector) -> Iterator[tuple[int, int]]:
    """Yield the places of each two variables of which a relation holds a product, a quotient or the like at `x`."""
    for (one, other), bend in relation.hessian(_at(problem, relation.variables, x)).items():
        if bend:
            yield problem.position[one], problem.position[other]


def newton_step(
    problem: Problem, linear: Linear, fitted: Fit, active: dict[int, float], x: Vector, z: Vector
) -> Newton | None:
    """Return the curved step from `x` (with errors `z`), or None where the problem is too large for it.

    `fitted` is the plain step on the linearised balances, whose multipliers weight the curvature.
    Raises ConvergenceError where the curvature is not finite.
    """
    errors, unknown = len(z), int(problem.unmeasured.sum())
    if errors + unknown > DENSE_LIMIT or any(len(line.variables) > LONGEST for line in problem.relations):
        return None
    scale = fitted.determined.scale
    # Coordinates: the errors z, then the unmeasured variables in units of their scale.
    to_x = np.zeros((len(problem.names), errors + unknown))
    to_x[np.flatnonzero(problem.measured), :errors] = problem.root.toarray()
    to_x[np.flatnonzero(problem.unmeasured), errors + np.arange(unknown)] = scale
    balances = linear.matrix @ to_x
    if active:
        balances = np.vstack([balances, to_x[list(active)]])
    lengths = np.linalg.norm(balances, axis=1)
    null = _null_space(balances / np.where(lengths > 0, lengths, 1.0)[:, None])
    if not null.shape[1]:
        return Newton(fitted.x, fitted.z, 1.0, True)
    bent = _curvature(problem, x, fitted.multipliers)
    hessian = np.diag(np.concatenate([np.ones(errors), np.zeros(unknown)])) - to_x.T @ (bent @ to_x)
    plain = np.concatenate([fitted.z - z, (fitted.x[problem.unmeasured] - x[problem.unmeasured]) / scale])
    gradient = np.concatenate([z, np.zeros(unknown)])
    bending = null.T @ hessian @ null
    if not np.isfinite(bending).all():
        raise ConvergenceError("numbers grew beyond what can be computed with; choose units that make them smaller")
    eigenvalues, directions = np.linalg.eigh(bending)
    pull = -directions.T @ (null.T @ (gradient + hessian @ plain))
    # A flat direction is one that the data do not determine; one that bends down is followed uphill no further.
    along = np.where(np.abs(eigenvalues) > FLAT, pull / np.maximum(np.abs(eigenvalues), FLAT), 0.0)
    step = plain + null @ (directions @ along)
    there = x + to_x @ step
    room = 1e-9 * (np.abs(x) + np.abs(there))
    within = bool(((there >= problem.lower - room) & (there <= problem.upper + room) | problem.constant).all())
    return Newton(there, z + step[:errors], float(eigenvalues[0]), within)


def _curvature(problem: Problem, x: Vector, multipliers: Vector) -> sparse.csr_array:
    """Return the second derivatives of the relations (variables, variables) at `x`, summed with their multipliers."""
    rows, columns, entries = [], [], []
    for relation, multiplier in zip(problem.relations, multipliers[len(problem.linear_names) :], strict=False):
        for (one, other), bend in relation.hessian(_at(problem, relation.variables, x)).items():
            left, right = problem.position[one], problem.position[other]
            for row, column in {(left, right), (right, left)}:
                rows.append(row)
                columns.append(column)
                entries.append(multiplier * bend)
    shape = (len(problem.names), len(problem.names))
    return sparse.csr_array((entries, (rows, columns)), shape=shape)


def _null_space(rows: Matrix) -> Matrix:
    """Return an orthonormal basis (columns, dimensions) of what the rows, of length one, leave free."""
    basis, triangle, _ = scipy.linalg.qr(rows.T, pivoting=True, check_finite=False)
    return np.asarray(basis[:, rank(triangle) :])


def _at(problem: Problem, names: list[str], x: Vector) -> dict[str, float]:
    return {name: float(x[problem.position[name]]) for name in names}
