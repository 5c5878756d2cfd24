"""Live traffic as a recording: what the journal knows of a channel's exchanges, masked before it is written.

The partner is the subject: what it sent is its own, what was delivered to it is the other side's. Of answers the
journal keeps what they came to; the receipt or rejection in the recording is made of that. What was refused at intake
is not in the journal, and whether a message came by REST or gRPC neither: both are recorded as ``rest``.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Self

from xinqiao.errors import XinqiaoError, error_table
from xinqiao.message import Json, timestamp
from xinqiao.outcome import receipt, rejection
from xinqiao.recording import Answer, Head, Masker, Recorded, Transport
from xinqiao.seal import Sealed
from xinqiao_adapters.docking import Conformance
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.journal.exchanges import Exchange, Opened, Selected, Span, exchanges, opened_exchanges
from xinqiao_gateway.journal.reading import Reading
from xinqiao_gateway.journal.vault import Vault

__all__ = ["Asked", "Traffic", "sample", "sampled"]

_DAY = timedelta(days=1)
# Exchanges that are read and masked at once: some milliseconds.
_PAGE = 25
# What the messages of a sample may hold in all. Read, they take ten times the memory.
_MOST_BYTES = 16 << 20
_STATUS = re.compile(r"HTTP ([1-5][0-9]{2})(?: ([a-z_]{1,60}))?")
# A detached JWS, and not what a front vouched for.
_SEAL = re.compile(r"[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked at: which ``share`` of the cases that were accepted ``since``, as the journal writes instants.

    ``patience``: how many seconds an answer may take.
    """

    since: str
    share: float
    patience: float

    @classmethod
    def of(
        cls, channel: ServedChannel, now: datetime, since: datetime | None = None, share: float | None = None
    ) -> Self:
        """Return what is said, else what the profile says: the last day, and as long before as an answer may take."""
        said = channel.channel.profile.conformance or Conformance()
        begin = since or now - _DAY - timedelta(seconds=said.patience)
        return cls(timestamp(begin), said.share if share is None else share, said.patience)


def sampled(vault: Vault, share: float) -> Callable[[str], bool]:
    """Return who says whether a case is looked at: the same everywhere and always, and nobody outside can tell."""
    return lambda case: int(vault.keyed_digest(f"sample {case}")[:16], 16) < share * 2**64


def sample(reading: Reading, channel_id: str, asked: Asked, most: int) -> Selected:
    """Return a channel's exchanges that are asked for: the latest, at most so many, and no more than memory bears."""
    chosen = sampled(reading.vault, asked.share)
    return exchanges(reading, Span(channel_id, since=asked.since), most, most_bytes=_MOST_BYTES, chosen=chosen)


class Traffic:
    """The exchanges of a channel as recordings hold them, masked with one key; ``code`` is the gateway's own."""

    def __init__(self, reading: Reading, channel: ServedChannel, code: str) -> None:
        self._reading = reading
        self._channel = channel
        self._code = code
        self._masker = Masker()

    @property
    def head(self) -> Head:
        """The head of its recording."""
        return Head(self._channel.institution_code, self._channel.test, masked=True)

    def page(self, exchanges: Iterable[Exchange]) -> list[tuple[Exchange, Recorded]]:
        """Read exchanges and mask them; one whose content was erased or archived is left out."""
        opened = opened_exchanges(self._reading, exchanges)
        return [(each.exchange, self._masker.mask(self._recorded(each))) for each in opened]

    def pages(self, exchanges: list[Exchange]) -> Iterator[list[Exchange]]:
        """Yield the exchanges a page at a time."""
        return (exchanges[start : start + _PAGE] for start in range(0, len(exchanges), _PAGE))

    def _recorded(self, opened: Opened) -> Recorded:
        each = opened.exchange
        if each.came:
            came_by: Transport = "sftp" if each.in_file else "rest"
            taken = Answer(None if each.in_file else 202, self._receipt(each))
            return Recorded("subject", came_by, opened.message, each.at, taken, self._sealed(opened))
        in_files = self._channel.push is not None and self._channel.push.carries_files
        went_by: Transport = "sftp" if in_files else "rest"
        told = self._answered(each, opened.message)
        return Recorded("peer", went_by, opened.message, each.at, told, attempt=each.attempt)

    def _receipt(self, each: Exchange) -> Json:
        body = {"acceptedMessageId": each.message_id, "acceptedAt": each.at, "position": str(each.position)}
        return receipt(self._code, self._channel.institution_code, body)

    def _sealed(self, opened: Opened) -> Sealed | None:
        """Return how it was sealed, where that was as the standard has it; the bytes are not needed behind masks."""
        if self._channel.seals is not None or not _SEAL.fullmatch(opened.signature):
            return None
        return Sealed(b"", opened.content_type, opened.signature)

    def _answered(self, each: Exchange, message: Json) -> Answer | None:
        """Return what an attempt says that the partner answered; None where nothing came that one could read."""
        partner, said = self._channel.institution_code, _STATUS.match(each.detail)
        status = int(said[1]) if said else None
        if each.outcome == "delivered":
            body = {"acceptedMessageId": each.message_id, "acceptedAt": each.at, "position": "1"}
            return Answer(status, receipt(partner, self._code, body))
        error = _errors().get(said[2] or "") if said else None
        if each.outcome == "refused" and error is not None:
            return Answer(status, rejection(partner, self._code, error(), message["header"]["messageId"]))
        return Answer(status, None) if status else None


@cache
def _errors() -> dict[str, type[XinqiaoError]]:
    return {error.reason: error for error in error_table()}
