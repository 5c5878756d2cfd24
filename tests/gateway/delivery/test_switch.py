"""A channel switches how it is reached by one line of its profile: the same messages, the same bytes."""

import base64
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import yaml
from starlette.testclient import TestClient
from typer.testing import CliRunner

from tests.gateway.conftest import BANK, CORE, PARTNER, TRUST, Site, message
from tests.gateway.delivery.partner import running, takes
from tests.gateway.sftp.partner_server import PartnerServer, serving
from xinqiao.message import Json, write_json
from xinqiao.outcome import receipt
from xinqiao.seal import access_token, new_key, write_key
from xinqiao_gateway.cli import app
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation

COUNT = 3
SIGNED = 512
PATH = "/v1/channels/core/messages"


def spoken(got: Json) -> bytes:
    """Return a receipt for a message, in a frame."""
    body = {
        "acceptedMessageId": got["header"]["messageId"],
        "acceptedAt": "2026-01-15T09:30:00.000000Z",
        "position": "1",
        "digest": {"algorithm": "SHA256", "value": "0" * 64},
    }
    content = orjson.dumps(receipt(TRUST, BANK, body))
    return struct.pack(">I", len(content)) + b" " * SIGNED + content


@contextmanager
def framed() -> Iterator[tuple[str, list[bytes]]]:
    """Run a partner that is reached by frames: four bytes of length, the signature, and the message."""
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, connection.makefile("rb") as stream:
                    (length,) = struct.unpack(">I", stream.read(4 + SIGNED)[:4])
                    got.append(stream.read(length))
                    connection.sendall(spoken(orjson.loads(got[-1])))

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}", got
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def within(found: Callable[[], list[bytes]]) -> list[bytes]:
    """Wait for as many messages as are sent, and return their bytes."""
    deadline = time.monotonic() + 30
    while len(got := found()) < COUNT:
        assert time.monotonic() < deadline, got
        time.sleep(0.05)
    return got


def pulled(site: Site) -> list[bytes]:
    headers = {"Authorization": f"Bearer {access_token(site.key, PATH)}"}
    page = orjson.loads(site.http.get(PATH, headers=headers).content)
    site.http.get(f"{PATH}?after={page['cursor']}", headers=headers)
    return [base64.b64decode(each["content"]) for each in page["messages"]]


def finished(folder: Path) -> list[bytes]:
    """Return the files that have their mark, in the order of their numbers."""
    marked = sorted(folder.glob("*.ok"), key=lambda path: path.name[-7:])
    return [path.with_name(path.name.removesuffix(".ok")).read_bytes() for path in marked]


def installed(tmp_path: Path, server: PartnerServer) -> Site:
    key, public, data = new_key("partner-1"), tmp_path / "partner.pub.jwk", tmp_path / "data"
    write_key(key.public(), public)
    add_channel(data, "partner", extends="canonical", keys=[public], institution=PARTNER)
    add_channel(data, "core", extends="canonical", keys=[public], institution=CORE)
    password = data / "channels" / "core" / "keys" / "password"
    password.write_bytes((server.secrets / "password").read_bytes())
    password.chmod(0o600)
    return Site(data, key, TestClient(build_app(Gateway(open_installation(data)))))


def switch(site: Site, server: PartnerServer, url: str | None) -> None:
    """Say how ``core`` is reached; all else of its profile stands there whatever that is."""
    profile = site.data / "channels" / "core" / "channel.yaml"
    said: dict[str, Any] = yaml.safe_load(profile.read_text()) | {"test": False}
    said["tcp"] = {
        "frame": [{"length": "body", "binary": 4}, {"signature": SIGNED}],
        "content_type": "application/json",
    }
    said["push"] = {"url": url, "files": {"login": server.login().model_dump(mode="json", exclude_none=True)}}
    if url is None:
        del said["push"]
    profile.write_text(yaml.safe_dump(said, allow_unicode=True))
    site.admin("/v1/reload", "POST")


def test_a_channel_gets_the_same_messages_and_bytes_however_it_is_reached(tmp_path: Path) -> None:
    with running(takes) as http, framed() as (tcp, frames), serving(tmp_path) as server:
        site = installed(tmp_path, server)
        own = site.data / "files" / "core" / "out"
        ways: list[tuple[str | None, Callable[[], list[bytes]]]] = [
            (None, lambda: pulled(site)),
            (http.url, lambda: list(http.raw)),
            (tcp, lambda: list(frames)),
            (f"sftp://bank@127.0.0.1:{server.port}/", lambda: finished(server.root)),
            ("folder:out", lambda: finished(own)),
        ]
        with site.http:
            for url, found in ways:
                switch(site, server, url)
                # A case for each: what goes by one way waits for nothing of another.
                sent = [write_json(message("kycApplication", f"{str(url)[:4]}-{number}")) for number in range(COUNT)]
                for each in sent:
                    assert site.post("partner", each).status_code == 202
                assert sorted(within(found)) == sorted(sent), url
        assert len({each for _, found in ways[1:] for each in found()}) == 4 * COUNT


def test_an_operator_sees_what_went_out_in_files(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        site = installed(tmp_path, server)
        with site.http:
            switch(site, server, "folder:out")
            for number in range(COUNT):
                assert site.send("partner", message("kycApplication", f"C{number}")).status_code == 202
            within(lambda: finished(site.data / "files" / "core" / "out"))
    done = CliRunner().invoke(app, ["outgoing", "list", "--data", str(site.data), "--channel", "core", "--json"])
    rows = orjson.loads(done.output)
    assert [(row["messages"], row["state"]) for row in rows] == [(1, "delivered")] * COUNT
    shown = CliRunner().invoke(app, ["outgoing", "list", "--data", str(site.data), "--state", "held"])
    assert (shown.exit_code, "none" in shown.output) == (0, True)
