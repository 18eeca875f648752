"""What does one go on with after a reconciliation: the results in the layout of the input, and pictures of them?

Both are made from the labels that the variables of a system carry; plain equations have no picture.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np

from magnetflow.drawing.sankey import CALCULATED, MEASURED, UNDETERMINED, Diagram, Node, Ribbon, page, svg
from magnetflow.errors import InputError
from magnetflow.flows.statement import CONCENTRATION, FLOW, STOCK, STOCK_CHANGE, TRANSFER_COEFFICIENT
from magnetflow.inference.classes import OBSERVABLE, UNOBSERVABLE
from magnetflow.inference.reconcile import Reconciliation
from magnetflow.tables import conversion_factor
from magnetflow.tables.writing import workbook_bytes

Row = Mapping[str, Any]  # a row of `Reconciliation.table`
WORKBOOK, PAGE = "reconciled.xlsx", "picture.html"
WORKBOOK_ROWS = 20_000  # variables, beyond which writing a workbook takes seconds
FIGURES = ("unit", "value", "sd", "lower", "upper", "reconciled", "reconciled_sd", "class", "least", "most")
SHEETS = {  # what each shows, and its first columns
    "flows": ((FLOW,), ("flow", "source", "target", "period", "layer")),
    "stocks": ((STOCK, STOCK_CHANGE), ("process", "quantity", "period", "layer")),
    "transfer_coefficients": ((TRANSFER_COEFFICIENT,), ("flow", "process", "period", "layer")),
    "concentrations": ((CONCENTRATION,), ("flow", "layer", "period")),
}
WORDS = {STOCK: "level", STOCK_CHANGE: "change"}  # as in the sheet of stocks
KINDS = {OBSERVABLE: CALCULATED, UNOBSERVABLE: UNDETERMINED}  # all others are measured
DRAWN = 400  # flows in one picture, the largest of them
UNBALANCED = 1e-6  # of what passes a process, from where on it is no process that balances


def workbook(reconciliation: Reconciliation) -> bytes:
    """Return the results as a workbook: the sheets of the input, reconciled values beside those measured."""
    problem = reconciliation.problem
    ranges = reconciliation.table().rename(columns={"lower": "least", "upper": "most"})
    rows: list[Any] = ranges.assign(lower=problem.lower, upper=problem.upper).to_dict("records")
    sheets = {name: [row for row in rows if row.get("quantity") in kinds] for name, (kinds, _) in SHEETS.items()}
    known = {kind for kinds, _ in SHEETS.values() for kind in kinds}
    sheets["variables"] = [row for row in rows if row.get("quantity") not in known]
    columns = {name: (*SHEETS.get(name, ((), ("name",)))[1], *FIGURES) for name in sheets}
    return workbook_bytes(
        {
            name: [columns[name], *([_cells(row).get(column, "") for column in columns[name]] for row in own)]
            for name, own in sheets.items()
            if own
        }
    )


def _cells(row: Row) -> dict[str, str]:
    """Return the cells of a variable by column; `value` and `sd` are those measured."""
    numbers = {"value": row["measured"], "sd": row["measured_sd"] or math.nan}
    numbers |= {"reconciled": row["value"], "reconciled_sd": row["sd"]}
    numbers |= {column: row[column] for column in ("lower", "upper", "least", "most")}
    texts = {column: str(row[column]) for column in row if isinstance(row[column], str)}
    quantity = texts.get("quantity", "")
    process = texts.get("source", "") if quantity == TRANSFER_COEFFICIENT else texts.get("process", "")
    shown = {column: repr(float(number) + 0.0) if math.isfinite(number) else "" for column, number in numbers.items()}
    return {**texts, "process": process, "quantity": WORDS.get(quantity, quantity), **shown}


def pictures(reconciliation: Reconciliation, title: str) -> dict[str, bytes]:
    """Return files by name: a Sankey diagram of each layer and period as SVG, and all of them on one page of HTML.

    There are none for plain equations.
    """
    drawn = diagrams(reconciliation)
    files: dict[str, bytes] = {PAGE: page(title, drawn).encode(errors="replace")} if drawn else {}
    for diagram in drawn:
        words = "-".join(re.findall(r"\w+", diagram.heading.lower()))
        names = (f"picture-{words}{f'-{number}' if number > 1 else ''}.svg" for number in count(1))
        files[next(name for name in names if name not in files)] = svg(diagram).encode()
    return files


def diagrams(reconciliation: Reconciliation) -> list[Diagram]:
    """Return a diagram of the flows of each layer and period, in the order in which they are reported."""
    if "quantity" not in reconciliation.problem.labels:
        return []
    rows: list[Any] = reconciliation.table().to_dict("records")
    places = dict.fromkeys((row["layer"], row["period"]) for row in rows if row["quantity"] == FLOW)
    return [_diagram([row for row in rows if (row["layer"], row["period"]) == place], *place) for place in places]


def _diagram(rows: Sequence[Row], layer: str, period: str) -> Diagram:
    """Draw the flows, and the stocks that change with them, of one layer and period."""
    flows = [row for row in rows if row["quantity"] == FLOW]
    stocks = {row["process"]: row for row in rows if row["quantity"] == STOCK_CHANGE}
    levels = {row["process"]: row for row in rows if row["quantity"] == STOCK}
    unit = flows[0]["unit"]
    size = {row["name"]: row["value"] * _factor(row["unit"], unit) for row in [*flows, *stocks.values()]}
    outside = _outside(flows, size, set(stocks))
    heading = ", ".join(part for part in (layer, period) if part) or "flows"
    if len(flows) > DRAWN:
        heading = f"{heading}: the {DRAWN} largest of {len(flows)} flows"
        largest = sorted(flows, key=lambda row: -np.nan_to_num(abs(size[row["name"]])))[:DRAWN]
        drawn = {row["name"] for row in largest}
        flows = [row for row in flows if row["name"] in drawn]
    nodes, ribbons = dict[str, Node](), list[Ribbon]()
    for row in flows:
        ends = []
        for end in ("source", "target"):
            if row[end] in outside:
                key = f"{row['flow']}\n{end}"  # which no process is called, since cells have no line breaks
                nodes[key] = Node(row["flow"], (amount(row),), is_process=False)
            else:
                key = row[end]
                nodes[key] = _process(key, stocks.get(key), levels.get(key), size)
            ends.append(key)
        value = size[row["name"]]
        kind = KINDS.get(row["class"], MEASURED)
        source, target = ends[::-1] if value < 0 else ends
        ribbons.append(Ribbon(row["flow"], source, target, abs(value), amount(row), kind))
    return Diagram(heading, unit, nodes, ribbons)


def _factor(given: str, unit: str) -> float:
    """Return what converts a unit to another; NaN for units of two kinds, as of an amount and of one per time."""
    try:
        return 1.0 if given == unit else conversion_factor(given, unit)
    except InputError:
        return math.nan


def _outside(flows: Sequence[Row], size: Mapping[str, float], with_stock: set[str]) -> set[str]:
    """Return what is no process of the system: the outside, and what gives out another amount than it takes in."""
    entering, leaving = dict[str, float](), dict[str, float]()
    for row in flows:
        leaving[row["source"]] = leaving.get(row["source"], 0.0) + size[row["name"]]
        entering[row["target"]] = entering.get(row["target"], 0.0) + size[row["name"]]
    through = set(entering) & set(leaving) - with_stock
    return {""} | {name for name in through if abs(entering[name] - leaving[name]) > UNBALANCED * abs(entering[name])}


def _process(name: str, stock: Row | None, level: Row | None, size: Mapping[str, float]) -> Node:
    """Return the node of a process, with what is added to its stock, and the level where one is given."""
    if stock is None:
        return Node(name)
    notes = [f"stock {amount(stock, sign='+')}", *([f"level {amount(level)}"] if level else [])]
    change = size[stock["name"]]
    return Node(name, tuple(notes), stock=0.0 if math.isnan(change) else change)


def amount(row: Row, sign: str = "") -> str:
    """Return the reconciled value of a variable with its sd, rounded to two digits of the sd, and its unit."""
    value, sd, unit = row["value"] + 0.0, row["sd"], f" {row['unit']}" if row["unit"] else ""
    if math.isnan(value):
        bounds = [("at least", row["lower"]), ("at most", row["upper"])]
        known = [f"{word} {bound:,.4g}{unit}" for word, bound in bounds if math.isfinite(bound) and abs(bound) > 1e-9]
        return ", ".join(known) or "not determined"
    if not sd > 0:
        return f"{value:{sign},.5g}{unit}" if abs(value) < 1e5 else f"{value:{sign},.0f}{unit}"
    digits = 1 - math.floor(math.log10(sd))
    if digits > 6:
        return f"{value:{sign}.3g} ± {sd:.2g}{unit}"
    return f"{round(value, digits):{sign},.{max(digits, 0)}f} ± {round(sd, digits):,.{max(digits, 0)}f}{unit}"
