"""The command line: what it prints and how it ends."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from xinqiao.errors import OutOfOrder
from xinqiao.seal import SigningKey, new_key, write_key
from xinqiao.testing import BANK, TRUST_COMPANY
from xinqiao_conformance.requirements import requirements

from .conftest import Start


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "xinqiao_conformance", *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


def run_against(url: str, key: Path, *further: str) -> subprocess.CompletedProcess[str]:
    parties = ("--sender", BANK, "--receiver", TRUST_COMPANY)
    return command("run", "--target", url, "--channel", "canonical", "--key", str(key), *parties, *further)


def without_spaces(text: str) -> str:
    return re.sub(r"\s", "", text)


def column(table: str, number: int) -> str:
    """Return what a column of a table holds, without its line breaks."""
    rows = [line.split("│") for line in table.splitlines() if line.startswith("│")]
    return without_spaces("".join(cells[number] for cells in rows))


@pytest.fixture
def gateway_arguments(partner_key: SigningKey, tmp_path: Path) -> list[str]:
    public = tmp_path / "partner-public.jwk"
    write_key(partner_key.public(), public)
    return ["--channel", "canonical", "--partner-key", str(public), "--institution", TRUST_COMPANY]


@pytest.mark.parametrize(
    "arguments", [(), ("run",), ("list",), ("simulate",), ("simulate", "core"), ("simulate", "bank")]
)
def test_every_command_explains_itself(arguments: tuple[str, ...]) -> None:
    shown = command(*arguments, "--help")
    assert (shown.returncode, "Usage:" in shown.stdout) == (0, True)


def test_the_list_for_machines_holds_every_requirement_in_both_languages() -> None:
    listed = json.loads(command("list", "--json").stdout)
    assert listed == [
        {
            "id": each.id,
            "role": each.role,
            "level": each.level,
            "shown_by": each.shown_by,
            "text": each.text.as_json(),
            "source": each.source,
        }
        for each in requirements()
    ]


def test_the_list_for_people_holds_every_sentence_to_its_end() -> None:
    shown = column(command("list").stdout, 5)
    missing = [text for each in requirements() for text in each.text if without_spaces(text) not in shown]
    assert missing == []


def test_a_gateway_that_conforms_ends_with_0_and_a_table(
    start: Start, partner_key_file: Path, gateway_arguments: list[str], tmp_path: Path
) -> None:
    gateway = start("reference-gateway", *gateway_arguments)
    done = run_against(gateway.url, partner_key_file, "--output", str(tmp_path / "out"))
    results = json.loads((tmp_path / "out" / "results.json").read_bytes())
    assert (done.returncode, results["verdict"], done.stderr) == (0, "passed", "")
    assert [row["id"] for row in results["requirements"] if row["id"] not in done.stdout] == []


def test_a_gateway_that_does_not_conform_ends_with_1(
    start: Start, partner_key_file: Path, gateway_arguments: list[str]
) -> None:
    gateway = start("wrong-gateway", "--defect", "accepts-conflicts", *gateway_arguments)
    done = run_against(gateway.url, partner_key_file, "--json")
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (1, "failed")


def test_a_failed_requirement_is_shown_in_both_languages_with_what_was_expected_sent_and_seen(
    start: Start, partner_key_file: Path, gateway_arguments: list[str]
) -> None:
    gateway = start("wrong-gateway", "--defect", "gives-conflicts-another-reason", *gateway_arguments)
    done = run_against(gateway.url, partner_key_file)
    table, _, shown = done.stdout.partition("ENV-003 test_the_same_id_with_other_content_is_refused_as_a_conflict\n")
    assert "未通过 failed" in table
    [text] = [each.text for each in requirements() if each.id == "ENV-003"]
    assert [each for each in text if without_spaces(each) not in column(table, 3)] == []
    expected, sent, seen = shown.splitlines()
    assert expected == "  期望 expected: HTTP 409 with a rejection whose reason is conflict"
    named = json.loads(sent.removeprefix("  发送 sent: "))
    assert (named.keys(), named["messageType"]) == ({"messageType", "messageId", "caseId"}, "kycApplication")
    assert json.loads(seen.removeprefix("  所见 seen: ")) == {
        "status": 409,
        "reason": "out_of_order",
        "text": {"zh": OutOfOrder.text.zh, "en": OutOfOrder.text.en},
    }


def test_findings_of_an_answer_are_shown_as_json(
    start: Start, partner_key_file: Path, gateway_arguments: list[str]
) -> None:
    gateway = start("wrong-gateway", "--defect", "gives-invalid-another-status", *gateway_arguments)
    lines = run_against(gateway.url, partner_key_file).stdout.splitlines()
    seen = [json.loads(line.removeprefix("  所见 seen: ")) for line in lines if line.startswith("  所见 seen: ")]
    assert [(each["status"], each["reason"]) for each in seen] == [(400, "not_valid")] * 2
    assert {"rule", "path", "value", "expected"} in [each.keys() for each in seen[0]["findings"]]


def test_a_key_that_the_channel_does_not_know_ends_with_2(
    start: Start, tmp_path: Path, gateway_arguments: list[str]
) -> None:
    write_key(new_key("stranger-1"), tmp_path / "stranger.jwk")
    done = run_against(start("reference-gateway", *gateway_arguments).url, tmp_path / "stranger.jwk")
    assert (done.returncode, done.stdout) == (2, "")
    assert "reason: signature_invalid: the signature is not valid" in done.stderr
    assert "register the public part of --key with the channel" in done.stderr


def test_a_gateway_that_is_not_there_ends_with_2(partner_key_file: Path) -> None:
    done = run_against("http://127.0.0.1:9", partner_key_file)
    assert (done.returncode, done.stdout) == (2, "")
    assert "could not run: http://127.0.0.1:9 cannot be reached" in done.stderr


def test_an_address_that_is_none_ends_with_2(partner_key_file: Path) -> None:
    done = run_against("localhost:8700", partner_key_file)
    assert (done.returncode, "http://HOST:PORT is expected" in done.stderr) == (2, True)


def test_a_key_that_others_may_read_ends_with_2(partner_key_file: Path) -> None:
    partner_key_file.chmod(0o644)
    done = run_against("http://127.0.0.1:9", partner_key_file)
    assert (done.returncode, "may be read by others" in done.stderr) == (2, True)


def test_an_unknown_defect_names_the_known_ones(gateway_arguments: list[str]) -> None:
    done = command("simulate", "wrong-gateway", "--defect", "none-such", *gateway_arguments)
    assert (done.returncode, "forgets-repeats" in done.stderr) == (2, True)


def test_a_simulator_whose_key_is_missing_says_so_and_ends_with_2(tmp_path: Path) -> None:
    files = ("--key", str(tmp_path / "none.jwk"), "--gateway-key", str(tmp_path / "none.jwk"))
    done = command("simulate", "core", "--gateway", "http://127.0.0.1:9", "--channel", "demo-core", *files)
    assert (done.returncode, "could not run: the key cannot be used" in done.stderr) == (2, True)
