"""What do many draws say, when none of them is kept?

Draws are made and evaluated in blocks; each block leaves its moments and a histogram, and these are added up in the
order of the blocks. So memory does not grow with the number of draws, and the numbers do not depend on how many
workers there are, which of them made a block, or whether one was lost and its blocks were made again, as long as all
of them compute alike: the last digits follow the processor and the threads of its linear algebra.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from magnetflow.arrays import Counts, Matrix, Vector
from magnetflow.errors import InputError

Task = Callable[[int, int], Matrix]  # (outcomes, draws): so many draws from a first one on
BLOCK = 8192  # draws made at once
BINS = 4000  # of the histogram of an outcome
PILOT = 1024  # draws that the first block has at least, since it sets the range of the histogram
BEYOND = 1.0  # ranges of the first block by which the histogram reaches beyond it on either side
IN_FLIGHT = 16  # blocks handed out at once


@dataclass(frozen=True)
class Summary:
    """Moments and histogram of some draws; arrays run over the outcomes.

    `scatter` (outcomes, outcomes) sums the products of deviations from the mean; `counts` (outcomes, bins) has BINS
    bins between `low` and `high`, one below and one above; `least` and `most` are the extreme draws.
    """

    names: tuple[str, ...]
    draws: int
    mean: Vector
    scatter: Matrix
    low: Vector
    high: Vector
    least: Vector
    most: Vector
    counts: Counts

    @property
    def covariance(self) -> Matrix:
        """The covariance of the outcomes."""
        return np.asarray(self.scatter / (self.draws - 1))

    @property
    def sd(self) -> Vector:
        """The standard deviation of each outcome."""
        return np.sqrt(np.diag(self.covariance))

    def quantile(self, probability: float) -> Vector:
        """Return the value that each outcome does not exceed with a probability, to a bin of its histogram.

        Beyond the histogram the value lies between its edge and the extreme draw. A heap of equal draws, as at a
        bound, counts as spread over its bin. Raises InputError for a probability that is not between 0 and 1.
        """
        if not 0.0 <= probability <= 1.0:
            raise InputError(f"{probability:g} is no probability; take one between 0 and 1")
        total = np.cumsum(self.counts, axis=1)
        wanted = max(probability * self.draws, 0.5)  # the lowest value is that of the first draw
        values = np.empty(len(self.names))
        for row, reached in enumerate(total):
            place = int(np.searchsorted(reached, wanted))
            before = reached[place - 1] if place else 0
            part = (wanted - before) / int(self.counts[row, place])
            start, end = self._edges(row)[place : place + 2]
            values[row] = start + part * (end - start)
        return np.clip(values, self.least, self.most)

    def _edges(self, row: int) -> Vector:
        """Return the edges of the bins of an outcome, the outer ones at the extreme draws."""
        inner = np.linspace(self.low[row], self.high[row], BINS + 1)
        return np.array([min(self.least[row], inner[0]), *inner, max(self.most[row], inner[-1])])

    def share_below(self, value: float) -> Vector:
        """Return the fraction of the draws of each outcome below a value, to a bin of its histogram."""
        share = np.empty(len(self.names))
        for row, counts in enumerate(self.counts):
            reached = np.concatenate([[0], np.cumsum(counts)])
            share[row] = np.interp(value, self._edges(row), reached / self.draws)
        share[value <= self.least], share[value > self.most] = 0.0, 1.0
        return share

    def histogram(self, name: str, width: float) -> pd.Series[float]:
        """Return the fraction of the draws of an outcome in steps of about `width`, by the middle of each step.

        Draws beyond the range of the histogram are left out, and the last step may reach beyond it.
        """
        row = self.names.index(name)
        own = (self.high[row] - self.low[row]) / BINS
        together = max(1, round(width / own))
        steps = -(-BINS // together)
        inner = np.zeros(steps * together)
        inner[:BINS] = self.counts[row, 1:-1]
        inner = inner.reshape(steps, together).sum(axis=1)
        middle = self.low[row] + together * own * (np.arange(steps) + 0.5)
        return pd.Series(inner / self.draws, index=middle)

    def table(self) -> pd.DataFrame:
        """Return mean, sd, median and the ends of the central 95 %, one row an outcome."""
        columns = {"mean": self.mean, "sd": self.sd, **{f"q{p:g}": self.quantile(p) for p in (0.025, 0.5, 0.975)}}
        return pd.DataFrame(columns, index=pd.Index(self.names, name="outcome"))


def summarise(task: Task, names: Sequence[str], draws: int, client: Any = None, block: int = BLOCK) -> Summary:
    """Evaluate draws in blocks and return what they say.

    `task(first, count)` returns outcomes (names, draws) and must be picklable where a `client` is given:
    a Dask client, or an executor of `concurrent.futures`, which then makes the blocks.
    Raises InputError for fewer than two draws, or an outcome that is not finite.
    """
    if draws < 2:
        raise InputError(f"{draws} draws say nothing of uncertainty; take 2 or more")
    pilot = min(draws, max(block, PILOT))
    opening = task(0, pilot)
    low, high = opening.min(axis=1), opening.max(axis=1)
    reach = np.where(high > low, BEYOND * (high - low), np.maximum(np.abs(low), 1.0))
    measure = _Measure(task, tuple(names), low - reach, high + reach)
    summary = measure.of(opening)
    starts = [(first, min(block, draws - first)) for first in range(pilot, draws, block)]
    for part in _parts(measure, starts, client):
        summary = _together(summary, part)
    return summary


@dataclass(frozen=True)
class _Measure:
    """What a worker does: make a block and keep only what it says."""

    task: Task
    names: tuple[str, ...]
    low: Vector
    high: Vector

    def __call__(self, first: int, count: int) -> Summary:
        return self.of(self.task(first, count))

    def of(self, outcomes: Matrix) -> Summary:
        """Return moments and histogram of outcomes (outcomes, draws)."""
        wrong = ~np.isfinite(outcomes).all(axis=1)
        if wrong.any():
            raise InputError(f"{self.names[int(np.argmax(wrong))]} is not finite in some draw; mend its distribution")
        mean = outcomes.mean(axis=1)
        away = outcomes - mean[:, None]
        bin_of = np.floor((outcomes - self.low[:, None]) * (BINS / (self.high - self.low))[:, None])
        places = (np.clip(bin_of, -1, BINS) + 1).astype(np.intp)
        places += (BINS + 2) * np.arange(len(places))[:, None]
        counts = np.bincount(places.ravel(), minlength=len(places) * (BINS + 2)).reshape(len(places), -1)
        extremes = outcomes.min(axis=1), outcomes.max(axis=1)
        return Summary(self.names, outcomes.shape[1], mean, away @ away.T, self.low, self.high, *extremes, counts)


def _together(one: Summary, other: Summary) -> Summary:
    """Return the summary of both sets of draws (Chan, Golub and LeVeque 1983)."""
    draws = one.draws + other.draws
    step = other.mean - one.mean
    mean = one.mean + step * (other.draws / draws)
    scatter = one.scatter + other.scatter + np.outer(step, step) * (one.draws * other.draws / draws)
    least, most = np.minimum(one.least, other.least), np.maximum(one.most, other.most)
    return Summary(one.names, draws, mean, scatter, one.low, one.high, least, most, one.counts + other.counts)


def _parts(measure: _Measure, starts: Sequence[tuple[int, int]], client: Any) -> Iterator[Summary]:
    """Yield the summaries of the blocks in their order, whoever makes them and whenever they are done."""
    if client is None:
        yield from (measure(*start) for start in starts)
        return
    executor: Executor = client.get_executor() if hasattr(client, "get_executor") else client
    waiting: dict[Future[Summary], int] = {}
    done: dict[int, Summary] = {}
    following, handed_out = 0, 0
    while following < len(starts):
        # A block far ahead of the one waited for is not handed out, so that few summaries wait for their turn.
        while handed_out < min(len(starts), following + IN_FLIGHT):
            waiting[executor.submit(measure, *starts[handed_out])] = handed_out
            handed_out += 1
        finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for future in finished:
            done[waiting.pop(future)] = future.result()
        while following in done:
            yield done.pop(following)
            following += 1
