"""``python -m tests.peers.conformance_pages``: pictures of the suite's pages for the documentation.

What is in them and the clock are fixed, so that a picture changes only where its page does.
"""

import json
import subprocess
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from shutil import copytree, rmtree
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from playwright.sync_api import Page

from tests.conformance.results.sample import FINDINGS, KITS, TESTED, results
from tests.peers.h5_site import chromium
from tests.peers.h5_windows import Windows
from xinqiao.keys import KeyRing, new_key
from xinqiao.signed import Issuer
from xinqiao.testing import TRUST_COMPANY
from xinqiao_conformance.certificates.issuing import certify
from xinqiao_conformance.certificates.registry import Registry
from xinqiao_conformance.certificates.registry_page import registry_page
from xinqiao_conformance.results.html import html_of

__all__ = ["FOLDER", "pages", "pdf_of"]

FOLDER = Path("docs/images/conformance")
_WIDE, _NARROW = {"width": 1000, "height": 700}, {"width": 390, "height": 844}
# A picture shows the beginning of a page.
_LONGEST = {"wide": 1900, "narrow": 1500}
_BODY, _TRUST = new_key("body-2026"), new_key("trust-2026")
_KEYS = KeyRing([_BODY.public(), _TRUST.public()])
_ASSOCIATION, _COMPANY = Issuer("示例行业协会", "51100000500000005N"), Issuer("示例信托公司", TRUST_COMPANY)
_ISSUED = TESTED + timedelta(hours=1)


def pages() -> dict[str, str]:
    """Return the pages by name: a report that passed, one that failed, the registry."""
    return {
        "report-passed": html_of(results()),
        "report-failed": html_of(results((*FINDINGS, "MSG-019"))),
        "registry": registry_page(_registry(), _ISSUED + timedelta(days=60)),
    }


def _registry() -> Registry:
    """Return a registry with one certificate of each standing and each way to look."""
    recorded = {"how": "recordings", "unseen": ["ENV-005", "ENV-011"], "kits": KITS[:1]}
    rows: list[tuple[dict[str, Any], Issuer, int]] = [
        ({}, _ASSOCIATION, 365),
        (
            {"name": "示例保险", "institution": "91440300100000001W", "kits": ["sender/insurance-trust/rest"]},
            _ASSOCIATION,
            365,
        ),
        ({"name": "示例农商行", "institution": "91330000100000002M", **recorded}, _COMPANY, 180),
        (
            {"name": "示例财富", "institution": "91310000100000003G", "kits": ["sender/trading-day/rest"]},
            _ASSOCIATION,
            30,
        ),
    ]
    registry, serials = Registry(_ASSOCIATION), []
    for about, issuer, days in rows:
        key = _BODY if issuer is _ASSOCIATION else _TRUST
        raw = json.dumps(results(**about).model_dump(mode="json", by_alias=True)).encode()
        made = certify(raw, issuer, key, lasting=timedelta(days=days), at=_ISSUED)
        registry = registry.add(made, _KEYS, _ISSUED)
        serials.append(json.loads(made)["certificate"]["serial"])
    why = "2.3 版重复出账，已停用 / version 2.3 booked twice and was withdrawn"
    return registry.revoke(serials[1], why, _ISSUED + timedelta(days=20))


def pdf_of(page: Page) -> bytes:
    """Print a page on A4."""
    printed: bytes = page.pdf(prefer_css_page_size=True, print_background=True)
    return printed


def shoot(folder: Path, windows: Windows) -> None:
    """Write a picture of each page, wide and narrow, and of the first sheet of paper of the report that failed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, html in pages().items():
        for width, viewport in {"wide": _WIDE, "narrow": _NARROW}.items():
            page = windows.desktop(viewport=viewport)
            page.set_content(html)
            page.evaluate(_SETTLE)
            height = min(page.evaluate("document.documentElement.scrollHeight"), _LONGEST[width])
            clip = {"x": 0, "y": 0, "width": viewport["width"], "height": height}
            _write(folder / f"{name}-{width}.png", page.screenshot(full_page=True, clip=clip))
            if (name, width) == ("report-failed", "wide"):
                _write(folder / "report-failed-a4.png", _first_sheet(pdf_of(page)))
    dark = windows.desktop(viewport=_WIDE, color_scheme="dark")
    dark.set_content(pages()["report-failed"])
    _write(folder / "report-failed-dark.png", dark.screenshot())


# Serials are new each time; in the pictures they are always the same.
_SETTLE = """() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode.textContent;
    const settled = text.replace(/XQC-(\\d{8})-[0-9a-f]{16}/g, "XQC-$1-0123456789abcdef");
    if (settled !== text) texts.currentNode.textContent = settled;
  }
}"""


def _first_sheet(pdf: bytes) -> bytes:
    command = ["pdftoppm", "-r", "90", "-f", "1", "-l", "1", "-png", "-"]
    return subprocess.run(command, input=pdf, capture_output=True, check=True, timeout=60).stdout


def _write(path: Path, picture: bytes) -> None:
    """Write a picture in a few dozen colours: these pages have no more, and it is a quarter of the size."""
    with Image.open(BytesIO(picture)) as image:
        image.convert("RGB").quantize(96, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            path, optimize=True
        )


def main() -> None:
    """Write them all; those that are there are replaced once all are made."""
    with TemporaryDirectory(prefix="xinqiao-pages-") as folder, chromium() as browser:
        windows, made = Windows(browser), Path(folder) / "pictures"
        shoot(made, windows)
        windows.close()
        assert windows.complaints == [], windows.complaints
        rmtree(FOLDER, ignore_errors=True)
        copytree(made, FOLDER)
    print(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER}")


if __name__ == "__main__":
    main()
