"""What is dissolved in a liquor, in which form, and what falls out of it?

Each species follows from the components it is made of by mass action, each component keeps its total, and no solid is
oversaturated. In logarithms of activities this is the maximum of a concave function under linear limits, one a solid,
whose multipliers are the amounts that fall out; so there is one answer, and Newton's method finds it.
Activities are Davies's (1962), with log gamma = 0.1 I for what has no charge, as PHREEQC has it (Parkhurst and Appelo
2013). Beyond an ionic strength of `DAVIES_LIMIT` the equation means nothing: it is held at its value there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from magnetflow import tables
from magnetflow.arrays import Matrix, Vector
from magnetflow.errors import ConvergenceError, ProcessError
from magnetflow.recovery.chemistry.reactions import Reaction
from magnetflow.recovery.chemistry.species import species
from magnetflow.recovery.plant.streams import Stream

WATER = "H2O(l)"
PROTON = "H+(aq)"
DAVIES_A = 0.5092  # at 25 °C, (kg/mol)^(1/2)
DAVIES_LIMIT = 0.5  # mol/kg
LONGEST_STEP = 10.0  # in natural logarithms of an activity
SHORTEST_STEP = 1e-8  # part of a Newton step
TRACE = 1e-12  # mol/kg, below which a component is held by its solid alone and is not scaled up
SETTLED = 1e-9  # in natural logarithms of an activity
STEPS = 400
LN_10 = math.log(10.0)


@dataclass(frozen=True)
class Law:
    """How a species or a solid follows from components: moles of each, and the logarithm of the constant."""

    parts: Mapping[str, float]
    ln_constant: float


@dataclass(frozen=True)
class Equilibrium:
    """A liquor at rest with what has fallen out of it, per kilogram of water."""

    molality: dict[str, float]  # mol/kg by dissolved species
    solids: dict[str, float]  # mol/kg by solid
    ph: float
    ionic_strength: float  # mol/kg

    def dissolved(self, element: str) -> float:
        """Return what is dissolved of an element, mol/kg."""
        return math.fsum(amount * species(name).atoms.get(element, 0) for name, amount in self.molality.items())


@cache
def _laws() -> tuple[Mapping[str, Law], Mapping[str, Law]]:
    """Return the laws of the dissolved species, and those of the solids as they dissolve."""
    table = tables.read("aqueous_equilibria")
    dissolved, solids = {}, {}
    for row in table.itertuples():
        name, equation = str(row.formed), Reaction.read(str(row.formed), str(row.equation))
        parts = {one: float(count) for one, count in equation.coefficients.items() if one not in (WATER, name)}
        ln_constant = float(row.value) * LN_10  # type: ignore[arg-type]
        if row.kind == "solid":
            solids[name] = Law(parts, ln_constant)
        else:
            dissolved[name] = Law({one: -count for one, count in parts.items()}, ln_constant)
    return dissolved, solids


def components(stream: Stream, alike: Mapping[str, str] | None = None) -> dict[str, float]:
    """Return the dissolved matter of a stream as totals of components, mol/kg of its water.

    `alike` counts a species as another, such as one rare earth as the one whose constants are known.
    Raises ProcessError for a stream without water, or a species that is not known to the equilibria.
    """
    water_kg = stream.of(WATER) * species(WATER).molar_mass_kg
    if water_kg == 0:
        raise ProcessError("there is no water to dissolve in")
    dissolved, _ = _laws()
    known = {one for law in dissolved.values() for one in law.parts} | {"Cl-(aq)", "Na+(aq)", "Co+2(aq)", "Ni+2(aq)"}
    totals: dict[str, float] = {}
    for name, amount in stream.in_phase("aq").moles.items():
        name = (alike or {}).get(name, name)
        if name not in dissolved and name not in known:
            raise ProcessError(f"no equilibrium of {name} is known; add it to the table aqueous_equilibria")
        parts = dissolved[name].parts if name in dissolved else {name: 1.0}
        for one, count in parts.items():
            totals[one] = totals.get(one, 0.0) + count * amount / water_kg
    return totals


def equilibrate(
    totals: Mapping[str, float],
    ph: float | None = None,
    solids: Sequence[str] | None = None,
    constants: Mapping[str, float] | None = None,
) -> Equilibrium:
    """Return the equilibrium of totals of components, mol/kg.

    Without `ph` the protons are balanced, `H+(aq)` in `totals` being those that were brought along (fewer than none
    in a base); with it they are given, as if by a strong acid or base whose ions are not counted.
    `solids` names what may fall out, all that is known unless told; `constants` replaces decadic logarithms.
    Raises ProcessError for a negative total or an unknown solid, ConvergenceError where no answer is found.
    """
    problem = _Problem(totals, ph, solids, constants or {})
    ionic_strength, state = 0.0, problem.start()
    for _ in range(STEPS):
        state = problem.solve(state, ionic_strength)
        reached = problem.ionic_strength(state)
        if abs(reached - ionic_strength) <= 1e-11 * max(1.0, reached):
            return problem.told(state, reached)
        ionic_strength = reached
    raise ConvergenceError("the ionic strength of the liquor does not settle")


def ln_activity_coefficient(charge: Vector, ionic_strength: float) -> Vector:
    """Return the natural logarithm of the activity coefficients of charges (Davies 1962)."""
    strength = min(ionic_strength, DAVIES_LIMIT)
    root = math.sqrt(strength)
    davies = -DAVIES_A * charge**2 * (root / (1 + root) - 0.3 * strength)
    return LN_10 * np.where(charge == 0, 0.1 * strength, davies)


@dataclass
class _State:
    """Logarithms of the activities of the components, and amounts of the solids that have fallen out."""

    ln_activity: Vector
    fallen: dict[str, float]


class _Problem:
    """The matrices of one liquor: which species there can be, made of which components."""

    def __init__(
        self,
        totals: Mapping[str, float],
        ph: float | None,
        solids: Sequence[str] | None,
        constants: Mapping[str, float],
    ) -> None:
        for name, amount in totals.items():
            if not math.isfinite(amount) or (amount < 0 and name != PROTON):
                raise ProcessError(f"a liquor holds {amount:g} mol/kg of {name}")
        dissolved, can_fall = _laws()
        strange = set(constants) - set(dissolved) - set(can_fall)
        if strange:
            raise ProcessError(f"no constant of {min(strange)} is in the table, so it cannot be replaced")
        unknown = set(solids or ()) - set(can_fall)
        if unknown:
            raise ProcessError(f"no solubility of {min(unknown)} is known; there are {', '.join(sorted(can_fall))}")
        present = [name for name, amount in totals.items() if amount > 0 and name != PROTON]
        self.names = [PROTON, *sorted(present)]
        self.totals = np.array([totals.get(name, 0.0) for name in self.names])
        self.ph = ph
        laws = {name: Law({name: 1.0}, 0.0) for name in self.names}
        laws |= {name: law for name, law in dissolved.items() if set(law.parts) <= set(self.names)}
        self.species = sorted(laws)
        self.parts = self._matrix([laws[name] for name in self.species])
        self.ln_constant = self._constants(self.species, laws, constants)
        self.charge = np.array([float(species(name).charge) for name in self.species])
        falling = {name: law for name, law in can_fall.items() if solids is None or name in solids}
        self.solids = sorted(name for name, law in falling.items() if set(law.parts) <= set(self.names))
        self.solid_parts = self._matrix([falling[name] for name in self.solids])
        self.ln_solubility = self._constants(self.solids, falling, constants)
        self.free = np.arange(0 if ph is None else 1, len(self.names))

    def _matrix(self, laws: Sequence[Law]) -> Matrix:
        return np.array([[law.parts.get(name, 0.0) for name in self.names] for law in laws]).reshape(
            -1, len(self.names)
        )

    def _constants(self, names: Sequence[str], laws: Mapping[str, Law], replaced: Mapping[str, float]) -> Vector:
        return np.array([replaced[name] * LN_10 if name in replaced else laws[name].ln_constant for name in names])

    def start(self) -> _State:
        ln_activity = np.log(np.maximum(np.abs(self.totals), 1e-7))
        if self.totals[0] < 0:  # a base: what is lacking of protons is there as hydroxide
            ln_activity[0] = -14 * LN_10 - ln_activity[0]
        if self.ph is not None:
            ln_activity[0] = -self.ph * LN_10
        return _State(ln_activity, {})

    def molality(self, ln_activity: Vector, ionic_strength: float) -> Vector:
        ln_gamma = ln_activity_coefficient(self.charge, ionic_strength)
        return np.exp(np.minimum(self.ln_constant + self.parts @ ln_activity - ln_gamma, 50.0))

    def ionic_strength(self, state: _State) -> float:
        return float(0.5 * (self.charge**2 * self.molality(state.ln_activity, self._strength)).sum())

    def solve(self, state: _State, ionic_strength: float) -> _State:
        """Return the equilibrium at an ionic strength; solids are taken up and let go until none is out of place."""
        self._strength = ionic_strength
        active = list(state.fallen)
        for _ in range(4 * len(self.solids) + 4):
            ln_activity, amounts = self._newton(state.ln_activity, active)
            fallen = dict(zip(active, amounts.tolist(), strict=True))
            dissolving = min(fallen, key=lambda name: fallen[name], default=None)
            if dissolving is not None and fallen[dissolving] < 0:
                active.remove(dissolving)
                continue
            over = self.solid_parts @ ln_activity - self.ln_solubility
            waiting = [at for at, name in enumerate(self.solids) if name not in active and over[at] > 1e-10]
            state = _State(ln_activity, fallen)
            if not waiting:
                return state
            active.append(self.solids[max(waiting, key=lambda at: over[at])])
        raise ConvergenceError("which solids fall out of the liquor does not settle")

    def _newton(self, start: Vector, active: Sequence[str]) -> tuple[Vector, Vector]:
        """Return the activities that meet the totals while the active solids are just saturated, and their amounts.

        Newton's method from a point that need not be feasible: a step is halved until what is missing shrinks.
        """
        at = [self.solids.index(name) for name in active]
        limits, bound = self.solid_parts[at], self.ln_solubility[at]
        ln_activity, amounts = start.copy(), np.zeros(len(at))
        free, size = self.free, len(self.free)
        parts = self.parts[:, free]

        def missing(ln_activity: Vector, amounts: Vector) -> Vector:
            molality = self.molality(ln_activity, self._strength)
            totals = self.totals[free] - parts.T @ molality - limits[:, free].T @ amounts
            return np.concatenate([totals, bound - limits @ ln_activity])

        lack = missing(ln_activity, amounts)
        for _ in range(STEPS):
            molality = self.molality(ln_activity, self._strength)
            system = np.zeros((size + len(at), size + len(at)))
            system[:size, :size] = (parts * molality[:, None]).T @ parts
            system[:size, size:] = limits[:, free].T
            system[size:, :size] = limits[:, free]
            scale = np.sqrt(np.maximum(np.diag(system)[:size], TRACE))
            tightest = (np.abs(limits[:, free]) / scale).max(axis=1, initial=1e-300)
            weights = np.concatenate([1 / scale, 1 / tightest])
            step = weights * np.linalg.solve(system * weights[:, None] * weights, lack * weights)
            longest = np.abs(step[:size]).max(initial=0.0)
            length = min(1.0, LONGEST_STEP / longest) if longest else 1.0
            while True:
                moved = ln_activity.copy()
                moved[free] += length * step[:size]
                then = missing(moved, amounts + length * step[size:])
                if np.linalg.norm(then) < np.linalg.norm(lack) or length < SHORTEST_STEP or longest < SETTLED:
                    break
                length /= 2
            ln_activity, amounts, lack = moved, amounts + length * step[size:], then
            if longest < SETTLED:
                return ln_activity, amounts
        raise ConvergenceError("the equilibrium of the liquor is not found")

    def told(self, state: _State, ionic_strength: float) -> Equilibrium:
        molality = self.molality(state.ln_activity, ionic_strength)
        return Equilibrium(
            dict(zip(self.species, molality.tolist(), strict=True)),
            dict(sorted(state.fallen.items())),
            float(-state.ln_activity[0] / LN_10),
            ionic_strength,
        )
