"""A look at live traffic: the passive checks over a sample of a channel's exchanges, held against its certificate.

Drift is what the certificate says is met and the traffic breaks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import orjson

from xinqiao.finding import Text
from xinqiao.message import Json, timestamp
from xinqiao.recording import Context, Head, Judged, Recorded
from xinqiao.recording.checking import judged
from xinqiao.recording.checks import checks
from xinqiao_gateway.certification.certificate import FOLDER, Held
from xinqiao_gateway.journal.exchanges import Exchange

__all__ = ["Broken", "Look", "Seen", "broken_in", "judged_look", "last_look", "write_look"]

_FILE = "look.json"
# What a partner is, seen from its channel; the gateway itself is judged where it is run.
_ROLES = ("sender", "receiver", "file-partner")
# Exchanges that are named for each requirement.
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Seen:
    """A sample of a channel's exchanges, each as the journal knows it and as it is recorded, masked."""

    channel: str
    head: Head
    exchanges: Sequence[tuple[Exchange, Recorded]]
    since: str
    share: float
    patience: float
    whole: bool


@dataclass(frozen=True, slots=True)
class Broken:
    """A requirement that the traffic breaks; ``drift``: the certificate says that it is met.

    ``messages`` are the ids of those that it was seen in, the first ones, out of ``count``; what was expected and seen
    at ``path`` is that of the first, masked.
    """

    requirement: str
    check: str
    role: str
    title: Text
    count: int
    messages: tuple[str, ...]
    path: str
    expected: Text
    seen: str
    drift: bool

    def as_json(self) -> Json:
        """Return it for machines."""
        plain = {name: getattr(self, name) for name in ("requirement", "check", "role", "count", "path", "seen")}
        said = {"title": self.title.as_json(), "expected": self.expected.as_json()}
        return plain | said | {"messages": list(self.messages), "drift": self.drift}


@dataclass(frozen=True, slots=True)
class Look:
    """What was looked at, and what came of it. ``whole``: the sample was not cut short at its bound."""

    channel: str
    at: str
    since: str
    share: float
    exchanges: int
    whole: bool
    states: Mapping[str, int]
    broken: tuple[Broken, ...]
    certificate: Held

    @property
    def drift(self) -> tuple[str, ...]:
        """Return the requirements that the certificate says are met and the traffic breaks."""
        return tuple(dict.fromkeys(each.requirement for each in self.broken if each.drift))

    @property
    def requirements(self) -> tuple[str, ...]:
        """Return the requirements that the traffic breaks."""
        return tuple(dict.fromkeys(each.requirement for each in self.broken))

    @property
    def is_green(self) -> bool:
        """Whether there was something to see and nothing of it broke a requirement."""
        return bool(self.states.get("passed")) and not self.broken

    def as_json(self) -> Json:
        """Return it for machines."""
        named = ("channel", "at", "since", "share", "exchanges", "whole")
        said = {name: getattr(self, name) for name in named}
        found = {"broken": [each.as_json() for each in self.broken], "drift": list(self.drift)}
        return said | {"checks": dict(self.states)} | found | {"certificate": self.certificate.as_json()}


def judged_look(seen: Seen, held: Held) -> Look:
    """Run the checks over what was seen of a channel, and hold what they find against its certificate."""
    found = list(_judged(seen))
    states = [each.state for _, each in found]
    return Look(
        channel=seen.channel,
        at=timestamp(datetime.now(UTC)),
        since=seen.since,
        share=seen.share,
        exchanges=len(seen.exchanges),
        whole=seen.whole,
        states={name: states.count(name) for name in ("passed", "failed", "not_observable", "not_seen")},
        broken=tuple(_broken(each, role, seen, held) for role, each in found if each.state == "failed"),
        certificate=held,
    )


def _judged(seen: Seen) -> Iterator[tuple[str, Judged]]:
    """Yield what each check of a partner's roles says, once, with the first role that it is of."""
    recorded = [replace(each, number=number) for number, (_, each) in enumerate(seen.exchanges, 1)]
    # Each remembers what validation found in a message, which many checks ask for.
    contexts = {role: Context(seen.head, role, patience=seen.patience) for role in _ROLES}
    for each in checks().values():
        role = next((role for role in _ROLES if role in each.roles), None)
        if role is not None:
            yield role, judged(each, recorded, contexts[role])


def _broken(judged: Judged, role: str, seen: Seen, held: Held) -> Broken:
    about, first = judged.check, judged.found[0]
    seen_in = dict.fromkeys(seen.exchanges[each.exchange - 1][0].message_id for each in judged.found)
    return Broken(
        requirement=about.requirement,
        check=about.id,
        role=role,
        title=about.title,
        count=len(judged.found),
        messages=tuple(seen_in)[:_MOST_NAMED],
        path=first.path,
        expected=first.expected,
        seen=first.seen,
        drift=any((each, about.requirement) in held.met for each in about.roles),
    )


def write_look(folder: Path, look: Look) -> None:
    """Keep the last look beside a channel's profile, whole or not at all."""
    beside = folder / FOLDER
    beside.mkdir(exist_ok=True)
    made = beside / f".{_FILE}"
    made.write_bytes(orjson.dumps(look.as_json(), option=orjson.OPT_INDENT_2) + b"\n")
    made.replace(beside / _FILE)


def last_look(folder: Path) -> Json | None:
    """Return the last look at a channel as it was kept; None where nobody looked, or the file is no look."""
    try:
        found = orjson.loads((folder / FOLDER / _FILE).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    return found if isinstance(found, dict) and {"at", "broken", "drift"} <= found.keys() else None


def broken_in(look: Json) -> list[str]:
    """Return the requirements that a look that was kept found broken."""
    return list(dict.fromkeys(each["requirement"] for each in look["broken"]))
