"""What follows from measured quantities when the balances leave nothing over, and how sure is it?

Each balance is linear, the sum of coefficient times variable being zero.
Where the unmeasured variables follow uniquely from the measured ones, and no balance is left to test them,
reconciliation has nothing to adjust: values and covariance simply propagate.
To first order the covariance of the unmeasured variables is S V Sᵀ, with S their sensitivity to the measured
(Brunner and Rechberger, Handbook of Material Flow Analysis, 2nd ed., section 2.3); for linear balances it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from magnetflow.errors import ProblemError


@dataclass(frozen=True)
class Propagated:
    """Values and covariance of every variable, measured ones first, in the unit of the measured values."""

    values: pd.Series[float]
    covariance: pd.DataFrame
    sensitivity: pd.DataFrame  # unmeasured by measured: change of the one for a unit change of the other

    @property
    def sd(self) -> pd.Series[float]:
        """Standard deviation of each variable."""
        return pd.Series(np.sqrt(np.diag(self.covariance)), index=self.values.index)

    @property
    def cv(self) -> pd.Series[float]:
        """Coefficient of variation of each variable, as a fraction of its value."""
        return self.sd / self.values.abs()


def propagate(balances: pd.DataFrame, measured: pd.Series[float], covariance: pd.DataFrame) -> Propagated:
    """Solve linear balances for the unmeasured variables and propagate the covariance of the measured ones.

    `balances` has one row a balance and one column a variable; `measured` holds a value for some of the columns,
    `covariance` is square over the same names.
    Raises ProblemError if names do not match, if a variable stays undetermined, or if a balance is redundant
    (then the values may contradict each other, and that is for reconciliation).
    """
    strangers = measured.index.difference(balances.columns)
    if len(strangers):
        raise ProblemError(f"measured variable {strangers[0]} stands in no balance; take it out or add its balance")
    if not (covariance.index.equals(measured.index) and covariance.columns.equals(measured.index)):
        raise ProblemError("the covariance must have one row and one column for each measured variable, in its order")
    if not all(np.isfinite(part.to_numpy(dtype=float)).all() for part in (balances, measured, covariance)):
        raise ProblemError("a coefficient, a measured value or a covariance is not a finite number; mend it")
    unmeasured = balances.columns.difference(measured.index, sort=False)
    of_unmeasured = balances[unmeasured].to_numpy(dtype=float)
    of_measured = balances[measured.index].to_numpy(dtype=float)
    rank = np.linalg.matrix_rank(of_unmeasured) if len(unmeasured) else 0
    if rank < len(unmeasured):
        # A direction in which the balances do not move leaves its variables free.
        free = np.abs(np.linalg.svd(of_unmeasured)[2][rank:]).max(axis=0) > 1e-9
        raise ProblemError(
            f"the balances do not determine {', '.join(unmeasured[free])}; measure one or add a balance"
        )
    if rank < len(balances):
        raise ProblemError(f"{len(balances) - rank} of {len(balances)} balances are redundant; reconcile instead")
    sensitivity = np.linalg.solve(of_unmeasured, -of_measured)
    everything = np.vstack([np.eye(len(measured)), sensitivity])
    names = measured.index.append(unmeasured)
    return Propagated(
        values=pd.Series(everything @ measured.to_numpy(dtype=float), index=names),
        covariance=pd.DataFrame(
            everything @ covariance.to_numpy(dtype=float) @ everything.T, index=names, columns=names
        ),
        sensitivity=pd.DataFrame(sensitivity, index=unmeasured, columns=measured.index),
    )
