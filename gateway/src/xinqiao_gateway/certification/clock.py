"""The onboarding clock of a channel: when each stage was reached, how long it took, and who was waited for.

``certification/clock.jsonl`` beside the profile gets a line for each stage when it is reached first, and for each time
that somebody, or what was found, says who is waited for now. The first message is the journal's to tell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import orjson

from xinqiao.errors import SettingsInvalid
from xinqiao.message import Json, timestamp
from xinqiao_gateway.certification.certificate import FOLDER

__all__ = ["STAGES", "Clock", "Party", "Reached", "Stage", "clock_of", "created_at", "reach", "wait_for"]

Stage = Literal["created", "checked", "added", "first_message", "first_green", "certified"]
Party = Literal["partner", "us"]

# Each stage in order, and who has to do something for it: we draft, correct and look, the partner gives its key, sends.
STAGES: Mapping[Stage, Party] = {
    "created": "us",
    "checked": "us",
    "added": "partner",
    "first_message": "partner",
    "first_green": "us",
    "certified": "us",
}
_FILE = "clock.jsonl"
_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Reached:
    """A stage that was reached; ``after``: seconds since the stage before, by who was waited for meanwhile."""

    stage: Stage
    at: datetime
    after: Mapping[Party, float]

    def as_json(self) -> Json:
        """Return it for machines."""
        return {"stage": self.stage, "at": timestamp(self.at), "seconds": _whole(self.after)}


@dataclass(frozen=True, slots=True)
class Clock:
    """The stages that were reached, the one that is ``next``, and who is waited for (nobody at the end) ``since``."""

    reached: tuple[Reached, ...]
    next: Stage | None
    waits_for: Party | None
    since: datetime | None
    seconds: Mapping[Party, float]

    def as_json(self) -> Json:
        """Return it for machines."""
        since = timestamp(self.since) if self.since else None
        now = {"next": self.next, "waits_for": self.waits_for, "since": since, "seconds": _whole(self.seconds)}
        return {"stages": [each.as_json() for each in self.reached]} | now


def reach(folder: Path, *stages: Stage, begin: bool = True) -> None:
    """Record stages of the channel in ``folder`` that are reached now, once each.

    Without ``begin`` nothing is recorded of a channel whose clock nobody began. Raises ``SettingsInvalid``.
    """
    path = folder / FOLDER / _FILE
    if not begin and not path.exists():
        return
    known = {each.get("stage") for each in _lines(path)}
    for stage in stages:
        if stage not in known:
            _append(path, {"at": timestamp(), "stage": stage})


def wait_for(folder: Path, party: Party) -> None:
    """Record who is waited for from now on, until the next stage is reached. Raises ``SettingsInvalid``."""
    path = folder / FOLDER / _FILE
    if [each.get("waits_for") for each in _lines(path)[-1:]] != [party]:
        _append(path, {"at": timestamp(), "waits_for": party})


def _append(path: Path, line: Json) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("ab") as file:
            file.write(orjson.dumps(line) + b"\n")
    except OSError as error:
        raise SettingsInvalid(f"{path} cannot be written: {error.strerror}") from error


def _lines(path: Path) -> list[Json]:
    """Read a clock. Raises ``SettingsInvalid`` where it is none."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST)
        return [_line(each) for each in raw.splitlines()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SettingsInvalid(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsInvalid(f"{path} is no clock: a line of it is not as this gateway writes it") from error


def _line(raw: bytes) -> Json:
    line: Any = orjson.loads(raw)
    datetime.fromisoformat(line["at"])
    if line.get("stage") not in STAGES and line.get("waits_for") not in STAGES.values():
        raise ValueError
    found: Json = line
    return found


def created_at(folder: Path) -> str | None:
    """Return when the channel in ``folder`` was created; None where its clock does not say.

    What the journal has of that id from before is of another channel. Raises ``SettingsInvalid``.
    """
    return next((each["at"] for each in _lines(folder / FOLDER / _FILE) if each.get("stage") == "created"), None)


def clock_of(folder: Path, first_message: str | None, now: datetime | None = None) -> Clock:
    """Return the clock of the channel in ``folder``, whose first message came at an instant, if one did.

    Raises ``SettingsInvalid`` where the file is no clock.
    """
    lines = _lines(folder / FOLDER / _FILE)
    lines += [{"at": first_message, "stage": "first_message"}] if first_message else []
    lines.sort(key=lambda each: datetime.fromisoformat(each["at"]))
    return _timed(lines, now or datetime.now(UTC))


def _timed(lines: Sequence[Json], now: datetime) -> Clock:
    reached: list[Reached] = []
    total: dict[Party, float] = dict.fromkeys(("partner", "us"), 0.0)
    before = dict(total)
    party: Party | None = None
    since: datetime | None = None
    for each in lines:
        at = datetime.fromisoformat(each["at"])
        _add(total, party, since, at)
        if "stage" in each:
            reached.append(Reached(each["stage"], at, {name: total[name] - before[name] for name in total}))
            before = dict(total)
            party = _party_of(_next(reached))
        else:
            party = each["waits_for"] if _next(reached) else None
        since = at
    _add(total, party, since, now)
    following = _next(reached)
    return Clock(tuple(reached), following, party if following else None, since, total)


def _add(total: dict[Party, float], party: Party | None, since: datetime | None, until: datetime) -> None:
    if party is not None and since is not None:
        total[party] += max((until - since).total_seconds(), 0.0)


def _next(reached: Sequence[Reached]) -> Stage | None:
    """Return the stage after the furthest that was reached; what was passed over is not waited for.

    A channel whose clock nobody began was created, too.
    """
    order = list(STAGES)
    furthest = max((order.index(each.stage) for each in reached), default=0)
    return order[furthest + 1] if furthest + 1 < len(order) else None


def _party_of(stage: Stage | None) -> Party | None:
    return STAGES[stage] if stage else None


def _whole(seconds: Mapping[Party, float]) -> dict[str, int]:
    return {name: round(value) for name, value in seconds.items()}
