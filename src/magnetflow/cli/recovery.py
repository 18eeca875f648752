"""`magnetflow recovery`: a batch of magnets by one of the recovery routes."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import Any


def add_to(commands: Any) -> None:
    """Add the command, a subcommand for each route and their arguments to the subparsers of `magnetflow`."""
    parser = commands.add_parser("recovery", help="balance a batch of a recovery route")
    parser.set_defaults(run=run)
    routes = parser.add_subparsers(dest="route", required=True)
    chlorinating = routes.add_parser("ssc", help="solid-state chlorination; ideal unless conditions are set")
    chlorinating.set_defaults(balance=_chlorination)
    chlorinating.add_argument("--boron", choices=["inert", "bcl3", "bn"], default="inert", help="in the kiln")
    leaching = routes.add_parser("sene", help="electrochemical leaching; ideal unless conditions are set")
    leaching.set_defaults(balance=_electrolysis)
    leaching.add_argument("--selective", action="store_true", help="only the rare earths dissolve")
    leaching.add_argument("--divided", action="store_true", help="a membrane: ammonium chloride in place of acid")
    setting = "one condition, such as conversion.Fe=0.6"
    for one in (chlorinating, leaching):
        one.add_argument("--magnet-kg", type=float, default=200.0, help="mass of magnets in a batch")
        one.add_argument("--composition", choices=["Nd2Fe14B", "hdd"], default="Nd2Fe14B")
        one.add_argument("--case", choices=["ideal", "central"], default="ideal", help="losses: none, or central")
        one.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=setting)
        one.add_argument("--json", action="store_true", help="print JSON and nothing else")


def run(options: argparse.Namespace) -> None:
    """Balance a batch and print its stream table, or JSON alone. Raises ProcessError for wrong conditions."""
    from magnetflow.errors import ProcessError

    unread = [text for text in options.set if "=" not in text]
    if unread:
        raise ProcessError(f"--set {unread[0]} has no value; write NAME=VALUE, such as conversion.Fe=0.6")
    result = options.balance(options, dict(text.split("=", 1) for text in options.set))
    print(result if isinstance(result, str) else json.dumps(result, indent=2, sort_keys=True))


def _chlorination(options: argparse.Namespace, settings: dict[str, str]) -> dict[str, Any] | str:
    """Return a batch by solid-state chlorination, as plain data or as text."""
    from magnetflow.recovery import report, route
    from magnetflow.recovery.plant.conditions import Conditions
    from magnetflow.studies.neo_cycle import plant

    conditions = replace(
        plant.conditions() if options.case == "central" else Conditions(),
        magnet_kg=options.magnet_kg,
        composition=plant.composition(options.composition),
        boron=options.boron,
    ).with_(settings)
    solved = route.solid_state_chlorination(conditions)
    if options.json:
        return report.as_json(solved, conditions)
    title = f"{_magnets(options, conditions.magnet_kg)}, boron {options.boron}, {options.case} case"
    return report.as_text(solved, conditions, title)


def _electrolysis(options: argparse.Namespace, settings: dict[str, str]) -> dict[str, Any] | str:
    """Return a batch by electrochemical leaching, as plain data or as text."""
    from magnetflow.errors import ProcessError
    from magnetflow.recovery import report, sene
    from magnetflow.recovery.plant.conditions import LIMITS, OF_KILN, Conditions
    from magnetflow.recovery.stages import electroleach
    from magnetflow.studies.neo_cycle import plant
    from magnetflow.studies.neo_cycle.cell import electrolysis

    conditions, cell = Conditions(), electroleach.Electrolysis()
    if options.case == "central":
        conditions, cell = electrolysis.plant_conditions()
    conditions = replace(conditions, magnet_kg=options.magnet_kg, composition=plant.composition(options.composition))
    cell = replace(cell, divided=options.divided)
    if options.selective:
        conditions, cell = sene.selective(conditions), replace(cell, boron_oxidised=0.0)
    known = [name for name in electroleach.LIMITS if options.divided or name != "salt_ratio"]
    known += [name for name in LIMITS if name not in OF_KILN]
    unknown = [name for name in settings if name not in known and not name.startswith("conversion.")]
    if unknown:
        where = "a divided cell" if options.divided else "a cell without a membrane"
        there = f"there are {', '.join(known)} and conversion.METAL"
        raise ProcessError(f"{unknown[0]!r} is no condition of {where}; {there}")
    of_cell = {name: settings.pop(name) for name in electroleach.LIMITS if name in settings}
    batch = sene.electrochemical_leaching(conditions.with_(settings), cell.with_(of_cell))
    if options.json:
        return report.cell_json(batch)
    kind = f"{'selective' if options.selective else 'non-selective'}, {'divided' if cell.divided else 'undivided'}"
    return report.cell_text(batch, f"{_magnets(options, batch.conditions.magnet_kg)}, {kind}, {options.case} case")


def _magnets(options: argparse.Namespace, magnet_kg: float) -> str:
    return f"{magnet_kg:g} kg of magnets ({options.composition})"
