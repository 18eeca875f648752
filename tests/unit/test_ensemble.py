"""Reconciling many draws at once: against the route for one, by hand, and where bounds depend on one another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magnetflow.errors import ConflictError, ConvergenceError, ProblemError
from magnetflow.inference.draws import ensemble
from magnetflow.inference.parser import parse
from magnetflow.inference.problem import Problem, state
from magnetflow.inference.reconcile import TUNING, reconcile, reconcile_robustly

DRAWS = 60


def network(seed: int, *, correlated: bool) -> Problem:
    """Draw a small chain of processes with some flows unmeasured, one constant, and bounds on both sides."""
    random = np.random.default_rng(seed)
    names = [f"F{number}" for number in range(10)]
    balances = {
        "P1": {"F0": 1.0, "F1": 1.0, "F2": -1.0, "F3": -1.0},
        "P2": {"F2": 1.0, "F4": -1.0, "F5": -1.0},
        "P3": {"F3": 1.0, "F5": 1.0, "F6": -1.0, "F7": -1.0},
        "P4": {"F4": 1.0, "F8": -1.0},
        "share": {"F7": 1.0, "F6": -0.5},
    }
    status = ["measured"] * 10
    status[2] = status[7] = "unmeasured"
    status[9] = "constant"
    covariances = {("F0", "F1"): 2.0, ("F4", "F8"): -1.0} if correlated else None
    return state(
        names,
        status,
        [*random.normal(5.0, 6.0, 9), 3.0],
        [*random.uniform(1.5, 4.0, 9), np.nan],
        balances=balances | {"P5": {"F6": 1.0, "F9": -1.0, "F1": -0.5}},
        lower=np.zeros(10),
        upper=[np.inf] * 4 + [9.0] + [np.inf] * 5,
        covariances=covariances,
    )


def draws_of(problem: Problem, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    count = int(problem.measured.sum())
    return problem.value[problem.measured][:, None] + 4.0 * random.standard_normal((count, DRAWS))


@pytest.mark.parametrize("correlated", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_each_draw_is_reconciled_as_if_it_were_alone(seed: int, correlated: bool) -> None:
    problem = network(seed, correlated=correlated)
    estimator = ensemble.estimator(problem)
    drawn = draws_of(problem, seed)
    values, at_bound = estimator.bounded(drawn)
    for draw in range(DRAWS):
        value = problem.value.copy()
        value[problem.measured] = drawn[:, draw]
        alone = reconcile(replace(problem, value=value))
        assert values[:, draw] == pytest.approx(alone.value, abs=1e-6)
        assert bool(at_bound[draw]) == bool(alone.active_bounds)
    assert at_bound.any()


def entangled(seed: int) -> Problem:
    """Draw strongly correlated measurements within narrow bounds on both sides, where bounds come and go."""
    random = np.random.default_rng(seed)
    names = [f"v{number}" for number in range(9)]
    root = random.normal(size=(6, 6))
    covariance = root @ root.T + 0.05 * np.eye(6)
    return state(
        names,
        ["measured"] * 6 + ["unmeasured"] * 3,
        [0.0] * 6 + [np.nan] * 3,
        [*np.sqrt(np.diag(covariance)), *[np.nan] * 3],
        balances={f"b{row}": dict(zip(names, random.normal(size=9), strict=True)) for row in range(3)},
        lower=np.full(9, -0.5),
        upper=np.full(9, 1.0),
        covariances={(names[i], names[j]): float(covariance[i, j]) for i in range(6) for j in range(i)},
    )


@pytest.mark.parametrize("seed", range(4))
def test_bounds_that_come_and_go_end_where_a_single_draw_does(seed: int) -> None:
    problem = entangled(seed)
    drawn = 1.5 * problem.root @ np.random.default_rng(seed).standard_normal((6, 40))
    values, _ = ensemble.estimator(problem).bounded(drawn)
    for draw in range(40):
        value = problem.value.copy()
        value[problem.measured] = drawn[:, draw]
        assert values[:, draw] == pytest.approx(reconcile(replace(problem, value=value)).value, abs=1e-6)


@given(st.integers(0, 10_000), st.booleans())
def test_draws_within_bounds_meet_every_balance(seed: int, correlated: bool) -> None:
    problem = network(seed, correlated=correlated)
    values, _ = ensemble.estimator(problem).bounded(draws_of(problem, seed))
    assert np.abs(problem.matrix @ values).max() < 1e-8
    assert (values >= problem.lower[:, None] - 1e-8).all()
    assert (values <= problem.upper[:, None] + 1e-8).all()


def test_a_balance_by_hand() -> None:
    # a + b = c, with a = 10 ± 1, b = 5 ± 2, c unmeasured and d a second reading of c, 18 ± 2: the gap of 3 is shared
    # by the variances 1, 4, 4. c is what a and b give.
    problem = state(
        ["a", "b", "c", "d"],
        ["measured", "measured", "unmeasured", "measured"],
        [10.0, 5.0, np.nan, 18.0],
        [1.0, 2.0, np.nan, 2.0],
        balances={"sum": {"a": 1.0, "b": 1.0, "c": -1.0}, "same": {"c": 1.0, "d": -1.0}},
    )
    estimator = ensemble.estimator(problem)
    values = estimator.unbounded(np.array([[10.0], [5.0], [18.0]]))[:, 0]
    assert values == pytest.approx([10 + 3 / 9, 5 + 12 / 9, 15 + 15 / 9, 15 + 15 / 9])
    assert np.diag(estimator.covariance) == pytest.approx([1 - 1 / 9, 4 - 16 / 9, 5 - 25 / 9, 5 - 25 / 9])
    gain = ensemble.reduce(problem).gain(np.diag([1.0, 1.0, 2.0]))  # other weights: the gap is shared as 1, 1, 2
    gap = ensemble.reduce(problem).balances @ np.array([10.0, 5.0, 18.0]) - ensemble.reduce(problem).level
    assert np.abs(gain @ gap) == pytest.approx([0.75, 0.75, 1.5])


def test_a_bound_by_hand() -> None:
    # out = in - loss, in = 2 ± 1, loss = 3 ± 1: both give way alike, until out is nothing.
    problem = state(
        ["in", "loss", "out"],
        ["measured", "measured", "unmeasured"],
        [2.0, 3.0, np.nan],
        [1.0, 1.0, np.nan],
        balances={"P": {"in": 1.0, "loss": -1.0, "out": -1.0}},
        lower=[0.0, 0.0, 0.0],
    )
    values, at_bound = ensemble.estimator(problem).bounded(np.array([[2.0, 4.0], [3.0, 3.0]]))
    assert values == pytest.approx(np.array([[2.5, 4.0], [2.5, 3.0], [0.0, 1.0]]))
    assert at_bound.tolist() == [True, False]


def test_bounds_that_depend_on_one_another_are_settled() -> None:
    # F1 = F2 = F3 along a chain: all three reach their bound together.
    problem = state(
        ["in", "loss", "F1", "F2", "F3"],
        ["measured", "measured", "unmeasured", "unmeasured", "unmeasured"],
        [2.0, 3.0, np.nan, np.nan, np.nan],
        [1.0, 1.0, np.nan, np.nan, np.nan],
        balances={
            "P": {"in": 1.0, "loss": -1.0, "F1": -1.0},
            "Q": {"F1": 1.0, "F2": -2.0},
            "R": {"F2": 1.0, "F3": -1.0},
        },
        lower=[0.0, 0.0, 0.0, 0.0, 0.1],
    )
    values, _ = ensemble.estimator(problem).bounded(np.array([[2.0, 0.0], [3.0, 9.0]]))
    assert values[:, 0] == pytest.approx([2.6, 2.4, 0.2, 0.1, 0.1])
    assert values[:, 1] == pytest.approx([4.6, 4.4, 0.2, 0.1, 0.1])


def test_many_bounds_at_once_are_settled_together(monkeypatch: pytest.MonkeyPatch) -> None:
    # The parts of a total that is too small: the nearest point on a simplex, which bisection finds as well.
    parts = 20
    names = [f"part {number}" for number in range(parts)]
    problem = state(
        ["total", *names],
        ["constant"] + ["measured"] * parts,
        [1.0, *np.ones(parts)],
        [np.nan] + [1.0] * parts,
        balances={"sum": {"total": 1.0, **dict.fromkeys(names, -1.0)}},
        lower=np.zeros(parts + 1),
    )
    drawn = np.random.default_rng(2).normal(1.0, 2.0, (parts, 50))
    estimator = ensemble.estimator(problem)
    monkeypatch.setattr(ensemble, "bounded_fit", None)  # no draw is left to be solved on its own
    values, _ = estimator.bounded(drawn)
    for draw in range(50):
        low, high = -20.0, 20.0
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if np.maximum(drawn[:, draw] - middle, 0).sum() > 1 else (low, middle)
        assert values[1:, draw] == pytest.approx(np.maximum(drawn[:, draw] - low, 0.0), abs=1e-9)


def test_a_variable_that_constants_fix_is_no_draw_held() -> None:
    problem = state(
        ["a", "b", "c", "k"],
        ["unmeasured", "measured", "unmeasured", "constant"],
        [np.nan, 1.0, np.nan, 0.7],
        [np.nan, 0.3, np.nan, np.nan],
        balances={"P": {"a": 0.3, "k": -0.3}, "Q": {"a": 1.1, "b": 0.7, "c": -1.3}},
        lower=[0.7, -np.inf, -np.inf, 0.0],
    )
    _, at_bound = ensemble.estimator(problem).bounded(np.random.default_rng(1).normal(1.0, 0.3, (1, 500)))
    assert not at_bound.any()


def test_what_the_balances_leave_open_stays_open() -> None:
    problem = state(
        ["a", "b", "c"],
        ["measured", "unmeasured", "unmeasured"],
        [1.0, np.nan, np.nan],
        [0.1, np.nan, np.nan],
        balances={"P": {"a": 1.0, "b": -1.0, "c": -1.0}},
        lower=[0.0, -np.inf, -np.inf],
    )
    with pytest.raises(ProblemError, match="b is left open by the balances and has a bound"):
        ensemble.estimator(replace(problem, lower=np.zeros(3)))
    values, _ = ensemble.estimator(problem).bounded(np.array([[1.0, 2.0]]))
    assert np.isnan(values).tolist() == [[False, False], [True, True], [True, True]]


def test_what_cannot_be_drawn_is_refused() -> None:
    curved = state(
        ["a", "b", "c"],
        ["measured"] * 3,
        [2.0, 3.0, 6.0],
        [0.1] * 3,
        relations={"product": parse("a * b - c")},
    )
    with pytest.raises(ProblemError, match="an ensemble needs linear balances"):
        ensemble.estimator(curved)
    against = state(
        ["a", "b"], ["measured", "constant"], [1.0, -1.0], [0.1, np.nan], balances={"P": {"a": 1.0, "b": -1.0}}
    )
    bounded = replace(against, lower=np.array([0.0, -np.inf]))
    with pytest.raises(ConflictError):
        ensemble.estimator(bounded)


def test_robust_weights_by_hand() -> None:
    # Four readings of one quantity, the last far off. Huber's location t solves sum of psi((y - t) / sd) = 0: three
    # count in full, the outlier with its limit, so that 3 t = 0 + 1 + 2 + TUNING.
    names = ["y1", "y2", "y3", "y4", "t"]
    problem = state(
        names,
        ["measured"] * 4 + ["unmeasured"],
        [0.0, 1.0, 2.0, 30.0, np.nan],
        [1.0] * 4 + [np.nan],
        balances={name: {name: 1.0, "t": -1.0} for name in names[:4]},
    )
    solved, weights = reconcile_robustly(problem)
    location = (3.0 + TUNING) / 3.0
    # y1 lies TUNING + 0.103 away, so that its limit counts as well: 2 t = 1 + 2 + TUNING - TUNING.
    assert location > TUNING
    assert solved.value[4] == pytest.approx(1.5, abs=1e-6)
    assert weights.to_numpy() == pytest.approx([TUNING / 1.5, 1.0, 1.0, TUNING / 28.5], abs=1e-6)
    least, unweighted = reconcile(problem), reconcile_robustly(replace(problem, sd=problem.sd * 100.0))
    assert least.value[4] == pytest.approx(33.0 / 4.0)
    assert unweighted[1].eq(1.0).all()
    assert unweighted[0].value[4] == pytest.approx(33.0 / 4.0)
    pair = state(
        ["y1", "y2", "t"],
        ["measured", "measured", "unmeasured"],
        [0.0, 100.0, np.nan],
        [1.0, 1.001, np.nan],
        balances={name: {name: 1.0, "t": -1.0} for name in ("y1", "y2")},
    )
    with pytest.raises(ConvergenceError, match="two measurements of nearly one sd contradict"):
        reconcile_robustly(pair)
