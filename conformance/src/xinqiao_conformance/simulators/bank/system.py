"""The bank as a process: its documents over HTTP, sealed as bytes, answered with its own reply."""

import hashlib
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from xinqiao.client import Client
from xinqiao.errors import DestinationDown, Overloaded, Rejected
from xinqiao.seal import KeyRing, Sealed, open_either
from xinqiao_conformance.simulators.bank.bank import Bank, Knowledge, Outgoing
from xinqiao_conformance.simulators.bank.documents import (
    CONTENT_TYPE,
    Document,
    DocumentError,
    read_document,
    read_rsp,
    write_document,
)
from xinqiao_conformance.simulators.events import EventLog
from xinqiao_conformance.simulators.institution import Answer, Unable
from xinqiao_conformance.simulators.newest import Newest
from xinqiao_conformance.simulators.outbox import Outbox

__all__ = ["BankSystem"]

# Notices that are recognised when they come again.
_NOTICES = 100_000


class BankSystem:
    """Serves a ``Bank``; ``wait`` bounds how long a step waits for the gateway's answer."""

    def __init__(
        self, bank: Bank, knowledge: Knowledge, client: Client, gateway_keys: KeyRing, wait: timedelta
    ) -> None:
        self.events = EventLog()
        self._bank = bank
        self._codes: Mapping[str, str] = knowledge["return_codes"]
        self._notices: Mapping[str, Any] = knowledge["notices"]
        self._client = client
        self._gateway_keys = gateway_keys
        self._wait = wait.total_seconds()
        self._outbox: Outbox[Outgoing, dict[str, Any]] = Outbox(self._send)
        self._seen: Newest[str, str] = Newest(_NOTICES)
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to send."""
        self._outbox.start()

    def stop(self) -> None:
        """Send what is queued, for a few seconds at most."""
        if self._outbox.stop(timeout=3.0):
            self._client.close()

    def do(self, step: str, options: Mapping[str, str]) -> dict[str, Any]:
        """Send the document of a step and return the gateway's reply as the bank read it."""
        document = self._bank.step(step, options)
        try:
            [outcome] = self._outbox.post([document])
        except Overloaded as error:
            raise Unable(503, str(error)) from error
        try:
            return outcome.result(self._wait)
        except TimeoutError:
            raise Unable(504, "the gateway has not answered yet; it is still being tried") from None

    def receive(self, content: bytes, content_type: str, signature: str, next_signature: str) -> Answer:
        """Take a notice and reply: 0000 when taken or taken before, the bank's own code otherwise."""
        try:
            open_either(Sealed(content, content_type, signature), next_signature, self._gateway_keys)
        except Rejected as error:
            return self._refuse(error.http_status, error.reason, error.detail)
        try:
            document = read_document(content)
        except DocumentError as error:
            return self._refuse(400, error.reason, str(error))
        if document.root not in self._notices:
            return self._refuse(422, "unknown_document", f"no notice {document.root}", document)
        return self._take(document, hashlib.sha256(content).hexdigest())

    def _take(self, document: Document, digest: str) -> Answer:
        with self._lock:
            known = self._seen.get(document.serial)
            if known not in (None, digest):
                return self._refuse(409, "conflict", f"SeqNo {document.serial}: other content", document)
            if known is None:
                try:
                    self._outbox.require_room(1)
                except Overloaded as error:
                    return self._refuse(503, error.reason, error.detail, document)
            self._record_received(document, "repeat" if known else "accepted")
            if known is None:
                self._outbox.post(self._bank.react(document))
                self._seen[document.serial] = digest
        values = {"serial": document.serial, "code": "0000", "text": "受理成功"}
        return Answer(200, write_document("Rsp", values), CONTENT_TYPE)

    def _refuse(self, status: int, reason: str, text: str, document: Document | None = None) -> Answer:
        serial = document.serial if document else None
        self.events.add(
            "received",
            document.root if document else "",
            case_id=document.case_id if document else None,
            message_id=serial,
            outcome=f"rejected: {reason}",
            text=text,
        )
        values = {"serial": serial, "code": self._codes.get(reason, "9999"), "text": text[:500]}
        return Answer(status, write_document("Rsp", values), CONTENT_TYPE)

    def _record_received(self, document: Document, outcome: str) -> None:
        self.events.add(
            "received",
            document.root,
            case_id=document.case_id,
            message_id=document.serial,
            outcome=outcome,
            text=self._bank.describe(document),
        )

    def _send(self, document: Outgoing) -> dict[str, Any]:
        outcome, said = self._submit(document)
        self.events.add(
            "sent",
            document.root,
            case_id=document.case_id,
            message_id=document.serial,
            outcome=outcome,
            text=document.title,
        )
        about = {"document": document.root, "serial": document.serial, "caseId": document.case_id}
        return {**about, "outcome": outcome, **said}

    def _submit(self, document: Outgoing) -> tuple[str, dict[str, Any]]:
        try:
            response = self._client.submit_raw(document.content, CONTENT_TYPE)
        except DestinationDown as error:
            return f"failed: {error.reason}", {"text": str(error)}
        try:
            rsp = read_rsp(response.content)
        except DocumentError as error:
            return f"failed: HTTP {response.status_code}", {"text": str(error)}
        accepted = rsp.code == "0000"
        outcome = "accepted" if accepted else f"rejected: {rsp.code}"
        said = {"status": response.status_code, "retCode": rsp.code, "retMsg": rsp.text, "errors": rsp.errors}
        return outcome, said
