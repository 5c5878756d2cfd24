"""Query and administration: FastAPI, for operators. Contents are shown masked; every path wants a token."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from xinqiao.masking import mask_message
from xinqiao_gateway.fronts.rest.access import REFUSALS, Acting, Served, reader
from xinqiao_gateway.journal import Selection
from xinqiao_gateway.journal.search import Search
from xinqiao_gateway.views import case_view, channels_view, messages_view, replay_view, within

__all__ = ["router"]

router = APIRouter(prefix="/v1", dependencies=[Depends(reader)], responses=REFUSALS)

Limit = Annotated[int, Query(ge=1, le=1000)]
Institution = Annotated[str | None, Query(max_length=18, description="code of one of the case's two institutions")]
Instant = Annotated[str | None, Query(max_length=40, description="ISO 8601, UTC with Z, or a date")]
Word = Annotated[str | None, Query(max_length=64)]
DeliveryId = Annotated[int, Path(ge=1, le=2**63 - 1)]
DeliveryState = Literal["pending", "leased", "delivered", "dead", "parked", "waiting", "held", "skipped"]


class Replay(BaseModel):
    """Which dead deliveries to replay: those that fit everything that is said; ``dry_run`` only lists them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    delivery_id: int | None = Field(default=None, ge=1, le=2**63 - 1)
    message_id: str | None = Field(default=None, max_length=36)
    case: str | None = Field(default=None, max_length=64)
    channel: str | None = Field(default=None, max_length=60)
    since: datetime | None = None
    until: datetime | None = None
    dry_run: bool = False
    reason: str = Field(default="", max_length=400)


@router.get("/messages", tags=["query"])
def messages(
    gateway: Served,
    case_id: Word = None,
    message_id: Word = None,
    message_type: Word = None,
    channel: Word = None,
    partner_serial: Word = None,
    business_date: Word = None,
    replaces: Word = None,
    correlation_id: Word = None,
    test: bool | None = None,
    since: Instant = None,
    until: Instant = None,
    after: Annotated[int, Query(ge=0, le=2**63 - 1, description="position of the last of the page before")] = 0,
    limit: Limit = 100,
) -> list[dict[str, Any]]:
    """Return the messages that fit, in the order of the journal, without contents; at least one field is asked."""
    search = Search(
        case_id, message_id, message_type, channel, partner_serial, business_date, replaces, correlation_id, test,
        since, until, after,
    )  # fmt: skip
    return messages_view(gateway.journal.reading, search, limit)


@router.get("/messages/{message_id}", tags=["query"])
def message(gateway: Served, message_id: Annotated[str, Path(max_length=36)]) -> dict[str, Any]:
    """Return a message, where it stands in the journal and how its delivery goes. C2 and C3 values are masked."""
    found = gateway.journal.reading.message(message_id)
    return found | {"message": mask_message(found["message"], found["message_type"])}


@router.get("/cases", tags=["query"])
def cases(gateway: Served, limit: Limit = 100) -> list[dict[str, Any]]:
    """Return the cases that changed last."""
    return gateway.journal.reading.cases(limit)


@router.get("/cases/{case_id:path}", tags=["query"])
def case(
    gateway: Served,
    case_id: Annotated[str, Path(min_length=1, max_length=64, description="may contain slashes")],
    test: bool = False,
    institution: Institution = None,
) -> dict[str, Any]:
    """Return a case: its state, its timeline, what is expected next and from whom, its items, messages,
    exceptions and missing documents.

    Cases are kept apart by their pair of institutions: of several with one id, that of ``institution`` is shown,
    or the one that changed last.
    """
    reading, known = gateway.journal.reading, (gateway.channels, gateway.documents)
    return case_view(reading, *known, case_id, test=test, institution=institution)


@router.get("/channels", tags=["query"])
def channels(gateway: Served) -> list[dict[str, Any]]:
    """Return the channels: how each is reached, its breaker, what waits for it, its limits."""
    return channels_view(
        gateway.channels, gateway.dispatcher.breakers(), gateway.surveillance.backlog, gateway.journal.now()
    )


@router.get("/deliveries", tags=["query"])
def deliveries(gateway: Served, state: DeliveryState | None = None, limit: Limit = 100) -> list[dict[str, Any]]:
    """Return deliveries, latest first, each with what was tried. ``dead`` and ``held`` ones wait for a person."""
    return gateway.journal.reading.deliveries(state, limit)


@router.post("/deliveries/replay", tags=["administration"])
async def replay_selected(gateway: Served, operator: Acting, wanted: Replay) -> dict[str, Any]:
    """Make dead deliveries due now, in an operator's name, or with ``dry_run`` list them.

    What is held or parked goes out only by a proposal that another operator approves; nothing else goes out again.
    """
    which = (wanted.delivery_id, wanted.message_id, wanted.case, wanted.channel)
    selection = Selection(*which, within(wanted.since), within(wanted.until))
    by = None if wanted.dry_run else operator.name
    return await replay_view(gateway.journal, gateway.channels, selection, by=by, reason=wanted.reason)


@router.post("/deliveries/{delivery_id}/replay", tags=["administration"])
async def replay(gateway: Served, operator: Acting, delivery_id: DeliveryId) -> dict[str, str]:
    """Make a dead delivery due now, in an operator's name; one of a partner that pulls waits for it again."""
    done = await replay_view(gateway.journal, gateway.channels, Selection(delivery_id), by=operator.name)
    return {"channel": done["deliveries"][0]["channel"]}
