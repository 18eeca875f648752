"""Trade statistics through the equations of the study: each range by hand, and the rule at its edges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from magnetflow import tables
from magnetflow.errors import InputError
from magnetflow.studies.united_kingdom import estimates, printed, trade, vehicles, wind
from magnetflow.studies.united_kingdom.trade import CONSISTENT, INCONCLUSIVE, OUTSIDE, Range

# Value (M USD, BACI) of wind generating sets imported, and value of a kilogram in world trade (USD/kg), 2017 to 2021.
SETS_VALUE = [970.492017, 525.669250, 371.203483, 481.085919, 1609.095919]
WORLD_VALUE_OF_A_KG = [5383.553435 / 617.2675, 6144.047955 / 733.2857, 7275.483484 / 736.4929]
WORLD_VALUE_OF_A_KG += [9129.352227 / 953.8621, 8754.339684 / 1056.1548]
UK_VALUE_OF_A_KG = 450.937984 / 32.738741  # 13.77 USD/kg, Comtrade 2018
RATING = {"onshore": [2.7, 2.7, 3.1, 3.3, 4.0], "offshore": [5.9, 6.8, 7.8, 8.2, 8.5]}
ND_IN_OXIDE = 2 * 144.242 / (2 * 144.242 + 3 * 15.999)
CARS_EXPORTED = 78156 + 528 + 4963 + 28691  # HEV of two codes, PHEV, BEV; 2018


def contents_of_a_set_kg() -> tuple[list[float], float]:
    """Return the rare earths in the magnets of a mean turbine by year, and over all years, turbine by turbine."""
    kg_per_mw = wind.intensity_kg_per_mw().sum("element")
    mass, sets = [0.0] * 5, [0.0] * 5
    for site, ratings in RATING.items():
        for at, (year, rating) in enumerate(zip(range(2017, 2022), ratings, strict=True)):
            added = float(wind.study_additions_mw().sel(site=site, year=year))
            sets[at] += added / rating
            for generator in ("DD-PMSG", "GB-PMSG"):
                share = float(wind.shares().sel(site=site, year=year, generator=generator))
                mass[at] += added * share * float(kg_per_mw.sel(generator=generator))
    return [one / number for one, number in zip(mass, sets, strict=True)], sum(mass) / sum(sets)


def test_sets_are_nacelles_times_what_the_turbines_of_the_year_hold() -> None:
    by_year, of_all = contents_of_a_set_kg()
    at_uk_value = [1e6 * value / UK_VALUE_OF_A_KG / 240e3 for value in SETS_VALUE]
    assert sum(at_uk_value) == pytest.approx(1197.2, abs=0.1)  # 3,957.5 M USD / 13.774 USD/kg / 240 t
    found = trade.sets_imported_t()
    as_usual = sum(n * kg for n, kg in zip(at_uk_value, by_year, strict=True)) / 1000
    assert found["uk_value"] == pytest.approx(as_usual, rel=1e-6)
    reported = 450.937984 / 525.669250  # Comtrade over BACI in 2018
    assert found["low"] == pytest.approx(reported * min(as_usual, sum(at_uk_value) * of_all / 1000), rel=1e-6)
    at_world_value = [1e6 * v / u / 240e3 for v, u in zip(SETS_VALUE, WORLD_VALUE_OF_A_KG, strict=True)]
    of_years = sum(n * kg for n, kg in zip(at_world_value, by_year, strict=True)) / 1000
    assert found["high"] == pytest.approx(max(of_years, sum(at_world_value) * of_all / 1000), rel=1e-6)
    assert found["low"] < 554 < found["high"]


def test_exports_of_sets_need_more_in_the_years_without_a_share_than_in_any_with_one() -> None:
    share = trade.sets_exported_share()
    hand = {2016: 5577960 / 300107620, 2017: 3853210 / 620650740, 2018: 1152900 / 348140450}
    assert share.to_dict() == pytest.approx(hand)
    counted = hand[2017] * SETS_VALUE[0] + hand[2018] * SETS_VALUE[1]  # 6.03 + 1.74 M USD
    bound, needed = trade.sets_exported_share_bound()
    total, others = sum(SETS_VALUE), sum(SETS_VALUE[2:])
    assert bound.low == pytest.approx(counted / total)
    assert bound.high == pytest.approx((counted + 65.163488 + 124.988631 + 72.256321) / total)
    assert needed == pytest.approx((19 / 554 * total - counted) / others)  # (135.7 - 7.8) / 2,461.4 = 5.2 %
    assert needed > share.max()


def test_cars_imported_agree_with_registrations_exports_and_production_in_2018() -> None:
    counted = trade.cars_traded("imports")
    # BEV: 16,586 t, a car between 36,896 t / 28,691 = 1.29 t and 12,150 t / 4,963 = 2.45 t.
    assert counted.loc["BEV", "low"] == pytest.approx(16585983 / (12150279 / 4963))
    assert counted.loc["BEV", "high"] == pytest.approx(16585983 / (36896224 / 28691))
    assert list(counted.loc[["PHEV", "HEV"], "low"]) == [12974, 81064 + 21]
    # 15,474 + 42,232 + 81,156 registered, 142,765 built.
    balance = 15474 + 42232 + 81156 + CARS_EXPORTED - 142765
    assert trade.cars_imported_by_balance() == balance == 108435
    assert counted["low"].sum() < balance < 1.05 * counted["high"].sum()


def test_cars_imported_in_five_years_by_value_and_their_mass() -> None:
    cars = trade.cars_imported()
    bev_value = 514.843411 + 489.547397 + 1398.566736 + 4114.948773 + 6952.952827  # M USD
    uk_kg = 1e6 * bev_value / (398.532392 / 16.585983)
    assert cars.loc["BEV", "low"] == pytest.approx(uk_kg * 398.532392 / 489.547397 / (12150279 / 4963))
    phev_value = 772.089700 + 812.178427 + 945.870597 + 2481.585804 + 3116.539848
    # At the UK's own level and value a PHEV is 452.4 M USD / 12,974, so its mass cancels.
    assert cars.loc["PHEV", "low"] == pytest.approx(phev_value * 12974 / 812.178427)
    hybrids = 66905 + 81156 + 97850 + 110117 + 147246
    assert list(cars.loc["HEV"]) == pytest.approx([81085 * hybrids / 81156] * 2)
    content_kg, covariance = estimates.car_contents_kg()
    low, high = trade.cars_imported_t()
    for bound, end, sign in (("low", low, -1), ("high", high, 1)):
        counts = cars.loc[list(vehicles.TYPES), bound].to_numpy()
        mass_t = counts @ content_kg.to_numpy() / 1000
        sd_t = np.hypot((counts @ covariance.to_numpy() @ counts) ** 0.5 / 1000, vehicles.MIX_ERROR * mass_t)
        assert end == pytest.approx(mass_t + sign * 2 * sd_t)


def test_exports_of_cars_lie_outside_even_if_all_cars_of_the_other_years_had_left() -> None:
    shares = trade.cars_exported_shares()
    assert shares.to_dict() == pytest.approx({2018: CARS_EXPORTED / 142765, 2020: 0.796})
    exported = 142765 + CARS_EXPORTED + 192304 + 0.796 * 172857 + 224011  # 2017 as many built as in 2018
    built = 2 * 142765 + 192304 + 172857 + 224011
    most = trade.most_cars_exported_share()
    assert most == pytest.approx(exported / built)  # 809,012 / 874,702 = 92.5 %
    assert most * 751 < 750 - 2 * 0.032 * 750  # 694.6 < 702
    found = trade.of_output_t(751, shares)
    assert found == pytest.approx((751 * CARS_EXPORTED / 142765, 597.796))


def test_upstream_by_hand() -> None:
    imports = 5 * 966.974 * ND_IN_OXIDE
    assert trade.compounds_t("imports") == pytest.approx((0.46 * imports, imports), rel=1e-5)
    exports = 5 * 517.748 * ND_IN_OXIDE
    assert trade.compounds_t("exports") == pytest.approx((0.46 * exports, exports), rel=1e-5)
    # M USD by USD/kg, in kt: the limits of 2017, 2019, 2020 and 2021.
    others_t = 3694.027 / (368.540327 / 40.9268) + 3949.258 / (424.947062 / 40.4833)
    others_t += 5848.532 / (356.864474 / 34.6216) + 4630.684 / (559.574394 / 41.3176)
    assert trade.metals_imported_t() == pytest.approx((5 * 44.276, 44.276 + others_t))


@pytest.mark.parametrize(
    ("value", "sd", "found", "years", "expected"),
    [
        (10.0, 1.0, Range(9.0, 11.0), 1, CONSISTENT),
        (9.0, 0.0, Range(9.0, 11.0), 1, CONSISTENT),
        (10.0, 1.0, Range(5.0, 15.0), 5, INCONCLUSIVE),  # ends differ by a factor of three
        (10.0, 1.0, Range(5.1, 15.0), 5, CONSISTENT),
        (10.0, 1.0, Range(12.1, 14.0), 2, OUTSIDE),
        (10.0, 1.0, Range(12.1, 14.0), 1, INCONCLUSIVE),  # one year excludes nothing
        (10.0, 1.0, Range(12.0, 14.0), 2, INCONCLUSIVE),  # two sd reach it
        (10.0, 1.0, Range(1.0, 7.9), 2, OUTSIDE),
        (10.0, 1.0, Range(1.0, 8.0), 2, INCONCLUSIVE),
    ],
)
def test_the_rule(value: float, sd: float, found: Range, years: int, expected: str) -> None:
    assert trade.verdict(value, sd, found, years) == expected


def test_each_flow_has_its_printed_mass_uncertainty_and_verdict() -> None:
    table = trade.tests()
    verdicts = {"I5.1.4": CONSISTENT, "I5.1": CONSISTENT, "I1": CONSISTENT, "E5.1": OUTSIDE}
    verdicts |= dict.fromkeys(("E5.2", "E4.1", "E1", "I2"), INCONCLUSIVE)
    assert table["verdict"].to_dict() == verdicts
    printed_t = {"I5.1.4": 554, "E5.2": 19, "I5.1": 931, "E5.1": 750, "E4.1": 383, "I1": 2205, "E1": 967, "I2": 450}
    assert table["printed"].to_dict() == printed_t
    # The range is a share of 771 t made, which err by 8.9 per cent themselves.
    share = (0.6 + 0.667) / 2
    assert table.loc["E4.1", "sd"] == pytest.approx(math.hypot(0.199 * 383, share * 0.089 * 771))
    assert table.loc["E1", "sd"] == pytest.approx(0.023 * 967)
    # Engines: six in ten to two thirds of 771 t; sets: the bound of the share times 554 t.
    assert list(table.loc["E4.1", ["low", "high"]]) == pytest.approx([0.6 * 771, 0.667 * 771])
    assert table.loc["E5.2", "high"] == pytest.approx(554 * trade.sets_exported_share_bound()[0].high)


def test_the_printed_mine_output_fits_either_period_as_metal() -> None:
    means = {(2017, 2021): (181653 + 253777 + 257879 + 262979 + 265296) / 5}
    means[2018, 2020] = (253777 + 257879 + 262979) / 3
    for (first, last), oxide_t in means.items():
        metal_t, ends = trade.mine_output_t("mine_output_bgs", first, last)
        assert metal_t == pytest.approx(0.21 * ND_IN_OXIDE * oxide_t, rel=1e-5)
        assert ends == pytest.approx((0.195 * ND_IN_OXIDE * oxide_t, 0.225 * ND_IN_OXIDE * oxide_t), rel=1e-5)
        assert ends.low < printed.numbers()["value"]["context.mine_output"] < ends.high


def test_what_a_statistic_does_not_report_is_refused() -> None:
    with pytest.raises(KeyError):
        trade.statistic("HEV", "imports", "BACI", "value")


@pytest.mark.parametrize(
    ("name", "chosen", "change", "message"),
    [
        (
            "trade_parameters",
            {"parameter": "turbine rating", "bound": "offshore", "year": 2019},
            None,
            "2019 has no figure",
        ),
        (
            "trade_parameters",
            {"parameter": "engines exported", "bound": "high"},
            ("value", 66.7),
            "expected a fraction",
        ),
        ("trade_parameters", {"parameter": "engines exported", "bound": "high"}, None, "needs a low and a high end"),
        ("trade_parameters", {"parameter": "nacelle mass"}, ("unit", "MW"), "MW cannot be converted to kg"),
        ("trade_statistics", {"product": "BEV", "direction": "imports", "year": 2019}, None, "BEV imported: 2019"),
        ("trade_statistics", {"statistic": "BACI", "quantity": "value"}, ("unit", "EUR"), "EUR cannot be converted"),
    ],
)
def test_what_is_spoilt_in_a_table_of_trade_is_refused(
    name: str,
    chosen: dict[str, object],
    change: tuple[str, object] | None,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = tables.read

    def spoilt(asked: str, *data: Any) -> pd.DataFrame:
        table = read(asked, *data)
        if asked != name:
            return table
        rows = np.logical_and.reduce([table[column] == cell for column, cell in chosen.items()])
        return table[~rows] if change is None else table.assign(**{change[0]: table[change[0]].mask(rows, change[1])})

    monkeypatch.setattr(tables, "read", spoilt)
    with pytest.raises(InputError, match=message):
        trade.tests()
