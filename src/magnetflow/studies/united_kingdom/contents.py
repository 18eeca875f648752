"""What do studies give for the rare earths in a traction motor and in a car, and which priors follow from them?

A study counts once, whatever number of variants it gives; a compilation that repeats another study does not count.
Most studies name the motor and not the type of the car, so the prior that follows is that of a car with one motor.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from magnetflow import tables
from magnetflow.errors import InputError, TableError

ELEMENTS = ("Nd", "Dy", "Pr", "Tb")
TABLE = "vehicle_content_by_study"
MOTOR, CAR, HYBRID, CONVENTIONAL = "motor", "electric car", "hybrid", "conventional"
WHOLE = "whole"  # the element of a row that gives the mass of the whole item
IN_PRIOR = "prior"  # the use of rows from which priors are computed
FEWEST_STUDIES = 3  # assumed: the spread of fewer studies says nothing of the next one


def motor_mass_kg() -> float:
    """Return the mass of the traction motor by which the compilation divides what a study gives for a motor, kg."""
    table = tables.read(TABLE)
    [mass] = tables.in_unit(table[table["element"] == WHOLE], "kg")
    return float(mass)


def study_rows() -> pd.DataFrame:
    """Return the figures by study in kg: columns study, item, variant, element, use and mass_kg.

    What is given per kg of motor is multiplied by the mass of the compilation's motor, which is a row of its own.
    Raises TableError for a figure of a motor that is not a mass per mass, and for one of a car that is no mass.
    """
    table = tables.read(TABLE)
    whole = table["element"] == WHOLE
    per_motor = (table["item"] == MOTOR) & ~whole
    wrong = (table["unit"] == "kg/kg") != per_motor
    if wrong.any():
        row = int(table.index[wrong][0])
        expected = "kg/kg, of a motor" if per_motor[row] else "kg, of a whole item"
        problem = f"found {table.at[row, 'unit']!r}, expected {expected}; mend the unit or the item"
        raise TableError(tables.describe()[TABLE]["path"], problem, row, "unit")
    figures = table[~whole]
    mass = figures["value"].where(~per_motor[~whole], figures["value"] * motor_mass_kg())
    return figures[["study", "item", "variant", "element", "use"]].assign(mass_kg=mass)


def items() -> pd.DataFrame:
    """Return the mass of each element (column), kg, by study, item and variant, of the figures that make priors.

    NaN where the study does not give the element. Raises InputError where it lacks Nd or Dy, which make no sum alone.
    """
    rows = study_rows().query("use == @IN_PRIOR")
    wide = rows.pivot(index=["study", "item", "variant"], columns="element", values="mass_kg")
    lacking = wide.index[wide[["Nd", "Dy"]].isna().any(axis="columns")]
    if len(lacking):
        study, item, _ = lacking[0]
        raise InputError(f"{study} lacks Nd or Dy of a {item}, so it gives no sum; mark its rows as left out")
    return wide.reindex(columns=list(ELEMENTS))


def sums_kg() -> pd.DataFrame:
    """Return the sum of the elements that a study gives, kg, by study and item (column): the mean of its variants."""
    sums = items().sum(axis="columns")
    return sums.groupby(["study", "item"]).mean().unstack("item")


def motors_kg() -> pd.Series[float]:
    """Return the rare earths of one traction motor by study, kg.

    Where a study gives a whole electric car, that is what the car holds beyond the same study's conventional car.
    """
    sums = sums_kg()
    return sums[MOTOR].fillna(sums[CAR] - sums[CONVENTIONAL]).dropna()


def next_study(values: pd.Series[float]) -> tuple[float, float]:
    """Return what one more study would give, from those there are: mean, and sd between studies times √(1 + 1/n).

    `values` has one figure for each of n studies. Raises InputError for fewer than `FEWEST_STUDIES`.
    """
    if len(values) < FEWEST_STUDIES:
        raise InputError(f"{len(values)} studies give no spread; add studies, or keep a declared range")
    return float(values.mean()), float(values.std() * (1 + 1 / len(values)) ** 0.5)


def car_kg() -> tuple[float, float]:
    """Return prior mean and sd of the rare earths in a car with one traction motor, kg.

    It holds the motor, and in other magnets what a conventional car holds; the two err apart.
    """
    motor, motor_sd = next_study(motors_kg())
    other, other_sd = next_study(sums_kg()[CONVENTIONAL].dropna())
    return motor + other, float(np.hypot(motor_sd, other_sd))


def shares_by_study() -> pd.DataFrame:
    """Return the share of each element (column) in the sum that a study gives, by study: the mean of its variants.

    Conventional cars do not count, as their magnets are not those of traction motors.
    """
    masses = items().drop(index=CONVENTIONAL, level="item")
    return masses.div(masses.sum(axis="columns"), axis="index").groupby("study").mean()


def share_prior(declared: pd.DataFrame) -> pd.DataFrame:
    """Return prior mean, sd and number of studies (columns) of the share of each element (row) in traction motors.

    Where a study gives Nd and Dy alone its Nd may stand for Pr, too. So Dy follows from every study, the spread of Nd
    is that of Nd and Pr together, and Pr and Tb follow from the studies that give all four. An element whose spread
    between studies is wider than its mean keeps the `declared` share (columns mean and sd; no study).
    The mean of Nd is what the others leave of one.
    """
    given = shares_by_study()
    all_four = given.dropna()
    own = {
        "Nd": given[["Nd", "Pr"]].sum(axis="columns"),
        "Dy": given["Dy"],
        "Pr": all_four["Pr"],
        "Tb": all_four["Tb"],
    }
    found = {}
    for element, shares in own.items():
        mean, sd = next_study(shares)
        found[element] = (mean, sd, len(shares)) if sd < mean else (*declared.loc[element, ["mean", "sd"]], 0)
    prior = pd.DataFrame.from_dict(found, orient="index", columns=["mean", "sd", "studies"])
    prior.loc["Nd", "mean"] = 1 - prior["mean"].drop("Nd").sum()
    return prior
