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
from magnetflow.recovery.cell.kinetics import STANDARD_MOL_M3, THERMAL_VOLTAGE_V
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL as F
from magnetflow.studies.neo_cycle.cell import electrolysis
from magnetflow.studies.neo_cycle.cell.electrolysis import ELECTRONS, Point

ROUNDS = 45  # of bisection, to less than a picovolt
LOWEST_V, HIGHEST_V = -4.0, 2.0
PROTONS_OF_BORON = 3.0
OF_POINT = {
    "current": "current_density_a_m2",
    "gap": "gap_m",
    "layer": "layer_m",
    "ph": "ph",
    "alloy": "alloy_mol_m3",
    "support": "support_mol_m3",
    "mobility": "mobility",
}  # conditions of a point by their short names
HALF_REACTIONS = {
    "a": "anode_alloy_boron",
    "h": "cathode_hydrogen",
    "w": "cathode_water",
    "f": "cathode_iron",
}  # by the letter that ends the short names of their kinetics


class Quick(NamedTuple):
    """A cell by algebra: each of the shape of the inputs."""

    voltage_v: Array
    gap_v: Array
    dissolving: Array  # share of the current; above 1 where acid helps
    plating: Array  # share of the current that plates iron
    surface_ph: Array
    saturation: Array  # decades by which a hydroxide exceeds its solubility before the cathode


class _Layer(NamedTuple):
    """The liquor, mol/m³, and what a mole of an ion in a m³ passes over a diffusion layer, as A/m²."""

    protons: Array
    neodymium: Array
    iron: Array
    conductivity_s_m: Array
    field: Array  # drop over a layer, in thermal voltages
    with_h: Array  # protons with the field, towards the cathode
    against_h: Array
    with_oh: Array  # hydroxide, away from the cathode
    with_fe: Array
    against_fe: Array


class _Cathode(NamedTuple):
    """A cathode at a potential: its current, and the ions at its surface, mol/m³."""

    current: Array
    plating: Array  # current that plates iron, A/m²
    protons: Array
    iron: Array


def inputs(at: Point) -> dict[str, float]:
    """Return what the surrogate needs of a point, kinetics included, by short names."""
    values: dict[str, float] = {short: getattr(at, name) for short, name in OF_POINT.items()}
    for letter, name in HALF_REACTIONS.items():
        half = electrolysis.half_reaction(name)
        branch = half.anodic or half.cathodic
        assert branch is not None
        values[f"i_{letter}"] = half.exchange_current_a_m2
        values[f"t_{letter}"] = branch.transfer
        values[f"e_{letter}"] = half.standard_potential_v
    return values


@cache
def constants() -> dict[str, float]:
    """Return the constants that no slider moves: thermal voltage, diffusivities, water, solubilities."""
    letters = {"H": "H+(aq)", "O": "OH-(aq)", "N": "Nd+3(aq)", "F": "Fe+2(aq)", "A": "NH4+(aq)", "C": "Cl-(aq)"}
    values = {f"D_{letter}": electrolysis.diffusivities()[name] for letter, name in letters.items()}
    water = electrolysis.association("OH-(aq)")
    values |= {"F": F, "U": THERMAL_VOLTAGE_V, "kw": water.forward_rate / water.backward_rate}
    for short, name in zip(("sn", "sf"), electrolysis.HYDROXIDES, strict=True):
        values[short] = electrolysis.solid(name).ln_solubility
    return values


def quick(given: Mapping[str, float | Array]) -> Quick:
    """Return the cell at inputs by their short names, see `inputs`; numbers, or arrays of one shape."""
    x: dict[str, Array] = {name: np.asarray(value, float) for name, value in given.items()}
    current, layer = x["current"], _layer(x)
    cathode_v = _root(lambda volts: current - _cathode(x, layer, volts).current)
    anode_v = _root(lambda volts: _anode_current(x, layer, volts) - current)
    cathode = _cathode(x, layer, cathode_v)
    gap = current * x["gap"] / layer.conductivity_s_m  # the layers conduct as the rest does
    return Quick(
        voltage_v=anode_v - cathode_v + gap,
        gap_v=gap,
        dissolving=_tafel(x, "a", 1, anode_v) / current,
        plating=cathode.plating / current,
        surface_ph=3 - np.log10(cathode.protons),
        saturation=_saturation(layer, cathode),
    )


def _layer(x: Mapping[str, Array]) -> _Layer:
    """Return the liquor, and Goldman's fluxes over a layer of it in the field of its current."""
    k = constants()
    protons = 1000 * 10.0 ** -x["ph"]
    iron, neodymium = 14 * x["alloy"], 2 * x["alloy"]
    chloride = protons + 3 * neodymium + 2 * iron + x["support"]
    mobile = k["D_H"] * protons + 9 * k["D_N"] * neodymium + 4 * k["D_F"] * iron  # sum of z² D c
    mobile = mobile + k["D_A"] * x["support"] + k["D_C"] * chloride
    conductivity = F / k["U"] * x["mobility"] * mobile
    field = x["current"] * x["layer"] / (conductivity * k["U"])
    spread = F * x["mobility"] / x["layer"]
    single, double = field / np.expm1(field), 2 * field / np.expm1(2 * field)  # Bernoulli's function, by charge
    return _Layer(
        protons,
        neodymium,
        iron,
        conductivity,
        field,
        with_h=spread * k["D_H"] * (single + field),
        against_h=spread * k["D_H"] * single,
        with_oh=spread * k["D_O"] * (single + field),
        with_fe=2 * spread * k["D_F"] * (double + 2 * field),
        against_fe=2 * spread * k["D_F"] * double,
    )


def _tafel(x: Mapping[str, Array], letter: str, sign: int, volts: Array) -> Array:
    """Return the current of a half reaction by Tafel's law, A/m², anodic (1) or cathodic (-1), ions at c°."""
    overvoltage = volts - x[f"e_{letter}"]
    return np.asarray(x[f"i_{letter}"] * np.exp(sign * x[f"t_{letter}"] / THERMAL_VOLTAGE_V * overvoltage))


def _cathode(x: Mapping[str, Array], layer: _Layer, volts: Array) -> _Cathode:
    """Return the cathode at a potential.

    Protons that arrive, less hydroxide that leaves, meet hydrogen from protons and from water; with h · oh = Kw at
    the surface that is a quadratic equation for h.
    """
    by_proton, water = _tafel(x, "h", -1, volts) / STANDARD_MOL_M3, _tafel(x, "w", -1, volts)
    ionised = layer.with_oh * constants()["kw"]
    slope, excess = by_proton + layer.against_h, water - layer.with_h * layer.protons
    root = np.sqrt(excess**2 + 4 * slope * ionised)
    basic = 2 * ionised / np.where(excess > 0, excess + root, root)  # the same root, without cancelling
    protons = np.where(excess > 0, basic, (root - excess) / (2 * slope))
    by_iron = _tafel(x, "f", -1, volts) / STANDARD_MOL_M3
    iron = layer.with_fe * layer.iron / (layer.against_fe + by_iron)
    return _Cathode(by_proton * protons + water + by_iron * iron, by_iron * iron, protons, iron)


def _anode_current(x: Mapping[str, Array], layer: _Layer, volts: Array) -> Array:
    """Return the current of the magnet at a potential: what dissolves it, less hydrogen that forms on it."""
    by_proton = _tafel(x, "h", -1, volts) / STANDARD_MOL_M3
    arriving = layer.against_h * layer.protons + x["current"] * PROTONS_OF_BORON / ELECTRONS
    return _tafel(x, "a", 1, volts) - by_proton * arriving / (layer.with_h + by_proton)


def _saturation(layer: _Layer, cathode: _Cathode) -> Array:
    """Return by how many decades the less soluble of the two hydroxides exceeds its solubility at the cathode."""
    k, neodymium = constants(), layer.neodymium * np.exp(3 * layer.field)  # enriched, as it does not react
    ln_protons = np.log(cathode.protons / STANDARD_MOL_M3)
    of_neodymium = np.log(neodymium / STANDARD_MOL_M3) - 3 * ln_protons - k["sn"]
    of_iron = np.log(cathode.iron / STANDARD_MOL_M3) - 2 * ln_protons - k["sf"]
    return np.asarray(np.maximum(of_neodymium, of_iron) / math.log(10))


def _root(excess: Callable[[Array], Array]) -> Array:
    """Return the potential at which an excess that grows with it is zero, by bisection, for every cell at once."""
    low = np.full(np.shape(excess(np.asarray(0.0))), LOWEST_V)
    high = np.full_like(low, HIGHEST_V)
    with np.errstate(over="ignore"):
        for _ in range(ROUNDS):
            middle = (low + high) / 2
            above = excess(middle) > 0
            low, high = np.where(above, low, middle), np.where(above, middle, high)
    return (low + high) / 2
