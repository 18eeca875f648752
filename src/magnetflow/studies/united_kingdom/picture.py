"""How does the whole system look in one picture, and how far does each stage depend on trade?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from magnetflow.inference.reconcile import Reconciliation
from magnetflow.studies.united_kingdom import accounts as system
from magnetflow.studies.united_kingdom import data_quality, printed, vehicles, whole, wind
from magnetflow.studies.united_kingdom.accounts import ALL, ELEMENTS
from magnetflow.studies.united_kingdom.whole import FOUR

# Where each node stands, from left to right and from top to bottom, between 0 and 1: compounds and alloys above,
# magnets, motors and cars in the middle, wind turbines below.
PLACES = {
    "compound imports": (0.01, 0.06),
    "compounds market": (0.20, 0.06),
    "exports of compounds": (0.38, 0.02),
    "compounds to stock": (0.38, 0.075),
    "alloy making": (0.38, 0.125),
    "imports of alloys": (0.38, 0.185),
    "losses": (0.56, 0.205),
    "alloys market": (0.57, 0.125),
    "exports of alloys": (0.76, 0.08),
    "other uses of alloys": (0.76, 0.155),
    "magnet imports": (0.01, 0.55),
    "magnet assembly": (0.01, 0.82),
    "magnet market": (0.20, 0.56),
    "imports of motors": (0.36, 0.245),
    "motor making": (0.345, 0.30),
    "motor market": (0.515, 0.29),
    "exports of motors": (0.66, 0.24),
    "car making": (0.66, 0.325),
    "imports of cars": (0.66, 0.43),
    "car market": (0.78, 0.385),
    "exports of cars": (0.99, 0.21),
    "cars in use": (0.88, 0.43),
    "used, exported": (0.99, 0.30),
    "used cars, back in use": (0.99, 0.50),
    "collection": (0.91, 0.58),
    "shredder": (0.99, 0.64),
    "exports of magnets": (0.42, 0.48),
    "other uses of magnets": (0.42, 0.72),
    "set imports": (0.01, 0.90),
    "earlier set imports": (0.01, 0.965),
    "sets market": (0.20, 0.93),
    "turbines in use": (0.42, 0.91),
    "exports of sets": (0.42, 0.975),
}
PROCESSES = {
    "REE compounds market": "compounds market",
    "REE compounds stock": "compounds to stock",
    "metals and alloys manufacturing": "alloy making",
    "metals and alloys market": "alloys market",
    "motor manufacturing": "motor making",
    "EV manufacturing": "car making",
    "EV market": "car market",
    "EV in use": "cars in use",
    "used EV market": "used cars, back in use",
    "ELV collection": "collection",
    "ELV dismantling": "shredder",
    "generating sets stock": "earlier set imports",
    "generating sets market": "sets market",
    "wind turbines in use": "turbines in use",
}
BEYOND = {  # the name of what lies beyond the boundary, by flow
    "I1": "compound imports",
    "E1": "exports of compounds",
    "L1": "losses",
    "I2": "imports of alloys",
    "E2": "exports of alloys",
    "O2": "other uses of alloys",
    "I3.1": "magnet imports",
    "E3.1": "exports of magnets",
    "O3.1": "other uses of magnets",
    "I4.1": "imports of motors",
    "E4.1": "exports of motors",
    "I5.1": "imports of cars",
    "E5.1": "exports of cars",
    "I5.1.4": "set imports",
    "E5.2": "exports of sets",
    "E6.0": "used, exported",
}
STAGES = {  # imports, exports and what is made in the country, by stage
    "compounds": ("I1", "E1", None),
    "alloys": ("I2", "E2", "P2"),
    "magnets": ("I3.1", "E3.1", "P3.1"),
    "motors": ("I4.1", "E4.1", "P4.1"),
    "cars": ("I5.1", "E5.1", "P5.1.0.1"),
    "generating sets": ("I5.1.4", "E5.2", None),
}
COLOURS = {  # of ribbons, by kind of number
    "estimated": "rgba(0,158,115,0.55)",
    "propagated": "rgba(0,114,178,0.5)",
    "transcribed": "rgba(127,140,141,0.55)",
}
UNDRAWN = ("S6", "C3.3")  # a tonne, and nothing; nor is the return of used cars, which would be a loop


def links(results: pd.DataFrame, layer: str) -> pd.DataFrame:
    """Return the flows of the picture in one layer: source, target, value in t, label, colour and href.

    `layer` is an element, or the sum of all four, which has the compounds and alloys besides.
    A flow's href is the anchor of its row in the table of flows.
    """
    layers = [FOUR, ALL] if layer == FOUR else [layer]
    value = results[results["layer"].isin(layers)].set_index("flow")["value"]
    kinds, flows = data_quality.methods()["kind"], system.flows()
    rows = []
    for flow in [code for code in kinds.index if code in value.index and code not in UNDRAWN]:
        ends = [_node(str(flows.at[flow, end]), flow) for end in ("source_process", "target_process")]
        kind = str(kinds[flow])
        label = f"{flow}, {flows['name'][flow]!s} ({kind})"
        rows.append((*ends, float(value[flow]), label, COLOURS[kind], f"#flow-{flow}"))
    return pd.DataFrame(rows, columns=["source", "target", "value", "label", "colour", "href"])


def _node(process: str, flow: str) -> str:
    """Return the node of the picture that a flow leaves or enters."""
    return (
        BEYOND[flow]
        if process in ("rest of world", "losses", "other applications")
        else PROCESSES.get(process, process)
    )


def places(drawn: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return the places of the nodes that the links touch."""
    touched = set(drawn["source"]) | set(drawn["target"])
    return {node: place for node, place in PLACES.items() if node in touched}


def trade_dependence(solved: Reconciliation) -> pd.DataFrame:
    """Return for each stage the share of imports in supply, and its standard deviation, both in per cent.

    Supply is imports plus what is made in the country; the standard deviation follows to first order from the
    covariance of the two, summed over the elements. Making of cars counts its motors and other parts together.
    """
    rows = []
    for stage, (imports, _, made) in STAGES.items():
        layers = (ALL,) if stage in ("compounds", "alloys") else ELEMENTS
        home = [] if made is None else [made, "P5.1.0.2"] if stage == "cars" else [made]
        names = [whole.name_of(flow, layer) for flow in (imports, *home) for layer in layers]
        covariance = solved.covariance_of(names).to_numpy()
        value = np.array([solved.value[solved.problem.position[name]] for name in names])
        brought = np.arange(len(names)) < len(layers)
        supply = value.sum()
        share = value[brought].sum() / supply
        slope = (brought - share) / supply
        rows.append((stage, 100 * share, 100 * float(slope @ covariance @ slope) ** 0.5))
    return pd.DataFrame(rows, columns=["stage", "share", "sd"])


def net_imports(solved: Reconciliation) -> pd.DataFrame:
    """Return imports less exports of each stage, t, and their standard deviation."""
    rows = []
    for stage, (imports, exports, _) in STAGES.items():
        layers = (ALL,) if stage in ("compounds", "alloys") else ELEMENTS
        names = [whole.name_of(flow, layer) for flow in (imports, exports) for layer in layers]
        signs = np.repeat([1.0, -1.0], len(layers))
        value = np.array([solved.value[solved.problem.position[name]] for name in names])
        spread = float(signs @ solved.covariance_of(names).to_numpy() @ signs) ** 0.5
        rows.append((stage, float(signs @ value), spread))
    return pd.DataFrame(rows, columns=["stage", "net", "sd"])


def stocks() -> pd.DataFrame:
    """Return the stocks in use by element and for their sum, t: stock, layer, value and sd.

    The standard deviations follow from the scores of their inputs and from the shares of the elements.
    """
    mass = system.measured_t(with_stocks=True)
    mass = mass[mass.index.get_level_values("flow").isin(system.STOCKS)]
    relative = system.relative_covariance(list(mass.index))
    covariance = relative.to_numpy() * np.outer(mass, mass)
    rows = []
    for stock in dict.fromkeys(mass.index.get_level_values("flow")):
        at = np.flatnonzero(mass.index.get_level_values("flow") == stock)
        own = covariance[np.ix_(at, at)]
        rows.append((stock, FOUR, float(mass.iloc[at].sum()), float(own.sum()) ** 0.5))
        rows += [(stock, ELEMENTS[k], float(mass.iloc[place]), float(own[k, k]) ** 0.5) for k, place in enumerate(at)]
    return pd.DataFrame(rows, columns=["stock", "layer", "value", "sd"])


def by_year() -> dict[str, xr.DataArray]:
    """Return what inputs allow to be told by year and element, t: turbines and cars, added and in use.

    Cars hold the back-cast contents, shared out among the elements by the prior shares.
    """
    years = list(printed.YEARS)
    additions = wind.additions_mw().sel(vintage=wind.NEAREST_VINTAGE, drop=True)
    content = vehicles.content(vehicles.solve_contents(system.mean_contents_kg()))[0]
    a_car = xr.DataArray(content.to_numpy(), coords={"vehicle": list(content.index)}) / 1000
    mean = system.element_shares()[system.EV_SHARES][0]
    shares = xr.DataArray(mean.to_numpy(), coords={"element": list(mean.index)})
    return {
        "turbines installed": wind.new_installation_kg(additions, years).sum(["site", "generator"]) / 1000,
        "turbines in use, by current shares": wind.stock_kg().sel(year=years).sum(["site", "generator"]) / 1000,
        "turbines in use, by cohort": wind.cohort_stock_kg().sel(year=years).sum(["site", "generator"]) / 1000,
        "cars registered": (vehicles.registrations_cars().sel(year=years) * a_car).sum("vehicle") * shares,
        "cars in use": (vehicles.stock_cars().sel(year=years) * a_car).sum("vehicle") * shares,
    }
