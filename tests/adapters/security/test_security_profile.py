"""What a profile says of security: refused where it is not sound, with file and line."""

import pytest

from tests.adapters.conftest import HEAD, NAV, Load
from tests.adapters.security.conftest import simple
from xinqiao.errors import (
    ProfileInvalid,
)

SIGNED = "algorithm: HMAC-SHA256, text: {kind: json}, at: sign"


@pytest.mark.parametrize(
    ("security", "said"),
    [
        (simple("algorithm: MD5, text: {kind: json}, at: sign"), "'RSA-SHA256', 'SM2-SM3'"),
        (simple("algorithm: SM3, text: {kind: json}"), "say where the signature stands: at a field, or in a header"),
        (simple("algorithm: SM3, text: {kind: raw}, at: sign"), "the signature of a raw body stands in a header"),
        (
            simple("algorithm: SM3, text: {kind: json, placeholder: x}, header: X"),
            "a placeholder needs the field of the signature (at)",
        ),
        (simple(f"{SIGNED}, before_secret: x"), "before_secret goes with algorithm: SM3"),
        (simple(SIGNED, "    fields: {a: {constant: x, is: user_id}}"), "give one of constant, is, from"),
        (simple(SIGNED, "    fields: {a: {from: b}}"), "from and is: content are for an envelope"),
        (simple(SIGNED, "    fields: {sign: {constant: x}}"), "sign is written twice, or stands inside another field"),
        (
            simple(SIGNED, "    fields: {sign/a: {constant: x}}"),
            "sign is written twice, or stands inside another field",
        ),
        (simple("algorithm: SM3, text: {kind: raw}, header: X", "    fields: {a: {constant: x}}"), "a raw body has no"),
        (
            simple("algorithm: SM3, text: {kind: raw}, header: X", "    envelope: {a: {from: b}, c: {is: content}}"),
            "a raw body has no fields",
        ),
        (simple(SIGNED, "    fields: {a: {is: time}}"), "time needs one field that is: time, and the other way round"),
        (simple(SIGNED, "    time: {}"), "time needs one field that is: time, and the other way round"),
        (simple(SIGNED, '    time: {pattern: "%H"}'), "a datetime pattern names %Y, %m, %d, %H, %M and %S, once each"),
        (simple(SIGNED, "    certificate: {}"), "certificate needs one field that is: certificate"),
        (
            simple(SIGNED, "    certificate: {}\n    fields: {a: {is: certificate}}"),
            "a certificate inside the message is for RSA-SHA256",
        ),
        (simple(SIGNED, "    encryption: {cipher: AES-GCM, iv: user_id}"), "AES-GCM breaks where a nonce comes twice"),
        (simple(SIGNED, "    encryption: {cipher: SM4-CBC, iv: user_id}"), "a sealing uses the user id: give user_id"),
        (
            simple(SIGNED, "    encryption: {cipher: SM4-CBC, iv: user_id}\nuser_id: U1"),
            "an iv has 16 bytes: give user_id a width of 16",
        ),
        (simple(SIGNED, "user_id: {text: ABC, width: 2}"), "the user id is longer than its width of 2"),
        (simple(SIGNED, "    envelope: {a: {constant: x}}"), "an envelope has one field that is: content"),
        (simple(SIGNED, "answer: nobody"), "there is no sealing 'nobody'; known: only"),
        ("scheme: partner\nmore: 1", "no such key here; check its spelling"),
    ],
)
def test_a_profile_whose_security_is_not_sound_is_refused_with_its_line(load: Load, security: str, said: str) -> None:
    indented = "\n".join(f"  {line}" for line in security.strip().split("\n"))
    with pytest.raises(ProfileInvalid) as refused:
        load(f"{HEAD}security:\n{indented}\n{NAV}")
    assert said in refused.value.detail
    assert "channel.yaml:" in refused.value.detail


def test_a_profile_without_a_scheme_has_the_standards_seal(load: Load) -> None:
    assert load(HEAD + NAV).profile.security.scheme == "xinqiao-jws"
    assert load(f"{HEAD}security: {{algorithms: [Ed25519]}}\n{NAV}").profile.security.scheme == "xinqiao-jws"
