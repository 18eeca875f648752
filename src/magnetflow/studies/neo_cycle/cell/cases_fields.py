"""Does the numerical cell give potentials and fluxes that are known: double layers, membranes, junctions?

Each case is worked out on any grid, and returns the model's figure, the known one and the error it is judged by.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.constants import epsilon_0

from magnetflow.recovery.cell import closed_forms, grids
from magnetflow.recovery.cell.model import WATER_PERMITTIVITY, Bulk, Cell, Wall
from magnetflow.recovery.cell.state import State, start
from magnetflow.recovery.cell.steady import inflow_mol_m2_s, steady
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL as F
from magnetflow.studies.neo_cycle.cell.case import CL, FE, NA, ND, VOLTS, Case, Checked, H, K, layer_grid, relative
from magnetflow.studies.neo_cycle.cell.electrolysis import diffusivities, ions

SALT = {K: 10.0, CL: 10.0}


def closed_length() -> float:
    """Return the Debye length of the salt of these cases, m."""
    return closed_forms.debye_length_m(SALT, WATER_PERMITTIVITY, VOLTS)


def double_layer(wall_v: float, intervals: int) -> State:
    """Return a salt of single charges before a wall, graded towards it."""
    grid = layer_grid(14 * closed_length(), intervals, 30)
    cell = Cell(ions([K, CL]), grid, Wall(potential_v=wall_v), Bulk(SALT), neutral=False)
    return steady(start(cell, SALT))


def gouy_chapman(wall_v: float) -> Callable[[int], Checked]:
    """Return the case of a wall at a potential; its figure is the potential a Debye length away."""

    def work(intervals: int) -> Checked:
        state = double_layer(wall_v, intervals)
        known = closed_forms.gouy_chapman_v(state.cell.grid_m, wall_v, closed_length(), VOLTS)
        at = int(np.abs(state.cell.grid_m - closed_length()).argmin())
        error = np.abs(state.potential_v - known).max() / wall_v
        return Checked(1000 * float(state.potential_v[at]), 1000 * float(known[at]), float(error))

    return work


def grahame(intervals: int) -> Checked:
    """A wall that bears a charge: its potential, by the law of Grahame."""
    charge, length = 0.02, 14 * closed_length()
    cell = Cell(ions([K, CL]), layer_grid(length, intervals, 30), Wall(charge_c_m2=charge), Bulk(SALT), neutral=False)
    known = closed_forms.grahame_v(charge, 10.0, WATER_PERMITTIVITY, VOLTS)
    return relative(1000 * float(steady(start(cell, SALT)).potential_v[0]), 1000 * known)


def debye_length(intervals: int) -> Checked:
    """By a wall at a small potential: its charge over that of a field falling in one Debye length."""
    wall_v = 1e-5
    state = double_layer(wall_v, intervals)
    cell = state.cell
    charge = -F * float(cell.charges @ state.concentrations @ cell.boxes_m)
    return relative(1e9 * WATER_PERMITTIVITY * epsilon_0 * wall_v / charge, 1e9 * closed_length())


def three_to_one(intervals: int) -> Checked:
    """NdCl3 before a wall of -50 mV: places at which the potential has fallen, against a sum over the field."""
    solution = {ND: 10.0, CL: 30.0}
    length, wall_v = closed_forms.debye_length_m(solution, WATER_PERMITTIVITY, VOLTS), -0.05
    grid = layer_grid(14 * length, intervals, 30)
    cell = Cell(ions([ND, CL]), grid, Wall(potential_v=wall_v), Bulk(solution), neutral=False)
    state = steady(start(cell, solution))
    wanted = wall_v * np.array([0.8, 0.5, 0.2, 0.05])
    known = [closed_forms.poisson_boltzmann_m(float(v), wall_v, solution, WATER_PERMITTIVITY, VOLTS) for v in wanted]
    model = np.interp(wanted, state.potential_v, grid)
    error = np.abs(np.interp(known, grid, state.potential_v) - wanted).max() / abs(wall_v)
    return Checked(1e9 * float(model[1]), 1e9 * known[1], float(error))


def goldman_flux(_: int) -> Checked:
    """The flux over a single interval, for charges and drops of all kinds: the same to the last digits."""
    worst, shown = 0.0, (0.0, 0.0)
    for name, charge in ((CL, -1), (K, 1), (FE, 2), (ND, 3)):
        for drop_v in (-0.3, -0.01, 1e-9, 0.05, 0.6):
            cell = Cell(
                ions([name, CL if charge > 0 else K]),
                grids.even(5e-9, 1),
                Bulk({name: 140.0}, drop_v),
                Bulk({name: 5.0}, 0.0),
                neutral=False,
            )
            model = float(inflow_mol_m2_s(steady(start(cell, {name: 20.0})))[0][0])
            known = closed_forms.goldman_flux_mol_m2_s(
                charge, diffusivities()[name] / 5e-9, 140.0, 5.0, drop_v, VOLTS
            )
            error = abs(model - known) / (abs(known) + diffusivities()[name] / 5e-9 * 1e-3)
            worst, shown = max(worst, error), (model, known)
    return Checked(*shown, worst)


def goldman_potential(_: int) -> Checked:
    """The potential over a single interval at which three ions carry no current."""
    left, right = {K: 5.0, NA: 145.0, CL: 150.0}, {K: 140.0, NA: 10.0, CL: 150.0}
    cell = Cell(ions([K, NA, CL]), grids.even(5e-9, 1), Bulk(left), Bulk(right, current_a_m2=0.0))
    model = float(steady(start(cell, left)).potential_v[-1])
    known = closed_forms.goldman_potential_v(
        {name: diffusivities()[name] for name in (K, NA, CL)}, left, right, VOLTS
    )
    return relative(1000 * model, 1000 * known)


def junction(left: dict[str, float], right: dict[str, float], known_v: float) -> Callable[[int], Checked]:
    """Return the case of a potential between two solutions that meet and carry no current."""

    def work(intervals: int) -> Checked:
        names = sorted({*left, *right})
        cell = Cell(ions(names), grids.even(1e-5, intervals), Bulk(left), Bulk(right, current_a_m2=0.0))
        model = float(steady(start(cell, left)).potential_v[-1])
        return relative(1000 * model, 1000 * known_v)

    return work


def strengths() -> Case:
    """Return the case of two strengths of one salt."""
    known = closed_forms.binary_junction_v((1, diffusivities()[H]), (-1, diffusivities()[CL]), 100.0, 10.0, VOLTS)
    work = junction({H: 100.0, CL: 100.0}, {H: 10.0, CL: 10.0}, known)
    law = "(t₊/z₊ + t₋/z₋) RT/F ln(c₁/c₂)"
    return Case("junction of strengths", "HCl of 100 and 10 mol/m³", law, "mV", work, (25, 50, 100, 200), 1e-4, 1.9)


def salts() -> Case:
    """Return the case of two salts of one strength."""
    mobile = [diffusivities()[name] + diffusivities()[CL] for name in (H, K)]
    known = closed_forms.lewis_sargent_v(mobile[0], mobile[1], VOLTS)
    work = junction({H: 100.0, CL: 100.0}, {K: 100.0, CL: 100.0}, known)
    law = "Lewis and Sargent"
    return Case("junction of salts", "HCl and KCl of 100 mol/m³", law, "mV", work, (25, 50, 100, 200), 1e-11)


def donnan(intervals: int, neutral: bool) -> Checked:
    """A membrane with a fixed charge between two like solutions: the potential in its middle."""
    bound, third = -500.0, 10e-6 if neutral else 30e-9
    grid = grids.even(3 * third, intervals)
    nodes, _ = grids.within(grid, third, 2 * third)
    cell = Cell(ions([K, CL]), grid, Bulk(SALT), Bulk(SALT), neutral, fixed_charge_mol_m3=bound * nodes)
    model = float(steady(start(cell, SALT)).potential_v[intervals // 2])
    return relative(1000 * model, 1000 * closed_forms.donnan_v(bound, 10.0, VOLTS))


def poisson_or_neutral(intervals: int) -> Checked:
    """Two strengths of HCl that meet over two micrometres: the potential with Poisson's equation and without."""
    strong, weak = {H: 100.0, CL: 100.0}, {H: 10.0, CL: 10.0}
    ends = []
    for neutral in (False, True):
        cell = Cell(
            ions([H, CL]), grids.even(2e-6, intervals), Bulk(strong), Bulk(weak, current_a_m2=0.0), neutral=neutral
        )
        ends.append(float(steady(start(cell, strong)).potential_v[-1]))
    return relative(1000 * ends[0], 1000 * ends[1])


def manufactured(intervals: int, neutral: bool) -> Checked:
    """Sines of concentration and potential on a graded grid; sources by the flux of the chosen profiles.

    The length is ten Debye lengths, so that all terms of Poisson's equation weigh alike.
    """
    length = 30e-9
    grid = grids.graded(length, intervals, length / intervals / 3)
    s = np.pi * grid / length
    k = np.pi / length
    cation, anion = ions([K, CL])
    # c = 10 + 3 sin, 10 + b sin, phi = 0.7 sin(2 s) in thermal voltages: all at rest with the ends.
    share = 3.0 if neutral else -2.0
    sources = []
    for ion, size in ((cation, 3.0), (anion, share)):
        c, c1, c2 = 10 + size * np.sin(s), size * k * np.cos(s), -size * k**2 * np.sin(s)
        p1, p2 = 1.4 * k * np.cos(2 * s), -2.8 * k**2 * np.sin(2 * s)
        sources.append(-ion.diffusivity_m2_s * (c2 + ion.charge * (c1 * p1 + c * p2)))
    chosen = np.array([10 + 3 * np.sin(s), 10 + share * np.sin(s)])
    bound = -(chosen[0] - chosen[1])
    if not neutral:
        bound = bound - WATER_PERMITTIVITY * epsilon_0 * VOLTS / F * (-2.8 * k**2 * np.sin(2 * s))
    cell = Cell(
        [cation, anion], grid, Bulk(SALT), Bulk(SALT), neutral=neutral,
        fixed_charge_mol_m3=bound, source_mol_m3_s=np.array(sources),
    )  # fmt: skip
    state = steady(start(cell, chosen))
    error = max(
        np.abs(state.concentrations - chosen).max() / 10,
        np.abs(state.potential_v / VOLTS - 0.7 * np.sin(2 * s)).max(),
    )
    return Checked(float(state.concentrations[0].max()), 13.0, float(error))
