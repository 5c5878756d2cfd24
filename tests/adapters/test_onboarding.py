"""``channel new`` from samples and a field table: what is recognised, proposed, written and confirmed."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import xlsxwriter

from xinqiao.errors import ProfileInvalid, UnsupportedMediaType, WrongEncoding
from xinqiao_adapters.channel import load_channel
from xinqiao_adapters.onboarding.confirmation import Wanted as WantedProposals
from xinqiao_adapters.onboarding.confirmation import confirm, unconfirmed
from xinqiao_adapters.onboarding.dictionary import Dictionary
from xinqiao_adapters.onboarding.interface_table import describe, read_field_tables
from xinqiao_adapters.onboarding.new_channel import NewChannelReport, Wanted, flat_rows, new_channel
from xinqiao_adapters.onboarding.recognition import recognise

INSTITUTION = {"name": "小银行", "type": "bank", "code": "91110000100000000R"}
RECEIVER = "913100001000100012"
NAV = """\
<?xml version="1.0" encoding="GB18030"?>
<NavNtc>
  <Head><TranDate>20260131</TranDate><SeqNo>S-1</SeqNo></Head>
  <Body>
    <ProdCode>P1</ProdCode><ProdName>示例一号</ProdName><NavDate>20260131</NavDate><UnitNav>1.0023</UnitNav>
    <NetAsset>105000</NetAsset>
  </Body>
</NavNtc>
"""
KYC = {
    "lsh": "S0001",
    "khxm": "王小明",
    "zjlx": "01",
    "zjhm": "11010119800101007X",
    "xb": "1",
    "csrq": "19800101",
    "sjhm": "13800138000",
    "nsr": "1000000",
    "wddd": "x",
}
KYC_TABLE = """\
接口：客户尽职调查申请,,,,,
字段名,中文名,类型,长度,必填,备注
khxm,客户姓名,C,60,Y,
zjlx,证件类型,C,2,Y,01：身份证；02：护照；09：未知证
zjhm,证件号码,C,30,Y,
xb,性别,C,1,N,1-男 2-女
csrq,出生日期,D,8,N,yyyymmdd
sjhm,手机号码,C,11,N,
nsr,年收入,N,16,N,单位：分
"""
ORDERS = """\
示例基金申购申请清单
报告日期：2026-01-31,,,
申请单编号,产品代码,申购金额,申请日期
A001,P001,"1,000,000.00",2026-01-30
A002,P002,500000.00,2026-01-30
合计,,"1,500,000.00",
"""


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return Dictionary()


New = Callable[..., NewChannelReport]


@pytest.fixture
def new(tmp_path: Path, dictionary: Dictionary) -> New:
    """Draft the channel ``small-bank`` from files given by name and content."""

    def from_files(*files: tuple[str, bytes], table: str | None = None, **wanted: object) -> NewChannelReport:
        paths = []
        for name, content in files:
            paths.append(tmp_path / name)
            paths[-1].write_bytes(content)
        if table is not None:
            (tmp_path / "table.csv").write_text(table, encoding="gbk")
            wanted["field_table"] = tmp_path / "table.csv"
        asked = Wanted("small-bank", paths, institution=INSTITUTION, receiver=RECEIVER, **wanted)  # type: ignore[arg-type]
        return new_channel(asked, tmp_path / "channels", dictionary)

    return from_files


def rows(report: NewChannelReport, interface: int = 0) -> dict[str, object]:
    found = report.draft.interfaces[interface].rows
    return {str(row["path"]): row.get("from") or row.get("each") for row in flat_rows(found, "")}


def test_a_draft_from_xml_loads_and_reads_its_own_sample(new: New, tmp_path: Path) -> None:
    report = new(("nav.xml", NAV.encode("gb18030")))
    (interface,) = report.draft.interfaces
    assert (interface.message, dict(interface.format), interface.key) == (
        "navReport",
        {"kind": "xml", "root": "NavNtc", "encoding": "GB18030"},
        ("Head/TranDate", "Head/SeqNo"),
    )
    assert rows(report) == {
        "header.businessDate": "Head/TranDate",
        "header.partnerSerial": "Head/SeqNo",
        "instrument.code": "Body/ProdCode",
        "instrument.name": "Body/ProdName",
        "navDate": "Body/NavDate",
        "unitNav": "Body/UnitNav",
        "netAssets.value": "Body/NetAsset",
        "netAssets.currency": None,
    }
    assert report.problem is None
    unreviewed = tmp_path / "channels/small-bank/samples/nav_report.unreviewed.json"
    assert orjson.loads(unreviewed.read_bytes())["navReport"] == {
        "instrument": {"code": "P1", "name": "示例一号"},
        "navDate": "2026-01-31",
        "unitNav": "1.0023",
        "netAssets": {"value": "1050.00", "currency": "CNY"},
    }


def test_the_field_table_gives_titles_codes_and_units(new: New) -> None:
    report = new(("kyc.json", orjson.dumps(KYC)), table=KYC_TABLE)
    (interface,) = report.draft.interfaces
    assert interface.message == "kycApplication"
    assert interface.title == ("客户尽职调查申请", "KYC application")
    assert rows(report) == {
        "header.partnerSerial": "lsh",
        "applicant.name": "khxm",
        "applicant.documents[0].type": "zjlx",
        "applicant.documents[0].number": "zjhm",
        "applicant.gender": "xb",
        "applicant.birthDate": "csrq",
        "applicant.contact.mobile": "sjhm",
        "annualIncome.value": "nsr",
        "annualIncome.currency": None,
    }
    assert {name: dict(table.values) for name, table in interface.codes.items()} == {
        "zjlx": {"01": "RESIDENT_ID", "02": "PASSPORT"},
        "xb": {"1": "MALE", "2": "FEMALE"},
    }
    assert dict(interface.codes["zjlx"].unknown) == {"09": "未知证"}
    (income,) = (row for row in interface.rows if row.path == "annualIncome.value")
    assert income.parts["amount"] == "fen"
    assert [each.partner for each in interface.unproposed] == ["wddd"]


def test_a_table_is_recognised_below_its_title_and_ends_at_its_total(new: New) -> None:
    report = new(("orders.csv", ORDERS.encode("gbk")))
    (interface,) = report.draft.interfaces
    assert dict(interface.format) == {
        "kind": "csv",
        "encoding": "GBK",
        "delimiter": ",",
        "line": "LF",
        "columns": {"申请单编号": {}, "产品代码": {}, "申购金额": {}, "申请日期": {}},
        "labels": {"报告日期": {}},
        "ends": ["合计"],
    }
    assert interface.records == "Record"
    assert rows(report)["instrument.code"] == "./产品代码"


def test_a_workbook_gives_its_labels_and_the_standards_own_choices(new: New, tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "made.xlsx") as book:
        sheet = book.add_worksheet("客户信息")
        sheet.write_row(0, 0, ["家族信托客户尽职调查申请表"])
        sheet.write_row(1, 0, ["客户姓名*", "证件类型", "证件号码", "性别"])
        sheet.write_row(2, 0, ["王小明", "居民身份证", "11010119800101007X", "男"])
    report = new(("kyc.xlsx", (tmp_path / "made.xlsx").read_bytes()))
    (interface,) = report.draft.interfaces
    assert interface.message == "kycApplication"
    assert interface.format["columns"]["客户姓名"] == {"labels": ["客户姓名*"]}
    assert dict(interface.codes["applicant_gender"].values) == {"男": "MALE", "女": "FEMALE"}


def test_samples_of_one_root_are_told_apart_by_what_names_their_interface(new: New) -> None:
    one, other = (
        NAV.replace("<Head>", "<Head><TranCode>NAV1</TranCode>"),
        NAV.replace("<Head>", "<Head><TranCode>NAV2</TranCode>"),
    )
    report = new(("one.xml", one.encode("gb18030")), ("two.xml", other.encode("gb18030")))
    assert [dict(each.match) for each in report.draft.interfaces] == [
        {"Head/TranCode": "NAV1"},
        {"Head/TranCode": "NAV2"},
    ]
    assert [each.name for each in report.draft.interfaces] == ["nav_report", "nav_report_2"]


def test_several_samples_of_one_interface_become_one(new: New, tmp_path: Path) -> None:
    other = NAV.replace("<NetAsset>105000</NetAsset>", "")
    report = new(("one.xml", NAV.encode("gb18030")), ("two.xml", other.encode("gb18030")))
    assert len(report.draft.interfaces) == 1
    assert sorted(path.name for path in (tmp_path / "channels/small-bank/samples").glob("*.xml")) == [
        "nav_report-2.xml",
        "nav_report.xml",
    ]


def test_a_form_is_recognised(new: New) -> None:
    report = new(("pay.txt", b"orderId=O1&txnAmt=10000&currencyCode=156&txnTime=20260101120000"))
    assert dict(report.draft.interfaces[0].format) == {"kind": "form", "encoding": "UTF-8"}
    assert dict(report.draft.interfaces[0].codes["currency_code"].values) == {"156": "CNY"}


def test_lines_of_json_are_a_file_of_records(new: New) -> None:
    line = b'{"loanNo":"L1","principal":"100.50","interest":"3.20"}\n'
    report = new(("lines.json", line * 3), message="repaymentResult")
    (interface,) = report.draft.interfaces
    assert (dict(interface.format), interface.records) == ({"kind": "json", "lines": True}, "Record")
    assert rows(report)["loanNo"] == "./loanNo"


def test_a_file_of_fixed_width_is_cut_by_the_lengths_of_the_table(new: New) -> None:
    table = "字段名,中文名,类型,长度\nxm,姓名,C,10\ncsrq,出生日期,D,8\n"
    content = "王小明    19800101\r\n李静      19820520\r\n".encode("gbk")
    report = new(("kyc.txt", content), table=table, message="kycApplication")
    (interface,) = report.draft.interfaces
    assert dict(interface.format) == {
        "kind": "fixed",
        "encoding": "GBK",
        "record": [{"name": "xm", "width": 10}, {"name": "csrq", "width": 8}],
        "ends": "CRLF",
    }
    assert rows(report)["applicant.birthDate"] == "./csrq"


def test_a_file_of_the_fund_protocol_is_recognised_by_its_header(new: New) -> None:
    head = ["OFDCFDAT", "21", "H0", "996", "20260131", "001", "07", "H0", "996", "003"]
    lines = [*head, "FundCode", "UpdateDate", "NAV", "00000001", "P0000120260131" + "0010023", "OFDCFEND", ""]
    report = new(("OFD_H0_996_20260131_07.TXT", "\r\n".join(lines).encode()), message="navReport")
    (interface,) = report.draft.interfaces
    assert dict(interface.format) == {"kind": "ofd", "encoding": "GB18030", "file": "07", "version": "21"}
    assert {"instrument.code", "unitNav"} <= rows(report).keys()


def test_what_the_partner_receives_is_drafted_outward(new: New, tmp_path: Path) -> None:
    sent = NAV.replace("S-1", "01890a5d-ac96-774b-bcce-b302099a8057")
    (tmp_path / "nav.xml").write_bytes(sent.encode("gb18030"))
    report = new(outgoing=[tmp_path / "nav.xml"])
    (interface,) = report.draft.interfaces
    assert interface.direction == "out"
    assert rows(report)["header.messageId"] == "Head/SeqNo"
    assert report.problem is None


def test_bytes_of_no_known_encoding_are_refused(new: New) -> None:
    with pytest.raises(WrongEncoding, match="UTF-8"):
        new(("what.csv", b"\xff\xfe\x00\x01,\xff"))


def test_a_file_of_no_known_format_is_refused(new: New) -> None:
    with pytest.raises(UnsupportedMediaType, match=r"what\.txt: neither XML"):
        new(("what.txt", "只有一句话".encode()))


def test_a_field_table_without_headings_is_refused(new: New) -> None:
    with pytest.raises(ProfileInvalid, match="no row names the columns"):
        new(("nav.xml", NAV.encode("gb18030")), table="甲,乙\n一,二\n")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [({"message": "navReprot"}, "unknown message type 'navReprot'"), ({"channel": "No"}, "'No' is no id of a channel")],
)
def test_what_cannot_be_asked_for_is_refused(tmp_path: Path, wanted: dict[str, str], said: str) -> None:
    asked = Wanted(**{"channel": "small-bank", "incoming": [tmp_path], "institution": INSTITUTION, **wanted})  # type: ignore[arg-type]
    with pytest.raises(ProfileInvalid, match=said):
        new_channel(asked, tmp_path)


def test_a_channel_that_exists_is_never_overwritten(new: New, tmp_path: Path) -> None:
    (tmp_path / "channels/small-bank").mkdir(parents=True)
    with pytest.raises(ProfileInvalid, match="exists already"):
        new(("nav.xml", NAV.encode("gb18030")))


def test_nothing_is_sampled_from_no_file(new: New) -> None:
    with pytest.raises(ProfileInvalid, match="no sample"):
        new()


def test_every_guess_is_open_until_somebody_stands_for_it(new: New, tmp_path: Path) -> None:
    report = new(("nav.xml", NAV.encode("gb18030")))
    folders = [tmp_path / "channels"]
    whole = unconfirmed(load_channel("small-bank", folders).profile)
    assert whole[:2] == ["interfaces.nav_report", "interfaces.nav_report.map.header.businessDate"]
    before = report.profile.read_text(encoding="utf-8")
    done = confirm(report.profile, "张三: 科技部", WantedProposals(rows=["navDate"]))
    assert done == ["interfaces.nav_report.map.navDate"]
    after = report.profile.read_text(encoding="utf-8")
    assert after.replace(', confirmed: "张三: 科技部"', "") == before
    profile = load_channel("small-bank", folders).profile
    proposed = profile.interfaces["nav_report"].map["navDate"].proposed
    assert proposed is not None
    assert proposed.confirmed == "张三: 科技部"
    assert unconfirmed(profile) == [each for each in whole if not each.endswith(".navDate")]
    confirm(report.profile, "张三", WantedProposals(above=0))
    assert unconfirmed(load_channel("small-bank", folders).profile) == []


BY_HAND = """\
interfaces:
  nav:
    message: navReport # 净值
    map:
      navDate:
        from: Day
        proposed:
          confidence: 0.9
          reason: a guess # 待核实
      lots[]:
        each: Lot
        map:
          no: {from: No, proposed: {confidence: 0.4, reason: another}}
"""


def test_a_confirmation_keeps_the_layout_of_what_people_wrote(tmp_path: Path) -> None:
    path = tmp_path / "channel.yaml"
    path.write_text(BY_HAND, encoding="utf-8")
    assert confirm(path, "Li", WantedProposals(interface="nav", above=0.5)) == ["interfaces.nav.map.navDate"]
    assert confirm(path, "Li", WantedProposals(rows=["lots[].no"])) == ["interfaces.nav.map.lots[].no"]
    assert path.read_text(encoding="utf-8") == BY_HAND.replace(
        "reason: a guess # 待核实\n", 'reason: a guess\n          confirmed: "Li" # 待核实\n'
    ).replace("reason: another}", 'reason: another, confirmed: "Li"}')


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (WantedProposals(rows=["navDay"]), "no open proposal at navDay"),
        (WantedProposals(interface="nva"), "no open proposal at nva"),
    ],
)
def test_confirming_what_is_not_there_is_refused(tmp_path: Path, wanted: WantedProposals, said: str) -> None:
    path = tmp_path / "channel.yaml"
    path.write_text(BY_HAND, encoding="utf-8")
    with pytest.raises(ProfileInvalid, match=said):
        confirm(path, "Li", wanted)
    assert path.read_text(encoding="utf-8") == BY_HAND


def test_somebody_must_confirm(tmp_path: Path) -> None:
    with pytest.raises(ProfileInvalid, match="who confirms"):
        confirm(tmp_path / "channel.yaml", " ", WantedProposals(above=0))


def test_a_profile_that_is_no_yaml_is_not_confirmed(tmp_path: Path) -> None:
    (tmp_path / "channel.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(ProfileInvalid, match="cannot be read"):
        confirm(tmp_path / "channel.yaml", "Li", WantedProposals(above=0))


def test_rare_characters_of_the_partner_get_their_table(new: New, tmp_path: Path) -> None:
    rare = NAV.replace("示例一号", "\ue81e\ue000").encode("gb18030")
    report = new(("nav.xml", rare))
    assert report.draft.characters == {"U+E000": "", "U+E81E": "U+9FB4"}
    assert load_channel("small-bank", [tmp_path / "channels"]).profile.characters == {"U+E81E": "U+9FB4"}
    (sample,) = report.samples
    assert sample.messages == 0
    assert "U+E000" in sample.findings[0]


FIELD_TABLE = """\
字段名,中文名,类型,长度,备注
ZLH,指令号,C,32,
JE,付款金额,N,16,单位：分
ZT,付款状态,C,1,S-成功 F-失败
"""


@pytest.mark.parametrize(
    ("sample", "places"),
    [
        ("指令号|付款金额|付款状态\nA1|15800|S\nA2|20000|F\n", ["./指令号", "./付款金额", "./付款状态"]),
        ("A1|15800|S\nA2|20000|F\n", ["./ZLH", "./JE", "./ZT"]),
    ],
)
def test_a_field_table_describes_columns_by_their_titles_and_by_their_order(
    tmp_path: Path, sample: str, places: list[str]
) -> None:
    (tmp_path / "pay.txt").write_text(sample, encoding="utf-8")
    (tmp_path / "fields.csv").write_text(FIELD_TABLE, encoding="utf-8")
    tables = read_field_tables(tmp_path / "fields.csv")
    (found,) = recognise([tmp_path / "pay.txt"], tables)
    describe(found.top, tables)
    nodes = [node for node in found.top.walk() if node.about.title]
    said = {f"./{node.name}": (node.about.title, sorted(node.about.codes)) for node in nodes}
    titles = [("指令号", []), ("付款金额", []), ("付款状态", ["F", "S"])]
    assert said == dict(zip(places, titles, strict=True))
