"""What the syntax tree shows of the style of the code: names that mean something, and none taken apart."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from conftest import ROOT

# Each of these says that there is something and not what; STYLE: name a thing for what it holds.
VAGUE = {"told", "taken", "held", "said", "meant"}
FOLDERS = ("src", "tests", "benchmarks", "tools", "book/_ext")
SOURCES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.md"))
CELL = re.compile(r"^```\{code-cell\}.*\n(?:---\n(?:.*\n)*?---\n|(?::.*\n)*)((?:.*\n)*?)```$", re.M)

PARTING = {"split", "rsplit", "partition", "rpartition", "removeprefix", "removesuffix", "startswith", "endswith"}
PARTING |= {"strip", "lstrip", "rstrip", "contains", "extract"}  # the last two of pandas
NAMED = {"name", "names", "variable", "variables"}
# Rooms where a name is that of a variable; those of species, streams and files are another matter.
OF_VARIABLES = [ROOT / "src" / "magnetflow" / room for room in ("inference", "flows", "studies")]
# What may take a text apart that is called a name, and why.
MAY_PART = {
    "src/magnetflow/inference/parser.py": "it reads the language of expressions, in which names are words",
    "src/magnetflow/flows/names.py": "it compares names as a user writes them, without spaces beyond one",
    "src/magnetflow/flows/periods.py": "it reads the names of periods, which tell their order",
    "src/magnetflow/flows/checks.py": "names of layers with a digit may well differ in little",
    "notebooks/02-sources.md": "the name of an edition ends in its date",
    "notebooks/03-estimation.md": "the name of an edition ends in its date",
    "notebooks/11-verification.md": "cases are drawn in the groups that their names begin with",
    "notebooks/13-twin.md": "the name of a condition ends in its unit",
}


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a module, or of the code cells of a chapter together."""
    text = path.read_text(encoding="utf-8")
    return ast.parse("\n".join(CELL.findall(text)) if path.suffix == ".md" else text)


def identifiers(module: ast.Module) -> Iterator[str]:
    """Yield every name in a module: of variables, arguments, attributes, keywords, functions and imports."""
    for node in ast.walk(module):
        if not isinstance(node, ast.Constant):
            for _, part in ast.iter_fields(node):
                yield from (word for word in (part if isinstance(part, list) else [part]) if isinstance(word, str))


def vague(path: Path) -> set[str]:
    """Return the names in a file that are vague; in the package also those with a vague part, as in `is_held`."""
    names = set(identifiers(tree(path)))
    return {name for name in names if VAGUE & ({name} | set(name.lower().split("_") if "src" in path.parts else ()))}


@pytest.mark.parametrize("path", [*SOURCES, *CHAPTERS], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_names_say_what_they_hold(path: Path) -> None:
    found = vague(path)
    assert not found, f"{path.relative_to(ROOT)}: {', '.join(sorted(found))}; name each for what it holds"


def test_the_cells_of_every_chapter_are_read() -> None:
    for path in CHAPTERS:
        fences = path.read_text(encoding="utf-8").count("```{code-cell}")
        assert len(CELL.findall(path.read_text(encoding="utf-8"))) == fences > 0, path.name
    assert set(identifiers(ast.parse("import a.b as told\ndef f(held=1): return x.said, g(meant=2), taken"))) >= VAGUE


def called(node: ast.Call) -> str:
    """Return the last part of what a call calls."""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def holds_a_name(node: ast.AST, looped: set[str]) -> bool:
    """Tell whether an expression is the name of a variable: called so, one of several, or run over in a loop."""
    if isinstance(node, ast.Call):
        return called(node) == "str" and bool(node.args) and holds_a_name(node.args[0], looped)
    if isinstance(node, ast.Attribute) and node.attr == "str":  # all texts of an index, or of a column of names
        column = getattr(getattr(node.value, "slice", None), "value", None)
        return getattr(node.value, "attr", column) in NAMED | {"index"}
    if isinstance(node, ast.Subscript):
        return not isinstance(node.slice, ast.Slice) and called_names(node.value)
    return isinstance(node, ast.Name | ast.Attribute) and (
        called_names(node) or (isinstance(node, ast.Name) and node.id in looped)
    )


def called_names(node: ast.AST) -> bool:
    word = getattr(node, "attr", getattr(node, "id", ""))
    return word in NAMED or word.endswith("_name")


def partings(module: ast.Module) -> list[str]:
    """Return where a module takes the name of a variable apart."""
    looped = set()
    for loop in ast.walk(module):
        if isinstance(loop, ast.For | ast.comprehension):
            over = {getattr(node, "attr", getattr(node, "id", "")) for node in ast.walk(loop.iter)}
            over |= {node.value for node in ast.walk(loop.iter) if isinstance(node, ast.Constant)}
            if over & {"names", "variables", "index", "position", "name"}:
                looped |= {node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
    found = []
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            method = node.func.attr in PARTING and holds_a_name(node.func.value, looped)
            pattern = isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
            pattern |= node.func.attr in {"match", "fullmatch", "search", "findall", "finditer"}
            if method or (pattern and any(holds_a_name(argument, looped) for argument in node.args)):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            one = isinstance(node.value, ast.Name) and node.value.id in looped | {"name", "variable"}
            one |= isinstance(node.value, ast.Attribute) and node.value.attr in {"name", "variable"}
            one |= isinstance(node.value, ast.Subscript | ast.Call) and holds_a_name(node.value, looped)
            if one:
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


def test_no_name_is_taken_apart() -> None:
    """What a variable is (flow, layer, period) is carried beside its name and never read back from it."""
    found = {}
    for path in [*(path for room in OF_VARIABLES for path in sorted(room.rglob("*.py"))), *CHAPTERS]:
        found[path.relative_to(ROOT).as_posix()] = partings(tree(path))
    assert set(MAY_PART) <= set(found), "an exception for a file that is not there"
    wrong = [f"{path}, {place}" for path, places in found.items() for place in places if path not in MAY_PART]
    assert not wrong, "\n".join(wrong)


def test_a_parting_is_seen() -> None:
    for text in (
        "name.split()",
        "names[0].removesuffix('x')",
        "[flow.partition(' ') for flow in result.names]",
        "for place, flow in enumerate(frame.index):\n flow[:3]",
        "re.sub('a', '', name)",
        "PATTERN.fullmatch(problem.names[3])",
        "str(variable).startswith('x')",
        "row.name[2:]",
        "table.index.str.rsplit(' [', n=1)",
        "table['name'].str.contains('goods')",
        "[each.split(' [') for each in table['name']]",
        "[each.rsplit(' [') for each in problem.position]",
        "flow_name.partition(' ')",
    ):
        assert partings(ast.parse(text)), text
    for text in ("line.split(',')", "names[2:]", "re.match('a', line)", "frame.index[1:]", "lookup[name]", "name[0]"):
        assert not partings(ast.parse(text)), text


def test_every_default_is_overridden_somewhere() -> None:
    """A parameter that no caller sets is a constant; callers and functions are matched by name."""
    calls: dict[str, list[tuple[int, set[str | None]]]] = {}
    for path in [*SOURCES, *CHAPTERS]:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call):
                many = any(isinstance(argument, ast.Starred) for argument in node.args)
                given = 99 if many else len(node.args), {keyword.arg for keyword in node.keywords}
                calls.setdefault(called(node), []).append(given)
    unset = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        for scope in ast.walk(tree(path)):
            for function in getattr(scope, "body", []) if isinstance(scope, ast.Module | ast.ClassDef) else []:
                if isinstance(function, ast.FunctionDef) and function.name in set(calls) - {"__init__"}:
                    arguments = function.args
                    inputs = [argument.arg for argument in arguments.args]
                    optional = inputs[len(inputs) - len(arguments.defaults) :]
                    both = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
                    optional += [argument.arg for argument, default in both if default is not None]
                    bound = isinstance(scope, ast.ClassDef)  # self or cls is not written by the caller
                    for name in optional:
                        place = inputs.index(name) - bound if name in inputs else 99
                        seen = (count > place or {name, None} & words for count, words in calls[function.name])
                        if not any(seen):
                            unset.append(f"{path.relative_to(ROOT)}: {function.name}({name})")
    assert not unset, f"no caller sets {', '.join(unset)}; put the default in the function"
