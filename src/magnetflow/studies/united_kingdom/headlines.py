"""Which quantities does this book stand by, how sure is it of each, and what would reverse what it says of them?

Each row of the table `headlines` has a sentence that compares the quantity with another. The tipping distance is the
change of the input that moves the quantity most, the others staying, at which the sentence no longer holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from magnetflow import tables
from magnetflow.errors import InputError, TableError
from magnetflow.studies.united_kingdom import contents, magnet_value, printed, vehicles, wind_draws

NINE_TENTHS = 1.645  # standard deviations on either side that hold them, where errors are normal
MORE, ZERO, PRINTED, FILE = "more", "zero", "printed", "headlines.csv"


class Estimate(NamedTuple):
    """Value and ends of its range of nine draws of ten, t; value of the latest year, t; and the gain of its input.

    The gain is the relative change of the value over that of the input that moves it most.
    """

    value: float
    low: float
    high: float
    latest: float
    gain: float = 1.0


def net_magnets() -> Estimate:
    """Return rare earths in magnets imported less those exported, 2017 to 2021, and a year under the code of 2023."""
    draws = magnet_value.estimated_t()
    low, value, high = (float(draws["net"].quantile(part)) for part in (0.05, 0.5, 0.95))
    latest = magnet_value.by_code_t(magnet_value.own_draws())["net"].median()
    return Estimate(value, low, high, float(latest), float(draws["imports"].median()) / value)


def _of_wind(name: str, latest: str) -> Estimate:
    found = wind_draws.headlines().set_index("name")
    value, low, high = (float(found[column][name]) for column in ("value", "low", "high"))
    return Estimate(value, low, high, float(found["value"][latest]))


def turbines_in_use() -> Estimate:
    """Return rare earths in wind turbines in use at the end of the study's years and of the latest, by cohort."""
    return _of_wind("wind.stock_2021_cohort", "wind.stock_2024_cohort")


def new_turbines() -> Estimate:
    """Return rare earths in wind turbines newly installed in the years of the study, and in the latest."""
    return _of_wind("wind.new_installation", "wind.new_installation_2024")


def _of_cars(cars: pd.Series[float], latest: pd.Series[float]) -> Estimate:
    """Return rare earths in two fleets by the contents of studies; the gain is that of the content of all cars."""
    contents_kg = vehicles.prior_contents_kg()
    value, sd = vehicles.mass_t(cars, *contents_kg)
    half, later = NINE_TENTHS * sd, vehicles.mass_t(latest, *contents_kg)[0]
    return Estimate(value, value - half, value + half, later)


def cars_in_use() -> Estimate:
    """Return rare earths in electric cars in use at the end of the study's years, and of the latest."""
    cars = vehicles.stock_cars().dropna("year")
    return _of_cars(cars.sel(year=printed.years()[-1]).to_series(), cars.isel(year=-1).to_series())


def new_cars() -> Estimate:
    """Return rare earths in electric cars newly registered in the years of the study, and in the latest."""
    cars = vehicles.registrations_cars()
    return _of_cars(cars.sel(year=list(printed.years())).sum("year").to_series(), cars.isel(year=-1).to_series())


def hybrids_in_new_cars() -> float:
    """Return the part of the rare earths in new electric cars that hybrids hold, whose content is a range."""
    mass_kg = vehicles.registrations_cars().sel(year=list(printed.years())).sum("year").to_series()
    mass_kg = mass_kg * vehicles.content_prior()["mean"]
    return float(1 - mass_kg["BEV"] / mass_kg.sum())


def motors_made() -> Estimate:
    """Return rare earths in traction motors made in the years of the study, and in the latest.

    Engines built, times the share of electric cars, of motors with magnets, and the content of a motor by studies.
    The share is somewhere between that of cars sold and that of cars built, of which the first year is missing; it
    is taken as the mean of both, ± half their distance as nine tenths.
    """
    years = list(printed.years())
    counts = [vehicles.motors_made(share.sel(year=years)) for share in vehicles.electric_shares().values()]
    reports = tables.read("market_shares").query("input == 'pm_motor_share'")["value"]
    motor_kg, motor_sd = contents.next_study(contents.motors_kg())
    middle = (counts[0] + counts[1]) / 2
    value = float(middle.sum()) * reports.mean() * motor_kg / 1000
    relative = np.hypot(
        motor_sd / motor_kg, abs(float((counts[1] - counts[0]).sum() / 2 / middle.sum())) / NINE_TENTHS
    )
    half = NINE_TENTHS * float(relative) * value
    latest = float(middle.sel(year=years[-1])) * reports.mean() * motor_kg / 1000
    return Estimate(value, max(value - half, 0.0), value + half, latest)


ESTIMATES: Mapping[str, Callable[[], Estimate]] = {
    "net_magnets": net_magnets,
    "turbines_in_use": turbines_in_use,
    "cars_in_use": cars_in_use,
    "new_turbines": new_turbines,
    "new_cars": new_cars,
    "motors_made": motors_made,
}


def headlines(estimates: Mapping[str, Callable[[], Estimate]] = ESTIMATES) -> pd.DataFrame:
    """Return the table of headlines with value, low, high, latest (t), the study's number and tipping (a fraction).

    Raises InputError, by row, for a headline without an estimate or without a range around it, and for one whose
    sentence its own estimate contradicts.
    """
    read = tables.read("headlines")
    table = read.set_index("headline")
    for name in table.index.astype(str):
        if name not in estimates:
            raise InputError(f"headlines: {name} has no estimate; add a function to headlines.ESTIMATES")
    found = pd.DataFrame({name: estimates[str(name)]() for name in table.index}, index=Estimate._fields).T
    for name, row in found.iterrows():
        if not row["low"] < row["value"] < row["high"]:
            raise InputError(f"headlines: {name} has no range around its value; mend its estimate")
    numbers = printed.numbers()
    for row, name, number, other in read[["headline", "number", "than"]].itertuples():
        if number not in numbers.index or numbers["unit"][number] != "t":
            raise TableError(FILE, f"found {number!r}, expected a printed number in t", int(row), "number")
        if other not in (ZERO, PRINTED) and other not in set(read["headline"]) - {name}:
            raise TableError(FILE, f"found {other!r}, expected zero, printed or another headline", int(row), "than")
    study = table["number"].map(numbers["value"])
    than = {
        str(name): {ZERO: 0.0, PRINTED: float(study[str(name)])}.get(other, found["value"].get(other))
        for name, other in table["than"].astype(str).items()
    }
    tipping = (pd.Series(than) - found["value"]) / found["value"] / found["gain"]
    for name, distance in tipping.items():
        if (distance < 0) != (table.at[name, "side"] == MORE):
            raise InputError(f"headlines: the sentence of {name} does not hold by its estimate; mend the sentence")
    return table.assign(**found, printed=study, tipping=tipping)
