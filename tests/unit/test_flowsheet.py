"""Units and flowsheets: hand-computed values, closed forms of recycles, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from test_chemistry import CASES, expected

from magnetflow.errors import ProcessError
from magnetflow.recovery.chemistry.reactions import reactions
from magnetflow.recovery.plant.flowsheet import Leaving, Solved, Streams, Unit, solve
from magnetflow.recovery.plant.streams import Stream, gas_volume_m3, of_mass
from magnetflow.recovery.plant.units import (
    FARADAY_C_PER_MOL,
    Step,
    advance,
    charge_for,
    electrolyse,
    extent_at_most,
    filter_and_wash,
    pick,
    react,
    split,
    wash_water,
)

KNOWN = reactions()
SALT = Stream({"Fe(s)": 10.0, "NH4Cl(s)": 15.0})


def test_a_reaction_runs_to_its_conversion() -> None:
    half = react(SALT, [Step(KNOWN["chlorination_Fe"], "Fe(s)", 0.5)])
    assert dict(half.moles) == pytest.approx({"Fe(s)": 5, "NH4Cl(s)": 5, "FeCl2(s)": 5, "NH3(g)": 10, "H2(g)": 5})
    assert extent_at_most(SALT, KNOWN["chlorination_Fe"]) == 7.5


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        (lambda: react(SALT, [Step(KNOWN["chlorination_Fe"], "Fe(s)", 1.2)]), "is 1.2; give a share"),
        (lambda: react(SALT, [Step(KNOWN["chlorination_Fe"], "Fe(s)")]), "takes 20 mol of NH4Cl.*there are 15"),
        (lambda: split(SALT, 1.5), "part split off is 1.5"),
        (lambda: pick(SALT, {"Fe(s)": -0.5}), "Fe.* is -0.5"),
        (lambda: charge_for(KNOWN["anode_alloy"], "Nd2Fe14B(s)", 1.0, 0.0), "efficiency of 0"),
        (lambda: charge_for(KNOWN["anode_alloy"], "Nd2Fe14B(s)", -1.0), "-1 kg at a current"),
        (lambda: electrolyse(SALT, -1.0, {}, {}), "runs the cell backwards"),
        (lambda: react(SALT, [Step(KNOWN["chlorination_Fe"], "H2O(l)")]), "takes no H2O"),
        (lambda: electrolyse(SALT, 1.0, {KNOWN["anode_alloy"]: 0.5}, {KNOWN["cathode_hydrogen"]: 1.0}), "sum to 0.5"),
        (lambda: electrolyse(SALT, 1.0, {KNOWN["cathode_hydrogen"]: 1.0}, {}), "other electrode"),
        (lambda: filter_and_wash(SALT + Stream({"H2(g)": 1.0}), Stream(), 0.1, 1, 1.0), r"H2\(g\), a gas"),
        (lambda: filter_and_wash(SALT, Stream(), 0.1, 1, 1.0), "more liquid than the slurry"),
    ],
)
def test_what_a_unit_cannot_do_is_refused(spoilt: Any, message: str) -> None:
    with pytest.raises(ProcessError, match=message):
        spoilt()


def test_a_cake_keeps_what_washing_leaves() -> None:
    slurry = of_mass({"Fe(OH)3(s)": 100.0, "H2O(l)": 900.0}) + of_mass({"NH4+(aq)": 18.0, "Cl-(aq)": 35.0})
    wash = wash_water(slurry, 0.5, 2, 3.0)
    assert wash.mass_kg() == pytest.approx(2 * 3 * 50)
    cake, filtrate = filter_and_wash(slurry, wash, 0.5, 2, 3.0)
    assert cake.in_phase("l", "aq").mass_kg() == pytest.approx(50)
    # 50 of 953 kg of liquor are held, and each wash leaves a quarter of what is dissolved.
    assert cake.kg()["Cl-(aq)"] == pytest.approx(35 * 50 / 953 / 16)
    assert cake.mass_kg() + filtrate.mass_kg() == pytest.approx(slurry.mass_kg() + 300)


def test_charge_follows_faraday() -> None:
    wanted = expected("D1_faraday_dissolution")
    found = {}
    for label, name in {"B not oxidised": "anode_alloy", "B->H3BO3 (3e)": "anode_alloy_boron"}.items():
        charge = charge_for(KNOWN[name], "Nd2Fe14B(s)", 1.0)
        found[f"Q_C_per_kg ({label})"] = charge
        found[f"Ah_per_kg ({label})"] = charge / 3600
        for volts in (2, 3, 5):
            found[f"kWh_per_kg @ {volts} V, CE 0.85 ({label})"] = (
                charge_for(KNOWN[name], "Nd2Fe14B(s)", 1.0, 0.85) * volts / 3.6e6
            )
    with_boron = KNOWN["anode_alloy_boron"]
    hours = charge_for(with_boron, "Nd2Fe14B(s)", 200.0, 0.85) / 5000 / 3600
    found["hours for 200 kg at 5 kA, CE .85 (37 e)"] = hours
    cell = of_mass({"Nd2Fe14B(s)": 1.0, "H2O(l)": 1.0}) + Stream({"H+(aq)": 40.0, "Cl-(aq)": 40.0})
    charge = charge_for(with_boron, "Nd2Fe14B(s)", 1.0)
    done = electrolyse(cell, charge, {with_boron: 1.0}, {KNOWN["cathode_hydrogen"]: 1.0})
    found["H2_Nm3_per_kg if all cathodic current is HER (37 e)"] = gas_volume_m3(done)
    neodymium = done.elements_kg()["Nd"] * 0.9
    oxide_per_metal = CASES["B1_oxalate_route"]["expected"]["Nd2O3_per_Nd"]["value"]
    found["kWh_per_kg_Nd2O3 @3 V, CE .85, Nd yield .9 (37 e)"] = found[
        "kWh_per_kg @ 3 V, CE 0.85 (B->H3BO3 (3e))"
    ] / (neodymium * oxide_per_metal)
    assert found == wanted
    assert done.elements_kg() == pytest.approx(cell.elements_kg(), rel=1e-13)
    assert done.charge_mol() == pytest.approx(cell.charge_mol(), abs=1e-10)
    assert "Nd2Fe14B(s)" not in done.moles or done.of("Nd2Fe14B(s)") < 1e-12


def test_current_that_makes_oxygen_dissolves_nothing() -> None:
    cell = of_mass({"Nd2Fe14B(s)": 1.0, "H2O(l)": 1.0}) + Stream({"H+(aq)": 40.0, "Cl-(aq)": 40.0})
    anode = {KNOWN["anode_alloy"]: 0.85, KNOWN["anode_oxygen"]: 0.15}
    done = electrolyse(cell, 10 * FARADAY_C_PER_MOL, anode, {KNOWN["cathode_hydrogen"]: 1.0})
    assert done.of("O2(g)") == pytest.approx(10 * 0.15 / 4)
    assert done.of("Nd+3(aq)") == pytest.approx(10 * 0.85 * 2 / 34)


WASTE = Leaving("waste")


def loop(purge: float, conversion: float) -> list[Unit]:
    """Iron is chlorinated in part; what is left, and an inert, come round but for a purge."""

    def reactor(streams: Streams) -> Streams:
        made = react(streams["feed"] + streams["back"], [Step(KNOWN["by_hcl_Fe"], "Fe(s)", conversion)])
        product, rest = pick(made, {"FeCl2(s)": 1.0, "H2(g)": 1.0})
        return {"product": product, "rest": rest}

    def purging(streams: Streams) -> Streams:
        out, back = split(streams["rest"], purge)
        return {"out": out, "back": back}

    return [
        Unit("reactor", ["feed", "back"], ["product", "rest"], reactor, leaves={"product": WASTE}),
        Unit("purge", ["rest"], ["out", "back"], purging, leaves={"out": WASTE}),
    ]


@pytest.mark.parametrize("purge", [1.0, 0.1, 1e-3])
@pytest.mark.parametrize("conversion", [0.0, 0.3, 0.9])
def test_a_recycle_with_a_purge_meets_its_closed_form(purge: float, conversion: float) -> None:
    """At rest n = feed + (1 - purge) (1 - conversion) n for iron, and conversion 0 for what is inert."""
    feed = Stream({"Fe(s)": 10.0, "HCl(g)": 20.0, "B(s)": 1.0})
    solved = solve(loop(purge, conversion), {"feed": feed})
    iron = 10 / (1 - (1 - purge) * (1 - conversion))
    assert solved.streams["rest"].of("Fe(s)") == pytest.approx((1 - conversion) * iron, rel=1e-9)
    assert solved.streams["rest"].of("B(s)") == pytest.approx(1 / purge, rel=1e-9)
    assert max(map(abs, solved.closure_kg().values())) < 1e-9
    assert max(abs(value) for unit in solved.closure_of_units().values() for value in unit.values()) < 1e-9


def test_a_loop_without_a_way_out_is_named() -> None:
    with pytest.raises(ProcessError, match=r"'back' does not settle: B\(s\) builds up"):
        solve(loop(0.0, 1.0), {"feed": Stream({"Fe(s)": 1.0, "HCl(g)": 2.0, "B(s)": 1.0})})


def passing(name: str, inlets: list[str], outlets: list[str], leaves: str = "") -> Unit:
    leaving = {leaves: WASTE} if leaves else {}
    return Unit(name, inlets, outlets, lambda streams: {outlets[0]: next(iter(streams.values()))}, leaves=leaving)


@pytest.mark.parametrize(
    ("units", "message"),
    [
        ([passing("a", ["in"], ["x"])], "'x' dangles: a fills it and nothing takes it"),
        ([passing("a", ["in"], ["x"], "x"), passing("b", ["y"], ["z"], "z")], "'y' dangles: b takes it"),
        ([passing("a", ["other"], ["x"], "x")], "'in' dangles: outside fills it|'other' dangles"),
        ([passing("a", ["in"], ["x"], "x"), passing("b", ["in"], ["y"], "y")], "'in' is taken twice, by a and by b"),
        ([passing("a", ["in"], ["x"]), passing("b", ["x"], ["x"])], "'x' is filled twice"),
        ([passing("a", ["in"], ["x"]), passing("a", ["x"], ["y"], "y")], "two units are called a"),
        ([passing("a", ["in"], ["x"], "w")], "'w' dangles: outside takes it|'x' dangles"),
        ([Unit("a", ["in"], ["x"], lambda _: {}, leaves={"x": WASTE})], r"a gives \[\], not \['x'\]"),
    ],
)
def test_a_flowsheet_that_hangs_loose_is_named(units: list[Unit], message: str) -> None:
    with pytest.raises(ProcessError, match=message):
        solve(units, {"in": Stream({"Fe(s)": 1.0})})


def test_what_is_drawn_or_leaves_is_of_a_known_kind() -> None:
    with pytest.raises(ProcessError, match="a: stream 'x' is 'sold'; make it product, waste, air, water"):
        Unit("a", ["in"], ["x"], lambda streams: streams, leaves={"x": Leaving("sold")})
    with pytest.raises(ProcessError, match="a: stream 'y' is 'gas'; make it reagent, water, air"):
        Unit("a", ["in"], ["x"], lambda streams: streams, draws={"y": "gas"})


def alone(unit: Unit, feed: Stream) -> Solved:
    """A plant of one unit that takes `in` and gives `x`, which leaves."""
    return solve([replace(unit, leaves={"x": WASTE})], {"in": feed})


def test_a_unit_that_loses_matter_shows_in_its_closure() -> None:
    """The report is no decoration: a unit that drops iron is caught by its own line and by the boundary."""
    leaky = Unit("leaky", ["in"], ["x"], lambda streams: {"x": streams["in"] * 0.5})
    solved = alone(leaky, of_mass({"Fe(s)": 1.0}))
    assert solved.closure_kg()["Fe"] == pytest.approx(0.5)
    assert solved.closure_of_units()["leaky"]["Fe"] == pytest.approx(0.5)
    charged = Unit("charged", ["in"], ["x"], lambda streams: {"x": Stream({"Fe+2(aq)": streams["in"].of("Fe(s)")})})
    report = alone(charged, of_mass({"Fe(s)": 1.0})).closure_of_units()["charged"]
    assert report["Fe"] == 0
    assert report["charge"] == pytest.approx(-2 / 0.055845)


def test_an_error_in_a_unit_names_the_unit() -> None:
    short = Unit("kiln", ["in"], ["x"], lambda s: {"x": advance(s["in"], KNOWN["chlorination_Fe"], 1.0)})
    with pytest.raises(ProcessError, match="kiln: chlorination_Fe takes"):
        alone(short, Stream({"Fe(s)": 1.0}))


def test_a_species_that_comes_round_late_is_not_lost() -> None:
    """Four states of water, one a pass: the last alone leaves, and all that comes in must."""
    chain = ["H2O(s)", "H2O(l)", "H2O(g)", "H2O(aq)", "H2O"]

    def step(streams: Streams) -> Streams:
        inflow = streams["feed"] + streams["back"]
        return {"on": Stream({after: inflow.of(before) for before, after in pairwise(chain)})}

    def off(streams: Streams) -> Streams:
        out, back = pick(streams["on"], {"H2O": 1.0})
        return {"out": out, "back": back}

    units = [Unit("step", ["feed", "back"], ["on"], step), Unit("off", ["on"], ["out", "back"], off)]
    units[1] = replace(units[1], leaves={"out": WASTE})
    solved = solve(units, {"feed": Stream({"H2O(s)": 1.0})})
    assert solved.streams["out"].of("H2O") == pytest.approx(1.0)
    assert max(map(abs, solved.closure_kg().values())) < 1e-12


def test_a_trace_left_by_a_reaction_is_kept() -> None:
    """What is small beside the rest of a stream is still matter."""
    stream = Stream({"FeCl2(s)": 1e-4, "H2O(l)": 1e9})
    left = react(stream, [Step(KNOWN["dissolve_FeCl2"], "FeCl2(s)", 0.999999)])
    assert left.of("FeCl2(s)") == pytest.approx(1e-10, rel=1e-6)
    assert left.elements_mol()["Cl"] == pytest.approx(2e-4, rel=1e-14)
