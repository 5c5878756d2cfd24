"""A subject's process: started by the command of the declaration, read without an end to wait for, and ended."""

import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import orjson

from xinqiao_conformance.observing import CouldNotRun
from xinqiao_conformance.reach import is_address

__all__ = ["started"]

# Seconds that a process may take to be ready, and to end when it is asked to.
_STARTING = 60.0
_ENDING = 5.0
_SETTLING = 1.0
# Bytes of its error output that are kept, shown, and of a line that is read.
_KEPT = 1 << 20
_SHOWN = 2_000
_LINE = 65_536

_READY = (
    f"应在 {_STARTING:.0f} 秒内于标准输出打印一行 one line is expected on standard output in {_STARTING:.0f} seconds: "
    '{"ready": true, "url": "http://…"}'
)


@contextmanager
def started(command: str, folder: Path, environment: Mapping[str, str], log: Path) -> Iterator[str]:
    """Start a command in a folder and yield the address that it names; end it with all that it started.

    What it writes to its error output is kept in ``log``. Raises ``CouldNotRun`` where there is no such command, or it
    does not come up.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 -- the command is what the declaration is for
            shlex.split(command),
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            # A pipe that is read through a buffer cannot be closed while somebody waits for it.
            bufsize=0,
        )
    except (OSError, ValueError) as error:
        raise CouldNotRun(
            f"reach.start 无法启动 cannot be started: {command!r}（目录 in {folder}）: {error}; "
            "核对命令及其路径 see whether the program is there, by its path or on PATH"
        ) from error
    with process, log.open("wb") as kept:
        lines = _Lines(process, kept)
        try:
            yield lines.address(command, log)
        finally:
            _end(process)
            lines.join()


class _Lines:
    """Reads what a process writes to the end, so that it never waits for a reader; keeps what is worth keeping."""

    def __init__(self, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        self._process = process
        self._first, self._ready = b"", threading.Event()
        pipes = [(self._read_output, process.stdout), (self._keep_errors, process.stderr)]
        self._log = log
        self._threads = [threading.Thread(target=read, args=(pipe,), daemon=True) for read, pipe in pipes]
        for each in self._threads:
            each.start()

    def address(self, command: str, log: Path) -> str:
        self._ready.wait(_STARTING)
        try:
            said = orjson.loads(self._first)
        except ValueError:
            said = None
        url = said.get("url") if isinstance(said, dict) and said.get("ready") is True else None
        if isinstance(url, str) and is_address(url):
            return url
        # What it wrote before it ended may still be on its way; one that runs on is not waited for.
        self._threads[-1].join(_SETTLING)
        self._log.flush()
        tail = log.read_bytes()[-_SHOWN:].decode("utf-8", "replace").strip()
        printed = self._first.decode("utf-8", "replace")[:_SHOWN].strip()
        raise CouldNotRun(
            f"被测方没有启动 the subject did not come up: {command!r}, {self._ended()}; {_READY}\n"
            f"标准输出的首行 its first line: {printed or '—'}\n"
            f"错误输出的末尾 the end of its error output ({log}):\n{tail or '—'}"
        )

    def _ended(self) -> str:
        # Its output may end a moment before it does.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_SETTLING)
        code = self._process.returncode
        return "仍在运行 still runs" if code is None else f"已退出 ended with exit code {code}"

    def _read_output(self, pipe: IO[bytes]) -> None:
        with suppress(OSError):  # closed, since the process has ended
            self._first = pipe.readline(_LINE)
            self._ready.set()
            while pipe.read(_LINE):
                pass

    def _keep_errors(self, pipe: IO[bytes]) -> None:
        left = _KEPT
        with suppress(OSError, ValueError):  # closed: the pipe or, with it, the log
            while part := pipe.read(_LINE):
                self._log.write(part[:left])
                left = max(left - len(part), 0)

    def join(self) -> None:
        for each in self._threads:
            each.join(_ENDING)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the process to end, then end it with all that it started."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_ENDING)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    # It may have left its group.
    process.kill()
