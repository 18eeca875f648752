"""How much rare earth is in the UK's electric cars, counted from registrations, licences, sales and production?

Counts are by type: battery electric (BEV), plug-in hybrid (PHEV) and hybrid (HEV).
What one car of each type holds is not published; a prior from studies of motors, or a declared one, is narrowed by
the totals of the study of the United Kingdom.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
import xarray as xr

from magnetflow import tables
from magnetflow.flows.stocks import surviving
from magnetflow.inference.problem import MEASURED, state
from magnetflow.inference.reconcile import Reconciliation, reconcile
from magnetflow.studies.united_kingdom import contents, printed

TYPES = ("BEV", "PHEV", "HEV")
RANGE_IN_SD = 4.0  # a prior range is taken as an interval of 95 %, mean ± 2 sd
MIX_ERROR = 0.01  # assumed: how far the mean car of one type differs between fleets


def stock_cars(area: str = "UK") -> xr.DataArray:
    """Return licensed cars at year's end, by vehicle and year."""
    table = tables.read("vehicle_stock")
    return tables.to_array(table[table["area"] == area], ["vehicle", "year"], "count").sel(vehicle=list(TYPES))


def registrations_cars() -> xr.DataArray:
    """Return new cars registered, by vehicle and year."""
    return tables.to_array(tables.read("vehicle_registrations"), ["vehicle", "year"], "count")


def car_registrations() -> xr.DataArray:
    """Return new cars by item and year: all cars, hybrids as the register counts them, and mild hybrids."""
    return tables.to_array(tables.read("car_registrations"), ["item", "year"], "count")


def motors_made(share: xr.DataArray) -> xr.DataArray:
    """Return traction motors made in each year of `share`: engines built times the share of electric cars."""
    return built_items().sel(item="engines", year=share.year, drop=True) * share


def used_cars() -> xr.DataArray:
    """Return used cars sold by vehicle and year; a row `all` holds years that are reported as a sum only."""
    return tables.to_array(tables.read("vehicle_used_sales"), ["vehicle", "year"], "count").sortby("year")


def built_items() -> xr.DataArray:
    """Return engines and cars built in the country, by item and year."""
    return tables.to_array(tables.read("vehicle_production"), ["item", "year"], "count")


def used_cars_sold() -> float:
    """Return the sum of all used sales that are reported, over all years and types, in cars."""
    sales = used_cars()
    by_type = sales.sel(vehicle=list(TYPES))
    return float(sales.sel(vehicle="all").fillna(by_type.sum("vehicle")).sum())


def used_mix() -> pd.Series[float]:
    """Return each type's share in the used sales of the years that are reported by type."""
    sales = used_cars().sel(vehicle=list(TYPES)).dropna("year").sum("year")
    return (sales / sales.sum()).to_series()


def declared_prior() -> pd.DataFrame:
    """Return mean and sd, in kg, of the declared range of the rare earths in a car of each type."""
    table = tables.read("vehicle_content")
    bounds = table.assign(value=tables.in_unit(table, "kg")).pivot(index="item", columns="bound", values="value")
    frame = pd.DataFrame(
        {"mean": (bounds["low"] + bounds["high"]) / 2, "sd": (bounds["high"] - bounds["low"]) / RANGE_IN_SD}
    )
    return frame.reindex(list(TYPES))


def content_prior() -> pd.DataFrame:
    """Return prior mean and sd, in kg, of the rare earths in a car of each type.

    That of a BEV follows from studies of motors and cars; no three studies give a PHEV or an HEV, whose declared
    ranges stay.
    """
    prior = declared_prior()
    prior.loc["BEV"] = contents.car_kg()
    return prior


def prior_contents_kg() -> tuple[pd.Series[float], pd.DataFrame]:
    """Return the prior content of a car of each type, kg, and its covariance: the types err on their own."""
    prior = content_prior()
    return prior["mean"], pd.DataFrame(np.diag(prior["sd"] ** 2), prior.index, prior.index)


def electric_shares() -> dict[str, xr.DataArray]:
    """Return the share of electric cars, by year, among cars sold and among cars built.

    Where cars built are not known by type, the share of cars sold stands in.
    """
    sold = registrations_cars().sum("vehicle") / car_registrations().sel(item="all cars")
    built = built_items().sel(item="electric cars") / built_items().sel(item="all cars")
    return {"sold": sold, "built": built.fillna(sold)}


def electric_cars_built() -> pd.Series[float]:
    """Return electric cars built in each year of the study; in one without a figure, as many as in the next."""
    return built_items().sel(item="electric cars").to_series()[list(printed.years())].bfill()


def mixes() -> pd.DataFrame:
    """Return the share of each type in the fleets that the study gives a total for: fleets by types."""
    stock = stock_cars().sel(year=printed.years()[-1]).to_series()
    return pd.DataFrame({"stock": stock / stock.sum(), "used": used_mix()}).T


def solve_contents(
    totals: Mapping[str, tuple[float, float]], prior: pd.DataFrame | None = None, without: Collection[str] = ()
) -> Reconciliation:
    """Reconcile the prior content of a car of each type with the mean content of fleets, in kg a car.

    `totals` gives mean content and its rounding, as half a width, of each fleet of `mixes`;
    fleets in `without` are left out. Each equation errs by the rounding and by `MIX_ERROR`.
    """
    prior = content_prior() if prior is None else prior
    shares = mixes().T
    fleets = [fleet for fleet in totals if fleet not in without]
    names = [*TYPES, *(f"mean of {fleet}" for fleet in fleets)]
    value = [*prior["mean"], *(totals[fleet][0] for fleet in fleets)]
    error = [np.hypot(totals[fleet][1] / 3**0.5, MIX_ERROR * totals[fleet][0]) for fleet in fleets]
    balances = {
        fleet: {f"mean of {fleet}": -1.0, **dict(zip(TYPES, shares[fleet].to_numpy(), strict=True))}
        for fleet in fleets
    }
    return reconcile(
        state(
            names,
            [MEASURED] * len(names),
            value,
            [*prior["sd"], *error],
            balances=balances,
            lower=np.zeros(len(names)),
        )
    )


def content(solved: Reconciliation) -> tuple[pd.Series[float], pd.DataFrame]:
    """Return the content of a car of each type in kg, and its covariance."""
    names = list(TYPES)
    mean = pd.Series(solved.value, index=solved.problem.names)[names]
    return mean, pd.DataFrame(solved.covariance_of(names), index=names, columns=names)


def mass_t(cars: pd.Series[float], mean: pd.Series[float], covariance: pd.DataFrame) -> tuple[float, float]:
    """Return the mass in a fleet and its standard deviation, in t.

    The content of a type errs alike in every car, and the fleet's own mix of models adds `MIX_ERROR`.
    """
    counts = cars[list(TYPES)].to_numpy()
    variance = counts @ covariance.loc[list(TYPES), list(TYPES)].to_numpy() @ counts
    mass = float(counts @ mean[list(TYPES)]) / 1000
    return mass, float(np.hypot(variance**0.5 / 1000, MIX_ERROR * mass))


def lifetime() -> pd.Series[float]:
    """Return mean, longer mean (years) and shape of the life of an electric car."""
    return tables.read("lifetimes").set_index("parameter")["value"]


def surviving_stock_cars(mean_years: float, shape: float) -> xr.DataArray:
    """Return cars in use after the years of the study by vehicle, from the stock that opens them and registrations.

    The opening stock is dated by the growth of the series for Great Britain, scaled to the United Kingdom.
    """
    opening, year = printed.years()[0] - 1, printed.years()[-1]
    standing = stock_cars("GB").sel(year=slice(None, opening))
    grown = xr.concat([standing.isel(year=[0]), standing.diff("year")], "year")
    opening_cars = grown * stock_cars().sel(year=opening, drop=True) / standing.sel(year=opening, drop=True)
    old = surviving(opening_cars, year, mean_years, shape, known_until=opening).sum("year")
    new = registrations_cars().sel(year=slice(opening + 1, year))
    return old + surviving(new, year, mean_years, shape).sum("year")
