"""``channel new`` on lines of fixed width, and ``channel expect``: what samples become, written anew for review."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from xinqiao.errors import UnsupportedMediaType
from xinqiao.message import ROUTING
from xinqiao_adapters.channel import load_channel
from xinqiao_adapters.onboarding.dictionary import Dictionary
from xinqiao_adapters.onboarding.expectation import Expectation, expect
from xinqiao_adapters.onboarding.new_channel import NewChannelReport, Wanted, flat_rows, new_channel

INSTITUTION = {"name": "小银行", "type": "bank", "code": "91110000100000000R"}
HEADER = "文件头\n字段名,中文名,类型,长度,备注\nBZ,标志,C,4,固定为 HEAD\nWJRQ,文件日期,D,8,yyyymmdd\n"
RECORD = (
    "明细：账户收支明细\n字段名,中文名,类型,长度,备注\nLSH,银行流水号,C,10,\nZH,账户账号,C,12,\n"
    "JDBZ,借贷标志,C,1,1-借 2-贷\nFSE,发生额,N,10,单位：分\nJYRQ,交易日期,D,8,\nJYSJ,交易时间,T,6,HHMMSS\n"
    "QXRQ,起息日,D,8,\nFY,附言,C,12,\n"
)
TRAILER = "文件尾\n字段名,中文名,类型,长度,备注\nBZ,标志,C,4,固定为 TAIL\nZBS,总笔数,N,6,左补零\n"
FILE = (
    "HEAD20260302\r\n"
    "LZ00000001622260010001200000123402026030209153020260303资金交付    \r\n"
    "LZ00000002622260010002100000056782026030214020720260302            \r\n"
    "TAIL000002\r\n"
)

New = Callable[..., NewChannelReport]


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return Dictionary()


@pytest.fixture
def new(tmp_path: Path, dictionary: Dictionary) -> New:
    """Draft the channel ``small-bank`` from one file and a field table."""

    def from_file(content: str, table: str) -> NewChannelReport:
        (tmp_path / "entries.txt").write_bytes(content.encode("gbk"))
        (tmp_path / "table.csv").write_text(table, encoding="utf-8")
        asked = Wanted(
            "small-bank",
            [tmp_path / "entries.txt"],
            field_table=tmp_path / "table.csv",
            message="accountEntry",
            institution=INSTITUTION,
            receiver="913100001000100012",
        )
        return new_channel(asked, tmp_path / "channels", dictionary)

    return from_file


def test_each_line_is_cut_by_the_table_that_has_its_width(new: New) -> None:
    (interface,) = new(FILE, HEADER + RECORD + TRAILER).draft.interfaces
    assert dict(interface.format) == {
        "kind": "fixed",
        "encoding": "GBK",
        "header": [[{"name": "'HEAD'", "width": 4}, {"name": "WJRQ", "width": 8}]],
        "record": [
            {"name": "LSH", "width": 10},
            {"name": "ZH", "width": 12},
            {"name": "JDBZ", "width": 1},
            {"name": "FSE", "width": 10, "align": "right", "fill": "0"},
            {"name": "JYRQ", "width": 8},
            {"name": "JYSJ", "width": 6},
            {"name": "QXRQ", "width": 8},
            {"name": "FY", "width": 12},
        ],
        "trailer": [[{"name": "'TAIL'", "width": 4}, {"name": "ZBS", "width": 6, "align": "right", "fill": "0"}]],
        "ends": "CRLF",
    }


def test_a_date_that_is_joined_with_its_time_is_read_twice_and_written_once(new: New) -> None:
    report = new(FILE, HEADER + RECORD + TRAILER)
    assert report.problem is None
    said = {row["path"]: row for row in flat_rows(report.draft.interfaces[0].rows, "")}
    assert (said["bookedOn"]["from"], said["bookedOn"]["oneway"]) == ("./JYRQ", "in")
    assert said["bookedAt"]["from"] == ["./JYRQ", "./JYSJ"]


def test_a_table_without_a_length_for_each_field_cuts_nothing(new: New) -> None:
    with pytest.raises(UnsupportedMediaType, match="files of fixed width need a field table with lengths"):
        new(FILE, RECORD.replace("LSH,银行流水号,C,10,", "LSH,银行流水号,C,,"))


def test_expected_messages_are_written_anew_until_somebody_has_reviewed_them(new: New, tmp_path: Path) -> None:
    profile = new(FILE, HEADER + RECORD + TRAILER).profile
    profile.write_text(profile.read_text(encoding="utf-8").replace("remark:", "summary:"), encoding="utf-8")
    channel = load_channel("small-bank", [tmp_path / "channels"])
    assert list(expect(channel)) == [Expectation("account_entry.txt", "account_entry.unreviewed.json", 2, ())]
    written = profile.parent / "samples" / "account_entry.unreviewed.json"
    first, _ = orjson.loads(written.read_bytes())
    assert not ROUTING & first["header"].keys()
    assert first["accountEntry"]["summary"] == "资金交付"
    written.rename(written.with_name("account_entry.json"))
    assert list(expect(channel)) == []


def test_what_keeps_a_sample_from_being_read_is_said_with_what_was_written(new: New, tmp_path: Path) -> None:
    profile = new(FILE, HEADER + RECORD + TRAILER).profile
    sample = profile.parent / "samples" / "account_entry.txt"
    sample.write_bytes(sample.read_bytes().replace(b"20260303", b"20260231"))
    (found,) = expect(load_channel("small-bank", [tmp_path / "channels"]))
    assert (found.messages, len(found.findings)) == (1, 1)
    assert found.findings[0].startswith("QXRQ, record 1, bytes 14–")
    sample.write_bytes(b"HEAD2026030")
    (refused,) = expect(load_channel("small-bank", [tmp_path / "channels"]))
    assert (refused.messages, len(refused.findings)) == (0, 1)
