"""How is a problem written down, variable by variable, with the labels of each and the row it comes from?"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from magnetflow.errors import ProblemError
from magnetflow.flows.records import Figure, fault
from magnetflow.inference.expressions import Expression
from magnetflow.inference.problem import CONSTANT, MEASURED, UNMEASURED, Problem, state
from magnetflow.tables.sheets import shown

LABELS = ("quantity", "process", "flow", "source", "target", "layer", "period", "unit")


@dataclass
class Statement:
    """A problem while it is written; each list has one entry a variable."""

    names: dict[str, Figure | None] = field(default_factory=dict)
    status: list[str] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    start: list[float] = field(default_factory=list)
    labels: list[dict[str, str]] = field(default_factory=list)
    balances: dict[str, dict[str, float]] = field(default_factory=dict)
    relations: dict[str, Expression] = field(default_factory=dict)
    covariances: dict[tuple[str, str], float] = field(default_factory=dict)

    def add(
        self, name: str, figure: Figure | None, *, lower: float = 0.0, start: float = math.nan, **labels: str
    ) -> None:
        """Add a variable as its figure tells, or unmeasured without one; `lower` where the figure has no bound.

        Raises InputError, or TableError with the row, for a name that another variable has.
        """
        if name in self.names:
            raise fault(
                figure.row if figure else None, f"{shown(name)} is already the name of a variable; rename one"
            )
        known = figure or Figure()
        self.names[name] = figure
        self.status.append(UNMEASURED if math.isnan(known.value) else CONSTANT if math.isnan(known.sd) else MEASURED)
        self.lower.append(lower if math.isnan(known.lower) else known.lower)
        self.start.append(start if math.isnan(known.value) else math.nan)
        self.labels.append(labels)

    def balance(self, name: str, terms: dict[str, float]) -> None:
        """Add a sum of variables, each times its coefficient, that is zero."""
        if name in self.balances:
            raise ProblemError(f"{shown(name)} is already the name of a balance; rename one")
        self.balances[name] = terms

    def problem(self) -> Problem:
        """Return the problem; raises ProblemError, or TableError with the row of the variable at fault."""
        figures = [figure or Figure() for figure in self.names.values()]
        upper = np.array([figure.upper for figure in figures])
        try:
            return state(
                list(self.names),
                self.status,
                [figure.value for figure in figures],
                [figure.sd for figure in figures],
                balances=self.balances,
                relations=self.relations,
                lower=np.array(self.lower),
                upper=np.where(np.isnan(upper), np.inf, upper),
                start=np.array(self.start),
                covariances=self.covariances,
                labels={column: tuple(own.get(column, "") for own in self.labels) for column in LABELS},
            )
        except ProblemError as error:
            figure = self.names.get(error.variable or "")
            if figure is None or figure.row is None:
                raise
            raise figure.row.fault(str(error)) from None
