"""What can go wrong, and whose fault is it?

An `InputError` means that what the user supplied is wrong or has no answer: one line with the cure, exit code 2.
Every other `MagnetflowError` is a fault of a notebook or of this package: exit code 1.
This module imports nothing, so that errors can be caught without loading anything else.
"""

from __future__ import annotations


class MagnetflowError(Exception):
    """Anything that this package raises on purpose."""


class InputError(MagnetflowError):
    """What the user supplied is wrong or has no answer; its text is one line and names the cure."""


class TableError(InputError):
    """A table or sheet does not hold what it should; the text begins with file, row and column."""

    def __init__(self, path: object, problem: str, row: int | None = None, column: str | None = None) -> None:
        where = [str(path), f"row {row}" if row else "", f"column {column}" if column else ""]
        super().__init__(f"{', '.join(part for part in where if part)}: {problem}")


class ProblemError(InputError):
    """A problem cannot be right as stated; `variable` names the one at fault, where there is one."""

    def __init__(self, problem: str, variable: str | None = None) -> None:
        super().__init__(problem)
        self.variable = variable


class ConflictError(ProblemError):
    """No values meet the balances; the text names those in conflict."""


class ConvergenceError(InputError):
    """The iteration came to no end that could be trusted."""


class UnsettledError(ConvergenceError):
    """Newton's method came to no end in an electrochemical cell."""


class ExpressionError(InputError):
    """An expression says something other than numbers, names and arithmetic."""


class ProcessError(InputError):
    """A batch, a species or a condition of recovery has no meaning or no answer."""


class UnbalancedError(ProcessError):
    """A reaction makes or loses atoms or charge."""


class ResultError(MagnetflowError):
    """A chapter records a result, or shows a figure, that cannot be one; the text says what is lacking."""


class BuildError(MagnetflowError):
    """A notebook or a page failed; the last good book stays where it is."""


def names_of_kind(kind: type[MagnetflowError]) -> set[str]:
    """Return the class name of a kind of error and of every kind below it: all that another process tells of one."""
    return {kind.__name__}.union(*(names_of_kind(below) for below in kind.__subclasses__()))
