"""Mails as files in the channel's own folder, and mailboxes that hang."""

import socket
from pathlib import Path

from tests.gateway.mail.letters import NOTICE, mail
from tests.gateway.mail.mailboxes import Box, eventually, install, serving, taken, told


def drop(data: Path, name: str, content: bytes) -> Path:
    """Put a file where mails are looked for, as a careful writer does."""
    folder = data / "files" / "nav" / "in"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.part").write_bytes(content)
    return (folder / f"{name}.part").rename(folder / name)


def names(data: Path, folder: str) -> list[str]:
    found = data / "files" / "nav" / folder
    return sorted(each.name for each in found.iterdir()) if found.is_dir() else []


async def test_mails_in_a_folder_are_taken_once_and_end_where_they_belong(tmp_path: Path) -> None:
    data = install(tmp_path)
    drop(data, "1.eml", mail().as_bytes())
    drop(data, "2.eml", mail().as_bytes())
    drop(data, "3.eml", mail("没有标签", identity="<3@custodian.example>").as_bytes())
    drop(data, "4.eml", mail(sender="nav@stranger.example").as_bytes())
    drop(data, "notes.txt", b"no mail")
    outside = tmp_path / "outside.eml"
    outside.write_bytes(mail(NOTICE.replace("2026-11-20", "2026-11-21")).as_bytes())
    (data / "files" / "nav" / "in" / "5.eml").symlink_to(outside)
    async with serving(data) as gateway:
        await eventually(lambda: names(data, "in") == ["5.eml", "notes.txt"])
        assert (names(data, "done"), names(data, "exceptions")) == (["1.eml", "2.eml"], ["3.eml", "4.eml"])
        assert len(taken(gateway)) == 1
        (said,) = told(gateway)
        assert said.endswith(" from custodian.example: body: content_refused: format.header at /")
        drop(data, "1.eml", mail(NOTICE.replace("2026-11-20", "2026-11-22")).as_bytes())
        await eventually(lambda: names(data, "done") == ["1.1.eml", "1.eml", "2.eml"])
        assert len(taken(gateway)) == 2


async def test_a_mailbox_that_hangs_keeps_neither_the_gateway_nor_its_end_waiting(tmp_path: Path, box: Box) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"imaps://nav@127.0.0.1:{silent.getsockname()[1]}/INBOX"
        data = install(tmp_path, **(box.section | {"from": address}))
        async with serving(data) as gateway:
            assert gateway.journal.healthy()
        silent.settimeout(5)
        connection, _ = silent.accept()
        connection.close()
