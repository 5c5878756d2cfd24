"""Who may use the query and administration API: operators by their own tokens; the admin token, to read."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from xinqiao.errors import NotAuthorized
from xinqiao_gateway.fronts.rest.authority import is_admin_token
from xinqiao_gateway.fronts.rest.openapi import reference
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.operators import Operator

__all__ = ["REFUSALS", "Acting", "Served", "reader"]

_bearer = HTTPBearer(auto_error=False, description="an operator's token, or to read that in DATA/admin.token")
_Given = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]

REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "A rejection: malformed_query (400), not_authorized (401), not_found (404), conflict (409). A "
        "method that a path does not have is not_found too, not 405.",
        "content": {"application/json": {"schema": reference("Rejection")}},
    }
}


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


Served = Annotated[Gateway, Depends(_gateway)]


def reader(gateway: Served, given: _Given) -> None:
    """Let whoever has the admin token or an operator's read. Raises ``NotAuthorized``."""
    token = given.credentials if given else ""
    if not token:
        raise NotAuthorized("send the admin token, or an operator's, as Authorization: Bearer …")
    if not is_admin_token(token, gateway):
        gateway.operators.with_token(token)


def _operator(gateway: Served, given: _Given) -> Operator:
    """Return who acts. Raises ``NotAuthorized``: the admin token is nobody's name."""
    token = given.credentials if given else ""
    if is_admin_token(token, gateway):
        raise NotAuthorized("the admin token only reads; an operator acts, made by: xinqiao-gateway operator add NAME")
    return gateway.operators.with_token(token)


Acting = Annotated[Operator, Depends(_operator)]
