"""Mails as files in the channel's own folder, and mailboxes that hang."""

import asyncio
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import trustme
from structlog.testing import capture_logs

from tests.gateway.mail.letters import NOTICE, mail, section
from tests.gateway.mail.mailboxes import Box, eventually, install, serving, taken, told
from xinqiao.errors import DestinationDown
from xinqiao_gateway.fronts.mail.folder_mailbox import FolderMailbox
from xinqiao_gateway.fronts.mail.imap_mailbox import ImapMailbox
from xinqiao_gateway.fronts.sftp.local_folder import LocalFolder


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
    drop(data, "2.EML", mail().as_bytes())
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
        with capture_logs() as logged:
            async with serving(data) as gateway:
                assert gateway.journal.healthy()
        silent.settimeout(5)
        connection, _ = silent.accept()
        connection.close()
    assert [each for each in logged if each["log_level"] in {"warning", "error"}] == []


def test_a_file_that_is_being_written_is_not_taken_however_soon_looks_follow_each_other(tmp_path: Path) -> None:
    clock = [0.0]
    mailbox = FolderMailbox(section(), LocalFolder(tmp_path / "files"), lambda: clock[0])
    mailbox.open()
    file = tmp_path / "files" / "in" / "1.eml"
    file.write_bytes(b"From: nav@custodian.example")
    assert [mailbox.waiting() for _ in range(3)] == [[], [], []]
    clock[0] = 0.6
    file.write_bytes(mail().as_bytes())
    assert mailbox.waiting() == []
    clock[0] = 1.2
    assert [each.name for each in mailbox.waiting()] == ["1.eml"]


class Hanging:
    """An IMAP server that lets somebody in, and answers nothing that is asked then."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.authority, self.asked = folder / "hanging.pem", threading.Event()
        authority.cert_pem.write_to_path(self.authority)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(self._context)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listening.accept()
        with self._listening, self._context.wrap_socket(connection, server_side=True) as stream:
            stream.sendall(b"* OK [CAPABILITY IMAP4rev1] hello\r\n")
            with stream.makefile("rb") as lines, suppress(OSError):
                for line in lines:
                    tag, word, *_ = line.split()
                    if word == b"CAPABILITY":
                        stream.sendall(b"* CAPABILITY IMAP4rev1 MOVE\r\n")
                    if word in {b"CAPABILITY", b"LOGIN"}:
                        stream.sendall(tag + b" OK done\r\n")
                    else:
                        self.asked.set()

    def join(self) -> None:
        self._thread.join(20)


async def test_a_server_that_hangs_is_let_go_at_once_by_whoever_does_not_read_from_it(tmp_path: Path) -> None:
    server = Hanging(tmp_path)
    (tmp_path / "password").touch(0o600)
    said = section(**{"from": f"imaps://nav@127.0.0.1:{server.port}/INBOX", "password": "password"})
    said = said.model_copy(update={"authority": str(server.authority)})
    at = said.mailbox
    assert at is not None
    mailbox = ImapMailbox(said, at, tmp_path)
    looking = asyncio.create_task(asyncio.to_thread(mailbox.open))
    assert await asyncio.to_thread(server.asked.wait, 20)
    async with asyncio.timeout(10):  # the answer that it waits for has 30 s
        await asyncio.to_thread(mailbox.abort)
        with pytest.raises(DestinationDown):
            await looking
    mailbox.close()
    server.join()
