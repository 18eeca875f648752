"""The two faces of a notebook agree, and agreeing again changes nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
import pytest
from conftest import HEADER

from magnetflow import pairs
from magnetflow.tables import InputError

TEXT = (
    HEADER
    + """
# A title

```{code-cell} python
:tags: [hide-input]

x = 1
```
"""
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "01-a.md").write_text(TEXT, encoding="utf-8")
    return tmp_path


def set_age(path: Path, seconds: int) -> None:
    os.utime(path, (1_700_000_000 - seconds, 1_700_000_000 - seconds))


def test_a_notebook_is_made_once_with_stable_ids_and_no_outputs(folder: Path) -> None:
    assert pairs.sync(folder) == [folder / "01-a.ipynb"]
    first = (folder / "01-a.ipynb").read_bytes()
    assert pairs.sync(folder) == []
    (folder / "01-a.ipynb").unlink()
    pairs.sync(folder)
    assert (folder / "01-a.ipynb").read_bytes() == first
    cells = json.loads(first)["cells"]
    assert [cell["id"] for cell in cells] == ["01-a-000", "01-a-001"]
    assert cells[1]["outputs"] == []
    assert cells[1]["metadata"] == {"tags": ["hide-input"]}


@pytest.mark.parametrize(("text_age", "notebook_age", "winner"), [(0, 60, "x = 2"), (60, 0, "x = 3")])
def test_the_side_edited_last_wins(folder: Path, text_age: int, notebook_age: int, winner: str) -> None:
    pairs.sync(folder)
    text, notebook = folder / "01-a.md", folder / "01-a.ipynb"
    text.write_text(TEXT.replace("x = 1", "x = 2"), encoding="utf-8")
    edited = nbformat.read(notebook, as_version=4)
    edited.cells[1].source = "x = 3"
    edited.cells[1].outputs = [nbformat.v4.new_output("stream", text="3")]
    nbformat.write(edited, notebook)
    set_age(text, text_age)
    set_age(notebook, notebook_age)
    pairs.sync(folder)
    assert winner in text.read_text(encoding="utf-8")
    assert pairs.load(notebook).cells[1].source == winner
    assert pairs.load(notebook).cells[1].outputs == []


def test_a_newer_notebook_that_only_ran_leaves_the_text_alone(folder: Path) -> None:
    pairs.sync(folder)
    notebook = folder / "01-a.ipynb"
    ran = nbformat.read(notebook, as_version=4)
    ran.cells[1].outputs = [nbformat.v4.new_output("stream", text="1")]
    nbformat.write(ran, notebook)
    set_age(folder / "01-a.md", 60)
    assert pairs.sync(folder) == [notebook]
    assert (folder / "01-a.md").read_text(encoding="utf-8") == TEXT


def test_a_broken_notebook_is_told(folder: Path) -> None:
    (folder / "01-a.ipynb").write_text("{", encoding="utf-8")
    set_age(folder / "01-a.md", 60)
    os.utime(folder / "01-a.ipynb")
    with pytest.raises(InputError, match=r"01-a\.ipynb: not a notebook"):
        pairs.sync(folder)
