"""What does the numerical cell give, and what is known, in each case whose answer is known beforehand?

Each function works a case out on a grid of so many intervals, and returns the model's figure, the known one and the
error it is judged by. First potentials and fluxes (double layers, membranes, junctions), then currents and courses in
time (limits, electrodes, fronts), then profiles chosen beforehand. Potentials are V, concentrations mol/m³.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.integrate import quad
from scipy.special import erf, erfinv

from magnetflow.arrays import Vector
from magnetflow.recovery.cell import closed_forms, grids
from magnetflow.recovery.cell.kinetics import THERMAL_VOLTAGE_V as VOLTS
from magnetflow.recovery.cell.kinetics import HalfReaction, Solid
from magnetflow.recovery.cell.model import (
    PERMITTIVITY_F_M,
    Bulk,
    Cell,
    Electrode,
    Inflow,
    Ion,
    Wall,
    debye_length_m,
)
from magnetflow.recovery.cell.state import State, start
from magnetflow.recovery.cell.steady import current_a_m2, inflow_mol_m2_s, steady
from magnetflow.recovery.cell.transient import run
from magnetflow.recovery.chemistry.reactions import Reaction, reactions
from magnetflow.recovery.chemistry.species import species
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL as F
from magnetflow.studies.neo_cycle.cell.electrolysis import diffusivities, figures, ions

K, NA, CL, ND, H, OH, FE = (f"{ion}(aq)" for ion in ("K+", "Na+", "Cl-", "Nd+3", "H+", "OH-", "Fe+2"))
SALT = {K: 10.0, CL: 10.0}
STRONG, WEAK = {H: 100.0, CL: 100.0}, {H: 10.0, CL: 10.0}
NDCL3 = {ND: 100.0, CL: 300.0}
FAST_A_M2 = 1e5  # an exchange current that costs next to nothing
FINER = 300.0  # times finer than an even grid before an electrode at which an ion runs out
STEP_ERROR = 2.0  # of a step of time, times the square of the intervals
EMPTY = 1e-6  # part of the liquor that is left of an ion when it counts as run out


class Checked(NamedTuple):
    """The model's figure, the known one, and the error of the case."""

    model: float
    known: float
    error: float


def relative(model: float, known: float, scale: float = 1.0) -> Checked:
    """Return a figure with its relative error; the figures in a unit that is so many times smaller."""
    return Checked(scale * model, scale * known, abs(model / known - 1))


def layer_grid(length_m: float, intervals: int, finer: float) -> Vector:
    """Return a grid (intervals + 1,) whose first interval is so many times finer than an even one."""
    return grids.graded(length_m, intervals, length_m / intervals / finer)


def before_wall(wall: Wall, solution: Mapping[str, float], intervals: int) -> State:
    """Return a solution at rest before a wall, with Poisson's equation on fourteen Debye lengths."""
    grid = layer_grid(14 * debye_length_m(solution), intervals, 30)
    return steady(start(Cell(ions(list(solution)), grid, wall, Bulk(solution), neutral=False), solution))


def double_layer(wall_v: float, intervals: int) -> State:
    """Return a salt of single charges before a wall at a potential."""
    return before_wall(Wall(potential_v=wall_v), SALT, intervals)


def gouy_chapman(intervals: int, wall_v: float) -> Checked:
    """A wall at a potential; the figure is the potential a Debye length away."""
    state, debye_m = double_layer(wall_v, intervals), debye_length_m(SALT)
    known = closed_forms.gouy_chapman_v(state.cell.grid_m, wall_v, debye_m)
    at = int(np.abs(state.cell.grid_m - debye_m).argmin())
    error = np.abs(state.potential_v - known).max() / wall_v
    return Checked(1000 * float(state.potential_v[at]), 1000 * float(known[at]), float(error))


def debye_length(intervals: int) -> Checked:
    """By a wall at a small potential: its charge over that of a field falling in one Debye length."""
    wall_v = 1e-5
    state = double_layer(wall_v, intervals)
    charge = -F * float(state.cell.charges @ state.concentrations @ state.cell.boxes_m)
    return relative(PERMITTIVITY_F_M * wall_v / charge, debye_length_m(SALT), 1e9)


def grahame(intervals: int) -> Checked:
    """A wall that bears a charge: its potential, by the law of Grahame."""
    charge = 0.02
    state = before_wall(Wall(charge_c_m2=charge), SALT, intervals)
    known = 2 * VOLTS * np.arcsinh(charge / np.sqrt(8 * PERMITTIVITY_F_M * VOLTS * F * SALT[K]))
    return relative(float(state.potential_v[0]), known, 1000)


def three_to_one(intervals: int) -> Checked:
    """NdCl3 before a wall of -50 mV: places at which the potential has fallen, against a sum over the field.

    The field by its first integral is (dphi/dx)² = (2 RT / eps) sum c (exp(-z phi) - 1), phi in thermal voltages.
    """
    solution, wall_v = {ND: 10.0, CL: 30.0}, -0.05
    scale = 2 * F / (PERMITTIVITY_F_M * VOLTS)

    def per_field(phi: float) -> float:
        charges = sum(amount * np.expm1(-species(name).charge * phi) for name, amount in solution.items())
        return float(1 / np.sqrt(scale * charges))

    state = before_wall(Wall(potential_v=wall_v), solution, intervals)
    grid = state.cell.grid_m
    levels_v = wall_v * np.array([0.8, 0.5, 0.2, 0.05])
    known = [abs(quad(per_field, level / VOLTS, wall_v / VOLTS, epsrel=1e-11)[0]) for level in levels_v]
    model = np.interp(levels_v, state.potential_v, grid)
    error = np.abs(np.interp(known, grid, state.potential_v) - levels_v).max() / abs(wall_v)
    return Checked(1e9 * float(model[1]), 1e9 * known[1], float(error))


def goldman_flux(_: int) -> Checked:
    """The flux over a single interval, for charges and drops of all kinds: the same to the last digits.

    The field is the same everywhere (Hodgkin and Katz 1949).
    """
    length, left, right = 5e-9, 140.0, 5.0
    checked = []
    for name, charge in ((CL, -1), (K, 1), (FE, 2), (ND, 3)):
        permeability = diffusivities()[name] / length
        for drop_v in (-0.3, -0.01, 1e-9, 0.05, 0.6):
            pair = ions([name, CL if charge > 0 else K])
            sides = Bulk({name: left}, drop_v), Bulk({name: right}, 0.0)
            state = steady(start(Cell(pair, grids.even(length, 1), *sides, neutral=False), {name: 20.0}))
            model = float(inflow_mol_m2_s(state)[0][0])
            u = charge * drop_v / VOLTS
            known = permeability * u * (left - right * np.exp(-u)) / -np.expm1(-u)
            checked.append(Checked(model, known, abs(model - known) / (abs(known) + permeability * 1e-3)))
    return checked[-1]._replace(error=max(each.error for each in checked))


def junction_v(
    left: Mapping[str, float], right: Mapping[str, float], length_m: float, intervals: int, neutral: bool = True
) -> float:
    """Return the potential on the right less that on the left where two solutions meet and carry no current."""
    names, grid = sorted({*left, *right}), grids.even(length_m, intervals)
    cell = Cell(ions(names), grid, Bulk(left), Bulk(right, current_a_m2=0.0), neutral)
    return float(steady(start(cell, left)).potential_v[-1])


def goldman_potential(_: int) -> Checked:
    """The potential over a single interval at which three ions carry no current."""
    left, right = {K: 5.0, NA: 145.0, CL: 150.0}, {K: 140.0, NA: 10.0, CL: 150.0}
    d = diffusivities()
    ahead, back = (
        d[K] * one[K] + d[NA] * one[NA] + d[CL] * other[CL] for one, other in ((left, right), (right, left))
    )
    return relative(junction_v(left, right, 5e-9, 1), VOLTS * np.log(ahead / back), 1000)


def strengths(intervals: int) -> Checked:
    """Two strengths of one salt."""
    transport = closed_forms.binary_salt((1, diffusivities()[H]), (-1, diffusivities()[CL])).transport_number
    known = VOLTS * (2 * transport - 1) * np.log(STRONG[H] / WEAK[H])
    return relative(junction_v(STRONG, WEAK, 1e-5, intervals), known, 1000)


def salts(intervals: int) -> Checked:
    """Two salts of one strength with a common anion (Lewis and Sargent)."""
    left, right = (diffusivities()[cation] + diffusivities()[CL] for cation in (H, K))
    known = VOLTS * np.log(left / right)
    return relative(junction_v(STRONG, {K: 100.0, CL: 100.0}, 1e-5, intervals), known, 1000)


def poisson_or_neutral(intervals: int) -> Checked:
    """Two strengths of HCl that meet over two micrometres: the potential with Poisson's equation and without."""
    poisson, neutral = (junction_v(STRONG, WEAK, 2e-6, intervals, neutral) for neutral in (False, True))
    return relative(poisson, neutral, 1000)


def donnan(intervals: int, neutral: bool) -> Checked:
    """A membrane with a fixed charge between two like solutions: the potential in its middle."""
    fixed_charge, third = -500.0, 10e-6 if neutral else 30e-9
    grid = grids.even(3 * third, intervals)
    nodes, _ = grids.within(grid, third, 2 * third)
    cell = Cell(ions([K, CL]), grid, Bulk(SALT), Bulk(SALT), neutral, fixed_charge_mol_m3=fixed_charge * nodes)
    model = float(steady(start(cell, SALT)).potential_v[intervals // 2])
    return relative(model, VOLTS * np.arcsinh(fixed_charge / (2 * SALT[K])), 1000)


def limiting_film(intervals: int, support: float, other_charge: int | None) -> Checked:
    """A cation that reacts behind a layer, with so many moles of KCl for each mole of it."""
    solution = {NA: 10.0, K: 10.0 * support, CL: 10.0 * (1 + support)}
    reaction = HalfReaction.reversible(Reaction.read("plating", "Na(s) -> Na+(aq) + e-"), 0.0, FAST_A_M2)
    grid = grids.graded(50e-6, intervals, 5e-10)
    cell = Cell(ions([NA, K, CL]), grid, Electrode([reaction], potential_v=-0.6), Bulk(solution))
    known = closed_forms.limiting_current_a_m2(1, diffusivities()[NA], 10.0, 50e-6, other_charge)
    return relative(-current_a_m2(steady(start(cell, solution))), known)


def limiting_ndcl3(intervals: int) -> Checked:
    """NdCl3 between two neodymium electrodes far apart in potential; chloride cannot leave."""
    plating = HalfReaction.reversible(reactions()["anode_Nd"], figures()["anode_Nd", "standard potential"], FAST_A_M2)
    anode, cathode = (Electrode([plating], potential_v=volts) for volts in (0.5, 0.0))
    state = steady(start(Cell(ions([ND, CL]), grids.graded_both(100e-6, intervals, 1e-9), anode, cathode), NDCL3))
    known = closed_forms.limiting_current_a_m2(3, diffusivities()[ND], 100.0, 50e-6, -1)
    return relative(current_a_m2(state), known)


def sand(intervals: int, support: float) -> Checked:
    """Nd3+ that a current of 100 A/m² takes up until it runs out; so many moles of KCl for each mole of it."""
    amount, current = 50.0, 100.0
    solution = {ND: amount, CL: amount * (3 + support)} | ({K: amount * support} if support else {})
    salt = closed_forms.binary_salt((3, diffusivities()[ND]), (-1, diffusivities()[CL]))
    transport = (diffusivities()[ND],) if support else salt
    known = closed_forms.sand_time_s(current, 3, amount, *transport)
    grid = layer_grid(6 * float(np.sqrt(salt.diffusivity_m2_s * known)), intervals, FINER)
    course = run(
        start(Cell(ions(list(solution)), grid, Inflow({ND: -current / (3 * F)}), Bulk(solution)), solution),
        2 * known,
        tolerance=STEP_ERROR / intervals**2,
        until=lambda state: float(state.of(ND)[0]) - EMPTY * amount,
    )
    return relative(course[-1].time_s, known)


def cottrell(intervals: int) -> Checked:
    """A salt of two ions that leaves for ten seconds through a surface at which there is none of it."""
    time_s, amount = 10.0, SALT[K]
    diffusivity = closed_forms.binary_salt((1, diffusivities()[K]), (-1, diffusivities()[CL])).diffusivity_m2_s
    grid = layer_grid(6 * float(np.sqrt(diffusivity * time_s)), intervals, FINER)
    traces = {name: EMPTY * amount for name in SALT}
    cell = Cell(ions([K, CL]), grid, Bulk(traces, current_a_m2=0.0), Bulk(SALT))
    last = run(start(cell, SALT), time_s, tolerance=STEP_ERROR / intervals**2)[-1]
    return relative(-float(last.through_left[0]), 2 * amount * np.sqrt(diffusivity * time_s / np.pi))


def overvoltage(intervals: int, current: float) -> Checked:
    """Neodymium that dissolves into NdCl3: its potential, layer and kinetics included."""
    exchange, layer_m, bulk = 50.0, 20e-6, 0.1  # A/m², m, and c/c°
    slow = Electrode([HalfReaction.reversible(reactions()["anode_Nd"], 0.0, exchange)], current_a_m2=current)
    cell = Cell(ions([ND, CL]), grids.even(layer_m, intervals), slow, Bulk(NDCL3))
    limit = closed_forms.limiting_current_a_m2(3, diffusivities()[ND], NDCL3[ND], layer_m, -1)
    surface = bulk * (1 + current / limit)
    rest = np.log(surface) / 3  # by Nernst, at the surface
    kinetic = np.arcsinh(current / (2 * exchange * np.sqrt(surface))) / 1.5
    layer = np.log(surface / bulk)  # chloride is at rest, so it gives the potential
    return relative(steady(start(cell, NDCL3)).metal_v[0], VOLTS * (rest + kinetic + layer), 1000)


def front(intervals: int) -> Checked:
    """Caustic soda that meets iron chloride, all ions of one diffusivity: the solid after twenty seconds.

    Nothing of either passes the front at which they meet; both profiles are error functions, and at the front their
    fluxes are equal (Crank 1975, chapter 13).
    """
    diffusivity, time_s, left, right = 1e-9, 20.0, 50.0, 30.0
    soda, iron = {NA: 2 * left, OH: 2 * left}, {FE: right, CL: 2 * right}
    solid = Solid(Reaction.read("hydroxide", "Fe(OH)2(s) -> Fe+2(aq) + 2 OH-(aq)"), -16.31 * np.log(10))
    every = [Ion(name, diffusivity) for name in (NA, OH, FE, CL)]
    cell = Cell(every, grids.even(4e-4, intervals), Bulk(soda), Bulk(iron), solids=[solid])
    last = run(start(cell, iron), time_s, tolerance=1e-2)[-1]
    at = erfinv(left / (left + right))
    flux = left * np.sqrt(diffusivity / np.pi) * np.exp(-(at**2)) / erf(at)
    return relative(float(last.solids[0] @ cell.boxes_m), 2 * flux * np.sqrt(time_s))


def manufactured(intervals: int, neutral: bool) -> Checked:
    """Sines of concentration and potential on a graded grid; sources by the flux of the chosen profiles.

    c = 10 + a sin s for either ion and phi = 0.7 sin 2s in thermal voltages, with s = pi x / L, all at rest with the
    ends. The length is ten Debye lengths, so that all terms of Poisson's equation weigh alike.
    """
    length, amplitudes = 30e-9, (3.0, 3.0 if neutral else -2.0)
    grid = layer_grid(length, intervals, 3)
    s, k = np.pi * grid / length, np.pi / length
    potential, slope, curvature = 0.7 * np.sin(2 * s), 1.4 * k * np.cos(2 * s), -2.8 * k**2 * np.sin(2 * s)
    pair = ions([K, CL])
    chosen = np.array([10 + amplitude * np.sin(s) for amplitude in amplitudes])
    sources = [
        -ion.diffusivity_m2_s
        * (-amplitude * k**2 * np.sin(s) + ion.charge * (amplitude * k * np.cos(s) * slope + c * curvature))
        for ion, amplitude, c in zip(pair, amplitudes, chosen, strict=True)
    ]
    fixed_charge = chosen[1] - chosen[0]
    if not neutral:
        fixed_charge = fixed_charge - PERMITTIVITY_F_M * VOLTS / F * curvature
    cell = Cell(
        pair, grid, Bulk(SALT), Bulk(SALT), neutral,
        fixed_charge_mol_m3=fixed_charge, source_mol_m3_s=np.array(sources),
    )  # fmt: skip
    state = steady(start(cell, chosen))
    error = max(
        np.abs(state.concentrations - chosen).max() / 10,
        np.abs(state.potential_v / VOLTS - potential).max(),
    )
    return Checked(float(state.concentrations[0].max()), 13.0, float(error))
