"""The engine of every scripted institution: takes what a gateway pushes and sends what its script says.

What an institution does is in its script; how it misbehaves, in rules; what time it is, the clock says.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time, timedelta
from functools import partial

from xinqiao.client import Client
from xinqiao.errors import BodyTooLarge, DestinationDown, Overloaded
from xinqiao.message import NOBODY, Json, message_type, read_json, write_json
from xinqiao.outcome import rejection
from xinqiao.receiver import MemorySeen, Receiver
from xinqiao.seal import CONTENT_TYPE_JSON, KeyRing
from xinqiao_conformance.calendar import CHINA, trading_calendar
from xinqiao_conformance.clock import Clock, RealClock, VirtualClock
from xinqiao_conformance.simulators.answers import said_of
from xinqiao_conformance.simulators.cases import CaseFile
from xinqiao_conformance.simulators.drafting import Parties, corrected, drawn_up
from xinqiao_conformance.simulators.durations import duration
from xinqiao_conformance.simulators.events import Direction, EventLog
from xinqiao_conformance.simulators.institution import Answer, Unable
from xinqiao_conformance.simulators.newest import Newest
from xinqiao_conformance.simulators.outbox import Outbox
from xinqiao_conformance.simulators.references import value_in
from xinqiao_conformance.simulators.rules import Rule
from xinqiao_conformance.simulators.script import Reply, Script
from xinqiao_conformance.simulators.steering import Outcome, Steering

__all__ = ["Engine"]

# Bytes of a message that is taken.
_LARGEST = 1 << 20
# Cases that are remembered, and messages in all of them; the case that rested longest is forgotten.
_CASES, _MESSAGES = 500, 20_000
# The most messages that are sent because of one.
_MOST_REPLIES = 200
# When institutions begin their day.
_BEGINNING = time(9)


class Engine:
    """Plays one institution. ``wait`` bounds how long a step waits for the gateway's answer.

    ``test`` says whether it takes and sends test traffic, and nothing else. On the real clock what its script does
    ``after`` some time is done at once; a virtual clock gets there when it is advanced.
    """

    def __init__(
        self,
        script: Script,
        client: Client,
        gateway_keys: KeyRing,
        wait: timedelta,
        *,
        clock: Clock | None = None,
        rules: Sequence[Rule] = (),
        test: bool = False,
    ) -> None:
        self.script = script
        self.clock: Clock = clock or RealClock()
        self.events = EventLog(now=self.clock.now)
        self._test = test
        self._client = client
        self._wait = wait.total_seconds()
        self._outbox: Outbox[Json, Outcome] = Outbox(self._send)
        self.steering = Steering(script, self.clock, self._outbox, self._note)
        self.steering.add(rules)
        self._cases: Newest[str, CaseFile] = Newest(_CASES)
        self._lock = threading.RLock()
        self._receiver = Receiver(gateway_keys, self._handle, MemorySeen(), institution=script.institution, test=test)

    def start(self) -> None:
        """Begin to send."""
        self._outbox.start()

    def stop(self) -> None:
        """Send what is queued, for a few seconds at most."""
        if self._outbox.stop(timeout=3.0):
            self._client.close()

    def advance(self, by: timedelta) -> None:
        """Let virtual time pass, and send what that leads to. Raises ``Unable`` on the real clock."""
        if not isinstance(self.clock, VirtualClock):
            raise Unable(409, "the clock is the real one; start with --clock for a virtual one")
        self.clock.advance(by)
        if not self.settled(self._wait):
            raise Unable(504, "the gateway has not answered yet; it is still being tried")

    def settled(self, timeout: float) -> bool:
        """Wait until nothing is left to be sent now, at most ``timeout`` seconds; say whether that is so."""
        return self._outbox.settled(timeout)

    def receive(self, content: bytes, content_type: str, signature: str, next_signature: str) -> Answer:
        """Take a push; what cannot be taken is answered with a rejection."""
        if len(content) > _LARGEST:
            error = BodyTooLarge(f"at most {_LARGEST} bytes are taken")
            refused = rejection(self.script.institution, NOBODY, error)
            status, answer = error.http_status, write_json(refused)
        else:
            status, answer = self._receiver.receive(content, content_type, signature, next_signature)
        said = read_json(answer).get("rejection")
        if status == 200:
            self._record("received", read_json(content), "repeat")
        elif said:
            self.events.add(
                "received",
                "",
                case_id=None,
                message_id=said.get("rejectedMessageId"),
                outcome=f"rejected: {said['reason']}",
                text=said["text"]["en"],
            )
        return Answer(status, answer, CONTENT_TYPE_JSON)

    def do(self, step: str, options: Mapping[str, str]) -> Outcome:
        """Send a message of the type ``step`` of ``case``, or as the step ``correction`` that of the message ``of``."""
        draw = self._correction if step == "correction" else partial(self._drawn, step)
        return self.sent(lambda: draw(options))

    def sent(self, draw: Callable[[], Json]) -> Outcome:
        """Send what is drawn up and return what became of it.

        Raises ``Unable`` without room for it, or where that takes too long.
        """
        # At once: what is drawn up next counts this one.
        with self._lock:
            message = draw()
            file = self.file_of(message["header"]["caseId"])
            try:
                self._outbox.require_room(1)
                file.add(message)
                outcome = self.steering.send(message, file)
            except Overloaded as error:
                raise Unable(503, str(error)) from error
        try:
            return outcome.result(self._wait)
        except TimeoutError:
            raise Unable(504, "the gateway has not answered yet; it is still being tried") from None

    def file_of(self, case_id: str) -> CaseFile:
        """Return what was sent in a case, by either side."""
        file = self._cases[case_id] = self._cases.get(case_id) or CaseFile(case_id)
        while sum(each.size for each in self._cases.values()) > _MESSAGES:
            self._cases.popitem(last=False)
        return file

    def react(self, message: Json, file: CaseFile) -> None:
        """Send, now or later, what the script sends because of a message."""
        body = message_type(message).body
        for reply in self.script.replies.get(body, ()):
            fits = all(value_in(message[body], path) in _several(wanted) for path, wanted in reply.when.items())
            if fits and all(file.latest(each) for each in reply.needs):
                try:
                    at = self._instant_of(reply)
                except ValueError as error:
                    # Beyond the calendar nobody knows the day of T+n.
                    self._note(message, f"failed: {reply.sending.body} {reply.after}: {error}")
                    continue
                for each in self._answers(reply, message, file):
                    self.post(each, file, at)

    def post(self, message: Json, file: CaseFile, at: datetime) -> None:
        """Send a message at an instant; what there is no room for is an event."""
        file.add(message)

        def send() -> None:
            try:
                self.steering.send(message, file)
            except Overloaded as error:
                self._note(message, f"failed: {error.reason}")

        try:
            self.clock.call_at(at, send)
        except Overloaded as error:
            self._note(message, f"failed: {error.reason}")

    def _answers(self, reply: Reply, message: Json, file: CaseFile) -> list[Json]:
        now, parties = self.clock.now(), self._parties(message["header"]["sender"])
        if not reply.each:
            return [drawn_up(reply.sending, parties, file, now, asked=message)]
        left = file.unanswered(reply.each, reply.sending.body)
        if len(left) > _MOST_REPLIES:
            self._note(message, f"failed: {len(left)} of {reply.each}, {_MOST_REPLIES} are answered at the most")
        return [drawn_up(reply.sending, parties, file, now, asked=message, of=each) for each in left[:_MOST_REPLIES]]

    def _instant_of(self, reply: Reply) -> datetime:
        now = self.clock.now()
        if not reply.after or not isinstance(self.clock, VirtualClock):
            return now
        if not reply.after.startswith("T+"):
            return now + duration(reply.after)
        calendar = trading_calendar()
        day = calendar.add(calendar.trade_day(now), int(reply.after[2:]))
        return max(now, datetime.combine(day, _BEGINNING, CHINA))

    def _drawn(self, body: str, options: Mapping[str, str]) -> Json:
        sending = self.script.sends.get(body)
        if sending is None:
            raise Unable(404, f"{self.script.name} sends no {body}; it sends {', '.join(self.script.sends)}")
        now = self.clock.now()
        case_id = options.get("case") or next(reversed(self._cases), None) or f"SIM-{now:%Y%m%d%H%M%S}"
        file = self.file_of(case_id)
        other = file.other_than(self.script.institution) or self.script.counterparty
        message = drawn_up(sending, self._parties(other), file, now)
        if "correlation" in options:
            message["header"]["correlationId"] = options["correlation"]
        return message

    def _parties(self, receiver: str) -> Parties:
        return Parties(self.script.institution, receiver, self._test)

    def _correction(self, options: Mapping[str, str]) -> Json:
        wanted = options.get("of", "")
        found = next((each for each in (file.with_id(wanted) for file in self._cases.values()) if each), None)
        if found is None or found["header"]["sender"] != self.script.institution:
            raise Unable(404, f"of: no message {wanted!r} was sent")
        return corrected(found, {}, self.clock.now())

    def _handle(self, message: Json) -> None:
        with self._lock:
            self._outbox.require_room(_MOST_REPLIES)
            self._record("received", message, "accepted")
            case_id = message["header"].get("caseId")
            if case_id is not None:
                file = self.file_of(case_id)
                file.add(message)
                self.react(message, file)

    def _send(self, message: Json) -> Outcome:
        header = message["header"]
        try:
            said = said_of(self._client.submit_raw(write_json(message), CONTENT_TYPE_JSON), header["messageId"])
        except DestinationDown as error:
            said = {"outcome": f"failed: {error.reason}", "text": str(error)}
        self._record("sent", message, said["outcome"])
        return {"messageId": header["messageId"], "caseId": header["caseId"], **said}

    def _note(self, message: Json, what: str) -> None:
        self._record("steered", message, what)

    def _record(self, direction: Direction, message: Json, outcome: str) -> None:
        kind, header = message_type(message), message["header"]
        body = message[kind.body]
        shown = [str(body[name]) for name in self.script.shown.get(kind.body, ()) if name in body]
        self.events.add(
            direction,
            kind.body,
            case_id=header.get("caseId"),
            message_id=header["messageId"],
            outcome=outcome,
            text=" ".join([kind.title.en, *shown]),
        )


def _several(wanted: object) -> Sequence[object]:
    return wanted if isinstance(wanted, list) else [wanted]
