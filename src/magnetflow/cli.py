"""What does one type? The console command `magnetflow`.

Exit codes: 0 done; 2 the input is wrong, told in one line; 1 a fault of ours.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from magnetflow import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    # Threads of the linear algebra gain nothing on systems of this size, and lose much on a busy machine.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a sign gets its code, not a traceback
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Imported only now, so that a mistyped command is told at once.
    from magnetflow.build import BuildError
    from magnetflow.results import ResultError
    from magnetflow.tables import InputError

    try:
        return _reconcile(options) if options.command == "reconcile" else _build(options)
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


def _build(options: argparse.Namespace) -> int:
    """Build the book of the compendium that the working directory lies in."""
    from magnetflow import tables
    from magnetflow.build import DEFAULT_PARAMETERS, build
    from magnetflow.study import parameters

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
