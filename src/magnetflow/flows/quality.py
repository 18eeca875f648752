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


def graded(
    scores: pd.DataFrame, roles: pd.Series[str], sensitivities: pd.DataFrame, levels: pd.DataFrame
) -> pd.DataFrame:
    """Return each score with what it stands for: input, indicator, sensitivity, score and cv (a fraction).

    `scores` has the columns input, indicator and value (1 to 4), `roles` the role of each input,
    `sensitivities` the columns role, indicator and sensitivity, and `levels` the columns indicator, sensitivity,
    score and value (a fraction).
    Raises InputError when a score is not a whole one of the table, or an input lacks its role or a level.
    """
    rows = scores[["input", "indicator", "value"]].rename(columns={"value": "score"})
    rows = rows.assign(role=rows["input"].map(roles).astype(object))
    rows = rows.merge(sensitivities[["role", "indicator", "sensitivity"]], how="left", on=["role", "indicator"])
    rows["sensitivity"] = rows["sensitivity"].mask(rows["indicator"] == RELIABILITY, ANY)
    keys = ["indicator", "sensitivity", "score"]
    levels = levels[[*keys, "value"]].astype({"score": float}).rename(columns={"value": "cv"})
    rows = rows.merge(levels, how="left", on=keys)
    for row in rows[rows["cv"].isna()].itertuples():
        raise InputError(
            f"{row.input}, {row.indicator}: no level of uncertainty for score {row.score:g} of an input with the role"
            f" {row.role!r}; add it to the tables of quality"
        )
    return rows.astype({"score": int})[["input", *keys, "cv"]]


def contributions(scores: pd.DataFrame) -> pd.DataFrame:
    """Return what each indicator (column) adds to the CV of each input (row), as fractions, from `graded` scores."""
    table = scores.pivot(index="input", columns="indicator", values="cv")
    return table.reindex(index=scores["input"].unique(), columns=scores["indicator"].unique())


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
