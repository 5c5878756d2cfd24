"""What one process alone may do at a time, held by a lock file."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xinqiao.errors import SettingsInvalid

__all__ = ["alone"]


@contextmanager
def alone(path: Path, taken: str) -> Iterator[None]:
    """Hold a lock file; the system gives it back when the process ends, however it ends.

    Raises ``SettingsInvalid`` that says ``taken`` where somebody else holds it, and where it cannot be made.
    """
    try:
        file = path.open("ab")
    except OSError as error:
        raise SettingsInvalid(f"{path}: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SettingsInvalid(taken) from error
        yield
