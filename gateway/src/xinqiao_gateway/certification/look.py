"""A look at live traffic: the passive checks over a sample of a channel's exchanges, held against its certificate.

Drift is what the certificate says is met and the traffic breaks.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path

import orjson
import yaml

from xinqiao.errors import SettingsInvalid
from xinqiao.finding import Text
from xinqiao.message import Json, timestamp
from xinqiao.recording import Context, Head, Judged, Recorded
from xinqiao.recording.checking import judged
from xinqiao.recording.checks import checks
from xinqiao.standard import STANDARD_VERSION
from xinqiao_gateway.certification.certificate import FOLDER, Held
from xinqiao_gateway.certification.clock import reach, wait_for
from xinqiao_gateway.certification.traffic import Asked
from xinqiao_gateway.journal.exchanges import Exchange

__all__ = ["Broken", "Look", "Seen", "broken_in", "judged_look", "keep", "last_look"]

_FILE = "look.json"
# What a partner is, seen from its channel; the gateway itself is judged where it is run.
_ROLES = ("sender", "receiver", "file-partner")
# Exchanges that are named for each requirement.
_MOST_NAMED = 20
# What the journal knows as ``rest`` may have come by gRPC.
_TRANSPORTS = {"rest": ("rest", "grpc"), "sftp": ("sftp",)}


@dataclass(frozen=True, slots=True)
class Seen:
    """A sample of a channel's exchanges, each as the journal knows it and as it is recorded, masked."""

    channel: str
    head: Head
    exchanges: Sequence[tuple[Exchange, Recorded]]
    asked: Asked
    whole: bool


@dataclass(frozen=True, slots=True)
class Broken:
    """A requirement that the traffic breaks; ``kits``: those of which the certificate says that they met it.

    ``messages`` are the ids of those that it was seen in, the first ones, out of ``count``; what was expected and seen
    at ``path`` is that of the first, masked. ``since`` and ``first``: when and in which message it was seen first, be
    it by a look before this one.
    """

    requirement: str
    level: str
    check: str
    role: str
    title: Text
    count: int
    messages: tuple[str, ...]
    path: str
    expected: Text
    seen: str
    since: str
    first: str
    kits: tuple[str, ...]

    @property
    def is_drift(self) -> bool:
        """Whether the certificate says that the requirement is met."""
        return bool(self.kits)

    def as_json(self) -> Json:
        """Return it for machines."""
        named = ("requirement", "level", "check", "role", "count", "path", "seen", "since", "first")
        plain = {name: getattr(self, name) for name in named}
        said = {"title": self.title.as_json(), "expected": self.expected.as_json()}
        return plain | said | {"messages": list(self.messages), "drift": self.is_drift, "kits": list(self.kits)}


@dataclass(frozen=True, slots=True)
class Look:
    """What was looked at, and what came of it. ``whole``: the sample was not cut short at its bound."""

    channel: str
    at: str
    asked: Asked
    exchanges: int
    whole: bool
    states: Mapping[str, int]
    broken: tuple[Broken, ...]
    certificate: Held

    @property
    def drift(self) -> tuple[str, ...]:
        """Return the requirements that the certificate says are met and the traffic breaks."""
        return tuple(dict.fromkeys(each.requirement for each in self.broken if each.is_drift))

    @property
    def requirements(self) -> tuple[str, ...]:
        """Return the requirements that the traffic breaks."""
        return tuple(dict.fromkeys(each.requirement for each in self.broken))

    @property
    def is_failed(self) -> bool:
        """Whether the traffic breaks what must be met, or what the certificate says is met."""
        return any(each.level == "MUST" or each.is_drift for each in self.broken)

    @property
    def is_green(self) -> bool:
        """Whether there was something to see and nothing of it failed."""
        return bool(self.states.get("passed")) and not self.is_failed

    def as_json(self) -> Json:
        """Return it for machines."""
        said = {name: getattr(self, name) for name in ("channel", "at", "exchanges", "whole")}
        said |= {name: getattr(self.asked, name) for name in self.asked.__slots__}
        found = {"broken": [each.as_json() for each in self.broken], "drift": list(self.drift)}
        return said | {"checks": dict(self.states)} | found | {"certificate": self.certificate.as_json()}


def judged_look(seen: Seen, held: Held, before: Json | None) -> Look:
    """Run the checks over what was seen of a channel, and hold what they find against its certificate.

    ``before`` is the last look at the channel, as it was kept.
    """
    now = timestamp(datetime.now(UTC))
    found = list(_judged(seen, now))
    states = [each.state for _, each in found]
    broken = (_broken(each, role, seen, held) for role, each in found if each.state == "failed")
    return Look(
        channel=seen.channel,
        at=now,
        asked=seen.asked,
        exchanges=len(seen.exchanges),
        whole=seen.whole,
        states={name: states.count(name) for name in ("passed", "failed", "not_observable", "not_seen")},
        broken=tuple(_since(each, before) for each in broken),
        certificate=held,
    )


def _judged(seen: Seen, now: str) -> Iterator[tuple[str, Judged]]:
    """Yield what each check of a partner's roles says, once, with the first role that it is of."""
    recorded = [replace(each, number=number) for number, (_, each) in enumerate(seen.exchanges, 1)]
    # Nothing came until now: who is silent altogether leaves a message waiting, too.
    recorded.append(Recorded("peer", "rest", None, now, number=len(recorded) + 1))
    # Each remembers what validation found in a message, which many checks ask for.
    contexts = {role: Context(seen.head, role, patience=seen.asked.patience) for role in _ROLES}
    for each in checks().values():
        role = next((role for role in _ROLES if role in each.roles), None)
        if role is not None:
            yield role, judged(each, recorded, contexts[role])


def _broken(judged: Judged, role: str, seen: Seen, held: Held) -> Broken:
    about, first = judged.check, judged.found[0]
    where = [seen.exchanges[each.exchange - 1] for each in judged.found]
    messages = list(dict.fromkeys(exchange.message_id for exchange, _ in where))
    ways = {way for _, recorded in where for way in _TRANSPORTS.get(recorded.transport, ())}
    return Broken(
        requirement=about.requirement,
        level=_levels()[about.requirement],
        check=about.id,
        role=role,
        title=about.title,
        count=len(judged.found),
        messages=tuple(messages[:_MOST_NAMED]),
        path=first.path,
        expected=first.expected,
        seen=first.seen,
        since=where[0][0].at,
        first=messages[0],
        kits=tuple(kit for kit in held.met.get(about.requirement, ()) if _is_of(kit, about.roles, ways)),
    )


def _is_of(kit: str, roles: frozenset[str], ways: set[str]) -> bool:
    """Say whether a kit is of one of the roles and ways; of which business a message is, no journal says."""
    return kit.partition("/")[0] in roles and kit.rpartition("/")[2] in ways


@cache
def _levels() -> Mapping[str, str]:
    resource = files("xinqiao") / "schemas" / "requirements" / f"{STANDARD_VERSION}.yaml"
    return {each["id"]: each["level"] for each in yaml.safe_load(resource.read_bytes())["requirements"]}


def _since(broken: Broken, before: Json | None) -> Broken:
    """Return it with when it was seen first, where the look before saw it already."""
    for each in before["broken"] if before else ():
        if each["check"] == broken.check and each["since"] < broken.since:
            return replace(broken, since=each["since"], first=each["first"])
    return broken


def keep(folder: Path, look: Look) -> None:
    """Keep the last look beside a channel's profile, whole or not at all, and turn the onboarding clock by it.

    What was broken at the look before turns no clock again: somebody may have said since who is waited for. Raises
    ``SettingsInvalid`` where nothing can be written there.
    """
    beside, before = folder / FOLDER, last_look(folder)
    made = beside / f".{os.getpid()}-{_FILE}"
    try:
        beside.mkdir(exist_ok=True)
        made.write_bytes(orjson.dumps(look.as_json(), option=orjson.OPT_INDENT_2) + b"\n")
        made.replace(beside / _FILE)
    except OSError as error:
        raise SettingsInvalid(f"{beside / _FILE} cannot be written: {error.strerror}") from error
    if look.is_green:
        reach(folder, "first_green")
    elif look.is_failed and set(look.requirements) - set(broken_in(before) if before else ()):
        wait_for(folder, "partner")


def last_look(folder: Path) -> Json | None:
    """Return the last look at a channel as it was kept; None where nobody looked, or the file is no look."""
    try:
        found = orjson.loads((folder / FOLDER / _FILE).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    return found if _is_look(found) else None


def _is_look(found: object) -> bool:
    """Say whether something is a look as ``keep`` writes it, and not that of another version."""
    broken = found.get("broken") if isinstance(found, dict) and {"at", "drift"} <= found.keys() else None
    named = {"requirement", "check", "since", "first"}
    return isinstance(broken, list) and all(isinstance(each, dict) and named <= each.keys() for each in broken)


def broken_in(look: Json) -> list[str]:
    """Return the requirements that a look that was kept found broken."""
    return list(dict.fromkeys(each["requirement"] for each in look["broken"]))
