"""Which processes, flows, stocks and coefficients does a system have, and which problem do they state?

A system has processes, and flows between them or across its boundary, in one or several layers (goods, substances)
and periods. Balances: each process in each layer and period; each transfer coefficient, a flow over what enters its
process; each concentration, a flow in one layer over the same flow in the goods layer; each stock, from period to
period; and whatever further sums are given. A study and a user's folder are read into the same `System`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from magnetflow.errors import InputError, ProblemError
from magnetflow.flows import checks, shares
from magnetflow.flows.checks import ZERO as ZERO
from magnetflow.flows.periods import are_successive, in_order, years_of
from magnetflow.flows.records import GOODS, ONLY, Figure, Flow, Place, Process, is_rate
from magnetflow.flows.statement import Statement
from magnetflow.inference.problem import UNMEASURED, Problem
from magnetflow.tables.units import conversion_factor

if TYPE_CHECKING:
    from magnetflow.inference.draws.space import Space

Figures = Mapping[tuple[str, Place], Figure]


@dataclass(frozen=True)
class System:
    """All that is known of a system; processes and flows in the order in which they are reported.

    `figures` has the flows by flow and place. `levels` and `changes` have stocks by process and place, a level being
    that at the end of its period. `transfer_coefficients` and `concentrations` are by flow and place, and hold in
    every period where that of their place is empty; concentrations refer to the layer `goods`.
    `covariances` (of two measured variables), `balances` (coefficients of a sum that is zero) and `equations` (the
    text of an expression that is zero, by name) use the names of `problem`.
    Where `missing_rows` is `unmeasured`, a flow of a balanced process exists in every period and layer; where it is
    `zero`, and for all other flows, a flow exists only where `figures` has it.
    The layers `adding_up` add up to the goods in each flow; of those `within_goods`, none holds more than its goods.
    `period_years` has the periods in order, each with its length in years, NaN where that is not known; without it,
    their names tell. `notes` say how the system was read, and go with the results.

    Raises InputError, or TableError with sheet, row and column, when parts do not fit together.
    """

    processes: Mapping[str, Process]
    flows: Mapping[str, Flow]
    figures: Figures
    transfer_coefficients: Figures = field(default_factory=dict)
    concentrations: Figures = field(default_factory=dict)
    levels: Figures = field(default_factory=dict)
    changes: Figures = field(default_factory=dict)
    covariances: Mapping[tuple[str, str], float] = field(default_factory=dict)
    balances: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    missing_rows: str = UNMEASURED
    equations: Mapping[str, str] = field(default_factory=dict)
    goods: str = GOODS
    adding_up: tuple[str, ...] = ()
    within_goods: tuple[str, ...] = ()
    period_years: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that the parts fit together."""
        checks.check(self)

    @classmethod
    def read(cls, place: Path | str) -> System:
        """Read a system from a folder of CSV files or a workbook; raises TableError with file, row and column."""
        from magnetflow.flows.folder import read_system  # the folder knows the system, not the other way round

        return read_system(Path(place))

    def write(self, place: Path | str) -> None:
        """Write the system into a folder, or a workbook if `place` ends in .xlsx, each file whole or not at all.

        Raises InputError where the place cannot be written, or holds a sheet that this system has not.
        """
        from magnetflow.flows.written import write_system

        write_system(self, Path(place))

    @cached_property
    def layers(self) -> list[str]:
        """The layers in the order in which they appear; one without a name where the system has one only."""
        return list(dict.fromkeys(place.layer for own in (self.figures, self.concentrations) for _, place in own))

    @cached_property
    def flow_periods(self) -> list[str]:
        """The periods of flows, in time."""
        own = {place.period for _, place in self.figures}
        return [period for period in self.periods if period in own]

    @cached_property
    def _ordered_periods(self) -> tuple[list[str], bool]:
        own = [place.period for own in (self.figures, self.levels, self.changes) for _, place in own]
        return in_order(dict.fromkeys(own), list(self.period_years))

    @property
    def periods(self) -> list[str]:
        """The periods of flows and of stocks, in time, or as they come where their order is not known."""
        return self._ordered_periods[0]

    @property
    def order_is_known(self) -> bool:
        """Whether the periods are in time."""
        return self._ordered_periods[1]

    def follows(self, before: str, after: str) -> bool:
        """Tell whether nothing lies between two periods, as far as the list of periods or their names tell."""
        listed = list(self.period_years)
        return listed.index(after) - listed.index(before) == 1 if listed else are_successive(before, after)

    @cached_property
    def entering(self) -> dict[str, list[str]]:
        """The flows that enter each process."""
        return self._flows_by("target")

    @cached_property
    def leaving(self) -> dict[str, list[str]]:
        """The flows that leave each process."""
        return self._flows_by("source")

    def _flows_by(self, end: str) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {process: [] for process in self.processes}
        for name, flow in self.flows.items():
            names.setdefault(getattr(flow, end), []).append(name)
        return names

    @cached_property
    def units(self) -> dict[str, str]:
        """The unit of each layer with figures: the first that is given."""
        units: dict[str, str] = {}
        for (_, place), figure in self.figures.items():
            units[place.layer] = units.get(place.layer) or figure.unit
        return units

    @cached_property
    def scaled_coefficients(self) -> tuple[Figures, list[str]]:
        """The transfer coefficients, scaled to one where rounding keeps them from it, and notes on that."""
        return shares.scaled(self)

    def unit(self, layer: str) -> str:
        """Return the unit of a layer: that of the goods where no figure gives one; empty where none is given."""
        return self.units.get(layer) or self.units.get(self.goods, "")

    def places(self) -> list[Place]:
        """Return every period and layer of flows."""
        return [Place(period, layer) for period in self.flow_periods for layer in self.layers]

    def exists(self, flow: str, place: Place) -> bool:
        """Tell whether a flow exists in a period and layer: by its own row, or by its goods and a concentration."""
        if (flow, place) in self.figures:
            return True
        ends = [self.processes.get(process) for process in (self.flows[flow].source, self.flows[flow].target)]
        if self.missing_rows == UNMEASURED and any(process and process.balances(place.layer) for process in ends):
            return True
        rows_of_concentration = [(flow, Place(period, place.layer)) for period in (ONLY, place.period)]
        of_goods = (flow, place._replace(layer=self.goods)) in self.figures
        return of_goods and any(row in self.concentrations for row in rows_of_concentration)

    def name(self, label: str, place: Place) -> str:
        """Name a variable or balance: the label alone where the system has one period and one layer."""
        counts = len(self.periods), len(self.layers)
        parts = [part for part, count in zip(place, counts, strict=True) if count > 1]
        return f"{label} [{', '.join(parts)}]" if parts else label

    def problem(self) -> Problem:
        """Return the problem that the system states; its labels tell quantity, flow, layer and so on.

        Raises ProblemError, or TableError with the row at fault, for what cannot be right.
        """
        statement = Statement.of(self)
        problem = statement.problem()
        for balance, names in {**self.balances, **statement.sums()}.items():
            try:
                problem.check_units(list(names))
            except ProblemError as error:
                raise ProblemError(f"balance {balance}: {error}", error.variable) from None
        return problem

    def space(self) -> Space:
        """Return the measured variables, in the order of `problem`, as inputs of draws by their own distributions.

        Their errors are independent there; `covariances` do not count.
        """
        from magnetflow.inference.draws.space import Input, Space  # slow to import, and only draws need it

        measured = {name: figure for name, figure in Statement.of(self).names.items() if figure and figure.sd > 0}
        return Space(
            tuple(Input(name, name, own.kind, own.value, own.sd, own.mode) for name, own in measured.items())
        )

    def terms(self, flows: list[str], place: Place) -> dict[str, float]:
        """Return the variables of those flows that exist in a place, each with its factor."""
        return {self.name(flow, place): self.factor(flow, place) for flow in flows if self.exists(flow, place)}

    def factor(self, flow: str, place: Place) -> float:
        """Return what a flow is multiplied by to be in the unit of its layer."""
        figure = self.figures.get((flow, place))
        return figure.factor(self.units[place.layer]) if figure else 1.0

    def years(self, place: Place) -> float:
        """Return over how many years a flow runs in a period: 1 where flows are amounts, not rates."""
        return years_of(place.period, self.period_years) if is_rate(self.unit(place.layer)) else 1.0

    def change_factor(self, process: str, place: Place) -> float:
        """Return what the change of a stock is multiplied by to be in the unit of the flows of its layer."""
        figure, unit = self.changes.get((process, place), Figure()), self.unit(place.layer)
        if not figure.unit or is_rate(figure.unit) == is_rate(unit):
            return figure.factor(unit)
        years = years_of(place.period, self.period_years)
        return figure.factor(f"a*({unit})") / years if is_rate(unit) else figure.factor(f"({unit})/a") * years

    def level_factor(self, figure: Figure, layer: str) -> float:
        """Return what the level of a stock is multiplied by to be in the unit of flows, or that times a year."""
        unit = self.unit(layer)
        return figure.factor(f"a*({unit})" if is_rate(unit) else unit)

    def goods_factor(self, layer: str) -> float:
        """Return what an amount of a layer is multiplied by to be in the unit of the goods.

        Raises InputError where the two are amounts of different kinds.
        """
        units = self.unit(layer), self.unit(self.goods)
        try:
            return conversion_factor(*units) if all(units) else 1.0
        except InputError:
            problem = f"{layer} in {units[0]} cannot be compared with {self.goods} in {units[1]}"
            raise InputError(f"{problem}; name those layers in the option that can") from None
