"""What the tests of obligations share: China time, messages about a day, and the terms of a small installation."""

import hashlib
from datetime import datetime
from typing import Any

from xinqiao.message import Json, new_message_id
from xinqiao.testing import example
from xinqiao_gateway.calendars import CHINA, Calendars
from xinqiao_gateway.obligations import Arrival, Book, Terms

DAILY_NAV = {
    "id": "daily-nav",
    "message": "navReport",
    "from": "custodian",
    "subject": {"path": "instrument.code", "in": ["ZX001", "ZX002"]},
    "date": "navDate",
    "every": "day",
    "plus": 1,
    "by": "18:00",
    "warn": "30m",
    "escalate": ["1h", "4h"],
}
CONFIRMATION = {
    "id": "confirmation",
    "after": {"message": "subscriptionOrder", "from": "bank", "date": "tradeDate"},
    "message": "orderConfirmation",
    "same": {"orderReference": "orderReference"},
    "when": {"finished": True},
    "plus": 1,
    "by": "12:00",
}


def at(text: str) -> float:
    """Return an instant that is written in China time (``2026-11-23 18:00``)."""
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp()


def book(
    *rules: dict[str, Any], cutoffs: list[dict[str, Any]] | None = None, calendars: Calendars | None = None
) -> Book:
    terms = Terms.model_validate({"obligations": list(rules), "cutoffs": cutoffs or []})
    return Book(terms, calendars or Calendars(), digest)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def arrival(body: str, channel: str, *, position: int = 1, when: str = "2026-11-23 10:00", **fields: Any) -> Arrival:
    """Return a valid example of a message with some fields of its body, or ``header``, changed."""
    header = fields.pop("header", {})
    found: Json = example(body, messageId=new_message_id())
    changed = {name: value for name, value in (found[body] | fields).items() if value is not None}
    content = {"header": found["header"] | header, body: changed}
    return Arrival(position, channel, body, content, at(when))


def nav(code: str, day: str, channel: str = "custodian", position: int = 1) -> Arrival:
    return arrival("navReport", channel, position=position, instrument={"code": code}, navDate=day)
