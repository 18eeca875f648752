"""Which unknowns solve the equations of a cell?

Newton's method on a banded matrix. A concentration may fall to a tenth in a step and no further, so that it stays
above zero, and the potential may move by a few thermal voltages.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.linalg import solve_banded

from magnetflow.arrays import Indices, Matrix, Vector
from magnetflow.errors import UnsettledError
from magnetflow.recovery.cell.balance import Balance, Residuals, Unknowns

SETTLED = 1e-10  # relative change of a concentration, and change of a potential in thermal voltages
ROUNDED = 1e-7  # below which steps that no longer shrink are the processor's rounding, as in very short times
FLOOR_MOL_M3 = 1e-30  # a concentration no smaller than an ion in a thousand cubic metres
TRACE = 1e-9  # part of the largest concentration of all; the relative change of less is counted by it
LOWEST_PART = 0.1  # of a concentration that is left after a step, at least
LARGEST_MOVE = 5.0  # thermal voltages in a step
STEPS = 80
ROUNDS = 30  # in which it is found where solids are present


def settle(
    balance: Balance,
    guess: Unknowns,
    rate: float = 0.0,
    history: Matrix | None = None,
    load: float = 1.0,
    steps: int = STEPS,
) -> tuple[Unknowns, Residuals]:
    """Return the unknowns that solve the balance, and its residuals there; `history` is (ions, nodes).

    The nodes at which solids are present are assumed, and revised until the solution agrees with them.
    Raises UnsettledError with the last residuals where that is not reached.
    """
    at = guess
    with np.errstate(all="ignore"):  # what is not finite ends as an error below
        for _ in range(ROUNDS):
            at, residuals = _newton(balance, at, rate, history, load, steps)
            saturated = balance.saturated(at)
            if np.array_equal(saturated, at.saturated):
                return at, residuals
            at = at._replace(saturated=saturated)
        raise UnsettledError(f"where solids fall out does not settle; still missing: {_worst(balance, residuals)}")


def _newton(
    balance: Balance, at: Unknowns, rate: float, history: Matrix | None, load: float, steps: int
) -> tuple[Unknowns, Residuals]:
    last = np.inf
    residuals = balance.residuals(at, rate, history, load)
    for _ in range(steps):
        step = _step(residuals)
        if not np.all(np.isfinite(step)):
            break
        at, moved = _moved(balance, at, step)
        residuals = balance.residuals(at, rate, history, load)
        if moved < SETTLED or last / 4 < moved < ROUNDED:
            return at, residuals
        last = moved
    raise UnsettledError(f"the cell does not settle; still missing: {_worst(balance, residuals)}")


def _worst(balance: Balance, residuals: Residuals) -> str:
    """Return in words the largest residual of each kind of equation."""
    cell = balance.cell
    kinds = [f"{name} (mol/m²/s)" for name in cell.names]
    kinds += ["charge" if cell.neutral else "Poisson's equation (C/m²)", *(solid.name for solid in cell.solids)]
    worst = np.abs(residuals.nodes).max(axis=0)
    parts = [f"{kind} {value:.2g}" for kind, value in zip(kinds, worst, strict=True)]
    return ", ".join([*parts, f"current {np.abs(residuals.metals).max():.2g}"])


def _moved(balance: Balance, at: Unknowns, step: Vector) -> tuple[Unknowns, float]:
    """Take a step, shortened where it goes too far; return also how far it went."""
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
    then = Unknowns(moved, at.metals + shortened * metals, at.saturated)
    return then, float(max(relative.max(), volts, solids))


def _step(residuals: Residuals) -> Vector:
    """Return the step of Newton's method (unknowns + 2,), the left metal first and the right one last."""
    nodes, size = residuals.nodes.shape
    scale = 1 / np.max([np.abs(block).max(axis=2) for block in residuals.blocks], axis=0)
    width = 2 * size - 1
    band = np.zeros((2 * width + 1, nodes * size + 2))
    rows, columns = _places(nodes, size)
    for block, shift, inside in zip(
        residuals.blocks, (-size, 0, size), (slice(1, None), slice(None), slice(-1)), strict=True
    ):
        band[width + (rows - columns)[inside] - shift, columns[inside] + shift] = (block * scale[:, :, None])[inside]
    right = np.concatenate([[-residuals.metals[0]], (-residuals.nodes * scale).ravel(), [-residuals.metals[1]]])
    every = np.arange(size)
    for place, (metal, first, node) in enumerate(((0, 1, 0), (nodes * size + 1, 1 + (nodes - 1) * size, -1))):
        own = np.abs(np.append(residuals.metal_by_node[place], residuals.metal_by_metal[place])).max()
        band[width, metal] = residuals.metal_by_metal[place] / own
        band[width + metal - (first + every), first + every] = residuals.metal_by_node[place] / own
        band[width + first + every - metal, metal] = residuals.by_metal[place] * scale[node]
        right[metal] /= own
    try:
        return solve_banded((width, width), band, right, overwrite_ab=True, check_finite=False)  # type: ignore[no-any-return]
    except np.linalg.LinAlgError:
        return np.full(len(right), np.nan)


@lru_cache(maxsize=8)
def _places(nodes: int, size: int) -> tuple[Indices, Indices]:
    """Return row and column in the whole matrix of what couples each node to itself (nodes, size, size)."""
    node, row, column = np.meshgrid(np.arange(nodes), np.arange(size), np.arange(size), indexing="ij")
    return 1 + node * size + row, 1 + node * size + column
