"""Values and sds where magnitudes lie far apart, entries of an inverse, and points where a system loses its hold."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import network

from magnetflow.inference.parser import parse
from magnetflow.inference.problem import Problem, state
from magnetflow.inference.reconcile import Reconciliation, reconcile
from magnetflow.inference.solver import selected
from magnetflow.inference.solver.bounded import fit_at_bounds
from magnetflow.inference.solver.covariance import standard_deviations
from magnetflow.inference.solver.elimination import eliminate
from magnetflow.inference.solver.factors import nearest

NAN = float("nan")
SHARES = ["in", "a", "b", "c", "ka", "kb", "kc"]
OUTPUTS = {"P": {"in": 1.0, "a": -1.0, "b": -1.0, "c": -1.0}}
RELATIONS = {f"share of {flow}": parse(f"{flow} - k{flow} * in") for flow in "abc"}


def exactly(rows: list[list[Fraction]], right: list[list[Fraction]]) -> list[list[Fraction]] | None:
    """Solve a system in rational numbers by elimination; None if it is singular."""
    count = len(rows)
    table = [[*row, *more] for row, more in zip(rows, right, strict=True)]
    for column in range(count):
        pivot = next((row for row in range(column, count) if table[row][column]), None)
        if pivot is None:
            return None
        table[column], table[pivot] = table[pivot], table[column]
        table[column] = [entry / table[column][column] for entry in table[column]]
        for row in range(count):
            factor = table[row][column]
            if row != column and factor:
                table[row] = [entry - factor * other for entry, other in zip(table[row], table[column], strict=True)]
    return [row[count:] for row in table]


def by_fractions(problem: Problem) -> tuple[np.ndarray, np.ndarray] | None:
    """Values and sds from the conditions of the minimum without any rounding; None where not all is determined."""
    matrix = problem.matrix.toarray()
    balances, count = matrix.shape
    rows = [[Fraction(0)] * (count + balances) for _ in range(count + balances)]
    right = [[Fraction(0)] * (count + 1) for _ in range(count + balances)]
    for place in np.flatnonzero(problem.measured).tolist():
        rows[place][place] = 1 / Fraction(float(problem.sd[place])) ** 2
        right[place][0] = Fraction(float(problem.value[place])) * rows[place][place]
    for place in range(count):
        right[place][1 + place] = Fraction(1)
        for balance in range(balances):
            entry = Fraction(float(matrix[balance, place]))
            rows[place][count + balance] = rows[count + balance][place] = entry
    solution = exactly(rows, right)
    if solution is None:
        return None
    variances = [float(solution[place][1 + place]) for place in range(count)]
    return np.array([float(solution[place][0]) for place in range(count)]), np.sqrt(variances)


def far_apart(flows: int, seed: int, decades: float) -> Problem:
    """A random system whose flows, measured as if they had nothing to do with each other, are decades apart."""
    random = np.random.default_rng(seed)
    matrix = np.zeros((int(random.integers(2, max(3, flows // 2) + 1)), flows))
    for flow in range(flows):
        source, target = random.choice(len(matrix) + 1, 2, replace=False)
        for process, sign in ((source, -1.0), (target, 1.0)):
            if process < len(matrix):
                matrix[process, flow] = sign
    size = 10.0 ** random.uniform(-decades, decades, flows)
    sd = size * random.uniform(0.05, 0.3, flows)
    status = np.where(random.random(flows) < 0.7, "measured", "unmeasured")
    balances = ([f"P{row}" for row in range(len(matrix))], sparse.csr_array(matrix))
    return state([f"F{flow}" for flow in range(flows)], status, size, sd, balances=balances)


@given(st.integers(4, 12), st.integers(0, 100_000), st.sampled_from([1.0, 3.0, 6.0]))
@settings(max_examples=120, deadline=None)
def test_values_and_sds_far_apart_are_those_of_rational_numbers(flows: int, seed: int, decades: float) -> None:
    problem = far_apart(flows, seed, decades)
    exact = by_fractions(problem)
    if exact is None:
        return
    result = reconcile(problem)
    value, sd = exact
    zero = (value == 0) & (sd == 0)
    lost = " ".join(message for message in result.messages if message.startswith("lost in rounding"))
    for place in np.flatnonzero(~zero):
        assert result.sd[place] == pytest.approx(sd[place], rel=1e-6)
        size = max(abs(value[place]), sd[place])
        assert f"F{place}" in lost or result.value[place] == pytest.approx(value[place], abs=1e-6 * size)
    assert np.abs(result.value[zero]).max(initial=0.0) <= 1e-12 * np.nanmax(problem.value)


def beside_bulk(small: float) -> Reconciliation:
    names, kinds = ["in", "main", "a", "b"], ["measured", "measured", "unmeasured", "measured"]
    balances = {"P": {"in": 1.0, "main": -1.0, "a": -1.0}, "Q": {"a": 1.0, "b": -1.0}}
    return reconcile(
        state(names, kinds, [1e9, 9.5e8, NAN, small], [5e7, 5e7, NAN, small / 10], balances=balances, lower=[0.0] * 4)
    )


@pytest.mark.parametrize("small", [1e-6, 1e-9])
def test_a_trace_beside_bulk_keeps_its_value_and_sd(small: float) -> None:
    result = beside_bulk(small)
    assert result.value == pytest.approx([9.75e8, 9.75e8, small, small], rel=1e-9)
    assert result.sd == pytest.approx([5e7 / 2**0.5, 5e7 / 2**0.5, small / 10, small / 10], rel=1e-9)


def test_what_is_known_14_digits_better_from_elsewhere_is_not_certain() -> None:
    # x and c are measured to 5e7, b to 1e-7, and all three are the same.
    balances = {"P": {"x": 1.0, "b": -1.0}, "Q": {"c": 1.0, "x": -1.0}}
    result = reconcile(state(list("xbc"), ["measured"] * 3, [1e9, 1e-6, 1e9], [5e7, 1e-7, 5e7], balances=balances))
    assert result.value == pytest.approx([1e-6] * 3, rel=1e-6)
    assert result.sd == pytest.approx([1e-7] * 3, rel=1e-6)


def test_a_difference_of_constants_that_is_but_rounding_is_taken_as_zero_and_named() -> None:
    kinds = ["constant", "constant", "unmeasured"]
    balances = {"P": {"in": 1.0, "main": -1.0, "a": -1.0}}
    result = reconcile(state(["in", "main", "a"], kinds, [1e9, 1e9 - 3e-7, NAN], [NAN] * 3, balances=balances))
    assert result.value[2] == 0
    assert any(message.startswith("taken as zero: a,") for message in result.messages)
    result = reconcile(state(["in", "main", "a"], kinds, [1e9, 1e9 - 3e-4, NAN], [NAN] * 3, balances=balances))
    assert any(message.startswith("lost in rounding: a,") for message in result.messages)
    result = reconcile(state(["in", "main", "a"], kinds, [1e9, 9e8, NAN], [NAN] * 3, balances=balances))
    assert not any(message.startswith(("lost in rounding", "taken as zero")) for message in result.messages)


@given(st.integers(3, 300), st.integers(0, 10_000), st.sampled_from([2, 64]), st.sampled_from([0, 400]))
@settings(max_examples=40, deadline=None)
def test_a_selected_inverse_has_the_entries_of_the_whole(rows: int, seed: int, longest: int, few: int) -> None:
    random = np.random.default_rng(seed)
    density = min(1.0, random.uniform(0.5, 4.0) / rows)
    g = sparse.csr_array(
        sparse.random_array((rows, rows + 20), density=density, rng=random) + sparse.eye_array(rows, rows + 20)
    )
    along = sparse.csr_array(sparse.random_array((40, rows), density=min(1.0, 4 / rows), rng=random))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selected, "LONGEST", longest)
        patch.setattr(selected, "FEW", few)
        forms = selected.selected_forms(g, selected.factorise((g @ g.T).tocsc()), along)
    whole = np.linalg.inv((g @ g.T).toarray())
    exact = np.einsum("ij,jk,ik->i", along.toarray(), whole, along.toarray())
    assert forms == pytest.approx(exact, rel=1e-8, abs=1e-12)


def test_a_dense_block_that_is_too_large_is_declined(monkeypatch: pytest.MonkeyPatch) -> None:
    g = sparse.csr_array(np.random.default_rng(0).normal(size=(30, 40)))
    monkeypatch.setattr(selected, "LONGEST", 5)
    monkeypatch.setattr(selected, "FEW", 0)
    factors = selected.factorise((g @ g.T).tocsc())
    assert selected.selected_forms(g, factors, sparse.csr_array(np.eye(30))) is not None
    monkeypatch.setattr(selected, "LARGEST_BLOCK", 5)
    assert selected.selected_forms(g, factors, sparse.csr_array(np.eye(30))) is None


@given(st.integers(0, 10_000), st.integers(1, 6), st.sampled_from([(30, 15, 0.08), (70, 55, 0.02), (70, 55, 0.3)]))
@settings(max_examples=20, deadline=None)
def test_elimination_with_balances_added_is_that_of_all_at_once(
    seed: int, added: int, size: tuple[int, int, float]
) -> None:
    random, (rows, width, density) = np.random.default_rng(seed), size
    # Two parts that have nothing to do with each other.
    parts = [sparse.random_array((rows, width), density=density, rng=random) for _ in range(2)]
    columns = sparse.csr_array(sparse.block_diag(parts))
    more = sparse.csr_array(np.eye(2 * width)[random.choice(2 * width, added, replace=False)])
    step, whole = eliminate(columns).with_balances(more), eliminate(sparse.csr_array(sparse.vstack([columns, more])))
    both = sparse.vstack([columns, more]).toarray()
    assert np.abs(step.remaining @ both).max(initial=0.0) < 1e-9
    assert step.determining @ both == pytest.approx(step.echelon.toarray(), abs=1e-9)
    assert np.abs(np.tril(step.echelon.toarray()[:, step.pivots], -1)).max(initial=0.0) == 0
    assert len(step.pivots) == len(whole.pivots) == np.linalg.matrix_rank(both)
    assert len(step.pivots) + len(step.owners) == len(both)


def test_a_row_that_depends_on_others_is_found_among_many() -> None:
    # 400 loops of three, so that nothing is peeled; of each three rows the last repeats the others.
    block = sparse.csr_array(np.array([[1.0, -1.0, 0.0], [0.0, 1.0, -1.0], [-1.0, 0.0, 1.0]]) / 2**0.5)
    rows = sparse.csr_array(sparse.block_diag([block] * 400))
    independent, factor, _, _ = nearest(rows, np.zeros(1200))
    assert len(independent) == 800
    assert type(factor).__name__ == "SparseFactor"


def test_all_sds_of_a_large_network_are_those_of_a_solution_for_each() -> None:
    drawn = network(3000, seed=8)
    names, kinds = [f"F{flow}" for flow in range(3000)], np.where(drawn.measured, "measured", "unmeasured")
    balances = ([f"P{row}" for row in range(drawn.balances.shape[0])], drawn.balances)
    problem = state(names, kinds, drawn.value, drawn.sd, balances=balances, lower=np.zeros(3000))
    result = reconcile(problem)
    known = np.flatnonzero(~np.isnan(result.value))
    assert not np.isnan(result.sd[known]).any()
    some = [names[place] for place in known[::30]]
    one_by_one = np.sqrt(np.diag(result.covariance_of(some)))
    assert one_by_one == pytest.approx(result.sd[known[::30]], rel=1e-6, abs=1e-9 * drawn.sd.max())


def shared(inflow: float, coefficients: list[float], sd: list[float], **more: Any) -> Reconciliation:
    kinds = ["measured"] + ["unmeasured"] * 3 + ["measured"] * 3
    values, sds = [inflow, NAN, NAN, NAN, *coefficients], [5.0, NAN, NAN, NAN, *sd]
    return reconcile(state(SHARES, kinds, values, sds, balances=OUTPUTS, relations=RELATIONS, **more))


@pytest.mark.parametrize("lower", [None, [0.0] * 7])
def test_an_inflow_of_zero_with_shares_over_one_is_named_and_has_no_sd(lower: list[float] | None) -> None:
    result = shared(0.0, [0.5, 0.3, 0.25], [0.05] * 3, lower=lower)
    assert np.isnan(result.sd[:4]).all()
    assert result.sd[4:] == pytest.approx([0.05] * 3)
    assert any(message.startswith("degenerate: no sd for in, a, b, c;") for message in result.messages)
    # Where they add up to one, the inflow keeps its sd and nothing is degenerate.
    regular = shared(0.0, [0.5, 0.3, 0.2], [0.05] * 3)
    assert regular.sd[:4] == pytest.approx([5.0, 2.5, 1.5, 1.0])
    assert not any(message.startswith("degenerate") for message in regular.messages)


def test_exact_shares_that_do_not_add_up_are_named_and_have_no_sd() -> None:
    kinds = ["measured"] + ["unmeasured"] * 3 + ["constant"] * 3
    values, sds = [100.0, NAN, NAN, NAN, 0.333, 0.333, 0.333], [5.0] + [NAN] * 6
    result = reconcile(state(SHARES, kinds, values, sds, balances=OUTPUTS, relations=RELATIONS))
    assert np.isnan(result.sd[:4]).all()
    assert any(message.startswith("degenerate: measurements of in lie") for message in result.messages)


def test_wide_products_are_called_rough_and_drawn() -> None:
    names, kinds = ["mass", "content", "substance"], ["measured", "measured", "unmeasured"]
    relations = {"content": parse("substance - mass * content")}

    def product(sd: float) -> Reconciliation:
        return reconcile(state(names, kinds, [10.0, 2.0, NAN], [1.0, sd, NAN], relations=relations))

    [note] = [message for message in product(0.8).messages if message.startswith("rough sds")]
    assert "of content" in note
    # First order: 100 · 0.64 + 4 · 1 = 68, ± 8.246; to second order 0.64 more, ± 8.285.
    assert "substance 20 ± 8.28 instead of 20 ± 8.25" in note or "substance 20 ± 8.29 instead of 20 ± 8.25" in note
    assert not any(message.startswith("rough sds") for message in product(0.1).messages)


@pytest.mark.parametrize("unit", [1.0, 1e3, 1e9, 1e12])
def test_a_loss_measured_in_small_units_counts_as_if_in_large_ones(unit: float) -> None:
    # 100 ± 1 less 40 ± 1 is 60 ± √2, beside 66 ± 3 in the small unit: 60 + 6 · 2 / 11, and 6² / 11 is left over.
    kinds = ["measured", "measured", "unmeasured", "measured"]
    balances = {"mass": {"in": 1.0, "out": -1.0, "loss": -1.0}, "conversion": {"loss": unit, "trace": -1.0}}
    stated = state(
        ["in", "out", "loss", "trace"],
        kinds,
        [100.0, 40.0, NAN, 66 * unit],
        [1.0, 1.0, NAN, 3 * unit],
        balances=balances,
    )
    result = reconcile(stated)
    assert result.value[2:] == pytest.approx([60 + 12 / 11, (60 + 12 / 11) * unit], rel=1e-9)
    assert result.sd[2:] == pytest.approx([(18 / 11) ** 0.5, (18 / 11) ** 0.5 * unit], rel=1e-9)
    assert result.test.objective == pytest.approx(36 / 11, rel=1e-9)


@pytest.mark.parametrize("decades", [6, 9, 12])
def test_a_balance_times_a_large_number_is_the_same_balance(decades: int) -> None:
    kinds, balances = (
        ["measured"] * 3 + ["unmeasured"],
        {"two": {"b": 1.0, "c": -1.0}, "three": {"c": 1.0, "d": -1.0}},
    )
    large = {"one": {"a": 10.0**decades, "b": -(10.0**decades)}, **balances}
    result = reconcile(state(list("abcd"), kinds, [100.0, 90.0, 80.0, NAN], [1.0] * 3 + [NAN], balances=large))
    assert result.value == pytest.approx([90.0] * 4)
    assert result.sd == pytest.approx([3**-0.5] * 4)


@pytest.mark.parametrize("unit", [1.0, 1e6, 1e12])
def test_an_error_shared_across_units_is_one_error(unit: float) -> None:
    # m has the error of a, 0.5 a unit: it follows a from 100 to 100, and keeps half its sd.
    balances = {"one": {"a": 1.0, "b": -1.0}, "two": {"b": 1.0, "c": -1.0}}
    stated = state(
        list("abcm"), ["measured"] * 4, [100.0, 90.0, 110.0, 5 * unit], [1.0, 1.0, 1.0, 0.5 * unit],
        balances=balances, covariances={("a", "m"): 0.5 * unit},
    )  # fmt: skip
    result = reconcile(stated)
    assert result.value == pytest.approx([100.0, 100.0, 100.0, 5 * unit])
    assert result.sd == pytest.approx([3**-0.5] * 3 + [0.5 * 3**-0.5 * unit])
    assert result.test.degrees_of_freedom == 2


def test_what_constants_make_certain_is_not_degenerate() -> None:
    names, kinds = ["in", "out", "c_in", "c_out"], ["measured", "measured", "constant", "unmeasured"]
    balances, relations = {"mass": {"in": 1.0, "out": -1.0}}, {"substance": parse("in * c_in - out * c_out")}
    passed = reconcile(
        state(names, kinds, [100, 103, 0.2, NAN], [2, 3, NAN, NAN], balances=balances, relations=relations)
    )
    assert (passed.value[3], passed.sd[3]) == pytest.approx((0.2, 0.0))
    kinds = ["measured"] + ["unmeasured"] * 3 + ["constant", "unmeasured", "constant"]
    values, sds = [100.0, NAN, NAN, NAN, 0.7, NAN, 0.1], [5.0] + [NAN] * 6
    rest = reconcile(state(SHARES, kinds, values, sds, balances=OUTPUTS, relations=RELATIONS))
    assert (rest.value[5], rest.sd[5]) == pytest.approx((0.2, 0.0))
    for result in (passed, rest):
        assert not any(message.startswith("degenerate") for message in result.messages)


@pytest.mark.parametrize("shares", [(0.25, 0.75), (0.1, 0.2, 0.7), (1 / 3, 1 / 3, 1 / 3)])
def test_a_rest_that_exact_shares_leave_nothing_of_is_zero(shares: tuple[float, ...]) -> None:
    names = ["in", *(f"o{at}" for at in range(len(shares))), "rest"]
    values = [134.446806, *(138.0 * share for share in shares), NAN]
    balances = {"mass": {name: -1.0 for name in names[1:]} | {"in": 1.0}}
    balances |= {f"share {at}": {"in": share, f"o{at}": -1.0} for at, share in enumerate(shares)}
    kinds = ["measured"] * (len(shares) + 1) + ["unmeasured"]
    result = reconcile(state(names, kinds, values, [4.0, *[6.0] * len(shares), NAN], balances=balances))
    assert (result.value[-1], result.sd[-1]) == (0.0, 0.0)
    assert not any(message.startswith("lost in rounding") for message in result.messages)


def test_where_entries_of_the_inverse_cancel_each_variable_is_solved_for() -> None:
    """Two rows that are nearly the same make entries of about 1e10, of which their difference leaves 1e-10."""
    near = 1e-5
    g = sparse.csr_array(np.array([[1.0, 0.0, 0.0], [(1 - near**2) ** 0.5, near, 0.0]]))
    along = sparse.csr_array(np.array([[1.0, 0.0], [1.0, -1.0]]) @ (g @ g.T).toarray())
    found = selected.selected_forms(g, selected.factorise((g @ g.T).tocsc()), along)
    assert found is not None
    assert np.isnan(found).any()


@pytest.mark.parametrize("factor", [1e-3, 1e-6])
def test_a_flow_that_vanishes_between_unlike_contents_ends_no_start_in_a_traceback(factor: float) -> None:
    # What enters with one content and leaves with another can only be nothing; on the way there numbers run out.
    kinds = ["unmeasured", "unmeasured", "measured", "measured"]
    values, sds = [NAN, NAN, 0.267671 * factor, 0.263362 * factor], [NAN, NAN, 0.00388 * factor, 0.0109 * factor]
    balances, relations = {"G": {"in": 1.0, "out": -1.0}}, {"S": parse("in * a - out * b")}
    with np.errstate(all="ignore"):
        result = reconcile(state(["in", "out", "a", "b"], kinds, values, sds, balances=balances, relations=relations))
    assert result.value[2:] == pytest.approx(values[2:])
    assert result.value[:2] == pytest.approx([0.0, 0.0], abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_bounds_that_only_place_what_is_free_are_let_go_without_another_fit(seed: int) -> None:
    drawn = network(400, seed=seed)
    names, kinds = [f"F{flow}" for flow in range(400)], np.where(drawn.measured, "measured", "unmeasured")
    balances = ([f"P{row}" for row in range(drawn.balances.shape[0])], drawn.balances)
    problem = state(names, kinds, drawn.value, drawn.sd, balances=balances, lower=np.zeros(400))
    result = reconcile(problem)
    bounded = result.optimum.bounded
    again = fit_at_bounds(problem, bounded.plain, bounded.active, result.optimum.x)
    assert result.optimum.x == pytest.approx(again.x, rel=1e-9, abs=1e-9)
    assert len(bounded.fit.multipliers) == len(again.multipliers) == drawn.balances.shape[0] + len(bounded.active)
    assert result.test.degrees_of_freedom == len(again.independent)
    known = np.flatnonzero(result.sd > 0)
    assert result.sd[known] == pytest.approx(standard_deviations(problem, again, known, 400), rel=1e-6)
    assert {name for test in result.nodal_tests for name in test.balances} <= {
        *balances[0],
        *(f"the bound of {name}" for name in result.active_bounds),
    }
