"""How is a CSV file read into cells, so that nothing is skipped and each fault is named with file, row and column?

Described tables and a user's sheets are read here alike; what each asks of its rows is checked where they are used.
"""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

from magnetflow.errors import TableError

LONGEST_CELL = 131_072  # characters; what is longer is no cell of a table
Lines = list[tuple[int, list[str]]]  # the rows of a file, header and all, each with the number of its first line


def read_text(path: Path, name: str) -> tuple[str, str]:
    """Return the text of a file and the SHA-256 of its bytes; `name` is what an error calls it.

    Raises TableError where the file cannot be read or is not UTF-8; a byte order mark is no part of the text.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = str(error.strerror).lower()
        raise TableError(name, f"{reason}; restore it and make it readable, or take out what names it") from None
    try:
        return raw.decode("utf-8-sig"), hashlib.sha256(raw).hexdigest()
    except UnicodeDecodeError as error:
        problem = f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as CSV UTF-8"
        row = raw.count(b"\n", 0, error.start) + 1
        column = _column_of_byte(raw, error.start) if path.suffix == ".csv" and row > 1 else None
        raise TableError(name, problem, row, column) from None


def _column_of_byte(raw: bytes, at: int) -> str | None:
    """Name the column in which a byte stands, if the text before it is tidy enough to tell."""
    header = raw[: raw.find(b"\n")].decode("utf-8-sig", errors="replace").strip("\r")
    before = raw[raw.rfind(b"\n", 0, at) + 1 : at].decode("utf-8", errors="replace") + "x"
    try:
        (names,), (cells,) = csv.reader([header]), csv.reader([before])
    except (csv.Error, ValueError):
        return None
    return names[len(cells) - 1] if len(cells) <= len(names) and header.isprintable() else None


def split_rows(text: str, name: str) -> Lines:
    """Split CSV text into cells; raises TableError at the first row that is not CSV."""
    csv.field_size_limit(LONGEST_CELL)  # which any other module may have lifted
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines, number = [], 1
    try:
        for cells in reader:
            lines.append((number, cells))
            number = reader.line_num + 1
    except csv.Error as error:
        raise TableError(name, f"not CSV ({error}); mend the quotes or the length", number) from None
    return lines
