"""How fast do electrodes and the solution react, and when is a solid saturated?

Every law here is a product of powers of concentrations. Rates come with their derivatives, by which Newton's method
finds the state of a cell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.constants import gas_constant

from magnetflow.arrays import Vector
from magnetflow.errors import ProcessError
from magnetflow.recovery.chemistry.reactions import Reaction
from magnetflow.recovery.chemistry.species import species
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL

ROOM_K = 298.15
THERMAL_VOLTAGE_V = float(gas_constant * ROOM_K / FARADAY_C_PER_MOL)  # RT/F at 25 °C
STANDARD_MOL_M3 = 1000.0  # concentration whose activity is 1
LARGEST_EXPONENT = 200.0  # beyond which a rate goes on linearly, so that a far first guess stays finite


@dataclass(frozen=True)
class Branch:
    """One direction of a half reaction: its transfer coefficient, and the order of its rate in each ion."""

    transfer: float
    orders: Mapping[str, float]


@dataclass(frozen=True)
class HalfReaction:
    """A half reaction at an electrode, by Butler and Volmer, or by one of their two branches (Tafel).

    j = i0 A exp(a f (V - phi - E°)) - i0 B exp(-b f (V - phi - E°)), with f = F/RT, the exchange current density i0
    at c° = 1000 mol/m³, and A and B the products of c/c° of the reduced and of the oxidised ions to their orders
    (Bard and Faulkner 2001), at 25 °C. Potentials are against the reference electrode of E°.
    Raises ProcessError for a reaction without electrons, or an exchange current that is not above zero.
    """

    reaction: Reaction
    standard_potential_v: float
    exchange_current_a_m2: float
    anodic: Branch | None
    cathodic: Branch | None

    def __post_init__(self) -> None:
        if self.reaction.electrons() == 0:
            raise ProcessError(f"{self.reaction.name} moves no electrons; it does not run at an electrode")
        if self.anodic is None and self.cathodic is None:
            raise ProcessError(f"{self.reaction.name} has neither branch; give the one that runs")
        if not 0 < self.exchange_current_a_m2 < math.inf:
            raise ProcessError(
                f"the exchange current of {self.reaction.name} is {self.exchange_current_a_m2:g} A/m²; "
                "it must be above 0"
            )

    @classmethod
    def reversible(
        cls, reaction: Reaction, standard_potential_v: float, exchange_current_a_m2: float
    ) -> HalfReaction:
        """Return a half reaction that comes to rest where Nernst's equation has it.

        The orders are the counts of the ions on either side, and each direction has half the electrons as transfer
        coefficient.
        """
        electrons = float(reaction.electrons())
        oxidised = {name: n * math.copysign(1, electrons) for name, n in reaction.dissolved.items()}
        anodic = Branch(abs(electrons) / 2, {name: -n for name, n in oxidised.items() if n < 0})
        cathodic = Branch(abs(electrons) / 2, {name: n for name, n in oxidised.items() if n > 0})
        return cls(reaction, standard_potential_v, exchange_current_a_m2, anodic, cathodic)

    @property
    def orders(self) -> tuple[str, ...]:
        """Return the ions that the rate depends on."""
        return tuple(name for branch in (self.anodic, self.cathodic) if branch for name in branch.orders)

    def rest_v(self, solution: Mapping[str, float]) -> float:
        """Return the potential at rest, V, by Nernst; `solution` is mol/m³ by ion, gases at 1 bar, solids pure."""
        product = sum(
            count * math.log(solution[name] / STANDARD_MOL_M3)
            for name, count in self.reaction.per_extent.items()
            if name in solution
        )
        return self.standard_potential_v + THERMAL_VOLTAGE_V * product / float(self.reaction.electrons())

    def current(
        self, concentrations: Mapping[str, float], overvoltage: float
    ) -> tuple[float, float, dict[str, float]]:
        """Return the current density, A/m², anodic positive, with its slopes.

        `overvoltage` is V - phi - E° in thermal voltages; the slopes are those by it, and by each concentration.
        """
        current, slope = 0.0, 0.0
        by_ion: dict[str, float] = {}
        for branch, sign in ((self.anodic, 1.0), (self.cathodic, -1.0)):
            if branch is None:
                continue
            grown, growth = _exponential(sign * branch.transfer * overvoltage)
            size = self.exchange_current_a_m2
            for name, order in branch.orders.items():
                size *= (concentrations[name] / STANDARD_MOL_M3) ** order
            current += sign * size * grown
            slope += size * branch.transfer * growth
            for name, order in branch.orders.items():
                by_ion[name] = by_ion.get(name, 0.0) + sign * size * grown * order / concentrations[name]
        return current, slope, by_ion


def _exponential(exponent: float) -> tuple[float, float]:
    """Return the exponential and its slope, straight beyond the largest exponent."""
    if exponent <= LARGEST_EXPONENT:
        grown = math.exp(exponent)
        return grown, grown
    top = math.exp(LARGEST_EXPONENT)
    return top * (1 + exponent - LARGEST_EXPONENT), top


@dataclass(frozen=True)
class MassAction:
    """A reaction in the solution, forwards and backwards by mass action; water counts as 1.

    `ln_constant` is that of the equilibrium in activities, `backward_rate` that of the reaction from right to left,
    in m³/mol/s to the power that its order asks.
    """

    reaction: Reaction
    ln_constant: float
    backward_rate: float

    @cached_property
    def forward_rate(self) -> float:
        """Return the rate constant from left to right, by the equilibrium."""
        change = sum(self.reaction.dissolved.values())
        return self.backward_rate * math.exp(self.ln_constant) * STANDARD_MOL_M3**change

    def rate(self, concentrations: Mapping[str, Vector]) -> tuple[Vector, dict[str, Vector]]:
        """Return the rate, mol/m³/s, with its slopes by each concentration; every array (nodes,)."""
        total: Vector = np.zeros_like(next(iter(concentrations.values())))
        slopes = {name: np.zeros_like(total) for name in self.reaction.dissolved}
        for constant, sign in ((self.forward_rate, -1.0), (self.backward_rate, 1.0)):
            orders = {name: sign * count for name, count in self.reaction.dissolved.items() if sign * count > 0}
            size = constant * np.ones_like(total)
            for name, order in orders.items():
                size = size * concentrations[name] ** order
            total = total - sign * size
            for name, order in orders.items():
                slopes[name] -= sign * size * order / concentrations[name]
        return total, slopes


@dataclass(frozen=True)
class Solid:
    """A solid that precipitates where the solution is saturated, and dissolves where it is not: at equilibrium.

    `reaction` is its dissolving, for one mole of solid; `ln_solubility` the equilibrium of that in activities.
    """

    reaction: Reaction
    ln_solubility: float

    @property
    def name(self) -> str:
        """Return the solid."""
        return next(name for name in self.reaction.coefficients if species(name).phase == "s")

    def ln_saturation(self, concentrations: Mapping[str, Vector]) -> Vector:
        """Return the logarithm of the ion product over the solubility product (nodes,); above 0 it precipitates."""
        product: Vector = -self.ln_solubility * np.ones_like(next(iter(concentrations.values())))
        for name, count in self.reaction.dissolved.items():
            product = product + count * np.log(concentrations[name] / STANDARD_MOL_M3)
        return product
