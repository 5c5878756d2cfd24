"""The bank's own reply: rendered from our outcomes, read from its side."""

import orjson
import pytest
from lxml import etree

from tests.adapters.conftest import HEAD, NAV, Load
from xinqiao.adapter import Answer, Decoded, Reply
from xinqiao.errors import MalformedXml, NotValid, ProfileInvalid
from xinqiao.finding import Finding, Text
from xinqiao.message import Json, write_json
from xinqiao.outcome import rejection
from xinqiao_adapters.channel import Channel, load_channel

RECEIPT: Json = {"header": {}, "receipt": {"position": "7", "acceptedMessageId": "m"}}
SENT: Json = {"header": {"messageId": "m"}, "navReport": {}}
REQUEST = (Decoded("kyc_apply", {"header": {"partnerSerial": "S-1"}}, "k"),)
FINDING = Finding(
    "XQ-R-001",
    "kycApplication.applicant.documents[0].number",
    Text("证件号码校验位错误", "wrong check digit"),
    value="110***<&>",
    expected="校验位 X",
    partner_path="Body/CertNo, line 18",
)


@pytest.fixture(scope="module")
def bank() -> Channel:
    return load_channel("demo-bank", [])


def text(answer: Answer | None) -> str:
    assert answer is not None
    assert answer.content_type == "application/xml; charset=GB18030"
    return answer.content.decode("gb18030")


def test_an_accepted_message_is_answered_in_the_banks_words(bank: Channel) -> None:
    assert text(bank.adapter.answer("kyc_apply", [RECEIPT], REQUEST)) == (
        '<?xml version="1.0" encoding="GB18030"?>\n'
        "<Rsp><Head><SeqNo>S-1</SeqNo><RetCode>0000</RetCode><RetMsg>受理成功</RetMsg></Head></Rsp>"
    )


def test_a_refused_message_is_answered_with_every_finding_at_the_banks_own_paths(bank: Channel) -> None:
    outcome = rejection("9" * 18, "9" * 18, NotValid("2 findings", findings=[FINDING, FINDING]))
    error = (
        "<Err><Code>XQ-R-001</Code><Path>Body/CertNo, line 18</Path><Value>110***&lt;&amp;&gt;</Value>"
        "<Expect>校验位 X</Expect><Msg>证件号码校验位错误</Msg></Err>"
    )
    assert text(bank.adapter.answer("kyc_apply", [outcome], REQUEST)) == (
        '<?xml version="1.0" encoding="GB18030"?>\n'
        "<Rsp><Head><SeqNo>S-1</SeqNo><RetCode>2002</RetCode><RetMsg>校验未通过: 2 findings</RetMsg></Head>"
        f"<Body>{error}{error}</Body></Rsp>"
    )


def test_input_that_could_not_be_read_is_answered_without_its_serial(bank: Channel) -> None:
    outcome = rejection("9" * 18, "9" * 18, MalformedXml("line 3"))
    assert text(bank.adapter.answer(None, [outcome], ())).endswith(
        "<Rsp><Head><RetCode>1001</RetCode><RetMsg>报文不是合法的 XML: line 3</RetMsg></Head></Rsp>"
    )


def test_a_reason_without_a_code_gets_the_code_for_all_others(bank: Channel) -> None:
    outcome = {"rejection": {"reason": "of_tomorrow", "text": {"zh": "明天", "en": "x"}, "retryable": False}}
    assert "<RetCode>9999</RetCode>" in text(bank.adapter.answer("kyc_apply", [outcome], REQUEST))


def test_one_refusal_among_several_outcomes_is_a_no(bank: Channel) -> None:
    outcome = rejection("9" * 18, "9" * 18, NotValid())
    assert "<RetCode>2002</RetCode>" in text(bank.adapter.answer("kyc_apply", [RECEIPT, outcome], REQUEST))


def test_answers_follow_the_banks_own_schema(bank: Channel) -> None:
    schema = etree.XMLSchema(etree.parse(bank.folders[0] / "demo-bank.xsd"))
    refusal = rejection("9" * 18, "9" * 18, NotValid("x", findings=[FINDING]))
    for outcome in (RECEIPT, refusal):
        answer = bank.adapter.answer("kyc_apply", [outcome], REQUEST)
        assert answer is not None
        schema.assertValid(etree.fromstring(answer.content))


@pytest.mark.parametrize(
    ("status", "content", "reply"),
    [
        (200, "<Rsp><Head><RetCode> 0000 </RetCode><RetMsg>好</RetMsg></Head></Rsp>", Reply(True, "0000")),
        (200, "<Rsp><Head><RetCode>2002</RetCode><RetMsg>王小明的证件有误</RetMsg></Head></Rsp>", Reply(False, "2002")),
        (200, "<Rsp><Head><RetCode>8001</RetCode></Head></Rsp>", Reply(None, "8001")),
        (500, "<Rsp><Head><RetCode>0000</RetCode></Head></Rsp>", Reply(None, "0000")),
        (200, "<Other><Head><RetCode>0000</RetCode></Head></Other>", Reply(None, "200")),
        (200, "<Rsp><Head><RetCode/></Head></Rsp>", Reply(None, "200")),
        (503, "<html><body>Service Unavailable</body></html>", Reply(None, "503")),
    ],
)
def test_the_banks_reply_is_read_by_the_same_table(bank: Channel, status: int, content: str, reply: Reply) -> None:
    raw = f'<?xml version="1.0" encoding="GB18030"?>{content}'.encode("gb18030")
    assert bank.adapter.read_reply("nav_report", status, raw, SENT) == reply


@pytest.mark.parametrize("content", [b"OK", b"", b"<Rsp>", b"\xff\xfe", b"[1]"])
def test_a_reply_that_cannot_be_read_is_neither_a_yes_nor_a_no(bank: Channel, content: bytes) -> None:
    assert bank.adapter.read_reply("nav_report", 200, content, SENT) == Reply(None, "200")


def test_a_bank_may_answer_in_the_standards_own_words(bank: Channel) -> None:
    receipt, refusal = write_json(RECEIPT), write_json(rejection("9" * 18, "9" * 18, NotValid()))
    assert bank.adapter.read_reply("nav_report", 202, receipt, SENT) == Reply(True, "202")
    assert bank.adapter.read_reply("nav_report", 422, refusal, SENT) == Reply(False, "not_valid")


ANSWER = """\
answer:
  root: Rsp
  code: RetCode
  accepted: {RetCode: "0", Id: receipt.acceptedMessageId}
  rejected: {RetCode: finding.code, RetMsg: finding.text, Errs: {each: findings, map: {P: finding.path}}}
"""


def test_answers_in_json_use_the_same_table(load: Load) -> None:
    channel = load(HEAD + ANSWER + NAV.replace("{kind: xml, root: Nav}", "{kind: json}"))
    refusal = rejection("9" * 18, "9" * 18, NotValid("x", findings=[FINDING, FINDING]))
    yes, no = (channel.adapter.answer("nav", [outcome], ()) for outcome in (RECEIPT, refusal))
    assert yes is not None
    assert no is not None
    assert orjson.loads(yes.content) == {"Rsp": {"RetCode": "0", "Id": "m"}}
    place = {"P": "Body/CertNo, line 18"}
    wanted = {"RetCode": "XQ-R-001", "RetMsg": "证件号码校验位错误", "Errs": [place, place]}
    assert orjson.loads(no.content) == {"Rsp": wanted}
    assert channel.adapter.read_reply("nav", 200, yes.content, SENT) == Reply(True, "0")
    assert channel.adapter.read_reply("nav", 200, no.content, SENT) == Reply(False, "XQ-R-001")
    assert channel.adapter.read_reply("nav", 200, b'{"Rsp": {"RetCode": 0}}', SENT) == Reply(True, "0")
    assert channel.adapter.read_reply("nav", 200, b'{"Rsp": [{"RetCode": 0}]}', SENT) == Reply(None, "200")


def test_a_reply_in_json_stands_at_the_top_where_there_is_no_root(load: Load) -> None:
    answer = ANSWER.replace("root: Rsp", "root: .")
    channel = load(HEAD + answer + NAV.replace("{kind: xml, root: Nav}", "{kind: json}"))
    yes = channel.adapter.answer("nav", [RECEIPT], ())
    assert yes is not None
    assert orjson.loads(yes.content) == {"RetCode": "0", "Id": "m"}
    assert channel.adapter.read_reply("nav", 200, yes.content, SENT) == Reply(True, "0")
    assert channel.adapter.read_reply("nav", 200, b'{"RetCode": 9}', SENT) == Reply(False, "9")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('{RetCode: "0"', "{RetCode: receipt.position", "RetCode needs the literal that says yes"),
        ("RetCode: finding.code", "RetCode: {value: rejection.reason, codes: none}", "there is no code table 'none'"),
        ("{each: findings, map: {P: finding.path}}", "{each: findings}", "give a value, or each and map"),
    ],
)
def test_a_wrong_table_of_answers_is_refused_with_its_line(load: Load, old: str, new: str, said: str) -> None:
    with pytest.raises(ProfileInvalid, match=rf"channel.yaml:\d+: .*{said}"):
        load(HEAD + ANSWER.replace(old, new) + NAV)
