"""The bank's style (sorted JSON, SM2, SM4) built by hand beside ours, and everything changed refused."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import by_hand
from tests.adapters.security.conftest import (
    BANK,
    FORM_TYPE,
    NOW,
    SIGNED_AT,
    UNREADABLE,
    Desk,
)
from tests.by_hand import (
    CIPHER_KEY,
    FILLED,
    USER,
    bank_form,
    compact,
    gmalg_key,
    sm2_files,
    sm2_key,
    sm4_cbc,
    sm4_cbc_back,
)
from xinqiao.errors import (
    ContentRefused,
    Rejected,
    SealExpired,
    SealInvalid,
)
from xinqiao_adapters.security.seals import PartnerSeals

PLAIN: dict[str, Any] = {
    "request": {
        "head": {"reqid": "202601200930000010001", "funcode": "XQTRANSQRY"},
        "body": {"xqtransqryx": [{"trsamt": "12.50", "bbknbr": "75", "accnam": "信桥<示例>\u2028有限公司", "n": 1.10}]},
    }
}


def bank_document(signer: str, at: str = SIGNED_AT, **changes: Any) -> dict[str, Any]:
    head = {**PLAIN["request"]["head"], "userid": USER}
    return by_hand.bank_document({"request": {**PLAIN["request"], "head": head}, **changes}, signer, at)


def test_what_the_bank_gets_is_what_is_built_by_hand(desk: Desk) -> None:
    sent = desk.seals(BANK, sm2_files("us", "bank")).sealer.seal(json.dumps(PLAIN).encode(), "application/json", NOW)
    data = dict(parse_qsl(sent.content.decode()))["DATA"]
    document = json.loads(sm4_cbc_back(base64.b64decode(data)))
    signature = base64.b64decode(document["signature"]["sigdat"])
    unsigned = {**document, "signature": {**document["signature"], "sigdat": "__signature_sigdat__"}}
    head = {**PLAIN["request"]["head"], "userid": USER}
    assert document["request"] == {**PLAIN["request"], "head": head}
    assert document["signature"]["sigtim"] == SIGNED_AT
    assert gmalg_key("us").verify(compact(unsigned), signature[:32], signature[32:])
    assert sent == (bank_form(document), FORM_TYPE, {})


def test_what_the_bank_builds_is_opened_to_the_content_that_it_signed(desk: Desk) -> None:
    raw = bank_form(bank_document("bank"))
    opened = desk.seals(BANK, sm2_files("us", "bank")).opener.open(raw, FORM_TYPE, NOW)
    assert opened == (compact(PLAIN), "application/json")


def test_an_answer_is_sealed_without_a_form_and_opened_by_the_other_side(desk: Desk) -> None:
    ours, theirs = desk.seals(BANK, sm2_files("us", "bank")), desk.seals(BANK, sm2_files("bank", "us"))
    assert ours.answer is not None
    assert theirs.reply is not None
    sent = ours.answer.seal(b'{"response":{"head":{"resultcode":"SUC0000"}}}', "application/json", NOW)
    document = json.loads(sm4_cbc_back(base64.b64decode(sent.content)))
    assert list(document) == ["response", "signature"]
    opened = theirs.reply.open(sent.content + b"\n", "text/plain", NOW)
    assert opened == (b'{"response":{"head":{"resultcode":"SUC0000"}}}', "application/json")


def changed(document: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return a copy with another value at a path; None takes away."""
    copied: dict[str, Any] = json.loads(json.dumps(document))
    *steps, name = path.split("/")
    node = copied
    for step in steps:
        node = node[step]
    node.pop(name, None)
    if value is not None:
        node[name] = value
    return copied


INSIDE: dict[str, Callable[[dict[str, Any]], object]] = {
    "a field": lambda found: changed(found, "request/head/reqid", "202601200930000010002"),
    "a field more": lambda found: changed(found, "request/head/more", "1"),
    "a field less": lambda found: changed(found, "request/head/reqid", None),
    "the time": lambda found: changed(found, "signature/sigtim", "20260120093001"),
    "no time": lambda found: changed(found, "signature/sigtim", None),
    "no signature": lambda found: changed(found, "signature/sigdat", None),
    "an empty signature": lambda found: changed(found, "signature/sigdat", ""),
    "a signature that is none": lambda found: changed(found, "signature/sigdat", "===="),
    "a short signature": lambda found: changed(found, "signature/sigdat", "AAAA"),
    "a signature of zeros": lambda found: changed(found, "signature/sigdat", base64.b64encode(bytes(64)).decode()),
    "no object": lambda found: [found],
    "a signature that is an object": lambda found: changed(found, "signature/sigdat", {}),
}


@pytest.mark.parametrize("change", INSIDE.values(), ids=INSIDE.keys())
def test_whatever_is_changed_behind_the_encryption_is_refused_with_one_text(
    desk: Desk, change: Callable[[dict[str, Any]], object]
) -> None:
    opener = desk.seals(BANK, sm2_files("us", "bank")).opener
    with pytest.raises(SealInvalid) as refused:
        opener.open(bank_form(change(bank_document("bank"))), FORM_TYPE, NOW)
    assert refused.value.detail == UNREADABLE


def test_every_changed_byte_of_the_ciphertext_is_refused_with_one_text(desk: Desk) -> None:
    opener = desk.seals(BANK, sm2_files("us", "bank")).opener
    ciphertext = sm4_cbc(compact(bank_document("bank")))
    said = set()
    for place in range(len(ciphertext)):
        broken = ciphertext[:place] + bytes([ciphertext[place] ^ 1]) + ciphertext[place + 1 :]
        with pytest.raises(SealInvalid) as refused:
            opener.open(bank_form({}, DATA=base64.b64encode(broken).decode()), FORM_TYPE, NOW)
        said.add(refused.value.detail)
    assert said == {UNREADABLE}


@pytest.mark.parametrize("data", ["", "AAAA", "no base64!", base64.b64encode(bytes(16)).decode(), "QUJD" * 100])
def test_a_ciphertext_of_another_form_is_refused_with_the_same_text(desk: Desk, data: str) -> None:
    opener = desk.seals(BANK, sm2_files("us", "bank")).opener
    with pytest.raises(SealInvalid) as refused:
        opener.open(bank_form({}, DATA=data), FORM_TYPE, NOW)
    assert refused.value.detail == UNREADABLE


def test_a_wrong_padding_says_what_a_wrong_signature_says(desk: Desk) -> None:
    opener = desk.seals(BANK, sm2_files("us", "bank")).opener
    for content in (compact(bank_document("bank")) + b"\x00" * 16, compact(bank_document("someone"))):
        whole = content + b"\x20" * (-len(content) % 16)
        encryptor = Cipher(algorithms.SM4(CIPHER_KEY), modes.CBC(FILLED)).encryptor()
        data = base64.b64encode(encryptor.update(whole) + encryptor.finalize()).decode()
        with pytest.raises(SealInvalid) as refused:
            opener.open(bank_form({}, DATA=data), FORM_TYPE, NOW)
        assert refused.value.detail == UNREADABLE


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"UID": "U000000002"}, "UID beside the content does not agree with the content or the profile"),
        ({"FUNCODE": "XQPAYMENT"}, "FUNCODE beside the content does not agree with the content or the profile"),
        ({"ALG": "RSA"}, "ALG beside the content does not agree with the content or the profile"),
        ({"MORE": "1"}, "the form has exactly the fields UID, FUNCODE, ALG, DATA"),
    ],
)
def test_what_stands_beside_the_encryption_agrees_with_what_is_signed(
    desk: Desk, changes: dict[str, str], said: str
) -> None:
    opener = desk.seals(BANK, sm2_files("us", "bank")).opener
    with pytest.raises(SealInvalid) as refused:
        opener.open(bank_form(bank_document("bank"), **changes), FORM_TYPE, NOW)
    assert refused.value.detail == said


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "the form has exactly the fields UID, FUNCODE, ALG, DATA"),
        (b"UID=1&UID=2", "the form has the field 'UID' twice"),
        (b"UID", "the body is no form (name=value&…, percent-encoded)"),
        (b"UID=%zz", "the body is no form (name=value&…, percent-encoded)"),
        (b"=1", "the body is no form (name=value&…, percent-encoded)"),
        (b"&".join(b"a%d=1" % each for each in range(2000)), "the body is no form (name=value&…, percent-encoded)"),
    ],
)
def test_a_body_that_is_not_the_form_is_refused(desk: Desk, raw: bytes, said: str) -> None:
    opener = desk.seals(BANK, sm2_files("us", "bank")).opener
    with pytest.raises(Rejected) as refused:
        opener.open(raw, FORM_TYPE, NOW)
    assert refused.value.detail == said


def test_the_key_of_another_partner_is_refused(desk: Desk) -> None:
    with pytest.raises(SealInvalid):
        desk.seals(BANK, sm2_files("us", "someone")).opener.open(bank_form(bank_document("bank")), FORM_TYPE, NOW)


def test_two_keys_of_the_partner_serve_while_they_rotate(desk: Desk) -> None:
    files = sm2_files("us", "bank") | {"partner-2.jwk": json.dumps(sm2_key("bank-2").public.jwk()).encode()}
    opener = desk.seals(BANK, files).opener
    for signer in ("bank", "bank-2"):
        assert opener.open(bank_form(bank_document(signer)), FORM_TYPE, NOW)[0] == compact(PLAIN)


@pytest.mark.parametrize("seconds", [-3600, 0, 3600])
def test_a_time_within_the_window_is_taken(desk: Desk, seconds: int) -> None:
    opener = desk.seals(BANK, sm2_files("us", "bank")).opener
    assert opener.open(bank_form(bank_document("bank")), FORM_TYPE, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3601, "signed 3601 s in the future, at most 3600 s are allowed"),
        (3601, "signed 3601 s ago, at most 3600 s are allowed"),
    ],
)
def test_a_time_outside_the_window_is_refused_both_ways(desk: Desk, seconds: int, said: str) -> None:
    opener = desk.seals(BANK, sm2_files("us", "bank")).opener
    raw = bank_form(bank_document("bank"))
    with pytest.raises(SealExpired) as refused:
        opener.open(raw, FORM_TYPE, NOW + timedelta(seconds=seconds))
    assert refused.value.detail == said
    assert opener.open(raw, FORM_TYPE, None)  # what was stored is verified at any age


@pytest.mark.parametrize("at", ["2026-01-20 09:30:00", "20261320093000", "", "２０２６０１２００９３０００"])
def test_a_signed_time_that_is_none_is_refused(desk: Desk, at: str) -> None:
    opener = desk.seals(BANK, sm2_files("us", "bank")).opener
    with pytest.raises(SealInvalid) as refused:
        opener.open(bank_form(bank_document("bank", at)), FORM_TYPE, NOW)
    assert refused.value.detail == "signature/sigtim is not a time of the form %Y%m%d%H%M%S"


def test_a_user_id_that_is_signed_and_not_ours_is_refused(desk: Desk) -> None:
    opener = desk.seals(BANK, sm2_files("us", "bank")).opener
    other = {**PLAIN["request"], "head": {**PLAIN["request"]["head"], "userid": "U000000009"}}
    with pytest.raises(SealInvalid) as refused:
        opener.open(bank_form(bank_document("bank", request=other)), FORM_TYPE, NOW)
    assert refused.value.detail == "request/head/userid is not what the profile says"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"request":{"head":{}}}', "FUNCODE is the content's request/head/funcode, which is missing"),
        (b'{"request":[]}', "request on the way to request/head/userid is no object"),
        (b'{"signature":{"sigdat":"1"}}', "signature/sigdat has a value already, and is for the signing to write"),
        (b'{"signature":{"sigtim":"1"}}', "signature/sigtim has a value already, and is for the signing to write"),
    ],
)
def test_content_that_cannot_be_sealed_is_refused_with_its_place(desk: Desk, content: bytes, said: str) -> None:
    with pytest.raises(ContentRefused) as refused:
        desk.seals(BANK, sm2_files("us", "bank")).sealer.seal(content, "application/json", NOW)
    assert refused.value.detail == said


@pytest.fixture(scope="module")
def both_sides(tmp_path_factory: pytest.TempPathFactory) -> tuple[PartnerSeals, PartnerSeals]:
    desk = Desk(tmp_path_factory.mktemp("keys"))
    return desk.seals(BANK, sm2_files("us", "bank")), desk.seals(BANK, sm2_files("bank", "us"))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(), JSON_VALUES, max_size=3))
def test_what_one_side_seals_the_other_opens_whatever_it_is(
    both_sides: tuple[PartnerSeals, PartnerSeals], body: dict[str, Any]
) -> None:
    ours, theirs = both_sides
    content = {"request": {"head": {"funcode": "F"}, "body": [body]}}
    sent = ours.sealer.seal(json.dumps(content).encode(), "application/json", NOW)
    opened, _ = theirs.opener.open(sent.content, sent.content_type, NOW)
    assert json.loads(opened) == content
