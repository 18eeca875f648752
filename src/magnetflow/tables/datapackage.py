"""Is every table the one that `datapackage.json` describes?

Run as a program, `python -m magnetflow.tables.datapackage`, it writes the hashes of the tables as they stand.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from magnetflow.tables.described import find_data, packages, shipped_packages
from magnetflow.tables.writing import write_whole


def update_hashes(data: Path) -> list[str]:
    """Write each table's size and hash into its package's description; return the names of those that changed.

    The packages are those that are shipped and those in `data`.
    """
    changed = []
    for path in [*shipped_packages(), *packages(data)]:
        before = path.read_text(encoding="utf-8")
        package = json.loads(before)
        for resource in package["resources"]:
            raw = (path.parent / resource["path"]).read_bytes()
            new = {"bytes": len(raw), "hash": f"sha256:{hashlib.sha256(raw).hexdigest()}"}
            if resource != resource | new:
                changed.append(resource["name"])
                resource.update(new)
        text = json.dumps(package, indent=2, ensure_ascii=False) + "\n"
        if text != before:
            write_whole(path.parent, {path.name: text.encode()})
    return changed


if __name__ == "__main__":
    print("hashes written for:", ", ".join(update_hashes(find_data())) or "none, all were true")
