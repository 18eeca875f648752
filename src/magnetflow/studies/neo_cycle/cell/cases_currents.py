"""Does the numerical cell give currents and courses that are known: limits, electrodes, fronts?

Each case is worked out on any grid, and returns the model's figure, the known one and the error it is judged by.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from magnetflow.recovery.cell import closed_forms, grids
from magnetflow.recovery.cell.kinetics import HalfReaction, Solid
from magnetflow.recovery.cell.model import Bulk, Cell, Electrode, Inflow, Ion
from magnetflow.recovery.cell.state import start
from magnetflow.recovery.cell.steady import current_a_m2, steady
from magnetflow.recovery.cell.transient import run
from magnetflow.recovery.chemistry.reactions import Reaction, reactions
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL as F
from magnetflow.studies.neo_cycle.cell.case import CL, FE, NA, ND, OH, VOLTS, Checked, K, layer_grid, relative
from magnetflow.studies.neo_cycle.cell.electrolysis import diffusivities, figures, ions

NDCL3 = {ND: 100.0, CL: 300.0}
FAST_A_M2 = 1e5  # an exchange current that costs next to nothing
FINER = 300.0  # the first interval before an electrode at which an ion runs out
STEP_ERROR = 2.0  # of a step of time, times the square of the intervals
EMPTY = 1e-6  # part of the liquor that is left of an ion when it is said to have run out


def plating() -> HalfReaction:
    """Return a fast neodymium electrode, at which nothing else happens."""
    return HalfReaction.reversible(reactions()["anode_Nd"], figures()["anode_Nd", "standard potential"], FAST_A_M2)


def limiting_ndcl3(intervals: int) -> Checked:
    """NdCl3 between two neodymium electrodes far apart in potential; chloride cannot leave."""
    grid = grids.graded_both(100e-6, intervals, 1e-9)
    anode, cathode = (Electrode([plating()], potential_v=volts) for volts in (0.5, 0.0))
    state = steady(start(Cell(ions([ND, CL]), grid, anode, cathode), NDCL3))
    diffusivity = diffusivities()[ND]
    return relative(current_a_m2(state), closed_forms.limiting_current_a_m2(3, diffusivity, 100.0, 50e-6, -1))


def limiting_film(support: float, other_charge: int | None) -> Callable[[int], Checked]:
    """Return the case of a cation that reacts behind a layer, with so much support for each of it."""

    def work(intervals: int) -> Checked:
        silver = {NA: 10.0, K: 10.0 * support, CL: 10.0 * (1 + support)}
        reaction = HalfReaction.reversible(Reaction.read("plating", "Na(s) -> Na+(aq) + e-"), 0.0, FAST_A_M2)
        grid = grids.graded(50e-6, intervals, 5e-10)
        cell = Cell(ions([NA, K, CL]), grid, Electrode([reaction], potential_v=-0.6), Bulk(silver))
        known = closed_forms.limiting_current_a_m2(1, diffusivities()[NA], 10.0, 50e-6, other_charge)
        return relative(-current_a_m2(steady(start(cell, silver))), known)

    return work


def sand(support: float) -> Callable[[int], Checked]:
    """Return the case of Nd3+ taken up by a current of 100 A/m² until it runs out; so much KCl for each of it."""

    def work(intervals: int) -> Checked:
        amount, current = 50.0, 100.0
        solution = {ND: amount, K: amount * support, CL: amount * (3 + support)}
        named = [ND, K, CL] if support else [ND, CL]
        solution = {name: solution[name] for name in named}
        salt = closed_forms.binary_salt((3, diffusivities()[ND]), (-1, diffusivities()[CL]))
        known = closed_forms.sand_time_s(current, 3, amount, diffusivities()[ND])
        if not support:
            known = closed_forms.sand_time_s(current, 3, amount, *salt)
        length = 6 * np.sqrt(salt.diffusivity_m2_s * known)
        grid = layer_grid(float(length), intervals, FINER)
        cell = Cell(ions(named), grid, Inflow({ND: -current / (3 * F)}), Bulk(solution))
        course = run(
            start(cell, solution),
            2 * known,
            tolerance=STEP_ERROR / intervals**2,
            until=lambda state: float(state.of(ND)[0]) - EMPTY * amount,
        )
        return relative(course[-1].time_s, known)

    return work


def cottrell(intervals: int) -> Checked:
    """A salt of two ions that leaves into a surface which holds none of it, for ten seconds."""
    time_s, amount = 10.0, 10.0
    salt = closed_forms.binary_salt((1, diffusivities()[K]), (-1, diffusivities()[CL]))
    length = 6 * float(np.sqrt(salt.diffusivity_m2_s * time_s))
    grid = layer_grid(length, intervals, FINER)
    traces = {K: EMPTY * amount, CL: EMPTY * amount}
    cell = Cell(ions([K, CL]), grid, Bulk(traces, current_a_m2=0.0), Bulk({K: amount, CL: amount}))
    last = run(start(cell, {K: amount, CL: amount}), time_s, tolerance=STEP_ERROR / intervals**2)[-1]
    known = closed_forms.cottrell_mol_m2(amount, salt.diffusivity_m2_s, time_s)
    return relative(-float(last.through_left[0]), known)


def front(intervals: int) -> Checked:
    """Caustic soda that meets iron chloride, all ions of one diffusivity: the solid after twenty seconds."""
    diffusivity, time_s, left, right = 1e-9, 20.0, 50.0, 30.0
    soda, iron = {NA: 2 * left, OH: 2 * left}, {FE: right, CL: 2 * right}
    solid = Solid(Reaction.read("hydroxide", "Fe(OH)2(s) -> Fe+2(aq) + 2 OH-(aq)"), -16.31 * np.log(10))
    every = [Ion(name, diffusivity) for name in (NA, OH, FE, CL)]
    cell = Cell(every, grids.even(4e-4, intervals), Bulk(soda), Bulk(iron), solids=[solid])
    last = run(start(cell, iron), time_s, tolerance=1e-2)[-1]
    fallen = float(last.solids[0] @ cell.boxes_m)
    return relative(fallen, closed_forms.precipitation_front(left, right, diffusivity).left_mol_m2 * time_s**0.5)


def overvoltage(current: float) -> Callable[[int], Checked]:
    """Return the case of neodymium that dissolves into NdCl3: its potential, layer and kinetics included."""

    def work(intervals: int) -> Checked:
        slow = HalfReaction.reversible(reactions()["anode_Nd"], 0.0, 50.0)
        cell = Cell(
            ions([ND, CL]), grids.even(20e-6, intervals), Electrode([slow], current_a_m2=current), Bulk(NDCL3)
        )
        model = steady(start(cell, NDCL3)).metal_v[0]
        surface = 0.1 * (1 + current / closed_forms.limiting_current_a_m2(3, diffusivities()[ND], 100.0, 20e-6, -1))
        rest = VOLTS / 3 * np.log(surface)  # by Nernst, at the surface
        kinetic = VOLTS / 1.5 * np.arcsinh(current / (2 * 50.0 * np.sqrt(surface)))
        layer = VOLTS * np.log(surface / 0.1)  # chloride is at rest, so it tells the potential
        return Checked(1000 * model, 1000 * (rest + kinetic + layer), abs(model / (rest + kinetic + layer) - 1))

    return work
