"""The core as a process: SDK receiver in, decisions, SDK client out."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from xinqiao.client import Client
from xinqiao.errors import XinqiaoError
from xinqiao.message import Json, message_type, read_json
from xinqiao.receiver import MemorySeen, Receiver
from xinqiao.seal import CONTENT_TYPE_JSON, KeyRing
from xinqiao_conformance.simulators.core.core import Behaviour, Core
from xinqiao_conformance.simulators.events import Direction, EventLog
from xinqiao_conformance.simulators.institution import Answer, Unable
from xinqiao_conformance.simulators.outbox import Outbox

__all__ = ["CoreSystem"]

# An entry that matches is answered with three messages.
_MOST_ANSWERS = 3


class CoreSystem:
    """Serves a ``Core``; ``wait`` bounds how long a step waits for the gateway's answer.

    ``test`` says whether it takes test traffic, and nothing else.
    """

    def __init__(
        self,
        core: Core,
        behaviour: Behaviour,
        client: Client,
        gateway_keys: KeyRing,
        wait: timedelta,
        *,
        test: bool = False,
    ) -> None:
        self.events = EventLog()
        self._core = core
        self._shown = behaviour["shown"]
        self._client = client
        self._wait = wait.total_seconds()
        self._outbox: Outbox[Json, dict[str, Any]] = Outbox(self._send)
        self._receiver = Receiver(
            gateway_keys, self._handle, MemorySeen(), institution=behaviour["institution"], test=test
        )
        self._steps: Mapping[str, Callable[[str | None], Json]] = {
            "nav": core.report_nav,
            "disclosure": core.disclose,
        }

    def start(self) -> None:
        """Begin to send."""
        self._outbox.start()

    def stop(self) -> None:
        """Send what is queued, for a few seconds at most."""
        if self._outbox.stop(timeout=3.0):
            self._client.close()

    def receive(self, content: bytes, content_type: str, signature: str | None) -> Answer:
        """Take a push; what cannot be taken is answered with a rejection."""
        status, answer = self._receiver.receive(content, content_type, signature or "")
        rejection = read_json(answer).get("rejection")
        if status == 200:
            self._record("received", read_json(content), "repeat")
        elif rejection:
            self.events.add(
                "received",
                "",
                case_id=None,
                message_id=rejection.get("rejectedMessageId"),
                outcome=f"rejected: {rejection['reason']}",
                text=rejection["text"]["en"],
            )
        return Answer(status, answer, CONTENT_TYPE_JSON)

    def do(self, step: str, options: Mapping[str, str]) -> dict[str, Any]:
        """Send a NAV report or a disclosure notice for ``case``, by default the latest effective trust."""
        if step not in self._steps:
            raise Unable(404, f"no step {step}; there are {', '.join(self._steps)}")
        message = self._steps[step](options.get("case"))
        [outcome] = self._outbox.post([message])
        try:
            return outcome.result(self._wait)
        except TimeoutError:
            raise Unable(504, "the gateway has not answered yet; it is still being tried") from None

    def _handle(self, message: Json) -> None:
        self._outbox.require_room(_MOST_ANSWERS)
        self._record("received", message, "accepted")
        self._outbox.post(self._core.react(message))

    def _send(self, message: Json) -> dict[str, Any]:
        try:
            receipt = self._client.submit(message)["receipt"]
        except XinqiaoError as error:
            outcome = f"{'failed' if error.retryable else 'rejected'}: {error.reason}"
            said: dict[str, Any] = {"text": str(error), "findings": [each.as_json() for each in error.findings]}
        else:
            outcome, said = "accepted", {"position": receipt["position"]}
        self._record("sent", message, outcome)
        header = message["header"]
        return {"messageId": header["messageId"], "caseId": header["caseId"], "outcome": outcome, **said}

    def _record(self, direction: Direction, message: Json, outcome: str) -> None:
        kind, header = message_type(message), message["header"]
        body = message[kind.body]
        shown = [str(body[name]) for name in self._shown.get(kind.body, ()) if name in body]
        self.events.add(
            direction,
            kind.body,
            case_id=header.get("caseId"),
            message_id=header["messageId"],
            outcome=outcome,
            text=" ".join([kind.title.en, *shown]),
        )
