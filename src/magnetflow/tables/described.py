"""Which figures does a table hold, and can each be trusted as written?

Constants of nature lie inside this Python package; the figures of a study lie in the `data/` of its compendium.
Both are data packages, a folder each, whose `datapackage.json` (Frictionless Data Package) describes every table of
it: fields, units, keys and hash. A table is found by its name, whichever package holds it.
A table is checked against that description each time it is read; what does not fit is a `TableError`
that names the file, the row as a text editor counts it, the column, and what was expected instead.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from magnetflow.errors import InputError, TableError
from magnetflow.tables.text import read_text, split_rows

SHIPPED = Path(__file__).resolve().parents[1]  # the Python package, some of whose folders are data packages
DESCRIBED = {"name", "path", "title", "description", "hash", "schema"}
NUMBERS = {"number": np.float64, "integer": np.int64}

_read_hashes: dict[str, str] = {}
# Tables checked in this process, by all that the outcome depends on: file, description, and the tables referred to.
_checked: dict[tuple[str, ...], pd.DataFrame] = {}


def find_data() -> Path:
    """Return the folder `data/` of the compendium that the working directory lies in."""
    data = _data_here()
    if data is None:
        raise InputError("no data/*/datapackage.json here or in a folder above; start from the compendium's folder")
    return data


def _data_here() -> Path | None:
    folders = (folder / "data" for folder in [Path.cwd(), *Path.cwd().parents])
    return next((data for data in folders if packages(data)), None)


def packages(data: Path) -> list[Path]:
    """Return the `datapackage.json` of each data package in `data`, sorted."""
    return sorted(data.glob("*/datapackage.json"))


@cache
def shipped_packages() -> list[Path]:
    """Return the `datapackage.json` of each data package that the Python package ships, sorted."""
    return sorted(SHIPPED.rglob("datapackage.json"))


def describe(data: Path | None = None) -> dict[str, dict[str, Any]]:
    """Return the description of every table by its name: those that are shipped, and those in the packages of `data`.

    Without `data` the compendium is that of the working directory, if there is one.
    `file` is where the table lies; `path` is the same, counted from `data` or from the Python package.
    Raises TableError where a description lacks something, or describes a table that has been described already.
    """
    data = data or _data_here()
    described = _shipped()
    if data:
        if not packages(data):
            raise TableError(short(data), "no datapackage.json in a folder of it describes a table; restore one")
        _describe(packages(data), data, described)
    return described


def _shipped() -> dict[str, dict[str, Any]]:
    return _describe(shipped_packages(), SHIPPED, {})


def _describe(paths: list[Path], folder: Path, described: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Add the tables of packages below a folder to those described before; return all of them."""
    path = folder
    try:
        for path in paths:
            for resource in json.loads(path.read_text(encoding="utf-8"))["resources"]:
                lacking = DESCRIBED - set(resource)
                name = resource.get("name", "a table without a name")
                if lacking:
                    raise TableError(short(path), f"{name} lacks {min(lacking)}; describe it as the other tables are")
                if name in described:
                    problem = f"{name} is described already, as {short(described[name]['file'])}"
                    raise TableError(short(path), f"{problem}; rename one, or keep one")
                file = path.parent / resource["path"]
                described[name] = resource | {"file": file, "path": file.relative_to(folder).as_posix()}
        for name, resource in described.items():
            path = resource["file"].parent / "datapackage.json"
            _check_schema(name, resource["schema"], set(described), path)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TableError(short(path), f"not a data package ({error}); restore it") from None
    return described


def short(path: Path) -> str:
    """Name a file as the user finds it: from the compendium's folder, or in the Python package."""
    parts = path.relative_to(SHIPPED.parent).parts if path.is_relative_to(SHIPPED) else path.parts[-3:]
    return "/".join(parts)


def _keys(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the foreign keys of a table; the standard knows none into another package, so these are listed apart."""
    return [*schema.get("foreignKeys", []), *schema.get("foreignKeysAcrossPackages", [])]


def _check_schema(name: str, schema: dict[str, Any], tables: set[str], path: Path) -> None:
    """Raise TableError when a schema names no field, key or table that is there."""
    fields = {field["name"]: (field["type"], field["description"]) for field in schema["fields"]}
    keys = _keys(schema)
    columns = [*schema["primaryKey"], *(column for key in keys for column in key["fields"])]
    strangers = [column for column in columns if column not in fields]
    strangers += {key["reference"]["resource"] for key in keys} - tables
    if strangers or not schema["primaryKey"]:
        raise TableError(short(path), f"the keys of {name} name {(strangers or ['nothing'])[0]}; mend its schema")


def read(name: str, data: Path | None = None) -> pd.DataFrame:
    """Read one table and check it against its description.

    What is shipped is found from anywhere; `data`, or the compendium of the working directory, holds all others.
    Returns a frame with the columns in the order of the file; `value` is float, years are int, the rest is text.
    Raises TableError at the first thing that does not fit.
    """
    described = _shipped()
    if name not in described:
        data = data or _data_here()
        if data is None:
            raise InputError(f"no table named {name} here; start from the compendium's folder")
        described = describe(data)
        if name not in described:
            raise TableError(short(data), f"no table named {name}; the tables are {', '.join(sorted(described))}")
    schema = described[name]["schema"]
    keys = _keys(schema)
    tables = [name, *(key["reference"]["resource"] for key in keys)]
    paths = [described[table]["file"] for table in tables]
    texts, hashes = zip(*(read_text(path, short(path)) for path in paths), strict=True)
    _read_hashes[name] = hashes[0]
    state = (str(paths[0]), json.dumps(schema, sort_keys=True), *hashes)
    if state not in _checked:
        cells, *others = (
            _cells(text, short(path), described[table]["schema"])
            for table, path, text in zip(tables, paths, texts, strict=True)
        )
        frame = _typed(cells, short(paths[0]), schema)
        _check_key(frame, short(paths[0]), schema["primaryKey"])
        for key, other in zip(keys, others, strict=True):
            _check_reference(frame, short(paths[0]), key, other)
        _checked[state] = frame
    return _checked[state].copy()


def read_all(data: Path | None = None) -> dict[str, pd.DataFrame]:
    """Read and check every table that is shipped or in `data`, by name."""
    return {name: read(name, data) for name in sorted(describe(data))}


def hashes_read() -> dict[str, str]:
    """Return the SHA-256 of each table read so far in this process, by table name."""
    return dict(sorted(_read_hashes.items()))


def _cells(text: str, file: str, schema: dict[str, Any]) -> pd.DataFrame:
    """Return the cells of a table as text, by the number of their row; every row has every column."""
    columns = [field["name"] for field in schema["fields"]]
    (_, header), *rows = split_rows(text, file) or [(1, [])]
    missing = [column for column in columns if column not in header]
    if missing:
        raise TableError(file, f"the header lacks {missing[0]}; expected {', '.join(columns)}", 1, missing[0])
    if len(header) != len(columns):
        stray = next((column for column in header if column not in columns), max(header, key=header.count))
        raise TableError(file, "unknown or repeated column; remove it or describe it", 1, stray)
    for number, cells in rows:
        if len(cells) != len(header):
            raise TableError(file, f"found {len(cells)} cells, expected {len(header)}", number)
    if not rows:
        raise TableError(file, "no rows; restore the table")
    numbers, lines = zip(*rows, strict=True)
    return pd.DataFrame(lines, columns=header, index=numbers, dtype=object)


def _typed(cells: pd.DataFrame, file: str, schema: dict[str, Any]) -> pd.DataFrame:
    """Check each cell against type and constraints; return the frame with numbers as numbers."""
    frame = cells.copy()
    for field in schema["fields"]:
        if field["type"] in NUMBERS:
            frame[field["name"]] = _numbers(cells, file, field).astype(NUMBERS[field["type"]])
    faults = []
    for field in schema["fields"]:
        wrong = _outside(frame[field["name"]], field)
        if wrong.any():
            faults.append((int(frame.index[wrong][0]), field["name"], _expectation(field)))
    if faults:
        row, column, expected = min(faults)
        raise TableError(file, f"found {_shown(frame.at[row, column])}, expected {expected}", row, column)
    return frame


def _numbers(frame: pd.DataFrame, file: str, field: dict[str, Any]) -> pd.Series[float]:
    """Return a column as numbers: NaN where the row is marked missing, if the field may lack a value."""
    cells = frame[field["name"]]
    optional = field["type"] == "number" and not field.get("constraints", {}).get("required")
    marked = optional and "confidence" in frame
    missing = frame["confidence"] == "missing" if marked else pd.Series(False, index=frame.index)
    filled = missing & (cells != "")
    _refuse_first(cells, filled, file, " in a row marked missing; empty the cell or mend the mark")
    numbers: pd.Series[float] = pd.to_numeric(cells, errors="coerce").astype(float)
    wrong = ~numbers.abs().lt(np.inf) & ~missing
    if field["type"] == "integer":
        wrong |= numbers % 1 != 0
    _refuse_first(cells, wrong, file, f", expected {_expectation(field)}")
    return numbers


def _refuse_first(cells: pd.Series[Any], wrong: pd.Series[bool], file: str, problem: str) -> None:
    """Raise TableError at the first cell of a column that is wrong, if there is one."""
    if wrong.any():
        row = int(cells.index[wrong][0])
        raise TableError(file, f"found {_shown(cells[row])}{problem}", row, str(cells.name))


def _outside(column: pd.Series[Any], field: dict[str, Any]) -> pd.Series[bool]:
    """Tell of each cell of a column whether it breaks a constraint of its field; a missing figure breaks none."""
    limits = field.get("constraints", {})
    wrong = pd.Series(False, index=column.index)
    if "minimum" in limits:
        wrong |= column < limits["minimum"]
    if "maximum" in limits:
        wrong |= column > limits["maximum"]
    if "enum" in limits:
        wrong |= column.notna() & ~column.isin(limits["enum"])
    if "pattern" in limits:
        wrong |= ~column.str.fullmatch(limits["pattern"])
    if limits.get("required") and field["type"] == "string":
        wrong |= ~column.str.match(r"\S")
    return wrong


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


def _check_key(frame: pd.DataFrame, file: str, key: list[str]) -> None:
    """Check that no two rows have the same primary key."""
    repeated = frame.duplicated(key)
    if repeated.any():
        row = int(frame.index[repeated][0])
        first = frame.index[frame[key].eq(frame.loc[row, key]).all(axis=1)][0]
        found = ", ".join(str(cell) for cell in frame.loc[row, key])
        raise TableError(file, f"{found} stands already in row {first}; keep one", row, key[-1])


def _check_reference(frame: pd.DataFrame, file: str, key: dict[str, Any], other: pd.DataFrame) -> None:
    """Check that another table lists every cell of the column that refers to it."""
    [column], [target] = key["fields"], key["reference"]["fields"]
    problem = f", which {key['reference']['resource']} does not list; add it there or mend the cell"
    _refuse_first(frame[column], ~frame[column].isin(other[target]), file, problem)
