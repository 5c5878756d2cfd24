"""What the tests of live traffic share: partners that keep to the standard or do not, looks, exports, certificates."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from starlette.testclient import TestClient
from typer.testing import CliRunner, Result

from tests.gateway.conftest import BANK, CORE, PARTNER, Site, message
from tests.gateway.delivery.partner import Script, running
from xinqiao.certificate import CertifiedKit, Seen, Subject, issue
from xinqiao.message import Json
from xinqiao.revocation import Revocation, new_revocations
from xinqiao.seal import SigningKey, new_key, read_signing_key, write_key
from xinqiao.signed import Issuer
from xinqiao_gateway.cli import app
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation

NAME = "王小明"
ISSUER = Issuer("示例信托", CORE["code"])


def kyc(case_id: str = "CASE-1", **header: str) -> Json:
    made = message("kycApplication", case_id)
    made["kycApplication"]["applicant"]["name"] = NAME
    return made | {"header": made["header"] | header}


def decision(case_id: str = "CASE-1") -> Json:
    return message("kycDecision", case_id, sender=CORE["code"], receiver=BANK)


def of_another_case(site: Site) -> str:
    """Send a correction under another case id; the standard forbids it, and a gateway cannot see it by itself."""
    first = kyc("CASE-1")
    site.send("partner", first).raise_for_status()
    second = kyc("CASE-2", replaces=first["header"]["messageId"])
    second["header"]["revision"] = 2
    second["kycApplication"]["applicationNo"] += "X"
    site.send("partner", second).raise_for_status()
    found: str = second["header"]["messageId"]
    return found


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def watch(site: Site, *options: str, channel: str = "partner") -> tuple[int, Any]:
    done = run("channel", "watch", channel, "--share", "1", "--data", str(site.data), "--json", *options)
    assert done.stdout, done.exception
    return done.exit_code, json.loads(done.stdout)


def certify(
    site: Site,
    *met: str,
    key: SigningKey | None = None,
    institution: str = BANK,
    ended: bool = False,
    kit: str = "sender/family-trust/rest",
    channel: str = "partner",
    results: bytes | None = None,
) -> Path:
    """Lay a certificate beside the profile, as ``channel certify`` does, over requirements that are met."""
    folder = site.data / "channels" / channel / "certification"
    folder.mkdir(exist_ok=True)
    rows = [{"id": each, "level": "MUST", "result": "passed", "cases": []} for each in met]
    results = results or orjson.dumps({"kits": [{"kit": kit, "requirements": rows}]})
    digest, now = f"sha256:{'0' * 64}", datetime.now(UTC)
    at = now - timedelta(days=30) if ended else now
    seen = Seen(
        subject=Subject("示例银行", institution), standard="1.0",
        kits=(CertifiedKit(kit, len(met), 0, 0, len(met), 0),),
        suite=digest, declaration=digest, results=f"sha256:{hashlib.sha256(results).hexdigest()}", root=digest,
        exchanges=1, how="run", tested_at=at,
    )  # fmt: skip
    signing = key or read_signing_key(site.data / "keys" / "gateway.jwk")
    (folder / "results.json").write_bytes(results)
    lasting = timedelta(days=1 if ended else 365)
    (folder / "certificate.json").write_bytes(issue(seen, ISSUER, signing, lasting=lasting, at=at))
    return folder


def asked(site: Site, text: str, channel: str = "partner") -> None:
    """Add to the profile of a channel."""
    path = site.data / "channels" / channel / "channel.yaml"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def revoke(site: Site, certificate: Path) -> None:
    """Lay the issuer's list beside a certificate, which it revokes."""
    serial = json.loads(certificate.read_bytes())["certificate"]["serial"]
    key = read_signing_key(site.data / "keys" / "gateway.jwk")
    listed = new_revocations([Revocation(serial, datetime.now(UTC), "withdrawn")], ISSUER, key)
    certificate.with_name("revocations.json").write_bytes(listed)


def gateway_of(site: Site) -> Gateway:
    found = site.http.app.state.gateway  # type: ignore[attr-defined]
    assert isinstance(found, Gateway)
    return found


def export(site: Site, to: Path, *options: str) -> Result:
    return run("recording", "export", "--to", str(to), "--data", str(site.data), *options)


@contextmanager
def pushed_to(tmp_path: Path, script: Script, settings: str = "") -> Iterator[Site]:
    """A site whose core is pushed to, and answers by a script."""
    key, data = new_key("partner-1"), tmp_path / "data"
    write_key(key.public(), tmp_path / "partner.pub.jwk")
    data.mkdir()
    retry = "retry: {first: 0.02, cap: 0.05, pause: 0.01, longest_pause: 0.05}\n"
    (data / "gateway.yaml").write_text(retry + settings)
    keys = [tmp_path / "partner.pub.jwk"]
    with running(script) as partner:
        add_channel(data, "partner", extends="canonical", keys=keys, institution=PARTNER)
        add_channel(data, "core", extends="canonical", keys=keys, institution=CORE, push_url=partner.url)
        with TestClient(build_app(Gateway(open_installation(data)))) as http_client:
            yield Site(data, key, http_client)


def ended(site: Site) -> None:
    """Wait until the one delivery has come to an end."""
    deadline = time.monotonic() + 20
    while site.admin("/v1/deliveries")[0]["state"] not in {"delivered", "dead"}:
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)
