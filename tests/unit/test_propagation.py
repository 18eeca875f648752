"""Without redundancy, reconciling is propagating: against hand-computed values and the closed form S V Sᵀ."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magnetflow.inference.problem import state
from magnetflow.inference.reconcile import Reconciliation, reconcile

NAN = float("nan")


def difference(covariances: dict[tuple[str, str], float] | None = None) -> Reconciliation:
    """c = a - b with a = 10 ± 3 and b = 6 ± 4."""
    balances = {"market": {"a": 1.0, "b": -1.0, "c": -1.0}}
    kinds = ["measured", "measured", "unmeasured"]
    return reconcile(state(list("abc"), kinds, [10, 6, NAN], [3, 4, NAN], balances=balances, covariances=covariances))


def test_a_difference_by_hand() -> None:
    outcome = difference()
    assert outcome.value.tolist() == [10.0, 6.0, 4.0]
    assert outcome.sd == pytest.approx([3.0, 4.0, 5.0], rel=1e-12)
    covariance = outcome.covariance_of(["a", "b", "c"]).to_numpy()
    assert covariance[2, :2] == pytest.approx([9.0, -16.0], rel=1e-12)
    assert outcome.classes.tolist() == ["nonredundant", "nonredundant", "observable"]
    assert outcome.test.passed is None


def test_covariance_of_the_measured_is_used() -> None:
    # Errors that go the same way cancel in a difference: var = 9 + 16 - 2·12 = 1, fully correlated errors.
    assert difference({("a", "b"): 12.0}).sd[2] == pytest.approx(1.0, rel=1e-9)
    assert difference({("a", "b"): -6.0}).sd[2] == pytest.approx(37.0**0.5, rel=1e-9)


@given(
    st.lists(st.floats(-50, 50), min_size=3, max_size=3),
    st.lists(st.floats(0.1, 5), min_size=3, max_size=3),
    st.lists(st.floats(0.2, 3), min_size=2, max_size=2),
)
def test_what_comes_out_satisfies_every_balance(measured: list[float], sd: list[float], factors: list[float]) -> None:
    # x = a + f·b, y = g·x - c
    f, g = factors
    balances = {"first": {"a": 1.0, "b": f, "x": -1.0}, "second": {"x": g, "c": -1.0, "y": -1.0}}
    kinds = ["measured"] * 3 + ["unmeasured"] * 2
    outcome = reconcile(state(list("abcxy"), kinds, [*measured, NAN, NAN], [*sd, NAN, NAN], balances=balances))
    assert outcome.value[:3].tolist() == measured
    assert outcome.sd[:3] == pytest.approx(sd, rel=1e-12)
    for balance in balances.values():
        assert outcome.combine(balance) == pytest.approx((0.0, 0.0), abs=1e-9)
    variance_x = sd[0] ** 2 + (f * sd[1]) ** 2
    assert outcome.sd[3] ** 2 == pytest.approx(variance_x, rel=1e-9)
    assert outcome.sd[4] ** 2 == pytest.approx(g**2 * variance_x + sd[2] ** 2, rel=1e-9)


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 6))
def test_covariance_is_the_closed_form(seed: int, unmeasured: int, measured: int) -> None:
    """With B u + A m = 0 the unmeasured are u = S m, S = -B⁻¹ A, with covariance S V Sᵀ."""
    random = np.random.default_rng(seed)
    of_unmeasured = random.normal(size=(unmeasured, unmeasured)) + 3.0 * np.eye(unmeasured)
    of_measured = random.normal(size=(unmeasured, measured))
    root = random.normal(size=(measured, measured)) + 2.0 * np.eye(measured)
    covariance, value = root @ root.T, random.normal(10.0, 5.0, measured)
    names = [f"m{number}" for number in range(measured)] + [f"u{number}" for number in range(unmeasured)]
    rows = np.hstack([of_measured, of_unmeasured])
    outcome = reconcile(
        state(
            names,
            ["measured"] * measured + ["unmeasured"] * unmeasured,
            [*value, *[NAN] * unmeasured],
            [*np.sqrt(np.diag(covariance)), *[NAN] * unmeasured],
            balances={f"b{row}": dict(zip(names, rows[row], strict=True)) for row in range(unmeasured)},
            covariances={
                (names[one], names[other]): covariance[one, other]
                for one, other in itertools.combinations(range(measured), 2)
            },
        )
    )
    everything = np.vstack([np.eye(measured), -np.linalg.solve(of_unmeasured, of_measured)])
    expected = everything @ covariance @ everything.T
    assert outcome.test.degrees_of_freedom == 0
    assert outcome.value == pytest.approx(everything @ value, rel=1e-9, abs=1e-8)
    size = np.abs(expected).max()
    assert outcome.covariance_of(names).to_numpy() == pytest.approx(expected, rel=1e-8, abs=1e-10 * size)


def test_an_undetermined_variable_has_no_value() -> None:
    balances = {"market": {"a": 1.0, "x": -1.0, "y": -1.0}, "other": {"a": 2.0, "z": -1.0}}
    kinds = ["measured", "unmeasured", "unmeasured", "unmeasured"]
    outcome = reconcile(state(["a", "x", "y", "z"], kinds, [1, NAN, NAN, NAN], [1, NAN, NAN, NAN], balances=balances))
    assert outcome.classes.tolist() == ["nonredundant", "unobservable", "unobservable", "observable"]
    assert np.isnan(outcome.sd).tolist() == [False, True, True, False]
    assert (outcome.value[3], outcome.sd[3]) == pytest.approx((2.0, 2.0))


def test_a_redundant_balance_is_reconciled_and_tested() -> None:
    # x = a by one balance and b by another, 4 ± 1 and 6 ± 1: the mean, with the error of a mean.
    balances = {"one": {"a": 1.0, "x": -1.0}, "two": {"b": 1.0, "x": -1.0}}
    kinds = ["measured", "measured", "unmeasured"]
    outcome = reconcile(state(["a", "b", "x"], kinds, [4, 6, NAN], [1, 1, NAN], balances=balances))
    assert outcome.test.degrees_of_freedom == 1
    assert (outcome.value[2], outcome.sd[2]) == pytest.approx((5.0, 0.5**0.5))
