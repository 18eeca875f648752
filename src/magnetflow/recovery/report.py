"""How is a batch reported: as a table for a plant engineer, as JSON for a program?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from magnetflow.recovery import route, sene
from magnetflow.recovery.chemistry.selectivity import Heat, celsius, kiln_heat
from magnetflow.recovery.plant.conditions import Conditions
from magnetflow.recovery.plant.flowsheet import CHARGE, Solved

MAIN_CONTENTS = 3  # named for each stream
TRACE_KG = 0.005  # below which a content is left out of the table


def balance_json(solved: Solved) -> dict[str, Any]:
    """Return the balance of a plant as plain data: masses in kg, amounts in mol.

    `streams` gives each stream with its ends, `closure_kg` by element what enters the plant less what leaves.
    """
    streams = {
        name: {
            "from": pipe.source,
            "to": pipe.target,
            "kg": solved.streams[name].mass_kg(),
            "species_mol": dict(solved.streams[name].moles),
            "species_kg": solved.streams[name].kg(),
        }
        for name, pipe in solved.pipes.items()
    }
    return {
        "streams": streams,
        "closure_kg": solved.closure_kg(),
        "closure_of_units": solved.closure_of_units(),
    }


def as_json(solved: Solved, conditions: Conditions) -> dict[str, Any]:
    """Return a batch by solid-state chlorination as plain data: masses in kg, amounts in mol, heat in kWh.

    `products` and `reagents` are kg by formula with ammonium chloride as charged to the kiln, and `nh4cl_make_up_kg`
    what of it is bought; for the rest see `balance_json`.
    """
    heat = kiln_heat_of(solved, conditions)
    return balance_json(solved) | {
        "products": route.products_kg(solved),
        "purity": route.purity(solved),
        "reagents": route.reagents_kg(solved),
        "nh4cl_make_up_kg": route.make_up_kg(solved),
        "kiln": {"heat_kwh": heat.duty_kwh, "uncounted_kg": heat.uncounted_kg},
    }


def kiln_heat_of(solved: Solved, conditions: Conditions) -> Heat:
    """Return the heat of the kiln of a batch."""
    streams = solved.streams
    charge = streams["kiln_charge"] + streams["sweep_nitrogen"]
    made = streams["calcine"] + streams["kiln_gas"]
    return kiln_heat(charge, made, float(celsius(conditions.kiln_temperature_c)))


def as_text(solved: Solved, conditions: Conditions, title: str) -> str:
    """Return a batch as a page of text: the stream table, then what closes, what is made and what is taken."""
    heat = kiln_heat_of(solved, conditions)
    lines = [title, "", *stream_lines(solved), ""]
    lines.append("Products:  " + _masses(route.products_kg(solved)))
    lines.append("Reagents:  " + _masses(route.reagents_kg(solved)))
    lines.append(f"NH4Cl bought: {route.make_up_kg(solved):,.2f} kg; the rest comes round from the batch before.")
    lines.append(
        f"Kiln heat at {conditions.kiln_temperature_c:g} °C: {heat.duty_kwh:,.1f} kWh, without losses"
        + (f"; {heat.uncounted_kg:,.1f} kg without data left out." if heat.uncounted_kg > 1e-9 else ".")
    )
    return "\n".join([*lines, closure_line(solved)])


def cell_json(batch: sene.Batch) -> dict[str, Any]:
    """Return a batch by the electrochemical cell as plain data; `cell` holds what the cell takes and gives off."""
    return balance_json(batch.solved) | {
        "products": route.products_kg(batch.solved, sene.PRODUCTS),
        "purity": route.purity(batch.solved, sene.PRODUCTS),
        "reagents": sene.reagents_kg(batch),
        "nh4cl_make_up_kg": batch.salt_bought_kg(),
        "cell": {
            "divided": batch.cell.divided,
            "voltage_v": batch.cell.cell_voltage_v,
            "current_efficiency": batch.cell.current_efficiency,
            "charge_ah": batch.charge_ah_per_kg * batch.conditions.magnet_kg,
            "charge_ah_per_kg": batch.charge_ah_per_kg,
            "energy_kwh": batch.work.energy_kwh,
            "energy_kwh_per_kg": batch.energy_kwh_per_kg,
            "protons_mol": batch.work.protons_mol,
            "acid_for_cell_kg": batch.acid_kg(),
            "hydrogen_nm3": batch.hydrogen_nm3(),
        },
    }


def cell_text(batch: sene.Batch, title: str) -> str:
    """Return a batch by the electrochemical cell as a page of text."""
    lines = [title, "", *stream_lines(batch.solved), ""]
    lines.append("Products:  " + _masses(route.products_kg(batch.solved, sene.PRODUCTS)))
    lines.append("Reagents:  " + _masses(sene.reagents_kg(batch)))
    energy = f"{batch.work.energy_kwh:,.1f} kWh at {batch.cell.cell_voltage_v:g} V and "
    energy += f"a current efficiency of {batch.cell.current_efficiency:g}"
    lines.append(f"Cell: {batch.charge_ah_per_kg:,.1f} Ah for each kg of magnets; {energy};")
    gas = f"{batch.hydrogen_nm3():,.1f} m³ of hydrogen at 0 °C and 1 atm"
    lines.append(f"      its electrodes take {batch.work.protons_mol:,.0f} mol of protons and give {gas}.")
    return "\n".join([*lines, closure_line(batch.solved)])


def closure_line(solved: Solved) -> str:
    """Return how closely every balance closes."""
    units = solved.closure_of_units().values()
    worst_kg = max(abs(value) for unit in units for what, value in unit.items() if what != CHARGE)
    worst_charge = max(abs(unit[CHARGE]) for unit in units)
    boundary = max(abs(value) for value in solved.closure_kg().values())
    return (
        f"Closure of every element: boundary within {boundary:.0e} kg, units within {worst_kg:.0e} kg; "
        f"of charge: units within {worst_charge:.0e} mol."
    )


def stream_lines(solved: Solved) -> list[str]:
    """Return the stream table as lines of text; empty streams are left out."""
    rows = [("stream", "from", "to", "kg", "holds, kg")]
    for name, pipe in solved.pipes.items():
        stream = solved.streams[name]
        if stream.moles:
            rows.append((name, pipe.source, pipe.target, f"{stream.mass_kg():,.2f}", _contents(stream.kg())))
    return _columns(rows)


def _contents(kg: dict[str, float]) -> str:
    largest = sorted(((name, mass) for name, mass in kg.items() if mass >= TRACE_KG), key=lambda pair: -pair[1])
    listed = ", ".join(f"{name} {mass:,.2f}" for name, mass in largest[:MAIN_CONTENTS])
    return listed + (f" and {len(largest) - MAIN_CONTENTS} more" if len(largest) > MAIN_CONTENTS else "")


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    right = rows[0].index("kg")
    return [
        "  ".join(
            cell.rjust(width) if at == right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _masses(kg: dict[str, float]) -> str:
    return ", ".join(f"{formula} {mass:,.2f} kg" for formula, mass in kg.items())
