"""The gateway as its operator runs it: a process that is killed and comes back with everything it acknowledged."""

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import trustme

from xinqiao.client import Client
from xinqiao.message import new_message_id, timestamp
from xinqiao.seal import new_key, read_signing_key, write_key
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
    channels = ["  channel bank (production, pull)", "  channel core (production, pull)"]
    hint = f"    the example's code: set institution_code in {data / 'gateway.yaml'}"
    assert announced(data) == [f"  institution {TRUST}", hint, *channels]
    (data / "gateway.yaml").write_text(f"institution_code: {BANK}\n")
    assert announced(data) == [f"  institution {BANK}", *channels]


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
