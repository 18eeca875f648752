"""What flows from one unit to the next: moles by species, each in its phase.

A stream never holds less than nothing of a species. What an assay leaves open is carried as an *unaccounted* solid.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from scipy.constants import atm, gas_constant, zero_Celsius

from magnetflow.errors import ProcessError
from magnetflow.recovery.chemistry.species import UNACCOUNTED, atomic_weight_kg, species

ROUNDING = 1e-13  # part of all moles in a stream; below nothing by less than this is the processor's rounding
FEWEST_MOL = 1e-24  # less than an atom
NORMAL_VOLUME_M3 = gas_constant * zero_Celsius / atm  # of a mole of ideal gas at 0 °C and 101,325 Pa


@dataclass(frozen=True)
class Stream:
    """Moles by species. Raises ProcessError for a species that does not parse, or that there is less than none of."""

    moles: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the species and drop what is not there."""
        lowest = -ROUNDING * math.fsum(abs(amount) for amount in self.moles.values())
        present = {}
        for name in sorted(self.moles):
            species(name)
            amount = float(self.moles[name])
            if FEWEST_MOL < amount < math.inf:
                present[name] = amount
            elif not math.isfinite(amount):
                raise ProcessError(f"a stream holds {amount} mol of {name}")
            elif amount < min(lowest, -FEWEST_MOL):
                raise ProcessError(f"a stream holds {amount:.6g} mol of {name}, less than nothing")
        object.__setattr__(self, "moles", MappingProxyType(present))

    def __add__(self, other: Stream) -> Stream:
        """Return both streams as one."""
        return mix([self, other])

    def __sub__(self, other: Stream) -> Stream:
        """Return what is left when `other` is taken out; raises ProcessError if it holds more than is there."""
        together = dict(self.moles)
        for name, amount in other.moles.items():
            together[name] = together.get(name, 0.0) - amount
        return Stream(together)

    def __mul__(self, factor: float) -> Stream:
        """Return the stream `factor` times as large."""
        return Stream({name: factor * amount for name, amount in self.moles.items()})

    def of(self, name: str) -> float:
        """Return the moles of one species."""
        return self.moles.get(name, 0.0)

    def only(self, chosen: Callable[[str], bool]) -> Stream:
        """Return the part made up of the species whose name is `chosen`."""
        return Stream({name: amount for name, amount in self.moles.items() if chosen(name)})

    def in_phase(self, *phases: str) -> Stream:
        """Return the part that is in one of the phases s, l, g and aq."""
        return self.only(lambda name: species(name).phase in phases)

    def kg(self) -> dict[str, float]:
        """Return the mass of each species, kg."""
        return {name: amount * species(name).molar_mass_kg for name, amount in self.moles.items()}

    def mass_kg(self) -> float:
        """Return the mass of the stream, kg."""
        return math.fsum(self.kg().values())

    def elements_mol(self) -> dict[str, float]:
        """Return the moles of atoms of each element."""
        atoms: Counter[str] = Counter()
        for name, amount in self.moles.items():
            for element, count in species(name).atoms.items():
                atoms[element] += amount * count  # type: ignore[assignment]
        return dict(sorted(atoms.items()))

    def elements_kg(self) -> dict[str, float]:
        """Return the mass of each element, kg."""
        return {element: amount * atomic_weight_kg(element) for element, amount in self.elements_mol().items()}

    def charge_mol(self) -> float:
        """Return the moles of elementary charges; a stream that can be bottled has none."""
        return math.fsum(amount * species(name).charge for name, amount in self.moles.items())


def mix(streams: Iterable[Stream]) -> Stream:
    """Return several streams as one."""
    together: Counter[str] = Counter()
    for stream in streams:
        for name, amount in stream.moles.items():
            together[name] += amount  # type: ignore[assignment]
    return Stream(together)


def of_mass(kg: Mapping[str, float]) -> Stream:
    """Return the stream that holds these masses, kg by species.

    Raises ProcessError for a mass below zero or not finite.
    """
    for name, mass in kg.items():
        if not (math.isfinite(mass) and mass >= 0):
            raise ProcessError(f"{mass:g} kg of {name}: a mass must be zero or more")
    return Stream({name: mass / species(name).molar_mass_kg for name, mass in kg.items()})


def of_assay(shares: Mapping[str, float], mass_kg: float) -> Stream:
    """Return a solid of a mass by its assay, mass share by element; what is left open is unaccounted.

    Raises ProcessError if the assay holds a share below 0, or more than 1 in all.
    """
    for element, share in shares.items():
        if list(species(element).atoms.items()) != [(element, 1)] or element == UNACCOUNTED:
            raise ProcessError(f"composition: {element!r} is no element; give mass shares by symbol")
        if not (math.isfinite(share) and share >= 0):
            raise ProcessError(f"composition: a share of {share:g} of {element}; give 0 to 1")
    total = math.fsum(shares.values())
    if total > 1 + ROUNDING:
        raise ProcessError(
            f"composition: the shares add up to {100 * total:.6g} %, more than the whole; mend the assay"
        )
    kg = {f"{element}(s)": share * mass_kg for element, share in shares.items()}
    return of_mass(kg | {f"{UNACCOUNTED}(s)": max(0.0, 1 - total) * mass_kg})


def gas_volume_m3(stream: Stream) -> float:
    """Return the volume of the gases of a stream at 0 °C and 101,325 Pa, taken as ideal."""
    return float(NORMAL_VOLUME_M3 * sum(stream.in_phase("g").moles.values()))
