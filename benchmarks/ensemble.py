"""How long do many draws of the whole UK system take, and what would one pick instead?

All elements, every input drawn, every draw reconciled within its bounds; each row in a process of its own.
Writes `benchmarks/ensemble.csv`, from which the page on timings is made.
"""

from __future__ import annotations

import csv
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
from reconciliation import machine

from magnetflow.inference.draws.ensemble import Estimator

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "benchmarks" / "ensemble.csv"
SEED = 1
COLUMNS = ("date", "machine", "what", "draws", "seconds", "memory_mb")


def summarised(draws: int) -> float:
    """Time drawing, reconciling within bounds and summing up, in one process."""
    from magnetflow.inference.draws.streaming import summarise
    from magnetflow.studies.united_kingdom.draws.model import model

    base = model(SEED)
    started = time.perf_counter()
    summarise(base, base.row_names, draws)
    return time.perf_counter() - started


def by_processes(draws: int) -> float:
    """Time the same with two worker processes, their start included."""
    from magnetflow.inference.draws.streaming import summarise
    from magnetflow.studies.united_kingdom.draws.model import model

    base = model(SEED)
    started = time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        summarise(base, base.row_names, draws, client=pool)
    return time.perf_counter() - started


def by_dask(draws: int) -> float:
    """Time the same with a Dask cluster of two workers on this machine, which is up before the clock starts."""
    from distributed import Client, LocalCluster

    from magnetflow.inference.draws.streaming import summarise
    from magnetflow.studies.united_kingdom.draws.model import model

    base = model(SEED)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        summarise(base, base.row_names, 2**14, client=client)
        started = time.perf_counter()
        summarise(base, base.row_names, draws, client=client)
        return time.perf_counter() - started


def _measured(draws: int) -> tuple[Estimator, list[np.ndarray]]:
    """Return the estimator and blocks of drawn flows."""
    from magnetflow.inference.draws.space import probabilities
    from magnetflow.inference.draws.streaming import BLOCK
    from magnetflow.studies.united_kingdom.draws.model import model

    base = model(SEED)
    blocks = [
        base.products(base.space.draw(probabilities(base.space.width, SEED, first, BLOCK)))[base.of_measured]
        for first in range(0, draws, BLOCK)
    ]
    return base.estimator, blocks


def timed(blocks: list[np.ndarray], step: Callable[[np.ndarray], object]) -> float:
    """Time one step on all blocks."""
    started = time.perf_counter()
    for block in blocks:
        step(block)
    return time.perf_counter() - started


def linear_step(draws: int) -> float:
    """Time reconciling drawn flows without bounds."""
    estimator, blocks = _measured(draws)
    return timed(blocks, estimator.unbounded)


def bare_products(draws: int) -> float:
    """Time numpy's matrix products of the same shapes, and nothing else."""
    estimator, blocks = _measured(draws)
    return timed(blocks, estimator.matrix.__matmul__)


def bounded_step(draws: int) -> float:
    """Time reconciling drawn flows within their bounds."""
    estimator, blocks = _measured(draws)
    return timed(blocks, estimator.bounded)


def one_by_one(draws: int) -> float:
    """Time reconciling drawn flows within their bounds one draw at a time, with variances and tests."""
    from magnetflow.inference.reconcile import reconcile

    estimator, blocks = _measured(draws)
    problem = estimator.problem
    started = time.perf_counter()
    for column in blocks[0][:, :draws].T:
        value = problem.value.copy()
        value[problem.measured] = column
        reconcile(replace(problem, value=value))
    return time.perf_counter() - started


def by_clarabel(draws: int) -> float:
    """Time the same values as a quadratic programme each, by clarabel called directly: values only."""
    import clarabel
    import scipy.sparse as sparse

    estimator, blocks = _measured(draws)
    problem = estimator.problem
    places = np.flatnonzero(problem.measured)
    inverse = np.linalg.inv((problem.root @ problem.root.T).toarray())
    weights = np.zeros((len(problem.names), len(problem.names)))
    weights[np.ix_(places, places)] = inverse
    fixed = np.flatnonzero(problem.constant)
    pick = sparse.eye_array(len(problem.names), format="csr")
    rows = sparse.csc_array(sparse.vstack([problem.matrix, pick[fixed], -pick]))
    right = np.concatenate([np.zeros(problem.matrix.shape[0]), problem.value[fixed], np.zeros(len(problem.names))])
    cones = [
        clarabel.ZeroConeT(problem.matrix.shape[0] + len(fixed)),
        clarabel.NonnegativeConeT(len(problem.names)),
    ]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    quadratic = sparse.csc_array(sparse.triu(weights))
    started = time.perf_counter()
    for column in blocks[0][:, :draws].T:
        linear = np.zeros(len(problem.names))
        linear[places] = -inverse @ column
        clarabel.DefaultSolver(quadratic, linear, rows, right, cones, settings).solve()
    return time.perf_counter() - started


RUNS: dict[str, tuple[Callable[[int], float], tuple[int, ...]]] = {
    "magnetflow: draw, reconcile within bounds, sum up": (summarised, (2**15, 2**17, 2**19)),
    "the same, two processes": (by_processes, (2**17,)),
    "the same, Dask with two workers": (by_dask, (2**17,)),
    "magnetflow: reconcile only, without bounds": (linear_step, (2**17,)),
    "numpy: matrix products of the same shapes": (bare_products, (2**17,)),
    "magnetflow: reconcile only, within bounds": (bounded_step, (2**17,)),
    "magnetflow reconcile, one draw at a time": (one_by_one, (2**9,)),
    "clarabel, one draw at a time": (by_clarabel, (2**9,)),
}


def measure(what: str, draws: int) -> None:
    """Print seconds and peak memory of one run, as JSON; called in a process of its own."""
    seconds = RUNS[what][0](draws)
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps({"seconds": seconds, "memory_mb": round(max(peaks) / 1024)}))


def main() -> None:
    """Measure everything and write the table."""
    rows = []
    for what, (_, sizes) in RUNS.items():
        for draws in sizes:
            output = subprocess.run(
                [sys.executable, __file__, what, str(draws)], capture_output=True, text=True, check=True
            ).stdout
            found = json.loads(output.splitlines()[-1])
            row = (date.today().isoformat(), machine(), what, draws, f"{found['seconds']:.4g}", found["memory_mb"])
            rows.append(row)
            print(*row, flush=True)
    temporary = TABLE.with_suffix(".tmp")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    temporary.replace(TABLE)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1], int(sys.argv[2]))
    else:
        main()
