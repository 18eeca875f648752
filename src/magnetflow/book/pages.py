"""Which pages does the build itself write: where do the figures come from, and what was built from what?"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from magnetflow.errors import TableError

SHOWN_VERSIONS = (
    "magnetflow", "numpy", "pandas", "xarray", "pandera", "pint", "plotly", "papermill", "jupytext",
    "jupyter-book", "myst-nb", "sphinx", "sphinx-book-theme",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Return the versions of the packages that shape results and pages."""
    return {name: version(name) for name in SHOWN_VERSIONS}


def check_sources(
    description: Mapping[str, Mapping[str, Any]], tables: Mapping[str, pd.DataFrame], references: str
) -> None:
    """Raise TableError when a row names a source that the bibliography does not hold."""
    known = set(re.findall(r"^@\w+\{([^,\s]+),", references, re.M))
    for name, frame in tables.items():
        unknown = frame.index[~frame["source"].isin(known)]
        if len(unknown):
            problem = (
                f"found {frame.loc[unknown[0], 'source']!r}, which is not a key of book/references.bib; add it there"
            )
            raise TableError(f"data/{description[name]['path']}", problem, int(unknown[0]), "source")


def provenance_page(description: Mapping[str, Mapping[str, Any]], tables: Mapping[str, pd.DataFrame]) -> str:
    """Return the page that lists every table with its sources, as MyST text."""
    parts = [
        "# Provenance of every figure\n",
        "Each figure of this book stands in one row of one table, with its unit, source, locator, licence and mark.",
        "A mark says how the figure was come by: *read* in the named place, *derived* from read figures as the note",
        "tells, *known* but not read again, *assumed*, or *missing*.",
        "This page is made from `datapackage.json` and the tables themselves.\n",
        "Contains public sector information licensed under the Open Government Licence v3.0.\n",
        "```{list-table}\n:header-rows: 1\n:widths: 30 10 60\n\n* - Table\n  - Rows\n  - What it holds",
    ]
    for name, table in description.items():
        parts.append(f"* - [{table['title']}](#table-{name})\n  - {len(tables[name])}\n  - {table['description']}")
    parts.append("```\n")
    for name, table in description.items():
        parts.append(_table_section(name, table, tables[name]))
    return "\n".join(parts)


def timings_page(table: pd.DataFrame, draws: pd.DataFrame, recovery: pd.DataFrame, cell: pd.DataFrame) -> str:
    """Return the page on times and memory, as MyST text, from the committed tables of four runs."""
    parts = [
        "# Time and memory of reconciliation\n",
        f"{_measured(table)}, each row in a process of its own;",
        "a time says as much about the machine as about the code, so read the rows beside one another.",
        "The systems are random supply chains: each process sends one to three flows to processes at most 40 places",
        "downstream or out of the system, and four fifths of the flows are measured.",
        "All tools minimise the same sum of squares, and except where told flows must not be negative.",
        "The time of magnetflow holds stating the problem, values, classes of all variables, global, nodal and",
        "measurement tests, ranges of unobservable flows, and standard deviations: with the whole covariance up to",
        "2,000 flows, of every flow up to 10,000, and of the 1,000 most adjusted beyond.",
        "The others return values only.\n",
        "The deviation is the largest difference of a measured flow's value from that of magnetflow, in its standard",
        "deviations.",
        "How a bound is held costs most of the difference between the first two rows of a size.",
        f"From 1,000 flows to the largest system the time of magnetflow grows with the power {_exponent(table):.2f} "
        "of the number of flows.",
        "`benchmarks/reconciliation.py` measures again and writes the table, `benchmarks/reconciliation.csv`.\n",
    ]
    for flows, rows in table.groupby(table["flows"].astype(int)):
        parts.append(f"## {flows:,} flows\n\n| tool | s | MB | deviation, σ |\n|---|---:|---:|---:|")
        seconds = [
            f"{float(one):.2g}" if one else note for one, note in zip(rows["seconds"], rows["note"], strict=True)
        ]
        parts += [*_rows(rows.assign(seconds=seconds), "tool", "seconds", "memory_mb", "worst_deviation_sd"), ""]
    shown = draws.assign(
        seconds=[f"{float(one):.2g}" for one in draws["seconds"]],
        draws=[f"{int(one):,}" for one in draws["draws"]],
        each=_each(draws, "draws", 1e6),
    )
    parts += [
        "## Many draws of one system\n",
        f"{_measured(draws)}: the whole system of the United",
        "Kingdom, all elements, with every input drawn and every draw reconciled, as in",
        "{doc}`notebooks/07-monte-carlo`.",
        "The rows that only reconcile start from flows drawn before; those one draw at a time have few draws.",
        "Memory is the peak of the largest process.",
        "`benchmarks/ensemble.py` measures again.\n",
        "| what | draws | s | µs a draw | MB |\n|---|---:|---:|---:|---:|",
        *_rows(shown, "what", "draws", "seconds", "each", "memory_mb"),
        "\n## Balances and equilibria of recovery\n",
        f"{_measured(recovery)}, each row in a process of its own, after",
        "one run that is not counted.",
        "PHREEQC and Cantera are asked for the same equilibrium with the same constants, and do far more besides.",
        "`benchmarks/recovery.py` measures again.\n",
        "| what | ms a run | MB |\n|---|---:|---:|",
        *_rows(recovery.assign(each=_each(recovery, "runs", 1e3)), "what", "each", "memory_mb"),
        "\n## The electrochemical cell\n",
        f"{_measured(cell)}, each row in a process of its own, after",
        "one run that is not counted.",
        "A wall at 200 mV by Poisson's equation, as in {doc}`notebooks/11-verification`; a neutral layer in which",
        "protons react among ions that do not; and neodymium chloride until its cation runs out.",
        "The others are the general solvers of scipy, told the equations of the case by hand: of higher order, so",
        "quicker where profiles are smooth, and for the course in time told that the salt moves as one substance,",
        "which is true of two ions alone.",
        "They know no solids, and electrodes, acids and membranes would have to be written for each case.",
        "Errors are those of the case, and for layers the difference from 3,200 intervals.",
        "`benchmarks/cell.py` measures again.\n",
        "| case | by | ms a run | error | MB |\n|---|---|---:|---:|---:|",
        *_rows(cell.assign(each=_each(cell, "runs", 1e3)), "task", "what", "each", "error", "memory_mb"),
    ]
    return "\n".join(parts)


def _measured(table: pd.DataFrame) -> str:
    return f"Measured on {table['date'].iloc[0]}, {table['machine'].iloc[0]}"


def _each(table: pd.DataFrame, runs: str, units_a_second: float) -> list[str]:
    """Return the time of one of several runs in each row, to two figures or whole units."""
    times = units_a_second * table["seconds"].astype(float) / table[runs].astype(float)
    return [f"{time:,.2g}" if time < 100 else f"{time:,.0f}" for time in times]


def _rows(table: pd.DataFrame, *columns: str) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in zip(*(table[column] for column in columns), strict=True)]


def _exponent(table: pd.DataFrame) -> float:
    """Return the exponent by which the time of the first tool grows from 1,000 flows to the largest size."""
    rows = table[table["tool"] == table["tool"].iloc[0]].astype({"flows": float, "seconds": float})
    seconds = rows.set_index("flows")["seconds"]
    largest = seconds.index.max()
    return float(np.log(seconds[largest] / seconds[1000]) / np.log(largest / 1000))


def _table_section(name: str, table: Mapping[str, Any], frame: pd.DataFrame) -> str:
    digest = table["hash"].removeprefix("sha256:")[:12]
    keys = ", ".join(f"`{key}`" for key in table["schema"]["primaryKey"])
    units = ", ".join(frame["unit"].unique()) if "unit" in frame else "none"
    parts = [
        f"(table-{name})=\n## {table['title']}\n",
        table["description"],
        f"One row for each {keys}; unit: {units}.",
        f"The file is {{download}}`{name}.csv <data/{table['path']}>`, SHA-256 `{digest}…` in the data package.\n",
        "````{dropdown} Sources by group of rows\n```{list-table}\n:header-rows: 1\n:widths: 18 34 8 12 28\n",
        "* - Source\n  - Where\n  - Rows\n  - Mark\n  - Note",
    ]
    columns = ["source", "locator", "licence", "confidence", "note"]
    before = ""
    for group, rows in frame.groupby(columns, sort=False):
        source = str(group[0])
        locator, licence, mark, note = (_text(part) for part in group[1:])
        # A citation is slow to make, so rows of one source in a row cite it once.
        cited = "the same" if source == before else f"{{cite:t}}`{source}`"
        before = source
        parts.append(
            f"* - {cited}; {licence}\n  - {locator}\n  - {len(rows)}\n"
            f'  - <span class="mf-badge mf-{mark}">{mark}</span>\n  - {note}'
        )
    parts.append("```\n````\n")
    return "\n".join(parts)


def about_page(root: Path, parameters: Mapping[str, Any], merged: Mapping[str, Any]) -> str:
    """Return the page that says what this build was made from, as MyST text; it tells no time, so it repeats."""
    parts = [
        "# About this build\n",
        f"Made from {_commit(root)}, with the parameters "
        + ", ".join(f"`{name} = {value}`" for name, value in parameters.items())
        + ".",
        "The same commit with the same lock gives the same pages, byte for byte; so pages carry no date.\n",
        "## Versions\n\n| package | version |\n|---|---|",
        *(f"| {name} | {number} |" for name, number in merged["versions"].items()),
        "\nEvery package is pinned in `requirements.lock`.\n",
        "## Tables read\n\n| table | SHA-256 |\n|---|---|",
        *(f"| `{name}` | `{digest[:16]}…` |" for name, digest in sorted(merged["inputs"].items())),
        "\n## Recorded results\n",
        "Every number that a chapter states is recorded; `make test` holds each against its reference value.\n",
        "| result | value | unit | kind | chapter |\n|---|---:|---|---|---|",
    ]
    for name, result in sorted(merged["results"].items()):
        link = f"[{result['chapter']}](notebooks/{result['chapter']})"
        parts.append(f"| `{name}` | {result['value']:.6g} | {result['unit']} | {result['kind']} | {link} |")
    return "\n".join(parts) + "\n"


def _commit(root: Path) -> str:
    """Name the commit, and say whether tracked files differ from it."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        changed = git("status", "--porcelain", "--untracked-files=no")
    except (subprocess.CalledProcessError, FileNotFoundError):
        return "an archive without version history"
    return f"commit `{commit[:12]}`" + (" with uncommitted changes" if changed else "")


def _text(cell: object) -> str:
    """Keep a cell's text from being read as markup."""
    return re.sub(r"([\\`*_{}\[\]<>$#|~])", r"\\\1", str(cell))
