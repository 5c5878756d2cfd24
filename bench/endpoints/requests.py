"""The requests that are sent: one KYC of 2.4 KB, each with an id and a case of its own, signed or plain."""

from collections.abc import Callable
from functools import cache

from xinqiao.message import new_message_id, timestamp, write_json
from xinqiao.seal import SIGNATURE_HEADER, SigningKey, seal
from xinqiao.testing import example

__all__ = ["BANK", "TRUST", "Request", "kyc", "plain", "signed"]

BANK, TRUST = "91110000100000000R", "913100001000100012"

# Makes one HTTP request with the bank's key.
Request = Callable[[SigningKey], bytes]


def kyc() -> bytes:
    """Return a message that was not sent before and opens a case."""
    kept, message_id = _template(), new_message_id()
    return kept[1].replace(kept[0].encode(), message_id.encode())


def signed(key: SigningKey) -> bytes:
    """Return a request to the gateway's channel ``bench``."""
    sealed = seal(kyc(), "application/json", key)
    head = f"POST /v1/channels/bench/messages HTTP/1.1\r\nHost: x\r\n{SIGNATURE_HEADER}: {sealed.signature}\r\n"
    return _http(head, sealed.content)


def plain(_key: SigningKey) -> bytes:
    """Return the same message for those who take anything at ``/messages``."""
    return _http("POST /messages HTTP/1.1\r\nHost: x\r\n", kyc())


@cache
def _template() -> tuple[str, bytes]:
    """Return a message, and its id, which stands in it as the case's number too."""
    message_id = new_message_id()
    message = example("kycApplication", messageId=message_id, createdAt=timestamp(), sender=BANK, receiver=TRUST)
    message["header"]["caseId"] = f"BENCH-{message_id}"
    message["header"].pop("channelId", None)
    return message_id, write_json(message)


def _http(head: str, content: bytes) -> bytes:
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content
