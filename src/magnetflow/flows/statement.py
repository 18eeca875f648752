"""Which problem does a system state, variable by variable and balance by balance?

Each variable keeps the figure that it comes from, for messages, and labels that tell what it is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from magnetflow.errors import ProblemError
from magnetflow.flows import spread
from magnetflow.flows.records import ONLY, Figure, Place, fault
from magnetflow.inference import plain
from magnetflow.inference.draws.distributions import NORMAL
from magnetflow.inference.expressions import Expression, variable
from magnetflow.inference.problem import CONSTANT, MEASURED, UNMEASURED, Problem, listed, state
from magnetflow.tables.sheets import shown

if TYPE_CHECKING:
    from magnetflow.flows.system import System

LABELS = ("quantity", "process", "flow", "source", "target", "layer", "period", "unit")
FLOW, STOCK, STOCK_CHANGE, REMAINDER = "flow", "stock", "stock change", "remainder"
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
                if kind.balances(place.layer):
                    statement._add_process(process, place)
        statement._add_goods()
        for (name, place), figure in system.scaled_coefficients[0].items():
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
            flow = self.system.flows.get(name) or self.system.flows.get(labels.get("flow", ""))
            problem = f"{shown(name)} is already the name of a variable of this system; rename the flow"
            raise flow.row.fault(problem, "flow") if flow and flow.row else ProblemError(problem, name)
        known = figure or Figure()
        self.names[name] = figure
        self.status.append(UNMEASURED if math.isnan(known.value) else CONSTANT if math.isnan(known.sd) else MEASURED)
        self.lower.append(lower if math.isnan(known.lower) else known.lower)
        self.start.append(start if math.isnan(known.value) else math.nan)
        is_coefficient = labels["quantity"] in (TRANSFER_COEFFICIENT, CONCENTRATION)
        unit = known.unit or ("" if is_coefficient else self.system.unit(labels["layer"]))
        self.labels.append({**labels, "unit": unit})

    def balance(self, name: str, terms: Mapping[str, float]) -> None:
        """Add a sum of variables, each times its coefficient, that is zero."""
        if name in self.balances:
            raise ProblemError(f"{shown(name)} is already the name of a balance; rename one")
        self.balances[name] = terms

    def problem(self) -> Problem:
        """Return the problem; raises ProblemError, or TableError with the row of the variable at fault."""
        for name, text in self.system.equations.items():
            self._add_equation(name, text)
        figures = [figure or Figure() for figure in self.names.values()]
        upper = np.array([figure.upper for figure in figures])
        try:
            stated = state(
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
            return replace(stated, notes=self._notes())
        except ProblemError as error:
            figure = self.names.get(error.variable or "")
            if figure is None or figure.row is None:
                raise
            raise figure.row.fault(str(error)) from None

    def sums(self) -> dict[str, list[str]]:
        """Return the variables of each equation that adds them up, so that they need one unit."""
        names = {name: self.relations[name].variables for name in self.system.equations}
        return {name: own for name, own in names.items() if self.relations[name].is_affine_in(own)}

    def _notes(self) -> tuple[str, ...]:
        """Return what to know of how the system was read."""
        known = {
            name: figure
            for (name, figure), labels in zip(self.names.items(), self.labels, strict=True)
            if figure and not math.isnan(figure.value) and labels["quantity"] != TRANSFER_COEFFICIENT
        }
        exact = [name for name, figure in known.items() if math.isnan(figure.sd) and figure.value]
        exact = [name for name in exact if not spread.is_called_exact(known[name].row)]
        wide = [
            name for name, figure in known.items() if figure.kind == NORMAL and figure.sd >= abs(figure.value) > 0
        ]
        notes = [*self.system.notes, *self.system.scaled_coefficients[1]]
        if exact:
            problem = f"{len(exact)} of {len(known)} values have no sd and are taken as exact"
            notes.append(f"{problem}; give sd or cv, or the option default cv: {listed(exact)}")
        if wide:
            problem = f"{len(wide)} values have an sd of 100 % of the value or more"
            notes.append(f"{problem}; a cv is a fraction, 0.01 for 1 %: {listed(wide)}")
        return tuple(notes)

    def _add_equation(self, name: str, text: str) -> None:
        def fault_of(problem: str) -> ProblemError:
            return ProblemError(f"{name}: {problem}")

        self.relations[name] = plain.read_relation(text, self.names, fault_of)

    def _labels(self, quantity: str, flow: str, place: Place) -> dict[str, str]:
        ends = self.system.flows[flow]
        labels = {"quantity": quantity, "flow": flow, "source": ends.source, "target": ends.target}
        return labels | place._asdict()

    def _add_stocks(self) -> None:
        """Add the change of each stock in each layer and period, and its levels where one is given."""
        for (process, place), figure in self.system.changes.items():
            self._add_stock(STOCK_CHANGE, process, place, figure)
        for process in (name for name, kind in self.system.processes.items() if kind.stock):
            for place in self.system.places():
                is_balanced = self.system.processes[process].balances(place.layer)
                if is_balanced and (process, place) not in self.system.changes:
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
        """Add the levels of a stock in all periods that changes link to one given, and bind each to the one before.

        A level that is not given has the unit of one that is.
        """
        places = {place: figure for (name, place), figure in self.system.levels.items() if name == process}
        given = {place.period: figure for place, figure in places.items() if place.layer == layer}
        runs = [run for run in self._runs(process, given) if given.keys() & {*run}]
        if len(runs) > 1:
            earlier, later = ([period for period in run if period in given] for run in runs[:2])
            problem = f"there is no flow in each period between this level and the one of {shown(earlier[-1])}"
            cure = "add the flows, give the length of longer periods in the sheet periods, or take a level out"
            raise fault(given[later[0]].row, f"{problem}; {cure}", "period", f"stock of {process}")
        for period in runs[0] if runs else ():
            figure = given.get(period) or Figure(unit=next(iter(given.values())).unit)
            self._add_stock(STOCK, process, Place(period, layer), figure)
        for before, after in itertools.pairwise(runs[0] if runs else ()):
            place = Place(after, layer)
            change = self.system.name(f"{STOCK_CHANGE} of {process}", place)
            terms = {change: -self.system.change_factor(process, place) * self.system.years(place)}
            for period, sign in ((after, 1.0), (before, -1.0)):
                name = self.system.name(f"{STOCK} of {process}", Place(period, layer))
                terms[name] = sign * self.system.level_factor(self.names[name] or Figure(), layer)
            self.balance(self.system.name(f"level of {process}", place), terms)

    def _runs(self, process: str, levels: Mapping[str, Figure]) -> list[list[str]]:
        """Return the periods in runs, in each of which the changes lead from one level to the next.

        Raises InputError, or TableError with the row, for levels whose order is not known.
        """
        if not self.system.order_is_known:
            if len(levels) > 1:
                one, other = itertools.islice(levels, 2)
                problem = f"the names {shown(one)} and {shown(other)} do not tell which period comes first"
                cure = "list the periods in order in the sheet periods"
                raise fault(levels[other].row, f"{problem}; {cure}", "period", f"stock of {process}")
            return [list(levels)]
        runs: list[list[str]] = []
        for period in self.system.periods:
            if runs and period in self.system.flow_periods and self.system.follows(runs[-1][-1], period):
                runs[-1].append(period)
            else:
                runs.append([period])
        return runs

    def _add_process(self, process: str, place: Place) -> None:
        """Balance a process: what enters, less what leaves, less what goes to stock."""
        terms = self.system.terms(self.system.entering[process], place)
        terms |= {name: -factor for name, factor in self.system.terms(self.system.leaving[process], place).items()}
        if self.system.processes[process].stock:
            change = self.system.name(f"{STOCK_CHANGE} of {process}", place)
            terms[change] = -self.system.change_factor(process, place)
        if terms:
            self.balance(self.system.name(process, place), terms)

    def _add_goods(self) -> None:
        """Make layers add up to the goods in each flow, and hold substances to no more than the goods."""
        system = self.system
        layers = dict.fromkeys((*system.adding_up, *system.within_goods))
        for place in (each for each in system.places() if layers and each.layer == system.goods):
            for flow in (name for name in system.flows if system.exists(name, place)):
                goods = {system.name(flow, place): -system.factor(flow, place)}
                parts = {layer: self._in_goods(flow, place._replace(layer=layer)) for layer in layers}
                if system.adding_up:
                    terms = {name: by for layer in system.adding_up for name, by in parts[layer].items()}
                    if not terms:
                        problem = f"{', '.join(system.adding_up)} add up to it, and none has a row for it; add them"
                        raise fault(system.flows[flow].row, problem, "flow", flow)
                    self.balance(f"layers of {system.name(flow, place)}", goods | terms)
                for layer in (name for name in system.within_goods if parts[name]):
                    own = place._replace(layer=layer)
                    rest = system.name(f"{REMAINDER} of {flow}", own)
                    self.add(rest, Figure(unit=system.unit(system.goods)), self._labels(REMAINDER, flow, own))
                    self.balance(f"{layer} within {system.name(flow, place)}", goods | parts[layer] | {rest: 1.0})

    def _in_goods(self, flow: str, place: Place) -> dict[str, float]:
        """Return a flow in a layer, if it is there, with what it is multiplied by to be in the unit of the goods."""
        by = self.system.goods_factor(place.layer)
        return {name: by * factor for name, factor in self.system.terms([flow], place).items()}

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
        units = [self.system.unit(layer) or "1" for layer in (place.layer, self.system.goods)]
        factor = figure.factor(f"({units[0]})/({units[1]})")
        for each in self._places_of(flow, place, figure):
            goods = each._replace(layer=self.system.goods)
            if not self.system.exists(flow, goods):
                problem = (
                    f"{shown(flow)} has no row in the layer {goods.layer}, so that it is zero there; add its row"
                )
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
        layer = place.layer or (self.system.goods if self.system.goods in self.system.layers else ONLY)
        periods = [place.period] if place.period else self.system.flow_periods
        places = [Place(period, layer) for period in periods if self.system.exists(flow, Place(period, layer))]
        if not places:
            problem = f"{shown(flow)} has no row in this period and layer, so that it is zero; add its row"
            raise fault(figure.row, problem, "flow", "a coefficient")
        return places


def _times(factor: float, name: str) -> Expression:
    return variable(name) if factor == 1.0 else factor * variable(name)
