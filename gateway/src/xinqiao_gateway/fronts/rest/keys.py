"""GET /v1/keys: the public keys of the gateway as a JWK set, with those of before for older evidence."""

from typing import Any

import orjson
from starlette.responses import Response

from xinqiao_gateway.gateway import Gateway

__all__ = ["Keys"]


class Keys:
    """The present key comes first; those of before, in ``keys/former``, say ``"former": true``.

    They are read once: a key is changed by a restart. Raises ``KeyUnusable``.
    """

    def __init__(self, gateway: Gateway) -> None:
        installation = gateway.installation
        former = [key.jwk() | {"former": True} for key in installation.former_keys]
        self._content = orjson.dumps({"keys": [installation.key.public().jwk(), *former]})

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 -- ASGI
        """Serve one request."""
        await Response(self._content, media_type="application/json")(scope, receive, send)
