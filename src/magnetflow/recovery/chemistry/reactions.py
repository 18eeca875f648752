"""Does a reaction keep every element and the charge? One that does not cannot be made.

Coefficients are exact fractions, so that closure is a matter of whole numbers and not of a tolerance.
The reactions of the book stand in `tables/reactions.csv` beside this module, each with its source.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, cached_property
from types import MappingProxyType

from magnetflow import tables
from magnetflow.errors import ProcessError, UnbalancedError
from magnetflow.recovery.chemistry.species import species

CHARGE = "charge"
_TERM = re.compile(r"^(?:(?P<count>\d+(?:\.\d+|/\d+)?)\s+)?(?P<name>\S+)$")


@dataclass(frozen=True, eq=False)
class Reaction:
    """A balanced reaction: moles of each species made (positive) and taken (negative) for one unit of extent.

    Raises ProcessError for a coefficient that is no number, or for none, UnbalancedError for what does not balance.
    """

    name: str
    coefficients: Mapping[str, Fraction]
    per_extent: Mapping[str, float] = field(init=False, repr=False)  # the same as real numbers

    def __post_init__(self) -> None:
        exact = {}
        for one, count in self.coefficients.items():
            try:
                exact[one] = Fraction(count)
            except (ValueError, OverflowError, TypeError):
                raise ProcessError(
                    f"reaction {self.name}: the coefficient of {one} is {count!r}, no number"
                ) from None
        object.__setattr__(self, "coefficients", MappingProxyType({one: n for one, n in exact.items() if n}))
        if not self.coefficients:
            raise ProcessError(f"reaction {self.name}: nothing is changed")
        left_over = residual(exact)
        # Exact fractions prove the balance once; moles are reals, and are worked out with these.
        object.__setattr__(self, "per_extent", {one: float(n) for one, n in exact.items() if n})
        if left_over:
            excess = ", ".join(f"{what} {float(count):+g}" for what, count in left_over.items())
            raise UnbalancedError(f"reaction {self.name} does not balance; products minus reactants: {excess}")

    @classmethod
    def read(cls, name: str, equation: str) -> Reaction:
        """Read an equation such as `Fe(s) + 2 NH4Cl(s) -> FeCl2(s) + 2 NH3(g) + H2(g)`.

        Raises ProcessError for what does not parse, UnbalancedError for what does not balance.
        """
        sides = re.split(r"\s*->\s*", equation.strip())
        if len(sides) != 2:
            raise ProcessError(f"reaction {name}: {equation!r} has no single arrow ->")
        coefficients: Counter[str] = Counter()
        for side, sign in zip(sides, (-1, 1), strict=True):
            for term in re.split(r"\s+\+\s+", side):
                found = _TERM.match(term)
                if found is None:
                    raise ProcessError(f"reaction {name}: {term!r} is no species with a number before it")
                coefficients[found["name"]] += sign * Fraction(found["count"] or 1)  # type: ignore[assignment]
        return cls(name, coefficients)  # type: ignore[arg-type]

    @cached_property
    def dissolved(self) -> dict[str, float]:
        """Return the moles made (positive) and taken (negative) of each dissolved species for one unit of extent."""
        return {name: n for name, n in self.per_extent.items() if species(name).phase == "aq"}

    def electrons(self) -> Fraction:
        """Return the electrons that one unit of extent sets free, negative where it takes them."""
        return self.coefficients.get("e-", Fraction(0))

    def reversed(self) -> Reaction:
        """Return the same reaction from right to left."""
        return Reaction(f"{self.name}, reversed", {name: -count for name, count in self.coefficients.items()})

    def __str__(self) -> str:
        """Return the equation."""
        terms = {name: name if abs(n) == 1 else f"{abs(n):g} {name}" for name, n in sorted(self.per_extent.items())}
        sides = ([text for name, text in terms.items() if sign * self.per_extent[name] > 0] for sign in (-1, 1))
        return " -> ".join(" + ".join(side) for side in sides)


def residual(coefficients: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Return the atoms by element, and the charge, that a reaction makes out of nothing; empty if it balances."""
    made: Counter[str] = Counter()
    for name, count in coefficients.items():
        one = species(name)
        for element, atoms in one.atoms.items():
            made[element] += count * atoms  # type: ignore[assignment]
        made[CHARGE] += count * one.charge  # type: ignore[assignment]
    return {what: Fraction(count) for what, count in sorted(made.items()) if count}


@cache
def reactions() -> Mapping[str, Reaction]:
    """Return the reactions of the book by name, each proved balanced as it is read."""
    table = tables.read("reactions")
    pairs = zip(table["reaction"], table["equation"], strict=True)
    return MappingProxyType({name: Reaction.read(name, equation) for name, equation in pairs})


@cache
def metals() -> tuple[str, ...]:
    """Return the metals that a batch can carry, rare earths first: those whose chlorination to a solid is known."""
    return (*rare_earths(), *base_metals())


@cache
def rare_earths() -> tuple[str, ...]:
    """Return the metals whose trichloride and whose oxalate are known, in the order of the table."""
    made = {name for reaction in reactions().values() for name in reaction.coefficients}
    return tuple(metal for metal in _chlorinated() if {f"{metal}Cl3(s)", f"{metal}2(C2O4)3.10H2O(s)"} <= made)


@cache
def base_metals() -> tuple[str, ...]:
    """Return the other metals that ammonium chloride turns to a solid, in the order of the table."""
    return tuple(metal for metal in _chlorinated() if metal not in rare_earths())


def _chlorinated() -> list[str]:
    """Return the elements that take ammonium chloride alone and become a solid."""
    found: list[str] = []
    for reaction in reactions().values():
        reactants = {name for name, count in reaction.coefficients.items() if count < 0}
        products = reaction.coefficients.keys() - reactants
        elements = [next(iter(species(name).atoms)) for name in reactants if len(species(name).atoms) == 1]
        solid = any(species(name).phase == "s" for name in products)
        found += [one for one in elements if solid and reactants == {f"{one}(s)", "NH4Cl(s)"}]
    return found
