"""The design of the cell: the surrogate against the solver, limits, the optimum, and the script of the page."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from test_what_if import node

from magnetflow.book.controls import evaluate_cell, export_cell, sample_cell, show_cell
from magnetflow.book.results import DIGITS, plain
from magnetflow.errors import ProcessError
from magnetflow.inference.draws.space import probabilities
from magnetflow.recovery.chemistry.reactions import reactions
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL, charge_for
from magnetflow.studies.neo_cycle.cell import design as cell_design
from magnetflow.studies.neo_cycle.cell import electrolysis
from magnetflow.studies.neo_cycle.cell.quick import inputs, quick

ROOT = Path(__file__).parents[2]


def compared(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Voltage, share laid down and saturation by the solver and by the surrogate, over the ranges of the page."""
    rows = []
    for conditions in sample_cell(count, 11):
        at = electrolysis.point(**conditions)
        exact, fast = electrolysis.run(at), quick(inputs(at))
        solids = [electrolysis.solid(name) for name in electrolysis.HYDROXIDES]
        decades = max(exact.ln_saturation(solids).values()) / math.log(10)
        iron = exact.share("cathode", "cathode_iron")
        own = exact.share("anode", "anode_alloy_boron")
        rows.append(
            (exact.voltage_v, fast.voltage_v, iron, fast.plating, decades, fast.saturation, own, fast.dissolving)
        )
    return np.array(rows, float)


def test_the_surrogate_keeps_to_the_solver() -> None:
    """Within 15 mV until hydroxide falls out, but for cells at the very limit of an ion: a tenth of a volt."""
    cells = compared(64)
    clear = cells[:, 4] < 0
    volts, iron, decades, own = (np.abs(cells[clear, at] - cells[clear, at + 1]) for at in (0, 2, 4, 6))
    assert np.median(volts) < 2e-3
    assert np.quantile(volts, 0.9) < 1.5e-2
    assert volts.max() < 0.12
    assert iron.max() < 0.04
    assert np.median(decades) < 0.02
    assert own.max() < 0.03
    assert np.mean((cells[:, 4] < 0) == (cells[:, 5] < 0)) > 0.95, "the two differ on what falls out"
    assert 0.02 < 1 - clear.mean() < 0.5, "the sample shows too little on one side"
    assert cells[clear, 2].max() > 0.3, "no cell of the sample is beyond the limit of protons"


def test_the_surrogate_takes_arrays_as_it_takes_numbers() -> None:
    drawn = cell_design.draws(16, 3)
    together = cell_design.outcome(drawn)
    for at in (0, 7, 15):
        one = {name: value if np.ndim(value) == 0 else value[at] for name, value in drawn.items()}  # type: ignore[index]
        alone = cell_design.outcome(one)
        assert float(together.cost_usd_kg[at]) == pytest.approx(float(alone.cost_usd_kg), rel=1e-12)


def test_energy_rate_and_cost_are_those_of_their_definitions() -> None:
    given = cell_design.central()
    outcome = cell_design.outcome(given)
    current = float(given["current"])
    charge = charge_for(reactions()["anode_alloy_boron"], "Nd2Fe14B(s)", 1.0)
    net_c = float(outcome.net) * current
    assert float(outcome.rate_kg_m2_h) == pytest.approx(net_c * 3600 / charge)
    watts = float(outcome.cell.voltage_v) * current
    assert float(outcome.energy_kwh_kg) == pytest.approx(watts / 1000 / float(outcome.rate_kg_m2_h))
    acid = 0.1 * 20 * (0.25 * 0.036458 + 0.6 * 0.017031)  # mol a kg at pH 1, and prices of HCl and NH3
    electrodes = 1000 / (6000 * float(outcome.rate_kg_m2_h))
    assert float(outcome.cost_usd_kg) == pytest.approx(
        0.0804 * float(outcome.energy_kwh_kg) + electrodes + acid, rel=1e-4
    )


def test_the_optimum_is_a_lowest_point_inside_the_limits() -> None:
    given = cell_design.central()
    current, ph, best = cell_design.optimum(given)

    def cost(x: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        return float(cell_design.outcome({**given, "current": math.exp(x[0]), "ph": x[1]}).cost_usd_kg)

    at = np.array([math.log(current), ph])
    assert np.abs(approx_fprime(at, cost, 1e-5)).max() < 1e-3 * cost(at)
    for step in ([0.2, 0], [-0.2, 0], [0, 0.1], [0, -0.1], [0.2, -0.1], [-0.2, 0.1]):
        assert cost(at + step) > cost(at)
    assert float(best.cell.saturation) < 0
    assert current < cell_design.limit_a_m2(electrolysis.point(ph=ph), "iron")
    with pytest.raises(ProcessError, match="edge of what is looked at"):
        cell_design.optimum({**given, "area_cost": 1e6})


def test_the_solver_finds_the_optimum_where_the_surrogate_does() -> None:
    current, ph = cell_design.optimum_by_solver()
    near, near_ph, best = cell_design.optimum(cell_design.central())
    assert current == pytest.approx(near, rel=0.1)
    assert ph == pytest.approx(near_ph, abs=0.05)
    chosen = electrolysis.point(current_density_a_m2=current, ph=ph)
    cost = cell_design.by_solver(chosen)[2]
    assert cost == pytest.approx(float(best.cost_usd_kg), rel=0.03)
    for more, acid in ((1.1, 0.0), (0.9, 0.0), (1.0, 0.05), (1.0, -0.05)):
        moved = electrolysis.point(current_density_a_m2=current * more, ph=ph + acid)
        assert cell_design.by_solver(moved)[2] > cost


@pytest.mark.long
def test_the_sensitivity_never_finds_it_dearer_to_choose_anew() -> None:
    ends = cell_design.sensitivity()
    assert (ends["cost_usd_kg"] <= ends["cost_if_kept_usd_kg"] * (1 + 1e-6)).all()
    dearer = ends.set_index(["input", "end"])["current_a_m2"]
    assert dearer["cost of electrodes", "high"] > dearer["cost of electrodes", "low"]
    assert dearer["price of electricity", "high"] < dearer["price of electricity", "low"]


def test_a_membrane_of_enough_charge_lets_chloride_alone_pass() -> None:
    """Shares of the current add up; far above the charge of the liquor chloride carries all, without it does not."""
    at = electrolysis.point(current_density_a_m2=500.0)
    for charge, low, high in ((1e5, 0.97, 1.001), (None, -1.0, 0.9), (0.0, -1.0, 0.6)):
        shares = electrolysis.current_by_ion(at, charge)
        assert sum(shares.values()) == pytest.approx(1, rel=1e-7)
        assert low < shares["Cl-(aq)"] < high, charge


def test_limits_follow_the_acid() -> None:
    """Ten times the acid carries about ten times the current; sulfate holds protons in reserve."""
    iron = [cell_design.limit_a_m2(electrolysis.point(ph=ph), "iron") for ph in (1.0, 2.0)]
    assert iron[0] / iron[1] == pytest.approx(10, rel=0.1)
    # Protons that diffuse and migrate, and a tenth of the current besides.
    diffusion = FARADAY_C_PER_MOL * 0.7 * electrolysis.diffusivities()["H+(aq)"] * 10 / 50e-6
    assert diffusion < iron[1] < 1.25 * diffusion
    assert cell_design.limit_a_m2(electrolysis.point(ph=2.0, sulfate=True), "iron") > 5 * iron[1]
    assert cell_design.limit_a_m2(electrolysis.point(ph=2.0), "hydroxide") > 3 * iron[1]
    assert cell_design.limit_a_m2(electrolysis.point(ph=0.0, layer_m=1e-5), "hydroxide") == math.inf


def test_the_script_computes_what_python_computes(tmp_path: Path) -> None:
    exported = plain(export_cell(cell_design.central(), 200.0), DIGITS)
    cases = []
    for a, b, c, d in probabilities(4, 2, 0, 32).T:
        moved = {"current": 20 * 150**a, "ph": 0.3 + 2.7 * b, "layer": 1e-5 * 20**c, "gap": 0.003 + 0.027 * d}
        cases.append({name: float(value) for name, value in moved.items()})
    (tmp_path / "cases.json").write_text(json.dumps({"model": exported, "cases": cases}), encoding="utf-8")
    script = (
        "const { cell } = require(process.argv[1]);"
        "const { model, cases } = JSON.parse(require('fs').readFileSync(process.argv[2]));"
        "console.log(JSON.stringify(cases.map((moved) => cell({ ...model.inputs, ...moved }, model.constants))));"
    )
    controls = ROOT / "book" / "_assets" / "controls.js"
    outcome = subprocess.run(
        [node(), "-e", script, str(controls), str(tmp_path / "cases.json")], capture_output=True, text=True
    )
    assert outcome.returncode == 0, outcome.stderr
    for moved, found in zip(cases, json.loads(outcome.stdout), strict=True):
        assert found == pytest.approx(evaluate_cell(exported, moved), rel=1e-8, abs=1e-9)


def test_sliders_start_at_the_central_cell() -> None:
    exported = export_cell(cell_design.central(), 200.0)
    shown = evaluate_cell(exported, {})
    page = str(show_cell(exported, "cell", "Conditions to move").data)
    assert page.count('type="range"') == 4
    assert '<output for="cell-0">200</output>' in page
    assert f"{shown['voltage']:.2f}" in page
    assert "decades over its solubility" in page
    assert "\N{MINUS SIGN}" in page
