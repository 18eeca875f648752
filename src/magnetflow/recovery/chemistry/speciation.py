"""What is dissolved in a liquor, in which form, and what falls out of it?

Each species follows from the components it is made of by mass action, each component keeps its total, and no solid is
oversaturated. In logarithms of activities this is the maximum of a concave function under linear limits, one a solid,
whose multipliers are the amounts that fall out; so there is one answer, and Newton's method finds it.
Activities are Davies's (1962), with log gamma = 0.1 I for what has no charge, as PHREEQC has it (Parkhurst and Appelo
2013). Beyond an ionic strength of `DAVIES_LIMIT` the equation means nothing, and coefficients are kept at
their values there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from magnetflow import tables
from magnetflow.arrays import Matrix, Vector
from magnetflow.errors import ConvergenceError, ProcessError
from magnetflow.recovery.chemistry.reactions import Reaction
from magnetflow.recovery.chemistry.species import WATER, species
from magnetflow.recovery.plant.streams import Stream

PROTON = "H+(aq)"
DAVIES_A = 0.5092  # at 25 °C, (kg/mol)^(1/2)
DAVIES_LIMIT = 0.5  # mol/kg
LONGEST_STEP = 10.0  # in natural logarithms of an activity
SHORTEST_STEP = 1e-8  # part of a Newton step
TRACE = 1e-12  # mol/kg, below which a component is all in its solid and is not scaled up
SETTLED = 1e-9  # in natural logarithms of an activity
OVERSATURATED = 1e-10  # in natural logarithms of the saturation, beyond which a solid precipitates
STEPS = 400
LN_10 = math.log(10.0)


@dataclass(frozen=True)
class Law:
    """How a species or a solid follows from components: moles of each, and the logarithm of the constant."""

    parts: Mapping[str, float]
    ln_constant: float


@dataclass(frozen=True)
class Equilibrium:
    """A liquor at equilibrium with what has precipitated from it, for each kilogram of water."""

    molality: dict[str, float]  # mol/kg by dissolved species
    solids: dict[str, float]  # mol/kg by solid
    ph: float
    ionic_strength: float  # mol/kg

    def dissolved(self, element: str) -> float:
        """Return the total of an element over the dissolved species, mol/kg."""
        return math.fsum(amount * species(name).atoms.get(element, 0) for name, amount in self.molality.items())


@cache
def _laws() -> tuple[Mapping[str, Law], Mapping[str, Law]]:
    """Return the laws of the dissolved species, and those of the solids as they dissolve."""
    dissolved, solids = {}, {}
    for row in tables.read("aqueous_equilibria").itertuples():
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
    `solids` names what may precipitate, by default every solid of the table; `constants` replaces decadic logarithms.
    Raises ProcessError for a negative total or an unknown solid, ConvergenceError where no answer is found.
    """
    liquor = _liquor(totals, ph is not None, solids, constants or {})
    ln_activity, before = _first_guess(liquor.totals, ph), 0.0
    active: list[int] = []
    for _ in range(STEPS):
        ln_activity, active, amounts = _precipitate(liquor, ln_activity, active)
        ionic_strength = float(0.5 * (liquor.charge**2 * liquor.molality(ln_activity)).sum())
        liquor = replace(liquor, ln_gamma=ln_activity_coefficient(liquor.charge, ionic_strength))
        if abs(ionic_strength - before) <= 1e-11 * max(1.0, ionic_strength):
            return Equilibrium(
                dict(zip(liquor.species, liquor.molality(ln_activity).tolist(), strict=True)),
                dict(sorted(zip((liquor.solids[at] for at in active), amounts.tolist(), strict=True))),
                float(-ln_activity[0] / LN_10),
                ionic_strength,
            )
        before = ionic_strength
    raise ConvergenceError("the ionic strength of the liquor does not settle")


def ln_activity_coefficient(charge: Vector, ionic_strength: float) -> Vector:
    """Return the natural logarithm of the activity coefficients of charges, any shape (Davies 1962).

    Beyond an ionic strength of `DAVIES_LIMIT` it is kept at its value there.
    """
    strength = min(ionic_strength, DAVIES_LIMIT)
    root = math.sqrt(strength)
    davies = -DAVIES_A * charge**2 * (root / (1 + root) - 0.3 * strength)
    return LN_10 * np.where(charge == 0, 0.1 * strength, davies)


@dataclass(frozen=True)
class _Liquor:
    """What a liquor holds and which laws it follows: m components, n dissolved species, s solids.

    Sought are the natural logarithms of the activities of the components (m,) and the amounts, mol/kg, of the k
    solids that are active: there, and just saturated.
    """

    totals: Vector  # (m,) mol/kg, protons first
    fixed: int  # 1 where the pH is given, so that the activity of the first component is not sought, else 0
    species: list[str]
    parts: Matrix  # (n, m) moles of each component in a species
    ln_constant: Vector  # (n,)
    charge: Vector  # (n,)
    ln_gamma: Vector  # (n,) logarithms of the activity coefficients
    solids: list[str]  # that may precipitate
    solid_parts: Matrix  # (s, m)
    ln_solubility: Vector  # (s,)

    def molality(self, ln_activity: Vector) -> Vector:
        """Return the dissolved species by mass action (n,), mol/kg."""
        return np.exp(np.minimum(self.ln_constant + self.parts @ ln_activity - self.ln_gamma, 50.0))


def _liquor(
    totals: Mapping[str, float], ph_given: bool, solids: Sequence[str] | None, constants: Mapping[str, float]
) -> _Liquor:
    """Gather the species and the solids that the components of a liquor can form.

    Raises ProcessError for a total that cannot be, or a name that the table does not hold.
    """
    dissolved, can_fall = _laws()
    for name, amount in totals.items():
        if not math.isfinite(amount) or (amount < 0 and name != PROTON):
            raise ProcessError(f"a liquor holds {amount:g} mol/kg of {name}")
    for name in sorted(set(constants) - set(dissolved) - set(can_fall)):
        raise ProcessError(f"no constant of {name} is in the table, so it cannot be replaced")
    for name in sorted(set(solids or ()) - set(can_fall)):
        raise ProcessError(f"no solubility of {name} is known; there are {', '.join(sorted(can_fall))}")
    names = [PROTON, *sorted(name for name, amount in totals.items() if amount > 0 and name != PROTON)]

    def formed(laws: Mapping[str, Law]) -> tuple[list[str], Matrix, Vector]:
        """Return which of the laws apply, the components of each (laws, m), and the logarithms of their constants."""
        found = sorted(name for name, law in laws.items() if set(law.parts) <= set(names))
        parts = [[laws[name].parts.get(one, 0.0) for one in names] for name in found]
        ln = [constants[name] * LN_10 if name in constants else laws[name].ln_constant for name in found]
        return found, np.array(parts).reshape(-1, len(names)), np.array(ln)

    found, parts, ln_constant = formed({name: Law({name: 1.0}, 0.0) for name in names} | dict(dissolved))
    charge = np.array([float(species(name).charge) for name in found])
    falling = formed({name: law for name, law in can_fall.items() if solids is None or name in solids})
    amounts = np.array([totals.get(name, 0.0) for name in names])
    return _Liquor(amounts, int(ph_given), found, parts, ln_constant, charge, 0 * charge, *falling)


def _first_guess(totals: Vector, ph: float | None) -> Vector:
    """Return logarithms of activities (m,) to start from: every component free, at its total."""
    ln_activity = np.log(np.maximum(np.abs(totals), 1e-7))
    if totals[0] < 0:  # a base: what is lacking of protons is there as hydroxide
        ln_activity[0] = -14 * LN_10 - ln_activity[0]
    if ph is not None:
        ln_activity[0] = -ph * LN_10
    return ln_activity


def _precipitate(liquor: _Liquor, ln_activity: Vector, active: list[int]) -> tuple[Vector, list[int], Vector]:
    """Return logarithms of activities (m,), the solids that are there (k) and their amounts (k,).

    Starting from the solids in `active`, the most oversaturated one is added, and one whose amount would be negative
    is taken out, until there is neither.
    """
    for _ in range(4 * len(liquor.solids) + 4):
        found, amounts = _newton(liquor, ln_activity, active)
        if amounts.min(initial=0.0) < 0:
            dissolving = int(np.argmin(amounts))
            active = active[:dissolving] + active[dissolving + 1 :]
            continue
        ln_activity = found
        excess = liquor.solid_parts @ ln_activity - liquor.ln_solubility
        excess[active] = 0.0
        if excess.max(initial=0.0) <= OVERSATURATED:
            return ln_activity, active, amounts
        active = [*active, int(np.argmax(excess))]
    raise ConvergenceError("which solids fall out of the liquor does not settle")


def _newton(liquor: _Liquor, ln_activity: Vector, active: Sequence[int]) -> tuple[Vector, Vector]:
    """Return the activities (m,) that meet the totals with the active solids just saturated, and their amounts (k,).

    Newton's method from a point that need not be feasible: a step is halved until the residual shrinks.
    """
    components, fixed = len(liquor.totals), liquor.fixed
    unknowns = np.concatenate([ln_activity, np.zeros(len(active))])
    molality, residual = _residual(liquor, active, unknowns)
    for _ in range(STEPS):
        step = _step(liquor.parts[:, fixed:], liquor.solid_parts[active, fixed:], molality, residual)
        longest = np.abs(step[: components - fixed]).max(initial=0.0)
        length = min(1.0, LONGEST_STEP / longest) if longest else 1.0
        while True:
            trial = unknowns.copy()
            trial[fixed:] += length * step
            molality, left = _residual(liquor, active, trial)
            if np.linalg.norm(left) < np.linalg.norm(residual) or length < SHORTEST_STEP or longest < SETTLED:
                break
            length /= 2
        unknowns, residual = trial, left
        if longest < SETTLED:
            return unknowns[:components], unknowns[components:]
    raise ConvergenceError("the equilibrium of the liquor is not found")


def _residual(liquor: _Liquor, active: Sequence[int], unknowns: Vector) -> tuple[Vector, Vector]:
    """Return molalities (n,), and what is missing of the totals that are met and of saturation (m - fixed + k,)."""
    ln_activity, amounts = unknowns[: len(liquor.totals)], unknowns[len(liquor.totals) :]
    solid_parts, molality = liquor.solid_parts[active], liquor.molality(ln_activity)
    missing = liquor.totals - liquor.parts.T @ molality - solid_parts.T @ amounts
    unsaturated = liquor.ln_solubility[active] - solid_parts @ ln_activity
    return molality, np.concatenate([missing[liquor.fixed :], unsaturated])


def _step(parts: Matrix, solid_parts: Matrix, molality: Vector, residual: Vector) -> Vector:
    """Return the Newton step (f + k,) for f components sought and k active solids.

    `parts` (n, f) and `solid_parts` (k, f) are their make-up. The equations are scaled before they are solved, since
    molalities lie many decades apart.
    """
    sought = parts.shape[1]
    system = np.zeros((len(residual), len(residual)))
    system[:sought, :sought] = (parts * molality[:, None]).T @ parts
    system[:sought, sought:] = solid_parts.T
    system[sought:, :sought] = solid_parts
    scale = np.sqrt(np.maximum(np.diag(system)[:sought], TRACE))
    tightest = (np.abs(solid_parts) / scale).max(axis=1, initial=1e-300)
    weights = np.concatenate([1 / scale, 1 / tightest])
    return weights * np.linalg.solve(system * weights[:, None] * weights, residual * weights)
