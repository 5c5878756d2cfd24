"""The configuration of an installation, looked at without starting it: every problem, each with its place."""

import re
import shutil
import ssl
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xinqiao.errors import KeyUnusable, Rejected, SealInvalid, SettingsInvalid, XinqiaoError
from xinqiao.evidence import CHAIN_TYPE
from xinqiao.seal import KeyRing, Sealed, VerifyingKey, kid_of, open_stored, read_signing_key
from xinqiao_adapters.loader import load_profile
from xinqiao_adapters.problems import Problems
from xinqiao_gateway.calendars import Calendars, read_calendars
from xinqiao_gateway.channels import Channels, ServedChannel
from xinqiao_gateway.delivery import check_files, check_lease
from xinqiao_gateway.documents import shipped_kinds
from xinqiao_gateway.fronts.fitness import unfit_channel, unfit_settings
from xinqiao_gateway.installation import (
    former_keys,
    journal_url_of,
    master_key_of,
    missing_of,
    read_admin_token,
    served_from,
)
from xinqiao_gateway.journal.fitness import unfit
from xinqiao_gateway.journal.last_batch import last_batch
from xinqiao_gateway.journal.vault import open_vault
from xinqiao_gateway.obligations import read_obligations
from xinqiao_gateway.operators import Operators
from xinqiao_gateway.policy import Policy
from xinqiao_gateway.rotation import read_overlap
from xinqiao_gateway.settings import Settings, read_settings, settings_file
from xinqiao_gateway.sms import sms_sender
from xinqiao_gateway.upkeep.rules import read_rules

__all__ = ["Problem", "inspect_installation"]

_PLACE = re.compile(r"(?P<file>[^:\n]+\.(?:yaml|csv|txt|jwk)):(?:(?P<line>\d+):)? ?(?P<text>.*)")
_SECRETS = ("keys/gateway.jwk", "keys/overlap.json", "keys/master.key", "admin.token", "operators.yaml")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be put right, and where; ``line`` counts from 1. Both are None where no place is to blame."""

    text: str
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(each) for each in (self.file, self.line) if each is not None)
        return f"{place}: {self.text}" if place else self.text

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return asdict(self)


def inspect_installation(data: Path) -> list[Problem]:
    """Return all that would keep an installation from being served; nothing is written, and nothing begun."""
    return [each for text in _problems(data) for each in _placed(text)]


def _problems(data: Path) -> list[str]:
    """Look at one thing after the other; what cannot be read keeps nothing else from being looked at."""
    if not data.is_dir():
        return [f"{data} is no folder; xinqiao-gateway serve makes it"]
    problems = Problems()
    settings = problems.attempt(read_settings, data)
    key = problems.attempt(read_signing_key, data / "keys" / "gateway.jwk")
    former = problems.attempt(former_keys, data)
    if key is not None:
        problems.attempt(read_overlap, data, key)
    problems.attempt(read_admin_token, data / "admin.token")
    problems.attempt(read_rules, data)
    problems.attempt(Operators.load, data)
    calendars = problems.attempt(read_calendars, data)
    problems.lines += _secrets(data)
    channels = _channels(data, settings or Settings.model_construct(), problems)
    if calendars is not None:
        for each in channels:
            problems.attempt(check_files, [each], calendars)
    problems.attempt(_obligations, data, settings, channels, calendars)
    problems.lines += _document_limits(data, settings, channels)
    problems.attempt(Policy.load, data / "policy.yaml", data / "watch-lists", _digest(data, settings))
    if settings is not None:
        problems.attempt(_tls, settings)
        problems.attempt(sms_sender, settings.sms)
        problems.lines += unfit_settings(data, settings)
        for each in channels:
            problems.lines += unfit_channel(data, settings, each)
        unfit_journal = _journal(data, settings)
        problems.lines += unfit_journal
        if key is not None and former is not None and not unfit_journal:
            problems.attempt(_check_last_batch, data, settings, [key.public(), *former])
        problems.lines += _space(data, settings)
    return problems.lines


def _channels(data: Path, settings: Settings, problems: Problems) -> list[ServedChannel]:
    """Load each channel by itself; those that can be served are then seen together."""
    folders = [path.parent for path in sorted(data.glob("channels/*/channel.yaml"))]
    found = [each for folder in folders if (each := problems.attempt(_channel, folder, settings)) is not None]
    together: list[ServedChannel] = []
    for each in found:
        problems.attempt(check_lease, [each], settings.lease)
        if problems.attempt(Channels, [*together, each]) is not None:
            together.append(each)
    return found


def _channel(folder: Path, settings: Settings) -> ServedChannel | None:
    """Load a channel; None for one that is being drafted, which is not served."""
    loaded = load_profile(folder.name, [folder.parent])
    return None if missing_of(loaded) else served_from(loaded, settings)


def _obligations(
    data: Path, settings: Settings | None, channels: list[ServedChannel], calendars: Calendars | None
) -> None:
    # A channel that cannot be loaded is there all the same: obligations that name it are no second problem.
    names = {path.parent.name for path in data.glob("channels/*/channel.yaml")}
    webhooks = None if settings is None else [each.name for each in settings.webhooks]
    interfaces = {each.channel_id: each.channel.profile.interfaces for each in channels}
    read_obligations(data, calendars, sorted(names), webhooks, interfaces)


def _document_limits(data: Path, settings: Settings | None, channels: list[ServedChannel]) -> Iterator[str]:
    limits = {f"{settings_file(data)}: documents.largest": settings.documents.largest} if settings else {}
    for each in channels:
        file = data / "channels" / each.channel_id / "channel.yaml"
        limits[f"{file}: limits.documents"] = each.channel.profile.limits.documents
    for where, sizes in limits.items():
        try:
            shipped_kinds().with_sizes(sizes)
        except KeyError as error:
            yield f"{where}: {error.args[0]!r} is not a media type of documents"


def _digest(data: Path, settings: Settings | None) -> Callable[[str], str]:
    """Return the keyed digest of an installation, or of none where its master key cannot be had."""
    try:
        if settings is not None:
            return open_vault(master_key_of(data, settings), is_new=False).keyed_digest
    except XinqiaoError:
        pass  # said by whoever opens the journal
    return lambda value: value


def _secrets(data: Path) -> Iterator[str]:
    for name in _SECRETS:
        path = data / name
        if path.exists() and path.stat().st_mode & 0o077:
            yield f"{path} is readable by others; chmod 600 it"
    if data.stat().st_mode & 0o077:
        yield f"{data} is open to others; chmod 700 it"


def _tls(settings: Settings) -> None:
    if settings.tls_certificate is None or settings.tls_key is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(settings.tls_certificate, settings.tls_key)
    except OSError as error:
        files = f"{settings.tls_certificate}, {settings.tls_key}"
        raise SettingsInvalid(f"tls_certificate, tls_key: {files}: {error.strerror or error}") from error


def _journal(data: Path, settings: Settings) -> list[str]:
    try:
        return unfit(journal_url_of(data, settings), master_key_of(data, settings))
    except KeyUnusable as error:
        return [error.detail]


def _check_last_batch(data: Path, settings: Settings, keys: list[VerifyingKey]) -> None:
    """Raise ``KeyUnusable`` where the key of the last batch is gone, ``SealInvalid`` where the batch was changed."""
    row = last_batch(journal_url_of(data, settings))
    if row is None:
        return
    sealed, here = Sealed(row.chain, CHAIN_TYPE, row.signature), KeyRing(keys)
    try:
        if here.find(kid := kid_of(sealed)) is None:
            place = data / "keys" / "former"
            said = f"batch {row.batch} is signed by a key that is not here; put its public key into {place}"
            raise KeyUnusable(f"{said}: kid {kid[:80]!r}")
        open_stored(sealed, here)
    except Rejected as error:
        said = f"batch {row.batch} is not as it was signed: {error.detail}; journal verify says what else was changed"
        raise SealInvalid(said) from error


def _space(data: Path, settings: Settings) -> Iterator[str]:
    free = shutil.disk_usage(data).free
    if free < settings.least_space:
        yield f"{data}: {free} bytes of disk space are free, least_space wants {settings.least_space}"


def _placed(text: str) -> Iterator[Problem]:
    """Split a text into its problems: a line each, with file and line where it names them."""
    for line in text.splitlines():
        found = _PLACE.match(line)
        if found is None:
            yield Problem(line)
        else:
            number = found["line"]
            yield Problem(found["text"], found["file"], int(number) if number else None)
