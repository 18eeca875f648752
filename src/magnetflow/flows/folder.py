"""Which problem does a folder of sheets on flows, processes and their coefficients state?

A system has processes, and flows between them or across its boundary, in one or several layers (goods, substances)
and periods. Every flow exists in every layer and period; one that no row tells is unmeasured.
Balances: each process in each layer and period; each transfer coefficient, a flow over what enters its process; each
concentration, a flow in one layer over the same flow in the goods layer; each stock, from period to period.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from magnetflow.errors import ProblemError, TableError
from magnetflow.flows.labels import Labels, are_successive, unit_factor
from magnetflow.inference import plain
from magnetflow.inference.expressions import Expression
from magnetflow.inference.parser import parse
from magnetflow.inference.problem import CONSTANT, MEASURED, UNMEASURED, Problem, state
from magnetflow.tables.sheets import Row, Sheet, read_sheets, shown

SHEETS = ("flows", "processes", "transfer_coefficients", "concentrations", "stocks")
FIGURE = ("value", "sd", "cv", "lower", "upper", "unit")
PLACE = ("period", "layer")
YES, NO = ("yes", "true", "1"), ("no", "false", "0", "")
STOCK, STOCK_CHANGE = "stock of", "stock change of"
GUESSED_SHARE = 0.5  # where the iteration begins for a coefficient that is not measured


@dataclass
class _Writing:
    """The problem while it is written: one entry a variable, and the row it stands in if any does."""

    names: list[str] = field(default_factory=list)
    rows: dict[str, Row] = field(default_factory=dict)
    status: list[str] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    sd: list[float] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    start: list[float] = field(default_factory=list)
    balances: dict[str, dict[str, float]] = field(default_factory=dict)
    relations: dict[str, Expression] = field(default_factory=dict)
    covariances: dict[tuple[str, str], float] = field(default_factory=dict)

    def add(self, name: str, row: Row | None, lower: float = 0.0, start: float = math.nan) -> None:
        """Add a variable as its row tells, or unmeasured without one."""
        if row is not None:
            self.rows[name] = row
        value, sd = _figure(row) if row else (math.nan, math.nan)
        limits = (row.number_in("lower"), row.number_in("upper")) if row else (math.nan, math.nan)
        self.names.append(name)
        self.status.append(UNMEASURED if math.isnan(value) else CONSTANT if math.isnan(sd) else MEASURED)
        self.value.append(value)
        self.sd.append(sd)
        self.lower.append(lower if math.isnan(limits[0]) else limits[0])
        self.upper.append(math.inf if math.isnan(limits[1]) else limits[1])
        self.start.append(start)

    def state(self) -> Problem:
        """State the problem; raises TableError with the row of the variable at fault."""
        try:
            return state(
                self.names,
                self.status,
                self.value,
                self.sd,
                balances=self.balances,
                relations=self.relations,
                lower=np.array(self.lower),
                upper=np.array(self.upper),
                start=np.array(self.start),
                covariances=self.covariances,
            )
        except ProblemError as error:
            row = self.rows.get(error.variable or "")
            if row is None:
                raise
            raise row.fault(str(error)) from None


def _figure(row: Row) -> tuple[float, float]:
    """Return a row's value and sd: NaN and NaN if unmeasured, without sd if it is exact."""
    value, sd, cv = (row.number_in(column) for column in ("value", "sd", "cv"))
    if not math.isnan(sd) and not math.isnan(cv):
        raise row.fault("sd and cv are both given; keep one", "cv")
    column, spread = ("cv", cv) if math.isnan(sd) else ("sd", sd)
    if math.isnan(value):
        if spread > 0:
            raise row.fault(f"a {column} without a value; give the value or take the {column} out", column)
        return math.nan, math.nan
    if spread <= 0:
        raise row.fault(f"a {column} must be above zero; leave it empty for a value without error", column)
    if not math.isnan(cv) and value == 0:
        raise row.fault("a cv of zero is no spread; give sd instead", "cv")
    return value, sd if math.isnan(cv) else cv * abs(value)


def read(place: Path) -> Problem:
    """Return the problem that a folder, or a workbook, states: as a system or as plain equations.

    Raises TableError with file, row and column at the first thing that cannot be meant.
    """
    sheets = read_sheets(place, (*SHEETS, *plain.SHEETS))
    equations = place / plain.EQUATIONS
    if "flows" in sheets and "variables" in sheets:
        raise TableError(place.name, "both flows and variables are here; keep a system or plain equations")
    if "flows" in sheets:
        if equations.is_file():
            raise TableError(plain.EQUATIONS, "goes with variables.csv and not with a system; take it away")
        return read_system(sheets)
    if "variables" in sheets:
        return plain.read_problem(sheets, equations if equations.is_file() else None)
    problem = "nothing to reconcile; put flows.csv and processes.csv there, or variables.csv and balances.csv"
    raise TableError(place.name or str(place), problem)


def read_system(sheets: Mapping[str, Sheet]) -> Problem:
    """Return the problem that the sheets of a system state.

    `flows` and `processes` must be there; `transfer_coefficients`, `concentrations`, `stocks` and `covariance` may.
    Raises TableError with file, row and column at the first thing that cannot be meant.
    """
    flows = sheets["flows"].restrict(["flow", "source", "target", "value"], [*FIGURE[1:], *PLACE])
    if "processes" not in sheets:
        raise TableError(flows.name, "no processes go with it; add processes.csv with the columns process and stock")
    has_stock = _processes(sheets["processes"])
    others = {
        "transfer_coefficients": (["flow", "value"], ["process", *FIGURE[1:5], *PLACE]),
        "concentrations": (["flow", "layer", "value"], [*FIGURE[1:], "period"]),
        "stocks": (["process", "quantity", "value"], [*FIGURE[1:], *PLACE]),
    }
    checked = {name: sheets[name].restrict(*columns) for name, columns in others.items() if name in sheets}
    labels = Labels.of(flows, checked, has_stock)
    writing = _Writing()
    _add_flows(writing, labels)
    _add_stocks(writing, labels, checked.get("stocks"))
    _add_processes(writing, labels)
    if "transfer_coefficients" in checked:
        _add_transfer_coefficients(writing, labels, checked["transfer_coefficients"])
    if "concentrations" in checked:
        _add_concentrations(writing, labels, checked["concentrations"])
    if "covariance" in sheets:
        told = zip(writing.names, writing.status, writing.sd, strict=True)
        sd = {name: spread for name, status, spread in told if status == MEASURED}
        writing.covariances = plain.read_covariances(sheets["covariance"], writing.names, sd)
    return writing.state()


def _processes(sheet: Sheet) -> dict[str, bool]:
    """Return whether each process has a stock."""
    has_stock: dict[str, bool] = {}
    for row in sheet.restrict(["process"], ["stock"]).rows:
        name, told = row.text("process"), row.optional("stock").lower()
        if name in has_stock:
            raise row.fault(f"{shown(name)} is listed already; keep one", "process")
        if told not in (*YES, *NO):
            raise row.fault(f"found {shown(told)}, expected yes or no", "stock")
        has_stock[name] = told in YES
    return has_stock


def _add_flows(writing: _Writing, labels: Labels) -> None:
    for place in labels.places():
        for flow in labels.flows:
            writing.add(labels.name(flow, place), labels.rows.get((flow, place)))


def _add_stocks(writing: _Writing, labels: Labels, sheet: Sheet | None) -> None:
    """Add the change of each stock in each layer and period, and the levels at the end of periods that are told."""
    for row in sheet.rows if sheet else ():
        process, quantity, place = row.text("process"), row.text("quantity").lower(), labels.place_of(row)
        if not labels.has_stock.get(process, False):
            raise row.fault(f"{shown(process)} is no process with a stock; mend it here or in processes", "process")
        if quantity not in ("change", "level"):
            raise row.fault(f"found {shown(quantity)}, expected change or level", "quantity")
        if quantity == "change" and place[0] not in labels.flow_periods:
            raise row.fault(f"no flow is told for {shown(place[0])}, in which the stock is to change", "period")
        name = labels.name(f"{STOCK_CHANGE if quantity == 'change' else STOCK} {process}", place)
        if name in writing.rows:
            raise row.fault(f"stands already in row {writing.rows[name].number}; keep one", "quantity")
        labels.factors[name] = _factor(row, labels.unit(place[1]))
        writing.add(name, row, lower=-math.inf if quantity == "change" else 0.0)
    for process in (process for process, has_stock in labels.has_stock.items() if has_stock):
        for place in labels.places():
            name = labels.name(f"{STOCK_CHANGE} {process}", place)
            if name not in writing.rows:
                writing.add(name, None, lower=-math.inf)
        for layer in labels.layers:
            _add_levels(writing, labels, process, layer)


def _add_levels(writing: _Writing, labels: Labels, process: str, layer: str) -> None:
    """Bind each level told at the end of a period to the one told before it, by the changes between them."""
    levels = {period: labels.name(f"{STOCK} {process}", (period, layer)) for period in labels.periods}
    told = [period for period, name in levels.items() if name in writing.rows]
    for before, after in itertools.pairwise(told):
        first, last = labels.periods.index(before), labels.periods.index(after)
        signs = {levels[after]: 1.0, levels[before]: -1.0}
        for earlier, period in itertools.pairwise(labels.periods[first : last + 1]):
            if period not in labels.flow_periods or not are_successive(earlier, period):
                problem = f"no flow is told for each period between this level and the one of {shown(before)}"
                raise writing.rows[levels[after]].fault(f"{problem}; add the flows, or take a level out", "period")
            signs[labels.name(f"{STOCK_CHANGE} {process}", (period, layer))] = -1.0
        terms = {name: sign * labels.factors.get(name, 1.0) for name, sign in signs.items()}
        writing.balances[labels.name(f"level of {process}", (after, layer))] = terms


def _add_processes(writing: _Writing, labels: Labels) -> None:
    """Balance each process in each layer and period: what enters, less what leaves, less what goes to stock."""
    for place in labels.places():
        for process, has_stock in labels.has_stock.items():
            terms = {labels.name(flow, place): labels.factor(flow, place) for flow in labels.entering[process]}
            terms |= {labels.name(flow, place): -labels.factor(flow, place) for flow in labels.leaving[process]}
            if has_stock:
                change = labels.name(f"{STOCK_CHANGE} {process}", place)
                terms[change] = -labels.factors.get(change, 1.0)
            writing.balances[labels.name(process, place)] = terms


def _add_transfer_coefficients(writing: _Writing, labels: Labels, sheet: Sheet) -> None:
    """Bind each flow with a transfer coefficient to what enters its process."""
    for row in sheet.rows:
        flow = labels.known(row)
        process = labels.source[flow]
        if not process:
            raise row.fault(f"{shown(flow)} leaves no process, so that nothing enters before it", "flow")
        if row.optional("process") not in ("", process):
            raise row.fault(f"{shown(flow)} leaves {shown(process)}; mend one of the two", "process")
        if not labels.entering[process]:
            raise row.fault(f"no flow enters {shown(process)}; a coefficient needs one", "flow")
        name = labels.coefficient("TC", flow, row)
        _add_coefficient(writing, labels, name, row)
        for place in labels.places_of(row):
            inputs = {f"i{at}": other for at, other in enumerate(labels.entering[process])}
            entering = " + ".join(_times(labels.factor(other, place), key) for key, other in inputs.items())
            relation = parse(f"{_times(labels.factor(flow, place), 'o')} - c * ({entering})")
            renamed = {key: labels.name(other, place) for key, other in inputs.items()}
            balance = f"transfer to {labels.name(flow, place)}"
            _once(writing, row, balance)
            writing.relations[balance] = relation.renamed({**renamed, "o": labels.name(flow, place), "c": name})


def _add_concentrations(writing: _Writing, labels: Labels, sheet: Sheet) -> None:
    """Bind each flow with a concentration to the same flow in the goods layer."""
    for row in sheet.rows:
        flow, layer = labels.known(row), row.text("layer")
        if layer == labels.goods:
            raise row.fault(f"{shown(layer)} is the layer that concentrations refer to; name a substance", "layer")
        name = labels.coefficient("concentration", flow, row)
        _add_coefficient(writing, labels, name, row)
        units = labels.unit(layer), labels.unit(labels.goods)
        if units[0] != units[1] and not row.optional("unit"):
            raise row.fault(
                f"{layer} is told in {units[0]}, {labels.goods} in {units[1]}; give a unit, such as %", "unit"
            )
        factor = _factor(row, f"({units[0]}) / ({units[1]})")
        for place in labels.places_of(row):
            goods = (place[0], labels.goods)
            of_goods = _times(factor * labels.factor(flow, goods), "c * g")
            text = f"{_times(labels.factor(flow, place), 's')} - {of_goods}"
            renamed = {"s": labels.name(flow, place), "g": labels.name(flow, goods), "c": name}
            balance = f"concentration in {labels.name(flow, place)}"
            _once(writing, row, balance)
            writing.relations[balance] = parse(text).renamed(renamed)


def _add_coefficient(writing: _Writing, labels: Labels, name: str, row: Row) -> None:
    if name in writing.rows:
        raise row.fault(f"stands already in row {writing.rows[name].number}; keep one", "flow")
    writing.add(name, row, start=math.nan if row.optional("value") else GUESSED_SHARE)


def _once(writing: _Writing, row: Row, balance: str) -> None:
    if balance in writing.relations:
        raise row.fault("told twice, for one period or layer and for all of them; keep one", "flow")


def _times(factor: float, text: str) -> str:
    return text if factor == 1.0 else f"{factor!r} * {text}"


def _factor(row: Row, unit: str) -> float:
    """Return what a row's value is multiplied by to stand in `unit`."""
    return unit_factor(row, unit) if row.optional("unit") else 1.0
