"""Which magnets and which conditions does the recovery of this book start from?

The concept is that of NEO-CYCLE, which publishes no yields; every range is marked in
`data/recovery/recovery_conditions.csv`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pandas as pd

from magnetflow import tables
from magnetflow.errors import ProcessError
from magnetflow.recovery.plant.conditions import ALLOY, Conditions, by_field


def composition(name: str) -> str | dict[str, float]:
    """Return the composition of magnets: the alloy itself, or the mass shares of an assay by element.

    Raises ProcessError for an assay that no table holds.
    """
    if name == ALLOY:
        return ALLOY
    assays = tables.read("magnet_assays")
    rows = assays.query("assay == @name and statistic == 'mean'")
    if rows.empty:
        there = ", ".join([ALLOY, *assays["assay"].unique()])
        raise ProcessError(f"composition is {name!r}; give {there}, or mass shares such as Nd=0.3,Fe=0.68,B=0.01")
    return dict(zip(rows["element"], tables.in_unit(rows, "1"), strict=True))


def conditions(bound: str = "central", **given: Any) -> Conditions:
    """Return the conditions at the central, low or high end of their ranges; `given` replaces what it names."""
    rows = tables.read("recovery_conditions").query("bound == @bound")
    values = dict(zip(rows["condition"], rows["value"], strict=True))
    return replace(Conditions(**by_field(values), marks=marks(rows)), **given)


def marks(rows: pd.DataFrame) -> dict[str, tuple[float, str]]:
    """Return the value and the mark of each condition of a table, for the parameters of a batch."""
    return dict(zip(rows["condition"], zip(rows["value"], rows["confidence"], strict=True), strict=True))


def facts() -> dict[str, float]:
    """Return the single facts on magnets, batches and gases by name, shares as such and the rest in its own unit."""
    table = tables.read("recovery_facts")
    shares = table["unit"].eq("percent")
    return dict(zip(table["item"], table["value"].where(~shares, table["value"] / 100), strict=True))


@cache
def prices() -> Mapping[str, float]:
    """Return the price of each reagent and oxide, the mean of its bounds, USD for each kg or kWh."""
    return {str(name): float(rows.mean()) for name, rows in tables.read("recovery_prices").groupby("item")["value"]}


def reactions_of(stage: str) -> pd.DataFrame:
    """Return the reactions of a stage of the plant with their notes."""
    return tables.read("reactions").query("stage == @stage").set_index("reaction")
