"""The gateway's client against Debian's ``sshd``, and a gateway whose folders ``sshd`` serves in its place."""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.gateway.conftest import BANK, CORE, PARTNER, TRUST, message
from tests.gateway.sftp.test_polling_front import running, until
from tests.peers.openssh import Sshd, certify, new_key, program, run, sftp, sshd
from xinqiao.errors import DestinationDown, HostUntrusted, KeyUnusable
from xinqiao.message import write_json
from xinqiao.seal import new_key as new_seal_key
from xinqiao.seal import write_key
from xinqiao_adapters.docking.files import Address
from xinqiao_adapters.docking.login import Login
from xinqiao_gateway.fronts.sftp.remote_folder import RemoteFolder
from xinqiao_gateway.installation import add_channel


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("openssh") / "sshd") as found:
        yield found


def folder_on(server: Sshd, folder: Path, **login: object) -> RemoteFolder:
    address = Address(user=server.user, host="127.0.0.1", port=server.port, folder=str(folder))
    said = {"host_keys": [server.host_key], "key_file": str(server.key)} | login
    return RemoteFolder(address, Login.model_validate(said), server.folder)


def test_a_folder_on_sshd_is_worked_with_by_key(server: Sshd, tmp_path: Path) -> None:
    content = os.urandom(2_000_000)
    folder = folder_on(server, tmp_path)
    try:
        folder.make_folder("in/today")
        with folder.write("in/today/a.csv.part") as sink:
            sink.write(content[:1_500_000])
        with folder.write("in/today/a.csv.part", 1_500_000) as sink:
            sink.write(content[1_500_000:])
        folder.rename("in/today/a.csv.part", "in/today/a.csv")
        assert [(each.name, each.size) for each in folder.entries("in/today")] == [("a.csv", len(content))]
        read = hashlib.sha256()
        with folder.read("in/today/a.csv") as source:
            while data := source.read(100_000):
                read.update(data)
        assert read.digest() == hashlib.sha256(content).digest()
        folder.remove("in/today/a.csv")
        assert folder.entries("in/today") == []
    finally:
        folder.close()


def test_a_certificate_opens_sshd(server: Sshd, tmp_path: Path) -> None:
    key = new_key(tmp_path / "key")
    plain = folder_on(server, tmp_path, key_file=str(key))
    with pytest.raises(KeyUnusable):
        plain.entries()
    certified = folder_on(
        server, tmp_path, key_file=str(key), certificate_file=str(certify(key, server.issuer, server.user))
    )
    try:
        assert [each.name for each in certified.entries()] == ["key", "key-cert.pub", "key.pub"]
    finally:
        certified.close()


def test_another_host_key_than_the_pinned_one_ends_it(server: Sshd, tmp_path: Path) -> None:
    other = folder_on(server, tmp_path, host_keys=["SHA256:" + "A" * 43])
    with pytest.raises(HostUntrusted):
        other.entries()


def test_a_server_that_is_away_is_said_to_be_away(server: Sshd, tmp_path: Path) -> None:
    address = Address(user=server.user, host="127.0.0.1", port=1, folder=str(tmp_path))
    login = Login.model_validate({"host_keys": [server.host_key], "key_file": str(server.key)})
    with pytest.raises(DestinationDown):
        RemoteFolder(address, login, server.folder).entries()


def test_the_documented_configuration_is_one_that_sshd_takes(server: Sshd, tmp_path: Path) -> None:
    (tmp_path / "sshd_config").write_text(f"HostKey {server.folder}/host\n{documented()}")
    run(program("sshd"), "-t", "-f", str(tmp_path / "sshd_config"))


@pytest.mark.parametrize("page", ["sftp-server.md", "sftp-server.zh-CN.md"])
def test_both_pages_document_one_configuration(page: str) -> None:
    assert documented(page) == documented()


def documented(page: str = "sftp-server.md") -> str:
    """Return the lines for sshd that a page shows."""
    text = (Path(__file__).parents[2] / "docs" / page).read_text()
    return text.partition("```sshd\n")[2].partition("```")[0]


async def test_what_sftp_puts_through_sshd_is_taken_and_answered(tmp_path: Path) -> None:
    (options,) = re.findall("ForceCommand internal-sftp (.*)", documented())
    with sshd(tmp_path / "sshd", options) as server:
        await put_and_taken(server, tmp_path)


async def put_and_taken(server: Sshd, tmp_path: Path) -> None:
    public, data = tmp_path / "partner.pub.jwk", tmp_path / "data"
    write_key(new_seal_key("partner-1").public(), public)
    add_channel(data, "bank", extends="canonical", keys=[public], institution=PARTNER)
    add_channel(data, "core", extends="canonical", keys=[public], institution=CORE)
    profile = data / "channels" / "bank" / "channel.yaml"
    files = {"manifest": "none", "seal": "none", "every": 1}
    profile.write_text(yaml.safe_dump(yaml.safe_load(profile.read_text()) | {"files": files}))
    own = data / "files" / "bank"
    for name in ("in", "out", "result"):
        (own / name).mkdir(parents=True)
    orders = tmp_path / "orders.json"
    orders.write_bytes(write_json(message("kycApplication", "CASE-1", sender=BANK, receiver=TRUST)))
    (tmp_path / "orders.json.ok").touch()
    put = f"""
        cd {own}/in
        put {orders} orders.json.part
        rename orders.json.part orders.json
        put {orders}.ok
        """
    async with running(data):
        found = sftp(server.port, server.user, server.key, put)
        assert found.returncode == 0, found.stderr
        await until((own / "archive" / "orders.json").exists)
    got = sftp(server.port, server.user, server.key, f"get {own}/result/orders.json.result {tmp_path}/result")
    assert got.returncode == 0, got.stderr
    assert b"batchResult" in (tmp_path / "result").read_bytes()
    for command in ("mkdir sub", "ln -s /etc/passwd link", "rename a.json b.json"):
        (own / "in" / "a.json").write_text("1")
        (own / "in" / "b.json").write_text("2")
        refused = sftp(server.port, server.user, server.key, f"cd {own}/in\n{command}")
        assert refused.returncode != 0
        assert sorted(each.name for each in (own / "in").iterdir()) == ["a.json", "b.json"]
        assert (own / "in" / "b.json").read_text() == "2"
