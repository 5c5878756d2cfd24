"""The receiver of pushed messages: verify, recognise repeats, handle once, answer with a receipt.

It has no web framework: give it the bytes, the content type and the signature of a request, send back what it
returns.
"""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta

from xinqiao.errors import Conflict, NotValid, ReceiverMismatch, TestMismatch, UnsupportedMediaType, XinqiaoError
from xinqiao.finding import errors_in
from xinqiao.message import Header, Json, content_digest, new_message_id, read_json, timestamp, write_json
from xinqiao.outcome import NOBODY, receipt, rejection
from xinqiao.seal import CONTENT_TYPE_JSON, KeyRing, Sealed, open_either
from xinqiao.seen import Acceptance, MemorySeen, Seen, SqliteSeen
from xinqiao.validation import check

__all__ = ["MemorySeen", "Receiver", "Seen", "SqliteSeen"]

_MAX_AGE = timedelta(minutes=10)


class Receiver:
    """Takes what a gateway pushes to one institution; several receivers may share one ``seen``.

    ``institution`` is the code of this side, ``test`` says whether it takes test traffic (and nothing else).

    ``handle`` is called once for each message, which its sender and its id name, whatever number of workers share
    ``seen``: it is claimed there first. It is called again only where the attempt before came to no end: where it
    raised, or its process died or ``seen`` could not be written before the acceptance was (with ``SqliteSeen`` when the
    claim's lease is over). What it raises from the error tree becomes a rejection; any other exception passes through,
    for the web framework to answer 500, and the gateway tries again.
    """

    def __init__(
        self,
        gateway_keys: KeyRing,
        handle: Callable[[Json], None],
        seen: Seen,
        *,
        institution: str,
        test: bool = False,
        max_age: timedelta | None = _MAX_AGE,
    ) -> None:
        self._keys = gateway_keys
        self._handle = handle
        self._seen = seen
        self._institution = institution
        self._test = test
        self._max_age = max_age

    def receive(self, content: bytes, content_type: str, signature: str, next_signature: str = "") -> tuple[int, bytes]:
        """Return the HTTP status and the canonical JSON of the answer to one pushed message.

        ``signature`` and ``next_signature`` are the values of the headers ``Xinqiao-Signature`` and
        ``Xinqiao-Signature-Next``; the second one is there while the gateway changes its key, and either suffices.

        202 with a receipt the first time, 200 with the same receipt for a repeat, 503 while the same message is
        being handled, else a rejection with the status of the error table.
        """
        partner, message_id = NOBODY, None
        try:
            message = self._opened(Sealed(content, content_type, signature), next_signature)
            header = Header.of(message)
            partner, message_id = header.sender, header.message_id
            self._require_ours(header)
            return self._accept(message, header)
        except XinqiaoError as error:
            return error.http_status, write_json(rejection(self._institution, partner, error, message_id))

    def _opened(self, sealed: Sealed, next_signature: str) -> Json:
        open_either(sealed, next_signature, self._keys, max_age=self._max_age)
        content, content_type = sealed.content, sealed.content_type
        if content_type.partition(";")[0].strip().lower() != CONTENT_TYPE_JSON:
            raise UnsupportedMediaType(f"{content_type[:80]}, this receiver takes {CONTENT_TYPE_JSON}")
        message = read_json(content)
        errors = errors_in(check(message))
        if errors:
            raise NotValid(f"{len(errors)} violations", findings=errors)
        return message

    def _require_ours(self, header: Header) -> None:
        if header.receiver != self._institution:
            raise ReceiverMismatch(f"header.receiver is {header.receiver}, this is {self._institution}")
        if header.test != self._test:
            is_test = {True: "test", False: "production"}
            raise TestMismatch(f"a {is_test[header.test]} message, this receiver takes {is_test[self._test]} messages")

    def _accept(self, message: Json, header: Header) -> tuple[int, bytes]:
        digest, token = content_digest(message), new_message_id()
        # Two senders may have one id: whoever takes another's does not stop its message.
        key = f"{header.sender} {header.message_id}"
        known = self._seen.claim(key, digest, token)
        if known is None:
            return 202, self._receipt(header, self._handled(message, key, token))
        if known.digest != digest:
            raise Conflict(f"message {header.message_id} came before with other content")
        return 200, self._receipt(header, known)

    def _handled(self, message: Json, key: str, token: str) -> Acceptance:
        with ExitStack() as claim:
            claim.callback(self._seen.release, key, token)
            self._handle(message)
            claim.pop_all()
        return self._seen.finish(key, token, timestamp())

    def _receipt(self, header: Header, accepted: Acceptance) -> bytes:
        body = {
            "acceptedMessageId": header.message_id,
            "acceptedAt": accepted.accepted_at,
            "position": str(accepted.position),
            "digest": {"algorithm": "SHA256", "value": accepted.digest},
        }
        return write_json(receipt(self._institution, header.sender, body))
