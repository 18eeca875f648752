"""CONTRIBUTING.md: the walk through a table, a flow and a chapter works as written, and the map shows every room."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# A fenced block, and before it what to do with it: write a file, or add to one that is there.
STEP = re.compile(
    r"(?:^(?P<verb>Write|Add to) `(?P<file>[^`]+)`"
    r"(?:, (?P<side>above|below) the line with `(?P<anchor>[^`]+)`)?:\n\n)?"
    r"^(?P<fence>`{3,})(?P<language>\w+)\n(?P<block>.*?)^(?P=fence)$",
    re.M | re.S,
)


@dataclass(frozen=True)
class Step:
    """One fenced block of the walk and the sentence that leads to it."""

    verb: str
    file: str
    side: str
    anchor: str
    block: str

    def follow(self, folder: Path) -> None:
        """Do literally what the page says, in a compendium."""
        path = folder / self.file
        if not self.verb:  # typed at the prompt; the environment is there, so make has not to make it
            commands = re.sub(r"^make ", "make -o .venv/ready ", self.block, flags=re.M)
            environment = {name: text for name, text in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
            done = subprocess.run(
                ["bash", "-ec", commands], cwd=folder, capture_output=True, text=True, env=environment
            )
            assert done.returncode == 0, f"{self.block}\n{done.stdout}\n{done.stderr}"
        elif self.verb == "Write":
            assert not path.exists(), self.file
            path.write_text(self.block, encoding="utf-8")
        elif path.suffix == ".json":
            package = json.loads(path.read_text(encoding="utf-8"))
            package["resources"].append(json.loads(self.block))
            path.write_text(json.dumps(package), encoding="utf-8")
        else:
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            places = [place for place, line in enumerate(lines) if self.anchor and self.anchor in line]
            assert len(places) == bool(self.anchor), f"{self.file} has {len(places)} lines with {self.anchor!r}"
            place = places[0] + (self.side == "below") if places else len(lines)
            lines.insert(place, self.block)
            path.write_text("".join(lines), encoding="utf-8")


def walk() -> list[Step]:
    """Return the steps of the page in order."""
    parts = ("verb", "file", "side", "anchor", "block")
    return [Step(*(found[part] or "" for part in parts)) for found in STEP.finditer(TEXT)]


def test_each_block_of_the_page_is_a_step() -> None:
    for found, step in zip(STEP.finditer(TEXT), walk(), strict=True):
        assert step.verb or found["language"] == "bash", f"nothing says what to do with {step.block!r}"
        if step.verb == "Add to" and (ROOT / step.file).exists():
            text = (ROOT / step.file).read_text(encoding="utf-8")
            assert text.count(step.anchor) == 1 or not step.anchor, f"{step.file}: {step.anchor}"
    assert {Path(step.file).suffix for step in walk()} >= {".csv", ".json", ".md", ".yml"}


def test_the_map_shows_every_room() -> None:
    [rooms_part] = re.findall(r"^## The rooms$(.*?)^## ", TEXT, re.M | re.S)
    shown = set(re.findall(r"^\| `([\w/.]+)` \|", rooms_part, re.M))
    package = ROOT / "src" / "magnetflow"
    rooms = {f"{path.name}/" for path in package.iterdir() if (path / "__init__.py").exists()} - {"studies/"}
    rooms |= {f"studies/{path.parent.name}/" for path in (package / "studies").glob("*/__init__.py")}
    rooms |= {path.name for path in package.glob("*.py")} - {"__init__.py"}
    assert shown == rooms
    for command in re.findall(r"`make (\w+)`", TEXT):
        assert re.search(rf"^{command}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M), command


@pytest.mark.long
def test_the_walk_can_be_followed(compendium: Path) -> None:
    # All the tables and the real table of contents, with the two small chapters in place of the real ones.
    shutil.copytree(ROOT / "data", compendium / "data", dirs_exist_ok=True)
    shutil.copytree(ROOT / "examples", compendium / "examples")
    (compendium / "tests" / "expected").mkdir(parents=True)
    for name in ("Makefile", "tests/drift.py"):
        shutil.copy(ROOT / name, compendium / name)
    (compendium / ".venv").symlink_to(ROOT / ".venv")
    chapters = "".join(f"      - file: notebooks/{stem}\n" for stem in ("01-wind", "02-system"))
    toc = (ROOT / "book" / "_toc.yml").read_text(encoding="utf-8")
    toc = re.sub(r"^ *- file: (notebooks/.*|use-the-package|api)\n", "", toc, flags=re.M)
    (compendium / "book" / "_toc.yml").write_text(toc.replace("chapters:\n", f"chapters:\n{chapters}", 1))

    for step in walk():
        step.follow(compendium)

    results = json.loads((compendium / "_build" / "results.json").read_text(encoding="utf-8"))
    assert results["results"]["bicycles.sold"]["value"] == 220_000
    assert "bicycle_sales" in results["inputs"]
    page = (compendium / "_build" / "html" / "notebooks" / "18-bicycles.html").read_text(encoding="utf-8")
    assert re.search(r"In two years <span[^>]*>220,000", page)
    for other in ("provenance", "index"):
        assert "Electric bicycles" in (compendium / "_build" / "html" / f"{other}.html").read_text(encoding="utf-8")
    references = json.loads((compendium / "tests" / "expected" / "results.json").read_text(encoding="utf-8"))
    assert references["bicycles.sold"]["reason"] == "the chapter on electric bicycles is new"
    assert (compendium / "notebooks" / "18-bicycles.ipynb").exists()
    for place, flow, layers in (
        ("my-system-reconciled", "collected bicycles", {"goods", "metal"}),
        ("my-outcome", "K20", set()),
    ):
        rows = list(csv.DictReader((compendium / place / "reconciled.csv").open(encoding="utf-8")))
        own = [row for row in rows if row["flow"] == flow]
        assert {row["layer"] for row in own} >= layers, place
        assert own and all(row["value"] for row in own if row["class"] != "unobservable"), place
