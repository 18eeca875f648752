"""How far does each headline move when distributions, percentages or scores are changed?

Other distributions for the same means and uncertainties, doubt about the table that turns scores into uncertainties,
scores one level away, and the flows that are the rest of a market at their printed uncertainties.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from magnetflow.arrays import Matrix
from magnetflow.flows import quality
from magnetflow.inference.draws import ensemble as ensembles
from magnetflow.inference.draws.distributions import LOGNORMAL, NORMAL, STUDENT, TRIANGULAR, UNIFORM, quantiles
from magnetflow.inference.draws.space import Input, Space, probabilities
from magnetflow.inference.draws.streaming import Summary, summarise
from magnetflow.inference.problem import MEASURED, UNMEASURED, state
from magnetflow.studies.united_kingdom import data_quality, estimates, picture, printed
from magnetflow.studies.united_kingdom.draws import improvement
from magnetflow.studies.united_kingdom.draws.model import Model
from magnetflow.studies.united_kingdom.review import splits

BEST = (quality.RELIABILITY, quality.ANY, 1)  # the one percentage that an input with score 1 throughout takes
DOUBT = 0.5  # assumed: how far each percentage of the table of uncertainties may be off, as a CV
KINDS = {NORMAL: "all normal", LOGNORMAL: "all lognormal", TRIANGULAR: "all triangular", UNIFORM: "all uniform"}


def with_other_distributions(base: Model) -> dict[str, Model]:
    """Return the model with other distributions for every input, and with heavy tails for trade in magnets."""
    flows = [flow for codes in picture.stages()["magnets"].values() for flow in codes]
    entering = data_quality.powers().loc[flows].any() & data_quality.inputs()["role"].eq(data_quality.ACTIVITY)
    heavy = base.space.with_kinds(STUDENT, list(entering.index[entering]))
    made = {label: replace(base, space=base.space.with_kinds(kind)) for kind, label in KINDS.items()}
    return made | {"heavy tails in magnet trade": replace(base, space=heavy)}


def doubted(base: Model, outcomes: Sequence[str], *, draws: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw each percentage of the table of uncertainties anew.

    Return the sd of outcomes, draws by outcomes, and how often (as a fraction) improving each input would help an
    outcome most, inputs by outcomes.

    Percentages are lognormal with the CV `DOUBT`, each on its own; scores and weights stay. To first order the
    variance of an outcome is a sum over the inputs, so that nothing needs to be solved again.
    """
    scores = data_quality.graded(data_quality.scores())
    keys = scores.groupby(["indicator", "sensitivity", "score"])
    factor = quantiles(LOGNORMAL, 1.0, DOUBT, probabilities(keys.ngroups, seed, 0, draws))  # percentages by draws
    inputs = scores["input"].unique()
    own = inputs[:, None] == scores["input"].to_numpy()
    squared = own @ (scores["cv"].to_numpy()[:, None] * factor[keys.ngroup()]) ** 2  # inputs by draws
    drawn = estimates.drawn_inputs()
    squared[pd.Index(inputs).get_indexer(pd.Index(drawn))] = estimates.input_cv()[drawn].to_numpy()[:, None] ** 2
    best = improvement.best_cv() * factor[list(keys.groups).index(BEST)]
    weight, rest = _variance_by_input(base, outcomes)
    sd = np.sqrt(weight.to_numpy() @ squared + rest.to_numpy()[:, None])
    gained = weight.to_numpy()[:, :, None] * np.maximum(squared - best**2, 0.0)
    winner = np.argmax(gained, axis=1)  # outcomes by draws
    first = np.array([np.bincount(row, minlength=len(inputs)) / draws for row in winner])
    columns = list(outcomes)
    return pd.DataFrame(sd.T, columns=columns), pd.DataFrame(first.T, index=inputs, columns=columns)


def _variance_by_input(base: Model, outcomes: Sequence[str]) -> tuple[pd.DataFrame, pd.Series[float]]:
    """Return what a squared CV of each input (column) adds to the variance of outcomes (rows), and what is left.

    Left are the shares of the elements and their scatter, which do not follow from scores.
    """
    cv = estimates.input_cv()
    slope = base.gradient.loc[list(outcomes)].to_numpy() * base.space.mean
    groups = base.space.value_groups
    weight = np.array([(slope[:, groups == name] ** 2).sum(axis=1) for name in cv.index]).T
    rest = base.first_order["sd"][list(outcomes)] ** 2 - weight @ cv.to_numpy() ** 2
    return pd.DataFrame(weight, index=list(outcomes), columns=cv.index), rest


def moved_scores(base: Model, outcomes: Sequence[str]) -> pd.DataFrame:
    """Move each score by one, one at a time, and return each move after which another proposal is worth most.

    Columns: input, indicator, score (from), to, outcome, first (the proposal then worth most), worth (of it, t),
    before (the proposal worth most without the move) and left (what that is worth then, t).
    """
    moves, squared = _moves(), estimates.input_cv() ** 2
    as_scored: Matrix = np.array(squared, dtype=np.float64)[None, :]
    after = np.repeat(as_scored, len(moves), axis=0)
    after[np.arange(len(moves)), squared.index.get_indexer(pd.Index(moves["input"]))] += moves["change"]
    weight, rest = _variance_by_input(base, outcomes)
    found = []
    for outcome in outcomes:
        now = _worth(weight.T[outcome], rest[outcome], as_scored).iloc[0]
        worth = _worth(weight.T[outcome], rest[outcome], after)
        before, first = str(now.idxmax()), worth.idxmax(axis=1)
        rows = moves.drop(columns="change").assign(
            outcome=outcome, first=first, worth=worth.max(axis=1), before=before, left=worth[before]
        )
        found.append(rows[first != before])
    return pd.concat(found, ignore_index=True)


def _moves() -> pd.DataFrame:
    """Return every move of a score by one: input, indicator, score, to, and the change of the squared CV."""
    scores = data_quality.graded(data_quality.scores())
    levels = data_quality.levels().rename(columns={"score": "to", "value": "cv_then"})
    moves = scores.merge(levels, on=["indicator", "sensitivity"])
    moves = moves[(moves["to"] - moves["score"]).abs() == 1]
    moves = moves[~moves["input"].isin(estimates.drawn_inputs())].reset_index(drop=True)
    moves["change"] = moves["cv_then"] ** 2 - moves["cv"] ** 2
    return moves[["input", "indicator", "score", "to", "change"]]


def _worth(weight: pd.Series[float], rest: float, squared: Matrix) -> pd.DataFrame:
    """Return by how much each proposal (column) would shrink the sd of an outcome, t.

    `squared` has squared CVs, cases by inputs; the balances keep their weights.
    """
    given = weight.to_numpy()
    belongs = pd.get_dummies(improvement.statistics()["proposal"][weight.index], dtype=float)
    gained = (given * np.maximum(squared - improvement.best_cv() ** 2, 0.0)) @ belongs.to_numpy()
    variance = (squared @ given + rest)[:, None]
    return pd.DataFrame(np.sqrt(variance) - np.sqrt(variance - gained), columns=belongs.columns)


def residual(flow: str, kind: str, *, draws: int, seed: int) -> tuple[Summary, float]:
    """Draw a flow that is the rest of its market, from the others at their printed uncertainties for Nd.

    Return what the draws say of the rest before and after the balance within bounds, and its sd to first order.
    """
    [node] = [node for node in splits.nodes().values() if node.rest == flow]
    value = printed.flows().set_index("flow")["value"][list(node.terms)]
    sd = value * printed.uncertainties().xs("Nd", level=1)[value.index] / 100.0
    estimator = ensembles.estimator(
        state(
            [*value.index, flow],
            [MEASURED] * len(value) + [UNMEASURED],
            [*value, np.nan],
            [*sd, np.nan],
            balances={node.market: {flow: -1.0} | {other: sign for other, (sign, _) in node.terms.items()}},
            lower=np.zeros(len(value) + 1),
        )
    )
    space = Space(tuple(Input(name, name, kind, value[name], sd[name]) for name in value.index))

    def rest(first: int, count: int) -> Matrix:
        drawn = space.draw(probabilities(space.width, seed, first, count))
        return np.vstack([estimator.unbounded(drawn)[-1], estimator.bounded(drawn)[0][-1]])

    summary = summarise(rest, ("without bounds", "within bounds"), draws)
    return summary, float(estimator.covariance[-1, -1] ** 0.5)
