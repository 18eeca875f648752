"""What is a system made of? Processes, flows, and figures of flows, stocks and coefficients."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from magnetflow.errors import InputError
from magnetflow.tables import conversion_factor
from magnetflow.tables.sheets import NUMBER, Row, shown

GOODS = "goods"  # the layer that concentrations refer to
ONLY = ""  # the period, or layer, of a system that has one only
OUTSIDE = ""  # the source or target of a flow that crosses the boundary
UNIT = re.compile(r"[A-Za-zµ%]+(\^?-?[1-9])?([ */][A-Za-zµ%]+(\^?-?[1-9])?)*")


class Place(NamedTuple):
    """A period and a layer; each is empty in a system that has one only."""

    period: str = ONLY
    layer: str = ONLY


@dataclass(frozen=True)
class Figure:
    """A quantity: measured if it has value and sd, exact if it has a value alone, unmeasured without a value.

    `sd` is the standard deviation of the value, `lower` and `upper` are bounds; each is NaN where none is given.
    All are in `unit`, such as t, kg, % or kg/t. `row` is where a sheet has it, for messages.
    """

    value: float = math.nan
    sd: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    unit: str = ""
    row: Row | None = field(default=None, compare=False, repr=False)

    def factor(self, unit: str) -> float:
        """Return what the value is multiplied by to be in `unit`; 1 for a figure without a unit.

        Raises InputError for what is no unit, or none of that kind.
        """
        if not self.unit:
            return 1.0
        if not UNIT.fullmatch(self.unit):
            problem = f"found {shown(self.unit)}, expected a unit such as t, kg, % or kg/t"
            raise fault(self.row, problem, "unit", "unit of a figure")
        try:
            return conversion_factor(self.unit, unit)
        except InputError as error:
            raise fault(self.row, f"{error}; mend the unit", "unit", "unit of a figure") from None


@dataclass(frozen=True)
class Process:
    """A process, which may hold a stock; one that is not balanced takes in and gives out whatever its flows say."""

    stock: bool = False
    balanced: bool = True
    row: Row | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Flow:
    """A flow from one process to another; an empty end is the outside of the system."""

    source: str = OUTSIDE
    target: str = OUTSIDE
    note: str = ""
    row: Row | None = field(default=None, compare=False, repr=False)


def fault(row: Row | None, problem: str, column: str, of: str) -> InputError:
    """Return the error for a problem: with sheet, row and column, or with the name `of` what is at fault."""
    return row.fault(problem, column) if row else InputError(f"{of}: {problem}")


def in_order(periods: Collection[str]) -> list[str]:
    """Return periods in time: numbers by size, names such as 2020-Q1 by the alphabet."""
    if all(NUMBER.fullmatch(period) for period in periods):
        return sorted(periods, key=float)
    return sorted(periods)


def are_successive(before: str, after: str) -> bool:
    """Tell whether nothing lies between two periods, as far as their names tell."""
    return not (before.isdecimal() and after.isdecimal()) or int(after) - int(before) == 1
