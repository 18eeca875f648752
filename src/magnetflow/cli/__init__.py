"""What does one type? The console command `magnetflow`.

Exit codes: 0 done; 2 the input is wrong, told in one line; 1 a fault of ours.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from magnetflow import __version__

Told = Callable[[], dict[str, Any]]
Text = Callable[[], str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    # Threads of the linear algebra gain nothing on systems of this size, and lose much on a busy machine.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a sign gets its code, not a traceback
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Imported only now, so that a mistyped command is told at once.
    from magnetflow.errors import BuildError, InputError, ResultError

    try:
        return {"build": _build, "reconcile": _reconcile, "recovery": _recovery}[options.command](options)
    except InputError as error:
        print(f"magnetflow: {error}", file=sys.stderr)
        return 2
    except (BuildError, ResultError) as error:
        print(f"magnetflow: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("magnetflow: stopped; what stood before stands", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="magnetflow", description="Flows, uncertainty and recovery of rare earths.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("build", help="build the book in _build/html")
    making.add_argument("--years", type=_years, help="years of the flows, such as 2017-2021")
    making.add_argument("--elements", type=lambda text: text.split(","), help="elements, such as Nd,Dy")
    making.add_argument("--seed", type=int, help="seed of every random draw")
    adjusting = commands.add_parser("reconcile", help="reconcile the system or the equations in a folder")
    adjusting.add_argument("folder", type=Path, help="a folder of CSV files, or an .xlsx workbook")
    adjusting.add_argument("--out", type=Path, help="where the results go; the folder itself unless told")
    adjusting.add_argument("--no-bounds", action="store_true", help="let every variable take any value")
    adjusting.add_argument("--eliminate", action="store_true", help="take out suspects until the test passes")
    recovering = commands.add_parser("recovery", help="balance a batch of a recovery route")
    routes = recovering.add_subparsers(dest="route", required=True)
    chlorinating = routes.add_parser("ssc", help="solid-state chlorination; ideal unless conditions are set")
    chlorinating.add_argument("--boron", choices=["inert", "bcl3", "bn"], default="inert", help="in the kiln")
    leaching = routes.add_parser("sene", help="electrochemical leaching; ideal unless conditions are set")
    leaching.add_argument("--selective", action="store_true", help="only the rare earths dissolve")
    leaching.add_argument("--divided", action="store_true", help="a membrane: ammonium chloride in place of acid")
    for one in (chlorinating, leaching):
        one.add_argument("--magnet-kg", type=float, default=200.0, help="mass of magnets in a batch")
        one.add_argument("--composition", choices=["Nd2Fe14B", "hdd"], default="Nd2Fe14B")
        one.add_argument("--case", choices=["ideal", "central"], default="ideal", help="losses: none, or central")
        one.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="one condition, such as conversion.Fe=0.6",
        )
        one.add_argument("--json", action="store_true", help="print JSON and nothing else")
    return parser


def _years(text: str) -> list[int]:
    """Read `2017-2021`, or a single year."""
    first, dash, last = text.partition("-")
    years = list(range(int(first), int(last if dash else first) + 1))
    if not years:
        raise argparse.ArgumentTypeError(f"{text} holds no year")
    return years


def _reconcile(options: argparse.Namespace) -> int:
    """Reconcile what a folder holds, write the results and tell the outcome."""
    import numpy as np

    from magnetflow.flows.folder import read
    from magnetflow.inference import report
    from magnetflow.inference.reconcile import eliminate_serially, reconcile

    problem = read(options.folder)
    with np.errstate(all="ignore"):  # what is not finite ends as an error of its own
        result = reconcile(problem.without_bounds() if options.no_bounds else problem)
        result, steps = eliminate_serially(result) if options.eliminate else (result, [])
    folder = options.out or (options.folder if options.folder.is_dir() else options.folder.parent)
    report.write(result, folder, steps)
    print(report.summary(result, steps))
    print(f"{report.TABLE} and {report.REPORT} are in {folder}.")
    return 0


def _recovery(options: argparse.Namespace) -> int:
    """Balance a batch and print its stream table, or JSON alone."""
    import json

    from magnetflow.errors import ProcessError

    unread = [text for text in options.set if "=" not in text]
    if unread:
        raise ProcessError(f"--set {unread[0]} has no value; write NAME=VALUE, such as conversion.Fe=0.6")
    settings = dict(text.split("=", 1) for text in options.set)
    told, text = (_chlorination if options.route == "ssc" else _electrolysis)(options, settings)
    print(json.dumps(told(), indent=2, sort_keys=True) if options.json else text())
    return 0


def _chlorination(options: argparse.Namespace, settings: dict[str, str]) -> tuple[Told, Text]:
    """Return a batch by solid-state chlorination, as data and as text."""
    from dataclasses import replace

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
    what = f"{conditions.magnet_kg:g} kg of magnets ({options.composition})"
    title = f"{what}, boron {options.boron}, {options.case} case"
    return lambda: report.as_json(solved, conditions), lambda: report.as_text(solved, conditions, title)


def _electrolysis(options: argparse.Namespace, settings: dict[str, str]) -> tuple[Told, Text]:
    """Return a batch by electrochemical leaching, as data and as text."""
    from dataclasses import replace

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
    of_cell = {name: text for name, text in settings.items() if name in electroleach.LIMITS}
    rest = {name: text for name, text in settings.items() if name not in of_cell}
    known = [name for name in electroleach.LIMITS if options.divided or name != "salt_ratio"]
    known += [name for name in LIMITS if name not in OF_KILN]
    unknown = [name for name in settings if name not in known and not name.startswith("conversion.")]
    if unknown:
        where = "a divided cell" if options.divided else "a cell without a membrane"
        told = f"there are {', '.join(known)} and conversion.METAL"
        raise ProcessError(f"{unknown[0]!r} is no condition of {where}; {told}")
    batch = sene.electrochemical_leaching(conditions.with_(rest), cell.with_(of_cell))
    words = ["selective" if options.selective else "non-selective", "divided" if cell.divided else "undivided"]
    what = f"{batch.conditions.magnet_kg:g} kg of magnets ({options.composition})"
    title = f"{what}, {', '.join(words)}, {options.case} case"
    return lambda: report.cell_json(batch), lambda: report.cell_text(batch, title)


def _build(options: argparse.Namespace) -> int:
    """Build the book of the compendium that the working directory lies in."""
    from magnetflow import tables
    from magnetflow.book.build import DEFAULT_PARAMETERS, build
    from magnetflow.studies.united_kingdom import parameters

    root = tables.find_data().parent
    given = {name: getattr(options, name) for name in DEFAULT_PARAMETERS if getattr(options, name) is not None}
    if given:
        wanted = DEFAULT_PARAMETERS | given
        parameters.check(wanted["years"], wanted["elements"])
    front = build(root, given)
    print(f"The book is in {Path(front).relative_to(root)}: open it in a browser, no server needed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
