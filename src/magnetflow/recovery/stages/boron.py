"""How much resin holds the boron of a batch, and how far can it be concentrated?

Resins with N-methylglucamine hold boric acid as a borate ester, best where borate is there, and give it to acid.
"""

from __future__ import annotations

from magnetflow.errors import ProcessError
from magnetflow.recovery.chemistry.speciation import equilibrate
from magnetflow.recovery.chemistry.species import WATER, atomic_weight_kg, molar_mass_kg
from magnetflow.recovery.plant.streams import Stream

BORIC_ACID = "H3BO3(aq)"
BORATE = "B(OH)4-(aq)"


def borate_share(ph: float, boron_molal: float) -> float:
    """Return the share of dissolved boron that is borate at a pH, by the equilibria of the book."""
    if not boron_molal > 0:
        raise ProcessError("there is no boron to share out")
    rest = equilibrate({BORIC_ACID: boron_molal}, ph=ph)
    return rest.molality[BORATE] / boron_molal


def resin_kg(boron_mol: float, capacity_mg_per_g: float) -> float:
    """Return the resin that holds an amount of boron in one load, kg. Raises ProcessError for no capacity."""
    if capacity_mg_per_g <= 0:
        raise ProcessError(f"a resin of {capacity_mg_per_g:g} mg/g holds no boron; give more than 0")
    return boron_mol * atomic_weight_kg("B") * 1000 / capacity_mg_per_g


def concentration_limit(liquor: Stream, solubility_g_per_kg: float) -> float:
    """Return how many times boric acid of a liquor can be concentrated before it crystallises in the eluate."""
    water_kg = liquor.of(WATER) * molar_mass_kg(WATER)
    if water_kg == 0:
        raise ProcessError("the liquor holds no water")
    boric_g_per_kg = 1000 * liquor.of(BORIC_ACID) * molar_mass_kg(BORIC_ACID) / water_kg
    if boric_g_per_kg == 0:
        raise ProcessError("the liquor holds no boric acid to concentrate")
    return solubility_g_per_kg / boric_g_per_kg
