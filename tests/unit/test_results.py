"""Recording, rounding for the reader, and the figures' tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magnetflow.book import figures, results
from magnetflow.book.results import number, record, with_unit
from magnetflow.errors import ResultError


@pytest.fixture
def fragment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(results.FRAGMENT_VARIABLE, str(tmp_path / "run" / "x.json"))
    monkeypatch.setattr(results, "_recorded", {})
    return tmp_path / "run" / "x.json"


def test_a_result_is_written_with_all_that_belongs_to_it(fragment: Path) -> None:
    record("wind.stock_2021.Nd", 12.34, unit="t", kind="estimated", about="a stock", sd=0.5)
    written = json.loads(fragment.read_text(encoding="utf-8"))["results"]
    assert written == {
        "wind.stock_2021.Nd": {
            "value": 12.34,
            "unit": "t",
            "kind": "estimated",
            "about": "a stock",
            "sd": 0.5,
        }
    }
    assert not list(fragment.parent.glob("*.tmp"))


@pytest.mark.parametrize(
    ("name", "changed", "message"),
    [
        ("wind.stock", {}, "recorded twice"),
        ("Wind stock", {}, "not a result name"),
        ("wind.other", {"value": float("nan")}, "not a finite number"),
        ("wind.other", {"sd": float("inf")}, "not a finite number"),
        ("wind.other", {"kind": "guessed"}, "'guessed' is not one of estimated"),
    ],
)
def test_what_is_no_result_is_refused(fragment: Path, name: str, changed: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"value": 1.0, "unit": "t", "kind": "estimated", "about": "a stock"}
    record("wind.stock", **given)
    with pytest.raises(ResultError, match=message):
        record(name, **given | changed)
    assert list(json.loads(fragment.read_text(encoding="utf-8"))["results"]) == ["wind.stock"]


def test_a_notebook_opened_by_hand_may_run_a_cell_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(results.FRAGMENT_VARIABLE, raising=False)
    monkeypatch.setattr(results, "_recorded", {})
    for value in (1.0, 2.0):
        record("wind.stock", value, unit="t", kind="estimated", about="a stock")


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
    record("wind.stock_2021", 2775.33, unit="t", kind="estimated", about="a <stock>")
    record("wind.nowhere", 1.5, unit="t", kind="estimated", about="not printed", sd=0.2)
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


def test_a_sankey_places_every_node() -> None:
    links = pd.DataFrame({"source": ["a"], "target": ["b"], "value": [3.0], "label": ["a to b"]})
    fig = figures.sankey(links, {"a": (0.1, 0.5), "b": (0.9, 0.5)})
    assert fig.data[0].node.label == ("a<br>3 t", "b<br>3 t")
    assert "<td>a</td><td>b</td><td>a to b: 3 t</td>" in figures.data_table(fig)
    with pytest.raises(ResultError, match="no place given for the node b"):
        figures.sankey(links, {"a": (0.1, 0.5)})
