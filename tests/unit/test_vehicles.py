"""Do the counts of cars, their survival and the solved contents hold against other routes?"""

from __future__ import annotations

import csv
import math

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from conftest import ROOT
from scipy.stats import weibull_min

from magnetflow.flows.stocks import survival, surviving
from magnetflow.studies.united_kingdom import printed, vehicles

MEANS = {
    "stock": printed.mean_content_kg("stock.EV_2021", "count.EV_2021"),
    "used": printed.mean_content_kg("flow.R2.1", "count.used_EV"),
}


def rows(name: str) -> list[dict[str, str]]:
    with (ROOT / "data" / "united_kingdom" / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_survival_has_the_mean_it_is_given() -> None:
    ages = xr.DataArray(np.linspace(0, 200, 200_001), dims="age")
    for shape in (1.0, 3.0):
        share = survival(ages, 14.0, shape)
        assert np.trapezoid(share.to_numpy(), ages.to_numpy()) == pytest.approx(14.0, rel=1e-4)
        scale = 14.0 / math.gamma(1 + 1 / shape)
        np.testing.assert_allclose(share, weibull_min.sf(ages, shape, scale=scale), atol=1e-12)


def test_what_survives_of_two_years_by_hand() -> None:
    """Exponential life of mean 10: 100 of 2019 are 2.5 years old at the end of 2021, 50 of 2021 half a year."""
    inflow = xr.DataArray([100.0, 50.0], coords={"year": [2019, 2021]})
    left = surviving(inflow, 2021, 10.0, 1.0)
    np.testing.assert_allclose(left, [100 * math.exp(-0.25), 50 * math.exp(-0.05)])
    known = surviving(inflow.sel(year=[2019]), 2021, 10.0, 1.0, known_until=2020)
    np.testing.assert_allclose(known, 100 * math.exp(-0.1), err_msg="only the losses of 2021 come off")


def test_used_sales_add_up_by_a_plain_loop() -> None:
    sales = rows("vehicle_used_sales")
    sums = {row["year"] for row in sales if row["vehicle"] == "all"}
    total = sum(
        float(row["value"]) for row in sales if row["value"] and (row["vehicle"] == "all" or row["year"] not in sums)
    )
    assert vehicles.used_cars_sold() == total == 706_436
    gap = printed.numbers()["value"]["count.used_EV"] - total
    assert gap == 4_677, "what the study would have for the one figure not found"


def test_contents_are_those_of_the_textbook_update() -> None:
    """An independent route: the update of a normal prior by two linear measurements (Kalman)."""
    prior = vehicles.content_prior().loc[list(vehicles.TYPES)]
    mix = vehicles.mixes()
    design = mix.loc[["stock", "used"], list(vehicles.TYPES)].to_numpy()
    measured = np.array([MEANS["stock"][0], MEANS["used"][0]])
    noise = np.diag([(half / 3**0.5) ** 2 + (vehicles.MIX_ERROR * mean) ** 2 for mean, half in MEANS.values()])
    before = np.diag(prior["sd"].to_numpy() ** 2)
    gain = before @ design.T @ np.linalg.inv(design @ before @ design.T + noise)
    mean = prior["mean"].to_numpy() + gain @ (measured - design @ prior["mean"].to_numpy())
    after = before - gain @ design @ before
    found, covariance = vehicles.content(vehicles.solve_contents(MEANS))
    np.testing.assert_allclose(found, mean, rtol=1e-9)
    np.testing.assert_allclose(covariance, after, rtol=1e-7, atol=1e-12)


def test_a_content_that_no_total_touches_keeps_its_prior() -> None:
    prior = vehicles.content_prior().loc[list(vehicles.TYPES)]
    found, covariance = vehicles.content(vehicles.solve_contents(MEANS, without=["used"]))
    moved = (found - prior["mean"]) / prior["sd"] ** 2
    share = vehicles.mixes().loc["stock"]
    np.testing.assert_allclose(moved / share, (moved / share).iloc[0], err_msg="each moves by share times variance")
    assert (np.sqrt(np.diag(covariance)) < prior["sd"]).all()


def test_the_mass_of_a_fleet_errs_alike_in_every_car() -> None:
    cars = pd.Series({"BEV": 1000.0, "PHEV": 0.0, "HEV": 2000.0})
    mean = pd.Series({"BEV": 1.0, "PHEV": 1.0, "HEV": 0.5})
    covariance = pd.DataFrame(np.diag([0.04, 1.0, 0.01]), index=mean.index, columns=mean.index)
    mass, sd = vehicles.mass_t(cars, mean, covariance)
    assert mass == pytest.approx(2.0)
    assert sd == pytest.approx((0.2**2 + 0.2**2 + (vehicles.MIX_ERROR * mass) ** 2) ** 0.5)


def test_the_stock_by_survival_by_a_plain_loop() -> None:
    scale = 14.0 / math.gamma(1 + 1 / 3)

    def left(age: float) -> float:
        return math.exp(-((age / scale) ** 3))

    stock = {(r["area"], r["vehicle"], int(r["year"])): float(r["value"]) for r in rows("vehicle_stock")}
    new = {(r["vehicle"], int(r["year"])): float(r["value"]) for r in rows("vehicle_registrations")}
    expected = {}
    for kind in vehicles.TYPES:
        factor, total = stock["UK", kind, 2016] / stock["GB", kind, 2016], 0.0
        for year in range(2005, 2017):
            grown = stock["GB", kind, year] - stock.get(("GB", kind, year - 1), 0.0)
            total += factor * grown * left(2021.5 - year) / left(2016.5 - year)
        expected[kind] = total + sum(new[kind, year] * left(2021.5 - year) for year in range(2017, 2022))
    found = vehicles.surviving_stock_cars(14.0, 3.0).to_series()
    for kind, cars in expected.items():
        assert found[kind] == pytest.approx(cars, rel=1e-9)


def test_motors_are_engines_times_share() -> None:
    share = xr.DataArray([0.1, 0.2], coords={"year": [2019, 2020]})
    np.testing.assert_allclose(vehicles.motors_made(share), [250_000, 360_000])


def test_printed_flows_and_numbers_agree() -> None:
    numbers, flows = printed.numbers()["value"], printed.flows().set_index("flow")["value"]
    for name in numbers.index[numbers.index.str.startswith("flow.")]:
        code = name.removeprefix("flow.")
        if code in flows.index:
            assert numbers[name] == flows[code], code
    assert set(flows.index) - {name.removeprefix("flow.") for name in numbers.index} == {"E1"}, (
        "E1 is not in the text"
    )
    assert printed.mean_content_kg("stock.EV_2021", "count.EV_2021")[0] == pytest.approx(0.9001, abs=5e-5)
