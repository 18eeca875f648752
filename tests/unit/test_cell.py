"""The electrochemical cell: known answers, derivatives, conservation, and what is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from magnetflow.errors import ConvergenceError, ProcessError, UnsettledError
from magnetflow.recovery.cell import closed_forms, grids
from magnetflow.recovery.cell import steady as steady_module
from magnetflow.recovery.cell.balance import Balance, Unknowns, bernoulli
from magnetflow.recovery.cell.kinetics import THERMAL_VOLTAGE_V as VOLTS
from magnetflow.recovery.cell.kinetics import Branch, HalfReaction
from magnetflow.recovery.cell.model import (
    PERMITTIVITY_F_M,
    Bulk,
    Cell,
    Electrode,
    Inflow,
    Ion,
    Wall,
    debye_length_m,
)
from magnetflow.recovery.cell.newton import settle
from magnetflow.recovery.cell.operation import Setup, operate
from magnetflow.recovery.cell.state import start
from magnetflow.recovery.cell.steady import current_a_m2, currents_a_m2, steady, unknowns
from magnetflow.recovery.cell.transient import run
from magnetflow.recovery.chemistry.reactions import Reaction, reactions
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL
from magnetflow.studies.neo_cycle.cell import electrolysis, verification
from magnetflow.studies.neo_cycle.cell.cases import CASES, Case
from magnetflow.studies.neo_cycle.cell.electrolysis import association, diffusivities, half_reaction, ions, solid

PUBLISHED = json.loads((Path(__file__).parents[1] / "process_cases.json").read_text(encoding="utf-8"))["cases"]
NDCL3 = {"Nd+3(aq)": 100.0, "Cl-(aq)": 300.0}
SALT = {"K+(aq)": 10.0, "Cl-(aq)": 10.0}
NEODYMIUM = HalfReaction.reversible(reactions()["anode_Nd"], -2.32, 1e5)
AT = electrolysis.point(ph=2.0)


SLOW = {"precipitation front"}


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.long if case.name in SLOW else (), id=case.name) for case in CASES],
)
def test_the_cell_gives_what_is_known(case: Case) -> None:
    grids_needed = case.intervals[-2:] if case.order is not None else case.intervals[-1:]
    errors = [case.work(intervals).error for intervals in grids_needed]
    assert errors[-1] <= case.tolerance
    if case.order is not None:
        fallen = math.log(errors[-2] / errors[-1]) / math.log(case.intervals[-1] / case.intervals[-2])
        assert fallen >= case.order


@pytest.mark.long
def test_a_slower_ion_is_seen_by_every_case_that_depends_on_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With ions a tenth slower in the model than in the closed forms, each of these misses its tolerance."""

    def slower(names: Sequence[str], mobility: float = 1.0) -> list[Ion]:
        return ions(names, 0.9 * mobility)

    monkeypatch.setattr(verification, "ions", slower)
    monkeypatch.setattr(verification, "Ion", lambda name, diffusivity: Ion(name, 0.9 * diffusivity))
    dependent = ("limiting current", "Sand", "Cottrell", "Goldman, Hodgkin and Katz, flux", "electrode far", "precip")
    seen = [case for case in CASES if case.name.startswith(dependent)]
    assert len(seen) == 9
    for case in seen:
        assert case.work(case.intervals[-1]).error > case.tolerance, case.name


def test_a_published_double_layer() -> None:
    """The shared case D6a: potential and both ions at five places."""
    case = next(case for case in PUBLISHED if case["id"] == "D6a_gouy_chapman_25mV")
    state = verification.double_layer(0.025, 400)
    length_m = case["expected"]["debye_length_nm"]["value"] * 1e-9
    assert debye_length_m(SALT) == pytest.approx(length_m, rel=1e-9)
    assert pytest.approx(case["expected"]["thermal_voltage_mV"]["value"], rel=1e-9) == 1000 * VOLTS
    profiles = {"phi_mV": 1000 * state.potential_v, "c_minus/c0": state.of("Cl-(aq)") / 10}
    profiles["c_plus/c0"] = state.of("K+(aq)") / 10
    compared = 0
    for key, expected in case["expected"].items():
        what, _, place = key.partition(" @ ")
        if place:
            at = float(place.removesuffix(" lambda_D")) * length_m
            found = float(np.interp(at, state.cell.grid_m, profiles[what]))
            assert found == pytest.approx(expected["value"], rel=expected["rtol"]), key
            compared += 1
    assert compared >= 12


def busy_cell(neutral: bool) -> Cell:
    """A cell with one of everything: electrodes, acids, solids, a membrane, stirring and a source."""
    grid = grids.graded_both(2e-6 if neutral else 5e-8, 12, 1e-8 if neutral else 1e-9)
    nodes, intervals = grids.within(grid, grid[4], grid[8])
    every = ions([*electrolysis.liquor(AT)], 0.7)
    return Cell(
        every,
        grid,
        Electrode([half_reaction("anode_alloy_boron"), half_reaction("cathode_hydrogen")], current_a_m2=150.0),
        Electrode([half_reaction(f"cathode_{name}") for name in ("hydrogen", "water", "iron")], potential_v=-0.7),
        neutral=neutral,
        reactions=[association("OH-(aq)")],
        solids=[solid(name) for name in electrolysis.HYDROXIDES],
        fixed_charge_mol_m3=120.0 * nodes,
        mobility=1 - 0.6 * intervals,
        source_mol_m3_s=1e-3 * np.ones((len(every), len(grid))),
    )


@pytest.mark.parametrize("neutral", [True, False])
@pytest.mark.parametrize("sides", ["electrodes", "bulk and wall", "bulk at a current and inflow"])
def test_derivatives_are_those_of_the_residuals(neutral: bool, sides: str) -> None:
    """Every derivative by central differences about a state drawn at random."""
    cell, draw = busy_cell(neutral), np.random.default_rng(5)
    liquor = electrolysis.liquor(AT)
    if sides == "bulk and wall":
        wall = Wall() if neutral else Wall(charge_c_m2=0.01)
        cell = Cell(cell.ions, cell.grid_m, Bulk(liquor), wall, neutral, cell.reactions, cell.solids)
    if sides == "bulk at a current and inflow":
        cell = Cell(
            cell.ions,
            cell.grid_m,
            Bulk(liquor, current_a_m2=3.0),
            Inflow({"Nd+3(aq)": 1e-4}),
            neutral,
            cell.reactions,
        )
    balance, nodes = Balance(cell), len(cell.grid_m)
    middle = np.array([liquor[name] for name in cell.names])
    at = np.hstack(
        [
            middle * draw.uniform(0.5, 2, (nodes, len(middle))),
            draw.normal(0, 0.5, (nodes, 1)),
            draw.uniform(0, 50, (nodes, len(cell.solids))),
        ]
    )
    saturated = draw.random((nodes, len(cell.solids))) > 0.5
    metals, history = np.array([-20.0, -27.0]), draw.uniform(0, 1, (len(middle), nodes))

    def residuals(values: Any, metals: Any) -> tuple[Any, Any]:
        found = balance.residuals(Unknowns(values, metals, saturated), 3.0, history)
        return found.nodes, found.metals

    exact = balance.residuals(Unknowns(at, metals, saturated), 3.0, history)
    for node in range(nodes):
        for unknown in range(balance.size):
            move = 1e-6 * max(abs(at[node, unknown]), 1e-14)
            up, down = at.copy(), at.copy()
            up[node, unknown] += move
            down[node, unknown] -= move
            (high, high_metal), (low, low_metal) = residuals(up, metals), residuals(down, metals)
            slope, slope_metal = (high - low) / (2 * move), (high_metal - low_metal) / (2 * move)
            size = np.maximum(np.abs(high).max(axis=0), 1e-300) / move
            for other, block in ((node - 1, exact.after), (node, exact.here), (node + 1, exact.before)):
                if 0 <= other < nodes:
                    off = np.abs(slope[other] - block[other, :, unknown])
                    allowed = 1e-4 * np.abs(block[other, :, unknown]) + 1e-8 * size
                    assert np.all(off <= allowed), (node, other, unknown)
            for place, end in ((0, 0), (1, nodes - 1)):
                expected = exact.metal_by_node[place, unknown] if node == end else 0.0
                size_metal = max(np.abs(high_metal).max(), 1e-300) / move
                assert abs(slope_metal[place] - expected) <= 1e-4 * abs(expected) + 1e-8 * size_metal
    for place in (0, 1):
        move = np.where(np.arange(2) == place, 1e-3, 0.0)
        (high, high_metal), (low, low_metal) = residuals(at, metals + move), residuals(at, metals - move)
        end = -place
        np.testing.assert_allclose((high - low)[end] / 2e-3, exact.by_metal[place], rtol=1e-4, atol=1e-9)
        assert (high_metal - low_metal)[place] / 2e-3 == pytest.approx(exact.metal_by_metal[place], rel=1e-4)


def test_mass_and_charge_are_kept_through_precipitation() -> None:
    """A cell between a magnet and a cathode: what came in is what it holds, hydroxides included, to 1e-12."""
    liquor = electrolysis.liquor(AT)
    grid = grids.graded_both(100e-6, 60, 2e-7)
    cell = Cell(
        ions(list(liquor), 0.7),
        grid,
        Electrode([half_reaction("anode_alloy_boron"), half_reaction("cathode_hydrogen")], current_a_m2=800.0),
        Electrode([half_reaction("cathode_hydrogen"), half_reaction("cathode_water")], potential_v=-1.2),
        reactions=[association("OH-(aq)")],
        solids=[solid(name) for name in electrolysis.HYDROXIDES],
    )
    states = run(start(cell, liquor), 3.0, tolerance=1e-2)
    first, last = states[0], states[-1]
    assert sum(last.solids.sum(axis=1) > 0) >= 1, "no hydroxide has fallen out; the case shows nothing"
    assert last.solids.min() >= 0
    assert last.concentrations.min() > 0
    change = dict(zip(cell.names, last.contents_mol_m2() - first.contents_mol_m2(), strict=True))
    came = dict(zip(cell.names, last.through_left + last.through_right, strict=True))
    size = float(last.contents_mol_m2().max())
    for name in ("Nd+3(aq)", "Fe+2(aq)", "Cl-(aq)", "NH4+(aq)"):
        assert change[name] == pytest.approx(came[name], abs=1e-12 * size), name
    protons = [amounts["H+(aq)"] - amounts["OH-(aq)"] for amounts in (change, came)]
    assert protons[0] == pytest.approx(protons[1], abs=1e-12 * size)
    assert np.abs(cell.charges @ last.concentrations).max() < 1e-9
    passed = [
        float(cell.charges @ through) * FARADAY_C_PER_MOL for through in (last.through_left, last.through_right)
    ]
    assert passed[0] == pytest.approx(800.0 * 3.0, rel=1e-9), "the charge passed is the current times the time"
    assert passed[0] + passed[1] == pytest.approx(0, abs=1e-12 * FARADAY_C_PER_MOL * size)


def test_iron_three_falls_out_before_iron_two() -> None:
    """Its hydroxide is the less soluble: it lies further from the cathode, and both irons are kept."""
    liquor = {"H+(aq)": 10.0, "OH-(aq)": 1e-9, "Fe+3(aq)": 20.0, "Fe+2(aq)": 50.0, "Nd+3(aq)": 20.0}
    liquor["Cl-(aq)"] = 10.0 + 60 + 100 + 60 - 1e-9
    cathode = [half_reaction("cathode_hydrogen"), half_reaction("cathode_water")]
    cell = Cell(
        ions(list(liquor)),
        grids.graded(50e-6, 50, 3e-7),
        Electrode(cathode, current_a_m2=-400.0),
        Bulk(liquor),
        reactions=[association("OH-(aq)")],
        solids=[solid(name) for name in ("Fe(OH)3(s)", "Fe(OH)2(s)")],
    )
    first, *_, last = run(start(cell, liquor), 10.0, 1e-2)
    ferric, ferrous = (cell.grid_m[np.flatnonzero(last.solid(f"Fe(OH){n}(s)"))].max() for n in (3, 2))
    assert ferric > ferrous + 5e-6
    gap = last.contents_mol_m2() - first.contents_mol_m2() - last.through_left - last.through_right
    for name in ("Fe+3(aq)", "Fe+2(aq)", "Nd+3(aq)", "Cl-(aq)"):
        assert abs(gap[cell.names.index(name)]) < 1e-12 * last.contents_mol_m2().max()


def test_an_electrode_before_a_space_charge_comes_to_the_same_limit() -> None:
    """Behind four micrometres Poisson's equation and its compact layer leave the limiting current as it is."""
    salt = {"Na+(aq)": 10.0, "Cl-(aq)": 10.0}
    half = HalfReaction.reversible(Reaction.read("plating", "Na(s) -> Na+(aq) + e-"), 0.0, 1e3)
    known = closed_forms.limiting_current_a_m2(1, diffusivities()["Na+(aq)"], 10.0, 4e-6, -1)
    grid = grids.graded(4e-6, 300, 2e-10)
    for capacity in (0.1, 0.4):
        electrode = Electrode([half], potential_v=-0.4, compact_layer_f_m2=capacity)
        state = steady(start(Cell(ions(list(salt)), grid, electrode, Bulk(salt), neutral=False), salt))
        assert -current_a_m2(state) == pytest.approx(known, rel=0.01)
        # The charge of the metal, by the capacity, is that of the solution: the whole is neutral.
        in_solution = FARADAY_C_PER_MOL * float(state.cell.charges @ state.concentrations @ state.cell.boxes_m)
        field = (state.potential_v[-1] - state.potential_v[-2]) / (grid[-1] - grid[-2])
        metal = capacity * (state.metal_v[0] - state.potential_v[0])
        assert metal + in_solution == pytest.approx(-PERMITTIVITY_F_M * field, abs=2e-3 * abs(metal))
    driven = Cell(ions(list(salt)), grid, Electrode([half], current_a_m2=-0.9 * known), Bulk(salt), neutral=False)
    assert current_a_m2(steady(start(driven, salt))) == pytest.approx(-0.9 * known, rel=1e-9)


def test_an_ion_that_is_not_there_at_first_may_come_in() -> None:
    left, right = {"Na+(aq)": 10.0, "Cl-(aq)": 10.0, "K+(aq)": 0.0}, {"K+(aq)": 10.0, "Cl-(aq)": 10.0}
    cell = Cell(ions(list(left)), grids.even(1e-5, 20), Bulk(left), Bulk(right, current_a_m2=0.0))
    mobile = [diffusivities()[name] + diffusivities()["Cl-(aq)"] for name in ("Na+(aq)", "K+(aq)")]
    known = VOLTS * math.log(mobile[0] / mobile[1])
    assert steady(start(cell, left)).potential_v[-1] == pytest.approx(known, rel=1e-9)


@pytest.mark.long
def test_a_solid_dissolves_again_where_the_solution_asks_for_it() -> None:
    """Iron hydroxide laid down by caustic soda goes when acid follows; iron is kept."""
    names = ["Na+(aq)", "OH-(aq)", "H+(aq)", "Fe+2(aq)", "Cl-(aq)"]
    water = association("OH-(aq)")
    base = {"Na+(aq)": 100.0, "OH-(aq)": 100.0, "H+(aq)": 1e-10}
    iron = {"Fe+2(aq)": 50.0, "Cl-(aq)": 100.0 + 9e-5, "H+(aq)": 1e-4, "OH-(aq)": 1e-5}
    iron["Cl-(aq)"] = 2 * iron["Fe+2(aq)"] + iron["H+(aq)"] - iron["OH-(aq)"]
    base["Na+(aq)"] = base["OH-(aq)"] - base["H+(aq)"]
    grid = grids.even(1e-4, 25)
    hydroxide = [solid("Fe(OH)2(s)")]
    laid = run(start(Cell(ions(names), grid, Bulk(base), Wall(), True, [water], hydroxide), iron), 4.0, 1e-2)[-1]
    amount = float(laid.solids[0] @ laid.cell.boxes_m)
    assert amount > 0
    acid = {"H+(aq)": 200.0, "OH-(aq)": 5e-11, "Cl-(aq)": 200.0 - 5e-11}
    follows = Cell(ions(names), grid, Bulk(acid), Wall(), True, [water], hydroxide)
    concentrations = laid.concentrations.copy()
    concentrations[:, 0] = follows.in_order(acid)
    state = start(follows, concentrations)
    state = replace(state, solids=laid.solids, potential_v=laid.potential_v)
    states = run(state, 30.0, 1e-2)
    assert float(states[-1].solids[0] @ follows.boxes_m) < 0.01 * amount
    change = states[-1].contents_mol_m2() - states[0].contents_mol_m2()
    at = names.index("Fe+2(aq)")
    assert change[at] == pytest.approx(states[-1].through_left[at], abs=1e-12 * amount)


def test_what_stays_is_what_a_long_course_comes_to() -> None:
    """The steady state by Newton's method against marching in time, with acids and two electrodes at work."""
    at = electrolysis.point(ph=1.5, current_density_a_m2=300.0)
    here = electrolysis.setup(at)
    layer = here.layer(here.cathode, -300.0)
    course = run(start(layer.cell, here.liquor_mol_m3), 100.0)[-1]
    np.testing.assert_allclose(course.concentrations, layer.concentrations, rtol=1e-5)
    assert course.metal_v[0] == pytest.approx(layer.metal_v[0], abs=1e-6)


def test_steps_of_time_keep_their_error() -> None:
    """The first mode of a salt between wall and liquor fades as exp(-D (pi/2L)² t); the error follows the step's."""
    length_m, time_s, extra = 1e-4, 2.0, 0.5
    grid = grids.even(length_m, 200)
    shape = 10 + extra * np.sin(np.pi * grid / (2 * length_m))
    cell = Cell(ions(list(SALT)), grid, Bulk(SALT), Wall())
    diffusivity = closed_forms.binary_salt((1, diffusivities()["K+(aq)"]), (-1, diffusivities()["Cl-(aq)"]))[0]
    faded = extra * math.exp(-diffusivity * (math.pi / (2 * length_m)) ** 2 * time_s)
    errors = [
        abs(run(start(cell, np.array([shape, shape])), time_s, tolerance)[-1].of("K+(aq)")[-1] - 10 - faded) / 10
        for tolerance in (1e-4, 1e-5, 1e-6)
    ]
    assert errors[0] < 5e-4
    assert errors[2] < errors[1] / 2 < errors[0] / 4


def test_an_electrode_keeps_to_the_limits_of_its_law() -> None:
    """Near rest j = i0 nF/RT eta, far from it a decade for each Tafel slope, and at rest Nernst's potential."""
    half = HalfReaction.reversible(reactions()["anode_Fe"], -0.44, 2.0)
    whole = {"Fe+2(aq)": 1000.0}
    assert half.current(whole, 0.0)[0] == 0
    near = half.current(whole, 1e-4)[0]
    assert near == pytest.approx(2.0 * 2 * 1e-4, rel=1e-3)
    decade = math.log(10) / half.anodic.transfer  # type: ignore[union-attr]
    assert half.current(whole, 12 + decade)[0] == pytest.approx(10 * half.current(whole, 12)[0], rel=1e-4)
    assert half.current(whole, -12 - decade)[0] == pytest.approx(10 * half.current(whole, -12)[0], rel=1e-4)
    weak = {"Fe+2(aq)": 3.0}
    rest = (half.rest_v(weak) + 0.44) / VOLTS
    assert rest == pytest.approx(math.log(3e-3) / 2)
    assert half.current(weak, rest)[0] == pytest.approx(0, abs=1e-12)


def test_a_membrane_lets_the_other_charge_pass() -> None:
    """Behind a strong positive charge the current is carried by chloride nearly alone."""
    grid = grids.graded_both(100e-6, 120, 1e-7)
    nodes, _ = grids.within(grid, 30e-6, 70e-6)
    cell = Cell(ions(list(SALT)), grid, Bulk(SALT, current_a_m2=5.0), Bulk(SALT), fixed_charge_mol_m3=2000.0 * nodes)
    state = steady(start(cell, SALT))
    cation, anion = steady_module.inflow_mol_m2_s(state)[0]
    assert (cation - anion) * FARADAY_C_PER_MOL == pytest.approx(5.0, rel=1e-9)
    assert -anion * FARADAY_C_PER_MOL / 5.0 > 0.98


def test_bisulfate_carries_protons_to_the_cathode() -> None:
    """At rest with itself in the liquor, and taken apart in the layer: the surface stays acid for longer."""
    surface = {}
    for sulfate in (False, True):
        here = electrolysis.setup(electrolysis.point(ph=1.5, current_density_a_m2=450.0, sulfate=sulfate))
        layer = here.layer(here.cathode, -450.0)
        surface[sulfate] = layer.of("H+(aq)")[0]
        bulk = dict(zip(layer.cell.names, layer.concentrations[:, -1:], strict=True))
        for acid in here.reactions:
            forward = acid.forward_rate * np.prod(
                [bulk[n] ** -c for n, c in acid.reaction.dissolved.items() if c < 0]
            )
            assert abs(acid.rate(bulk)[0][0]) < 1e-9 * forward
    assert surface[True] > 100 * surface[False]


@settings(max_examples=60)
@given(st.floats(-700, 700))
def test_bernoullis_function_keeps_its_identity(x: float) -> None:
    """B(-x) = B(x) + x, and the slope is that of the function."""
    found = bernoulli(np.array([x]))
    assert found.back[0] == pytest.approx(found.ahead[0] + x, rel=1e-12, abs=1e-12)
    if 0.1 < abs(x) < 300:
        assert found.ahead[0] == pytest.approx(x / math.expm1(x), rel=1e-13)
    step = 1e-5
    high, low = bernoulli(np.array([x + step])), bernoulli(np.array([x - step]))
    assert found.ahead_slope[0] == pytest.approx((high.ahead[0] - low.ahead[0]) / (2 * step), abs=1e-5)
    assert found.back_slope[0] == pytest.approx(-(high.back[0] - low.back[0]) / (2 * step), abs=1e-5)


def test_a_current_above_the_limiting_one_is_refused_with_the_bound() -> None:
    known = closed_forms.limiting_current_a_m2(3, diffusivities()["Nd+3(aq)"], 100.0, 50e-6, -1)
    electrodes = [Electrode([NEODYMIUM], current_a_m2=2 * known), Electrode([NEODYMIUM], potential_v=0.0)]
    closed = Cell(ions(list(NDCL3)), grids.graded_both(100e-6, 100, 1e-8), electrodes[0], electrodes[1])
    outflow = Inflow({"Nd+3(aq)": -2 * known / (3 * FARADAY_C_PER_MOL)})
    opened = Cell(ions(list(NDCL3)), grids.graded(50e-6, 100, 1e-8), outflow, Bulk(NDCL3))
    for cell, side in ((closed, "right"), (opened, "left")):
        with pytest.raises(
            ProcessError, match=rf"above the limiting one: Nd\+3\(aq\) runs out at the {side}"
        ) as refused:
            steady(start(cell, NDCL3))
        bound = float(str(refused.value).partition(f"{side} side at ")[2].partition(" A/m²")[0])
        assert bound == pytest.approx(known, rel=0.02)


def test_an_ion_among_others_that_carry_the_charge_has_its_limit_too() -> None:
    """Protons behind a thousand times the salt: what more than diffusion is asked of them is refused."""
    liquor = {"H+(aq)": 1.0, "K+(aq)": 1000.0, "Cl-(aq)": 1001.0}
    limit = diffusivities()["H+(aq)"] * 1.0 / 50e-6
    grid = grids.graded(50e-6, 100, 1e-8)
    for asked in (2, 5):
        cell = Cell(ions(list(liquor)), grid, Inflow({"H+(aq)": -asked * limit}), Bulk(liquor))
        with pytest.raises(ProcessError, match=r"above the limiting one: H\+\(aq\) runs out at the left side"):
            steady(start(cell, liquor))
    outflow = 5 * limit
    with pytest.raises(ConvergenceError, match=r"after .* s the cell does not settle; still missing: H") as refused:
        run(start(Cell(ions(list(liquor)), grid, Inflow({"H+(aq)": -outflow}), Bulk(liquor)), liquor), 1.0)
    seconds = float(str(refused.value).split()[1])
    assert seconds == pytest.approx(math.pi * diffusivities()["H+(aq)"] * (1.0 / (2 * outflow)) ** 2, rel=0.02)


GRID = grids.even(1e-6, 10)
PAIR = ions(list(SALT))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Ion("K+(aq)", -1e-9), "diffusivity of K.* is -1e-09 m²/s; it must be above 0"),
        (lambda: Ion("K+(aq)", math.nan), "above 0"),
        (lambda: Cell(PAIR, GRID, Bulk({"K+(aq)": 10.0}), Wall()), r"charges of the bulk leave \+10 mol/m³ over"),
        (lambda: start(Cell(PAIR, GRID, Bulk(SALT), Wall()), {"Cl-(aq)": 5.0}), "charges of the solution leave -5"),
        (lambda: Cell(PAIR, GRID, Bulk({"K+(aq)": -1.0}), Wall()), "the bulk holds -1 mol/m³ of K"),
        (
            lambda: start(Cell(PAIR, GRID, Wall(0.1), Bulk(SALT), neutral=False), SALT),
            "first interval of the grid is 100 nm, more than the Debye length of 3.04 nm",
        ),
        (lambda: Cell(PAIR, GRID[::-1], Bulk(SALT), Wall()), "does not rise"),
        (lambda: Cell([*PAIR, PAIR[0]], GRID, Bulk(SALT), Wall()), "named twice"),
        (lambda: Cell(PAIR, GRID, Inflow({"Na+(aq)": 1.0}), Wall()), r"a side names Na\+\(aq\)"),
        (lambda: Cell(PAIR, GRID, Bulk(SALT), Electrode([NEODYMIUM], 0.0)), r"a side names Nd\+3\(aq\)"),
        (lambda: Cell(PAIR, GRID, Bulk(SALT), Wall(), reactions=[association("OH-(aq)")]), "which is no ion"),
        (lambda: Cell(PAIR, GRID, Bulk(SALT), Wall(), mobility=-1.0), "mobility of -1"),
        (lambda: Cell(PAIR, GRID, Bulk(SALT), Wall(), mobility=np.ones(3)), r"mobility has the shape \(3,\)"),
        (lambda: Cell([], GRID, Wall(), Wall()), "holds no ion"),
        (lambda: Cell(PAIR, GRID, Bulk(SALT), Electrode([half_reaction("anode_alloy_boron")], 0.0)), "names Nd"),
        (
            lambda: start(Cell(PAIR[:1], GRID, Wall(), Wall(), fixed_charge_mol_m3=5.0), {}),
            "no ion of the solution can balance",
        ),
        (lambda: start(Cell(PAIR, GRID, Bulk(SALT), Wall()), {"Na+(aq)": 5.0}), "names Na"),
        (lambda: start(Cell(PAIR, GRID, Bulk(SALT), Wall()), np.ones((3, 2))), "shape"),
        (lambda: Electrode([NEODYMIUM]), "give one of the two"),
        (lambda: Electrode([NEODYMIUM], 0.0, 1.0), "give one of the two"),
        (lambda: Electrode([NEODYMIUM], current_a_m2=math.nan), "give one of the two"),
        (lambda: Electrode([], 0.0), "no half reaction"),
        (lambda: steady(start(Cell(PAIR, GRID, Inflow({}), Wall()), SALT)), "nothing holds the potential"),
        (lambda: steady(start(Cell(PAIR, GRID, Bulk(SALT), Wall(0.1)), SALT)), "electroneutral"),
        (lambda: run(start(Cell(PAIR, GRID, Bulk(SALT), Wall()), SALT), -1.0), "give more than 0"),
        (lambda: run(start(Cell(PAIR, GRID, Bulk(SALT), Wall()), SALT), math.inf), "give more than 0"),
        (lambda: grids.graded(1e-6, 10, 2e-7), "does not grow"),
        (lambda: grids.graded(1e-6, 1, 1e-7), "does not grow"),
        (lambda: grids.graded_both(1e-6, 7, 1e-8), "no middle"),
        (lambda: grids.even(0.0, 10), "give at least 1"),
        (lambda: grids.even(math.inf, 10), "give at least 1"),
        (lambda: HalfReaction(reactions()["alloy"], 0.0, 1.0, None, None), "moves no electrons"),
        (lambda: HalfReaction(reactions()["anode_Nd"], 0.0, 0.0, Branch(0.5, {}), None), "exchange current"),
        (lambda: HalfReaction(reactions()["anode_Nd"], 0.0, 1.0, None, None), "neither branch"),
        (lambda: electrolysis.run(electrolysis.point(gap_m=5e-5)), "do not fit"),
        (lambda: electrolysis.run(electrolysis.point(current_density_a_m2=0.0)), "more than 0"),
    ],
)
def test_what_cannot_be_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ProcessError, match=message):
        make()


def test_solids_have_no_steady_state() -> None:
    cell = busy_cell(True)
    with pytest.raises(ProcessError, match="course in time"):
        steady(start(cell, electrolysis.liquor(AT)))


def test_what_does_not_settle_is_an_error_with_the_residuals() -> None:
    """A hydrogen electrode that is held two volts too low asks more of a layer than a few steps of Newton find."""
    here = electrolysis.setup(AT)
    cell = Cell(here.ions, grids.even(1e-4, 20), Electrode(here.cathode, potential_v=-9.0), Bulk(here.liquor_mol_m3))
    with pytest.raises(UnsettledError, match=r"still missing: H\+\(aq\) \(mol/m²/s\) .*current"):
        settle(Balance(cell), unknowns(start(cell, here.liquor_mol_m3)), steps=2)
    assert issubclass(UnsettledError, ConvergenceError)


def test_the_voltage_is_the_sum_of_its_parts_and_each_part_is_what_it_says() -> None:
    """Between electrodes of one metal without a current to speak of nothing is left but ohmic loss, i L / kappa."""
    salt = {"Nd+3(aq)": 50.0, "Cl-(aq)": 150.0}
    here = Setup(ions(list(salt)), salt, [], [NEODYMIUM], [NEODYMIUM], 20e-6, 1e-2)
    mobile = 9 * diffusivities()["Nd+3(aq)"] * 50 + diffusivities()["Cl-(aq)"] * 150
    kappa = FARADAY_C_PER_MOL / VOLTS * mobile
    assert here.conductivity_s_m == pytest.approx(kappa, rel=1e-12)
    weak = operate(here, 0.5)
    assert weak.parts_v["rest"] == 0
    assert weak.parts_v["gap"] + weak.parts_v["layers"] == pytest.approx(0.5 * 1e-2 / kappa, rel=1e-4)
    # The salt's own potential difference: both layers by Nernst and by diffusion, to first order in the current.
    limit = closed_forms.limiting_current_a_m2(3, diffusivities()["Nd+3(aq)"], 50.0, 20e-6, -1)
    total = 2 * 0.5 / limit * VOLTS * (1 + 1 / 3)
    spent = weak.parts_v["concentration"] + weak.parts_v["layers"]
    assert spent == pytest.approx(total, rel=1e-4)
    assert weak.voltage_v == pytest.approx(sum(weak.parts_v.values()))


def test_the_alloy_lies_between_its_elements() -> None:
    """By hand: (6 · -2.32 + 28 · -0.44 + 3 · -0.87) / 37 V, and 93.39 kJ/mol over 37 F."""
    by_hand = (6 * -2.32 + 28 * -0.44 + 3 * -0.87) / 37 + 93390 / (37 * FARADAY_C_PER_MOL)
    assert electrolysis.alloy_potential_v("anode_alloy_boron") == pytest.approx(by_hand, rel=1e-12)
    alone = -2.32 + 93390 / (6 * FARADAY_C_PER_MOL)
    assert electrolysis.alloy_potential_v("anode_selective") == pytest.approx(alone, rel=1e-12)


def test_currents_of_an_electrode_add_up_to_that_of_the_cell() -> None:
    cell = electrolysis.run(electrolysis.point(ph=2.0))
    for layer, current in ((cell.anode, 200.0), (cell.cathode, -200.0)):
        assert sum(currents_a_m2(layer)["left"].values()) == pytest.approx(current, rel=1e-9)
        assert current_a_m2(layer) == pytest.approx(current, rel=1e-7)
    assert cell.share("cathode", "cathode_iron") > 0.3, "at pH 2 iron plates where protons run out"
    branch = Branch(0.5, {"Nd+3(aq)": 1.0})
    one_way = HalfReaction(Reaction.read("one way", "Nd+3(aq) + 3 e- -> Nd(s)"), -2.32, 1.0, None, branch)
    assert one_way.orders == ("Nd+3(aq)",)
