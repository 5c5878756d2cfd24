"""Rotation of the gateway's own key: for a stated time pushes carry two signatures, one by the key of before.

A receiver that has not taken over the new public key yet finds the signature of the key that it knows where it always
was; the new key's stands in a header of its own. The private key of before is kept for that time alone, in
``DATA/keys/overlap.json`` (0600): ``{"until": …, "key": a private JWK}``.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from xinqiao.errors import Conflict, KeyUnusable
from xinqiao.keys import read_key_file
from xinqiao.seal import (
    NEXT_SIGNATURE_HEADER,
    SIGNATURE_HEADER,
    SigningKey,
    VerifyingKey,
    new_key,
    read_signing_key,
    seal,
    write_key,
)
from xinqiao_gateway.upkeep.manifest import sync_folder

__all__ = ["LONGEST_OVERLAP", "Overlap", "drop_ended", "read_overlap", "rotate", "signatures"]

LONGEST_OVERLAP = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Overlap:
    """The key of before, and until when it signs beside the present one (Unix seconds)."""

    key: SigningKey
    until: float

    def lasts(self, now: float) -> bool:
        """Whether that time is not over."""
        return now < self.until


def signatures(
    content: bytes, content_type: str, key: SigningKey, overlap: Overlap | None, at: datetime | None = None
) -> dict[str, str]:
    """Return the headers that carry what is signed: one, or two while a rotation lasts."""
    moment = at or datetime.now(UTC)
    present = seal(content, content_type, key, moment).signature
    if overlap is None or not overlap.lasts(moment.timestamp()):
        return {SIGNATURE_HEADER: present}
    before = seal(content, content_type, overlap.key, moment).signature
    return {SIGNATURE_HEADER: before, NEXT_SIGNATURE_HEADER: present}


def read_overlap(data: Path, key: SigningKey) -> Overlap | None:
    """Return the key of before as it stands in the installation's folder; None where there is none.

    Raises ``KeyUnusable`` for one that others may read, or that cannot be read.
    """
    path = _file(data)
    if not path.exists():
        return None
    try:
        said = json.loads(read_key_file(path, secret=True))
        found = Overlap(SigningKey.from_jwk(said["key"]), datetime.fromisoformat(said["until"]).timestamp())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KeyUnusable(f'{path} is not {{"until": …, "key": …}} as key rotate writes it') from error
    # A rotation that broke off before the key was changed.
    return None if found.key.kid == key.kid else found


def drop_ended(data: Path, now: float) -> bool:
    """Destroy the key of before once its time is over; say whether that was now. Raises ``KeyUnusable``."""
    path = _file(data)
    if not path.exists():
        return False
    found = read_overlap(data, read_signing_key(data / "keys" / "gateway.jwk"))
    if found is not None and found.lasts(now):
        return False
    path.unlink(missing_ok=True)
    return True


def rotate(data: Path, kid: str, overlap: timedelta, now: float) -> tuple[VerifyingKey, VerifyingKey]:
    """Give an installation that is not served a new key; return the public keys, of before and of now.

    The public key of before goes to ``keys/former``. It signs on for ``overlap``; none for a key that leaked. Raises
    ``Conflict`` while an earlier rotation lasts, ``KeyUnusable``. Broken off, it is done again.
    """
    keys = data / "keys"
    before = read_signing_key(keys / "gateway.jwk")
    earlier = read_overlap(data, before)
    if earlier is not None and earlier.lasts(now) and overlap:
        raise Conflict(
            f"{earlier.key.kid} signs beside {before.kid} until {_written(earlier.until)}; wait for that, or say "
            "--overlap 0 where the key has leaked"
        )
    (keys / "former").mkdir(mode=0o700, exist_ok=True)
    former = keys / "former" / f"{before.kid}.jwk"
    if not former.exists():
        write_key(before.public(), former)
    _file(data).unlink(missing_ok=True)
    if overlap:
        _write(_file(data), {"until": _written(now + overlap.total_seconds()), "key": before.private_jwk()})
    made, fresh = keys / "gateway.jwk.new", new_key(kid)
    made.unlink(missing_ok=True)
    write_key(fresh, made)
    # Where it breaks off here, the next start writes the public key that goes with the private one.
    (keys / "gateway.pub.jwk").unlink(missing_ok=True)
    made.rename(keys / "gateway.jwk")
    write_key(fresh.public(), keys / "gateway.pub.jwk")
    sync_folder(keys)  # before anybody is told of the new key
    return before.public(), fresh.public()


def _file(data: Path) -> Path:
    return data / "keys" / "overlap.json"


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _write(path: Path, said: dict[str, object]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(said, file)
        file.flush()
        os.fsync(file.fileno())
