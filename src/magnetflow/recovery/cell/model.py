"""What is in an electrochemical cell, and where does it end?

A cell is a line from a left to a right side: ions between them, what reacts, what falls out, and what each side does.
Concentrations are mol/m³, potentials V, currents A/m² of electrode; a current is positive where it leaves a metal,
that is, at an anode. Concentrations stand for activities throughout, and an activity of 1 is 1000 mol/m³.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.constants import epsilon_0

from magnetflow.arrays import Array, Matrix, Vector
from magnetflow.errors import ProcessError
from magnetflow.recovery.cell.kinetics import THERMAL_VOLTAGE_V, HalfReaction, MassAction, Solid
from magnetflow.recovery.chemistry.species import species
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL

PERMITTIVITY_F_M = 78.4 * epsilon_0  # of water at 25 °C
NEUTRAL = 1e-9  # part of the charge of all ions by which a solution may miss neutrality
DEBYE_STEPS = 1.0  # Debye lengths that the first interval at a wall may span at most


@dataclass(frozen=True)
class Ion:
    """A dissolved species and its diffusivity, m²/s; one without charge is carried along.

    Raises ProcessError for a diffusivity that is not above zero.
    """

    name: str
    diffusivity_m2_s: float

    def __post_init__(self) -> None:
        if not 0 < self.diffusivity_m2_s < math.inf:
            raise ProcessError(
                f"the diffusivity of {self.name} is {self.diffusivity_m2_s:g} m²/s; it must be above 0"
            )

    @property
    def charge(self) -> int:
        """Return the charge in elementary charges."""
        return species(self.name).charge


@dataclass(frozen=True)
class Bulk:
    """A side where the solution stays as it is, in mol/m³ by ion: a stirred liquor.

    It is held at a potential, or, where a current is given, takes the potential at which that current enters.
    """

    concentrations_mol_m3: Mapping[str, float]
    potential_v: float = 0.0
    current_a_m2: float | None = None


@dataclass(frozen=True)
class Wall:
    """A side that nothing passes: held at a potential, V, or bearing a charge, C/m²."""

    potential_v: float | None = None
    charge_c_m2: float = 0.0


@dataclass(frozen=True)
class Inflow:
    """A side through which ions come in at given rates, mol/m²/s, whatever it takes."""

    flux_mol_m2_s: Mapping[str, float]


@dataclass(frozen=True)
class Electrode:
    """A side where half reactions run: at a potential of the metal, V, or at a current that they share, A/m².

    A current is positive at an anode. Before the metal stands a compact layer, whose capacity, F/m², counts only
    where the charge of the solution does.
    Raises ProcessError unless either potential or current is given, and at least one half reaction.
    """

    reactions: Sequence[HalfReaction]
    potential_v: float | None = None
    current_a_m2: float | None = None
    compact_layer_f_m2: float = 0.2

    def __post_init__(self) -> None:
        given = [value for value in (self.potential_v, self.current_a_m2) if value is not None]
        if len(given) != 1 or not math.isfinite(given[0]):
            raise ProcessError("an electrode is held at a potential or at a current; give one of the two")
        if not self.reactions:
            raise ProcessError("an electrode has no half reaction; give one, or take a wall")


Side = Bulk | Wall | Inflow | Electrode


def fixed_potential_v(side: Side) -> float | None:
    """Return the potential that a side fixes, V; None where a current or the ions that pass are given instead."""
    if isinstance(side, Inflow) or getattr(side, "current_a_m2", None) is not None:
        return None
    return side.potential_v


@dataclass(frozen=True)
class Cell:
    """Ions on a grid between two sides, which diffuse and migrate (Newman and Thomas-Alyea 2004); water at 25 °C.

    `grid_m` (nodes,) is the place of each node, rising, the first and the last at the sides; each node keeps the
    balance of the box that reaches half way to its neighbours. `neutral` replaces Poisson's equation by
    electroneutrality. `fixed_charge_mol_m3` (nodes,) is the charge that a membrane bears; `mobility` (intervals,) is
    what part of its diffusivity an ion keeps there. `source_mol_m3_s` (ions, nodes) brings ions in from outside.
    Raises ProcessError for a grid that does not rise or is too coarse for the Debye length, ions named twice, and
    what a side or a reaction names that is no ion of the cell.
    """

    ions: Sequence[Ion]
    grid_m: Vector
    left: Side
    right: Side
    neutral: bool = True
    reactions: Sequence[MassAction] = ()
    solids: Sequence[Solid] = ()
    fixed_charge_mol_m3: Vector | float = 0.0
    mobility: Vector | float = 1.0
    source_mol_m3_s: Matrix | float = 0.0

    def __post_init__(self) -> None:
        names = self.names
        if len(set(names)) < len(names):
            raise ProcessError(f"{max(names, key=names.count)} is named twice; name each ion once")
        object.__setattr__(self, "grid_m", np.asarray(self.grid_m, float))
        if not names:
            raise ProcessError("a cell holds no ion; name at least one")
        if len(self.grid_m) < 2 or not np.all(np.diff(self.grid_m) > 0):
            raise ProcessError("the grid does not rise from node to node; give places in rising order")
        nodes = len(self.grid_m)
        self._check_shape("fixed_charge_mol_m3", (nodes,))
        self._check_shape("mobility", (nodes - 1,))
        self._check_shape("source_mol_m3_s", (len(names), nodes))
        if not np.all(np.asarray(self.mobility) > 0):
            raise ProcessError(f"a mobility of {np.min(self.mobility):g}; it must be above 0")
        for at, side in ((0, self.left), (-1, self.right)):
            self._check_side(at, side)
        laws: list[MassAction | Solid] = [*self.reactions, *self.solids]
        for law in laws:
            strangers = [name for name in law.reaction.dissolved if name not in names]
            if strangers:
                raise ProcessError(f"{law.reaction.name} needs {strangers[0]}, which is no ion of the cell; add it")

    def _check_shape(self, name: str, shape: tuple[int, ...]) -> None:
        """Refuse an array that is neither one number for the whole cell nor one for each place."""
        found = np.shape(getattr(self, name))
        if found not in ((), shape):
            raise ProcessError(f"{name} has the shape {found}; give one number, or an array of {shape}")

    def _check_side(self, at: int, side: Side) -> None:
        named: list[str] = []
        if isinstance(side, Bulk):
            named = list(side.concentrations_mol_m3)
            self.check_neutral(self.in_order(side.concentrations_mol_m3), float(self.fixed_charge[at]), "the bulk")
        elif isinstance(side, Inflow):
            named = list(side.flux_mol_m2_s)
        elif isinstance(side, Electrode):
            for half in side.reactions:
                named += [*half.orders, *(name for name in half.reaction.dissolved if species(name).charge)]
        for name in named:
            if name not in self.names:
                raise ProcessError(f"a side names {name}, which is no ion of the cell; add it")

    def check_neutral(self, concentrations: Vector, fixed_charge: float, where: str) -> None:
        """Raise ProcessError where concentrations are below zero, or leave a charge over."""
        if not np.all(concentrations >= 0):
            name = self.names[int(np.argmin(concentrations))]
            raise ProcessError(f"{where} holds {concentrations.min():g} mol/m³ of {name}; give 0 or more")
        left = float(self.charges @ concentrations) + fixed_charge
        if self.neutral and abs(left) > NEUTRAL * float(np.abs(self.charges) @ concentrations + abs(fixed_charge)):
            raise ProcessError(f"the charges of {where} leave {left:+.3g} mol/m³ over; add ions until they balance")

    def check_resolved(self, concentrations: Vector) -> None:
        """Raise ProcessError where the first interval before a wall cannot show the double layer of a solution."""
        if self.neutral:
            return
        steps, length = np.diff(self.grid_m), debye_length_m(self.by_name(concentrations))
        for side, first in ((self.left, steps[0]), (self.right, steps[-1])):
            if not isinstance(side, Bulk) and first > DEBYE_STEPS * length:
                raise ProcessError(
                    f"the first interval of the grid is {first * 1e9:.3g} nm, more than the Debye length of "
                    f"{length * 1e9:.3g} nm; refine the grid there, or take the cell as electroneutral"
                )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Return the names of the ions, in the order of every array over ions."""
        return tuple(ion.name for ion in self.ions)

    @cached_property
    def charges(self) -> Vector:
        """Return the charge of each ion, in elementary charges."""
        return np.array([ion.charge for ion in self.ions], float)

    @cached_property
    def diffusivities(self) -> Vector:
        """Return the diffusivity of each ion, m²/s."""
        return np.array([ion.diffusivity_m2_s for ion in self.ions])

    @cached_property
    def fixed_charge(self) -> Vector:
        """Return the fixed charge at each node, mol/m³."""
        return np.broadcast_to(np.asarray(self.fixed_charge_mol_m3, float), self.grid_m.shape)

    @cached_property
    def boxes_m(self) -> Vector:
        """Return the width (nodes,) of the box of each node, m."""
        steps = np.diff(self.grid_m) / 2
        return np.asarray(np.append(steps, 0.0) + np.append(0.0, steps))

    @cached_property
    def solid_counts(self) -> Matrix:
        """Return the moles of each ion that a mole of each solid binds (solids, ions)."""
        counts = [self.in_order(solid.reaction.dissolved) for solid in self.solids]
        return np.array(counts, float).reshape(-1, len(self.names))

    def in_order(self, concentrations_mol_m3: Mapping[str, float]) -> Vector:
        """Return concentrations in the order of the ions (ions,); what is not named is not there."""
        return np.array([concentrations_mol_m3.get(name, 0.0) for name in self.names])

    def by_name(self, concentrations: Array) -> dict[str, Any]:
        """Return concentrations (ions, ...) by the names of the ions: a number or an array of each."""
        rows = concentrations.tolist() if concentrations.ndim == 1 else concentrations
        return dict(zip(self.names, rows, strict=True))


def debye_length_m(solution: Mapping[str, float]) -> float:
    """Return the Debye length, sqrt(eps RT / (F² sum z² c)); infinite where there are no ions."""
    charges = sum(species(name).charge ** 2 * amount for name, amount in solution.items())
    if charges == 0:
        return math.inf
    return math.sqrt(PERMITTIVITY_F_M * THERMAL_VOLTAGE_V / (FARADAY_C_PER_MOL * charges))
