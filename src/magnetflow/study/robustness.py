"""How far does each headline move when what it rests on is changed?

Other distributions for the same means and uncertainties, doubt about the table that turns scores into uncertainties,
weights that do not let an outlier have its way, and each statistic left out in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy.sparse as sparse

from magnetflow import tables
from magnetflow.flows import quality
from magnetflow.inference import ensemble as ensembles
from magnetflow.inference.distributions import LOGNORMAL, NORMAL, STUDENT, TRIANGULAR, UNIFORM, Matrix, quantiles
from magnetflow.inference.problem import MEASURED, UNMEASURED, Problem, state
from magnetflow.inference.reconcile import Reconciliation, reconcile
from magnetflow.inference.sampling import Input, Space, probabilities
from magnetflow.inference.streaming import Summary, summarise
from magnetflow.study import data_quality, improvement, magnets, printed, system, vehicles, whole, wind
from magnetflow.study.ensemble import Model, model

BEST = "reliability, any, 1"  # the one entry that an input with score 1 throughout takes
DOUBT = 0.5  # assumed: how far each percentage of the table of uncertainties may be off, as a CV
MEAN_YEAR, MIRROR = "mean year", "shipments from China"
MAGNET_TRADE = ("magnet_imports", "magnet_exports", "magnet_sales")
RESIDUALS = {
    "O3.1": "magnet market",
    "I5.2": "generating sets market",
}  # what the study computes as the rest of a market
KINDS = {NORMAL: "all normal", LOGNORMAL: "all lognormal", TRIANGULAR: "all triangular", UNIFORM: "all uniform"}


def with_other_distributions(base: Model) -> dict[str, Model]:
    """Return the model with other distributions for every input, and with heavy tails for trade in magnets."""
    made = {
        label: model(base.seed, base.estimator.problem, base.space.with_kinds(kind)) for kind, label in KINDS.items()
    }
    heavy = base.space.with_kinds(STUDENT, MAGNET_TRADE)
    return made | {"heavy tails in magnet trade": model(base.seed, base.estimator.problem, heavy)}


@dataclass(frozen=True)
class Doubt:
    """What doubt about the table of uncertainties does.

    `sd` has draws by outcomes, `first` how often (as a fraction) improving each input would help an outcome most.
    """

    sd: pd.DataFrame
    first: pd.DataFrame


def doubted(base: Model, outcomes: Sequence[str], *, draws: int, seed: int) -> Doubt:
    """Draw each percentage of the table of uncertainties anew, and tell the sd of outcomes and the best improvement.

    Percentages are lognormal with the CV `DOUBT`, each on its own; scores and weights stay. To first order the
    variance of an outcome is a sum over the inputs, so that nothing needs to be solved again.
    """
    parts, entries = data_quality.contributions(), _entries()
    labels = np.unique(entries.to_numpy())
    factor = quantiles(LOGNORMAL, 1.0, DOUBT, probabilities(len(labels), seed, 0, draws))
    of_label = np.array([[(row == label) for label in labels] for row in entries.to_numpy()])
    squared = np.einsum("ik,ilk->il", parts.to_numpy() ** 2, of_label) @ factor**2  # inputs by draws
    best = improvement.best_cv() * factor[list(labels).index(BEST)]
    gained = np.maximum(squared - best**2, 0.0)
    slope = base.gradient.loc[list(outcomes)].to_numpy() * base.space.mean
    weight = np.array([(slope[:, base.space.value_groups == name] ** 2).sum(axis=1) for name in parts.index]).T
    # What does not follow from scores: the shares of the elements and their scatter.
    now = data_quality.input_cv()[parts.index].to_numpy()
    rest = base.first_order.loc[list(outcomes), "sd"].to_numpy() ** 2 - weight @ now**2
    sd = np.sqrt(weight @ squared + rest[:, None])
    winner = np.argmax(weight[:, :, None] * gained, axis=1)  # outcomes by draws
    first = np.array([np.bincount(row, minlength=len(parts)) / draws for row in winner])
    return Doubt(
        pd.DataFrame(sd.T, columns=list(outcomes)), pd.DataFrame(first.T, index=parts.index, columns=list(outcomes))
    )


def _entries() -> pd.DataFrame:
    """Return which entry of the table of uncertainties each contribution is taken from, inputs by indicators."""
    sensitivity = tables.read("quality_sensitivities").set_index(["role", "indicator"])["sensitivity"]
    roles, scores = data_quality.inputs()["role"], data_quality.scores()
    levels = [
        quality.ANY if indicator == quality.RELIABILITY else str(sensitivity[roles[given], indicator])
        for given, indicator in zip(scores["input"], scores["indicator"], strict=True)
    ]
    told = scores["indicator"] + ", " + levels + ", " + scores["value"].astype(int).astype(str)
    frame = scores.assign(entry=told).pivot(index="input", columns="indicator", values="entry")
    like = data_quality.contributions()
    return frame.loc[like.index, like.columns]


def yearly_sales() -> Problem:
    """Return the problem that the masses of magnets sold by makers in each year all measure one mean year, in t."""
    sales = magnets.sales().dropna("year").to_series()
    names = [f"sales of {year}" for year in sales.index]
    error = float(data_quality.input_cv()["magnet_sales"]) * sales.mean()
    return state(
        [*names, MEAN_YEAR],
        [MEASURED] * len(names) + [UNMEASURED],
        [*sales, np.nan],
        [error] * len(names) + [np.nan],
        balances={name: {name: 1.0, MEAN_YEAR: -1.0} for name in names},
    )


def with_sales(base: Model, mean_year_t: float) -> pd.Series[float]:
    """Return all outcomes, in t, if makers had sold so many tonnes of magnets in each year of the study."""
    sales = magnets.sales().sel(year=slice(printed.YEARS[0], None)).dropna("year")
    values = base.space.mean.copy()
    place = base.space.names.index("magnet_sales")
    values[place] *= mean_year_t / float(sales.mean())
    return pd.Series(base.without_bounds(values[:, None])[:, 0], index=list(base.names))


def with_mirror() -> Problem:
    """Return the whole system with shipments from China as a second measurement of imported magnets.

    The report names the six largest destinations of 2020, and the United Kingdom is not among them: it received
    anything between nothing and the smallest of these, taken as uniform. That China ships all magnets and 2020 stands
    for every year is assumed.
    """
    problem = whole.problem()
    most = magnets.shipments_from_china_t(2020).min() * magnets.rare_earth_fraction() * len(printed.YEARS)
    of_imports = [float(name.startswith("I3.1 ")) for name in problem.names]
    row = sparse.csr_array(np.array([[*of_imports, -1.0]]))
    beside = sparse.csr_array((problem.matrix.shape[0], 1))
    size = len(problem.names)
    covariance = sparse.csr_array(sparse.block_diag([problem.covariance, sparse.csr_array((1, 1))]))
    return replace(
        problem,
        names=(*problem.names, MIRROR),
        measured=np.append(problem.measured, True),
        constant=np.append(problem.constant, False),
        value=np.append(problem.value, most / 2.0),
        sd=np.append(problem.sd, most / 12.0**0.5),
        lower=np.append(problem.lower, 0.0),
        upper=np.append(problem.upper, np.inf),
        start=np.append(problem.start, np.nan),
        linear_names=(*problem.linear_names, MIRROR),
        matrix=sparse.csr_array(sparse.vstack([sparse.hstack([problem.matrix, beside]), row])),
        covariance=sparse.csr_array(covariance.reshape((size + 1, size + 1))),
    )


def total(solved: Reconciliation, flow: str) -> tuple[float, float]:
    """Return the sum of a flow's layers and its sd, in t; NaN where the balances do not determine it."""
    names = [name for name in solved.problem.names if name.startswith(f"{flow} [")]
    value = sum(float(solved.value[solved.problem.position[name]]) for name in names)
    return value, float(max(solved.covariance_of(names).to_numpy().sum(), 0.0) ** 0.5) if value == value else np.nan


def without_statistic(statistic: str) -> Reconciliation:
    """Reconcile the system without the flows that rest on a statistic.

    A flow that stands in no balance tells nothing of the others, and stays.
    """
    given = improvement.statistics()["statistic"]
    powers = data_quality.powers()
    columns = [name for name in given.index[given == statistic] if name in powers]
    problem = whole.problem()
    balanced = {problem.names[place].rsplit(" [", 1)[0] for place in problem.matrix.indices}
    flows = powers.index[(powers[columns] != 0).any(axis=1)]
    return reconcile(whole.problem(unknown=tuple(flow for flow in flows if flow in balanced)))


def turbines_by_source() -> pd.Series[float]:
    """Return the rare earths in new wind turbines, t, by each source of what was added that covers all years."""
    told = {}
    additions = wind.additions_mw().sel(year=list(printed.YEARS))
    for vintage in additions.vintage.values:
        added = additions.sel(vintage=vintage, drop=True)
        if not bool(added.isnull().any()):
            told[str(vintage)] = float(wind.new_installation_kg(added, printed.YEARS).sum()) / 1000.0
    net = wind.net_additions_mw().sel(year=list(printed.YEARS))
    return pd.Series(
        {**told, "change of capacity": float(wind.new_installation_kg(net, printed.YEARS).sum()) / 1000.0}
    )


def stock_by_source() -> pd.Series[float]:
    """Return the stock in use at the end of 2021, t, as the study counts it and with one part counted otherwise."""
    stocks = system.stock_totals_t()
    turbines, cars = float(wind.stock_kg().sel(year=2021).sum()) / 1000.0, stocks["EV 2021"]
    cohorts = float(wind.cohort_stock_kg().sel(year=2021).sum()) / 1000.0
    life = vehicles.lifetime()
    left = vehicles.surviving_stock_cars(2021, life["mean"], life["shape"], 2016).to_series()
    mean, covariance = vehicles.content(vehicles.solve_contents(system.mean_contents_kg()))
    return pd.Series(
        {
            "licences, and turbines at the shares of 2021": cars + turbines,
            "turbines by cohort": cars + cohorts,
            "cars from registrations and survival": vehicles.mass_t(left, mean, covariance)[0] + turbines,
        }
    )


def market(flow: str) -> tuple[dict[str, float], pd.DataFrame]:
    """Return the balance of the market whose rest a flow is, and value and printed sd (for Nd, t) of its others."""
    flows = printed.flows().set_index("flow")
    cv = whole.printed_uncertainties().xs("Nd", level=1) / 100.0
    process, mass = RESIDUALS[flow], flows["value"].to_dict()
    signs = (flows["target_process"] == process).astype(float) - (flows["source_process"] == process).astype(float)
    balance = {str(name): float(sign) for name, sign in signs.items() if sign and mass[name] > 0}
    others = [name for name in balance if name != flow]
    value = flows["value"][others]
    return balance, pd.DataFrame({"value": value, "sd": cv[others] * value})


def residual(flow: str, kind: str, *, draws: int, seed: int) -> tuple[Summary, float]:
    """Draw a flow that the study computes as a rest, from the others at their printed uncertainties.

    Return what the draws say of the rest before and after the balance within bounds, and its sd to first order.
    """
    balance, others = market(flow)
    estimator = ensembles.estimator(
        state(
            [*others.index, flow],
            [MEASURED] * len(others) + [UNMEASURED],
            [*others["value"], np.nan],
            [*others["sd"], np.nan],
            balances={RESIDUALS[flow]: balance},
            lower=np.zeros(len(others) + 1),
        )
    )
    told = others.itertuples(name=None)
    space = Space(tuple(Input(str(name), str(name), kind, value, sd) for name, value, sd in told))

    def rest(first: int, count: int) -> Matrix:
        drawn = space.draw(probabilities(space.width, seed, first, count))
        return np.vstack([estimator.unbounded(drawn)[-1], estimator.bounded(drawn)[0][-1]])

    summary = summarise(rest, ("without bounds", "within bounds"), draws)
    return summary, float(estimator.covariance[-1, -1] ** 0.5)
