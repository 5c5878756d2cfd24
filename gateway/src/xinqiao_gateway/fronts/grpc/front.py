"""The gRPC front: its port, TLS and limits, its health, and its end."""

import asyncio
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from xinqiao.errors import SettingsInvalid
from xinqiao_gateway.fronts.grpc.calls import Context, guarded, metadata_of
from xinqiao_gateway.fronts.grpc.descriptors import SERVICE, Reflection
from xinqiao_gateway.fronts.grpc.health import Health
from xinqiao_gateway.fronts.grpc.submission import InputStream, submit
from xinqiao_gateway.fronts.grpc.subscription import Subscriptions
from xinqiao_gateway.fronts.grpc.taking import Taking
from xinqiao_gateway.fronts.grpc.tls import read_tls_files
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.settings import Settings
from xinqiao_gateway.telemetry.traces import continued, is_traced

__all__ = ["GrpcFront"]

# What surrounds the content of a message. Somewhat larger ones are refused by us, with our reason; beyond, by gRPC.
_AROUND = 65_536
# Streams of one connection at once.
_STREAMS = 128
# Bytes of a stream that arrive before they are read. gRPC would let it grow to 16 MB, of whoever asks.
_AHEAD = 262_144
# A connection's life, and how long what is on it has after that. It bounds calls whose client reads nothing at all,
# and how long a subscription goes on under one token. Most calls end before: the SDK's subscriptions after 4 minutes.
_LIFE, _END = 900_000, 300_000
# Longer than an input may wait for its commit: whoever is let in gets an answer.
_LONGEST_END = 40.0
_LAST_WORDS = 1.0

_log = structlog.get_logger("grpc")


class GrpcFront:
    """Serves ``Exchange``, health and reflection where the settings name a port."""

    name = "grpc"

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._taking = Taking(gateway)
        self._subscriptions = Subscriptions(gateway)
        self._streams: set[InputStream] = set()
        self._health = Health(frozenset({SERVICE}), lambda: bool(gateway.surveillance.readiness()))
        self._server: grpc.aio.Server | None = None

    async def start(self) -> None:
        """Begin to serve. Raises ``SettingsInvalid`` for a port, certificate or key that cannot be used."""
        settings = self._gateway.service.settings
        if settings.grpc_port is None:
            return
        self._server = server = self._built(settings)
        _bind(server, settings)
        await server.start()
        _log.info("listening", host=settings.grpc_host, port=settings.grpc_port, tls=bool(settings.tls_certificate))

    async def reload(self, changed: frozenset[str]) -> None:
        """End the subscriptions of channels that changed: their keys, or whether they pull, may be others now."""
        self._subscriptions.end(changed)

    async def stop(self) -> None:
        """Take no new calls, answer what is under way, end the rest."""
        server = self._server
        if server is None:
            return
        self._server = None
        self._health.end()
        ending = asyncio.create_task(server.stop(_LONGEST_END))
        self._subscriptions.end()
        for each in self._streams:
            each.stop()
        await self._taking.end(_LONGEST_END)
        # What remains: answers on their way, and those who only watch health.
        await server.stop(_LAST_WORDS)
        await ending
        await self._taking.end(_LAST_WORDS)  # what began in the last moment

    def _built(self, settings: Settings) -> grpc.aio.Server:
        server = grpc.aio.server(
            options=_options(self._largest()),
            maximum_concurrent_rpcs=settings.connections,
        )
        calls = {"Submit": self._submit, "SubmitStream": self._submit_stream, "Subscribe": self._subscribe}
        # Not the generated servicer: ``Submit`` is read as a stream here, the same on the wire, so that what does not
        # arrive in time ends; and bytes that are no message get an answer with a reason.
        handlers = {name: grpc.stream_stream_rpc_method_handler(call) for name, call in calls.items()}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        shown = Reflection(frozenset({SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME}))
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(shown, server)
        return server

    def _largest(self) -> int:
        return max((each.body_limit for each in self._gateway.channels), default=0)

    async def _submit(self, _requests: Any, context: Context) -> None:  # noqa: ANN401 -- grpc's iterator
        async with self._guarded("Submit", context):
            with _trace(context):
                await submit(self._gateway, self._taking, context)

    async def _submit_stream(self, _requests: Any, context: Context) -> None:  # noqa: ANN401
        stream = InputStream(self._gateway, self._taking, context)
        self._streams.add(stream)
        try:
            async with self._guarded("SubmitStream", context):
                with _trace(context):
                    await stream.serve()
        finally:
            self._streams.discard(stream)

    async def _subscribe(self, _requests: Any, context: Context) -> None:  # noqa: ANN401
        async with self._guarded("Subscribe", context):
            await self._subscriptions.serve(context)

    def _guarded(self, call: str, context: Context) -> AbstractAsyncContextManager[None]:
        return guarded(call, context, self._gateway.code)


def _options(largest: int) -> list[tuple[str, int]]:
    """Return the limits; ``largest`` is the most bytes of content that a channel takes."""
    return [
        ("grpc.max_receive_message_length", largest + _AROUND),
        ("grpc.max_concurrent_streams", _STREAMS),
        ("grpc.so_reuseport", 0),
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", _AHEAD),
        # A subscriber that is gone without a word is noticed; who pings more often than this is sent away.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
        ("grpc.http2.max_ping_strikes", 2),
        ("grpc.max_connection_idle_ms", 600_000),
        ("grpc.max_connection_age_ms", _LIFE),
        ("grpc.max_connection_age_grace_ms", _END),
    ]


def _bind(server: grpc.aio.Server, settings: Settings) -> None:
    host = f"[{settings.grpc_host}]" if ":" in settings.grpc_host else settings.grpc_host
    address = f"{host}:{settings.grpc_port}"
    credentials = _credentials(settings)
    try:
        if credentials is None:
            server.add_insecure_port(address)
        else:
            server.add_secure_port(address, credentials)
    except RuntimeError as error:
        cause = "the port is in use" if credentials is None else "the port is in use, or the TLS files do not fit"
        raise SettingsInvalid(f"grpc_port: cannot listen on {address}: {cause}") from error


def _credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """Return the server's TLS, 1.2 at least; with ``grpc_client_ca`` every client needs a certificate of that."""
    files = read_tls_files(settings)
    if files is None:
        return None
    pair = (files.key, files.certificate)
    if files.authorities is None:
        return grpc.ssl_server_credentials([pair])
    return grpc.ssl_server_credentials([pair], root_certificates=files.authorities, require_client_auth=True)


def _trace(context: Context) -> AbstractContextManager[None]:
    """Continue the trace that a call names, where traces are made at all."""
    if not is_traced():
        return nullcontext()
    return continued({name: value for name, value in metadata_of(context) if isinstance(value, str)})
