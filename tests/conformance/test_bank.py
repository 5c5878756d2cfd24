"""The simulated bank as a process of its own, over HTTP."""

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from xinqiao.client import Client
from xinqiao.seal import (
    NEXT_SIGNATURE_HEADER,
    SIGNATURE_HEADER,
    KeyRing,
    Sealed,
    SigningKey,
    new_key,
    open_seal,
    seal,
    write_key,
)
from xinqiao_conformance.simulators.bank.bank import Bank, read_knowledge
from xinqiao_conformance.simulators.bank.documents import CONTENT_TYPE, Document, Rsp, read_document, read_rsp
from xinqiao_conformance.simulators.bank.system import BankSystem
from xinqiao_conformance.simulators.institution import Unable
from xinqiao_conformance.simulators.serving import application

from .conftest import Peer, Serve, Start, eventually, served

NOTICE = """<?xml version="1.0" encoding="GB18030"?>
<{root}><Head><TranCode>X</TranCode><SeqNo>{serial}</SeqNo><BizNo>CASE-1</BizNo></Head><Body>{body}</Body></{root}>
"""
DISCLOSURE = f"<DiscNo>DS1</DiscNo><FileList><File><HashAlg>1</HashAlg><HashVal>{'ab' * 32}</HashVal></File></FileList>"


def notice(root: str, serial: str, body: str) -> bytes:
    return NOTICE.format(root=root, serial=serial, body=body).encode("gb18030")


class FakeGateway:
    """Takes documents, checks their seals and answers with a reply of its own."""

    def __init__(self, keys: KeyRing, reply: str) -> None:
        self.taken: list[Document] = []
        self._keys = keys
        self._reply = reply

    def application(self) -> Starlette:
        async def messages(request: Request) -> Response:
            content, headers = await request.body(), request.headers
            open_seal(Sealed(content, headers["content-type"], headers[SIGNATURE_HEADER]), self._keys)
            self.taken.append(read_document(content))
            return Response(self._reply.encode("gb18030"), 202, media_type=CONTENT_TYPE)

        return Starlette(routes=[Route("/v1/channels/demo-bank/messages", messages, methods=["POST"])])


ACCEPTED = '<?xml version="1.0" encoding="GB18030"?><Rsp><Head><RetCode>0000</RetCode><RetMsg>OK</RetMsg></Head></Rsp>'
REFUSED = """<?xml version="1.0" encoding="GB18030"?>
<Rsp><Head><RetCode>2002</RetCode><RetMsg>校验未通过</RetMsg></Head>
<Body><Err><Code>XQ-R-010</Code><Path>Body/CertNo</Path><Msg>校验位错误</Msg></Err></Body></Rsp>"""


@pytest.fixture
def gateway(partner_keys: KeyRing) -> FakeGateway:
    return FakeGateway(partner_keys, ACCEPTED)


@pytest.fixture
def arguments(partner_key_file: Path, gateway_key: SigningKey, tmp_path: Path) -> list[str]:
    public = tmp_path / "gateway.jwk"
    write_key(gateway_key.public(), public)
    return ["bank", "--channel", "demo-bank", "--key", str(partner_key_file), "--gateway-key", str(public)]


@pytest.fixture
def bank_at(serve: Serve, partner_key: SigningKey, gateway_keys: KeyRing) -> Callable[[str], Peer]:
    """Serve a bank that sends to the gateway at an address."""

    def starting(gateway_url: str) -> Peer:
        knowledge = read_knowledge()
        bank = Bank("CASE-1", knowledge, lambda: datetime.now(UTC))
        client = Client(gateway_url, "demo-bank", partner_key)
        system = BankSystem(bank, knowledge, client, gateway_keys, wait=timedelta(seconds=20))
        return Peer(serve(application(system)))

    return starting


@pytest.fixture
def bank(serve: Serve, gateway: FakeGateway, bank_at: Callable[[str], Peer]) -> Peer:
    return bank_at(serve(gateway.application()))


def test_each_step_sends_its_document_for_the_case(bank: Peer, gateway: FakeGateway) -> None:
    steps = ("kyc", "contract", "signature", "delivery", "payment")
    assert [bank.do(step).json()["outcome"] for step in steps] == ["accepted"] * 5
    assert [(each.root, each.case_id) for each in gateway.taken] == [
        (root, "CASE-1") for root in ("KycReq", "ContReq", "SignReq", "DlvrReq", "AcctNtc")
    ]


def test_a_step_returns_the_reply_of_the_gateway(
    serve: Serve, bank_at: Callable[[str], Peer], partner_keys: KeyRing
) -> None:
    bank = bank_at(serve(FakeGateway(partner_keys, REFUSED).application()))
    done = bank.do("kyc").json()
    assert {name: done[name] for name in ("document", "outcome", "retCode", "retMsg", "errors")} == {
        "document": "KycReq",
        "outcome": "rejected: 2002",
        "retCode": "2002",
        "retMsg": "校验未通过",
        "errors": [{"Code": "XQ-R-010", "Path": "Body/CertNo", "Msg": "校验位错误"}],
    }
    assert [(each["messageType"], each["outcome"]) for each in bank.events()] == [("KycReq", "rejected: 2002")]


def test_a_disclosure_is_answered_and_acknowledged_once(
    bank: Peer, gateway: FakeGateway, gateway_key: SigningKey
) -> None:
    pushed = [bank.push(notice("DiscNtc", "M1", DISCLOSURE), CONTENT_TYPE, gateway_key) for _ in range(2)]
    assert [read_rsp(each.content) for each in pushed] == [Rsp("0000", "受理成功", [])] * 2
    eventually(lambda: gateway.taken)
    bank.do("payment")
    assert [each.root for each in gateway.taken] == ["DiscRcpt", "AcctNtc"]


def test_the_same_serial_with_other_content_is_refused(bank: Peer, gateway_key: SigningKey) -> None:
    bank.push(notice("NavNtc", "M1", "<UnitNav>1.0021</UnitNav>"), CONTENT_TYPE, gateway_key)
    answer = bank.push(notice("NavNtc", "M1", "<UnitNav>1.0022</UnitNav>"), CONTENT_TYPE, gateway_key)
    assert (answer.status_code, read_rsp(answer.content).code) == (409, "3002")


def test_events_tell_notices_in_the_banks_words(bank: Peer, gateway_key: SigningKey) -> None:
    bank.push(notice("MtchNtc", "M1", "<Rslt>2</Rslt><Rsn>2</Rsn>"), CONTENT_TYPE, gateway_key)
    [event] = bank.events()
    assert event.pop("time").endswith("Z")
    assert event == {
        "number": 1,
        "direction": "received",
        "messageType": "MtchNtc",
        "caseId": "CASE-1",
        "messageId": "M1",
        "outcome": "accepted",
        "text": "资金匹配通知 挂账 金额不符",
    }


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"<KycRslt>", 400, "1001"),
        (b'<!DOCTYPE a SYSTEM "x"><NavNtc/>', 400, "1002"),
        (notice("Unheard", "M1", ""), 422, "1006"),
    ],
)
def test_what_is_no_notice_is_refused_with_a_code(
    bank: Peer, gateway_key: SigningKey, content: bytes, status: int, code: str
) -> None:
    answer = bank.push(content, CONTENT_TYPE, gateway_key)
    assert (answer.status_code, read_rsp(answer.content).code) == (status, code)


def test_a_push_that_another_key_sealed_is_refused(bank: Peer) -> None:
    answer = bank.push(notice("NavNtc", "M1", ""), CONTENT_TYPE, new_key("gateway-1"))
    assert (answer.status_code, read_rsp(answer.content).code) == (401, "4002")


def test_while_the_gateway_changes_its_key_one_good_seal_of_two_suffices(bank: Peer, gateway_key: SigningKey) -> None:
    content = notice("NavNtc", "M1", "<UnitNav>1.0021</UnitNav>")
    first, second = (seal(content, CONTENT_TYPE, key).signature for key in (new_key("gateway-2"), gateway_key))
    headers = {"Content-Type": CONTENT_TYPE, SIGNATURE_HEADER: first, NEXT_SIGNATURE_HEADER: second}
    answer = httpx.post(f"{bank.url}/messages", content=content, headers=headers, timeout=5)
    assert (answer.status_code, read_rsp(answer.content).code) == (200, "0000")


def test_a_step_that_there_is_no_room_for_is_refused(partner_key: SigningKey, gateway_keys: KeyRing) -> None:
    knowledge = read_knowledge()
    bank = Bank("CASE-1", knowledge, lambda: datetime.now(UTC))
    with Client("http://127.0.0.1:9", "demo-bank", partner_key) as client:
        # It is not started, so nothing leaves it.
        system = BankSystem(bank, knowledge, client, gateway_keys, wait=timedelta(0))
        refused = []
        for _ in range(1_001):
            with pytest.raises(Unable) as raised:
                system.do("signature", {})
            refused.append(raised.value.status)
    assert refused == [504] * 1_000 + [503]


def test_a_wrong_step_is_explained(bank: Peer) -> None:
    answers = [bank.do("dance"), bank.do("payment", amount="1.005"), bank.do("receipt")]
    assert [each.status_code for each in answers] == [404, 400, 409]


def test_as_a_process_it_waits_for_a_gateway_that_is_down_and_stops_when_told(
    start: Start, gateway: FakeGateway, arguments: Sequence[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    bank = start(*arguments, "--gateway", f"http://127.0.0.1:{port}")
    with ThreadPoolExecutor() as pool:
        done = pool.submit(bank.do, "kyc")
        with served(gateway.application(), port=port):
            assert done.result(timeout=30).json()["outcome"] == "accepted"
    bank.popen.terminate()
    assert bank.popen.wait(timeout=10) == 0
    assert [each.root for each in gateway.taken] == ["KycReq"]
