"""Which rows does a user's own sheet hold, and where does each cell stand?

A sheet is a CSV file of a folder, or a sheet of one workbook, as a spreadsheet program writes it: any line ends,
quoted cells, blank rows and short rows; titles in one cell above the header, and comments after #, are read past.
What has no clear meaning is refused with file, row and column; what is not read at all is listed by `unread`.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from magnetflow.errors import TableError
from magnetflow.tables.numbers import NUMBER as NUMBER
from magnetflow.tables.numbers import NUMERIC, decimal_marks, number_from
from magnetflow.tables.numbers import shown as shown
from magnetflow.tables.text import Lines, read_user_text, separator_of, split_rows
from magnetflow.tables.workbooks import read_cells, titles_of

FREE_COLUMNS = ("note", "comment")  # read past
SUFFIX = ".xlsx"
WORKBOOKS, TEXTS = (SUFFIX, ".xlsm"), (".csv", ".tsv")
READABLE = "a folder of CSV files, a .csv or .tsv file, or an .xlsx or .xlsm workbook"
BLANKS = dict.fromkeys(map(ord, "\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}"), " ")
LEADING = ("flows", "variables")  # one of these a place must have
IN_BRACKETS = re.compile(r"\s*[\[(][^\[\]()]*[\])]$")  # a unit at the end of the name of a column
ALIASES = dict.fromkeys(("tc", "tcs", "transfers"), "transfer_coefficients")


@dataclass(frozen=True)
class Row:
    """The cells of one row by column, and the number a spreadsheet shows beside it.

    `marks` are the signs that stand before decimals in its sheet: see `numbers.number_from`.
    """

    sheet: str
    number: int
    cells: dict[str, str]
    marks: str = "."

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
        try:
            return number_from(found, self.marks) if found else math.nan
        except ValueError as error:
            raise self.fault(str(error), column) from None


@dataclass(frozen=True)
class Sheet:
    """The rows of one sheet, the row of its header, and a remark where something about it had to be guessed."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    header: int = 1
    remark: str = ""

    def fault(self, problem: str, column: str | None = None) -> TableError:
        """Return an error on the sheet's header."""
        return TableError(self.name, problem, self.header, column)

    def restrict(self, required: Sequence[str], optional: Sequence[str]) -> Sheet:
        """Return the sheet if its columns are those expected; raises TableError otherwise."""
        expected = ", ".join([*required, *optional])
        if not set(self.columns) & {*required, *optional}:
            problem = f"found {shown(', '.join(self.columns))}, expected the header: {expected}"
            raise self.fault(f"{problem}; keep a title above it in one cell, or begin its row with #")
        unknown = next((name for name in self.columns if name not in (*required, *optional, *FREE_COLUMNS)), "")
        plain = IN_BRACKETS.sub("", unknown)
        unit = f"; call it {plain}, and give its unit in the column unit" if unknown and plain != unknown else ""
        for column in required:
            if column not in self.columns and not unit:
                raise self.fault(f"the header lacks {column}; expected {expected}", column)
        if unknown:
            cure = unit or f"; the columns are {expected}, {FREE_COLUMNS[0]}"
            raise self.fault(f"unknown column{cure}", shown(unknown))
        return self


def read_sheets(place: Path, names: Collection[str]) -> dict[str, Sheet]:
    """Return the sheets of a folder of CSV files, or of a workbook, by name; `names` are those that may be there.

    A folder without flows and variables may hold one workbook instead. A CSV file alone has the flows, or the
    variables; the other sheets are looked for beside it.
    Raises TableError if there are none, or if one cannot be read.
    """
    texts, workbook, _ = _found(place, names)
    if workbook:
        return _read_workbook(workbook, names)
    return {name: _read_text(path) for name, path in sorted(texts.items())}


def unread(place: Path, names: Collection[str], besides: Collection[str] = ()) -> list[str]:
    """Return what lies in a place and is not read, such as `sheet Notes` and `notes.txt`.

    `besides` are the names of further files that are read, or that no reader would take for input.
    """
    _, workbook, files = _found(place, names)
    titles = [title for title in titles_of(workbook) if not _known(title, names)] if workbook else []
    return [*(f"sheet {title}" for title in titles), *(name for name in files if name not in besides)]


def _known(title: str, names: Collection[str]) -> str:
    """Return the name of the sheet that a title means; empty for none of `names`."""
    plain = re.sub(r"[\s_-]+", "_", re.sub(r"\([^()]*\)$", "", title.strip()).strip().lower())
    return next((name for name in (plain, ALIASES.get(plain, ""), f"{plain}s", f"{plain}es") if name in names), "")


def _refuse_near(title: str, called: str, names: Collection[str]) -> None:
    """Raise TableError for the title of a sheet or file that is a known name misspelt."""
    nearest = difflib.get_close_matches(title.strip().lower(), names, n=1, cutoff=0.8)
    if nearest:
        raise TableError(called, f"is not read by this name; call it {nearest[0]}, or something unlike it")


def _found(place: Path, names: Collection[str]) -> tuple[dict[str, Path], Path | None, list[str]]:
    """Return the CSV files of a place by the names of their sheets, or its workbook, and the files that are left."""
    kind, is_file = place.suffix.lower(), place.is_file()
    if is_file and kind in WORKBOOKS:
        return {}, place, []
    if is_file and kind in TEXTS:
        return _beside(place, names), None, []
    if not place.is_dir():
        problem = (
            f"is no file that is read; name {READABLE}" if is_file else f"no such folder or file; name {READABLE}"
        )
        raise TableError(place.name or str(place), problem)
    files = _files(place)
    texts = _texts(files, names)
    others = [path for path in files if path not in texts.values()]
    workbooks = [path for path in others if path.suffix.lower() in WORKBOOKS]
    if not workbooks or set(texts) & set(LEADING):
        return texts, None, [path.name for path in others]
    if len(workbooks) > 1:
        raise TableError(place.name, f"{len(workbooks)} {SUFFIX} files are here; name one of them")
    return {}, workbooks[0], [path.name for path in files if path != workbooks[0]]


def _files(folder: Path) -> list[Path]:
    """Return the files in a folder, without those that are hidden or that a spreadsheet program keeps for a while."""
    try:
        return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith((".", "~$")))
    except OSError as error:
        raise TableError(folder.name, f"cannot be listed ({error.strerror}); make it readable") from None


def _texts(files: Iterable[Path], names: Collection[str]) -> dict[str, Path]:
    texts: dict[str, Path] = {}
    for path in files:
        if path.suffix.lower() in TEXTS:
            name = _known(path.stem, names)
            if name in texts:
                raise TableError(path.name, f"{texts[name].name} has {name} as well; rename one of the two")
            if name:
                texts[name] = path
            else:
                _refuse_near(path.stem, path.name, names)
    return texts


def _beside(place: Path, names: Collection[str]) -> dict[str, Path]:
    """Return a CSV file that was named alone, as flows or variables, and the other sheets in its folder."""
    name = _known(place.stem, names)
    if name and name not in LEADING:
        raise TableError(place.name, f"has {name}; name its folder, or the CSV file of flows or variables")
    leading = LEADING["status" in _read_text(place).columns]
    files = [path for path in _files(place.parent) if _known(path.stem, names) not in ("", *LEADING)]
    return {leading: place, **_texts(files, names)}


def _read_text(path: Path) -> Sheet:
    text, remark = read_user_text(path, path.name)
    separator = separator_of(text)
    return _sheet(path.name, split_rows(text, path.name, separator), separator, remark)


def _read_workbook(path: Path, names: Collection[str]) -> dict[str, Sheet]:
    titles: dict[str, str] = {}
    called = {title: f"{path.name}, sheet {' '.join(title.split())}" for title in titles_of(path)}
    for title in called:
        name = _known(title, names)
        if name in titles:
            raise TableError(path.name, f"the sheets {titles[name]} and {title} both have {name}; rename one")
        if name:
            titles[name] = title
        else:
            _refuse_near(title, called[title], names)
    lines, merged = read_cells(path, {title: called[title] for title in titles.values()})
    for title, areas in merged.items():
        _check_merged(called[title], lines[title], areas)
    return {name: _sheet(called[title], lines[title]) for name, title in titles.items()}


def _check_merged(sheet: str, lines: Lines, areas: Iterable[Any]) -> None:
    """Raise TableError for merged cells, of which one alone has a value, except in titles."""
    filled = _filled(lines)
    header = filled[_header_at(filled)][0] if filled else 1
    for area in areas:
        if area.max_row >= header:
            problem = (
                f"the cells {area.coord} are merged, and only the first has a value; unmerge them and fill in each"
            )
            raise TableError(sheet, problem, area.min_row)


def _sheet(name: str, lines: Lines, separator: str = ",", remark: str = "") -> Sheet:
    """Make a sheet of numbered rows: the header, and what is below it."""
    filled = _filled(lines)
    if not filled:
        raise TableError(name, "no rows; fill it in or take it away")
    (at, header), *body = filled[_header_at(filled) :]
    columns = _columns(name, at, header)
    if not body:
        raise TableError(name, "no rows below the header; fill it in or take it away", at)
    marks = "."
    if separator != ",":
        numeric = [at for at, column in enumerate(columns) if column in NUMERIC]
        marks = decimal_marks(cells[at] for _, cells in body for at in numeric if at < len(cells))
    rows = [Row(name, number, dict(zip(columns, cells, strict=False)), marks) for number, cells in body]
    for row, (_, cells) in zip(rows, body, strict=True):
        if len(cells) > len(header) or any(cells[len(columns) :]):
            problem = f"found {len(cells)} cells, expected {len(columns)} as in the header, row {at}"
            raise row.fault(f"{problem}; quote a cell with a comma, or begin a title above the header with #")
        _check_cells(row)
    return Sheet(name, columns, tuple(rows), at, remark)


def _filled(lines: Lines) -> Lines:
    """Return the rows that are neither blank nor comments, with plain blanks inside cells and none around."""
    tidied = [(number, [cell.translate(BLANKS).strip() for cell in cells]) for number, cells in lines]
    return [(number, cells) for number, cells in tidied if any(cells) and not _is_comment(cells)]


def _is_comment(cells: list[str]) -> bool:
    """Tell whether a row is a comment: # and a blank, or # in a cell without another."""
    return cells[0].startswith("#") and (cells[0][1:2] in ("", " ") or not any(cells[1:]))


def _header_at(filled: Lines) -> int:
    """Return which of the rows that are not blank is the header: the first with several cells, else the first."""
    return next((at for at, (_, cells) in enumerate(filled) if sum(map(bool, cells)) > 1), 0)


def _columns(name: str, at: int, header: list[str]) -> tuple[str, ...]:
    """Return the names of the columns, in lower case, without empty ones at the end."""
    columns = tuple(column.lower() for column in header)
    while not columns[-1]:
        columns = columns[:-1]
    for column in columns:
        if columns.count(column) > 1 or not column:
            problem = "a column without a name, or with one given twice; mend the header"
            raise TableError(name, problem, at, shown(column))
    return columns


def _check_cells(row: Row) -> None:
    first = next(iter(row.cells.values()))
    if first.startswith("#"):
        raise row.fault(f"found {shown(first)}; begin a comment with # and a blank, a name with another sign")
    for column, cell in row.cells.items():
        if column not in FREE_COLUMNS and not cell.isprintable():
            raise row.fault(f"{shown(cell)} holds a line break or a sign that cannot be shown", shown(column))
