"""How long do a batch of magnets and its equilibria take, and what would one pick instead?

Each row in a process of its own, after one run that is not counted.
Writes `benchmarks/recovery.csv`, from which the page on timings is made.
"""

from __future__ import annotations

import csv
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from reconciliation import machine

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "benchmarks" / "recovery.csv"
COLUMNS = ("date", "machine", "what", "runs", "seconds", "memory_mb")
LIQUOR = {"C2O4-2(aq)": 0.04, "H+(aq)": 0.08, "Nd+3(aq)": 0.02, "Fe+2(aq)": 0.05, "Cl-(aq)": 0.16}
SOLIDS = ["Nd2(C2O4)3.10H2O(s)", "FeC2O4.2H2O(s)"]


def batch() -> Callable[[], object]:
    """Return the balance of a batch of hard disk magnets with losses, its loop settled."""
    from magnetflow.recovery.routes import balance
    from magnetflow.studies.neo_cycle import plant

    conditions = plant.conditions(composition=plant.composition("hdd"), boron="bcl3")
    return lambda: balance("ssc", conditions)


def liquor() -> Callable[[], object]:
    """Return the equilibrium of a liquor dosed with oxalic acid."""
    from magnetflow.recovery.chemistry.speciation import equilibrate

    return lambda: equilibrate(LIQUOR, solids=SOLIDS)


def liquor_by_phreeqc() -> Callable[[], object]:
    """Return the same by PHREEQC."""
    from phreeqc_oracle import by_phreeqc, program

    running = program()
    return lambda: by_phreeqc(running, LIQUOR, SOLIDS)


def condenser() -> Callable[[], object]:
    """Return the ammonium chloride that condenses from a gas."""
    from magnetflow.recovery.plant.streams import Stream
    from magnetflow.recovery.stages.kiln import condensed_mol

    gas = Stream({"NH3(g)": 6000.0, "HCl(g)": 1500.0})
    return lambda: condensed_mol(gas, 250.0)


def condenser_by_cantera() -> Callable[[], object]:
    """Return the same by Cantera, which minimises the Gibbs energy of gas and salt together."""
    import cantera

    gases = {one.name: one for one in cantera.Species.list_from_file("nasa_gas.yaml")}
    salts = {one.name: one for one in cantera.Species.list_from_file("nasa_condensed.yaml")}
    gas = cantera.Solution(thermo="ideal-gas", species=[gases["NH3"], gases["HCL"]])
    salt = cantera.Solution(thermo="fixed-stoichiometry", species=[salts["NH4CL(b)"]])

    def once() -> object:
        gas.TPX = 523.15, 101325.0, {"NH3": 6000.0, "HCL": 1500.0}
        mixture = cantera.Mixture([(gas, 7.5), (salt, 0.0)])
        mixture.T, mixture.P = 523.15, 101325.0
        mixture.equilibrate("TP", solver="vcs", rtol=1e-10, max_steps=5000)
        return mixture.species_moles

    return once


TASKS: dict[str, tuple[Callable[[], Callable[[], object]], int]] = {
    "magnetflow: a batch with losses, loop settled": (batch, 200),
    "magnetflow: a liquor with oxalic acid": (liquor, 500),
    "the same by PHREEQC": (liquor_by_phreeqc, 500),
    "magnetflow: salt condensed from a gas": (condenser, 500),
    "the same by Cantera": (condenser_by_cantera, 500),
}


def main() -> None:
    """Measure one task, or all of them in processes of their own."""
    if len(sys.argv) > 1:
        prepare, runs = TASKS[sys.argv[1]]
        once = prepare()
        once()
        started = time.perf_counter()
        for _ in range(runs):
            once()
        seconds = time.perf_counter() - started
        print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024]))
        return
    rows = []
    for what, (_, runs) in TASKS.items():
        done = subprocess.run([sys.executable, __file__, what], check=True, capture_output=True, text=True, cwd=ROOT)
        seconds, memory = json.loads(done.stdout.splitlines()[-1])
        rows.append((date.today().isoformat(), machine(), what, runs, f"{seconds:.3g}", memory))
        print(*rows[-1])
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
