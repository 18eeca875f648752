"""Every page opened from disk in Chromium, without a network: no error, no request, nothing wider than the window."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
# Every figure has its drawing, and MathJax, where the page loads it, has done its work.
DRAWN = """() => [...document.querySelectorAll('.mf-plot')].every((plot) => plot.querySelector('.main-svg'))
  && (!document.querySelector('.math') || document.querySelector('mjx-container'))"""
DARK_INK, LIGHT_INK = "rgb(228, 231, 235)", "rgb(31, 41, 51)"
SIZES = {"desktop": (1400, 900), "phone": (390, 844)}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; on Debian: apt install chromium"),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


def pages(book: Path) -> list[Path]:
    return sorted(path for path in book.rglob("*.html") if "_static" not in path.relative_to(book).parts)


def blank(browser: Browser, **context: Any) -> tuple[Page, list[str]]:
    """Open an empty page; return it with a list of what goes wrong on it."""
    page = browser.new_context(offline=True, **context).new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(f"failed: {request.url}"))
    local = ("file:", "data:", "blob:")
    page.on("request", lambda request: None if request.url.startswith(local) else faults.append(request.url))
    return page, faults


def visit(browser: Browser, path: Path, **context: Any) -> tuple[Page, list[str]]:
    """Open a page from disk; return it with what went wrong."""
    page, faults = blank(browser, **context)
    page.goto(path.as_uri())
    page.wait_for_function(DRAWN)
    return page, faults


def inks(page: Page) -> set[str]:
    """Return the colours of some texts of the figures of a page."""
    texts = page.locator(".mf-plot .xtick text, .mf-plot .node-label").all()[:3]
    return {text.evaluate("node => getComputedStyle(node).fill") for text in texts}


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible(browser: Browser, book: Path, scheme: Any) -> None:
    """The rules of WCAG 2.1, levels A and AA, as far as axe-core can tell."""
    axe, faults = Axe(), []
    page, _ = blank(browser, color_scheme=scheme)
    for path in pages(book):
        page.goto(path.as_uri())
        page.wait_for_function(DRAWN)
        found = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
        for fault in found.response["violations"]:
            faults.append(
                f"{path.name}: {fault['help']}, {len(fault['nodes'])} times, first {fault['nodes'][0]['html']}"
            )
    assert not faults, "\n".join(faults)


@pytest.mark.long
def test_every_page_opens_without_a_fault_and_fits_the_window(browser: Browser, book: Path) -> None:
    """Each page is opened in the dark at the size of a phone, widened and narrowed again, as a reader turns it."""
    sizes = {size: ViewportSize(width=width, height=height) for size, (width, height) in SIZES.items()}
    drawn = 0
    page, faults = blank(browser, viewport=sizes["phone"], color_scheme="dark")  # one, since scripts are then kept
    for path in pages(book):
        page.goto(path.as_uri())
        page.wait_for_function(DRAWN)
        assert inks(page) <= {DARK_INK}, f"{path.name} is not drawn in the ink of the dark theme"
        drawn += page.locator(".mf-plot").count()
        for size in ("phone", "desktop", "phone"):
            page.set_viewport_size(sizes[size])
            wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wider <= 1, f"{path.name} is wider than a {size} by {wider} px"
        assert not faults, f"{path.name}: {faults}"
    page.context.close()
    assert drawn >= 20


def test_a_figure_is_drawn_in_the_ink_of_the_light_theme(browser: Browser, book: Path) -> None:
    page, faults = visit(browser, book / "notebooks" / "03-estimation.html", color_scheme="light")
    assert inks(page) == {LIGHT_INK}
    assert not faults


def test_a_figure_follows_a_change_of_theme(browser: Browser, book: Path) -> None:
    page, faults = visit(browser, book / "notebooks" / "03-estimation.html", color_scheme="light")
    page.wait_for_selector("#figure-two-valuations .main-svg")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    fill = "getComputedStyle(document.querySelector('#figure-two-valuations .xtick text')).fill"
    page.wait_for_function(f"{fill} === 'rgb(228, 231, 235)'")
    page.context.close()
    assert not faults


def edges(page: Page, selector: str) -> list[tuple[float, float, float, float]]:
    """Return left, top, right and bottom of all that a selector finds and that is drawn."""
    script = "found => found.map(e => e.getBoundingClientRect()).map(b => [b.left, b.top, b.right, b.bottom])"
    boxes = [tuple(box) for box in page.locator(selector).evaluate_all(script)]
    return [box for box in boxes if box[2] > box[0]]


@pytest.mark.parametrize(
    ("chapter", "names"),
    [("01-system", ("upstream", "wind")), ("06-picture", ("whole-system",)), ("10-chlorination", ("elements",))],
)
def test_a_sankey_stays_in_its_frame_and_no_labels_overlap(
    browser: Browser, book: Path, chapter: str, names: tuple[str, ...]
) -> None:
    """Of every drawing that the figure has to choose from."""
    page, _ = visit(browser, book / "notebooks" / f"{chapter}.html", viewport={"width": 1400, "height": 900})
    for name in names:
        page.wait_for_selector(f"#figure-{name} .node-label")
        choice = page.locator(f'select[data-figure="figure-{name}"]')
        for option in range(choice.locator("option").count() or 1):
            if choice.count():
                choice.select_option(str(option))
                page.wait_for_timeout(800)  # until it is drawn anew
            [(_, top, _, bottom)] = edges(page, f"#figure-{name}")
            for _, above, _, below in edges(page, f"#figure-{name} .node-rect"):
                assert top - 1 <= above <= below <= bottom + 1, f"{name}, drawing {option}: a node leaves the frame"
            labels = edges(page, f"#figure-{name} .node-label")
            assert len(labels) >= 5
            for first, one in enumerate(labels):
                for other in labels[first + 1 :]:
                    apart = one[2] <= other[0] + 1 or other[2] <= one[0] + 1
                    apart |= one[3] <= other[1] + 1 or other[3] <= one[1] + 1
                    assert apart, f"{name}, drawing {option}: two labels overlap, {one} and {other}"
    page.context.close()


def test_equations_are_typeset(browser: Browser, book: Path) -> None:
    page, faults = visit(browser, book / "notebooks" / "03-estimation.html")
    page.wait_for_selector("mjx-container")
    assert page.locator("mjx-container").count() >= 8
    assert page.locator("mjx-merror").count() == 0
    page.context.close()
    assert not faults


def test_a_list_chooses_among_drawings_and_a_ribbon_leads_to_its_row(browser: Browser, book: Path) -> None:
    page, faults = visit(
        browser,
        book / "notebooks" / "06-picture.html",
        viewport=dict(zip(("width", "height"), SIZES["desktop"], strict=True)),
    )
    plot = page.locator("#figure-whole-system")
    ribbons = plot.locator(".sankey-link").count()
    page.locator('select[data-figure="figure-whole-system"]').select_option(label="Dy")
    page.wait_for_function(f"document.querySelectorAll('#figure-whole-system .sankey-link').length < {ribbons}")
    assert plot.locator(".node-label", has_text="compound imports").count() == 0, "compounds have no elements"
    plot.locator(".sankey-link").first.dispatch_event("click")
    place = page.evaluate("window.location.hash")
    assert place.startswith("#flow-"), place
    assert page.locator(f'[id="{place[1:]}"]').count() == 1
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(
        "getComputedStyle(document.querySelector('#figure-whole-system .node-label')).fill === 'rgb(228, 231, 235)'"
    )
    assert plot.locator(".sankey-link").count() < ribbons, "the choice outlives a change of theme"
    assert not faults


def test_sliders_move_the_cell_and_come_back(browser: Browser, book: Path) -> None:
    page, faults = visit(browser, book / "notebooks" / "11-design.html", viewport={"width": 390, "height": 844})
    box = page.locator(".mf-what-if")
    now, before = box.locator(".mf-now"), box.locator("tbody tr td:nth-child(2)").all_text_contents()
    assert now.all_text_contents() == before, "the script starts elsewhere than the page"
    verdict = box.locator(".mf-verdict")
    assert "stays clear" in (verdict.text_content() or "")
    sliders = box.locator("input[type=range]")
    sliders.nth(0).focus()
    page.keyboard.press("End")  # a strong current: protons run out
    assert "iron is laid down" in (verdict.text_content() or "")
    sliders.nth(1).focus()
    page.keyboard.press("End")  # and hardly any protons to begin with
    assert "Hydroxide falls out" in (verdict.text_content() or "")
    assert box.locator("output[for=cell-0]").text_content() == "2,000"
    box.locator("button").click()
    assert now.all_text_contents() == before
    assert not faults
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.context.close()


def test_sliders_move_the_outcomes_and_come_back(browser: Browser, book: Path) -> None:
    page, faults = visit(
        browser, book / "notebooks" / "07-which-statistic.html", viewport={"width": 390, "height": 844}
    )
    box = page.locator(".mf-what-if")
    rows = box.locator("tbody tr")
    before = rows.locator("td:nth-child(2)").all_text_contents()
    now = rows.locator(".mf-now")
    assert now.all_text_contents() == before
    value, spread = (
        float(part.replace(",", "")) for part in before[0].split("\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}")
    )

    share = box.locator("input[type=range]").nth(1)  # after the contents of a generator
    share.focus()
    page.keyboard.press("End")  # the market share of NdFeB magnets, two standard deviations up
    reach = 1 + 20 * float(share.get_attribute("data-step") or 0)
    moved = float(now.first.text_content().split("\N{NO-BREAK SPACE}")[0].replace(",", ""))  # type: ignore[union-attr]
    assert moved == pytest.approx(value * reach, abs=1.0)  # the whole net import is in proportion to it
    assert box.locator("output[for=what-if-1]").text_content() == f"+{100 * (reach - 1):.1f} %"

    box.locator("button").click()
    assert now.all_text_contents() == before
    box.locator("input[type=checkbox]").nth(1).check()
    narrowed = float(now.first.text_content().split("\N{NO-BREAK SPACE}")[-1].replace(",", ""))  # type: ignore[union-attr]
    assert narrowed < 0.6 * spread
    assert not faults
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.context.close()
