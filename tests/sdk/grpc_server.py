"""A real gRPC server for tests, made of the generated stub: it answers from a function and remembers what it got."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
from protobuf.wkt.google.protobuf.any_pb import Any as Packed

from xinqiao.errors import XinqiaoError
from xinqiao.exchange.v1.exchange_pb import Delivery, SealedMessage, Status, SubmitReply, SubscribeRequest
from xinqiao.exchange.v1.exchange_pb_grpc import ExchangeServiceSync
from xinqiao.message import write_json
from xinqiao.outcome import rejection
from xinqiao.testing import BANK, TRUST_COMPANY, vector
from xinqiao.typed import from_canonical

__all__ = ["Broken", "Refusal", "Said", "Served", "accepted", "serving"]


@dataclass(frozen=True, slots=True)
class Broken:
    """A call ends with a status alone, as a proxy or gRPC itself ends it."""

    code: grpc.StatusCode
    said: str = "broken"
    details: bytes = b""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rejection, with the seconds after which to come again."""

    error: XinqiaoError
    retry_after: int = 0


Said = SubmitReply | Broken | Refusal


@dataclass(frozen=True, slots=True)
class Served:
    """``submitted`` came by ``Submit``, ``streamed`` by streams, a list for each."""

    url: str
    submitted: list[SealedMessage] = field(default_factory=list)
    streamed: list[list[SealedMessage]] = field(default_factory=list)


def accepted(tag: str = "") -> SubmitReply:
    return SubmitReply(tag=tag, content=write_json(vector("receipt")), content_type="application/json", http_status=202)


@contextmanager
def serving(
    answer: Callable[[SealedMessage], Said], subscriptions: Sequence[Sequence[Delivery | Broken | threading.Event]] = ()
) -> Iterator[Served]:
    """Serve on a free port of this machine until the block ends; each subscription gets its own deliveries.

    An event among them is waited for.
    """
    server = grpc.server(ThreadPoolExecutor(8))
    port = server.add_insecure_port("127.0.0.1:0")
    left = list(subscriptions)
    served = Served(f"grpc://127.0.0.1:{port}")

    class Exchange(ExchangeServiceSync):
        def submit(self, request: SealedMessage, context: Any) -> SubmitReply:
            served.submitted.append(request)
            said = answer(request)
            return said if isinstance(said, SubmitReply) else _abort(said, context)

        def submit_stream(self, request_iterator: Iterator[SealedMessage], context: Any) -> Iterator[SubmitReply]:
            stream: list[SealedMessage] = []
            served.streamed.append(stream)
            for request in request_iterator:
                stream.append(request)
                said = answer(request)
                match said:
                    case Refusal():
                        yield _refused(said, request.tag)
                    case Broken():
                        _abort(said, context)
                    case SubmitReply():
                        yield said

        def subscribe(self, request_iterator: Iterator[SubscribeRequest], context: Any) -> Iterator[Delivery]:
            next(request_iterator)
            for each in left.pop(0):
                match each:
                    case Broken():
                        _abort(each, context)
                    case threading.Event():
                        each.wait(10)
                    case Delivery():
                        yield each

    Exchange().add_to_server(server)
    server.start()
    try:
        yield served
    finally:
        server.stop(0).wait(10)


def _rejection(error: XinqiaoError) -> Any:
    return rejection(TRUST_COMPANY, BANK, error)


def _refused(said: Refusal, tag: str) -> SubmitReply:
    status = Status(code=grpc.StatusCode[said.error.grpc_code].value[0])
    return SubmitReply(
        tag=tag,
        status=status,
        content=write_json(_rejection(said.error)),
        content_type="application/json",
        retry_after=said.retry_after,
        http_status=said.error.http_status,
    )


def _abort(said: Broken | Refusal, context: Any) -> NoReturn:
    if isinstance(said, Refusal):
        code = grpc.StatusCode[said.error.grpc_code]
        content = from_canonical(_rejection(said.error)).to_binary()
        detail = Packed(type_url="type.googleapis.com/xinqiao.v1.Message", value=content)
        status = Status(code=code.value[0], message="refused", details=[detail]).to_binary()
        later = (("retry-after", str(said.retry_after)),) if said.retry_after else ()
        context.set_trailing_metadata((("grpc-status-details-bin", status), *later))
        context.abort(code, "refused")
    else:
        if said.details:
            context.set_trailing_metadata((("grpc-status-details-bin", said.details), ("retry-after", "soon")))
        context.abort(said.code, said.said)
    raise AssertionError("abort raises")
