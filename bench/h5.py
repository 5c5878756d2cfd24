"""The pages on a slow phone: bytes and requests until a page stands, and when something of it is first seen.

Chromium on a slow and on a fast 3G connection, with a processor four times slower, beside a page that a script of
500 KB renders, as a small application of a common framework is, and beside an address with a page of a few words: what
the connection alone takes.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, Page, Response
from rich.console import Console
from rich.table import Table

from tests.peers.h5_site import H5Site, chromium, h5_site

__all__ = ["measure", "report"]

# Name: milliseconds to and fro, bits per second; both as WebPageTest has them.
_CONNECTIONS = {"slow 3G": (400, 400_000), "fast 3G": (150, 1_600_000)}
_SLOWER, _ROUNDS = 4, 3
_SCRIPT = 500_000
_FIRST, _FURTHER, _PEER, _NOTHING = (
    "first page, launch included", "a further page, style and script kept", "a page rendered by 500 KB of script",
    "a page of a few words",
)  # fmt: skip
# When something was first painted, in milliseconds of the clock.
_PAINTED = "performance.timeOrigin + performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def measure() -> list[dict[str, Any]]:
    """Open each page three times over on each connection; return the medians."""
    rows: dict[tuple[str, str], list[dict[str, float]]] = {}
    with TemporaryDirectory(prefix="xinqiao-bench-") as folder, ExitStack() as running:
        site = running.enter_context(h5_site(Path(folder)))
        peer = running.enter_context(_peer())
        browser = running.enter_context(chromium())
        for number in range(_ROUNDS):
            for connection in _CONNECTIONS:
                for page, found in _round(browser, site, peer, connection, number):
                    rows.setdefault((connection, page), []).append(found)
    return [
        {"connection": connection, "page": page, **{name: median(each[name] for each in found) for name in found[0]}}
        for (connection, page), found in rows.items()
    ]


def _round(
    browser: Browser, site: H5Site, peer: str, connection: str, number: int
) -> Iterator[tuple[str, dict[str, float]]]:
    """Open each page once, in a browser that was never there."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    _slow_down(page, *_CONNECTIONS[connection])
    yield _FIRST, _opened(page, site.url(f"BENCH-{connection[:4]}-{number}"), "**/identity")
    yield _FURTHER, _opened(page, page.url, "**/identity")
    yield _PEER, _opened(page, peer, f"{peer}/")
    yield _NOTHING, _opened(page, f"{site.base}/h5/visits/none", "**/none")
    context.close()


def _slow_down(page: Page, latency: int, bits: int) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    limits = {"offline": False, "latency": latency, "downloadThroughput": bits / 8, "uploadThroughput": bits / 8}
    session.send("Network.emulateNetworkConditions", limits)
    session.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWER})


def _opened(page: Page, address: str, until: str) -> dict[str, float]:
    came: list[Response] = []

    def keep(response: Response) -> None:
        came.append(response)

    page.on("response", keep)
    began = time.time() * 1000
    page.goto(address)
    page.wait_for_url(until)
    page.wait_for_function(_PAINTED)
    seen = page.evaluate(_PAINTED) - began
    page.wait_for_load_state("load")
    page.remove_listener("response", keep)
    sizes = [each.request.sizes() for each in came]
    moved = sum(each["responseBodySize"] + each["responseHeadersSize"] for each in sizes)
    return {"requests": len(came), "kilobytes": round(moved / 1000, 1), "seen_after_ms": round(seen)}


class _Rendered(BaseHTTPRequestHandler):
    """A page whose words come from a script of 500 KB, most of it functions that are defined and few that run."""

    def do_GET(self) -> None:
        shell = b'<!DOCTYPE html><title>peer</title><div id="root"></div><script src="/peer.js"></script>'
        is_script = self.path == "/peer.js"
        content = _script() if is_script else shell
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if is_script else "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _script() -> bytes:
    parts, size, number = [], 0, 0
    while size < _SCRIPT:
        part = (
            f"function part{number}(props){{var node=document.createElement('p');"
            f"node.textContent=props.text||'{number * 7919 % 1000003}';return node}}\n"
        )
        parts.append(part)
        size, number = size + len(part), number + 1
    parts.append("for(var i=0;i<60;i++)document.getElementById('root').appendChild(part1({text:'field '+i}));\n")
    return "".join(parts).encode()


@contextmanager
def _peer() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Rendered) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def report(console: Console, result: list[dict[str, Any]]) -> None:
    """Print the figures; the ratio is to the peer's page, in the same run on the same connection."""
    table = Table(title="Pages on a slow phone: a quarter of the processor")
    for column in ("connection", "page", "requests", "KB on the wire", "seen after, ms", "of the peer's"):
        table.add_column(column, justify="left" if column in {"connection", "page"} else "right")
    peers = {row["connection"]: row["seen_after_ms"] for row in result if row["page"] == _PEER}
    for row in result:
        seen, peer = row["seen_after_ms"], peers[row["connection"]]
        table.add_row(
            row["connection"], row["page"], f"{row['requests']:.0f}", f"{row['kilobytes']:.1f}", f"{seen:,.0f}",
            f"{seen / peer:.0%}",
        )  # fmt: skip
    console.print(table)
