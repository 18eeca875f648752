"""How does a cell change with time?

Steps of the backward differentiation formula of second order, the first one of first order; each is as long as its
error allows. What comes in through the sides is summed by the same formula, so that what the cell holds and what has
come in agree to rounding whatever the step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from magnetflow.arrays import Array
from magnetflow.errors import ConvergenceError, ProcessError, UnsettledError
from magnetflow.recovery.cell.balance import Balance, Unknowns
from magnetflow.recovery.cell.newton import settle
from magnetflow.recovery.cell.state import State
from magnetflow.recovery.cell.steady import check_held, state, unknowns

TOLERANCE = 1e-4  # error of a step, part of the largest concentration of an ion
FIRST_PART = 1e-7  # of the time asked for that the first step takes
SHORTEST_PART = 1e-13
LONGEST_GROWTH = 1.8  # of a step over the last one; the formula is stable below 2.4
TRACE = 1e-6  # part of the largest concentration of all below which none is followed
FIRST_NEWTON_STEPS = 80  # from a guess
NEWTON_STEPS = 12  # in a step of time, which is halved rather than laboured at
EVENT_FOUND = 1e-9  # part of the time at which an event is found


@dataclass(frozen=True)
class _Point:
    """A moment that is done: what its boxes hold, and what has come in."""

    time_s: float
    at: Unknowns
    held: Array  # ions, nodes
    through: Array  # sides, ions


def run(
    first: State,
    duration_s: float,
    tolerance: float = TOLERANCE,
    until: Callable[[State], float] | None = None,
) -> list[State]:
    """Return the states of a cell from a first one on, as the steps fall.

    It ends after the duration, or where `until`, a function of the state, falls to zero.
    Raises ProcessError for a duration that is not above zero and for a cell in which nothing holds the potential,
    ConvergenceError with the last residuals where the steps would have to become too short.
    """
    if not 0 < duration_s < np.inf or not tolerance > 0:
        raise ProcessError(f"a course of {duration_s:g} s to {tolerance:g}; give more than 0 of either")
    check_held(first.cell)
    balance = Balance(first.cell)
    begun = unknowns(first)
    through = np.array([first.through_left, first.through_right])
    points = [_Point(first.time_s, begun, _held(balance, begun), through)]
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
        error_part = _error(balance, points, reached) / tolerance
        if error_part > 1 and step > 10 * SHORTEST_PART * duration_s:
            step *= max(0.2, 0.8 * error_part ** (-1 / 3))
            continue
        told = _told(first, reached)
        if until is not None and until(told) <= 0:
            return [*states, _told(first, _event(balance, points, first, step, until))]
        points = [*points[-2:], reached]
        states.append(told)
        step *= min(LONGEST_GROWTH, 0.8 * max(error_part, 1e-9) ** (-1 / 3))
    return states


def _held(balance: Balance, at: Unknowns) -> Array:
    """Return what each box holds of each ion, dissolved and in solids, mol/m³."""
    ions = balance.ions
    return np.asarray(at.nodes[:, :ions].T + balance.bound.T @ at.nodes[:, ions + 1 :].T)


def _formula(points: list[_Point], step: float) -> tuple[float, Array, Array]:
    """Return the rate, and the histories of what the boxes hold and of what has come in."""
    last = points[-1]
    if len(points) == 1:
        return 1 / step, last.held / step, last.through / step
    before = points[-2]
    ratio = step / (last.time_s - before.time_s)
    now, then = (1 + ratio) / step, ratio**2 / (1 + ratio) / step
    rate = (1 + 2 * ratio) / (1 + ratio) / step
    return rate, now * last.held - then * before.held, now * last.through - then * before.through


def _step(balance: Balance, points: list[_Point], step: float) -> _Point:
    rate, history, came = _formula(points, step)
    steps = NEWTON_STEPS if len(points) > 1 else FIRST_NEWTON_STEPS
    at, told = settle(balance, points[-1].at, rate, history, steps=steps)
    return _Point(points[-1].time_s + step, at, _held(balance, at), (told.inflow + came) / rate)


def _error(balance: Balance, points: list[_Point], reached: _Point) -> float:
    """Return the error of a step, part of the largest concentration, from what the steps before foretold."""
    if len(points) < 2:
        return 0.0
    times = [point.time_s for point in points]
    foretold = np.zeros_like(reached.held)
    for one, point in enumerate(points):  # Lagrange's polynomial through the moments before
        weight = np.prod([
            (reached.time_s - times[k]) / (times[one] - times[k]) for k in range(len(times)) if k != one
        ])  # fmt: skip
        foretold += weight * point.held
    size = np.abs(reached.held).max(axis=1, keepdims=True)
    off = np.abs(reached.held - foretold) / np.maximum(size, TRACE * size.max())
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
        if until(_told(first, tried)) > 0:
            low = middle
        else:
            high, found = middle, tried
    return found


def _told(first: State, point: _Point) -> State:
    return state(first, point.at, point.time_s, point.through[0], point.through[1])
