"""Operators: named people with a token each, so that a maker and a checker can be told apart.

DATA/operators.yaml (0600) holds names and digests of tokens, never a token.
"""

import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from xinqiao.errors import NotAuthorized, NotFound, SettingsInvalid

__all__ = ["Operator", "Operators"]

_FILE = "operators.yaml"
# Who proposes what rules of retention find.
_RESERVED = frozenset({"retention"})
_NAME = re.compile(r"[a-z][a-z0-9._-]{1,49}")


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who may propose and check actions."""

    name: str


class _Listed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    operators: dict[str, str] = {}


class Operators:
    """The operators of one installation, by the digest of their token."""

    def __init__(self, data: Path, digests: dict[str, str]) -> None:
        self._path = data / _FILE
        self._digests = digests
        self._read_as: tuple[int, int, int] | None = None

    @classmethod
    def load(cls, data: Path) -> Self:
        """Read them; none where there is no file. Raises ``SettingsInvalid``."""
        return cls(data, _read(data / _FILE))

    def __iter__(self) -> Iterator[Operator]:
        return (Operator(name) for name in sorted(self._digests))

    def with_token(self, token: str) -> Operator:
        """Return whose token it is, as the file says now. Raises ``NotAuthorized``, ``SettingsInvalid``.

        Who was added may act at once, and who was removed no more.
        """
        self._look_again()
        given = _digest(token)
        for name, digest in self._digests.items():
            if secrets.compare_digest(given, digest):
                return Operator(name)
        raise NotAuthorized("the token is no operator's; an operator is made by: xinqiao-gateway operator add NAME")

    def _look_again(self) -> None:
        """Read the file where it is another one than was read last; what was read before it counts no more."""
        stands = _fingerprint(self._path)
        if stands is None or stands != self._read_as:
            self._digests, self._read_as = _read(self._path), stands

    def add(self, name: str) -> str:
        """Make an operator, or give one a new token; return the token, which is kept nowhere else.

        Raises ``SettingsInvalid`` for what is no name.
        """
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise SettingsInvalid(f"{name[:60]!r} is no operator's name: 2 to 50 of a-z, 0-9, '.', '_', '-'")
        token = secrets.token_urlsafe(32)
        self._write(self._digests | {name: _digest(token)})
        return token

    def remove(self, name: str) -> None:
        """Take an operator's right away; what was done stays under the name. Raises ``NotFound``."""
        if name not in self._digests:
            raise NotFound(f"no operator {name[:60]}")
        self._write({each: digest for each, digest in self._digests.items() if each != name})

    def _write(self, digests: dict[str, str]) -> None:
        """Replace the file whole: a reader sees the old one or the new one."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, made = tempfile.mkstemp(dir=self._path.parent, prefix=".operators-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yaml.safe_dump({"operators": digests}, file)
            file.flush()
            os.fsync(file.fileno())
        Path(made).replace(self._path)
        self._digests = digests


def _fingerprint(path: Path) -> tuple[int, int, int] | None:
    """Return by what a file is known from the one before it; None where there is none. ``_write`` makes a new inode."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> dict[str, str]:
    try:
        listed = _Listed.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        raise SettingsInvalid(f"{path}: {str(error).splitlines()[0]}") from error
    return dict(listed.operators)


def _digest(token: str) -> str:
    return hashlib.sha256(token.strip().encode()).hexdigest()
