"""What does one type? The console command `magnetflow`, a module a command.

Exit codes: 0 done; 2 the input is wrong or has no answer, in one line; 1 a fault of ours; 130 stopped by the user;
141 nobody reads the output any more, as after `magnetflow … | head -1`: the code that a shell gives for it.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from magnetflow.cli import build, reconcile, recovery
from magnetflow.errors import InputError, MagnetflowError

COMMANDS = {"reconcile": reconcile, "recovery": recovery, "build": build}
# The first example of each command, then the second of each, and so on.
EXAMPLES = [one for each in zip_longest(*(of.EXAMPLES for of in COMMANDS.values())) for one in each if one]
# What writing to a closed pipe fails with; Windows calls it an invalid argument.
CLOSED_PIPE = {errno.EPIPE, errno.EINVAL} if os.name == "nt" else {errno.EPIPE}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; what a command needs is imported only when it runs."""
    streams = [stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, io.TextIOWrapper)]
    for stream in streams:  # a terminal that cannot show a sign gets its code, not a traceback
        stream.reconfigure(errors="backslashreplace")
    try:
        try:
            return _run(arguments)
        finally:
            for stream in streams:  # what is left to write would fail where nothing can catch it, as Python ends
                stream.flush()
    except OSError as error:
        if error.errno not in CLOSED_PIPE:
            raise
        for stream in streams:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return 141


def _run(arguments: Sequence[str] | None) -> int:
    """Run one command and return its exit code, but for that of a closed pipe."""
    # Threads of the linear algebra gain nothing on systems of this size, and lose much on a busy machine.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        options = _options(sys.argv[1:] if arguments is None else arguments)
        options.run(options)
    except MagnetflowError as error:
        print(f"magnetflow: {error}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    except KeyboardInterrupt:
        print("magnetflow: stopped; what stood before stands", file=sys.stderr)
        return 130
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what is typed; only the command that is typed, if any, adds its arguments and what these need."""
    parser = _Parser(prog="magnetflow", description="Flows, uncertainty and recovery of rare earths.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print name and version, and stop")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in [name for name in COMMANDS if name in arguments[:1]] or COMMANDS:
        COMMANDS[name].add_to(commands)
    return parser.parse_args(arguments)


class _Parser(argparse.ArgumentParser):
    """A command, or one of its subcommands, whose help ends with its first two examples."""

    def __init__(self, prog: str, **given: Any) -> None:
        own = [example for example in EXAMPLES if f"{example} ".startswith(f"{prog} ")]
        lines = "\n  ".join(["examples:", *own[:2]])
        super().__init__(prog, epilog=lines, formatter_class=argparse.RawDescriptionHelpFormatter, **given)


class _Version(argparse.Action):
    """Print name and version, which are looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *given: Any) -> None:
        """Print them and stop."""
        from magnetflow import __version__

        print("magnetflow", __version__)
        parser.exit()
