"""What does one read after a reconciliation: on the terminal, in a table, in a report?"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from magnetflow.inference.checks import GlobalTest
from magnetflow.inference.classes import CONSTANT, NONREDUNDANT, OBSERVABLE, REDUNDANT, UNOBSERVABLE
from magnetflow.inference.problem import listed
from magnetflow.inference.reconcile import Eliminated, Reconciliation
from magnetflow.tables.writing import csv_bytes, write_whole

TABLE, REPORT = "reconciled.csv", "report.json"
CLASSES = (REDUNDANT, NONREDUNDANT, OBSERVABLE, UNOBSERVABLE, CONSTANT)
LINES = 8  # of a list on the terminal


def report(reconciliation: Reconciliation, steps: Sequence[Eliminated] = ()) -> dict[str, Any]:
    """Return all that is known beyond the values, ready for JSON; what does not apply is None.

    `steps` are those of serial elimination, if it was asked for.
    """
    test = reconciliation.test
    adjustments = zip(reconciliation.problem.names, reconciliation.adjustment_in_sd.tolist(), strict=True)
    return {
        "objective": test.objective,
        "degrees_of_freedom": test.degrees_of_freedom,
        "chi2_limit_95": test.limit,
        "p_value": test.p_value,
        "passed": test.passed,
        "suspects": [asdict(suspect) for suspect in reconciliation.suspects],
        "converged": True,
        "iterations": reconciliation.optimum.iterations,
        "residual_max": reconciliation.residual_max,
        "messages": list(reconciliation.messages),
        "adjustments_in_sd": {name: by + 0.0 for name, by in adjustments if not math.isnan(by)},  # never -0.0
        "classes": {kind: int((reconciliation.classes == kind).sum()) for kind in CLASSES},
        "active_bounds": reconciliation.active_bounds,
        "balances": reconciliation.verdicts,
        "nodal_tests": [asdict(nodal) for nodal in reconciliation.nodal_tests],
        "eliminated": [asdict(step) for step in steps],
    }


def write(
    reconciliation: Reconciliation,
    folder: Path,
    steps: Sequence[Eliminated] = (),
    others: Mapping[str, bytes] | None = None,
) -> None:
    """Write `reconciled.csv`, `report.json` and `others`, files by name, into `folder`: each whole or not at all.

    The report has what STAN calls these things too.
    Raises InputError if the folder cannot be made or written.
    """
    frame = reconciliation.table()
    lines = ([_cell(value) for value in row] for row in frame.itertuples(index=False))
    document = report(reconciliation, steps) | {"in_terms_of_stan": _in_terms_of_stan(reconciliation)}
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(folder, {TABLE: csv_bytes([list(frame.columns), *lines]), REPORT: text.encode(), **(others or {})})


def _in_terms_of_stan(reconciliation: Reconciliation) -> dict[str, Any]:
    """Return the tests by the names that STAN has for them.

    A standard score is the measured value less the reconciled one, over the standard uncertainty of the measured one.
    The formula of STAN's quality of fit is not public; the p-value of the χ² test is what stands for it here.
    """
    test = reconciliation.test
    scores = zip(reconciliation.problem.names, (-reconciliation.adjustment_in_sd).tolist(), strict=True)
    return {
        "degree_of_over_determination": test.degrees_of_freedom,
        "objective_function_value": test.objective,
        "quality_of_fit": test.p_value,
        "standard_scores": {name: score + 0.0 for name, score in scores if not math.isnan(score)},
    }


def _cell(value: object) -> str:
    """Return a number with all its digits, an empty cell for one that is not there or without limit."""
    if isinstance(value, float):
        return repr(float(value) + 0.0) if math.isfinite(value) else ""
    return str(value)


def summary(reconciliation: Reconciliation, steps: Sequence[Eliminated] = ()) -> str:
    """Return a few lines for the terminal."""
    count, test = Counter(reconciliation.classes.tolist()), reconciliation.test
    variables, balances = len(reconciliation.problem.names), len(reconciliation.problem.balance_names)
    kinds = ", ".join(f"{count[kind]} {kind}" for kind in CLASSES if count[kind])
    lines = [f"{variables} variables in {balances} balances: {kinds}."]
    if test.passed is not None:
        lines.append(
            f"The chi-square test {'passes' if test.passed else 'FAILS'}: {test.objective:.4g} at "
            f"{test.degrees_of_freedom} degrees of freedom, 95 % limit {test.limit:.4g}, p = {test.p_value:.3g}."
        )
        scores = _in_terms_of_stan(reconciliation)["standard_scores"]
        name = max(scores, key=lambda one: abs(scores[one]))
        lines.append(
            f"In terms of STAN: degree of over-determination {test.degrees_of_freedom}, quality of fit "
            f"{test.p_value:.3g}, largest standard score {scores[name]:.2f} ({name})."
        )
    lines += _adjustments(reconciliation)
    for suspect in reconciliation.suspects[:LINES]:
        alike = f"; {listed(suspect.tied)} fits the blame as well" if suspect.tied else ""
        lines.append(f"Suspect: {suspect.name}, {abs(suspect.normalised_residual):.1f} standard deviations{alike}.")
    contradicted = [name for name, verdict in reconciliation.verdicts.items() if "contradicted" in verdict]
    if contradicted:
        lines.append(f"Contradicted balances: {listed(contradicted)}.")
    lines += [f"Taken out: {step.removed.name}; then {_outcome(step.after)}." for step in steps]
    lines += [f"Note: {message}." for message in reconciliation.messages]
    return "\n".join(lines)


def _outcome(test: GlobalTest) -> str:
    if test.passed is None:
        return "nothing is left to test"
    return f"the test {'passes' if test.passed else 'fails'} with p = {test.p_value:.3g}"


def _adjustments(reconciliation: Reconciliation) -> list[str]:
    """Return a line for each of the largest adjustments, in units of the sd of the measurement."""
    problem, moved = reconciliation.problem, np.nan_to_num(reconciliation.adjustment_in_sd)
    order = np.argsort(-np.abs(moved), kind="stable")[:LINES]
    shown = [place for place in order if abs(moved[place]) > 1e-6]
    width = max((len(problem.names[place]) for place in shown), default=0)
    lines = [
        f"  {problem.names[place]:<{width}}  {problem.value[place]:>10.5g} -> {reconciliation.value[place]:<10.5g} "
        f"{moved[place]:+.2f} sd"
        for place in shown
    ]
    return ["Largest adjustments:", *lines] if lines else []
