"""Recording, rounding for the reader, and the figures' tables."""

from __future__ import annotations

import base64
import inspect
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from magnetflow.book import figures, registry, results
from magnetflow.book.results import number, record, with_unit
from magnetflow.errors import ResultError, TableError

ROWS = """\
result,unit,kind,about
wind.nowhere,t,estimated,not printed
wind.stock,t,estimated,a stock
wind.stock_2021,t,estimated,a <stock>
wind.stock_2021.Nd,t,propagated,"neodymium, in all"
"""


def compendium_with(rows: str, folder: Path) -> Path:
    """Write the table of results of a compendium."""
    (folder / "book").mkdir(exist_ok=True)
    (folder / "book" / "results.csv").write_text(rows, encoding="utf-8")
    return folder


@pytest.fixture
def fragment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the results of a chapter go, in a compendium with the rows above."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    monkeypatch.chdir(compendium_with(ROWS, tmp_path))
    monkeypatch.setenv(results.FRAGMENT_VARIABLE, str(tmp_path / "run" / "x.json"))
    monkeypatch.setattr(results, "_recorded", {})
    return tmp_path / "run" / "x.json"


def test_a_result_is_written_with_all_that_belongs_to_it(fragment: Path) -> None:
    record("wind.stock_2021.Nd", 12.34, 0.5)
    record("wind.stock", 1)
    record("wind.nowhere", np.float64(2))
    written = json.loads(fragment.read_text(encoding="utf-8"))["results"]
    of_nd = {"unit": "t", "kind": "propagated", "about": "neodymium, in all"}
    assert written["wind.stock_2021.Nd"] == {"value": 12.34, "sd": 0.5, **of_nd}
    assert {name: result["value"] for name, result in written.items() if result["sd"] is None} == {
        "wind.stock": 1.0,
        "wind.nowhere": 2.0,
    }
    assert not list(fragment.parent.glob("*.tmp"))


@pytest.mark.parametrize(
    ("name", "value", "sd", "message"),
    [
        ("wind.stock", 1.0, None, "recorded twice"),
        ("wind.other", 1.0, None, "wind.other is not in book/results.csv; add a row there"),
        ("wind.nowhere", float("nan"), None, "not a finite number"),
        ("wind.nowhere", 1.0, float("inf"), "not a finite number"),
    ],
)
def test_what_is_no_result_is_refused(
    fragment: Path, name: str, value: float, sd: float | None, message: str
) -> None:
    record("wind.stock", 1.0)
    with pytest.raises(ResultError, match=message):
        record(name, value, sd)
    assert list(json.loads(fragment.read_text(encoding="utf-8"))["results"]) == ["wind.stock"]


def test_a_notebook_cannot_give_unit_or_kind(fragment: Path) -> None:
    assert list(inspect.signature(record).parameters) == ["name", "value", "sd"]


def test_a_notebook_opened_by_hand_may_run_a_cell_twice(fragment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(results.FRAGMENT_VARIABLE)
    for value in (1.0, 2.0):
        record("wind.stock", value)


@pytest.mark.parametrize(
    ("changed", "into", "message"),
    [
        ("result,unit", "name,unit", "row 1: found the header name,unit,kind,about"),
        ("wind.stock,t,estimated,a stock", "wind.stock,t,estimated", "row 3: found 3 cells, expected 4"),
        ("wind.stock,t", "Wind stock,t", "row 3, column result: found 'Wind stock', expected a name such as"),
        ("wind.stock,t", "wind.a,t", "row 3, column result: found 'wind.a', expected a name after wind.nowhere"),
        ("wind.stock,t", "wind.nowhere,t", "row 3, column result: found 'wind.nowhere', expected a name after"),
        ("wind.stock,t", "wind.stock,", "row 3, column unit: found '', expected a unit"),
        ("wind.stock,t,estimated", "wind.stock,t,guessed", "column kind: found 'guessed', expected estimated or"),
        ("estimated,a stock", "estimated,", "row 3, column about: found '', expected a few words"),
    ],
)
def test_a_row_that_describes_no_result_is_named(tmp_path: Path, changed: str, into: str, message: str) -> None:
    assert len(registry.read(compendium_with(ROWS, tmp_path))) == 4
    with pytest.raises(TableError, match=re.escape(message)):
        registry.read(compendium_with(ROWS.replace(changed, into), tmp_path))


def test_a_row_that_no_chapter_records_is_named(tmp_path: Path) -> None:
    folder = compendium_with(ROWS, tmp_path)
    names = set(registry.read(folder))
    registry.check_recorded(folder, names)
    with pytest.raises(ResultError, match=r"no chapter records wind\.stock; record it, or take its row out of"):
        registry.check_recorded(folder, names - {"wind.stock", "wind.stock_2021"})


def test_the_reference_values_are_those_of_the_table_of_results() -> None:
    expected = json.loads((ROOT / "tests" / "expected" / "results.json").read_text(encoding="utf-8"))
    described = registry.read(ROOT)
    assert {name: (one["unit"], one["kind"]) for name, one in expected.items()} == {
        name: (one.unit, one.kind) for name, one in described.items()
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2775.328, "2,775"),
        (999.6, "1,000"),
        (72.294, "72.3"),
        (5.4398, "5.4"),
        (0.0234, "0.023"),
        (-39.8, "−39.8"),
        (0, "0"),
    ],
)
def test_numbers_are_rounded_for_reading(value: float, text: str) -> None:
    assert number(value) == text


def test_a_unit_stays_with_its_number() -> None:
    assert with_unit(2775.3, "t") == "2,775\N{NO-BREAK SPACE}t"
    assert with_unit(1800, "1") == "1,800\N{WORD JOINER}", "without the joiner it would be glued as a pair"


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_rounding_never_moves_a_number_by_more_than_a_twentieth(value: float) -> None:
    read_back = float(number(value).replace(",", "").replace("−", "-"))
    assert abs(read_back - value) <= 0.05 * abs(value)


def test_whole_numbers_stay_whole() -> None:
    assert [number(count) for count in (3, 10, 40, 1018)] == ["3", "10", "40", "1,018"]


def test_closing_table_sets_the_printed_value_beside(fragment: Path) -> None:
    record("wind.stock_2021", 2775.33)
    record("wind.nowhere", 1.5, 0.2)
    html = results.closing_table().data
    assert '<td class="mf-number">2,775</td><td class="mf-number">2,775</td><td>t</td>' in html
    assert '<td class="mf-number">1.5 ± 0.2</td><td class="mf-number"></td>' in html
    assert "a &lt;stock&gt;<br><code>wind.stock_2021</code>" in html


def test_columns_have_one_precision() -> None:
    frame = pd.DataFrame({"a": [180.0, 17.0], "b": [2.34, np.nan], "c": [0.72, -1.0], "d": ["<x>", "y"]})
    html = results.frame_table(frame, badges=("d",)).data
    for cell in (">180<", ">17<", ">2.3<", "><", ">0.72<", ">−1.00<"):
        assert cell in html


def shown(fig: go.Figure, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    bundles: list[dict[str, Any]] = []
    monkeypatch.setattr(figures, "display", lambda bundle, raw: bundles.append(bundle))
    figures.show(fig, "a-figure", "Two bars of which the second is the higher one.")
    return bundles[0]


def test_a_figure_carries_its_sentence_and_its_data(monkeypatch: pytest.MonkeyPatch) -> None:
    fig = go.Figure(go.Bar(x=np.array([1.0, 2500.123456789]), y=["</script>", "b"], name="t", orientation="h"))
    bundle = shown(fig, monkeypatch)
    assert "Two bars of which" in bundle["text/html"]
    assert '<td>b</td><td class="mf-number">2,500</td>' in bundle["text/html"]
    assert "2500.12" in bundle["text/html"], "numbers stand as numbers, rounded to six figures"
    drawing = bundle["text/html"].split('-data">')[1]
    assert drawing.index("</script>") > drawing.index('"layout"'), "no cell can end the script early"
    assert bundle["application/vnd.plotly.v1+json"]["data"][0]["type"] == "bar"


def test_a_figure_needs_a_name_and_a_sentence() -> None:
    with pytest.raises(ResultError, match="is no figure name"):
        figures.show(go.Figure(), "A figure", "One sentence that is long enough to be one.")
    with pytest.raises(ResultError, match="full sentence"):
        figures.show(go.Figure(), "a-figure", "bars")


def test_dots_tell_what_goes_in_from_what_comes_out() -> None:
    fig, sd = go.Figure(), pd.Series([0.5, np.nan])
    figures.add_dots(fig, ["a", "b"], pd.Series([1.0, np.nan]), sd, "measured", of_input=True)
    figures.add_dots(fig, ["a", "b"], pd.Series([2.0, 3.0]), sd.fillna(0.25), "reconciled")
    assert [trace.marker.symbol for trace in fig.data] == ["circle-open", "circle"]
    assert fig.data[0].marker.color != fig.data[1].marker.color
    html = figures.data_table(fig)
    assert '<td>a</td><td class="mf-number">1 ± 0.50</td><td class="mf-number">2 ± 0.50</td>' in html
    assert '<td>b</td><td class="mf-number"></td><td class="mf-number">3 ± 0.25</td>' in html


def test_a_range_that_is_not_even_is_told_by_its_ends() -> None:
    fig = go.Figure()
    ends = {"array": [3.0], "arrayminus": [1.0]}
    fig.add_scatter(x=[2.0], y=["a"], error_x=ends, orientation="h", name="estimate")
    assert '<td>a</td><td class="mf-number">2 (1 to 5)</td>' in figures.data_table(fig)


def test_a_sankey_places_every_node() -> None:
    links = pd.DataFrame({"source": ["a"], "target": ["b"], "value": [3.0], "label": ["a to b"]})
    fig = figures.sankey(links, {"a": (0.1, 0.5), "b": (0.9, 0.5)})
    assert fig.data[0].node.label == ("a<br>3 t", "b<br>3 t")
    assert "<td>a</td><td>b</td><td>a to b: 3 t</td>" in figures.data_table(fig)
    with pytest.raises(ResultError, match="no place given for the node b"):
        figures.sankey(links, {"a": (0.1, 0.5)})


def test_a_download_lies_in_the_page() -> None:
    page = results.download("a,b\n1,µ\n", "two.csv", "Two <cells>")
    content = re.fullmatch(
        r'<p class="mf-download"><a download="two\.csv" '
        r'href="data:text/csv;charset=utf-8;base64,(.+)">Two &lt;cells&gt;</a></p>',
        str(page.data),
    )
    assert content and base64.b64decode(content[1]).decode() == "a,b\n1,µ\n"
