"""What do production and trade statistics say of the magnet flows, and how sure is the net import?

Sales of UK makers by mass and value, trade by mass and value, Chinese shipments, and the printed flows of magnets
with their uncertainties.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import xarray as xr

from magnetflow import tables
from magnetflow.recovery.chemistry.species import atomic_weight_kg, species
from magnetflow.studies.united_kingdom import printed


def sales() -> xr.DataArray:
    """Return mass (t) of magnets of metal sold by UK makers, by year; a year without a figure is NaN."""
    table = tables.read("magnet_sales")
    return tables.to_array(table[table["quantity"] == "mass"], ["year"], "t")


def unit_value() -> xr.DataArray:
    """Return the value of a kilogram sold by UK makers, GBP/kg, by year."""
    table = tables.read("magnet_sales")
    pounds = tables.to_array(table[table["quantity"] == "sales"], ["year"], "GBP")
    return pounds / (1000 * sales())


def trade(direction: str, statistic: str, quantity: str) -> pd.Series[float]:
    """Return imports or exports of magnets of metal by year: `value` in USD or EUR, or `mass` in kg.

    `statistic` is BACI, listed partners; BACI, all partners; Comtrade; or PRODCOM.
    Raises KeyError for one that does not report it.
    """
    table = tables.read("magnet_trade").set_index(["direction", "statistic", "quantity"]).sort_index()
    rows = table.loc[[(direction, statistic, quantity)]]
    unit = {"mass": "kg", "unit value": "USD/kg"}.get(quantity, "EUR" if statistic == "PRODCOM" else "USD")
    return tables.in_unit(rows, unit).set_axis(rows["year"]).sort_index()


def outlier_t(year: int) -> float:
    """Return by how much the mass of magnets of metal imported in a year exceeds the mean of its neighbours, t."""
    mass_kg = trade("imports", "PRODCOM", "mass")
    return float(mass_kg[year] - (mass_kg[year - 1] + mass_kg[year + 1]) / 2) / 1000


def all_over_listed(direction: str) -> pd.Series[float]:
    """Return the value of all partners over that of those listed, by the years of which both are known."""
    every, listed = (trade(direction, f"BACI, {partners} partners", "value") for partners in ("all", "listed"))
    return (every / listed).dropna()


def ceiling_t(direction: str, *, lenient: bool = False) -> float:
    """Return the neodymium, t, that the value of magnets traded in the study's years could buy as oxide.

    A magnet costs more than the oxide in it, and no other of the four elements is much cheaper than neodymium, so
    that the magnets hold less. The price is that of each year, and partners that are not listed add the mean of the
    years in which they are known; `lenient` takes the lowest price of these years and the larger addition.
    """
    years = list(printed.years())
    value = tables.complete(trade(direction, "BACI, listed partners", "value"), years, "magnet_trade")
    price = oxide_price_usd_per_kg(years)
    factor = all_over_listed(direction)
    bought_kg = value.sum() * factor.max() / price.min() if lenient else (value / price).sum() * factor.mean()
    return float(bought_kg * neodymium_in_oxide() / 1000)


def oxide_price_usd_per_kg(years: Sequence[int]) -> pd.Series[float]:
    """Return the price of neodymium oxide by year, USD/kg. Raises InputError for a year without one."""
    table = tables.read("oxide_prices").query("oxide == 'Nd2O3'")
    return tables.complete(tables.in_unit(table, "USD/kg").set_axis(table["year"]), years, "oxide_prices")


def neodymium_in_oxide() -> float:
    """Return the mass fraction of neodymium in its oxide."""
    return 2 * atomic_weight_kg("Nd") / species("Nd2O3(s)").molar_mass_kg


def rare_earth_fraction() -> float:
    """Return the mass fraction of rare earths that is assumed for a NdFeB magnet."""
    table = tables.read("magnet_parameters").set_index("parameter")
    return float(tables.in_unit(table, "1")["magnet"])


def shipments_from_china_t(year: int) -> pd.Series[float]:
    """Return rare earth magnets shipped by China in a year, t, by destination as far as reported."""
    table = tables.read("world_magnet_trade")
    table = table[(table["exporter"] == "China") & (table["year"] == year)]
    return tables.in_unit(table, "t").set_axis(table["destination"])


def implied_share(year_mass_t: float) -> float:
    """Return the share of NdFeB magnets in `year_mass_t` of magnets sold that the printed assembly implies.

    568 t = mass x rare earths in a magnet x share.
    """
    return float(printed.numbers()["value"]["flow.P3.1"]) / (year_mass_t * rare_earth_fraction())


def study_share() -> float:
    """Return the share that the printed assembly implies where makers sold in 2021, unknown, as in 2019 and 2020."""
    sold = sales()
    known = sold.sel(year=list(printed.years())).sum()
    return implied_share(float(known + sold.sel(year=[2019, 2020]).mean()))


def net_import_sd_t(correlation: float) -> float:
    """Return the standard deviation of the net import of magnets, t, from the printed uncertainties.

    `correlation` is that of the errors of imports and exports; a market share used for both makes it positive.
    """
    numbers = printed.numbers()["value"]
    imports = numbers["flow.I3.1"] * numbers["table2.I3.1.Nd"] / 100
    exports = numbers["flow.E3.1"] * numbers["table2.E3.1.Nd"] / 100
    return float((imports**2 + exports**2 - 2 * correlation * imports * exports) ** 0.5)


def largest_correlation() -> float:
    """Return the most that a shared market share can correlate imports and exports of magnets: v_E / v_I.

    An error that both share is at most the smaller of the two uncertainties.
    """
    cv = printed.numbers()["value"][["table2.I3.1.Nd", "table2.E3.1.Nd"]]
    return float(cv.min() / cv.max())
