"""Which figures does a table hold, and can each be trusted as written?

`data/` holds data packages, a folder each, whose `datapackage.json` (Frictionless Data Package) describes every
table of it: fields, units, keys and hash. A table is found by its name, whichever package holds it.
A table is checked against that description each time it is read; what does not fit is a `TableError`
that names the file, the row as a text editor counts it, the column, and what was expected instead.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pandera.pandas as pandera
import xarray as xr

from magnetflow.errors import InputError, TableError
from magnetflow.tables.text import read_text, rows_of, short

if TYPE_CHECKING:
    from pint import UnitRegistry

PROVENANCE = ["source", "locator", "licence", "confidence", "note"]
DESCRIBED = {"name", "path", "title", "description", "hash", "schema"}
NUMBERS = {"number": np.float64, "integer": np.int64}

_read_hashes: dict[str, str] = {}
# Tables checked in this process, by all that the outcome depends on: file, description, and the tables referred to.
_checked: dict[tuple[str, ...], pd.DataFrame] = {}


def find_data() -> Path:
    """Return the folder `data/` of the compendium that the working directory lies in."""
    for folder in [Path.cwd(), *Path.cwd().parents]:
        if packages(folder / "data"):
            return folder / "data"
    raise InputError("no data/*/datapackage.json here or in a folder above; start from the compendium's root")


def packages(data: Path) -> list[Path]:
    """Return the `datapackage.json` of each data package in `data`, sorted."""
    return sorted(data.glob("*/datapackage.json"))


def describe(data: Path | None = None) -> dict[str, dict[str, Any]]:
    """Return the description of every table in the packages of `data`, by table name; its `path` counts from `data`.

    Raises TableError where a description lacks something, or describes a table that has been described already.
    """
    data = data or find_data()
    described: dict[str, dict[str, Any]] = {}
    path = data
    try:
        for path in packages(data):
            for resource in json.loads(path.read_text(encoding="utf-8"))["resources"]:
                lacking = DESCRIBED - set(resource)
                name = resource.get("name", "a table without a name")
                if lacking:
                    raise TableError(short(path), f"{name} lacks {min(lacking)}; describe it as the other tables are")
                if name in described:
                    problem = f"{name} is described already, as {described[name]['path']}; rename one, or keep one"
                    raise TableError(short(path), problem)
                described[name] = resource | {"path": f"{path.parent.name}/{resource['path']}"}
        for name, resource in described.items():
            path = data / Path(resource["path"]).parent / "datapackage.json"
            _check_schema(name, resource["schema"], set(described), path)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TableError(short(path), f"not a data package ({error}); restore it") from None
    if not described:
        raise TableError(short(data), "no datapackage.json in a folder of it describes a table; restore one")
    return described


def _check_schema(name: str, schema: dict[str, Any], tables: set[str], path: Path) -> None:
    """Raise TableError when a schema names no field, key or table that is there."""
    fields = {field["name"]: (field["type"], field["description"]) for field in schema["fields"]}
    named = [*schema["primaryKey"], *(key for other in schema.get("foreignKeys", []) for key in other["fields"])]
    strangers = [key for key in named if key not in fields]
    strangers += [
        other["reference"]["resource"]
        for other in schema.get("foreignKeys", [])
        if other["reference"]["resource"] not in tables
    ]
    if strangers or not schema["primaryKey"]:
        raise TableError(short(path), f"the keys of {name} name {(strangers or ['nothing'])[0]}; mend its schema")


def read(name: str, data: Path | None = None) -> pd.DataFrame:
    """Read one table and check it against its description.

    Returns a frame with the columns in the order of the file; `value` is float, years are int, the rest is text.
    Raises TableError at the first thing that does not fit.
    """
    data = data or find_data()
    description = describe(data)
    if name not in description:
        raise TableError(short(data), f"no table named {name}; the tables are {', '.join(sorted(description))}")
    path = data / description[name]["path"]
    schema = description[name]["schema"]
    text, digest = read_text(path)
    _read_hashes[name] = digest
    others = [data / description[key["reference"]["resource"]]["path"] for key in schema.get("foreignKeys", [])]
    state = (
        str(path),
        digest,
        json.dumps(description[name], sort_keys=True),
        *(read_text(file)[1] for file in others),
    )
    if state not in _checked:
        frame = rows_of(text, path, [field["name"] for field in schema["fields"]])
        frame = _check_cells(frame, path, schema)
        _check_keys(frame, path, schema, data, description)
        _checked[state] = frame
    return _checked[state].copy()


def read_all(data: Path | None = None) -> dict[str, pd.DataFrame]:
    """Read and check every table of `data`, by name."""
    return {name: read(name, data) for name in sorted(describe(data))}


def hashes_read() -> dict[str, str]:
    """Return the SHA-256 of each table read so far in this process, by table name."""
    return dict(sorted(_read_hashes.items()))


def in_unit(frame: pd.DataFrame, unit: str) -> pd.Series[float]:
    """Return the column `value` converted from each row's own unit to `unit`."""
    factors = {given: conversion_factor(given, unit) for given in frame["unit"].unique()}
    return frame["value"].astype(float) * frame["unit"].map(factors)


@lru_cache
def conversion_factor(given: str, wanted: str) -> float:
    """Return what a value in `given` is multiplied by to stand in `wanted`."""
    return 1.0 if given == wanted else _converted(given, wanted)


def _converted(given: str, wanted: str) -> float:
    from pint.errors import PintError

    try:
        return float(units().Quantity(1.0, given).to(wanted).magnitude)
    except (PintError, ValueError) as error:
        raise InputError(f"a value in {given} cannot be told in {wanted}: {error}") from None


@lru_cache
def units() -> UnitRegistry[float]:
    """Return the units that figures may have; slow to set up, and most tables stand in the unit that is wanted."""
    from pint import UnitRegistry

    registry: UnitRegistry[float] = UnitRegistry()
    registry.define("GBP = [currency]")
    registry.define("USD = [us_dollar]")
    return registry


def to_array(frame: pd.DataFrame, dimensions: Sequence[str], unit: str) -> xr.DataArray:
    """Arrange the values of a table by `dimensions`, in `unit`.

    Coordinates keep the order of the table.
    A combination without a row is NaN: a figure that is not there is never zero.
    """
    values = in_unit(frame, unit).set_axis(pd.MultiIndex.from_frame(frame[list(dimensions)]))
    array = xr.DataArray.from_series(values)
    array = array.reindex({name: frame[name].unique() for name in dimensions})
    return array.transpose(*dimensions).assign_attrs(unit=unit)


def _check_cells(frame: pd.DataFrame, path: Path, schema: dict[str, Any]) -> pd.DataFrame:
    """Check each cell against type and constraints; return the frame with numbers as numbers."""
    typed = frame.copy()
    for field in schema["fields"]:
        if field["type"] in NUMBERS:
            typed[field["name"]] = _numbers(frame[field["name"]], path, field, _is_missing(frame, field))
    expected = pandera.DataFrameSchema({field["name"]: _column(field) for field in schema["fields"]})
    try:
        expected.validate(typed, lazy=True)
    except pandera.errors.SchemaErrors as error:
        first = error.failure_cases.sort_values(["index", "column"]).iloc[0]
        field = next(field for field in schema["fields"] if field["name"] == first["column"])
        problem = f"found {_shown(first['failure_case'])}, expected {_expectation(field)}"
        raise TableError(short(path), problem, int(first["index"]), field["name"]) from None
    return typed


def _is_missing(frame: pd.DataFrame, field: dict[str, Any]) -> pd.Series[bool]:
    """Tell in which rows a number is absent: where the row is marked missing, if the field may lack a value."""
    optional = not field.get("constraints", {}).get("required", False)
    if field["type"] != "number" or not optional or "confidence" not in frame:
        return pd.Series(False, index=frame.index)
    return frame["confidence"].eq("missing")


def _numbers(cells: pd.Series[Any], path: Path, field: dict[str, Any], missing: pd.Series[bool]) -> pd.Series[Any]:
    numbers = pd.to_numeric(cells, errors="coerce")
    wrong = ~np.isfinite(numbers.astype(float))
    told = missing & (cells != "")
    if told.any():
        row = int(cells.index[told][0])
        problem = f"found {_shown(cells[row])} in a row marked missing; empty the cell or mend the mark"
        raise TableError(short(path), problem, row, field["name"])
    wrong &= ~missing
    if field["type"] == "integer":
        wrong |= numbers.astype(float) % 1 != 0
    if wrong.any():
        row = int(cells.index[wrong][0])
        problem = f"found {_shown(cells[row])}, expected {_expectation(field)}"
        raise TableError(short(path), problem, row, field["name"])
    whole_or_real: pd.Series[Any] = numbers.astype(NUMBERS[field["type"]])
    return whole_or_real


def _column(field: dict[str, Any]) -> pandera.Column:
    """Turn a Frictionless field into the pandera column that checks it."""
    limits = field.get("constraints", {})
    checks = []
    if "minimum" in limits:
        checks.append(pandera.Check.ge(limits["minimum"]))
    if "maximum" in limits:
        checks.append(pandera.Check.le(limits["maximum"]))
    if "enum" in limits:
        checks.append(pandera.Check.isin(limits["enum"]))
    if "pattern" in limits:
        checks.append(pandera.Check.str_matches(f"^(?:{limits['pattern']})$"))
    if limits.get("required") and field["type"] == "string":
        checks.append(pandera.Check.str_matches(r"\S"))
    return pandera.Column(NUMBERS.get(field["type"], object), checks, nullable=field["type"] == "number")


def _shown(found: Any) -> str:
    if isinstance(found, str):
        return repr(found) if found.strip() else "an empty cell"
    return f"{found:g}"


def _expectation(field: dict[str, Any]) -> str:
    """Say in words what a cell of this field holds."""
    limits = field.get("constraints", {})
    if "enum" in limits:
        return " or ".join(str(choice) for choice in limits["enum"])
    kind = {"number": "a number", "integer": "a whole number"}.get(field["type"], "text")
    bounds = [f"at least {limits['minimum']}"] if "minimum" in limits else []
    bounds += [f"at most {limits['maximum']}"] if "maximum" in limits else []
    return " ".join([kind, " and ".join(bounds)]).strip() + f" ({field['description']})"


def _check_keys(
    frame: pd.DataFrame,
    path: Path,
    schema: dict[str, Any],
    data: Path,
    description: dict[str, dict[str, Any]],
) -> None:
    """Check that the primary key is unique and that every reference to another table is met."""
    key = schema["primaryKey"]
    repeated = frame.duplicated(key)
    if repeated.any():
        row = int(frame.index[repeated][0])
        same = frame[key].eq(frame.loc[row, key]).all(axis=1)
        found = ", ".join(str(cell) for cell in frame.loc[row, key])
        raise TableError(short(path), f"{found} stands already in row {frame.index[same][0]}; keep one", row, key[-1])
    for reference in schema.get("foreignKeys", []):
        [column], target = reference["fields"], reference["reference"]["resource"]
        target_path = data / description[target]["path"]
        columns = [field["name"] for field in description[target]["schema"]["fields"]]
        known = set(rows_of(read_text(target_path)[0], target_path, columns)[reference["reference"]["fields"][0]])
        unknown = ~frame[column].isin(known)
        if unknown.any():
            row = int(frame.index[unknown][0])
            found = _shown(frame.loc[row, column])
            raise TableError(
                short(path),
                f"found {found}, which {target} does not list; add it there or mend the cell",
                row,
                column,
            )
