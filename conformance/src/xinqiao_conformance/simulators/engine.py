"""The engine of every scripted institution: takes what a gateway pushes and sends what its script says.

What an institution does is in its script; how it misbehaves, in rules; what time it is, the clock says.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta

from xinqiao.client import Client
from xinqiao.errors import BodyTooLarge, Overloaded, Rejected, Retryable, XinqiaoError
from xinqiao.message import NOBODY, Json, message_type, read_json, write_json
from xinqiao.outcome import rejection
from xinqiao.receiver import MemorySeen, Receiver
from xinqiao.seal import CONTENT_TYPE_JSON, KeyRing
from xinqiao_conformance.calendar import CHINA, trading_calendar
from xinqiao_conformance.clock import Clock, RealClock, VirtualClock
from xinqiao_conformance.simulators.cases import CaseFile
from xinqiao_conformance.simulators.drafting import Parties, corrected, drawn_up
from xinqiao_conformance.simulators.durations import duration
from xinqiao_conformance.simulators.events import Direction, EventLog
from xinqiao_conformance.simulators.institution import Answer, Unable
from xinqiao_conformance.simulators.outbox import Outbox
from xinqiao_conformance.simulators.references import value_in
from xinqiao_conformance.simulators.rules import Rule
from xinqiao_conformance.simulators.script import Reply, Script
from xinqiao_conformance.simulators.steering import Outcome, Steering

__all__ = ["Engine"]

# Bytes of a message that is taken.
_LARGEST = 1 << 20
# Cases that are remembered; the one that rested longest is forgotten.
_CASES = 500
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
        self._cases: OrderedDict[str, CaseFile] = OrderedDict()
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

    def receive(self, content: bytes, content_type: str, signature: str | None) -> Answer:
        """Take a push; what cannot be taken is answered with a rejection."""
        if len(content) > _LARGEST:
            error = BodyTooLarge(f"at most {_LARGEST} bytes are taken")
            refused = rejection(self.script.institution, NOBODY, error)
            status, answer = error.http_status, write_json(refused)
        else:
            status, answer = self._receiver.receive(content, content_type, signature or "")
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
        with self._lock:
            message = self._correction(options) if step == "correction" else self._drawn(step, options)
        return self.sent(message)

    def sent(self, message: Json) -> Outcome:
        """Send a message and return what became of it. Raises ``Unable`` where that takes too long."""
        with self._lock:
            file = self.file_of(message["header"]["caseId"])
            file.add(message)
            outcome = self.steering.send(message, file)
        try:
            return outcome.result(self._wait)
        except TimeoutError:
            raise Unable(504, "the gateway has not answered yet; it is still being tried") from None

    def file_of(self, case_id: str) -> CaseFile:
        """Return what was sent in a case, by either side."""
        file = self._cases.setdefault(case_id, CaseFile(case_id))
        self._cases.move_to_end(case_id)
        while len(self._cases) > _CASES:
            self._cases.popitem(last=False)
        return file

    def react(self, message: Json, file: CaseFile) -> None:
        """Send, now or later, what the script sends because of a message."""
        body = message_type(message).body
        for reply in self.script.replies.get(body, ()):
            fits = all(value_in(message[body], path) in _several(wanted) for path, wanted in reply.when.items())
            if fits and all(file.latest(each) for each in reply.needs):
                at = self._instant_of(reply)
                for each in self._answers(reply, message, file):
                    self.post(each, file, at)

    def post(self, message: Json, file: CaseFile, at: datetime) -> None:
        """Send a message at an instant."""
        file.add(message)

        def send() -> None:
            try:
                self.steering.send(message, file)
            except Overloaded as error:
                self._note(message, f"failed: {error.reason}")

        self.clock.call_at(at, send)

    def _answers(self, reply: Reply, message: Json, file: CaseFile) -> list[Json]:
        now, parties = self.clock.now(), self._parties(message["header"]["sender"])
        if not reply.each:
            return [drawn_up(reply.sending, parties, file, now, asked=message)]
        left = file.unanswered(reply.each, reply.sending.body)[:_MOST_REPLIES]
        return [drawn_up(reply.sending, parties, file, now, asked=message, of=each) for each in left]

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
            receipt = self._client.submit(message)["receipt"]
        except XinqiaoError as error:
            outcome = _outcome_of(error)
            said: Outcome = {"text": str(error), "findings": [each.as_json() for each in error.findings]}
        else:
            if receipt.get("acceptedMessageId") == header["messageId"]:
                outcome, said = "accepted", {"position": receipt["position"]}
            else:
                outcome, said = "failed: destination_refused", {"text": "the receipt is that of another message"}
        self._record("sent", message, outcome)
        return {"messageId": header["messageId"], "caseId": header["caseId"], "outcome": outcome, **said}

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


def _outcome_of(error: XinqiaoError) -> str:
    # A reason that this version does not know stands before the text.
    reason = error.detail.partition(":")[0] if type(error) in (Rejected, Retryable) else error.reason
    return f"{'failed' if error.retryable else 'rejected'}: {reason}"


def _several(wanted: object) -> Sequence[object]:
    return wanted if isinstance(wanted, list) else [wanted]
