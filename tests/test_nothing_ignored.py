"""Whatever is put into an input is used, refused or listed as not read: a marker is planted and sought."""

from __future__ import annotations

import csv
import io
import random
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import openpyxl
import pytest
from bad_folders import FOLDERS, Texts

from magnetflow.cli import main

MARKER = "marker7"
RICH = {
    "flows.csv": "flow,from,to,period,layer,value,sd,ci95,low,mode,high,unit,note\n"
    "imports,Environment,use,2020-Q1,all,100,5%,,,,,t/a,\nscrap,use,plant,2020-Q1,all,,,,20,30,50,t/a,weighed\n"
    "metal,plant,,2020-Q1,all,20,,2,,,,t/a,\nslag,plant,,2020-Q1,all,,,,,,,,\n"
    "imports,Environment,use,2020-Q2,all,110,5%,,,,,t/a,\nscrap,use,plant,2020-Q2,all,30,exact,,,,,t/a,\n"
    "imports,Environment,use,2020-Q2,Cu,20,1,,,,,t/a,\nmetal,plant,,2020-Q2,all,22,2,,,,,t/a,\n",
    "processes.csv": "process,stock,balanced\nuse,yes,all; Cu\nplant,,\nEnvironment,,\n",
    "stocks.csv": "process,quantity,period,layer,value,sd,unit\nuse,level,2020-Q1,all,500,20,t\n",
    "transfer_coefficients.csv": "flow,period,value,sd\nmetal,2020-Q1,0.7,0.02\nslag,2020-Q1,0.3,0.02\n",
    "concentrations.csv": "flow,layer,value,sd,unit\nscrap,Cu,20,2,%\n",
    "periods.csv": "period,length,unit\n2020-Q1,3,month\n2020-Q2,0.25,a\n",
    "options.csv": "option,value\ngoods layer,all\nsubstances at most goods,Cu\ndefault cv,0.1\n",
    "balances.csv": 'balance,variable,coefficient\nhalf,"imports [2020-Q1, all]",1\nhalf,"scrap [2020-Q1, all]",-3\n',
    "equations.txt": '"metal [2020-Q2, all]" / "slag [2020-Q2, all]" - 2.5\n',
}
KINDS = {**FOLDERS, "rich": RICH}
Grid = list[list[str]]


def grids(files: Texts) -> dict[str, Grid]:
    return {name: list(csv.reader(text.splitlines())) for name, text in files.items() if name.endswith(".csv")}


def put(folder: Path, sheets: dict[str, Grid], others: Texts, as_workbook: bool) -> None:
    """Write sheets as CSV files or as one workbook, and other files beside them."""
    folder.mkdir(parents=True)
    for name, text in others.items():
        (folder / name).write_text(text, encoding="utf-8")
    if as_workbook:
        book = openpyxl.Workbook()
        book.remove(book.worksheets[0])
        for name, rows in sheets.items():
            sheet = book.create_sheet(name.removesuffix(".csv"))
            for row in rows:
                sheet.append([cell or None for cell in row])
        book.save(folder / "input.xlsx")
        return
    for name, rows in sheets.items():
        with (folder / name).open("w", encoding="utf-8", newline="") as lines:
            csv.writer(lines).writerows(rows)


def planted(sheets: dict[str, Grid], others: dict[str, str], drawn: random.Random) -> str:
    """Put the marker somewhere; return what must be named where the marker itself is not."""
    sheet = drawn.choice(sorted(sheets))
    rows = sheets[sheet]
    row, kind = drawn.randrange(1, len(rows)), drawn.randrange(9)
    if kind == 0:  # a column of its own
        rows[0].append(MARKER)
        rows[row] += [""] * (len(rows[0]) - 1 - len(rows[row])) + [drawn.choice(["1", MARKER])]
    elif kind == 1:  # a cell beyond the header
        rows[row] += [""] * (len(rows[0]) - len(rows[row])) + [MARKER]
    elif kind == 2:  # a column for notes
        column = drawn.choice(["note", "comment"])
        if column not in rows[0]:
            rows[0].append(column)
        rows[row] += [""] * (len(rows[0]) - len(rows[row]))
        rows[row][rows[0].index(column)] = MARKER
        return f"column {column} of"
    elif kind == 3:  # a sheet of its own
        sheets[f"{MARKER}.csv"] = [["a", "b"], ["1", "2"]]
    elif kind == 4:  # a file of its own
        others[f"{MARKER}.{drawn.choice(['txt', 'tsv', 'json', 'md', 'xls', 'ods'])}"] = "a\tb\n1\t2\n"
    elif kind == 5:  # a sheet whose name is near a known one
        sheets[f"{sheet.removesuffix('.csv')[:-1]}{drawn.choice(['', 'z', ' 2'])}.csv"] = [["flow"], [MARKER]]
        return sheet.removesuffix(".csv")[:-1]
    elif kind == 6:  # a row of its own
        rows.insert(row, [MARKER] + [""] * (len(rows[0]) - 1))
    elif kind == 7 and others:  # a line of an equation
        name = drawn.choice(sorted(others))
        others[name] += f"{MARKER} - 1\n"
    else:  # a cell
        rows[row] += [""] * (len(rows[0]) - len(rows[row]))
        rows[row][drawn.randrange(len(rows[0]))] = MARKER
    return MARKER


def outcome(folder: Path, out: Path) -> tuple[int, str, str]:
    """Return exit code, what was printed on errors, and all results as text."""
    printed, faults = io.StringIO(), io.StringIO()
    with redirect_stdout(printed), redirect_stderr(faults):
        code = main(["reconcile", str(folder), "--out", str(out)])
    results = [path.read_text(encoding="utf-8") for path in sorted(out.glob("re*.[cj]s*"))] if out.exists() else []
    return code, faults.getvalue(), "\n".join([printed.getvalue().replace(str(out), ""), *results])


@pytest.mark.parametrize("as_workbook", [False, True], ids=["folder", "workbook"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_input_without_a_marker_is_reconciled(kind: str, as_workbook: bool, tmp_path: Path) -> None:
    others = {name: text for name, text in KINDS[kind].items() if not name.endswith(".csv")}
    put(tmp_path / "in", grids(KINDS[kind]), others, as_workbook)
    code, faults, text = outcome(tmp_path / "in", tmp_path / "out")
    assert (code, faults) == (0, "")
    assert MARKER not in text


@pytest.mark.parametrize(
    ("seed", "count"), [(0, 50), *(pytest.param(seed, 500, marks=pytest.mark.long) for seed in range(1, 5))]
)
def test_what_is_put_into_an_input_is_used_refused_or_listed(seed: int, count: int, tmp_path: Path) -> None:
    """2,000 folders and workbooks with a marker: no traceback, and none without a word on it or another result."""
    drawn = random.Random(seed)
    plain: dict[tuple[str, bool], str] = {}
    refused = 0
    for number in range(count):
        kind, as_workbook = drawn.choice(sorted(KINDS)), drawn.random() < 0.3
        place, out = tmp_path / f"{number}", tmp_path / "out"
        others = {name: text for name, text in KINDS[kind].items() if not name.endswith(".csv")}
        if (kind, as_workbook) not in plain:
            put(place, grids(KINDS[kind]), others, as_workbook)
            plain[kind, as_workbook] = outcome(place, out)[2]
            shutil.rmtree(place)
            shutil.rmtree(out)
        sheets = grids(KINDS[kind])
        named = planted(sheets, others, drawn)
        put(place, sheets, others, as_workbook)
        code, faults, text = outcome(place, out)
        assert code in (0, 2), (sheets, others, faults)
        assert len(faults.splitlines()) == (code == 2), (sheets, others, faults)
        if code == 0:
            assert named in text or MARKER in text or results_of(text) != results_of(plain[kind, as_workbook]), (
                sheets,
                others,
                text,
            )
        refused += code == 2
        shutil.rmtree(place)
        shutil.rmtree(out, ignore_errors=True)
    assert 0.2 < refused / count < 0.95


def results_of(text: str) -> str:
    """Return the lines with values, without messages, which name files and sheets."""
    return "\n".join(line for line in text.splitlines() if "ot read" not in line)
