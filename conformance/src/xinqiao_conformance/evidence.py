"""The evidence of a run: all that was exchanged in it, masked, in one recording whose root a certificate names."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from xinqiao.recording import Head, Masker, Recorded, Recording
from xinqiao_conformance.declaration import Declaration

__all__ = ["Evidence"]


class Evidence:
    """A masked recording at ``path``, which must not be there. The key of its masks is never written."""

    def __init__(self, path: Path, declaration: Declaration) -> None:
        head = Head(declaration.subject.institution, declaration.test, masked=True)
        self._recording = Recording.create(path, head)
        self._masker = Masker()
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._recording.close()

    def __len__(self) -> int:
        return self._count

    def add(self, exchanges: Iterable[Recorded]) -> None:
        """Append what a bench saw."""
        for each in exchanges:
            self._count = self._recording.append(self._masker.mask(each))

    def root(self) -> str:
        """Return the root hash over all of it, ``sha256:`` and hexadecimal."""
        return self._recording.root
