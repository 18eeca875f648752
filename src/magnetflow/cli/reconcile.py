"""`magnetflow reconcile`: the system or the equations in a folder, in a workbook or in a file of STAN."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from magnetflow.flows.stan import StanFile
    from magnetflow.inference.problem import Problem
    from magnetflow.inference.reconcile import Reconciliation

EXAMPLES = (
    "magnetflow reconcile examples/recycling --out results --picture",
    "magnetflow reconcile flows.xlsx --eliminate",
)
ALIKE = 1e-3  # of a value, or of its sd: within which a result is that of STAN


def add_to(commands: Any) -> None:
    """Add the command and its arguments to the subparsers of `magnetflow`."""
    about = "Reconcile the system or the equations in a folder, and write values, tests and pictures."
    parser = commands.add_parser("reconcile", help="reconcile the flows in a folder", description=about)
    parser.set_defaults(run=run)
    parser.add_argument(
        "folder", type=Path, help="a folder of CSV files, an .xlsx workbook, or a file of STAN (.zmfa, experimental)"
    )
    where = "where the results go; unless given a folder beside the input, named NAME-reconciled"
    parser.add_argument("--out", type=Path, help=where)
    parser.add_argument("--no-bounds", action="store_true", help="let every variable take any value")
    parser.add_argument("--eliminate", action="store_true", help="take out suspects until the test passes")
    by_name = "a variable whose standard deviation is wanted in any case, or all; beyond 30,000 some may be left out"
    parser.add_argument("--sd", action="append", default=[], metavar="NAME", help=by_name)
    as_workbook = "write the results as a workbook too, in the layout of the input; always done for a workbook"
    parser.add_argument("--xlsx", action="store_true", help=as_workbook)
    pictures = "draw a Sankey diagram of each layer and period, as SVG and on one page of HTML"
    parser.add_argument("--picture", action="store_true", help=pictures)


def run(options: argparse.Namespace) -> None:
    """Reconcile what a place holds, write the results and print a summary. Raises InputError for wrong input."""
    import numpy as np

    from magnetflow.flows import output
    from magnetflow.inference import report
    from magnetflow.inference.problem import listed
    from magnetflow.inference.reconcile import eliminate_serially, reconcile
    from magnetflow.tables.sheets import WORKBOOKS

    problem, of_stan = _read(options.folder)
    sd_of: list[str] | Literal["all"] = "all" if options.sd == ["all"] else options.sd
    with np.errstate(all="ignore"):  # what is not finite ends as an error of its own
        result = reconcile(problem.without_bounds() if options.no_bounds else problem, sd_of=sd_of)
        result, steps = eliminate_serially(result, sd_of=sd_of) if options.eliminate else (result, [])
    folder = options.out or results_beside(options.folder)
    drawn = output.pictures(result, options.folder.resolve().stem) if options.picture else {}
    wanted = options.xlsx or of_stan is not None or options.folder.suffix.lower() in WORKBOOKS
    fits = len(problem.names) <= output.WORKBOOK_ROWS
    sheets = {output.WORKBOOK: output.workbook(result)} if wanted and fits else {}
    report.write(result, folder, steps, {**sheets, **drawn})
    print(report.summary(result, steps))
    if of_stan:
        print(*_compared(of_stan, result), sep="\n")
    files = ", ".join([report.TABLE, *sheets])
    print(f"{files} and {report.REPORT} are in {folder}.")
    if wanted and not fits:
        print(f"No {output.WORKBOOK}: there are more than {output.WORKBOOK_ROWS:,} variables.")
    if drawn:
        page, *others = drawn
        print(f"Pictures there: {page}, and as SVG: {listed(others)}.")
    elif options.picture:
        print("No picture: only a system has processes and flows to draw.")


def results_beside(place: Path) -> Path:
    """Return the folder for the results of an input: beside it, and named after it."""
    whole = place if place.name not in ("", "..") else place.resolve()
    return whole.with_name(f"{whole.stem if whole.is_file() else whole.name}-reconciled")


def _read(place: Path) -> tuple[Problem, StanFile | None]:
    """Return the problem that a place states, and the file of STAN where it is one."""
    from magnetflow.flows import folder, stan, zmfa

    found = stan.read(place) if zmfa.is_stan(place) else None
    return found.system.problem() if found else folder.read(place), found


def _compared(found: StanFile, result: Reconciliation) -> Iterator[str]:
    """Yield what was read from a file of STAN, and how the results agree with those that STAN saved in it."""
    from magnetflow.inference.problem import listed

    system = found.system
    counts = {
        "flows": len(system.flows),
        "processes": len(system.processes),
        "layers": len(system.layers),
        "periods": len(system.flow_periods),
        "values": sum(figure.value == figure.value for figure in system.figures.values()),
        "stocks and changes": len(system.levels) + len(system.changes),
        "transfer coefficients": len(system.transfer_coefficients),
    }
    yield f"Read from STAN: {', '.join(f'{what} {count}' for what, count in counts.items() if count)}."
    names = {system.name(*key): value for key, value in found.calculated.items()}
    places = {name: result.problem.position[name] for name in names if name in result.problem.position}
    differ = [
        name
        for name, at in places.items()
        if not abs(result.value[at] - names[name]) <= ALIKE * max(abs(names[name]), result.sd[at])
    ]
    if places:
        rest = f", but not {listed(differ)}" if differ else ""
        yield f"STAN saved results for flows, {len(places)} in all; they agree with these{rest}."
