"""What can be done to a stream: react, split, filter and wash, elute, electrolyse.

Each function takes streams and returns streams. None of them makes or loses an atom: reactions are balanced by
construction, and all else moves matter from one stream to another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from scipy.constants import physical_constants

from magnetflow.errors import ProcessError
from magnetflow.recovery.chemistry.reactions import Reaction
from magnetflow.recovery.chemistry.species import WATER, molar_mass_kg
from magnetflow.recovery.plant.streams import ROUNDING, Stream, of_mass

FARADAY_C_PER_MOL: float = physical_constants["Faraday constant"][0]


class Step(NamedTuple):
    """A reaction that runs until a part of one of its reactants is used up."""

    reaction: Reaction
    of: str
    part: float = 1.0


def share(value: float, what: str) -> float:
    """Return a share as it is; raises ProcessError unless it lies between 0 and 1."""
    if not 0 <= value <= 1:
        raise ProcessError(f"{what} is {value:g}; give a share between 0 and 1")
    return value


def advance(stream: Stream, reaction: Reaction, extent_mol: float) -> Stream:
    """Return the stream after a reaction of this extent.

    Raises ProcessError naming the species that falls short.
    """
    moles = dict(stream.moles)
    _advance(moles, reaction, extent_mol, math.fsum(moles.values()))
    return Stream(moles)


def _advance(moles: dict[str, float], reaction: Reaction, extent_mol: float, scale: float) -> None:
    """Let a reaction run in place; `scale` is the amount of matter that rounding is measured by."""
    for name, count in reaction.per_extent.items():
        before = moles.get(name, 0.0)
        moles[name] = before + count * extent_mol
        if count < 0 and moles[name] < -count * extent_mol * ROUNDING:
            if moles[name] < -ROUNDING * scale:
                needed = f"{-count * extent_mol:.6g} mol of {name}"
                raise ProcessError(f"{reaction.name} takes {needed}, and there are {before:.6g}; add some")
            del moles[name]  # used up, but for rounding


def react(stream: Stream, steps: Sequence[Step]) -> Stream:
    """Return the stream after reactions one after the other, each to its own conversion.

    Raises ProcessError for a conversion outside 0 to 1, and for a reactant that falls short.
    """
    moles = dict(stream.moles)
    scale = math.fsum(moles.values())
    for reaction, of, part in steps:
        share(part, f"the conversion of {of} by {reaction.name}")
        if reaction.per_extent.get(of, 0.0) >= 0:
            raise ProcessError(f"{reaction.name} takes no {of}, so it has no conversion by it")
        if of in moles and part > 0:
            _advance(moles, reaction, part * moles[of] / -reaction.per_extent[of], scale)
    return Stream(moles)


def extent_at_most(stream: Stream, reaction: Reaction) -> float:
    """Return the extent at which the first reactant is used up, mol."""
    return min(stream.of(name) / -count for name, count in reaction.per_extent.items() if count < 0)


def split(stream: Stream, part: float) -> tuple[Stream, Stream]:
    """Return a part of a stream and the rest, of the same make-up."""
    branch = stream * share(part, "the part split off")
    return branch, stream - branch


def pick(stream: Stream, parts: Mapping[str, float]) -> tuple[Stream, Stream]:
    """Return a part of each species named and the rest: a column, a trap or a screen."""
    picked = Stream(
        {name: share(part, f"the part of {name} taken out") * stream.of(name) for name, part in parts.items()}
    )
    return picked, stream - picked


def wash_water(slurry: Stream, moisture: float, washes: int, ratio: float) -> Stream:
    """Return the water that washes a cake: `ratio` kg a wash for each kg of liquid that the cake holds."""
    return of_mass({WATER: washes * ratio * moisture * slurry.in_phase("s").mass_kg()})


def filter_and_wash(
    slurry: Stream, wash: Stream, moisture: float, washes: int, ratio: float
) -> tuple[Stream, Stream]:
    """Return cake and filtrate, washings included.

    The cake holds `moisture` kg of liquid for each kg of solids, of the make-up of the liquid round it. Each wash
    slurries it anew in `ratio` kg of water for each kg of liquid held, so that 1 / (1 + ratio) of what was dissolved
    stays. `wash` is the water of all washes, see `wash_water`.
    Raises ProcessError if the cake would hold more liquid than there is.
    """
    solids, liquid = slurry.in_phase("s"), slurry.in_phase("l", "aq")
    gases = slurry.in_phase("g")
    if gases.moles:
        raise ProcessError(f"a filter is given {next(iter(gases.moles))}, a gas; let it off before")
    if not solids.moles or moisture == 0:
        return solids, liquid + wash
    retained_kg = moisture * solids.mass_kg()
    if retained_kg > liquid.mass_kg():
        raise ProcessError(
            f"a cake of moisture {moisture:g} holds more liquid than the slurry; lower it or add water"
        )
    retained = liquid * (retained_kg / liquid.mass_kg())
    dissolved = retained.in_phase("aq") * (1 + ratio) ** -washes
    washed = dissolved + of_mass({WATER: retained_kg - dissolved.mass_kg()})
    return solids + washed, liquid + wash - washed


def electrolyse(
    stream: Stream, charge_c: float, anode: Mapping[Reaction, float], cathode: Mapping[Reaction, float]
) -> Stream:
    """Return the stream after a charge has passed, by Faraday's law.

    `anode` and `cathode` give the share of the current that each half reaction carries; each sums to 1, so that the
    electrons set free are taken up.
    Raises ProcessError for shares that do not sum to 1, a half reaction at the wrong electrode, or a reactant that
    falls short.
    """
    if not charge_c >= 0:
        raise ProcessError(f"a charge of {charge_c:g} C runs the cell backwards; give zero or more")
    for electrode, sign in ((anode, 1), (cathode, -1)):
        total = math.fsum(electrode.values())
        if abs(total - 1) > 1e-12:
            raise ProcessError(f"the shares of current at an electrode sum to {total:g}; make them 1")
        for reaction in electrode:
            if sign * reaction.electrons() <= 0:
                raise ProcessError(f"{reaction.name} runs at the other electrode")
    electrons = charge_c / FARADAY_C_PER_MOL
    moles = dict(stream.moles)
    for electrode in (anode, cathode):
        for reaction, part in electrode.items():
            extent = share(part, reaction.name) * electrons / abs(float(reaction.electrons()))
            for name, count in reaction.per_extent.items():
                moles[name] = moles.get(name, 0.0) + count * extent
    left = moles.pop("e-", 0.0)
    if abs(left) > 1e-9 * max(1.0, electrons):
        raise ProcessError(f"{left:g} mol of electrons are left over")
    return Stream(moles)


def charge_for(reaction: Reaction, of: str, mass_kg: float, efficiency: float = 1.0) -> float:
    """Return the charge that turns over a mass of a species, C, at a current efficiency (Faraday's law).

    Raises ProcessError for an efficiency that is not above 0 and at most 1, or a mass below zero.
    """
    if not 0 < efficiency <= 1 or not mass_kg >= 0:
        raise ProcessError(f"{mass_kg:g} kg at a current efficiency of {efficiency:g}; give a mass, and 0 to 1")
    electrons = float(abs(reaction.electrons()) / -reaction.coefficients[of])
    return float(electrons * FARADAY_C_PER_MOL * mass_kg / molar_mass_kg(of) / efficiency)
