"""How is a system written into a folder or a workbook, so that it is read as the same one?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from magnetflow.errors import InputError
from magnetflow.flows import spread
from magnetflow.flows.checks import ADDING_UP, WITHIN_GOODS
from magnetflow.flows.folder import CHANGE, COLUMNS, GOODS_LAYER, LEVEL, MISSING_ROWS
from magnetflow.flows.names import is_outside
from magnetflow.flows.records import GOODS, Figure, Flow, Place, Process
from magnetflow.flows.system import System
from magnetflow.inference import plain
from magnetflow.inference.draws.distributions import LOGNORMAL, TRIANGULAR, ends_of_triangle
from magnetflow.inference.problem import UNMEASURED
from magnetflow.tables.sheets import SUFFIX
from magnetflow.tables.writing import csv_bytes, workbook_bytes, write_whole


def write_system(system: System, place: Path) -> None:
    """Write a system into a folder of CSV files, or into a workbook, as `read_system` reads it.

    A sheet without rows is not written; notes are written for flows alone.
    Raises InputError where the place cannot be written, or holds a sheet that this system has not.
    """
    sheets = {name: _lines(name, rows) for name, rows in _rows_of(system).items() if rows}
    stale = [f"{name}.csv" for name in _rows_of(system) if name not in sheets]
    for name in (*stale, plain.EQUATIONS):
        if (place / name).exists():
            problem = f"{place / name} is there and this system has none"
            raise InputError(f"{problem}; take it away, or name a new folder")
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
            {"process": name, "stock": _word(process.stock), "balanced": _balanced(name, process)}
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
        "periods": [
            {"period": period, "length": "" if math.isnan(years) else repr(years)}
            for period, years in system.period_years.items()
        ],
        "equations": [{"equation": text} for text in system.equations.values()],
        "options": [
            {"option": option, "value": value}
            for option, value, unless_given in (
                (MISSING_ROWS, system.missing_rows, UNMEASURED),
                (GOODS_LAYER, system.goods, GOODS),
                (ADDING_UP, "; ".join(system.adding_up), ""),
                (WITHIN_GOODS, "; ".join(system.within_goods), ""),
            )
            if value != unless_given
        ],
    }


def _balanced(name: str, process: Process) -> str:
    """Return in which layers a process is balanced; nothing for all, unless its name is one of the outside."""
    if isinstance(process.balanced, tuple):
        return "; ".join(process.balanced)
    return _word(process.balanced) if is_outside(name) or not process.balanced else ""


def _ends(flow: Flow) -> dict[str, str]:
    return {"source": flow.source, "target": flow.target, "note": flow.note}


def _cells(figure: Figure, place: Place) -> dict[str, str]:
    """Return the cells of a figure: numbers with all their digits, nothing for what is not given."""
    numbers = {column: getattr(figure, column) for column in ("value", "sd", "lower", "upper")}
    if figure.kind == TRIANGULAR and not math.isnan(figure.mode):
        low, high = ends_of_triangle(figure.value, figure.sd, figure.mode)
        numbers |= {"value": math.nan, "sd": math.nan, "low": low, "mode": figure.mode, "high": high}
    if figure.kind == LOGNORMAL:
        numbers["value"], numbers["gsd"] = spread.median_and_gsd(figure.value, figure.sd)
        numbers["sd"] = math.nan
    if any(math.isinf(number) for number in numbers.values()):
        raise InputError("a figure without limit cannot be written; give a number, or NaN for none")
    shown_numbers = {column: "" if math.isnan(number) else repr(float(number)) for column, number in numbers.items()}
    return {**shown_numbers, "unit": figure.unit, **place._asdict()}


def _word(is_so: bool) -> str:
    return "yes" if is_so else "no"
