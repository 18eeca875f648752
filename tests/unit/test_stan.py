"""Files of STAN: what is read of them, that all the rest is named, and that none is opened that could do harm."""

from __future__ import annotations

import gzip
import random
import re
import time
from pathlib import Path

import pytest
from conftest import ROOT

from magnetflow.cli import main
from magnetflow.errors import MagnetflowError, TableError
from magnetflow.flows import stan, zmfa
from magnetflow.flows.records import Figure, Flow, Place, Process
from magnetflow.flows.system import System
from magnetflow.inference.reconcile import reconcile

FILES: dict[str, str] = {
    name: (ROOT / "tests" / "stan" / f"{name}.xml").read_text(encoding="utf-8") for name in ("minimal", "recycling")
}


def packed(folder: Path, text: str, name: str = "file.zmfa") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return path


def read(folder: Path, text: str) -> stan.StanFile:
    return stan.read(packed(folder, text))


def changed(before: str, after: str, name: str = "recycling") -> str:
    assert before in FILES[name]
    return FILES[name].replace(before, after)


def by_hand() -> System:
    """The system of recycling.xml, written again: levels at the end of a period, t in goods and kg of iron."""
    goods = {period: Place(period, "Goods") for period in ("2019", "2020", "2021")}
    iron = Place("2020", "Fe")
    return System(
        processes={"Use": Process(stock=True), "Sorting": Process()},
        flows={
            "New products": Flow("", "Use"),
            "Scrap": Flow("Use", "Sorting"),
            "Product": Flow("Sorting", ""),
            "Residue": Flow("Sorting", ""),
        },
        figures={
            ("New products", goods["2020"]): Figure(100, 5, unit="t"),
            ("Scrap", goods["2020"]): Figure(30, 6, unit="t"),
            ("Product", goods["2020"]): Figure(20, 2, unit="t"),
            ("Residue", goods["2020"]): Figure(unit="t"),
            ("New products", goods["2021"]): Figure(120, 6, unit="t"),
            ("Scrap", goods["2021"]): Figure(35, 7, unit="t"),
            ("Product", goods["2021"]): Figure(22, 2.2, unit="t"),
            ("Residue", goods["2021"]): Figure(unit="t"),
            ("New products", iron): Figure(28_000, 2000, unit="kg"),
            ("Scrap", iron): Figure(8000, 800, unit="kg"),
            ("Product", iron): Figure(7000, 700, unit="kg"),
        },
        transfer_coefficients={("Product", goods["2020"]): Figure(0.7, 0.05)},
        levels={
            ("Use", goods["2019"]): Figure(1000, 40, unit="t"),
            ("Use", goods["2020"]): Figure(1075, 40, unit="t"),
        },
        changes={("Use", goods["2021"]): Figure(80, 9, unit="t")},
    )


def rounded(system: System) -> list[object]:
    """A system without what rounding and NaN make unequal to itself."""
    figures = [system.figures, system.transfer_coefficients, system.levels, system.changes]
    shown = [
        {key: (f"{figure.value:.12g} {figure.sd:.12g}", figure.unit) for key, figure in own.items()}
        for own in figures
    ]
    return [dict(system.processes), dict(system.flows), *shown]


def test_a_file_is_read_into_the_system_that_it_shows(tmp_path: Path) -> None:
    found = read(tmp_path, FILES["recycling"])
    assert rounded(found.system) == rounded(by_hand())
    assert found.calculated == {("Residue", Place("2020", "Goods")): 9.0}
    values = [reconcile(system.problem()).value.tolist() for system in (found.system, by_hand())]
    assert values[0] == pytest.approx(values[1], nan_ok=True)


def test_what_a_file_leaves_open_is_noted(tmp_path: Path) -> None:
    found = read(tmp_path, FILES["recycling"])
    assert found.system.notes == (stan.EXPERIMENTAL, *found.notes, *(f"not read: {one}" for one in found.unread))
    assert set(found.notes) == {
        "FlowValue.MFInputSigma is read as the standard uncertainty of MFInput, in the same unit",
        "Stock.SVInputSigma is read as the standard uncertainty of SVInput, in the same unit",
        "Stock.DTInputSigma is read as the standard uncertainty of DTInput, in the same unit",
        "TransferCoefficient.TCInput is read as the share of what enters a process",
        "TransferCoefficient.TCInputSigma is read as the standard uncertainty of a share",
        "the level of Use at the start of 2020 is that at the end of 2019",
        "the level of Use at the start of 2021 is that at the end of 2020",
    }
    assert set(found.unread) == {
        "process Plant, which no flow enters or leaves itself",
        "layer Energy, in which no value is entered",
        "file.zmfa, table TransCoeff, row 2: no share in one flow of all that enters a process",
        "Flow.Properties (1 ×)",
        "FlowValue.MFCalc (1 ×), STAN's own results",
        "FlowValue.MFCalcSigma (1 ×), STAN's own results",
        "FlowValue.VFInput (1 ×)",
        "TransCoeff.TCCalc (1 ×), STAN's own results",
        "table Diagram (1 ×) with DiagramID, Document",
        "table Reference (1 ×) with ReferenceID, Title",
    }


TABLES = sorted(set(re.findall(r"^  <(\w+)>", FILES["recycling"], re.M)))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    ("marker", "named"),
    [
        ("<Marker>1</Marker>", "Marker"),
        ("<Marker><Inner>1</Inner></Marker>", "Marker/Inner"),
        ('<Marker kind="x">1</Marker>', "Marker@kind"),
    ],
)
def test_nothing_planted_anywhere_is_ignored(table: str, marker: str, named: str, tmp_path: Path) -> None:
    plain = read(tmp_path, FILES["recycling"])
    found = read(tmp_path, FILES["recycling"].replace(f"</{table}>", f"{marker}</{table}>", 1))
    assert any(named in one and table in one for one in found.unread), found.unread
    assert rounded(found.system) == rounded(plain.system)


def test_a_table_planted_is_named(tmp_path: Path) -> None:
    text = changed("</MfaSystemData>", "<Marker/><Marker><A>1</A></Marker></MfaSystemData>")
    assert "table Marker (2 ×) with A" in read(tmp_path, text).unread


def test_results_of_stan_are_compared_and_are_no_measurements(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By hand: of 100 t, 8 t are magnets; 92 t are left for steel, as STAN found too."""
    path = packed(tmp_path, FILES["minimal"], "any name.txt")
    assert main(["reconcile", str(path), "--picture"]) == 0
    printed = capsys.readouterr().out
    assert "Note: the reader of STAN's files is experimental" in printed
    assert "Note: not read: FlowValue.MFCalc (1 ×), STAN's own results." in printed
    assert "Read from STAN: flows 4, processes 2, layers 1, periods 1, values 3, stocks and changes 1." in printed
    assert "STAN saved results for flows, 1 in all; they agree with these.\n" in printed
    assert (tmp_path / "any name-reconciled" / "picture.html").is_file()
    text = changed("<MFCalc>92</MFCalc>", "<MFCalc>95</MFCalc>", "minimal")
    assert main(["reconcile", str(packed(tmp_path, text)), "--out", str(tmp_path / "out")]) == 0
    assert "they agree with these, but not Steel [2020].\n" in capsys.readouterr().out


def test_the_xml_alone_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "unpacked.xml"
    path.write_text(FILES["recycling"], encoding="utf-8")
    assert zmfa.is_stan(path)
    assert rounded(stan.read(path).system) == rounded(by_hand())
    utf_16 = FILES["recycling"].replace("utf-8", "utf-16").encode("utf-16")
    path.write_bytes(gzip.compress(utf_16))
    assert rounded(stan.read(path).system) == rounded(by_hand())


def test_without_uncertainties_a_note_says_so(tmp_path: Path) -> None:
    text = re.sub(r"<MFInputSigma>\d+</MFInputSigma>", "", FILES["recycling"])
    found = read(tmp_path, text)
    assert "FlowValue has no field of uncertainty, so that all values entered count as exact" in found.notes
    assert all(figure.sd != figure.sd for figure in found.system.figures.values())


@pytest.mark.parametrize("spelling", ["MFUncert", "MFInputUncertainty", "MFInputStdDev", "MFSD", "Unsicherheit"])
def test_likely_spellings_of_the_uncertainty_are_read_and_named(spelling: str, tmp_path: Path) -> None:
    found = read(tmp_path, FILES["recycling"].replace("MFInputSigma", spelling))
    assert found.system.figures["Scrap", Place("2020", "Goods")].sd == 6
    assert any(f"FlowValue.{spelling} is read" in note for note in found.notes)


def test_a_level_before_all_named_periods_has_a_period_of_its_own(tmp_path: Path) -> None:
    text = FILES["recycling"].replace(">2020<", ">wet<").replace(">2021<", ">dry<")
    found = read(tmp_path, text)
    assert list(found.system.levels) == [("Use", Place("before wet", "Goods")), ("Use", Place("wet", "Goods"))]
    assert found.system.periods == ["before wet", "wet", "dry"], "in the order of the file"
    years = read(tmp_path, FILES["recycling"].replace(">2020<", ">2010<").replace(">2021<", ">2015<")).system
    assert [place.period for _, place in years.levels] == ["2005", "2010"]
    values = [
        dict(zip(problem.names, reconcile(problem).value, strict=True))["stock of Use [dry, Goods]"]
        for problem in (found.system.problem(),)
    ]
    assert values == pytest.approx([1155.4], abs=5), "start of dry and what is added then, by hand 1075 + 80"


def test_names_that_several_have_are_told_apart(tmp_path: Path) -> None:
    found = read(tmp_path, changed("<Name>Residue</Name>", "<Name>Product</Name>"))
    assert list(found.system.flows) == ["New products", "Scrap", "Product (103)", "Product (104)"]
    assert "2 rows of Flow are called Product; their ID follows" in found.notes


def test_a_process_without_balance_and_a_unit_that_is_none(tmp_path: Path) -> None:
    text = changed("<Name>Sorting</Name>", "<Name>Sorting</Name><Balancing>false</Balancing>")
    found = read(tmp_path, text.replace("<UnitCode>t</UnitCode>", "<UnitCode>tons</UnitCode>"))
    assert found.system.processes["Sorting"] == Process(balanced=("Fe",))
    assert "Sorting is not balanced in Goods, the layer of goods" in found.notes
    assert found.system.units == {"Goods": "kg", "Fe": "kg"}
    assert found.system.figures["Scrap", Place("2020", "Goods")].value == pytest.approx(30_000)
    kin = "<UnitID>1</UnitID><SiUnitID>1</SiUnitID><UnitCode>"
    with pytest.raises(TableError, match=r"table Unit, row 2, column UnitCode: 'tons' is no unit that is known here"):
        read(
            tmp_path,
            text.replace("<UnitCode>t</UnitCode>", "<UnitCode>tons</UnitCode>").replace(f"{kin}kg", f"{kin}tons"),
        )


def test_a_share_of_one_input_alone_is_not_read_as_one_of_all(tmp_path: Path) -> None:
    text = changed(
        "<TransCoeff><ProcessOutputID>22<", "<TransCoeff><ProcessInputID>13</ProcessInputID><ProcessOutputID>22<"
    )
    assert len(read(tmp_path, text).system.transfer_coefficients) == 1, "Scrap is all that enters"
    more = text.replace(
        "</MfaSystemData>",
        "<Flow><FlowID>105</FlowID><ProcessInputID>14</ProcessInputID><Name>Other</Name></Flow></MfaSystemData>",
    )
    found = read(tmp_path, more)
    assert not found.system.transfer_coefficients
    assert any("row 1: no share in one flow of all that enters a process" in one for one in found.unread)


ENTITY = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">\n<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
EXTERNAL = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
ROW = "  <FlowValue><FlowID>102</FlowID><PeriodID>1</PeriodID><FlowLayerID>1</FlowLayerID>"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("<MfaSystemData ", f"{ENTITY}<MfaSystemData ", "declares a document type or entity"),
        ("<MfaSystemData ", f"{EXTERNAL}<MfaSystemData ", "declares a document type or entity"),
        ("<MfaSystemData ", '<!DOCTYPE x SYSTEM "x.dtd"><MfaSystemData ', "declares a document type"),
        ("<Reference>", "<Reference>" + "<x>" * 40 + "</x>" * 40, "more than 32 levels"),
        ("MfaSystemData", "OtherData", "found 'OtherData', expected MfaSystemData"),
        ("</MfaSystemData>", "", "not XML that can be read (no element found"),
        ("<Name>Use</Name>", "<Name>&unknown;</Name>", "not XML that can be read (undefined entity"),
        ("<MFInput>30<", "<MFInput>30 or so<", "table FlowValue, row 2, column MFInput: found '30 or so'"),
        ("<MFInput>30<", "<MFInput>INF<", "table FlowValue, row 2, column MFInput"),
        ("<MFInputSigma>6<", "<MFInputSigma>-6<", "column MFInputSigma: found an uncertainty below zero"),
        ("<MFInputSigma>6<", "<MFUncert>1</MFUncert><MFInputSigma>6<", "could each be the standard uncertainty"),
        (f"{ROW}<MFInput>30", f"{ROW}<MFInput>1</MFInput><MFInput>30", "a row of FlowValue has MFInput twice"),
        (ROW, ROW.replace("102", "101"), "row 2, column FlowID: 'New products' has a value there already"),
        (ROW, ROW.replace("102", "109"), "column FlowID: '109' is in no row of the table"),
        ("<UnitID>2</UnitID>", "<UnitID>9</UnitID>", "'2' is not in the table Unit"),
        ("<Factor>1000<", "<Factor>0<", "row 2, column Factor: t has no factor above zero"),
        ("<MFNumUnitID>1</MFNumUnitID>", "<MFNumUnitID>3</MFNumUnitID>", "a is not of the kind of t in the layer"),
        ("<SubProcessInputID>12<", "<SubProcessInputID>99<", "column SubProcessInputID: '99' leads to no process"),
        ("<SubProcessInputID>14<", "<SubProcessInputID>13<", "column SubProcessInputID: '13' leads to no process"),
        ("<ProcessID>4</ProcessID><ProcessType>", "<ProcessID>2</ProcessID><ProcessType>", "'2' is listed already"),
        ("<ProcessID>2</ProcessID></ProcessInput>", "<ProcessID>1</ProcessID></ProcessInput>", "table Flow, row 1"),
    ],
)  # fmt: skip
def test_what_has_no_clear_meaning_is_refused_in_one_line(
    before: str, after: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = packed(tmp_path, changed(before, after))
    assert main(["reconcile", str(path)]) == 2
    out, err = capsys.readouterr()
    assert not out and err.startswith("magnetflow: file.zmfa") and err.count("\n") == 1
    assert words in err, err
    assert [one.name for one in tmp_path.iterdir()] == ["file.zmfa"]


def test_rows_that_differ_in_a_unit_that_is_not_known_are_refused(tmp_path: Path) -> None:
    denominators = FILES["recycling"].replace("<MFNumUnitID>", "<MFDenUnitID>3</MFDenUnitID><MFNumUnitID>")
    with pytest.raises(TableError, match="MFDenUnitID is not known and not the same in all rows, so that units may"):
        read(tmp_path, denominators)


def test_values_must_be_entered(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no value is entered in this file"):
        read(tmp_path, re.sub(r"<(MF|SV|DT|TC)Input>[^<]*</\w+>", "", FILES["recycling"]))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"SQLite format 3\x00" + bytes(100), "a database of STAN (.smfa), which is not read; open it in STAN"),
        (b"\x00\x01\x02 of an older version", "no .zmfa file, perhaps of an older version (.mfa, .xmfa)"),
        (gzip.compress(FILES["recycling"].encode(), mtime=0)[:-200], "damaged, so that it cannot be unpacked"),
        (
            gzip.compress(FILES["recycling"].encode(), mtime=0)[:40] + bytes(400),
            "damaged, so that it cannot be unpacked",
        ),
        (b"", "no .zmfa file"),
        (gzip.compress(b"", mtime=0), "not XML that can be read"),
    ],
)
def test_other_files_are_named_with_the_cure(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "old.mfa"
    path.write_bytes(content)
    assert zmfa.is_stan(path)
    with pytest.raises(TableError, match=re.escape(words)):
        stan.read(path)


@pytest.mark.parametrize("inside", [b" " * 30_000_000, b"<a/>" * 2_000_000])
def test_a_bomb_is_not_unpacked(inside: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bomb.zmfa"
    path.write_bytes(gzip.compress(b"<MfaSystemData>" + inside + b"</MfaSystemData>"))
    assert path.stat().st_size < 60_000
    began = time.perf_counter()
    with pytest.raises(TableError, match="unpacks to far more than a file of STAN does; it is not opened"):
        stan.read(path)
    assert time.perf_counter() - began < 10


def test_a_document_of_endless_elements_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zmfa, "ELEMENTS", 100)
    with pytest.raises(TableError, match="more than 32 levels or 100 elements"):
        read(tmp_path, FILES["recycling"])


def test_an_empty_folder_and_a_folder_of_sheets_are_no_files_of_stan(tmp_path: Path) -> None:
    assert not zmfa.is_stan(tmp_path)
    (tmp_path / "flows.csv").write_text("flow,source,target,value\n", encoding="utf-8")
    assert not zmfa.is_stan(tmp_path / "flows.csv")
    assert not zmfa.is_stan(tmp_path / "nothing.zmfa")


@pytest.mark.parametrize(("part", "count"), [(0, 100), pytest.param(1, 5_000, marks=pytest.mark.long)])
def test_no_mutation_of_a_file_ends_in_a_traceback(part: int, count: int, tmp_path: Path) -> None:
    drawn, read_at_all = random.Random(part), 0
    for _ in range(count):
        lines = FILES[drawn.choice(list(FILES))].split("\n")
        for _ in range(drawn.choice((1, 1, 2, 4))):
            at = drawn.randrange(1, len(lines))
            spoilt = re.sub(
                r">[^<>]+<",
                f">{drawn.choice(['', '-1', '1e400', 'x', '2', '0', '1,5', '&#9;'])}<",
                lines[at],
                count=1,
            )
            lines[at] = drawn.choice([spoilt, "", lines[at] * 2, lines[drawn.randrange(1, len(lines))]])
        try:
            found = stan.read(packed(tmp_path, "\n".join(lines)))
            reconcile(found.system.problem())
            read_at_all += 1
        except MagnetflowError as error:
            assert "\n" not in str(error)
    assert 0.05 * count < read_at_all < 0.95 * count
