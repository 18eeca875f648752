"""Do the flows into a process equal the flows out of it?

A system is a list of flows, each leaving one process and entering another.
A stock is a process of its own kind: what enters it is an addition to stock.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from magnetflow.errors import InputError

OPEN_KINDS = ("stock", "use")  # processes whose own stock change is not among the flows


def balance_matrix(flows: pd.DataFrame) -> pd.DataFrame:
    """Return processes by flows: +1 where the flow enters the process, -1 where it leaves it.

    `flows` has the columns flow, source_process and target_process.
    """
    processes = pd.unique(flows[["source_process", "target_process"]].to_numpy().ravel())
    matrix = pd.DataFrame(0.0, index=processes, columns=flows["flow"].to_numpy())
    for flow, source, target in zip(flows["flow"], flows["source_process"], flows["target_process"], strict=True):
        matrix.loc[source, flow] -= 1.0
        matrix.loc[target, flow] += 1.0
    return matrix


def check_balances(flows: pd.DataFrame, processes: pd.DataFrame) -> pd.DataFrame:
    """Compare what enters each process with what leaves it.

    `flows` carries its masses in the column `value`, all in one unit; `processes` has the columns process and kind.
    Returns one row a process with inflow, outflow, difference, and a verdict in words.
    Raises InputError when a flow touches a process that is not in `processes`.
    """
    matrix = balance_matrix(flows)
    unknown = matrix.index.difference(processes["process"].tolist())
    if len(unknown):
        raise InputError(f"a flow leaves or enters {unknown[0]!r}, which is not among the processes; add it there")
    values = flows.set_index("flow")["value"].reindex(matrix.columns)
    rows = []
    for process, kind in processes[["process", "kind"]].itertuples(index=False):
        if kind == "boundary" or process not in matrix.index:
            continue
        signed = matrix.loc[process] * values
        inflow, outflow = signed.clip(lower=0.0).sum(), (-signed).clip(lower=0.0).sum()
        rows.append((process, kind, inflow, outflow, inflow - outflow, _verdict(kind, inflow, outflow)))
    return pd.DataFrame(rows, columns=["process", "kind", "inflow", "outflow", "difference", "verdict"])


def _verdict(kind: str, inflow: float, outflow: float) -> str:
    if kind in OPEN_KINDS:
        return "open: its stock change is not among the flows"
    if inflow == 0.0 and outflow == 0.0:
        return "closes at zero"
    if inflow == 0.0:
        return "no inflow is given"
    if outflow == 0.0:
        return "no outflow is given"
    return "closes" if np.isclose(inflow, outflow, rtol=1e-9) else "does not close"
