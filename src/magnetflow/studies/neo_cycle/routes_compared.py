"""What do chlorination and the electrochemical cell take and give for the same magnets, side by side?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from magnetflow.recovery import route, sene
from magnetflow.recovery.plant.conditions import Conditions
from magnetflow.recovery.plant.flowsheet import Solved
from magnetflow.recovery.plant.streams import gas_volume_m3
from magnetflow.recovery.report import kiln_heat_of
from magnetflow.recovery.route import solid_state_chlorination
from magnetflow.recovery.sene import Batch, electrochemical_leaching
from magnetflow.recovery.stages.electroleach import Electrolysis
from magnetflow.studies.neo_cycle import plant
from magnetflow.studies.neo_cycle.cell import electrolysis
from magnetflow.studies.neo_cycle.draws import OXIDES, evaporation_kwh

COLUMNS = {
    "ssc": "chlorination",
    "acid": "cell, acid",
    "membrane": "cell, membrane",
    "selective": "cell, acid, selective",
}


def ideal() -> dict[str, Solved | Batch]:
    """Return 200 kg of alloy by each route: all reacts, nothing is lost, but for the current that makes oxygen."""
    values = electrolysis.conditions()
    cell = Electrolysis(cell_voltage_v=values["cell_voltage_v"], current_efficiency=values["current_efficiency"])
    return {
        "ssc": solid_state_chlorination(Conditions()),
        "acid": electrochemical_leaching(Conditions(), cell),
        "membrane": electrochemical_leaching(Conditions(), replace(cell, divided=True)),
        "selective": electrochemical_leaching(sene.selective(Conditions()), replace(cell, boron_oxidised=0.0)),
    }


def central() -> dict[str, Solved | Batch]:
    """Return 200 kg of hard disk magnets by each route at the central conditions of either."""
    disks: Any = plant.composition("hdd")
    conditions, cell = electrolysis.plant_conditions(composition=disks)
    return {
        "ssc": solid_state_chlorination(plant.conditions(composition=disks, boron="bcl3")),
        "acid": electrochemical_leaching(conditions, cell),
        "membrane": electrochemical_leaching(conditions, replace(cell, divided=True)),
        "selective": electrochemical_leaching(sene.selective(conditions), replace(cell, boron_oxidised=0.0)),
    }


def table(batches: Mapping[str, Solved | Batch], kiln: Conditions) -> pd.DataFrame:
    """Return what each batch gives and takes; `kiln` are the conditions of the one by chlorination."""
    columns = {}
    for key, batch in batches.items():
        solved = batch.solved if isinstance(batch, Batch) else batch
        column = _of_cell(batch) if isinstance(batch, Batch) else _of_kiln(batch, kiln)
        column["water boiled off, kg"] = solved.streams["condensate"].kg().get("H2O(l)", 0.0)
        column["heat that boils it off, kWh"] = evaporation_kwh(solved)
        columns[COLUMNS[key]] = column
    return pd.DataFrame(columns)


def _common(solved: Solved, made: Mapping[str, float], bought: Mapping[str, float]) -> dict[str, float]:
    residue = solved.streams["residue"].kg()
    return {
        "rare earth oxides, kg": sum(made.get(oxide, 0.0) for oxide in OXIDES),
        "iron hydroxide, kg": made.get("Fe(OH)3", 0.0),
        "iron left as metal, kg": residue.get("Fe(s)", 0.0),
        "boric acid in the eluate, kg": made.get("H3BO3", 0.0),
        "boron in the residue, kg": residue.get("B(s)", 0.0),
        "oxalic acid, kg": bought["H2C2O4"],
        "hydrochloric acid, kg": bought.get("HCl", 0.0),
        "ammonia bought, kg": bought.get("NH3", 0.0),
    }


def _of_kiln(solved: Solved, conditions: Conditions) -> dict[str, float]:
    return _common(solved, route.products_kg(solved), route.reagents_kg(solved)) | {
        "ammonium chloride bought, kg": route.make_up_kg(solved),
        "ammonium chloride left over, kg": solved.streams["nh4cl_surplus"].mass_kg(),
        "hydrogen, m³": gas_volume_m3(solved.streams["off_gas"].only(lambda name: name == "H2(g)")),
        "charge, Ah for a kg of magnets": 0.0,
        "electricity of the cell, kWh": 0.0,
        "heat of the kiln, kWh": kiln_heat_of(solved, conditions).duty_kwh,
    }


def _of_cell(batch: Batch) -> dict[str, float]:
    streams = batch.solved.streams
    both = _common(batch.solved, route.products_kg(batch.solved, sene.PRODUCTS), sene.reagents_kg(batch))
    left = streams["nh4cl_surplus" if batch.cell.divided else "nh4cl_product"]
    return both | {
        "ammonium chloride bought, kg": batch.salt_bought_kg(),
        "ammonium chloride left over, kg": left.kg().get("NH4Cl(s)", 0.0),
        "hydrogen, m³": batch.hydrogen_nm3(),
        "charge, Ah for a kg of magnets": batch.charge_ah_per_kg,
        "electricity of the cell, kWh": batch.work.energy_kwh,
        "heat of the kiln, kWh": 0.0,
    }
