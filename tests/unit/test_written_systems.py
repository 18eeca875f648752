"""Systems as users write them: equations and options count, and names are recognised or refused with the cure."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from magnetflow.errors import InputError, TableError
from magnetflow.flows.folder import read
from magnetflow.flows.system import System
from magnetflow.inference.reconcile import Reconciliation, reconcile

PLANT = {
    "flows.csv": "flow,source,target,value,sd,unit\nscrap,,plant,100,3,t\nmetal,plant,,,,t\noff-gas,plant,,,,t\n",
    "processes.csv": "process\nplant\n",
}
LAYERED = {
    "flows.csv": "flow,source,target,layer,value,sd,unit\nin,,plant,bulk,100,5,t\nout,plant,,bulk,,,t\n"
    "in,,plant,Cu,30,1,t\nout,plant,,Cu,,,t\nin,,plant,Fe,60000,2000,kg\nout,plant,,Fe,,,kg\n",
    "processes.csv": "process\nplant\n",
    "options.csv": "option,value\ngoods layer,bulk\n",
}


def put(folder: Path, files: dict[str, str], **changes: str) -> Path:
    """Write files, with others added or put in their place; `_` in a name stands for the dot before csv or txt."""
    named = {re.sub(r"_(csv|txt)$", r".\1", name): text for name, text in changes.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {**files, **named}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def solved(folder: Path, files: dict[str, str], **changes: str) -> Reconciliation:
    return reconcile(read(put(folder, files, **changes)))


def read_again(folder: Path) -> None:
    """Check that what is written is read as the same problem, from a folder and from a workbook."""
    system = System.read(folder)
    before = reconcile(system.problem()).table()
    for copy in (folder / "copy", folder / "copy.xlsx"):
        system.write(copy)
        pd.testing.assert_frame_equal(before, reconcile(System.read(copy).problem()).table(), rtol=1e-9)


def test_equations_beside_flows_count_with_names_in_quotes(tmp_path: Path) -> None:
    text = "# a ratio\nmetal / \"off-gas\" - 4  # 'off-gas' has a hyphen\n"
    result = solved(tmp_path, PLANT, equations_txt=text)
    assert result.combine({"off-gas": 1.0}) == pytest.approx((20.0, 0.6))
    assert "equations.txt line 2" in result.problem.balance_names
    read_again(tmp_path)


def test_a_sheet_of_equations_counts_as_the_file_does(tmp_path: Path) -> None:
    text = 'equation\n"metal - 0.8 * scrap"\n'
    assert solved(tmp_path, PLANT, equations_csv=text).combine({"metal": 1.0}) == pytest.approx((80.0, 2.4))
    read_again(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("metal - off-gas", "row 1: 'gas' is not in the list of variables.*; put \"off-gas\" in quotation marks"),
        ("scrap\nmetal - sclag", "row 1: |row 2: 'sclag' is not in the list of variables"),
        ("metal - 'off-gas", 'row 1: found "\'"; close the quotation mark'),
        ("metal = 2", "row 1: found '='; write the relation as one expression that equals 0"),
    ],
)
def test_an_equation_that_cannot_be_meant_is_refused_by_line(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=f"equations.txt, {words}"):
        read(put(tmp_path, PLANT, equations_txt=text))


def test_a_sum_of_two_units_is_refused_in_equations_as_in_balances(tmp_path: Path) -> None:
    flows = PLANT["flows.csv"].replace("metal,plant,,,,t", "metal,plant,,,,kg")
    with pytest.raises(InputError, match=r"equations.txt line 1: .* cannot be added up"):
        read(put(tmp_path, PLANT, flows_csv=flows, equations_txt='metal - "off-gas"'))
    assert read(put(tmp_path, PLANT, flows_csv=flows, equations_txt="metal / scrap - 800")).relation_names


def test_several_coefficients_of_one_process_count_in_any_layer(tmp_path: Path) -> None:
    """Of 60 t of iron 70 % and of 30 t of copper 20 % leave as steel; the rest is slag."""
    flows = LAYERED["flows.csv"].replace("out,", "steel,") + "slag,plant,,bulk,,,t\n"
    shares = "flow,layer,value,sd\nsteel,Fe,0.7,0.01\nslag,Fe,0.3,0.01\nsteel,Cu,0.2,\nslag,Cu,0.8,\nsteel,,0.5,\n"
    result = solved(tmp_path, LAYERED, flows_csv=flows, transfer_coefficients_csv=shares)
    assert result.combine({"steel [Fe]": 1.0}).value == pytest.approx(42_000.0)
    assert result.combine({"slag [Cu]": 1.0}) == pytest.approx((24.0, 0.8))
    assert result.combine({"steel [bulk]": 1.0}).value == pytest.approx(50.0)
    read_again(tmp_path)


def test_a_layer_of_goods_has_the_name_that_the_user_gives_it(tmp_path: Path) -> None:
    shares = "flow,layer,value,sd,unit\nout,Cu,31,1,%\n"
    result = solved(tmp_path, LAYERED, concentrations_csv=shares)
    assert result.combine({"concentration of out [Cu]": 1.0}).value == pytest.approx(30.5, abs=0.5)
    read_again(tmp_path)
    with pytest.raises(TableError, match="column layer: concentrations refer to the layer 'goods', which no row has"):
        read(put(tmp_path, LAYERED, concentrations_csv=shares, options_csv="option,value\nmissing rows,unmeasured\n"))


def test_layers_add_up_to_goods_on_request(tmp_path: Path) -> None:
    """30 ± 1 t of copper and 60 ± 2 t of iron are 90 t, against 100 ± 5 t of goods: each moves by its variance."""
    assert solved(tmp_path, LAYERED).test.passed is None
    options = LAYERED["options.csv"] + "layers add up to goods,yes\n"
    result = solved(tmp_path, LAYERED, options_csv=options)
    assert result.test.objective == pytest.approx(10.0**2 / 30.0)
    assert result.combine({"in [Fe]": 1.0}).value == pytest.approx(60_000.0 + 1000.0 * 10.0 * 4.0 / 30.0)
    assert "layers of out [bulk]" in result.problem.balance_names
    read_again(tmp_path)
    alone = solved(tmp_path, LAYERED, options_csv=LAYERED["options.csv"] + "layers add up to goods,Fe\n")
    assert alone.test.objective == pytest.approx(40.0**2 / 29.0)


def test_a_substance_is_no_more_than_its_goods_on_request(tmp_path: Path) -> None:
    """120 ± 2 t of iron in 100 ± 5 t of goods: both become what their weighted mean is."""
    flows = LAYERED["flows.csv"].replace("60000,2000", "120000,2000")
    assert solved(tmp_path, LAYERED, flows_csv=flows).combine({"in [Fe]": 1e-3}).value == pytest.approx(120.0)
    options = LAYERED["options.csv"] + "Substances at most goods,Fe; Cu\n"
    result = solved(tmp_path, LAYERED, flows_csv=flows, options_csv=options)
    mean = (120.0 / 4.0 + 100.0 / 25.0) / (1.0 / 4.0 + 1.0 / 25.0)
    assert result.combine({"in [Fe]": 1e-3}).value == pytest.approx(mean)
    assert result.combine({"remainder of in [Cu]": 1.0}).value == pytest.approx(mean - 30.0)
    assert result.active_bounds.keys() & {"remainder of in [Fe]", "remainder of out [Fe]"}
    read_again(tmp_path)


def test_a_process_is_balanced_in_the_layers_that_it_names(tmp_path: Path) -> None:
    flows = LAYERED["flows.csv"].replace("out,plant,,Fe,,,kg", "out,plant,,Fe,40000,1000,kg")
    result = solved(tmp_path, LAYERED, flows_csv=flows, processes_csv='process,balanced\nplant,"bulk; Cu"\n')
    assert result.problem.balance_names == ("plant [bulk]", "plant [Cu]")
    assert result.combine({"in [Fe]": 1e-3}).value == pytest.approx(60.0)
    read_again(tmp_path)
    with pytest.raises(TableError, match=r"processes.csv, row 2, column balanced: found 'bilk'; did you mean 'bulk'"):
        read(put(tmp_path, LAYERED, processes_csv="process,balanced\nplant,bilk\n"))
    with pytest.raises(TableError, match="column balanced: found 'maybe', expected yes or no"):
        read(put(tmp_path / "plain", PLANT, processes_csv="process,balanced\nplant,maybe\n"))


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("layers add upto goods,yes", "row 3, column option: .* did you mean 'layers add up to goods'"),
        ("guess,yes", "row 3, column option: found 'guess', expected missing rows, goods layer"),
        ("layers add up to goods,Ce", "names 'Ce'"),
        ("substances at most goods,bulk", "names 'bulk'; expected yes, no, or some of Cu, Fe"),
        ("default cv,much", "row 3, column value: .*expected a number"),
        ("default cv,0", "row 3, column value: .* above zero"),
        ("default cv,10", "row 3, column value: .* write 0.1 for 10 %"),
        ("missing rows,none", "row 3, column value: found 'none', expected unmeasured or zero"),
        ("goods layer,Cu", "row 3, column option: 'goods layer' is listed already"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused(option: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        read(put(tmp_path, LAYERED, options_csv=LAYERED["options.csv"] + option + "\n"))


def test_layers_of_another_kind_than_goods_are_named(tmp_path: Path) -> None:
    flows = LAYERED["flows.csv"].replace(",kg", ",GJ")
    with pytest.raises(InputError, match="Fe in GJ cannot be compared with bulk in t; name those layers"):
        read(
            put(
                tmp_path,
                LAYERED,
                flows_csv=flows,
                options_csv=LAYERED["options.csv"] + "layers add up to goods,yes\n",
            )
        )


def test_a_default_cv_makes_values_without_an_sd_measured(tmp_path: Path) -> None:
    flows = "flow,source,target,value,sd\na,,plant,100,\nb,plant,,40,exact\nc,plant,,50,\nd,plant,,0,\n"
    exact = read(put(tmp_path, PLANT, flows_csv=flows.replace("50,", ",")))
    assert exact.notes == (
        "1 of 3 values have no sd and are taken as exact; give sd or cv, or the option default cv: a",
    )
    result = solved(tmp_path, PLANT, flows_csv=flows, options_csv="option,value\ndefault cv,10 %\n")
    assert dict(zip(result.problem.names, result.problem.sd, strict=True)) == pytest.approx(
        {"a": 10.0, "b": float("nan"), "c": 5.0, "d": float("nan")}, nan_ok=True
    )
    read_again(tmp_path)


def test_a_negative_flow_may_be_allowed_by_a_bound(tmp_path: Path) -> None:
    flows = "flow,source,target,value,sd,lower\nin,,plant,-10,2,-100\nout,plant,,-12,2,-100\n"
    assert solved(tmp_path, PLANT, flows_csv=flows).value == pytest.approx([-11.0, -11.0])


def test_an_sd_as_large_as_the_value_is_named(tmp_path: Path) -> None:
    flows = "flow,source,target,value,cv\nin,,plant,100,1\nout,plant,,40,2\nrest,plant,,60,0.1\n"
    problem = read(put(tmp_path, PLANT, flows_csv=flows))
    assert problem.notes == (
        "2 values have an sd of 100 % of the value or more; a cv is a fraction, 0.01 for 1 %: in, out",
    )


def test_a_flow_without_a_row_in_a_period_is_unmeasured_or_zero(tmp_path: Path) -> None:
    flows = "flow,source,target,period,value,sd\na,,plant,2020,10,1\nb,plant,,2020,9,1\na,,plant,2021,10,1\n"
    flows += "b,plant,,2021,6,1\nc,plant,,2021,3,1\n"
    assert "c [2020]" in read(put(tmp_path, PLANT, flows_csv=flows)).names
    zero = reconcile(read(put(tmp_path, PLANT, flows_csv=flows, options_csv="option,value\nmissing rows,zero\n")))
    assert "c [2020]" not in zero.problem.names
    assert zero.combine({"a [2020]": 1.0}).value == pytest.approx(9.5)
    read_again(tmp_path)


def test_skew_spreads_are_written_as_they_are_read(tmp_path: Path) -> None:
    flows = (
        "flow,source,target,low,mode,high,value,gsd,unit\na,,plant,1,2,9,,,t\nb,plant,,,,,3,1.5,t\nc,plant,,,,,,,t\n"
    )
    result = solved(tmp_path, PLANT, flows_csv=flows)
    assert any(note.startswith("2 values are the means of skew distributions") for note in result.messages)
    read_again(tmp_path)
    again = System.read(tmp_path / "copy")
    assert [figure.kind for figure in again.figures.values()] == ["triangular", "lognormal", "normal"]
    without_value = flows.replace("value,gsd,", "").replace(",,,t", ",t").replace(",3,1.5,t", ",t")
    assert list(System.read(put(tmp_path, PLANT, flows_csv=without_value)).flows) == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["Environment", "environment", "Outside", "Umwelt", "system  boundary"])
@pytest.mark.parametrize("listed", [True, False])
def test_the_outside_may_have_a_name(name: str, listed: bool, tmp_path: Path) -> None:
    flows = PLANT["flows.csv"].replace("scrap,,", f"scrap,{name},").replace("metal,plant,,", f"metal,plant,{name},")
    processes = PLANT["processes.csv"] + (f"{name}\n" if listed else "")
    result = solved(tmp_path, PLANT, flows_csv=flows, processes_csv=processes)
    assert result.problem.balance_names == ("plant",)
    assert any("is read as the outside of the system" in note for note in result.messages)
    assert set(result.problem.labels["source"]) == {"", "plant"}


def test_a_process_of_the_name_of_the_outside_can_be_asked_for(tmp_path: Path) -> None:
    flows = PLANT["flows.csv"].replace("metal,plant,,", "metal,plant,environment,") + "dust,environment,,,,t\n"
    for processes in ("process,balanced\nplant,\nenvironment,yes\n", "process,stock\nplant,no\nenvironment,yes\n"):
        problem = read(put(tmp_path, PLANT, flows_csv=flows, processes_csv=processes))
        assert "environment" in problem.balance_names
    System.read(put(tmp_path, PLANT, flows_csv=flows, processes_csv="process,balanced\nplant,\nenvironment,yes\n"))
    read_again_names = System.read(tmp_path)
    read_again_names.write(tmp_path / "copy")
    assert list(System.read(tmp_path / "copy").processes) == ["plant", "environment"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"flows_csv": PLANT["flows.csv"].replace("metal,plant", "metal,Plant")}, "did you mean 'plant'"),
        ({"flows_csv": PLANT["flows.csv"].replace("metal,plant", "metal,plnat")}, "did you mean 'plant'"),
        ({"processes_csv": "process\nplant\nPlant \n"}, "row 3, column process: 'Plant' differs from 'plant'"),
        (
            {"flows_csv": PLANT["flows.csv"] + "Scrap,,plant,,,t\n"},
            "row 5, column flow: 'Scrap' differs from 'scrap'",
        ),
        ({"transfer_coefficients_csv": "flow,value\nmetall,0.5\n"}, "did you mean 'metal'"),
        ({"flows_csv": PLANT["flows.csv"].replace("scrap,,", "scrap,plant,")}, "from 'plant' to itself"),
        ({"flows_csv": PLANT["flows.csv"].replace("metal,plant,", "metal,,")}, "both outside of the system"),
        ({"transfer_coefficients_csv": "flow,value\nmetal,28\n"}, "28 is more than what enters; write 28 % as 0.28"),
        (
            {"transfer_coefficients_csv": "flow,value\nmetal,0.6\noff-gas,0.5\n"},
            "row 3, column value: .* add up to 1.1",
        ),
        (
            {"transfer_coefficients_csv": "flow,value\nmetal,0.3\noff-gas,0.6\n"},
            "row 3, column value: .* add up to 0.9",
        ),
        ({"transfer_coefficients_csv": "flow,value,sd\nmetal,1,\noff-gas,0.1,\n"}, "add up to 1.1"),
        ({"processes_csv": "process,stocks\nplant,no\n"}, "unknown column"),
        (
            {"transfer_coefficients_csv": "flow,value,sd\nmetal,70%,2\n"},
            "row 2, column sd: an sd of 2 is more than a share of what enters can have; write 2 points of",
        ),
        ({"transfer_coefficients_csv": "flow,value,ci95\nmetal,0.7,4\n"}, "column ci95: an sd of 2.04"),
        ({"transfer_coefficients_csv": "flow,value,upper\nmetal,,65\n"}, "column upper: 65 is more than what enters"),
        (
            {"flows_csv": PLANT["flows.csv"].replace("metal,plant,,,", "metal,plant,,-10,2")},
            "row 3, column value: found -10, and a flow is not negative; swap source and target",
        ),
        (
            {"flows_csv": PLANT["flows.csv"].replace("value", "amount (t/a)")},
            r"unknown column; call it amount, and give its unit in the column unit",
        ),
        (
            {"flows_csv": PLANT["flows.csv"].replace(",100,", ",2020-05-01,")},
            "the cell holds a date; format it as a number",
        ),
        (
            {"flows_csv": PLANT["flows.csv"].replace("value,sd", "low,mode,high").replace(",100,3,", ",1,,3,")},
            "for a range alone give its middle as value and 0.29 of its width as sd",
        ),
    ],
)
def test_what_is_written_by_mistake_is_refused_with_the_cure(
    changes: dict[str, str], words: str, tmp_path: Path
) -> None:
    with pytest.raises(TableError, match=words):
        read(put(tmp_path, PLANT, **changes))


def test_a_measured_share_may_be_over_one_by_its_error(tmp_path: Path) -> None:
    shares = "flow,value,sd\nmetal,1.02,0.05\n"
    assert solved(tmp_path, PLANT, transfer_coefficients_csv=shares).combine({"metal": 1.0}).value <= 100.0 + 1e-6


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        (["copper", "copper", "coper"], "row 4, column layer: 'coper' is the layer of this row alone; did you mean"),
        (["Cu", "Cu", "cu"], "row 4, column layer: 'cu' differs from 'Cu' in case"),
    ],
)
def test_a_slip_in_the_name_of_a_layer_is_no_layer_of_its_own(layers: list[str], words: str, tmp_path: Path) -> None:
    names = ("scrap,,plant", "metal,plant,", "slag,plant,")
    rows = "".join(f"{name},{layer},1,0.1\n" for name, layer in zip(names, layers, strict=True))
    with pytest.raises(TableError, match=words):
        read(put(tmp_path, PLANT, flows_csv="flow,source,target,layer,value,sd\n" + rows))


@pytest.mark.parametrize("layers", [["CO2", "CO2", "CO"], ["Fe2O3", "Fe2O3", "Fe3O4"], ["goods", "goods", "gold"]])
def test_names_of_layers_that_are_alike_for_a_reason_are_taken(layers: list[str], tmp_path: Path) -> None:
    names = ("scrap,,plant", "metal,plant,", "slag,plant,")
    rows = "".join(f"{name},{layer},1,0.1\n" for name, layer in zip(names, layers, strict=True))
    assert read(put(tmp_path, PLANT, flows_csv="flow,source,target,layer,value,sd\n" + rows)).names


def test_columns_may_have_the_names_that_users_give_them(tmp_path: Path) -> None:
    flows = "Name,From,To,Year,Amount,StDev,Units\nscrap,,plant,2020,100,3,t\nmetal,plant,,2020,,,t\n"
    assert reconcile(read(put(tmp_path, PLANT, flows_csv=flows))).combine({"metal": 1.0}) == pytest.approx(
        (100.0, 3.0)
    )
    with pytest.raises(TableError, match=r"flows.csv, row 2, column stdev: .*expected a number"):
        read(put(tmp_path, PLANT, flows_csv=flows.replace(",3,t", ",three,t")))
    with pytest.raises(TableError, match=r"column 'uncertainty': may mean .* call it sd .* or ci95"):
        read(put(tmp_path, PLANT, flows_csv=flows.replace("StDev", "Uncertainty")))
    with pytest.raises(TableError, match=r"column 'max': may mean .* upper .* high"):
        read(put(tmp_path, PLANT, flows_csv=flows.replace("StDev", "max")))
    with pytest.raises(TableError, match="unknown column"):
        read(put(tmp_path, PLANT, flows_csv=flows.replace("StDev", "Value")))


@pytest.mark.parametrize("unit", ["", "t"])
def test_a_value_without_a_unit_is_not_taken_to_have_one(unit: str, tmp_path: Path) -> None:
    """An unmeasured flow needs none; a value in another layer does."""
    flows = LAYERED["flows.csv"].replace("out,plant,,Cu,,,t", "out,plant,,Cu,,,").replace("30,1,t", f"30,1,{unit}")
    place = put(tmp_path, LAYERED, flows_csv=flows)
    if unit:
        assert dict(zip(read(place).names, read(place).labels["unit"], strict=True))["out [Cu]"] == "t"
        return
    with pytest.raises(TableError, match="row 4, column unit: found no unit, while the layer bulk is in t"):
        read(place)


def test_what_is_not_read_is_listed(tmp_path: Path) -> None:
    changes = {"processes_csv": "process,comment\nplant,in Hull\n", "old_csv": "a,b\n1,2\n", "source_txt": "a book"}
    place = put(tmp_path, PLANT, flows_csv=PLANT["flows.csv"].replace("unit\n", "unit,note\n"), **changes)
    [listed] = read(place).notes
    assert listed == "not read: column note of flows.csv, column comment of processes.csv, old.csv, source.txt"
    variables = "name,value,sd,status\na,1,0.1,measured\nb,,,unmeasured\n"
    plain = put(tmp_path / "plain", {"variables.csv": variables, "equations.txt": "a - b", "old.csv": "a\n1\n"})
    assert read(plain).notes == ("not read: old.csv",)


@pytest.mark.parametrize(
    ("flows", "covariance", "words"),
    [
        (
            "a,,plant,10,\nb,plant,,9,\n",
            "",
            r"no values meet the balance plant; give a constant \(a, b\) an sd, or mend it, a coefficient",
        ),
        ("a,,plant,10,1\nb,plant,,9,1\n", "a,b,1\n", "no values meet the balance plant; mend a covariance"),
    ],
)
def test_what_contradicts_itself_is_named_with_the_constants_and_covariances_in_it(
    flows: str, covariance: str, words: str, tmp_path: Path
) -> None:
    """Two exact values that differ, and two errors that are one, so that the difference of both is exact."""
    files = {"covariance_csv": "variable_a,variable_b,covariance\n" + covariance} if covariance else {}
    with pytest.raises(InputError, match=words):
        solved(tmp_path, PLANT, flows_csv="flow,source,target,value,sd\n" + flows, **files)
