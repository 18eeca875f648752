"""What do the balances make of the whole system, and how sure is each flow and element afterwards?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from magnetflow import tables
from magnetflow.flows.system import OPEN_KINDS, balance_matrix
from magnetflow.inference.problem import CONSTANT, MEASURED, UNMEASURED, Problem, state
from magnetflow.inference.reconcile import Reconciliation, reconcile
from magnetflow.studies.united_kingdom import accounts as system
from magnetflow.studies.united_kingdom import upstream
from magnetflow.studies.united_kingdom.accounts import ALL, ELEMENTS, ORIGINS

FOUR = "four"  # the sum of the elements


TABLE_2_NAME = {"O2": "C2"}  # alloys to other applications in the text are C2 of Table 2


def name_of(flow: str, layer: str) -> str:
    """Name the variable of a flow in a layer."""
    return f"{flow} [{layer}]"


def problem(
    origin: str = ORIGINS[0],
    *,
    with_stocks: bool = False,
    with_shares: bool = True,
    unknown: tuple[str, ...] = (),
) -> Problem:
    """Return the whole system as a problem to reconcile, in t.

    `origin` is where assembled magnets come from, `with_stocks` adds the balances of the use phases, `with_shares`
    the errors of the element shares; flows in `unknown` are unmeasured, whatever is told of them.
    """
    flows = system.flows(origin, with_stocks)
    measured = system.measured_t(with_stocks)
    measured = measured[~measured.index.get_level_values("flow").isin(unknown)]
    covariance = system.relative_covariance(list(measured.index), with_shares) * np.outer(measured, measured)
    layers = system.layers_of(flows.index)
    places = [(flow, layer) for flow in flows.index for layer in layers[flow]]
    status, value = [], []
    totals = dict(zip(flows.index, flows["value"].astype(float), strict=True))
    for flow, layer in places:
        exact = flow not in unknown and (flow in system.WITHOUT_ERROR or totals[flow] == 0)
        status.append(CONSTANT if exact else UNMEASURED)
        value.append(totals[flow] if exact else np.nan)
        if (flow, layer) in measured.index:
            status[-1], value[-1] = MEASURED, float(measured[flow, layer])
    sd = pd.Series(np.sqrt(np.diag(covariance)), index=measured.index).reindex(pd.MultiIndex.from_tuples(places))
    constant = {name_of(*place) for place, kind in zip(places, status, strict=True) if kind == CONSTANT}
    names = [name_of(*place) for place in places]
    return state(
        names,
        status,
        value,
        sd.to_numpy(),
        balances={
            name: row for name, row in _balances(flows, layers, with_stocks).items() if not set(row) <= constant
        },
        lower=np.zeros(len(names)),
        covariances=_pairs(covariance),
    )


def _pairs(covariance: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Return the covariances off the diagonal, by the names of the two variables."""
    names, matrix = [name_of(*place) for place in covariance.index], covariance.to_numpy()
    rows, columns = np.nonzero(np.tril(matrix, -1))
    return {
        (names[row], names[column]): float(matrix[row, column]) for row, column in zip(rows, columns, strict=True)
    }


def _balances(
    flows: pd.DataFrame, layers: Mapping[str, tuple[str, ...]], with_stocks: bool
) -> dict[str, dict[str, float]]:
    """Return the coefficients of each balance by variable: of processes in their layers, and of fixed shares."""
    kinds = tables.read("processes").set_index("process")["kind"]
    matrix = balance_matrix(flows.reset_index())
    balances: dict[str, dict[str, float]] = {}
    for process, kind in kinds.items():
        if kind == "boundary" or (kind in OPEN_KINDS and not (with_stocks and process in (system.EV, system.WIND))):
            continue
        signs = {str(flow): float(sign) for flow, sign in matrix.loc[str(process)].items() if sign}
        for layer in (ALL,) if process in upstream.PROCESSES else ELEMENTS:
            own = {name_of(flow, layer): sign for flow, sign in signs.items() if layer in layers[flow]}
            balances[name_of(str(process), layer)] = own
    for layer in ELEMENTS:  # motors stay motors: making a car moves no rare earth between its parts
        balances[name_of("motors in cars", layer)] = {name_of("C4.1", layer): 1.0, name_of("P5.1.0.1", layer): -1.0}
    for name, row in upstream.shares().iterrows():
        balances[str(name)] = {name_of(str(flow), ALL): float(factor) for flow, factor in row.items() if factor}
    return balances


def solve(problem: Problem) -> Reconciliation:
    """Reconcile the system; it is linear, so nothing is drawn at random."""
    return reconcile(problem)


def results(solved: Reconciliation) -> pd.DataFrame:
    """Return one row a flow and layer, and one a flow for the sum of its elements.

    Columns: flow, layer, given and given_sd (NaN where unmeasured), value, sd and class; masses in t.
    The sum of the elements has the standard deviation that their covariance gives.
    """
    table = solved.table().set_index("name")[["measured", "measured_sd", "value", "sd", "class"]]
    rows = []
    layers_of = system.layers_of(dict.fromkeys(name.rsplit(" [", 1)[0] for name in table.index))
    for flow, layers in layers_of.items():
        own = table.loc[[name_of(flow, layer) for layer in layers]]
        rows += [(flow, layer, *cells) for layer, cells in zip(layers, own.itertuples(index=False), strict=True)]
        if len(layers) > 1:
            rows.append((flow, FOUR, *_sum_of(solved, own)))
    return pd.DataFrame(rows, columns=["flow", "layer", "given", "given_sd", "value", "sd", "class"])


def _sum_of(solved: Reconciliation, own: pd.DataFrame) -> tuple[float, float, float, float, str]:
    """Return given value and sd, reconciled value and sd, and class of the sum of variables."""
    sd = max(float(solved.covariance_of(list(own.index)).to_numpy().sum()), 0.0) ** 0.5
    positions = [solved.problem.position[name] for name in own.index]
    covariances = float(solved.problem.covariance[positions][:, positions].toarray().sum())
    given_sd = (covariances + float((own["measured_sd"].to_numpy() ** 2).sum())) ** 0.5
    return own["measured"].sum(skipna=False), given_sd, own["value"].sum(), sd, own["class"].iloc[0]


def uncertainties(solved: Reconciliation) -> pd.Series[float]:
    """Return the coefficient of variation of each flow of Table 2, %, by its code there and layer."""
    table = results(solved)
    table = table[table["layer"] != FOUR].replace({"flow": TABLE_2_NAME})
    return (100 * table["sd"] / table["value"]).set_axis(pd.MultiIndex.from_frame(table[["flow", "layer"]]))


def printed_uncertainties() -> pd.Series[float]:
    """Return Table 2 of the study, %, by flow and layer."""
    numbers = tables.read("printed_numbers")
    numbers = numbers[numbers["group"] == "uncertainty"]
    parts = numbers["number"].str.removeprefix("table2.").str.rsplit(".", n=1)
    layers = parts.str[1].replace({"total": ALL})
    return numbers["value"].set_axis(pd.MultiIndex.from_arrays([parts.str[0], layers], names=["flow", "layer"]))
