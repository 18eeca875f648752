"""What the build fills into pages, and what the chapter on timings says of the benchmarks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT, small_compendium

from magnetflow.book import execution, pages, pairs
from magnetflow.errors import TableError


@pytest.fixture
def timings(tmp_path: Path) -> Path:
    """Return a compendium whose only chapter is that on timings."""
    folder = small_compendium(tmp_path)
    shutil.rmtree(folder / "notebooks")
    (folder / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / "90-timings.md", folder / "notebooks")
    shutil.copy(ROOT / "book" / "results.csv", folder / "book")
    shutil.copytree(ROOT / "benchmarks", folder / "benchmarks")
    pairs.sync(folder / "notebooks", folder / "_build" / "pairs")
    return folder


def test_the_exponent_is_that_of_the_first_tool_from_1_000_flows_to_the_most(timings: Path) -> None:
    """Nine times the time for a hundred times the flows is an exponent of log 9 over log 100."""
    rivals = "cvxpy with clarabel"
    rows = [("ours", 100, 0.5), ("ours", 1000, 2), ("ours", 10000, 4), ("ours", 100000, 18)]
    rows += [(rivals, 1000, 1), (rivals, 100000, 6), (rivals, 1000000, 7), ("magnetflow, a workbook", 50, 0.7)]
    table = pd.DataFrame(rows, columns=["tool", "flows", "seconds"])
    table = table.assign(
        date="2026-01-01", gives="values", machine="one", memory_mb=1, worst_deviation_sd=0.0, note=""
    )
    table.to_csv(timings / "benchmarks" / "reconciliation.csv", index=False)
    assert execution.run_notebooks(timings, {}, lambda stem, outcome: None) == []
    fragment = json.loads((timings / "_build" / "run" / "90-timings.json").read_text(encoding="utf-8"))
    recorded = {name: result["value"] for name, result in fragment["results"].items()}
    assert recorded["timings.exponent"] == pytest.approx(0.4771212547, rel=1e-9)
    assert (recorded["timings.flows"], recorded["timings.largest_system"]) == (100_000, 18)
    assert (recorded["timings.beside_cvxpy"], recorded["timings.workbook"]) == (3, 0.7)


def test_a_missing_benchmark_is_told(timings: Path) -> None:
    (timings / "benchmarks" / "cell.csv").unlink()
    [failure] = execution.run_notebooks(timings, {}, lambda stem, outcome: None)
    assert failure.of_input
    assert "benchmarks/cell.csv: no such file; restore it, or run benchmarks/cell.py, which writes it" in str(failure)


def test_a_source_that_the_bibliography_lacks_is_named() -> None:
    described = {"sales": {"file": ROOT / "data" / "own" / "sales.csv"}}
    sales = pd.DataFrame({"source": ["hsu2024", "nobody"]}, index=[2, 3])
    pages.check_sources(described, {"sales": sales.iloc[:1]}, "@article{hsu2024,\n}")
    with pytest.raises(TableError, match=r"data/own/sales.csv, row 3, column source: found 'nobody'"):
        pages.check_sources(described, {"sales": sales}, "@article{hsu2024,\n}")
