"""Which inputs does the variance of an outcome come from?

The first-order index of a group of inputs is the part of the variance that would go if the group were known; the
total index is the part that would stay if everything else were known (Sobol 1993; Saltelli et al. 2010).
Groups must err independently of one another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from magnetflow.arrays import Matrix, Texts
from magnetflow.errors import InputError
from magnetflow.inference.draws.space import Space, probabilities

Model = Callable[[Matrix], Matrix]  # (outcomes, draws) from values of the inputs (inputs, draws)
HALF_WIDTH = float(ndtri(0.975))  # of a 95 % confidence interval, in standard deviations


@dataclass(frozen=True)
class Indices:
    """First-order and total indices, groups by outcomes, with half the width of their 95 % intervals."""

    first: pd.DataFrame
    first_half_width: pd.DataFrame
    total: pd.DataFrame
    total_half_width: pd.DataFrame


def sobol_indices(
    model: Model,
    space: Space,
    outcomes: Sequence[str],
    *,
    draws: int,
    seed: int,
    groups: Texts | None = None,
    resamples: int = 200,
) -> Indices:
    """Return the Sobol indices of groups of inputs for each outcome.

    The first-order index is estimated as by Saltelli et al. (2010, table 2, row b), the total one as by Jansen
    (1999, there row f); the model is evaluated `draws` times for each group and twice more.
    `groups` names the group of each row of probabilities, by default that of the space; confidence intervals come
    from drawing the base points again with replacement.
    An outcome that does not vary has indices that are NaN.
    Raises InputError for `draws` that is no power of two, since the points would then be uneven, and for groups that
    are not one for each row of probabilities.
    """
    if draws < 2 or draws & (draws - 1):
        raise InputError(f"{draws} draws are no power of two; take {2 ** max(1, round(np.log2(max(draws, 2))))}")
    of_row = space.groups if groups is None else groups
    if of_row.shape != (space.width,):
        raise InputError(f"{len(of_row)} groups are given for {space.width} rows of probabilities; name one for each")
    names = list(dict.fromkeys(of_row.tolist()))
    points = probabilities(2 * space.width, seed, 0, draws)
    one, other = points[: space.width], points[space.width :]
    of_one, of_other = model(space.draw(one)), model(space.draw(other))
    # The estimators hold for any origin, and err least where the outcomes are small.
    centre = 0.5 * (of_one.mean(axis=1) + of_other.mean(axis=1))[:, None]
    of_one, of_other = of_one - centre, of_other - centre
    first, total = np.empty((2, len(names), *of_one.shape))
    for place, name in enumerate(names):
        mixed = np.where((of_row == name)[:, None], other, one)
        of_mixed = model(space.draw(mixed)) - centre
        first[place] = of_other * (of_mixed - of_one)
        total[place] = 0.5 * (of_one - of_mixed) ** 2
    random = np.random.default_rng(seed)
    drawn = random.multinomial(draws, np.full(draws, 1.0 / draws), size=resamples) / draws
    weights = np.vstack([np.full((1, draws), 1.0 / draws), drawn])
    variance = 0.5 * weights @ (of_one**2 + of_other**2).T - (0.5 * weights @ (of_one + of_other).T) ** 2
    frames = []
    for terms in (first, total):
        with np.errstate(invalid="ignore", divide="ignore"):
            estimates = np.einsum("wd,god->wgo", weights, terms, optimize=True) / variance[:, None, :]
        for frame in (estimates[0], HALF_WIDTH * estimates[1:].std(axis=0, ddof=1)):
            frames.append(pd.DataFrame(frame, index=names, columns=list(outcomes)))
    return Indices(*frames)
