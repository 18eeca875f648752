"""What one imports from `magnetflow`: each name is there, documented and on its page, and the examples run."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from conftest import ROOT

import magnetflow
from magnetflow.errors import MagnetflowError, names_of_kind

STUB = (ROOT / "src" / "magnetflow" / "__init__.pyi").read_text(encoding="utf-8")
API = (ROOT / "book" / "api.md").read_text(encoding="utf-8")
# Of a class also the members that the page lists.
LISTED = re.findall(r"^\.\. auto\w+:: ([\w.]+)(?:\(\))?\n(?:   :members: (.+)\n)?", API, re.M)
PAGE = (ROOT / "book" / "use-the-package.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```\n", PAGE, re.S)

NAMES = [name for name in magnetflow.__all__ if not isinstance(getattr(magnetflow, name), ModuleType)]
ERRORS = names_of_kind(MagnetflowError)
ARRAY = re.compile(r"\b(Vector|Matrix|Array|Mask|Texts|Indices)\b")
SHAPE = re.compile(r"\((?:measured )?(variables|names|nodes|ions|solids|intervals \+ 1)(?:,| \+|\))")


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_the_one_of_its_module(name: str) -> None:
    public = getattr(magnetflow, name)
    assert public is getattr(sys.modules[public.__module__], name)
    assert f"from {public.__module__} import {name} as {name}\n" in STUB


def test_the_names_are_listed_once_and_shown() -> None:
    assert len(set(magnetflow.__all__)) == len(magnetflow.__all__) == STUB.count(" as ")
    assert {*magnetflow.__all__, "__version__", "__doc__"} <= set(dir(magnetflow))
    assert (ROOT / "src" / "magnetflow" / "py.typed").is_file()


def test_what_is_no_name_is_refused() -> None:
    assert not hasattr(magnetflow, "reconcil")
    done = run("from magnetflow import reconcil")
    assert "ImportError: cannot import name 'reconcil' from 'magnetflow'" in done.stderr


def test_nothing_is_imported_before_it_is_used() -> None:
    code = "import sys, magnetflow; magnetflow.InputError; print('numpy' in sys.modules);"
    done = run(code + "from magnetflow import *; print(reconcile.__name__, Cell.__name__, 'numpy' in sys.modules)")
    assert (done.stdout, done.stderr) == ("False\nreconcile Cell True\n", "")


def test_the_page_lists_every_name() -> None:
    assert sorted(name.rpartition(".")[2] for name, _ in LISTED) == sorted(magnetflow.__all__)


def documented() -> Iterator[Any]:
    """Yield every public name, and the members of classes that the page lists, each as the function it is."""
    for name, members in LISTED:
        public = getattr(magnetflow, name.rpartition(".")[2])
        yield pytest.param(public, id=name)
        for member in filter(None, members.split(", ")):
            own = vars(public)[member]
            functions = (getattr(own, kind, None) for kind in ("fget", "func", "__func__"))
            yield pytest.param(next(filter(None, functions), own), id=f"{name}.{member}")


def raised(source: str) -> set[str]:
    """Return the kinds of error that a function raises in its own body, or a class as it is made."""
    tree = ast.parse(textwrap.dedent(source)).body[0]
    bodies: list[ast.AST] = [tree]
    if isinstance(tree, ast.ClassDef):  # what its public methods raise is for their own docstrings
        bodies = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("_")]
    raising = [node.exc for body in bodies for node in ast.walk(body) if isinstance(node, ast.Raise)]
    called = [node.func for node in raising if isinstance(node, ast.Call)]
    return {node.id for node in called if isinstance(node, ast.Name)} & ERRORS


@pytest.mark.parametrize("public", list(documented()))
def test_a_docstring_names_errors_and_shapes(public: Any) -> None:
    text = public.__doc__ or ""
    assert text.strip().endswith("."), "no docstring, or no sentence"
    missing = [kind for kind in raised(inspect.getsource(public)) if kind not in text]
    assert not missing, f"raises {', '.join(missing)} and does not say so"
    if any(ARRAY.search(str(one)) for one in public.__annotations__.values()):
        assert SHAPE.search(text), "an array without its shape"
    assert "ndarray" not in text


def test_what_a_docstring_lacks_is_seen() -> None:
    source = "class One:\n    def __post_init__(self):\n        raise InputError('no')\n    {}"
    assert raised(source.format("def act(self):\n        raise ProcessError('no')")) == {"InputError"}
    assert raised("    def act():\n        raise ProcessError('no')\n        raise ValueError") == {"ProcessError"}
    assert ARRAY.search("Mapping[str, float] | Matrix")
    assert SHAPE.search("Return the width (nodes,) of the box of each node, m.")
    assert not SHAPE.search("Return the width of the box of each node (and more), m.")


@pytest.mark.parametrize(("code", "printed"), EXAMPLES, ids=["folder", "Python", "batch", "cell"])
def test_an_example_prints_what_the_page_shows(code: str, printed: str) -> None:
    done = run(code)
    assert (done.stdout, done.stderr) == (printed, "")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10


def test_the_cell_of_the_page_agrees_with_its_closed_form() -> None:
    """The limiting current of a salt of two ions of equal charge is twice that by diffusion alone."""
    from magnetflow.recovery.cell.closed_forms import limiting_current_a_m2

    limit = limiting_current_a_m2(2, 7.1e-10, 100.0, 1e-4, -2)
    assert f"= {limit:.0f}$ A/m²" in PAGE
    assert f"copper at the electrode: {100 * (1 - 100 / limit):.1f} mol/m³" in PAGE
