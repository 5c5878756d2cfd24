"""SFTP: 300 MB up and down, beside OpenSSH's own client and server, in one run.

Rounds are interleaved; a ratio is the median, over the rounds, of a contender's rate and OpenSSH's in the same round.
Each pair takes what it negotiates by itself. The embedded server answers an upload once it is on the disk; sshd does
not, unless it is asked to (``put -f``), so that both yardsticks are shown.
"""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from bench.endpoints.requests import BANK
from bench.endpoints.serving import free_port
from tests.peers.openssh import Sshd, new_key, sftp, sshd
from xinqiao.seal import new_key as new_seal_key
from xinqiao.seal import write_key
from xinqiao_adapters.docking.files import Address
from xinqiao_adapters.docking.login import Login
from xinqiao_gateway.fronts.sftp.folder import BLOCK
from xinqiao_gateway.fronts.sftp.remote_folder import RemoteFolder
from xinqiao_gateway.fronts.sftp.server.front import SftpServer
from xinqiao_gateway.fronts.sftp.server.keys import allow_key
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation
from xinqiao_gateway.telemetry.logs import configure

__all__ = ["AIM", "CONTENDERS", "measure", "report"]

AIM = 0.7
CONTENDERS = {
    "openssh": "OpenSSH's sftp and sshd",
    "openssh synced": "the same, the upload synced (put -f)",
    "our client": "the gateway's client and sshd",
    "our server": "OpenSSH's sftp and the embedded server",
}
ROUNDS, SIZE = 5, 300_000_000
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Stage:
    """Where it happens: both servers, and the file."""

    folder: Path
    server: Sshd
    embedded: int
    key: Path

    @property
    def file(self) -> Path:
        return self.folder / "big"


def measure(rounds: int = ROUNDS, size: int = SIZE) -> dict[str, Any]:
    """Return the rates (MB/s) of each contender, and their ratios to OpenSSH's."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as name, _stage(Path(name), size) as stage:
        for number in range(rounds + 1):
            for contender in CONTENDERS:
                rates = _transfer(stage, contender, size)
                if number:  # the first round warms
                    found[contender].append(rates)
    ratios = {
        name: {way: _ratio(found, name, "openssh", way) for way in ("up", "down")}
        for name in CONTENDERS
        if name != "openssh"
    }
    ratios["our server"]["up, synced"] = _ratio(found, "our server", "openssh synced", "up")
    medians = {
        name: {way: median(each[way] for each in all_of) for way in ("up", "down")} for name, all_of in found.items()
    }
    return {"size": size, "rounds": rounds, "aim": AIM, "rates": medians, "ratios": ratios}


def report(console: Console, result: dict[str, Any]) -> None:
    """Print the table."""
    console.print(
        f"\n[bold]sftp[/bold]: {result['size'] / _MEGABYTE:.0f} MB each way, medians of {result['rounds']} interleaved "
        "rounds"
    )
    table = Table("client and server", "up MB/s", "down MB/s", "up × OpenSSH", "down × OpenSSH", "aim")
    for name, rates in result["rates"].items():
        ratio = result["ratios"].get(name)
        ratios = [f"{ratio['up']:.2f}", f"{ratio['down']:.2f}"] if ratio else ["", ""]
        is_ours = name.startswith("our")
        figures = [f"{rates['up']:.0f}", f"{rates['down']:.0f}", *ratios]
        table.add_row(CONTENDERS[name], *figures, f"≥ {result['aim']:g}" if is_ours else "")
    console.print(table)
    synced = result["ratios"]["our server"]["up, synced"]
    console.print(f"the embedded server beside an sshd whose upload is synced too: {synced:.2f}")


def _ratio(found: dict[str, list[dict[str, float]]], name: str, yardstick: str, way: str) -> float:
    pairs = zip(found[name], found[yardstick], strict=True)
    return median(ours[way] / theirs[way] for ours, theirs in pairs)


@contextmanager
def _stage(folder: Path, size: int) -> Iterator[Stage]:
    with (folder / "big").open("wb") as file:
        for start in range(0, size, _MEGABYTE):
            file.write(os.urandom(min(_MEGABYTE, size - start)))
    key = new_key(folder / "bank")
    port = free_port()
    data = folder / "data"
    _install(data, port, key)
    with sshd(folder / "sshd") as server, _embedded(data):
        yield Stage(folder, server, port, key)


def _install(data: Path, port: int, key: Path) -> None:
    public = data.with_name("seal.pub.jwk")
    write_key(new_seal_key("bench-1").public(), public)
    data.mkdir()
    (data / "gateway.yaml").write_text(yaml.safe_dump({"sftp_port": port}))
    institution = {"name": "bank", "type": "bank", "code": BANK}
    add_channel(data, "bank", extends="canonical", keys=[public], institution=institution)
    allow_key(data / "channels" / "bank" / "ssh", key.with_suffix(".pub"))


@contextmanager
def _embedded(data: Path) -> Iterator[None]:
    with data.with_name("log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "bench.sftp", str(data)], stdout=subprocess.PIPE, stderr=log)
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it listens
        yield
    finally:
        process.terminate()
        process.wait(30)


def _transfer(stage: Stage, contender: str, size: int) -> dict[str, float]:
    """Return the rates of one upload and one download, both looked at for what came."""
    there, back = stage.folder / "there", stage.folder / "back"
    if contender == "our server":
        port, user, key = stage.embedded, "bank", stage.key
        there = stage.folder / "data" / "files" / "bank" / "in" / "there"
        name = "/in/there"
    else:
        port, user, key = stage.server.port, stage.server.user, stage.server.key
        name = str(there)
    if contender == "our client":
        up, down = _by_us(stage, name, back)
    else:
        put = "put -f" if contender == "openssh synced" else "put"
        up = _timed(lambda: _run(port, user, key, f"{put} {stage.file} {name}"))
        down = _timed(lambda: _run(port, user, key, f"get {name} {back}"))
    for each in (there, back):
        assert _digest(each) == _digest(stage.file), f"{contender}: {each} is not what was sent"
        each.unlink()
    return {"up": size / up / _MEGABYTE, "down": size / down / _MEGABYTE}


def _by_us(stage: Stage, name: str, back: Path) -> tuple[float, float]:
    server = stage.server
    address = Address(user=server.user, host="127.0.0.1", port=server.port, folder="/")
    login = Login.model_validate({"host_keys": [server.host_key], "key_file": str(server.key)})

    def put() -> None:
        folder = RemoteFolder(address, login, server.folder)
        with stage.file.open("rb") as file, folder.write(name) as sink:
            while data := file.read(BLOCK):
                sink.write(data)
        folder.close()

    def get() -> None:
        folder = RemoteFolder(address, login, server.folder)
        with folder.read(name) as source, back.open("wb") as file:
            while data := source.read(BLOCK):
                file.write(data)
        folder.close()

    return _timed(put), _timed(get)


def _run(port: int, user: str, key: Path, script: str) -> None:
    found = sftp(port, user, key, script)
    assert found.returncode == 0, found.stderr


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


async def _serve(data: Path) -> None:
    server = SftpServer(Gateway(open_installation(data)))
    await server.start()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    print("listening", flush=True)
    await stopped.wait()
    await server.stop()


def main() -> None:
    """``python -m bench.sftp DATA``: be the embedded server."""
    configure()
    asyncio.run(_serve(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
