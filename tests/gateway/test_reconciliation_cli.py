"""``journal reconcile``: a statement's file through its channel, a table, result messages and proposed repairs."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tests.gateway.reconciling import BANK, TRUST, entry, item, statement
from xinqiao.message import Json, new_message_id, read_json, write_json
from xinqiao.seal import new_key, seal, write_key
from xinqiao.testing import example
from xinqiao.validation import check
from xinqiao_gateway.cli.reconcile import reconcile_command
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import Installation, add_channel, open_installation, read_installation
from xinqiao_gateway.intake import Raw
from xinqiao_gateway.journal import Accepted, Journal

JOURNAL = [entry("A"), entry("B", "7.00", day="2026-01-23"), entry("C", "5.00", day="2026-01-23")]
# Of another time, and of another kind.
ELSEWHERE = [entry("Z", day="2025-11-02"), example("paymentResult", messageId=new_message_id())]
ELSEWHERE[0]["header"]["businessDate"] = "2025-11-02"
LINES = "application/x-ndjson"
ITEMS = [
    item("A"),
    item("B", "6.00", day="2026-01-23"),
    item("D", "2.00", day="2026-01-23", accountNo="1100000000000000001"),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    public = tmp_path / "partner.pub.jwk"
    key = new_key("partner")
    write_key(key.public(), public)
    for channel, code in (("bank", BANK), ("core", TRUST)):
        institution = {"name": channel, "type": "bank", "code": code}
        add_channel(tmp_path / "data", channel, extends="canonical", keys=[public], institution=institution)
    gateway = Gateway(open_installation(tmp_path / "data"))
    content = b"\n".join(map(write_json, [*JOURNAL, *ELSEWHERE]))
    raw = Raw("bank", content, LINES, seal(content, LINES, key).signature)
    acceptance = asyncio.run(gateway.intake.accept(raw))
    gateway.journal.close()
    assert all(isinstance(each, Accepted) for each in acceptance.outcomes)
    return tmp_path / "data"


@contextmanager
def opened(data: Path) -> Iterator[tuple[Journal, Installation]]:
    installation = read_installation(data)
    journal = Journal.open(installation.journal_url, installation.master_key, installation.key, alone=False)
    yield journal, installation
    journal.close()


def run(data: Path, messages: list[Json], *options: str) -> tuple[int, str]:
    file = data.parent / "statement.jsonl"
    file.write_bytes(b"\n".join(map(write_json, messages)))
    app = typer.Typer()
    app.command("reconcile")(reconcile_command(opened))
    done = CliRunner().invoke(
        app, ["--statement", str(file), "--channel", "bank", "--data", str(data), *options], catch_exceptions=True
    )
    return done.exit_code, done.output or str(done.exception)


def test_the_command_tells_the_differences_and_writes_results_and_repairs(data: Path, tmp_path: Path) -> None:
    code, output = run(data, [statement("CASH", ITEMS)], "--out", str(tmp_path / "out"), "--json")
    shown = json.loads(output)
    assert code == 1
    assert shown["outcomes"] == {"DIFFERENT": 1, "MATCHED": 1, "ONLY_HERE": 1, "ONLY_THERE": 1}
    assert shown["causes"] == {"NOT_SENT": 1, "TIMING": 1, "WRONG_AMOUNT": 1}
    assert shown["adds_up"] is True
    (result,) = map(read_json, (tmp_path / "out" / "results.jsonl").read_bytes().splitlines())
    assert check(result) == []
    proposed = [json.loads(each) for each in (tmp_path / "out" / "repairs.jsonl").read_bytes().splitlines()]
    assert sorted((each["action"], each["key"]) for each in proposed) == [("correct", "B"), ("supplement", "D")]


def test_the_command_prints_a_table_without_account_numbers(data: Path) -> None:
    code, output = run(data, [statement("CASH", ITEMS)])
    assert code == 1
    assert "2026-01-23 7.00 CNY" in output
    assert "双方不一致 not agreed" in output
    assert "1100000000000000001" not in output


def test_two_sides_that_agree_end_the_command_with_status_0(data: Path, tmp_path: Path) -> None:
    ours = tmp_path / "ours.jsonl"
    ours.write_bytes(write_json(entry("A")))
    code, output = run(data, [statement("CASH", [item("A")])], "--ours", str(ours))
    assert (code, "双方一致 agreed" in output) == (0, True)


def test_a_file_of_entries_needs_kind_and_period(data: Path) -> None:
    assert "say its kind" in run(data, JOURNAL)[1]
    code, _ = run(data, JOURNAL, "--kind", "CASH", "--from", "2026-01-22", "--to", "2026-01-23")
    assert code == 0


def test_a_statement_that_is_not_valid_is_refused_whole(data: Path) -> None:
    broken = statement("CASH", ITEMS)
    del broken["statement"]["periodEnd"]
    assert "is not valid" in run(data, [broken])[1]
