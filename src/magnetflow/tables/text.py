"""How is a CSV file split into cells, so that nothing is skipped and each fault is told with row and column?"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from pathlib import Path

import pandas as pd

from magnetflow.errors import TableError

FIRST_DATA_ROW = 2  # the header is row 1 of the file


def short(path: Path) -> str:
    """Name a file from the compendium's root, as the user would type it."""
    return os.fspath(Path(*path.parts[-3:]))


def read_text(path: Path) -> tuple[str, str]:
    """Return the text of a file and its SHA-256; raises TableError where it is not there or not UTF-8."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise TableError(short(path), "no such file; restore it, or take it out of datapackage.json") from None
    digest = hashlib.sha256(raw).hexdigest()
    try:
        return raw.decode("utf-8-sig"), digest
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) + 1
        problem = f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise TableError(short(path), problem, row, _column_of_byte(raw, error.start)) from None


def _column_of_byte(raw: bytes, at: int) -> str | None:
    """Name the column in which a byte stands, if the text before it is tidy enough to tell."""
    before = raw[raw.rfind(b"\n", 0, at) + 1 : at].decode("utf-8", errors="replace") + "x"
    header = raw.split(b"\n", 1)[0].decode("utf-8-sig", errors="replace").strip("\r")
    try:
        (names,), (cells,) = csv.reader([header]), csv.reader([before])
    except (csv.Error, ValueError):
        return None
    return names[len(cells) - 1] if len(cells) <= len(names) else None


def rows_of(text: str, path: Path, columns: list[str]) -> pd.DataFrame:
    """Split the text into cells; every row has every column, and nothing is skipped."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        missing = [column for column in columns if column not in header]
        if missing:
            raise TableError(
                short(path), f"the header lacks {missing[0]}; expected {', '.join(columns)}", 1, missing[0]
            )
        extra = [column for column in header if column not in columns]
        if extra or len(header) != len(columns):
            column = extra[0] if extra else max(header, key=header.count)
            raise TableError(short(path), "unknown or repeated column; remove it or describe it", 1, column)
        rows, lines, start = [], [], FIRST_DATA_ROW
        for cells in reader:
            if len(cells) != len(header):
                raise TableError(short(path), f"found {len(cells)} cells, expected {len(header)}", start)
            rows.append(cells)
            lines.append(start)
            start = reader.line_num + 1
    except csv.Error as error:
        raise TableError(short(path), f"not CSV ({error}); mend the quotes", reader.line_num) from None
    if not rows:
        raise TableError(short(path), "no rows; restore the table")
    return pd.DataFrame(rows, columns=header, index=lines, dtype=object)
