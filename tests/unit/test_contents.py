"""Do contents by study make the priors that a hand calculation gives, and is a bad row refused by its place?"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from magnetflow.errors import InputError, TableError
from magnetflow.studies.united_kingdom import contents, estimates, vehicles

COLUMNS = ["study", "item", "variant", "element", "use", "mass_kg"]
PLAIN = [
    ("A", "motor", 1, "Nd", "prior", 0.30),
    ("A", "motor", 1, "Dy", "prior", 0.10),
    ("A", "motor", 2, "Nd", "prior", 0.15),
    ("A", "motor", 2, "Dy", "prior", 0.05),
    ("B", "motor", 1, "Nd", "prior", 0.54),
    ("B", "motor", 1, "Dy", "prior", 0.06),
    ("C", "electric car", 1, "Nd", "prior", 0.80),
    ("C", "electric car", 1, "Dy", "prior", 0.20),
    ("C", "conventional", 1, "Nd", "prior", 0.09),
    ("C", "conventional", 1, "Dy", "prior", 0.01),
    ("D", "conventional", 1, "Nd", "prior", 0.19),
    ("D", "conventional", 1, "Dy", "prior", 0.01),
    ("E", "conventional", 1, "Nd", "prior", 0.29),
    ("E", "conventional", 1, "Dy", "prior", 0.01),
    ("F", "motor", 1, "Nd", "left out", 9.0),
]


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame(PLAIN, columns=COLUMNS)
    monkeypatch.setattr(contents, "study_rows", lambda: frame)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy the tables and work beside the copy; return the path of the one with contents by study."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data" / "united_kingdom" / "vehicle_content_by_study.csv"


def spoil(path: Path, row: int, found: str, put: str) -> None:
    """Replace the first `found` in a row as a text editor counts it."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert found in lines[row - 1]
    lines[row - 1] = lines[row - 1].replace(found, put, 1)
    path.write_text("".join(lines), encoding="utf-8")


@pytest.mark.usefixtures("plain")
def test_the_prior_of_a_car_by_hand() -> None:
    """Motors: A (0.4 + 0.2)/2 = 0.3, B 0.6, C 1.0 - 0.1 = 0.9; other magnets: 0.1, 0.2 and 0.3 kg.

    Motors have mean 0.6 and variance (0.09 + 0 + 0.09)/2 = 0.09, the next study 0.09 · 4/3 = 0.12;
    the others mean 0.2 and variance (0.01 + 0 + 0.01)/2 = 0.01, the next 0.01 · 4/3 = 0.04/3.
    """
    assert contents.motors_kg().to_dict() == pytest.approx({"A": 0.3, "B": 0.6, "C": 0.9})
    assert contents.car_kg() == pytest.approx((0.8, (0.12 + 0.04 / 3) ** 0.5))


@pytest.mark.usefixtures("plain")
def test_the_shares_of_a_study_are_the_mean_of_its_variants() -> None:
    found = contents.shares_by_study()["Dy"].to_dict()
    assert found == pytest.approx({"A": 0.25, "B": 0.1, "C": 0.2})  # 0.1/0.4 twice, 0.06/0.6, 0.2/1.0


def test_the_share_prior_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dy: 0.1, 0.2, 0.3 and 0.2 have mean 0.2 and variance 0.02/3, the next study 0.02/3 · 5/4 = 0.025/3.

    Pr: 0.0, 0.3 and 0.0 have mean 0.1 and sd 0.173 · √(4/3) = 0.2, wider than the mean: the declared 0.15 stays.
    Tb: 0.02 thrice, sd 0. Nd: 1 - 0.2 - 0.15 - 0.02 = 0.63; with Pr it is 0.88, 0.78, 0.68 and 0.8 of one, of mean
    0.785 and variance (0.009025 + 0.000025 + 0.011025 + 0.000225)/3 = 0.0203/3, the next study 0.0203/3 · 5/4.
    """
    shares = pd.DataFrame(
        {
            "Nd": [0.88, 0.48, 0.68, 0.8],
            "Dy": [0.1, 0.2, 0.3, 0.2],
            "Pr": [0.0, 0.3, 0.0, np.nan],
            "Tb": [0.02, 0.02, 0.02, np.nan],
        }
    )
    monkeypatch.setattr(contents, "shares_by_study", lambda: shares)
    declared = pd.DataFrame({"mean": [0.6, 0.2, 0.15, 0.05], "sd": [0.1, 0.1, 0.04, 0.1]}, list(contents.ELEMENTS))
    found = contents.share_prior(declared)
    assert found["mean"].to_dict() == pytest.approx({"Nd": 0.63, "Dy": 0.2, "Pr": 0.15, "Tb": 0.02})
    sd = {"Nd": (0.0203 / 3 * 5 / 4) ** 0.5, "Dy": (0.025 / 3) ** 0.5, "Pr": 0.04, "Tb": 0.0}
    assert found["sd"].to_dict() == pytest.approx(sd, abs=1e-12)
    assert found["studies"].to_dict() == {"Nd": 4, "Dy": 4, "Pr": 0, "Tb": 3}


def test_the_figures_of_the_table_by_hand() -> None:
    """At 53 kg a motor: Sekine 0.00665094 + 0.00212264 of it; Alonso's car less the conventional one."""
    motors = contents.motors_kg()
    assert motors["Sekine 2017"] == pytest.approx(53 * (0.00665094 + 0.00212264))
    car = 0.7665 + 0.1575 + 0.03045 + 1.029e-06
    assert motors["Alonso 2012"] == pytest.approx(car - (0.198 + 0.0183 + 0.0204 + 6.9e-07))
    elwert = 53 * (0.00672 + 0.00336 + 0.00636364 + 0.00318182) / 2
    assert motors["Elwert 2016"] == pytest.approx(elwert)
    assert {"Grandell 2016", "US Department of Energy 2010", "Hernandez 2017"}.isdisjoint(motors.index)


def test_the_compilation_repeats_one_study_and_counts_it_once() -> None:
    """Both give 150, 90, 50 and 9 g a motor, the one at 53 kg, the other at 44.87 kg: every ratio is alike."""
    rows = contents.study_rows().query("item == 'motor' and variant == 1")
    masses = rows.pivot(index="element", columns="study", values="mass_kg")
    ratio = masses["Öko-Institut 2011"] / masses["Grandell 2016"]
    np.testing.assert_allclose(ratio, 53 / 44.871, rtol=1e-4)
    grandell = masses["Grandell 2016"].dropna().to_dict()
    assert grandell == pytest.approx({"Nd": 0.15, "Dy": 0.09, "Pr": 0.05, "Tb": 0.009}, rel=1e-5)


def test_the_priors_of_the_study_follow_from_the_studies() -> None:
    prior, declared = vehicles.content_prior(), vehicles.declared_prior()
    assert tuple(prior.loc["BEV"]) == contents.car_kg() != tuple(declared.loc["BEV"])
    pd.testing.assert_frame_equal(prior.drop("BEV"), declared.drop("BEV"))
    shares, own = estimates.share_priors(), estimates.declared_shares()
    cars = shares[estimates.EV_SHARES]
    assert cars["mean"].sum() == pytest.approx(1.0, abs=1e-12)
    assert cars.loc["Dy", "mean"] == pytest.approx(contents.shares_by_study()["Dy"].mean())
    declared_cars = own[estimates.EV_SHARES].loc[["Pr", "Tb"]]
    np.testing.assert_array_equal(cars.loc[["Pr", "Tb"], ["mean", "sd"]], declared_cars[["mean", "sd"]])
    assert list(shares) == list(own), "draws take the splits in this order"


def test_two_studies_give_no_spread() -> None:
    with pytest.raises(InputError, match="2 studies give no spread"):
        contents.next_study(pd.Series([0.3, 0.5]))


def test_a_row_without_study_is_refused_by_its_row(table: Path) -> None:
    spoil(table, 12, "Restrepo 2017", "")
    with pytest.raises(TableError, match=r"vehicle_content_by_study\.csv, row 12, column study: found an empty cell"):
        contents.study_rows()


@pytest.mark.parametrize(
    ("row", "found", "put", "fault"),
    [
        (10, ",kg/kg,", ",kg,", "row 10, column unit: found 'kg', expected kg/kg, of a motor"),
        (6, ",kg,", ",kg/kg,", "row 6, column unit: found 'kg/kg', expected kg, of a whole item"),
        (10, ",kg/kg,", ",g/kg,", "row 10, column unit: found 'g/kg', expected kg or kg/kg"),
        (10, ",motor,", ",HEV,", "row 10, column unit: found 'kg/kg', expected kg, of a whole item"),
    ],
)
def test_a_unit_that_is_anothers_is_refused_by_its_row(
    table: Path, row: int, found: str, put: str, fault: str
) -> None:
    spoil(table, row, found, put)
    with pytest.raises(TableError, match=fault):
        contents.study_rows()


def test_a_study_that_lacks_an_element_makes_no_sum(table: Path) -> None:
    lines = table.read_text(encoding="utf-8").splitlines()
    [row] = [at for at, line in enumerate(lines, start=1) if line.startswith("Hernandez")]
    spoil(table, row, ",left out,", ",prior,")
    with pytest.raises(InputError, match="Hernandez 2017 lacks Nd or Dy of a motor"):
        contents.motors_kg()
