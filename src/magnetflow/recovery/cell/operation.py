"""At which voltage does a cell run, and what is that voltage spent on?

The liquor between the electrodes is stirred and the same everywhere, but for a diffusion layer before either one.
Each layer is solved by itself, from its electrode to the liquor; the rest of the gap is a conductor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from magnetflow.arrays import Array
from magnetflow.errors import ProcessError
from magnetflow.recovery.cell.grids import graded
from magnetflow.recovery.cell.kinetics import THERMAL_VOLTAGE_V, HalfReaction, MassAction, Solid
from magnetflow.recovery.cell.model import Bulk, Cell, Electrode, Ion
from magnetflow.recovery.cell.state import State, start
from magnetflow.recovery.cell.steady import currents_a_m2, steady
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL

INTERVALS = 80
FINEST_PART = 5e-4  # of the layer that the first interval before an electrode takes


@dataclass(frozen=True)
class Setup:
    """A cell: its ions, the liquor, what reacts in it, the half reactions of either electrode, its lengths.

    `liquor_mol_m3` is by ion. A layer of thickness `layer_m` stands before either electrode, `gap_m` lies between
    them. The first half reaction of an electrode is the one it is there for.
    Raises ProcessError for lengths that cannot be.
    """

    ions: Sequence[Ion]
    liquor_mol_m3: Mapping[str, float]
    reactions: Sequence[MassAction]
    anode: Sequence[HalfReaction]
    cathode: Sequence[HalfReaction]
    layer_m: float
    gap_m: float

    def __post_init__(self) -> None:
        """Check the lengths."""
        if not 0 < 2 * self.layer_m <= self.gap_m:
            raise ProcessError(
                f"two layers of {self.layer_m:g} m do not fit between electrodes {self.gap_m:g} m apart; "
                "give thinner layers or a wider gap"
            )

    def layer(self, half: Sequence[HalfReaction], current_a_m2: float) -> State:
        """Return the layer before an electrode at rest, the electrode on the left; its current is anodic positive."""
        grid = graded(self.layer_m, INTERVALS, FINEST_PART * self.layer_m)
        side = Electrode(half, current_a_m2=current_a_m2)
        cell = Cell(self.ions, grid, side, Bulk(self.liquor_mol_m3), reactions=self.reactions)
        return steady(start(cell, self.liquor_mol_m3))

    @property
    def conductivity_s_m(self) -> float:
        """Return the conductivity of the liquor."""
        liquor = np.array([self.liquor_mol_m3.get(ion.name, 0.0) for ion in self.ions])
        return float(_conductivity(self.ions, liquor))


@dataclass(frozen=True)
class Operation:
    """A cell that runs at a current density, A/m², with the state of the layer before either electrode."""

    setup: Setup
    current_a_m2: float
    anode: State
    cathode: State

    @cached_property
    def parts_v(self) -> dict[str, float]:
        """Return what the voltage is spent on, V.

        `rest` is what the liquor would ask without a current, less than nothing where the cell would give work;
        `kinetic` what drives the half reactions; `concentration` what the difference between liquor and surface
        costs; `layers` and `gap` are ohmic.
        """
        anode, cathode = _spent(self.anode, self.current_a_m2), _spent(self.cathode, -self.current_a_m2)
        parts = {name: anode[name] - cathode[name] for name in anode}
        stirred = self.setup.gap_m - 2 * self.setup.layer_m
        return parts | {"gap": self.current_a_m2 * stirred / self.setup.conductivity_s_m}

    @property
    def voltage_v(self) -> float:
        """Return the voltage of the cell, V, positive where it takes work."""
        return math.fsum(self.parts_v.values())

    def share(self, electrode: str, reaction: str) -> float:
        """Return the current of a half reaction at `anode` or `cathode`, part of that of the cell."""
        currents = currents_a_m2(self.anode if electrode == "anode" else self.cathode)["left"]
        return currents[reaction] / self.current_a_m2 * (1 if electrode == "anode" else -1)

    def ln_saturation(self, solids: Sequence[Solid]) -> dict[str, float]:
        """Return for each solid the largest logarithm of ion product over solubility before the cathode."""
        return ln_saturation(self.cathode, solids)


def operate(setup: Setup, current_a_m2: float) -> Operation:
    """Return a cell at a current density. Raises ProcessError for none, and for more than it can carry."""
    if not current_a_m2 > 0:
        raise ProcessError(f"a current density of {current_a_m2:g} A/m²; give more than 0")
    anode = setup.layer(setup.anode, current_a_m2)
    return Operation(setup, current_a_m2, anode, setup.layer(setup.cathode, -current_a_m2))


def ln_saturation(layer: State, solids: Sequence[Solid]) -> dict[str, float]:
    """Return for each solid the largest logarithm of ion product over solubility in a layer."""
    ions = layer.cell.by_name(layer.concentrations)
    return {solid.name: float(solid.ln_saturation(ions).max()) for solid in solids}


def _conductivity(ions: Sequence[Ion], concentrations: Array) -> Array:
    """Return the conductivity of dilute solutions, F²/RT sum z² D c (Nernst and Einstein), S/m.

    `concentrations` is (ions,) or (ions, nodes); the conductivity has no dimension, or (nodes,).
    """
    mobile = np.array([ion.charge**2 * ion.diffusivity_m2_s for ion in ions])
    return np.asarray(FARADAY_C_PER_MOL / THERMAL_VOLTAGE_V * mobile @ concentrations)


def _spent(layer: State, current_a_m2: float) -> dict[str, float]:
    """Return the parts of the potential of an electrode against the liquor, V."""
    cell = layer.cell
    assert isinstance(cell.left, Electrode)
    main = cell.left.reactions[0]
    surface, bulk = (main.rest_v(cell.by_name(layer.concentrations[:, at])) for at in (0, -1))
    resistance = 1 / _conductivity(cell.ions, layer.concentrations)
    ohmic = current_a_m2 * float(np.trapezoid(resistance, cell.grid_m))
    drop = float(layer.potential_v[0] - layer.potential_v[-1])
    return {
        "rest": bulk,
        "kinetic": layer.metal_v[0] - float(layer.potential_v[0]) - surface,
        "concentration": surface - bulk + drop - ohmic,
        "layers": ohmic,
    }
