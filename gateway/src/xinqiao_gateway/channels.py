"""The channels that this gateway serves: profile, keys, environment, and which one leads to whom."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx

from xinqiao.adapter import Adapter, Answer, Encoded
from xinqiao.errors import NoRoute, ProfileInvalid, ReceiverMismatch, UnknownChannel
from xinqiao.message import Header, Json
from xinqiao.seal import SIGNATURE_HEADER, KeyRing, Sealed, SigningKey, open_seal
from xinqiao.standard import MessageType
from xinqiao_adapters.channel import Channel
from xinqiao_adapters.docking.tcp import is_loopback
from xinqiao_adapters.security.sealer import Outgoing
from xinqiao_adapters.security.seals import PartnerSeals
from xinqiao_gateway.rotation import Overlap, signatures

__all__ = ["Channels", "Push", "ServedChannel"]


# The channel of what operators do.
_RESERVED = frozenset({"operations"})
# What may be pushed to, by its scheme, and as it is written.
_ADDRESSES = {
    "https": "https://host/path",
    "http": "http://host/path",
    "tls": "tls://host:port",
    "tcp": "tcp://host:port",
    "sftp": "sftp://user@host/folder",
}
_FILES = frozenset({"sftp", "folder"})
_FOLDER = re.compile(r"folder:[a-z][a-z0-9-]{0,40}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Push:
    """Where a channel is pushed to, and how long that may take (seconds). The scheme of ``url`` says by which way."""

    url: str
    timeout: float

    @property
    def scheme(self) -> str:
        """How it is reached: http, https, tcp, tls, sftp or folder."""
        return self.url.partition(":")[0].lower()

    @property
    def carries_files(self) -> bool:
        """Whether messages go out in files, and not each by itself."""
        return self.scheme in _FILES

    def check(self, channel_id: str, *, test: bool) -> None:
        """Refuse an address that messages must not be sent to. Raises ``ProfileInvalid`` saying why."""
        where = f"channel {channel_id}: push.url {self.url!r}"
        if self.scheme == "folder":
            if not _FOLDER.fullmatch(self.url):
                raise ProfileInvalid(f"{where} is no folder of the channel's own; write folder:out")
            return
        try:
            url = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise ProfileInvalid(f"{where} is no address: {error}") from error
        if url.scheme not in _ADDRESSES or not url.host or (url.scheme in {"tcp", "tls"} and url.port is None):
            raise ProfileInvalid(
                f"{where} is no address that can be pushed to; write one of: {', '.join(_ADDRESSES.values())}"
            )
        if url.scheme == "http" and not (test or is_loopback(url.host)):
            raise ProfileInvalid(
                f"{where} would carry production messages in the clear; use https "
                "(plain http is for this machine and for test channels)"
            )


@dataclass(frozen=True, slots=True)
class ServedChannel:
    """A channel with the partner's public keys; ``push`` is None where the partner pulls.

    ``seals`` are those of a partner with a scheme of its own; its ``keys`` are none. All others seal as the standard
    does. Whatever the scheme, a message takes the same way: ``opened``, decoded, …, encoded, ``sealed``.
    """

    channel: Channel
    keys: KeyRing
    push: Push | None
    body_limit: int
    seals: PartnerSeals | None = None

    @property
    def channel_id(self) -> str:
        """The channel's id."""
        return self.channel.channel_id

    @property
    def adapter(self) -> Adapter:
        """What turns its format into canonical messages and back."""
        return self.channel.adapter

    @property
    def institution_code(self) -> str:
        """The code of the institution on the other side."""
        return self.channel.profile.institution.code

    @property
    def test(self) -> bool:
        """Whether it carries test traffic, and nothing else."""
        return self.channel.profile.test

    @property
    def speaks_canonical(self) -> bool:
        """Whether its raw input is canonical JSON."""
        return self.channel.speaks_canonical

    @property
    def signature_header(self) -> str | None:
        """The header of HTTP in which the partner's signature comes; None where the content carries it."""
        return SIGNATURE_HEADER if self.seals is None else self.seals.opener.header

    def opened(self, content: bytes, content_type: str, signature: str, *, max_age: timedelta) -> tuple[bytes, str]:
        """Verify what came, and decrypt it; return the content in the partner's format and its content type.

        ``max_age`` is for the standard's seal; a partner's scheme has a time window of its own.
        Raises ``SealMissing``, ``SealInvalid``, ``SealExpired``, or the ``Rejected`` that says why it cannot be read.
        """
        if self.seals is None:
            open_seal(Sealed(content, content_type, signature), self.keys, max_age=max_age)
            return content, content_type
        return self.seals.opener.open(content, content_type, datetime.now(UTC), signature)

    def sealed(self, encoded: Encoded, key: SigningKey, overlap: Overlap | None = None) -> Outgoing:
        """Return a message as it is sent; for the standard's seal, ``key`` is the gateway's own.

        ``overlap`` is its key of before, where that signs as well.

        Raises ``ContentRefused`` where it lacks what the partner's scheme signs.
        """
        if self.seals is None:
            headers = signatures(encoded.content, encoded.content_type, key, overlap)
            return Outgoing(encoded.content, encoded.content_type, headers)
        return self.seals.sealer.seal(encoded.content, encoded.content_type, datetime.now(UTC))

    def sealed_answer(self, answer: Answer) -> Outgoing:
        """Return an answer in the partner's format as it is sent; most partners want answers as they are."""
        if self.seals is None or self.seals.answer is None:
            return Outgoing(answer.content, answer.content_type, {})
        return self.seals.answer.seal(answer.content, answer.content_type, datetime.now(UTC))

    def opened_reply(self, content: bytes, headers: Mapping[str, str]) -> bytes:
        """Verify what the partner replied, and decrypt it, where its scheme seals replies.

        Raises a ``Rejected`` where the reply is not the partner's.
        """
        if self.seals is None or self.seals.reply is None:
            return content
        opener = self.seals.reply
        signature = headers.get(opener.header, "") if opener.header else ""
        return opener.open(content, headers.get("Content-Type", ""), datetime.now(UTC), signature)[0]

    def encode(self, message: Json, original: bytes | None) -> Encoded:
        """Return a message in the channel's format; canonical bytes (``original``) go on to it as they are.

        Raises ``ContentRefused`` where the format cannot hold a value.
        """
        (encoded,) = self.adapter.encode([message])
        if original is not None and self.speaks_canonical:
            return Encoded(encoded.interface, original, encoded.content_type)
        return encoded

    def corrects(self, interface: str) -> bool:
        """Say whether a known key with another body is a correction, and no conflict."""
        found = self.channel.profile.interfaces.get(interface)
        return found is not None and found.changed == "correct"

    def atomic(self, interface: str) -> bool:
        """Say whether an input of several messages is all or nothing."""
        return self.channel.atomic(interface)


class Channels:
    """The served channels by id, and the routes between them."""

    def __init__(self, channels: Iterable[ServedChannel]) -> None:
        self._by_id: dict[str, ServedChannel] = {}
        self._routes: dict[tuple[str, bool, str], ServedChannel] = {}
        for channel in channels:
            self._add(channel)

    def _add(self, channel: ServedChannel) -> None:
        if channel.channel_id in _RESERVED:
            raise ProfileInvalid(f"channel: {channel.channel_id} is the gateway's own; give it another id")
        if self._by_id.setdefault(channel.channel_id, channel) is not channel:
            raise ProfileInvalid(f"two profiles say channel: {channel.channel_id}")
        if channel.push:
            channel.push.check(channel.channel_id, test=channel.test)
        self._add_routes(channel)

    def _add_routes(self, channel: ServedChannel) -> None:
        for body in channel.channel.outgoing:
            other = self._routes.setdefault((channel.institution_code, channel.test, body), channel)
            if other is not channel:
                names = f"{other.channel_id} and {channel.channel_id}"
                raise ProfileInvalid(f"{names} both deliver {body} to {channel.institution_code}")

    def __iter__(self) -> Iterator[ServedChannel]:
        return iter(self._by_id.values())

    def find(self, channel_id: str) -> ServedChannel:
        """Return a channel by its id. Raises ``UnknownChannel``."""
        channel = self._by_id.get(channel_id)
        if channel is None:
            raise UnknownChannel(channel_id[:60])
        return channel

    def pushed(self, channel_id: str) -> bool:
        """Say whether a channel is pushed to; one that pulls is not, nor one that is unknown."""
        channel = self._by_id.get(channel_id)
        return channel is not None and channel.push is not None

    def route(self, header: Header, kind: MessageType) -> tuple[tuple[str, bool], ...]:
        """Return where a message goes: channel ids, and whether each is pushed to.

        Test messages reach test channels only, production messages production channels only. Raises ``NoRoute``, and
        ``ReceiverMismatch`` for an institution that has no channel here at all.
        """
        channel = self._routes.get((header.receiver, header.test, kind.body))
        if channel is None:
            if all(each.institution_code != header.receiver for each in self):
                raise ReceiverMismatch(f"{header.receiver} has no channel with this gateway")
            environment = "test" if header.test else "production"
            raise NoRoute(f"no {environment} channel delivers {kind.body} to {header.receiver}")
        return ((channel.channel_id, channel.push is not None),)
