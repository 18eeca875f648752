"""Which system, or which problem, do the sheets of a folder or a workbook hold?

A system has `flows` and `processes`, and may have `transfer_coefficients`, `concentrations`, `stocks`, `periods`,
`covariance`, `balances`, `equations` and `options`, and a file equations.txt. Without flows, the sheets hold plain
equations: see `magnetflow.inference.plain`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from magnetflow.errors import InputError, TableError
from magnetflow.flows import spread
from magnetflow.flows.checks import ADDING_UP, WITHIN_GOODS
from magnetflow.flows.names import did_you_mean, is_outside, with_known_columns
from magnetflow.flows.periods import canonical
from magnetflow.flows.records import GOODS, ONLY, OUTSIDE, Figure, Flow, Place, Process
from magnetflow.flows.statement import Statement
from magnetflow.flows.system import ZERO, System
from magnetflow.inference import plain, report
from magnetflow.inference.draws.distributions import LOGNORMAL, TRIANGULAR
from magnetflow.inference.problem import UNMEASURED, Problem, listed
from magnetflow.tables.sheets import FREE_COLUMNS, WORKBOOKS, Row, Sheet, read_sheets, shown, unread
from magnetflow.tables.units import conversion_factor
from magnetflow.tables.workbooks import titles_of

Record = TypeVar("Record")
PLACE = ("period", "layer")
COLUMNS = {  # of each sheet: those that must be there, and those that may
    "flows": (("flow", "source", "target", "value"), (*spread.COLUMNS, "unit", *PLACE)),
    "processes": (("process",), ("stock", "balanced")),
    "transfer_coefficients": (("flow", "value"), ("process", *spread.COLUMNS, *PLACE)),
    "concentrations": (("flow", "layer", "value"), (*spread.COLUMNS, "unit", "period")),
    "stocks": (("process", "quantity", "value"), (*spread.COLUMNS, "unit", *PLACE)),
    "periods": (("period",), ("length", "unit")),
    "equations": (("equation",), ()),
    "options": (("option", "value"), ()),
}
YES, NO = ("yes", "true", "1"), ("no", "false", "0")
QUANTITIES = CHANGE, LEVEL = "change", "level"
MISSING_ROWS, GOODS_LAYER, DEFAULT_CV = "missing rows", "goods layer", "default cv"
RESULTS = (report.TABLE, report.REPORT)  # which may lie beside the input
OPTIONS = (MISSING_ROWS, GOODS_LAYER, ADDING_UP, WITHIN_GOODS, DEFAULT_CV)


def read(place: Path) -> Problem:
    """Return the problem that a folder, or a workbook, states: as a system or as plain equations.

    Raises TableError with file, row and column at the first thing that cannot be meant.
    """
    sheets, equations, notes = _sheets(place)
    if "flows" in sheets:
        return _system(sheets, equations, notes).problem()
    if "variables" in sheets:
        return replace(plain.read_problem(sheets, equations), notes=notes)
    raise TableError(place.name or str(place), f"nothing to reconcile; {_expected(place)}")


def read_system(place: Path) -> System:
    """Return the system in a folder, or in a workbook.

    Raises TableError with file, row and column at the first thing that cannot be meant.
    """
    sheets, equations, notes = _sheets(place)
    if "flows" not in sheets:
        raise TableError(place.name or str(place), f"no system is here; {_expected(place)}")
    return _system(sheets, equations, notes)


def _expected(place: Path) -> str:
    """Return what to do about a place without a sheet that leads."""
    if place.suffix.lower() in WORKBOOKS:
        found = ", ".join(shown(title) for title in titles_of(place))
        return f"name its sheets flows and processes, or variables and balances; found {found}"
    return "put flows.csv and processes.csv there, or variables.csv and balances.csv"


def _sheets(place: Path) -> tuple[dict[str, Sheet], Path | None, tuple[str, ...]]:
    """Return the sheets of a place, its file of equations, and notes on what is not read there."""
    names = {*COLUMNS, *plain.SHEETS}
    sheets = read_sheets(place, names)
    equations = (place if place.is_dir() or place.suffix.lower() in WORKBOOKS else place.parent) / plain.EQUATIONS
    not_read = [
        f"column {column} of {sheet.name}"
        for sheet in sheets.values()
        for column in sheet.columns
        if column in FREE_COLUMNS
    ]
    not_read += unread(place, names, (plain.EQUATIONS, *RESULTS))
    notes = [sheet.remark for sheet in sheets.values() if sheet.remark]
    notes += [f"not read: {', '.join(not_read)}"] if not_read else []
    return sheets, equations if equations.is_file() else None, tuple(notes)


def _system(sheets: Mapping[str, Sheet], equations: Path | None, notes: tuple[str, ...]) -> System:
    """Return the system that sheets state."""
    flows = sheets["flows"]
    if "variables" in sheets:
        raise TableError(flows.name, "both flows and variables are here; keep a system or plain equations")
    if "processes" not in sheets:
        name = "a sheet processes" if ", sheet " in flows.name else "processes.csv"
        raise TableError(flows.name, f"no processes go with it; add {name} with the columns process and stock")
    rows = {name: _rows(name, sheets[name]) if name in sheets else () for name in COLUMNS}
    for column in PLACE:
        given = [bool(row.optional(column)) for row in rows["flows"]]
        if any(given) and not all(given):
            empty = rows["flows"][given.index(False)]
            raise empty.fault(f"found an empty cell, while other rows have a {column}", column)
    options = _options(rows["options"])
    named_goods = options[GOODS_LAYER].text("value") if GOODS_LAYER in options else GOODS
    layered = rows["concentrations"] or any(row.optional("layer") for row in rows["flows"])
    goods = named_goods if layered else ONLY
    outside, processes = _processes(rows["processes"])
    stocks = {quantity: [row for row in rows["stocks"] if _quantity(row) == quantity] for quantity in QUANTITIES}
    figure_of = partial(spread.figure_of, default_cv=_default_cv(options.get(DEFAULT_CV)))
    figures = _by_place(rows["flows"], "flow", goods, figure_of)
    concentrations = _by_place(rows["concentrations"], "flow", ONLY, partial(figure_of, is_share=True))
    substances = dict.fromkeys(place.layer for own in (figures, concentrations) for _, place in own)
    substances.pop(goods, None)
    system = System(
        processes=processes,
        flows=_flows(rows["flows"], processes, outside),
        figures=figures,
        transfer_coefficients=_by_place(
            rows["transfer_coefficients"], "flow", ONLY, partial(spread.figure_of, is_share=True)
        ),
        concentrations=concentrations,
        levels=_by_place(stocks[LEVEL], "process", goods, figure_of),
        changes=_by_place(stocks[CHANGE], "process", goods, figure_of),
        missing_rows=_missing_rows(options.get(MISSING_ROWS)),
        goods=named_goods,
        adding_up=_layers(options.get(ADDING_UP), tuple(substances)),
        within_goods=_layers(options.get(WITHIN_GOODS), tuple(substances)),
        period_years=_by_name(rows["periods"], "period", _years, canonical),
    )
    for row in rows["transfer_coefficients"]:
        source = system.flows[row.text("flow")].source
        if row.optional("process") not in ("", source):
            raise row.fault(f"{shown(row.text('flow'))} leaves {shown(source)}; mend one of the two", "process")
    system = replace(system, notes=(*_notes(system, outside), *notes))
    return _with_named_variables(system, sheets, rows["equations"], equations)


def _rows(name: str, sheet: Sheet) -> tuple[Row, ...]:
    """Return the rows of a sheet, whose columns have the names listed here, or another of theirs."""
    required, optional = COLUMNS[name]
    sheet = with_known_columns(sheet, (*required, *optional))
    if "value" not in sheet.columns and {*spread.TRIANGLE} <= {*sheet.columns} & {*optional}:
        required = tuple(column for column in required if column != "value")
    return sheet.restrict(required, optional).rows


def _notes(system: System, outside: Iterable[str]) -> Iterable[str]:
    """Yield what to know of how the sheets were read."""
    for name in outside:
        cure = "to make it a process, list it with yes or no in the column balanced"
        yield f"{shown(name)} is read as the outside of the system; {cure}"
    unused = [period for period in system.period_years if period not in system.periods]
    if unused:
        yield f"listed among the periods, but without a flow or a stock: {listed(unused)}"
    given = [
        (name, figure)
        for figures in (system.figures, system.concentrations, system.levels, system.changes)
        for (name, _), figure in figures.items()
    ]
    absolute = ("", spread.EXACT)
    without = [
        name
        for name, figure in given
        if figure.value == 0 and math.isnan(figure.sd) and figure.row
        if any(figure.row.optional(column).lower() not in absolute for column in spread.SPREADS)
    ]
    if without:
        yield f"{len(without)} values of zero have a relative spread, which is none, and are exact: {listed(without)}"
    skew = [name for name, figure in given if figure.kind in (LOGNORMAL, TRIANGULAR)]
    if skew:
        yield f"{len(skew)} values are the means of skew distributions (gsd, or low, mode and high): {listed(skew)}"


def _with_named_variables(
    system: System, sheets: Mapping[str, Sheet], equations: Sequence[Row], file: Path | None
) -> System:
    """Add what refers to variables by their names: further balances, equations and covariances."""
    faults = {f"equation in row {row.number}": (row.text("equation"), row.fault) for row in equations}
    if file:
        for number, text in plain.equation_lines(file).items():
            faults[f"{file.name} line {number}"] = (text, partial(TableError, file.name, row=number))
    if not faults and not {"balances", "covariance"} & sheets.keys():
        return system
    statement = Statement.of(system)
    for text, fault in faults.values():
        plain.read_relation(text, statement.names, fault)
    sd = {name: figure.sd for name, figure in statement.names.items() if figure and not math.isnan(figure.sd)}
    return replace(
        system,
        balances=plain.read_balances(sheets["balances"], statement.names) if "balances" in sheets else {},
        equations={name: text for name, (text, _) in faults.items()},
        covariances=plain.read_covariances(sheets["covariance"], statement.names, sd)
        if "covariance" in sheets
        else {},
    )


def _by_name(
    rows: Iterable[Row],
    column: str,
    read_record: Callable[[Row], Record],
    called: Callable[[str], str] = str,
) -> dict[str, Record]:
    """Return one record a row by its name; raises TableError for a name listed twice."""
    records: dict[str, Record] = {}
    for row in rows:
        name = called(row.text(column))
        if name in records:
            raise row.fault(f"{shown(name)} is listed already; keep one", column)
        records[name] = read_record(row)
    return records


def _processes(rows: Sequence[Row]) -> tuple[dict[str, None], dict[str, Process]]:
    """Return the names listed as processes that are the outside of the system, and the processes."""
    records = _by_name(rows, "process", lambda row: row)
    outside = {
        name: None
        for name, row in records.items()
        if is_outside(name) and not row.optional("balanced") and not _yes_or_no(row, "stock", "no")
    }
    return outside, {name: _process(row) for name, row in records.items() if name not in outside}


def _process(row: Row) -> Process:
    answer = row.optional("balanced").lower()
    balanced = _yes_or_no(row, "balanced", "yes") if answer in ("", *YES, *NO) else _listed(row.optional("balanced"))
    return Process(_yes_or_no(row, "stock", "no"), balanced, row)


def _listed(text: str) -> tuple[str, ...]:
    """Return the names in a cell, which semicolons or commas separate."""
    return tuple(name for name in re.split(r"\s*[;,]\s*", text) if name)


def _yes_or_no(row: Row, column: str, unless_given: str) -> bool:
    answer = row.optional(column).lower() or unless_given
    if answer not in (*YES, *NO):
        raise row.fault(f"found {shown(answer)}, expected yes or no", column)
    return answer in YES


def _flows(rows: Iterable[Row], processes: Collection[str], outside: dict[str, None]) -> dict[str, Flow]:
    """Return the flows by name; adds to `outside` the ends that are outside without being listed.

    Raises TableError where rows of one flow differ in its ends.
    """
    flows: dict[str, Flow] = {}
    for row in rows:
        ends = {column: row.optional(column) for column in ("source", "target")}
        for column, end in ends.items():
            if end not in processes and is_outside(end):
                outside.setdefault(end)
                ends[column] = OUTSIDE
        name = row.text("flow")
        flow = flows.setdefault(name, Flow(**ends, note=row.optional("note"), row=row))
        for column, known in (("source", flow.source), ("target", flow.target)):
            if ends[column] != known:
                raise row.fault(f"{shown(name)} has {shown(known)} in an earlier row; mend one", column)
    return flows


def _by_place(
    rows: Iterable[Row], item: str, layer: str, figure_of: Callable[[Row], Figure]
) -> dict[tuple[str, Place], Figure]:
    """Return the figure of each row by its flow or process and its place; `layer` where a row names none."""
    figures: dict[tuple[str, Place], Figure] = {}
    for row in rows:
        key = (row.text(item), Place(canonical(row.optional("period")), row.optional("layer") or layer))
        earlier = figures.get(key)
        if earlier and earlier.row:
            raise row.fault(f"{shown(key[0])} stands already in row {earlier.row.number}; keep one", item)
        figures[key] = figure_of(row)
    return figures


def _quantity(row: Row) -> str:
    quantity = row.text("quantity").lower()
    if quantity not in QUANTITIES:
        raise row.fault(f"found {shown(quantity)}, expected {CHANGE} or {LEVEL}", "quantity")
    return quantity


def _years(row: Row) -> float:
    """Return the length of a period in years, NaN where none is given."""
    length, unit = row.number_in("length"), row.optional("unit") or "a"
    if length <= 0:
        raise row.fault("a length must be above zero; mend it, or leave it empty", "length")
    try:
        return length * conversion_factor(unit, "a")
    except InputError as error:
        raise row.fault(str(error), "unit") from None


def _options(rows: Iterable[Row]) -> dict[str, Row]:
    """Return the rows of the sheet of options by what they choose."""
    options = _by_name(rows, "option", lambda row: row, lambda name: " ".join(name.lower().replace("_", " ").split()))
    for name, row in options.items():
        if name not in OPTIONS:
            cure = did_you_mean(name, OPTIONS) or f", expected {', '.join(OPTIONS)}"
            raise row.fault(f"found {shown(name)}{cure}", "option")
    return options


def _missing_rows(row: Row | None) -> str:
    """Return what a flow without a row is."""
    if row and row.optional("value") not in (UNMEASURED, ZERO):
        raise row.fault(f"found {shown(row.optional('value'))}, expected {UNMEASURED} or {ZERO}", "value")
    return row.text("value") if row else UNMEASURED


def _default_cv(row: Row | None) -> float:
    """Return the cv of values without a spread, NaN where none is given."""
    if row is None:
        return math.nan
    cv = spread.percentage(row, "value")
    if not cv > 0:
        raise row.fault(f"found {shown(row.optional('value'))}, expected a fraction above zero, such as 0.1", "value")
    spread.check_cv(row, "value", cv)
    return cv


def _layers(row: Row | None, substances: tuple[str, ...]) -> tuple[str, ...]:
    """Return the layers that an option names: all substances for yes, none for no."""
    if row is None or row.text("value").lower() in NO:
        return ()
    return substances if row.text("value").lower() in YES else _listed(row.text("value"))
