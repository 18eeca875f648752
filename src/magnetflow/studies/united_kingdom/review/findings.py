"""Which statements about the study's inconsistencies does the arithmetic bear out?

Each finding of the table `findings` with arithmetic has its values computed here, and a condition on which it stands.
"""

from __future__ import annotations

import math

import pandas as pd

from magnetflow import tables
from magnetflow.errors import InputError
from magnetflow.studies.united_kingdom import estimates, magnets, printed, vehicles, wind
from magnetflow.studies.united_kingdom.review import evidence, splits

Found = dict[str, tuple[dict[str, float], bool]]


def derive() -> Found:
    """Return for each finding with arithmetic its values by name, and whether it stands."""
    numbers = {str(name): float(value) for name, value in printed.numbers()["value"].items()}
    parts = (_of_turbines, _of_cars, _of_motors_and_scrap, _of_magnets, _of_table_2, _of_the_world)
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


def _of_turbines(numbers: dict[str, float]) -> Found:
    years, stock = printed.years(), wind.stock_kg() / 1000
    by_year = stock.sum(["site", "generator", "element"])
    current, as_printed = float(by_year.sel(year=years[-1])), numbers["stock.wind_2021"]
    cohort = float(wind.cohort_stock_kg().sel(year=years[-1]).sum()) / 1000
    growth, installed = current - float(by_year.sel(year=years[0] - 1)), numbers["flow.C5.2"]
    neodymium = float(stock.sel(site="offshore", element="Nd", year=2018).sum())
    capacity = float(wind.capacity_mw().sel(site="offshore", year=2018))
    offshore, with_magnets = numbers["stock.offshore_Nd_2018"], wind.magnet_share(years)
    sales = tables.read("maker_sales")
    sets = float(sales.loc[(sales["product"] == "wind generating sets") & (sales["year"] >= years[0]), "value"].sum())
    shares = float(splits.shares_alone(splits.nodes()["generating sets market"]).sum())
    return {
        "wind_stock_by_current_shares": (
            {"current": current, "printed": as_printed, "cohort": cohort},
            abs(current - as_printed) < 1 and cohort < 0.8 * current,
        ),
        "wind_use_balance": (
            {"growth": growth, "installed": installed, "gap": growth - installed},
            growth > 1.05 * installed,
        ),
        "offshore_2018": (
            {"ours": neodymium, "printed": offshore, "needed": capacity * offshore / neodymium, "held": capacity},
            abs(neodymium - offshore) > 0.01 * offshore,
        ),
        "equation_4_share": ({"without": 100 * (1 - with_magnets)}, with_magnets < 0.95),
        "wind_sets_made": ({"total": sets}, sets > 0),
        "element_split": ({"sum": 100 * shares}, abs(shares - 1) < 0.05),
    }


def _of_cars(numbers: dict[str, float]) -> Found:
    standing, years = vehicles.stock_cars(), printed.years()
    opening = vehicles.mass_t(standing.sel(year=years[0] - 1).to_series(), *estimates.car_contents_kg())[0]
    consumed, stock = numbers["flow.C5.1"], numbers["stock.EV_2021"]
    leaving = sum(numbers[name] for name in ("flow.E6.0", "flow.W1.0", "stock.EV_hibernating_2021"))
    balance = opening + consumed - leaving
    registered, licensed = vehicles.registrations_cars().sum("year"), standing.sel(year=years[-1])
    cars = float(registered.sum())
    new, in_stock = 1000 * consumed / cars, printed.mean_content_kg("stock.EV_2021", "count.EV_2021")[0]
    bev_new, bev_stock = (100 * float(one.sel(vehicle="BEV") / one.sum()) for one in (registered, licensed))
    life = vehicles.lifetime()
    survived = vehicles.surviving_stock_cars(life["mean"], life["shape"])
    hybrids, surviving = float(licensed.sel(vehicle="HEV")), float(survived.sel(vehicle="HEV"))
    used, used_printed = vehicles.used_cars_sold(), numbers["count.used_EV"]
    content = {"consumed": consumed, "registered": cars, "new": new, "stock": in_stock}
    return {
        "ev_use_balance": (
            {"opening": opening, "consumed": consumed, "leaving": leaving, "balance": balance, "printed": stock},
            stock > 1.05 * balance,
        ),
        "ev_content": (
            {**content, "bev_new": bev_new, "bev_stock": bev_stock},
            new < in_stock and bev_new > bev_stock,
        ),
        "used_source": (
            {"told": used, "printed": used_printed, "missing": used_printed - used},
            0 < used_printed - used < 0.01 * used,
        ),
        "used_is_no_outflow": (
            {"used": numbers["flow.R2.1"], "stock": stock},
            numbers["flow.R2.1"] > numbers["flow.E6.0"],
        ),
        "hybrids": ({"licensed": hybrids, "survived": surviving}, hybrids > 1.1 * surviving),
    }


def _of_motors_and_scrap(numbers: dict[str, float]) -> Found:
    by_share = evidence.motors_by_share()
    made, demand = numbers["count.motors_produced"], numbers["context.motor_demand_2022"]
    year = made / len(printed.years())
    errors = [numbers[f"table2.{flow}.Nd"] * numbers[f"flow.{flow}"] for flow in ("P4.1", "I4.1", "E4.1")]
    rest, motors_cv = math.hypot(*errors) / numbers["flow.C4.1"], numbers["table2.C4.1.Nd"]
    mass, cv = numbers["flow.W2.0"], numbers["table2.W2.0.Nd"]
    return {
        "motors_validation": ({"made": made, "year": year, "demand": demand}, abs(year - demand) < 0.05 * demand),
        "motors_share": (
            {**by_share, "printed": made},
            by_share["built"] > 1.1 * by_share["sold"],
        ),
        "motor_market_no_rest": ({"rest": rest, "printed": motors_cv}, rest > 1.5 * motors_cv),
        "small_masses": ({"mass": mass, "rounding": 50 / mass, "printed": cv}, 50 / mass > cv),
    }


def _of_magnets(numbers: dict[str, float]) -> Found:
    imports, exports, assembly = (numbers[f"flow.{flow}"] for flow in ("I3.1", "E3.1", "P3.1"))
    imports_cv, exports_cv = numbers["table2.I3.1.Nd"], numbers["table2.E3.1.Nd"]
    cv = {"imports_cv": imports_cv, "exports_cv": exports_cv}
    net, net_sd, other = imports - exports, magnets.net_import_sd_t(0.0), numbers["flow.O3.1"]
    fraction, shipped = magnets.rare_earth_fraction(), magnets.shipments_from_china_t(2020)
    year, destinations = imports / fraction / len(printed.years()), shipped.drop("world")
    shipments = {"most": float(destinations.min()), "world": float(shipped["world"])}
    verdicts = printed.balances().set_index("process")["verdict"]
    price = magnets.unit_value()
    before, after = price.sel(year=slice(2014, 2018)), float(price.sel(year=slice(2019, 2020)).mean())
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
                "sd": year * imports_cv / 100,
                **shipments,
            },
            year > float(destinations.max()),
        ),
        "net_import_uncertainty": (
            {"imports": imports, "exports": exports, **cv, "net": net, "sd": net_sd},
            2 * net_sd > net,
        ),
        "magnet_sales_price": ({"low": low, "high": high, "after": after}, high < 1.02 * low and after > 2 * high),
        "magnet_uncertainties": ({"imports": imports_cv, "exports": exports_cv}, imports_cv > 2 * exports_cv),
    }


def _of_table_2(numbers: dict[str, float]) -> Found:
    left, right = numbers["table2.C3.2.Nd"], numbers["table2.P5.1.0.2.Nd"]
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


def _of_the_world(numbers: dict[str, float]) -> Found:
    output = numbers["context.mine_output"]
    share = sum(numbers[f"context.mine_share.{element}"] for element in ("Nd", "Dy", "Pr"))
    own_oxide, oxide = (
        float(tables.read(name).set_index("year")["value"].loc[2018:2020].mean())
        for name in ("mine_output_bgs", "mine_production")
    )
    fraction = magnets.neodymium_in_oxide()  # for the oxides of all three elements
    total, own_metal, metal = 100 * output / share, fraction * own_oxide, fraction * oxide
    return {
        "mine_output_oxide": (
            {"output": output, "share": share, "total": total}
            | {"own_oxide": own_oxide, "own_metal": own_metal, "oxide": oxide, "metal": metal},
            abs(total - own_metal) < abs(total - own_oxide) and abs(total - oxide) < abs(total - metal),
        ),
    }
