"""What every page owes to everybody, looked up in the page as the browser has it: names, order, contrast, size.

The thresholds are those of WCAG 2.2, level AA: contrast 4.5 (3 for large text and for borders of fields), no
scrolling sideways at 320 pixels; and 44 pixels for what is tapped (2.5.5, level AAA, as phones' own guides ask).
"""

from importlib.resources import files

from playwright.sync_api import Frame, Page

__all__ = ["unfit"]

_UNFIT = (files("tests.peers") / "h5_basics.js").read_text(encoding="utf-8")


def unfit(page: Page | Frame) -> list[str]:
    """Return what is wrong with a page, in words; nothing where it is fit."""
    found: list[str] = page.evaluate(_UNFIT)
    return found
