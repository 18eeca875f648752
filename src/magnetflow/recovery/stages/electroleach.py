"""What does an electrochemical cell make of magnets, and which charge, acid and energy does that take?

Each element that dissolves sets its electrons free (Faraday's law); the rest of the current makes oxygen. In a cell
without a membrane protons of an acid take the electrons up; with an anion exchange membrane ammonium does, chloride
crosses to the magnets, and ammonia is left behind. What share of each element dissolves is a condition.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from magnetflow.errors import ProcessError
from magnetflow.recovery.chemistry.reactions import Reaction, base_metals, metals, reactions
from magnetflow.recovery.chemistry.species import WATER
from magnetflow.recovery.plant.conditions import Conditions, check_limits, conversions, limited, option
from magnetflow.recovery.plant.duties import ELECTRICITY, Duty
from magnetflow.recovery.plant.flowsheet import Leaving, Streams, Unit
from magnetflow.recovery.plant.streams import Stream, mix, of_mass
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL, Step, electrolyse, react
from magnetflow.recovery.stages.kiln import NH4CL, elements_apart, top_up
from magnetflow.recovery.stages.salt import crystallisations

HOUR_S = 3600.0


@dataclass(frozen=True)
class Electrolysis:
    """The conditions of the cell, ideal unless set otherwise; what share of each metal dissolves is in `Conditions`.

    For `marks` see `Conditions`. Raises ProcessError naming the condition that cannot be, and what it may be.
    """

    divided: bool = option(False, "an anion exchange membrane: ammonium chloride in place of acid")
    selective: bool = option(False, "only the rare earths dissolve, whatever conversions are set")
    boron_oxidised: float = limited(1.0, (0.0, 1.0))  # to boric acid; the rest stays as boron
    current_efficiency: float = limited(1.0, (0.01, 1.0))  # share of the current that dissolves magnet
    cell_voltage_v: float = limited(3.0, (0.0, 1000.0), "V", mark="assumed")
    acid_ratio: float = limited(1.0, (1.0, 100.0))  # hydrochloric acid over what the cell takes
    water_ratio: float = limited(
        20.0, (1.0, 1000.0), mark="assumed"
    )  # kg of water on either side for each kg of magnets
    salt_ratio: float = limited(1.0, (1.0, 100.0))  # ammonium chloride over what the cell takes
    marks: Mapping[str, tuple[float, str]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_limits(self)


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
    if cell.selective:
        parts |= dict.fromkeys([*base_metals(), "B"], 0.0)
    electrons = {
        known[f"anode_{element}"]: parts.get(element, 1.0)
        * apart.of(f"{element}(s)")
        * float(known[f"anode_{element}"].electrons())
        for element in (*metals(), "B")
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


def unused(cell: Electrolysis) -> set[str]:
    """Return the names of the conditions that change nothing in a cell as its switches are set."""
    names = {"acid_ratio"} if cell.divided else {"salt_ratio"}
    if cell.selective:
        names |= {"boron_oxidised", *(name for name, metal in conversions().items() if metal in base_metals())}
    return names


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
        bought = Stream({"HCl(aq)": acid_mol})
        return {"leach_slurry": made - gases, "cell_gas": gases, "cell_water": water, "cell_acid": bought}

    return Unit(
        "cell",
        ["magnets"],
        ["leach_slurry", "cell_gas"],
        run,
        draws={"cell_water": "water", "cell_acid": "reagent"},
        leaves={"cell_gas": Leaving("air")},
        duties=lambda streams: [_electricity(streams["magnets"], conditions, cell)],
    )


def _electricity(charged: Stream, conditions: Conditions, cell: Electrolysis) -> Duty:
    duty = work(charged, conditions, cell)
    details = {"charge_ah": duty.charge_c / HOUR_S, "voltage_v": float(cell.cell_voltage_v)}
    return Duty("cell", ELECTRICITY, duty.energy_kwh, details=details)


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

    return Unit(
        "cell",
        ["magnets", "nh4cl_recycled"],
        ["leach_slurry", "ammonia_liquor", "cell_gas", "nh4cl_surplus"],
        run,
        draws={"cell_water": "water", "nh4cl_make_up": "reagent"},
        leaves={"cell_gas": Leaving("air"), "nh4cl_surplus": Leaving("product", [NH4CL])},
        duties=lambda streams: [_electricity(streams["magnets"], conditions, cell)],
    )


def _dissolving() -> list[Step]:
    """Return the steps by which the salts of the crystalliser dissolve."""
    solids = [next(name for name, count in one.coefficients.items() if count > 0) for one in crystallisations()]
    return [Step(one.reversed(), solid) for one, solid in zip(crystallisations(), solids, strict=True)]
