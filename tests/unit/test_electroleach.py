"""The plant round the electrochemical cell: Faraday, protons, both kinds of cell, and every balance."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_chemistry import CASES, expected

from magnetflow.cli import main
from magnetflow.errors import ProcessError
from magnetflow.recovery.chemistry.reactions import metals
from magnetflow.recovery.plant.batch import Batch
from magnetflow.recovery.plant.conditions import Conditions
from magnetflow.recovery.plant.flowsheet import Solved
from magnetflow.recovery.plant.streams import gas_volume_m3
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL
from magnetflow.recovery.routes import balance
from magnetflow.recovery.stages.electroleach import Electrolysis, Work, work
from magnetflow.studies.neo_cycle import plant, routes_compared
from magnetflow.studies.neo_cycle.cell import electrolysis

DISKS: Any = plant.composition("hdd")
IDEAL = balance("sene")
DIVIDED = balance("sene", Electrolysis(divided=True))
OF_CELL: Work = work(IDEAL.streams["magnets"], Conditions(), Electrolysis())


def charge_ah_per_kg(batch: Batch) -> float:
    """The charge that the cell reports, for each kilogram of magnets."""
    [cell] = [duty for duty in batch.duties if duty.unit == "cell"]
    return cell.details["charge_ah"] / batch.streams["magnets"].mass_kg()


def electrons_mol(batch: Batch) -> float:
    """The electrons that pass the cell."""
    return charge_ah_per_kg(batch) * batch.streams["magnets"].mass_kg() * 3600 / FARADAY_C_PER_MOL


def worst(solved: Solved) -> float:
    """The largest gap in the balance of an element or of charge, over the plant and every unit."""
    reports = [solved.closure_kg(), *solved.closure_of_units().values()]
    return max(abs(value) for report in reports for value in report.values())


@pytest.mark.parametrize("divided", [False, True])
def test_charge_and_energy_follow_faraday(divided: bool) -> None:
    """The shared case D1: 37 electrons a formula unit with boron, and the energy at 3 V and an efficiency of 0.85."""
    known = CASES["D1_faraday_dissolution"]["expected"]
    cell = Electrolysis(divided=divided)
    batch = balance("sene", cell)
    assert charge_ah_per_kg(batch) == expected("D1_faraday_dissolution")["Ah_per_kg (B->H3BO3 (3e))"]
    lossy = balance("sene", replace(cell, current_efficiency=0.85, cell_voltage_v=3.0))
    assert lossy.energy_kwh("electricity") / 200 == pytest.approx(
        known["kWh_per_kg @ 3 V, CE 0.85 (B->H3BO3 (3e))"]["value"], rel=1e-9
    )
    without = balance("sene", replace(cell, boron_oxidised=0.0))
    assert charge_ah_per_kg(without) == expected("D1_faraday_dissolution")["Ah_per_kg (B not oxidised)"]
    hydrogen = known["H2_Nm3_per_kg if all cathodic current is HER (37 e)"]["value"]
    gas = batch.emissions("air").only(lambda name: name == "H2(g)")
    assert gas_volume_m3(gas) / 200 == pytest.approx(hydrogen, rel=1e-7)


def test_the_cell_takes_the_acid_that_leaching_takes() -> None:
    """34 protons a formula unit, dissolved by current or by acid; current saves oxidant, not acid."""
    units = IDEAL.streams["magnets"].of("Nd2Fe14B(s)")
    assert OF_CELL.protons_mol / units == pytest.approx(34, rel=1e-12)
    assert IDEAL.streams["cell_acid"].of("HCl(aq)") == OF_CELL.protons_mol
    assert electrons_mol(IDEAL) / units == pytest.approx(37, rel=1e-12)
    ammonia = IDEAL.reagents_kg()["NH3"] / 0.017031
    assert ammonia == pytest.approx(34 * units, rel=1e-4), "what the acid brings in has to be bound again"


def test_current_that_dissolves_nothing_makes_oxygen_and_takes_no_acid() -> None:
    lossy = balance("sene", Electrolysis(current_efficiency=0.8))
    gas = lossy.streams["cell_gas"]
    assert gas.of("O2(g)") == pytest.approx(0.2 * electrons_mol(lossy) / 4, rel=1e-12)
    assert gas.of("H2(g)") == pytest.approx(electrons_mol(lossy) / 2, rel=1e-12)
    acid = [batch.streams["cell_acid"].of("HCl(aq)") for batch in (lossy, IDEAL)]
    assert acid[0] == pytest.approx(acid[1], rel=1e-12)
    assert electrons_mol(lossy) == pytest.approx(electrons_mol(IDEAL) / 0.8, rel=1e-12)


def test_a_divided_cell_takes_and_gives_what_chlorination_does() -> None:
    """Magnet, oxalic acid, oxygen and water in; oxide, hydroxide and hydrogen out: no salt, acid or ammonia."""
    kiln = balance("ssc")
    bought = DIVIDED.reagents_kg()
    assert not {"NH3", "HCl", "NH4Cl"} & set(bought)
    for name in ("H2C2O4", "O2"):
        assert bought[name] == pytest.approx(kiln.reagents_kg()[name], rel=1e-9)
    made = DIVIDED.products_kg()
    for name in ("Nd2O3", "Fe(OH)3"):
        assert made[name] == pytest.approx(kiln.products_kg()[name], rel=1e-9)
    crossed = DIVIDED.streams["leach_slurry"].of("Cl-(aq)")
    assert crossed == pytest.approx(electrons_mol(DIVIDED), rel=1e-12)


def test_the_selective_reading_leaves_iron_as_metal() -> None:
    """Six electrons a formula unit, and all iron and boron in the residue."""
    batch = balance("sene", Electrolysis(selective=True))
    magnets = batch.streams["magnets"]
    assert electrons_mol(batch) / magnets.of("Nd2Fe14B(s)") == pytest.approx(6, rel=1e-12)
    residue = batch.streams["residue"].elements_kg()
    assert residue["Fe"] == pytest.approx(magnets.elements_kg()["Fe"], rel=1e-12)
    assert residue["B"] == pytest.approx(magnets.elements_kg()["B"], rel=1e-12)
    assert batch.products_kg()["Nd2O3"] == pytest.approx(IDEAL.products_kg()["Nd2O3"], rel=1e-12)


@pytest.mark.parametrize("divided", [False, True])
@settings(max_examples=25, deadline=None)
@given(draw=st.data())
def test_every_balance_closes_whatever_the_conditions(divided: bool, draw: st.DataObject) -> None:
    part = st.floats(0.05, 1.0)
    conditions = Conditions(
        composition=draw.draw(st.sampled_from(["Nd2Fe14B", DISKS])),
        conversion={metal: draw.draw(part) for metal in metals()},
        moisture=draw.draw(st.floats(0, 1)),
        oxalic_ratio=draw.draw(st.floats(1.0, 1.5)),
        iron_precipitated=draw.draw(part),
        boron_captured=draw.draw(part),
        eluant_acid=draw.draw(st.floats(0, 5)),
        purge=draw.draw(st.floats(0.05, 1.0)),
    )
    cell = Electrolysis(
        divided=divided,
        boron_oxidised=draw.draw(part),
        current_efficiency=draw.draw(st.floats(0.3, 1.0)),
        acid_ratio=draw.draw(st.floats(1.0, 2.0)),
        salt_ratio=draw.draw(st.floats(1.0, 2.0)),
        water_ratio=draw.draw(st.floats(5.0, 50.0)),
    )
    assert worst(balance("sene", conditions, cell)) < 1e-8


@pytest.mark.parametrize("divided", [False, True])
def test_central_conditions_close_too(divided: bool) -> None:
    conditions, cell = electrolysis.plant_conditions(composition=DISKS)
    batch = balance("sene", conditions, replace(cell, divided=divided))
    assert worst(batch) < 1e-8
    assert batch.duties[0].details["voltage_v"] == 3.0
    dissolved = 1 - batch.streams["residue"].elements_kg()["Nd"] / (200 * DISKS["Nd"])
    assert dissolved == pytest.approx(0.95, abs=1e-3)


def test_salt_that_is_not_needed_is_set_aside() -> None:
    """Chloride that comes in with the eluant's acid builds up as salt, and leaves."""
    batch = balance("sene", Conditions(eluant_acid=3.0), Electrolysis(divided=True))
    boron = batch.streams["boron_eluate"].of("H3BO3(aq)")
    assert batch.streams["nh4cl_surplus"].of("NH4Cl(s)") == pytest.approx(3 * boron, rel=1e-6)


def test_the_command_tells_a_batch_in_json(capsys: Any) -> None:
    assert main(["recovery", "sene", "--magnet-kg", "200", "--json"]) == 0
    batch = json.loads(capsys.readouterr().out)
    [cell] = [duty for duty in batch["duties"] if duty["kind"] == "electricity"]
    assert cell["details"]["charge_ah"] / 200 == pytest.approx(917.2442776022584)
    assert cell["energy_kwh"] / 200 == pytest.approx(917.2442776022584 * 3 / 1000)
    assert batch["products"]["Nd2O3"] == pytest.approx(62.25, abs=0.01)
    assert max(map(abs, batch["closure_kg"].values())) < 1e-9
    assert batch["streams"]["cell_acid"]["to"] == "cell"


def test_the_command_tells_a_batch_as_text(capsys: Any) -> None:
    arguments = ["--composition", "hdd", "--case", "central", "--divided", "--selective", "--set", "purge=0.05"]
    assert main(["recovery", "sene", *arguments, "--set", "cell_voltage_v=2.5"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("200 kg of magnets (hdd), divided, selective, central case\n")
    for wanted in ("nh4cl_recycled", "cell, electricity: ", "voltage_v 2.5)", "Hydrogen: ", "Closure of"):
        assert wanted in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "current_efficiency=0"], "current_efficiency is 0; give 0.01 to 1"),
        (["--set", "acid_ratio=0.5"], "acid_ratio is 0.5; give 1 to 100"),
        (["--set", "cell_voltage_v=many"], "cell_voltage_v is 'many', not a number"),
        (["--set", "oxalic_ratio=many"], "oxalic_ratio is 'many', not a number"),
        (["--set", "voltage=3"], "'voltage' is no condition of sene as it stands; there are boron_oxidised"),
        (["--set", "salt_ratio=2"], "'salt_ratio' is no condition of sene as it stands"),
        (
            ["--set", "kiln_temperature_c=400", "--divided"],
            "'kiln_temperature_c' is no condition of sene as it stands",
        ),
        (["--set", "water_ratio=0"], "water_ratio is 0; give 1 to 1000"),
        (["--set", "purge"], "'purge' has no value"),
        (["--magnet-kg", "-1"], "magnet_kg is -1"),
        (["--selective", "--set", "conversion.Nd=0"], "nothing dissolves in the cell"),
    ],
)
def test_the_command_refuses_with_one_line(arguments: list[str], message: str, capsys: Any) -> None:
    assert main(["recovery", "sene", *arguments]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert message in err
    assert err.count("\n") == 1


def test_conditions_that_cannot_be_are_refused() -> None:
    with pytest.raises(ProcessError, match=r"boron_oxidised is 1\.5; give 0 to 1"):
        Electrolysis(boron_oxidised=1.5)
    with pytest.raises(ProcessError, match="water_ratio is '3'; give 1 to 1000"):
        Electrolysis(water_ratio="3")  # type: ignore[arg-type]


def test_the_routes_are_compared_at_one_current_efficiency() -> None:
    """Six of 37 electrons are those of neodymium; both cells lose the same part of the current."""
    charge = routes_compared.table(routes_compared.ideal()).loc["charge, Ah for a kg of magnets"]
    both = [charge[routes_compared.COLUMNS[key]] for key in ("selective", "acid")]
    assert both[0] / both[1] == pytest.approx(6 / 37)
    assert both[1] == pytest.approx(917.2442776022584 / 0.85)
