"""A partner whose replies are forms: written, read from the other side, and refused where a form cannot hold them."""

from urllib.parse import parse_qsl

import pytest

from tests.adapters.conftest import HEAD, Load
from xinqiao.adapter import Answer, Reply
from xinqiao.errors import NotValid, ProfileInvalid
from xinqiao.message import Json
from xinqiao.outcome import rejection

PROFILE = (
    HEAD
    + """\
answer:
  root: code
  code: code
  accepted: {code: "00", text: 受理成功}
  rejected: {code: {value: rejection.reason, codes: codes}, text: rejection.text}
interfaces:
  nav:
    message: navReport
    direction: both
    format: {kind: form, encoding: GBK}
    key: [seq]
    map:
      header.partnerSerial: {from: seq}
      unitNav: {from: nav, decimal: 4}
codes:
  codes: {values: {"11": not_valid, "80": overloaded}, other: "99"}
"""
)
RECEIPT: Json = {"header": {}, "receipt": {}}
REJECTION = rejection("913100001000100012", "91110000100000000R", NotValid("1 finding"))


def fields(answer: Answer | None) -> dict[str, str]:
    assert answer is not None
    assert answer.content_type == "application/x-www-form-urlencoded"
    return dict(parse_qsl(answer.content.decode(), encoding="gbk"))


def test_an_answer_is_a_form_in_the_partners_encoding(load: Load) -> None:
    adapter = load(PROFILE).adapter
    assert fields(adapter.answer("nav", [RECEIPT], ())) == {"code": "00", "text": "受理成功"}
    assert fields(adapter.answer("nav", [REJECTION], ())) == {
        "code": "11",
        "text": REJECTION["rejection"]["text"]["zh"],
    }


@pytest.mark.parametrize(
    ("content", "reply"),
    [
        (b"code=00&text=ok", Reply(True, "00")),
        (b"code=11", Reply(False, "11")),
        (b"code=80", Reply(None, "80")),
        (b"text=ok", Reply(None, "200")),
        (b"<html>", Reply(None, "200")),
    ],
)
def test_a_reply_in_a_form_is_read_by_the_same_table(load: Load, content: bytes, reply: Reply) -> None:
    assert load(PROFILE).adapter.read_reply("nav", 200, content, {}) == reply


@pytest.mark.parametrize(
    ("row", "path"),
    [("Body/text: rejection.text", "Body/text"), ("text: {each: findings, map: {a: finding.code}}", "text")],
)
def test_what_a_form_cannot_hold_is_refused_with_its_line(load: Load, row: str, path: str) -> None:
    with pytest.raises(ProfileInvalid, match=rf"rejected.{path}: a form has fields, no lists and nothing below them"):
        load(PROFILE.replace("text: rejection.text", row))
