"""At which voltage does the cell run, by algebra alone?

The surrogate of `electrolysis.run`: each layer is a single interval of the solver, in the field that the liquor has,
and water is at rest where it meets the electrode. It holds for chloride. Each input may be an array, so that a
thousand cells take as long as one; a page works it out in its own script, `book/_assets/controls.js`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np

from magnetflow.arrays import Array
from magnetflow.recovery.cell.model import thermal_voltage_v
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL as F
from magnetflow.studies.neo_cycle.cell import electrolysis
from magnetflow.studies.neo_cycle.cell.electrolysis import Point

VOLTS = thermal_voltage_v()
ROUNDS = 45  # of bisection, to less than a picovolt
LOWEST_V, HIGHEST_V = -4.0, 2.0
ELECTRONS = 37.0  # of a formula unit, boron included
PROTONS_OF_BORON = 3.0
NAMES = ("anode_alloy_boron", "cathode_hydrogen", "cathode_water", "cathode_iron")


class Quick(NamedTuple):
    """A cell by algebra: each of the shape of the inputs."""

    voltage_v: Array
    gap_v: Array
    dissolving: Array  # share of the current; above 1 where acid helps
    plating: Array  # share of the current that lays down iron
    surface_ph: Array
    saturation: Array  # decades by which a hydroxide exceeds its solubility before the cathode


def inputs(at: Point) -> dict[str, float]:
    """Return what the surrogate needs of a point, kinetics and constants included, by short names."""
    told = {
        "current": at.current_density_a_m2,
        "gap": at.gap_m,
        "layer": at.layer_m,
        "ph": at.ph,
        "alloy": at.alloy_mol_m3,
        "support": at.support_mol_m3,
        "mobility": at.mobility,
    }
    for short, name in zip(("a", "h", "w", "f"), NAMES, strict=True):
        half = electrolysis.half_reaction(name)
        branch = half.anodic or half.cathodic
        assert branch is not None
        told |= {f"i_{short}": half.exchange_current_a_m2, f"t_{short}": branch.transfer}
        told[f"e_{short}"] = half.standard_potential_v
    return told


@cache
def constants() -> dict[str, float]:
    """Return the constants that no slider moves: thermal voltage, diffusivities, water, solubilities."""
    names = {"H": "H+(aq)", "O": "OH-(aq)", "N": "Nd+3(aq)", "F": "Fe+2(aq)", "A": "NH4+(aq)", "C": "Cl-(aq)"}
    diffusivities = electrolysis.diffusivities()
    told = {f"D_{short}": diffusivities[name] for short, name in names.items()}
    water = electrolysis.association("OH-(aq)")
    told |= {"F": F, "U": VOLTS, "kw": water.forward_rate / water.backward_rate}
    for short, name in zip(("sn", "sf"), electrolysis.HYDROXIDES, strict=True):
        told[short] = electrolysis.solid(name).ln_solubility
    return told


def quick(given: Mapping[str, float | Array]) -> Quick:
    """Return the cell at inputs by their short names, see `inputs`; each a number or an array."""
    k = constants()
    x: dict[str, Array] = {name: np.asarray(value, float) for name, value in given.items()}
    acid = 1000 * 10.0 ** -x["ph"]
    iron, neodymium = 14 * x["alloy"], 2 * x["alloy"]
    chloride = acid + 3 * neodymium + 2 * iron + x["support"]
    mobile = {  # z² D c of each ion
        "H": k["D_H"] * acid,
        "N": 9 * k["D_N"] * neodymium,
        "F": 4 * k["D_F"] * iron,
        "A": k["D_A"] * x["support"],
        "C": k["D_C"] * chloride,
    }
    total = sum(mobile.values())
    conductivity = F / k["U"] * x["mobility"] * total
    current = x["current"]
    # What a mole in a m³ lets pass over the layer, as A/m²: with the field, and against it.
    field = current * x["layer"] / (conductivity * k["U"])  # drop over a layer, in thermal voltages
    spread = F * x["mobility"] / x["layer"]
    with_h, against_h = (spread * k["D_H"] * each for each in _weights(field))
    with_o = spread * k["D_O"] * _weights(field)[0]
    with_f, against_f = (2 * spread * k["D_F"] * each for each in _weights(2 * field))

    def hydrogen(volts: Array) -> Array:
        return x["i_h"] / 1000 * np.exp(-x["t_h"] / k["U"] * (volts - x["e_h"]))

    def at_cathode(volts: Array) -> tuple[Array, Array, Array]:
        rate, water = hydrogen(volts), x["i_w"] * np.exp(-x["t_w"] / k["U"] * (volts - x["e_w"]))
        # Protons that arrive, less hydroxide that leaves, meet both reactions; at the surface h · oh = Kw.
        slope, short = rate + against_h, water - with_h * acid
        root = np.sqrt(short**2 + 4 * slope * with_o * k["kw"])
        basic = 2 * with_o * k["kw"] / np.where(short > 0, short + root, root)  # the same root, without cancelling
        surface = np.where(short > 0, basic, (root - short) / (2 * slope))
        plating = x["i_f"] / 1000 * np.exp(-x["t_f"] / k["U"] * (volts - x["e_f"]))
        left = with_f * iron / (against_f + plating)
        return rate * surface + water + plating * left, surface, left

    def at_anode(volts: Array) -> tuple[Array, Array]:
        rate = hydrogen(volts)
        arriving = against_h * acid + current * PROTONS_OF_BORON / ELECTRONS
        own = rate * arriving / (with_h + rate)
        dissolving = x["i_a"] * np.exp(x["t_a"] / k["U"] * (volts - x["e_a"]))
        return dissolving - own, dissolving

    cathode = _found(lambda volts: current - at_cathode(volts)[0])
    anode = _found(lambda volts: at_anode(volts)[0] - current)
    _, surface, left = at_cathode(cathode)
    enriched = np.exp(3 * field)  # of neodymium, which does not react
    saturations = (
        np.log(neodymium * enriched / 1000) - 3 * np.log(surface / 1000) - k["sn"],
        np.log(left / 1000) - 2 * np.log(surface / 1000) - k["sf"],
    )
    gap = current * x["gap"] / conductivity  # the layers conduct as the rest does
    return Quick(
        anode - cathode + gap,
        gap,
        at_anode(anode)[1] / current,
        x["i_f"] / 1000 * np.exp(-x["t_f"] / k["U"] * (cathode - x["e_f"])) * left / current,
        3 - np.log10(surface),
        np.maximum(*saturations) / math.log(10),
    )


def _weights(field: Array) -> tuple[Array, Array]:
    """Return Bernoulli's function for ions that go with the field, and for those that come back against it."""
    against = field / np.expm1(field)
    return against + field, against


def _found(excess: Callable[[Array], Array]) -> Array:
    """Return the potential at which an excess that grows with it is nil, by bisection, for every cell at once."""
    low = np.full(np.shape(excess(np.asarray(0.0))), LOWEST_V)
    high = np.full_like(low, HIGHEST_V)
    with np.errstate(over="ignore"):
        for _ in range(ROUNDS):
            middle = (low + high) / 2
            above = excess(middle) > 0
            low, high = np.where(above, low, middle), np.where(above, middle, high)
    return (low + high) / 2
