"""Messages drawn up for a case: a published example with what makes it this case's own, said as data.

``drafts.yaml`` says for each message type which values of its published example are replaced, and by what: text with
references in braces (see ``references``), or anything else as it is; null leaves a field out.

Where a reference leads to nothing the example keeps its value, so that a message can be drawn up at any time.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from xinqiao.message import Json, message_type, new_message_id, timestamp
from xinqiao.standard import STANDARD_VERSION, message_types
from xinqiao.testing import vectors
from xinqiao_conformance.calendar import CHINA
from xinqiao_conformance.simulators.cases import CaseFile
from xinqiao_conformance.simulators.references import References, place

__all__ = ["CaseFile", "Parties", "Sending", "corrected", "drawn_up", "instant_in"]


@dataclass(frozen=True, slots=True)
class Parties:
    """Who writes to whom, and whether it is test traffic."""

    sender: str
    receiver: str
    test: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """What a message of a type says: the published example of this name (the first by default), with changes.

    ``body``: the whole body instead of an example, where there is a message that it is about: of the type ``about``;
    ``alone``: further changes where there is none.
    """

    example: str = ""
    set: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    about: str = ""
    alone: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sending:
    """What is to be sent: a message type, by its draft or another named one, from another example, with changes."""

    body: str
    draft: str = ""
    example: str = ""
    set: Mapping[str, Any] = field(default_factory=dict)

    def drafted(self) -> Draft:
        """Return the draft with what is said here."""
        found = _draft_of(self.draft or self.body)
        body = None if self.example else found.body
        return Draft(self.example or found.example, {**found.set, **self.set}, body, found.about, found.alone)


@cache
def _drafts() -> Mapping[str, Draft]:
    text = (files(__package__) / "drafts.yaml").read_text(encoding="utf-8")
    return {
        body: Draft(
            said.get("example", ""), said.get("set", {}), said.get("body"), said.get("about", ""), said.get("alone", {})
        )
        for body, said in yaml.safe_load(text).items()
    }


def _draft_of(name: str) -> Draft:
    """Return the draft of a message type, or of another name; what ``drafts.yaml`` does not name is as published.

    Raises ``ValueError`` for the name of a draft that is neither.
    """
    found = _drafts().get(name)
    if found is None and name not in message_types():
        raise ValueError(f"no draft is called {name}")
    return found or Draft()


def drawn_up(
    sending: Sending,
    parties: Parties,
    case: CaseFile,
    at: datetime,
    *,
    asked: Json | None = None,
    of: Json | None = None,
) -> Json:
    """Return a message for a case, as of an instant.

    It answers the message ``of`` that it is about, by default the latest that its draft is about, else ``asked``.
    """
    body, draft = sending.body, sending.drafted()
    of = of or (case.latest(draft.about) if draft.about else None)
    references = References(body, case, at, asked, of)
    if draft.body is not None and of is not None:
        content = references.filled(dict(draft.body))
    else:
        content = copy.deepcopy(_example(body, draft.example))
    changes = draft.set if of is not None else {**draft.alone, **draft.set}
    for path, value in changes.items():
        place(content, path, None if value is None else references.filled(value))
    header: Json = {
        "messageId": new_message_id(),
        "standardVersion": STANDARD_VERSION,
        "sender": parties.sender,
        "receiver": parties.receiver,
        "caseId": case.case_id,
        "businessDate": at.astimezone(CHINA).date().isoformat(),
        "createdAt": timestamp(at),
    }
    about = of or asked
    if about is not None:
        header["correlationId"] = about["header"]["messageId"]
    if parties.test:
        header["test"] = True
    return {"header": header, body: content}


def corrected(message: Json, changes: Mapping[str, Any], at: datetime) -> Json:
    """Return the correction of a message: a further revision that names it, with these values changed."""
    body = message_type(message).body
    correction = copy.deepcopy(message)
    correction["header"] |= {
        "messageId": new_message_id(),
        "createdAt": timestamp(at),
        "revision": message["header"].get("revision", 1) + 1,
        "replaces": message["header"]["messageId"],
    }
    for path, value in changes.items():
        place(correction[body], path, value)
    return correction


def instant_in(reference: str, case: CaseFile, at: datetime) -> datetime | None:
    """Return the instant that a reference leads to, the end of the day where it is a day; None where it is nothing."""
    found = References("", case, at).filled(reference)
    if not isinstance(found, str):
        return None
    if len(found) == len("2026-01-31"):
        return datetime.fromisoformat(found).replace(tzinfo=CHINA) + timedelta(days=1)
    return datetime.fromisoformat(found)


def _example(body: str, name: str) -> Json:
    found = vectors(body)
    chosen = next((each for each in found if each["name"] == name), found[0] if not name else None)
    if chosen is None:
        raise ValueError(f"{body}: no published example {name!r}; there are {', '.join(e['name'] for e in found)}")
    content: Json = chosen["message"][body]
    return content
