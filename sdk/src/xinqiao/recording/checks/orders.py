"""The value of orders: what was ordered is confirmed, refunded, refused or deferred, and never more."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao.recording.checking import Broken, Context, Looks, check, sent
from xinqiao.recording.index import Index
from xinqiao.recording.model import Recorded
from xinqiao.rules.exact import scaled

__all__: list[str] = []

_NUMBER = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,8})?")
_NO_MORE = Text("业务完成之后不再确认", "no confirmation after the order is finished")
_SUM = Text("各部分之和等于申请", "parts that make up what was ordered")
_LIMIT = Text("各次确认、退款与拒绝之和不超过申请", "confirmations, refunds and refusals of no more than was ordered")
_ORDERED = Text("与申请相同的申请金额或份额", "the amount or units of the order")
_CONSERVATION = frozenset({"XQ-R-224", "XQ-R-225"})
# What an order is counted in: the field of the confirmation that repeats it, the fields of the order, and the parts
# that are settled by a confirmation. A subscription is an amount; redemptions and switches are units.
_UNITS = ("orderedUnits", ("units",), ("confirmedUnits", "rejectedUnits"))
_AMOUNT = ("orderedAmount", ("grossAmount", "netAmount"), ("confirmedAmount", "refundAmount", "rejectedAmount"))
_MEASURES = {"subscriptionOrder": _AMOUNT, "redemptionOrder": _UNITS, "switchOrder": _UNITS}


@check(
    "finished",
    "PRC-007",
    "sender",
    "file-partner",
    zh="完成标志之后又有确认",
    en="confirmed again after it was finished",
)
def look_at_ends(recorded: Iterable[Recorded], _: Context) -> Looks:
    """Confirmations of one order up to its business-finish flag; a correction of one is none more."""
    looked = 0
    with Index() as finished:
        for each in _confirmations(recorded):
            looked += 1
            body = (each.message or {})["orderConfirmation"]
            key = _order(each, "receiver")
            before = finished.get(*key)
            if before not in {None, each.message_id}:
                yield Broken(each.number, "orderConfirmation.orderReference", _NO_MORE, key[0][:80])
            elif body.get("finished") is True:
                finished.put(*key, value=each.message_id)
    return looked


def _confirmations(recorded: Iterable[Recorded]) -> Iterator[Recorded]:
    """Yield those of an order; what a registrar does of itself has none."""
    for each in sent(recorded):
        if each.body == "orderConfirmation" and "replaces" not in each.header and _order(each, "receiver")[0]:
            yield each


def _order(each: Recorded, orderer: str) -> tuple[str, str]:
    """Return what an order is known by: its reference, and who gave it, in the header's ``orderer``."""
    body = (each.message or {}).get(each.body or "") or {}
    return str(body.get("orderReference") or ""), str(each.header.get(orderer))


@check(
    "conserved",
    "PRC-007",
    "sender",
    "file-partner",
    zh="各部分之和不等于申请",
    en="parts that are not the whole",
    veiled=True,
)
def look_at_parts(recorded: Iterable[Recorded], context: Context) -> Looks:
    """Within one confirmation, by the rules of the standard."""
    looked = 0
    for each in sent(recorded):
        if each.body != "orderConfirmation":
            continue
        looked += 1
        for finding in context.findings(each) or ():
            if finding.rule in _CONSERVATION:
                yield Broken(each.number, finding.path, _SUM, finding.rule)
    return looked


@check("value", "PRC-007", "sender", "file-partner", zh="确认多于申请", en="more confirmed than ordered", veiled=True)
def look_at_value(recorded: Iterable[Recorded], context: Context) -> Looks:
    """All confirmations of one order, against it, or what they repeat of it; a repeat counts once."""
    looked = 0
    with Index() as orders:
        for each in recorded:
            body: Json = (each.message or {})[each.body] if each.body else {}
            if each.body in _MEASURES:
                known = {"type": each.body, "ordered": _ordered(each.body, body), "settled": "0"}
                orders.put(*_order(each, "sender"), value=known)
            key: tuple[str, ...] = _order(each, "receiver")
            if each.body != "orderConfirmation" or each.by != "subject" or not key[0]:
                continue
            order = orders.get(*key)
            if order is None:
                # At a launch what was taken is confirmed first and what came of it later, under two codes.
                key = (*key, str(body.get("businessCode")))
                order = orders.get(*key) or _as_repeated(body)
            if not (order["ordered"] or context.masked):
                continue
            looked += 1
            replaced = [str(each.header.get("replaces")), str(each.message_id)]
            before = sum(_taken_back(orders, key, name) for name in replaced)
            settled = _settled(order["type"], body)
            orders.put(*key, str(each.message_id), value=str(settled))
            order["settled"] = str(int(order["settled"]) - before + settled)
            orders.put(*key, value=order)
            yield from _judge(each, order, body)
    return looked


def _taken_back(orders: Index, key: tuple[str, ...], message: str) -> int:
    """Forget what a confirmation settled, and return it: it is corrected, or comes again."""
    settled = orders.get(*key, message)
    orders.drop(*key, message)
    return int(settled or 0)


def _as_repeated(body: Json) -> Json:
    """Return the order that a confirmation repeats; one of nothing where it says no measure of it, or both."""
    measured = {kind: _number(body.get(_MEASURES[kind][0])) for kind in ("subscriptionOrder", "redemptionOrder")}
    said = [(kind, str(number)) for kind, number in measured.items() if number]
    kind = said[0][0] if said else "subscriptionOrder"
    return {"type": kind, "ordered": [said[0][1]] if len(said) == 1 else [], "settled": "0"}


def _number(part: Any) -> int | None:  # noqa: ANN401 -- what a message holds
    """Return a quantity, or the value of an amount, in units of 10⁻⁸; None where it is none, or hidden."""
    value = part.get("value") if isinstance(part, dict) else part
    return scaled(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def _ordered(kind: str, body: Json) -> list[str]:
    """Return what an order says that it is for; as text, since 10⁻⁸ of the largest amount is no number of JSON."""
    return [str(number) for name in _MEASURES[kind][1] if (number := _number(body.get(name))) is not None]


def _settled(kind: str, body: Json) -> int:
    return sum(_number(body.get(name)) or 0 for name in _MEASURES[kind][2])


def _judge(each: Recorded, order: Json, body: Json) -> Iterator[Broken]:
    repeated = _MEASURES[order["type"]][0]
    path, said = f"orderConfirmation.{repeated}", _number(body.get(repeated))
    # A zero is how files say that nothing was ordered in this measure.
    if said and str(said) not in order["ordered"]:
        yield Broken(each.number, path, _ORDERED, "another")
    if int(order["settled"]) > max(map(int, order["ordered"]), default=0):
        yield Broken(each.number, path, _LIMIT, "more")
