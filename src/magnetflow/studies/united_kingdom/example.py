"""How does the study's system look as a folder that `magnetflow reconcile` reads?

Run as a program, `python -m magnetflow.studies.united_kingdom.example`, it writes `examples/united-kingdom`
(magnets and what holds them, by element) and `examples/united-kingdom-upstream` (compounds and alloys).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from magnetflow import tables
from magnetflow.inference.problem import Problem
from magnetflow.studies.united_kingdom import accounts as system
from magnetflow.studies.united_kingdom import upstream, whole
from magnetflow.studies.united_kingdom.accounts import ALL, ELEMENTS

MAKING = "EV manufacturing"
PARTS = {"C4.1": "motors", "P5.1.0.1": "motors", "C3.2": "other parts", "P5.1.0.2": "other parts"}
FOLDERS = {"united-kingdom": ELEMENTS, "united-kingdom-upstream": (ALL,)}


def files(name: str) -> dict[str, str]:
    """Return the text of each file of an example folder, by file name.

    Making cars is drawn as two processes, since no rare earth passes from motors to other parts.
    """
    layers, flows = FOLDERS[name], system.flows()
    problem = whole.problem()
    kinds = dict(tables.read("processes")[["process", "kind"]].to_numpy())
    if ALL not in layers:
        kinds |= dict.fromkeys(upstream.PROCESSES, "boundary")
    lines = ["flow,source,target,layer,value,sd,unit,note"]
    touched: dict[str, bool] = {}
    own = {flow: told for flow, told in system.layers_of(flows.index).items() if set(told) <= set(layers)}
    for flow in own:
        ends = [_process(str(flows.at[flow, end]), flow, kinds) for end in ("source_process", "target_process")]
        if not any(ends):
            continue  # post-industrial waste to alloys passes by this part of the system
        touched |= {end: kinds.get(end) in ("stock", "use") for end in ends if end}
        for layer in own[flow]:
            at = problem.position[whole.name_of(flow, layer)]
            value, sd = (_text(figure) for figure in (problem.value[at], problem.sd[at]))
            note = str(flows.loc[flow, "name"]).replace(",", ";")
            lines.append(f"{flow},{ends[0]},{ends[1]},{'' if layer == ALL else layer},{value},{sd},t,{note}")
    processes = ["process,stock", *(f"{process},{'yes' if stock else 'no'}" for process, stock in touched.items())]
    texts = {"flows.csv": lines, "processes.csv": processes}
    if ALL in layers:
        known = upstream.parameters()
        texts["transfer_coefficients.csv"] = [
            "flow,value,sd,note",
            f"L1,{known['loss_fraction']:g},,share of what enters alloy making",
            f"E2,{known['export_share']:g},,share of what enters the market of alloys",
        ]
    else:
        texts["covariance.csv"] = _covariances(problem, layers)
    return {file: "\n".join(text) + "\n" for file, text in texts.items()}


def _process(process: str, flow: str, kinds: dict[str, str]) -> str:
    """Name a process in the folder: nothing beyond the boundary, and one of two for making cars."""
    if kinds.get(process) == "boundary":
        return ""
    return f"{MAKING}; {PARTS[flow]}" if process == MAKING else process


def _covariances(problem: Problem, layers: tuple[str, ...]) -> list[str]:
    lines = ["variable_a,variable_b,covariance"]
    matrix = problem.covariance.toarray()
    for one, other in zip(*np.nonzero(np.triu(matrix, 1)), strict=True):
        names = problem.names[one], problem.names[other]
        if all(name.endswith(tuple(f"[{layer}]" for layer in layers)) for name in names):
            lines.append(f"{names[0]},{names[1]},{_text(matrix[one, other])}")
    return lines


def _text(figure: float) -> str:
    return "" if np.isnan(figure) else f"{figure:.10g}"


def write(examples: Path) -> None:
    """Write the files of each example folder under `examples`."""
    for name in FOLDERS:
        (examples / name).mkdir(parents=True, exist_ok=True)
        for file, text in files(name).items():
            (examples / name / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(tables.find_data().parent / "examples")
