"""Which statistic is worth improving?

An input whose quality scores all rose to 1 would err by the least that the scores know. How much less uncertain an
outcome would then be, the balances being weighted anew, is the value of that improvement, in tonnes.
To first order it follows from the covariance of the inputs; a simulation within a simulation, which leaves the
weights as they are, checks it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from magnetflow import tables
from magnetflow.arrays import Vector
from magnetflow.errors import InputError
from magnetflow.flows import quality
from magnetflow.inference.draws import ensemble as ensembles
from magnetflow.inference.draws.distributions import NORMAL, quantiles
from magnetflow.inference.draws.space import Space, Split, probabilities
from magnetflow.studies.united_kingdom import accounts, data_quality, estimates
from magnetflow.studies.united_kingdom.draws.model import NET_IMPORT, Model

HEADLINES = {  # named outcomes and how a table heads them
    accounts.name_of(NET_IMPORT, accounts.FOUR): "net import of magnets",
    accounts.name_of("stock in use", accounts.FOUR): "stock in use in 2021",
    accounts.name_of("C5.2", accounts.FOUR): "new wind turbines",
}
NO_PART = 1e-9  # of a variance


def statistics() -> pd.DataFrame:
    """Return statistic, proposal and change in words for each input and each group of element shares."""
    return tables.read("improvements").set_index("input")[["statistic", "proposal", "change"]]


def best_cv() -> float:
    """Return the coefficient of variation of an input with score 1 throughout, as a fraction."""
    best = quality.combined(quality.contributions(data_quality.graded(data_quality.scores().assign(value=1))))
    if best.nunique() > 1:
        raise InputError("inputs with score 1 throughout differ in their uncertainty; mend quality_cv")
    return float(best.iloc[0])


def improved(space: Space, groups: Collection[str]) -> Space:
    """Return the space with the inputs and splits of some groups known as well as scores of 1 allow.

    The shares of a split keep their pattern of errors, the one known least being brought to that uncertainty.
    """
    best = best_cv()

    def narrowed(shares: Split) -> Split:
        worst = max(sd / mean for mean, sd in zip(shares.mean, shares.sd, strict=True))
        return replace(shares, sd=tuple(sd * min(1.0, best / worst) for sd in shares.sd))

    return replace(
        space,
        inputs=tuple(
            replace(given, sd=min(given.sd, best * given.mean)) if given.group in groups else given
            for given in space.inputs
        ),
        splits=tuple(narrowed(shares) if shares.group in groups else shares for shares in space.splits),
    )


def sds(model: Model, reduced: ensembles.Reduced, space: Space) -> Vector:
    """Return the standard deviation of each outcome to first order, the balances weighted by the covariance."""
    slope = model.products.gradient
    of_measured = slope[model.of_measured]
    covariance = of_measured @ space.covariance @ of_measured.T
    kept = reduced.matrix - reduced.matrix @ reduced.gain(covariance) @ reduced.balances
    through = model.weights @ kept @ of_measured + model.of_stocks @ slope
    variance = np.einsum("ij,jk,ik->i", through, space.covariance, through, optimize=True)
    spread: Vector = np.sqrt(np.maximum(variance, 0.0))
    return spread


def sd_now(model: Model) -> pd.Series[float]:
    """Return the standard deviation of each outcome as it is, t."""
    return pd.Series(sds(model, ensembles.reduce(model.estimator.problem), model.space), list(model.names))


def value_of_information(model: Model, improvements: Mapping[str, Collection[str]]) -> pd.DataFrame:
    """Return by how many tonnes the sd of each outcome (column) would shrink with each improvement (row).

    `improvements` maps a label to the groups of inputs that it brings to score 1.
    """
    reduced = ensembles.reduce(model.estimator.problem)
    now = sds(model, reduced, model.space)
    rows = [now - sds(model, reduced, improved(model.space, groups)) for groups in improvements.values()]
    return pd.DataFrame(rows, index=list(improvements), columns=list(model.names))


def by_input() -> dict[str, list[str]]:
    """Return each input and each group of element shares as an improvement of its own."""
    return {name: [name] for name in statistics().index}


def by_proposal() -> dict[str, list[str]]:
    """Return each proposal with the inputs that it betters."""
    return {str(key): list(rows.index) for key, rows in statistics().groupby("proposal", sort=False)}


def simulated_sd(model: Model, group: str, *, outer: int, inner: int, seed: int) -> tuple[pd.Series, pd.Series]:
    """Return the expected sd of each outcome if a group of inputs were improved, and its standard error.

    For each of `outer` values that the better statistic might give, `inner` draws take the group near that value and
    everything else as it is, through the balances within their bounds; the expected variance is the mean of theirs.
    Raises InputError for a group that holds no input, or inputs that are as good already.
    """
    best, names = best_cv(), list(model.names)
    own = [place for place, given in enumerate(model.space.inputs) if given.group == group]
    if not own or any(model.space.inputs[place].sd <= best * model.space.inputs[place].mean for place in own):
        raise InputError(f"{group} holds no input that could be improved to the best score")
    of_statistic = probabilities(len(own), seed, 0, outer)
    points = probabilities(model.space.width, seed + 1, 0, outer * inner)
    variances = np.empty((outer, len(names)))
    for draw in range(outer):
        block = points[:, draw * inner : (draw + 1) * inner]
        values = model.space.draw(block)
        for row, place in enumerate(own):
            given = model.space.inputs[place]
            between = (given.sd**2 - (best * given.mean) ** 2) ** 0.5
            centre = quantiles(given.kind, given.mean, between, of_statistic[row, draw : draw + 1])[0]
            values[place] = quantiles(NORMAL, centre, best * centre, block[place])
        variances[draw] = model.within_bounds(values).var(axis=1, ddof=1)
    mean, error = variances.mean(axis=0), variances.std(axis=0, ddof=1) / outer**0.5
    sd = np.sqrt(mean)
    with np.errstate(invalid="ignore", divide="ignore"):
        return pd.Series(sd, names), pd.Series(error / (2.0 * sd), names)


def most_influential(model: Model, outcomes: Sequence[str], count: int) -> list[str]:
    """Return the inputs with the largest part in the variance of any of the outcomes, largest first; none without."""
    slope = model.gradient.loc[list(outcomes)].to_numpy() * np.sqrt(np.diag(model.space.covariance))
    names = list(data_quality.inputs().index)
    part = [((slope[:, model.space.value_groups == name] ** 2).sum(axis=1)) for name in names]
    largest = (np.array(part) / model.first_order.loc[list(outcomes), "sd"].to_numpy() ** 2).max(axis=1)
    return [names[place] for place in np.argsort(-largest, kind="stable")[:count] if largest[place] > NO_PART]


def one_at_a_time(model: Model, outcome: str, inputs: Sequence[str]) -> pd.DataFrame:
    """Return what an outcome changes by, t, when each input (row), in all elements, is one sd lower or higher."""
    place, mean = model.names.index(outcome), model.space.mean[:, None]
    middle = model.without_bounds(mean)[place, 0]
    columns = {}
    for side, sign in {"one sd lower": -1.0, "one sd higher": 1.0}.items():
        values = np.repeat(mean, len(inputs), axis=1)
        for column, name in enumerate(inputs):
            values[model.space.value_groups == name, column] *= 1.0 + sign * estimates.input_cv()[name]
        columns[side] = model.without_bounds(values)[place] - middle
    return pd.DataFrame(columns, index=list(inputs))
