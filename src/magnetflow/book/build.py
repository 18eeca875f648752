"""How does the book come about, from notebooks and tables to pages?

Check the tables, bring the notebook pairs into agreement, run what has changed, lay the sources out in `_build/src`,
let Jupyter Book turn them into pages in `_build/book`, and only then put them in the place of the last good ones.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import distribution
from pathlib import Path
from string import Template
from typing import Any

import plotly.offline
import yaml
from tqdm import tqdm

from magnetflow import tables
from magnetflow.book import execution, pages, pairs, reads, registry, results
from magnetflow.errors import BuildError, InputError
from magnetflow.studies.united_kingdom import estimates, printed

PAGES = ("_toc.yml", "index.md", "references.bib", "results.csv", "provenance.md", "about.md")
NEEDED = ("_config.yml", "requirements.lock", "notebooks", *(f"book/{name}" for name in PAGES))


def default_parameters(root: Path) -> dict[str, Any]:
    """Return what the chapters run with unless told otherwise: the years and elements of the study, and a seed."""
    return {"years": list(printed.years(root / "data")), "elements": list(estimates.ELEMENTS), "seed": 1}


def build(root: Path, parameters: Mapping[str, Any]) -> Path:
    """Build the book of the compendium at `root`, after any other build of it; return its front page.

    `parameters` replace those of `default_parameters` that they name.

    Raises InputError when a table is wrong or a file is missing, and BuildError when a notebook or a page fails;
    in either case `_build/html` is left as it was.
    """
    for name in NEEDED:
        if not (root / name).exists():
            raise InputError(f"{name}: no such file; restore it")
    (root / "_build").mkdir(exist_ok=True)
    with locked(root / "_build" / "lock"):
        return _build(root, default_parameters(root) | dict(parameters))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file from all others who would lock it; they wait until it is closed."""
    with path.open("w") as file:
        if sys.platform == "win32":
            import msvcrt

            while True:
                with suppress(OSError):  # after ten seconds of waiting
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(root: Path, parameters: Mapping[str, Any]) -> Path:
    """Take the steps of the build one after another, and report each."""
    started = time.monotonic()
    final, old = root / "_build" / "html", root / "_build" / "html.old"
    if old.exists() and not final.exists():  # a build was stopped before it had put the new book in place of the old
        old.replace(final)
    with _progress(len(pairs.stems(root / "notebooks")) + 4) as report:
        frames = tables.read_all(root / "data")
        references = (root / "book" / "references.bib").read_text(encoding="utf-8")
        pages.check_sources(tables.describe(root / "data"), frames, references)
        registry.read(root)
        report("tables", f"{sum(map(len, frames.values()))} rows checked")
        synced = pairs.sync(root / "notebooks", root / "_build" / "pairs")
        report("pairs", f"{len(synced)} files written" if synced else "in agreement")
        failures = execution.run_notebooks(root, parameters, report)
        if failures:
            kind = InputError if all(failure.of_input for failure in failures) else BuildError
            raise kind("\n".join(map(str, failures)))
        merged = execution.merge(root, pages.versions())
        if parameters == default_parameters(root):  # fewer elements have fewer results
            registry.check_recorded(root, merged["results"])
        key = stage(root, parameters, frames, merged)
        report("sources", "laid out")
        report("pages", "built" if render(root, key) else "unchanged")
    facts = {"seconds": round(time.monotonic() - started, 1), "cores": os.cpu_count(), "python": sys.version}
    results.write_json(root / "_build" / "run.json", facts)
    return final / "index.html"


@contextmanager
def _progress(steps: int) -> Iterator[Callable[[str, str], None]]:
    """Show a bar on a terminal, or a line a step in a log; yield what reports the outcome of a step."""
    shape = "{desc:<34} {bar:30} {n_fmt}/{total_fmt}"
    with tqdm(total=steps, unit="step", bar_format=shape, disable=None) as bar:

        def report(step: str, outcome: str) -> None:
            bar.set_description_str(f"{step}: {outcome}")
            bar.update()
            if bar.disable:
                print(f"{step}: {outcome}", flush=True)

        yield report


def stage(root: Path, parameters: Mapping[str, Any], frames: Mapping[str, Any], merged: Mapping[str, Any]) -> str:
    """Lay out everything the book is made from in `_build/src`; return the hash of it all."""
    source = root / "_build" / "src"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(root / "book", source, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "_config.yml").write_text(_config(root, parameters), encoding="utf-8")
    described = tables.describe(root / "data")
    for table in described.values():  # readers find those of the package beside those of the compendium
        place = source / "data" / table["path"]
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(table["file"], place)
    (source / "notebooks").mkdir()
    for stem in pairs.stems(root / "notebooks"):
        shutil.copy(execution.executed(root, stem), source / "notebooks")
    _fill(source / "provenance.md", pages.provenance(described, frames))
    _fill(source / "about.md", pages.about(root, parameters, merged))
    (source / "_assets" / "plotly.min.js").write_text(plotly.offline.get_plotlyjs(), encoding="utf-8")
    _copy_mathjax(source / "_assets" / "mathjax")
    files = [path for path in source.rglob("*") if path.is_file()]
    docstrings = execution.hash_of(b"", reads.PACKAGE, reads.PACKAGE.rglob("*.py"))  # which a page may quote
    return execution.hash_of((root / "requirements.lock").read_bytes() + docstrings.encode(), source, files)


def _fill(page: Path, parts: Mapping[str, str]) -> None:
    """Put into a page what it leaves open for the build."""
    page.write_text(Template(page.read_text(encoding="utf-8")).substitute(parts), encoding="utf-8")


def _config(root: Path, parameters: Mapping[str, Any]) -> str:
    """Return the configuration, with a banner on every page when the book is built with other parameters."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    usual = default_parameters(root)
    if parameters != usual:
        given = ", ".join(f"{name} {value}" for name, value in parameters.items())
        own_of = {stem: execution.own_parameters(root, stem, parameters) for stem in pairs.stems(root / "notebooks")}
        changed = [stem for stem, own in own_of.items() if any(usual[name] != value for name, value in own.items())]
        banner = f"A variant, built with {given}, which changes {', '.join(changed) or 'no chapter'}."
        banner += " All other chapters, all prose and printed values are those of the study."
        config["sphinx"]["config"]["html_theme_options"]["announcement"] = banner
    return str(yaml.safe_dump(config, sort_keys=True, allow_unicode=True))


def _copy_mathjax(target: Path) -> None:
    """Copy the one MathJax component the pages load, with its fonts."""
    package = distribution("sphinx-mathjax-offline")
    mathjax = Path(str(package.locate_file("sphinx-mathjax-offline"))) / "static" / "mathjax"
    target.mkdir(parents=True)
    shutil.copy(mathjax / "tex-mml-chtml.js", target)
    fonts = Path("output") / "chtml" / "fonts" / "woff-v2"
    shutil.copytree(mathjax / fonts, target / fonts)


def render(root: Path, key: str) -> bool:
    """Turn `_build/src`, of this hash, into pages; return whether that was due.

    They take the place of the last good ones only if there was no warning; else BuildError is raised with them all.
    """
    built, key_file = root / "_build" / "book", root / "_build" / "html.key"
    final, old = root / "_build" / "html", root / "_build" / "html.old"
    if (final / "index.html").exists() and key_file.exists() and key_file.read_text(encoding="utf-8") == key:
        return False
    key_file.unlink(missing_ok=True)
    shutil.rmtree(built, ignore_errors=True)
    jupyter_book = "from jupyter_book.cli.main import main; main()"  # its script lies elsewhere on each system
    command = [sys.executable, "-c", jupyter_book, "build", str(root / "_build" / "src")]
    command += ["--path-output", str(built), "-W", "-n", "--keep-going", "--quiet"]
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    environment.pop("SOURCE_DATE_EPOCH", None)
    outcome = subprocess.run(command, capture_output=True, text=True, env=environment)
    log = re.sub(r"\x1b\[[0-9;]*m", "", outcome.stdout + outcome.stderr).replace(f"{root}/_build/src/", "")
    (root / "_build" / "book.log").write_text(log, encoding="utf-8")
    if outcome.returncode:
        lines = log.splitlines()
        faults = [line for line in lines if "WARNING:" in line or "ERROR:" in line] or lines[-15:]
        raise BuildError("the pages have faults (all of it in _build/book.log):\n" + "\n".join(faults))
    # Sphinx's note to itself hashes paths of this machine; the next build starts afresh and has no use for it.
    (built / "_build" / "html" / ".buildinfo").unlink(missing_ok=True)
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.replace(old)
    (built / "_build" / "html").replace(final)
    shutil.rmtree(old, ignore_errors=True)
    key_file.write_text(key, encoding="utf-8")
    return True
