"""Does every verdict follow from its numbers, and every finding from its arithmetic?"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest

from magnetflow import tables
from magnetflow.errors import InputError
from magnetflow.studies.united_kingdom import accounts, estimates, picture, printed, trade, vehicles
from magnetflow.studies.united_kingdom.review import evidence, findings, scorecard
from magnetflow.studies.united_kingdom.review.evidence import Evidence

NUMBERS = printed.numbers()["value"]
WORDS = set(tables.read("claims_in_words")["number"])
DERIVED = findings.derive()
SOLVED = accounts.reconciled()


@cache
def all_evidence() -> dict[str, evidence.Found]:
    return {route: of_route() for route, of_route in evidence.ROUTES.items()}


@cache
def every_test() -> pd.DataFrame:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evidence, "ROUTES", {route: (lambda own=own: own) for route, own in all_evidence().items()})
        return scorecard.tests()


@cache
def graded_rows() -> pd.DataFrame:
    tested = every_test()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scorecard, "tests", lambda: tested)
        return scorecard.scorecard()


def number(value: float, half_width: float = 0.5, sd: float = 0.0) -> scorecard.Number:
    return scorecard.Number(value, half_width, sd)


def estimate(value: float, sd: float = math.nan, low: float = -math.inf, high: float = math.inf) -> Evidence:
    return Evidence(value, sd, low, high)


@pytest.mark.parametrize(
    ("route", "printed_number", "found", "expected"),
    [
        ("own method", number(100), estimate(100.9), "reproduced"),  # within one per cent
        ("own method", number(100), estimate(101.1), "differs"),
        ("own method", number(100), estimate(101.1, 50.0), "differs"),  # whatever the uncertainty
        ("own method", number(6), estimate(6.4), "reproduced"),  # within the rounding
        ("another reading", number(100), estimate(99.2), "reproduced under a stated reading"),
        ("another reading", number(100), estimate(98.0), "differs"),
        ("other data", number(100), estimate(119, 10), "consistent"),  # within two standard deviations
        ("other data", number(100), estimate(121, 10), "in tension"),
        ("other data", number(100, sd=5), estimate(121, 10), "consistent"),  # the printed number errs too
        ("other data", number(100), estimate(100, 20), "consistent"),
        ("other data", number(100), estimate(100, 20.1), "contained"),
        ("other data", number(100), estimate(100, 50), "contained"),
        ("other data", number(100), estimate(250, 60), "in tension"),
        ("other data", number(100), estimate(100, 50.1), "right order"),
        ("other data", number(100), estimate(-40, 50), "wrong order"),  # no factor leads from one to the other
        ("other data", number(100), estimate(100), "right order"),  # an estimate of unknown uncertainty is rough
        ("rough estimate", number(100), estimate(199), "right order"),
        ("rough estimate", number(100), estimate(202), "wrong order"),
        ("rough estimate", number(100), estimate(50.2), "right order"),
        ("rough estimate", number(100), estimate(49), "wrong order"),
        ("scores of this book", number(2.6, 0.05), estimate(7.9), "wrong order"),
        ("limits", number(100), estimate(math.nan, high=99.6), "within bounds"),  # by the rounding
        ("limits", number(100), estimate(math.nan, high=99.4), "outside bounds"),
        ("limits", number(100), estimate(math.nan, low=100.4, high=120), "within bounds"),
        ("limits", number(100), estimate(math.nan, low=100.6, high=120), "outside bounds"),
        ("limits", number(75, 25), estimate(49, low=49, high=49), "outside bounds"),  # "more than half" of 49 %
        ("evidence against", number(100), estimate(math.nan), "in tension"),
        ("ratio", number(100), estimate(110), "ratio holds"),
        ("ratio", number(100), estimate(111), "in tension"),
        ("ratio", number(1), estimate(1.4), "ratio holds"),  # within the rounding
        ("identity", number(100), estimate(102, low=101, high=103), "arithmetic, fails"),
        ("identity", number(100), estimate(102, low=100.5, high=103), "arithmetic, holds"),
        ("propagation", number(100), estimate(90, low=80, high=100), "arithmetic, holds"),
        ("residual", number(100), estimate(90, low=80, high=99), "arithmetic, fails"),
        ("stated", number(100), estimate(math.nan), "stated, not tested"),
        ("none", number(100), estimate(100, 1), "not testable"),
    ],
)
def test_a_verdict_follows_the_rules(
    route: str, printed_number: scorecard.Number, found: Evidence, expected: str
) -> None:
    assert scorecard.verdict(route, printed_number, found) == expected


RANKS = """reproduced; reproduced under a stated reading; differs; outside bounds; in tension; wrong order;
consistent; contained; right order; within bounds; ratio holds; arithmetic, fails; arithmetic, holds;
stated, not tested; not testable""".replace("\n", " ").split("; ")


def verdict_again(test: pd.Series, given: pd.Series) -> str:
    """The rules in other words: each as a condition on relative differences."""
    route, value = test["route"], test["ours"]
    rounding = given["half_width"]
    if route in ("own method", "another reading"):
        ratio = value / given["printed"]
        met = 0.99 <= ratio <= 1.01 or given["printed"] - rounding <= value <= given["printed"] + rounding
        return ("reproduced" if route == "own method" else RANKS[1]) if met else "differs"
    if route in ("other data", "rough estimate", "scores of this book"):
        part = test["ours_sd"] / abs(value) if route == "other data" else 9.0
        if part > 0.5:
            return (
                "right order"
                if 0.5 <= (given["printed"] + math.copysign(rounding, value - given["printed"])) / (value) <= 2.0
                or 0.5 <= given["printed"] / value <= 2.0
                else "wrong order"
            )
        apart = (value - given["printed"]) ** 2 / (test["ours_sd"] ** 2 + given["sd"] ** 2)
        if apart > 4.0:
            return "in tension"
        return "contained" if part > 0.2 else "consistent"
    if route == "ratio":
        return (
            "ratio holds" if abs(1 - value / given["printed"]) <= max(0.1, rounding / given["printed"]) else RANKS[4]
        )
    if route in ("limits", "identity", "propagation", "residual"):
        over = given["printed"] - rounding > test["high"] or given["printed"] + rounding < test["low"]
        names = (
            ("within bounds", "outside bounds") if route == "limits" else ("arithmetic, holds", "arithmetic, fails")
        )
        return names[bool(over)]
    return {"evidence against": "in tension", "stated": "stated, not tested", "none": "not testable"}[route]


def test_each_verdict_is_derived_again_from_its_row() -> None:
    given = scorecard.numbers()
    by_number: dict[str, list[str]] = {}
    for _, test in every_test().iterrows():
        again = verdict_again(test, given.loc[test["number"]])
        assert test["verdict"] == again, test["number"]
        by_number.setdefault(test["number"], []).append(again)
    for name, row in graded_rows().iterrows():
        verdicts = sorted(by_number[str(name)], key=RANKS.index)
        assert [row["verdict"], *filter(None, row["also"].split("; "))] == verdicts, name
        own = every_test()[(every_test()["number"] == name) & (every_test()["route"] == row["route"])].iloc[0]
        for column in ("means", "ours", "ours_sd", "low", "high", "kind", "verdict"):
            assert row[column] == own[column] or (pd.isna(row[column]) and pd.isna(own[column])), (name, column)
    assert list(scorecard.VERDICTS) == RANKS


def test_no_row_is_left_out_and_few_are_not_testable() -> None:
    counts = scorecard.counts(graded_rows())
    numbers, words = tables.read("printed_numbers"), tables.read("claims_in_words")
    assert len(graded_rows()) == len(numbers) + len(words) == counts.to_numpy().sum() == 192
    assert counts.sum(axis=1).to_dict() == {
        "flows and stocks": 44,
        "counts, claims and sums": 25,
        "Table 2": 100,
        "context": 23,
    }
    untestable = graded_rows()[graded_rows()["verdict"] == "not testable"]
    assert (untestable["group"] != "context").sum() <= 20
    assert (untestable["lacks"].str.len() > 5).all(), "what would change that is named"
    assert (graded_rows()["means"].str.len() > 5).all()


STATED = {  # each with a word of its reason
    "zero": """flow.oxide_production flow.C3.3 flow.ELV_recovery flow.wind_EOL claim.mining claim.recycling
        claim.magnet_manufacture claim.wind_manufacture input.loss_manufacturing input.stock_manufacturing
        claim.not_recovered""",
    "plan": """context.pensana_share context.pensana_output.low context.pensana_output.high context.pensana_ndpr.low
        context.pensana_ndpr.high context.hypromag_ionic""",
    "target": "context.offshore_target_2030",
    "Propulsion": "context.motor_demand_2022 context.motor_demand_2030",
    "Jensen": "context.jensen_Nd_offshore",
    "assumption": """input.export_share input.market_share.compounds input.market_share.metals
        input.market_share.other""",
    "Geng": "input.processing_loss",
    "choice": "input.nacelle_turbine",
    "follows": "claim.import_dependence",
    "notation": "claim.magnet_code",
}


def test_only_rows_listed_here_are_stated_and_not_tested() -> None:
    listed = {name: word for word, names in STATED.items() for name in names.split()}
    assert set(graded_rows().index[graded_rows()["verdict"] == "stated, not tested"]) == set(listed)
    for name, word in listed.items():
        assert word in graded_rows()["means"][name], name


def test_verdicts_that_the_evidence_decides() -> None:
    """What issue and chapters say in words, so that a change of rule or of evidence is seen."""
    expected = {
        "flow.C5.2": "reproduced",
        "count.EV_2021": "reproduced",
        "stock.wind_2021": "reproduced under a stated reading",
        "count.used_EV": "reproduced under a stated reading",
        "claim.mine_share_2021": "reproduced",
        "count.motors_produced": "reproduced under a stated reading",
        "stock.offshore_Nd_2018": "differs",
        "flow.I3.1": "outside bounds",
        "derived.net_import_magnets": "outside bounds",
        "flow.E3.1": "in tension",
        "flow.E5.1": "in tension",
        "table2.I3.1.Nd": "in tension",
        "flow.I5.1.4": "consistent",
        "flow.I5.1": "contained",
        "flow.E4.1": "right order",
        "flow.E5.2": "within bounds",
        "flow.P4.1": "contained",
        "stock.EV_2021": "contained",
        "flow.I1": "right order",
        "context.mine_output": "within bounds",
        "claim.magnets_from_china": "within bounds",
        "flow.W1.0": "ratio holds",
        "flow.I5.2": "arithmetic, holds",
        "flow.S1": "not testable",
    }
    assert {name: graded_rows()["verdict"][name] for name in expected} == expected
    assert graded_rows()["also"]["stock.wind_2021"] == "in tension", "with the stock by year of construction"
    assert graded_rows()["sigma"]["flow.I3.1"] == pytest.approx((5556.3 - 10682) / (0.416 * 10682), rel=1e-4)
    assert graded_rows()["percent"]["flow.I3.1"] == pytest.approx(100 * (5556.3 - 10682) / 10682, rel=1e-4)
    failing = set(graded_rows().index[graded_rows()["verdict"] == "arithmetic, fails"])
    of_one_flow = {"table2.C3.2.Nd", "table2.P5.1.0.2.Nd"}
    assert failing == of_one_flow | {f"table2.{c}" for c in ("C5.1.Pr", "I5.2.Pr", "I5.2.Tb", "E5.2.Tb")}


def test_other_thresholds_move_the_verdicts_that_the_caveats_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "ROUTES", {route: (lambda own=own: own) for route, own in all_evidence().items()})

    def moved(name: str, value: float) -> dict[str, str]:
        with monkeypatch.context() as patch:
            patch.setattr(scorecard, name, value)
            now = scorecard.scorecard()["verdict"]
        return {str(row): verdict for row, verdict in now[now != graded_rows()["verdict"]].items()}

    assert moved("NARROW", 0.15) == {"flow.I5.1.4": "contained"}
    assert moved("NARROW", 0.25) == {"flow.C5.1": "consistent", "derived.EV_production": "consistent"}
    assert moved("WIDE", 0.45) == {"flow.P4.1": "right order"}
    assert not moved("SIGMAS", 1.6)
    assert moved("SIGMAS", 3.0) == {"flow.E5.1": "consistent"}


def test_copied_values_are_not_shown_and_scores_are_soft() -> None:
    assert graded_rows().loc[graded_rows()["kind"] == "transcribed", "ours"].isna().all()
    assert graded_rows().loc[graded_rows()["kind"] == "transcribed", "percent"].isna().all()
    by_method = graded_rows()["verdict"].str.startswith("reproduced") | (graded_rows()["verdict"] == "differs")
    assert set(graded_rows().loc[by_method, "kind"]) == {"estimated", "arithmetic"}
    assert set(graded_rows().loc[graded_rows()["soft"], "group"]) == {"Table 2"}
    assert graded_rows()["soft"].sum() == (every_test()["route"] == "scores of this book").sum() == 51


def without_itself(name: str, routes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Change a printed number by a third: no evidence of it may move."""
    read = tables.read

    def spoilt(table: str, *rest: object) -> pd.DataFrame:
        frame = read(table)
        if table == "printed_numbers":
            frame.loc[frame["number"] == name, "value"] *= 4 / 3
        if table == "published_flows":
            frame.loc["flow." + frame["flow"] == name, "value"] *= 4 / 3
        return frame

    own = every_test()[(every_test()["number"] == name) & every_test()["route"].isin(routes)].set_index("route")
    with monkeypatch.context() as patch:
        patch.setattr(tables, "read", spoilt)
        assert printed.numbers()["value"][name] != NUMBERS[name] or NUMBERS[name] == 0
        for route, before in own.iterrows():
            after = evidence.ROUTES[str(route)]()[name]
            assert after[:4] == pytest.approx(before[["ours", "ours_sd", "low", "high"]].tolist(), nan_ok=True), route


ROUTES = tables.read("scorecard_routes")
WITH_FIGURES = (set(evidence.ROUTES) - {"scores of this book"}) & set(ROUTES["route"])
TESTED = sorted(set(ROUTES.loc[ROUTES["route"].isin(WITH_FIGURES), "number"]) - WORDS)
QUICK = {"flow.I3.1", "flow.E6.0", "flow.O2"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.long) for name in TESTED]
)
def test_no_evidence_uses_the_number_it_tests(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without_itself(name, tuple(WITH_FIGURES), monkeypatch)


@pytest.mark.parametrize(
    ("table", "spoil", "message"),
    [
        (
            "printed_numbers",
            lambda frame: frame.assign(unit=frame["unit"].mask(frame["number"] == "flow.I1", "kg")),
            "flow.I1 is not in t",
        ),
        (
            "claims_in_words",
            lambda frame: frame.assign(high=frame["high"].mask(frame["number"] == "claim.not_recovered", 10.0)),
            "claim.not_recovered has its ends crossed",
        ),
        ("scorecard_routes", lambda frame: frame[frame["number"] != "flow.I1"], "no route for flow.I1"),
        (
            "scorecard_routes",
            lambda frame: frame.assign(number=frame["number"].replace("flow.I1", "flow.I9")),
            "has no route for flow.I1",
        ),
        (
            "scorecard_routes",
            lambda frame: pd.concat([frame, frame.tail(1).assign(number="flow.I9")]),
            "flow.I9, which is no printed number",
        ),
        ("printed_identities", lambda frame: frame[frame["number"] != "flow.O2"], "tests flow.O2 by residual, for"),
        (
            "scorecard_routes",
            lambda frame: frame.assign(route=frame["route"].replace("none", "own method")),
            "tests flow.S1 by own method, for which there is no evidence",
        ),
    ],
)
def test_a_number_without_its_route_or_evidence_is_told(
    monkeypatch: pytest.MonkeyPatch, table: str, spoil: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    read = tables.read
    monkeypatch.setattr(tables, "read", lambda name, *data: spoil(read(name)) if name == table else read(name, *data))
    found = {route: (lambda names=names: names) for route, names in all_evidence().items()}
    monkeypatch.setattr(evidence, "ROUTES", found | {"residual": evidence.identities})
    with pytest.raises(InputError, match=message):
        scorecard.tests()


def test_arithmetic_by_hand() -> None:
    found = evidence.identities()
    assert found["flow.E2"].value == pytest.approx(0.8 * (916 + 450))
    assert found["flow.L1"].value == pytest.approx(101.8)
    assert found["flow.O3.1"].value == 10682 + 568 - 2895 - 771 - 279
    assert found["flow.O3.1"].high - found["flow.O3.1"].value == pytest.approx(5 * 0.5), "the rounding of five terms"
    assert found["flow.C5.1"].value == 472 + 279 + 931 - 750
    assert found["claim.mine_share_2018_2020"].value == pytest.approx(100 * 4236 / 44000)
    assert found["claim.low_uncertainty"].value == pytest.approx(100 * 28 / 31), "all but I3.1, O3.1 and I5.2"
    carried = evidence.propagation()
    assert carried["table2.C1.total"].value == pytest.approx(100 * 0.023 * math.hypot(2205, 967) / 1018)
    terms = [0.026 * 931, 0.032 * 750, 0.07 * 472, 0.077 * 279]  # of new cars, neodymium, at one share
    assert carried["table2.C5.1.Nd"].value == pytest.approx(100 * math.hypot(*terms) / 932)
    # Largest where what enters has the smallest share of the element and what leaves the largest.
    shares = np.array([0.95, 1.05, 0.95, 0.95])
    rest = shares @ np.array([931, -750, 472, 279])
    assert carried["table2.C5.1.Nd"].high == pytest.approx(100 * np.linalg.norm(shares * terms) / rest)


def test_estimates_by_hand() -> None:
    found = all_evidence()["other data"]
    sales = [1000.990, 1207.957, 326.718, 314.318]
    low = (sum(sales) + 314.318) * 0.548501 * 0.3
    high = (sum(sales) + 1207.957) * 0.822218 * 0.3
    assert evidence.assembly_t() == pytest.approx((low, high), rel=1e-5)
    assert all_evidence()["rough estimate"]["flow.P3.1"].value == pytest.approx(math.sqrt(low * high), rel=1e-5)
    assert vehicles.electric_cars_built().sum() == 2 * 142765 + 192304 + 172857 + 224011
    assert all_evidence()["rough estimate"]["flow.E4.1"].value == pytest.approx(771 * math.sqrt(0.6 * 0.667))
    least, most = trade.cars_exported_shares().min(), trade.most_cars_exported_share()
    of_table = evidence.printed_sd()
    cv = math.hypot(float(of_table["flow.P5.1.0.1"]), float(of_table["flow.P5.1.0.2"])) / 751
    share = (least + most) / 2
    assert found["flow.E5.1"].value == pytest.approx(751 * share)
    assert found["flow.E5.1"].sd == pytest.approx(751 * math.hypot((most - least) / 4, share * cv))
    cars, prior = trade.cars_imported(), vehicles.content_prior()
    ends_t = [float((cars[end] * prior["mean"]).sum()) / 1000 for end in ("low", "high")]
    assert found["flow.I5.1"].value == pytest.approx(sum(ends_t) / 2)
    assert found["stock.wind_2021"].value == pytest.approx(1717.2, abs=0.1)
    listed = 29459929 + 37399279 + 69038402 + 30174916 + 39510904
    total = tables.read("magnet_trade").query(
        "direction == 'imports' and statistic == 'BACI, listed partners' and 2017 <= year <= 2021"
    )["value"]
    assert evidence.from_china_percent() == pytest.approx(100 * listed / total.sum())
    limits, rough = all_evidence()["limits"], all_evidence()["rough estimate"]
    assert limits["flow.O3.1"].high == pytest.approx(limits["flow.I3.1"].high + 568), "imports and assembly"
    ranges = trade.tests()
    middle = {flow: math.sqrt(ranges["low"][flow] * ranges["high"][flow]) for flow in ("I1", "E1")}
    assert rough["flow.C1"].value == pytest.approx(middle["I1"] - middle["E1"] - 220)
    motors_kg = 0.4623092545744444  # the mean of studies, as chapter 03 has it
    built_t = 874702 * motors_kg / 1000
    assert rough["flow.P5.1.0.2"].value == pytest.approx(found["derived.EV_production"].value - built_t)
    assert all_evidence()["ratio"]["flow.E6.0"].value == pytest.approx(22692 * 1461 / 1623213)
    assert all_evidence()["own method"]["claim.mine_share_2021"].value == pytest.approx(9.6, abs=0.05)


def test_the_printed_standard_deviation_by_hand() -> None:
    sd = evidence.printed_sd()
    assert sd["flow.I3.1"] == pytest.approx(0.416 * 10682)
    assert sd["flow.I1"] == pytest.approx(0.023 * 2205)
    assert sd["derived.net_import_magnets"] == pytest.approx(math.hypot(0.416 * 10682, 0.145 * 2895))
    assert "stock.EV_2021" not in sd.index, "Table 2 has no stock"


def test_what_an_input_unlocks_by_hand() -> None:
    lacks = {"a": "x", "b": "x", "c": "x; y", "d": "y; z", "e": "x; y; z", "f": ""}
    rows = pd.DataFrame({"lacks": lacks, "group": dict.fromkeys(lacks, "context")})
    rows.loc["c", "group"] = "flows and stocks"
    found = scorecard.unlocked(rows).to_dict("index")
    assert found["x"] == {"alone": 2, "with_one_more": 1, "partner": "y", "of_flows": 1}
    assert found["y"] == {"alone": 0, "with_one_more": 1, "partner": "x", "of_flows": 1}
    assert found["z"] == {"alone": 0, "with_one_more": 1, "partner": "y", "of_flows": 0}
    assert scorecard.unlocked(graded_rows())["alone"]["supporting information of the study"] == 69


def test_a_changed_number_changes_its_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    read = tables.read

    def spoilt(name: str, *rest: object) -> pd.DataFrame:
        table = read(name)
        if name == "printed_numbers":
            table.loc[table["number"].isin(["flow.C5.2", "flow.O2"]), "value"] *= 1.05
        return table

    monkeypatch.setattr(tables, "read", spoilt)
    again = {route: evidence.ROUTES[route] for route in ("own method", "residual", "identity")}
    others = {route: (lambda own=own: own) for route, own in all_evidence().items() if route not in again}
    monkeypatch.setattr(evidence, "ROUTES", again | others)
    moved = scorecard.scorecard()["verdict"]
    assert moved["flow.C5.2"] == "differs"
    assert moved["flow.O2"] == "arithmetic, fails"


def test_motors_made_by_hand() -> None:
    engines = [2.71e6, 2.70e6, 2.50e6, 1.80e6, 1.60e6]
    electric = [13597 + 33813 + 66905, 15474 + 42232 + 81156, 37850 + 34734 + 97850]
    electric += [108205 + 66877 + 110117, 190727 + 114554 + 147246]
    sold = [e / n for e, n in zip(electric, [2540617, 2367147, 2311140, 1631064, 1647181], strict=True)]
    built = [sold[0], 142765 / 1519440, 192304 / 1303135, 172857 / 920928, 224011 / 859575]
    expected = {"sold": float(np.dot(engines, sold)), "built": float(np.dot(engines, built))}
    assert evidence.motors_by_share() == pytest.approx(expected, rel=1e-9)


def test_findings_stand_and_are_told_in_full() -> None:
    rows = findings.read()
    assert len(rows) == len(tables.read("findings")), "each finding of the table stands"
    for name, (values, stands) in DERIVED.items():
        assert stands, name
        assert all(math.isfinite(value) for value in values.values()), name
    for name, arithmetic in rows[["finding", "arithmetic"]].itertuples(index=False):
        values = DERIVED.get(name, ({}, True))[0]
        assert arithmetic.format(**dict.fromkeys(values, "0")).count("{") == 0
        assert set(values) == {part.split("}")[0] for part in arithmetic.split("{")[1:]}, name


def test_a_finding_that_no_longer_stands_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    spoilt = {**DERIVED, "table2_C3.2": (DERIVED["table2_C3.2"][0], False)}
    monkeypatch.setattr(findings, "derive", lambda: spoilt)
    assert "table2_C3.2" not in set(findings.read()["finding"])


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
def test_the_chance_that_rounded_flows_close_by_simulation(count: int) -> None:
    """An independent route: balanced flows drawn at random and rounded one by one."""
    flows = np.random.default_rng(7).uniform(0.0, 1000.0, (400_000, count - 1))
    closes = np.rint(flows).sum(axis=1) == np.rint(flows.sum(axis=1))
    assert findings.closing_chance(count) == pytest.approx(closes.mean(), abs=0.003)


def test_the_dependence_on_imports_by_hand() -> None:
    """For alloys: share = I / (I + P), and I and P err on their own."""
    table = picture.trade_dependence(SOLVED).set_index("stage")
    results = accounts.results(SOLVED).set_index(["flow", "layer"])
    brought, made = 450.0, float(results["value"]["P2", "all"])
    sd_made = float(results["sd"]["P2", "all"])
    share = brought / (brought + made)
    spread = math.hypot(0.023 * brought * made, sd_made * brought) / (brought + made) ** 2
    assert table.loc["alloys", "share"] == pytest.approx(100 * share)
    assert table.loc["alloys", "sd"] == pytest.approx(100 * spread, rel=1e-9)
    assert table["share"][["compounds", "generating sets"]].tolist() == [100.0, 100.0]
    assert table.loc["generating sets", "sd"] == pytest.approx(0, abs=1e-9)


def test_net_imports_are_those_of_the_printed_flows() -> None:
    table = picture.net_imports(SOLVED).set_index("stage")
    numbers = printed.numbers()["value"]
    assert table.loc["magnets", "net"] == pytest.approx(numbers["derived.net_import_magnets"])
    assert table.loc["motors", "net"] == pytest.approx(84 - 383)


def test_the_uncertainty_of_net_imports_of_magnets_counts_what_imports_and_exports_share() -> None:
    """Trade errs by 6.8 % for imports and exports on their own; market share and contents err alike in both."""
    own, share, content = 0.068, math.hypot(0.068, 0.023, 0.137, 0.137), math.hypot(0.023, 0.023, 0.023, 0.045)
    shares = tables.read("element_shares").query("group == 'traded magnets' and statistic == 'mean'")["value"]
    imports, exports, scatter = 10682.0, 2895.0, 0.02
    variance = (own * imports) ** 2 + (own * exports) ** 2 + (share * (imports - exports)) ** 2
    for part in shares:  # contents err on their own in each element, and the shares of a flow scatter
        variance += (content * part * (imports - exports)) ** 2
        variance += (scatter * part * imports) ** 2 + (scatter * part * exports) ** 2
    signs = {"I3.1": 1.0, "E3.1": -1.0}
    weights = {accounts.name_of(flow, each): sign for flow, sign in signs.items() for each in estimates.ELEMENTS}
    sd = SOLVED.combine(weights)[1]
    assert sd == pytest.approx(variance**0.5, rel=1e-6)
    totals = accounts.results(SOLVED).set_index(["flow", "layer"])["sd"]
    assert sd < 0.8 * math.hypot(totals["I3.1", "four"], totals["E3.1", "four"]), "as if they erred on their own"


def test_the_picture_draws_every_flow_with_a_mass_and_places_every_node() -> None:
    results = accounts.results(SOLVED)
    links = picture.links(results, accounts.FOUR)
    drawn = {href.removeprefix("#flow-") for href in links["href"]}
    assert drawn == set(printed.flows()["flow"]) - {"S6", "C3.3"}, "a tonne, and nothing"
    assert set(picture.places(links)) == set(picture.nodes().index), "no place is left without a flow"
    for node in ("compounds market", "alloys market", "magnet market", "motor market", "car market", "sets market"):
        entering = links.loc[links["target"] == node, "value"].sum()
        assert entering == pytest.approx(links.loc[links["source"] == node, "value"].sum(), rel=1e-9), node
    for element in estimates.ELEMENTS:
        own = picture.links(results, element)
        assert own["value"].gt(0).all()
        assert not own["href"].isin(["#flow-I1", "#flow-E2"]).any(), "alloys have no elements"


def test_what_is_told_by_year_adds_up_to_the_sums() -> None:
    series = picture.by_year()
    assert float(series["turbines installed"].sum()) == pytest.approx(1127.1, abs=0.05)
    assert series["cars registered"].sizes == {"year": 5, "element": 4}
    assert float(series["turbines in use, by current shares"].sel(year=2021).sum()) == pytest.approx(2775.3, abs=0.05)


def test_stocks_are_printed_or_estimated() -> None:
    table = picture.stocks().set_index(["stock", "layer"])["value"]
    assert table["EV 2021", accounts.FOUR] == pytest.approx(1461)
    assert table["wind 2021", accounts.FOUR] == pytest.approx(2775.3, abs=0.05)
