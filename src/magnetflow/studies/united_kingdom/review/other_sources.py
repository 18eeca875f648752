"""What do other sources say of the headlines, and what is left without one?

Sales of magnets by year, shipments from China, the flows without those of one statistic, other editions of what was
added, and other ways to value the stock.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from magnetflow.errors import InputError
from magnetflow.flows.records import Figure, Flow, Place
from magnetflow.inference.problem import MEASURED, UNMEASURED, Problem, state
from magnetflow.inference.reconcile import Estimate, Reconciliation
from magnetflow.studies.united_kingdom import accounts, data_quality, estimates, magnets, printed, vehicles, wind
from magnetflow.studies.united_kingdom.draws import improvement
from magnetflow.studies.united_kingdom.draws.model import Model

MEAN_YEAR, MIRROR = "mean year", "shipments from China"


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
    sales = magnets.sales().sel(year=slice(printed.years()[0], None)).dropna("year")
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
    system = accounts.system()
    most = magnets.shipments_from_china_t(2020).min() * magnets.rare_earth_fraction() * len(printed.years())
    imports = "I3.1"
    elements = {accounts.name_of(imports, layer): -1.0 for layer in estimates.ELEMENTS}
    shipments = {(MIRROR, Place(layer=estimates.ALL)): Figure(most / 2.0, most / 12.0**0.5, unit="t")}
    return replace(
        system,
        flows={**system.flows, MIRROR: Flow(source=system.flows[imports].source)},
        figures={**system.figures, **shipments},
        balances={**system.balances, MIRROR: {accounts.name_of(MIRROR, estimates.ALL): 1.0, **elements}},
    ).problem()


def total(solved: Reconciliation, flow: str) -> Estimate:
    """Return the sum of a flow's layers and its sd, in t; NaN where the balances do not determine it."""
    return solved.combine(dict.fromkeys(solved.problem.names_where(flow=flow), 1.0))


def without_statistic(statistic: str) -> Reconciliation:
    """Reconcile the system without the flows that rest on a statistic; one that stands in no balance stays.

    Raises InputError when no flow rests on the statistic.
    """
    given = improvement.statistics()["statistic"]
    powers = data_quality.powers()
    columns = [name for name in given.index[given == statistic] if name in powers]
    if not columns:
        raise InputError(f"no flow rests on {statistic!r}; take one of the table improvements")
    problem = accounts.system().problem()
    balanced = {problem.labels["flow"][place] for place in problem.matrix.indices}
    return accounts.reconciled(unknown=balanced.intersection(powers.index[(powers[columns] != 0).any(axis=1)]))


def turbines_by_source() -> pd.Series[float]:
    """Return the rare earths in new wind turbines, t, by each source of what was added that covers all years."""
    masses_t = {}
    additions = wind.additions_mw().sel(year=list(printed.years()))
    for vintage in additions.vintage.values:
        added = additions.sel(vintage=vintage, drop=True)
        if not bool(added.isnull().any()):
            masses_t[str(vintage)] = float(wind.new_installation_kg(added, printed.years()).sum()) / 1000.0
    net = wind.net_additions_mw().sel(year=list(printed.years()))
    return pd.Series(
        {**masses_t, "change of capacity": float(wind.new_installation_kg(net, printed.years()).sum()) / 1000.0}
    )


def stock_by_source() -> pd.Series[float]:
    """Return the stock in use when the years end, t, as the study counts it and with one part counted otherwise."""
    stocks, last = estimates.stock_totals_t(), printed.years()[-1]
    turbines, cars = float(wind.stock_kg().sel(year=last).sum()) / 1000.0, stocks["EV 2021"]
    cohorts = float(wind.cohort_stock_kg().sel(year=last).sum()) / 1000.0
    life = vehicles.lifetime()
    left = vehicles.surviving_stock_cars(life["mean"], life["shape"]).to_series()
    return pd.Series(
        {
            "licences, and turbines at the shares of 2021": cars + turbines,
            "turbines by cohort": cars + cohorts,
            "cars from registrations and survival": vehicles.mass_t(left, *estimates.car_contents_kg())[0] + turbines,
        }
    )
