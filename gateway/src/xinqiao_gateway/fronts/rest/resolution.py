"""Exceptions, proposals and obligations over HTTP: operators propose and decide with tokens of their own."""

from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from xinqiao_gateway.fronts.rest.access import REFUSALS, Acting, Served, reader
from xinqiao_gateway.resolution import Wish
from xinqiao_gateway.views import exception_view, exceptions_view, obligations_view, proposal_view, proposals_view

__all__ = ["router"]

router = APIRouter(prefix="/v1", dependencies=[Depends(reader)], responses=REFUSALS, tags=["resolution"])

Limit = Annotated[int, Query(ge=1, le=1000)]
After = Annotated[int, Query(ge=0, le=2**63 - 1, description="only those after this number")]
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]


class Asked(BaseModel):
    """What an operator asks for about an exception; ``message`` is that of a supplement or a reversal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: str = Field(max_length=40)
    reason: str = Field(max_length=400)
    message: dict[str, Any] | None = None
    batch: str | None = Field(default=None, max_length=64)


class AskedOfCase(BaseModel):
    """What an operator asks for about a case: ``abandon`` or ``erase``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: Literal["abandon", "erase"]
    case_id: str = Field(max_length=64)
    reason: str = Field(max_length=400)
    test: bool = False
    institution: str | None = Field(default=None, max_length=18)


@router.get("/exceptions")
def exceptions(
    gateway: Served,
    state: Literal["open", "in_hand", "resolved"] | None = None,
    after: After = 0,
    limit: Limit = 100,
) -> list[dict[str, Any]]:
    """Return what a person must resolve, oldest first; without ``state`` all that is unresolved."""
    return exceptions_view(gateway.journal.reading, state, after, limit)


@router.get("/exceptions/{exception_id}")
def exception(gateway: Served, exception_id: Number) -> dict[str, Any]:
    """Return an exception with its deliveries and proposals, and what can be done about it."""
    return exception_view(gateway.journal.reading, exception_id)


@router.post("/exceptions/{exception_id}/proposals", status_code=201)
async def propose(gateway: Served, operator: Acting, exception_id: Number, asked: Asked) -> dict[str, Any]:
    """Propose an action; nothing happens before another operator approves it."""
    content = None if asked.message is None else orjson.dumps(asked.message)
    wish = Wish(asked.action, asked.reason, exception_id, batch=asked.batch, message=content)
    return await gateway.desk.propose(operator, wish)


@router.get("/proposals")
def proposals(
    gateway: Served, state: Literal["open", "approved", "declined", "any"] = "open", limit: Limit = 100
) -> list[dict[str, Any]]:
    """Return proposals, oldest first."""
    return proposals_view(gateway.journal.reading, None if state == "any" else state, limit)


@router.post("/proposals", status_code=201)
async def propose_of_case(gateway: Served, operator: Acting, asked: AskedOfCase) -> dict[str, Any]:
    """Propose to abandon or to erase a case."""
    case_id, institution = asked.case_id, asked.institution
    wish = Wish(asked.action, asked.reason, case_id=case_id, institution=institution, test=asked.test)
    return await gateway.desk.propose(operator, wish)


@router.get("/proposals/{proposal_id}")
def proposal(gateway: Served, proposal_id: Number) -> dict[str, Any]:
    """Return a proposal with its exception, and the message that it would send, masked."""
    return proposal_view(gateway.journal.reading, proposal_id)


@router.post("/proposals/{proposal_id}/approve")
async def approve(gateway: Served, operator: Acting, proposal_id: Number) -> dict[str, Any]:
    """Approve the proposal of another operator: it is done when this answers."""
    return await gateway.desk.decide(operator, proposal_id, approved=True)


@router.post("/proposals/{proposal_id}/decline")
async def decline(gateway: Served, operator: Acting, proposal_id: Number) -> dict[str, Any]:
    """Decline a proposal, or withdraw one's own: nothing is done, and its exception is open again."""
    return await gateway.desk.decide(operator, proposal_id, approved=False)


@router.get("/obligations")
def obligations(
    gateway: Served,
    state: Literal["open", "met", "met_late", "waived"] = "open",
    after: After = 0,
    limit: Limit = 100,
) -> list[dict[str, Any]]:
    """Return messages that must arrive by a time, or that had to."""
    return obligations_view(gateway.journal.reading, state, after, limit)
