"""What does the study print of its whole system, and does each printed balance close?"""

from __future__ import annotations

import pandas as pd

from magnetflow import tables
from magnetflow.flows.system import check_balances


def flows() -> pd.DataFrame:
    """Return every printed flow with its processes; masses in `value`, in t over the five years."""
    printed = tables.read("published_flows")
    return printed.assign(value=tables.in_unit(printed, "t"))


def balances() -> pd.DataFrame:
    """Return inflow, outflow, difference (t) and verdict for each process of the system."""
    return check_balances(flows(), tables.read("processes"))


def net_import_t(imports: str, exports: str) -> float:
    """Return the printed mass of one flow less that of another, in t."""
    mass = flows().set_index("flow")["value"]
    return float(mass[imports] - mass[exports])
