"""What goes into solution when calcine is put in water, and what stays behind?"""

from __future__ import annotations

from collections.abc import Sequence

from magnetflow.recovery.chemistry.reactions import base_metals, rare_earths, reactions
from magnetflow.recovery.chemistry.species import WATER
from magnetflow.recovery.plant.conditions import Conditions
from magnetflow.recovery.plant.flowsheet import Leaving, Streams, Unit
from magnetflow.recovery.plant.streams import Stream, of_mass
from magnetflow.recovery.plant.units import Step, filter_and_wash, react, wash_water
from magnetflow.recovery.stages.kiln import NH4CL, ammonium_chloride_demand_mol, kiln_steps, magnets


def units(conditions: Conditions) -> list[Unit]:
    """Return the leach and its filter: chlorides dissolve; boron, nitride, metal and what is unaccounted stay."""
    return [_leach(conditions), residue_filter(conditions, ["B(s)", "BN(s)"])]


def dissolving(conditions: Conditions) -> list[Step]:
    """Return the steps by which a calcine dissolves."""
    names = (
        [f"{metal}Cl3" for metal in rare_earths()] + [f"{metal}Cl2" for metal in base_metals()] + ["B2O3", "NH4Cl"]
    )
    return [Step(reactions()[f"dissolve_{name}"], f"{name}(s)", conditions.chlorides_dissolved) for name in names]


def liquor_of_first_batch(conditions: Conditions) -> Stream:
    """Return the liquor of the leach before anything has come round with the salt."""
    crushed = magnets(conditions) * (1 - conditions.dust)
    salt = Stream({NH4CL: conditions.nh4cl_ratio * ammonium_chloride_demand_mol(crushed, conditions.boron)})
    calcine = react(crushed + salt, kiln_steps(conditions)).in_phase("s")
    water = of_mass({WATER: conditions.leach_water_ratio * calcine.mass_kg()})
    return react(calcine + water, dissolving(conditions)).in_phase("l", "aq")


def _leach(conditions: Conditions) -> Unit:
    steps = dissolving(conditions)

    def work(streams: Streams) -> Streams:
        water = of_mass({WATER: conditions.leach_water_ratio * streams["calcine"].mass_kg()})
        return {"leach_slurry": react(streams["calcine"] + water, steps), "leach_water": water}

    return Unit("leach", ["calcine"], ["leach_slurry"], work, draws={"leach_water": "water"}, section="leach")


def residue_filter(conditions: Conditions, wanted: Sequence[str]) -> Unit:
    """Return the filter that takes what has not dissolved out of a liquor; `wanted` are its substances of use."""
    residue = Leaving("product", wanted)
    return filter_unit("residue filter", "leach_slurry", "residue", "leach_liquor", conditions, "leach", residue)


def filter_unit(
    name: str, slurry: str, cake: str, filtrate: str, conditions: Conditions, section: str, leaving: Leaving
) -> Unit:
    """Return a filter that draws its own wash water; `leaving` is its cake where no other unit takes it."""
    drawn = f"{cake}_wash_water"
    moisture, washes, ratio = conditions.moisture, conditions.washes, conditions.wash_ratio

    def work(streams: Streams) -> Streams:
        water = wash_water(streams[slurry], moisture, washes, ratio)
        solids, liquid = filter_and_wash(streams[slurry], water, moisture, washes, ratio)
        return {cake: solids, filtrate: liquid, drawn: water}

    return Unit(
        name, [slurry], [cake, filtrate], work, draws={drawn: "water"}, leaves={cake: leaving}, section=section
    )
