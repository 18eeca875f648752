"""How does one write a problem down as plain equations?

`variables.csv` lists the variables, `balances.csv` the coefficients of linear balances, `equations.txt` has one
expression a line that is to equal zero, `covariance.csv` tells what covaries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from magnetflow.errors import ExpressionError, InputError, ProblemError, TableError
from magnetflow.inference.expressions import Expression
from magnetflow.inference.parser import parse
from magnetflow.inference.problem import CONSTANT, MEASURED, STATUSES, UNMEASURED, Problem, state
from magnetflow.tables.sheets import Row, Sheet, shown
from magnetflow.tables.text import read_user_text

SHEETS = ("variables", "balances", "covariance")
EQUATIONS = "equations.txt"
CODE = re.compile(r"""^(?:"[^"]*"|'[^']*'|[^#])*""")  # of a line, without its comment


def read_problem(sheets: Mapping[str, Sheet], equations: Path | None) -> Problem:
    """Return the problem that the sheets `variables`, `balances` and `covariance` and a file of equations state.

    Raises TableError with file, row and column at the first thing that cannot be meant.
    """
    variables = sheets["variables"].restrict(["name", "value", "status"], ["sd", "lower", "upper", "start"])
    rows = _named(variables)
    status = [_status(row) for row in variables.rows]
    balances = read_balances(sheets["balances"], rows) if "balances" in sheets else {}
    relations = _relations(equations, rows) if equations else {}
    if not balances and not relations:
        raise TableError(variables.name, f"no balance goes with it; add balances.csv or {EQUATIONS}")
    value, sd, lower, upper, start = (
        np.array([row.number_in(column) for row in variables.rows])
        for column in ("value", "sd", "lower", "upper", "start")
    )
    measured_sd = {name: own for name, own, kind in zip(rows, sd.tolist(), status, strict=True) if kind == MEASURED}
    covariances = read_covariances(sheets["covariance"], rows, measured_sd) if "covariance" in sheets else {}
    try:
        return state(
            list(rows),
            status,
            value,
            sd,
            balances=balances,
            relations=relations,
            lower=np.where(np.isnan(lower), -np.inf, lower),
            upper=np.where(np.isnan(upper), np.inf, upper),
            start=start,
            covariances=covariances,
        )
    except ProblemError as error:
        at = rows[error.variable].number if error.variable in rows else None
        raise TableError(variables.name, str(error), at) from None


def _named(variables: Sheet) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for row in variables.rows:
        name = row.text("name")
        if name in rows:
            raise row.fault(f"{shown(name)} stands already in row {rows[name].number}; keep one", "name")
        rows[name] = row
    return rows


def _status(row: Row) -> str:
    status = row.text("status").lower()
    if status not in STATUSES:
        raise row.fault(f"found {shown(status)}, expected {', '.join(STATUSES)}", "status")
    has_value, sd = row.optional("value") != "", row.number_in("sd")
    if status == UNMEASURED and (has_value or sd > 0):
        raise row.fault("an unmeasured variable has neither value nor sd; call it measured, or use start", "value")
    if status != UNMEASURED and not has_value:
        raise row.fault(f"a {status} variable without a value; give one, or call it {UNMEASURED}", "value")
    if status == MEASURED and not sd > 0:
        raise row.fault(f"a measured variable needs an sd above zero; give one, or call it {CONSTANT}", "sd")
    if status == CONSTANT and sd > 0:
        raise row.fault(f"a constant has no sd; leave it empty, or call it {MEASURED}", "sd")
    return status


def _known(row: Row, column: str, names: Collection[str]) -> str:
    name = row.text(column)
    if name not in names:
        raise row.fault(f"{shown(name)} is not in the list of variables; add it there or mend the cell", column)
    return name


def read_balances(sheet: Sheet, names: Collection[str]) -> dict[str, dict[str, float]]:
    """Return the coefficients of the balances that a sheet tells, by balance and by the variables in `names`.

    Raises TableError for a variable that is not there or stands twice in a balance, or an empty coefficient.
    """
    balances: dict[str, dict[str, float]] = {}
    for row in sheet.restrict(["balance", "variable", "coefficient"], []).rows:
        terms = balances.setdefault(row.text("balance"), {})
        name = _known(row, "variable", names)
        if name in terms:
            raise row.fault(f"{shown(name)} stands twice in this balance; add the coefficients up", "variable")
        if not row.optional("coefficient"):
            raise row.fault("found an empty cell, expected a number", "coefficient")
        terms[name] = row.number_in("coefficient")
    return balances


def read_covariances(sheet: Sheet, names: Collection[str], sd: Mapping[str, float]) -> dict[tuple[str, str], float]:
    """Return the covariances that a sheet tells, by pairs of the variables in `names`; `sd` has the measured ones.

    Raises TableError for a variable that is not there or not measured, a pair told twice, or too large a covariance.
    """
    covariances: dict[tuple[str, str], float] = {}
    for row in sheet.restrict(["variable_a", "variable_b", "covariance"], []).rows:
        one, other = _known(row, "variable_a", names), _known(row, "variable_b", names)
        for column, name in (("variable_a", one), ("variable_b", other)):
            if name not in sd:
                raise row.fault(f"{shown(name)} is not measured and covaries with nothing; take the row out", column)
        if one == other:
            raise row.fault("the diagonal comes from sd; take the row out", "variable_b")
        if (one, other) in covariances or (other, one) in covariances:
            raise row.fault("this pair stands there already; keep one", "variable_b")
        if not row.optional("covariance"):
            raise row.fault("found an empty cell, expected a number", "covariance")
        covariances[one, other] = row.number_in("covariance")
        if abs(covariances[one, other]) > (1 + 1e-9) * sd[one] * sd[other]:
            raise row.fault("larger than the product of the two sds; mend one of the three", "covariance")
    return covariances


def equation_lines(path: Path) -> dict[int, str]:
    """Return the expressions of a file of equations by line; what follows # is a comment, but not within quotes."""
    lines = read_user_text(path, path.name)[0].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    texts = {number: "".join(CODE.findall(line)[:1]).strip() for number, line in enumerate(lines, 1)}
    return {number: text for number, text in texts.items() if text}


def read_relation(text: str, names: Collection[str], fault: Callable[[str], InputError]) -> Expression:
    """Return an expression in the variables `names`; raises what `fault` makes of a problem."""
    try:
        relation = parse(text)
        unknown = next((name for name in relation.variables if name not in names), None)
        problem = (
            f"{shown(unknown)} is not in the list of variables; add it there or mend the line" if unknown else ""
        )
    except ExpressionError as error:
        problem = str(error)
    if not problem:
        return relation
    # A name with a space or a hyphen reads as several unless it is quoted.
    longest = max((name for name in names if not name.isidentifier() and name in text), key=len, default="")
    quoted = f"'{longest}'" if '"' in longest else f'"{longest}"'
    raise fault(problem if not longest or quoted in text else f"{problem}; put {quoted} in quotation marks")


def _relations(path: Path, rows: Mapping[str, Row]) -> dict[str, Expression]:
    """Read one expression a line."""
    relations = {}
    for number, text in equation_lines(path).items():
        fault = partial(TableError, path.name, row=number)
        relations[f"{EQUATIONS} line {number}"] = read_relation(text, rows, fault)
    return relations
