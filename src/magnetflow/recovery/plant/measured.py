"""What do measurements on a plant say of an element, where they do not agree with one another?"""

from __future__ import annotations

import math
from collections.abc import Mapping

from magnetflow.errors import ProcessError
from magnetflow.inference.problem import Problem, state
from magnetflow.recovery.plant.flowsheet import OUTSIDE, Solved


def carriers(solved: Solved, element: str) -> list[str]:
    """Return the streams that hold an element, by the model, in the order of the flowsheet."""
    return [name for name in solved.pipes if solved.streams[name].elements_kg().get(element, 0.0) > 0]


def balance_problem(solved: Solved, element: str, measured: Mapping[str, tuple[float, float]]) -> Problem:
    """State the balances of an element over every unit, with what was measured of it: kg and standard deviation.

    Streams that carry the element and were not measured are unknown; none may fall below zero.
    Raises ProcessError for a measurement of a stream that does not carry the element.
    """
    names = carriers(solved, element)
    strangers = sorted(set(measured) - set(names))
    if strangers:
        raise ProcessError(f"stream {strangers[0]!r} carries no {element}; the streams are {', '.join(names)}")
    balances: dict[str, dict[str, float]] = {}
    for name in names:
        pipe = solved.pipes[name]
        for unit, sign in ((pipe.source, -1.0), (pipe.target, 1.0)):
            if unit != OUTSIDE:
                balances.setdefault(unit, {})[name] = sign
    nothing = (math.nan, math.nan)
    return state(
        names,
        ["measured" if name in measured else "unmeasured" for name in names],
        [measured.get(name, nothing)[0] for name in names],
        [measured.get(name, nothing)[1] for name in names],
        balances=balances,
        lower=[0.0] * len(names),
    )
