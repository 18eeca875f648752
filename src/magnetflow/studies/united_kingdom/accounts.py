"""The system of the study: which flows and balances does it have, and what do the balances make of them?

It is read from tables into a `System`, as a user's folder is; `examples/united-kingdom` is that system, written.
A flow that an equation gives is measured; what is taken for the rest of a market, as the study computes consumption,
is unmeasured, and follows from the balances.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from magnetflow import tables
from magnetflow.errors import InputError
from magnetflow.flows.records import Figure, Flow, Place, Process
from magnetflow.flows.system import ZERO, System
from magnetflow.inference.reconcile import Reconciliation, reconcile
from magnetflow.studies.united_kingdom import data_quality, estimates, printed

FOUR = "four"  # the sum of the elements
AS_PRINTED, WITH_STOCKS = "as printed", "with the stocks in use"  # variants beside those of the table
OPEN_KINDS = ("boundary", "stock", "use")  # processes that are not balanced


def name_of(flow: str, layer: str) -> str:
    """Name the variable of a flow in a layer, as the system does."""
    return f"{flow} [{layer}]"


def variants() -> list[str]:
    """Return the variants of the system by name, the printed one first."""
    return [AS_PRINTED, *tables.read("system_variants")["variant"].unique(), WITH_STOCKS]


def system(variant: str = AS_PRINTED, *, with_shares: bool = True, unknown: Collection[str] = ()) -> System:
    """Return the whole system, in t.

    `variant` is one of `variants`; `with_shares` counts the errors of the element shares; flows in `unknown` are
    unmeasured, whatever is known of them. Raises InputError for a variant that is not there.
    """
    if variant not in variants():
        raise InputError(f"{variant!r} is no variant of the system; take one of {', '.join(variants())}")
    changes = tables.read("system_variants").query("variant == @variant").set_index("flow")
    flows = estimates.flows(with_stocks=variant == WITH_STOCKS)
    sources = changes.loc[changes["change"] == "source", "process"]
    flows.loc[sources.index, "source_process"] = sources
    unknown = {*unknown, *changes.index[changes["change"] == "unknown"]}
    measured = estimates.measured_t(with_stocks=variant == WITH_STOCKS)
    measured = measured[~measured.index.get_level_values("flow").isin(unknown)]
    covariance = estimates.relative_covariance(list(measured.index), with_shares) * np.outer(measured, measured)
    ends = flows[["source_process", "target_process", "name"]]
    return System(
        processes=_processes(with_stocks=variant == WITH_STOCKS),
        flows={str(flow): Flow(*cells) for flow, *cells in ends.itertuples()},
        figures=_figures(flows["value"], measured, covariance, unknown),
        covariances=_covariances(covariance),
        balances=_balances(flows.index),
        missing_rows=ZERO,
    )


def _processes(with_stocks: bool) -> dict[str, Process]:
    """Return the processes; those in use balance only where the stocks at both ends of the years are flows."""
    stocks = estimates.stock_flows()
    in_use = {*stocks["source_process"], *stocks["target_process"]} if with_stocks else set()
    kinds = tables.read("processes").set_index("process")["kind"]
    return {
        str(process): Process(
            stock=kind in ("stock", "use") and process not in in_use,
            balanced=kind not in OPEN_KINDS or process in in_use,
        )
        for process, kind in kinds.items()
    }


def _figures(
    totals: pd.Series[float], measured: pd.Series[float], covariance: pd.DataFrame, unknown: Collection[str]
) -> dict[tuple[str, Place], Figure]:
    """Return what is known of each flow in each of its layers, t; what is zero or given without error is exact."""
    sd = dict(zip(measured.index, np.sqrt(np.diag(covariance)), strict=True))
    methods = data_quality.methods()["equation"]
    figures = {}
    for flow, layers in estimates.layers_of(totals.index).items():
        exact = flow not in unknown and (methods.get(flow) == "given" or totals[flow] == 0)
        for layer in layers:
            value = measured.get((flow, layer), totals[flow] if exact else np.nan)
            figures[flow, Place(layer=layer)] = Figure(float(value), float(sd.get((flow, layer), np.nan)), unit="t")
    return figures


def _covariances(covariance: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Return the covariances off the diagonal, t², by the names of the two variables."""
    names, matrix = [name_of(*entry) for entry in covariance.index], covariance.to_numpy()
    rows, columns = np.nonzero(np.triu(matrix, 1))
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return {(names[row], names[column]): float(matrix[row, column]) for row, column in pairs}


def _balances(flows: Collection[str]) -> dict[str, dict[str, float]]:
    """Return the balances beyond those of processes, each in every layer that holds all its flows."""
    balances = {}
    layers_of = estimates.layers_of(flows)
    for balance, coefficients in printed.further_balances().items():
        for layer in estimates.LAYERS:
            if all(layer in layers_of[flow] for flow in coefficients):
                terms = {name_of(flow, layer): coefficient for flow, coefficient in coefficients.items()}
                balances[name_of(balance, layer)] = terms
    return balances


def reconciled(
    variant: str = AS_PRINTED, *, with_shares: bool = True, unknown: Collection[str] = ()
) -> Reconciliation:
    """Reconcile the whole system; see `system`. It is linear, so nothing is drawn at random."""
    return reconcile(system(variant, with_shares=with_shares, unknown=unknown).problem())


def results(solved: Reconciliation) -> pd.DataFrame:
    """Return one row a flow and layer, and one a flow for the sum of its elements.

    Columns: flow, layer, value, sd and class; masses in t. The sum of the elements has the standard deviation that
    their covariance gives.
    """
    rows = []
    for flow, own in solved.table().groupby("flow", sort=False):
        rows += [(flow, *cells) for cells in own[["layer", "value", "sd", "class"]].itertuples(index=False)]
        if len(own) > 1:
            rows.append((flow, FOUR, *solved.combine(dict.fromkeys(own["name"], 1.0)), own["class"].iloc[0]))
    return pd.DataFrame(rows, columns=["flow", "layer", "value", "sd", "class"])


def uncertainties(solved: Reconciliation) -> pd.Series[float]:
    """Return the coefficient of variation of each flow, %, by flow and layer."""
    table = results(solved)
    table = table[table["layer"] != FOUR]
    return (100 * table["sd"] / table["value"]).set_axis(pd.MultiIndex.from_frame(table[["flow", "layer"]]))


if __name__ == "__main__":
    system().write(tables.find_data().parent / "examples" / "united-kingdom")
