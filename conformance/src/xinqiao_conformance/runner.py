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

from xinqiao.finding import Text
from xinqiao.message import Json, timestamp
from xinqiao.seal import SigningKey, read_signing_key
from xinqiao.standard import STANDARD_VERSION
from xinqiao_conformance.plugin import RESULTS
from xinqiao_conformance.requirements import requirements, requirements_source
from xinqiao_conformance.target import Exchange, Target

__all__ = ["CouldNotRun", "Order", "run", "suite_digest"]

_LONGEST_RUN = 600.0
_ROLE = "gateway"
# Reasons for which a valid message is refused where the set-up is wrong -> what to look at
_SET_UP = {
    "unknown_channel": Text("检查 --channel", "check --channel"),
    "signature_invalid": Text("为该渠道登记 --key 的公钥", "register the public part of --key with the channel"),
    "signature_expired": Text("校准两边的时钟", "set the clocks of both sides"),
    "unsupported_media_type": Text("使用接收标准 JSON 的渠道", "use a channel that takes canonical JSON"),
    "unknown_interface": Text("使用接收标准 JSON 的渠道", "use a channel that takes canonical JSON"),
    "sender_mismatch": Text(
        "--sender 应为该渠道所属机构的代码", "give the code of the channel's institution as --sender"
    ),
    "test_mismatch": Text("测试渠道须加 --test，生产渠道不加", "give --test for a test channel, and for no other"),
    "no_route": Text(
        "检查 --receiver，并为其建立接收 kycApplication 的渠道",
        "check --receiver, and give it a channel that delivers kycApplication",
    ),
}


class CouldNotRun(Exception):
    """The suite says nothing about the target: it was not reached, the set-up is wrong, or the suite stopped."""


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
    target cannot be reached, refuses the suite for a reason of the set-up, or the suite stops.
    """
    _try_set_up(order, read_signing_key(order.key))
    started = timestamp()
    with tempfile.TemporaryDirectory(prefix="xinqiao-conformance-") as folder:
        rows = _run_pytest(order, Path(folder))
    results = _results(order, started, rows)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        (output / RESULTS).write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2) + b"\n")
    return results


def _try_set_up(order: Order, key: SigningKey) -> None:
    """Send one valid message. Raises ``CouldNotRun`` where it is refused for what is no fault of the target."""
    with Target(
        order.target, channel=order.channel, key=key, sender=order.sender, receiver=order.receiver, test=order.test
    ) as target:
        try:
            exchange = target.send(target.message("kycApplication"))
        except httpx.TransportError as error:
            raise CouldNotRun(f"{order.target} cannot be reached: {error}") from error
    if not exchange.rejection and exchange.status in (404, 405):
        raise CouldNotRun(f"{order.target} is no gateway: POST {target.path} was answered with HTTP {exchange.status}")
    reason = exchange.rejection.get("reason")
    if isinstance(reason, str) and reason in _SET_UP:
        raise CouldNotRun(_refused(exchange, reason))


def _refused(exchange: Exchange, reason: str) -> str:
    text = exchange.rejection.get("text")
    said = f": {text['en']}" if isinstance(text, dict) and "en" in text else ""
    hint = _SET_UP[reason]
    return (
        "设置不当，首条有效消息被拒绝 / the set-up is wrong, the first valid message was refused\n"
        f"    原因 reason: {reason}{said}\n    修正 fix: {hint.zh} / {hint.en}"
    )


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
    if [row["id"] for row in rows] != [each.id for each in requirements(_ROLE, shown_by="suite")]:
        raise CouldNotRun("the results do not hold every requirement")
    if (done.returncode == 0) != all(row["result"] == "passed" for row in rows):
        raise CouldNotRun(f"pytest ended with {done.returncode}, the results say otherwise: {done.stdout[-2000:]}")
    return rows


def _results(order: Order, started: str, rows: list[dict[str, Any]]) -> Json:
    failed = any(row["result"] != "passed" for row in rows)
    return {
        "standard": STANDARD_VERSION,
        "suite": {"version": version("xinqiao-conformance"), "digest": f"sha256:{suite_digest()}"},
        "target": order.target,
        "role": _ROLE,
        "startedAt": started,
        "finishedAt": timestamp(),
        "verdict": "failed" if failed else "passed",
        "requirements": rows,
    }
