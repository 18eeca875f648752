"""Magnets by value: each route against a calculation by hand, and the code of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from magnetflow import tables
from magnetflow.errors import InputError
from magnetflow.studies.united_kingdom import magnet_value, magnets
from magnetflow.tables.described import _outside

ND_IN_OXIDE = 2 * 144.242 / (2 * 144.242 + 3 * 15.999)
YEARS = [2017, 2018]
# Value of imports by listed partners, USD; those of all partners were 1.06060 times as much on average.
VALUE = {2016: 43_523_940, 2017: 41_721_855, 2018: 52_766_205}
MASS_KG = {2016: 4_990_600, 2018: 6_416_500}
SAME = {"value share": 0.6, "markup": 1.5, "other magnets": 4.0, "rare earths": 0.3, "own price": 1.0}


@pytest.fixture
def point() -> magnet_value.Drawn:
    """One draw, in which every range has shrunk to a point."""
    ends = magnet_value.ranges()
    values = ends.index.get_level_values("input").map(SAME)
    drawn = magnet_value.draw(1, 1, pd.DataFrame({"low": values, "high": values}, index=ends.index))
    return {**drawn, ("partners", "imports"): np.array([1.06])}


def test_the_value_share_route_by_hand(point: magnet_value.Drawn) -> None:
    found = magnet_value.by_value_share_t("imports", point, YEARS)
    # 60 % of the value, over 1.5 times the price of the oxide (50 USD/kg in both years) that holds a kilogram.
    by_hand = [0.6 * 1.06 * VALUE[year] / (1.5 * 50 / ND_IN_OXIDE) / 1000 for year in YEARS]
    assert found[0] == pytest.approx(by_hand, rel=1e-5)


def test_the_price_of_the_lowest_year_is_taken_for_what_does_not_follow_the_year(point: magnet_value.Drawn) -> None:
    halfway = {**point, ("own price", "imports"): np.array([0.5])}
    cost = magnet_value.cost_in_magnets_usd_per_kg("imports", halfway, [2017, 2019])
    # 50 USD/kg in 2017 and 45 in 2019.
    assert cost[0] == pytest.approx([1.5 * 47.5 / ND_IN_OXIDE, 1.5 * 45 / ND_IN_OXIDE], rel=1e-5)


def test_the_unit_values_route_by_hand(point: magnet_value.Drawn) -> None:
    found = magnet_value.by_unit_values_t("imports", point, YEARS)
    mean = 1.06 * (VALUE[2016] + VALUE[2018]) / (MASS_KG[2016] + MASS_KG[2018])  # 8.95 USD/kg
    magnet = 0.3 * 1.5 * 50 / ND_IN_OXIDE  # 26.2 USD/kg
    share = (mean - 4) / (magnet - 4)
    by_hand = [1.06 * VALUE[year] / mean * share * 0.3 / 1000 for year in YEARS]
    assert found[0] == pytest.approx(by_hand, rel=1e-5)
    assert share == pytest.approx(0.223, abs=0.001)


def test_dear_other_magnets_leave_none_of_rare_earths_and_cheap_ones_never_more_than_all(
    point: magnet_value.Drawn,
) -> None:
    dear = {**point, ("other magnets", "imports"): np.array([12.0])}
    assert (magnet_value.by_unit_values_t("imports", dear, YEARS) == 0).all()
    cheap = {**point, ("markup", "imports"): np.array([0.3])}
    mean = 1.06 * (VALUE[2016] + VALUE[2018]) / (MASS_KG[2016] + MASS_KG[2018])
    all_of_it = [0.3 * 1.06 * VALUE[year] / mean / 1000 for year in YEARS]
    assert magnet_value.by_unit_values_t("imports", cheap, YEARS)[0] == pytest.approx(all_of_it, rel=1e-9)


def test_the_mass_share_route_by_hand() -> None:
    # Twelve months of CN 85051110 from June 2024, over HS 850511 in 2024.
    share = 1_072_121 / 1_954_637.3
    assert magnet_value.measured_shares("imports")["mass"] == pytest.approx(share)
    carried = magnet_value.by_mass_share_t("imports", 5)
    assert carried.to_dict() == pytest.approx({year: MASS_KG[year] * share * 0.3 * 5 / 1000 for year in MASS_KG})
    # In 2018 a kilogram of magnets of metal cost 8.7 USD, and the oxide in one of rare earths 17.5.
    factor = (72796430 / 69334672 + 44411836 / 41458272) / 2
    cap = VALUE[2018] * factor / MASS_KG[2018] / (0.3 * 50 / ND_IN_OXIDE)
    assert magnet_value.largest_mass_share("imports", 0.3)[2018] == pytest.approx(cap, rel=1e-5)
    assert cap < share


def test_net_is_the_difference_draw_by_draw_and_the_pool_spans_both_routes() -> None:
    drawn = magnet_value.draw(2000, 3)
    routes, pooled = magnet_value.estimate_t(drawn, YEARS), magnet_value.pooled_t(drawn, YEARS)
    assert (pooled["net"] == pooled["imports"] - pooled["exports"]).all()
    assert len(pooled) == 2 * 2000
    lows = [route["net"].quantile(0.05) for route in routes.values()]
    assert min(lows) <= pooled["net"].quantile(0.05) <= max(lows)


def test_nine_draws_of_ten_of_a_markup_lie_in_its_range_and_all_of_an_even_one() -> None:
    drawn, ends = magnet_value.draw(40_000, 4), magnet_value.ranges()
    low, high = ends.loc[("markup", "imports"), ["low", "high"]].to_numpy(dtype=float)
    inside = (drawn["markup", "imports"] >= low) & (drawn["markup", "imports"] <= high)
    assert inside.mean() == pytest.approx(0.9, abs=0.01)
    low, high = ends.loc[("value share", "exports"), ["low", "high"]].to_numpy(dtype=float)
    assert ((drawn["value share", "exports"] >= low) & (drawn["value share", "exports"] <= high)).all()
    assert drawn["rare earths", "imports"] is drawn["rare earths", "exports"]


def test_the_same_seed_gives_the_same_draws_and_another_does_not() -> None:
    first, again, other = (magnet_value.pooled_t(magnet_value.draw(50, seed), YEARS) for seed in (7, 7, 8))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


def test_june_2025_is_left_out_for_its_mass_and_nothing_else_is() -> None:
    months = magnet_value.months("imports")
    assert list(months.index[~months["usable"]]) == [202506]
    assert magnet_value.months("exports")["usable"].all()
    kept = months.drop(202506)
    assert magnet_value.mass_a_year_t("imports") == pytest.approx(kept["mass"].sum() / 24 * 12 / 1000)
    assert magnet_value.unit_value_usd_per_kg("imports") == pytest.approx(kept["value"].sum() / kept["mass"].sum())


def test_the_estimate_for_2024_holds_the_mass_that_customs_measured_later() -> None:
    # A second route: 1,204 t of magnets a year under a code of their own, at 30 %.
    measured_t = magnet_value.mass_a_year_t("imports") * magnets.rare_earth_fraction()
    ends = magnet_value.pooled_t(magnet_value.draw(4000, 5), [2024])["imports"].quantile([0.05, 0.95])
    assert ends[0.05] < measured_t < ends[0.95]


def test_what_the_code_of_2023_tells_by_hand() -> None:
    # The oxide cost 56 USD/kg in 2024 and 73 in 2025; a kilogram of magnets 28.02 to import and 43.17 to export.
    cost = (56 + 73) / 2 / ND_IN_OXIDE
    assert magnet_value.measured_markup("imports") == pytest.approx(28.01598 / 0.3 / cost, rel=1e-4)
    assert magnet_value.measured_markup("exports") == pytest.approx(43.16867 / 0.3 / cost, rel=1e-4)
    # Twelve months from June 2024, in USD, over HS 850511 in 2024.
    assert magnet_value.measured_shares("imports")["value"] == pytest.approx(27_526_605 / 45_652_152, rel=1e-6)
    # What is left: 18.1 M USD and 883 t.
    left = (45_652_152 - 27_526_605) / (1_954_637.3 - 1_072_121)
    assert magnet_value.other_unit_value_usd_per_kg("imports") == pytest.approx(left, rel=1e-6)
    exports = magnet_value.code_unit_value_usd_per_kg("exports")
    factor = (28968702 / 24911425 + 24986294 / 20210208) / 2
    assert exports[2016] == pytest.approx(22_478_318 * factor / 1_873_000, rel=1e-6)
    assert exports[2024] == pytest.approx(24_543_979 / 514_909.7)


def test_a_year_under_the_code_is_mass_times_content_and_net_is_imports_less_exports(
    point: magnet_value.Drawn,
) -> None:
    found = magnet_value.by_code_t({**point, ("rare earths", "exports"): np.array([0.3])}).iloc[0]
    assert found["imports"] == pytest.approx(0.3 * 1204.03, rel=1e-4)
    assert found["net"] == pytest.approx(0.3 * (1204.03 - 434.56), rel=1e-4)


def test_the_middle_of_a_markup_is_the_geometric_mean_of_its_ends() -> None:
    markup = magnet_value.draw(40_000, 6)["markup", "exports"]
    low, high = magnet_value.ranges().loc[("markup", "exports"), ["low", "high"]].to_numpy(dtype=float)
    assert np.median(markup) == pytest.approx((low * high) ** 0.5, rel=0.01)


def test_a_width_holds_nine_draws_of_ten_and_knowing_an_input_narrows_it() -> None:
    assert magnet_value.width_t(pd.Series(np.arange(101.0))) == pytest.approx(90.0)
    worth = magnet_value.worth_t(4000, 7)
    assert set(worth.index[:2]) == {"markup", "other magnets"}
    assert worth["markup"] > 0


def spoilt(name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[str], pd.DataFrame]:
    """Return a reader of tables that changes the one named."""
    read = tables.read
    return lambda asked: change(read(asked)) if asked == name else read(asked)


def without(**cells: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return a change that leaves out the rows with these cells."""
    return lambda table: table[~np.logical_and.reduce([table[key] == cell for key, cell in cells.items()])]


def set_to(column: str, found: object, **cells: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return a change that sets a column where the rows have these cells."""

    def change(table: pd.DataFrame) -> pd.DataFrame:
        chosen = np.logical_and.reduce([table[key] == cell for key, cell in cells.items()])
        return table.assign(**{column: table[column].mask(chosen, found)})

    return change


def described() -> dict[str, Any]:
    """Return the schema of each table."""
    return {name: resource["schema"] for name, resource in tables.describe().items()}


INPUTS, CODE = "magnet_value_inputs", "magnet_code_months"
SPOILT = [
    (INPUTS, without(input="markup", direction="imports", bound="high"), "markup of imports needs two ends"),
    (INPUTS, set_to("value", 0.95, input="value share", direction="imports", bound="low"), "lower one first"),
    (INPUTS, set_to("value", 40.0, input="value share", direction="imports", bound="low"), "expected a fraction"),
    (INPUTS, set_to("value", 0.0, input="rare earths", bound="low"), "found 0 1 for rare earths"),
    (INPUTS, set_to("unit", "1", input="other magnets", bound="low"), "found 1 1 for other magnets"),
    (INPUTS, without(input="own price"), "own price is given for none"),
    (INPUTS, set_to("direction", "both", input="markup", direction="exports"), "markup is given for both, imports"),
    (INPUTS, set_to("value", 60.0, input="other magnets", bound="high"), "other magnets cost more"),
    (CODE, without(direction="imports", quantity="mass", month=202409), "mass of imports: 202409 has no figure"),
    (CODE, without(direction="exports", month=202406), "value of exports: 202406 has no figure"),
    (CODE, set_to("unit", "USD", quantity="mass"), "a value in USD cannot be converted to kg"),
    ("oxide_prices", without(year=2019), "oxide_prices: 2019 has no figure"),
    ("magnet_trade", without(statistic="BACI, listed partners", year=2020), "magnet_trade: 2020 has no figure"),
    ("magnet_trade", set_to("unit", "EUR", statistic="BACI, listed partners"), "EUR cannot be converted to USD"),
]


@pytest.mark.parametrize(("name", "change", "message"), SPOILT, ids=[message for *_, message in SPOILT])
def test_what_is_spoilt_in_a_table_is_refused_by_name(
    name: str, change: Callable[[pd.DataFrame], pd.DataFrame], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "read", spoilt(name, change))
    with pytest.raises(InputError, match=re.escape(message)):
        magnet_value.pooled_t(magnet_value.draw(10, 1), [2017, 2018, 2019, 2020, 2021])
        for way in magnet_value.WAYS:
            magnet_value.measured_shares(way)


def test_a_price_of_zero_is_refused_by_its_constraint() -> None:
    for name in ("oxide_prices", "magnet_trade", "magnet_code_months", "trade_parameters"):
        [value] = [field for field in described()[name]["fields"] if field["name"] == "value"]
        assert _outside(pd.Series([0.0, -1.0, 0.1]), value).tolist() == [True, True, False], name
