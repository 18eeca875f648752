"""What does an electrochemical cell make of magnets, and which charge, acid and energy does that take?

Each element that dissolves sets its electrons free (Faraday's law); the rest of the current makes oxygen. In a cell
without a membrane protons of an acid take the electrons up; with an anion exchange membrane ammonium does, chloride
crosses to the magnets, and ammonia is left behind. What share of each element dissolves is a condition.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from magnetflow.errors import ProcessError
from magnetflow.recovery.chemistry.reactions import Reaction, reactions
from magnetflow.recovery.chemistry.species import WATER
from magnetflow.recovery.plant.conditions import METALS, Conditions, check_limits, limited, limits_of, number_of
from magnetflow.recovery.plant.flowsheet import Streams, Unit
from magnetflow.recovery.plant.streams import Stream, mix, of_mass
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL, Step, electrolyse, react
from magnetflow.recovery.stages.kiln import elements_apart, top_up

HOUR_S = 3600.0


@dataclass(frozen=True)
class Electrolysis:
    """The conditions of the cell, ideal unless set otherwise; what share of each metal dissolves is in `Conditions`.

    Raises ProcessError naming the condition that cannot be, and what it may be.
    """

    divided: bool = False  # by an anion exchange membrane
    boron_oxidised: float = limited(1.0, (0.0, 1.0))  # to boric acid; the rest stays as boron
    current_efficiency: float = limited(1.0, (0.01, 1.0))  # share of the current that dissolves magnet
    cell_voltage_v: float = limited(3.0, (0.0, 1000.0))
    acid_ratio: float = limited(1.0, (1.0, 100.0))  # hydrochloric acid over what the cell takes
    water_ratio: float = limited(20.0, (1.0, 1000.0))  # kg of water on either side for each kg of magnets
    salt_ratio: float = limited(1.0, (1.0, 100.0))  # ammonium chloride over what the divided cell takes

    def __post_init__(self) -> None:
        check_limits(self)

    def with_(self, settings: Mapping[str, str]) -> Electrolysis:
        """Return these conditions with some given as text. Raises ProcessError for a text that is no number."""
        changed = {name: number_of(name, text) for name, text in settings.items()}
        return replace(self, **changed)  # type: ignore[arg-type]


LIMITS = limits_of(Electrolysis)


class Work(NamedTuple):
    """What the cell takes for a batch."""

    charge_c: float
    anode: dict[Reaction, float]  # share of the current
    protons_mol: float  # that the electrodes take, less what they give
    energy_kwh: float

    @property
    def electrons_mol(self) -> float:
        """Return the electrons that pass."""
        return self.charge_c / FARADAY_C_PER_MOL


def work(charged: Stream, conditions: Conditions, cell: Electrolysis) -> Work:
    """Return charge, shares of the current and protons for magnets that are charged. Raises ProcessError for none."""
    apart, known = elements_apart(charged), reactions()
    parts = dict(conditions.conversion) | {"B": cell.boron_oxidised}
    electrons = {
        known[f"anode_{element}"]: parts.get(element, 1.0)
        * apart.of(f"{element}(s)")
        * float(known[f"anode_{element}"].electrons())
        for element in (*METALS, "B")
    }
    dissolving = math.fsum(electrons.values())
    if dissolving == 0:
        raise ProcessError("nothing dissolves in the cell; let a share of some metal dissolve")
    efficiency = cell.current_efficiency
    shares = {reaction: efficiency * each / dissolving for reaction, each in electrons.items() if each}
    shares[known["anode_oxygen"]] = max(0.0, 1 - math.fsum(shares.values()))
    passed = dissolving / efficiency
    made = sum(
        share * passed * reaction.per_extent.get("H+(aq)", 0.0) / float(reaction.electrons())
        for reaction, share in shares.items()
    )
    charge = passed * FARADAY_C_PER_MOL
    return Work(charge, shares, passed - made, charge * cell.cell_voltage_v / HOUR_S / 1000)


def units(conditions: Conditions, cell: Electrolysis) -> list[Unit]:
    """Return the cell."""
    return [_divided(conditions, cell) if cell.divided else _undivided(conditions, cell)]


def _water(charged: Stream, cell: Electrolysis) -> Stream:
    return of_mass({WATER: cell.water_ratio * charged.mass_kg()})


def _undivided(conditions: Conditions, cell: Electrolysis) -> Unit:
    """Magnets dissolve at the anode, protons of hydrochloric acid become hydrogen at the cathode."""
    hydrogen = {reactions()["cathode_hydrogen"]: 1.0}

    def run(streams: Streams) -> Streams:
        charged, water = streams["magnets"], _water(streams["magnets"], cell)
        duty = work(charged, conditions, cell)
        acid_mol = cell.acid_ratio * duty.protons_mol
        acid = Stream({"H+(aq)": acid_mol, "Cl-(aq)": acid_mol})
        made = electrolyse(elements_apart(charged) + water + acid, duty.charge_c, duty.anode, hydrogen)
        gases = made.in_phase("g")
        return {"leach_slurry": made - gases, "cell_gas": gases, "cell_water": water, "cell_acid": acid}

    return Unit("cell", ["magnets"], ["leach_slurry", "cell_gas"], run, draws=["cell_water", "cell_acid"])


def _divided(conditions: Conditions, cell: Electrolysis) -> Unit:
    """Ammonium becomes ammonia and hydrogen at the cathode; chloride crosses to the anode and carries the current."""
    ammonium = {reactions()["cathode_ammonium"]: 1.0}
    dissolving = _dissolving()

    def run(streams: Streams) -> Streams:
        charged, water = streams["magnets"], _water(streams["magnets"], cell)
        duty = work(charged, conditions, cell)
        recycled = streams["nh4cl_recycled"]
        make_up, surplus = top_up(recycled, cell.salt_ratio * duty.electrons_mol)
        dissolved = react(recycled + make_up - surplus, dissolving)
        filled = mix([elements_apart(charged), water, water, dissolved])
        made = electrolyse(filled, duty.charge_c, duty.anode, ammonium)
        gases = made.in_phase("g")
        # Behind the membrane stays what came with the salt, but for the chloride that has carried the current.
        left = dict(dissolved.moles)
        left["NH4+(aq)"] -= duty.electrons_mol
        left["Cl-(aq)"] -= duty.electrons_mol
        catholyte = Stream(left) + Stream({"NH3(aq)": duty.electrons_mol}) + water
        return {
            "leach_slurry": made - gases - catholyte,
            "ammonia_liquor": catholyte,
            "cell_gas": gases,
            "nh4cl_surplus": surplus,
            "cell_water": water + water,
            "nh4cl_make_up": make_up,
        }

    outlets = ["leach_slurry", "ammonia_liquor", "cell_gas", "nh4cl_surplus"]
    return Unit("cell", ["magnets", "nh4cl_recycled"], outlets, run, draws=["cell_water", "nh4cl_make_up"])


def _dissolving() -> list[Step]:
    """Return the steps by which the salts of the crystalliser dissolve."""
    crystallising = [reaction for name, reaction in reactions().items() if name.startswith("crystal_")]
    solids = [name for one in crystallising for name, count in one.coefficients.items() if count > 0]
    return [Step(one.reversed(), solid) for one, solid in zip(crystallising, solids, strict=True)]
