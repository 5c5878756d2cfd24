"""The gateway as its operator runs it: a process that is killed and comes back with everything it acknowledged."""

import json
import os
import signal
import sqlite3
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import trustme

from tests.acceptance.ports import free_port
from xinqiao.client import Client
from xinqiao.message import new_message_id, timestamp, write_json
from xinqiao.seal import SIGNATURE_HEADER, SigningKey, new_key, read_signing_key, seal, write_key
from xinqiao.testing import example
from xinqiao_gateway.installation import add_channel

BANK, TRUST = "91110000100000000R", "913100001000100012"


@contextmanager
def serving(data: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run ``xinqiao-gateway serve`` on a free port; yield the process and its address."""
    command = [sys.executable, "-m", "xinqiao_gateway", "serve", "--data", str(data), "--port", "0", *options]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        url = next(word for word in first.split() if word.startswith("http"))
        yield process, url
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_key(new_key("bank-1"), tmp_path / "bank.jwk")
    core = {"name": "核心", "type": "trust-company", "code": TRUST}
    bank = {"name": "银行", "type": "bank", "code": BANK}
    add_channel(tmp_path / "data", "core", extends="canonical", keys=[tmp_path / "bank.jwk"], institution=core)
    add_channel(tmp_path / "data", "bank", extends="canonical", keys=[tmp_path / "bank.jwk"], institution=bank)
    return tmp_path / "data"


def test_what_was_acknowledged_is_there_after_kill_9(data: Path, tmp_path: Path) -> None:
    key = read_signing_key(tmp_path / "bank.jwk")
    header = {"messageId": new_message_id(), "createdAt": timestamp(), "sender": BANK, "receiver": TRUST}
    kyc = example("kycApplication", **header)
    with serving(data) as (process, url), Client(url, "bank", key) as client:
        first = client.submit(kyc)
        process.kill()
        process.wait(10)
    with serving(data) as (_, url), Client(url, "bank", key) as client:
        assert client.submit(kyc) == first
        token = (data / "admin.token").read_text()
        path = f"{url}/v1/messages/{header['messageId']}"
        found = httpx.get(path, headers={"Authorization": f"Bearer {token}"}).json()
    assert (found["position"], found["message_type"]) == (1, "kycApplication")


def test_logs_hold_no_personal_data(data: Path, tmp_path: Path) -> None:
    header = {"messageId": new_message_id(), "createdAt": timestamp(), "sender": BANK, "receiver": TRUST}
    kyc = example("kycApplication", **header)
    with serving(data) as (process, url):
        with Client(url, "bank", read_signing_key(tmp_path / "bank.jwk")) as client:
            client.submit(kyc)
        process.send_signal(signal.SIGTERM)
        said, logged = process.communicate(timeout=20)
    number = kyc["kycApplication"]["applicant"]["documents"][0]["number"]
    assert number not in said + logged
    assert kyc["kycApplication"]["applicant"]["name"] not in said + logged


def test_an_installation_that_cannot_be_read_is_said_in_one_line(data: Path) -> None:
    (data / "gateway.yaml").write_text("no_such_setting: 1\n")
    command = [sys.executable, "-m", "xinqiao_gateway", "serve", "--data", str(data), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("settings_invalid: ")
    assert "no_such_setting" in done.stderr
    assert "Traceback" not in done.stderr


def announced(data: Path) -> list[str]:
    """Return what a gateway says after its first line."""
    with serving(data) as (process, url):
        httpx.get(f"{url}/v1/health")  # it listens for signals by then
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        return process.stdout.read().splitlines()


def test_the_institution_is_announced_and_the_examples_code_is_called_so(data: Path) -> None:
    channels = [f"  渠道 channel {each} (生产 production, pull)" for each in ("bank", "core")]
    hint = f"    示例代码，请设置 the example's code: set institution_code in {data / 'gateway.yaml'}"
    assert announced(data) == [f"  机构 institution {TRUST}", hint, *channels]
    (data / "gateway.yaml").write_text(f"institution_code: {BANK}\n")
    assert announced(data) == [f"  机构 institution {BANK}", *channels]


def test_a_second_gateway_on_the_same_folder_is_refused_while_the_first_goes_on(data: Path) -> None:
    with serving(data) as (_, url):
        command = [sys.executable, "-m", "xinqiao_gateway", "serve", "--data", str(data), "--port", "0"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("settings_invalid: another gateway serves")
        assert httpx.get(f"{url}/v1/health").json() == {"status": "ok"}


def test_tls_is_served_where_settings_name_a_certificate(data: Path, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "tls.pem")
    settings = {"tls_certificate": str(tmp_path / "tls.pem"), "tls_key": str(tmp_path / "tls.pem")}
    (data / "gateway.yaml").write_text(json.dumps(settings))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with serving(data) as (_, url):
        assert url.startswith("https://")
        assert httpx.get(f"{url}/v1/health", verify=context).json() == {"status": "ok"}


def until(holds: Callable[[], bool]) -> None:
    """Wait for something, half a minute at the most."""
    ended = threading.Event()
    for _ in range(600):
        if holds():
            return
        ended.wait(0.05)
    raise AssertionError("it never came to be")


class Sender(threading.Thread):
    """Sends one message after the other until nobody listens; ``answers`` are what came back."""

    def __init__(self, url: str, key: SigningKey) -> None:
        super().__init__(daemon=True)
        self._url, self._key = f"{url}/v1/channels/bank/messages", key
        self.answers: list[int] = []
        self.unanswered = 0

    def run(self) -> None:
        """Send, on one connection as long as it is kept."""
        with httpx.Client(timeout=60) as client:
            for _ in range(100_000):
                header = {"messageId": new_message_id(), "createdAt": timestamp(), "sender": BANK, "receiver": TRUST}
                content = write_json(example("kycApplication", **header, case_id=header["messageId"]))
                signature = seal(content, "application/json", self._key).signature
                headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature}
                try:
                    self.answers.append(client.post(self._url, content=content, headers=headers).status_code)
                except httpx.ConnectError:
                    return
                except httpx.TransportError:  # an idle connection was closed as it was to be used
                    self.unanswered += 1


def test_a_graceful_stop_under_load_answers_all_that_it_accepts(data: Path, tmp_path: Path) -> None:
    key = read_signing_key(tmp_path / "bank.jwk")
    with serving(data) as (process, url):
        senders = [Sender(url, key) for _ in range(8)]
        for sender in senders:
            sender.start()
        until(lambda: sum(len(each.answers) for each in senders) > 100)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        for sender in senders:
            sender.join(60)
    answers = [each for sender in senders for each in sender.answers]
    assert set(answers) == {202}
    with sqlite3.connect(data / "journal.db") as journal:
        (kept,) = journal.execute("SELECT count(*) FROM messages").fetchone()
    assert kept == len(answers)


def test_a_gateway_that_drains_says_so_and_takes_messages_until_it_stops(data: Path, tmp_path: Path) -> None:
    (data / "gateway.yaml").write_text("drain: 600\n")
    header = {"messageId": new_message_id(), "createdAt": timestamp(), "sender": BANK, "receiver": TRUST}
    with serving(data) as (process, url):
        until(lambda: httpx.get(f"{url}/v1/ready").status_code == 200)
        process.send_signal(signal.SIGTERM)
        until(lambda: httpx.get(f"{url}/v1/ready").status_code == 503)
        assert httpx.get(f"{url}/v1/health").status_code == 200
        with Client(url, "bank", read_signing_key(tmp_path / "bank.jwk")) as client:
            receipt = client.submit(example("kycApplication", **header))
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert receipt["receipt"]["position"] == "1"
    (data / "gateway.yaml").unlink()
    with serving(data) as (_, url), Client(url, "bank", read_signing_key(tmp_path / "bank.jwk")) as client:
        assert client.submit(example("kycApplication", **header)) == receipt


def test_sighup_reads_the_channels_again(data: Path, tmp_path: Path) -> None:
    new = {"name": "新银行", "type": "bank", "code": BANK}
    with serving(data) as (process, url):
        httpx.get(f"{url}/v1/health")
        assert httpx.get(f"{url}/v1/channels/new/messages").status_code == 404
        add_channel(data, "new", extends="canonical", keys=[tmp_path / "bank.jwk"], institution=new, test=True)
        process.send_signal(signal.SIGHUP)
        until(lambda: httpx.get(f"{url}/v1/channels/new/messages").status_code == 401)


def test_metrics_have_a_port_of_their_own_without_a_token(data: Path) -> None:
    port = free_port()
    (data / "gateway.yaml").write_text(f"metrics_port: {port}\n")
    with serving(data) as (_, url):
        httpx.get(f"{url}/v1/health")
        shown = httpx.get(f"http://127.0.0.1:{port}/metrics")
        assert (shown.status_code, "xinqiao_journal_available 1.0" in shown.text) == (200, True)
        assert httpx.get(f"http://127.0.0.1:{port}/v1/cases").status_code == 404
        assert httpx.get(f"{url}/metrics").status_code == 401


def test_every_line_that_it_logs_is_one_json_object(data: Path) -> None:
    with serving(data) as (process, url):
        httpx.get(f"{url}/v1/health")
        (data / "gateway.yaml").write_text("queue: 0\n")
        token = (data / "admin.token").read_text()
        answer = httpx.post(f"{url}/v1/reload", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["problems"][0].startswith(f"{data}/gateway.yaml:1: queue")) == (
            422,
            True,
        )
        process.send_signal(signal.SIGTERM)
        _, logged = process.communicate(timeout=30)
    events = [json.loads(line)["event"] for line in logged.splitlines()]
    assert events == ["reload refused", "stopping"]
