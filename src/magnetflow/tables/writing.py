"""How are files written so that a reader never meets half of one?"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from magnetflow.errors import InputError
from magnetflow.tables.numbers import NUMBER, NUMERIC


def write_whole(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, each whole or not at all, and none before all are complete.

    Raises InputError if the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / f".{name}.part").write_bytes(content)
        for name in files:
            (folder / f".{name}.part").replace(folder / name)
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror}); name another folder") from None


def csv_bytes(lines: Iterable[Sequence[object]]) -> bytes:
    """Return lines of cells as CSV in UTF-8."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue().encode()


def workbook_bytes(sheets: Mapping[str, Sequence[Sequence[str]]]) -> bytes:
    """Return sheets of cells, by name and with their headers, as a workbook; cells of NUMERIC columns are numbers.

    A cell is never a formula, and the bytes do not tell when they were written.
    """
    from openpyxl import Workbook  # slow to import, and only workbooks need it
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    for name, lines in sheets.items():
        sheet = book.create_sheet(name)
        numeric = [column in NUMERIC for column in lines[0]]
        for cells in lines:
            row: list[Any] = []
            for cell, is_number in zip(cells, numeric, strict=True):
                row.append(float(cell) if is_number and NUMBER.fullmatch(cell) else cell or None)
                if cell.startswith("="):
                    row[-1] = WriteOnlyCell(sheet, cell)
                    row[-1].data_type = "s"
            sheet.append(row)
    content, undated = io.BytesIO(), io.BytesIO()
    book.save(content)
    with zipfile.ZipFile(content) as dated, zipfile.ZipFile(undated, "w", zipfile.ZIP_DEFLATED) as files:
        for name in dated.namelist():
            text = dated.read(name)
            if name == "docProps/core.xml":
                text = re.sub(rb"[0-9-]{10}T[0-9:]{8}Z", b"1980-01-01T00:00:00Z", text)
            files.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return undated.getvalue()
