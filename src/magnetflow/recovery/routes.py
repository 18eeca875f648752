"""Which routes of recovery are there, and what does a batch of magnets become by each?

Both are models, made here, of the concept of NEO-CYCLE. Solid-state chlorination: crushing, kiln, gas treatment,
leach, oxalate, calcination, oxidation, boron, and the ammonium chloride back to the kiln. Electrochemical leaching: a
cell in place of kiln and leach; without a membrane the salt that ends the route is sold, with one it goes back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from magnetflow.errors import ProcessError
from magnetflow.recovery.plant.batch import Batch, run
from magnetflow.recovery.plant.conditions import (
    Conditions,
    check_limits,
    of_kiln,
    parameters,
    settable,
    with_settings,
)
from magnetflow.recovery.plant.flowsheet import Streams, Unit
from magnetflow.recovery.stages import electroleach, iron, kiln, leach, salt
from magnetflow.recovery.stages.electroleach import Electrolysis


def _magnets(conditions: Conditions, *_: Any) -> Streams:
    return {"magnets": kiln.magnets(conditions)}


@dataclass(frozen=True)
class Route:
    """A route: its short name, a line about it, the units that conditions ask for, and the types of the conditions.

    `units`, `feeds` and `unused` are called with one set of conditions of each type. `unused` gives the names of
    those that change nothing as the others are set: they cannot be set by name, and no report lists them.
    """

    name: str
    about: str
    units: Callable[..., list[Unit]]
    conditions: Sequence[type] = (Conditions,)
    feeds: Callable[..., Streams] = _magnets
    unused: Callable[..., Collection[str]] = lambda *_: ()


def _chlorination(conditions: Conditions) -> list[Unit]:
    return [
        *kiln.units(conditions),
        *leach.units(conditions),
        *iron.oxalate_units(conditions),
        *iron.iron_units(conditions, ["ammonia_liquor"]),
        *salt.units(conditions, "nh4cl_recycled"),
    ]


def _electrolysis(conditions: Conditions, cell: Electrolysis) -> list[Unit]:
    return [
        *electroleach.units(conditions, cell),
        leach.residue_filter(conditions, ["Fe(s)", "B(s)"]),
        *iron.oxalate_units(conditions),
        *iron.iron_units(conditions, ["ammonia_liquor"] if cell.divided else []),
        *salt.units(conditions, "nh4cl_recycled" if cell.divided else "nh4cl_product"),
    ]


_ROUTES: dict[str, Route] = {}


def register(route: Route) -> None:
    """Add a route. Raises ProcessError for a name that is taken."""
    if route.name in _ROUTES:
        raise ProcessError(f"there is a route {route.name} already; name the other one anew")
    _ROUTES[route.name] = route


def _unused_in_kiln(conditions: Conditions) -> set[str]:
    return {"boron_reacted"} if conditions.boron == "inert" else set()


def _unused_in_cell(_: Conditions, cell: Electrolysis) -> set[str]:
    return of_kiln() | electroleach.unused(cell)


register(Route("ssc", "solid-state chlorination", _chlorination, unused=_unused_in_kiln))
register(Route("sene", "electrochemical leaching", _electrolysis, (Conditions, Electrolysis), unused=_unused_in_cell))


def registered() -> Mapping[str, Route]:
    """Return the routes by name, in the order in which they were registered."""
    return dict(_ROUTES)


def balance(name: str, *conditions: Any) -> Batch:
    """Return the batch that a route makes, in the steady state of its loops.

    `conditions` are of the types that the route names, in any order; those left out are ideal.
    Raises ProcessError for an unknown route, for conditions that the route does not take, and for what cannot be.
    """
    route = _named(name)
    given = {type(one): one for one in conditions}
    strangers = [kind.__name__ for kind in given if kind not in route.conditions]
    if strangers or len(given) < len(conditions):
        takes = " and ".join(kind.__name__ for kind in route.conditions)
        raise ProcessError(f"route {name} takes {takes}, each once; found {', '.join(strangers) or 'one twice'}")
    complete = [given.get(kind) or kind() for kind in route.conditions]
    for one in complete:
        check_limits(one)
    unused = route.unused(*complete)
    listed = [parameter for one in complete for parameter in parameters(one, unused)]
    return run(name, route.units(*complete), route.feeds(*complete), listed)


def changed(name: str, conditions: Sequence[Any], settings: Mapping[str, str]) -> list[Any]:
    """Return conditions of a route with some of them given as text, such as `conversion.Fe` = `0.6`.

    Raises ProcessError for a name that is no condition of the route, or a text that is no number.
    """
    unused = _named(name).unused(*conditions)
    known = [settable(one, unused) for one in conditions]
    for setting in settings:
        if not any(setting in names for names in known):
            there = ", ".join(each for names in reversed(known) for each in names)
            raise ProcessError(f"{setting!r} is no condition of {name} as it stands; there are {there}")
    return [
        with_settings(one, {setting: text for setting, text in settings.items() if setting in names})
        for one, names in zip(conditions, known, strict=True)
    ]


def _named(name: str) -> Route:
    if name not in _ROUTES:
        raise ProcessError(f"{name!r} is no route; there are {', '.join(_ROUTES)}")
    return _ROUTES[name]
