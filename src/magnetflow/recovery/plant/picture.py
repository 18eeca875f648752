"""How is a batch drawn: which ribbons run between which sections, and where does each section stand?"""

from __future__ import annotations

import pandas as pd

from magnetflow.drawing.layout import arrange, columns
from magnetflow.recovery.plant.batch import Batch

ENTERING = {"reagent": "reagents", "water": "water", "air": "air"}  # nodes by kind of what is drawn
SMALLEST = 1e-6  # part of the largest ribbon below which none is drawn
MARGIN = 0.02  # of the drawing's width and height on either side
FILLED = 0.6  # of the height, by the nodes of the fullest column; the rest lies between them
LABEL = 0.09  # of the height, that a label takes
GAP = 0.02  # of the height, between nodes


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
    that takes it, what leaves behind the one that gives it. Nodes take the room of their ribbons, and of their label.
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
    bars = {name: FILLED * float(through[name]) / fullest for name in order}
    flows = [(source, target, FILLED * value / fullest) for source, target, value in ends]
    arranged = arrange(column, flows, {name: max(bars[name], LABEL) for name in order}, GAP, height=1.0)
    found = {}
    for name in order:
        y = (arranged.top[name] + max(bars[name], LABEL) / 2) / arranged.height
        found[name] = (MARGIN + (1 - 2 * MARGIN) * column[name] / last, y)
    ends_of_all = [name for name in order if column[name] == last]
    for name in ends_of_all:  # their labels stand on their left, where some of the column before may stand
        x, y = found[name]
        near = [found[one][1] for one in order if column[one] == last - 1 and abs(found[one][1] - y) < LABEL]
        for free in (max(near) + LABEL, min(near) - LABEL) if near and bars[name] < LABEL else ():
            others = [one for one in ends_of_all if abs(free - found[one][1]) < LABEL + bars[one] / 2]
            if LABEL < free < 1 - LABEL and others in ([], [name]):
                found[name] = (x, free)
                break
    return found
