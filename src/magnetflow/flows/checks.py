"""Do the parts of a system fit together?"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from magnetflow.errors import InputError, TableError
from magnetflow.flows import shares
from magnetflow.flows.names import check_unlike, did_you_mean
from magnetflow.flows.records import ONLY, Figure, Flow, Place, Process, fault, is_rate
from magnetflow.inference.problem import UNMEASURED
from magnetflow.tables.sheets import Row, shown

if TYPE_CHECKING:
    from magnetflow.flows.system import System

ZERO = "zero"
ADDING_UP, WITHIN_GOODS = "layers add up to goods", "substances at most goods"  # options
SIMILAR = 0.85  # of two names of layers, from where on one may be a slip


def check(system: System) -> None:
    """Raise InputError, or TableError with sheet, row and column, at the first parts that do not fit together."""
    if system.missing_rows not in (UNMEASURED, ZERO):
        raise InputError(f"missing rows are {UNMEASURED} or {ZERO}, not {system.missing_rows!r}")
    _check_names(system)
    for name, flow in system.flows.items():
        _check_ends(system, name, flow)
    for figures in (system.figures, system.transfer_coefficients, system.concentrations):
        for (name, _), figure in figures.items():
            if name not in system.flows:
                cure = did_you_mean(name, system.flows) or "; add it there or mend the cell"
                raise fault(figure.row, f"{shown(name)} is not in the list of flows{cure}", "flow", "a figure")
    _check_figures(system)
    for name, process in system.processes.items():
        _check_process(system, name, process)
    _check_transfer_coefficients(system)
    _check_goods(system)
    _check_concentrations(system)
    for (name, place), figure in system.changes.items():
        _check_stock(system, name, place, figure)
        if place.period not in system.flow_periods:
            cure = did_you_mean(place.period, system.flow_periods)
            problem = f"there is no flow in {shown(place.period)}, in which the stock is to change{cure}"
            raise fault(figure.row, problem, "period", f"stock of {name}")
        system.change_factor(name, place)
    for (name, place), figure in system.levels.items():
        _check_stock(system, name, place, figure)
        if is_rate(figure.unit):
            problem = f"a level is an amount, but {figure.unit} is one per time; give a unit such as t"
            raise fault(figure.row, problem, "unit", f"stock of {name}")
        system.level_factor(figure, place.layer)


def _check_names(system: System) -> None:
    layers: dict[str, list[Row | None]] = {}
    periods: dict[str, Row | None] = {}
    for own in (system.figures, system.concentrations, system.levels, system.changes, system.transfer_coefficients):
        for (_, place), figure in own.items():
            for part, value in zip(place._fields, place, strict=True):
                if not isinstance(value, str):
                    raise InputError(f"a {part} is text, found {value!r}; write Place({part}={str(value)!r})")
            layers.setdefault(place.layer, []).append(figure.row)
            periods.setdefault(place.period, figure.row)
    check_unlike({name: flow.row for name, flow in system.flows.items()}, "flow")
    check_unlike({name: process.row for name, process in system.processes.items()}, "process")
    check_unlike({layer: rows[0] for layer, rows in layers.items()}, "layer")
    check_unlike(periods, "period")
    for period, row in periods.items():
        if period and system.period_years and period not in system.period_years:
            cure = did_you_mean(period, system.period_years) or "; add it there or mend the cell"
            raise fault(row, f"{shown(period)} is not in the list of periods{cure}", "period", "a period")
    words = {name: rows for name, rows in layers.items() if len(name) > 4 and not re.search("[0-9]", name)}
    often = [name for name, rows in words.items() if len(rows) > 1]
    for layer, rows in words.items():
        cure = did_you_mean(layer, often, SIMILAR) if len(rows) == 1 else ""
        if cure:
            problem = f"{shown(layer)} is the layer of this row alone{cure}"
            raise fault(rows[0], f"{problem} Mend it, or give that layer another row", "layer", layer)


def _check_ends(system: System, name: str, flow: Flow) -> None:
    for column, process in (("source", flow.source), ("target", flow.target)):
        if process and process not in system.processes:
            cure = did_you_mean(process, system.processes)
            cure = cure or "; add it there, or leave the cell empty for the outside of the system"
            raise fault(flow.row, f"{shown(process)} is not in the list of processes{cure}", column, name)
    if flow.source == flow.target:
        problem = f"the flow leads from {shown(flow.source)} to itself; mend source or target, or take it out"
        if not flow.source:
            problem = "source and target are both outside of the system; name a process as one of them"
            if flow.row:
                problem += ", or take a row of totals or remarks out"
        raise fault(flow.row, problem, "target", name)


def _check_figures(system: System) -> None:
    known = {name for name, _ in system.figures}
    absent = [name for name in system.flows if name not in known]
    if absent and system.missing_rows == ZERO:
        problem = "has no row, so that it is zero everywhere; give it one, or take it out"
        raise InputError(f"{shown(absent[0])} {problem}")
    for (name, place), figure in system.figures.items():
        if figure.value < 0 and math.isnan(figure.lower):
            cure = "swap source and target, or allow it by a bound in the column lower"
            raise fault(figure.row, f"found {figure.value:g}, and a flow is not negative; {cure}", "value", name)
        _check_unit(system, figure, place.layer, name)
        figure.factor(system.units[place.layer])


def _check_unit(system: System, figure: Figure, layer: str, of: str) -> None:
    """Raise for a figure without a unit where its layer, or another, has one."""
    if figure.unit or not figure.needs_unit():
        return
    unit, whose = system.units.get(layer, ""), "other rows of this layer are"
    if not unit:
        given = ((f"the layer {name} is", unit) for name, unit in system.units.items() if unit)
        whose, unit = next(given, ("", ""))
    if unit:
        raise fault(figure.row, f"found no unit, while {whose} in {unit}; give the unit", "unit", of)


def _check_process(system: System, name: str, process: Process) -> None:
    enters, leaves = system.entering[name], system.leaving[name]
    if not enters and not leaves:
        problem = f"no flow enters or leaves {shown(name)}; add one, or take it out of processes"
        raise _fault_of_flows(system, problem)
    if process.balanced and not process.stock and not (enters and leaves):
        problem = f"no flow {'leaves' if enters else 'enters'} {shown(name)}, which has no stock"
        raise _fault_of_flows(system, f"{problem}, so that nothing could flow; add one, or give it a stock")
    for layer in () if isinstance(process.balanced, bool) else process.balanced:
        if layer not in system.layers:
            some = f"yes, no, or some of the layers {', '.join(system.layers)}"
            expected = ", expected " + (some if system.layers != [ONLY] else "yes or no")
            cure = did_you_mean(layer, system.layers) or expected
            raise fault(process.row, f"found {shown(layer)}{cure}", "balanced", name)


def _fault_of_flows(system: System, problem: str, column: str | None = None) -> InputError:
    """Return an error on the sheet of flows as a whole."""
    first = next((figure.row for figure in system.figures.values()), None)
    return TableError(first.sheet, problem, 1 if column else None, column) if first else InputError(problem)


def _check_transfer_coefficients(system: System) -> None:
    for (flow, place), figure in system.transfer_coefficients.items():
        source, of = system.flows[flow].source, f"transfer coefficient of {flow}"
        if not source:
            problem = f"{shown(flow)} leaves no process, so that nothing enters before it"
            raise fault(figure.row, problem, "flow", of)
        if not system.entering[source]:
            raise fault(figure.row, f"no flow enters {shown(source)}; a coefficient needs one", "flow", of)
        _check_place(system, place, figure, of)
        if not place.layer and system.layers != [ONLY] and system.goods not in system.layers:
            problem = f"found an empty cell, expected one of the layers {', '.join(system.layers)}"
            raise fault(figure.row, problem, "layer", of)
    _ = system.scaled_coefficients


def _check_goods(system: System) -> None:
    """Check that there is a layer of goods where others refer to it."""
    options: Sequence[tuple[str, Sequence[str]]] = (ADDING_UP, system.adding_up), (WITHIN_GOODS, system.within_goods)
    named = [option for option, layers in options if layers]
    if (system.concentrations or named) and system.goods not in {place.layer for _, place in system.figures}:
        subject = "concentrations refer" if system.concentrations else f"the option {named[0]} refers"
        cure = "name the layer of whole flows so, or give its name in the option goods layer"
        problem = f"{subject} to the layer {shown(system.goods)}, which no row has; {cure}"
        raise _fault_of_flows(system, problem, "layer")
    others = [name for name in system.layers if name != system.goods]
    for option, layers in options:
        for layer in layers:
            if layer not in others:
                cure = did_you_mean(layer, others) or f"; expected yes, no, or some of {', '.join(others)}"
                raise InputError(f"the option {option} names {shown(layer)}{cure}")
            system.goods_factor(layer)


def _check_concentrations(system: System) -> None:
    for (flow, place), figure in system.concentrations.items():
        layer, units = place.layer, (system.unit(place.layer), system.unit(system.goods))
        of = f"concentration of {flow}"
        if layer == system.goods:
            problem = f"{shown(layer)} is the layer that concentrations refer to; name a substance"
            raise fault(figure.row, problem, "layer", of)
        if units[0] != units[1] and not figure.unit:
            problem = f"{layer} is in {units[0]}, {system.goods} in {units[1]}; give a unit, such as %"
            raise fault(figure.row, problem, "unit", of)
        _check_place(system, place, figure, of)
        shares.check_concentration(system, layer, figure, of)


def _check_stock(system: System, process: str, place: Place, figure: Figure) -> None:
    of = f"stock of {process}"
    if process not in system.processes or not system.processes[process].stock:
        cure = "" if process in system.processes else did_you_mean(process, system.processes)
        problem = f"{shown(process)} is no process with a stock{cure or '; mend it here or in processes'}"
        raise fault(figure.row, problem, "process", of)
    _check_place(system, place._replace(period=ONLY), figure, of)
    if not system.processes[process].balances(place.layer):
        problem = f"{shown(process)} is not balanced, so that its stock binds nothing"
        raise fault(figure.row, f"{problem}; balance it, or take the row out", "process", of)
    if not place.period and system.flow_periods != [ONLY]:
        raise fault(figure.row, "found an empty cell, while flows have a period; give one", "period", of)
    _check_unit(system, figure, place.layer, of)


def _check_place(system: System, place: Place, figure: Figure, of: str) -> None:
    for column, part, known in (("layer", place.layer, system.layers), ("period", place.period, system.flow_periods)):
        if part and part not in known:
            cure = did_you_mean(part, known) or f", expected {', '.join(known)}"
            raise fault(figure.row, f"found {shown(part)}{cure}", column, of)
