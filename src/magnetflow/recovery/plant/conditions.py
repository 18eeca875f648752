"""Under which conditions does a batch run? By default they are ideal: all reacts, nothing is lost.

The ideal case is not a forecast. It is what the atoms allow, and the yardstick for every loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from numbers import Real
from typing import Any

from magnetflow.errors import ProcessError

ALLOY = "Nd2Fe14B"
RARE_EARTHS = ("Nd", "Pr", "Dy")
BASE_METALS = ("Fe", "Co", "Ni")
METALS = (*RARE_EARTHS, *BASE_METALS)
CONVERSIONS = {f"conversion.{metal}": metal for metal in METALS}  # as a table or a user names them
BORON = ("inert", "bcl3", "bn")
SHARE = (0.0, 1.0)


def limited(default: float, limits: tuple[float, float], *, kiln: bool = False) -> Any:
    """Return a field with the limits beyond which no plant runs; `kiln` marks what only chlorination asks for."""
    return field(default=default, metadata={"limits": limits, "kiln": kiln})


@dataclass(frozen=True)
class Conditions:
    """The conditions of one batch, ideal unless set otherwise; shares lie between 0 and 1.

    Raises ProcessError naming the condition that cannot be, and what it may be.
    """

    magnet_kg: float = limited(200.0, (1e-6, 1e6))
    composition: str | Mapping[str, float] = ALLOY  # a formula, or mass share by element
    boron: str = "inert"  # what boron does in the kiln: stays, leaves as BCl3, or turns to BN
    nh4cl_ratio: float = limited(1.0, (0.0, 100.0), kiln=True)  # charge over what full chlorination takes
    # By metal: what the kiln turns to chloride, or the cell dissolves.
    conversion: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(METALS, 1.0))
    ammonia_cracked: float = limited(0.0, SHARE, kiln=True)
    boron_reacted: float = limited(1.0, SHARE, kiln=True)  # in the scenarios bcl3 and bn
    kiln_temperature_c: float = limited(400.0, (-273.15, 3000.0), kiln=True)
    sweep_nm3_per_kg: float = limited(0.0, (0.0, 1000.0), kiln=True)  # of nitrogen for each kg of magnets
    dust: float = limited(0.0, SHARE, kiln=True)  # lost in crushing
    condenser_temperature_c: float = limited(25.0, (-273.15, 3000.0), kiln=True)
    ammonia_absorbed: float = limited(1.0, SHARE, kiln=True)  # in the scrubber
    scrubber_water_ratio: float = limited(4.0, (0.0, 100.0), kiln=True)  # kg of water for each kg of ammonia
    leach_water_ratio: float = limited(4.0, (0.0, 100.0), kiln=True)  # kg of water for each kg of calcine
    chlorides_dissolved: float = limited(1.0, SHARE, kiln=True)
    moisture: float = limited(0.0, (0.0, 100.0))  # kg of liquid held by each kg of filtered solids
    washes: int = limited(2, (0, 20))  # of each cake
    wash_ratio: float = limited(2.0, (0.0, 100.0))  # kg of water a wash for each kg of liquid held
    oxalic_ratio: float = limited(1.0, (0.0, 100.0))  # acid over what the rare earths take
    rare_earths_precipitated: float = limited(1.0, SHARE)  # as oxalate
    iron_with_oxalate: float = limited(0.0, SHARE)
    iron_precipitated: float = limited(1.0, SHARE)  # as hydroxide
    cobalt_nickel_with_iron: float = limited(1.0, SHARE)  # as hydroxides in the iron cake
    oxygen_used: float = limited(1.0, (0.01, 1.0))  # of the oxygen in the air that is blown in
    boron_captured: float = limited(1.0, SHARE)  # by the ion exchanger
    boron_concentration: float = limited(10.0, (0.01, 1000.0))  # in the eluate over the feed, as far as it dissolves
    boric_acid_g_per_kg: float = limited(47.2, (1.0, 1000.0))  # what water can hold; CRC Handbook, 20 °C
    eluant_acid: float = limited(0.0, (0.0, 100.0))  # moles of HCl for each mole of boron eluted
    purge: float = limited(0.0, SHARE)  # of the ammonium chloride liquor

    def __post_init__(self) -> None:
        check_limits(self)
        if self.boron not in BORON:
            raise ProcessError(f"boron is {self.boron!r}; choose {', '.join(BORON)}")
        for metal, part in self.conversion.items():
            if metal not in METALS:
                raise ProcessError(f"conversion of {metal}: there is none; the metals are {', '.join(METALS)}")
            if not 0 <= part <= 1:
                raise ProcessError(f"conversion of {metal} is {part:g}; give a share between 0 and 1")
        if isinstance(self.composition, str) and self.composition != ALLOY:
            raise ProcessError(f"composition is {self.composition!r}; give {ALLOY}, or mass shares by element")

    def with_(self, settings: Mapping[str, str]) -> Conditions:
        """Return these conditions with some of them given as text, such as `conversion.Fe` = `0.6`.

        Raises ProcessError for a name that is no condition, or a text that is no number.
        """
        for name in settings:
            if name not in LIMITS and name not in CONVERSIONS:
                raise ProcessError(f"{name!r} is no condition; there are {', '.join((*LIMITS, *CONVERSIONS))}")
        given = by_field({name: number_of(name, text) for name, text in settings.items()})
        return replace(self, **given | {"conversion": {**self.conversion, **given["conversion"]}})


def by_field(values: Mapping[str, float]) -> dict[str, Any]:
    """Return values of conditions by field of `Conditions`, where `conversion.Fe` is that of iron."""
    conversion = {CONVERSIONS[name]: value for name, value in values.items() if name in CONVERSIONS}
    plain = {name: value for name, value in values.items() if name not in CONVERSIONS}
    return {**plain, "conversion": conversion}


def number_of(name: str, text: str) -> float:
    """Return the value of a condition given as text; counts are whole. Raises ProcessError for what is no number."""
    try:
        return int(text) if name == "washes" else float(text)
    except ValueError:
        raise ProcessError(f"{name} is {text[:40]!r}, not a number") from None


def check_limits(conditions: Any) -> None:
    """Raise ProcessError where a condition is no number, or lies outside its limits."""
    for name, (low, high) in limits_of(type(conditions)).items():
        value = getattr(conditions, name)
        if not isinstance(value, Real) or not low <= value <= high:  # type: ignore[operator]
            shown = f"{value:.6g}" if isinstance(value, float) else repr(value)[:40]
            raise ProcessError(f"{name} is {shown}; give {low:g} to {high:g}")


def limits_of(conditions: type) -> dict[str, tuple[float, float]]:
    """Return the limits of each condition that has some, those that are shares first."""
    limits = {one.name: one.metadata["limits"] for one in fields(conditions) if one.metadata}
    return dict(sorted(limits.items(), key=lambda named: named[1] != SHARE))


LIMITS = limits_of(Conditions)
OF_KILN = [one.name for one in fields(Conditions) if one.metadata.get("kiln")]
