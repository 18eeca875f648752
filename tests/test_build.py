"""The build on a small compendium: what runs again, what a fault leaves behind, and whether bytes repeat."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT, run_magnetflow, write_notebook

from magnetflow import cli
from magnetflow.book.build import locked


def digests(folder: Path) -> dict[str, str]:
    """Return the hash of every file below `folder`."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def steps(output: str) -> dict[str, str]:
    """Return what the build says of each step."""
    return dict(line.split(": ", 1) for line in output.splitlines() if ": " in line and "book is in" not in line)


@pytest.mark.long
@pytest.mark.xdist_group("small")  # one worker builds the small compendium, once
def test_only_what_changed_is_done_again(built_compendium: Path) -> None:
    html = built_compendium / "_build" / "html"
    built = digests(html)

    again = steps(run_magnetflow(built_compendium, "build").stdout)
    assert again["01-wind"] == again["02-system"] == again["pages"] == "unchanged"
    assert digests(html) == built

    # A page of prose: no notebook runs, the pages are made anew.
    with (built_compendium / "book" / "index.md").open("a", encoding="utf-8") as page:
        page.write("\nAnd a second sentence.\n")
    touched = steps(run_magnetflow(built_compendium, "build").stdout)
    assert touched["01-wind"] == touched["02-system"] == "unchanged"
    assert touched["pages"] == "built"

    # A table: only the notebook that reads it runs, and its number moves in prose and in the record.
    table = built_compendium / "data" / "united_kingdom" / "wind_capacity.csv"
    table.write_text(
        table.read_text(encoding="utf-8").replace("onshore,2009,3471,", "onshore,2009,4471,"),
        encoding="utf-8",
    )
    moved = steps(run_magnetflow(built_compendium, "build").stdout)
    assert moved["01-wind"] == "ran"
    assert moved["02-system"] == "unchanged"
    results = json.loads((built_compendium / "_build" / "results.json").read_text(encoding="utf-8"))["results"]
    shown = f"{results['wind.sum']['value']:,.0f}"
    assert shown in (html / "notebooks" / "01-wind.html").read_text(encoding="utf-8")


@pytest.mark.long
@pytest.mark.xdist_group("small")  # one worker builds the small compendium, once
def test_a_package_counts_wherever_it_lies(built_compendium: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = built_compendium.parent / "site-packages" / "magnetflow"
    shutil.copytree(ROOT / "src" / "magnetflow", package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    for module, outcome in (("inference/reconcile.py", "unchanged"), ("tables/units.py", "ran")):
        with (package / module).open("a", encoding="utf-8") as file:
            file.write("\nCHANGED = True\n")
        again = steps(run_magnetflow(built_compendium, "build").stdout)
        assert again["01-wind"] == again["02-system"] == outcome


@pytest.mark.long
@pytest.mark.xdist_group("small")  # one worker builds the small compendium, once
def test_a_fault_is_told_and_leaves_the_last_good_book(built_compendium: Path) -> None:
    good = digests(built_compendium / "_build" / "html")
    html = built_compendium / "_build" / "html"
    table = built_compendium / "data" / "united_kingdom" / "wind_capacity.csv"

    # A wrong figure: one line, exit 2, the book untouched.
    right = table.read_text(encoding="utf-8")
    table.write_text(right.replace("onshore,2010,4080,MW", "onshore,2010,4080,GWh"), encoding="utf-8")
    wrong = run_magnetflow(built_compendium, "build")
    assert wrong.returncode == 2
    assert "data/united_kingdom/wind_capacity.csv, row 3, column unit: found 'GWh', expected MW or GW" in wrong.stderr
    assert "Traceback" not in wrong.stderr
    assert len(wrong.stderr.strip().splitlines()) == 1
    table.write_text(right, encoding="utf-8")

    # A source that the bibliography lacks.
    table.write_text(right.replace("energy_trends_2025", "energy_trends_1925", 1), encoding="utf-8")
    unknown = run_magnetflow(built_compendium, "build")
    assert unknown.returncode == 2
    assert "row 2, column source: found 'energy_trends_1925', which is not a key of" in unknown.stderr
    table.write_text(right, encoding="utf-8")

    # An input that a chapter finds wrong: one line, exit 2.
    raising = "from magnetflow.errors import InputError\nraise InputError('the sums do not meet')"
    write_notebook(built_compendium, "02-system", "system.count", raising)
    refused = run_magnetflow(built_compendium, "build")
    assert refused.returncode == 2
    assert refused.stderr.strip() == (
        "magnetflow: notebooks/02-system.md, code cell 2: InputError: the sums do not meet"
    )

    # A kernel that dies: its notebook is named.
    write_notebook(built_compendium, "02-system", "system.count", "import os\nos._exit(3)")
    died = run_magnetflow(built_compendium, "build")
    assert died.returncode == 1
    assert "notebooks/02-system.md" in died.stderr
    assert "Traceback" not in died.stderr

    # A failing cell: its notebook, number and error, exit 1, the book untouched.
    write_notebook(built_compendium, "02-system", "system.count", "value = 1\nvalue / 0")
    failed = run_magnetflow(built_compendium, "build")
    assert failed.returncode == 1
    assert "notebooks/02-system.md, code cell 2: ZeroDivisionError: division by zero" in failed.stderr
    assert "value / 0" in failed.stderr
    assert digests(html) == good

    # A name recorded in two chapters.
    twice = 'record("wind.sum", 1.0)'
    write_notebook(built_compendium, "02-system", "wind.sum", twice)
    clash = run_magnetflow(built_compendium, "build")
    assert clash.returncode == 1
    assert "wind.sum is recorded in 01-wind and in 02-system" in clash.stderr
    assert digests(html) == good

    # A row of the table of results that no chapter records.
    write_notebook(built_compendium, "02-system", "system.count", "")
    unused = run_magnetflow(built_compendium, "build")
    assert unused.returncode == 1
    assert "no chapter records system.count; record it, or take its row out" in unused.stderr
    assert digests(html) == good

    # A page with a dead reference.
    write_notebook(built_compendium, "02-system", "system.count", twice.replace("wind.sum", "system.count"))
    with (built_compendium / "book" / "index.md").open("a", encoding="utf-8") as page:
        page.write("\nSee {doc}`nowhere`.\n")
    dead = run_magnetflow(built_compendium, "build")
    assert dead.returncode == 1
    assert "index.md" in dead.stderr
    assert "nowhere" in dead.stderr
    assert digests(html) == good


def test_a_book_taken_away_by_a_stopped_build_comes_back(compendium: Path) -> None:
    html = compendium / "_build" / "html.old"
    html.mkdir(parents=True)
    (html / "index.html").write_text("the last good book", encoding="utf-8")
    # A fault right after the start, so that nothing but the restoring can have brought the book back.
    (compendium / "data" / "united_kingdom" / "processes.csv").write_text("process\n", encoding="utf-8")
    assert run_magnetflow(compendium, "build").returncode == 2
    assert (compendium / "_build" / "html" / "index.html").read_text(encoding="utf-8") == "the last good book"


def test_a_missing_file_of_the_build_is_told(compendium: Path) -> None:
    (compendium / "book" / "_toc.yml").unlink()
    lacking = run_magnetflow(compendium, "build")
    assert lacking.returncode == 2
    assert "book/_toc.yml: no such file; restore it" in lacking.stderr


@pytest.mark.long
@pytest.mark.xdist_group("small")  # one worker builds the small compendium, once
def test_a_table_read_after_the_last_result_counts_as_read(built_compendium: Path) -> None:
    late = built_compendium / "notebooks" / "02-system.md"
    cell = '\n```{code-cell} python\ntables.read("wind_additions")["value"].sum()\n```\n'
    late.write_text(late.read_text(encoding="utf-8") + cell, encoding="utf-8")
    assert run_magnetflow(built_compendium, "build").returncode == 0
    fragment = json.loads((built_compendium / "_build" / "run" / "02-system.json").read_text(encoding="utf-8"))
    assert "wind_additions" in fragment["inputs"]


@pytest.mark.long
@pytest.mark.xdist_group("small")  # one worker builds the small compendium, once
def test_a_warning_in_a_notebook_fails_the_build(built_compendium: Path) -> None:
    write_notebook(
        built_compendium, "02-system", "system.count", "import warnings\nwarnings.warn('old ways', stacklevel=1)"
    )
    failed = run_magnetflow(built_compendium, "build")
    assert failed.returncode == 1
    assert "notebooks/02-system.md, code cell 2: warned: UserWarning: old ways" in failed.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "--years", "soon"], "soon"),
        (["build", "--years", "2021-2017"], "holds no year"),
        (["build", "--years", "1900"], "1900 is not in the tables, which cover 2010 to 2021"),
        (["build", "--elements", "Nd,Xx"], "Xx is not in the tables, which hold Nd, Dy, Pr, Tb"),
        (["build", "--elements", "Nd,Nd"], "each may stand only once"),
        (["bake"], "bake"),
    ],
)
def test_a_wrong_command_is_told(compendium: Path, arguments: list[str], message: str) -> None:
    outcome = run_magnetflow(compendium, *arguments)
    assert outcome.returncode == 2
    assert message in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_outside_a_compendium_the_command_says_so(tmp_path: Path) -> None:
    outcome = run_magnetflow(tmp_path, "build")
    assert outcome.returncode == 2
    assert "start from the compendium's folder" in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1


def test_a_folder_with_data_alone_is_no_compendium(compendium: Path) -> None:
    (compendium / "_config.yml").unlink()
    outcome = run_magnetflow(compendium, "build")
    assert outcome.returncode == 2
    assert outcome.stderr == "magnetflow: _config.yml: no such file; restore it\n"


def test_without_the_packages_of_the_book_the_command_says_so(
    compendium: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = importlib.metadata.distribution

    def installed(name: str) -> importlib.metadata.Distribution:
        return found("no-such-package" if name == "papermill" else name)

    monkeypatch.setattr(importlib.metadata, "distribution", installed)
    monkeypatch.chdir(compendium)
    assert cli.main(["build"]) == 2
    message = "build needs the packages of the book (papermill is missing); pip install 'magnetflow[book]'"
    assert capsys.readouterr().err == f"magnetflow: {message}\n"


def test_the_book_can_be_built_where_there_is_no_fcntl() -> None:
    hidden = "import sys; sys.modules['fcntl'] = None; import magnetflow.book.build"
    subprocess.run([sys.executable, "-c", hidden], check=True)


def test_one_build_waits_for_another(tmp_path: Path) -> None:
    order = []

    def second() -> None:
        with locked(tmp_path / "lock"):
            order.append("second")

    with ThreadPoolExecutor(1) as pool:
        with locked(tmp_path / "lock"):
            waiting = pool.submit(second)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
            order.append("first")
        waiting.result(timeout=10)
    assert order == ["first", "second"]


def test_windows_locks_with_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, int]] = []

    def locking(file: int, mode: int, length: int) -> None:
        calls.append((mode, length))
        if len(calls) < 3:
            raise OSError("held by another process")

    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(locking=locking, LK_LOCK=1))
    monkeypatch.setattr(sys, "platform", "win32")
    with locked(tmp_path / "lock"):
        assert calls == [(1, 1)] * 3


def uncommitted() -> bool:
    """Tell whether this checkout differs from what a clone of it would hold."""
    return bool(subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, check=True).stdout)


@pytest.mark.long
def test_a_second_clone_gives_the_same_bytes(book: Path, tmp_path: Path) -> None:
    if uncommitted():
        pytest.skip("there are uncommitted changes, which a clone would not have")
    clone = tmp_path / "elsewhere"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    outcome = run_magnetflow(clone, "build")
    assert outcome.returncode == 0, outcome.stderr
    assert digests(clone / "_build" / "html") == digests(book)
    assert (clone / "_build" / "results.json").read_bytes() == (ROOT / "_build" / "results.json").read_bytes()


@pytest.mark.long
def test_other_years_and_elements_still_give_a_book(book: Path, tmp_path: Path) -> None:
    clone = tmp_path / "elsewhere"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    # Chapters that take neither parameter need not run again.
    for done in ("cache", "run"):
        shutil.copytree(ROOT / "_build" / done, clone / "_build" / done)
    outcome = run_magnetflow(clone, "build", "--years", "2018-2020", "--elements", "Nd,Dy")
    assert outcome.returncode == 0, outcome.stderr
    results = json.loads((clone / "_build" / "results.json").read_text(encoding="utf-8"))["results"]
    assert "wind.stock_2021.Tb" not in results
    assert steps(outcome.stdout)["03-estimation"] == "ran"
    assert uncommitted() or steps(outcome.stdout)["01-system"] == "unchanged"
    chapter = (clone / "_build" / "html" / "notebooks" / "03-estimation.html").read_text(encoding="utf-8")
    assert "[2018, 2019, 2020]" in unescape(re.sub(r"<[^>]+>", "", chapter))
    front = (clone / "_build" / "html" / "index.html").read_text(encoding="utf-8")
    banner = "A variant, built with years [2018, 2019, 2020], elements ['Nd', 'Dy'], seed 1, which changes "
    assert banner + "03-estimation, 05-element-splits" in unescape(front)
    assert "A variant" not in (book / "index.html").read_text(encoding="utf-8")
    parts = results["wind.stock_2021.Nd"]["value"] + results["wind.stock_2021.Dy"]["value"]
    assert results["wind.stock_2021"]["value"] == pytest.approx(parts, rel=1e-9)
