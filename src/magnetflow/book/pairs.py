"""Do the two faces of a notebook, text and .ipynb, say the same?

Each notebook is a pair: `NN-name.md` in MyST text, which is read and reviewed, and `NN-name.ipynb`, which opens in
Jupyter. The .ipynb carries no outputs, and its cells have the stable ids `NN-name-000`, so that a rewrite of the
same text gives the same bytes.
"""

from __future__ import annotations

import re
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from magnetflow.errors import InputError
from magnetflow.tables.writing import write_whole

FORMAT = "md:myst"
CHAPTER = re.compile(r"\d\d-[a-z0-9-]+\.(md|ipynb)")
MAKERS = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
# What editors note about a cell for themselves.
NOISE = {
    "collapsed", "editable", "execution", "ExecuteTime", "jupyter", "papermill", "scrolled", "slideshow", "trusted",
}  # fmt: skip


def sync(folder: Path, memory: Path) -> list[Path]:
    """Bring every pair in `folder` into agreement; return the files written.

    `memory` is a folder that keeps what each pair last agreed on, so that the side edited since then is known.
    Without memory of a pair, the side saved last gives its content.
    Raises InputError when both sides were edited, each in its own way, and writes nothing of that pair.
    """
    written: list[Path] = []
    memory.mkdir(parents=True, exist_ok=True)
    for stem in stems(folder):
        text, notebook, agreed = folder / f"{stem}.md", folder / f"{stem}.ipynb", memory / f"{stem}.md"
        if notebook.exists() and (not text.exists() or _notebook_leads(text, notebook, agreed)):
            _replace(text, as_text(load(notebook)), written)
        _replace(notebook, as_notebook(load(text), stem), written)
        _replace(agreed, as_text(load(text)), [])
    return written


def stems(folder: Path) -> list[str]:
    """Return the names of the chapters in `folder`, in their order; a file of another name is no chapter."""
    return sorted({path.stem for path in folder.iterdir() if CHAPTER.fullmatch(path.name)})


def load(path: Path) -> NotebookNode:
    """Read either side of a pair.

    Raises InputError if the file is not a notebook, or holds what the other side cannot hold.
    """
    name = f"{path.parent.name}/{path.name}"
    try:
        notebook = jupytext.read(path, fmt=FORMAT if path.suffix == ".md" else None)
    except Exception as error:
        raise InputError(f"{name}: not a notebook ({error}); restore it") from None
    for count, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type not in MAKERS or cell.get("attachments"):
            raise InputError(f"{name}, cell {count}: raw, or with a picture in it; make it text, the picture a file")
    return notebook


def as_text(notebook: NotebookNode) -> str:
    """Return a notebook as MyST text."""
    return str(jupytext.writes(_clean(notebook, ""), fmt=FORMAT))


def as_notebook(notebook: NotebookNode, stem: str) -> str:
    """Return a notebook as .ipynb text, without outputs and with stable cell ids."""
    return str(nbformat.writes(_clean(notebook, stem), indent=1)) + "\n"


def _clean(notebook: NotebookNode, stem: str) -> NotebookNode:
    """Keep what the two sides share: sources, cell metadata, kernel and pairing."""
    cells = []
    for count, cell in enumerate(notebook.cells):
        kept = {name: value for name, value in cell.metadata.items() if name not in NOISE and value != []}
        cells.append(MAKERS[cell.cell_type](cell.source, metadata=kept, id=f"{stem}-{count:03d}"))
    return nbformat.v4.new_notebook(
        cells=cells,
        metadata={
            "jupytext": {
                "formats": f"ipynb,{FORMAT}",
                "text_representation": {"extension": ".md", "format_name": "myst"},
            },
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        },
    )


def _notebook_leads(text: Path, notebook: Path, agreed: Path) -> bool:
    """Tell whether the notebook holds the newer content of a pair."""
    in_text, in_notebook = as_text(load(text)), as_text(load(notebook))
    if in_text == in_notebook:
        return False
    if not agreed.exists():
        return notebook.stat().st_mtime_ns > text.stat().st_mtime_ns
    before = agreed.read_text(encoding="utf-8")
    if before not in (in_text, in_notebook):
        names = f"{text.parent.name}/{text.name} and {notebook.name}"
        raise InputError(f"{names} were both edited; put the changes into one, and delete the other or copy it away")
    return before == in_text


def _replace(path: Path, text: str, written: list[Path]) -> None:
    """Write `text` whole, unless the file holds it already."""
    if path.exists() and path.read_bytes() == text.encode():
        return
    write_whole(path.parent, {path.name: text.encode()})
    written.append(path)
