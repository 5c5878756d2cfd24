"""Instruments: the stations of the gateway with somebody who looks on. What they do is what they did without.

Each adds its measure to one station from outside, so that none of them knows of metrics or traces.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from xinqiao.adapter import Decoded, Undecoded
from xinqiao.errors import UnknownChannel, XinqiaoError
from xinqiao.message import Json
from xinqiao.seal import SigningKey
from xinqiao.standard import MessageType, message_types
from xinqiao_adapters.security.sealer import Outgoing
from xinqiao_gateway.admission import Admission
from xinqiao_gateway.channels import Channels
from xinqiao_gateway.delivery import ChannelLoop
from xinqiao_gateway.delivery.attempt import Attempt, Destination, Exchange
from xinqiao_gateway.intake import Acceptance, Intake, Raw
from xinqiao_gateway.journal import Accepted, Due, Journal, Outcome, Settlement, Submission
from xinqiao_gateway.journal.vault import Vault
from xinqiao_gateway.journal.writer import Writer
from xinqiao_gateway.policy import Judgement, Policy
from xinqiao_gateway.policy.judgement import Past
from xinqiao_gateway.telemetry.observer import NOBODY, Observer, Taken
from xinqiao_gateway.telemetry.traces import handed_on, is_traced, span

__all__ = ["ObservedIntake", "ObservedJournal", "ObservedLoop", "ObservedPolicy"]

_UNKNOWN = "unknown"


class ObservedIntake(Intake):
    """The intake, with what became of each message counted."""

    def __init__(
        self,
        channels: Channels,
        journal: Journal,
        admission: Admission,
        observer: Observer,
        *,
        seal_max_age: timedelta,
        messages_limit: int,
    ) -> None:
        super().__init__(channels, journal, admission, seal_max_age=seal_max_age, messages_limit=messages_limit)
        self._observer = observer

    async def accept(self, raw: Raw) -> Acceptance:
        """See ``Intake.accept``."""
        began = time.perf_counter()
        with span("intake.accept", **{"xinqiao.channel": raw.channel_id}) as shown:
            try:
                acceptance = await super().accept(raw)
            except XinqiaoError as error:
                refused = Taken(_UNKNOWN, "refused", error.reason)
                # A name that anybody may invent must not become a label.
                channel = _UNKNOWN if isinstance(error, UnknownChannel) else raw.channel_id
                self._observer.took(channel, (refused,), time.perf_counter() - began)
                raise
            if shown is not None:
                shown.set_attributes(_ids(acceptance.outcomes))
        taken = map(_taken, acceptance.decoded, acceptance.outcomes)
        self._observer.took(raw.channel_id, taken, time.perf_counter() - began)
        return acceptance


def _taken(decoded: Decoded | Undecoded, outcome: Outcome) -> Taken:
    kind = _kind(decoded.message) if isinstance(decoded, Decoded) else _UNKNOWN
    if isinstance(outcome, Accepted):
        return Taken(kind, "repeated" if outcome.repeat else "accepted")
    return Taken(kind, "refused", outcome.error.reason)


def _kind(message: Json) -> str:
    """Return a message's type; what is no type of the standard must not become a label."""
    known = message_types()
    return next((name for name in message if name in known), _UNKNOWN)


def _ids(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    receipts = [each.receipt for each in outcomes if isinstance(each, Accepted)]
    return {
        "xinqiao.message_ids": [str(each["acceptedMessageId"]) for each in receipts],
        "xinqiao.positions": [str(each["position"]) for each in receipts],
    }


@dataclass(slots=True)
class _ObservedWriter(Writer):
    observer: Observer = NOBODY

    def _transaction(self, works: Sequence[Any]) -> list[Any]:
        messages = sum(len(work.what.entries) for work in works if isinstance(work.what, Submission))
        if not messages:
            return Writer._transaction(self, works)
        began = time.perf_counter()
        with span("journal.commit", **{"xinqiao.messages": messages}):
            results = Writer._transaction(self, works)
        self.observer.committed(messages, time.perf_counter() - began)
        return results


class ObservedJournal(Journal):
    """The journal, with its commits measured once ``observe`` has said by whom."""

    def __init__(
        self, writing: Engine, reading: Engine, vault: Vault, key: SigningKey, now: Callable[[], float]
    ) -> None:
        super().__init__(writing, reading, vault, key, now)
        self._watched = _ObservedWriter(writing, vault, key, now)
        self._writer = self._watched

    def observe(self, observer: Observer) -> None:
        """Let somebody look on."""
        self._watched.observer = observer


class ObservedPolicy(Policy):
    """The policy, with its verdicts counted."""

    observer: Observer = NOBODY

    def judge(self, message: Json, kind: MessageType, channel: str, at: float, past: Past) -> Judgement:
        """See ``Policy.judge``."""
        judgement = super().judge(message, kind, channel, at, past)
        self.observer.judged(judgement.verdict)
        return judgement


@dataclass(frozen=True, slots=True)
class _ObservedDestination(Destination):
    observer: Observer = NOBODY

    async def attempt(self, due: Due) -> Attempt:
        began = time.perf_counter()
        with span("delivery.attempt", **(_about(due) if is_traced() else {})) as shown:
            attempt = await Destination.attempt(self, due)
            if shown is not None:
                shown.set_attribute("xinqiao.outcome", attempt.outcome)
        self.observer.attempted(due.channel, attempt.outcome, time.perf_counter() - began)
        return attempt

    async def _post(self, outgoing: Outgoing) -> Exchange:
        return await Destination._post(self, outgoing._replace(headers=handed_on(outgoing.headers)))


def _about(due: Due) -> dict[str, Any]:
    return {
        "xinqiao.channel": due.channel,
        "xinqiao.delivery": due.delivery_id,
        "xinqiao.position": due.position,
        "xinqiao.message_id": str(due.message["header"]["messageId"]),
    }


class ObservedLoop(ChannelLoop):
    """The loop of a channel, with its attempts measured. ``observer`` is who looks on."""

    def __init__(self, *arguments: Any, observer: Observer, **options: Any) -> None:  # noqa: ANN401 -- its parent's
        super().__init__(*arguments, **options)
        self._observer = observer
        plain = self._destination
        self._destination = _ObservedDestination(plain.channel, plain.push, plain.key, plain.client, observer)

    def _settlement(self, due: Due, attempt: Attempt) -> Settlement:
        settlement = super()._settlement(due, attempt)
        if settlement.state != "pending":
            self._observer.settled(due.channel, settlement.state)
        return settlement
