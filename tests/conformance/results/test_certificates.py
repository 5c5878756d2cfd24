"""What is certified, who is in the registry, and what is not."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.results.sample import FINDINGS, KITS, TESTED, digest, results
from xinqiao.certificate import CertifiedKit, Seen, Subject, verify
from xinqiao.errors import CertificateInvalid, Conflict, MalformedRequest, NotFound, NotValid, SettingsInvalid
from xinqiao.keys import KeyRing, new_key
from xinqiao.revocation import read_revocations
from xinqiao.signed import Issuer, sign_document
from xinqiao.testing import BANK, TRUST_COMPANY
from xinqiao_conformance.certificates.issuing import certify
from xinqiao_conformance.certificates.registry import Registry, read_registry, write_registry
from xinqiao_conformance.certificates.registry_page import registry_page
from xinqiao_conformance.results.model import Results, write_results

BODY, TRUST = new_key("body-2026"), new_key("trust-2026")
KEYS = KeyRing([BODY.public(), TRUST.public()])
ASSOCIATION = Issuer("示例行业协会", "51100000500000005N")
NOW = TESTED + timedelta(hours=1)
DAY = timedelta(days=1)
IDS = [each.id for each in results().kits[0].requirements]


def raw(found: Results) -> bytes:
    return json.dumps(found.model_dump(mode="json", by_alias=True)).encode()


def certificate(at: datetime = NOW, days: int = 365, **about: Any) -> bytes:
    return certify(raw(results(**about)), ASSOCIATION, BODY, lasting=days * DAY, at=at)


def test_a_certificate_counts_what_was_seen_and_is_bound_to_the_results() -> None:
    found = results(["MSG-019"], unseen=["ENV-005"], how="recordings", kits=KITS[:1])
    made = certify(raw(found), ASSOCIATION, BODY, at=NOW)

    seen = verify(made, KEYS, at=NOW, results=raw(found)).seen
    tested = len(found.kits[0].requirements)
    assert seen == Seen(
        subject=Subject("示例银行", BANK, "信托直连", "2.3"),
        standard="1.0",
        kits=(CertifiedKit(KITS[0], tested - 2, 1, 1, (tested - 1) * 3, (tested - 1) * 2),),
        suite=digest("suite 0.1.0"),
        declaration=digest("declaration"),
        results=seen.results,
        root=digest("evidence"),
        exchanges=312,
        how="recordings",
        tested_at=TESTED,
        supports=("corrections", "pull"),
    )
    with pytest.raises(CertificateInvalid, match="other_results"):
        verify(made, KEYS, at=NOW, results=raw(results()))


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"failing": FINDINGS}, "sender/family-trust/rest ENV-005, sender/family-trust/rest ENV-011"),
        ({"unseen": IDS, "kits": KITS[:1]}, "nothing was run"),
        ({"kits": []}, "nothing was run"),
    ],
)
def test_results_that_failed_are_not_certified(about: dict[str, Any], said: str) -> None:
    with pytest.raises(NotValid, match=said):
        certify(raw(results(**about)), ASSOCIATION, BODY, at=NOW)


def test_results_whose_verdict_was_mended_by_hand_are_not_certified() -> None:
    with pytest.raises(MalformedRequest, match="say otherwise"):
        certify(raw(results(["ENV-005"])).replace(b'"failed"', b'"passed"', 1), ASSOCIATION, BODY, at=NOW)


def test_a_run_may_be_one_of_a_channel_and_recordings_may_not() -> None:
    made = certify(raw(results()), ASSOCIATION, BODY, channel=True, at=NOW)
    assert verify(made, KEYS, at=NOW).seen.how == "channel"
    with pytest.raises(SettingsInvalid, match="nothing was sent"):
        certify(raw(results(how="recordings")), ASSOCIATION, BODY, channel=True, at=NOW)


# --- the registry ----------------------------------------------------------------------------------------------------


@pytest.fixture
def registry() -> Registry:
    return Registry(ASSOCIATION).add(certificate(), KEYS, NOW)


def serial_of(made: bytes) -> str:
    return str(json.loads(made)["certificate"]["serial"])


def test_a_registry_is_read_as_it_was_written(registry: Registry, tmp_path: Path) -> None:
    more = certify(raw(results(name="示例农商行")), Issuer("示例信托公司", TRUST_COMPANY), TRUST, at=NOW)
    registry = registry.add(more, KEYS, NOW)
    registry = registry.revoke(serial_of(more), "withdrawn", NOW + DAY)
    revocations = write_registry(registry, tmp_path / "registry.json", BODY, NOW + DAY)

    again = read_registry(tmp_path / "registry.json", KEYS)
    assert again == registry
    assert again.as_json(NOW + 2 * DAY)["entries"][1]["standing"] == "revoked"
    assert revocations.name == "registry-revocations.json"
    listed = read_revocations(revocations.read_bytes(), KEYS)
    with pytest.raises(CertificateInvalid, match=r"revoked: .* withdrawn"):
        verify(more, KEYS, at=NOW + 2 * DAY, revocations=listed, keepers=KeyRing([BODY.public()]))


def test_a_certificate_stands_as_its_time_and_its_revocation_say(registry: Registry) -> None:
    [(serial, entry)] = registry.entries.items()
    moments = (NOW - DAY, NOW, NOW + 364 * DAY, NOW + 365 * DAY)
    assert [registry.standing(entry, at) for at in moments] == ["not_yet_valid", "valid", "valid", "expired"]
    assert registry.revoke(serial, "withdrawn", NOW).standing(entry, NOW) == "revoked"


@pytest.mark.parametrize(
    ("made", "keys", "because"),
    [
        (certificate(days=1), KEYS, "expired"),
        (certificate(NOW + 3 * DAY), KEYS, "not_yet_valid"),
        (certificate(), KeyRing([TRUST.public()]), "foreign_key"),
        (certificate().replace(b"2.3", b"2.4"), KEYS, "tampered"),
        (b"{}", KEYS, "malformed"),
    ],
)
def test_only_a_valid_certificate_is_added(made: bytes, keys: KeyRing, because: str) -> None:
    with pytest.raises(CertificateInvalid) as caught:
        Registry(ASSOCIATION).add(made, keys, NOW + 2 * DAY)
    assert caught.value.because == because


def test_a_certificate_is_added_and_revoked_once(registry: Registry) -> None:
    made = certificate()
    serial, registry = serial_of(made), registry.add(made, KEYS, NOW)
    with pytest.raises(Conflict, match=serial):
        registry.add(made, KEYS, NOW)
    with pytest.raises(NotFound, match="XQC-1"):
        registry.revoke("XQC-1", "x")
    with pytest.raises(Conflict, match=serial):
        registry.revoke(serial, "x").revoke(serial, "x")


@pytest.mark.parametrize(
    ("change", "because"),
    [
        (lambda text: text.replace("示例银行", "别家银行"), "tampered"),
        (lambda text: text.replace('"revoked":[]', '"revoked":{}'), "malformed"),
        (lambda text: text + " ", "malformed"),
    ],
)
def test_a_registry_that_was_changed_is_refused(
    registry: Registry, tmp_path: Path, change: Callable[[str], str], because: str
) -> None:
    path = tmp_path / "registry.json"
    write_registry(registry, path, BODY, NOW)
    path.write_text(change(path.read_text()))
    with pytest.raises(CertificateInvalid) as caught:
        read_registry(path, KEYS)
    assert caught.value.because == because


def test_a_keeper_cannot_put_words_into_the_mouth_of_an_issuer(registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "registry.json"
    write_registry(registry, path, BODY, NOW)
    content = json.loads(path.read_text().replace("示例银行", "别家银行"))["registry"]
    path.write_bytes(sign_document("registry", content, ASSOCIATION, BODY, NOW))
    with pytest.raises(CertificateInvalid, match="tampered"):
        read_registry(path, KEYS)


def test_a_registry_is_one_of_its_keeper(registry: Registry, tmp_path: Path) -> None:
    write_registry(registry, tmp_path / "registry.json", BODY, NOW)
    with pytest.raises(CertificateInvalid, match="foreign_key"):
        read_registry(tmp_path / "registry.json", KeyRing([TRUST.public()]))


def test_a_registry_that_cannot_be_written_leaves_the_old_one(registry: Registry, tmp_path: Path) -> None:
    (serial,) = registry.entries
    path = tmp_path / "registry.json"
    write_registry(registry, path, BODY, NOW)
    before = path.read_bytes()
    with pytest.raises(SettingsInvalid, match=r"revocations\.revoked\.0\.reason"):
        write_registry(registry.revoke(serial, "two\nlines"), path, BODY, NOW)
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["registry-revocations.json", "registry.json"]


def test_the_page_answers_who_conforms_to_what(registry: Registry) -> None:
    (serial,) = registry.entries
    other = certificate(name="示例保险", institution="91440300100000001W", kits=["sender/insurance-trust/rest"])
    registry = registry.add(other, KEYS, NOW)

    page = registry_page(registry, NOW)
    by_kit = page[page.index('id="kits"') : page.index('id="institutions"')]
    assert f'<a href="#{serial}">示例银行</a>' in by_kit
    assert f'<a href="#{serial_of(other)}">示例保险</a>' in by_kit

    later = registry_page(registry.revoke(serial, "<b>withdrawn</b>", NOW), NOW + DAY)
    assert "示例银行" not in later[later.index('id="kits"') : later.index('id="institutions"')]
    assert "&lt;b&gt;withdrawn" in later
    assert "已吊销" in later
    assert "No certificate is valid now" in registry_page(registry, NOW + 400 * DAY)


def test_what_a_subject_is_called_is_shown_and_unseen() -> None:
    name = '"><img src=x onerror=alert(1)>'
    page = registry_page(Registry(Issuer(name, BANK)).add(certificate(name=name), KEYS, NOW), NOW)
    assert "<img" not in page
    assert page.count("&lt;img src=x") >= 3


def test_two_certificates_of_one_serial_are_no_registry(registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "registry.json"
    write_registry(registry, path, BODY, NOW)
    content = json.loads(path.read_text())["registry"]
    content["entries"] *= 2
    path.write_bytes(sign_document("registry", content, ASSOCIATION, BODY, NOW))
    with pytest.raises(CertificateInvalid, match="malformed: two certificates"):
        read_registry(path, KEYS)


def test_a_page_of_an_empty_registry_says_so() -> None:
    assert "There is no certificate in the registry yet" in registry_page(Registry(ASSOCIATION), datetime.now(UTC))


def test_results_are_certified_as_they_are_in_the_file(tmp_path: Path) -> None:
    write_results(results(), tmp_path / "results.json")
    content = (tmp_path / "results.json").read_bytes()
    made = certify(content, ASSOCIATION, BODY, at=NOW)
    assert verify(made, KEYS, at=NOW, results=content)
    with pytest.raises(CertificateInvalid, match="other_results"):
        verify(made, KEYS, at=NOW, results=content.replace(b"  ", b" "))
