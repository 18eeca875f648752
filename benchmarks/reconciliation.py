"""How long does reconciliation take, and what would one pick instead?

Random supply-chain networks, 80 % of the flows measured, flows not negative; each row in a process of its own.
Writes `benchmarks/reconciliation.csv`, from which the page on timings is made.
For cvxpy, which the book does not need:
`.venv/bin/python -m pip install --no-deps --target _build/rivals -r benchmarks/requirements.txt`
"""

from __future__ import annotations

import csv
import json
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from datetime import date
from functools import partial
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import openpyxl
import scipy.sparse as sparse
from networks import OUTSIDE, Network, network

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "benchmarks" / "reconciliation.csv"
SIZES = (10, 100, 1_000, 10_000, 10_263, 100_000)
WORKBOOK_FLOWS, COEFFICIENTS = 5_000, 300
TIME_LIMIT_S = 120
ROUNDS = 3  # in which the tools take turns, so that a slow spell of the machine meets them all
REPEATS = {10: 20, 100: 20, 1_000: 60, WORKBOOK_FLOWS: 3, 10_000: 5, 10_263: 5, 100_000: 3}
COLUMNS = ("date", "machine", "tool", "gives", "flows", "seconds", "memory_mb", "worst_deviation_sd", "note")


def by_magnetflow(lower: float, drawn: Network) -> tuple[np.ndarray, float]:
    """Time stating and reconciling: values, classes, tests and the sds of all flows."""
    from magnetflow.inference.problem import state
    from magnetflow.inference.reconcile import reconcile

    names = [f"F{flow}" for flow in range(len(drawn.true))]
    balances = [f"P{process}" for process in range(drawn.balances.shape[0])]
    matrix = drawn.balances
    started = time.perf_counter()
    problem = state(
        names,
        np.where(drawn.measured, "measured", "unmeasured"),
        drawn.value,
        drawn.sd,
        balances=(balances, matrix),
        lower=np.full(len(names), lower),
    )
    result = reconcile(problem)
    _ = result.nodal_tests  # made when they are asked for
    seconds = time.perf_counter() - started
    assert not np.isnan(result.sd[~np.isnan(result.value)]).any(), "a standard deviation is left out"
    return result.value, seconds


def by_cvxpy(drawn: Network) -> tuple[np.ndarray, float]:
    """Time cvxpy with clarabel: values only."""
    sys.path.append(str(ROOT / "_build" / "rivals"))
    import cvxpy

    matrix = drawn.balances
    started = time.perf_counter()
    flows = cvxpy.Variable(len(drawn.true))
    errors = cvxpy.multiply(1 / drawn.sd[drawn.measured], flows[drawn.measured] - drawn.value[drawn.measured])
    problem = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(errors)), [matrix @ flows == 0, flows >= 0])
    problem.solve(solver=cvxpy.CLARABEL)
    return np.asarray(flows.value), time.perf_counter() - started


def by_scipy(method: str, drawn: Network) -> tuple[np.ndarray, float]:
    """Time a method of scipy.optimize.minimize, from the measured values and with exact derivatives: values only."""
    from scipy.optimize import LinearConstraint, minimize

    matrix = drawn.balances
    unit = np.where(drawn.measured, drawn.sd, drawn.sd.mean())
    value = np.where(drawn.measured, drawn.value, drawn.value.mean())
    weight = drawn.measured.astype(float)
    started = time.perf_counter()
    scaled = sparse.csr_array(matrix @ sparse.diags_array(unit))
    dense = method == "SLSQP"
    constraint: object = LinearConstraint(scaled, -matrix @ value, -matrix @ value)
    if dense:
        jacobian = scaled.toarray()
        constraint = {"type": "eq", "fun": lambda z: scaled @ z + matrix @ value, "jac": lambda _: jacobian}
    found = minimize(
        lambda z: 0.5 * float(weight @ z**2),
        np.zeros(len(value)),
        jac=lambda z: weight * z,
        hess=None if dense else lambda _: sparse.diags_array(weight),
        bounds=list(zip(-value / unit, [None] * len(value), strict=True)),
        constraints=constraint,
        method=method,
        options={"maxiter": 1000} | ({"ftol": 1e-10} if dense else {"gtol": 1e-8}),
    )
    return value + unit * found.x, time.perf_counter() - started


def by_workbook(whole: bool, drawn: Network) -> tuple[np.ndarray, float]:
    """Time reading a workbook with the flows and 300 transfer coefficients, or the whole command on it."""
    from magnetflow import cli
    from magnetflow.flows import folder

    with TemporaryDirectory() as temporary:
        path = Path(temporary) / "flows.xlsx"
        write_workbook(drawn, path)
        started = time.perf_counter()
        if whole:
            with redirect_stdout(StringIO()):
                cli.main(["reconcile", str(path)])
        else:
            folder.read(path)
        return np.array([]), time.perf_counter() - started


def write_workbook(drawn: Network, path: Path) -> None:
    """Write a network as a workbook, with a transfer coefficient for each of some flows that are not measured."""
    size = drawn.balances.shape[0]
    through = np.bincount(drawn.target + 1, weights=drawn.true, minlength=size + 1)[drawn.source + 1]
    branches = np.bincount(drawn.source + 1, minlength=size + 1)[drawn.source + 1]
    split = np.flatnonzero((drawn.source != OUTSIDE) & (branches > 1) & ~drawn.measured)[:COEFFICIENTS]
    shares = drawn.true / np.where(through > 0, through, 1.0)
    of_flows = (drawn.value.tolist(), drawn.sd.tolist(), drawn.measured.tolist())
    measured = [[*pair] if known else [None] * 2 for *pair, known in zip(*of_flows, strict=True)]
    ends = zip(drawn.source.tolist(), drawn.target.tolist(), strict=True)
    places = [[None if at == OUTSIDE else f"P{at}" for at in both] for both in ends]
    flows = enumerate(zip(places, measured, strict=True))
    sheets: dict[str, list[Sequence[object]]] = {
        "flows": [("flow", "source", "target", "value", "sd")],
        "processes": [("process",), *((f"P{process}",) for process in range(size))],
        "transfer_coefficients": [("flow", "value", "sd")],
    }
    sheets["flows"] += [(f"F{flow}", *both, *figures) for flow, (both, figures) in flows]
    sheets["transfer_coefficients"] += [(f"F{at}", float(shares[at]), float(shares[at]) / 10) for at in split]
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)


TOOLS: dict[str, tuple[Callable[[Network], tuple[np.ndarray, float]], str, int]] = {
    "magnetflow": (partial(by_magnetflow, 0.0), "values, sds, classes, tests", 100_000),
    "magnetflow, no bounds": (partial(by_magnetflow, -np.inf), "values, sds, classes, tests", 100_000),
    "cvxpy with clarabel": (by_cvxpy, "values", 100_000),
    "scipy SLSQP": (partial(by_scipy, "SLSQP"), "values", 1_000),
    "scipy trust-constr": (partial(by_scipy, "trust-constr"), "values", 1_000),
}

FROM_FILE = {
    "magnetflow, a workbook": (partial(by_workbook, False), "reading, with 300 transfer coefficients"),
    "magnetflow, the command": (partial(by_workbook, True), "reading it, all results and their files"),
}


def time_one(tool: str, flows: int) -> None:
    """Print seconds, peak memory and the values of one tool on one network, as JSON."""
    drawn = network(flows, seed=1)
    timed = (TOOLS | FROM_FILE)[tool][0]
    runs = [timed(drawn) for _ in range(1 if tool.startswith("scipy") else REPEATS[flows])]
    seconds = float(np.median([seconds for _, seconds in runs]))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    values = runs[-1][0]
    finite = [None if np.isnan(value) else value for value in values.tolist()]
    print(json.dumps({"seconds": seconds, "memory_mb": memory, "values": finite}))


def machine() -> str:
    """Name processor and Python, without the machine's own name."""
    cpu = next(
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    )
    return f"{cpu}, 2 cores, Python {platform.python_version()}"


def run_alone(tool: str, flows: int) -> tuple[dict[str, Any], str]:
    """Return what a tool gives on a network, run in a process of its own, and a note where it gives nothing."""
    command = [sys.executable, __file__, tool, str(flows)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=True)
    except subprocess.TimeoutExpired:
        return {}, f"no end within {TIME_LIMIT_S} s"
    except subprocess.CalledProcessError as error:
        return {}, error.stderr.strip().splitlines()[-1][:80]
    return json.loads(done.stdout.splitlines()[-1]), ""


def median(turns: list[tuple[dict[str, Any], str]]) -> tuple[dict[str, Any], str]:
    """Return what a tool gave in several turns, with the median time, or what it gave first where it failed."""
    outcomes = [outcome for outcome, _ in turns if outcome]
    if len(outcomes) < len(turns):
        return turns[0]
    return outcomes[0] | {"seconds": float(np.median([outcome["seconds"] for outcome in outcomes]))}, ""


def main() -> None:
    """Time every tool at every size and write the table."""
    rows, day, here = [], date.today().isoformat(), machine()
    for flows in SIZES:
        drawn, reference = network(flows, seed=1), None
        turns = [{tool: run_alone(tool, flows) for tool in TOOLS if flows <= TOOLS[tool][2]} for _ in range(ROUNDS)]
        for tool, (_, gives, _) in TOOLS.items():
            outcome, note = median([turn[tool] for turn in turns]) if tool in turns[0] else ({}, "not tried")
            away = ""
            if outcome:
                values = np.array(outcome["values"], dtype=float)
                reference = values if reference is None else reference
                if not tool.startswith("magnetflow"):
                    away = f"{np.nanmax(np.abs(values - reference)[drawn.measured] / drawn.sd[drawn.measured]):.1e}"
            rows.append([day, here, tool, gives, flows, *figures(outcome), away, note])
            print(*rows[-1][2:], flush=True)
    for tool, (_, gives) in FROM_FILE.items():
        outcome, note = run_alone(tool, WORKBOOK_FLOWS)
        rows.append([day, here, tool, gives, WORKBOOK_FLOWS, *figures(outcome), "", note])
        print(*rows[-1][2:], flush=True)
    with TABLE.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def figures(outcome: dict[str, Any]) -> tuple[str, str]:
    """Return seconds and memory as they are written, empty where there are none."""
    return (f"{outcome['seconds']:.4g}", f"{outcome['memory_mb']:.0f}") if outcome else ("", "")


if __name__ == "__main__":
    time_one(sys.argv[1], int(sys.argv[2])) if len(sys.argv) == 3 else main()
