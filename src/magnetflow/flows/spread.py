"""Which mean and standard deviation do the cells of a row stand for?

A spread is given in one of these ways, and each becomes a mean and an sd by the rule of its function:
`sd`; `cv`, a fraction of the value; `ci95`, half the width of a 95 % interval; `gsd`, a geometric standard deviation;
or `low`, `mode` and `high`, a triangular distribution. `sd`, `cv` and `ci95` may be percentages of the value.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

from magnetflow.flows.records import Figure
from magnetflow.inference.draws.distributions import LOGNORMAL, NORMAL, TRIANGULAR
from magnetflow.tables.sheets import Row, shown

INTERVAL = 1.96  # standard deviations in half the width of a 95 % interval of a normal distribution
LARGEST_CV = 2.0  # beyond which a percentage is more likely to be meant
SPREADS = ("sd", "cv", "ci95", "gsd")
TRIANGLE = ("low", "mode", "high")
COLUMNS = (*SPREADS, *TRIANGLE, "lower", "upper")
EXACT = "exact"  # in the column sd: a value without error, whatever the default


def triangle(low: float, mode: float, high: float) -> tuple[float, float]:
    """Return mean and sd of a triangular distribution, which may be skew.

    mean = (low + mode + high) / 3, sd² = (low² + mode² + high² - low·mode - low·high - mode·high) / 18.
    """
    square = low**2 + mode**2 + high**2 - low * mode - low * high - mode * high
    return (low + mode + high) / 3.0, math.sqrt(square / 18.0)


def geometric(median: float, gsd: float) -> tuple[float, float]:
    """Return mean and sd of a lognormal distribution with a median, which is its geometric mean.

    With σ = ln gsd: mean = median · exp(σ² / 2), sd = mean · √(exp(σ²) - 1).
    """
    square = math.log(gsd) ** 2
    mean = median * math.exp(square / 2.0)
    return mean, mean * math.sqrt(math.expm1(square))


def median_and_gsd(mean: float, sd: float) -> tuple[float, float]:
    """Return median and geometric standard deviation of the lognormal distribution with a mean and an sd."""
    square = math.log1p((sd / mean) ** 2)
    return mean * math.exp(-square / 2.0), math.exp(math.sqrt(square))


def figure_of(row: Row, default_cv: float = math.nan, *, is_share: bool = False) -> Figure:
    """Return the quantity that a row gives: unmeasured without a value, exact without a spread.

    A value other than zero that has no spread takes `default_cv`, if that is given. Bounds and unit are as written.
    Of a share, a percentage could be one of the value or of the whole, and is refused.
    Raises TableError for more than one spread, one that is none, or one without a value.
    """
    number_in = partial(_share_in, row) if is_share else row.number_in
    value, lower, upper = (number_in(column) for column in ("value", "lower", "upper"))
    known = Figure(value, math.nan, lower, upper, row.optional("unit"), row=row)
    given = [column for column in SPREADS if row.optional(column)]
    corners = [column for column in TRIANGLE if row.optional(column)]
    if len(given) + bool(corners) > 1:
        raise row.fault(f"{' and '.join([*given, *corners])} are both given; keep one", [*given, *corners][1])
    if corners:
        return _triangular(row, known)
    column = given[0] if given else ""
    if column == "sd" and is_called_exact(row):
        if math.isnan(value):
            raise row.fault(f"{EXACT}, but without a value; give the value", column)
        return known
    if not given:
        return replace(known, sd=default_cv * abs(value)) if value else known
    if is_share and column != "cv" and row.optional(column).endswith("%") and known.unit in ("", "%"):
        problem = f"{shown(row.optional(column))} may be of the value or in points"
        raise row.fault(f"{problem}; give cv for the first, a number for the second", column)
    spread = _spread(row, column, value)
    if math.isnan(value):
        raise row.fault(f"a {column} without a value; give the value or take the {column} out", column)
    if column == "gsd":
        mean, sd = geometric(value, spread)
        return replace(known, value=mean, sd=sd, kind=LOGNORMAL)
    return replace(known, sd=spread or math.nan, kind=NORMAL)


def _spread(row: Row, column: str, value: float) -> float:
    """Return the sd that a cell stands for, or the geometric one; zero for a fraction of zero."""
    is_relative = column == "cv" or (row.optional(column).endswith("%") and column != "gsd")
    number = percentage(row, column) if is_relative else row.number_in(column)
    if column == "gsd":
        if not number > 1:
            raise row.fault("a geometric standard deviation is above 1; give one, or sd instead", column)
        if value <= 0:
            raise row.fault("a gsd goes with a value above zero; give sd instead", column)
        return number
    if not number > 0:
        cure = f"leave it empty for a value without error, or write {EXACT} in the column sd"
        raise row.fault(f"a {column} must be above zero; {cure}", column)
    if column == "ci95":
        number /= INTERVAL
    if not is_relative:
        return number
    check_cv(row, column, number)
    return number * abs(value)


def is_called_exact(row: Row | None) -> bool:
    """Tell whether a row says that its value has no error."""
    return row is not None and row.optional("sd").lower() == EXACT


def check_cv(row: Row, column: str, cv: float) -> None:
    """Raise for a fraction of a value that is more likely a percentage."""
    if cv > LARGEST_CV:
        cure = f"write {cv / 100:g} for {cv:g} %, or give sd instead"
        raise row.fault(f"{cv:g} times the value is too large a spread to be meant; {cure}", column)


def percentage(row: Row, column: str) -> float:
    """Return the number in a cell, or the fraction that a percentage such as 10% is."""
    text = row.optional(column)
    if not text.endswith("%"):
        return row.number_in(column)
    return replace(row, cells={**row.cells, column: text[:-1].strip()}).number_in(column) / 100.0


def _share_in(row: Row, column: str) -> float:
    """Return a share, which may be written as a percentage where no unit says what it is counted in."""
    return row.number_in(column) if row.optional("unit") else percentage(row, column)


def _triangular(row: Row, figure: Figure) -> Figure:
    """Complete a figure by its low, mode and high."""
    if not math.isnan(figure.value):
        raise row.fault("a value beside low, mode and high; give the most likely value as mode alone", "value")
    low, mode, high = (row.number_in(column) for column in TRIANGLE)
    for column, number in zip(TRIANGLE, (low, mode, high), strict=True):
        if math.isnan(number):
            cure = "for a range alone give its middle as value and 0.29 of its width as sd"
            raise row.fault(f"found an empty cell; a triangular distribution has low, mode and high; {cure}", column)
    if not low <= mode <= high or low == high:
        raise row.fault(f"found {low:g}, {mode:g} and {high:g}; low, mode and high rise in this order", "mode")
    mean, sd = triangle(low, mode, high)
    return replace(figure, value=mean, sd=sd, kind=TRIANGULAR, mode=mode)
