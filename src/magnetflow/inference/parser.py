"""Which expression does a line of text write down?

The parser knows numbers, names, `+ - * / ** ( )` and nothing else; no text is ever run as code.
It reads by operator precedence (V. R. Pratt, Top down operator precedence, POPL 1973).
"""

from __future__ import annotations

import math
import re

from magnetflow.errors import ExpressionError
from magnetflow.inference.expressions import Expression, Step, combine

LONGEST = 10_000  # characters of one expression
DEEPEST = 100  # parentheses, signs and powers within each other
HIGHEST_POWER = 20.0
TOKEN = re.compile(r"((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|([^\W\d]\w*)|(\*\*|[-+*/()])")
PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "**": 4}
SIGN_PRECEDENCE = 3  # -a ** 2 is -(a ** 2), as on paper
CURES = {
    "=": "write the relation as one expression that equals 0",
    "^": "write a power as **",
    ".": "an attribute is not allowed",
    ",": "write numbers as 1234.5",
}


def parse(text: str) -> Expression:
    """Read one expression.

    Raises ExpressionError, telling what is wrong and how to mend it, for anything but an expression in at least
    one variable, of at most LONGEST characters, DEEPEST levels, and constant powers up to HIGHEST_POWER.
    """
    if len(text) > LONGEST:
        raise ExpressionError(f"{len(text)} characters are too many; split it into lines of at most {LONGEST}")
    expression = _Parser(_tokens(text)).read()
    if not expression.variables:
        raise ExpressionError("no variable stands in it; a relation needs at least one")
    return expression


def _tokens(text: str) -> list[str]:
    tokens, position = [], 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match = TOKEN.match(text, position)
        if not match:
            cure = CURES.get(text[position], "only numbers, names, + - * / ** ( ) are allowed")
            raise ExpressionError(f"found {text[position]!r}; {cure}")
        tokens.append(match.group())
        position = match.end()
    return tokens


class _Parser:
    """Reads tokens by operator precedence and appends one step after the other."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.position = 0
        self.steps: list[Step] = []

    def read(self) -> Expression:
        self._operand(0, 0)
        if self.position < len(self.tokens):
            found = self.tokens[self.position]
            before = self.tokens[self.position - 1]
            if found == "(":
                raise ExpressionError(f"{before}( reads as a call, which is not allowed; write a product with *")
            raise ExpressionError(f"found {found!r} after {before!r}; an operator is missing or a ( too few")
        return Expression(tuple(self.steps))

    def _next(self) -> str:
        if self.position == len(self.tokens):
            raise ExpressionError("it ends too early; complete it" if self.tokens else "it is empty")
        self.position += 1
        return self.tokens[self.position - 1]

    def _operand(self, least: int, depth: int) -> int:
        """Read what binds at least as tightly as `least` and return the position of its result."""
        if depth > DEEPEST:
            raise ExpressionError(f"it is nested more than {DEEPEST} deep; split it")
        left = self._start(self._next(), depth)
        while self.position < len(self.tokens) and PRECEDENCE.get(self.tokens[self.position], -1) >= least:
            operation = self._next()
            # A power binds to the right, all else to the left.
            binding = PRECEDENCE[operation] + (operation != "**")
            right = self._operand(binding, depth + (operation == "**"))
            left = self._combined(operation, left, right)
        return left

    def _start(self, token: str, depth: int) -> int:
        """Read a number, a name, a sign with its operand, or what stands in parentheses."""
        if token == "(":
            inside = self._operand(0, depth + 1)
            if self.position == len(self.tokens) or self.tokens[self.position] != ")":
                raise ExpressionError("a ( is not closed; add the )")
            self.position += 1
            return inside
        if token == "-":
            zero = self._append(Step("number"))
            return self._combined("-", zero, self._operand(SIGN_PRECEDENCE, depth + 1))
        if token == "+":
            return self._operand(SIGN_PRECEDENCE, depth + 1)
        if token in PRECEDENCE or token == ")":
            raise ExpressionError(f"found {token!r} where a number or a name belongs")
        if token[0] in ".0123456789":
            return self._append(Step("number", number=_finite(float(token), token)))
        return self._append(Step("name", name=token))

    def _append(self, step: Step) -> int:
        self.steps.append(step)
        return len(self.steps) - 1

    def _combined(self, operation: str, left: int, right: int) -> int:
        """Append an operation; one on two numbers is done at once."""
        numbers = [
            self.steps[place].number if self.steps[place].operation == "number" else None for place in (left, right)
        ]
        if operation == "/" and numbers[1] == 0.0:
            raise ExpressionError("it divides by zero")
        if operation == "**" and numbers[1] is not None and abs(numbers[1]) > HIGHEST_POWER:
            raise ExpressionError(f"the exponent {numbers[1]:g} is beyond {HIGHEST_POWER:g}")
        if numbers[0] is None or numbers[1] is None:
            return self._append(Step(operation, left, right))
        del self.steps[left:]
        result = combine(operation, numbers[0], numbers[1])
        return self._append(Step("number", number=_finite(result, "a constant part of it")))


def _finite(number: float, told: str) -> float:
    if not math.isfinite(number):
        raise ExpressionError(f"{told} is not a finite number")
    return number
