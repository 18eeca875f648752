"""What is measured, what is asked, and which balances bind them?

A problem is a list of variables, each measured with a standard deviation, unmeasured or constant, within bounds,
and balances that are to be zero: linear ones as a sparse matrix, algebraic ones as expressions.
Measured variables may covary. What cannot be right is refused when the problem is stated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import scipy.sparse as sparse
from numpy.typing import ArrayLike
from scipy.sparse.csgraph import connected_components

from magnetflow.arrays import Mask, Texts, Vector
from magnetflow.errors import ConflictError, ProblemError
from magnetflow.inference.expressions import Expression

MEASURED, UNMEASURED, CONSTANT = "measured", "unmeasured", "constant"
STATUSES = (MEASURED, UNMEASURED, CONSTANT)
NEGATIVE_EIGENVALUE = -1e-9  # of a correlation matrix, beyond which it is not positive semi-definite
ROUNDING = 1e-14  # of an entry of a root, in sds
LISTED = 6  # names listed at most


def listed(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    return ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")


@dataclass(frozen=True)
class Problem:
    """Variables and balances; every array is (variables), in the order of `names`.

    `System.problem` returns one, and `magnetflow.inference.problem.state` one of plain equations, both checked.
    `value` is NaN where unmeasured, `sd` where not measured, `start` where none is given; bounds may be infinite.
    Each variable has a unit of its own; where the label `unit` names it, sums of several units are refused.
    `matrix` (balances, variables) has the linear balances, `relations` the algebraic ones; each is to be zero.
    `covariance` (variables, variables) is what lies off the diagonal; the diagonal follows from `sd`.
    `labels` are further columns about the variables, such as flow, layer and unit, without effect on the estimate.
    `notes` say how the input was read, for the messages of a reconciliation.
    """

    names: tuple[str, ...]
    measured: Mask
    constant: Mask
    value: Vector
    sd: Vector
    lower: Vector
    upper: Vector
    start: Vector
    linear_names: tuple[str, ...]
    matrix: sparse.csr_array
    relation_names: tuple[str, ...]
    relations: tuple[Expression, ...]
    covariance: sparse.csr_array
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def unmeasured(self) -> Mask:
        """Which variables are neither measured nor constant."""
        return ~self.measured & ~self.constant

    @property
    def balance_names(self) -> tuple[str, ...]:
        """Names of the linear balances, then of the algebraic ones."""
        return self.linear_names + self.relation_names

    @property
    def is_bounded(self) -> bool:
        """Whether any variable has a bound."""
        return bool(np.isfinite(self.lower).any() or np.isfinite(self.upper).any())

    def without_bounds(self) -> Problem:
        """Return the same problem with every bound taken away."""
        free = np.full(len(self.names), np.inf)
        return replace(self, lower=-free, upper=free)

    @cached_property
    def position(self) -> dict[str, int]:
        """Where each variable stands."""
        return {name: place for place, name in enumerate(self.names)}

    def names_where(self, **labels: str) -> list[str]:
        """Return the names of the variables that have all these labels, in order.

        Raises ProblemError for a label that the problem has no column for.
        """
        for column in labels:
            if column not in self.labels:
                known = ", ".join(self.labels) or "no labels"
                raise ProblemError(f"{column} is no label of this problem, which has {known}")
        wanted = [(self.labels[column], label) for column, label in labels.items()]
        return [name for place, name in enumerate(self.names) if all(own[place] == label for own, label in wanted)]

    def check_units(self, names: Sequence[str]) -> None:
        """Raise ProblemError where variables that are to be added up have another label `unit` each."""
        units = self.labels.get("unit", ("",) * len(self.names))
        for one, other in pairwise(names):
            first, second = units[self.position[one]], units[self.position[other]]
            if first != second:
                raise ProblemError(
                    f"{one} in {first} and {other} in {second} cannot be added up; use one unit", other
                )

    @cached_property
    def root(self) -> sparse.csr_array:
        """L with L Lᵀ the covariance of the measured variables (measured, errors).

        Variables that do not covary have a column each; a singular covariance has fewer columns than rows.
        """
        places = np.flatnonzero(self.measured)
        if not self.covariance.nnz:
            diagonal = np.arange(len(places) + 1)
            return sparse.csr_array((self.sd[places], diagonal[:-1], diagonal), shape=(len(places), len(places)))
        return _root(self.sd[places], self.covariance[places][:, places], [self.names[place] for place in places])


def state(
    names: Sequence[str],
    status: Sequence[str] | Texts,
    value: ArrayLike,
    sd: ArrayLike,
    *,
    balances: Mapping[str, Mapping[str, float]] | tuple[Sequence[str], sparse.csr_array] | None = None,
    relations: Mapping[str, Expression] | None = None,
    lower: ArrayLike | None = None,
    upper: ArrayLike | None = None,
    start: ArrayLike | None = None,
    covariances: Mapping[tuple[str, str], float] | None = None,
    labels: Mapping[str, Sequence[str]] | None = None,
) -> Problem:
    """State a problem and check it.

    `status` is measured, unmeasured or constant; `value` and `sd` are NaN where there is none.
    `balances` maps the name of a balance to the coefficients of its variables, or is a pair of names and matrix.
    `labels` maps the name of a label to its value for each variable.
    Raises ProblemError for a name given twice, labels that are not one for each variable, a measurement without a
    positive sd, a value that is missing or not finite, bounds that leave no room or contradict a constant, an
    unmeasured variable in no balance, a covariance of what is not measured, or one that is not positive
    semi-definite.
    """
    count = len(names)
    position = {name: place for place, name in enumerate(names)}
    if len(position) < count:
        twice = next(name for place, name in enumerate(names) if position[name] != place)
        raise ProblemError(f"{twice} stands twice among the variables; keep one", twice)
    kinds = np.asarray(status)
    named, matrix = _balance_matrix(balances or {}, position)
    given = dict(relations or {})
    problem = Problem(
        names=tuple(names),
        measured=kinds == MEASURED,
        constant=kinds == CONSTANT,
        value=np.where(kinds == UNMEASURED, np.nan, np.asarray(value, dtype=float)),
        sd=np.where(kinds == MEASURED, np.asarray(sd, dtype=float), np.nan),
        lower=np.full(count, -np.inf) if lower is None else np.asarray(lower, dtype=float),
        upper=np.full(count, np.inf) if upper is None else np.asarray(upper, dtype=float),
        start=np.full(count, np.nan) if start is None else np.asarray(start, dtype=float),
        linear_names=named,
        matrix=matrix,
        relation_names=tuple(given),
        relations=tuple(given.values()),
        covariance=_covariance_matrix(covariances or {}, position),
        labels={column: tuple(values) for column, values in (labels or {}).items()},
    )
    _check_variables(problem, kinds)
    _check_balances(problem)
    _check_covariance(problem)
    return problem


def _balance_matrix(
    balances: Mapping[str, Mapping[str, float]] | tuple[Sequence[str], sparse.csr_array], position: Mapping[str, int]
) -> tuple[tuple[str, ...], sparse.csr_array]:
    if isinstance(balances, tuple):
        return tuple(balances[0]), sparse.csr_array(balances[1])
    rows, columns, coefficients = [], [], []
    for row, (balance, terms) in enumerate(balances.items()):
        for name, coefficient in terms.items():
            if name not in position:
                raise ProblemError(f"balance {balance} names {name}, which is not among the variables", name)
            rows.append(row)
            columns.append(position[name])
            coefficients.append(coefficient)
    entries = np.array(coefficients, dtype=float)
    matrix = sparse.csr_array((entries, (rows, columns)), shape=(len(balances), len(position)))
    matrix.eliminate_zeros()
    return tuple(balances), matrix


def _covariance_matrix(covariances: Mapping[tuple[str, str], float], position: Mapping[str, int]) -> sparse.csr_array:
    rows, columns, values = [], [], []
    for (one, other), covariance in covariances.items():
        for name in (one, other):
            if name not in position:
                raise ProblemError(f"a covariance names {name}, which is not among the variables", name)
        if one == other:
            raise ProblemError(f"the variance of {one} is given as a covariance; give its sd instead", one)
        rows += [position[one], position[other]]
        columns += [position[other], position[one]]
        values += [covariance, covariance]
    return sparse.csr_array((np.array(values, dtype=float), (rows, columns)), shape=(len(position), len(position)))


def _check_variables(problem: Problem, kinds: Texts) -> None:
    known = problem.measured | problem.constant
    with np.errstate(invalid="ignore"):
        faults = [
            (~np.isin(kinds, STATUSES), "is neither measured, unmeasured nor constant"),
            (
                known & ~np.isfinite(problem.value),
                "has no value that is a finite number; give one, or call it unmeasured",
            ),
            (
                problem.measured & ~(problem.sd > 0),
                "is measured with an sd that is not above zero; give one, or call it constant",
            ),
            (problem.measured & ~np.isfinite(problem.sd), "is measured with an sd that is not finite; give one"),
            (np.isnan(problem.lower) | (problem.lower == np.inf), "has a lower bound that is no number; mend it"),
            (np.isnan(problem.upper) | (problem.upper == -np.inf), "has an upper bound that is no number; mend it"),
            (problem.lower > problem.upper, "has its lower bound above its upper bound; mend one"),
            (np.isinf(problem.start), "has a start that is not finite; mend it"),
            (
                problem.constant & ((problem.value < problem.lower) | (problem.value > problem.upper)),
                "is constant beyond its own bound; mend one of the two",
            ),
        ]
    for faulty, fault in faults:
        if faulty.any():
            name = problem.names[int(np.flatnonzero(faulty)[0])]
            raise ProblemError(f"{name} {fault}", name)
    for column, values in problem.labels.items():
        if len(values) != len(problem.names):
            raise ProblemError(f"{len(values)} labels of {column} are given for {len(problem.names)} variables")


def _check_balances(problem: Problem) -> None:
    if not problem.balance_names:
        raise ProblemError("there is no balance; without one there is nothing to reconcile")
    entries = problem.matrix.tocoo()
    for row in entries.coords[0][~np.isfinite(entries.data)]:
        raise ProblemError(f"balance {problem.linear_names[row]} has a coefficient that is not finite; mend it")
    balanced = np.zeros(len(problem.names), dtype=bool)
    balanced[problem.matrix.indices] = True
    for name, relation in zip(problem.relation_names, problem.relations, strict=True):
        for variable in relation.variables:
            if variable not in problem.position:
                raise ProblemError(f"{name} names {variable}, which is not among the variables", variable)
            balanced[problem.position[variable]] = True
    loose = np.flatnonzero(problem.unmeasured & ~balanced)
    if len(loose):
        name = problem.names[loose[0]]
        raise ProblemError(f"{name} is unmeasured and stands in no balance; measure it or take it out", name)


def _check_covariance(problem: Problem) -> None:
    touched = np.flatnonzero(np.diff(problem.covariance.indptr))
    for place in touched:
        if not problem.measured[place]:
            name = problem.names[place]
            raise ProblemError(f"{name} has a covariance but is not measured; take the covariance out", name)
    if not np.isfinite(problem.covariance.data).all():
        raise ProblemError("a covariance is not a finite number; mend it", problem.names[touched[0]])
    if len(touched):
        _ = problem.root  # making it refuses what is no covariance


def _root(sd: Vector, covariance: sparse.csr_array, names: Sequence[str]) -> sparse.csr_array:
    """Return L block by block of covarying variables, each from the eigenvalues of its correlation matrix."""
    _, block_of = connected_components(covariance, directed=False)
    order = np.argsort(block_of, kind="stable")
    rows, columns, entries, width = [], [], [], 0
    for block in np.split(order, np.flatnonzero(np.diff(block_of[order])) + 1):
        if len(block) == 1:
            factor = np.ones((1, 1))
        else:
            within = covariance[block][:, block].toarray() / np.outer(sd[block], sd[block])
            eigenvalues, directions = np.linalg.eigh(within + np.eye(len(block)))
            if eigenvalues[0] < NEGATIVE_EIGENVALUE * len(block):
                some = ", ".join(sorted(names[place] for place in block)[:4])
                raise ProblemError(
                    f"the covariance of {some} is not positive semi-definite; no set of errors can have it",
                    names[block[0]],
                )
            kept = eigenvalues > -NEGATIVE_EIGENVALUE * len(block)
            factor = directions[:, kept] * np.sqrt(eigenvalues[kept])
            factor[np.abs(factor) < ROUNDING * len(block)] = 0.0
        rows.append(np.repeat(block, factor.shape[1]))
        columns.append(np.tile(width + np.arange(factor.shape[1]), len(block)))
        entries.append((sd[block][:, None] * factor).ravel())
        width += factor.shape[1]
    coordinates = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_array((np.concatenate(entries), coordinates), shape=(len(sd), width))


def conflict_error(problem: Problem, balances: Sequence[int], bounds: Sequence[str] = ()) -> ConflictError:
    """Return the error that names the balances (by row) and bounds that no values meet."""
    names = [problem.balance_names[row] for row in balances if row < len(problem.balance_names)]
    sets = [f"the balance{'s' * (len(names) > 1)} {listed(names)}"] if names else []
    sets += [f"the bound{'s' * (len(bounds) > 1)} {listed(list(bounds))}"] if bounds else []
    within: set[str] = set()
    for row in balances:
        if row < len(problem.linear_names):
            within.update(problem.names[place] for place in problem.matrix[[row]].indices)
        elif row < len(problem.balance_names):
            within.update(problem.relations[row - len(problem.linear_names)].variables)
    constants = listed([name for name in sorted(within) if problem.constant[problem.position[name]]])
    cure = f"give a constant ({constants}) an sd, or mend it, " if constants else "mend "
    cure += "a covariance, " if problem.covariance.nnz else ""
    return ConflictError(f"no values meet {' and '.join(sets)}; {cure}a coefficient, a sign or a bound")
