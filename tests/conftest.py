"""What several tests need: the built book of this checkout, and a small compendium that a test may spoil."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
MAGNETFLOW = Path(sys.executable).with_name("magnetflow")

# A slow machine is no failure, and a run is the same each time.
settings.register_profile("magnetflow", deadline=None, derandomize=True)
settings.load_profile("magnetflow")

HEADER = """---
jupytext:
  formats: ipynb,md:myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---
"""

# The tables of the small compendium: what its notebooks, its parameters and the closing table read.
SMALL = {"wind_capacity", "wind_additions", "processes", "published_results", "study_years"}
SMALL |= {"generator_intensity", "generator_shares", "generator_types"}

NOTEBOOK = (
    HEADER
    + """
# {title}

```{{code-cell}} python
:tags: [parameters]

years = [2021]
elements = ["Nd"]
seed = 1
```

```{{code-cell}} python
from magnetflow import tables
from magnetflow.book.results import closing_table, record

{code}
```

Recorded: {{glue:text}}`{name}`.

```{{code-cell}} python
closing_table()
```
"""
)


def run_magnetflow(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the console command in `folder`, as a user would."""
    environment = {name: text for name, text in os.environ.items() if name != "MAGNETFLOW_FRAGMENT"}
    return subprocess.run([MAGNETFLOW, *arguments], cwd=folder, capture_output=True, text=True, env=environment)


def write_notebook(folder: Path, stem: str, name: str, code: str) -> None:
    """Write one notebook that records `name`."""
    text = NOTEBOOK.format(title=f"Chapter {stem}", code=code, name=name)
    (folder / "notebooks" / f"{stem}.md").write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def book() -> Path:
    """Build the book of this checkout and return the folder of its pages."""
    outcome = run_magnetflow(ROOT, "build")
    assert outcome.returncode == 0, outcome.stderr
    return ROOT / "_build" / "html"


@pytest.fixture(scope="session")
def recorded(book: Path) -> dict[str, Any]:
    """Return the run record of the book of this checkout."""
    content: dict[str, Any] = json.loads((ROOT / "_build" / "results.json").read_text(encoding="utf-8"))
    return content


def small_compendium(folder: Path) -> Path:
    """Write a compendium of two small notebooks on the real tables."""
    for name in ("data", "book/_ext", "book/_assets"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("_config.yml", "requirements.lock", "book/references.bib"):
        shutil.copy(ROOT / name, folder / name)
    for page in ("references", "provenance", "about"):
        shutil.copy(ROOT / "book" / f"{page}.md", folder / "book")
    for path in (folder / "data").glob("*/datapackage.json"):
        package = json.loads(path.read_text(encoding="utf-8"))
        package["resources"] = [table for table in package["resources"] if table["name"] in SMALL]
        path.write_text(json.dumps(package), encoding="utf-8")
    (folder / "notebooks").mkdir()
    capacity = 'frame = tables.read("wind_capacity")\nvalue = float(frame["value"].sum())'
    processes = 'value = len(tables.read("processes"))'
    for stem, name, code in (("01-wind", "wind.sum", capacity), ("02-system", "system.count", processes)):
        write_notebook(folder, stem, name, f'{code}\nrecord("{name}", value)')
    rows = ["system.count,1,arithmetic,processes", "wind.sum,1,arithmetic,a sum"]
    (folder / "book" / "results.csv").write_text("\n".join(["result,unit,kind,about", *rows, ""]), encoding="utf-8")
    (folder / "book" / "index.md").write_text("# A small book\n\nIt has two chapters.\n", encoding="utf-8")
    pages = ["notebooks/01-wind", "notebooks/02-system", "provenance", "references", "about"]
    toc = "format: jb-book\nroot: index\nchapters:\n" + "".join(f"- file: {page}\n" for page in pages)
    (folder / "book" / "_toc.yml").write_text(toc, encoding="utf-8")
    return folder


@pytest.fixture
def compendium(tmp_path: Path) -> Path:
    """Return a compendium of two small notebooks, in a folder of its own."""
    return small_compendium(tmp_path)


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small compendium that is built; not to be touched."""
    folder = small_compendium(tmp_path_factory.mktemp("small"))
    outcome = run_magnetflow(folder, "build")
    assert outcome.returncode == 0, outcome.stderr
    return folder


@pytest.fixture
def built_compendium(built_once: Path, tmp_path: Path) -> Path:
    """Return a compendium of two small notebooks with its book, in a folder of its own."""
    return Path(shutil.copytree(built_once, tmp_path / "compendium"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that skipped something where nothing may be skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("MAGNETFLOW_FAIL_ON_SKIP") and reporter and reporter.stats.get("skipped"):
        reporter.write_line("skipped tests are failures here (MAGNETFLOW_FAIL_ON_SKIP)", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
