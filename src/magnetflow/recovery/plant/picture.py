"""How is a batch drawn: which ribbons run between which sections, and where does each section stand?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from magnetflow.recovery.plant.batch import Batch

ENTERING = {"reagent": "reagents", "water": "water", "air": "air"}  # nodes by kind of what is drawn
SMALLEST = 1e-6  # part of the largest ribbon below which none is drawn
MARGIN = 0.02  # of the drawing's width and height on either side
FILLED = 0.6  # of the height, by the nodes of the fullest column; the rest lies between them
LABEL = 0.09  # of the height, that a label takes


def ribbons(batch: Batch, element: str) -> pd.DataFrame:
    """Return the flows of an element between sections: source, target, value in kg, label; a row a ribbon.

    What comes from outside starts at its own name or at its kind, what leaves ends at its own name.
    """
    section = {unit.name: unit.section or unit.name for unit in batch.units}
    kinds = {name: kind for unit in batch.units for name, kind in unit.draws.items()}
    flows: dict[tuple[str, str], float] = {}
    for name, pipe in batch.pipes.items():
        source = section.get(pipe.source) or (ENTERING[kinds[name]] if name in kinds else _words(name))
        target = section.get(pipe.target) or _words(name)
        if source != target:
            mass_kg = batch.streams[name].elements_kg().get(element, 0.0)
            flows[source, target] = flows.get((source, target), 0.0) + mass_kg
    least = SMALLEST * max(flows.values())
    rows = [(*ends, mass_kg, element) for ends, mass_kg in flows.items() if mass_kg > least]
    return pd.DataFrame(rows, columns=["source", "target", "value", "label"])


def _words(stream: str) -> str:
    """Return the name of a stream, or of a section, as a picture shows it."""
    return stream.replace("_", " ")


def places(batch: Batch, links: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return where each node of some ribbons stands, x from left to right and y from top to bottom between 0 and 1.

    A section stands right of all that feed it, but for what comes round; what enters stands just before the section
    that takes it, what leaves just behind the one that gives it. Within a column nodes are ordered by the height of
    those that feed them, and take the room that their ribbons need.
    """
    order = list(dict.fromkeys(unit.section or unit.name for unit in batch.units))
    ends = list(zip(links["source"], links["target"], strict=True))
    column = _columns(order, ends)
    last = max(column.values()) or 1
    totals = [links.groupby(end)["value"].sum() for end in ("source", "target")]
    through = totals[0].combine(totals[1], max, fill_value=0.0)
    members = [[name for name in column if column[name] == at] for at in range(last + 1)]
    fullest = max(float(through[names].sum()) for names in members if names)
    found: dict[str, tuple[float, float]] = {}
    for at, names in enumerate(members):
        feeding = {name: [found[one][1] for one, other in ends if other == name and one in found] for name in names}
        names = sorted(names, key=lambda name: sum(feeding[name]) / len(feeding[name]) if feeding[name] else 1.0)
        heights = [FILLED * float(through[name]) / fullest for name in names]
        gap = (1 - sum(heights)) / (len(names) + 1)
        top = gap
        for name, height in zip(names, heights, strict=True):
            found[name] = (MARGIN + (1 - 2 * MARGIN) * at / last, top + height / 2)
            top += height + gap
    for name in members[last]:  # their labels stand on their left, beside those of the column before
        x, y = found[name]
        near = [found[one][1] for one in members[last - 1] if abs(found[one][1] - y) < LABEL]
        if near and through[name] < LABEL * fullest:
            found[name] = (x, max(near) + LABEL if max(near) < 1 - LABEL else min(near) - LABEL)
    return found


def _columns(order: Sequence[str], ends: Sequence[tuple[str, str]]) -> Mapping[str, int]:
    """Return the column of each node: of sections by the longest way to them, of others beside these."""
    rank = {name: at for at, name in enumerate(order)}
    column = dict.fromkeys([name for name in order if any(name in pair for pair in ends)], 1)
    for name in column:
        feeding = [column[one] for one, other in ends if other == name and one in column and rank[one] < rank[name]]
        column[name] = max(feeding, default=0) + 1
    for one, other in ends:
        if one not in rank:
            column[one] = min(column.get(one, len(order)), column[other] - 1)
        if other not in rank:
            column[other] = max(column.get(other, 0), column[one] + 1)
    return column
