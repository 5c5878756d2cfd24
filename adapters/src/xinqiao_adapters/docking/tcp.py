"""``tcp``: framed TCP, a document after a head that says its length (银保通 and banks' front-end machines).

The frame is data: what stands around a body, byte by byte. ``docking.frame`` compiles it.
"""

from ipaddress import ip_address, ip_network
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, Discriminator, Field, Tag, model_validator

from xinqiao_adapters.formats.spec import STRICT

__all__ = [
    "Blank",
    "Call",
    "Connection",
    "Copied",
    "Digest",
    "EndPart",
    "FixedBytes",
    "FixedText",
    "FramePart",
    "Length",
    "Listen",
    "Sequence",
    "Signature",
    "Tcp",
    "is_loopback",
]

Ascii = Annotated[str, Field(pattern=r"^[\x20-\x7e]+$")]
Width = Annotated[int, Field(ge=1, le=4096)]
Seconds = Annotated[float | int, Field(gt=0, le=3600)]
# A file in the channel's own folder.
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


def is_loopback(host: str) -> bool:
    """Say whether an address is this machine's own, which nobody else can listen to."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Part(BaseModel):
    model_config = STRICT


class FixedText(_Part):
    """The same text in every frame: it is written, and a frame with another one is refused."""

    kind: ClassVar[str] = "text"
    text: Ascii


class FixedBytes(_Part):
    """The same bytes in every frame, in hex: a start or an end mark, a separator."""

    kind: ClassVar[str] = "hex"
    hex: Annotated[str, Field(pattern=r"^([0-9a-fA-F]{2})+$")]


class Length(_Part):
    """How long it is: the ``body``, the ``rest`` of the frame after these bytes, or ``all`` of the frame.

    In decimal ``digits``, filled up on their left, or ``binary`` in so many bytes.
    """

    kind: ClassVar[str] = "length"
    length: Literal["body", "rest", "all"]
    digits: Annotated[int, Field(ge=1, le=12)] | None = None
    fill: Literal["0", " "] = "0"
    binary: Literal[2, 4] | None = None
    order: Literal["big", "little"] = "big"

    @model_validator(mode="after")
    def _one_of_two(self) -> "Length":
        if (self.digits is None) == (self.binary is None):
            raise ValueError("say how the length is written: digits: 8, or binary: 4")
        return self


class Copied(_Part):
    """So many bytes that an answer repeats from its request; ``ours`` is what our own requests have there."""

    kind: ClassVar[str] = "copied"
    copied: Width
    ours: Ascii = " "

    @model_validator(mode="after")
    def _fits(self) -> "Copied":
        if len(self.ours) > self.copied:
            raise ValueError(f"{self.ours!r} is longer than its {self.copied} bytes")
        return self


class Sequence(_Part):
    """A number in so many digits: our requests count up, and an answer has the number of its request."""

    kind: ClassVar[str] = "sequence"
    sequence: Annotated[int, Field(ge=1, le=18)]


class Blank(_Part):
    """So many reserved bytes: written as blanks, and whatever stands there is not read."""

    kind: ClassVar[str] = "blank"
    blank: Width


class Signature(_Part):
    """So many bytes for a signature that is not in the body, with blanks after it."""

    kind: ClassVar[str] = "signature"
    signature: Width


class Digest(_Part):
    """The digest of the body in hex, against accidents on the line. It proves nothing of who sent it."""

    kind: ClassVar[str] = "digest"
    digest: Literal["MD5", "SHA1", "SHA256"]


def _kind(value: Any) -> str | None:  # noqa: ANN401 -- what a file says, or a part
    """Return which part it is: the first key that names one."""
    if isinstance(value, dict):
        return next((name for name in value if name in _KINDS), None)
    return getattr(value, "kind", None)


_KINDS = frozenset(each.kind for each in (FixedText, FixedBytes, Length, Copied, Sequence, Blank, Signature, Digest))
_UNKNOWN = f"a part of a frame is one of: {', '.join(sorted(_KINDS))}"
FramePart = Annotated[
    Annotated[FixedText, Tag("text")]
    | Annotated[FixedBytes, Tag("hex")]
    | Annotated[Length, Tag("length")]
    | Annotated[Copied, Tag("copied")]
    | Annotated[Sequence, Tag("sequence")]
    | Annotated[Blank, Tag("blank")]
    | Annotated[Signature, Tag("signature")]
    | Annotated[Digest, Tag("digest")],
    Discriminator(_kind, custom_error_type="frame_part", custom_error_message=_UNKNOWN),
]
EndPart = Annotated[
    Annotated[FixedText, Tag("text")] | Annotated[FixedBytes, Tag("hex")] | Annotated[Digest, Tag("digest")],
    Discriminator(
        _kind, custom_error_type="frame_part", custom_error_message="the end of a frame has text, hex and digest"
    ),
]


class Connection(_Part):
    """What a partner may do with a connection of its own.

    ``several``: it may send one request after the other, and gets their answers in order; else a connection has one.
    ``idle``: the seconds until a request begins, ``read``: those from its first byte to its last. ``most``: how many
    connections of the channel there may be at once.
    """

    several: bool = False
    idle: Seconds = 60
    read: Seconds = 30
    most: Annotated[int, Field(ge=1, le=4096)] = 64


def _network(said: str) -> str:
    ip_network(said)  # a ValueError that says why
    return said


class Listen(_Part):
    """Where the partner calls: a port of the channel's own.

    ``allow`` are the addresses it may call from, networks as well (10.1.0.0/16); none means all. ``tls`` uses the
    gateway's certificate; ``clients`` is a file beside the profile with the certificates (PEM) of which the partner
    must show one.
    """

    port: Annotated[int, Field(ge=1, le=65_535)]
    host: str = "127.0.0.1"
    tls: bool = False
    clients: FileName | None = None
    allow: list[Annotated[str, AfterValidator(_network)]] = []

    @model_validator(mode="after")
    def _consistent(self) -> "Listen":
        if self.clients is not None and not self.tls:
            raise ValueError("clients show certificates over TLS only: say tls: true")
        return self


class Call(_Part):
    """How the partner's server is known where we call it by ``tls://``; files beside the profile, in PEM.

    ``issuers``: whose certificates are trusted instead of those that the system trusts. ``server``: the server's own
    certificates; one of them is shown, whatever name it is for. ``own``: our key and certificate, where it asks for
    them.
    """

    issuers: FileName | None = None
    server: FileName | None = None
    own: FileName | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "Call":
        if self.issuers is not None and self.server is not None:
            raise ValueError("name the issuers, or the server's own certificates")
        return self


class Tcp(_Part):
    """The section ``tcp`` of a profile: the frame, where we listen, and where what comes is held to be from.

    ``frame`` stands before a body, ``end`` after it. ``trust``: a ``seal`` proves who sent a request, or else its
    ``certificate`` or its ``address`` does, as the partner signs nothing. ``protected_by`` says what keeps a line
    without TLS from others (专线, VPN); without it such a line carries test messages only, or none off this machine.
    """

    frame: Annotated[list[FramePart], Field(min_length=1)]
    end: list[EndPart] = []
    content_type: Ascii = "application/xml"
    trust: Literal["seal", "certificate", "address"] = "seal"
    protected_by: Annotated[str, Field(min_length=2)] | None = None
    connection: Connection = Connection()
    listen: Listen | None = None
    call: Call = Call()

    @property
    def has_signature(self) -> bool:
        """Whether a signature that is not in the body has a place."""
        return any(isinstance(each, Signature) for each in self.frame)

    @model_validator(mode="after")
    def _consistent(self) -> "Tcp":
        if sum(isinstance(each, Length) for each in self.frame) != 1:
            raise ValueError("a frame says its length once")
        if sum(isinstance(each, Signature) for each in self.frame) > 1:
            raise ValueError("a frame has one signature")
        if self.listen is None:
            return self
        if self.trust == "certificate" and self.listen.clients is None:
            raise ValueError("trust: certificate needs the certificates: listen.clients")
        if self.trust == "address" and not self.listen.allow:
            raise ValueError("trust: address needs the addresses: listen.allow")
        return self
