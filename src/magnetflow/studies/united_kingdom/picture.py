"""How does the whole system look in one picture, and how far does each stage depend on trade?"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from magnetflow import tables
from magnetflow.inference.reconcile import Reconciliation
from magnetflow.studies.united_kingdom import accounts, data_quality, estimates, printed, vehicles, wind
from magnetflow.studies.united_kingdom.accounts import FOUR
from magnetflow.studies.united_kingdom.estimates import ALL, ELEMENTS

COLOURS = {  # of ribbons, by kind of number
    "estimated": "rgba(0,158,115,0.55)",
    "propagated": "rgba(0,114,178,0.5)",
    "transcribed": "rgba(127,140,141,0.55)",
}


def nodes() -> pd.DataFrame:
    """Return the nodes of the picture: process, flow (of a node beyond the boundary), and place x, y from 0 to 1."""
    return tables.read("picture_nodes").set_index("node")[["process", "flow", "x", "y"]]


def links(results: pd.DataFrame, layer: str) -> pd.DataFrame:
    """Return the flows of the picture in one layer: source, target, value in t, label, colour and href.

    `layer` is an element, or the sum of all four, which has the compounds and alloys besides.
    A flow is drawn if both its ends have a node, and its href is the anchor of its row in the table of flows.
    """
    layers = [FOUR, ALL] if layer == FOUR else [layer]
    value = results[results["layer"].isin(layers)].set_index("flow")["value"]
    kinds, flows = data_quality.methods()["kind"], estimates.flows()
    node = {(process, flow): name for name, process, flow in nodes()[["process", "flow"]].itertuples(name=None)}
    rows = []
    for flow in kinds.index.intersection(value.index, sort=False):
        processes = flows.loc[flow, ["source_process", "target_process"]]
        source, target = (node.get((process, flow)) or node.get((process, "")) for process in processes)
        if source and target:
            label = f"{flow}, {flows['name'][flow]!s} ({kinds[flow]})"
            rows.append((source, target, float(value[flow]), label, COLOURS[kinds[flow]], f"#flow-{flow}"))
    return pd.DataFrame(rows, columns=["source", "target", "value", "label", "colour", "href"])


def places(drawn: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return the places of the nodes that the links touch."""
    touched = set(drawn["source"]) | set(drawn["target"])
    return {node: (x, y) for node, x, y in nodes()[["x", "y"]].itertuples(name=None) if node in touched}


def stages() -> dict[str, dict[str, list[str]]]:
    """Return the codes of the flows that are imports, exports and made in the country, by stage and role."""
    found: dict[str, dict[str, list[str]]] = {}
    for stage, flow, role in tables.read("stages")[["stage", "flow", "role"]].itertuples(index=False):
        found.setdefault(stage, {"imports": [], "exports": [], "made": []})[role].append(flow)
    return found


def _weights(flows: Collection[str], weight: float) -> dict[str, float]:
    """Return a weight for each layer of flows, by the name of the variable."""
    return {
        accounts.name_of(flow, layer): weight for flow, own in estimates.layers_of(flows).items() for layer in own
    }


def trade_dependence(solved: Reconciliation) -> pd.DataFrame:
    """Return for each stage the share of imports in supply, and its standard deviation, both in per cent.

    Supply is imports plus what is made in the country; the standard deviation follows to first order from the
    covariance of the two, summed over the elements. Making of cars counts its motors and other parts together.
    """
    rows = []
    for stage, role in stages().items():
        imports, _ = solved.combine(_weights(role["imports"], 1.0))
        supply, _ = solved.combine(_weights(role["imports"] + role["made"], 1.0))
        share = imports / supply
        slope = _weights(role["imports"], (1 - share) / supply) | _weights(role["made"], -share / supply)
        rows.append((stage, 100 * share, 100 * solved.combine(slope)[1]))
    return pd.DataFrame(rows, columns=["stage", "share", "sd"])


def net_imports(solved: Reconciliation) -> pd.DataFrame:
    """Return imports less exports of each stage, t."""
    rows = [
        (stage, solved.combine(_weights(role["imports"], 1.0) | _weights(role["exports"], -1.0))[0])
        for stage, role in stages().items()
    ]
    return pd.DataFrame(rows, columns=["stage", "net"])


def stocks() -> pd.DataFrame:
    """Return the stocks in use by element and for their sum, t: stock, layer, value and sd.

    The standard deviations follow from the scores of their inputs and from the shares of the elements.
    """
    mass = estimates.measured_t(with_stocks=True)
    mass = mass[mass.index.get_level_values("flow").isin(estimates.stock_flows().index)]
    relative = estimates.relative_covariance(list(mass.index))
    covariance = relative.to_numpy() * np.outer(mass, mass)
    rows = []
    for stock in dict.fromkeys(mass.index.get_level_values("flow")):
        at = np.flatnonzero(mass.index.get_level_values("flow") == stock)
        own = covariance[np.ix_(at, at)]
        rows.append((stock, FOUR, float(mass.iloc[at].sum()), float(own.sum()) ** 0.5))
        rows += [(stock, ELEMENTS[k], float(mass.iloc[place]), float(own[k, k]) ** 0.5) for k, place in enumerate(at)]
    return pd.DataFrame(rows, columns=["stock", "layer", "value", "sd"])


def by_year(chosen: Sequence[int] | None = None) -> dict[str, xr.DataArray]:
    """Return what inputs give by year and element, t: turbines and cars, added and in use.

    The years are those chosen, or else those of the study; cars have only those in which they were counted.
    Cars have the back-cast contents, shared out among the elements by the prior shares.
    """
    years = list(chosen or printed.years())
    registered, standing = (
        cars.sel(year=cars.year.isin(years)) for cars in (vehicles.registrations_cars(), vehicles.stock_cars())
    )
    additions, content = wind.study_additions_mw(), estimates.car_contents_kg()[0]
    a_car = xr.DataArray(content.to_numpy(), coords={"vehicle": list(content.index)}) / 1000
    mean = estimates.element_shares()[estimates.EV_SHARES][0]
    shares = xr.DataArray(mean.to_numpy(), coords={"element": list(mean.index)})
    return {
        "turbines installed": wind.new_installation_kg(additions, years).sum(["site", "generator"]) / 1000,
        "turbines in use, by current shares": wind.stock_kg().sel(year=years).sum(["site", "generator"]) / 1000,
        "turbines in use, by cohort": wind.cohort_stock_kg().sel(year=years).sum(["site", "generator"]) / 1000,
        "cars registered": (registered * a_car).sum("vehicle") * shares,
        "cars in use": (standing * a_car).sum("vehicle") * shares,
    }
