"""Canonical JSON: read strictly, written plainly, digested by what it says."""

import json
import math
import time
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.errors import DuplicateKey, MalformedJson, WrongEncoding
from xinqiao.masking import mask, mask_message
from xinqiao.message import Header, content_digest, new_message_id, read_json, read_value, timestamp, write_json
from xinqiao.standard import field_at, message_types
from xinqiao.testing import BANK, TRUST_COMPANY, example, patched, vector


@pytest.mark.parametrize("body", message_types())
def test_a_message_is_read_as_it_was_written(body: str) -> None:
    assert read_json(write_json(vector(body))) == vector(body)


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"", MalformedJson),
        (b"{", MalformedJson),
        (b"[]", MalformedJson),
        (b"null", MalformedJson),
        (b'{"a": NaN}', MalformedJson),
        (b'{"a": 1} x', MalformedJson),
        (b'{"a": {"b": 1, "b": 2}}', DuplicateKey),
        ('{"a": "王"}'.encode("gb18030"), WrongEncoding),
        ('{"a": 1}'.encode("utf-16"), WrongEncoding),
    ],
)
def test_what_is_no_single_json_object_is_refused_by_its_kind(raw: bytes, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        read_json(raw)

    assert type(caught.value) is error


WHOLE = st.integers(-(10**25), 10**25).map(str) | st.sampled_from(["9" * 308, "9" * 309, "-1" + "0" * 320, "-0"])
FRACTION = st.just("") | st.integers(0, 10**6).map(".{}".format) | st.just("." + "9" * 320)
EXPONENT = st.just("") | st.builds("{}{}".format, st.sampled_from(["e", "E+", "e-", "E00"]), st.integers(0, 400))
NUMBERS = st.builds("{}{}{}".format, WHOLE, FRACTION, EXPONENT)


def can_be_written(token: str) -> bool:
    number = json.loads(token)
    if not isinstance(number, (int, float)):
        return True
    return -(2**63) <= number < 2**64 if isinstance(number, int) else math.isfinite(number)


@given(st.lists(NUMBERS | st.sampled_from(["null", '"null"', "true"]), max_size=4))
def test_a_number_is_read_if_and_only_if_it_can_be_written(tokens: list[str]) -> None:
    raw = f'{{"a": {{"b": [{", ".join(tokens)}]}}}}'.encode()

    if all(can_be_written(each) for each in tokens):
        assert read_json(raw) == read_json(write_json(read_json(raw))) == json.loads(raw)
    else:
        with pytest.raises(MalformedJson):
            read_json(raw)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("1e400", "a.b[1] is a number beyond the range"),
        ("-1E+0400", "a.b[1] is a number beyond the range"),
        ("9" * 310 + ".0", "a.b[1] is a number beyond the range"),
        ("18446744073709551616", "a.b[1] cannot be written: Integer exceeds 64-bit range"),
        ("-9223372036854775809", "a.b[1] cannot be written: Integer exceeds 64-bit range"),
        ("9" * 5000, "number out of range at line 1"),
    ],
)
def test_a_number_out_of_range_is_refused_by_its_path(number: str, said: str) -> None:
    with pytest.raises(MalformedJson) as caught:
        read_json(f'{{"a": {{"b": [1, {number}], "c": null}}}}'.encode())

    assert caught.value.detail.startswith(said)


@pytest.mark.parametrize("number", ["18446744073709551615", "-9223372036854775808", "1.7976931348623157e308", "1e-400"])
def test_a_number_at_the_edge_of_the_range_is_read(number: str) -> None:
    assert read_json(f'{{"a": {number}, "b": null}}'.encode()) == {"a": json.loads(number), "b": None}


@given(st.text(st.characters(exclude_categories=[]), min_size=1, max_size=5))
def test_a_text_is_read_if_and_only_if_it_is_unicode(text: str) -> None:
    raw = json.dumps({"a": text}).encode()
    spelt = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    if "\ufffd" in spelt and "\ufffd" not in text:
        with pytest.raises(MalformedJson):
            read_json(raw)
    else:
        assert read_json(write_json(read_json(raw))) == {"a": spelt}


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("levels", [300, 200_000])
def test_a_value_too_deep_is_malformed(opening: str, closing: str, levels: int) -> None:
    with pytest.raises(MalformedJson, match="recursion limit"):
        read_json(f'{{"a": {opening * levels}1{closing * levels}}}'.encode())


def test_any_value_is_read_under_the_same_rules() -> None:
    assert read_value(b'[{"a": 1}, "b", null]') == [{"a": 1}, "b", None]
    assert read_value(b"7") == 7
    for raw, said in ((b"[1, 1e400]", r"\[1\] is a number"), (b"1e400, null", "trailing"), (b"-1e999", "the number")):
        with pytest.raises(MalformedJson, match=said):
            read_value(raw)


def test_message_ids_are_uuids_of_version_7_in_order_of_time() -> None:
    before = time.time_ns() // 1_000_000
    ids = [UUID(new_message_id()) for _ in range(100)]
    after = time.time_ns() // 1_000_000

    assert {(each.version, each.variant) for each in ids} == {(7, "specified in RFC 4122")}
    assert all(before <= each.int >> 80 <= after for each in ids)
    assert len(set(ids)) == 100


def test_a_timestamp_is_in_utc_with_microseconds() -> None:
    at = datetime(2026, 1, 5, 10, 0, tzinfo=timezone(timedelta(hours=8)))

    assert timestamp(at) == "2026-01-05T02:00:00.000000Z"
    assert timestamp(at.astimezone(UTC)) == timestamp(at)


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    message = vector("navReport")
    reordered = {
        "navReport": dict(reversed(message["navReport"].items())),
        "header": dict(reversed(message["header"].items())),
    }

    assert content_digest(reordered) == content_digest(message)


def test_a_digest_is_the_hash_of_body_and_business_header_as_documented() -> None:
    header = {"test": True, "messageId": "m", "caseId": "业务-1", "sender": "s", "revision": 2, "receiver": "r"}
    said = '{"header":{"caseId":"业务-1","receiver":"r","revision":2,"test":true},"navReport":{"a":"1","b":[2]}}'

    assert content_digest({"navReport": {"b": [2], "a": "1"}, "header": header}) == sha256(said.encode()).hexdigest()


@pytest.mark.parametrize("name", ["receiver", "caseId", "correlationId", "revision", "replaces", "test"])
def test_another_value_of_a_business_field_of_the_header_is_other_content(name: str) -> None:
    message = example("navReport", **{name: None})

    digests = {content_digest(patched(message, patch)) for patch in ([], added(name, "1"), added(name, "2"))}

    assert len(digests) == 3


@pytest.mark.parametrize(
    "name",
    [
        "messageId",
        "standardVersion",
        "sender",
        "channelId",
        "partnerSerial",
        "businessDate",
        "branch",
        "operator",
        "createdAt",
    ],
)
def test_what_a_retry_may_write_anew_is_not_content(name: str) -> None:
    message = example("navReport", **{name: None})

    assert content_digest(patched(message, added(name, "1"))) == content_digest(message)


def added(name: str, value: str) -> list[dict[str, str]]:
    return [{"op": "add", "path": f"/header/{name}", "value": value}]


def test_another_body_is_other_content() -> None:
    message = vector("navReport")
    without = patched(message, [{"op": "remove", "path": "/navReport/units"}])

    assert content_digest(without) != content_digest(message)


def test_a_header_holds_what_carrying_needs() -> None:
    message = example("navReport", test=True, case_id=None)

    header = Header.of(message)

    assert (header.sender, header.receiver, header.case_id, header.test) == (TRUST_COMPANY, BANK, None, True)
    assert header.message_id == message["header"]["messageId"]


@pytest.mark.parametrize(
    ("value", "sensitivity", "shown"),
    [
        ("CNY", "C1", "CNY"),
        ("11010119800101007X", "C2", "110************07X"),
        ("王小明", "C2", "***"),
        ("10000000.00", "C2", "10*******00"),
        ("x", "C2", "*"),
        ("", "C2", ""),
        (False, "C2", "***"),
        (False, "C1", "False"),
        ("123456", "C3", "***"),
    ],
)
def test_a_mask_shows_the_ends_of_a_long_c2_value_at_most(value: object, sensitivity: str, shown: str) -> None:
    assert mask(value, sensitivity) == shown


def test_a_masked_message_shows_its_c1_fields_only() -> None:
    message = patched(vector("fundsMatch"), [{"op": "add", "path": "/fundsMatch/later", "value": "11010119800101007X"}])

    masked = mask_message(message, "fundsMatch")

    assert masked["header"] == message["header"]
    assert masked["fundsMatch"]["amount"] == {"value": "10*******00", "currency": "CNY"}
    assert masked["fundsMatch"]["later"] == "110************07X"


def test_a_masked_message_does_not_tell_flags_and_codes_of_a_person() -> None:
    masked = mask_message(vector("kycApplication"), "kycApplication")["kycApplication"]

    assert (masked["applicant"]["gender"], masked["politicallyExposed"]) == ("***", "***")


def test_a_field_is_found_by_its_canonical_path_with_or_without_indices() -> None:
    found = field_at("kycApplication", "kycApplication.applicant.documents[0].number")

    assert found is field_at("kycApplication", "kycApplication.applicant.documents.number")
    assert found is not None
    assert (found.title.zh, found.sensitivity, found.example) == ("证件号码", "C2", "11010119800101007X")
    assert field_at("kycApplication", "kycApplication.colour") is None


@pytest.mark.parametrize("number", ["2.0", "2e0", "20e-1", "0.2E1"])
def test_a_whole_number_is_the_same_however_it_is_written(number: str) -> None:
    read = read_json(f'{{"a": [{{"b": {number}}}], "text": ".0,", "c": 1.5}}'.encode())

    assert write_json(read) == b'{"a":[{"b":2}],"text":".0,","c":1.5}'


def test_a_byte_order_mark_is_called_by_its_name() -> None:
    with pytest.raises(MalformedJson, match="byte order mark"):
        read_json(b"\xef\xbb\xbf{}")
