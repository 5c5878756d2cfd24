"""What the sender of a request hears that was turned back: a ``requestResult``, where its channel takes one."""

from xinqiao.errors import NoRoute, ReceiverMismatch
from xinqiao.message import Header, Json, content_digest, message_type, new_message_id, write_json
from xinqiao.standard import STANDARD_VERSION
from xinqiao_gateway.channels import Channels
from xinqiao_gateway.journal import Entry
from xinqiao_gateway.processes import item_ids

__all__ = ["entry_of", "refusal_of"]


def refusal_of(channels: Channels, channel: str, request: Json, reason: str | None, at: str) -> Entry | None:
    """Return what tells a request's sender that it was turned back; None for a fact, or where nothing takes it.

    ``reason`` is None where it must not be told: nobody is tipped off about a watch list. ``at``: when it was turned
    back, as the standard writes it. It is of no case: the request never moved its case, so that its refusal must not
    either.
    """
    kind, header = message_type(request), Header.of(request)
    if kind.message_class != "REQUEST":
        return None
    result = _result(header, _number(header, kind.body, request), reason, at)
    try:
        return entry_of(channels, channel, result, "result")
    except (NoRoute, ReceiverMismatch):
        return None


def _number(header: Header, body: str, request: Json) -> str:
    """Return the request's own number: that of its item, of the partner, or of the message."""
    items = item_ids(header.case_id or "", body, request)
    number = items[0].partition(":")[2] if items else header.partner_serial
    return (number or header.message_id)[:64]


def _result(header: Header, number: str, reason: str | None, at: str) -> Json:
    why = {"code": "OTHER"} | ({"text": reason} if reason else {})
    about = {
        "messageId": new_message_id(),
        "standardVersion": STANDARD_VERSION,
        "sender": header.receiver,
        "receiver": header.sender,
        "correlationId": header.message_id,
        "createdAt": at,
    }
    body = {
        "requestMessage": header.message_id,
        "businessNo": number,
        "outcome": "REJECTED",
        "reasons": [why],
        "decidedAt": at,
    }
    return {"header": about | ({"test": True} if header.test else {}), "requestResult": body}


def entry_of(channels: Channels, channel: str, message: Json, interface: str) -> Entry:
    """Return the entry of a message that operators send. Raises ``NoRoute`` or ``ReceiverMismatch``."""
    header, kind = Header.of(message), message_type(message)
    return Entry(
        header=header,
        message_type=kind,
        message=message,
        channel=channel,
        interface=interface,
        key=header.message_id,
        digest=content_digest(message),
        canonical=write_json(message),
        destinations=channels.route(header, kind),
    )
