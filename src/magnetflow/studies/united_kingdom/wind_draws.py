"""How sure are the rare earths in the UK's wind turbines, in use by cohort and newly installed?

Each draw is a fleet: which generators the farms of each year got, what a megawatt of each holds by the study that
happens to be right, how long turbines stand, and how old those were that stood when the series of capacity begins.
The capacity standing at each year's end is that of the statistics in every draw.
An input that is fixed is that of `wind.cohort_stock_kg`; with all of them fixed the fleet has that stock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from magnetflow import tables
from magnetflow.arrays import Array, Counts, Matrix, Vector
from magnetflow.errors import InputError
from magnetflow.flows.stocks import survival
from magnetflow.studies.united_kingdom import printed, wind
from magnetflow.studies.united_kingdom.contents import ELEMENTS

INPUTS = ("market shares", "contents of magnets", "types without magnets", "lives", "ages")
SHARES, MAGNETS, OTHERS, LIVES, AGES = INPUTS
DRAWS, SEED = 4000, 1
# Studies whose figures agree within this fraction in two elements or more count as one; assumed.
REPEATED_WITHIN = 0.03
EDITIONS = wind.PLANNING_DATABASE[2:]  # those that cover the last year of the study to its end


class Interval(NamedTuple):
    """Mean, standard deviation, median and ends of the 90 % interval of draws, in their unit."""

    mean: float
    sd: float
    median: float
    low: float
    high: float


def interval(draws: Vector | xr.DataArray) -> Interval:
    """Return what draws (draws) say of a quantity."""
    values = np.asarray(draws)
    return Interval(float(values.mean()), float(values.std()), *np.quantile(values, [0.5, 0.05, 0.95]).tolist())


@dataclass(frozen=True)
class Fleet:
    """Draws of all turbines: what was added, what stands of it, and what a megawatt holds.

    `added_mw` has the dimensions (draw, site, cohort), `standing_mw` (draw, site, year, cohort), `kg_per_mw` (draw,
    site, cohort, element); a cohort is named by the year in which it was added.
    """

    added_mw: xr.DataArray
    standing_mw: xr.DataArray
    kg_per_mw: xr.DataArray

    def stock_kg(self) -> xr.DataArray:
        """Return the stock at each year's end, kg: (draw, site, year, element)."""
        stock = self.standing_mw.to_numpy() @ self.kg_per_mw.to_numpy()
        coords = {**self.standing_mw.drop_vars("cohort").coords, "element": self.kg_per_mw.element}
        return xr.DataArray(stock, coords=coords, dims=["draw", "site", "year", "element"])

    def retired_mw(self, until: int) -> xr.DataArray:
        """Return what was added up to the end of a year and does not stand then, MW: (draw, site)."""
        left = self.standing_mw.sel(year=until, drop=True)
        return (self.added_mw - left).sel(cohort=slice(None, until)).sum("cohort")

    def installed_kg(self, added_mw: xr.DataArray) -> xr.DataArray:
        """Return the mass in capacity added, drawn or not, by site and year, kg: (draw, site, year, element)."""
        contents = self.kg_per_mw.rename(cohort="year").sel(year=added_mw.year)
        return (added_mw * contents).transpose("draw", "site", "year", "element")


def draw_fleet(draws: int = DRAWS, seed: int = SEED, fixed: Collection[str] = ()) -> Fleet:
    """Draw fleets. An input named in `fixed` keeps its central value and leaves the draws of the others as they are.

    Raises InputError for an input that is not one of `INPUTS`, and where capacity is known for years without shares.
    """
    if unknown := set(fixed) - set(INPUTS):
        raise InputError(f"fixed: {min(unknown)} is not an input of the fleet, which are {', '.join(INPUTS)}")
    random = dict(zip(INPUTS, np.random.default_rng(seed).spawn(len(INPUTS)), strict=True))
    capacity, history = wind.capacity_mw().transpose("site", "year"), wind.opening_additions_mw()
    cohorts = np.arange(int(history.year[0]), int(capacity.year[-1]) + 1)
    limits = parameters()
    left = np.ones((1, len(cohorts)))
    if LIVES not in fixed:
        life = random[LIVES].uniform(limits["shortest mean life"], limits["longest mean life"], draws)
        left = surviving_share(len(cohorts), life, limits["shape of life"])
    years_older = np.zeros(1)
    if AGES not in fixed:
        years_older = random[AGES].uniform(-1, 1, draws) * limits["shift of opening years"]
    built = older(history.transpose("site", "year").to_numpy(), years_older)
    shape = (draws, *built.shape[1:])
    added, standing = turnover_mw(capacity.to_numpy(), np.broadcast_to(built, shape), left)
    shares = wind.shares().reindex(year=cohorts, method="bfill").transpose("site", "year", "generator")
    if shares.isnull().any():
        raise InputError(
            f"generator_shares ends before {cohorts[-1]}, the last year of wind_capacity; add its shares"
        )
    drawn = shares.to_numpy()[None]
    if SHARES not in fixed:
        drawn = draw_shares(drawn[0], farms(shares), draws, random[SHARES])
    generators = [str(name) for name in shares.generator.values]
    contents = draw_contents(generators, draws, random, fixed)
    sites = {"draw": np.arange(draws), "site": capacity.site.values}
    return Fleet(
        xr.DataArray(added, coords={**sites, "cohort": cohorts}),
        xr.DataArray(standing, coords={**sites, "year": capacity.year.values, "cohort": cohorts}),
        xr.DataArray(
            np.broadcast_to(drawn @ contents[:, None], (*added.shape, len(ELEMENTS))),
            coords={**sites, "cohort": cohorts, "element": list(ELEMENTS)},
        ),
    )


def parameters() -> pd.Series[float]:
    """Return lives and ages of turbines, years, and the capacity listed as taken down, MW, by their names."""
    return tables.read("wind_fleet").set_index("parameter")["value"]


def surviving_share(years: int, mean_years: Vector, shape: float) -> Matrix:
    """Return the share of a cohort still in use at the end of its first year, its second, and so on: (draws, years).

    Turbines enter at mid-year on average and live as long as `mean_years` (draws), Weibull with one shape.
    """
    age_in_lives = (np.arange(years) + 0.5) / mean_years[:, None]
    return survival(xr.DataArray(age_in_lives, dims=["draw", "age"]), 1.0, shape).to_numpy()


def older(built_mw: Matrix, years_older: Vector) -> Array:
    """Return additions (site, year) as if each had come some years (draws) earlier: (draw, site, year).

    Parts of a year are interpolated; beyond either end the first or the last year goes on.
    """
    last = built_mw.shape[-1] - 1
    place = np.clip(np.arange(last + 1) + years_older[:, None], 0, last)
    before = np.floor(place).astype(int)
    part = (place - before)[:, None]
    after = np.minimum(before + 1, last)
    return np.asarray(
        np.moveaxis(built_mw[:, before], 0, 1) * (1 - part) + np.moveaxis(built_mw[:, after], 0, 1) * part
    )


def turnover_mw(capacity_mw: Matrix, built_mw: Array, left: Matrix) -> tuple[Array, Array]:
    """Return what was added, (draw, site, cohort), and what stands of it, (draw, site, year, cohort), in MW.

    `capacity_mw` (site, year) is what stands in all; `built_mw` (draw, site, cohort) are the cohorts up to the first
    year of it, in proportion; `left` (draw, age in whole years) is the share of a cohort in use at a year's end.
    In the first year what is left of the cohorts is scaled to the capacity; in each later one as much is added as the
    capacity grows by and turbines retired leave to be replaced.
    Raises InputError where turbines retire too slowly for the capacity to fall as it does.
    """
    draws, sites, opening = built_mw.shape
    years = capacity_mw.shape[1]
    cohorts = np.arange(opening + years - 1)
    added = np.zeros((draws, sites, len(cohorts)))
    standing = np.zeros((draws, sites, years, len(cohorts)))
    ages = opening - 1 - cohorts[:opening]
    weights = built_mw * left[:, None, ages]
    standing[:, :, 0, :opening] = weights / weights.sum(-1, keepdims=True) * capacity_mw[:, 0, None]
    added[:, :, :opening] = standing[:, :, 0, :opening] / left[:, None, ages]
    for year in range(1, years):
        new = opening + year - 1
        remaining = added[:, :, :new] * left[:, None, new - cohorts[:new]]
        entering = capacity_mw[:, year] - remaining.sum(-1)
        if (entering < 0).any():
            raise InputError(f"wind_capacity falls in its year {year + 1} by more than lives let retire; check both")
        standing[:, :, year, :new], standing[:, :, year, new] = remaining, entering
        added[:, :, new] = entering / left[:, 0, None]
    return added, standing


def farms(shares: xr.DataArray) -> Counts:
    """Return how many farms of equal size open by site and year of `shares`, at least one, rounded: (site, year)."""
    number = tables.to_array(tables.read("wind_farms"), ["site", "year"], "1")
    by_year = number.reindex(site=shares.site, year=shares.year).fillna(1.0).round().astype(int)
    return np.asarray(by_year.transpose("site", "year").to_numpy())


def draw_shares(shares: Array, farms: Counts, draws: int, random: np.random.Generator) -> Array:
    """Return shares of generators (draw, site, year, generator) where each farm has one type, at the market's odds.

    `shares` are those of the market (site, year, generator), `farms` the number of farms (site, year).
    A share below zero counts as zero.
    """
    odds = np.clip(shares, 0.0, None)
    odds = odds / odds.sum(-1, keepdims=True)
    return np.asarray(random.multinomial(farms, odds, size=(draws, *farms.shape)) / farms[..., None])


def contents_by_study(generator: str) -> pd.DataFrame:
    """Return kg/MW by study and design (rows, earliest first) and element (columns); NaN where a study gives none.

    Raises InputError where a study lacks neodymium, which its other elements are drawn by.
    """
    table = tables.read("generator_content_by_study").query("generator == @generator")
    table = table.assign(value=tables.in_unit(table, "kg/MW"))
    contents = table.pivot(index=["year", "study", "design"], columns="element", values="value").sort_index()
    contents = contents.reindex(columns=list(ELEMENTS))
    if contents.empty or contents["Nd"].isna().any():
        raise InputError(f"generator_content_by_study: {generator} needs studies, each with neodymium")
    return contents


def independent(contents: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that do not repeat an earlier one.

    A row repeats one with which it has two elements or more in common, all of them within `REPEATED_WITHIN`.
    """
    kept: list[int] = []
    values = contents.to_numpy()
    for row, own in enumerate(values):
        ratios = [own / values[earlier] - 1 for earlier in kept]
        common = [ratio[np.isfinite(ratio)] for ratio in ratios]
        if not any(len(ratio) > 1 and (np.abs(ratio) <= REPEATED_WITHIN).all() for ratio in common):
            kept.append(row)
    return contents.iloc[kept]


def draw_studies(contents: Matrix, draws: int, random: np.random.Generator) -> Matrix:
    """Return the contents that one study gives, each as likely as any: (draws, elements), with neodymium first.

    Where that study (rows of `contents`) gives no figure for an element, its ratio to neodymium is that of another.
    """
    drawn = contents[random.integers(len(contents), size=draws)]
    for element in range(1, contents.shape[1]):
        given = contents[np.isfinite(contents[:, element])]
        other = given[random.integers(len(given), size=draws)]
        ratio = other[:, element] / other[:, 0]
        drawn[:, element] = np.where(np.isfinite(drawn[:, element]), drawn[:, element], drawn[:, 0] * ratio)
    return drawn


def draw_contents(
    generators: Sequence[str], draws: int, random: dict[str, np.random.Generator], fixed: Collection[str]
) -> Array:
    """Return kg/MW by (draw, generator, element); where an input is fixed, those of Carrara et al. (2020).

    Generators with magnets follow one study each. What those without magnets hold lies anywhere between nothing, as
    makers declare for two geared turbines, and the figures of Carrara et al., for all such types alike.
    """
    central = wind.intensity_kg_per_mw().sel(generator=list(generators), element=list(ELEMENTS))
    contents = np.repeat(central.transpose("generator", "element").to_numpy()[None], draws, axis=0)
    with_magnets = np.isin(generators, wind.magnet_generators())
    if MAGNETS not in fixed:
        for place, generator in enumerate(generators):
            if with_magnets[place]:
                studies = independent(contents_by_study(generator)).to_numpy()
                contents[:, place] = draw_studies(studies, draws, random[MAGNETS])
    if OTHERS not in fixed:
        contents[:, ~with_magnets] *= random[OTHERS].uniform(0.0, 1.0, (draws, 1, 1))
    return contents


def draw_additions_mw(years: Sequence[int], draws: int = DRAWS) -> xr.DataArray:
    """Draw the source of what was added, each as likely as any: (draw, site, year).

    Sources are the change of capacity and, up to the last year of the study, three editions of the planning database.
    """
    sources = [wind.net_additions_mw().sel(year=list(years))]
    if max(years) <= max(printed.years()):
        sources += [wind.additions_mw().sel(vintage=name, year=list(years), drop=True) for name in EDITIONS]
    chosen = xr.DataArray(np.random.default_rng(SEED).integers(len(sources), size=draws), dims="draw")
    return xr.concat(sources, "source").isel(source=chosen).transpose("draw", "site", "year")


def variance_due_to(quantity: Callable[[Fleet], xr.DataArray]) -> pd.DataFrame:
    """Return by which fraction the variance of a quantity of a fleet falls where each input alone is fixed.

    `quantity` returns (draw, year); rows are the inputs, columns the years. Fractions need not add up to one.
    """
    whole = quantity(draw_fleet()).var("draw")
    parts = {name: 1 - quantity(draw_fleet(fixed={name})).var("draw") / whole for name in INPUTS}
    return pd.DataFrame({name: part.to_series() for name, part in parts.items()}).T


@cache
def spread_of_new_turbines() -> tuple[float, pd.Series[float], pd.DataFrame]:
    """Return how sure the draws are of new turbines, for the whole system.

    That is the standard deviation of the mass of all elements, relative to its central value, the central shares of
    the elements, and the relative covariance of these (element, element).
    """
    years, elements = list(printed.years()), list(ELEMENTS)
    installed = draw_fleet().installed_kg(draw_additions_mw(years)).sum(["site", "year"])
    drawn = installed.transpose("draw", "element").to_numpy()
    central = wind.new_installation_kg(wind.study_additions_mw(), years).sum(["year", "site", "generator"])
    mass = central.to_series()[elements]
    shares, of_draws = mass / mass.sum(), drawn / drawn.sum(1, keepdims=True)
    relative = np.cov(of_draws.T, bias=True) / np.outer(shares, shares)
    return float(drawn.sum(1).std() / mass.sum()), shares, pd.DataFrame(relative, elements, elements)


def headlines() -> pd.DataFrame:
    """Return name, value, low, high (t) and year of each headline: central value, and 90 % interval of the draws."""
    fleet, central = draw_fleet(), wind.cohort_stock_kg() / 1000
    stock, last, study = fleet.stock_kg() / 1000, int(central.year[-1]), list(printed.years())
    rows = []
    for year in (study[-1], last):
        value, drawn = central.sel(year=year), stock.sel(year=year)
        rows.append((f"wind.stock_{year}_cohort", value, drawn, year))
        at_sea = {"site": "offshore", "element": "Nd"}
        rows.append((f"wind.offshore_nd_stock_cohort.{year}", value.sel(at_sea), drawn.sel(at_sea), year))
    for years, name in ((study, "wind.new_installation"), ([last], f"wind.new_installation_{last}")):
        added = wind.study_additions_mw() if years == study else wind.net_additions_mw()
        drawn = fleet.installed_kg(draw_additions_mw(years)) / 1000
        rows.append((name, wind.new_installation_kg(added, years) / 1000, drawn, years[-1]))
    return pd.DataFrame(
        [(name, float(value.sum()), *interval(_by_draw(drawn))[3:], year) for name, value, drawn, year in rows],
        columns=["name", "value", "low", "high", "year"],
    )


def _by_draw(values: xr.DataArray) -> xr.DataArray:
    """Return the sum of values over everything but the draws."""
    return values.sum([str(name) for name in values.dims if name != "draw"])
