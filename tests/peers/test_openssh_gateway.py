"""A served gateway and Debian's ``sftp``: a partner puts a file and fetches its result, from one process to another."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.gateway.conftest import BANK, CORE, PARTNER, TRUST, message
from tests.gateway.sftp.serving import free_port
from tests.peers.openssh import new_key, sftp
from xinqiao.message import write_json
from xinqiao.seal import new_key as new_seal_key
from xinqiao.seal import write_key
from xinqiao_gateway.fronts.sftp.server.keys import allow_key
from xinqiao_gateway.installation import add_channel


@contextmanager
def served(folder: Path, port: int, key: Path) -> Iterator[None]:
    """Serve an installation with one channel that has files, until the body ends."""
    public, data = folder / "partner.pub.jwk", folder / "data"
    write_key(new_seal_key("partner-1").public(), public)
    data.mkdir()
    (data / "gateway.yaml").write_text(yaml.safe_dump({"sftp_port": port, "sftp": {"spare": 0}}))
    add_channel(data, "bank", extends="canonical", keys=[public], institution=PARTNER)
    add_channel(data, "core", extends="canonical", keys=[public], institution=CORE)
    profile = data / "channels" / "bank" / "channel.yaml"
    files = {"manifest": "none", "seal": "none", "every": 600}
    profile.write_text(yaml.safe_dump(yaml.safe_load(profile.read_text()) | {"files": files}))
    allow_key(data / "channels" / "bank" / "ssh", key.with_suffix(".pub"))
    command = [sys.executable, "-m", "xinqiao_gateway", "serve", "--data", str(data), "--port", "0"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def test_a_file_is_put_taken_and_answered(tmp_path: Path) -> None:
    key, port = new_key(tmp_path / "bank"), free_port()
    orders = tmp_path / "orders.json"
    orders.write_bytes(write_json(message("kycApplication", "CASE-1", sender=BANK, receiver=TRUST)))
    (tmp_path / "orders.json.ok").touch()

    def done(script: str) -> bool:
        return sftp(port, "bank", key, script).returncode == 0

    def until(script: str) -> None:
        deadline = time.monotonic() + 90  # shorter than the pause between two looks: an arrival ends it
        while not done(script):
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()

    with served(tmp_path, port, key):
        until("pwd")
        assert done(f"put {orders} /in/orders.json\nput {orders}.ok /in/orders.json.ok")
        until(f"get /result/orders.json.result {tmp_path}/result")
        assert sftp(port, "bank", key, "ls /in").stdout.splitlines()[1:] == []
    assert b"batchResult" in (tmp_path / "result").read_bytes()
