"""Runs the suite against a target in a pytest process of its own and reads what it found."""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import httpx
import orjson

from xinqiao.message import Json, timestamp
from xinqiao.seal import read_signing_key
from xinqiao.standard import STANDARD_VERSION
from xinqiao_conformance.plugin import RESULTS
from xinqiao_conformance.reach import http_client
from xinqiao_conformance.requirements import requirements_source

__all__ = ["CouldNotRun", "Order", "run", "suite_digest"]

_LONGEST_RUN = 600.0


class CouldNotRun(Exception):
    """The suite says nothing about the target: it was not reached, or the suite itself stopped."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to test and as whom: ``sender`` and ``receiver`` are institution codes, ``key`` signs for ``channel``."""

    target: str
    channel: str
    key: Path
    sender: str
    receiver: str
    test: bool = False

    def arguments(self, output: Path) -> Iterator[str]:
        """Yield the options of the plugin."""
        for name in ("target", "channel", "key", "sender", "receiver"):
            yield f"--xinqiao-{name}={getattr(self, name)}"
        yield f"--xinqiao-output={output}"
        if self.test:
            yield "--xinqiao-test"


def suite_digest() -> str:
    """Return the SHA-256 (hex) over the suite's files and the requirements: what exactly was run."""
    digest = hashlib.sha256(requirements_source())
    for entry in sorted(_suite().iterdir(), key=lambda each: each.name):
        if entry.is_file():
            digest.update(entry.name.encode() + b"\0" + entry.read_bytes() + b"\0")
    return digest.hexdigest()


def _suite() -> Traversable:
    return files("xinqiao_conformance") / "suite"


def run(order: Order, output: Path | None = None) -> Json:
    """Run every requirement and return the results; they are written to ``output/results.json`` if given.

    Raises ``KeyUnusable`` for the key, ``SettingsInvalid`` for an address that is none, ``CouldNotRun`` where the
    target cannot be reached or the suite stops.
    """
    read_signing_key(order.key)
    _reach(order.target)
    started = timestamp()
    with tempfile.TemporaryDirectory(prefix="xinqiao-conformance-") as folder:
        rows = _run_pytest(order, Path(folder))
    results = _results(order, started, rows)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        (output / RESULTS).write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2) + b"\n")
    return results


def _reach(target: str) -> None:
    try:
        with http_client(target, timeout=5.0) as client:
            client.get("/v1/health")
    except httpx.TransportError as error:
        raise CouldNotRun(f"{target} cannot be reached: {error}") from error


def _run_pytest(order: Order, folder: Path) -> list[dict[str, Any]]:
    suite = str(_suite())
    command = [sys.executable, "-m", "pytest", "-c", f"{suite}/pytest.ini", "--rootdir", suite, "--tb=line", "-q"]
    try:
        done = subprocess.run(  # noqa: S603 -- our own interpreter and suite
            [*command, *order.arguments(folder), suite],
            capture_output=True,
            text=True,
            timeout=_LONGEST_RUN,
            check=False,
            cwd=folder,
            # Plugins that happen to be installed must not change a verdict.
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""},
        )
    except subprocess.TimeoutExpired as error:
        raise CouldNotRun(f"the suite did not end within {_LONGEST_RUN:.0f} s") from error
    if done.returncode not in (0, 1):
        raise CouldNotRun(f"pytest ended with {done.returncode}: {(done.stderr or done.stdout)[-2000:]}")
    rows: list[dict[str, Any]] = orjson.loads((folder / RESULTS).read_bytes())
    return rows


def _results(order: Order, started: str, rows: list[dict[str, Any]]) -> Json:
    failed = any(row["result"] != "passed" for row in rows)
    return {
        "standard": STANDARD_VERSION,
        "suite": {"version": version("xinqiao-conformance"), "digest": f"sha256:{suite_digest()}"},
        "target": order.target,
        "role": "gateway",
        "startedAt": started,
        "finishedAt": timestamp(),
        "verdict": "failed" if failed else "passed",
        "requirements": rows,
    }
