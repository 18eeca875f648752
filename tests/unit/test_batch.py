"""A batch by any route: what it takes and gives, where its parameters come from, and a route of one's own."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest

from magnetflow.cli import main
from magnetflow.errors import ProcessError
from magnetflow.recovery import report, routes
from magnetflow.recovery.plant import picture
from magnetflow.recovery.plant.batch import Batch
from magnetflow.recovery.plant.conditions import Conditions, conversions, limited
from magnetflow.recovery.plant.duties import Duty, boiling
from magnetflow.recovery.plant.flowsheet import Leaving, Streams, Unit
from magnetflow.recovery.plant.streams import of_mass
from magnetflow.recovery.plant.units import split
from magnetflow.recovery.routes import Route, balance
from magnetflow.recovery.stages.electroleach import Electrolysis
from magnetflow.studies.neo_cycle import plant
from magnetflow.studies.neo_cycle.routes_compared import central_conditions

DISKS: Any = plant.composition("hdd")
BATCHES = {
    "ssc": balance("ssc", *central_conditions("ssc", composition=DISKS, boron="bcl3")),
    "sene": balance("sene", *central_conditions("sene", composition=DISKS)),
}


@pytest.mark.parametrize("name", BATCHES)
def test_what_enters_leaves_as_one_thing_or_another(name: str) -> None:
    """Feed and draws are products with their impurities, waste, or emissions: every kilogram is counted once."""
    batch = BATCHES[name]
    entering = sum(batch.streams[one].mass_kg() for one, pipe in batch.pipes.items() if pipe.source == "outside")
    products = sum(batch.streams[one].mass_kg() for one in batch.products())
    leaving = [products, *batch.wastes_kg().values(), *(batch.emissions(m).mass_kg() for m in ("air", "water"))]
    assert sum(leaving) == pytest.approx(entering, rel=1e-12)
    nitrogen = sum(batch.streams[one].kg()["N2(g)"] for one in ("calciner_air", "oxidation_air"))
    drawn = sum(batch.reagents_kg().values()) + nitrogen
    assert drawn + batch.streams["magnets"].mass_kg() == pytest.approx(entering, rel=1e-12)


def test_duties_of_the_kiln_and_of_the_crystalliser_by_hand() -> None:
    batch = balance("ssc")
    kiln, condenser, boiler, cooler = batch.duties
    assert (kiln.unit, kiln.kind, kiln.temperature_c) == ("kiln", "heat", 400.0)
    assert kiln.energy_kwh == pytest.approx(184.5, abs=0.1)
    # From 400 to 25 °C ammonia gives 15.583 and hydrogen 10.958 kJ/mol by the Shomate equations of NIST.
    gas = batch.streams["kiln_gas"]
    assert condenser.kind == "cooling"
    by_hand_kj = 15.583 * gas.of("NH3(g)") + 10.958 * gas.of("H2(g)")
    assert condenser.energy_kwh == pytest.approx(by_hand_kj / 3600, rel=2e-3)
    # Boiling by hand: 75.3 J/mol/K to 100 °C and 40.7 kJ/mol.
    water_mol = batch.streams["condensate"].of("H2O(l)")
    assert boiler.energy_kwh == pytest.approx(water_mol * (75.3 * 75 + 40.7e3) / 3.6e6, rel=0.01)
    assert (boiler.kind, cooler.kind, boiler.temperature_c) == ("heat", "cooling", 100.0)
    assert batch.energy_kwh("heat") == kiln.energy_kwh + boiler.energy_kwh
    assert "kiln" not in batch.without_duty() and "calciner" in batch.without_duty()
    with pytest.raises(ProcessError, match="'steam' is no duty"):
        batch.energy_kwh("steam")
    with pytest.raises(ProcessError, match="'soil' takes no emissions"):
        batch.emissions("soil")


def test_heat_that_a_unit_gives_off_is_cooling() -> None:
    cool = balance("ssc", Conditions(conversion={"Fe": 0.0}, nh4cl_ratio=6 / 34, kiln_temperature_c=100.0))
    [kiln] = [duty for duty in cool.duties if duty.unit == "kiln"]
    assert kiln.kind == "cooling" and kiln.energy_kwh > 0
    assert cool.net_heat_kwh("kiln") == -kiln.energy_kwh


def test_data_that_do_not_reach_are_named_with_the_unit() -> None:
    batch = balance("ssc", Conditions(kiln_temperature_c=900.0))
    with pytest.raises(ProcessError, match="kiln: 900 °C is outside the data of"):
        batch.energy_kwh("heat")


def test_parameters_carry_the_mark_of_their_source() -> None:
    """What a table gives keeps its mark until it is changed; a default is ideal or assumed; the rest is given."""
    central = central_conditions("ssc", composition=DISKS)[0]
    marks = {one.name: one.mark for one in balance("ssc", central).parameters}
    assert marks["oxalic_ratio"] == "read" and marks["moisture"] == "assumed"
    assert marks["composition.Nd"] == marks["boron"] == marks["magnet_kg"] == "given"
    moved = {one.name: one for one in balance("ssc", replace(central, oxalic_ratio=1.3)).parameters}
    assert moved["oxalic_ratio"].mark == "given"
    ideal = {one.name: one for one in balance("sene").parameters}
    assert ideal["purge"].mark == ideal["conversion.Nd"].mark == "ideal"
    assert ideal["boric_acid_g_per_kg"] == ("boric_acid_g_per_kg", 47.2, "g/kg", "known")
    assert not {"kiln_temperature_c", "boron", "salt_ratio", "marks"} & set(ideal)
    of_cell = {one.name: one.mark for one in balance("sene", *central_conditions("sene")).parameters}
    assert of_cell["conversion.Nd"] == of_cell["current_efficiency"] == "assumed"


@pytest.mark.parametrize("route", ["ssc", "sene"])
@pytest.mark.parametrize("element", ["Tb", "Al", "Cu"])
def test_an_element_without_chemistry_is_refused_by_name(route: str, element: str) -> None:
    with pytest.raises(ProcessError, match=f"no reactions of {element} are known here, only of Nd, Pr, Dy"):
        balance(route, Conditions(composition={"Nd": 0.3, "Fe": 0.6, element: 0.01}))
    balance(route, Conditions(composition={"Nd": 0.3, "Fe": 0.6, element: 0.0}))


def test_conditions_of_another_route_are_refused() -> None:
    with pytest.raises(ProcessError, match="route ssc takes Conditions, each once; found Electrolysis"):
        balance("ssc", Electrolysis())
    with pytest.raises(ProcessError, match="takes Conditions and Electrolysis, each once; found one twice"):
        balance("sene", Conditions(), Conditions())
    with pytest.raises(ProcessError, match="'melt' is no route; there are ssc, sene"):
        balance("melt")
    with pytest.raises(ProcessError, match="there is a route ssc already"):
        routes.register(Route("ssc", "again", lambda conditions: []))
    with pytest.raises(ProcessError, match="no central conditions of melt"):
        central_conditions("melt")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ssc", "--set", "boron_reacted=0.5"], "'boron_reacted' is no condition of ssc as it stands"),
        (["sene", "--selective", "--set", "conversion.Fe=0.5"], "'conversion.Fe' is no condition of sene as it"),
        (["sene", "--selective", "--set", "boron_oxidised=0.5"], "'boron_oxidised' is no condition of sene as it"),
        (["sene", "--divided", "--set", "acid_ratio=1.2"], "'acid_ratio' is no condition of sene as it stands"),
        (["ssc", "--set", "purge=0.1", "--set", "purge=0.2"], "'purge' is given twice; keep one"),
        (["ssc", "--composition", "Nd=0.3,Fe=0.5,Nd=0.1"], "'Nd' is given twice; keep one"),
        (["ssc", "--set", "magnet_kg=100"], "give --magnet-kg"),
    ],
)
def test_what_would_change_nothing_is_refused(arguments: list[str], message: str, capsys: Any) -> None:
    assert main(["recovery", *arguments]) == 2
    out, err = capsys.readouterr()
    assert not out and message in err and err.count("\n") == 1


def test_conditions_that_change_nothing_are_not_listed() -> None:
    names = {one.name for one in balance("sene", Electrolysis(selective=True, divided=True)).parameters}
    assert {"conversion.Nd", "salt_ratio", "selective"} <= names
    assert not {"conversion.Fe", "conversion.Co", "boron_oxidised", "acid_ratio", "boron"} & names
    assert "boron_reacted" not in {one.name for one in balance("ssc").parameters}
    assert "boron_reacted" in {one.name for one in balance("ssc", Conditions(boron="bcl3")).parameters}


def test_what_is_said_to_change_nothing_changes_nothing() -> None:
    """Each condition that a route calls unused is moved, and no stream moves with it."""
    for cell in (Electrolysis(), Electrolysis(divided=True), Electrolysis(selective=True)):
        names = routes.registered()["sene"].unused(Conditions(), cell)
        plain = balance("sene", cell).streams
        own = {name: 1.5 for name in ("acid_ratio", "salt_ratio") if name in names}
        own |= {"boron_oxidised": 0.5} if "boron_oxidised" in names else {}
        conversion = {metal: 0.5 for name, metal in conversions().items() if name in names}
        kiln = {"kiln_temperature_c": 600.0, "nh4cl_ratio": 2.0, "dust": 0.1, "boron": "bn", "leach_water_ratio": 9.0}
        assert set(kiln) <= set(names)
        moved = balance("sene", Conditions(conversion=conversion, **kiln), replace(cell, **own))  # type: ignore[arg-type]
        assert moved.streams == plain


def test_the_stream_table_holds_every_species(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recovery", "ssc", "--composition", "Nd=0.3,Fe=0.68,B=0.01", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    batch = balance("ssc", Conditions(composition={"Nd": 0.3, "Fe": 0.68, "B": 0.01}))
    assert len(rows) == sum(len(stream.moles) for stream in batch.streams.values())
    by_place = {(row["stream"], row["species"]): row for row in rows}
    calcine = by_place["calcine", "NdCl3(s)"]
    assert (calcine["from"], calcine["to"], calcine["temperature_c"], calcine["phase"]) == (
        "kiln",
        "leach",
        "400.0",
        "s",
    )
    assert float(calcine["kg"]) == pytest.approx(batch.streams["calcine"].kg()["NdCl3(s)"], rel=1e-11)
    assert by_place["oxide", "Nd2O3(s)"]["temperature_c"] == "", "nothing is known of the heat of the calciner"


@pytest.mark.parametrize(
    ("composition", "message"),
    [
        ("Nd=much", "composition of Nd is 'much', not a number"),
        ("Nd=0.3,Fe", "'Fe' has no value"),
        ("Nd=0.3,Xx=0.1", "Xx is no element"),
        ("disk", "composition is 'disk'; give Nd2Fe14B, hdd, hdd_mean, or mass shares such as"),
    ],
)
def test_a_composition_that_cannot_be_is_told(composition: str, message: str, capsys: Any) -> None:
    assert main(["recovery", "sene", "--composition", composition]) == 2
    out, err = capsys.readouterr()
    assert not out and message in err and err.count("\n") == 1


# A route of one's own ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Washing:
    """The conditions of a toy route."""

    lost: float = limited(0.1, (0.0, 1.0), mark="assumed")
    water_ratio: float = limited(2.0, (0.0, 10.0))


def washer(washing: Washing) -> Unit:
    def work(streams: Streams) -> Streams:
        mud, clean = split(streams["magnets"], washing.lost)
        water = of_mass({"H2O(l)": washing.water_ratio * streams["magnets"].mass_kg()})
        return {"clean": clean, "mud": mud + water, "wash_water": water}

    def duties(streams: Streams) -> list[Duty]:
        return boiling("washer", streams["mud"])

    leaves = {"clean": Leaving("product", ["Nd2Fe14B(s)"]), "mud": Leaving("waste")}
    return Unit("washer", ["magnets"], ["clean", "mud"], work, {"wash_water": "water"}, leaves, duties)


TOY = Route("wash", "washing alone", lambda conditions, washing: [washer(washing)], (Conditions, Washing))


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Batch:
    monkeypatch.setattr(routes, "_ROUTES", dict(routes.registered()))
    routes.register(TOY)
    return balance("wash", Washing(lost=0.2))


def test_a_route_of_ones_own_has_all_reports(toy: Batch, capsys: pytest.CaptureFixture[str]) -> None:
    """A stage and a route in under 30 lines: report, stream table, picture, closure and command come with them."""
    assert toy.products_kg() == {"Nd2Fe14B": pytest.approx(160.0)}
    assert toy.wastes_kg() == {"mud": pytest.approx(440.0)}
    assert toy.reagents_kg() == {"H2O": pytest.approx(400.0)}
    assert max(map(abs, toy.closure_kg().values())) < 1e-9
    assert report.as_json(toy)["duties"][0]["unit"] == "washer"
    assert "clean,washer,outside,25.0,Nd2Fe14B(s),s," in report.as_csv(toy)
    assert main(["recovery", "wash", "--magnet-kg", "100", "--set", "lost=0.5"]) == 0
    page = capsys.readouterr().out
    assert "Products: Nd2Fe14B 50.00 kg" in page and "Wastes:   mud 250.00 kg" in page
    assert main(["recovery", "wash", "--set", "lost=2"]) == 2
    assert "lost is 2; give 0 to 1" in capsys.readouterr().err


def test_a_route_of_ones_own_is_drawn(toy: Batch) -> None:
    links = picture.ribbons(toy, "Nd")
    drawn = {(row.source, row.target): row.value for row in links.itertuples()}
    neodymium_kg = toy.streams["magnets"].elements_kg()["Nd"]
    assert drawn == {
        ("magnets", "washer"): pytest.approx(neodymium_kg),
        ("washer", "clean"): pytest.approx(0.8 * neodymium_kg),
        ("washer", "mud"): pytest.approx(0.2 * neodymium_kg),
    }
    where = picture.places(toy, links)
    assert where["magnets"][0] < where["washer"][0] < where["clean"][0] == where["mud"][0]


def test_a_stage_of_ones_own_between_two_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oxide is dried in a stage of its own: no list of products, outlets or pictures is edited."""
    chlorination = routes.registered()["ssc"]

    def work(streams: Streams) -> Streams:
        dust, dry = split(streams["oxide"], 0.05)
        return {"dry_oxide": dry, "oxide_dust": dust}

    leaves = {"dry_oxide": Leaving("product", ["Nd2O3(s)"]), "oxide_dust": Leaving("waste")}
    drier = Unit("drier", ["oxide"], ["dry_oxide", "oxide_dust"], work, leaves=leaves)
    monkeypatch.setattr(routes, "_ROUTES", dict(routes.registered()))
    routes.register(
        replace(chlorination, name="dried", units=lambda conditions: [*chlorination.units(conditions), drier])
    )
    plain, dried = balance("ssc"), balance("dried")
    assert dried.products_kg()["Nd2O3"] == pytest.approx(0.95 * plain.products_kg()["Nd2O3"])
    assert dried.wastes_kg()["oxide_dust"] == pytest.approx(0.05 * plain.streams["oxide"].mass_kg())
    assert "oxide" not in dried.products()
    assert "drier" in set(picture.ribbons(dried, "Nd")["target"])
    assert json.dumps(report.as_json(dried))


@pytest.mark.parametrize("element", ["Nd", "Fe", "B", "Cl", "N"])
@pytest.mark.parametrize("name", BATCHES)
def test_nodes_of_a_picture_do_not_overlap(name: str, element: str) -> None:
    batch = BATCHES[name]
    links = picture.ribbons(batch, element)
    where = picture.places(batch, links)
    assert set(where) == {*links["source"], *links["target"]}
    assert all(0 < x < 1 and 0 < y < 1 for x, y in where.values())
    sizes = {
        node: max(links.loc[links[end] == node, "value"].sum() for end in ("source", "target")) for node in where
    }
    columns: dict[float, list[tuple[float, float]]] = {}
    for node, (x, y) in where.items():
        columns.setdefault(x, []).append((y, sizes[node]))
    fullest = max(sum(size for _, size in column) for column in columns.values())
    for column in columns.values():
        column.sort()
        for (upper, above), (lower, below) in pairwise(column):
            assert lower - upper >= picture.FILLED * (above + below) / 2 / fullest + 0.02
