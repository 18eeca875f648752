"""How much heat does a reaction take, and which way does it run at a temperature?

Enthalpy and entropy of a substance are NASA polynomials (McBride, Gordon and Reno 1993), or an enthalpy of formation,
an entropy and a heat capacity that is a line in the temperature, brought into the same form. Pressures are in bar and
relative to the standard state of 1 bar; gases are ideal, solids pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.constants import atm, bar, gas_constant, zero_Celsius

from magnetflow import tables
from magnetflow.arrays import Array, Matrix
from magnetflow.errors import ProcessError
from magnetflow.recovery.chemistry.reactions import Reaction
from magnetflow.recovery.plant.streams import Stream

REFERENCE_K = 298.15
JOULE_PER_KWH = 3.6e6
ATMOSPHERE_BAR = atm / bar


@lru_cache(maxsize=1)
def _pieces() -> Mapping[str, Matrix]:
    """Return the polynomials of every substance, (ranges, 9): lowest and highest temperature, seven coefficients."""
    wide = tables.read("thermo_polynomials").pivot(
        index=["species", "piece", "low", "high"], columns="coefficient", values="value"
    )
    ranges = wide.reset_index()
    figures = ranges[["low", "high", 1, 2, 3, 4, 5, 6, 7]].to_numpy(dtype=float)
    pieces = {str(name): figures[rows] for name, rows in ranges.groupby("species").indices.items()}
    constants = tables.read("thermo_constants")
    factor = constants["unit"].map({"kJ/mol": 1e3}).fillna(1.0)
    for name, rows in constants.assign(value=constants["value"] * factor).groupby("species"):
        pieces[str(name)] = _from_constants(dict(zip(rows["quantity"], rows["value"], strict=True)))
    return pieces


def _from_constants(of: Mapping[str, float]) -> Matrix:
    """Bring enthalpy of formation, entropy and a heat capacity a + b T into the form of a polynomial, (1, 9)."""
    a1 = of["heat capacity"] / gas_constant
    a2 = of.get("slope of heat capacity", 0.0) / gas_constant
    a6 = of["enthalpy of formation"] / gas_constant - a1 * REFERENCE_K - a2 * REFERENCE_K**2 / 2
    a7 = of["entropy"] / gas_constant - a1 * np.log(REFERENCE_K) - a2 * REFERENCE_K
    return np.array([[REFERENCE_K, of["highest temperature"], a1, a2, 0, 0, 0, a6, a7]])


def _coefficients(name: str, temperature_k: Array) -> Array:
    """Return the coefficients that hold at each temperature, (..., 7).

    Raises ProcessError for a substance without data, or a temperature outside them.
    """
    if name not in _pieces():
        raise ProcessError(f"no enthalpy and no heat capacity of {name} in the tables")
    pieces = _pieces()[name]
    low, high = pieces[0, 0], pieces[-1, 1]
    outside = (temperature_k < low - 1e-9) | (temperature_k > high + 1e-9)
    if outside.any():
        found = temperature_k[outside].flat[0]
        raise ProcessError(
            f"{found - zero_Celsius:g} °C is outside the data of {name}, "
            f"{low - zero_Celsius:g} to {high - zero_Celsius:g} °C; choose a temperature within"
        )
    at = np.clip(np.searchsorted(pieces[:, 0], temperature_k, side="right") - 1, 0, len(pieces) - 1)
    return pieces[at, 2:]


def enthalpy_j(name: str, temperature_k: ArrayLike) -> Array:
    """Return the molar enthalpy of a substance, J/mol, counted from the elements at 298.15 K.

    The result has the shape of the temperatures, as in all functions below.
    """
    t = np.asarray(temperature_k, dtype=float)
    a = _coefficients(name, t)
    power = t[..., None] ** np.arange(5) / np.arange(1, 6)
    return gas_constant * (t * (a[..., :5] * power).sum(-1) + a[..., 5])  # type: ignore[no-any-return]


def entropy_j_per_k(name: str, temperature_k: ArrayLike) -> Array:
    """Return the molar entropy of a substance at 1 bar, J/(mol K). Raises ProcessError where none is known."""
    t = np.asarray(temperature_k, dtype=float)
    a = _coefficients(name, t)
    if np.isnan(a).any():
        raise ProcessError(f"no entropy of {name} is known, so no Gibbs energy either")
    power = t[..., None] ** np.arange(1, 5) / np.arange(1, 5)
    return gas_constant * (a[..., 0] * np.log(t) + (a[..., 1:5] * power).sum(-1) + a[..., 6])  # type: ignore[no-any-return]


def reaction_gibbs_j(reaction: Reaction, temperature_k: ArrayLike) -> Array:
    """Return the standard Gibbs energy of one unit of extent at a temperature, J."""
    t = np.asarray(temperature_k, dtype=float)
    parts = [n * (enthalpy_j(name, t) - t * entropy_j_per_k(name, t)) for name, n in reaction.per_extent.items()]
    return np.sum(parts, axis=0)  # type: ignore[no-any-return]


def equilibrium_constant(reaction: Reaction, temperature_k: ArrayLike) -> Array:
    """Return the equilibrium constant of a reaction, pressures in bar."""
    t = np.asarray(temperature_k, dtype=float)
    return np.exp(-reaction_gibbs_j(reaction, t) / (gas_constant * t))  # type: ignore[no-any-return]


def stream_enthalpy_j(stream: Stream, temperature_k: float) -> tuple[float, Stream]:
    """Return the enthalpy of a stream at a temperature, J, and the part of it for which there are no data."""
    known = stream.only(lambda name: name in _pieces())
    enthalpy = math.fsum(amount * float(enthalpy_j(name, temperature_k)) for name, amount in known.moles.items())
    return enthalpy, stream - known
