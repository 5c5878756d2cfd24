"""Other canonical strings, algorithms, encodings and ciphers, each against an independent computation."""

import base64
import hmac
import json
from urllib.parse import urlencode

import gmalg
import pytest

from tests.adapters.security.conftest import (
    FORM_TYPE,
    NOW,
    RAW,
    SECRET,
    UNREADABLE,
    Desk,
    simple,
)
from tests.by_hand import (
    CIPHER_KEY,
    compact,
    secret_jwk,
    sm2_files,
    sm2_key,
)
from xinqiao.errors import (
    ContentRefused,
    MalformedJson,
    Rejected,
    SealInvalid,
    SealMissing,
)
from xinqiao.sm2 import to_der
from xinqiao_adapters.security.document import RawDocument


def test_a_raw_body_has_no_fields() -> None:
    raw = RawDocument.parse(b"a=1")
    assert (raw.get("a"), raw.take("a"), raw.content()) == (None, None, b"a=1")
    for attempt in (lambda: raw.put("a", "1"), lambda: list(raw.pairs())):
        with pytest.raises(ContentRefused):
            attempt()


def hmac_sm3(key: bytes, text: bytes) -> bytes:
    """HMAC (RFC 2104) over the other library's SM3."""

    def sm3(data: bytes) -> bytes:
        digest = gmalg.SM3()
        digest.update(data)
        return bytes(digest.value())

    block = key.ljust(64, b"\0")
    return sm3(bytes(each ^ 0x5C for each in block) + sm3(bytes(each ^ 0x36 for each in block) + text))


def sm3(data: bytes) -> bytes:
    digest = gmalg.SM3()
    digest.update(data)
    return bytes(digest.value())


def mac(text: bytes) -> str:
    return base64.b64encode(hmac.new(SECRET, text, "sha256").digest()).decode()


FIELDS = b"b=2&a=1&empty=&c=3"
CANONICAL = {
    "sorted, all fields": ("text: {kind: pairs}", b"a=1&b=2&c=3&empty="),
    "sorted, no empty fields": ("text: {kind: pairs, empty: false}", b"a=1&b=2&c=3"),
    "sorted, some left out": ("text: {kind: pairs, without: [b, c]}", b"a=1&empty="),
    "values in order": ("text: {kind: fields, fields: [c, a], join: '|'}", b"3|1"),
    "names and values in order": ("text: {kind: fields, fields: [c, a], names: true, join: '&'}", b"c=3&a=1"),
    "digest of the text": ("text: {kind: pairs}, digest: SM3", sm3(b"a=1&b=2&c=3&empty=").hex().encode()),
}


@pytest.mark.parametrize(("said", "text"), CANONICAL.values(), ids=CANONICAL.keys())
def test_a_form_is_signed_over_the_text_that_the_profile_says(desk: Desk, said: str, text: bytes) -> None:
    seals = desk.seals(simple(f"algorithm: HMAC-SHA256, {said}, at: sign"), {"secret.jwk": secret_jwk(SECRET)})
    sent = seals.sealer.seal(FIELDS, FORM_TYPE, NOW)
    assert sent.content == FIELDS + b"&" + urlencode({"sign": mac(text)}).encode()
    assert seals.opener.open(sent.content, FORM_TYPE, NOW) == (FIELDS, FORM_TYPE)


MEMBERS = b'{"b":"2","a":1.50,"t":true,"n":null}'
JSON_TEXTS = {
    "sorted, without the signature": ("text: {kind: json}", b'{"a":1.50,"b":"2","n":null,"t":true}'),
    "pairs of members": ("text: {kind: pairs, document: json}", b"a=1.50&b=2&n=&t=true"),
    "fields in order": ("text: {kind: fields, document: json, fields: [b, a]}", b"21.50"),
}


@pytest.mark.parametrize(("said", "text"), JSON_TEXTS.values(), ids=JSON_TEXTS.keys())
def test_json_is_signed_over_the_text_that_the_profile_says(desk: Desk, said: str, text: bytes) -> None:
    seals = desk.seals(simple(f"algorithm: HMAC-SHA256, {said}, at: sign"), {"secret.jwk": secret_jwk(SECRET)})
    sent = seals.sealer.seal(MEMBERS, "application/json", NOW)
    assert json.loads(sent.content)["sign"] == mac(text)
    assert seals.opener.open(sent.content, "application/json", NOW)[0] == JSON_TEXTS["sorted, without the signature"][1]


def test_keys_of_json_are_sorted_by_their_utf_16_units_as_in_java(desk: Desk) -> None:
    seals = desk.seals(simple("algorithm: HMAC-SHA256, text: {kind: json}, at: z"), {"secret.jwk": secret_jwk(SECRET)})
    sent = seals.sealer.seal('{"\ufb01":1,"𠮷":{"b":[{"d":1,"c":2}],"a":0}}'.encode(), "application/json", NOW)
    assert list(json.loads(sent.content)) == ["z", "𠮷", "\ufb01"]
    assert '"𠮷":{"a":0,"b":[{"c":2,"d":1}]}' in sent.content.decode()


@pytest.mark.parametrize(
    ("content", "error"),
    [(b'{"a":[]}', ContentRefused), (b"[]", MalformedJson), (b'{"a":1,"a":2}', Rejected), (b"{", MalformedJson)],
)
def test_json_that_has_no_pairs_is_refused(desk: Desk, content: bytes, error: type[Rejected]) -> None:
    profile = simple("algorithm: HMAC-SHA256, text: {kind: pairs, document: json}, at: sign")
    seals = desk.seals(profile, {"secret.jwk": secret_jwk(SECRET)})
    with pytest.raises(error):
        seals.sealer.seal(content, "application/json", NOW)


def test_a_signed_field_that_is_missing_is_refused_both_ways(desk: Desk) -> None:
    profile = simple("algorithm: HMAC-SHA256, text: {kind: fields, fields: [a, b]}, at: sign")
    seals = desk.seals(profile, {"secret.jwk": secret_jwk(SECRET)})
    for attempt in (
        lambda: seals.sealer.seal(b"a=1", FORM_TYPE, NOW),
        lambda: seals.opener.open(b"a=1&sign=AAAA", FORM_TYPE, NOW),
    ):
        with pytest.raises(ContentRefused) as refused:
            attempt()
        assert refused.value.detail == "b is missing, and is part of what is signed"


def test_a_raw_body_is_signed_as_it_is_in_a_header(desk: Desk) -> None:
    seals = desk.seals(RAW, {"secret.jwk": secret_jwk(SECRET)})
    body = "<a>信</a>".encode("gbk")
    sent = seals.sealer.seal(body, "application/xml; charset=GBK", NOW)
    signature = hmac_sm3(SECRET, body).hex()
    assert sent == (body, "application/xml; charset=GBK", {"X-Sign": signature})
    assert seals.opener.header == "X-Sign"
    assert seals.opener.open(body, "application/xml; charset=GBK", NOW, signature) == sent[:2]


@pytest.mark.parametrize(
    ("signature", "error", "said"),
    [
        ("", SealMissing, "the signature is expected in the header X-Sign"),
        ("zz", SealInvalid, "the signature is not in hex"),
        ("签", SealInvalid, "the signature is not in hex"),
        (hmac_sm3(SECRET, b"<a/>").hex().upper(), SealInvalid, "the signature is not in hex"),
        (hmac_sm3(SECRET, b"<b/>").hex(), SealInvalid, "the signature is not the partner's over this content"),
        (hmac_sm3(SECRET, b"<a/>").hex()[:32], SealInvalid, "the signature is not the partner's over this content"),
    ],
)
def test_a_header_that_is_not_the_signature_is_refused(
    desk: Desk, signature: str, error: type[Rejected], said: str
) -> None:
    opener = desk.seals(RAW, {"secret.jwk": secret_jwk(SECRET)}).opener
    with pytest.raises(error) as refused:
        opener.open(b"<a/>", "application/xml", NOW, signature)
    assert refused.value.detail == said


def test_sm3_is_taken_of_the_text_with_the_secret_appended(desk: Desk) -> None:
    profile = simple("algorithm: SM3, before_secret: '&key=', text: {kind: pairs}, at: sign, encoding: HEX")
    seals = desk.seals(profile, {"secret.jwk": secret_jwk(SECRET)})
    sent = seals.sealer.seal(b"b=2&a=1", FORM_TYPE, NOW)
    assert sent.content == b"b=2&a=1&sign=" + sm3(b"a=1&b=2&key=" + SECRET).hex().upper().encode()
    assert seals.opener.open(sent.content, FORM_TYPE, NOW)[0] == b"b=2&a=1"


def test_sm2_in_der_is_read_in_its_one_spelling(desk: Desk) -> None:
    profile = simple("algorithm: SM2-SM3, form: der, text: {kind: raw}, header: X-Sign")
    seals = desk.seals(profile, sm2_files("us", "us"))
    signature = base64.b64decode(seals.sealer.seal(b"x", "", NOW).headers["X-Sign"])
    default = gmalg.SM2(uid=b"1234567812345678", pk=b"\x04" + sm2_key("us").public.point)
    raw = sm2_key("us").sign(b"x")
    assert default.verify(b"x", raw[:32], raw[32:])
    assert seals.opener.open(b"x", "", NOW, base64.b64encode(signature).decode())
    for other in (raw, to_der(raw) + b"\0", b"\x30\x03\x02\x01\x01", to_der(bytes(64)), to_der(raw)[:-1]):
        with pytest.raises(SealInvalid):
            seals.opener.open(b"x", "", NOW, base64.b64encode(other).decode())


CIPHERS = ["SM4-CBC", "AES-CBC", "AES-GCM"]


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("encoding", ["base64", "hex", "HEX"])
def test_a_body_is_encrypted_with_a_fresh_iv_before_it(desk: Desk, cipher: str, encoding: str) -> None:
    profile = simple(
        "algorithm: HMAC-SHA256, text: {kind: raw}, header: X-Sign",
        f"    encryption: {{cipher: {cipher}, encoding: {encoding}}}",
    )
    seals = desk.seals(profile, {"secret.jwk": secret_jwk(SECRET), "cipher.jwk": secret_jwk(CIPHER_KEY)})
    first, second = (seals.sealer.seal(b"content", "application/xml", NOW) for _ in range(2))
    assert first.content != second.content
    assert first.content_type == "text/plain"
    assert seals.opener.open(first.content, "text/plain", NOW, first.headers["X-Sign"]) == (b"content", "")
    for place in range(len(first.content)):
        broken = first.content[:place] + bytes([first.content[place] ^ 1]) + first.content[place + 1 :]
        with pytest.raises(SealInvalid) as refused:
            seals.opener.open(broken, "text/plain", NOW, first.headers["X-Sign"])
        assert refused.value.detail == UNREADABLE


def test_a_form_around_a_body_that_is_not_encrypted_is_opened(desk: Desk) -> None:
    profile = simple(
        "algorithm: HMAC-SHA256, text: {kind: json}, at: sign",
        "    envelope: {id: {constant: X1}, json: {is: content}}",
    )
    seals = desk.seals(profile, {"secret.jwk": secret_jwk(SECRET)})
    sent = seals.sealer.seal(b'{"b":"2"}', "application/json", NOW)
    document = compact({"b": "2", "sign": mac(b'{"b":"2"}')})
    assert tuple(sent) == (urlencode({"id": "X1", "json": document}).encode(), FORM_TYPE, {})
    assert seals.opener.open(sent.content, FORM_TYPE, NOW) == (b'{"b":"2"}', "application/json")
