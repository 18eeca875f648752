"""Which metals can a gas chlorinate at a temperature, and how far is the gas from burning?

Equilibria only: they show what is possible, not how fast. Flammability is a screening by Le Chatelier's rule with
limits in air at 25 °C; it is no safety case.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.constants import zero_Celsius
from scipy.optimize import brentq

from magnetflow.arrays import Array
from magnetflow.errors import ProcessError
from magnetflow.recovery.chemistry.reactions import reactions
from magnetflow.recovery.chemistry.thermochemistry import (
    ATMOSPHERE_BAR,
    REFERENCE_K,
    equilibrium_constant,
)
from magnetflow.recovery.plant.streams import NORMAL_VOLUME_M3, Stream


def chlorinating_pressure_bar(element: str, temperature_k: ArrayLike, hydrogen_bar: float) -> Array:
    """Return the pressure of HCl above which an element turns to chloride, bar, one a temperature.

    At it M + n HCl = MCl_n + n/2 H2 is in equilibrium under a pressure of hydrogen; of boron, BCl3 at 1 bar.
    """
    reaction = reactions()[f"by_hcl_{element}"]
    moles = reaction.per_extent
    constant = equilibrium_constant(reaction, temperature_k)
    return np.asarray((hydrogen_bar ** moles["H2(g)"] / constant) ** (-1 / moles["HCl(g)"]))


def acid_over_salt_bar(temperature_k: ArrayLike, ammonia_bar: float) -> Array:
    """Return the pressure of HCl over solid ammonium chloride under one of ammonia, bar, one a temperature."""
    return equilibrium_constant(reactions()["sublimation"], temperature_k) / ammonia_bar


def sublimation_temperature_k() -> float:
    """Return the temperature at which ammonia and acid over ammonium chloride reach 1 atm together, K."""
    reaction = reactions()["sublimation"]

    def missing(temperature_k: float) -> float:
        return math.log(2 * math.sqrt(float(equilibrium_constant(reaction, temperature_k))) / ATMOSPHERE_BAR)

    return float(brentq(missing, REFERENCE_K, 790.0, xtol=1e-9))


def vapour_pressure_bar(temperature_k: ArrayLike) -> Array:
    """Return the pressure of iron(II) chloride over the solid, dimer counted twice, bar, one a temperature."""
    single = equilibrium_constant(reactions()["vapour_FeCl2"], temperature_k)
    return single + 2 * equilibrium_constant(reactions()["vapour_Fe2Cl4"], temperature_k)


@dataclass(frozen=True)
class OffGas:
    """What a gas is made of and what it takes to make it safe to vent, by screening."""

    volume_nm3: float
    shares: dict[str, float]  # by volume
    lower_limit: float  # volume share of its fuels in air at which a flame can run
    air_nm3: float  # that brings the fuels to the part of the limit allowed


def off_gas(gas: Stream, limits: Mapping[str, float], allowed: float) -> OffGas:
    """Screen a gas; `limits` gives the lower flammable limit of each fuel, `allowed` the part of it to stay below."""
    if not 0 < allowed <= 1:
        raise ProcessError(f"a part of {allowed:g} of the flammable limit is allowed; give more than 0, at most 1")
    total = math.fsum(gas.moles.values())
    fuels = {name: gas.of(name) for name in limits if gas.of(name)}
    fuel = math.fsum(fuels.values())
    limit = 1 / math.fsum(amount / fuel / limits[name] for name, amount in fuels.items()) if fuel else math.inf
    air = max(0.0, fuel / (allowed * limit) - total)
    shares = {name: amount / total for name, amount in gas.moles.items()}
    return OffGas(NORMAL_VOLUME_M3 * total, shares, limit, NORMAL_VOLUME_M3 * air)


def celsius(temperature_c: ArrayLike) -> Array:
    """Return temperatures in kelvin, of the shape given."""
    return np.asarray(temperature_c, dtype=float) + zero_Celsius  # type: ignore[no-any-return]
