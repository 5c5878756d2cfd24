"""Whether a request carries the admin token."""

import secrets

from starlette.requests import Request

from xinqiao.errors import NotAuthorized
from xinqiao_gateway.gateway import Gateway

__all__ = ["is_admin", "is_admin_token", "require_admin"]


def is_admin(request: Request, gateway: Gateway) -> bool:
    """Say whether a request may see and do what operators may."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and is_admin_token(token.strip(), gateway)


def is_admin_token(token: str, gateway: Gateway) -> bool:
    """Say whether a token is the admin's, in constant time."""
    return secrets.compare_digest(token.encode(), gateway.installation.admin_token.encode())


def require_admin(request: Request, gateway: Gateway) -> None:
    """Raise ``NotAuthorized`` for one that does not carry it."""
    if not is_admin(request, gateway):
        raise NotAuthorized("send the admin token as Authorization: Bearer …")
