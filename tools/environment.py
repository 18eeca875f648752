"""Make the environment: which steps stand between a bare Python and a running `magnetflow`?

Uses the standard library only, since it runs before anything is installed.
Creates `.venv/`, installs `requirements.lock` in batches so that progress can be shown, then the package itself.
The stamp `.venv/ready` is written last, with a hash of the lock: an interrupted run starts again, and a change of
`pyproject.toml` alone installs only the package anew.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / ("Scripts" if sys.platform == "win32" else "bin") / "python"
BATCH = 20  # packages a call to pip: small enough to see progress, large enough to spare its start-up time
WIDTH = 30


def show(done: int, total: int, doing: str) -> None:
    """Draw the bar in place on a terminal, or one line a step in a log."""
    bar = "█" * (WIDTH * done // total) + "░" * (WIDTH - WIDTH * done // total)
    start, end = ("\r\033[K", "") if sys.stdout.isatty() else ("", "\n")
    print(f"{start}environment {bar} {done}/{total} {doing}", end=end, flush=True)


def stop(message: str, detail: str = "") -> None:
    """End with one clear line, after whatever the failing command said."""
    print(detail.strip(), file=sys.stderr)
    raise SystemExit(f"\nenvironment: {message}")


def run(command: list[str], cure: str) -> None:
    """Run one command quietly; when it fails show its words and the cure."""
    outcome = subprocess.run(command, capture_output=True, text=True)
    if outcome.returncode:
        stop(cure, outcome.stdout + outcome.stderr)


def main() -> None:
    """Create the environment, install the lock and the package, and stamp it ready."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a sign gets another, not a traceback
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if not (3, 11) <= sys.version_info[:2] <= (3, 14):
        stop(f"Python 3.11 to 3.14 is needed, this is {sys.version.split()[0]}; name one with PYTHON=python3.11")
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    wanted = hashlib.sha256(f"{sys.version} {lock}".encode()).hexdigest()
    stamp = ENVIRONMENT / "ready"
    installed = stamp.read_text(encoding="utf-8") if stamp.exists() else ""
    stamp.unlink(missing_ok=True)
    pins = [line for line in lock.splitlines() if line and not line.startswith("#")]
    total = len(pins) + 2

    # The lock names every package, so nothing is left to resolve; compiling waits until a module is used.
    install = [str(PYTHON), "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
    if installed != wanted:
        show(0, total, "making .venv")
        made = [sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)]
        run(made, "cannot make .venv; on Debian: apt install python3-venv")
        for start in range(0, len(pins), BATCH):
            show(start + 1, total, pins[start].split("==")[0])
            batch = pins[start : start + BATCH]
            run([*install, *batch], "pip could not install from requirements.lock; see above, then run make again")
    show(total - 1, total, "magnetflow")
    run([*install, "--no-build-isolation", "--editable", str(ROOT)], "the package could not be installed; see above")
    show(total, total, "ready")
    if sys.stdout.isatty():
        print()
    stamp.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
