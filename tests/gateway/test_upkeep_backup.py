"""Backup and restore: a copy of a gateway that runs is consistent, proved, and whole when it is put back."""

import base64
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from starlette.testclient import TestClient

from tests.gateway.conftest import Site, message
from tests.postgres import _PROGRAMS, Postgres
from xinqiao.errors import KeyUnusable, SealInvalid, SettingsInvalid
from xinqiao.message import Json
from xinqiao.seal import KeyRing, access_token, new_key, write_key
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import open_installation, read_installation
from xinqiao_gateway.journal import Journal
from xinqiao_gateway.upkeep.backup import back_up
from xinqiao_gateway.upkeep.restore import Known, Restored, restore


def unheard(_name: str, _size: int) -> None:
    """Nobody looks."""


@contextmanager
def served(site: Site, data: Path) -> Iterator[Site]:
    with TestClient(build_app(Gateway(open_installation(data)))) as http:
        yield Site(data, site.key, http)


def send(site: Site, count: int, prefix: str) -> list[tuple[Json, Json]]:
    """Send messages of cases of their own; return each with its receipt."""
    sent = [message("kycApplication", f"{prefix}-{number}") for number in range(count)]
    return [(each, orjson.loads(site.send("partner", each).content)["receipt"]) for each in sent]


def page(site: Site, after: int = 0) -> tuple[list[Json], int]:
    """Return what the core reads after a cursor, and the next cursor."""
    path = "/v1/channels/core/messages"
    headers = {"Authorization": f"Bearer {access_token(site.key, path)}"}
    found = site.http.get(path, params={"limit": "500", "after": str(after)}, headers=headers)
    found.raise_for_status()
    read = orjson.loads(found.content)
    return [orjson.loads(base64.b64decode(each["content"])) for each in read["messages"]], int(read["cursor"])


def pulled(site: Site) -> list[Json]:
    """Return what the core reads from the start."""
    return page(site)[0]


def last_chain(data: Path) -> str:
    installation = read_installation(data)
    journal = Journal.open(installation.journal_url, installation.master_key, installation.key, alone=False)
    chain = journal.verify(KeyRing([installation.key.public()])).chain
    journal.close()
    return chain


def test_a_drill_under_load_restores_what_was_accepted_and_partners_go_on(site: Site, tmp_path: Path) -> None:
    before = send(site, 20, "BEFORE")
    effects = {each["header"]["messageId"] for each in pulled(site)}
    manifest = back_up(read_installation(site.data), tmp_path / "backup", unheard, with_master_key=True)
    after = send(site, 5, "AFTER")
    effects |= {each["header"]["messageId"] for each in pulled(site)}
    assert len(effects) == 25
    site.http.__exit__(None, None, None)  # the machine is lost
    found = restore(tmp_path / "backup", tmp_path / "again", Known(chain=manifest["holds"]["chain"]), unheard)
    assert (found.messages, found.breaches, found.knows_chain, found.since) == (20, (), True, 0)
    with served(site, tmp_path / "again") as again:
        for sent, receipt in before:
            assert orjson.loads(again.send("partner", sent).content)["receipt"] == receipt
        resent = [orjson.loads(again.send("partner", sent).content)["receipt"] for sent, _ in after]
        assert [each["acceptedMessageId"] for each in resent] == [each["header"]["messageId"] for each, _ in after]
        # Delivered once more under the same ids: a receiver that knows those sees nothing new.
        handed_out = [each["header"]["messageId"] for each in pulled(again)]
        assert (len(handed_out), set(handed_out)) == (25, effects)


def test_a_cursor_of_the_lost_journal_passes_over_nothing_that_is_new(site: Site, tmp_path: Path) -> None:
    send(site, 3, "A")
    back_up(read_installation(site.data), tmp_path / "backup", unheard, with_master_key=True)
    send(site, 4, "LOST")
    _, cursor = page(site)
    restore(tmp_path / "backup", tmp_path / "again", Known(), unheard)
    with served(site, tmp_path / "again") as again:
        new = [sent["header"]["messageId"] for sent, _ in send(again, 4, "NEW")]
        read, _ = page(again, cursor)
        assert [each["header"]["messageId"] for each in read][-4:] == new


def test_what_was_lost_since_a_known_chain_value_is_said(site: Site, tmp_path: Path) -> None:
    send(site, 3, "A")
    back_up(read_installation(site.data), tmp_path / "backup", unheard, with_master_key=True)
    send(site, 3, "B")
    found = restore(tmp_path / "backup", tmp_path / "again", Known(chain=last_chain(site.data)), unheard)
    assert (found.messages, found.knows_chain, found.since, found.is_whole) == (3, False, None, False)
    assert found.accepted_at != ""


def test_the_master_key_stays_elsewhere_and_is_asked_for(site: Site, tmp_path: Path) -> None:
    send(site, 1, "A")
    back_up(read_installation(site.data), tmp_path / "backup", unheard)
    master = (site.data / "keys" / "master.key").read_text()
    assert not [
        each for each in (tmp_path / "backup").rglob("*") if each.is_file() and master.encode() in each.read_bytes()
    ]
    with pytest.raises(KeyUnusable, match="--master-key"):
        restore(tmp_path / "backup", tmp_path / "again", Known(), unheard)
    assert not (tmp_path / "again").exists()
    found = restore(
        tmp_path / "backup", tmp_path / "again", Known(master_key=site.data / "keys" / "master.key"), unheard
    )
    assert found.is_whole
    assert (tmp_path / "again" / "keys" / "master.key").stat().st_mode & 0o777 == 0o600


def test_all_files_of_the_installation_come_back_with_their_rights(site: Site, tmp_path: Path) -> None:
    (site.data / "documents" / "ab").mkdir(parents=True)
    (site.data / "documents" / "ab" / "abcd").write_bytes(b"ciphertext")
    (site.data / "policy").mkdir()
    (site.data / "policy" / "limits.yaml").write_text("rules: []\n")
    back_up(read_installation(site.data), tmp_path / "backup", unheard, with_master_key=True)
    kept = tmp_path / "backup" / "data" / "documents" / "ab" / "abcd"
    assert kept.stat().st_ino == (site.data / "documents" / "ab" / "abcd").stat().st_ino
    restore(tmp_path / "backup", tmp_path / "again", Known(), unheard)

    def described(folder: Path) -> dict[str, tuple[bytes, int]]:
        files = [
            each for each in folder.rglob("*") if each.is_file() and not each.name.startswith(("journal.db", "lock"))
        ]
        return {str(each.relative_to(folder)): (each.read_bytes(), each.stat().st_mode & 0o777) for each in files}

    assert described(tmp_path / "again") == described(site.data)


@pytest.mark.parametrize("damage", ["changed", "missing", "added", "forged", "journal"])
def test_a_backup_that_is_not_what_was_made_is_refused_and_nothing_appears(
    site: Site, tmp_path: Path, damage: str
) -> None:
    send(site, 2, "A")
    backup, settings = tmp_path / "backup", site.data / "gateway.yaml"
    settings.write_text("push_timeout: 5\n")
    back_up(read_installation(site.data), backup, unheard, with_master_key=True)
    known = Known()
    if damage == "changed":
        (backup / "data" / "gateway.yaml").write_text("push_timeout: 6\n")
    elif damage == "missing":
        (backup / "data" / "gateway.yaml").unlink()
    elif damage == "added":
        (backup / "data" / "extra.yaml").write_text("")
    elif damage == "journal":
        os.truncate(backup / "journal.db", 4096)
    else:
        write_key(new_key("gateway-other").public(), tmp_path / "kept.pub.jwk")
        known = Known(key=tmp_path / "kept.pub.jwk")
    with pytest.raises(SealInvalid):
        restore(backup, tmp_path / "again", known, unheard)
    assert not (tmp_path / "again").exists()


def test_a_folder_that_is_not_empty_is_left_alone(site: Site, tmp_path: Path) -> None:
    back_up(read_installation(site.data), tmp_path / "backup", unheard, with_master_key=True)
    for at in (tmp_path / "backup", site.data / "inside"):
        with pytest.raises(SettingsInvalid):
            back_up(read_installation(site.data), at, unheard)
    with pytest.raises(SettingsInvalid, match="not empty"):
        restore(tmp_path / "backup", site.data, Known(), unheard)
    with pytest.raises(SettingsInvalid, match="manifest"):
        restore(tmp_path, tmp_path / "again", Known(key=site.data / "keys" / "gateway.pub.jwk"), unheard)


def test_a_postgresql_journal_is_dumped_and_restored(
    site: Site, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{_PROGRAMS}{os.pathsep}{os.environ['PATH']}")
    (site.data / "gateway.yaml").write_text(orjson.dumps({"journal_url": postgres.url()}).decode())
    with served(site, site.data) as first:
        sent = send(first, 10, "A")
        back_up(read_installation(site.data), tmp_path / "backup", unheard, with_master_key=True)
    empty = postgres.url()
    found = restore(tmp_path / "backup", tmp_path / "again", Known(journal_url=empty), unheard)
    assert (found.messages, found.is_whole) == (10, True)
    (tmp_path / "again" / "gateway.yaml").write_text(orjson.dumps({"journal_url": empty}).decode())
    with served(site, tmp_path / "again") as again:
        for message_, receipt in sent:
            assert orjson.loads(again.send("partner", message_).content)["receipt"] == receipt
    shutil.rmtree(tmp_path / "again")
    with pytest.raises(SettingsInvalid, match="not empty"):
        restore(tmp_path / "backup", tmp_path / "again", Known(journal_url=empty), unheard)


def test_without_the_programs_of_postgresql_it_says_what_to_do(
    site: Site, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site.data / "gateway.yaml").write_text(orjson.dumps({"journal_url": postgres.url()}).decode())
    with served(site, site.data):
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(SettingsInvalid, match=r"pg_dump is not installed; docs/operations\.md"):
            back_up(read_installation(site.data), tmp_path / "backup", unheard)


def test_whole_means_that_nothing_is_missing() -> None:
    found = Restored(1, 1, "2026-11-23T00:00:00Z", "00", (), None, None, 0)
    assert found.is_whole


def test_files_that_partners_take_away_meanwhile_fail_no_backup(site: Site, tmp_path: Path) -> None:
    folder, spool = site.data / "files" / "partner" / "out", site.data / "spool" / "fetched"
    names = [f"F{number:03}.csv" for number in range(20)]
    for place in (folder, spool):
        place.mkdir(parents=True)
        for name in names:
            (place / name).write_text("a,b")

    def step(name: str, _size: int) -> None:
        if name.endswith(names[9]):  # the folder goes with what is in it
            shutil.rmtree(folder)

    manifest = back_up(read_installation(site.data), tmp_path / "backup", step)
    saved = [name for name in manifest["files"] if "/files/" in name or "spool" in name]
    assert saved == [f"data/files/partner/out/{name}" for name in names[:10]]
