"""Which of the numbers that the study prints stand, which do not, and which cannot be tested here?

Every printed number has a route: the study's own method on inputs at hand, another method or other data, arithmetic
among printed numbers, or none. The verdict follows from the numbers and the route alone.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from magnetflow import tables
from magnetflow.errors import InputError
from magnetflow.studies.united_kingdom import accounts, data_quality, estimates, printed, upstream, vehicles, wind

OWN, OTHER, ARITHMETIC, NONE = "own method", "other data", "arithmetic", "none"
REPRODUCED, CONSISTENT, CONTRADICTED, UNTESTABLE = "reproduced", "consistent", "contradicted", "not testable here"
VERDICTS = (REPRODUCED, CONSISTENT, CONTRADICTED, ARITHMETIC, UNTESTABLE)
CLOSE = 0.01  # a number recalculated by the study's method is reproduced within its rounding or this part of it
TOO_WIDE = 0.20  # another method tells nothing where its relative standard deviation exceeds this
SIGMAS = 2.0  # and contradicts beyond so many standard deviations of the difference
NAN = float("nan")


def verdict(
    route: str, printed_value: float, half_width: float, ours: float, sd: float, sd_of_difference: float
) -> str:
    """Return the verdict that follows from the numbers, by the route they were obtained by.

    `half_width` is that of the printed rounding; `ours` is NaN where there is nothing to compare.
    """
    if route == NONE or math.isnan(ours):
        return UNTESTABLE
    away = abs(ours - printed_value)
    if route == ARITHMETIC:
        return ARITHMETIC
    if route == OWN:
        return REPRODUCED if away <= max(half_width, CLOSE * abs(printed_value)) else CONTRADICTED
    if not sd <= TOO_WIDE * abs(ours):
        return UNTESTABLE
    return CONSISTENT if away <= max(half_width, SIGMAS * sd_of_difference) else CONTRADICTED


def scorecard() -> pd.DataFrame:
    """Return one row a printed number, by its name.

    Columns: what, element, group, locator, printed, half_width, unit, ours, sd, kind, percent and sigma (the
    difference in per cent of the printed number and in standard deviations), route, means, verdict, and holds: for
    arithmetic, whether the terms meet the number within the rounding of all of them (1 or 0, NaN otherwise).
    """
    table = tables.read("printed_numbers").set_index("number")
    routes = tables.read("scorecard_routes").set_index("number")
    ours = {**_reconciled(), **_estimated(), **_from_counts()}
    found = pd.DataFrame.from_dict(ours, orient="index", columns=["ours", "sd", "kind"])
    rows = table[["what", "element", "group", "locator", "value", "half_width", "unit"]]
    rows = rows.rename(columns={"value": "printed"}).join(found).join(routes[["route", "means"]])
    rows["kind"] = rows["kind"].fillna("transcribed")
    rows["holds"] = NAN
    for name, (total, tolerance) in identities().items():
        rows.loc[name, ["ours", "sd", "kind"]] = total, NAN, ARITHMETIC
        rows.at[name, "holds"] = float(abs(total - float(table["value"][name])) <= tolerance * (1 + 1e-9))
    rows["sd_of_difference"] = np.hypot(rows["sd"].fillna(0.0), _printed_sd(table).reindex(rows.index).fillna(0.0))
    difference = rows["ours"] - rows["printed"]
    rows["percent"] = (100 * difference / rows["printed"]).where(rows["printed"] != 0)
    spread = rows["sd_of_difference"]
    rows["sigma"] = (difference / spread.where(spread > 0)).where(rows["route"].isin([OWN, OTHER]))
    strange = rows.index[~rows["route"].isin((OWN, OTHER, ARITHMETIC, NONE))]
    if len(strange):
        raise InputError(f"data/united_kingdom/scorecard_routes.csv has no route for {strange[0]}; add its row")
    lacking = rows.index[(rows["route"] == ARITHMETIC) & rows["holds"].isna()]
    if len(lacking):
        raise InputError(f"data/united_kingdom/printed_identities.csv has no terms for {lacking[0]}; add them")
    columns = ["route", "printed", "half_width", "ours", "sd", "sd_of_difference"]
    rows["verdict"] = [verdict(*cells) for cells in rows[columns].itertuples(index=False)]
    return rows


def counts(rows: pd.DataFrame) -> pd.Series[int]:
    """Return how many numbers have each verdict, all of VERDICTS."""
    by_verdict: pd.Series[int] = rows["verdict"].value_counts().reindex(list(VERDICTS), fill_value=0)
    return by_verdict


def identities() -> dict[str, tuple[float, float]]:
    """Return what the terms of each arithmetic test add up to, and how far rounding lets it be from the number.

    The rounding of the number, of its terms, and of a percentage or divisor all count in full.
    """
    numbers, found = printed.numbers(), {}
    value, half = numbers["value"], numbers["half_width"]
    for name, terms in tables.read("printed_identities").groupby("number", sort=False):
        weights = terms["value"].to_numpy()
        total = float(weights @ value[terms["term"]].to_numpy())
        slack = float(np.abs(weights) @ half[terms["term"]].to_numpy())
        share, divisor = terms["times"].iloc[0], terms["over"].iloc[0]
        if share:
            slack = (slack * value[share] + abs(total) * half[share]) / 100
            total = total * value[share] / 100
        if divisor:
            slack = slack / value[divisor] + abs(total) * half[divisor] / value[divisor] ** 2
            total = total / value[divisor]
        found[str(name)] = (total, slack + float(half[str(name)]))
    cv = upstream.cv_of(upstream.reconciled())
    for flow in ("C1", "E2"):
        found[f"table2.{flow}.total"] = (100 * float(cv[flow]), 2 * float(half[f"table2.{flow}.total"]))
    return found


def motors_made() -> tuple[float, float]:
    """Return traction motors made in the years of the study and their standard deviation.

    The share of electric cars among cars sold gives one end of a range, that among cars built the other; where cars
    built are not known by type, the share of cars sold stands in. The range is taken as uniform.
    """
    built, market = vehicles.built_items(), vehicles.car_registrations()
    sold = vehicles.registrations_cars().sum("vehicle") / market.sel(item="all cars")
    made = (built.sel(item="electric cars") / built.sel(item="all cars")).fillna(sold)
    ends = [float(vehicles.motors_made(share).sum()) for share in (sold, made)]
    return sum(ends) / 2, abs(ends[1] - ends[0]) / 12**0.5


def _reconciled() -> dict[str, tuple[float, float, str]]:
    """Return value, sd and kind of reconciled flows, and of Table 2 from the scores here, by printed number."""
    solved = accounts.results(accounts.reconciled())
    kinds = tables.read("flow_methods").set_index("flow")["kind"]
    totals = solved[solved["layer"].isin([accounts.FOUR, estimates.ALL]) & solved["flow"].isin(kinds.index)]
    rows = {
        f"flow.{flow}": (float(value), float(sd), str(kinds[flow]))
        for flow, value, sd in totals[["flow", "value", "sd"]].itertuples(index=False)
    }
    plain = accounts.uncertainties(accounts.reconciled(with_shares=False))
    for (flow, layer), cv in zip(plain.index.to_list(), plain.to_list(), strict=True):
        rows[f"table2.{flow}.{'total' if layer == estimates.ALL else layer}"] = (float(cv), NAN, "propagated")
    return rows


def _estimated() -> dict[str, tuple[float, float, str]]:
    """Return the numbers on wind turbines, as chapter 03 estimates them."""
    years, stock = printed.years(), wind.stock_kg() / 1000
    cv = float(data_quality.flow_cv(estimates.input_cv())["wind 2021"])
    offshore = stock.sel(site="offshore", element="Nd").sum("generator")
    masses = {f"stock.offshore_Nd_{year}": float(offshore.sel(year=year)) for year in years[1:]}
    masses["stock.wind_2021"] = float(stock.sel(year=years[-1]).sum())
    rows = {name: (mass, cv * mass, "estimated") for name, mass in masses.items()}
    rows["stock.wind_capacity_2021"] = (float(wind.capacity_mw().sel(year=years[-1]).sum()), NAN, "estimated")
    return rows


def _from_counts() -> dict[str, tuple[float, float, str]]:
    """Return the numbers on electric cars that counts give, alone or with prior contents."""
    prior = vehicles.content_prior()
    alone = prior["mean"], pd.DataFrame(np.diag(prior["sd"] ** 2), index=prior.index, columns=prior.index)
    licensed = vehicles.stock_cars().sel(year=printed.years()[-1]).to_series()
    registered = vehicles.registrations_cars().sum("year").to_series()
    used = vehicles.used_cars_sold()
    motors, motors_sd = motors_made()
    return {
        "count.EV_2021": (float(licensed.sum()), NAN, "estimated"),
        "count.used_EV": (used, NAN, "estimated"),
        "count.motors_produced": (motors, motors_sd, "estimated"),
        "stock.EV_2021": (*vehicles.mass_t(licensed, *alone), "assumed"),
        "flow.R2.1": (*vehicles.mass_t(used * vehicles.used_mix(), *alone), "assumed"),
        "flow.C5.1": (*vehicles.mass_t(registered, *alone), "assumed"),
    }


def _printed_sd(table: pd.DataFrame) -> pd.Series[float]:
    """Return the standard deviation that Table 2 gives a printed flow: its elements err together, by prior shares."""
    shares = estimates.element_shares()[estimates.EV_SHARES][0]
    cells = table[table["group"] == "uncertainty"].pivot(index="flow", columns="element", values="value")
    cv = cells[shares.index] @ shares / 100
    flows = table[table["group"] == "flow"]
    return (flows["value"] * flows["flow"].map(cv)).dropna()
