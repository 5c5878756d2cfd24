"""References in drafts: what ``{kycApplication.applicationNo}`` leads to in a case, and values at paths.

A reference is

* ``{case}``; ``{key}``, short enough for a part of a number, and ``{code}``, of capital letters and digits only;
  ``{n}``, which message of its type in the case it is;
* ``{now}``; ``{today}`` and ``{trade_day}`` (today's until the cut-off), also with days added: ``{today+365}``; in a
  year whose holidays are not known every day trades, which the log says;
* ``{asked.path}``, of the message that is answered, ``{asked_id}`` its id, ``{of.path}``, of the one it is about;
* ``{kycApplication.path}``, of the latest message of that type in the case.

A path is ``a.b[0].c``; ``[]`` takes all elements, ``[roles=TRUSTEE]`` the first that has it.
"""

import copy
import hashlib
import logging
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from xinqiao.message import Json, message_type
from xinqiao_conformance.calendar import CHINA, TradingCalendar, trading_calendar
from xinqiao_conformance.simulators.cases import CaseFile

__all__ = ["NOTHING", "References", "is_path", "place", "value_in"]

_LOGGER = logging.getLogger(__name__)

_REFERENCE = re.compile(r"\{([^{}]+)\}")
_STEP = re.compile(r"([^.\[\]]+)|\[([^\]]*)\]")
_PATH = re.compile(r"[A-Za-z0-9]+(\[[0-9]{1,4}\])?(\.[A-Za-z0-9]+(\[[0-9]{1,4}\])?)*")
_DAYS = re.compile(r"(today|trade_day)(?:\+([0-9]{1,4}))?")
_LONGEST_KEY = 32


class _Nothing:
    """What a reference leads to where there is nothing."""


NOTHING = _Nothing()


class References:
    """What references lead to in a case, as of an instant.

    ``body``: the message type that is drawn up; ``asked`` the message that it answers, ``of`` the one that it is about.
    """

    def __init__(
        self, body: str, case: CaseFile, at: datetime, asked: Json | None = None, of: Json | None = None
    ) -> None:
        self._case, self._at, self._calendar = case, at.astimezone(CHINA), trading_calendar()
        code = hashlib.sha256(case.case_id.encode()).hexdigest()[:16].upper()
        key = case.case_id if len(case.case_id) <= _LONGEST_KEY else code
        self._words = {"case": case.case_id, "key": key, "code": code, "n": str(case.added(body) + 1)}
        self._words["now"] = self._at.isoformat(timespec="seconds")
        self._named = {"asked": asked, "of": of}
        if asked is not None:
            self._words["asked_id"] = asked["header"]["messageId"]

    def filled(self, value: Any) -> Any:  # noqa: ANN401 -- any part of a body
        """Return a value with its references replaced; ``NOTHING`` where one leads to nothing.

        Of an object or a list such a part is left out.
        """
        if isinstance(value, dict):
            parts = {name: self.filled(each) for name, each in value.items()}
            return {name: each for name, each in parts.items() if each is not NOTHING}
        if isinstance(value, list):
            return [part for part in map(self.filled, value) if part is not NOTHING] or NOTHING
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> Any:  # noqa: ANN401 -- what a reference leads to
        whole = _REFERENCE.fullmatch(text)
        if whole:
            return self._value(whole[1])
        found = [self._value(each) for each in _REFERENCE.findall(text)]
        if any(each is NOTHING for each in found):
            return NOTHING
        values = iter(found)
        return _REFERENCE.sub(lambda _: str(next(values)), text)

    def _value(self, name: str) -> Any:  # noqa: ANN401 -- as above
        if name in self._words:
            return self._words[name]
        days = _DAYS.fullmatch(name)
        if days:
            return _day(days[1], int(days[2] or 0), self._at, self._calendar)
        first, _, path = name.partition(".")
        message = self._named[first] if first in self._named else self._case.latest(first)
        if message is None:
            return NOTHING
        found = value_in(message[message_type(message).body], path)
        return NOTHING if found is None else copy.deepcopy(found)


def _day(name: str, more: int, at: datetime, calendar: TradingCalendar) -> str:
    day = at.date() + timedelta(days=more)
    if name == "trade_day":
        try:
            day = calendar.add(calendar.trade_day(at), more)
        except ValueError as error:
            # A message is drawn up at any time: the suite goes on where its calendar ends.
            _warn(f"{day} is taken for the trading day: {error}")
    return day.isoformat()


@lru_cache(maxsize=100)
def _warn(said: str) -> None:
    """Say something once, not for every message."""
    _LOGGER.warning("%s", said)


def value_in(part: Any, path: str) -> Any:  # noqa: ANN401 -- any part of a message
    """Return what a path leads to; None where that is nothing."""
    for name, index in _STEP.findall(path):
        if name and isinstance(part, list):
            below = (each.get(name) for each in part if isinstance(each, dict))
            part = [each for each in below if each is not None] or None
        elif name:
            part = part.get(name) if isinstance(part, dict) else None
        elif index:
            part = _element(part, index) if isinstance(part, list) else None
        if part is None:
            return None
    return part


def _element(parts: Sequence[Any], index: str) -> Any:  # noqa: ANN401 -- as above
    if index.isdecimal():
        return parts[int(index)] if int(index) < len(parts) else None
    name, _, wanted = index.partition("=")
    return next((each for each in parts if wanted in _listed(each.get(name))), None)


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 -- as above
    return value if isinstance(value, list) else [value]


def is_path(text: object) -> bool:
    """Say whether a value can be placed there, in some body."""
    return isinstance(text, str) and _PATH.fullmatch(text) is not None


def place(content: Json, path: str, value: Any) -> None:  # noqa: ANN401 -- any value
    """Put a value at a path; None takes out what is there, ``NOTHING`` and a path to no element change nothing."""
    if value is NOTHING:
        return
    *parents, last = (name or int(index) for name, index in _STEP.findall(path))
    target: Any = content
    for step in parents:
        if isinstance(target, dict) and isinstance(step, str) and value is not None:
            target.setdefault(step, {})
        if not _has(target, step):
            return
        target = target[step]
    if value is not None and (isinstance(target, dict) or _has(target, last)):
        target[last] = value
    elif value is None and _has(target, last):
        del target[last]


def _has(part: Any, step: str | int) -> bool:  # noqa: ANN401 -- as above
    if isinstance(step, int):
        return isinstance(part, list) and step < len(part)
    return isinstance(part, dict) and step in part
