"""`magnetflow recovery`: a batch of magnets by one of the recovery routes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from magnetflow.errors import ProcessError

if TYPE_CHECKING:
    from magnetflow.recovery.plant.batch import Batch

EXAMPLES = (
    "magnetflow recovery ssc --magnet-kg 200",
    "magnetflow recovery sene --composition Nd=0.31,Fe=0.67,B=0.01 --set water_ratio=10 --csv",
)


def add_to(commands: Any) -> None:
    """Add the command, a subcommand for each route and their arguments to the subparsers of `magnetflow`."""
    from magnetflow.recovery.routes import registered

    parser = commands.add_parser("recovery", help="balance a batch of a recovery route")
    parser.set_defaults(run=run)
    routes = parser.add_subparsers(dest="route", required=True)
    for route in registered().values():
        one = routes.add_parser(route.name, help=f"{route.about}; ideal unless conditions are set")
        one.add_argument("--magnet-kg", type=float, default=200.0, help="mass of magnets in a batch")
        composition = "Nd2Fe14B; mass shares, such as Nd=0.3,Fe=0.68,B=0.01; or an assay of data/, such as hdd"
        one.add_argument("--composition", default="Nd2Fe14B", help=composition)
        one.add_argument("--case", choices=["ideal", "central"], default="ideal", help="losses: none, or central")
        for kind in route.conditions:
            _add_options(one, kind, route.unused(*(each() for each in route.conditions)))
        setting = "one condition, such as conversion.Fe=0.6"
        one.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=setting)
        shown = one.add_mutually_exclusive_group()
        shown.add_argument("--json", action="store_true", help="print JSON and nothing else")
        shown.add_argument("--csv", action="store_true", help="print the stream table as CSV and nothing else")


def _add_options(parser: argparse.ArgumentParser, kind: type, unused: Collection[str]) -> None:
    """Add an argument for each choice and each switch among the conditions that a route asks for."""
    for one in fields(kind):
        if "about" in one.metadata and one.name not in unused:
            how: dict[str, Any] = {"action": "store_true"}
            if one.metadata["choices"]:
                how = {"choices": one.metadata["choices"], "default": one.default}
            parser.add_argument(f"--{one.name.replace('_', '-')}", help=one.metadata["about"], **how)


def run(options: argparse.Namespace) -> None:
    """Balance a batch and print its report, stream table or JSON. Raises InputError for wrong conditions."""
    from magnetflow.recovery import report
    from magnetflow.recovery.routes import balance, changed

    settings = _pairs(options.set)
    if "magnet_kg" in settings:
        raise ProcessError("the mass of the magnets has an option of its own; give --magnet-kg")
    batch = balance(options.route, *changed(options.route, _conditions(options), settings))
    if options.json:
        print(json.dumps(report.as_json(batch), indent=2, sort_keys=True))
    elif options.csv:
        print(report.as_csv(batch), end="")
    else:
        print(report.as_text(batch, _title(options, batch)))


def _conditions(options: argparse.Namespace) -> list[Any]:
    """Return the conditions that the route starts from, with the options given."""
    from magnetflow.recovery.routes import registered

    given = vars(options) | {"composition": _composition(options.composition)}
    if options.case == "central":
        from magnetflow.studies.neo_cycle.routes_compared import central_conditions

        start = central_conditions(options.route)
    else:
        start = [kind() for kind in registered()[options.route].conditions]
    named = [{each.name: given[each.name] for each in fields(one) if each.name in given} for one in start]
    return [replace(one, **values) for one, values in zip(start, named, strict=True)]


def _composition(text: str) -> str | dict[str, float]:
    """Return mass shares by element from text such as `Nd=0.3,Fe=0.68`, the alloy, or the assay of a table."""
    from magnetflow.recovery.plant.conditions import ALLOY, number_of

    if "=" in text:
        shares = _pairs(text.split(","))
        return {element: number_of(f"composition of {element}", share) for element, share in shares.items()}
    if text == ALLOY:
        return ALLOY
    from magnetflow.studies.neo_cycle.plant import composition

    return composition(text)


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    """Return values by name from texts such as `purge=0.05`.

    Raises ProcessError for one without a value, and for a name that is given twice.
    """
    values: dict[str, str] = {}
    for text in texts:
        name, is_given, value = text.partition("=")
        if not is_given:
            raise ProcessError(f"{text!r} has no value; write NAME=VALUE, such as conversion.Fe=0.6")
        if name.strip() in values:
            raise ProcessError(f"{name.strip()!r} is given twice; keep one")
        values[name.strip()] = value
    return values


def _title(options: argparse.Namespace, batch: Batch) -> str:
    """Return the line that heads a report: the magnets, the options that are set, and the case."""
    chosen = [one for one in batch.parameters if one.name in vars(options) and one.name != "composition"]
    words = [f"{one.name} {one.value}" if isinstance(one.value, str) else one.name for one in chosen if one.value]
    magnets = f"{options.magnet_kg:g} kg of magnets ({options.composition})"
    return ", ".join([magnets, *(word for word in words if word != "magnet_kg"), f"{options.case} case"])
