"""Can transfer coefficients and concentrations be shares?

A share is at most one, and the shares of all that leaves a process without a stock add up to one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from magnetflow.errors import InputError
from magnetflow.flows.records import ONLY, Figure, Place, fault
from magnetflow.flows.spread import SPREADS
from magnetflow.inference.problem import listed
from magnetflow.tables.sheets import shown
from magnetflow.tables.units import conversion_factor

if TYPE_CHECKING:
    from magnetflow.flows.system import Figures, System

LARGEST_SD = 0.5  # that of a share which is either nothing or the whole
FAR = 3.0  # standard deviations beyond which a measured share is over one by more than its error
ROUNDING = 0.02  # by which rounded shares may miss one at most
SAME = 1e-9


def check_concentration(system: System, layer: str, figure: Figure, of: str) -> None:
    """Raise for a concentration of more than one, where layer and goods are counted in units of one kind."""
    unit, of_goods = system.unit(layer), system.unit(system.goods)
    factor = 1.0
    if unit and of_goods:
        try:
            ratio = conversion_factor(unit, of_goods)
        except InputError:
            return  # as of energy in a mass, of which there is no limit
        factor = ratio * figure.factor(f"({unit})/({of_goods})")
    _check_share(figure, factor, f"all of the {system.goods}", "give its unit, such as %", of)


def _check_share(figure: Figure, factor: float, whole: str, cure: str, of: str) -> None:
    """Raise for a figure that, times `factor`, is more than the whole; a measured one, beyond its error."""
    error = 0.0 if math.isnan(figure.sd) else FAR * figure.sd
    if (figure.value - error) * factor > 1.0 + SAME:
        raise fault(figure.row, f"{figure.value:g} is more than {whole}; {cure}", "value", of)
    if figure.sd * factor > LARGEST_SD:
        column = next((name for name in SPREADS if figure.row and figure.row.optional(name)), "sd")
        problem = f"an sd of {figure.sd:g} is more than a share of {whole} can have"
        raise fault(figure.row, f"{problem}; write 2 points of per cent as 0.02", column, of)
    for column, bound in (("lower", figure.lower), ("upper", figure.upper)):
        if bound * factor > 1.0 + SAME:
            raise fault(figure.row, f"{bound:g} is more than {whole}; {cure}", column, of)


def scaled(system: System) -> tuple[Figures, list[str]]:
    """Return the transfer coefficients, scaled to one where rounding alone keeps them from it, and notes on that.

    Raises InputError, or TableError with the row, for a coefficient above one, for exact ones that miss one by more
    than the rounding of their digits, and for measured ones that could be met only by nothing entering.
    """
    coefficients, notes = dict(system.transfer_coefficients), []
    groups: dict[tuple[str, Place], list[str]] = {}
    for (flow, place), figure in coefficients.items():
        _check_share(figure, 1.0, "what enters", "write 28 % as 0.28", f"transfer coefficient of {flow}")
        groups.setdefault((system.flows[flow].source, place), []).append(flow)
    for (process, place), flows in groups.items():
        if system.processes[process].stock or not system.processes[process].balances(_layer(system, place)):
            continue
        figures = [coefficients[flow, place] for flow in flows]
        exact = [figure.value for figure in figures if math.isnan(figure.sd) and not math.isnan(figure.value)]
        total, is_whole = sum(exact), set(flows) >= _leaving(system, process, place)
        misses = is_whole and len(exact) == len(flows) and abs(total - 1.0) > SAME
        of = f"the transfer coefficients from {shown(process)}"
        if misses and _is_rounding(exact):
            for flow, figure in zip(flows, figures, strict=True):
                coefficients[flow, place] = replace(figure, value=figure.value / total)
            notes.append(f"{of} add up to {total:.6g} and are scaled to add up to 1: {listed(flows)}")
        elif misses or total > 1.0 + SAME:
            problem = f"{of} add up to {total:g}, and none has an sd"
            raise fault(figures[-1].row, f"{problem}; mend one so that they add up to 1", "value", flows[-1])
        elif is_whole:
            _check_inflow(system, process, place, figures)
    return coefficients, notes


def _layer(system: System, place: Place) -> str:
    return place.layer or (system.goods if system.goods in system.layers else ONLY)


def _leaving(system: System, process: str, place: Place) -> set[str]:
    """Return the flows that leave a process in a layer, in a period or in any."""
    periods = [place.period] if place.period else system.flow_periods
    places = [Place(period, _layer(system, place)) for period in periods]
    return {flow for flow in system.leaving[process] if any(system.exists(flow, each) for each in places)}


def _is_rounding(values: Sequence[float]) -> bool:
    """Tell whether values could add up to one before they were rounded to the digits that they have."""
    digits = max(-int(Decimal(repr(float(value))).as_tuple().exponent) for value in values)
    miss = abs(sum(values) - 1.0)
    return miss < min(len(values) * 0.5 * 10.0**-digits * (1.0 - SAME), ROUNDING * (1.0 + SAME))


def _check_inflow(system: System, process: str, place: Place, figures: Sequence[Figure]) -> None:
    """Raise where it takes less to set what enters to zero than to make measured coefficients add up to one.

    There the balances are met at zero whatever the coefficients are, and no standard deviation has a meaning.
    """
    miss = sum(figure.value for figure in figures) - 1.0
    variance = sum(figure.sd**2 for figure in figures if not math.isnan(figure.sd))
    if not abs(miss) > SAME or not variance > 0.0:
        return
    periods = [place.period] if place.period else system.flow_periods
    entering = [
        system.figures.get((flow, Place(period, _layer(system, place))), Figure())
        for flow in system.entering[process]
        for period in periods
    ]
    values, sds = (np.array([getattr(figure, name) for figure in entering]) for name in ("value", "sd"))
    if np.isnan(values).any() or not np.isfinite(sds).any():
        return
    moved = np.where(np.isnan(sds), np.where(values == 0.0, 0.0, np.inf), values / np.where(np.isnan(sds), 1.0, sds))
    if float((moved**2).sum()) <= miss**2 / variance:
        problem = (
            f"what enters {shown(process)} is zero within its error, and the shares of it add up to {1 + miss:g}"
        )
        cure = "mend one so that they add up to 1, or leave one empty"
        raise fault(figures[-1].row, f"{problem}, so that nothing could flow; {cure}", "value", process)
