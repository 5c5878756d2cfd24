"""Query and administration: FastAPI, for operators. Contents are shown masked; every path wants the admin token."""

import secrets
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from xinqiao.errors import NotAuthorized
from xinqiao.masking import mask_message
from xinqiao_gateway.fronts.rest.openapi import reference
from xinqiao_gateway.gateway import Gateway

__all__ = ["router"]

_bearer = HTTPBearer(auto_error=False, description="the token in DATA/admin.token")


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


def _authorized(
    gateway: Annotated[Gateway, Depends(_gateway)],
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> None:
    token = given.credentials if given else ""
    if not secrets.compare_digest(token.encode(), gateway.installation.admin_token.encode()):
        raise NotAuthorized("send the admin token as Authorization: Bearer …")


Served = Annotated[Gateway, Depends(_gateway)]
Limit = Annotated[int, Query(ge=1, le=1000)]
Institution = Annotated[str | None, Query(max_length=18, description="code of one of the case's two institutions")]
DeliveryId = Annotated[int, Path(ge=1, le=2**63 - 1)]
DeliveryState = Literal["pending", "leased", "delivered", "dead", "parked", "waiting"]

_REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "A rejection: malformed_query (400), not_authorized (401), not_found (404). A method that a "
        "path does not have is not_found too, not 405.",
        "content": {"application/json": {"schema": reference("Rejection")}},
    }
}

router = APIRouter(prefix="/v1", dependencies=[Depends(_authorized)], responses=_REFUSALS)


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
    """Return a case: its process and state, its messages in order, its exceptions.

    Cases are kept apart by their pair of institutions: of several with one id, that of ``institution`` is shown,
    or the one that changed last.
    """
    return gateway.journal.reading.case(case_id, test, institution)


@router.get("/deliveries", tags=["query"])
def deliveries(gateway: Served, state: DeliveryState | None = None, limit: Limit = 100) -> list[dict[str, Any]]:
    """Return deliveries, latest first, each with what was tried. ``dead`` ones wait for a replay."""
    return gateway.journal.reading.deliveries(state, limit)


@router.post("/deliveries/{delivery_id}/replay", tags=["administration"])
async def replay(gateway: Served, delivery_id: DeliveryId) -> dict[str, str]:
    """Make a dead or parked delivery due now; one of a partner that pulls waits for it again."""
    return {"channel": await gateway.journal.replay(delivery_id, gateway.channels.pushed)}


@router.get("/exceptions", tags=["query"])
def exceptions(
    gateway: Served, state: Literal["open", "replayed"] = "open", limit: Limit = 100
) -> list[dict[str, Any]]:
    """Return what a person must resolve: unexpected facts, funds in suspense, dead letters."""
    return gateway.journal.reading.exceptions(state, limit)
