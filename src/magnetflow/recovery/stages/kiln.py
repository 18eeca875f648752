"""What does a kiln make of magnets and ammonium chloride, and what comes off?

Solid-state chlorination: ammonium chloride gives hydrogen chloride to the metals, which become chlorides, and leaves
ammonia and hydrogen. Conversions are conditions, not results: no rate of solid-state chlorination could be read.
What the equilibria allow is worked out in `magnetflow.recovery.chemistry.selectivity`; `bake` is a model with assumed
rates, which shows which way a schedule of temperatures works, and no more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.constants import gas_constant, zero_Celsius

from magnetflow.errors import ProcessError
from magnetflow.recovery.chemistry.reactions import metals, rare_earths, reactions
from magnetflow.recovery.chemistry.species import WATER, molar_mass_kg
from magnetflow.recovery.chemistry.thermochemistry import ATMOSPHERE_BAR, equilibrium_constant
from magnetflow.recovery.plant.conditions import ALLOY, Conditions
from magnetflow.recovery.plant.duties import Duty, heat_between
from magnetflow.recovery.plant.flowsheet import AMBIENT_C, Leaving, Streams, Unit
from magnetflow.recovery.plant.streams import NORMAL_VOLUME_M3, Stream, mix, of_assay, of_mass
from magnetflow.recovery.plant.units import Step, advance, extent_at_most, react, split

NH4CL = "NH4Cl(s)"
REFERENCE_C = 350.0  # at which rates are given
AMBIENT_K = AMBIENT_C + zero_Celsius
STEPS_AN_HOUR = 20


def magnets(conditions: Conditions) -> Stream:
    """Return the magnets of a batch.

    Raises ProcessError for an assay that cannot be, and for an element of which no chemistry is known: it would end
    as metal in the residue, whatever it does in a plant.
    """
    if isinstance(conditions.composition, str):
        return of_mass({f"{ALLOY}(s)": conditions.magnet_kg})
    charged = of_assay(conditions.composition, conditions.magnet_kg)
    known = (*metals(), "B")
    for element, share in conditions.composition.items():
        if share > 0 and element not in known:
            cure = "leave it out of the assay, and it counts as unaccounted"
            raise ProcessError(
                f"composition: no reactions of {element} are known here, only of {', '.join(known)}; {cure}"
            )
    return charged


def elements_apart(solids: Stream) -> Stream:
    """Return solids with the alloy counted as its elements, each of which reacts by itself."""
    return react(solids, [Step(reactions()["alloy"], f"{ALLOY}(s)")])


def ammonium_chloride_demand_mol(solids: Stream, boron: str) -> float:
    """Return the ammonium chloride that full chlorination takes, boron included where it leaves as BCl3."""
    apart = elements_apart(solids)
    demand = 0.0
    for element in (*metals(), "B") if boron == "bcl3" else metals():
        demand += apart.of(f"{element}(s)") * salt_for_each(element)
    return demand


def salt_for_each(element: str) -> float:
    """Return the moles of ammonium chloride that a mole of an element takes."""
    moles = reactions()[f"chlorination_{element}"].per_extent
    return moles[NH4CL] / moles[f"{element}(s)"]


def top_up(recycled: Stream, wanted_mol: float) -> tuple[Stream, Stream]:
    """Return the ammonium chloride bought to reach an amount, and the surplus that is set aside beyond it."""
    lacking_mol = wanted_mol - recycled.of(NH4CL)
    return Stream({NH4CL: max(0.0, lacking_mol)}), Stream({NH4CL: max(0.0, -lacking_mol)})


def units(conditions: Conditions) -> list[Unit]:
    """Return the units from the crusher to the scrubber."""
    return [make(conditions) for make in (_crusher, _charging, _kiln, _condenser, _scrubber)]


def _crusher(conditions: Conditions) -> Unit:
    def work(streams: Streams) -> Streams:
        dust, crushed = split(streams["magnets"], conditions.dust)
        return {"crushed": crushed, "dust": dust}

    leaves = {"dust": Leaving("waste")}
    return Unit("crusher", ["magnets"], ["crushed", "dust"], work, leaves=leaves, section="kiln charge")


def _charging(conditions: Conditions) -> Unit:
    """Ammonium chloride that comes round is topped up to the charge wanted, or what is too much is set aside."""

    def work(streams: Streams) -> Streams:
        wanted = conditions.nh4cl_ratio * ammonium_chloride_demand_mol(streams["crushed"], conditions.boron)
        charge = mix(streams.values())
        make_up, surplus = top_up(charge, wanted)
        return {"kiln_charge": charge + make_up - surplus, "nh4cl_make_up": make_up, "nh4cl_surplus": surplus}

    return Unit(
        "charging",
        ["crushed", "nh4cl_condensed", "nh4cl_recycled"],
        ["kiln_charge", "nh4cl_surplus"],
        work,
        draws={"nh4cl_make_up": "reagent"},
        leaves={"nh4cl_surplus": Leaving("product", [NH4CL])},
        section="kiln charge",
    )


def kiln_steps(conditions: Conditions) -> list[Step]:
    """Return the reactions of the kiln, one after the other; salt that is left leaves as gas at any temperature."""
    known = reactions()
    steps = [Step(known["alloy"], f"{ALLOY}(s)")]
    steps += [
        Step(known[f"chlorination_{metal}"], f"{metal}(s)", conditions.conversion.get(metal, 1.0))
        for metal in metals()
    ]
    if conditions.boron == "bcl3":
        steps.append(Step(known["chlorination_B"], "B(s)", conditions.boron_reacted))
    if conditions.boron == "bn":
        steps.append(Step(known["nitridation_B"], "B(s)", conditions.boron_reacted))
    return [
        *steps,
        Step(known["oxalate_decay"], "(NH4)2C2O4(s)"),
        Step(known["boric_acid_decay"], "H3BO3(s)"),
        Step(known["sublimation"], NH4CL),
        Step(known["cracking"], "NH3(g)", conditions.ammonia_cracked),
    ]


def _kiln(conditions: Conditions) -> Unit:
    steps, temperature_c = kiln_steps(conditions), float(conditions.kiln_temperature_c)

    def work(streams: Streams) -> Streams:
        sweep = Stream({"N2(g)": conditions.sweep_nm3_per_kg * conditions.magnet_kg / NORMAL_VOLUME_M3})
        made = react(streams["kiln_charge"] + sweep, steps)
        return {"calcine": made.in_phase("s"), "kiln_gas": made.in_phase("g"), "sweep_nitrogen": sweep}

    def duties(streams: Streams) -> list[Duty]:
        charge, made = streams["kiln_charge"] + streams["sweep_nitrogen"], streams["calcine"] + streams["kiln_gas"]
        heat = heat_between(charge, AMBIENT_K, made, temperature_c + zero_Celsius)
        return [heat.as_duty("kiln", temperature_c)]

    return Unit(
        "kiln",
        ["kiln_charge"],
        ["calcine", "kiln_gas"],
        work,
        draws={"sweep_nitrogen": "reagent"},
        duties=duties,
        temperature_c=temperature_c,
    )


def condensed_mol(gas: Stream, temperature_c: float, pressure_bar: float = ATMOSPHERE_BAR) -> float:
    """Return the ammonium chloride that a gas gives off when it is cooled to a temperature.

    Of what is left, p(NH3) p(HCl) equals the constant of the sublimation: a quadratic equation, whose smaller root is
    the one that leaves neither gas below nothing.
    """
    ammonia, chloride = gas.of("NH3(g)"), gas.of("HCl(g)")
    total = float(sum(gas.moles.values()))
    constant = float(equilibrium_constant(reactions()["sublimation"], temperature_c + zero_Celsius)) / pressure_bar**2
    excess = ammonia * chloride - constant * total**2
    if excess <= 0:
        return 0.0
    linear, square = ammonia + chloride - 4 * constant * total, 1 - 4 * constant
    return 2 * excess / (linear + math.sqrt(linear**2 - 4 * square * excess))


def _condenser(conditions: Conditions) -> Unit:
    condensation = reactions()["sublimation"].reversed()
    temperature_c = float(conditions.condenser_temperature_c)

    def work(streams: Streams) -> Streams:
        gas = streams["kiln_gas"]
        cooled = advance(gas, condensation, condensed_mol(gas, temperature_c))
        return {"nh4cl_condensed": cooled.in_phase("s"), "cooled_gas": cooled.in_phase("g")}

    def duties(streams: Streams) -> list[Duty]:
        gas, made = streams["kiln_gas"], streams["nh4cl_condensed"] + streams["cooled_gas"]
        heat = heat_between(gas, conditions.kiln_temperature_c + zero_Celsius, made, temperature_c + zero_Celsius)
        return [heat.as_duty("condenser", temperature_c)]

    return Unit(
        "condenser",
        ["kiln_gas"],
        ["nh4cl_condensed", "cooled_gas"],
        work,
        duties=duties,
        temperature_c=temperature_c,
        section="scrubbing",
    )


def _scrubber(conditions: Conditions) -> Unit:
    """Water takes up ammonia and what acid there is; boron trichloride turns to boric acid."""
    known = reactions()

    def work(streams: Streams) -> Streams:
        gas = streams["cooled_gas"]
        water = of_mass({WATER: conditions.scrubber_water_ratio * gas.of("NH3(g)") * molar_mass_kg("NH3(g)")})
        water += Stream({WATER: 3 * gas.of("BCl3(g)")})  # which its hydrolysis takes
        wet = react(
            gas + water,
            [
                Step(known["condense_H2O"], "H2O(g)"),
                Step(known["hydrolysis_BCl3"], "BCl3(g)"),
                Step(known["absorb_HCl"], "HCl(g)"),
                Step(known["absorb_NH3"], "NH3(g)", conditions.ammonia_absorbed),
            ],
        )
        wet = advance(wet, known["neutralisation"], extent_at_most(wet, known["neutralisation"]))
        return {"ammonia_liquor": wet.in_phase("l", "aq"), "off_gas": wet.in_phase("g"), "scrubber_water": water}

    return Unit(
        "scrubber",
        ["cooled_gas"],
        ["ammonia_liquor", "off_gas"],
        work,
        draws={"scrubber_water": "water"},
        leaves={"off_gas": Leaving("air")},
        section="scrubbing",
    )


@dataclass(frozen=True)
class Rates:
    """Rates at 350 °C, 1/h, and energies of activation, J/mol."""

    rare_earths: float
    iron: float
    escape: float
    activation_j: float
    activation_of_escape_j: float


@dataclass(frozen=True)
class Baked:
    """What a schedule leaves: conversion by metal, and the part of the salt that escaped."""

    conversion: dict[str, float]
    escaped: float


def bake(
    schedule: Sequence[tuple[float, float]], salt_mol: float, needed_mol: Mapping[str, float], rates: Rates
) -> Baked:
    """Return what a schedule of (temperature in °C, hours) does to metals that take `needed_mol` of salt by metal.

    Each metal reacts in proportion to what is left of it, and to the salt that is there once that is less than all
    metals take; salt escapes in proportion to itself, and both follow Arrhenius's law.
    Raises ProcessError for a hold that lasts less than no time, or salt or need below zero.
    """
    amounts = [salt_mol, *needed_mol.values(), *(hours for _, hours in schedule)]
    if not all(math.isfinite(amount) and amount >= 0 for amount in amounts):
        raise ProcessError("a schedule has holds, and a charge has salt, of zero or more")
    if not all(temperature_c > -zero_Celsius for temperature_c, _ in schedule):
        raise ProcessError("a hold stands at or below -273.15 °C; give its temperature in °C")
    metals = [metal for metal, need in needed_mol.items() if need > 0]
    need = np.array([needed_mol[metal] for metal in metals])
    at_reference = np.array([rates.rare_earths if metal in rare_earths() else rates.iron for metal in metals])
    left, salt, escaped = np.ones(len(metals)), salt_mol, 0.0
    for temperature_c, hours in schedule:
        react = at_reference * _arrhenius(temperature_c, rates.activation_j)
        escape = rates.escape * _arrhenius(temperature_c, rates.activation_of_escape_j)
        steps = max(1, math.ceil(hours * STEPS_AN_HOUR))
        for _ in range(steps):
            there = min(1.0, salt / need.sum())
            reacted = left * -np.expm1(-react * there * hours / steps)
            gone = salt * -math.expm1(-escape * hours / steps)
            asked = float(need @ reacted) + gone
            granted = min(1.0, salt / asked) if asked > 0 else 0.0
            left = left - granted * reacted
            salt, escaped = salt - granted * asked, escaped + granted * gone
    conversion = dict(zip(metals, (1.0 - left).tolist(), strict=True))
    return Baked(conversion, escaped / salt_mol if salt_mol else 0.0)


def _arrhenius(temperature_c: float, activation_j: float) -> float:
    inverse = 1 / (temperature_c + zero_Celsius) - 1 / (REFERENCE_C + zero_Celsius)
    return math.exp(-activation_j / gas_constant * inverse)
