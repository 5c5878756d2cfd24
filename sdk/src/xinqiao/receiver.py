"""The receiver of pushed messages: verify, recognise repeats, handle once, answer with a receipt.

It has no web framework: give it the bytes, the content type and the signature of a request, send back what it
returns.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from xinqiao.errors import Conflict, NotValid, UnsupportedMediaType, XinqiaoError
from xinqiao.finding import errors_in
from xinqiao.message import Header, Json, body_digest, new_message_id, read_json, timestamp, write_json
from xinqiao.outcome import receipt, rejection
from xinqiao.seal import CONTENT_TYPE_JSON, KeyRing, Sealed, open_seal
from xinqiao.seen import Acceptance, MemorySeen, Seen, SqliteSeen
from xinqiao.validation import check

__all__ = ["MemorySeen", "Receiver", "Seen", "SqliteSeen"]

# Stands for an institution that could not be read; its check character is right.
_UNKNOWN = "0" * 18
_MAX_AGE = timedelta(minutes=10)


class Receiver:
    """Takes what a gateway pushes.

    ``handle`` is called once for each message id. It may run again only where the process dies between its end
    and the entry in ``seen``, or where it raised. What it raises from the error tree becomes a rejection; any other
    exception passes through, for the web framework to answer 500, and the gateway tries again.
    """

    def __init__(
        self,
        gateway_keys: KeyRing,
        handle: Callable[[Json], None],
        seen: Seen,
        *,
        max_age: timedelta | None = _MAX_AGE,
    ) -> None:
        self._keys = gateway_keys
        self._handle = handle
        self._seen = seen
        self._max_age = max_age
        self._turns = _Turns()

    def receive(self, content: bytes, content_type: str, signature: str) -> tuple[int, bytes]:
        """Return the HTTP status and the canonical JSON of the answer to one pushed message.

        202 with a receipt the first time, 200 with the same receipt for a repeat, else a rejection with the
        status of the error table.
        """
        sender = receiver = _UNKNOWN
        message_id = None
        try:
            open_seal(Sealed(content, content_type, signature), self._keys, max_age=self._max_age)
            if content_type.partition(";")[0].strip().lower() != CONTENT_TYPE_JSON:
                raise UnsupportedMediaType(f"{content_type[:80]}, this receiver takes {CONTENT_TYPE_JSON}")
            message = read_json(content)
            errors = errors_in(check(message))
            if errors:
                raise NotValid(f"{len(errors)} violations", findings=errors)
            header = Header.of(message)
            sender, receiver, message_id = header.receiver, header.sender, header.message_id
            return self._accept(message, header)
        except XinqiaoError as error:
            return error.http_status, write_json(rejection(sender, receiver, error, message_id))

    def _accept(self, message: Json, header: Header) -> tuple[int, bytes]:
        digest = body_digest(message)
        with self._turns.of(header.message_id):
            known = self._seen.find(header.message_id)
            if known is None:
                self._handle(message)
                accepted = self._seen.add(header.message_id, digest, timestamp(), new_message_id())
                return 202, _receipt(header, accepted)
        if known.digest != digest:
            raise Conflict(f"message {header.message_id} came before with another body")
        return 200, _receipt(header, known)


def _receipt(header: Header, accepted: Acceptance) -> bytes:
    answer = receipt(
        header.receiver,
        header.sender,
        {
            "acceptedMessageId": header.message_id,
            "acceptedAt": accepted.accepted_at,
            "position": str(accepted.position),
            "digest": {"algorithm": "SHA256", "value": accepted.digest},
        },
    )
    answer["header"] |= {"messageId": accepted.receipt_id, "createdAt": accepted.accepted_at}
    return write_json(answer)


class _Turns:
    """Lets one thread at a time work on a message id; others with the same id wait for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._busy: set[str] = set()

    @contextmanager
    def of(self, message_id: str) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: message_id not in self._busy)
            self._busy.add(message_id)
        try:
            yield
        finally:
            with self._changed:
                self._busy.discard(message_id)
                self._changed.notify_all()
