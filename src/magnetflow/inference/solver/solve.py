"""Which values meet all balances and lie nearest to what was measured?

Linear balances need one fit.
Others are met by successive linearisation: each iterate solves the linear problem that touches the balances there
(as STAN does, Cencic 2016) and goes only so far along it as adjustments and imbalances together decrease.
Where that converges slowly, and the problem is small enough for dense algebra, the curvature of the balances is
taken into account (sequential quadratic programming; Nocedal and Wright, Numerical Optimization, 2nd ed., ch. 18).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from magnetflow.arrays import Matrix, Vector
from magnetflow.errors import ConflictError, ConvergenceError
from magnetflow.inference.classes import undetermined
from magnetflow.inference.problem import Problem
from magnetflow.inference.solver.bounded import Bounded, bounded_fit
from magnetflow.inference.solver.leastsquares import Fit, Linear
from magnetflow.inference.solver.matrices import row_numbers, typical
from magnetflow.inference.solver.relations import (
    Newton,
    imbalances,
    is_linear,
    linear_balances,
    linearise,
    newton_step,
)

ITERATIONS = 100
STEP = 1e-11  # of an sd, or of an unmeasured value: a step this small has arrived
BALANCED = 1e-9  # of the terms of a balance and their sds
PATIENCE = 12  # iterations that linearisation alone is given
SLOW = 0.2  # part of the step before, beyond which it then needs the curvature
ROUNDING = 1e-14
SHORTEST = 1e-8  # part of a step below which there is no progress
DECREASE = 1e-4  # part of the foreseen decrease that a step must bring (Armijo)
SAME_OPTIMUM = 1e-6
BENT_DOWN = -1e-6  # an eigenvalue of the reduced Hessian below this: not a minimum
STARTS = 5
SPREAD = 2.0  # standard deviations over which further starts are drawn
FACTOR = 1.0  # spread of the logarithm of an unmeasured start


@dataclass(frozen=True)
class Optimum:
    """One optimum, with the balances linearised at it and the fit to them.

    `is_minimum` is None where the problem is too large to tell a minimum from a saddle.
    """

    linear: Linear
    bounded: Bounded
    iterations: int
    is_minimum: bool | None

    @property
    def x(self) -> Vector:
        """The values of all variables (variables)."""
        return self.bounded.fit.x

    @property
    def objective(self) -> float:
        """The weighted sum of squared adjustments, e'V⁻¹e."""
        return float(self.bounded.fit.z @ self.bounded.fit.z)


@dataclass(frozen=True)
class Solved:
    """The best optimum, all that were reached from the several starts, and how many starts failed."""

    best: Optimum
    reached: tuple[Optimum, ...]
    failed: int


def solve(problem: Problem, seed: int = 0) -> Solved:
    """Find the values nearest to the measured ones that meet balances and bounds.

    Nonlinear problems are started from STARTS points drawn with `seed`, the first being the measured values.
    Raises ConflictError when the balances or bounds contradict each other, ConvergenceError when no start arrives.
    """
    if is_linear(problem):
        guess = first_guess(problem)
        linear = linearise(problem, guess)
        optimum = Optimum(linear, bounded_fit(problem, linear, guess), 1, True)
        return Solved(optimum, (optimum,), 0)
    _check_linear_part(problem)
    guess = first_guess(problem)
    random = np.random.default_rng(seed)
    starts = [
        (guess, np.zeros(problem.root.shape[1])),
        *(_perturbed(problem, guess, random) for _ in range(STARTS - 1)),
    ]
    reached, failures = [], []
    for x, z in starts:
        try:
            reached.append(_descend(problem, x, z))
        except (ConvergenceError, ConflictError) as error:
            failures.append(error)
    if not reached:
        stopped = next((error for error in failures if isinstance(error, ConvergenceError)), None)
        # A conflict of balances linearised somewhere is no proof that the balances themselves conflict.
        raise stopped or ConvergenceError(f"no convergence: where the iteration stopped, {failures[0]}")
    best = min(reached, key=lambda optimum: (optimum.is_minimum is False, optimum.objective))
    return Solved(best, tuple(reached), len(failures))


def redrawn(problem: Problem, best: Optimum, draws: int, seed: int) -> Matrix:
    """Return the values (draws, variables) that measurements drawn around the best ones are reconciled to.

    The draws, more than twice as many as errors, come in pairs of opposite errors that have exactly the means and
    covariances asked for, so that values which follow them linearly have no error of sampling.
    A draw from which no optimum is reached is left out.
    """
    normal = np.random.default_rng(seed).standard_normal((draws // 2, len(best.bounded.fit.z)))
    half, found = np.linalg.qr(normal)[0] * np.sqrt(draws // 2), []
    for errors in np.concatenate([half, -half]):
        value = best.x.copy()
        value[problem.measured] += problem.root @ errors
        again = replace(problem, value=np.where(problem.unmeasured, np.nan, value))
        try:
            found.append(_descend(again, best.x, -errors).x)
        except (ConvergenceError, ConflictError):
            continue
    return np.array(found).reshape(len(found), len(best.x))


def _check_linear_part(problem: Problem) -> None:
    """Raise ConflictError when the balances that are linear, and the bounds, alone contradict each other."""
    guess = first_guess(problem)
    kept, linear = linear_balances(problem), linearise(problem, guess)
    matrix = linear.matrix.copy()
    matrix.data[~(kept[row_numbers(matrix)] & np.isfinite(matrix.data))] = 0.0
    bounded_fit(problem, Linear(matrix, np.where(kept, linear.level, 0.0)), guess)


def _descend(problem: Problem, x: Vector, z: Vector) -> Optimum:
    """Iterate from one start until the step and the imbalances vanish."""
    penalties, active, last_step = np.zeros(len(problem.balance_names)), dict[int, float](), np.inf
    for iteration in range(1, ITERATIONS + 1):
        linear = linearise(problem, x)
        _check_finite(problem, linear, iteration)
        bounded = bounded_fit(problem, linear, x, active)
        fitted, active = bounded.fit, bounded.active
        imbalance = imbalances(problem, x)
        step = float(np.abs(fitted.z - z).max(initial=0.0))
        if _has_arrived(problem, linear, bounded, x, z, imbalance):
            newton = newton_step(problem, linear, fitted, active, x, z)
            minimum = None if newton is None else newton.smallest > BENT_DOWN
            return Optimum(linear, bounded, iteration, minimum)
        slow, last_step = iteration > PATIENCE and step > SLOW * last_step, step
        newton = newton_step(problem, linear, fitted, active, x, z) if slow else None
        penalties = np.maximum(penalties, 2.0 * np.abs(fitted.multipliers[: len(penalties)]))
        moved = _search(problem, x, z, imbalance, penalties, fitted, newton)
        if moved is None:
            worst = int(np.nanargmax(np.abs(imbalance)))
            raise ConvergenceError(
                f"no convergence: the iteration stopped with {problem.balance_names[worst]} "
                f"out by {imbalance[worst]:.3g}; check its values or give starts"
            )
        x, z = moved
    raise ConvergenceError(f"no convergence within {ITERATIONS} iterations; check the values or give starts")


def _check_finite(problem: Problem, linear: Linear, iteration: int) -> None:
    """Refuse a balance that has no finite value or slope."""
    wrong = ~np.isfinite(linear.level)
    wrong[row_numbers(linear.matrix)[~np.isfinite(linear.matrix.data)]] = True
    for row in np.flatnonzero(wrong):
        name = problem.balance_names[row]
        if iteration == 1:
            raise ConvergenceError(f"{name} has no finite value at its start; give a start")
        raise ConvergenceError(f"no convergence: {name} has no finite slope on the way")


def _has_arrived(problem: Problem, linear: Linear, bounded: Bounded, x: Vector, z: Vector, imbalance: Vector) -> bool:
    # What is small against the terms of a balance, or against their uncertainty, is no imbalance.
    unit = np.where(problem.measured, problem.sd, 0.0)
    unit[problem.unmeasured] = bounded.plain.determined.scale
    terms = np.abs(linear.matrix) @ (np.abs(x) + unit)
    if not (np.abs(imbalance) <= BALANCED * terms).all():
        return False
    # What the balances do not determine may go on drifting; it changes nothing else.
    fitted, unmeasured, known = bounded.fit, problem.unmeasured, ~undetermined(bounded.plain)
    drift = np.abs(fitted.x[unmeasured] - x[unmeasured])[known]
    size = (np.abs(x[unmeasured]) + fitted.determined.scale)[known]
    # Values that are large against their sd carry rounding into the errors.
    measured = problem.measured
    rounding = ROUNDING * np.abs(x[measured] / problem.sd[measured]).max(initial=0.0)
    still = np.abs(fitted.z - z).max(initial=0.0) <= STEP * (1.0 + np.abs(z).max(initial=0.0)) + rounding
    return bool(still and (drift <= (STEP + rounding) * size).all())


def _search(
    problem: Problem, x: Vector, z: Vector, imbalance: Vector, penalties: Vector, fitted: Fit, newton: Newton | None
) -> tuple[Vector, Vector] | None:
    """Go along the curved step, or else the plain one, as far as the merit decreases; None if it does not.

    `x` is (variables), `z` (errors), `imbalance` and `penalties` (balances).
    """
    merit = 0.5 * float(z @ z) + float(penalties @ np.abs(imbalance))
    steps = [] if newton is None or not newton.within else [(newton.x - x, newton.z - z)]
    steps.append((fitted.x - x, fitted.z - z))
    for (dx, dz), shortest in zip(steps, [0.2] * (len(steps) - 1) + [SHORTEST], strict=True):
        foreseen = float(z @ dz) - float(penalties @ np.abs(imbalance))
        part = 1.0
        while part >= shortest:
            there, errors = x + part * dx, z + part * dz
            now = imbalances(problem, there)
            merit_there = 0.5 * float(errors @ errors) + float(penalties @ np.abs(now))
            rounding = 1e-14 * (1.0 + abs(merit))
            if np.isfinite(merit_there) and merit_there <= merit + DECREASE * part * min(foreseen, 0.0) + rounding:
                return there, errors
            part *= 0.5
    return None


def first_guess(problem: Problem) -> Vector:
    """Return a finite value for every variable (variables), from which the iteration begins.

    That is the measured value, or the start given; without one, where a balance with no other unknown puts the
    variable, or else the middle of its bounds, or else the typical size of the measured values.
    """
    guess = np.where(problem.unmeasured, problem.start, problem.value)
    if np.isnan(guess).any() and problem.relations:
        _from_balances(problem, guess)
    between = np.isfinite(problem.lower) & np.isfinite(problem.upper)
    unset = np.isnan(guess)
    guess[unset] = typical(problem.value[problem.measured]) or 1.0
    halfway = unset & between
    guess[halfway] = 0.5 * (problem.lower[halfway] + problem.upper[halfway])
    return np.where(problem.constant, problem.value, np.clip(guess, problem.lower, problem.upper))


def _perturbed(problem: Problem, guess: Vector, random: np.random.Generator) -> tuple[Vector, Vector]:
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
