"""The suite's own gateway over gRPC: the same answers as over HTTP, said as the service ``Exchange`` says them.

Needs grpcio. Streams are not served: a sender that asks for one is told so and sends its messages one by one.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import orjson
from protobuf.wkt.google.protobuf.any_pb import Any

from xinqiao.errors import error_table
from xinqiao.exchange.v1.exchange_pb import SealedMessage, Status, SubmitReply
from xinqiao.exchange.v1.exchange_pb_grpc import ExchangeServiceSync
from xinqiao.message import Json
from xinqiao.seal import Sealed
from xinqiao.typed import from_canonical
from xinqiao_conformance.benches.listening import Listening
from xinqiao_conformance.benches.web import Response

__all__ = ["grpc_server"]

_MOST_BYTES = 8 << 20
_AT_ONCE = 16
_ENDING = 2.0
_MESSAGE = "type.googleapis.com/xinqiao.v1.Message"


class _Service(ExchangeServiceSync):
    def __init__(self, gateway: Listening) -> None:
        self._gateway = gateway

    def submit(self, request: SealedMessage, context: grpc.ServicerContext) -> SubmitReply:
        """Take one input."""
        response = self._gateway.take(
            request.channel_id, Sealed(request.content, request.content_type, request.signature)
        )
        if response is None:
            context.abort(grpc.StatusCode.UNAVAILABLE, "the connection is lost")
            raise AssertionError  # abort never returns
        if response.status < 300:
            return SubmitReply(
                tag=request.tag,
                content=response.body,
                content_type=response.content_type,
                http_status=response.status,
            )
        code, metadata = _refusal(response)
        context.set_trailing_metadata(metadata)
        context.abort(code, "refused")
        raise AssertionError  # as above


def _refusal(response: Response) -> tuple[grpc.StatusCode, tuple[tuple[str, str | bytes], ...]]:
    """Return the code of a refusal, and the rejection as details; of a proxy's page there are none."""
    if response.content_type != "application/json":
        return grpc.StatusCode.UNAVAILABLE, ()
    message: Json = orjson.loads(response.body)
    said = message["rejection"]
    of_table = (each.grpc_code for each in error_table() if each.reason == said["reason"])
    code = grpc.StatusCode[next(of_table, "UNAVAILABLE" if said["retryable"] else "FAILED_PRECONDITION")]
    details = [Any(type_url=_MESSAGE, value=from_canonical(message).to_binary())]
    status = Status(code=code.value[0], message="refused", details=details).to_binary()
    later = (("retry-after", value) for name, value in response.headers.items() if name == "Retry-After")
    return code, (("grpc-status-details-bin", status), *later)


@contextmanager
def grpc_server(gateway: Listening, port: int) -> Iterator[str]:
    """Serve on this machine, on a free port where it is 0, and yield the address. Raises ``OSError``."""
    options = [("grpc.max_receive_message_length", _MOST_BYTES), ("grpc.so_reuseport", 0)]
    server = grpc.server(ThreadPoolExecutor(_AT_ONCE), options=options)
    _Service(gateway).add_to_server(server)
    try:
        bound = server.add_insecure_port(f"127.0.0.1:{port}")
    except RuntimeError as error:
        raise OSError(f"port {port} cannot be used: {error}") from error
    server.start()
    try:
        yield f"grpc://127.0.0.1:{bound}"
    finally:
        server.stop(_ENDING).wait(_ENDING)
