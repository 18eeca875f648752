"""Propagation against hand-computed values, a closed form and a Monte Carlo of its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magnetflow.errors import ProblemError
from magnetflow.inference.propagation import propagate


def diagonal(sd: dict[str, float]) -> pd.DataFrame:
    names = list(sd)
    return pd.DataFrame(np.diag([spread**2 for spread in sd.values()]), index=names, columns=names)


def test_a_difference_by_hand() -> None:
    # c = a - b with a = 10 ± 3 and b = 6 ± 4: c = 4 ± 5.
    balances = pd.DataFrame([[1.0, -1.0, -1.0]], columns=["a", "b", "c"], index=["market"])
    outcome = propagate(balances, pd.Series({"a": 10.0, "b": 6.0}), diagonal({"a": 3.0, "b": 4.0}))
    assert outcome.values["c"] == 4.0
    assert outcome.sd["c"] == pytest.approx(5.0, rel=1e-12)
    assert outcome.cv["c"] == pytest.approx(1.25, rel=1e-12)
    assert outcome.covariance.loc["a", "c"] == pytest.approx(9.0, rel=1e-12)
    assert outcome.covariance.loc["b", "c"] == pytest.approx(-16.0, rel=1e-12)


def test_covariance_of_the_measured_is_used() -> None:
    # Errors that go the same way cancel in a difference: var = 9 + 16 - 2·12 = 1.
    balances = pd.DataFrame([[1.0, -1.0, -1.0]], columns=["a", "b", "c"], index=["market"])
    covariance = diagonal({"a": 3.0, "b": 4.0})
    covariance.loc["a", "b"] = covariance.loc["b", "a"] = 12.0
    outcome = propagate(balances, pd.Series({"a": 10.0, "b": 6.0}), covariance)
    assert outcome.sd["c"] == pytest.approx(1.0, rel=1e-9)


@given(
    st.lists(st.floats(-50, 50), min_size=3, max_size=3),
    st.lists(st.floats(0.1, 5), min_size=3, max_size=3),
    st.lists(st.floats(0.2, 3), min_size=2, max_size=2),
)
def test_what_comes_out_satisfies_every_balance(measured: list[float], sd: list[float], factors: list[float]) -> None:
    # x = a + f·b, y = g·x - c
    balances = pd.DataFrame(
        [[1.0, factors[0], 0.0, -1.0, 0.0], [0.0, 0.0, -1.0, factors[1], -1.0]],
        columns=["a", "b", "c", "x", "y"],
        index=["first", "second"],
    )
    values = pd.Series(measured, index=["a", "b", "c"])
    outcome = propagate(balances, values, diagonal(dict(zip("abc", sd, strict=True))))
    residual = balances @ outcome.values[balances.columns]
    np.testing.assert_allclose(residual, 0.0, atol=1e-9)
    spread = balances @ outcome.covariance.loc[balances.columns, balances.columns] @ balances.T
    np.testing.assert_allclose(spread, 0.0, atol=1e-8)
    variance_x = sd[0] ** 2 + (factors[0] * sd[1]) ** 2
    assert outcome.sd["x"] ** 2 == pytest.approx(variance_x, rel=1e-9)
    assert outcome.sd["y"] ** 2 == pytest.approx(factors[1] ** 2 * variance_x + sd[2] ** 2, rel=1e-9)


def test_an_undetermined_variable_is_named() -> None:
    balances = pd.DataFrame([[1.0, -1.0, -1.0, 0.0]], columns=["a", "x", "y", "b"], index=["market"])
    with pytest.raises(ProblemError, match="do not determine x, y; measure one or add a balance"):
        propagate(balances, pd.Series({"a": 1.0, "b": 2.0}), diagonal({"a": 1.0, "b": 1.0}))


def test_a_redundant_balance_is_refused() -> None:
    balances = pd.DataFrame([[1.0, -1.0], [1.0, -2.0]], columns=["a", "x"], index=["one", "two"])
    with pytest.raises(ProblemError, match="1 of 2 balances are redundant"):
        propagate(balances, pd.Series({"a": 1.0}), diagonal({"a": 1.0}))


def test_names_must_match() -> None:
    balances = pd.DataFrame([[1.0, -1.0]], columns=["a", "x"], index=["one"])
    with pytest.raises(ProblemError, match="measured variable z stands in no balance"):
        propagate(balances, pd.Series({"z": 1.0}), diagonal({"z": 1.0}))
    with pytest.raises(ProblemError, match="one row and one column for each measured variable"):
        propagate(balances, pd.Series({"a": 1.0}), diagonal({"b": 1.0}))


def test_what_is_not_a_number_is_refused() -> None:
    balances = pd.DataFrame([[1.0, -1.0]], columns=["a", "x"], index=["one"])
    with pytest.raises(ProblemError, match="not a finite number"):
        propagate(balances, pd.Series({"a": np.nan}), diagonal({"a": 1.0}))


def test_a_negative_value_has_a_positive_cv() -> None:
    balances = pd.DataFrame([[1.0, -1.0]], columns=["a", "x"], index=["one"])
    outcome = propagate(balances, pd.Series({"a": -4.0}), diagonal({"a": 1.0}))
    assert outcome.cv["x"] == pytest.approx(0.25, rel=1e-12)
