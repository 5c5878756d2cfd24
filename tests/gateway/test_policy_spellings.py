"""Names that look alike are one name; what a rule tests is found however deep it stands."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.errors import SettingsInvalid
from xinqiao_gateway.policy import Policy, import_list
from xinqiao_gateway.policy.comparison import normalised
from xinqiao_gateway.policy.conditions import NUMBERS
from xinqiao_gateway.policy.windows import key_of

DEEP = """\
rules:
  - id: a
    title: {{zh: 甲, en: A}}
    for: kycApplication
    when: [{condition}]
    verdict: {verdict}
"""
NESTED = '{any: "applicant.documents[]", where: [{watch_list: {list: pep, paths: [number]}}]}'


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "unseen",
    "\u034f\u061c\u115f\u1160\u180b\u180e\u180f\u200b\u2066\u206a\u3164\ufe00\ufe0f\ufeff\uffa0\U000e0041\U000e0100\U000e01ef",
)
def test_what_nobody_sees_hides_no_name(unseen: str) -> None:
    assert normalised(f"张{unseen}三") == normalised("张三")


@pytest.mark.parametrize("dot", ["·", ".", "．", "﹒", " . ", "・", "･"])
def test_any_dot_inside_a_chinese_name_is_one_dot(dot: str) -> None:
    assert normalised(f"买买提{dot}吐尔逊") == "买买提·吐尔逊"


def test_a_full_stop_elsewhere_stays() -> None:
    assert [normalised(each) for each in ("1.50", "J. Smith", "张.", "A.三")] == ["1.50", "j.smith", "张.", "a.三"]


@given(st.text(), st.sampled_from("\u034f\ufe00\u200d\U000e0100"))
def test_an_unseen_character_changes_no_comparison_wherever_it_stands(text: str, unseen: str) -> None:
    assert normalised(unseen.join(text)) == normalised("".join(text))


def test_a_list_of_an_older_version_must_be_imported_again(tmp_path: Path) -> None:
    path, _ = import_list(["name", "张三"], None, tmp_path, "pep", digest)
    path.write_text(path.read_text().replace("xinqiao-watch-list-2 ", "xinqiao-watch-list-1 "))
    (tmp_path / "policy.yaml").write_text(DEEP.format(condition=NESTED, verdict="approve"))
    with pytest.raises(SettingsInvalid, match=r"pep\.txt:1: made by another version.*import it again"):
        Policy.load(tmp_path / "policy.yaml", tmp_path, digest)


def test_a_refusal_for_a_watch_list_inside_a_list_must_be_meant_too(tmp_path: Path) -> None:
    import_list(["name", "张三"], None, tmp_path, "pep", digest)
    within = f'{{any: "applicant.documents[]", where: [{NESTED.replace("applicant.documents[]", "pages[]")}]}}'
    for condition in (NESTED, within):
        (tmp_path / "policy.yaml").write_text(DEEP.format(condition=condition, verdict="forbid"))
        with pytest.raises(SettingsInvalid, match="tips the partner off"):
            Policy.load(tmp_path / "policy.yaml", tmp_path, digest)


def test_decimals_of_every_kind_are_alike_where_they_are_equal() -> None:
    assert {"DECIMAL", "QUANTITY", "PERCENTAGE", "RATE", "FACTOR", "COUNT"} == NUMBERS
    body, path = "trustAccountOpened", "annualRate"
    key = key_of(body, (path,), digest, "test")
    one, other = ({"header": {}, body: {path: value}} for value in ("1.5", "1.50"))
    assert key(one) == key(other) is not None
