"""Which draws represent all inputs at once?

Inputs that err on their own, and splits whose shares add up to one, make a space; each has a group, the unit by which
sensitivities are told. Scrambled Sobol points (Sobol 1967, Owen 1998) fill it more evenly than random ones.
Any block of the sequence is made on its own from the seed, so that the draws do not depend on who makes them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import scipy.linalg
from scipy.stats import qmc

from magnetflow.arrays import Matrix, Texts, Vector
from magnetflow.errors import InputError
from magnetflow.inference.draws.distributions import quantiles, split, split_covariance, sticks

EDGE = 2.0**-33  # probabilities are kept off 0 and 1 by less than the spacing of the points


@dataclass(frozen=True)
class Input:
    """A quantity that errs on its own: its distribution, and the group by which its sensitivity is told.

    `mode` is the most likely value of a triangular distribution that is skew.
    """

    name: str
    group: str
    kind: str
    mean: float
    sd: float
    mode: float = math.nan


@dataclass(frozen=True)
class Split:
    """Shares that add up to one, in the order in which the parts are broken off; see `distributions.sticks`."""

    parts: tuple[str, ...]
    group: str
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    pieces: tuple[tuple[float, float], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find the pieces, which refuses means and sds that no split has."""
        if len(self.parts) != len(self.mean):
            raise InputError(f"the split {self.group} has {len(self.parts)} parts and {len(self.mean)} shares")
        object.__setattr__(self, "pieces", tuple(sticks(self.mean, self.sd)))


@dataclass(frozen=True)
class Space:
    """All inputs, then all splits.

    Values have a row for each of `names`, probabilities one for each of `width`, both a column a draw.
    """

    inputs: tuple[Input, ...]
    splits: tuple[Split, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a name that stands twice, and an input that no distribution describes."""
        for given in self.inputs:
            try:
                quantiles(given.kind, given.mean, given.sd, np.full((1, 1), 0.5), given.mode)
            except InputError as error:
                raise InputError(f"{given.name}: {error}") from None
        seen: set[str] = set()
        for name in self.names:
            if name in seen:
                raise InputError(f"{name} stands twice among the inputs; keep one")
            seen.add(name)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the inputs, then of the parts of the splits."""
        return (*(given.name for given in self.inputs), *(part for shares in self.splits for part in shares.parts))

    @cached_property
    def groups(self) -> Texts:
        """The group of each row of probabilities."""
        of_splits = [shares.group for shares in self.splits for _ in shares.pieces]
        return np.array([*(given.group for given in self.inputs), *of_splits])

    @property
    def width(self) -> int:
        """How many probabilities make one draw."""
        return len(self.groups)

    @cached_property
    def mean(self) -> Vector:
        """The mean of each value (names)."""
        return np.array([*(given.mean for given in self.inputs), *(m for shares in self.splits for m in shares.mean)])

    @cached_property
    def covariance(self) -> Matrix:
        """The covariance of the values (names, names): diagonal but for the splits."""
        own = np.diag([given.sd**2 for given in self.inputs])
        return np.asarray(scipy.linalg.block_diag(own, *(split_covariance(shares.pieces) for shares in self.splits)))

    @cached_property
    def value_groups(self) -> Texts:
        """The group of each value."""
        of_splits = [shares.group for shares in self.splits for _ in shares.parts]
        return np.array([*(given.group for given in self.inputs), *of_splits])

    def draw(self, probability: Matrix) -> Matrix:
        """Return values (names, draws) at probabilities (width, draws)."""
        values = np.empty((len(self.names), probability.shape[1]))
        first = row = len(self.inputs)
        for place, given in enumerate(self.inputs):
            values[place] = quantiles(given.kind, given.mean, given.sd, probability[place], given.mode)
        for shares in self.splits:
            parts, pieces = len(shares.parts), len(shares.pieces)
            values[first : first + parts] = split(shares.pieces, probability[row : row + pieces])
            first, row = first + parts, row + pieces
        return values

    def with_kinds(self, kind: str, groups: Sequence[str] | None = None) -> Space:
        """Return the same space with another distribution for the inputs, or for those of some groups."""
        changed = (
            replace(given, kind=kind) if groups is None or given.group in groups else given for given in self.inputs
        )
        return replace(self, inputs=tuple(changed))


def probabilities(width: int, seed: int, first: int, count: int) -> Matrix:
    """Return points `first` to `first + count` of a scrambled Sobol sequence (width, points)."""
    sequence = qmc.Sobol(width, scramble=True, rng=seed)
    if first:
        sequence.fast_forward(first)
    # A sequence from its beginning is drawn to a power of two, and cut.
    points = sequence.random(count if first else 1 << (count - 1).bit_length())[:count]
    return np.asarray(np.clip(points.T, EDGE, 1.0 - EDGE, order="C"))
