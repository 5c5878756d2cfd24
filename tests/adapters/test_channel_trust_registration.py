"""The registry's two workbooks: told apart by their sheets, and read again as they were written."""

from io import BytesIO

import orjson
import pytest

from xinqiao.adapter import Decoded, Reply
from xinqiao.errors import ContentRefused
from xinqiao.message import Json
from xinqiao_adapters.channel import Channel, load_channel
from xinqiao_adapters.check.samples import Readers
from xinqiao_adapters.formats.table.workbook import Workbook
from xinqiao_adapters.loader import shipped_directory

SAMPLES = shipped_directory() / "trust-registration" / "samples"
HEADER: Json = {
    "standardVersion": "1.0",
    "sender": "913100001000100012",
    "receiver": "91310000100009090H",
    "channelId": "trust-registration",
}


@pytest.fixture(scope="module")
def registry() -> Channel:
    return load_channel("trust-registration", [])


@pytest.fixture(scope="module")
def readers(registry: Channel) -> Readers:
    return Readers(registry.compiled)


@pytest.mark.parametrize(
    ("interface", "sample"),
    [("pre_registration", "pre_registration-rectify"), ("beneficiary_right", "beneficiary_right")],
)
def test_a_workbook_is_read_by_the_interface_whose_sheet_it_has(readers: Readers, interface: str, sample: str) -> None:
    (found,) = readers.of(interface).decode((SAMPLES / f"{sample}.xlsx").read_bytes(), "")
    assert isinstance(found, Decoded)
    assert found.interface == interface


def test_a_form_of_more_than_a_hundred_labels_is_read_again_as_it_was_written(
    registry: Channel, readers: Readers
) -> None:
    message: Json = orjson.loads((SAMPLES / "pre_registration.json").read_bytes())
    (sent,) = registry.adapter.encode([{**message, "header": {**HEADER, **message["header"]}}])
    book = Workbook(BytesIO(sent.content))
    assert list(book.sheets) == ["预登记要素表"]
    (found,) = readers.of("pre_registration").decode(sent.content, "")
    assert isinstance(found, Decoded)
    assert found.message["preRegistration"] == message["preRegistration"]


def test_a_workbook_of_neither_sheet_is_refused_with_the_sheets_that_it_has(readers: Readers) -> None:
    # A workbook of rights, to an adapter that knows the form of the pre-registration only.
    raw = (SAMPLES / "beneficiary_right.xlsx").read_bytes()
    with pytest.raises(ContentRefused) as caught:
        list(readers.alone("pre_registration").decode(raw, ""))
    (finding,) = caught.value.findings
    assert (finding.rule, finding.expected) == ("format.sheet", "初始受益权信息")


def test_the_registry_acknowledges_a_workbook_in_xml_as_well(registry: Channel) -> None:
    content = b'<?xml version="1.0" encoding="UTF-8"?><Ack><retCode>0000</retCode></Ack>'
    sent: Json = {"header": {"messageId": "m"}, "preRegistration": {}}
    assert registry.adapter.read_reply("pre_registration", 200, content, sent) == Reply(True, "0000")
