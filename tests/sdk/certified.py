"""Certificates to verify: one that is good, of an issuer whose key is trusted, and what becomes of others."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from xinqiao.certificate import CertifiedKit, Seen, Subject, issue, verify
from xinqiao.errors import CertificateInvalid
from xinqiao.keys import KeyRing, new_key
from xinqiao.signed import Issuer, sign_document
from xinqiao.testing import BANK

__all__ = ["ISSUER", "KEY", "KEYS", "NOW", "RAW", "RESULTS", "SEEN", "refused", "resealed"]

KEY = new_key("body-2026")
KEYS = KeyRing([KEY.public()])
ISSUER = Issuer("示例行业协会", "51100000500000005N")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
RESULTS = b'{"results": "1"}\n'
DIGESTS = {name: f"sha256:{sha256(name.encode()).hexdigest()}" for name in ("suite", "declaration", "root")}
SEEN = Seen(
    subject=Subject("示例银行", BANK, "信托直连", "2.3"),
    standard="1.0",
    kits=(CertifiedKit("sender/family-trust/rest", 41, 1, 0, 130, 88),),
    results=f"sha256:{sha256(RESULTS).hexdigest()}",
    exchanges=312,
    how="run",
    tested_at=NOW - timedelta(hours=1),
    supports=("corrections",),
    **DIGESTS,
)
RAW = issue(SEEN, ISSUER, KEY, at=NOW)


def refused(raw: bytes, keys: KeyRing = KEYS, **further: Any) -> CertificateInvalid:
    with pytest.raises(CertificateInvalid) as caught:
        verify(raw, keys, **{"at": NOW} | further)
    return caught.value


def resealed(**changes: Any) -> bytes:
    """Return the certificate with other content, signed by its issuer again."""
    content = json.loads(RAW)["certificate"] | changes
    return sign_document("certificate", content, ISSUER, KEY, NOW)
