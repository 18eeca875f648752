"""Which values meet the balances and the bounds, and lie nearest to what was measured?

Without an active bound that is the plain nearest point.
Otherwise the bounds that it violates are taken as equalities; then one that pulls the wrong way is let go, one newly
violated is added, until none is left of either (primal-dual active sets; Hintermüller, Ito and Kunisch 2002).
Where that does not settle soon, an interior-point solver (clarabel) tells from which bounds to begin.

Where no values meet balances and bounds, a linear program finds the least total imbalance that the bounds allow.
Its dual values are a certificate: the balances and bounds with a dual value that is not zero contradict each other,
whatever the others say (Farkas 1902; for its use on infeasible models Gleeson and Ryan 1990).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import clarabel
import numpy as np
import scipy.sparse as sparse

from magnetflow.arrays import Indices, Mask, Vector
from magnetflow.errors import ConflictError, ConvergenceError
from magnetflow.inference.classes import undetermined
from magnetflow.inference.problem import Problem, conflict_error
from magnetflow.inference.solver.leastsquares import Fit, Linear, fit, fit_system
from magnetflow.inference.solver.matrices import columns_of, largest_in_rows, scaled, typical

FEASIBLE = 1e-9  # a bound is kept to this part of the variable's scale
PULL = 1e-7  # a multiplier this small against the adjustments has no sign
SOON = 12  # rounds that the bounds are given to settle from those of the plain point
FEWER, FEW = 0.75, 20  # part of the bounds amended the round before that there may be, unless they are few
ROUNDS = 60
NEAR = 1e-8  # relative difference from the solver's sum of squares of a point that may stand
IMBALANCE = 1e-7  # scaled; below it the balances and bounds hold together
SOLVED = ("Solved", "AlmostSolved")


@dataclass(frozen=True)
class Bounded:
    """The fit within the bounds, the fit as if there were none, and the bounds that hold the first.

    `active` maps the position of a variable to the bound that holds it.
    """

    fit: Fit
    plain: Fit
    active: dict[int, float]


def bounded_fit(
    problem: Problem, linear: Linear, reference: Vector, likely: Mapping[int, float] | None = None
) -> Bounded:
    """Return the nearest point within the bounds; `reference` as in `fit`.

    `likely` are the active bounds of a solution nearby: if they are those of this one too, it is found at once.
    Raises ConflictError when no values meet balances and bounds, ConvergenceError when the bounds cannot be settled.
    """
    plain = fit(problem, linear, reference)
    violated = _violated(problem, plain)
    if not violated.any():
        return Bounded(plain, plain, {})
    if likely:
        try:
            fitted = fit_at_bounds(problem, plain, likely, reference)
            if not _violated(problem, fitted).any() and not _pulling_wrong(problem, fitted, linear, likely):
                return Bounded(fitted, plain, dict(likely))
        except ConflictError:
            pass
    settled = None
    if not problem.relations:
        settled = _settle(problem, plain, _amended(problem, plain, {}, violated, set(), False), reference, None, SOON)
    if settled is None:
        inside, active, objective = _interior_point(problem, linear, plain)
        settled = _settle(problem, plain, active, inside, objective, ROUNDS)
    if settled is None:
        raise ConvergenceError("the bounds that hold the solution could not be settled; loosen or remove some")
    return _without_idle(problem, settled)


def _settle(
    problem: Problem, plain: Fit, active: dict[int, float], reference: Vector, objective: float | None, rounds: int
) -> Bounded | None:
    """Amend the active bounds until they hold the solution; None if they do not within so many rounds.

    `objective` is the sum of squares to expect, infinite where none was found; without one, patience is short.
    """
    linear = plain.system.linear
    near: tuple[float, Fit, dict[int, float]] | None = None
    tried: set[frozenset[tuple[int, float]]] = set()
    amended = len(active) / FEWER
    for _ in range(rounds):
        one_by_one = frozenset(active.items()) in tried
        tried.add(frozenset(active.items()))
        try:
            fitted = fit_at_bounds(problem, plain, active, reference)
        except ConflictError:  # too many bounds at once: begin again with none
            if not active:
                break
            active = {}
            continue
        violated = _violated(problem, fitted)
        wrong = _pulling_wrong(problem, fitted, linear, active)
        if not violated.any() and not wrong:
            return Bounded(fitted, plain, active)
        before, amended = amended, int(violated.sum()) + len(wrong)
        if objective is None and amended > max(FEWER * before, FEW):
            return None
        miss = abs(float(fitted.z @ fitted.z) - (objective or 0.0))
        if not violated.any() and (near is None or miss < near[0]):
            near = (miss, fitted, active)
        active = _amended(problem, fitted, active, violated, wrong, one_by_one)
    # Several sets of bounds may describe one point where these depend on one another: then the point itself decides.
    if near is None or objective is None or not np.isfinite(objective) or near[0] > NEAR * (1.0 + objective):
        return None
    return Bounded(near[1], plain, near[2])


def _without_idle(problem: Problem, settled: Bounded) -> Bounded:
    """Let go of the bounds that only keep in place what the balances leave free."""
    fitted, plain = settled.fit, settled.plain
    free = np.zeros(len(problem.names), dtype=bool)
    free[np.flatnonzero(problem.unmeasured)[undetermined(plain)]] = True
    places = np.array(list(settled.active), dtype=np.intp)
    pulls, limit = _pulls(problem, fitted, plain.system.linear, places)
    idle = set(places[free[places] & (np.abs(pulls) <= limit)].tolist())
    if not idle:
        return settled
    active = {place: bound for place, bound in settled.active.items() if place not in idle}
    kept = np.ones(len(fitted.multipliers), dtype=bool)
    kept[-len(settled.active) :] = [place in active for place in settled.active]
    if kept[fitted.combinations.indices].all():  # they have no part in what determines the measured values
        combinations = columns_of(fitted.combinations, kept)
        fitted = replace(fitted, combinations=combinations, multipliers=fitted.multipliers[kept])
        return Bounded(fitted, plain, active)
    released = fit_at_bounds(problem, plain, active, fitted.x)
    return settled if _violated(problem, released).any() else Bounded(released, plain, active)


def _amended(
    problem: Problem, fitted: Fit, active: Mapping[int, float], violated: Mask, wrong: set[int], one_by_one: bool
) -> dict[int, float]:
    """Return the active bounds without those that pull the wrong way and with those that are violated."""
    nearest_bound = np.where(fitted.x < problem.lower, problem.lower, problem.upper)
    added = {place: float(nearest_bound[place]) for place in np.flatnonzero(violated).tolist()}
    if one_by_one and added:
        scales = _scales(problem, fitted)
        worst = max(added, key=lambda place: abs(fitted.x[place] - added[place]) / scales[place])
        return {**active, worst: added[worst]}
    if one_by_one:
        return {place: bound for place, bound in active.items() if place != min(wrong)}
    return {place: bound for place, bound in active.items() if place not in wrong} | added


def fit_at_bounds(problem: Problem, plain: Fit, active: Mapping[int, float], reference: Vector) -> Fit:
    """Fit with the active bounds as further balances."""
    if not active:
        return fit_system(problem, plain.system, reference)
    places, bounds = np.array(list(active)), np.array(list(active.values()))
    fitted = fit_system(problem, plain.system.at_bounds(problem, places, bounds), reference)
    fitted.x[places] = bounds
    return fitted


def _scales(problem: Problem, fitted: Fit) -> Vector:
    """Return what counts as one unit of each variable: its sd, or for an unmeasured one its part in the balances."""
    scales = np.where(problem.measured, problem.sd, 1.0)
    scales[problem.unmeasured] = fitted.determined.scale
    return scales


def _violated(problem: Problem, fitted: Fit) -> Mask:
    room = FEASIBLE * (_scales(problem, fitted) + np.abs(fitted.x))
    beyond = (fitted.x < problem.lower - room) | (fitted.x > problem.upper + room)
    return np.asarray(beyond & ~problem.constant)


def _pulls(problem: Problem, fitted: Fit, linear: Linear, places: Indices) -> tuple[Vector, float]:
    """Return how hard the active bounds at `places` pull, upwards if positive, and what is too little to count."""
    limit = PULL * (1.0 + float(np.abs(fitted.z).max(initial=0.0)))
    return fitted.multipliers[linear.matrix.shape[0] :] * _scales(problem, fitted)[places], limit


def _pulling_wrong(problem: Problem, fitted: Fit, linear: Linear, active: Mapping[int, float]) -> set[int]:
    """Return the active bounds without which the fit would improve."""
    places, bounds = np.array(list(active), dtype=np.intp), np.array(list(active.values()))
    pulls, limit = _pulls(problem, fitted, linear, places)
    low, high = problem.lower[places], problem.upper[places]
    wrong = (low < high) & ((pulls < -limit) & (bounds == low) | (pulls > limit) & (bounds == high))
    return set(places[wrong].tolist())


def _interior_point(problem: Problem, linear: Linear, plain: Fit) -> tuple[Vector, dict[int, float], float]:
    """Return the solver's values, the bounds that hold them, and their sum of squares, infinite if it found none.

    Raises ConflictError when there are no such values.
    """
    measured, unmeasured = np.flatnonzero(problem.measured), np.flatnonzero(problem.unmeasured)
    scale = plain.determined.scale
    known = problem.measured | problem.constant
    right = linear.level - linear.matrix[:, known] @ problem.value[known]
    errors_and_units = sparse.block_diag([problem.root, sparse.diags_array(scale)]).tocsr()
    places = np.concatenate([measured, unmeasured])
    offset = np.concatenate([problem.value[measured], np.zeros(len(unmeasured))])
    unit = np.concatenate([problem.sd[measured], scale])
    balances = linear.matrix[:, places] @ errors_and_units
    largest = largest_in_rows(balances)
    balance_scale = 1.0 / np.where(largest > 0, largest, 1.0)
    values = scaled(errors_and_units, 1.0 / unit)  # in units of each variable, as are its bounds
    lower, upper = (problem.lower[places] - offset) / unit, (problem.upper[places] - offset) / unit
    low, high = np.flatnonzero(np.isfinite(lower)), np.flatnonzero(np.isfinite(upper))
    rows = sparse.vstack([scaled(balances, balance_scale), -values[low], values[high]]).tocsc()
    limits = np.concatenate([balance_scale * right, -lower[low], upper[high]])
    errors = problem.root.shape[1]
    weights = np.concatenate([np.ones(errors), np.zeros(len(unmeasured))])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-10
    cones = [clarabel.ZeroConeT(len(right)), clarabel.NonnegativeConeT(len(low) + len(high))]
    quadratic = sparse.diags_array(weights).tocsc()
    found = clarabel.DefaultSolver(quadratic, np.zeros(len(weights)), rows, limits, cones, settings).solve()
    if str(found.status) not in SOLVED:
        contradiction = _conflict(problem, linear)
        if contradiction:
            raise contradiction
        # Bounds without any room inside them defeat the solver, but not the search for the active ones.
        return np.clip(plain.x, problem.lower, problem.upper), {}, np.inf
    point = np.array(found.x)
    x = np.zeros(len(problem.names))
    x[problem.constant] = problem.value[problem.constant]
    x[places] = offset + errors_and_units @ point
    x = np.clip(x, problem.lower, problem.upper)
    holding = np.array(found.z)[len(right) :] > np.array(found.s)[len(right) :]
    active = {int(place): float(problem.lower[place]) for place in places[low[holding[: len(low)]]]}
    active |= {int(place): float(problem.upper[place]) for place in places[high[holding[len(low) :]]]}
    return x, active, float(point[:errors] @ point[:errors])


def _conflict(problem: Problem, linear: Linear) -> ConflictError | None:
    """Return the error that names the balances and bounds in conflict, or None if none are."""
    from scipy.optimize import linprog  # slow to import, and few problems need it

    free = np.flatnonzero(~problem.constant)
    matrix, of_constant = linear.matrix[:, free], linear.matrix[:, problem.constant]
    largest = largest_in_rows(matrix)
    row_scale = 1.0 / np.where(largest > 0, largest, 1.0)
    right = row_scale * (linear.level - of_constant @ problem.value[problem.constant])
    unit = max(typical(right), typical(problem.lower[free]), typical(problem.upper[free])) or 1.0
    balances, variables = matrix.shape
    slack = sparse.eye_array(balances)
    rows = sparse.hstack([scaled(matrix, row_scale), slack, -slack]).tocsc()
    cost = np.concatenate([np.zeros(variables), np.ones(2 * balances)])
    low = np.concatenate([problem.lower[free] / unit, np.zeros(2 * balances)])
    high = np.concatenate([problem.upper[free] / unit, np.full(2 * balances, np.inf)])
    found = linprog(cost, A_eq=rows, b_eq=right / unit, bounds=np.column_stack([low, high]), method="highs")
    if found.status != 0 or found.fun <= IMBALANCE:
        return None
    used = np.flatnonzero(np.abs(found.eqlin.marginals) > IMBALANCE)
    at_lower = np.abs(found.lower.marginals[:variables]) > IMBALANCE
    at_upper = np.abs(found.upper.marginals[:variables]) > IMBALANCE
    bounds = [f"{problem.names[place]} ≥ {problem.lower[place]:g}" for place in free[at_lower]]
    bounds += [f"{problem.names[place]} ≤ {problem.upper[place]:g}" for place in free[at_upper]]
    return conflict_error(problem, used.tolist(), bounds)
