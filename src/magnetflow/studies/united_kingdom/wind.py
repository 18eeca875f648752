"""How much rare earth went into the UK's wind turbines, and how much stands there?

Puts the tables of wind capacity, additions, generator shares and intensities through Eq. (3).
Arrays are labelled by site (onshore, offshore), year, generator and element; masses are in kg.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import xarray as xr

from magnetflow import tables
from magnetflow.errors import InputError
from magnetflow.flows.estimate import embedded_in_capacity
from magnetflow.flows.stocks import phase_opening_stock, stock_by_cohort, stock_by_current_shares

OFFSHORE = ("offshore_seabed", "offshore_floating")
PLANNING_DATABASE = ("repd_2021_03", "repd_2021_06", "repd_2022_07", "repd_2023_10", "repd_2024_07")
NEAREST_VINTAGE = "repd_2023_10"  # the study used July 2023, which was not found
HISTORY = "ce_observatory"  # the one series of additions that reaches back to the first turbines


def capacity_mw() -> xr.DataArray:
    """Return the capacity standing at each year's end, by site and year; offshore is seabed plus floating."""
    lines = tables.to_array(tables.read("wind_capacity"), ["site", "year"], "MW")
    offshore = lines.sel(site=list(OFFSHORE)).sum("site", skipna=False)
    return xr.concat([lines.sel(site="onshore", drop=True), offshore], pd.Index(["onshore", "offshore"], name="site"))


def additions_mw() -> xr.DataArray:
    """Return gross additions by vintage, site and year; a year that a vintage does not cover is NaN."""
    return tables.to_array(tables.read("wind_additions"), ["vintage", "site", "year"], "MW").sortby("year")


def study_additions_mw() -> xr.DataArray:
    """Return gross additions by site and year, from the edition nearest to that of the study."""
    return additions_mw().sel(vintage=NEAREST_VINTAGE, drop=True)


def net_additions_mw() -> xr.DataArray:
    """Return the change of the capacity standing, by site and year, from the second year of the series."""
    return capacity_mw().diff("year")


def shares() -> xr.DataArray:
    """Return the market share of each generator type, by site, year and generator."""
    return tables.to_array(tables.read("generator_shares"), ["site", "year", "generator"], "1")


def intensity_kg_per_mw() -> xr.DataArray:
    """Return the mass of each element per capacity, by generator and element."""
    return tables.to_array(tables.read("generator_intensity"), ["generator", "element"], "kg/MW")


def opening_additions_mw() -> xr.DataArray:
    """Return what the working file has added, by site and year, up to the first year of the capacity series."""
    first = int(capacity_mw().year[0])
    return additions_mw().sel(vintage=HISTORY, drop=True).sel(year=slice(None, first))


def cohort_additions_mw() -> xr.DataArray:
    """Return net additions by site and year, from the first turbine on.

    What stood at the end of the first year of the capacity series is phased by the additions of the working file
    and scaled to that capacity; later years are the differences of the series.
    Raises InputError when a year is open on either site.
    """
    opening = capacity_mw().isel(year=0, drop=True)
    phased = phase_opening_stock(opening, opening_additions_mw())
    additions = xr.concat([phased, net_additions_mw()], "year")
    years = additions.year.values.tolist()
    gaps = sorted(set(range(years[0], years[-1] + 1)) - set(additions.dropna("year").year.values.tolist()))
    if gaps:
        raise InputError(f"wind_capacity and wind_additions leave {gaps[0]} open; every year is needed")
    return additions


def new_installation_kg(additions: xr.DataArray, years: Sequence[int]) -> xr.DataArray:
    """Return the mass in what was added in each of `years`, at the shares of that year."""
    own = list(years)
    return embedded_in_capacity(additions.sel(year=own), shares().sel(year=own), intensity_kg_per_mw())


def stock_kg() -> xr.DataArray:
    """Return the stock at each year's end by current shares, as the study seems to have done."""
    return stock_by_current_shares(capacity_mw(), shares(), intensity_kg_per_mw())


def cohort_stock_kg() -> xr.DataArray:
    """Return the stock at each year's end by cohort, for the same years as `stock_kg`."""
    stock = stock_by_cohort(cohort_additions_mw(), shares(), intensity_kg_per_mw())
    return stock.sel(year=capacity_mw().year)


def assumed_generators() -> list[str]:
    """Return the generator types whose intensities are fillers, marked *assumed*."""
    table = tables.read("generator_intensity")
    return list(table.loc[table["confidence"] == "assumed", "generator"].unique())


def magnet_generators() -> list[str]:
    """Return the generator types whose rotor field comes from permanent magnets."""
    table = tables.read("generator_types")
    return list(table.loc[table["value"] == 1, "generator"])


def magnet_share(years: Sequence[int]) -> float:
    """Return the share of generators with permanent magnets in the capacity added in `years`."""
    own = list(years)
    added = (study_additions_mw().sel(year=own) * shares().sel(year=own)).sum(["site", "year"])
    return float(added.sel(generator=magnet_generators()).sum() / added.sum())


def check_parameters(years: Sequence[int], elements: Sequence[str]) -> None:
    """Raise InputError when chapters cannot run with these: not in the tables, given twice, or years with a gap."""
    additions = additions_mw().sel(vintage=list(PLANNING_DATABASE)).dropna("year")
    covered = sorted(set(additions.year.values.tolist()) & set(net_additions_mw().year.values.tolist()))
    known = intensity_kg_per_mw().element.values.tolist()
    for year in years:
        if year not in covered:
            raise InputError(f"years: {year} is not in the tables, which cover {covered[0]} to {covered[-1]}")
    for element in elements:
        if element not in known:
            raise InputError(f"elements: {element} is not in the tables, which hold {', '.join(known)}")
    if list(years) != list(range(min(years), max(years) + 1)):
        raise InputError("years: give one run of years, such as 2017-2021, so that stocks and flows fit together")
    if len(set(elements)) < len(elements):
        raise InputError("elements: each may stand only once")
