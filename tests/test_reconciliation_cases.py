"""Published cases with answers: values, standard deviations, classes and tests."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT

from magnetflow.flows.folder import read
from magnetflow.inference.reconcile import Reconciliation, reconcile

CASES = sorted(path.parent.name for path in (ROOT / "tests" / "cases").glob("*/case.json"))
CLASSIFIED = [
    name
    for name in CASES
    if "classes" in json.loads((ROOT / "tests" / "cases" / name / "case.json").read_text("utf-8"))
]


def folder(name: str) -> Path:
    return ROOT / "tests" / "cases" / name


def case(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder(name) / "case.json").read_text("utf-8"))
    return content


@cache
def reconciled(name: str) -> Reconciliation:
    return reconcile(read(folder(name)))


SLOW = {"odrpack_implicit_ellipse"}  # ten seconds


def close(content: dict[str, Any], variable: str, found: float, published: float) -> bool:
    atol = content.get("atol_by_variable", {}).get(variable, content.get("atol", 0.0))
    return bool(np.isclose(found, published, rtol=content.get("rtol", 0.0), atol=atol))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long) if name in SLOW else name for name in CASES]
)
def test_values_are_the_published_ones(name: str) -> None:
    result, content = reconciled(name), case(name)
    with (folder(name) / "expected.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert rows
    assert rows[0].keys() >= {"variable", "published_value", "published_sd"}
    for row in rows:
        place = result.problem.position[row["variable"]]
        if row["published_value"]:
            published = float(row["published_value"])
            assert close(content, row["variable"], result.value[place], published), (row, result.value[place])
        if row["published_sd"]:
            tolerance = {
                "rtol": content.get("sd_rtol", content.get("rtol", 0.0)),
                "atol": content.get("sd_atol", content.get("atol", 0.0)),
            }
            assert np.isclose(result.sd[place], float(row["published_sd"]), **tolerance), (row, result.sd[place])


@pytest.mark.parametrize("name", CLASSIFIED)
def test_classes_are_the_published_ones(name: str) -> None:
    result = reconciled(name)
    found = {kind: sorted(np.array(result.problem.names)[result.classes == kind]) for kind in case(name)["classes"]}
    assert found == {kind: sorted(names) for kind, names in case(name)["classes"].items()}


@pytest.mark.parametrize("name", [name for name in CASES if "expected_statistics" in case(name)])
def test_statistics_are_the_published_ones(name: str) -> None:
    statistics, result = case(name)["expected_statistics"], reconciled(name)
    atol, rtol = statistics.get("statistics_atol", {}), statistics.get("statistics_rtol", {})

    def met(key: str, found: float | None, published: float) -> bool:
        tolerances = {"atol": atol.get(key, 1e-9) if isinstance(atol, dict) else atol}
        tolerances["rtol"] = rtol.get(key, 1e-9) if isinstance(rtol, dict) else rtol
        return found is not None and bool(np.isclose(found, published, **tolerances))

    test = result.test
    for key, found in (("objective", test.objective), ("chi2_limit_95", test.limit), ("p_value", test.p_value)):
        if key in statistics:
            assert met(key, found, statistics[key]), (key, found)
    if "dof" in statistics:
        assert test.degrees_of_freedom == statistics["dof"]
    if "test_passes" in statistics:
        assert test.passed is statistics["test_passes"]
    if "suspects" in statistics:
        top = max(abs(suspect.normalised_residual) for suspect in result.suspects)
        first = [s.name for s in result.suspects if np.isclose(abs(s.normalised_residual), top)]
        assert sorted(first) == sorted(statistics["suspects"])


@pytest.mark.parametrize(
    "name", [name for name in CASES if "measurement_test" in case(name).get("expected_statistics", {})]
)
def test_measurement_and_nodal_tests_are_the_published_ones(name: str) -> None:
    statistics, result = case(name)["expected_statistics"], reconciled(name)
    for variable, published in statistics["measurement_test"].items():
        found = abs(result.normalised_residual[result.problem.position[variable]])
        assert found == pytest.approx(published, rel=statistics.get("statistics_rtol", 1e-9)), variable
    nodal = {test.balances: abs(test.normalised) for test in result.nodal_tests}
    for balance, published in statistics.get("nodal_test", {}).items():
        assert nodal[balance,] == pytest.approx(published, rel=1e-9)


def test_the_worked_example_leaves_two_flows_open() -> None:
    """Cencic 2016: m6 and m7 share m5 in any way; held above zero, each lies between nothing and all of it."""
    result = reconciled("cencic2016_stan")
    place = [result.problem.position[name] for name in ("m6", "m7")]
    assert np.isnan(result.value[place]).all()
    assert np.isinf(result.lower[place]).all()
    assert np.isinf(result.upper[place]).all()


def test_the_bound_of_the_analytic_case_moves_the_measurements() -> None:
    bounded = reconciled("analytic_nonnegativity")
    assert bounded.active_bounds == {"out2": 0.0}
    free = reconcile(bounded.problem.without_bounds())
    assert dict(zip(free.problem.names, free.value, strict=True)) == pytest.approx({"in": 10, "out1": 12, "out2": -2})
    assert free.test.passed is None


def test_every_case_says_where_it_is_from() -> None:
    for name in CASES:
        content = case(name)
        assert content["title"]
        assert content["reference"]
        assert content["obtained_from"]
        assert content["confidence"]
        assert content["evidence_class"][0] in "ABD"
