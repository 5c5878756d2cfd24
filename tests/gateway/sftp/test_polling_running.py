"""A poller that runs: started, woken, stopped, with a server that goes away."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.gateway.sftp.inboxes import BIG, Place, local, remote, until
from tests.gateway.sftp.partner_server import PartnerServer, serving
from xinqiao.errors import HostUntrusted
from xinqiao_gateway.fronts.sftp.polling import Facts


def test_what_a_crash_left_in_the_spool_is_not_believed(tmp_path: Path) -> None:
    here = local(tmp_path)
    here.put("a", b"content")

    async def ran() -> None:
        async with here.polled() as poller:
            entry = next(each for each in here.folder.entries("in") if each.name == "a")
            left = poller._spool.path(Facts("bank", "a", entry.size, entry.modified))
            left.parent.mkdir()
            left.write_bytes(b"\0\0\0")
            poller.start()
            await until(lambda: here.ledger.names == ["a"])

    asyncio.run(ran())
    assert here.ledger.seen == [("a", b"content")]


def test_a_poller_looks_again_when_it_is_woken_and_ends_when_it_is_stopped(place: Callable[..., Place]) -> None:
    here = place(every=80_000)

    async def ran() -> None:
        async with here.polled() as poller:
            poller.start()
            await until(lambda: poller.watched.looked_at is not None)
            here.put("a")
            poller.wake()
            await until(lambda: here.ledger.names == ["a"])

    asyncio.run(ran())
    assert here.tree()["archive"] == ["a", "a.ok"]


def test_a_server_that_goes_away_and_comes_back_is_read_again(tmp_path: Path) -> None:
    with serving(tmp_path) as first:
        here = remote(first, tmp_path, every=1)
        here.put("a")
        here.look()
        here.put("b")

    async def ran() -> list[Any]:
        with capture_logs() as logs:
            async with here.polled() as poller:
                poller.start()
                for failures in (1, 2, 3):
                    await until(lambda failures=failures: poller.watched.failures >= failures)  # type: ignore[misc]
                    poller.wake()
                with serving(tmp_path, port=first.port, host_key=first.host_key):
                    poller.wake()
                    await until(lambda: here.ledger.names == ["a", "b"])
                    await until(lambda: poller.watched.failures == 0)
        return logs

    logs = asyncio.run(ran())
    assert [each["reason"] for each in logs if each["event"] == "alarm"] == ["destination_down"]
    assert any(each["event"] == "files are taken again" for each in logs)


def test_a_server_that_is_not_the_partners_is_told_at_once_and_left_alone(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        here = remote(server, tmp_path, every=1, login={"host_keys": [f"SHA256:{'A' * 43}"]})
        here.put("a")
        with pytest.raises(HostUntrusted):
            here.look()

        async def ran() -> tuple[list[Any], float]:
            with capture_logs() as logs:
                async with here.polled() as poller:
                    poller.start()
                    await until(lambda: poller.watched.failures == 1)
                    return logs, poller._pause(HostUntrusted())

        logs, pause = asyncio.run(ran())
    assert [each["kind"] for each in logs if each["event"] == "alarm"] == ["host_key", "files"]
    assert pause == 900.0
    assert here.ledger.names == []


def test_a_stop_in_the_middle_of_a_fetch_ends_it_and_the_next_start_takes_the_whole(
    server: PartnerServer, tmp_path: Path
) -> None:
    here = remote(server, tmp_path)
    here.put("a", BIG * 4)
    server.behaviour.small = 2_000

    async def ran() -> None:
        async with here.polled() as poller:
            poller.start()
            await until(lambda: here.spool.is_dir() and any(each.stat().st_size for each in here.spool.iterdir()))

    asyncio.run(ran())
    assert here.ledger.names == []
    server.behaviour.small = None
    here.look()
    assert here.ledger.seen == [("a", BIG * 4)]
