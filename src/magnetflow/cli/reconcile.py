"""`magnetflow reconcile`: the system or the equations in a folder or workbook."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EXAMPLES = (
    "magnetflow reconcile examples/recycling --out results",
    "magnetflow reconcile flows.xlsx --eliminate",
)


def add_to(commands: Any) -> None:
    """Add the command and its arguments to the subparsers of `magnetflow`."""
    about = "Reconcile the system or the equations in a folder, and write values and tests."
    parser = commands.add_parser("reconcile", help="reconcile the flows in a folder", description=about)
    parser.set_defaults(run=run)
    parser.add_argument("folder", type=Path, help="a folder of CSV files, or an .xlsx workbook")
    parser.add_argument("--out", type=Path, help="where the results go; the folder itself unless given")
    parser.add_argument("--no-bounds", action="store_true", help="let every variable take any value")
    parser.add_argument("--eliminate", action="store_true", help="take out suspects until the test passes")


def run(options: argparse.Namespace) -> None:
    """Reconcile what a folder holds, write the results and print a summary. Raises InputError for wrong input."""
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
