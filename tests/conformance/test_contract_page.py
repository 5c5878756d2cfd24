"""The page of the contract says what the suite does, in both languages."""

import re
from pathlib import Path

import pytest

from xinqiao.seal import new_key
from xinqiao.testing import BANK, TRUST_COMPANY
from xinqiao_conformance.benches.subject import Prepared

PAGES = Path(__file__).parents[2] / "docs" / "conformance"
NAMES = ("contract.md", "contract.zh-CN.md")


def page(name: str) -> str:
    return (PAGES / name).read_text(encoding="utf-8")


def terms(text: str) -> set[str]:
    """Return what is set as code: names, requests, statuses."""
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)))


@pytest.mark.parametrize("name", NAMES)
def test_it_names_the_environment_that_a_subject_is_given(name: str, tmp_path: Path) -> None:
    given = Prepared(tmp_path, new_key("subject-1"), new_key("gateway-1"), BANK, TRUST_COMPANY, test=True)
    assert terms(page(name)) >= given.environment("http://127.0.0.1:1").keys()


def test_both_languages_name_the_same() -> None:
    assert terms(page(NAMES[0])) == terms(page(NAMES[1]))


def test_both_languages_show_the_same_messages() -> None:
    english, chinese = (re.findall(r"```json\n(.*?)```", page(name), re.DOTALL) for name in NAMES)
    assert english == chinese
