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
from magnetflow.recovery.plant.conditions import ALLOY, Conditions, by_field
from magnetflow.recovery.plant.flowsheet import Solved


def composition(name: str) -> str | dict[str, float]:
    """Return the composition of magnets: the alloy itself, or the mass shares of an assay by element."""
    if name == ALLOY:
        return ALLOY
    rows = tables.read("magnet_assays").query("assay == @name and statistic == 'mean'")
    return dict(zip(rows["element"], tables.in_unit(rows, "1"), strict=True))


def conditions(bound: str = "central", **given: Any) -> Conditions:
    """Return the conditions at the central, low or high end of their ranges; `given` replaces what it names."""
    rows = tables.read("recovery_conditions").query("bound == @bound")
    values = dict(zip(rows["condition"], rows["value"], strict=True))
    return replace(Conditions(**by_field(values)), **given)


def facts() -> dict[str, float]:
    """Return the single facts on magnets, batches and gases by name, shares as such and the rest in its own unit."""
    table = tables.read("recovery_facts")
    shares = table["unit"].eq("percent")
    return dict(zip(table["item"], table["value"].where(~shares, table["value"] / 100), strict=True))


@cache
def prices() -> Mapping[str, float]:
    """Return the price of each reagent and oxide, the mean of its bounds, USD for each kg or kWh."""
    return {str(name): float(rows.mean()) for name, rows in tables.read("recovery_prices").groupby("item")["value"]}


# Units drawn as one in a picture, and where each stands, from left to right and from top to bottom between 0 and 1.
UNITS = {
    "kiln charge": ("crusher", "charging"),
    "kiln": ("kiln",),
    "gas treatment": ("condenser", "scrubber"),
    "leach": ("leach", "residue filter"),
    "oxalate": ("oxalate precipitation", "oxalate filter"),
    "calciner": ("calciner",),
    "oxidation": ("oxidation", "iron filter"),
    "salt recovery": ("ion exchanger", "purge", "crystalliser"),
}
GROUPS = {unit: group for group, units in UNITS.items() for unit in units}
PLACES = {
    "magnets": (0.01, 0.35),
    "salt bought": (0.01, 0.75),
    "kiln charge": (0.15, 0.50),
    "kiln": (0.30, 0.50),
    "gas treatment": (0.44, 0.24),
    "leach": (0.44, 0.66),
    "oxalate": (0.58, 0.62),
    "oxidation": (0.72, 0.36),
    "calciner": (0.72, 0.80),
    "salt recovery": (0.84, 0.34),
    "other reagents": (0.44, 0.93),
    "dust": (0.29, 0.95),
    "off-gas": (0.72, 0.04),
    "residue": (0.58, 0.97),
    "iron hydroxide": (0.99, 0.50),
    "oxides": (0.99, 0.80),
    "calciner gas": (0.99, 0.97),
    "boron eluate": (0.99, 0.06),
    "purge": (0.99, 0.18),
    "condensate": (0.99, 0.26),
    "salt sold": (0.30, 0.80),
}
# What enters by itself, and what leaves by another name than its own.
ENTERING = {"magnets": "magnets", "nh4cl_make_up": "salt bought"}
LEAVING = {
    "off_gas": "off-gas",
    "spent_air": "off-gas",
    "iron_cake": "iron hydroxide",
    "oxide": "oxides",
    "calciner_gas": "calciner gas",
    "boron_eluate": "boron eluate",
    "nh4cl_surplus": "salt sold",
}
SMALLEST = 1e-6  # part of the largest ribbon below which none is drawn


def ribbons(solved: Solved, element: str) -> pd.DataFrame:
    """Return the flows of an element between the places of the picture: source, target, value in kg, label."""
    rows: dict[tuple[str, str], float] = {}
    for name, pipe in solved.pipes.items():
        source = GROUPS.get(pipe.source) or ENTERING.get(name, "other reagents")
        target = GROUPS.get(pipe.target) or LEAVING.get(name, name)
        if source != target:
            mass = solved.streams[name].elements_kg().get(element, 0.0)
            rows[source, target] = rows.get((source, target), 0.0) + mass
    largest = max(rows.values())
    drawn = {ends: mass for ends, mass in rows.items() if mass > SMALLEST * largest}
    return pd.DataFrame(
        [{"source": one, "target": other, "value": mass, "label": element} for (one, other), mass in drawn.items()]
    )


def reactions_of(stage: str) -> pd.DataFrame:
    """Return the reactions of a stage of the plant with their notes."""
    return tables.read("reactions").query("stage == @stage").set_index("reaction")
