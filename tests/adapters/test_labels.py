"""Texts with labels: values are found by their labels, and what would be a guess is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.conftest import HEAD, Load
from xinqiao.errors import ContentRefused, ProfileInvalid, WrongEncoding
from xinqiao_adapters.channel import load_channel
from xinqiao_adapters.formats.encoding import Charset
from xinqiao_adapters.formats.labels import LabelsFormat
from xinqiao_adapters.formats.spec import Label

LABELS = {
    "代码": Label(labels=["产品代码", "Fund Code"], required=True),
    "净值": Label(labels=["单位净值", "单位净值(元)"]),
    "累计": Label(labels=["累计净值"]),
}
NOTICE = LabelsFormat(LABELS, Charset("UTF-8"))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("产品代码：A1\n单位净值：1.0", {"代码": "A1", "净值": "1.0"}),
        (
            "您好，产品代码: A1  单位净值（元）：1.0，累计净值：2.0。\r\n谢谢",
            {"代码": "A1", "净值": "1.0", "累计": "2.0"},
        ),
        ("产 品 代 码\u3000：\u3000A1；", {"代码": "A1"}),
        ("ＦＵＮＤ ＣＯＤＥ*:A1".replace("ＵＮＤ", "und").replace("ＯＤＥ", "ode"), {"代码": "A1"}),
        ("产品代码\tA1\t备注\t无\n单位净值：\t1.0", {"代码": "A1"}),
        ("产品代码：A1\n本月累计净值：9.9\n总累计净值：8", {"代码": "A1"}),
        ("产品代码：A1\n单位净值：\n", {"代码": "A1"}),
        ("产品代码：A1\n产品代码：A1", {"代码": "A1"}),
        ("产品代码：http://a:80/b", {"代码": "http://a:80/b"}),
    ],
)
def test_values_are_found_by_their_labels_wherever_they_stand(text: str, values: dict[str, str]) -> None:
    assert NOTICE.parse(text.encode()) == values


@pytest.mark.parametrize(
    ("text", "rule", "place"),
    [
        ("净值公告", "format.header", "/"),
        ("产品代码\t单位净值\t累计净值\nA1\t1.0\t2.0", "format.header", "/"),
        ("单位净值：1.0", "format.label", "代码"),
        ("产品代码：A1\n单位净值：1.0\n单位净值(元)：1.1", "format.label", "净值"),
    ],
)
def test_a_text_that_does_not_say_or_says_twice_is_refused(text: str, rule: str, place: str) -> None:
    with pytest.raises(ContentRefused) as caught:
        NOTICE.parse(text.encode())
    assert [(each.rule, each.partner_path) for each in caught.value.findings] == [(rule, place)]


def test_texts_are_of_the_encoding_that_the_profile_says() -> None:
    gbk = LabelsFormat(LABELS, Charset("GBK"))
    assert gbk.parse("产品代码：甲1".encode("gbk"), "text/plain; charset=gb2312") == {"代码": "甲1"}
    with pytest.raises(WrongEncoding, match="says utf-8, the profile says GBK"):
        gbk.parse(b"", "text/plain; charset=utf-8")
    with pytest.raises(WrongEncoding, match="byte 0 is not UTF-8"):
        NOTICE.parse("产品代码：甲1".encode("gbk"))


@given(st.dictionaries(st.sampled_from(list(LABELS)), st.text(min_size=1, max_size=12)))
def test_what_is_written_reads_back_and_what_would_not_is_not_written(values: dict[str, str]) -> None:
    held = {name: text for name, text in {"代码": "A1", **values}.items() if NOTICE.access.holds(text, ())}
    written = NOTICE.write({"代码": "A1", **held})
    assert NOTICE.parse(written) == {"代码": "A1", **held}


@pytest.mark.parametrize("text", ["a\nb", "1.0；", " a", "x 单位净值：2", "累计净值", "a\tb", "\ue000"])
def test_a_value_that_would_not_read_back_is_refused(text: str) -> None:
    assert not NOTICE.access.holds(text, ())


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("{kind: labels, labels: {a: {labels: [净值]}, b: {labels: ['净 值：']}}}", "is a label of a and of b"),
        ("{kind: labels, labels: {'： ': {}}}", "is no label"),
        ("{kind: labels, labels: {}}", "at least 1 item"),
        ("{kind: labels, labels: {净值: {}}}", "代码: no such label; known: 净值"),
    ],
)
def test_a_profile_that_would_have_to_guess_is_refused(load: Load, said: str, problem: str) -> None:
    with pytest.raises(ProfileInvalid, match=problem):
        load(
            HEAD
            + f"""
interfaces:
  nav:
    message: navReport
    direction: in
    format: {said}
    key: [代码]
    map:
      instrument.code: {{from: 代码}}
"""
        )


def test_a_body_that_is_a_table_of_labels_is_no_table_of_records() -> None:
    channel = load_channel("nav-mail", [])
    raw = "产品代码\tTC1\n净值日期\t2026-11-20\n单位净值\t1.0234\n".encode()
    (decoded,) = channel.adapter.decode(raw, "text/plain; charset=UTF-8")
    assert decoded.interface == "nav"
    with pytest.raises(ContentRefused):
        list(channel.adapter.decode(b"a\tb\n", "text/plain"))
