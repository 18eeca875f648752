"""Headlines: what is refused, what would reverse a sentence, and that a quantity has one range."""

from __future__ import annotations

import csv
import itertools
import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from magnetflow import tables
from magnetflow.errors import InputError
from magnetflow.studies.united_kingdom import (
    contents,
    data_quality,
    headlines,
    magnet_value,
    magnets,
    multiverse,
    printed,
    vehicles,
    wind_draws,
)

ROOT = Path(__file__).resolve().parents[2]
ESTIMATES = {name: cache(function) for name, function in headlines.ESTIMATES.items()}
statements = cache(multiverse.statements)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return headlines.headlines(ESTIMATES)


def test_every_headline_has_all_its_fields_as_recorded_results(table: pd.DataFrame) -> None:
    recorded = json.loads((ROOT / "tests" / "expected" / "results.json").read_text())
    for name, row in table.iterrows():
        for field in ("", ".low", ".high", ".latest", ".year", ".tipping"):
            assert f"headline.{name}{field}" in recorded
        assert recorded[f"headline.{name}"]["value"] == pytest.approx(row["value"], rel=1e-9)
        assert row["decision"] and row["datum"] and row["sentence"].endswith(".")


def test_what_lacks_an_estimate_or_a_range_or_says_the_opposite_is_refused_by_row(table: pd.DataFrame) -> None:
    without = {name: function for name, function in ESTIMATES.items() if name != "new_cars"}
    with pytest.raises(InputError, match="headlines: new_cars has no estimate"):
        headlines.headlines(without)
    flat = ESTIMATES | {"new_cars": lambda: headlines.Estimate(800.0, 800.0, 800.0, 300.0)}
    with pytest.raises(InputError, match="headlines: new_cars has no range"):
        headlines.headlines(flat)
    other = ESTIMATES | {"new_cars": lambda: headlines.Estimate(1000.0, 900.0, 1100.0, 300.0)}
    with pytest.raises(InputError, match="the sentence of new_cars does not hold"):
        headlines.headlines(other)


def test_the_tipping_distance_reverses_the_sentence_when_it_is_gone(table: pd.DataFrame) -> None:
    draws = magnet_value.estimated_t()
    factor = 1 + table["tipping"]["net_magnets"]
    assert factor == pytest.approx(1 - draws["net"].median() / draws["imports"].median(), rel=1e-9)
    before, after = draws["net"].median(), (factor * draws["imports"] - draws["exports"]).median()
    assert abs(after) < 0.05 * before
    cars = headlines.cars_in_use().value * (1 + table["tipping"]["cars_in_use"])
    assert cars == pytest.approx(table["value"]["turbines_in_use"])
    more = table["value"]["new_cars"] * (1 + table["tipping"]["new_cars"])
    assert more == pytest.approx(printed.numbers()["value"]["flow.C5.1"])


def test_new_cars_by_hand(table: pd.DataFrame) -> None:
    # 365,853 battery electric cars, 292,210 plug-in hybrids and 503,274 hybrids, 0.85 and 0.72 kg in the latter two.
    kg = vehicles.content_prior()["mean"]
    assert kg["PHEV"] == 0.85
    assert kg["HEV"] == 0.72
    by_hand = (365_853 * kg["BEV"] + 292_210 * 0.85 + 503_274 * 0.72) / 1000
    assert table["value"]["new_cars"] == pytest.approx(by_hand, rel=1e-4)


def test_a_quantity_has_one_range_of_ours_and_that_of_the_study_is_shown_once() -> None:
    recorded = json.loads((ROOT / "tests" / "expected" / "results.json").read_text())
    rows = {row["result"]: row for row in csv.DictReader((ROOT / "book" / "results.csv").open())}
    same = {  # the same quantity under the name of the chapter that estimates it
        "headline.net_magnets": "magnets.value.net",
        "headline.turbines_in_use": "wind.stock_2021_cohort",
        "headline.new_turbines": "wind.new_installation",
    }
    for headline, own in same.items():
        for end in (".low", ".high"):
            assert recorded[own + end]["value"] == pytest.approx(recorded[headline + end]["value"], rel=1e-6)
    assert recorded["whole.flow.C5.2"]["value"] == pytest.approx(recorded["headline.new_turbines"]["value"], rel=1e-9)
    half = (recorded["headline.new_turbines.high"]["value"] - recorded["headline.new_turbines.low"]["value"]) / 2
    assert recorded["whole.flow.C5.2"]["sd"] == pytest.approx(half / 1.645, rel=0.03)
    everything = {
        "net_magnets": "net_magnets|net_import|magnets.value.net",
        "turbines_in_use": r"wind\.stock_2021|in_use.*turbines|turbines_in_use",
        "cars_in_use": r"vehicles\.stock|cars_in_use(?!\.)|vehicles\.opening",
        "new_turbines": r"new_installation(?!_)|new_turbines|flow\.C5\.2$",
        "new_cars": r"vehicles\.consumption|new_cars",
        "motors_made": r"motors_made|motors\.made",
    }
    ours = {"magnets.value.net", "wind.stock_2021_cohort", "wind.new_installation", "whole.flow.C5.2"}
    ours |= {"voi.sd.new_turbines", "magnets.net_import.sd"}  # the last is that of the study

    for headline, pattern in everything.items():
        spread = [
            name
            for name in rows
            if re.search(pattern, name)
            and (recorded[name]["sd"] is not None or re.search(r"\.(low|high|sd)$|\.sd\.", name))
        ]
        strange = {re.sub(r"\.(low|high)$", "", name) for name in spread} - ours - {f"headline.{headline}"}
        assert not strange, (headline, strange)
    glued = {
        page.stem: set(re.findall(r"\{glue:text\}`([^`]+)`", page.read_text()))
        for page in (ROOT / "notebooks").glob("*.md")
    }
    assert [page for page in glued if "magnets.net_import.sd" in glued[page]] == ["03-magnets"]


def by_loop(mass: str, share: str) -> float:
    """The net import of magnets for one pair of choices, step by step."""
    content, of_study = magnets.rare_earth_fraction(), magnets.study_share()
    if mass == multiverse.BY_VALUE:
        return float(magnet_value.estimated_t()["net"].median())
    net = 0.0
    for way, number, sign in (("imports", 10682.0, 1), ("exports", 2895.0, -1)):
        shares = {
            "of the study": of_study,
            "by mass, 2024": magnet_value.measured_shares(way)["mass"],
            "most that the value pays for": magnet_value.largest_mass_share(way, content).min(),
        }
        mass_t = number
        if mass == multiverse.REPLACED and way == "imports":
            mass_t -= (29427.5 - (4990.6 + 6416.5) / 2) * content * of_study
        mass_t *= shares[share] / of_study
        net += sign * (min(mass_t, magnets.ceiling_t(way)) if mass == multiverse.BOUNDED else mass_t)
    return float(net)


@pytest.mark.long
def test_all_combinations_at_once_are_those_one_by_one() -> None:
    quantity = statements()[0].quantity
    masses, shares = (quantity[choice].values.tolist() for choice in (multiverse.MASS, multiverse.SHARE))
    assert quantity.size == 12
    for mass, share in itertools.product(masses, shares):
        found = float(quantity.sel({multiverse.MASS: mass, multiverse.SHARE: share}))
        assert found == pytest.approx(by_loop(mass, share), rel=1e-9)


def test_the_choices_of_the_study_give_what_it_prints() -> None:
    own = {
        multiverse.MASS: multiverse.KEPT,
        multiverse.SHARE: "of the study",
        multiverse.VALUED: "as new ones",
        multiverse.GENERATORS: "as the study",
        multiverse.CARS: "printed totals",
        multiverse.COUNT: "licensed",
    }
    of_study = [statement for statement in statements() if statement.of == multiverse.STUDY]
    for statement in of_study:
        assert bool(statement.holds.sel({key: own[str(key)] for key in statement.holds.dims})), statement.text
    net, _, _, offshore, stock = (
        float(statement.quantity.sel({key: own[str(key)] for key in statement.quantity.dims}))
        for statement in of_study
    )
    assert net == 10682 - 2895
    assert offshore == pytest.approx(1143, rel=0.1)
    assert stock == pytest.approx(100 * (2775 + 1461) / 44_000, rel=0.01)


def test_the_decisive_choice_is_that_whose_options_differ_most() -> None:
    holds = multiverse.over("a", {"x": 0.0, "y": 1.0}) + multiverse.over("b", {"u": 0.0, "v": 0.0}) > 0.5
    statement = multiverse.Statement("a decides", multiverse.BOOK, holds.astype(float), "1", 0.5, holds)
    assert multiverse.decisive(statement) == ("a", 1.0)
    always = statement._replace(holds=holds | True)
    assert multiverse.decisive(always) == ("none", 0.0)
    assert np.isclose(float(statement.holds.mean()), 0.5)


def test_the_range_of_cars_is_one_and_six_tenths_of_the_sd_and_the_latest_is_the_last_year(
    table: pd.DataFrame,
) -> None:
    prior = vehicles.content_prior()
    counts = pd.Series({"BEV": 379_200, "PHEV": 321_500, "HEV": 932_900})
    value = float((counts * prior["mean"]).sum()) / 1000
    sd = float(np.hypot(np.linalg.norm(counts * prior["sd"]) / 1000, 0.01 * value))
    assert table["value"]["cars_in_use"] == pytest.approx(value)
    assert table["low"]["cars_in_use"] == pytest.approx(value - 1.645 * sd)
    later = pd.Series({"BEV": 1_287_200, "PHEV": 686_900, "HEV": 2_253_300})
    assert table["latest"]["cars_in_use"] == pytest.approx(float((later * prior["mean"]).sum()) / 1000)


def test_motors_made_by_hand(table: pd.DataFrame) -> None:
    motor_kg, motor_sd = contents.next_study(contents.motors_kg())
    engines = {2017: 2_710_000, 2018: 2_700_000, 2019: 2_500_000, 2020: 1_800_000, 2021: 1_600_000}
    built = {2018: 142_765 / 1_519_440, 2019: 192_304 / 1_303_135, 2020: 172_857 / 920_928, 2021: 224_011 / 859_575}
    new = vehicles.registrations_cars().sum("vehicle").to_series()
    sold = new / vehicles.car_registrations().sel(item="all cars").to_series()
    low = sum(engines[year] * sold[year] for year in engines)
    high = sum(engines[year] * built.get(year, float(sold[year])) for year in engines)
    middle = (low + high) / 2
    value = middle * (0.79 + 0.82) / 2 * motor_kg / 1000
    assert table["value"]["motors_made"] == pytest.approx(value)
    half = np.hypot(1.645 * motor_sd / motor_kg, (high - low) / 2 / middle) * value
    assert table["high"]["motors_made"] == pytest.approx(value + half)
    latest = engines[2021] * (sold[2021] + built[2021]) / 2 * 0.805 * motor_kg / 1000
    assert table["latest"]["motors_made"] == pytest.approx(latest)


def test_what_statements_rest_on_by_hand() -> None:
    of = {statement.text.split(" ")[0] + statement.of: statement for statement in statements()}
    own = {multiverse.MASS: multiverse.KEPT, multiverse.SHARE: "of the study"}
    scores = data_quality.input_cv()
    customs = (10682 * scores["magnet_imports"]) ** 2 + (2895 * scores["magnet_exports"]) ** 2
    by_share, by_content = ((7787 * scores[name]) ** 2 for name in ("magnet_share", "magnet_content"))
    certainty = of["Net" + multiverse.BOOK]
    found = float(certainty.quantity.sel({**own, multiverse.SCALE: "scores"}))
    assert found == pytest.approx(7787 / (customs + by_share + by_content) ** 0.5, rel=1e-9)
    assert certainty.limit == 2
    assert bool(certainty.holds.sel({**own, multiverse.SCALE: "scores"})) == (found < 2)
    knowing = float(of["Knowing" + multiverse.BOOK].quantity.sel({**own, multiverse.SCALE: "scores"}))
    assert knowing == pytest.approx(100 * by_share / (by_share + customs), rel=1e-9)
    other = float(of["More" + multiverse.STUDY].quantity.sel(own))
    assert other == pytest.approx(100 * 7305 / 10682)
    bev, hybrids = (multiverse.contents_of_cars_kg().sel(vehicle=vehicle) for vehicle in ("BEV", "HEV"))
    half = "half as much in hybrids"
    assert float(bev.sel({multiverse.CARS: half})) == float(bev.sel({multiverse.CARS: "studies"}))
    assert float(hybrids.sel({multiverse.CARS: half})) == float(hybrids.sel({multiverse.CARS: "studies"})) / 2
    cars = multiverse.cars_t().sel({multiverse.CARS: "studies"})
    assert float(cars.sel({multiverse.COUNT: "by longer life"})) > float(cars.sel({multiverse.COUNT: "by mean life"}))
    generators = multiverse.generator_contents().to_series()
    drawn = wind_draws.draw_fleet().stock_kg().sel(year=2021).sum(["site", "element"]) / 1717195.5
    assert (
        float(drawn.quantile(0.05)) <= generators["low studies"] < generators["middle"] < generators["high studies"]
    )


@pytest.mark.parametrize(
    ("column", "found"),
    [("number", "flow.X9"), ("number", "table2.I3.1.Nd"), ("than", "new_truck"), ("than", "new_cars")],
)
def test_a_headline_beside_what_is_not_there_is_refused_by_row(
    column: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = tables.read

    def changed(name: str, *rest: Path) -> pd.DataFrame:
        table = read(name, *rest)
        return (
            table.assign(**{column: table[column].mask(table["headline"] == "new_cars", found)})
            if name == "headlines"
            else table
        )

    monkeypatch.setattr(tables, "read", changed)
    with pytest.raises(InputError, match=rf"headlines.csv, row 6, column {column}: found '{found}'"):
        headlines.headlines(ESTIMATES)
