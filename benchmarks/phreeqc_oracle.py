"""What does PHREEQC make of a liquor with the constants of the book? An independent route for tests and timings.

PHREEQC gets the constants under names of its own, one element for each component, so that no redox and no constant of
its own comes in; hydrates are told without their water, whose activity the book takes as one.
"""

from __future__ import annotations

import re
from typing import Any

from phreeqc import Phreeqc

from magnetflow import tables

MASTERS = {
    "Nd+3(aq)": ("Nd", "Nd+3", 144.242),
    "Fe+2(aq)": ("Fe_di", "Fe_di+2", 55.845),
    "Fe+3(aq)": ("Fe_tri", "Fe_tri+3", 55.845),
    "Co+2(aq)": ("Co", "Co+2", 58.933),
    "Ni+2(aq)": ("Ni", "Ni+2", 58.693),
    "C2O4-2(aq)": ("Ox", "Ox-2", 88.018),
    "H3BO3(aq)": ("B", "H3BO3", 10.81),
    "NH4+(aq)": ("Amm", "AmmH+", 17.031),
    "Cl-(aq)": ("Cl", "Cl-", 35.45),
    "SO4-2(aq)": ("S", "SO4-2", 96.06),
}
OF_WATER = """SOLUTION_MASTER_SPECIES
H H+ -1.0 H 1.008
H(0) H2 0 H
H(1) H+ -1.0 0
E e- 0 0.0 0.0
O H2O 0 O 16.0
O(0) O2 0 O
O(-2) H2O 0 0.0
Alkalinity Ox-2 2.0 Ox 88.018
"""


def word(name: str, equation: str) -> str:
    """Return the name that PHREEQC has for a species or a solid of an equation."""
    bare = re.sub(r"\((aq|s|l)\)$", "", name).split(".")[0]
    bare = bare.replace("Fe", "Fe_tri" if "Fe+3" in equation else "Fe_di")
    return bare.replace("C2O4", "Ox").replace("NH4+", "AmmH+").replace("NH3", "Amm")


def in_words_of_phreeqc(formed: str, equation: str) -> str:
    """Return an equation in the words of PHREEQC, what is formed in front."""
    sides = []
    for side in equation.split(" -> "):
        terms = [term.rpartition(" ") for term in side.split(" + ")]
        kept = [(count, name) for count, _, name in terms if not (name == "H2O(l)" and "." in formed)]
        sides.append(
            sorted((count + word(name, equation) for count, name in kept), key=lambda t: t != word(formed, equation))
        )
    return " = ".join(" + ".join(side) for side in sides)


def program() -> Any:
    """Return PHREEQC with the equilibria of the book as its database."""
    lines = [OF_WATER, *(f"{element} {name} 0 {mass} {mass}\n" for element, name, mass in MASTERS.values())]
    lines.append("SOLUTION_SPECIES\nH+ = H+\nlog_k 0\ne- = e-\nlog_k 0\nH2O = H2O\nlog_k 0\n")
    lines.append("2H2O = O2 + 4H+ + 4e-\nlog_k -86.08\n2H+ + 2e- = H2\nlog_k -3.15\n")
    lines += [f"{name} = {name}\nlog_k 0\n" for _, name, _ in MASTERS.values()]
    phases = ["PHASES\n"]
    for row in tables.read("aqueous_equilibria").itertuples():
        law = f"{in_words_of_phreeqc(str(row.formed), str(row.equation))}\nlog_k {row.value}\n"
        if row.kind == "species":
            lines.append(law)
        else:
            phases.append(f"{word(str(row.formed), str(row.equation))}\n{law}")
    running = Phreeqc()
    if running.LoadDatabaseString("".join([*lines, *phases, "END\n"])):
        raise ValueError(running.GetErrorString())
    return running


def by_phreeqc(running: Any, totals: dict[str, float], solids: list[str]) -> dict[str, float]:
    """Return pH, ionic strength, dissolved totals and precipitated solids, by the names that PHREEQC has."""
    laws = tables.read("aqueous_equilibria")
    equations = dict(zip(laws["formed"], laws["equation"], strict=True))
    components = [name for name in totals if name != "H+(aq)"]
    lines = ["SOLUTION 1", "units mol/kgw", "-water 1", "pH 7 charge"]
    lines += [f"{MASTERS[name][0]} {totals[name]}" for name in components]
    words = [word(name, equations[name]) for name in solids]
    lines += ["EQUILIBRIUM_PHASES 1", *(f"{name} 0 0" for name in words)]
    lines += ["SELECTED_OUTPUT 1", "-reset false", "-pH true", "-ionic_strength true"]
    lines += [
        "-totals " + " ".join(MASTERS[name][0] for name in components),
        "-equilibrium_phases " + " ".join(words),
        "END",
    ]
    if running.RunString("\n".join(lines) + "\n"):
        raise ValueError(running.GetErrorString())
    return {name: values[-1] for name, values in running.GetSelectedOutput().items()}
