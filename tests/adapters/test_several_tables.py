"""Several tables on one channel: a file is read by the interface whose header it has."""

import pytest

from tests.adapters.conftest import HEAD, Load
from xinqiao.adapter import Decoded
from xinqiao.errors import ContentRefused
from xinqiao_adapters.channel import Channel

TABLES = """\
interfaces:
  nav:
    message: navReport
    direction: in
    format: {kind: csv, columns: {代码: {}, 净值: {}}}
    records: Record
    key: [./代码]
    map:
      instrument.code: {from: ./代码}
      unitNav: {from: ./净值, decimal: 4}
  growth:
    message: navReport
    direction: in
    format: {kind: csv, columns: {代码: {}, 日增长: {}}}
    records: Record
    key: [./代码]
    map:
      instrument.code: {from: ./代码}
      dailyGrowth: {from: ./日增长, percent: sign}
"""
WHOLE = TABLES.replace("    records: Record\n", "").replace("[./代码]", "[Record/代码]").replace("./", "Record/")


@pytest.fixture(params=[TABLES, WHOLE], ids=["record by record", "one message in a file"])
def tables(request: pytest.FixtureRequest, load: Load) -> Channel:
    return load(HEAD + request.param)


@pytest.mark.parametrize(
    ("header", "value", "interface"), [("代码,净值", "1.0000", "nav"), ("代码,日增长", "0.5%", "growth")]
)
def test_a_file_is_read_by_the_interface_whose_header_it_has(
    tables: Channel, header: str, value: str, interface: str
) -> None:
    (found,) = tables.adapter.decode(f"{header}\nP1,{value}\n".encode(), "text/csv; charset=utf-8")
    assert isinstance(found, Decoded)
    assert found.interface == interface


def test_a_file_with_the_header_of_none_is_refused_with_what_it_lacks(tables: Channel) -> None:
    with pytest.raises(ContentRefused) as caught:
        list(tables.adapter.decode("代码,份额\nP1,1\n".encode(), "text/csv; charset=utf-8"))
    assert [each.rule for each in caught.value.findings] == ["format.header"]


def test_a_file_that_is_broken_elsewhere_is_not_tried_as_another(load: Load) -> None:
    with pytest.raises(ContentRefused) as caught:
        list(load(HEAD + WHOLE).adapter.decode('代码,净值\n"P1,1.0000\n'.encode(), "text/csv; charset=utf-8"))
    assert [each.rule for each in caught.value.findings] == ["format.record"]
