"""How much stands in use, when only the capacity is counted?

Two valuations of the same capacity.
By current shares, everything standing is taken to be what the market sells this year.
By cohort, each year's additions keep the technology they were built with.
They agree only while the market does not change.
Where products are counted, survival tells how many of each year's are still in use.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import gamma

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
    years_of_shares = additions_mw.year.clip(min=first).values
    own_shares = shares.sel(year=years_of_shares).assign_coords(year=additions_mw.year)
    mass = embedded_in_capacity(additions_mw, own_shares, intensity_kg_per_mw)
    return mass.cumsum("year", skipna=False).assign_coords(year=additions_mw.year)


def phase_opening_stock(opening_mw: xr.DataArray, additions_mw: xr.DataArray) -> xr.DataArray:
    """Spread a stock that opens a series over the years in which it was built.

    The years follow `additions_mw`, whose sum is scaled to `opening_mw`.
    """
    return additions_mw * (opening_mw / additions_mw.sum("year", skipna=False))


def survival(age_years: xr.DataArray, mean_years: float, shape: float) -> xr.DataArray:
    """Return the share of products still in use at an age, for a Weibull lifetime with the given mean.

    S(a) = exp(-(a / λ)^k) with shape k and scale λ = mean / Γ(1 + 1/k).
    """
    scale_years = mean_years / float(gamma(1.0 + 1.0 / shape))
    share: xr.DataArray = xr.apply_ufunc(np.exp, -((age_years.clip(min=0.0) / scale_years) ** shape))
    return share


def surviving(
    inflow: xr.DataArray, at_year: int, mean_years: float, shape: float, known_until: int | None = None
) -> xr.DataArray:
    """Return what is left at the end of `at_year` of each year's inflow, which enters at mid-year on average.

    With `known_until` the inflow is what of each year was still in use at the end of that year, and only later
    losses are taken off.
    """
    age = at_year + 0.5 - inflow.year
    left = survival(age, mean_years, shape)
    if known_until is not None:
        left = left / survival(known_until + 0.5 - inflow.year, mean_years, shape)
    return inflow * left
