"""How do the front page's drawings come about: ranges beside printed numbers, and a mark for every number?

Both are HTML that needs no script: a table whose rows carry their own drawing, and lists whose marks are links.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from magnetflow.book.results import number
from magnetflow.studies.united_kingdom.review import scorecard

SCORECARD = "notebooks/17-scorecard.html"
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)  # of an axis, times a power of ten
STEPS_OF_AXIS = 5  # at most, for what lies on it
MARKS = {  # glyph and class of each verdict
    scorecard.REPRODUCED: ("✓", "reproduced"),
    scorecard.READ_SO: ("✓", "read-so"),
    scorecard.CONSISTENT: ("≈", "agrees"),
    scorecard.CONTAINED: ("≈", "agrees"),
    scorecard.RIGHT_ORDER: ("≈", "agrees"),
    scorecard.WITHIN: ("≈", "agrees"),
    scorecard.RATIO_HOLDS: ("≈", "agrees"),
    scorecard.HOLDS: ("=", "holds"),
    scorecard.OUTSIDE: ("!", "tension"),
    scorecard.IN_TENSION: ("!", "tension"),
    scorecard.WRONG_ORDER: ("!", "tension"),
    scorecard.DIFFERS: ("≠", "differs"),
    scorecard.FAILS: ("≠", "differs"),
    scorecard.STATED: ("·", "stated"),
    scorecard.NOT_TESTABLE: ("?", "untestable"),
}


class Row(NamedTuple):
    """One quantity: its words and page, what the study prints, our value with its range of nine tenths, a verdict."""

    what: str
    page: str
    printed: float
    value: float
    low: float
    high: float
    verdict: str


class Axis(NamedTuple):
    """The ends of an axis, and its ticks."""

    first: float
    last: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Return where a value lies, in per cent of the axis."""
        return 100 * (value - self.first) / (self.last - self.first)


def axis(values: Sequence[float]) -> Axis:
    """Return an axis with round ticks that holds zero and all values."""
    low, high = min(0.0, *values), max(0.0, *values)
    power = 10.0 ** math.floor(math.log10((high - low) / STEPS_OF_AXIS))
    step = next(power * step for step in STEPS if (high - low) / (power * step) <= STEPS_OF_AXIS)
    first, last = step * math.floor(low / step), step * math.ceil(high / step)
    return Axis(first, last, tuple(first + step * tick for tick in range(round((last - first) / step) + 1)))


def ranges(panels: dict[str, Sequence[Row]], caption: str) -> str:
    """Return a table of quantities in tonnes, a panel after the other, each with an axis of its own."""
    bodies = "".join(_panel(title, rows) for title, rows in panels.items())
    caption = f"<caption>{html.escape(caption)}</caption>"
    return f'<div class="mf-table"><table class="mf-ranges">{caption}{bodies}</table></div>'


def _panel(title: str, rows: Sequence[Row]) -> str:
    scale = axis([value for row in rows for value in (row.printed, row.low, row.high)])
    ticks = "".join(f'<i style="left:{scale.place(tick):.1f}%">{number(tick)}</i>' for tick in scale.ticks)
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Study, t", "This book, t", "Verdict on the study's"))
    head = f'<tr><th scope="col">{title}</th><td class="mf-axis" aria-hidden="true">{ticks}</td>{heads}</tr>'
    return f"<tbody>{head}{''.join(_row(row, scale) for row in rows)}</tbody>"


def _row(row: Row, scale: Axis) -> str:
    at = {name: scale.place(getattr(row, name)) for name in ("printed", "value", "low", "high")}
    zero = scale.place(0.0)
    drawn = (
        f'<i class="mf-zero" style="left:{zero:.1f}%"></i>'
        f'<i class="mf-range" style="left:{at["low"]:.1f}%;width:{at["high"] - at["low"]:.1f}%"></i>'
        f'<i class="mf-dot" style="left:{at["value"]:.1f}%"></i>'
        f'<i class="mf-diamond" style="left:{at["printed"]:.1f}%"></i>'
    )
    ours = f"{number(row.value)} ({number(row.low)} to {number(row.high)})"
    return (
        f'<tr><th scope="row"><a href="{row.page}">{html.escape(row.what)}</a></th>'
        f'<td class="mf-track" aria-hidden="true">{drawn}</td><td class="mf-number">{number(row.printed)}</td>'
        f'<td class="mf-number">{ours}</td><td>{mark(row.verdict)} {row.verdict}</td></tr>'
    )


def mark(verdict: str) -> str:
    """Return the mark of a verdict, which says nothing aloud."""
    glyph, kind = MARKS[verdict]
    return f'<i class="mf-mark mf-{kind}" aria-hidden="true">{glyph}</i>'


def anchor(result: str) -> str:
    """Return the id of the row of a printed number; a dot would be a class to the scripts of the theme."""
    return result.replace(".", "-")


def strips(rows: pd.DataFrame) -> str:
    """Return a mark for every row of a scorecard, by group and in the order of verdicts, each leading to its row."""
    order = rows.assign(rank=rows["verdict"].map(scorecard.VERDICTS.index)).sort_values("rank", kind="stable")
    lists = []
    for group in dict.fromkeys(scorecard.GROUPS.values()):
        of_group = order[order["group"] == group]
        marks = "".join(
            f'<li><a href="{SCORECARD}#{anchor(str(name))}" title="{html.escape(_words(row))}" '
            f'aria-label="{html.escape(_words(row))}">{mark(row["verdict"])}</a></li>'
            for name, row in of_group.iterrows()
        )
        lists.append(f"<h3>{group} ({len(of_group)})</h3><ul>{marks}</ul>")
    return f'<div class="mf-strips">{"".join(lists)}{_legend(rows)}</div>'


def _words(row: pd.Series) -> str:
    unit = "" if row["unit"] == "1" else f" {row['unit']}"
    given = row["reading"] or f"{number(row['printed'])}{unit}"
    return f"{row['what']}: {given}; {row['verdict']}"


def _legend(rows: pd.DataFrame) -> str:
    count = rows["verdict"].value_counts()
    items = "".join(
        f"<li>{mark(verdict)} {verdict}: {count[verdict]}</li>" for verdict in scorecard.VERDICTS if verdict in count
    )
    return f'<ul class="mf-legend">{items}</ul>'
