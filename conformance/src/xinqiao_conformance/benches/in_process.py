"""Clients of applications in this process, without a socket: the suite's own references and mutants are run so."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from xinqiao_conformance.benches.web import Handle, Request

__all__ = ["in_process"]

_HOST = "http://in-process"


class _Transport(httpx.BaseTransport):
    """Calls what would otherwise be served."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Request(request.method, request.url.path, dict(request.url.params), headers, request.read())
        answer = self._handle(asked)
        if answer is None:
            raise httpx.RemoteProtocolError("the connection was dropped", request=request)
        answered = {"Content-Type": answer.content_type, **answer.headers}
        return httpx.Response(answer.status, headers=answered, content=answer.body)


@contextmanager
def in_process(handle: Handle) -> Iterator[httpx.Client]:
    """Yield a client whose requests are handled here."""
    with httpx.Client(transport=_Transport(handle), base_url=_HOST) as client:
        yield client
