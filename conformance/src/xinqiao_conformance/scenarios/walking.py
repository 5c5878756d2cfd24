"""Walks a path: what the suite plays is sent through a port, what the subject sends by itself is awaited there."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao_conformance.observing import Breach, Exchange
from xinqiao_conformance.scenarios.composing import ACCEPTED, PARKED, Nothing, Pause, Send, Side
from xinqiao_conformance.scenarios.reading import Path
from xinqiao_conformance.simulators.cases import CaseFile
from xinqiao_conformance.simulators.drafting import Parties, drawn_up

__all__ = ["Walked", "Walker", "walk"]

_SIDES = {"opener": "发起方", "counterparty": "对手方"}


class Walker(Protocol):
    """What a bench does for a path. A side is whoever plays it there: the suite, or the subject."""

    def parties(self, by: Side) -> Parties:
        """Return who writes to whom when a side sends."""
        ...

    def now(self) -> datetime:
        """Return the virtual time."""
        ...

    def sends_itself(self, by: Side, body: str) -> bool:
        """Say whether a side sends messages of this type because of what comes, without being told to."""
        ...

    def send(self, by: Side, message: Json) -> Exchange:
        """Send as a side; one that is the subject is told to send its own message of that type, which is ``sent``."""
        ...

    def await_message(self, by: Side, body: str, case_id: str) -> Json | None:
        """Return the next message of this type that a side sends by itself; None where none comes in good time."""
        ...

    def advance(self, by: timedelta) -> None:
        """Let virtual time pass."""
        ...


@dataclass(frozen=True, slots=True)
class Walked:
    """A step that sent something: the message, and its answer where the suite saw one."""

    step: Send
    message: Json
    exchange: Exchange | None


def walk(path: Path, walker: Walker, case_id: str) -> list[Walked]:
    """Walk a path in a new case. Raises ``Breach`` where a step does not go as the path says."""
    file = CaseFile(case_id)
    walked: list[Walked] = []
    for number, step in enumerate(path.steps, 1):
        where = f"{path.id} #{number}"
        match step:
            case Pause():
                walker.advance(step.by)
            case Nothing():
                _require_nothing(step, walker, case_id, where)
            case Send():
                done = _send(step, walker, file, where)
                if step.expected == ACCEPTED:
                    file.add(done.message)
                walked.append(done)
    return walked


def _send(step: Send, walker: Walker, file: CaseFile, where: str) -> Walked:
    body = step.sending.body
    if walker.sends_itself(step.by, body):
        message = walker.await_message(step.by, body, file.case_id)
        if message is None and step.within:
            walker.advance(step.within)
            message = walker.await_message(step.by, body, file.case_id)
        if message is None:
            raise Breach(Text(f"{where}：{_SIDES[step.by]}发出 {body}", f"{where}: {body} from the {step.by}"))
        return Walked(step, message, None)
    exchange = walker.send(step.by, _drawn(step, walker, file))
    _judge(step, exchange, where)
    return Walked(step, exchange.sent, exchange)


def _drawn(step: Send, walker: Walker, file: CaseFile) -> Json:
    asked, about = (file.latest(name) if name else None for name in (step.answers, step.about))
    message = drawn_up(step.sending, walker.parties(step.by), file, walker.now(), asked=asked, of=about)
    replaced = file.latest(step.replaces) if step.replaces else None
    if replaced is not None:
        header = replaced["header"]
        message["header"] |= {"replaces": header["messageId"], "revision": header.get("revision", 1) + 1}
    return message


def _judge(step: Send, exchange: Exchange, where: str) -> None:
    if step.expected in (ACCEPTED, PARKED):
        zh, en, met = "受理回执", "a receipt", exchange.status in (200, 202) and bool(exchange.receipt)
    else:
        zh, en = f"原因为 {step.expected} 的拒绝", f"a rejection whose reason is {step.expected}"
        met = exchange.reason == step.expected
    exchange.require(met, f"{where}：{zh}", f"{where}: {en}")


def _require_nothing(step: Nothing, walker: Walker, case_id: str, where: str) -> None:
    if step.within:
        walker.advance(step.within)
    message = walker.await_message(step.by, step.body, case_id)
    if message is not None:
        said = {"messageId": message["header"]["messageId"], "type": step.body}
        zh, en = f"{_SIDES[step.by]}不发出 {step.body}", f"no {step.body} from the {step.by}"
        raise Breach(Text(f"{where}：{zh}", f"{where}: {en}"), seen=said)
