"""Sealing: from content in the partner's format to what is sent, signed and encrypted as the partner wants it."""

from datetime import datetime
from typing import NamedTuple

from xinqiao.errors import ContentRefused
from xinqiao_adapters.mapping.dates import datetime_pattern
from xinqiao_adapters.security.certificate import certificate_text, serial_text
from xinqiao_adapters.security.cipher import BodyCipher
from xinqiao_adapters.security.document import DOCUMENTS, Document, FormDocument
from xinqiao_adapters.security.keys import Keys
from xinqiao_adapters.security.opener import CONTENT_TYPES
from xinqiao_adapters.security.signing import signer
from xinqiao_adapters.security.spec import Sealing, UserId, Value
from xinqiao_adapters.security.text import signed_text
from xinqiao_adapters.security.written import write_bytes

__all__ = ["Outgoing", "Sealer"]


class Outgoing(NamedTuple):
    """What is sent: the body, its content type, and headers that carry the signature."""

    content: bytes
    content_type: str
    headers: dict[str, str]


class Sealer:
    """Signs, and encrypts, in one way of sealing."""

    def __init__(self, spec: Sealing, user: UserId | None, keys: Keys) -> None:
        """Take the keys. Raises ``KeyUnusable`` where one is missing or is for another algorithm."""
        self._spec = spec
        self._user = user
        self._keys = keys
        self._sign = signer(spec.signature, user, keys)
        self._cipher = BodyCipher(spec.encryption, user, keys) if spec.encryption else None
        if (spec.uses("certificate") or spec.uses("serial")) and keys.certificate is None:
            raise keys.lack("our certificate", "own-certificate.pem")

    def seal(self, content: bytes, content_type: str, now: datetime) -> Outgoing:
        """Return what is sent for a content, signed now.

        Raises ``ContentRefused`` where the content holds what is for the signing to write, or lacks what is signed.
        """
        spec = self._spec.signature
        document = DOCUMENTS[spec.document].parse(content)
        if spec.at and document.take(spec.at) is not None:
            raise ContentRefused(f"{spec.at} has a value already, and is for the signing to write")
        for place, value in self._spec.fields.items():
            document.put(place, self._text(value, now))
        signature = write_bytes(spec.encoding, self._sign(signed_text(spec, document))).decode("ascii")
        headers = {spec.header: signature} if spec.header else {}
        if spec.at:
            document.put(spec.at, signature)
        return self._carried(document, content_type, headers)

    def _carried(self, document: Document, content_type: str, headers: dict[str, str]) -> Outgoing:
        body = document.content()
        if self._cipher:
            body, content_type = self._cipher.encrypt(body), "text/plain"
        if self._spec.envelope is None:
            return Outgoing(body, content_type, headers)
        fields = {name: self._around(name, value, document, body) for name, value in self._spec.envelope.items()}
        return Outgoing(FormDocument(fields).content(), CONTENT_TYPES["form"], headers)

    def _around(self, name: str, value: Value, document: Document, body: bytes) -> bytes:
        if value.is_ == "content":
            return body
        if value.source is None:
            return self._fixed(value).encode("ascii")
        found = document.get(value.source)
        if found is None:
            raise ContentRefused(f"{name} is the content's {value.source}, which is missing")
        return found

    def _text(self, value: Value, now: datetime) -> str:
        certificate = self._keys.certificate
        if value.is_ == "time" and self._spec.time is not None:
            window = self._spec.time
            return datetime_pattern(window.pattern, window.zone, drop_fraction=True).write(now.isoformat())
        if value.is_ == "certificate" and self._spec.certificate is not None and certificate is not None:
            return certificate_text(self._spec.certificate, certificate)
        if value.is_ == "serial" and certificate is not None:
            return serial_text(self._spec.certificate, certificate)
        return self._fixed(value)

    def _fixed(self, value: Value) -> str:
        if value.is_ == "user_id" and self._user is not None:
            return self._user.text
        assert value.constant is not None  # noqa: S101 -- all others are asked for before; the model wants one
        return value.constant
