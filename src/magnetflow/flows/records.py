"""What is a system made of? Processes, flows, and figures of flows, stocks and coefficients."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from numbers import Real
from typing import NamedTuple

from magnetflow.errors import InputError
from magnetflow.inference.draws.distributions import NORMAL
from magnetflow.tables import conversion_factor
from magnetflow.tables.sheets import Row
from magnetflow.tables.units import normalised

GOODS = "goods"  # the layer that concentrations refer to, unless another is named
ONLY = ""  # the period, or layer, of a system that has one only
OUTSIDE = ""  # the source or target of a flow that crosses the boundary
RATES = ("t/a", "m3/a", "GJ/a", "mol/a", "item/a", "person/a", "GBP/a", "EUR/a", "USD/a")


class Place(NamedTuple):
    """A period and a layer; each is empty in a system that has one only."""

    period: str = ONLY
    layer: str = ONLY


@dataclass(frozen=True)
class Figure:
    """A quantity: measured if it has value and sd, exact if it has a value alone, unmeasured without a value.

    `sd` is the standard deviation of the value, `lower` and `upper` are bounds; each is NaN where none is given.
    All are in `unit`, such as t, kg, % or kg/t. `kind` is the distribution that draws take it from, and `mode` its
    most likely value if it is triangular. `row` is where a sheet has it, for messages.
    Raises InputError for a number that is none.
    """

    value: float = math.nan
    sd: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    unit: str = ""
    kind: str = NORMAL
    mode: float = math.nan
    row: Row | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no number."""
        for name in ("value", "sd", "lower", "upper", "mode"):
            number = getattr(self, name)
            if not isinstance(number, Real):
                raise InputError(f"the {name} of a figure is a number, found {number!r}; give one, or leave it out")

    def factor(self, unit: str) -> float:
        """Return what the value is multiplied by to be in `unit`; 1 for a figure without a unit.

        Raises InputError for what is no unit, or none of that kind.
        """
        if not self.unit:
            return 1.0
        try:
            normalised(self.unit)  # its message names the cure for this unit alone
            return conversion_factor(self.unit, unit)
        except InputError as error:
            raise fault(self.row, str(error), "unit", "unit of a figure") from None

    def needs_unit(self) -> bool:
        """Tell whether the figure has a value or a bound."""
        return not all(math.isnan(number) for number in (self.value, self.lower, self.upper))


@dataclass(frozen=True)
class Process:
    """A process, which may hold a stock; one that is not balanced takes in and gives out whatever its flows say.

    `balanced` is so in all layers, in none, or in those that it names.
    """

    stock: bool = False
    balanced: bool | tuple[str, ...] = True
    row: Row | None = field(default=None, compare=False, repr=False)

    def balances(self, layer: str) -> bool:
        """Tell whether the process is balanced in a layer."""
        return self.balanced if isinstance(self.balanced, bool) else layer in self.balanced


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


@lru_cache
def is_rate(unit: str) -> bool:
    """Tell whether a unit is one of an amount per time, such as t/a or MW."""
    for rate in RATES:
        with suppress(InputError):
            conversion_factor(unit, rate)
            return True
    return False
