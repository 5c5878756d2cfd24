"""The XML form: a message comes back as it went in, and whatever else an XML document holds is never dropped."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.errors import (
    BodyTooLarge,
    ContentRefused,
    DuplicateKey,
    ForbiddenXml,
    MalformedXml,
    Rejected,
    UnknownMessageType,
    UnsupportedVersion,
    WrongEncoding,
)
from xinqiao.message import Json
from xinqiao.standard import message_types
from xinqiao.testing import example, patched, vector, vectors
from xinqiao.validation import check
from xinqiao.xml_form import read_xml, write_xml

DECISION = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<message xmlns="urn:xinqiao:v1">'
    "<header><sender>91110000100000000R</sender><revision>2</revision><test>true</test></header>"
    "<kycDecision><applicationNo>KYC-1</applicationNo>"
    "<reasons><code>INCOMPLETE</code><text>收入 &lt; 支出 &amp; 其他</text></reasons>"
    "<reasons><code>OTHER</code></reasons>"
    "<itemsNeeded>收入证明</itemsNeeded></kycDecision></message>"
)
DECISION_JSON = {
    "kycDecision": {
        "itemsNeeded": ["收入证明"],
        "reasons": [{"code": "INCOMPLETE", "text": "收入 < 支出 & 其他"}, {"code": "OTHER"}],
        "applicationNo": "KYC-1",
    },
    "header": {"test": True, "revision": 2, "sender": "91110000100000000R"},
}


def document(inside: str, root: str = '<message xmlns="urn:xinqiao:v1">') -> bytes:
    return f"{root}{inside}</message>".encode()


def header(inside: str) -> bytes:
    return document(f"<header>{inside}</header>")


def test_elements_are_written_in_the_order_of_the_schema_and_nothing_else() -> None:
    assert write_xml(DECISION_JSON) == DECISION.encode()
    assert read_xml(DECISION.encode()) == DECISION_JSON


@pytest.mark.parametrize("body", message_types())
def test_the_published_examples_come_back_as_they_are(body: str) -> None:
    for each in vectors(body):
        assert read_xml(write_xml(each["message"])) == each["message"]


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_comes_back_as_it_is_or_is_refused_because_xml_cannot_hold_it(text: str) -> None:
    message = example("kycApplication", branch=text)

    if all(each in "\t\n\r" or " " <= each < "\ud800" or "\ue000" <= each not in "\ufffe\uffff" for each in text):
        assert read_xml(write_xml(message)) == message
    else:
        with pytest.raises(ContentRefused, match=r"header\.branch holds U\+"):
            write_xml(message)


@pytest.mark.parametrize("number", [1, -1, 0, 10**17, 2.0])
def test_a_whole_number_comes_back_as_the_number_that_it_is(number: float) -> None:
    message = example("kycApplication", revision=number)

    assert read_xml(write_xml(message)) == message


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("/header/branch", 101, "header.branch is int, not string"),
        ("/header/branch", None, "header.branch is NoneType, not string"),
        ("/header/revision", "2", "header.revision is str, not integer"),
        ("/header/revision", True, "header.revision is bool, not integer"),
        ("/header/revision", 2.5, "header.revision is float, not integer"),
        ("/header/revision", float("inf"), "header.revision is float, not integer"),
        ("/header/test", "true", "header.test is str, not boolean"),
        ("/header/remark", 1, "header.remark is no field of the standard"),
        ("/re mark", "x", "re mark is no field of the standard"),
        ("/kycApplication/applicant", "王", "kycApplication.applicant is str, not object"),
        ("/kycApplication/applicant/documents", {}, "kycApplication.applicant.documents is no list with items"),
        ("/kycApplication/applicant/documents", [], "kycApplication.applicant.documents is no list with items"),
        ("/kycApplication/applicant/documents/0/number", [], "applicant.documents[0].number is list, not string"),
    ],
)
def test_what_xml_would_not_give_back_is_refused_with_its_place(path: str, value: object, said: str) -> None:
    message = patched(vector("kycApplication"), [{"op": "add", "path": path, "value": value}])

    with pytest.raises(ContentRefused) as caught:
        write_xml(message)

    assert said in caught.value.detail
    assert any(each.level == "ERROR" for each in check(message, strict=True))


def test_only_a_message_of_the_standard_is_written() -> None:
    with pytest.raises(UnknownMessageType):
        write_xml({"header": {}})
    with pytest.raises(UnsupportedVersion):
        write_xml(example("kycApplication", standard_version="2.0"))


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + DECISION.encode(),
        DECISION.replace("UTF-8", "utf-8").encode(),
        DECISION.partition("\n")[2].encode(),
        DECISION.replace("><", ">\r\n\t <").encode(),
        DECISION.replace("<", "<x:").replace("<x:/", "</x:").replace("<x:?", "<?").replace("xmlns", "xmlns:x").encode(),
        DECISION.replace("INCOMPLETE", "INC<!-- of -->OMP<?pi of?>LETE").encode(),
        DECISION.replace("INCOMPLETE", "<![CDATA[INCOM]]>&#80;LETE").encode(),
        DECISION.replace(">2<", ">\n2 <").replace(">true<", "> true<").encode(),
        DECISION.replace(
            "<header", '<header xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="a b"'
        ).encode(),
    ],
    ids=["mark", "lower", "bare", "indented", "prefixed", "comments", "sections", "wrapped", "hints"],
)
def test_what_xml_spells_in_several_ways_is_one_message(content: bytes) -> None:
    assert content != DECISION.encode()
    assert read_xml(content) == DECISION_JSON


@pytest.mark.parametrize(
    ("inside", "fields"),
    [
        ("<revision>abc</revision>", {"revision": "abc"}),
        ("<revision>+5</revision>", {"revision": "+5"}),
        ("<revision>007</revision>", {"revision": "007"}),
        ("<revision>1.0</revision>", {"revision": "1.0"}),
        ("<revision/>", {"revision": ""}),
        (f"<revision>{'9' * 5000}</revision>", {"revision": "9" * 5000}),
        ("<revision>１</revision>", {"revision": "１"}),
        ("<test>1</test>", {"test": "1"}),
        ("<test>True</test>", {"test": "True"}),
        ("<branch><a>1</a></branch>", {"branch": {"a": "1"}}),
    ],
)
def test_a_value_of_another_type_stays_what_it_is_and_is_reported_in_its_place(inside: str, fields: Json) -> None:
    message = read_xml(document(f"<header>{inside}</header><kycDecision/>"))

    assert message == {"header": fields, "kycDecision": {}}
    (name,) = fields
    assert ("schema.type", f"header.{name}") in [(each.rule, each.path) for each in check(message)]


def test_text_where_elements_belong_is_reported_in_its_place() -> None:
    message = read_xml(document("<header/><kycApplication><applicant> 王 </applicant></kycApplication>"))

    assert message == {"header": {}, "kycApplication": {"applicant": " 王 "}}
    assert ("schema.type", "kycApplication.applicant") in [(each.rule, each.path) for each in check(message)]


@pytest.mark.parametrize(
    ("inside", "fields"),
    [
        ("<note>x</note>", {"note": "x"}),
        ("<note/>", {"note": ""}),
        ("<note>1</note><note><a>2</a> <b/></note><note/>", {"note": ["1", {"a": "2", "b": ""}, ""]}),
        ("<kycDecision/>", {"kycDecision": ""}),
        ('<branch xmlns="">x</branch>', {"{}branch": "x"}),
        ('<branch xmlns="urn:other">x</branch>', {"{urn:other}branch": "x"}),
        ('<branch lang="zh">x</branch>', {"branch": "x", "branch@lang": "zh"}),
        (
            '<branch xml:lang="zh">x</branch>',
            {"branch": "x", "branch@{http://www.w3.org/XML/1998/namespace}lang": "zh"},
        ),
        ('<note a="1"/><note a="2"/>', {"note": ["", ""], "note@a": ["1", "2"]}),
    ],
)
def test_what_the_standard_does_not_know_is_kept_and_reported(inside: str, fields: Json) -> None:
    message = read_xml(document(f"<header>{inside}</header><kycDecision/>"))

    assert message == {"header": fields, "kycDecision": {}}
    unknown = {each.path for each in check(message) if each.rule == "schema.unknown_field"}
    assert unknown == {f"header.{name}" for name in fields if name != "branch"}


def test_what_stands_at_the_root_is_kept_too() -> None:
    content = document("<header/><kycDecision/><other/>", '<message xmlns="urn:xinqiao:v1" lang="zh">')

    assert read_xml(content) == {"header": {}, "kycDecision": {}, "other": "", "message@lang": "zh"}


@pytest.mark.parametrize("bodies", ["", "<other/>", "<kycDecision/><kycApplication/>"])
def test_a_message_without_exactly_one_body_is_read_and_found_to_be_of_no_type(bodies: str) -> None:
    with pytest.raises(UnknownMessageType):
        check(read_xml(document(f"<header/>{bodies}")))


def laughs(document_type: str) -> bytes:
    return f'<?xml version="1.0"?><!-- x -->{document_type}{DECISION.partition(chr(10))[2]}'.encode()


LAUGHS = "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10))
DEEP = "<a>" * 199 + "</a>" * 199


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (b"", MalformedXml, "line 1, column 1: no element found"),
        (b"<message", MalformedXml, "line 1, column 1: unclosed token"),
        (header("<branch>x</brunch>"), MalformedXml, "line 1, column 52: mismatched tag"),
        (header("<branch>\x01</branch>"), MalformedXml, "line 1, column 49: not well-formed (invalid token)"),
        (header("<branch>&#0;</branch>"), MalformedXml, "line 1, column 49: reference to invalid character number"),
        (header("") + b"<message/>", MalformedXml, "line 1, column 60: junk after document element"),
        (header('<branch a="1" a="2"/>'), MalformedXml, "line 1, column 55: duplicate attribute"),
        (header("<x:branch/>"), MalformedXml, "line 1, column 41: unbound prefix"),
        (b'<?xml version="1.1"?><message/>', MalformedXml, "line 1: XML 1.1 is declared, only 1.0 is read"),
        (b"<message/>", MalformedXml, "line 1: the root is {}message, not message in the namespace urn:xinqiao:v1"),
        (b'<header xmlns="urn:xinqiao:v1"/>', MalformedXml, "line 1: the root is header, not message in the namespace"),
        (document("text"), MalformedXml, "message holds text, not elements"),
        (laughs(f'<!DOCTYPE m [<!ENTITY l0 "lol">{LAUGHS}]>'), ForbiddenXml, "line 1: a document type"),
        (laughs('\n<!DOCTYPE m SYSTEM "file:///etc/passwd">'), ForbiddenXml, "line 2: a document type"),
        (header("<branch>&l9;</branch>"), ForbiddenXml, "line 1, column 49: undefined entity"),
        (
            DECISION.replace("UTF-8", "GB18030").encode(),
            WrongEncoding,
            "line 1: GB18030 is declared, only UTF-8 is read",
        ),
        (DECISION.encode("gb18030"), WrongEncoding, "byte 249 is not UTF-8, the only encoding that is read"),
        (DECISION.encode("utf-16"), WrongEncoding, "byte 0 is not UTF-8, the only encoding that is read"),
        (header("").decode().encode("utf-16-be"), WrongEncoding, "byte 0 is null, as in UTF-16; only UTF-8 is read"),
        (header("\n<sender>1</sender>\n<sender>2</sender>"), DuplicateKey, "line 3: header.sender stands there twice"),
        (document("<header/><header/>"), DuplicateKey, "line 1: header stands there twice"),
        (
            document("<kycDecision><reasons/><reasons><code>A</code><code>B</code></reasons></kycDecision>"),
            DuplicateKey,
            "line 1: kycDecision.reasons[1].code stands there twice",
        ),
        (document("x<header/>"), MalformedXml, "line 1: text beside elements in message"),
        (header("x<sender/>"), MalformedXml, "line 1: text beside elements in header"),
        (header("<sender/>x"), MalformedXml, "line 1: text beside elements in header"),
        (header("<sender/>\u3000<branch/>"), MalformedXml, "line 1: text beside elements in header"),
        (header("<note><a/>x</note>"), MalformedXml, "line 1: text beside elements in header.note"),
        (
            document("<kycDecision><reasons/><reasons>x<code>A</code></reasons></kycDecision>"),
            MalformedXml,
            "line 1: text beside elements in kycDecision.reasons[1]",
        ),
        (header(DEEP), MalformedXml, "line 1: more than 200 levels of elements"),
        (header("<a>" * 1_000_000), MalformedXml, "line 1: more than 200 levels of elements"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_what_is_no_single_safe_document_is_refused_with_its_place(
    content: bytes, error: type[Rejected], said: str
) -> None:
    with pytest.raises(error) as caught:
        read_xml(content)

    assert type(caught.value) is error
    assert caught.value.detail.startswith(said)


def test_a_document_beyond_every_use_is_refused_unread() -> None:
    with pytest.raises(BodyTooLarge, match="67108865 bytes, at most 67108864 are read"):
        read_xml(b"<" * (64 * 1024 * 1024 + 1))


def test_two_hundred_levels_are_read() -> None:
    message = read_xml(header("<a>" * 198 + "</a>" * 198))

    depth, value = 0, message["header"]
    while value:
        depth, value = depth + 1, value["a"]
    assert depth == 198


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode), st.sampled_from([bytes, header, document]))
def test_any_bytes_are_a_message_or_refused(raw: bytes, around: Callable[..., bytes]) -> None:
    content = raw if around is bytes else around("\0").replace(b"\0", raw)

    with suppress(Rejected):
        assert isinstance(read_xml(content), dict)
