"""Under which conditions does a batch run? By default they are ideal: all reacts, nothing is lost.

The ideal case is not a forecast. It is what the atoms allow, and the yardstick for every loss.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from numbers import Real
from typing import Any, NamedTuple, TypeVar

from magnetflow.errors import ProcessError
from magnetflow.recovery.chemistry.reactions import metals

ALLOY = "Nd2Fe14B"
BORON = ("inert", "bcl3", "bn")
SHARE = (0.0, 1.0)
AnyConditions = TypeVar("AnyConditions")


class Parameter(NamedTuple):
    """A condition of a batch as a report lists it.

    `mark` says where the value comes from: `ideal`; `assumed`, `read`, `derived` or `known` with a source in a table;
    `given` by whoever asked for the batch.
    """

    name: str
    value: float | str | bool
    unit: str
    mark: str


def limited(
    default: float, limits: tuple[float, float], unit: str = "1", *, mark: str = "ideal", kiln: bool = False
) -> Any:
    """Return a field with the limits beyond which no plant runs, its unit, and the mark of its default.

    `kiln` marks what only chlorination asks for.
    """
    return field(default=default, metadata={"limits": limits, "unit": unit, "mark": mark, "kiln": kiln})


def option(default: str | bool, about: str, choices: tuple[str, ...] = (), *, kiln: bool = False) -> Any:
    """Return a field that is one of some choices or, without choices, a switch; `about` is its line of help."""
    return field(default=default, metadata={"choices": choices, "about": about, "kiln": kiln})


@dataclass(frozen=True)
class Conditions:
    """The conditions of one batch, ideal unless set otherwise; shares lie between 0 and 1.

    `marks` gives, for conditions that stand in a table, the value there and its mark; see `Parameter`.
    Raises ProcessError naming the condition that cannot be, and what it may be.
    """

    magnet_kg: float = limited(200.0, (1e-6, 1e6), "kg", mark="given")
    composition: str | Mapping[str, float] = ALLOY  # a formula, or mass share by element
    boron: str = option("inert", "what boron does in the kiln: stays, leaves as BCl3, turns to BN", BORON, kiln=True)
    nh4cl_ratio: float = limited(1.0, (0.0, 100.0), kiln=True)  # charge over what full chlorination takes
    # By metal: what the kiln turns to chloride, or the cell dissolves; all of a metal that is not named.
    conversion: Mapping[str, float] = field(default_factory=dict)
    ammonia_cracked: float = limited(0.0, SHARE, kiln=True)
    boron_reacted: float = limited(1.0, SHARE, kiln=True)  # in the scenarios bcl3 and bn
    kiln_temperature_c: float = limited(400.0, (-273.15, 3000.0), "degC", mark="assumed", kiln=True)
    sweep_nm3_per_kg: float = limited(0.0, (0.0, 1000.0), "m**3/kg", kiln=True)  # of nitrogen for each kg of magnets
    dust: float = limited(0.0, SHARE, kiln=True)  # lost in crushing
    condenser_temperature_c: float = limited(25.0, (-273.15, 3000.0), "degC", kiln=True)
    ammonia_absorbed: float = limited(1.0, SHARE, kiln=True)  # in the scrubber
    scrubber_water_ratio: float = limited(4.0, (0.0, 100.0), mark="assumed", kiln=True)  # kg of water a kg of ammonia
    leach_water_ratio: float = limited(4.0, (0.0, 100.0), mark="assumed", kiln=True)  # kg of water a kg of calcine
    chlorides_dissolved: float = limited(1.0, SHARE, kiln=True)
    moisture: float = limited(0.0, (0.0, 100.0))  # kg of liquid held by each kg of filtered solids
    washes: int = limited(2, (0, 20), mark="assumed")  # of each cake
    wash_ratio: float = limited(2.0, (0.0, 100.0), mark="assumed")  # kg of water a wash for each kg of liquid held
    oxalic_ratio: float = limited(1.0, (0.0, 100.0))  # acid over what the rare earths take
    rare_earths_precipitated: float = limited(1.0, SHARE)  # as oxalate
    iron_with_oxalate: float = limited(0.0, SHARE)
    iron_precipitated: float = limited(1.0, SHARE)  # as hydroxide
    cobalt_nickel_with_iron: float = limited(1.0, SHARE)  # as hydroxides in the iron cake
    oxygen_used: float = limited(1.0, (0.01, 1.0))  # of the oxygen in the air that is blown in
    boron_captured: float = limited(1.0, SHARE)  # by the ion exchanger
    # Concentration in the eluate over that of the feed, as far as boric acid dissolves.
    boron_concentration: float = limited(10.0, (0.01, 1000.0), mark="assumed")
    # What water can hold at 20 °C by the CRC Handbook.
    boric_acid_g_per_kg: float = limited(47.2, (1.0, 1000.0), "g/kg", mark="known")
    eluant_acid: float = limited(0.0, (0.0, 100.0))  # moles of HCl for each mole of boron eluted
    purge: float = limited(0.0, SHARE)  # of the ammonium chloride liquor
    marks: Mapping[str, tuple[float, str]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_limits(self)
        for metal, part in self.conversion.items():
            if metal not in metals():
                raise ProcessError(f"conversion of {metal}: there is none; the metals are {', '.join(metals())}")
            if not 0 <= part <= 1:
                raise ProcessError(f"conversion of {metal} is {part:g}; give a share between 0 and 1")
        if isinstance(self.composition, str) and self.composition != ALLOY:
            raise ProcessError(f"composition is {self.composition!r}; give {ALLOY}, or mass shares by element")


def check_limits(conditions: Any) -> None:
    """Raise ProcessError where a condition is no number or lies outside its limits, or an option is no choice."""
    for one in fields(conditions):
        value = getattr(conditions, one.name)
        choices = one.metadata.get("choices")
        if choices and value not in choices:
            raise ProcessError(f"{one.name} is {value!r}; choose {', '.join(choices)}")
        if "limits" not in one.metadata:
            continue
        low, high = one.metadata["limits"]
        if not isinstance(value, Real) or not low <= value <= high:
            shown = f"{value:.6g}" if isinstance(value, float) else repr(value)[:40]
            raise ProcessError(f"{one.name} is {shown}; give {low:g} to {high:g}")


def of_kiln() -> set[str]:
    """Return the names of the conditions that only chlorination asks for."""
    return {one.name for one in fields(Conditions) if one.metadata.get("kiln")}


def settable(conditions: Any, unused: Collection[str]) -> list[str]:
    """Return the names under which a user can set a number, as `with_settings` takes them; shares come first.

    `unused` are those of the conditions that would change nothing.
    """
    names = [one for one in fields(conditions) if "limits" in one.metadata]
    names.sort(key=lambda one: one.metadata["limits"] != SHARE)
    every = [*(one.name for one in names), *(conversions() if hasattr(conditions, "conversion") else ())]
    return [name for name in every if name not in unused]


def conversions() -> dict[str, str]:
    """Return the metal of each conversion, by the name that a table or a user gives it."""
    return {f"conversion.{metal}": metal for metal in metals()}


def with_settings(conditions: AnyConditions, settings: Mapping[str, str]) -> AnyConditions:
    """Return conditions with some given as text, such as `conversion.Fe` = `0.6`; names as `settable` has them.

    Raises ProcessError for a text that is no number.
    """
    changed = by_field({name: number_of(name, text) for name, text in settings.items()})
    if "conversion" in changed:
        changed["conversion"] = {**conditions.conversion, **changed["conversion"]}  # type: ignore[attr-defined]
    return replace(conditions, **changed)  # type: ignore[type-var]


def by_field(values: Mapping[str, float]) -> dict[str, Any]:
    """Return values of conditions by field of `Conditions`, where `conversion.Fe` is that of iron."""
    by_metal = conversions()
    conversion = {by_metal[name]: value for name, value in values.items() if name in by_metal}
    plain = {name: value for name, value in values.items() if name not in by_metal}
    return plain | ({"conversion": conversion} if conversion else {})


def number_of(name: str, text: str) -> float:
    """Return the value of a condition given as text; counts are whole. Raises ProcessError for what is no number."""
    try:
        return int(text) if name == "washes" else float(text)
    except ValueError:
        raise ProcessError(f"{name} is {text[:40]!r}, not a number") from None


def parameters(conditions: Any, unused: Collection[str]) -> list[Parameter]:
    """Return the conditions as a report lists them, see `Parameter`, but for those that change nothing."""

    def limited_one(name: str, value: float, default: Any, unit: str, mark: str) -> Parameter:
        in_table, its_mark = getattr(conditions, "marks", {}).get(name, (None, ""))
        return Parameter(name, value, unit, its_mark if value == in_table else mark if value == default else "given")

    listed = []
    for one in fields(conditions):
        value = getattr(conditions, one.name)
        if one.name == "conversion":
            parts = {name: value.get(metal, 1.0) for name, metal in conversions().items()}
            listed += [limited_one(name, part, 1.0, "1", "ideal") for name, part in parts.items()]
        elif one.name == "composition" and not isinstance(value, str):
            listed += [Parameter(f"composition.{element}", part, "1", "given") for element, part in value.items()]
        elif "limits" in one.metadata:
            listed.append(limited_one(one.name, value, one.default, one.metadata["unit"], one.metadata["mark"]))
        elif one.name != "marks":
            listed.append(Parameter(one.name, value, "", "given"))
    return [parameter for parameter in listed if parameter.name not in unused]
