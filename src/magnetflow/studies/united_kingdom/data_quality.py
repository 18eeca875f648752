"""How good is each input of the study, and how uncertain does that make the flows computed from it?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from magnetflow import tables
from magnetflow.flows import quality

BY_ELEMENT = "content"  # the role of inputs that each element has on its own
ACTIVITY = "activity"


def inputs() -> pd.DataFrame:
    """Return name and role of each input, by its key."""
    return tables.read("flow_inputs").set_index("input")[["name", "role"]]


def scores() -> pd.DataFrame:
    """Return the score of each input by each indicator, with its reason: columns input, indicator, value and note."""
    return tables.read("quality_scores")[["input", "indicator", "value", "note"]]


def levels() -> pd.DataFrame:
    """Return the coefficient of variation (value, a fraction) of each indicator, sensitivity and score."""
    table = tables.read("quality_cv")
    return table.assign(value=tables.in_unit(table, "1"))[["indicator", "sensitivity", "score", "value"]]


def graded(given: pd.DataFrame) -> pd.DataFrame:
    """Return scores, such as `scores()`, with sensitivity and coefficient of variation of each."""
    return quality.graded(given, inputs()["role"], tables.read("quality_sensitivities"), levels())


def contributions() -> pd.DataFrame:
    """Return what each indicator adds to the coefficient of variation of each input, as fractions."""
    return quality.contributions(graded(scores()))


def input_cv() -> pd.Series[float]:
    """Return the coefficient of variation of each input, as a fraction."""
    return quality.combined(contributions())


def class_cv() -> pd.Series[float]:
    """Return the coefficient of variation of each input by the classes, as a fraction: that of its worst score."""
    table = tables.read("quality_classes")
    worst = scores().groupby("input", sort=False)["value"].max()
    of_score = tables.complete(tables.in_unit(table, "1").set_axis(table["score"]), range(1, 5), "quality_classes")
    return worst.map(of_score)


def powers() -> pd.DataFrame:
    """Return flows by inputs: the power with which each input enters Eqs. (1) to (4)."""
    return quality.exponents(tables.read("flow_factors"))


def methods() -> pd.DataFrame:
    """Return equation, kind, group of element shares, code in Table 2 and note of each flow, by its code."""
    return tables.read("flow_methods").set_index("flow")[["equation", "kind", "split", "table_2", "note"]]


def flow_cv(cv: pd.Series[float], years: int = 1) -> pd.Series[float]:
    """Return the coefficient of variation of each flow that an equation gives, from the `cv` of inputs, as fractions.

    The sum over `years` takes the activity of each year to err on its own, in years of equal size;
    one year stands for errors that all years share. Market shares, contents and conversions are shared in any case.
    """
    activity = inputs()["role"].eq(ACTIVITY)
    variance = (cv.where(~activity, cv / years**0.5)) ** 2
    diagonal = pd.DataFrame(np.diag(variance), index=cv.index, columns=cv.index)
    covariance = quality.relative_covariance(powers(), diagonal)
    return pd.Series(np.sqrt(np.diag(covariance)), index=covariance.index)
