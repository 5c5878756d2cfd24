"""Between typed messages (``xinqiao.v1``), for people who write code, and canonical JSON."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from protobuf import DescFieldValueMessage, Oneof, message_from_json_value, message_to_json_value

from xinqiao import v1
from xinqiao.errors import NotValid
from xinqiao.finding import errors_in
from xinqiao.message import Json, message_type, new_message_id, timestamp
from xinqiao.standard import STANDARD_VERSION
from xinqiao.v1 import Body
from xinqiao.validation import check

__all__ = ["Body", "from_canonical", "new_header", "to_canonical", "wrap"]


@cache
def _fields() -> Mapping[str, str]:
    """Map the name of each body's type to its field in the oneof."""
    body = next(each for each in v1.Message.desc().oneofs if each.name == "body")
    return {
        field.value.message.type_name: field.name
        for field in body.fields
        if isinstance(field.value, DescFieldValueMessage)
    }


def new_header(sender: str, receiver: str, *, case_id: str | None = None, test: bool | None = None) -> v1.Header:
    """Return a header with a fresh message id, the standard's version and the time; set further fields on it."""
    return v1.Header(
        message_id=new_message_id(),
        standard_version=STANDARD_VERSION,
        sender=sender,
        receiver=receiver,
        case_id=case_id,
        created_at=timestamp(),
        test=test,
    )


def wrap(header: v1.Header, body: Body) -> v1.Message:
    """Return the message of a header and a body: what the ``oneof`` would ask for is read from the body's type."""
    choice: Any = Oneof(field=_fields()[body.desc().type_name], value=body)
    return v1.Message(header=header, body=choice)


def to_canonical(message: v1.Message) -> Json:
    """Return a typed message as canonical JSON."""
    canonical = message_to_json_value(message)
    assert isinstance(canonical, dict)  # noqa: S101 -- a message is an object
    return canonical


def from_canonical(message: Json) -> v1.Message:
    """Return canonical JSON as a typed message.

    Raises ``UnknownMessageType`` or ``UnsupportedVersion``, and ``NotValid`` with findings where a field is unknown
    (it could not cross the encodings), has a type that the standard does not give it, or is written as only protobuf's
    own JSON allows: null, an empty list, a number as text. Such a message would come back as another one.
    """
    message_type(message)
    try:
        typed = message_from_json_value(v1.Message, message)
        same = message_to_json_value(typed) == message
    except (TypeError, ValueError, OverflowError) as error:
        raise _untyped(message) from error
    if not same:
        raise _untyped(message)
    return typed


def _untyped(message: Json) -> NotValid:
    findings = errors_in(check(message, strict=True))
    return NotValid("the message has no typed form", findings=findings)
