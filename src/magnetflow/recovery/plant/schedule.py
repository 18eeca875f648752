"""How far do metals react, and how much salt escapes, while a kiln follows a schedule of temperatures?

A model with assumed rates: each metal reacts in proportion to what is left of it, and to the salt that is there once
that is less than all metals take; salt escapes in proportion to itself, and both follow Arrhenius's law. It shows
which way a schedule works, and no more: no rate of solid-state chlorination could be read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.constants import gas_constant, zero_Celsius

from magnetflow.errors import ProcessError
from magnetflow.recovery.plant.conditions import RARE_EARTHS

REFERENCE_C = 350.0
STEPS_AN_HOUR = 20


@dataclass(frozen=True)
class Rates:
    """Rates at 350 °C, 1/h, and energies of activation, J/mol."""

    rare_earths: float
    iron: float
    escape: float
    activation_j: float
    activation_of_escape_j: float


@dataclass(frozen=True)
class Baked:
    """What a schedule leaves: conversion by metal, and the part of the salt that escaped."""

    conversion: dict[str, float]
    escaped: float


def bake(
    schedule: Sequence[tuple[float, float]], salt_mol: float, needed_mol: Mapping[str, float], rates: Rates
) -> Baked:
    """Return what a schedule of (temperature in °C, hours) does to metals that take `needed_mol` of salt by metal.

    Raises ProcessError for a hold that lasts less than no time, or salt or need below zero.
    """
    amounts = [salt_mol, *needed_mol.values(), *(hours for _, hours in schedule)]
    if not all(math.isfinite(amount) and amount >= 0 for amount in amounts):
        raise ProcessError("a schedule has holds, and a charge has salt, of zero or more")
    if not all(temperature_c > -zero_Celsius for temperature_c, _ in schedule):
        raise ProcessError("a hold stands at or below -273.15 °C; give its temperature in °C")
    metals = [metal for metal, need in needed_mol.items() if need > 0]
    need = np.array([needed_mol[metal] for metal in metals])
    at_reference = np.array([rates.rare_earths if metal in RARE_EARTHS else rates.iron for metal in metals])
    left, salt, escaped = np.ones(len(metals)), salt_mol, 0.0
    for temperature_c, hours in schedule:
        react = at_reference * _arrhenius(temperature_c, rates.activation_j)
        escape = rates.escape * _arrhenius(temperature_c, rates.activation_of_escape_j)
        steps = max(1, math.ceil(hours * STEPS_AN_HOUR))
        for _ in range(steps):
            there = min(1.0, salt / need.sum())
            reacted = left * -np.expm1(-react * there * hours / steps)
            gone = salt * -math.expm1(-escape * hours / steps)
            asked = float(need @ reacted) + gone
            granted = min(1.0, salt / asked) if asked > 0 else 0.0
            left = left - granted * reacted
            salt, escaped = salt - granted * asked, escaped + granted * gone
    conversion = dict(zip(metals, (1.0 - left).tolist(), strict=True))
    return Baked(conversion, escaped / salt_mol if salt_mol else 0.0)


def _arrhenius(temperature_c: float, activation_j: float) -> float:
    inverse = 1 / (temperature_c + zero_Celsius) - 1 / (REFERENCE_C + zero_Celsius)
    return math.exp(-activation_j / gas_constant * inverse)
