"""What an institution does, as data: who it is, what it can send, what it sends because of what comes.

One YAML file for each institution in ``institutions``; see ``insurer.yaml`` for a short one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from xinqiao.finding import Text
from xinqiao_conformance.simulators.drafting import Sending
from xinqiao_conformance.simulators.durations import duration

__all__ = ["INSTITUTIONS", "Reply", "Script", "script_of", "sending_of"]

# The institutions that are nothing but a script, and the core, whose script adds to what it does by itself.
INSTITUTIONS = ("bank", "insurer", "wealth", "prepaid", "servicer", "registry", "core")


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent because of a message: where ``when`` holds of it and ``needs`` have been sent in the case.

    ``each``: one for each message of that type in the case that has had none yet. ``after``: a duration, or ``T+n`` for
    the beginning of that day's business, which a virtual clock waits for.
    """

    sending: Sending
    when: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    each: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """What one institution does. ``due``: by which instant a message is due, as a reference of ``drafting``.

    ``shown``: which fields of a message are worth showing to people who watch; none of them says who somebody is.
    """

    name: str
    title: Text
    institution: str
    counterparty: str
    sends: Mapping[str, Sending]
    replies: Mapping[str, tuple[Reply, ...]]
    due: Mapping[str, str]
    shown: Mapping[str, tuple[str, ...]]


@cache
def script_of(name: str) -> Script:
    """Return the script of an institution. Raises ``ValueError`` for one that there is not, or data that is wrong."""
    if name not in INSTITUTIONS:
        raise ValueError(f"no institution {name}; there are {', '.join(INSTITUTIONS)}")
    text = (files(__package__) / "institutions" / f"{name}.yaml").read_text(encoding="utf-8")
    said: dict[str, Any] = yaml.safe_load(text)
    sends = {body: sending_of(body, about) for body, about in said["sends"].items()}
    replies = {body: tuple(map(_reply, several)) for body, several in said.get("replies", {}).items()}
    for reply in (each for several in replies.values() for each in several):
        sends.setdefault(reply.sending.body, reply.sending)
    return Script(
        name=name,
        title=Text(**said["title"]),
        institution=said["institution"],
        counterparty=said["counterparty"],
        sends=sends,
        replies=replies,
        due=said.get("due", {}),
        shown={body: tuple(names) for body, names in said.get("shown", {}).items()},
    )


def sending_of(body: str, about: Mapping[str, Any] | None = None) -> Sending:
    """Return what ``{draft:, example:, set:}`` says of a message type. Raises ``ValueError`` for an unknown draft."""
    about = about or {}
    sending = Sending(body, about.get("draft", ""), about.get("example", ""), about.get("set", {}))
    sending.drafted()
    return sending


def _reply(said: str | dict[str, Any]) -> Reply:
    if isinstance(said, str):
        return Reply(sending_of(said))
    after = said.get("after", "")
    if after and not after.startswith("T+"):
        duration(after)
    sending = sending_of(said["send"], said)
    return Reply(sending, said.get("when", {}), tuple(said.get("needs", ())), said.get("each", ""), after)
