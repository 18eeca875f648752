"""Which thing is meant by a name that a user writes?"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from magnetflow.errors import TableError
from magnetflow.flows.records import fault
from magnetflow.tables.sheets import Row, Sheet, shown

# What the outside of a system is called where it is listed as a process, as STAN does.
OUTSIDE_NAMES = ("environment", "outside", "outside the system", "system boundary", "umwelt")
ALIASES = {  # of columns: what each may be called instead
    "flow": ("name",),
    "process": ("name",),
    "source": ("from", "origin"),
    "target": ("to", "destination"),
    "period": ("year", "quarter", "month", "date", "time"),
    "layer": ("material", "substance", "element"),
    "value": ("amount", "mean"),
    "sd": ("std", "stdev", "std dev", "std. dev.", "standard deviation", "sigma"),
    "cv": ("rsd", "relative sd", "coefficient of variation"),
    "unit": ("units",),
}
SEVERAL_SPREADS = "sd (standard deviation), cv (its fraction of the value) or ci95 (half a 95 % interval)"
SEVERAL_ENDS = "lower or upper if it is a bound, low or high if it is an end of a triangular distribution"
AMBIGUOUS = {  # columns that may mean one thing or another
    **dict.fromkeys(("uncertainty", "error", "err", "+-", "±", "+/-", "u"), SEVERAL_SPREADS),
    **dict.fromkeys(("min", "max", "minimum", "maximum"), SEVERAL_ENDS),
}


@dataclass(frozen=True)
class RenamedRow(Row):
    """A row whose faults name the columns as the sheet does."""

    written: Mapping[str, str] = field(default_factory=dict)

    def fault(self, problem: str, column: str | None = None) -> TableError:
        """Return the error that names this row."""
        return super().fault(problem, self.written.get(column, column) if column else None)


def with_known_columns(sheet: Sheet, columns: Iterable[str]) -> Sheet:
    """Return a sheet with the columns that it calls by another name called as in `columns`.

    Raises TableError for a column whose name may mean one thing or another.
    """
    written: dict[str, str] = {}
    for column in columns:
        other = next((name for name in ALIASES.get(column, ()) if name in sheet.columns), None)
        if other and column not in sheet.columns and other not in written.values():
            written[column] = other
    for found in sheet.columns:
        if found in AMBIGUOUS:
            raise sheet.fault(f"may mean one thing or another; call it {AMBIGUOUS[found]}", shown(found))
    if not written:
        return sheet
    known = {other: column for column, other in written.items()}
    rows = []
    for row in sheet.rows:
        cells = {known.get(name, name): cell for name, cell in row.cells.items()}
        rows.append(RenamedRow(**{**vars(row), "cells": cells}, written=written))
    return replace(sheet, columns=tuple(known.get(name, name) for name in sheet.columns), rows=tuple(rows))


def is_outside(name: str) -> bool:
    """Tell whether a name is one of those that the outside of a system has."""
    return plain(name) in OUTSIDE_NAMES


def plain(name: str) -> str:
    """Return a name without what is easily overlooked: case, and spaces beyond one."""
    return " ".join(name.split()).casefold()


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.75) -> str:
    """Return the end of a message on a name that is not known: the nearest one that is, if any is near."""
    names = {plain(other): other for other in known}
    near = difflib.get_close_matches(plain(name), names, n=1, cutoff=cutoff)
    return f"; did you mean {shown(names[near[0]])}?" if near else ""


def check_unlike(names: Mapping[str, Row | None], column: str) -> None:
    """Raise where two names differ in case or spaces alone; `names` has the row of each, for the message."""
    seen: dict[str, str] = {}
    for name, row in names.items():
        other = seen.setdefault(plain(name), name)
        if other != name:
            problem = f"{shown(name)} differs from {shown(other)} in case or spaces alone; call it by one name"
            raise fault(row, problem, column, column)
