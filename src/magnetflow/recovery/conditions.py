"""Under which conditions does a batch run? What is not told is ideal: all reacts, nothing is lost.

The ideal case is not a forecast. It is what the atoms allow, and the yardstick for every loss.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from magnetflow.recovery.species import ProcessError

ALLOY = "Nd2Fe14B"
RARE_EARTHS = ("Nd", "Pr", "Dy")
BASE_METALS = ("Fe", "Co", "Ni")
METALS = (*RARE_EARTHS, *BASE_METALS)
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


@dataclass(frozen=True)
class Conditions:
    """The conditions of one batch, ideal unless told otherwise; shares lie between 0 and 1.

    Raises ProcessError naming the condition that cannot be, and what it may be.
    """

    magnet_kg: float = 200.0
    composition: str | Mapping[str, float] = ALLOY  # a formula, or mass share by element
    boron: str = "inert"  # what boron does in the kiln: stays, leaves as BCl3, or turns to BN
    nh4cl_ratio: float = 1.0  # charge over what full chlorination of all metals takes
    conversion: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(METALS, 1.0))  # by metal
    boron_reacted: float = 1.0  # in the scenarios bcl3 and bn
    kiln_temperature_c: float = 400.0
    sweep_nm3: float = 0.0  # nitrogen through the kiln
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
    boron_concentration: float = 10.0  # boron in the eluate over boron in the feed
    eluant_acid: float = 0.0  # moles of HCl for each mole of boron eluted
    purge: float = 0.0  # of the ammonium chloride liquor

    def __post_init__(self) -> None:
        """Check every condition."""
        for one in fields(self):
            value = getattr(self, one.name)
            if not isinstance(value, float | int) or ("temperature" in one.name and math.isfinite(value)):
                continue
            if not (math.isfinite(value) and value >= 0):
                raise ProcessError(f"{one.name} is {value:g}; give zero or more")
        if self.magnet_kg == 0:
            raise ProcessError("magnet_kg is 0; give the mass of a batch")
        if self.boron not in BORON:
            raise ProcessError(f"boron is {self.boron!r}; choose {', '.join(BORON)}")
        for name in SHARES:
            if getattr(self, name) > 1:
                raise ProcessError(f"{name} is {getattr(self, name):g}; give a share between 0 and 1")
        for name in ("oxygen_used", "boron_concentration"):
            if getattr(self, name) == 0:
                raise ProcessError(f"{name} is 0; give more")
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
        numbers = {one.name: type(getattr(self, one.name)) for one in fields(self)}
        changed: dict[str, object] = {}
        conversion = dict(self.conversion)
        for name, text in settings.items():
            whole, _, metal = name.partition(".")
            kind = float if metal and whole == "conversion" else numbers.get(name)
            if kind not in (float, int):
                known = ", ".join(name for name, kind in numbers.items() if kind in (float, int))
                raise ProcessError(f"{name!r} is no condition; there are {known} and conversion.METAL")
            try:
                value = kind(text)
            except ValueError:
                raise ProcessError(f"{name} is {text!r}, not a number") from None
            if metal:
                conversion[metal] = value
            else:
                changed[name] = value
        return replace(self, conversion=conversion, **changed)  # type: ignore[arg-type]
