"""How do units make up a plant, what runs in each of its pipes, and does every balance close?

A unit takes its inlets, draws from outside what it needs (water, reagents, air) and gives its outlets. Where streams
run in a circle, one of them is torn: it is guessed, the units are worked through, and the guess is mended until it
comes back as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

import numpy as np

from magnetflow.arrays import Vector
from magnetflow.errors import ProcessError
from magnetflow.recovery.plant.duties import Duty
from magnetflow.recovery.plant.streams import Stream, mix

Streams = Mapping[str, Stream]
OUTSIDE = "outside"
CHARGE = "charge"
AMBIENT_C = 25.0  # of what comes from outside, and of outlets unless their unit says otherwise
DRAWN = ("reagent", "water", "air")
LEFT = ("product", "waste", "air", "water")
SETTLED = 1e-12  # part of the moles in a torn stream by which it may come back changed
ROUNDS = 60  # of two passes through the circle
NOT_FADING = 1 - 1e-9  # part of a species that comes round a pass; beyond, it has no way out


class Leaving(NamedTuple):
    """As what a stream leaves the plant: `product`, `waste`, or emission to `air` or `water`.

    `wanted` names the substances of a product that it is made for; the others are its impurities.
    """

    kind: str
    wanted: Sequence[str] = ()


@dataclass(frozen=True)
class Unit:
    """One piece of equipment: `work` gets the inlets by name and returns outlets and draws by name.

    `draws` come from outside as `reagent`, `water` or `air`. An outlet that no other unit takes leaves the plant as
    `leaves` says. `duties` works out what the unit takes from all its streams. Outlets have `temperature_c`, None
    where the model has none. Units of one `section` are drawn as one.
    Raises ProcessError for a kind of draw or of leaving stream that is not among these.
    """

    name: str
    inlets: Sequence[str]
    outlets: Sequence[str]
    work: Callable[[Streams], Streams]
    draws: Mapping[str, str] = field(default_factory=dict)
    leaves: Mapping[str, Leaving] = field(default_factory=dict)
    duties: Callable[[Streams], Sequence[Duty]] | None = None
    temperature_c: float | None = AMBIENT_C
    section: str = ""

    def __post_init__(self) -> None:
        """Check that what is drawn and what leaves is of a known kind."""
        for name, kind, kinds in (
            *((name, kind, DRAWN) for name, kind in self.draws.items()),
            *((name, leaving.kind, LEFT) for name, leaving in self.leaves.items()),
        ):
            if kind not in kinds:
                raise ProcessError(f"{self.name}: stream {name!r} is {kind!r}; make it {', '.join(kinds)}")


@dataclass(frozen=True)
class Pipe:
    """Where a stream comes from and where it goes: units by name, or outside; its temperature where one is known."""

    source: str
    target: str
    temperature_c: float | None


@dataclass(frozen=True)
class Solved:
    """A plant at rest: every stream, where it runs, and what each unit and the whole make out of nothing."""

    streams: dict[str, Stream]
    pipes: dict[str, Pipe]

    def closure_kg(self) -> dict[str, float]:
        """Return the mass of each element in the plant that enters less what leaves, kg."""
        within = {element: 0.0 for stream in self.streams.values() for element in stream.elements_mol()}
        crossing = _difference(self._crossing(OUTSIDE, ""), self._crossing("", OUTSIDE))
        return dict(sorted((within | crossing).items()))

    def closure_of_units(self) -> dict[str, dict[str, float]]:
        """Return, for each unit, the mass of each element in less out, kg, and the charge in less out, mol."""
        units = sorted({place for pipe in self.pipes.values() for place in (pipe.source, pipe.target)} - {OUTSIDE})
        report = {}
        for unit in units:
            inflow, outflow = self._crossing("", unit), self._crossing(unit, "")
            report[unit] = _difference(inflow, outflow) | {CHARGE: inflow.charge_mol() - outflow.charge_mol()}
        return report

    def _crossing(self, source: str, target: str) -> Stream:
        """Return all that runs from one place to another; an empty name stands for any place."""
        return mix(
            self.streams[name]
            for name, pipe in self.pipes.items()
            if source in ("", pipe.source) and target in ("", pipe.target)
        )


def _difference(inflow: Stream, outflow: Stream) -> dict[str, float]:
    """Return the mass of each element that flows in less what flows out, kg."""
    into, out_of = inflow.elements_kg(), outflow.elements_kg()
    return {one: into.get(one, 0.0) - out_of.get(one, 0.0) for one in sorted(set(into) | set(out_of))}


def solve(units: Sequence[Unit], feeds: Streams) -> Solved:
    """Work out every stream of a plant; `feeds` are the streams from outside that are given.

    Raises ProcessError for a stream that nothing fills, nothing takes, or that is filled or taken twice; for a circle
    that does not settle; and for what a unit cannot do, with the name of the unit.
    """
    pipes = _pipes(units, feeds)
    order, torn = _order(units)
    streams: dict[str, Stream] = dict(feeds)
    if torn:
        _settle(order, streams, torn)
    _pass(order, streams)
    return Solved({name: streams[name] for name in pipes}, pipes)


def _pipes(units: Sequence[Unit], feeds: Streams) -> dict[str, Pipe]:
    """Return where each stream runs, in the order in which the units name them."""
    named = Counter(unit.name for unit in units)
    if named and max(named.values()) > 1:
        raise ProcessError(f"two units are called {max(named, key=lambda name: named[name])}; name one anew")
    sources: dict[str, str] = {}
    targets: dict[str, str] = {}
    ends = [(targets, name, unit.name) for unit in units for name in (*unit.inlets, *unit.draws)]
    ends += [(sources, name, unit.name) for unit in units for name in unit.outlets]
    ends += [(sources, name, OUTSIDE) for name in (*feeds, *(draw for unit in units for draw in unit.draws))]
    within = {name for end, name, _ in ends if end is targets}
    ends += [(targets, name, OUTSIDE) for unit in units for name in unit.leaves if name not in within]
    for end, name, place in ends:
        if name in end:
            verb = "filled" if end is sources else "taken"
            raise ProcessError(f"stream {name!r} is {verb} twice, by {end[name]} and by {place}")
        end[name] = place
    for name in sorted(set(sources) ^ set(targets)):
        if name in sources:
            raise ProcessError(f"stream {name!r} dangles: {sources[name]} fills it and nothing takes it")
        raise ProcessError(f"stream {name!r} dangles: {targets[name]} takes it and nothing fills it")
    names = dict.fromkeys(name for unit in units for name in (*unit.inlets, *unit.draws, *unit.outlets))
    temperature_c = {unit.name: unit.temperature_c for unit in units} | {OUTSIDE: AMBIENT_C}
    return {name: Pipe(sources[name], targets[name], temperature_c[sources[name]]) for name in names}


def _order(units: Sequence[Unit]) -> tuple[list[Unit], list[str]]:
    """Return the units so that each follows those that feed it, and the streams torn to make that possible."""
    source = {name: unit.name for unit in units for name in unit.outlets}
    by_name = {unit.name: unit for unit in units}
    torn: list[str] = []
    while True:
        graph = {
            unit.name: [source[name] for name in unit.inlets if name in source and name not in torn] for unit in units
        }
        try:
            return [by_name[name] for name in TopologicalSorter(graph).static_order()], torn
        except CycleError as error:
            circle = error.args[1]  # each feeds the next; tear what flows back to the unit that stands first
            first = min(circle[:-1], key=[unit.name for unit in units].index)
            before = circle[circle.index(first, 1) - 1]
            torn += [name for name in by_name[first].inlets if source.get(name) == before and name not in torn]


def _pass(order: Sequence[Unit], streams: dict[str, Stream]) -> None:
    """Work through the units once."""
    for unit in order:
        try:
            given = unit.work({name: streams[name] for name in unit.inlets})
        except ProcessError as error:
            raise ProcessError(f"{unit.name}: {error}") from None
        if set(given) != {*unit.outlets, *unit.draws}:
            raise ProcessError(f"{unit.name} gives {sorted(given)}, not {sorted({*unit.outlets, *unit.draws})}")
        streams.update(given)


def _settle(order: Sequence[Unit], streams: dict[str, Stream], torn: Sequence[str]) -> None:
    """Find the torn streams that come back as they went in, and put them among the streams.

    What comes round fades by a nearly constant ratio a pass, species by species; from two passes that ratio tells
    where it ends (Aitken's method), and a few rounds of this settle what a purge would take thousands of passes for.
    """
    streams.update(dict.fromkeys(torn, Stream()))
    for _ in range(3):  # most species that can come round have done so by then
        _pass(order, streams)
    places = _places(streams, torn)
    change = np.zeros(len(places))
    for _ in range(ROUNDS):
        guess = _amounts(places, streams)
        _pass(order, streams)
        once = _amounts(places, streams)
        _pass(order, streams)
        if _places(streams, torn) != places:  # a species has come round for the first time, or has gone
            places = _places(streams, torn)
            continue
        twice = _amounts(places, streams)
        first, change = once - guess, twice - once
        if np.abs(change).sum() <= SETTLED * max(1.0, float(twice.sum())):
            return
        fading = np.divide(change, first, out=np.zeros_like(first), where=np.abs(first) > 0)
        fading = np.where(np.abs(fading) < NOT_FADING, fading, 0.0)
        streams.update(_torn(places, np.maximum(twice + change * fading / (1 - fading), 0.0), torn))
    name, one = places[int(np.argmax(np.abs(change)))] if len(change) == len(places) else places[0]
    raise ProcessError(f"stream {name!r} does not settle: {one} builds up; let some out, for instance by a purge")


def _places(streams: Streams, torn: Sequence[str]) -> list[tuple[str, str]]:
    """Return each species of each torn stream: stream, species."""
    return [(name, one) for name in torn for one in streams[name].moles]


def _amounts(places: Sequence[tuple[str, str]], streams: Streams) -> Vector:
    """Return the moles at each place (places,)."""
    return np.array([streams[name].of(one) for name, one in places])


def _torn(places: Sequence[tuple[str, str]], moles: Vector, torn: Sequence[str]) -> dict[str, Stream]:
    """Return the torn streams from the moles at each place (places,)."""
    amounts = list(zip(places, moles.tolist(), strict=True))
    return {name: Stream({one: mol for (stream, one), mol in amounts if stream == name}) for name in torn}
