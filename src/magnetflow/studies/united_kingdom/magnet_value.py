"""How much rare earth comes in and leaves in loose magnets, by what customs say these are worth?

Magnets of rare earths have a customs code of their own from 2023 on (CN 85051110); before, magnets of metal share one
(HS 850511), whose masses are doubtful and whose values are steady. Two routes lead from the value to the mass of
rare earths; both take what a kilogram of them costs in a magnet as a markup over the oxide it was made from.
A third carries the share by mass that was measured later back to earlier masses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

from magnetflow import tables
from magnetflow.arrays import Matrix, Vector
from magnetflow.errors import InputError, TableError
from magnetflow.studies.united_kingdom import magnets, printed

WAYS = ("imports", "exports")
FAR_BELOW = 0.25  # of the median unit value: a month below it has a mass that cannot be right
FIRST_MONTH = 202406  # of the code of their own
YEARS_OF_MASS = (2016, 2018)  # neighbours of the outlier of 2017, in which the code has a mass and a value
ENDS = norm.ppf([0.05, 0.95])  # the ends of a skewed range hold nine tenths between them
DRAWS, SEED = 20_000, 2024
FRACTIONS = ("value share", "rare earths", "own price")
POSITIVE = ("value share", "rare earths", "markup")
Drawn = Mapping[tuple[str, str], Vector]


def months(direction: str) -> pd.DataFrame:
    """Return value (USD) and mass (kg) of magnets of rare earths by month (YYYYMM), and whether the mass is usable.

    It is not where the value of a kilogram is far below that of the other months.
    Raises InputError for a month without one of them between the first and the last.
    """
    table = tables.read("magnet_code_months").query("direction == @direction")
    parts = {}
    for quantity, unit in (("value", "USD"), ("mass", "kg")):
        rows = table[table["quantity"] == quantity]
        parts[quantity] = tables.in_unit(rows, unit).set_axis(rows["month"])
    first, last = FIRST_MONTH, max(series.index.max() for series in parts.values())
    every = [month for month in range(first, last + 1) if 1 <= month % 100 <= 12]
    by_month = pd.DataFrame(
        {
            what: tables.complete(series, every, f"magnet_code_months, {what} of {direction}")
            for what, series in parts.items()
        }
    )
    unit_value = by_month["value"] / by_month["mass"]
    return by_month.assign(usable=unit_value >= FAR_BELOW * unit_value.median())


def mass_a_year_t(direction: str) -> float:
    """Return the mass of magnets of rare earths traded in a year, t, over the months with a usable mass."""
    table = months(direction)
    return float(12 * table.loc[table["usable"], "mass"].mean() / 1000)


def unit_value_usd_per_kg(direction: str) -> float:
    """Return the value of a kilogram of magnets of rare earths over the months with a usable mass, USD/kg."""
    usable = months(direction).query("usable")
    return float(usable["value"].sum() / usable["mass"].sum())


def measured_shares(direction: str) -> pd.Series[float]:
    """Return the share of magnets of rare earths in magnets of metal, by value and mass, of the first twelve months.

    The code of its own begins in June 2024 here, the year of the other code in January 2024.
    """
    first = months(direction).iloc[:12]
    return pd.Series(
        {what: first[what].sum() / magnets.trade(direction, "Comtrade", what)[2024] for what in ("value", "mass")}
    )


def other_unit_value_usd_per_kg(direction: str) -> float:
    """Return the value of a kilogram of what is left of magnets of metal without those of rare earths, USD/kg.

    What Comtrade has for 2024, less the first twelve months of the code of rare earths.
    """
    first = months(direction).iloc[:12]
    left = {what: magnets.trade(direction, "Comtrade", what)[2024] - first[what].sum() for what in ("value", "mass")}
    return float(left["value"] / left["mass"])


def priced_years() -> list[int]:
    """Return the years in which the price of the oxide and the value of the trade are both known."""
    valued = magnets.trade("imports", "BACI, listed partners", "value")
    return sorted(set(tables.read("oxide_prices")["year"]) & set(valued.index))


def oxide_cost_usd_per_kg(years: Sequence[int]) -> pd.Series[float]:
    """Return what a kilogram of neodymium costs when bought as oxide, by year, USD/kg."""
    return magnets.oxide_price_usd_per_kg(years) / magnets.neodymium_in_oxide()


def measured_markup(direction: str) -> float:
    """Return the value of a kilogram of rare earths in magnets over its cost as oxide, since June 2024."""
    cost = oxide_cost_usd_per_kg([2024, 2025]).mean()
    return float(unit_value_usd_per_kg(direction) / magnets.rare_earth_fraction() / cost)


def ranges() -> pd.DataFrame:
    """Return the ends `low` and `high` of each range that the estimate takes, by input and direction."""
    table = tables.read("magnet_value_inputs")
    for row, name, unit, value in table[["input", "unit", "value"]].itertuples():
        most = 1.0 if name in FRACTIONS else np.inf
        if (
            unit != ("USD/kg" if name == "other magnets" else "1")
            or value > most
            or (name in POSITIVE and value <= 0)
        ):
            problem = f"found {value:g} {unit} for {name}, expected a fraction, a markup, or USD/kg of other magnets"
            raise TableError("magnet_value_inputs.csv", problem, int(row), "value")
    ends = table.pivot(index=["input", "direction"], columns="bound", values="value")
    ends = ends.reindex(columns=["low", "high"])
    wrong = ends.index[~(ends["low"] <= ends["high"])]
    for name, way in wrong.tolist():
        raise InputError(f"magnet_value_inputs: {name} of {way} needs two ends, the lower one first")
    for name in (*FRACTIONS, "markup", "other magnets"):
        ways = sorted(way for given, way in ends.index if given == name)
        if ways not in (["both"], sorted(WAYS)):
            found = ", ".join(ways) or "none"
            raise InputError(f"magnet_value_inputs: {name} is given for {found}; give both, or imports and exports")
    return ends


def draw(count: int, seed: int, ends: pd.DataFrame | None = None) -> Drawn:
    """Draw each input (count) evenly between its `ends`, the markup skewed; by input and direction."""
    random = np.random.default_rng(seed)
    drawn: dict[tuple[str, str], Vector] = {}
    given = (ranges() if ends is None else ends).sort_index()
    places = [(str(name), str(way)) for name, way in given.index.tolist()]
    for (name, way), low, high in zip(places, given["low"], given["high"], strict=True):
        even = random.random(count)
        if name == "markup":
            middle, half = np.log(low * high) / 2, np.log(high / low) / (ENDS[1] - ENDS[0])
            values = np.exp(middle + norm.ppf(even) * half)
        else:
            values = low + even * (high - low)
        for direction in WAYS if way == "both" else (way,):
            drawn[name, direction] = values
    for way in WAYS:
        factor = magnets.all_over_listed(way)
        drawn["partners", way] = factor.min() + random.random(count) * (factor.max() - factor.min())
    return drawn


def cost_in_magnets_usd_per_kg(direction: str, drawn: Drawn, years: Sequence[int]) -> Matrix:
    """Return what a kilogram of rare earths costs in a magnet (draws, years), USD/kg.

    The markup times the cost as oxide, which follows the price of the year by the part `own price` and stays at the
    lowest price of `years` for the rest.
    """
    cost = oxide_cost_usd_per_kg(years).to_numpy()
    own = drawn["own price", direction][:, None]
    return np.asarray(drawn["markup", direction][:, None] * (own * cost + (1 - own) * cost.min()))


def value_usd(direction: str, drawn: Drawn, years: Sequence[int]) -> Matrix:
    """Return the value of magnets of metal traded (draws, years), USD, with the partners that are not listed."""
    listed = tables.complete(magnets.trade(direction, "BACI, listed partners", "value"), years, "magnet_trade")
    return np.asarray(drawn["partners", direction][:, None] * listed.to_numpy())


def by_value_share_t(direction: str, drawn: Drawn, years: Sequence[int]) -> Matrix:
    """Return rare earths (draws, years), t: a share of the value, over what a kilogram of them costs in a magnet."""
    value = drawn["value share", direction][:, None] * value_usd(direction, drawn, years)
    return np.asarray(value / cost_in_magnets_usd_per_kg(direction, drawn, years) / 1000)


def by_unit_values_t(direction: str, drawn: Drawn, years: Sequence[int]) -> Matrix:
    """Return rare earths (draws, years), t, where the unit value of all magnets of metal is a mixture of two.

    A kilogram of magnets of rare earths is dearer than the mean of all, one of other magnets is cheaper. The mean is
    that of the years of mass, at which the value of each year gives its mass.
    """
    known = list(YEARS_OF_MASS)
    mass = magnets.trade(direction, "PRODCOM", "mass")[known].to_numpy()
    mean = value_usd(direction, drawn, known).sum(1, keepdims=True) / mass.sum()
    content, other = drawn["rare earths", direction][:, None], drawn["other magnets", direction][:, None]
    magnet = content * cost_in_magnets_usd_per_kg(direction, drawn, years)
    if (magnet <= other).any():
        raise InputError("magnet_value_inputs: other magnets cost more than those of rare earths; lower their range")
    share = np.clip((mean - other) / (magnet - other), 0.0, 1.0)
    return np.asarray(share * content * value_usd(direction, drawn, years) / mean / 1000)


ROUTES = {"value share": by_value_share_t, "unit values": by_unit_values_t}


def by_mass_share_t(direction: str, years: int) -> pd.Series[float]:
    """Return rare earths in so many years, t, at the share by mass of 2024-25 and the mass of each year of mass."""
    mass = magnets.trade(direction, "PRODCOM", "mass")[list(YEARS_OF_MASS)]
    return mass * measured_shares(direction)["mass"] * magnets.rare_earth_fraction() * years / 1000


def largest_mass_share(direction: str, content: float) -> pd.Series[float]:
    """Return the share by mass at which all value is spent on the oxide in the magnets, by year of mass.

    `content` is the fraction of rare earths in them.
    """
    years = list(YEARS_OF_MASS)
    cost = content * oxide_cost_usd_per_kg(years)
    return code_unit_value_usd_per_kg(direction)[years] / cost


def code_unit_value_usd_per_kg(direction: str) -> pd.Series[float]:
    """Return the value of a kilogram of magnets of metal in the years of mass and those of Comtrade, USD/kg."""
    known = list(YEARS_OF_MASS)
    listed = magnets.trade(direction, "BACI, listed partners", "value")[known]
    early = listed * magnets.all_over_listed(direction).mean() / magnets.trade(direction, "PRODCOM", "mass")[known]
    late = magnets.trade(direction, "Comtrade", "value") / magnets.trade(direction, "Comtrade", "mass")
    return pd.concat([early, late])


def estimate_t(drawn: Drawn, years: Sequence[int]) -> dict[str, pd.DataFrame]:
    """Return rare earths in imports, exports and their difference, t (draws), by route: columns are the flows."""
    estimates = {}
    for route, of_route in ROUTES.items():
        flows = pd.DataFrame({way: of_route(way, drawn, years).sum(1) for way in WAYS})
        estimates[route] = flows.assign(net=flows["imports"] - flows["exports"])
    return estimates


def pooled_t(drawn: Drawn, years: Sequence[int]) -> pd.DataFrame:
    """Return the draws of both routes together, so that its range spans what they disagree about."""
    return pd.concat(estimate_t(drawn, years).values(), ignore_index=True)


def own_draws() -> Drawn:
    """Return the draws on which the numbers of this book rest."""
    return draw(DRAWS, SEED)


def estimated_t() -> pd.DataFrame:
    """Return rare earths imported, exported and net in the years of the study, t: the draws of both routes."""
    return pooled_t(own_draws(), list(printed.years()))


def width_t(draws: pd.Series[float]) -> float:
    """Return the width of the range that holds nine draws of ten, t."""
    low, high = draws.quantile([0.05, 0.95])
    return float(high - low)


def worth_t(count: int, seed: int) -> pd.Series[float]:
    """Return by how much the range of the net import of the study's years narrows where one input is known, t.

    It is then taken at the middle of its range, in both directions; negative where the range is wider there.
    """
    ends, years = ranges(), list(printed.years())
    now = width_t(pooled_t(draw(count, seed, ends), years)["net"])
    gains = {}
    for name in ends.index.unique("input"):
        known = ends.copy()
        middle = ends.loc[[name]].prod(axis=1) ** 0.5 if name == "markup" else ends.loc[[name]].mean(axis=1)
        known.loc[[name]] = np.column_stack([middle, middle])
        gains[str(name)] = now - width_t(pooled_t(draw(count, seed, known), years)["net"])
    return pd.Series(gains).sort_values(ascending=False)


def by_code_t(drawn: Drawn) -> pd.DataFrame:
    """Return rare earths imported, exported and net in a year under the code of their own, t (draws)."""
    flows = pd.DataFrame({way: mass_a_year_t(way) * drawn["rare earths", way] for way in WAYS})
    return flows.assign(net=flows["imports"] - flows["exports"])
