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
from magnetflow.recovery.chemistry.thermochemistry import JOULE_PER_KWH, REFERENCE_K, enthalpy_j
from magnetflow.recovery.plant.conditions import RARE_EARTHS, Conditions, by_field
from magnetflow.recovery.plant.flowsheet import Solved
from magnetflow.recovery.plant.streams import gas_volume_m3
from magnetflow.recovery.report import kiln_heat_of
from magnetflow.recovery.route import make_up_kg, products_kg, purity, solid_state_chlorination
from magnetflow.studies.neo_cycle import plant

TOGETHER = {
    "conversion.Pr": "conversion.Nd",
    "conversion.Dy": "conversion.Nd",
    "conversion.Co": "conversion.Fe",
    "conversion.Ni": "conversion.Fe",
    "rare_earths_precipitated": "oxalic_ratio",
    "iron_with_oxalate": "oxalic_ratio",
}
OXIDES = ("Nd2O3", "Pr6O11", "Dy2O3")
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


def evaporation_kwh(solved: Solved) -> float:
    """Return the heat that boils off the water of the crystalliser, from 25 °C, none of it won back."""
    cold, hot = enthalpy_j("H2O(l)", REFERENCE_K), enthalpy_j("H2O(g)", 373.15)
    return solved.streams["condensate"].of("H2O(l)") * float(hot - cold) / JOULE_PER_KWH


def recovery(solved: Solved) -> float:
    """Return the part of the rare earths in the magnets that the oxides hold, %. Raises ProcessError for none."""
    gained, brought = (
        sum(solved.streams[name].elements_kg().get(metal, 0.0) for metal in RARE_EARTHS)
        for name in ("oxide", "magnets")
    )
    if brought == 0:
        raise ProcessError("the magnets hold no rare earths to recover")
    return 100 * gained / brought


def outcome(conditions: Conditions, solved: Solved) -> dict[str, float]:
    """Return what a batch comes to, by OUTCOMES. Raises ProcessError for magnets without rare earths."""
    streams, made = solved.streams, products_kg(solved)
    return {
        "recovery": recovery(solved),
        "oxides": sum(made.get(oxide, 0.0) for oxide in OXIDES),
        "purity": 100 * purity(solved)["oxide"],
        "hydroxide": made.get("Fe(OH)3", 0.0),
        "hydroxide_purity": 100 * purity(solved)["iron_cake"],
        "boric": made.get("H3BO3", 0.0),
        "salt": make_up_kg(solved),
        "ammonia": streams["ammonia_make_up"].mass_kg() + streams["regenerant"].mass_kg(),
        "heat": kiln_heat_of(solved, conditions).duty_kwh,
        "evaporation": streams["condensate"].kg()["H2O(l)"] / 1000,
        "boiling": evaporation_kwh(solved),
        "hydrogen": gas_volume_m3(streams["off_gas"].only(lambda name: name == "H2(g)")),
    }


def outcomes(drawn: pd.DataFrame, **given: Any) -> pd.DataFrame:
    """Return the outcome of each draw; `given` sets what is not drawn, such as composition and boron."""
    rows = []
    for row in drawn.to_dict("records"):
        values = {str(name): value for name, value in row.items()}
        conditions = plant.conditions(**by_field(values), **given)
        rows.append(outcome(conditions, solid_state_chlorination(conditions)))
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
