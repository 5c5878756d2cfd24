"""The client over gRPC against a real server, and for an event loop over both: the same errors, repeats and bounds."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import grpc
import orjson
import pytest

from tests.sdk import grpc_server, server
from tests.sdk.application import application
from tests.sdk.grpc_server import Broken, Refusal, Said, accepted
from xinqiao import conversation
from xinqiao.cli import main
from xinqiao.client import AsyncClient, Client, Retry
from xinqiao.conversation import Wait
from xinqiao.errors import (
    DestinationDown,
    DestinationRefused,
    JournalUnavailable,
    NotValid,
    OutOfOrder,
    RateLimited,
    SealInvalid,
)
from xinqiao.exchange.v1.exchange_pb import Delivery, SealedMessage, Status
from xinqiao.finding import Finding, Text
from xinqiao.message import Json, write_json
from xinqiao.outcome import rejection
from xinqiao.seal import CONTENT_TYPE_JSON, SIGNATURE_HEADER, KeyRing, Sealed, new_key, open_seal, seal
from xinqiao.testing import BANK, TRUST_COMPANY, example, vector
from xinqiao.transport import Fetch, NoAnswer
from xinqiao.typed import from_canonical

KEY, GATEWAY = new_key("bank-1"), new_key("gateway-1")
KEYS, GATEWAY_KEYS = KeyRing([KEY.public()]), KeyRing([GATEWAY.public()])
UNAVAILABLE = Broken(grpc.StatusCode.UNAVAILABLE)


def client(url: str, waits: list[float] | None = None, retry: Retry | None = None) -> Client:
    """Return a client that does not sleep but writes down how long it would."""
    slept = [] if waits is None else waits
    return Client(url, "demo-bank", KEY, gateway_keys=GATEWAY_KEYS, retry=retry, timeout=5, sleep=slept.append)


def in_turn(*answers: Said) -> Callable[[SealedMessage], Said]:
    left = list(answers)
    return lambda _: left.pop(0)


@pytest.mark.parametrize("typed", [False, True])
def test_a_message_is_sent_sealed_and_its_receipt_returned(typed: bool) -> None:
    message = application()

    with grpc_server.serving(in_turn(accepted())) as served, client(served.url) as sender:
        receipt = sender.submit(from_canonical(message) if typed else message)

    assert receipt == vector("receipt")
    [request] = served.submitted
    assert request.channel_id == "demo-bank"
    assert orjson.loads(request.content) == message
    assert open_seal(Sealed(request.content, request.content_type, request.signature), KEYS) == "bank-1"


def test_a_rejection_raises_the_error_of_its_reason_with_all_that_it_says() -> None:
    finding = Finding("XQ-R-001", "kycApplication.x", Text("错", "wrong"))
    errors = [NotValid("1 violation", findings=[finding]), OutOfOrder("too early", expected=["kycDecision"])]

    with grpc_server.serving(in_turn(*map(Refusal, errors))) as served, client(served.url) as sender:
        with pytest.raises(NotValid) as invalid:
            sender.submit(application())
        with pytest.raises(OutOfOrder) as early:
            sender.submit(example("deliveryInstruction"))

    assert (invalid.value.detail, invalid.value.findings) == ("1 violation", (finding,))
    assert (early.value.detail, early.value.expected) == ("too early", ("kycDecision",))
    assert len(served.submitted) == 2


def test_what_may_succeed_later_is_repeated_with_the_same_bytes_and_seal() -> None:
    answers = in_turn(UNAVAILABLE, Refusal(JournalUnavailable()), Refusal(RateLimited(), 7), accepted())
    waits: list[float] = []

    with grpc_server.serving(answers) as served, client(served.url, waits) as sender:
        receipt = sender.submit(application())

    assert receipt == vector("receipt")
    assert len(served.submitted) == 4
    assert len({(each.content, each.signature) for each in served.submitted}) == 1
    assert [0.1 <= waits[0] <= 0.2, 0.2 <= waits[1] <= 0.4, waits[2] == 7] == [True] * 3


def test_repeats_end_after_the_attempts_allowed_with_what_was_said_last() -> None:
    busy = Refusal(JournalUnavailable("disk"))

    with (
        grpc_server.serving(lambda _: busy) as served,
        client(served.url) as sender,
        pytest.raises(JournalUnavailable, match="disk"),
    ):
        sender.submit(application())

    assert len(served.submitted) == 5


def test_nobody_there_is_a_destination_down_that_was_never_connected() -> None:
    with grpc_server.serving(in_turn()) as served:
        pass
    with client(served.url, retry=Retry(attempts=2)) as sender, pytest.raises(DestinationDown) as down:
        sender.submit(application())

    assert "2 attempts" in down.value.detail
    assert getattr(down.value.__cause__, "was_connected", None) is False


def test_a_name_that_is_not_found_was_never_connected() -> None:
    lost = Broken(grpc.StatusCode.UNAVAILABLE, "DNS resolution failed for gateway.example:443")
    with (
        grpc_server.serving(in_turn(lost)) as served,
        client(served.url, retry=Retry(attempts=1)) as sender,
        pytest.raises(DestinationDown) as down,
    ):
        sender.submit(application())

    assert getattr(down.value.__cause__, "was_connected", None) is False


@pytest.mark.parametrize(
    ("code", "error", "attempts"),
    [
        (grpc.StatusCode.UNAVAILABLE, DestinationDown, 2),
        (grpc.StatusCode.UNKNOWN, DestinationDown, 2),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, DestinationDown, 2),
        (grpc.StatusCode.UNIMPLEMENTED, DestinationRefused, 1),
        (grpc.StatusCode.NOT_FOUND, DestinationRefused, 1),
        (grpc.StatusCode.PERMISSION_DENIED, DestinationRefused, 1),
    ],
)
def test_a_status_without_a_rejection_is_not_the_gateways(
    code: grpc.StatusCode, error: type[Exception], attempts: int
) -> None:
    with (
        grpc_server.serving(lambda _: Broken(code)) as served,
        client(served.url, retry=Retry(attempts=2)) as sender,
        pytest.raises(error),
    ):
        sender.submit(application())

    assert len(served.submitted) == attempts


@pytest.mark.parametrize("details", [b"\xff\xff", Status(code=3).to_binary()])
def test_details_of_somebody_else_are_not_the_gateways(details: bytes) -> None:
    other = Broken(grpc.StatusCode.INVALID_ARGUMENT, details=details)
    with (
        grpc_server.serving(lambda _: other) as served,
        client(served.url, retry=Retry(attempts=1)) as sender,
        pytest.raises(DestinationDown, match="no answer of the standard"),
    ):
        sender.submit(application())


def by_tag(answers: dict[str, list[Said]]) -> Callable[[SealedMessage], Said]:
    """Answer streamed inputs by their tags, and accept the rest."""

    def answer(request: SealedMessage) -> Said:
        left = answers.get(request.tag, []) if request.tag else []
        return left.pop(0) if left else accepted(request.tag)

    return answer


def test_many_messages_go_as_one_stream_and_are_answered_in_order() -> None:
    answer = by_tag({"2": [Refusal(NotValid("1 violation"))]})

    with grpc_server.serving(answer) as served, client(served.url) as sender:
        said = list(sender.submit_many(application() for _ in range(4)))

    assert [isinstance(each, NotValid) for each in said] == [False, True, False, False]
    assert [[each.tag for each in stream] for stream in served.streamed] == [["1", "2", "3", "4"]]
    assert served.submitted == []


def test_what_a_stream_does_not_answer_is_sent_again_and_the_rest_goes_in_another() -> None:
    messages = [application() for _ in range(6)]

    with grpc_server.serving(by_tag({"3": [UNAVAILABLE]})) as served, client(served.url) as sender:
        said = list(sender.submit_many(messages))

    assert said == [vector("receipt")] * 6
    assert len(served.streamed) >= 1
    received = [orjson.loads(each.content) for stream in served.streamed for each in stream]
    received += [orjson.loads(each.content) for each in served.submitted]
    assert [each for each in messages if each not in received] == []


def test_what_may_succeed_later_is_repeated_beside_its_stream() -> None:
    answer = by_tag({"2": [Refusal(JournalUnavailable())]})

    with grpc_server.serving(answer) as served, client(served.url) as sender:
        said = list(sender.submit_many(application() for _ in range(3)))

    assert said == [vector("receipt")] * 3
    [again] = served.submitted
    assert again.content == served.streamed[0][1].content


def test_an_answer_for_another_input_breaks_a_stream() -> None:
    def answer(request: SealedMessage) -> Said:
        return accepted("99" if request.tag == "1" else request.tag)

    with grpc_server.serving(answer) as served, client(served.url) as sender:
        said = list(sender.submit_many([application()]))

    assert said == [vector("receipt")]
    assert len(served.submitted) == 1


def test_a_gateway_that_goes_away_while_the_sender_rests_is_not_asked_again_until_there_is_something_to_send() -> None:
    rested = threading.Event()

    def resting() -> Iterator[Json]:
        yield application()
        rested.wait(10)
        yield application()

    before = threading.active_count()
    with grpc_server.serving(by_tag({})) as served:
        sender = client(served.url)
        sending = sender.submit_many(resting())
        assert next(sending) == vector("receipt")
    with sender:
        down: list[object] = []
        waiting = threading.Thread(target=lambda: down.append(next(catching(sending))))
        waiting.start()
        waiting.join(0.3)  # what would be asked again and again is asked often by then
        assert threading.active_count() - before < 10
        rested.set()
        waiting.join(10)
    assert [type(each) for each in down] == [DestinationDown]


def catching(sending: Iterator[object]) -> Iterator[object]:
    try:
        yield from sending
    except DestinationDown as error:
        yield error


def test_a_stream_that_is_not_answered_in_time_is_given_up_and_its_inputs_sent_again() -> None:
    gate = threading.Event()

    def answer(request: SealedMessage) -> Said:
        if request.tag:
            gate.wait(10)
        return accepted(request.tag)

    with grpc_server.serving(answer) as served:
        with Client(served.url, "demo-bank", KEY, timeout=0.5) as sender:
            assert list(sender.submit_many([application()])) == [vector("receipt")]
        gate.set()
    assert [len(served.submitted), len(served.streamed)] == [1, 1]


async def test_for_an_event_loop_it_is_given_up_alike() -> None:
    gate = threading.Event()

    def answer(request: SealedMessage) -> Said:
        if request.tag:
            gate.wait(10)
        return accepted(request.tag)

    with grpc_server.serving(answer) as served:
        async with AsyncClient(served.url, "demo-bank", KEY, timeout=0.5) as sender:
            said = [each async for each in sender.submit_many([application()])]
        gate.set()
    assert said == [vector("receipt")]


def test_a_fault_of_the_senders_own_is_raised_where_it_sends() -> None:
    def broken() -> Iterator[Json]:
        yield application()
        raise LookupError("mine")

    with (
        grpc_server.serving(by_tag({})) as served,
        client(served.url) as sender,
        pytest.raises(LookupError, match="mine"),
    ):
        list(sender.submit_many(broken()))


def test_an_input_may_be_made_of_the_answer_to_the_one_before() -> None:
    said: list[object] = []

    def one_by_one() -> Iterator[Json]:
        for number in range(3):
            with arrived:
                assert arrived.wait_for(lambda: len(said) >= number, 10)  # noqa: B023 -- called at once
            yield application()

    arrived = threading.Condition()
    with grpc_server.serving(by_tag({"2": [UNAVAILABLE]})) as served, client(served.url) as sender:
        for each in sender.submit_many(one_by_one()):
            with arrived:
                said.append(each)
                arrived.notify()

    assert said == [vector("receipt")] * 3


def delivered(message: Json, cursor: str, key: Any = GATEWAY) -> Delivery:
    sealed = seal(write_json(message), CONTENT_TYPE_JSON, key)
    return Delivery(
        cursor=cursor,
        message=SealedMessage(content=sealed.content, content_type=sealed.content_type, signature=sealed.signature),
    )


def test_messages_are_fetched_verified_and_what_only_moves_the_cursor_moves_it() -> None:
    messages = [vector("kycDecision"), vector("navReport")]
    deliveries = [delivered(messages[0], "4"), delivered(messages[1], "5"), Delivery(cursor="6")]

    with grpc_server.serving(in_turn(), [deliveries]) as served, client(served.url) as receiver:
        page = receiver.messages()

    assert (page.messages, page.cursor) == (messages, "6")


def test_a_delivered_message_that_is_not_the_gateways_is_refused() -> None:
    deliveries = [delivered(vector("navReport"), "1", KEY)]
    with grpc_server.serving(in_turn(), [deliveries] * 2) as served, client(served.url) as receiver:
        with pytest.raises(SealInvalid):
            receiver.messages()
        with pytest.raises(SealInvalid):
            next(receiver.subscribe())


def test_a_subscription_whose_time_is_over_goes_on_in_another() -> None:
    messages = [vector("kycDecision"), vector("navReport")]
    over = Broken(grpc.StatusCode.DEADLINE_EXCEEDED)
    subscriptions: list[list[Delivery | Broken]] = [
        [delivered(messages[0], "4"), over],
        [],
        [UNAVAILABLE],
        [delivered(messages[1], "5")],
    ]
    waits: list[float] = []

    with grpc_server.serving(in_turn(), subscriptions) as served, client(served.url, waits) as receiver:
        found = list(islice(receiver.subscribe(), 2))

    assert [(each.message, each.cursor) for each in found] == [(messages[0], "4"), (messages[1], "5")]
    assert waits[:2] == [1.0, 1.0]


def test_the_time_that_a_subscription_waited_for_messages_is_no_time_without_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr(conversation, "monotonic", lambda: now)
    retry, broken = Retry(attempts=3, within=60), NoAnswer("the gateway stops", was_connected=True)
    steps = conversation.followed(lambda: "token", None, 1, retry, GATEWAY_KEYS, 1.0)
    assert isinstance(next(steps), Fetch)
    for _ in range(5):
        now += 200
        assert isinstance(steps.send(broken), Wait)
        assert isinstance(steps.send(None), Fetch)
    assert isinstance(steps.send(broken), Wait)
    assert isinstance(steps.send(None), Fetch)
    with pytest.raises(DestinationDown, match="3 attempts"):
        steps.send(broken)


async def test_who_gave_up_waiting_for_an_event_loop_subscribes_again() -> None:
    later = threading.Event()
    first: list[Delivery | Broken | threading.Event] = [later]
    with grpc_server.serving(in_turn(), [first, [delivered(vector("navReport"), "7")]]) as served:
        async with async_client(served.url, []) as receiver:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await anext(receiver.subscribe())
            found = await asyncio.wait_for(anext(receiver.subscribe()), 10)
        later.set()
    assert (found.message, found.cursor) == (vector("navReport"), "7")


def test_two_subscriptions_of_one_client_do_not_disturb_each_other() -> None:
    messages = [vector("kycDecision"), vector("navReport")]
    both = [delivered(messages[0], "4"), delivered(messages[1], "5")]
    with grpc_server.serving(in_turn(), [both, both]) as served, client(served.url) as receiver:
        one, other = receiver.subscribe(), receiver.subscribe()
        found = [next(each).message for each in (one, other, one, other)]
    assert found == [messages[0], messages[0], messages[1], messages[1]]


async def test_for_an_event_loop_it_goes_on_alike() -> None:
    messages = [vector("kycDecision"), vector("navReport")]
    over = Broken(grpc.StatusCode.DEADLINE_EXCEEDED)
    subscriptions: list[list[Delivery | Broken]] = [
        [delivered(messages[0], "4"), over],
        [],
        [UNAVAILABLE],
        [delivered(messages[1], "5")],
    ]
    found = []

    with grpc_server.serving(in_turn(), subscriptions) as served:
        async with async_client(served.url, []) as receiver:
            async for each in receiver.subscribe():
                found.append(each.message)
                if len(found) == 2:
                    break

    assert found == messages


# --- for an event loop -----------------------------------------------------------------------------------------


def async_client(url: str, waits: list[float]) -> AsyncClient:
    async def slept(seconds: float) -> None:
        waits.append(seconds)

    return AsyncClient(url, "demo-bank", KEY, gateway_keys=GATEWAY_KEYS, timeout=5, sleep=slept)


async def test_for_an_event_loop_over_grpc_it_repeats_alike() -> None:
    waits: list[float] = []
    with grpc_server.serving(in_turn(UNAVAILABLE, Refusal(RateLimited(), 7), accepted())) as served:
        async with async_client(served.url, waits) as sender:
            assert await sender.submit(application()) == vector("receipt")
    assert [0.1 <= waits[0] <= 0.2, waits[1] == 7] == [True, True]


async def test_for_an_event_loop_a_broken_stream_is_mended_alike() -> None:
    answer = by_tag({"2": [Refusal(NotValid("x"))], "3": [UNAVAILABLE]})
    with grpc_server.serving(answer) as served:
        async with async_client(served.url, []) as sender:
            said = [each async for each in sender.submit_many(application() for _ in range(5))]
    assert [isinstance(each, NotValid) for each in said] == [False, True, False, False, False]


async def test_for_an_event_loop_over_rest_it_sends_and_fetches_alike() -> None:
    busy = server.Answer(503, write_json(rejection(TRUST_COMPANY, BANK, JournalUnavailable())), {"Retry-After": "3"})
    answers = [server.Answer(0), busy, server.Answer(202, write_json(vector("receipt")))]
    waits: list[float] = []
    with server.serving(lambda _: answers.pop(0)) as served:
        async with async_client(served.url, waits) as sender:
            assert await sender.submit(application()) == vector("receipt")
    assert (len(served.requests), waits[1]) == (3, 3.0)
    assert len({(each.body, each.headers[SIGNATURE_HEADER]) for each in served.requests}) == 1


def test_a_client_for_an_event_loop_may_be_made_before_the_loop() -> None:
    with grpc_server.serving(in_turn(accepted())) as served:
        sender = async_client(served.url, [])

        async def send() -> Json:
            async with sender:
                return await sender.submit(application())

        assert asyncio.run(send()) == vector("receipt")


@pytest.mark.parametrize("url", ["http", "grpc"])
async def test_for_an_event_loop_nobody_there_is_a_destination_down(url: str) -> None:
    with server.serving(lambda _: server.Answer(0)) as served:
        pass
    address = served.url.replace("http", url)
    sender = AsyncClient(address, "demo-bank", KEY, retry=Retry(attempts=1), timeout=5)
    async with sender:
        with pytest.raises(DestinationDown, match="1 attempts"):
            await asyncio.wait_for(sender.submit(application()), 20)


def test_the_command_sends_over_grpc(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new-key", "bank-1", "--out", str(tmp_path / "key.jwk")]) == 0
    (tmp_path / "message.json").write_bytes(write_json(application()))
    command = ["send", str(tmp_path / "message.json"), "--channel", "demo-bank", "--key", str(tmp_path / "key.jwk")]
    with grpc_server.serving(in_turn(accepted(), Refusal(NotValid("x")))) as served:
        assert [main([*command, "--url", served.url]), main([*command, "--url", served.url])] == [0, 1]
    printed = capsys.readouterr().out
    assert "not_valid" in printed
