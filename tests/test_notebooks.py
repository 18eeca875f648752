"""The executed notebooks give the reference results, and the pairs are committed clean."""

from __future__ import annotations

import json
import re
from typing import Any

import drift
import nbformat
import pytest
from conftest import ROOT

from magnetflow import tables
from magnetflow.book import pairs

NOTEBOOKS = ROOT / "notebooks"
STEMS = pairs.stems(NOTEBOOKS)
PRINTED = tables.read("published_results", ROOT / "data").set_index("result")
# Met only to a tonne: the printed value is of the edition of July 2023, ours of October 2023.
ROOM = {"wind.new_installation": 1.0}
# Not met; the chapter shows by how much, and a test of its own holds it to that.
NOT_MET = {
    "wind.offshore_nd_stock.2018",
    "vehicles.consumption",  # another method: registrations
    "vehicles.licensed_2021",  # a later edition
    "vehicles.used_told",  # one of the figures is missing
    "vehicles.stock_2021",  # back-cast, with an error allowed between fleets
}
# Printed values that no chapter computes, only quotes or adds to.
QUOTED = {"stock.EV", "stock.total_2021", "stock.mine_production"} | {
    f"wind.new_installation.cv.{element}" for element in ("Nd", "Dy", "Pr", "Tb")
}


def test_every_result_stands_where_it_stood(recorded: dict[str, Any]) -> None:
    expected = json.loads(drift.EXPECTED.read_text(encoding="utf-8"))
    moved = drift.drift(expected, recorded["results"])
    assert not moved, "results have drifted:\n" + drift.table(moved)


def test_the_reference_values_give_their_reasons() -> None:
    expected = json.loads(drift.EXPECTED.read_text(encoding="utf-8"))
    for name, reference in expected.items():
        assert reference["reason"].strip(), name
        assert 0 < reference["tolerance"] <= 1e-6 * max(abs(reference["value"]), 1.0), name


def test_a_drift_is_seen() -> None:
    same = {"value": 10.0, "sd": 1.0, "unit": "t", "kind": "estimated"}
    reference = {**same, "tolerance": 1e-8, "reason": "first"}
    assert drift.drift({"a.b": reference}, {"a.b": same}) == []
    for changed in ({"value": 10.1}, {"unit": "kg"}, {"sd": 1.1}, {"sd": None}, {"kind": "transcribed"}):
        assert drift.drift({"a.b": reference}, {"a.b": same | changed}), changed
    assert drift.drift({"a.b": reference}, {})[0][3] == "no longer recorded"
    assert drift.drift({}, {"a.b": same})[0][3].startswith("new")


@pytest.mark.parametrize("name", sorted(set(PRINTED.index) - QUOTED - NOT_MET))
def test_the_study_is_met(recorded: dict[str, Any], name: str) -> None:
    value, unit = PRINTED["value"][name], PRINTED["unit"][name]
    result = recorded["results"][name]
    rounding = 0.05 if unit == "%" else 0.5
    assert result["unit"] == unit
    assert abs(result["value"] - value) <= ROOM.get(name, rounding)


def test_where_the_study_is_not_met_the_difference_is_recorded(recorded: dict[str, Any]) -> None:
    results = recorded["results"]
    gap = results["wind.offshore_nd_stock.2018"]["value"] - 1143
    assert results["wind.offshore_nd_stock.gap_2018"]["value"] == pytest.approx(gap, rel=1e-9)
    assert gap > 39


@pytest.mark.parametrize("stem", STEMS)
def test_pairs_are_in_step_and_free_of_outputs(stem: str) -> None:
    notebook = (NOTEBOOKS / f"{stem}.ipynb").read_text(encoding="utf-8")
    assert notebook == pairs.as_notebook(pairs.load(NOTEBOOKS / f"{stem}.md"), stem), "run make book and commit both"
    cells = nbformat.reads(notebook, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in code) <= 1
    assert len(code) <= 18, "a chapter is read, not scrolled through"
    long = [line for cell in code for line in cell.source.splitlines() if len(line) > 88]
    assert not long, "lines of code that a page cannot show"


@pytest.mark.parametrize("stem", STEMS)
def test_prose_is_one_sentence_a_line(stem: str) -> None:
    for cell in pairs.load(NOTEBOOKS / f"{stem}.md").cells:
        if cell.cell_type == "markdown":
            for line in cell.source.splitlines():
                ends = re.findall(r"(?<!Eq)(?<!Fig)(?<!et al)[.?!]\s+(?=[A-Z{])", line)
                assert not ends, f"{stem}: two sentences in the line {line!r}"


@pytest.mark.parametrize("stem", STEMS)
def test_no_result_is_typed_in_prose(stem: str, recorded: dict[str, Any]) -> None:
    """A number that the book records stands in prose only as glue; a power of ten, such as 100, is a way to speak."""
    values = {f"{result['value']:,.0f}" for result in recorded["results"].values() if abs(result["value"]) >= 100}
    values = {value for value in values if value.strip("0,") != "1"}
    for cell in pairs.load(NOTEBOOKS / f"{stem}.md").cells:
        if cell.cell_type == "markdown":
            typed = set(re.findall(r"\d[\d,]*\d", cell.source)) & values
            assert not typed, f"{stem}: {typed} typed in {cell.source[:80]!r}"
