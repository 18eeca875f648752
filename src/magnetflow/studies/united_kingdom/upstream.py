"""How sure are the compounds and alloys that follow from three uncertain inputs?

The upstream chain of the study is the part of its system that holds all rare earths together: compounds market, alloy
making, alloys market. Imports and exports of compounds and imports of alloys are transcribed, with the printed
uncertainty; the loss, the export share and the addition to stock carry no error; everything else follows.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from magnetflow import tables
from magnetflow.flows.records import Figure, Place
from magnetflow.flows.system import System
from magnetflow.inference.reconcile import Reconciliation, reconcile
from magnetflow.studies.united_kingdom import accounts, data_quality, estimates, printed


def coefficients_of_variation() -> pd.Series[float]:
    """Return the printed CV of each flow that has one, as a fraction."""
    table = tables.read("upstream_parameters").query("flow != ''")
    return tables.in_unit(table.set_index("flow"), "1")


def system(cv: pd.Series[float], further: Mapping[str, tuple[float, float]] | None = None) -> System:
    """Return the chain, in t, under the codes of Table 2 of the study.

    `cv` holds the coefficient of variation of each measured flow, as a fraction; `further` value and standard
    deviation, in t, of flows taken as measured besides. Measured flows err independently.
    """
    whole, codes = accounts.system(), data_quality.methods()["table_2"]
    known = {flow: figure for (flow, place), figure in whole.figures.items() if place.layer == estimates.ALL}
    figures = {}
    for flow, figure in known.items():
        spread = cv[flow] * figure.value if flow in cv else figure.sd
        value, sd = (further or {}).get(flow, (figure.value, spread))
        figures[str(codes[flow]), Place()] = Figure(value, sd, unit="t")
    flows = {str(codes[flow]): whole.flows[flow] for flow in known}
    touched = {process for flow in flows.values() for process in (flow.source, flow.target)}
    return System(
        processes={name: process for name, process in whole.processes.items() if name in touched},
        flows=flows,
        figures=figures,
        balances={
            balance: {str(codes[flow]): coefficient for flow, coefficient in terms.items()}
            for balance, terms in printed.further_balances().items()
            if terms.keys() <= known.keys()
        },
    )


def reconciled(
    cv: pd.Series[float] | None = None, further: Mapping[str, tuple[float, float]] | None = None
) -> Reconciliation:
    """Reconcile the chain; see `system`, with the printed uncertainties unless others are given."""
    return reconcile(system(coefficients_of_variation() if cv is None else cv, further).problem())


def cv_of(solved: Reconciliation) -> pd.Series[float]:
    """Return the coefficient of variation of each flow, as a fraction of its value, by its code in Table 2."""
    table = solved.table().set_index("name")
    return table["sd"] / table["value"]
