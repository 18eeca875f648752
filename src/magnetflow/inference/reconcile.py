"""What are the values on which all data and balances agree, how sure are they, and which data stand out?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from magnetflow.arrays import Mask, Matrix, Texts, Vector
from magnetflow.errors import ConvergenceError, ProblemError
from magnetflow.inference import checks
from magnetflow.inference.classes import UNOBSERVABLE, classify, intervals
from magnetflow.inference.problem import Problem, listed
from magnetflow.inference.solver.covariance import combined_sd, covariance, standard_deviations
from magnetflow.inference.solver.matrices import scaled
from magnetflow.inference.solver.relations import imbalances, is_linear
from magnetflow.inference.solver.solve import SAME_OPTIMUM, Optimum, Solved, solve

WHOLE_COVARIANCE = 2000  # variables up to which the covariance is kept whole
EVERY_SD = 30_000  # variables up to which every standard deviation is computed
LARGEST_ADJUSTMENTS = 1000  # beyond that, those of so many variables
WELL_AWAY = 3.0  # standard deviations from zero
AT_ZERO = 1e-6  # of the measured value
TUNING = 1.345  # standard deviations of adjustment up to which a measurement counts in full: 95 % efficient if normal
ROUNDS = 200
SETTLED = 1e-7


class Estimate(NamedTuple):
    """A value and its standard deviation."""

    value: float
    sd: float


@dataclass(frozen=True)
class Reconciliation:
    """Reconciled values with all that is known about them; arrays are (variables), each in its variable's unit.

    `value` and `sd` are NaN for what the balances do not determine, `sd` also where it was not asked for;
    `lower` and `upper` are the range left to an unobservable variable, NaN elsewhere.
    `covariance` (variables, variables) is None for large problems; `covariance_of` computes any part of it.

    `classes` are redundant, nonredundant, observable, unobservable or constant.
    `normalised_residual` is the adjustment over its own sd; large ones are `suspects`, the most suspect first, each
    with name, p_value and those `tied` with it.

    `test` is the χ² test of all measurements: objective, degrees_of_freedom, limit, p_value and whether it `passed`,
    None without redundancy. `nodal_tests` are those of balances; `verdicts` has a sentence a balance.
    `active_bounds` maps variables to the bound that holds them, `residual_max` is the largest imbalance left, and
    `messages` say what to know before using the values.
    """

    problem: Problem
    optimum: Optimum
    value: Vector
    sd: Vector
    classes: Texts
    lower: Vector
    upper: Vector
    covariance: Matrix | None
    normalised_residual: Vector
    test: checks.GlobalTest
    suspects: tuple[checks.Suspect, ...]
    nodal_tests: tuple[checks.NodalTest, ...]
    verdicts: dict[str, str]
    active_bounds: dict[str, float]
    residual_max: float
    messages: tuple[str, ...]

    @property
    def adjustment_in_sd(self) -> Vector:
        """The adjustment (variables) in units of the measured sd, NaN where a variable is not measured."""
        return (self.value - self.problem.value) / self.problem.sd

    def covariance_of(self, names: Sequence[str]) -> pd.DataFrame:
        """Return the covariance (names, names) of some variables; NaN for what the balances do not determine."""
        places = np.array([self.problem.position[name] for name in names], dtype=np.intp)
        square = covariance(self.problem, self.optimum.bounded.fit, places)
        return pd.DataFrame(_blanked(square, np.isnan(self.value[places])), index=list(names), columns=list(names))

    def combine(self, weights: Mapping[str, float]) -> Estimate:
        """Return `value` and `sd` of the sum of variables, each times its weight; their errors may covary.

        Both value and sd are NaN where the balances do not determine a variable whose weight is not zero.
        Raises ProblemError for a variable that is not there, and for variables whose label `unit` differs.
        """
        for name in weights:
            if name not in self.problem.position:
                raise ProblemError(f"{name} is not among the variables; see `problem.names`", name)
        self.problem.check_units([name for name, weight in weights.items() if weight])
        counted = {self.problem.position[name]: weight for name, weight in weights.items() if weight}
        places, factors = np.array(list(counted), dtype=np.intp), np.array(list(counted.values()))
        if np.isnan(self.value[places]).any():
            return Estimate(np.nan, np.nan)
        sd = combined_sd(self.problem, self.optimum.bounded.fit, places, factors)
        return Estimate(float(factors @ self.value[places]), sd)

    def table(self) -> pd.DataFrame:
        """Return one row a variable: measured and reconciled values, what is known of each, then its labels.

        A system's labels are quantity, process, flow, source, target, layer, period and unit.
        """
        problem = self.problem
        return pd.DataFrame(
            {
                "name": problem.names,
                "measured": problem.value,
                "measured_sd": np.where(problem.constant, 0.0, problem.sd),
                "value": self.value,
                "sd": self.sd,
                "class": self.classes,
                "adjustment": np.where(problem.measured, self.value - problem.value, np.nan),
                "normalised_residual": self.normalised_residual,
                "lower": self.lower,
                "upper": self.upper,
                **problem.labels,
            }
        )


@dataclass(frozen=True)
class Eliminated:
    """One step of serial elimination: what was taken out, and the test before and after."""

    removed: checks.Suspect
    before: checks.GlobalTest
    after: checks.GlobalTest


def reconcile(problem: Problem, *, seed: int = 0, sd_of: Sequence[str] = ()) -> Reconciliation:
    """Reconcile a problem: the smallest sum of squared adjustments, each over its sd, that meets every balance.

    Linear balances by elimination (Crowe et al. 1983), algebraic ones linearised until they are met (Cencic 2016);
    measurements may covary, and bounds hold. `seed` draws the further starts of a nonlinear problem.
    Beyond EVERY_SD (30,000) variables, standard deviations are computed for those named in `sd_of` and for the 1,000
    largest adjustments, and a message says so.
    Raises ProblemError for a name in `sd_of` that is no variable, ConflictError when balances or bounds contradict
    each other, ConvergenceError when no start arrives or numbers grow too large.
    """
    strangers = [name for name in sd_of if name not in problem.position]
    if strangers:
        raise ProblemError(f"no standard deviation of {strangers[0]!r}: there is no such variable; mend the name")
    solved = solve(problem, seed)
    optimum = solved.best
    fitted = optimum.bounded.fit
    classes = classify(problem, optimum.linear, optimum.bounded.plain)
    unknown = classes == UNOBSERVABLE
    value = np.where(unknown, np.nan, optimum.x)
    lower, upper, loose = intervals(problem, optimum.linear, optimum.x, classes)
    sd, square = _uncertainty(problem, optimum, value, sd_of)
    normalised = checks.normalised_residuals(problem, value, sd)
    test = checks.global_test(optimum.objective, len(fitted.independent))
    nodal = checks.nodal_tests(problem, fitted, [problem.names[place] for place in optimum.bounded.active])
    active = {problem.names[place]: bound for place, bound in sorted(optimum.bounded.active.items())}
    residual_max = float(np.abs(imbalances(problem, optimum.x)).max())
    if not np.isfinite([optimum.objective, residual_max]).all():
        raise ConvergenceError("numbers grew beyond what can be computed with; choose units that make them smaller")
    return Reconciliation(
        problem=problem,
        optimum=optimum,
        value=value,
        sd=sd,
        classes=classes,
        lower=lower,
        upper=upper,
        covariance=square,
        normalised_residual=normalised,
        test=test,
        suspects=tuple(checks.suspects(problem, value, normalised)),
        nodal_tests=tuple(nodal),
        verdicts=checks.verdicts(problem, optimum.linear.matrix, nodal, unknown),
        active_bounds=active,
        residual_max=residual_max,
        messages=(*_messages(problem, solved, test, active, loose), *_left_out(sd, value), *problem.notes),
    )


def eliminate_serially(
    reconciliation: Reconciliation, *, sd_of: Sequence[str] = ()
) -> tuple[Reconciliation, list[Eliminated]]:
    """Take out the most suspect measurement, reconcile again, and so on until the χ² test passes.

    A measurement taken out counts as unmeasured; as a redundant one it stays determined by the balances.
    Of several that fit the blame alike the first is taken, which is no evidence against it: see `tied` of a suspect.
    Stops also when nothing stands out. Returns the last reconciliation and the steps, each with the suspect
    `removed` and the tests `before` and `after`. For `sd_of`, and for what is raised, see `reconcile`.
    """
    steps = []
    while reconciliation.test.passed is False and reconciliation.suspects:
        worst = reconciliation.suspects[0]
        following = reconcile(_without(reconciliation.problem, worst.name), sd_of=sd_of)
        steps.append(Eliminated(worst, reconciliation.test, following.test))
        reconciliation = following
    return reconciliation, steps


def _without(problem: Problem, name: str) -> Problem:
    """Return the problem with one measurement taken as unmeasured, to start where it was measured."""
    place = problem.position[name]
    out = np.arange(len(problem.names)) == place
    kept = (~out).astype(float)
    covariance_left = scaled(problem.covariance.copy(), kept, kept)
    covariance_left.eliminate_zeros()
    return replace(
        problem,
        measured=problem.measured & ~out,
        start=np.where(out, problem.value, problem.start),
        value=np.where(out, np.nan, problem.value),
        sd=np.where(out, np.nan, problem.sd),
        covariance=covariance_left,
    )


def reconcile_robustly(problem: Problem) -> tuple[Reconciliation, pd.Series[float]]:
    """Reconcile with Huber's weights; return the last reconciliation and the weight of each measured variable.

    Least squares lets one wrong measurement drag all others. Huber's estimator (Huber 1981, ch. 7) gives one that has
    to be adjusted by more than TUNING (1.345) of its standard deviations a weight that falls with the adjustment,
    found by reconciling again and again with the weights that the last adjustments ask for; a weight of one is that
    of least squares. The standard deviations of the result are those of the last weights, taken as known.
    The weights are a Series (measured variables) by name.
    Raises what `reconcile` raises, and ConvergenceError when the weights do not settle.
    """
    measured, wider = problem.measured, np.ones(len(problem.names))
    weight = wider[measured]
    for _ in range(ROUNDS):
        wider[measured] = weight**-0.5
        covariance_then = scaled(problem.covariance, wider, wider)
        solved = reconcile(replace(problem, sd=problem.sd * wider, covariance=covariance_then))
        adjustment = np.abs(solved.value - problem.value)[measured] / problem.sd[measured]
        before, weight = weight, TUNING / np.maximum(adjustment, TUNING)
        if np.abs(weight - before).max(initial=0.0) <= SETTLED:
            return solved, pd.Series(weight, index=np.array(problem.names)[measured])
    raise ConvergenceError(
        "the weights of a robust reconciliation did not settle, as where two measurements of nearly one sd "
        "contradict each other; look at the suspects instead"
    )


def _uncertainty(
    problem: Problem, optimum: Optimum, value: Vector, sd_of: Sequence[str]
) -> tuple[Vector, Matrix | None]:
    """Return the standard deviations, and for a small problem the covariance they are the roots of."""
    fitted, everything = optimum.bounded.fit, np.arange(len(value))
    unknown = np.isnan(value)
    if len(value) <= WHOLE_COVARIANCE:
        square = covariance(problem, fitted, everything)
        sd = np.sqrt(np.diag(square))
        return np.where(unknown, np.nan, sd), _blanked(square, unknown)
    sd = np.full(len(value), np.nan)
    places = everything
    if len(value) > EVERY_SD:
        with np.errstate(invalid="ignore"):
            moved = np.nan_to_num(np.abs(value - problem.value) / problem.sd)
        largest = np.argsort(-moved, kind="stable")[:LARGEST_ADJUSTMENTS]
        places = np.union1d(largest, [problem.position[name] for name in sd_of]).astype(np.intp)
    sd[places] = standard_deviations(problem, fitted, places)
    sd[problem.constant] = 0.0
    return np.where(unknown, np.nan, sd), None


def _blanked(square: Matrix, unknown: Mask) -> Matrix:
    blanked = square.copy()
    blanked[unknown], blanked[:, unknown] = np.nan, np.nan
    return blanked


def _left_out(sd: Vector, value: Vector) -> list[str]:
    """Return a message on the standard deviations that are left out, if any are."""
    missing = int((np.isnan(sd) & ~np.isnan(value)).sum())
    return (
        [f"{missing:,} standard deviations are left out; name those you need, with --sd or sd_of"] if missing else []
    )


def _messages(
    problem: Problem, solved: Solved, test: checks.GlobalTest, active: dict[str, float], loose: Mask
) -> list[str]:
    """Return what a reader of the values should know before using them."""
    best, starts = solved.best, len(solved.reached) + solved.failed
    reached = [optimum.objective for optimum in solved.reached]
    others = [there for there in reached if not abs(there - best.objective) <= SAME_OPTIMUM * (1 + there)]
    pushed = _pushed_to_zero(problem, best.x)
    messages = [
        (test.passed is None, "no balance is left over to test the measurements: nothing was adjusted"),
        (test.passed is False, "the measurements contradict each other more than their uncertainties allow"),
        (
            active,
            "held by a bound, which counts as a balance in test and uncertainty, so that the sd is 0: "
            + listed([f"{name} at {bound:g}" for name, bound in active.items()]),
        ),
        (
            pushed,
            f"degenerate: measurements of {listed(pushed)} lie well away from zero and are pushed to zero, "
            "the only place where contradicting balances agree; do not use these values",
        ),
        (
            others,
            f"{len(reached)} starts reached different optima: {len(reached) - len(others)} the one given, with a "
            f"weighted sum of squares of {best.objective:.4g}, the others "
            f"{', '.join(sorted({f'{there:.4g}' for there in others}))}; give starts near what you expect",
        ),
        (
            solved.failed,
            f"{solved.failed} of {starts} starts did not converge, so that a better optimum may exist; "
            "give starts near what you expect",
        ),
        (best.is_minimum is None, "the system is too large to tell a minimum from a saddle point"),
        (best.is_minimum is False, "the values are a saddle point, not a minimum; give other starts"),
        (
            loose.any(),
            "ranges of unobservable variables that may be narrower than given: "
            + listed([problem.names[place] for place in np.flatnonzero(loose)]),
        ),
    ]
    return [message for applies, message in messages if applies]


def _pushed_to_zero(problem: Problem, x: Vector) -> list[str]:
    """Return the names of measurements that a nonlinear system moves from well away from zero to zero."""
    if is_linear(problem):
        return []
    with np.errstate(invalid="ignore"):
        pushed = (np.abs(problem.value) > WELL_AWAY * problem.sd) & (np.abs(x) < AT_ZERO * np.abs(problem.value))
    return [problem.names[place] for place in np.flatnonzero(pushed)]
