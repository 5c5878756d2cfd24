"""Query and administration: FastAPI, for operators. Contents are shown masked; every path wants the admin token."""

import secrets
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from xinqiao.errors import NotAuthorized
from xinqiao.masking import mask_message
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
DeliveryState = Literal["pending", "leased", "delivered", "dead", "parked", "waiting"]

router = APIRouter(prefix="/v1", dependencies=[Depends(_authorized)])


@router.get("/messages/{message_id}", tags=["query"])
def message(gateway: Served, message_id: Annotated[str, Path(max_length=36)]) -> dict[str, Any]:
    """Return a message, where it stands in the journal and how its delivery goes. C2 and C3 values are masked."""
    found = gateway.journal.reading.message(message_id)
    return found | {"message": mask_message(found["message"], found["message_type"])}


@router.get("/cases", tags=["query"])
def cases(gateway: Served, limit: Limit = 100) -> list[dict[str, Any]]:
    """Return the cases that changed last."""
    return gateway.journal.reading.cases(limit)


@router.get("/cases/{case_id}", tags=["query"])
def case(gateway: Served, case_id: Annotated[str, Path(max_length=64)], test: bool = False) -> dict[str, Any]:
    """Return a case: its process and state, its messages in order, its exceptions."""
    return gateway.journal.reading.case(case_id, test)


@router.get("/deliveries", tags=["query"])
def deliveries(gateway: Served, state: DeliveryState | None = None, limit: Limit = 100) -> list[dict[str, Any]]:
    """Return deliveries, latest first, each with what was tried. ``dead`` ones wait for a replay."""
    return gateway.journal.reading.deliveries(state, limit)


@router.post("/deliveries/{delivery_id}/replay", tags=["administration"])
async def replay(gateway: Served, delivery_id: int) -> dict[str, str]:
    """Make a dead or parked delivery due now."""
    return {"channel": await gateway.journal.replay(delivery_id)}


@router.get("/exceptions", tags=["query"])
def exceptions(
    gateway: Served, state: Literal["open", "replayed"] = "open", limit: Limit = 100
) -> list[dict[str, Any]]:
    """Return what a person must resolve: unexpected facts, funds in suspense, dead letters."""
    return gateway.journal.reading.exceptions(state, limit)
