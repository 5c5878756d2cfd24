"""What the simulated bank writes and reads."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from xinqiao_conformance.simulators.bank.bank import Bank, read_knowledge
from xinqiao_conformance.simulators.bank.documents import (
    DocumentError,
    Rsp,
    fen,
    read_document,
    read_rsp,
    write_document,
)
from xinqiao_conformance.simulators.institution import Unable

XSD = Path(__file__).parents[2] / "adapters/src/xinqiao_adapters/channels/demo-bank/demo-bank.xsd"
NOW = datetime(2028, 2, 29, 1, 30, tzinfo=UTC)

NOTICE = """<?xml version="1.0" encoding="GB18030"?>
<DiscNtc>
  <Head><TranCode>DISC01</TranCode><SeqNo>M1</SeqNo><BizNo>CASE-2</BizNo></Head>
  <Body>
    <DiscNo>DS1</DiscNo><DiscType>2</DiscType><Title>报告</Title>
    <FileList><File><FileName>a.pdf</FileName><HashAlg>1</HashAlg><HashVal>{digest}</HashVal></File></FileList>
    <PubTime>20280229093000</PubTime>
  </Body>
</DiscNtc>
""".format(digest="ab" * 32).encode("gb18030")


@pytest.fixture
def bank() -> Bank:
    return Bank("CASE-1", read_knowledge(), lambda: NOW)


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(XSD))


@pytest.mark.parametrize("step", ["kyc", "contract", "signature", "delivery", "payment"])
def test_every_document_is_valid_by_the_banks_own_schema(bank: Bank, schema: etree.XMLSchema, step: str) -> None:
    written = bank.step(step, {})
    root = etree.fromstring(written.content)
    assert (schema.validate(root), root.tag) == (True, written.root), schema.error_log


def test_documents_are_in_gb18030(bank: Bank) -> None:
    content = bank.step("kyc", {}).content
    assert "王小明".encode("gb18030") in content
    assert content.startswith(b'<?xml version="1.0" encoding="GB18030"?>')


def test_a_payment_is_of_the_instructed_amount_unless_another_is_said(bank: Bank) -> None:
    amounts = [read_document(bank.step("payment", said).content).text("Amt") for said in ({}, {"amount": "9000000.5"})]
    assert amounts == ["1000000000", "900000050"]


@pytest.mark.parametrize("amount", ["1.005", "-1", "1e3", "", "ten"])
def test_an_amount_that_is_none_is_refused(bank: Bank, amount: str) -> None:
    with pytest.raises(Unable) as refused:
        bank.step("payment", {"amount": amount})
    assert refused.value.status == 400


def test_every_document_has_a_serial_of_its_own(bank: Bank) -> None:
    assert bank.step("payment", {}).serial != bank.step("payment", {}).serial


def test_a_disclosure_is_acknowledged_with_its_number_digests_and_case(bank: Bank, schema: etree.XMLSchema) -> None:
    [receipt] = bank.react(read_document(NOTICE))
    assert schema.validate(etree.fromstring(receipt.content)), schema.error_log
    written = read_document(receipt.content)
    said = (written.root, written.case_id, written.text("DiscNo"), written.text("FileList/File/HashVal"))
    assert said == ("DiscRcpt", "CASE-2", "DS1", "ab" * 32)


def test_a_receipt_cannot_be_sent_before_a_disclosure_came(bank: Bank) -> None:
    with pytest.raises(Unable, match="nothing was disclosed"):
        bank.step("receipt", {})


def test_an_unknown_step_names_the_known_ones(bank: Bank) -> None:
    with pytest.raises(Unable, match="kyc, contract, signature, delivery, payment, receipt"):
        bank.step("dance", {})


def test_a_notice_is_described_in_the_banks_words(bank: Bank) -> None:
    match = """<MtchNtc><Head><SeqNo>M2</SeqNo></Head><Body><Rslt>2</Rslt><Rsn>2</Rsn></Body></MtchNtc>"""
    assert bank.describe(read_document(match.encode())) == "资金匹配通知 挂账 金额不符"


def test_markup_in_a_value_is_escaped() -> None:
    content = write_document("Rsp", {"serial": "S1", "code": "9999", "text": "<Err> & more"})
    assert read_rsp(content) == Rsp("9999", "<Err> & more", [])


def test_a_document_type_is_refused() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "c">]><KycRslt><Head><SeqNo>1</SeqNo></Head><Body>&b;</Body></KycRslt>'
    with pytest.raises(DocumentError) as refused:
        read_document(bomb)
    assert refused.value.reason == "forbidden_xml"


@pytest.mark.parametrize("content", [b"", b"<KycRslt>", b"{}", b"<KycRslt><Body/></KycRslt>"])
def test_what_is_no_document_is_refused(content: bytes) -> None:
    with pytest.raises(DocumentError) as refused:
        read_document(content)
    assert refused.value.reason == "malformed_xml"


def test_fen_are_a_hundredth_of_a_yuan() -> None:
    assert [fen("10000000.00"), fen("0.01"), fen("7")] == ["1000000000", "1", "700"]
