"""What does the study print of its whole system, and does each printed balance close?"""

from __future__ import annotations

import pandas as pd

from magnetflow import tables
from magnetflow.flows.system import check_balances

YEARS = (2017, 2018, 2019, 2020, 2021)  # the printed flows are sums over these


def flows() -> pd.DataFrame:
    """Return every printed flow with its processes; masses in `value`, in t over the five years."""
    printed = tables.read("published_flows")
    return printed.assign(value=tables.in_unit(printed, "t"))


def numbers() -> pd.DataFrame:
    """Return every number that the study prints, by its name: what, element, group, value, half_width and unit."""
    return tables.read("printed_numbers").set_index("number")


def results() -> dict[str, tuple[float, str]]:
    """Return what the study prints, value and unit, by the name of the result of this book."""
    table = tables.read("published_results")
    return dict(zip(table["result"], zip(table["value"], table["unit"], strict=True), strict=True))


def mean_content_kg(mass: str, count: str) -> tuple[float, float]:
    """Return printed mass over printed count in kg a piece, and the half width from the rounding of the mass."""
    table = numbers()
    pieces = float(table["value"][count])
    return float(table["value"][mass]) * 1000 / pieces, float(table["half_width"][mass]) * 1000 / pieces


def balances() -> pd.DataFrame:
    """Return inflow, outflow, difference (t) and verdict for each process of the system."""
    return check_balances(flows(), tables.read("processes"))


def net_import_t(imports: str, exports: str) -> float:
    """Return the printed mass of one flow less that of another, in t."""
    mass = flows().set_index("flow")["value"]
    return float(mass[imports] - mass[exports])
