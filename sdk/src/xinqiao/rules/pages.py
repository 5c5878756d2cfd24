"""Rules on messages that are one page of a longer list, and what other rules ask about them."""

from xinqiao.message import Json
from xinqiao.rules.rule import Breach, rule

__all__ = ["is_part"]


def is_part(page: Json | None) -> bool:
    """Return whether other pages hold more of the list."""
    return page is not None and page["of"] > 1


@rule("XQ-R-106")
def check_page(number: int, of: int) -> Breach | None:
    """A page is one of those that there are."""
    return Breach(("number",), expected="at most of") if number > of else None
