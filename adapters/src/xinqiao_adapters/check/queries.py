"""The laws of interfaces that ask about messages: each message can be asked about, and is told from others."""

from collections.abc import Iterator

from xinqiao.errors import ContentRefused
from xinqiao.message import Json, derived_message_id
from xinqiao.testing import generated, vector
from xinqiao_adapters.check.samples import said
from xinqiao_adapters.interface import CompiledInterface

__all__ = ["query_problems"]


def query_problems(interface: CompiledInterface, count: int) -> Iterator[str]:
    """Yield what is wrong with the queries about ``count`` generated messages."""
    written: set[bytes] = set()
    for seed in range(count):
        try:
            written.add(interface.encode(_message(interface.spec.message, seed)).content)
        except ContentRefused as error:
            yield f"generated message {seed}: cannot be asked about: {said(error.findings)}"
            return
    if count > 1 and len(written) == 1:
        yield f"the queries about {count} messages are all the same: map what the partner tells messages by"


def _message(body: str, seed: int) -> Json:
    """Return a message with an id of its own, the same one every time."""
    message = generated(body, seed)
    known = vector(body)["header"]
    # A generated instant may be before 1970, which no id of version 7 can say.
    message_id = derived_message_id(known["createdAt"], f"query {seed}")
    return {**message, "header": known | message["header"] | {"messageId": message_id}}
