"""How does the curvature of the balances bend the step towards the optimum?

With linearised balances alone, the iteration converges the slower the larger the adjustments.
The Hessian of the Lagrangian on the null space of the balances gives a step that converges quadratically,
and its smallest eigenvalue tells a minimum from a saddle (Nocedal and Wright 2006, sections 16.2 and 18.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from magnetflow.arrays import Matrix, Vector
from magnetflow.inference.problem import Problem
from magnetflow.inference.solver.elimination import RANK_TOLERANCE
from magnetflow.inference.solver.leastsquares import Fit, Linear
from magnetflow.inference.solver.relations import curvature

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


def newton_step(
    problem: Problem, linear: Linear, fitted: Fit, active: dict[int, float], x: Vector, z: Vector
) -> Newton | None:
    """Return the curved step from `x` (with errors `z`), or None where the problem is too large for it.

    `fitted` is the plain step on the linearised balances, whose multipliers weight the curvature.
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
    bent = curvature(problem, x, fitted.multipliers)
    hessian = np.diag(np.concatenate([np.ones(errors), np.zeros(unknown)])) - to_x.T @ (bent @ to_x)
    plain = np.concatenate([fitted.z - z, (fitted.x[problem.unmeasured] - x[problem.unmeasured]) / scale])
    gradient = np.concatenate([z, np.zeros(unknown)])
    eigenvalues, directions = np.linalg.eigh(null.T @ hessian @ null)
    pull = -directions.T @ (null.T @ (gradient + hessian @ plain))
    # A flat direction is one that the data do not determine; one that bends down is followed uphill no further.
    along = np.where(np.abs(eigenvalues) > FLAT, pull / np.maximum(np.abs(eigenvalues), FLAT), 0.0)
    step = plain + null @ (directions @ along)
    there = x + to_x @ step
    room = 1e-9 * (np.abs(x) + np.abs(there))
    within = bool(((there >= problem.lower - room) & (there <= problem.upper + room) | problem.constant).all())
    return Newton(there, z + step[:errors], float(eigenvalues[0]), within)


def _null_space(rows: Matrix) -> Matrix:
    """Return an orthonormal basis (columns, dimensions) of what the rows, of length one, leave free."""
    basis, triangle, _ = scipy.linalg.qr(rows.T, pivoting=True, check_finite=False)
    diagonal = np.abs(np.diag(triangle))
    rank = int((diagonal > RANK_TOLERANCE * diagonal[:1]).sum())
    return np.asarray(basis[:, rank:])
