"""Which problem does the whole system of the study state, element by element?

Compounds and alloys are told as all rare earths together, everything from magnets onwards as Nd, Dy, Pr and Tb.
A flow that an equation gives is measured: with its printed total, shared out among the elements by a prior, or as
this book estimates it; its uncertainty comes from the quality scores of its inputs, and shared inputs covary.
What the study computes as the rest of a market is unmeasured, and follows from the balances.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from magnetflow import tables
from magnetflow.errors import InputError
from magnetflow.flows import quality
from magnetflow.studies.united_kingdom import data_quality, printed, vehicles, wind
from magnetflow.studies.united_kingdom.data_quality import BY_ELEMENT

ALL = "all"  # the layer of compounds and alloys: all rare earths together
ELEMENTS = ("Nd", "Dy", "Pr", "Tb")
ESTIMATED, NOT_SPLIT = "estimated", "all rare earths"  # groups of flows without element shares of their own
WIND, EV = "wind turbines in use", "EV in use"
WITHOUT_ERROR = ("S1", "C3.3")  # taken as exact: the addition to stock (chapter 04), and a flow that is nothing
# How far the shares of the elements differ between flows of one group, relative to the share; assumed.
SHARE_SCATTER = 0.02
ASSEMBLY = "K10"
ORIGINS = (
    "rest of world",
    "magnet market",
)  # where assembly takes its magnets from: unknown, as printed, or the market
STOCKS = {  # stocks as flows: what a use phase opens with enters it, what it closes with leaves it
    "EV 2016": ("EV in 2016", EV),
    "EV 2021": (EV, "EV in 2021"),
    "wind 2016": ("wind turbines in 2016", WIND),
    "wind 2021": (WIND, "wind turbines in 2021"),
    "EV hibernating": (EV, "EV off the road"),
}
EV_SHARES = "EV magnets"


def flows(origin: str = ORIGINS[0], with_stocks: bool = False) -> pd.DataFrame:
    """Return all flows by code: source_process, target_process and printed total in t (NaN where none is printed).

    `origin` is where assembled magnets come from; `with_stocks` adds the stocks of the use phases at both ends.
    """
    if origin not in ORIGINS:
        raise InputError(f"{origin!r} is no origin of assembled magnets; take one of {', '.join(ORIGINS)}")
    columns = ["flow", "name", "source_process", "target_process", "value"]
    possible = tables.read("potential_flows")
    possible = possible.assign(value=tables.in_unit(possible, "t"))
    both = pd.concat([printed.flows()[columns], possible[columns]]).set_index("flow")
    both.loc[ASSEMBLY, "source_process"] = origin
    if with_stocks:
        ends = pd.DataFrame([(flow, flow, *ends, np.nan) for flow, ends in STOCKS.items()], columns=columns)
        ends["value"] = ends["flow"].map(stock_totals_t())
        both = pd.concat([both, ends.set_index("flow")])
    return both


def stock_totals_t() -> dict[str, float]:
    """Return the stocks of the use phases, t: as printed for 2021, at the same contents for 2016.

    Wind turbines are valued by current shares at both ends, which is the method of the printed stock.
    """
    numbers = printed.numbers()["value"]
    turbines = wind.stock_kg().sel(year=2016).sum() / 1000
    opening = vehicles.stock_cars().sel(year=2016).to_series()
    mean, covariance = vehicles.content(vehicles.solve_contents(mean_contents_kg()))
    return {
        "EV 2016": vehicles.mass_t(opening, mean, covariance)[0],
        "EV 2021": float(numbers["stock.EV_2021"]),
        "wind 2016": float(turbines),
        "wind 2021": float(numbers["stock.wind_2021"]),
        "EV hibernating": float(numbers["stock.EV_hibernating_2021"]),
    }


def mean_contents_kg() -> dict[str, tuple[float, float]]:
    """Return the printed mean content of a car in use and of a used car sold, kg, with the half width of rounding."""
    return {
        "stock": printed.mean_content_kg("stock.EV_2021", "count.EV_2021"),
        "used": printed.mean_content_kg("flow.R2.1", "count.used_EV"),
    }


def element_shares() -> dict[str, tuple[pd.Series[float], pd.DataFrame]]:
    """Return mean and relative covariance of the shares of the elements, by group of flows."""
    table = tables.read("element_shares")
    groups = {}
    for group, rows in table.groupby("group", sort=False):
        by_statistic = rows.pivot(index="element", columns="statistic", values="value").loc[list(ELEMENTS)]
        covariance = quality.shares_covariance(by_statistic["mean"], by_statistic["sd"])
        groups[str(group)] = (by_statistic["mean"], covariance)
    return groups


def groups_of(flows: Iterable[str]) -> dict[str, str]:
    """Return for each flow the group whose element shares it takes, or `estimated`, or `all rare earths`."""
    told = data_quality.methods()["split"]
    stocks = {flow: EV_SHARES if EV in ends else ESTIMATED for flow, ends in STOCKS.items()}
    return {flow: stocks.get(flow) or str(told.get(flow, EV_SHARES)) for flow in flows}


def layers_of(flows: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return for each flow the layers in which it is told: all rare earths together, or each element."""
    return {flow: (ALL,) if group == NOT_SPLIT else ELEMENTS for flow, group in groups_of(flows).items()}


def estimated_t() -> dict[str, pd.Series[float]]:
    """Return the flows and stocks of wind turbines by element, t, as chapter 03 estimates them."""
    additions = wind.additions_mw().sel(vintage=wind.NEAREST_VINTAGE, drop=True)
    installed = wind.new_installation_kg(additions, printed.YEARS).sum(["year", "site", "generator"])
    standing = wind.stock_kg().sum(["site", "generator"])
    return {
        flow: (array / 1000).to_series()[list(ELEMENTS)]
        for flow, array in {
            "C5.2": installed,
            "wind 2016": standing.sel(year=2016, drop=True),
            "wind 2021": standing.sel(year=2021, drop=True),
        }.items()
    }


def measured_t(with_stocks: bool = False) -> pd.Series[float]:
    """Return the flows that an equation gives, t, by flow and layer."""
    totals, shares, estimated = flows(with_stocks=with_stocks)["value"], element_shares(), estimated_t()
    groups, layers = groups_of(totals.index), layers_of(totals.index)
    entries: dict[tuple[str, str], float] = {}
    for flow in data_quality.powers().index:
        if flow not in totals.index:
            continue
        for layer in layers[flow]:
            if flow in estimated:
                entries[flow, layer] = float(estimated[flow][layer])
            else:
                share = 1.0 if layer == ALL else float(shares[groups[flow]][0][layer])
                entries[flow, layer] = float(totals[flow]) * share
    return pd.Series(entries).rename_axis(["flow", "layer"])


def relative_covariance(places: list[tuple[str, str]], with_shares: bool = True) -> pd.DataFrame:
    """Return the relative covariance of the flows and layers of `places`.

    Activities, market shares and conversions err alike in every element, contents in each element on its own.
    `with_shares` adds the error of the shares that split a printed total into elements, and their scatter.
    """
    powers, cv = data_quality.powers(), data_quality.input_cv()
    own = data_quality.inputs()["role"].eq(BY_ELEMENT)
    index = pd.MultiIndex.from_tuples(places, names=["flow", "layer"])
    flow_names, layers = index.get_level_values(0), index.get_level_values(1).to_numpy()
    exponent = powers.loc[flow_names, cv.index].to_numpy()
    same_element = layers[:, None] == layers[None, :]
    variance = (cv**2).to_numpy()
    shared = exponent @ np.diag(variance * ~own.loc[cv.index].to_numpy()) @ exponent.T
    by_element = exponent @ np.diag(variance * own.loc[cv.index].to_numpy()) @ exponent.T
    total = shared + by_element * same_element
    if with_shares:
        total = total + _share_errors(places)
    return pd.DataFrame(total, index=index, columns=index)


def _share_errors(places: list[tuple[str, str]]) -> np.ndarray:
    """Return the relative covariance that the prior shares of the elements add to flows and layers."""
    shares = element_shares()
    by_flow = groups_of(dict.fromkeys(flow for flow, _ in places))
    groups = [by_flow[flow] for flow, _ in places]
    added = np.zeros((len(places), len(places)))
    for one, (_, layer) in enumerate(places):
        if groups[one] not in shares:
            continue
        added[one, one] = SHARE_SCATTER**2
        for other, (_, other_layer) in enumerate(places):
            if groups[other] == groups[one]:
                added[one, other] += shares[groups[one]][1].loc[layer, other_layer]
    return added
