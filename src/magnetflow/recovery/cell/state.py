"""What is a cell like at one moment?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from magnetflow.arrays import Matrix, Vector
from magnetflow.errors import ProcessError
from magnetflow.recovery.cell.kinetics import THERMAL_VOLTAGE_V
from magnetflow.recovery.cell.model import Bulk, Cell, Electrode, fixed_potential_v

HIGHEST_DONNAN = 50.0  # thermal voltages between a membrane and a solution
GUESSED_V = 1e-3  # to which it is found
FARTHEST_V = 4.0  # from a standard potential that a first guess is looked for


@dataclass(frozen=True)
class State:
    """What a cell is like at one moment.

    `concentrations` (ions, nodes) and `solids` (solids, nodes) are mol/m³ of the cell, `potential_v` (nodes,) is that
    of the solution and `metal_v` that of the left and right metal, V, 0 where a side is no electrode.
    `through_left` and `through_right` (ions,) have come in through either side since the start, mol/m².
    """

    cell: Cell
    concentrations: Matrix  # ions, nodes
    potential_v: Vector  # nodes
    solids: Matrix  # solids, nodes
    metal_v: tuple[float, float]  # left, right; 0 where a side is no electrode
    time_s: float
    through_left: Vector  # ions
    through_right: Vector

    def of(self, name: str) -> Vector:
        """Return the concentration of an ion (nodes,), mol/m³."""
        return np.asarray(self.concentrations[self.cell.names.index(name)])

    def solid(self, name: str) -> Vector:
        """Return what has precipitated of a solid (nodes,), mol/m³ of the cell."""
        return np.asarray(self.solids[[one.name for one in self.cell.solids].index(name)])

    def contents_mol_m2(self) -> Vector:
        """Return what the cell holds of each ion, dissolved and in solids, mol for each m² of electrode (ions,)."""
        return np.asarray((self.concentrations + self.cell.solid_counts.T @ self.solids) @ self.cell.boxes_m)


def start(cell: Cell, concentrations_mol_m3: Mapping[str, float] | Matrix) -> State:
    """Return the state of a cell that is filled with a solution: mol/m³ by ion, or an array (ions, nodes).

    Sides that hold a solution are put in at once; where a membrane bears a charge, a solution that is the same
    everywhere takes Donnan's equilibrium with it. The potential is a first guess, from which the cell is solved: its
    electrodes at rest or at their currents.
    Raises ProcessError for charges that do not balance, concentrations below zero, an ion that the cell has not,
    and a grid too coarse for the Debye length.
    """
    nodes = len(cell.grid_m)
    if isinstance(concentrations_mol_m3, Mapping):
        strangers = set(concentrations_mol_m3) - set(cell.names)
        if strangers:
            raise ProcessError(f"the solution names {min(strangers)}, which is no ion of the cell; add it")
        filled = _filled(cell, cell.in_order(concentrations_mol_m3))
    else:
        filled = np.array(concentrations_mol_m3, float)
        if filled.shape != (len(cell.names), nodes):
            raise ProcessError(f"concentrations of shape {filled.shape}; give one for each ion and node")
    for side, at in ((cell.left, 0), (cell.right, nodes - 1)):
        if isinstance(side, Bulk):
            filled[:, at] = cell.in_order(side.concentrations_mol_m3)
    for at in range(nodes):
        cell.check_neutral(filled[:, at], float(cell.fixed_charge[at]), "the solution")
        cell.check_resolved(filled[:, at])
    empty = np.zeros(len(cell.names))
    potential_v, metal_v = _guessed(cell, filled)
    return State(cell, filled, potential_v, np.zeros((len(cell.solids), nodes)), metal_v, 0.0, empty, empty)


def _filled(cell: Cell, solution: Vector) -> Matrix:
    """Return a solution in every box (ions, nodes), in a membrane with the counter-ions that its charge draws in."""
    cell.check_neutral(solution, 0.0, "the solution")
    filled = np.repeat(solution[:, None], len(cell.grid_m), axis=1)
    if cell.neutral:
        for at in np.flatnonzero(cell.fixed_charge):
            bound = float(cell.fixed_charge[at])

            def left_over(potential: float, bound: float = bound) -> float:
                return float(cell.charges @ (solution * np.exp(-cell.charges * potential))) + bound

            if left_over(-HIGHEST_DONNAN) * left_over(HIGHEST_DONNAN) > 0:
                raise ProcessError(f"no ion of the solution can balance a fixed charge of {bound:g} mol/m³; add one")
            potential = brentq(left_over, -HIGHEST_DONNAN, HIGHEST_DONNAN, xtol=1e-14)
            filled[:, at] = solution * np.exp(-cell.charges * potential)
    return filled


def _guessed(cell: Cell, filled: Matrix) -> tuple[Vector, tuple[float, float]]:
    """Return potentials of the solution and of the metals at which no electrode is far from its current."""
    sides = (cell.left, cell.right)
    over = [
        _overvoltage(cell, side, filled[:, -place]) if isinstance(side, Electrode) else 0.0
        for place, side in enumerate(sides)
    ]
    fixed = [fixed_potential_v(side) for side in sides]
    ends = [None if volts is None else volts - gap for volts, gap in zip(fixed, over, strict=True)]
    known = next((volts for volts in ends if volts is not None), 0.0)
    left, right = (known if volts is None else volts for volts in ends)
    metals = [
        end + gap if isinstance(side, Electrode) else 0.0
        for side, end, gap in zip(sides, (left, right), over, strict=True)
    ]
    return np.linspace(left, right, filled.shape[1]), (metals[0], metals[1])


def _overvoltage(cell: Cell, side: Electrode, concentrations: Vector) -> float:
    """Return the potential of a metal over the solution at which its current runs, or near which it rests, V."""
    first = side.reactions[0].standard_potential_v
    if side.current_a_m2 is None:
        return first
    wanted, surface = side.current_a_m2, cell.by_name(np.maximum(concentrations, 1e-12))

    def excess(volts: float) -> float:
        over = [(half, (volts - half.standard_potential_v) / THERMAL_VOLTAGE_V) for half in side.reactions]
        return sum(half.current(surface, each)[0] for half, each in over) - wanted

    low, high = first - FARTHEST_V, first + FARTHEST_V
    if excess(low) > 0 or excess(high) < 0:
        return first
    return float(brentq(excess, low, high, xtol=GUESSED_V))
