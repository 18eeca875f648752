"""Which state does a cell come to and stay at?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from magnetflow.arrays import Vector
from magnetflow.errors import ProcessError, UnsettledError
from magnetflow.recovery.cell.balance import Balance, Unknowns
from magnetflow.recovery.cell.kinetics import THERMAL_VOLTAGE_V
from magnetflow.recovery.cell.model import Bulk, Cell, Electrode, Inflow, Side, Wall, fixed_potential_v
from magnetflow.recovery.cell.newton import FLOOR_MOL_M3, settle
from magnetflow.recovery.cell.state import State
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL

LOAD_FOUND = 1e-3  # part of the current to which the largest possible one is found
LONGEST_TIMES = 3.0  # times L²/D that the longest step towards rest takes
MARCH = 60  # steps at most
RESTED = 1e-10  # relative change of a concentration in such a step


def steady(first: State) -> State:
    """Return the state at which nothing changes any more, looked for from a first guess.

    A cell with no bulk keeps what it was filled with.
    Raises ProcessError for solids, which would grow for ever, for a cell in which nothing fixes the potential, and
    for a current above what the cell can carry; UnsettledError where no state is found.
    """
    cell = first.cell
    if cell.solids:
        raise ProcessError("what falls out grows for ever; work out its course in time, or leave out the solids")
    check_potential(cell)
    at = _settled(Balance(cell), unknowns(first))
    return as_state(first, at)


def currents_a_m2(of: State) -> dict[str, dict[str, float]]:
    """Return the current density of each half reaction at either electrode, A/m²; anodic positive."""
    cell, currents = of.cell, {}
    for place, (word, side) in enumerate((("left", cell.left), ("right", cell.right))):
        if isinstance(side, Electrode):
            surface = cell.by_name(of.concentrations[:, -place])
            difference = of.metal_v[place] - of.potential_v[-place]
            currents[word] = {
                half.reaction.name: half.current(
                    surface, (difference - half.standard_potential_v) / THERMAL_VOLTAGE_V
                )[0]
                for half in side.reactions
            }
    return currents


def inflow_mol_m2_s(of: State) -> tuple[Vector, Vector]:
    """Return what comes in through the left and the right side of a steady cell, each (ions,)."""
    left, right = Balance(of.cell).residuals(unknowns(of)).inflow
    return left, right


def current_a_m2(of: State) -> float:
    """Return the current that enters a steady cell from the left."""
    return FARADAY_C_PER_MOL * float(of.cell.charges @ inflow_mol_m2_s(of)[0])


def check_potential(cell: Cell) -> None:
    """Raise ProcessError where neither side fixes the potential."""
    fixing = [side for side in (cell.left, cell.right) if fixed_potential_v(side) is not None]
    if not fixing:
        raise ProcessError("nothing holds the potential of the cell; hold one side at a potential")
    if cell.neutral and any(isinstance(side, Wall) for side in fixing):
        raise ProcessError(
            "a wall before an electroneutral solution has no potential; leave it out, or take Poisson's"
        )


def unknowns(of: State) -> Unknowns:
    """Return the state as unknowns of the balance."""
    positive = np.maximum(of.concentrations, FLOOR_MOL_M3)  # rates divide by concentrations
    nodes = np.vstack([positive, of.potential_v / THERMAL_VOLTAGE_V, of.solids]).T
    return Unknowns(np.ascontiguousarray(nodes), np.array(of.metal_v) / THERMAL_VOLTAGE_V, of.solids.T > 0)


def as_state(of: State, at: Unknowns, **course: Any) -> State:
    """Return unknowns as the state of the same cell; `course` replaces its time and what has come in."""
    ions = len(of.cell.names)
    left, right = at.metals * THERMAL_VOLTAGE_V
    return replace(
        of,
        concentrations=at.nodes[:, :ions].T.copy(),
        potential_v=at.nodes[:, ions] * THERMAL_VOLTAGE_V,
        solids=at.nodes[:, ions + 1 :].T.copy(),
        metal_v=(float(left), float(right)),
        **course,
    )


def _settled(balance: Balance, guess: Unknowns) -> Unknowns:
    """Settle at once; where that fails, bring the load up in steps, and say where it can grow no further."""
    closed = not any(isinstance(side, Bulk) for side in (balance.cell.left, balance.cell.right))
    at, reached, step = guess, 0.0, 1.0
    while reached < 1:
        tried = min(1.0, reached + step)
        try:
            at = _marched(balance, at, tried) if closed else settle(balance, at, load=tried)[0]
        except UnsettledError as error:
            step /= 2
            if step < LOAD_FOUND * max(reached, LOAD_FOUND):
                raise _beyond(balance, at, reached, error) from None
            continue
        reached, step = tried, 1.5 * step
    return at


def _beyond(balance: Balance, at: Unknowns, reached: float, last: UnsettledError) -> UnsettledError | ProcessError:
    """Return the error for a load that the cell cannot carry: what runs out, and at which current."""
    cell = balance.cell
    given = [_given_current(cell, side) for side in (cell.left, cell.right)]
    if reached == 0 or not any(given):
        return last
    leaving = balance.residuals(at, load=reached).inflow < 0  # of a cell at rest, by side and ion
    left = at.nodes[[0, -1], : balance.ions] / np.maximum(at.nodes[:, : balance.ions].max(axis=0), 1e-300)
    place, ion = np.unravel_index(int(np.argmin(np.where(leaving, left, np.inf))), left.shape)
    largest = max(abs(each) for each in given)
    return ProcessError(
        f"a current of {largest:.6g} A/m² is above the limiting one: {cell.names[ion]} runs out at the "
        f"{('left', 'right')[place]} side at {reached * largest:.4g} A/m²; lower the current"
    )


def _given_current(cell: Cell, side: Side) -> float:
    if isinstance(side, Inflow):
        return float(FARADAY_C_PER_MOL * cell.charges @ cell.in_order(side.flux_mol_m2_s))
    return getattr(side, "current_a_m2", None) or 0.0


def _marched(balance: Balance, at: Unknowns, load: float) -> Unknowns:
    """March in time until nothing moves: the implicit steps of a closed cell keep what it holds."""
    cell, ions = balance.cell, balance.ions
    longest = LONGEST_TIMES * (cell.grid_m[-1] - cell.grid_m[0]) ** 2 / cell.diffusivities.min()
    step = longest * 1e-6
    for _ in range(MARCH):
        before = at.nodes[:, :ions]
        at, _ = settle(balance, at, 1 / step, before.T / step, load)
        moved = np.abs(at.nodes[:, :ions] - before) / np.maximum(before, 1e-9 * before.max())
        if step == longest and moved.max() < RESTED:
            return at
        step = min(longest, 4 * step)
    raise UnsettledError(f"the cell does not come to rest; a concentration still moves by {moved.max():.2g} of it")
