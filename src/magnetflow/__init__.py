"""Which names does one import from `magnetflow`?

`__init__.pyi` lists each public name with its module, for type checkers and for this module alike. A module is
imported when one of its names is first used, so that packages and commands start quickly (scientific-python, SPEC 1).
"""

import re
from pathlib import Path
from typing import Any

_STUB = Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8")
_MODULE_OF = {name: module for module, name in re.findall(r"^from (\S+) import (\w+) as", _STUB, re.M)}

__all__ = list(_MODULE_OF)


def __getattr__(name: str) -> Any:
    """Import a public name, or look up the version; raises AttributeError for any other name."""
    if name == "__version__":
        from importlib.metadata import version  # slow to import, and few ask

        found: Any = version("magnetflow")
    elif name in _MODULE_OF:
        found = getattr(__import__(_MODULE_OF[name], fromlist=[name]), name)
    else:
        raise AttributeError(f"module 'magnetflow' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return the public names, imported or not, beside those that modules have."""
    return sorted({*globals(), *__all__, "__version__"})
