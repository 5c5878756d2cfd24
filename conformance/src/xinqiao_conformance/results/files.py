"""Files of the suite, read within a bound and written whole or not at all."""

import os
from pathlib import Path

from xinqiao.errors import SettingsInvalid

__all__ = ["read_within", "write_whole"]


def read_within(path: Path, most: int) -> bytes:
    """Return the content of a file. Raises ``SettingsInvalid`` where it cannot be read or has more bytes."""
    try:
        with path.open("rb") as file:
            raw = file.read(most + 1)
    except OSError as error:
        raise SettingsInvalid(f"{path} cannot be read: {error.strerror}") from error
    if len(raw) > most:
        raise SettingsInvalid(f"{path} is larger than the {most:,} bytes that are read")
    return raw


def write_whole(path: Path, content: bytes) -> None:
    """Write a file: who reads it finds the old content or the new. Raises ``SettingsInvalid`` where it cannot be."""
    made = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with made.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            made.replace(path)
        finally:
            made.unlink(missing_ok=True)
    except OSError as error:
        raise SettingsInvalid(f"{path} cannot be written: {error.strerror}") from error
