"""What operators see, built once for the command line and the API: exceptions, proposals, cases, obligations, channels.

Contents of messages are masked; everything else is ids, states and times.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime

from xinqiao.errors import Conflict, ContentGone, MalformedQuery, NotFound
from xinqiao.masking import mask_message
from xinqiao.message import Json, message_type, read_json
from xinqiao_gateway.calendars import CHINA
from xinqiao_gateway.channels import Channels
from xinqiao_gateway.delivery.breaker import Breaker
from xinqiao_gateway.documents import Documents
from xinqiao_gateway.journal import Journal, Selection
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.journal.listing import (
    exception_in_full,
    exceptions,
    exceptions_at,
    obligations_in,
    proposal,
    proposals_in,
    waiting_for,
)
from xinqiao_gateway.journal.reading import Reading
from xinqiao_gateway.journal.search import Search, found
from xinqiao_gateway.journal.timeline import messages_at, timeline
from xinqiao_gateway.resolution import ACTIONS, KINDS, explained, possible
from xinqiao_gateway.resolution.affected import affected_orders

__all__ = [
    "case_view",
    "channels_view",
    "exception_view",
    "exceptions_view",
    "messages_view",
    "obligations_view",
    "proposal_view",
    "proposals_view",
    "replay_view",
    "titled",
    "within",
]


def exceptions_view(reading: Reading, state: str | None = None, after: int = 0, limit: int = 100) -> list[Json]:
    """Return exceptions in a state (None: all that are not resolved), oldest first, after one."""
    return [titled(each) for each in exceptions(reading, state, after, limit)]


def exception_view(reading: Reading, exception_id: int) -> Json:
    """Return an exception with its deliveries and proposals, and what can be done about it.

    ``affected_orders`` are the confirmations that were struck at a NAV which was corrected; None for any other
    exception, and where one of the contents is gone. Raises ``NotFound``.
    """
    shown = exception_in_full(reading, exception_id)
    names = possible(shown["kind"], shown["waits"]) if shown["state"] == "open" else []
    actions = [
        {"action": name, "text": ACTIONS[name].text.as_json(), "message": ACTIONS[name].message} for name in names
    ]
    return titled(shown) | {"actions": actions, "affected_orders": _affected(reading, shown)}


def _affected(reading: Reading, exception: Json) -> list[Json] | None:
    if exception["kind"] != "correction" or exception["message_type"] != "navReport":
        return None
    try:
        with reading.engine.begin() as connection:
            nav = reading.at(connection, exception["position"])
        return affected_orders(reading, nav)
    except ContentGone:
        return None


def titled(exception: Json) -> Json:
    """Return an exception with the words of people for its kind."""
    text = KINDS.get(exception["kind"])
    return exception | {"title": text.as_json() if text else None}


def proposal_view(reading: Reading, proposal_id: int) -> Json:
    """Return a proposal with its exception and the message that it would send, masked. Raises ``NotFound``."""
    shown, content = proposal(reading, proposal_id)
    about = shown["exception_id"]
    message = None
    if content is not None:
        sent = read_json(content)
        message = mask_message(sent, message_type(sent).body)
    exception = None if about is None else titled(exception_in_full(reading, about))
    return explained(shown) | {"exception": exception, "message": message}


def proposals_view(reading: Reading, state: str | None = "open", limit: int = 100) -> list[Json]:
    """Return proposals in a state (None: any), oldest first."""
    return [explained(each) for each in proposals_in(reading, state, limit)]


def case_view(
    reading: Reading,
    channels: Channels,
    documents: Documents,
    case_id: str,
    *,
    test: bool = False,
    institution: str | None = None,
) -> Json:
    """Return a case with its timeline, what is expected next, from whom, and which documents are missing.

    See ``timeline``. Raises ``NotFound``.
    """
    shown = timeline(reading, case_id, test, institution, _names(channels))
    messages = messages_at(reading, (each["position"] for each in shown["messages"]))
    missing = [{"position": at, "document": each} for at, message in messages for each in documents.missing(message)]
    return shown | {"missing_documents": missing}


def obligations_view(reading: Reading, state: str = "open", after: int = 0, limit: int = 100) -> list[Json]:
    """Return obligations in a state, with the instant that each is due at."""
    rows = (asdict(each) for each in obligations_in(reading, state, after, limit))
    return [row | {"due_at": written(row["due_at"])} for row in rows]


def channels_view(
    channels: Channels, breakers: Mapping[str, Breaker], backlog: Callable[[str], int], now: float
) -> list[Json]:
    """Return the channels: how each is reached, its breaker (None where the partner pulls), its backlog and limits."""
    return [
        {
            "channel": each.channel_id,
            "institution": each.institution_code,
            "name": each.channel.profile.institution.name,
            "test": each.test,
            "push": each.push is not None,
            "breaker": _breaker(breakers.get(each.channel_id), now),
            "backlog": backlog(each.channel_id),
            "limits": each.channel.profile.limits.model_dump(exclude_defaults=True),
        }
        for each in channels
    ]


def _breaker(breaker: Breaker | None, now: float) -> Json | None:
    if breaker is None:
        return None
    return {"state": breaker.state(now), "failures": breaker.failures, "seconds_left": round(breaker.left(now), 1)}


async def replay_view(
    journal: Journal, channels: Channels, selection: Selection, *, by: str | None, reason: str = ""
) -> Json:
    """Replay what a selection finds and return it as it was before; without ``by``, an operator, nothing is changed.

    Raises ``NotFound`` where it finds nothing by an id, ``Conflict`` where that is parked or held: two operators decide
    on it.
    """
    chosen = await journal.selected(selection)
    if not chosen.count and (selection.delivery_id is not None or selection.message_id is not None):
        await _refuse(journal, selection)
    count = (
        chosen.count if by is None else await journal.replay_selected(selection, channels.pushed, by=by, reason=reason)
    )
    return {"dry_run": by is None, "count": count, "deliveries": list(chosen.deliveries)}


async def _refuse(journal: Journal, selection: Selection) -> None:
    """Say why what is named is not replayed. Raises ``NotFound``, ``Conflict``."""
    waits = await journal.read(waiting_for, journal.reading, selection.delivery_id, selection.message_id)
    for state, actions in (("parked", "release or decline"), ("held", "resend, skip or confirm")):
        if state in waits:
            numbers = await journal.read(exceptions_at, journal.reading, waits[state])
            named = ", ".join(str(each) for each in numbers) or "none"
            raise Conflict(f"it is {state} and waits for a person: resolve its exception ({named}) with {actions}")
    raise NotFound("nothing that is named is dead; see what it is: journal deliveries")


def within(moment: datetime | None) -> float | None:
    """Return a moment in Unix seconds; one without an offset is China time."""
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=CHINA)).timestamp()


def messages_view(reading: Reading, search: Search, limit: int = 100) -> list[Json]:
    """Return the messages that fit, without their contents. Raises ``MalformedQuery`` where that is everything."""
    if search.is_empty:
        raise MalformedQuery("say which: case_id, message_id, message_type, channel, partner_serial, … or since")
    return found(reading, search, limit)


def _names(channels: Channels) -> Mapping[str, str]:
    """Return the names of institutions by their codes, as the channels' profiles say them."""
    return {each.institution_code: each.channel.profile.institution.name for each in channels}
