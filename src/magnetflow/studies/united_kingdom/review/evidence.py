"""What is at hand beside each number that the study prints, by the route on which it was obtained?

No evidence of a number uses that number, directly or through contents that were solved for from it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from magnetflow import tables
from magnetflow.studies.united_kingdom import (
    accounts,
    contents,
    data_quality,
    estimates,
    headlines,
    magnet_value,
    magnets,
    printed,
    trade,
    upstream,
    vehicles,
    wind,
    wind_draws,
)

OWN, READING, OTHER, LIMITS = "own method", "another reading", "other data", "limits"
RATIO, ROUGH, AGAINST, SCORES = "ratio", "rough estimate", "evidence against", "scores of this book"
IDENTITY, PROPAGATION, RESIDUAL = "identity", "propagation", "residual"
STATED, NONE = "stated", "none"
NAN = math.nan
SHARES_APART = 0.05  # assumed: how far the share of an element differs between flows that one balance joins
ENDS_IN_SD = 4.0  # a range between assumptions is taken as mean ± 2 sd
LOW_PERCENT = 20.0  # end of the class of low uncertainty in Table 2


class Evidence(NamedTuple):
    """Value and standard deviation of an estimate, or the limits between which a number lies; and its kind."""

    value: float
    sd: float = NAN
    low: float = -math.inf
    high: float = math.inf
    kind: str = "estimated"


Found = Mapping[str, Evidence]


def own_method() -> Found:
    """Return what the study's own method gives on inputs at hand."""
    numbers, years = printed.numbers()["value"], printed.years()
    last, of_turbines = years[-1], wind_draws.spread_of_new_turbines()[0]
    of_mines, _ = trade.mine_output_t("mine_output_bgs", years[0], last)
    stocks = float(numbers[[f"stock.EV_{last}", f"stock.wind_{last}"]].sum())
    masses = {f"flow.{flow}": float(mass.sum()) for flow, mass in estimates.estimated_t().items()}
    return {name: Evidence(mass, of_turbines * mass) for name, mass in masses.items() if name in numbers} | {
        f"stock.wind_capacity_{last}": Evidence(float(wind.capacity_mw().sel(year=last).sum()), kind="arithmetic"),
        f"count.EV_{last}": Evidence(float(vehicles.stock_cars().sel(year=last).sum()), kind="arithmetic"),
        f"claim.mine_share_{last}": Evidence(100 * stocks / of_mines),
    }


def another_reading() -> Found:
    """Return what the study's method gives where its text leaves open which data or shares it takes.

    Turbines in use count at the market shares of each year's end, whenever they were built.
    """
    years, stock = printed.years(), wind.stock_kg() / 1000
    cv = float(data_quality.flow_cv(estimates.input_cv())[f"wind {years[-1]}"])
    offshore = stock.sel(site="offshore", element="Nd").sum("generator")
    masses = {f"stock.offshore_Nd_{year}": float(offshore.sel(year=year)) for year in years[1:]}
    masses[f"stock.wind_{years[-1]}"] = float(stock.sel(year=years[-1]).sum())
    return {name: Evidence(mass, cv * mass) for name, mass in masses.items()} | {
        "count.motors_produced": Evidence(motors_by_share()["built"]),
        "count.used_EV": Evidence(vehicles.used_cars_sold(), kind="arithmetic"),
    }


def other_data() -> Found:
    """Return estimates from other data or by another method, with their standard deviation."""
    numbers, alone = printed.numbers()["value"], vehicles.prior_contents_kg()
    licensed = vehicles.stock_cars().sel(year=printed.years()[-1]).to_series()
    registered = vehicles.registrations_cars().sum("year").to_series()
    built = vehicles.electric_cars_built().sum() * registered / registered.sum()
    fleets = {
        f"stock.EV_{printed.years()[-1]}": licensed,
        "flow.R2.1": vehicles.used_cars_sold() * vehicles.used_mix(),
        "flow.C5.1": registered,
        "derived.EV_production": built,
    }
    found = {name: Evidence(*vehicles.mass_t(cars, *alone), kind="assumed") for name, cars in fleets.items()}
    drawn, motors = magnet_value.estimated_t(), headlines.motors_made()
    for way, flow in (("imports", "flow.I3.1"), ("exports", "flow.E3.1")):
        found[flow] = Evidence(float(drawn[way].median()), float(drawn[way].std()), kind="assumed")
    half = (motors.high - motors.low) / 2 / headlines.NINE_TENTHS
    found["flow.P4.1"] = Evidence(motors.value, half, kind="assumed")
    sets = trade.sets_imported_t()
    found["flow.I5.1.4"] = _between(sets["low"], sets["high"])
    imported, production = trade.cars_imported(), float(numbers["derived.EV_production"])
    masses = [vehicles.mass_t(imported[end], *alone) for end in ("low", "high")]
    found["flow.I5.1"] = _between(masses[0][0], masses[1][0], sum(sd for _, sd in masses) / 2)
    least, most = (
        production * share for share in (trade.cars_exported_shares().min(), trade.most_cars_exported_share())
    )
    of_production = (least + most) / 2 / production * float(printed_sd()["derived.EV_production"])
    found["flow.E5.1"] = _between(least, most, of_production)
    return found | _by_cohort()


def _by_cohort() -> dict[str, Evidence]:
    """Return the stocks of turbines by year of construction, with the spread of their draws."""
    central, drawn = wind.cohort_stock_kg() / 1000, wind_draws.draw_fleet().stock_kg() / 1000
    years, found = printed.years(), {}
    for year in years[1:]:
        place = {"site": "offshore", "element": "Nd", "year": year}
        found[f"stock.offshore_Nd_{year}"] = Evidence(float(central.sel(place).sum()), float(drawn.sel(place).std()))
    whole = drawn.sel(year=years[-1]).sum(["site", "element"])
    found[f"stock.wind_{years[-1]}"] = Evidence(float(central.sel(year=years[-1]).sum()), float(whole.std()))
    return found


def limits() -> Found:
    """Return limits that a number cannot exceed, on stated assumptions."""
    numbers, unbounded = printed.numbers()["value"], Evidence(NAN, kind="assumed")
    ceiling = {way: magnets.ceiling_t(way, lenient=True) for way in magnet_value.WAYS}
    of_mines, ends = trade.mine_output_t("mine_output_bgs", 2018, 2020)
    china, (sets, _) = from_china_percent(), trade.sets_exported_share_bound()
    of_sets = float(numbers["flow.I5.1.4"])
    return {
        "flow.I3.1": unbounded._replace(high=ceiling["imports"]),
        "flow.E3.1": unbounded._replace(high=ceiling["exports"]),
        "flow.O3.1": unbounded._replace(high=ceiling["imports"] + float(numbers["flow.P3.1"])),
        "derived.net_import_magnets": unbounded._replace(high=ceiling["imports"]),
        "flow.E5.2": unbounded._replace(low=sets.low * of_sets, high=sets.high * of_sets),
        "context.mine_output": Evidence(of_mines, low=ends.low, high=ends.high, kind="assumed"),
        "claim.magnets_from_china": Evidence(china, low=china, high=china, kind="arithmetic"),
    }


def ratios() -> Found:
    """Return what a number would be if a ratio printed elsewhere held for it."""
    numbers, last = printed.numbers()["value"], printed.years()[-1]
    kg_a_car, _ = printed.mean_content_kg(f"stock.EV_{last}", f"count.EV_{last}")
    counts = {
        "flow.R2.1": "count.used_EV",
        "flow.E6.0": "count.used_EV_exported",
        "flow.W1.0": "count.ELV_collected",
        "flow.W2.0": "count.ELV_dismantled",
        f"stock.EV_hibernating_{last}": f"count.EV_hibernating_{last}",
    }
    found = {
        name: Evidence(kg_a_car * float(numbers[count]) / 1000, kind="arithmetic") for name, count in counts.items()
    }
    a_year = float(numbers["count.motors_produced"]) / len(printed.years())
    return found | {"claim.motors_agree": Evidence(a_year, kind="arithmetic")}


def rough() -> Found:
    """Return estimates of which only the order of magnitude counts."""
    numbers, ranges = printed.numbers()["value"], trade.tests()
    flows = ("I1", "E1", "I2", "E4.1")
    middle = {flow: float(ranges["low"][flow] * ranges["high"][flow]) ** 0.5 for flow in flows}
    motors_kg, _ = contents.next_study(contents.motors_kg())
    built = float(vehicles.electric_cars_built().sum())
    other_t = other_data()["derived.EV_production"].value - built * motors_kg / 1000
    masses = {
        "flow.I1": middle["I1"],
        "flow.I2": middle["I2"],
        "flow.E4.1": middle["E4.1"],
        "flow.P3.1": math.sqrt(math.prod(assembly_t())),
        "flow.C1": middle["I1"] - middle["E1"] - float(numbers["flow.S1"]),
        "flow.P5.1.0.2": other_t,
    }
    return {name: Evidence(mass, kind="assumed") for name, mass in masses.items()}


def by_scores() -> Found:
    """Return Table 2 from the quality scores of this book, %."""
    plain = accounts.uncertainties(accounts.reconciled(with_shares=False))
    return {
        f"table2.{flow}.{'total' if layer == estimates.ALL else layer}": Evidence(float(cv), kind="assumed")
        for (flow, layer), cv in zip(plain.index.to_list(), plain.to_list(), strict=True)
    }


def identities() -> Found:
    """Return what the terms of each sum give, and the limits that rounding leaves for the number.

    The rounding of the terms, and of a percentage or divisor, counts in full; that of the number comes on top.
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
        found[str(name)] = Evidence(total, NAN, total - slack, total + slack, "arithmetic")
    low = low_uncertainty_percent()
    return found | {"claim.low_uncertainty": Evidence(low, NAN, low, low, "arithmetic")}


def propagation() -> Found:
    """Return the uncertainties that printed ones lead to through a balance, %, as far as the shares let them be told.

    In a balance of elements, each flow has its mass times a share of the element that is within `SHARES_APART` of
    that of the others; the limits are those over all such shares.
    """
    half = printed.numbers()["half_width"]
    cv = 100 * upstream.cv_of(upstream.reconciled())
    found = {}
    for flow in ("C1", "E2"):
        name, value = f"table2.{flow}.total", float(cv[flow])
        found[name] = Evidence(value, NAN, value - half[name], value + half[name], "propagated")
    terms = tables.read("printed_identities")
    for flow in ("O3.1", "C5.1", "I5.2"):
        signs = terms[terms["number"] == f"flow.{flow}"].set_index("term")["value"]
        for element in estimates.ELEMENTS:
            found[f"table2.{flow}.{element}"] = _propagated(signs, element)
    return found


def printed_sd() -> pd.Series[float]:
    """Return the standard deviation that Table 2 gives each printed flow and each sum of such flows, by number.

    A flow's elements err together, by prior shares; flows err on their own.
    """
    table, shares = printed.numbers(), estimates.element_shares()[estimates.EV_SHARES][0]
    cells = printed.uncertainties().unstack("layer")
    cv = (cells[shares.index] @ shares).fillna(cells[estimates.ALL]) / 100
    flows = table[table["group"] == "flow"]
    sd = (flows["value"] * flows["flow"].map(cv)).dropna()
    terms = tables.read("printed_identities")
    sums = terms[terms["number"].str.startswith("derived.") & terms["term"].isin(sd.index)]
    squares = (sums["value"] * sums["term"].map(sd)) ** 2
    return pd.concat([sd, squares.groupby(sums["number"]).sum() ** 0.5])


def uninstalled() -> tuple[float, float]:
    """Return the capacity, MW, that the sets imported before the study's years stand for, and its share in percent.

    The share is that in what was built in these years, whose mass and capacity are in proportion.
    """
    numbers = printed.numbers()["value"]
    share = float(numbers["flow.I5.2"] / numbers["flow.C5.2"])
    return share * float(wind.study_additions_mw().sel(year=list(printed.years())).sum()), 100 * share


def motors_by_share() -> dict[str, float]:
    """Return motors made in the years of the study, by the share of electric cars among cars sold and cars built."""
    return {name: float(vehicles.motors_made(share).sum()) for name, share in vehicles.electric_shares().items()}


def assembly_t() -> tuple[float, float]:
    """Return the lowest and highest mass of rare earths in magnets that makers sold in the years of the study, t.

    The share of rare-earth magnets is that measured in imports and in exports of later years. A year without a
    figure takes the lowest and the highest of the other years.
    """
    sold = magnets.sales().sel(year=list(printed.years())).to_series()
    shares = [float(magnet_value.measured_shares(way)["mass"]) for way in magnet_value.WAYS]
    content = magnets.rare_earth_fraction()
    ends = sold.fillna(sold.min()).sum() * min(shares), sold.fillna(sold.max()).sum() * max(shares)
    return float(ends[0] * content), float(ends[1] * content)


def from_china_percent() -> float:
    """Return the share of China in the value of magnets of metal imported from the listed partners, %."""
    years = list(printed.years())
    china, listed = (
        magnets.trade("imports", f"BACI, {which}", "value")[years].sum()
        for which in ("from China", "listed partners")
    )
    return float(100 * china / listed)


def low_uncertainty_percent() -> float:
    """Return the share of flows in Table 2 whose uncertainty, of Nd or of all rare earths, is low or less, %."""
    cells = printed.uncertainties().unstack("layer")
    return float(100 * (cells["Nd"].fillna(cells[estimates.ALL]) <= LOW_PERCENT).mean())


def _between(low: float, high: float, more_sd: float = 0.0) -> Evidence:
    """Return a range between assumptions as an estimate; `more_sd` is that of a printed number it is a share of."""
    return Evidence((low + high) / 2, math.hypot((high - low) / ENDS_IN_SD, more_sd), kind="assumed")


def _propagated(signs: pd.Series[float], element: str) -> Evidence:
    """Return the uncertainty of the rest of a balance, %, from that of its terms; `signs` are by printed flow."""
    terms = printed.numbers().loc[signs.index]
    mass = terms["value"].to_numpy()
    cv = printed.uncertainties().xs(element, level="layer")[terms["flow"]].to_numpy()

    def rest(shares: np.ndarray) -> float:
        return float(np.linalg.norm(cv * mass * shares) / abs(signs.to_numpy() @ (mass * shares)))

    corners = [
        rest(np.array(shares)) for shares in itertools.product((1 - SHARES_APART, 1 + SHARES_APART), repeat=len(mass))
    ]
    return Evidence(rest(np.ones(len(mass))), NAN, min(corners), max(corners), "propagated")


ROUTES: Mapping[str, Callable[[], Found]] = {
    OWN: own_method,
    READING: another_reading,
    OTHER: other_data,
    LIMITS: limits,
    RATIO: ratios,
    ROUGH: rough,
    SCORES: by_scores,
    IDENTITY: identities,
    PROPAGATION: propagation,
    RESIDUAL: identities,
}
