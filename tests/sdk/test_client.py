"""The client against a real HTTP server: receipts, rejections, repeats of what is worth repeating, verified pulls."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sdk.application import application
from tests.sdk.server import Answer, Request, Served, serving
from xinqiao.client import Client, Page, Retry, retry_after
from xinqiao.errors import (
    DestinationDown,
    DestinationRefused,
    InternalError,
    JournalUnavailable,
    KeyUnusable,
    MalformedJson,
    NotAuthorized,
    NotValid,
    OutOfOrder,
    SealInvalid,
    UnsupportedMediaType,
    XinqiaoError,
)
from xinqiao.finding import Finding, Text
from xinqiao.message import Json, write_json
from xinqiao.outcome import rejection
from xinqiao.receiver import MemorySeen, Receiver
from xinqiao.seal import (
    CONTENT_TYPE_JSON,
    SIGNATURE_HEADER,
    KeyRing,
    Sealed,
    check_access_token,
    new_key,
    open_seal,
    seal,
)
from xinqiao.testing import BANK, TRUST_COMPANY, example, vector
from xinqiao.typed import from_canonical

KEY, GATEWAY = new_key("bank-1"), new_key("gateway-1")
KEYS, GATEWAY_KEYS = KeyRing([KEY.public()]), KeyRing([GATEWAY.public()])
PATH = "/v1/channels/demo-bank/messages"
RECEIPT = write_json(vector("receipt"))


def client(served: Served, waits: list[float] | None = None, retry: Retry | None = None) -> Client:
    """Return a client that does not sleep but writes down how long it would."""
    slept = [] if waits is None else waits
    return Client(served.url, "demo-bank", KEY, gateway_keys=GATEWAY_KEYS, retry=retry, timeout=5, sleep=slept.append)


def in_turn(*answers: Answer) -> Callable[[Request], Answer]:
    left = list(answers)
    return lambda _: left.pop(0)


def refusal(error: XinqiaoError, headers: dict[str, str] | None = None) -> Answer:
    return Answer(error.http_status, write_json(rejection(TRUST_COMPANY, BANK, error)), headers or {})


def entry(sealed: Sealed) -> dict[str, str]:
    content = base64.b64encode(sealed.content).decode()
    return {"content": content, "contentType": sealed.content_type, "signature": sealed.signature}


def listing(*messages: Json) -> Answer:
    sealed = [seal(write_json(each), CONTENT_TYPE_JSON, GATEWAY) for each in messages]
    return Answer(200, orjson.dumps({"messages": [entry(each) for each in sealed], "cursor": "c2"}))


@pytest.mark.parametrize("typed", [False, True])
def test_a_message_is_sent_sealed_and_its_receipt_returned(typed: bool) -> None:
    message = application()

    with serving(in_turn(Answer(202, RECEIPT))) as served, client(served) as sender:
        receipt = sender.submit(from_canonical(message) if typed else message)

    assert receipt == vector("receipt")
    [request] = served.requests
    assert (request.method, request.path) == ("POST", PATH)
    assert orjson.loads(request.body) == message
    sealed = Sealed(request.body, request.headers["Content-Type"], request.headers[SIGNATURE_HEADER])
    assert open_seal(sealed, KEYS) == "bank-1"


def test_client_and_receiver_understand_each_other() -> None:
    handled: list[Json] = []
    receiver = Receiver(KEYS, handled.append, MemorySeen(), institution=TRUST_COMPANY)

    def gateway(request: Request) -> Answer:
        headers = request.headers
        return Answer(*receiver.receive(request.body, headers["Content-Type"], headers[SIGNATURE_HEADER]))

    message = application()
    with serving(gateway) as served, client(served) as sender:
        receipts = [sender.submit(message), sender.submit(message)]

    assert handled == [message]
    assert receipts[0] == receipts[1]
    assert receipts[0]["receipt"]["acceptedMessageId"] == message["header"]["messageId"]


def test_a_rejection_raises_the_error_of_its_reason_with_all_that_it_says() -> None:
    finding = Finding("XQ-R-001", "kycApplication.x", Text("错", "wrong"))
    errors = [NotValid("1 violation", findings=[finding]), OutOfOrder("too early", expected=["kycDecision"])]

    with serving(in_turn(*map(refusal, errors))) as served, client(served) as sender:
        with pytest.raises(NotValid) as invalid:
            sender.submit(application())
        with pytest.raises(OutOfOrder) as early:
            sender.submit(example("deliveryInstruction"))

    assert (invalid.value.detail, invalid.value.findings) == ("1 violation", (finding,))
    assert (early.value.detail, early.value.expected) == ("too early", ("kycDecision",))
    assert len(served.requests) == 2


def test_a_receipt_for_another_message_is_no_success() -> None:
    other = example("kycApplication")
    with serving(in_turn(Answer(202, RECEIPT), Answer(202, b'{"receipt": []}'))) as served, client(served) as sender:
        for message in (other, application()):
            with pytest.raises(DestinationRefused, match="receipt is for another message"):
                sender.submit(message)
    assert len(served.requests) == 2


def test_what_may_succeed_later_is_repeated_with_the_same_bytes_and_seal() -> None:
    answers = in_turn(Answer(0), refusal(JournalUnavailable()), Answer(502, b"<html>"), Answer(202, RECEIPT))
    waits: list[float] = []

    with serving(answers) as served, client(served, waits) as sender:
        receipt = sender.submit(application())

    assert receipt == vector("receipt")
    assert len({(each.body, each.headers[SIGNATURE_HEADER]) for each in served.requests}) == 1
    assert len(served.requests) == 4
    assert [0.1 <= waits[0] <= 0.2, 0.2 <= waits[1] <= 0.4, 0.4 <= waits[2] <= 0.8] == [True] * 3


def test_repeats_end_after_the_attempts_allowed_with_what_was_said_last() -> None:
    waits: list[float] = []

    with (
        serving(lambda _: refusal(JournalUnavailable("disk"))) as served,
        client(served, waits) as sender,
        pytest.raises(JournalUnavailable, match="disk"),
    ):
        sender.submit(application())

    assert (len(served.requests), len(waits)) == (5, 4)


def test_repeats_end_when_the_time_allowed_would_be_exceeded() -> None:
    waits: list[float] = []
    busy = refusal(JournalUnavailable(), {"Retry-After": "3600"})

    with serving(lambda _: busy) as served, client(served, waits) as sender, pytest.raises(JournalUnavailable):
        sender.submit(application())

    assert (len(served.requests), waits) == (1, [])


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        ("7", 7, 7),
        (timedelta(seconds=30), 1, 30),
        (timedelta(days=-1), 0.1, 0.2),
        ("Mon, 99 Foo 2026", 0.1, 0.2),
        ("soon", 0.1, 0.2),
        ("-5", 0.1, 0.2),
        ("1.5", 0.1, 0.2),
    ],
)
def test_a_wait_is_at_least_what_the_server_asks_for(said: str | timedelta, least: float, most: float) -> None:
    waits: list[float] = []
    header = said if isinstance(said, str) else format_datetime(datetime.now(UTC) + said, usegmt=True)
    busy = refusal(JournalUnavailable(), {"Retry-After": header})

    with serving(in_turn(busy, Answer(202, RECEIPT))) as served, client(served, waits) as sender:
        sender.submit(application())

    assert len(served.requests) == 2
    assert least <= waits[0] <= most


AT = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٧", None),
        ("Mon, 99 Foo 2026", None),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", None),
        ("01 Jan 2026 99999999999999999999:00:00 GMT", None),
        ("0", 0.0),
        (" 7 ", 7.0),
        ("86401", 86400.0),
        ("9" * 400, 86400.0),
        ("Mon, 05 Jan 2026 10:00:30 GMT", 30.0),
        ("Mon, 05 Jan 2026 10:00:30", 30.0),
        ("Mon, 05 Jan 2026 10:00:30 -0000", 30.0),
        ("Mon, 05 Jan 2026 18:00:30 +0800", 30.0),
        ("Mon, 05 Jan 2026 09:00:00 GMT", 0.0),
        ("Tue, 05 Jan 2027 10:00:00 GMT", 86400.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_up_to_a_day(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, AT) == seconds


@given(st.text() | st.from_regex(r"[A-Za-z]{3}, [0-9]{1,3} (Jan|Feb) [0-9]{1,12} [0-9:]{1,9} [+A-Z0-9-]{0,9}"))
def test_retry_after_is_bounded_whatever_the_header_says(header: str) -> None:
    assert 0.0 <= (retry_after(header) or 0.0) <= 86400.0


def said(status: int, retryable: bool) -> Answer:
    message = rejection(TRUST_COMPANY, BANK, OutOfOrder("x"))
    message["rejection"] |= {"reason": "of_a_later_version", "retryable": retryable}
    return Answer(status, write_json(message))


@pytest.mark.parametrize(
    ("answer", "attempts"),
    [
        (said(409, True), 2),
        (said(500, True), 2),
        (said(503, False), 1),
        (said(429, False), 1),
        (refusal(InternalError("x")), 2),
        (Answer(503, b'{"rejection": {}}'), 2),
        (Answer(400, b'{"rejection": {}}'), 1),
        *((Answer(status, b"<html>"), 2) for status in (429, 500, 502, 503, 504, 507, 520, 522, 524, 529)),
        *((Answer(status, b"<html>"), 1) for status in (200, 400, 401, 404, 409, 422, 501, 505, 530)),
    ],
)
def test_an_answer_says_itself_whether_to_repeat_and_its_status_where_it_does_not(
    answer: Answer, attempts: int
) -> None:
    with serving(lambda _: answer) as served, client(served, retry=Retry(attempts=2)) as sender:
        sender.submit_raw(b"{}", CONTENT_TYPE_JSON)

    assert len(served.requests) == attempts


def test_no_answer_at_all_is_a_destination_down() -> None:
    with serving(lambda _: Answer(0)) as served:
        pass
    waits: list[float] = []

    with client(served, waits, Retry(attempts=2)) as sender, pytest.raises(DestinationDown, match="2 attempts"):
        sender.submit(application())

    assert len(waits) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(404, b"<html>not here</html>"), DestinationRefused),
        (Answer(200, b"[]"), DestinationRefused),
        (Answer(200, b"{}"), DestinationRefused),
        (Answer(200, b"\xff"), DestinationRefused),
        (Answer(503, b"<html>busy</html>"), DestinationDown),
        (Answer(422, b'{"rejection": {}}'), DestinationRefused),
        (Answer(422, b'{"rejection": {"retryable": false, "reason": 1}}'), DestinationRefused),
        (Answer(503, b'{"rejection": []}'), DestinationDown),
    ],
)
def test_an_answer_outside_the_standard_is_told_from_a_rejection(answer: Answer, error: type[Exception]) -> None:
    with serving(lambda _: answer) as served, client(served) as sender, pytest.raises(error, match="no answer of"):
        sender.submit(application())


def test_a_partners_own_format_is_sent_as_it_is_and_its_answer_returned_as_it_came() -> None:
    content = "<Root><姓名>王小明</姓名></Root>".encode("gb18030")
    content_type = "application/xml; charset=GB18030"

    with serving(in_turn(Answer(422, b"<Rsp/>"))) as served, client(served) as sender:
        answer = sender.submit_raw(content, content_type)

    assert (answer.status_code, answer.content) == (422, b"<Rsp/>")
    [request] = served.requests
    assert request.body == content
    assert open_seal(Sealed(content, content_type, request.headers[SIGNATURE_HEADER]), KEYS) == "bank-1"


def test_messages_are_fetched_after_a_cursor_and_verified() -> None:
    messages = [example("kycDecision"), example("navReport")]

    with serving(in_turn(listing(*messages))) as served, client(served) as receiver:
        page = receiver.messages(after="c1", limit=2)

    assert (page.messages, page.cursor, len(page.sealed)) == (messages, "c2", 2)
    [request] = served.requests
    address = urlsplit(request.path)
    token = request.headers["Authorization"].removeprefix("Bearer ")
    assert (address.path, parse_qs(address.query)) == (PATH, {"limit": ["2"], "after": ["c1"]})
    assert check_access_token(token, KEYS, PATH) == "bank-1"


def test_messages_sealed_long_ago_are_fetched() -> None:
    sealed = seal(write_json(vector("navReport")), CONTENT_TYPE_JSON, GATEWAY, datetime(2026, 1, 1, tzinfo=UTC))
    answer = Answer(200, orjson.dumps({"messages": [entry(sealed)], "cursor": "c"}))

    with serving(in_turn(answer)) as served, client(served) as receiver:
        assert receiver.messages() == Page([vector("navReport")], "c", [sealed])


def test_fetching_is_repeated_as_sending_is() -> None:
    with serving(in_turn(Answer(0), Answer(503), listing())) as served, client(served) as receiver:
        page = receiver.messages()

    assert page == Page([], "c2", [])
    assert len(served.requests) == 3


@pytest.mark.parametrize(
    ("sealed", "error"),
    [
        (seal(b"{}", CONTENT_TYPE_JSON, new_key("gateway-1")), SealInvalid),
        (seal(b"{}", CONTENT_TYPE_JSON, KEY), SealInvalid),
        (seal(b"<Root/>", "application/xml", GATEWAY), UnsupportedMediaType),
        (seal(b"{", CONTENT_TYPE_JSON, GATEWAY), MalformedJson),
    ],
)
def test_a_fetched_message_that_is_not_the_gateways_or_not_canonical_is_refused(
    sealed: Sealed, error: type[Exception]
) -> None:
    answer = Answer(200, orjson.dumps({"messages": [entry(sealed)], "cursor": "c"}))

    with serving(in_turn(answer)) as served, client(served) as receiver, pytest.raises(error):
        receiver.messages()


def test_a_fetched_message_under_a_former_key_is_refused() -> None:
    published = {"keys": [new_key("gateway-2").public().jwk(), GATEWAY.public().jwk() | {"former": True}]}
    answer = Answer(200, orjson.dumps({"messages": [entry(seal(b"{}", CONTENT_TYPE_JSON, GATEWAY))], "cursor": "c"}))

    with (
        serving(in_turn(answer)) as served,
        Client(served.url, "demo-bank", KEY, gateway_keys=KeyRing.from_jwks(published), timeout=5) as receiver,
        pytest.raises(SealInvalid, match="gateway-1"),
    ):
        receiver.messages()


def test_a_fetched_message_that_is_not_base64_is_refused() -> None:
    broken = entry(seal(b"{}", CONTENT_TYPE_JSON, GATEWAY)) | {"content": "***"}
    answer = Answer(200, orjson.dumps({"messages": [broken], "cursor": "c"}))

    with (
        serving(in_turn(answer)) as served,
        client(served) as receiver,
        pytest.raises(MalformedJson, match="base64"),
    ):
        receiver.messages()


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ({"messages": {}, "cursor": "c"}, "array named messages"),
        ({"messages": []}, "text named cursor"),
        ({"messages": [], "cursor": 7}, "text named cursor"),
        ({"messages": ["x"], "cursor": "c"}, r"messages\[0\] is no sealed message"),
        ({"messages": [{"content": "e30="}], "cursor": "c"}, r"messages\[0\] is no sealed message"),
        ({"messages": [dict.fromkeys(("content", "contentType", "signature"))], "cursor": "c"}, "no sealed message"),
        ({"messages": [dict.fromkeys(("content", "contentType", "signature"), "王")], "cursor": "c"}, "base64"),
    ],
)
def test_a_page_that_is_not_as_the_standard_writes_it_is_refused(page: Json, said: str) -> None:
    with (
        serving(in_turn(Answer(200, orjson.dumps(page)))) as served,
        client(served) as receiver,
        pytest.raises(MalformedJson, match=said),
    ):
        receiver.messages()


def test_a_refused_fetch_raises_the_error_of_its_reason() -> None:
    with (
        serving(in_turn(refusal(NotAuthorized("no such key")))) as served,
        client(served) as receiver,
        pytest.raises(NotAuthorized, match="no such key"),
    ):
        receiver.messages()


def test_fetching_without_the_gateways_keys_is_refused_before_the_call() -> None:
    with (
        serving(lambda _: listing()) as served,
        Client(served.url, "demo-bank", KEY) as receiver,
        pytest.raises(KeyUnusable, match="gateway_keys"),
    ):
        receiver.messages()

    assert served.requests == []
