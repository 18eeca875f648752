"""Which problem does a system state, variable by variable and balance by balance?

Each variable keeps the figure that it comes from, for messages, and labels that tell what it is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from magnetflow.errors import ProblemError
from magnetflow.flows.records import GOODS, ONLY, Figure, Place, are_successive, fault
from magnetflow.inference.expressions import Expression, variable
from magnetflow.inference.problem import CONSTANT, MEASURED, UNMEASURED, Problem, state
from magnetflow.tables.sheets import shown

if TYPE_CHECKING:
    from magnetflow.flows.system import System

LABELS = ("quantity", "process", "flow", "source", "target", "layer", "period", "unit")
FLOW, STOCK, STOCK_CHANGE = "flow", "stock", "stock change"
TRANSFER_COEFFICIENT, CONCENTRATION = "transfer coefficient", "concentration"
GUESSED_SHARE = 0.5  # where the iteration begins for a coefficient that is not measured


@dataclass
class Statement:
    """The problem of a system while it is written; each list has one entry a variable."""

    system: System
    names: dict[str, Figure | None] = field(default_factory=dict)
    status: list[str] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    start: list[float] = field(default_factory=list)
    labels: list[Mapping[str, str]] = field(default_factory=list)
    balances: dict[str, Mapping[str, float]] = field(default_factory=dict)
    relations: dict[str, Expression] = field(default_factory=dict)

    @classmethod
    def of(cls, system: System) -> Statement:
        """Return all variables and balances of a system, before they are checked as a problem."""
        statement = cls(system)
        for place in system.places():
            for name in system.flows:
                if system.exists(name, place):
                    figure = system.figures.get((name, place))
                    statement.add(system.name(name, place), figure, statement._labels(FLOW, name, place))
        statement._add_stocks()
        for place in system.places():
            for process, kind in system.processes.items():
                if kind.balanced:
                    statement._add_process(process, place)
        for (name, place), figure in system.transfer_coefficients.items():
            statement._add_transfer_coefficient(name, place, figure)
        for (name, place), figure in system.concentrations.items():
            statement._add_concentration(name, place, figure)
        for name, terms in system.balances.items():
            statement.balance(name, terms)
        return statement

    def add(
        self,
        name: str,
        figure: Figure | None,
        labels: Mapping[str, str],
        *,
        lower: float = 0.0,
        start: float = math.nan,
    ) -> None:
        """Add a variable as its figure tells, or unmeasured without one; `lower` where the figure has no bound.

        Its unit is that of the figure, or that of its layer.

        Raises InputError, or TableError with the row, for a name that another variable has.
        """
        if name in self.names:
            problem = f"{shown(name)} is already the name of a variable; rename one"
            raise figure.row.fault(problem) if figure and figure.row else ProblemError(problem, name)
        known = figure or Figure()
        self.names[name] = figure
        self.status.append(UNMEASURED if math.isnan(known.value) else CONSTANT if math.isnan(known.sd) else MEASURED)
        self.lower.append(lower if math.isnan(known.lower) else known.lower)
        self.start.append(start if math.isnan(known.value) else math.nan)
        unit = figure.unit if figure else self.system.unit(labels["layer"])
        self.labels.append({**labels, "unit": unit})

    def balance(self, name: str, terms: Mapping[str, float]) -> None:
        """Add a sum of variables, each times its coefficient, that is zero."""
        if name in self.balances:
            raise ProblemError(f"{shown(name)} is already the name of a balance; rename one")
        self.balances[name] = terms

    def problem(self) -> Problem:
        """Return the problem; raises ProblemError, or TableError with the row of the variable at fault."""
        figures = [figure or Figure() for figure in self.names.values()]
        upper = np.array([figure.upper for figure in figures])
        try:
            return state(
                list(self.names),
                self.status,
                [figure.value for figure in figures],
                [figure.sd for figure in figures],
                balances=self.balances,
                relations=self.relations,
                lower=np.array(self.lower),
                upper=np.where(np.isnan(upper), np.inf, upper),
                start=np.array(self.start),
                covariances=self.system.covariances,
                labels={column: tuple(own.get(column, "") for own in self.labels) for column in LABELS},
            )
        except ProblemError as error:
            figure = self.names.get(error.variable or "")
            if figure is None or figure.row is None:
                raise
            raise figure.row.fault(str(error)) from None

    def _labels(self, quantity: str, flow: str, place: Place) -> dict[str, str]:
        ends = self.system.flows[flow]
        labels = {"quantity": quantity, "flow": flow, "source": ends.source, "target": ends.target}
        return labels | place._asdict()

    def _add_stocks(self) -> None:
        """Add the change of each stock in each layer and period, and the levels that are given."""
        for (process, place), figure in self.system.changes.items():
            self._add_stock(STOCK_CHANGE, process, place, figure)
        for (process, place), figure in self.system.levels.items():
            self._add_stock(STOCK, process, place, figure)
        for process in (name for name, kind in self.system.processes.items() if kind.stock and kind.balanced):
            for place in self.system.places():
                if (process, place) not in self.system.changes:
                    self._add_stock(STOCK_CHANGE, process, place, None)
            for layer in self.system.layers:
                self._add_levels(process, layer)

    def _add_stock(self, quantity: str, process: str, place: Place, figure: Figure | None) -> None:
        self.add(
            self.system.name(f"{quantity} of {process}", place),
            figure,
            {"quantity": quantity, "process": process, **place._asdict()},
            lower=-math.inf if quantity == STOCK_CHANGE else 0.0,
        )

    def _add_levels(self, process: str, layer: str) -> None:
        """Bind each level to the one before it, by the changes between them."""
        known = [period for period in self.system.periods if (process, Place(period, layer)) in self.system.levels]
        for before, after in itertools.pairwise(known):
            terms = {}
            for period, sign in ((after, 1.0), (before, -1.0)):
                factor = self.system.stock_factor(self.system.levels, process, Place(period, layer))
                terms[self.system.name(f"{STOCK} of {process}", Place(period, layer))] = sign * factor
            for period in self._periods_between(process, layer, before, after):
                factor = self.system.stock_factor(self.system.changes, process, Place(period, layer))
                terms[self.system.name(f"{STOCK_CHANGE} of {process}", Place(period, layer))] = -factor
            self.balance(self.system.name(f"level of {process}", Place(after, layer)), terms)

    def _periods_between(self, process: str, layer: str, before: str, after: str) -> list[str]:
        """Return the periods whose changes lead from one level to another; raises where one of them has no flow."""
        between = self.system.periods[self.system.periods.index(before) : self.system.periods.index(after) + 1]
        for earlier, period in itertools.pairwise(between):
            if period not in self.system.flow_periods or not are_successive(earlier, period):
                problem = f"there is no flow in each period between this level and the one of {shown(before)}"
                row = self.system.levels[process, Place(after, layer)].row
                raise fault(row, f"{problem}; add the flows, or take a level out", "period", f"stock of {process}")
        return between[1:]

    def _add_process(self, process: str, place: Place) -> None:
        """Balance a process: what enters, less what leaves, less what goes to stock."""
        terms = self.system.terms(self.system.entering[process], place)
        terms |= {name: -factor for name, factor in self.system.terms(self.system.leaving[process], place).items()}
        if self.system.processes[process].stock:
            change = self.system.name(f"{STOCK_CHANGE} of {process}", place)
            terms[change] = -self.system.stock_factor(self.system.changes, process, place)
        if terms:
            self.balance(self.system.name(process, place), terms)

    def _add_coefficient(self, quantity: str, short: str, flow: str, place: Place, figure: Figure) -> Expression:
        """Add a coefficient, named by the period and layer that are given for it; return it as an expression."""
        parts = [part for part in place if part]
        name = f"{short} of {flow}" + (f" [{', '.join(parts)}]" if parts else "")
        self.add(name, figure, self._labels(quantity, flow, place), start=GUESSED_SHARE)
        return variable(name)

    def _add_transfer_coefficient(self, flow: str, place: Place, figure: Figure) -> None:
        """Bind a flow to what enters its process."""
        share = self._add_coefficient(TRANSFER_COEFFICIENT, "TC", flow, place, figure)
        for each in self._places_of(flow, place, figure):
            terms = self.system.terms(self.system.entering[self.system.flows[flow].source], each)
            entering = sum(_times(factor, name) for name, factor in terms.items())
            balance = f"transfer to {self.system.name(flow, each)}"
            relation = _times(self.system.factor(flow, each), self.system.name(flow, each)) - share * entering
            self._relate(balance, relation, figure)

    def _add_concentration(self, flow: str, place: Place, figure: Figure) -> None:
        """Bind a flow to the same flow in the goods layer."""
        share = self._add_coefficient(CONCENTRATION, CONCENTRATION, flow, place, figure)
        units = [self.system.unit(layer) or "dimensionless" for layer in (place.layer, GOODS)]
        factor = figure.factor(f"({units[0]}) / ({units[1]})")
        for each in self._places_of(flow, place, figure):
            goods = each._replace(layer=GOODS)
            if not self.system.exists(flow, goods):
                problem = f"{shown(flow)} has no row in the layer {GOODS}, so that it is zero there; add its row"
                raise fault(figure.row, problem, "flow", "a concentration")
            of_goods = factor * self.system.factor(flow, goods) * share * variable(self.system.name(flow, goods))
            relation = _times(self.system.factor(flow, each), self.system.name(flow, each)) - of_goods
            self._relate(f"concentration in {self.system.name(flow, each)}", relation, figure)

    def _relate(self, balance: str, relation: Expression, figure: Figure) -> None:
        if balance in self.relations:
            raise fault(
                figure.row, "given twice, for one period or layer and for all of them; keep one", "flow", balance
            )
        self.relations[balance] = relation

    def _places_of(self, flow: str, place: Place, figure: Figure) -> list[Place]:
        """Return where a coefficient holds: in its period, or in every one in which the flow exists."""
        layer = place.layer or (GOODS if GOODS in self.system.layers else ONLY)
        periods = [place.period] if place.period else self.system.flow_periods
        places = [Place(period, layer) for period in periods if self.system.exists(flow, Place(period, layer))]
        if not places:
            problem = f"{shown(flow)} has no row in this period and layer, so that it is zero; add its row"
            raise fault(figure.row, problem, "flow", "a coefficient")
        return places


def _times(factor: float, name: str) -> Expression:
    return variable(name) if factor == 1.0 else factor * variable(name)
