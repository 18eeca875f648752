"""The study's chains by a second, independent route: plain loops over the rows of the tables, no package of ours."""

from __future__ import annotations

import ast
import csv
import math
from collections import defaultdict
from pathlib import Path

import pytest

from magnetflow.errors import InputError
from magnetflow.studies.united_kingdom import printed, upstream, wind

DATA = Path(__file__).resolve().parents[2] / "data" / "united_kingdom"
STUDY_YEARS = range(2017, 2022)
STUDY = Path(wind.__file__).parent
# The flows and years that a module names, all to ask for a result or a printed number. The modules that build the
# system have none: theirs come from tables.
NAMED: dict[str, tuple[set[str | int], str]] = {
    "draws/improvement.py": ({"C5.2"}, "a headline"),
    "magnet_value.py": ({2016, 2018}, "the years with a mass on either side of an outlier"),
    "magnets.py": ({2019, 2020}, "the years whose sales stand for those of the next"),
    "multiverse.py": (
        {"I3.1", "E3.1", 2017, 2018},
        "the flows whose mass and share are contested, the year of the outlier, and the year of a printed claim",
    ),
    "trade.py": (
        {"I1", "E1", "I2", "I5.1.4", "E5.2", "I5.1", "E5.1", "E4.1", "P4.1", "P5.1.0.1", "P5.1.0.2", 2018},
        "printed flows that statistics test, and the one year with masses",
    ),
    "review/findings.py": (
        {"E1", "I3.1", "E3.1", "P3.1", "P4.1", "I4.1", "E4.1", 2018, 2019, 2020},
        "printed numbers that a finding is about, and the years that the text compares",
    ),
    "review/other_sources.py": ({"I3.1", "EV 2021", 2020}, "a flow and a stock that others report, and their year"),
    "review/evidence.py": (
        {"C1", "E2", "O3.1", "C5.1", "I5.2", "I1", "E1", "I2", "E4.1", 2018, 2020},
        "flows that trade and propagation test, and the years of a printed mine output",
    ),
}
BUILDING = {"accounts.py", "data_quality.py", "draws/model.py", "estimates.py", "picture.py", "upstream.py"}


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def intensity() -> dict[tuple[str, str], float]:
    """Return kg/MW by generator and element; 1 t/GW is 1 kg/MW."""
    return {(row["generator"], row["element"]): float(row["value"]) for row in rows("generator_intensity")}


@pytest.fixture(scope="module")
def per_mw(intensity: dict[tuple[str, str], float]) -> dict[tuple[str, int], float]:
    """Return kg of all four elements in one MW of a year's market, by site and year."""
    total: dict[tuple[str, int], float] = defaultdict(float)
    for row in rows("generator_shares"):
        content = sum(intensity[row["generator"], element] for element in ("Nd", "Dy", "Pr", "Tb"))
        total[row["site"], int(row["year"])] += float(row["value"]) * content
    return total


@pytest.fixture(scope="module")
def capacity() -> dict[tuple[str, int], float]:
    standing: dict[tuple[str, int], float] = defaultdict(float)
    for row in rows("wind_capacity"):
        standing[row["site"].split("_")[0], int(row["year"])] += float(row["value"])
    return standing


@pytest.fixture(scope="module")
def net(capacity: dict[tuple[str, int], float]) -> dict[tuple[str, int], float]:
    return {(site, year): mw - capacity[site, year - 1] for (site, year), mw in list(capacity.items()) if year > 2009}


def test_stock_at_current_shares(
    capacity: dict[tuple[str, int], float], per_mw: dict[tuple[str, int], float]
) -> None:
    by_hand = sum(capacity[site, 2021] * per_mw[site, 2021] for site in ("onshore", "offshore")) / 1000
    computed = float(wind.stock_kg().sel(year=2021).sum()) / 1000
    assert computed == pytest.approx(by_hand, rel=1e-12)
    assert round(computed) == 2775


def test_new_installation_by_vintage(per_mw: dict[tuple[str, int], float]) -> None:
    by_hand: dict[str, float] = defaultdict(float)
    for row in rows("wind_additions"):
        if int(row["year"]) in STUDY_YEARS:
            by_hand[row["vintage"]] += float(row["value"]) * per_mw[row["site"], int(row["year"])] / 1000
    computed = wind.new_installation_kg(wind.additions_mw(), STUDY_YEARS) / 1000
    for vintage, tonnes in by_hand.items():
        assert float(computed.sel(vintage=vintage).sum()) == pytest.approx(tonnes, rel=1e-12)
    assert [round(by_hand[name], 1) for name in wind.PLANNING_DATABASE] == [
        1094.1,
        1098.9,
        1120.3,
        1127.1,
        1131.5,
    ]


def test_cohort_stock(
    capacity: dict[tuple[str, int], float],
    net: dict[tuple[str, int], float],
    per_mw: dict[tuple[str, int], float],
) -> None:
    by_hand = 0.0
    for site in ("onshore", "offshore"):
        history = {
            int(row["year"]): float(row["value"])
            for row in rows("wind_additions")
            if row["vintage"] == "ce_observatory" and row["site"] == site and int(row["year"]) <= 2009
        }
        scale = capacity[site, 2009] / sum(history.values())
        by_hand += sum(mw * scale * per_mw[site, max(year, 1991)] for year, mw in history.items())
        by_hand += sum(mw * per_mw[site, year] for (place, year), mw in net.items() if place == site and year <= 2021)
    computed = float(wind.cohort_stock_kg().sel(year=2021).sum()) / 1000
    assert computed == pytest.approx(by_hand / 1000, rel=1e-12)
    assert round(computed) == 1717


def test_the_cohort_stock_grows_by_what_enters_it() -> None:
    stock = wind.cohort_stock_kg()
    growth = float((stock.sel(year=2021) - stock.sel(year=2016)).sum())
    entered = float(wind.new_installation_kg(wind.net_additions_mw(), STUDY_YEARS).sum())
    assert growth == pytest.approx(entered, rel=1e-12)


def test_cohorts_add_up_to_the_capacity_standing() -> None:
    standing = wind.cohort_additions_mw().cumsum("year").sel(year=range(2009, 2025))
    assert float(abs(standing - wind.capacity_mw()).max()) < 1e-8


def test_shares_sum_to_one_with_the_negative_one_kept() -> None:
    shares = wind.shares()
    assert float(abs(shares.sum("generator") - 1).max()) < 2e-6
    assert float(shares.min()) == -0.00078
    assert int((shares < 0).sum()) == 1


def test_every_share_offshore_after_2018_lies_on_the_line_its_note_tells_of() -> None:
    late = wind.shares().sel(site="offshore", year=slice(2018, 2024))
    assert float(abs(late.diff("year", n=2)).max()) < 2e-6
    noted = {
        row["confidence"] for row in rows("generator_shares") if row["site"] == "offshore" and row["year"] > "2018"
    }
    assert noted == {"derived"}


def test_fillers_and_magnets() -> None:
    assert set(wind.assumed_generators()) == {"GB-EESG", "DD-HTS", "GB-SCIG", "GB-SCIG_NC", "GB-WRIG"}
    assert wind.magnet_generators() == ["DD-PMSG", "GB-PMSG"]


def test_upstream_by_closed_form() -> None:
    sd_import, sd_export, sd_alloys = 0.023 * 2205, 0.023 * 967, 0.023 * 450
    consumed = math.hypot(sd_import, sd_export) / (2205 - 967 - 220)
    alloys = math.hypot(0.9 * consumed * 1018, sd_alloys) / (0.9 * 1018 + 450)
    cv = upstream.cv_of(upstream.reconciled())
    expected = dict.fromkeys(("I1", "E1", "I2"), 0.023) | dict.fromkeys(("C1", "L1", "P2"), consumed)
    for flow, by_hand in (expected | dict.fromkeys(("E2", "C2"), alloys)).items():
        assert cv[flow] == pytest.approx(by_hand, rel=1e-9), flow
    assert [round(100 * cv[flow], 1) for flow in ["I1", "E1", "C1", "L1", "I2", "E2", "P2", "C2"]] == [
        2.3, 2.3, 5.4, 5.4, 2.3, 3.7, 5.4, 3.7,
    ]  # fmt: skip


def test_the_upstream_chain_has_nothing_left_over_to_test_it() -> None:
    solved = upstream.reconciled()
    assert solved.test.degrees_of_freedom == 0
    assert solved.value[solved.problem.measured] == pytest.approx(solved.problem.value[solved.problem.measured])


def test_upstream_values_meet_the_printed_ones_to_their_rounding() -> None:
    values = upstream.reconciled().table().set_index("name")["value"]
    for flow, tonnes in {"C1": 1018, "L1": 102, "P2": 916, "E2": 1093, "C2": 273}.items():
        assert abs(values[flow] - tonnes) < 0.5


def test_independent_years_shrink_every_cv_alike() -> None:
    scale = 5**-0.5
    cv = upstream.coefficients_of_variation()
    before, after = (upstream.cv_of(upstream.reconciled(each)).drop("S1") for each in (cv, cv * scale))
    assert (after / before).to_numpy() == pytest.approx([scale] * 8, rel=1e-9)


def test_printed_balances_and_where_only_one_side_is_printed() -> None:
    checked = printed.balances().set_index("process")
    by_verdict = checked.groupby("verdict").groups
    assert sorted(by_verdict["no inflow is given"]) == ["magnet assembly"]
    assert sorted(by_verdict["no outflow is given"]) == ["ELV dismantling", "used EV market"]
    assert "does not close" not in by_verdict
    assert len(by_verdict["closes"]) == 10
    assert checked.loc["magnet market", "inflow"] == 10682 + 568
    assert printed.net_import_t("I3.1", "E3.1") == 7787


def test_an_error_of_the_stock_would_hardly_be_seen() -> None:
    cv = upstream.coefficients_of_variation()
    cv["S1"] = 0.023
    by_hand = math.sqrt((0.023 * 2205) ** 2 + (0.023 * 967) ** 2 + (0.023 * 220) ** 2) / 1018
    assert upstream.cv_of(upstream.reconciled(cv))["C1"] == pytest.approx(by_hand, rel=1e-9)


def test_an_open_year_is_told_not_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = wind.additions_mw()
    holed = whole.where((whole.year != 2005) | (whole.vintage != wind.HISTORY))
    monkeypatch.setattr(wind, "additions_mw", lambda: holed)
    with pytest.raises(InputError, match="leave 1986 open"):
        wind.cohort_additions_mw()


def named(source: str) -> set[str | int]:
    """Return the codes of flows, and the years of the study and the one before, among the literals of a module."""
    tables = ("published_flows", "potential_flows", "stock_flows", "flow_methods", "flow_factors")
    codes = {
        row[column] for name in tables for row in rows(name) for column in ("flow", "table_2") if row.get(column)
    }
    years = {STUDY_YEARS[0] - 1, *STUDY_YEARS}
    literals = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return {value for value in literals if isinstance(value, str | int) and value in codes | years}


@pytest.mark.parametrize("path", sorted(STUDY.rglob("*.py")), ids=lambda path: path.relative_to(STUDY).as_posix())
def test_a_module_names_a_flow_or_a_year_only_to_ask_for_a_number(path: Path) -> None:
    name = path.relative_to(STUDY).as_posix()
    assert named(path.read_text(encoding="utf-8")) == NAMED.get(name, (set(), ""))[0]


def test_the_modules_that_build_the_system_name_no_flow_and_no_year() -> None:
    assert {path.relative_to(STUDY).as_posix() for path in STUDY.rglob("*.py")} >= BUILDING | set(NAMED)
    assert not BUILDING & set(NAMED)
    source = 'a = f("I3.1", 2016)\nb = {"K10": "I3.10", "EV 2016": 2022}\nc = "C2"  # E1'
    assert named(source) == {"I3.1", 2016, "K10", "EV 2016", "C2"}
