"""How much heat, cooling and electricity does a unit take, and at which temperature?

Heat is counted from cold streams to hot ones; nothing is lost through a shell, and none is won back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from magnetflow.errors import ProcessError
from magnetflow.recovery.chemistry.species import WATER
from magnetflow.recovery.chemistry.thermochemistry import (
    JOULE_PER_KWH,
    REFERENCE_K,
    enthalpy_j,
    stream_enthalpy_j,
)
from magnetflow.recovery.plant.streams import Stream

HEAT, COOLING, ELECTRICITY = "heat", "cooling", "electricity"
BOILING_K = 373.15  # of water


@dataclass(frozen=True)
class Duty:
    """What a unit takes for a batch: `heat`, `cooling` or `electricity`, kWh, never below zero.

    `temperature_c` is the level at which heat is needed or given off. `details` are figures behind the duty by name,
    with the unit in the name.
    """

    unit: str
    kind: str
    energy_kwh: float
    temperature_c: float | None = None
    details: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Heat:
    """The heat that turns one stream into another, below zero where it is given off; what could not be counted."""

    duty_kwh: float
    reaction_kwh: float  # of it at 298.15 K
    uncounted_kg: float

    def as_duty(self, unit: str, temperature_c: float) -> Duty:
        """Return the heat as a duty of a unit at a level of temperature: cooling where it is given off."""
        kind = HEAT if self.duty_kwh >= 0 else COOLING
        return Duty(unit, kind, abs(self.duty_kwh), temperature_c, {"uncounted_kg": self.uncounted_kg})


def heat_between(charge: Stream, charge_k: float, made: Stream, made_k: float) -> Heat:
    """Return the heat that turns a charge at one temperature into products at another, kWh.

    Matter without data that passes through unchanged is left out, and its mass returned as `uncounted_kg`.
    Raises ProcessError for a substance without data that reacts, and for a temperature outside the data.
    """
    before, unknown = stream_enthalpy_j(charge, charge_k)
    after, unknown_made = stream_enthalpy_j(made, made_k)
    changed = {*unknown.moles.items()} ^ {*unknown_made.moles.items()}
    if changed:
        raise ProcessError(f"no heat of formation of {min(changed)[0]} is known, and it reacts; add it to the tables")
    cold, _ = stream_enthalpy_j(charge, REFERENCE_K)
    made_cold, _ = stream_enthalpy_j(made, REFERENCE_K)
    return Heat((after - before) / JOULE_PER_KWH, (made_cold - cold) / JOULE_PER_KWH, unknown.mass_kg())


def boiling(unit: str, condensate: Stream) -> list[Duty]:
    """Return the heat that boils off the water of a condensate from 25 °C, and the cooling that brings it back."""
    each_j = float(enthalpy_j("H2O(g)", BOILING_K) - enthalpy_j(WATER, REFERENCE_K))
    energy_kwh = condensate.of(WATER) * each_j / JOULE_PER_KWH
    return [Duty(unit, kind, energy_kwh, 100.0) for kind in (HEAT, COOLING)]
