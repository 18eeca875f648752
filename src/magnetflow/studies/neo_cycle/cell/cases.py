"""Does the numerical cell give what is known beforehand?

The list of all cases with their tolerances. Both the tests and the page on verification draw on it.
"""

from __future__ import annotations

from functools import partial

from magnetflow.studies.neo_cycle.cell.case import Case
from magnetflow.studies.neo_cycle.cell.cases_currents import (
    cottrell,
    front,
    limiting_film,
    limiting_ndcl3,
    overvoltage,
    sand,
)
from magnetflow.studies.neo_cycle.cell.cases_fields import (
    debye_length,
    donnan,
    goldman_flux,
    goldman_potential,
    gouy_chapman,
    grahame,
    manufactured,
    poisson_or_neutral,
    salts,
    strengths,
    three_to_one,
)


def cases() -> tuple[Case, ...]:
    """Return every case, in the order of the page."""
    fine = (50, 100, 200)
    walls = [
        Case(
            f"Gouy and Chapman, {volts * 1000:.0f} mV",
            "salt of single charges of 10 mol/m³; potential near a Debye length",
            "4 artanh(tanh(φ₀/4) exp(−x/λ))",
            "mV",
            gouy_chapman(volts),
            fine,
            1e-4,
            1.9,
        )
        for volts in (0.025, 0.1, 0.2)
    ]
    return (
        *walls,
        Case("Debye length", "from the charge before a wall", "√(εRT/F²Σz²c)", "nm", debye_length, fine, 1e-4, 1.9),
        Case(
            "Grahame",
            "wall of 0.02 C/m² in KCl of 10 mol/m³; its potential",
            "2 arsinh(σ/√(8εRTc))",
            "mV",
            grahame,
            fine,
            1e-4,
            1.9,
        ),
        Case(
            "Poisson and Boltzmann, 3:1",
            "NdCl₃ of 10 mol/m³ at −50 mV; place of half the potential",
            "first integral, summed",
            "nm",
            three_to_one,
            fine,
            2e-4,
            1.5,
        ),
        Case(
            "limiting current, supported",
            "NaCl with 10⁴ times KCl, the cation reacts, 50 µm",
            "zFDc/δ",
            "A/m²",
            limiting_film(1e4, None),
            (100, 200, 400),
            1e-4,
        ),
        Case(
            "limiting current, binary",
            "NaCl, the cation reacts, 50 µm",
            "2 FDc/δ",
            "A/m²",
            limiting_film(0.0, -1),
            (100, 200, 400),
            2e-4,
        ),
        Case(
            "limiting current, NdCl₃",
            "100 mol/m³ between Nd electrodes, 100 µm",
            "(1 + 3) · 3 FDc/(L/2)",
            "A/m²",
            limiting_ndcl3,
            (100, 200, 400, 800),
            2e-4,
        ),
        Case(
            "Sand's time, supported",
            "50 mol/m³ Nd³⁺ at 100 A/m², 10⁴ times KCl",
            "πD(3Fc/2i)²",
            "s",
            sand(1e4),
            fine,
            5e-4,
        ),
        Case(
            "Sand's time, binary",
            "the same without support",
            "πDₛ(3Fc/2i(1−t₊))²",
            "s",
            sand(0.0),
            fine,
            5e-4,
        ),
        Case("Cottrell", "KCl leaves into nothing, 10 s", "2c√(Dt/π)", "mol/m²", cottrell, fine, 5e-4),
        Case(
            "Goldman, Hodgkin and Katz, flux",
            "one interval, 20 charges and drops",
            "P u (c₁ − c₂e⁻ᵘ)/(1 − e⁻ᵘ)",
            "mol/m²/s",
            goldman_flux,
            (1,),
            1e-13,
        ),
        Case(
            "Goldman, Hodgkin and Katz, potential",
            "K, Na and Cl, one interval",
            "(RT/F) ln ΣPc/ΣPc",
            "mV",
            goldman_potential,
            (1,),
            1e-12,
        ),
        strengths(),
        salts(),
        Case(
            "Donnan",
            "membrane of −500 mol/m³ in KCl of 10, neutral",
            "(RT/F) arsinh(X/2c)",
            "mV",
            partial(donnan, neutral=True),
            (30, 60, 120),
            1e-12,
        ),
        Case(
            "Donnan, Poisson",
            "the same with a space charge, 30 nm thick",
            "(RT/F) arsinh(X/2c)",
            "mV",
            partial(donnan, neutral=False),
            (30, 60, 120),
            1e-9,
        ),
        Case(
            "electrode near rest",
            "Nd dissolves at 1 A/m²: Nernst, kinetics, layer",
            "Nernst, asinh and ln c, below",
            "mV",
            overvoltage(1.0),
            fine,
            1e-9,
        ),
        Case(
            "electrode far from rest",
            "the same at 1000 A/m²",
            "the same",
            "mV",
            overvoltage(1000.0),
            fine,
            1e-6,
            1.9,
        ),
        Case(
            "precipitation front",
            "NaOH meets FeCl₂; solid after 20 s",
            "2c₁√(Dt/π) exp(−λ²)/erf λ",
            "mol/m²",
            front,
            (20, 40, 80),
            2e-2,
            0.8,
        ),
        Case(
            "Poisson's equation or neutrality",
            "junction of HCl over 2 µm",
            "the other model",
            "mV",
            poisson_or_neutral,
            fine,
            1e-4,
        ),
        Case(
            "chosen profiles, Poisson",
            "sines with sources, graded grid; largest K⁺",
            "as chosen",
            "mol/m³",
            partial(manufactured, neutral=False),
            (40, 80, 160, 320),
            1e-4,
            1.9,
        ),
        Case(
            "chosen profiles, neutral",
            "the same without a space charge",
            "as chosen",
            "mol/m³",
            partial(manufactured, neutral=True),
            (40, 80, 160, 320),
            1e-4,
            1.9,
        ),
    )
