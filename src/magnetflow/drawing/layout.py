"""Where does each node of a flow diagram stand, so that flows run from left to right and nothing overlaps?

What would run from right to left is a loop, to be led round. A flow that passes a column has a lane there, so that it
crosses no node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

Link = tuple[str, str, float]  # source, target and thickness
Key = str | tuple[int, int]  # a node; or the lane of a link, by the number of the link and of the column
SWEEPS = 12  # over all columns, to order their members and again to draw them to their neighbours
LEAST = 1e-9  # weight of what has no thickness


class Arrangement(NamedTuple):
    """The column of each node, the top of each node and lane, and the height of all."""

    column: Mapping[str, int]
    top: Mapping[Key, float]
    height: float


def ordered(nodes: Sequence[str], links: Sequence[Link]) -> list[str]:
    """Return the nodes in an order that little runs against (Eades, Lin and Smyth 1993, with weights)."""
    left, first, last = list(nodes), list[str](), list[str]()
    while left:
        gives, takes = dict.fromkeys(left, 0.0), dict.fromkeys(left, 0.0)
        for source, target, thickness in links:
            if source in gives and target in gives:
                gives[source] += thickness + LEAST
                takes[target] += thickness + LEAST
        ends = [name for name in left if not gives[name] and takes[name]]
        starts = [name for name in left if not takes[name]]
        if not starts and not ends:
            starts = [max(left, key=lambda name: gives[name] - takes[name])]
        first, last = [*first, *starts], [*ends, *last]
        left = [name for name in left if name not in {*starts, *ends}]
    return first + last


def columns(order: Sequence[str], links: Sequence[Link]) -> dict[str, int]:
    """Return the column of each node: by the longest way to it from nodes that come before it in the order.

    What nothing feeds stands just before what it feeds.
    """
    rank, column = {name: at for at, name in enumerate(order)}, [0] * len(order)
    forward = sorted((rank[source], rank[target]) for source, target, _ in links if rank[source] < rank[target])
    for source, target in forward:
        column[target] = max(column[target], column[source] + 1)
    for source in {source for source, _ in forward} - {target for _, target in forward}:
        column[source] = min(column[target] for one, target in forward if one == source) - 1
    return dict(zip(order, column, strict=True))


def arrange(
    column: Mapping[str, int],
    links: Sequence[Link],
    size: Mapping[str, float],
    gap: float,
    head: Mapping[str, float] | None = None,
) -> Arrangement:
    """Place nodes of a `size`, each with a `head` above it that stays free and a `gap` to what stands below.

    The height is what the fullest column needs.
    """
    sizes: dict[Key, float] = {name: size[name] for name in column}
    heads: dict[Key, float] = {name: head[name] if head else 0.0 for name in column}
    before: dict[Key, dict[Key, float]] = {name: {} for name in column}
    after: dict[Key, dict[Key, float]] = {name: {} for name in column}
    members: list[list[Key]] = [[] for _ in range(max(column.values()) + 1)]
    for name, at in column.items():
        members[at].append(name)
    for number, (source, target, thickness) in enumerate(links):
        lanes = [(number, between) for between in range(column[source] + 1, column[target])]
        for lane in lanes:
            members[lane[1]].append(lane)
            sizes[lane], heads[lane], before[lane], after[lane] = thickness, 0.0, {}, {}
        way: list[Key] = [source, *lanes, target] if column[source] < column[target] else []
        for one, other in pairwise(way):
            after[one][other] = before[other][one] = after[one].get(other, LEAST) + thickness
    members = _uncrossed(members, before, after)
    height = max(sum(sizes[key] + heads[key] + gap for key in keys) - gap for keys in members)
    middle = {key: height * (at + 0.5) / len(keys) for keys in members for at, key in enumerate(keys)}
    for sweep in range(SWEEPS):
        for keys in members if sweep % 2 else reversed(members):
            room = [heads[key] + sizes[key] for key in keys]
            wanted = [_mean(before[key] | after[key], middle, middle[key]) + sizes[key] / 2 for key in keys]
            bottoms = _apart(wanted, room, gap, height)
            middle |= {key: bottom - sizes[key] / 2 for key, bottom in zip(keys, bottoms, strict=True)}
    return Arrangement(column, {key: middle[key] - sizes[key] / 2 for key in middle}, height)


def _uncrossed(
    members: Sequence[list[Key]], before: Mapping[Key, Mapping[Key, float]], after: Mapping[Key, Mapping[Key, float]]
) -> list[list[Key]]:
    """Return the columns in the order, of several tried, in which least crosses: by the barycentre of neighbours."""
    place = {key: (at + 0.5) / len(keys) for keys in members for at, key in enumerate(keys)}
    trials = []
    for sweep in range(SWEEPS):
        crossing = 0.0
        for keys in members:
            strands = [(place[key], place[other], weight) for key in keys for other, weight in after[key].items()]
            crossing += sum(min(a[2], b[2]) for a, b in combinations(strands, 2) if (a[0] - b[0]) * (a[1] - b[1]) < 0)
        trials.append((crossing, sweep, [list(keys) for keys in members]))
        near = after if sweep % 2 else before
        for keys in reversed(members) if sweep % 2 else members:
            barycentre = {key: _mean(near[key], place, place[key]) for key in keys}
            keys.sort(key=barycentre.__getitem__)
            place |= {key: (at + 0.5) / len(keys) for at, key in enumerate(keys)}
    return min(trials)[2]


def _mean(weights: Mapping[Key, float], of: Mapping[Key, float], otherwise: float) -> float:
    """Return the mean of what neighbours have, by the weight of each; `otherwise` without neighbours."""
    total = sum(weights.values())
    return sum(weight * of[key] for key, weight in weights.items()) / total if total else otherwise


def _apart(wanted: Sequence[float], room: Sequence[float], gap: float, height: float) -> list[float]:
    """Return bottoms near those wanted, in their order, each with its room and a gap, and all within the height."""
    bottoms, edge = list(wanted), -gap
    for at, high in enumerate(room):
        bottoms[at] = edge = max(bottoms[at], edge + gap + high)
    edge = height + gap
    for at in reversed(range(len(room))):
        bottoms[at] = min(bottoms[at], edge - gap)
        edge = bottoms[at] - room[at]
    return bottoms
