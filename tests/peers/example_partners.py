"""The partners of conformance/examples, written without the SDK: started by the contract, pushed to, told to send."""

import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from xinqiao.message import Json, new_message_id, write_json
from xinqiao.seal import (
    CONTENT_TYPE_JSON,
    NEXT_SIGNATURE_HEADER,
    SIGNATURE_HEADER,
    KeyRing,
    SigningKey,
    new_key,
    seal,
    write_key,
)
from xinqiao.testing import BANK, TRUST_COMPANY, example

__all__ = [
    "CHANNEL",
    "EXAMPLES",
    "LANGUAGES",
    "Keys",
    "Partner",
    "keys_in",
    "pushed",
    "reference_gateway",
    "started_partner",
]

EXAMPLES = Path(__file__).parents[2] / "conformance" / "examples"
LANGUAGES = {"java": "./run", "node": "node partner.mjs"}
CHANNEL = "bank"


@dataclass(frozen=True)
class Keys:
    """The partner's key, on disk too, and the gateway's."""

    folder: Path
    partner: SigningKey
    gateway: SigningKey


def keys_in(folder: Path, gateway: SigningKey | None = None) -> Keys:
    """Make keys for a partner and a gateway, as files."""
    found = Keys(folder, new_key("bank-1"), gateway or new_key("gateway-1"))
    write_key(found.partner, folder / "bank.jwk")
    write_key(found.partner.public(), folder / "bank.pub.jwk")
    (folder / "gateway.jwks").write_text(json.dumps(KeyRing([found.gateway.public()]).jwks()), encoding="utf-8")
    return found


@dataclass(frozen=True)
class Partner:
    """A partner that serves, and the gateway's key that seals what is pushed to it."""

    http: httpx.Client
    key: SigningKey

    def push(self, message: Json, **seals: Any) -> httpx.Response:
        """Push a message as the gateway does."""
        return self.push_bytes(write_json(message), **seals)

    def push_bytes(self, content: bytes, content_type: str = CONTENT_TYPE_JSON, **seals: Any) -> httpx.Response:
        """Push bytes with a seal of the gateway, made ``at`` some time; ``by`` another key where given."""
        sealed = seal(content, content_type, seals.get("by", self.key), seals.get("at"))
        return self.push_sealed(content, content_type, sealed.signature, seals.get("following", ""))

    def push_sealed(self, content: bytes, content_type: str, signature: str, following: str = "") -> httpx.Response:
        """Push bytes with any signature."""
        headers = {"Content-Type": content_type, SIGNATURE_HEADER: signature, NEXT_SIGNATURE_HEADER: following}
        present = {name: value for name, value in headers.items() if value}
        return self.http.post("/messages", content=content, headers=present)

    def do(self, what: str, **asked: str) -> httpx.Response:
        """Tell it to send."""
        return self.http.post(f"/do/{what}", params=asked)


def pushed(body: str, **header: Any) -> Json:
    """Return a message of the trust company for the bank, marked as test traffic."""
    return example(
        body, **{"sender": TRUST_COMPANY, "receiver": BANK, "messageId": new_message_id(), "test": True, **header}
    )


@contextmanager
def started_partner(language: str, keys: Keys, gateway: str) -> Iterator[Partner]:
    """Start a partner as the contract says: environment, one line when it is ready, SIGTERM at the end."""
    environment = {
        **os.environ,
        "XINQIAO_GATEWAY": gateway,
        "XINQIAO_CHANNEL": CHANNEL,
        "XINQIAO_KEY": str(keys.folder / "bank.jwk"),
        "XINQIAO_GATEWAY_KEYS": str(keys.folder / "gateway.jwks"),
        "XINQIAO_SENDER": BANK,
        "XINQIAO_RECEIVER": TRUST_COMPANY,
        "XINQIAO_PORT": "0",
        "XINQIAO_TEST": "1",
    }
    command = shlex.split(LANGUAGES[language])
    with (
        _process(command, environment, EXAMPLES / language) as url,
        httpx.Client(base_url=url, timeout=60, trust_env=False) as http,
    ):
        yield Partner(http, keys.gateway)


@contextmanager
def reference_gateway(keys: Keys) -> Iterator[str]:
    """Start the suite's reference gateway, which knows the partner's key."""
    options = ["--channel", CHANNEL, "--partner-key", str(keys.folder / "bank.pub.jwk"), "--institution", TRUST_COMPANY]
    command = [sys.executable, "-m", "xinqiao_conformance", "simulate", "reference-gateway", *options]
    with _process(command, dict(os.environ), Path.cwd()) as url:
        yield url


@contextmanager
def _process(command: list[str], environment: dict[str, str], folder: Path) -> Iterator[str]:
    popen = subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True)
    assert popen.stdout is not None
    too_late = threading.Timer(60, popen.kill)
    too_late.start()
    ready = json.loads(popen.stdout.readline() or "{}")
    too_late.cancel()
    try:
        assert ready.get("ready") is True, f"{command[0]} did not start"
        yield ready["url"]
    finally:
        popen.terminate()
        assert popen.wait(timeout=20) in (0, 143)
        popen.stdout.close()
