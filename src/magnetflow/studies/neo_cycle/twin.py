"""Which charge, temperatures, dose and purge serve recovery, reagents or cost best?

The twin joins the balances of a batch to equilibria of the oxalate and to rates in the kiln that are assumed; what it
finds is the shape of the trade-off and the order of what matters, not a set point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from magnetflow import tables
from magnetflow.arrays import Vector
from magnetflow.errors import ProcessError
from magnetflow.inference.draws.space import probabilities
from magnetflow.recovery import routes
from magnetflow.recovery.chemistry.reactions import metals
from magnetflow.recovery.plant.batch import Batch
from magnetflow.recovery.plant.conditions import Conditions
from magnetflow.recovery.stages import kiln as chlorination
from magnetflow.recovery.stages import leach as leaching
from magnetflow.recovery.stages import oxalate
from magnetflow.recovery.stages.kiln import Rates, bake
from magnetflow.studies.neo_cycle import plant
from magnetflow.studies.neo_cycle.draws import recovery

HOURS_A_HOLD = 2.0
# What can be chosen, and between which limits.
DECISIONS = {
    "nh4cl_ratio": (0.2, 1.5),
    "first_hold_c": (300.0, 400.0),
    "second_hold_c": (300.0, 600.0),
    "oxalic_ratio": (1.0, 1.6),
    "purge": (0.005, 0.1),
}
LOWS, HIGHS = np.array(list(DECISIONS.values())).T
# Outcomes that can be aimed at, with the sign that makes the best one the smallest.
AIMS = {"recovery": -1.0, "reagents": 1.0, "cost": 1.0, "margin": -1.0}


@dataclass(frozen=True)
class Plan:
    """One set of decisions, named and limited as in DECISIONS."""

    nh4cl_ratio: float
    first_hold_c: float
    second_hold_c: float
    oxalic_ratio: float
    purge: float


def rates(bound: str = "central") -> Rates:
    """Return the assumed rates of the kiln at one end of their ranges or in the middle."""
    table = tables.read("kiln_kinetics").query("bound == @bound").set_index("quantity")["value"]
    return Rates(
        rare_earths=float(table["rate of rare earths at 350 °C"]),
        iron=float(table["rate of iron at 350 °C"]),
        escape=float(table["rate of escape of salt at 350 °C"]),
        activation_j=1000 * float(table["activation energy of chlorination"]),
        activation_of_escape_j=1000 * float(table["activation energy of escape"]),
    )


class Twin:
    """A batch of magnets with its rates and prices; `evaluate` works out what a plan comes to."""

    def __init__(self, base: Conditions, kiln_rates: Rates, price: Mapping[str, float]) -> None:
        """Work out what the metals of the batch take of the salt."""
        self.base, self.rates, self.price = base, kiln_rates, price
        crushed = chlorination.magnets(base) * (1 - base.dust)
        apart = chlorination.elements_apart(crushed)
        self.needed = {metal: apart.of(f"{metal}(s)") * chlorination.salt_for_each(metal) for metal in metals()}
        self.full_salt_mol = chlorination.ammonium_chloride_demand_mol(crushed, base.boron)
        self.oxidised = plant.facts()["oxidised iron in the leach liquor"]

    def conditions(self, plan: Plan) -> Conditions:
        """Return the conditions of a batch under a plan: conversions by the rates, oxalate by its equilibria."""
        schedule = [(plan.first_hold_c, HOURS_A_HOLD), (plan.second_hold_c, HOURS_A_HOLD)]
        baked = bake(schedule, plan.nh4cl_ratio * self.full_salt_mol, self.needed, self.rates)
        of_kiln = replace(
            self.base,
            nh4cl_ratio=plan.nh4cl_ratio,
            conversion=baked.conversion,
            kiln_temperature_c=max(plan.first_hold_c, plan.second_hold_c),
            oxalic_ratio=plan.oxalic_ratio,
            purge=plan.purge,
        )
        dosed = oxalate.dose(leaching.liquor_of_first_batch(of_kiln), plan.oxalic_ratio, self.oxidised)
        return replace(of_kiln, rare_earths_precipitated=dosed.rare_earths, iron_with_oxalate=dosed.iron)

    def evaluate(self, plan: Plan) -> dict[str, float]:
        """Return recovery and purity, %, reagents, kg, and cost, USD, a kg of oxides, and margin, USD a batch.

        Heat that a kiln gives off is not credited against what the crystalliser takes: nothing brings it there.
        """
        conditions = self.conditions(plan)
        batch = routes.balance("ssc", conditions)
        made, bought = batch.products()["oxide"], bought_kg(batch)
        oxides = sum(made.values())
        heat = batch.energy_kwh("heat")
        cost = sum(mass * self.price[name] for name, mass in bought.items()) + heat * self.price["heat"]
        value = sum(mass * self.price[oxide] for oxide, mass in made.items())
        return {
            "recovery": recovery(batch),
            "purity": 100 * batch.purity()["oxide"],
            "reagents": sum(bought.values()) / oxides,
            "cost": cost / oxides,
            "margin": value - cost,
        }


def bought_kg(batch: Batch) -> dict[str, float]:
    """Return the reagents that have a price, kg by formula; water, air and nitrogen have none here."""
    return {name: mass for name, mass in batch.reagents_kg().items() if name not in ("H2O", "O2", "N2")}


def plan_at(point: Vector) -> Plan:
    """Return the plan at a point of the unit cube (decisions,), in the order of DECISIONS."""
    return Plan(*(LOWS + (HIGHS - LOWS) * np.clip(point, 0, 1)).tolist())


def survey(twin: Twin, count: int, seed: int) -> pd.DataFrame:
    """Return plans spread over all limits by Sobol points, each with what it comes to."""
    rows = []
    for point in probabilities(len(DECISIONS), seed, 0, count).T:
        plan = plan_at(point)
        rows.append(asdict(plan) | twin.evaluate(plan))
    return pd.DataFrame(rows)


def best(twin: Twin, aim: str, surveyed: pd.DataFrame, steps: int) -> pd.Series[float]:
    """Return the best plan for an aim: the best of a survey, improved in `steps` by the simplex of Nelder and Mead.

    Raises ProcessError for an aim that is not among AIMS.
    """
    if aim not in AIMS:
        raise ProcessError(f"{aim!r} is no aim; take one of {', '.join(AIMS)}")
    sign = AIMS[aim]
    start = surveyed.iloc[int(np.argmin(sign * surveyed[aim]))]
    scale = abs(float(start[aim])) or 1.0

    def loss(point: Vector) -> float:
        outside = float(np.abs(point - np.clip(point, 0, 1)).sum())
        return sign * twin.evaluate(plan_at(point))[aim] / scale + outside

    at = (start[list(DECISIONS)].to_numpy(dtype=float) - LOWS) / (HIGHS - LOWS)
    found = minimize(loss, at, method="Nelder-Mead", options={"maxfev": steps})
    plan = plan_at(found.x if found.fun < loss(at) else at)
    return pd.Series(asdict(plan) | twin.evaluate(plan))


def front(surveyed: pd.DataFrame, gain: str, price: str) -> pd.DataFrame:
    """Return the plans that no other beats in both: more of `gain` and less of `price`, in order of gain."""
    ordered = surveyed.sort_values([gain, price], ascending=[False, True])
    return ordered[ordered[price] <= ordered[price].cummin()].sort_values(gain)
