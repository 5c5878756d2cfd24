"""Signed documents: a JSON object and a detached seal over its canonical form, together in one file.

``{"NAME": {…}, "signature": "header..signature"}``, written canonically: UTF-8, keys sorted by their bytes, no blanks,
one line. There is one way to write a document, so every changed byte of a file is noticed. Whoever has the signer's
public key reads it without a network. The name of a document is part of what is signed: none is taken for another.
``schemas/certificates`` says what is in each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import orjson
from jsonschema_rs import Draft202012Validator, RegexOptions

from xinqiao.errors import (
    CertificateInvalid,
    DuplicateKey,
    MalformedJson,
    SealInvalid,
    SettingsInvalid,
    WrongEncoding,
)
from xinqiao.keys import KeyRing, SigningKey, VerifyingKey
from xinqiao.message import Json, read_json
from xinqiao.rules.values import check_institution_code
from xinqiao.seal import Sealed, kid_of, open_stored, seal

__all__ = ["Issuer", "canonical", "open_document", "sign_document", "thumbprint"]

# The documents there are -> at most so many bytes
_DOCUMENTS: Mapping[str, int] = {"certificate": 128_000, "revocations": 8_000_000, "registry": 64_000_000}


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs: ``institution`` is a unified social credit code."""

    name: str
    institution: str

    def as_json(self, key: SigningKey) -> Json:
        """Return what a document says of who signed it, and with which key."""
        return {"name": self.name, "institution": self.institution, "kid": key.kid, "thumbprint": thumbprint(key)}


def canonical(value: Json) -> bytes:
    """Return the canonical form of JSON without fractions: UTF-8, keys sorted by their bytes, no blanks."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def thumbprint(key: SigningKey | VerifyingKey) -> str:
    """Return the thumbprint of a key (RFC 7638, SHA-256): it tells two keys of one name apart."""
    return key.jose().thumbprint()


def sign_document(name: str, content: Json, issuer: Issuer, key: SigningKey, at: datetime) -> bytes:
    """Return the file of a document. Raises ``SettingsInvalid`` where its content is not as the schema has it."""
    signed = {**content, "issuer": issuer.as_json(key)}
    if problem := _problem(name, signed):
        raise SettingsInvalid(f"{name}{problem}")
    sealed = seal(canonical(signed), _media_type(name), key, at)
    return canonical({name: signed, "signature": sealed.signature}) + b"\n"


def open_document(raw: bytes, name: str, keys: KeyRing) -> Json:
    """Return the content of a document that one of ``keys`` signed.

    Raises ``CertificateInvalid`` because it is ``malformed``, of a ``foreign_key``, or ``tampered``.
    """
    if len(raw) > _DOCUMENTS[name]:
        raise CertificateInvalid(f"malformed: {len(raw):,} bytes, at most {_DOCUMENTS[name]:,} are read")
    document = _read(raw, name)
    content: Json = document[name]
    sealed = Sealed(canonical(content), _media_type(name), document["signature"])
    key = _key_of(sealed, keys)
    try:
        open_stored(sealed, keys)
    except SealInvalid as error:
        said = content["issuer"]["thumbprint"]
        if said != thumbprint(key):
            raise CertificateInvalid(
                f"foreign_key: signed by the key {said}; the one given as {key.kid} is {thumbprint(key)}"
            ) from error
        raise CertificateInvalid(f"tampered: this {name} is not what key {key.kid} signed") from error
    if (content["issuer"]["kid"], content["issuer"]["thumbprint"]) != (key.kid, thumbprint(key)):
        raise CertificateInvalid(f"malformed: it names {content['issuer']['kid']} as its key, {key.kid} signed it")
    return content


def _read(raw: bytes, name: str) -> Json:
    try:
        document = read_json(raw)
    except (MalformedJson, DuplicateKey, WrongEncoding) as error:
        raise CertificateInvalid(f"malformed: no JSON: {error.detail}") from error
    if document.keys() != {name, "signature"} or not isinstance(document["signature"], str):
        raise CertificateInvalid(f"malformed: an object with {name} and signature is expected")
    if not isinstance(document[name], dict):
        raise CertificateInvalid(f"malformed: {name} is no object")
    if problem := _problem(name, document[name]):
        raise CertificateInvalid(f"malformed: {name}{problem}")
    if raw != canonical(document) + b"\n":
        raise CertificateInvalid("malformed: the file was written anew; take it as its issuer gave it, byte for byte")
    return document


def _key_of(sealed: Sealed, keys: KeyRing) -> VerifyingKey:
    try:
        kid = kid_of(sealed)
    except SealInvalid as error:
        raise CertificateInvalid(f"malformed: {error.detail}") from error
    key = keys.find(kid)
    if key is None:
        known = ", ".join(sorted(each.kid for each in keys)) or "none"
        raise CertificateInvalid(f"foreign_key: signed by the key {kid[:80]!r}; trusted here: {known}")
    return key


def _media_type(name: str) -> str:
    return f"application/vnd.xinqiao.{name}+json"


def _problem(name: str, content: Json) -> str:
    """Return where a content is not as the schema has it, and what is expected there; nothing where it is."""
    error = next(_validator(name).iter_errors(content), None)
    if error is None:
        return _mistyped(content)
    return "".join(f".{each}" for each in error.instance_path) + f": {error.message[:300]}"


def _mistyped(content: Json) -> str:
    """Return where the code of an institution is none by its check character, which no schema sees."""
    for who in ("issuer", "subject"):
        code = content.get(who, {}).get("institution")
        if code and (expected := check_institution_code(code)):
            return f".{who}.institution: {code} is mistyped: by its first 17 characters {expected} is expected"
    return ""


@cache
def _validator(name: str) -> Draft202012Validator:
    schema: dict[str, Any] = orjson.loads((files("xinqiao") / "schemas" / "certificates" / "1.json").read_bytes())
    schema = {"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]}
    return Draft202012Validator(schema, pattern_options=RegexOptions())
