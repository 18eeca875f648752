"""By how much is a state not yet the answer, and how does that change with each unknown?

For every node: the balance of each ion over its box, Poisson's equation or electroneutrality, and the saturation of
each solid; for either side the condition that holds there. The derivatives are worked out by hand, as blocks that
couple a node to itself and to its two neighbours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.constants import epsilon_0

from magnetflow.arrays import Array, Mask
from magnetflow.recovery.cell.fluxes import fitted
from magnetflow.recovery.cell.kinetics import STANDARD_MOL_M3
from magnetflow.recovery.cell.model import WATER_PERMITTIVITY, Bulk, Cell, Electrode, Inflow, Side, Wall
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL

OVERSATURATED = 1e-9  # logarithm of the ion product over the solubility product


class Unknowns(NamedTuple):
    """What is looked for: by node the concentrations, the potential in thermal voltages, the solids; the metals."""

    nodes: Array  # nodes, ions + 1 + solids
    metals: Array  # left and right, in thermal voltages
    falling: Mask  # nodes, solids: where a solid is taken to be there and the solution saturated


class Missing(NamedTuple):
    """What is missing in each equation, with its derivatives."""

    nodes: Array  # nodes, equations
    metals: Array
    before: Array  # nodes, equations, unknowns of the node before
    here: Array
    after: Array
    by_metal: Array  # side, equations of its node
    metal_by_node: Array  # side, unknowns of its node
    metal_by_metal: Array
    inflow: Array  # side, ions: what comes in, mol/m²/s


class Balance:
    """The equations of a cell."""

    def __init__(self, cell: Cell) -> None:
        """Lay out what does not change from state to state."""
        self.cell = cell
        self.ions, self.solids = len(cell.names), len(cell.solids)
        self.size = self.ions + 1 + self.solids
        steps = np.diff(cell.grid_m)
        self.conductance = cell.diffusivities[:, None] * np.broadcast_to(cell.mobility, steps.shape) / steps
        self.driven = np.repeat(cell.charges[:, None], len(steps), axis=1)
        self.permittance = WATER_PERMITTIVITY * epsilon_0 * cell.thermal_voltage_v / steps
        # A row of counts by ion, of each reaction and of each solid.
        self.made = np.array([cell.in_order(one.counts) for one in cell.reactions]).reshape(-1, self.ions)
        self.bound = np.array([cell.in_order(one.counts) for one in cell.solids]).reshape(-1, self.ions)

    def missing(self, at: Unknowns, rate: float = 0.0, history: Array | None = None, load: float = 1.0) -> Missing:
        """Return what is missing at a state; a box takes up `rate` times what it holds less `history`.

        `load` is the part of currents, inflows, sources and potentials of the sides that counts.
        """
        shape = (*at.nodes.shape, self.size)
        told = Missing(
            np.zeros(at.nodes.shape), np.zeros(2), np.zeros(shape), np.zeros(shape), np.zeros(shape),
            np.zeros((2, self.size)), np.zeros((2, self.size)), np.ones(2), np.zeros((2, self.ions)),
        )  # fmt: skip
        self._ions(at, told, rate, history, load)
        self._potential(at, told)
        self._solids(at, told)
        for place, side in enumerate((self.cell.left, self.cell.right)):
            self._side(at, told, place, side, load)
        return told

    def _ions(self, at: Unknowns, told: Missing, rate: float, history: Array | None, load: float) -> None:
        """Accumulation, fluxes, reactions and sources of every box."""
        ions, boxes = self.ions, self.cell.boxes_m
        concentrations, potential = at.nodes[:, :ions].T, at.nodes[:, ions]
        flux, by_left, by_right, by_step = fitted(self.conductance, self.driven, concentrations, potential)
        balance = told.nodes[:, :ions].T
        balance[:, :-1] += flux
        balance[:, 1:] -= flux
        every = np.arange(ions)
        told.here[:-1, every, every] += by_left.T
        told.here[:-1, every, ions] -= by_step.T
        told.after[:-1, every, every] += by_right.T
        told.after[:-1, every, ions] += by_step.T
        told.here[1:, every, every] -= by_right.T
        told.here[1:, every, ions] -= by_step.T
        told.before[1:, every, every] -= by_left.T
        told.before[1:, every, ions] += by_step.T
        if history is not None:
            held = concentrations + self.bound.T @ at.nodes[:, ions + 1 :].T
            balance += boxes * (rate * held - history)
            told.here[:, every, every] += rate * boxes[:, None]
            for place, counts in enumerate(self.bound):
                told.here[:, every, ions + 1 + place] += rate * boxes[:, None] * counts
        balance -= load * boxes * np.broadcast_to(self.cell.source_mol_m3_s, balance.shape)
        named = dict(zip(self.cell.names, concentrations, strict=True))
        for counts, reaction in zip(self.made, self.cell.reactions, strict=True):
            speed, slopes = reaction.rate(named)
            balance -= counts[:, None] * boxes * speed
            for name, slope in slopes.items():
                by = self.cell.names.index(name)
                told.here[:, :ions, by] -= counts * (boxes * slope)[:, None]

    def _potential(self, at: Unknowns, told: Missing) -> None:
        """Electroneutrality, or Poisson's equation over every box; the sides are set after."""
        ions, cell = self.ions, self.cell
        charge = at.nodes[:, :ions] @ cell.charges + cell.fixed_charge
        if cell.neutral:
            told.nodes[:, ions] = charge
            told.here[:, ions, :ions] = cell.charges
            return
        boxes = FARADAY_C_PER_MOL * cell.boxes_m
        field = self.permittance * np.diff(at.nodes[:, ions])
        told.nodes[:, ions] = -boxes * charge
        told.nodes[:-1, ions] -= field
        told.nodes[1:, ions] += field
        told.here[:, ions, :ions] = -boxes[:, None] * cell.charges
        told.here[:-1, ions, ions] += self.permittance
        told.here[1:, ions, ions] += self.permittance
        told.after[:-1, ions, ions] -= self.permittance
        told.before[1:, ions, ions] -= self.permittance

    def _solids(self, at: Unknowns, told: Missing) -> None:
        """Where a solid is taken to be there the solution is saturated, elsewhere there is none of it."""
        ions = self.ions
        named = dict(zip(self.cell.names, at.nodes[:, :ions].T, strict=True))
        for place, solid in enumerate(self.cell.solids):
            row, there = ions + 1 + place, at.falling[:, place]
            saturation = solid.ln_saturation(named)
            told.nodes[:, row] = np.where(there, saturation, at.nodes[:, row] / STANDARD_MOL_M3)
            told.here[:, row, row] = np.where(there, 0.0, 1 / STANDARD_MOL_M3)
            for name, count in solid.counts.items():
                by = self.cell.names.index(name)
                told.here[:, row, by] = np.where(there, count / named[name], 0.0)

    def falling(self, at: Unknowns) -> Mask:
        """Return where each solid is: where there is some, or the solution is more than saturated without it."""
        ions = self.ions
        named = dict(zip(self.cell.names, at.nodes[:, :ions].T, strict=True))
        kept = at.falling & (at.nodes[:, ions + 1 :] > 0)
        new = [solid.ln_saturation(named) > OVERSATURATED for solid in self.cell.solids]
        return np.asarray(kept | ~at.falling & np.array(new, bool).reshape(self.solids, len(at.nodes)).T)

    def _side(self, at: Unknowns, told: Missing, place: int, side: Side, load: float) -> None:
        """Put the condition of a side in place."""
        ions, node = self.ions, -place
        told.metals[place] = at.metals[place]
        if isinstance(side, Bulk):
            self._bulk(at, told, place, side, load)
        elif isinstance(side, Inflow):
            told.inflow[place] = load * self.cell.in_order(side.flux_mol_m2_s)
            told.nodes[node, :ions] -= told.inflow[place]
        elif isinstance(side, Electrode):
            self._electrode(at, told, place, side, load)
        elif isinstance(side, Wall) and side.potential_v is not None:
            told.nodes[node, ions] = at.nodes[node, ions] - load * side.potential_v / self.cell.thermal_voltage_v
            self._clear(told, node, ions)
            told.here[node, ions, ions] = 1.0
        elif not self.cell.neutral:
            told.nodes[node, ions] -= load * side.charge_c_m2

    def _clear(self, told: Missing, node: int, row: int | slice) -> None:
        for block in (told.before, told.here, told.after):
            block[node, row] = 0.0

    def _bulk(self, at: Unknowns, told: Missing, place: int, side: Bulk, load: float) -> None:
        ions, node = self.ions, -place
        every = np.arange(ions)
        balance = told.nodes[node, :ions].copy()  # what the box lacks has to come from the bulk
        rows = [block[node, :ions].copy() for block in (told.before, told.here, told.after)]
        told.inflow[place] = balance
        self._clear(told, node, slice(0, ions + 1))
        told.nodes[node, :ions] = at.nodes[node, :ions] - self.cell.in_order(side.concentrations_mol_m3)
        told.here[node, every, every] = 1.0
        if side.current_a_m2 is None:
            told.nodes[node, ions] = at.nodes[node, ions] - load * side.potential_v / self.cell.thermal_voltage_v
            told.here[node, ions, ions] = 1.0
            return
        told.nodes[node, ions] = self.cell.charges @ balance - load * side.current_a_m2 / FARADAY_C_PER_MOL
        for block, row in zip((told.before, told.here, told.after), rows, strict=True):
            block[node, ions] = self.cell.charges @ row

    def _electrode(self, at: Unknowns, told: Missing, place: int, side: Electrode, load: float) -> None:
        ions, node = self.ions, -place
        named = dict(zip(self.cell.names, at.nodes[node, :ions].tolist(), strict=True))
        difference = float(at.metals[place] - at.nodes[node, ions])
        total, by_difference, by_ion = 0.0, 0.0, np.zeros(ions)
        for half in side.reactions:
            overvoltage = difference - half.standard_potential_v / self.cell.thermal_voltage_v
            current, slope, slopes = half.current(named, overvoltage)
            made = self.cell.in_order(half.reaction.per_extent) / (
                float(half.reaction.electrons()) * FARADAY_C_PER_MOL
            )
            told.inflow[place] += made * current
            told.here[node, :ions, ions] += made * slope
            told.by_metal[place, :ions] -= made * slope
            for name, by in slopes.items():
                told.here[node, :ions, self.cell.names.index(name)] -= made * by
                by_ion[self.cell.names.index(name)] += by
            total, by_difference = total + current, by_difference + slope
        told.nodes[node, :ions] -= told.inflow[place]
        if not self.cell.neutral:
            layer = side.compact_layer_f_m2 * self.cell.thermal_voltage_v
            told.nodes[node, ions] -= layer * difference
            told.here[node, ions, ions] += layer
            told.by_metal[place, ions] -= layer
        if side.current_a_m2 is None:
            told.metals[place] = at.metals[place] - load * side.potential_v / self.cell.thermal_voltage_v  # type: ignore[operator]
            return
        told.metals[place] = total - load * side.current_a_m2
        told.metal_by_node[place, :ions] = by_ion
        told.metal_by_node[place, ions] = -by_difference
        told.metal_by_metal[place] = by_difference
