"""Which flows, processes, layers and periods does a system have, and what is each called?"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from magnetflow.errors import InputError, TableError
from magnetflow.tables import conversion_factor
from magnetflow.tables.sheets import NUMBER, Row, Sheet, shown

GOODS = "goods"
ONLY = ""  # the period, or layer, of a system that tells none
Place = tuple[str, str]  # period and layer
UNIT = re.compile(r"[A-Za-zµ%]+(\^?-?[1-9])?([ */][A-Za-zµ%]+(\^?-?[1-9])?)*")


def unit_factor(row: Row, unit: str) -> float:
    """Return what the value of a row in its own unit is multiplied by to stand in `unit`."""
    given = row.optional("unit")
    if not UNIT.fullmatch(given):
        raise row.fault(f"found {shown(given)}, expected a unit such as t, kg, % or kg/t", "unit")
    try:
        return conversion_factor(given, unit)
    except InputError as error:
        raise row.fault(f"{error}; mend the unit", "unit") from None


def in_order(periods: Collection[str]) -> list[str]:
    """Return periods in time: numbers by size, names such as 2020-Q1 by the alphabet."""
    if all(NUMBER.fullmatch(period) for period in periods):
        return sorted(periods, key=float)
    return sorted(periods)


def are_successive(before: str, after: str) -> bool:
    """Tell whether nothing lies between two periods, as far as their names tell."""
    return not (before.isdecimal() and after.isdecimal()) or int(after) - int(before) == 1


@dataclass(frozen=True)
class Labels:
    """The parts of a system in the order of its sheets; `rows` has the row of a flow in a period and layer.

    `periods` are those of flows and stocks, `flow_periods` those of flows; `entering` and `leaving` list the flows of
    each process; `goods` is the layer that concentrations refer to.
    `factors` holds what a variable is multiplied by to stand in the unit of its layer, where that is not 1.
    """

    periods: list[str]
    flow_periods: list[str]
    layers: list[str]
    goods: str
    has_stock: dict[str, bool]
    source: dict[str, str] = field(default_factory=dict)
    target: dict[str, str] = field(default_factory=dict)
    entering: dict[str, list[str]] = field(default_factory=dict)
    leaving: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[tuple[str, Place], Row] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    factors: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, flows: Sheet, others: Mapping[str, Sheet], has_stock: dict[str, bool]) -> Labels:
        """Collect the labels of the sheets; raises TableError where they do not fit together."""
        for column in ("period", "layer"):
            given = [bool(row.optional(column)) for row in flows.rows]
            if any(given) and not all(given):
                row = flows.rows[given.index(False)]
                raise row.fault(f"found an empty cell, while other rows tell a {column}", column)
        layers = list(dict.fromkeys(row.optional("layer") for row in flows.rows))
        told = others["concentrations"].rows if "concentrations" in others else ()
        substances = list(dict.fromkeys(row.optional("layer") for row in told))
        if substances:
            if layers != [ONLY] and GOODS not in layers:
                raise flows.fault(f"concentrations refer to a layer named {GOODS}, which no row tells", "layer")
            layers = [GOODS] if layers == [ONLY] else layers
        flow_periods = {row.optional("period") for row in flows.rows}
        stock_periods = {row.optional("period") for row in others["stocks"].rows} if "stocks" in others else set()
        labels = cls(
            periods=in_order(flow_periods | stock_periods),
            flow_periods=in_order(flow_periods),
            layers=list(dict.fromkeys([*layers, *substances])),
            goods=ONLY if layers == [ONLY] else GOODS,
            has_stock=has_stock,
            entering={process: [] for process in has_stock},
            leaving={process: [] for process in has_stock},
        )
        for row in flows.rows:
            labels._add_flow(row)
        labels._check_processes(flows)
        return labels

    def _add_flow(self, row: Row) -> None:
        flow, source, target = row.text("flow"), row.optional("source"), row.optional("target")
        for column, process in (("source", source), ("target", target)):
            if process and process not in self.has_stock:
                cure = "add it there, or leave the cell empty for the outside of the system"
                raise row.fault(f"{shown(process)} is not in the list of processes; {cure}", column)
        if source == target:
            raise row.fault("a flow leads from one process to another; mend source or target", "target")
        if flow not in self.source:
            self.source[flow], self.target[flow] = source, target
            self.leaving.get(source, []).append(flow)
            self.entering.get(target, []).append(flow)
        for column, process, known in (("source", source, self.source), ("target", target, self.target)):
            if known[flow] != process:
                raise row.fault(f"{shown(flow)} has {shown(known[flow])} in an earlier row; mend one", column)
        place = (row.optional("period"), row.optional("layer") or self.goods)
        if (flow, place) in self.rows:
            raise row.fault(f"{shown(flow)} stands already in row {self.rows[flow, place].number}; keep one", "flow")
        self.rows[flow, place] = row
        self._add_unit(flow, place, row)

    def _add_unit(self, flow: str, place: Place, row: Row) -> None:
        """Keep the unit of the first row of a layer, and convert the others to it."""
        unit = row.optional("unit")
        base = self.units.setdefault(place[1], unit)
        if bool(unit) != bool(base):
            raise row.fault("some rows of this layer have a unit and some have none; give all or none", "unit")
        if unit and unit_factor(row, base) != 1.0:
            self.factors[self.name(flow, place)] = unit_factor(row, base)

    def _check_processes(self, flows: Sheet) -> None:
        for process, has_stock in self.has_stock.items():
            enters, leaves = self.entering[process], self.leaving[process]
            if not enters and not leaves:
                problem = f"no flow enters or leaves {shown(process)}; add one, or take it out of processes"
                raise TableError(flows.name, problem)
            if not has_stock and not (enters and leaves):
                lacking = "leaves" if enters else "enters"
                problem = f"no flow {lacking} {shown(process)}, which has no stock, so that nothing could flow"
                raise TableError(flows.name, f"{problem}; add one, or give it a stock")

    @property
    def flows(self) -> list[str]:
        """Names of the flows."""
        return list(self.source)

    def places(self) -> list[Place]:
        """Every period and layer."""
        return [(period, layer) for period in self.flow_periods for layer in self.layers]

    def name(self, label: str, place: Place) -> str:
        """Name a variable or balance: the label alone where the system has one period and one layer."""
        told = [part for part, parts in zip(place, (self.periods, self.layers), strict=True) if len(parts) > 1]
        return f"{label} [{', '.join(told)}]" if told else label

    def coefficient(self, kind: str, flow: str, row: Row) -> str:
        """Name a coefficient by its flow and by the period and layer that its own row tells."""
        told = [row.optional(column) for column in ("period", "layer") if row.optional(column)]
        return f"{kind} of {flow}" + (f" [{', '.join(told)}]" if told else "")

    def known(self, row: Row) -> str:
        """Return the flow that a row names; raises TableError if there is none."""
        flow = row.text("flow")
        if flow not in self.source:
            raise row.fault(f"{shown(flow)} is not in the list of flows; add it there or mend the cell", "flow")
        return flow

    def place_of(self, row: Row) -> Place:
        """Return the one period and layer that a row tells."""
        place = (row.optional("period"), row.optional("layer") or self.goods)
        for column, part, parts in (("period", place[0], self.periods), ("layer", place[1], self.layers)):
            if part not in parts:
                raise row.fault(f"found {shown(part)}, expected {', '.join(parts)}", column)
        return place

    def places_of(self, row: Row) -> list[Place]:
        """Return the periods and the layer that a row holds for: every period if it tells none."""
        layer = row.optional("layer") or self.goods
        if layer not in self.layers:
            raise row.fault(f"found {shown(layer)}, expected {', '.join(self.layers)}", "layer")
        period = row.optional("period")
        if period and period not in self.flow_periods:
            raise row.fault(f"found {shown(period)}, expected {', '.join(self.flow_periods)}", "period")
        return [(each, layer) for each in ([period] if period else self.flow_periods)]

    def factor(self, flow: str, place: Place) -> float:
        """Return what a flow is multiplied by to stand in the unit of its layer."""
        return self.factors.get(self.name(flow, place), 1.0)

    def unit(self, layer: str) -> str:
        """Return the unit of a layer: that of the goods where no row tells one."""
        return self.units.get(layer) or self.units.get(self.goods) or "dimensionless"
