"""What the page computes by itself: against the model, and the script against Python."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from playwright._impl._driver import compute_driver_executable

from magnetflow.book.controls import evaluate_system, export_system, show_system
from magnetflow.book.results import DIGITS, plain
from magnetflow.studies.united_kingdom import accounts, data_quality
from magnetflow.studies.united_kingdom.draws import improvement
from magnetflow.studies.united_kingdom.draws.model import Model, model

OUTCOMES = improvement.HEADLINES | {accounts.name_of("O3.1", accounts.FOUR): "magnets to other uses"}


@pytest.fixture(scope="module")
def base() -> Model:
    return model(1)


@pytest.fixture(scope="module")
def inputs(base: Model) -> list[str]:
    return improvement.most_influential(base, list(OUTCOMES), 10)


def test_the_ten_most_influential_inputs_are_those_of_the_indices(base: Model, inputs: list[str]) -> None:
    assert inputs[:2] == ["generator_intensity", "magnet_share"]
    assert len(set(inputs)) == 10
    few = improvement.most_influential(base, [accounts.name_of("C5.2", accounts.FOUR)], 10)
    assert set(few) == {"generator_intensity", "generator_shares", "wind_additions"}  # nothing else enters it


def test_one_at_a_time_by_hand(base: Model) -> None:
    # Imports and exports of magnets are in proportion to the share of NdFeB magnets; exports only to their own mass.
    net_import = accounts.name_of("net import of magnets", accounts.FOUR)
    moved = improvement.one_at_a_time(base, net_import, ["magnet_share", "magnet_exports"])
    cv = data_quality.input_cv()
    share, exports = 7787 * cv["magnet_share"], -2895 * cv["magnet_exports"]
    assert moved.to_numpy() == pytest.approx(np.array([[-share, share], [-exports, exports]]))


def test_the_exported_numbers_are_the_model(base: Model, inputs: list[str]) -> None:
    exported = export_system(base, OUTCOMES, inputs)
    random = np.random.default_rng(5)
    for _ in range(5):
        factors = random.uniform(0.8, 1.25, len(inputs)).tolist()
        values = base.space.mean.copy()
        for name, factor in zip(inputs, factors, strict=True):
            values[base.space.value_groups == name] *= factor
        expected = base.without_bounds(values[:, None])[[base.names.index(name) for name in OUTCOMES], 0]
        assert [value for value, _ in evaluate_system(exported, factors, [])] == pytest.approx(expected)


def test_the_spread_is_that_of_first_order_and_shrinks_by_what_a_statistic_is_worth(
    base: Model, inputs: list[str]
) -> None:
    exported = export_system(base, OUTCOMES, inputs)
    start = [1.0] * len(inputs)
    now = base.first_order.loc[list(OUTCOMES), "sd"]
    assert [sd for _, sd in evaluate_system(exported, start, [])] == pytest.approx(now)
    worth = improvement.value_of_information(base, {name: [name] for name in inputs})
    for place, name in enumerate(inputs):
        better = [sd for _, sd in evaluate_system(exported, start, [place])][:3]
        # No market with a redundancy is involved in the three, so that weighting anew changes nothing.
        assert better == pytest.approx((now - worth.loc[name, list(OUTCOMES)])[:3], rel=1e-9), name


def node() -> str:
    """Return node: that of the machine, or the one that comes with playwright."""
    return shutil.which("node") or str(compute_driver_executable()[0])


def test_the_script_computes_what_python_computes(base: Model, inputs: list[str], tmp_path: Path) -> None:
    exported = plain(export_system(base, OUTCOMES, inputs), DIGITS)
    random = np.random.default_rng(6)
    cases = [([1.0] * 10, []), ([1.0] * 10, list(range(10)))]
    cases += [(random.uniform(0.7, 1.3, 10).tolist(), random.permutation(10)[:3].tolist()) for _ in range(8)]
    (tmp_path / "cases.json").write_text(json.dumps({"model": exported, "cases": cases}), encoding="utf-8")
    script = (
        "const { system } = require(process.argv[1]);"
        "const { model, cases } = JSON.parse(require('fs').readFileSync(process.argv[2]));"
        "console.log(JSON.stringify(cases.map(([factors, better]) => system(model, factors, better))));"
    )
    controls = ROOT / "book" / "_assets" / "controls.js"
    outcome = subprocess.run(
        [node(), "-e", script, str(controls), str(tmp_path / "cases.json")], capture_output=True, text=True
    )
    assert outcome.returncode == 0, outcome.stderr
    for (factors, better), found in zip(cases, json.loads(outcome.stdout), strict=True):
        expected = evaluate_system(exported, factors, better)
        assert np.array(found) == pytest.approx(np.array(expected), rel=1e-9)


def test_sliders_say_where_they_start_and_how_far_they_reach(base: Model, inputs: list[str]) -> None:
    exported = export_system(base, OUTCOMES, inputs)
    page = str(show_system(exported, "what-if", "Inputs to move").data)
    assert page.count('type="range"') == 10
    step = 2 * exported["inputs"][0]["cv"] / 20  # twenty steps reach two sd
    assert f'data-step="{step:.12g}" min="-20" max="20" step="1" value="0"' in page
    assert page.count("has the best score") == page.count('type="range"') - page.count('type="checkbox"') == 1
    assert "7,787\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}1,821" in page
