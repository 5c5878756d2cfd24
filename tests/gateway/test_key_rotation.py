"""A new key for the gateway: partners that know the old one go on, those that have the new one do, and then it ends."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import orjson
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from tests.gateway.conftest import CORE, PARTNER, TRUST, Site, message
from tests.gateway.delivery.partner import running, takes
from tests.gateway.delivery.test_dispatcher import settled
from xinqiao.errors import Conflict, KeyUnusable, SealInvalid
from xinqiao.message import new_message_id, write_json
from xinqiao.receiver import MemorySeen, Receiver
from xinqiao.seal import (
    CONTENT_TYPE_JSON,
    NEXT_SIGNATURE_HEADER,
    SIGNATURE_HEADER,
    KeyRing,
    Sealed,
    new_key,
    open_either,
    open_seal,
    read_signing_key,
    read_verifying_key,
    seal,
    write_key,
)
from xinqiao_gateway.cli import app
from xinqiao_gateway.configuration import inspect_installation
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation, serving_alone
from xinqiao_gateway.journal.alarms import DueAlarm
from xinqiao_gateway.obligations.alarms import Poster
from xinqiao_gateway.rotation import Overlap, drop_ended, read_overlap, rotate, signatures

RUNNER = CliRunner()
WEEK = timedelta(days=7)
NOW = 1_800_000_000.0
OLD, NEW = new_key("gateway-old"), new_key("gateway-new")
BODY = b'{"a":1}'


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return an installation that was never started."""
    open_installation(tmp_path / "data")
    return tmp_path / "data"


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def verified(headers: dict[str, str], *keys: KeyRing) -> list[str]:
    """Return whose signature each ring of keys finds good."""
    sealed, following = Sealed(BODY, CONTENT_TYPE_JSON, headers[SIGNATURE_HEADER]), headers.get(NEXT_SIGNATURE_HEADER)
    return [open_either(sealed, following or "", ring, at=at(NOW)) for ring in keys]


def test_while_it_lasts_whoever_knows_either_key_verifies_and_an_old_receiver_reads_the_header_it_knows() -> None:
    headers = signatures(BODY, CONTENT_TYPE_JSON, NEW, Overlap(OLD, NOW + 1), at(NOW))
    old, new = KeyRing([OLD.public()]), KeyRing([NEW.public()])
    assert verified(headers, old, new, KeyRing([OLD.public(), NEW.public()])) == [OLD.kid, NEW.kid, OLD.kid]
    assert open_seal(Sealed(BODY, CONTENT_TYPE_JSON, headers[SIGNATURE_HEADER]), old, at=at(NOW)) == OLD.kid
    with pytest.raises(SealInvalid):
        verified(headers, KeyRing([new_key("other").public()]))


def test_afterwards_there_is_one_signature_by_the_new_key() -> None:
    headers = signatures(BODY, CONTENT_TYPE_JSON, NEW, Overlap(OLD, NOW), at(NOW))
    assert headers.keys() == {SIGNATURE_HEADER}
    assert verified(headers, KeyRing([NEW.public()])) == [NEW.kid]


def test_a_second_signature_over_other_bytes_is_none() -> None:
    other = seal(b"{}", CONTENT_TYPE_JSON, NEW, at(NOW)).signature
    own = seal(BODY, CONTENT_TYPE_JSON, OLD, at(NOW)).signature
    with pytest.raises(SealInvalid, match="kid 'gateway-old' is not"):
        verified({SIGNATURE_HEADER: own, NEXT_SIGNATURE_HEADER: other}, KeyRing([NEW.public()]))


def test_a_receiver_of_the_sdk_takes_either() -> None:
    content = write_json(message("kycApplication"))
    signed = signatures(content, CONTENT_TYPE_JSON, NEW, Overlap(OLD, datetime.now(UTC).timestamp() + 60))
    for ring in (KeyRing([OLD.public()]), KeyRing([NEW.public()])):
        receiver = Receiver(ring, lambda _message: None, MemorySeen(), institution=TRUST)
        status, _ = receiver.receive(
            content, CONTENT_TYPE_JSON, signed[SIGNATURE_HEADER], signed[NEXT_SIGNATURE_HEADER]
        )
        assert status == 202
    old = Receiver(KeyRing([OLD.public()]), lambda _message: None, MemorySeen(), institution=TRUST)
    assert old.receive(content, CONTENT_TYPE_JSON, signed[SIGNATURE_HEADER])[0] == 202


# --- the command ----------------------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[int, str]:
    done = RUNNER.invoke(app, list(arguments))
    return done.exit_code, done.output


def test_rotation_keeps_the_private_key_of_before_for_its_time_and_no_longer(data: Path) -> None:
    before = read_signing_key(data / "keys" / "gateway.jwk")
    code, said = run("key", "rotate", "--data", str(data), "--overlap", "2", "--json")
    present = read_signing_key(data / "keys" / "gateway.jwk")
    assert (code, json.loads(said)) == (0, {"before": before.kid, "present": present.kid, "overlap_days": 2.0})
    assert read_verifying_key(data / "keys" / "gateway.pub.jwk").jwk() == present.public().jwk()
    assert read_verifying_key(data / "keys" / "former" / f"{before.kid}.jwk").jwk() == before.public().jwk()
    file = data / "keys" / "overlap.json"
    assert file.stat().st_mode & 0o777 == 0o600
    overlap = open_installation(data).overlap
    assert overlap is not None
    assert overlap.key.private_jwk() == before.private_jwk()
    assert not drop_ended(data, overlap.until - 1)
    assert drop_ended(data, overlap.until)
    assert not file.exists()
    assert inspect_installation(data) == []


def test_a_key_that_leaked_signs_nothing_any_more(data: Path) -> None:
    rotate(data, "gateway-b", WEEK, NOW)
    with pytest.raises(Conflict, match="signs beside gateway-b until"):
        rotate(data, "gateway-c", WEEK, NOW + 60)
    assert run("key", "rotate", "--data", str(data), "--overlap", "0")[0] == 0
    assert open_installation(data).overlap is None
    assert len(open_installation(data).former_keys) == 2


def test_a_second_rotation_is_told_to_wait_and_nothing_about_messages(data: Path) -> None:
    assert run("key", "rotate", "--data", str(data))[0] == 0
    code, said = run("key", "rotate", "--data", str(data))
    assert (code, "wait for that, or say --overlap 0" in said, "replaces" in said) == (1, True, False)


def test_a_rotation_that_broke_off_changed_nothing_or_is_done_again(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_signing_key(data / "keys" / "gateway.jwk")
    with monkeypatch.context() as broken:
        broken.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            rotate(data, "gateway-b", WEEK, NOW)
    installation = open_installation(data)
    assert (installation.key.kid, installation.overlap) == (before.kid, None)
    rotate(data, "gateway-c", WEEK, NOW)
    installation = open_installation(data)
    assert (installation.key.kid, installation.overlap) == ("gateway-c", read_overlap(data, installation.key))
    assert installation.overlap is not None


def test_a_key_is_not_changed_under_a_gateway_that_runs(data: Path) -> None:
    with serving_alone(data):
        assert run("key", "rotate", "--data", str(data))[0] != 0
    assert not (data / "keys" / "overlap.json").exists()


@pytest.mark.parametrize("content", ["x", "{}", '{"until": "soon", "key": {}}', "[]"])
def test_a_key_of_before_that_cannot_be_read_is_said(data: Path, content: str) -> None:
    file = data / "keys" / "overlap.json"
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(KeyUnusable, match=r"overlap\.json|private"):
        open_installation(data)
    assert inspect_installation(data) != []


def test_a_key_of_before_that_others_may_read_is_not_used(data: Path) -> None:
    rotate(data, "gateway-b", WEEK, NOW)
    (data / "keys" / "overlap.json").chmod(0o644)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        open_installation(data)


# --- over the line --------------------------------------------------------------------------------------------


def test_a_push_carries_both_signatures_and_both_keys_are_published(tmp_path: Path) -> None:
    key, public, data = new_key("partner-1"), tmp_path / "partner.pub.jwk", tmp_path / "data"
    write_key(key.public(), public)
    with running(takes) as partner:
        add_channel(data, "partner", extends="canonical", keys=[public], institution=PARTNER)
        add_channel(data, "core", extends="canonical", keys=[public], institution=CORE, push_url=partner.url)
        former, present = rotate(data, "gateway-b", WEEK, datetime.now(UTC).timestamp())
        with TestClient(build_app(Gateway(open_installation(data)))) as http:
            site = Site(data, key, http)
            site.send("partner", message("kycApplication"))
            settled(site, "delivered")
            published = orjson.loads(http.get("/v1/keys").content)
    (headers,) = partner.headers
    for name, signer in ((SIGNATURE_HEADER, former), (NEXT_SIGNATURE_HEADER, present)):
        sealed = Sealed(partner.raw[0], CONTENT_TYPE_JSON, headers[name.lower()])
        assert open_seal(sealed, KeyRing([signer])) == signer.kid
    assert [each.kid for each in KeyRing.from_jwks(published)] == [present.kid, former.kid]


async def test_an_alarm_carries_both_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        got.append(request)
        return httpx.Response(204)

    client = httpx.AsyncClient
    monkeypatch.setattr(httpx, "AsyncClient", lambda **_: client(transport=httpx.MockTransport(answer)))
    poster = Poster("ops", "https://ops.example/alarms", NEW, Overlap(OLD, NOW + 60))
    assert await poster.post(DueAlarm(new_message_id(), BODY, 0), NOW) is None
    headers = {name: got[0].headers[name] for name in (SIGNATURE_HEADER, NEXT_SIGNATURE_HEADER)}
    assert verified(headers, KeyRing([OLD.public()]), KeyRing([NEW.public()])) == [OLD.kid, NEW.kid]
