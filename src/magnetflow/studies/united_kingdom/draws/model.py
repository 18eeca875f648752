"""Which values may every input of the system take at once, and what follows for every flow?

Each input is drawn from a distribution that its role, its mark and its coefficient of variation choose, each group of
element shares as a split, and the rest of a flow's own shares as a scatter. Inputs that flows share are drawn once.
A draw goes through Eqs. (1) to (4), which multiply, and through the balances within their bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from magnetflow import tables
from magnetflow.arrays import Indices, Matrix, Vector
from magnetflow.inference.draws import ensemble
from magnetflow.inference.draws.distributions import BETA, LOGNORMAL, NORMAL, TRIANGULAR
from magnetflow.inference.draws.space import Input, Space, Split, probabilities
from magnetflow.studies.united_kingdom import (
    accounts,
    data_quality,
    estimates,
    magnets,
    picture,
    printed,
    vehicles,
    wind,
)

NORMAL_UP_TO = 0.05  # of a coefficient of variation: below, normal and lognormal can hardly be told apart
STAND_IN = 3  # score of "other" correlation from which an input stands for something else than it counts
BREAKING = ("Tb", "Dy", "Pr", "Nd")  # order of a split: the largest share is the rest
SCATTER = "scatter of element shares"  # the group of what each flow's shares differ from those of its kind
NET_IMPORT = "net import of magnets"
AT_BOUND = "held by a bound"


def share_means() -> dict[str, float]:
    """Return the mean of each input that is a market share.

    That of NdFeB magnets is what the printed assembly implies, in the middle of what is left open by the sales of
    the last year, which are missing; the others come from registrations, from market reports, and from planning data.
    """
    years = list(printed.years())
    sales = magnets.sales().sel(year=slice(years[0], None)).dropna("year")
    known, last = float(sales.sum()), float(sales.isel(year=-1))
    electric = float(vehicles.registrations_cars().sel(vehicle=list(vehicles.TYPES), year=years).sum())
    cars = float(vehicles.car_registrations().sel(item="all cars", year=years).sum())
    reports = tables.read("market_shares")
    return {
        "magnet_share": 0.5 * (magnets.implied_share(known) + magnets.implied_share(known + last)),
        "ev_share": electric / cars,
        "pm_motor_share": float(reports.loc[reports["input"] == "pm_motor_share", "value"].mean()),
        "generator_shares": wind.magnet_share(years),
    }


def distributions() -> pd.DataFrame:
    """Return role, kind of distribution, mean and coefficient of variation of each input, and why that kind."""
    roles, cv = data_quality.inputs()["role"], estimates.input_cv()
    scores = data_quality.scores()
    other = scores[scores["indicator"] == "other"].set_index("input")["value"]
    means = share_means()
    rows = []
    for name in cv.index:
        if name in means:
            kind, why = BETA, "a share, between 0 and 1"
        elif other[name] >= STAND_IN:
            kind, why = TRIANGULAR, "assumed: stands for something else than it counts"
        elif cv[name] > NORMAL_UP_TO:
            kind, why = LOGNORMAL, "a mass or a count, never negative"
        else:
            kind, why = NORMAL, "counted, error small"
        rows.append((name, roles[name], kind, means.get(name, 1.0), cv[name], why))
    return pd.DataFrame(rows, columns=["input", "role", "kind", "mean", "cv", "why"]).set_index("input")


def given_t() -> pd.Series[float]:
    """Return what the equations give, in t, by flow or stock and layer; of stocks those that close the years."""
    opening = estimates.stock_flows().query("target_process != ''").index
    return estimates.measured_t(with_stocks=True).drop(opening, level="flow")


def space() -> Space:
    """Return all inputs of the system with their distributions; contents err for each element on its own."""
    inputs = []
    for name, row in distributions().iterrows():
        by_element = row["role"] == data_quality.BY_ELEMENT
        columns = [f"{name} [{element}]" for element in estimates.ELEMENTS] if by_element else [str(name)]
        sd = row["cv"] * row["mean"]
        inputs += [Input(column, str(name), str(row["kind"]), row["mean"], sd) for column in columns]
    places = given_t().index
    shares, groups = estimates.element_shares(), estimates.groups_of(dict.fromkeys(places.get_level_values("flow")))
    for flow, layer in places:
        if groups[flow] in shares:
            inputs.append(Input(f"scatter of {flow} [{layer}]", SCATTER, NORMAL, 1.0, estimates.SHARE_SCATTER))
    splits, order = [], list(BREAKING)
    for group, (mean, relative) in shares.items():
        sd = mean * np.sqrt(np.diag(relative))
        names = tuple(f"{group} [{element}]" for element in order)
        splits.append(Split(names, group, tuple(mean[order]), tuple(sd[order])))
    return Space(tuple(inputs), tuple(splits))


@dataclass(frozen=True)
class Products:
    """Flows and stocks as products of inputs: `base` (given) times each value over its `mean` (inputs) to its power.

    `powers` has the power with which each input enters, (given, inputs).
    """

    base: Vector
    mean: Vector
    powers: Matrix

    def __call__(self, values: Matrix) -> Matrix:
        """Return flows and stocks by draws, from values of the inputs by draws; masses in t."""
        relative = values / self.mean[:, None]
        masses = np.repeat(self.base[:, None], values.shape[1], axis=1)
        for row, column in np.argwhere(self.powers):
            masses[row] *= relative[column] ** self.powers[row, column]
        return masses

    @property
    def gradient(self) -> Matrix:
        """What each flow or stock changes by with each input, at the means."""
        return self.base[:, None] * self.powers / self.mean


def products(of: Space, given: pd.Series[float]) -> Products:
    """Return Eqs. (1) to (4) for all that they give, of `given_t`; its rows are in that order."""
    of_inputs, column = data_quality.powers(), {name: place for place, name in enumerate(of.names)}
    groups = estimates.groups_of(dict.fromkeys(given.index.get_level_values("flow")))
    powers = np.zeros((len(given), len(column)))
    for row, (flow, layer) in enumerate(given.index):
        for name, power in of_inputs.loc[flow].replace(0.0, np.nan).dropna().items():
            powers[row, column[str(name) if name in column else f"{name} [{layer}]"]] = power
        for name in (f"{groups[flow]} [{layer}]", f"scatter of {flow} [{layer}]"):
            if name in column:
                powers[row, column[name]] = 1.0
    return Products(np.array(given, dtype=np.float64), of.mean, powers)


@dataclass(frozen=True)
class Model:
    """Everything from probabilities to outcomes; a call evaluates draws `first` to `first + count`.

    `places` has what each outcome is (flow, difference or stock) and its layer. `of_measured` picks the flows of the
    system out of those that the equations give, (measured,); `weights` make outcomes out of all variables of the
    system, (outcomes, variables), `of_stocks` out of flows and stocks as the equations give them, (outcomes, given).
    """

    places: tuple[tuple[str, str], ...]
    space: Space
    products: Products
    estimator: ensemble.Estimator
    of_measured: Indices
    weights: Matrix
    of_stocks: Matrix
    seed: int

    def __call__(self, first: int, count: int) -> Matrix:
        """Return outcomes by draws, in t; the last row tells whether a bound held the draw."""
        values = self.space.draw(probabilities(self.space.width, self.seed, first, count))
        given = self.products(values)
        reconciled, at_bound = self.estimator.bounded(given[self.of_measured])
        return np.vstack([self.outcomes(given, reconciled), at_bound])

    def outcomes(self, given: Matrix, reconciled: Matrix) -> Matrix:
        """Return outcomes by draws, from what the equations give and what the balances make of it."""
        return np.asarray(self.weights @ reconciled + self.of_stocks @ given)

    def without_bounds(self, values: Matrix) -> Matrix:
        """Return outcomes by draws as if there were no bounds, from values of the inputs by draws."""
        given = self.products(values)
        return self.outcomes(given, self.estimator.unbounded(given[self.of_measured]))

    def within_bounds(self, values: Matrix) -> Matrix:
        """Return outcomes by draws within the bounds, from values of the inputs by draws."""
        given = self.products(values)
        return self.outcomes(given, self.estimator.bounded(given[self.of_measured])[0])

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the outcomes."""
        return tuple(accounts.name_of(*place) for place in self.places)

    @property
    def row_names(self) -> tuple[str, ...]:
        """Names of the rows of a call."""
        return (*self.names, AT_BOUND)

    @property
    def gradient(self) -> pd.DataFrame:
        """What each outcome changes by with each input, at the means and without bounds."""
        slope = self.products.gradient
        through = self.weights @ self.estimator.matrix @ slope[self.of_measured] + self.of_stocks @ slope
        return pd.DataFrame(through, index=list(self.names), columns=list(self.space.names))

    @property
    def first_order(self) -> pd.DataFrame:
        """The mean and covariance that follow to first order: columns mean and sd, by outcome."""
        slope = self.gradient.to_numpy()
        sd = np.sqrt(np.einsum("ij,jk,ik->i", slope, self.space.covariance, slope, optimize=True))
        mean = self.without_bounds(self.space.mean[:, None])[:, 0]
        return pd.DataFrame({"mean": mean, "sd": sd}, index=list(self.names))


def model(seed: int) -> Model:
    """Return the model of the whole system: outcomes are all flows by layer and in sum, differences, and stocks."""
    problem, of, given = accounts.system().problem(), space(), given_t()
    rows = pd.Index([accounts.name_of(*place) for place in given.index])
    made = _outcomes()
    weight = pd.DataFrame(list(made.values())).fillna(0.0)
    of_stocks = weight.drop(columns=list(problem.names)).reindex(columns=rows, fill_value=0.0)
    return Model(
        tuple(made),
        of,
        products(of, given),
        ensemble.estimator(problem),
        rows.get_indexer(pd.Index(problem.names)[problem.measured]),
        weight[list(problem.names)].to_numpy(),
        of_stocks.to_numpy(),
        seed,
    )


def _outcomes() -> dict[tuple[str, str], dict[str, float]]:
    """Return for each outcome and layer the weights of the flows, or of the stocks, that it is made of, by name."""
    layers = estimates.layers_of(estimates.flows().index)
    magnet_trade, in_use = picture.stages()["magnets"], estimates.stock_outcomes()
    signs = dict.fromkeys(magnet_trade["imports"], 1.0) | dict.fromkeys(magnet_trade["exports"], -1.0)
    composed = {NET_IMPORT: signs} | {label: dict.fromkeys(stocks, 1.0) for label, stocks in in_use.items()}
    made = {(flow, layer): {accounts.name_of(flow, layer): 1.0} for flow, own in layers.items() for layer in own}
    for label, weights in composed.items():
        for layer in estimates.ELEMENTS:
            made[label, layer] = {accounts.name_of(flow, layer): weight for flow, weight in weights.items()}
    for label in [*(flow for flow, own in layers.items() if len(own) > 1), *composed]:
        made[label, accounts.FOUR] = {
            name: weight for layer in estimates.ELEMENTS for name, weight in made[label, layer].items()
        }
    return made
