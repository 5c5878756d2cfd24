"""Keys that change, and a master key that no file holds: evidence and backups are as good as before."""

import asyncio
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import orjson
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from tests.gateway.conftest import Site, message
from tests.gateway.test_config import Remote
from xinqiao.errors import KeyUnusable, SealInvalid, SettingsInvalid
from xinqiao.evidence import verify_receipt
from xinqiao.seal import KeyRing, open_seal, seal
from xinqiao_gateway.cli import app
from xinqiao_gateway.configuration import inspect_installation
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.fronts.rest.serving import listen
from xinqiao_gateway.fronts.rest.serving import run as serve
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation, read_installation
from xinqiao_gateway.journal import Journal, vault
from xinqiao_gateway.upkeep import backup as backing_up
from xinqiao_gateway.upkeep.archiving import Archiving, silent
from xinqiao_gateway.upkeep.backup import back_up
from xinqiao_gateway.upkeep.restore import Known, restore

RUNNER = CliRunner()
LATER = "2999-01-01"


def unheard(_name: str, _size: int) -> None:
    """Hear nothing."""


def rotate(data: Path, *, keep: bool) -> None:
    keys = data / "keys"
    (keys / "former").mkdir(mode=0o700)
    (keys / "gateway.pub.jwk").rename(keys / "former" / "1.jwk" if keep else data.parent / "lost.jwk")
    (keys / "gateway.jwk").unlink()
    open_installation(data)


@pytest.fixture
def stopped(site: Site) -> Path:
    """Return an installation that accepted something and was stopped, everything delivered."""
    assert site.send("partner", message("kycApplication")).status_code == 202
    site.http.__exit__(None, None, None)
    return site.data


def run(*arguments: str) -> tuple[int, str]:
    done = RUNNER.invoke(app, list(arguments))
    return done.exit_code, done.output


def test_evidence_is_verified_with_the_keys_of_before(stopped: Path, tmp_path: Path) -> None:
    rotate(stopped, keep=True)
    assert run("journal", "verify", "--data", str(stopped))[0] == 0
    assert inspect_installation(stopped) == []
    back_up(read_installation(stopped), tmp_path / "backup", unheard, with_master_key=True)
    assert restore(tmp_path / "backup", tmp_path / "again", Known(), unheard).breaches == ()


def test_a_key_of_before_that_is_gone_is_a_problem(stopped: Path) -> None:
    rotate(stopped, keep=False)
    (problem,) = inspect_installation(stopped)
    assert "batch 1 is signed by a key that is not here" in str(problem)
    assert run("journal", "verify", "--data", str(stopped))[0] == 1


def test_an_archive_outlives_the_key_that_sealed_it(stopped: Path, tmp_path: Path) -> None:
    installation = read_installation(stopped)
    journal = Journal.open(installation.journal_url, installation.master_key, installation.key)
    with journal.reading.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE deliveries SET state = 'delivered'")
    (file,) = asyncio.run(Archiving(journal, installation.key).archive(LATER, tmp_path / "out"))
    journal.close()
    rotate(stopped, keep=True)
    assert run("journal", "verify-archive", str(file), "--data", str(stopped))[0] == 0
    assert run("journal", "unarchive", str(file), "--data", str(stopped))[0] == 0
    installation = read_installation(stopped)
    journal = Journal.open(installation.journal_url, installation.master_key, installation.key)
    former = installation.former_keys
    assert len(asyncio.run(Archiving(journal, installation.key, silent, former).archive(LATER, tmp_path / "b"))) == 1
    with pytest.raises(SealInvalid):
        asyncio.run(Archiving(journal, installation.key).unarchive(file))
    journal.close()
    assert len(installation.verifying_keys) == 2
    assert isinstance(installation.verifying_keys, KeyRing)


# --- a master key that is kept elsewhere ----------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a new installation whose master key a package keeps, with its journal begun."""
    monkeypatch.setattr(EntryPoint, "load", lambda _each: Remote)
    offered = EntryPoints([EntryPoint("kms", "any:Remote", "xinqiao.master_key")])
    monkeypatch.setattr(vault, "entry_points", lambda **_group: offered)
    data, institution = tmp_path / "kept", {"name": "信托核心", "type": "trust-company", "code": "913100001000100012"}
    add_channel(data, "core", extends="canonical", keys=[tmp_path / "partner.pub.jwk"], institution=institution)
    (data / "gateway.yaml").write_text("master_key: kms\n")
    Gateway(open_installation(data)).journal.close()
    return data


def test_a_watch_list_is_made_and_checked_with_the_master_key_that_settings_name(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "pep.csv").write_text("name\n张三\n")
    given = ("--name", "pep", "--data", str(kept))
    assert run("policy", "watch-list", "import", str(tmp_path / "pep.csv"), *given)[0] == 0
    (kept / "policy.yaml").write_text(
        "rules:\n  - id: a\n    title: {zh: 甲, en: A}\n    for: kycApplication\n    verdict: approve\n"
        "    when: [{watch_list: {list: pep, paths: [applicant.name]}}]\n"
    )
    assert run("policy", "check", str(kept / "policy.yaml"), "--data", str(kept))[0] == 0
    assert inspect_installation(kept) == []


def test_a_backup_without_a_file_of_the_master_key_is_restored_with_who_keeps_it(kept: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="kms keeps it"):
        back_up(read_installation(kept), tmp_path / "backup", unheard, with_master_key=True)
    back_up(read_installation(kept), tmp_path / "backup", unheard)
    assert restore(tmp_path / "backup", tmp_path / "again", Known(), unheard).is_whole


def test_a_backup_passes_over_a_document_that_is_removed_while_it_runs(
    stopped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = backing_up._files
    names = ["documents/content/aa/gone"]
    monkeypatch.setattr(backing_up, "_files", lambda data, **given: [*found(data, **given), *names])
    manifest = back_up(read_installation(stopped), tmp_path / "backup", unheard)
    assert not any("gone" in name for name in manifest["files"])
    names[:] = ["policy.yaml"]
    with pytest.raises(FileNotFoundError):
        back_up(read_installation(stopped), tmp_path / "other", unheard)


# --- what a start would refuse --------------------------------------------------------------------------------


def test_what_a_start_refuses_a_check_says(stopped: Path) -> None:
    (stopped / "admin.token").write_text("short")
    (stopped / "gateway.yaml").write_text("documents: {largest: {image/none: 5}}\n")
    profile = stopped / "channels" / "partner" / "channel.yaml"
    profile.write_text(profile.read_text() + "limits: {documents: {image/nothing: 5}}\n")
    (stopped / "retention.yaml").write_text("alarms: often\n")
    found = [str(each) for each in inspect_installation(stopped)]
    for place, said in (
        ("admin.token", "less than 32 characters"),
        ("gateway.yaml", "documents.largest: 'image/none' is not"),
        ("channels/partner/channel.yaml", "limits.documents: 'image/nothing' is not"),
        ("retention.yaml", "alarms"),
    ):
        assert any(f"{stopped / place}" in each and said in each for each in found), (place, found)


def test_a_start_that_documents_refuse_leaves_no_journal_open(stopped: Path) -> None:
    (stopped / "gateway.yaml").write_text("documents: {largest: {image/none: 5}}\n")
    installation = open_installation(stopped)
    with pytest.raises(SettingsInvalid, match=r"documents\.largest"):
        Gateway(installation)
    Journal.open(installation.journal_url, installation.master_key, installation.key).close()


def test_a_master_key_that_nobody_offers_is_said(stopped: Path) -> None:
    (stopped / "gateway.yaml").write_text("master_key: nobody\n")
    with pytest.raises(KeyUnusable, match="nobody"):
        _ = read_installation(stopped).master_key


def test_the_keys_of_before_are_published_after_the_present_one(stopped: Path) -> None:
    before = read_installation(stopped).key
    rotate(stopped, keep=True)
    present = read_installation(stopped).key
    with TestClient(build_app(Gateway(open_installation(stopped)))) as http:
        published = orjson.loads(http.get("/v1/keys").content)
    assert published["keys"] == [present.public().jwk(), before.public().jwk() | {"former": True}]
    with pytest.raises(SealInvalid):
        open_seal(seal(b"{}", "application/json", before), KeyRing.from_jwks(published), max_age=None)


def test_an_old_receipt_is_verified_with_the_former_keys_and_not_without(site: Site) -> None:
    receipt = orjson.loads(site.send("partner", message("kycApplication")).content)["receipt"]
    site.http.__exit__(None, None, None)
    kid = read_installation(site.data).key.kid
    rotate(site.data, keep=True)
    with TestClient(build_app(Gateway(open_installation(site.data)))) as http:
        published = orjson.loads(http.get("/v1/keys").content)
    assert verify_receipt(receipt, KeyRing.from_jwks(published, former=True)) == kid
    with pytest.raises(SealInvalid):
        verify_receipt(receipt, KeyRing.from_jwks(published))


def test_a_former_key_that_cannot_be_read_is_said_at_the_start(stopped: Path) -> None:
    rotate(stopped, keep=True)
    (stopped / "keys" / "former" / "2.jwk").write_text("x")
    gateway = Gateway(open_installation(stopped))
    with listen("127.0.0.1", 0) as listener, pytest.raises(KeyUnusable, match=r"2\.jwk is not JSON"):
        serve(gateway, listener, lambda: pytest.fail("it was announced"))
    assert not gateway.journal.healthy()
