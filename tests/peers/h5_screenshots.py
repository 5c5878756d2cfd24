"""``python -m tests.peers.h5_screenshots``: pictures of every page for the documentation, on a phone and a desktop.

What is typed and the clock are fixed, so that a picture changes only where its page does.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from shutil import copytree, rmtree
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page

from tests.peers.h5_site import H5Site, chromium, h5_site
from tests.peers.h5_walks import WALKS, arrive
from tests.peers.h5_windows import DESKTOP, PHONE, Windows

__all__ = ["FOLDER", "shoot"]

FOLDER = Path("docs/images/h5")
# A phone's picture is as long as the page, but not without end; a desktop's is what the screen shows.
_LONGEST = 1900


def shoot(folder: Path, site: H5Site, windows: Windows) -> None:
    """Write a picture of each page of each walk."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, walk in WALKS.items():
        page = windows.phone()
        for at in walk(page, site, f"CASE-{name}"):
            _take(page, folder, f"{name}-{at}")
    for at in _others(page, site):
        _take(page, folder, at)


def _others(page: Page, site: H5Site) -> Iterator[str]:
    """Come to the pages that no flow comes to by itself."""
    address = site.url("CASE-others")
    arrive(page, address)
    for turn in ("language:en", "size:large"):
        page.click(f'button[value="{turn}"]')
        page.wait_for_selector(f'button[value="{turn}"]', state="detached")
    yield "large-english"
    opened = page.url
    page.goto(address)
    page.wait_for_selector("#reason")
    yield "used-link"
    site.clock.now += 7200
    page.goto(opened)
    page.wait_for_selector("#reason")
    yield "timed-out"


# Ids and codes are new each time; in the pictures they are always the same.
_SETTLE = """() => {
  document.activeElement.blur();
  scrollTo(0, 0);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode.textContent;
    const settled = text
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "01961b4a-7c00-7abc-8def-0123456789ab")
      .replace(/P[0-9a-f]{32}/g, "P01961b4a7c007abc8def0123456789ab");
    if (settled !== text) texts.currentNode.textContent = settled;
  }
  const code = document.querySelector("[name=code]"), shown = document.querySelector("#simulated");
  if (code && shown) code.value = shown.textContent = "123456";
}"""


def _take(page: Page, folder: Path, name: str) -> None:
    kept = page.locator("[name=code]").input_value() if page.locator("[name=code]").count() else ""
    page.evaluate(_SETTLE)
    height = min(page.evaluate("document.documentElement.scrollHeight"), _LONGEST)
    clip = {"x": 0, "y": 0, "width": PHONE["width"], "height": height}
    phone = page.screenshot(full_page=True, clip=clip)
    _write(folder / f"{name}-phone.png", phone)
    page.set_viewport_size(DESKTOP)
    _write(folder / f"{name}-desktop.png", page.screenshot())
    page.set_viewport_size(PHONE)
    if kept:
        page.fill("[name=code]", kept)


def _write(path: Path, picture: bytes) -> None:
    """Write a picture in a few dozen colours: these pages have no more, and it is a quarter of the size."""
    with Image.open(BytesIO(picture)) as image:
        image.convert("RGB").quantize(48, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    """Write them all; those that are there are replaced once all are made."""
    with TemporaryDirectory(prefix="xinqiao-h5-") as folder, h5_site(Path(folder)) as site, chromium() as browser:
        windows, made = Windows(browser), Path(folder) / "pictures"
        shoot(made, site, windows)
        windows.close()
        assert windows.complaints == [], windows.complaints
        rmtree(FOLDER, ignore_errors=True)
        copytree(made, FOLDER)
    print(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER}")


if __name__ == "__main__":
    main()
