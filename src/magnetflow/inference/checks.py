"""Do the measurements contradict each other more than their uncertainties allow, and which of them?

The weighted sum of squared adjustments follows χ² if all errors are normal, unbiased and as large as stated; so
each adjustment over its own standard deviation, and each imbalance over its own, is standard normal.
With many at once some are large by chance: the limit for each is that of Šidák, which keeps the probability of any
false alarm at the level (Mah and Tamhane 1982; Narasimhan and Jordache 2000, chapters 7 and 8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from scipy.special import chdtrc, chdtri, ndtr, ndtri

from magnetflow.arrays import Mask, Vector
from magnetflow.inference.problem import Problem
from magnetflow.inference.solver.bounded import Bounded
from magnetflow.inference.solver.matrices import row_numbers

LEVEL = 0.05
MEANINGFUL = 1e-9  # of a variance: an adjustment known better than this has none
TIED = 1e-6  # relative difference of two test values that are the same
TERMS_LISTED = 4
TIES_LISTED = 20


@dataclass(frozen=True)
class GlobalTest:
    """The χ² test of all measurements together; limit, probability and outcome are None without redundancy."""

    objective: float
    degrees_of_freedom: int
    limit: float | None
    p_value: float | None
    passed: bool | None


@dataclass(frozen=True)
class Suspect:
    """A measurement that is adjusted more than chance explains; `tied` names those that fit the blame as well."""

    name: str
    normalised_residual: float
    adjustment_in_sd: float
    p_value: float
    tied: tuple[str, ...]


@dataclass(frozen=True)
class NodalTest:
    """The imbalance of one balance, or of a combination of some, that holds no unmeasured variable.

    `imbalance` and `sd` are in the unit of the balances, or None where these are not simply added up.
    """

    balances: tuple[str, ...]
    imbalance: float | None
    sd: float | None
    normalised: float
    contradicts: bool


def global_test(objective: float, degrees_of_freedom: int) -> GlobalTest:
    """Compare the weighted sum of squares with its 95 % limit."""
    if degrees_of_freedom == 0:
        return GlobalTest(objective, 0, None, None, None)
    limit = float(chdtri(degrees_of_freedom, LEVEL))
    p_value = float(chdtrc(degrees_of_freedom, objective))
    return GlobalTest(objective, degrees_of_freedom, limit, p_value, objective <= limit)


def critical_value(tests: int) -> float:
    """Return what the largest of `tests` standard normal values exceeds in size with probability LEVEL (Šidák)."""
    if tests == 0:
        return np.inf
    return float(-ndtri(-np.expm1(np.log1p(-LEVEL) / tests) / 2))


def normalised_residuals(problem: Problem, value: Vector, sd: Vector) -> Vector:
    """Return each adjustment over its sd (variables), NaN where nothing can be adjusted or the sd is not known."""
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = problem.sd**2 - sd**2
        meaningful = problem.measured & (variance > MEANINGFUL * problem.sd**2)
        return np.where(meaningful, (value - problem.value) / np.sqrt(variance), np.nan)


def suspects(problem: Problem, value: Vector, normalised: Vector) -> list[Suspect]:
    """Return the measurements beyond the critical value, the most suspect first."""
    tested = np.flatnonzero(~np.isnan(normalised))
    limit = critical_value(len(tested))
    beyond = tested[np.abs(normalised[tested]) > limit]
    ranked = beyond[np.lexsort((beyond, -np.round(np.abs(normalised[beyond]), 9)))]
    sizes = np.abs(normalised[ranked])
    # Sorted by size, those that are alike follow one another.
    group = np.concatenate([[0], np.cumsum(sizes[1:] < sizes[:-1] * (1 - TIED))]) if len(ranked) else ranked
    found = []
    for at, place in enumerate(ranked.tolist()):
        first, last = np.searchsorted(group, [group[at], group[at] + 1])
        alike = ranked[first : min(last, first + TIES_LISTED)]
        probability = -np.expm1(len(tested) * np.log1p(-min(2 * ndtr(-sizes[at]), 1 - 1e-16)))
        found.append(
            Suspect(
                name=problem.names[place],
                normalised_residual=float(normalised[place]),
                adjustment_in_sd=float((value[place] - problem.value[place]) / problem.sd[place]),
                p_value=float(probability),
                tied=tuple(problem.names[other] for other in alike if other != place),
            )
        )
    return found


def nodal_tests(problem: Problem, bounded: Bounded) -> list[NodalTest]:
    """Test every balance, or sum of balances, that the elimination of the unmeasured variables has left.

    A bound that holds a variable counts as a balance.
    """
    fitted, combinations = bounded.fit, bounded.fit.combinations
    names = (*problem.balance_names, *(f"the bound of {problem.names[place]}" for place in bounded.active))
    # The measured values miss the reduced balances by the gap, whose covariance is that of G z.
    normalised = fitted.gap / fitted.norms
    contradicts = np.abs(normalised) > critical_value(len(normalised))
    ends, starts = combinations.indptr.tolist(), combinations.indptr[:-1]
    weights = np.abs(combinations.data)
    # Each holds a balance at least; those that are simply added up have weights of one size.
    largest = np.maximum.reduceat(weights, starts) if len(starts) else weights
    plain_sum = largest - (np.minimum.reduceat(weights, starts) if len(starts) else weights) <= TIED * largest
    first = weights[starts]
    balances = [names[row] for row in combinations.indices.tolist()]
    columns = zip(
        ends, ends[1:], plain_sum.tolist(), (-fitted.gap / first).tolist(), (fitted.norms / first).tolist(),
        (-normalised).tolist(), contradicts.tolist(), strict=False,
    )  # fmt: skip
    return [
        NodalTest(tuple(balances[start:end]), gap if plain else None, sd if plain else None, size, beyond)
        for start, end, plain, gap, sd, size, beyond in columns
    ]


def verdicts(problem: Problem, matrix: sparse.csr_array, tests: Sequence[NodalTest], unknown: Mask) -> dict[str, str]:
    """Return a sentence for each balance: what the measured values make of it.

    `matrix` has the balances as they were solved (balances, variables); `unknown` marks the unobservable variables.
    """
    row_of, balances = row_numbers(matrix), len(problem.balance_names)
    of_unmeasured, of_unknown = (
        np.bincount(row_of, columns[matrix.indices], balances) > 0 for columns in (problem.unmeasured, unknown)
    )
    alone = {test.balances[0]: test for test in tests if len(test.balances) == 1}
    within: dict[str, NodalTest] = {}
    for test in tests:
        for balance in test.balances:
            within.setdefault(balance, test)
    sentences = {}
    for row, name in enumerate(problem.balance_names):
        if name in alone:
            sentences[name] = _judgement(alone[name])
        elif name in within:
            others = [other for other in within[name].balances if other != name]
            more = " and more" if len(others) > TERMS_LISTED else ""
            sentences[name] = (
                f"tested together with {', '.join(others[:TERMS_LISTED])}{more}: {_judgement(within[name])}"
            )
        elif of_unknown[row]:
            sentences[name] = "cannot be tested: it holds an unobservable variable"
        elif of_unmeasured[row]:
            sentences[name] = "cannot be tested: it determines an unmeasured variable"
        else:
            sentences[name] = "holds constants only, or repeats other balances"
    return sentences


def _judgement(test: NodalTest) -> str:
    size = abs(test.normalised)
    amount = "" if test.imbalance is None else f"{abs(test.imbalance):.4g}, "
    kind = "contradicted" if test.contradicts else "strained" if size > 1.96 else "agrees"
    return f"{kind}: the measured values miss it by {amount}{size:.1f} standard deviations"
