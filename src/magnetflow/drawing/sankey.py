"""How does a system of flows become a Sankey diagram in SVG, and a page without outside requests?

Widths are in proportion to values, no label overlaps a bar or another label, and the bytes are the same each time.
"""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from magnetflow.drawing.layout import Arrangement, Link, arrange, columns, ordered

MEASURED, CALCULATED, UNDETERMINED = "measured", "calculated", "undetermined"
MEANING = {MEASURED: "measured", CALCULATED: "calculated from the others", UNDETERMINED: "not determined"}
STYLE, PAGE = (Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("sankey.css", "page.css"))
BAR, LINE, LETTER = 14.0, 14.0, 6.6  # px: width of a node, height of a line of text, width of a letter
BARS, THINNEST = 340.0, 1.0  # px: all nodes of the fullest column, and a flow of nothing
LEAST = 1e-200  # in the unit, of all flows: below it there is no scale
GAP, TURN = 12.0, 8.0  # px: between nodes, and at the inner side of a turn
PITCH, WIDE = (190.0, 280.0), 1100.0  # px: from column to column at least and at most; all columns where that goes
LOOP = 0.2  # of the way from column to column: how thick what is led back may be
ALONG = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8)  # where the label of a ribbon may stand
HEADER = "<th>Flow</th><th>From</th><th>To</th><th>Value</th><th>How it is known</th>"
Point = tuple[float, float]


class Node(NamedTuple):
    """A process, or the end of a flow outside; `stock` is what a process puts to stock, below zero if it draws."""

    label: str
    notes: tuple[str, ...] = ()
    is_process: bool = True
    stock: float = 0.0


class Ribbon(NamedTuple):
    """A flow between two nodes; `value` is NaN where nothing determines it, `text` shows it with its sd and unit."""

    name: str
    source: str
    target: str
    value: float
    text: str
    kind: str = MEASURED


class Diagram(NamedTuple):
    """Nodes by name, and ribbons between them, under a heading."""

    heading: str
    unit: str
    nodes: Mapping[str, Node]
    ribbons: Sequence[Ribbon]

    @property
    def description(self) -> str:
        """What the diagram shows, in a sentence."""
        known = [ribbon for ribbon in self.ribbons if not math.isnan(ribbon.value)]
        largest = max(known, key=lambda ribbon: ribbon.value, default=None)
        end = f"; the largest is {largest.name}, {largest.text}" if largest else ""
        count = sum(node.is_process for node in self.nodes.values())
        flows, processes = ("flow" + "s" * (len(self.ribbons) != 1), "process" + "es" * (count != 1))
        return f"{len(self.ribbons)} {flows} and {count} {processes}{end}."

    def cells(self, ribbon: Ribbon) -> tuple[str, str, str, str, str]:
        """Return what a ribbon shows: name, from where, to where, value and how it is known."""
        ends = (self.nodes[name] for name in (ribbon.source, ribbon.target))
        source, target = (node.label if node.is_process else "outside" for node in ends)
        return ribbon.name, source, target, ribbon.text, MEANING[ribbon.kind]


class Box(NamedTuple):
    """A rectangle: left, top, width and height, px."""

    x: float
    y: float
    width: float
    height: float

    def meets(self, other: Box) -> bool:
        """Tell whether two rectangles come nearer than two pixels."""
        across = self.x < other.x + other.width + 2 and other.x < self.x + self.width + 2
        return across and self.y < other.y + other.height + 2 and other.y < self.y + self.height + 2


def svg(diagram: Diagram, number: int = 1) -> str:
    """Return a diagram as an SVG document; `number` tells its parts from those of others on the same page."""
    nodes = diagram.nodes
    raw = [(one.source, one.target, 0.0 if math.isnan(one.value) else one.value) for one in diagram.ribbons]
    column = columns(ordered(list(nodes), raw), raw)
    amounts, at_each = _through(nodes, raw, 1.0), list(column.values())
    fullest = max(sum(amounts[name] for name in nodes if column[name] == at) for at in at_each)
    scale = max(BARS, LINE / 2 * max(map(at_each.count, at_each))) / fullest if fullest > LEAST else 0.0
    pitch = min(max(WIDE / max(*at_each, 1), PITCH[0]), PITCH[1])
    thickest = max((value for source, target, value in raw if column[source] >= column[target]), default=0.0)
    scale = min(scale, LOOP * pitch / thickest) if thickest > LEAST else scale
    links = [(source, target, max(scale * value, THINNEST)) for source, target, value in raw]
    sizes = _through(nodes, links, scale)
    lines = {name: (*_wrapped(node.label, pitch - GAP), *node.notes) for name, node in nodes.items()}
    heads = {name: LINE * len(lines[name]) + 4 for name in nodes}
    places = arrange(column, links, sizes, GAP, heads)
    bars = {name: Box(pitch * at, places.top[name], BAR, sizes[name]) for name, at in column.items()}
    shapes, texts, occupied = list[str](), list[str](), list(bars.values())
    for name, bar in bars.items():
        node, high, title = nodes[name], scale * abs(nodes[name].stock), ", ".join(lines[name])
        shapes.append(_rect("node" if node.is_process else "end", bar, title))
        if high:
            x = bar.x + math.copysign(BAR / 2, node.stock)
            shapes.append(_rect("stock", Box(x, bar.y + bar.height - high, BAR, high), title))
        label = Box(bar.x, bar.y - heads[name], max(map(text_width, lines[name])), heads[name] - 4)
        texts += _text(lines[name], label.x, label.y, len(lines[name]) - len(node.notes) if node.is_process else 0)
        occupied.append(label)
    routes, depth = _routes(links, places, bars, pitch)
    sides = zip(routes, links, strict=True)
    edges = [x + side * width / 2 for route, (_, _, width) in sides for x, _ in route for side in (-1, 1)]
    edges += [box.x + box.width for box in occupied]
    left = min(edges) - 2 * TURN
    legend, end_of_legend = _legend(diagram, scale, left + 2 * TURN, depth + 2.5 * LINE)
    right = max(*edges, end_of_legend) + 2 * TURN
    bands = []
    drawn = sorted(zip(diagram.ribbons, routes, links, strict=True), key=lambda each: -each[2][2])
    for ribbon, route, (source, target, width) in drawn:
        title = "{}, from {} to {}: {} ({})".format(*diagram.cells(ribbon))
        shape = _outline(route, width if ribbon.kind != UNDETERMINED else 0.0)
        bands.append(f'<path class="{ribbon.kind}" d="{shape}"><title>{escape(title)}</title></path>')
        arrow = "" if route[0][0] < route[-1][0] else "← "
        written = (*_wrapped(arrow + ribbon.name, pitch - 3 * BAR), ribbon.text)
        across, high = max(map(text_width, written)), LINE * len(written)
        for x, y in _spots(route) if nodes[source].is_process and nodes[target].is_process else ():
            box = Box(x - across / 2, y - high / 2, across, high)
            if left < box.x and box.x + across < right and not any(map(box.meets, occupied)):
                occupied.append(box)
                texts += _text(written, x, box.y, 0, "middle")
                break
    paper = Box(left, -2 * LINE, right - left, depth + 6 * LINE)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="sankey" role="img" viewBox="{" ".join(map(_px, paper))}" '
        f'width="{_px(paper.width)}" aria-labelledby="title-{number} description-{number}">',
        f'<title id="title-{number}">{escape(diagram.heading)}</title>',
        f'<desc id="description-{number}">{escape(diagram.description)}</desc>', f"<style>\n{STYLE}</style>",
        _rect("paper", paper), *bands, *shapes, *texts, *legend,
        "</svg>\n",
    ])  # fmt: skip


def _through(nodes: Mapping[str, Node], links: Sequence[Link], scale: float) -> dict[str, float]:
    """Return what passes each node: what enters or what leaves it, whichever is more, its stock included."""
    enters = {name: scale * max(-node.stock, 0.0) for name, node in nodes.items()}
    leaves = {name: scale * max(node.stock, 0.0) for name, node in nodes.items()}
    for source, target, thickness in links:
        leaves[source] += thickness
        enters[target] += thickness
    return {name: max(enters[name], leaves[name]) for name in nodes}


def _routes(
    links: Sequence[Link], places: Arrangement, bars: Mapping[str, Box], pitch: float
) -> tuple[list[list[Point]], float]:
    """Return the points that the middle of each link passes, and how far down the loops reach.

    Links are stacked at either end in the order of where they lead. A loop has the corners that it turns at.
    """
    column, levels = places.column, []
    for number, (source, target, width) in enumerate(links):
        lanes = [places.top[number, at] + width / 2 for at in range(column[source] + 1, column[target])]
        levels.append([bars[source].y + bars[source].height / 2, *lanes, bars[target].y + bars[target].height / 2])
    ports, loops = dict[tuple[int, int], float](), [column[source] >= column[target] for source, target, _ in links]
    for side, following in ((0, 1), (1, -2)):
        free = {name: bar.y for name, bar in bars.items()}
        for number in sorted(range(len(links)), key=lambda at: (loops[at], levels[at][following])):
            end, width = links[number][:2][side], links[number][2]
            ports[number, side] = free[end] + width / 2
            free[end] += width
    routes, depth = [list[Point]() for _ in links], places.height
    for number in sorted(range(len(links)), key=lambda at: column[links[at][0]] - column[links[at][1]]):
        source, target, width = links[number]
        first, last = (bars[source].x + BAR, ports[number, 0]), (bars[target].x, ports[number, 1])
        if loops[number]:
            depth += width + 2 * TURN
            out, low, back = first[0] + width / 2 + 2 * TURN, depth - width / 2, last[0] - width / 2 - 2 * TURN
            routes[number] = [first, (out, first[1]), (out, low), (back, low), (back, last[1]), last]
        else:
            passed = [(pitch * (column[source] + at), y) for at, y in enumerate(levels[number])][1:-1]
            routes[number] = [first, *((x + edge, y) for x, y in passed for edge in (0.0, BAR)), last]
    return routes, depth


def _outline(route: Sequence[Point], width: float) -> str:
    """Return the outline of a ribbon along a route, or the line itself where the width is zero."""
    if route[0][0] < route[-1][0]:
        there, back = ([(x, y + side * width / 2) for x, y in route] for side in (-1, 1))
        sides = [_bent(there), _bent(back[::-1])]
    else:  # outside the turns and inside them
        ways = [(0, -1), (1, -1), (1, 1), (-1, 1), (-1, -1), (0, -1)]
        there, back = (
            [
                (x + side * dx * width / 2, y + side * dy * width / 2)
                for (x, y), (dx, dy) in zip(route, ways, strict=True)
            ]
            for side in (1, -1)
        )
        sides = [_turned(there, width + TURN), _turned(back[::-1], TURN)]
    return f"M{sides[0]}L{sides[1]}Z" if width else f"M{sides[0]}"


def _bent(points: Sequence[Point]) -> str:
    """Return a path that is level at every point and bends from each odd one to the next."""
    path = _px(*points[0])
    for at, ((x, y), (to, down)) in enumerate(pairwise(points)):
        path += f"H{_px(to)}" if at % 2 else f"C{_px((x + to) / 2, y, (x + to) / 2, down, to, down)}"
    return path


def _turned(points: Sequence[Point], radius: float) -> str:
    """Return a path from corner to corner, each of them rounded."""
    path = _px(*points[0])
    for (a, b), (x, y), (c, d) in zip(points, points[1:], points[2:], strict=False):
        into, out = math.dist((a, b), (x, y)), math.dist((x, y), (c, d))
        near = [
            (x + (one - x) * radius / far, y + (two - y) * radius / far)
            for one, two, far in ((a, b, into), (c, d, out))
        ]
        path += f"L{_px(*near[0])}Q{_px(x, y, *near[1])}"
    return f"{path}L{_px(*points[-1])}"


def _spots(route: Sequence[Point]) -> Iterator[Point]:
    """Yield where the label of a ribbon may stand, the best place first."""
    if route[0][0] > route[-1][0]:
        route = route[3:1:-1]
    for part in ALONG:
        for (x, y), (to, down) in zip(route[::2], route[1::2], strict=True):
            yield x + (1.5 * part * (1 - part) + part**3) * (to - x), y + part**2 * (3 - 2 * part) * (down - y)


def _rect(kind: str, box: Box, title: str = "") -> str:
    sides = " ".join(f'{side}="{_px(length)}"' for side, length in zip(box._fields, box, strict=True))
    return f'<rect class="{kind}" {sides}>' + (f"<title>{escape(title)}</title>" if title else "") + "</rect>"


def _text(lines: Sequence[str], x: float, y: float, bold: int = 0, kind: str = "") -> list[str]:
    """Return lines of text below a height, the first ones bold."""
    kinds = ["bold" if at < bold else kind for at in range(len(lines))]
    return [
        f'<text class="{own}" x="{_px(x)}" y="{_px(y + LINE * (at + 0.8))}">{escape(line)}</text>'
        for at, (own, line) in enumerate(zip(kinds, lines, strict=True))
    ]


def _legend(diagram: Diagram, scale: float, x: float, y: float) -> tuple[list[str], float]:
    """Return the kinds of ribbons, and how high a round amount is; and how far to the right that reaches."""
    parts = list[str]()
    for kind in dict.fromkeys(ribbon.kind for ribbon in diagram.ribbons):
        parts += [_rect(kind, Box(x, y - 4, 28, 8)), *_text([MEANING[kind]], x + 34, y - LINE / 2)]
        x += 60 + text_width(MEANING[kind])
    if scale:
        amount = 10.0 ** math.floor(math.log10(BARS / 5 / scale))
        parts.append(_rect("end", Box(x, y - scale * amount / 2, BAR, scale * amount)))
        parts += _text([f"{amount:,g} {diagram.unit}"], x + BAR + 6, y - LINE / 2)
        x += BAR + 6 + text_width(f"{amount:,g} {diagram.unit}")
    return parts, x


def text_width(text: str) -> float:
    """Return about how wide a text is, px; a sign of an East Asian script counts as two letters."""
    return LETTER * sum(_letters(sign) for sign in text)


def _letters(sign: str) -> int:
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def _wrapped(text: str, width: float) -> list[str]:
    letters = int(width / LETTER) // max(map(_letters, text), default=1)
    return textwrap.wrap(text, letters, max_lines=3, placeholder=" …") or [text]


def _px(*lengths: float) -> str:
    """Return lengths in px, to one decimal."""
    return " ".join(f"{round(length, 1) + 0.0:g}" if abs(length) < 1e4 else f"{length:.0f}" for length in lengths)


def page(title: str, diagrams: Sequence[Diagram]) -> str:
    """Return a page with diagrams, each with a table of its flows; it asks for nothing outside itself."""
    links, sections = "", ""
    for number, diagram in enumerate(diagrams, 1):
        heading = escape(diagram.heading)
        rows = ["".join(f"<td>{escape(cell)}</td>" for cell in diagram.cells(ribbon)) for ribbon in diagram.ribbons]
        links += f'<li><a href="#diagram-{number}">{heading}</a></li>'
        sections += (
            f'<section id="diagram-{number}"><h2>{heading}</h2><p>{escape(diagram.description)}</p>'
            f'<div class="scroll" tabindex="0" role="group" aria-label="{heading}">{svg(diagram, number)}</div>'
            f'<details><summary>The flows as a table</summary><div class="scroll"><table><tr>{HEADER}</tr><tr>'
            f"{'</tr><tr>'.join(rows)}</tr></table></div></details></section>"
        )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{escape(title)}</title><style>{PAGE}</style></head>\n<body><main>'
        f"<h1>{escape(title)}</h1><ul>{links}</ul>{sections}</main></body></html>\n"
    )
