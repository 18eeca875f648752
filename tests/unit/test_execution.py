"""Does a chapter run again when what it depends on changes, and is a kernel that did not come up started again?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from magnetflow.book import pairs
from magnetflow.book.execution import KERNEL_STARTS, NOT_UP, _key, with_kernel

DEPENDENCIES = (
    "src/magnetflow/flows/stocks.py",
    "examples/own/flows.csv",
    "requirements.lock",
    "notebooks/01-wind.md",
)


@pytest.fixture
def key(compendium: Path) -> Callable[..., str]:
    """Return what gives the key of a chapter in a compendium that has all that a chapter may depend on."""
    for name in DEPENDENCIES:
        (compendium / name).parent.mkdir(parents=True, exist_ok=True)
        (compendium / name).touch()

    def now(**parameters: object) -> str:
        pairs.sync(compendium / "notebooks", compendium / "_build" / "pairs")
        return _key(compendium, "01-wind", {"seed": 1, "unknown": 1} | parameters)

    return now


@pytest.mark.parametrize("name", DEPENDENCIES)
def test_a_chapter_depends_on_sources_examples_lock_and_its_text(
    compendium: Path, key: Callable[..., str], name: str
) -> None:
    before = key()
    assert key() == before
    with (compendium / name).open("a", encoding="utf-8") as file:
        file.write("\nchanged\n")
    changed = key()
    assert changed != before
    (compendium / "src" / "magnetflow" / "flows" / "new.py").touch()
    assert key() != changed, "a new file without content"


def test_a_chapter_depends_on_its_own_parameters_and_on_how_tables_are_described(
    compendium: Path, key: Callable[..., str]
) -> None:
    before = key()
    assert key(seed=2) != before
    assert key(unknown=2) == before, "no chapter assigns it"
    [path] = [path for path in compendium.glob("data/*/datapackage.json") if "wind_capacity" in path.read_text()]
    package = json.loads(path.read_text(encoding="utf-8"))
    package["resources"][0]["hash"] = "sha256:0"
    path.write_text(json.dumps(package), encoding="utf-8")
    assert key() == before, "of the rows each run keeps a record of its own"
    package["resources"][0]["title"] = "Another title"
    path.write_text(json.dumps(package), encoding="utf-8")
    assert key() != before


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
