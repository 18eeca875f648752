"""How do rare earths and iron leave the liquor, and what becomes of each cake?

Oxalic acid takes the rare earths first, while the iron is still Fe(II) and stays in solution; then air and ammonia
turn the iron into hydroxide, and the ammonia becomes ammonium chloride again.
"""

from __future__ import annotations

from collections.abc import Sequence

from magnetflow.recovery.chemistry.reactions import Reaction, base_metals, rare_earths, reactions
from magnetflow.recovery.chemistry.species import species
from magnetflow.recovery.plant.conditions import Conditions
from magnetflow.recovery.plant.flowsheet import Leaving, Streams, Unit
from magnetflow.recovery.plant.streams import Stream, mix
from magnetflow.recovery.plant.units import Step, react
from magnetflow.recovery.stages.leach import filter_unit

OXALIC = "H2C2O4(aq)"
AMMONIA = "NH3(aq)"
NITROGEN_PER_OXYGEN = 3.76  # moles in air


def oxalate_units(conditions: Conditions) -> list[Unit]:
    """Return oxalate precipitation, its filter and the calciner."""
    cake = Leaving("product", [f"{metal}2(C2O4)3.10H2O(s)" for metal in rare_earths()])
    names = ("oxalate filter", "oxalate_slurry", "oxalate_cake", "iron_liquor")
    return [_oxalate(conditions), filter_unit(*names, conditions, "oxalate", cake), _calciner(conditions)]


def _oxalate(conditions: Conditions) -> Unit:
    known = reactions()
    part = conditions.rare_earths_precipitated
    steps = [Step(known["dissolve_oxalic"], "H2C2O4(s)")]
    steps += [Step(known[f"oxalate_{metal}"], f"{metal}+3(aq)", part) for metal in rare_earths()]
    steps.append(Step(known["oxalate_Fe"], "Fe+2(aq)", conditions.iron_with_oxalate))

    def work(streams: Streams) -> Streams:
        liquor = streams["leach_liquor"]
        stoichiometric = 1.5 * sum(liquor.of(f"{metal}+3(aq)") for metal in rare_earths())
        acid = Stream({"H2C2O4(s)": conditions.oxalic_ratio * stoichiometric})
        return {"oxalate_slurry": react(liquor + acid, steps), "oxalic_acid": acid}

    draws = {"oxalic_acid": "reagent"}
    return Unit("oxalate precipitation", ["leach_liquor"], ["oxalate_slurry"], work, draws, section="oxalate")


def _calciner(conditions: Conditions) -> Unit:
    """Oxalates burn to oxides; what liquor the cake holds is roasted along and stays as impurity."""
    known = reactions()
    burning = [Step(known[f"calcination_{metal}"], f"{metal}2(C2O4)3.10H2O(s)") for metal in rare_earths()]
    burning += [Step(known["calcination_Fe"], "FeC2O4.2H2O(s)"), Step(known["roast_oxalic"], OXALIC)]
    roasting = [Step(known[f"roast_{metal}"], f"{metal}+3(aq)") for metal in rare_earths()]
    roasting += [Step(known[f"roast_{metal}"], f"{metal}+2(aq)") for metal in base_metals()]
    roasting += [Step(known["roast_NH4"], "NH4+(aq)"), Step(known["roast_H"], "H+(aq)")]
    roasting += [Step(known["roast_boric"], "H3BO3(aq)"), Step(known["evaporate"], "H2O(l)")]
    steps = [*burning, *roasting]

    def work(streams: Streams) -> Streams:
        cake = streams["oxalate_cake"]
        air = air_for(cake, steps, conditions.oxygen_used)
        made = react(cake + air, steps)
        return {"oxide": made.in_phase("s"), "calciner_gas": made.in_phase("g"), "calciner_air": air}

    return Unit(
        "calciner",
        ["oxalate_cake"],
        ["oxide", "calciner_gas"],
        work,
        draws={"calciner_air": "air"},
        leaves={"oxide": Leaving("product", _oxides()), "calciner_gas": Leaving("air")},
        temperature_c=None,
    )


def _oxides() -> list[str]:
    """Return the solids to which the oxalates of the rare earths burn."""
    burnt = [reactions()[f"calcination_{metal}"].coefficients for metal in rare_earths()]
    return [name for made in burnt for name, count in made.items() if count > 0 and species(name).phase == "s"]


def air_for(stream: Stream, steps: list[Step], used: float) -> Stream:
    """Return the air whose oxygen serves a list of full conversions when a share `used` of it reacts."""
    oxygen = sum(_per(reaction, "O2(g)", of) * part * stream.of(of) for reaction, of, part in steps)
    return Stream({"O2(g)": oxygen / used, "N2(g)": NITROGEN_PER_OXYGEN * oxygen / used})


def iron_units(conditions: Conditions, brought: Sequence[str]) -> list[Unit]:
    """Return oxidation with precipitation of the iron, and its filter; `brought` are liquors that hold ammonia."""
    cake = Leaving("product", ["Fe(OH)3(s)"])
    names = ("iron filter", "iron_slurry", "iron_cake", "chloride_liquor")
    return [_iron(conditions, brought), filter_unit(*names, conditions, "oxidation", cake)]


def _iron(conditions: Conditions, brought: Sequence[str]) -> Unit:
    """Air and ammonia precipitate iron, the rare earths left over, and cobalt and nickel with them.

    Ammonia first neutralises the acid that the oxalate set free; what none has brought is made up.
    """
    known = reactions()
    hydroxides = [Step(known["oxidative_hydroxide_Fe"], "Fe+2(aq)", conditions.iron_precipitated)]
    hydroxides += [Step(known[f"hydroxide_{metal}"], f"{metal}+3(aq)") for metal in rare_earths()]
    with_iron = conditions.cobalt_nickel_with_iron
    hydroxides += [Step(known[f"hydroxide_{metal}"], f"{metal}+2(aq)", with_iron) for metal in ("Co", "Ni")]
    neutralising = [Step(known["neutral_oxalate"], OXALIC), Step(known["neutralisation"], "H+(aq)")]
    steps = [*neutralising, *hydroxides]

    def work(streams: Streams) -> Streams:
        liquor = mix(streams.values())
        needed = sum(_per(reaction, AMMONIA, of) * part * liquor.of(of) for reaction, of, part in steps)
        make_up = Stream({AMMONIA: max(0.0, needed - liquor.of(AMMONIA))})
        air = air_for(liquor, steps, conditions.oxygen_used)
        made = react(liquor + make_up + air, steps)
        return {
            "iron_slurry": made.in_phase("s", "l", "aq"),
            "spent_air": made.in_phase("g"),
            "ammonia_make_up": make_up,
            "oxidation_air": air,
        }

    return Unit(
        "oxidation",
        ["iron_liquor", *brought],
        ["iron_slurry", "spent_air"],
        work,
        draws={"ammonia_make_up": "reagent", "oxidation_air": "air"},
        leaves={"spent_air": Leaving("air")},
        section="oxidation",
    )


def _per(reaction: Reaction, name: str, of: str) -> float:
    """Return the moles of one reactant that a reaction takes for each mole of another."""
    return max(0.0, -reaction.per_extent.get(name, 0.0)) / -reaction.per_extent[of]
