"""How much oxalic acid takes which part of the rare earths, and when does iron go along?

Equilibria only: what precipitates in the end, not how fast or how clean. All rare earths count as neodymium, whose
constants are the ones at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from magnetflow.errors import ProcessError
from magnetflow.recovery.chemistry.reactions import rare_earths
from magnetflow.recovery.chemistry.speciation import PROTON, components, equilibrate
from magnetflow.recovery.chemistry.species import species
from magnetflow.recovery.plant.streams import Stream
from magnetflow.recovery.plant.units import share

FERROUS, FERRIC = "Fe+2(aq)", "Fe+3(aq)"
RARE_EARTH, OXALATE, CHLORIDE = "Nd+3(aq)", "C2O4-2(aq)", "Cl-(aq)"
RARE_EARTH_OXALATE, IRON_OXALATE = "Nd2(C2O4)3.10H2O(s)", "FeC2O4.2H2O(s)"
SOLIDS = (RARE_EARTH_OXALATE, IRON_OXALATE)


@dataclass(frozen=True)
class Dose:
    """What a dose of oxalic acid does to a liquor: shares of what was there."""

    rare_earths: float  # precipitated
    iron: float  # precipitated
    oxalate_with_iron: float  # of the oxalate dosed, bound by iron in solution


def dose(liquor: Stream, ratio: float, oxidised: float = 0.0, constants: Mapping[str, float] | None = None) -> Dose:
    """Return what oxalic acid does at `ratio` times what the rare earths take.

    `oxidised` is the share of the iron(II) that was oxidised before, with hydrochloric acid to keep it dissolved.
    `constants` replaces decadic logarithms of equilibrium constants by name.
    Raises ProcessError for a share outside 0 to 1, no dose, no rare earths, or a species without equilibria.
    """
    if ratio <= 0:
        raise ProcessError(f"a dose of {ratio:g} holds no oxalic acid; give more than 0")
    totals = components(liquor, {f"{metal}+3(aq)": RARE_EARTH for metal in rare_earths()})
    if not totals.get(RARE_EARTH):
        raise ProcessError("the liquor holds no rare earths to dose for")
    ferrous = totals.get(FERROUS, 0.0)
    ferric = share(oxidised, "the share of iron oxidised") * ferrous
    oxalate = 1.5 * ratio * totals[RARE_EARTH]
    totals |= {
        OXALATE: totals.get(OXALATE, 0.0) + oxalate,
        PROTON: totals.get(PROTON, 0.0) + 2 * oxalate,
        FERROUS: ferrous - ferric,
        FERRIC: totals.get(FERRIC, 0.0) + ferric,
        CHLORIDE: totals.get(CHLORIDE, 0.0) + ferric,
    }
    rest = equilibrate(totals, solids=SOLIDS, constants=constants)
    iron = ferrous + totals[FERRIC] - ferric
    complexes = {name: amount for name, amount in rest.molality.items() if {"Fe", "C"} <= set(species(name).atoms)}
    bound = sum(amount * species(name).atoms["C"] / 2 for name, amount in complexes.items())
    return Dose(
        2 * rest.solids.get(RARE_EARTH_OXALATE, 0.0) / totals[RARE_EARTH],
        rest.solids.get(IRON_OXALATE, 0.0) / iron if iron else 0.0,
        bound / totals[OXALATE],
    )
