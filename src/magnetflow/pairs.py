"""Do the two faces of a notebook, text and .ipynb, say the same?

Each notebook is a pair: `NN-name.md` in MyST text, which is read and reviewed, and `NN-name.ipynb`, which opens in
Jupyter. The .ipynb carries no outputs, and its cells have the stable ids `NN-name-000`, so that a rewrite of the
same text gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from magnetflow.tables import InputError

FORMAT = "md:myst"


def sync(folder: Path) -> list[Path]:
    """Bring every pair in `folder` into agreement, the side edited last giving its content; return files written."""
    written: list[Path] = []
    for stem in stems(folder):
        text, notebook = folder / f"{stem}.md", folder / f"{stem}.ipynb"
        if notebook.exists() and (not text.exists() or _edited_after(notebook, text)):
            _replace(text, as_text(load(notebook)), written)
        _replace(notebook, as_notebook(load(text), stem), written)
    return written


def stems(folder: Path) -> list[str]:
    """Return the names of the notebooks in `folder`, in the order of the chapters."""
    return sorted({path.stem for path in folder.iterdir() if path.suffix in (".md", ".ipynb")})


def load(path: Path) -> NotebookNode:
    """Read either side of a pair. Raises InputError if the file is not a notebook."""
    try:
        return jupytext.read(path, fmt=FORMAT if path.suffix == ".md" else None)
    except Exception as error:
        raise InputError(f"{path.parent.name}/{path.name}: not a notebook ({error}); restore it") from None


def as_text(notebook: NotebookNode) -> str:
    """Return a notebook as MyST text."""
    return str(jupytext.writes(_clean(notebook, ""), fmt=FORMAT))


def as_notebook(notebook: NotebookNode, stem: str) -> str:
    """Return a notebook as .ipynb text, without outputs and with stable cell ids."""
    return str(nbformat.writes(_clean(notebook, stem), indent=1)) + "\n"


def _clean(notebook: NotebookNode, stem: str) -> NotebookNode:
    """Keep what the two sides share: sources, tags, kernel and pairing."""
    cells = []
    for count, cell in enumerate(notebook.cells):
        tags = {"tags": list(cell.metadata.tags)} if cell.metadata.get("tags") else {}
        kind = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}[cell.cell_type]
        cells.append(kind(cell.source, metadata=tags, id=f"{stem}-{count:03d}"))
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


def _edited_after(one: Path, other: Path) -> bool:
    """Tell whether `one` was saved later than `other` and says something else."""
    later = one.stat().st_mtime_ns > other.stat().st_mtime_ns
    return later and as_text(load(one)) != as_text(load(other))


def _replace(path: Path, text: str, written: list[Path]) -> None:
    """Write `text` whole, unless the file holds it already."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    written.append(path)
