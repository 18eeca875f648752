"""What do the printed uncertainties of a market's rest say of the shares of the elements there?

The uncertainty of a rest follows from those of the other flows and from how much of the element each of them carries.
The article prints the uncertainties by element, but the flows only as sums; so at each rest there is one equation an
element for the shares. Priors on the shares, and printed uncertainties with their rounding, are reconciled with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from magnetflow import tables
from magnetflow.inference.expressions import Expression, constant, variable
from magnetflow.inference.problem import CONSTANT, MEASURED, state
from magnetflow.inference.reconcile import Reconciliation, reconcile
from magnetflow.studies.united_kingdom import data_quality, estimates, printed
from magnetflow.studies.united_kingdom.estimates import ELEMENTS

ESTIMATE_ERROR = 0.01  # assumed: how far the estimated flow of an element may be from the study's unpublished one
STOP = 0.9  # where the posterior sd of all shares stays above this part of the prior sd, the node says nothing
ONE = "one"


@dataclass(frozen=True)
class Node:
    """A market, the flow that is its rest, and sign and group of shares of the flows that the rest is the sum of.

    `prior_of` names the prior of each group; flows of the group `estimated` are known by element.
    """

    market: str
    rest: str
    terms: Mapping[str, tuple[float, str]]
    prior_of: Mapping[str, str]


def nodes() -> dict[str, Node]:
    """Return the markets whose rests are looked at, by name; signs follow from the processes of the printed flows."""
    target = printed.flows().set_index("flow")["target_process"]
    prior = data_quality.methods()["split"]
    found = {}
    for market, rows in tables.read("split_nodes").groupby("market", sort=False):
        group = rows.set_index("flow")["group"]
        [rest] = group.index[group == ""]
        enters = target[group.index] == market
        terms = {
            flow: (1.0 if enters[flow] != enters[rest] else -1.0, name) for flow, name in group.drop(rest).items()
        }
        prior_of = {name: prior[flow] for flow, (_, name) in terms.items() if name != estimates.TURBINES}
        found[str(market)] = Node(str(market), rest, terms, prior_of)
    return found


def counts(node: Node) -> tuple[int, int]:
    """Return how many equations a node has, one an element, and how many free shares."""
    return len(ELEMENTS), (len(ELEMENTS) - 1) * len(node.prior_of)


def solve(node: Node) -> Reconciliation:
    """Reconcile the shares at a node with its printed uncertainties."""
    numbers, estimated, priors = printed.numbers(), estimates.estimated_t(), estimates.share_priors()
    names, value, sd, relations = [ONE], [1.0], [np.nan], {}
    balances: dict[str, dict[str, float]] = {}
    for group, prior in node.prior_of.items():
        own = [f"share of {element} in {group}" for element in ELEMENTS]
        names, value, sd = names + own, value + list(priors[prior]["mean"]), sd + list(priors[prior]["sd"])
        balances[f"shares of {group}"] = {ONE: -1.0, **dict.fromkeys(own, 1.0)}
    for element in ELEMENTS:
        for flow in (node.rest, *node.terms):
            names.append(f"CV of {flow} [{element}]")
            value.append(float(numbers["value"][f"table2.{flow}.{element}"]) / 100)
            sd.append(float(numbers["half_width"][f"table2.{flow}.{element}"]) / 100 / 3**0.5)
        for flow, (_, group) in node.terms.items():
            if group == estimates.TURBINES:
                names.append(f"{flow} [{element}]")
                value.append(float(estimated[flow][element]))
                sd.append(ESTIMATE_ERROR * float(estimated[flow][element]))
        relations[f"uncertainty of {node.rest} [{element}]"] = _relation(node, element, numbers["value"])
    status = [CONSTANT, *[MEASURED] * (len(names) - 1)]
    lower = np.zeros(len(names))
    return reconcile(state(names, status, value, sd, balances=balances, relations=relations, lower=lower))


def _relation(node: Node, element: str, numbers: pd.Series[float]) -> Expression:
    """Return v_R m_R - sqrt(sum of (v_f m_f)²) for the rest R and the flows f it is computed from."""
    rest = squares = constant(0.0)
    for flow, (sign, group) in node.terms.items():
        if group == estimates.TURBINES:
            mass = variable(f"{flow} [{element}]")
        else:
            mass = numbers[f"flow.{flow}"] * variable(f"share of {element} in {group}")
        rest = rest + sign * mass
        squares = squares + (variable(f"CV of {flow} [{element}]") * mass) ** 2
    return variable(f"CV of {node.rest} [{element}]") * rest - squares**0.5


def shares(node: Node, solved: Reconciliation) -> pd.DataFrame:
    """Return prior and posterior of each share at a node: group, element, prior, prior_sd, value, sd and ratio.

    The prior's standard deviation is the one conditioned on the sum, so that `ratio` shows the uncertainties alone.
    Where the node's test fails, `sd` is NaN: the spread of a fit that is rejected is no measure of what is known.
    """
    priors, rejected = estimates.element_shares(), solved.test.passed is False
    rows = []
    for group, prior in node.prior_of.items():
        mean, relative = priors[prior]
        for element in ELEMENTS:
            at = solved.problem.position[f"share of {element} in {group}"]
            before = float(mean[element]) * float(np.sqrt(np.diag(relative)[ELEMENTS.index(element)]))
            value, sd = float(solved.value[at]), float(solved.sd[at])
            known = np.nan if rejected else sd
            rows.append((group, element, float(mean[element]), before, value, known, sd / before))
    return pd.DataFrame(rows, columns=["group", "element", "prior", "prior_sd", "value", "sd", "ratio"])


def is_informative(found: pd.DataFrame) -> bool:
    """Tell whether any share became better known than `STOP` times its prior standard deviation."""
    return bool((found["ratio"] < STOP).any())


def shares_alone(node: Node) -> pd.Series[float]:
    """Return the share of each element at a node with one group, from its own equation and without a prior.

    Raises ValueError where no share between nothing and one meets the equation.
    """
    [group] = node.prior_of
    numbers, estimated = printed.numbers()["value"], estimates.estimated_t()

    def mismatch(share: float, element: str) -> float:
        at = {
            f"CV of {flow} [{element}]": numbers[f"table2.{flow}.{element}"] / 100
            for flow in (node.rest, *node.terms)
        }
        at |= {f"{flow} [{element}]": estimated[flow][element] for flow in estimated if flow in node.terms}
        return _relation(node, element, numbers).values({**at, f"share of {element} in {group}": share})[-1]

    return pd.Series({element: float(brentq(mismatch, 0.0, 1.0, args=(element,))) for element in ELEMENTS})
