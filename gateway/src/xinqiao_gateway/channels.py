"""The channels that this gateway serves: profile, keys, environment, and which one leads to whom."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

import httpx

from xinqiao.adapter import Adapter, Encoded
from xinqiao.errors import NoRoute, ProfileInvalid, UnknownChannel
from xinqiao.message import Header, Json
from xinqiao.seal import KeyRing
from xinqiao.standard import MessageType, message_types
from xinqiao_adapters.channel import Channel

__all__ = ["Channels", "Push", "ServedChannel"]


@dataclass(frozen=True, slots=True)
class Push:
    """Where a channel is pushed to, and how long that may take (seconds)."""

    url: str
    timeout: float

    def check(self, channel_id: str, *, test: bool) -> None:
        """Refuse an address that messages must not be posted to. Raises ``ProfileInvalid`` saying why."""
        where = f"channel {channel_id}: push.url {self.url!r}"
        try:
            url = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise ProfileInvalid(f"{where} is no address: {error}") from error
        if url.scheme not in {"http", "https"} or not url.host:
            raise ProfileInvalid(f"{where} is no http or https address; write https://host/path")
        if url.scheme == "http" and not (test or _is_loopback(url.host)):
            raise ProfileInvalid(
                f"{where} would carry production messages in the clear; use https "
                "(plain http is for this machine and for test channels)"
            )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class ServedChannel:
    """A channel with the partner's public keys; ``push`` is None where the partner pulls."""

    channel: Channel
    keys: KeyRing
    push: Push | None
    body_limit: int

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

    def encode(self, message: Json, original: bytes | None) -> Encoded:
        """Return a message in the channel's format; canonical bytes (``original``) go on to it as they are.

        Raises ``ContentRefused`` where the format cannot hold a value.
        """
        (encoded,) = self.adapter.encode([message])
        if original is not None and self.speaks_canonical:
            return Encoded(encoded.interface, original, encoded.content_type)
        return encoded

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
        if self._by_id.setdefault(channel.channel_id, channel) is not channel:
            raise ProfileInvalid(f"two profiles say channel: {channel.channel_id}")
        if channel.push:
            channel.push.check(channel.channel_id, test=channel.test)
        self._add_routes(channel)

    def _add_routes(self, channel: ServedChannel) -> None:
        for body in message_types():
            if not channel.channel.delivers(body):
                continue
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

        Test messages reach test channels only, production messages production channels only. Raises ``NoRoute``.
        """
        channel = self._routes.get((header.receiver, header.test, kind.body))
        if channel is None:
            environment = "test" if header.test else "production"
            raise NoRoute(f"no {environment} channel delivers {kind.body} to {header.receiver}")
        return ((channel.channel_id, channel.push is not None),)
