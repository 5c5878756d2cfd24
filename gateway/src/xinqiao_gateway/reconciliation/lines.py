"""What is compared: items of a statement, and messages of the journal in the same shape."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from xinqiao.errors import ContentRefused
from xinqiao.message import Json
from xinqiao_gateway.calendars import china_day
from xinqiao_gateway.reconciliation.kinds import Kind, Source

__all__ = ["Line", "amount_of", "at", "day_of", "instrument_code", "lines_of", "units_of"]


@dataclass(slots=True)
class Line:
    """One item of a side: ``item`` as a statement lists it, ``message`` where it stems from, if it does.

    ``sender`` made the message; ``moment`` and ``latest`` are instants or days as the message writes them.
    """

    item: Json
    sender: str
    body: str = ""
    message: Json | None = None
    reverses: str | None = None
    moment: str | None = None
    latest: str | None = None
    fee: str | None = None

    def record(self) -> list[Any]:
        """Return the line as JSON."""
        return [
            self.item,
            self.sender,
            self.body,
            self.message,
            self.reverses,
            self.moment,
            self.latest,
            self.fee,
        ]

    @classmethod
    def of(cls, record: list[Any]) -> Self:
        """Return a line from its JSON."""
        return cls(*record)

    @property
    def message_id(self) -> str | None:
        """The id of the message that it stems from."""
        return None if self.message is None else self.message["header"]["messageId"]

    @property
    def replaces(self) -> str | None:
        """The id of the message that its own corrects."""
        return None if self.message is None else self.message["header"].get("replaces")


def amount_of(item: Json) -> Decimal:
    """Return the amount of an item, zero where it has none."""
    return Decimal(item["amount"]["value"]) if "amount" in item else Decimal(0)


def units_of(item: Json) -> Decimal:
    """Return the units of an item, zero where it has none."""
    return Decimal(item.get("units", "0"))


def instrument_code(item: Json) -> str:
    """Return the one code by which a product is named; its own before ISIN and registration code."""
    named = item.get("instrument", {})
    return str(next((named[name] for name in ("code", "isin", "registrationCode", "name") if name in named), ""))


def lines_of(messages: Iterable[Json], name: str, kind: Kind) -> Iterator[Line]:
    """Yield the items of messages: those of a ``statement`` of this kind as they are, others by their source.

    A message of another type has none. Raises ``ContentRefused`` where a statement is of another kind.
    """
    for message in messages:
        body = next(each for each in message if each != "header")
        if body == "statement":
            yield from _of_statement(message, name)
        elif body in kind.sources:
            yield from _of_message(message, body, kind.sources[body])


def _of_statement(message: Json, name: str) -> Iterator[Line]:
    statement = message["statement"]
    if statement["kind"] != name:
        raise ContentRefused(f"statement {statement['statementNo']} is of kind {statement['kind']}, not {name}")
    sender = message["header"]["sender"]
    for item in statement.get("items", ()):
        yield Line(item, sender)


def _of_message(message: Json, body: str, source: Source) -> Iterator[Line]:
    content = message[body]
    if source.counted and at(content, source.counted.at) not in source.counted.among and not _is_correction(message):
        return
    header = message["header"]
    common = _item(content, source.item)
    key = common.get("key") or (source.key_else and at(content, source.key_else))
    if key is None:
        return
    for element in at(content, source.each) or () if source.each else [content]:
        item = {**common, "key": key} | (_item(element, source.each_item) if source.each else {})
        if "date" not in item:
            _set_day(item, source, content, header)
        _set_sign(item, source, content)
        if source.counted and at(content, source.counted.at) not in source.counted.among:
            _set_zero(item)
        fee = at(content, source.fee)
        yield Line(
            item,
            header["sender"],
            body,
            message,
            at(content, source.reverses),
            at(content, source.moment),
            at(content, source.latest),
            fee and fee["value"],
        )


def _is_correction(message: Json) -> bool:
    return "replaces" in message["header"]


def _item(content: Json, paths: dict[str, str]) -> Json:
    found = ((name, at(content, path)) for name, path in paths.items())
    return {name: value for name, value in found if value is not None}


def _set_day(item: Json, source: Source, content: Json, header: Json) -> None:
    day = at(content, source.day) or header.get("businessDate")
    if day is not None:
        item["date"] = day_of(day)


def day_of(written: str) -> str:
    """Return a day as it is written, and of an instant the day that it is in China."""
    return china_day(datetime.fromisoformat(written).timestamp()).isoformat() if "T" in written else written


def _set_sign(item: Json, source: Source, content: Json) -> None:
    if source.negative and at(content, source.negative.at) in source.negative.among:
        _change(item, _negated)


def _set_zero(item: Json) -> None:
    _change(item, lambda _: "0")


def _change(item: Json, function: Any) -> None:  # noqa: ANN401 -- of text to text
    if "amount" in item:
        item["amount"] = {**item["amount"], "value": function(item["amount"]["value"])}
    if "units" in item:
        item["units"] = function(item["units"])


def _negated(value: str) -> str:
    return value[1:] if value.startswith("-") else value if not Decimal(value) else f"-{value}"


def at(content: Any, path: str | None) -> Any:  # noqa: ANN401 -- any part of a message
    """Return the value at a dotted path, or None."""
    if path is None:
        return None
    for name in path.split("."):
        content = content.get(name) if isinstance(content, dict) else None
    return content
