"""What do balances and bounds make of many draws of the same measurements?

The system is factorised once: without bounds the reconciled values follow the measured ones by one matrix.
Only draws that violate a bound are treated further. Those with the same set of bounds to hold are treated together:
holding variables a at their bounds b moves all others by C[:, a] C[a, a]⁻¹ (b − x[a]), with C the covariance of the
reconciled values, which is the nearest point that also meets these bounds.
A bound that would have to be pulled away from is let go, and a bound newly violated is added, one at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from magnetflow.arrays import Mask, Matrix, Signs, Vector
from magnetflow.errors import ProblemError
from magnetflow.inference.classes import undetermined
from magnetflow.inference.problem import Problem
from magnetflow.inference.solver.bounded import bounded_fit
from magnetflow.inference.solver.leastsquares import fit
from magnetflow.inference.solver.matrices import scaled
from magnetflow.inference.solver.relations import is_linear, linearise
from magnetflow.inference.solver.solve import first_guess

FEASIBLE = 1e-9  # a bound is kept to this part of a variable's sd
ROUNDS = 12  # and two for each variable, after which a draw is solved on its own
SURE = 1e-18  # a variance this small, against the one before reconciliation, is rounding
DEPENDENT = 1e-9  # a smallest eigenvalue, of the correlation of held variables, below which they depend


@dataclass(frozen=True)
class Reduced:
    """A linear system reduced to its measured variables y.

    The balances left among them are `balances` y = `level` (balances, measured); all variables are `offset` +
    `matrix` y (variables, measured), NaN where the balances do not determine them.
    """

    problem: Problem
    balances: Matrix
    level: Vector
    offset: Vector
    matrix: Matrix

    @property
    def covariance(self) -> Matrix:
        """The covariance of the measured variables (measured, measured)."""
        root = self.problem.root
        return np.asarray((root @ root.T).toarray())

    def gain(self, covariance: Matrix) -> Matrix:
        """Return K = V Bᵀ (B V Bᵀ)⁻¹ (measured, balances): how measured variables give way to gaps of balances."""
        along = covariance @ self.balances.T
        return np.asarray(np.linalg.solve(self.balances @ along, along.T).T, dtype=float)


def reduce(problem: Problem) -> Reduced:
    """Reduce a problem with linear balances to its measured variables.

    Raises ProblemError for balances that are not linear, ConflictError when constants and balances contradict.
    """
    if not is_linear(problem):
        raise ProblemError("an ensemble needs linear balances; linearise the others first")
    guess = first_guess(problem)
    linear = linearise(problem, guess)
    fitted = fit(problem, linear, guess)
    of_measured = linear.matrix[:, problem.measured]
    right = linear.level - linear.matrix[:, problem.constant] @ problem.value[problem.constant]
    left = scaled(fitted.combinations, 1.0 / fitted.norms)[fitted.independent]
    offset, matrix = np.zeros(len(problem.names)), np.zeros((len(problem.names), of_measured.shape[1]))
    offset[problem.constant] = problem.value[problem.constant]
    matrix[problem.measured] = np.eye(of_measured.shape[1])
    determined, unmeasured = fitted.determined, np.flatnonzero(problem.unmeasured)
    places, scale = unmeasured[determined.pivots], determined.scale[determined.pivots]
    offset[places] = scale * determined.solve(determined.made @ right)
    matrix[places] = -scale[:, None] * determined.solve((determined.made @ of_measured).toarray())
    unknown = unmeasured[undetermined(fitted)]
    offset[unknown], matrix[unknown] = np.nan, 0.0
    return Reduced(problem, (left @ of_measured).toarray(), left @ right, offset, matrix)


@dataclass(frozen=True)
class Estimator:
    """Reconciled values of all variables for draws of the measured ones, x = `offset` + `matrix` y within bounds.

    `matrix` is (variables, measured). `covariance` (variables, variables) is that of the reconciled values without
    bounds, with the standard deviations of the problem.
    """

    problem: Problem
    offset: Vector
    matrix: Matrix
    covariance: Matrix

    def unbounded(self, measured: Matrix) -> Matrix:
        """Return all variables (variables, draws) as if there were no bounds, from `measured` (measured, draws)."""
        values: Matrix = self.matrix @ measured
        values += self.offset[:, None]
        return values

    def bounded(self, measured: Matrix) -> tuple[Matrix, Mask]:
        """Return all variables (variables, draws) within the bounds, and which draws are at a bound (draws)."""
        values = self.unbounded(measured)
        at_bound: Mask = np.asarray(self._beyond(values).any(axis=0))
        values[:, at_bound] = self._hold(values[:, at_bound], measured[:, at_bound])
        return values, at_bound

    def _beyond(self, values: Matrix) -> Matrix:
        """Return by how many sds values (variables, draws) are below (negative) or above their bounds, 0 within."""
        problem, sd = self.problem, np.sqrt(np.diag(self.covariance))
        sure = sd == 0
        scale = np.where(sure, 1.0, sd)[:, None]
        with np.errstate(invalid="ignore"):
            below = np.minimum((values - problem.lower[:, None]) / scale + FEASIBLE, 0.0)
            above = np.maximum((values - problem.upper[:, None]) / scale - FEASIBLE, 0.0)
        beyond: Matrix = np.nan_to_num(below + above)
        beyond[sure] = 0.0
        return beyond

    def _hold(self, values: Matrix, measured: Matrix) -> Matrix:
        """Return the nearest values (variables, draws) within the bounds, for draws that violate some."""
        free, active = values.copy(), np.zeros(values.shape, dtype=np.int8)
        left, beyond, alone = np.arange(values.shape[1]), self._beyond(values), []
        for _ in range(ROUNDS + 2 * len(values)):
            worst = np.argmax(np.abs(beyond), axis=0)
            violated = np.sign(beyond[worst, np.arange(len(left))])
            active[worst, left] = np.where(violated, violated, active[worst, left])
            unsettled = np.zeros(len(left), dtype=bool)
            patterns, which = np.unique(active[:, left], axis=1, return_inverse=True)
            for number, pattern in enumerate(patterns.T):
                own = left[which == number]
                if self._depend(pattern):
                    alone += own.tolist()
                    continue
                values[:, own], let_go = self._at_bounds(free[:, own], pattern)
                rows, columns = np.nonzero(let_go)
                active[np.flatnonzero(pattern)[rows], own[columns]] = 0
                unsettled[which == number] = let_go.any(axis=0)
            beyond = self._beyond(values[:, left])
            unsettled |= beyond.any(axis=0)
            unsettled &= ~np.isin(left, alone)
            left, beyond = left[unsettled], beyond[:, unsettled]
            if not len(left):
                break
        for draw in (*alone, *left):
            value = self.problem.value.copy()
            value[self.problem.measured] = measured[:, draw]
            values[:, draw] = np.where(np.isnan(self.offset), np.nan, _nearest(replace(self.problem, value=value)))
        return values

    def _depend(self, pattern: Signs) -> bool:
        """Tell whether the bounds of a set depend on one another, so that they have no multipliers of their own."""
        places = np.flatnonzero(pattern)
        square = self.covariance[np.ix_(places, places)]
        sd = np.sqrt(np.diag(square))
        return len(places) > 1 and bool(np.linalg.eigvalsh(square / np.outer(sd, sd))[0] < DEPENDENT)

    def _at_bounds(self, free: Matrix, pattern: Signs) -> tuple[Matrix, Mask]:
        """Return draws held at one set of bounds, and which of these bounds pull the wrong way in each draw."""
        places = np.flatnonzero(pattern)
        side = pattern[places]
        bound = np.where(side < 0, self.problem.lower[places], self.problem.upper[places])
        pull = np.linalg.solve(self.covariance[np.ix_(places, places)], bound[:, None] - free[places])
        moved = free + self.covariance[:, places] @ pull
        moved[places] = bound[:, None]
        return moved, pull * side[:, None] > 0


def _nearest(problem: Problem) -> Vector:
    """Return the values nearest to the measured ones by the route of `reconcile`; ConflictError if there are none."""
    guess = first_guess(problem)
    return bounded_fit(problem, linearise(problem, guess), guess).fit.x


def estimator(problem: Problem) -> Estimator:
    """Factorise a linear problem for draws of its measured values; its standard deviations are the weights.

    Raises ProblemError for balances that are not linear and for a bound on a variable that the balances leave open,
    since it would bind others unseen; ConflictError when no values meet balances and bounds, which does not depend on
    what is measured.
    """
    reduced = reduce(problem)
    bounded = np.isfinite(problem.lower) | np.isfinite(problem.upper)
    for place in np.flatnonzero(np.isnan(reduced.offset) & bounded):
        name = problem.names[place]
        raise ProblemError(f"{name} is left open by the balances and has a bound; measure it or drop the bound", name)
    _nearest(problem)
    covariance = reduced.covariance
    gain = reduced.gain(covariance)
    matrix = reduced.matrix - reduced.matrix @ gain @ reduced.balances
    offset = reduced.offset + reduced.matrix @ gain @ reduced.level
    reconciled = matrix @ covariance @ matrix.T
    before = np.einsum("ij,jk,ik->i", reduced.matrix, covariance, reduced.matrix, optimize=True)
    sure = np.diag(reconciled) <= SURE * before
    reconciled[sure], reconciled[:, sure] = 0.0, 0.0
    return Estimator(problem, offset, matrix, reconciled)
