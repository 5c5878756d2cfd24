"""Mailboxes on a real server to put mails into, and a gateway that reads them."""

import asyncio
import shutil
import ssl
import threading
from argparse import Namespace
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar
from urllib.parse import quote

import trustme
import yaml
from imapclient import IMAPClient
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import DictBackend
from pymap.imap import IMAPServer
from pysasl.hashing import BuiltinHash

from xinqiao.message import Json
from xinqiao.seal import new_key, write_key
from xinqiao_gateway.fronts.mail.mail_front import MailFront
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation
from xinqiao_gateway.journal.listing import exceptions

CORE = {"name": "信托核心", "type": "trust-company", "code": "913100001000100012"}
USER, PASSWORD = "nav@mail.example", "secret of the mailbox"

Value = TypeVar("Value")


async def eventually(look: Callable[[], Value], within: float = 15.0) -> Value:
    """Look again and again until something true is seen; fail when ``within`` seconds are over."""
    async with asyncio.timeout(within):
        while not (seen := look()):
            await asyncio.sleep(0.02)
    return seen


class Box:
    """A folder of its own on an IMAP server of this machine, and a connection to look into it."""

    def __init__(self, port: int, authority: Path, folder: str) -> None:
        self.port, self.authority, self.folder = port, authority, folder
        self.done, self.exceptions = f"{folder}-done", f"{folder}-exceptions"
        context = ssl.create_default_context(cafile=authority)
        self.client = IMAPClient("127.0.0.1", port, ssl=True, ssl_context=context, timeout=10)
        self.client.login(USER, PASSWORD)
        self.client.create_folder(folder)

    @property
    def section(self) -> dict[str, object]:
        """What a profile's section ``mail`` says of it."""
        return {
            "from": f"imaps://{quote(USER)}@127.0.0.1:{self.port}/{quote(self.folder)}",
            "password": "mail-password",
            "authority": str(self.authority),
            "done": self.done,
            "exceptions": self.exceptions,
        }

    def put(self, *mails: EmailMessage | bytes) -> None:
        for each in mails:
            self.client.append(self.folder, each if isinstance(each, bytes) else each.as_bytes())

    def counts(self) -> tuple[int, int, int]:
        """Return how many mails wait, are done, and lie with the exceptions."""
        waiting, done, put_aside = (self._count(each) for each in (self.folder, self.done, self.exceptions))
        return waiting, done, put_aside

    def _count(self, folder: str) -> int:
        if not self.client.folder_exists(folder):
            return 0
        return int(self.client.folder_status(folder, ["MESSAGES"])[b"MESSAGES"])

    def close(self) -> None:
        self.client.logout()


class Pymap:
    """Pymap, an IMAP server, in a thread with an event loop of its own."""

    def __init__(self, folder: Path) -> None:
        self.authority = folder / "authority.pem"
        self.port = 0
        authority = trustme.CA()
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(self._context)
        authority.cert_pem.write_to_path(self.authority)
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=partial(self._loop.run_until_complete, self._serve()), daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)
        self._loop.close()

    async def _serve(self) -> None:
        said = {"host": "127.0.0.1", "port": 0, "debug": False, "cert": None, "key": None, "tls": False}
        none = {"passlib_cfg": None, "proxy_protocol": None, "demo_data": False}
        arguments = Namespace(**said, **none, demo_user=USER, demo_password=PASSWORD)
        backend, config = await DictBackend.init(arguments, hash_context=BuiltinHash(rounds=1))
        config.apply_context()
        answer = ProxyProtocolReader(config.proxy_protocol).get_callback(IMAPServer(backend.login, config))
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=self._context)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._ended.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)


@cache
def _installed() -> Path:
    """Make an installation with the channel ``nav`` and a core that pulls, for others to be copied from."""
    folder = Path(mkdtemp(prefix="xinqiao-mail-"))
    public, data = folder / "partner.pub.jwk", folder / "data"
    write_key(new_key("partner-1").public(), public)
    add_channel(data, "nav", extends="nav-mail", keys=[])
    add_channel(data, "core", extends="canonical", keys=[public], institution=CORE)
    password = data / "channels" / "nav" / "keys" / "mail-password"
    password.touch(0o600)
    password.write_text(PASSWORD)
    Gateway(open_installation(data)).journal.close()  # its tables are made once
    return data


def install(tmp_path: Path, **section: object) -> Path:
    """Return an installation whose channel ``nav`` looks every second, and whose section ``mail`` says also this."""
    data = tmp_path / "data"
    shutil.copytree(_installed(), data)
    say(data, every=1, **section)
    return data


def say(data: Path, **section: object) -> None:
    """Write more into the channel's section ``mail``."""
    path = data / "channels" / "nav" / "channel.yaml"
    profile = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    profile["mail"] = profile.get("mail", {}) | section
    path.write_text(yaml.dump(profile, Dumper=yaml.CSafeDumper, allow_unicode=True), encoding="utf-8")


@asynccontextmanager
async def serving(data: Path) -> AsyncIterator[Gateway]:
    """Serve an installation with the front of mail alone."""
    gateway = Gateway(open_installation(data))
    front = MailFront(gateway)
    gateway.when_reloaded(front.reload)
    await gateway.start()
    try:
        await front.start()
        yield gateway
    finally:
        await front.stop()
        await gateway.stop()


def taken(gateway: Gateway) -> list[Json]:
    """Return the messages that reached the core, without their headers."""
    waiting = gateway.journal.reading.waiting("core", 0, 100)
    return [{name: part for name, part in each.message.items() if name != "header"} for each in waiting]


def told(gateway: Gateway) -> list[str]:
    """Return what people are told of mails that could not be taken."""
    found = exceptions(gateway.journal.reading)
    assert all(each["kind"] == "mail_unreadable" and each["channel"] == "nav" for each in found)
    return [each["detail"] for each in found]
