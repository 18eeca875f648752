"""Flow diagrams: nothing overlaps, ribbons keep mass, the files are well formed and ask for nothing outside."""

from __future__ import annotations

import io
import math
import re
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from magnetflow.drawing import sankey
from magnetflow.drawing.layout import arrange, columns, ordered
from magnetflow.drawing.sankey import CALCULATED, UNDETERMINED, Box, Diagram, Node, Ribbon, page, svg, text_width
from magnetflow.flows import output
from magnetflow.flows.folder import read
from magnetflow.flows.records import Figure, Flow, Place, Process
from magnetflow.flows.system import System
from magnetflow.inference.reconcile import Reconciliation, reconcile

SVG = "{http://www.w3.org/2000/svg}"
NUMBER = r"-?[0-9.]+(?:e-?[0-9]+)?"


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def boxes(root: ElementTree.Element, *kinds: str) -> dict[str, Box]:
    """The rectangles of some kinds, by their title."""
    found = {}
    for rect in root.iter(f"{SVG}rect"):
        title = rect.find(f"{SVG}title")
        if rect.get("class") in kinds and title is not None:
            found[str(title.text)] = Box(*(float(rect.attrib[side]) for side in ("x", "y", "width", "height")))
    return found


def texts(root: ElementTree.Element) -> list[Box]:
    """The lines of text, as wide as the drawing takes them to be."""
    found = []
    for text in root.iter(f"{SVG}text"):
        wide, x, y = text_width(text.text or ""), float(text.attrib["x"]), float(text.attrib["y"])
        found.append(Box(x - wide / 2 if text.get("class") == "middle" else x, y - 10, wide, 12))
    return found


def ends(root: ElementTree.Element) -> dict[str, tuple[Box, Box]]:
    """The two ends of each ribbon that has a width, by its name: boxes without width."""
    found = {}
    for path in root.iter(f"{SVG}path"):
        if not path.attrib["d"].endswith("Z"):
            continue
        out, back = path.attrib["d"].strip("MZ").split("L", 1) if "Q" not in path.attrib["d"] else ("", "")
        title = str(path.find(f"{SVG}title").text)  # type: ignore[union-attr]
        if out:
            there, again = ([float(number) for number in re.findall(NUMBER, side)] for side in (out, back))
            found[title.split(", from ")[0]] = (
                Box(there[0], there[1], 0, again[-1] - there[1]),
                Box(there[-2], there[-1], 0, again[1] - there[-1]),
            )
    return found


def overlapping(found: list[Box]) -> list[tuple[Box, Box]]:
    """Pairs that share more than rounding to a tenth of a pixel could make of two that touch."""
    shrunk = [Box(box.x + 0.2, box.y + 0.2, box.width - 0.4, box.height - 0.4) for box in found]
    return [
        (one, other)
        for one, other in combinations(shrunk, 2)
        if one.x < other.x + other.width and other.x < one.x + one.width
        if one.y < other.y + other.height and other.y < one.y + one.height
    ]


@st.composite
def diagrams(draw: st.DrawFn) -> Diagram:
    """Any processes, flows between them, from outside and to it, in circles too, and stocks."""
    count = draw(st.integers(2, 9))
    numbers = st.one_of(st.floats(0, 1000), st.just(0.0), st.just(math.nan), st.floats(1e-6, 1e6))
    words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=30)
    nodes = {f"P{at}": Node(draw(words), stock=draw(st.sampled_from([0.0, 3.0, -40.0]))) for at in range(count)}
    ribbons = []
    for at in range(draw(st.integers(1, 16))):
        pair = draw(st.lists(st.integers(-1, count - 1), min_size=2, max_size=2, unique=True))
        names = []
        for side, which in enumerate(pair):
            names.append(f"P{which}" if which >= 0 else f"F{at} {side}")
            nodes.setdefault(names[-1], Node(f"F{at}", ("5 ± 1 t",), is_process=False))
        value = draw(numbers)
        kind = UNDETERMINED if math.isnan(value) else draw(st.sampled_from([sankey.MEASURED, CALCULATED]))
        ribbons.append(Ribbon(f"F{at}", names[0], names[1], value, "5 ± 1 t", kind))
    return Diagram("goods, 2020", "t", nodes, ribbons)


@settings(max_examples=150, deadline=None)
@given(diagrams())
def test_nothing_overlaps_and_ribbons_keep_mass(diagram: Diagram) -> None:
    text = svg(diagram)
    root = parsed(text)
    assert svg(diagram) == text
    bars = [
        Box(*(float(rect.attrib[side]) for side in ("x", "y", "width", "height")))
        for rect in root.iter(f"{SVG}rect")
        if rect.get("class") in ("node", "end") and rect.find(f"{SVG}title") is not None
    ]
    assert len(bars) == len(diagram.nodes)
    assert not overlapping(bars)
    assert not overlapping([*texts(root), *bars])
    left, top, wide, high = map(float, root.attrib["viewBox"].split())
    for box in [*bars, *texts(root)]:
        assert left <= box.x and box.x + box.width <= left + wide
        assert top <= box.y and box.y + box.height <= top + high
    found = ends(root)
    thick = {
        ribbon.name: ribbon.value
        for ribbon in diagram.ribbons
        if ribbon.name in found and min(end.height for end in found[ribbon.name]) > 1.1
    }
    widths = {name: found[name][0].height for name in thick}
    for name in thick:
        assert found[name][0].height == pytest.approx(found[name][1].height, abs=0.11)
        largest = max(thick, key=lambda one: thick[one])
        assert widths[name] == pytest.approx(widths[largest] * thick[name] / thick[largest], abs=0.3)
    # Each end lies within one bar, and beside the others that it has there.
    for side in (0, 1):
        at_one_side = [pair[side] for pair in found.values()]
        for end in at_one_side:
            x = end.x - sankey.BAR if side == 0 else end.x
            assert any(
                bar.x == pytest.approx(x, abs=0.11)
                and bar.y - 0.11 <= end.y
                and end.y + end.height <= bar.y + bar.height + 0.11
                for bar in bars
            )
        assert not overlapping([Box(end.x, end.y, 1, end.height) for end in at_one_side])


def test_an_overlap_would_be_seen() -> None:
    assert overlapping([Box(0, 0, 10, 10), Box(9, 9, 10, 10)])
    assert not overlapping([Box(0, 0, 10, 10), Box(10, 0, 10, 10)])
    pushed = parsed(svg(simple()).replace('x="840"', 'x="560"'))
    assert overlapping(list(boxes(pushed, "node", "end").values())), "the last bar pushed onto the one before"


def simple(**more: Any) -> Diagram:
    nodes = {
        "in": Node("Ore", ("10 ± 1 t",), is_process=False),
        "A": Node("Works", ("stock +4 t",), stock=4.0),
        "B": Node("Shop"),
        "out": Node("Sold", is_process=False),
    }
    ribbons = [Ribbon("Ore", "in", "A", 10, "10 ± 1 t"), Ribbon("Wire", "A", "B", 6, "6.0 ± 0.5 t", CALCULATED)]
    ribbons.append(Ribbon("Sold", "B", "out", 6, "6 t"))
    return Diagram(**{"heading": "goods", "unit": "t", "nodes": nodes, "ribbons": ribbons, **more})


def test_widths_and_stocks_by_hand() -> None:
    """10 t in, 6 t out, 4 t to stock: the fullest column is 10 t high, 340 px."""
    root = parsed(svg(simple()))
    bars = boxes(root, "node", "end")
    assert [round(box.height) for box in bars.values()] == [340, 340, 204, 204]
    assert [bar.x for bar in bars.values()] == sorted(bar.x for bar in bars.values())
    [stock] = boxes(root, "stock").values()
    works = bars["Works, stock +4 t"]
    assert stock.height == pytest.approx(136)
    assert stock.y + stock.height == pytest.approx(works.y + works.height)
    assert stock.x > works.x, "on the side of what leaves"
    assert {name: round(pair[0].height) for name, pair in ends(root).items()} == {
        "Ore": 340,
        "Wire": 204,
        "Sold": 204,
    }
    title = "Wire, from Works to Shop: 6.0 ± 0.5 t (calculated from the others)"
    assert title in [element.text for element in root.iter(f"{SVG}title")]
    drawn = simple(nodes={**simple().nodes, "A": Node("Works", stock=-4.0)}, ribbons=simple().ribbons[1:])
    root = parsed(svg(drawn._replace(nodes={name: node for name, node in drawn.nodes.items() if name != "in"})))
    [stock] = boxes(root, "stock").values()
    assert stock.x < boxes(root, "node")["Works"].x, "on the side of what enters"


def test_a_loop_is_led_round_below_with_an_arrow() -> None:
    diagram = simple(ribbons=[*simple().ribbons, Ribbon("Returns", "B", "A", 2, "2 t")])
    root = parsed(svg(diagram))
    lowest = max(box.y + box.height for box in boxes(root, "node", "end").values())
    [path] = [path.attrib["d"] for path in root.iter(f"{SVG}path") if "Q" in path.attrib["d"]]
    numbers = [float(number) for number in re.findall(NUMBER, path)]
    assert max(numbers[1::2]) > lowest + 2 * sankey.TURN
    assert "← Returns" in [text.text for text in root.iter(f"{SVG}text")]


def test_what_is_not_determined_is_a_dotted_line() -> None:
    diagram = simple(
        ribbons=[*simple().ribbons[:2], Ribbon("Sold", "B", "out", math.nan, "at most 6 t", UNDETERMINED)]
    )
    root = parsed(svg(diagram))
    [path] = [path for path in root.iter(f"{SVG}path") if path.get("class") == UNDETERMINED]
    assert not path.attrib["d"].endswith("Z")
    assert re.search(r"\.undetermined \{[^}]*stroke-dasharray", sankey.STYLE)
    assert re.search(r"\.calculated \{[^}]*stroke-dasharray", sankey.STYLE)


def test_signs_of_markup_and_wide_scripts_are_shown_as_they_are() -> None:
    label = 'Magnets & <store> "west"\' 磁石のリサイクル工場と倉庫'
    diagram = simple(nodes={**simple().nodes, "A": Node(label)}, heading="<b>&")
    root = parsed(svg(diagram))
    whole = "".join(text.text or "" for text in root.iter(f"{SVG}text"))
    assert "<store>" in whole and "磁石" in whole
    assert text_width("磁石") == 2 * text_width("ab")
    assert "<b>" not in page("<i>", [diagram]).replace("<body>", "")


def test_a_drawing_says_what_it_shows_and_follows_the_light() -> None:
    root = parsed(svg(simple(), number=3))
    assert root.get("role") == "img"
    named = {element.get("id"): element.text for element in root.iter() if element.get("id")}
    assert root.attrib["aria-labelledby"].split() == list(named) == ["title-3", "description-3"]
    assert named["description-3"] == "3 flows and 2 processes; the largest is Ore, 10 ± 1 t."
    assert "prefers-color-scheme: dark" in sankey.STYLE and "prefers-color-scheme: dark" in sankey.PAGE


def outside_references(text: str) -> list[str]:
    return re.findall(r"(?:https?:)?//[^\s\"'<)]+|(?:src|@import|url\()[^\s]*", text.replace(SVG[1:-1], ""))


def test_a_page_asks_for_nothing_outside_and_has_a_table_of_the_flows() -> None:
    text = page("Recycling", [simple(), simple(heading="metal")])
    assert not outside_references(text)
    assert outside_references('<img src="x.png">') and outside_references("see https://example.org")
    assert "<script" not in text
    tables = re.findall(r"<table>.*?</table>", text)
    assert len(tables) == 2
    assert (
        "<td>Wire</td><td>Works</td><td>Shop</td><td>6.0 ± 0.5 t</td><td>calculated from the others</td>" in tables[0]
    )
    assert "<td>Ore</td><td>outside</td><td>Works</td>" in tables[0]
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(ids)


def test_columns_follow_the_longest_way_and_loops_run_against_least() -> None:
    links = [("a", "b", 5.0), ("b", "c", 5.0), ("a", "c", 1.0), ("c", "a", 0.5), ("d", "c", 1.0)]
    order = ordered(["c", "b", "a", "d"], links)
    assert columns(order, links) == {"a": 0, "b": 1, "c": 2, "d": 1}, "d stands just before what it feeds"
    places = arrange(columns(order, links), links, dict.fromkeys("abcd", 10.0), 5.0)
    lane = places.top[2, 1]
    for name in ("b", "d"):
        assert abs(lane + 0.5 - places.top[name] - 5.0) >= 10.5, "the lane of a to c crosses no node"


# From results to files --------------------------------------------------------------------------------------------


def results(name: str) -> Reconciliation:
    return reconcile(read(ROOT / "examples" / name))


def test_each_layer_and_period_has_a_drawing_and_all_are_on_one_page() -> None:
    files = output.pictures(results("recycling"), "recycling")
    assert set(files) == {
        output.PAGE,
        *(f"picture-{layer}-{period}.svg" for layer in ("goods", "metal") for period in (2020, 2021)),
    }
    assert files == output.pictures(results("recycling"), "recycling")
    for name, content in files.items():
        assert not outside_references(content.decode()), name
        if name != output.PAGE:
            root = parsed(content.decode())
            assert not overlapping([*texts(root), *boxes(root, "node", "end").values()])


@pytest.mark.parametrize("name", ["demonstration", "united-kingdom"])
def test_drawings_of_the_examples_overlap_nowhere(name: str) -> None:
    for file, content in output.pictures(results(name), name).items():
        if file.endswith(".svg"):
            root = parsed(content.decode())
            assert not overlapping([*texts(root), *boxes(root, "node", "end").values()]), file


def test_what_is_outside_is_drawn_flow_by_flow() -> None:
    drawn = {diagram.heading: diagram for diagram in output.diagrams(results("united-kingdom"))}["all"]
    processes = {node.label for node in drawn.nodes.values() if node.is_process}
    assert "rest of world" not in processes, "it takes in another amount than it gives out"
    assert "REE compounds market" in processes


def test_a_name_that_looks_like_a_formula_stays_a_name() -> None:
    flows = {"=1+1": Flow("", "P"), "out": Flow("P", "")}
    system = System({"P": Process()}, flows, {("=1+1", Place()): Figure(1, 0.1), ("out", Place()): Figure(2, 0.1)})
    book = openpyxl.load_workbook(io.BytesIO(output.workbook(reconcile(system.problem()))))
    assert (book["flows"]["A2"].value, book["flows"]["A2"].data_type) == ("=1+1", "s")


def test_plain_equations_have_no_picture() -> None:
    plain = reconcile(read(ROOT / "tests" / "cases" / "analytic_gross_error"))
    assert output.pictures(plain, "plain") == {}
    sheet = openpyxl.load_workbook(io.BytesIO(output.workbook(plain)))["variables"]
    assert [cell.value for cell in sheet[1]] == ["name", *output.FIGURES]


def test_a_large_system_is_drawn_by_its_largest_flows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "DRAWN", 2)
    diagram = output.diagrams(results("demonstration"))[0]
    assert diagram.heading == "flows: the 2 largest of 7 flows"
    assert [ribbon.name for ribbon in diagram.ribbons] == ["m3", "m5"]


def test_a_stock_in_another_kind_of_unit_is_told_and_not_drawn_to_scale() -> None:
    """Flows per year and a change per period of unknown length: the text has the change, and no bar has its width."""
    system = System(
        {"use": Process(stock=True)},
        {"in": Flow("", "use"), "out": Flow("use", "")},
        {("in", Place("2020")): Figure(5, 1, unit="t/a"), ("out", Place("2020")): Figure(3, 1, unit="t/a")},
        changes={("use", Place("2020")): Figure(2, 0.5, unit="t")},
    )
    [diagram] = output.diagrams(reconcile(system.problem()))
    assert diagram.nodes["use"].stock == 0.0
    assert diagram.nodes["use"].notes == ("stock +2.00 ± 0.47 t",)


def test_a_process_whose_small_flows_are_left_out_stays_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "DRAWN", 2)
    flows = {"in": Flow("", "P"), "out": Flow("P", ""), "a little": Flow("P", "")}
    system = System(
        {"P": Process()}, flows, {(name, Place()): Figure(at, 1) for name, at in zip(flows, (10, 8, 2), strict=True)}
    )
    [diagram] = output.diagrams(reconcile(system.problem()))
    assert [node.label for node in diagram.nodes.values() if node.is_process] == ["P"]
    assert [ribbon.name for ribbon in diagram.ribbons] == ["in", "out"]


def test_flows_below_zero_and_units_that_differ_are_drawn_to_one_scale() -> None:
    system = System(
        {"A": Process(), "B": Process()},
        {"a": Flow("", "A"), "b": Flow("A", "B"), "c": Flow("B", "")},
        {
            ("a", Place()): Figure(-1000, 10, lower=-math.inf, unit="kg"),
            ("b", Place()): Figure(-1, 0.1, lower=-math.inf, unit="t"),
            ("c", Place()): Figure(lower=-math.inf, unit="t"),
        },
    )
    [diagram] = output.diagrams(reconcile(system.problem().without_bounds()))
    assert [round(ribbon.value) for ribbon in diagram.ribbons] == [1000, 1000, 1000]
    assert diagram.ribbons[1].source == "B", "a flow below zero runs the other way"
    assert diagram.ribbons[1].text.startswith("-1.0")


@pytest.mark.parametrize(
    ("value", "sd", "shown"),
    [
        (302.4162, 22.6086, "302 ± 23 t"),
        (2205.3, 50.7, "2,205 ± 51 t"),
        (28012.0, 2384.0, "28,000 ± 2,400 t"),
        (0.00123456, 0.000067, "0.001235 ± 0.000067 t"),
        (5e-9, 1e-10, "5e-09 ± 1e-10 t"),
        (50.0, 0.0, "50 t"),
        (123456.7, 0.0, "123,457 t"),
        (-0.0, 0.0, "0 t"),
        (70.9, math.nan, "70.9 t"),
    ],
)
def test_amounts_are_rounded_to_their_sd(value: float, sd: float, shown: str) -> None:
    assert output.amount({"value": value, "sd": sd, "unit": "t"}) == shown


def test_amounts_that_are_not_determined_have_their_range() -> None:
    row = {"value": math.nan, "sd": math.nan, "unit": ""}
    assert output.amount({**row, "lower": -0.0, "upper": 152.43}) == "at most 152.4"
    assert output.amount({**row, "lower": 3.0, "upper": math.inf}) == "at least 3"
    assert output.amount({**row, "lower": math.nan, "upper": math.nan}) == "not determined"


def test_the_workbook_has_the_sheets_of_the_input_with_results_beside(tmp_path: Path) -> None:
    solved = results("recycling")
    assert output.workbook(solved) == output.workbook(solved)
    book = openpyxl.load_workbook(io.BytesIO(output.workbook(solved)))
    assert book.sheetnames == ["flows", "stocks", "transfer_coefficients", "concentrations"]
    by_name = solved.table().set_index("name")
    for sheet in book:
        header, *rows = sheet.iter_rows(values_only=True)
        assert header[-len(output.FIGURES) :] == output.FIGURES
        for row in rows:
            cells = dict(zip(header, row, strict=True))
            assert not isinstance(cells["reconciled"], str)
            if sheet.title == "flows" and cells["flow"] == "scrap" and cells["layer"] == "goods":
                found = by_name.loc[f"scrap [{cells['period']}, goods]"]
                assert (cells["source"], cells["target"], cells["unit"]) == ("use", "plant", "t")
                assert cells["value"] == found["measured"] and cells["sd"] == found["measured_sd"]
                assert cells["reconciled"] == pytest.approx(found["value"])
                assert cells["reconciled_sd"] == pytest.approx(found["sd"])
    stocks = [
        dict(zip([cell.value for cell in book["stocks"][1]], row, strict=True))
        for row in book["stocks"].iter_rows(min_row=2, values_only=True)
    ]
    assert {row["quantity"] for row in stocks} == {"level", "change"}
    assert [(row["lower"], row["upper"]) for row in stocks if row["quantity"] == "change"] == [(None, None)] * 4
    assert {row["process"] for row in stocks} == {"use"}
    [share] = list(book["transfer_coefficients"].iter_rows(min_row=2, values_only=True))
    assert share[:4] == ("product", "plant", None, "metal")


def test_a_loop_that_carries_most_stays_on_the_paper_and_between_columns(tmp_path: Path) -> None:
    (tmp_path / "flows.csv").write_text(
        "flow,source,target,value,sd\nore,,smelter,300,3\nmetal,smelter,works,2945,9\n"
        "scrap,works,smelter,2655,9\ngoods,works,,290,3\nslag,smelter,,10,1\n"
    )
    (tmp_path / "processes.csv").write_text("process\nsmelter\nworks\n")
    [diagram] = output.diagrams(reconcile(read(tmp_path)))
    drawn = sankey.svg(diagram)
    left, _, width, _ = map(float, re.findall(r'viewBox="([^"]*)"', drawn)[0].split())
    [scrap] = [
        path for path in re.findall(r'<path class="measured" d="([^"]*)"><title>([^<]*)', drawn) if "scrap" in path[1]
    ]
    corners = [float(x) for x in re.findall(r"[MLQ](-?[0-9.]+) ", scrap[0])]
    assert left <= min(corners) and max(corners) <= left + width
    assert diagram.description.startswith("5 flows and 2 processes;")
