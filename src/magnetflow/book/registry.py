"""What is each result of the book, in which unit, and of which kind?

`book/results.csv` has a row for each result, sorted by name; a chapter records only the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from magnetflow import tables
from magnetflow.errors import ResultError, TableError
from magnetflow.tables.text import read_text, split_rows

FILE = "book/results.csv"
COLUMNS = ["result", "unit", "kind", "about"]
KINDS = (
    "estimated",  # recalculated from inputs
    "propagated",  # follows from other quantities through the balances, with their uncertainty
    "back-cast",  # inputs solved for from totals of the study
    "transcribed",  # copied from the study
    "assumed",  # rests on an assumption
    "arithmetic",  # a sum, difference or ratio of printed numbers
)
NAME = re.compile(r"[a-z][a-z0-9_]*(\.[A-Za-z0-9_]+)+")


@dataclass(frozen=True)
class Description:
    """Unit, kind and meaning of one result."""

    unit: str
    kind: str
    about: str


def read(root: Path | None = None) -> dict[str, Description]:
    """Return the description of every result by name: of the compendium at `root`, or around the working directory.

    Raises TableError at the first row that describes no result, or stands out of order.
    """
    text, _ = read_text((root or tables.find_data().parent) / FILE, FILE)
    (_, header), *rows = split_rows(text, FILE) or [(1, [])]
    if header != COLUMNS:
        raise TableError(FILE, f"found the header {','.join(header)}, expected {','.join(COLUMNS)}", 1)
    registry: dict[str, Description] = {}
    before = ""
    for row, cells in rows:
        if len(cells) != len(COLUMNS):
            raise TableError(FILE, f"found {len(cells)} cells, expected {len(COLUMNS)}", row)
        name, unit, kind, about = cells
        for column, holds, expected in (
            ("result", NAME.fullmatch(name), "a name such as wind.stock_2021.Nd"),
            ("result", name > before, f"a name after {before}; sort the rows, and keep one of each name"),
            ("unit", unit, "a unit, or 1 for a plain number"),
            ("kind", kind in KINDS, " or ".join(KINDS)),
            ("about", about, "a few words on what the number is"),
        ):
            if not holds:
                found = repr(cells[COLUMNS.index(column)])
                raise TableError(FILE, f"found {found}, expected {expected}", row, column)
        registry[name], before = Description(unit, kind, about), name
    return registry


def check_recorded(root: Path, recorded: Iterable[str]) -> None:
    """Raise ResultError where a row of the compendium at `root` describes a result that no chapter records."""
    unused = set(read(root)).difference(recorded)
    if unused:
        raise ResultError(f"no chapter records {min(unused)}; record it, or take its row out of {FILE}")
