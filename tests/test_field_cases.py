"""Folders and workbooks written as users write them: the values and standard deviations of independent answers."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from magnetflow.errors import TableError
from magnetflow.flows.folder import read
from magnetflow.inference.reconcile import Reconciliation, reconcile

FIELD = ROOT / "tests" / "cases" / "field"
REFUSED = {  # whose writing has more than one meaning, or none: file, row and column, and the cure
    "concentration_28_without_unit": "concentrations.csv, row 2, column value: 28 is more than all .*; give its unit",
    "flow_named_stock_change": "flows.csv, row 4, column flow: .* already the name of a variable .*; rename the flow",
    "unit_kton_and_t": "flows.csv, row 2, column unit: found 'kton', .* write .*kt.* or short_ton",
    "zero_inflow_with_tc": "transfer_coefficients.csv, row 4, column value: .* add up to 1.05, .* mend one",
}
NOTED = {  # what is said of how an input was read
    "aveva_rundown_ratio": "1 of 1 values have no sd and are taken as exact",
    "stan_environment_listed": "'Environment' is read as the outside of the system",
    "tc_exact_thirds": "the transfer coefficients from 'P' add up to 0.999 and are scaled to add up to 1: a, b, c",
    "uk_wood_371_flows_naive": "11 values of zero have a relative spread, which is none, and are exact",
}
ANSWERED = sorted(path.name for path in FIELD.iterdir() if path.name not in REFUSED)


@cache
def reconciled(name: str) -> Reconciliation:
    return reconcile(read(FIELD / name))


def expected(name: str) -> list[dict[str, str]]:
    with (FIELD / name / "expected.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("name", ANSWERED)
def test_a_case_of_the_field_has_the_expected_answer(name: str) -> None:
    result, rows = reconciled(name), expected(name)
    for column, found in (("value", result.value), ("sd", result.sd)):
        given = [row for row in rows if row[column]]
        places = [result.problem.position[row["name"]] for row in given]
        wanted = np.array([float(row[column]) for row in given])
        scale = np.abs(wanted).max(initial=0.0) * 1e-12 if column == "value" else 0.0
        np.testing.assert_allclose(found[places], wanted, rtol=1e-6, atol=scale, err_msg=column)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_case_with_no_clear_meaning_is_refused_with_the_cure(name: str) -> None:
    with pytest.raises(TableError, match=REFUSED[name]):
        read(FIELD / name)


@pytest.mark.parametrize("name", sorted(NOTED))
def test_a_case_read_with_an_assumption_says_so(name: str) -> None:
    assert any(message.startswith(NOTED[name]) for message in reconciled(name).messages)


def test_every_standard_deviation_is_there_beyond_ten_thousand_variables(tmp_path: Path) -> None:
    """5,001 processes with an inflow of 100 ± 5 and an outflow of 100 to 106 ± 5: the mean of both, ± 5 / √2."""
    flows = [f"a{at},,P{at},100,5\nb{at},P{at},,{100 + at % 7},5\n" for at in range(5001)]
    (tmp_path / "flows.csv").write_text("flow,source,target,value,sd\n" + "".join(flows))
    (tmp_path / "processes.csv").write_text("process\n" + "".join(f"P{at}\n" for at in range(5001)))
    result = reconcile(read(tmp_path))
    assert len(result.sd) == 10_002
    np.testing.assert_allclose(result.sd, 5.0 / 2.0**0.5, rtol=1e-6)
    np.testing.assert_allclose(result.value, np.repeat(100.0 + np.arange(5001) % 7 / 2.0, 2), rtol=1e-6)


def test_every_case_says_where_it_is_from() -> None:
    for path in FIELD.iterdir():
        assert (path / "source.txt").read_text(encoding="utf-8").strip()
