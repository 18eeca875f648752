"""What do the cells of a workbook hold, as text?

Hidden sheets, rows and columns hold values like others. What a reader of values would lose is refused: formulas that
were saved without their results, and a percentage beside the unit %, which Excel holds as a fraction.
"""

from __future__ import annotations

import datetime
import lzma
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from magnetflow.errors import TableError
from magnetflow.tables.text import Lines

LARGEST = 1_000_000_000  # bytes of an unpacked workbook
# What the zip, XML and workbook readers raise on a file that is damaged or none of theirs.
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, SyntaxError, OSError, LookupError, ValueError,
    TypeError, AttributeError, EOFError, RuntimeError, ArithmeticError, MemoryError,
)  # fmt: skip
TEXT_BESIDE = re.compile(r'"([^"]*)"|\[\$([^\]-]*)[^\]]*\]')  # in a format of numbers
MARKS = re.compile(rb"<(?:\w+:)?(f|mergeCell)[ />]")  # of a formula, or of merged cells, in the XML of a sheet


@contextmanager
def _opened(path: Path, data_only: bool = True, read_only: bool = True) -> Iterator[Any]:
    """Open a workbook, and refuse one that cannot be read as long as it is open."""
    from openpyxl import load_workbook  # slow to import, and only workbooks need it

    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST:
                raise TableError(path.name, "unpacks to more than 1 GB; keep only the sheets with values")
        with warnings.catch_warnings(action="ignore"):  # on styles and checks that a reader of values can do without
            yield load_workbook(path, read_only=read_only, data_only=data_only)
    except UNREADABLE as error:
        problem = (
            f"not a workbook that can be read ({type(error).__name__}); save it again as .xlsx, without a password"
        )
        raise TableError(path.name, problem) from None


def titles_of(path: Path) -> list[str]:
    """Return the titles of the sheets of a workbook; raises TableError if it is none."""
    with _opened(path) as book:
        return [sheet.title for sheet in book.worksheets]


def read_cells(path: Path, called: Mapping[str, str]) -> tuple[dict[str, Lines], dict[str, list[Any]]]:
    """Return the rows of sheets, and their merged ranges, by title; `called` is what an error calls each sheet.

    Raises TableError for what is no workbook, or has cells whose value is not there.
    """
    merged: dict[str, list[Any]] = {}
    with _opened(path) as book:
        cells = {title: _rows(book[title]) for title in called}
        with zipfile.ZipFile(path) as archive:
            parts = (archive.read(part) for part in archive.namelist() if part.endswith(".xml"))
            marks = {mark for part in parts for mark in MARKS.findall(part)}
    if b"f" in marks:
        with _opened(path, data_only=False) as book:
            for title, sheet in called.items():
                _check_formulas(sheet, cells[title], _rows(book[title]))
    if b"mergeCell" in marks:
        with _opened(path, read_only=False) as book:
            merged = {title: list(book[title].merged_cells.ranges) for title in called}
    lines = {
        title: [(number, _as_texts(sheet, number, row)) for number, row in enumerate(cells[title], 1)]
        for title, sheet in called.items()
    }
    return lines, merged


def _rows(sheet: Any) -> list[Sequence[Any]]:
    sheet.reset_dimensions()  # some programs write a size that would leave cells out
    return list(sheet.iter_rows())


def _check_formulas(sheet: str, results: Iterable[Sequence[Any]], formulas: Iterable[Sequence[Any]]) -> None:
    """Raise TableError for a formula that was saved without its result."""
    for number, (values, cells) in enumerate(zip(results, formulas, strict=True), 1):
        for value, cell in zip(values, cells, strict=True):
            if (
                cell.data_type == "f" and value.value is None and value.data_type != "str"
            ):  # an empty text is a result
                problem = "a formula without its result; open the workbook in a spreadsheet program and save it"
                raise TableError(sheet, problem, number)


def _as_texts(sheet: str, number: int, row: Sequence[Any]) -> list[str]:
    """Return the cells of a row of a workbook as text; months, years and percentages as they are shown.

    Raises TableError for a percentage beside the unit %, and for a number that its format shows with other text.
    """
    texts = [_as_text(cell.value, str(cell.number_format or "")) for cell in row]
    for cell in row:
        beside = _text_beside(cell.number_format) if isinstance(cell.value, int | float) else ""
        if beside and beside not in texts:
            problem = f"a number is shown with {beside!r}, which its cell does not hold"
            raise TableError(sheet, f"{problem}; format it as a plain number, and give a unit in its column", number)
    shown = [isinstance(cell.value, int | float) and "%" in cell.number_format for cell in row]
    if any(shown) and any(re.fullmatch(r"[A-Za-z. -]*% ?", text) for text in texts):
        problem = f"a cell is shown as a percentage and holds {texts[shown.index(True)]}, beside the unit %"
        raise TableError(sheet, f"{problem}; format it as a number, or take the unit out", number)
    # Excel holds 10 % as 0.1; it is read as it is shown, since 0.1 would be another standard deviation.
    return [
        f"{100 * cell.value:.15g}%" if as_percentage else text
        for cell, as_percentage, text in zip(row, shown, texts, strict=True)
    ]


def _as_text(value: object, number_format: str) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        if value.time() != datetime.time():
            return value.isoformat(" ")
        shown = TEXT_BESIDE.sub("", number_format).lower()
        if "y" in shown and "d" not in shown:  # a month or a year, of which Excel makes the first day
            return value.strftime("%Y-%m" if "m" in shown else "%Y")
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value) if isinstance(value, float) else str(value)


def _text_beside(number_format: str | None) -> str:
    """Return the text that a format shows beside a positive number, such as a unit."""
    positive = (number_format or "").split(";")[0]
    return " ".join("".join(found) for found in TEXT_BESIDE.findall(positive)).strip()
