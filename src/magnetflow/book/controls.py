"""How does a page answer "what if", with nothing but itself?

`show_sliders` hands the page the numbers of a model and a slider for each input; `book/_assets/sliders.js` computes
every outcome anew. `show_dials` does so for the electrochemical cell, with `book/_assets/cell.js`.
Without scripts, and for those who read the source, there is a table of the values at the start.
"""

from __future__ import annotations

import html
import json
import math
from collections.abc import Mapping
from typing import Any

from IPython.display import HTML

from magnetflow.book.results import html_table, with_spread

RANGE_IN_SD = 2.0  # how far a slider reaches on either side
LARGEST = 0.95  # part of the value, at most
STEPS = 20  # from the middle to either end
DIAL_STEPS = 100  # from end to end


def show_sliders(exported: Mapping[str, Any], start: list[list[float]], name: str, about: str) -> HTML:
    """Return sliders for the inputs of a model and a table of its outcomes, for a page.

    `exported` is what the script needs (inputs with label, cv and best; outcomes with label), `start` value and sd of
    each outcome as they are, t; `name` identifies the sliders in the page; `about` says what they do.
    """
    rows = [
        (
            html.escape(outcome["label"]),
            f'<span class="mf-before">{with_spread(*told)}</span>',
            f'<output class="mf-now" aria-live="polite">{with_spread(*told)}</output>',
        )
        for outcome, told in zip(exported["outcomes"], start, strict=True)
    ]
    table = str(html_table(["Outcome, t", "as it is", "with the sliders"], rows, numeric=("as it is",)).data)
    drawn = json.dumps(rounded(exported), sort_keys=True).replace("</", r"<\/")
    controls = "".join(_control(name, place, given) for place, given in enumerate(exported["inputs"]))
    return HTML(
        f'<div class="mf-sliders" id="{name}" role="group" aria-label="{html.escape(about)}">{table}'
        f'<div class="mf-controls">{controls}</div>'
        '<button type="button" class="mf-reset">Back to the start</button>'
        "<noscript><p>The sliders need a script, which this browser does not run.</p></noscript>"
        f'<script type="application/json">{drawn}</script></div>'
    )


def show_dials(exported: Mapping[str, Any], start: Mapping[str, float], name: str, about: str) -> HTML:
    """Return dials for the conditions of a cell and a table of what it comes to, for a page.

    `exported` is what the script needs: inputs and constants by short name, controls (name, label, low, high, start,
    scale to the input, decimals, logarithmic), outcomes (name, label, decimals) and the verdicts on a cell that
    works, that lays down iron, and that lets hydroxide fall out. `start` holds the outcomes at the start.
    """
    rows = [
        (html.escape(one["label"]), before, f'<output class="mf-now" aria-live="polite">{before}</output>')
        for one in exported["outcomes"]
        for before in [f"{start[one['name']]:,.{one['decimals']}f}".replace("-", "\N{MINUS SIGN}")]
    ]
    table = str(html_table(["", "at the start", "with the dials"], rows, numeric=("at the start",)).data)
    drawn = json.dumps(rounded(exported), sort_keys=True).replace("</", r"<\/")
    controls = "".join(_dial(f"{name}-{place}", each) for place, each in enumerate(exported["controls"]))
    return HTML(
        f'<div class="mf-dials" id="{name}" role="group" aria-label="{html.escape(about)}">{table}'
        f'<p class="mf-verdict" aria-live="polite">{html.escape(exported["verdicts"][0])}</p>'
        f'<div class="mf-controls">{controls}</div>'
        '<button type="button" class="mf-reset">Back to the start</button>'
        "<noscript><p>The dials need a script, which this browser does not run.</p></noscript>"
        f'<script type="application/json">{drawn}</script></div>'
    )


def _dial(key: str, control: Mapping[str, Any]) -> str:
    """Return label, slider and reading of one condition."""
    low, high, value = control["low"], control["high"], control["start"]
    part = math.log(value / low) / math.log(high / low) if control["logarithmic"] else (value - low) / (high - low)
    return (
        f'<div class="mf-control"><label for="{key}">{html.escape(control["label"])}</label>'
        f'<input type="range" id="{key}" min="0" max="{DIAL_STEPS}" step="any" value="{part * DIAL_STEPS:.10g}">'
        f'<output for="{key}">{value:,.{control["decimals"]}f}</output></div>'
    )


def rounded(content: Any) -> Any:
    """Drop the digits beyond the twelfth, which differ between processors."""
    if isinstance(content, Mapping):
        return {key: rounded(value) for key, value in content.items()}
    if isinstance(content, list):
        return [rounded(value) for value in content]
    return float(f"{content:.12g}") if isinstance(content, float) else content


def _control(name: str, place: int, given: Mapping[str, Any]) -> str:
    """Return label, slider, reading and box of one input; no slider reaches down to nothing."""
    reach = min(RANGE_IN_SD * given["cv"], LARGEST)
    label, key = html.escape(given["label"]), f"{name}-{place}"
    if given["cv"] > given["best"]:
        box = f'<label class="mf-better"><input type="checkbox" data-input="{place}"> best score</label>'
    else:
        box = '<span class="mf-better">has the best score</span>'
    return (
        f'<div class="mf-control"><label for="{key}">{label}</label>'
        f'<input type="range" id="{key}" data-input="{place}" data-step="{reach / STEPS:.12g}" '
        f'min="-{STEPS}" max="{STEPS}" step="1" value="0">'
        f'<output for="{key}">as it is</output>{box}</div>'
    )
