"""Which cases does the numerical cell have to reproduce, and how closely?

The tests and the page on verification draw on this one table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from magnetflow.studies.neo_cycle.cell import verification as by
from magnetflow.studies.neo_cycle.cell.verification import Checked

FINE = (50, 100, 200)
FINER = (100, 200, 400)
JUNCTION = (25, *FINE)
MEMBRANE = (30, 60, 120)
PROFILES = (40, 80, 160, 320)


@dataclass(frozen=True)
class Case:
    """A case: what it shows, by which law it is known, its unit, on which grids, and how close it has to come."""

    name: str
    shows: str
    law: str
    unit: str
    work: Callable[[int], Checked]
    intervals: tuple[int, ...]
    tolerance: float  # of the error on the finest grid
    order: float | None = None  # at which the error has to fall with the grid, at least


# fmt: off
CASES = (
    *(
        Case(f"Gouy and Chapman, {mv} mV", "salt of single charges of 10 mol/m³; potential near a Debye length",
             "4 artanh(tanh(φ₀/4) exp(−x/λ))", "mV", partial(by.gouy_chapman, wall_v=mv / 1000), FINE, 1e-4, 1.9)
        for mv in (25, 100, 200)
    ),
    Case("Debye length", "from the charge before a wall",
         "√(εRT/F²Σz²c)", "nm", by.debye_length, FINE, 1e-4, 1.9),
    Case("Grahame", "wall of 0.02 C/m² in KCl of 10 mol/m³; its potential",
         "2 arsinh(σ/√(8εRTc))", "mV", by.grahame, FINE, 1e-4, 1.9),
    Case("Poisson and Boltzmann, 3:1", "NdCl₃ of 10 mol/m³ at −50 mV; place of half the potential",
         "first integral, summed", "nm", by.three_to_one, FINE, 2e-4, 1.5),
    Case("limiting current, supported", "NaCl with 10⁴ times KCl, the cation reacts, 50 µm",
         "zFDc/δ", "A/m²", partial(by.limiting_film, support=1e4, other_charge=None), FINER, 1e-4),
    Case("limiting current, binary", "NaCl, the cation reacts, 50 µm",
         "2 FDc/δ", "A/m²", partial(by.limiting_film, support=0.0, other_charge=-1), FINER, 2e-4),
    Case("limiting current, NdCl₃", "100 mol/m³ between Nd electrodes, 100 µm",
         "(1 + 3) · 3 FDc/(L/2)", "A/m²", by.limiting_ndcl3, (*FINER, 800), 2e-4),
    Case("Sand's time, supported", "50 mol/m³ Nd³⁺ at 100 A/m², 10⁴ times KCl",
         "πD(3Fc/2i)²", "s", partial(by.sand, support=1e4), FINE, 5e-4),
    Case("Sand's time, binary", "the same without support",
         "πDₛ(3Fc/2i(1−t₊))²", "s", partial(by.sand, support=0.0), FINE, 5e-4),
    Case("Cottrell", "KCl leaves into nothing, 10 s",
         "2c√(Dt/π)", "mol/m²", by.cottrell, FINE, 5e-4),
    Case("Goldman, Hodgkin and Katz, flux", "one interval, 20 charges and drops",
         "P u (c₁ − c₂e⁻ᵘ)/(1 − e⁻ᵘ)", "mol/m²/s", by.goldman_flux, (1,), 1e-13),
    Case("Goldman, Hodgkin and Katz, potential", "K, Na and Cl, one interval",
         "(RT/F) ln ΣPc/ΣPc", "mV", by.goldman_potential, (1,), 1e-12),
    Case("junction of strengths", "HCl of 100 and 10 mol/m³",
         "(t₊/z₊ + t₋/z₋) RT/F ln(c₁/c₂)", "mV", by.strengths, JUNCTION, 1e-4, 1.9),
    Case("junction of salts", "HCl and KCl of 100 mol/m³",
         "Lewis and Sargent", "mV", by.salts, JUNCTION, 1e-11),
    Case("Donnan", "membrane of −500 mol/m³ in KCl of 10, neutral",
         "(RT/F) arsinh(X/2c)", "mV", partial(by.donnan, neutral=True), MEMBRANE, 1e-12),
    Case("Donnan, Poisson", "the same with a space charge, 30 nm thick",
         "(RT/F) arsinh(X/2c)", "mV", partial(by.donnan, neutral=False), MEMBRANE, 1e-9),
    Case("electrode near rest", "Nd dissolves at 1 A/m²: Nernst, kinetics, layer",
         "Nernst, asinh and ln c, below", "mV", partial(by.overvoltage, current=1.0), FINE, 1e-9),
    Case("electrode far from rest", "the same at 1000 A/m²",
         "the same", "mV", partial(by.overvoltage, current=1000.0), FINE, 1e-6, 1.9),
    Case("precipitation front", "NaOH meets FeCl₂; solid after 20 s",
         "2c₁√(Dt/π) exp(−λ²)/erf λ", "mol/m²", by.front, (20, 40, 80), 2e-2, 0.8),
    Case("Poisson's equation or neutrality", "junction of HCl over 2 µm",
         "the other model", "mV", by.poisson_or_neutral, FINE, 1e-4),
    Case("chosen profiles, Poisson", "sines with sources, graded grid; largest K⁺",
         "as chosen", "mol/m³", partial(by.manufactured, neutral=False), PROFILES, 1e-4, 1.9),
    Case("chosen profiles, neutral", "the same without a space charge",
         "as chosen", "mol/m³", partial(by.manufactured, neutral=True), PROFILES, 1e-4, 1.9),
)
# fmt: on
