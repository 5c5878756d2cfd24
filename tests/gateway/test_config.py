"""``config check`` and ``config show``, and the port for whoever keeps the master key."""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from typer.testing import CliRunner

from tests.gateway.conftest import CORE, PARTNER, Site, message
from tests.gateway.tcp.certificates import certificate
from xinqiao.errors import KeyUnusable
from xinqiao.evidence import CHAIN_TYPE
from xinqiao.seal import SigningKey, new_key, seal, write_key
from xinqiao_adapters.docking.files import Address
from xinqiao_adapters.docking.mail import Mailbox
from xinqiao_gateway.cli.config import app
from xinqiao_gateway.configuration import Problem, inspect_installation
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation, read_installation
from xinqiao_gateway.journal import vault
from xinqiao_gateway.journal.vault import LocalKey, MasterKey, Vault, named_master_key, open_vault

RUNNER = CliRunner()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    public = tmp_path / "partner.pub.jwk"
    write_key(new_key("partner-1").public(), public)
    add_channel(tmp_path / "data", "partner", extends="canonical", keys=[public], institution=PARTNER)
    add_channel(tmp_path / "data", "core", extends="canonical", keys=[public], institution=CORE)
    return tmp_path / "data"


def begun(data: Path) -> None:
    Gateway(open_installation(data)).journal.close()


def checked(data: Path) -> tuple[int, list[str]]:
    done = RUNNER.invoke(app, ["check", "--data", str(data)])
    return done.exit_code, done.output.splitlines()


def test_an_installation_that_can_be_served_has_no_problem(data: Path) -> None:
    assert checked(data) == (0, ["OK 配置无误"])
    begun(data)
    assert checked(data) == (0, ["OK 配置无误"])
    done = RUNNER.invoke(app, ["check", "--data", str(data), "--json"])
    assert (done.exit_code, json.loads(done.output)) == (0, {"ok": True, "problems": []})


def test_a_check_makes_nothing(tmp_path: Path, data: Path) -> None:
    before = sorted(data.rglob("*"))
    checked(data)
    assert sorted(data.rglob("*")) == before
    assert inspect_installation(tmp_path / "none") != []
    assert not (tmp_path / "none").exists()


def test_every_problem_is_said_with_its_place(data: Path) -> None:
    (data / "gateway.yaml").write_text("lease: 5\n")
    (data / "policy.yaml").write_text("rules:\n  - id: a\n")
    (data / "obligations.yaml").write_text("obligations: 1\n")
    (data / "calendars").mkdir()
    (data / "calendars" / "a.yaml").write_text("yeers: {}\n")
    (data / "operators.yaml").write_text("- a\n")
    (data / "operators.yaml").chmod(0o644)
    (data / "admin.token").write_text("x" * 40)
    (data / "admin.token").chmod(0o644)
    expected: set[tuple[str, int | None]] = set()
    for channel in ("partner", "core"):
        path = data / "channels" / channel / "channel.yaml"
        expected.add((f"channels/{channel}/channel.yaml", len(path.read_text().splitlines()) + 1))
        path.write_text(path.read_text() + "surprise: 1\n")
    found = inspect_installation(data)
    places = {(Path(each.file).relative_to(data).as_posix(), each.line) for each in found if each.file}
    expected |= {("policy.yaml", 2), ("obligations.yaml", 1), ("calendars/a.yaml", 1), ("operators.yaml", None)}
    assert expected <= places
    said = [each.text for each in found]
    assert f"{data / 'operators.yaml'} is readable by others; chmod 600 it" in said
    assert f"{data / 'admin.token'} is readable by others; chmod 600 it" in said
    assert checked(data)[0] == 1


@pytest.mark.parametrize(
    ("signed", "problems"),
    [
        (lambda chain, key: seal(chain, CHAIN_TYPE, key, datetime(2999, 1, 1, tzinfo=UTC)).signature, []),
        (lambda _chain, key: seal(b"other", CHAIN_TYPE, key).signature, ["is not as it was signed: the signature is"]),
        (lambda _chain, _key: "", ["is not as it was signed: a detached JWS has the form"]),
        (lambda chain, _key: seal(chain, CHAIN_TYPE, new_key("x")).signature, ["is signed by a key that is not here"]),
    ],
    ids=["a clock that was ahead", "changed", "gone", "another key"],
)
def test_the_last_batch_is_of_a_key_that_is_here(
    site: Site, signed: Callable[[bytes, SigningKey], str], problems: list[str]
) -> None:
    assert site.send("partner", message("kycApplication")).status_code == 202
    site.http.__exit__(None, None, None)
    with sqlite3.connect(site.data / "journal.db") as connection:
        ((chain,),) = connection.execute("SELECT chain FROM batches")
        signature = signed(chain, read_installation(site.data).key)
        connection.execute("UPDATE batches SET signature = ?", (signature,))
    connection.close()
    found = [each.text for each in inspect_installation(site.data)]
    assert [said in text and "batch 1" in text for said, text in zip(problems, found, strict=True)] == [True] * len(
        found
    )


OWN = """\
channel: own
title: {zh: 自有, en: Own}
institution: {code: "91350200GATEWAYD12", name: 示例, type: bank}
security: {algorithms: [Ed25519]}
receiver: "913100001000100012"
format: {kind: csv, columns: {nav_date: {}, nav: {}}}
interfaces:
  navs:
    direction: in
    message: navReport
    key: [nav_date]
    map:
      navDtae: {from: nav_date}
      unitNaw: {from: nav}
  quotes:
    direction: in
    message: navReprot
    key: [nav]
    map: {unitNav: {from: nav}}
"""


def test_one_run_says_all_that_several_broken_files_hold(data: Path) -> None:
    """Nothing that cannot be read hides what another file holds, nor makes a second problem of it."""
    own = data / "channels" / "own"
    (own / "keys").mkdir(parents=True)
    (own / "channel.yaml").write_text(OWN, encoding="utf-8")
    for name in ("a", "b"):
        (own / "keys" / f"{name}.jwk").write_text("x")
    (data / "gateway.yaml").write_text("queue: 0\n")
    (data / "calendars").mkdir()
    (data / "calendars" / "a.yaml").write_text("yeers: {}\n")
    (data / "calendars" / "b.yaml").write_text("products:\n  moon: {}\n")
    (data / "obligations.yaml").write_text(
        "obligations:\n"
        "  - {id: a, message: navReport, from: nobody, every: day, calendar: moon, to: [desk]}\n"
        "  - {id: b, message: navReport, from: own, every: day}\n"
        "cutoffs:\n"
        "  - {id: c, interface: orders, from: core, batches: [{name: '1', by: '10:00'}]}\n"
        "  - {id: d, interface: orders, from: own, batches: [{name: '1', by: '10:00'}]}\n"
    )
    (data / "policy.yaml").write_text("rules:\n  - id: a\n    title: {zh: 一, en: One}\n  - more: 1\n")
    (data / "keys" / "former").mkdir()
    (data / "keys" / "former" / "x.jwk").write_text("x")
    found = [(str(each.file).removeprefix(f"{data}/"), each.line, each.text) for each in inspect_installation(data)]
    keys = {text.removeprefix(f"{data}/") for file, _, text in found if file == "None"}
    assert keys == {
        f"{key} is not JSON" for key in ("channels/own/keys/a.jwk", "channels/own/keys/b.jwk", "keys/former/x.jwk")
    }
    places = [(file, line) for file, line, _ in found if file != "None"]
    assert sorted(places) == sorted(
        [("gateway.yaml", 1), ("calendars/a.yaml", 1), ("calendars/b.yaml", 2)]
        + [("obligations.yaml", 2), ("obligations.yaml", 5)]
        + [("policy.yaml", 2)] * 2
        + [("policy.yaml", 4)] * 5
        + [("channels/own/channel.yaml", line) for line in (13, 14, 17)]
    ), found
    (cutoff,) = [text for file, line, text in found if (file, line) == ("obligations.yaml", 5)]
    assert cutoff.startswith("cutoffs.0.interface: no interface of core 'orders'; there are: ")


def test_settings_are_named_with_their_lines_and_variables(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data / "gateway.yaml").write_text("messages_limit: 5\n\nqueue: 0\nretry:\n  cap: -1\n")
    monkeypatch.setenv("XINQIAO_CONCURRENCY", "none")
    found = {str(each).rpartition(": ")[0] for each in inspect_installation(data)}
    file = data / "gateway.yaml"
    assert found == {f"{file}:3: queue", f"{file}:5: retry.cap", "environment: XINQIAO_CONCURRENCY: concurrency"}


def test_two_channels_that_deliver_the_same_are_a_problem(data: Path) -> None:
    path = data / "channels" / "partner" / "channel.yaml"
    path.write_text(path.read_text().replace(PARTNER["code"], f"'{CORE['code']}'"))
    (problem,) = inspect_installation(data)
    assert "both deliver" in problem.text


def test_another_master_key_than_the_journals_is_a_problem(data: Path) -> None:
    begun(data)
    (data / "keys" / "master.key").write_text("00" * 32)
    (problem,) = inspect_installation(data)
    assert problem.text.startswith("the master key does not open the journal")


def test_a_journal_of_a_newer_version_is_a_problem(data: Path) -> None:
    gateway = Gateway(open_installation(data))
    with gateway.journal.reading.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    gateway.journal.close()
    (problem,) = inspect_installation(data)
    assert "9999" in problem.text


def test_too_little_disk_space_is_a_problem(data: Path) -> None:
    (data / "gateway.yaml").write_text("least_space: 1000000000000000000\n")
    (problem,) = inspect_installation(data)
    assert "least_space" in problem.text


def test_a_problem_without_a_place_is_its_text() -> None:
    assert str(Problem("x")) == "x"
    assert str(Problem("x", "a.yaml", 2)) == "a.yaml:2: x"


def test_settings_are_shown_with_their_origin_and_without_secrets(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql+psycopg://gateway:hunter2@db/journal?sslpassword=hunter3"
    webhook = "{name: desk, url: 'https://user:hunter4@example.org/x?token=hunter5'}"
    (data / "gateway.yaml").write_text(f"journal_url: {url}\nwebhooks: [{webhook}]\n")
    monkeypatch.setenv("XINQIAO_RETRY__FIRST", "2")
    done = RUNNER.invoke(app, ["show", "--data", str(data), "--json"])
    shown = json.loads(done.output)
    assert shown["journal_url"] == {
        "value": "postgresql+psycopg://***@db/journal?sslpassword=***",
        "from": f"{data / 'gateway.yaml'}:1",
    }
    assert shown["retry"]["from"] == "environment: XINQIAO_RETRY__FIRST"
    assert shown["queue"] == {"value": 1_000_000, "from": "default"}
    assert "hunter" not in done.output + RUNNER.invoke(app, ["show", "--data", str(data)]).output


# --- the port for a KMS --------------------------------------------------------------------------------------


class Remote:
    """A keeper of keys that shows its master key to nobody; AES key wrap, the scope in its name."""

    def __init__(self) -> None:
        self._secret = hashlib.sha256(b"kept elsewhere").digest()

    def wrap(self, key: bytes, scope: str) -> bytes:
        return aes_key_wrap(self._of(scope), key)

    def unwrap(self, wrapped: bytes, scope: str) -> bytes:
        try:
            return aes_key_unwrap(self._of(scope), wrapped)
        except InvalidUnwrap as error:
            raise KeyUnusable(f"the keeper's key does not open {scope}") from error

    def digest_key(self) -> bytes:
        return hashlib.sha256(self._secret + b"digest").digest()

    def _of(self, scope: str) -> bytes:
        return hashlib.sha256(self._secret + scope.encode()).digest()


@pytest.fixture(params=[Remote, lambda: LocalKey(bytes(range(32)))], ids=["remote", "local"])
def master(request: pytest.FixtureRequest) -> MasterKey:
    found: MasterKey = request.param()
    return found


def test_a_master_key_opens_what_it_wrapped_for_that_scope_alone(master: MasterKey) -> None:
    wrapped = master.wrap(bytes(32), "case:1")
    assert master.unwrap(wrapped, "case:1") == bytes(32)
    assert len(wrapped) <= 500
    for scope, blob in (("case:2", wrapped), ("case:1", wrapped[:-1] + bytes([wrapped[-1] ^ 1]))):
        with pytest.raises(KeyUnusable):
            master.unwrap(blob, scope)


def test_a_master_keys_digest_key_is_always_the_same(master: MasterKey) -> None:
    assert master.digest_key() == master.digest_key()
    assert len(master.digest_key()) == 32


def test_a_vault_works_with_any_master_key(master: MasterKey) -> None:
    key = Vault(master).new_key("case:1")
    blob = key.encrypt(b"content", "raw:1")
    assert open_vault(master, is_new=False).open_key("case:1", key.wrapped).decrypt(blob, "raw:1") == b"content"


def test_a_keyed_digest_is_hmac_sha_256_under_the_derived_key() -> None:
    reference = HMAC(LocalKey(bytes(32)).digest_key(), SHA256())
    reference.update("张三".encode())
    assert Vault(bytes(32)).keyed_digest("张三") == reference.finalize().hex()


def offer(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    offered = [EntryPoint(name, f"{__name__}:Remote", "xinqiao.master_key") for name in names]
    monkeypatch.setattr(EntryPoint, "load", lambda _each: Remote)
    monkeypatch.setattr(vault, "entry_points", lambda **_group: EntryPoints(offered))


def test_a_master_key_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, "kms")
    assert isinstance(named_master_key("kms"), Remote)
    with pytest.raises(KeyUnusable, match=r"0 packages offer 'other'.*offered: kms"):
        named_master_key("other")


def test_two_that_offer_the_same_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, "kms", "kms")
    with pytest.raises(KeyUnusable, match="2 packages"):
        named_master_key("kms")


def test_a_gateway_keeps_its_journal_with_the_master_key_that_settings_name(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(monkeypatch, "kms")
    (data / "gateway.yaml").write_text("master_key: kms\n")
    begun(data)
    assert not (data / "keys" / "master.key").exists()
    assert checked(data) == (0, ["OK 配置无误"])
    begun(data)


HOST_KEY = "SHA256:" + "A" * 43
FRAMED = {"frame": [{"length": "body", "digits": 8}], "trust": "certificate"}
MAIL = {"senders": ["bank.example"], "parts": [{"body": "text"}], "password": "mail-password"}
# Sections of a profile, and of which of their files (in the channel's folder) a gateway has to hear.
NEEDED: list[tuple[dict[str, Any], dict[str, str], str]] = [
    ({"mail": MAIL | {"from": "imaps://u@h.example/INBOX"}}, {}, "mail: {keys}/mail-password: No such file"),
    (
        {"mail": MAIL | {"from": "imaps://u@h.example/INBOX", "authority": "mail-ca.pem"}},
        {"keys/mail-password": "secret"},
        "mail: {keys}/mail-ca.pem: No such file",
    ),
    (
        {"tcp": FRAMED | {"listen": {"port": 7301, "tls": True, "clients": "partner.pem"}}},
        {"partner.pem": "certificate"},
        "tcp.listen: tcp.listen.tls needs the gateway's certificate",
    ),
    (
        {"tcp": FRAMED | {"call": {"own": "us.pem"}}, "push": {"url": "tls://bank.example:7302"}},
        {"us.pem": "certificate"},
        "tcp.call: {folder}/us.pem holds no key",
    ),
    (
        {"files": {"from": "sftp://u@h.example/out", "login": {"host_keys": [HOST_KEY], "password_file": "sftp"}}},
        {},
        "files.login.password_file: {keys}/sftp: No such file",
    ),
    (
        {"push": {"url": "sftp://u@h.example/in", "files": {"login": {"host_keys": [HOST_KEY], "key_file": "id"}}}},
        {"keys/id": "open"},
        "push.files.login.key_file: {keys}/id may be read by others",
    ),
]


def write_needed(folder: Path, name: str, kind: str) -> None:
    """Write a file that a section names: a secret, one that is open to others, or a certificate without its key."""
    content = certificate("partner").pem if kind == "certificate" else b"secret"
    (folder / name).write_bytes(content)
    (folder / name).chmod(0o644 if kind == "open" else 0o600)


@pytest.mark.parametrize(("sections", "files", "said"), NEEDED, ids=[said for _, _, said in NEEDED])
def test_a_file_that_a_section_names_is_read_as_its_front_would(
    data: Path, sections: dict[str, Any], files: dict[str, str], said: str
) -> None:
    folder = data / "channels" / "partner"
    profile = folder / "channel.yaml"
    for name, kind in files.items():
        write_needed(folder, name, kind)
    profile.write_text(yaml.safe_dump(yaml.safe_load(profile.read_text()) | sections))
    (problem,) = inspect_installation(data)
    assert (problem.file, problem.text.startswith(said.format(keys=folder / "keys", folder=folder))) == (
        str(profile),
        True,
    ), problem


def test_what_settings_name_for_a_front_is_looked_for(data: Path, tmp_path: Path) -> None:
    certificate("gateway").written(tmp_path / "tls.pem")
    tls = f"tls_certificate: {tmp_path / 'tls.pem'}\ntls_key: {tmp_path / 'tls.pem'}\n"
    ports = "grpc_port: 8701\nsftp_port: 8702\n"
    names = f"grpc_client_ca: {tmp_path / 'none.pem'}\npayment: nobody\nsms: nobody\n"
    (data / "gateway.yaml").write_text(tls + ports + names)
    (data / "channels" / "partner" / "ssh").mkdir()
    (data / "channels" / "partner" / "ssh" / "a.pub").write_text("no key\n")
    (data / "keys" / "ssh_host_ed25519").write_text("x")
    said = sorted(str(each) for each in inspect_installation(data))
    assert [each.partition(" may be")[0].partition(" packages")[0].partition(" is no public")[0] for each in said] == [
        f"{data / 'channels' / 'partner' / 'channel.yaml'}: ssh: {data / 'channels' / 'partner' / 'ssh' / 'a.pub'}:1",
        f"{data / 'keys' / 'ssh_host_ed25519'}",
        f"grpc_client_ca: {tmp_path / 'none.pem'}: No such file or directory",
        "payment: 0",
        "sms: 0",
    ]


def test_a_key_that_is_unknown_or_of_another_kind_is_said_once_and_in_words(data: Path) -> None:
    (data / "gateway.yaml").write_text("quue: 3\nretry:\n  fist: 1\n")
    profile = data / "channels" / "partner" / "channel.yaml"
    mail = {"senders": ["bank.example"], "parts": [{"body": "text"}], "every": "often"}
    pages = {"flows": ["kyc-person"], "frame_ancestors": ["https://app.bank.example/page"]}
    profile.write_text(yaml.safe_dump(yaml.safe_load(profile.read_text()) | {"mail": mail, "h5": pages}))
    said = sorted(each.text for each in inspect_installation(data))
    assert [each.partition("; write ")[0].partition(": write ")[0] for each in said] == [
        "h5.frame_ancestors.0: 'https://app.bank.example/page' is no origin",
        "mail.every: Input should be a valid number",
        "quue: no such key here",
        "retry.fist: no such key here",
    ]


def test_a_flow_that_there_is_not_is_named_with_its_line(data: Path) -> None:
    profile = data / "channels" / "partner" / "channel.yaml"
    before = profile.read_text()
    profile.write_text(f"{before}h5:\n  flows:\n    - kyc-person\n    - kyc-perso\n")
    (problem,) = inspect_installation(data)
    assert (problem.file, problem.line) == (str(profile), len(before.splitlines()) + 4)
    assert problem.text.startswith("h5.flows.1: kyc-perso is no flow; there are: ")


@pytest.mark.parametrize(
    "address", ["imaps://nav@trust.example@h.example/INBOX", "sftp://us@trust.example@h.example/a"]
)
def test_an_address_whose_user_holds_an_at_sign_is_told_how_to_write_it(data: Path, address: str) -> None:
    login = {"host_keys": [HOST_KEY], "password_file": "sftp"}
    sections = {"mail": MAIL | {"from": address}} if address.startswith("imaps") else {}
    sections |= {"files": {"from": address, "login": login}} if address.startswith("sftp") else {}
    profile = data / "channels" / "partner" / "channel.yaml"
    profile.write_text(yaml.safe_dump(yaml.safe_load(profile.read_text()) | sections))
    (problem,) = inspect_installation(data)
    assert "the user holds an @; write it %40" in problem.text
    push = {"push": {"url": address, "files": {"login": login}}}
    if address.startswith("sftp"):
        profile.write_text(yaml.safe_dump({**yaml.safe_load(profile.read_text()), "files": None} | push))
        assert "the user holds an @; write it %40" in str(inspect_installation(data)[0])
    assert (Address.parse("sftp://us%40trust.example@h/a").user, Mailbox.parse("imaps://a%40b.example@h/I").user) == (
        "us@trust.example",
        "a@b.example",
    )
