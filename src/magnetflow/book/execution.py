"""Which notebooks must run again, and what did each give?

A notebook runs again only if it, the lock, a parameter it takes, the row of a result it records, or something that it
read has changed: a module of the package, a table, a file of an example.
It takes the parameters that its parameters cell assigns.
Each runs in a process of its own, since papermill's working directory belongs to the whole process.
What it leaves in `_build/cache/` is the executed notebook, and under what it holds.
"""

from __future__ import annotations

import ast
import hashlib
import json
import multiprocessing
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from magnetflow.book import pairs, reads, registry, results
from magnetflow.errors import InputError, ResultError, names_of_kind

WATCH = "watch"  # tag of the cells that the build adds at both ends of each chapter
NOT_UP = "Kernel died before replying to kernel_info"
KERNEL_STARTS = 3


@dataclass(frozen=True)
class Failure:
    """Where a notebook failed, and its message."""

    stem: str
    cell: int  # counted over the code cells of the notebook, from 1
    source: str
    error: str
    of_input: bool = False  # the chapter found its input wrong; no fault of its own

    def __str__(self) -> str:
        if self.of_input:
            return f"notebooks/{self.stem}.md, code cell {self.cell}: {self.error}"
        indented = "\n".join(f"    {line}" for line in self.source.splitlines()[:12])
        return f"notebooks/{self.stem}.md, code cell {self.cell}: {self.error}\n{indented}"


def run_notebooks(root: Path, parameters: Mapping[str, Any], report: Callable[[str, str], None]) -> list[Failure]:
    """Bring every executed notebook up to date, in parallel; return what failed.

    `report(stem, outcome)` is called once a notebook.
    """
    due = []
    for stem in pairs.stems(root / "notebooks"):
        if _holds(root, stem, parameters):
            report(stem, "unchanged")
        else:
            due.append(stem)
    failures = []
    if due:
        workers = min(len(due), os.cpu_count() or 1)
        with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
            waiting = {pool.submit(_execute, root, stem, dict(parameters)): stem for stem in due}
            for future in as_completed(waiting):
                failure = future.result()
                report(waiting[future], "failed" if failure else "ran")
                failures += [failure] if failure else []
    return sorted(failures, key=lambda failure: failure.stem)


def merge(root: Path, versions: Mapping[str, str]) -> dict[str, Any]:
    """Merge the chapters' fragments into `_build/results.json`, sorted, and return it.

    Raises ResultError when two chapters record the same name.
    """
    merged: dict[str, Any] = {"results": {}, "inputs": {}, "versions": dict(versions)}
    for stem in pairs.stems(root / "notebooks"):
        fragment = json.loads(_fragment(root, stem).read_text(encoding="utf-8"))
        for name, result in fragment["results"].items():
            if name in merged["results"]:
                earlier = merged["results"][name]["chapter"]
                raise ResultError(f"{name} is recorded in {earlier} and in {stem}; keep one")
            merged["results"][name] = {**result, "chapter": stem}
        merged["inputs"].update(fragment["inputs"])
    for stale in (root / "_build" / "run").glob("*.json"):
        if stale.stem not in pairs.stems(root / "notebooks"):
            stale.unlink()
    results.write_json(root / "_build" / "results.json", merged)
    return merged


def executed(root: Path, stem: str) -> Path:
    """Return where the executed copy of a notebook stands."""
    return root / "_build" / "cache" / f"{stem}.ipynb"


def _fragment(root: Path, stem: str) -> Path:
    return root / "_build" / "run" / f"{stem}.json"


def _key(root: Path, stem: str, parameters: Mapping[str, Any]) -> str:
    """Return the hash of all that a notebook depends on, but for what it reads as it runs."""
    own, this_module = own_parameters(root, stem, parameters), Path(__file__).read_text(encoding="utf-8")
    facts = [sys.version, version("magnetflow"), own, this_module]
    sources = [root / "notebooks" / f"{stem}.ipynb", root / "requirements.lock"]
    return hash_of(json.dumps(facts, sort_keys=True).encode(), root, sources)


def hash_of(facts: bytes, folder: Path, files: Iterable[Path]) -> str:
    """Return the SHA-256 of some facts, and of names and content of files below a folder."""
    digest = hashlib.sha256(facts)
    for path in sorted(files):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def own_parameters(root: Path, stem: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the parameters that the parameters cell of a notebook assigns."""
    assigned = _assigned(nbformat.read(root / "notebooks" / f"{stem}.ipynb", as_version=4))
    return {name: value for name, value in parameters.items() if name in assigned}


def _assigned(notebook: NotebookNode) -> dict[str, Any]:
    """Return what the parameters cell of a notebook assigns, by name; None for what is no literal."""
    assigned: dict[str, Any] = {}
    for cell in notebook.cells:
        for node in ast.parse(cell.source).body if "parameters" in _tags(cell) else []:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                assigned[name] = None
                with suppress(ValueError):
                    assigned[name] = ast.literal_eval(node.value)
    return assigned


def _tags(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def _holds(root: Path, stem: str, parameters: Mapping[str, Any]) -> bool:
    """Tell whether the executed copy still follows from the notebook and all it depends on."""
    fragment, holds_under = _fragment(root, stem), executed(root, stem).with_suffix(".json")
    if not (holds_under.exists() and executed(root, stem).exists() and fragment.exists()):
        return False
    state = json.loads(holds_under.read_text(encoding="utf-8"))
    recorded = json.loads(fragment.read_text(encoding="utf-8"))["results"]
    rows = {name: asdict(description) for name, description in registry.read(root).items()}
    return (
        state["key"] == _key(root, stem, parameters)
        and reads.unchanged(root, state["read"])
        and all(name in rows and rows[name].items() <= result.items() for name, result in recorded.items())
    )


def _execute(root: Path, stem: str, parameters: dict[str, Any]) -> Failure | None:
    """Run one notebook in this process; keep its executed copy, or return where it failed."""
    import papermill  # slow to import, and only the workers need it

    output, fragment = executed(root, stem), _fragment(root, stem)
    holds_under, raw = output.with_suffix(".json"), output.with_suffix(".raw.ipynb")
    for stale in (holds_under, fragment):
        stale.unlink(missing_ok=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    os.environ.update({results.FRAGMENT_VARIABLE: str(fragment), "PYTHONHASHSEED": "0"})
    with output.with_suffix(".log").open("wb") as log:  # what the kernel itself writes is not for the user
        os.dup2(log.fileno(), sys.stderr.fileno())
    key, own = _key(root, stem, parameters), own_parameters(root, stem, parameters)
    settings = {"kernel_name": "python3", "progress_bar": False, "log_output": False}
    try:
        raw.write_text(_watched(root / "notebooks" / f"{stem}.ipynb"), encoding="utf-8")
        with_kernel(lambda: papermill.execute_notebook(raw, raw, own, cwd=root / "notebooks", **settings))
        notebook = nbformat.read(raw, as_version=4)
    except papermill.PapermillExecutionError as error:
        outputs = _outputs(nbformat.read(raw, as_version=4))
        cell = next((count for count, _, output in outputs if output.output_type == "error"), 0)
        of_input = error.ename in names_of_kind(InputError)
        return Failure(stem, cell, error.source, f"{error.ename}: {error.evalue}", of_input)
    except Exception as error:  # the kernel died, say: name the notebook and go on with the others
        return Failure(stem, 0, "", f"{type(error).__name__}: {error}")
    finally:
        raw.unlink(missing_ok=True)
    warning = _warning(notebook, stem)
    if warning is None:
        read = json.loads(notebook.cells[-1].outputs[0].text)
        output.write_text(_as_page(notebook, stem, own), encoding="utf-8")
        results.write_json(holds_under, {"key": key, "read": read})
    return warning


def with_kernel(run: Callable[[], object]) -> None:
    """Run a notebook; where its kernel does not come up, try again.

    Kernels choose their ports before they bind them, so that one of several may find its port taken and end.
    It has then answered nothing and run no cell, and another start does no harm.
    After `KERNEL_STARTS` the error is passed on.
    """
    for attempt in range(1, KERNEL_STARTS + 1):
        try:
            run()
            return
        except RuntimeError as error:
            if NOT_UP not in str(error) or attempt == KERNEL_STARTS:
                raise


def _watched(path: Path) -> str:
    """Return the notebook with a first cell from which its kernel notes what it reads, and a last one that tells it.

    The last one also tells the run record of the tables read after the last result.
    """
    notebook = nbformat.read(path, as_version=4)
    first = "from magnetflow.book.reads import watch\n\nwatch()"
    last = """import json
from pathlib import Path

from magnetflow.book.reads import read_since
from magnetflow.book.results import write_fragment

write_fragment()
print(json.dumps(read_since(Path.cwd().parent)))"""
    start, end = (nbformat.v4.new_code_cell(source, metadata={"tags": [WATCH]}) for source in (first, last))
    notebook.cells = [start, *notebook.cells, end]
    return str(nbformat.writes(notebook))


def _outputs(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode, NotebookNode]]:
    """Yield each output after its cell and the number of that, as a reader of the text counts code cells."""
    count = 0
    for cell in notebook.cells:
        count += cell.cell_type == "code" and not {WATCH, "injected-parameters"} & set(_tags(cell))
        for output in cell.get("outputs", []):
            yield count, cell, output


def _warning(notebook: NotebookNode, stem: str) -> Failure | None:
    """Return the first warning: readers should not meet one, and it may carry paths of this machine."""
    for count, cell, output in _outputs(notebook):
        if output.output_type == "stream" and output.name == "stderr":
            first_line = re.sub(r"^\S+:\d+: ", "", output.text.strip().splitlines()[0])
            return Failure(stem, count, cell.source, f"warned: {first_line}")
    return None


def _as_page(notebook: NotebookNode, stem: str, own: Mapping[str, Any]) -> str:
    """Strip times, machine facts and what only JupyterLab reads, so that the same run gives the same bytes.

    The parameters are shown as written, or as the injected cell sets them where that is something else.
    """
    assigned = _assigned(notebook)
    as_written = all(assigned[name] == value for name, value in own.items())
    notebook.cells = [cell for cell in notebook.cells if WATCH not in _tags(cell)]
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    for count, cell in enumerate(notebook.cells):
        tags, injected = _tags(cell), "injected-parameters" in _tags(cell)
        if injected:
            cell.source = cell.source.replace("# Parameters\n", "")
        if (injected and as_written) or ("parameters" in tags and not as_written):
            tags.append("remove-cell")
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("application/vnd.plotly.v1+json", None)
        cell.metadata = {"tags": tags} if tags else {}
        cell.id = f"{stem}-{count:03d}"
    return str(nbformat.writes(notebook, indent=1)) + "\n"
