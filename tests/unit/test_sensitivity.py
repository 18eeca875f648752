"""Sobol indices: a function whose indices are known, the reference implementation, and refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from SALib.analyze import sobol as reference

from magnetflow.errors import InputError
from magnetflow.inference.draws.sensitivity import sobol_indices
from magnetflow.inference.draws.space import Input, Space, Split, probabilities

HALF = 2 * math.pi / math.sqrt(12)  # sd of a uniform distribution from -pi to pi
ISHIGAMI = Space(tuple(Input(name, name, "uniform", 0.0, HALF) for name in ("x1", "x2", "x3")))


def ishigami(x: np.ndarray) -> np.ndarray:
    """Return Ishigami and Homma's function, a = 7 and b = 0.1, and one that no input moves alone."""
    return np.array([np.sin(x[0]) + 7 * np.sin(x[1]) ** 2 + 0.1 * x[2] ** 4 * np.sin(x[0]), 1e6 + x[0] * x[1]])


def known() -> tuple[list[float], list[float]]:
    """Return first-order and total indices in closed form (Ishigami and Homma 1990)."""
    a, b = 7.0, 0.1
    one, two = 0.5 * (1 + b * math.pi**4 / 5) ** 2, a**2 / 8
    both = b**2 * math.pi**8 * (1 / 18 - 1 / 50)
    total = one + two + both
    return [one / total, two / total, 0.0], [(one + both) / total, two / total, both / total]


def test_ishigami_has_its_known_indices() -> None:
    found = sobol_indices(ishigami, ISHIGAMI, ["y", "product"], draws=2**14, seed=2)
    first, total = known()
    assert first == pytest.approx([0.3139, 0.4424, 0.0], abs=5e-5)
    assert total == pytest.approx([0.5576, 0.4424, 0.2437], abs=5e-5)
    assert found.first["y"].to_numpy() == pytest.approx(first, abs=0.01)
    assert found.total["y"].to_numpy() == pytest.approx(total, abs=0.01)
    assert (np.abs(found.first["y"] - first) < found.first_half_width["y"]).all()
    assert (np.abs(found.total["y"] - total) < found.total_half_width["y"]).all()
    # x1 and x2 only act together, on a large offset.
    assert found.first["product"].to_numpy() == pytest.approx([0.0, 0.0, 0.0], abs=0.01)
    assert found.total["product"].to_numpy() == pytest.approx([1.0, 1.0, 0.0], abs=0.01)


def test_the_reference_implementation_gives_the_same() -> None:
    draws = 512
    found = sobol_indices(ishigami, ISHIGAMI, ["y", "product"], draws=draws, seed=4, resamples=400)
    points = probabilities(6, 4, 0, draws)
    one, other = points[:3], points[3:]
    mixed = [np.where((np.arange(3) == place)[:, None], other, one) for place in range(3)]
    run = [ishigami(ISHIGAMI.draw(block))[0] for block in (one, *mixed, other)]
    stated = {"num_vars": 3, "names": ["x1", "x2", "x3"], "bounds": [[-math.pi, math.pi]] * 3}
    theirs = reference.analyze(
        stated, np.array(run).T.ravel(), calc_second_order=False, num_resamples=400, seed=1, print_to_console=False
    )
    assert found.first["y"].to_numpy() == pytest.approx(theirs["S1"], rel=2e-2, abs=2e-3)
    assert found.total["y"].to_numpy() == pytest.approx(theirs["ST"], rel=2e-2, abs=2e-3)
    assert found.first_half_width["y"].to_numpy() == pytest.approx(theirs["S1_conf"], rel=0.2)
    assert found.total_half_width["y"].to_numpy() == pytest.approx(theirs["ST_conf"], rel=0.2)


def test_a_split_counts_as_one_group() -> None:
    # y = share of a plus an input of the same variance: half of the variance each.
    shares = Split(("a", "b", "c"), "split", (0.5, 0.3, 0.2), (0.05, 0.05, 0.05))
    space = Space((Input("x", "x", "normal", 0.0, 0.05),), (shares,))
    found = sobol_indices(lambda v: (v[0] + v[1])[None], space, ["y"], draws=2**11, seed=1)
    assert found.first.index.tolist() == ["x", "split"]
    assert found.first["y"].to_numpy() == pytest.approx([0.5, 0.5], abs=0.02)
    together = sobol_indices(
        lambda v: (v[0] + v[1])[None], space, ["y"], draws=2**9, seed=1, groups=np.array(["all"] * space.width)
    )
    assert together.total.loc["all", "y"] == pytest.approx(1.0, abs=0.05)


def test_groups_must_be_one_a_row() -> None:
    with pytest.raises(InputError, match="1 groups are given for 3 rows"):
        sobol_indices(ishigami, ISHIGAMI, ["y", "product"], draws=8, seed=1, groups=np.array(["all"]))


def test_an_outcome_that_does_not_vary_has_no_indices() -> None:
    found = sobol_indices(lambda x: np.array([x[0] * 0.0 + 3.0]), ISHIGAMI, ["three"], draws=64, seed=1)
    assert found.total.isna().all(axis=None)


@pytest.mark.parametrize("draws", [0, 1, 100])
def test_an_uneven_number_of_draws_is_refused(draws: int) -> None:
    with pytest.raises(InputError, match="no power of two"):
        sobol_indices(ishigami, ISHIGAMI, ["y", "product"], draws=draws, seed=1)
