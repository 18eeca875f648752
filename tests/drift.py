"""Which recorded results have moved from their reference values?

`tests/expected/results.json` holds for each result the reference value with its standard deviation, unit and kind,
an absolute tolerance, and why it was last changed.
Run as a program, `python tests/drift.py "why"`, it takes the values of the last build over.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EXPECTED = ROOT / "tests" / "expected" / "results.json"
RECORDED = ROOT / "_build" / "results.json"
RELATIVE_TOLERANCE = 1e-9  # the arithmetic is the same everywhere, up to the order of sums


def drift(expected: dict[str, Any], recorded: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return one row a result that moved, is new, or is gone: name, expected, recorded, and what happened."""
    rows = []
    for name in sorted(expected.keys() | recorded.keys()):
        if name not in expected:
            new = recorded[name]
            rows.append((name, "", f"{new['value']:g} {new['unit']}", "new; take it over with a reason"))
            continue
        old = expected[name]
        if name not in recorded:
            rows.append((name, f"{old['value']:g} {old['unit']}", "", "no longer recorded"))
            continue
        new = recorded[name]
        moved = [f"{part} {old[part]} is now {new[part]}" for part in ("unit", "kind") if old[part] != new[part]]
        for part in ("value", "sd"):
            if (old[part] is None) != (new[part] is None):
                moved.append(f"{part} {old[part]} is now {new[part]}")
            elif old[part] is not None and abs(new[part] - old[part]) > old["tolerance"]:
                moved.append(f"{part} {new[part] - old[part]:+.3g}")
        if moved:
            before, now = (f"{side['value']:g} {side['unit']}" for side in (old, new))
            rows.append((name, before, now, "; ".join(moved)))
    return rows


def table(rows: list[tuple[str, str, str, str]]) -> str:
    """Return the rows as text in columns."""
    rows = [("result", "expected", "recorded", "drift"), *rows]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def take_over(reason: str) -> None:
    """Write the values of the last build as the expected ones; keep tolerance and reason of those that stand."""
    expected = json.loads(EXPECTED.read_text(encoding="utf-8")) if EXPECTED.exists() else {}
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))["results"]
    moved = drift(expected, recorded)
    for name, *_ in moved:
        if name not in recorded:
            del expected[name]
            continue
        value = recorded[name]["value"]
        tolerance = expected.get(name, {}).get("tolerance", RELATIVE_TOLERANCE * max(abs(value), 1.0))
        kept = {part: recorded[name][part] for part in ("value", "sd", "unit", "kind")}
        expected[name] = {**kept, "tolerance": float(f"{tolerance:.1g}"), "reason": reason}
    EXPECTED.write_text(json.dumps(expected, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    print(table(moved) if moved else "nothing has moved")


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].strip():
        raise SystemExit('usage: python tests/drift.py "why the values change"')
    take_over(sys.argv[1])
