"""How is a figure shown so that it can be read by everyone, in any light, and without a network?

`show` hands the figure to the page as JSON, with one sentence that says what it shows and a table of its data.
The page draws it with the one Plotly script of the book (`book/_assets/figures.js`), which also follows
the light and the dark theme, the phone and the printer. JupyterLab gets Plotly's own format.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from IPython.display import HTML, display

from magnetflow.book.results import embedded, html_table, number, plain
from magnetflow.errors import ResultError

# Okabe and Ito's colours, told apart by readers with any colour vision.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999999", "#F0E442", "#7A5195")
HEIGHT_PX = 420
DIGITS = 6  # of a number, which a drawing can show
LINK_COLOUR = "rgba(0,114,178,0.45)"


def show(fig: go.Figure | Mapping[str, go.Figure], name: str, alt: str) -> None:
    """Show a figure with a sentence for those who cannot see it and a table of its data.

    Several figures by label are shown as one with a list to choose from, the first at the start; all have the height
    of the first. `name` identifies the figure in the page and must be unique there; `alt` says what the figure shows.
    Raises ResultError if `name` is not a plain word-and-hyphen name or `alt` is not a sentence.
    """
    choices = dict(fig) if isinstance(fig, Mapping) else {"": fig}
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise ResultError(f"{name!r} is no figure name; use small letters, digits and hyphens")
    if not alt.endswith(".") or len(alt) < 30:
        raise ResultError(f"figure {name}: the alt text must be a full sentence that says what is seen")
    first = next(iter(choices.values()))
    height = first.layout.height or HEIGHT_PX
    for choice in choices.values():
        choice.update_layout(height=height, colorway=COLOURS)
    contents = [plain(choice.to_plotly_json(), DIGITS) for choice in choices.values()]
    drawn = [{"data": content["data"], "layout": dict(content["layout"])} for content in contents]
    for drawing in drawn:
        drawing["layout"].pop("template", None)  # which the page supplies, for light and dark
    wide = " mf-wide" if any(trace.type == "sankey" for trace in first.data) else ""  # scrolls on a phone
    tables = "".join(
        (f"<h4>{html.escape(label)}</h4>" if label else "") + data_table(choice) for label, choice in choices.items()
    )
    page = (
        f'<div class="mf-figure" role="group" aria-label="{html.escape(alt)}">{_selector(name, list(choices))}'
        f'<div class="mf-scroll" tabindex="0" role="group" aria-label="figure {name}">'
        f'<div class="mf-plot{wide}" id="figure-{name}" style="height:{height}px"></div></div>'
        f'<script type="application/json" id="figure-{name}-data">{embedded(drawn)}</script>'
        f"<details><summary>What the figure shows, and its data</summary><p>{html.escape(alt)}</p>{tables}"
        "</details></div>"
    )
    display({"text/html": page, "text/plain": alt, "application/vnd.plotly.v1+json": contents[0]}, raw=True)


def add_dots(
    fig: go.Figure,
    places: Sequence[str],
    mean: pd.Series[float],
    sd: pd.Series[float],
    name: str,
    of_input: bool = False,
) -> None:
    """Add numbers with their standard deviations as dots beside the dots of others, a row for each place.

    What goes into a calculation is drawn in grey and hollow, what comes out of it in blue.
    """
    colour, symbol = ("#999999", "circle-open") if of_input else (COLOURS[0], "circle")
    bars = {"array": sd.fillna(0), "thickness": 2}
    marker = {"symbol": symbol, "size": 9, "color": colour}
    style = {"orientation": "h", "mode": "markers", "marker": marker, "name": f"{name}, ± one standard deviation"}
    fig.add_scatter(y=places, x=mean, error_x=bars, **style)
    fig.update_layout(yaxis_autorange="reversed", scattermode="group")


def _selector(name: str, labels: list[str]) -> str:
    """Return the list to choose a drawing from; nothing where there is one drawing only."""
    if len(labels) == 1:
        return ""
    options = "".join(f'<option value="{at}">{html.escape(label)}</option>' for at, label in enumerate(labels))
    return f'<label class="mf-choice">Show <select data-figure="figure-{name}">{options}</select></label>'


def sankey(links: pd.DataFrame, positions: Mapping[str, tuple[float, float]], unit: str = "t") -> go.Figure:
    """Draw flows between nodes placed by hand, each labelled with what passes through it.

    `links` has the columns source, target, value and label, and may have colour and href, the place that a
    click leads to; `positions` gives each node's x and y between 0 and 1, from left to right and from top to bottom.
    Raises ResultError when a node of the links has no place.
    """
    nodes = list(positions)
    homeless = (set(links["source"]) | set(links["target"])) - set(nodes)
    if homeless:
        raise ResultError(f"no place given for the node {min(homeless)}")
    through = (
        links.groupby("source")["value"].sum().combine(links.groupby("target")["value"].sum(), max, fill_value=0)
    )
    texts = [f"{label}: {number(value)} {unit}" for label, value in zip(links["label"], links["value"], strict=True)]
    fig = go.Figure(
        go.Sankey(
            arrangement="fixed",
            node={
                "label": [f"{node}<br>{number(through[node])} {unit}" for node in nodes],
                "x": [positions[node][0] for node in nodes],
                "y": [positions[node][1] for node in nodes],
                "thickness": 14,
                "color": "#7f8c8d",
                "hovertemplate": "%{label}<extra></extra>",
            },
            link={
                "source": [nodes.index(node) for node in links["source"]],
                "target": [nodes.index(node) for node in links["target"]],
                "value": links["value"].tolist(),
                "label": texts,
                "color": links["colour"].tolist() if "colour" in links else LINK_COLOUR,
                "customdata": links["href"].tolist() if "href" in links else None,
                "hovertemplate": "%{label}<extra></extra>",
            },
        )
    )
    return fig


def heat_table(ours: pd.DataFrame, theirs: pd.DataFrame | None, edges: Sequence[float], decimals: int = 1) -> HTML:
    """Return a table whose cells hold a number of `ours`, and of `theirs` if given, each tinted by its class.

    The frames have the same rows and columns; `edges` are the upper edges of all classes but the last.
    A cell where all are NaN is empty.
    """
    rows = []
    frames = [ours] if theirs is None else [ours, theirs.reindex_like(ours)]
    numbers = np.stack([frame.to_numpy(dtype=float) for frame in frames], axis=-1)
    for label, row in zip(ours.index, numbers, strict=True):
        cells = [" ".join(_tinted(value, edges, decimals) for value in cell if not math.isnan(value)) for cell in row]
        rows.append((html.escape(str(label)), *cells))
    headings = [html.escape(str(ours.index.name or "")), *(html.escape(str(column)) for column in ours.columns)]
    return html_table(headings, rows, numeric=tuple(headings[1:]))


def _tinted(value: float, edges: Sequence[float], decimals: int) -> str:
    return f'<span class="mf-heat mf-heat-{sum(value > edge for edge in edges)}">{value:.{decimals}f}</span>'


def data_table(fig: go.Figure) -> str:
    """Return the data that a figure draws, as an HTML table."""
    if any(trace.type == "sankey" for trace in fig.data):
        rows = [
            tuple(
                html.escape(text.split("<br>")[0])
                for text in (trace.node.label[source], trace.node.label[target], label)
            )
            for trace in fig.data
            for source, target, label in zip(trace.link.source, trace.link.target, trace.link.label, strict=True)
        ]
        return str(html_table(["From", "To", "Flow"], rows).data)
    columns = {str(trace.name or "value"): _cells(trace) for trace in fig.data}
    if len(columns) < len(fig.data):
        raise ResultError("two traces of a figure have the same name; its table would show only one")
    positions = list(dict.fromkeys(position for cells in columns.values() for position in cells))
    rows = [(html.escape(place), *(cells.get(place, "") for cells in columns.values())) for place in positions]
    return str(html_table(["", *map(html.escape, columns)], rows, numeric=tuple(columns)).data)


def _cells(trace: Any) -> dict[str, str]:
    """Return what a trace draws at each position, with its error bar where it has one."""
    sideways = trace.orientation == "h"
    across, up = (trace.y, trace.x) if sideways else (trace.x, trace.y)
    bars = trace.error_x if sideways else trace.error_y
    spreads = [""] * len(across)
    if bars.arrayminus is not None:
        ends = zip(up, bars.arrayminus, bars.array, strict=True)
        spreads = [f" ({number(height - below)} to {number(height + above)})" for height, below, above in ends]
    elif bars.array is not None:
        spreads = [f" ± {number(bar)}" for bar in bars.array]
    drawn = zip(across, up, spreads, strict=True)
    return {str(place): number(height) + spread for place, height, spread in drawn if not pd.isna(height)}
