"""Spreads of a row: each becomes the mean and sd of its rule, and what has no clear meaning is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from magnetflow.errors import InputError, TableError
from magnetflow.flows.records import Figure, Flow, Place, Process
from magnetflow.flows.spread import figure_of
from magnetflow.flows.system import System
from magnetflow.inference.draws.ensemble import estimator
from magnetflow.inference.draws.space import probabilities
from magnetflow.tables.sheets import Row


def row(**cells: str) -> Row:
    return Row("flows.csv", 2, cells)


@pytest.mark.parametrize(
    ("cells", "value", "sd"),
    [
        ({"value": "100", "sd": "5"}, 100.0, 5.0),
        ({"value": "100", "sd": "10%"}, 100.0, 10.0),
        ({"value": "-100", "cv": "0.05"}, -100.0, 5.0),
        ({"value": "100", "cv": "5 %"}, 100.0, 5.0),
        ({"value": "100", "ci95": "19.6"}, 100.0, 10.0),
        ({"value": "50", "ci95": "19.6%"}, 50.0, 5.0),
        ({"value": "100", "gsd": "1.5"}, *stats.lognorm(math.log(1.5), scale=100).stats()),
        ({"value": "", "low": "2", "mode": "3", "high": "10"}, *stats.triang(1 / 8, 2, 8).stats()),
        ({"value": "100"}, 100.0, math.nan),
        ({"value": "0", "cv": "0.1"}, 0.0, math.nan),
        ({"value": "100", "sd": "exact"}, 100.0, math.nan),
        ({"value": ""}, math.nan, math.nan),
    ],
)
def test_each_spread_becomes_a_mean_and_an_sd(cells: dict[str, str], value: float, sd: float) -> None:
    is_variance = "gsd" in cells or "low" in cells  # as scipy has it
    figure = figure_of(row(**cells))
    assert figure.value == pytest.approx(value, nan_ok=True)
    assert figure.sd == pytest.approx(math.sqrt(sd) if is_variance else sd, nan_ok=True)


def test_a_default_cv_is_for_values_without_a_spread_alone() -> None:
    sds = {
        name: figure_of(row(**cells), 0.1).sd
        for name, cells in {
            "without": {"value": "-50"},
            "with": {"value": "50", "sd": "1"},
            "exact": {"value": "50", "sd": "exact"},
            "zero": {"value": "0"},
            "unmeasured": {"value": ""},
        }.items()
    }
    assert sds == pytest.approx(
        {"without": 5.0, "with": 1.0, "exact": math.nan, "zero": math.nan, "unmeasured": math.nan}, nan_ok=True
    )


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"value": "100", "sd": "5", "ci95": "10"}, "column ci95: sd and ci95 are both given"),
        ({"value": "100", "sd": "5", "low": "1"}, "column low: sd and low are both given"),
        ({"value": "100", "cv": "25"}, "write 0.25 for 25 %"),
        ({"value": "100", "sd": "300%"}, "too large a spread"),
        ({"value": "100", "sd": "0"}, "above zero; leave it empty .* or write exact"),
        ({"value": "100", "gsd": "0.9"}, "column gsd: .* above 1"),
        ({"value": "-1", "gsd": "1.1"}, "a value above zero"),
        ({"value": "", "gsd": "1.1"}, "a gsd without a value"),
        ({"value": "", "ci95": "5%"}, "a ci95 without a value"),
        ({"value": "", "sd": "exact"}, "exact, but without a value"),
        ({"value": "5", "low": "2", "mode": "3", "high": "4"}, "most likely value as mode alone"),
        ({"value": "", "low": "2", "high": "4"}, "column mode: found an empty cell"),
        ({"value": "", "low": "2", "mode": "5", "high": "4"}, "rise in this order"),
        ({"value": "100", "sd": "much%"}, "column sd: .*expected a number"),
    ],
)
def test_a_spread_without_a_clear_meaning_is_refused(cells: dict[str, str], words: str) -> None:
    with pytest.raises(TableError, match=f"flows.csv, row 2.*{words}"):
        figure_of(row(**cells))


def test_a_percentage_of_a_share_has_two_meanings() -> None:
    with pytest.raises(TableError, match="of the value or in points; give cv"):
        figure_of(row(value="20", sd="10%", unit="%"), is_share=True)
    assert figure_of(row(value="20", sd="10%", unit="mg/kg"), is_share=True).sd == 2.0


def test_a_figure_is_made_of_numbers() -> None:
    with pytest.raises(InputError, match="the value of a figure is a number, found '18'"):
        Figure("18")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"a period is text, found 2022; write Place\(period='2022'\)"):
        System({"plant": Process(True)}, {"in": Flow("", "plant")}, {("in", Place(2022)): Figure(1.0)})  # type: ignore[arg-type]


def test_draws_are_of_the_distribution_given() -> None:
    """Of 2, 3, 10 and of a median of 100 with a gsd of 1.5, draws have the quantiles of scipy, also as a sum."""
    cells = {"a": {"value": "", "low": "2", "mode": "3", "high": "10"}, "b": {"value": "100", "gsd": "1.5"}}
    figures = {(name, Place()): figure_of(row(**own)) for name, own in cells.items()}
    flows = {"a": Flow("", "plant"), "b": Flow("", "plant"), "c": Flow("plant")}
    system = System({"plant": Process()}, flows, figures | {("c", Place()): Figure()})
    space = system.space()
    assert space.names == ("a", "b")
    points = probabilities(space.width, 1, 0, 4096)
    measured = space.draw(points)
    assert measured[0] == pytest.approx(stats.triang(1 / 8, 2, 8).ppf(points[0]))
    assert measured[1] == pytest.approx(stats.lognorm(math.log(1.5), scale=100).ppf(points[1]))
    problem = system.problem()
    drawn = estimator(problem).unbounded(measured)[problem.position["c"]]
    assert drawn == pytest.approx(measured.sum(axis=0))
    assert np.mean(drawn) == pytest.approx(sum(figure.value for figure in figures.values()), rel=1e-3)
