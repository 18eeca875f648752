"""What is a figure worth in another unit? Units are those listed here alone: none is read as what nobody meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from magnetflow.errors import InputError
from magnetflow.tables.numbers import shown

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

PREFIXES = {
    "p": ("pico", "1e-12"), "n": ("nano", "1e-9"), "u": ("micro", "1e-6"), "µ": ("micro", "1e-6"),
    "m": ("milli", "1e-3"), "c": ("centi", "1e-2"), "h": ("hecto", "1e2"), "k": ("kilo", "1e3"), "M": ("mega", "1e6"),
    "G": ("giga", "1e9"), "T": ("tera", "1e12"), "P": ("peta", "1e15"), "E": ("exa", "1e18"),
}  # fmt: skip
DEFINITIONS = (  # the names of each unit, the prefixes it takes, and its worth in others; nothing where it has none
    ("g gram grams gramme grammes", "pnuµmkMGTP", ""),
    ("t tonne tonnes metric_ton metric_tons", "kMG", "1e6 g"),
    ("lb lbs", "", "453.59237 g"),
    ("short_ton short_tons", "", "907184.74 g"),
    ("long_ton long_tons", "", "1016046.9088 g"),
    ("m metre metres meter meters", "nuµmck", ""),
    ("ha hectare hectares", "kM", "1e4 m2"),
    ("L l litre litres liter liters", "nuµmchkMG", "1e-3 m3"),
    ("dm3", "", "1e-3 m3"), ("hm3", "", "1e6 m3"), ("bbl", "", "0.158987294928 m3"),
    ("US_gal", "kM", "0.003785411784 m3"), ("imperial_gal", "kM", "0.00454609 m3"), ("gal gallon gallons", "kM", ""),
    ("Nm3", "kM", ""), ("Sm3", "kM", ""),
    ("s sec second seconds", "nuµm", ""), ("min minute minutes", "", "60 s"), ("h hr hrs hour hours", "", "60 min"),
    ("d day days", "", "24 h"), ("week weeks", "", "7 d"), ("month months", "", "30.4375 d"),
    ("a y yr yrs year years annum", "", "365.25 d"), ("tpa", "kM", "1 t/a"),
    ("A ampere amperes", "mk", ""), ("mol mole moles", "nuµmkM", ""), ("K kelvin", "", ""), ("degC °C", "", ""),
    ("items item piece pieces pc pcs unit units count vehicle vehicles car cars", "", ""),
    ("persons person people inhabitant inhabitants capita cap", "", ""),
    ("GBP £", "kMG", ""), ("EUR €", "kMG", ""), ("USD", "kMG", ""), ("CNY", "kMG", ""),
    ("J joule joules", "kMGTPE", "1 kg*m2/s2"), ("W watt watts", "kMGT", "1 J/s"), ("Wh", "kMGTP", "1 W*h"),
    ("toe", "kMG", "41.868 GJ"), ("V volt volts", "mk", "1 W/A"), ("Ah", "mk", "1 A*h"),
    ("Pa", "hkMG", "1 J/m3"), ("bar", "m", "1e5 Pa"),
    ("1 dimensionless", "", "1 g/g"), ("%", "", "1e-2 g/g"), ("‰ permil permille", "", "1e-3 g/g"),
    ("ppm ppmw", "", "1e-6 g/g"), ("ppb ppbw", "", "1e-9 g/g"),
)  # fmt: skip
REFUSED = {  # what looks like a unit, and what to write instead
    r"(?i:(k|m|g|kilo|mega|giga)?tons?)": "write t, kt or Mt for metric tonnes, or short_ton or long_ton",
    r"(?i:mt|mmt|lt)": "write t, kt or Mt for one, a thousand or a million metric tonnes, or long_ton",
    r"(?i:(v|vol|mol|at)\w*[. -]*%|ppmv|ppbv)": "give the share by mass, or write % where all is in that quantity",
    r"ppt|pptw": "write ‰ for parts per thousand, or ng/kg for parts per trillion",
    r"Mm\^?3": "write million m3",
    r"C": "write degC for a temperature, or A*s for a charge",
    r"\$": "write USD, or the code of another currency",
    r"-|fraction|share|ratio": "write 1",
}
UNRELATED = {"gal": "; write US_gal or imperial_gal", "degC": "; write K", "Nm3": "; give m3", "Sm3": "; give m3"}
REWRITTEN = {  # spellings that differ in signs alone
    r"\*\*": "^", r"[×·⋅]": "*", "\N{GREEK SMALL LETTER MU}": "µ", "\N{MINUS SIGN}": "-",
    # Shares of the mass; those of volumes and moles are refused.
    r"(?i:(\b(wt|weight|mass|gew|ma|w|m)\b[ .-]*)?(%|\bpercent\b|\bper cent\b|\bpct\b)( ?\(?[wm]/[wm]\)?)?)": "%",
    r"\b10\^": "1e", r"(?i:'000|\b000|\bthousand) ": "1e3 ", r"\b(?i:million|mio\.?) ": "1e6 ",
    r"\b(?i:billion|mrd\.?) ": "1e9 ", r"\b(metric|short|long|US|imperial) (?=ton|gal)": r"\1_",
    r"[ /]p\. ?a\.$": "/a", r" per | ?/ ?": "/", r" (?=[A-Za-zµ]+\^?-[1-9])| ?\* ?": "*",  # as in t a-1
}  # fmt: skip
GROUP = re.compile(r"(^|[*/·(])\(([^()]+)\)(?=$|[*/·)])")
POWER_OF_TEN = re.compile(r"1(?:(?P<zeros>(?:000)+)|e\+?(?P<power>-?[0-9]{1,2})) ?(?=[^0-9 ])")
LONGEST = 200  # characters
SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


class Unit(NamedTuple):
    """A unit as it is written here, its worth in units of their own, and the powers of these."""

    text: str
    worth: Fraction
    powers: dict[str, int]


@cache
def _known() -> dict[str, Unit]:
    known: dict[str, Unit] = {}
    for listed, prefixes, definition in DEFINITIONS:
        names = listed.split()
        amount, _, units = definition.partition(" ")
        worth, powers = _product(units, known)[1:] if units else (Fraction(1), {names[0]: 1})
        unit = Unit(names[0], Fraction(amount or 1) * worth, powers)
        known |= dict.fromkeys(names, unit)
        for symbol in prefixes:
            word, factor = PREFIXES[symbol]
            larger = Unit(symbol.replace("u", "µ") + unit.text, Fraction(factor) * unit.worth, unit.powers)
            known |= {(word if len(name) > 3 and name.islower() else symbol) + name: larger for name in names}
    return known


def _product(text: str, known: Mapping[str, Unit]) -> Unit:
    """Return the product of units that are joined by * and /; raises ValueError with what to write instead."""
    above, below, powers = list[str](), list[str](), dict[str, int]()
    worth = Fraction(1)
    for sign, part in re.findall(r"(^|[*/·])([^*/·]*)", _without_groups(text)):
        number = POWER_OF_TEN.match(part)
        name = part[number.end() :].replace("^3", "3") if number else part.replace("^3", "3")  # as Nm3 is listed
        exponent = re.fullmatch(r"(.*[^0-9^-])\^?(-?[1-9])", name)
        power = -1 if sign == "/" else 1
        if name not in known and exponent:
            name, power = exponent[1], power * int(exponent[2])
        if name not in known:
            raise ValueError(_cure(part, name, known))
        ten = int(number["power"] or len(number["zeros"])) if number else 0
        worth *= known[name].worth ** power * Fraction(10) ** (-ten if sign == "/" else ten)
        for base, own in known[name].powers.items():
            powers[base] = powers.get(base, 0) + own * power
        written = (f"10^{ten} " if ten else "") + known[name].text + (str(abs(power)) if abs(power) > 1 else "")
        (above if power > 0 else below).append(written)
    written = "/".join(["*".join(above) or "1", *below])
    return Unit(written, worth, {base: power for base, power in powers.items() if power})


def _without_groups(text: str) -> str:
    """Return a product without parentheses; raises ValueError where * after / could be meant either way."""

    def opened(group: re.Match[str]) -> str:
        if re.search(r"/.*\*", group[2]):
            raise ValueError("write J/(kg*K) for J divided by both, or J*K/kg")
        return group[1] + (group[2].translate({42: "/", 47: "·"}) if group[1] == "/" else group[2])

    text, before = f"({text})", ""
    while text != before:
        text, before = GROUP.sub(opened, text), text
    return text


def _cure(part: str, name: str, known: Mapping[str, Unit]) -> str:
    for pattern, cure in REFUSED.items():
        if re.fullmatch(pattern, part):
            return cure
    if part[:1].isdigit():
        return "write 1000 t, 10^5 t or million t for a multiple"
    if " " in part:
        return "write * between two units, and a substance in the column layer"
    close = difflib.get_close_matches(name.lower(), {other.lower(): 0 for other in known}, n=1, cutoff=0.75)
    near = [other for other in known if other.lower() in close]
    if near:
        return f"did you mean {' or '.join(near)}?"
    return "such as t, kt/a, m3, GWh, %, mg/kg or items; leave it empty where all values have the same"


@lru_cache
def _read(text: str) -> Unit:
    spelled = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda found: "^" + found[0].translate(SUPERSCRIPT), text)
    spelled = " ".join(spelled.split())
    if len(spelled) > LONGEST:
        raise InputError(f"found {shown(text)}, expected a unit of at most {LONGEST} characters; shorten it")
    for pattern, replacement in REWRITTEN.items():
        spelled = re.sub(pattern, replacement, spelled)
    try:
        return _product(spelled, _known())
    except ValueError as error:
        raise InputError(f"found {shown(text)}, expected a unit; {error}") from None


def normalised(text: str) -> str:
    """Return a unit as it is written here, such as kt/a for kilotonnes per year.

    Raises InputError with the cure for what is no unit, or could be one of several.
    """
    return _read(text).text


@lru_cache
def conversion_factor(given: str, wanted: str) -> float:
    """Return what a value in the unit `given` is multiplied by to be in the unit `wanted`.

    Raises InputError for units of different kinds, and for what is no unit.
    """
    one, other = _read(given), _read(wanted)
    if one.powers != other.powers:
        cure = next((cure for base, cure in UNRELATED.items() if base in one.powers | other.powers), "")
        raise InputError(f"a value in {given} cannot be converted to {wanted}{cure}")
    return float(one.worth / other.worth)


def in_unit(frame: pd.DataFrame, unit: str) -> pd.Series[float]:
    """Return the column `value` converted from each row's own unit to `unit`."""
    factors = {given: conversion_factor(given, unit) for given in frame["unit"].unique()}
    return frame["value"].astype(float) * frame["unit"].map(factors)


def complete(values: pd.Series[float], keys: Sequence[int], table: str) -> pd.Series[float]:
    """Return the values at `keys`, such as years; raises InputError for the first without one, by its `table`."""
    wanted = values.reindex(list(keys))
    for key in wanted.index[wanted.isna()]:
        raise InputError(f"{table}: {key} has no figure for what is asked here; add its row")
    return wanted


def to_array(frame: pd.DataFrame, dimensions: Sequence[str], unit: str) -> xr.DataArray:
    """Arrange the values of a table by the columns `dimensions`, in that order, in `unit`.

    Coordinates keep the order of the table.
    A combination without a row is NaN: a figure that is not there is never zero.
    """
    import xarray as xr

    array = xr.DataArray.from_series(in_unit(frame, unit).set_axis(frame.set_index(list(dimensions)).index))
    array = array.reindex({name: frame[name].unique() for name in dimensions})
    return array.transpose(*dimensions).assign_attrs(unit=unit)
