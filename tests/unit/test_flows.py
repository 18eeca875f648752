"""Systems, the estimation equation and the two valuations of a stock, on cases small enough to do by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from magnetflow import tables
from magnetflow.flows.estimate import embedded_in_capacity
from magnetflow.flows.stocks import phase_opening_stock, stock_by_cohort, stock_by_current_shares
from magnetflow.studies.united_kingdom import printed

FLOWS = pd.DataFrame(
    [("F1", "outside", "market", 5.0), ("F2", "market", "use", 3.0), ("F3", "market", "store", 2.0)],
    columns=["flow", "source_process", "target_process", "value"],
)
PROCESSES = pd.DataFrame(
    [("outside", "boundary"), ("market", "market"), ("use", "use"), ("store", "stock"), ("idle", "market")],
    columns=["process", "kind"],
)


def series(values: list[float], years: list[int]) -> xr.DataArray:
    return xr.DataArray(values, coords={"year": years}, dims="year")


@pytest.mark.parametrize(
    ("changed", "verdict", "difference"),
    [({}, "closes", 0.0), ({"F3": 2.5}, "does not close", -0.5), ({"F1": 0.0}, "no inflow is given", -5.0)],
)
def test_balances_are_described_in_words(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, float], verdict: str, difference: float
) -> None:
    flows = FLOWS.assign(value=FLOWS["flow"].map(changed).fillna(FLOWS["value"]))
    monkeypatch.setattr(tables, "read", {"processes": PROCESSES}.__getitem__)
    monkeypatch.setattr(printed, "flows", lambda: flows)
    checked = printed.balances().set_index("process")
    assert list(checked.index) == ["market", "use", "store"], "neither the boundary nor a process without flows"
    assert checked.loc["market", "verdict"] == verdict
    assert checked.loc["market", "difference"] == difference
    assert str(checked.loc["use", "verdict"]).startswith("open")


def test_eq_3_by_hand() -> None:
    # 10 MW, a quarter of type a at 8 kg/MW and the rest of type b at 4 kg/MW: 20 + 30 kg.
    shares = xr.DataArray([0.25, 0.75], coords={"generator": ["a", "b"]}, dims="generator")
    intensity = xr.DataArray([8.0, 4.0], coords={"generator": ["a", "b"]}, dims="generator")
    mass = embedded_in_capacity(xr.DataArray(10.0), shares, intensity)
    assert mass.values.tolist() == [20.0, 30.0]
    assert mass.attrs["unit"] == "kg"


def test_labels_that_differ_are_refused_not_dropped() -> None:
    one, other = series([1.0, 1.0], [2020, 2021]), series([1.0, 1.0], [2021, 2022])
    with pytest.raises(ValueError, match="align"):
        embedded_in_capacity(one, other, xr.DataArray(1.0))


def test_the_two_valuations_by_hand() -> None:
    # 10 MW of old make at 1 kg/MW, then 5 MW of new make at 3 kg/MW.
    shares = xr.DataArray(
        [[1.0, 0.0], [0.0, 1.0]], coords={"year": [2000, 2001], "make": ["old", "new"]}, dims=["year", "make"]
    )
    intensity = xr.DataArray([1.0, 3.0], coords={"make": ["old", "new"]}, dims="make")
    current = stock_by_current_shares(series([10.0, 15.0], [2000, 2001]), shares, intensity)
    assert current.sum("make").values.tolist() == [10.0, 45.0]
    cohort = stock_by_cohort(series([10.0, 5.0], [2000, 2001]), shares, intensity)
    assert cohort.sum("make").values.tolist() == [10.0, 25.0]


def test_years_before_the_shares_take_the_first_shares() -> None:
    shares = series([2.0, 5.0], [2000, 2001])
    cohort = stock_by_cohort(series([1.0, 1.0, 1.0], [1998, 2000, 2001]), shares, xr.DataArray(1.0))
    assert cohort.values.tolist() == [2.0, 4.0, 9.0]


@given(st.lists(st.floats(0, 100), min_size=3, max_size=3), st.floats(0.1, 5))
def test_while_the_market_stands_still_the_valuations_agree(additions: list[float], share: float) -> None:
    years = [2000, 2001, 2002]
    capacity = series(list(np.cumsum(additions)), years)
    shares, intensity = series([share] * 3, years), xr.DataArray(7.0)
    current = stock_by_current_shares(capacity, shares, intensity)
    cohort = stock_by_cohort(series(additions, years), shares, intensity)
    np.testing.assert_allclose(current, cohort, rtol=1e-12, atol=1e-12)


@given(st.lists(st.floats(0.1, 100), min_size=2, max_size=6), st.floats(1, 1000))
def test_phasing_keeps_the_opening_stock_and_the_proportions(additions: list[float], opening: float) -> None:
    history = series(additions, list(range(1990, 1990 + len(additions))))
    phased = phase_opening_stock(xr.DataArray(opening), history)
    assert float(phased.sum()) == pytest.approx(opening, rel=1e-9)
    np.testing.assert_allclose(phased / phased[0], history / history[0], rtol=1e-9)


def test_a_gap_never_becomes_a_zero() -> None:
    shares = series([1.0, 1.0, 1.0], [2000, 2001, 2002])
    cohort = stock_by_cohort(series([1.0, np.nan, 1.0], [2000, 2001, 2002]), shares, xr.DataArray(1.0))
    np.testing.assert_array_equal(cohort, [1.0, np.nan, np.nan])
    phased = phase_opening_stock(xr.DataArray(10.0), series([1.0, np.nan], [1990, 1991]))
    assert phased.isnull().all()
    with pytest.raises(KeyError):
        stock_by_cohort(series([1.0, 1.0], [2001, 2003]), shares, xr.DataArray(1.0))
    with pytest.raises(KeyError):
        stock_by_cohort(series([1.0], [2001]), series([1.0, 1.0], [2000, 2002]), xr.DataArray(1.0))
