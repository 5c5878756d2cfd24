"""Names as words, assignments of greatest total, codes in remarks."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao_adapters.onboarding.assignment import best_pairs
from xinqiao_adapters.onboarding.interface_table import codes_in
from xinqiao_adapters.onboarding.trial_encoding import decoded
from xinqiao_adapters.onboarding.values import date_pattern_of, datetime_pattern_of
from xinqiao_adapters.onboarding.words import chinese_likeness, initials, words_of


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("CustName", ("customer", "name")),
        ("cust_nm", ("customer", "name")),
        ("custname", ("customer", "name")),
        ("CUST_NAME", ("customer", "name")),
        ("BnfLotPct", ("beneficiary", "percentage")),
        ("TAAccountID", ("ta", "account", "id")),
        ("ReqdSttlmCcy", ("requested", "settlement", "currency")),
        ("bnkRefrence", ("bank", "reference")),
        ("recieveacc", ("receive", "account")),
        ("Info", ("information",)),
    ],
)
def test_a_name_is_read_in_words(name: str, words: tuple[str, ...]) -> None:
    assert words_of(name) == words


def test_initials_of_pinyin_are_those_that_partners_write() -> None:
    assert [initials(each) for each in ("客户姓名", "证件号码", "手机号码")] == ["khxm", "zjhm", "sjhm"]


def test_chinese_names_are_alike_by_their_characters() -> None:
    assert chinese_likeness("客户姓名*", "客户姓名") == 1.0
    assert chinese_likeness("申购金额", "申请金额") > chinese_likeness("申购金额", "客户姓名")


@pytest.mark.parametrize(
    ("remark", "codes"),
    [
        ("1-男 2-女", {"1": "男", "2": "女"}),
        ("01：身份证；02：护照", {"01": "身份证", "02": "护照"}),
        ("Y=是,N=否", {"Y": "是", "N": "否"}),
        ("1-Male 2-Female", {"1": "Male", "2": "Female"}),
        ("yyyymmdd", {}),
        ("单位：分", {}),
    ],
)
def test_codes_are_read_from_a_remark(remark: str, codes: dict[str, str]) -> None:
    assert codes_in(remark) == codes


@pytest.mark.parametrize(
    ("texts", "pattern"),
    [
        (["20260131", "99991231"], "%Y%m%d"),
        (["2026-01-31"], "%Y-%m-%d"),
        (["2026年01月31日"], "%Y年%m月%d日"),
        (["20261331"], None),
        (["12345678"], None),
    ],
)
def test_dates_are_known_by_their_pattern(texts: list[str], pattern: str | None) -> None:
    assert date_pattern_of(texts) == pattern


def test_times_are_known_by_their_pattern() -> None:
    assert datetime_pattern_of(["20260131120000"]) == "%Y%m%d%H%M%S"
    assert datetime_pattern_of(["2026-01-31 12:00:00"]) == "%Y-%m-%d %H:%M:%S"
    assert datetime_pattern_of(["2026-01-31T12:00:00Z"]) == "iso"


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        ("客户".encode(), "UTF-8"),
        (b"\xef\xbb\xbf" + "客户".encode(), "UTF-8"),
        ("客户姓名".encode("gbk"), "GBK"),
        ("客户姓名㐂".encode("gb18030"), "GB18030"),
    ],
)
def test_an_encoding_is_found_by_trying(raw: bytes, encoding: str) -> None:
    assert decoded(raw)[0] == encoding


GAINS = st.lists(st.dictionaries(st.integers(0, 4), st.integers(1, 20).map(float), max_size=5), max_size=5)


def _greatest(gains: list[dict[int, float]]) -> float:
    columns: list[Any] = [*range(5), *([None] * len(gains))]
    totals = (
        sum(row.get(column, 0.0) for row, column in zip(gains, chosen, strict=True))
        for chosen in permutations(columns, len(gains))
    )
    return max(totals, default=0.0)


@settings(max_examples=50, deadline=None)
@given(GAINS)
def test_pairs_have_the_greatest_total(gains: list[dict[int, float]]) -> None:
    pairs = best_pairs(gains)
    assert len(set(pairs.values())) == len(pairs)
    assert sum(gains[row][column] for row, column in pairs.items()) == _greatest(gains)
