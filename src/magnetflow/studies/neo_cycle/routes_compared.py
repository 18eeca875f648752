"""What do chlorination and the electrochemical cell take and give for the same magnets, side by side?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from magnetflow.errors import ProcessError
from magnetflow.recovery.plant.batch import Batch
from magnetflow.recovery.plant.conditions import Conditions
from magnetflow.recovery.plant.streams import gas_volume_m3
from magnetflow.recovery.routes import balance
from magnetflow.recovery.stages.electroleach import Electrolysis
from magnetflow.studies.neo_cycle import plant
from magnetflow.studies.neo_cycle.cell import electrolysis

COLUMNS = {
    "ssc": "chlorination",
    "acid": "cell, acid",
    "membrane": "cell, membrane",
    "selective": "cell, acid, selective",
}


def central_conditions(route: str, **given: Any) -> list[Any]:
    """Return the central conditions of a route; `given` replaces those of the plant that it names.

    Raises ProcessError for a route of which none are known.
    """
    if route == "ssc":
        return [plant.conditions(**given)]
    if route == "sene":
        return list(electrolysis.plant_conditions(**given))
    raise ProcessError(f"no central conditions of {route} are known; take the ideal case, or set conditions")


def ideal() -> dict[str, Batch]:
    """Return 200 kg of alloy by each route: all reacts, nothing is lost, but for the current that makes oxygen."""
    values = electrolysis.conditions()
    cell = Electrolysis(cell_voltage_v=values["cell_voltage_v"], current_efficiency=values["current_efficiency"])
    return {"ssc": balance("ssc"), **_of_cell(Conditions(), cell)}


def central() -> dict[str, Batch]:
    """Return 200 kg of hard disk magnets by each route at the central conditions of either."""
    disks = plant.composition("hdd")
    conditions, cell = central_conditions("sene", composition=disks)
    of_kiln = central_conditions("ssc", composition=disks, boron="bcl3")
    return {"ssc": balance("ssc", *of_kiln), **_of_cell(conditions, cell)}


def _of_cell(conditions: Conditions, cell: Electrolysis) -> dict[str, Batch]:
    return {
        "acid": balance("sene", conditions, cell),
        "membrane": balance("sene", conditions, replace(cell, divided=True)),
        "selective": balance("sene", conditions, replace(cell, selective=True)),
    }


def table(batches: Mapping[str, Batch]) -> pd.DataFrame:
    """Return what each batch gives and takes, a column a batch."""
    return pd.DataFrame({COLUMNS[key]: _column(batch) for key, batch in batches.items()})


def _column(batch: Batch) -> dict[str, float]:
    made, bought, residue = batch.products_kg(), batch.reagents_kg(), batch.streams["residue"].kg()
    charge_ah = sum(duty.details.get("charge_ah", 0.0) for duty in batch.duties)
    return {
        "rare earth oxides, kg": sum(batch.products()["oxide"].values()),
        "iron hydroxide, kg": made.get("Fe(OH)3", 0.0),
        "iron left as metal, kg": residue.get("Fe(s)", 0.0),
        "boric acid in the eluate, kg": made.get("H3BO3", 0.0),
        "boron in the residue, kg": residue.get("B(s)", 0.0),
        "oxalic acid, kg": bought["H2C2O4"],
        "hydrochloric acid, kg": bought.get("HCl", 0.0),
        "ammonia bought, kg": bought.get("NH3", 0.0),
        "ammonium chloride bought, kg": bought.get("NH4Cl", 0.0),
        "ammonium chloride left over, kg": made.get("NH4Cl", 0.0),
        "hydrogen, m³": gas_volume_m3(batch.emissions("air").only(lambda name: name == "H2(g)")),
        "charge, Ah for a kg of magnets": charge_ah / batch.streams["magnets"].mass_kg(),
        "electricity of the cell, kWh": batch.energy_kwh("electricity", "cell"),
        "heat of the kiln, kWh": batch.net_heat_kwh("kiln"),
        "water boiled off, kg": batch.streams["condensate"].kg().get("H2O(l)", 0.0),
        "heat that boils it off, kWh": batch.energy_kwh("heat", "crystalliser"),
    }
