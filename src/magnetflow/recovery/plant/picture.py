"""How is a batch drawn: which ribbons run between which sections, and where does each section stand?"""

from __future__ import annotations

import pandas as pd

from magnetflow.drawing.layout import arrange, columns
from magnetflow.recovery.plant.batch import Batch

ENTERING = {"reagent": "reagents", "water": "water", "air": "air"}  # nodes by kind of what is drawn
SMALLEST = 1e-6  # part of the largest ribbon below which none is drawn
MARGIN = 0.02  # of the drawing's width and height on either side
FILLED = 0.6  # of the height, by the nodes of the fullest column; the rest lies between them
LOOP = 0.14  # of the width, on the left of a drawing in which something comes round
LONG = 12  # letters of a name that reaches to the next column
APART = 0.5  # of the distance of two columns, that the last stands further off
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
    that takes it, what leaves behind the one that gives it. Within a column nodes stand as least crosses, and share
    the room that is left; a small node makes way for a long label beside it.
    """
    sections = dict.fromkeys(unit.section or unit.name for unit in batch.units)
    ends = list(zip(links["source"], links["target"], links["value"].astype(float), strict=True))
    totals = [links.groupby(end)["value"].sum() for end in ("source", "target")]
    through = totals[0].combine(totals[1], max, fill_value=0.0)
    outside = [name for name in through.index if name not in sections]
    order = [name for name in outside if name in totals[0]]
    order += [name for name in [*sections, *outside] if name in through and name not in order]
    column = columns(order, ends)
    last = max(column.values())
    fullest = max(sum(through[name] for name in order if column[name] == at) for at in range(last + 1))
    rank = {name: at for at, name in enumerate(order)}
    loops = any(column[source] >= column[target] for source, target, _ in ends)
    filled, left = (FILLED / 2, LOOP) if loops else (FILLED, MARGIN)  # what comes round is led outside of the nodes
    bars = {name: filled * float(through[name]) / fullest for name in order}
    tops = arrange(column, ends, {name: float(through[name]) for name in order}, gap=LABEL * fullest).top
    found: dict[str, tuple[float, float]] = {}
    for at in range(last + 1):
        names = sorted((name for name in order if column[name] == at), key=lambda name: tops[name])
        gap = (1 - sum(bars[name] for name in names)) / (len(names) + 1)
        top = gap
        # Labels of the last column stand on their left: it keeps apart from the one before it.
        x = left + (1 - MARGIN - left) * (at + APART * (at == last)) / (last + APART)
        for name in names:
            found[name] = (x, top + bars[name] / 2)
            top += bars[name] + gap
    for name in sorted(order, key=lambda name: (column[name], rank[name])):
        x, y = found[name]
        before = [one for one in order if column[one] == column[name] - 1]
        beside = [one for one in before if len(one) >= LONG or column[name] == last]
        near = [found[one][1] for one in beside if abs(found[one][1] - y) < LABEL]
        others = [found[one][1] for one in order if column[one] == column[name] and one != name]
        for free in (max(near) + LABEL, min(near) - LABEL) if near and bars[name] < LABEL else ():
            if MARGIN < free < 1 - MARGIN and all(abs(free - other) >= LABEL for other in others):
                found[name] = (x, free)
                break
    return found
