"""Watch lists as keyed digests: whom they name can be recognised, and not read.

A list is a file of HMAC-SHA-256 digests under a key of the installation. Its first line proves that it was made with
that key: a list of another installation would match nobody and look like one that works.
"""

import csv
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from xinqiao.errors import SettingsInvalid
from xinqiao_gateway.policy.comparison import normalised

__all__ = ["LIST_NAME", "Digest", "WatchList", "import_list", "read_list"]

# Keyed digest of a text: 64 hex digits.
Digest = Callable[[str], str]

# Checked before a name becomes a path.
LIST_NAME = "^[a-z][a-z0-9-]{0,40}$"
# The number goes up with every change of ``normalised``: digests of before would match less than a rule says.
_KIND, _VERSION = "xinqiao-watch-list-", "2"
_FIRST = f"{_KIND}{_VERSION} "
_SHORTEST = 2


@dataclass(frozen=True, slots=True)
class WatchList:
    """A list in use; ``value in watch_list`` compares normalised values by their keyed digests."""

    name: str
    _digests: frozenset[bytes]
    _digest: Digest

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and bytes.fromhex(_digest_of(self._digest, self.name, value)) in self._digests

    def __len__(self) -> int:
        return len(self._digests)


def _digest_of(digest: Digest, name: str, value: str) -> str:
    return digest(f"watch-list\0{name}\0{normalised(value)}")


def _proof(digest: Digest, name: str) -> str:
    return digest(f"watch-list-proof\0{name}")


def read_list(folder: Path, name: str, digest: Digest) -> WatchList:
    """Read ``folder/NAME.txt``. Raises ``SettingsInvalid`` where it is missing, damaged or of another key."""
    path = folder / f"{name}.txt"
    try:
        with path.open(encoding="ascii") as file:
            _check_first(path, file.readline().rstrip("\n"), _proof(digest, name))
            digests = frozenset(_read_digest(path, number, line) for number, line in enumerate(file, 2))
    except OSError as error:
        raise SettingsInvalid(f"{path}: {error.strerror}; import it: policy watch-list import") from error
    except UnicodeDecodeError as error:
        raise SettingsInvalid(f"{path}: holds other than digests") from error
    return WatchList(name, digests, digest)


def _check_first(path: Path, line: str, proof: str) -> None:
    if line.startswith(_KIND) and not line.startswith(_FIRST):
        said = "made by another version, which compares names in another way"
        raise SettingsInvalid(f"{path}:1: {said}; import it again: policy watch-list import")
    if line != _FIRST + proof:
        raise SettingsInvalid(f"{path}:1: made for another list or with another master key; import it again")


def _read_digest(path: Path, number: int, line: str) -> bytes:
    try:
        digest = bytes.fromhex(line.rstrip("\n"))
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise SettingsInvalid(f"{path}:{number}: no digest of 64 hex digits")  # the line is not shown: it may be a name
    return digest


def import_list(
    source: Iterable[str], columns: Iterable[str] | None, folder: Path, name: str, digest: Digest
) -> tuple[Path, int]:
    """Turn lines of CSV with a header into ``folder/NAME.txt``, which replaces the one before whole.

    Every value in ``columns`` (all by default) becomes a digest; they are written in their own order, so that the file
    says nothing of the order of the source. Returns the path and how many there are. Raises ``SettingsInvalid`` for a
    name that is none, a column that is not there, a value too short to tell anybody apart, or a list without values.
    """
    if not re.fullmatch(LIST_NAME, name):
        raise SettingsInvalid("a list's name is lower-case letters, digits and hyphens, a letter first")
    digests = sorted({_digest_of(digest, name, value) for value in _values(source, columns)})
    if not digests:
        raise SettingsInvalid("the CSV holds no value: a list that matches nobody is a mistake")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{name}.txt"
    content = "\n".join([_FIRST + _proof(digest, name), *digests]) + "\n"
    _replace(path, content.encode("ascii"))
    return path, len(digests)


def _values(source: Iterable[str], columns: Iterable[str] | None) -> Iterator[str]:
    try:
        yield from _cells(csv.reader(source, strict=True), columns)
    except csv.Error as error:
        raise SettingsInvalid(f"not CSV: {error}") from error


def _cells(rows: Iterator[list[str]], columns: Iterable[str] | None) -> Iterator[str]:
    header = [each.strip().removeprefix("\ufeff") for each in next(rows, [])]
    wanted = header if columns is None else list(columns)
    if missing := [each for each in wanted if each not in header]:
        raise SettingsInvalid(f"line 1: no column {', '.join(missing)}; there are: {', '.join(header)}")
    places = [header.index(each) for each in wanted]
    for number, row in enumerate(rows, 2):
        if row and len(row) != len(header):
            raise SettingsInvalid(f"row {number}: {len(row)} cells, the header has {len(header)}")
        yield from (_checked(row[at], number) for at in places if row and row[at].strip())


def _checked(value: str, number: int) -> str:
    if len(normalised(value)) < _SHORTEST:
        raise SettingsInvalid(f"row {number}: a value shorter than {_SHORTEST} characters would match too many")
    return value


def _replace(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
