"""Fingerprints of what a gateway serves: what is alike behaves alike, so that a reload touches only what changed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from xinqiao_adapters.fingerprint import profile_fingerprint
from xinqiao_gateway.certification.certificate import FOLDER
from xinqiao_gateway.channels import ServedChannel

__all__ = ["Change", "channel_fingerprint", "compared", "file_fingerprints"]


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between two states, by name."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    @property
    def names(self) -> frozenset[str]:
        """All that differ."""
        return frozenset((*self.added, *self.changed, *self.removed))

    def as_json(self) -> dict[str, Any]:
        """Return it for people and machines."""
        return {"added": list(self.added), "changed": list(self.changed), "removed": list(self.removed)}


def compared(before: Mapping[str, str], after: Mapping[str, str]) -> Change:
    """Return what changed between two states, each fingerprints by name."""
    return Change(
        tuple(sorted(after.keys() - before.keys())),
        tuple(sorted(name for name in after.keys() & before.keys() if after[name] != before[name])),
        tuple(sorted(before.keys() - after.keys())),
    )


def channel_fingerprint(channel: ServedChannel, data: Path) -> str:
    """Return 16 digits that stand for a channel as it is served: profile, keys, limits, address."""
    said = hashlib.sha256(profile_fingerprint(channel.channel.profile).encode())
    said.update(orjson.dumps([channel.push and [channel.push.url, channel.push.timeout], channel.body_limit]))
    # A Python adapter and code tables beside the profile are part of the channel, as keys are; what is known of it from
    # certification is not.
    for name, digest in file_fingerprints(data / "channels" / channel.channel_id, "**/*").items():
        if not name.startswith(f"{FOLDER}/"):
            said.update(f"{name}={digest};".encode())
    return said.hexdigest()[:16]


def file_fingerprints(folder: Path, *patterns: str) -> dict[str, str]:
    """Return 16 digits for each file in a folder that fits a pattern, by its path in the folder."""
    paths = sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in paths}
