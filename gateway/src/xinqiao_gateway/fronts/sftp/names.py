"""Which names of files are touched at all: what a partner writes on its server must lead nowhere else."""

import secrets
import unicodedata
from collections.abc import Iterable, Iterator

from xinqiao.errors import FileRefused

__all__ = ["LONGEST", "checked_path", "look_alikes", "numbered", "refusal"]

# Bytes of a name that a partner chooses; a file system takes 255, and the rest is for what the gateway adds: what
# ``files.result`` has around the name, a number, a temporary ending.
LONGEST = 200
_LONGEST_OWN = 255
_LONGEST_PATH = 1000
_MOST_NUMBERS = 50


def refusal(name: str, longest: int = LONGEST) -> str | None:
    """Return why a name, without folders, is not touched; None for one that may be."""
    if name in {"", ".", ".."} or "/" in name or "\\" in name:
        return "it leads to another folder"
    # Surrogates stand for bytes that are not UTF-8; format characters can turn what a person reads around.
    if not name.isprintable() or any(unicodedata.category(each) == "Cf" for each in name):
        return "it holds characters that are not for print, or is not UTF-8"
    if name != name.strip():
        return "it begins or ends with a blank"
    if len(name.encode()) > longest:
        return f"it is longer than {longest} bytes"
    return None


def checked_path(path: str, longest: int = _LONGEST_OWN) -> tuple[str, ...]:
    """Return the parts of a path below a folder. Raises ``FileRefused`` for one that leads out of it, or is unfit."""
    parts = tuple(path.split("/")) if path else ()
    if len(path) > _LONGEST_PATH:
        raise FileRefused(f"a path is at most {_LONGEST_PATH} characters, this one begins with {path[:60]!r}")
    for part in parts:
        if why := refusal(part, longest):
            raise FileRefused(f"{path[:200]!r}: {why}")
    return parts


def numbered(name: str) -> Iterator[str]:
    """Yield a name, then the same with numbers, and at last one that nobody has."""
    yield name
    for number in range(1, _MOST_NUMBERS):
        yield f"{name}.{number}"
    yield f"{name}.{secrets.token_hex(8)}"


def look_alikes(names: Iterable[str]) -> frozenset[str]:
    """Return the names that differ from another one in case or form of characters alone.

    Two files of one system are one file of another, so that neither is taken.
    """
    first: dict[str, str] = {}
    found = set()
    for name in names:
        other = first.setdefault(unicodedata.normalize("NFKC", name).casefold(), name)
        if other != name:
            found |= {name, other}
    return frozenset(found)
