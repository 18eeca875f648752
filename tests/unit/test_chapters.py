"""Which chapters take years, elements and seed of a build, and does each use what it takes?"""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import ROOT

from magnetflow.book import execution, pairs
from magnetflow.book.build import default_parameters

STEMS = pairs.stems(ROOT / "notebooks")
USUAL = default_parameters(ROOT)
QUICK = {"draws": 2**6}
OTHER: dict[str, Any] = {"years": [2018, 2019], "elements": ["Nd", "Dy"]}
# How the study's years and elements are named in code; a chapter that uses them takes the parameter, or says why not.
NAMES = {
    "years": r"printed\.years\(|\byears\(\)|\bby_year\(",
    "elements": r"estimates\.ELEMENTS|\"Nd\", \"Dy\"|\bby_year\(",
}
SUMS = "its flows are printed as sums over the years of the study"
WHY_NOT = {
    ("03-magnets", "years"): "sales and shipments are compared with sums that are printed for the years of the study",
    ("03-magnet-value", "years"): "trade is compared with sums that are printed for the years of the study",
    ("03-vehicles", "years"): "counts are compared with stocks and sums that are printed for the years of the study",
    ("04-quality", "years"): SUMS,
    ("04-uncertainty", "years"): SUMS,
    ("10-chlorination", "elements"): "the elements are those of a batch, not of the study",
}


def code_of(stem: str) -> str:
    """Return the code of a chapter but for its parameters."""
    cells = pairs.load(ROOT / "notebooks" / f"{stem}.md").cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    return "\n".join(cell.source for cell in code if "parameters" not in cell.metadata.get("tags", []))


def parameters_of(stem: str) -> set[str]:
    """Return what a chapter assigns in its parameters cell."""
    return set(execution._assigned(nbformat.read(ROOT / "notebooks" / f"{stem}.ipynb", as_version=4)))


TAKING = [(stem, name) for stem in STEMS for name in OTHER if name in parameters_of(stem)]


@pytest.mark.parametrize("stem", STEMS)
def test_a_chapter_uses_each_parameter_that_it_assigns(stem: str) -> None:
    used = {node.id for node in ast.walk(ast.parse(code_of(stem))) if isinstance(node, ast.Name)}
    assert parameters_of(stem) <= used
    assigned = execution._assigned(nbformat.read(ROOT / "notebooks" / f"{stem}.ipynb", as_version=4))
    assert {name: value for name, value in assigned.items() if name in USUAL} == {
        name: USUAL[name] for name in assigned if name in USUAL
    }, "a chapter opened by hand gives what the build gives"


@pytest.mark.parametrize("name", NAMES)
def test_a_chapter_on_years_or_elements_takes_them_or_says_why_not(name: str) -> None:
    concerned = {stem for stem in STEMS if re.search(NAMES[name], code_of(stem))}
    excused = {stem for stem, parameter in WHY_NOT if parameter == name}
    taking = {stem for stem, parameter in TAKING if parameter == name}
    assert concerned - taking == excused
    assert not excused & taking


def outputs(root: Path, stem: str) -> list[str]:
    """Return what the cells of an executed chapter show."""
    cells = nbformat.read(execution.executed(root, stem), as_version=4).cells
    shown = [output.data for cell in cells for output in cell.get("outputs", []) if "data" in output]
    return [data["text/html"] for data in shown if "text/html" in data]


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the compendium in which the chapters that take a parameter have run as usual."""
    root = tmp_path_factory.mktemp("usual")
    for name in ("data", "examples", "book", "notebooks"):
        shutil.copytree(ROOT / name, root / name)
    shutil.copy(ROOT / "requirements.lock", root)
    for stem in set(STEMS) - {stem for stem, _ in TAKING}:
        for side in ("md", "ipynb"):
            (root / "notebooks" / f"{stem}.{side}").unlink()
    assert execution.run_notebooks(root, USUAL | QUICK, lambda stem, outcome: None) == []
    return root


@pytest.mark.long
@pytest.mark.xdist_group("chapters")
@pytest.mark.parametrize("name", OTHER)
def test_another_value_gives_other_results_in_every_chapter_that_takes_it(
    usual: Path, tmp_path: Path, name: str
) -> None:
    root = Path(shutil.copytree(usual, tmp_path / "other"))
    outcomes: dict[str, str] = {}
    assert execution.run_notebooks(root, USUAL | QUICK | {name: OTHER[name]}, outcomes.__setitem__) == []
    taking = {stem for stem, parameter in TAKING if parameter == name}
    assert taking, name
    assert {stem for stem, outcome in outcomes.items() if outcome == "ran"} == taking
    for stem in taking:
        assert outputs(root, stem) != outputs(usual, stem), f"{stem} takes {name}, which changes nothing there"
