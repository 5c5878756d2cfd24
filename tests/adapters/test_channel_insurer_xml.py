"""The insurer's own reply, and characters that its encoding has in another place or not at all."""

import orjson
import pytest

from xinqiao.adapter import Decoded, Reply
from xinqiao.errors import NotValid
from xinqiao.finding import Finding, Text
from xinqiao.message import Json
from xinqiao.outcome import rejection
from xinqiao_adapters.channel import Channel, load_channel
from xinqiao_adapters.loader import shipped_directory

SAMPLES = shipped_directory() / "insurer-xml" / "samples"
RECEIPT: Json = {"header": {}, "receipt": {"position": "7", "acceptedMessageId": "m"}}
REQUEST = (Decoded("premium_notice", {"header": {"partnerSerial": "YS1"}}, "k"),)
SENT: Json = {"header": {"messageId": "m"}, "servicingRequest": {}}
HEAD = '<?xml version="1.0" encoding="GBK"?>\n<TranData><Head>'


@pytest.fixture(scope="module")
def insurer() -> Channel:
    return load_channel("insurer-xml", [])


def test_an_accepted_document_is_answered_with_flag_0(insurer: Channel) -> None:
    answer = insurer.adapter.answer("premium_notice", [RECEIPT], REQUEST)
    assert answer is not None
    said = "<TranNo>YS1</TranNo><Flag>0</Flag><Desc>交易成功</Desc></Head></TranData>"
    assert answer.content == f"{HEAD}{said}".encode("gbk")


def test_a_refused_document_is_answered_with_each_finding_at_the_insurers_own_tag(insurer: Channel) -> None:
    said = Text("合计与明细不符", "the total is not that of its parts")
    finding = Finding("mapping.total", "", said, value="150001", expected="150000", partner_path="Body/DetailSum")
    outcome = rejection("9" * 18, "9" * 18, NotValid("1 finding", findings=[finding]))
    answer = insurer.adapter.answer("premium_notice", [outcome], REQUEST)
    assert answer is not None
    error = (
        "<Error><ErrorCode>mapping.total</ErrorCode><ErrorTag>Body/DetailSum</ErrorTag><ErrorValue>150001</ErrorValue>"
        "<ErrorExpect>150000</ErrorExpect><ErrorDesc>合计与明细不符</ErrorDesc></Error>"
    )
    assert answer.content.decode("gbk") == (
        f"{HEAD}<TranNo>YS1</TranNo><Flag>22</Flag><Desc>校验未通过: 1 finding</Desc></Head>"
        f"<Body><ErrorList>{error}</ErrorList></Body></TranData>"
    )


@pytest.mark.parametrize(
    ("flag", "reply"), [("0", Reply(True, "0")), ("22", Reply(False, "22")), ("81", Reply(None, "81"))]
)
def test_the_insurers_reply_is_a_yes_a_no_or_try_again(insurer: Channel, flag: str, reply: Reply) -> None:
    content = f"{HEAD}<Flag>{flag}</Flag><Desc>应答</Desc></Head></TranData>".encode("gbk")
    assert insurer.adapter.read_reply("servicing_apply", 200, content, SENT) == reply


def test_rare_characters_go_out_as_the_insurers_own_or_as_references_and_never_as_question_marks(
    insurer: Channel,
) -> None:
    message: Json = orjson.loads((SAMPLES / "servicing_apply-insured.json").read_bytes())
    message["servicingRequest"]["applicant"]["name"] = "周龴𠮷"
    (document,) = insurer.adapter.encode([message])
    assert b"<Name>\xd6\xdc\xfeY&#134071;</Name>" in document.content
