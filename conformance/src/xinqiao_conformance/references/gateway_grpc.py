"""The reference gateway over gRPC: the same steps and the same answers. Needs grpcio."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NoReturn

import grpc
from protobuf.wkt.google.protobuf.any_pb import Any as Packed

from xinqiao.errors import MalformedQuery, XinqiaoError, error_table
from xinqiao.exchange.v1.exchange_pb import Delivery, SealedMessage, Start, Status, SubmitReply, SubscribeRequest
from xinqiao.exchange.v1.exchange_pb_grpc import ExchangeServiceSync
from xinqiao.message import Json, write_json
from xinqiao.seal import CONTENT_TYPE_JSON, Sealed
from xinqiao.typed import from_canonical
from xinqiao_conformance.references.gateway import ReferenceGateway

__all__ = ["ReferenceExchange", "served"]

_LARGEST = 64 << 20
_CODES = {each.reason: each.grpc_code for each in error_table()}


class ReferenceExchange(ExchangeServiceSync):
    """The service ``Exchange`` of a gateway; ``code`` is a step that a mutant does wrong."""

    def __init__(self, gateway: ReferenceGateway) -> None:
        self._gateway = gateway

    def submit(self, request: SealedMessage, context: Any) -> SubmitReply:  # noqa: ANN401 -- grpcio's own
        """Take one input."""
        sealed = Sealed(request.content, request.content_type, request.signature)
        outcome = self._gateway.accept(request.channel_id, sealed)
        if "rejection" in outcome.message:
            self._refuse(outcome.message, context)
        content = write_json(outcome.message)
        return SubmitReply(content=content, content_type=CONTENT_TYPE_JSON, http_status=outcome.status)

    def subscribe(self, request_iterator: Iterator[SubscribeRequest], context: Any) -> Iterator[Delivery]:  # noqa: ANN401
        """Deliver a page of what waits."""
        asked: Any = next(request_iterator).request
        try:
            sealed, after = self._page(asked.value, dict(context.invocation_metadata()))
        except XinqiaoError as error:
            self._refuse(self._gateway.refuse(error, {}).message, context)
        for number, each in enumerate(sealed, after + 1):
            message = SealedMessage(content=each.content, content_type=each.content_type, signature=each.signature)
            yield Delivery(cursor=str(number), message=message)

    def _page(self, start: Start, metadata: dict[str, str]) -> tuple[Sequence[Sealed], int]:
        party = self._gateway.find(start.channel_id)
        self._gateway.authorise(party, metadata.get("authorization", "").removeprefix("Bearer "))
        if not start.after.isdecimal():
            raise MalformedQuery("after is a cursor")
        after = int(start.after)
        return self._gateway.page(party, after, start.limit)[0], after

    def code(self, reason: str) -> str:
        """Return the code of a reason."""
        return _CODES[reason]

    def _refuse(self, message: Json, context: Any) -> NoReturn:  # noqa: ANN401
        code = grpc.StatusCode[self.code(message["rejection"]["reason"])]
        packed = Packed(type_url="type.googleapis.com/xinqiao.v1.Message", value=from_canonical(message).to_binary())
        details = Status(code=code.value[0], message="refused", details=[packed]).to_binary()
        context.set_trailing_metadata((("grpc-status-details-bin", details),))
        context.abort(code, "refused")
        raise AssertionError("abort raises")


@contextmanager
def served(exchange: ReferenceExchange) -> Iterator[str]:
    """Serve on a free port of this machine; yield ``host:port``."""
    options = [("grpc.max_receive_message_length", _LARGEST), ("grpc.max_metadata_size", 1 << 20)]
    server = grpc.server(ThreadPoolExecutor(2), options=options)
    port = server.add_insecure_port("127.0.0.1:0")
    exchange.add_to_server(server)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait(10)
