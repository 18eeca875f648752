"""In which order do periods follow one another, and how long is each?

Periods are numbers (2020), years that straddle two (2019/20), half-years and quarters (Q3 2020, 2020-Q3), months
(2020-03, Mar 2020) or dates (2020-03-31). What else they may be called has no order of its own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from magnetflow.errors import InputError
from magnetflow.tables.sheets import NUMBER, shown

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
PARTS = {"h": 2, "q": 4}  # of a year
PART = re.compile(r"([hq])([1-4])[ /-]?([0-9]{4})|([0-9]{4})[ /-]?([hq])([1-4])")
MONTH = re.compile(r"([a-z]{3,9}|[01]?[0-9])(?:[ /-]|\. ?)([0-9]{4})|([0-9]{4})(?:[ -]|\. )([a-z]{3,9}|[01][0-9])\.?")
TWO_YEARS = re.compile(r"([0-9]{4})/([0-9]{2}|[0-9]{4})")
WHOLE = re.compile(r"([0-9]+)\.0+")
MIDNIGHT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]00:00(:00)?")


class Moment(NamedTuple):
    """Where a period stands among those of its kind, and its length in years, NaN if its name does not tell."""

    kind: str
    number: float
    years: float


def canonical(period: str) -> str:
    """Return the name of a period without what a spreadsheet adds: 2022.0 is 2022, and a date has no midnight."""
    for pattern in (WHOLE, MIDNIGHT):
        if found := pattern.fullmatch(period):
            return found[1]
    return period


def moment(period: str) -> Moment | None:
    """Return what the name of a period tells, or None."""
    text = period.strip().lower()
    if NUMBER.fullmatch(text):
        return Moment("number", float(text), 1.0 if re.fullmatch(r"[12][0-9]{3}", text) else math.nan)
    if found := PART.fullmatch(text):
        letter, part, year = found[1] or found[5], int(found[2] or found[6]), int(found[3] or found[4])
        parts = PARTS[letter]
        return Moment(letter, float(parts * year + part), 1.0 / parts) if part <= parts else None
    if found := MONTH.fullmatch(text):
        month, year = _month(found[1] or found[4]), int(found[2] or found[3])
        return Moment("month", float(12 * year + month), 1.0 / 12.0) if month else None
    if found := TWO_YEARS.fullmatch(text):
        first, second = int(found[1]), int(found[2])
        follows = second == (first + 1) % (100 if len(found[2]) == 2 else 10_000)
        return Moment("two years", float(first), 1.0) if follows else None
    try:
        return Moment("date", float(date.fromisoformat(text).toordinal()), math.nan)
    except ValueError:
        return None


def _month(text: str) -> int:
    """Return the number of a month, 0 for what is none."""
    if text.isdecimal():
        return int(text) if int(text) <= 12 else 0
    return next((at for at, name in enumerate(MONTHS, 1) if name.startswith(text)), 0)


def in_order(periods: Collection[str], given: Sequence[str] = ()) -> tuple[list[str], bool]:
    """Return periods in the order given, or in time, or else as they come; and whether that order is known.

    Raises InputError for two names of one period.
    """
    names = list(dict.fromkeys(periods))
    if given:
        return [period for period in given if period in periods], True
    moments = {period: moment(period) for period in names}
    known = {period: found for period, found in moments.items() if found}
    if len(known) < len(names) or len({found.kind for found in known.values()}) > 1:
        return names, len(names) < 2
    first: dict[float, str] = {}
    for period, found in known.items():
        other = first.setdefault(found.number, period)
        if other != period:
            raise InputError(f"{shown(other)} and {shown(period)} are one period; call it by one name")
    return [first[number] for number in sorted(first)], True


def are_successive(before: str, after: str) -> bool:
    """Tell whether nothing lies between two periods, as far as their names tell."""
    one, other = moment(before), moment(after)
    if not one or not other or one.kind == "date" or not (one.number.is_integer() and other.number.is_integer()):
        return True
    return one.kind != other.kind or other.number - one.number == 1


def years_of(period: str, given: Mapping[str, float]) -> float:
    """Return the length of a period in years; raises InputError where neither its name nor `given` tells it."""
    years = given.get(period, math.nan)
    if math.isnan(years):
        found = moment(period)
        years = found.years if found else math.nan
    if math.isnan(years):
        if not period:
            raise InputError(
                "an amount cannot be compared with a rate without a period; give both per time, or a year"
            )
        cure = "give it in years in the column length of periods"
        raise InputError(f"the length of the period {shown(period)} is not known; {cure}")
    return years
