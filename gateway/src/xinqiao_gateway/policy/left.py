"""What messages leave for rules on later ones: names and numbers that were replaced, and where money came from.

Both are keyed digests in the marks; the values themselves stay in their messages. What is left depends on no rule's
other conditions, so it is left once, however many rules look for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time

from xinqiao.message import Json
from xinqiao_gateway.policy.comparison import normalised
from xinqiao_gateway.policy.conditions import CHINA, Doubt, found_place
from xinqiao_gateway.policy.judgement import SUPERSEDED, Mark, Past
from xinqiao_gateway.policy.paths import Getter
from xinqiao_gateway.policy.rule import Condition
from xinqiao_gateway.policy.watch_list import Digest

__all__ = ["Leaving", "Lookup", "looked_up"]

_PAYER = "other-than-payer"
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Leaving:
    """What messages of a type (``body``) leave, and the references of earlier marks that they take back."""

    body: str
    marks: Callable[[Json], tuple[Mark, ...]]
    undone: Callable[[Json], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Lookup:
    """A condition in use that looks for what other messages left; of its own message nothing is remembered."""

    says: str
    holds: Callable[[Json, float, Past], bool]


def looked_up(condition: Condition, body: str, digest: Digest) -> tuple[Lookup, Leaving]:
    """Compile ``superseded`` or ``other_than_payer`` for a message type, with what leaves its marks.

    Raises ``Doubt``.
    """
    spec = condition.superseded or condition.other_than_payer
    assert spec is not None  # noqa: S101 -- the caller saw to it
    getters = tuple(_texts_at(body, path, condition.test, "paths", at) for at, path in enumerate(spec.paths))
    if condition.superseded is not None:
        return _superseded(" or ".join(spec.paths), getters, digest)
    return _other_than_payer(" or ".join(spec.paths), getters, digest)


def _texts_at(body: str, path: str, *where: str | int) -> Getter:
    found = found_place(body, path, None, *where)
    schema = found.field.schema
    if "$ref" in schema or schema.get("type", "string") != "string":
        raise Doubt(f"{path} is no text", *where)
    return found.get


def _values(message: Json, getters: tuple[Getter, ...]) -> set[str]:
    return {normalised(str(value)) for get in getters for value in get(message)}


def _is_test(message: Json) -> bool:
    return bool(message["header"].get("test", False))


def _superseded(paths: str, getters: tuple[Getter, ...], digest: Digest) -> tuple[Lookup, Leaving]:
    def key(message: Json, value: str) -> str:
        return digest(f"policy\0{SUPERSEDED}\0{_is_test(message)}\0{value}")

    def reference(message: Json, value: str) -> str:
        # Only who gave a name up takes it back: a namesake does not.
        return digest(f"policy\0{SUPERSEDED} by\0{key(message, value)}\0{message['kycUpdate']['partyId']}")

    def holds(message: Json, at: float, past: Past) -> bool:
        return any(_has_begun(past, key(message, value), at) for value in _values(message, getters))

    def marks(message: Json) -> tuple[Mark, ...]:
        update = message["kycUpdate"]
        # A renewed document keeps its number.
        gone, since = _identity(update, "old") - _identity(update, "new"), _end_of_overlap(update)
        return tuple(
            Mark(SUPERSEDED, key(message, value), reference(message, value), since=since) for value in sorted(gone)
        )

    def undone(message: Json) -> tuple[str, ...]:
        return tuple(reference(message, value) for value in sorted(_identity(message["kycUpdate"], "new")))

    return Lookup(f"{paths} was replaced, and its overlap is over", holds), Leaving("kycUpdate", marks, undone)


def _has_begun(past: Past, key: str, at: float) -> bool:
    """Say whether a mark of a key counts by now: all but those of the future."""
    return past.window(SUPERSEDED, key, 0.0).count > past.window(SUPERSEDED, key, at).count


def _identity(update: Json, age: str) -> set[str]:
    """Return name and document numbers of an update, ``old`` or ``new``, as they are compared."""
    numbers = [each["number"] for each in update.get(f"{age}Documents", ()) if "number" in each]
    name = update.get(f"{age}Name")
    return {normalised(each) for each in [*numbers, *([name] if name else [])]}


def _end_of_overlap(update: Json) -> float:
    """Return when the old ceases to count (Unix seconds): after the overlap's last day, else when the new begins."""
    last = update.get("overlapUntil")
    begins = datetime.combine(date.fromisoformat(last or update["effectiveOn"]), time(), CHINA).timestamp()
    # Added to seconds: 9999-12-31 has no day after it.
    return begins + (_DAY if last else 0)


def _other_than_payer(paths: str, getters: tuple[Getter, ...], digest: Digest) -> tuple[Lookup, Leaving]:
    def key(message: Json, account: str) -> str:
        header = message["header"]
        case = "\0".join((header.get("caseId", ""), *sorted((header["sender"], header["receiver"]))))
        return digest(f"policy\0{_PAYER}\0{_is_test(message)}\0{case}\0{account}")

    def holds(message: Json, _: float, past: Past) -> bool:
        accounts = _values(message, getters)
        return any(not past.window(_PAYER, key(message, account), 0.0).count for account in accounts)

    def marks(message: Json) -> tuple[Mark, ...]:
        entry = message["accountEntry"]
        payer = entry.get("counterparty", {}).get("number")
        if entry["direction"] != "CREDIT" or payer is None or "caseId" not in message["header"]:
            return ()
        return (Mark(_PAYER, key(message, normalised(payer))),)

    says = f"{paths} is not an account that money of the case came from"
    return Lookup(says, holds), Leaving("accountEntry", marks, lambda _: ())
