"""What the reference gateway is made of beside its steps: whose channels there are, what waits, what HTTP carries."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import orjson

from xinqiao.errors import (
    MalformedQuery,
)
from xinqiao.message import Json, write_json
from xinqiao.seal import (
    CONTENT_TYPE_JSON,
    Sealed,
    SigningKey,
    new_key,
)
from xinqiao.testing import BANK, INSURER, TRUST_COMPANY
from xinqiao_conformance.benches.web import Request, Response

__all__ = ["Outcome", "Party", "Waiting", "answered", "number_in", "page_of", "parties"]


@dataclass(frozen=True, slots=True)
class Party:
    """Whose a channel is, and the key that seals what comes over it."""

    channel: str
    institution: str
    key: SigningKey


@cache
def parties() -> Mapping[str, Party]:
    """Return the channels of every reference: partner, core and stranger, with keys made for this process."""
    codes = {"partner": BANK, "core": TRUST_COMPANY, "stranger": INSURER}
    return {name: Party(name, code, new_key(f"{name}-1")) for name, code in codes.items()}


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer: its HTTP status, its message, and headers beside the usual ones."""

    status: int
    message: Json
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits to be fetched, as it came."""

    content: bytes
    content_type: str


def answered(outcome: Outcome) -> Response:
    """Return an answer as HTTP carries it."""
    return Response(outcome.status, write_json(outcome.message), CONTENT_TYPE_JSON, outcome.headers)


def page_of(sealed: Sequence[Sealed], cursor: int) -> Response:
    """Return a page of what waits."""
    messages = [
        {
            "content": base64.b64encode(each.content).decode(),
            "contentType": each.content_type,
            "signature": each.signature,
        }
        for each in sealed
    ]
    return Response(200, orjson.dumps({"messages": messages, "cursor": str(cursor)}))


def number_in(request: Request, name: str, default: int, largest: int) -> int:
    """Return a number of a query. Raises ``MalformedQuery``."""
    text = request.query.get(name, str(default))
    least = 1 if name == "limit" else 0
    if not text.isdecimal() or len(text) > 19 or not least <= int(text) <= largest:
        raise MalformedQuery(f"{name} is a whole number from {least} to {largest}")
    return int(text)
