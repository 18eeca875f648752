"""Is every table the one that `datapackage.json` describes?

Run as a program, `python -m magnetflow.tables.datapackage`, it writes the hashes of the tables as they stand.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from magnetflow.tables import find_data


def update_hashes(data: Path) -> list[str]:
    """Write each table's size and hash into datapackage.json; return the names of those that changed."""
    path = data / "datapackage.json"
    package = json.loads(path.read_text(encoding="utf-8"))
    changed = []
    for resource in package["resources"]:
        raw = (data / resource["path"]).read_bytes()
        new = {"bytes": len(raw), "hash": f"sha256:{hashlib.sha256(raw).hexdigest()}"}
        if any(resource.get(name) != told for name, told in new.items()):
            changed.append(resource["name"])
            resource.update(new)
    text = json.dumps(package, indent=2, ensure_ascii=False) + "\n"
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    return changed


if __name__ == "__main__":
    print("hashes written for:", ", ".join(update_hashes(find_data())) or "none, all were true")
