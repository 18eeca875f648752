"""How long does the electrochemical cell take, by intervals and ions, and what would one pick instead?

The others are scipy's general solvers of boundary value problems and of courses in time, each given the equations of
this case by hand. Each row in a process of its own, after one run that is not counted.
Writes `benchmarks/cell.csv`, from which the page on timings is made.
"""

from __future__ import annotations

import csv
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
from reconciliation import machine
from scipy.integrate import solve_bvp, solve_ivp

from magnetflow.recovery.cell import closed_forms, grids
from magnetflow.recovery.cell.kinetics import THERMAL_VOLTAGE_V as VOLTS
from magnetflow.recovery.cell.model import Bulk, Cell, Inflow, Ion, debye_length_m
from magnetflow.recovery.cell.state import start
from magnetflow.recovery.cell.steady import steady
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL as F
from magnetflow.studies.neo_cycle.cell.electrolysis import diffusivities
from magnetflow.studies.neo_cycle.cell.verification import SALT, gouy_chapman, sand

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "benchmarks" / "cell.csv"
COLUMNS = ("date", "machine", "task", "what", "runs", "seconds", "error", "memory_mb")
WALL_V = 0.2
INERT = ["Cl-(aq)", "Na+(aq)", "K+(aq)", "NH4+(aq)", "Fe+2(aq)", "Nd+3(aq)", "Co+2(aq)", "Ni+2(aq)", "SO4-2(aq)"]
LAYER_M = 50e-6


def wall(intervals: int) -> Callable[[], float]:
    """A double layer at 200 mV; gives the largest error of potential over that of the wall."""
    return lambda: gouy_chapman(intervals, WALL_V).error


def wall_by_scipy(tolerance: float) -> Callable[[], float]:
    """The same by solve_bvp: potential, field, and concentration and flux of either ion, in Debye lengths."""
    length, height = 14.0, WALL_V / VOLTS

    def slopes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        _, field, plus, plus_flux, minus, minus_flux = y
        none = np.zeros_like(x)
        charge = (plus - minus) / 2
        return np.array([field, -charge, -plus_flux - plus * field, none, -minus_flux + minus * field, none])

    def ends(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return np.array([left[0] - height, left[3], left[5], right[0], right[2] - 1, right[4] - 1])

    def once() -> float:
        x = np.linspace(0, length, 50) ** 2 / length
        guess = np.zeros((6, len(x)))
        guess[[2, 4]] = 1.0
        found = solve_bvp(slopes, ends, x, guess, tol=tolerance, max_nodes=20000)
        known = closed_forms.gouy_chapman_v(found.x * debye_length_m(SALT), WALL_V, debye_length_m(SALT))
        return float(np.abs(found.y[0] * VOLTS - known).max() / WALL_V)

    return once


def film(ions: int) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray, float]:
    """A layer in which protons go to an electrode at half of what diffuses; names, charges, diffusivities, liquor."""
    names = ["H+(aq)", *INERT[: ions - 1]]
    charges = np.array([Ion(name, 1.0).charge for name in names], float)
    liquor = np.full(ions, 20.0)
    liquor[0] = 100.0
    liquor[1] = charges[0] * 100 + sum(charges[2:] * 20.0)
    spread = np.array([diffusivities()[name] for name in names])
    return names, charges, spread, liquor, 0.5 * spread[0] * 100.0 / LAYER_M


def layer(ions: int, intervals: int = 200) -> Callable[[], float]:
    """The layer with so many ions; gives the protons that are left at the electrode, mol/m³."""
    names, _, spread, liquor, flux = film(ions)
    made = [Ion(name, float(each)) for name, each in zip(names, spread, strict=True)]
    bulk = dict(zip(names, liquor.tolist(), strict=True))
    cell = Cell(made, grids.even(LAYER_M, intervals), Inflow({names[0]: -flux}), Bulk(bulk))
    return lambda: float(steady(start(cell, bulk)).concentrations[0, 0])


def layer_by_scipy(ions: int, tolerance: float = 1e-6) -> Callable[[], float]:
    """The same by solve_bvp: every concentration and flux, the field from electroneutrality."""
    _, charges, spread, liquor, flux = film(ions)
    scale = liquor.max()

    def slopes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        c, passing = y[:ions], y[ions:]
        field = -(charges @ passing) / (charges**2 @ c)
        return np.vstack([-passing - charges[:, None] * c * field, np.zeros_like(passing)])

    def ends(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        driven = np.zeros(ions)
        driven[0] = -flux * LAYER_M / (spread[0] * scale)
        return np.concatenate([left[ions:] - driven, right[:ions] - liquor / scale])

    def once() -> float:
        x = np.linspace(0, 1, 20)
        guess = np.vstack([np.repeat(liquor[:, None] / scale, 20, axis=1), np.zeros((ions, 20))])
        found = solve_bvp(slopes, ends, x, guess, tol=tolerance)
        return float(found.y[0, 0] * scale)

    return once


def depletion() -> Callable[[], float]:
    """Sand's time of neodymium chloride without support; gives its relative error."""
    return lambda: sand(200, support=0.0).error


def depletion_by_scipy() -> Callable[[], float]:
    """The same by solve_ivp on as many nodes: the salt as one substance, which is true of two ions alone."""
    amount, current = 50.0, 100.0
    salt = closed_forms.binary_salt((3, diffusivities()["Nd+3(aq)"]), (-1, diffusivities()["Cl-(aq)"]))
    known = closed_forms.sand_time_s(current, 3, amount, *salt)
    length = 6 * np.sqrt(salt.diffusivity_m2_s * known)
    x = grids.graded(float(length), 200, float(length) / 200 / 20)
    steps = np.diff(x)
    boxes = np.append(steps, 0) / 2 + np.append(0, steps) / 2
    outflow = current * (1 - salt.transport_number) / (3 * F)
    band = np.eye(201) + np.eye(201, k=1) + np.eye(201, k=-1)

    def course(_: float, c: np.ndarray) -> np.ndarray:
        passing = np.concatenate([[-outflow], -salt.diffusivity_m2_s * np.diff(c) / steps, [0.0]])
        return -np.diff(passing) / boxes

    def empty(_: float, c: np.ndarray) -> float:
        return float(c[0])

    empty.terminal = True  # type: ignore[attr-defined]

    def once() -> float:
        found = solve_ivp(
            course, (0, 2 * known), np.full(201, amount), "BDF", events=empty, jac_sparsity=band, rtol=5e-5, atol=1e-3
        )
        return abs(float(found.t_events[0][0]) / known - 1)

    return once


WALLS, LAYERS, COURSES = "a wall at 200 mV", "a layer with several ions", "a salt that runs out"
TASKS: dict[tuple[str, str], tuple[Callable[[], Callable[[], float]], int]] = {
    **{
        (WALLS, f"magnetflow, {intervals:,} intervals"): (lambda n=intervals: wall(n), 20)  # type: ignore[misc]
        for intervals in (50, 200, 800, 3200)
    },
    **{
        (WALLS, f"solve_bvp to {tolerance:g}"): (lambda t=tolerance: wall_by_scipy(t), 20)  # type: ignore[misc]
        for tolerance in (1e-3, 1e-5)
    },
    **{
        (LAYERS, f"{name}, {ions} ions"): (lambda m=make, n=ions: m(n), 10)  # type: ignore[misc]
        for ions in (2, 5, 10)
        for name, make in (("magnetflow", layer), ("solve_bvp", layer_by_scipy))
    },
    (COURSES, "magnetflow, 200 intervals"): (depletion, 3),
    (COURSES, "solve_ivp, 200 intervals, one substance"): (depletion_by_scipy, 3),
}


def main() -> None:
    """Measure one task, or all of them in processes of their own."""
    if len(sys.argv) > 1:
        prepare, runs = TASKS[sys.argv[1], sys.argv[2]]
        once = prepare()
        figure = once()
        started = time.perf_counter()
        for _ in range(runs):
            once()
        seconds = time.perf_counter() - started
        print(json.dumps([seconds, figure, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024]))
        return
    rows, finest = [], {ions: layer(ions, 3200)() for ions in (2, 5, 10)}
    for (task, what), (_, runs) in TASKS.items():
        command = [sys.executable, __file__, task, what]
        output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
        seconds, figure, memory = json.loads(output.splitlines()[-1])
        if task == LAYERS:
            figure = abs(figure / finest[int(what.split()[-2])] - 1)
        rows.append(
            (date.today().isoformat(), machine(), task, what, runs, f"{seconds:.3g}", f"{figure:.0e}", memory)
        )
        print(*rows[-1])
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
