"""Reflection: the service, its messages, and the standard's with their rules, for clients without our files."""

import asyncio
from collections.abc import AsyncIterator

import grpc
from google.protobuf.descriptor_pool import DescriptorPool  # type: ignore[import-untyped]
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2
from protobuf import DescFile

from xinqiao.exchange.v1 import exchange_pb
from xinqiao.v1 import message_pb
from xinqiao_gateway.fronts.grpc.calls import Context

__all__ = ["SERVICE", "Reflection"]

SERVICE = "xinqiao.exchange.v1.Exchange"

# Seconds that a client may look around, and how many at once.
_LONGEST_LOOK = 60.0
_MOST_LOOKING = 32


class Reflection(reflection.aio.ReflectionServicer):  # type: ignore[misc, name-defined]
    """grpcio's, bounded: anybody may ask, and must not take the places of those who send."""

    def __init__(self, services: frozenset[str]) -> None:
        super().__init__(sorted(services), _descriptors())
        self._looking = 0

    async def ServerReflectionInfo(
        self, request_iterator: AsyncIterator[reflection_pb2.ServerReflectionRequest], context: Context
    ) -> AsyncIterator[reflection_pb2.ServerReflectionResponse]:
        """Answer what a client asks."""
        if self._looking >= _MOST_LOOKING:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"{_MOST_LOOKING} look around already")
        self._looking += 1
        try:
            async with asyncio.timeout(_LONGEST_LOOK):
                async for answer in super().ServerReflectionInfo(request_iterator, context):
                    yield answer
        except TimeoutError:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, f"a look around takes at most {_LONGEST_LOOK:g} s")
        finally:
            self._looking -= 1


def _descriptors() -> DescriptorPool:
    """Return a pool of what the proto files say; grpcio's reflection reads Google's descriptors alone."""
    pool = DescriptorPool()
    known: set[str] = set()

    def add(file: DescFile) -> None:
        if file.name in known:
            return
        known.add(file.name)
        for each in file.dependencies:
            add(each)
        pool.AddSerializedFile(file.proto.to_binary())

    for each in (exchange_pb.desc(), message_pb.desc()):
        add(each)
    for beside in (health_pb2, reflection_pb2):
        pool.AddSerializedFile(beside.DESCRIPTOR.serialized_pb)
    return pool
