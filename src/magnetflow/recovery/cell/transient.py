"""How does a cell change with time?

Steps of the backward differentiation formula of second order, the first one of first order; each is as long as its
error allows. What comes in through the sides is summed by the same formula, so that contents and inflow of the cell
agree to rounding whatever the step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from magnetflow.arrays import Matrix
from magnetflow.errors import ConvergenceError, ProcessError, UnsettledError
from magnetflow.recovery.cell.balance import Balance, Unknowns
from magnetflow.recovery.cell.newton import STEPS, settle
from magnetflow.recovery.cell.state import State
from magnetflow.recovery.cell.steady import as_state, check_potential, unknowns

TOLERANCE = 1e-4  # error of a step, part of the largest concentration of an ion
FIRST_PART = 1e-7  # of the time asked for that the first step takes
SHORTEST_PART = 1e-13
LONGEST_GROWTH = 1.8  # of a step over the last one; the formula is stable below 2.4
TRACE = 1e-6  # part of the largest concentration of all below which none is followed
NEWTON_STEPS = 12  # in a step of time but the first, which is halved rather than laboured at
EVENT_FOUND = 1e-9  # part of the time at which an event is found


@dataclass(frozen=True)
class _Point:
    """A moment that is solved: what its boxes hold, and what has come in."""

    time_s: float
    at: Unknowns
    contents: Matrix  # ions, nodes
    through: Matrix  # sides, ions


def run(
    first: State, duration_s: float, tolerance: float = TOLERANCE, until: Callable[[State], float] | None = None
) -> list[State]:
    """Return the states of a cell from a first one on, as the steps fall, each with its `time_s`.

    `tolerance` is the error of a step, part of the largest concentration of an ion. The course ends after the
    duration, or where `until`, a function of the state, falls to zero.
    Raises ProcessError for a duration that is not above zero and for a cell in which nothing holds the potential,
    ConvergenceError with the last residuals where the steps would have to become too short.
    """
    if not 0 < duration_s < np.inf or not tolerance > 0:
        raise ProcessError(f"a course of {duration_s:g} s to {tolerance:g}; give more than 0 of either")
    check_potential(first.cell)
    balance = Balance(first.cell)
    begun = unknowns(first)
    through = np.array([first.through_left, first.through_right])
    points = [_Point(first.time_s, begun, balance.contents(begun), through)]
    end, step = first.time_s + duration_s, FIRST_PART * duration_s
    states = [first]
    while points[-1].time_s < end * (1 - 1e-14):
        step = min(step, end - points[-1].time_s)
        try:
            reached = _step(balance, points, step)
        except UnsettledError as error:
            step /= 4
            if step < SHORTEST_PART * duration_s:
                raise ConvergenceError(f"after {points[-1].time_s:.6g} s {error}") from None
            continue
        error_part = _error(points, reached) / tolerance
        if error_part > 1 and step > 10 * SHORTEST_PART * duration_s:
            step *= max(0.2, 0.8 * error_part ** (-1 / 3))
            continue
        states.append(_state(first, reached))
        if until is not None and until(states[-1]) <= 0:
            return [*states[:-1], _state(first, _event(balance, points, first, step, until))]
        points = [*points[-2:], reached]
        step *= min(LONGEST_GROWTH, 0.8 * max(error_part, 1e-9) ** (-1 / 3))
    return states


def _formula(points: list[_Point], step: float) -> tuple[float, Matrix, Matrix]:
    """Return the rate, and the histories of contents (ions, nodes) and of inflow (sides, ions)."""
    last = points[-1]
    if len(points) == 1:
        return 1 / step, last.contents / step, last.through / step
    before = points[-2]
    ratio = step / (last.time_s - before.time_s)
    now, then = (1 + ratio) / step, ratio**2 / (1 + ratio) / step
    rate = (1 + 2 * ratio) / (1 + ratio) / step
    return rate, now * last.contents - then * before.contents, now * last.through - then * before.through


def _step(balance: Balance, points: list[_Point], step: float) -> _Point:
    rate, history, through = _formula(points, step)
    steps = NEWTON_STEPS if len(points) > 1 else STEPS
    at, residuals = settle(balance, points[-1].at, rate, history, steps=steps)
    return _Point(points[-1].time_s + step, at, balance.contents(at), (residuals.inflow + through) / rate)


def _error(points: list[_Point], reached: _Point) -> float:
    """Return the error of a step, part of the largest concentration, from what the steps before predict."""
    if len(points) < 2:
        return 0.0
    times = [point.time_s for point in points]
    predicted = np.zeros_like(reached.contents)
    for point in points:  # Lagrange's polynomial through the moments before
        others = [time for time in times if time != point.time_s]
        weight = np.prod([(reached.time_s - time) / (point.time_s - time) for time in others])
        predicted += weight * point.contents
    size = np.abs(reached.contents).max(axis=1, keepdims=True)
    off = np.abs(reached.contents - predicted) / np.maximum(size, TRACE * size.max())
    return float(off.max()) * (0.2 if len(points) > 2 else 0.5)


def _event(
    balance: Balance, points: list[_Point], first: State, step: float, until: Callable[[State], float]
) -> _Point:
    """Return the moment within a step at which an event happens, by bisection."""
    low, high = 0.0, step
    found = _step(balance, points, high)
    while high - low > EVENT_FOUND * (points[-1].time_s + high):
        middle = (low + high) / 2
        tried = _step(balance, points, middle)
        if until(_state(first, tried)) > 0:
            low = middle
        else:
            high, found = middle, tried
    return found


def _state(first: State, point: _Point) -> State:
    left, right = point.through
    return as_state(first, point.at, time_s=point.time_s, through_left=left, through_right=right)
