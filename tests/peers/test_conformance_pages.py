"""The pages of the suite in a browser: fit for everybody, at any width, light and dark, with the keyboard, on paper."""

import re
import subprocess
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page

from tests.conformance.results.sample import results
from tests.peers.conformance_pages import FOLDER, pages, pdf_of
from tests.peers.h5_basics import unfit
from tests.peers.h5_windows import Windows
from xinqiao_conformance.results.badge import badge_of

PAGES = pages()
Scheme = Literal["light", "dark"]


def opened(windows: Windows, name: str, width: int, scheme: Scheme = "light") -> Page:
    page = windows.desktop(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page.set_content(PAGES[name])
    return page


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_fit_at_any_width_light_and_dark(windows: Windows, name: str, width: int, scheme: Scheme) -> None:
    assert unfit(opened(windows, name, width, scheme)) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_does_without_the_network_and_without_scripts(windows: Windows, name: str) -> None:
    page = windows.desktop(java_script_enabled=False, offline=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_content(PAGES[name])
    assert asked == []
    assert page.locator("h1").is_visible()


def test_the_keyboard_leads_past_the_head_and_through_what_scrolls(windows: Windows) -> None:
    page = opened(windows, "report-failed", 1280)
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("class") == "skip"
    assert page.locator(":focus").is_visible()
    seen: set[str] = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        seen.add(str(page.evaluate("document.activeElement.tagName")))
    assert {"A", "PRE"} <= seen


def test_a_requirement_leads_to_its_work_order(windows: Windows) -> None:
    page = opened(windows, "report-failed", 1280)
    page.get_by_role("link", name="整改单 work order 1", exact=True).click()
    assert page.evaluate("document.querySelector(':target').id") == "order-1"
    assert page.get_by_role("article", name=re.compile("ENV-005")).is_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_screen_reader_hears_tables_whatever_the_width(windows: Windows, width: int) -> None:
    page = opened(windows, "report-passed", width)
    assert page.get_by_role("columnheader", name="结论 verdict").count() == 1
    assert page.get_by_role("rowheader", name=re.compile("ENV-005")).count() == 1
    assert page.get_by_role("region", name="结论 Verdict").count() == 1


@pytest.mark.parametrize("name", PAGES)
def test_on_a4_everything_is_there_and_nothing_is_cut_at_the_side(windows: Windows, name: str, tmp_path: Path) -> None:
    page = opened(windows, name, 1280)
    (tmp_path / "page.pdf").write_bytes(pdf_of(page))
    told = subprocess.run(["pdfinfo", tmp_path / "page.pdf"], capture_output=True, text=True, check=True, timeout=60)
    assert re.search(r"Page size:\s+59[45]\S* x 84[12]\S* pts \(A4\)", told.stdout)
    command = ["pdftotext", "-layout", str(tmp_path / "page.pdf"), "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    squeezed = re.sub(r"\W", "", text)
    headings = page.locator("h1, h2, h3").all_text_contents()
    assert [each for each in headings if re.sub(r"\W", "", each) not in squeezed] == []
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 688, "height": 1000})  # what is between the margins
    assert page.evaluate("document.documentElement.scrollWidth") <= 688


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_words_of_a_badge_fit_into_it(windows: Windows, language: Literal["zh", "en"]) -> None:
    page = windows.desktop()
    page.set_content(badge_of(results(), language))
    boxes = page.evaluate(
        "[...document.querySelectorAll('text')].map((each) => each.getBBox()).map((b) => [b.x, b.x + b.width])"
    )
    whole = page.evaluate("document.querySelector('svg').viewBox.baseVal.width")
    (first, second) = boxes
    assert 0 < first[0] < first[1] < second[0] < second[1] < whole


def test_the_pictures_of_the_documentation_are_there_and_small() -> None:
    sizes = {each.name: each.stat().st_size for each in FOLDER.glob("*.png")}
    assert {f"{name}-{width}.png" for name in PAGES for width in ("wide", "narrow")} <= sizes.keys()
    assert max(sizes.values()) < 150_000
