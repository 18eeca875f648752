"""Which ions, rates and conditions does the electrochemical cell of this book start from?

The route is that of NEO-CYCLE, which publishes neither currents nor yields; kinetics and conditions are assumed, see
`data/recovery/half_reactions.csv` and `data/recovery/cell_conditions.csv`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from magnetflow import tables
from magnetflow.arrays import Array
from magnetflow.recovery.cell import grids
from magnetflow.recovery.cell.kinetics import THERMAL_VOLTAGE_V, Branch, HalfReaction, MassAction, Solid
from magnetflow.recovery.cell.model import Bulk, Cell, Ion
from magnetflow.recovery.cell.operation import Operation, Setup, operate
from magnetflow.recovery.cell.state import start
from magnetflow.recovery.cell.steady import inflow_mol_m2_s, steady
from magnetflow.recovery.chemistry.reactions import Reaction, metals, reactions
from magnetflow.recovery.chemistry.species import molar_mass_kg, species
from magnetflow.recovery.plant.conditions import Conditions
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL
from magnetflow.recovery.stages.electroleach import Electrolysis
from magnetflow.studies.neo_cycle import plant

FIRST_ORDER = {"cathode_hydrogen": "H+(aq)", "cathode_iron": "Fe+2(aq)"}  # half reactions by the ion that they take
# The conditions of `cell_conditions` in the words that a table shows.
LABELS = {
    "boron_oxidised": "boron dissolved",
    "current_efficiency": "current efficiency of the plant",
    "cell_voltage_v": "voltage of the plant",
    "acid_ratio": "acid over what the cell takes",
    "water_ratio": "water for each kg of magnets",
    "current_density_a_m2": "current density",
    "gap_m": "gap between the electrodes",
    "layer_m": "diffusion layer",
    "ph": "pH of the liquor",
    "support_mol_m3": "supporting salt",
    "mobility": "mobility of ions",
    "membrane_charge_mol_m3": "charge of the membrane",
    "membrane_m": "thickness of the membrane",
    "membrane_mobility": "mobility in the membrane",
    "area_cost_usd_m2_a": "cost of electrodes",
    "hours_a_year": "running time",
}
HYDROXIDES = ("Nd(OH)3(s)", "Fe(OH)2(s)")
ELECTRONS = 37.0  # of a formula unit of the alloy, boron included
# What makes up the alloy, for its standard potential: moles of each element by its half reaction.
ALLOY = {"anode_Nd": 2, "anode_Fe": 14, "anode_B": 1}
MEMBRANE_INTERVALS = 60  # of the membrane, and of each layer beside it
FINEST_PART = 4e-4  # of either that the first interval at a face takes


@dataclass(frozen=True)
class Point:
    """Conditions at which the cell runs."""

    current_density_a_m2: float
    gap_m: float
    layer_m: float
    ph: float
    alloy_mol_m3: float  # dissolved, by formula unit
    support_mol_m3: float
    mobility: float
    selective: bool = False
    sulfate: bool = False  # of sulfuric acid in place of hydrochloric


@cache
def conditions(bound: str = "central") -> Mapping[str, float]:
    """Return the conditions of the cell at the central, low or high end of their ranges."""
    rows = tables.read("cell_conditions").query("bound == @bound")
    return MappingProxyType(dict(zip(rows["condition"], rows["value"], strict=True)))


def plant_conditions(**given: Any) -> tuple[Conditions, Electrolysis]:
    """Return the central conditions of a batch by the cell; `given` replaces those of the separation it names."""
    values = conditions()
    marks = plant.marks(tables.read("cell_conditions").query("bound == 'central'"))
    batch = plant.conditions(
        conversion={metal: values[f"conversion.{metal}"] for metal in metals()}, dust=0.0, **given
    )
    of_cell: dict[str, Any] = {one.name: values[one.name] for one in fields(Electrolysis) if one.name in values}
    return replace(batch, marks={**batch.marks, **marks}), Electrolysis(**of_cell, marks=marks)


def alloy_mol_m3(water_ratio: Array | float) -> Array | float:
    """Return the formula units of the alloy dissolved in a cubic metre of liquor, by water for each kg of magnets."""
    return 1000 / (water_ratio * molar_mass_kg("Nd2Fe14B(s)"))


def point(**given: object) -> Point:
    """Return the central conditions of the cell; `given` replaces what it names."""
    central = conditions()
    values: dict[str, object] = {one.name: central[one.name] for one in fields(Point) if one.name in central}
    values["alloy_mol_m3"] = alloy_mol_m3(central["water_ratio"])
    return Point(**values | given)  # type: ignore[arg-type]


@cache
def diffusivities() -> Mapping[str, float]:
    """Return the diffusivities of the ions at infinite dilution, m²/s."""
    table = tables.read("diffusivities")
    return dict(zip(table["species"], tables.in_unit(table, "m**2/s"), strict=True))


def ions(names: Sequence[str], mobility: float = 1.0) -> list[Ion]:
    """Return ions with their diffusivities, or a part of them."""
    return [Ion(name, mobility * diffusivities()[name]) for name in names]


def _equilibrium(formed: str) -> tuple[Reaction, float]:
    """Return the reaction that `aqueous_equilibria` lists for a species, and ln of its constant."""
    laws = tables.read("aqueous_equilibria").set_index("formed")
    return Reaction.read(formed, str(laws["equation"][formed])), float(laws["value"][formed]) * math.log(10)


@cache
def association(formed: str) -> MassAction:
    """Return the reaction that forms a species from H+ and a base, with its rate, written as the acid's dissociation.

    `formed` is the species under which `aqueous_equilibria` and `solution_rates` list it.
    """
    rates = tables.read("solution_rates").set_index("formed")
    rate = float(tables.in_unit(rates.loc[[formed]], "m**3/mol/s").iloc[0])
    reaction, ln_constant = _equilibrium(formed)
    if reaction.coefficients["H+(aq)"] > 0:  # the acid stands on the left
        return MassAction(reaction, ln_constant, rate)
    return MassAction(reaction.reversed(), -ln_constant, rate)


@cache
def solid(formed: str) -> Solid:
    """Return a solid with its solubility."""
    return Solid(*_equilibrium(formed))


@cache
def alloy_potential_v(reaction: str) -> float:
    """Return the standard potential of the alloy for one of its half reactions, V.

    By those of the elements that dissolve, and the enthalpy of formation of the alloy in place of its Gibbs energy,
    which is not known.
    """
    table = tables.read("thermo_constants").query("species == 'Nd2Fe14B(s)' and quantity == 'enthalpy of formation'")
    formation_j = float(tables.in_unit(table, "J/mol").iloc[0])
    dissolving = ("anode_Nd",) if reaction == "anode_selective" else tuple(ALLOY)
    free = sum(
        ALLOY[each] * float(reactions()[each].electrons()) * figures()[each, "standard potential"]
        for each in dissolving
    )
    return (free - formation_j / FARADAY_C_PER_MOL) / float(reactions()[reaction].electrons())


@cache
def figures(bound: str = "central") -> Mapping[tuple[str, str], float]:
    """Return the figures of the half reactions at an end of their ranges, by reaction and quantity."""
    rows = tables.read("half_reactions").query("bound == @bound")
    return dict(zip(zip(rows["reaction"], rows["quantity"], strict=True), rows["value"], strict=True))


def half_reaction(name: str) -> HalfReaction:
    """Return a half reaction with central kinetics, by the branch that runs here alone."""
    known, reaction = figures(), reactions()[name]
    source = "anode_alloy_boron" if name == "anode_selective" else name  # nothing is known of the former by itself
    branch = Branch(known[source, "transfer coefficient"], {FIRST_ORDER[name]: 1.0} if name in FIRST_ORDER else {})
    alloy = name in ("anode_alloy_boron", "anode_selective")
    potential = alloy_potential_v(name) if alloy else known[name, "standard potential"]
    anodic, cathodic = (branch, None) if reaction.electrons() > 0 else (None, branch)
    current = known[source, "exchange current density"]
    if name == "anode_alloy_boron":  # its figure is given at the potential of iron, which is the last to dissolve
        below = potential - known["anode_Fe", "standard potential"]
        current *= math.exp(branch.transfer * below / THERMAL_VOLTAGE_V)
    return HalfReaction(reaction, potential, current, anodic, cathodic)


def liquor(at: Point) -> dict[str, float]:
    """Return the liquor of the cell, mol/m³: what is dissolved, its acid, the support, and the anions they take."""
    acid = 1000 * 10**-at.ph
    cations = {"H+(aq)": acid, "OH-(aq)": 1e-8 / acid, "NH4+(aq)": at.support_mol_m3}
    cations["Nd+3(aq)"] = 2 * at.alloy_mol_m3
    if not at.selective:
        cations["Fe+2(aq)"] = 14 * at.alloy_mol_m3
    charge = sum(species(name).charge * amount for name, amount in cations.items())
    if not at.sulfate:
        return cations | {"Cl-(aq)": charge}
    bound = acid / 1000 * math.exp(-association("HSO4-(aq)").ln_constant)  # bisulfate for each sulfate
    sulfate = charge / (2 + bound)
    return cations | {"SO4-2(aq)": sulfate, "HSO4-(aq)": bound * sulfate}


def setup(at: Point) -> Setup:
    """Return the cell at a point; hydrogen forms at both electrodes, iron and oxygen where they can."""
    solution = liquor(at)
    acids = ["OH-(aq)"] + (["HSO4-(aq)"] if at.sulfate else [])
    dissolving = "anode_selective" if at.selective else "anode_alloy_boron"
    anode = [dissolving, "cathode_hydrogen", "anode_oxygen"]
    cathode = ["cathode_hydrogen", "cathode_water"] + ([] if at.selective else ["cathode_iron"])
    return Setup(
        ions(list(solution), at.mobility),
        solution,
        [association(name) for name in acids],
        [half_reaction(name) for name in anode],
        [half_reaction(name) for name in cathode],
        at.layer_m,
        at.gap_m,
    )


def run(at: Point) -> Operation:
    """Return the cell as it runs at a point."""
    return operate(setup(at), at.current_density_a_m2)


def current_by_ion(at: Point, membrane_charge_mol_m3: float | None = None) -> dict[str, float]:
    """Return the part of the current through a membrane that each ion carries from the liquor of the magnet.

    The catholyte is ammonium chloride, half of what the cell is fed with, and a diffusion layer lies on either side.
    The charge of the membrane is the central one unless given.
    """
    central = conditions()
    charge = central["membrane_charge_mol_m3"] if membrane_charge_mol_m3 is None else membrane_charge_mol_m3
    anolyte = liquor(at)
    salt = ELECTRONS * at.alloy_mol_m3 / 2
    catholyte = dict.fromkeys(anolyte, 0.0) | {"NH4+(aq)": salt, "Cl-(aq)": salt, "H+(aq)": 1e-4, "OH-(aq)": 1e-4}
    layer = grids.graded_both(at.layer_m, MEMBRANE_INTERVALS, FINEST_PART * at.layer_m)
    thickness = central["membrane_m"]
    membrane = at.layer_m + grids.graded_both(thickness, MEMBRANE_INTERVALS, FINEST_PART * thickness)
    grid = np.concatenate([layer[:-1], membrane[:-1], membrane[-1] + layer])
    nodes, intervals = grids.within(grid, float(membrane[0]), float(membrane[-1]))
    cell = Cell(
        ions(list(anolyte), at.mobility),
        grid,
        Bulk(anolyte, current_a_m2=at.current_density_a_m2),
        Bulk(catholyte),
        reactions=[association("OH-(aq)")],
        fixed_charge_mol_m3=charge * nodes,
        mobility=1 - (1 - central["membrane_mobility"]) * intervals,
    )
    entering = inflow_mol_m2_s(steady(start(cell, catholyte)))[0]
    shares = FARADAY_C_PER_MOL * cell.charges * entering / at.current_density_a_m2
    return dict(zip(cell.names, shares.tolist(), strict=True))
