"""Which rows do the tables of a file of STAN hold, once it is unpacked without risk?"""

from __future__ import annotations

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from magnetflow.errors import TableError
from magnetflow.tables.sheets import Row, shown

GZIP, SQLITE, ROOT = b"\x1f\x8b", b"SQLite format 3", "MfaSystemData"
SUFFIXES = (".zmfa", ".smfa", ".mfa", ".xmfa")
CURE = "open it in STAN and save it as .zmfa"
# Unpacked bytes at most, as a multiple of the packed ones too, but for small files; levels and elements at most.
LARGEST, RATIO, SMALL, DEEPEST, ELEMENTS = 200_000_000, 200, 1_000_000, 32, 3_000_000
SHARES = "TransferCoefficient"
TRANSFER = re.compile(r"trans(fer)?_?coeff?(icient)?s?(value)?s?|tc(value)?s?", re.I)  # likely names of that table


def is_stan(path: Path) -> bool:
    """Tell whether a file is one of STAN, by its first bytes, or else by its name."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(1024)
    return start.startswith((GZIP, SQLITE)) or ROOT.encode() in start or path.suffix.lower() in SUFFIXES


def _chunks(path: Path) -> Iterator[bytes]:
    """Yield the document in parts; raises TableError where it is none, or unpacks to more than a file of STAN."""
    with path.open("rb") as file:
        start = file.read(1024)
    if start.startswith(SQLITE):
        raise TableError(path.name, f"a database of STAN (.smfa), which is not read; {CURE}")
    if not start.startswith(GZIP) and ROOT.encode() not in start and b"<!" not in start:
        raise TableError(path.name, f"no .zmfa file, perhaps of an older version (.mfa, .xmfa); {CURE}")
    allowed = min(LARGEST, max(SMALL, RATIO * path.stat().st_size))
    try:
        with gzip.open(path) if start.startswith(GZIP) else path.open("rb") as file:
            while chunk := file.read(65_536):
                allowed -= len(chunk)
                if allowed < 0:
                    raise TableError(path.name, "unpacks to far more than a file of STAN does; it is not opened")
                yield chunk
    except (OSError, EOFError, zlib.error):
        raise TableError(path.name, f"damaged, so that it cannot be unpacked; {CURE}") from None


def read_tables(path: Path, names: Collection[str]) -> tuple[dict[str, list[Row]], Counter[tuple[str, str]]]:
    """Return the rows of the tables of these names, and how many values each field of each table has.

    With an empty field come the rows of each table.
    A document type, and with it every entity, is refused where it begins, before anything is expanded or looked up.
    """
    tables: dict[str, list[Row]] = {name: [] for name in names}
    found, elements = Counter[tuple[str, str]](), 0
    way, text, cells = list[str](), list[str](), dict[str, str]()  # the open elements, and what the last ones hold

    def refuse(*_: object) -> NoReturn:
        raise TableError(path.name, f"declares a document type or entity, which no file of STAN does; {CURE}")

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        nonlocal elements
        elements += 1
        way.append(tag.rpartition(" ")[2])
        if way[0] != ROOT:
            raise TableError(path.name, f"found {shown(way[0])}, expected {ROOT}, with which a file of STAN begins")
        if len(way) > DEEPEST or elements > ELEMENTS:
            raise TableError(path.name, f"more than {DEEPEST} levels or {ELEMENTS:,} elements; it is not opened")
        for unknown in [*attributes, ""] if len(way) > 3 else attributes if len(way) > 1 else ():
            found[way[1], "/".join(way[2:]) + f"@{unknown}".removesuffix("@")] += 1
        text.clear()

    def end(_: str) -> None:
        value, table = "".join(text).strip(), "".join(way[1:2])
        if len(way) == 3 and value:
            if way[2] in cells:
                raise TableError(path.name, f"a row of {table} has {way[2]} twice; {CURE}")
            found[table, way[2]] += 1
            cells[way[2]] = value
        if len(way) == 2:
            found[table, ""] += 1
            known = SHARES if TRANSFER.fullmatch(table) else table
            if known in tables:
                tables[known].append(Row(f"{path.name}, table {table}", found[table, ""], dict(cells)))
            cells.clear()
        way.pop()
        text.clear()

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.ExternalEntityRefHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text.append
    try:
        for chunk in _chunks(path):
            parser.Parse(chunk)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError) as error:
        raise TableError(path.name, f"not XML that can be read ({error}); {CURE}") from None
    return tables, found
