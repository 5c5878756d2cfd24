"""One installation: the folder DATA with keys, channels and settings; made at first start.

DATA/gateway.yaml            settings (optional)
DATA/admin.token             token of the query and administration API (0600)
DATA/keys/gateway.jwk        the gateway's signing key (0600), gateway.pub.jwk its public part
DATA/keys/master.key         what the journal's data keys are wrapped with (0600)
DATA/channels/<id>/          channel.yaml and keys/*.jwk, the partner's public keys
DATA/journal.db              the journal, unless settings name another database
"""

import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from xinqiao.errors import ConfigurationError, ProfileInvalid
from xinqiao.seal import KeyRing, SigningKey, new_key, read_signing_key, read_verifying_key, write_key
from xinqiao_adapters.channel import load_channel
from xinqiao_gateway.channels import Channels, Push, ServedChannel
from xinqiao_gateway.settings import Settings, read_settings

__all__ = ["Installation", "add_channel", "open_installation"]


@dataclass(frozen=True, slots=True)
class Installation:
    """What a gateway is started from."""

    data: Path
    settings: Settings
    key: SigningKey
    admin_token: str
    channels: Channels

    @property
    def journal_url(self) -> str:
        """The database of the journal."""
        return self.settings.journal_url or f"sqlite:///{self.data / 'journal.db'}"

    @property
    def master_key(self) -> Path:
        """The file with the journal's master key."""
        return self.data / "keys" / "master.key"


def open_installation(data: Path) -> Installation:
    """Read an installation, making folder, keys and token where they are missing.

    Raises a ``ConfigurationError`` that names the file to correct.
    """
    (data / "keys").mkdir(parents=True, exist_ok=True)
    (data / "channels").mkdir(exist_ok=True)
    settings = read_settings(data)
    return Installation(
        data=data,
        settings=settings,
        key=_gateway_key(data / "keys"),
        admin_token=_admin_token(data / "admin.token"),
        channels=Channels(_serve(data / "channels", name, settings) for name in _channel_ids(data / "channels")),
    )


def _gateway_key(folder: Path) -> SigningKey:
    path = folder / "gateway.jwk"
    if not path.exists():
        key = new_key(f"gateway-{secrets.token_hex(4)}")
        write_key(key, path)
        write_key(key.public(), folder / "gateway.pub.jwk")
    return read_signing_key(path)


def _admin_token(path: Path) -> str:
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
    token = path.read_text().strip()
    if len(token) < 32:
        raise ConfigurationError(f"{path} holds less than 32 characters")
    return token


def _channel_ids(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.glob("*/channel.yaml"))


def _serve(folder: Path, channel_id: str, settings: Settings) -> ServedChannel:
    channel = load_channel(channel_id, [folder])
    key_files = sorted((folder / channel_id / "keys").glob("*.jwk"))
    if not key_files:
        raise ProfileInvalid(f"{folder / channel_id / 'keys'} holds no public key of the partner (*.jwk)")
    push = channel.profile.push
    return ServedChannel(
        channel=channel,
        keys=KeyRing(read_verifying_key(path) for path in key_files),
        push=Push(push.url, push.timeout or settings.push_timeout) if push else None,
        body_limit=channel.profile.limits.body or settings.body_limit,
    )


def add_channel(
    data: Path,
    channel_id: str,
    *,
    extends: str,
    keys: Sequence[Path],
    institution: dict[str, str] | None = None,
    push_url: str | None = None,
    test: bool = False,
) -> Path:
    """Write ``DATA/channels/<id>`` and return the path of its profile. The channel is loaded to prove it.

    Raises ``ProfileInvalid`` where it exists already or would not load; nothing is left behind then.
    """
    folder = data / "channels" / channel_id
    if folder.exists():
        raise ProfileInvalid(f"{folder} exists already")
    profile: dict[str, Any] = {"channel": channel_id, "extends": extends}
    if institution:
        profile["institution"] = institution
    if push_url:
        profile["push"] = {"url": push_url}
    if test:
        profile["test"] = True
    try:
        _write_channel(folder, profile, keys)
        open_installation(data)
    except ConfigurationError:
        shutil.rmtree(folder)
        raise
    return folder / "channel.yaml"


def _write_channel(folder: Path, profile: dict[str, Any], keys: Sequence[Path]) -> None:
    (folder / "keys").mkdir(parents=True)
    (folder / "channel.yaml").write_text(yaml.safe_dump(profile, allow_unicode=True, sort_keys=False), encoding="utf-8")
    for path in keys:
        public = read_verifying_key(path)
        write_key(public, folder / "keys" / f"{public.kid}.jwk")
