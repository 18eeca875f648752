"""Which rows does a user's own sheet hold, and where does each cell stand?

A sheet is a CSV file of a folder, or a sheet of one workbook (.xlsx), as a spreadsheet program writes it: a byte
order mark, any line ends, quoted cells, blank rows and short rows are simply read.
What has no clear meaning is refused with file, row and column.
"""

from __future__ import annotations

import difflib
import math
import re
import warnings
import zipfile
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from magnetflow.errors import TableError
from magnetflow.tables.text import Lines, read_text, split_rows

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
FREE_COLUMNS = ("note", "comment")  # read past
SHOWN = 40  # characters of a cell that an error shows
SUFFIX = ".xlsx"
# What the zip, XML and workbook readers raise on a file that is damaged or none of theirs.
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, SyntaxError, OSError, LookupError, ValueError, TypeError, AttributeError,
    EOFError, RuntimeError,
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """The cells of one row by column, and the number a spreadsheet shows beside it."""

    sheet: str
    number: int
    cells: dict[str, str]

    def fault(self, problem: str, column: str | None = None) -> TableError:
        """Return the error that names this row."""
        return TableError(self.sheet, problem, self.number, column)

    def text(self, column: str) -> str:
        """Return a cell that must hold text; raises TableError if it is empty."""
        if not self.cells.get(column):
            raise self.fault("found an empty cell, expected a name", column)
        return self.cells[column]

    def optional(self, column: str) -> str:
        """Return a cell's text, empty if there is none."""
        return self.cells.get(column, "")

    def number_in(self, column: str) -> float:
        """Return a cell's number, NaN if it is empty; raises TableError for anything else."""
        found = self.cells.get(column, "")
        if not found:
            return math.nan
        if not NUMBER.fullmatch(found):
            raise self.fault(f"found {shown(found)}, expected a number{_cure(found)}", column)
        number = float(found)
        if not math.isfinite(number):
            raise self.fault(f"{shown(found)} is not a finite number; mend it", column)
        return number


@dataclass(frozen=True)
class Sheet:
    """The rows of one sheet."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def fault(self, problem: str, column: str | None = None) -> TableError:
        """Return an error on the sheet's header."""
        return TableError(self.name, problem, 1, column)

    def restrict(self, required: Sequence[str], optional: Sequence[str]) -> Sheet:
        """Return the sheet if its columns are those expected; raises TableError otherwise."""
        for column in required:
            if column not in self.columns:
                raise self.fault(f"the header lacks {column}; expected {', '.join([*required, *optional])}", column)
        for column in self.columns:
            if column not in (*required, *optional, *FREE_COLUMNS):
                known = ", ".join([*required, *optional, FREE_COLUMNS[0]])
                raise self.fault(f"unknown column; the columns are {known}", shown(column))
        return self


def shown(found: str) -> str:
    """Return a cell as an error shows it: quoted, on one line, and short."""
    return repr(found if len(found) <= SHOWN else found[:SHOWN] + "…")


def _cure(found: str) -> str:
    if "," in found:
        return "; write 1234.5, without commas"
    if found.endswith("%"):
        return "; write a percentage as a fraction"
    return ""


def read_sheets(place: Path, names: Collection[str]) -> dict[str, Sheet]:
    """Return the sheets of a folder of CSV files, or of a workbook, by name; `names` are those that may be there.

    A folder without any of them may hold one workbook instead.
    Raises TableError if there are none, or if one cannot be read.
    """
    if place.is_file() and place.suffix.lower() == SUFFIX:
        return _read_workbook(place, names)
    if not place.is_dir():
        raise TableError(place.name or str(place), f"no such folder or {SUFFIX} file; name one")
    found = {name: place / f"{name}.csv" for name in sorted(names) if (place / f"{name}.csv").is_file()}
    workbooks = sorted(
        path for path in place.iterdir() if path.suffix.lower() == SUFFIX and not path.name.startswith("~$")
    )
    for path in sorted(place.glob("*.csv")):
        nearest = difflib.get_close_matches(path.stem.lower(), names, n=1, cutoff=0.8)
        if path.stem not in names and nearest:
            raise TableError(path.name, f"is not read by this name; call it {nearest[0]}.csv, or something unlike it")
    if found and (set(found) & {"flows", "variables"} or not workbooks):
        return {
            name: _sheet(path.name, split_rows(read_text(path, path.name)[0], path.name))
            for name, path in found.items()
        }
    if len(workbooks) > 1:
        raise TableError(place.name, f"{len(workbooks)} {SUFFIX} files are here; name one of them")
    return _read_workbook(workbooks[0], names) if workbooks else {}


def _read_workbook(path: Path, names: Collection[str]) -> dict[str, Sheet]:
    from openpyxl import load_workbook  # slow to import, and only workbooks need it

    found: dict[str, list[tuple[Sequence[Any], Sequence[Any]]]] = {}
    try:
        with warnings.catch_warnings(action="ignore"):  # on styles and checks that a reader of values can do without
            results = load_workbook(path, read_only=True, data_only=True)
            formulas = load_workbook(path, read_only=True, data_only=False)
            for title in results.sheetnames:
                if title.strip().lower() in found:
                    raise TableError(path.name, f"two sheets are called {title.strip().lower()}; rename one")
                if title.strip().lower() in names:
                    both = (book[title].iter_rows(values_only=True) for book in (results, formulas))
                    found[title.strip().lower()] = list(zip(*both, strict=True))
    except UNREADABLE as error:
        problem = f"not a workbook that can be read ({type(error).__name__}); save it again"
        raise TableError(path.name, problem) from None
    called = {name: f"{path.name}, sheet {name}" for name in found}
    return {name: _sheet(called[name], _worked_out(called[name], rows)) for name, rows in found.items()}


def _worked_out(sheet: str, rows: Sequence[tuple[Sequence[Any], Sequence[Any]]]) -> Lines:
    """Return the cells as text; a formula that was saved without its result is refused."""
    lines = []
    for number, (values, formulas) in enumerate(rows, 1):
        for value, formula in zip(values, formulas, strict=True):
            if value is None and isinstance(formula, str) and formula.startswith("="):
                problem = "a formula without its result; open the workbook in a spreadsheet program and save it"
                raise TableError(sheet, problem, number)
        lines.append((number, [_as_text(value) for value in values]))
    return lines


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value) if isinstance(value, float) else str(value)


def _sheet(name: str, lines: Lines) -> Sheet:
    """Make a sheet of numbered rows, the first of which that is not blank is the header."""
    stripped = [(number, [cell.strip() for cell in cells]) for number, cells in lines]
    filled = [(number, cells) for number, cells in stripped if any(cells)]
    if not filled:
        raise TableError(name, "no rows; fill it in or take it away")
    (at, header), *body = filled
    columns = _columns(name, at, header)
    if not body:
        raise TableError(name, "no rows below the header; fill it in or take it away", at)
    return Sheet(name, columns, tuple(_row(name, number, cells, columns, len(header)) for number, cells in body))


def _columns(name: str, at: int, header: list[str]) -> tuple[str, ...]:
    """Return the names of the columns, in lower case, without empty ones at the end."""
    columns = tuple(column.lower() for column in header)
    while not columns[-1]:
        columns = columns[:-1]
    if len(columns) == 1 and any(separator in columns[0] for separator in ";\t"):
        raise TableError(name, "cells are separated by semicolons or tabs; save it as CSV with commas", at)
    for column in columns:
        if columns.count(column) > 1 or not column:
            problem = "a column without a name, or with one given twice; mend the header"
            raise TableError(name, problem, at, shown(column))
    return columns


def _row(name: str, number: int, cells: list[str], columns: tuple[str, ...], width: int) -> Row:
    """Make a row of its cells, which may be fewer than the columns; `width` counts the header's empty cells too."""
    row = Row(name, number, dict(zip(columns, cells, strict=False)))
    if len(cells) > width or any(cells[len(columns) :]):
        raise row.fault(f"found {len(cells)} cells, expected {len(columns)}; quote a cell with a comma")
    for column, cell in row.cells.items():
        if column not in FREE_COLUMNS and not cell.isprintable():
            raise row.fault(f"{shown(cell)} holds a line break or a sign that cannot be shown", shown(column))
    return row
