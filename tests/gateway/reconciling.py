"""Two sides' books for tests of reconciliation: a bank with a statement, a trust company with a journal."""

from collections.abc import Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any

from xinqiao.message import Json, derived_message_id
from xinqiao.testing import example
from xinqiao_gateway.calendars import Calendars
from xinqiao_gateway.reconciliation import Repair, Result, Terms, kind_of, reconcile, repairs
from xinqiao_gateway.reconciliation.lines import lines_of

TRUST, BANK = "913100001000100012", "91110000100000000R"
AT = "2026-01-26T01:00:00.000000Z"
DAY = date(2026, 1, 23)
ACCOUNT = "1100000000000000001"


def terms(name: str, *, day: date = DAY, cut_off: time | None = None) -> Terms:
    kind = kind_of(name)
    return Terms(name, kind, day, day, TRUST, Calendars()[kind.calendar], cut_off)


def entry(key: str, value: str = "100.00", *, copy: int = 0, day: str = "2026-01-22", **changes: Any) -> Json:
    """Return what the bank says of one movement; ``copy`` tells messages about the same one apart."""
    found = example("accountEntry", messageId=derived_message_id(AT, f"{key} {copy}"), createdAt=AT)
    direction = "DEBIT" if value.startswith("-") else "CREDIT"
    amount = {"value": value.removeprefix("-"), "currency": "CNY"}
    stated = {"bankReference": key, "direction": direction, "amount": amount, "valueDate": day}
    found["accountEntry"] |= {**stated, "bookedAt": f"{day}T09:15:00+08:00", **changes}
    return found


def confirmation(key: str, second: str, value: str = "100.00", units: str = "100.00", **changes: Any) -> Json:
    """Return a confirmation that this side sent, without what its rules would compute."""
    found = example("orderConfirmation", messageId=derived_message_id(AT, f"{key} {second}"), createdAt=AT)
    kept = ("fromTa", "finished", "instrument", "returnCode", "businessCode")
    body = {name: found["orderConfirmation"][name] for name in kept}
    body |= {"orderReference": key, "taSerial": second, "account": {"number": "8619910001"}}
    body |= {"confirmedAmount": {"value": value, "currency": "CNY"}, "confirmedUnits": units}
    return {"header": found["header"], "orderConfirmation": {**body, "confirmedOn": "2026-01-23", **changes}}


def item(key: str, value: str = "100.00", *, day: str = "2026-01-22", **fields: Any) -> Json:
    return {"key": key, "date": day, "amount": {"value": value, "currency": "CNY"}, **fields}


def statement(kind: str, items: Sequence[Json], *, page: int = 1, of: int = 1, count: int | None = None) -> Json:
    header = example("statement", messageId=derived_message_id(AT, f"{kind} {page}"), createdAt=AT)["header"]
    body: Json = {
        "statementNo": "DZ1",
        "kind": kind,
        "periodStart": DAY.isoformat(),
        "periodEnd": DAY.isoformat(),
        "page": {"number": page, "of": of},
        "itemCount": str(len(items) if count is None else count),
    }
    return {"header": header, "statement": body | ({"items": list(items)} if items else {})}


def told(result: Result) -> list[tuple[str, str, str, str | None]]:
    """Return key, outcome, cause and repair of each difference."""
    return sorted(
        (each.pair.either.item["key"], each.outcome, each.row.cause, each.row.repair) for each in result.differences()
    )


def mended(name: str, items: list[Json], ours: list[Json]) -> tuple[list[Json], list[Json]]:
    """Return both sides after every proposal was approved and the other side did what the result asks of it."""
    with reconcile(terms(name), [statement(name, items)], ours) as result:
        found = list(repairs(result, AT))
        asked = [each.pair.there for each in result.differences() if each.row.repair == "REVERSE_THERE"]
    ours = [*ours, *(each.message for each in found if each.action != "resend")]
    items = list(items)
    for line in asked:
        items.remove(line.item) if line else None
    return _taken_again(name, items, found), ours


def _taken_again(name: str, items: list[Json], found: Sequence[Repair]) -> list[Json]:
    """Return the other side's items after it took what was sent again, in place of what it had."""
    again = [line.item for line in lines_of((e.message for e in found if e.action == "resend"), name, kind_of(name))]
    keys = {(each["key"], each.get("secondKey")) for each in again}
    return [each for each in items if (each["key"], each.get("secondKey")) not in keys] + again


def total(items: Sequence[Json]) -> Decimal:
    return sum((Decimal(each["amount"]["value"]) for each in items), Decimal(0))
