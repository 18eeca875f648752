"""Which atoms and which charge does a formula hold, and what does a mole of it weigh?

A name is a formula with its charge and its phase: `NdCl3(s)`, `Fe+2(aq)`, `C2O4-2(aq)`, `Nd2(C2O4)3.10H2O(s)`.
`e-` is an electron. `unaccounted(s)` is matter of unknown make-up: it counts as an element of its own, 1 g a mole.
Atomic weights are the standard ones of IUPAC 2021, conventional values for elements given as intervals, as the
package periodictable carries them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import periodictable

from magnetflow.errors import ProcessError

UNACCOUNTED = "unaccounted"
WATER = "H2O(l)"
_PHASE = re.compile(r"^(?P<formula>.+?)\((?P<phase>s|l|g|aq)\)$")
_CHARGE = re.compile(r"^(?P<formula>.*?)(?P<sign>[+-])(?P<size>[1-9]\d*)?$")
_HYDRATE = re.compile(r"^(?P<count>[1-9]\d*)?(?P<formula>.+)$")
_TOKEN = re.compile(r"(?P<symbol>[A-Z][a-z]?)|(?P<open>\()|(?P<close>\))")
_COUNT = re.compile(r"[1-9]\d*")


@dataclass(frozen=True)
class Species:
    """One substance in one phase: its atoms by element, its charge in elementary charges."""

    name: str
    formula: str  # the name without its phase
    atoms: Mapping[str, int]
    charge: int
    phase: str
    molar_mass_kg: float  # of one mole


@cache
def species(name: str) -> Species:
    """Read the name of a species.

    Raises ProcessError naming what does not parse or is no element.
    """
    found = _PHASE.match(name)
    formula, phase = (found["formula"], found["phase"]) if found else (name, "")
    charge, bare = 0, formula
    charged = _CHARGE.match(formula)
    if charged:
        bare = charged["formula"]
        charge = int(charged["size"] or 1) * (1 if charged["sign"] == "+" else -1)
    if bare == UNACCOUNTED:
        atoms = Counter({UNACCOUNTED: 1})
    elif bare == "e" and charge == -1:
        atoms = Counter()
    else:
        atoms = _atoms(bare, name)
    mass = sum(count * atomic_weight_kg(element) for element, count in atoms.items())
    return Species(name, formula, MappingProxyType(dict(sorted(atoms.items()))), charge, phase, mass)


@cache
def atomic_weight_kg(element: str) -> float:
    """Return the mass of a mole of an element, kg."""
    if element == UNACCOUNTED:
        return 1e-3
    return float(getattr(periodictable, element).mass) / 1000


def molar_mass_kg(name: str) -> float:
    """Return the mass of a mole of a species, kg."""
    return species(name).molar_mass_kg


def _atoms(formula: str, name: str) -> Counter[str]:
    """Count the atoms of a formula, water of hydration and other parts behind a dot included."""
    atoms: Counter[str] = Counter()
    for part in formula.split("."):
        counted = _HYDRATE.match(part)
        if counted is None:
            raise ProcessError(f"species {name!r}: a part of the formula is empty")
        for element, count in _part(counted["formula"], name).items():
            atoms[element] += count * int(counted["count"] or 1)
    return atoms


def _part(formula: str, name: str) -> Counter[str]:
    """Count the atoms of a formula without dots; brackets may stand within brackets."""
    levels: list[Counter[str]] = [Counter()]
    at = 0
    while at < len(formula):
        token = _TOKEN.match(formula, at)
        if token is None:
            raise ProcessError(
                f"species {name!r} does not parse at {formula[at:]!r}; write it as Nd2(C2O4)3.10H2O(s)"
            )
        at = token.end()
        if token["open"]:
            levels.append(Counter())
            continue
        if token["symbol"]:
            if token["symbol"] not in _symbols():
                raise ProcessError(f"species {name!r}: {token['symbol']} is no element")
            inner = Counter({token["symbol"]: 1})
        elif len(levels) > 1:
            inner = levels.pop()
        else:
            raise ProcessError(f"species {name!r} closes a bracket that it does not open")
        count = _COUNT.match(formula, at)
        at = count.end() if count else at
        for element, each in inner.items():
            levels[-1][element] += each * int(count[0] if count else 1)
    if len(levels) > 1:
        raise ProcessError(f"species {name!r} opens a bracket that it does not close")
    return levels[0]


@cache
def _symbols() -> frozenset[str]:
    return frozenset(element.symbol for element in periodictable.elements if element.number > 0)
