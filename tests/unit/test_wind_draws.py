"""Draws of the wind fleet: two cohorts by hand, balances, one study at a time, and the case without spread."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from conftest import ROOT

from magnetflow import tables
from magnetflow.errors import InputError, TableError
from magnetflow.studies.united_kingdom import wind, wind_draws
from magnetflow.studies.united_kingdom.estimates import ELEMENTS
from magnetflow.studies.united_kingdom.wind_draws import AGES, INPUTS, LIVES, MAGNETS, OTHERS, SHARES, Fleet
from magnetflow.tables.datapackage import update_hashes


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return wind_draws.draw_fleet(300, 1)


def changed_table(folder: Path, name: str, old: str, new: str) -> None:
    """Copy the study's tables below a folder, and change one text in the first row of one that has it."""
    shutil.copytree(ROOT / "data" / "united_kingdom", folder / "data" / "united_kingdom")
    path = folder / "data" / "united_kingdom" / f"{name}.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    update_hashes(folder / "data")


def test_two_cohorts_by_hand() -> None:
    # Left of a cohort at the end of its first, second and third year: 0.9, 0.8 and 0.5.
    # End of year 2: of 60 built in year 1 are left 48, of 40 of year 2 are left 36; 84 scaled to 100: 57.143, 42.857.
    # When new they were 57.143 / 0.8 = 71.429 and 42.857 / 0.9 = 47.619; end of year 3: 35.714 and 38.095 are left.
    # That is 73.810, and a capacity of 130 needs 56.190 more, which were 56.190 / 0.9 = 62.434 when new.
    left = np.array([[0.9, 0.8, 0.5]])
    added, standing = wind_draws.turnover_mw(np.array([[100.0, 130.0]]), np.array([[[60.0, 40.0]]]), left)
    assert added[0, 0].tolist() == pytest.approx([500 / 7, 1000 / 21, 11800 / 189])
    assert standing[0, 0].tolist() == [
        pytest.approx([400 / 7, 300 / 7, 0]),
        pytest.approx([250 / 7, 800 / 21, 1180 / 21]),
    ]


def test_the_mass_of_two_cohorts_by_hand() -> None:
    # 10 MW at 180 and 20 MW at 50 kg/MW: 1,800 + 1,000 = 2,800 kg; 5 MW newly added at 50 kg/MW: 250 kg.
    cohorts = {"draw": [0], "site": ["offshore"], "cohort": [2019, 2020]}
    added = xr.DataArray([[[10.0, 20.0]]], coords=cohorts)
    fleet = Fleet(
        added,
        added.expand_dims(year=[2020]).transpose("draw", "site", "year", "cohort"),
        xr.DataArray([[[[180.0], [50.0]]]], coords={**cohorts, "element": ["Nd"]}),
    )
    assert fleet.stock_kg().to_numpy().tolist() == [[[[2800.0]]]]
    new = xr.DataArray([[5.0]], coords={"site": ["offshore"], "year": [2020]})
    assert fleet.installed_kg(new).to_numpy().tolist() == [[[[250.0]]]]


def test_capacity_that_falls_faster_than_turbines_retire_is_refused() -> None:
    with pytest.raises(InputError, match="wind_capacity falls in its year 2 by more than lives let retire"):
        wind_draws.turnover_mw(np.array([[100.0, 60.0]]), np.ones((1, 1, 1)), np.array([[1.0, 0.8]]))


def test_without_spread_the_stock_is_that_by_cohort() -> None:
    stock = wind_draws.draw_fleet(2, fixed=INPUTS).stock_kg()
    central = wind.cohort_stock_kg().sum("generator").sel(element=list(ELEMENTS))
    xr.testing.assert_allclose(
        stock.isel(draw=0, drop=True), central.transpose("site", "year", "element"), rtol=1e-12
    )
    assert float(stock.std("draw").max()) == 0.0


@pytest.mark.parametrize("name", INPUTS)
def test_each_input_spreads_the_stock_alone(name: str) -> None:
    stock = wind_draws.draw_fleet(50, fixed=set(INPUTS) - {name}).stock_kg().sel(year=2021).sum(["site", "element"])
    assert float(stock.std()) > 100.0


def test_what_stands_is_the_capacity_and_each_cohort_only_shrinks(fleet: Fleet) -> None:
    gap = fleet.standing_mw.sum("cohort") - wind.capacity_mw()
    assert float(abs(gap).max()) < 1e-9
    for year in (2010, 2017, 2024):
        now, before = (fleet.standing_mw.sel(year=end) for end in (year, year - 1))
        assert bool((now.sel(cohort=slice(None, year - 1)) <= before.sel(cohort=slice(None, year - 1))).all())
        assert float(abs(now.sel(cohort=slice(year + 1, None))).sum()) == 0.0
    assert bool((fleet.added_mw >= fleet.standing_mw.sel(year=2024) - 1e-9).all())


def test_the_stock_is_what_was_added_less_what_retired(fleet: Fleet) -> None:
    retired_kg = xr.zeros_like(fleet.kg_per_mw.isel(cohort=0, drop=True))
    for year in range(2010, 2025):
        known = fleet.standing_mw.sel(cohort=slice(None, year - 1))
        gone = known.sel(year=year - 1) - known.sel(year=year)
        new = fleet.added_mw.sel(cohort=year, drop=True) - fleet.standing_mw.sel(year=year, cohort=year, drop=True)
        retired_kg = retired_kg + (gone * fleet.kg_per_mw.sel(cohort=slice(None, year - 1))).sum("cohort")
        retired_kg = retired_kg + new * fleet.kg_per_mw.sel(cohort=year, drop=True)
    added_kg = (fleet.added_mw * fleet.kg_per_mw).sel(cohort=slice(2010, None)).sum("cohort")
    balance = fleet.stock_kg().sel(year=2009, drop=True) + added_kg - retired_kg
    xr.testing.assert_allclose(balance, fleet.stock_kg().sel(year=2024, drop=True), rtol=1e-9)
    assert float(retired_kg.sum("site").min()) > 0.0


def test_survival_by_hand() -> None:
    # Weibull of shape 5 and mean 20 years: scale 20 / gamma(1.2) = 21.782; after 20.5 years exp(-(20.5 / 21.782)^5).
    share = wind_draws.surviving_share(21, np.array([20.0, 30.0]), 5.0)
    scale = 20.0 / math.gamma(1.2)
    assert scale == pytest.approx(21.782, abs=1e-3)
    assert share[0, [0, 20]].tolist() == pytest.approx([math.exp(-((age / scale) ** 5)) for age in (0.5, 20.5)])
    assert share[1, 20] == pytest.approx(math.exp(-((20.5 / (1.5 * scale)) ** 5)))


def test_an_older_stock_by_hand() -> None:
    built = np.array([[0.0, 10.0, 20.0]])
    older = wind_draws.older(built, np.array([0.0, 1.0, 0.5, -1.0]))
    assert older[:, 0].tolist() == [[0, 10, 20], [10, 20, 20], [5, 15, 20], [0, 0, 10]]


def test_one_farm_has_one_type_and_many_approach_the_market() -> None:
    market = np.array([[[0.7, 0.3, 0.0], [0.5, 0.501, -0.001]]])
    shares = wind_draws.draw_shares(market, np.array([[1, 10]]), 20000, np.random.default_rng(3))
    assert set(np.unique(shares[:, 0, 0])) == {0.0, 1.0}
    assert shares.sum(-1) == pytest.approx(1.0)
    assert shares[:, 0, 0].mean(0) == pytest.approx([0.7, 0.3, 0.0], abs=0.01)
    # Of n farms with odds s the share has variance s (1 - s) / n: 0.7 · 0.3 = 0.21, and 0.4995 · 0.5005 / 10 = 0.025.
    assert shares[:, 0, :, 0].var(0) == pytest.approx([0.21, 0.025], rel=0.05)
    assert shares[:, 0, 1, 2].max() == 0.0


def test_farms_are_those_of_the_table_rounded_and_never_none() -> None:
    shares = wind.shares().sel(year=[2010, 2012, 2016])
    number = dict(zip(shares.site.values.tolist(), wind_draws.farms(shares).tolist(), strict=True))
    # Four farms offshore in 2012 of unequal size count as 3.25, two in 2010 as 1.52.
    assert number == {"offshore": [2, 3, 1], "onshore": [12, 10, 35]}
    assert wind_draws.farms(wind.shares().sel(year=[1991, 1994])).min() == 1


def contents(rows: dict[str, list[float]]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(ELEMENTS))


def test_a_study_that_repeats_another_counts_once() -> None:
    nan = math.nan
    kept = wind_draws.independent(
        contents(
            {
                "first": [198.0, 27.7, nan, nan],
                "same but for rounding": [198.0, 27.0, nan, 5.0],  # 27.0 / 27.7 is 2.5 % less
                "another dysprosium": [198.0, 20.0, nan, nan],
                "one element in common": [198.0, nan, 35.0, nan],
            }
        )
    )
    assert list(kept.index) == ["first", "another dysprosium", "one element in common"]


def test_repeats_in_the_table() -> None:
    every = wind_draws.contents_by_study("DD-PMSG")
    dropped = set(every.index) - set(wind_draws.independent(every).index)
    assert {study for _, study, _ in dropped} == {"Tokimatsu 2018", "Dominish 2019"}
    assert len(every) == 20
    assert every.xs("Carrara 2020", level="study").to_numpy().tolist() == [[180, 17, 35, 7]]
    assert wind_draws.contents_by_study("GB-PMSG")["Nd"].tolist() == [24.8, 49.6, 27, 51]


def test_the_elements_of_a_draw_are_of_one_study() -> None:
    studies = contents({"a": [200.0, 10.0, 20.0, 4.0], "b": [100.0, 30.0, math.nan, math.nan]}).to_numpy()
    drawn = wind_draws.draw_studies(studies, 1000, np.random.default_rng(0))
    # Study b lacks two elements: at the ratios of study a, 20 / 200 and 4 / 200, it has 10 and 2.
    assert {tuple(row) for row in drawn.tolist()} == {(200, 10, 20, 4), (100, 30, 10, 2)}
    assert drawn[:, 0].mean() == pytest.approx(150, abs=5)


def test_contents_are_of_the_studies_and_without_magnets_at_most_those_of_carrara(fleet: Fleet) -> None:
    random = dict(zip(INPUTS, np.random.default_rng(2).spawn(len(INPUTS)), strict=True))
    names = ["DD-PMSG", "GB-PMSG", "DD-EESG", "GB-DFIG"]
    drawn = wind_draws.draw_contents(names, 2000, random, ())
    assert set(drawn[:, 0, 0]) == set(wind_draws.independent(wind_draws.contents_by_study("DD-PMSG"))["Nd"])
    assert set(drawn[:, 1, 0]) == {24.8, 49.6, 27.0, 51.0}
    assert 0.0 <= drawn[:, 2, 0].min() < 1.0 and 27.0 < drawn[:, 2, 0].max() <= 28.0
    assert drawn[:, 2, 0] / 28 == pytest.approx(drawn[:, 3, 0] / 12)
    central = wind_draws.draw_contents(names, 1, random, {MAGNETS, OTHERS})
    assert central[0].tolist() == [[180, 17, 35, 7], [51, 6, 4, 1], [28, 6, 9, 1], [12, 2, 0, 0]]


def test_a_seed_gives_the_same_draws_and_a_fixed_input_leaves_the_others(fleet: Fleet) -> None:
    again = wind_draws.draw_fleet(300, 1)
    xr.testing.assert_identical(again.stock_kg(), fleet.stock_kg())
    assert not np.allclose(wind_draws.draw_fleet(300, 2).stock_kg(), fleet.stock_kg())
    xr.testing.assert_identical(wind_draws.draw_fleet(300, 1, {SHARES, MAGNETS, OTHERS}).added_mw, fleet.added_mw)
    xr.testing.assert_identical(wind_draws.draw_fleet(300, 1, {LIVES, AGES}).kg_per_mw, fleet.kg_per_mw)
    with pytest.raises(InputError, match="fixed: weather is not an input of the fleet, which are market shares"):
        wind_draws.draw_fleet(1, fixed={"weather"})


def test_capacity_beyond_the_last_shares_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    known = wind.shares().sel(year=slice(None, 2023))
    monkeypatch.setattr(wind, "shares", lambda: known)
    with pytest.raises(InputError, match="generator_shares ends before 2024, the last year of wind_capacity"):
        wind_draws.draw_fleet(1)


def test_additions_are_those_of_one_source_each_as_likely() -> None:
    drawn = wind_draws.draw_additions_mw(range(2017, 2022)).sel(site="offshore").sum("year")
    editions = wind.additions_mw().sel(vintage=list(wind_draws.EDITIONS), site="offshore", year=range(2017, 2022))
    sums = [
        *editions.sum("year").values,
        float(wind.net_additions_mw().sel(site="offshore", year=range(2017, 2022)).sum()),
    ]
    part = [float(np.isclose(drawn, value).mean()) for value in sums]
    assert part == pytest.approx([0.25] * 4, abs=0.02)
    latest = wind_draws.draw_additions_mw([2024], 5)
    xr.testing.assert_allclose(latest.isel(draw=4, drop=True), wind.net_additions_mw().sel(year=[2024]))


def test_interval_by_hand() -> None:
    # Of 0, 1, …, 100 the mean and median are 50, the variance (101² - 1) / 12 = 850, and 5 % lie below 5.
    assert wind_draws.interval(np.arange(101.0)) == pytest.approx((50, math.sqrt(850), 50, 5, 95))


def test_headlines_have_the_central_value_between_their_ends() -> None:
    table = wind_draws.headlines().set_index("name")
    assert table["value"].round().to_dict() == {
        "wind.stock_2021_cohort": 1717,
        "wind.offshore_nd_stock_cohort.2021": 896,
        "wind.stock_2024_cohort": 2624,
        "wind.offshore_nd_stock_cohort.2024": 1514,
        "wind.new_installation": 1127,
        "wind.new_installation_2024": 244,
    }
    assert (table["low"] < table["value"]).all() and (table["value"] < table["high"]).all()
    assert table["year"].tolist() == [2021, 2021, 2024, 2024, 2021, 2024]


def test_variance_falls_only_with_inputs_that_matter() -> None:
    parts = wind_draws.variance_due_to(
        lambda fleet: fleet.added_mw.sel(cohort=[2024]).sum("site").rename(cohort="year")
    )
    assert parts[2024].loc[[SHARES, MAGNETS, OTHERS]].tolist() == pytest.approx([0, 0, 0], abs=1e-12)
    assert parts[2024][LIVES] > 0.9 > parts[2024][AGES]


def test_a_row_without_study_is_refused_by_file_and_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "generator_content_by_study"
    changed_table(tmp_path, name, "Wilburn 2011,DD-PMSG", ",DD-PMSG")
    monkeypatch.chdir(tmp_path)
    row = (ROOT / "data" / "united_kingdom" / f"{name}.csv").read_text(encoding="utf-8").split("Wilburn 2011")[0]
    with pytest.raises(TableError, match=rf"{name}\.csv, row {row.count(chr(10)) + 1}, column study: "):
        tables.read(name)


def test_a_study_without_neodymium_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed_table(
        tmp_path, "generator_content_by_study", "Habib 2014,DD-PMSG,not stated,Nd", "Habib 2014,GB-DFIG,not stated,Nd"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="generator_content_by_study: DD-PMSG needs studies, each with neodymium"):
        wind_draws.contents_by_study("DD-PMSG")
    with pytest.raises(InputError, match="DD-HTS needs studies"):
        wind_draws.contents_by_study("DD-HTS")
