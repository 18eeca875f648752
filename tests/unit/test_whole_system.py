"""Do the reconciled system and the shares read from its uncertainties hold against other routes?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from scipy.linalg import null_space
from scipy.optimize import least_squares

from magnetflow import tables
from magnetflow.cli import main
from magnetflow.errors import InputError
from magnetflow.flows import folder
from magnetflow.inference.problem import Problem
from magnetflow.inference.reconcile import Reconciliation
from magnetflow.studies.united_kingdom import accounts as system
from magnetflow.studies.united_kingdom import data_quality, example, printed, upstream, whole
from magnetflow.studies.united_kingdom.review import splits

BASE = whole.problem()
SOLVED = whole.solve(BASE)
NUMBERS = {str(name): float(value) for name, value in printed.numbers()["value"].items()}
Rows = dict[tuple[str, str], dict[str, Any]]


def rows(solved: Reconciliation) -> Rows:
    """Return the outcome by flow and layer."""
    told = whole.results(solved).to_dict(orient="records")
    return {(str(row["flow"]), str(row["layer"])): {str(key): cell for key, cell in row.items()} for row in told}


RESULTS = rows(SOLVED)


def dense_route(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Return value and sd by another route: every solution of the balances is a point plus a null space."""
    matrix = problem.matrix.toarray()
    fixed = problem.constant
    right = -matrix[:, fixed] @ problem.value[fixed]
    point = np.linalg.lstsq(matrix[:, ~fixed], right, rcond=None)[0]
    basis = null_space(matrix[:, ~fixed], rcond=1e-10)
    seen, spread = problem.measured[~fixed], problem.sd[problem.measured]
    correlation = problem.covariance.toarray()[problem.measured][:, problem.measured] / np.outer(spread, spread)
    root = np.linalg.cholesky(correlation + np.eye(len(spread)))
    whiten = np.linalg.solve(root, np.diag(1 / spread))
    step, *_ = np.linalg.lstsq(
        whiten @ basis[seen], whiten @ (problem.value[problem.measured] - point[seen]), rcond=None
    )
    free = np.linalg.pinv(whiten @ basis[seen])
    value, sd = problem.value.copy(), np.zeros(len(problem.names))
    value[~fixed] = point + basis @ step
    sd[~fixed] = np.linalg.norm(basis @ free, axis=1)
    return value, sd


def test_values_and_uncertainties_are_those_of_a_dense_route() -> None:
    rng = np.random.default_rng(6)
    for problem in (BASE, whole.problem(system.ORIGINS[1])):
        # The printed figures balance; so that there is something to adjust, each is moved at random.
        moved = problem.value + 0.3 * np.nan_to_num(problem.sd) * rng.standard_normal(len(problem.names))
        shaken = replace(problem, value=moved)
        solved = whole.solve(shaken)
        value, sd = dense_route(shaken)
        assert solved.test.objective > 0.1
        assert not solved.active_bounds
        np.testing.assert_allclose(solved.value, value, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(solved.sd, sd, rtol=1e-6, atol=1e-6)


def test_every_flow_of_table_2_has_a_value_and_sd_for_its_elements() -> None:
    told = whole.printed_uncertainties()
    assert len(told) == 100
    names = {code: flow for flow, code in whole.TABLE_2_NAME.items()}
    for code, layer in told.index:
        row = RESULTS[names.get(code, code), layer]
        assert row["value"] > 0, (code, layer)
        assert row["sd"] > 0, (code, layer)


def test_the_upstream_block_stays_as_printed() -> None:
    ours, theirs = whole.uncertainties(SOLVED), whole.printed_uncertainties()
    block = theirs[theirs.index.get_level_values("layer") == system.ALL]
    assert len(block) == 8
    np.testing.assert_allclose(ours[block.index], block, atol=0.05)
    alone = upstream.propagated(upstream.coefficients_of_variation())
    for code, sd in alone.sd.items():
        flow = {"C2": "O2"}.get(str(code), str(code))
        assert RESULTS[flow, system.ALL]["sd"] == pytest.approx(sd, rel=1e-9)


def test_the_totals_are_those_printed() -> None:
    for name in (name for name in NUMBERS if name.startswith("flow.")):
        flow = name.removeprefix("flow.")
        if flow not in {flow for flow, _ in RESULTS}:
            continue
        layer = whole.FOUR if (flow, whole.FOUR) in RESULTS else system.ALL
        assert RESULTS[flow, layer]["value"] == pytest.approx(NUMBERS[name], abs=1.0), flow


def test_degrees_of_freedom_are_those_of_the_motor_market() -> None:
    assert SOLVED.test.degrees_of_freedom == len(system.ELEMENTS)
    redundant = {name.split(" [")[0] for name in np.array(BASE.names)[SOLVED.classes == "redundant"]}
    assert redundant == {"P4.1", "I4.1", "E4.1", "P5.1.0.1"}
    assert whole.solve(whole.problem(unknown=("K6",))).test.degrees_of_freedom == 0


def test_without_exports_of_compounds_the_chain_cannot_be_told() -> None:
    table = rows(whole.solve(whole.problem(unknown=("E1",))))
    assert table["C1", system.ALL]["class"] == table["E1", system.ALL]["class"] == "unobservable"
    assert table["I1", system.ALL]["value"] == 2205


def test_assembly_from_imported_magnets_takes_its_mass_off_the_rest() -> None:
    other = rows(whole.solve(whole.problem(system.ORIGINS[1])))
    for layer in (*system.ELEMENTS, whole.FOUR):
        less = RESULTS["O3.1", layer]["value"] - other["O3.1", layer]["value"]
        assert less == pytest.approx(RESULTS["P3.1", layer]["value"], rel=1e-9)


def test_no_residual_is_fed_back() -> None:
    status = dict(zip(BASE.names, BASE.measured, strict=True))
    for flow in ("O2", "O3.1", "I5.2", "C5.1", "C1", "L1", "P2", "E2", "C3.1", "C3.2", "C4.1"):
        own = [name for name in BASE.names if name.rsplit(" [", 1)[0] == flow]
        assert own, flow
        assert not any(status[name] for name in own), flow


def test_covariance_of_imports_and_exports_of_cars_by_hand() -> None:
    """Content (6.0 %) is shared for one element, the shares for any, the counts by neither."""
    cv, places = data_quality.input_cv(), [("I5.1", "Nd"), ("E5.1", "Nd"), ("E5.1", "Dy")]
    found = system.relative_covariance(places).to_numpy()
    shares = system.element_shares()["EV magnets"][1].to_numpy()  # Nd, Dy, Pr, Tb
    assert found[0, 1] == pytest.approx(cv["vehicle_content"] ** 2 + shares[0, 0])
    assert found[0, 2] == pytest.approx(shares[0, 1])
    own = cv["car_imports"] ** 2 + cv["vehicle_content"] ** 2 + shares[0, 0] + system.SHARE_SCATTER**2
    assert found[0, 0] == pytest.approx(own)


def test_the_rest_of_the_magnet_market_by_simulation() -> None:
    """An independent route: draw the inputs, multiply, subtract."""
    rng, cv = np.random.default_rng(5), data_quality.input_cv()
    size = 400_000
    error = {key: 1 + cv[key] * rng.standard_normal(size) for key in cv.index}
    content = {flow: error["magnet_content"] for flow in ("I3.1", "E3.1", "P3.1")}
    share = error["magnet_share"]
    market = (
        NUMBERS["flow.I3.1"] * (error["magnet_imports"] + share + content["I3.1"] - 2)
        - NUMBERS["flow.E3.1"] * (error["magnet_exports"] + share + content["E3.1"] - 2)
        + NUMBERS["flow.P3.1"] * (error["magnet_sales"] + share + content["P3.1"] - 2)
    )
    without = whole.problem(with_shares=False)
    solved = rows(whole.solve(without))
    sd = solved["O3.1", "Nd"]["sd"] / system.element_shares()["traded magnets"][0]["Nd"]
    motors = solved["C3.1", "Nd"]["sd"], solved["C3.2", "Nd"]["sd"]
    expected = np.hypot(np.std(market), np.hypot(*motors) / 0.75)  # the two for cars share no input
    assert sd == pytest.approx(expected, rel=0.01)


def test_the_sum_of_elements_has_the_sd_of_their_covariance() -> None:
    """Shares cancel in a sum: the total of a transcribed flow is as sure as its equation, but for the scatter."""
    cv = data_quality.flow_cv()
    row = RESULTS["I3.1", whole.FOUR]
    shares = system.element_shares()["traded magnets"][0]
    content = data_quality.input_cv()["magnet_content"]
    scatter = (system.SHARE_SCATTER**2 + content**2) * (shares**2).sum()
    assert row["sd"] / row["value"] == pytest.approx((cv["I3.1"] ** 2 - content**2 + scatter) ** 0.5, rel=1e-9)


def test_with_its_stocks_the_system_contradicts_itself_and_turbines_are_blamed() -> None:
    stocks = whole.solve(whole.problem(with_stocks=True))
    assert stocks.test.passed is False
    assert {suspect.name.split(" [")[0] for suspect in stocks.suspects[:2]} == {"wind 2016", "wind 2021"}


def test_a_changed_figure_moves_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    flows = printed.flows()
    flows.loc[flows["flow"] == "E4.1", "value"] += 100
    monkeypatch.setattr(printed, "flows", lambda: flows)
    moved = whole.solve(whole.problem())
    assert moved.test.objective > 0.1
    assert rows(moved)["P4.1", whole.FOUR]["value"] > 790


@pytest.mark.parametrize("name", example.FOLDERS)
def test_the_example_folder_is_the_study_as_it_stands(name: str, tmp_path: Path) -> None:
    for file, text in example.files(name).items():
        assert (ROOT / "examples" / name / file).read_text(encoding="utf-8") == text, "run `make examples`"
    assert main(["reconcile", str(ROOT / "examples" / name), "--out", str(tmp_path)]) == 0
    table = pd.read_csv(tmp_path / "reconciled.csv").set_index("name")
    value, sd = table["value"].to_dict(), table["sd"].fillna(0.0).to_dict()
    compared = 0
    for (flow, layer), row in RESULTS.items():
        label = flow if layer == system.ALL else whole.name_of(flow, layer)
        if label in value:
            compared += 1
            assert value[label] == pytest.approx(row["value"], rel=1e-7, abs=1e-7)
            assert sd[label] == pytest.approx(row["sd"], rel=1e-5)
    assert compared > 8


def test_the_example_by_the_folder_reader_has_the_degrees_of_freedom_of_the_book() -> None:
    problem = folder.read(ROOT / "examples" / "united-kingdom")
    assert whole.solve(problem).test.degrees_of_freedom == SOLVED.test.degrees_of_freedom


def test_shares_at_the_generating_sets_by_another_least_squares() -> None:
    """An independent route: the same sum of squares over shares and all printed figures, by scipy."""
    node = splits.nodes()["generating sets market"]
    outcome = splits.solve(node)
    found = splits.shares(node, outcome).set_index("element")["value"]
    table = tables.read("element_shares")
    own = table[table["group"] == "wind magnets"].pivot(index="element", columns="statistic", values="value")
    mean, sd = own.loc[list(system.ELEMENTS), "mean"].to_numpy(), own.loc[list(system.ELEMENTS), "sd"].to_numpy()
    flow = system.estimated_t()["C5.2"].to_numpy()
    codes = ("C5.2", "E5.2", "I5.1.4", "I5.2")
    cv = np.array([[NUMBERS[f"table2.{code}.{e}"] for e in system.ELEMENTS] for code in codes]) / 100
    rounding = 0.05 / 100 / 3**0.5

    def misfit(free: np.ndarray) -> np.ndarray:
        share = np.append(free[:3], 1 - free[:3].sum())
        installed = flow * (1 + splits.ESTIMATE_ERROR * free[3:7])
        told = cv[:3] + rounding * free[7:].reshape(3, 4)
        masses = np.array([installed, 19 * share, -554 * share])
        rest = np.sqrt(((told * masses) ** 2).sum(axis=0)) / masses.sum(axis=0)
        return np.concatenate([(share - mean) / sd, free[3:], (rest - cv[3]) / rounding])

    best = least_squares(misfit, np.concatenate([mean[:3], np.zeros(16)]), xtol=1e-14, ftol=1e-14)
    np.testing.assert_allclose(found[list(system.ELEMENTS)][:3], best.x[:3], atol=2e-5)
    assert outcome.test.objective == pytest.approx(2 * best.cost, rel=1e-3)


def test_shares_alone_meet_their_equations_and_nearly_add_up() -> None:
    alone = splits.shares_alone(splits.nodes()["generating sets market"])
    flow = system.estimated_t()["C5.2"]
    for element in system.ELEMENTS:
        share = float(alone[element])
        v = {code: NUMBERS[f"table2.{code}.{element}"] / 100 for code in ("C5.2", "E5.2", "I5.1.4", "I5.2")}
        squares = (v["C5.2"] * flow[element]) ** 2 + (v["E5.2"] * 19 * share) ** 2 + (v["I5.1.4"] * 554 * share) ** 2
        assert squares**0.5 == pytest.approx(v["I5.2"] * (flow[element] - 535 * share), rel=1e-9)
    assert alone.sum() == pytest.approx(0.975, abs=0.002)


def test_equations_are_counted_against_unknowns() -> None:
    assert [splits.counts(node) for node in splits.nodes().values()] == [(4, 3), (4, 6), (4, 12)]
    for node in splits.nodes().values():
        found = splits.shares(node, splits.solve(node))
        assert found["ratio"].le(1.0 + 1e-9).all(), "a measurement takes no knowledge away"
        np.testing.assert_allclose(found.groupby("group")["value"].sum(), 1.0, atol=1e-9)


def test_shares_that_fit_badly_are_known_less_well() -> None:
    node = splits.nodes()["generating sets market"]
    outcome = splits.solve(node)
    assert outcome.test.passed is False
    wider = (outcome.test.objective / outcome.test.degrees_of_freedom) ** 0.5
    place = outcome.problem.position["share of Nd in wind magnets"]
    told = splits.shares(node, outcome).set_index("element")["sd"]
    assert told["Nd"] == pytest.approx(wider * outcome.sd[place])
    assert wider > 1


def test_an_unknown_origin_of_magnets_is_told() -> None:
    with pytest.raises(InputError, match="'nowhere' is no origin"):
        whole.problem("nowhere")
