"""Which unknowns leave nothing missing?

Newton's method on a banded matrix. A concentration may fall to a tenth in a step and no further, so that it stays
above zero, and the potential may move by a few thermal voltages.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.linalg import solve_banded

from magnetflow.arrays import Array, Indices
from magnetflow.errors import UnsettledError
from magnetflow.recovery.cell.balance import Balance, Missing, Unknowns

SETTLED = 1e-10  # relative change of a concentration, and change of a potential in thermal voltages
ROUNDED = 1e-7  # below which steps that no longer shrink are the processor's rounding, as in very short times
FLOOR_MOL_M3 = 1e-30  # a concentration no smaller than an ion in a thousand cubic metres
TRACE = 1e-9  # part of the largest concentration of all; the relative change of less is counted by it
LOWEST_PART = 0.1  # of a concentration that is left after a step, at least
LARGEST_MOVE = 5.0  # thermal voltages in a step
STEPS = 80
ROUNDS = 30  # in which it is found where solids are


def settle(
    balance: Balance,
    guess: Unknowns,
    rate: float = 0.0,
    history: Array | None = None,
    load: float = 1.0,
    steps: int = STEPS,
) -> tuple[Unknowns, Missing]:
    """Return the unknowns at which the balance holds, and what then comes in through the sides.

    Where solids are is taken as known, and mended until it agrees with what follows from it.
    Raises UnsettledError with the last residuals where that is not reached.
    """
    at = guess
    with np.errstate(all="ignore"):  # what is not finite ends as an error below
        for _ in range(ROUNDS):
            at, told = _newton(balance, at, rate, history, load, steps)
            falling = balance.falling(at)
            if np.array_equal(falling, at.falling):
                return at, told
            at = at._replace(falling=falling)
        raise UnsettledError(f"where solids fall out does not settle; still missing: {residuals(balance, told)}")


def _newton(
    balance: Balance, at: Unknowns, rate: float, history: Array | None, load: float, steps: int
) -> tuple[Unknowns, Missing]:
    last = np.inf
    for _ in range(steps):
        told = balance.missing(at, rate, history, load)
        step = _solved(told)
        if not np.all(np.isfinite(step)):
            break
        at, moved = _moved(balance, at, step)
        if moved < SETTLED or last / 4 < moved < ROUNDED:
            return at, balance.missing(at, rate, history, load)
        last = moved
    told = balance.missing(at, rate, history, load)
    raise UnsettledError(f"the cell does not settle; still missing: {residuals(balance, told)}")


def residuals(balance: Balance, told: Missing) -> str:
    """Return in words what is missing most, in each kind of equation."""
    cell = balance.cell
    kinds = [f"{name} (mol/m²/s)" for name in cell.names] + [
        "charge" if cell.neutral else "Poisson's equation (C/m²)"
    ]
    kinds += [solid.name for solid in cell.solids]
    worst = np.abs(told.nodes).max(axis=0)
    parts = [f"{kind} {value:.2g}" for kind, value in zip(kinds, worst, strict=True)]
    return ", ".join([*parts, f"current {np.abs(told.metals).max():.2g}"])


def _moved(balance: Balance, at: Unknowns, step: Array) -> tuple[Unknowns, float]:
    """Take a step, held back where it goes too far; return also how far it went."""
    ions = balance.ions
    nodes = step[1:-1].reshape(at.nodes.shape)
    metals = np.array([step[0], step[-1]])
    volts = max(np.abs(nodes[:, ions]).max(), np.abs(metals).max())
    shortened = min(1.0, LARGEST_MOVE / volts) if volts > 0 else 1.0
    moved = at.nodes + shortened * nodes
    before = at.nodes[:, :ions]
    moved[:, :ions] = np.maximum(moved[:, :ions], np.maximum(LOWEST_PART * before, FLOOR_MOL_M3))
    # By the step that was wanted, not by the one taken: an ion that would have to fall below nothing is no answer.
    relative = np.abs(nodes[:, :ions]) / np.maximum(before, TRACE * before.max())
    solids = np.abs(nodes[:, ions + 1 :]).max(initial=0.0) / 1000
    then = Unknowns(moved, at.metals + shortened * metals, at.falling)
    return then, float(max(relative.max(), volts, solids))


def _solved(told: Missing) -> Array:
    """Return the step of Newton's method, the left metal first and the right one last."""
    nodes, size = told.nodes.shape
    scale = 1 / np.maximum(
        np.maximum(np.abs(told.before).max(axis=2), np.abs(told.after).max(axis=2)), np.abs(told.here).max(axis=2)
    )
    width = 2 * size - 1
    band = np.zeros((2 * width + 1, nodes * size + 2))
    rows, columns = _places(nodes, size)
    for block, shift in ((told.before[1:], -size), (told.here, 0), (told.after[:-1], size)):
        kept = slice(1, None) if shift < 0 else slice(0, len(block))
        band[width + (rows - columns)[kept] - shift, columns[kept] + shift] = block * scale[kept, :, None]
    right = np.concatenate([[-told.metals[0]], (-told.nodes * scale).ravel(), [-told.metals[1]]])
    every = np.arange(size)
    for place, (metal, first, node) in enumerate(((0, 1, 0), (nodes * size + 1, 1 + (nodes - 1) * size, -1))):
        own = np.abs(np.append(told.metal_by_node[place], told.metal_by_metal[place])).max()
        band[width, metal] = told.metal_by_metal[place] / own
        band[width + metal - (first + every), first + every] = told.metal_by_node[place] / own
        band[width + first + every - metal, metal] = told.by_metal[place] * scale[node]
        right[metal] /= own
    try:
        return solve_banded((width, width), band, right, overwrite_ab=True, check_finite=False)  # type: ignore[no-any-return]
    except np.linalg.LinAlgError:
        return np.full(len(right), np.nan)


@lru_cache(maxsize=8)
def _places(nodes: int, size: int) -> tuple[Indices, Indices]:
    """Return row and column in the whole matrix of what couples each node to itself."""
    node, row, column = np.meshgrid(np.arange(nodes), np.arange(size), np.arange(size), indexing="ij")
    return 1 + node * size + row, 1 + node * size + column
