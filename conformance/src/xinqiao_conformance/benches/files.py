"""The bench of a file partner: it is asked to lay batches into a folder, where the suite's own gateway takes them."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import httpx
import orjson
from cryptography.hazmat.primitives import hashes

from xinqiao.errors import ContentRefused
from xinqiao.finding import Text
from xinqiao.manifest import split_seal
from xinqiao.masking import mask
from xinqiao.message import Json
from xinqiao.recording import Answer, Context, Recorded, Recording
from xinqiao.seal import CONTENT_TYPE_JSON, KeyRing, Sealed
from xinqiao_conformance.benches.false_results import false_result
from xinqiao_conformance.benches.sftp import Login, sftp_server
from xinqiao_conformance.benches.subject import (
    LONGER,
    Prepared,
    Start,
    new_case,
    person,
    prepared,
    reached,
    recorded,
)
from xinqiao_conformance.benches.taking import Answering, Laid, Taking, Turn
from xinqiao_conformance.benches.web import Response, web_server
from xinqiao_conformance.declaration import Declaration
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Breach
from xinqiao_conformance.personal import shown_number, shown_outcome
from xinqiao_conformance.reach import http_client

__all__ = ["FilesBench", "Sent", "files_bench"]

_SHOWN = 20
_WORD = 200
# Seconds until a batch without a done mark is taken all the same.
_QUIET = 0.4
# As many records of a file are kept as exchanges.
_RECORDED = 200


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one request for a batch: what was ``asked``, the answer, and the ``batches`` that were laid."""

    asked: Json
    status: int
    said: Json
    batches: tuple[Laid, ...]

    @property
    def outcome(self) -> str:
        """Return what the subject says has become of it."""
        return str(self.said.get("outcome", ""))

    @property
    def batch(self) -> Laid:
        """Return the batch. Raises ``Breach`` where there is none."""
        self.require(self.batches, "向 in 目录放入一个批次", "a batch laid into the folder in")
        return self.batches[0]

    def require(self, met: object, zh: str, en: str, fix: Text | None = None) -> None:
        """Raise ``Breach`` unless ``met``; what was expected is said in Chinese and in English."""
        if not met:
            raise Breach(Text(zh, en), sent=self.asked, seen=self._seen(), fix=fix)

    def _seen(self) -> Json:
        laid = [
            {
                "batchNo": shown_number(each.batch_no),
                "file": mask(each.name, "C2"),
                "bytes": len(each.data),
                "marked": each.marked,
                "steps": [f"{step.what} {_part_of(step.name, each.name)}" for step in each.steps[:_SHOWN]],
                "answered": sorted(each.result.keys() - {"header"}),
            }
            for each in self.batches[:_SHOWN]
        ]
        return {"status": self.status, "outcome": shown_outcome(self.outcome[:_WORD]), "laid": laid}


def _part_of(name: str, data: str) -> str:
    """Return what a name is to a data file: names may be those of people."""
    return f"the data file{name.removeprefix(data)}" if name.startswith(data) else "another name"


class FilesBench:
    """A file partner under test. ``recording`` holds every manifest, and the records of files that the suite reads."""

    def __init__(
        self,
        declaration: Declaration,
        kit: Kit,
        given: Prepared,
        taking: Taking,
        recording: Recording,
        client: httpx.Client,
    ) -> None:
        self.kit, self.patience, self.test = kit, declaration.patience, declaration.test
        self.institution, self.other = given.institution, given.other
        self.keys = KeyRing([given.key.public()])
        self.recording = recording
        self.late = declaration.patience / 20
        self._taking, self._client = taking, client
        self.reads_lines = "lines" in declaration.supports
        self._all: list[Laid] = []

    def lay(self, *turns: Turn, case: str = "", again: str = "", mends: str = "", afterwards: float = 0.0) -> Sent:
        """Have a batch laid: a new one, an earlier one ``again``, or one that ``mends`` an earlier one.

        ``afterwards``: as many seconds another one is looked out for, which nobody asked for.
        """
        named = {"case": case or new_case(), "again": again, "mends": mends}
        query = {name: value for name, value in named.items() if value}
        before = self._taking.steer(*turns)
        status, said = self._told(query)
        self._taking.await_laid(1, before, 2 * _QUIET)
        self._taking.await_laid(2, before, afterwards)
        self._taking.steer()
        if self._taking.failure is not None:
            raise self._taking.failure
        laid = tuple(self._taking.laid(before))
        for each in laid:
            self._record(each)
        self._all += laid
        shown = {name: value if name == "case" else shown_number(value) for name, value in query.items()}
        asked = {"asked": "POST /do/batch", **shown, "answers": [_named(turn) for turn in turns]}
        sent = Sent(asked, status, said, laid)
        seconds = f"{self.patience:g}"
        sent.require(status, f"在 {seconds} 秒内说明结局", f"what became of it within {seconds} seconds", LONGER)
        sent.require(status == 200 or not laid, "HTTP 200 与批次的结局", "HTTP 200 and what became of it")
        return sent

    def _told(self, query: Mapping[str, str]) -> tuple[int, Json]:
        """Ask for a batch and return what is told of it, and with which status; 0 where nothing is in time."""
        try:
            answer = self._client.post("/do/batch", params=dict(query))
        except httpx.TransportError:
            return 0, {}
        return answer.status_code, _object(answer)

    @property
    def several(self) -> tuple[Sent, ...]:
        """Three batches, all of which are accepted. Raises ``Breach`` where one is not laid."""
        if isinstance(self._several, Breach):
            raise self._several
        return self._several

    @cached_property
    def _several(self) -> tuple[Sent, ...] | Breach:
        """The batches, or why there are none: many cases look at them, and none of them waits for that again."""
        try:
            sent = tuple(self.lay() for _ in range(3))
            for each in sent:
                _ = each.batch
        except Breach as error:
            return error
        return sent

    @cached_property
    def partly(self) -> Sent:
        """A batch whose first record was refused. Raises ``Breach`` where none is laid."""
        sent = self.lay(Turn(refused=1))
        _ = sent.batch
        return sent

    @cached_property
    def refused(self) -> Sent:
        """A batch that was refused whole. Raises ``Breach`` where none is laid."""
        sent = self.lay(Turn(error=ContentRefused))
        _ = sent.batch
        return sent

    def messages(self, laid: Laid) -> list[Json]:
        """Return the messages of a file of lines, without those that cannot be read."""
        read = (_unsealed(_line(each)).message for each in laid.lines[:_RECORDED])
        return [message for message in read if message is not None]

    @staticmethod
    def digest_of(laid: Laid, algorithm: str) -> str:
        """Return the digest of a data file in hexadecimal, by ``SHA256`` or ``SM3``."""
        if algorithm == "SM3":
            digest = hashes.Hash(hashes.SM3())
            digest.update(laid.data)
            return digest.finalize().hex()
        return laid.digest

    @property
    def all_batches(self) -> tuple[Laid, ...]:
        """Every batch so far."""
        return tuple(self._all)

    @cached_property
    def context(self) -> Context:
        """What checks of the recording know beside it."""
        return Context(self.recording.head, "file-partner", self.keys, self.patience)

    def _record(self, laid: Laid) -> None:
        content, signature = split_seal(laid.manifest)
        if content:
            sealed = Sealed(content, CONTENT_TYPE_JSON, signature)
            self.recording.append(Recorded.of(sealed, "subject", "sftp", Answer(None, laid.result)))
        if self.reads_lines:
            for line in laid.lines[:_RECORDED]:
                self.recording.append(_unsealed(_line(line)))


def _line(line: bytes) -> Recorded:
    return Recorded.of(Sealed(line, CONTENT_TYPE_JSON, ""), "subject", "sftp", None)


def _unsealed(read: Recorded) -> Recorded:
    """Return a record of a file, which the manifest's seal stands for."""
    return Recorded(read.by, read.transport, read.message, read.at, unreadable=read.unreadable)


def _named(turn: Turn) -> str:
    said = turn.error.reason if turn.error else f"{turn.refused} records refused" if turn.refused else "accepted"
    before = f"a false result ({turn.forged}), then " if turn.forged else ""
    return f"{before}{said}" + (f" after {turn.late:g} s" if turn.late else "")


def _object(answer: httpx.Response) -> Json:
    try:
        said = orjson.loads(answer.content)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


@dataclass(frozen=True, slots=True)
class _PreparedWithFolder(Prepared):
    """What a file partner is given beside: the folder with ``in`` and ``result``, and the way there by SFTP."""

    files: Path = Path()
    login: Login | None = None

    def environment(self, gateway: str, port: int = 0) -> dict[str, str]:
        by_sftp = self.login.environment() if self.login else {}
        return {**Prepared.environment(self, gateway, port), "XINQIAO_FOLDER": str(self.files), **by_sftp}


@contextmanager
def files_bench(
    declaration: Declaration, kit: Kit, *, start: Start | None = None, ask: Callable[[str], str] | None = None
) -> Iterator[FilesBench]:
    """Reach the file partner of a declaration; ``start`` one that runs in this process.

    Raises ``CouldNotRun``, ``Breach``, ``SettingsInvalid``, ``KeyUnusable``.
    """
    plain = prepared(declaration)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="xinqiao-conformance-")))
        is_started = start is not None or bool(declaration.reach.start)
        files = _folder(declaration, plain, scratch, is_started=is_started)
        files.mkdir(parents=True, exist_ok=True)
        login = stack.enter_context(sftp_server(files, scratch if is_started else plain.folder))
        given = _PreparedWithFolder(
            plain.folder, plain.key, plain.gateway_key, plain.institution, plain.other, plain.test, files, login
        )
        recording = stack.enter_context(recorded(declaration, given))
        answering = Answering(given.other, given.institution, given.gateway_key, given.test)
        taking = Taking(files, answering, false_result(answering), min(_QUIET, declaration.patience / 10))
        stack.enter_context(taking.watching())
        # Nothing is sent there: a file partner has the folder, but the contract names a gateway to everybody.
        serve, ask = partial(web_server, lambda _: Response(404)), ask or person(declaration.patience)
        _, url = stack.enter_context(reached(declaration, given, serve, start, ask))
        client = stack.enter_context(http_client(url, declaration.patience))
        yield FilesBench(declaration, kit, given, taking, recording, client)


def _folder(declaration: Declaration, given: Prepared, scratch: Path, *, is_started: bool) -> Path:
    """Return the folder of the batches: one of this run where the suite starts the subject, else one that stays."""
    if declaration.reach.folder is not None:
        return declaration.folder / declaration.reach.folder
    return scratch / "files" if is_started else given.folder / "files"
