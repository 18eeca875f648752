"""A system built in Python: what it states by hand, what it refuses, and that it is read back as it was written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT

from magnetflow.errors import InputError, TableError
from magnetflow.flows.records import Figure, Flow, Place, Process
from magnetflow.flows.system import ZERO, Figures, System
from magnetflow.inference.reconcile import reconcile

PLANT = System(
    processes={"plant": Process()},
    flows={"scrap": Flow(target="plant"), "metal": Flow(source="plant"), "slag": Flow(source="plant", note="to tip")},
    figures={
        ("scrap", Place()): Figure(100.0, 3.0, unit="t"),
        ("metal", Place()): Figure(60_000.0, 4_000.0, unit="kg"),
        ("slag", Place()): Figure(unit="t"),
    },
)


def test_a_system_built_in_python_is_reconciled_by_hand() -> None:
    """Slag is what is left: 100 t - 60,000 kg = 40 t, with sd √(3² + 4²) = 5 t."""
    solved = reconcile(PLANT.problem())
    assert solved.combine({"slag": 1.0}) == pytest.approx((40.0, 5.0))
    assert solved.combine({"scrap": 1.0, "slag": -1.0}) == pytest.approx((60.0, 4.0))


def test_results_say_which_flow_they_are_of() -> None:
    table = reconcile(PLANT.problem()).table()
    [metal] = table[table["name"] == "metal"].to_dict("records")
    labels = {"quantity": "flow", "flow": "metal", "source": "plant", "target": "", "unit": "kg"}
    assert labels.items() <= metal.items()


def test_a_transfer_coefficient_counts_all_that_enters_in_its_unit() -> None:
    """A share of 0.6 of 100 t and of 20,000 kg: 72 t."""
    flows = {**PLANT.flows, "swarf": Flow(target="plant")}
    figures = {
        **PLANT.figures,
        ("scrap", Place()): Figure(100.0, unit="t"),
        ("swarf", Place()): Figure(20_000.0, unit="kg"),
        ("metal", Place()): Figure(unit="kg"),
    }
    system = replace(
        PLANT, flows=flows, figures=figures, transfer_coefficients={("metal", Place()): Figure(0.6, 0.05)}
    )
    solved = reconcile(system.problem())
    assert solved.combine({"metal": 1.0}) == pytest.approx((72_000.0, 6_000.0))
    [name] = solved.problem.names_where(quantity="transfer coefficient", flow="metal")
    assert name == "TC of metal"


def test_flows_without_a_row_are_zero_only_where_that_is_said() -> None:
    layered = {(flow, Place(layer="steel")): figure for (flow, _), figure in PLANT.figures.items()}
    tramp = {("scrap", Place(layer="copper")): Figure(1.0, 0.1, unit="t"), ("slag", Place(layer="copper")): Figure()}
    system = replace(PLANT, figures={**layered, **tramp})
    assert "metal [copper]" in system.problem().names
    sparse = replace(system, missing_rows=ZERO)
    assert "metal [copper]" not in sparse.problem().names
    assert reconcile(sparse.problem()).combine({"slag [copper]": 1.0}) == pytest.approx((1.0, 0.1))


def sparse(**changes: Figures) -> System:
    """Return a plant that treats copper in scrap, in which a flow without a row is zero."""
    goods = {(flow, place._replace(layer="goods")): figure for (flow, place), figure in PLANT.figures.items()}
    return replace(PLANT, figures=changes.pop("figures", goods), missing_rows=ZERO, **changes)  # type: ignore[arg-type]


def test_a_concentration_says_that_a_substance_is_there() -> None:
    """Copper is 2 % of 100 t of scrap and leaves with the slag, since only scrap and slag have a concentration."""
    concentrations = {
        ("scrap", Place(layer="copper")): Figure(2.0, 0.5, unit="%"),
        ("slag", Place(layer="copper")): Figure(unit="%"),
    }
    solved = reconcile(sparse(concentrations=concentrations).problem())
    assert solved.problem.names_where(quantity="flow", layer="copper") == ["scrap [copper]", "slag [copper]"]
    assert solved.combine({"slag [copper]": 1.0}).value == pytest.approx(2.0)
    assert set(solved.table().query("layer == 'copper' and quantity == 'flow'")["unit"]) == {"t"}
    assert solved.combine({"concentration of slag [copper]": 1.0}).value == pytest.approx(5.0)


def test_what_would_bind_a_flow_that_is_zero_is_refused() -> None:
    copper = {("scrap", Place(layer="copper")): Figure(1.0, 0.1, unit="t"), ("slag", Place(layer="copper")): Figure()}
    share = {("metal", Place(layer="copper")): Figure(0.1, 0.01)}
    both = {**sparse().figures, **copper}
    with pytest.raises(InputError, match="'metal' has no row in this period and layer"):
        sparse(figures=both, transfer_coefficients=share).problem()
    without = {key: figure for key, figure in both.items() if key != ("scrap", Place(layer="goods"))}
    content = {("scrap", Place(layer="copper")): Figure(10.0, 1.0, unit="%")}
    with pytest.raises(InputError, match="'scrap' has no row in the layer goods"):
        sparse(figures=without, concentrations=content).problem()


def test_a_further_balance_binds_like_that_of_a_process() -> None:
    """Slag is a quarter of scrap: metal 75 and slag 25 from scrap alone, which metal as measured then adjusts."""
    free = {**PLANT.figures, ("metal", Place()): Figure(unit="kg")}
    system = replace(PLANT, figures=free, balances={"quarter": {"slag": 1.0, "scrap": -0.25}})
    solved = reconcile(system.problem())
    assert solved.combine({"metal": 1e-3}) == pytest.approx((75.0, 2.25))


def test_a_figure_for_two_flows_together_is_a_flow_of_its_own() -> None:
    """A statistic has metal and slag together, as much as enters: both agree, with half the variance."""
    figures = {
        (flow, Place(year)): figure for year in ("2020", "2021") for (flow, _), figure in PLANT.figures.items()
    }
    figures["metal", Place("2020")] = Figure(unit="t")
    figures["both", Place("2020")] = Figure(100.0, 3.0, unit="t")
    system = replace(
        PLANT,
        processes={"plant": Process(), "statistics": Process(balanced=False)},
        flows={**PLANT.flows, "both": Flow("statistics")},
        figures=figures,
        balances={"together": {"both [2020]": 1.0, "metal [2020]": -1.0, "slag [2020]": -1.0}},
    )
    assert "both [2021]" not in system.problem().names
    assert reconcile(system.problem()).combine({"scrap [2020]": 1.0}) == pytest.approx((100.0, 3.0 / 2**0.5))


def test_a_process_that_is_not_balanced_takes_what_its_flows_say() -> None:
    figures = {**PLANT.figures, ("slag", Place()): Figure(7.0, 1.0, unit="t")}
    flows = {**PLANT.flows, "slag": Flow("plant", "tip"), "seepage": Flow("tip")}
    figures[("seepage", Place())] = Figure(1.0, unit="t")
    system = replace(
        PLANT, processes={"plant": Process(), "tip": Process(balanced=False)}, flows=flows, figures=figures
    )
    assert "tip" not in system.problem().balance_names
    assert reconcile(system.problem()).test.degrees_of_freedom == 1


@pytest.mark.parametrize("suffix", ["", ".xlsx"])
@pytest.mark.parametrize("name", ["demonstration", "recycling", "united-kingdom"])
def test_what_is_written_is_read_back(name: str, suffix: str, tmp_path: Path) -> None:
    system = System.read(ROOT / "examples" / name)
    place = tmp_path / f"copy{suffix}"
    system.write(place)
    System.read(place).write(tmp_path / "again")
    system.write(tmp_path / "straight")
    files = sorted(path.name for path in (tmp_path / "straight").iterdir())
    assert files == sorted(path.name for path in (tmp_path / "again").iterdir())
    for file in files:
        first, second = (pd.read_csv(tmp_path / folder / file) for folder in ("straight", "again"))
        # A workbook keeps sixteen digits, a CSV file all.
        pd.testing.assert_frame_equal(first, second, check_exact=not suffix, rtol=1e-14)
    before, after = system.problem(), System.read(place).problem()
    assert before.names == after.names
    assert before.labels == after.labels
    pd.testing.assert_frame_equal(reconcile(before).table(), reconcile(after).table(), rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"flows": {**PLANT.flows, "dust": Flow("plant", "filter")}},
            "dust: 'filter' is not in the list of processes",
        ),
        ({"figures": {**PLANT.figures, ("dust", Place()): Figure(1.0)}}, "'dust' is not in the list of flows"),
        ({"figures": {**PLANT.figures, ("slag", Place()): Figure(1.0, unit="m")}}, "cannot be"),
        (
            {"figures": {**PLANT.figures, ("slag", Place()): Figure(1.0)}},
            "found no unit, while other rows of this layer are in t",
        ),
        ({"processes": {**PLANT.processes, "idle": Process()}}, "no flow enters or leaves 'idle'"),
        ({"changes": {("plant", Place()): Figure(1.0)}}, "no process with a stock"),
        (
            {
                "processes": {"plant": Process(stock=True, balanced=False)},
                "levels": {("plant", Place("1")): Figure(1.0)},
            },
            "'plant' is not balanced, so that its stock binds nothing",
        ),
        ({"missing_rows": "guessed"}, "missing rows are unmeasured or zero"),
        (
            {"balances": {"share": {"metal": 1.0, "scrap": -0.5}}},
            "balance share: metal in kg and scrap in t cannot be added up",
        ),
        ({"balances": {"plant": {"slag": 1.0}}}, "already the name of a balance"),
        ({"balances": {"share": {"glue": 1.0}}}, "glue, which is not among the variables"),
        ({"flows": {**PLANT.flows, "TC of metal": Flow(target="plant")}}, "already the name of a variable"),
    ],
)
def test_what_cannot_be_right_is_refused(change: dict[str, object], words: str) -> None:
    if "flows" in change and "TC of metal" in change["flows"]:  # type: ignore[operator]
        change = {**change, "transfer_coefficients": {("metal", Place()): Figure(0.6, 0.1)}}
    with pytest.raises(InputError, match=words):
        replace(PLANT, **change).problem()  # type: ignore[arg-type]


def test_further_balances_and_options_of_a_folder_count_or_are_refused(tmp_path: Path) -> None:
    PLANT.write(tmp_path)
    (tmp_path / "balances.csv").write_text("balance,variable,coefficient\nquarter,slag,1\nquarter,scrap,-0.25\n")
    assert System.read(tmp_path).problem().balance_names == ("plant", "quarter")
    (tmp_path / "balances.csv").write_text("balance,variable,coefficient\nquarter,slug,1\n")
    with pytest.raises(TableError, match=r"balances.csv, row 2, column variable: 'slug'"):
        System.read(tmp_path)
    (tmp_path / "balances.csv").unlink()
    for text, words in (("guess,1", "expected missing rows"), ("missing rows,none", "expected unmeasured or zero")):
        (tmp_path / "options.csv").write_text(f"option,value\n{text}\n")
        with pytest.raises(TableError, match=f"options.csv, row 2, column .*{words}"):
            System.read(tmp_path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be written"):
        PLANT.write(tmp_path / "file")


def test_a_flow_without_a_figure_is_written_as_unmeasured(tmp_path: Path) -> None:
    figures = {key: figure for key, figure in PLANT.figures.items() if key[0] != "slag"}
    system = replace(PLANT, figures=figures)
    system.write(str(tmp_path))
    assert System.read(str(tmp_path)).problem().names == system.problem().names
    with pytest.raises(InputError, match="'slag' has no row, so that it is zero everywhere"):
        replace(system, missing_rows=ZERO)


def test_a_sheet_of_another_system_is_not_left_to_count(tmp_path: Path) -> None:
    replace(PLANT, balances={"quarter": {"slag": 1.0, "scrap": -0.25}}).write(tmp_path)
    with pytest.raises(InputError, match=r"balances.csv is there and this system has none"):
        PLANT.write(tmp_path)


def test_a_stock_is_not_taken_for_a_flow_of_its_name_nor_for_one_without_a_period() -> None:
    stocked = replace(PLANT, processes={"plant": Process(stock=True)})
    shadow = {**PLANT.flows, "stock change of plant": Flow(target="plant")}
    with pytest.raises(InputError, match="'stock change of plant' is already the name of a variable"):
        replace(stocked, flows=shadow).problem()
    yearly = {(flow, Place("2020")): figure for (flow, _), figure in PLANT.figures.items()}
    with pytest.raises(InputError, match="found an empty cell, while flows have a period"):
        replace(stocked, figures=yearly, levels={("plant", Place()): Figure(5.0, 1.0, unit="t")})


def test_a_workbook_keeps_names_that_look_like_numbers(tmp_path: Path) -> None:
    names = {"scrap": "001", "metal": "1e5", "slag": "2.0"}
    system = replace(
        PLANT,
        flows={names[flow]: ends for flow, ends in PLANT.flows.items()},
        figures={(names[flow], place): figure for (flow, place), figure in PLANT.figures.items()},
    )
    system.write(tmp_path / "plant.xlsx")
    assert list(System.read(tmp_path / "plant.xlsx").flows) == ["001", "1e5", "2.0"]
    endless = {**PLANT.figures, ("slag", Place()): Figure(lower=float("-inf"), unit="t")}
    with pytest.raises(InputError, match="without limit cannot be written"):
        replace(PLANT, figures=endless).write(tmp_path)


def test_bounds_and_notes_are_written(tmp_path: Path) -> None:
    bounded = {**PLANT.figures, ("slag", Place()): Figure(lower=1.0, upper=2.0, unit="t")}
    replace(PLANT, figures=bounded).write(tmp_path)
    system = System.read(tmp_path)
    figure = system.figures["slag", Place()]
    assert (figure.lower, figure.upper, system.flows["slag"].note) == (1.0, 2.0, "to tip")


def test_sums_of_two_units_and_of_unknown_names_are_refused() -> None:
    solved = reconcile(PLANT.problem())
    with pytest.raises(InputError, match="scrap in t and metal in kg cannot be added up"):
        solved.combine({"scrap": 1.0, "metal": 1.0})
    with pytest.raises(InputError, match="glue is not among the variables"):
        solved.combine({"glue": 1.0})
