"""``Submit`` and ``SubmitStream``: inputs in, answers out, in the order of the inputs."""

import asyncio
from collections import deque
from functools import partial
from typing import NamedTuple

import grpc

from xinqiao.errors import SlowBody, XinqiaoError
from xinqiao_gateway.answers import Answered
from xinqiao_gateway.fronts.grpc.calls import LONGEST_REST, Context, metadata_of, read_within, write_within
from xinqiao_gateway.fronts.grpc.status import details_limit, refusal, refusal_of, reply
from xinqiao_gateway.fronts.grpc.taking import Taking, read_input
from xinqiao_gateway.gateway import Gateway

__all__ = ["InputStream", "submit"]

# Inputs of one stream, from their arrival until their answers are on their way, and their bytes until they are taken.
_MOST_UNDER_WAY = 64
_MOST_BYTES = 8 * 1024 * 1024


async def submit(gateway: Gateway, taking: Taking, context: Context) -> None:
    """Serve one ``Submit``. It is read here as a stream of one, so that it must arrive in time."""
    metadata = metadata_of(context)
    try:
        raw = await read_within(context, gateway.service.settings.body_timeout)
        sealed = read_input(raw or b"")
    except XinqiaoError as error:
        await context.abort(*refusal_of(error, gateway.code, metadata))
    answered = await asyncio.shield(taking.begin(sealed))
    if answered.error is not None:
        await context.abort(*refusal(answered, sealed.tag, answered.error, details_limit(metadata)))
    await context.write(reply(answered, sealed.tag).to_binary())


class _UnderWay(NamedTuple):
    """An input that is not answered yet."""

    tag: str
    task: "asyncio.Task[Answered]"


class InputStream:
    """One ``SubmitStream``: reads while there is room among those under way, answers in order.

    Its answers are written as its client reads them; while it does not, there is no room, and nothing is read.
    """

    def __init__(self, gateway: Gateway, taking: Taking, context: Context) -> None:
        self._gateway, self._taking, self._context = gateway, taking, context
        self._under_way: deque[_UnderWay] = deque()
        self._bytes = 0
        # Set at each change of what is under way, for the two who wait for one.
        self._changed = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        # Until something of it was accepted it may be anybody's, and has the time for a body.
        self._patience = gateway.service.settings.body_timeout
        self._arriving: asyncio.Timeout | None = None
        self._is_stopped = False

    async def serve(self) -> None:
        """Serve it to its end."""
        await self._context.send_initial_metadata(())
        self._reader = asyncio.create_task(self._read())
        try:
            await self._answer()
        finally:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._is_stopped and self._reader.cancelled():
            await self._context.abort(grpc.StatusCode.UNAVAILABLE, "the gateway stops; send on what was not answered")

    def stop(self) -> None:
        """Read nothing more; what is under way is still answered."""
        self._is_stopped = True
        if self._reader is not None:
            self._reader.cancel()

    async def _read(self) -> None:
        while True:
            while len(self._under_way) >= _MOST_UNDER_WAY or self._bytes >= _MOST_BYTES:
                await self._change()
            raw = await self._next()
            if raw is None:
                return
            sealed = read_input(raw)
            task = self._taking.begin(sealed)
            self._under_way.append(_UnderWay(sealed.tag, task))
            self._bytes += len(raw)
            task.add_done_callback(partial(self._taken, len(raw)))
            self._changed.set()

    async def _next(self) -> bytes | None:
        try:
            async with asyncio.timeout(self._patience) as self._arriving:
                raw = await self._context.read()
        except TimeoutError as error:
            raise SlowBody(f"nothing more had arrived after {self._patience:g} s") from error
        finally:
            self._arriving = None
        return raw if isinstance(raw, bytes) else None

    def _trust(self) -> None:
        """Be patient with a stream of which something was accepted, also with what is arriving now."""
        self._patience = LONGEST_REST
        if self._arriving is not None and not self._arriving.expired():
            self._arriving.reschedule(asyncio.get_running_loop().time() + LONGEST_REST)

    def _taken(self, size: int, _task: object) -> None:
        self._bytes -= size
        self._changed.set()

    async def _answer(self) -> None:
        reader = self._reader
        assert reader is not None  # noqa: S101 -- made before
        reader.add_done_callback(lambda _: self._changed.set())
        while self._under_way or not reader.done():
            if not self._under_way:
                await self._change()
                continue
            first = self._under_way[0]
            answered = await asyncio.shield(first.task)
            if answered.error is None and self._patience != LONGEST_REST:
                self._trust()
            await write_within(self._context, reply(answered, first.tag).to_binary(), self._patience)
            self._under_way.popleft()
            self._changed.set()
        if reader.cancelled() or (error := reader.exception()) is None:
            return
        if not isinstance(error, XinqiaoError):
            raise error
        await self._context.abort(*refusal_of(error, self._gateway.code))

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
