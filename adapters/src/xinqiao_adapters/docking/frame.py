"""A frame, compiled: from the bytes of a head to what follows it, and from a body to the bytes of its frame.

The law: what is written is read as what it was written from.
"""

import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xinqiao.errors import MalformedFrame
from xinqiao_adapters.docking import tcp
from xinqiao_adapters.docking.tcp import EndPart, FramePart, Tcp

__all__ = ["Frame", "Head", "Kept", "compile_frame"]

# The bytes that an answer repeats, in the order of the frame.
Kept = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """What a head says: the bytes of the ``body``, of all that is still to ``come``, and what an answer repeats."""

    body: int
    come: int
    kept: Kept
    signature: str
    digests: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class _Number:
    """A length as it is written; ``more`` is what it counts beside the body."""

    spec: tcp.Length
    width: int
    more: int
    at: int

    @property
    def most(self) -> int:
        """The largest number it holds."""
        return int("9" * self.width) if self.spec.digits else (1 << 8 * self.width) - 1

    def read(self, raw: bytes) -> int:
        """Return the length of the body. Raises ``MalformedFrame``."""
        if self.spec.digits is None:
            said = int.from_bytes(raw, self.spec.order)
        else:
            text = raw.strip(b" ") if self.spec.fill == " " else raw
            if not text.isdigit():
                raise MalformedFrame(f"{_where(self.at, raw)} is no length in {self.width} digits")
            said = int(text)
        if said < self.more:
            raise MalformedFrame(f"{_where(self.at, raw)} is shorter than the {self.more} bytes beside a body")
        return said - self.more

    def write(self, body: int) -> bytes:
        """Return the length of a body as it is written. Raises ``MalformedFrame`` where it does not fit."""
        if body + self.more > self.most:
            raise MalformedFrame(f"a body of {body} bytes is longer than the {self.most} that its length can say")
        if self.spec.digits is None:
            return (body + self.more).to_bytes(self.width, self.spec.order)
        return str(body + self.more).rjust(self.width, self.spec.fill).encode("ascii")


class Frame:
    """A compiled frame. ``size`` is that of its head, ``most`` the longest body whose length can be said."""

    def __init__(self, head: Sequence[FramePart], end: Sequence[EndPart]) -> None:
        self._head, self._end = tuple(head), tuple(end)
        widths = [_width(each) for each in head]
        self._cut = struct.Struct("".join(f"{width}s" for width in widths))
        self._at = [sum(widths[:index]) for index in range(len(widths))]
        self.size = self._cut.size
        self._end_size = sum(_width(each) for each in end)
        self._number = self._numbered(widths)
        self.most = self._number.most - self._number.more

    def _numbered(self, widths: Sequence[int]) -> _Number:
        index = next(index for index, each in enumerate(self._head) if isinstance(each, tcp.Length))
        spec, at, width = self._head[index], self._at[index], widths[index]
        assert isinstance(spec, tcp.Length)  # noqa: S101 -- as it was found
        rest = self.size - at - width + self._end_size
        more = {"body": 0, "rest": rest, "all": self.size + self._end_size}[spec.length]
        return _Number(spec, width, more, at)

    @property
    def repeats(self) -> bool:
        """Whether an answer repeats bytes of its request, so that one to an unreadable request cannot be written."""
        return any(isinstance(each, tcp.Copied | tcp.Sequence) for each in self._head)

    @property
    def signs(self) -> bool:
        """Whether a signature that is not in the body has a place."""
        return any(isinstance(each, tcp.Signature) for each in self._head)

    def read(self, head: bytes) -> Head:
        """Read a head of ``size`` bytes. Raises ``MalformedFrame`` that says which byte is another than agreed."""
        body, kept, signature, digests = 0, [], b"", []
        for part, at, raw in zip(self._head, self._at, self._cut.unpack(head), strict=True):
            match part:
                case tcp.Length():
                    body = self._number.read(raw)
                case tcp.Copied():
                    kept.append(raw)
                case tcp.Sequence():
                    if not raw.isdigit():
                        raise MalformedFrame(f"{_where(at, raw)} is no number in {len(raw)} digits")
                    kept.append(raw)
                case tcp.Signature():
                    signature = raw
                case tcp.Digest():
                    digests.append(raw)
                case tcp.FixedText() | tcp.FixedBytes():
                    _check_fixed(part, raw, at)
        said = signature.decode("latin-1").rstrip(" ")
        return Head(body, body + self._end_size, tuple(kept), said, tuple(digests))

    def body(self, head: Head, come: bytes) -> bytes:
        """Return the body of what came after its head. Raises ``MalformedFrame`` where end or digest are others."""
        body, end = come[: head.body], come[head.body :]
        digests, at = iter(head.digests), 0
        for part in self._head:
            if isinstance(part, tcp.Digest):
                _check_digest(part, next(digests), body)
        for each in self._end:
            raw = end[at : at + _width(each)]
            if isinstance(each, tcp.Digest):
                _check_digest(each, raw, body)
            else:
                _check_fixed(each, raw, self.size + head.body + at)
            at += _width(each)
        return body

    def write(self, body: bytes, kept: Kept, signature: str = "") -> bytes:
        """Return a body in its frame; ``kept`` are the bytes that it repeats.

        Raises ``MalformedFrame`` where body or signature have no room.
        """
        repeated = iter(kept)
        head = [self._written(each, body, repeated.__next__, signature) for each in self._head]
        return b"".join([*head, body, *(self._written(each, body, bytes, "") for each in self._end)])

    def _written(self, part: FramePart | EndPart, body: bytes, repeated: Callable[[], bytes], signature: str) -> bytes:
        match part:
            case tcp.Length():
                return self._number.write(len(body))
            case tcp.Copied() | tcp.Sequence():
                return repeated()
            case tcp.Blank(blank=width):
                return b" " * width
            case tcp.Signature(signature=width):
                if len(signature) > width:
                    raise MalformedFrame(f"a signature of {len(signature)} bytes is longer than its {width}")
                return signature.encode("latin-1").ljust(width)
            case tcp.Digest():
                return _digest(part, body)
            case _:
                return _fixed(part)

    def asking(self, number: int) -> Kept:
        """Return what our own request has where an answer repeats it; ``number`` counts our requests."""
        return tuple(
            each.ours.encode("ascii").ljust(each.copied)
            if isinstance(each, tcp.Copied)
            else str(number % 10**each.sequence).rjust(each.sequence, "0").encode("ascii")
            for each in self._head
            if isinstance(each, tcp.Copied | tcp.Sequence)
        )

    def answers(self, asked: Kept, got: Kept) -> bool:
        """Say whether an answer has the numbers of its request; what else it repeats it may have changed."""
        parts = [each for each in self._head if isinstance(each, tcp.Copied | tcp.Sequence)]
        triples = zip(parts, asked, got, strict=True)
        return all(ours == theirs for part, ours, theirs in triples if isinstance(part, tcp.Sequence))


def compile_frame(section: Tcp) -> Frame:
    """Return the frame of a profile."""
    return Frame(section.frame, section.end)


def _width(part: FramePart | EndPart) -> int:
    match part:
        case tcp.Length():
            return part.digits or part.binary or 0
        case tcp.Copied(copied=width) | tcp.Blank(blank=width) | tcp.Signature(signature=width):
            return width
        case tcp.Sequence(sequence=width):
            return width
        case tcp.Digest():
            return len(_digest(part, b""))
        case _:
            return len(_fixed(part))


def _fixed(part: tcp.FixedText | tcp.FixedBytes) -> bytes:
    return part.text.encode("ascii") if isinstance(part, tcp.FixedText) else bytes.fromhex(part.hex)


def _digest(part: tcp.Digest, body: bytes) -> bytes:
    return hashlib.new(part.digest, body, usedforsecurity=False).hexdigest().encode("ascii")


def _check_fixed(part: tcp.FixedText | tcp.FixedBytes, raw: bytes, at: int) -> None:
    expected = _fixed(part)
    if raw != expected:
        raise MalformedFrame(f"{_where(at, raw)}, expected {_shown(expected)}")


def _check_digest(part: tcp.Digest, raw: bytes, body: bytes) -> None:
    if raw.lower() != _digest(part, body):
        raise MalformedFrame(f"the {part.digest} of the body is another than the frame says")


def _where(at: int, raw: bytes) -> str:
    return f"byte {at + 1} to {at + len(raw)}: {_shown(raw)}"


def _shown(raw: bytes) -> str:
    """Return bytes of a head for people: what can be printed as it is, else in hex; never much of it."""
    text = raw[:16].decode("latin-1")
    return repr(text) if text.isascii() and text.isprintable() else f"0x{raw[:16].hex()}"
