"""Distributions, splits and quasi-random points: closed forms, limits and refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from magnetflow.errors import InputError
from magnetflow.inference.draws import distributions as dist
from magnetflow.inference.draws.space import Input, Space, Split, probabilities

KINDS = ("normal", "lognormal", "triangular", "uniform", "beta", "student")


def points(count: int = 2**14) -> np.ndarray:
    return (np.arange(count) + 0.5)[None, :] / count


@pytest.mark.parametrize("kind", KINDS)
@given(st.floats(0.05, 0.95), st.floats(0.01, 0.3))
def test_a_distribution_has_the_mean_and_sd_it_is_told_to_have(kind: str, mean: float, cv: float) -> None:
    if kind == "beta" and (cv * mean) ** 2 > 0.5 * mean * (1 - mean):
        cv = 0.05
    sd = cv * mean
    values = dist.quantiles(kind, mean, sd, points())
    assert values.mean() == pytest.approx(mean, abs=2e-3 * sd)
    # Of a Student's distribution the outermost draws carry much of the variance, and midpoints leave them out.
    assert values.std() == pytest.approx(sd, rel=0.05 if kind == "student" else 5e-3)
    assert (np.diff(values[0]) >= 0).all()  # a beta distribution may reach 1 to the last digit


def test_quantiles_are_those_of_scipy() -> None:
    u = np.array([[0.001, 0.2, 0.5, 0.9, 0.9999]])
    shape = math.sqrt(math.log1p(0.25))
    lognormal = stats.lognorm(shape, scale=3.0 * math.exp(-(shape**2) / 2))
    assert dist.quantiles("lognormal", 3.0, 1.5, u) == pytest.approx(lognormal.ppf(u))
    half = math.sqrt(6.0) * 0.5
    assert dist.quantiles("triangular", 2.0, 0.5, u) == pytest.approx(stats.triang(0.5, 2 - half, 2 * half).ppf(u))
    assert dist.quantiles("uniform", 2.0, 0.5, u) == pytest.approx(
        stats.uniform(2 - half / math.sqrt(2), half * math.sqrt(2)).ppf(u)
    )
    assert dist.quantiles("student", 1.0, math.sqrt(2.0), u) == pytest.approx(stats.t(4, loc=1.0).ppf(u))
    a, b = dist.beta_parameters(0.25, 0.1)
    assert (a / (a + b), a * b / ((a + b) ** 2 * (a + b + 1))) == pytest.approx((0.25, 0.01))
    assert dist.quantiles("beta", 0.25, 0.1, u) == pytest.approx(stats.beta(a, b).ppf(u))


@pytest.mark.parametrize(
    ("kind", "mean", "sd", "message"),
    [
        ("gamma", 1.0, 0.1, "'gamma' is no distribution; take one of beta, lognormal"),
        ("normal", 1.0, 0.0, "needs an sd above zero"),
        ("normal", 1.0, math.nan, "needs an sd above zero"),
        ("lognormal", -1.0, 0.1, "needs a mean above zero"),
        ("beta", 0.5, 0.5, "no beta distribution has mean 0.5 and sd 0.5"),
        ("beta", 1.5, 0.1, "no beta distribution has mean 1.5"),
    ],
)
def test_a_distribution_that_cannot_be_is_refused(kind: str, mean: float, sd: float, message: str) -> None:
    with pytest.raises(InputError, match=message.replace("(", "\\(")):
        dist.quantiles(kind, mean, sd, points(4))


def test_an_ordinary_dirichlet_is_a_special_case() -> None:
    # Of Dirichlet(a) with sum A each share has variance m (1 - m) / (A + 1), and two have covariance - m n / (A + 1).
    mean, concentration = np.array([0.5, 0.3, 0.2]), 40.0
    sd = np.sqrt(mean * (1 - mean) / (concentration + 1))
    pieces = dist.sticks(mean.tolist(), sd.tolist())
    expected = (np.diag(mean) - np.outer(mean, mean)) / (concentration + 1)
    assert dist.split_covariance(pieces) == pytest.approx(expected, abs=1e-15)


@given(st.permutations(range(4)))
def test_draws_of_a_split_have_its_closed_moments(order: list[int]) -> None:
    mean = np.array([0.7, 0.17, 0.11, 0.02])[order]
    sd = 0.1 * np.sqrt(mean * (1.0 - mean))
    shares = Split(tuple("abcd"), "split", tuple(mean), tuple(sd))
    space = Space((), (shares,))
    drawn = space.draw(probabilities(space.width, 3, 0, 2**13))
    assert drawn.sum(axis=0) == pytest.approx(1.0, abs=1e-12)
    assert (drawn > 0).all()
    assert drawn.mean(axis=1) == pytest.approx(mean, abs=1e-4)
    assert np.cov(drawn) == pytest.approx(space.covariance, abs=3e-5)
    assert np.sqrt(np.diag(space.covariance))[:3] == pytest.approx(sd[:3])


def test_a_split_that_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match=r"add up to 0\.9"):
        dist.sticks([0.5, 0.4], [0.1, 0.1])
    with pytest.raises(InputError, match="a finite number, for each of its parts"):
        dist.sticks([0.5, 0.5], [0.1, math.nan])
    for shares in ([0.0, 0.5, 0.5], [1.2, -0.1, -0.1], [0.5, 0.5, 0.0]):
        with pytest.raises(InputError, match=r"no beta distribution has mean|cannot have so small an sd"):
            dist.sticks(shares, [0.1, 0.1, 0.1])
    with pytest.raises(InputError, match="the split x has 2 parts and 3 shares"):
        Split(("a", "b"), "x", (0.5, 0.3, 0.2), (0.05, 0.05, 0.05))
    # The first part leaves 0.3 ± 0.1 of the stick; a second part of it cannot be known to 0.001.
    with pytest.raises(InputError, match=r"a share of 0\.2 cannot have so small an sd as 0\.001"):
        dist.sticks([0.7, 0.2, 0.1], [0.1, 0.001, 0.01])


def test_points_are_the_same_however_they_are_cut() -> None:
    whole = probabilities(7, 5, 0, 1024)
    parts = [probabilities(7, 5, first, 128) for first in range(0, 1024, 128)]
    assert np.array_equal(whole, np.hstack(parts))
    assert not np.array_equal(whole, probabilities(7, 6, 0, 1024))
    assert ((whole > 0) & (whole < 1)).all()


def test_points_fill_the_cube_more_evenly_than_random_ones() -> None:
    even = probabilities(5, 1, 0, 4096)
    random = np.random.default_rng(1).random((5, 4096))
    assert abs((even**2).mean() - 1 / 3) < 0.05 * abs((random**2).mean() - 1 / 3)


def test_a_space_names_its_values_and_groups() -> None:
    shares = Split(("x [a]", "x [b]", "x [c]"), "x", (0.5, 0.3, 0.2), (0.05, 0.05, 0.05))
    space = Space((Input("p", "g", "normal", 2.0, 0.1), Input("q", "h", "beta", 0.4, 0.1)), (shares,))
    assert space.names == ("p", "q", "x [a]", "x [b]", "x [c]")
    assert space.groups.tolist() == ["g", "h", "x", "x"]
    assert space.value_groups.tolist() == ["g", "h", "x", "x", "x"]
    assert space.width == 4
    other = space.with_kinds("uniform", ["g"])
    assert [given.kind for given in other.inputs] == ["uniform", "beta"]
    with pytest.raises(InputError, match="p: a normal distribution needs an sd above zero"):
        Space((Input("p", "g", "normal", 2.0, 0.0),))
    with pytest.raises(InputError, match="p stands twice among the inputs; keep one"):
        Space((Input("p", "g", "normal", 2.0, 0.1), Input("p", "h", "normal", 2.0, 0.1)))
