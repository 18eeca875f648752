"""What does one type? The console command `magnetflow`, a module a command.

Exit codes: 0 done; 2 the input is wrong or has no answer, in one line; 1 a fault of ours; 130 stopped by the user.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from magnetflow import __version__
from magnetflow.cli import build, reconcile, recovery
from magnetflow.errors import InputError, MagnetflowError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; what a command needs is imported only when it runs."""
    parser = argparse.ArgumentParser(prog="magnetflow", description="Flows, uncertainty and recovery of rare earths.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (build, reconcile, recovery):
        command.add_to(commands)
    options = parser.parse_args(arguments)
    # Threads of the linear algebra gain nothing on systems of this size, and lose much on a busy machine.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a sign gets its code, not a traceback
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        options.run(options)
    except MagnetflowError as error:
        print(f"magnetflow: {error}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    except KeyboardInterrupt:
        print("magnetflow: stopped; what stood before stands", file=sys.stderr)
        return 130
    return 0
