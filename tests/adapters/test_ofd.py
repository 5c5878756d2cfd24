"""OFD data files (JR/T 0017) in every dialect that is seen, index files, and names."""

from collections.abc import Sequence
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest

from bench.files import ofd_orders
from tests.adapters.conftest import HEAD, Load
from xinqiao.adapter import Decoded, Undecoded
from xinqiao.errors import ContentRefused, ProfileInvalid, WrongEncoding
from xinqiao.finding import Text
from xinqiao_adapters.channel import Channel
from xinqiao_adapters.formats.encoding import Charset
from xinqiao_adapters.formats.ofd.dictionary import Field, dictionary
from xinqiao_adapters.formats.ofd.index import Index, read_index, write_index
from xinqiao_adapters.formats.ofd.names import DataName, IndexName, parse_name
from xinqiao_adapters.formats.ofd.ofd_format import OfdFormat
from xinqiao_adapters.formats.spec import OfdSpec

ORDERS = """\
interfaces:
  subscription:
    message: subscriptionOrder
    direction: both
    records: Record
    match: {./BusinessCode: "022"}
    key: [./AppSheetSerialNo]
    format:
      kind: ofd
      file: "03"
      fields: [AppSheetSerialNo, FundCode, TransactionDate, TransactionAccountID, ApplicationAmount, BusinessCode,
        DiscountRateOfCommission, CurrencyType, Specification, DistributorCode]
    map:
      File/Creator: {constant: "306"}
      File/Receiver: {constant: "98"}
      header.businessDate: {from: File/Date, date: "%Y%m%d"}
      orderReference: {from: ./AppSheetSerialNo}
      instrument.code: {from: ./FundCode}
      tradeDate: {from: ./TransactionDate, date: "%Y%m%d"}
      account.transactionAccount: {from: ./TransactionAccountID}
      account.distributor: {from: ./DistributorCode}
      grossAmount.value: {from: ./ApplicationAmount, decimal: 2}
      grossAmount.currency: {from: ./CurrencyType, codes: currency}
      ./BusinessCode: {constant: "022"}
      feeDiscount: {from: ./DiscountRateOfCommission, decimal: 4}
      remark: {from: ./Specification}
codes:
  currency: {"156": CNY}
"""
FIELDS = [
    "AppSheetSerialNo",
    "FundCode",
    "TransactionDate",
    "TransactionAccountID",
    "ApplicationAmount",
    "BusinessCode",
    "DiscountRateOfCommission",
    "CurrencyType",
    "Specification",
    "DistributorCode",
]
VALUES = {
    "AppSheetSerialNo": "306202603020001",
    "FundCode": "F00001",
    "TransactionDate": "20260302",
    "TransactionAccountID": "T0001",
    "ApplicationAmount": "0000000010000050",
    "BusinessCode": "022",
    "DiscountRateOfCommission": "04000",
    "CurrencyType": "156",
    "Specification": "王䶮·家族信托",
    "DistributorCode": "306",
}
ORDER = {
    "orderReference": "306202603020001",
    "instrument": {"code": "F00001"},
    "tradeDate": "2026-03-02",
    "account": {"transactionAccount": "T0001", "distributor": "306"},
    "grossAmount": {"value": "100000.50", "currency": "CNY"},
    "feeDiscount": "0.4000",
    "remark": "王䶮·家族信托",
}
HEADER = ["21  ", "306      ", "98       ", "20260302", "   ", "03", "        ", "        "]


def record(fields: Sequence[str] = FIELDS, **changes: str) -> bytes:
    values = {**VALUES, **changes}
    known = dictionary().fields
    return b"".join(values.get(name, "").encode("gb18030").ljust(known[name].width) for name in fields)


def file(
    records: Sequence[bytes] = (),
    header: Sequence[str] = HEADER,
    fields: Sequence[str] = FIELDS,
    *,
    counts: tuple[str, str] | None = None,
    end: bytes = b"\r\n",
    last: Sequence[bytes] = (b"OFDCFEND",),
) -> bytes:
    field_count, record_count = counts or (f"{len(fields):03}", f"{len(records):08}")
    lines = ["OFDCFDAT", *header, field_count, *fields, record_count]
    return b"".join(line + end for line in [*(line.encode("ascii") for line in lines), *records, *last])


def form(**says: object) -> OfdFormat:
    return OfdFormat(OfdSpec.model_validate({"kind": "ofd", "file": "03", **says}), Charset("GB18030"))


@pytest.fixture
def wealth(load: Load) -> Channel:
    return load(HEAD + ORDERS)


def read(channel: Channel, raw: bytes) -> list[Decoded | Undecoded]:
    return list(channel.adapter.decode(raw, ""))


def orders(channel: Channel, raw: bytes) -> list[object]:
    return [each.message["subscriptionOrder"] for each in read(channel, raw) if isinstance(each, Decoded)]


def refused(raw: bytes) -> tuple[str, str | None, str | None, str | None]:
    with pytest.raises(ContentRefused) as caught:
        list(form().open(BytesIO(raw)).records())
    (finding,) = caught.value.findings
    return finding.rule, finding.partner_path, finding.value, finding.expected


def test_a_file_becomes_messages_and_the_messages_the_file(wealth: Channel) -> None:
    raw = file([record(), record(AppSheetSerialNo="306202603020002")])
    decoded = read(wealth, raw)
    messages = [each.message for each in decoded if isinstance(each, Decoded)]
    assert [each["subscriptionOrder"] for each in messages] == [
        ORDER,
        {**ORDER, "orderReference": "306202603020002"},
    ]
    assert messages[0]["header"]["businessDate"] == "2026-03-02"
    (encoded,) = wealth.adapter.encode(messages)
    assert encoded.content == raw


@pytest.mark.parametrize(
    "raw",
    [
        file([record()], end=b"\n"),
        file([record()], [line.strip() for line in HEADER]),
        file([record()], ["20  ", *HEADER[1:]]),
        file(
            [record()], ["22      ", "306".ljust(20), "98".ljust(20), *HEADER[3:]], counts=("00000010", "1".zfill(16))
        ),
        file([record()], fields=[name.upper() for name in FIELDS]),
        file([record()], counts=("10", "1")),
        file([record()], last=[b"OFDCFEND        ", b"", b"\x1a"]),
        file([record()])[:-2],
        file([record(FIELDS[::-1])], fields=FIELDS[::-1]),
        file([record([*FIELDS, "Broker"])], fields=[*FIELDS, "Broker"]),
        file([record([*FIELDS, "InvestorName"])], fields=[*FIELDS, "InvestorName"]),  # a field of another type
    ],
    ids=[
        "LF",
        "unpadded",
        "20",
        "22",
        "capitals",
        "short counts",
        "after",
        "no last break",
        "order",
        "more",
        "strange",
    ],
)
def test_every_dialect_says_the_same(wealth: Channel, raw: bytes) -> None:
    assert orders(wealth, raw) == [ORDER]


def test_a_field_that_the_file_does_not_have_is_blank(wealth: Channel) -> None:
    fewer = [name for name in FIELDS if name not in ("Specification", "DiscountRateOfCommission")]
    expected = {name: value for name, value in ORDER.items() if name not in ("remark", "feeDiscount")}
    assert orders(wealth, file([record(fewer)], fields=fewer)) == [expected]


def test_blank_is_nothing_and_zero_is_zero(wealth: Channel) -> None:
    zero, blank = file([record(ApplicationAmount="0" * 16)]), file([record(ApplicationAmount="", CurrencyType="")])
    assert orders(wealth, zero) == [{**ORDER, "grossAmount": {"value": "0.00", "currency": "CNY"}}]
    assert orders(wealth, blank) == [{name: value for name, value in ORDER.items() if name != "grossAmount"}]


@pytest.mark.parametrize("version", ["20", "21", "22"])
def test_zero_records_are_valid_and_every_version_is_written(version: str) -> None:
    written = form(version=version)
    raw = b"".join(written.write_file({"File": {"Creator": "306", "Receiver": "98", "Date": "20260302"}}, []))
    opened = written.open(BytesIO(raw))
    assert list(opened.records()) == []
    assert opened.position() == len(raw)
    assert opened.root == {
        "File": {
            "Version": version,
            "Creator": "306",
            "Receiver": "98",
            "Date": "20260302",
            "FileType": "03",
            "RecordCount": "0".zfill(16 if version == "22" else 8),
        }
    }
    assert len(opened.access.layout.columns) == 74
    assert opened.access.layout.width == 665


def test_files_of_one_layout_share_its_name() -> None:
    one, other = (form().open(BytesIO(file([record()], counts=count))) for count in (("010", "1"), ("10", "2")))
    assert one.layout == other.layout
    assert hash(one.layout) == hash(other.layout)
    assert form().open(BytesIO(file(fields=FIELDS[:3]))).layout != one.layout


def test_a_record_of_the_wrong_length_is_told_and_does_not_stop_the_others(wealth: Channel) -> None:
    bad, good = read(wealth, file([record()[:-1], record()]))
    start = len(file()) - len("OFDCFEND\r\n")
    assert isinstance(bad, Undecoded)
    assert [(each.rule, each.partner_path, each.text) for each in bad.findings] == [
        (
            "format.record",
            f"Record, record 1, bytes {start}–{start + 150}",
            Text(
                "记录长 150 字节，文件头所列字段合计 151 字节", "the record has 150 bytes, the header's fields have 151"
            ),
        )
    ]
    assert isinstance(good, Decoded)
    assert good.message["subscriptionOrder"] == ORDER


def test_bytes_that_are_no_text_are_told_by_their_field(wealth: Channel) -> None:
    raw = record().replace("王".encode("gb18030"), b"\xff\xff")
    bad, good = read(wealth, file([raw, record()]))
    assert isinstance(bad, Undecoded)
    (finding,) = bad.findings
    assert (finding.rule, finding.path) == ("mapping.shape", "subscriptionOrder.remark")
    assert "bytes 83–142 of the record are no text in GB18030 (byte 82 is not GB18030)" in finding.text.en
    assert isinstance(good, Decoded)


def test_a_number_with_its_point_written_is_refused_and_not_read_as_another(wealth: Channel) -> None:
    (bad,) = read(wealth, file([record(ApplicationAmount="0000000100000.50")]))
    assert isinstance(bad, Undecoded)
    (finding,) = bad.findings
    assert finding.path == "subscriptionOrder.grossAmount.value"
    assert finding.text.zh == "ApplicationAmount：此处应为至多 16 位数字，末 2 位为小数，不写小数点"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (file([record()], last=[]), ("format.truncated", "File", None, "OFDCFEND")),
        (file([record()])[:60], ("format.truncated", "File", None, "OFDCFEND")),
        (file([record()])[:-20], ("format.truncated", "File", None, "OFDCFEND")),
        (file([record()], counts=("010", "00000002")), ("format.record_count", "File/RecordCount", "2", "1")),
        (file([], counts=("010", "00000001")), ("format.record_count", "File/RecordCount", "1", "0")),
        (file([record()[:9]], counts=("010", "2")), ("format.record_count", "File/RecordCount", "2", "1")),
        (file([record()], last=[b"OFDCFEND", record()]), ("format.after_end", "File", None, "OFDCFEND")),
        (file(fields=["FundCode", "Own"]), ("format.unknown_field", "File, field 2", "Own", None)),
        (file(counts=("011", "0")), ("format.unknown_field", "File, field 11", "0", None)),
        (file(counts=("009", "0")), ("format.header", "File/RecordCount", "DistributorCode", "digits")),
        (file(counts=("ten", "0")), ("format.header", "File/FieldCount", "ten", "digits")),
        (file(fields=[]), ("format.header", "File/FieldCount", "0", "1 field or more")),
        (file(fields=["FundCode", "FUNDCODE"]), ("format.header", "File, field 2", "FUNDCODE", None)),
        (file(header=["19", *HEADER[1:]]), ("format.header", "File/Version", "19", "20, 21, 22")),
        (file(header=[*HEADER[:5], "04", *HEADER[6:]]), ("format.header", "File/FileType", "04", "03")),
        (file().replace(b"OFDCFDAT", b"OFDCFIDX"), ("format.header", "File, line 1", "OFDCFIDX", "OFDCFDAT")),
        (file().replace(b"306 ", b"\xff\xff\xff "), ("format.header", "File, Creator", None, None)),
        (b"", ("format.truncated", "File", None, "OFDCFEND")),
    ],
)
def test_a_file_that_is_not_whole_is_refused(raw: bytes, said: tuple[str, str, str | None, str | None]) -> None:
    assert refused(raw) == said


def test_an_unknown_field_is_named_in_both_languages() -> None:
    with pytest.raises(ContentRefused) as caught:
        form().open(BytesIO(file(fields=["FundCode", "OwnField"])))
    (finding,) = caught.value.findings
    assert finding.text == Text(
        "文件头第 2 个字段 OwnField 不在 JR/T 0017 字段表中，宽度未知，无法拆分记录",
        "field 2 of the header, 'OwnField', is none of JR/T 0017: its width is not known",
    )


def test_a_file_is_known_by_its_mark_and_type() -> None:
    assert form().begins(file())
    assert form().begins(file(end=b"\n"))
    assert not form(file="04").begins(file())
    assert not form().begins(b"OFDCFIDX\r\n")
    assert not form().begins(b"")
    assert form().takes("text/plain; charset=GBK")
    assert not form().takes("application/xml")


def test_another_charset_than_the_profiles_is_refused() -> None:
    with pytest.raises(WrongEncoding, match="the content type says UTF-8"):
        form().open(BytesIO(file()), "text/plain; charset=UTF-8")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"Creator": None}, ("File/Creator", "a value")),
        ({"Creator": "1234567890"}, ("File/Creator", "9 bytes")),
        ({"Receiver": "北\n京"}, ("File/Receiver", "9 bytes")),
        ({"Receiver": "\ue000"}, ("File/Receiver", "9 bytes")),
        ({"FileType": "04"}, ("File/FileType", "03")),
        ({"Version": "22"}, ("File/Version", "21")),
    ],
)
def test_a_header_value_that_cannot_be_written_is_refused(values: dict[str, str | None], said: tuple[str, str]) -> None:
    whole = {"Creator": "306", "Receiver": "98", "Date": "20260302", **values}
    outside = {name: value for name, value in whole.items() if value is not None}
    with pytest.raises(ContentRefused) as caught:
        list(form().write_file({"File": outside}, []))
    assert [(each.partner_path, each.expected) for each in caught.value.findings] == [said]


def test_holdings_of_one_file_may_be_one_message(load: Load) -> None:
    text = ORDERS.partition("interfaces")[0] + (
        "interfaces:\n  held:\n    message: positionStatement\n    direction: in\n    key: [File/Creator, File/Date]\n"
        '    format: {kind: ofd, file: "05"}\n    map:\n      asOf: {from: File/Date, date: "%Y%m%d"}\n'
        "      positions[]: {each: Record, map: {instrument.code: {from: FundCode},\n"
        "        quantity: {from: TotalVolOfDistributorInTA, decimal: 2}}}\n"
    )
    fields = ["TotalVolOfDistributorInTA", "Broker", "FundCode"]  # an order of its own, a field that 05 does not have
    rows = [record(fields, TotalVolOfDistributorInTA=f"{each:016}", FundCode=f"F{each:05}") for each in (1, 25050)]
    header = [*HEADER[:5], "05", *HEADER[6:]]
    (decoded,) = read(load(HEAD + text), file(rows, header, fields))
    assert isinstance(decoded, Decoded)
    assert (decoded.key, decoded.message["positionStatement"]) == (
        "306|20260302",
        {
            "asOf": "2026-03-02",
            "positions": [
                {"instrument": {"code": "F00001"}, "quantity": "0.01"},
                {"instrument": {"code": "F25050"}, "quantity": "250.50"},
            ],
        },
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('file: "03"', 'file: "08"', "file '08' is not known; known: 01, 02, 03"),
        ("fields: [AppSheetSerialNo,", "fields: [OwnField,", "fields: OwnField: each is one of JR/T 0017, once"),
        ("fields: [AppSheetSerialNo,", "fields: [FundCode,", "one is there twice"),
        ("kind: ofd", "kind: ofd\n      totals: {count: File/RecordCount}", "no other totals"),
        ("from: ./FundCode", "from: ./Fund", "the record has no such column"),
        ("from: File/Date", "from: File/Day", "known are Creator, Date"),
    ],
)
def test_a_profile_that_does_not_fit_the_standard_is_refused(load: Load, old: str, new: str, problem: str) -> None:
    with pytest.raises(ProfileInvalid, match=problem):
        load(HEAD + ORDERS.replace(old, new))


def test_the_dictionary_has_the_file_types_with_their_widths() -> None:
    known = dictionary()
    widths = {code: sum(known.fields[name].width for name in each.fields) for code, each in known.files.items()}
    assert widths == {
        "01": 1456,
        "02": 465,
        "03": 665,
        "04": 1170,
        "05": 191,
        "06": 440,
        "07": 972,
        "09": 121,
        "10": 878,
        "11": 66,
        "12": 110,
        "25": 148,
        "26": 199,
        "43": 715,
        "44": 867,
    }
    assert known.field("NAV") == Field("NAV", "N", 7, 4, "单位净值")
    assert known.field("appsheetserialno") == Field("AppSheetSerialNo", "A", 24, 0, "申请单号")
    assert known.files["03"].title == "交易类申请"
    assert {name for each in known.files.values() for name in each.fields} == set(known.fields)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("OFD_306_98_20260302_03.TXT", DataName("306", "98", date(2026, 3, 2), "03")),
        ("OFD_306_98_20260302_04_007.TXT", DataName("306", "98", date(2026, 3, 2), "04", 7)),
        ("OFI_306_98_20260302.TXT", IndexName("306", "98", date(2026, 3, 2))),
    ],
)
def test_names_are_made_and_parsed(name: str, parts: DataName | IndexName) -> None:
    assert str(parts) == name
    assert parse_name(name) == parse_name(name.lower()) == parts


@pytest.mark.parametrize(
    "name", ["OFD_306_98_20260302.TXT", "OFD_306_98_20261302_03.TXT", "OFI_306_98_20260302_03.TXT", "orders.txt"]
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"a name is OFD_|20261302 is no day"):
        parse_name(name)


@pytest.mark.parametrize("version", ["20", "21", "22"])
def test_an_index_file_is_written_and_read(version: str) -> None:
    index = Index(version, "306", "98", "20260302", ("OFD_306_98_20260302_03.TXT", "OFD_306_98_20260302_01.TXT"))
    assert read_index(write_index(index)) == index
    assert read_index(write_index(index, end="\n")) == index
    empty = Index(version, "306", "98", "20260302", ())
    assert read_index(write_index(empty)) == empty


def test_an_index_file_is_written_in_the_widths_of_its_version() -> None:
    index = Index("21", "306", "98", "20260302", ("OFD_306_98_20260302_03.TXT",))
    assert write_index(index).split(b"\r\n") == [
        b"OFDCFIDX",
        b"21  ",
        b"306      ",
        b"98       ",
        b"20260302",
        b"001",
        b"OFD_306_98_20260302_03.TXT",
        b"OFDCFEND",
        b"",
    ]
    with pytest.raises(ContentRefused):
        write_index(Index("21", "1234567890", "98", "20260302", ()))


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b"OFDCFEND\r\n", b"", "format.truncated"),
        (b"OFDCFIDX", b"OFDCFDAT", "format.header"),
        (b"21  ", b"19  ", "format.header"),
        (b"001\r\n", b"002\r\n", "format.record_count"),
    ],
)
def test_an_index_file_that_is_not_whole_is_refused(old: bytes, new: bytes, rule: str) -> None:
    raw = write_index(Index("21", "306", "98", "20260302", ("OFD_306_98_20260302_03.TXT",)))
    with pytest.raises(ContentRefused) as caught:
        read_index(raw.replace(old, new))
    assert [each.rule for each in caught.value.findings] == [rule]


def test_made_up_orders_are_a_valid_file(tmp_path: Path) -> None:
    path = tmp_path / "orders.txt"
    ofd_orders(path, 3000)
    with path.open("rb") as opened:
        records = form().open(opened)
        nodes = [each.node for each in records.records()]
    (codes, names) = (
        {text for node in nodes for text in records.access.node_children(node, column)}
        for column in ("BusinessCode", "Specification")
    )
    assert len(nodes) == 3000
    assert codes == {"020", "022", "024"}
    assert "王䶮家族信托" in names
