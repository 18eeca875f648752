"""What are the values on which all data and balances agree, how sure are they, and which data stand out?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from magnetflow.arrays import Mask, Matrix, Texts, Vector
from magnetflow.errors import ConvergenceError, ProblemError
from magnetflow.inference import checks, messages
from magnetflow.inference.classes import UNOBSERVABLE, classify, intervals
from magnetflow.inference.problem import Problem
from magnetflow.inference.solver.covariance import combined_sd, covariance, standard_deviations
from magnetflow.inference.solver.matrices import scaled
from magnetflow.inference.solver.relations import imbalances
from magnetflow.inference.solver.solve import Optimum, Solved, solve

WHOLE_COVARIANCE = 2000  # variables up to which the covariance is kept whole
EVERY_SD = 30_000  # variables up to which every standard deviation is computed, at any cost
LARGEST_ADJUSTMENTS = 1000  # beyond that, those of so many variables
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

    `value` and `sd` are NaN for what the balances do not determine, `sd` also where it was left out or is not known:
    see `messages`. Where it is not known because the system is `degenerate` there, it seems to be zero but is not.
    `lower` and `upper` are the range left to an unobservable variable, NaN elsewhere; `loose` marks ranges that may
    be narrower than given.

    `classes` are redundant, nonredundant, observable, unobservable or constant.
    `normalised_residual` is the adjustment over its own sd; large ones are `suspects`, the most suspect first, each
    with name, p_value and those `tied` with it.

    `test` is the χ² test of all measurements: objective, degrees_of_freedom, limit, p_value and whether it `passed`,
    None without redundancy.
    `active_bounds` maps variables to the bound that holds them, `residual_max` is the largest imbalance left.
    """

    problem: Problem
    solved: Solved
    value: Vector
    sd: Vector
    degenerate: Mask
    classes: Texts
    lower: Vector
    upper: Vector
    loose: Mask
    normalised_residual: Vector
    test: checks.GlobalTest
    suspects: tuple[checks.Suspect, ...]
    active_bounds: dict[str, float]
    residual_max: float

    @property
    def optimum(self) -> Optimum:
        """The best optimum that was reached."""
        return self.solved.best

    @cached_property
    def covariance(self) -> Matrix | None:
        """The covariance (variables, variables); None for large problems, of which `covariance_of` gives any part."""
        if len(self.value) > WHOLE_COVARIANCE:
            return None
        return self.covariance_of(self.problem.names).to_numpy()

    @cached_property
    def nodal_tests(self) -> tuple[checks.NodalTest, ...]:
        """The tests of single balances and of sums of them."""
        return tuple(checks.nodal_tests(self.problem, self.optimum.bounded))

    @cached_property
    def verdicts(self) -> dict[str, str]:
        """A sentence a balance."""
        matrix, unknown = self.optimum.linear.matrix, self.classes == UNOBSERVABLE
        return checks.verdicts(self.problem, matrix, self.nodal_tests, unknown)

    @cached_property
    def messages(self) -> tuple[str, ...]:
        """What to know before using the values."""
        return messages.messages(self)

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


def reconcile(problem: Problem, *, seed: int = 0, sd_of: Sequence[str] | Literal["all"] = ()) -> Reconciliation:
    """Reconcile a problem: the smallest sum of squared adjustments, each over its sd, that meets every balance.

    Linear balances by elimination (Crowe et al. 1983), algebraic ones linearised until they are met (Cencic 2016);
    measurements may covary, and bounds hold. `seed` draws the further starts of a nonlinear problem.
    Every variable has a standard deviation, except, beyond EVERY_SD (30,000) variables, some of those that move very
    many balances at once: then those named in `sd_of`, or "all", and the 1,000 largest adjustments have one.
    Raises ConflictError when balances or bounds contradict each other, ConvergenceError when no start arrives or
    numbers grow too large, ProblemError for a name in `sd_of` that is no variable.
    """
    solved = solve(problem, seed)
    optimum = solved.best
    classes = classify(problem, optimum.linear, optimum.bounded.plain)
    value = np.where(classes == UNOBSERVABLE, np.nan, optimum.x)
    lower, upper, loose = intervals(problem, optimum.linear, optimum.x, classes)
    spread = _standard_deviations(problem, optimum, value, sd_of)
    value[~(spread > 0) & (np.abs(value) <= messages.rounding(problem, optimum))] = 0.0
    degenerate = messages.degenerate(problem, optimum, spread)
    normalised = checks.normalised_residuals(problem, value, spread)
    active = {problem.names[place]: bound for place, bound in sorted(optimum.bounded.active.items())}
    residual_max = float(np.abs(imbalances(problem, optimum.x)).max())
    if not np.isfinite([optimum.objective, residual_max]).all():
        raise ConvergenceError("numbers grew beyond what can be computed with; choose units that make them smaller")
    return Reconciliation(
        problem=problem,
        solved=solved,
        value=value,
        sd=np.where(degenerate, np.nan, spread),
        degenerate=degenerate,
        classes=classes,
        lower=lower,
        upper=upper,
        loose=loose,
        normalised_residual=normalised,
        test=checks.global_test(optimum.objective, len(optimum.bounded.fit.independent)),
        suspects=tuple(checks.suspects(problem, value, normalised)),
        active_bounds=active,
        residual_max=residual_max,
    )


def eliminate_serially(
    reconciliation: Reconciliation, *, sd_of: Sequence[str] | Literal["all"] = ()
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


def _standard_deviations(
    problem: Problem, optimum: Optimum, value: Vector, asked: Sequence[str] | Literal["all"]
) -> Vector:
    """Return the standard deviations (variables), first of the variables `asked` for, then by adjustment."""
    fitted, count = optimum.bounded.fit, len(value)
    names = [] if asked == "all" else list(asked)
    for name in names:
        if name not in problem.position:
            raise ProblemError(f"no standard deviation of {name!r}: there is no such variable; mend the name", name)
    limit = count if asked == "all" or count <= EVERY_SD else max(LARGEST_ADJUSTMENTS, len(names))
    with np.errstate(invalid="ignore"):
        priority = -np.nan_to_num(np.abs(value - problem.value) / problem.sd)
    priority[[problem.position[name] for name in names]] = -np.inf
    sure = problem.constant.copy()
    sure[list(optimum.bounded.active)] = True
    places = np.argsort(priority, kind="stable") if count > limit else np.arange(count)
    places = places[~(sure | np.isnan(value))[places]]
    sd = np.where(sure & ~np.isnan(value), 0.0, np.nan)
    sd[places] = standard_deviations(problem, fitted, places, limit)
    return sd


def _blanked(square: Matrix, unknown: Mask) -> Matrix:
    blanked = square.copy()
    blanked[unknown], blanked[:, unknown] = np.nan, np.nan
    return blanked
