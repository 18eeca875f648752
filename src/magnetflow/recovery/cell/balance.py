"""By how much does a state miss the equations of the cell, and how does that change with each unknown?

For every node: the balance of each ion over its box, Poisson's equation or electroneutrality, and the saturation of
each solid; for either side the condition that applies there. The derivatives are worked out by hand, as blocks that
couple a node to itself and to its two neighbours.
Between two nodes flux and field are taken as constant, and the flux that follows is exact there: the exponentially
fitted flux of Scharfetter and Gummel (1969), for one interval the equation of Goldman, Hodgkin and Katz.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from magnetflow.arrays import Array, Mask, Matrix, Vector
from magnetflow.recovery.cell.kinetics import STANDARD_MOL_M3, THERMAL_VOLTAGE_V
from magnetflow.recovery.cell.model import PERMITTIVITY_F_M, Bulk, Cell, Electrode, Inflow, Wall
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL

OVERSATURATED = 1e-9  # logarithm of the ion product over the solubility product
SMALL = 1e-2  # drop in thermal voltages below which Bernoulli's function is taken from its series
STEEPEST = 300.0  # beyond which it is nothing


class Unknowns(NamedTuple):
    """What is solved for: by node the concentrations, the potential in thermal voltages, the solids; the metals."""

    nodes: Matrix  # nodes, ions + 1 + solids
    metals: Vector  # left and right, in thermal voltages
    saturated: Mask  # nodes, solids: where a solid is taken as present, and the solution as saturated with it


class Residuals(NamedTuple):
    """The residual of each equation, with its derivatives."""

    nodes: Matrix  # nodes, equations
    metals: Vector  # left and right
    before: Array  # nodes, equations, unknowns of the node before
    here: Array
    after: Array
    by_metal: Matrix  # side, equations of its node
    metal_by_node: Matrix  # side, unknowns of its node
    metal_by_metal: Vector
    inflow: Matrix  # side, ions: what comes in, mol/m²/s

    @property
    def blocks(self) -> tuple[Array, Array, Array]:
        """Return the derivatives by the node before, the node itself and the node after."""
        return self.before, self.here, self.after


class Balance:
    """The equations of a cell."""

    def __init__(self, cell: Cell) -> None:
        """Lay out what does not change from state to state."""
        self.cell = cell
        self.ions = len(cell.names)
        self.size = self.ions + 1 + len(cell.solids)
        steps = np.diff(cell.grid_m)
        self.conductance = cell.diffusivities[:, None] * np.broadcast_to(cell.mobility, steps.shape) / steps
        self.permittance = PERMITTIVITY_F_M * THERMAL_VOLTAGE_V / steps
        self.diagonal = np.arange(self.ions)

    def residuals(
        self, at: Unknowns, rate: float = 0.0, history: Matrix | None = None, load: float = 1.0
    ) -> Residuals:
        """Return the residuals at a state; a box accumulates `rate` times its contents less `history` (ions, nodes).

        `load` is the part of currents, inflows, sources and potentials of the sides that is applied.
        """
        shape = (*at.nodes.shape, self.size)
        out = Residuals(
            np.zeros(at.nodes.shape), at.metals.copy(), np.zeros(shape), np.zeros(shape), np.zeros(shape),
            np.zeros((2, self.size)), np.zeros((2, self.size)), np.ones(2), np.zeros((2, self.ions)),
        )  # fmt: skip
        self._transport(at, out)
        if history is not None:
            self._accumulation(at, out, rate, history)
        self._reactions(at, out, load)
        self._potential(at, out)
        self._solids(at, out)
        for place, side in enumerate((self.cell.left, self.cell.right)):
            if isinstance(side, Bulk):
                self._bulk(at, out, place, side, load)
            elif isinstance(side, Inflow):
                out.inflow[place] = load * self.cell.in_order(side.flux_mol_m2_s)
                out.nodes[-place, : self.ions] -= out.inflow[place]
            elif isinstance(side, Electrode):
                self._electrode(at, out, place, side, load)
            else:
                self._wall(at, out, place, side, load)
        return out

    def contents(self, at: Unknowns) -> Matrix:
        """Return what each box holds of each ion, dissolved and in solids, mol/m³ (ions, nodes)."""
        dissolved, solids = at.nodes[:, : self.ions], at.nodes[:, self.ions + 1 :]
        return np.asarray((dissolved + solids @ self.cell.solid_counts).T)

    def saturated(self, at: Unknowns) -> Mask:
        """Return where each solid is present: where some is left, or the solution is supersaturated without it."""
        remaining = at.saturated & (at.nodes[:, self.ions + 1 :] > 0)
        ions = self.cell.by_name(at.nodes[:, : self.ions].T)
        for place, solid in enumerate(self.cell.solids):
            remaining[:, place] |= ~at.saturated[:, place] & (solid.ln_saturation(ions) > OVERSATURATED)
        return remaining

    def _transport(self, at: Unknowns, out: Residuals) -> None:
        """Fluxes between the boxes."""
        concentrations, potential = at.nodes[:, : self.ions].T, at.nodes[:, self.ions]
        flux, by_left, by_right, by_step = fitted(self.conductance, self.cell.charges, concentrations, potential)
        balance = out.nodes[:, : self.ions].T
        balance[:, :-1] += flux
        balance[:, 1:] -= flux
        for block, by_concentration, by_potential in (
            (out.here[:-1], by_left, -by_step),
            (out.after[:-1], by_right, by_step),
            (out.here[1:], -by_right, -by_step),
            (out.before[1:], -by_left, by_step),
        ):
            block[:, self.diagonal, self.diagonal] += by_concentration.T
            block[:, self.diagonal, self.ions] += by_potential.T

    def _accumulation(self, at: Unknowns, out: Residuals, rate: float, history: Matrix) -> None:
        """What every box takes up, dissolved and in solids."""
        boxes = self.cell.boxes_m[:, None]
        out.nodes[:, : self.ions] += boxes * (rate * self.contents(at) - history).T
        out.here[:, self.diagonal, self.diagonal] += rate * boxes
        for place, counts in enumerate(self.cell.solid_counts):
            out.here[:, : self.ions, self.ions + 1 + place] += rate * boxes * counts

    def _reactions(self, at: Unknowns, out: Residuals, load: float) -> None:
        """Sources, and reactions in the solution."""
        boxes, balance = self.cell.boxes_m, out.nodes[:, : self.ions].T
        balance -= load * boxes * np.broadcast_to(self.cell.source_mol_m3_s, balance.shape)
        ions = self.cell.by_name(at.nodes[:, : self.ions].T)
        for reaction in self.cell.reactions:
            counts = self.cell.in_order(reaction.reaction.dissolved)
            speed, slopes = reaction.rate(ions)
            balance -= counts[:, None] * boxes * speed
            for name, slope in slopes.items():
                out.here[:, : self.ions, self.cell.names.index(name)] -= counts * (boxes * slope)[:, None]

    def _potential(self, at: Unknowns, out: Residuals) -> None:
        """Electroneutrality, or Poisson's equation over every box; the sides are set after."""
        ions, cell = self.ions, self.cell
        charge = at.nodes[:, :ions] @ cell.charges + cell.fixed_charge
        if cell.neutral:
            out.nodes[:, ions] = charge
            out.here[:, ions, :ions] = cell.charges
            return
        boxes = FARADAY_C_PER_MOL * cell.boxes_m
        displacement = self.permittance * np.diff(at.nodes[:, ions])
        out.nodes[:, ions] = -boxes * charge
        out.nodes[:-1, ions] -= displacement
        out.nodes[1:, ions] += displacement
        out.here[:, ions, :ions] = -boxes[:, None] * cell.charges
        for block in (out.here[:-1], out.here[1:]):
            block[:, ions, ions] += self.permittance
        for block in (out.after[:-1], out.before[1:]):
            block[:, ions, ions] -= self.permittance

    def _solids(self, at: Unknowns, out: Residuals) -> None:
        """Where a solid is taken as present the solution is saturated, elsewhere there is none of it."""
        concentrations = at.nodes[:, : self.ions]
        ions = self.cell.by_name(concentrations.T)
        for place, (solid, counts) in enumerate(zip(self.cell.solids, self.cell.solid_counts, strict=True)):
            row, present = self.ions + 1 + place, at.saturated[:, place]
            out.nodes[:, row] = np.where(present, solid.ln_saturation(ions), at.nodes[:, row] / STANDARD_MOL_M3)
            out.here[:, row, row] = np.where(present, 0.0, 1 / STANDARD_MOL_M3)
            out.here[:, row, : self.ions] = np.where(present[:, None], counts / concentrations, 0.0)

    def _wall(self, at: Unknowns, out: Residuals, place: int, side: Wall, load: float) -> None:
        if side.potential_v is not None:
            self._fix_potential(at, out, -place, load * side.potential_v)
        elif not self.cell.neutral:
            out.nodes[-place, self.ions] -= load * side.charge_c_m2

    def _fix_potential(self, at: Unknowns, out: Residuals, node: int, potential_v: float) -> None:
        """Replace the equation of the potential at a node by a given value."""
        out.nodes[node, self.ions] = at.nodes[node, self.ions] - potential_v / THERMAL_VOLTAGE_V
        for block in out.blocks:
            block[node, self.ions] = 0.0
        out.here[node, self.ions, self.ions] = 1.0

    def _bulk(self, at: Unknowns, out: Residuals, place: int, side: Bulk, load: float) -> None:
        """Replace the balances of the last box by the bulk: what the box lacks comes in from there."""
        ions, node, charges = self.ions, -place, self.cell.charges
        out.inflow[place] = out.nodes[node, :ions]
        current_slopes = [charges @ block[node, :ions] for block in out.blocks]
        out.nodes[node, :ions] = at.nodes[node, :ions] - self.cell.in_order(side.concentrations_mol_m3)
        for block in out.blocks:
            block[node, :ions] = 0.0
        out.here[node, self.diagonal, self.diagonal] = 1.0
        if side.current_a_m2 is None:
            self._fix_potential(at, out, node, load * side.potential_v)
            return
        out.nodes[node, ions] = charges @ out.inflow[place] - load * side.current_a_m2 / FARADAY_C_PER_MOL
        for block, slopes in zip(out.blocks, current_slopes, strict=True):
            block[node, ions] = slopes

    def _electrode(self, at: Unknowns, out: Residuals, place: int, side: Electrode, load: float) -> None:
        """Half reactions, the compact layer, and the potential or the current of the metal."""
        ions, node = self.ions, -place
        surface = self.cell.by_name(at.nodes[node, :ions])
        difference = float(at.metals[place] - at.nodes[node, ions])
        total, by_difference, by_ion = 0.0, 0.0, np.zeros(ions)
        for half in side.reactions:
            overvoltage = difference - half.standard_potential_v / THERMAL_VOLTAGE_V
            current, slope, slopes = half.current(surface, overvoltage)
            electrons = float(half.reaction.electrons())
            made = self.cell.in_order(half.reaction.per_extent) / (electrons * FARADAY_C_PER_MOL)
            out.inflow[place] += made * current
            out.here[node, :ions, ions] += made * slope
            out.by_metal[place, :ions] -= made * slope
            by_concentration = self.cell.in_order(slopes)
            out.here[node, :ions, :ions] -= np.outer(made, by_concentration)
            total, by_difference, by_ion = total + current, by_difference + slope, by_ion + by_concentration
        out.nodes[node, :ions] -= out.inflow[place]
        if not self.cell.neutral:
            layer = side.compact_layer_f_m2 * THERMAL_VOLTAGE_V
            out.nodes[node, ions] -= layer * difference
            out.here[node, ions, ions] += layer
            out.by_metal[place, ions] -= layer
        if side.potential_v is not None:
            out.metals[place] -= load * side.potential_v / THERMAL_VOLTAGE_V
        elif side.current_a_m2 is not None:
            out.metals[place] = total - load * side.current_a_m2
            out.metal_by_node[place, :ions] = by_ion
            out.metal_by_node[place, ions] = -by_difference
            out.metal_by_metal[place] = by_difference


class Bernoulli(NamedTuple):
    """B(x) = x / (exp(x) - 1) and B(-x), with their slopes; each of the shape of x."""

    ahead: Array
    back: Array
    ahead_slope: Array
    back_slope: Array


def bernoulli(x: Array) -> Bernoulli:
    """Return Bernoulli's function on either side: worked out where it is small, the other by B(-x) = B(x) + x."""
    size = np.abs(x)
    small, bounded = size < SMALL, np.minimum(size, STEEPEST)
    safe = np.where(small, 1.0, bounded)
    grown = np.expm1(safe)
    low = np.where(small, 1 - size / 2 + size**2 / 12 - size**4 / 720, safe / grown)
    low_slope = np.where(small, -1 / 2 + size / 6 - size**3 / 180, (1 - (safe / grown) * (grown + 1)) / grown)
    high, high_slope = low + size, -1 - low_slope
    up = x >= 0
    return Bernoulli(
        np.where(up, low, high),
        np.where(up, high, low),
        np.where(up, low_slope, high_slope),
        np.where(up, high_slope, low_slope),
    )


def fitted(
    conductance: Matrix, charges: Vector, concentrations: Matrix, potential: Vector
) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """Return the flux from each node to the next, with its slopes.

    `conductance` is diffusivity over the length of the interval, m/s, (ions, intervals); `charges` (ions,),
    `concentrations` (ions, nodes), `potential` in thermal voltages (nodes,).
    Returns flux, slope by the concentration on the left and on the right, and slope by the difference of potential,
    all (ions, intervals).
    """
    step = charges[:, None] * np.diff(potential)
    ahead, back, ahead_slope, back_slope = bernoulli(step)
    left, right = concentrations[:, :-1], concentrations[:, 1:]
    flux = conductance * (ahead * left - back * right)
    by_potential = conductance * charges[:, None] * (ahead_slope * left + back_slope * right)
    return flux, conductance * ahead, -conductance * back, by_potential
