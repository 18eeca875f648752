"""What has a chapter read, and does it still say the same?

A kernel that watches itself notes the files it opens and the folders it lists. What counts are the modules of this
package that were imported, directly or not, and what lies in the compendium: examples, benchmarks, tables.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import magnetflow
from magnetflow import tables

PACKAGE = Path(magnetflow.__file__).resolve().parent
# Of these a chapter depends in part only, on descriptions of its tables and on the rows of its results.
IN_PART = ("datapackage.json", "results.csv")
FOLLOWS_ROWS = ("hash", "bytes", "file")  # what of a table's description follows its rows, or its place

_opened: set[Path] = set()
_listed: set[Path] = set()
_since_ns = 0


def watch() -> None:
    """Note from now on each file that this process opens and each folder that it lists."""
    global _since_ns
    _since_ns = time.time_ns()
    sys.addaudithook(_note)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str | os.PathLike):
        (_opened if event == "open" else _listed).add(Path(os.fsdecode(arguments[0])).absolute())


def read_since(root: Path) -> dict[str, Any]:
    """Return what this process has read since `watch`, as `unchanged` compares it.

    `files` has the SHA-256 of each file, `folders` the names in each folder, and `tables` the SHA-256 of how each
    table is described.
    """
    own = [module for name, module in sys.modules.items() if f"{name}.".startswith(f"{PACKAGE.name}.")]
    modules = {Path(module.__file__) for module in own if module.__file__}
    files = {_name(root, path) for path in _opened | modules} - {""}
    searched = {Path(folder).absolute() for folder in sys.path}  # listed by Python, to find modules
    listed = {_name(root, path) for path in _listed - searched} | {name.rpartition("/")[0] for name in files}
    folders = {name for name in listed if name and name.split("/")[0] not in (PACKAGE.name, "data")}
    described, read = _descriptions(root), tables.hashes_read()
    return {
        "files": {name: _digest(_path(root, name), _since_ns) for name in sorted(files)},
        "folders": {name: _names_in(_path(root, name)) for name in sorted(folders)},
        "tables": {name: described.get(name) for name in read},
        "every_table": set(read) == set(described),
    }


def unchanged(root: Path, read: Mapping[str, Any]) -> bool:
    """Tell whether what a chapter has read says the same now."""
    described = _descriptions(root)
    return (
        all(_digest(_path(root, name)) == digest for name, digest in read["files"].items())
        and all(_names_in(_path(root, name)) == names for name, names in read["folders"].items())
        and all(described.get(name) == digest for name, digest in read["tables"].items())
        and (not read["every_table"] or set(read["tables"]) == set(described))
    )


def _name(root: Path, path: Path) -> str:
    """Name a file or folder from the package or from the compendium; nothing for what is no source of a chapter."""
    place = path.resolve()
    base = PACKAGE.parent if place.is_relative_to(PACKAGE) else root.resolve()
    if not place.is_relative_to(base) or place.name in IN_PART:
        return ""
    parts = place.relative_to(base).parts
    made = "_build" in parts[:1] or any(part == "__pycache__" or part.startswith(".") for part in parts)
    return "" if made else "/".join(parts)


def _path(root: Path, name: str) -> Path:
    return (PACKAGE.parent if name.startswith(f"{PACKAGE.name}/") else root) / name


def _digest(path: Path, since_ns: float = math.inf) -> str | None:
    """Return the SHA-256 of a file, nothing where there is none; None, which equals no other, if it is newer."""
    if not path.is_file():
        return ""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.stat().st_mtime_ns <= since_ns else None


def _names_in(folder: Path) -> list[str]:
    """Return what a folder holds, but for what editors and Python put there; nothing if there is none."""
    inside = folder.iterdir() if folder.is_dir() else []
    return sorted(path.name for path in inside if not path.name.startswith((".", "__pycache__")))


def _descriptions(root: Path) -> dict[str, str]:
    """Return the SHA-256 of how each table is described, apart from what follows its rows."""
    described = tables.describe(root / "data")
    own = {name: {key: table[key] for key in table if key not in FOLLOWS_ROWS} for name, table in described.items()}
    return {name: hashlib.sha256(json.dumps(one, sort_keys=True).encode()).hexdigest() for name, one in own.items()}
