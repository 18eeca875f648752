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
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import scipy.sparse as sparse
from networks import Network, network

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "benchmarks" / "reconciliation.csv"
SIZES = (10, 100, 1_000, 10_000, 100_000)
TIME_LIMIT_S = 120
REPEATS = {10: 20, 100: 20, 1_000: 10, 10_000: 5, 100_000: 3}
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
    return result.value, time.perf_counter() - started


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


TOOLS: dict[str, tuple[Callable[[Network], tuple[np.ndarray, float]], str, int]] = {
    "magnetflow": (partial(by_magnetflow, 0.0), "values, sds, classes, tests", 100_000),
    "magnetflow, no bounds": (partial(by_magnetflow, -np.inf), "values, sds, classes, tests", 100_000),
    "cvxpy with clarabel": (by_cvxpy, "values", 100_000),
    "scipy SLSQP": (partial(by_scipy, "SLSQP"), "values", 1_000),
    "scipy trust-constr": (partial(by_scipy, "trust-constr"), "values", 1_000),
}


def time_one(tool: str, flows: int) -> None:
    """Print seconds, peak memory and the values of one tool on one network, as JSON."""
    drawn = network(flows, seed=1)
    runs = [TOOLS[tool][0](drawn) for _ in range(1 if tool.startswith("scipy") else REPEATS[flows])]
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


def main() -> None:
    """Time every tool at every size and write the table."""
    rows = []
    for flows in SIZES:
        drawn, reference = network(flows, seed=1), None
        for tool, (_, gives, largest) in TOOLS.items():
            row = [date.today().isoformat(), machine(), tool, gives, flows]
            if flows > largest:
                rows.append([*row, "", "", "", "not tried"])
                continue
            try:
                done = subprocess.run(
                    [sys.executable, __file__, tool, str(flows)],
                    capture_output=True, text=True, timeout=TIME_LIMIT_S, check=True,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                rows.append([*row, "", "", "", f"no end within {TIME_LIMIT_S} s"])
                continue
            except subprocess.CalledProcessError as error:
                rows.append([*row, "", "", "", error.stderr.strip().splitlines()[-1][:80]])
                continue
            outcome = json.loads(done.stdout.splitlines()[-1])
            values = np.array(outcome["values"], dtype=float)
            if reference is None:
                reference = values
            away = ""
            if tool not in ("magnetflow", "magnetflow, no bounds"):
                away = f"{np.nanmax(np.abs(values - reference)[drawn.measured] / drawn.sd[drawn.measured]):.1e}"
            rows.append([*row, f"{outcome['seconds']:.4g}", f"{outcome['memory_mb']:.0f}", away, ""])
            print(*rows[-1][2:], flush=True)
    with TABLE.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


if __name__ == "__main__":
    time_one(sys.argv[1], int(sys.argv[2])) if len(sys.argv) == 3 else main()
