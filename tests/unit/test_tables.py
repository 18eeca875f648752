"""A table that is not as described is refused in one line that names file, row and column."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magnetflow import tables
from magnetflow.errors import InputError, TableError
from magnetflow.tables import described
from magnetflow.tables.datapackage import update_hashes

HEADER = "item,year,value,unit,source,locator,licence,confidence,note\n"
SHIPPED = {
    "reactions", "thermo_polynomials", "thermo_constants", "aqueous_equilibria", "diffusivities", "solution_rates",
}  # fmt: skip
GOOD = HEADER + "coal,2020,1.5,kg,a_book,p. 1,MIT,read,\ncoal,2021,2,t,a_book,p. 1,MIT,derived,why\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data folder with one table `masses` that refers to a table `items`."""

    def field(name: str, kind: str = "string", **constraints: object) -> dict[str, object]:
        return {"name": name, "type": kind, "description": f"the {name}", "constraints": constraints}

    provenance = [
        field("source", required=True),
        field("locator", required=True),
        field("licence", required=True, enum=["MIT"]),
        field("confidence", required=True, enum=["read", "derived"]),
        field("note"),
    ]
    masses = {
        "fields": [
            field("item", required=True),
            field("year", "integer", required=True, minimum=1900, maximum=2100),
            field("value", "number", required=True, minimum=0),
            field("unit", required=True, enum=["kg", "t"]),
            *provenance,
        ],
        "primaryKey": ["item", "year"],
        "foreignKeys": [{"fields": ["item"], "reference": {"resource": "items", "fields": ["item"]}}],
    }
    items = {"fields": [field("item", required=True)], "primaryKey": ["item"]}
    folder = tmp_path / "data" / "coal"
    folder.mkdir(parents=True)
    (folder / "items.csv").write_text("item\ncoal\n", encoding="utf-8")
    (folder / "masses.csv").write_text(GOOD, encoding="utf-8")
    resources = [
        {"name": name, "path": f"{name}.csv", "title": name, "description": name, "hash": "", "schema": schema}
        for name, schema in {"masses": masses, "items": items}.items()
    ]
    (folder / "datapackage.json").write_text(json.dumps({"resources": resources}), encoding="utf-8")
    return folder.parent


def test_a_good_table_is_read_with_types_and_units(data: Path) -> None:
    frame = tables.read("masses", data)
    assert frame["year"].tolist() == [2020, 2021]
    assert tables.in_unit(frame, "kg").tolist() == [1.5, 2000.0]
    assert frame.index.tolist() == [2, 3], "rows are numbered as in a text editor"


@pytest.mark.parametrize(
    ("found", "put", "fault"),
    [
        ("1.5,kg", "1.5,lb", "row 2, column unit: found 'lb', expected kg or t"),
        ("1.5,kg", "much,kg", "row 2, column value: found 'much', expected a number at least 0"),
        ("1.5,kg", ",kg", "row 2, column value: found an empty cell, expected a number"),
        ("1.5,kg", "nan,kg", "row 2, column value: found 'nan', expected a number"),
        ("1.5,kg", "inf,kg", "row 2, column value: found 'inf', expected a number"),
        ("1.5,kg", "-1.5,kg", "row 2, column value: found -1.5, expected a number at least 0"),
        ("coal,2021", "coal,2021.5", "row 3, column year: found '2021.5', expected a whole number"),
        ("coal,2021", "coal,20211", "row 3, column year: found 20211, expected a whole number at least 1900"),
        ("coal,2021", "coal,2020", "row 3, column year: coal, 2020 stands already in row 2; keep one"),
        ("coal,2021", "peat,2021", "row 3, column item: found 'peat', which items does not list"),
        ("p. 1,MIT,read", " ,MIT,read", "row 2, column locator: found an empty cell, expected text"),
        ("MIT,read", "MIT,guessed", "row 2, column confidence: found 'guessed', expected read or derived"),
        ("2,t,a_book,p. 1", "2,t,a_book", "row 3: found 8 cells, expected 9"),
        ("value,unit", "amount,unit", "row 1, column value: the header lacks value"),
        ("note\n", "note,extra\n", "row 1, column extra: unknown or repeated column"),
        ("p. 1,MIT,read", '"p. 1"x,MIT,read', "row 2: not CSV"),
    ],
)
def test_a_spoilt_table_is_told_by_row_and_column(data: Path, found: str, put: str, fault: str) -> None:
    (data / "coal" / "masses.csv").write_text(GOOD.replace(found, put, 1), encoding="utf-8")
    with pytest.raises(TableError) as caught:
        tables.read("masses", data)
    message = str(caught.value)
    assert message.startswith("data/coal/masses.csv, ")
    assert fault in message
    assert "\n" not in message


def test_a_missing_figure_is_an_empty_cell_with_its_mark(data: Path) -> None:
    path = data / "coal" / "datapackage.json"
    text = path.read_text(encoding="utf-8").replace('["read", "derived"]', '["read", "missing"]')
    described = json.loads(text)
    for field in described["resources"][0]["schema"]["fields"]:
        if field["name"] == "value":
            del field["constraints"]["required"]
    path.write_text(json.dumps(described), encoding="utf-8")
    masses = data / "coal" / "masses.csv"
    gap = GOOD.replace("derived", "read").replace("1.5,kg", ",kg").replace("MIT,read", "MIT,missing", 1)
    masses.write_text(gap, encoding="utf-8")
    frame = tables.read("masses", data)
    assert frame["value"].isna().tolist() == [True, False]
    for spoilt, fault in (
        (gap.replace("MIT,missing", "MIT,read"), "row 2, column value: found an empty cell, expected a number"),
        (gap.replace(",kg", "0,kg"), "row 2, column value: found '0' in a row marked missing; empty the cell"),
    ):
        masses.write_text(spoilt, encoding="utf-8")
        with pytest.raises(TableError) as caught:
            tables.read("masses", data)
        assert fault in str(caught.value)


def test_a_byte_that_is_not_utf8_is_told_by_row_and_column(data: Path) -> None:
    (data / "coal" / "masses.csv").write_bytes(GOOD.encode().replace(b"why", b"caf\xe9"))
    with pytest.raises(TableError, match=r"^data/coal/masses\.csv, row 3, column note: byte 0xe9 is not UTF-8"):
        tables.read("masses", data)


def test_a_row_after_a_quoted_line_break_keeps_its_number(data: Path) -> None:
    text = GOOD.replace("p. 1,MIT,read", '"p. 1\nand 2",MIT,read').replace("2,t,", "two,t,")
    (data / "coal" / "masses.csv").write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match="row 4, column value: found 'two'"):
        tables.read("masses", data)


def test_missing_files_and_names_are_told(data: Path) -> None:
    with pytest.raises(TableError, match=r"no table named weights; the tables are .*, items, masses, reactions"):
        tables.read("weights", data)
    (data / "coal" / "masses.csv").write_text(HEADER, encoding="utf-8")
    with pytest.raises(TableError, match="no rows"):
        tables.read("masses", data)
    (data / "coal" / "masses.csv").unlink()
    with pytest.raises(TableError, match=r"data/coal/masses\.csv: no such file"):
        tables.read("masses", data)
    package = json.loads((data / "coal" / "datapackage.json").read_text(encoding="utf-8"))
    del package["resources"][0]["hash"]
    (data / "coal" / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    with pytest.raises(TableError, match="masses lacks hash"):
        tables.read("items", data)
    for keys in ([], ["nothing"]):
        package["resources"][0]["hash"] = ""
        package["resources"][0]["schema"]["primaryKey"] = keys
        (data / "coal" / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
        with pytest.raises(TableError, match="the keys of masses name nothing"):
            tables.read("items", data)
    (data / "coal" / "datapackage.json").write_text("{", encoding="utf-8")
    with pytest.raises(TableError, match=r"data/coal/datapackage\.json: not a data package"):
        tables.read("masses", data)


def test_csv_is_split_in_one_place() -> None:
    readers = ("csv.reader(", "csv.DictReader(")
    sources = Path(tables.__file__).parents[1].rglob("*.py")
    assert [path.name for path in sources if any(reader in path.read_text("utf-8") for reader in readers)] == [
        "text.py"
    ]


def test_errors_and_sheets_are_there_without_the_slow_libraries() -> None:
    code = "import sys, magnetflow.errors; print({'numpy', 'pandas', 'pint', 'openpyxl'} & set(sys.modules))"
    code += "; import magnetflow.tables.sheets; print({'pint', 'xarray', 'openpyxl'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\nset()\n"


def test_units_of_another_kind_are_refused() -> None:
    assert tables.conversion_factor("t/GW", "kg/MW") == pytest.approx(1.0, rel=1e-12)
    assert tables.conversion_factor("%", "1") == pytest.approx(0.01, rel=1e-12)
    with pytest.raises(InputError, match="MW cannot be converted to kg"):
        tables.conversion_factor("MW", "kg")


def test_an_array_keeps_order_and_leaves_gaps_as_nan() -> None:
    frame = pd.DataFrame({"a": ["y", "x", "y"], "b": [2, 2, 1], "value": [1.0, 2.0, 3.0], "unit": "kg"})
    array = tables.to_array(frame, ["a", "b"], "t")
    assert array.a.values.tolist() == ["y", "x"]
    np.testing.assert_allclose(array.values, [[0.001, 0.003], [0.002, np.nan]], rtol=1e-12)


def add_package(data: Path, folder: str, name: str, text: str) -> None:
    """Add a data package of one table, which has one column."""
    (data / folder).mkdir()
    (data / folder / f"{name}.csv").write_text(text, encoding="utf-8")
    field = {"name": "item", "type": "string", "description": "an item"}
    schema = {"fields": [field], "primaryKey": ["item"]}
    about = {"name": name, "path": f"{name}.csv", "title": name, "description": name, "hash": "", "schema": schema}
    (data / folder / "datapackage.json").write_text(json.dumps({"resources": [about]}), encoding="utf-8")


def test_a_table_is_found_in_whichever_package_holds_it(data: Path) -> None:
    add_package(data, "air", "gases", "item\nNH3\n")
    described = tables.describe(data)
    assert list(described)[-3:] == ["gases", "masses", "items"], "packages follow one another by name"
    assert (described["gases"]["path"], described["gases"]["file"]) == ("air/gases.csv", data / "air" / "gases.csv")
    assert tables.read("gases", data)["item"].tolist() == ["NH3"]
    assert set(tables.read_all(data)) == {"gases", "masses", "items"} | SHIPPED


def test_a_table_described_twice_is_refused_by_name(data: Path) -> None:
    add_package(data, "iron", "items", "item\nore\n")
    with pytest.raises(
        TableError, match=r"data/iron/datapackage\.json: items is described already, as data/coal/items\.csv"
    ):
        tables.read("masses", data)


def test_what_is_shipped_is_read_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert set(tables.describe()) == set(tables.read_all()) == SHIPPED
    assert set(tables.hashes_read()) >= SHIPPED
    with pytest.raises(InputError, match=r"^no table named prices here; start from the compendium's folder$"):
        tables.read("prices")
    with pytest.raises(TableError, match=r"no datapackage\.json in a folder of it describes a table; restore one"):
        tables.describe(tmp_path)


def test_a_table_may_refer_to_one_that_is_shipped_and_not_take_its_name(data: Path) -> None:
    add_package(data, "air", "gases", "item\nNH3(g)\nN2(g)\n")
    path = data / "air" / "datapackage.json"
    package = json.loads(path.read_text(encoding="utf-8"))
    reference = {"resource": "thermo_polynomials", "fields": ["species"]}
    package["resources"][0]["schema"]["foreignKeysAcrossPackages"] = [{"fields": ["item"], "reference": reference}]
    path.write_text(json.dumps(package), encoding="utf-8")
    assert len(tables.read("gases", data)) == 2
    (data / "air" / "gases.csv").write_text("item\nNH3(g)\nXe(g)\n", encoding="utf-8")
    with pytest.raises(TableError, match="row 3, column item: found 'Xe\\(g\\)', which thermo_polynomials does not"):
        tables.read("gases", data)
    add_package(data, "iron", "reactions", "item\nore\n")
    shipped = r"already, as magnetflow/recovery/chemistry/tables/reactions\.csv; rename one"
    with pytest.raises(TableError, match=rf"data/iron/datapackage\.json: reactions is described {shipped}"):
        tables.read_all(data)


def test_a_spoilt_table_that_is_shipped_is_told_where_the_package_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "magnetflow"
    folder = tables.describe()["solution_rates"]["file"].parent
    shutil.copytree(folder, package / "recovery" / "chemistry" / "tables")
    monkeypatch.setattr(described, "SHIPPED", package)
    monkeypatch.setattr(described, "shipped_packages", described.shipped_packages.__wrapped__)
    path = package / "recovery" / "chemistry" / "tables" / "solution_rates.csv"
    path.write_text(path.read_text("utf-8").replace("OH-(aq)", "OH(aq)", 1), encoding="utf-8")
    with pytest.raises(TableError, match=r"^magnetflow/recovery/chemistry/tables/solution_rates\.csv, row 2, column"):
        tables.read("solution_rates")


def test_hashes_of_every_package_are_written_and_then_true(data: Path) -> None:
    add_package(data, "air", "gases", "item\nNH3\n")
    assert update_hashes(data) == ["gases", "masses", "items"]
    assert update_hashes(data) == []
    for name, resource in tables.describe(data).items():
        raw = resource["file"].read_bytes()
        assert (resource["bytes"], resource["hash"]) == (len(raw), f"sha256:{hashlib.sha256(raw).hexdigest()}"), name
    (data / "coal" / "masses.csv").write_text(GOOD.replace("1.5", "1.6"), encoding="utf-8")
    (data / "air" / "gases.csv").write_text("item\nHCl\n", encoding="utf-8")
    assert update_hashes(data) == ["gases", "masses"]


@given(st.binary(min_size=1, max_size=40), st.integers(min_value=0))
def test_whatever_a_file_holds_only_a_table_error_comes_out(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, where: int
) -> None:
    data = tmp_path_factory.mktemp("junk")
    folder = data / "mine"
    folder.mkdir()
    field = {"name": "value", "type": "number", "description": "a value", "constraints": {"minimum": 0}}
    schema = {"fields": [field], "primaryKey": ["value"]}
    about = {"name": "t", "path": "t.csv", "title": "t", "description": "t", "hash": "", "schema": schema}
    package = {"resources": [about]}
    (folder / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    raw = b"value\n1\n2\n"
    where %= len(raw)
    (folder / "t.csv").write_bytes(raw[:where] + junk + raw[where:])
    try:
        frame = tables.read("t", data)
    except TableError as error:
        assert "t.csv" in str(error)
    else:
        assert (frame["value"] >= 0).all()
