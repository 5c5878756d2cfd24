"""The suite's own gateway for files: it takes what is laid into a folder, answers with results, and is steered.

It takes whatever is there, as soon as its done mark is, or for want of one when nothing has happened to it for a while:
what is wrong with it is for cases to say, each under the requirement that is broken.
"""

import hashlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xinqiao.errors import Conflict, Rejected, XinqiaoError
from xinqiao.manifest import split_seal, with_seal
from xinqiao.message import Json, new_message_id, read_json, timestamp, write_json
from xinqiao.outcome import rejection
from xinqiao.seal import SigningKey
from xinqiao.standard import STANDARD_VERSION
from xinqiao_conformance.benches.inbox import Inbox, Step
from xinqiao_conformance.observing import CouldNotRun

__all__ = ["MANIFEST", "MARK", "TAKEN", "Answering", "Laid", "Taking", "Turn"]

MARK, MANIFEST, RESULT = ".ok", ".manifest", ".result"
_LINES = (".jsonl", ".ndjson")
# Bytes of a data file that are read, and of all batches that are kept; batches, steps to one, seconds between looks.
_LARGEST = 16 << 20
_KEPT = 512 << 20
_MOST = 2_000
_MOST_STEPS = 200_000
_LOOK = 0.01


@dataclass(frozen=True, slots=True)
class Turn:
    """What happens to one batch. As it is: all of it is accepted at once.

    ``error``: it is refused whole. ``refused``: so many of its records are, from the first. ``late``: the result is
    there only after so many seconds. ``forged``: the name of a false result, with which the file goes away as if it had
    been taken; the true one follows.
    """

    error: type[XinqiaoError] | None = None
    refused: int = 0
    late: float = 0.0
    forged: str = ""


TAKEN = Turn()


@dataclass(frozen=True, slots=True)
class Laid:
    """One batch as it was laid: the data file, its manifest (empty where there is none), and all that happened.

    ``marked``: its done mark was there when it was taken. ``steps`` begins where the batch before was taken.
    """

    name: str
    data: bytes
    manifest: bytes
    marked: bool
    steps: tuple[Step, ...]
    result: Json

    @property
    def message(self) -> Json:
        """Return the manifest as a message, empty where it cannot be read."""
        return _message(self.manifest)

    @property
    def body(self) -> Json:
        """Return the body of the manifest, empty where there is none."""
        body = self.message.get("batchManifest")
        return body if isinstance(body, dict) else {}

    @property
    def batch_no(self) -> str:
        """Return the number of the batch; where the manifest names none, one of its content."""
        return str(self.body.get("batchNo") or f"F{self.digest[:24]}")

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the data file."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def lines(self) -> list[bytes]:
        """Return the lines of the data file that are not empty."""
        return [line for line in self.data.splitlines() if line.strip()]

    @property
    def record_count(self) -> int:
        """Return how many records a file of lines has; of another the suite knows what its manifest says."""
        said = str(self.body.get("recordCount", ""))
        is_said = said.isascii() and said.isdigit() and not self.name.endswith(_LINES)
        return int(said) if is_said else len(self.lines)


def _message(manifest: bytes) -> Json:
    try:
        return read_json(split_seal(manifest)[0])
    except Rejected:
        return {}


@dataclass(frozen=True, slots=True)
class Answering:
    """How results are made: by whom, for whom, sealed with which key."""

    institution: str
    partner: str
    key: SigningKey
    test: bool

    def result(self, laid: Laid, refused: int) -> Json:
        """Return a result in which the first so many records are refused."""
        records = [
            {"fileName": laid.name, "lineNo": number, "outcome": "REJECTED", "reason": "content_refused"}
            for number in range(1, refused + 1)
        ]
        counts = (laid.record_count, laid.record_count - refused, refused)
        names = ("recordCount", "acceptedCount", "rejectedCount")
        body: Json = {"batchNo": laid.batch_no, "allOrNothing": False, "processedAt": timestamp()}
        body |= dict(zip(names, map(str, counts), strict=True)) | ({"records": records} if records else {})
        return {"header": self._header(laid), "batchResult": body}

    def refusal(self, laid: Laid, error: type[XinqiaoError]) -> Json:
        """Return the rejection of a whole batch."""
        named = laid.message.get("header", {}).get("messageId")
        return rejection(self.institution, self.partner, error(), named if isinstance(named, str) else None)

    def written(self, message: Json) -> bytes:
        """Return a result as it lies in the folder."""
        return with_seal(write_json(message), self.key)

    def _header(self, laid: Laid) -> Json:
        header = {
            "messageId": new_message_id(),
            "standardVersion": STANDARD_VERSION,
            "sender": self.institution,
            "receiver": self.partner,
            "createdAt": timestamp(),
        }
        named = laid.message.get("header", {}).get("messageId")
        header |= {"correlationId": named} if isinstance(named, str) else {}
        return header | ({"test": True} if self.test else {})


# The bytes of a false result, by its name, from the true one.
Forge = Callable[[str, Laid, Json], bytes]


class Taking:
    """The gateway of one folder, with ``in``, ``result`` and ``archive`` in it. It watches in a thread of its own."""

    def __init__(self, folder: Path, answering: Answering, forge: Forge, quiet: float) -> None:
        self._folder, self._answering, self._forge, self._quiet = folder, answering, forge, quiet
        for each in ("in", "result", "archive"):
            (folder / each).mkdir(parents=True, exist_ok=True)
        self._turns: deque[Turn] = deque()
        self._laid: list[Laid] = []
        self._steps: list[Step] = []
        self._changed: dict[str, float] = {}
        self._known: dict[str, tuple[str, Json, bytes]] = {}
        self._kept = 0
        self._seen = threading.Condition()
        self._ending = threading.Event()
        self.failure: Exception | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Take what is laid while the block runs."""
        with Inbox(self._folder / "in") as inbox:
            thread = threading.Thread(target=self._watch, args=(inbox,), name="inbox", daemon=True)
            thread.start()
            try:
                yield
            finally:
                self._ending.set()
                thread.join(10)

    def steer(self, *turns: Turn) -> int:
        """Say what happens to the next batches; every further one is accepted. Returns how many came so far."""
        with self._seen:
            self._turns = deque(turns)
            return len(self._laid)

    def laid(self, after: int = 0) -> list[Laid]:
        """Return the batches after the first so many."""
        with self._seen:
            return self._laid[after:]

    def await_laid(self, count: int, after: int, within: float) -> list[Laid]:
        """Return the batches after the first so many as soon as there are ``count``, or when the time is over."""
        with self._seen:
            self._seen.wait_for(lambda: len(self._laid) - after >= count or self.failure, within)
            return self._laid[after:]

    def _watch(self, inbox: Inbox) -> None:
        try:
            while not self._ending.wait(_LOOK):
                self._note(inbox)
                for name in self._finished():
                    self._take(name, inbox)
        except Exception as error:  # noqa: BLE001 -- the top of a thread; whoever waits raises it
            with self._seen:
                self.failure = error
                self._seen.notify_all()

    def _note(self, inbox: Inbox) -> None:
        for step in inbox.steps():
            self._steps.append(step)
            if len(self._steps) > _MOST_STEPS:
                raise CouldNotRun(f"{inbox.folder}: more than {_MOST_STEPS} steps, and no batch; lay one at a time")
            if step.what == "left":
                self._changed.pop(step.name, None)
            else:
                self._changed[step.name] = time.monotonic()

    def _finished(self) -> list[str]:
        """Return the data files that are marked and have their manifest, or to which nothing happens any longer."""
        names = self._changed
        data = [each for each in names if not each.endswith((MARK, MANIFEST)) and (self._path(each)).is_file()]
        now = time.monotonic()
        return [
            name
            for name in sorted(data)
            if {name + MARK, name + MANIFEST} <= names.keys()
            or now - max(names.get(each, 0.0) for each in (name, name + MARK, name + MANIFEST)) > self._quiet
        ]

    def _path(self, name: str) -> Path:
        return self._folder / "in" / name

    def _take(self, name: str, inbox: Inbox) -> None:
        turn = self._turns.popleft() if self._turns else TAKEN
        data, manifest = _content(self._path(name)), _content(self._path(name + MANIFEST))
        laid = Laid(name, data, manifest, name + MARK in self._changed, (), {})
        message, content = self._answer(laid, turn)
        if turn.forged:
            self._write(name, self._forge(turn.forged, laid, message))
            self._put_away(name)
        if turn.late:
            self._ending.wait(turn.late)
        self._note(inbox)
        taken = Laid(name, data, manifest, laid.marked, tuple(self._steps), message)
        # Counted before the subject can see its result.
        self._keep(taken)
        self._write(name, content)
        self._put_away(name)
        self._note(inbox)
        self._steps.clear()

    def _keep(self, taken: Laid) -> None:
        with self._seen:
            self._kept += len(taken.data) + len(taken.manifest)
            if len(self._laid) >= _MOST or self._kept > _KEPT:
                raise CouldNotRun(f"{self._folder}: more batches than the suite keeps of one run; lay smaller ones")
            self._laid.append(taken)
            self._seen.notify_all()

    def _answer(self, laid: Laid, turn: Turn) -> tuple[Json, bytes]:
        """Return the answer to a batch; one that comes again as it was gets the same, one that changed a conflict."""
        known = self._known.get(laid.batch_no)
        if known is not None and known[0] == laid.digest:
            return known[1], known[2]
        if known is not None and "replacesBatchNo" not in laid.body:
            refusal = self._answering.refusal(laid, Conflict)
            return refusal, self._answering.written(refusal)
        answering = self._answering
        message = answering.refusal(laid, turn.error) if turn.error else answering.result(laid, turn.refused)
        content = answering.written(message)
        # Of what was refused whole nothing was taken: it may come again otherwise.
        if turn.error is None:
            self._known[laid.batch_no] = (laid.digest, message, content)
        return message, content

    def _write(self, name: str, content: bytes) -> None:
        """Lay a result under a temporary name and rename it; an earlier one gets a number."""
        results = self._folder / "result"
        path = results / (name + RESULT)
        # A name that is as long as names may be has no room for another ending.
        temporary = results / ".part"
        temporary.write_bytes(content)
        if path.exists():
            number = next(each for each in range(1, _MOST) if not path.with_name(f"{path.name}.{each}").exists())
            os.rename(path, path.with_name(f"{path.name}.{number}"))
        os.rename(temporary, path)

    def _put_away(self, name: str) -> None:
        for each in (name, name + MANIFEST, name + MARK):
            if self._path(each).exists():
                os.replace(self._path(each), self._folder / "archive" / each)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return b""
    if len(content) > _LARGEST:
        raise CouldNotRun(f"{path}: more than {_LARGEST} bytes; lay smaller batches to be certified")
    return content
