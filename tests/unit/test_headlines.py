"""Headlines: what is refused, what would reverse a sentence, and that a quantity has one range."""

from __future__ import annotations

import csv
import itertools
import json
import re
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from magnetflow.errors import InputError
from magnetflow.studies.united_kingdom import headlines, magnet_value, magnets, multiverse, printed, vehicles

ROOT = Path(__file__).resolve().parents[2]
FOUND = {name: function() for name, function in headlines.ESTIMATES.items()}
ESTIMATES = {name: partial(FOUND.__getitem__, name) for name in FOUND}
STATEMENTS = multiverse.statements()


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
    assert factor == pytest.approx(1 - 927 / 2078, abs=0.001)
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
    nets = [name for name in rows if "net_magnets" in name or "net_import" in name or name == "magnets.value.net"]
    with_spread = {name for name in nets if recorded[name]["sd"] is not None}
    assert not {name for name in with_spread if rows[name]["kind"] != "propagated"} - {"voi.sd.net_import"}
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
            "largest the value allows": magnet_value.largest_mass_share(way).min(),
        }
        mass_t = number
        if mass == multiverse.REPLACED and way == "imports":
            mass_t -= (29427.5 - (4990.6 + 6416.5) / 2) * content * of_study
        mass_t *= shares[share] / of_study
        net += sign * (min(mass_t, magnets.ceiling_t(way)) if mass == multiverse.BOUNDED else mass_t)
    return float(net)


def test_all_combinations_at_once_are_those_one_by_one() -> None:
    quantity = STATEMENTS[0].quantity
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
    of_study = [statement for statement in STATEMENTS if statement.of == multiverse.STUDY]
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
