"""ISO 20022 funds: versions told by their namespace, alone or beside their header, amendments and copies refused."""

import json

import pytest

from xinqiao.adapter import Decoded
from xinqiao.errors import InterfaceUnknown
from xinqiao.message import Json
from xinqiao_adapters.channel import Channel, load_channel
from xinqiao_adapters.trial import try_input

HEADER = (
    b'<h:AppHdr xmlns:h="urn:iso:std:iso:20022:tech:xsd:head.001.001.03"><h:BizMsgIdr>B-1</h:BizMsgIdr></h:AppHdr>\n'
)


@pytest.fixture(scope="module")
def funds() -> Channel:
    return load_channel("iso20022-funds", [])


def sample(channel: Channel, name: str) -> bytes:
    return (channel.folders[0] / "samples" / f"{name}.xml").read_bytes()


def expected(channel: Channel, name: str) -> Json:
    message: Json = json.loads((channel.folders[0] / "samples" / f"{name}.json").read_bytes())
    return message


def beside_header(raw: bytes) -> bytes:
    declaration, _, document = raw.partition(b"\n")
    return declaration + b"\n" + HEADER + document


@pytest.mark.parametrize("name", ["subscription_04", "redemption_04", "account_opening", "order_refusal"])
def test_a_document_beside_the_header_of_any_version_is_read_as_it_is_alone(funds: Channel, name: str) -> None:
    (decoded,) = funds.adapter.decode(beside_header(sample(funds, name)), "application/xml")
    assert isinstance(decoded, Decoded)
    assert (decoded.interface, decoded.message) == (name, expected(funds, name))


def test_versions_of_one_message_are_told_by_their_namespace(funds: Channel) -> None:
    for name in ("subscription", "subscription_04", "redemption", "redemption_04"):
        (decoded,) = funds.adapter.decode(sample(funds, name), "text/xml")
        assert decoded.interface == name


@pytest.mark.parametrize("alone", [True, False])
def test_an_unknown_version_is_refused_by_its_name(funds: Channel, *, alone: bool) -> None:
    raw = sample(funds, "subscription_04").replace(b"setr.010.001.04", b"setr.010.001.09")
    with pytest.raises(InterfaceUnknown, match=r"setr\.010\.001\.09"):
        list(funds.adapter.decode(raw if alone else beside_header(raw), "application/xml"))


def test_what_goes_out_is_of_the_current_version(funds: Channel) -> None:
    (encoded,) = funds.adapter.encode([expected(funds, "subscription")])
    assert b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:setr.010.001.04"><SbcptOrdr><MsgId>' in encoded.content


def test_a_statement_goes_out_beside_its_header_with_both_institutions(funds: Channel) -> None:
    (encoded,) = funds.adapter.encode([expected(funds, "position_statement")])
    head, _, document = encoded.content.partition(b"<Document ")
    assert [
        part in head for part in (b"91440300100030003A", b"913100001000100012", b"<h:MsgDefIdr>semt.002.001.11")
    ] == [
        True,
        True,
        True,
    ]
    assert document.index(b"<Pgntn>") < document.index(b"<StmtGnlDtls>")


def test_an_institution_is_told_from_a_person_by_the_type_of_ownership(funds: Channel) -> None:
    raw = sample(funds, "account_opening").replace(b"<Cd>SIGL<", b"<Cd>CORP<")
    found = [each.path for each in try_input(funds, raw).findings]
    assert "accountOpening.holder.name" in found


def test_the_text_that_chooses_a_fee_stands_where_the_schema_has_it(funds: Channel) -> None:
    message = json.loads((funds.folders[0] / "samples" / "redemption_confirmation.json").read_bytes())[0]
    del message["orderConfirmation"]["confirmedOn"]  # the message says it by its own time
    written = funds.compiled["redemption_confirmation"].encode(message).content
    assert b"<ApldRate>0.15</ApldRate><InftvInd>false</InftvInd></IndvFee>" in written
