"""What is a figure worth in another unit? Pint is slow to import, and is not asked before units differ."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from magnetflow.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from pint import UnitRegistry


@lru_cache
def registry() -> UnitRegistry[float]:
    """Return the units that figures may have."""
    from pint import UnitRegistry

    known: UnitRegistry[float] = UnitRegistry()
    known.define("GBP = [currency]")
    known.define("USD = [us_dollar]")
    return known


@lru_cache
def conversion_factor(given: str, wanted: str) -> float:
    """Return what a value in the unit `given` is multiplied by to be in the unit `wanted`.

    Raises InputError for units of different kinds, and for what is no unit.
    """
    if given == wanted:
        return 1.0
    from pint.errors import PintError

    try:
        return float(registry().Quantity(1.0, given).to(wanted).magnitude)
    except (PintError, ValueError) as error:
        raise InputError(f"a value in {given} cannot be converted to {wanted}: {error}") from None


def in_unit(frame: pd.DataFrame, unit: str) -> pd.Series[float]:
    """Return the column `value` converted from each row's own unit to `unit`."""
    factors = {given: conversion_factor(given, unit) for given in frame["unit"].unique()}
    return frame["value"].astype(float) * frame["unit"].map(factors)


def to_array(frame: pd.DataFrame, dimensions: Sequence[str], unit: str) -> xr.DataArray:
    """Arrange the values of a table by the columns `dimensions`, in that order, in `unit`.

    Coordinates keep the order of the table.
    A combination without a row is NaN: a figure that is not there is never zero.
    """
    import xarray as xr

    array = xr.DataArray.from_series(in_unit(frame, unit).set_axis(frame.set_index(list(dimensions)).index))
    array = array.reindex({name: frame[name].unique() for name in dimensions})
    return array.transpose(*dimensions).assign_attrs(unit=unit)
