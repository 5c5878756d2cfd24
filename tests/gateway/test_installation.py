"""The installation's folder: what is made, what is refused with its reason, and that refusing leaves nothing behind."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.gateway.conftest import CORE, PARTNER
from xinqiao.errors import ConfigurationError, KeyUnusable, ProfileInvalid, SettingsInvalid
from xinqiao.seal import new_key, read_signing_key, read_verifying_key, write_key
from xinqiao_gateway.installation import (
    add_channel,
    complete_channel,
    is_draft,
    open_installation,
    read_installation,
    serving_alone,
)
from xinqiao_gateway.settings import read_settings


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "partner.pub.jwk"
    write_key(new_key("partner-1").public(), path)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def add(data: Path, channel_id: str, key: Path, **more: Any) -> Path:
    return add_channel(data, channel_id, **{"extends": "canonical", "keys": [key], "institution": PARTNER} | more)


def profile_of(data: Path, folder: str, **parts: Any) -> Path:
    """Write a channel by hand, as an operator does."""
    path = data / "channels" / folder / "channel.yaml"
    (path.parent / "keys").mkdir(parents=True)
    write_key(new_key(f"{folder}-1").public(), path.parent / "keys" / "1.jwk")
    path.write_text(yaml.safe_dump({"extends": "canonical", "institution": PARTNER} | parts), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "channel_id", ["../../outside", "..", "", "a", "A-bank", "bank/../x", "bank\n", "/etc/x", "1bank", "b" * 42, "银行"]
)
def test_an_id_that_is_no_id_is_refused_before_the_disk_is_touched(tmp_path: Path, key: Path, channel_id: str) -> None:
    before = everything(tmp_path)
    with pytest.raises(ProfileInvalid, match="no id of a channel"):
        add(tmp_path / "data", channel_id, key)
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"extends": "no-such-channel"},
        {"institution": {"name": "x", "type": "bank", "code": "1"}},
        {"keys": []},
        {"keys": [Path("nowhere.jwk")]},
        {"push_url": "ftp://partner.example/in"},
    ],
)
def test_a_channel_that_would_not_load_leaves_nothing_behind(
    tmp_path: Path, data: Path, key: Path, wrong: dict[str, Any]
) -> None:
    before = everything(tmp_path)
    with pytest.raises(ConfigurationError):
        add(data, "partner", key, **wrong)
    assert everything(tmp_path) == before


def test_a_channel_that_exists_is_not_touched(data: Path, key: Path) -> None:
    path = add(data, "partner", key)
    before = path.read_bytes()
    with pytest.raises(ProfileInvalid, match="exists already"):
        add(data, "partner", key, institution=CORE)
    assert path.read_bytes() == before


def test_a_second_channel_that_delivers_to_the_same_institution_is_refused_and_not_written(
    data: Path, key: Path
) -> None:
    add(data, "partner", key)
    before = everything(data)
    with pytest.raises(ProfileInvalid, match="partner and another both deliver"):
        add(data, "another", key)
    assert everything(data) == before


@pytest.mark.parametrize("name", ["channels", "keys", "."])
def test_a_file_where_a_folder_is_expected_is_a_clear_error(data: Path, key: Path, name: str) -> None:
    if name != ".":
        data.mkdir()
    (data / name).write_text("a file")
    with pytest.raises(SettingsInvalid, match="folder"):
        add(data, "partner", key)


def test_key_files_are_named_by_number_whatever_the_key_is_called(data: Path, tmp_path: Path) -> None:
    keys = [tmp_path / f"{number}.jwk" for number in range(2)]
    for number, path in enumerate(keys):
        write_key(new_key(f"rotation:{number}").public(), path)
    path = add_channel(data, "partner", extends="canonical", keys=keys, institution=PARTNER)
    assert everything(path.parent) == ["channel.yaml", "keys", "keys/1.jwk", "keys/2.jwk"]


def test_a_folder_whose_profile_says_another_channel_is_refused(data: Path, key: Path) -> None:
    open_installation(data)
    profile_of(data, "partner", channel="stranger")
    with pytest.raises(ProfileInvalid, match="the folder is partner, the profile says channel: stranger"):
        open_installation(data)


def test_two_folders_that_say_the_same_channel_are_refused(data: Path) -> None:
    profile_of(data, "first", channel="first")
    profile_of(data, "second", channel="first", institution=CORE)
    with pytest.raises(ProfileInvalid, match="the folder is second, the profile says channel: first"):
        open_installation(data)


def test_a_profile_that_cannot_be_read_is_named(data: Path) -> None:
    (data / "channels" / "partner" / "channel.yaml").mkdir(parents=True)
    with pytest.raises(ProfileInvalid, match=r"partner/channel\.yaml"):
        open_installation(data)


def test_folders_and_secrets_are_the_owners_alone(data: Path) -> None:
    open_installation(data)
    modes = {name: (data / name).stat().st_mode & 0o777 for name in (".", "keys", "admin.token", "keys/gateway.jwk")}
    assert modes == {".": 0o700, "keys": 0o700, "admin.token": 0o600, "keys/gateway.jwk": 0o600}


def test_a_token_that_others_may_read_is_refused(data: Path) -> None:
    open_installation(data)
    (data / "admin.token").chmod(0o640)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        open_installation(data)


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 8])
def test_a_token_that_is_none_is_refused(data: Path, content: bytes) -> None:
    open_installation(data)
    (data / "admin.token").write_bytes(content)
    with pytest.raises(KeyUnusable, match="less than 32 characters"):
        open_installation(data)


def test_the_public_key_is_written_again_where_it_is_missing(data: Path) -> None:
    open_installation(data)
    (data / "keys" / "gateway.pub.jwk").unlink()
    open_installation(data)
    private = read_signing_key(data / "keys" / "gateway.jwk")
    assert read_verifying_key(data / "keys" / "gateway.pub.jwk") == private.public()


def test_reading_an_installation_that_is_none_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="holds no installation"):
        read_installation(tmp_path / "data")
    assert everything(tmp_path) == []


def test_an_installation_is_served_by_one_at_a_time(data: Path) -> None:
    with serving_alone(data):
        with pytest.raises(SettingsInvalid, match="another gateway serves"), serving_alone(data):
            pass
        open_installation(data)
    with serving_alone(data):
        pass


def test_no_channel_is_added_to_an_installation_that_could_not_start(data: Path, key: Path) -> None:
    open_installation(data)
    (data / "admin.token").write_bytes(b"short")
    with pytest.raises(KeyUnusable, match="less than 32 characters"):
        add(data, "partner", key)
    assert list((data / "channels").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: [1", "gateway.yaml:1: not YAML"),
        (b"body_limit: 2048\nb: {\n", "gateway.yaml:3: not YAML"),
        (b"- body_limit\n", "gateway.yaml:1: settings are a mapping"),
        (b"just words", "gateway.yaml:1: settings are a mapping"),
        (b"1: 2", "gateway.yaml:1: settings are a mapping"),
        (b"queue: 5\n_env_prefix: X", "gateway.yaml:2: _env_prefix: no such key here"),
        (b"queue: 0\n_env_prefix: X", "gateway.yaml:1: queue: "),
        (b"institution_code: \xff", "gateway.yaml: is not UTF-8"),
        (b"messages_limit: 0", "messages_limit: "),
        (b"retry: {frist: 1}", "retry.frist: "),
        (b"institution_code: '913100001000100013'", "check character 2 is expected at its end"),
        (b"institution_code: ABC", "institution_code: "),
        (b"institution_code: [1]", "institution_code: "),
    ],
)
def test_settings_that_cannot_be_used_are_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "gateway.yaml").write_bytes(content)
    with pytest.raises(SettingsInvalid) as caught:
        read_settings(tmp_path)
    assert said in caught.value.detail


@pytest.mark.parametrize("content", ["", "# nothing yet\n", "messages_limit: 5"])
def test_settings_may_be_left_out(tmp_path: Path, content: str) -> None:
    (tmp_path / "gateway.yaml").write_text(content)
    assert read_settings(tmp_path).messages_limit == (5 if content.endswith("5") else 1000)


def test_an_environment_variable_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XINQIAO_RETRY", "{")
    with pytest.raises(SettingsInvalid, match="environment"):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    ("url", "test"),
    [
        ("https://bank.example/messages", False),
        ("http://127.0.0.1:9/x", False),
        ("http://[::1]:9/x", False),
        ("http://localhost/x", False),
        ("http://bank.example/messages", True),
    ],
)
def test_a_push_address_may_be_https_or_stay_on_this_machine(data: Path, key: Path, url: str, test: bool) -> None:
    add(data, "partner", key, push_url=url, test=test)
    channels = open_installation(data).channels
    assert (channels.pushed("partner"), channels.pushed("stranger")) == (True, False)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://bank.example/messages", "in the clear"),
        ("http://127.0.0.1.bank.example/", "in the clear"),
        ("ftp://bank.example/messages", "no address that can be pushed to"),
        ("file:///etc/passwd", "no address that can be pushed to"),
        ("bank.example/messages", "no address that can be pushed to"),
        ("https://", "no address that can be pushed to"),
        ("https://[::1", "no address"),
        ("https://bank.example:port/", "no address"),
    ],
)
def test_another_push_address_is_refused_saying_why(data: Path, key: Path, url: str, said: str) -> None:
    with pytest.raises(ProfileInvalid, match=said):
        add(data, "partner", key, push_url=url)


DRAFT = """\
channel: my-draft
title: {zh: 草稿, en: Draft}
institution: {name: 合作银行, type: bank, code: 91110000100000000R}
receiver: "913100001000100012"
interfaces:
  nav:
    message: navReport
    direction: in
    format: {kind: json}
    key: [k]
    map:
      header.partnerSerial: {from: k}
      unitNav: {from: n, decimal: 4, proposed: {confidence: 0.9, reason: 名称相同}}
"""


def drafted(data: Path, text: str) -> Path:
    path = data / "channels" / "my-draft" / "channel.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("text", [DRAFT, DRAFT.replace("reason: 名称相同", "reason: 名称相同, confirmed: 王小明")])
def test_a_draft_is_not_served_and_stops_no_other_channel(data: Path, key: Path, text: str) -> None:
    add(data, "their-bank", key)
    drafted(data, text)
    assert [each.channel_id for each in open_installation(data).channels] == ["their-bank"]


def test_a_draft_with_an_unconfirmed_proposal_gets_no_keys(data: Path, key: Path) -> None:
    path = drafted(data, DRAFT)
    with pytest.raises(ProfileInvalid, match="1 proposals are unconfirmed"):
        complete_channel(data, "my-draft", [key])
    assert not (path.parent / "keys").exists()


def test_a_confirmed_draft_is_served_with_its_keys(data: Path, key: Path) -> None:
    drafted(data, DRAFT.replace("reason: 名称相同", "reason: 名称相同, confirmed: 王小明"))
    assert is_draft(data, "my-draft")
    complete_channel(data, "my-draft", [key])
    assert not is_draft(data, "my-draft")
    assert [each.channel_id for each in open_installation(data).channels] == ["my-draft"]
