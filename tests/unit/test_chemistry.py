"""Formulas, reactions and streams: published masses, exact closure by an independent route, and what is refused."""

from __future__ import annotations

import ast
import json
import re
from fractions import Fraction
from typing import Any

import periodictable
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from magnetflow import tables
from magnetflow.errors import ProcessError, UnbalancedError
from magnetflow.recovery.chemistry.reactions import Reaction, reactions, residual
from magnetflow.recovery.chemistry.species import atomic_weight_kg, molar_mass_kg, species
from magnetflow.recovery.plant.streams import Stream, gas_volume_m3, mix, of_assay, of_mass

PROCESS = json.loads((ROOT / "tests" / "process_cases.json").read_text(encoding="utf-8"))
CASES = {case["id"]: case for case in PROCESS["cases"]}
EQUATIONS = dict(
    zip(*(tables.read("reactions", ROOT / "data")[column] for column in ("reaction", "equation")), strict=True)
)


def expected(case: str) -> dict[str, Any]:
    return {
        name: pytest.approx(published["value"], rel=published["rtol"] or None, abs=published["atol"])
        for name, published in CASES[case]["expected"].items()
    }


@pytest.mark.parametrize("element", PROCESS["atomic_weights"])
def test_atomic_weights_are_those_of_iupac_2021(element: str) -> None:
    assert 1000 * atomic_weight_kg(element) == pytest.approx(PROCESS["atomic_weights"][element], rel=1e-15)


@pytest.mark.parametrize("formula", CASES["A0_molar_masses"]["expected"])
def test_molar_masses_are_those_published(formula: str) -> None:
    assert 1000 * molar_mass_kg(formula) == expected("A0_molar_masses")[formula]
    assert molar_mass_kg(f"{formula}(s)") == molar_mass_kg(formula)


@pytest.mark.parametrize(
    ("name", "atoms", "charge", "phase"),
    [
        ("Fe+3(aq)", {"Fe": 1}, 3, "aq"),
        ("C2O4-2", {"C": 2, "O": 4}, -2, ""),
        ("Cl-(aq)", {"Cl": 1}, -1, "aq"),
        ("e-", {}, -1, ""),
        ("(NH4)2C2O4(s)", {"C": 2, "H": 8, "N": 2, "O": 4}, 0, "s"),
        ("Nd2(C2O4)3.10H2O(s)", {"C": 6, "H": 20, "Nd": 2, "O": 22}, 0, "s"),
        ("Ca((OH)2)2", {"Ca": 1, "H": 4, "O": 4}, 0, ""),
        ("unaccounted(s)", {"unaccounted": 1}, 0, "s"),
    ],
)
def test_formulas_are_read(name: str, atoms: dict[str, int], charge: int, phase: str) -> None:
    one = species(name)
    assert (dict(one.atoms), one.charge, one.phase) == (atoms, charge, phase)


@pytest.mark.parametrize(
    "name", ["", "Xx2", "Fe(OH", "FeOH)", "fe", "Fe 2", "NdCl3(S", "Fe.", "2H2O..H2O", "Fe+0", "n", "D2O"]
)
def test_a_species_that_does_not_parse_is_named(name: str) -> None:
    with pytest.raises(ProcessError, match=re.escape(repr(name))):
        species(name)


def independent_atoms(name: str) -> dict[str, int]:
    """Count atoms by the parser of periodictable, which shares nothing with ours but the table of symbols."""
    bare = re.sub(r"\((s|l|g|aq)\)$", "", name)
    bare = re.sub(r"[+-]\d*$", "", bare).replace(".", "+")
    return {} if bare == "e" else {str(atom): count for atom, count in periodictable.formula(bare).atoms.items()}


def independent_charge(name: str) -> int:
    found = re.search(r"([+-])(\d*)$", re.sub(r"\((s|l|g|aq)\)$", "", name))
    return int(found[1] + (found[2] or "1")) if found else 0


def independent_residual(equation: str) -> dict[str, Fraction]:
    left: dict[str, Fraction] = {}
    for side, sign in zip(equation.split(" -> "), (-1, 1), strict=True):
        for term in side.split(" + "):
            count, _, name = term.rpartition(" ")
            for what, atoms in {**independent_atoms(name), "charge": independent_charge(name)}.items():
                left[what] = left.get(what, Fraction(0)) + sign * Fraction(count or "1") * atoms
    return {what: count for what, count in left.items() if count}


@pytest.mark.parametrize("name", EQUATIONS)
def test_every_reaction_of_the_table_is_balanced_by_an_independent_route(name: str) -> None:
    assert independent_residual(EQUATIONS[name]) == {}
    assert residual(reactions()[name].coefficients) == {}


def test_no_equation_stands_outside_the_table() -> None:
    """Equations typed into code or a chapter would escape the test above."""
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "notebooks").glob("*.md")]:
        text = path.read_text(encoding="utf-8")
        cells = [text] if path.suffix == ".py" else re.findall(r"```\{code-cell\}\n(.*?)```", text, re.S)
        for cell in cells:
            code = "\n".join(line for line in cell.splitlines() if not line.startswith(":"))
            for node in ast.walk(ast.parse(code)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and "(" in node.value:
                    equations = re.findall(r"`([^`]* -> [^`]*)`", node.value) + [node.value] * (" -> " in node.value)
                    for equation in equations:
                        if re.search(r"\((s|g|aq)\)", equation) and "`" not in equation:
                            assert independent_residual(equation) == {}, f"{path.name}: {equation}"


def test_the_reaction_that_others_let_through_is_refused_with_its_residuals() -> None:
    case = CASES["N1_negative_closure"]
    coefficients = {name: Fraction(count) for name, count in case["inputs"]["reaction"].items()}
    found = {f"residual_{what}": float(count) for what, count in residual(coefficients).items()}
    wanted = {name: one["value"] for name, one in case["expected"].items() if name.startswith("residual")}
    assert found == {name: value for name, value in wanted.items() if value}
    with pytest.raises(UnbalancedError, match=re.escape("H +2, O +2, charge -2")):
        Reaction("R1", coefficients)
    closes = case["expected"]["OH_coefficient_that_closes"]["value"]
    Reaction("R1, mended", coefficients | {"OH-": Fraction(closes)})


@given(st.sampled_from(sorted(EQUATIONS)), st.integers(0, 3), st.sampled_from([-1, 1]))
def test_a_coefficient_that_is_off_by_one_is_always_found(name: str, at: int, step: int) -> None:
    coefficients = dict(reactions()[name].coefficients)
    changed = sorted(coefficients)[at % len(coefficients)]
    with pytest.raises(UnbalancedError):
        Reaction("spoilt", coefficients | {changed: coefficients[changed] + step})


@pytest.mark.parametrize(
    ("equation", "message"),
    [
        ("Fe(s) + Cl2(g) FeCl2(s)", "no single arrow"),
        ("Fe(s) -> FeCl2(s) -> Fe(s)", "no single arrow"),
        ("Fe(s) + two Cl2(g) -> FeCl2(s)", r"'two Cl2\(g\)' is no species"),
        ("Fe(s) -> Fe(s)", "nothing is changed"),
        ("Fe(s) + Zz(g) -> FeZz(s)", "Zz is no element"),
        ("Fe(s) + Cl2(g) -> FeCl3(s)", r"Cl \+1"),
    ],
)
def test_an_equation_that_cannot_be_is_refused(equation: str, message: str) -> None:
    with pytest.raises(ProcessError, match=message):
        Reaction.read("trial", equation)


def test_a_reaction_is_shown_as_it_was_written_and_turned_round() -> None:
    again = Reaction.read("again", str(reactions()["chlorination_Nd"]))
    assert again.coefficients == reactions()["chlorination_Nd"].coefficients
    turned = again.reversed()
    assert turned.coefficients["Nd(s)"] == 1
    with pytest.raises(ProcessError, match="coefficient of Fe"):
        Reaction("odd", {"Fe": float("nan")})  # type: ignore[dict-item]


def test_an_assay_that_is_open_is_filled_with_what_it_is_silent_about() -> None:
    magnets = of_assay({"Nd": 0.228, "Fe": 0.701}, 200)
    assert magnets.kg() == pytest.approx({"Nd(s)": 45.6, "Fe(s)": 140.2, "unaccounted(s)": 14.2})
    assert magnets.mass_kg() == pytest.approx(200, abs=1e-12)
    assert "unaccounted(s)" not in of_assay({"Nd": 0.25, "Fe": 0.75}, 200).moles


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        (lambda: of_assay({"Nd": 0.5, "Fe": 0.6}, 1), "add up to 110 %"),
        (lambda: of_assay({"Nd": -0.1}, 1), "-0.1 of Nd"),
        (lambda: of_mass({"Fe(s)": -1.0}), "-1 kg of Fe"),
        (lambda: of_mass({"Fe(s)": float("nan")}), "nan kg of Fe"),
        (lambda: Stream({"Fe(s)": -1.0}), "less than nothing"),
        (lambda: Stream({"Fe(s)": 1.0}) - Stream({"Fe(s)": 2.0}), "less than nothing"),
        (lambda: Stream({"Fe(s)": float("inf")}), "inf mol of Fe"),
        (lambda: Stream({"Xy(s)": 1.0}), "Xy is no element"),
    ],
)
def test_a_stream_that_cannot_be_is_refused(spoilt: Any, message: str) -> None:
    with pytest.raises(ProcessError, match=message):
        spoilt()


def test_streams_are_weighed_by_species_element_and_charge() -> None:
    brine = mix([of_mass({"H2O(l)": 1.0}), Stream({"Fe+2(aq)": 2.0, "Cl-(aq)": 4.0, "H2(g)": 1.0})])
    assert brine.charge_mol() == 0
    assert brine.elements_mol()["H"] == pytest.approx(2 / molar_mass_kg("H2O") + 2)
    assert sum(brine.elements_kg().values()) == pytest.approx(brine.mass_kg(), rel=1e-14)
    assert gas_volume_m3(brine) == pytest.approx(PROCESS["constants"]["molar_volume_L_0C_1atm"] / 1000, rel=1e-12)
    assert set(brine.in_phase("aq").moles) == {"Fe+2(aq)", "Cl-(aq)"}
    assert (brine * 3 - brine).mass_kg() == pytest.approx(2 * brine.mass_kg())
