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
from magnetflow.flows.system import System
from magnetflow.inference.problem import Problem
from magnetflow.inference.reconcile import Reconciliation, reconcile
from magnetflow.studies.united_kingdom import accounts, data_quality, estimates, printed, upstream
from magnetflow.studies.united_kingdom.review import splits

BASE = accounts.system().problem()
SOLVED = reconcile(BASE)
NUMBERS = {str(name): float(value) for name, value in printed.numbers()["value"].items()}
Rows = dict[tuple[str, str], dict[str, Any]]


def rows(solved: Reconciliation) -> Rows:
    """Return the outcome by flow and layer."""
    records = accounts.results(solved).to_dict(orient="records")
    return {(str(row["flow"]), str(row["layer"])): {str(key): cell for key, cell in row.items()} for row in records}


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
    for problem in (BASE, accounts.system("assembly from imported magnets").problem()):
        # The printed figures balance; so that there is something to adjust, each is moved at random.
        moved = problem.value + 0.3 * np.nan_to_num(problem.sd) * rng.standard_normal(len(problem.names))
        shaken = replace(problem, value=moved).without_bounds()
        solved = reconcile(shaken)
        value, sd = dense_route(shaken)
        assert solved.test.objective > 0.1
        assert not solved.active_bounds
        np.testing.assert_allclose(solved.value, value, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(solved.sd, sd, rtol=1e-6, atol=1e-6)


def test_every_flow_of_table_2_has_a_value_and_sd_for_its_elements() -> None:
    cells = printed.uncertainties()
    assert len(cells) == 100
    for flow, layer in cells.index:
        row = RESULTS[flow, layer]
        assert row["value"] > 0, (flow, layer)
        assert row["sd"] > 0, (flow, layer)


def test_the_upstream_block_stays_as_printed() -> None:
    ours, theirs = accounts.uncertainties(SOLVED), printed.uncertainties()
    block = theirs[theirs.index.get_level_values("layer") == estimates.ALL]
    assert len(block) == 8
    np.testing.assert_allclose(ours[block.index], block, atol=0.05)
    alone, codes = upstream.reconciled().table().set_index("name")["sd"], data_quality.methods()["table_2"]
    for flow, code in codes[codes.isin(alone.index)].items():
        assert RESULTS[str(flow), estimates.ALL]["sd"] == pytest.approx(alone[code], rel=1e-9)


def test_the_totals_are_those_printed() -> None:
    for name in (name for name in NUMBERS if name.startswith("flow.")):
        flow = name.removeprefix("flow.")
        if flow not in {flow for flow, _ in RESULTS}:
            continue
        layer = accounts.FOUR if (flow, accounts.FOUR) in RESULTS else estimates.ALL
        assert RESULTS[flow, layer]["value"] == pytest.approx(NUMBERS[name], abs=1.0), flow


def test_degrees_of_freedom_are_those_of_the_motor_market() -> None:
    assert SOLVED.test.degrees_of_freedom == len(estimates.ELEMENTS)
    redundant = {BASE.labels["flow"][place] for place in np.flatnonzero(SOLVED.classes == "redundant")}
    assert redundant == {"P4.1", "I4.1", "E4.1", "P5.1.0.1"}
    assert accounts.reconciled(unknown=("K6",)).test.degrees_of_freedom == 0


def test_without_exports_of_compounds_the_chain_cannot_be_told() -> None:
    table = rows(accounts.reconciled(unknown=("E1",)))
    assert table["C1", estimates.ALL]["class"] == table["E1", estimates.ALL]["class"] == "unobservable"
    assert table["I1", estimates.ALL]["value"] == 2205


def test_assembly_from_imported_magnets_takes_its_mass_off_the_rest() -> None:
    other = rows(accounts.reconciled("assembly from imported magnets"))
    for layer in (*estimates.ELEMENTS, accounts.FOUR):
        less = RESULTS["O3.1", layer]["value"] - other["O3.1", layer]["value"]
        assert less == pytest.approx(RESULTS["P3.1", layer]["value"], rel=1e-9)


def test_no_residual_is_fed_back() -> None:
    status = dict(zip(BASE.names, BASE.measured, strict=True))
    for flow in ("O2", "O3.1", "I5.2", "C5.1", "C1", "L1", "P2", "E2", "C3.1", "C3.2", "C4.1"):
        own = BASE.names_where(flow=flow)
        assert own, flow
        assert not any(status[name] for name in own), flow


def test_covariance_of_imports_and_exports_of_cars_by_hand() -> None:
    """Content (6.0 %) is shared for one element, the shares for any, the counts by neither."""
    cv, places = data_quality.input_cv(), [("I5.1", "Nd"), ("E5.1", "Nd"), ("E5.1", "Dy")]
    found = estimates.relative_covariance(places).to_numpy()
    shares = estimates.element_shares()["EV magnets"][1].to_numpy()  # Nd, Dy, Pr, Tb
    assert found[0, 1] == pytest.approx(cv["vehicle_content"] ** 2 + shares[0, 0])
    assert found[0, 2] == pytest.approx(shares[0, 1])
    own = cv["car_imports"] ** 2 + cv["vehicle_content"] ** 2 + shares[0, 0] + estimates.SHARE_SCATTER**2
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
    solved = rows(accounts.reconciled(with_shares=False))
    sd = solved["O3.1", "Nd"]["sd"] / estimates.element_shares()["traded magnets"][0]["Nd"]
    motors = solved["C3.1", "Nd"]["sd"], solved["C3.2", "Nd"]["sd"]
    expected = np.hypot(np.std(market), np.hypot(*motors) / 0.75)  # the two for cars share no input
    assert sd == pytest.approx(expected, rel=0.01)


def test_the_sum_of_elements_has_the_sd_of_their_covariance() -> None:
    """Shares cancel in a sum: the total of a transcribed flow is as sure as its equation, but for the scatter."""
    cv = data_quality.flow_cv(data_quality.input_cv())
    row = RESULTS["I3.1", accounts.FOUR]
    shares = estimates.element_shares()["traded magnets"][0]
    content = data_quality.input_cv()["magnet_content"]
    scatter = (estimates.SHARE_SCATTER**2 + content**2) * (shares**2).sum()
    assert row["sd"] / row["value"] == pytest.approx((cv["I3.1"] ** 2 - content**2 + scatter) ** 0.5, rel=1e-9)


def test_with_its_stocks_the_system_contradicts_itself_and_turbines_are_blamed() -> None:
    stocks = accounts.reconciled(accounts.WITH_STOCKS)
    assert stocks.test.passed is False
    flows = [stocks.problem.labels["flow"][stocks.problem.position[suspect.name]] for suspect in stocks.suspects[:2]]
    assert set(flows) == {"wind 2016", "wind 2021"}


def test_a_changed_figure_moves_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    flows = printed.flows()
    flows.loc[flows["flow"] == "E4.1", "value"] += 100
    monkeypatch.setattr(printed, "flows", lambda: flows)
    moved = accounts.reconciled()
    assert moved.test.objective > 0.1
    assert rows(moved)["P4.1", accounts.FOUR]["value"] > 790


def test_the_example_folder_is_what_the_study_reads(tmp_path: Path) -> None:
    accounts.system().write(tmp_path / "united-kingdom")
    System.read(tmp_path / "united-kingdom").write(tmp_path / "again")
    for path in sorted((tmp_path / "united-kingdom").iterdir()):
        stands = pd.read_csv(ROOT / "examples" / "united-kingdom" / path.name)
        pd.testing.assert_frame_equal(stands, pd.read_csv(path), rtol=1e-9)
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_the_command_gives_the_example_what_the_book_has(tmp_path: Path) -> None:
    assert main(["reconcile", str(ROOT / "examples" / "united-kingdom"), "--out", str(tmp_path)]) == 0
    table = pd.read_csv(tmp_path / "reconciled.csv").set_index(["flow", "layer"])
    for (flow, layer), row in RESULTS.items():
        if layer != accounts.FOUR:
            assert table["value"][flow, layer] == pytest.approx(row["value"], rel=1e-7, abs=1e-7)
            assert table["sd"][flow, layer] == pytest.approx(row["sd"], rel=1e-5)
    ends = table[["source", "target", "unit"]].loc["I3.1"].drop_duplicates()
    assert ends.to_numpy().tolist() == [["rest of world", "magnet market", "t"]]


def test_the_example_by_the_folder_reader_has_the_degrees_of_freedom_of_the_book() -> None:
    problem = folder.read(ROOT / "examples" / "united-kingdom")
    assert reconcile(problem).test.degrees_of_freedom == SOLVED.test.degrees_of_freedom


def test_shares_at_the_generating_sets_by_another_least_squares() -> None:
    """An independent route: the same sum of squares over shares and all printed figures, by scipy."""
    node = splits.nodes()["generating sets market"]
    outcome = splits.solve(node)
    found = splits.shares(node, outcome).set_index("element")["value"]
    table = tables.read("element_shares")
    own = table[table["group"] == "wind magnets"].pivot(index="element", columns="statistic", values="value")
    mean, sd = (own.loc[list(estimates.ELEMENTS), statistic].to_numpy() for statistic in ("mean", "sd"))
    flow = estimates.estimated_t()["C5.2"].to_numpy()
    codes = ("C5.2", "E5.2", "I5.1.4", "I5.2")
    cv = np.array([[NUMBERS[f"table2.{code}.{e}"] for e in estimates.ELEMENTS] for code in codes]) / 100
    rounding = 0.05 / 100 / 3**0.5

    def misfit(free: np.ndarray) -> np.ndarray:
        share = np.append(free[:3], 1 - free[:3].sum())
        installed = flow * (1 + splits.ESTIMATE_ERROR * free[3:7])
        spread = cv[:3] + rounding * free[7:].reshape(3, 4)
        masses = np.array([installed, 19 * share, -554 * share])
        rest = np.sqrt(((spread * masses) ** 2).sum(axis=0)) / masses.sum(axis=0)
        return np.concatenate([(share - mean) / sd, free[3:], (rest - cv[3]) / rounding])

    best = least_squares(misfit, np.concatenate([mean[:3], np.zeros(16)]), xtol=1e-14, ftol=1e-14)
    np.testing.assert_allclose(found[list(estimates.ELEMENTS)][:3], best.x[:3], atol=2e-5)
    assert outcome.test.objective == pytest.approx(2 * best.cost, rel=1e-3)


def test_shares_alone_meet_their_equations_and_nearly_add_up() -> None:
    alone = splits.shares_alone(splits.nodes()["generating sets market"])
    flow = estimates.estimated_t()["C5.2"]
    for element in estimates.ELEMENTS:
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
        assert found["sd"].notna().all() or node.market == "generating sets market", "whose fit is rejected"
        np.testing.assert_allclose(found.groupby("group")["value"].sum(), 1.0, atol=1e-9)


def test_shares_of_a_fit_that_is_rejected_have_no_spread() -> None:
    node = splits.nodes()["generating sets market"]
    outcome = splits.solve(node)
    found = splits.shares(node, outcome)
    assert outcome.test.passed is False
    assert found["sd"].isna().all()
    assert splits.is_informative(found), "the ratio shows the printed uncertainties alone"


def test_a_variant_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="'nowhere' is no variant"):
        accounts.system("nowhere")
