"""Which statements about the study's inconsistencies does the arithmetic bear out?

Each finding of the table `findings` with arithmetic has its values computed here, and a condition on which it stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd

from magnetflow import tables
from magnetflow.errors import InputError
from magnetflow.studies.united_kingdom import estimates, magnets, printed, vehicles, wind
from magnetflow.studies.united_kingdom.review import scorecard, splits

Values = dict[str, float]
NEODYMIUM_OXIDE_METAL = 0.857  # mass of Nd in Nd2O3, for oxides of magnet elements; atomic masses of IUPAC


def derive() -> dict[str, tuple[Values, bool]]:
    """Return for each finding with arithmetic its values by name, and whether it stands."""
    numbers = printed.numbers()["value"]
    parts: tuple[Callable[[pd.Series[float]], dict[str, tuple[Values, bool]]], ...] = (
        _of_turbines,
        _of_cars,
        _of_motors_and_scrap,
        _of_magnets,
        _of_table_2,
        _of_the_world,
    )
    return {name: found for part in parts for name, found in part(numbers).items()}


def read() -> pd.DataFrame:
    """Return the findings that stand: finding, place, statement and arithmetic, which is empty for mere readings.

    Raises InputError where a finding and its arithmetic do not belong together.
    """
    table = tables.read("findings")[["finding", "place", "statement", "arithmetic"]]
    derived = derive()
    stray = sorted(set(table.loc[table["arithmetic"] != "", "finding"]) ^ set(derived))
    if stray:
        raise InputError(f"data/united_kingdom/findings.csv: {stray[0]} has arithmetic in one of table and code only")
    return table[[name not in derived or derived[name][1] for name in table["finding"]]]


def _of_turbines(numbers: pd.Series[float]) -> dict[str, tuple[Values, bool]]:
    stock, cohort = wind.stock_kg() / 1000, wind.cohort_stock_kg() / 1000
    by_year = stock.sum(["site", "generator", "element"])
    first, last = printed.years()[0], printed.years()[-1]
    current, installed = float(by_year.sel(year=last)), float(numbers["flow.C5.2"])
    growth, by_cohort = current - float(by_year.sel(year=first - 1)), float(cohort.sel(year=last).sum())
    neodymium = stock.sel(site="offshore", element="Nd", year=2018).sum()
    capacity = float(wind.capacity_mw().sel(site="offshore", year=2018))
    offshore = float(numbers["stock.offshore_Nd_2018"])
    additions = wind.additions_mw().sel(vintage=wind.NEAREST_VINTAGE, drop=True).sel(year=list(printed.years()))
    by_type = (additions * wind.shares().sel(year=list(printed.years()))).sum(["site", "year"])
    with_magnets = float(by_type.sel(generator=wind.magnet_generators()).sum() / by_type.sum())
    sales = tables.read("maker_sales")
    sets = float(sales.loc[(sales["product"] == "wind generating sets") & (sales["year"] >= first), "value"].sum())
    market = splits.shares_alone(splits.nodes()["generating sets market"])
    return {
        "wind_stock_by_current_shares": (
            {"current": current, "printed": float(numbers["stock.wind_2021"]), "cohort": by_cohort},
            abs(current - numbers["stock.wind_2021"]) < 1 and by_cohort < 0.8 * current,
        ),
        "wind_use_balance": (
            {"growth": growth, "installed": installed, "gap": growth - installed},
            growth > 1.05 * installed,
        ),
        "offshore_2018": (
            {
                "ours": float(neodymium),
                "printed": offshore,
                "needed": capacity * offshore / float(neodymium),
                "held": capacity,
            },
            abs(float(neodymium) - offshore) > 0.01 * offshore,
        ),
        "equation_4_share": ({"without": 100 * (1 - with_magnets)}, with_magnets < 0.95),
        "wind_sets_made": ({"total": sets}, sets > 0),
        "element_split": ({"sum": 100 * float(market.sum())}, abs(float(market.sum()) - 1) < 0.05),
    }


def _of_cars(numbers: pd.Series[float]) -> dict[str, tuple[Values, bool]]:
    mean, covariance = vehicles.content(vehicles.solve_contents(estimates.mean_contents_kg()))
    standing, registered = vehicles.stock_cars(), vehicles.registrations_cars().sum("year")
    opening = vehicles.mass_t(standing.sel(year=printed.years()[0] - 1).to_series(), mean, covariance)[0]
    consumed, stock = float(numbers["flow.C5.1"]), float(numbers["stock.EV_2021"])
    leaving = float(numbers[["flow.E6.0", "flow.W1.0", "stock.EV_hibernating_2021"]].sum())
    balance = opening + consumed - leaving
    new, used = 1000 * consumed / float(registered.sum()), vehicles.used_cars_sold()
    licensed = standing.sel(year=printed.years()[-1])
    life = vehicles.lifetime()
    survived = vehicles.surviving_stock_cars(float(life["mean"]), float(life["shape"]))
    hybrids = float(licensed.sel(vehicle="HEV")), float(survived.sel(vehicle="HEV"))
    in_stock = printed.mean_content_kg("stock.EV_2021", "count.EV_2021")[0]
    used_mass = float(numbers["flow.R2.1"])
    share_new = float(registered.sel(vehicle="BEV") / registered.sum())
    share_stock = float(licensed.sel(vehicle="BEV") / licensed.sum())
    return {
        "ev_use_balance": (
            {"opening": opening, "consumed": consumed, "leaving": leaving, "balance": balance, "printed": stock},
            stock > 1.05 * balance,
        ),
        "ev_content": (
            {
                "consumed": consumed,
                "registered": float(registered.sum()),
                "new": new,
                "stock": in_stock,
                "bev_new": 100 * share_new,
                "bev_stock": 100 * share_stock,
            },
            new < in_stock and share_new > share_stock,
        ),
        "used_source": (
            {
                "told": used,
                "printed": float(numbers["count.used_EV"]),
                "missing": float(numbers["count.used_EV"]) - used,
            },
            0 < float(numbers["count.used_EV"]) - used < 0.01 * used,
        ),
        "used_is_no_outflow": ({"used": used_mass, "stock": stock}, used_mass > float(numbers["flow.E6.0"])),
        "hybrids": ({"licensed": hybrids[0], "survived": hybrids[1]}, hybrids[0] > 1.1 * hybrids[1]),
    }


def _of_motors_and_scrap(numbers: pd.Series[float]) -> dict[str, tuple[Values, bool]]:
    middle, sd = scorecard.motors_made()
    half = sd * 12**0.5 / 2
    made, demand = float(numbers["count.motors_produced"]), float(numbers["context.motor_demand_2022"])
    squares = [(numbers[f"table2.{flow}.Nd"] * numbers[f"flow.{flow}"]) ** 2 for flow in ("P4.1", "I4.1", "E4.1")]
    rest = float(sum(squares)) ** 0.5 / float(numbers["flow.C4.1"])
    mass, cv = float(numbers["flow.W2.0"]), float(numbers["table2.W2.0.Nd"])
    return {
        "motors_validation": (
            {"made": made, "year": made / len(printed.years()), "demand": demand},
            abs(made / len(printed.years()) - demand) < 0.05 * demand,
        ),
        "motors_share": ({"sold": middle - half, "built": middle + half, "printed": made}, half > 0.05 * middle),
        "motor_market_no_rest": (
            {"rest": rest, "printed": float(numbers["table2.C4.1.Nd"])},
            rest > 1.5 * numbers["table2.C4.1.Nd"],
        ),
        "small_masses": ({"mass": mass, "rounding": 50 / mass, "printed": cv}, 50 / mass > cv),
    }


def _of_magnets(numbers: pd.Series[float]) -> dict[str, tuple[Values, bool]]:
    imports, exports, assembly = (float(numbers[f"flow.{flow}"]) for flow in ("I3.1", "E3.1", "P3.1"))
    cv = float(numbers["table2.I3.1.Nd"]), float(numbers["table2.E3.1.Nd"])
    other = float(numbers["flow.O3.1"])
    fraction, shipped = magnets.rare_earth_fraction(), magnets.shipments_from_china_t(2020)
    verdicts = printed.balances().set_index("process")["verdict"]
    year, sd = imports / fraction / len(printed.years()), magnets.net_import_sd_t(0.0)
    price = magnets.unit_value()
    before, after = price.sel(year=slice(2014, 2018)), price.sel(year=slice(2019, 2020))
    low, high = float(before.min()), float(before.max())
    return {
        "assembly_without_inflow": (
            {"assembly": assembly, "other": other - assembly, "printed": other},
            verdicts["magnet assembly"] == "no inflow is given",
        ),
        "magnet_imports": (
            {
                "imports": imports,
                "fraction": 100 * fraction,
                "year": year,
                "sd": year * cv[0] / 100,
                "most": float(shipped.drop("world").min()),
                "world": float(shipped["world"]),
            },
            year > float(shipped.drop("world").max()),
        ),
        "net_import_uncertainty": (
            {
                "imports": imports,
                "imports_cv": cv[0],
                "exports": exports,
                "exports_cv": cv[1],
                "net": imports - exports,
                "sd": sd,
            },
            2 * sd > imports - exports,
        ),
        "magnet_sales_price": (
            {"low": low, "high": high, "after": float(after.mean())},
            high < 1.02 * low and float(after.mean()) > 2 * high,
        ),
        "magnet_uncertainties": ({"imports": cv[0], "exports": cv[1]}, cv[0] > 2 * cv[1]),
    }


def _of_table_2(numbers: pd.Series[float]) -> dict[str, tuple[Values, bool]]:
    left, right = float(numbers["table2.C3.2.Nd"]), float(numbers["table2.P5.1.0.2.Nd"])
    others = all(numbers[f"table2.C3.2.{e}"] == numbers[f"table2.P5.1.0.2.{e}"] for e in ("Dy", "Pr", "Tb"))
    flows, balances = printed.flows(), printed.balances()
    # Exports of compounds are not printed; their market closes by the net import that they are taken from.
    given = flows.loc[flows["flow"] == "E1", "source_process"].iloc[0]
    closing = set(balances.loc[balances["verdict"] == "closes", "process"]) - {given}
    sizes = [int((flows[["source_process", "target_process"]] == process).sum().sum()) for process in sorted(closing)]
    tested = [size for size in sizes if size > 2]
    chance = math.prod(closing_chance(size) for size in tested)
    return {
        "table2_C3.2": ({"left": left, "right": right}, left != right and others),
        "rests_are_exact": ({"markets": float(len(tested)), "chance": 100 * chance}, chance < 0.05),
    }


def closing_chance(flows: int) -> float:
    """Return the probability that a balance of `flows` flows, each rounded on its own, closes to the unit.

    Rounding errors are uniform and independent, and their sum is whole: it is zero with the probability that the sum
    of one uniform error less lies within half a unit, the distribution of Irwin and Hall.
    """
    count = flows - 1
    upper = count / 2 + 0.5

    def below(limit: float) -> float:
        terms = ((-1) ** k * math.comb(count, k) * (limit - k) ** count for k in range(math.floor(limit) + 1))
        return float(sum(terms)) / math.factorial(count)

    return below(upper) - below(upper - 1)


def _of_the_world(numbers: pd.Series[float]) -> dict[str, tuple[Values, bool]]:
    output = float(numbers["context.mine_output"])
    share = float(sum(numbers[f"context.mine_share.{element}"] for element in ("Nd", "Dy", "Pr")))
    mined = tables.read("mine_production").set_index("year")["value"].loc[2018:2020]
    oxide = float(mined.mean())
    total, metal = 100 * output / share, NEODYMIUM_OXIDE_METAL * oxide
    return {
        "mine_output_oxide": (
            {"output": output, "share": share, "total": total, "oxide": oxide, "metal": metal},
            abs(total - oxide) < abs(total - metal),
        ),
    }
