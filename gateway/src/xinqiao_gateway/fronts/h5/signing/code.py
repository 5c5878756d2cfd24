"""The one-time code (短信验证码) of a visit: made, sent, compared. What is kept is a keyed digest, never the code."""

import asyncio
import hmac
import math
import secrets
from collections import OrderedDict, deque
from typing import Any

import structlog

from xinqiao.errors import XinqiaoError
from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao_gateway.fronts.h5.model import Context, Problem, Visit
from xinqiao_gateway.fronts.h5.words import said_with, word
from xinqiao_gateway.journal.visits import change_visit
from xinqiao_gateway.sms import CodeMessage, SimulatedSms, SmsSender, sms_sender

__all__ = ["cannot_send", "check_code", "send_code", "shown_code"]

_log = structlog.get_logger("h5")
LIFE, _PAUSE, _HOUR = 300, 60, 3600
_ATTEMPTS, _SENDS, _SENDS_TO_MOBILE, _MOST_MOBILES = 5, 5, 10, 10_000
# How long a provider may take.
_PATIENCE = 10.0


class _Sent:
    """When codes went to each mobile within the last hour, by keyed digests; of this process alone."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def may(self, mobile: str, now: float) -> bool:
        """Count one more, unless there were too many."""
        times = self._times.setdefault(mobile, deque(maxlen=_SENDS_TO_MOBILE))
        self._times.move_to_end(mobile)
        while len(self._times) > _MOST_MOBILES:
            self._times.popitem(last=False)
        if len(times) == _SENDS_TO_MOBILE and now - times[0] < _HOUR:
            return False
        times.append(now)
        return True


_SENT = _Sent()


def _sender(context: Context) -> SmsSender | None:
    return sms_sender(context.gateway.installation.settings.sms)


def cannot_send(context: Context, mobile: str) -> Text | None:
    """Return why no code can be sent at all: nobody sends them, no mobile is known, or codes would be shown openly."""
    sender = _sender(context)
    if sender is None or (isinstance(sender, SimulatedSms) and not context.channel.test):
        return word("code_nobody_sends")
    return None if mobile else word("code_no_mobile")


def shown_code(context: Context, mobile: str) -> str:
    """Return the code that the simulator has, for a test channel's page; else nothing."""
    sender = _sender(context)
    return sender.last(mobile) if isinstance(sender, SimulatedSms) and context.channel.test else ""


async def send_code(visit: Visit, context: Context, step: str, mobile: str) -> tuple[Visit, Problem | None]:
    """Send a code: noted first, so that it counts whatever becomes of it. Raises ``Conflict`` for another window."""
    own = visit.own(step)
    sends = [each for each in own.get("sends", []) if context.now - each < _HOUR]
    refused = cannot_send(context, mobile)
    if refused is None and sends and context.now - sends[-1] < _PAUSE:
        refused = said_with("code_wait", seconds=str(math.ceil(_PAUSE - (context.now - sends[-1]))))
    if refused is None and (len(sends) >= _SENDS or not _SENT.may(_digest(visit, context, mobile), context.now)):
        refused = word("code_too_often")
    if refused is not None:
        return visit, Problem(refused, field="code")
    code = f"{secrets.randbelow(1_000_000):06d}"
    pending = {"digest": _code_digest(visit, context, code, context.now), "sentAt": context.now, "attempts": 0}
    noted = visit.with_own(step, {**own, "sends": [*sends, context.now], "code": pending})
    noted = await _noted(noted, context)
    if await _send(context, CodeMessage(mobile, code, LIFE, visit.language, context.channel.channel_id)):
        return noted, None
    return noted, Problem(word("code_not_sent"), field="code")


async def _noted(visit: Visit, context: Context) -> Visit:
    journal = context.gateway.journal
    vault, door = journal.reading.vault, visit.door
    stored = await journal.run(lambda c: change_visit(c, vault, visit.stored, door, now=context.now, act="code_sent"))
    return Visit(stored, door, visit.flow)


async def _send(context: Context, message: CodeMessage) -> bool:
    sender = _sender(context)
    assert sender is not None  # noqa: S101 -- ``cannot_send`` was asked
    try:
        async with asyncio.timeout(_PATIENCE):
            await asyncio.to_thread(sender.send, message)
    except (XinqiaoError, TimeoutError) as error:
        reason = error.reason if isinstance(error, XinqiaoError) else "timeout"
        _log.warning("code not sent", channel=message.channel, reason=reason)
        return False
    return True


def check_code(visit: Visit, context: Context, step: str, typed: str) -> tuple[Visit, Problem | None]:
    """Compare a code: right ones are used up, wrong ones count; five of them, or five minutes, and it holds no more."""
    own = visit.own(step)
    pending: Json | None = own.get("code")
    if pending is None or context.now - pending["sentAt"] > LIFE:
        return visit, Problem(word("code_expired" if pending else "code_none"), field="code")
    if pending["attempts"] >= _ATTEMPTS:
        return visit, Problem(word("code_attempts"), field="code")
    expected = _code_digest(visit, context, typed, pending["sentAt"])
    if hmac.compare_digest(expected, pending["digest"]):
        used: dict[str, Any] = {"sentAt": pending["sentAt"], "verifiedAt": context.now}
        return visit.with_own(step, {**_without_code(own), "verified": used}), None
    wrong = {**pending, "attempts": pending["attempts"] + 1}
    return visit.with_own(step, {**own, "code": wrong}), Problem(word("code_wrong"), field="code")


def _without_code(own: Json) -> Json:
    return {name: part for name, part in own.items() if name != "code"}


def _code_digest(visit: Visit, context: Context, code: str, sent_at: float) -> str:
    return _digest(visit, context, f"{visit.stored.visit_id} {sent_at} {code}")


def _digest(visit: Visit, context: Context, value: str) -> str:
    return context.gateway.journal.reading.vault.keyed_digest(f"code {visit.stored.channel} {value}")
