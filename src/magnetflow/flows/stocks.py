"""How much stands in use, when only the capacity is counted?

Two valuations of the same capacity.
By current shares, everything standing is taken to be what the market sells this year.
By cohort, each year's additions keep the technology they were built with.
They agree only while the market does not change.
"""

from __future__ import annotations

import xarray as xr

from magnetflow.flows.estimate import embedded_in_capacity


def stock_by_current_shares(
    capacity_mw: xr.DataArray, shares: xr.DataArray, intensity_kg_per_mw: xr.DataArray
) -> xr.DataArray:
    """Return the stock in kg at each year's end: the capacity standing times the market shares of that year."""
    return embedded_in_capacity(capacity_mw, shares.sel(year=capacity_mw.year), intensity_kg_per_mw)


def stock_by_cohort(
    additions_mw: xr.DataArray, shares: xr.DataArray, intensity_kg_per_mw: xr.DataArray
) -> xr.DataArray:
    """Return the stock in kg at each year's end: the sum of all additions so far, each at the shares of its own year.

    Additions before the first year of `shares` take the shares of that first year.
    A later year without shares raises KeyError, and an addition that is NaN makes every later stock NaN.
    Additions are net of withdrawals, which this method takes out at the shares of the year of withdrawal.
    """
    first = int(shares.year[0])
    taken = [max(int(year), first) for year in additions_mw.year]
    own_shares = shares.sel(year=taken).assign_coords(year=additions_mw.year)
    mass = embedded_in_capacity(additions_mw, own_shares, intensity_kg_per_mw)
    return mass.cumsum("year", skipna=False).assign_coords(year=additions_mw.year)


def phase_opening_stock(opening_mw: xr.DataArray, additions_mw: xr.DataArray) -> xr.DataArray:
    """Spread a stock that opens a series over the years in which it was built.

    The years follow `additions_mw`, whose sum is scaled to `opening_mw`.
    """
    return additions_mw * (opening_mw / additions_mw.sum("year", skipna=False))
