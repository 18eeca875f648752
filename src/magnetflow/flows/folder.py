"""Which system, or which problem, do the sheets of a folder or a workbook hold, and how is a system written there?

A system has `flows` and `processes`, and may have `transfer_coefficients`, `concentrations`, `stocks`, `covariance`,
`balances` and `options`. Without flows, the sheets hold plain equations: see `magnetflow.inference.plain`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from magnetflow.errors import InputError, TableError
from magnetflow.flows.records import GOODS, ONLY, Figure, Flow, Place, Process
from magnetflow.flows.statement import Statement
from magnetflow.flows.system import ZERO, System
from magnetflow.inference import plain
from magnetflow.inference.problem import MEASURED, UNMEASURED, Problem
from magnetflow.tables.sheets import SUFFIX, Row, Sheet, read_sheets, shown
from magnetflow.tables.writing import csv_bytes, workbook_bytes, write_whole

Record = TypeVar("Record")
SPREAD = ("sd", "cv", "lower", "upper")
PLACE = ("period", "layer")
COLUMNS = {  # of each sheet: those that must be there, and those that may
    "flows": (("flow", "source", "target", "value"), (*SPREAD, "unit", *PLACE)),
    "processes": (("process",), ("stock", "balanced")),
    "transfer_coefficients": (("flow", "value"), ("process", *SPREAD, *PLACE)),
    "concentrations": (("flow", "layer", "value"), (*SPREAD, "unit", "period")),
    "stocks": (("process", "quantity", "value"), (*SPREAD, "unit", *PLACE)),
    "options": (("option", "value"), ()),
}
YES, NO = ("yes", "true", "1"), ("no", "false", "0")
QUANTITIES = CHANGE, LEVEL = "change", "level"
MISSING_ROWS = "missing rows"  # the one option: whether a flow without a row is unmeasured, or zero


def read(place: Path) -> Problem:
    """Return the problem that a folder, or a workbook, states: as a system or as plain equations.

    Raises TableError with file, row and column at the first thing that cannot be meant.
    """
    sheets = read_sheets(place, {*COLUMNS, *plain.SHEETS})
    equations = place / plain.EQUATIONS
    if "flows" in sheets:
        return _system(sheets, equations).problem()
    if "variables" in sheets:
        return plain.read_problem(sheets, equations if equations.is_file() else None)
    problem = "nothing to reconcile; put flows.csv and processes.csv there, or variables.csv and balances.csv"
    raise TableError(place.name or str(place), problem)


def read_system(place: Path) -> System:
    """Return the system in a folder, or in a workbook.

    Raises TableError with file, row and column at the first thing that cannot be meant.
    """
    sheets = read_sheets(place, {*COLUMNS, *plain.SHEETS})
    if "flows" not in sheets:
        raise TableError(place.name or str(place), "no system is here; put flows.csv and processes.csv there")
    return _system(sheets, place / plain.EQUATIONS)


def _system(sheets: Mapping[str, Sheet], equations: Path) -> System:
    """Return the system that sheets state."""
    flows = sheets["flows"]
    if "variables" in sheets:
        raise TableError(flows.name, "both flows and variables are here; keep a system or plain equations")
    if equations.is_file():
        raise TableError(plain.EQUATIONS, "goes with variables.csv and not with a system; take it away")
    if "processes" not in sheets:
        raise TableError(flows.name, "no processes go with it; add processes.csv with the columns process and stock")
    rows = {name: sheets[name].restrict(*columns).rows if name in sheets else () for name, columns in COLUMNS.items()}
    for column in PLACE:
        given = [bool(row.optional(column)) for row in rows["flows"]]
        if any(given) and not all(given):
            empty = rows["flows"][given.index(False)]
            raise empty.fault(f"found an empty cell, while other rows have a {column}", column)
    layered = rows["concentrations"] or any(row.optional("layer") for row in rows["flows"])
    goods = GOODS if layered else ONLY
    stocks = {quantity: [row for row in rows["stocks"] if _quantity(row) == quantity] for quantity in QUANTITIES}
    system = System(
        processes=_by_name(rows["processes"], "process", _process),
        flows=_flows(rows["flows"]),
        figures=_by_place(rows["flows"], "flow", goods),
        transfer_coefficients=_by_place(rows["transfer_coefficients"], "flow", ONLY),
        concentrations=_by_place(rows["concentrations"], "flow", ONLY),
        levels=_by_place(stocks[LEVEL], "process", goods),
        changes=_by_place(stocks[CHANGE], "process", goods),
        missing_rows=_missing_rows(rows["options"]),
    )
    for row in rows["transfer_coefficients"]:
        source = system.flows[row.text("flow")].source
        if row.optional("process") not in ("", source):
            raise row.fault(f"{shown(row.text('flow'))} leaves {shown(source)}; mend one of the two", "process")
    if "balances" in sheets or "covariance" in sheets:
        return _with_named_variables(system, sheets)
    return system


def _with_named_variables(system: System, sheets: Mapping[str, Sheet]) -> System:
    """Add what refers to variables by their names: further balances, and covariances."""
    statement = Statement.of(system)
    spreads = zip(statement.names.items(), statement.status, strict=True)
    sd = {name: figure.sd for (name, figure), status in spreads if figure and status == MEASURED}
    return replace(
        system,
        balances=plain.read_balances(sheets["balances"], statement.names) if "balances" in sheets else {},
        covariances=plain.read_covariances(sheets["covariance"], statement.names, sd)
        if "covariance" in sheets
        else {},
    )


def _by_name(rows: Iterable[Row], column: str, read_record: Callable[[Row], Record]) -> dict[str, Record]:
    """Return one record a row by its name; raises TableError for a name listed twice."""
    records: dict[str, Record] = {}
    for row in rows:
        name = row.text(column)
        if name in records:
            raise row.fault(f"{shown(name)} is listed already; keep one", column)
        records[name] = read_record(row)
    return records


def _process(row: Row) -> Process:
    return Process(_yes_or_no(row, "stock", "no"), _yes_or_no(row, "balanced", "yes"), row)


def _yes_or_no(row: Row, column: str, unless_given: str) -> bool:
    answer = row.optional(column).lower() or unless_given
    if answer not in (*YES, *NO):
        raise row.fault(f"found {shown(answer)}, expected yes or no", column)
    return answer in YES


def _flows(rows: Iterable[Row]) -> dict[str, Flow]:
    """Return the flows by name; raises TableError where rows of one flow differ in its ends."""
    flows: dict[str, Flow] = {}
    for row in rows:
        name = row.text("flow")
        flow = flows.setdefault(name, Flow(row.optional("source"), row.optional("target"), row.optional("note"), row))
        for column, known in (("source", flow.source), ("target", flow.target)):
            if row.optional(column) != known:
                raise row.fault(f"{shown(name)} has {shown(known)} in an earlier row; mend one", column)
    return flows


def _by_place(rows: Iterable[Row], item: str, layer: str) -> dict[tuple[str, Place], Figure]:
    """Return the figure of each row by its flow or process and its place; `layer` where a row names none."""
    figures: dict[tuple[str, Place], Figure] = {}
    for row in rows:
        key = (row.text(item), Place(row.optional("period"), row.optional("layer") or layer))
        earlier = figures.get(key)
        if earlier and earlier.row:
            raise row.fault(f"{shown(key[0])} stands already in row {earlier.row.number}; keep one", item)
        figures[key] = _figure(row)
    return figures


def _figure(row: Row) -> Figure:
    """Return the quantity that a row tells: unmeasured without a value, exact without an sd."""
    value, sd, cv, lower, upper = (row.number_in(column) for column in ("value", *SPREAD))
    if not math.isnan(sd) and not math.isnan(cv):
        raise row.fault("sd and cv are both given; keep one", "cv")
    column, spread = ("cv", cv) if math.isnan(sd) else ("sd", sd)
    if math.isnan(value) and spread > 0:
        raise row.fault(f"a {column} without a value; give the value or take the {column} out", column)
    if not math.isnan(value) and spread <= 0:
        raise row.fault(f"a {column} must be above zero; leave it empty for a value without error", column)
    if not math.isnan(cv) and value == 0:
        raise row.fault("a cv of zero is no spread; give sd instead", "cv")
    known = sd if math.isnan(cv) else cv * abs(value)
    return Figure(value, math.nan if math.isnan(value) else known, lower, upper, row.optional("unit"), row)


def _quantity(row: Row) -> str:
    quantity = row.text("quantity").lower()
    if quantity not in QUANTITIES:
        raise row.fault(f"found {shown(quantity)}, expected {CHANGE} or {LEVEL}", "quantity")
    return quantity


def _missing_rows(rows: Iterable[Row]) -> str:
    """Return what a flow without a row is, from the sheet of options."""
    options = _by_name(rows, "option", lambda row: row)
    for name, row in options.items():
        if name != MISSING_ROWS:
            raise row.fault(f"found {shown(name)}, expected {MISSING_ROWS}", "option")
        if row.optional("value") not in (UNMEASURED, ZERO):
            raise row.fault(f"found {shown(row.optional('value'))}, expected {UNMEASURED} or {ZERO}", "value")
    return options[MISSING_ROWS].text("value") if options else UNMEASURED


def write_system(system: System, place: Path) -> None:
    """Write a system into a folder of CSV files, or into a workbook, as `read_system` reads it.

    A sheet without rows is not written; notes are written for flows alone.
    Raises InputError where the place cannot be written, or holds a sheet that this system has not.
    """
    sheets = {name: _lines(name, rows) for name, rows in _rows_of(system).items() if rows}
    stale = [name for name in _rows_of(system) if name not in sheets and (place / f"{name}.csv").exists()]
    if stale:
        raise InputError(
            f"{place / stale[0]}.csv is there and this system has none; take it away, or name a new folder"
        )
    if place.suffix.lower() == SUFFIX:
        write_whole(place.parent, {place.name: workbook_bytes(sheets)})
    else:
        write_whole(place, {f"{name}.csv": csv_bytes(lines) for name, lines in sheets.items()})


def _lines(name: str, rows: Sequence[Mapping[str, str]]) -> list[list[str]]:
    """Return header and cells of a sheet; a column that need not be there is left out where it is empty."""
    required, optional = COLUMNS.get(name, (tuple(rows[0]), ()))
    columns = [*required, *(column for column in (*optional, "note") if any(row.get(column) for row in rows))]
    return [columns, *([row.get(column, "") for column in columns] for row in rows)]


def _rows_of(system: System) -> dict[str, list[dict[str, str]]]:
    """Return the cells of every sheet by column, row by row; what is not given is left out."""
    unlisted = [name for name in system.flows if name not in {flow for flow, _ in system.figures}]
    first = next(iter(system.places()))
    unmeasured = Figure(unit=system.unit(first.layer))
    flows = [*system.figures.items(), *(((name, first), unmeasured) for name in unlisted)]
    stocks = [(CHANGE, system.changes), (LEVEL, system.levels)]
    return {
        "flows": [
            {"flow": name, **_ends(system.flows[name]), **_cells(figure, place)} for (name, place), figure in flows
        ],
        "processes": [
            {"process": name, "stock": _word(process.stock), "balanced": "" if process.balanced else "no"}
            for name, process in system.processes.items()
        ],
        **{
            sheet: [{"flow": flow, **_cells(figure, place)} for (flow, place), figure in figures.items()]
            for sheet, figures in (
                ("transfer_coefficients", system.transfer_coefficients),
                ("concentrations", system.concentrations),
            )
        },
        "stocks": [
            {"process": process, "quantity": quantity, **_cells(figure, place)}
            for quantity, figures in stocks
            for (process, place), figure in figures.items()
        ],
        "balances": [
            {"balance": balance, "variable": name, "coefficient": repr(coefficient)}
            for balance, terms in system.balances.items()
            for name, coefficient in terms.items()
        ],
        "covariance": [
            {"variable_a": one, "variable_b": other, "covariance": repr(covariance)}
            for (one, other), covariance in system.covariances.items()
        ],
        "options": [{"option": MISSING_ROWS, "value": ZERO}] if system.missing_rows == ZERO else [],
    }


def _ends(flow: Flow) -> dict[str, str]:
    return {"source": flow.source, "target": flow.target, "note": flow.note}


def _cells(figure: Figure, place: Place) -> dict[str, str]:
    """Return the cells of a figure: numbers with all their digits, nothing for what is not given."""
    numbers = {column: getattr(figure, column) for column in ("value", "sd", "lower", "upper")}
    if any(math.isinf(number) for number in numbers.values()):
        raise InputError("a figure without limit cannot be written; give a number, or NaN for none")
    shown_numbers = {column: "" if math.isnan(number) else repr(float(number)) for column, number in numbers.items()}
    return {**shown_numbers, "unit": figure.unit, **place._asdict()}


def _word(is_so: bool) -> str:
    return "yes" if is_so else "no"
