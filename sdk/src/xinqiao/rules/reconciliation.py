"""Rules on statements and on what a comparison of two of them found."""

from collections import Counter

from xinqiao.message import Json
from xinqiao.rules.amounts import in_units
from xinqiao.rules.exact import scaled
from xinqiao.rules.pages import is_part
from xinqiao.rules.repeats import repeats
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []


@rule("XQ-R-460")
def check_item_count(
    kind: str, item_count: str, items: list[Json] | None = None, page: Json | None = None
) -> Breach | None:
    """A statement has as many items as it says: one that was cut short is found.

    A page may have fewer, and a summary lists none.
    """
    rest = int(item_count) - len(items or ())
    if rest == 0 or (rest > 0 and (is_part(page) or kind == "SUMMARY")):
        return None
    return Breach(("itemCount",), expected="the number of items")


@rule("XQ-R-461")
def check_statement_totals(
    kind: str, totals: list[Json], items: list[Json] | None = None, page: Json | None = None
) -> list[Breach] | None:
    """A total holds the number, the amounts and the units of the items in its currency, and of its type if it has one.

    Nothing is said of a page, whose totals are those of all pages, nor of a summary, which lists no items.
    """
    if is_part(page) or kind == "SUMMARY":
        return None
    valued = [each for each in items or () if "amount" in each]
    missing = {each["amount"]["currency"] for each in valued} - {each["currency"] for each in totals}
    breaches = [Breach(("totals",), expected=f"a total in {currency}") for currency in sorted(missing)]
    for index, total in enumerate(totals):
        own = [each for each in valued if _counts_in(each, total)]
        found = {
            "itemCount": scaled(str(len(own))),
            "amount": sum(scaled(each["amount"]["value"]) for each in own),
            "units": sum(scaled(each.get("units", "0")) for each in own),
        }
        breaches.extend(
            Breach(("totals", index, name), expected="the sum over the items in this currency, of this type")
            for name, value in found.items()
            if name in total and scaled(total[name]) != value
        )
    return breaches or None


def _counts_in(item: Json, total: Json) -> bool:
    same_type = "type" not in total or item.get("type") == total["type"]
    return same_type and bool(item["amount"]["currency"] == total["currency"])


@rule("XQ-R-462")
def check_keys(items: list[Json]) -> list[Breach] | None:
    """Each item can be paired by its keys and type."""
    keys = ((each["key"], each.get("secondKey"), each.get("type")) for each in items)
    return [Breach(("items", index, "key"), expected="a key of its own") for index in repeats(keys)] or None


@rule("XQ-R-463")
def check_closing_balance(
    kind: str,
    opening_balance: Json,
    closing_balance: Json,
    items: list[Json] | None = None,
    page: Json | None = None,
) -> Breach | None:
    """Of cash, the opening balance and all movements are the closing balance, in a statement of one page."""
    amounts = [each["amount"] for each in items or () if "amount" in each]
    if kind != "CASH" or is_part(page) or any(each["currency"] != opening_balance["currency"] for each in amounts):
        return None
    if scaled(opening_balance["value"]) + sum(map(in_units, amounts)) == in_units(closing_balance):
        return None
    return Breach(("closingBalance", "value"), expected="openingBalance and all movements")


@rule("XQ-R-464")
def check_sides(outcome: str, here: Json | None = None, there: Json | None = None) -> list[Breach] | None:
    """An outcome fits the sides that have the item."""
    sides = {"here": here is not None, "there": there is not None}
    wanted = _SIDES.get(outcome, sides)
    return [
        Breach((name,), expected=f"{'an item' if wanted[name] else 'no item'} where the outcome is {outcome}")
        for name, given in sides.items()
        if given != wanted[name]
    ] or None


# An item that matched may be given without its sides.
_SIDES = {
    "ONLY_HERE": {"here": True, "there": False},
    "ONLY_THERE": {"here": False, "there": True},
    "DIFFERENT": {"here": True, "there": True},
}


@rule("XQ-R-465")
def check_differences(
    here: Json, there: Json, amount_difference: Json | None = None, units_difference: str | None = None
) -> list[Breach] | None:
    """A difference is what is here less what is there."""
    breaches = []
    if amount_difference is not None and "amount" in here and "amount" in there:
        amounts = here["amount"], there["amount"], amount_difference
        if len({each["currency"] for each in amounts}) == 1 and not _differ_by(*map(in_units, amounts)):
            breaches.append(Breach(("amountDifference", "value"), expected="here less there"))
    if units_difference is not None and "units" in here and "units" in there:
        units = here["units"], there["units"], units_difference
        if not _differ_by(*map(scaled, units)):
            breaches.append(Breach(("unitsDifference",), expected="here less there"))
    return breaches or None


def _differ_by(here: int, there: int, difference: int) -> bool:
    return here - there == difference


@rule("XQ-R-466")
def check_outcome_counts(
    only_here_count: str,
    only_there_count: str,
    different_count: str,
    matched_count: str,
    items: list[Json] | None = None,
) -> list[Breach] | None:
    """Every item that did not match is listed, and no more that matched than there are."""
    listed = Counter(each["outcome"] for each in items or ())
    counts = {
        "onlyHereCount": (only_here_count, listed["ONLY_HERE"]),
        "onlyThereCount": (only_there_count, listed["ONLY_THERE"]),
        "differentCount": (different_count, listed["DIFFERENT"]),
    }
    breaches = [
        Breach((name,), expected="the number of items listed with that outcome")
        for name, (count, number) in counts.items()
        if int(count) != number
    ]
    if listed["MATCHED"] > int(matched_count):
        breaches.append(Breach(("matchedCount",), expected="at least the items listed as matched"))
    return breaches or None


@rule("XQ-R-467")
def check_agreed(agreed: bool, only_here_count: str, only_there_count: str, different_count: str) -> Breach | None:
    """Two sides agree where every item matched."""
    found = not any(map(int, (only_here_count, only_there_count, different_count)))
    return None if agreed == found else Breach(("agreed",), expected=f"{str(found).lower()}, as the counts say")


@rule("XQ-R-468")
def check_cause(outcome: str, cause: str | None = None) -> Breach | None:
    """What did not match says why, or that it is under inquiry."""
    if outcome != "MATCHED" and cause is None:
        return Breach(("cause",), expected="a cause, UNKNOWN while it is under inquiry")
    return None
