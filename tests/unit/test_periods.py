"""Periods: they follow one another in time, however they are written, and their lengths turn rates into amounts."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from magnetflow.errors import InputError, TableError
from magnetflow.flows.periods import are_successive, canonical, in_order, years_of
from magnetflow.flows.system import System
from magnetflow.inference.reconcile import Reconciliation, reconcile


@pytest.mark.parametrize(
    ("periods", "years"),
    [
        (["9", "10", "11"], None),
        (["2019", "2020", "2021"], 1.0),
        (["2018/19", "2019/20", "2020/21"], 1.0),
        (["1998/1999", "1999/2000"], 1.0),
        (["H2 2019", "H1 2020", "H2 2020"], 0.5),
        (["Q3 2020", "Q4 2020", "Q1 2021"], 0.25),
        (["2020-Q4", "2021-Q1"], 0.25),
        (["2020Q4", "2021Q1", "2021Q2"], 0.25),
        (["2020-02", "2020-03", "2020-04"], 1 / 12),
        (["Nov 2020", "Dec 2020", "Jan 2021"], 1 / 12),
        (["December 2020", "january 2021"], 1 / 12),
        (["12/2020", "1/2021"], 1 / 12),
        (["2020-03-31", "2020-04-30", "2021-01-31"], None),
    ],
)
def test_periods_are_put_in_time(periods: list[str], years: float | None) -> None:
    for mixed in itertools.permutations(periods):
        assert in_order(mixed) == (periods, True)
    assert all(are_successive(*pair) for pair in itertools.pairwise(periods))
    if years is None:
        with pytest.raises(InputError, match=r"the length of the period .* is not known"):
            years_of(periods[0], {})
    else:
        assert years_of(periods[0], {}) == pytest.approx(years)
    assert years_of(periods[0], {periods[0]: 2.0}) == 2.0


@pytest.mark.parametrize(
    "periods",
    [
        ["before", "after"],
        ["2020", "2020-Q1"],
        ["2020-13", "2020-01"],
        ["Market 2020", "May 2020"],
        ["2019/21", "2019/20"],
        ["Q5 2020", "Q1 2020"],
        ["H3 2020", "H1 2020"],
        ["2021-02-30", "2021-02-01"],
    ],
)
def test_names_without_an_order_stay_as_they_come(periods: list[str]) -> None:
    assert in_order(periods) == (periods, False)
    assert in_order(periods[::-1]) == (periods[::-1], False)
    assert in_order(periods, periods[::-1]) == (periods[::-1], True)


def test_two_names_of_one_period_are_refused() -> None:
    with pytest.raises(InputError, match="'Q1 2020' and '2020-Q1' are one period"):
        in_order(["Q1 2020", "2020-Q1"])
    assert [canonical(text) for text in ("2022.0", "2020-03-01 00:00:00", "2022.5")] == [
        "2022",
        "2020-03-01",
        "2022.5",
    ]
    assert not are_successive("2019", "2021")
    assert not are_successive("Q4 2020", "Q2 2021")


PROCESSES = "process,stock\nuse,yes\n"


def solved(folder: Path, flows: str, stocks: str, periods: str = "") -> Reconciliation:
    """Reconcile a stock with flows in and out."""
    (folder / "flows.csv").write_text("flow,source,target,period,value,sd,unit\n" + flows)
    (folder / "processes.csv").write_text(PROCESSES)
    (folder / "stocks.csv").write_text("process,quantity,period,value,sd,unit\n" + stocks)
    if periods:
        (folder / "periods.csv").write_text("period,length,unit\n" + periods)
    return reconcile(System.read(folder).problem())


def test_every_level_is_given_once_one_is_and_is_that_before_and_the_change(tmp_path: Path) -> None:
    """40 and 50 t more each year, after 1,000 t at the end of 2019: 1,040 and 1,090 t, whose variances add up."""
    flows = "in,,use,2020,100,3,t\nout,use,,2020,60,4,t\nin,,use,2021,110,3,t\nout,use,,2021,60,4,t\n"
    result = solved(tmp_path, flows, "use,level,2019,1000,12,t\n")
    assert result.combine({"stock of use [2020]": 1.0}) == pytest.approx((1040.0, 13.0))
    assert result.combine({"stock of use [2021]": 1.0}) == pytest.approx((1090.0, (13.0**2 + 25.0) ** 0.5))


@pytest.mark.parametrize(
    ("unit", "names", "periods", "years"),
    [
        ("t/a", ("2020", "2021"), "", 1.0),
        ("kt/yr", ("2020", "2021"), "", 1000.0),
        ("t/a", ("Q4 2020", "Q1 2021"), "", 0.25),
        ("t/a", ("early", "late"), "early,5,\nlate,5,\n", 5.0),
        ("t/a", ("a", "b"), "a,6,month\nb,24,months\n", 2.0),
        ("t", ("a", "b"), "a,6,month\nb,24,months\n", 1.0),
    ],
)
def test_rates_become_amounts_over_the_length_of_a_period(
    unit: str, names: tuple[str, str], periods: str, years: float, tmp_path: Path
) -> None:
    """A change of 2 per time in the second period, from 100 t."""
    flows = "".join(f"in,,use,{name},10,,{unit}\nout,use,,{name},8,,{unit}\n" for name in names)
    result = solved(tmp_path, flows, f"use,level,{names[0]},100,1,t\n", periods)
    assert result.combine({f"stock of use [{names[1]}]": 1.0}) == pytest.approx((100.0 + 2.0 * years, 1.0))


@pytest.mark.parametrize(("of_flow", "of_change", "change"), [("t/a", "t", 0.5), ("t", "t/a", 8.0), ("t", "kg", 2e3)])
def test_a_change_may_be_an_amount_beside_rates_or_a_rate_beside_amounts(
    of_flow: str, of_change: str, change: float, tmp_path: Path
) -> None:
    """What enters in a quarter, less the change of its stock, leaves: 10 less 2."""
    flows = f"in,,use,2020-Q1,10,,{of_flow}\nout,use,,2020-Q1,,,{of_flow}\n"
    result = solved(tmp_path, flows, f"use,change,2020-Q1,{change},,{of_change}\n")
    assert result.combine({"out": 1.0}).value == pytest.approx(8.0)


@pytest.mark.parametrize(
    ("names", "unit", "stocks", "periods", "words"),
    [
        (
            ("a", "b"),
            "t",
            "use,level,a,1,1,t\nuse,level,b,1,1,t\n",
            "",
            "'a' and 'b' do not tell which .*first; list",
        ),
        (("a", "b"), "t/a", "use,level,a,1,1,t\n", "a,,\nb,,\n", "the length of the period 'b' is not known"),
        (("2020", "2021"), "t/a", "use,level,2020,1,1,t/a\n", "", "row 2, column unit: a level is an amount"),
        (("2020", "2021"), "t", "use,level,2020,1,1,\n", "", "row 2, column unit: found no unit, while .* in t"),
        (("2020", "2021"), "t", "use,level,2020,1,1,GJ\n", "", "row 2, column unit: .*GJ cannot be converted"),
        (("2020", "2021"), "t", "use,level,2020,1,1,t\n", "2020,1,\n", "'2021' is not in the list of periods"),
        (("2020", "2021"), "t", "use,level,2020,1,1,t\n", "2020,0,\n2021,1,\n", "periods.csv, row 2, column length"),
        (("2020", "2021"), "t", "use,level,2020,1,1,t\n", "2020,1,m\n2021,1,\n", "periods.csv, row 2, column unit"),
        (
            ("2020", "2022"),
            "t",
            "use,level,2020,1,1,t\nuse,level,2022,1,1,t\n",
            "",
            "row 3, column period: there is no flow in each period between this level and the one of '2020'",
        ),
        (
            ("a", "b"),
            "t",
            "use,level,a,1,1,t\nuse,level,b,1,1,t\n",
            "a,1,\nbetween,1,\nb,1,\n",
            "row 3, column period: there is no flow in each period",
        ),
    ],
)
def test_levels_that_nothing_binds_for_sure_are_refused(
    names: tuple[str, str], unit: str, stocks: str, periods: str, words: str, tmp_path: Path
) -> None:
    flows = "".join(f"in,,use,{name},10,1,{unit}\nout,use,,{name},8,1,{unit}\n" for name in names)
    with pytest.raises(InputError, match=words):
        solved(tmp_path, flows, stocks, periods)


def test_an_amount_beside_rates_asks_for_a_period(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="an amount cannot be compared with a rate without a period"):
        solved(tmp_path, "in,,use,,10,1,t/a\nout,use,,,8,1,t/a\n", "use,change,,2,1,t\n")


def test_an_order_that_does_not_matter_is_not_asked_for(tmp_path: Path) -> None:
    flows = "".join(f"in,,use,{name},10,1,t\nout,use,,{name},8,1,t\n" for name in ("late", "early"))
    result = solved(tmp_path, flows, "use,level,late,50,5,t\nuse,change,early,2,1,t\n")
    assert result.combine({"stock of use [late]": 1.0}) == pytest.approx((50.0, 5.0))
    assert [name for name in result.problem.names if name.startswith("in")] == ["in [late]", "in [early]"]


def test_a_list_of_periods_is_written_and_read_back(tmp_path: Path) -> None:
    flows = "".join(f"in,,use,{name},10,1,t/a\nout,use,,{name},8,1,t/a\n" for name in ("late", "early"))
    solved(tmp_path, flows, "use,level,late,50,5,t\n", "early,6,month\nlate,0.5,\n")
    system = System.read(tmp_path)
    system.write(tmp_path / "copy")
    assert System.read(tmp_path / "copy").period_years == pytest.approx({"early": 0.5, "late": 0.5})
    assert system.periods == ["early", "late"]


def test_a_period_that_a_spreadsheet_wrote_as_a_decimal_is_the_same_period(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="row 3, column flow: 'in' stands already in row 2"):
        solved(tmp_path, "in,,use,2022,1,,t\nin,,use,2022.0,1,,t\nout,use,,2022,1,,t\n", "use,level,2022,1,1,t\n")
