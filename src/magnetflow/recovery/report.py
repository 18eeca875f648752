"""How is a batch reported: a page of text, a stream table, JSON for a program?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from magnetflow.recovery.chemistry.species import species
from magnetflow.recovery.plant.batch import Batch
from magnetflow.recovery.plant.flowsheet import CHARGE
from magnetflow.recovery.plant.streams import Stream, gas_volume_m3
from magnetflow.tables.writing import csv_bytes

MAIN_CONTENTS = 2  # named for each stream
TRACE_KG = 0.005  # below which a content is left out of a page of text
DIGITS = 12  # of a number in the stream table; those beyond differ between processors
WIDTH = 120  # of a line below the stream table
STREAM_COLUMNS = ("stream", "from", "to", "temperature_c", "species", "phase", "mol", "kg")


def as_json(batch: Batch) -> dict[str, Any]:
    """Return a batch as plain data: masses in kg, amounts in mol, energies in kWh, temperatures in °C.

    `streams` gives each stream with its ends, `reagents` by formula what comes from outside besides the magnets,
    `products` the wanted substances, `closure_kg` by element what enters the plant less what leaves.
    """
    streams = {
        name: {
            "from": pipe.source,
            "to": pipe.target,
            "temperature_c": pipe.temperature_c,
            "kg": batch.streams[name].mass_kg(),
            "species_mol": dict(batch.streams[name].moles),
            "species_kg": batch.streams[name].kg(),
        }
        for name, pipe in batch.pipes.items()
    }
    return {
        "route": batch.route,
        "parameters": [parameter._asdict() for parameter in batch.parameters],
        "streams": streams,
        "products": batch.products_kg(),
        "purity": batch.purity(),
        "reagents": batch.reagents_kg(),
        "wastes": batch.wastes_kg(),
        "emissions_to_air": batch.emissions("air").kg(),
        "emissions_to_water": batch.emissions("water").kg(),
        "duties": [asdict(duty) for duty in batch.duties],
        "units_without_duty": batch.without_duty(),
        "closure_kg": batch.closure_kg(),
        "closure_of_units": batch.closure_of_units(),
    }


def as_csv(batch: Batch) -> str:
    """Return the stream table as CSV: a row for each species of each stream; an unknown temperature is left empty."""
    rows: list[Sequence[object]] = [STREAM_COLUMNS]
    for name, pipe in batch.pipes.items():
        stream = batch.streams[name]
        ends = (name, pipe.source, pipe.target, "" if pipe.temperature_c is None else pipe.temperature_c)
        for one, kg in stream.kg().items():
            rows.append((*ends, one, species(one).phase, f"{stream.of(one):.{DIGITS}g}", f"{kg:.{DIGITS}g}"))
    return csv_bytes(rows).decode()


def as_text(batch: Batch, title: str) -> str:
    """Return a batch as a page of text: the stream table, then what is made, taken and given off, and what closes."""
    lists = {
        "Products": batch.products_kg(),
        "Reagents": batch.reagents_kg(),
        "Wastes": batch.wastes_kg(),
        "To air": batch.emissions("air").kg(),
        "To water": batch.emissions("water").kg(),
    }
    lines = [title, "", *_stream_lines(batch), ""]
    for label, kg in lists.items():
        lines += wrap(f"{label + ':':10}{_masses(kg)}", WIDTH, subsequent_indent=" " * 10)
    hydrogen_m3 = gas_volume_m3(batch.emissions("air").only(lambda one: one == "H2(g)"))
    lines.append(f"Hydrogen: {hydrogen_m3:,.1f} m³ at 0 °C and 1 atm, in what leaves to air")
    for label, duty in zip(("Duties:", *[""] * len(batch.duties)), batch.duties, strict=False):
        level = "" if duty.temperature_c is None else f" at {duty.temperature_c:g} °C"
        details = ", ".join(f"{name} {value:,.6g}" for name, value in duty.details.items() if value)
        lines.append(
            f"{label:10}{duty.unit}, {duty.kind}{level}: {duty.energy_kwh:,.1f} kWh" + (details and f" ({details})")
        )
    lines.append(f"{'':10}without losses; other duties are not worked out")
    return "\n".join([*lines, _closure_line(batch)])


def _closure_line(batch: Batch) -> str:
    """Return how closely every balance closes."""
    units = batch.closure_of_units().values()
    worst_kg = max(abs(value) for unit in units for what, value in unit.items() if what != CHARGE)
    worst_charge = max(abs(unit[CHARGE]) for unit in units)
    boundary = max(abs(value) for value in batch.closure_kg().values())
    return (
        f"Closure of every element: boundary within {boundary:.0e} kg, units within {worst_kg:.0e} kg; "
        f"of charge: units within {worst_charge:.0e} mol."
    )


def _stream_lines(batch: Batch) -> list[str]:
    """Return the stream table as lines of text; empty streams are left out."""
    rows = [("stream", "from", "to", "°C", "kg", "holds, kg")]
    for name, pipe in batch.pipes.items():
        stream = batch.streams[name]
        if stream.moles:
            level = "" if pipe.temperature_c is None else f"{pipe.temperature_c:g}"
            rows.append((name, pipe.source, pipe.target, level, f"{stream.mass_kg():,.2f}", _contents(stream)))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    right = {rows[0].index(heading) for heading in ("°C", "kg")}
    return [
        "  ".join(
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _contents(stream: Stream) -> str:
    largest = _largest(stream.kg())
    listed = ", ".join(f"{name} {kg:,.2f}" for name, kg in largest[:MAIN_CONTENTS])
    return listed + (f" and {len(largest) - MAIN_CONTENTS} more" if len(largest) > MAIN_CONTENTS else "")


def _masses(kg: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {mass:,.2f} kg" for name, mass in _largest(kg)) or "none"


def _largest(kg: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return what is more than a trace, the largest first."""
    kept: Iterable[tuple[str, float]] = ((name, mass) for name, mass in kg.items() if mass >= TRACE_KG)
    return sorted(kept, key=lambda pair: -pair[1])
