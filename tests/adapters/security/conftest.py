"""Profiles of the two styles of partners' security, and a desk that makes the seals of either side."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from xinqiao_adapters.security.keys import read_keys
from xinqiao_adapters.security.seals import PartnerSeals, bind
from xinqiao_adapters.security.spec import PartnerSecurity

NOW = datetime(2026, 1, 20, 1, 30, 0, tzinfo=UTC)
SIGNED_AT = "20260120093000"
SECRET = b"a secret of both sides"

BANK = """
scheme: partner
user_id: {text: U000000001, width: 16}
in: request
out: request
answer: response
reply: response
sealings:
  request:
    signature:
      algorithm: SM2-SM3
      text: {kind: json, placeholder: __signature_sigdat__}
      at: signature/sigdat
    fields:
      request/head/userid: {is: user_id}
      signature/sigtim: {is: time}
    time: {pattern: "%Y%m%d%H%M%S", zone: "+08:00", within: 3600}
    encryption: {cipher: SM4-CBC, iv: user_id}
    envelope:
      UID: {is: user_id}
      FUNCODE: {from: request/head/funcode}
      ALG: {constant: SM}
      DATA: {is: content}
  response:
    signature:
      algorithm: SM2-SM3
      text: {kind: json, placeholder: __signature_sigdat__}
      at: signature/sigdat
    fields:
      signature/sigtim: {is: time}
    time: {}
    encryption: {cipher: SM4-CBC, iv: user_id}
"""

PAYMENT = """
scheme: partner
in: message
out: message
sealings:
  message:
    signature:
      algorithm: RSA-SHA256
      text: {kind: pairs}
      digest: SHA256
      at: signature
    fields:
      signMethod: {constant: "01"}
      certId: {is: serial}
      signPubKeyCert: {is: certificate}
    certificate: {subject: 示例支付平台}
"""
FORM_TYPE = "application/x-www-form-urlencoded"
UNREADABLE = "the content cannot be decrypted, or is not what the partner signed"


def simple(signature: str, rest: str = "") -> str:
    return f"""
scheme: partner
in: only
out: only
sealings:
  only:
    signature: {{{signature}}}
{rest}
"""


RAW = simple("algorithm: HMAC-SM3, text: {kind: raw}, header: X-Sign, encoding: hex")
PUBLIC_KEYS = simple("algorithm: RSA-SHA256, text: {kind: raw}, header: X-Sign")


@dataclass
class Desk:
    """Makes the seals of one side from the text of a profile and the content of its key files."""

    folder: Path

    def keys(self, files: Mapping[str, bytes]) -> Path:
        folder = self.folder / str(sum(1 for _ in self.folder.iterdir()))
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o600)
        return folder

    def seals(self, text: str, files: Mapping[str, bytes]) -> PartnerSeals:
        return bind(PartnerSecurity.model_validate(yaml.safe_load(text)), read_keys(self.keys(files)))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    folder = tmp_path / "keys"
    folder.mkdir()
    return Desk(folder)
