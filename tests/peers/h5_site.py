"""A gateway with pages behind a real port, pages of a partner on another origin that embed them, and Chromium."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx2 as httpx
import uvicorn
from playwright.sync_api import Browser, sync_playwright

from tests.gateway.conftest import CORE, PARTNER, TRUST
from tests.gateway.h5.conftest import PAGES, Clock, Pages, add_pages
from tests.gateway.h5.contracts import PDF, Contracts
from xinqiao.launch import Actor, Launch, Role, launch_token, launch_url
from xinqiao.message import Json
from xinqiao.seal import new_key, write_key
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation

__all__ = ["H5Site", "chromium", "h5_site"]

_PAGES_OF_HOSTS = files("tests.peers") / "hosts"


class H5Site:
    """Addresses of launches and of the partner's pages, and what is in the journal at the end.

    ``base`` is the gateway's origin, ``host`` the partner's, ``foreign`` one that the channel does not name.
    """

    def __init__(self, base: str, host: str, pages: Pages, *, origin: str | None = None) -> None:
        self.base, self.host, self._pages, self._origin = base, host, pages, origin
        self.foreign = host.replace("localhost", "127.0.0.1")
        self.clock = pages.clock

    def url(
        self, case_id: str, *, role: Role = "CUSTOMER", flow: str = "kyc-person", channel: str = "partner", **about: Any
    ) -> str:
        """Return a launch's address; the parts of ``Launch`` by name."""
        launch = Launch(flow, case_id, Actor(role, role.lower()), **{"origin": self._origin, **about})
        at = datetime.fromtimestamp(self.clock.now, UTC)
        token = launch_token(self._pages.key, launch, gateway_code=TRUST, channel=channel, at=at)
        return launch_url(self.base, channel, token)

    def in_host(self) -> "H5Site":
        """Return the same site, whose launches are for pages in the host's page."""
        return H5Site(self.base, self.host, self._pages, origin=self.host)

    def pages(self, case_id: str) -> Pages:
        """Return what sends the messages of a case over its channels, as the tests without a browser do."""
        return replace(self._pages, case_id=case_id)

    def contract(self, case_id: str) -> Contracts:
        """Lead a case of the test channel to where two texts are signed."""
        papers = {f"D{each}": PDF + f"% {case_id} {each}".encode() for each in (1, 2)}
        mobile = f"138{sum(case_id.encode()):08d}"
        return Contracts(self.pages(case_id), case_id, mobile, papers).sent()

    def embedding(self, address: str, *, host: str = "", page: str = "embed", liar: str = "") -> str:
        """Return the address of a partner's page that embeds an address."""
        script = quote(f"{self.base}/h5/static/embed.js", safe="")
        return f"{host or self.host}/{page}?address={quote(address, safe='')}&script={script}&liar={quote(liar)}"

    def messages(self, case_id: str) -> list[Json]:
        """Return the messages of a case that are in the journal, in its order."""
        reading = self._pages.gateway.journal.reading
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
        _install(data, public, origin)
        clock = Clock()
        gateway = Gateway(open_installation(data), now=clock)
        base = f"http://127.0.0.1:{running.enter_context(_served(build_app(gateway)))}"
        http = running.enter_context(httpx.Client(base_url=base, follow_redirects=True))
        yield H5Site(base, origin, Pages(data, key, http, gateway, clock))  # type: ignore[arg-type]


def _install(data: Path, public: Path, origin: str) -> None:
    """Make the channels of a partner and of the trust company, real ones and test ones; what costs is simulated."""
    flows = [*PAGES["flows"], "contract-signing"]  # type: ignore[misc]
    for channel, institution, test in (
        ("partner", PARTNER, False), ("core", CORE, False), ("sandbox", PARTNER, True), ("core-test", CORE, True),
    ):  # fmt: skip
        add_channel(data, channel, extends="canonical", keys=[public], institution=institution, test=test)
        if institution is PARTNER:
            add_pages(data, channel, PAGES | {"flows": flows, "frame_ancestors": [origin]})
    (data / "gateway.yaml").write_text("sms: simulator\npayment: simulator\n")


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
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium. A missing one fails."""
    program = shutil.which("chromium")
    assert program, "chromium is missing: apt install chromium fonts-noto-cjk"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--lang=en-US"])
        yield browser
        browser.close()
