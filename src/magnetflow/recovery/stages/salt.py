"""How does ammonium chloride come back to the kiln, and what has to be let out?

The liquor behind the iron filter holds the chloride of the whole batch as ammonium chloride. An ion exchanger takes
its boron, a purge what would build up, and a crystalliser gives the salt back.
"""

from __future__ import annotations

from magnetflow.recovery.chemistry.reactions import Reaction, base_metals, rare_earths, reactions
from magnetflow.recovery.chemistry.species import WATER, molar_mass_kg
from magnetflow.recovery.plant.conditions import Conditions
from magnetflow.recovery.plant.duties import Duty, boiling
from magnetflow.recovery.plant.flowsheet import Leaving, Streams, Unit
from magnetflow.recovery.plant.streams import Stream
from magnetflow.recovery.plant.units import Step, advance, extent_at_most, pick, react, split
from magnetflow.recovery.stages.boron import BORIC_ACID


def units(conditions: Conditions, salt: str) -> list[Unit]:
    """Return boron column, purge and crystalliser; `salt` is the stream that the latter gives."""
    return [_column(conditions), _purge(conditions), _crystalliser(salt)]


def _column(conditions: Conditions) -> Unit:
    """Boric acid is held by the resin and eluted with less water than it came in.

    Acid sets it free and is held in its place; ammonia gives the resin back, and the salt joins the liquor.
    """
    neutralisation = reactions()["neutralisation"]

    def work(streams: Streams) -> Streams:
        liquor = streams["chloride_liquor"]
        captured, passed = pick(liquor, {BORIC_ACID: conditions.boron_captured})
        acid = conditions.eluant_acid * captured.of(BORIC_ACID)
        water = _eluting_water(liquor, captured.of(BORIC_ACID), conditions)
        hydrochloric, ammonia = Stream({"H+(aq)": acid, "Cl-(aq)": acid}), Stream({"NH3(aq)": acid})
        both = hydrochloric + ammonia
        spent = advance(both, neutralisation, extent_at_most(both, neutralisation))
        return {
            "boron_eluate": captured + water,
            "stripped_liquor": passed + spent,
            "eluant": water + Stream({"HCl(aq)": acid}),
            "regenerant": ammonia,
        }

    return Unit(
        "ion exchanger",
        ["chloride_liquor"],
        ["boron_eluate", "stripped_liquor"],
        work,
        draws={"eluant": "reagent", "regenerant": "reagent"},
        leaves={"boron_eluate": Leaving("product", [BORIC_ACID])},
        section="salt recovery",
    )


def _eluting_water(liquor: Stream, boric_mol: float, conditions: Conditions) -> Stream:
    """Return the water that elutes boric acid at the concentration wanted, or as much as keeps it dissolved."""
    if not boric_mol:
        return Stream()
    wanted = conditions.boron_concentration * liquor.of(BORIC_ACID) / liquor.of(WATER)
    dissolves = conditions.boric_acid_g_per_kg / 1000 * molar_mass_kg(WATER) / molar_mass_kg(BORIC_ACID)
    return Stream({WATER: boric_mol / min(wanted, dissolves)})


def _purge(conditions: Conditions) -> Unit:
    def work(streams: Streams) -> Streams:
        purge, loop = split(streams["stripped_liquor"], conditions.purge)
        return {"purge": purge, "loop_liquor": loop}

    leaves = {"purge": Leaving("water")}
    return Unit("purge", ["stripped_liquor"], ["purge", "loop_liquor"], work, leaves=leaves, section="salt recovery")


def crystallisations() -> list[Reaction]:
    """Return the reactions by which what is dissolved becomes solid when the water boils off, the main salt last."""
    chlorides = [f"{metal}Cl3" for metal in rare_earths()] + [f"{metal}Cl2" for metal in base_metals()]
    return [reactions()[f"crystal_{name}"] for name in (*chlorides, "oxalate", "H3BO3", "NH4Cl")]


def _crystalliser(salt_stream: str) -> Unit:
    """Water is boiled off; what was dissolved is left as salts, and free ammonia goes with the steam."""
    *others, salt = crystallisations()
    ions = [f"{metal}+3(aq)" for metal in rare_earths()] + [f"{metal}+2(aq)" for metal in base_metals()]
    steps = [Step(one, of) for one, of in zip(others, [*ions, "C2O4-2(aq)", BORIC_ACID], strict=True)]

    def work(streams: Streams) -> Streams:
        boiled = react(streams["loop_liquor"], steps)
        boiled = advance(boiled, salt, extent_at_most(boiled, salt))
        return {salt_stream: boiled.in_phase("s"), "condensate": boiled.in_phase("l", "aq", "g")}

    def duties(streams: Streams) -> list[Duty]:
        return boiling("crystalliser", streams["condensate"])

    return Unit(
        "crystalliser",
        ["loop_liquor"],
        [salt_stream, "condensate"],
        work,
        leaves={"condensate": Leaving("water"), salt_stream: Leaving("product", ["NH4Cl(s)"])},
        duties=duties,
        section="salt recovery",
    )
