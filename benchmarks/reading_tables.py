"""How long does a checked reading of a table take, beside what one would use instead?

Makes a table of the shape of `wind_additions` with many rows, then reads it three ways in processes of their own:
pandas alone (no checks), `magnetflow.tables.read`, and frictionless (checks of its own).
Prints seconds of the first reading and the peak memory of the process.

    .venv/bin/python benchmarks/reading_tables.py [ROWS]
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = "data/united_kingdom/wind_additions.csv"
READERS = {
    "pandas.read_csv, unchecked": f"import pandas; read = lambda: pandas.read_csv('{TABLE}')",
    "magnetflow.tables.read": "from magnetflow import tables; read = lambda: tables.read('wind_additions')",
    "frictionless.validate": f"import frictionless; read = lambda: frictionless.validate('{TABLE}', "
    "schema=frictionless.Schema.from_descriptor(schema))",
}
HARNESS = """
import json, resource, time
schema = json.load(open("data/schema.json", encoding="utf-8"))
{reader}
start = time.perf_counter()
read()
print(json.dumps([time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def lay_out(folder: Path, rows: int) -> None:
    """Write a data folder whose `wind_additions` has `rows` rows, by repeating years within the allowed range."""
    shutil.copytree(ROOT / "data", folder / "data")
    table = folder / TABLE
    lines = table.read_text(encoding="utf-8").splitlines()
    package = json.loads(table.with_name("datapackage.json").read_text(encoding="utf-8"))
    [resource] = [entry for entry in package["resources"] if entry["name"] == "wind_additions"]
    for field in resource["schema"]["fields"]:
        if field["name"] == "year":
            field["constraints"]["maximum"] = 10**9
    rest = lines[1].split(",", 3)[3]
    made = [f"repd_2021_03,onshore,{1900 + count},{rest}" for count in range(rows)]
    table.write_text("\n".join([lines[0], *made]) + "\n", encoding="utf-8")
    table.with_name("datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    (folder / "data" / "schema.json").write_text(json.dumps(resource["schema"]), encoding="utf-8")


def main() -> None:
    """Time the readers one after another and print a table."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as name:
        lay_out(Path(name), rows)
        print(f"{rows:,} rows\n\n| reader | s | MB |\n|---|---:|---:|")
        for label, reader in READERS.items():
            command = [sys.executable, "-c", HARNESS.format(reader=reader)]
            outcome = subprocess.run(command, cwd=name, capture_output=True, text=True, check=True)
            seconds, megabytes = json.loads(outcome.stdout)
            print(f"| `{label}` | {seconds:.2f} | {megabytes:.0f} |")


if __name__ == "__main__":
    main()
