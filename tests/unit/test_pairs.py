"""The two faces of a notebook agree, and agreeing again changes nothing."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import nbformat
import pytest
from conftest import HEADER

from magnetflow.book import pairs
from magnetflow.errors import InputError

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
    assert pairs.sync(folder, folder / "memory") == [folder / "01-a.ipynb"]
    first = (folder / "01-a.ipynb").read_bytes()
    assert pairs.sync(folder, folder / "memory") == []
    (folder / "01-a.ipynb").unlink()
    pairs.sync(folder, folder / "memory")
    assert (folder / "01-a.ipynb").read_bytes() == first
    cells = json.loads(first)["cells"]
    assert [cell["id"] for cell in cells] == ["01-a-000", "01-a-001"]
    assert cells[1]["outputs"] == []
    assert cells[1]["metadata"] == {"tags": ["hide-input"]}


def edit(folder: Path, in_text: str, in_notebook: str) -> tuple[Path, Path]:
    """Write another line into each side of the pair; return both."""
    text, notebook = folder / "01-a.md", folder / "01-a.ipynb"
    text.write_text(TEXT.replace("x = 1", in_text), encoding="utf-8")
    edited = nbformat.read(notebook, as_version=4)
    edited.cells[1].source = in_notebook
    edited.cells[1].outputs = [nbformat.v4.new_output("stream", text="3")]
    nbformat.write(edited, notebook)
    return text, notebook


@pytest.mark.parametrize(("in_text", "in_notebook"), [("x = 2", "x = 1"), ("x = 1", "x = 2")])
def test_the_side_that_was_edited_wins_whichever_was_saved_last(folder: Path, in_text: str, in_notebook: str) -> None:
    for last in (0, 1):
        pairs.sync(folder, folder / "memory")
        sides = edit(folder, in_text, in_notebook)
        set_age(sides[1 - last], 60)
        pairs.sync(folder, folder / "memory")
        assert "x = 2" in sides[0].read_text(encoding="utf-8")
        assert pairs.load(sides[1]).cells[1].source == "x = 2"
        sides[0].write_text(TEXT, encoding="utf-8")
        pairs.sync(folder, folder / "memory")


def test_two_edits_are_not_merged_and_neither_is_lost(folder: Path) -> None:
    pairs.sync(folder, folder / "memory")
    text, notebook = edit(folder, "x = 2", "x = 3")
    with pytest.raises(InputError, match=r"01-a\.md and 01-a\.ipynb were both edited"):
        pairs.sync(folder, folder / "memory")
    assert "x = 2" in text.read_text(encoding="utf-8")
    assert pairs.load(notebook).cells[1].source == "x = 3"


@pytest.mark.parametrize(("text_age", "notebook_age", "winner"), [(0, 60, "x = 2"), (60, 0, "x = 3")])
def test_without_memory_the_side_saved_last_wins(folder: Path, text_age: int, notebook_age: int, winner: str) -> None:
    pairs.sync(folder, folder / "memory")
    text, notebook = edit(folder, "x = 2", "x = 3")
    shutil.rmtree(folder / "memory")
    set_age(text, text_age)
    set_age(notebook, notebook_age)
    pairs.sync(folder, folder / "memory")
    assert winner in text.read_text(encoding="utf-8")
    assert pairs.load(notebook).cells[1].source == winner
    assert pairs.load(notebook).cells[1].outputs == []


def test_a_newer_notebook_that_only_ran_leaves_the_text_alone(folder: Path) -> None:
    pairs.sync(folder, folder / "memory")
    notebook = folder / "01-a.ipynb"
    ran = nbformat.read(notebook, as_version=4)
    ran.cells[1].outputs = [nbformat.v4.new_output("stream", text="1")]
    nbformat.write(ran, notebook)
    set_age(folder / "01-a.md", 60)
    assert pairs.sync(folder, folder / "memory") == [notebook]
    assert (folder / "01-a.md").read_text(encoding="utf-8") == TEXT


def test_a_broken_notebook_is_told(folder: Path) -> None:
    (folder / "01-a.ipynb").write_text("{", encoding="utf-8")
    set_age(folder / "01-a.md", 60)
    os.utime(folder / "01-a.ipynb")
    with pytest.raises(InputError, match=r"01-a\.ipynb: not a notebook"):
        pairs.sync(folder, folder / "memory")


def test_cell_metadata_is_kept_and_a_stray_notebook_is_no_chapter(folder: Path) -> None:
    (folder / "Untitled.ipynb").write_text("{}", encoding="utf-8")
    (folder / "01-a.md").write_text(TEXT.replace(":tags: [hide-input]", ":name: kept"), encoding="utf-8")
    pairs.sync(folder, folder / "memory")
    assert pairs.stems(folder) == ["01-a"]
    assert pairs.load(folder / "01-a.ipynb").cells[1].metadata["name"] == "kept"


def test_what_the_text_cannot_hold_is_refused(folder: Path) -> None:
    pairs.sync(folder, folder / "memory")
    notebook = nbformat.read(folder / "01-a.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_raw_cell("raw"))
    nbformat.write(notebook, folder / "01-a.ipynb")
    with pytest.raises(InputError, match=r"01-a\.ipynb, cell 3: raw, or with a picture"):
        pairs.sync(folder, folder / "memory")
