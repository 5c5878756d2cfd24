"""The record of a resolution: an ``exceptionNotice`` of the gateway's own institution, journalled as any message."""

from collections.abc import Mapping
from types import MappingProxyType

from xinqiao.finding import Text
from xinqiao.message import Header, Json, content_digest, message_type, new_message_id, write_json
from xinqiao.seal import SigningKey, seal
from xinqiao.standard import STANDARD_VERSION
from xinqiao_gateway.journal import Effect, Entry, Submission
from xinqiao_gateway.resolution.actions import ACTIONS, KINDS

__all__ = ["CHANNEL", "notice", "recorded"]

# The channel of what operators do; no partner's channel may have its name.
CHANNEL = "operations"
# What exceptionNotice.handledBy holds.
_LONGEST_NAMES = 60
# What an item of exceptionNotice.references holds.
_LONGEST_REFERENCE = 64
# The standard's codes for kinds that it knows; all others are OTHER.
_CODES: Mapping[str, str] = MappingProxyType(
    {
        "unexpected_fact": "OUT_OF_ORDER",
        "suspense": "SUSPENSE",
        "dead_letter": "DELIVERY_FAILED",
        "unknown_outcome": "DELIVERY_FAILED",
        "undeliverable": "DELIVERY_FAILED",
        "late": "FILE_LATE",
        "correction": "CORRECTION",
        "suspicion": "DUPLICATE_SUSPECTED",
        "overdue": "MESSAGE_OVERDUE",
        "person_event": "PERSON_EVENT",
        "recording_failed": "RECORDING_FAILED",
        "payment_returned": "PAYMENT_RETURNED",
        "policy_changed": "POLICY_CHANGED",
        "kyc_lost": "EXPIRY",
        "directive": "DIRECTIVE",
    }
)


def notice(institution: str, proposal: Json, exception: Json | None, state: str) -> Json:
    """Return the message that says what was proposed (``IN_HAND``), done or not done (``RESOLVED``, ``OPEN``).

    It was made when the proposal was decided, or else made.
    """
    about = exception or {}
    arguments = proposal["arguments"]
    number = proposal["exception_id"]
    header = {
        "messageId": new_message_id(),
        "standardVersion": STANDARD_VERSION,
        "sender": institution,
        "receiver": institution,
        "caseId": about.get("case_id") or arguments.get("case_id"),
        "correlationId": about.get("message_id"),
        "operator": proposal["checker"] or proposal["maker"],
        "createdAt": proposal["decided_at"] or proposal["proposed_at"],
        "test": about.get("test") or arguments.get("test"),
    }
    kind = about.get("kind") or proposal["action"]
    body = {
        "exceptionNo": str(number) if number is not None else ACTIONS[proposal["action"]].about.upper(),
        "kind": _CODES.get(kind, "OTHER"),
        "state": state,
        "messageId": about.get("message_id"),
        "batchNo": arguments.get("batch"),
        "references": _references(proposal, about),
        "text": _text(kind).as_json(),
        "raisedAt": about.get("raised_at") or proposal["proposed_at"],
        "handledBy": _handled_by(proposal),
        "resolvedAt": proposal["decided_at"] if state == "RESOLVED" else None,
        "resolution": _plain(f"{_step(proposal)} {proposal['action']}: {proposal['reason']}"),
    }
    return {"header": _present(header), "exceptionNotice": _present(body)}


def _handled_by(proposal: Json) -> str:
    """Return who acted, in the 60 characters that the standard has: the checker whole, as much of a maker as fits.

    The maker stands whole in the notice of the proposal.
    """
    maker, checker = proposal["maker"], proposal["checker"]
    return f"{maker[: _LONGEST_NAMES - 1 - len(checker)]}+{checker}" if checker else maker


def _step(proposal: Json) -> str:
    if proposal["checker"] is None:
        return "proposed"
    return "approved" if proposal["approved"] else "declined"


def _plain(text: str) -> str:
    """Return a text that a message can hold: without control characters, 500 characters at the most."""
    return "".join(each if each.isprintable() else " " for each in text)[:500]


def recorded(message: Json, key: SigningKey, effect: Effect, *others: Entry) -> Submission:
    """Return the submission of a notice with what it does (``effect``) and the messages that go with it."""
    canonical = write_json(message)
    content = b"\n".join([*(write_json(each.message) for each in others), canonical])
    content_type = "application/x-ndjson" if others else "application/json"
    entry = Entry(
        header=Header.of(message),
        message_type=message_type(message),
        message=message,
        channel=CHANNEL,
        interface="exception",
        key=message["header"]["messageId"],
        digest=content_digest(message),
        canonical=canonical if others else None,
        destinations=(),
        effect=effect,
    )
    signature = seal(content, content_type, key).signature
    return Submission((*others, entry), content, content_type, signature, atomic=True)


def _references(proposal: Json, exception: Json) -> list[str] | None:
    about = proposal["arguments"]
    named = (("proposal", proposal["proposal_id"]), ("position", exception.get("position")))
    numbered = (*named, ("case", about.get("case_id")))
    found = [f"{what} {number}"[:_LONGEST_REFERENCE] for what, number in numbered if number is not None]
    if "document" in about:  # its SHA-256 alone fills a reference
        found.append(about["document"].removeprefix("sha256:"))
    return found or None


def _text(kind: str) -> Text:
    return KINDS[kind] if kind in KINDS else ACTIONS[kind].text


def _present(part: Json) -> Json:
    return {name: value for name, value in part.items() if value is not None and value is not False}
