"""The interface document says what the profile says: every row, code and error, in the partner's own terms."""

import re
from datetime import date
from pathlib import Path

import orjson
import pytest
import xlsxwriter
from typer.testing import CliRunner

from tests.adapters.conftest import DOCUMENT, HEAD, NAV, Load
from xinqiao.errors import UnknownChannel, error_table
from xinqiao.finding import Text
from xinqiao_adapters.channel import shipped_channels
from xinqiao_adapters.interface_document import InterfaceDocument, Language, document_of, html_of
from xinqiao_adapters.interface_document.codes import CodeValue
from xinqiao_adapters.interface_document.replies import ReplyLine
from xinqiao_adapters.listing import listed_rows
from xinqiao_adapters.loader import load_profile
from xinqiao_adapters.mapping.plan import Leaf
from xinqiao_gateway.cli import app

DAY = date(2026, 1, 31)
MESSAGE = {
    "header": {"partnerSerial": "S-1"},
    "navReport": {
        "instrument": {"code": "P1"},
        "navDate": "2026-01-31",
        "unitNav": "1.0023",
        "netAssets": {"value": "10.50", "currency": "CNY"},
        "state": "FORMAL",
    },
}
ANSWER = """\
answer:
  root: Rsp
  code: Code
  accepted: {Code: "0000", Seq: header.partnerSerial}
  rejected:
    Code: {value: rejection.reason, codes: return_code}
    Why: rejection.text
    Err: {each: findings, map: {Field: finding.path, Want: finding.expected}}
"""


@pytest.fixture
def written(load: Load, tmp_path: Path) -> Path:
    """A small bank with one sample; returns the folder of its profile."""
    load(HEAD + NAV)
    folder = tmp_path / "small-bank"
    (folder / "samples").mkdir()
    (folder / "samples" / "nav.xml").write_text(DOCUMENT, encoding="utf-8")
    (folder / "samples" / "nav.json").write_bytes(orjson.dumps(MESSAGE))
    return folder


def small_bank(load: Load, tmp_path: Path, text: str) -> InterfaceDocument:
    load(text)
    return document_of("small-bank", [tmp_path], DAY)


def test_fields_stand_in_the_partners_order_with_what_the_partner_needs_to_know(written: Path) -> None:
    (nav,) = document_of("small-bank", [written.parent], DAY).interfaces
    assert [
        (line.depth, line.name, line.title and line.title.zh, line.presence and line.presence.need, line.form.zh)
        for line in nav.fields
    ] == [
        (0, "Head", None, None, ""),
        (1, "Code", "约定值", "always", "固定值 NAV1"),
        (1, "Seq", "合作方流水号", "always", "不含控制字符的文本，1 至 64 个字符"),
        (0, "Body", None, None, ""),
        (1, "Prod", "产品代码", "optional", "1 至 64 位字母、数字及 . _ : / -"),
        (1, "Day", "净值日期", "always", "日期 yyyyMMdd"),
        (1, "Nav", "单位净值", "always", "十进制数，至多 4 位小数"),
        (1, "Net", "资产净值", "optional", "金额，整数分"),
        (1, "State", "净值状态", "always", ""),
    ]
    assert [line.path for line in nav.fields if line.identity] == ["Head/Seq"]
    assert {line.path: line.example for line in nav.fields if line.example} == {
        "Head/Code": "NAV1",
        "Head/Seq": "S-1",
        "Body/Prod": "P1",
        "Body/Day": "20260131",
        "Body/Nav": "1.0023",
        "Body/Net": "1050",
        "Body/State": "2",
    }
    assert nav.agreed == [(Text("资产净值 · 币种", "Net assets · Currency"), "CNY")]


def test_codes_have_their_meaning_in_both_languages(load: Load, tmp_path: Path) -> None:
    text = (HEAD + NAV).replace('  state: {"1": ESTIMATED, "2": FORMAL, "3": CUSTODIAN_CHECKED}', CODES)
    document = small_bank(load, tmp_path, text)
    (table,) = document.codes
    assert table.values == [
        CodeValue("1", Text("估算", "Estimated")),
        CodeValue("2", Text("正式", "Formal"), sent=False),
        CodeValue("4", Text("正式", "Formal")),
    ]
    assert (table.name, table.missing, table.used_at) == (
        "state",
        [(Text("托管复核", "Checked by the custodian"), "never told")],
        ["Body/State"],
    )
    line = document.interfaces[0].fields[-1]
    assert (line.table, [each.code for each in line.codes]) == ("state", ["1", "2", "4"])


CODES = """\
  state:
    values: {"1": ESTIMATED, "2": FORMAL, "4": FORMAL}
    send: {FORMAL: "4"}
    missing: {CUSTODIAN_CHECKED: never told}"""


def test_a_field_that_its_group_requires_is_needed_where_the_group_is_there() -> None:
    kyc = document_of("demo-bank", [], DAY).interfaces[0]
    lines = {line.path: line for line in kyc.fields}
    known = ("Body/CustName", "Body/CertNo", "Body/AnnInc", "Body/RelList/Rel/CustName", "Body/Mobile")
    assert {path: (lines[path].presence or ("", None))[:2] for path in known} == {
        "Body/CustName": ("always", None),
        "Body/CertNo": ("with", Text("证件", "Identity documents")),
        "Body/AnnInc": ("optional", None),
        "Body/RelList/Rel/CustName": ("always", None),
        "Body/Mobile": ("optional", None),
    }
    assert [(line.name, line.repeats) for line in kyc.fields if line.is_group and line.path.startswith("Body/Rel")] == [
        ("RelList/Rel", "0..30"),
        ("CertImg", "0..1"),
        ("AddrList/Addr", "0..5"),
        ("AcctList/Acct", "0..10"),
        ("Inst", "0..1"),
    ]


def test_a_converted_amount_is_told_in_the_partners_unit_and_not_in_the_standards() -> None:
    line = next(line for line in document_of("demo-bank", [], DAY).interfaces[0].fields if line.name == "AnnInc")
    assert (line.title, line.form, line.notes) == (
        Text("年收入", "Annual income"),
        Text("金额，整数分", "an amount in whole fen"),
        [],
    )


def test_defaults_directions_and_conditions_are_said_in_words(load: Load, tmp_path: Path) -> None:
    text = (HEAD + NAV).replace("codes: state}", "codes: state, default: FORMAL, oneway: in}")
    text = text.replace("{from: Body/Prod}", "{from: Body/Prod, when: {state: [FORMAL, ESTIMATED]}}")
    fields = {line.path: line for line in small_bank(load, tmp_path, text).interfaces[0].fields}
    assert fields["Body/State"].notes == [
        Text("未提供时视为 FORMAL", "FORMAL where nothing is said"),
        Text("仅用于贵方发来的报文", "only in what you send"),
    ]
    assert fields["Body/State"].presence == ("optional", None, ())
    assert Text("仅当净值状态为正式或估算", "only where State is Formal or Estimated") in fields["Body/Prod"].notes


def test_values_in_several_places_and_chosen_nodes_are_said_in_words(load: Load, tmp_path: Path) -> None:
    fields = {line.path: line for line in small_bank(load, tmp_path, HEAD + PLACES).interfaces[0].fields}
    told = {path: [note.en for note in line.notes] for path, line in fields.items()}
    assert told["Mobile/Area"][0] == "Mobile/Area + Mobile/No are one value, joined by '-'"
    assert told["Mobile/No"] == told["Mobile/Area"]
    assert told["Birth/Y"][0] == "Birth/Y + Birth/D are one value, of lengths 4, 4"
    assert told["Papers/Paper"] == ["the nodes whose Main is 1"]
    assert told["Total"] == ["the number of: Related parties"]


PLACES = """\
interfaces:
  kyc:
    message: kycApplication
    direction: both
    format: {kind: xml, root: Kyc}
    key: [No]
    map:
      applicationNo: {from: No}
      header.partnerSerial: {from: Serial}
      applicant.partyId: {from: Id}
      applicant.kind: {constant: NATURAL_PERSON}
      applicant.name: {from: Name}
      applicant.contact.mobile: {from: [Mobile/Area, Mobile/No], join: "-"}
      applicant.birthDate: {from: [Birth/Y, Birth/D], lengths: [4, 4], date: "%Y%m%d"}
      applicant.documents[0]: {at: Papers/Paper, where: {Main: "1"}, map: {number: {from: CertNo}}}
      relatedParties[]: {each: Rels/Rel, map: {party.partyId: {from: Id}, party.name: {from: Name}}}
      Total/: {count: relatedParties}
"""


def test_the_reply_is_told_place_by_place_and_the_errors_by_the_partners_codes(load: Load, tmp_path: Path) -> None:
    tables = '  return_code: {values: {"E1": not_valid, "E2": conflict}, other: E9}\n'
    document = small_bank(load, tmp_path, HEAD + ANSWER + NAV + tables)
    (reply,) = document.replies
    assert (reply.root, reply.code) == ("Rsp", "Code")
    assert reply.accepted == [
        ReplyLine("Code", 0, Text("固定值", "always"), literal="0000"),
        ReplyLine("Seq", 0, Text("所答复报文的合作方流水号", "of the message answered: Partner's serial")),
    ]
    assert [(line.path, line.depth, line.content.en, line.repeats) for line in reply.rejected] == [
        ("Code", 0, "the return code, see error codes", False),
        ("Why", 0, "of the rejection: Text", False),
        ("Err", 0, "one for each finding", True),
        ("Field", 1, "of the finding: path of the field", False),
        ("Want", 1, "of the finding: Expected", False),
    ]
    assert [(line.code, line.reason, line.is_other) for line in document.errors[:3]] == [
        ("E1", "not_valid", False),
        ("E2", "conflict", False),
        ("E9", "malformed_json", True),
    ]


OF_THE_OPERATOR = ("profile_invalid", "key_unusable", "settings_invalid", "host_untrusted")


def test_without_a_table_of_return_codes_the_reasons_of_the_standard_are_listed(load: Load, tmp_path: Path) -> None:
    document = small_bank(load, tmp_path, HEAD + NAV)
    told = {line.code for line in document.errors}
    assert told == {each.reason for each in error_table()} - set(OF_THE_OPERATOR)


def test_what_is_dropped_is_told_with_its_reason(load: Load, tmp_path: Path) -> None:
    dropped = "    dropped: {units: {reason: never asked, only: ['0']}}\n    map:\n"
    text = HEAD + "dropped: {header.branch: no branches}\n" + NAV.replace("    map:\n", dropped)
    document = small_bank(load, tmp_path, text)
    (units,) = document.interfaces[0].dropped
    assert (units.title, units.reason, units.only) == (Text("总份额", "Units"), "never asked", ("0",))
    assert [(each.title, each.reason) for each in document.dropped] == [(Text("机构网点", "Branch"), "no branches")]


@pytest.mark.parametrize("channel", shipped_channels())
def test_every_row_of_a_shipped_channel_stands_in_its_document(channel: str) -> None:
    loaded = load_profile(channel, [])
    for part in document_of(channel, [], DAY).interfaces:
        told = {line.path for line in part.fields if not line.is_group}
        rows = [row for row in listed_rows(loaded, part.name) if row.item is not None]
        places = {row.partner_path for row in rows if row.place is not None}
        assert places <= told
        constants = [row for row in rows if isinstance(row.row, Leaf) and row.place is None]
        assert len(part.agreed) == len(constants)


@pytest.mark.parametrize("channel", shipped_channels())
@pytest.mark.parametrize("language", ["zh", "en", "both"])
def test_the_page_needs_nothing_else_and_every_link_leads_somewhere(channel: str, language: Language) -> None:
    html = html_of(document_of(channel, [], DAY), language)
    assert not re.search(r"<script|<link|<img|\ssrc=|@import|url\(", html)
    targets = set(re.findall(r'href="#([^"]*)"', html))
    assert targets <= set(re.findall(r'\sid="([^"]*)"', html))
    assert re.findall(r'href="([^#][^"]*)"', html) == []
    assert len(re.findall(r'\sid="([^"]*)"', html)) > 3


def test_a_page_in_one_language_does_not_hold_the_other(written: Path) -> None:
    document = document_of("small-bank", [written.parent], DAY)
    languages: tuple[Language, ...] = ("zh", "en", "both")
    pages = {language: html_of(document, language) for language in languages}
    assert {name: ("必填" in page, ">required" in page) for name, page in pages.items()} == {
        "zh": (True, False),
        "en": (False, True),
        "both": (True, True),
    }
    assert pages["both"].index("必填") < pages["both"].index(">required")


def test_what_a_profile_says_is_never_read_as_markup(load: Load, tmp_path: Path) -> None:
    page = html_of(small_bank(load, tmp_path, (HEAD + NAV).replace("小银行,", "小<b>行,")))
    assert "小&lt;b&gt;行" in page
    assert "<b>" not in page


def test_a_sample_on_one_line_is_shown_on_many_and_a_binary_one_only_by_its_size(written: Path) -> None:
    samples = written / "samples"
    (samples / "nav.xml").write_text(re.sub(r">\s+<", "><", DOCUMENT), encoding="utf-8")
    (samples / "nav-scan.bin").write_bytes(b"\x00\xff\x81")
    first, second = document_of("small-bank", [written.parent], DAY).interfaces[0].samples
    assert first.text is not None
    assert first.text.splitlines()[:3] == ["<Nav>", "  <Head>", "    <Code>NAV1</Code>"]
    assert (second.name, second.text, second.size) == ("nav-scan.bin", None, 3)


def test_a_workbook_is_shown_as_its_first_rows(written: Path) -> None:
    book = xlsxwriter.Workbook(written / "samples" / "nav-book.xlsx")
    sheet = book.add_worksheet("净值")
    sheet.write_row(0, 0, ["产品代码", "净值"])
    sheet.write_row(1, 0, ["P1", "1.0023"])
    book.close()
    (written / "samples" / "nav-none.xlsx").write_bytes(b"no workbook")
    first, book_sample, none = document_of("small-bank", [written.parent], DAY).interfaces[0].samples
    assert [list(row) for row in book_sample.cells] == [["产品代码", "净值"], ["P1", "1.0023"]]
    assert (first.cells, none.cells, none.text, none.size) == ((), [], None, 11)


def test_texts_that_say_nothing_and_wide_characters_are_told(load: Load, tmp_path: Path) -> None:
    text = (HEAD + NAV).replace("{from: Body/Prod}", "{from: Body/Prod, nothing: ['-', '/'], halfwidth: true}")
    fields = {line.path: line for line in small_bank(load, tmp_path, text).interfaces[0].fields}
    assert [note.en for note in fields["Body/Prod"].notes] == [
        "- or / says that there is no value",
        "full-width characters are read as half-width ones",
    ]


def test_rows_that_nobody_confirmed_make_a_draft(load: Load, tmp_path: Path) -> None:
    guess = "proposed: {confidence: 0.8, reason: the name}"
    text = (HEAD + NAV).replace("{from: Body/Prod}", f"{{from: Body/Prod, {guess}}}")
    document = small_bank(load, tmp_path, text)
    assert document.interfaces[0].drafts == 1
    assert "a draft, rows to be confirmed: 1" in html_of(document)
    confirmed = text.replace("the name}", "the name, confirmed: Li}")
    assert small_bank(load, tmp_path, confirmed).interfaces[0].drafts == 0


def test_the_version_follows_what_the_profile_says_and_not_where_it_stands(load: Load, tmp_path: Path) -> None:
    first = small_bank(load, tmp_path, HEAD + NAV).version
    with_comment = small_bank(load, tmp_path, "# a comment\n" + HEAD + NAV).version
    changed = small_bank(load, tmp_path, HEAD + NAV.replace("decimal: 4", "decimal: 6")).version
    assert (with_comment == first, changed == first, len(first)) == (True, False, 16)


def test_a_file_of_fixed_width_has_its_layout_told_byte_by_byte(load: Load, tmp_path: Path) -> None:
    (part,) = small_bank(load, tmp_path, HEAD + FIXED).interfaces
    head, record = part.layout
    assert [table.title.en for table in part.layout] == ["Line 1 of the header", "Record"]
    assert head.lines[0][:4] == ("Maker", 1, 9, 9)
    assert [line[:4] for line in record.lines] == [("Prod", 1, 6, 6), ("Day", 7, 14, 8), ("Nav", 15, 24, 10)]
    assert record.lines[2][4:] == (Text("右", "right"), "0", 4)
    assert [(line.path, line.repeats) for line in part.fields if line.is_group] == [("File", None), ("Record", "n")]


FIXED = """\
interfaces:
  nav:
    message: navReport
    direction: in
    format:
      kind: fixed
      header: [[{name: Maker, width: 9}]]
      record:
        - {name: Prod, width: 6}
        - {name: Day, width: 8}
        - {name: Nav, width: 10, align: right, fill: "0", decimals: 4}
    records: Record
    key: [File/Maker, ./Prod]
    map:
      header.partnerSerial: {from: File/Maker}
      instrument.code: {from: ./Prod}
      navDate: {from: ./Day, date: "%Y%m%d"}
      unitNav: {from: ./Nav, decimal: 4}
      state: {constant: FORMAL}
"""


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["channel", "docs", *arguments])
    return result.exit_code, result.output


def test_the_command_writes_one_file_into_a_folder_or_under_a_name(tmp_path: Path) -> None:
    folder, file = tmp_path / "made", tmp_path / "a" / "bank.html"
    assert run("demo-bank", "--out", str(folder)) == (0, f"{folder / 'demo-bank.html'}\n")
    assert run("demo-bank", "--out", str(file), "--language", "en") == (0, f"{file}\n")
    assert '<html lang="zh-CN">' in (folder / "demo-bank.html").read_text(encoding="utf-8")
    assert '<html lang="en">' in file.read_text(encoding="utf-8")


def test_an_unknown_channel_has_no_document(tmp_path: Path) -> None:
    with pytest.raises(UnknownChannel, match="no channel 'nobody'"):
        document_of("nobody", [], DAY)
    result = CliRunner().invoke(app, ["channel", "docs", "nobody", "--out", str(tmp_path / "x")])
    assert isinstance(result.exception, UnknownChannel)
    assert list(tmp_path.iterdir()) == []
