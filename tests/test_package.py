"""The package without its book: what it imports, what an empty environment takes, and what runs in one."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import MAGNETFLOW, ROOT
from packaging.requirements import Requirement

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LIGHT = {Requirement(text).name for text in PROJECT["dependencies"]}
LARGEST_MB = 400
# What belongs to the book, or to extras of their own, by the names under which they are imported.
BLOCKED = {
    "IPython", "distributed", "docutils", "ipykernel", "jupyter_book", "jupyter_client", "jupyter_core", "jupytext",
    "myst_nb", "nbformat", "pandera", "papermill", "plotly", "sphinx", "tqdm", "yaml",
}  # fmt: skip
REFUSING = """
import importlib, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ModuleNotFoundError(f"{{name}} is not to be had here", name=name)

sys.meta_path.insert(0, Refuse())
for name in {modules}:
    importlib.import_module(name)
"""
PAGE = (ROOT / "book" / "use-the-package.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```\n", PAGE, re.S)


def modules() -> Iterator[tuple[str, Path]]:
    """Yield every module outside the room of the book, by its name."""
    source = ROOT / "src"
    for path in sorted(source.rglob("*.py")):
        name = ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
        if not f"{name}.".startswith("magnetflow.book."):
            yield name, path


def refuse_and_import(names: list[str]) -> subprocess.CompletedProcess[str]:
    """Import modules where nothing of the book can be imported."""
    code = REFUSING.format(blocked=BLOCKED, modules=names)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_every_module_outside_the_book_is_imported_without_its_packages() -> None:
    done = refuse_and_import([name for name, _ in modules()])
    assert done.returncode == 0, done.stderr
    assert "plotly is not to be had here" in refuse_and_import(["magnetflow.book.figures"]).stderr


def foreign(source: str) -> set[str]:
    """Return the packages that a source imports anywhere, of neither Python nor this package."""
    named = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            named += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            named.append(str(node.module))
    return {name.partition(".")[0] for name in named} - sys.stdlib_module_names - {"magnetflow"}


def test_what_is_imported_outside_the_book_is_a_dependency_and_each_dependency_is_imported() -> None:
    imported = {name: foreign(path.read_text(encoding="utf-8")) for name, path in modules()}
    strangers = {name: found - LIGHT for name, found in imported.items() if found - LIGHT}
    assert not strangers, "name it among the dependencies, or do without"
    assert set().union(*imported.values()) == LIGHT, "a dependency that nothing imports"
    assert foreign("def f():\n    from plotly import io\n    import os, yaml.cyaml") == {"plotly", "yaml"}


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel and what it depends on, and nothing else."""

    scripts: Path
    packages: Path

    def run(self, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in `folder`, with the programs of this environment first."""
        return run_with(self.scripts, folder, *command)


def run_with(scripts: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(scripts), os.environ["PATH"]])
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("PYTHON", "MAGNETFLOW"))}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment | {"PATH": path})


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Build the wheel from a copy of the sources, and install it into an empty environment."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", PROJECT["readme"], *PROJECT["license-files"]):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*build, str(source)], check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")

    venv.create(folder / "environment", with_pip=True)
    [scripts] = [path.parent for path in (folder / "environment").glob("*/pip*") if path.stem == "pip"]
    pinned = ["--constraint", str(ROOT / "requirements.lock")]
    done = run_with(scripts, folder, "python", "-m", "pip", "install", "--quiet", *pinned, str(wheel))
    assert done.returncode == 0, done.stderr
    where = run_with(scripts, folder, "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    return Installed(scripts, Path(where.stdout.strip()))


@pytest.mark.long
@pytest.mark.xdist_group("wheel")  # one worker installs it, once
def test_an_empty_environment_stays_small_and_without_jupyter(installed: Installed) -> None:
    size_mb = sum(path.stat().st_size for path in installed.packages.rglob("*") if path.is_file()) / 1e6
    assert size_mb <= LARGEST_MB, f"{size_mb:.0f} MB"
    found = importlib.metadata.distributions(path=[str(installed.packages)])
    names = {re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower() for one in found}
    assert {"magnetflow", *(name.lower() for name in LIGHT)} <= names
    assert not names & {name.replace("_", "-").lower() for name in BLOCKED}
    assert not [name for name in names if name.startswith("jupyter")]
    assert (installed.packages / "magnetflow" / "py.typed").is_file()


@pytest.mark.long
@pytest.mark.xdist_group("wheel")
def test_the_commands_of_the_readme_run_from_an_empty_folder(installed: Installed, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [commands] = re.findall(r"<!-- from an empty folder -->\n+```bash\n(.*?)```", readme, re.S)
    for command in ("magnetflow reconcile", "magnetflow recovery ssc", "magnetflow recovery sene"):
        assert command in commands
    for name in ("alone", "beside_the_book"):
        (tmp_path / name).mkdir()
    shell = ("bash", "-euo", "pipefail", "-c", commands)
    alone = installed.run(tmp_path / "alone", *shell)
    beside_the_book = run_with(MAGNETFLOW.parent, tmp_path / "beside_the_book", *shell)
    assert (alone.returncode, alone.stderr) == (0, "")
    assert alone.stdout == beside_the_book.stdout
    assert (tmp_path / "alone" / "results" / "reconciled.csv").is_file()
    assert "Closure of every element" in alone.stdout
    assert json.loads(alone.stdout[alone.stdout.index("\n{\n") :])["closure_kg"]["Nd"] < 1e-9


@pytest.mark.long
@pytest.mark.xdist_group("wheel")
def test_the_version_is_there_and_a_book_is_not(installed: Installed, tmp_path: Path) -> None:
    assert PROJECT["version"] in installed.run(tmp_path, "magnetflow", "--version").stdout
    build = installed.run(tmp_path, "magnetflow", "build")
    assert (build.returncode, build.stdout) == (2, "")
    assert re.fullmatch(r"magnetflow: no data/.*start from the compendium's folder\n", build.stderr)


@pytest.mark.long
@pytest.mark.xdist_group("wheel")
@pytest.mark.parametrize(("code", "printed"), EXAMPLES)
def test_the_examples_of_the_book_run_without_it(
    installed: Installed, tmp_path: Path, code: str, printed: str
) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    done = installed.run(tmp_path, "python", "-c", code)
    assert (done.stdout, done.stderr) == (printed, "")
