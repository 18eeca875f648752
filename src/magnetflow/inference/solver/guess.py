"""Where does the iteration begin?

Measured variables begin at their measured values, unmeasured ones at the start given.
Without one, a variable begins where a balance with no other unknown puts it, or else at the middle of its bounds,
or else at the typical size of the measured values.
"""

from __future__ import annotations

import numpy as np

from magnetflow.arrays import Vector
from magnetflow.inference.problem import Problem

SPREAD = 2.0  # standard deviations over which further starts are drawn
FACTOR = 1.0  # spread of the logarithm of an unmeasured start


def first_guess(problem: Problem) -> Vector:
    """Return a finite value for every variable (variables)."""
    guess = np.where(problem.unmeasured, problem.start, problem.value)
    if np.isnan(guess).any() and problem.relations:
        _from_balances(problem, guess)
    known = np.abs(problem.value[problem.measured])
    typical = float(np.median(known[known > 0])) if (known > 0).any() else 1.0
    between = np.isfinite(problem.lower) & np.isfinite(problem.upper)
    unset = np.isnan(guess)
    guess[unset] = typical
    halfway = unset & between
    guess[halfway] = 0.5 * (problem.lower[halfway] + problem.upper[halfway])
    return np.where(problem.constant, problem.value, np.clip(guess, problem.lower, problem.upper))


def perturbed(problem: Problem, guess: Vector, random: np.random.Generator) -> tuple[Vector, Vector]:
    """Draw another start around the first one; return its values (variables) and errors (errors)."""
    z = SPREAD * random.standard_normal(problem.root.shape[1])
    x = guess * np.where(problem.unmeasured, np.exp(FACTOR * random.standard_normal(len(guess))), 1.0)
    x = np.clip(x, problem.lower, problem.upper)
    x[problem.measured] = problem.value[problem.measured] + problem.root @ z
    return x, z


def _from_balances(problem: Problem, guess: Vector) -> None:
    """Fill in what a balance with one unknown left determines, over and over until none does."""
    matrix = problem.matrix
    found = True
    while found:
        found = False
        for row in range(matrix.shape[0]):
            span = slice(matrix.indptr[row], matrix.indptr[row + 1])
            unknown = [at for at in range(span.start, span.stop) if np.isnan(guess[matrix.indices[at]])]
            if len(unknown) == 1:
                total = np.nansum(matrix.data[span] * guess[matrix.indices[span]])
                guess[matrix.indices[unknown[0]]] = -total / matrix.data[unknown[0]]
                found = True
        for relation in problem.relations:
            names = [name for name in relation.variables if np.isnan(guess[problem.position[name]])]
            if len(names) == 1 and relation.is_affine_in(names):
                at = {name: float(guess[problem.position[name]]) for name in relation.variables} | {names[0]: 1.0}
                value, gradient = relation.gradient(at)
                solution = 1.0 - value / gradient[names[0]] if gradient[names[0]] else np.nan
                if np.isfinite(solution):
                    guess[problem.position[names[0]]] = solution
                    found = True
