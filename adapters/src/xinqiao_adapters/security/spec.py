"""What a profile may say of signing and encryption: the standard's own seal, or the partner's (``scheme: partner``).

No key and no secret stands in a profile; they are files of the installation (``security.keys``).
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, field_validator, model_validator

from xinqiao.keys import ALGORITHMS
from xinqiao_adapters.formats.spec import STRICT
from xinqiao_adapters.mapping.dates import datetime_pattern

__all__ = [
    "Certificate",
    "Encryption",
    "FieldsText",
    "JsonText",
    "JwsSecurity",
    "PairsText",
    "PartnerSecurity",
    "RawText",
    "Sealing",
    "Security",
    "SignatureSpec",
    "SignedText",
    "TimeWindow",
    "UserId",
    "Value",
]

Ascii = Annotated[str, Field(pattern=r"^[\x20-\x7e]+$")]
Path = Annotated[str, Field(min_length=1)]
_SIGNED_BY_KEY_PAIR = {"RSA-SHA256", "SM2-SM3"}
_BLOCK = 16


class _Part(BaseModel):
    model_config = STRICT


class JwsSecurity(_Part):
    """The standard's own seal (a detached JWS), and the algorithms that the channel's keys may have."""

    scheme: Literal["xinqiao-jws"] = "xinqiao-jws"
    algorithms: Annotated[list[str], Field(min_length=1)] = list(ALGORITHMS)

    @field_validator("algorithms")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        unknown = [name for name in names if name not in ALGORITHMS]
        if unknown:
            raise ValueError(f"unknown algorithm {', '.join(unknown)}; known: {', '.join(ALGORITHMS)}")
        return names


class RawText(_Part):
    """The body as it is; the signature is in a header of HTTP."""

    kind: Literal["raw"]


class JsonText(_Part):
    """The JSON without blanks, the keys of every object sorted; ``placeholder`` is at the signature's place.

    Without ``placeholder`` the signature's own field is left out.
    """

    kind: Literal["json"]
    placeholder: Ascii | None = None


class PairsText(_Part):
    """``k=v&…`` in the order of the names, of a form's fields or of the members of flat JSON.

    The signature's own field is left out, those under ``without`` as well, and empty ones where ``empty: false``.
    """

    kind: Literal["pairs"]
    document: Literal["form", "json"] = "form"
    without: list[str] = []
    empty: bool = True


class FieldsText(_Part):
    """The values of these fields in this order (``k=v`` where ``names``), with ``join`` between them."""

    kind: Literal["fields"]
    document: Literal["form", "json"] = "form"
    fields: Annotated[list[Path], Field(min_length=1)]
    join: str = ""
    names: bool = False


SignedText = Annotated[RawText | JsonText | PairsText | FieldsText, Field(discriminator="kind")]


class SignatureSpec(_Part):
    """What is signed, how, and where the signature stands: ``at`` a field of the document, or in a ``header``.

    ``digest``: the text's digest, in lower-case hex, is signed instead of the text. ``form`` is that of an SM2
    signature: ``raw`` r‖s or ``der``. ``SM3`` is a digest of the text with the secret appended after ``before_secret``.
    """

    algorithm: Literal["RSA-SHA256", "SM2-SM3", "HMAC-SHA256", "HMAC-SM3", "SM3"]
    text: SignedText
    digest: Literal["SHA256", "SM3"] | None = None
    encoding: Literal["base64", "hex", "HEX"] = "base64"
    form: Literal["raw", "der"] = "raw"
    before_secret: Ascii | None = None
    at: Path | None = None
    header: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")] | None = None

    @property
    def document(self) -> Literal["raw", "json", "form"]:
        """What the signed content is."""
        if isinstance(self.text, (RawText, JsonText)):
            return self.text.kind
        return self.text.document

    @property
    def by_key_pair(self) -> bool:
        """Whether a private key signs; else both sides hold one secret."""
        return self.algorithm in _SIGNED_BY_KEY_PAIR

    @model_validator(mode="after")
    def _consistent(self) -> "SignatureSpec":
        if (self.at is None) == (self.header is None):
            raise ValueError("say where the signature stands: at a field, or in a header")
        if self.document == "raw" and self.at is not None:
            raise ValueError("the signature of a raw body stands in a header")
        if isinstance(self.text, JsonText) and self.text.placeholder is not None and self.at is None:
            raise ValueError("a placeholder needs the field of the signature (at)")
        if self.before_secret is not None and self.algorithm != "SM3":
            raise ValueError("before_secret goes with algorithm: SM3")
        return self


class Value(_Part):
    """One of: a ``constant``; what it ``is``; the value of a field of the document (``from``, in an envelope)."""

    constant: Ascii | None = None
    is_: Literal["user_id", "time", "certificate", "serial", "content"] | None = Field(None, alias="is")
    source: Path | None = Field(None, alias="from")

    @model_validator(mode="after")
    def _one(self) -> "Value":
        if sum(each is not None for each in (self.constant, self.is_, self.source)) != 1:
            raise ValueError("give one of constant, is, from")
        return self


class TimeWindow(_Part):
    """When it was signed, in a strftime pattern and a fixed zone; ``within`` seconds of now, before or after."""

    pattern: str = "%Y%m%d%H%M%S"
    zone: str = "+08:00"
    within: Annotated[int, Field(gt=0)] = 3600

    @model_validator(mode="after")
    def _written(self) -> "TimeWindow":
        datetime_pattern(self.pattern, self.zone)  # raises ValueError
        return self


class Certificate(_Part):
    """The signer's certificate inside the message: PEM with these line ends, no end after its last line.

    One that an installed issuer has issued is trusted where its common name is ``subject``; else it must be
    installed itself. A ``serial`` is written as a decimal number or in hex.
    """

    subject: Annotated[str, Field(min_length=1)] | None = None
    lines: Literal["CRLF", "LF"] = "CRLF"
    serial: Literal["decimal", "hex"] = "decimal"


class Encryption(_Part):
    """``iv``: the padded user id, or random and before the ciphertext. The ciphertext is written in ``encoding``."""

    cipher: Literal["SM4-CBC", "AES-CBC", "AES-GCM"]
    iv: Literal["user_id", "before"] = "before"
    encoding: Literal["base64", "hex", "HEX"] = "base64"

    @model_validator(mode="after")
    def _sound(self) -> "Encryption":
        if self.cipher == "AES-GCM" and self.iv != "before":
            raise ValueError("AES-GCM breaks where a nonce comes twice; its iv is before")
        return self


class Sealing(_Part):
    """One way to sign and encrypt, written and read alike.

    ``fields`` are written into the document before it is signed, checked on reading and taken away again.
    ``envelope`` is the form that carries the (encrypted) content: its fields in order, one of which is the content.
    """

    signature: SignatureSpec
    fields: dict[Path, Value] = {}
    time: TimeWindow | None = None
    certificate: Certificate | None = None
    encryption: Encryption | None = None
    envelope: dict[str, Value] | None = None

    def uses(self, what: str) -> list[str]:
        """Return the fields of the document that are ``user_id``, ``time``, ``certificate`` or ``serial``."""
        return [path for path, value in self.fields.items() if value.is_ == what]

    @model_validator(mode="after")
    def _consistent(self) -> "Sealing":
        if any(value.source is not None or value.is_ == "content" for value in self.fields.values()):
            raise ValueError("from and is: content are for an envelope")
        named = [value.source for value in (self.envelope or {}).values() if value.source is not None]
        if (self.fields or named) and self.signature.document == "raw":
            raise ValueError("a raw body has no fields")
        self._check_places()
        if len(self.uses("time")) != (1 if self.time else 0):
            raise ValueError("time needs one field that is: time, and the other way round")
        if len(self.uses("certificate")) != (1 if self.certificate else 0):
            raise ValueError("certificate needs one field that is: certificate, and the other way round")
        if self.certificate and self.signature.algorithm != "RSA-SHA256":
            raise ValueError("a certificate inside the message is for RSA-SHA256")
        self._check_envelope()
        return self

    def _check_places(self) -> None:
        places = [*self.fields, *([self.signature.at] if self.signature.at else [])]
        for place in places:
            if sum(f"{other}/".startswith(f"{place}/") for other in places) > 1:
                raise ValueError(f"{place} is written twice, or stands inside another field")

    def _check_envelope(self) -> None:
        envelope = self.envelope
        if envelope is None:
            return
        kinds = [value.is_ for value in envelope.values()]
        if kinds.count("content") != 1 or {"time", "certificate", "serial"} & set(kinds):
            raise ValueError("an envelope has one field that is: content; others are constant, from or is: user_id")


class UserId(_Part):
    """Who the trust company is to the partner; as user id of SM2 and as iv it is filled up on its right."""

    text: Ascii
    width: Annotated[int, Field(gt=0)] | None = None
    fill: Annotated[Ascii, Field(max_length=1)] = "0"

    @property
    def filled(self) -> bytes:
        """The user id at its width."""
        return self.text.ljust(self.width or 0, self.fill).encode("ascii")

    @model_validator(mode="after")
    def _fits(self) -> "UserId":
        if self.width is not None and len(self.text) > self.width:
            raise ValueError(f"the user id is longer than its width of {self.width}")
        return self


def _whole_user_id(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


class PartnerSecurity(_Part):
    """The partner's own scheme: named ways to seal, and which of them is whose.

    ``in`` and ``out`` are for messages, ``answer`` for what we answer to the partner's call and ``reply`` for what it
    answers to ours; without them answers and replies are not sealed.
    """

    scheme: Literal["partner"]
    user_id: Annotated[UserId, BeforeValidator(_whole_user_id)] | None = None
    sealings: Annotated[dict[str, Sealing], Field(min_length=1)]
    incoming: str = Field(alias="in")
    outgoing: str = Field(alias="out")
    answer: str | None = None
    reply: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "PartnerSecurity":
        for name in (self.incoming, self.outgoing, self.answer, self.reply):
            if name is not None and name not in self.sealings:
                raise ValueError(f"there is no sealing {name!r}; known: {', '.join(self.sealings)}")
        if self.user_id is None and any(_needs_user_id(each) for each in self.sealings.values()):
            raise ValueError("a sealing uses the user id: give user_id")
        for each in self.sealings.values():
            by_user = each.encryption is not None and each.encryption.iv == "user_id"
            if by_user and self.user_id is not None and len(self.user_id.filled) != _BLOCK:
                raise ValueError(f"an iv has {_BLOCK} bytes: give user_id a width of {_BLOCK}")
        return self


def _needs_user_id(sealing: Sealing) -> bool:
    if sealing.encryption is not None and sealing.encryption.iv == "user_id":
        return True
    return any(value.is_ == "user_id" for value in _values(sealing))


def _values(sealing: Sealing) -> Iterator[Value]:
    yield from sealing.fields.values()
    yield from (sealing.envelope or {}).values()


def _with_scheme(value: object) -> object:
    return {"scheme": "xinqiao-jws", **value} if isinstance(value, dict) else value


Security = Annotated[JwsSecurity | PartnerSecurity, Field(discriminator="scheme"), BeforeValidator(_with_scheme)]
