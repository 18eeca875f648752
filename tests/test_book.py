"""The built pages: nothing from outside, links and citations whole, figures told in words."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag
from conftest import ROOT

ASSETS = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "object": "data"}
# Links that only name something; a browser does not fetch them.
NAMES_ONLY = {"canonical", "license", "author", "next", "prev", "index", "search"}


@pytest.fixture(scope="module")
def pages(book: Path) -> dict[Path, BeautifulSoup]:
    found = sorted(path for path in book.rglob("*.html") if "_static" not in path.relative_to(book).parts)
    assert len(found) >= 8
    return {path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in found}


def attributes(soup: BeautifulSoup, tag: str, name: str) -> list[tuple[Tag, str]]:
    return [
        (found, str(found[name])) for found in soup.find_all(tag) if isinstance(found, Tag) and found.has_attr(name)
    ]


def test_no_page_asks_for_anything_from_outside(pages: dict[Path, BeautifulSoup]) -> None:
    for path, soup in pages.items():
        for tag, attribute in ASSETS.items():
            for found, address in attributes(soup, tag, attribute):
                if set(found.get("rel") or []) & NAMES_ONLY:
                    continue
                assert not urlsplit(address).netloc, f"{path.name}: {address}"
        for style in soup.find_all("style"):
            assert "http" not in style.get_text(), path.name


def test_no_style_sheet_or_script_of_ours_calls_out(book: Path) -> None:
    for name in ("book.css", "figures.js", "controls.js"):
        assert "//" not in re.sub(r"^\s*//.*$", "", (book / "_static" / name).read_text(encoding="utf-8"), flags=re.M)
    for sheet in (book / "_static").rglob("*.css"):
        assert not re.search(r"url\(['\"]?https?:|@import\s+['\"]?https?:", sheet.read_text(encoding="utf-8")), (
            sheet.name
        )


def test_every_link_and_file_within_the_book_is_there(pages: dict[Path, BeautifulSoup]) -> None:
    places = {path: {str(found["id"]) for found in soup.find_all(id=True)} for path, soup in pages.items()}
    for path, soup in pages.items():
        for tag, attribute in {**ASSETS, "a": "href"}.items():
            for _, address in attributes(soup, tag, attribute):
                parts = urlsplit(address)
                if parts.scheme or parts.netloc or (tag == "link" and not parts.path):
                    continue
                target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
                assert target.exists(), f"{path.name}: {address}"
                if parts.fragment and target in pages:
                    anchor = unquote(parts.fragment)
                    assert anchor in places[target], f"{path.name}: {address} has no such place"


def test_citations_and_glue_are_whole(pages: dict[Path, BeautifulSoup]) -> None:
    for path, soup in pages.items():
        text = soup.get_text()
        assert "[?]" not in text and "undefined" not in text, path.name
        assert not re.search(r"\{(glue|cite|doc|eq)[:}]", text), f"{path.name}: a role was not rendered"
    references = next(soup for path, soup in pages.items() if path.name == "references.html")
    cited = set(re.findall(r"\{cite(?::\w)?\}`([^`]+)`", all_text()))
    for key in {part for group in cited for part in group.split(",")}:
        assert re.search(rf"^@\w+{{{key},", (ROOT / "book" / "references.bib").read_text(encoding="utf-8"), re.M), key
    assert len(references.find_all(class_="citation")) + len(references.find_all("dt")) >= 8


def all_text() -> str:
    sources = [*(ROOT / "book").glob("*.md"), *(ROOT / "notebooks").glob("*.md")]
    return "\n".join(path.read_text(encoding="utf-8") for path in sources)


def test_every_figure_says_what_it_shows_and_gives_its_data(pages: dict[Path, BeautifulSoup]) -> None:
    count = 0
    for path, soup in pages.items():
        names = [found["id"] for found in soup.select(".mf-plot")]
        assert len(names) == len(set(names)), f"{path.name}: two figures of one name"
        for figure in soup.select(".mf-figure"):
            count += 1
            assert len(str(figure["aria-label"])) > 40, path.name
            assert figure.select("details table tbody tr"), f"{path.name}: a figure without its data"
            drawing = figure.find("script", type="application/json")
            assert isinstance(drawing, Tag)
            assert all(choice["data"] for choice in json.loads(drawing.get_text())), f"{path.name}: an empty figure"
    assert count >= 10


def test_every_page_has_one_title_and_images_have_words(pages: dict[Path, BeautifulSoup]) -> None:
    for path, soup in pages.items():
        article = soup.find("article") or soup
        assert isinstance(article, Tag)
        assert len(article.find_all("h1")) == 1, path.name
        assert all(image.get("alt") for image in article.find_all("img")), path.name


def test_plotly_loads_only_where_there_is_a_figure(pages: dict[Path, BeautifulSoup]) -> None:
    for path, soup in pages.items():
        loads = any("plotly" in address for _, address in attributes(soup, "script", "src"))
        assert loads == bool(soup.select(".mf-figure")), path.name
        assert not any("thebe" in address for _, address in attributes(soup, "script", "src")), path.name


def test_no_page_names_a_machine_or_a_time(book: Path) -> None:
    for path in book.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert str(ROOT) not in text, path.name
        assert "Last updated" not in text, path.name


def test_every_chapter_ends_with_its_numbers(pages: dict[Path, BeautifulSoup]) -> None:
    for path, soup in pages.items():
        if path.parent.name == "notebooks":
            last = soup.select("section section")[-1]
            assert "Results of this chapter" in last.get_text(), path.name
            assert last.select(".mf-table tbody tr"), path.name


def test_the_build_page_names_commit_versions_and_every_result(pages: dict[Path, BeautifulSoup]) -> None:
    about = next(soup for path, soup in pages.items() if path.name == "about.html").get_text()
    results = json.loads((ROOT / "_build" / "results.json").read_text(encoding="utf-8"))
    assert re.search(r"commit [0-9a-f]{12}|an archive without version history", about)
    for name in [*results["results"], *results["inputs"], *results["versions"]]:
        assert name in about, name
