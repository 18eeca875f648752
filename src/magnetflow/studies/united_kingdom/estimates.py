"""What do the equations of the study give, flow by flow and element by element, and how do their errors covary?

Compounds and alloys are given as all rare earths together, everything from magnets onwards as Nd, Dy, Pr and Tb.
A flow that an equation gives has its printed total, shared out among the elements by a prior, or is estimated here;
its uncertainty comes from the quality scores of its inputs, or from draws of these, and flows that share an input
covary.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from magnetflow import tables
from magnetflow.arrays import Matrix
from magnetflow.flows import quality
from magnetflow.studies.united_kingdom import contents, data_quality, printed, vehicles, wind, wind_draws
from magnetflow.studies.united_kingdom.data_quality import BY_ELEMENT

ALL = "all"  # the layer of compounds and alloys: all rare earths together
ELEMENTS = contents.ELEMENTS
LAYERS = (ALL, *ELEMENTS)
Entry = tuple[str, str]  # a flow and its layer
TURBINES, NOT_SPLIT = "new turbines", "all rare earths"  # groups of flows that are not split by declared shares
EV_SHARES = "EV magnets"  # the group of a flow that the table of methods does not list
# How far the shares of the elements differ between flows of one group, relative to the share; assumed.
SHARE_SCATTER = 0.02


def flows(with_stocks: bool = False) -> pd.DataFrame:
    """Return all flows by code: name, source_process, target_process and printed total in t (NaN where none is).

    `with_stocks` adds the stocks of the use phases at both ends of the years.
    """
    columns = ["flow", "name", "source_process", "target_process", "value"]
    possible = tables.read("potential_flows")
    parts = [printed.flows(), possible.assign(value=tables.in_unit(possible, "t"))]
    if with_stocks:
        stocks = stock_flows().reset_index()
        parts.append(stocks.assign(name=stocks["flow"], value=stocks["flow"].map(stock_totals_t())))
    return pd.concat([part[columns] for part in parts]).set_index("flow")


def stock_flows() -> pd.DataFrame:
    """Return the stocks in use by name: product, year, source_process, target_process, and the printed number."""
    return tables.read("stock_flows").set_index("flow")


def stock_outcomes() -> dict[str, list[str]]:
    """Return the stocks that close the years, by the outcome that they add up to."""
    closing = stock_flows().query("outcome != ''")
    return {str(outcome): list(stocks.index) for outcome, stocks in closing.groupby("outcome", sort=False)}


def stock_totals_t() -> dict[str, float]:
    """Return the stocks of the use phases, t: as printed, or at the same contents and shares where none is printed.

    Wind turbines are valued by current shares at both ends, which is the method of the printed stock.
    """
    numbers = printed.numbers()["value"]
    mean, covariance = car_contents_kg()
    totals = {}
    for stock, row in stock_flows().iterrows():
        if row["number"]:
            totals[str(stock)] = float(numbers[row["number"]])
        elif row["product"] == "cars":
            cars = vehicles.stock_cars().sel(year=row["year"]).to_series()
            totals[str(stock)] = vehicles.mass_t(cars, mean, covariance)[0]
        else:
            totals[str(stock)] = float(wind.stock_kg().sel(year=row["year"]).sum()) / 1000
    return totals


def car_contents_kg() -> tuple[pd.Series[float], pd.DataFrame]:
    """Return the content of a car of each type, kg, that printed masses and counts imply, and its covariance."""
    totals = {
        "stock": printed.mean_content_kg("stock.EV_2021", "count.EV_2021"),
        "used": printed.mean_content_kg("flow.R2.1", "count.used_EV"),
    }
    return vehicles.content(vehicles.solve_contents(totals))


def declared_shares() -> dict[str, pd.DataFrame]:
    """Return declared mean and sd (columns) of the share of each element (row), by group of flows."""
    return {
        str(group): rows.pivot(index="element", columns="statistic", values="value").loc[list(ELEMENTS)]
        for group, rows in tables.read("element_shares").groupby("group", sort=False)
    }


def share_priors() -> dict[str, pd.DataFrame]:
    """Return prior mean and sd (columns) of the share of each element (row), by group of flows.

    Those of cars follow from studies of traction motors where these serve, all others are declared.
    """
    declared = declared_shares()
    return declared | {EV_SHARES: contents.share_prior(declared[EV_SHARES])[["mean", "sd"]]}


def element_shares() -> dict[str, tuple[pd.Series[float], pd.DataFrame]]:
    """Return mean and relative covariance of the shares of the elements, by group of flows.

    Those of what is estimated here are those of the draws of new turbines.
    """
    shares = {
        group: (prior["mean"], quality.shares_covariance(prior["mean"], prior["sd"]))
        for group, prior in share_priors().items()
    }
    return shares | {TURBINES: wind_draws.spread_of_new_turbines()[1:]}


def drawn_inputs() -> list[str]:
    """Return the inputs of the flows that are estimated here, whose uncertainty follows from draws."""
    methods, powers = data_quality.methods(), data_quality.powers()
    of_flows = powers.loc[methods.index[methods["split"] == TURBINES]].ne(0).any()
    return [str(name) for name in of_flows.index[of_flows]]


def input_cv() -> pd.Series[float]:
    """Return the coefficient of variation of each input, as a fraction: that of its scores.

    Those of the inputs of new turbines are greater by one factor, with which the mass of these has the standard
    deviation of its draws.
    """
    cv, drawn = data_quality.input_cv(), drawn_inputs()
    whole, shares, _ = wind_draws.spread_of_new_turbines()
    of_inputs = (whole**2 - SHARE_SCATTER**2 * float((shares**2).sum())) ** 0.5
    cv[drawn] *= of_inputs / float(np.linalg.norm(cv[drawn]))
    return cv


def groups_of(flows: Iterable[str]) -> dict[str, str]:
    """Return for each flow the group whose element shares it takes, or `all rare earths`."""
    groups = data_quality.methods()["split"].to_dict()
    groups |= {stock: TURBINES for stock in stock_flows().query("product == 'turbines'").index}
    return {flow: str(groups.get(flow, EV_SHARES)) for flow in flows}


def layers_of(flows: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return for each flow its layers: all rare earths together, or each element."""
    return {flow: (ALL,) if group == NOT_SPLIT else ELEMENTS for flow, group in groups_of(flows).items()}


def estimated_t() -> dict[str, pd.Series[float]]:
    """Return the flows and stocks of wind turbines by element, t, as chapter 03 estimates them."""
    methods, stocks = data_quality.methods(), stock_flows()
    additions = wind.study_additions_mw()
    installed = wind.new_installation_kg(additions, printed.years()).sum(["year", "site", "generator"])
    standing = wind.stock_kg().sum(["site", "generator"])
    arrays = {str(flow): installed for flow in methods.index[methods["split"] == TURBINES]}
    for stock, year in stocks.loc[stocks["product"] == "turbines", "year"].items():
        arrays[str(stock)] = standing.sel(year=year, drop=True)
    return {flow: (array / 1000).to_series()[list(ELEMENTS)] for flow, array in arrays.items()}


def measured_t(with_stocks: bool = False) -> pd.Series[float]:
    """Return what an equation gives, t, by flow and layer; `with_stocks` also the stocks of the use phases."""
    totals, estimated, whole = flows(with_stocks)["value"], estimated_t(), pd.Series({ALL: 1.0})
    shares = {group: prior["mean"] for group, prior in share_priors().items()} | {NOT_SPLIT: whole}
    masses = {
        flow: estimated[flow] if flow in estimated else totals[flow] * shares[group]
        for flow, group in groups_of(data_quality.powers().index.intersection(totals.index, sort=False)).items()
    }
    by_flow_and_layer: pd.Series[float] = pd.concat(masses, names=["flow", "layer"])
    return by_flow_and_layer


def relative_covariance(entries: list[Entry], with_shares: bool = True) -> pd.DataFrame:
    """Return the relative covariance of flows and layers, square in the order of `entries`.

    Activities, market shares and conversions err alike in every element, contents in each element on its own.
    `with_shares` adds the error of the shares that split a printed total into elements, and their scatter.
    """
    powers, cv = data_quality.powers(), input_cv()
    own = data_quality.inputs()["role"].eq(BY_ELEMENT).loc[cv.index].to_numpy()
    index = pd.MultiIndex.from_tuples(entries, names=["flow", "layer"])
    layers = index.get_level_values("layer").to_numpy()
    exponent = powers.loc[index.get_level_values("flow"), cv.index].to_numpy()
    variance = (cv**2).to_numpy()
    total = exponent @ np.diag(variance * ~own) @ exponent.T
    total += exponent @ np.diag(variance * own) @ exponent.T * (layers[:, None] == layers[None, :])
    if with_shares:
        total += _share_errors(entries)
    return pd.DataFrame(total, index=index, columns=index)


def _share_errors(entries: list[Entry]) -> Matrix:
    """Return the relative covariance that the prior shares of the elements add, (entries, entries)."""
    group_of = groups_of(dict.fromkeys(flow for flow, _ in entries))
    added = np.zeros((len(entries), len(entries)))
    for group, (_, relative) in element_shares().items():
        at = [place for place, (flow, _) in enumerate(entries) if group_of[flow] == group]
        layers = [entries[place][1] for place in at]
        added[np.ix_(at, at)] = relative.loc[layers, layers].to_numpy() + SHARE_SCATTER**2 * np.eye(len(at))
    return added
