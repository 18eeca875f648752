"""What are the values on which all data and balances agree, how sure are they, and which data stand out?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from magnetflow.arrays import Mask, Vector
from magnetflow.errors import ConvergenceError
from magnetflow.inference import checks as tests
from magnetflow.inference.classes import UNOBSERVABLE, classify, intervals
from magnetflow.inference.problem import Problem, listed
from magnetflow.inference.solver.covariance import combined_sd, covariance, standard_deviations
from magnetflow.inference.solver.matrices import rows_touched
from magnetflow.inference.solver.relations import imbalances, is_linear
from magnetflow.inference.solver.solve import SAME_OPTIMUM, Optimum, Solved, solve

WHOLE_COVARIANCE = 2000  # variables up to which the covariance is kept whole
EVERY_SD = 10_000  # variables up to which every standard deviation is computed
LARGEST_ADJUSTMENTS = 1000  # beyond that, those of so many variables
WELL_AWAY = 3.0  # standard deviations from zero
AT_ZERO = 1e-6  # of the measured value


class Estimate(NamedTuple):
    """A value and its standard deviation."""

    value: float
    sd: float


@dataclass(frozen=True)
class Reconciliation:
    """Reconciled values with all that is known about them; arrays run over `problem.names`.

    `value` and `sd` are NaN for what the balances do not determine, `sd` also where it was not asked for;
    `lower` and `upper` are the range left to an unobservable variable, NaN elsewhere.
    `covariance` is None for large problems; `covariance_of` computes any part of it.
    `active_bounds` maps variables to the bound that holds them; `verdicts` has a sentence a balance.
    """

    problem: Problem
    optimum: Optimum
    value: Vector
    sd: Vector
    classes: NDArray[np.str_]
    lower: Vector
    upper: Vector
    covariance: NDArray[np.float64] | None
    normalised_residual: Vector
    test: tests.GlobalTest
    suspects: tuple[tests.Suspect, ...]
    nodal_tests: tuple[tests.NodalTest, ...]
    verdicts: dict[str, str]
    active_bounds: dict[str, float]
    residual_max: float
    messages: tuple[str, ...]

    def covariance_of(self, names: Sequence[str]) -> pd.DataFrame:
        """Return the covariance of some variables; NaN for what the balances do not determine."""
        places = np.array([self.problem.position[name] for name in names], dtype=np.intp)
        square = covariance(self.problem, self.optimum.bounded.fit, places)
        return pd.DataFrame(_blanked(square, np.isnan(self.value[places])), index=list(names), columns=list(names))

    def correlation_of(self, names: Sequence[str]) -> pd.DataFrame:
        """Return the correlation of some variables; NaN for what has no variance."""
        square = self.covariance_of(names)
        sd = np.sqrt(np.diag(square))
        with np.errstate(invalid="ignore", divide="ignore"):
            return pd.DataFrame(square.to_numpy() / np.outer(sd, sd), index=square.index, columns=square.columns)

    def combine(self, weights: Mapping[str, float]) -> Estimate:
        """Return the sum of variables, each times its weight, with the covariance of their errors.

        Both value and sd are NaN where the balances do not determine a variable whose weight is not zero.
        """
        counted = {self.problem.position[name]: weight for name, weight in weights.items() if weight}
        places, factors = np.array(list(counted), dtype=np.intp), np.array(list(counted.values()))
        if np.isnan(self.value[places]).any():
            return Estimate(np.nan, np.nan)
        sd = combined_sd(self.problem, self.optimum.bounded.fit, places, factors)
        return Estimate(float(factors @ self.value[places]), sd)

    def table(self) -> pd.DataFrame:
        """Return one row a variable: measured and reconciled values, what is known of each, then its labels."""
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

    removed: tests.Suspect
    before: tests.GlobalTest
    after: tests.GlobalTest


def reconcile(problem: Problem, *, seed: int = 0, sd_of: Sequence[str] = ()) -> Reconciliation:
    """Reconcile a problem.

    `seed` draws the further starts of a nonlinear problem.
    Beyond EVERY_SD variables, standard deviations are computed for those named in `sd_of` and for the
    LARGEST_ADJUSTMENTS.
    Raises ConflictError when balances or bounds contradict each other, ConvergenceError when no start arrives.
    """
    solved = solve(problem, seed)
    optimum = solved.best
    fitted = optimum.bounded.fit
    classes = classify(problem, optimum.linear, optimum.bounded.plain)
    unknown = classes == UNOBSERVABLE
    value = np.where(unknown, np.nan, optimum.x)
    ranges = intervals(problem, optimum.linear, optimum.x, classes)
    sd, square = _uncertainty(problem, optimum, value, sd_of)
    normalised = tests.normalised_residuals(problem, value, sd)
    test = tests.global_test(optimum.objective, fitted.redundancy)
    held = [problem.names[place] for place in optimum.bounded.active]
    nodal = tests.nodal_tests(problem, fitted, held)
    active = {problem.names[place]: bound for place, bound in sorted(optimum.bounded.active.items())}
    residual_max = float(np.abs(imbalances(problem, optimum.x)).max())
    if not np.isfinite([optimum.objective, residual_max]).all():
        raise ConvergenceError("numbers grew beyond what can be computed with; choose units that make them smaller")
    return Reconciliation(
        problem,
        optimum,
        value,
        sd,
        classes,
        ranges.lower,
        ranges.upper,
        square,
        normalised,
        test,
        tuple(tests.suspects(problem, value, normalised)),
        tuple(nodal),
        _verdicts(problem, optimum, nodal, unknown),
        active,
        residual_max,
        tuple(_messages(problem, solved, test, active, ranges.loose)),
    )


def eliminate_serially(reconciliation: Reconciliation, *, seed: int = 0) -> tuple[Reconciliation, list[Eliminated]]:
    """Take out the most suspect measurement, reconcile again, and so on until the χ² test passes.

    A measurement taken out counts as unmeasured; as a redundant one it stays determined by the balances.
    Of several that fit the blame alike the first is taken, which is no evidence against it: see `Suspect.tied`.
    Stops also when nothing stands out. Returns the last reconciliation and the steps.
    """
    steps = []
    while reconciliation.test.passed is False and reconciliation.suspects:
        worst = reconciliation.suspects[0]
        following = reconcile(_without(reconciliation.problem, worst.name), seed=seed)
        steps.append(Eliminated(worst, reconciliation.test, following.test))
        reconciliation = following
    return reconciliation, steps


def _without(problem: Problem, name: str) -> Problem:
    """Return the problem with one measurement taken as unmeasured, to start where it was measured."""
    place = problem.position[name]
    out = np.arange(len(problem.names)) == place
    kept = problem.covariance.tocoo()
    row, column = kept.coords
    among = (row != place) & (column != place)
    left = type(kept)((kept.data[among], (row[among], column[among])), shape=kept.shape).tocsr()
    return replace(
        problem,
        measured=problem.measured & ~out,
        start=np.where(out, problem.value, problem.start),
        value=np.where(out, np.nan, problem.value),
        sd=np.where(out, np.nan, problem.sd),
        covariance=left,
    )


def _uncertainty(
    problem: Problem, optimum: Optimum, value: Vector, sd_of: Sequence[str]
) -> tuple[Vector, NDArray[np.float64] | None]:
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


def _blanked(square: NDArray[np.float64], unknown: Mask) -> NDArray[np.float64]:
    blanked = square.copy()
    blanked[unknown], blanked[:, unknown] = np.nan, np.nan
    return blanked


def _verdicts(problem: Problem, optimum: Optimum, nodal: list[tests.NodalTest], unknown: Mask) -> dict[str, str]:
    matrix = optimum.linear.matrix
    of_unmeasured, undetermined = (rows_touched(matrix, columns) for columns in (problem.unmeasured, unknown))
    said = tests.verdicts(problem, nodal, of_unmeasured, undetermined)
    return dict(zip(problem.balance_names, said, strict=True))


def _messages(
    problem: Problem, solved: Solved, test: tests.GlobalTest, active: dict[str, float], loose: Mask
) -> list[str]:
    """Tell what a reader of the values should know before using them."""
    said = []
    if test.passed is None:
        said.append("no balance is left over to test the measurements: nothing was adjusted")
    elif not test.passed:
        said.append("the measurements contradict each other more than their uncertainties allow")
    if active:
        told = [f"{name} at {bound:g}" for name, bound in active.items()]
        said.append(f"held by a bound, which counts as a balance in test and uncertainty: {listed(told)}")
    pushed = [] if is_linear(problem) else _pushed_to_zero(problem, solved.best.x)
    if pushed:
        said.append(
            f"degenerate: measurements of {listed(pushed)} lie well away from zero and are pushed to zero, "
            "the only place where contradicting balances agree; do not use these values"
        )
    said += _on_starts(solved)
    if solved.best.is_minimum is None:
        said.append("the system is too large to tell a minimum from a saddle point")
    elif not solved.best.is_minimum:
        said.append("the values are a saddle point, not a minimum; give other starts")
    if loose.any():
        names = [problem.names[place] for place in np.flatnonzero(loose)]
        said.append(f"ranges of unobservable variables that may be narrower than told: {listed(names)}")
    return said


def _pushed_to_zero(problem: Problem, x: Vector) -> list[str]:
    with np.errstate(invalid="ignore"):
        pushed = np.abs(problem.value) > WELL_AWAY * problem.sd
        pushed &= np.abs(x) < AT_ZERO * np.abs(problem.value)
    return [problem.names[place] for place in np.flatnonzero(pushed & problem.measured)]


def _on_starts(solved: Solved) -> list[str]:
    """Report starts that reached another optimum or none."""
    said = []
    objectives = [optimum.objective for optimum in solved.reached]
    others = sorted(
        {f"{value:.4g}" for value in objectives if abs(value - solved.best.objective) > SAME_OPTIMUM * (1 + value)}
    )
    if others:
        agreeing = sum(abs(value - solved.best.objective) <= SAME_OPTIMUM * (1 + value) for value in objectives)
        said.append(
            f"{len(solved.reached)} starts reached different optima: {agreeing} the one told, with a weighted sum "
            f"of squares of {solved.best.objective:.4g}, the others {', '.join(others)}; give starts near what "
            "you expect"
        )
    if solved.failed:
        told = f"{solved.failed} of {solved.failed + len(solved.reached)} starts came to no end"
        said.append(told + ", so that a better optimum may exist; give starts near what you expect")
    return said
