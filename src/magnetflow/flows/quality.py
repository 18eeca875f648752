"""How uncertain is a figure, judged by the quality of its source?

Each input is scored from 1 (good) to 4 (poor) by five indicators; a score stands for a coefficient of variation that
depends on how sensitive the quantity is to the indicator, and the contributions combine as the root of the sum of
squares (Laner et al. 2015). A flow that is a product of inputs takes their relative errors to first order, and two
flows covary where they share an input.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from magnetflow.errors import InputError

RELIABILITY = "reliability"  # the one indicator without levels of sensitivity
ANY = "any"


def contributions(
    scores: pd.DataFrame, roles: pd.Series[str], sensitivities: pd.DataFrame, levels: pd.DataFrame
) -> pd.DataFrame:
    """Return what each indicator (column) adds to the coefficient of variation of each input (row), as fractions.

    `scores` has the columns input, indicator and value (1 to 4), `roles` the role of each input,
    `sensitivities` the columns role, indicator and sensitivity, and `levels` the columns indicator, sensitivity,
    score and value (a fraction).
    Raises InputError when a score is not a whole one of the table, or an input lacks its role or a level.
    """
    by_level = levels.set_index(["indicator", "sensitivity", "score"])["value"]
    sensitivity = sensitivities.set_index(["role", "indicator"])["sensitivity"]
    told = []
    for given, indicator, score in scores[["input", "indicator", "value"]].itertuples(index=False):
        try:
            level = ANY if indicator == RELIABILITY else sensitivity[roles[given], indicator]
            told.append(by_level[indicator, level, score])
        except KeyError as error:
            raise InputError(f"{given}, {indicator}: no level of uncertainty for {error.args[0]!r}") from None
    cv = pd.Series(told, index=pd.MultiIndex.from_frame(scores[["input", "indicator"]]), dtype=float).unstack()
    return cv.reindex(index=scores["input"].unique(), columns=scores["indicator"].unique())


def combined(parts: pd.DataFrame) -> pd.Series[float]:
    """Return the coefficient of variation of each row: the root of the sum of its squared contributions."""
    root: pd.Series[float] = np.sqrt((parts**2).sum(axis=1, skipna=False))
    return root


def exponents(factors: pd.DataFrame) -> pd.DataFrame:
    """Return flows by inputs, each entry the power with which the input enters the product that gives the flow.

    `factors` has the columns flow, input and value.
    """
    table = factors.pivot(index="flow", columns="input", values="value").fillna(0.0)
    return table.reindex(index=factors["flow"].unique(), columns=factors["input"].unique())


def relative_covariance(powers: pd.DataFrame, of_inputs: pd.DataFrame) -> pd.DataFrame:
    """Return the relative covariance of flows that are products of inputs, to first order: P R Pᵀ.

    `powers` has flows by inputs, `of_inputs` the relative covariance R of the inputs.
    Raises InputError when an input has no covariance.
    """
    unknown = powers.columns.difference(of_inputs.index)
    if len(unknown):
        raise InputError(f"no uncertainty is given for the input {unknown[0]}")
    matrix = powers.to_numpy() @ of_inputs.loc[powers.columns, powers.columns].to_numpy() @ powers.to_numpy().T
    return pd.DataFrame(matrix, index=powers.index, columns=powers.index)


def shares_covariance(mean: pd.Series[float], sd: pd.Series[float]) -> pd.DataFrame:
    """Return the relative covariance of shares that add up to one.

    Independent errors `sd` are conditioned on the sum, so that what one share gains the others lose.
    Raises InputError when the means do not add up to one.
    """
    if not np.isclose(mean.sum(), 1.0, rtol=0, atol=1e-9):
        raise InputError(f"shares add up to {mean.sum():g}; mend them so that they add up to 1")
    variance = (sd**2).to_numpy()
    conditioned = np.diag(variance) - np.outer(variance, variance) / variance.sum()
    relative = conditioned / np.outer(mean, mean)
    return pd.DataFrame(relative, index=mean.index, columns=mean.index)
