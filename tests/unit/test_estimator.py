"""The estimator against independent routes, closed forms, simulation, and data that contradict each other."""

from __future__ import annotations

import csv
import itertools
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import clarabel
import numpy as np
import pytest
import scipy.linalg
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import Network, network
from scipy.optimize import linprog, minimize

from magnetflow.errors import ConflictError, ConvergenceError, ProblemError
from magnetflow.inference import checks, report
from magnetflow.inference.expressions import variable
from magnetflow.inference.parser import parse
from magnetflow.inference.problem import Problem, state
from magnetflow.inference.reconcile import Reconciliation, eliminate_serially, reconcile
from magnetflow.inference.solver import bounded, solve

NAN = float("nan")


def stated(drawn: Network, lower: float | None = None, seed: int = 0, correlate: bool = False) -> Problem:
    """State a random network, possibly with some correlated neighbours."""
    count = len(drawn.true)
    names = [f"F{flow}" for flow in range(count)]
    covariances = {}
    if correlate:
        random = np.random.default_rng(seed)
        measured = np.flatnonzero(drawn.measured)
        for one, other in zip(measured[::3], measured[1::3], strict=False):
            covariances[names[one], names[other]] = random.uniform(-0.9, 0.9) * drawn.sd[one] * drawn.sd[other]
    return state(
        names,
        np.where(drawn.measured, "measured", "unmeasured"),
        drawn.value,
        drawn.sd,
        balances=([f"P{row}" for row in range(drawn.balances.shape[0])], drawn.balances),
        lower=None if lower is None else np.full(count, lower),
        covariances=covariances,
    )


def dense_covariance(problem: Problem) -> np.ndarray:
    """The covariance of the measured variables, written out."""
    whole = problem.covariance.toarray() + np.diag(np.where(problem.measured, problem.sd, 0.0) ** 2)
    measured = np.flatnonzero(problem.measured)
    return np.asarray(whole[np.ix_(measured, measured)])


def by_null_space(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Values and sds by another route: every solution is a point plus the null space; fit along it."""
    matrix = problem.matrix.toarray()
    null = scipy.linalg.null_space(matrix)
    weight = np.linalg.inv(np.linalg.cholesky(dense_covariance(problem)))
    design = weight @ null[problem.measured]
    along, *_ = np.linalg.lstsq(design, weight @ problem.value[problem.measured], rcond=1e-12)
    spread = null @ np.linalg.pinv(design, rcond=1e-12)
    return null @ along, np.sqrt(np.sum(spread**2, axis=1))


def by_interior_point(problem: Problem) -> np.ndarray:
    """Values within bounds by clarabel, in natural units and without any elimination."""
    measured, count = np.flatnonzero(problem.measured), len(problem.names)
    weight = np.zeros((count, count))
    weight[np.ix_(measured, measured)] = np.linalg.inv(dense_covariance(problem))
    value = np.where(problem.measured, problem.value, 0.0)
    rows = sparse.vstack([problem.matrix, -sparse.eye_array(count)]).tocsc()
    limits = np.concatenate([np.zeros(problem.matrix.shape[0]), -problem.lower])
    cones = [clarabel.ZeroConeT(problem.matrix.shape[0]), clarabel.NonnegativeConeT(count)]
    options = clarabel.DefaultSettings()
    options.verbose = False
    options.tol_gap_abs = options.tol_gap_rel = options.tol_feas = 1e-11
    quadratic = sparse.csc_array(np.triu(weight))
    return np.array(clarabel.DefaultSolver(quadratic, -weight @ value, rows, limits, cones, options).solve().x)


def classes_by_rank(problem: Problem) -> list[str]:
    """Classes by their definition: does a row or column more change a rank?"""
    of_unmeasured = problem.matrix.toarray()[:, problem.unmeasured]
    rank = np.linalg.matrix_rank(of_unmeasured) if of_unmeasured.shape[1] else 0
    found, number = [], 0
    for place in range(len(problem.names)):
        if problem.measured[place]:
            more = np.column_stack([of_unmeasured, problem.matrix.toarray()[:, place]])
            found.append("redundant" if np.linalg.matrix_rank(more) > rank else "nonredundant")
        else:
            pick = np.zeros((1, of_unmeasured.shape[1]))
            pick[0, number], number = 1.0, number + 1
            more = np.vstack([of_unmeasured, pick])
            found.append("observable" if np.linalg.matrix_rank(more) == rank else "unobservable")
    return found


networks = st.builds(
    network,
    flows=st.integers(6, 60),
    seed=st.integers(0, 10_000),
    share_measured=st.sampled_from([0.2, 0.5, 0.8, 1.0]),
    reach=st.sampled_from([2, 5, 40]),
)


@given(networks, st.booleans())
@settings(max_examples=80)
def test_a_network_is_reconciled_as_along_the_null_space(drawn: Network, correlate: bool) -> None:
    problem = stated(drawn, correlate=correlate)
    result = reconcile(problem)
    values, sds = by_null_space(problem)
    assert list(result.classes) == classes_by_rank(problem)
    known = result.classes != "unobservable"
    assert np.isnan(result.value[~known]).all()
    scale = np.maximum(np.abs(values), drawn.sd)
    assert np.abs(result.value - values)[known].max(initial=0.0) < 1e-8 * scale.max()
    assert np.allclose(result.sd[known], sds[known], rtol=1e-6, atol=1e-8 * drawn.sd.max())
    assert result.residual_max <= 1e-9 * np.abs(values).max()


@given(networks, st.booleans())
@settings(max_examples=80)
def test_a_bounded_network_is_reconciled_as_by_an_interior_point(drawn: Network, correlate: bool) -> None:
    problem = stated(drawn, lower=0.0, correlate=correlate)
    result = reconcile(problem)
    values = by_interior_point(problem)
    known = result.classes != "unobservable"
    assert np.abs(result.value - values)[known].max(initial=0.0) < 1e-6 * max(1.0, np.abs(values).max())
    assert (result.value[known] >= 0).all()
    for name, bound in result.active_bounds.items():
        place = problem.position[name]
        assert np.isnan(result.value[place]) or result.value[place] == bound


@given(networks, st.lists(st.floats(0.01, 1.0), min_size=2, max_size=5))
@settings(max_examples=40)
def test_layers_that_share_every_error_are_reconciled_as_one(drawn: Network, shares: list[float]) -> None:
    """Contents of exactly known share have the errors of the whole, so that only one layer's balances are free."""
    one, count = stated(drawn), len(drawn.true)
    places, weights = np.arange(count), np.array([1.0, *shares])
    names = [f"{name} {layer}" for layer in range(len(weights)) for name in one.names]
    sd = np.outer(weights, np.where(drawn.measured, drawn.sd, np.nan)).ravel()
    pairs = list(itertools.combinations(range(len(weights)), 2))
    covariances = {
        (names[place + a * count], names[place + b * count]): weights[a] * weights[b] * drawn.sd[place] ** 2
        for place in places[drawn.measured]
        for a, b in pairs
    }
    matrix = sparse.csr_array(sparse.block_diag([one.matrix] * len(weights)))
    together = state(
        names,
        np.tile(np.where(drawn.measured, "measured", "unmeasured"), len(weights)),
        np.outer(weights, drawn.value).ravel(),
        sd,
        balances=([f"P{row}" for row in range(matrix.shape[0])], matrix),
        covariances=covariances,
    )
    alone, shared = reconcile(one), reconcile(together)
    assert shared.test.degrees_of_freedom == alone.test.degrees_of_freedom
    assert shared.test.objective == pytest.approx(alone.test.objective, rel=1e-6, abs=1e-9)
    size = np.outer(weights, np.full(count, np.abs(drawn.value).max())).ravel()
    assert np.nanmax(np.abs(shared.value - np.outer(weights, alone.value).ravel()) / size, initial=0.0) < 1e-8
    assert np.allclose(shared.sd / size, np.outer(weights, alone.sd).ravel() / size, atol=1e-8, equal_nan=True)


@given(networks, st.integers(0, 1000))
@settings(max_examples=40)
def test_balances_that_repeat_others_change_nothing_with_bounds_either(drawn: Network, seed: int) -> None:
    plain, matrix = stated(drawn, lower=0.0, correlate=True), drawn.balances
    weights = np.random.default_rng(seed).integers(-1, 2, (3, matrix.shape[0]))
    more = sparse.csr_array(sparse.vstack([matrix, sparse.csr_array(weights) @ matrix]))
    names = tuple(f"P{row}" for row in range(more.shape[0]))
    one, other = reconcile(plain), reconcile(replace(plain, matrix=more, linear_names=names))
    assert list(one.classes) == list(other.classes)
    assert one.test.degrees_of_freedom == other.test.degrees_of_freedom
    size = np.nanmax(np.abs(plain.value), initial=1.0)
    assert other.residual_max <= 1e-9 * size
    assert np.allclose(one.value, other.value, rtol=1e-7, atol=1e-8 * size, equal_nan=True)
    assert np.allclose(one.sd, other.sd, rtol=1e-6, atol=1e-7 * drawn.sd.max(), equal_nan=True)


@given(networks)
@settings(max_examples=20)
def test_bounds_settle_alike_from_the_plain_and_from_an_interior_point(drawn: Network) -> None:
    problem = stated(drawn, lower=0.0)
    one = reconcile(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounded, "SOON", 0)
        other = reconcile(problem)
    size = np.abs(drawn.value).max()
    assert np.allclose(one.value, other.value, rtol=1e-9, atol=1e-9 * size, equal_nan=True)
    assert np.allclose(one.sd, other.sd, rtol=1e-7, atol=1e-8 * drawn.sd.max(), equal_nan=True)
    assert one.test.degrees_of_freedom == other.test.degrees_of_freedom


@given(networks)
@settings(max_examples=40)
def test_the_range_of_an_unobservable_flow_is_that_of_a_linear_program(drawn: Network) -> None:
    problem = stated(drawn, lower=0.0)
    result = reconcile(problem)
    unknown = np.flatnonzero(result.classes == "unobservable")
    known = np.flatnonzero(result.classes != "unobservable")
    matrix = problem.matrix.toarray()
    right = -matrix[:, known] @ result.value[known]
    for place in unknown:
        cost = np.where(unknown == place, 1.0, 0.0)
        for sign, bound in ((1.0, result.lower[place]), (-1.0, result.upper[place])):
            # A hair of slack: the reconciled values are rounded.
            found = linprog(
                sign * cost,
                A_ub=np.vstack([matrix[:, unknown], -matrix[:, unknown]]),
                b_ub=np.concatenate([right, -right]) + 1e-9,
                bounds=(0, None),
            )
            expected = sign * found.fun if found.status == 0 else np.inf
            assert bound == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(networks, st.integers(0, 1000))
@settings(max_examples=20)
def test_order_and_scale_do_not_matter(drawn: Network, seed: int) -> None:
    random = np.random.default_rng(seed)
    problem = stated(drawn)
    flows, balances = random.permutation(len(drawn.true)), random.permutation(drawn.balances.shape[0])
    factor = 10.0 ** random.uniform(-4, 4, len(balances))
    shuffled = state(
        [problem.names[flow] for flow in flows],
        np.where(drawn.measured, "measured", "unmeasured")[flows],
        drawn.value[flows],
        drawn.sd[flows],
        balances=(
            [f"P{row}" for row in balances],
            sparse.csr_array(sparse.diags_array(factor) @ drawn.balances[balances][:, flows]),
        ),
    )
    one, other = reconcile(problem), reconcile(shuffled)
    assert list(one.classes[flows]) == list(other.classes)
    assert np.allclose(one.value[flows], other.value, rtol=1e-8, atol=1e-8 * drawn.sd.max(), equal_nan=True)
    assert one.test.degrees_of_freedom == other.test.degrees_of_freedom


@given(networks, st.sampled_from([1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9]))
@settings(max_examples=60)
def test_the_unit_does_not_matter(drawn: Network, unit: float) -> None:
    other = Network(
        drawn.source, drawn.target, unit * drawn.true, unit * drawn.value, unit * drawn.sd, drawn.measured
    )
    one, scaled = reconcile(stated(drawn, lower=0.0)), reconcile(stated(other, lower=0.0))
    assert list(one.classes) == list(scaled.classes)
    assert list(one.active_bounds) == list(scaled.active_bounds)
    assert one.test.degrees_of_freedom == scaled.test.degrees_of_freedom
    assert scaled.test.objective == pytest.approx(one.test.objective, rel=1e-7, abs=1e-9)
    assert np.allclose(unit * one.value, scaled.value, rtol=1e-7, atol=1e-7 * unit * drawn.sd.max(), equal_nan=True)


def test_bounds_without_any_room_inside_them_are_no_obstacle() -> None:
    balances = {"P1": {"a": -1, "b": -1, "c": 1}, "P2": {"d": 1, "e": 1}}
    for sd in ([1.0, 1, 0.1, 2, 2], [1.0, 1, 1, 2, 2]):
        result = measured(list("abcde"), [8.0, 4, 2, 1, 3], sd, balances=balances, lower=[0] * 5)
        assert result.value[3:] == pytest.approx([0, 0], abs=1e-12)
        assert result.value[2] == pytest.approx(result.value[0] + result.value[1])
        assert (result.value >= 0).all()


def test_a_bound_that_contradicts_measurements_is_named_in_the_verdict() -> None:
    names, kinds = ["in", "o1", "o2"], ["measured", "measured", "unmeasured"]
    balances = {"P1": {"in": 1, "o1": -1, "o2": -1}}
    result = reconcile(state(names, kinds, [10, 6, NAN], [0.1, 0.1, NAN], balances=balances, lower=[0, 0, 5]))
    assert result.value == pytest.approx([10.5, 5.5, 5])
    assert result.verdicts["P1"].startswith("tested together with the bound of o2: contradicted")


def test_a_thousand_suspects_are_ranked_at_once() -> None:
    drawn = network(2000, seed=4, share_measured=1.0)
    sure = Network(drawn.source, drawn.target, drawn.true, drawn.value, drawn.sd / 30, drawn.measured)
    result = reconcile(stated(sure))
    sizes = [abs(suspect.normalised_residual) for suspect in result.suspects]
    assert len(sizes) > 500
    assert all(first >= second * (1 - 1e-8) for first, second in itertools.pairwise(sizes))


def test_reconciling_the_reconciled_changes_nothing() -> None:
    drawn = network(200, seed=5, share_measured=1.0)
    once = reconcile(stated(drawn))
    again = reconcile(stated(Network(drawn.source, drawn.target, drawn.true, once.value, drawn.sd, drawn.measured)))
    assert again.test.objective < 1e-18
    assert np.allclose(once.value, again.value, rtol=1e-12)


def test_the_sparse_way_gives_what_the_dense_one_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = stated(network(900, seed=3), lower=0.0, correlate=True)
    by_sparse = reconcile(problem)
    assert type(by_sparse.optimum.bounded.fit.factor).__name__ == "SparseFactor"
    monkeypatch.setattr("magnetflow.inference.solver.factors.DENSE_LIMIT", 10_000)
    by_dense = reconcile(problem)
    assert type(by_dense.optimum.bounded.fit.factor).__name__ == "DenseFactor"
    assert np.allclose(by_sparse.value, by_dense.value, rtol=1e-9, atol=1e-9, equal_nan=True)
    assert by_sparse.covariance is not None
    assert by_dense.covariance is not None
    size = np.nanmax(by_dense.covariance)
    assert np.allclose(by_sparse.covariance, by_dense.covariance, rtol=1e-7, atol=1e-9 * size, equal_nan=True)
    monkeypatch.setattr("magnetflow.inference.reconcile.WHOLE_COVARIANCE", 10)
    monkeypatch.setattr("magnetflow.inference.solver.factors.DENSE_LIMIT", 300)
    in_blocks = reconcile(problem)
    assert in_blocks.covariance is None
    assert np.allclose(in_blocks.sd, by_dense.sd, rtol=1e-6, atol=1e-7 * np.sqrt(size), equal_nan=True)
    some = ["F3", "F10", "F500"]
    places = [problem.position[name] for name in some]
    part = by_dense.covariance[np.ix_(places, places)]
    assert np.allclose(in_blocks.covariance_of(some), part, rtol=1e-7, atol=1e-9 * size, equal_nan=True)


def test_beyond_a_limit_the_named_and_the_most_adjusted_have_an_sd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magnetflow.inference.reconcile.EVERY_SD", 100)
    monkeypatch.setattr("magnetflow.inference.reconcile.WHOLE_COVARIANCE", 10)
    monkeypatch.setattr("magnetflow.inference.reconcile.LARGEST_ADJUSTMENTS", 20)
    problem = stated(network(400, seed=1, share_measured=1.0))
    every = reconcile(problem).sd
    assert not np.isnan(every).any()
    # As if each variable moved too many balances for entries of the inverse.
    monkeypatch.setattr("magnetflow.inference.solver.factors.LONGEST", -1)
    assert np.allclose(reconcile(problem, sd_of="all").sd, every, rtol=1e-9)
    result = reconcile(problem, sd_of=["F0"])
    moved = np.abs(result.value - problem.value) / problem.sd
    with_sd = ~np.isnan(result.sd)
    assert with_sd[0]
    assert with_sd.sum() in (20, 21)
    assert set(np.argsort(-moved)[:20]) <= set(np.flatnonzero(with_sd))
    left_out = len(problem.names) - with_sd.sum()
    assert f"{left_out} standard deviations are left out; name those you need, with --sd or sd_of" in result.messages
    with pytest.raises(ProblemError, match="no standard deviation of 'F9999': there is no such variable"):
        reconcile(problem, sd_of=["F9999"])


def test_dependent_balances_are_counted_once() -> None:
    # A closed loop: the balance of the last process repeats the others.
    names = ["a", "b", "c"]
    balances = {"P1": {"a": -1.0, "c": 1.0}, "P2": {"a": 1.0, "b": -1.0}, "P3": {"b": 1.0, "c": -1.0}}
    result = reconcile(state(names, ["measured"] * 3, [10, 11, 12], [1, 1, 1], balances=balances))
    assert result.test.degrees_of_freedom == 2
    assert result.value == pytest.approx([11, 11, 11])
    assert result.sd == pytest.approx([3**-0.5] * 3)


def test_a_closed_system_too_large_for_dense_algebra_is_settled_part_by_part() -> None:
    # 150 separate loops of four flows: none has a flow of its own to peel from.
    rows, columns, signs = [], [], []
    for loop in range(150):
        for at in range(4):
            rows += [4 * loop + at, 4 * loop + (at + 1) % 4]
            columns += [4 * loop + at] * 2
            signs += [-1.0, 1.0]
    matrix = sparse.csr_array(sparse.coo_array((signs, (rows, columns)), shape=(600, 600)))
    value = np.arange(600.0) + 10
    problem = state(
        [f"F{flow}" for flow in range(600)],
        ["measured"] * 600,
        value,
        np.ones(600),
        balances=([f"P{row}" for row in range(600)], matrix),
    )
    result = reconcile(problem)
    assert result.test.degrees_of_freedom == 450
    assert np.allclose(result.value, np.repeat(value.reshape(150, 4).mean(axis=1), 4))


def test_simulation_finds_the_covariance_that_is_reported() -> None:
    drawn = network(25, seed=11, share_measured=0.8)
    problem = stated(drawn, correlate=True)
    result = reconcile(problem)
    random = np.random.default_rng(2)
    values = []
    for _ in range(500):
        noise = problem.root @ random.standard_normal(problem.root.shape[1])
        noisy = np.where(drawn.measured, drawn.true, 0.0)
        noisy[drawn.measured] += noise
        again = Network(drawn.source, drawn.target, drawn.true, noisy, drawn.sd, drawn.measured)
        values.append(reconcile(stated(again, correlate=True)).value)
    known = result.classes != "unobservable"
    found = np.cov(np.array(values)[:, known].T)
    assert result.covariance is not None
    exact = result.covariance[np.ix_(known, known)]
    sd = np.sqrt(np.diag(exact))
    assert np.abs(found - exact).max() < 0.15 * np.outer(sd, sd).max()
    assert np.sqrt(np.diag(found)) == pytest.approx(sd, rel=0.1)


@pytest.mark.long
def test_simulation_agrees_with_the_linearised_covariance_of_a_nonlinear_system() -> None:
    random = np.random.default_rng(4)
    true = np.array([100.0, 60.0, 40.0, 0.6])
    sd = np.array([2.0, 1.5, 1.0, 0.01])

    def solved(values: np.ndarray) -> Reconciliation:
        return reconcile(
            state(
                ["in", "a", "b", "TC"],
                ["measured"] * 4,
                values,
                sd,
                balances={"P": {"in": 1, "a": -1, "b": -1}},
                relations={"TC": parse("a - TC * in")},
            )
        )

    result = solved(true)
    values = np.array([solved(true + sd * random.standard_normal(4)).value for _ in range(200)])
    assert values.std(axis=0, ddof=1) == pytest.approx(result.sd, rel=0.15)
    assert result.test.degrees_of_freedom == 2


def test_a_nonlinear_system_agrees_with_sequential_quadratic_programming() -> None:
    random = np.random.default_rng(8)
    names = ["in", "a", "b", "ca", "cb", "ci"]
    true = np.array([100.0, 70.0, 30.0, 0.02, 0.05, 0.029])
    sd = 0.1 * true
    relation = parse("in*ci - a*ca - b*cb")

    def imbalance(value: np.ndarray, z: np.ndarray) -> list[float]:
        x = value + sd * z
        return [x[0] - x[1] - x[2], 100 * relation.values(dict(zip(names, x, strict=True)))[-1]]

    for _ in range(5):
        value = true + sd * random.standard_normal(6)
        problem = state(
            names,
            ["measured"] * 6,
            value,
            sd,
            balances={"goods": {"in": 1, "a": -1, "b": -1}},
            relations={"substance": relation},
        )
        result = reconcile(problem)
        found = minimize(
            lambda z: z @ z,
            np.zeros(6),
            jac=lambda z: 2 * z,
            constraints={"type": "eq", "fun": partial(imbalance, value)},
            options={"ftol": 1e-14, "maxiter": 500},
        )
        assert result.test.objective == pytest.approx(found.fun, rel=1e-6)
        assert (result.value - value) / sd == pytest.approx(found.x, abs=1e-4)


def chain_with_coefficients(processes: int, seed: int) -> Problem:
    """A chain of processes, each with a product, a loss and a transfer coefficient, some of them not measured."""
    random = np.random.default_rng(seed)
    rows: list[tuple[str, float, float]] = [("f0", 1000.0, 0.1)]
    balances: dict[str, dict[str, float]] = {}
    relations, flow = {}, 1000.0
    for at in range(processes):
        share = random.uniform(0.85, 0.99)
        rows += [(f"f{at + 1}", flow * share, 0.1), (f"l{at}", flow * (1 - share), 0.2), (f"k{at}", share, 0.03)]
        balances[f"P{at}"] = {f"f{at}": 1, f"f{at + 1}": -1, f"l{at}": -1}
        relations[f"T{at}"] = parse(f"f{at + 1} - k{at} * f{at}")
        flow *= share
    names, true, cv = zip(*rows, strict=True)
    sd = np.array(true) * cv
    known = (random.random(len(names)) < 0.7) | (np.arange(len(names)) == 0)
    value = np.array(true) + sd * random.standard_normal(len(names))
    status = np.where(known, "measured", "unmeasured")
    lower = np.zeros(len(names))
    return state(names, status, value, sd, balances=balances, relations=relations, lower=lower)


@pytest.mark.parametrize("seed", (0, 3, 5))
def test_a_chain_of_coefficients_arrives_at_a_stationary_point(seed: int) -> None:
    """Bounds that hold, and unobservable variables that may drift, must not keep the iteration from ending."""
    problem = chain_with_coefficients(30, seed)
    result = reconcile(problem)
    assert result.residual_max < 1e-6
    # First-order conditions: the adjustments are the multipliers' pull on the measured variables.
    fitted, matrix = result.optimum.bounded.fit, result.optimum.linear.matrix
    pull = matrix.T @ fitted.multipliers[: matrix.shape[0]]
    for place, multiplier in zip(result.optimum.bounded.active, fitted.multipliers[matrix.shape[0] :], strict=True):
        pull[place] += multiplier
        assert multiplier >= 0  # every bound here is a lower one
    measured = problem.measured
    assert fitted.z == pytest.approx(pull[measured] * problem.sd[measured], abs=1e-7)
    assert pull[problem.unmeasured] * 1.0 == pytest.approx(0, abs=1e-6)
    assert (result.value[result.classes != "unobservable"] >= 0).all()


def measured(names: list[str], value: list[float], sd: list[float], **more: Any) -> Reconciliation:
    return reconcile(state(names, ["measured"] * len(names), value, sd, **more))


def test_contradicting_coefficients_push_the_flows_to_zero_and_that_is_reported() -> None:
    """Shares of 0.5 and 0.6 that are almost certain leave no other flow than none at all."""
    relations = {"first": parse("a - ka * in"), "second": parse("b - kb * in")}
    for lower in (None, [0.0] * 5):
        result = measured(
            ["in", "a", "b", "ka", "kb"],
            [100, 50, 60, 0.5, 0.6],
            [10, 5, 6, 0.001, 0.001],
            balances={"P": {"in": 1, "a": -1, "b": -1}},
            relations=relations,
            lower=lower,
        )
        assert any(message.startswith("degenerate: measurements of in, a, b") for message in result.messages)
        assert result.test.passed is False


def test_starts_that_disagree_are_reported() -> None:
    result = measured(["x", "y"], [0.0, 2.0], [1.0, 1.0], relations={"hyperbola": parse("1/x - y")})
    assert result.test.objective == pytest.approx(0.23670217144540562)
    assert any("different optima" in message and "9.327" in message for message in result.messages)


def test_the_nearest_point_of_a_circle_is_found_from_inside_and_outside() -> None:
    for x, y in ((0.1, 3.0), (0.3, 0.2), (-2.0, 0.1)):
        result = measured(["x", "y"], [x, y], [1.0, 1.0], relations={"circle": parse("x**2 + y**2 - 1")})
        length = np.hypot(x, y)
        assert result.value == pytest.approx([x / length, y / length], abs=1e-9)
        assert result.test.objective == pytest.approx((length - 1) ** 2)


def test_the_middle_of_a_circle_is_no_minimum() -> None:
    result = measured(["x", "y"], [0.0, 0.0], [1.0, 2.0], relations={"ellipse": parse("x**2 + y**2 - 1")})
    # The nearest point in σ is on the y axis, where half a σ leads to.
    assert result.test.objective == pytest.approx(0.25)
    assert np.abs(result.value) == pytest.approx([0.0, 1.0], abs=1e-6)


@pytest.mark.parametrize(
    ("relation", "message"),
    [("x**2 + y**2 + 1", "no convergence"), ("1 / (x - x) - y", "no finite value")],
)
def test_what_has_no_solution_is_an_error(relation: str, message: str) -> None:
    with pytest.raises(ConvergenceError, match=message):
        measured(["x", "y"], [1.0, 2.0], [1.0, 1.0], relations={"line 1": parse(relation)})


def test_a_conflict_of_constants_names_the_balances() -> None:
    names, kinds = ["a", "b", "c", "d"], ["constant", "unmeasured", "constant", "measured"]
    balances = {"P1": {"a": 1, "b": -1}, "P2": {"b": 1, "c": -1}, "P3": {"c": 1, "d": -1}}
    with pytest.raises(ConflictError, match="the balances P1, P2;"):
        reconcile(state(names, kinds, [1, NAN, 2, 3], [NAN, NAN, NAN, 1], balances=balances))


def test_a_conflict_of_bounds_names_balances_and_bounds() -> None:
    balances = {"P1": {"a": 1, "b": -1, "c": -1}, "P2": {"c": 1, "d": -1}, "P3": {"d": 1, "e": -1}}
    problem = state(
        list("abcde"),
        ["measured"] * 5,
        [1, 2, 3, 4, 5],
        [1] * 5,
        balances=balances,
        lower=[0, 5, 0, 0, 0],
        upper=[4, 9, 9, 9, 9],
    )
    with pytest.raises(ConflictError, match=r"balances? P1.* bounds b ≥ 5, .*, a ≤ 4;"):
        reconcile(problem)


def test_serial_elimination_finds_a_planted_error() -> None:
    drawn = network(60, seed=21, share_measured=1.0)
    value = drawn.value.copy()
    value[17] += 40 * drawn.sd[17]
    wrong = Network(drawn.source, drawn.target, drawn.true, value, drawn.sd, drawn.measured)
    before = reconcile(stated(wrong))
    assert before.test.passed is False
    last, steps = eliminate_serially(before)
    assert "F17" in (steps[0].removed.name, *steps[0].removed.tied)
    assert last.test.passed is not False
    assert last.test.degrees_of_freedom == before.test.degrees_of_freedom - len(steps)


def test_the_tests_raise_a_false_alarm_as_often_as_they_say() -> None:
    drawn = network(40, seed=2, share_measured=1.0)
    random = np.random.default_rng(6)
    failed = alarms = 0
    for _ in range(400):
        value = drawn.true + drawn.sd * random.standard_normal(40)
        result = reconcile(stated(Network(drawn.source, drawn.target, drawn.true, value, drawn.sd, drawn.measured)))
        failed += result.test.passed is False
        alarms += bool(result.suspects)
    assert 0.025 < failed / 400 < 0.08
    assert alarms / 400 < 0.08


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": ["a", "a"]}, "a stands twice"),
        ({"sd": [0.0, 1.0]}, "a is measured with an sd that is not above zero"),
        ({"sd": [-1.0, 1.0]}, "not above zero"),
        ({"sd": [np.inf, 1.0]}, "not finite"),
        ({"value": [NAN, 1.0]}, "a has no value"),
        ({"status": ["known", "measured"]}, "neither measured"),
        ({"lower": [3.0, 0.0], "upper": [2.0, 9.0]}, "lower bound above"),
        ({"status": ["constant", "measured"], "lower": [3.0, 0.0]}, "constant beyond its own bound"),
        ({"balances": {"P": {"c": 1.0}}}, "names c"),
        ({"balances": {}}, "no balance"),
        ({"balances": {"P": {"a": np.inf, "b": 1.0}}}, "not finite"),
        ({"status": ["unmeasured", "measured"], "balances": {"P": {"b": 1.0}}}, "a is unmeasured and stands in no"),
        ({"covariances": {("a", "b"): 1.5}}, "not positive semi-definite"),
        ({"covariances": {("a", "c"): 0.5}}, "names c"),
        ({"covariances": {("a", "a"): 0.5}}, "variance of a"),
        ({"status": ["constant", "measured"], "covariances": {("a", "b"): 0.5}}, "not measured"),
        ({"relations": {"line 1": parse("a - z")}}, "names z"),
    ],
)
def test_a_problem_that_cannot_be_right_is_refused(change: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {
        "names": ["a", "b"],
        "status": ["measured", "measured"],
        "value": [1.0, 2.0],
        "sd": [1.0, 1.0],
        "balances": {"P": {"a": 1.0, "b": -1.0}},
    }
    with pytest.raises(ProblemError, match=message):
        state(**(given | change))


def test_three_covariances_that_no_errors_can_have_are_refused() -> None:
    pairs = {("a", "b"): 0.9, ("b", "c"): 0.9, ("a", "c"): -0.9}
    with pytest.raises(ProblemError, match="a, b, c is not positive semi-definite"):
        state(list("abc"), ["measured"] * 3, [1, 2, 3], [1, 1, 1], balances={"P": {"a": 1}}, covariances=pairs)


def test_fully_correlated_errors_move_together() -> None:
    # a and b err alike, so that their difference is certain; c takes up what is left.
    result = measured(
        ["a", "b", "c"],
        [10, 6, 5],
        [1, 1, 1],
        balances={"P": {"a": 1, "b": -1, "c": -1}},
        covariances={("a", "b"): 1.0},
    )
    assert result.value == pytest.approx([10, 6, 4])
    assert result.sd == pytest.approx([1, 1, 0], abs=1e-9)


def test_very_unlike_standard_deviations_cost_no_digits() -> None:
    result = measured(
        ["a", "b", "c"],
        [1.0, 1.1, 1e9],
        [1e-6, 1.0, 1e6],
        balances={"P": {"a": 1, "b": -1}, "Q": {"c": 1e-9, "b": -1}},
    )
    weights = np.array([1e12, 1.0, 1e6])
    mean = weights @ [1.0, 1.1, 1.0] / weights.sum()
    assert result.value == pytest.approx([mean, mean, 1e9 * mean], rel=1e-13)
    assert result.sd == pytest.approx(weights.sum() ** -0.5 * np.array([1, 1, 1e9]), rel=1e-8)
    covariance = result.covariance_of(["a", "b", "c"]).to_numpy()
    assert covariance / np.outer(result.sd, result.sd) == pytest.approx(1.0, abs=1e-8)


def test_limits_and_probabilities_of_many_tests_are_those_of_sidak() -> None:
    # Tables of the normal distribution: two-sided 5 %, and 1 - 0.95^(1/10) = 0.5116 %.
    assert checks.critical_value(1) == pytest.approx(1.959964, abs=1e-6)
    assert checks.critical_value(10) == pytest.approx(2.799656, abs=1e-3)
    result = measured(["a", "b"], [103.0, 100.0], [1.0, 1e-3], balances={"P": {"a": 1, "b": -1}})
    assert [suspect.name for suspect in result.suspects] == ["a", "b"]
    # 3 standard deviations, two-sided 0.26998 %, of two tests.
    assert result.suspects[0].p_value == pytest.approx(1 - (1 - 0.0026998) ** 2, rel=1e-3)
    assert result.test.p_value == pytest.approx(0.0026998, rel=1e-3)


def test_signs_and_amounts_of_adjustments_and_imbalances() -> None:
    result = measured(["in", "out"], [1000.0, 110.0], [10.0, 10.0], balances={"P": {"in": 2, "out": -2}})
    assert result.normalised_residual == pytest.approx([-62.932504, 62.932504])
    assert [suspect.adjustment_in_sd for suspect in result.suspects] == pytest.approx([-44.5, 44.5])
    [nodal] = result.nodal_tests
    # The imbalance is that of the balance as written: twice 890, with twice the sd of a difference.
    assert nodal.imbalance == pytest.approx(1780)
    assert nodal.sd == pytest.approx(2 * 200**0.5)
    assert nodal.normalised == pytest.approx(62.932504)
    assert nodal.contradicts
    assert result.verdicts["P"] == "contradicted: the measured values miss it by 1780, 62.9 standard deviations"


@pytest.mark.parametrize(("value", "verdict"), [(101.0, "agrees"), (103.0, "strained"), (105.0, "contradicted")])
def test_verdicts_follow_the_size_of_the_imbalance(value: float, verdict: str) -> None:
    # Two separate balances, so that the limit of each is 2.24 and not 1.96; the sd of the difference is 1.41.
    balances = {"P": {"a": 1, "b": -1}, "Q": {"c": 1, "d": -1}}
    result = measured(list("abcd"), [value, 100.0, 7.0, 7.0], [1.0] * 4, balances=balances)
    assert result.verdicts["P"].startswith(verdict)
    assert result.verdicts["Q"].startswith("agrees")


def test_verdicts_on_balances_that_hold_unmeasured_variables() -> None:
    names, kinds = list("abcde"), ["measured", "unmeasured", "measured", "unmeasured", "unmeasured"]
    balances = {"P": {"a": 1, "b": -1}, "Q": {"b": 1, "c": -1}, "R": {"c": 1, "d": -1, "e": -1}}
    result = reconcile(state(names, kinds, [10, NAN, 10.5, NAN, NAN], [1, NAN, 1, NAN, NAN], balances=balances))
    assert (
        result.verdicts["P"]
        == "tested together with Q: agrees: the measured values miss it by 0.5, 0.4 standard deviations"
    )
    assert result.verdicts["R"] == "cannot be tested: it holds an unobservable variable"
    alone = reconcile(state(["a", "b"], kinds[:2], [10, NAN], [1, NAN], balances={"P": {"a": 1, "b": -1}}))
    assert alone.verdicts["P"] == "cannot be tested: it determines an unmeasured variable"


def test_bounds_from_above_and_from_below_hold_where_they_must() -> None:
    # a + b = c with a held from above, b from below; by hand: a = 4, b = 5, and c follows.
    balances = {"P": {"a": 1, "b": 1, "c": -1}}
    names, value, sd = ["a", "b", "c"], [6.0, 3.0, 9.0], [1.0, 1.0, 1.0]
    result = measured(names, value, sd, balances=balances, lower=[0, 5, 0], upper=[4, 9, 99])
    assert result.value == pytest.approx([4, 5, 9])
    assert result.active_bounds == {"a": 4.0, "b": 5.0}
    # A bound that does not hold anything back lets the rest be.
    result = measured(names, [6.0, 3.0, 12.0], sd, balances=balances, lower=[0, 0, 0], upper=[6.5, 9, 99])
    assert result.value == pytest.approx([6.5, 4.25, 10.75])
    assert result.active_bounds == {"a": 6.5}


@pytest.mark.parametrize("guessed", [{}, {0: 0.0}, {0: 4.0, 1: 5.0, 2: 99.0}, {1: 9.0}])
def test_a_wrong_guess_of_the_active_bounds_is_mended(
    guessed: dict[int, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    true_interior_point = bounded._interior_point

    def misled(*given: Any) -> Any:
        inside, _, objective = true_interior_point(*given)
        return inside, guessed, objective

    monkeypatch.setattr(bounded, "_interior_point", misled)
    monkeypatch.setattr(bounded, "SOON", 0)
    result = measured(
        ["a", "b", "c"],
        [6.0, 3.0, 9.0],
        [1.0, 1.0, 1.0],
        balances={"P": {"a": 1, "b": 1, "c": -1}},
        lower=[0, 5, 0],
        upper=[4, 9, 99],
    )
    assert result.value == pytest.approx([4, 5, 9])


def test_bounds_that_cannot_be_settled_are_an_error_and_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the solver defeated and no set of bounds that satisfies, nothing may be returned as a solution."""
    monkeypatch.setattr(bounded, "SOON", 0)
    monkeypatch.setattr(bounded, "_interior_point", lambda problem, *_: (problem.value, {}, np.inf))
    monkeypatch.setattr(bounded, "_pulling_wrong", lambda *_: {0})
    with pytest.raises(ConvergenceError, match="could not be settled"):
        measured(
            ["a", "b", "c"],
            [6.0, 3.0, 9.0],
            [1.0, 1.0, 1.0],
            balances={"P": {"a": 1, "b": 1, "c": -1}},
            lower=[0, 5, 0],
            upper=[4, 9, 99],
        )


def test_a_system_too_large_for_the_saddle_test_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magnetflow.inference.solver.relations.DENSE_LIMIT", 1)
    monkeypatch.setattr("magnetflow.inference.messages.SMALL", 1)
    result = measured(["x", "y"], [2.0, 1.0], [1.0, 1.0], relations={"circle": parse("x**2 + y**2 - 1")})
    assert result.optimum.is_minimum is None
    assert any("saddle" in message for message in result.messages)


def test_a_saddle_is_told_from_a_minimum() -> None:
    # From a point on the y axis, symmetry leads to (0, 1), though leaving the axis saves much.
    problem = state(
        ["x", "y"], ["measured"] * 2, [0.0, 0.3], [1.0, 0.1], relations={"circle": parse("x**2 + y**2 - 1")}
    )
    saddle = solve._descend(problem, problem.value, np.zeros(2))
    assert saddle.x == pytest.approx([0, 1], abs=1e-9)
    assert not saddle.is_minimum
    best = reconcile(problem)
    assert best.optimum.is_minimum
    assert best.test.objective < saddle.objective


def test_linear_balances_in_conflict_are_found_before_any_iteration() -> None:
    names, kinds = ["a", "b", "c"], ["constant", "constant", "measured"]
    with pytest.raises(ConflictError, match="the balance P;"):
        reconcile(
            state(
                names,
                kinds,
                [1, 2, 3],
                [NAN, NAN, 1],
                balances={"P": {"a": 1, "b": -1}, "Q": {"c": 1, "a": -3}},
                relations={"R": parse("c * c - 9")},
            )
        )


@pytest.mark.parametrize("gap", [1.0, 1e-6])
def test_balances_that_repeat_others_but_ask_for_more_are_named(gap: float) -> None:
    names, kinds = ["a", "b", "k", "c"], ["measured", "measured", "constant", "measured"]
    balances = {"P": {"a": 1, "b": -1}, "Q": {"a": 1, "b": -1, "k": -1}, "R": {"c": 1, "b": -1}}
    with pytest.raises(ConflictError, match="the balances P, Q;"):
        reconcile(state(names, kinds, [3, 3, gap, 3], [1, 1, NAN, 1], balances=balances))


def test_the_iteration_begins_where_balances_with_one_unknown_put_it() -> None:
    problem = state(
        ["g", "c", "s", "t", "w", "share"],
        ["measured", "unmeasured", "measured"] + ["unmeasured"] * 3,
        [100.0, NAN, 3.0, NAN, NAN, NAN],
        [1.0, NAN, 0.1, NAN, NAN, NAN],
        balances={"P": {"g": 2, "t": -1}},
        relations={"content": parse("s - g * c"), "open": parse("w * share - t")},
        lower=[0] * 6,
        upper=[np.inf] * 5 + [1.0],
    )
    # c = 3/100, t = 200; w has the typical size of the measured values, share the middle of its bounds.
    assert solve.first_guess(problem) == pytest.approx([100, 0.03, 3, 200, 51.5, 0.5])


def test_a_covariance_just_beyond_what_errors_can_have_is_refused() -> None:
    # Correlations r, r and 2r² - 1 are the limit: a little less for the third has an eigenvalue of -1e-4.
    r = 0.9
    pairs = {("a", "b"): r, ("b", "c"): r, ("a", "c"): 2 * r**2 - 1 - 1e-3}
    with pytest.raises(ProblemError, match="not positive semi-definite"):
        state(list("abc"), ["measured"] * 3, [1, 2, 3], [1, 1, 1], balances={"P": {"a": 1}}, covariances=pairs)
    pairs["a", "c"] = 2 * r**2 - 1
    state(list("abc"), ["measured"] * 3, [1, 2, 3], [1, 1, 1], balances={"P": {"a": 1}}, covariances=pairs)


def test_a_combination_has_the_hand_computed_covariance() -> None:
    # in = a + b with sds 1, 2, 2 and a gap of 9, shared as the variances 1, 4, 4; covariance V - V Gᵀ (G V Gᵀ)⁻¹ G V.
    names, balances = ["in", "a", "b"], {"P": {"in": 1.0, "a": -1.0, "b": -1.0}}
    result = measured(names, [100.0, 60.0, 31.0], [1.0, 2.0, 2.0], balances=balances)
    assert result.value == pytest.approx([99, 64, 35])
    # var a = 4 - 16/9, var b = 4 - 16/9, cov(a, b) = -16/9: var(2a - b) = 5 (20/9) + 4 (16/9) = 164/9.
    assert result.combine({"a": 2.0, "b": -1.0}) == pytest.approx((93.0, (164 / 9) ** 0.5))
    assert result.combine({"a": 1.0}) == pytest.approx((64.0, (20 / 9) ** 0.5))
    assert result.combine({"in": 1.0, "a": -1.0, "b": -1.0}) == pytest.approx((0.0, 0.0), abs=1e-12)
    assert result.combine({}) == (0.0, 0.0)


def test_a_combination_with_an_undetermined_variable_is_not_known() -> None:
    kinds = ["measured", "unmeasured", "unmeasured", "constant"]
    balances = {"P": {"a": 1.0, "b": -1.0, "c": -1.0}}
    result = reconcile(state(list("abck"), kinds, [5, NAN, NAN, 2], [1, NAN, NAN, NAN], balances=balances))
    assert np.isnan(result.combine({"a": 1.0, "b": 1.0})).all()
    assert result.combine({"a": 3.0, "b": 0.0, "k": 1.0}) == pytest.approx((17.0, 3.0))


@given(networks, st.integers(0, 1000))
@settings(max_examples=30)
def test_combinations_are_linear_and_those_of_a_balance_are_certain(drawn: Network, seed: int) -> None:
    result = reconcile(stated(drawn, correlate=True))
    random, names = np.random.default_rng(seed), np.array(result.problem.names)
    known = names[~np.isnan(result.value)].tolist()
    one, other = (dict(zip(known, random.normal(size=len(known)), strict=True)) for _ in range(2))
    both = {name: 2.0 * one[name] - 3.0 * other[name] for name in known}
    covariance = result.covariance_of(known).to_numpy()
    a, b = (np.array(list(weights.values())) for weights in (one, other))
    size = drawn.sd.max() * len(known)
    assert result.combine(both).value == pytest.approx(
        2 * result.combine(one).value - 3 * result.combine(other).value
    )
    assert result.combine(one).sd == pytest.approx(np.sqrt(max(a @ covariance @ a, 0.0)), rel=1e-6, abs=1e-6 * size)
    variance = 4 * result.combine(one).sd ** 2 + 9 * result.combine(other).sd ** 2 - 12 * (a @ covariance @ b)
    assert result.combine(both).sd ** 2 == pytest.approx(variance, rel=1e-6, abs=1e-9 * size**2)
    for row in range(result.problem.matrix.shape[0]):
        entries = result.problem.matrix[[row]]
        total = result.combine(dict(zip(names[entries.indices], entries.data, strict=True)))
        assert np.isnan(total.value) or total == pytest.approx((0.0, 0.0), abs=1e-9 * size)


def test_labels_find_variables_and_are_kept() -> None:
    labels = {"flow": ["I1", "E1", "E1", ""], "layer": ["goods", "goods", "Nd", ""]}
    balances = {"P": {"a": 1.0, "b": -1.0}, "Q": {"b": 1.0, "c": -1.0, "d": -1.0}}
    names, kinds = list("abcd"), ["measured"] * 4
    problem = state(names, kinds, [1, 2, 3, 4], [1] * 4, balances=balances, lower=[0] * 4, labels=labels)
    assert problem.names_where(flow="E1") == ["b", "c"]
    assert problem.names_where(flow="E1", layer="Nd") == ["c"]
    assert problem.names_where(flow="I1", layer="Nd") == []
    assert problem.names_where() == names
    with pytest.raises(ProblemError, match="unit is no label of this problem, which has flow, layer"):
        problem.names_where(unit="t")
    with pytest.raises(ProblemError, match="3 labels of flow are given for 4 variables"):
        state(names, kinds, [1, 2, 3, 4], [1] * 4, balances=balances, labels={"flow": ["I1"] * 3})
    table = eliminate_serially(reconcile(problem.without_bounds()))[0].table()
    assert list(table.columns[-4:]) == ["lower", "upper", "flow", "layer"]
    assert table["flow"].tolist() == labels["flow"]
    unlabelled = measured(names, [1, 2, 3, 4], [1] * 4, balances=balances)
    assert unlabelled.table().columns[-1] == "upper"


def test_labels_follow_the_columns_of_the_written_table(tmp_path: Path) -> None:
    labels = {"flow": ["I1", "E1, other"], "unit": ["t", "t"]}
    result = measured(["a", "b"], [1.0, 2.0], [1.0, 1.0], balances={"P": {"a": 1.0, "b": -1.0}}, labels=labels)
    report.write(result, tmp_path)
    rows = list(csv.reader((tmp_path / report.TABLE).read_text("utf-8").splitlines()))
    assert rows[0][-4:] == ["lower", "upper", "flow", "unit"]
    assert [row[-2:] for row in rows[1:]] == [["I1", "t"], ["E1, other", "t"]]


@pytest.mark.parametrize("small", [1e-9, 1e-6])
def test_a_small_coefficient_in_a_short_balance_costs_no_digits(small: float) -> None:
    """Elimination must not divide by it: u comes from the longer balance, in which its coefficient is one."""
    balances = {
        "first": {"u": small, "v": 1.0, "x": -1.0},
        "second": {"u": 1.0, "v": 1.0, "x": 2.0, "b": -1.0},
        "third": {"v": 1.0, "x": -3.0, "c": -1.0},
    }
    kinds, b, c = ["unmeasured"] * 3 + ["measured"] * 2, 1.3, 0.7
    result = reconcile(state(list("uvxbc"), kinds, [NAN] * 3 + [b, c], [NAN] * 3 + [0.1, 0.2], balances=balances))
    x = -(c + small * (b - c)) / (2 - 5 * small)
    assert result.value[:3] == pytest.approx([b - c - 5 * x, c + 3 * x, x], rel=1e-13)
    by_b, by_c = -small / (2 - 5 * small), -(1 - small) / (2 - 5 * small)  # of x
    slopes = np.array([[1 - 5 * by_b, -1 - 5 * by_c], [3 * by_b, 1 + 3 * by_c], [by_b, by_c]])
    assert result.sd[:3] == pytest.approx(np.hypot(0.1 * slopes[:, 0], 0.2 * slopes[:, 1]), rel=1e-12)


def test_the_concentration_in_a_flow_of_nothing_keeps_its_bounds() -> None:
    """Where the goods are zero, the balance of the substance does not change with its concentration."""
    problem = state(
        ["goods", "substance", "concentration", "other"],
        ["constant", "constant", "unmeasured", "measured"],
        [0.0, 0.0, np.nan, 1.0],
        [np.nan, np.nan, np.nan, 0.1],
        relations={"content": variable("substance") - variable("concentration") * variable("goods")},
        lower=[0.0, 0.0, 0.0, 0.0],
        upper=[np.inf, np.inf, 0.5, np.inf],
    )
    solved = reconcile(problem)
    assert (solved.lower[2], solved.upper[2]) == (0.0, 0.5)
