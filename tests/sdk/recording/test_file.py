"""Recordings as files: what is appended is read again, bound by a root, and what is no recording is refused."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.sdk.recording.stage import KEY, good_sender, message, told, written
from xinqiao.errors import (
    BodyTooLarge,
    Conflict,
    ContentRefused,
    DuplicateKey,
    MalformedJson,
    Rejected,
    UnsupportedVersion,
    WrongEncoding,
)
from xinqiao.evidence import Tree, leaf_hash
from xinqiao.message import write_json
from xinqiao.recording import Head, Recorded, Recording
from xinqiao.seal import CONTENT_TYPE_JSON, Sealed, seal
from xinqiao.testing import BANK
from xinqiao.xml_form import write_xml

HEAD = Head(BANK, test=True)


def test_what_is_appended_is_read_again_while_it_grows_and_after(tmp_path: Path) -> None:
    stage = good_sender()
    numbered = [replace(each, number=number) for number, each in enumerate(stage, 1)]
    with Recording.create(tmp_path / "run.jsonl", HEAD) as recording:
        assert list(recording) == []
        assert [recording.append(each) for each in stage] == [each.number for each in numbered]
        assert list(recording) == numbered
    again = Recording.open(recording.path)
    assert (again.head, list(again), list(recording)) == (HEAD, numbered, numbered)


@pytest.mark.parametrize("exchanges", range(17))
def test_the_root_is_that_of_the_tree_over_its_lines(tmp_path: Path, exchanges: int) -> None:
    recording = written(good_sender()[:exchanges], tmp_path / "run.jsonl")
    lines = recording.path.read_bytes().splitlines()
    root = f"sha256:{Tree.over([leaf_hash(line, b'') for line in lines]).root.hex()}"
    assert len(lines) == exchanges + 1
    assert (recording.close(), Recording.open(recording.path).root) == (root, root)


def test_many_threads_append_and_each_exchange_has_its_number(tmp_path: Path) -> None:
    stage = good_sender()
    with Recording.create(tmp_path / "run.jsonl", HEAD) as recording, ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(recording.append, stage * 10))
    assert sorted(numbers) == list(range(1, len(stage) * 10 + 1))
    found = [(number, each) for number, each in zip(numbers, stage * 10, strict=True)]
    assert list(recording) == [replace(each, number=number) for number, each in sorted(found, key=lambda pair: pair[0])]


def test_a_file_that_is_there_is_not_overwritten_and_a_closed_one_not_appended_to(tmp_path: Path) -> None:
    recording = written(good_sender()[:1], tmp_path / "run.jsonl")
    with pytest.raises(Conflict, match="is there already"):
        Recording.create(recording.path, HEAD)
    for closed in (recording, Recording.open(recording.path)):
        with pytest.raises(Conflict, match="is closed"):
            closed.append(good_sender()[0])


def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    assert written([], tmp_path / "run.jsonl").path.stat().st_mode & 0o777 == 0o600


def test_a_recording_is_bounded_by_its_limit(tmp_path: Path) -> None:
    first, second = good_sender()[:2]
    with Recording.create(tmp_path / "run.jsonl", HEAD, limit=30_000) as recording:
        recording.append(first)
        with pytest.raises(BodyTooLarge, match="begin another recording"):
            recording.append(second)
    assert [each.message for each in recording] == [first.message]


def test_bytes_are_recorded_as_they_travelled_in_every_form() -> None:
    said = message("kycApplication")
    for content, kind in ((write_json(said), CONTENT_TYPE_JSON), (write_xml(said), "application/xml")):
        sealed = seal(content, kind, KEY)
        recorded = Recorded.of(sealed, "subject", "rest", told(said))
        assert (recorded.message, recorded.unreadable) == (said, None)
        assert Recorded.from_json(orjson.loads(orjson.dumps(recorded.as_json()))) == recorded


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"{", "malformed_json"), (b'{"a":1,"a":2}', "duplicate_key"), (b'{"a":"\xff"}', "wrong_encoding")],
)
def test_what_cannot_be_read_is_recorded_with_its_bytes_and_the_reason(content: bytes, reason: str) -> None:
    sealed = Sealed(content, CONTENT_TYPE_JSON, "")
    recorded = Recorded.of(sealed, "subject", "rest", None)
    assert (recorded.message, recorded.unreadable, recorded.body, recorded.header) == (None, reason, None, {})
    assert Recorded.from_json(orjson.loads(orjson.dumps(recorded.as_json()))) == recorded


def spoilt(path: Path, number: int, change: dict[str, Any]) -> bytes:
    """Return the bytes of a recording with members of one line set; those with None are left out."""
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    lines[number - 1] = {name: value for name, value in (lines[number - 1] | change).items() if value != "REMOVED"}
    return b"".join(orjson.dumps(line) + b"\n" for line in lines)


@pytest.mark.parametrize(
    ("line", "change", "error", "said"),
    [
        (1, {"recording": "2"}, UnsupportedVersion, "recording '2' of standard '1.0'"),
        (1, {"standard": "2.0"}, UnsupportedVersion, "standard '2.0'"),
        (1, {"recording": "REMOVED"}, ContentRefused, "it is no recording"),
        (1, {"masked": 1}, ContentRefused, "masked is int, expected bool"),
        (1, {"subject": "REMOVED"}, ContentRefused, "subject is missing"),
        (1, {"subject": "示例银行"}, ContentRefused, "the code of an institution is expected"),
        (1, {"secret": 1}, ContentRefused, "secret is no member"),
        (2, {"by": "nobody"}, ContentRefused, "by is 'nobody', one of subject, peer is expected"),
        (2, {"transport": "fax"}, ContentRefused, "transport is 'fax'"),
        (2, {"at": "2026-11-02T09:30:00"}, ContentRefused, "a time with its offset"),
        (2, {"at": "yesterday"}, ContentRefused, "a time with its offset"),
        (2, {"attempt": True}, ContentRefused, "attempt is bool, expected int"),
        (2, {"message": []}, ContentRefused, "message is list"),
        (2, {"unreadable": "王小明"}, ContentRefused, "unreadable is no reason"),
        (2, {"note": "raw"}, ContentRefused, "note is no member"),
        (2, {"answer": {"status": "200", "message": None, "headers": {}}}, ContentRefused, "answer.status is str"),
        (2, {"answer": {"status": 200, "headers": {}}}, ContentRefused, "answer.message is missing"),
        (2, {"answer": {"status": 200, "message": None, "headers": {"a": 1}}}, ContentRefused, "answer.headers"),
        (2, {"sealed": {"content": "?", "contentType": "", "signature": ""}}, ContentRefused, "is not base64"),
        (2, {"delivered": [1]}, ContentRefused, "delivered: each is a message"),
    ],
)
def test_a_line_that_is_none_is_refused_by_its_number(
    tmp_path: Path, line: int, change: dict[str, Any], error: type[Rejected], said: str
) -> None:
    path = written(good_sender()[:2], tmp_path / "run.jsonl").path
    path.write_bytes(spoilt(path, line, change))
    with pytest.raises(error, match=f"line {line}: .*{said}"):
        list(Recording.open(path))


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda raw: raw[:-20], MalformedJson, "line 3: the file ends within it"),
        (lambda raw: raw[:-1], MalformedJson, "line 3: the file ends within it"),
        (lambda raw: raw.replace(b'"attempt":1', b'"attempt":1,"attempt":2'), DuplicateKey, "line 2"),
        (lambda raw: raw + b"\xff\n", WrongEncoding, "line 4"),
        (lambda raw: raw + b"[]\n", MalformedJson, "line 4"),
        (lambda raw: raw + b"\n", MalformedJson, "line 4"),
        (lambda raw: raw + b"[" * 1000 + b"\n", MalformedJson, "line 4"),
        (lambda raw: raw + b" " * (17 << 20) + b"\n", BodyTooLarge, "line 4: it is longer than"),
        (lambda raw: b" " * (17 << 20) + raw, BodyTooLarge, "line 1: it is longer than"),
        (lambda raw: b"", ContentRefused, "the file is empty"),
        (lambda raw: b"\x00" * 100, MalformedJson, "line 1: the file ends within it"),
        (lambda raw: b"<html>\n", MalformedJson, "line 1"),
    ],
)
def test_a_hostile_file_is_refused_with_its_line(tmp_path: Path, change: Any, error: type[Rejected], said: str) -> None:
    path = written(good_sender()[:2], tmp_path / "run.jsonl").path
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(error, match=said):
        list(Recording.open(path))


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path) -> None:
    recording = written(good_sender()[:2], tmp_path / "run.jsonl")
    recording.path.write_bytes(recording.path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(MalformedJson, match="the file ends within it"):
        list(recording)
