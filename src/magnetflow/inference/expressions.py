"""What does an algebraic relation say, and how does it change with each of its variables?

A relation such as `m4 - m3 * TC`, which is to equal zero, is a list of steps in the order of evaluation.
It is read from text by `parser.parse`, or composed in Python: `variable("m4") - variable("m3") * variable("TC")`.
Values, gradients (reverse accumulation) and second derivatives follow from the steps exactly, without differences
(Griewank and Walther, Evaluating Derivatives, 2nd ed., chapters 3 and 5).
"""

from __future__ import annotations

import math
import operator
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from magnetflow.errors import ExpressionError

Key = TypeVar("Key")
HIGHEST_POWER = 20.0
OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}


@dataclass(frozen=True)
class Step:
    """One step: a number, a variable, or an operation on the results of two earlier steps."""

    operation: str  # "number", "name", "+", "-", "*", "/" or "**"
    left: int = -1
    right: int = -1
    number: float = 0.0
    name: str = ""


@dataclass(frozen=True)
class Expression:
    """An expression as steps in the order of evaluation; the last step is its value.

    Expressions and numbers are joined by `+ - * / **`, and an operation on two numbers is done at once.
    Raises ExpressionError for a number that is not finite, a division by zero or a power beyond HIGHEST_POWER.
    """

    steps: tuple[Step, ...]
    __array_ufunc__ = None  # numbers of numpy leave operations with an expression to it

    def __add__(self, other: Operand) -> Expression:
        return joined("+", self, other)

    def __radd__(self, other: float) -> Expression:
        return joined("+", other, self)

    def __sub__(self, other: Operand) -> Expression:
        return joined("-", self, other)

    def __rsub__(self, other: float) -> Expression:
        return joined("-", other, self)

    def __mul__(self, other: Operand) -> Expression:
        return joined("*", self, other)

    def __rmul__(self, other: float) -> Expression:
        return joined("*", other, self)

    def __truediv__(self, other: Operand) -> Expression:
        return joined("/", self, other)

    def __rtruediv__(self, other: float) -> Expression:
        return joined("/", other, self)

    def __pow__(self, other: Operand) -> Expression:
        return joined("**", self, other)

    def __rpow__(self, other: float) -> Expression:
        return joined("**", other, self)

    def __neg__(self) -> Expression:
        return 0.0 - self

    @cached_property
    def variables(self) -> list[str]:
        """Names of the variables, sorted."""
        return sorted({step.name for step in self.steps if step.operation == "name"})

    def is_affine_in(self, free: Collection[str]) -> bool:
        """Tell whether the expression is a weighted sum of the `free` variables once all others are fixed."""
        degrees: list[int] = []
        for step in self.steps:
            if step.operation in ("number", "name"):
                degrees.append(int(step.name in free))
                continue
            left, right = degrees[step.left], degrees[step.right]
            if step.operation in "+-":
                degrees.append(max(left, right))
            elif step.operation == "*":
                degrees.append(left + right)
            else:
                plain = step.operation == "/" or self.steps[step.right].number == 1.0
                degrees.append(left if right == 0 and (plain or left == 0) else 2)
        return degrees[-1] < 2

    def values(self, at: Mapping[str, float]) -> list[float]:
        """Return the result of every step; what has no finite value, such as a division by zero, is NaN."""
        results: list[float] = []
        for step in self.steps:
            if step.operation == "number":
                results.append(step.number)
            elif step.operation == "name":
                results.append(float(at[step.name]))
            else:
                results.append(_result(step.operation, results[step.left], results[step.right]))
        return results

    def gradient(self, at: Mapping[str, float]) -> tuple[float, dict[str, float]]:
        """Return the value, and its derivative by each variable."""
        results = self.values(at)
        weight = [0.0] * len(results)
        weight[-1] = 1.0
        gradient: defaultdict[str, float] = defaultdict(float)
        for position in range(len(results) - 1, -1, -1):
            step = self.steps[position]
            if step.operation == "name":
                gradient[step.name] += weight[position]
            elif step.operation != "number":
                by_left, by_right, *_ = _derivatives(step.operation, results[step.left], results[step.right])
                weight[step.left] += weight[position] * by_left
                if by_right:
                    weight[step.right] += weight[position] * by_right
        return results[-1], dict(gradient)

    def hessian(self, at: Mapping[str, float]) -> dict[tuple[str, str], float]:
        """Return the second derivatives that are not zero by structure, for pairs of names in sorted order."""
        results = self.values(at)
        first: list[dict[str, float]] = []
        second: list[dict[tuple[str, str], float]] = []
        for step in self.steps:
            if step.operation in ("number", "name"):
                first.append({step.name: 1.0} if step.name else {})
                second.append({})
                continue
            left, right = first[step.left], first[step.right]
            a, b, aa, ab, bb = _derivatives(step.operation, results[step.left], results[step.right])
            first.append(_sum([(a, left), (b, right)]))
            bent = [(a, second[step.left]), (b, second[step.right])]
            bent += [(aa, _outer(left, left)), (2 * ab, _outer(left, right)), (bb, _outer(right, right))]
            second.append(_sum([(factor, part) for factor, part in bent if factor]))
        return second[-1]


Operand = Expression | float


def variable(name: str) -> Expression:
    """Return the expression that consists of one variable, whose name may be any text."""
    return Expression((Step("name", name=name),))


def constant(number: float, text: str = "a constant part of it") -> Expression:
    """Return the expression that consists of one number; `text` is what an error calls it."""
    if not math.isfinite(number):
        raise ExpressionError(f"{text} is not a finite number")
    return Expression((Step("number", number=float(number)),))


def joined(operation: str, left: Operand, right: Operand) -> Expression:
    """Return one operation on two expressions or numbers."""
    one, other = (side if isinstance(side, Expression) else constant(side) for side in (left, right))
    first, second = (side.steps[0].number if side.steps[-1].operation == "number" else None for side in (one, other))
    if operation == "/" and second == 0.0:
        raise ExpressionError("it divides by zero")
    if operation == "**" and second is not None and abs(second) > HIGHEST_POWER:
        raise ExpressionError(f"the exponent {second:g} is beyond {HIGHEST_POWER:g}")
    if first is not None and second is not None:
        return constant(_result(operation, first, second))
    before = len(one.steps)
    moved = (
        step if step.left < 0 else Step(step.operation, step.left + before, step.right + before)
        for step in other.steps
    )
    return Expression((*one.steps, *moved, Step(operation, before - 1, before + len(other.steps) - 1)))


def _sum(parts: Sequence[tuple[float, Mapping[Key, float]]]) -> dict[Key, float]:
    total: defaultdict[Key, float] = defaultdict(float)
    for factor, part in parts:
        for key, value in part.items():
            total[key] += factor * value
    return dict(total)


def _outer(left: Mapping[str, float], right: Mapping[str, float]) -> dict[tuple[str, str], float]:
    """Return the symmetric product of two gradients, each pair of names once; (a, b) stands for (b, a) too."""
    product: defaultdict[tuple[str, str], float] = defaultdict(float)
    for one, by_one in left.items():
        for other, by_other in right.items():
            # In the full matrix both (one, other) and (other, one) receive half of the sum of the two orders.
            product[min(one, other), max(one, other)] += by_one * by_other * (1.0 if one == other else 0.5)
    return dict(product)


def _result(operation: str, left: float, right: float) -> float:
    """Return the result of one operation, NaN where it has no finite real value."""
    try:
        result = OPERATIONS[operation](left, right)
        return result if isinstance(result, float) else math.nan
    except (ZeroDivisionError, OverflowError):
        return math.nan


def _derivatives(operation: str, left: float, right: float) -> tuple[float, float, float, float, float]:
    """Return the derivatives of one operation: by left, by right, twice left, left and right, twice right."""
    if operation in "+-":
        return 1.0, 1.0 if operation == "+" else -1.0, 0.0, 0.0, 0.0
    if operation == "*":
        return right, left, 0.0, 1.0, 0.0
    try:
        if operation == "/":
            return 1 / right, -left / right**2, 0.0, -1 / right**2, 2 * left / right**3
        return _power_derivatives(left, right)
    except (ZeroDivisionError, OverflowError, ValueError):
        return (math.nan,) * 5


def _power_derivatives(base: float, exponent: float) -> tuple[float, float, float, float, float]:
    by_base = exponent * base ** (exponent - 1) if exponent else 0.0
    twice_base = exponent * (exponent - 1) * base ** (exponent - 2) if exponent not in (0.0, 1.0) else 0.0
    if isinstance(by_base, complex):
        raise ValueError("a root of a negative number")
    if base <= 0.0:  # a logarithm is not there; only a constant exponent is differentiable
        return by_base, 0.0, twice_base, 0.0, 0.0
    power, log = base**exponent, math.log(base)
    mixed = base ** (exponent - 1) * (1 + exponent * log)
    return by_base, power * log, twice_base, mixed, power * log**2
