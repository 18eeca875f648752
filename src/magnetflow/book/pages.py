"""What does the build fill into pages of the book: where do the figures come from, and what was built from what?"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from magnetflow.errors import TableError
from magnetflow.tables.described import short

SHOWN_VERSIONS = (
    "magnetflow", "numpy", "pandas", "scipy", "xarray", "plotly", "papermill", "jupytext",
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
            raise TableError(short(description[name]["file"]), problem, int(unknown[0]), "source")


def provenance(description: Mapping[str, Mapping[str, Any]], tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Return the list of all tables, and a section on each with its sources, as MyST text."""
    listed = [
        f"* - [{table['title']}](#table-{name})\n  - {len(tables[name])}\n  - {table['description']}"
        for name, table in description.items()
    ]
    sections = [_table_section(name, table, tables[name]) for name, table in description.items()]
    return {"tables": "\n".join(listed), "sections": "\n".join(sections)}


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


def about(root: Path, parameters: Mapping[str, Any], merged: Mapping[str, Any]) -> dict[str, str]:
    """Return what this build was made from and what it recorded, as MyST text; it tells no time, so it repeats."""
    results = []
    for name, result in sorted(merged["results"].items()):
        link = f"[{result['chapter']}](notebooks/{result['chapter']})"
        results.append(f"| `{name}` | {result['value']:.6g} | {result['unit']} | {result['kind']} | {link} |")
    return {
        "commit": _commit(root),
        "parameters": ", ".join(f"`{name} = {value}`" for name, value in parameters.items()),
        "versions": "\n".join(f"| {name} | {number} |" for name, number in merged["versions"].items()),
        "tables": "\n".join(f"| `{name}` | `{digest[:16]}…` |" for name, digest in sorted(merged["inputs"].items())),
        "results": "\n".join(results),
    }


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
