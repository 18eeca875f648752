"""Does a chapter run again when what it depends on changes, and is a kernel that did not come up started again?"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, small_compendium, write_notebook

from magnetflow.book import pairs, reads
from magnetflow.book.execution import KERNEL_STARTS, NOT_UP, _holds, run_notebooks, with_kernel

PARAMETERS: dict[str, Any] = {"seed": 1, "unknown": 1}
READING = """
from pathlib import Path
import pandas as pd
from magnetflow.flows import estimate
from magnetflow.flows.folder import read
value = tables.read("wind_capacity")["value"].sum() + len(pd.read_csv("../benchmarks/cell.csv"))
read(Path("../examples/demonstration"))
pd.read_csv("../examples/recycling/flows.csv")
record("wind.sum", value)
"""
PACKAGE = "site-packages/magnetflow"


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a compendium whose chapter 01 reads all that a chapter may read, and whose chapter 02 reads every table.

    Both have run. The package lies beside it, where a test may change it.
    """
    folder = small_compendium(tmp_path_factory.mktemp("executed"))
    for name in ("examples", "benchmarks"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copytree(reads.PACKAGE, folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    write_notebook(folder, "01-wind", "wind.sum", READING)
    write_notebook(folder, "02-system", "system.count", 'record("system.count", len(tables.read_all()))')
    pairs.sync(folder / "notebooks", folder / "_build" / "pairs")
    assert run_notebooks(folder, PARAMETERS, lambda stem, outcome: None) == []
    return folder


@pytest.fixture
def holds(executed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return what tells whether a chapter holds; it holds before the test, and again after it."""
    monkeypatch.setattr(reads, "PACKAGE", executed / PACKAGE)

    def now(stem: str = "01-wind", **parameters: object) -> bool:
        return _holds(executed, stem, PARAMETERS | parameters)

    assert now("01-wind") and now("02-system")
    yield now
    assert now("01-wind") and now("02-system")


@contextmanager
def changed(path: Path, old: str = "", new: str = "\n") -> Iterator[None]:
    """Put a text in the place of another in a file, or make the file, and take it back."""
    before = path.read_bytes() if path.exists() else None
    text = before.decode() if before else ""
    assert old in text
    path.write_text(text.replace(old, new, 1) if old else text + new, encoding="utf-8")
    yield
    path.unlink() if before is None else path.write_bytes(before)


@pytest.mark.parametrize(
    "name",
    [
        f"{PACKAGE}/flows/estimate.py",  # imported by the chapter
        f"{PACKAGE}/flows/records.py",  # imported by what it imports
        f"{PACKAGE}/book/results.py",
        "examples/demonstration/flows.csv",
        "examples/demonstration/stocks.csv",  # a sheet that was not there
        "examples/recycling/new.csv",
        "benchmarks/cell.csv",
        "data/united_kingdom/wind_capacity.csv",
        "requirements.lock",
        "notebooks/01-wind.ipynb",
    ],
)
def test_a_chapter_depends_on_what_it_reads(executed: Path, holds: Any, name: str) -> None:
    with changed(executed / name):
        assert not holds()


@pytest.mark.parametrize(
    "name",
    [
        f"{PACKAGE}/recovery/route.py",
        f"{PACKAGE}/flows/new.py",
        "examples/recycling/stocks.csv",
        "examples/united-kingdom/flows.csv",
        "examples/united-kingdom/new.csv",
        "benchmarks/ensemble.csv",
        "data/united_kingdom/processes.csv",
        "notebooks/02-system.ipynb",
        "notebooks/03-new.ipynb",
        "book/index.md",
    ],
)
def test_a_chapter_does_not_depend_on_what_it_does_not_read(executed: Path, holds: Any, name: str) -> None:
    with changed(executed / name):
        assert holds()


def test_a_file_that_is_gone_was_read(executed: Path, holds: Any) -> None:
    for name in ("examples/demonstration/processes.csv", f"{PACKAGE}/flows/estimate.py", "benchmarks/cell.csv"):
        (executed / name).rename(executed / "away")
        assert not holds()
        (executed / "away").rename(executed / name)


def test_a_file_changed_while_the_chapter_ran_counts_as_changed(tmp_path: Path) -> None:
    path = tmp_path / "flows.csv"
    path.write_text("flow\n", encoding="utf-8")
    saved_ns = path.stat().st_mtime_ns
    assert reads._digest(path, saved_ns) == reads._digest(path)
    assert reads._digest(path, saved_ns - 1) is None


def test_a_chapter_depends_on_its_own_parameters(holds: Any) -> None:
    assert not holds(seed=2)
    assert holds(unknown=2), "no chapter assigns it"


def test_a_chapter_depends_on_the_rows_of_its_own_results(executed: Path, holds: Any) -> None:
    table = executed / "book" / "results.csv"
    for row, others in (("wind.sum,1,arithmetic,a sum", "02-system"), ("system.count,1,arithmetic", "01-wind")):
        with changed(table, row, row.replace("arithmetic", "estimated")):
            assert [stem for stem in ("01-wind", "02-system") if holds(stem)] == [others]
    with changed(table, "wind.sum,1,arithmetic,a sum\n", ""):
        assert not holds()


def test_a_chapter_depends_on_how_its_tables_are_described(executed: Path, holds: Any) -> None:
    path = executed / "data" / "united_kingdom" / "datapackage.json"
    described = {one["name"]: one for one in json.loads(path.read_text(encoding="utf-8"))["resources"]}
    with changed(path, described["wind_capacity"]["hash"], "sha256:0"):
        assert holds(), "the rows themselves are compared"
    with changed(path, f'"{described["wind_capacity"]["title"]}"', '"Another title"'):
        assert not holds()
    with changed(path, f'"{described["processes"]["title"]}"', '"Another title"'):
        assert holds() and not holds("02-system")
    new = described["processes"] | {"name": "new", "path": "processes.csv"}
    with changed(path, '"resources": [', f'"resources": [{json.dumps(new)}, '):
        assert holds() and not holds("02-system"), "which reads every table"


class Runs:
    """Fail with each of some errors in turn, and then succeed."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.count = list(errors), 0

    def __call__(self) -> None:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)


def test_a_kernel_that_did_not_come_up_is_started_again() -> None:
    runs = Runs(RuntimeError(NOT_UP), RuntimeError(NOT_UP))
    with_kernel(runs)
    assert runs.count == 3


def test_one_that_never_comes_up_is_an_error() -> None:
    runs = Runs(*[RuntimeError(NOT_UP)] * 5)
    with pytest.raises(RuntimeError, match=NOT_UP):
        with_kernel(runs)
    assert runs.count == KERNEL_STARTS


@pytest.mark.parametrize("error", [RuntimeError("Kernel died"), ValueError("a cell failed")])
def test_a_kernel_that_died_at_work_is_not_started_again(error: Exception) -> None:
    runs = Runs(error)
    with pytest.raises(type(error)):
        with_kernel(runs)
    assert runs.count == 1
