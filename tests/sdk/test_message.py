"""Canonical JSON: read strictly, written plainly, digested without its header."""

import time
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from xinqiao.errors import DuplicateKey, MalformedJson, WrongEncoding
from xinqiao.masking import mask, mask_message
from xinqiao.message import Header, body_digest, new_message_id, read_json, timestamp, write_json
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


def test_the_digest_of_a_body_does_not_depend_on_header_or_order_of_keys() -> None:
    message = vector("navReport")
    reordered = {"navReport": dict(reversed(message["navReport"].items())), "header": {}}

    assert body_digest(reordered) == body_digest(message)
    assert body_digest(patched(message, [{"op": "remove", "path": "/navReport/units"}])) != body_digest(message)


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
        ("123456", "C3", "***"),
    ],
)
def test_a_mask_shows_the_ends_of_a_long_c2_value_at_most(value: str, sensitivity: str, shown: str) -> None:
    assert mask(value, sensitivity) == shown


def test_a_masked_message_shows_its_c1_fields_only() -> None:
    message = patched(vector("fundsMatch"), [{"op": "add", "path": "/fundsMatch/later", "value": "11010119800101007X"}])

    masked = mask_message(message, "fundsMatch")

    assert masked["header"] == message["header"]
    assert masked["fundsMatch"]["amount"] == {"value": "10*******00", "currency": "CNY"}
    assert masked["fundsMatch"]["later"] == "110************07X"


def test_a_field_is_found_by_its_canonical_path_with_or_without_indices() -> None:
    found = field_at("kycApplication", "kycApplication.applicant.documents[0].number")

    assert found is field_at("kycApplication", "kycApplication.applicant.documents.number")
    assert found is not None
    assert (found.title.zh, found.sensitivity, found.example) == ("证件号码", "C2", "11010119800101007X")
    assert field_at("kycApplication", "kycApplication.colour") is None
