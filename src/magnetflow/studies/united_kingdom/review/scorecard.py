"""How much is known of each number that the study prints, and of what it claims in words?

Each has one route of testing or several (table `scorecard_routes`), each route a rule, and each rule a verdict that
follows from the numbers. The verdict of a number is the first in the order of `VERDICTS`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from magnetflow import tables
from magnetflow.errors import InputError
from magnetflow.studies.united_kingdom import printed
from magnetflow.studies.united_kingdom.review import evidence
from magnetflow.studies.united_kingdom.review.evidence import NAN, Evidence

VERDICTS = (
    REPRODUCED := "reproduced",
    READ_SO := "reproduced under a stated reading",
    DIFFERS := "differs",
    OUTSIDE := "outside bounds",
    IN_TENSION := "in tension",
    WRONG_ORDER := "wrong order",
    CONSISTENT := "consistent",
    CONTAINED := "contained",
    RIGHT_ORDER := "right order",
    WITHIN := "within bounds",
    RATIO_HOLDS := "ratio holds",
    FAILS := "arithmetic, fails",
    HOLDS := "arithmetic, holds",
    STATED := "stated, not tested",
    NOT_TESTABLE := "not testable",
)
FLOWS, COUNTS, TABLE_2, CONTEXT = "flows and stocks", "counts, claims and sums", "Table 2", "context"
GROUPS = {
    "flow": FLOWS,
    "stock": FLOWS,
    "count": COUNTS,
    "claim": COUNTS,
    "derived": COUNTS,
    "uncertainty": TABLE_2,
    "context": CONTEXT,
    "input": CONTEXT,
}
UNITS = {"flow": "t", "count": "1", "uncertainty": "%"}  # of what is printed
CLOSE = 0.01  # part of a number within which the study's own method reproduces it, if its rounding is less
NARROW, WIDE = 0.20, 0.50  # relative standard deviations up to which another estimate is sharp, and tells anything
SIGMAS = 2.0  # standard deviations of the difference beyond which two estimates are in tension
ORDER = 2.0  # factor within which a number has the order of a rough estimate
SAME_RATIO = 0.10  # part by which a ratio may differ between fleets of another mix
FILE = "scorecard_routes.csv"


class Number(NamedTuple):
    """A number as printed, half the width of its rounding, and the standard deviation that Table 2 gives it, or 0.

    Of a claim in words, value and half width are the middle and half of what the words are taken to allow.
    """

    value: float
    half_width: float
    sd: float


def verdict(route: str, number: Number, found: Evidence) -> str:
    """Return the verdict on a number that its evidence gives, by the rule of the route."""
    away, sd = abs(found.value - number.value), math.hypot(np.nan_to_num(found.sd), number.sd)
    near = away <= max(number.half_width, CLOSE * abs(number.value))
    between = found.low - number.half_width <= number.value <= found.high + number.half_width
    match route:
        case evidence.OWN:
            return REPRODUCED if near else DIFFERS
        case evidence.READING:
            return READ_SO if near else DIFFERS
        case evidence.OTHER if found.sd <= WIDE * abs(found.value):
            if away > max(number.half_width, SIGMAS * sd):
                return IN_TENSION
            return CONSISTENT if found.sd <= NARROW * abs(found.value) else CONTAINED
        case evidence.OTHER | evidence.ROUGH | evidence.SCORES:
            of_order = found.value / ORDER <= number.value + number.half_width
            return (
                RIGHT_ORDER if of_order and number.value - number.half_width <= ORDER * found.value else WRONG_ORDER
            )
        case evidence.LIMITS:
            return WITHIN if between else OUTSIDE
        case evidence.AGAINST:
            return IN_TENSION
        case evidence.RATIO:
            same = away <= max(number.half_width, SAME_RATIO * abs(number.value))
            return RATIO_HOLDS if same else IN_TENSION
        case evidence.IDENTITY | evidence.PROPAGATION | evidence.RESIDUAL:
            return HOLDS if between else FAILS
        case evidence.STATED:
            return STATED
    return NOT_TESTABLE


def numbers() -> pd.DataFrame:
    """Return every number that the study prints and every claim in words, by name.

    Raises InputError for crossed ends of a claim, and for a number in another unit than those of its kind are in.
    Columns: what, element, group (of `GROUPS`), locator, printed, half_width, unit, sd, and reading, which says how
    words are read and is empty for a number.
    """
    table = printed.numbers().rename(columns={"value": "printed"})
    words = tables.read("claims_in_words").set_index("number")
    ends = words[["low", "high"]].to_numpy(dtype=float)
    words = words.assign(
        element="", group="claim", printed=ends.mean(axis=1), half_width=(ends[:, 1] - ends[:, 0]) / 2
    )
    columns = ["what", "element", "group", "locator", "printed", "half_width", "unit"]
    both = pd.concat([table[columns].assign(reading=""), words[[*columns, "reading"]]])
    if crossed := list(words.index[words["half_width"] < 0]):
        raise InputError(f"claims_in_words.csv: {crossed[0]} has its ends crossed; write the lower one first")
    for group, unit in UNITS.items():
        if other := list(both.index[(both["group"] == group) & (both["unit"] != unit)]):
            raise InputError(f"printed_numbers.csv: {other[0]} is not in {unit}, in which it is tested; convert it")
    return both.assign(group=both["group"].map(GROUPS), sd=evidence.printed_sd().reindex(both.index).fillna(0.0))


def tests() -> pd.DataFrame:
    """Return one row a number and route: number, route, means, lacks, ours, ours_sd, low, high, kind and verdict.

    `ours` and what follows is NaN where a route has no figure of its own.
    Raises InputError for a number without a route, a route without evidence, and a number that there is not.
    """
    given, routes = numbers(), tables.read("scorecard_routes")[["number", "route", "means", "lacks"]]
    if lacking := sorted(set(given.index) - set(routes["number"])):
        raise InputError(f"{FILE} has no route for {lacking[0]}; add its row")
    if strange := sorted(set(routes["number"]) - set(given.index)):
        raise InputError(f"{FILE} has a route for {strange[0]}, which is no printed number or claim; remove its row")
    found = {route: of_route() for route, of_route in evidence.ROUTES.items()}
    rows = []
    for name, route, means, lacks in routes.itertuples(index=False):
        if route in found and name not in found[route]:
            raise InputError(f"{FILE} tests {name} by {route}, for which there is no evidence; mend its row")
        own = found[route][name] if route in found else Evidence(NAN, kind="transcribed")
        number = Number(*given.loc[name, ["printed", "half_width", "sd"]])
        rows.append((name, route, means, lacks, *own, verdict(route, number, own)))
    columns = ["number", "route", "means", "lacks", "ours", "ours_sd", "low", "high", "kind", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def scorecard() -> pd.DataFrame:
    """Return one row a number or claim, by its name, with the test that decides.

    Columns: those of `numbers` and of `tests`, percent and sigma (the difference from ours, or from the limit that
    is passed, in per cent of the printed number and in standard deviations of the difference; NaN where there is
    none), also (the verdicts of the other routes), lacks of all routes, and soft: whether the test rests on this
    book's own scores.
    """
    tested = tests()
    rank = tested["verdict"].map(VERDICTS.index)
    ranked = tested.assign(rank=rank).sort_values("rank", kind="stable")
    by_number = ranked.groupby("number", sort=False)
    others = by_number["verdict"].agg(lambda verdicts: "; ".join(verdicts.iloc[1:]))
    lacks = by_number["lacks"].agg(lambda all_of: "; ".join(_inputs("; ".join(all_of))))
    deciding = ranked.drop_duplicates("number").set_index("number")
    rows = numbers().join(deciding.drop(columns=["rank", "lacks"]))
    rows = rows.assign(also=others, lacks=lacks, soft=rows["route"] == evidence.SCORES)
    at_limit = rows["printed"].clip(rows["low"], rows["high"]).where(rows["verdict"] == OUTSIDE)
    compared = rows["ours"].where(rows["route"].isin([evidence.OWN, evidence.READING, evidence.OTHER]))
    difference = compared.fillna(at_limit) - rows["printed"]
    spread = (rows["ours_sd"].fillna(0.0) ** 2 + rows["sd"] ** 2) ** 0.5
    return rows.assign(
        percent=100 * difference / rows["printed"].where(rows["printed"] != 0),
        sigma=difference / spread.where(spread > 0),
    )


def counts(rows: pd.DataFrame) -> pd.DataFrame:
    """Return how many rows of each group (row) have each verdict (column), all of both."""
    table = pd.crosstab(rows["group"], rows["verdict"])
    return table.reindex(index=list(dict.fromkeys(GROUPS.values())), columns=list(VERDICTS), fill_value=0)


def unlocked(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what each missing input (row) would let be recomputed: alone, with one more, and which that is.

    Columns: alone (numbers that lack nothing else), with_one_more (further ones, with the one input that adds most),
    partner (that input, or empty), and of_flows (how many of both are flows or stocks).
    """
    lacks = rows["lacks"].map(lambda names: frozenset(_inputs(names)))
    lacks = lacks[lacks.map(bool)]
    inputs = sorted(set().union(*lacks))
    of_flows = rows["group"] == FLOWS
    alone = {name: lacks.index[lacks == frozenset({name})] for name in inputs}
    pairs = {
        name: {other: lacks.index[lacks == frozenset({name, other})] for other in inputs if other != name}
        for name in inputs
    }
    table = []
    for name in inputs:
        gains = {other: len(with_both) + len(alone[other]) for other, with_both in pairs[name].items()}
        partner = max(gains, key=lambda other: (len(pairs[name][other]), gains[other]))
        with_both = pairs[name][partner]
        flows = int(of_flows[alone[name].union(with_both)].sum())
        table.append((name, len(alone[name]), len(with_both), partner if len(with_both) else "", flows))
    columns = ["input", "alone", "with_one_more", "partner", "of_flows"]
    found = pd.DataFrame(table, columns=columns).set_index("input")
    return found.sort_values(["alone", "with_one_more"], ascending=False, kind="stable")


def _inputs(cell: str) -> list[str]:
    """Return the inputs that a cell lists, joined by semicolons, each once."""
    return list(dict.fromkeys(part for part in cell.split("; ") if part))
