"""Checks and the rest of the standard: requirements, processes and the page that lists them."""

import subprocess
from pathlib import Path

import pytest
import yaml

from generate import ROOT
from tests.acceptance.test_readme import blocks_of
from xinqiao.recording.checks import checks
from xinqiao.recording.checks.cases import ANSWERS
from xinqiao.standard import field_at, message_types

PAGES = ("docs/conformance/recordings.md", "docs/conformance/recordings.zh-CN.md")
PROCESSES = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "schemas/processes").iterdir()
}
# Not in a process of its own: an account is opened and a loan applied for before there is a case that a process knows.
OUTSIDE = {"accountOpening", "loanApplication"}


def test_every_check_is_of_a_requirement_of_the_standard() -> None:
    known = yaml.safe_load((ROOT / "schemas/requirements/1.0.yaml").read_text(encoding="utf-8"))["requirements"]
    assert {each.requirement for each in checks().values()} <= {each["id"] for each in known}


def test_every_check_says_in_both_languages_what_it_finds() -> None:
    assert all(each.title.zh and each.title.en and each.roles for each in checks().values())


@pytest.mark.parametrize("request_body", ANSWERS)
def test_an_answer_repeats_the_number_of_a_request(request_body: str) -> None:
    number, answers = ANSWERS[request_body]
    assert message_types()[request_body].message_class == "REQUEST"
    assert field_at(request_body, f"{request_body}.{number}")
    assert all(field_at(answer, f"{answer}.{path}") for answer, path in answers.items())


def messages_of(name: str) -> set[str]:
    """Return the message types of a process, with those of what it extends."""
    process = PROCESSES[name]
    own = {each["message"] for each in process.get("transitions", ())}
    items = process.get("items", {}).values()
    own |= {each["message"] for item in items for each in item["transitions"]}
    return own.union(*map(messages_of, process.get("extends", ())))


@pytest.mark.parametrize("request_body", sorted(ANSWERS.keys() - OUTSIDE))
def test_a_request_and_its_answers_stand_in_one_process(request_body: str) -> None:
    answers = set(ANSWERS[request_body][1])
    assert any({request_body} | answers <= messages_of(name) for name in PROCESSES)


def rows(page: str) -> list[list[str]]:
    """Return the rows of a page's table of checks."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.count("|") == 6]


@pytest.mark.parametrize(
    ("page", "language", "seen"), [(PAGES[0], "en", ("yes", "in part")), (PAGES[1], "zh", ("可见", "部分可见"))]
)
def test_the_pages_list_every_check(page: str, language: str, seen: tuple[str, str]) -> None:
    expected = [
        [each.requirement, f"`{each.id}`", getattr(each.title, language), ", ".join(sorted(each.roles)),
         seen[each.veiled]]
        for each in checks().values()
    ]  # fmt: skip
    assert rows(page)[2:] == expected


def test_the_commands_of_the_page_run(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    script = "\n".join(["set -euo pipefail", 'PATH="$PWD/.venv/bin:$PATH"', *blocks_of(PAGES[0])])
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for shown in (
        "ENV-005  message_ids: 不通过 failed",
        "PRV-005  consent: 不通过 failed",
        "MSG-014  document_numbers",
    ):
        assert shown in done.stdout
    assert "not observable in a masked recording" in done.stdout
    assert "已整改 mended: 2" in done.stdout
    assert "header.messageId" in (tmp_path / "judged" / "report.html").read_text(encoding="utf-8")
    assert '"how":"recordings"' in (tmp_path / "certificate.json").read_text(encoding="utf-8")
    assert "王小明" not in (tmp_path / "masked.jsonl").read_text(encoding="utf-8")


def test_both_pages_run_the_same() -> None:
    assert blocks_of(PAGES[0]) == blocks_of(PAGES[1])
    assert blocks_of(PAGES[0])
