"""Keep the signatures of the page of public names readable, for Sphinx and for those who listen to pages."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

MODULES = re.compile(r"~?\b(?:[a-z_]\w*\.)+(?=[A-Z])|~")
PARAMETERS = re.compile(r"<dl>\s*((?:<dd>.*?</dd>\s*)+)</dl>", re.S)


def mend_signature(
    app: Sphinx, what: str, name: str, documented: Any, options: Any, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Replace a default that a dataclass makes anew for each instance by dots, and leave out modules of types."""
    return signature and MODULES.sub("", signature.replace("<factory>", "...")), returned


def mend_page(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Lay out parameters, a line each, without a list of definitions that defines nothing."""
    if 'class="sig-param"' in context.get("body", ""):
        context["body"] = PARAMETERS.sub(_lines, context["body"])


def _lines(found: re.Match[str]) -> str:
    lines = found[1].replace("<dd>", "<div>").replace("</dd>", "</div>")
    return f'<div class="mf-parameters">{lines}</div>'


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to autodoc and to the writing of pages."""
    app.connect("autodoc-process-signature", mend_signature)
    app.connect("html-page-context", mend_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
