"""``python -m tests.peers.h5_screenshots``: pictures of every page for the documentation, on a phone and a desktop.

What is typed and the clock are fixed, so that a picture changes only where its page does.
"""

from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page

from tests.peers.h5_site import H5Site, chromium, h5_site
from tests.peers.h5_walks import WALKS
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


def _take(page: Page, folder: Path, name: str) -> None:
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    height = min(page.evaluate("document.documentElement.scrollHeight"), _LONGEST)
    clip = {"x": 0, "y": 0, "width": PHONE["width"], "height": height}
    phone = page.screenshot(full_page=True, clip=clip)  # type: ignore[arg-type]
    _write(folder / f"{name}-phone.png", phone)
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    _write(folder / f"{name}-desktop.png", page.screenshot())
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]


def _write(path: Path, picture: bytes) -> None:
    """Write a picture in a few dozen colours: these pages have no more, and it is a quarter of the size."""
    with Image.open(BytesIO(picture)) as image:
        image.convert("RGB").quantize(48, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    """Write them all, in the place of those that are there."""
    for old in FOLDER.glob("*.png"):
        old.unlink()
    with TemporaryDirectory(prefix="xinqiao-h5-") as folder, h5_site(Path(folder)) as site, chromium() as browser:
        windows = Windows(browser)
        shoot(FOLDER, site, windows)
        windows.close()
        assert windows.complaints == [], windows.complaints
    print(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER}")


if __name__ == "__main__":
    main()
