"""The command `magnetflow` as a whole: its version, its help, and how it ends when nobody reads on."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import MAGNETFLOW, ROOT

from magnetflow import cli

SMALL = ("reconcile", "examples/recycling", "--out")


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what the command prints before it stops without a fault."""
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert not stopped.value.code
    return capsys.readouterr().out


def test_the_version_has_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "--version") == "magnetflow 0.1.0\n"


@pytest.mark.parametrize("command", ["", *cli.COMMANDS])
def test_a_help_ends_with_two_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = command.split()
    *above, first, second = printed(capsys, *words, "--help").splitlines()
    assert above[-1] == "examples:"
    for example in (first, second):
        assert f"{example} ".startswith(" ".join(["  magnetflow", *words, ""]))


@pytest.mark.parametrize("route", ["ssc", "sene"])
def test_the_help_of_a_route_ends_with_its_own_examples(route: str, capsys: pytest.CaptureFixture[str]) -> None:
    above, examples = printed(capsys, "recovery", route, "--help").split("\nexamples:\n")
    assert f"magnetflow recovery {route}" in above
    assert 1 <= len(examples.splitlines()) <= 2
    assert all(line.startswith(f"  magnetflow recovery {route} ") for line in examples.splitlines())


@pytest.mark.parametrize("example", cli.EXAMPLES)
def test_every_example_can_be_typed(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is understood and would run; what it runs has tests of its own."""
    run: list[argparse.Namespace] = []
    for command in cli.COMMANDS.values():
        monkeypatch.setattr(command, "run", run.append)
    name, *arguments = shlex.split(example)
    assert name == "magnetflow"
    assert cli.main(arguments) == 0
    assert run[0].command == arguments[0]


def into_closed_pipe(*arguments: str, buffered: bool, both: bool) -> subprocess.CompletedProcess[str]:
    """Run the command when whoever was to read its output, or also its errors, has gone."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"}
    reader, writer = os.pipe()
    os.close(reader)
    errors = writer if both else subprocess.PIPE
    done = subprocess.run(
        [MAGNETFLOW, *arguments], cwd=ROOT, env=environment, stdout=writer, stderr=errors, text=True
    )
    os.close(writer)
    return done


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("arguments", [SMALL, ("--help",), ("--version",), ("recovery", "ssc")], ids=" ".join)
def test_a_closed_pipe_ends_quietly(arguments: tuple[str, ...], buffered: bool, tmp_path: Path) -> None:
    written = (str(tmp_path),) if arguments is SMALL else ()
    done = into_closed_pipe(*arguments, *written, buffered=buffered, both=False)
    assert done.stderr == ""
    # Without a buffer, argparse writes the help by itself and passes over what fails.
    assert done.returncode == (0 if arguments == ("--help",) and not buffered else 141)
    results = {"reconciled.csv", "report.json"}
    assert not written or {path.name for path in tmp_path.iterdir()} == results


@pytest.mark.parametrize("arguments", [("reconcile", "nowhere"), SMALL], ids=" ".join)
def test_nobody_reads_the_errors_either(arguments: tuple[str, ...], tmp_path: Path) -> None:
    written = (str(tmp_path),) if arguments is SMALL else ()
    assert into_closed_pipe(*arguments, *written, buffered=True, both=True).returncode == 141


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_a_reader_that_stops_is_no_fault(tmp_path: Path) -> None:
    """As one types it: the shell's own code of a pipe that closed, or that of a reader who stopped late."""
    line = f"{shlex.join([str(MAGNETFLOW), *SMALL, str(tmp_path)])} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode in (0, 141)
    assert done.stdout.startswith("26 variables")
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_any_other_fault_of_writing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(options: argparse.Namespace) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cli.reconcile, "run", fail)
    with pytest.raises(OSError, match="No space left"):
        cli.main(["reconcile", "anywhere"])


def test_a_user_may_stop_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stop(options: argparse.Namespace) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.reconcile, "run", stop)
    assert cli.main(["reconcile", "anywhere"]) == 130
    assert capsys.readouterr().err == "magnetflow: stopped; what stood before stands\n"


@pytest.mark.parametrize("arguments", [SMALL, ("recovery", "ssc")], ids=" ".join)
def test_threads_are_set_before_numpy_counts_them(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """The library of linear algebra reads their number as it is loaded, and never again."""
    code = (
        "import os, sys, types; from magnetflow.cli import main\n"
        "def seen(name, *_): name == 'numpy' and sys.exit(os.environ.get('OPENBLAS_NUM_THREADS', 'not set'))\n"
        "sys.meta_path.insert(0, types.SimpleNamespace(find_spec=seen)); main(sys.argv[1:])"
    )
    written = (str(tmp_path),) if arguments is SMALL else ()
    environment = {name: text for name, text in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    command = [sys.executable, "-c", code, *arguments, *written]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stderr == "1\n"


def test_a_small_system_needs_no_more_than_it_uses(tmp_path: Path) -> None:
    """Of what is slow to import, the command loads nothing that a small linear system does not need."""
    slow = ("scipy.optimize", "scipy.stats", "xarray", "openpyxl", "pint", "plotly", "periodictable")
    code = (
        "import sys; from magnetflow.cli import main; main(sys.argv[1:]);"
        f"sys.exit(', '.join(name for name in {slow} if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *SMALL, str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stderr.strip() == ""
