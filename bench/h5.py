"""The pages on a slow phone: bytes and requests until a page stands, and when something of it is first seen.

Chromium with a connection of 400 kbit/s and 400 ms to and fro, and a processor four times slower. The last one is a
page of a few words: what the connection alone takes.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Page, Response
from rich.console import Console
from rich.table import Table

from tests.peers.h5_site import H5Site, chromium, h5_site

__all__ = ["measure", "report"]

_LATENCY, _BITS, _SLOWER = 400, 400_000, 4
# When something was first painted, in milliseconds of the clock.
_PAINTED = "performance.timeOrigin + performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def measure() -> list[dict[str, Any]]:
    """Open each page five times over; return the medians."""
    with TemporaryDirectory(prefix="xinqiao-bench-") as folder, h5_site(Path(folder)) as site:
        rounds = [_round(site, number) for number in range(5)]
    return [{"page": rows[0]["page"], **_medians(rows)} for rows in zip(*rounds, strict=True)]


def _medians(rows: tuple[dict[str, Any], ...]) -> dict[str, float]:
    return {name: sorted(row[name] for row in rows)[len(rows) // 2] for name in rows[0] if name != "page"}


def _round(site: H5Site, number: int) -> list[dict[str, Any]]:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        _slow_down(page)
        first = _opened(page, site.url(f"BENCH-{number}"), "**/identity", "first page, launch included")
        again = _opened(page, page.url, "**/identity", "a further page, style and script kept")
        nothing = _opened(page, f"{site.base}/h5/visits/none", "**/none", "an address that is of nobody")
    return [first, again, nothing]


def _slow_down(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    limits = {"offline": False, "latency": _LATENCY, "downloadThroughput": _BITS / 8, "uploadThroughput": _BITS / 8}
    session.send("Network.emulateNetworkConditions", limits)
    session.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWER})


def _opened(page: Page, address: str, until: str, name: str) -> dict[str, Any]:
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
    return {"page": name, "requests": len(came), "kilobytes": round(moved / 1000, 1), "seen_after_ms": round(seen)}


def report(console: Console, result: list[dict[str, Any]]) -> None:
    """Print the figures."""
    table = Table(title="Pages on a slow phone: 400 kbit/s, 400 ms, a quarter of the processor")
    for column in ("page", "requests", "KB on the wire", "seen after, ms"):
        table.add_column(column, justify="left" if column == "page" else "right")
    for row in result:
        table.add_row(row["page"], f"{row['requests']}", f"{row['kilobytes']}", f"{row['seen_after_ms']:,}")
    console.print(table)
