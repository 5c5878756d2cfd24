"""The bodies of ``Message``: the message types in the order of their numbers, which is that of the dictionary."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

from protobuf import DescFieldValueMessage

from generate import jsonschema
from xinqiao.standard import MessageType, message_types


class Body(NamedTuple):
    """A message type with its number in ``Message`` and its family."""

    kind: MessageType
    number: int
    family: str


@cache
def bodies() -> tuple[Body, ...]:
    """Return the bodies with what the dictionary says of each."""
    return tuple(
        Body(message_types()[field.json_name], field.number, Path(field.value.message.file.name).stem)
        for field in jsonschema.bodies()
        if isinstance(field.value, DescFieldValueMessage)
    )
