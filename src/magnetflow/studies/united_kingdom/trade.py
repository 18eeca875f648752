"""What do statistics of trade and mining give, put through the equations of the study, for what it prints?

Customs masses of the study's years are not at hand but for 2018; values are, for most products. Each flow is given as
a range between stated assumptions, and a rule compares the printed mass with it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from magnetflow import tables
from magnetflow.errors import InputError, TableError
from magnetflow.studies.united_kingdom import estimates, magnets, printed, vehicles, wind

CONSISTENT, OUTSIDE, INCONCLUSIVE = "consistent", "outside the bound", "inconclusive"
WIDE = 3.0  # a range whose ends differ by a larger factor would fit almost any printed number
FEWEST_YEARS = 2  # of the study that a range must rest on to exclude a printed number
COUNTED = 2018  # the one year with masses and numbers from Comtrade


class Range(NamedTuple):
    """The lowest and the highest value under stated assumptions."""

    low: float
    high: float


def statistic(product: str, direction: str, name: str, quantity: str) -> pd.Series[float]:
    """Return a statistic of a product by year, over all its codes: value in USD or EUR, mass in kg, or number.

    Raises KeyError for one that is not in the table.
    """
    table = tables.read("trade_statistics").set_index(["product", "direction", "statistic", "quantity"]).sort_index()
    rows = table.loc[[(product, direction, name, quantity)]]
    unit = {"mass": "kg", "number": "count"}.get(quantity, "EUR" if name == "PRODCOM" else "USD")
    return tables.in_unit(rows, unit).groupby(rows["year"]).sum()


def parameter(name: str) -> pd.DataFrame:
    """Return a parameter by year (rows) and bound (columns), in kg, MW or as a fraction.

    Raises TableError for a fraction above one, InputError where a low end is above a high one.
    """
    table = tables.read("trade_parameters").query("parameter == @name")
    unit = {"nacelle mass": "kg", "turbine rating": "MW"}.get(name, "1")
    values = tables.in_unit(table, unit)
    for row in values.index[(values > 1) & (unit == "1")]:
        raise TableError("trade_parameters.csv", f"found {values[row]:g}, expected a fraction", int(row), "value")
    found = table.assign(value=values).pivot(index="year", columns="bound", values="value")
    if "low" in found and not found["low"].max() <= found.get("high", found["low"] * np.nan).max():
        raise InputError(f"trade_parameters: {name} needs a low and a high end, the lower one first")
    return found


def unit_value_usd_per_kg(product: str, direction: str) -> pd.Series[float]:
    """Return the value of a kilogram by year: of world trade by BACI, or of UK imports by Comtrade."""
    name = "BACI" if direction == "world" else "Comtrade"
    value, mass_kg = (statistic(product, direction, name, quantity) for quantity in ("value", "mass"))
    return (value / mass_kg).dropna()


def imported_kg(product: str) -> pd.DataFrame:
    """Return the mass imported in each of the study's years, kg, as its value implies.

    low: at the level of values that the UK itself reports and at its value of a kilogram, both of the year counted;
    uk_value: the same at the level of BACI; high: at the value of a kilogram in world trade.
    """
    value = statistic(product, "imports", "BACI", "value")
    reported = statistic(product, "imports", "Comtrade", "value")[COUNTED]
    at_uk_value = value / unit_value_usd_per_kg(product, "imports")[COUNTED]
    at_world_value = value / unit_value_usd_per_kg(product, "world")
    low = at_uk_value * reported / value[COUNTED]
    masses = {"low": low, "uk_value": at_uk_value, "high": at_world_value}
    years, table = list(printed.years()), f"trade_statistics, {product} imported"
    return pd.DataFrame({end: tables.complete(mass, years, table) for end, mass in masses.items()})


def content_of_a_set_kg() -> pd.DataFrame:
    """Return the four rare earths in the magnets of a turbine installed, kg, by year: mix of that year, mix of all.

    R · AP · F · M of Eq. (4): mean rating of new turbines on each site, and the intensity of generators with magnets
    times their share; turbines without magnets count as such. Weights are the turbines installed.
    """
    years = list(printed.years())
    added_mw = wind.study_additions_mw().sel(year=years)
    magnets_kg = wind.new_installation_kg(added_mw, years).sel(generator=wind.magnet_generators())
    by_year = magnets_kg.sum(["site", "generator", "element"]).to_series()
    rating_mw = parameter("turbine rating")
    sets = pd.Series(0.0, index=by_year.index)
    for site in added_mw.site.values:
        rating = tables.complete(rating_mw[site], years, f"trade_parameters, turbine rating {site}")
        sets += added_mw.sel(site=site, drop=True).to_series() / rating
    return pd.DataFrame({"of_year": by_year / sets, "of_all": by_year.sum() / sets.sum()})


def sets_imported_t() -> pd.Series[float]:
    """Return the four rare earths in generating sets imported in the study's years, t, by Eq. (4).

    low, uk_value and high are as in `imported_kg`. P / AG is the mass imported over that of the nacelle of a 5 MW
    turbine. The ends take the lower and the higher of the two mixes of `content_of_a_set_kg`; uk_value takes the mix
    of each year.
    """
    nacelle_kg = float(parameter("nacelle mass")["value"].iloc[0])
    sets = imported_kg("sets") / nacelle_kg
    mixes = pd.DataFrame({mix: sets.mul(kg, axis=0).sum() / 1000 for mix, kg in content_of_a_set_kg().items()})
    return pd.Series(
        {
            "low": mixes.loc["low"].min(),
            "uk_value": mixes.loc["uk_value", "of_year"],
            "high": mixes.loc["high"].max(),
        }
    )


def sets_exported_share() -> pd.Series[float]:
    """Return exports of generating sets over imports by value (EUR, PRODCOM), by year."""
    exports, imports = (statistic("sets", way, "PRODCOM", "value") for way in ("exports", "imports"))
    return exports / imports


def sets_exported_share_bound() -> tuple[Range, float]:
    """Return bounds of exports over imports of sets in the study's years, and the share that the printed masses need.

    Years in which PRODCOM gives a share take it; in the others exports lie between nothing and the limit that the
    ranking of BACI sets. The share needed is that of those other years together.
    """
    imports = statistic("sets", "imports", "BACI", "value")[list(printed.years())]
    open_years = [year for year in imports.index if year not in sets_exported_share().index]
    limits = statistic("sets", "exports", "BACI, upper limit", "value")
    limit = tables.complete(limits, open_years, "trade_statistics, upper limit of sets exported")
    counted = (sets_exported_share() * imports).dropna().sum()
    numbers = printed.numbers()["value"]
    needed = numbers["flow.E5.2"] / numbers["flow.I5.1.4"] * imports.sum() - counted
    bound = Range(float(counted / imports.sum()), float((counted + limit.sum()) / imports.sum()))
    return bound, float(needed / imports[limit.index].sum())


def cars_traded(direction: str) -> pd.DataFrame:
    """Return electric cars imported or exported in the year counted: low and high, by type.

    Imports of BEV are reported by mass only: a car weighs between an exported BEV and an exported PHEV, which are the
    lightest and the heaviest electric cars in the statistic.
    """
    cars = {}
    for vehicle in vehicles.TYPES:
        if (vehicle, direction) == ("BEV", "imports"):
            cars[vehicle] = statistic(vehicle, direction, "Comtrade", "mass")[COUNTED] / _car_kg()
        else:
            cars[vehicle] = pd.Series(statistic(vehicle, direction, "Comtrade", "number")[COUNTED], ["low", "high"])
    return pd.DataFrame(cars).T


def _car_kg() -> pd.Series[float]:
    """Return the mass of an imported BEV, kg: the heaviest, with which the number is low, and the lightest."""
    masses = {}
    for bound, vehicle in (("low", "PHEV"), ("high", "BEV")):
        mass_kg, number = (statistic(vehicle, "exports", "Comtrade", what)[COUNTED] for what in ("mass", "number"))
        masses[bound] = mass_kg / number
    return pd.Series(masses)


def cars_imported() -> pd.DataFrame:
    """Return electric cars imported in the study's years: low and high, by type.

    BEV and PHEV follow from value, value of a kilogram and mass of a car; hybrids are assumed to follow new
    registrations as they did in the year counted, since their value is not at hand.
    """
    mass_kg = {vehicle: imported_kg(vehicle).sum()[["low", "high"]] for vehicle in ("BEV", "PHEV")}
    phev_kg, phevs = (statistic("PHEV", "imports", "Comtrade", what)[COUNTED] for what in ("mass", "number"))
    registered = vehicles.registrations_cars().sel(vehicle="HEV").to_series()
    hybrids = cars_traded("imports").loc["HEV"] * registered[list(printed.years())].sum() / registered[COUNTED]
    plug_ins = {"BEV": mass_kg["BEV"] / _car_kg(), "PHEV": mass_kg["PHEV"] * phevs / phev_kg}
    return pd.DataFrame({**plug_ins, "HEV": hybrids}).T


def cars_imported_t() -> Range:
    """Return the four rare earths in electric cars imported in the study's years, t, by Eq. (2).

    The ends are two standard deviations of the back-cast contents beyond the mass in the fewest and the most cars.
    """
    cars, contents_kg = cars_imported(), estimates.car_contents_kg()
    (least, least_sd), (most, most_sd) = (vehicles.mass_t(cars[bound], *contents_kg) for bound in ("low", "high"))
    return Range(least - 2 * least_sd, most + 2 * most_sd)


def cars_imported_by_balance() -> float:
    """Return the electric cars imported in the year counted that registrations, exports and production imply."""
    registered = float(vehicles.registrations_cars().sel(year=COUNTED).sum())
    built = float(vehicles.built_items().sel(item="electric cars", year=COUNTED))
    return registered + float(cars_traded("exports")["low"].sum()) - built


def cars_exported_shares() -> pd.Series[float]:
    """Return the share of the electric cars built that is exported, by year: by Comtrade, and by the industry."""
    built = vehicles.built_items().sel(item="electric cars").to_series()
    counted = float(cars_traded("exports")["low"].sum()) / built[COUNTED]
    return pd.Series({COUNTED: counted, **parameter("electric cars exported")["value"]})


def most_cars_exported_share() -> float:
    """Return the share of five years if every electric car built in a year without a known share had been exported.

    In 2017, for which no number is at hand, as many are taken to be built as in the year counted.
    """
    built = vehicles.electric_cars_built()
    share = cars_exported_shares().reindex(built.index).fillna(1.0)
    return float((share * built).sum() / built.sum())


def of_output_t(production_t: float, shares: pd.Series[float]) -> Range:
    """Return the part of a production, t, that is exported at the lowest and the highest of some shares."""
    return Range(production_t * float(shares.min()), production_t * float(shares.max()))


def compounds_t(direction: str) -> Range:
    """Return the rare earths in compounds traded, t, by Eq. (1), if each year were like the one counted.

    The oxide in a compound is between that of a chloride and that of an oxide; its metal is that of neodymium oxide.
    """
    tonnes = len(printed.years()) * statistic("compounds", direction, "Comtrade", "mass")[COUNTED] / 1000
    oxide = parameter("oxide in compounds").max()
    return Range(*(float(tonnes * magnets.neodymium_in_oxide() * oxide[bound]) for bound in ("low", "high")))


def metals_imported_t() -> Range:
    """Return rare earth metals imported in the study's years, t, by Eq. (1) with a content of 100 %.

    low: if each year were like the one counted. high: in the others the limit of value that the ranking of BACI
    sets, at the value of a kilogram in world trade.
    """
    counted_t = statistic("metals", "imports", "Comtrade", "mass")[COUNTED] / 1000
    limit = statistic("metals", "imports", "BACI, upper limit", "value")
    others_t = (limit / unit_value_usd_per_kg("metals", "world")).sum() / 1000
    return Range(float(len(printed.years()) * counted_t), float(counted_t + others_t))


def verdict(printed_t: float, sd_t: float, found: Range, years: int) -> str:
    """Return how a printed mass compares with a range that rests on so many years.

    Consistent: inside a range whose ends differ by less than a factor of `WIDE`. Outside the bound: not even two
    standard deviations of the printed mass reach the range, which rests on `FEWEST_YEARS` or more. Otherwise
    inconclusive.
    """
    if found.low <= printed_t <= found.high and found.high < WIDE * found.low:
        return CONSISTENT
    apart = printed_t + 2 * sd_t < found.low or printed_t - 2 * sd_t > found.high
    return OUTSIDE if apart and years >= FEWEST_YEARS else INCONCLUSIVE


def tests() -> pd.DataFrame:
    """Return each flow tested: name, printed mass, its sd, low and high (t), years that the range rests on, verdict.

    The sd is that of neodymium in Table 2 of the study, or of all rare earths upstream, with that of the printed
    production of which a range is a share.
    """
    numbers, flows = printed.numbers()["value"], printed.flows().set_index("flow")
    names, masses_t = flows["name"], flows["value"]
    sets, (share, _) = sets_imported_t(), sets_exported_share_bound()
    engines = parameter("engines exported").max()
    five = len(printed.years())
    found: dict[str, tuple[Range, int]] = {
        "I5.1.4": (Range(sets["low"], sets["high"]), five),
        "E5.2": (Range(*(numbers["flow.I5.1.4"] * end for end in share)), five),
        "I5.1": (cars_imported_t(), 1),  # hybrids, the larger part, are counted in one year
        "E5.1": (of_output_t(numbers["derived.EV_production"], cars_exported_shares()), len(cars_exported_shares())),
        "E4.1": (of_output_t(numbers["flow.P4.1"], engines), len(parameter("engines exported"))),
        "I1": (compounds_t("imports"), 1),
        "E1": (compounds_t("exports"), 1),
        "I2": (metals_imported_t(), five),
    }
    parts = {"E5.1": ("P5.1.0.1", "P5.1.0.2"), "E4.1": ("P4.1",), "E5.2": ("I5.1.4",)}  # whose share the range is

    def sd_of(flow: str) -> float:
        known = f"table2.{flow}.Nd" if f"table2.{flow}.Nd" in numbers else f"table2.{flow}.total"
        return float(masses_t[flow] * numbers[known]) / 100

    rows = []
    for flow, (ends, years) in found.items():
        mass_t, whole = float(masses_t[flow]), parts.get(flow, ())
        ratio = sum(ends) / 2 / float(masses_t[list(whole)].sum()) if whole else 0.0
        sd_t = float(np.linalg.norm([sd_of(flow), *(ratio * sd_of(part) for part in whole)]))
        rows.append([flow, names[flow], mass_t, sd_t, *ends, years, verdict(mass_t, sd_t, ends, years)])
    columns = ["flow", "name", "printed", "sd", "low", "high", "years", "verdict"]
    return pd.DataFrame(rows, columns=columns).set_index("flow")


def mine_output_t(table: str, first: int, last: int) -> tuple[float, Range]:
    """Return neodymium, dysprosium and praseodymium mined in a mean year from `first` to `last`, t of metal.

    `table` is `mine_output_bgs` or `mine_production`, both of oxides. Given at the printed shares, and at the lowest
    and the highest shares that round to them; all three oxides are taken to hold as much metal as that of neodymium.
    """
    oxides_t = tables.read(table).set_index("year")["value"].loc[first:last].mean()
    rows = printed.numbers().loc[[f"context.mine_share.{element}" for element in ("Nd", "Dy", "Pr")]]
    share, half_width = rows["value"].sum() / 100, rows["half_width"].sum() / 100
    metal_t = float(oxides_t) * magnets.neodymium_in_oxide()
    ends = (metal_t * float(share + change) for change in (-half_width, half_width))
    return metal_t * float(share), Range(*ends)
