"""What can a reader of the page move in the cell, and what is shown of it?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from magnetflow.arrays import Array
from magnetflow.inference.draws.space import probabilities
from magnetflow.studies.neo_cycle.cell import electrolysis
from magnetflow.studies.neo_cycle.cell.design import AH_PER_KG, outcome
from magnetflow.studies.neo_cycle.cell.electrolysis import Point
from magnetflow.studies.neo_cycle.cell.quick import constants

# What a reader can move in the page: name, label, low and high end, scale to the input, decimals, logarithmic.
CONTROLS = (
    ("current", "current density, A/m²", 20.0, 2000.0, 1.0, 0, True),
    ("ph", "pH of the liquor", 0.5, 2.5, 1.0, 2, False),
    ("layer", "diffusion layer, µm", 20.0, 100.0, 1e-6, 0, True),
    ("gap", "gap between the electrodes, mm", 5.0, 30.0, 1e-3, 1, False),
)
SHOWN = (
    ("voltage", "voltage, V", 2),
    ("gap", "of which in the gap, V", 2),
    ("energy", "electricity, kWh for a kg dissolved", 2),
    ("rate", "dissolved, kg an hour for each m²", 3),
    ("area", "electrodes for 200 kg in a day, m²", 1),
    ("surface_ph", "pH at the cathode", 1),
    ("plating", "current that lays down iron, %", 1),
    ("saturation", "hydroxide, decades over its solubility", 1),
)
VERDICTS = (
    "Hydrogen forms at the cathode and the liquor stays clear.",
    "Protons run out at the cathode, and iron is laid down there.",
    "Hydroxide falls out at the cathode.",
)


def sample(count: int, seed: int) -> list[Point]:
    """Return points spread evenly over all that the page lets one move."""
    names = {"current": "current_density_a_m2", "ph": "ph", "layer": "layer_m", "gap": "gap_m"}
    points = []
    for parts in probabilities(len(CONTROLS), seed, 0, count).T:
        given = {}
        for (name, _, low, high, scale, _, logarithmic), part in zip(CONTROLS, parts, strict=True):
            value = low * (high / low) ** part if logarithmic else low + (high - low) * part
            given[names[name]] = float(value * scale)
        points.append(electrolysis.point(**given))
    return points


def page_outcomes(given: Mapping[str, float | Array], batch_kg: float) -> dict[str, float]:
    """Return what the page shows of a cell at inputs by their short names."""
    told = outcome(given)
    cell, rate = told.cell, float(told.rate_kg_m2_h)
    return {
        "voltage": float(cell.voltage_v),
        "gap": float(cell.gap_v),
        "energy": float(told.energy_kwh_kg),
        "rate": rate,
        "area": batch_kg / 24 / rate,
        "surface_ph": float(cell.surface_ph),
        "plating": 100 * float(cell.plating),
        "saturation": float(cell.saturation),
    }


def export(given: Mapping[str, float | Array], batch_kg: float) -> dict[str, Any]:
    """Return what the page needs to work a cell out by itself."""
    names = ("name", "label", "low", "high", "scale", "decimals", "logarithmic")
    controls = [dict(zip(names, each, strict=True)) for each in CONTROLS]
    for each in controls:
        each["start"] = float(given[str(each["name"])]) / float(each["scale"])  # type: ignore[arg-type]
    return {
        "inputs": {name: float(value) for name, value in given.items()},
        "constants": constants() | {"ah_per_kg": AH_PER_KG, "batch_kg": batch_kg},
        "controls": controls,
        "outcomes": [dict(zip(("name", "label", "decimals"), each, strict=True)) for each in SHOWN],
        "verdicts": list(VERDICTS),
    }
