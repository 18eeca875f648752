"""Which expression does a line of text write down?

The parser knows numbers, names, `+ - * / ** ( )` and nothing else; no text is ever run as code.
A name in quotation marks may hold any other sign.
It reads by operator precedence (V. R. Pratt, Top down operator precedence, POPL 1973).
"""

from __future__ import annotations

import re

from magnetflow.errors import ExpressionError
from magnetflow.inference.expressions import Expression, constant, joined, variable

LONGEST = 10_000  # characters of one expression
DEEPEST = 100  # parentheses, signs and powers within each other
TOKEN = re.compile(r"""(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[^\W\d]\w*|\*\*|[-+*/()]|"[^"]+"|'[^']+'""")
PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "**": 4}
SIGN_PRECEDENCE = 3  # -a ** 2 is -(a ** 2), as on paper
CURES = {
    "=": "write the relation as one expression that equals 0",
    "^": "write a power as **",
    ".": "an attribute is not allowed",
    ",": "write numbers as 1234.5",
    '"': "close the quotation mark",
    "'": "close the quotation mark",
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
    """Reads tokens by operator precedence, joining one operand to the next."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.position = 0

    def read(self) -> Expression:
        expression = self._operand(0, 0)
        if self.position < len(self.tokens):
            found = self.tokens[self.position]
            before = self.tokens[self.position - 1]
            if found == "(":
                raise ExpressionError(f"{before}( reads as a call, which is not allowed; write a product with *")
            raise ExpressionError(f"found {found!r} after {before!r}; an operator is missing or a ( too few")
        return expression

    def _next(self) -> str:
        if self.position == len(self.tokens):
            raise ExpressionError("it ends too early; complete it" if self.tokens else "it is empty")
        self.position += 1
        return self.tokens[self.position - 1]

    def _operand(self, least: int, depth: int) -> Expression:
        """Read what binds at least as tightly as `least`."""
        if depth > DEEPEST:
            raise ExpressionError(f"it is nested more than {DEEPEST} deep; split it")
        left = self._start(self._next(), depth)
        while self.position < len(self.tokens) and PRECEDENCE.get(self.tokens[self.position], -1) >= least:
            operation = self._next()
            # A power binds to the right, all else to the left.
            binding = PRECEDENCE[operation] + (operation != "**")
            left = joined(operation, left, self._operand(binding, depth + (operation == "**")))
        return left

    def _start(self, token: str, depth: int) -> Expression:
        """Read a number, a name, a sign with its operand, or what stands in parentheses."""
        if token == "(":
            inside = self._operand(0, depth + 1)
            if self.position == len(self.tokens) or self.tokens[self.position] != ")":
                raise ExpressionError("a ( is not closed; add the )")
            self.position += 1
            return inside
        if token in "+-":
            operand = self._operand(SIGN_PRECEDENCE, depth + 1)
            return -operand if token == "-" else operand
        if token in PRECEDENCE or token == ")":
            raise ExpressionError(f"found {token!r} where a number or a name belongs")
        if token[0] in ".0123456789":
            return constant(float(token), token)
        return variable(token[1:-1] if token[0] in "\"'" else token)
