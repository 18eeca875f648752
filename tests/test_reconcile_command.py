"""The command: what it writes, what a spreadsheet may do to its input, and what is refused with one line."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from bad_folders import BAD, FOLDERS, LAYERED, SPOILERS, SYSTEM, Files
from conftest import ROOT, run_magnetflow
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from magnetflow.cli import main
from magnetflow.cli.reconcile import results_beside
from magnetflow.flows import output


def put(folder: Path, files: Files) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def as_workbook(files: dict[str, str], path: Path) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, text in files.items():
        sheet = book.create_sheet(name.removesuffix(".csv"))
        for row in csv.reader(text.splitlines()):
            sheet.append([_typed(cell) for cell in row])
    book.save(path)
    return path


def _typed(cell: str) -> Any:
    try:
        return float(cell)
    except ValueError:
        return cell or None


def outcome(folder: Path) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """The results in a folder, or else in the one beside it."""
    folder = folder if (folder / "reconciled.csv").exists() else results_beside(folder)
    with (folder / "reconciled.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return rows, json.loads((folder / "report.json").read_text(encoding="utf-8"))


def refused(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """Run the command, expect it to refuse with one line, and return that line."""
    before = sorted((path.name, path.read_bytes()) for path in folder.iterdir()) if folder.is_dir() else None
    assert main(["reconcile", str(folder), *options]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = printed.err.splitlines()
    assert len(lines) == 1, printed.err
    assert len(lines[0]) < 400
    assert lines[0].startswith("magnetflow: ")
    if before is not None:
        assert before == sorted((path.name, path.read_bytes()) for path in folder.iterdir())
    return lines[0]


def test_a_user_types_the_command_and_reads_the_outcome(tmp_path: Path) -> None:
    put(tmp_path / "mine", SYSTEM)
    done = run_magnetflow(tmp_path, "reconcile", "mine", "--out", "results")
    assert done.returncode == 0, done.stderr
    assert "The chi-square test passes: 0.2959 at 2 degrees of freedom" in done.stdout
    assert "1 observable, 2 unobservable, 1 constant" in done.stdout
    rows, report = outcome(tmp_path / "results")
    assert list(rows[0]) == [
        "name",
        "measured",
        "measured_sd",
        "value",
        "sd",
        "class",
        "adjustment",
        "normalised_residual",
        "lower",
        "upper",
        "quantity",
        "process",
        "flow",
        "source",
        "target",
        "layer",
        "period",
        "unit",
    ]
    by_name = {row["name"]: row for row in rows}
    # Cencic 2016, here as a system; m6 and m7 are flows now, so that they are not negative.
    assert float(by_name["F3"]["value"]) == pytest.approx(302.416229, rel=1e-8)
    assert float(by_name["TC of F4"]["sd"]) == pytest.approx(0.037681, abs=1e-6)
    assert by_name["F6"]["value"] == ""
    assert float(by_name["F6"]["upper"]) == pytest.approx(152.42596, rel=1e-6)
    assert float(by_name["F6"]["lower"]) == 0
    assert report["passed"] is True
    assert report["converged"] is True
    assert report["residual_max"] < 1e-9
    assert set(report) >= {
        "objective",
        "degrees_of_freedom",
        "chi2_limit_95",
        "p_value",
        "passed",
        "suspects",
        "converged",
        "iterations",
        "residual_max",
        "messages",
    }


def test_a_failed_test_is_a_finding_and_no_error(tmp_path: Path) -> None:
    done = run_magnetflow(ROOT, "reconcile", "tests/cases/analytic_gross_error", "--out", str(tmp_path))
    assert done.returncode == 0
    assert "FAILS" in done.stdout
    assert "Contradicted balances: n1" in done.stdout
    _, report = outcome(tmp_path)
    assert report["passed"] is False
    assert {suspect["name"] for suspect in report["suspects"]} == {"in", "out"}
    assert report["objective"] == pytest.approx(3960.5)


def test_suspects_are_taken_out_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ROOT / "tests" / "cases" / "vdi2048_steam_circuit_pass1"
    assert main(["reconcile", str(folder), "--out", str(tmp_path), "--eliminate"]) == 0
    assert "Taken out: mFDKEI; then the test passes" in capsys.readouterr().out
    _, report = outcome(tmp_path)
    assert [step["removed"]["name"] for step in report["eliminated"]] == ["mFDKEI"]
    assert report["degrees_of_freedom"] == 2


def test_bounds_can_be_let_go(tmp_path: Path) -> None:
    folder = str(ROOT / "tests" / "cases" / "analytic_nonnegativity")
    assert main(["reconcile", folder, "--out", str(tmp_path / "with")]) == 0
    assert main(["reconcile", folder, "--out", str(tmp_path / "without"), "--no-bounds"]) == 0
    bounded, free = (outcome(tmp_path / name) for name in ("with", "without"))
    assert [float(row["value"]) for row in bounded[0]] == pytest.approx([11, 11, 0])
    assert [float(row["value"]) for row in free[0]] == pytest.approx([10, 12, -2])
    assert bounded[1]["active_bounds"] == {"out2": 0.0}
    assert free[1]["passed"] is None


@pytest.mark.parametrize("kind", FOLDERS)
def test_the_same_bytes_come_out_each_time(kind: str, tmp_path: Path) -> None:
    folder = put(tmp_path / "in", FOLDERS[kind])
    for run in ("one", "two"):
        assert main(["reconcile", str(folder), "--xlsx", "--out", str(tmp_path / run)]) == 0
    for name in ("reconciled.csv", "reconciled.xlsx", "report.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("kind", FOLDERS)
@pytest.mark.parametrize(
    "written",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: (text + "\n\n,,,\n").encode(),
        lambda text: text.rstrip("\n").encode(),
        lambda text: "\n".join(
            ",".join(f'"{cell}"' for cell in line.split(",")) for line in text.split("\n")
        ).encode(),
        lambda text: re.sub(",", " , ", text).encode(),
    ],
    ids=["byte order mark", "CRLF", "CR", "blank rows", "no last line end", "quoted", "spaces"],
)
def test_what_a_spreadsheet_writes_is_read(kind: str, written: Callable[[str], bytes], tmp_path: Path) -> None:
    as_is, changed = put(tmp_path / "a", FOLDERS[kind]), tmp_path / "b"
    put(changed, {name: written(text) if name.endswith(".csv") else text for name, text in FOLDERS[kind].items()})
    for folder in (as_is, changed):
        assert main(["reconcile", str(folder)]) == 0
    assert outcome(as_is) == outcome(changed)


@pytest.mark.parametrize("kind", ["system", "layered"])
def test_a_workbook_gives_what_its_sheets_give(kind: str, tmp_path: Path) -> None:
    folder = put(tmp_path / "sheets", FOLDERS[kind])
    book = as_workbook(FOLDERS[kind], put(tmp_path / "book", {}) / "mine.xlsx")
    assert main(["reconcile", str(folder)]) == 0
    assert main(["reconcile", str(book)]) == 0
    assert outcome(folder) == outcome(book)
    assert main(["reconcile", str(book.parent)]) == 0
    assert outcome(folder) == outcome(book.parent)


@pytest.mark.parametrize(
    ("place", "results"),
    [
        ("flows", "flows-reconciled"),
        ("flows/", "flows-reconciled"),
        ("book.v2.xlsx", "book.v2-reconciled"),
        (".", "../{}-reconciled"),
        ("flows/..", "../{}-reconciled"),
    ],
)
def test_results_lie_in_a_folder_of_their_own_beside_the_input(
    place: str, results: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(put(tmp_path / "here", SYSTEM))
    put(tmp_path / "here" / "flows", SYSTEM)
    as_workbook(SYSTEM, tmp_path / "here" / "book.v2.xlsx")
    before = sorted(Path("flows").iterdir())
    assert main(["reconcile", place]) == 0
    folder = Path(results.format("here"))
    workbook = ["reconciled.xlsx"] if place.endswith(".xlsx") else []
    assert {path.name for path in folder.iterdir()} == {"reconciled.csv", "report.json", *workbook}
    files = ", ".join(["reconciled.csv", *workbook])
    assert f"{files} and report.json are in {results_beside(Path(place))}" in capsys.readouterr().out
    assert results_beside(Path(place)).resolve() == folder.resolve()
    assert sorted(Path("flows").iterdir()) == before, "nothing is written into the input"


def test_pictures_are_drawn_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reconcile", str(put(tmp_path / "mine", LAYERED)), "--picture"]) == 0
    assert (
        "Pictures there: picture.html, and as SVG: picture-goods-2020.svg, picture-metal-2020.svg"
        in capsys.readouterr().out
    )
    drawn = {path.name for path in (tmp_path / "mine-reconciled").iterdir() if path.name.startswith("picture")}
    assert "picture.html" in drawn and "picture-metal-2021.svg" in drawn
    folder = ROOT / "tests" / "cases" / "analytic_equal_sd"
    assert main(["reconcile", str(folder), "--picture", "--out", str(tmp_path / "plain")]) == 0
    assert "No picture: only a system has processes and flows to draw." in capsys.readouterr().out


def test_the_report_has_the_words_of_stan_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two measurements of one flow, 10 and 12, each with sd 1: one balance, χ² 2, and scores of -1 and 1."""
    rows = "flow,source,target,value,sd\nin,,P,10,1\nout,P,,12,1\n"
    assert (
        main(["reconcile", str(put(tmp_path / "a", {"flows.csv": rows, "processes.csv": "process,stock\nP,no\n"}))])
        == 0
    )
    words = outcome(tmp_path / "a")[1]["in_terms_of_stan"]
    assert words["degree_of_over_determination"] == 1
    assert words["objective_function_value"] == pytest.approx(2)
    assert words["quality_of_fit"] == pytest.approx(0.157299, abs=1e-6)
    assert words["standard_scores"] == pytest.approx({"in": -1, "out": 1})
    line = (
        "In terms of STAN: degree of over-determination 1, quality of fit 0.157, largest standard score -1.00 (in)."
    )
    assert line in capsys.readouterr().out


def test_a_large_system_has_no_workbook_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "WORKBOOK_ROWS", 3)
    assert main(["reconcile", str(put(tmp_path / "a", SYSTEM)), "--xlsx"]) == 0
    assert "No reconciled.xlsx: there are more than 3 variables." in capsys.readouterr().out
    assert not (tmp_path / "a-reconciled" / "reconciled.xlsx").exists()


def test_layers_periods_stocks_and_units_hang_together(tmp_path: Path) -> None:
    folder = put(tmp_path, LAYERED)
    assert main(["reconcile", str(folder)]) == 0
    rows, report = outcome(folder)
    value = {row["name"]: float(row["value"]) for row in rows}
    for period in ("2020", "2021"):
        change = value[f"stock change of use [{period}, goods]"]
        assert value[f"imports [{period}, goods]"] - value[f"scrap [{period}, goods]"] == pytest.approx(change)
        share = value["concentration of scrap [metal]"] / 100
        # The metal is in kg, the goods in t.
        metal = value[f"scrap [{period}, metal]"]
        assert metal == pytest.approx(1000 * share * value[f"scrap [{period}, goods]"])
        assert value[f"product [{period}, metal]"] == pytest.approx(value["TC of product [metal]"] * metal)
    assert value["scrap [2021, goods]"] == pytest.approx(
        value["product [2021, goods]"] + value["residue [2021, goods]"] / 1000
    )
    assert value["stock of use [2020, goods]"] - value["stock of use [2019, goods]"] == pytest.approx(
        value["stock change of use [2020, goods]"]
    )
    # 8 balances of processes, 1 of levels, 2 transfers and 4 concentrations, less 10 unmeasured.
    assert report["degrees_of_freedom"] == 5
    assert report["residual_max"] < 1e-9


def test_levels_that_are_years_apart_differ_by_all_changes_between(tmp_path: Path) -> None:
    text = LAYERED["stocks.csv"].replace("level,2020", "level,2021")
    assert main(["reconcile", str(put(tmp_path, {**LAYERED, "stocks.csv": text}))]) == 0
    value = {row["name"]: float(row["value"]) for row in outcome(tmp_path)[0]}
    changes = sum(value[f"stock change of use [{period}, goods]"] for period in ("2020", "2021"))
    assert value["stock of use [2021, goods]"] - value["stock of use [2019, goods]"] == pytest.approx(changes)


@pytest.mark.parametrize("name", ["demonstration", "recycling", "united-kingdom"])
def test_the_examples_are_reconciled(name: str, tmp_path: Path) -> None:
    assert main(["reconcile", str(ROOT / "examples" / name), "--out", str(tmp_path)]) == 0
    rows, report = outcome(tmp_path)
    assert report["passed"] is True
    published = ROOT / "examples" / name / "published.csv"
    if published.exists():
        value = {row["name"]: row for row in rows}
        for answer in csv.DictReader(published.read_text(encoding="utf-8").splitlines()):
            assert float(value[answer["name"]]["value"]) == pytest.approx(float(answer["value"]), rel=2e-6)
            if answer["sd"]:
                assert float(value[answer["name"]]["sd"]) == pytest.approx(float(answer["sd"]), rel=2e-5)


def test_periods_follow_one_another_as_numbers_do(tmp_path: Path) -> None:
    rows = "".join(f"a,,P,{period},100,5\nb,P,,{period},90,5\n" for period in (9, 10, 11))
    stocks = "process,quantity,period,value,sd\nP,level,9,50,1\nP,level,10,60,1\nP,level,11,70,1\n"
    files = {"flows.csv": "flow,source,target,period,value,sd\n" + rows, "processes.csv": "process,stock\nP,yes\n"}
    assert main(["reconcile", str(put(tmp_path, {**files, "stocks.csv": stocks}))]) == 0
    assert outcome(tmp_path)[1]["objective"] == pytest.approx(0, abs=1e-12)


def test_a_substance_that_is_absent_from_some_flows_is_reconciled(tmp_path: Path) -> None:
    flows = "flow,source,target,value,sd,unit\na,,P1,103.7,10,t\n"
    flows += "".join(f"b{at},P1,,{13.3 + 7 * at},{3.1 + at},t\n" for at in range(6))
    content = "flow,layer,value,sd,unit\na,metal,30,1,%\n"
    content += "".join(f"b{at},metal,{0 if at % 2 else 41.3},{'' if at % 2 else 5},%\n" for at in range(6))
    files = {"flows.csv": flows, "processes.csv": "process,stock\nP1,no\n", "concentrations.csv": content}
    assert main(["reconcile", str(put(tmp_path, files))]) == 0
    assert not any("starts" in message for message in outcome(tmp_path)[1]["messages"])


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {**SYSTEM, "covariance.csv": "variable_a,variable_b,covariance\nF1,F4,1\n"},
            "column variable_b: 'F4' is not measured",
        ),
        ({**SYSTEM, "covariance.csv": "variable_a,variable_b,covariance\nF1,F3,999\n"}, "larger than the product"),
        ({**SYSTEM, "covariance.csv": "variable_a,variable_b,covariance\nF1,F9,1\n"}, "'F9' is not in the list"),
        ({**SYSTEM, "equations.txt": "# half\nF1 - F99\n"}, "equations.txt, row 2: 'F99' is not in the list"),
        ({**SYSTEM, "transfer_coeficients.csv": "flow,value,sd\nF4,0.5,0.05\n"}, "call it transfer_coefficients,"),
    ],
)
def test_a_file_that_would_not_be_read_is_told(
    files: Files, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in refused(put(tmp_path, files), capsys)


@pytest.mark.parametrize(
    ("variables", "equations"),
    [
        ("x,0,0.1,measured,,\ny,,,unmeasured,0,\n", "y**0.5 - x"),
        ("a,0,1,measured,0,\nb,0,1,measured,0,\nr,0.5,0.1,measured,,\n", "a / b - r"),
        ("a,1e300,1,measured,,\nb,1,1,measured,,\n", "1e300 * a - b"),
    ],
)
def test_what_cannot_be_computed_is_one_line(
    variables: str, equations: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"variables.csv": "name,value,sd,status,lower,upper\n" + variables, "equations.txt": equations}
    refused(put(tmp_path, files), capsys)


def test_flows_of_a_system_may_covary(tmp_path: Path) -> None:
    """By hand: a = b + c, b and c with sd 3 and 4 and covariance 6, a unmeasured: var a = 9 + 16 + 2 * 6."""
    files = {
        "flows.csv": "flow,source,target,layer,value,sd\na,,P,x,,\nb,P,,x,10,3\nc,P,,x,20,4\n"
        "a,,P,y,,\nb,P,,y,1,1\nc,P,,y,2,1\n",
        "processes.csv": "process,stock\nP,no\n",
        "covariance.csv": "variable_a,variable_b,covariance\nb [x],c [x],6\n",
    }
    assert main(["reconcile", str(put(tmp_path, files))]) == 0
    sd = {row["name"]: float(row["sd"]) for row in outcome(tmp_path)[0]}
    assert sd["a [x]"] == pytest.approx(37**0.5)
    assert sd["a [y]"] == pytest.approx(2**0.5)


def test_an_exact_flow_may_say_so_by_an_empty_sd(tmp_path: Path) -> None:
    assert main(["reconcile", str(put(tmp_path, SYSTEM))]) == 0
    rows, _ = outcome(tmp_path)
    assert {row["name"] for row in rows if row["class"] == "constant"} == {"F2"}


@pytest.mark.parametrize(("kind", "spoil", "expected"), BAD)
def test_bad_input_is_refused_with_one_line_and_nothing_is_lost(
    kind: str,
    spoil: Callable[[dict[str, str]], Files],
    expected: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # An earlier outcome must stand.
    folder, earlier = put(tmp_path / "mine", spoil(FOLDERS[kind])), {"reconciled.csv": "earlier", "report.json": "x"}
    put(results_beside(folder), earlier)
    line = refused(folder, capsys)
    assert {path.name: path.read_text("utf-8") for path in results_beside(folder).iterdir()} == earlier
    for words in expected:
        assert words in line, line


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no such folder" in refused(tmp_path / "nowhere", capsys)
    assert "is no file that is read; name a folder" in refused(put(tmp_path / "x", {"a.txt": ""}) / "a.txt", capsys)


def test_workbooks_that_cannot_be_meant_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = put(tmp_path / "mine", {"a.xlsx": "not a workbook"})
    assert "not a workbook" in refused(folder, capsys)
    as_workbook(SYSTEM, folder / "b.xlsx")
    assert "2 .xlsx files" in refused(folder, capsys)
    (folder / "a.xlsx").unlink()
    book = openpyxl.load_workbook(folder / "b.xlsx")
    book["flows"]["D2"] = "=50+50"
    book.save(folder / "b.xlsx")
    assert "b.xlsx, sheet flows, row 2: a formula without its result" in refused(folder, capsys)
    book["flows"]["D2"] = "1,234.5"
    book.save(folder / "b.xlsx")
    assert "b.xlsx, sheet flows, row 2, column value" in refused(folder, capsys)
    whole = (folder / "b.xlsx").read_bytes()
    (folder / "b.xlsx").write_bytes(whole[: len(whole) // 2])
    assert "not a workbook" in refused(folder, capsys)


def test_an_output_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = put(tmp_path / "mine", SYSTEM)
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert "cannot be written" in refused(folder, capsys, "--out", str(tmp_path / "file"))


@pytest.mark.parametrize(
    ("part", "count"), [(0, 40), *(pytest.param(part, 2_000, marks=pytest.mark.long) for part in range(1, 5))]
)
def test_no_mutation_of_a_folder_ends_in_a_traceback(part: int, count: int, tmp_path: Path) -> None:
    """8,000 folders in all: cells, rows and files changed at random; each is reconciled or refused in one line."""
    codes: list[int] = []

    @settings(max_examples=count, suppress_health_check=list(HealthCheck))
    @seed(part)
    @given(st.randoms(use_true_random=False))
    def each(drawn: random.Random) -> None:
        files = dict(drawn.choice(list(FOLDERS.values())))
        for _ in range(drawn.choice((1, 1, 1, 2, 4))):
            name = drawn.choice(sorted(files))
            files[name] = mutated(files[name], drawn)
        if drawn.random() < 0.05:
            files.pop(drawn.choice(sorted(files)))
        folder = tmp_path / f"{len(codes)}"
        put(folder, {name: text.encode("utf-8", errors="surrogateescape") for name, text in files.items()})
        out, err = io.StringIO(), io.StringIO()
        options = drawn.choice([[], [], ["--picture"]])
        with redirect_stdout(out), redirect_stderr(err):
            codes.append(main(["reconcile", str(folder), *options]))
        assert codes[-1] in (0, 2), (files, err.getvalue())
        assert len(err.getvalue().splitlines()) == (codes[-1] == 2), (files, err.getvalue())
        results = results_beside(folder)
        assert (results / "reconciled.csv").exists() == (results / "report.json").exists() == (codes[-1] == 0)
        shutil.rmtree(folder)
        shutil.rmtree(results, ignore_errors=True)

    each()
    assert len(codes) >= 0.8 * count
    assert 0.1 < codes.count(2) / len(codes) < 0.95


def mutated(text: str, drawn: random.Random) -> str:
    at, kind = drawn.randrange(len(text) + 1), drawn.randrange(6)
    lines = text.split("\n")
    row = drawn.randrange(len(lines))
    if kind == 0:
        return text[:at] + drawn.choice(SPOILERS) + text[at:]
    if kind == 1:
        return text[:at] + text[at + drawn.randrange(1, 8) :]
    if kind == 2:
        return "\n".join([*lines[:row], *lines[row + 1 :]])
    if kind == 3:
        return "\n".join([*lines[: row + 1], *lines[row:]])
    cells = lines[row].split(",")
    cell = drawn.randrange(len(cells))
    if kind == 4:
        cells[cell] = drawn.choice(SPOILERS)
    else:
        cells[cell] = drawn.choice(["1e-300", "-5", "1e12", "0.0000001", "7", "1e30", "-1e-9"])
    return "\n".join([*lines[:row], ",".join(cells), *lines[row + 1 :]])


def test_what_is_not_read_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "in"
    shutil.copytree(ROOT / "examples" / "recycling", folder)
    (folder / "remarks.csv").write_text("who,what\nme,something\n", encoding="utf-8")
    for out in (folder, tmp_path / "out"):  # results that lie there from the first time are no input
        assert main(["reconcile", str(folder), "--out", str(out)]) == 0
        assert "\nNote: not read: remarks.csv.\n" in capsys.readouterr().out
