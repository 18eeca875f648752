"""At which current and acidity should the cell run, how sure is that, and where does it stop working?

Costs are those that current and acidity move: electricity, electrodes, and the acid that stays free in the liquor
with the ammonia that binds it later. What the dissolving itself takes is the same everywhere and left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import brentq, minimize
from scipy.stats import triang

from magnetflow.arrays import Array, Mask, Vector
from magnetflow.errors import ProcessError
from magnetflow.inference.draws.space import probabilities
from magnetflow.recovery.cell.operation import ln_saturation
from magnetflow.recovery.cell.steady import currents_a_m2
from magnetflow.recovery.chemistry.reactions import reactions
from magnetflow.recovery.chemistry.species import molar_mass_kg
from magnetflow.recovery.plant.units import charge_for
from magnetflow.studies.neo_cycle.cell import electrolysis
from magnetflow.studies.neo_cycle.cell.electrolysis import Point, alloy_mol_m3
from magnetflow.studies.neo_cycle.cell.quick import HALF_REACTIONS, OF_POINT, Quick, quick
from magnetflow.studies.neo_cycle.plant import prices

PLATED = 0.1  # share of the current that plates iron, at which a cell no longer does its work
LIMIT_FOUND = 3e-3  # part of a limiting current to which it is found
CURRENTS_A_M2 = (5.0, 6000.0)  # between which limits and the optimum are looked for
ACIDITIES = (0.0, 3.0)
OF_COST = {"area_cost": "area_cost_usd_m2_a", "hours": "hours_a_year", "water": "water_ratio"}  # by short names
LABELS = {
    "gap": "gap",
    "layer": "diffusion layer",
    "support": "supporting salt",
    "mobility": "mobility of ions",
    "area_cost": "cost of electrodes",
    "hours": "running time",
    "water": "water of the liquor",
    "i_a": "exchange current of the magnet",
    "t_a": "transfer coefficient of the magnet",
    "i_h": "exchange current of hydrogen",
    "t_h": "transfer coefficient of hydrogen",
    "i_w": "exchange current of water",
    "t_w": "transfer coefficient of water",
    "i_f": "exchange current of iron",
    "t_f": "transfer coefficient of iron",
    "electricity": "price of electricity",
}


class Outcome(NamedTuple):
    """What a cell comes to; each of the shape of its inputs."""

    cell: Quick
    net: Array  # share of the current that brings magnet into solution, less iron that is plated again
    energy_kwh_kg: Array
    rate_kg_m2_h: Array
    cost_usd_kg: Array

    @property
    def works(self) -> Mask:
        """Return whether magnet goes into solution and no hydroxide precipitates."""
        return (self.net > 0) & (self.cell.saturation < 0)


@cache
def charge_ah_per_kg() -> float:
    """Return the charge that dissolves a kilogram of the alloy, boron included, Ah."""
    return charge_for(reactions()["anode_alloy_boron"], "Nd2Fe14B(s)", 1.0) / 3600


def central() -> dict[str, float | Array]:
    """Return the inputs of the surrogate and of the costs at their central values."""
    return at_bound("central")


def at_bound(bound: str) -> dict[str, float | Array]:
    """Return every input at one end of its range; what has no range stays central."""
    conditions = electrolysis.conditions(bound)
    names = OF_POINT | OF_COST
    values: dict[str, float | Array] = {short: conditions[names[short]] for short in names if short != "alloy"}
    values["electricity"] = prices()["heat"]  # of the kiln, which is heated by electricity
    values["alloy"] = alloy_mol_m3(values["water"])
    figures = {**electrolysis.figures(), **electrolysis.figures(bound)}
    for letter, name in HALF_REACTIONS.items():
        values[f"i_{letter}"] = figures[name, "exchange current density"]
        values[f"t_{letter}"] = figures[name, "transfer coefficient"]
        at = "anode_Fe" if name == "anode_alloy_boron" else name  # the magnet's is given at the potential of iron
        values[f"e_{letter}"] = figures[at, "standard potential"]
    return values


def outcome(given: Mapping[str, float | Array]) -> Outcome:
    """Return what a cell comes to at inputs by their short names, numbers or arrays."""
    cell = quick({name: value for name, value in given.items() if name not in OF_COST})
    net = cell.dissolving - cell.plating
    energy = cell.voltage_v * charge_ah_per_kg() / 1000 / net
    rate = np.asarray(given["current"]) * net / charge_ah_per_kg()
    return Outcome(cell, net, energy, rate, _cost(given, energy, rate))


def _cost(given: Mapping[str, float | Array], energy_kwh_kg: Array, rate_kg_m2_h: Array) -> Array:
    """Return what electricity, electrodes and free acid with its ammonia cost for a kilogram, USD."""
    free_mol = 10.0 ** -np.asarray(given["ph"]) * np.asarray(given["water"])  # of acid for each kg of magnets
    reagents = sum(prices()[formula] * molar_mass_kg(f"{formula}(aq)") for formula in ("HCl", "NH3"))
    electrodes = np.asarray(given["area_cost"]) / (np.asarray(given["hours"]) * rate_kg_m2_h)
    return np.asarray(np.asarray(given["electricity"]) * energy_kwh_kg + electrodes + free_mol * reagents)


def optimum(given: Mapping[str, float | Array]) -> tuple[float, float, Outcome]:
    """Return the current density and the pH at which a kilogram costs least, and what the cell comes to there.

    From a grid over both, then downhill from its lowest point; a cell in which hydroxide precipitates does not count.
    Raises ProcessError where no cell works, or the optimum lies on the edge of the grid.
    """

    def at(currents: Array | float, ph: Array | float) -> Outcome:
        return outcome({**given, "current": currents, "ph": ph})

    currents, acidities = np.meshgrid(np.geomspace(*CURRENTS_A_M2, 30), np.linspace(*ACIDITIES, 30))
    over = at(currents, acidities)
    costs = np.where(over.works, over.cost_usd_kg, np.inf)
    if not np.any(over.works):
        raise ProcessError("no cell works at any current and acidity that is looked at; change the other inputs")
    lowest = int(np.argmin(costs))

    def cost(x: Vector) -> float:
        cell = at(math.exp(x[0]), float(x[1]))
        return float(cell.cost_usd_kg) if cell.works else math.inf

    begun = np.array([math.log(currents.flat[lowest]), acidities.flat[lowest]])
    found = minimize(cost, begun, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-10})
    current, ph = math.exp(found.x[0]), float(found.x[1])
    if not (CURRENTS_A_M2[0] < current < CURRENTS_A_M2[1] and ACIDITIES[0] < ph < ACIDITIES[1]):
        raise ProcessError(
            f"the cheapest cell lies at {current:g} A/m² and pH {ph:g}, at the edge of what is looked at"
        )
    return current, ph, at(current, ph)


def by_solver(at: Point) -> tuple[float, float, float]:
    """Return voltage, electricity of a kilogram, kWh, and its cost, USD, at a point, by the solver."""
    cell = electrolysis.run(at)
    net = cell.share("anode", "anode_alloy_boron") - cell.share("cathode", "cathode_iron")
    given = central() | {"current": at.current_density_a_m2, "ph": at.ph}
    energy = cell.voltage_v * charge_ah_per_kg() / 1000 / net
    rate = at.current_density_a_m2 * net / charge_ah_per_kg()
    return cell.voltage_v, energy, float(_cost(given, np.asarray(energy), np.asarray(rate)))


def optimum_by_solver() -> tuple[float, float]:
    """Return current density and pH at which a kilogram costs least at central conditions, by the solver.

    Downhill from the optimum of the surrogate.
    """
    current, ph, _ = optimum(central())

    def cost(x: Vector) -> float:
        at = electrolysis.point(current_density_a_m2=math.exp(float(x[0])), ph=float(x[1]))
        return by_solver(at)[2]

    begun = np.array([[math.log(current), ph], [math.log(current) - 0.1, ph], [math.log(current), ph - 0.05]])
    options = {"xatol": 2e-3, "fatol": 1e-6, "initial_simplex": begun}
    found = minimize(cost, begun[0], method="Nelder-Mead", options=options)
    return math.exp(found.x[0]), float(found.x[1])


def sensitivity() -> pd.DataFrame:
    """Return the optimum with each input at its low and its high end, the others central; a row an end."""
    middle, rows = central(), []
    kept_current, kept_ph, _ = optimum(middle)
    for name, label in LABELS.items():
        for bound in ("low", "high"):
            values = dict(middle)
            if name == "electricity":
                values[name] = float(middle[name]) * (0.5 if bound == "low" else 2.0)
            else:
                values[name] = at_bound(bound)[name]
            if values[name] == middle[name]:
                continue
            if name == "water":
                values["alloy"] = alloy_mol_m3(values["water"])
            current, ph, best = optimum(values)
            stay = outcome({**values, "current": kept_current, "ph": kept_ph})
            rows.append((label, bound, current, ph, float(best.cost_usd_kg), float(stay.cost_usd_kg)))
    columns = ["input", "end", "current_a_m2", "ph", "cost_usd_kg", "cost_if_kept_usd_kg"]
    return pd.DataFrame(rows, columns=columns)


def draws(count: int, seed: int) -> dict[str, float | Array]:
    """Return drawn inputs (draws,) of each: triangles about central values, for exchange currents in logarithms."""
    names = [name for name in LABELS if name != "electricity"]
    exchange_currents = {f"i_{letter}" for letter in HALF_REACTIONS}
    low, middle, high = at_bound("low"), central(), at_bound("high")
    values = dict(middle)
    for name, points in zip(names, probabilities(len(names), seed, 0, count), strict=True):
        ends = [float(each[name]) for each in (low, middle, high)]
        logarithmic = name in exchange_currents
        one, two, three = [math.log(end) if logarithmic else end for end in ends]
        drawn = triang.ppf(points, (two - one) / (three - one), one, three - one)
        values[name] = np.exp(drawn) if logarithmic else drawn
    values["alloy"] = alloy_mol_m3(values["water"])
    return values


def limit_a_m2(at: Point, what: str) -> float:
    """Return the current density at which a tenth of the current plates `iron`, or `hydroxide` precipitates.

    By the solver, not the surrogate; infinite where it does not happen up to the highest current looked at.
    """
    if what not in ("iron", "hydroxide") or at.selective:
        raise ProcessError("limits are those of iron and of hydroxide, in a cell where iron dissolves")
    here, solids = electrolysis.setup(at), [electrolysis.solid(name) for name in electrolysis.HYDROXIDES]

    def excess(ln_current: float) -> float:
        current = math.exp(ln_current)
        layer = here.layer(here.cathode, -current)
        if what == "iron":
            return -currents_a_m2(layer)["left"]["cathode_iron"] / current - PLATED
        return max(ln_saturation(layer, solids).values())

    low, high = (math.log(end) for end in CURRENTS_A_M2)
    try:
        top = excess(high)
    except ProcessError:  # more than the ions can carry: what is asked happens before
        top = 1.0
    if top <= 0:
        return math.inf
    if excess(low) >= 0:
        return CURRENTS_A_M2[0]
    return math.exp(float(brentq(excess, low, high, xtol=LIMIT_FOUND)))
