"""How is a CSV file read into cells, so that nothing is skipped and each fault is named with file, row and column?

Described tables and a user's sheets are read here alike; what each asks of its rows is checked where they are used.
A described table is UTF-8 with commas; a user's file may have what spreadsheet programs write as well.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from pathlib import Path

from magnetflow.errors import TableError

LONGEST_CELL = 131_072  # characters; what is longer is no cell of a table
SAMPLE = 100_000  # characters that tell by what the cells of a file are separated
UTF_8 = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")  # the start of a letter of several bytes
Lines = list[tuple[int, list[str]]]  # the rows of a file, header and all, each with the number of its first line


def read_text(path: Path, name: str) -> tuple[str, str]:
    """Return the text of a file and the SHA-256 of its bytes; `name` is what an error calls it.

    Raises TableError where the file cannot be read or is not UTF-8; a byte order mark is no part of the text.
    """
    raw = _read_bytes(path, name)
    try:
        return raw.decode("utf-8-sig"), hashlib.sha256(raw).hexdigest()
    except UnicodeDecodeError as error:
        problem = f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as CSV UTF-8"
        row = raw.count(b"\n", 0, error.start) + 1
        column = _column_of_byte(raw, error.start) if path.suffix == ".csv" and row > 1 else None
        raise TableError(name, problem, row, column) from None


def _read_bytes(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = str(error.strerror).lower()
        raise TableError(name, f"{reason}; restore it and make it readable, or take out what names it") from None


def read_user_text(path: Path, name: str) -> tuple[str, str]:
    """Return the text of a user's own file, and a remark where its encoding had to be guessed.

    UTF-8 and, with a byte order mark, UTF-16 are read. What is neither is read as Windows-1252 (Latin-1), of which
    all but five bytes are letters; a file that mixes it with UTF-8 is refused.
    Raises TableError where the file cannot be read.
    """
    raw = _read_bytes(path, name)
    encoding = "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    remark = ""
    try:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            if encoding == "utf-16" or UTF_8.search(raw):
                raise
            text, remark = raw.decode("cp1252"), f"{name} is not UTF-8 and was read as Windows-1252"
    except UnicodeDecodeError as error:
        problem = f"byte 0x{raw[error.start]:02x} is not {encoding.removesuffix('-sig').upper()}"
        raise TableError(
            name, f"{problem}; save the file as CSV UTF-8", raw.count(b"\n", 0, error.start) + 1
        ) from None
    if "\0" in text:
        raise TableError(name, "holds zero bytes, as UTF-16 without a byte order mark; save the file as CSV UTF-8")
    return text, remark


def separator_of(text: str) -> str:
    """Return what separates the cells of most rows: a comma, a semicolon or a tab."""
    named = re.match(r"sep=([,;\t])\r?\n", text)
    if named:
        return named[1]
    lines = [line for line in re.sub(r'"[^"]*"', "", text[:SAMPLE]).splitlines() if not line.startswith("#")]
    return max(
        ",;\t", key=lambda sign: (sum(sign in line for line in lines), sum(line.count(sign) for line in lines))
    )


def _column_of_byte(raw: bytes, at: int) -> str | None:
    """Name the column in which a byte stands, if the text before it is tidy enough to tell."""
    header = raw[: raw.find(b"\n")].decode("utf-8-sig", errors="replace").strip("\r")
    before = raw[raw.rfind(b"\n", 0, at) + 1 : at].decode("utf-8", errors="replace") + "x"
    try:
        (names,), (cells,) = csv.reader([header]), csv.reader([before])
    except (csv.Error, ValueError):
        return None
    return names[len(cells) - 1] if len(cells) <= len(names) and header.isprintable() else None


def split_rows(text: str, name: str, separator: str = ",") -> Lines:
    """Split CSV text into cells; raises TableError at the first row that is not CSV."""
    csv.field_size_limit(LONGEST_CELL)  # which any other module may have lifted
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    lines, number = [], 1
    try:
        for cells in reader:
            lines.append((number, cells))
            number = reader.line_num + 1
    except csv.Error as error:
        raise TableError(name, f"not CSV ({error}); mend the quotes or the length", number) from None
    return lines
