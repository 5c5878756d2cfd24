"""A gateway with pages behind a real port, pages of a partner on another origin that embed them, and Chromium."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import uvicorn
from playwright.sync_api import Browser, sync_playwright

from tests.gateway.conftest import CORE, PARTNER, TRUST
from tests.gateway.h5.conftest import PAGES, Clock, add_pages
from xinqiao.launch import Actor, Launch, Role, launch_token, launch_url
from xinqiao.message import Json
from xinqiao.seal import SigningKey, new_key, write_key
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation

__all__ = ["H5Site", "chromium", "h5_site"]

_PAGES_OF_HOSTS = files("tests.peers") / "hosts"


class H5Site:
    """Addresses of launches and of the partner's pages, and what is in the journal at the end.

    ``base`` is the gateway's origin, ``host`` the partner's, ``foreign`` one that the channel does not name.
    """

    def __init__(self, base: str, host: str, key: SigningKey, gateway: Gateway, clock: Clock) -> None:
        self.base, self.host, self.gateway, self.clock = base, host, gateway, clock
        self.foreign = host.replace("localhost", "127.0.0.1")
        self._key = key

    def url(self, case_id: str, *, role: Role = "CUSTOMER", flow: str = "kyc-person", **about: Any) -> str:
        """Return a launch's address; the parts of ``Launch`` by name."""
        launch = Launch(flow, case_id, Actor(role, role.lower()), **about)
        at = datetime.fromtimestamp(self.clock.now, UTC)
        token = launch_token(self._key, launch, gateway_code=TRUST, channel="partner", at=at)
        return launch_url(self.base, "partner", token)

    def embedding(self, address: str, *, host: str = "", page: str = "embed", liar: str = "") -> str:
        """Return the address of a partner's page that embeds an address."""
        script = quote(f"{self.base}/h5/static/embed.js", safe="")
        return f"{host or self.host}/{page}?address={quote(address, safe='')}&script={script}&liar={quote(liar)}"

    def messages(self, case_id: str) -> list[Json]:
        """Return the messages of a case that are in the journal, in its order."""
        reading = self.gateway.journal.reading
        with reading.engine.begin() as connection:
            asked = "select message_id from messages where case_id = ? order by position"
            ids = connection.exec_driver_sql(asked, (case_id,)).scalars().all()
        return [reading.message(each)["message"] for each in ids]


class _Host(BaseHTTPRequestHandler):
    """Serves the pages of ``hosts``; what their addresses ask with is put into them."""

    def do_GET(self) -> None:
        name, asked = urlsplit(self.path).path.strip("/"), parse_qs(urlsplit(self.path).query)
        page = _PAGES_OF_HOSTS / f"{name}.html"
        content = page.read_text(encoding="utf-8") if page.is_file() else ""
        for parameter in ("address", "script", "liar"):
            value = asked.get(parameter, [""])[0]
            content = content.replace("{" + parameter + "}", value.replace("&", "&amp;").replace('"', "&quot;"))
        self.send_response(200 if content else 204)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(content.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def h5_site(folder: Path) -> Iterator[H5Site]:
    """Serve a gateway and the partner's pages until the end of the context. The gateway's clock is moved by hand."""
    with ExitStack() as running:
        host = running.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), _Host))
        threading.Thread(target=host.serve_forever, daemon=True).start()
        running.callback(host.shutdown)
        origin = f"http://localhost:{host.server_port}"
        key, public, data = new_key("partner-1"), folder / "partner.pub.jwk", folder / "data"
        write_key(key.public(), public)
        add_channel(data, "partner", extends="canonical", keys=[public], institution=PARTNER)
        add_channel(data, "core", extends="canonical", keys=[public], institution=CORE)
        add_pages(data, "partner", PAGES | {"frame_ancestors": [origin]})
        clock = Clock()
        gateway = Gateway(open_installation(data), now=clock)
        port = running.enter_context(_served(build_app(gateway)))
        yield H5Site(f"http://127.0.0.1:{port}", origin, key, gateway, clock)


@contextmanager
def _served(app: object) -> Iterator[int]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    waited = threading.Event()
    for _ in range(600):
        if server.started:
            break
        waited.wait(0.05)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(30)


@contextmanager
def chromium(*switches: str) -> Iterator[Browser]:
    """Start Debian's Chromium. A missing one fails."""
    program = shutil.which("chromium")
    assert program, "chromium is missing: apt install chromium fonts-noto-cjk"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", *switches])
        yield browser
        browser.close()
