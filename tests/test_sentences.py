"""Every sentence of the book about the study has its place in the study, checked once by reading it.

A sentence that is new or has changed makes a test red: read the place again, then write its row anew in
`tests/expected/study_sentences.csv`. The passage is `this book` where a sentence is about the book's own work.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

import pytest
from conftest import ROOT

PAGES = sorted((ROOT / "notebooks").glob("*.md"))
PAGES += [ROOT / "book" / "index.md", ROOT / "book" / "about.md", ROOT / "README.md"]
FINDINGS = ROOT / "data" / "united_kingdom" / "findings.csv"

# What makes a line one about the study; results, links and commands in it do not count.
ABOUT = re.compile(
    r"\b[Tt]he (?:study|article|text)\b|hsu2024|\bprint(?:s|ed)?\b|\babstract\b"
    r"|\b(?:[Ss]ections?|Tables?|Figs?\.) \d|\bEqs?\. \("
)
ROLE = re.compile(r"\{(?:glue:text|doc|eq)\}`[^`]*`|`magnetflow[^`]*`|<[^>]*>")
HEAD_OR_FENCE = re.compile(r"\A---\n.*?^---\n|^(`{3,}|:{3,}).*?^\1$", re.M | re.S)

SECTIONS = ("1", "2", "3.1", "3.2", "3.3", "4.1", *(f"4.1.{part}" for part in range(1, 7)), "4.2")
SECTIONS += ("5.1", "5.2", "5.3", "5.4", "6")
PLACES = {"abstract", "references", "Fig. 1", "Fig. 2", *(f"section {number}" for number in SECTIONS)}
PLACES |= {f"Table {number}" for number in range(1, 5)} | {f"Eq. ({number})" for number in range(1, 5)}
TABLE_2 = {"I1", "E1", "C1", "L1", "I2", "E2", "P2", "C2", "I3.1", "E3.1", "P3.1", "C3.1", "C3.2", "O3.1"}
TABLE_2 |= {"I4.1", "E4.1", "P4.1", "C4.1", "I5.1", "E5.1", "P5.1.0.1", "P5.1.0.2", "C5.1"}
TABLE_2 |= {"I5.2", "I5.1.4", "E5.2", "C5.2", "R2.1", "E6.0", "W1.0", "W2.0"}
PLACES |= {f"Table 2, {code}" for code in TABLE_2} | {"this book"}


def prose(text: str) -> list[str]:
    """Return the lines of a page that are read: no cells, no headings, no marks of a list."""
    lines = HEAD_OR_FENCE.sub("", text).splitlines()
    return [line.strip().removeprefix("- ") for line in lines if line.strip() and not line.startswith("#")]


def about_the_study(text: str) -> list[str]:
    """Return the lines of a page that say something about the study."""
    return [line for line in prose(text) if ABOUT.search(ROLE.sub(" ", line))]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def rows() -> list[dict[str, str]]:
    return table(ROOT / "tests" / "expected" / "study_sentences.csv")


def listed(page: str) -> set[str]:
    return {row["sentence"] for row in rows() if row["page"] == page}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_sentence_about_the_study_has_been_checked(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    new = [line for line in about_the_study(text) if line not in listed(path.name)]
    assert not new, "read the place in the study, then add a row:\n" + "\n".join(new)
    gone = listed(path.name) - set(prose(text))
    assert not gone, "no longer in the page; check what it became:\n" + "\n".join(gone)


def test_every_finding_has_been_checked() -> None:
    assert {row["statement"] for row in table(FINDINGS)} == listed(FINDINGS.name)


def test_every_row_names_a_page_and_places_that_exist() -> None:
    keys = [(row["page"], row["sentence"]) for row in rows()]
    assert len(keys) == len(set(keys)), "a sentence is listed twice"
    assert {row["page"] for row in rows()} <= {path.name for path in [*PAGES, FINDINGS]}
    for row in rows():
        places = {place.removeprefix("nowhere: ") for place in row["passage"].split("; ")}
        assert places <= PLACES, f"{places - PLACES} is no place in the study: {row['sentence']}"
        if "nowhere: " in row["passage"]:
            assert "searched" in row["note"], f"say what was searched for: {row['sentence']}"


def test_a_planted_sentence_is_found() -> None:
    page = "---\nkernel: the study\n---\n# The study\n\n```{code-cell}\nthe_study = 'the study prints'\n```\n\n"
    planted = ["The study has none.", "Exports are printed.", "Its Table 2 has none.", "By section 4.2 it errs."]
    planted += ["So says the text.", "That of the abstract is higher.", "See Fig. 2.", "Eq. (4) has no share."]
    planted += ["One model {cite:p}`hsu2024` has none."]
    own = ["It holds {glue:text}`wind.stock.printed` of them.", "Each study counts once.", "`magnetflow prints` it."]
    assert about_the_study(page + "\n".join(f"- {line}" for line in planted + own)) == planted
    assert not set(planted) & listed("01-system.md")
