"""What all calls share: reading and writing within a time, and an end without our words where something is at fault."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc
import structlog

from xinqiao.errors import InternalError, SlowBody
from xinqiao_gateway.fronts.grpc.status import Metadata, refusal_of

__all__ = ["LONGEST_REST", "Context", "guarded", "metadata_of", "read_within", "write_within"]

Context = grpc.aio.ServicerContext[Any, Any]

# Seconds in which a known client sends nothing, or reads nothing, after which its stream ends.
LONGEST_REST = 300.0
_LAST_WORDS = 1.0

_log = structlog.get_logger("grpc")


def metadata_of(context: Context) -> Metadata:
    """Return what a client sent beside its messages."""
    return tuple((name, value) for name, value in context.invocation_metadata() or ())


@asynccontextmanager
async def guarded(call: str, context: Context, gateway_code: str) -> AsyncIterator[None]:
    """Answer a fault of our own with ``InternalError``: gRPC itself would send its text, which may quote anything."""
    try:
        yield
    except grpc.aio.BaseError:
        raise  # an abort, or a client that has gone
    except Exception as error:  # noqa: BLE001 -- the top of the call
        _log.error("unexpected fault", call=call, error=type(error).__name__, exc_info=error)
        await context.abort(*refusal_of(InternalError(), gateway_code, metadata_of(context)))


async def read_within(context: Context, seconds: float) -> bytes | None:
    """Return the next message of a call, None at its end. Raises ``SlowBody``."""
    try:
        async with asyncio.timeout(seconds):
            raw = await context.read()
    except TimeoutError as error:
        raise SlowBody(f"nothing had arrived after {seconds:g} s") from error
    return raw if isinstance(raw, bytes) else None


async def write_within(context: Context, content: object, seconds: float) -> None:
    """Write a message; end the call where nobody reads it.

    The status waits behind that message, if initial metadata were sent before it. gRPC keeps the call for as long as
    its connection lives; we do not.
    """
    try:
        async with asyncio.timeout(seconds):
            await context.write(content)
            return
    except TimeoutError:
        _log.info("not read", seconds=seconds)
    with suppress(TimeoutError, grpc.aio.InternalError):
        async with asyncio.timeout(_LAST_WORDS):
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, f"a message was not read for {seconds:g} s")
    raise asyncio.CancelledError
