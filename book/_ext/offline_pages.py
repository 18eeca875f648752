"""Keep every page whole without a network: load scripts only where they draw, and drop what would call out."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def mend_page(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Add the scripts that a page draws with, take sphinx-thebe's off all of them, and mend roles."""
    if 'class="mf-figure"' in context.get("body", ""):
        app.add_js_file("plotly.min.js", loading_method="defer", priority=600)
        app.add_js_file("figures.js", loading_method="defer", priority=601)
    if 'class="mf-what-if"' in context.get("body", ""):
        app.add_js_file("controls.js", loading_method="defer", priority=602)
    if page == "references":  # roles that browsers no longer know, or that ask for other children
        for role in ('role="list" ', ' role="doc-biblioentry"'):
            context["body"] = context["body"].replace(role, "")
    context["script_files"] = [script for script in context["script_files"] if "thebe" not in str(script)]
    context["css_files"] = [sheet for sheet in context["css_files"] if "thebe" not in str(sheet)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx; the late priority comes after sphinx-thebe has added its script."""
    app.connect("html-page-context", mend_page, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
