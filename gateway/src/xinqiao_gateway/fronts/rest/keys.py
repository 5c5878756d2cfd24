"""GET /v1/keys: the public keys of the gateway as a JWK set, with those of before for older evidence."""

from typing import Any

import orjson
from starlette.responses import Response

from xinqiao.seal import VerifyingKey
from xinqiao_gateway.gateway import Gateway

__all__ = ["Keys"]


class Keys:
    """The present key comes first; those of before, in ``keys/former``, say ``"former": true``.

    One that signs pushes still, while it is changed, does not say so until that time is over. They are read once: a
    key is changed by a restart. Raises ``KeyUnusable``.
    """

    def __init__(self, gateway: Gateway) -> None:
        installation = gateway.installation
        self._now = gateway.journal.now
        self._overlap = installation.overlap
        self._present, self._former = installation.key.public(), installation.former_keys

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 -- ASGI
        """Serve one request."""
        content = orjson.dumps({"keys": [self._present.jwk(), *map(self._shown, self._former)]})
        await Response(content, media_type="application/json")(scope, receive, send)

    def _shown(self, key: VerifyingKey) -> dict[str, Any]:
        overlap = self._overlap
        signs = overlap is not None and overlap.key.kid == key.kid and overlap.lasts(self._now())
        return key.jwk() | ({} if signs else {"former": True})
