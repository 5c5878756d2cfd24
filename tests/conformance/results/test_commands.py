"""The commands over results: what they print, write, and how they end."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.results.commands import Done, command
from tests.conformance.results.derived import DECLARED, derived
from tests.conformance.results.sample import KITS, results
from xinqiao.keys import new_key, write_key
from xinqiao.revocation import new_revocations
from xinqiao.signed import Issuer
from xinqiao_conformance.certificates.issuing import certify as issued
from xinqiao_conformance.results.model import write_results

KEY, OTHER = new_key("body-2026"), new_key("other-2026")
ASSOCIATION = ("示例行业协会", "51100000500000005N")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with keys, results that passed and results that failed."""
    write_key(KEY, tmp_path / "body.jwk")
    write_key(KEY.public(), tmp_path / "body-public.jwk")
    write_key(OTHER.public(), tmp_path / "other-public.jwk")
    write_key(OTHER, tmp_path / "other.jwk")
    derived(tmp_path, name="passed.json")
    derived(tmp_path, ["ENV-005", "MSG-019"], name="failed.json")
    return tmp_path


def certify(folder: Path, of: str = "passed.json", *more: str) -> Done:
    issuer = ("--issuer", ASSOCIATION[0], "--institution", ASSOCIATION[1])
    to = ("--to", folder / "certificate.json")
    return command("certify", folder / of, "--key", folder / "body.jwk", *issuer, *to, *more)


def verify(folder: Path, *more: str | Path, key: str = "body-public.jwk") -> Done:
    return command("verify", folder / "certificate.json", "--issuer-key", folder / key, *more)


def said(done: Done) -> Any:
    return json.loads(done.out)


@pytest.mark.parametrize("name", ["report", "compare", "certify", "verify", "registry", "registry add"])
def test_every_command_explains_itself_in_both_languages(name: str) -> None:
    done = command(*name.split(), "--help")
    assert done.code == 0
    assert any("一" <= each <= "鿿" for each in done.out)


def test_a_report_is_four_files(folder: Path) -> None:
    done = command("report", folder / "failed.json", "--to", folder / "out", "--json")
    names = ["report.html", "junit.xml", "badge.svg", "badge.en.svg"]
    assert said(done) == {"verdict": "failed", "files": [str(folder / "out" / each) for each in names]}
    assert sorted(each.name for each in (folder / "out").iterdir()) == sorted(names)
    people = command("report", folder / "failed.json", "--to", folder / "out")
    assert people.out.split() == [str(folder / "out" / each) for each in names]


def test_a_regression_ends_with_1_and_is_told(folder: Path) -> None:
    worse = command("compare", folder / "passed.json", folder / "failed.json")
    assert worse.code == 1
    assert worse.out.splitlines() == [
        "新出现的不符合 newly failing: 2",
        "  sender/family-trust/rest ENV-005  1 个用例 case",
        "  sender/family-trust/rest MSG-019  1 个用例 case（提醒 warning）",
    ]
    better = command("compare", folder / "failed.json", folder / "passed.json", "--json")
    assert (better.code, said(better)["regression"]) == (0, False)
    assert [each["cases"] for each in said(better)["changes"]] == [1, 1]
    assert command("compare", folder / "passed.json", folder / "passed.json").out == "没有变化 nothing changed\n"


def test_another_suite_is_said_first(folder: Path) -> None:
    for name, suite in (("before.json", "0.1.0"), ("later.json", "0.2.0")):
        write_results(results(kits=KITS[:1], suite=suite), folder / name)
    done = command("compare", folder / "before.json", folder / "later.json")
    assert (done.code, done.out.splitlines()[0]) == (0, "注意 note: suite version: 0.1.0 → 0.2.0")


def test_a_certificate_is_issued_and_verified(folder: Path) -> None:
    issued = certify(folder, "passed.json", "--days", "30", "--json")
    assert issued.code == 0
    done = verify(folder, "--results", folder / "passed.json", "--json")
    told = said(done)
    assert (done.code, told["valid"], told["serial"], told["daysLeft"]) == (0, True, said(issued)["serial"], 29)
    people = verify(folder)
    assert people.out.startswith(f"有效 valid  {told['serial']}  示例银行\n")
    assert "no list of revocations was looked at" in people.out


def test_results_that_failed_end_with_1(folder: Path) -> None:
    done = certify(folder, "failed.json")
    assert (done.code, "ENV-005" in done.err) == (1, True)
    assert not (folder / "certificate.json").exists()


def test_a_certificate_that_is_there_is_not_overwritten(folder: Path) -> None:
    certify(folder)
    before = (folder / "certificate.json").read_bytes()
    done = certify(folder)
    assert (done.code, "name another file with --to, or move this one away" in done.err) == (2, True)
    assert (folder / "certificate.json").read_bytes() == before
    assert certify(folder, "passed.json", "--to", str(folder / "another.json")).code == 0


@pytest.mark.parametrize("made", ["certificate", "registry"])
def test_a_mistyped_code_of_an_institution_signs_nothing(folder: Path, made: str) -> None:
    wrong = ("--institution", "51100000500000005H")
    if made == "registry":
        certify(folder)
        done, path = command(*_adding(folder), *wrong), folder / "r.json"
    else:
        done, path = certify(folder, "passed.json", *wrong), folder / "certificate.json"
    assert (done.code, path.exists()) == (2, False)
    assert "issuer.institution: 51100000500000005H is mistyped" in done.err
    assert "check character N is expected" in done.err


def test_a_public_key_given_to_sign_with_is_said_to_be_one(folder: Path) -> None:
    done = certify(folder, "passed.json", "--key", str(folder / "body-public.jwk"))
    assert (done.code, "is a public JWK" in done.err, "chmod" in done.err) == (2, True, False)


def test_results_that_were_changed_by_hand_end_with_1_and_no_certificate(folder: Path) -> None:
    said = json.loads((folder / "failed.json").read_text())
    said["verdict"] = said["kits"][0]["verdict"] = "passed"
    said["kits"][0]["requirements"] = [each for each in said["kits"][0]["requirements"] if each["result"] == "passed"]
    (folder / "mended.json").write_text(json.dumps(said))
    done = certify(folder, "mended.json")
    assert (done.code, "lacks what this suite runs: ENV-005 (MUST)" in done.err) == (1, True)
    assert not (folder / "certificate.json").exists()


def test_results_are_certified_with_the_evidence_and_the_declaration_that_are_named(folder: Path) -> None:
    (folder / "evidence.jsonl").rename(folder / "other.jsonl")
    assert certify(folder).code == 2
    assert certify(folder, "passed.json", "--evidence", str(folder / "other.jsonl")).code == 0
    (folder / "certificate.json").unlink()
    (folder / "declaration.yaml").write_text(DECLARED, encoding="utf-8")
    more = ("--evidence", str(folder / "other.jsonl"), "--declaration", str(folder / "declaration.yaml"))
    done = certify(folder, "passed.json", *more)
    assert (done.code, "digest of the results" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "change", "key", "reason"),
    [
        (("--results", "failed.json"), "", "body-public.jwk", "other_results"),
        ((), "信托直连", "body-public.jwk", "tampered"),
        ((), "{", "body-public.jwk", "malformed"),
        ((), "", "other-public.jwk", "foreign_key"),
        (("--revocations", "revocations.json"), "", "body-public.jwk", "revoked"),
    ],
)
def test_a_certificate_is_refused_with_its_reason(
    folder: Path, arguments: tuple[str, ...], change: str, key: str, reason: str
) -> None:
    serial = said(certify(folder, "passed.json", "--json"))["serial"]
    path = folder / "certificate.json"
    path.write_text(path.read_text().replace(change, "x")) if change else None
    registered = command(*_adding(folder)) if reason == "revoked" else None
    if registered:
        command("registry", "revoke", folder / "r.json", serial, "--reason", "x", "--key", folder / "body.jwk")
        (folder / "revocations.json").write_bytes((folder / "r-revocations.json").read_bytes())
    placed = [folder / each if each.endswith(".json") else each for each in arguments]

    done = verify(folder, *placed, "--json", key=key)
    assert (done.code, said(done)["valid"], said(done)["reason"]) == (1, False, reason)
    people = verify(folder, *placed, key=key)
    assert (people.code, people.out, people.err.splitlines()[0]) == (1, "", f"不可信 refused: {reason}")


def _adding(folder: Path) -> list[str | Path]:
    trusted = ("--issuer-key", folder / "body-public.jwk", "--key", folder / "body.jwk")
    keeper = ("--keeper", ASSOCIATION[0], "--institution", ASSOCIATION[1])
    return ["registry", "add", folder / "r.json", folder / "certificate.json", *trusted, *keeper]


def test_a_list_that_does_not_name_the_certificate_says_of_when_it_is(folder: Path) -> None:
    certify(folder)
    (folder / "empty.json").write_bytes(new_revocations([], Issuer(*ASSOCIATION), KEY))
    done = verify(folder, "--revocations", folder / "empty.json")
    assert (done.code, "not on the list of revocations of 20" in done.out, "is old" in done.out) == (0, True, False)


def test_an_old_list_is_said_to_be_old(folder: Path) -> None:
    certify(folder)
    (folder / "old.json").write_bytes(new_revocations([], Issuer(*ASSOCIATION), KEY, datetime(2026, 1, 22, tzinfo=UTC)))
    done = verify(folder, "--revocations", folder / "old.json")
    assert (done.code, "it is old, get the one of after 2026-02-22" in done.out) == (0, True)
    assert said(verify(folder, "--revocations", folder / "old.json", "--json"))["revocations"] == {
        "issuedAt": "2026-01-22T00:00:00.000000Z",
        "nextUpdate": "2026-02-22T00:00:00.000000Z",
        "stale": True,
    }


def test_a_list_of_who_is_neither_issuer_nor_keeper_is_not_taken(folder: Path) -> None:
    certify(folder)
    (folder / "others.json").write_bytes(new_revocations([], Issuer(*ASSOCIATION), OTHER))
    listed = ("--revocations", folder / "others.json")
    trusted = verify(folder, *listed, "--issuer-key", folder / "other-public.jwk")
    assert (trusted.code, "neither that of the certificate" in trusted.err) == (2, True)
    assert verify(folder, *listed, "--keeper-key", folder / "other-public.jwk").code == 0


def test_a_certificate_of_another_time_is_refused(folder: Path) -> None:
    raw = (folder / "passed.json").read_bytes()
    now = datetime.now(UTC)
    for at, reason in ((now - timedelta(days=2), "expired"), (now + timedelta(days=2), "not_yet_valid")):
        made = issued(raw, Issuer(*ASSOCIATION), KEY, lasting=timedelta(days=1), at=at)
        (folder / "certificate.json").write_bytes(made)
        done = verify(folder, "--json")
        assert (done.code, said(done)["reason"]) == (1, reason)


def test_a_certificate_is_verified_as_of_a_day(folder: Path) -> None:
    """The day ends in China: 16:00 of UTC."""
    raw, issued_at = (folder / "passed.json").read_bytes(), datetime(2026, 3, 2, 15, 59, tzinfo=UTC)
    made = issued(raw, Issuer(*ASSOCIATION), KEY, lasting=timedelta(days=1), at=issued_at)
    (folder / "certificate.json").write_bytes(made)
    ended = {day: verify(folder, "--at", f"2026-03-{day:02}", "--json") for day in (1, 2, 3)}
    assert [done.code for done in ended.values()] == [1, 0, 1]
    assert (said(ended[1])["reason"], said(ended[3])["reason"]) == ("not_yet_valid", "expired")
    assert said(ended[2])["at"] == "2026-03-02T15:59:59.999999Z"
    assert "截至 as of 2026-03-02T15:59:59.999999Z" in verify(folder, "--at", "2026-03-02").out
    for day in ("tomorrow", "2026-02-30", "2026-03-02T10:00:00Z", "0001-01-01", "9999-12-31"):
        wrong = verify(folder, "--at", day)
        assert (wrong.code, wrong.out) in ((2, ""), (1, "")), day
    assert "a day is written 2027-12-01" in verify(folder, "--at", "tomorrow").err


def test_the_registry_is_signed_anew_with_a_new_key(folder: Path) -> None:
    certify(folder)
    command(*_adding(folder))
    refreshing = ("registry", "refresh", folder / "r.json", "--key", folder / "other.jwk")
    assert "foreign_key" in command(*refreshing).err
    assert command(*refreshing, "--keeper-key", folder / "body-public.jwk").code == 0
    listed = ("--revocations", folder / "r-revocations.json")
    assert verify(folder, *listed, "--keeper-key", folder / "other-public.jwk").code == 0
    assert verify(folder, *listed).code == 1


def test_the_registry_is_kept_by_commands(folder: Path) -> None:
    serial = said(certify(folder, "passed.json", "--json"))["serial"]
    added = command(*_adding(folder), "--json")
    assert said(added) == {
        "registry": str(folder / "r.json"),
        "revocations": str(folder / "r-revocations.json"),
        "certificates": 1,
        "revoked": 0,
    }
    assert "already" in command(*_adding(folder)).err

    keeper = ("--keeper-key", folder / "body-public.jwk")
    listed = command("registry", "list", folder / "r.json", *keeper)
    assert listed.out.startswith(f"valid  {serial}  示例银行  sender/family-trust/rest  20")
    revoked = command("registry", "revoke", folder / "r.json", serial, "--reason", "停用", "--key", folder / "body.jwk")
    assert "1 份吊销 revoked" in revoked.out
    [row] = said(command("registry", "list", folder / "r.json", *keeper, "--json"))["entries"]
    assert row["standing"] == "revoked"
    page = command("registry", "page", folder / "r.json", *keeper, "--to", folder / "r.html", "--json")
    assert said(page) == {"page": str(folder / "r.html"), "certificates": 1}
    assert "停用" in (folder / "r.html").read_text()


def test_a_new_registry_needs_to_know_who_keeps_it(folder: Path) -> None:
    certify(folder)
    done = command(*_adding(folder)[:-4])
    assert (done.code, "--keeper" in done.err) == (2, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", "nowhere.json", "--to", "out"),
        ("report", "body.jwk", "--to", "out"),
        ("compare", "passed.json", "nowhere.json"),
        ("verify", "nowhere.json", "--issuer-key", "body-public.jwk"),
        ("verify", "passed.json", "--issuer-key", "nowhere.jwk"),
        ("registry", "list", "nowhere.json", "--keeper-key", "body-public.jwk"),
    ],
)
def test_what_cannot_be_done_ends_with_2(folder: Path, arguments: tuple[str, ...]) -> None:
    done = command(*[folder / each if "." in each or each == "out" else each for each in arguments])
    assert (done.code, done.out) == (2, "")
