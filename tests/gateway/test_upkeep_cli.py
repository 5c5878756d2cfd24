"""The commands of upkeep, on an installation that a gateway serves meanwhile."""

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tests.gateway.conftest import Site, message
from xinqiao.errors import MalformedQuery, SealInvalid, SettingsInvalid
from xinqiao_gateway.calendars import CHINA
from xinqiao_gateway.cli import upkeep
from xinqiao_gateway.cli.journal import verify
from xinqiao_gateway.installation import read_installation, serving_alone
from xinqiao_gateway.journal import Journal

app = typer.Typer()
for name in upkeep.__all__:
    app.command(name.replace("_", "-"))(getattr(upkeep, name))
app.command("verify")(verify)


def run(*arguments: object, status: int = 0) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result.stdout


def asked(*arguments: object, status: int = 0) -> Any:
    return json.loads(run(*arguments, "--json", status=status))


def fill(site: Site, count: int = 3) -> None:
    """Send messages and acknowledge them as the core."""
    for number in range(count):
        assert site.send("partner", message("kycApplication", f"C{number}")).status_code == 202
    installation = read_installation(site.data)
    journal = Journal.open(installation.journal_url, installation.master_key, installation.key, alone=False)
    asyncio.run(acknowledge_all(journal))
    journal.close()


async def acknowledge_all(journal: Journal) -> None:
    waiting = await journal.waiting("core", 0, 1000)
    await journal.acknowledge("core", waiting[-1].cursor)


def test_archive_verify_and_unarchive(site: Site, tmp_path: Path) -> None:
    fill(site)
    data, to = ("--data", site.data), ("--to", tmp_path / "out")
    assert asked("archive", *data, *to, "--keep", "P1D") == {"files": [], "blocked_by": None}
    (file,) = asked("archive", *data, *to, "--before", "2999-01-01")["files"]
    key = ("--key", site.data / "keys" / "gateway.pub.jwk")
    assert asked("verify-archive", file, *key)["last_position"] == 3
    assert "verified" in run("verify-archive", file, *key)
    assert asked("unarchive", file, *data)["last_position"] == 3
    assert file in run("archive", *data, *to, "--before", "2999-01-01")
    assert "nothing to archive" in run("archive", *data, *to, "--before", "2999-01-01")
    Path(file).write_bytes(b"")
    with pytest.raises(SealInvalid):
        run("unarchive", file, *data)


def test_verify_and_restore_count_what_they_did_not_look_at(site: Site, tmp_path: Path) -> None:
    fill(site)
    to = tmp_path / "out"
    (file,) = asked("archive", "--data", site.data, "--to", to, "--before", "2999-01-01")["files"]
    assert asked("verify", "--data", site.data)["not_looked_at"] == 3
    unseen = "contents of 3 messages in archives not looked at"
    assert f"verified; 归档内容未查看 {unseen}" in run("verify", "--data", site.data)
    assert asked("verify", "--data", site.data, "--archives", to)["not_looked_at"] == 0
    assert "not looked at" not in run("verify", "--data", site.data, "--archives", to)
    run("backup", "--data", site.data, "--to", tmp_path / "backup", "--with-master-key")
    assert asked("restore", tmp_path / "backup", "--data", tmp_path / "again")["not_looked_at"] == 3
    assert unseen in run("restore", tmp_path / "backup", "--data", tmp_path / "once more")
    Path(file).write_bytes(b"")
    assert "another file" in run("verify", "--data", site.data, "--archives", to, status=1)
    Path(file).unlink()
    assert "cannot be read" in run("verify", "--data", site.data, "--archives", to, status=1)
    run("verify", "--data", site.data, "--archives", tmp_path / "nowhere", status=2)


def test_archive_says_what_it_stops_at(site: Site, tmp_path: Path) -> None:
    site.send("partner", message("kycApplication"))
    arguments = ("archive", "--data", site.data, "--to", tmp_path, "--before", "2999-01-01")
    assert asked(*arguments) == {"files": [], "blocked_by": 1}
    assert "stops at position 1" in run(*arguments)


@pytest.mark.parametrize(
    "when", [(), ("--before", "soon"), ("--keep", "soon"), ("--before", "2026-01-01", "--keep", "P1D")]
)
def test_a_time_that_is_none_is_refused(site: Site, tmp_path: Path, when: tuple[str, ...]) -> None:
    fill(site, 1)
    with pytest.raises(MalformedQuery):
        run("archive", "--data", site.data, "--to", tmp_path, *when)


def test_backup_and_restore(site: Site, tmp_path: Path) -> None:
    fill(site)
    backup, again = tmp_path / "backup", tmp_path / "again"
    said = asked("backup", "--data", site.data, "--to", backup)
    key, master = site.data / "keys" / "gateway.pub.jwk", site.data / "keys" / "master.key"
    given = (backup, "--master-key", master, "--key", key, "--expect-chain")
    found = asked("restore", *given, said["chain"], "--data", again)
    assert (found["messages"], found["whole"], found["since"]) == (3, True, 0)
    lost = run("restore", *given, "00" * 32, "--data", tmp_path / "third", status=1)
    assert "does not hold that chain value" in lost
    shown = run("backup", "--data", site.data, "--to", tmp_path / "fourth")
    assert said["chain"] in shown
    assert "keep that elsewhere" in shown


def test_search_shows_pages(site: Site) -> None:
    fill(site)
    data = ("--data", site.data)
    assert [row["case_id"] for row in asked("search", *data, "--type", "kycApplication")] == ["C0", "C1", "C2"]
    assert [row["position"] for row in asked("search", *data, "--after", 1, "--limit", 1)] == [2]
    assert "there may be more: --after 2" in run("search", *data, "--limit", 2)
    assert asked("search", *data, "--channel", "none") == []


def test_times_of_a_search_take_fractions_and_zones_and_are_china_time_without(site: Site) -> None:
    fill(site, 1)
    data = ("--data", site.data)
    (row,) = asked("search", *data)
    at = datetime.fromisoformat(row["accepted_at"])
    local = at.astimezone(CHINA).replace(tzinfo=None)
    for since, count in ((local, 1), (at, 1), (at.astimezone(CHINA) + timedelta(hours=1), 0)):
        assert len(asked("search", *data, "--since", since.isoformat())) == count
    assert asked("search", *data, "--until", local.isoformat()) == []
    run("search", *data, "--since", "soon", status=2)
    assert local.isoformat(timespec="milliseconds") + "+08:00" in run("search", *data)


def test_upgrade_says_from_what_to_what(site: Site) -> None:
    fill(site, 1)
    found = asked("upgrade", "--data", site.data, "--dry-run")
    assert (found["needed"], found["before"] == found["after"]) == (False, True)
    assert "already" in run("upgrade", "--data", site.data)


def test_retention_lists_and_does(site: Site) -> None:
    fill(site, 1)
    (site.data / "retention.yaml").write_text("attempts: P1D\n")
    assert asked("retention", "--data", site.data, "--dry-run")["forgotten"]["attempts"] == 0
    assert "nothing is over its time" in run("retention", "--data", site.data)


def test_the_space_of_archived_contents_is_given_back(site: Site, tmp_path: Path) -> None:
    fill(site, 100)
    data = ("--data", site.data)
    run("archive", *data, "--to", tmp_path / "out", "--before", "2999-01-01")
    before, after = asked("compact", *data).values()
    assert after < before
    with serving_alone(site.data), pytest.raises(SettingsInvalid, match="another gateway serves"):
        run("compact", *data)


def test_a_folder_without_a_journal_is_said_so(tmp_path: Path) -> None:
    for command in (("search",), ("archive", "--to", tmp_path, "--keep", "P1D"), ("upgrade",), ("retention",)):
        with pytest.raises(SettingsInvalid, match="no installation"):
            run(*command, "--data", tmp_path / "nothing")
