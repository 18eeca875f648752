"""What should a reader know before using reconciled values?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from magnetflow.arrays import Indices, Mask, Vector
from magnetflow.errors import ConflictError, ConvergenceError
from magnetflow.inference.classes import UNOBSERVABLE
from magnetflow.inference.problem import Problem, listed
from magnetflow.inference.solver.bounded import fit_at_bounds
from magnetflow.inference.solver.covariance import standard_deviations
from magnetflow.inference.solver.leastsquares import Linear, fit
from magnetflow.inference.solver.matrices import scaled
from magnetflow.inference.solver.relations import bends, is_linear, linearise
from magnetflow.inference.solver.solve import SAME_OPTIMUM, Optimum, redrawn

if TYPE_CHECKING:
    from magnetflow.inference.reconcile import Reconciliation

WELL_AWAY = 3.0  # standard deviations from zero
AT_ZERO = 1e-6  # of the measured value
FIRM = 1e-3  # part of the sd of what is to stay in place
STEPS = 8  # towards a point that meets the balances
VANISHED = 1e-6  # part of an sd nearby that is left of it where a system is degenerate
ROUNDING = 2.0**-52  # of a sum of terms
DIGITS = 1e-6  # relative error from rounding beyond which it is worth a word
ROUGH = 0.3  # coefficient of variation in a product from which the first order is rough
DRAWS, SMALL = 100, 30  # draws that tell how rough, and variables up to which they are cheap
STARTS_CURE = "give starts near what you expect"
NOTABLE = 1e-3  # of an sd
SHOWN = 3  # variables whose draws are given


def messages(reconciliation: Reconciliation) -> tuple[str, ...]:
    """Return a sentence, without its full stop, for each thing to know, then the notes of the problem."""
    problem, solved, test = reconciliation.problem, reconciliation.solved, reconciliation.test
    best, starts = solved.best, len(solved.reached) + solved.failed
    reached = [optimum.objective for optimum in solved.reached]
    others = [there for there in reached if not abs(there - best.objective) <= SAME_OPTIMUM * (1 + there)]
    known, frozen, pushed = (
        reconciliation.classes != UNOBSERVABLE,
        reconciliation.degenerate,
        _pushed(problem, best.x),
    )
    left_out = known & ~frozen & np.isnan(reconciliation.sd)
    error, sure = rounding(problem, best), ~(reconciliation.sd > 0)
    zero = known & ~frozen & sure & (reconciliation.value == 0) & (best.x != 0)
    lost = known & ~zero & ~frozen & (error > DIGITS * np.abs(best.x)) & ~(error < DIGITS * reconciliation.sd)
    lost &= best.x != 0

    def names(chosen: Mask) -> str:
        return listed([problem.names[place] for place in np.flatnonzero(chosen)])

    found = [
        (test.passed is None, "no balance is left over to test the measurements: nothing was adjusted"),
        (test.passed is False, "the measurements contradict each other more than their uncertainties allow"),
        (
            reconciliation.active_bounds,
            "held by a bound, which counts as a balance in test and uncertainty, so that the sd is 0: "
            + listed([f"{name} at {bound:g}" for name, bound in reconciliation.active_bounds.items()]),
        ),
        (
            pushed.any(),
            f"degenerate: measurements of {names(pushed)} lie well away from zero and are pushed to zero, "
            "the only place where contradicting balances agree; do not use these values",
        ),
        (
            frozen.any(),
            f"degenerate: no sd for {names(frozen)}; at these values the balances leave them no room, but do nearby, "
            "as where coefficients of a flow of zero do not add up to 1; look at these",
        ),
        (
            lost.any(),
            f"lost in rounding: {names(lost)}, so small beside other terms of its balances that fewer than 6 digits "
            "of the value are left; measure it, or state its balances in smaller parts",
        ),
        (
            zero.any(),
            f"taken as zero: {names(zero)}, of which larger terms of its balances leave nothing but their rounding; "
            "measure it if it is not zero",
        ),
        (
            left_out.any(),
            f"{int(left_out.sum()):,} standard deviations are left out; name those you need, with --sd or sd_of",
        ),
        (
            others,
            f"{len(reached)} starts reached different optima: {len(reached) - len(others)} the one given, with a "
            f"weighted sum of squares of {best.objective:.4g}, the others "
            f"{', '.join(sorted({f'{there:.4g}' for there in others}))}; {STARTS_CURE}",
        ),
        (
            solved.failed,
            f"{solved.failed} of {starts} starts did not converge, so that a better optimum may exist; "
            + (
                f"the {len(reached)} others reached the one given" if len(reached) > 1 and not others else STARTS_CURE
            ),
        ),
        (best.is_minimum is None, "the system is too large to tell a minimum from a saddle point"),
        (best.is_minimum is False, "the values are a saddle point, not a minimum; give other starts"),
        (
            reconciliation.loose.any(),
            f"ranges of unobservable variables that may be narrower than given: {names(reconciliation.loose)}",
        ),
    ]
    return (*(text for applies, text in found if applies), *_roughness(reconciliation), *problem.notes)


def degenerate(problem: Problem, optimum: Optimum, sd: Vector) -> Mask:
    """Return which variables (variables) seem certain only because the balances lose their hold where they are.

    That is a flow pushed to zero by coefficients that contradict, or one that is zero, so that its coefficients have
    no effect: `sd` vanishes there, but not at values nearby.
    """
    doubtful = ~problem.constant & (sd <= VANISHED * np.where(problem.measured, problem.sd, np.abs(optimum.x)))
    doubtful[list(optimum.bounded.active)] = False
    if not problem.relations or not doubtful.any():
        return np.zeros(len(sd), dtype=bool)
    if is_linear(problem):
        size = np.abs(problem.value[_pushed(problem, optimum.x)]).max(initial=0.0)
        return np.asarray(doubtful & (np.abs(optimum.x) < AT_ZERO * size))
    places = np.flatnonzero(doubtful)
    try:
        nearby = _nearby(problem, optimum)
        matrix = linearise(problem, nearby).matrix
        bounds = {place: float(nearby[place]) for place in optimum.bounded.active}
        fitted = fit_at_bounds(problem, fit(problem, Linear(matrix, matrix @ nearby), nearby), bounds, nearby)
    except (ConflictError, ConvergenceError):
        return np.zeros(len(sd), dtype=bool)
    doubtful[places] = sd[places] < VANISHED * standard_deviations(problem, fitted, places, len(places))
    return doubtful


def _nearby(problem: Problem, optimum: Optimum) -> Vector:
    """Return a point about an sd away (variables) that meets the balances, where nothing vanishes.

    Raises ConflictError or ConvergenceError where none is found.
    """
    scale = np.where(problem.measured, problem.sd, 0.0)
    scale[problem.unmeasured] = optimum.bounded.plain.determined.scale
    scale = np.maximum(scale, np.where(problem.unmeasured, np.abs(optimum.x), 0.0))
    x = optimum.x + np.random.default_rng(0).uniform(0.5, 1.0, len(scale)) * scale
    # What has vanished stays where it is now, and the others give way.
    firm = np.where(np.abs(optimum.x) <= AT_ZERO * scale, FIRM, 1.0)
    firmly = replace(
        problem,
        value=np.where(problem.measured, x, problem.value),
        sd=problem.sd * firm,
        covariance=scaled(problem.covariance, firm, firm),
    )
    for _ in range(STEPS):
        x = fit(firmly, linearise(firmly, x), x).x
    return x


def _pushed(problem: Problem, x: Vector) -> Mask:
    """Return which measurements algebraic balances move from well away from zero to zero."""
    if not problem.relations:
        return np.zeros(len(x), dtype=bool)
    with np.errstate(invalid="ignore"):
        return (np.abs(problem.value) > WELL_AWAY * problem.sd) & (np.abs(x) < AT_ZERO * np.abs(problem.value))


def rounding(problem: Problem, optimum: Optimum) -> Vector:
    """Return by how much larger terms of their balances leave unmeasured variables open (variables), 0 for others."""
    determined, error = optimum.bounded.fit.determined, np.zeros(len(optimum.x))
    matrix = optimum.bounded.fit.system.linear.matrix
    terms = abs(determined.made) @ (abs(matrix) @ np.abs(optimum.x))
    places = np.flatnonzero(problem.unmeasured)[determined.pivots]
    error[places] = ROUNDING * terms / np.abs(determined.triangle.diagonal()) * determined.scale[determined.pivots]
    return error


def _roughness(reconciliation: Reconciliation) -> Iterator[str]:
    """Yield a note where variables in products are so uncertain that standard deviations are rough."""
    problem, best, sd = reconciliation.problem, reconciliation.optimum, reconciliation.sd
    with np.errstate(invalid="ignore", divide="ignore"):
        wide = (sd > 0) & (sd >= ROUGH * np.abs(reconciliation.value))
    bent = [pair for relation in problem.relations for pair in bends(problem, relation, best.x)]
    causes = {one for pair in bent for one, other in (pair, pair[::-1]) if wide[one] and sd[other] > 0}
    if not causes:
        return
    note = (
        f"rough sds: they are to first order, and in products there is an sd of {ROUGH:.0%} of the value or more, of "
        + listed([problem.names[place] for place in sorted(causes)])
    )
    if len(problem.names) > SMALL or reconciliation.degenerate.any():
        yield note
        return
    drawn = redrawn(problem, best, DRAWS, seed=0)
    spread = drawn.std(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        away = np.nan_to_num(np.maximum(np.abs(spread - sd), np.abs(drawn.mean(axis=0) - best.x)) / sd, posinf=0.0)
    shown: Indices = np.argsort(-away, kind="stable")[:SHOWN]
    shown = shown[away[shown] > NOTABLE]
    if not len(shown):
        return
    given = [
        f"{problem.names[place]} {drawn[:, place].mean():.4g} ± {spread[place]:.3g} instead of "
        f"{best.x[place]:.4g} ± {sd[place]:.3g}"
        for place in shown
    ]
    yield f"{note}; {len(drawn)} draws give {'; '.join(given)}"
