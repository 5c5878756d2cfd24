"""The standard as a partner's format: one message, an array, or a message on each line; nothing is changed."""

import pytest

from tests.adapters.conftest import read
from xinqiao.adapter import Decoded, Reply, Undecoded
from xinqiao.errors import (
    ContentRefused,
    DuplicateKey,
    MalformedJson,
    UnknownMessageType,
    UnsupportedMediaType,
    WrongEncoding,
)
from xinqiao.message import Json, write_json
from xinqiao_adapters.channel import Channel, load_channel
from xinqiao_adapters.trial import try_input

ONE: Json = {"header": {"messageId": "m1"}, "navReport": {"unitNav": "1.0", "ofTomorrow": 1}}
TWO: Json = {"header": {"messageId": "m2"}, "kycDecision": {}}


@pytest.fixture(scope="module")
def core() -> Channel:
    return load_channel("demo-core", [])


@pytest.mark.parametrize(
    ("raw", "content_type"),
    [
        (b"[" + write_json(ONE) + b", " + write_json(TWO) + b"]", "application/json"),
        (write_json(ONE) + b"\n\n" + write_json(TWO) + b"\r\n", "application/x-ndjson"),
    ],
)
def test_several_messages_are_read_as_they_are(core: Channel, raw: bytes, content_type: str) -> None:
    decoded = read(core, raw, content_type)
    assert [(each.message, each.key, each.place("a.b")) for each in decoded] == [(ONE, "m1", "a.b"), (TWO, "m2", "a.b")]


def test_a_message_goes_out_as_it_is(core: Channel) -> None:
    (encoded,) = core.adapter.encode([ONE])
    assert (encoded.content, encoded.content_type) == (write_json(ONE), "application/json")


@pytest.mark.parametrize(
    ("raw", "content_type", "error", "said"),
    [
        (b"{", "application/json", MalformedJson, "line 1"),
        (b'{"a": 1, "a": 2}', "application/json", DuplicateKey, "a field is there twice"),
        (b'[{"a": 1, "a": 2}]', "application/json", DuplicateKey, "a field is there twice"),
        (b"[1]", "application/json", MalformedJson, r"\[0\]: a message is a JSON object"),
        (b'[{"navReport": {}}], "x": [1]', "application/json", MalformedJson, "trailing characters"),
        (b'[{"navReport": {}}]}', "application/json", MalformedJson, "trailing characters"),
        (b'[{"navReport": {}},]', "application/json", MalformedJson, "line 1"),
        (b"{}", "application/json; charset=GBK", WrongEncoding, "the content type says GBK, JSON is UTF-8"),
        (b'{"navReport": {}}\n{"x"', "application/x-ndjson", ContentRefused, "record 2, bytes 18–22"),
        ('{"navReport": "王"}'.encode("gbk"), "application/json", WrongEncoding, "byte 15"),
        (b"{}", "application/json", UnknownMessageType, "no body"),
        (b"<a/>", "application/xml", UnsupportedMediaType, "application/xml"),
    ],
)
def test_what_is_no_message_is_refused(
    core: Channel, raw: bytes, content_type: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        read(core, raw, content_type)


@pytest.mark.parametrize(
    ("status", "content", "reply"),
    [
        (202, b'{"receipt": {"acceptedMessageId": "m1"}}', Reply(True, "202")),
        (202, b'{"receipt": {"acceptedMessageId": "m2"}}', Reply(None, "202")),
        (202, b'{"receipt": {}}', Reply(None, "202")),
        (502, b'{"receipt": {"acceptedMessageId": "m1"}}', Reply(None, "502")),
        (422, b'{"rejection": {"reason": "not_valid", "text": {"zh": "x"}}}', Reply(False, "not_valid")),
        (503, b'{"rejection": {"reason": "overloaded", "retryable": true}}', Reply(None, "overloaded")),
        (200, b'{"rejection": {"text": {"zh": "x"}}}', Reply(None, "200")),
        (200, b'{"receipt": {"acceptedMessageId": "m1"}, "rejection": {"reason": "x"}}', Reply(None, "200")),
        (200, b"{}", Reply(None, "200")),
        (200, b"OK", Reply(None, "200")),
        (404, b"<html>not here</html>", Reply(None, "404")),
    ],
)
def test_only_a_receipt_of_the_message_is_a_yes_and_only_a_rejection_a_no(
    core: Channel, status: int, content: bytes, reply: Reply
) -> None:
    assert core.adapter.read_reply("messages", status, content, ONE) == reply


@pytest.mark.parametrize(
    ("raw", "content_type"),
    [(b" [ ]", "application/json"), (b"", "application/x-ndjson"), (b"\n \r\n", "application/jsonl")],
)
def test_an_input_without_any_message_is_refused(core: Channel, raw: bytes, content_type: str) -> None:
    with pytest.raises(ContentRefused, match="the input holds no message") as caught:
        read(core, raw, content_type)
    assert [each.rule for each in caught.value.findings] == ["format.empty"]


def test_the_standard_has_no_answer_of_its_own(core: Channel) -> None:
    assert core.adapter.answer("messages", [{"receipt": {}}], ()) is None
    assert (core.speaks_canonical, "navReport" in core.outgoing, core.atomic("messages")) == (True, True, True)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]]", b"\xff", b"{}", b'{"navReport": {}}', b"[null]"])
@pytest.mark.parametrize("channel_id", ["canonical", "demo-bank", "iso20022-funds"])
def test_a_trial_of_rubbish_gives_findings_and_no_traceback(channel_id: str, raw: bytes) -> None:
    result = try_input(load_channel(channel_id, []), raw)
    assert any(each.level == "ERROR" for each in result.findings)


def test_a_trial_lists_unmapped_leaves_as_they_are() -> None:
    channel = load_channel("iso20022-funds", [])
    raw = (channel.folders[0] / "samples" / "subscription.xml").read_bytes()
    result = try_input(channel, raw)
    assert len(result.messages) == 1
    assert ("Request/RequestHeader/RequestRef", "00090001") in result.unmapped


def test_a_bad_line_does_not_stop_the_good_ones(core: Channel) -> None:
    raw = b"\n".join([write_json(ONE), b'{"x": 1}', b"[]", write_json(ONE), b""])
    decoded = list(core.adapter.decode(raw, ""))
    assert [isinstance(each, Decoded) for each in decoded] == [True, False, False, True]
    places = [each.findings[0].partner_path for each in decoded if isinstance(each, Undecoded)]
    start = len(write_json(ONE)) + 1
    assert places == [f"record 2, bytes {start}–{start + 9}", f"record 3, bytes {start + 9}–{start + 12}"]
