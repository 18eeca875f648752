"""Expressions: what is read, what is refused, and whether the derivatives are exact."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magnetflow.errors import ExpressionError
from magnetflow.inference.expressions import Expression, variable
from magnetflow.inference.parser import DEEPEST, LONGEST, parse

AT = {"a": 1.7, "b": 0.6, "in": 2.3}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a - b", 1.1),
        ("-a**2 + 1", 1 - 1.7**2),
        ("2**-1 * a", 0.85),
        ("2**3**2 * 0 + a", 1.7),
        ("a/b/in", 1.7 / 0.6 / 2.3),
        ("a - b - in", 1.7 - 0.6 - 2.3),
        ("(a + b) * (in - 1.5e-1)", 2.3 * 2.15),
        ("a**b", 1.7**0.6),
        ("+a", 1.7),
        (".5*a + 3.", 3.85),
        ("a\t*\tb", 1.02),
    ],
)
def test_values_follow_the_usual_order_of_operations(text: str, value: float) -> None:
    assert parse(text).values(AT)[-1] == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("f(a)", "call"),
        ("a.b", "attribute"),
        ("a = b", "equals 0"),
        ("a == b", "equals 0"),
        ("a ^ 2", r"\*\*"),
        ("a // b", "number or a name"),
        ("a % b", "allowed"),
        ("a @ b", "allowed"),
        ("a[0]", "allowed"),
        ("'a", "close the quotation mark"),
        ("a if b else in", "operator"),
        ("lambda: a", "allowed"),
        ("__import__('os')", "allowed"),
        ("a / 0", "divides by zero"),
        ("a / (2 - 2)", "divides by zero"),
        ("1 / 0 + a", "divides by zero"),
        ("1e999 * a", "finite"),
        ("10**20 * 10**20**1 * a ** 21", "exponent"),
        ("a ** -20.5", "exponent"),
        ("9e307 * 9 + a", "finite"),
        ("3 * 4", "no variable"),
        ("", "empty"),
        ("a +", "too early"),
        ("(a", "not closed"),
        ("a)", "too few"),
        ("2a", "operator"),
        ("1_000 * a", "operator"),
        ("1,5 * a", "1234.5"),
        ("٣ * a", "allowed"),
        ("a\x00", "allowed"),
        ("(" * (DEEPEST + 1) + "a" + ")" * (DEEPEST + 1), "nested"),
        ("-" * (DEEPEST + 1) + "a", "nested"),
        ("a" + "**a" * (DEEPEST + 1), "nested"),
        ("a" + " + a" * (LONGEST // 4), "characters"),
    ],
)
def test_anything_but_arithmetic_is_refused(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message) as raised:
        parse(text)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 200


def test_the_limits_themselves_are_allowed() -> None:
    assert parse("(" * DEEPEST + "a" + ")" * DEEPEST).variables == ["a"]
    assert parse("a**20 + a**-20").gradient({"a": 1.0}) == (2.0, {"a": 0.0})
    assert parse("a" + "+a" * (LONGEST // 2 - 1)).gradient({"a": 1.0})[1] == {"a": LONGEST // 2}


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        assert parse(text).variables
    except ExpressionError as error:
        assert "\n" not in str(error)


leaves = st.one_of(st.sampled_from(["a", "b", "in"]), st.floats(0.5, 3.0).map(lambda number: f"{number:.3f}"))
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.sampled_from(["2", "-1", "0.5", "1", "3"])).map(lambda t: f"({t[0]})**{t[1]}"),
        inner.map(lambda t: f"(-{t})"),
    ),
    max_leaves=8,
)


@given(trees)
def test_derivatives_agree_with_small_differences(text: str) -> None:
    try:
        expression = parse(text)
    except ExpressionError:
        return
    value, gradient = expression.gradient(AT)
    if not math.isfinite(value) or abs(value) > 1e4:
        return
    hessian = expression.hessian(AT)
    step = 1e-5
    for name in expression.variables:
        above, below = {**AT, name: AT[name] + step}, {**AT, name: AT[name] - step}
        up, by_up = expression.gradient(above)
        down, by_down = expression.gradient(below)
        if not all(map(math.isfinite, (up, down))) or max(abs(up), abs(down)) > 1e4:
            return
        bend = abs(up - 2 * value + down) / step**2
        assert gradient[name] == pytest.approx((up - down) / (2 * step), rel=1e-3, abs=1e-4 * (1 + bend))
        for other in expression.variables:
            slope = (by_up[other] - by_down[other]) / (2 * step)
            exact = hessian.get((min(name, other), max(name, other)), 0.0)
            if abs(slope) < 1e4:
                assert exact == pytest.approx(slope, rel=1e-2, abs=1e-2 * (1 + abs(slope)))


def test_second_derivatives_of_a_hand_computed_case() -> None:
    # f = a² b + a / in: f_aa = 2b, f_ab = 2a, f_a,in = −1/in², f_in,in = 2a/in³
    hessian = parse("a**2 * b + a / in").hessian(AT)
    assert hessian["a", "a"] == pytest.approx(1.2)
    assert hessian["a", "b"] == pytest.approx(3.4)
    assert hessian["a", "in"] == pytest.approx(-1 / 2.3**2)
    assert hessian["in", "in"] == pytest.approx(2 * 1.7 / 2.3**3)


@pytest.mark.parametrize(
    ("text", "free", "affine"),
    [
        ("a - b*in", {"a", "b", "in"}, False),
        ("a - b*in", {"a", "b"}, True),
        ("a/in - b", {"a", "b"}, True),
        ("a/in - b", {"in"}, False),
        ("(a + b)**1", {"a", "b"}, True),
        ("a**2", {"a"}, False),
        ("a**2 + b", {"b"}, True),
        ("b**a", {"a"}, False),
        ("a*(b - b)", {"a", "b"}, False),
    ],
)
def test_what_is_linear_is_recognised(text: str, free: set[str], affine: bool) -> None:
    assert parse(text).is_affine_in(free) is affine


def test_composed_expressions_are_those_of_the_text() -> None:
    a, b, c = variable("a"), variable("b"), variable("in")
    for composed, text in (
        (a - b * c, "a - b * in"),
        (2.0 * a / c - (b + 1), "2 * a / in - (b + 1)"),
        (1 - a, "1 - a"),
        (3 / (a + b), "3 / (a + b)"),
        (-((a + b) ** 2), "-(a + b)**2"),
        (2**a - -b, "2**a - (-b)"),
        (np.float64(0.5) * a, "0.5 * a"),
        (sum([a, 2 * b, c]), "0 + a + 2 * b + in"),
    ):
        assert composed == parse(text)
        assert composed.gradient(AT) == parse(text).gradient(AT)
        assert composed.hessian(AT) == parse(text).hessian(AT)


def test_a_name_may_be_any_text() -> None:
    relation = 2.0 * variable("I3.1 [Nd]") - variable("a flow with spaces")
    assert relation.variables == ["I3.1 [Nd]", "a flow with spaces"]
    assert relation.gradient({"I3.1 [Nd]": 3.0, "a flow with spaces": 1.0}) == (
        5.0,
        {"I3.1 [Nd]": 2.0, "a flow with spaces": -1.0},
    )


@pytest.mark.parametrize(
    ("compose", "message"),
    [
        (lambda a: a / 0.0, "divides by zero"),
        (lambda a: a**20.5, "exponent 20.5 is beyond 20"),
        (lambda a: math.nan * a, "not a finite number"),
        (lambda a: a - math.inf, "not a finite number"),
    ],
)
def test_what_the_parser_refuses_cannot_be_composed(
    compose: Callable[[Expression], Expression], message: str
) -> None:
    with pytest.raises(ExpressionError, match=message):
        compose(variable("a"))


Both = tuple[Expression, str]  # a composed expression, and its text
operands = st.sampled_from([(variable(name), name) for name in AT])
numbers = st.floats(0.5, 3.0)


OPERATIONS: dict[str, Callable[..., Expression]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}


def joined(pair: tuple[Both, Both, str, float]) -> list[Both]:
    """Join two expressions, and the first with a number on either side, by one operation."""
    (one, one_text), (other, other_text), sign, number = pair
    apply = OPERATIONS[sign]
    return [
        (apply(one, other), f"({one_text}) {sign} ({other_text})"),
        (apply(one, number), f"({one_text}) {sign} {number!r}"),
        (apply(number, one), f"{number!r} {sign} ({one_text})"),
        (-one, f"-({one_text})"),
    ]


compositions = st.recursive(
    operands,
    lambda inner: st.tuples(inner, inner, st.sampled_from(list(OPERATIONS)), numbers).flatmap(
        lambda pair: st.sampled_from(joined(pair))
    ),
    max_leaves=8,
)


@given(compositions, st.sets(st.sampled_from(list(AT))))
def test_what_is_composed_is_evaluated_as_what_is_read(both: Both, free: set[str]) -> None:
    composed, read = both[0], parse(both[1])
    assert composed.variables == read.variables
    assert composed.is_affine_in(free) is read.is_affine_in(free)
    np.testing.assert_equal(composed.gradient(AT), read.gradient(AT))  # NaN equals NaN here
    np.testing.assert_equal(composed.hessian(AT), read.hessian(AT))


def test_a_variable_with_a_constant_factor_is_affine() -> None:
    a, b = variable("a"), variable("b")
    assert (2.0 * a - b / 3.0 + 1.0).is_affine_in({"a", "b"})
    assert (2.0 * (a**1.0)).is_affine_in({"a"})
    assert not (2.0 * a * b).is_affine_in({"a", "b"})
