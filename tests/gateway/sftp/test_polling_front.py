"""The front for files on a running gateway: folders of its own and on partners' servers, reload and stop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.gateway.conftest import BANK, CORE, PARTNER, TRUST, message
from tests.gateway.sftp.partner_server import PASSWORD, serving, write_secret
from xinqiao.message import write_json
from xinqiao.seal import new_key, write_key
from xinqiao_gateway.fronts.sftp.file_front import FileFront
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation

UNSEALED = {"manifest": "none", "seal": "none", "every": 1}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    public = tmp_path / "partner.pub.jwk"
    write_key(new_key("partner-1").public(), public)
    data = tmp_path / "data"
    add_channel(data, "bank", extends="canonical", keys=[public], institution=PARTNER)
    add_channel(data, "core", extends="canonical", keys=[public], institution=CORE)
    return data


def say(data: Path, channel: str, **section: Any) -> None:
    """Write a section into a channel's profile; None takes it out."""
    path = data / "channels" / channel / "channel.yaml"
    profile = yaml.safe_load(path.read_text()) | section
    path.write_text(yaml.safe_dump({name: part for name, part in profile.items() if part is not None}))


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[tuple[Gateway, FileFront]]:
    gateway = Gateway(open_installation(data))
    await gateway.start()
    front = FileFront(gateway)
    await front.start()
    try:
        yield gateway, front
    finally:
        await front.stop()
        await gateway.stop()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


def put(inbox: Path, name: str) -> None:
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / name).write_bytes(write_json(message("kycApplication", f"CASE-{name}", sender=BANK, receiver=TRUST)))
    (inbox / f"{name}.ok").touch()


async def test_a_file_in_the_channels_own_folder_is_accepted_and_answered(data: Path) -> None:
    say(data, "bank", files=UNSEALED)
    own = data / "files" / "bank"
    put(own / "in", "a.json")
    async with running(data) as (_, front):
        await until((own / "archive" / "a.json").exists)
        (watched,) = front.watched()
        assert (watched.channel_id, watched.failures) == ("bank", 0)
    (result,) = (own / "result").iterdir()
    assert result.name == "a.json.result"
    assert b"batchResult" in result.read_bytes()
    assert sorted(each.name for each in (own / "in").iterdir()) == []
    assert list((data / "spool" / "fetched" / "bank").iterdir()) == []


async def test_a_file_on_a_partners_server_is_fetched_accepted_and_answered_there(data: Path, tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        login = {"host_keys": [server.fingerprint], "password_file": "sftp-password"}
        say(data, "bank", files=UNSEALED | {"from": f"sftp://bank@127.0.0.1:{server.port}/", "login": login})
        write_secret(data / "channels" / "bank" / "keys" / "sftp-password", PASSWORD.encode())
        put(server.root, "a.json")
        async with running(data):
            await until((server.root / "archive" / "a.json").exists)
        assert b"batchResult" in (server.root / "result" / "a.json.result").read_bytes()


async def test_a_file_that_is_no_message_is_answered_and_goes_to_the_error_folder(data: Path) -> None:
    say(data, "bank", files=UNSEALED)
    own = data / "files" / "bank"
    put(own / "in", "a.json")
    (own / "in" / "a.json").write_bytes(b"{")
    async with running(data):
        await until((own / "error" / "a.json").exists)
    answer = orjson.loads((own / "result" / "a.json.result").read_bytes())
    assert "rejection" in answer


async def test_a_reload_begins_watching_and_ends_it_and_leaves_other_channels_alone(data: Path) -> None:
    async with running(data) as (gateway, front):
        assert front.watched() == []

        async def reload() -> list[str]:
            await front.reload((await gateway.reload()).channels.names)
            return [each.channel_id for each in front.watched()]

        say(data, "bank", files=UNSEALED)
        say(data, "core", files=UNSEALED)
        assert await reload() == ["bank", "core"]
        put(data / "files" / "bank" / "in", "a.json")
        await until((data / "files" / "bank" / "archive" / "a.json").exists)
        say(data, "core", files=None)
        assert await reload() == ["bank"]
        (watched,) = front.watched()
        assert watched.taken == 1


async def test_a_channel_whose_server_refuses_it_keeps_no_other_from_its_files(data: Path, tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        login = {"host_keys": [f"SHA256:{'A' * 43}"], "password_file": "sftp-password"}
        say(data, "core", files=UNSEALED | {"from": f"sftp://bank@127.0.0.1:{server.port}/", "login": login})
        say(data, "bank", files=UNSEALED)
        put(data / "files" / "bank" / "in", "a.json")
        async with running(data) as (_, front):
            await until((data / "files" / "bank" / "archive" / "a.json").exists)
            await until(lambda: front.watched()[1].failures > 0)
            assert "sftp-password" in front.watched()[1].why  # it is missing: before the host key is looked at


async def test_of_two_that_watch_one_folder_one_looks_and_the_other_takes_over(data: Path) -> None:
    say(data, "bank", files=UNSEALED)
    own = data / "files" / "bank"
    async with running(data) as (gateway, front):
        await until(lambda: front.watched()[0].looked_at is not None)
        other = FileFront(gateway)
        await other.start()
        try:
            await until(lambda: other.watched()[0].elsewhere)
            put(own / "in", "a.json")
            front.wake("bank")
            await until((own / "archive" / "a.json").exists)
            assert other.watched()[0].looked_at is None
            await front.stop()
            put(own / "in", "b.json")
            await until((own / "archive" / "b.json").exists)
            assert not other.watched()[0].elsewhere
        finally:
            await other.stop()


async def test_a_woken_channel_is_looked_into_before_its_time(data: Path) -> None:
    say(data, "bank", files=UNSEALED | {"every": 80_000})
    own = data / "files" / "bank"
    async with running(data) as (_, front):
        await until(lambda: front.watched()[0].looked_at is not None)
        put(own / "in", "a.json")
        front.wake("bank")
        front.wake("core")
        await until((own / "archive" / "a.json").exists)
