"""What a profile says of an unknown outcome: repeat, hold, or a query of the channel's own, and its answer."""

from datetime import date
from pathlib import Path

import pytest

from tests.adapters.conftest import HEAD, NAV, Load
from xinqiao.adapter import QueryingAdapter, Reply
from xinqiao.errors import ContentRefused, ProfileInvalid
from xinqiao.message import Json
from xinqiao.testing import vector
from xinqiao_adapters.channel import Channel, load_channel
from xinqiao_adapters.check import check_channel
from xinqiao_adapters.interface_document import document_of, html_of

ASKING = NAV.replace("    key: [Head/Seq]\n", "    key: [Head/Seq]\n    unknown: query nav_query\n").replace(
    "codes:\n",
    """\
  nav_query:
    message: navReport
    direction: query
    format: {kind: xml, root: Query, encoding: GB18030}
    map:
      Head/Code: {constant: QRY1}
      header.messageId: {from: Body/OrigSeq}
    reply:
      root: Answer
      accepted: {RetCode: "0000", Body/State: ["1", "2"]}
      rejected: {RetCode: "0000", Body/State: "9"}
      missing: {RetCode: "4040"}
codes:
""",
)
SENT = vector("navReport")
MESSAGE_ID = SENT["header"]["messageId"]


@pytest.fixture
def asking(load: Load) -> Channel:
    return load(HEAD + ASKING)


def reply(channel: Channel, content: str, status: int = 200) -> Reply:
    raw = f'<?xml version="1.0" encoding="GB18030"?>{content}'.encode("gb18030")
    return channel.adapter.read_reply("nav_query", status, raw, SENT)


def test_an_unknown_outcome_is_repeated_where_nothing_is_said(bank: Channel) -> None:
    assert [bank.when_unknown(name) for name in ("nav", "of_an_adapter_in_python")] == ["repeat", "repeat"]
    with pytest.raises(ValueError, match=r"small-bank\.nav has no query"):
        bank.query("nav", SENT)


def test_an_unknown_outcome_may_wait_for_a_person(load: Load) -> None:
    held = load(HEAD + NAV.replace("    map:\n", "    unknown: hold\n    map:\n", 1))
    assert held.when_unknown("nav") == "hold"


def test_a_query_asks_about_the_message_and_carries_none(asking: Channel) -> None:
    assert asking.when_unknown("nav") == "query"
    assert isinstance(asking.adapter, QueryingAdapter)
    encoded = asking.query("nav", SENT)
    assert (encoded.interface, encoded.content_type) == ("nav_query", "application/xml; charset=GB18030")
    assert encoded.content.decode("gb18030").partition("\n")[2] == (
        f"<Query><Head><Code>QRY1</Code></Head><Body><OrigSeq>{MESSAGE_ID}</OrigSeq></Body></Query>"
    )


def test_messages_never_go_out_by_a_query_nor_come_in_by_it(asking: Channel, bank: Channel) -> None:
    assert asking.outgoing == bank.outgoing == {"navReport": ["nav"]}
    assert asking.incoming == {"navReport": ["nav"]}
    assert [each.interface for each in asking.adapter.encode([short_of_units(SENT)])] == ["nav"]
    assert list(asking.compiled) == ["nav"]


def short_of_units(message: Json) -> Json:
    """Return what the small bank has places for."""
    body = {name: message["navReport"][name] for name in ("navDate", "unitNav", "netAssets", "state")}
    body["unitNav"] = "1.0023"
    header = {name: message["header"][name] for name in ("messageId", "sender", "receiver", "createdAt")}
    header |= {"standardVersion": "1.0", "partnerSerial": "S-1"}
    return {"header": header, "navReport": {**body, "instrument": {"code": "P1"}}}


@pytest.mark.parametrize(
    ("content", "status", "read"),
    [
        ("<RetCode>0000</RetCode><Body><State>2</State></Body>", 200, Reply(True, "0000 2")),
        ("<RetCode>0000</RetCode><Body><State>9</State></Body>", 200, Reply(False, "0000 9")),
        ("<RetCode>4040</RetCode>", 200, Reply(None, "4040", missing=True)),
        ("<RetCode>4040</RetCode>", 404, Reply(None, "4040", missing=True)),
        ("<RetCode>4040</RetCode>", 500, Reply(None, "4040")),
        ("<RetCode>0000</RetCode><Body><State>1</State></Body>", 404, Reply(None, "0000 1")),
        ("<RetCode>0000</RetCode><Body><State>3</State></Body>", 200, Reply(None, "0000 3")),
        ("<RetCode>0000</RetCode>", 200, Reply(None, "0000")),
        ("", 200, Reply(None, "200")),
    ],
)
def test_the_answer_to_a_query_says_one_of_three_things_or_nothing(
    asking: Channel, content: str, status: int, read: Reply
) -> None:
    assert reply(asking, f"<Answer>{content}</Answer>", status) == read


@pytest.mark.parametrize("content", ["<Rsp><RetCode>4040</RetCode></Rsp>", "<Answer>", "OK", ""])
def test_an_answer_of_another_form_proves_nothing(asking: Channel, content: str) -> None:
    assert reply(asking, content) == Reply(None, "200")


def test_a_receipt_of_the_standard_is_no_answer_to_a_query(asking: Channel) -> None:
    receipt = f'{{"receipt": {{"acceptedMessageId": "{MESSAGE_ID}"}}}}'.encode()
    assert asking.adapter.read_reply("nav_query", 200, receipt, SENT) == Reply(None, "200")


def test_an_answer_that_says_two_things_proves_nothing(load: Load) -> None:
    channel = load(HEAD + ASKING.replace('missing: {RetCode: "4040"}', 'missing: {Body/Found: "0"}'))
    both = "<RetCode>0000</RetCode><Body><State>1</State><Found>0</Found></Body>"
    assert reply(channel, f"<Answer>{both}</Answer>") == Reply(None, "0000 1")


def test_a_query_may_be_json(load: Load) -> None:
    text = ASKING.replace("{kind: xml, root: Query, encoding: GB18030}", "{kind: json}")
    channel = load(HEAD + text.replace("root: Answer", "root: ."))
    assert (
        channel.query("nav", SENT).content
        == f'{{"Head":{{"Code":"QRY1"}},"Body":{{"OrigSeq":"{MESSAGE_ID}"}}}}'.encode()
    )
    assert channel.adapter.read_reply("nav_query", 404, b'{"RetCode": 4040}', SENT) == Reply(None, "4040", missing=True)


def test_a_message_without_what_the_query_asks_by_is_refused(load: Load) -> None:
    channel = load(
        HEAD
        + ASKING.replace("header.messageId: {from: Body/OrigSeq}", "header.caseId: {from: Body/OrigSeq, length: 3}")
    )
    with pytest.raises(ContentRefused):
        channel.query("nav", {**SENT, "header": SENT["header"] | {"caseId": "longer than three"}})


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("query nav_query", "query", 11, "repeat, hold, or query and the name of an interface with direction: query"),
        ("query nav_query", "guess", 11, "not 'guess'"),
        ("query nav_query", "query nav", 11, "no interface 'nav' with direction: query; known: nav_query"),
        ("direction: both", "direction: in", 11, "nothing is sent by this interface"),
        ("    key: [Head/Seq]", "    changed: amend\n    key: [Head/Seq]", 10, "Input should be 'refuse' or 'correct'"),
        ("direction: both", "direction: out\n    changed: correct", 9, "what goes out is not changed by the partner"),
        ("navReport\n    direction: query", "accountEntry\n    direction: query", 11, "asks about accountEntry"),
        ("{kind: xml, root: Query, encoding: GB18030}", "{kind: canonical}", 23, "the standard has no queries"),
        ("{kind: xml, root: Query, encoding: GB18030}", "{kind: csv, columns: {a: {}}}", 24, "xml, json or form"),
        ("    direction: query\n", "    direction: query\n    key: [Head/Seq]\n", 24, "this key has no meaning here"),
        ('      missing: {RetCode: "4040"}\n', "", 28, "missing: this key is missing"),
        ('missing: {RetCode: "4040"}', "missing: {}", 32, "at least 1 item"),
    ],
)
def test_what_a_profile_says_in_vain_is_refused_with_its_line(
    load: Load, old: str, new: str, line: int, said: str
) -> None:
    assert ASKING.count(old) == 1
    with pytest.raises(ProfileInvalid) as caught:
        load(HEAD + ASKING.replace(old, new))
    assert said in caught.value.detail
    assert f"channel.yaml:{line}: " in caught.value.detail


def test_a_form_has_no_places_below_its_fields(load: Load) -> None:
    form = ASKING.replace("{kind: xml, root: Query, encoding: GB18030}", "{kind: form}").replace("Body/OrigSeq", "seq")
    with pytest.raises(
        ProfileInvalid, match=r"channel.yaml:29: .*Body/State: a form has fields, and nothing below them"
    ):
        load(HEAD + form.replace("      Head/Code: {constant: QRY1}\n", ""))


def test_only_a_query_has_such_an_answer(load: Load) -> None:
    text = ASKING.replace("    unknown: query nav_query\n", "").replace("direction: query", "direction: out")
    with pytest.raises(ProfileInvalid, match=r"channel.yaml:27: .*only the answer to a query is read so"):
        load(HEAD + text)


def test_a_query_needs_a_way_to_read_its_answer(load: Load) -> None:
    text = ASKING[: ASKING.index("    reply:")] + ASKING[ASKING.index("codes:\n  state") :]
    with pytest.raises(ProfileInvalid, match=r"a query needs reply"):
        load(HEAD + text)


def test_the_check_of_a_channel_wants_queries_that_tell_messages_apart(load: Load) -> None:
    told = [each for each in check_channel(load(HEAD + ASKING)).problems if each.startswith("nav_query")]
    assert told == []
    alike = ASKING.replace("      header.messageId: {from: Body/OrigSeq}\n", "")
    assert [each for each in check_channel(load(HEAD + alike)).problems if each.startswith("nav_query")] == [
        "nav_query: the queries about 20 messages are all the same: map what the partner tells messages by"
    ]


def test_the_check_of_a_channel_names_a_query_that_messages_do_not_fit(load: Load) -> None:
    narrow = ASKING.replace("{from: Body/OrigSeq}", "{from: Body/OrigSeq, length: 3}")
    (problem,) = (each for each in check_channel(load(HEAD + narrow)).problems if each.startswith("nav_query"))
    assert problem.startswith("nav_query: generated message 0: cannot be asked about: Body/OrigSeq: ")


def test_a_changed_input_is_a_conflict_unless_the_profile_calls_it_a_correction(load: Load) -> None:
    assert load(HEAD + NAV).profile.interfaces["nav"].changed == "refuse"
    corrected = load(HEAD + NAV.replace("    key:", "    changed: correct\n    key:"))
    assert corrected.profile.interfaces["nav"].changed == "correct"


def test_limits_are_data(load: Load) -> None:
    most = "body: 1048576, rate: 0.5, burst: 20, concurrency: 8, queue: 100000, parallel: 4, documents: {a/b: 0}"
    said = f"limits: {{{most}}}\n"
    assert load(HEAD + said + NAV).profile.limits.model_dump() == {
        "body": 1048576,
        "rate": 0.5,
        "burst": 20,
        "concurrency": 8,
        "queue": 100000,
        "parallel": 4,
        "documents": {"a/b": 0},
    }
    nothing = load(HEAD + NAV).profile.limits.model_dump()
    assert nothing == dict.fromkeys(nothing) | {"documents": {}}


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ("{rate: 0}", "greater than 0"),
        ("{rate: -1.5}", "greater than 0"),
        ("{burst: 5}", "burst goes with rate"),
        ("{rate: 5, burst: 0}", "greater than 0"),
        ("{concurrency: 1.5}", "valid integer"),
        ('{queue: "10"}', "valid integer"),
        ("{parallel: true}", "valid integer"),
        ("{bandwidth: 5}", "no such key here"),
    ],
)
def test_limits_that_are_none_are_refused_with_their_line(load: Load, limits: str, said: str) -> None:
    with pytest.raises(ProfileInvalid, match=rf"channel.yaml:5: limits.*{said}"):
        load(HEAD + f"limits: {limits}\n" + NAV)


def test_the_standards_own_channels_have_no_queries() -> None:
    assert load_channel("demo-core", []).when_unknown("messages") == "repeat"


def test_the_interface_document_says_how_the_partner_is_asked(load: Load, tmp_path: Path) -> None:
    load(HEAD + ASKING.replace("    unknown:", "    changed: correct\n    unknown:"))
    html = html_of(document_of("small-bank", [tmp_path], date(2026, 1, 1)), "zh")
    for said in ("我方查询", "查询应答：查无此报文", "Answer: RetCode = 4040", "视为更正，经人工批准后生效"):
        assert said in html
