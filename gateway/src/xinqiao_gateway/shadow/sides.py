"""The two channels of a shadow run: the partner's, which requests come in by, and the core's, which they go on to."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from xinqiao.adapter import Adapter, Decoded, Undecoded
from xinqiao.errors import ContentRefused
from xinqiao.message import Json
from xinqiao.seal import Sealed, open_seal
from xinqiao_adapters.channel import Channel
from xinqiao_adapters.check.samples import Readers
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.shadow.recording import Part

__all__ = ["Core", "Partner"]


@dataclass(frozen=True)
class Partner:
    """The partner's channel; ``served`` has the keys that open its seals, None where the recording is unsealed."""

    channel: Channel
    served: ServedChannel | None = None

    def opened(self, request: Part) -> tuple[bytes, str]:
        """Return the content of a request and its content type; a seal of any age is good.

        Raises the ``Rejected`` that says why it cannot be trusted or read.
        """
        if self.served is None:
            return request.content, request.content_type
        seals = self.served.seals
        if seals is not None:
            return seals.opener.open(request.content, request.content_type, None, request.signature)
        sealed = Sealed(request.content, request.content_type, request.signature)
        open_seal(sealed, self.served.keys, max_age=None)
        return request.content, request.content_type


@dataclass(frozen=True)
class Core:
    """The core's channel, in whose format the older system hands on."""

    channel: Channel

    @cached_property
    def _reader(self) -> Adapter:
        """What reads what is sent to the core, which is its input and not ours."""
        return Readers(self.channel.compiled).sent() if self.channel.compiled else self.channel.adapter

    def read(self, content: bytes, content_type: str) -> list[Json]:
        """Return the messages that were handed on. Raises a ``Rejected`` where they cannot be read."""
        decoded = list(self._reader.decode(content, content_type))
        for each in decoded:
            if isinstance(each, Undecoded):
                raise ContentRefused("a record cannot be read", findings=each.findings)
        return [each.message for each in decoded if isinstance(each, Decoded)]

    def written(self, messages: Sequence[Json]) -> list[Json]:
        """Return messages as the core would read them: encoded for it, and read again.

        Raises ``ContentRefused`` or ``InterfaceUnknown`` where the core's format cannot hold them.
        """
        encoded = self.channel.adapter.encode(messages)
        return [message for each in encoded for message in self.read(each.content, each.content_type)]
