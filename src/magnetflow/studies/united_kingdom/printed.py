"""What does the study print of its whole system, and does each printed balance close?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from magnetflow import tables


def years(data: Path | None = None) -> tuple[int, ...]:
    """Return the years of the study, from the folder `data` if given; the printed flows are sums over these."""
    table = tables.read("study_years", data).set_index("parameter")["value"]
    return tuple(range(int(table["first_year"]), int(table["last_year"]) + 1))


def flows() -> pd.DataFrame:
    """Return every printed flow with its processes; masses in `value`, in t over all years."""
    printed = tables.read("published_flows")
    return printed.assign(value=tables.in_unit(printed, "t"))


def numbers() -> pd.DataFrame:
    """Return every number that the study prints, by its name: what, flow, element, group, value, half_width, unit."""
    return tables.read("printed_numbers").set_index("number")


def results() -> dict[str, tuple[float, str]]:
    """Return what the study prints, value and unit, by the name of the result of this book."""
    table = tables.read("published_results")
    return dict(zip(table["result"], zip(table["value"], table["unit"], strict=True), strict=True))


def uncertainties() -> pd.Series[float]:
    """Return Table 2 of the study, %, by flow and layer (an element, or all)."""
    table = numbers().query("group == 'uncertainty'")
    return table["value"].set_axis(pd.MultiIndex.from_frame(table[["flow", "element"]], names=["flow", "layer"]))


def mean_content_kg(mass: str, count: str) -> tuple[float, float]:
    """Return printed mass over printed count in kg a piece, and the half width from the rounding of the mass."""
    table = numbers()
    pieces = float(table["value"][count])
    return float(table["value"][mass]) * 1000 / pieces, float(table["half_width"][mass]) * 1000 / pieces


def upstream_parameters() -> pd.Series[float]:
    """Return the parameters of compounds and alloys as fractions, by name."""
    return tables.in_unit(tables.read("upstream_parameters").set_index("parameter"), "1")


def further_balances() -> dict[str, dict[str, float]]:
    """Return the coefficients of each balance that is not that of a process, by flow."""
    table, known = tables.read("system_balances"), upstream_parameters()
    table["value"] *= table["parameter"].map(known).fillna(1.0)
    return {str(name): dict(zip(rows["flow"], rows["value"], strict=True)) for name, rows in table.groupby("balance")}


def balances() -> pd.DataFrame:
    """Return inflow, outflow, difference (t) and verdict, by process and its kind.

    Processes beyond the boundary are left out, and those that no printed flow touches.
    """
    mass = flows()
    table = tables.read("processes")[["process", "kind"]].query("kind != 'boundary'")
    for column, end in (("inflow", "target_process"), ("outflow", "source_process")):
        table[column] = table["process"].map(mass.groupby(end)["value"].sum())
    table = table.dropna(how="all", subset=["inflow", "outflow"]).fillna({"inflow": 0.0, "outflow": 0.0})
    table["difference"] = table["inflow"] - table["outflow"]
    table["verdict"] = [_verdict(*cells) for cells in table[["kind", "inflow", "outflow"]].itertuples(index=False)]
    return table.reset_index(drop=True)


def _verdict(kind: str, inflow: float, outflow: float) -> str:
    if kind in ("stock", "use"):
        return "open: its stock change is not among the flows"
    if inflow == 0.0 and outflow == 0.0:
        return "closes at zero"
    if inflow == 0.0:
        return "no inflow is given"
    if outflow == 0.0:
        return "no outflow is given"
    return "closes" if np.isclose(inflow, outflow, rtol=1e-9) else "does not close"


def net_import_t(imports: str, exports: str) -> float:
    """Return the printed mass of one flow less that of another, in t."""
    mass = flows().set_index("flow")["value"]
    return float(mass[imports] - mass[exports])
