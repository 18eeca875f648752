"""What does a batch of magnets become by electrochemical leaching, stream by stream?

The route is a model, made here, of the concept of NEO-CYCLE: a cell in place of kiln and leach, then the same
oxalate, calcination, oxidation and boron. Without a membrane the salt that ends the route is sold; with one it goes
back to the cell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from magnetflow.recovery import route
from magnetflow.recovery.chemistry.species import molar_mass_kg, species
from magnetflow.recovery.plant.conditions import BASE_METALS, Conditions
from magnetflow.recovery.plant.flowsheet import Solved, Unit, solve
from magnetflow.recovery.plant.streams import gas_volume_m3, mix
from magnetflow.recovery.stages import electroleach
from magnetflow.recovery.stages import iron as precipitation
from magnetflow.recovery.stages import salt as regeneration
from magnetflow.recovery.stages.electroleach import Electrolysis, Work
from magnetflow.recovery.stages.kiln import NH4CL, magnets
from magnetflow.recovery.stages.leach import filter_unit

LEAVES = (
    "residue",
    "cell_gas",
    "oxide",
    "calciner_gas",
    "spent_air",
    "iron_cake",
    "boron_eluate",
    "purge",
    "condensate",
)
SALT = {True: "nh4cl_recycled", False: "nh4cl_product"}  # by whether the cell is divided
PRODUCTS = {
    "oxide": route.PRODUCTS["oxide"],
    "iron_cake": route.PRODUCTS["iron_cake"],
    "residue": ("Fe(s)", "B(s)"),
    "boron_eluate": ("H3BO3(aq)",),
    "nh4cl_product": (NH4CL,),
}


@dataclass(frozen=True)
class Batch:
    """A batch by the cell: its streams, its conditions, and what the cell takes."""

    solved: Solved
    conditions: Conditions
    cell: Electrolysis
    work: Work

    @property
    def charge_ah_per_kg(self) -> float:
        """Return the charge for each kilogram of magnets, Ah."""
        return self.work.charge_c / electroleach.HOUR_S / self.conditions.magnet_kg

    @property
    def energy_kwh_per_kg(self) -> float:
        """Return the electricity of the cell for each kilogram of magnets, kWh."""
        return self.work.energy_kwh / self.conditions.magnet_kg

    def acid_kg(self) -> float:
        """Return the hydrogen chloride bought for the cell, kg; none where a membrane lets salt serve."""
        acid = self.solved.streams.get("cell_acid")
        return acid.of("H+(aq)") * molar_mass_kg("HCl(aq)") if acid else 0.0

    def salt_bought_kg(self) -> float:
        """Return the ammonium chloride bought, kg; none where acid serves."""
        return self.solved.streams["nh4cl_make_up"].mass_kg() if self.cell.divided else 0.0

    def hydrogen_nm3(self) -> float:
        """Return the hydrogen of the cell, m³ at 0 °C and 1 atm."""
        return gas_volume_m3(self.solved.streams["cell_gas"].only(lambda name: name == "H2(g)"))


def selective(conditions: Conditions) -> Conditions:
    """Return conditions in which the rare earths dissolve as given and the other metals not at all."""
    return replace(conditions, conversion=dict(conditions.conversion) | dict.fromkeys(BASE_METALS, 0.0))


def units(conditions: Conditions, cell: Electrolysis) -> list[Unit]:
    """Return the units of the whole route."""
    return [
        *electroleach.units(conditions, cell),
        filter_unit("residue filter", "leach_slurry", "residue", "leach_liquor", conditions),
        *precipitation.oxalate_units(conditions),
        *precipitation.iron_units(conditions, ["ammonia_liquor"] if cell.divided else []),
        *regeneration.units(conditions, SALT[cell.divided]),
    ]


def electrochemical_leaching(conditions: Conditions, cell: Electrolysis) -> Batch:
    """Work out a batch, in the steady state of its loop where it has one. Raises ProcessError for what cannot be."""
    charged = magnets(conditions)
    leaves = [*LEAVES, "nh4cl_surplus" if cell.divided else SALT[False]]
    solved = solve(units(conditions, cell), {"magnets": charged}, leaves)
    return Batch(solved, conditions, cell, electroleach.work(charged, conditions, cell))


def reagents_kg(batch: Batch) -> dict[str, float]:
    """Return the reagents that a batch takes from outside, kg by formula; air by its oxygen."""
    streams = batch.solved.streams
    bought = mix([streams["oxalic_acid"], streams["ammonia_make_up"], streams["regenerant"]])
    acid = streams["eluant"].of("H+(aq)") * molar_mass_kg("HCl(aq)") + batch.acid_kg()
    salt = batch.salt_bought_kg()
    drawn = mix([bought, route.air_and_water(batch.solved)])
    reagents = {species(name).formula: mass for name, mass in drawn.kg().items()} | {"HCl": acid, "NH4Cl": salt}
    return {name: mass for name, mass in reagents.items() if mass}
