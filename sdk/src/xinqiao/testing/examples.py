"""Valid example messages of every type, for tests and demonstrations: one coherent family trust.

The messages are data (``schemas/vectors/messages``): a settlor, his wife and two children, a bank, a trust
company and an insurer, all fictitious.
"""

import copy
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from xinqiao.message import Json, new_message_id, timestamp
from xinqiao.standard import MessageType, message_types

__all__ = [
    "BANK",
    "CASE_ID",
    "INSURER",
    "TRUST_COMPANY",
    "example",
    "kind_of",
    "patched",
    "rule_vectors",
    "vector",
    "vectors",
]

CASE_ID = "CASE-2026-0001"
TRUST_COMPANY = "913100001000100012"
BANK = "91110000100000000R"
INSURER = "91110000100020002F"


def kind_of(body: str) -> MessageType:
    """Return a message type by its body key; raise ``KeyError`` for a body that the standard does not have."""
    if body not in message_types():
        near = get_close_matches(body, message_types(), n=3)
        raise KeyError(f"{body} is no body of the standard; near to it: {', '.join(near) or 'none'}")
    return message_types()[body]


@cache
def _read(body: str) -> bytes:
    kind_of(body)
    return (files("xinqiao") / "schemas" / "vectors" / "messages" / f"{body}.json").read_bytes()


def vector(body: str) -> Json:
    """Return the first published example of a message type by its body key."""
    message: Json = vectors(body)[0]["message"]
    return message


def vectors(body: str) -> list[Json]:
    """Return the published valid messages of a type by its body key: ``{"name": …, "message": …}`` each."""
    found: list[Json] = orjson.loads(_read(body))["valid"]
    return found


def example(body: str, **header: object) -> Json:
    """Return a valid message of a type by its body key (``kycApplication``), with a fresh id and time.

    Keywords set header fields, in snake_case or as in JSON (``case_id="CASE-2"``); None removes one. Raises
    ``KeyError`` for a body that the standard does not have.
    """
    message = vector(body)
    fields: dict[str, object] = {"messageId": new_message_id(), "createdAt": timestamp()}
    fields |= {_camel(name): value for name, value in header.items()}
    merged = {**message["header"], **fields}
    message["header"] = {name: value for name, value in merged.items() if value is not None}
    return message


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)


def rule_vectors() -> Mapping[str, Json]:
    """Return the kept and broken examples of every rule by its id.

    Each is ``{"base": <body key>, "kept": [{"name", "patch"}], "broken": [{"name", "patch", "paths"}]}``; a patch
    applies to the published example of ``base`` (RFC 6902: add, replace, remove), ``paths`` are where the rule
    finds a breach.
    """
    folder = files("xinqiao") / "schemas" / "vectors" / "rules"
    return {entry.name.removesuffix(".json"): orjson.loads(entry.read_bytes()) for entry in folder.iterdir()}


def patched(message: Json, patch: Sequence[Mapping[str, Any]]) -> Json:
    """Return a copy of a message with a JSON Patch (RFC 6902: ``add``, ``replace``, ``remove``) applied."""
    changed = copy.deepcopy(message)
    for step in patch:
        _apply(changed, step)
    return changed


def _apply(message: Json, step: Mapping[str, Any]) -> None:
    *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in step["path"].split("/")[1:]]
    target: Any = message
    for part in parents:
        target = target[int(part) if isinstance(target, list) else part]
    key: Any = int(last) if isinstance(target, list) and last != "-" else last
    match step["op"]:
        case "remove":
            del target[key]
        case "add" if isinstance(target, list):
            target.insert(len(target) if key == "-" else key, copy.deepcopy(step["value"]))
        case "add":
            target[key] = copy.deepcopy(step["value"])
        case "replace":
            target[key]
            target[key] = copy.deepcopy(step["value"])
        case other:
            raise ValueError(f"a patch of vectors knows add, replace and remove, not {other}")
