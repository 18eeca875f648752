"""What can be known of each variable, and what range is left to those that cannot?

A measured variable is redundant if a balance free of unmeasured ones holds it, else nonredundant; an unmeasured one
is observable if the balances determine it, else unobservable (Mah 1990; Cencic 2016).
An unobservable variable has no value, but balances and bounds may leave it an interval.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.csgraph import connected_components

from magnetflow.arrays import Indices, Mask, Matrix, Texts, Vector
from magnetflow.inference.problem import Problem
from magnetflow.inference.solver.elimination import RANK_TOLERANCE
from magnetflow.inference.solver.leastsquares import Fit, Linear
from magnetflow.inference.solver.matrices import largest_in_rows, row_numbers, scaled, typical, without_cancelled

REDUNDANT, NONREDUNDANT = "redundant", "nonredundant"
OBSERVABLE, UNOBSERVABLE, CONSTANT = "observable", "unobservable", "constant"
DRAWS = 3  # random directions along which an unobservable variable would move
PASSES = 1000
LARGEST_PROGRAM = 200  # variables of a system with loops whose ranges are found by linear programs
SHORT_LOOP = 50  # variables of a loop that is looked at as a whole
PROBE = 20  # any seed does: a direction that happens to leave a variable in place has probability zero


def classify(problem: Problem, linear: Linear, plain: Fit) -> Texts:
    """Return the class of each variable (variables) from the balances alone; `plain` is the fit without bounds."""
    classes = np.full(len(problem.names), CONSTANT, dtype="<U12")
    balances = plain.reduced
    if problem.covariance.nnz:  # then the reduced balances hold ways to err, not single measurements
        balances = without_cancelled(RANK_TOLERANCE, plain.combinations, linear.matrix[:, problem.measured])
    redundant = np.zeros(int(problem.measured.sum()), dtype=bool)
    redundant[balances.indices] = True
    classes[problem.measured] = np.where(redundant, REDUNDANT, NONREDUNDANT)
    classes[problem.unmeasured] = np.where(undetermined(plain), UNOBSERVABLE, OBSERVABLE)
    return classes


def undetermined(plain: Fit) -> Mask:
    """Return which variables (unmeasured) the balances leave free, by moving undetermined ones at random."""
    determined, pivots, free = plain.determined, plain.determined.pivots, plain.determined.free
    moves = np.zeros(len(determined.scale), dtype=bool)
    moves[free] = True
    if len(free) and len(pivots):
        shifts = np.random.default_rng(PROBE).uniform(1.0, 2.0, (len(free), DRAWS))
        followed = np.abs(determined.solve(determined.free_part @ shifts)).max(axis=1)
        moves[pivots] = followed > RANK_TOLERANCE * followed.max(initial=1.0)
    return moves


def intervals(problem: Problem, linear: Linear, x: Vector, classes: Texts) -> tuple[Vector, Vector, Mask]:
    """Return the range that balances and bounds leave each unobservable variable, the others being at `x`.

    The lower and upper ends are (variables), NaN elsewhere, and so is the mask of those that may be narrower.
    """
    unknown = classes == UNOBSERVABLE
    lower, upper = np.full(len(x), np.nan), np.full(len(x), np.nan)
    loose = np.zeros(len(x), dtype=bool)
    if not unknown.any() or not problem.is_bounded:  # without bounds a variable that can move can move without end
        lower[unknown], upper[unknown] = -np.inf, np.inf
        return lower, upper, loose
    names = {problem.names[place] for place in np.flatnonzero(unknown)}
    bent = [not relation.is_affine_in(names) for relation in problem.relations]
    usable = np.concatenate([np.ones(problem.matrix.shape[0], dtype=bool), ~np.array(bent, dtype=bool)])
    rows = linear.matrix[:, unknown]
    rows.eliminate_zeros()  # a relation that does not change with a variable here says nothing of its range
    right = linear.level - linear.matrix[:, ~unknown] @ x[~unknown]
    touched = usable & (np.diff(rows.indptr) > 0)
    # A balance that is left out, because it bends in the unknown ones, could only narrow their ranges.
    if not usable.all():
        loose[np.flatnonzero(unknown)[np.unique(rows[~usable].indices)]] = True
    lower[unknown], upper[unknown], enclosed = _ranges(
        rows[touched], right[touched], problem.lower[unknown], problem.upper[unknown]
    )
    loose[unknown] |= enclosed
    return lower, upper, loose


def _ranges(rows: sparse.csr_array, right: Vector, low: Vector, high: Vector) -> tuple[Vector, Vector, Mask]:
    """Return the range of each u (unknown) in rows · u = right, and where only an enclosure of it was found."""
    low, high = _propagate(rows, right, low.copy(), high.copy())
    enclosed = np.zeros(len(low), dtype=bool)
    for members, balances in _looped_parts(rows):
        if len(members) > LARGEST_PROGRAM:
            enclosed[members] = True
            continue
        within = rows[balances][:, members]
        limits = np.column_stack([low[members], high[members]])
        if len(members) <= SHORT_LOOP:
            line = _along_a_line(within.toarray(), right[balances], limits)
            if line is not None:
                low[members], high[members] = np.maximum(low[members], line[0]), np.minimum(high[members], line[1])
                continue
        for at, place in enumerate(members):
            ends = [_extreme(within, right[balances], limits, at, sign) for sign in (1.0, -1.0)]
            low[place], high[place] = max(low[place], ends[0]), min(high[place], ends[1])
    swapped = low > high  # by rounding, where a range is a point
    low[swapped] = high[swapped] = 0.5 * (low[swapped] + high[swapped])
    return low, high, enclosed


def _propagate(rows: sparse.csr_array, right: Vector, low: Vector, high: Vector) -> tuple[Vector, Vector]:
    """Narrow ranges balance by balance until nothing moves; without loops in the balances the result is exact."""
    row, column, factor = row_numbers(rows), rows.indices, rows.data
    for _ in range(PASSES):
        before = low.copy(), high.copy()
        ends = np.sort(np.stack([factor * low[column], factor * high[column]]), axis=0)
        rest_low, rest_high = _rest(ends[0], row, rows.shape[0]), _rest(ends[1], row, rows.shape[0])
        found = np.sort(np.stack([(right[row] - rest_high) / factor, (right[row] - rest_low) / factor]), axis=0)
        np.maximum.at(low, column, found[0])
        np.minimum.at(high, column, found[1])
        least = 1e-12 * np.abs(right).max(initial=1.0)
        if not ((low > before[0] + least).any() or (high < before[1] - least).any()):
            break
    return low, high


def _rest(ends: Vector, row: Indices, rows: int) -> Vector:
    """Return, for each entry, the sum of the other ends in its row."""
    infinite = np.isinf(ends)
    sums = np.bincount(row, weights=np.where(infinite, 0.0, ends), minlength=rows)
    boundless = np.bincount(row, weights=infinite, minlength=rows)
    others_boundless = boundless[row] - infinite > 0
    sign = np.sign(ends[infinite][0]) if infinite.any() else 1.0
    return np.where(others_boundless, sign * np.inf, sums[row] - np.where(infinite, 0.0, ends))


def _looped_parts(rows: sparse.csr_array) -> Iterable[tuple[Indices, Indices]]:
    """Yield variables and balances of each connected part in which balances form a loop."""
    balances, nodes = rows.shape[0], sum(rows.shape)
    row = row_numbers(rows)
    graph = sparse.coo_array((np.ones(len(row)), (row, balances + rows.indices)), shape=(nodes, nodes))
    count, part = connected_components(graph, directed=False)
    edges = np.bincount(part[row], minlength=count)
    for looped in np.flatnonzero(edges > np.bincount(part, minlength=count) - 1):
        yield np.flatnonzero(part[balances:] == looped), np.flatnonzero(part[:balances] == looped)


def _along_a_line(rows: Matrix, right: Vector, limits: Matrix) -> tuple[Vector, Vector] | None:
    """Return the least and largest values of variables that can move in one way only; None if they can in several."""
    size = np.abs(rows).max(axis=1)
    left, lengths, turned = np.linalg.svd(rows / size[:, None])
    full = int((lengths > RANK_TOLERANCE * lengths[0]).sum())
    if rows.shape[1] - full != 1:
        return None
    point = turned[:full].T @ ((left[:, :full].T @ (right / size)) / lengths[:full])
    way = np.where(np.abs(turned[-1]) > RANK_TOLERANCE, turned[-1], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.sort((limits - point[:, None])[way != 0] / way[way != 0, None], axis=1)
        ends = np.sort(point + np.outer([steps[:, 0].max(), steps[:, 1].min()], way), axis=0)
    ends[:, way == 0] = point[way == 0]
    return ends[0], ends[1]


def _extreme(rows: sparse.csr_array, right: Vector, limits: Matrix, at: int, sign: float) -> float:
    """Return the least (sign 1) or largest (sign −1) value of one variable."""
    from scipy.optimize import linprog  # slow to import, and only systems with loops need it

    cost = np.zeros(rows.shape[1])
    cost[at] = sign
    unit = typical(np.concatenate([right, limits.ravel()])) or 1.0
    even = 1.0 / largest_in_rows(rows)
    found = linprog(cost, A_eq=scaled(rows, even), b_eq=even * right / unit, bounds=limits / unit, method="highs")
    # Unbounded, or at odds with the others by rounding: the range found so far stands.
    return unit * float(found.x[at]) if found.status == 0 else -sign * np.inf
