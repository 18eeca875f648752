"""Which number does a cell hold, and what should its writer put there where it holds none?"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
NUMERIC = {  # columns of numbers
    "value", "amount", "mean", "sd", "std", "cv", "ci95", "gsd", "uncertainty", "low", "mode", "high", "lower",
    "upper", "start", "length", "coefficient", "covariance", "reconciled", "reconciled_sd",
}  # fmt: skip
# One to three digits, a mark and three digits: thousands for some writers, decimals for others.
UNCLEAR = re.compile(r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}")
SHOWN = 40  # characters of a cell that an error shows
SOME = r"([+-]?[0-9]+(?:[.,][0-9]+)?(?:[eE][+-]?[0-9]+)?%?)"
ALONE = "write {0} alone; a unit goes into the column unit, a remark into note"
CURES = {  # by what is found instead of a number
    r"#(?:N/A|REF!|DIV/0!|VALUE!|NAME\?|NUM!|NULL!)": "mend the formula",
    r"=.*": "write the result of the formula",
    r"(?i:n/?a|n\.a\.|nan|none|null|nil|unknown|missing|x|\?+|\.\.+|…|:)": "leave the cell empty where none is known",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*": "the cell holds a date; format it as a number and type the number again",
    r"[-–—]+": "leave the cell empty where none is known, and write 0 for zero",
    rf"[<≤]=? ?{SOME}": "leave value empty and write {0} in the column upper",
    rf"[>≥]=? ?{SOME}": "leave value empty and write {0} in the column lower",
    rf"(?i:~|≈|c\.|ca\.?|about|approx\.?) ?{SOME}": "write {0} here and its uncertainty in the column sd",
    rf"{SOME} ?(?:±|\+/-|\+-) ?{SOME}": "write {0} here and {1} in the column sd",
    rf"(?:±|\+/-|\+-) ?{SOME}": "write {0}",
    rf"{SOME} ?(?:-|–|—|to|\.\.+|…) ?{SOME}": "write {0} in the column lower, {1} in upper, a best value here",
    rf"[−–] ?{SOME}|\({SOME}\)": "write a minus as a hyphen before the number",
    rf"{SOME}": "write the fraction, or the number alone beside the unit %",
    rf"{SOME} ?/ ?{SOME}": "write the result of the division",
    rf"{SOME} ?[^0-9., '’].*": ALONE,
    rf"[£$€] ?{SOME}": ALONE,
}
MARKS = {" ": "blanks", "'": "apostrophes", "’": "apostrophes", ",": "commas", ".": "points for thousands"}


def shown(found: str) -> str:
    """Return a cell as an error shows it: quoted, on one line, and short."""
    return repr(found if len(found) <= SHOWN else found[:SHOWN] + "…")


def decimal_marks(cells: Iterable[str]) -> str:
    """Return the marks that stand before decimals in some of these cells beyond doubt: a point, a comma or both."""
    numbers = {cell.strip("±% ") for cell in cells}
    clear = [cell for cell in numbers if not UNCLEAR.fullmatch(cell) and NUMBER.fullmatch(cell.replace(",", ".", 1))]
    return "".join(mark for mark in ".," if any(mark in cell for cell in clear))


def number_from(found: str, marks: str = ".") -> float:
    """Return the number that a cell holds; `marks` are those that stand before decimals in its sheet.

    They are a point alone in CSV with commas and in workbooks, or what `decimal_marks` found in other files.
    Raises ValueError, in one line with the cure, for what is no number or could be one of two.
    """
    mark = "," if "," in found else "."
    if UNCLEAR.fullmatch(found) and marks != mark:
        whole, decimals = re.split("[.,]", found)
        problem = f"which could be {whole}{decimals} or {whole}.{decimals}; write {whole}{decimals}"
        raise ValueError(f"found {shown(found)}, {problem} or {whole}{'.' if '.' in marks else ','}{decimals}0")
    text = found.replace(",", ".", 1) if "," in marks else found
    if not NUMBER.fullmatch(text):
        cure = _cure(found)
        raise ValueError(f"found {shown(found)}, expected a number{'; ' if cure else ''}{cure}")
    if not math.isfinite(float(text)):
        raise ValueError(f"{shown(found)} is not a finite number; mend it")
    return float(text)


def _cure(found: str) -> str:
    thousands = re.fullmatch(r"([+-]?[0-9]{1,3})((?:([ '’.,])[0-9]{3})(?:\3[0-9]{3})*)(?:[.,]([0-9]+))?", found)
    if thousands:
        whole, groups, mark, decimals = thousands.groups()
        number = whole + groups.replace(mark, "") + (f".{decimals}" if decimals else "")
        return f"write {number}, without {MARKS[mark]}"
    if NUMBER.fullmatch(found.replace(",", ".", 1)):
        return f"write {found.replace(',', '.')}, without commas"
    for pattern, cure in CURES.items():
        parts = re.fullmatch(pattern, found)
        if parts:
            return cure.format(*parts.groups())
    return ""
