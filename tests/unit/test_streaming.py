"""Summaries of draws that are not kept: the same whoever makes the blocks."""

from __future__ import annotations

import math
import time
import tracemalloc
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from magnetflow.errors import InputError
from magnetflow.inference.draws import streaming
from magnetflow.inference.draws.distributions import quantiles
from magnetflow.inference.draws.space import probabilities
from magnetflow.inference.draws.streaming import Summary, summarise

NAMES = ("normal", "skewed", "fixed")


def draws(first: int, count: int) -> np.ndarray:
    """Return a normal outcome, a lognormal one that follows it in part, and one without error."""
    u = probabilities(2, 7, first, count)
    normal = quantiles("normal", 10.0, 2.0, u[0])
    skewed = quantiles("lognormal", 3.0, 1.5, u[1]) + 0.5 * normal
    return np.array([normal, skewed, np.full(count, 4.0)])


def same(one: Summary, other: Summary) -> bool:
    return (
        np.array_equal(one.mean, other.mean)
        and np.array_equal(one.scatter, other.scatter)
        and np.array_equal(one.counts, other.counts)
    )


def test_moments_and_quantiles_are_those_of_all_draws() -> None:
    summary = summarise(draws, NAMES, 20_000, block=3_000)
    kept = draws(0, 20_000)
    assert summary.draws == 20_000
    assert summary.mean == pytest.approx(kept.mean(axis=1), rel=1e-12)
    assert summary.covariance == pytest.approx(np.cov(kept), rel=1e-9, abs=1e-9)
    width = (summary.high - summary.low) / streaming.BINS
    for probability in (0.0, 0.001, 0.025, 0.5, 0.975, 1.0):
        expected = np.quantile(kept, probability, axis=1)
        assert (np.abs(summary.quantile(probability) - expected) <= 2 * width).all()
    assert summary.quantile(0.5)[2] == 4.0
    for limit in (-100.0, 5.0, 9.0, 1000.0):
        assert summary.share_below(limit) == pytest.approx((kept < limit).mean(axis=1), abs=2e-3)
    share = summary.histogram("normal", 0.5)
    assert share.sum() == pytest.approx(1.0, abs=1e-4)
    expected = np.histogram(kept[0], bins=[9.0, 9.5])[0][0] / 20_000
    assert share[(share.index > 9.0) & (share.index < 9.5)].iloc[0] == pytest.approx(expected, rel=0.15)
    assert (summary.mean[2], summary.sd[2]) == (4.0, 0.0)


def test_draws_far_beyond_the_first_block_are_counted() -> None:
    def growing(first: int, count: int) -> np.ndarray:
        return np.full((1, count), 1000.0 if first else 1.0) + np.linspace(0, 1, count)

    summary = summarise(growing, ("x",), 5000, block=100)
    assert summary.counts.sum() == 5000
    assert summary.quantile(1.0)[0] == summary.most[0] == 1001.0
    assert summary.high[0] < summary.quantile(0.9)[0] < 1001.0
    assert 1024 / 5000 < summary.share_below(500.0)[0] < 1.0  # beyond the histogram little can be told


def test_few_draws_and_small_blocks_tell_the_same() -> None:
    small, large = (summarise(draws, NAMES, 4096, block=block) for block in (1, 4096))
    assert small.quantile(0.025) == pytest.approx(large.quantile(0.025), abs=0.05)
    assert small.mean == pytest.approx(large.mean, rel=1e-12)
    with pytest.raises(InputError, match=r"1\.2 is no probability"):
        large.quantile(1.2)


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_an_executor_gives_the_same_numbers(pool: Any) -> None:
    alone = summarise(draws, NAMES, 10_000, block=700)
    with pool(2) as executor:
        assert same(alone, summarise(draws, NAMES, 10_000, client=executor, block=700))


class Shuffling(ThreadPoolExecutor):
    """An executor whose blocks end in any order."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        def late() -> Any:
            time.sleep(0.003 * (hash(args) % 5))
            return fn(*args, **kwargs)

        return super().submit(late)


def test_the_order_of_the_blocks_does_not_matter() -> None:
    with Shuffling(4) as executor:
        assert same(
            summarise(draws, NAMES, 8_000, client=executor, block=200), summarise(draws, NAMES, 8_000, block=200)
        )
    assert streaming.PILOT < 8_000 - 4 * 200


def test_memory_does_not_grow_with_the_number_of_draws() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        summarise(draws, NAMES, count, block=1_000)
        reached = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return reached

    few, many = peak(4_000), peak(64_000)
    assert many < 1.2 * few


def test_what_cannot_be_told_is_refused() -> None:
    with pytest.raises(InputError, match="1 draws say nothing of uncertainty"):
        summarise(draws, NAMES, 1)

    def broken(first: int, count: int) -> np.ndarray:
        outcomes = draws(first, count)
        outcomes[1, -1] = math.nan
        return outcomes

    with pytest.raises(InputError, match="skewed is not finite in some draw"):
        summarise(broken, NAMES, 100)
