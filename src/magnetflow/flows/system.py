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

from magnetflow.errors import InputError, ProblemError, TableError
from magnetflow.flows.records import GOODS, ONLY, Figure, Flow, Place, Process, fault, in_order
from magnetflow.flows.statement import Statement
from magnetflow.inference.problem import UNMEASURED, Problem
from magnetflow.tables.sheets import shown

Figures = Mapping[tuple[str, Place], Figure]
ZERO = "zero"


@dataclass(frozen=True)
class System:
    """All that is known of a system; processes and flows in the order in which they are reported.

    `figures` has the flows by flow and place. `levels` and `changes` have stocks by process and place, a level being
    that at the end of its period. `transfer_coefficients` and `concentrations` are by flow and place, and hold in
    every period where that of their place is empty; concentrations refer to the layer `goods`.
    `covariances` (of two measured variables) and `balances` (coefficients of a sum that is zero) use the names of
    `problem`. Where `missing_rows` is `unmeasured`, a flow of a balanced process exists in every period and layer;
    where it is `zero`, and for all other flows, a flow exists only where `figures` has it.

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
        for name, flow in self.flows.items():
            self._check_ends(name, flow)
        for figures in (self.figures, self.transfer_coefficients, self.concentrations):
            for (name, _), figure in figures.items():
                if name not in self.flows:
                    problem = f"{shown(name)} is not in the list of flows; add it there or mend the cell"
                    raise fault(figure.row, problem, "flow", "a figure")
        self._check_figures()
        for name, process in self.processes.items():
            self._check_process(name, process)
        self._check_coefficients()
        self._check_stocks()

    @classmethod
    def read(cls, place: Path | str) -> System:
        """Read a system from a folder of CSV files or a workbook; raises TableError with file, row and column."""
        from magnetflow.flows.folder import read_system  # the folder knows the system, not the other way round

        return read_system(Path(place))

    def write(self, place: Path | str) -> None:
        """Write the system into a folder, or a workbook if `place` ends in .xlsx, each file whole or not at all.

        Raises InputError where the place cannot be written, or holds a sheet that this system has not.
        """
        from magnetflow.flows.folder import write_system

        write_system(self, Path(place))

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
        """Return the unit of a layer: that of the goods where no figure gives one; empty where none is given."""
        return self.units.get(layer) or self.units.get(GOODS, "")

    def places(self) -> list[Place]:
        """Return every period and layer of flows."""
        return [Place(period, layer) for period in self.flow_periods for layer in self.layers]

    def exists(self, flow: str, place: Place) -> bool:
        """Tell whether a flow exists in a period and layer: by its own row, or by its goods and a concentration."""
        if (flow, place) in self.figures:
            return True
        ends = [self.processes.get(process) for process in (self.flows[flow].source, self.flows[flow].target)]
        if self.missing_rows == UNMEASURED and any(process and process.balanced for process in ends):
            return True
        rows_of_concentration = [(flow, Place(period, place.layer)) for period in (ONLY, place.period)]
        of_goods = (flow, place._replace(layer=GOODS)) in self.figures
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
        problem = Statement.of(self).problem()
        for balance, terms in self.balances.items():
            try:
                problem.check_units(list(terms))
            except ProblemError as error:
                raise ProblemError(f"balance {balance}: {error}", error.variable) from None
        return problem

    def terms(self, flows: list[str], place: Place) -> dict[str, float]:
        """Return the variables of those flows that exist in a place, each with its factor."""
        return {self.name(flow, place): self.factor(flow, place) for flow in flows if self.exists(flow, place)}

    def factor(self, flow: str, place: Place) -> float:
        """Return what a flow is multiplied by to be in the unit of its layer."""
        figure = self.figures.get((flow, place))
        return figure.factor(self.units[place.layer]) if figure else 1.0

    def stock_factor(self, figures: Figures, process: str, place: Place) -> float:
        """Return what the level, or the change, of a stock is multiplied by to be in the unit of its layer."""
        figure = figures.get((process, place))
        return figure.factor(self.unit(place.layer)) if figure else 1.0

    # Do the parts fit together?

    def _check_ends(self, name: str, flow: Flow) -> None:
        for column, process in (("source", flow.source), ("target", flow.target)):
            if process and process not in self.processes:
                cure = "add it there, or leave the cell empty for the outside of the system"
                raise fault(flow.row, f"{shown(process)} is not in the list of processes; {cure}", column, name)
        if flow.source == flow.target:
            raise fault(flow.row, "a flow leads from one process to another; mend source or target", "target", name)

    def _check_figures(self) -> None:
        known = {name for name, _ in self.figures}
        absent = [name for name in self.flows if name not in known]
        if absent and self.missing_rows == ZERO:
            problem = "has no row, so that it is zero everywhere; give it one, or take it out"
            raise InputError(f"{shown(absent[0])} {problem}")
        for (name, place), figure in self.figures.items():
            unit = self.units[place.layer]
            if bool(figure.unit) != bool(unit):
                problem = "some rows of this layer have a unit and some have none; give all or none"
                raise fault(figure.row, problem, "unit", name)
            figure.factor(unit)

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
            source, of = self.flows[flow].source, f"transfer coefficient of {flow}"
            if not source:
                problem = f"{shown(flow)} leaves no process, so that nothing enters before it"
                raise fault(figure.row, problem, "flow", of)
            if not self.entering[source]:
                raise fault(figure.row, f"no flow enters {shown(source)}; a coefficient needs one", "flow", of)
            self._check_place(place, figure, of)
        of_figures = {place.layer for _, place in self.figures}
        if self.concentrations and GOODS not in of_figures:
            problem = f"concentrations refer to a layer named {GOODS}, which no row names"
            raise self._fault_of_flows(problem, 1, "layer")
        for (flow, place), figure in self.concentrations.items():
            layer, units = place.layer, (self.unit(place.layer), self.unit(GOODS))
            of = f"concentration of {flow}"
            if layer == GOODS:
                problem = f"{shown(layer)} is the layer that concentrations refer to; name a substance"
                raise fault(figure.row, problem, "layer", of)
            if units[0] != units[1] and not figure.unit:
                problem = f"{layer} is in {units[0]}, {GOODS} in {units[1]}; give a unit, such as %"
                raise fault(figure.row, problem, "unit", of)
            self._check_place(place, figure, of)

    def _check_stocks(self) -> None:
        for figures in (self.changes, self.levels):
            for (process, place), figure in figures.items():
                if process not in self.processes or not self.processes[process].stock:
                    problem = f"{shown(process)} is no process with a stock; mend it here or in processes"
                    raise fault(figure.row, problem, "process", "a stock")
                if not self.processes[process].balanced:
                    problem = f"{shown(process)} is not balanced, so that its stock binds nothing"
                    raise fault(figure.row, f"{problem}; balance it, or take the row out", "process", "a stock")
                self._check_place(place._replace(period=ONLY), figure, f"stock of {process}")
                if not place.period and self.flow_periods != [ONLY]:
                    problem = "found an empty cell, while flows have a period; give one"
                    raise fault(figure.row, problem, "period", f"stock of {process}")
                if figures is self.changes and place.period not in self.flow_periods:
                    problem = f"there is no flow in {shown(place.period)}, in which the stock is to change"
                    raise fault(figure.row, problem, "period", f"stock of {process}")
                figure.factor(self.unit(place.layer))

    def _check_place(self, place: Place, figure: Figure, of: str) -> None:
        if place.layer and place.layer not in self.layers:
            raise fault(figure.row, f"found {shown(place.layer)}, expected {', '.join(self.layers)}", "layer", of)
        if place.period and place.period not in self.flow_periods:
            raise fault(
                figure.row, f"found {shown(place.period)}, expected {', '.join(self.flow_periods)}", "period", of
            )
