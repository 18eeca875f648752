"""Units: each spelling that practitioners use has its right worth, or is refused with what to write instead."""

from __future__ import annotations

import csv
from pathlib import Path

import pint
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from magnetflow.errors import InputError
from magnetflow.tables import units
from magnetflow.tables.units import conversion_factor, normalised

YEAR = 365.25 * 24 * 3600
# What each spelling is worth in a plain unit.
WORTH: dict[str, dict[float, str]] = {
    "kg": {
        1: "kg kilogram kilograms kilogramme",
        1e-3: "g gram grams",
        1e-6: "mg milligram",
        1e-9: "µg ug μg microgram",
        1e-12: "ng",
        1e-15: "pg",
        1e3: "t tonne tonnes metric_ton Mg metric|ton metric|tons",
        1e6: "kt kilotonne kilotonnes Gg 1000|t 10^3|t 10**3|t 10³|t 1e3|t thousand|t thousand|tonnes '000|t 000|t",
        1e9: "Mt megatonnes Tg 1000000|t 10^6|t million|t million|tonnes Mio|t Mio.|t 1000|kt 1e+6|t",
        1e12: "Gt Pg billion|t Mrd.|t",
        0.45359237: "lb lbs",
        907.18474: "short_ton short_tons short|ton",
        1016.0469088: "long_ton long|tons",
    },
    "kg/s": {
        1e3
        / YEAR: "t/a t/yr t/y t/year t/years t|/|a t|per|year tonnes|per|annum t·a⁻¹ t*a^-1 t|a-1 t|yr-1 t|p.a. tpa",
        1e6 / YEAR: "kt/a kt/yr kt/year kilotonnes|per|year ktpa 1000|t/a 10³|t/yr",
        1e9 / YEAR: "Mt/a Mt/yr Mtpa million|t/a",
        1 / 3600: "kg/h kg/hr kg|h-1 kg·h⁻¹ kg/hour",
        1e3 / 86400: "t/d t/day",
        1e3 / 3600: "t/h",
        1e3 / (7 * 86400): "t/week",
        12e3 / YEAR: "t/month",
        0.45359237 / 3600: "lb/hr lb/h",
    },
    "m3": {
        1: "m3 m³ m^3 m**3 kL",
        1e-3: "L l litre litres liter dm3 dm³",
        1e-6: "mL ml cm3 cm³",
        1e3: "ML 1000|m3 10³|m³ megalitres",
        1e6: "million|m3 Mio.|m³ hm3 hm³ GL 10^6|m3",
        1e9: "km3 km³ billion|m3",
        0.003785411784: "US_gal US|gal",
        3785.411784: "MUS_gal",
        0.00454609: "imperial_gal",
        0.158987294928: "bbl",
    },
    "J": {
        1: "J joule joules W*s",
        1e3: "kJ kilojoule",
        1e6: "MJ megajoules",
        1e9: "GJ",
        1e12: "TJ terajoules",
        1e15: "PJ",
        1e18: "EJ",
        3600: "Wh W*h",
        3.6e6: "kWh kW*h",
        3.6e9: "MWh",
        3.6e12: "GWh",
        3.6e15: "TWh",
        41.868e9: "toe",
        41.868e12: "ktoe",
        41.868e15: "Mtoe",
    },
    "1": {
        1: "1 kg/kg t/t g/g m3/m3",
        1e-2: "% percent per|cent pct wt% wt.% wt.-% wt-% wt|% mass% mass|% mass-% weight% m% w% M.-% Ma.-% Gew.-% "
        "Percent %|w/w %|(w/w) %w/w",
        1e-3: "‰ permil permille g/kg kg/t mg/g",
        1e-6: "ppm ppmw mg/kg g/t µg/g μg/g ug/g mg|kg-1 mg·kg⁻¹",
        1e-9: "ppb ppbw µg/kg mg/t ng/g",
        1e-12: "ng/kg pg/g µg/t",
    },
    "items": {
        1: "items item piece pieces pcs pc unit units count vehicles cars",
        1e3: "1000|items thousand|pieces thousand|units",
        1e6: "million|vehicles",
    },
    "kg/person/a": {1: "kg/cap/a kg/(cap*a) kg/(capita·year) kg|per|capita|per|year kg/person/yr", 1e3: "t/cap/a"},
    "kg/m3": {1: "kg/m3 kg/m³ kg|m-3 g/L g/l", 1e-3: "mg/L mg/l g/m3 g/m**3", 1e-6: "µg/L"},
    "kg/m2/a": {1e-4: "kg/ha/a kg|ha-1|yr-1 kg·ha⁻¹·a⁻¹"},
    "mg/Nm3": {1: "mg/Nm3 mg/Nm³"},
    "W": {1e6: "MW megawatt", 1e9: "GW"},
    "Pa": {1e5: "bar", 100: "mbar hPa", 1e3: "kPa"},
    "V": {1e-3: "mV", 1: "V W/A"},
    "GBP": {1e3: "kGBP thousand|GBP k£", 1e6: "MGBP million|£"},
    "EUR": {1e6: "Mio.|€ M€", 1e9: "Mrd|€"},
    "J/mol/K": {1: "J/mol/K J/(mol*K) J/(mol·K) J|mol-1|K-1 J|mol⁻¹|K⁻¹", 1e3: "kJ/mol/K"},
    "m2/s": {1: "m2/s m**2/s m^2/s m²/s", 1e-4: "cm2/s"},
    "t/t": {1000: "(kt)|/|(t) (kt/a)/(t/a) (10^3|t/a)/(t/a) ((kt))/t", 1e-3: "(kg/a)|/|(t/a) t/10^3|t"},
    "cap/a": {1e-3: "cap/1000|a"},
    "h/a": {1: "h/year h/yr hours/year"},
}
READ = [
    (spelling.replace("|", " "), wanted, factor)
    for wanted, spellings in WORTH.items()
    for factor, listed in spellings.items()
    for spelling in listed.split()
]
TONNES = "write t, kt or Mt"
MULTIPLE = "write 1000 t, 10^5 t or million t"
PRODUCT = "a substance in the column layer"
# What is refused, and words of the cure.
REFUSED = {
    TONNES: "ton tons kton ktons Mton kilotons megaton Ton TONS mt MT mT MMT mmt lt LT",
    "did you mean t?": "T",
    "did you mean kg?": "KG Kg kG kgs Kgs kg.",
    "did you mean kt?": "KT Kt kT",
    "did you mean mg or Mg?": "MG mG",
    "did you mean MWh?": "mWh mwh MWH Mwh",
    "did you mean kWh?": "kwh KWh KWH",
    "did you mean GWh?": "gwh GWH",
    "did you mean GJ?": "gj Gj",
    "did you mean PJ?": "pj pJ",
    "did you mean ppm?": "PPM",
    "did you mean Pa?": "pa PA",
    "did you mean items?": "Items ITEMS",
    "did you mean tonnes?": "Tonnes tonnnes",
    MULTIPLE: "1.000|t 1,000|t 1|000|t 100|kg 5|t 10000|t 1.5|t 103|t 10-3|t 2e3|t 1000 10^3 1e3",
    PRODUCT: "t|CO2 kg|N g|P t|C t|K kg|CO2e t|DM kg|h %|DM t|dry|matter kW|h",
    "write million m3": "Mm3 Mm³ Mm^3",
    "share by mass": "vol% vol.-% Vol% v% mol% at% at.-% mole% ppmv",
    "ng/kg for parts per trillion": "ppt",
    "write degC": "C",
    "USD": "$",
    "write 1": "- fraction share",
    "J/(kg*K)": "J/kg*K t/h*a kWh/t*a",
    "such as t, kt/a": "xyz knot fortnight tCO2 tC kgCO2 as dr gr tn st acre bushel cwt barrel ? t/ /t t// * / "
    "t^t t^12 t^ (t t)( t2/ k(t) (k)t () /a t/a/ n/a",
}
CURED = [(spelling.replace("|", " "), cure) for cure, listed in REFUSED.items() for spelling in listed.split()]


def test_the_list_is_long_enough() -> None:
    assert len(READ) + len(CURED) > 300
    assert len({spelling for spelling, *_ in [*READ, *CURED]}) == len(READ) + len(CURED)


@pytest.mark.parametrize(("spelling", "wanted", "factor"), READ)
def test_a_unit_is_worth_what_practitioners_mean(spelling: str, wanted: str, factor: float) -> None:
    assert conversion_factor(spelling, wanted) == pytest.approx(factor, rel=1e-15)
    assert conversion_factor(wanted, spelling) == pytest.approx(1 / factor, rel=1e-15)
    assert conversion_factor(spelling, normalised(spelling)) == 1
    assert normalised(normalised(spelling)) == normalised(spelling)
    assert conversion_factor(f" {spelling} ", wanted) == pytest.approx(factor, rel=1e-15)


@pytest.mark.parametrize(("spelling", "cure"), CURED)
def test_what_could_be_another_unit_is_refused_with_the_cure(spelling: str, cure: str) -> None:
    with pytest.raises(InputError) as caught:
        normalised(spelling)
    assert cure in str(caught.value)
    assert str(caught.value).startswith(f"found {spelling!r}, expected a unit; ")
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(InputError):
        conversion_factor(spelling, spelling)


@pytest.mark.parametrize(
    ("given", "wanted", "words"),
    [
        ("Mgal", "m3", "cannot be converted to m3; write US_gal or imperial_gal"),
        ("degC", "K", "cannot be converted to K; write K"),
        ("m3", "Nm3", "cannot be converted to Nm3; give m3"),
        ("t", "t/a", "a value in t cannot be converted to t/a"),
        ("items", "1", "cannot be converted to 1"),
        ("USD", "GBP", "cannot be converted to GBP"),
        ("kg", "m", "cannot be converted to m"),
    ],
)
def test_units_of_another_kind_are_told_apart(given: str, wanted: str, words: str) -> None:
    with pytest.raises(InputError, match="cannot be converted") as caught:
        conversion_factor(given, wanted)
    assert words in str(caught.value)


def test_gallons_of_one_kind_are_compared() -> None:
    assert conversion_factor("Mgal", "kgal") == 1000


def test_no_name_stands_for_two_units() -> None:
    spelled = []
    for listed, prefixes, _ in units.DEFINITIONS:
        for name in listed.split():
            words = len(name) > 3 and name.islower()
            spelled += [name, *((units.PREFIXES[symbol][0] if words else symbol) + name for symbol in prefixes)]
    assert {name for name in spelled if spelled.count(name) > 1} <= {
        "micro" + name
        for name in ("gram", "grams", "gramme", "grammes", "metre", "metres", "meter", "meters", "litre")
    } | {"micro" + name for name in ("litres", "liter", "liters", "second", "seconds", "mole", "moles")}


# Pint reads these otherwise: knots, and barrels of 31.5 gallons.
OTHERWISE = {"kt", "bbl"}


def test_pint_knows_the_same_physical_units() -> None:
    registry: pint.UnitRegistry[float] = pint.UnitRegistry()
    compared = 0
    for name, unit in units._known().items():
        if name in OTHERWISE or not set(unit.powers) <= {"g", "m", "s", "A", "K", "mol"} or "gal" in name:
            continue
        try:
            theirs = registry.Quantity(1.0, name).to_base_units()
        except (pint.errors.PintError, ValueError):
            continue
        ours = float(unit.worth) / 1000 ** unit.powers.get("g", 0)
        assert ours == pytest.approx(theirs.magnitude, rel=1e-12), name
        compared += 1
    assert compared > 150


def tables_with_units() -> list[Path]:
    return sorted(
        path
        for folder in ("data", "examples", "src", "book")
        for path in (ROOT / folder).rglob("*.csv")
        if b"unit" in path.read_bytes().split(b"\n", 1)[0].split(b",")
    )


@pytest.mark.parametrize("path", tables_with_units(), ids=lambda path: path.stem)
def test_each_unit_of_the_tables_is_read(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as lines:
        for unit in {row["unit"] for row in csv.DictReader(lines)} - {""}:
            assert conversion_factor(unit, normalised(unit)) == 1


def test_a_text_too_long_for_a_unit_is_refused_at_once() -> None:
    with pytest.raises(InputError, match="expected a unit of at most 200 characters; shorten it"):
        normalised("t/" * 50_000 + "t")


@given(st.text(max_size=12) | st.text("tkgMmuµ%1eE0/*^()- ³²⁻'a.", max_size=9))
def test_any_text_is_a_unit_or_refused_in_one_line(text: str) -> None:
    try:
        unit = normalised(text)
    except InputError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert normalised(unit) == unit
        assert conversion_factor(text, unit) == 1
