"""Inputs that came in by gRPC: handed to the intake, and answered."""

import asyncio
from typing import Any

import structlog

from xinqiao.errors import (
    BodyTooLarge,
    InternalError,
    MalformedBinary,
    MalformedQuery,
    SealInvalid,
    XinqiaoError,
)
from xinqiao.exchange.v1.exchange_pb import SealedMessage
from xinqiao_gateway.answers import Answered, answer_acceptance, answer_error
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.intake import Raw

__all__ = ["Taking", "read_input"]

_LONGEST_TAG = 64
_LONGEST_SIGNATURE = 8192

_log = structlog.get_logger("grpc")


class Taking:
    """Takes inputs, each in a task of its own: one that is under way ends, whoever went away meanwhile."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._under_way: set[asyncio.Task[Any]] = set()

    def begin(self, sealed: SealedMessage) -> "asyncio.Task[Answered]":
        """Begin to take an input; the task returns its answer and raises nothing."""
        task = asyncio.create_task(self._answered(sealed))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def end(self, seconds: float) -> None:
        """Wait for those under way; each is bounded by the journal's own time, and all of them by ``seconds``."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)

    async def _answered(self, sealed: SealedMessage) -> Answered:
        channel: ServedChannel | None = None
        code = self._gateway.code
        try:
            # What it began with it ends with, whatever is reloaded meanwhile.
            service = self._gateway.service
            channel = service.channels.find(sealed.channel_id)
            return answer_acceptance(await service.intake.accept(_raw(channel, sealed)), code)
        except XinqiaoError as error:
            return answer_error(error, code, channel)
        except Exception as error:  # noqa: BLE001 -- the top of the task
            _log.error("unexpected fault", call="Submit", error=type(error).__name__, exc_info=error)
            return answer_error(InternalError(), code, channel)


def read_input(raw: bytes) -> SealedMessage:
    """Read an input as it came. Raises ``MalformedBinary``, ``MalformedQuery``."""
    try:
        sealed = SealedMessage.from_binary(raw)
    except ValueError as error:
        raise MalformedBinary(f"xinqiao.exchange.v1.SealedMessage is expected: {error}") from error
    if len(sealed.tag.encode()) > _LONGEST_TAG:
        raise MalformedQuery(f"a tag has at most {_LONGEST_TAG} bytes")
    return sealed


def _raw(channel: ServedChannel, sealed: SealedMessage) -> Raw:
    if len(sealed.content) > channel.body_limit:
        raise BodyTooLarge(f"{len(sealed.content)} bytes, at most {channel.body_limit} are taken")
    if len(sealed.signature) > _LONGEST_SIGNATURE:
        raise SealInvalid(f"the signature is longer than {_LONGEST_SIGNATURE} characters")
    # A partner whose content carries its signature sends none beside it.
    signature = sealed.signature if channel.signature_header else ""
    return Raw(channel.channel_id, sealed.content, sealed.content_type, signature)
