"""What if an input were higher or lower, or known better: which numbers does a page need to answer by itself?

An outcome is a sum of products, so that a page needs what each product is, which inputs enter it with which power,
and how the products' relative errors hang together. Everything else of the system stays as it is: bounds are left
out, and so is a new weighting of the balances.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from magnetflow.studies.united_kingdom import data_quality
from magnetflow.studies.united_kingdom.draws import improvement
from magnetflow.studies.united_kingdom.draws.model import Model, given_t

NO_PART = 1e-9  # of the variance


def most_telling(model: Model, outcomes: Sequence[str], count: int) -> list[str]:
    """Return the inputs with the largest part in the variance of any of the outcomes, largest first; none without."""
    slope = model.gradient.loc[list(outcomes)].to_numpy() * np.sqrt(np.diag(model.space.covariance))
    names = list(data_quality.inputs().index)
    part = [((slope[:, model.space.value_groups == name] ** 2).sum(axis=1)) for name in names]
    largest = (np.array(part) / model.first_order.loc[list(outcomes), "sd"].to_numpy() ** 2).max(axis=1)
    return [names[place] for place in np.argsort(-largest, kind="stable")[:count] if largest[place] > NO_PART]


def one_at_a_time(model: Model, outcome: str, inputs: Sequence[str]) -> pd.DataFrame:
    """Return what an outcome changes by, t, when each input (row), in all elements, is one sd lower or higher."""
    place, mean = model.names.index(outcome), model.space.mean[:, None]
    middle = model.without_bounds(mean)[place, 0]
    columns = {}
    for side, sign in {"one sd lower": -1.0, "one sd higher": 1.0}.items():
        values = np.repeat(mean, len(inputs), axis=1)
        for column, name in enumerate(inputs):
            values[model.space.value_groups == name, column] *= 1.0 + sign * data_quality.input_cv()[name]
        columns[side] = model.without_bounds(values)[place] - middle
    return pd.DataFrame(columns, index=list(inputs))


def export(model: Model, outcomes: Mapping[str, str], inputs: Sequence[str]) -> dict[str, Any]:
    """Return what the page needs for `outcomes` (name: label) and `inputs`, as plain lists and numbers.

    `products` are the flows and stocks that matter, with their element; `covariance` is relative, to first order.
    """
    names = list(outcomes)
    rows = [model.names.index(name) for name in names]
    through = model.weights[rows] @ model.estimator.matrix
    weight = model.of_stocks[rows].copy()
    weight[:, model.of_measured] += through
    offset = model.weights[rows] @ model.estimator.offset
    kept = np.flatnonzero(np.abs(weight).max(axis=0) > 0)
    base = model.products.base[kept]
    slope = model.products.gradient[kept] / base[:, None]
    role, powers, label = data_quality.inputs()["role"], data_quality.powers(), data_quality.inputs()["name"]
    places = given_t().index[kept]
    return {
        "products": {"base": base.tolist(), "element": list(places.get_level_values("layer"))},
        "covariance": (slope @ model.space.covariance @ slope.T).tolist(),
        "inputs": [
            {
                "label": str(label[name]),
                "cv": float(data_quality.input_cv()[name]),
                "best": improvement.best_cv(),
                "by_element": bool(role[name] == data_quality.BY_ELEMENT),
                "power": powers.loc[list(places.get_level_values("flow")), name].tolist(),
            }
            for name in inputs
        ],
        "outcomes": [
            {"label": outcomes[name], "offset": float(offset[place]), "weight": weight[place, kept].tolist()}
            for place, name in enumerate(names)
        ],
    }


def evaluate(exported: Mapping[str, Any], factors: Sequence[float], better: Collection[int]) -> list[list[float]]:
    """Return value and sd of each outcome, t, with each input times a factor and some inputs at the best score.

    The page does the same in JavaScript; this is what it is tested against.
    """
    base, element = np.array(exported["products"]["base"]), np.array(exported["products"]["element"])
    covariance = np.array(exported["covariance"])
    mass = base.copy()
    for place, (given, factor) in enumerate(zip(exported["inputs"], factors, strict=True)):
        power = np.array(given["power"])
        mass *= factor**power
        if place in better:
            alike = (element[:, None] == element) if given["by_element"] else 1.0
            covariance = covariance - max(given["cv"] ** 2 - given["best"] ** 2, 0.0) * np.outer(power, power) * alike
    told = []
    for outcome in exported["outcomes"]:
        terms = np.array(outcome["weight"]) * mass
        told.append([outcome["offset"] + terms.sum(), float(max(terms @ covariance @ terms, 0.0)) ** 0.5])
    return told
