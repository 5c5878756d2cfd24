"""One installation: the folder DATA (0700) with keys, channels and settings; made at first start.

DATA/gateway.yaml            settings (optional)
DATA/admin.token             token of the query and administration API (0600)
DATA/keys/gateway.jwk        the gateway's signing key (0600), gateway.pub.jwk its public part
DATA/keys/former/*.jwk       public keys of before, with which older evidence is verified
DATA/keys/overlap.json       the key of before while pushes are signed with it, too (0600); see rotation.py
DATA/keys/master.key         what the journal's data keys are wrapped with (0600)
DATA/channels/<id>/          channel.yaml and keys/: the partner's public keys (*.jwk), or what its own scheme needs
                             (xinqiao_adapters.security.keys); certification/: its certificate, the onboarding clock
DATA/journal.db              the journal, unless settings name another database
DATA/lock                    held by the one process that serves the installation
"""

import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
import yaml

from xinqiao.errors import KeyUnusable, NotValid, ProfileInvalid, Rejected, SettingsInvalid
from xinqiao.keys import read_key_file
from xinqiao.message import new_message_id, timestamp
from xinqiao.outcome import receipt, rejection
from xinqiao.seal import KeyRing, SigningKey, VerifyingKey, new_key, read_signing_key, read_verifying_key, write_key
from xinqiao_adapters.channel import Channel, compile_channel, shipped_channels
from xinqiao_adapters.loader import LoadedProfile, load_profile
from xinqiao_adapters.onboarding.confirmation import unconfirmed
from xinqiao_adapters.problems import Problems
from xinqiao_adapters.profile import Profile
from xinqiao_adapters.security.keys import read_keys
from xinqiao_adapters.security.seals import PartnerSeals, bind
from xinqiao_adapters.security.spec import PartnerSecurity, Security
from xinqiao_gateway.alone import alone
from xinqiao_gateway.channels import Channels, Push, ServedChannel
from xinqiao_gateway.fronts.h5.fitness import pages_problem
from xinqiao_gateway.journal import is_shared
from xinqiao_gateway.journal.vault import MasterKey, named_master_key
from xinqiao_gateway.rotation import Overlap, read_overlap
from xinqiao_gateway.settings import Settings, read_settings

__all__ = [
    "Installation",
    "add_channel",
    "complete_channel",
    "former_keys",
    "is_draft",
    "journal_url_of",
    "known_channels",
    "master_key_of",
    "missing_of",
    "open_installation",
    "own_keys",
    "read_admin_token",
    "read_installation",
    "served_from",
    "serving_alone",
]

_log = structlog.get_logger("installation")
# As the profile's own ``channel``; checked before an id becomes a path.
_CHANNEL_ID = re.compile(r"[a-z][a-z0-9-]{1,40}")


def known_channels(data: Path) -> dict[str, bool]:
    """Return the ids of an installation's channels and of the shipped ones, and whether each is installed."""
    installed = sorted(path.parent.name for path in (data / "channels").glob("*/channel.yaml"))
    return dict.fromkeys(installed, True) | {each: False for each in shipped_channels() if each not in installed}


@dataclass(frozen=True, slots=True)
class Installation:
    """What a gateway is started from; ``overlap`` is its key of before, where that signs beside the present one."""

    data: Path
    settings: Settings
    key: SigningKey
    admin_token: str
    channels: Channels
    overlap: Overlap | None = None

    @property
    def journal_url(self) -> str:
        """The database of the journal."""
        return journal_url_of(self.data, self.settings)

    @property
    def master_key(self) -> Path | MasterKey:
        """The file with the journal's master key, or whoever holds it."""
        return master_key_of(self.data, self.settings)

    @property
    def former_keys(self) -> tuple[VerifyingKey, ...]:
        """The public keys of before. Raises ``KeyUnusable``."""
        return former_keys(self.data)

    @property
    def verifying_keys(self) -> KeyRing:
        """What the evidence of this installation is verified with, be it new or old. Raises ``KeyUnusable``."""
        return KeyRing([self.key.public(), *self.former_keys])

    @property
    def has_journal(self) -> bool:
        """Whether a gateway was ever started here, so that there is a journal to read."""
        own = self.settings.journal_url is None
        master = self.settings.master_key
        has_key = master != "file" or _master_key_file(self.data).exists()
        return has_key and (not own or (self.data / "journal.db").exists())


def journal_url_of(data: Path, settings: Settings) -> str:
    """Return the database of an installation's journal."""
    return settings.journal_url or f"sqlite:///{data / 'journal.db'}"


def former_keys(data: Path) -> tuple[VerifyingKey, ...]:
    """Return the gateway's public keys of before. Raises ``KeyUnusable``."""
    problems = Problems()
    keys = [problems.attempt(read_verifying_key, path) for path in sorted((data / "keys" / "former").glob("*.jwk"))]
    problems.check()
    return tuple(key for key in keys if key is not None)


def own_keys(data: Path) -> KeyRing:
    """Return the public keys of an installation, now and before; none where it was never served.

    Raises ``KeyUnusable``.
    """
    public = data / "keys" / "gateway.pub.jwk"
    return KeyRing([*([read_verifying_key(public)] if public.exists() else []), *former_keys(data)])


def master_key_of(data: Path, settings: Settings) -> Path | MasterKey:
    """Return the file with an installation's master key, or whoever holds it. Raises ``KeyUnusable`` for nobody."""
    name = settings.master_key
    return _master_key_file(data) if name == "file" else named_master_key(name)


def _master_key_file(data: Path) -> Path:
    return data / "keys" / "master.key"


def open_installation(data: Path) -> Installation:
    """Read an installation, making folder, keys and token where they are missing.

    Raises a ``ConfigurationError`` that names the file to correct.
    """
    _make_installation(data)
    return _read(data)


def read_installation(data: Path) -> Installation:
    """Read an installation and make nothing.

    Raises ``SettingsInvalid`` where the folder holds none, else a ``ConfigurationError`` as ``open_installation``.
    """
    for path in (data / "keys" / "gateway.jwk", data / "admin.token"):
        if not path.exists():
            raise SettingsInvalid(
                f"{data} holds no installation: {path} is missing; name its folder with --data, or make one: serve"
            )
    return _read(data)


@contextmanager
def serving_alone(data: Path) -> Iterator[None]:
    """Hold the installation's lock.

    A journal on PostgreSQL takes several processes, and no lock is held. Raises ``SettingsInvalid`` where another
    process holds it.
    """
    _make_folder(data)
    url = read_settings(data).journal_url
    if url is not None and is_shared(url):
        yield
        return
    with alone(data / "lock", f"another gateway serves {data} already; stop it, or name another folder: --data"):
        yield


def _read(data: Path) -> Installation:
    settings = read_settings(data)
    key, overlap, token = _read_secrets(data)
    return Installation(
        data=data,
        settings=settings,
        key=key,
        overlap=overlap,
        admin_token=token,
        channels=Channels(_installed(data / "channels", settings)),
    )


def _read_secrets(data: Path) -> tuple[SigningKey, Overlap | None, str]:
    key = read_signing_key(data / "keys" / "gateway.jwk")
    return key, read_overlap(data, key), read_admin_token(data / "admin.token")


def _make_installation(data: Path) -> None:
    for folder in (data, data / "keys", data / "channels"):
        _make_folder(folder)
    _make_gateway_key(data / "keys")
    _make_admin_token(data / "admin.token")


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsInvalid(f"{path} cannot be a folder: {error.strerror}; name another: --data") from error


def _make_gateway_key(folder: Path) -> None:
    private, public = folder / "gateway.jwk", folder / "gateway.pub.jwk"
    if not private.exists():
        write_key(new_key(f"gateway-{secrets.token_hex(4)}"), private)
    if not public.exists():
        write_key(read_signing_key(private).public(), public)


def _make_admin_token(path: Path) -> None:
    if path.exists():
        return
    _write_secret(path, secrets.token_urlsafe(32).encode("ascii"))


def _write_secret(path: Path, content: bytes) -> None:
    """Write a new file that only its owner may read. Raises ``KeyUnusable``, also where it is there already."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise KeyUnusable(f"{path}: {error.strerror}") from error


def read_admin_token(path: Path) -> str:
    """Read the admin token. Raises ``KeyUnusable``, also for one that could be guessed."""
    token = read_key_file(path, secret=True).decode("ascii", "replace").strip()
    if len(token) < 32:
        raise KeyUnusable(f"{path} holds less than 32 characters; remove it and the next start makes a new one")
    return token


def _installed(folder: Path, settings: Settings) -> Iterator[ServedChannel]:
    for path in sorted(folder.glob("*/channel.yaml")):
        if not path.is_file():
            raise ProfileInvalid(f"{path} is a folder, and should be the channel's profile")
        loaded = load_profile(path.parent.name, [folder])
        missing = missing_of(loaded)
        if missing is None:
            yield served_from(loaded, settings)
        else:
            _log.warning("channel.not_served", channel=path.parent.name, why=missing)


def missing_of(loaded: LoadedProfile) -> str | None:
    """Return what a channel that is being drafted lacks to be served, None where it lacks nothing."""
    folder, profile = loaded.folders[0], loaded.profile
    guesses = unconfirmed(profile)
    if guesses:
        return f"{len(guesses)} proposals are unconfirmed; run: channel confirm {folder.name}"
    if (folder / "keys").exists() or profile.is_vouched_for:
        return None
    return f"no key of the partner; run: channel add {folder.name} --key FILE"


def served_from(loaded: LoadedProfile, settings: Settings) -> ServedChannel:
    """Compile a channel and read its keys.

    Raises a ``ConfigurationError`` that names file and line of every problem.
    """
    folder, profile, problems = loaded.folders[0], loaded.profile, Problems()
    if profile.channel != folder.name:
        problems.note(
            f"{folder / 'channel.yaml'}: the folder is {folder.name}, the profile says channel: {profile.channel}; "
            f"write channel: {folder.name}"
        )
    channel = problems.attempt(_compiled, loaded, folder)
    held = problems.attempt(_keys_of, folder / "keys", profile)
    problems.check()
    assert channel is not None  # noqa: S101 -- else there is a problem
    assert held is not None  # noqa: S101 -- as above
    push, (keys, seals) = profile.push, held
    served = ServedChannel(
        channel=channel,
        keys=keys,
        push=Push(push.url, push.timeout or settings.push_timeout) if push else None,
        body_limit=profile.limits.body or settings.body_limit,
        seals=seals,
    )
    _check_answers(served, folder, settings.institution_code)
    if (problem := pages_problem(served)) is not None:
        loaded.fail(*problem)
    return served


def _compiled(loaded: LoadedProfile, folder: Path) -> Channel:
    channel = compile_channel(loaded)
    if isinstance(loaded.profile.security, PartnerSecurity):
        _check_reachable(channel, folder)
    return channel


def _keys_of(folder: Path, profile: Profile) -> tuple[KeyRing, PartnerSeals | None]:
    """Return the keys of a partner that seals as the standard does, or the seals of one with a scheme of its own."""
    security = profile.security
    if isinstance(security, PartnerSecurity):
        return KeyRing(), bind(security, read_keys(folder))
    return _partner_keys(folder, security.algorithms, needed=not profile.is_vouched_for), None


def _check_answers(served: ServedChannel, folder: Path, code: str) -> None:
    """Seal an answer of each kind, so that one which cannot be is found now and not when a partner waits for it."""
    accepted = {"acceptedMessageId": new_message_id(), "acceptedAt": timestamp(), "position": "1"}
    partner = served.institution_code
    for outcome in (receipt(code, partner, accepted), rejection(code, partner, NotValid("1 finding"))):
        for interface in (None, *served.channel.profile.interfaces):
            answer = served.adapter.answer(interface, [outcome], ())
            if answer is None:
                continue
            try:
                served.sealed_answer(answer)
            except Rejected as error:
                raise ProfileInvalid(f"{folder / 'channel.yaml'}: an answer cannot be sealed: {error}") from error


def _check_reachable(channel: Channel, folder: Path) -> None:
    """Refuse a channel whose messages would wait for ever: pulling is for partners with the standard's tokens."""
    if channel.outgoing and channel.profile.push is None:
        said = "a partner with a signing scheme of its own cannot pull; say where it is called: push: {url: https://…}"
        raise ProfileInvalid(f"{folder / 'channel.yaml'}: {said}")


def _partner_keys(folder: Path, algorithms: Sequence[str], *, needed: bool) -> KeyRing:
    paths = sorted(folder.glob("*.jwk"))
    if not paths and needed:
        raise ProfileInvalid(f"{folder} holds no public key of the partner (*.jwk)")
    problems = Problems()
    keys = [problems.attempt(_partner_key, path, algorithms) for path in paths]
    problems.check()
    return KeyRing(key for key in keys if key is not None)


def _partner_key(path: Path, algorithms: Sequence[str]) -> VerifyingKey:
    key = read_verifying_key(path)
    if key.algorithm not in algorithms:
        raise KeyUnusable(f"{path} is for {key.algorithm}; the channel takes {', '.join(algorithms)}")
    return key


def complete_channel(data: Path, channel_id: str, keys: Sequence[Path]) -> Path:
    """Give a channel that was drafted in ``DATA/channels`` its keys and return the path of its profile.

    It is loaded and proved with them first. Raises a ``ConfigurationError`` where it would not be served.
    """
    folder = data / "channels" / channel_id
    with tempfile.TemporaryDirectory(prefix="xinqiao-channel-") as temporary:
        new = Path(temporary) / channel_id
        shutil.copytree(folder, new)
        loaded = load_profile(channel_id, [new.parent, data / "channels"])
        security = loaded.profile.security
        _write_keys(new / "keys", keys, security)
        _prove(loaded, data)
    _make_installation(data)
    _read_secrets(data)
    with tempfile.TemporaryDirectory(prefix=".adding-", dir=data) as beside:
        made = Path(beside) / "keys"
        _write_keys(made, keys, security)
        made.rename(folder / "keys")
    return folder / "channel.yaml"


def is_draft(data: Path, channel_id: str) -> bool:
    """Whether ``DATA/channels`` holds a channel by that id that has no keys yet."""
    folder = data / "channels" / channel_id
    return (
        bool(_CHANNEL_ID.fullmatch(channel_id))
        and (folder / "channel.yaml").is_file()
        and not (folder / "keys").exists()
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
    """Write ``DATA/channels/<id>`` and return the path of its profile.

    The channel is loaded beside those that are there, to prove it, before anything is written to DATA; then it
    appears whole. Raises a ``ConfigurationError`` where it exists already or would not load.
    """
    if not _CHANNEL_ID.fullmatch(channel_id):
        said = "2 to 41 lower-case letters, digits and hyphens, a letter first"
        raise ProfileInvalid(f"{channel_id[:60]!r} is no id of a channel: {said}")
    folder = data / "channels" / channel_id
    if os.path.lexists(folder):
        raise ProfileInvalid(f"{folder} exists already: take another id, or change its channel.yaml and keys")
    profile: dict[str, Any] = {"channel": channel_id, "extends": extends}
    profile |= {"institution": institution} if institution else {}
    profile |= {"push": {"url": push_url}} if push_url else {}
    profile |= {"test": True} if test else {}
    with tempfile.TemporaryDirectory(prefix="xinqiao-channel-") as temporary:
        new = Path(temporary) / channel_id
        _write_profile(new, profile)
        loaded = load_profile(channel_id, [new.parent, data / "channels"])
        security = loaded.profile.security
        _write_keys(new / "keys", keys, security)
        _prove(loaded, data)
    _make_installation(data)
    _read_secrets(data)
    with tempfile.TemporaryDirectory(prefix=".adding-", dir=data) as beside:
        new = Path(beside) / channel_id
        _write_profile(new, profile)
        _write_keys(new / "keys", keys, security)
        new.rename(folder)
    return folder / "channel.yaml"


def _prove(loaded: LoadedProfile, data: Path) -> None:
    settings = read_settings(data)
    if missing := missing_of(loaded):
        raise ProfileInvalid(f"{loaded.folders[0].name} cannot be served: {missing}")
    Channels([*_installed(data / "channels", settings), served_from(loaded, settings)])


def _write_profile(folder: Path, profile: dict[str, Any]) -> None:
    folder.mkdir()
    (folder / "channel.yaml").write_text(yaml.safe_dump(profile, allow_unicode=True, sort_keys=False), encoding="utf-8")


def _write_keys(folder: Path, keys: Sequence[Path], security: Security) -> None:
    """Write the public keys of a channel; for a partner's own scheme its key files, whose names say what they are."""
    folder.mkdir(mode=0o700)
    for number, path in enumerate(keys, 1):
        if isinstance(security, PartnerSecurity):
            _write_secret(folder / path.name, read_key_file(path, secret=False))
        else:
            write_key(read_verifying_key(path), folder / f"{number}.jwk")
