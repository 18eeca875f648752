"""Is a kernel that did not come up started again, and is no other error swallowed?"""

from __future__ import annotations

import pytest

from magnetflow.book.execution import KERNEL_STARTS, NOT_UP, with_kernel


class Runs:
    """Fail with each of some errors in turn, and then succeed."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.count = list(errors), 0

    def __call__(self) -> None:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)


def test_a_kernel_that_did_not_come_up_is_started_again() -> None:
    runs = Runs(RuntimeError(NOT_UP), RuntimeError(NOT_UP))
    with_kernel(runs)
    assert runs.count == 3


def test_one_that_never_comes_up_is_told() -> None:
    runs = Runs(*[RuntimeError(NOT_UP)] * 5)
    with pytest.raises(RuntimeError, match=NOT_UP):
        with_kernel(runs)
    assert runs.count == KERNEL_STARTS


@pytest.mark.parametrize("error", [RuntimeError("Kernel died"), ValueError("a cell failed")])
def test_a_kernel_that_died_at_work_is_not_started_again(error: Exception) -> None:
    runs = Runs(error)
    with pytest.raises(type(error)):
        with_kernel(runs)
    assert runs.count == 1
