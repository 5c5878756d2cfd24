"""Which confirmed orders a corrected NAV touches, read from the journal.

Contents are ciphertext, so there is nothing to search them by: the confirmations accepted since the day of the NAV are
read in order, a page at a time, and those of the same product and day are kept. What it costs is linear in them.
"""

from collections.abc import Iterator

from xinqiao.message import Json, message_type
from xinqiao_gateway.journal.reading import Reading
from xinqiao_gateway.journal.search import Search, contents

__all__ = ["affected_orders"]


def affected_orders(reading: Reading, nav: Json) -> list[Json]:
    """Return the confirmations that were struck at the NAV which a ``navReport`` corrects, the latest of each order.

    Each is the row of the journal with ``order_reference``; nothing of the customer. Raises ``ContentGone`` at a
    confirmation that was erased or archived.
    """
    if message_type(nav).body != "navReport":
        return []
    found: dict[tuple[str, str], Json] = {}
    for row, message in _since(reading, nav):
        body = message["orderConfirmation"]
        if _is_struck_at(body, nav["navReport"]):
            reference = body["orderReference"]
            found[row["receiver"], reference] = row | {"order_reference": reference}
    return list(found.values())


def _since(reading: Reading, nav: Json) -> Iterator[tuple[Json, Json]]:
    day = nav["navReport"]["navDate"]
    test = nav["header"].get("test", False)
    # A NAV of the day is known after its close, so no confirmation at it was accepted before that day in UTC.
    return contents(reading, Search(message_type="orderConfirmation", test=test, since=day))


def _is_struck_at(body: Json, nav: Json) -> bool:
    struck_on = body.get("navDate") or body.get("tradeDate")
    return bool(struck_on == nav["navDate"] and body["instrument"].get("code") == nav["instrument"].get("code"))
