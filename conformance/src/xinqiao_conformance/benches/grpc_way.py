"""The way over gRPC: the service ``Exchange``. Needs grpcio."""

from itertools import islice
from typing import Any

import grpc

from xinqiao.errors import XinqiaoError
from xinqiao.exchange.v1.exchange_pb import SealedMessage, SubmitReply
from xinqiao.exchange.v1.exchange_pb_grpc import ExchangeClientSync
from xinqiao.seal import Sealed
from xinqiao.transport import Answer, Fetch, NoAnswer
from xinqiao.transport.grpc_answers import METADATA, refused
from xinqiao.transport.grpc_following import bearer, page_request, pulled
from xinqiao_conformance.benches.ways import Headers, Page, Reply

__all__ = ["GrpcWay"]

_STATUS = "grpc-status"
_OPTIONS: list[tuple[str, Any]] = [
    # Refusals hold a thousand findings.
    ("grpc.max_metadata_size", 1_048_576),
    ("grpc.absolute_max_metadata_size", 1_048_576),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.enable_retries", 0),
]


class GrpcWay:
    """Calls a gateway by ``host:port``, without TLS: the suite and its subject are on one network."""

    def __init__(self, target: str, patience: float) -> None:
        self._channel = grpc.insecure_channel(target, _OPTIONS)
        self._stub = ExchangeClientSync(self._channel)
        self._patience = patience

    def submit(self, channel: str, sealed: Sealed) -> Reply:
        """Send one input."""
        request = SealedMessage(
            channel_id=channel,
            content=sealed.content,
            content_type=sealed.content_type,
            signature=sealed.signature,
        )
        try:
            reply: SubmitReply = self._stub.submit(request, timeout=self._patience, metadata=METADATA)
        except grpc.RpcError as error:
            return _refused(error)
        return Reply(reply.http_status, reply.content.decode("utf-8", "replace"), ((_STATUS, "OK"),))

    def fetch(self, channel: str, token: str, after: str, limit: int) -> Page | Reply:
        """Subscribe for a page."""
        fetch = Fetch(token, after, limit)
        requests = iter([page_request(channel, fetch)])
        try:
            call = self._stub.subscribe(requests, timeout=self._patience, metadata=bearer(fetch))
            # One more than was asked for: whoever sends without an end is not read to it.
            found = list(islice(call, limit + 1))
        except grpc.RpcError as error:
            return _refused(error)
        page = pulled(found, fetch)
        return Page(tuple(page.sealed), page.cursor)

    def code(self, status: int, headers: Headers) -> str:  # noqa: ARG002 -- HTTP's
        """Return the code that a call ended with."""
        return f"gRPC {dict(headers).get(_STATUS, 'UNKNOWN')}"

    def code_for(self, error: type[XinqiaoError]) -> str:
        """Return the code of a reason."""
        return f"gRPC {error.grpc_code}"

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()


def _refused(error: grpc.RpcError) -> Reply:
    found: Any = error  # its methods are those of the call, which the class of errors does not name
    code = (_STATUS, str(found.code().name))
    metadata = tuple((str(key), str(value)) for key, value in found.trailing_metadata() or () if key == "retry-after")
    try:
        answer: Answer = refused(error)
    except NoAnswer:
        return Reply(0, "no answer came", (code,))
    return Reply(answer.status_code, answer.content.decode("utf-8", "replace"), (code, *metadata))
