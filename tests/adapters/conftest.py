"""A small bank of our own, in XML and in JSON, whose profile each test may change."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from xinqiao.adapter import Decoded
from xinqiao_adapters.channel import Channel, load_channel

HEAD = """\
channel: small-bank
title: {zh: 小银行, en: Small bank}
institution: {name: 小银行, type: bank, code: 91110000100000000R}
receiver: "913100001000100012"
"""

NAV = """\
interfaces:
  nav:
    message: navReport
    direction: both
    format: {kind: xml, root: Nav}
    key: [Head/Seq]
    map:
      Head/Code: {constant: NAV1}
      header.partnerSerial: {from: Head/Seq}
      instrument.code: {from: Body/Prod}
      navDate: {from: Body/Day, date: "%Y%m%d"}
      unitNav: {from: Body/Nav, decimal: 4}
      netAssets.value: {from: Body/Net, amount: fen}
      netAssets.currency: {constant: CNY}
      state: {from: Body/State, codes: state}
codes:
  state: {"1": ESTIMATED, "2": FORMAL, "3": CUSTODIAN_CHECKED}
"""

DOCUMENT = """\
<Nav>
  <Head><Code>NAV1</Code><Seq>S-1</Seq></Head>
  <Body>
    <Prod>P1</Prod>
    <Day>20260131</Day>
    <Nav>1.0023</Nav>
    <Net>1050</Net>
    <State>2</State>
  </Body>
</Nav>
"""

Load = Callable[[str], Channel]


def read(channel: Channel, raw: bytes, content_type: str = "") -> list[Decoded]:
    """Return the messages of an input of which every record can be read."""
    decoded = list(channel.adapter.decode(raw, content_type))
    assert all(isinstance(each, Decoded) for each in decoded)
    return [each for each in decoded if isinstance(each, Decoded)]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a channel from the text of its profile."""

    def load_text(text: str) -> Channel:
        folder = tmp_path / "small-bank"
        folder.mkdir(exist_ok=True)
        (folder / "channel.yaml").write_text(dedent(text), encoding="utf-8")
        return load_channel("small-bank", [tmp_path])

    return load_text


@pytest.fixture
def bank(load: Load) -> Channel:
    return load(HEAD + NAV)
