"""Does every verdict follow from its numbers, and every finding from its arithmetic?"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from magnetflow import tables
from magnetflow.errors import InputError
from magnetflow.studies.united_kingdom import accounts, estimates, picture, printed
from magnetflow.studies.united_kingdom.review import findings, scorecard

ROWS = scorecard.scorecard()
DERIVED = findings.derive()
SOLVED = accounts.reconciled()


@pytest.mark.parametrize(
    ("route", "printed_value", "half_width", "ours", "sd", "sd_of_difference", "expected"),
    [
        ("own method", 100.0, 0.5, 100.9, math.nan, 0.0, "reproduced"),  # within one per cent
        ("own method", 100.0, 0.5, 101.1, math.nan, 0.0, "contradicted"),
        ("own method", 100.0, 0.5, 101.1, 50.0, 50.0, "contradicted"),  # whatever the uncertainty
        ("own method", 6.0, 0.5, 6.4, math.nan, 0.0, "reproduced"),  # within the rounding
        ("other data", 100.0, 0.5, 119.0, 10.0, 10.0, "consistent"),  # within two standard deviations
        ("other data", 100.0, 0.5, 121.0, 10.0, 10.0, "contradicted"),
        ("other data", 100.0, 0.5, 121.0, 10.0, 11.0, "consistent"),  # the printed number errs too
        ("other data", 100.0, 0.5, 100.0, 21.0, 21.0, "not testable here"),  # too wide to tell
        ("other data", 0.0, 0.0, 0.0, 0.0, 0.0, "consistent"),
        ("other data", 100.0, 0.5, 100.0, math.nan, 5.0, "not testable here"),  # an estimate of unknown uncertainty
        ("arithmetic", 100.0, 0.5, 150.0, math.nan, 0.0, "arithmetic"),
        ("none", 100.0, 0.5, 100.0, 1.0, 1.0, "not testable here"),
        ("own method", 100.0, 0.5, math.nan, math.nan, 0.0, "not testable here"),
    ],
)
def test_a_verdict_follows_the_rules(
    route: str,
    printed_value: float,
    half_width: float,
    ours: float,
    sd: float,
    sd_of_difference: float,
    expected: str,
) -> None:
    assert scorecard.verdict(route, printed_value, half_width, ours, sd, sd_of_difference) == expected


def test_each_row_of_the_scorecard_has_the_verdict_of_its_numbers() -> None:
    """The rules once more, in other words, on the numbers of each row."""
    for name, row in ROWS.iterrows():
        away, ours = abs(row["ours"] - row["printed"]), row["ours"]
        match row["route"]:
            case "own method":
                near = away <= 0.01 * row["printed"] or away <= row["half_width"]
                expected = "reproduced" if near else "contradicted"
                assert row["kind"] == "estimated", f"{name}: what is copied or back-cast is not reproduced"
            case "other data":
                near = away <= 2 * row["sd_of_difference"] or away <= row["half_width"]
                expected = "consistent" if near else "contradicted"
                if ours and row["sd"] / ours > 0.2:
                    expected = "not testable here"
            case "arithmetic":
                expected = "arithmetic"
                assert row["holds"] in (0.0, 1.0), name
            case _:
                expected = "not testable here"
        assert row["verdict"] == expected, name


def test_the_verdicts_add_up_and_leave_no_number_out() -> None:
    counts = scorecard.counts(ROWS)
    numbers = tables.read("printed_numbers")
    assert counts.sum() == len(ROWS) == len(numbers) == numbers["number"].nunique() > 150
    assert list(counts.index) == ["reproduced", "consistent", "contradicted", "arithmetic", "not testable here"]
    assert (ROWS["means"].str.len() > 5).all(), "what is lacking is named"
    assert set(ROWS.index[ROWS["holds"] == 0]) == {"table2.C3.2.Nd"}


def test_every_printed_cell_of_table_2_is_scored() -> None:
    assert ROWS.index.str.startswith("table2.").sum() == 100
    assert ROWS.loc[ROWS["group"] == "uncertainty", "ours"].notna().all()


@pytest.mark.parametrize(
    ("table", "spoil", "message"),
    [
        ("scorecard_routes", lambda frame: frame[frame["number"] != "flow.I1"], "no route for flow.I1"),
        ("scorecard_routes", lambda frame: frame.replace("own method", "own methd"), "no route for flow.C5.2"),
        ("printed_identities", lambda frame: frame[frame["number"] != "flow.O2"], "no terms for flow.O2"),
    ],
)
def test_a_number_without_its_route_or_terms_is_told(
    monkeypatch: pytest.MonkeyPatch, table: str, spoil: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    read = tables.read
    monkeypatch.setattr(tables, "read", lambda name, *data: spoil(read(name)) if name == table else read(name, *data))
    with pytest.raises(InputError, match=message):
        scorecard.scorecard()


def test_what_is_copied_or_back_cast_is_never_reproduced() -> None:
    kinds = set(ROWS.loc[ROWS["verdict"] == "reproduced", "kind"])
    assert kinds == {"estimated"}


def test_arithmetic_by_hand() -> None:
    found = scorecard.identities()
    assert found["flow.E2"][0] == pytest.approx(0.8 * (916 + 450))
    assert found["flow.L1"][0] == pytest.approx(101.8)
    assert found["flow.O3.1"][0] == 10682 + 568 - 2895 - 771 - 279
    assert found["flow.O3.1"][1] == pytest.approx(6 * 0.5), "the rounding of the number and of its five terms"
    assert found["claim.mine_share_2018_2020"][0] == pytest.approx(100 * 4236 / 44000)
    assert found["table2.C1.total"][0] == pytest.approx(100 * 0.023 * math.hypot(2205, 967) / 1018)


def test_a_changed_number_changes_its_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    read = tables.read

    def spoilt(name: str, *rest: object) -> pd.DataFrame:
        table = read(name)
        if name == "printed_numbers":
            table.loc[table["number"].isin(["flow.C5.2", "flow.O2"]), "value"] *= 1.05
        return table

    monkeypatch.setattr(tables, "read", spoilt)
    moved = scorecard.scorecard()
    assert moved["verdict"]["flow.C5.2"] == "contradicted"
    assert moved["holds"]["flow.O2"] == 0


def test_motors_made_by_hand() -> None:
    engines = [2.71e6, 2.70e6, 2.50e6, 1.80e6, 1.60e6]
    electric = [13597 + 33813 + 66905, 15474 + 42232 + 81156, 37850 + 34734 + 97850]
    electric += [108205 + 66877 + 110117, 190727 + 114554 + 147246]
    sold = [e / n for e, n in zip(electric, [2540617, 2367147, 2311140, 1631064, 1647181], strict=True)]
    built = [sold[0], 142765 / 1519440, 192304 / 1303135, 172857 / 920928, 224011 / 859575]
    ends = [float(np.dot(engines, share)) for share in (sold, built)]
    middle, sd = scorecard.motors_made()
    assert middle == pytest.approx(sum(ends) / 2, rel=1e-9)
    assert sd == pytest.approx((ends[1] - ends[0]) / 12**0.5, rel=1e-9)


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
