"""Debian's dovecot, run as whoever runs the tests, as the mailbox of a channel."""

import getpass
import grp
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
import trustme

from tests.gateway.mail.letters import NOTICE, WORKBOOK, mail
from tests.gateway.mail.mailboxes import PASSWORD, USER, Box, eventually, install, serving, taken, told

CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
default_internal_user = {inner}
default_login_user = {login}
default_internal_group = {group}
first_valid_uid = 0
first_valid_gid = 0
mail_location = maildir:{folder}/mails
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group_of_user} home={folder}/home
}}
"""


def _program() -> str:
    found = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert found, "dovecot is missing: apt-get install dovecot-imapd"
    return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken_for_now:
        return int(taken_for_now.getsockname()[1])


def _configure(folder: Path, port: int) -> Path:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(folder / "certificate.pem", append=True)
    (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    # Dovecot wants nobody's work done as root; who is not root can be himself alone.
    own = getpass.getuser() if os.geteuid() else "mail"
    inner, login = (own, own) if os.geteuid() else ("dovecot", "dovenull")
    group, group_of_user = (grp.getgrgid(pwd.getpwnam(each).pw_gid).gr_name for each in (inner, own))
    for each in ("mails", "home"):
        (folder / each).mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(folder / each, own, group_of_user)
    said = CONFIGURATION.format(
        folder=folder, port=port, inner=inner, login=login, group=group, user=own, group_of_user=group_of_user
    )
    path = folder / "dovecot.conf"
    path.write_text(said)
    return path


@pytest.fixture(scope="module")
def dovecot() -> Iterator[tuple[int, Path]]:
    # Not below pytest's folders: dovecot's own users could not enter them.
    folder, port = Path(mkdtemp(prefix="xinqiao-dovecot-")), _free_port()
    folder.chmod(0o755)
    process = subprocess.Popen([_program(), "-F", "-c", str(_configure(folder, port))])
    deadline = time.monotonic() + 20
    while True:
        assert process.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < deadline, (folder / "log").read_text()
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except ConnectionRefusedError:
            continue
    yield port, folder / "authority.pem"
    process.terminate()
    process.wait(20)
    shutil.rmtree(folder)


async def test_mails_on_dovecot_are_moved_to_where_they_belong(dovecot: tuple[int, Path], tmp_path: Path) -> None:
    box = Box(*dovecot, "净值")
    box.put(
        mail(attached=[("估值表.xlsx", WORKBOOK)]),
        mail(),
        mail("没有标签", identity="<2@custodian.example>"),
        mail(sender="nav@stranger.example"),
    )
    async with serving(install(tmp_path, **box.section)) as gateway:
        await eventually(lambda: box.counts() == (0, 2, 2))
        assert [next(iter(each)) for each in taken(gateway)] == ["valuationTable", "navReport"]
        assert len(told(gateway)) == 1
    box.close()


async def test_mails_on_dovecot_are_flagged_where_the_profile_says_so(
    dovecot: tuple[int, Path], tmp_path: Path
) -> None:
    box = Box(*dovecot, "shared")
    box.put(mail(), mail("没有标签", identity="<2@custodian.example>"))
    async with serving(install(tmp_path, **box.section, after="flag")) as gateway:
        await eventually(lambda: taken(gateway) and told(gateway))
        box.client.select_folder(box.folder, readonly=True)
        await eventually(lambda: len(box.client.search(["KEYWORD", "XinqiaoException"])) == 1)
        assert len(box.client.search(["KEYWORD", "XinqiaoDone"])) == 1
        assert box.client.search(["UNSEEN"]) == [1, 2]
        box.put(mail(NOTICE.replace("2026-11-20", "2026-11-23"), identity="<3@custodian.example>"))
        await eventually(lambda: len(taken(gateway)) == 2)
    assert box.counts() == (3, 0, 0)
    box.close()


async def test_a_large_attachment_comes_whole(dovecot: tuple[int, Path], tmp_path: Path) -> None:
    box = Box(*dovecot, "large")
    box.put(mail("见附件", attached=[("估值表.xlsx", WORKBOOK), ("附件.pdf", b"%PDF" * 2_000_000)]))
    async with serving(install(tmp_path, **box.section)) as gateway:
        await eventually(lambda: box.counts() == (0, 0, 1))
        assert [next(iter(each)) for each in taken(gateway)] == ["valuationTable"]
        (said,) = told(gateway)
        assert said.endswith(": body: content_refused: format.header at /")
    box.close()
