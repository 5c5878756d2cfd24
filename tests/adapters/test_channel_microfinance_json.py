"""The platform's own reply, and a document of several loans of which one is wrong."""

import orjson
import pytest

from xinqiao.adapter import Decoded, Reply, Undecoded
from xinqiao.errors import NotValid
from xinqiao.finding import Finding, Text
from xinqiao.message import Json
from xinqiao.outcome import rejection
from xinqiao_adapters.channel import Channel, load_channel
from xinqiao_adapters.loader import shipped_directory

SAMPLES = shipped_directory() / "microfinance-json" / "samples"
RECEIPT: Json = {"header": {}, "receipt": {"position": "7", "acceptedMessageId": "m"}}
REQUEST = (Decoded("loan_apply", {"header": {"partnerSerial": "XD1"}}, "k"),)
SENT: Json = {"header": {"messageId": "m"}, "creditDecision": {}}


@pytest.fixture(scope="module")
def platform() -> Channel:
    return load_channel("microfinance-json", [])


def test_an_accepted_document_is_answered_with_six_zeros_at_the_top(platform: Channel) -> None:
    answer = platform.adapter.answer("loan_apply", [RECEIPT], REQUEST)
    assert answer is not None
    assert orjson.loads(answer.content) == {"code": "000000", "msg": "受理成功", "reqNo": "XD1"}


def test_a_refused_document_is_answered_with_each_finding_at_the_platforms_own_field(platform: Channel) -> None:
    said = Text("金额须为整数分", "an amount in whole fen")
    finding = Finding("mapping.amount", "", said, value="1.5", expected="整数", partner_path="bizData/applAmt")
    answer = platform.adapter.answer(
        "loan_apply", [rejection("9" * 18, "9" * 18, NotValid("x", findings=[finding]))], REQUEST
    )
    assert answer is not None
    error = {"field": "bizData/applAmt", "value": "1.5", "expect": "整数", "msg": "金额须为整数分"}
    wanted = {"code": "200002", "msg": "校验未通过: x", "reqNo": "XD1", "errors": [error]}
    assert orjson.loads(answer.content) == wanted


@pytest.mark.parametrize(
    ("code", "reply"),
    [("000000", Reply(True, "000000")), ("200002", Reply(False, "200002")), ("800001", Reply(None, "800001"))],
)
def test_the_platforms_reply_is_a_yes_a_no_or_try_again(platform: Channel, code: str, reply: Reply) -> None:
    content = orjson.dumps({"code": code, "msg": "应答"})
    assert platform.adapter.read_reply("credit_decision", 200, content, SENT) == reply


def test_a_loan_that_cannot_be_read_does_not_stop_the_others(platform: Channel) -> None:
    document = orjson.loads((SAMPLES / "repayment.json").read_bytes())
    document["bizData"]["repayList"][4]["repayAmt"] = "12172.00"
    found = list(platform.adapter.decode(orjson.dumps(document), ""))
    refused = [each for each in found if isinstance(each, Undecoded)]
    assert len(found) == 11
    assert [[one.partner_path for one in each.findings] for each in refused] == [["bizData/repayList[5]/repayAmt"]]


def test_numbers_and_texts_are_read_alike(platform: Channel) -> None:
    raw = (SAMPLES / "loan_apply.json").read_bytes()
    as_text = raw.replace(b'"applAmt": 6000000', b'"applAmt": "6000000"')
    assert as_text != raw
    one, other = (next(iter(platform.adapter.decode(each, ""))) for each in (raw, as_text))
    assert isinstance(one, Decoded)
    assert isinstance(other, Decoded)
    assert one.message == other.message
