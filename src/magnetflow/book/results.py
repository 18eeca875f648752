"""Which numbers does a chapter state, and where can each be found again?

`record` glues a number for the prose, writes it to the chapter's fragment of the run record, and keeps it for
the chapter's closing table. The build names the fragment in the environment; without it, as in a notebook
opened by hand, nothing is written.
"""

from __future__ import annotations

import base64
import html
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, SupportsFloat

import numpy as np
import pandas as pd
from IPython.display import HTML
from myst_nb import glue

from magnetflow import tables
from magnetflow.book import registry
from magnetflow.errors import ResultError
from magnetflow.studies.united_kingdom.printed import results as printed_results
from magnetflow.tables.writing import write_whole

FRAGMENT_VARIABLE = "MAGNETFLOW_FRAGMENT"
DIGITS = 12  # of a recorded number; those beyond differ between processors
YEAR = "year"  # the unit of a year


@dataclass(frozen=True)
class Result:
    """One recorded number."""

    value: float
    unit: str
    kind: str
    sd: float | None
    about: str


class _Shown(str):
    """Text that is glued as it reads, without quotes."""

    def __repr__(self) -> str:
        return str(self)


_recorded: dict[str, Result] = {}


def record(name: str, value: SupportsFloat, sd: SupportsFloat | None = None) -> None:
    """Record one result: glue it, write it to the run record, and keep it for the closing table.

    `name` is that of a row of `book/results.csv`, which holds unit, kind and description; `sd` is the standard
    deviation of the value, in the same unit.
    Raises ResultError for a name without a row, one recorded before in this run, or a value that is not finite.
    """
    described = registry.read().get(name)
    if described is None:
        raise ResultError(f"{name} is not in {registry.FILE}; add a row there with its unit, kind and description")
    if name in _recorded and FRAGMENT_VARIABLE in os.environ:
        raise ResultError(f"{name} is recorded twice")
    mean, spread = float(value), None if sd is None else float(sd)
    if not math.isfinite(mean) or (spread is not None and not math.isfinite(spread)):
        raise ResultError(f"{name} is not a finite number: {mean} with sd {spread}")
    rounded = {"value": plain(mean, DIGITS), "sd": plain(spread, DIGITS)}
    _recorded[name] = Result(**rounded, **asdict(described))
    glue(name, _Shown(with_unit(mean, described.unit)), display=False)
    write_fragment()


def write_fragment() -> None:
    """Write the chapter's results and the tables read so far; the build calls it once more when a chapter ends."""
    fragment = os.environ.get(FRAGMENT_VARIABLE)
    if fragment:
        recorded = {name: asdict(result) for name, result in _recorded.items()}
        write_json(Path(fragment), {"results": recorded, "inputs": tables.hashes_read()})


def quote(*names: str) -> None:
    """Glue what the study prints for results of these names, each as `NAME.printed`."""
    printed = printed_results()
    for name in names:
        glue(f"{name}.printed", _Shown(with_unit(*printed[name])), display=False)


def plain(content: Any, digits: int) -> Any:
    """Turn arrays into lists and round numbers to some digits, alike on every machine."""
    if isinstance(content, Mapping):
        if "bdata" in content:  # Plotly packs arrays into base64
            return plain(np.frombuffer(base64.b64decode(content["bdata"]), dtype=content["dtype"]), digits)
        return {key: plain(value, digits) for key, value in content.items()}
    if hasattr(content, "tolist"):
        return plain(content.tolist(), digits)
    if isinstance(content, list | tuple):
        return [plain(item, digits) for item in content]
    if isinstance(content, float):
        return None if math.isnan(content) else float(f"{content:.{digits}g}")  # JSON knows no NaN
    return content


def embedded(content: Any) -> str:
    """Return JSON for a script of the page, which no label in it can end."""
    return json.dumps(content, sort_keys=True).replace("</", r"<\/")


def with_unit(value: float, unit: str) -> str:
    """Return a number as the prose shows it: four figures or whole units at most, with its unit.

    A bare number ends in a word joiner, which shows nothing: myst-nb would read 1,234 as a pair of numbers.
    """
    return number(value) + (f"\N{NO-BREAK SPACE}{unit}" if unit != "1" else "\N{WORD JOINER}")


def number(value: float, unit: str = "") -> str:
    """Return a number rounded for reading: counts and what exceeds 100 whole, then one decimal, then two figures.

    A year, by its `unit`, has no comma.
    """
    return f"{value:.0f}" if unit == YEAR else fixed(value, _decimals(value))


def with_spread(value: float, sd: float) -> str:
    """Return a number with its standard deviation, both to two figures of the latter; nothing for NaN."""
    if math.isnan(value):
        return ""
    if sd == 0:
        return number(value)
    decimals = max(0, 1 - math.floor(math.log10(sd)))
    return f"{fixed(value, decimals)}\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{fixed(sd, decimals)}"


def _decimals(value: float) -> int:
    if abs(value) >= 100 or value == int(value):
        return 0
    return 1 if abs(value) >= 1 else 1 - math.floor(math.log10(abs(value)))


def fixed(value: float, decimals: int) -> str:
    """Return a number with so many decimals, as the pages write it."""
    return f"{value:,.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def closing_table() -> HTML:
    """Return the chapter's recorded numbers, each beside what the study prints for it where it prints one."""
    printed = printed_results()
    rows: list[tuple[str, ...]] = []
    for name, result in _recorded.items():
        ours, theirs = number(result.value, result.unit), ""
        if name in printed:
            value, unit = printed[name]
            theirs = number(value * tables.conversion_factor(unit, result.unit))
        spread = "" if result.sd is None else f" ± {fixed(result.sd, _decimals(result.value))}"
        unit = "" if result.unit in ("1", YEAR) else result.unit
        what = f"{html.escape(result.about)}<br><code>{name}</code>"
        rows.append((what, ours + spread, theirs, unit, badge(result.kind)))
    headings = ["Result", "Here", "Printed", "Unit", "Kind"]
    if not any(row[2] for row in rows):  # a chapter that the study has nothing to set beside
        rows = [(*row[:2], *row[3:]) for row in rows]
        headings.remove("Printed")
    return html_table(headings, rows, numeric=("Here", "Printed"))


def badge(kind: str) -> str:
    """Return the badge of a kind of number or of a confidence mark, as HTML."""
    return f'<span class="mf-badge mf-{kind}">{kind}</span>'


def html_table(headings: list[str], rows: Sequence[tuple[str, ...]], numeric: tuple[str, ...] = ()) -> HTML:
    """Return rows of HTML cells as a table that scrolls by itself on a narrow screen."""
    classes = [' class="mf-number"' if heading in numeric else "" for heading in headings]
    head = "".join(f'<th scope="col"{mark}>{heading}</th>' for heading, mark in zip(headings, classes, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{mark}>{cell}</td>" for cell, mark in zip(row, classes, strict=True)) + "</tr>\n"
        for row in rows
    )
    return HTML(
        f'<div class="mf-table" tabindex="0" role="group" aria-label="table"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>"
    )


def frame_table(frame: pd.DataFrame, badges: tuple[str, ...] = (), decimals: int | None = None) -> HTML:
    """Return a frame as a table of the book, with the columns `badges` as badges.

    Each column of real numbers has the decimals it needs, or all have `decimals`; a NaN is an empty cell.
    """
    numeric = tuple(str(column) for column in frame.columns if pd.api.types.is_float_dtype(frame[column]))
    columns = []
    for column in frame.columns:
        if str(column) in numeric:
            columns.append(_aligned(frame[column], decimals))
        else:
            shown = badge if column in badges else html.escape
            columns.append([shown(str(cell)) for cell in frame[column]])
    rows = list(zip(*columns, strict=True))
    return html_table([html.escape(str(column)) for column in frame.columns], rows, numeric)


def _aligned(values: pd.Series[float], decimals: int | None) -> list[str]:
    """Return the numbers of a column with the same decimals: whole if they are or exceed 100, else one or two."""
    if decimals is None:
        known = values.dropna()
        smallest = known[known != 0].abs().min()
        decimals = 0 if (known % 1 == 0).all() or smallest >= 100 else 1 if smallest >= 1 else 2
    return ["" if math.isnan(value) else fixed(value, decimals) for value in values]


def download(text: str, file: str, label: str) -> HTML:
    """Return a link under which a reader of the page finds a text as a file; it lies in the page itself."""
    content = base64.b64encode(text.encode()).decode()
    link = f'<a download="{file}" href="data:text/csv;charset=utf-8;base64,{content}">{html.escape(label)}</a>'
    return HTML(f'<p class="mf-download">{link}</p>')


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write sorted JSON whole or not at all."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    write_whole(path.parent, {path.name: text.encode()})
