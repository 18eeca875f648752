"""What the pages that the build writes say of measured times."""

from __future__ import annotations

import pandas as pd
import pytest
from conftest import ROOT

from magnetflow.book import pages


def test_the_exponent_is_that_of_the_first_tool_from_1_000_flows_to_the_most() -> None:
    """Nine times the time for a hundred times the flows is an exponent of log 9 over log 100."""
    rows = [
        ("ours", "100", "0.5"),
        ("ours", "1000", "2"),
        ("ours", "10000", "4"),
        ("ours", "100000", "18"),
        ("theirs", "1000", "1"),
        ("theirs", "1000000", "7"),
    ]
    table = pd.DataFrame(rows, columns=["tool", "flows", "seconds"])
    assert pages._exponent(table) == pytest.approx(0.4771212547, rel=1e-9)


def test_the_page_states_the_exponent_of_its_own_table() -> None:
    runs = ("reconciliation", "ensemble", "recovery", "cell")
    tables = [pd.read_csv(ROOT / "benchmarks" / f"{name}.csv", dtype=str).fillna("") for name in runs]
    for power in (1, 2):
        seconds = (tables[0]["flows"].astype(float) ** power).astype(str)
        filled = pages.timings(tables[0].assign(seconds=seconds), *tables[1:])
        assert filled["exponent"] == f"{power}.00"
    assert "$exponent" in (ROOT / "book" / "timings.md").read_text(encoding="utf-8")
