"""How far do yields and products of a batch spread when every condition is drawn from its range?

Ranges and shapes stand in `data/recovery/recovery_conditions.csv`. Some conditions follow another one, between
their own lowest, central and highest values as that one between its: the rare earths follow neodymium, cobalt and
nickel iron, and what the oxalate takes its dose, at the doses at which it was measured.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import triang

from magnetflow import tables
from magnetflow.errors import ProcessError
from magnetflow.inference.draws.space import probabilities
from magnetflow.recovery import routes
from magnetflow.recovery.chemistry.reactions import rare_earths
from magnetflow.recovery.plant.batch import Batch
from magnetflow.recovery.plant.conditions import by_field
from magnetflow.recovery.plant.streams import gas_volume_m3
from magnetflow.studies.neo_cycle import plant

TOGETHER = {
    "conversion.Pr": "conversion.Nd",
    "conversion.Dy": "conversion.Nd",
    "conversion.Co": "conversion.Fe",
    "conversion.Ni": "conversion.Fe",
    "rare_earths_precipitated": "oxalic_ratio",
    "iron_with_oxalate": "oxalic_ratio",
}
# Conditions that are drawn on their own with the words that a table shows.
LABELS = {
    "conversion.Nd": "conversion of rare earths",
    "conversion.Fe": "conversion of iron, cobalt, nickel",
    "nh4cl_ratio": "charge of salt",
    "kiln_temperature_c": "temperature of the kiln",
    "boron_reacted": "boron that leaves as BCl3",
    "ammonia_cracked": "ammonia cracked",
    "leach_water_ratio": "water of the leach",
    "moisture": "liquor held by cakes",
    "oxalic_ratio": "dose of oxalic acid",
}
# Outcomes of a batch with the words that a table shows.
OUTCOMES = {
    "recovery": "rare earths recovered, %",
    "oxides": "rare earth oxides, kg",
    "purity": "oxides in what the calciner gives, %",
    "hydroxide": "iron hydroxide, kg",
    "hydroxide_purity": "hydroxide in the iron cake, % of what is dry",
    "boric": "boric acid eluted, kg",
    "salt": "ammonium chloride bought, kg",
    "ammonia": "ammonia bought, kg",
    "heat": "heat of the kiln, kWh",
    "evaporation": "water boiled off, t",
    "boiling": "heat that boils it off, kWh",
    "hydrogen": "hydrogen given off, m³",
}


def ranges() -> pd.DataFrame:
    """Return low, central and high value and the shape of each condition, in the order of the table."""
    table = tables.read("recovery_conditions")
    wide = table.pivot(index="condition", columns="bound", values="value")
    shapes = table.drop_duplicates("condition").set_index("condition")["shape"]
    return wide.assign(shape=shapes).loc[shapes.index, ["low", "central", "high", "shape"]]


def draws(count: int, seed: int) -> pd.DataFrame:
    """Return drawn conditions, a row a draw, by scrambled Sobol points."""
    wanted = ranges()
    own = [name for name in wanted.index if name not in TOGETHER]
    points = dict(zip(own, probabilities(len(own), seed, 0, count), strict=True))
    columns = {}
    for name in own:
        low, central, high, shape = wanted.loc[name]
        if shape == "uniform":
            columns[name] = low + (high - low) * points[name]
        else:
            columns[name] = triang.ppf(points[name], (central - low) / (high - low), low, high - low)
    bounds = wanted[["low", "central", "high"]].astype(float)
    for name, leader in TOGETHER.items():
        columns[name] = np.interp(columns[leader], bounds.loc[leader], bounds.loc[name])
    return pd.DataFrame(columns)[list(wanted.index)]


def recovery(batch: Batch) -> float:
    """Return the part of the rare earths in the magnets that the oxides hold, %. Raises ProcessError for none."""
    gained, brought = (
        sum(batch.streams[name].elements_kg().get(metal, 0.0) for metal in rare_earths())
        for name in ("oxide", "magnets")
    )
    if brought == 0:
        raise ProcessError("the magnets hold no rare earths to recover")
    return 100 * gained / brought


def outcome(batch: Batch) -> dict[str, float]:
    """Return what a batch by chlorination comes to, by OUTCOMES.

    Raises ProcessError for magnets without rare earths.
    """
    made, bought, pure = batch.products(), batch.reagents_kg(), batch.purity()
    return {
        "recovery": recovery(batch),
        "oxides": sum(made["oxide"].values()),
        "purity": 100 * pure["oxide"],
        "hydroxide": sum(made["iron_cake"].values()),
        "hydroxide_purity": 100 * pure["iron_cake"],
        "boric": sum(made["boron_eluate"].values()),
        "salt": bought.get("NH4Cl", 0.0),
        "ammonia": bought.get("NH3", 0.0),
        "heat": batch.net_heat_kwh("kiln"),
        "evaporation": batch.streams["condensate"].kg()["H2O(l)"] / 1000,
        "boiling": batch.energy_kwh("heat", "crystalliser"),
        "hydrogen": gas_volume_m3(batch.emissions("air").only(lambda name: name == "H2(g)")),
    }


def outcomes(drawn: pd.DataFrame, **given: Any) -> pd.DataFrame:
    """Return the outcome of each draw; `given` sets what is not drawn, such as composition and boron."""
    rows = []
    for row in drawn.to_dict("records"):
        values = {str(name): value for name, value in row.items()}
        rows.append(outcome(routes.balance("ssc", plant.conditions(**by_field(values), **given))))
    return pd.DataFrame(rows)


def spread(results: pd.DataFrame) -> pd.DataFrame:
    """Return the 5th, 50th and 95th percentile of each outcome."""
    table = results.quantile([0.05, 0.5, 0.95]).T
    table.columns = pd.Index(["5 %", "median", "95 %"])
    return table


def rank_correlation(drawn: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Return Spearman's rank correlation of each outcome with each condition that is drawn on its own."""
    own = drawn[[name for name in drawn.columns if name not in TOGETHER]]
    return own.join(results).corr("spearman").loc[own.columns, results.columns]
