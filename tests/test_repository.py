"""What the repository promises about itself: versions, lock, licences, data and the direction of imports."""

from __future__ import annotations

import ast
import hashlib
import importlib
import json
import pkgutil
import re
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distributions, version
from itertools import chain
from pathlib import Path

import frictionless
import pytest
import yaml
from conftest import ROOT
from packaging.requirements import Requirement

import magnetflow
from magnetflow import tables
from magnetflow.tables.units import normalised

TABLES = tables.read_all(ROOT / "data")
FIGURES = {name: frame for name, frame in TABLES.items() if "value" in frame}
REFERENCES = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
# What each room may import besides itself; DESIGN: one direction. Some rooms are still to come.
ROOTS = {"errors", "arrays"}
DATA = ROOTS | {"tables"}
ENGINE = DATA | {"drawing", "inference"}
WORLD = ENGINE | {"flows", "recovery", "impact", "policy"}
STUDIES = {"studies.united_kingdom", "studies.neo_cycle"}
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": set(),
    "errors": set(),
    "arrays": set(),
    "tables": ROOTS,
    "drawing": ROOTS,
    "inference": DATA | {"drawing"},
    "flows": ENGINE,
    "recovery": ENGINE,
    "impact": ENGINE | {"flows", "recovery"},
    "policy": WORLD - {"policy"},
    "studies": set(),
    **{study: WORLD for study in STUDIES},  # no study imports another
    "network": DATA,
    "sources": DATA,
    "book": WORLD | STUDIES,
    "cli": WORLD | STUDIES | {"book", "network", "sources", "__version__"},
}
FILES = {name: table["file"] for name, table in tables.describe(ROOT / "data").items()}
# The constants of chemistry go with the engine; all other tables belong to a study.
CONSTANTS = {name for name, file in FILES.items() if "chemistry" in file.parts}


def test_versions_are_equal_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == project
    assert json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))["version"] == project
    assert re.findall(r"^## (\d+\.\d+\.\d+)", changelog, re.M)[0] == project
    assert version("magnetflow") == project


def pins() -> list[Requirement]:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines]


def test_the_lock_pins_everything_and_names_no_address() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"https?:|--|@|hash", text)
    for pin in pins():
        assert [specifier.operator for specifier in pin.specifier] == ["=="], str(pin)


def test_the_environment_is_the_lock() -> None:
    wanted = {}
    for pin in pins():
        if pin.marker is None or pin.marker.evaluate():
            wanted[re.sub(r"[-_.]+", "-", pin.name).lower()] = str(pin.specifier).removeprefix("==")
    installed = {re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower(): found.version for found in distributions()}
    wrong = {name: (pin, installed.get(name)) for name, pin in wanted.items() if installed.get(name) != pin}
    assert not wrong, f"locked and installed versions differ: {wrong}; run make again"
    assert set(installed) - set(wanted) <= {"magnetflow", "pip"}, "something is installed that the lock does not name"


def test_every_dependency_of_the_package_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    for requirement in map(Requirement, wanted):
        try:
            assert requirement.specifier.contains(version(requirement.name), prereleases=True)
        except PackageNotFoundError:
            pytest.fail(f"{requirement.name} is needed and not locked")


def test_binder_takes_the_same_lock() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    [pip] = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert "-c requirements.lock" in pip
    assert "-e .[book]" in pip
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [python] = [str(entry) for entry in environment["dependencies"] if str(entry).startswith("python=")]
    assert Requirement(f"python{project['requires-python']}").specifier.contains(python.removeprefix("python="))


def test_each_data_package_is_valid() -> None:
    packages = [path for folder in ("data", "src") for path in (ROOT / folder).rglob("datapackage.json")]
    for path in packages:
        report = frictionless.validate(str(path), skip_errors=["hash-count", "byte-count"])
        assert report.valid, report.flatten(["name", "type", "message"])
    assert {file.parent for file in FILES.values()} == {path.parent for path in packages}
    assert set(FILES.values()) == {table for folder in ("data", "src") for table in (ROOT / folder).rglob("*.csv")}


def test_every_table_is_the_one_described() -> None:
    changed = []
    for name, resource in tables.describe(ROOT / "data").items():
        raw = FILES[name].read_bytes()
        if resource["hash"] != f"sha256:{hashlib.sha256(raw).hexdigest()}" or resource["bytes"] != len(raw):
            changed.append(resource["path"])
        assert Path(resource["path"]).name == f"{name}.csv"
    assert not changed, f"altered without notice: {changed}; if that is meant, run make datapackage"


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_its_source_and_mark(name: str) -> None:
    frame = TABLES[name]
    assert (frame[["source", "locator", "licence", "confidence"]] != "").all(axis=None)
    for key in frame["source"].unique():
        assert re.search(rf"^@\w+{{{key},", REFERENCES, re.M), f"{name}: {key} is not in references.bib"
    explained = frame["confidence"].isin(["derived", "assumed"])
    assert not frame.loc[explained, "note"].eq("").any(), f"{name}: a derived or assumed row without a note"


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_a_unit_that_means_something(name: str) -> None:
    for unit in FIGURES[name]["unit"].unique():
        assert tables.conversion_factor(unit, normalised(unit)) == 1.0


def test_the_readme_of_the_data_lists_every_table() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", (ROOT / "data" / "README.md").read_text(encoding="utf-8"), re.M)
    assert sorted(listed) == sorted(TABLES)


def room(parts: Sequence[str]) -> str:
    """Return the room of a module below the package: its first part, and for a study the first two."""
    return ".".join(parts[: 2 if parts[0] == "studies" else 1])


def imports(source: str) -> set[str]:
    """Return the rooms of magnetflow that a source imports from."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "imports name the whole way"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return {room(name.split(".")[1:]) for name in found if name.startswith("magnetflow.")}


def modules() -> Iterator[tuple[str, Path]]:
    """Yield every module of the package with its room."""
    package = ROOT / "src" / "magnetflow"
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        yield room(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts), path


def test_imports_go_one_way() -> None:
    for name, path in modules():
        strangers = imports(path.read_text(encoding="utf-8")) - MAY_IMPORT[name] - {name}
        assert not strangers, f"{path.relative_to(ROOT)} imports {strangers}"


def test_an_import_the_wrong_way_is_seen() -> None:
    wrong = "from magnetflow.studies.neo_cycle import plant\nfrom magnetflow.studies import neo_cycle\nimport numpy"
    assert imports(wrong) == {"studies.neo_cycle"}
    assert "studies.neo_cycle" not in MAY_IMPORT["studies.united_kingdom"] | MAY_IMPORT["impact"]
    assert not MAY_IMPORT["flows"] & {"recovery", "studies"}
    assert imports("from magnetflow import flows\nimport magnetflow.recovery.routes") == {"flows", "recovery"}
    # No room reaches itself through others, so there is an order to read them in.
    left = dict(MAY_IMPORT)
    while left:
        free = {name for name, others in left.items() if not others & set(left)}
        assert free, f"in a circle: {sorted(left)}"
        left = {name: others for name, others in left.items() if name not in free}


def test_only_studies_name_a_table_of_a_study() -> None:
    for name, path in modules():
        if name not in STUDIES:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "read":
                    constants = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
                    allowed = CONSTANTS if "chemistry" in path.parts else set()
                    strangers = constants & set(TABLES) - allowed
                    assert not strangers, f"{path.relative_to(ROOT)}, line {node.lineno} reads {strangers}"


def test_every_error_is_in_one_hierarchy() -> None:
    for module in pkgutil.walk_packages(magnetflow.__path__, "magnetflow."):
        found = vars(importlib.import_module(module.name)).values()
        raised = [kind for kind in found if isinstance(kind, type) and issubclass(kind, Exception)]
        own = [kind for kind in raised if kind.__module__.startswith("magnetflow")]
        assert {kind.__module__ for kind in own} <= {"magnetflow.errors"}, module.name


def test_the_engine_knows_no_country_and_no_element() -> None:
    """Recovery may name elements, since chemistry does; no room of the engine may name a country."""
    country = r"UK|United Kingdom|Britain|British"
    elements = r"Nd|Dy|Pr|Tb|neodymium|dysprosium|magnets?"
    for name, path in modules():
        if name not in STUDIES | {"__init__", "book", "cli"}:
            words = re.compile(rf"\b({country}{'' if name == 'recovery' else '|' + elements})\b")
            assert not words.search(path.read_text(encoding="utf-8")), path.relative_to(ROOT)


def test_only_sources_may_touch_the_network() -> None:
    reaching = re.compile(r"^\s*(?:import|from)\s+(requests|urllib\.request|http\.client|socket|aiohttp)\b", re.M)
    for path in sorted((ROOT / "src").rglob("*.py")):
        if "sources" not in path.parts:
            assert not reaching.search(path.read_text(encoding="utf-8")), path.name


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="an archive has no history to list")
def test_nothing_committed_is_large_or_names_a_machine() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.exists():
            assert path.stat().st_size < 300_000, name
            text = path.read_bytes().decode(errors="replace" if path.suffix == ".xlsx" else "strict")
            assert not re.search(r"/(?:home|root|work)/\w", text), name
