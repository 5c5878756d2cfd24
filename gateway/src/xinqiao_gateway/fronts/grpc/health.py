"""Health over gRPC: whether messages can be taken, as ``/v1/ready`` says it.

Not grpcio's own: that holds a lock while it writes, so one watcher who does not read stops all others, and the end.
"""

import asyncio
from collections.abc import Callable

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from xinqiao_gateway.fronts.grpc.calls import LONGEST_REST, Context, write_within

__all__ = ["Health"]

_LOOK = 1.0
# Anybody may watch: they must not take the places of those who send.
_MOST_WATCHERS = 32
_KNOWN = health_pb2.HealthCheckResponse


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """Answers for the whole (``""``) and for the services it is given."""

    def __init__(self, services: frozenset[str], is_ready: Callable[[], bool]) -> None:
        self._services, self._is_ready = services | {""}, is_ready
        self._watchers = 0
        self._is_ended = False

    def end(self) -> None:
        """Say from now on that nothing is served."""
        self._is_ended = True

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> health_pb2.HealthCheckResponse:
        """Say it once."""
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        return _KNOWN(status=self._status(request.service))

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:
        """Say it, and each change of it."""
        if self._watchers >= _MOST_WATCHERS:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"{_MOST_WATCHERS} watch already")
        self._watchers += 1
        try:
            await context.send_initial_metadata(())
            await self._watched(request.service[:100], context)
        finally:
            self._watchers -= 1

    async def _watched(self, service: str, context: Context) -> None:
        said = None
        while True:
            status = self._status(service)
            if status != said:
                await write_within(context, _KNOWN(status=status), LONGEST_REST)
            said = status
            await asyncio.sleep(_LOOK)

    def _status(self, service: str) -> int:
        if service not in self._services:
            return int(_KNOWN.SERVICE_UNKNOWN)
        return int(_KNOWN.SERVING if self._is_ready() and not self._is_ended else _KNOWN.NOT_SERVING)
