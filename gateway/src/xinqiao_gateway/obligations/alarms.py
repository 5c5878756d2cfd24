"""Posting of alarms to webhooks: sealed with the gateway's key like any message, at least once.

An alarm is JSON with an ``id`` that stays the same however often it is posted; a receiver drops what it has. Any 2xx
is an acceptance, all else is tried again.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import structlog

from xinqiao.client import retry_after
from xinqiao.seal import CONTENT_TYPE_JSON, SigningKey
from xinqiao_gateway.journal.alarms import Alarm, DueAlarm
from xinqiao_gateway.rotation import Overlap, signatures

__all__ = ["Poster", "log_alarm"]

_TIMEOUT = 10.0
_FIRST, _LONGEST = 5.0, 3600.0

_log = structlog.get_logger("obligations")


@dataclass(frozen=True, slots=True)
class Poster:
    """Posts to one webhook."""

    name: str
    url: str
    key: SigningKey
    overlap: Overlap | None = None

    async def post(self, due: DueAlarm, now: float) -> float | None:
        """Post an alarm; return None where it was taken, else when to try again (Unix seconds)."""
        at = datetime.fromtimestamp(now, UTC)
        signed = signatures(due.content, CONTENT_TYPE_JSON, self.key, self.overlap, at)
        headers = {"Content-Type": CONTENT_TYPE_JSON} | signed
        asked: float | None = None
        try:
            async with (
                asyncio.timeout(_TIMEOUT),
                httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False) as client,
                # What it answers beside its status is not read: it may be endless.
                client.stream("POST", self.url, content=due.content, headers=headers) as response,
            ):
                if response.is_success:
                    return None
                asked, said = retry_after(response.headers.get("Retry-After")), f"HTTP {response.status_code}"
        except (httpx.RequestError, httpx.InvalidURL, TimeoutError) as error:
            said = type(error).__name__
        _log.warning("alarm not taken", webhook=self.name, alarm=due.id, attempt=due.attempts + 1, said=said)
        return now + max(min(_FIRST * 2.0 ** min(due.attempts, 20), _LONGEST), asked or 0.0)


def log_alarm(alarm: Alarm) -> None:
    """Write an alarm to the log."""
    _log.warning(
        "alarm",
        alarm=alarm.id,
        kind=alarm.kind,
        alarm_level=alarm.level,
        obligation=alarm.obligation,
        subject=alarm.subject,
        day=alarm.day,
        expects=alarm.expects,
        channel=alarm.channel,
        opened_by=alarm.opened_by,
    )
