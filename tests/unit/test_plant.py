"""Draws, measured plants, schedules and the twin: closed forms, limits, and what is refused."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.constants import gas_constant

from magnetflow.errors import ProcessError
from magnetflow.inference.reconcile import eliminate_serially, reconcile
from magnetflow.recovery.chemistry.reactions import rare_earths
from magnetflow.recovery.plant.conditions import Conditions
from magnetflow.recovery.plant.measured import balance_problem, carriers
from magnetflow.recovery.routes import balance
from magnetflow.recovery.stages.kiln import Rates, bake
from magnetflow.studies.neo_cycle import draws as plant_draws
from magnetflow.studies.neo_cycle import plant, twin

RATES = Rates(1.5, 0.6, 0.0, 90e3, 88e3)
DISKS = plant.composition("hdd")
BATCH = balance("ssc", plant.conditions(composition=DISKS))


def test_with_salt_in_plenty_conversion_is_first_order() -> None:
    """X = 1 - exp(-k t), and the second hold goes on where the first one stopped; Arrhenius by hand."""
    baked = bake([(350, 1.0), (400, 0.5)], 1e9, {"Nd": 3.0, "Fe": 2.0}, RATES)
    faster = math.exp(90e3 / gas_constant * (1 / 623.15 - 1 / 673.15))
    assert baked.conversion["Nd"] == pytest.approx(1 - math.exp(-1.5 * (1 + 0.5 * faster)), rel=1e-9)
    assert baked.conversion["Fe"] == pytest.approx(1 - math.exp(-0.6 * (1 + 0.5 * faster)), rel=1e-9)
    assert baked.escaped == 0


def test_salt_that_only_escapes_fades_exponentially() -> None:
    baked = bake([(350, 2.0)], 10.0, {"Nd": 3.0}, Rates(0.0, 0.0, 0.3, 0.0, 0.0))
    assert baked.escaped == pytest.approx(1 - math.exp(-0.6), rel=1e-9)
    assert baked.conversion == {"Nd": 0.0}


@pytest.mark.parametrize("salt", [0.0, 1.0, 3.0, 10.0])
def test_no_metal_reacts_without_salt(salt: float) -> None:
    needed = {"Nd": 3.0, "Fe": 7.0, "Co": 0.0}
    baked = bake([(550, 20.0)], salt, needed, Rates(1.5, 0.6, 0.1, 90e3, 88e3))
    used = sum(needed[metal] * part for metal, part in baked.conversion.items())
    assert used + salt * baked.escaped <= salt * (1 + 1e-12)
    assert "Co" not in baked.conversion
    if salt:
        assert used + salt * baked.escaped == pytest.approx(salt, rel=1e-3)


def test_a_schedule_that_cannot_be_is_refused() -> None:
    with pytest.raises(ProcessError, match="zero or more"):
        bake([(350, -1.0)], 1.0, {"Nd": 1.0}, RATES)


def test_draws_keep_to_their_ranges_and_go_together() -> None:
    drawn, wanted = plant_draws.draws(512, 3), plant_draws.ranges()
    for name, (low, central, high, shape) in wanted.drop(list(plant_draws.TOGETHER)).iterrows():
        column = drawn[str(name)]
        assert column.between(low, high).all()
        mean = (low + high) / 2 if shape == "uniform" else (low + central + high) / 3
        assert column.mean() == pytest.approx(mean, abs=0.01 * (high - low))
    for follower, leader in plant_draws.TOGETHER.items():
        low, central, high = (float(wanted[end][follower]) for end in ("low", "central", "high"))
        assert drawn[follower].between(low, high).all()
        above = drawn[leader] > wanted["central"][leader]
        assert (drawn[follower][above] >= central).all() and (drawn[follower][~above] <= central).all()
    pd.testing.assert_frame_equal(plant_draws.draws(512, 3), drawn)
    assert not plant_draws.draws(512, 4).equals(drawn)


def test_outcomes_of_the_centre_are_those_of_the_batch() -> None:
    centre = pd.DataFrame([plant_draws.ranges()["central"].to_dict()])
    found = plant_draws.outcomes(centre, composition=DISKS).iloc[0]
    outcome = plant_draws.outcome(BATCH)
    assert found.to_dict() == pytest.approx(outcome)
    assert set(outcome) == set(plant_draws.OUTCOMES)
    in_oxide = BATCH.streams["oxide"].elements_kg()
    assert outcome["recovery"] == pytest.approx(100 * sum(in_oxide[m] for m in ("Nd", "Pr", "Dy")) / 54.6)


def test_magnets_without_rare_earths_are_refused() -> None:
    conditions = Conditions(composition={"Fe": 1.0})
    with pytest.raises(ProcessError, match="no rare earths to recover"):
        plant_draws.outcome(balance("ssc", conditions))


def test_recovery_by_hand() -> None:
    """Dust, conversion, leach, residue liquor and oxalate multiply; washing keeps all but what the cake holds."""
    ideal = dict.fromkeys(("Nd", "Fe", "Co", "Ni", "Pr", "Dy"), 1.0)
    conditions = Conditions(
        dust=0.01, conversion=ideal | {"Nd": 0.9}, chlorides_dissolved=0.98, rare_earths_precipitated=0.95
    )
    outcome = plant_draws.outcome(balance("ssc", conditions))
    assert outcome["recovery"] == pytest.approx(100 * 0.99 * 0.9 * 0.98 * 0.95, rel=1e-9)


@pytest.mark.long
def test_more_draws_do_not_move_the_quantiles_far() -> None:
    few = plant_draws.spread(plant_draws.outcomes(plant_draws.draws(64, 1), composition=DISKS))
    more = plant_draws.spread(plant_draws.outcomes(plant_draws.draws(128, 2), composition=DISKS))
    assert few.loc["recovery"].to_numpy() == pytest.approx(more.loc["recovery"].to_numpy(), abs=1.5)


def true_masses(element: str) -> dict[str, float]:
    return {name: BATCH.streams[name].elements_kg()[element] for name in carriers(BATCH, element)}


@pytest.mark.parametrize("element", ["Nd", "Fe", "Cl", "B"])
def test_measurements_that_close_are_left_alone(element: str) -> None:
    """Round the loop too: the model's own masses meet every balance of the problem that is stated from it."""
    true = true_masses(element)
    agreed = reconcile(balance_problem(BATCH, element, {name: (mass, 0.05 * mass) for name, mass in true.items()}))
    table = agreed.table().set_index("name")
    assert table["value"].to_dict() == pytest.approx(true, rel=1e-9)
    assert agreed.test.objective == pytest.approx(0, abs=1e-12)


def test_a_wrong_assay_is_found() -> None:
    true = true_masses("Nd")
    names = ["magnets", "dust", "residue", "leach_liquor", "oxalate_cake", "oxide", "iron_cake"]
    measured = {name: (true[name], 0.03 * true[name]) for name in names}
    measured["oxide"] = (0.8 * true["oxide"], 0.02 * true["oxide"])
    first = reconcile(balance_problem(BATCH, "Nd", measured))
    assert first.test.passed is False
    after, removed = eliminate_serially(first)
    assert [step.removed.name for step in removed] == ["oxide"]
    assert after.test.passed
    with pytest.raises(ProcessError, match="'off_gas' carries no Nd"):
        balance_problem(BATCH, "Nd", {"off_gas": (1.0, 0.1)})


@pytest.fixture(scope="module")
def model() -> twin.Twin:
    return twin.Twin(plant.conditions(composition=DISKS), twin.rates(), plant.prices())


def test_the_twin_keeps_its_books(model: twin.Twin) -> None:
    plan = twin.Plan(1.0, 350.0, 450.0, 1.2, 0.02)
    conditions = model.conditions(plan)
    solved = balance("ssc", conditions)
    assert max(map(abs, solved.closure_kg().values())) < 1e-9
    outcome = model.evaluate(plan)
    assert set(outcome) == {"recovery", "purity", "reagents", "cost", "margin"}
    oxides = sum(solved.products()["oxide"].values())
    bought = twin.bought_kg(solved)
    assert outcome["reagents"] == pytest.approx(sum(bought.values()) / oxides)
    price = plant.prices()
    heat = solved.energy_kwh("heat", "kiln") + solved.energy_kwh("heat", "crystalliser")
    by_hand = sum(mass * price[name] for name, mass in bought.items()) + heat * price["heat"]
    assert outcome["cost"] == pytest.approx(by_hand / oxides)
    # Boiling by hand: 75.3 J/mol/K to 100 °C and 40.7 kJ/mol.
    water = solved.streams["condensate"].of("H2O(l)")
    assert solved.energy_kwh("heat", "crystalliser") == pytest.approx(water * (75.3 * 75 + 40.7e3) / 3.6e6, rel=0.01)


def test_heat_that_the_kiln_gives_off_is_not_credited_to_the_crystalliser() -> None:
    """Salt for the rare earths alone, iron that does not react: the kiln gives heat, and boiling is paid in full."""
    base = plant.conditions(composition=DISKS)
    model = twin.Twin(base, Rates(1e3, 0.0, 0.0, 0.0, 0.0), dict.fromkeys(plant.prices(), 0.0) | {"heat": 1.0})
    just_enough = sum(model.needed[metal] for metal in rare_earths()) / model.full_salt_mol
    plan = twin.Plan(0.999 * just_enough, 100.0, 100.0, 1.2, 0.02)  # cool, so that warming takes little
    conditions = model.conditions(plan)
    solved = balance("ssc", conditions)
    boiling = solved.energy_kwh("heat", "crystalliser")
    assert solved.net_heat_kwh("kiln") < -1
    assert boiling > 100
    oxides = sum(solved.products()["oxide"].values())
    assert model.evaluate(plan)["cost"] * oxides == pytest.approx(boiling, rel=1e-12)


def test_more_salt_and_more_acid_recover_more(model: twin.Twin) -> None:
    def recovery(**changed: float) -> float:
        plan = asdict(twin.Plan(0.6, 350.0, 400.0, 1.1, 0.02)) | changed
        return model.evaluate(twin.Plan(**plan))["recovery"]

    assert recovery(nh4cl_ratio=1.0) > recovery() > recovery(nh4cl_ratio=0.3)
    assert recovery(oxalic_ratio=1.3) > recovery()
    assert recovery(second_hold_c=450.0) > recovery()


def test_the_best_plan_is_no_worse_than_any_surveyed(model: twin.Twin) -> None:
    surveyed = twin.survey(model, 8, 1)
    for aim, sign in twin.AIMS.items():
        found = twin.best(model, aim, surveyed, steps=8)
        assert sign * found[aim] <= (sign * surveyed[aim]).min() + 1e-12
        for name, (low, high) in twin.DECISIONS.items():
            assert low <= found[name] <= high
    with pytest.raises(ProcessError, match="'profit' is no aim"):
        twin.best(model, "profit", surveyed, steps=8)


def test_the_front_holds_what_no_plan_beats() -> None:
    surveyed = pd.DataFrame({"gain": [1.0, 2.0, 3.0, 2.5], "price": [1.0, 3.0, 4.0, 2.0]})
    assert twin.front(surveyed, "gain", "price").to_dict("list") == {
        "gain": [1.0, 2.5, 3.0],
        "price": [1.0, 2.0, 4.0],
    }
    spread: Any = np.random.default_rng(1).random((50, 2))
    cloud = pd.DataFrame(spread, columns=["gain", "price"])
    kept = twin.front(cloud, "gain", "price")
    for _, one in kept.iterrows():
        beaten = (cloud["gain"] > one["gain"]) & (cloud["price"] < one["price"])
        assert not beaten.any()


def test_the_twin_counts_salt_and_money_by_hand(model: twin.Twin) -> None:
    """Neodymium takes three moles of salt each, dust left out; oxides are sold at the mean of their prices."""
    assert model.needed["Nd"] == pytest.approx(3 * 0.99 * 45.6 / 0.144242)
    assert model.needed["Fe"] == pytest.approx(2 * 0.99 * 125.2 / 0.055845)
    assert model.rates.activation_j == 90_000 and model.rates.activation_of_escape_j == pytest.approx(88_100)
    assert model.full_salt_mol == pytest.approx(sum(model.needed.values()))
    price = plant.prices()
    assert price["H2C2O4"] == 1.0 and price["Nd2O3"] == 65.5 and price["NH4Cl"] == pytest.approx(0.275)
    plan = twin.Plan(1.0, 350.0, 450.0, 1.2, 0.02)
    made = balance("ssc", model.conditions(plan)).products()["oxide"]
    outcome = model.evaluate(plan)
    value = sum(mass * price[oxide] for oxide, mass in made.items())
    cost = outcome["cost"] * sum(made.values())
    assert outcome["margin"] == pytest.approx(value - cost)
    assert outcome["margin"] < value


def test_what_follows_what_is_as_the_sources_say() -> None:
    assert plant_draws.TOGETHER == {
        "conversion.Pr": "conversion.Nd",
        "conversion.Dy": "conversion.Nd",
        "conversion.Co": "conversion.Fe",
        "conversion.Ni": "conversion.Fe",
        "rare_earths_precipitated": "oxalic_ratio",
        "iron_with_oxalate": "oxalic_ratio",
    }
    drawn = plant_draws.draws(256, 5)
    at_dose = np.interp([1.0, 1.2, 1.4], np.sort(drawn["oxalic_ratio"]), np.sort(drawn["rare_earths_precipitated"]))
    assert at_dose == pytest.approx([0.93, 0.967, 0.981], abs=3e-3)
    assert (drawn["iron_with_oxalate"][drawn["oxalic_ratio"] <= 1.2] == 0).all()
