"""The gRPC front: what is accepted, a code and a reason for everything that is not, streams, and its end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import orjson
import pytest
from lxml import etree
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import xinqiao_adapters
from tests.gateway.conftest import message
from tests.gateway.grpc_site import GrpcSite, installed, serving, trailer
from xinqiao import v1
from xinqiao.errors import BodyTooLarge, NotValid, error_table
from xinqiao.evidence import verify_receipt
from xinqiao.exchange.v1.exchange_pb import SealedMessage, Status, SubmitReply
from xinqiao.exchange.v1.exchange_pb_grpc import ExchangeClient
from xinqiao.message import Json, content_digest, read_json, write_json
from xinqiao.outcome import error_of
from xinqiao.seal import new_key
from xinqiao.typed import to_canonical
from xinqiao.validation import check

CODE = {error.reason: grpc.StatusCode[error.grpc_code] for error in error_table()}
SHIPPED = Path(xinqiao_adapters.__file__).parent / "channels"
SUBMIT = "/xinqiao.exchange.v1.Exchange/Submit"
XML = "application/xml; charset=GB18030"
STREAM = "/xinqiao.exchange.v1.Exchange/SubmitStream"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[GrpcSite]:
    async with serving(*installed(tmp_path)) as found:
        yield found


async def refusal(site: GrpcSite, raw: bytes) -> Json:
    """Return the rejection with which bytes are refused, read as a stock client reads it."""
    async with site.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary(SUBMIT)(raw, timeout=10)
    status = Status.from_binary(trailer(refused.value)["grpc-status-details-bin"])
    assert status.details[0].type_url == "type.googleapis.com/xinqiao.v1.Message"
    said = to_canonical(v1.Message.from_binary(status.details[0].value))
    assert check(said) == []
    body: Json = said["rejection"]
    assert refused.value.code() is CODE[body["reason"]]
    assert status.code == CODE[body["reason"]].value[0]
    return body


async def ended(call: grpc.aio.StreamStreamCall[Any, Any]) -> grpc.StatusCode:
    """Return the code with which a call ends that gives nothing more."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call.read()
    return refused.value.code()


def accepted(site: GrpcSite) -> int:
    """Return how many messages the journal holds for the core."""
    return len(site.gateway.journal.reading.waiting("core", 0, 5000))


async def test_a_valid_sealed_message_gets_the_receipt_that_rest_gives(site: GrpcSite) -> None:
    sent = message("kycApplication")
    async with site.client() as client, site.rest() as rest:
        receipt = await client.submit(sent)
        assert await rest.submit(sent) == receipt
    assert check(receipt) == []
    assert verify_receipt(receipt["receipt"], site.keys, sent) == site.gateway.installation.key.kid


def test_a_client_that_blocks_gets_the_same(tmp_path: Path) -> None:
    sent = message("kycApplication")

    async def run() -> tuple[Json, Json]:
        async with serving(*installed(tmp_path)) as site:
            with site.blocking() as client:
                first = await asyncio.to_thread(client.submit, sent)
            async with site.client() as other:
                return first, await other.submit(sent)

    first, again = asyncio.run(run())
    assert first == again


async def test_input_that_is_no_message_is_refused_with_its_code_and_reason(site: GrpcSite) -> None:
    refused = {
        "malformed_json": b"{",
        "duplicate_key": b'{"header": {}, "header": {}}',
        "unknown_message_type": b'{"header": {}, "noSuchMessage": {}}',
        "not_valid": b'{"header": {"standardVersion": "1.0"}, "navReport": {}}',
        "body_too_large": b"x" * 1_048_577,
    }
    found = {reason: await refusal(site, site.sealed_bytes(content)) for reason, content in refused.items()}
    assert [each["reason"] for each in found.values()] == list(refused)


async def test_an_unknown_channel_a_forged_seal_and_a_missing_one_are_refused(site: GrpcSite) -> None:
    sent = message("kycApplication")
    unsealed = SealedMessage(channel_id="partner", content=write_json(sent), content_type="application/json")
    found = [
        await refusal(site, each)
        for each in (
            site.sealed(sent, "nowhere"),
            site.sealed(sent, key=new_key("partner-1")),
            site.sealed(sent, key=new_key("stranger")),
            unsealed.to_binary(),
        )
    ]
    reasons = ["unknown_channel", "signature_invalid", "signature_invalid", "signature_missing"]
    assert [each["reason"] for each in found] == reasons
    assert accepted(site) == 0


async def test_bytes_that_are_no_sealed_message_and_a_long_tag_are_refused(site: GrpcSite) -> None:
    assert (await refusal(site, b"\xff\xff"))["reason"] == "malformed_binary"
    assert (await refusal(site, site.sealed(message("kycApplication"), tag="x" * 65)))["reason"] == "malformed_query"


def wrong(findings: int) -> Json:
    sent = message("kycApplication")
    party = sent["kycApplication"]["applicant"]
    party["documents"] = [party["documents"][0] | {"number": f"{number:018}"} for number in range(findings)]
    return sent


async def test_all_findings_reach_a_client_that_takes_them_and_the_first_a_stock_client(site: GrpcSite) -> None:
    sent = wrong(40)
    async with site.client() as client, site.rest() as rest:
        with pytest.raises(NotValid) as over_grpc:
            await client.submit(sent)
        with pytest.raises(NotValid) as over_rest:
            await rest.submit(sent)
    assert over_grpc.value.findings == over_rest.value.findings
    assert len(over_grpc.value.findings) > 10
    stock = await refusal(site, site.sealed(sent))
    assert 0 < len(stock["findings"]) < len(over_rest.value.findings)
    assert "further findings are left out here" in stock["text"]["en"]


async def test_a_message_beyond_what_is_read_is_refused_and_the_connection_survives(site: GrpcSite) -> None:
    async with site.client() as client:
        answer = await client.submit_raw(b"x" * 3_000_000, "application/json")
        said = error_of(read_json(answer.content))
        assert isinstance(said, BodyTooLarge)
        assert "larger than max" in said.detail
        assert "receipt" in await client.submit(message("kycApplication"))


async def test_a_message_that_does_not_arrive_is_not_waited_for(tmp_path: Path) -> None:
    async with serving(*installed(tmp_path, body_timeout=0.05)) as site, site.channel() as channel:
        call = channel.stream_stream(SUBMIT)(timeout=10)
        assert await ended(call) is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_stream_that_rests_is_ended_unless_something_of_it_was_accepted(tmp_path: Path) -> None:
    async with serving(*installed(tmp_path, body_timeout=1)) as site, site.channel() as channel:
        known = channel.stream_stream(STREAM)(timeout=20)
        await known.write(site.sealed(message("kycApplication"), tag="first"))
        assert SubmitReply.from_binary(await known.read()).http_status == 202
        unknown = channel.stream_stream(STREAM)(timeout=20)
        await unknown.write(site.sealed(message("kycApplication"), key=new_key("x")))
        assert SubmitReply.from_binary(await unknown.read()).http_status == 401
        assert await ended(unknown) is grpc.StatusCode.DEADLINE_EXCEEDED
        await known.write(site.sealed(message("kycApplication"), tag="second"))
        assert SubmitReply.from_binary(await known.read()).tag == "second"
        known.cancel()


def cases(count: int) -> list[Json]:
    return [message("kycApplication", f"CASE-{number}") for number in range(count)]


async def test_a_stream_of_hundreds_is_answered_in_order(site: GrpcSite) -> None:
    sent = cases(200)
    async with site.client() as client:
        receipts = [each async for each in client.submit_many(sent)]
    found = [each["receipt"]["acceptedMessageId"] for each in receipts if isinstance(each, dict)]
    assert found == [each["header"]["messageId"] for each in sent]


async def test_a_refused_message_does_not_end_its_stream(tmp_path: Path) -> None:
    sent = cases(3)
    del sent[1]["kycApplication"]["applicationNo"]
    async with serving(*installed(tmp_path)) as site:
        with site.blocking() as client:
            said = await asyncio.to_thread(lambda: list(client.submit_many(sent)))
        async with site.rest() as rest:
            over_rest = [each async for each in rest.submit_many(sent)]
    assert [isinstance(each, NotValid) for each in said] == [False, True, False]
    assert [each for each in said if isinstance(each, dict)] == [each for each in over_rest if isinstance(each, dict)]


async def test_answers_of_a_stream_carry_tags_statuses_and_all_that_rest_says(site: GrpcSite) -> None:
    good, bad = message("kycApplication"), site.sealed(message("kycApplication"), key=new_key("x"), tag="second")
    async with site.channel() as channel:
        call = channel.stream_stream(STREAM)(timeout=10)
        for each in (site.sealed(good, tag="first"), bad, site.sealed(good, tag="third")):
            await call.write(each)
        await call.done_writing()
        replies = [SubmitReply.from_binary(each) async for each in call]
    assert [(each.tag, each.http_status) for each in replies] == [("first", 202), ("second", 401), ("third", 200)]
    assert replies[1].status is not None
    assert replies[1].status.code == grpc.StatusCode.UNAUTHENTICATED.value[0]
    assert read_json(replies[1].content)["rejection"]["reason"] == "signature_invalid"
    assert replies[0].content == replies[2].content


async def test_who_does_not_read_the_answers_cannot_send_on(site: GrpcSite) -> None:
    total = 160
    async with site.channel(("grpc.http2.bdp_probe", 0)) as channel:
        call = channel.stream_stream(STREAM)(timeout=60)
        written, refused = 0, wrong(40)  # its answer is larger than itself

        async def write() -> None:
            nonlocal written
            for number in range(total):
                await call.write(site.sealed(refused, tag=str(number)))
                written += 1
            await call.done_writing()

        writer = asyncio.create_task(write())
        still, before = 0, -1
        while still < 30:
            await asyncio.sleep(0.01)
            still, before = (still + 1, before) if written == before else (0, written)
        assert written < total
        tags = [SubmitReply.from_binary(each).tag async for each in call]
        await writer
    assert tags == [str(number) for number in range(total)]


async def test_bytes_that_are_no_message_end_a_stream_after_what_was_before_them(site: GrpcSite) -> None:
    async with site.channel() as channel:
        call = channel.stream_stream(STREAM)(timeout=10)
        await call.write(site.sealed(message("kycApplication"), tag="first"))
        await call.write(b"\xff\xff")
        raw = await call.read()
        assert isinstance(raw, bytes)
        assert SubmitReply.from_binary(raw).tag == "first"
        assert await ended(call) is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_channel_that_sends_more_than_it_may_is_told_when_to_come_again(tmp_path: Path) -> None:
    data, key = installed(tmp_path)
    profile = data / "channels" / "partner" / "channel.yaml"
    profile.write_text(profile.read_text() + "\nlimits: {rate: 0.5, burst: 1}\n")
    async with serving(data, key) as site, site.channel() as channel:
        submit = channel.unary_unary(SUBMIT)
        await submit(site.sealed(message("kycApplication")), timeout=10)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await submit(site.sealed(message("kycApplication")), timeout=10)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert int(trailer(refused.value)["retry-after"]) >= 1


async def test_the_generated_stub_submits(site: GrpcSite) -> None:
    sent = message("kycApplication")
    async with site.channel() as channel:
        reply = await ExchangeClient(channel).submit(SealedMessage.from_binary(site.sealed(sent, tag="mine")))
    assert (reply.tag, reply.http_status, reply.content_type) == ("mine", 202, "application/json")
    assert read_json(reply.content)["receipt"]["acceptedMessageId"] == sent["header"]["messageId"]


async def test_the_same_business_gives_equal_canonical_facts_over_rest_and_grpc(tmp_path: Path) -> None:
    sent = message("kycApplication")
    stored = []
    for name in ("rest", "grpc"):
        (tmp_path / name).mkdir()
        async with serving(*installed(tmp_path / name)) as site:
            async with site.rest() if name == "rest" else site.client() as client:
                receipt = (await client.submit(sent))["receipt"]
            [waiting] = site.gateway.journal.reading.waiting("core", 0, 10)
            stored.append((content_digest(waiting.message), write_json(waiting.message), waiting.original))
            assert receipt["digest"]["value"] == content_digest(sent)
    assert stored[0] == stored[1]


async def test_an_input_of_several_messages_is_answered_as_rest_answers_it(site: GrpcSite) -> None:
    for bad in ((0,), (0, 1)):
        sent = cases(2)
        for number in bad:
            del sent[number]["kycApplication"]["applicationNo"]
        content = orjson.dumps(sent)
        async with site.client() as client, site.rest() as rest:
            over_grpc = await client.submit_raw(content, "application/json")
            over_rest = await rest.submit_raw(content, "application/json")
        assert over_grpc.status_code == over_rest.status_code == 422
        said, expected = (orjson.loads(each.content) for each in (over_grpc, over_rest))
        assert list(map(without_header, said)) == list(map(without_header, expected))


def without_header(message: Json) -> Json:
    return {name: part for name, part in message.items() if name != "header"}


async def test_a_partner_is_answered_in_its_own_format_whether_accepted_or_refused(tmp_path: Path) -> None:
    good = (SHIPPED / "demo-bank" / "samples" / "kyc_apply.xml").read_bytes()
    async with (
        serving(*installed(tmp_path, "demo-bank")) as site,
        site.client("demo-bank") as client,
        site.rest("demo-bank") as rest,
    ):
        answers = [
            [await each.submit_raw(content, XML) for each in (client, rest)]
            for content in (good, good.replace(b"<Birth>", b"<Birth>x"), b"<KycReq>")
        ]
    assert [each.status_code for each, _ in answers] == [202, 422, 400]
    assert [each.status_code for _, each in answers] == [200, 422, 400]
    assert {each.content_type for both in answers for each in both} == {XML}
    codes = [etree.fromstring(each.content).findtext("Head/RetCode") for each, _ in answers]
    assert codes == [etree.fromstring(each.content).findtext("Head/RetCode") for _, each in answers]


async def test_an_answer_in_json_of_the_partners_own_is_told_from_the_standards(tmp_path: Path) -> None:
    async with (
        serving(*installed(tmp_path, "microfinance-json")) as site,
        site.client("microfinance-json") as client,
        site.rest("microfinance-json") as rest,
    ):
        answers = [await each.submit_raw(b"{}", "application/json") for each in (client, rest)]
    assert answers[0].content == answers[1].content
    assert "rejection" not in orjson.loads(answers[0].content)


async def test_a_trace_goes_on_through_the_gateway(site: GrpcSite, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    given = (("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),)
    async with site.channel() as channel:
        await channel.unary_unary(SUBMIT)(site.sealed(message("kycApplication")), timeout=10, metadata=given)
    accept = next(each for each in exporter.get_finished_spans() if each.name == "intake.accept")
    assert f"{accept.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
