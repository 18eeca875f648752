"""`magnetflow build`: the book of the compendium that the working directory lies in."""

from __future__ import annotations

import argparse
import re
from typing import Any

from magnetflow.errors import InputError

EXAMPLES = ("magnetflow build", "magnetflow build --years 2018-2021 --elements Nd,Dy")


def add_to(commands: Any) -> None:
    """Add the command and its arguments to the subparsers of `magnetflow`."""
    parser = commands.add_parser("build", help="build the book in _build/html")
    parser.set_defaults(run=run)
    parser.add_argument("--years", type=_years, help="years of what is estimated year by year, such as 2018-2020")
    parser.add_argument("--elements", type=lambda text: text.split(","), help="elements to show, such as Nd,Dy")
    parser.add_argument("--seed", type=int, help="seed of every random draw")


def _years(text: str) -> list[int]:
    """Read `2017-2021`, or a single year; argparse reports a ValueError or ArgumentTypeError with the usage."""
    first, dash, last = text.partition("-")
    years = list(range(int(first), int(last if dash else first) + 1))
    if not years:
        raise argparse.ArgumentTypeError(f"{text} holds no year")
    return years


def run(options: argparse.Namespace) -> None:
    """Build the book. Raises InputError for wrong tables or parameters, BuildError for a chapter or page at fault."""
    from magnetflow import tables

    root = tables.find_data().parent
    lacking = _lacking()
    if lacking:
        raise InputError(
            f"build needs the packages of the book ({lacking[0]} is missing); pip install 'magnetflow[book]'"
        )
    from magnetflow.book.build import build, default_parameters
    from magnetflow.studies.united_kingdom import wind

    usual = default_parameters(root)
    given = {name: getattr(options, name) for name in usual if getattr(options, name) is not None}
    if given:
        wanted = usual | given
        wind.check_parameters(wanted["years"], wanted["elements"])
    front = build(root, given)
    print(f"The book is in {front.relative_to(root)}: open it in a browser, no server needed.")


def _lacking() -> list[str]:
    """Return the packages of the extra `book` that are not installed."""
    from importlib.metadata import PackageNotFoundError, distribution, requires

    lacking = []
    for requirement in requires("magnetflow") or []:
        name = re.split(r"[^\w.-]", requirement)[0]
        if re.search(r"extra == .book.", requirement):
            try:
                distribution(name)
            except PackageNotFoundError:
                lacking.append(name)
    return lacking
