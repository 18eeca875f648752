"""Do the drawings of the front page say what their numbers say?"""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magnetflow.book import front
from magnetflow.studies.united_kingdom import headlines
from magnetflow.studies.united_kingdom.review import scorecard


def test_an_axis_by_hand() -> None:
    assert front.axis([500, 10682]) == front.Axis(0, 12500, (0, 2500, 5000, 7500, 10000, 12500))
    assert front.axis([-592, 7787]).ticks == (-2000, 0, 2000, 4000, 6000, 8000)
    assert front.axis([-592, 7787]).place(0) == pytest.approx(20)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9).filter(lambda values: max(map(abs, values)) > 1e-3))
def test_an_axis_holds_zero_and_all_values_with_even_ticks(values: list[float]) -> None:
    found = front.axis(values)
    assert found.first <= min(0, *values)
    assert found.last >= max(0, *values)
    assert 2 <= len(found.ticks) <= front.STEPS_OF_AXIS + 3
    steps = [later - tick for tick, later in pairwise(found.ticks)]
    assert steps == pytest.approx([steps[0]] * len(steps))
    assert found.ticks[-1] == pytest.approx(found.last)
    assert any(abs(tick) < 1e-9 * (found.last - found.first) for tick in found.ticks), "zero is a tick"


def test_a_row_is_drawn_where_its_numbers_lie() -> None:
    row = front.Row("Magnets <net>", "magnets.html", 7500, 1250, -1250, 2500, scorecard.OUTSIDE)
    page = front.ranges({"Trade": [row]}, "What is traded.")
    places = dict(re.findall(r'class="mf-(dot|diamond|zero)" style="left:([\d.]+)%"', page))
    # From -2,000 to 8,000: zero at a fifth, the dot at 3,250 of 10,000.
    assert places == {"zero": "20.0", "dot": "32.5", "diamond": "95.0"}
    assert 'class="mf-range" style="left:7.5%;width:37.5%"' in page
    assert "1,250 (\N{MINUS SIGN}1,250 to 2,500)" in page
    assert "Magnets &lt;net&gt;" in page
    assert "outside bounds</td>" in page


def test_every_number_has_a_mark_that_leads_to_its_row() -> None:
    rows = scorecard.scorecard()
    page = front.strips(rows)
    anchors = re.findall(rf'href="{front.SCORECARD}#([^"]+)"', page)
    assert sorted(anchors) == sorted(map(front.anchor, rows.index))
    assert len(set(anchors)) == len(anchors)
    assert not re.search(r"[^A-Za-z0-9_-]", "".join(anchors))
    assert set(front.MARKS) == set(scorecard.VERDICTS)
    labels = re.findall(r'aria-label="([^"]+)"', page)
    assert len(labels) == len(rows)
    [wind] = [label for label in labels if "25,748" in label]
    assert wind == "Cumulative wind capacity installed, 2021: 25,748 MW; reproduced"
    for verdict, count in rows["verdict"].value_counts().items():
        assert f"{verdict}: {count}</li>" in page


def test_what_the_front_page_says_of_ranges_holds() -> None:
    """Cars, motors and new turbines within the ranges of this book; the trade in magnets and the wind stock not."""
    found = headlines.headlines()
    within = (found["low"] <= found["printed"]) & (found["printed"] <= found["high"])
    assert within.to_dict() == {
        "net_magnets": False,
        "turbines_in_use": False,
        "cars_in_use": True,
        "new_turbines": True,
        "new_cars": True,
        "motors_made": True,
    }
    passed = scorecard.scorecard()["sigma"][["flow.I3.1", "flow.O3.1", "derived.net_import_magnets"]]
    assert passed.between(-2, 0).all(), "outside the bound, within two standard deviations of the study"
