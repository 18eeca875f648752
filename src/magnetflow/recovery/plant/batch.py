"""What does a batch take, what does it give, and what leaves to air and water, whichever route it goes?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from magnetflow.errors import ProcessError
from magnetflow.recovery.chemistry.species import WATER, species
from magnetflow.recovery.plant.conditions import Parameter
from magnetflow.recovery.plant.duties import COOLING, ELECTRICITY, HEAT, Duty
from magnetflow.recovery.plant.flowsheet import OUTSIDE, Leaving, Solved, Streams, Unit, solve
from magnetflow.recovery.plant.streams import Stream, mix


@dataclass(frozen=True)
class Batch(Solved):
    """The outcome of a recovery route for one batch; made by `routes.balance`.

    `streams` and `pipes` give the moles, the ends and the temperature of each stream, `closure_kg()` and
    `closure_of_units()` how exactly it balances, `parameters` the conditions with their marks.
    Masses are kg, energies kWh.
    """

    route: str
    units: Sequence[Unit]
    parameters: Sequence[Parameter] = field(default_factory=tuple)

    @cached_property
    def duties(self) -> list[Duty]:
        """Return what each unit takes, in the order of the units.

        Raises ProcessError, with the name of the unit, where the data do not reach.
        """
        found: list[Duty] = []
        for unit in self.units:
            names = (*unit.inlets, *unit.draws, *unit.outlets)
            try:
                found += unit.duties({name: self.streams[name] for name in names}) if unit.duties else []
            except ProcessError as error:
                raise ProcessError(f"{unit.name}: {error}") from None
        return found

    def without_duty(self) -> list[str]:
        """Return the units whose heat, cooling and electricity the model does not work out."""
        return [unit.name for unit in self.units if unit.duties is None]

    def energy_kwh(self, kind: str, unit: str = "") -> float:
        """Return the heat, cooling or electricity of a unit, or of all units that have such a duty, kWh.

        Raises ProcessError for another kind of duty.
        """
        if kind not in (HEAT, COOLING, ELECTRICITY):
            raise ProcessError(f"{kind!r} is no duty; ask for {HEAT}, {COOLING} or {ELECTRICITY}")
        return sum(duty.energy_kwh for duty in self.duties if duty.kind == kind and unit in ("", duty.unit))

    def net_heat_kwh(self, unit: str) -> float:
        """Return the heat of a unit less its cooling, kWh: below zero where it gives off more than it takes."""
        return self.energy_kwh(HEAT, unit) - self.energy_kwh(COOLING, unit)

    def reagents_kg(self) -> dict[str, float]:
        """Return what the batch takes from outside besides its feed, kg by formula; air by its oxygen."""
        drawn: dict[str, float] = {}
        for unit in self.units:
            for name, kind in unit.draws.items():
                for one, mass_kg in self.streams[name].kg().items():
                    if kind != "air" or one == "O2(g)":
                        drawn[species(one).formula] = drawn.get(species(one).formula, 0.0) + mass_kg
        return drawn

    def products(self) -> dict[str, dict[str, float]]:
        """Return the wanted substances in each product stream, kg by formula; what is not there is left out."""
        return {
            name: {species(one).formula: kg for one, kg in self.streams[name].kg().items() if one in leaving.wanted}
            for name, leaving in self._leaving("product")
        }

    def products_kg(self) -> dict[str, float]:
        """Return the wanted substances of all product streams together, kg by formula."""
        together: dict[str, float] = {}
        for made in self.products().values():
            for formula, mass_kg in made.items():
                together[formula] = together.get(formula, 0.0) + mass_kg
        return together

    def purity(self) -> dict[str, float]:
        """Return the mass share of the wanted substances in each product stream, water left aside."""
        shares = {}
        for name, made in self.products().items():
            dry_kg = self.streams[name].only(lambda one: one != WATER).mass_kg()
            if made:
                shares[name] = sum(made.values()) / dry_kg
        return shares

    def wastes_kg(self) -> dict[str, float]:
        """Return the mass of each stream that leaves as waste, kg by stream."""
        return {name: self.streams[name].mass_kg() for name, _ in self._leaving("waste")}

    def emissions(self, medium: str) -> Stream:
        """Return all that leaves to `air` or to `water`. Raises ProcessError for another medium."""
        if medium not in ("air", "water"):
            raise ProcessError(f"{medium!r} takes no emissions; ask for air or water")
        return mix(self.streams[name] for name, _ in self._leaving(medium))

    def _leaving(self, kind: str) -> Iterator[tuple[str, Leaving]]:
        """Yield the streams that leave the plant as one kind, in the order of the units."""
        for unit in self.units:
            for name, leaving in unit.leaves.items():
                if leaving.kind == kind and self.pipes[name].target == OUTSIDE:
                    yield name, leaving


def run(route: str, units: Sequence[Unit], feeds: Streams, parameters: Sequence[Parameter]) -> Batch:
    """Return the batch that units make of the streams fed to them; see `solve` for what is refused."""
    solved = solve(units, feeds)
    return Batch(solved.streams, solved.pipes, route, tuple(units), tuple(parameters))
