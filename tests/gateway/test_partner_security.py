"""Channels whose partners sign and encrypt in their own way: in, out, answers, and what the journal keeps."""

import base64
import json
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from hmac import digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
import yaml
from starlette.testclient import TestClient

from tests.by_hand import (
    USER,
    bank_document,
    bank_form,
    compact,
    gmalg_key,
    payment_form,
    rsa_files,
    rsa_signature,
    secret_jwk,
    sm2_files,
    sm4_cbc,
    sm4_cbc_back,
)
from tests.gateway.conftest import CORE, Site, message
from xinqiao.errors import KeyUnusable, ProfileInvalid
from xinqiao.seal import new_key, write_key
from xinqiao_adapters.loader import shipped_directory
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation
from xinqiao_gateway.journal.vault import open_vault

BANK, PLATFORM = "91440300100000202B", "91310000100000303H"
FORM_TYPE = "application/x-www-form-urlencoded"
SECRET = b"a secret of both sides"


def beijing(ago: timedelta = timedelta(0)) -> str:
    return (datetime.now(timezone(timedelta(hours=8))) - ago).strftime("%Y%m%d%H%M%S")


def answer(code: str, signer: str = "bank") -> bytes:
    """Return a sealed answer of the bank's, built by hand."""
    document = bank_document({"response": {"head": {"resultcode": code}}}, signer, beijing())
    return base64.b64encode(sm4_cbc(compact(document)))


def opened(content: bytes) -> dict[str, Any]:
    """Return what a sealed answer of ours says, after verifying it by hand."""
    document = json.loads(sm4_cbc_back(base64.b64decode(content)))
    signature = base64.b64decode(document["signature"]["sigdat"])
    unsigned = {**document, "signature": {**document["signature"], "sigdat": "__signature_sigdat__"}}
    assert gmalg_key("us").verify(compact(unsigned), signature[:32], signature[32:])
    found: dict[str, Any] = document["response"]["head"]
    return found


@dataclass
class Bank:
    """The bank over HTTP: it answers with ``says`` and remembers the forms that it got."""

    says: Callable[[], bytes] = lambda: answer("SUC0000")
    status: int = 200
    got: list[dict[str, str]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def bank() -> Iterator[Bank]:
    bank = Bank()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            bank.got.append(dict(parse_qsl(content.decode())) | {"type": self.headers["Content-Type"]})
            said = bank.says()
            self.send_response(bank.status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    bank.url = f"http://127.0.0.1:{server.server_port}/"
    yield bank
    server.shutdown()
    thread.join()
    server.server_close()


def written(folder: Path, files: dict[str, bytes]) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


@pytest.fixture
def site(tmp_path: Path, bank: Bank) -> Iterator[Site]:
    key, data = new_key("core-1"), tmp_path / "data"
    write_key(key.public(), tmp_path / "core.jwk")
    data.mkdir()
    retry = "{first: 0.02, cap: 0.05, give_up_after: 0.01, pause: 0.01, longest_pause: 0.05}"
    (data / "gateway.yaml").write_text(f"push_timeout: 5\nretry: {retry}\n")
    add_channel(data, "core", extends="canonical", keys=[tmp_path / "core.jwk"], institution=CORE)
    sm2 = written(tmp_path / "sm2", sm2_files("us", "bank"))
    add_channel(data, "bank-api-sm2", extends="bank-api-sm2", keys=sm2, push_url=bank.url)
    rsa = written(tmp_path / "rsa", rsa_files("us", "platform"))
    add_channel(data, "payment-rsa", extends="payment-rsa", keys=rsa, push_url="https://platform.invalid/")
    with TestClient(build_app(Gateway(open_installation(data)))) as http:
        yield Site(data, key, http)


def sample(channel: str, name: str) -> bytes:
    return (shipped_directory() / channel / "samples" / name).read_bytes()


def entries(signer: str = "bank", at: str | None = None, **changes: str) -> bytes:
    """Return the bank's account entries in its own sealed form, built by hand."""
    content = json.loads(sample("bank-api-sm2", "account_entry.json"))
    content["request"]["head"]["userid"] = USER
    return bank_form(bank_document(content, signer, at or beijing()), **{"FUNCODE": "XQTRSNTY", **changes})


def post(site: Site, channel: str, content: bytes, **headers: str) -> Any:
    said = {"Content-Type": FORM_TYPE} | headers
    return site.http.post(f"/v1/channels/{channel}/messages", content=content, headers=said)


def stored(site: Site) -> list[tuple[bytes, str, str]]:
    """Return the raw inputs of the journal: content, content type, signature."""
    vault = open_vault(site.data / "keys" / "master.key", is_new=False)
    with closing(sqlite3.connect(site.data / "journal.db")) as database:
        rows = database.execute(
            "SELECT raw_id, raws.scope, wrapped, content, content_type, signature"
            " FROM raws JOIN data_keys ON data_keys.scope = raws.scope ORDER BY raw_id"
        ).fetchall()
    return [
        (vault.open_key(scope, wrapped).decrypt(content, f"raw:{raw_id}"), kind, signature)
        for raw_id, scope, wrapped, content, kind, signature in rows
    ]


def test_what_the_bank_seals_is_accepted_and_answered_under_our_seal(site: Site) -> None:
    response = post(site, "bank-api-sm2", entries())
    assert (response.status_code, opened(response.content)) == (202, {"resultcode": "SUC0000"})
    assert [each["channel"] for each in site.admin("/v1/deliveries")] == ["core", "core"]


def test_the_journal_keeps_the_bytes_that_the_bank_sent(site: Site) -> None:
    raw = entries()
    post(site, "bank-api-sm2", raw)
    assert stored(site) == [(raw, FORM_TYPE, "")]


def test_the_same_input_sealed_again_is_a_repeat(site: Site) -> None:
    assert post(site, "bank-api-sm2", entries()).status_code == 202
    again = post(site, "bank-api-sm2", entries(at=beijing(timedelta(minutes=1))))
    assert (again.status_code, opened(again.content)) == (200, {"resultcode": "SUC0000"})


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (lambda: entries("someone"), "XQE0402"),
        (lambda: entries(UID="U000000009"), "XQE0402"),
        (lambda: entries(FUNCODE="XQPAYRST"), "XQE0402"),
        (lambda: entries(DATA="AAAA"), "XQE0402"),
        (lambda: entries(at=beijing(timedelta(hours=2))), "XQE0403"),
        (lambda: entries(at=beijing(-timedelta(hours=2))), "XQE0403"),
        (lambda: b"no form", "XQE0201"),
    ],
)
def test_what_is_not_the_banks_is_refused_in_its_own_codes_and_leaves_nothing(
    site: Site, raw: Callable[[], bytes], code: str
) -> None:
    response = post(site, "bank-api-sm2", raw())
    assert opened(response.content)["resultcode"] == code
    assert response.status_code in {401, 422}
    assert (site.admin("/v1/deliveries"), stored(site)) == ([], [])


def test_the_standards_seal_does_not_open_a_partners_channel(site: Site) -> None:
    plain = sample("bank-api-sm2", "account_entry.json")
    assert opened(site.post("bank-api-sm2", plain).content)["resultcode"] == "XQE0201"


def payment() -> Any:
    sent = message("paymentInstruction", None, sender=CORE["code"], receiver=BANK)
    body = {**sent["paymentInstruction"], "documents": [], "approvals": []}
    return {**sent, "paymentInstruction": {name: part for name, part in body.items() if part != []}}


def settled(site: Site, state: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while True:
        found: list[dict[str, Any]] = site.admin("/v1/deliveries")
        if [each["state"] for each in found] == [state]:
            return found[0]
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def test_a_payment_reaches_the_bank_in_its_own_sealed_form(site: Site, bank: Bank) -> None:
    response = site.send("core", payment())
    assert response.status_code == 202, response.text
    settled(site, "delivered")
    (form,) = bank.got
    assert (form["UID"], form["FUNCODE"], form["ALG"], form["type"]) == (USER, "XQPAYSUB", "SM", FORM_TYPE)
    document = json.loads(sm4_cbc_back(base64.b64decode(form["DATA"])))
    signature = base64.b64decode(document["signature"]["sigdat"])
    unsigned = {**document, "signature": {**document["signature"], "sigdat": "__signature_sigdat__"}}
    assert gmalg_key("us").verify(compact(unsigned), signature[:32], signature[32:])
    (paid,) = document["request"]["body"]["xqpaysubx1"]
    assert (document["request"]["head"]["userid"], paid["trsamt"]) == (USER, "300000.00")


def test_a_refusal_under_the_banks_seal_ends_the_delivery(site: Site, bank: Bank) -> None:
    bank.says = lambda: answer("XQE0202")
    site.send("core", payment())
    dead = settled(site, "dead")
    assert [(each["outcome"], each["detail"]) for each in dead["tried"]] == [("refused", "HTTP 200 XQE0202")]


@pytest.mark.parametrize(
    "says",
    [
        lambda: answer("SUC0000", "someone"),
        lambda: b'{"response":{"head":{"resultcode":"SUC0000"}}}',
        lambda: b"",
        lambda: base64.b64encode(bytes(32)),
    ],
)
def test_an_answer_that_is_not_under_the_banks_seal_proves_nothing(
    site: Site, bank: Bank, says: Callable[[], bytes]
) -> None:
    bank.says = says
    site.send("core", payment())
    dead = settled(site, "dead")
    said = [(each["outcome"], each["reason"], each["detail"]) for each in dead["tried"]]
    assert len(said) > 2
    assert set(said) == {("unknown", "destination_down", "HTTP 200, answer: signature_invalid")}


def test_the_platforms_form_is_accepted_and_answered_with_a_signed_form(site: Site) -> None:
    content = dict(parse_qsl(sample("payment-rsa", "prepaid_payment.form").decode()))
    raw = urlencode(payment_form(content, "platform")).encode()
    response = post(site, "payment-rsa", raw)
    said = dict(parse_qsl(response.content.decode()))
    signature = said.pop("signature")
    assert (response.status_code, response.headers["Content-Type"], said["respCode"]) == (202, FORM_TYPE, "00")
    assert signature == rsa_signature("us", said)
    assert stored(site) == [(raw, FORM_TYPE, "")]


def test_a_changed_amount_is_refused_with_the_platforms_code(site: Site) -> None:
    content = dict(parse_qsl(sample("payment-rsa", "prepaid_payment.form").decode()))
    raw = urlencode({**payment_form(content, "platform"), "tranAmt": "500001"}).encode()
    response = post(site, "payment-rsa", raw)
    assert (response.status_code, dict(parse_qsl(response.content.decode()))["respCode"]) == (401, "21")


def test_a_partner_with_its_own_scheme_has_no_token_to_pull_with(site: Site) -> None:
    assert site.http.get("/v1/channels/bank-api-sm2/messages").status_code == 401


# --- a signature in a header ------------------------------------------------------------------------------------

IN_A_HEADER = {
    "scheme": "partner",
    "algorithms": None,
    "in": "only",
    "out": "only",
    "answer": "only",
    "sealings": {
        "only": {
            "signature": {
                "algorithm": "HMAC-SHA256",
                "text": {"kind": "raw"},
                "encoding": "hex",
                "header": "X-Partner-Sign",
            }
        }
    },
}


def header_site(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    core = new_key("core-1")
    write_key(core.public(), tmp_path / "core.jwk")
    add_channel(data, "core", extends="canonical", keys=[tmp_path / "core.jwk"], institution=CORE)
    folder = data / "channels" / "xml-bank"
    (folder / "keys").mkdir(parents=True)
    profile = {"channel": "xml-bank", "extends": "demo-bank", "push": {"url": "https://bank.invalid/"}}
    (folder / "channel.yaml").write_text(yaml.safe_dump({**profile, "security": IN_A_HEADER}))
    (folder / "keys" / "secret.jwk").write_bytes(secret_jwk(SECRET))
    (folder / "keys" / "secret.jwk").chmod(0o600)
    return data


def test_a_signature_in_a_header_is_kept_as_evidence_beside_the_bytes(tmp_path: Path) -> None:
    data = header_site(tmp_path)
    with TestClient(build_app(Gateway(open_installation(data)))) as http:
        site = Site(data, new_key("nobody"), http)
        raw = sample("demo-bank", "kyc_apply.xml")
        signature = digest(SECRET, raw, sha256).hex()
        kind = {"Content-Type": "application/xml"}
        response = post(site, "xml-bank", raw, **kind, **{"X-Partner-Sign": signature})
        assert response.status_code == 202, response.text
        assert response.headers["X-Partner-Sign"] == digest(SECRET, response.content, sha256).hex()
        assert stored(site) == [(raw, "application/xml", signature)]
        missing = post(site, "xml-bank", raw, **kind)
        wrong = post(site, "xml-bank", raw + b" ", **kind, **{"X-Partner-Sign": signature})
        assert (missing.status_code, wrong.status_code) == (401, 401)
        assert b"4001" in missing.content
        assert b"4002" in wrong.content


# --- keys and profile of an installation ------------------------------------------------------------------------


def test_key_files_of_a_partners_scheme_are_taken_over_for_their_owner_alone(site: Site) -> None:
    folder = site.data / "channels" / "bank-api-sm2" / "keys"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == sm2_files("us", "bank")
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_channel_whose_keys_are_not_complete_is_not_added(tmp_path: Path) -> None:
    files = {name: content for name, content in sm2_files("us", "bank").items() if name != "cipher.jwk"}
    paths = written(tmp_path / "sm2", files)
    with pytest.raises(KeyUnusable, match=r"lacks the key of the body's encryption: put it there as cipher\.jwk"):
        add_channel(
            tmp_path / "data", "bank-api-sm2", extends="bank-api-sm2", keys=paths, push_url="https://b.invalid/"
        )
    assert not (tmp_path / "data" / "channels").exists()


def test_a_channel_that_nobody_can_be_reached_by_is_not_added(tmp_path: Path) -> None:
    paths = written(tmp_path / "sm2", sm2_files("us", "bank"))
    with pytest.raises(ProfileInvalid, match="a partner with a signing scheme of its own cannot pull"):
        add_channel(tmp_path / "data", "bank-api-sm2", extends="bank-api-sm2", keys=paths)


def test_an_answer_that_cannot_be_sealed_is_found_when_the_gateway_starts(tmp_path: Path) -> None:
    data = header_site(tmp_path)
    path = data / "channels" / "xml-bank" / "channel.yaml"
    profile = yaml.safe_load(path.read_text())
    signature = profile["security"]["sealings"]["only"]["signature"]
    in_a_form = {**signature, "text": {"kind": "pairs"}, "at": "sign", "header": None}
    profile["security"]["sealings"]["form"] = {"signature": in_a_form}
    profile["security"]["answer"] = "form"
    path.write_text(yaml.safe_dump(profile))
    with pytest.raises(ProfileInvalid, match=r"an answer cannot be sealed: .*the body is no form"):
        open_installation(data)
