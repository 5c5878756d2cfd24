"""What would mend a difference: a canonical message for an operator to approve. Nothing is sent or booked here."""

import copy
from dataclasses import dataclass
from typing import Any

from xinqiao.finding import errors_in
from xinqiao.message import Json, derived_message_id
from xinqiao.standard import STANDARD_VERSION
from xinqiao.validation import check
from xinqiao_gateway.reconciliation.causes import Terms
from xinqiao_gateway.reconciliation.kinds import Action, Row, Source
from xinqiao_gateway.reconciliation.lines import Line
from xinqiao_gateway.reconciliation.pairing import Pair

__all__ = ["Repair", "repair"]

_OPPOSITE = {"CREDIT": "DEBIT", "DEBIT": "CREDIT"}


@dataclass(frozen=True, slots=True)
class Repair:
    """A proposal: ``action`` with ``message``.

    ``supplement`` 补单 and ``correct`` are facts of the other side to be booked here, ``reverse`` 冲正 undoes what is
    booked twice here, ``resend`` 重发 is what went out before. ``findings`` name what a person has to fill in.
    """

    action: Action
    key: str
    cause: str
    message: Json
    findings: tuple[str, ...] = ()

    def as_json(self) -> Json:
        """Return the proposal for machines."""
        return {
            "action": self.action,
            "key": self.key,
            "cause": self.cause,
            "findings": list(self.findings),
            "message": self.message,
        }


def repair(pair: Pair, row: Row, terms: Terms, statement: Json, at: str) -> Repair | None:
    """Return the message that would mend a difference, None where none does.

    ``statement`` is a header of the other side's statement; ``at`` the instant of the reconciliation.
    """
    if row.action is None:
        return None
    message = _MAKERS[row.action](pair, terms, statement, at)
    if message is None:
        return None
    wrong = errors_in(check(message))
    return Repair(
        row.action, pair.either.item["key"], row.cause, message, tuple(dict.fromkeys(each.path for each in wrong))
    )


def _resend(pair: Pair, terms: Terms, statement: Json, at: str) -> Json | None:  # noqa: ARG001 -- the shape of a maker
    return pair.here.message if pair.here else None


def _supplement(pair: Pair, terms: Terms, statement: Json, at: str) -> Json | None:
    """Return the message that did not come: itself where the statement has it, else made of the item."""
    there = pair.there
    if there is None or there.message is not None:
        return there.message if there else None
    body, source = next(iter(terms.kind.sources.items()))
    content = _written(copy.deepcopy(source.constants), source, there)
    header: Json = {
        "messageId": derived_message_id(at, f"{statement['messageId']} {terms.name} {there.item}"),
        "standardVersion": STANDARD_VERSION,
        **{name: statement[name] for name in ("sender", "receiver", "test") if name in statement},
        "correlationId": statement["messageId"],
        "businessDate": there.item.get("date", terms.period_end.isoformat()),
        "createdAt": at,
    }
    return {"header": header, body: content}


def _correct(pair: Pair, terms: Terms, statement: Json, at: str) -> Json | None:
    """Return a revision of the message here that says what the other side says."""
    here, there = pair.here, pair.there
    if here is None or there is None or here.message is None:
        return None
    source = terms.kind.sources[here.body]
    message = _revision(here.message, at, f"{statement['messageId']} correct")
    content = message[here.body]
    if source.each:
        content[source.each] = [_revised_element(each, here, there, source) for each in content[source.each]]
    else:
        _written(content, source, there)
    return message


def _revised_element(element: Json, here: Line, there: Line, source: Source) -> Json:
    if element.get("instrument") != here.item.get("instrument"):
        return element
    return _filled(copy.deepcopy(element), source.each_item, there.item)


def _reverse(pair: Pair, terms: Terms, statement: Json, at: str) -> Json | None:
    """Return what undoes a line: an opposite entry under its reference, or a revision that does not count."""
    here = pair.here
    if here is None or here.message is None:
        return None
    source = terms.kind.sources[here.body]
    if source.each:
        return None
    message = _revision(here.message, at, f"{statement['messageId']} reverse {here.message_id}")
    content = message[here.body]
    if source.reverses and source.negative:
        del message["header"]["replaces"], message["header"]["revision"]
        content[source.negative.at] = _OPPOSITE[content[source.negative.at]]
        content |= {source.reverses: here.item["key"], "reversal": True}
    else:
        content |= source.void or {}
        zero = {name: _zero(value) for name, value in here.item.items() if name in {"amount", "units"}}
        _filled(content, {name: source.item[name] for name in zero}, zero)
    return message


def _zero(value: Any) -> Any:  # noqa: ANN401 -- money or units
    return {**value, "value": "0.00"} if isinstance(value, dict) else "0.00"


def _revision(message: Json, at: str, seed: str) -> Json:
    revised = copy.deepcopy(message)
    header = revised["header"]
    header |= {
        "messageId": derived_message_id(at, f"{seed} {header['messageId']}"),
        "revision": header.get("revision", 1) + 1,
        "replaces": header["messageId"],
        "createdAt": at,
    }
    return revised


def _written(content: Json, source: Source, line: Line) -> Json:
    """Write an item into a body; the sign of its amount becomes the code that says so."""
    item = dict(line.item)
    negative = item.get("amount", {}).get("value", item.get("units", "")).startswith("-")
    if "amount" in item:
        item["amount"] = {**item["amount"], "value": item["amount"]["value"].removeprefix("-")}
    if "units" in item:
        item["units"] = item["units"].removeprefix("-")
    if source.negative and negative and "type" not in source.item:
        content[source.negative.at] = source.negative.among[0]
    elif source.negative and "type" not in source.item:
        content[source.negative.at] = source.constants.get(source.negative.at, content.get(source.negative.at))
    moment = source.day or source.moment
    if moment and "date" in item and "date" not in source.item and moment not in content:
        content[moment] = f"{item['date']}T00:00:00+08:00"
    return _filled(content, source.item, item)


def _filled(content: Json, paths: dict[str, str], item: Json) -> Json:
    for name, path in paths.items():
        if name in item:
            *folders, last = path.split(".")
            part = content
            for folder in folders:
                part = part.setdefault(folder, {})
            part[last] = item[name]
    return content


_MAKERS = {"resend": _resend, "supplement": _supplement, "correct": _correct, "reverse": _reverse}
