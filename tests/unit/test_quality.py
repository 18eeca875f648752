"""Do quality scores become uncertainties as the scheme says, and do flows that share an input covary?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magnetflow import tables
from magnetflow.errors import InputError
from magnetflow.flows import quality
from magnetflow.studies.united_kingdom import data_quality

LEVELS = pd.DataFrame(
    [("reliability", "any", 2, 0.068), ("temporal", "high", 3, 0.137), ("temporal", "low", 3, 0.034)],
    columns=["indicator", "sensitivity", "score", "value"],
)
SENSITIVITIES = pd.DataFrame([("activity", "temporal", "high")], columns=["role", "indicator", "sensitivity"])
SCORES = pd.DataFrame(
    [("trade", "reliability", 2), ("trade", "temporal", 3)], columns=["input", "indicator", "value"]
)


def test_scores_combine_as_the_root_of_the_sum_of_squares() -> None:
    parts = quality.contributions(quality.graded(SCORES, pd.Series({"trade": "activity"}), SENSITIVITIES, LEVELS))
    assert parts.loc["trade"].to_dict() == {"reliability": 0.068, "temporal": 0.137}
    assert quality.combined(parts)["trade"] == pytest.approx((0.068**2 + 0.137**2) ** 0.5, rel=1e-12)


@pytest.mark.parametrize(
    ("scores", "roles"),
    [(SCORES.assign(value=[2, 2.5]), {"trade": "activity"}), (SCORES, {"trade": "share"}), (SCORES, {})],
)
def test_a_score_or_role_without_a_level_is_told(scores: pd.DataFrame, roles: dict[str, str]) -> None:
    with pytest.raises(InputError, match="trade, temporal: no level of uncertainty"):
        quality.graded(scores, pd.Series(roles, dtype=object), SENSITIVITIES, LEVELS)


def test_flows_covary_by_the_inputs_they_share() -> None:
    """a = p m, b = q m, c = p / m: by hand, cov(a, b) = v_m and cov(a, c) = v_p - v_m."""
    factors = pd.DataFrame(
        [("a", "p", 1), ("a", "m", 1), ("b", "q", 1), ("b", "m", 1), ("c", "p", 1), ("c", "m", -1)],
        columns=["flow", "input", "value"],
    )
    variance = pd.DataFrame(np.diag([0.01, 0.04, 0.09]), index=["p", "m", "q"], columns=["p", "m", "q"])
    found = quality.relative_covariance(quality.exponents(factors), variance)
    expected = [[0.05, 0.04, -0.03], [0.04, 0.13, -0.04], [-0.03, -0.04, 0.05]]
    np.testing.assert_allclose(found.to_numpy(), expected, atol=1e-15)
    with pytest.raises(InputError, match="no uncertainty is given for the input q"):
        quality.relative_covariance(quality.exponents(factors), variance.drop(index="q", columns="q"))


def test_first_order_covariance_is_that_of_small_random_errors() -> None:
    """An independent route: products of inputs with errors drawn at 1 %."""
    draws = np.exp(np.random.default_rng(4).normal(0.0, 0.01, (200_000, 3)))
    p, m, q = draws.T
    sampled = np.cov(np.stack([p * m, q * m, p / m]))
    expected = np.array([[2, 1, 0], [1, 2, -1], [0, -1, 2]]) * 1e-4
    np.testing.assert_allclose(sampled, expected, atol=2e-6)


@given(st.lists(st.floats(0.05, 1.0), min_size=2, max_size=5), st.floats(0.01, 0.3))
def test_shares_keep_their_sum(weights: list[float], spread: float) -> None:
    mean = pd.Series(np.array(weights) / sum(weights))
    relative = quality.shares_covariance(mean, spread * mean)
    absolute = relative.to_numpy() * np.outer(mean, mean)
    assert np.abs(absolute.sum(axis=0)).max() < 1e-12
    assert np.linalg.eigvalsh(absolute).min() > -1e-12


def test_shares_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(InputError, match=r"add up to 0\.9"):
        quality.shares_covariance(pd.Series([0.5, 0.4]), pd.Series([0.1, 0.1]))


def test_every_input_is_scored_by_every_indicator_and_enters_a_flow() -> None:
    scores = data_quality.scores()
    assert set(scores["input"]) == set(data_quality.inputs().index)
    assert scores.groupby("input")["indicator"].nunique().eq(5).all()
    assert set(data_quality.powers().columns) == set(data_quality.inputs().index)
    assert scores.loc[scores["value"] > 1, "note"].str.len().gt(8).all(), "a score above 1 has its reason"


def test_flow_uncertainties_by_hand() -> None:
    """Imports of magnets: 6.8 (customs, outliers), 20.7 (share), 6.0 (content), all in percent."""
    share = (6.8**2 + 2.3**2 + 13.7**2 + 13.7**2) ** 0.5
    content = (2.3**2 + 2.3**2 + 2.3**2 + 4.5**2) ** 0.5
    cv = data_quality.flow_cv(data_quality.input_cv())
    assert 100 * cv["I3.1"] == pytest.approx((6.8**2 + share**2 + content**2) ** 0.5, rel=1e-9)
    apart = data_quality.flow_cv(data_quality.input_cv(), years=5)
    assert 100 * apart["I3.1"] == pytest.approx((6.8**2 / 5 + share**2 + content**2) ** 0.5, rel=1e-9)
    assert (apart <= cv).all()


def test_element_shares_of_each_group_add_up_to_one() -> None:
    shares = tables.read("element_shares")
    means = shares[shares["statistic"] == "mean"].groupby("group")["value"].sum()
    np.testing.assert_allclose(means, 1.0, atol=1e-12)


def test_the_second_scale_follows_the_worst_score() -> None:
    cv = data_quality.class_cv()
    worst = data_quality.scores().groupby("input")["value"].max()
    by_hand = {1: 0.125, 2: 0.125, 3: 0.25, 4: 0.45}
    assert cv.to_dict() == {name: by_hand[int(score)] for name, score in worst.items()}
    # Imports of magnets are mass x share x content: 1/8, 1/4 and the class of the content, in squares.
    parts = cv[["magnet_imports", "magnet_share", "magnet_content"]]
    assert data_quality.flow_cv(cv)["I3.1"] == pytest.approx(float((parts**2).sum() ** 0.5))
