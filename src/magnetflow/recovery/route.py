"""What does a batch of magnets become by solid-state chlorination, stream by stream?

The route is a model, made here, of the concept of NEO-CYCLE: crushing, kiln, gas treatment, leach, oxalate,
calcination, oxidation, boron, and the ammonium chloride back to the kiln.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from magnetflow.recovery.chemistry.species import WATER, species
from magnetflow.recovery.plant.conditions import Conditions
from magnetflow.recovery.plant.flowsheet import Solved, Unit, solve
from magnetflow.recovery.plant.streams import Stream, mix
from magnetflow.recovery.stages import iron as precipitation
from magnetflow.recovery.stages import kiln as chlorination
from magnetflow.recovery.stages import leach as leaching
from magnetflow.recovery.stages import salt as regeneration

LEAVES = (
    "dust",
    "off_gas",
    "residue",
    "oxide",
    "calciner_gas",
    "spent_air",
    "iron_cake",
    "boron_eluate",
    "purge",
    "condensate",
    "nh4cl_surplus",
)
# What is sold or at least wanted: the stream, and the substances in it that count.
PRODUCTS = {
    "oxide": ("Nd2O3(s)", "Pr6O11(s)", "Dy2O3(s)"),
    "iron_cake": ("Fe(OH)3(s)",),
    "residue": ("B(s)", "BN(s)"),
    "boron_eluate": ("H3BO3(aq)",),
}


def units(conditions: Conditions) -> list[Unit]:
    """Return the units of the whole route."""
    return [
        *chlorination.units(conditions),
        *leaching.units(conditions),
        *precipitation.oxalate_units(conditions),
        *precipitation.iron_units(conditions),
        *regeneration.units(conditions),
    ]


def solid_state_chlorination(conditions: Conditions) -> Solved:
    """Work out a batch in the steady state of the reagent loop. Raises ProcessError for what cannot be."""
    return solve(units(conditions), {"magnets": chlorination.magnets(conditions)}, LEAVES)


def products_kg(solved: Solved, products: Mapping[str, Sequence[str]] = PRODUCTS) -> dict[str, float]:
    """Return the mass of each product, kg by formula; what is not there is left out."""
    masses = {}
    for stream, names in products.items():
        present = solved.streams.get(stream, Stream()).kg()
        masses.update({species(name).formula: present[name] for name in names if name in present})
    return masses


def purity(solved: Solved, products: Mapping[str, Sequence[str]] = PRODUCTS) -> dict[str, float]:
    """Return the mass share of the wanted substances in each product stream, water left aside."""
    shares = {}
    for stream, names in products.items():
        dry = solved.streams.get(stream, Stream()).only(lambda name: name != WATER).kg()
        wanted = sum(dry.get(name, 0.0) for name in names)
        if wanted:
            shares[stream] = wanted / sum(dry.values())
    return shares


def reagents_kg(solved: Solved) -> dict[str, float]:
    """Return the reagents that a batch takes, kg by formula: ammonium chloride as charged, the others as bought."""
    streams = solved.streams
    acid = streams["eluant"].of("H+(aq)")
    bought = mix([streams["oxalic_acid"], streams["ammonia_make_up"], streams["regenerant"]])
    bought += Stream({"HCl(aq)": acid})
    charged = Stream({chlorination.NH4CL: streams["kiln_charge"].of(chlorination.NH4CL)})
    return {species(name).formula: mass for name, mass in mix([charged, bought, air_and_water(solved)]).kg().items()}


def air_and_water(solved: Solved) -> Stream:
    """Return the oxygen of the air that a batch takes, and its water, that of the eluant included."""
    streams = solved.streams
    oxygen = mix([streams["calciner_air"], streams["oxidation_air"]]).only(lambda name: name == "O2(g)")
    water = mix(stream for name, stream in streams.items() if name.endswith("_water") or name == "eluant")
    return oxygen + water.in_phase("l")


def make_up_kg(solved: Solved) -> float:
    """Return the ammonium chloride that has to be bought for a batch, kg."""
    return solved.streams["nh4cl_make_up"].mass_kg()
