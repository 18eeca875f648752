"""Under which conditions does a batch run? By default they are ideal: all reacts, nothing is lost.

The ideal case is not a forecast. It is what the atoms allow, and the yardstick for every loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any

from magnetflow.errors import ProcessError

ALLOY = "Nd2Fe14B"
RARE_EARTHS = ("Nd", "Pr", "Dy")
BASE_METALS = ("Fe", "Co", "Ni")
METALS = (*RARE_EARTHS, *BASE_METALS)
CONVERSIONS = {f"conversion.{metal}": metal for metal in METALS}  # as a table or a user names them
BORON = ("inert", "bcl3", "bn")
SHARES = (
    "ammonia_cracked",
    "ammonia_absorbed",
    "dust",
    "boron_reacted",
    "chlorides_dissolved",
    "rare_earths_precipitated",
    "iron_with_oxalate",
    "iron_precipitated",
    "cobalt_nickel_with_iron",
    "boron_captured",
    "oxygen_used",
    "purge",
)
# What only chlorination asks for.
OF_KILN = (
    "nh4cl_ratio",
    "kiln_temperature_c",
    "sweep_nm3_per_kg",
    "ammonia_cracked",
    "dust",
    "boron_reacted",
    "condenser_temperature_c",
    "ammonia_absorbed",
    "scrubber_water_ratio",
    "leach_water_ratio",
    "chlorides_dissolved",
)
# Between which values each condition can lie; beyond them no plant runs and numbers lose their last digits.
LIMITS = dict.fromkeys(SHARES, (0.0, 1.0)) | {
    "magnet_kg": (1e-6, 1e6),
    "nh4cl_ratio": (0.0, 100.0),
    "kiln_temperature_c": (-273.15, 3000.0),
    "sweep_nm3_per_kg": (0.0, 1000.0),
    "condenser_temperature_c": (-273.15, 3000.0),
    "scrubber_water_ratio": (0.0, 100.0),
    "leach_water_ratio": (0.0, 100.0),
    "moisture": (0.0, 100.0),
    "washes": (0, 20),
    "wash_ratio": (0.0, 100.0),
    "oxalic_ratio": (0.0, 100.0),
    "oxygen_used": (0.01, 1.0),
    "boron_concentration": (0.01, 1000.0),
    "boric_acid_g_per_kg": (1.0, 1000.0),
    "eluant_acid": (0.0, 100.0),
}


@dataclass(frozen=True)
class Conditions:
    """The conditions of one batch, ideal unless set otherwise; shares lie between 0 and 1.

    Raises ProcessError naming the condition that cannot be, and what it may be.
    """

    magnet_kg: float = 200.0
    composition: str | Mapping[str, float] = ALLOY  # a formula, or mass share by element
    boron: str = "inert"  # what boron does in the kiln: stays, leaves as BCl3, or turns to BN
    nh4cl_ratio: float = 1.0  # charge over what full chlorination of all metals takes
    # By metal: what the kiln turns to chloride, or the cell dissolves.
    conversion: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(METALS, 1.0))
    boron_reacted: float = 1.0  # in the scenarios bcl3 and bn
    kiln_temperature_c: float = 400.0
    sweep_nm3_per_kg: float = 0.0  # nitrogen through the kiln for each kg of magnets
    ammonia_cracked: float = 0.0
    dust: float = 0.0  # lost in crushing
    condenser_temperature_c: float = 25.0
    ammonia_absorbed: float = 1.0  # in the scrubber
    scrubber_water_ratio: float = 4.0  # kg of water for each kg of ammonia
    leach_water_ratio: float = 4.0  # kg of water for each kg of calcine
    chlorides_dissolved: float = 1.0
    moisture: float = 0.0  # kg of liquid held by each kg of filtered solids
    washes: int = 2  # of each cake
    wash_ratio: float = 2.0  # kg of water a wash for each kg of liquid held
    oxalic_ratio: float = 1.0  # acid over what the rare earths take
    rare_earths_precipitated: float = 1.0  # as oxalate
    iron_with_oxalate: float = 0.0
    iron_precipitated: float = 1.0  # as hydroxide
    cobalt_nickel_with_iron: float = 1.0  # as hydroxides in the iron cake
    oxygen_used: float = 1.0  # of the oxygen in the air that is blown in
    boron_captured: float = 1.0  # by the ion exchanger
    boron_concentration: float = 10.0  # boron in the eluate over boron in the feed, as far as it dissolves
    boric_acid_g_per_kg: float = 47.2  # in a kg of water, what the eluate can hold; CRC Handbook, 20 °C
    eluant_acid: float = 0.0  # moles of HCl for each mole of boron eluted
    purge: float = 0.0  # of the ammonium chloride liquor

    def __post_init__(self) -> None:
        """Check every condition."""
        for name in LIMITS:
            number_in(name, getattr(self, name), LIMITS)
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


def number_in(name: str, value: object, limits: Mapping[str, tuple[float, float]]) -> None:
    """Raise ProcessError where a condition is no number, or lies outside its limits."""
    low, high = limits[name]
    if not isinstance(value, Real) or not low <= value <= high:  # type: ignore[operator]
        raise ProcessError(f"{name} is {_shown(value)}; give {low:g} to {high:g}")


def _shown(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else repr(value)[:40]
