"""Which statements survive every defensible choice?

Each contested choice is a dimension with its options as labels, so that a quantity computed once over all of them
holds every combination, and a statement is true or false in each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from magnetflow.studies.united_kingdom import (
    data_quality,
    estimates,
    magnet_value,
    magnets,
    printed,
    vehicles,
    wind,
    wind_draws,
)

MASS, SHARE, VALUED, GENERATORS, CARS, COUNT, ADDED, SCALE = (
    "mass of 2017",
    "share of NdFeB",
    "turbines valued",
    "contents of generators",
    "contents of cars",
    "cars counted",
    "capacity added",
    "quality scale",
)
KEPT, REPLACED, BOUNDED, BY_VALUE = "kept", "replaced", "cut to what the value buys", "all by value"
OUTLIER = 2017
CERTAIN = 2.0  # standard deviations
TENTH = 9.5  # % from which a whole per cent is rounded to ten
STUDY, BOOK = "the study", "this book"


class Statement(NamedTuple):
    """What is said, by whom, the quantity that it is about, and whether it holds, over the choices it depends on."""

    text: str
    of: str
    quantity: xr.DataArray
    unit: str
    limit: float
    holds: xr.DataArray


def over(choice: str, options: Mapping[str, float]) -> xr.DataArray:
    """Return a number for each option of a choice, labelled by it."""
    return xr.DataArray(list(options.values()), {choice: list(options)}, [choice])


def magnets_t(flow: str) -> xr.DataArray:
    """Return rare earths in magnets imported (I3.1) or exported (E3.1), t, by the mass of 2017 and the share."""
    way = {"I3.1": "imports", "E3.1": "exports"}[flow]
    number = float(printed.numbers()["value"][f"flow.{flow}"])
    content, share = magnets.rare_earth_fraction(), magnets.study_share()
    outlier_t = magnets.outlier_t(OUTLIER) * content * share if way == "imports" else 0.0
    shares = {
        "of the study": share,
        "by mass, 2024": float(magnet_value.measured_shares(way)["mass"]),
        "most that the value pays for": float(magnet_value.largest_mass_share(way, content).min()),
    }
    scaled = over(MASS, {KEPT: number, REPLACED: number - outlier_t}) * over(SHARE, shares) / share
    ceiling = scaled.sel({MASS: [KEPT]}).clip(max=magnets.ceiling_t(way)).assign_coords({MASS: [BOUNDED]})
    by_value = xr.full_like(ceiling, float(magnet_value.estimated_t()[way].median()))
    return xr.concat([scaled, ceiling, by_value.assign_coords({MASS: [BY_VALUE]})], MASS)


def generator_contents() -> xr.DataArray:
    """Return by how much the contents of generators raise what turbines hold: as in the study, or low or high."""
    fleet = wind_draws.draw_fleet(fixed=set(wind_draws.INPUTS) - {wind_draws.MAGNETS, wind_draws.OTHERS})
    year = printed.years()[-1]
    drawn = fleet.stock_kg().sel(year=year).sum(["site", "element"])
    central = float(wind.cohort_stock_kg().sel(year=year).sum())
    low, middle, high = np.quantile(drawn, [0.05, 0.5, 0.95]) / central
    return over(GENERATORS, {"as the study": 1.0, "low studies": low, "middle": middle, "high studies": high})


def turbines_t(part: Mapping[str, str | int]) -> xr.DataArray:
    """Return rare earths in a part of the turbines in use, t, contents as in the study, by how they are valued.

    `part` gives the year, and the site and element unless it is of all.
    """
    stocks = {"by their own year": wind.cohort_stock_kg(), "as new ones": wind.stock_kg()}
    return over(VALUED, {label: float(stock.sel(part).sum()) / 1000 for label, stock in stocks.items()})


def new_turbines_t() -> xr.DataArray:
    """Return rare earths in new turbines of the study's years, t, contents as there, by the source of additions."""
    additions = {"planning database": wind.study_additions_mw(), "net additions": wind.net_additions_mw()}
    years = printed.years()
    sums = {label: float(wind.new_installation_kg(each, years).sum()) / 1000 for label, each in additions.items()}
    return over(ADDED, sums)


def contents_of_cars_kg() -> xr.DataArray:
    """Return rare earths in a car, kg, by the set of contents and type."""
    sets = {
        "studies": vehicles.content_prior()["mean"],
        "declared ranges": vehicles.declared_prior()["mean"],
        "printed totals": estimates.car_contents_kg()[0],
    }
    table = pd.DataFrame(sets).loc[list(vehicles.TYPES)]
    table["half as much in hybrids"] = table["studies"] * pd.Series({"BEV": 1.0, "PHEV": 0.5, "HEV": 0.5})
    return xr.DataArray(table.T, dims=[CARS, "vehicle"])


def cars_t() -> xr.DataArray:
    """Return rare earths in electric cars in use, t, by how they are counted and their contents."""
    life, year = vehicles.lifetime(), printed.years()[-1]
    counts = {
        "licensed": vehicles.stock_cars().sel(year=year, drop=True),
        "by mean life": vehicles.surviving_stock_cars(life["mean"], life["shape"]),
        "by longer life": vehicles.surviving_stock_cars(life["longer mean"], life["shape"]),
    }
    counted = xr.concat([count.drop_vars("year", errors="ignore") for count in counts.values()], COUNT)
    return (counted.assign_coords({COUNT: list(counts)}) * contents_of_cars_kg()).sum("vehicle") / 1000


def new_cars_t() -> xr.DataArray:
    """Return rare earths in new electric cars of the study's years, t, by their contents."""
    cars = vehicles.registrations_cars().sel(year=list(printed.years())).sum("year")
    return (cars * contents_of_cars_kg()).sum("vehicle") / 1000


def input_cv(name: str) -> xr.DataArray:
    """Return the coefficient of variation of an input, as a fraction, by the scale of quality."""
    scales = {"scores": data_quality.input_cv(), "three classes": data_quality.class_cv()}
    return over(SCALE, {label: float(cv[name]) for label, cv in scales.items()})


def statements() -> list[Statement]:
    """Return the statements of the study and of this book, each over all choices that it depends on."""
    numbers = printed.numbers()["value"]
    imports, exports = magnets_t("I3.1"), magnets_t("E3.1")
    net = imports - exports
    net.loc[{MASS: BY_VALUE}] = float(magnet_value.estimated_t()["net"].median())
    made = float(numbers["flow.P3.1"]) * imports.sel({MASS: KEPT}, drop=True) / numbers["flow.I3.1"]
    other = net + made - numbers["flow.C3.1"] - numbers["flow.C3.2"]
    customs = (imports * input_cv("magnet_imports")) ** 2 + (exports * input_cv("magnet_exports")) ** 2
    by_share, by_content = ((net * input_cv(name)) ** 2 for name in ("magnet_share", "magnet_content"))
    certainty = net / np.sqrt(customs + by_share + by_content)
    drawn = magnet_value.estimated_t()["net"]
    certainty.loc[{MASS: BY_VALUE}] = float(drawn.median() / drawn.std())
    contents, cars, new_cars = generator_contents(), cars_t(), new_cars_t()
    turbines = turbines_t({"year": printed.years()[-1]}) * contents
    offshore = turbines_t({"site": "offshore", "element": "Nd", "year": 2018}) * contents
    stock_share = 100 * (turbines + cars) / numbers["context.mine_output"]
    more = new_turbines_t() * contents - new_cars
    rows = [
        ("The United Kingdom is a net importer of loose magnets.", STUDY, net, "t", 0.0, net > 0),
        ("More than half of the imported magnets go to other uses.", STUDY, 100 * other / imports, "%", 50.0, None),
        (
            "In 2021 turbines in use held more rare earths than electric cars.",
            STUDY,
            turbines - cars,
            "t",
            0.0,
            None,
        ),
        ("Offshore turbines held over 1,000 t of neodymium in 2018.", STUDY, offshore, "t", 1000.0, None),
        ("The stock in use is a tenth of a year's mine output, or more.", STUDY, stock_share, "%", TENTH, None),
        (
            "Net imports of loose magnets are less than two standard deviations above zero.",
            BOOK,
            certainty,
            "1",
            CERTAIN,
            certainty < CERTAIN,
        ),
        (
            "Knowing the share of NdFeB reduces uncertainty more than checking masses.",
            BOOK,
            100 * by_share / (by_share + customs),
            "%",
            50.0,
            None,
        ),
        ("New turbines took more rare earths than new electric cars.", BOOK, more, "t", 0.0, None),
        (
            "New electric cars took less than the study prints.",
            BOOK,
            new_cars,
            "t",
            float(numbers["flow.C5.1"]),
            new_cars < numbers["flow.C5.1"],
        ),
    ]
    return [
        Statement(text, of, quantity, unit, float(limit), quantity > limit if holds is None else holds)
        for text, of, quantity, unit, limit, holds in rows
    ]


def choices(found: list[Statement]) -> dict[str, list[str]]:
    """Return all choices with their options."""
    return {
        str(choice): [str(option) for option in statement.holds[choice].values]
        for statement in found
        for choice in statement.holds.dims
    }


def decisive(statement: Statement) -> tuple[str, float]:
    """Return the choice on which a statement hangs most, and by how much its survival differs between the options.

    "none" where it holds, or fails, whatever is chosen.
    """
    holds = statement.holds.astype(float)
    spread = {
        str(choice): float(np.ptp(holds.mean([dim for dim in holds.dims if dim != choice]).to_numpy()))
        for choice in holds.dims
    }
    name = max(spread, key=lambda choice: spread[choice])
    return (name, spread[name]) if spread[name] > 0 else ("none", 0.0)
