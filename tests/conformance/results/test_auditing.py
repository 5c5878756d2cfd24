"""Results that are not what this suite writes over its evidence are not certified, whoever wrote them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.results.derived import DECLARED, derived
from tests.sdk.recording.stage import good_sender, written
from xinqiao.errors import NotValid, SettingsInvalid
from xinqiao.recording import Recording, masked
from xinqiao.testing import TRUST_COMPANY
from xinqiao_conformance.certificates.auditing import require_derived
from xinqiao_conformance.declaration import Declaration, read_declaration
from xinqiao_conformance.judging import judge
from xinqiao_conformance.results.model import Results, parse_results


def declaration(folder: Path, **changes: str) -> Declaration:
    text = DECLARED
    for before, after in changes.items():
        text = text.replace(before, after)
    (folder / "declaration.yaml").write_text(text, encoding="utf-8")
    return read_declaration(folder / "declaration.yaml")


def altered(found: Results, change: Callable[[Any], object]) -> Results:
    said = found.model_dump(mode="json", by_alias=True)
    change(said)
    return parse_results(json.dumps(said).encode())


def requirements(said: Any) -> Any:
    return said["kits"][0]["requirements"]


def first_case(said: Any) -> Any:
    return requirements(said)[0]["cases"][0]


def test_results_of_this_suite_over_their_evidence_are_derived(tmp_path: Path) -> None:
    found = derived(tmp_path)
    declared = declaration(tmp_path)
    about = found.declaration.model_copy(update={"digest": declared.digest})
    require_derived(found, tmp_path / "evidence.jsonl")
    require_derived(derived(tmp_path, declaration=about), tmp_path / "evidence.jsonl", declared)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda said: said["suite"].update(digest="sha256:" + "0" * 64), "are of the suite"),
        (lambda said: said.update(standard="1.1"), "are of standard 1.1"),
        (lambda said: requirements(said).pop(), "lacks what this suite runs"),
        (
            lambda said: max(requirements(said), key=lambda each: len(each["cases"]))["cases"].pop(),
            "lacks what this suite runs",
        ),
        (lambda said: requirements(said)[0].update(level="MAY"), r"lacks what this suite runs: \S+ \(MUST\)"),
        (lambda said: first_case(said).update(negative=not first_case(said)["negative"]), "lacks what this suite runs"),
        (lambda said: first_case(said).update(case="sender.made.up"), "lacks what this suite runs"),
        (lambda said: requirements(said)[0]["cases"].append(first_case(said)), "holds what this suite does not run"),
        (lambda said: said["kits"][0].update(kit="sender/made-up/rest"), "there is no kit"),
        (lambda said: said["declaration"].update(supports=["corrections"]), "lacks what this suite runs"),
        (lambda said: said["evidence"].update(exchanges=1), "exchanges is"),
        (lambda said: said["evidence"].update(root="sha256:" + "0" * 64), "root is"),
        (lambda said: said["declaration"]["subject"].update(institution=TRUST_COMPANY), "institution is"),
    ],
)
def test_results_that_were_changed_by_hand_are_told(tmp_path: Path, change: Callable[[Any], object], why: str) -> None:
    changed = altered(derived(tmp_path), change)
    with pytest.raises(NotValid, match=why):
        require_derived(changed, tmp_path / "evidence.jsonl")


def test_evidence_that_was_changed_is_told(tmp_path: Path) -> None:
    found, evidence = derived(tmp_path), tmp_path / "evidence.jsonl"
    evidence.write_bytes(evidence.read_bytes().replace(b'"attempt":1', b'"attempt":2', 1))
    with pytest.raises(NotValid, match="root is"):
        require_derived(found, evidence)
    evidence.unlink()
    with pytest.raises(SettingsInvalid, match="is not there"):
        require_derived(found, evidence)
    with pytest.raises(NotValid, match="is not masked"):
        require_derived(found, written(good_sender(), tmp_path / "raw.jsonl").path)


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("patience", "patience", "digest"),
        ("示例银行", "别家银行", "subject"),
        ("kits: [", "kits: [receiver/family-trust/rest, ", "kits"),
        ("reach", "supports: [corrections]\nreach", "supports"),
    ],
)
def test_what_was_declared_is_what_is_certified(tmp_path: Path, before: str, after: str, what: str) -> None:
    found, declared = derived(tmp_path), declaration(tmp_path, **{before: after})
    if what != "digest":
        about = found.declaration.model_copy(update={"digest": declared.digest})
        found = derived(tmp_path, declaration=about)
    with pytest.raises(NotValid, match=f"{what} of the results"):
        require_derived(found, tmp_path / "evidence.jsonl", declared)


# --- recordings ------------------------------------------------------------------------------------------------------


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return masked(written(good_sender(), tmp_path / "raw.jsonl"), tmp_path / "evidence.jsonl")


@pytest.mark.parametrize("patience", [None, 60.0])
def test_a_recording_is_judged_again(tmp_path: Path, recording: Recording, patience: float | None) -> None:
    found = judge(declaration(tmp_path), recording, patience)
    assert found.verdict == "passed"
    require_derived(found, recording.path)


@pytest.mark.parametrize(
    "change",
    [
        lambda said: requirements(said)[0].update(cases=[], result="unseen"),
        lambda said: requirements(said).pop(),
        lambda said: first_case(said).update(case="recorded.made_up"),
    ],
)
def test_verdicts_that_do_not_follow_from_a_recording_are_told(
    tmp_path: Path, recording: Recording, change: Callable[[Any], object]
) -> None:
    found = altered(judge(declaration(tmp_path), recording), change)
    with pytest.raises(NotValid, match="not what this suite finds in"):
        require_derived(found, recording.path)


def test_what_a_recording_breaks_is_found_again_where_results_hide_it(tmp_path: Path) -> None:
    stage = good_sender()
    stage.find("kycExpired")["header"]["standardVersion"] = "2.0"
    broken = masked(written(stage, tmp_path / "broken.jsonl"), tmp_path / "evidence.jsonl")
    found = judge(declaration(tmp_path), broken)
    assert found.verdict == "failed"

    def mend(said: Any) -> None:
        said["verdict"] = said["kits"][0]["verdict"] = "passed"
        for each in requirements(said):
            each["result"] = "passed" if each["cases"] else "unseen"
            for case in each["cases"]:
                case.update(result="passed", finding=None)

    with pytest.raises(NotValid, match="not what this suite finds in"):
        require_derived(altered(found, mend), broken.path)
