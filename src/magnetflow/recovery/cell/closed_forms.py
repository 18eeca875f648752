"""Where is the answer of a cell known beforehand?

Closed forms of textbooks, with which the numerical cell is compared: Newman and Thomas-Alyea (2004) for transport,
Bard and Faulkner (2001) for courses in time, Hodgkin and Katz (1949) for membranes. Water at 25 °C; potentials are
V, concentrations mol/m³, solutions mol/m³ by ion.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.integrate import quad
from scipy.special import erf, erfinv

from magnetflow.arrays import Vector
from magnetflow.recovery.cell.kinetics import STANDARD_MOL_M3, THERMAL_VOLTAGE_V, HalfReaction
from magnetflow.recovery.cell.model import PERMITTIVITY_F_M
from magnetflow.recovery.chemistry.species import species
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL


def gouy_chapman_v(places_m: Vector, wall_v: float, debye_m: float) -> Vector:
    """Return the potential at places (places,) before a wall in a salt of single charges."""
    decayed = np.tanh(wall_v / (4 * THERMAL_VOLTAGE_V)) * np.exp(-places_m / debye_m)
    return np.asarray(4 * THERMAL_VOLTAGE_V * np.arctanh(decayed))


def poisson_boltzmann_m(potential_v: float, wall_v: float, solution: Mapping[str, float]) -> float:
    """Return how far from a wall a potential is reached, for any salt: the field by its first integral, then a sum.

    (dphi/dx)² = (2 RT / eps) sum c (exp(-z phi) - 1), phi in thermal voltages.
    """
    scale = 2 * FARADAY_C_PER_MOL / (PERMITTIVITY_F_M * THERMAL_VOLTAGE_V)

    def per_field(u: float) -> float:
        total = sum(amount * math.expm1(-species(name).charge * u) for name, amount in solution.items())
        return 1 / math.sqrt(scale * total)

    return abs(float(quad(per_field, potential_v / THERMAL_VOLTAGE_V, wall_v / THERMAL_VOLTAGE_V, epsrel=1e-11)[0]))


def grahame_v(charge_c_m2: float, salt_mol_m3: float) -> float:
    """Return the potential of a wall that bears a charge before a salt of single charges."""
    scale = math.sqrt(8 * PERMITTIVITY_F_M * THERMAL_VOLTAGE_V * FARADAY_C_PER_MOL * salt_mol_m3)
    return 2 * THERMAL_VOLTAGE_V * math.asinh(charge_c_m2 / scale)


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


def cottrell_mol_m2(bulk_mol_m3: float, diffusivity_m2_s: float, time_s: float) -> float:
    """Return what has reached a surface at which its concentration is zero: the current of Cottrell, summed."""
    return 2 * bulk_mol_m3 * math.sqrt(diffusivity_m2_s * time_s / math.pi)


def goldman_flux_mol_m2_s(charge: int, permeability_m_s: float, left: float, right: float, drop_v: float) -> float:
    """Return the flux from left to right through a field that is the same everywhere; `drop_v` is left less right."""
    u = charge * drop_v / THERMAL_VOLTAGE_V
    if u == 0:
        return permeability_m_s * (left - right)
    return permeability_m_s * u * (left - right * math.exp(-u)) / -math.expm1(-u)


def goldman_potential_v(
    permeabilities: Mapping[str, float], left: Mapping[str, float], right: Mapping[str, float]
) -> float:
    """Return the potential on the right less that on the left at which ions of single charge carry no current."""
    ends = [0.0, 0.0]
    for name, permeability in permeabilities.items():
        one, other = (left, right) if species(name).charge > 0 else (right, left)
        ends[0] += permeability * one.get(name, 0.0)
        ends[1] += permeability * other.get(name, 0.0)
    return THERMAL_VOLTAGE_V * math.log(ends[0] / ends[1])


def binary_junction_v(cation: tuple[int, float], anion: tuple[int, float], left: float, right: float) -> float:
    """Return the potential on the right less that on the left between two strengths of one salt."""
    transport = binary_salt(cation, anion).transport_number
    return THERMAL_VOLTAGE_V * (transport / cation[0] + (1 - transport) / anion[0]) * math.log(left / right)


def lewis_sargent_v(left_mobile: float, right_mobile: float) -> float:
    """Return the potential on the right less that on the left between two salts of one strength with a common anion.

    Each is given by the sum of the diffusivities of its two ions, of single charge.
    """
    return THERMAL_VOLTAGE_V * math.log(left_mobile / right_mobile)


def donnan_v(fixed_charge_mol_m3: float, salt_mol_m3: float) -> float:
    """Return the potential of a membrane over a solution of ions of single charge at rest with it."""
    return THERMAL_VOLTAGE_V * math.asinh(fixed_charge_mol_m3 / (2 * salt_mol_m3))


def nernst_v(half: HalfReaction, solution: Mapping[str, float]) -> float:
    """Return the potential of a half reaction at rest; gases at 1 bar, solids pure."""
    electrons = float(half.reaction.electrons())
    product = sum(
        count * math.log(solution[name] / STANDARD_MOL_M3)
        for name, count in half.reaction.per_extent.items()
        if name in solution
    )
    return half.standard_potential_v + THERMAL_VOLTAGE_V * product / electrons


def precipitated_mol_m2(left: float, right: float, diffusivity_m2_s: float, time_s: float) -> float:
    """Return the solid between a solution that enters from the left and one that fills the right.

    `left` and `right` are what each could precipitate, mol of solid a m³; nothing of either passes the front at which
    they meet, and all ions have one diffusivity.
    Both profiles are error functions, and at the front their fluxes are equal (Crank 1975, chapter 13).
    """
    at = float(erfinv(left / (left + right)))
    flux = left * math.sqrt(diffusivity_m2_s / math.pi) * math.exp(-(at**2)) / float(erf(at))
    return 2 * flux * math.sqrt(time_s)
