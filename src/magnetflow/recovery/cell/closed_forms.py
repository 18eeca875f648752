"""Where is the answer of a cell known beforehand?

Closed forms of textbooks, with which the numerical cell is compared: Newman and Thomas-Alyea (2004) for transport,
Bard and Faulkner (2001) for courses in time. Water at 25 °C; potentials are V, concentrations mol/m³.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from magnetflow.arrays import Vector
from magnetflow.recovery.cell.kinetics import THERMAL_VOLTAGE_V
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL


def gouy_chapman_v(places_m: Vector, wall_v: float, debye_m: float) -> Vector:
    """Return the potential at places (places,) before a wall in a salt of single charges."""
    decayed = np.tanh(wall_v / (4 * THERMAL_VOLTAGE_V)) * np.exp(-places_m / debye_m)
    return np.asarray(4 * THERMAL_VOLTAGE_V * np.arctanh(decayed))


class Salt(NamedTuple):
    """What a salt of two ions does as one: its diffusivity, and the transport number of the cation."""

    diffusivity_m2_s: float
    transport_number: float


def binary_salt(cation: tuple[int, float], anion: tuple[int, float]) -> Salt:
    """Return the salt of two ions, each with charge and diffusivity."""
    (z_plus, d_plus), (z_minus, d_minus) = cation, anion
    mobile = z_plus * d_plus - z_minus * d_minus
    return Salt(d_plus * d_minus * (z_plus - z_minus) / mobile, z_plus * d_plus / mobile)


def limiting_current_a_m2(
    charge: int, diffusivity_m2_s: float, bulk_mol_m3: float, layer_m: float, other_charge: int | None
) -> float:
    """Return the limiting current of an ion that reacts, alone with ions that do not or with support in excess.

    Alone, migration brings (1 + z+/|z-|) times what diffusion does; `other_charge` is None with support.
    """
    helped = 1.0 if other_charge is None else 1 + charge / abs(other_charge)
    return helped * charge * FARADAY_C_PER_MOL * diffusivity_m2_s * bulk_mol_m3 / layer_m


def sand_time_s(
    current_a_m2: float, charge: int, bulk_mol_m3: float, diffusivity_m2_s: float, transport_number: float = 0.0
) -> float:
    """Return after which time an ion runs out at an electrode; without support, of the salt and its transport."""
    charge_at_hand = charge * FARADAY_C_PER_MOL * bulk_mol_m3 / (2 * current_a_m2 * (1 - transport_number))
    return math.pi * diffusivity_m2_s * charge_at_hand**2
