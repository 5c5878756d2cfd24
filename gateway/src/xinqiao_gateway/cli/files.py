"""Files of any size at the terminal: read with a bar that shows how far, written so that they appear whole."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from xinqiao_gateway.cli.terminal import console

__all__ = ["Replacement", "reading", "replacing"]

# Smaller files are read before a bar could be seen.
_WORTH_A_BAR = 4_000_000


@contextmanager
def reading(file: BinaryIO, path: Path) -> Iterator[BinaryIO]:
    """Give a file that shows on standard error how far it is read, where it is large and a person looks."""
    size = path.stat().st_size
    bar = console(stderr=True)
    if size < _WORTH_A_BAR or not bar.is_terminal:
        yield file
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with (
        Progress(*columns, console=bar, transient=True) as progress,
        progress.wrap_file(file, total=size, description=path.name) as wrapped,
    ):
        yield wrapped


class Replacement:
    """A file being written beside the one that it will replace."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.kept = True

    def write(self, content: bytes) -> None:
        """Write bytes."""
        self._file.write(content)

    def discard(self) -> None:
        """Leave the old file as it is."""
        self.kept = False


@contextmanager
def replacing(path: Path) -> Iterator[Replacement]:
    """Write a file that appears whole at the end, in place of the old one, or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
        written = Path(file.name)
        replacement = Replacement(file)
        try:
            yield replacement
        except BaseException:
            written.unlink()
            raise
    if replacement.kept:
        written.replace(path)
    else:
        written.unlink()
