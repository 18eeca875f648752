"""What is in an electrochemical cell, and where does it end?

A cell is a line from a left to a right side: ions between them, what reacts, what falls out, and what each side does.
Concentrations are mol/m³, potentials V, currents A/m² of electrode; a current is positive where it leaves a metal,
that is, at an anode. Concentrations stand for activities throughout, and an activity of 1 is 1000 mol/m³.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.constants import gas_constant

from magnetflow.arrays import Vector
from magnetflow.errors import ProcessError
from magnetflow.recovery.cell.closed_forms import debye_length_m
from magnetflow.recovery.cell.kinetics import HalfReaction, MassAction, Solid
from magnetflow.recovery.chemistry.species import species
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL

ROOM_K = 298.15
WATER_PERMITTIVITY = 78.4  # relative, at 25 °C
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
        """Check the diffusivity."""
        if not 0 < self.diffusivity_m2_s < math.inf:
            told = f"the diffusivity of {self.name} is {self.diffusivity_m2_s:g} m²/s"
            raise ProcessError(f"{told}; it must be above 0")

    @property
    def charge(self) -> int:
        """Return the charge in elementary charges."""
        return species(self.name).charge


@dataclass(frozen=True)
class Bulk:
    """A side where the solution stays as it is: a stirred liquor.

    It is held at a potential, or, where a current is given, takes the potential at which that current enters.
    """

    concentrations_mol_m3: Mapping[str, float]
    potential_v: float = 0.0
    current_a_m2: float | None = None


@dataclass(frozen=True)
class Wall:
    """A side that nothing passes: held at a potential, or bearing a charge."""

    potential_v: float | None = None
    charge_c_m2: float = 0.0


@dataclass(frozen=True)
class Inflow:
    """A side through which ions come in at given rates, mol/m²/s, whatever it takes."""

    flux_mol_m2_s: Mapping[str, float]


@dataclass(frozen=True)
class Electrode:
    """A side where half reactions run: at a potential of the metal, or at a current that they share.

    Before the metal stands a compact layer, whose capacity, F/m², counts only where the charge of the solution does.
    Raises ProcessError unless either potential or current is given.
    """

    reactions: Sequence[HalfReaction]
    potential_v: float | None = None
    current_a_m2: float | None = None
    compact_layer_f_m2: float = 0.2

    def __post_init__(self) -> None:
        """Check that one of the two is given."""
        given = [value for value in (self.potential_v, self.current_a_m2) if value is not None]
        if len(given) != 1 or not math.isfinite(given[0]):
            raise ProcessError("an electrode is held at a potential or at a current; give one of the two")
        if not self.reactions:
            raise ProcessError("an electrode has no half reaction; give one, or take a wall")


Side = Bulk | Wall | Inflow | Electrode


@dataclass(frozen=True)
class Cell:
    """Ions on a grid between two sides.

    `grid_m` holds the places of the nodes, rising, the first and the last at the sides; each node keeps the balance
    of the box that reaches half way to its neighbours. `neutral` replaces Poisson's equation by electroneutrality.
    `fixed_charge_mol_m3` is the charge that a membrane bears, by node; `mobility`, by interval, is what part of its
    diffusivity an ion keeps there. `source_mol_m3_s` brings ions in from without, by ion and node.
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
    source_mol_m3_s: Vector | float = 0.0
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Check what can be checked before a number is worked out."""
        names = tuple(ion.name for ion in self.ions)
        object.__setattr__(self, "names", names)
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
        for one in laws:
            strangers = [name for name in one.orders if name not in names]
            if strangers:
                raise ProcessError(f"{one.reaction.name} needs {strangers[0]}, which is no ion of the cell; add it")

    def _check_shape(self, name: str, shape: tuple[int, ...]) -> None:
        """Refuse what stands neither for the whole cell nor for each of its places."""
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
            named = [name for half in side.reactions for name in (*half.orders, *_charged(half))]
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
        solution = dict(zip(self.names, concentrations.tolist(), strict=True))
        steps, length = np.diff(self.grid_m), debye_length_m(solution, WATER_PERMITTIVITY, self.thermal_voltage_v)
        for side, first in ((self.left, steps[0]), (self.right, steps[-1])):
            if not isinstance(side, Bulk) and first > DEBYE_STEPS * length:
                raise ProcessError(
                    f"the first interval of the grid is {first * 1e9:.3g} nm, more than the Debye length of "
                    f"{length * 1e9:.3g} nm; refine the grid there, or take the cell as electroneutral"
                )

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
        """Return the width of the box of each node."""
        steps = np.diff(self.grid_m) / 2
        return np.asarray(np.append(steps, 0.0) + np.append(0.0, steps))

    @property
    def thermal_voltage_v(self) -> float:
        """Return RT/F."""
        return thermal_voltage_v()

    def in_order(self, concentrations_mol_m3: Mapping[str, float]) -> Vector:
        """Return concentrations in the order of the ions; what is not named is not there."""
        return np.array([concentrations_mol_m3.get(name, 0.0) for name in self.names])


def thermal_voltage_v() -> float:
    """Return RT/F at 25 °C, V."""
    return float(gas_constant * ROOM_K / FARADAY_C_PER_MOL)


def _charged(half: HalfReaction) -> list[str]:
    """Return the dissolved species with a charge that a half reaction makes or takes."""
    return [name for name in half.reaction.coefficients if species(name).phase == "aq" and species(name).charge]
