"""What users have is read as they mean it, or refused with the cure: encodings, separators, numbers, workbooks."""

from __future__ import annotations

import csv
import datetime
import io
import math
import random
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.chart import BarChart

from magnetflow.errors import TableError
from magnetflow.flows.folder import read
from magnetflow.flows.records import Place
from magnetflow.flows.system import System
from magnetflow.inference.reconcile import reconcile
from magnetflow.tables.sheets import Sheet, read_sheets, unread
from magnetflow.tables.writing import workbook_bytes

NAMES = {
    "flows",
    "processes",
    "stocks",
    "transfer_coefficients",
    "concentrations",
    "variables",
    "balances",
    "options",
}
FLOWS = "flow,source,target,value,sd,unit,note\nAbfälle,,Übergabe,12.5,1,t,a note\nRest,Übergabe,,7.25,,t,\n"
ROWS: list[list[object]] = [["flow", "value"], ["F1", 1]]
PROCESSES = "process,stock\nÜbergabe,yes\n"


def put(folder: Path, **files: str | bytes) -> Path:
    for name, content in files.items():
        path = folder / (name if "." in name else f"{name}.csv")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def book(path: Path, **sheets: Sequence[Sequence[object]]) -> openpyxl.Workbook:
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    made.save(path)
    return made


def cells(sheet: Sheet) -> list[dict[str, str]]:
    return [{column: row.optional(column) for column in sheet.columns} for row in sheet.rows]


def refusal(read: Callable[[], object]) -> str:
    with pytest.raises(TableError) as caught:
        read()
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert len(text) < 400
    return text


# Encodings, separators and line ends


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_table_is_the_same_however_it_is_saved(encoding: str, separator: str, end: str, tmp_path: Path) -> None:
    plain = read_sheets(put(tmp_path, flows=FLOWS, processes=PROCESSES), NAMES)
    other = tmp_path / "other"
    other.mkdir()
    saved = FLOWS.replace(",", separator).replace("\n", end).encode(encoding)
    assert cells(read_sheets(put(other, flows=saved), NAMES)["flows"]) == cells(plain["flows"])


def test_a_guessed_encoding_is_remarked(tmp_path: Path) -> None:
    sheet = read_sheets(put(tmp_path, flows=FLOWS.encode("cp1252")), NAMES)["flows"]
    assert sheet.remark == "flows.csv is not UTF-8 and was read as Windows-1252"
    assert read_sheets(put(tmp_path, flows=FLOWS), NAMES)["flows"].remark == ""


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (FLOWS.encode() + "ä".encode("cp1252"), "flows.csv, row 4: byte 0xe4 is not UTF-8"),  # UTF-8 and not
        (FLOWS.encode("cp1252") + b"\x81", "flows.csv, row 4: byte 0x81 is not UTF-8"),  # nor Windows-1252
        (FLOWS.encode("utf-16")[:-1], "is not UTF-16"),
        (FLOWS.encode("utf-16-le"), "holds zero bytes"),
        (FLOWS.encode("utf-32"), "holds zero bytes"),
        (b"\x00\x01\x02", "holds zero bytes"),
        (b"", "no rows"),
        (b"\xff\xfe", "no rows"),
    ],
)
def test_a_file_of_no_known_encoding_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    assert words in refusal(lambda: read_sheets(put(tmp_path, flows=content), NAMES))


def test_the_separator_that_excel_writes_first_is_read_past(tmp_path: Path) -> None:
    put(tmp_path, flows="sep=;\n" + FLOWS.replace(",", ";"))
    assert [row.number for row in read_sheets(tmp_path, NAMES)["flows"].rows] == [3, 4]


def test_a_separator_counts_only_outside_of_quotes_and_comments(tmp_path: Path) -> None:
    rows = "".join(f'F{at};"a, b, c, d, e";;{at},5;;t;x, y\n' for at in range(5))
    put(tmp_path, flows="# one, two, three\nFlows, in t\n\n" + FLOWS.split("\n")[0].replace(",", ";") + "\n" + rows)
    sheet = read_sheets(tmp_path, NAMES)["flows"]
    assert sheet.header == 4
    assert [row.number_in("value") for row in sheet.rows] == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert sheet.rows[0].text("source") == "a, b, c, d, e"


def test_lines_within_a_quoted_note_do_not_choose_the_separator(tmp_path: Path) -> None:
    put(tmp_path, flows='flow,value,note\nF1,1,"a; b\nc; d\ne; f\ng; h\n"\n')
    assert read_sheets(tmp_path, NAMES)["flows"].columns == ("flow", "value", "note")


# Numbers


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize(
    ("beside", "found", "number"),
    [
        ("3,5", "1,5", 1.5),
        ("3,5", "1,234", 1.234),
        ("3,5", "1.5", 1.5),  # can be nothing else
        ("3,5", "1234", 1234),
        ("3,5", "-0,125", -0.125),
        ("3,5", "1,5e3", 1500),
        ("3.5", "1.234", 1.234),
        ("7", "1.5", 1.5),
        ("7", "1,5", 1.5),
        ("7", "0,123", 0.123),
        ("7", "1234,567", 1234.567),
        ("7,5%", "1,234", 1.234),
        ("±7,5", "1,234", 1.234),
        ("3,5", "1.234", "could be 1234 or 1.234; write 1234 or 1,2340"),
        ("3.5", "1,234", "could be 1234 or 1.234; write 1234 or 1.2340"),
        ("7", "1.234", "could be 1234 or 1.234"),
        ("7", "1,234", "could be 1234 or 1.234"),
        ("7", "-12.345", "could be -12345 or -12.345"),
        ("3,5", "1.234,5", "write 1234.5, without points for thousands"),
        ("3,5", "1.234.567", "write 1234567, without points for thousands"),
        ("3,5", "1 234,5", "write 1234.5, without blanks"),
        ("3.5", "1,234.5", "write 1234.5, without commas"),
    ],
)
def test_a_decimal_comma_is_read_where_commas_do_not_separate(
    separator: str, beside: str, found: str, number: float | str, tmp_path: Path
) -> None:
    lines = [["flow", "source", "target", "value", "sd"], ["1.1", "a", "b", found, ""], ["1.2", "a", "b", "", beside]]
    text = "\n".join(separator.join(line) for line in lines)
    row = read_sheets(put(tmp_path, flows=text), NAMES)["flows"].rows[0]
    if isinstance(number, str):
        assert number in refusal(lambda: row.number_in("value"))
    else:
        assert row.number_in("value") == number


CURES = {
    "leave the cell empty": "NA N/A n/a n.a. nan NaN None null NULL ? ?? .. ... … : x unknown missing",
    "and write 0 for zero": "- – — --",
    "write 1250, without blanks": "1_250",
    "write 1250.5, without blanks": "1_250.5",
    "write 1250000, without blanks": "1_250_000",
    "write 1250, without apostrophes": "1'250 1’250",
    "which could be 1250 or 1.250; write 1250": "1,250",
    "write 1250000, without commas": "1,250,000",
    "write 1234.5, without commas": "1,234.5",
    "write 1234.5, without points": "1.234,5",
    "write 100.5, without commas": "100,5",
    "leave value empty and write 14 in the column upper": "<14 <_14 ≤14 <=14",
    "leave value empty and write 14.5 in the column lower": ">14.5 ≥_14.5",
    "write 14 here and 2 in the column sd": "14±2 14_±_2 14_+/-_2 14+-2",
    "write 14 here and 10% in the column sd": "14±10%",
    "write 14 here and its uncertainty in the column sd": "~14 ≈14 ca._14 ca_14 c._14 about_14",
    "write 12 in the column lower, 15 in upper": "12-15 12–15 12_to_15 12..15",
    "write the fraction, or the number alone beside the unit %": "10% 10.5%",
    "write 95%": "±95%",
    "write a minus as a hyphen": "−5 –5 (5)",
    "write 1e3 alone; a unit goes into the column unit": "1e3_t",
    "write 14 alone; a unit goes into the column unit, a remark into note": "14_t 14t 14* 14_p 14_(a) £14 $14 14_€",
    "write the result of the formula": "=50+50",
    "write the result of the division": "1/3",
    "mend the formula": "#N/A #REF! #DIV/0!",
    "is not a finite number": "1e999",
    "expected a number": "abc 1_e 0x10 1__2 １２ ٣ 12.5.2020 True inf e5 . + 1e",
}
NO_NUMBERS = [(found.replace("_", " "), cure) for cure, listed in CURES.items() for found in listed.split()]


@pytest.mark.parametrize(
    ("found", "cure"), [*NO_NUMBERS, ("1_250", "expected a number"), ("1\xa0250", "write 1250,")]
)
def test_what_is_no_number_is_refused_with_the_cure(found: str, cure: str, tmp_path: Path) -> None:
    text = f'flow,source,target,value\nF1,a,b,"{found}"\n'
    row = read_sheets(put(tmp_path, flows=text), NAMES)["flows"].rows[0]
    line = refusal(lambda: row.number_in("value"))
    assert line.startswith("flows.csv, row 2, column value: ")
    assert repr(found.replace("\xa0", " ")) in line
    assert cure in line


@pytest.mark.parametrize("found", ["0", "-1", "+1.5", ".5", "5.", "1e3", "1.5E-3", "1.234", "  12 ", "\xa012\u202f"])
def test_numbers_are_read(found: str, tmp_path: Path) -> None:
    row = read_sheets(put(tmp_path, flows=f"flow,source,target,value\nF1,a,b,{found}\n"), NAMES)["flows"].rows[0]
    assert row.number_in("value") == float(found)
    assert math.isnan(row.number_in("sd"))


# Headers, titles and comments


def test_titles_of_one_cell_and_comments_are_read_past(tmp_path: Path) -> None:
    text = f'Flows of 2020,,,\n"Copper, in tonnes"\n\n# from a, b and c\n{FLOWS}# the end, of it\n#end\n'
    sheet = read_sheets(put(tmp_path, flows=text), NAMES)["flows"].restrict(
        ["flow", "value"], ["source", "target", "sd", "unit"]
    )
    assert [row.number for row in sheet.rows] == [6, 7]
    assert sheet.header == 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Flows,2020\n" + FLOWS, "flows.csv, row 2: found 7 cells, expected 2 as in the header, row 1"),
        ("Flows of copper, in t\n" + FLOWS, "or begin a title above the header with #"),
        (
            "Flows,2020\nflow,value\nF1,3\n",
            "row 1: found 'flows, 2020', expected the header: flow, value, source, sd",
        ),
        ("Flows,2020\nflow,value\nF1,3\n", "; keep a title above it in one cell, or begin its row with #"),
        ("\nflow,target,amount\nF1,a,3\n", "flows.csv, row 2, column value: the header lacks value; expected flow"),
        ("flow,value,sd\nF1,1,2\n#F2,1,2\n", "flows.csv, row 3: found '#F2'; begin a comment with # and a blank"),
        ("flow,value,\nF1,1,2\n", "flows.csv, row 2: found 3 cells, expected 2"),
        ("flow,value\n# nothing\n", "flows.csv, row 1: no rows below the header"),
        ("# nothing\n", "flows.csv: no rows"),
        ("Title\nOther\n", "flows.csv, row 1: found 'title', expected the header"),
    ],
)
def test_what_is_neither_header_nor_title_is_refused_by_row(text: str, words: str, tmp_path: Path) -> None:
    put(tmp_path, flows=text)
    assert words in refusal(
        lambda: read_sheets(tmp_path, NAMES)["flows"].restrict(["flow", "value"], ["source", "sd"])
    )


def test_a_sheet_may_have_one_column(tmp_path: Path) -> None:
    sheet = read_sheets(put(tmp_path, processes="process\nP1\nP2\n"), NAMES)["processes"]
    assert [row.text("process") for row in sheet.rows] == ["P1", "P2"]


# Which files and sheets


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Flows", "flows"),
        (" flow ", "flows"),
        ("Flows (t)", "flows"),
        ("FLOWS (kt) ", "flows"),
        ("Stock", "stocks"),
        ("Process", "processes"),
        ("Transfer coefficients", "transfer_coefficients"),
        ("transfer-coefficients", "transfer_coefficients"),
        ("Transfer  Coefficient", "transfer_coefficients"),
        ("TC", "transfer_coefficients"),
        ("TCs (-)", "transfer_coefficients"),
        ("Concentration", "concentrations"),
    ],
)
def test_sheets_and_files_are_known_by_names_like_theirs(title: str, name: str, tmp_path: Path) -> None:
    book(tmp_path / "a.xlsx", **{title: ROWS})
    assert list(read_sheets(tmp_path / "a.xlsx", NAMES)) == [name]
    assert unread(tmp_path / "a.xlsx", NAMES) == []
    (tmp_path / "a.xlsx").unlink()
    put(tmp_path, **{f"{title}.CSV": "flow,value\nF1,1\n"})
    assert list(read_sheets(tmp_path, NAMES)) == [name]


@pytest.mark.parametrize("title", ["Flwos", "Transfer coeficients", "Stokcs", "flows 2", "concentratoins"])
def test_a_misspelt_sheet_or_file_is_refused(title: str, tmp_path: Path) -> None:
    book(tmp_path / "a.xlsx", flows=ROWS, **{title: ROWS})
    assert f"a.xlsx, sheet {title}: is not read by this name; call it" in refusal(
        lambda: read_sheets(tmp_path / "a.xlsx", NAMES)
    )
    (tmp_path / "a.xlsx").unlink()
    put(tmp_path, flows=FLOWS, **{f"{title}.csv": "a\n1\n"})
    assert f"{title}.csv: is not read by this name; call it" in refusal(lambda: read_sheets(tmp_path, NAMES))


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    book(tmp_path / "a.xlsx", **{"Flows (2020)": ROWS, "Flows (2021)": ROWS})
    words = "a.xlsx: the sheets Flows (2020) and Flows (2021) both have flows; rename one"
    assert refusal(lambda: read_sheets(tmp_path / "a.xlsx", NAMES)) == words
    put(tmp_path, **{"Flows.csv": FLOWS, "flow.csv": FLOWS})
    assert (
        refusal(lambda: read_sheets(tmp_path, NAMES))
        == "flow.csv: Flows.csv has flows as well; rename one of the two"
    )


def test_what_is_not_read_is_listed(tmp_path: Path) -> None:
    extra: Any = {
        "notes.txt": "x",
        "prices.csv": "a\n1\n",
        "old.xls": "x",
        "equations.txt": "x",
        ".hidden": "x",
        "~$a.xlsx": "x",
    }
    put(tmp_path, flows=FLOWS, processes=PROCESSES, **extra)
    made = book(tmp_path / "a.xlsx", flows=ROWS, Notes=[["x"]], Summary=[["y"]])
    made["Notes"].sheet_state = "hidden"
    made.create_chartsheet("Chart").add_chart(BarChart())
    made.save(tmp_path / "a.xlsx")
    assert unread(tmp_path, NAMES, ["equations.txt"]) == ["a.xlsx", "notes.txt", "old.xls", "prices.csv"]
    assert unread(tmp_path / "a.xlsx", NAMES) == ["sheet Notes", "sheet Summary"]
    (tmp_path / "flows.csv").unlink()  # now the workbook is read
    assert unread(tmp_path, NAMES, ["equations.txt"]) == [
        "sheet Notes", "sheet Summary", "notes.txt", "old.xls", "prices.csv", "processes.csv",
    ]  # fmt: skip


def test_a_csv_file_alone_has_the_flows_or_the_variables(tmp_path: Path) -> None:
    variables = "name,value,status\nx,1,constant\n"
    put(tmp_path, **{"mine.csv": FLOWS, "theirs.tsv": variables.replace(",", "\t")})
    put(tmp_path, processes=PROCESSES, flows="a,b\n1,2\n", balances="balance,variable,coefficient\nb,x,1\n")
    sheets = read_sheets(tmp_path / "mine.csv", NAMES)
    assert sorted(sheets) == ["balances", "flows", "processes"]
    assert sheets["flows"].name == "mine.csv"
    assert sorted(read_sheets(tmp_path / "theirs.tsv", NAMES)) == ["balances", "processes", "variables"]
    assert unread(tmp_path / "mine.csv", NAMES) == []
    assert "has processes; name its folder" in refusal(lambda: read_sheets(tmp_path / "processes.csv", NAMES))


@pytest.mark.parametrize("name", ["a.txt", "a.xls", "a.ods", "a.json", "a"])
def test_a_file_of_another_kind_is_refused_with_the_kinds_that_are_read(name: str, tmp_path: Path) -> None:
    put(tmp_path, **{"a.txt": FLOWS, "a.xls": "x", "a.ods": "x", "a.json": "{}"})
    line = refusal(lambda: read_sheets(tmp_path / name, NAMES))
    assert line.endswith("name a folder of CSV files, a .csv or .tsv file, or an .xlsx or .xlsm workbook")
    assert ("no such folder or file" in line) == (name == "a")


# Workbooks


def test_a_workbook_is_read_as_its_user_sees_it(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = "Flows (t)"
    sheet.append(["Flows of copper"])
    sheet.merge_cells("A1:F1")
    sheet.append([])
    sheet.append(["flow", "source", "target", "period", "value", "sd", "layer"])
    sheet.append(["F1", "a\xa0b ", None, datetime.datetime(2020, 1, 1), " 12 ", 0.1, 3.0])
    sheet.append(["F2", "c", True, datetime.date(2021, 12, 31), 7, 1e-9, datetime.datetime(2020, 1, 1, 12, 30)])
    sheet.row_dimensions[5].hidden = True
    sheet.column_dimensions["F"].hidden = True
    for name in ("a.xlsx", "a.xlsm"):
        made.save(tmp_path / name)
        assert cells(read_sheets(tmp_path / name, NAMES)["flows"]) == [
            {"flow": "F1", "source": "a b", "target": "", "period": "2020-01-01", "value": "12", "sd": "0.1",
             "layer": "3"},
            {"flow": "F2", "source": "c", "target": "True", "period": "2021-12-31", "value": "7", "sd": "1e-09",
             "layer": "2020-01-01 12:30:00"},
        ]  # fmt: skip


@pytest.mark.parametrize(("area", "row"), [("A2:A3", 2), ("D1:E1", 1), ("B3:C3", 3)])
def test_merged_cells_are_refused_by_their_range(area: str, row: int, tmp_path: Path) -> None:
    made = book(
        tmp_path / "a.xlsx",
        flows=[["flow", "source", "target", "value", "sd"], ["F1", "a", "b", 1, 2], ["F2", "a", "b", 1, 2]],
    )
    made["flows"].merge_cells(area)
    made.save(tmp_path / "a.xlsx")
    words = f"a.xlsx, sheet flows, row {row}: the cells {area} are merged, and only the first has a value; unmerge"
    assert words in refusal(lambda: read_sheets(tmp_path / "a.xlsx", NAMES))


def edited(path: Path, part: str, change: Callable[[str], str]) -> None:
    """Change a part of a workbook as no spreadsheet library would."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    before = parts[part].decode()
    parts[part] = change(before).encode()
    assert parts[part] != before.encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_results_of_formulas_are_read_and_missing_ones_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book(path, flows=[["flow", "value", "sd"], ["F1", "=1+1", '=""']])
    assert "a.xlsx, sheet flows, row 2: a formula without its result" in refusal(lambda: read_sheets(path, NAMES))
    part = "xl/worksheets/sheet1.xml"
    edited(path, part, lambda text: re.sub(r"(<f>1\+1</f>)<v\s*/?>(</v>)?", r"\1<v>2</v>", text))
    assert "row 2: a formula without its result" in refusal(lambda: read_sheets(path, NAMES))
    edited(path, part, lambda text: text.replace('<c r="C2"', '<c r="C2" t="str"'))
    assert cells(read_sheets(path, NAMES)["flows"]) == [{"flow": "F1", "value": "2", "sd": ""}]


def test_cells_outside_of_the_size_that_a_workbook_states_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book(path, flows=[["flow", "value"], ["F1", 1], ["F2", 2]])
    edited(
        path,
        "xl/worksheets/sheet1.xml",
        lambda text: re.sub('<dimension ref="[^"]*"', '<dimension ref="A1:A2"', text),
    )
    assert [row.number_in("value") for row in read_sheets(path, NAMES)["flows"].rows] == [1, 2]


def test_a_percentage_of_excel_beside_the_unit_percent_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    made = book(
        path, concentrations=[["flow", "value", "unit"], ["F1", 0.28, "wt%"]], flows=[["flow", "value"], ["F1", 0.45]]
    )
    made["flows"]["B2"].number_format = "0%"
    made.save(path)
    [row] = read_sheets(path, NAMES)["flows"].rows
    assert row.optional("value") == "45%", "as it is shown"
    assert "write the fraction, or the number alone beside the unit %" in refusal(lambda: row.number_in("value"))
    made["concentrations"]["B2"].number_format = "0.0%"
    made.save(path)
    assert (
        "sheet concentrations, row 2: a cell is shown as a percentage and holds 0.28, beside the unit %"
        in refusal(lambda: read_sheets(path, NAMES))
    )


def test_a_cell_far_below_or_to_the_right_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    made = book(tmp_path / "a.xlsx", flows=ROWS)
    made["flows"]["XFD1"] = "marker"
    made.save(tmp_path / "a.xlsx")
    assert "row 1" in refusal(lambda: read_sheets(tmp_path / "a.xlsx", NAMES))
    made = book(tmp_path / "a.xlsx", flows=ROWS)
    made["flows"]["C400000"] = "marker"
    made.save(tmp_path / "a.xlsx")
    assert "row 400000: found 3 cells, expected 2" in refusal(lambda: read_sheets(tmp_path / "a.xlsx", NAMES))


def test_a_workbook_that_unpacks_to_very_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book(tmp_path / "a.xlsx", flows=ROWS)
    monkeypatch.setattr("magnetflow.tables.workbooks.LARGEST", 1000)
    assert "a.xlsx: unpacks to more than" in refusal(lambda: read_sheets(tmp_path / "a.xlsx", NAMES))


# Whatever is written is read back, and whatever is broken is refused

LETTERS = st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp", "Zs"), exclude_characters="\x85")
CELL = st.text(LETTERS | st.sampled_from(" ,;\t\"'"), max_size=8).map(lambda text: " ".join(text.split()))
COLUMN = st.text("abcdefgh", min_size=1, max_size=5)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    header = draw(st.lists(COLUMN, min_size=2, max_size=5, unique=True))
    body = draw(st.lists(st.lists(CELL, min_size=len(header), max_size=len(header)), min_size=1, max_size=6))
    for row in body:  # neither blank nor a comment
        row[0] = "F" + row[0]
    return [header, *body]


@settings(max_examples=200, suppress_health_check=list(HealthCheck), deadline=None)
@given(tables(), st.sampled_from([",", ";", "\t"]), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_a_random_table_is_read_back(tmp_path: Path, table: list[list[str]], separator: str, encoding: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator="\r\n").writerows(table)
    sheet = read_sheets(put(tmp_path, flows=text.getvalue().encode(encoding)), NAMES)["flows"]
    assert [list(sheet.columns), *([row.optional(name) for name in sheet.columns] for row in sheet.rows)] == table


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(tables(), st.lists(st.floats(-1e300, 1e300), min_size=6, max_size=6))
def test_a_random_workbook_is_read_back(tmp_path: Path, table: list[list[str]], numbers: list[float]) -> None:
    table = [
        [*row, "value" if row is table[0] else repr(number)]
        for row, number in zip(table, [0.0, *numbers], strict=False)
    ]
    (tmp_path / "a.xlsx").write_bytes(workbook_bytes({"flows": table}))
    sheet = read_sheets(tmp_path / "a.xlsx", NAMES)["flows"]
    names = sheet.columns[:-1]
    assert [list(sheet.columns), *([row.optional(name) for name in names] for row in sheet.rows)] == [
        table[0],
        *(row[:-1] for row in table[1:]),
    ]
    # A workbook has 16 digits.
    assert [row.number_in("value") for row in sheet.rows] == pytest.approx(
        [float(row[-1]) for row in table[1:]], 1e-15
    )


@settings(max_examples=300, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.randoms(use_true_random=False))
def test_broken_files_are_read_or_refused_in_one_line(tmp_path: Path, drawn: random.Random) -> None:
    encoding = drawn.choice(["utf-8", "utf-8-sig", "utf-16", "cp1252"])
    raw = bytearray(FLOWS.replace(",", drawn.choice(",;\t")).encode(encoding))
    for _ in range(drawn.randrange(1, 6)):
        at = drawn.randrange(len(raw))
        raw[at : at + drawn.randrange(3)] = bytes(drawn.choices(range(256), k=drawn.randrange(3)))
    check_read_or_refused(put(tmp_path, flows=bytes(raw)))


@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.randoms(use_true_random=False))
def test_broken_workbooks_are_read_or_refused_in_one_line(tmp_path: Path, drawn: random.Random) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(
        workbook_bytes({"flows": [line.split(",") for line in FLOWS.splitlines()]})
    )  # the same each time
    if drawn.random() < 0.5:
        raw = bytearray(path.read_bytes())
        for _ in range(drawn.randrange(1, 20)):
            raw[drawn.randrange(len(raw))] = drawn.randrange(256)
        path.write_bytes(raw)
    else:
        with zipfile.ZipFile(path) as archive:
            part = drawn.choice([name for name in archive.namelist() if name.endswith(".xml")])
        at = drawn.random()
        edited(
            path,
            part,
            lambda text: (
                text[: int(at * len(text))]
                + drawn.choice(["<", "&", "x", "</c>"])
                + text[int(at * len(text)) + 1 :]
                + " "
            ),
        )
    check_read_or_refused(path)


def check_read_or_refused(place: Path) -> None:
    try:
        sheets = read_sheets(place, NAMES)
        for row in sheets["flows"].rows:
            row.number_in("value")
    except TableError as error:
        assert len(str(error).splitlines()) == 1, str(error)
    except KeyError:
        assert place.suffix == ".xlsx"  # the sheet has another title now
        assert unread(place, NAMES)


def test_months_and_years_of_excel_are_read_as_they_are_shown(tmp_path: Path) -> None:
    made, day = openpyxl.Workbook(), datetime.datetime(2020, 3, 1)
    sheet = made.worksheets[0]
    sheet.title = "flows"
    sheet.append(["flow", "source", "target", "value", "period"])
    for number, number_format in enumerate(["mmm\\-yy", "yyyy", "dd/mm/yyyy", '[$-409]mmmm" "yyyy'], 2):
        sheet.append([f"F{number}", "a", "b", 1, day])
        sheet.cell(number, 5).number_format = number_format
    made.save(tmp_path / "a.xlsx")
    rows = cells(read_sheets(tmp_path / "a.xlsx", NAMES)["flows"])
    assert [row["period"] for row in rows] == ["2020-03", "2020", "2020-03-01", "2020-03"]


@pytest.mark.parametrize(("number_format", "text"), [('0 "kt"', "kt"), ('0" ± 5"', "± 5"), ("[$kg] 0", "kg")])
def test_text_that_a_format_shows_beside_a_number_is_refused(number_format: str, text: str, tmp_path: Path) -> None:
    rows: list[list[object]] = [["flow", "source", "target", "value", "unit"], ["F1", "a", "b", 100, "t"]]
    made = book(tmp_path / "a.xlsx", flows=rows)
    made["flows"]["D2"].number_format = number_format
    made.save(tmp_path / "a.xlsx")
    assert refusal(lambda: read_sheets(tmp_path / "a.xlsx", NAMES)).startswith(
        f"a.xlsx, sheet flows, row 2: a number is shown with '{text}', which its cell does not hold; format it"
    )
    made["flows"]["E2"] = text  # the unit that the format repeats
    made.save(tmp_path / "a.xlsx")
    assert cells(read_sheets(tmp_path / "a.xlsx", NAMES)["flows"])[0]["value"] == "100"


def test_a_workbook_without_known_sheets_is_answered_in_its_own_words(tmp_path: Path) -> None:
    book(tmp_path / "a.xlsx", **{"Flows 2020": [["flow"], ["F1"]]})
    assert "name its sheets flows and processes, or variables and balances; found 'Flows 2020'" in refusal(
        lambda: read(tmp_path / "a.xlsx")
    )
    book(tmp_path / "a.xlsx", flows=[["flow", "source", "target", "value"], ["F1", "a", "b", 1]])
    assert "add a sheet processes with the columns" in refusal(lambda: read(tmp_path / "a.xlsx"))


def test_equations_beside_a_workbook_are_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "equations.txt").write_text("in - 2 * out\n")
    flows: list[list[object]] = [
        ["flow", "source", "target", "value", "sd"],
        ["in", None, "P", 100, 5],
        ["out", "P", None, 90, 5],
    ]
    for name in ("a.xlsx", "a.xlsm"):
        book(tmp_path / name, flows=flows, processes=[["process"], ["P"]])
        assert not read(tmp_path / name).relations


def test_equations_are_read_in_the_encoding_of_a_spreadsheet_program(tmp_path: Path) -> None:
    (tmp_path / "variables.csv").write_text("name,value,sd,status\nmüll,10,1,measured\nrest,8,1,measured\n")
    for encoding in ("utf-8", "utf-16", "cp1252"):
        (tmp_path / "equations.txt").write_bytes("müll - rest  # Müll\n".encode(encoding))
        assert reconcile(read(tmp_path)).value == pytest.approx([9.0, 9.0])


def test_a_percentage_of_excel_means_what_it_shows(tmp_path: Path) -> None:
    """A spread of 10 % that Excel holds as 0.1 is relative; a coefficient of 28 % is 0.28."""
    flows: list[list[object]] = [["flow", "source", "target", "value", "sd"], ["in", "", "P", 100, 0.1]]
    flows += [["out", "P", "", 90, 5], ["rest", "P", "", None, None]]
    made = book(
        tmp_path / "a.xlsx",
        flows=flows,
        processes=[["process"], ["P"]],
        transfer_coefficients=[["flow", "value"], ["out", 0.28]],
    )
    made["flows"]["E2"].number_format = "0%"
    made["transfer_coefficients"]["B2"].number_format = "0.0%"
    made.save(tmp_path / "a.xlsx")
    system = System.read(tmp_path / "a.xlsx")
    assert system.figures["in", Place()].sd == pytest.approx(10.0)
    assert system.transfer_coefficients["out", Place()].value == pytest.approx(0.28)
