"""A gateway reads its configuration again while it serves: all of it or nothing, and no request is lost."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.gateway.conftest import PARTNER, TRUST, Site, message
from tests.gateway.delivery.partner import running, takes
from xinqiao.errors import SettingsInvalid
from xinqiao.message import write_json
from xinqiao.seal import SigningKey, new_key, read_signing_key, seal, write_key
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation
from xinqiao_gateway.intake import Raw
from xinqiao_gateway.journal import Accepted, Outcome
from xinqiao_gateway.service import FIXED

NOTHING: dict[str, list[str]] = {"added": [], "changed": [], "removed": []}


def reload(site: Site) -> tuple[int, Any]:
    token = (site.data / "admin.token").read_text()
    response = site.http.post("/v1/reload", headers={"Authorization": f"Bearer {token}"})
    return response.status_code, orjson.loads(response.content)


def edit(data: Path, channel: str, **parts: Any) -> None:
    path = data / "channels" / channel / "channel.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | parts, allow_unicode=True))


def test_what_has_not_changed_is_left_alone(site: Site) -> None:
    nothing = {"channels": NOTHING, "files": NOTHING, "settings": [], "restart": []}
    assert reload(site) == (200, nothing)


def test_a_reload_wants_the_admin_token(site: Site) -> None:
    assert site.http.post("/v1/reload").status_code == 401


def test_channels_are_added_changed_and_removed(site: Site, tmp_path: Path) -> None:
    public = tmp_path / "partner.pub.jwk"
    add_channel(
        site.data, "second", extends="canonical", keys=[public], institution={**PARTNER, "code": TRUST}, test=True
    )
    edit(site.data, "partner", limits={"body": 2048})
    (site.data / "channels" / "sandbox").rename(tmp_path / "sandbox")
    status, said = reload(site)
    assert (status, said["channels"]) == (200, {"added": ["second"], "changed": ["partner"], "removed": ["sandbox"]})
    large = write_json(message("kycApplication")) + b" " * 2048
    assert site.post("partner", large).status_code == 413
    assert site.send("sandbox", message("kycApplication")).status_code == 404
    assert site.send("second", message("kycApplication")).status_code == 403


def test_new_keys_are_taken_and_old_ones_are_not(site: Site) -> None:
    other = new_key("partner-2")
    path = site.data / "channels" / "partner" / "keys" / "1.jwk"
    path.unlink()
    write_key(other.public(), path)
    assert reload(site)[1]["channels"]["changed"] == ["partner"]
    content = write_json(message("kycApplication"))
    assert site.post("partner", content).status_code == 401
    assert site.post("partner", content, key=other).status_code == 202


def test_where_anything_is_wrong_nothing_changes_and_every_problem_is_said(site: Site) -> None:
    edit(site.data, "partner", limits={"body": 2048})
    edit(site.data, "core", surprise=1)
    (site.data / "gateway.yaml").write_text("messages_limit: 5\n\nqueue: 0\n")
    (site.data / "policy.yaml").write_text("rules: nothing\n")
    status, said = reload(site)
    assert (status, said["reason"]) == (422, "settings_invalid")
    problems = "\n".join(said["problems"])
    for place in ("gateway.yaml:3: queue", "policy.yaml:1: rules"):
        assert place in problems
    large = write_json(message("kycApplication")) + b" " * 2048
    assert site.post("partner", large).status_code == 202


def test_settings_that_need_a_restart_are_named_and_stay(site: Site) -> None:
    (site.data / "gateway.yaml").write_text("metrics_port: 9999\nmessages_limit: 5\n")
    _, said = reload(site)
    assert (said["settings"], said["restart"]) == (["messages_limit"], ["metrics_port"])


def test_every_setting_that_needs_a_restart_is_one() -> None:
    from xinqiao_gateway.settings import Settings  # noqa: PLC0415

    assert set(Settings.model_fields) >= FIXED


@pytest.fixture
def site_without_server(tmp_path: Path) -> tuple[Path, SigningKey]:
    key = new_key("partner-1")
    write_key(key.public(), tmp_path / "partner.pub.jwk")
    write_key(key, tmp_path / "partner.jwk")
    data = tmp_path / "data"
    add_channel(data, "partner", extends="canonical", keys=[tmp_path / "partner.pub.jwk"], institution=PARTNER)
    return data, read_signing_key(tmp_path / "partner.jwk")


def raw(key: SigningKey, case: str) -> Raw:
    content = write_json(message("kycApplication", case))
    return Raw("partner", content, "application/json", seal(content, "application/json", key).signature)


async def test_under_load_no_input_is_lost_and_each_is_delivered_once(
    site_without_server: tuple[Path, SigningKey], tmp_path: Path
) -> None:
    data, key = site_without_server
    core = {"name": "核心", "type": "trust-company", "code": TRUST}
    with running(takes) as first, running(takes) as second:
        public = [tmp_path / "partner.pub.jwk"]
        add_channel(data, "core", extends="canonical", keys=public, institution=core, push_url=first.url)
        gateway = Gateway(open_installation(data))
        await gateway.start()
        outcomes: list[Outcome] = []

        async def load(number: int) -> None:
            for each in range(20):
                acceptance = await gateway.intake.accept(raw(key, f"CASE-{number}-{each}"))
                outcomes.extend(acceptance.outcomes)

        loads = [asyncio.create_task(load(each)) for each in range(4)]
        for url in (second.url, first.url, second.url):
            edit(data, "core", push={"url": url})
            reloaded = await gateway.reload()
            assert reloaded.channels.changed == ("core",)
        await asyncio.gather(*loads)
        async with asyncio.timeout(30):
            while len(first.got) + len(second.got) < 80:
                gateway.journal.look_again(["core"])
                await asyncio.sleep(0.02)
        await gateway.stop()
    assert len(outcomes) == 80
    assert all(isinstance(each, Accepted) and not each.repeat for each in outcomes)
    got = first.cases() + second.cases()
    assert len(got) == len(set(got)) == 80


async def test_deliveries_of_a_removed_channel_wait_for_its_return(
    site_without_server: tuple[Path, SigningKey], tmp_path: Path
) -> None:
    data, key = site_without_server
    core = {"name": "核心", "type": "trust-company", "code": TRUST}
    public = [tmp_path / "partner.pub.jwk"]
    with running(takes) as partner:
        add_channel(data, "core", extends="canonical", keys=public, institution=core, push_url="http://127.0.0.1:9/")
        gateway = Gateway(open_installation(data))
        await gateway.start()
        await gateway.intake.accept(raw(key, "CASE-1"))
        (data / "channels" / "core").rename(tmp_path / "core")
        assert (await gateway.reload()).channels.removed == ("core",)
        await gateway.surveillance.count()
        assert gateway.surveillance.figures is not None
        assert set(gateway.surveillance.figures.oldest) == {"core"}
        (tmp_path / "core").rename(data / "channels" / "core")
        edit(data, "core", push={"url": partner.url})
        (data / "gateway.yaml").write_text("retry: {first: 0.01}\n")
        assert (await gateway.reload()).channels.added == ("core",)
        async with asyncio.timeout(30):
            while not partner.got:
                await asyncio.sleep(0.02)
        await gateway.stop()
    assert partner.cases() == ["CASE-1"]


async def test_a_refused_reload_leaves_the_service_that_there_was(site_without_server: tuple[Path, SigningKey]) -> None:
    data, _ = site_without_server
    gateway = Gateway(open_installation(data))
    await gateway.start()
    before = gateway.service
    (data / "obligations.yaml").write_text("obligations: 1\n")
    with pytest.raises(SettingsInvalid, match=r"obligations\.yaml:1"):
        await gateway.reload()
    assert gateway.service is before
    await gateway.stop()
