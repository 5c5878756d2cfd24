"""``channel new`` and ``channel confirm`` as people type them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xinqiao_adapters.loader import load_profile
from xinqiao_adapters.onboarding.confirmation import unconfirmed
from xinqiao_gateway.cli import app

SAMPLE = """\
<NavNtc>
  <Head><TranDate>20260131</TranDate><SeqNo>S-1</SeqNo></Head>
  <Body><ProdCode>P1</ProdCode><NavDate>20260131</NavDate><UnitNav>1.0023</UnitNav></Body>
</NavNtc>
"""


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    return result.exit_code, result.output


@pytest.fixture
def sample(tmp_path: Path) -> str:
    path = tmp_path / "nav.xml"
    path.write_text(SAMPLE, encoding="utf-8")
    return str(path)


def test_a_draft_is_printed_with_what_to_do_next(sample: str, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    status, output = run("channel", "new", "my-bank", "--from", sample, "--data", data)
    assert status == 0
    for said in ("nav_report: navReport 净值报告", "Body/UnitNav", "nav_report.xml: 1 messages", "institution.code"):
        assert said in output


def test_a_draft_is_printed_for_machines_and_confirmed_step_by_step(sample: str, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    _, output = run("channel", "new", "my-bank", "--from", sample, "--message", "navReport", "--data", data, "--json")
    (interface,) = json.loads(output)["interfaces"]
    assert {row["path"]: row.get("from") for row in interface["rows"]} == {
        "header.businessDate": "Head/TranDate",
        "header.partnerSerial": "Head/SeqNo",
        "instrument.code": "Body/ProdCode",
        "navDate": "Body/NavDate",
        "unitNav": "Body/UnitNav",
    }
    confirm = ("channel", "confirm", "my-bank", "--by", "张三", "--data", data, "--json")
    _, output = run(*confirm, "--row", "navDate", "--row", "unitNav")
    assert json.loads(output) == {
        "channel": "my-bank",
        "confirmed": ["interfaces.nav_report.map.navDate", "interfaces.nav_report.map.unitNav"],
    }
    assert run(*confirm, "--interface", "nav_report")[0] == 0
    assert unconfirmed(load_profile("my-bank", [tmp_path / "data/channels"]).profile) == []


def test_a_confirmation_says_which(sample: str, tmp_path: Path) -> None:
    status, output = run("channel", "confirm", "my-bank", "--by", "张三", "--data", str(tmp_path))
    assert status == 2
    assert "--interface, --row or --all-above" in output
