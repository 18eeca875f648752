"""How does a page answer "what if", with nothing but itself?

For the system of the study and for the electrochemical cell, `export_…` returns the numbers that a page needs,
`evaluate_…` does in Python what `book/_assets/controls.js` does with them in the page, and `show_…` returns a table
of outcomes with a slider for each input. Without scripts the table shows the values at the start.
"""

from __future__ import annotations

import html
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from IPython.display import HTML

from magnetflow.arrays import Array
from magnetflow.book.results import DIGITS, embedded, fixed, html_table, plain, with_spread
from magnetflow.inference.draws.space import probabilities
from magnetflow.studies.united_kingdom import data_quality, estimates
from magnetflow.studies.united_kingdom.draws import improvement
from magnetflow.studies.united_kingdom.draws.model import Model, given_t

RANGE_IN_SD = 2.0  # how far a slider of the system reaches on either side
LARGEST = 0.95  # part of the value, at most, so that no slider reaches down to nothing
STEPS = 20  # from the middle to either end
CELL_STEPS = 100  # from end to end


class Condition(NamedTuple):
    """A condition of the cell that a reader can move."""

    name: str  # of the input of the cell
    label: str
    low: float
    high: float
    scale: float  # from what the page shows to SI
    decimals: int
    logarithmic: bool


CONDITIONS = (
    Condition("current", "current density, A/m²", 20.0, 2000.0, 1.0, 0, True),
    Condition("ph", "pH of the liquor", 0.5, 2.5, 1.0, 2, False),
    Condition("layer", "diffusion layer, µm", 20.0, 100.0, 1e-6, 0, True),
    Condition("gap", "gap between the electrodes, mm", 5.0, 30.0, 1e-3, 1, False),
)
OF_CELL = (  # outcomes: name, label, decimals
    ("voltage", "voltage, V", 2),
    ("gap", "of which in the gap, V", 2),
    ("energy", "electricity, kWh for a kg dissolved", 2),
    ("rate", "dissolved, kg an hour for each m²", 3),
    ("area", "electrodes for 200 kg in a day, m²", 1),
    ("surface_ph", "pH at the cathode", 1),
    ("plating", "current that lays down iron, %", 1),
    ("saturation", "hydroxide, decades over its solubility", 1),
)
VERDICTS = (
    "Hydrogen forms at the cathode and the liquor stays clear.",
    "Protons run out at the cathode, and iron is laid down there.",
    "Hydroxide falls out at the cathode.",
)


def export_system(model: Model, outcomes: Mapping[str, str], inputs: Sequence[str]) -> dict[str, Any]:
    """Return what the page needs for `outcomes` (name: label) and `inputs`, as plain lists and numbers.

    An outcome is a sum of products of the inputs. `products` are the flows and stocks that matter, in t, with their
    element; `covariance` is theirs (products, products), relative and to first order. Bounds are left out, and so is
    a new weighting of the balances.
    """
    rows = [model.names.index(name) for name in outcomes]
    weight = model.of_stocks[rows].copy()
    weight[:, model.of_measured] += model.weights[rows] @ model.estimator.matrix
    offset = model.weights[rows] @ model.estimator.offset
    used = np.flatnonzero(np.abs(weight).max(axis=0) > 0)
    base = model.products.base[used]
    slope = model.products.gradient[used] / base[:, None]
    flows, layers = (list(given_t().index[used].get_level_values(level)) for level in ("flow", "layer"))
    role, powers, label = data_quality.inputs()["role"], data_quality.powers(), data_quality.inputs()["name"]
    return {
        "products": {"base": base.tolist(), "element": layers},
        "covariance": (slope @ model.space.covariance @ slope.T).tolist(),
        "inputs": [
            {
                "label": str(label[name]),
                "cv": float(estimates.input_cv()[name]),
                "best": improvement.best_cv(),
                "by_element": bool(role[name] == data_quality.BY_ELEMENT),
                "power": powers.loc[flows, name].tolist(),
            }
            for name in inputs
        ],
        "outcomes": [
            {"label": outcomes[name], "offset": float(offset[place]), "weight": weight[place, used].tolist()}
            for place, name in enumerate(outcomes)
        ],
    }


def evaluate_system(
    exported: Mapping[str, Any], factors: Sequence[float], better: Collection[int]
) -> list[tuple[float, float]]:
    """Return value and sd of each outcome, t, with each input times a factor and some inputs at the best score."""
    mass, element = np.array(exported["products"]["base"]), np.array(exported["products"]["element"])
    covariance = np.array(exported["covariance"])
    for place, (given, factor) in enumerate(zip(exported["inputs"], factors, strict=True)):
        power = np.array(given["power"])
        mass *= factor**power
        if place in better:
            alike = (element[:, None] == element) if given["by_element"] else 1.0
            covariance = covariance - max(given["cv"] ** 2 - given["best"] ** 2, 0.0) * np.outer(power, power) * alike
    terms = [np.array(outcome["weight"]) * mass for outcome in exported["outcomes"]]
    return [
        (outcome["offset"] + float(term.sum()), math.sqrt(max(term @ covariance @ term, 0.0)))
        for outcome, term in zip(exported["outcomes"], terms, strict=True)
    ]


def show_system(exported: Mapping[str, Any], name: str, about: str) -> HTML:
    """Return sliders for the inputs of the system and a table of its outcomes.

    `name` identifies the sliders in the page; `about` says what they do.
    """
    start = evaluate_system(exported, [1.0] * len(exported["inputs"]), [])
    sliders = []
    for place, given in enumerate(exported["inputs"]):
        step = min(RANGE_IN_SD * given["cv"], LARGEST) / STEPS
        span = f'data-step="{step:.12g}" min="-{STEPS}" max="{STEPS}" step="1" value="0"'
        box = '<span class="mf-better">has the best score</span>'
        if given["cv"] > given["best"]:
            box = f'<label class="mf-better"><input type="checkbox" data-input="{place}"> best score</label>'
        sliders.append((given["label"], span, "as it is", box))
    return _panel(exported, name, about, "Outcome, t", [with_spread(*each) for each in start], sliders)


def export_cell(given: Mapping[str, float | Array], batch_kg: float) -> dict[str, Any]:
    """Return what the page needs of a cell at inputs by their short names, for a batch in a day."""
    # Imported here since it reads tables, on which a chapter without the cell should not depend.
    from magnetflow.studies.neo_cycle.cell import design
    from magnetflow.studies.neo_cycle.cell.quick import constants

    return {
        "inputs": {name: float(value) for name, value in given.items()},
        "constants": constants() | {"ah_per_kg": design.charge_ah_per_kg(), "batch_kg": batch_kg},
        "controls": [each._asdict() | {"start": float(given[each.name]) / each.scale} for each in CONDITIONS],
        "outcomes": [dict(zip(("name", "label", "decimals"), each, strict=True)) for each in OF_CELL],
        "verdicts": list(VERDICTS),
    }


def evaluate_cell(exported: Mapping[str, Any], moved: Mapping[str, float]) -> dict[str, float]:
    """Return each outcome of the cell by name, with some inputs `moved` to other values, in SI."""
    from magnetflow.studies.neo_cycle.cell import design

    outcome = design.outcome(exported["inputs"] | moved)
    cell, rate = outcome.cell, float(outcome.rate_kg_m2_h)
    return {
        "voltage": float(cell.voltage_v),
        "gap": float(cell.gap_v),
        "energy": float(outcome.energy_kwh_kg),
        "rate": rate,
        "area": exported["constants"]["batch_kg"] / 24 / rate,
        "surface_ph": float(cell.surface_ph),
        "plating": 100 * float(cell.plating),
        "saturation": float(cell.saturation),
    }


def sample_cell(count: int, seed: int) -> list[dict[str, float]]:
    """Return conditions of points, spread evenly over all that the page lets one choose, in SI."""
    names = {"current": "current_density_a_m2", "ph": "ph", "layer": "layer_m", "gap": "gap_m"}
    values = {}
    for each, part in zip(CONDITIONS, probabilities(len(CONDITIONS), seed, 0, count), strict=True):
        low, high = each.low, each.high
        span = low * (high / low) ** part if each.logarithmic else low + (high - low) * part
        values[names[each.name]] = (span * each.scale).tolist()
    return [dict(zip(values, point, strict=True)) for point in zip(*values.values(), strict=True)]


def show_cell(exported: Mapping[str, Any], name: str, about: str) -> HTML:
    """Return sliders for the conditions of a cell, a table of its outcomes and a verdict; see `show_system`."""
    start = evaluate_cell(exported, {})
    shown = [fixed(start[each["name"]], each["decimals"]) for each in exported["outcomes"]]
    sliders = []
    for each in exported["controls"]:
        low, high, value = each["low"], each["high"], each["start"]
        part = math.log(value / low) / math.log(high / low) if each["logarithmic"] else (value - low) / (high - low)
        span = f'min="0" max="{CELL_STEPS}" step="any" value="{part * CELL_STEPS:.10g}"'
        sliders.append((each["label"], span, fixed(value, each["decimals"]), ""))
    return _panel(exported, name, about, "Outcome", shown, sliders)


def _panel(
    exported: Mapping[str, Any],
    name: str,
    about: str,
    heading: str,
    start: Sequence[str],
    sliders: Iterable[tuple[str, str, str, str]],
) -> HTML:
    """Return a table of outcomes as they are and as moved, sliders, and what the script needs.

    `sliders` are label, range, reading at the start and what follows it, the latter as HTML.
    """
    rows = [
        (html.escape(outcome["label"]), value, f'<output class="mf-now" aria-live="polite">{value}</output>')
        for outcome, value in zip(exported["outcomes"], start, strict=True)
    ]
    table = html_table([heading, "at the start", "with the sliders"], rows, numeric=("at the start",)).data
    verdict = "".join(
        f'<p class="mf-verdict" aria-live="polite">{text}</p>' for text in exported.get("verdicts", [])[:1]
    )
    controls = "".join(
        f'<div class="mf-control"><label for="{name}-{place}">{html.escape(label)}</label>'
        f'<input type="range" id="{name}-{place}" {span}><output for="{name}-{place}">{reading}</output>{box}</div>'
        for place, (label, span, reading, box) in enumerate(sliders)
    )
    return HTML(
        f'<div class="mf-what-if" id="{name}" role="group" aria-label="{html.escape(about)}">{table}{verdict}'
        f'<div class="mf-controls">{controls}</div>'
        '<button type="button" class="mf-reset">Back to the start</button>'
        "<noscript><p>The sliders need a script, which this browser does not run.</p></noscript>"
        f'<script type="application/json">{embedded(plain(exported, DIGITS))}</script></div>'
    )
