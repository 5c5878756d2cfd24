"""Watching a folder: what happens in it, step by step and in its order, as the system itself reports it (inotify).

Looking at the folder again and again would miss a file that is written in place within a moment, and a verdict must not
depend on how fast somebody writes. So this needs Linux; a subject elsewhere is tested over a folder that Linux shares.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from xinqiao_conformance.observing import CouldNotRun

__all__ = ["Inbox", "Step"]

_EVENT = struct.Struct("iIII")
_PIECE = 1 << 16
_MODIFY, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE, _OVERFLOW = 0x2, 0x40, 0x80, 0x100, 0x200, 0x4000
_WATCHED = _MODIFY | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to a file. ``renamed``: it has this name now; ``before`` is its earlier one, empty where
    it came from elsewhere. ``left``: nothing of this name is there any longer.
    """

    what: Literal["created", "written", "renamed", "left"]
    name: str
    before: str = ""


class Inbox:
    """A folder that is watched from now on. Raises ``CouldNotRun`` where the system does not report."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not sys.platform.startswith("linux"):
            raise CouldNotRun(
                "仅在 Linux 上能监视目录 a folder is watched on Linux only: 在共享该目录的容器中运行 run the suite in "
                "a container that shares it"
            )
        self._system = ctypes.CDLL(None, use_errno=True)
        self._file = self._system.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._file < 0:
            raise CouldNotRun(f"{folder} 无法监视 cannot be watched: {os.strerror(ctypes.get_errno())}")
        if self._system.inotify_add_watch(self._file, os.fsencode(folder), _WATCHED) < 0:
            os.close(self._file)
            raise CouldNotRun(f"{folder} 无法监视 cannot be watched: {os.strerror(ctypes.get_errno())}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._file)

    def steps(self) -> Iterator[Step]:
        """Yield what happened since the last call, without waiting. Raises ``CouldNotRun`` where some of it is lost."""
        moving: dict[int, str] = {}
        for mask, cookie, name in self._events():
            if mask & _OVERFLOW:
                raise CouldNotRun(f"{self.folder}: more happened than the system reports; lay fewer files at a time")
            if mask & _MOVED_FROM:
                moving[cookie] = name
                yield Step("left", name)
            elif mask & _MOVED_TO:
                yield Step("renamed", name, moving.pop(cookie, ""))
            else:
                yield Step("created" if mask & _CREATE else "written" if mask & _MODIFY else "left", name)

    def _events(self) -> Iterator[tuple[int, int, str]]:
        while True:
            try:
                raw = os.read(self._file, _PIECE)
            except BlockingIOError:
                return
            at = 0
            while at < len(raw):
                _, mask, cookie, length = _EVENT.unpack_from(raw, at)
                name = raw[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0")
                yield mask, cookie, os.fsdecode(name)
                at += _EVENT.size + length
