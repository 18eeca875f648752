"""Which processes, flows, stocks and coefficients does a system have, and which problem do they state?

A system has processes, and flows between them or across its boundary, in one or several layers (goods, substances)
and periods. Balances: each process in each layer and period; each transfer coefficient, a flow over what enters its
process; each concentration, a flow in one layer over the same flow in the goods layer; each stock, from period to
period; and whatever further sums are given. A study and a user's folder are read into the same `System`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from magnetflow.errors import InputError, TableError
from magnetflow.flows.records import GOODS, ONLY, Figure, Flow, Place, Process, are_successive, fault, in_order
from magnetflow.flows.statement import Statement
from magnetflow.inference.expressions import Expression, variable
from magnetflow.inference.problem import UNMEASURED, Problem
from magnetflow.tables.sheets import shown

Figures = Mapping[tuple[str, Place], Figure]
ZERO = "zero"
FLOW, STOCK, STOCK_CHANGE = "flow", "stock", "stock change"
TRANSFER_COEFFICIENT, CONCENTRATION = "transfer coefficient", "concentration"
GUESSED_SHARE = 0.5  # where the iteration begins for a coefficient that is not measured


@dataclass(frozen=True)
class System:
    """All that is known of a system; processes and flows in the order in which they are reported.

    `figures` has the flows by flow and place. `levels` and `changes` have stocks by process and place, a level being
    that at the end of its period. `transfer_coefficients` and `concentrations` are by flow and place, and hold in
    every period where that of their place is empty; concentrations refer to the layer `goods`.
    `covariances` (of two measured variables) and `balances` (coefficients of a sum that is zero) use the names of
    `problem`. Where `missing_rows` is `unmeasured`, every flow exists in every period and layer; where it is `zero`,
    a flow exists only where `figures` has it.

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

    def __post_init__(self) -> None:
        """Check that the parts fit together."""
        if self.missing_rows not in (UNMEASURED, ZERO):
            raise InputError(f"missing rows are {UNMEASURED} or {ZERO}, not {self.missing_rows!r}")
        for flow in self.flows.values():
            self._check_ends(flow)
        for figures in (self.figures, self.transfer_coefficients, self.concentrations):
            for (name, _), figure in figures.items():
                if name not in self.flows:
                    problem = f"{shown(name)} is not in the list of flows; add it there or mend the cell"
                    raise fault(figure.row, problem, "flow")
        for (_, place), figure in self.figures.items():
            unit = self.units[place.layer]
            if bool(figure.unit) != bool(unit):
                problem = "some rows of this layer have a unit and some have none; give all or none"
                raise fault(figure.row, problem, "unit")
            figure.factor(unit)
        for name, process in self.processes.items():
            self._check_process(name, process)
        self._check_coefficients()
        self._check_stocks()

    @classmethod
    def read(cls, place: Path) -> System:
        """Read a system from a folder of CSV files or a workbook; raises TableError with file, row and column."""
        from magnetflow.flows.folder import read_system  # the folder knows the system, not the other way round

        return read_system(place)

    def write(self, place: Path) -> None:
        """Write the system into a folder, or a workbook if `place` ends in .xlsx, each file whole or not at all."""
        from magnetflow.flows.folder import write_system

        write_system(self, place)

    @cached_property
    def layers(self) -> list[str]:
        """The layers in the order in which they appear; one without a name where the system has one only."""
        return list(dict.fromkeys(place.layer for own in (self.figures, self.concentrations) for _, place in own))

    @cached_property
    def flow_periods(self) -> list[str]:
        """The periods of flows, in time."""
        return in_order({place.period for _, place in self.figures})

    @cached_property
    def periods(self) -> list[str]:
        """The periods of flows and of stocks, in time."""
        return in_order({place.period for own in (self.figures, self.levels, self.changes) for _, place in own})

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
        """The unit of each layer with figures: that of its first one."""
        units: dict[str, str] = {}
        for (_, place), figure in self.figures.items():
            units.setdefault(place.layer, figure.unit)
        return units

    def unit(self, layer: str) -> str:
        """Return the unit of a layer: that of the goods where no figure gives one."""
        return self.units.get(layer) or self.units.get(GOODS) or "dimensionless"

    def places(self) -> list[Place]:
        """Return every period and layer of flows."""
        return [Place(period, layer) for period in self.flow_periods for layer in self.layers]

    def exists(self, flow: str, place: Place) -> bool:
        """Tell whether a flow exists in a period and layer."""
        return self.missing_rows == UNMEASURED or (flow, place) in self.figures

    def name(self, label: str, place: Place) -> str:
        """Name a variable or balance: the label alone where the system has one period and one layer."""
        counts = len(self.periods), len(self.layers)
        parts = [part for part, count in zip(place, counts, strict=True) if count > 1]
        return f"{label} [{', '.join(parts)}]" if parts else label

    def problem(self) -> Problem:
        """Return the problem that the system states; its labels tell quantity, flow, layer and so on.

        Raises ProblemError, or TableError with the row at fault, for what cannot be right.
        """
        return self.statement().problem()

    def statement(self) -> Statement:
        """Return all variables and balances, before they are checked as a problem."""
        statement = Statement(covariances=dict(self.covariances))
        for place in self.places():
            for name in self.flows:
                if self.exists(name, place):
                    figure = self.figures.get((name, place))
                    unit = figure.unit if figure else self.units.get(place.layer, "")
                    labels = self._labels(FLOW, name, place)
                    statement.add(self.name(name, place), figure, unit=unit, **labels)
        self._add_stocks(statement)
        for place in self.places():
            for process, kind in self.processes.items():
                if kind.balanced:
                    self._add_process(statement, process, place)
        for (name, place), figure in self.transfer_coefficients.items():
            self._add_transfer_coefficient(statement, name, place, figure)
        for (name, place), figure in self.concentrations.items():
            self._add_concentration(statement, name, place, figure)
        for name, terms in self.balances.items():
            statement.balance(name, dict(terms))
        return statement

    # Do the parts fit together?

    def _check_ends(self, flow: Flow) -> None:
        for column, process in (("source", flow.source), ("target", flow.target)):
            if process and process not in self.processes:
                cure = "add it there, or leave the cell empty for the outside of the system"
                raise fault(flow.row, f"{shown(process)} is not in the list of processes; {cure}", column)
        if flow.source == flow.target:
            raise fault(flow.row, "a flow leads from one process to another; mend source or target", "target")

    def _check_process(self, name: str, process: Process) -> None:
        enters, leaves = self.entering[name], self.leaving[name]
        if not enters and not leaves:
            raise self._fault_of_flows(
                f"no flow enters or leaves {shown(name)}; add one, or take it out of processes"
            )
        if process.balanced and not process.stock and not (enters and leaves):
            problem = f"no flow {'leaves' if enters else 'enters'} {shown(name)}, which has no stock"
            raise self._fault_of_flows(f"{problem}, so that nothing could flow; add one, or give it a stock")

    def _fault_of_flows(self, problem: str, row: int | None = None, column: str | None = None) -> InputError:
        """Return an error on the sheet of flows as a whole."""
        first = next((figure.row for figure in self.figures.values()), None)
        return TableError(first.sheet, problem, row, column) if first else InputError(problem)

    def _check_coefficients(self) -> None:
        for (flow, place), figure in self.transfer_coefficients.items():
            source = self.flows[flow].source
            if not source:
                raise fault(figure.row, f"{shown(flow)} leaves no process, so that nothing enters before it", "flow")
            if not self.entering[source]:
                raise fault(figure.row, f"no flow enters {shown(source)}; a coefficient needs one", "flow")
            self._check_place(place, figure)
        of_figures = {place.layer for _, place in self.figures}
        if self.concentrations and GOODS not in of_figures:
            problem = f"concentrations refer to a layer named {GOODS}, which no row tells"
            raise self._fault_of_flows(problem, 1, "layer")
        for (_, place), figure in self.concentrations.items():
            layer, units = place.layer, (self.unit(place.layer), self.unit(GOODS))
            if layer == GOODS:
                problem = f"{shown(layer)} is the layer that concentrations refer to; name a substance"
                raise fault(figure.row, problem, "layer")
            if units[0] != units[1] and not figure.unit:
                problem = f"{layer} is told in {units[0]}, {GOODS} in {units[1]}; give a unit, such as %"
                raise fault(figure.row, problem, "unit")
            self._check_place(place, figure)

    def _check_stocks(self) -> None:
        for quantity, figures in ((STOCK_CHANGE, self.changes), (STOCK, self.levels)):
            for (process, place), figure in figures.items():
                if process not in self.processes or not self.processes[process].stock:
                    problem = f"{shown(process)} is no process with a stock; mend it here or in processes"
                    raise fault(figure.row, problem, "process")
                self._check_place(place._replace(period=ONLY), figure)
                if quantity == STOCK_CHANGE and place.period not in self.flow_periods:
                    problem = f"no flow is told for {shown(place.period)}, in which the stock is to change"
                    raise fault(figure.row, problem, "period")
                figure.factor(self.unit(place.layer))

    def _check_place(self, place: Place, figure: Figure) -> None:
        if place.layer and place.layer not in self.layers:
            raise fault(figure.row, f"found {shown(place.layer)}, expected {', '.join(self.layers)}", "layer")
        if place.period and place.period not in self.flow_periods:
            raise fault(figure.row, f"found {shown(place.period)}, expected {', '.join(self.flow_periods)}", "period")

    # What the balances are made of

    def _labels(self, quantity: str, flow: str, place: Place) -> dict[str, str]:
        ends = self.flows[flow]
        labels = {"quantity": quantity, "flow": flow, "source": ends.source, "target": ends.target}
        return labels | place._asdict()

    def _factor(self, flow: str, place: Place) -> float:
        """Return what a flow is multiplied by to be in the unit of its layer."""
        figure = self.figures.get((flow, place))
        return figure.factor(self.units[place.layer]) if figure else 1.0

    def _terms(self, flows: list[str], place: Place) -> dict[str, float]:
        """Return the variables of those flows that exist, with their factors."""
        return {self.name(flow, place): self._factor(flow, place) for flow in flows if self.exists(flow, place)}

    def _add_stocks(self, statement: Statement) -> None:
        """Add the change of each stock in each layer and period, and the levels that are given."""
        for (process, place), figure in self.changes.items():
            self._add_stock(statement, STOCK_CHANGE, process, place, figure)
        for (process, place), figure in self.levels.items():
            self._add_stock(statement, STOCK, process, place, figure)
        for process in (name for name, kind in self.processes.items() if kind.stock and kind.balanced):
            for place in self.places():
                if self.name(f"{STOCK_CHANGE} of {process}", place) not in statement.names:
                    self._add_stock(statement, STOCK_CHANGE, process, place, None)
            for layer in self.layers:
                self._add_levels(statement, process, layer)

    def _add_stock(
        self, statement: Statement, quantity: str, process: str, place: Place, figure: Figure | None
    ) -> None:
        statement.add(
            self.name(f"{quantity} of {process}", place),
            figure,
            lower=-math.inf if quantity == STOCK_CHANGE else 0.0,
            quantity=quantity,
            process=process,
            unit=figure.unit if figure else self.units.get(place.layer, ""),
            **place._asdict(),
        )

    def _stock_factor(self, figures: Figures, process: str, place: Place) -> float:
        figure = figures.get((process, place))
        return figure.factor(self.unit(place.layer)) if figure else 1.0

    def _add_levels(self, statement: Statement, process: str, layer: str) -> None:
        """Bind each level to the one before it, by the changes between them."""
        known = [period for period in self.periods if (process, Place(period, layer)) in self.levels]
        for before, after in itertools.pairwise(known):
            terms = {}
            for period, sign in ((after, 1.0), (before, -1.0)):
                factor = self._stock_factor(self.levels, process, Place(period, layer))
                terms[self.name(f"{STOCK} of {process}", Place(period, layer))] = sign * factor
            for period in self._periods_between(process, layer, before, after):
                factor = self._stock_factor(self.changes, process, Place(period, layer))
                terms[self.name(f"{STOCK_CHANGE} of {process}", Place(period, layer))] = -factor
            statement.balance(self.name(f"level of {process}", Place(after, layer)), terms)

    def _periods_between(self, process: str, layer: str, before: str, after: str) -> list[str]:
        """Return the periods whose changes lead from one level to another; raises where one of them has no flow."""
        between = self.periods[self.periods.index(before) : self.periods.index(after) + 1]
        for earlier, period in itertools.pairwise(between):
            if period not in self.flow_periods or not are_successive(earlier, period):
                problem = f"no flow is told for each period between this level and the one of {shown(before)}"
                row = self.levels[process, Place(after, layer)].row
                raise fault(row, f"{problem}; add the flows, or take a level out", "period")
        return between[1:]

    def _add_process(self, statement: Statement, process: str, place: Place) -> None:
        """Balance a process: what enters, less what leaves, less what goes to stock."""
        terms = self._terms(self.entering[process], place)
        terms |= {name: -factor for name, factor in self._terms(self.leaving[process], place).items()}
        if self.processes[process].stock:
            change = self.name(f"{STOCK_CHANGE} of {process}", place)
            terms[change] = -self._stock_factor(self.changes, process, place)
        if terms:
            statement.balance(self.name(process, place), terms)

    def _add_coefficient(
        self, statement: Statement, quantity: str, short: str, flow: str, place: Place, figure: Figure
    ) -> Expression:
        """Add a coefficient, named by the period and layer that are given for it; return it as an expression."""
        parts = [part for part in place if part]
        name = f"{short} of {flow}" + (f" [{', '.join(parts)}]" if parts else "")
        statement.add(name, figure, start=GUESSED_SHARE, unit=figure.unit, **self._labels(quantity, flow, place))
        return variable(name)

    def _add_transfer_coefficient(self, statement: Statement, flow: str, place: Place, figure: Figure) -> None:
        """Bind a flow to what enters its process."""
        share = self._add_coefficient(statement, TRANSFER_COEFFICIENT, "TC", flow, place, figure)
        for each in self._places_of(place):
            terms = self._terms(self.entering[self.flows[flow].source], each)
            entering = sum(_times(factor, name) for name, factor in terms.items())
            balance = f"transfer to {self.name(flow, each)}"
            relation = _times(self._factor(flow, each), self.name(flow, each)) - share * entering
            self._relate(statement, balance, relation, figure)

    def _add_concentration(self, statement: Statement, flow: str, place: Place, figure: Figure) -> None:
        """Bind a flow to the same flow in the goods layer."""
        share = self._add_coefficient(statement, CONCENTRATION, CONCENTRATION, flow, place, figure)
        units = self.unit(place.layer), self.unit(GOODS)
        factor = figure.factor(f"({units[0]}) / ({units[1]})")
        for each in self._places_of(place):
            goods = Place(each.period, GOODS)
            of_goods = factor * self._factor(flow, goods) * share * variable(self.name(flow, goods))
            relation = _times(self._factor(flow, each), self.name(flow, each)) - of_goods
            self._relate(statement, f"concentration in {self.name(flow, each)}", relation, figure)

    def _relate(self, statement: Statement, balance: str, relation: Expression, figure: Figure) -> None:
        if balance in statement.relations:
            raise fault(figure.row, "told twice, for one period or layer and for all of them; keep one", "flow")
        statement.relations[balance] = relation

    def _places_of(self, place: Place) -> list[Place]:
        """Return the places that a coefficient holds for: every period if its own is empty."""
        layer = place.layer or (GOODS if GOODS in self.layers else ONLY)
        return [Place(period, layer) for period in ([place.period] if place.period else self.flow_periods)]


def _times(factor: float, name: str) -> Expression:
    return variable(name) if factor == 1.0 else factor * variable(name)
