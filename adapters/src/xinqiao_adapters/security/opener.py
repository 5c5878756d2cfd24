"""Opening: from what the partner sent to the content that it signed, or one clear refusal."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from xinqiao.errors import Rejected, SealExpired, SealInvalid, SealMissing
from xinqiao_adapters.mapping.converters import Unfit
from xinqiao_adapters.mapping.dates import datetime_pattern
from xinqiao_adapters.security.certificate import serial_text, trusted
from xinqiao_adapters.security.cipher import BodyCipher
from xinqiao_adapters.security.document import DOCUMENTS, Document, FormDocument
from xinqiao_adapters.security.keys import Keys, PartnerKey
from xinqiao_adapters.security.signing import verifier
from xinqiao_adapters.security.spec import Sealing, TimeWindow, UserId, Value
from xinqiao_adapters.security.text import signed_text
from xinqiao_adapters.security.written import read_bytes

__all__ = ["CONTENT_TYPES", "Opener"]

CONTENT_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded", "raw": ""}
# One text for whatever is wrong behind an encryption: which step failed would tell who probes it something.
_UNREADABLE = "the content cannot be decrypted, or is not what the partner signed"


class Opener:
    """Verifies, and decrypts, in one way of sealing."""

    def __init__(self, spec: Sealing, user: UserId | None, keys: Keys) -> None:
        """Take the keys. Raises ``KeyUnusable`` where one is missing or is for another algorithm."""
        self._spec = spec
        self._user = user
        self._keys = keys
        self._verify = verifier(spec.signature, user, keys)
        self._cipher = BodyCipher(spec.encryption, user, keys) if spec.encryption else None
        may_issue = spec.certificate is not None and keys.issuers
        if spec.signature.by_key_pair and not keys.partner and not may_issue:
            raise keys.lack("the partner's public key or certificate", "partner.pem")

    @property
    def header(self) -> str | None:
        """The header of HTTP that carries the signature; None where the content does."""
        return self._spec.signature.header

    def open(self, content: bytes, content_type: str, now: datetime | None, signature: str = "") -> tuple[bytes, str]:
        """Return the content that was signed, without what belongs to the signing, and its content type.

        ``signature`` is the value of ``header``. Without ``now`` no time is checked, for what was stored.
        Raises ``SealMissing``, ``SealInvalid``, ``SealExpired``, or the ``Rejected`` that says why what is not
        encrypted cannot be read.
        """
        envelope, body = self._unwrapped(content)
        document = self._document(body, signature, now)
        self._check_envelope(envelope, document)
        self._take_fields(document, now)
        is_carried = self._cipher is not None or self._spec.envelope is not None
        return document.content(), CONTENT_TYPES[self._spec.signature.document] if is_carried else content_type

    def _unwrapped(self, content: bytes) -> tuple[Mapping[str, bytes], bytes]:
        if self._spec.envelope is None:
            return {}, content.strip() if self._cipher else content
        form = FormDocument.parse(content)
        if sorted(form.names()) != sorted(self._spec.envelope):
            raise SealInvalid(f"the form has exactly the fields {', '.join(self._spec.envelope)}")
        found = {name: form.get(name) or b"" for name in self._spec.envelope}
        body = next(found[name] for name, value in self._spec.envelope.items() if value.is_ == "content")
        return found, body

    def _document(self, body: bytes, signature: str, now: datetime | None) -> Document:
        if self._cipher is None:
            return self._verified(body, signature, now)
        try:
            return self._verified(self._cipher.decrypt(body), signature, now)
        except (Rejected, ValueError) as error:
            raise SealInvalid(_UNREADABLE) from error

    def _verified(self, body: bytes, header: str, now: datetime | None) -> Document:
        spec = self._spec.signature
        document = DOCUMENTS[spec.document].parse(body)
        written = document.take(spec.at) if spec.at else header.encode("utf-8")
        if not written:
            raise SealMissing(f"the signature is expected in {spec.at or f'the header {spec.header}'}")
        try:
            signature = read_bytes(spec.encoding, written)
        except ValueError as error:
            raise SealInvalid(f"the signature is not in {spec.encoding}") from error
        signers = self._signers(document, now)
        text = signed_text(spec, document)
        for signer in signers:
            if self._verify(text, signature, signer.key if signer else None):
                self._check_serial(document, signer)
                return document
        raise SealInvalid("the signature is not the partner's over this content")

    def _signers(self, document: Document, now: datetime | None) -> Sequence[PartnerKey | None]:
        spec = self._spec
        if not spec.signature.by_key_pair:
            return (None,)
        if spec.certificate is None:
            return self._keys.partner
        (place,) = spec.uses("certificate")
        return (trusted(spec.certificate, document.get(place) or b"", self._keys, now),)

    def _check_serial(self, document: Document, signer: PartnerKey | None) -> None:
        for place in self._spec.uses("serial"):
            certificate = signer.certificate if signer else None
            if certificate is None or document.get(place) != serial_text(self._spec.certificate, certificate).encode():
                raise SealInvalid(f"{place} is not the serial number of the certificate that signed")

    def _check_envelope(self, envelope: Mapping[str, bytes], document: Document) -> None:
        for name, value in (self._spec.envelope or {}).items():
            if value.is_ != "content" and envelope[name] != self._expected(value, document):
                raise SealInvalid(f"{name} beside the content does not agree with the content or the profile")

    def _take_fields(self, document: Document, now: datetime | None) -> None:
        for place, value in self._spec.fields.items():
            found = document.take(place)
            if value.is_ == "time":
                self._check_time(place, found, now)
            elif value.is_ not in {"certificate", "serial"} and found != self._expected(value, document):
                raise SealInvalid(f"{place} is not what the profile says")

    def _expected(self, value: Value, document: Document) -> bytes | None:
        if value.source is not None:
            return document.get(value.source)
        text = self._user.text if value.is_ == "user_id" and self._user else value.constant
        return text.encode("ascii") if text is not None else None

    def _check_time(self, place: str, found: bytes | None, now: datetime | None) -> None:
        window = self._spec.time
        assert window is not None  # noqa: S101 -- the model wants it where a field is the time
        signed = _moment(window, found, place)
        if now is None:
            return
        age = (now - signed).total_seconds()
        if abs(age) > window.within:
            when = f"{age:.0f} s ago" if age > 0 else f"{-age:.0f} s in the future"
            raise SealExpired(f"signed {when}, at most {window.within} s are allowed")


def _moment(window: TimeWindow, found: bytes | None, place: str) -> datetime:
    try:
        text = (found or b"").decode("ascii")
        return datetime.fromisoformat(str(datetime_pattern(window.pattern, window.zone).read(text)))
    except (UnicodeDecodeError, Unfit) as error:
        raise SealInvalid(f"{place} is not a time of the form {window.pattern}") from error
