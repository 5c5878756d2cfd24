"""Reaching a subject: started by a command, running at an address, or served by hand; and asking things of it.

Whatever the way, the subject is given the environment of the contract: a folder beside the declaration holds its keys,
its environment as a file for whoever starts it himself, and what it wrote to its error output.
"""

import select
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import orjson

from xinqiao.errors import SettingsInvalid
from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao.recording import Head, Recording
from xinqiao.seal import SigningKey, new_key, read_signing_key, write_key
from xinqiao.testing import BANK, TRUST_COMPANY
from xinqiao_conformance.benches.process import started
from xinqiao_conformance.declaration import Declaration
from xinqiao_conformance.observing import CouldNotRun
from xinqiao_conformance.reach import http_client

__all__ = [
    "CHANNEL",
    "LONGER",
    "Prepared",
    "Start",
    "Told",
    "done",
    "new_case",
    "person",
    "prepared",
    "reached",
    "recorded",
]

CHANNEL = "conformance"
# How to mend it that no outcome was told in time.
LONGER = Text(
    "重试所需时间更长的，在声明中加大 patience",
    "where the attempts take longer than that, say a larger patience in the declaration",
)
_FOLDER = "conformance-subject"
_PORT = "gateway.port"
# Characters of an id or an outcome that a subject tells.
_WORD = 200

# How a subject in this process is started: with its environment; it serves at the address that is yielded.
Start = Callable[[Mapping[str, str]], AbstractContextManager[str]]
# How the suite's own side is served: at a port, 0 for any; its address is yielded.
Serve = Callable[[int], AbstractContextManager[str]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a subject is given: its key, that of the suite's gateway, who it is and whom it speaks with."""

    folder: Path
    key: SigningKey
    gateway_key: SigningKey
    institution: str
    other: str
    test: bool

    @property
    def log(self) -> Path:
        """Return the file with the subject's error output."""
        return self.folder / "subject.log"

    def environment(self, gateway: str, port: int = 0) -> dict[str, str]:
        """Return the environment of the contract."""
        return {
            "XINQIAO_GATEWAY": gateway,
            "XINQIAO_CHANNEL": CHANNEL,
            "XINQIAO_KEY": str(self.folder / "subject.jwk"),
            "XINQIAO_GATEWAY_KEYS": str(self.folder / "gateway.jwks"),
            "XINQIAO_SENDER": self.institution,
            "XINQIAO_RECEIVER": self.other,
            "XINQIAO_PORT": str(port),
            "XINQIAO_TEST": "1" if self.test else "0",
        }


@dataclass(frozen=True, slots=True)
class Told:
    """What a subject says of something that it was asked to do: ``outcome`` as the contract has it."""

    status: int
    message_id: str
    outcome: str


def prepared(declaration: Declaration) -> Prepared:
    """Lay out keys beside the declaration; those that are there are used again. Raises ``SettingsInvalid``."""
    folder = declaration.folder / _FOLDER
    try:
        folder.mkdir(exist_ok=True)
        # Keys for trials; still nobody should find them in a repository.
        (folder / ".gitignore").write_text("*\n", encoding="ascii")
        key, gateway_key = _key(folder / "subject.jwk", "subject-1"), _key(folder / "gateway.jwk", "gateway-1")
        (folder / "gateway.jwks").write_bytes(orjson.dumps({"keys": [gateway_key.public().jwk()]}))
    except OSError as error:
        raise SettingsInvalid(f"{folder}: the subject's keys cannot be laid out: {error.strerror}") from error
    institution = declaration.subject.institution
    other = BANK if institution == TRUST_COMPANY else TRUST_COMPANY
    return Prepared(folder, key, gateway_key, institution, other, declaration.test)


def _key(path: Path, kid: str) -> SigningKey:
    if not path.exists():
        write_key(new_key(kid), path)
    return read_signing_key(path)


@contextmanager
def recorded(declaration: Declaration, given: Prepared) -> Iterator[Recording]:
    """Make a recording of what passes between the suite and the subject, gone with the block."""
    with tempfile.TemporaryDirectory(prefix="xinqiao-conformance-") as folder:
        recording = Recording.create(Path(folder) / "recording.jsonl", Head(given.institution, declaration.test))
        with closing(recording):
            yield recording


def _port_for(declaration: Declaration, start: Start | None) -> int:
    """Return the port of the suite's own side: a free one (0), or for a subject that runs already the one it knows."""
    if start is not None or declaration.reach.start:
        return 0
    path = declaration.folder / _FOLDER / _PORT
    try:
        return int(path.read_text(encoding="ascii")) if path.exists() else 0
    except ValueError as error:
        raise SettingsInvalid(f"{path}: a port is expected; delete the file, and another port is chosen") from error


@contextmanager
def _at_port(server: AbstractContextManager[str], given: Prepared) -> Iterator[str]:
    """Serve the suite's own side. Raises ``SettingsInvalid`` where the port is taken that the subject knows."""
    with ExitStack() as stack:
        try:
            address = stack.enter_context(server)
        except OSError as error:
            raise SettingsInvalid(
                f"{given.folder / _PORT} 所记端口已被占用 the port is taken by another process "
                f"({error.strerror or error}); 结束该进程，或删除此文件后按新的 subject.env 重启被测方 end that "
                "process, or delete the file and start the subject anew with the address in subject.env"
            ) from error
        yield address


@contextmanager
def reached(
    declaration: Declaration, given: Prepared, serve: Serve, start: Start | None, ask: Callable[[str], str]
) -> Iterator[tuple[str, str]]:
    """Serve the suite's own side, and yield its address and the subject's, empty where somebody serves by hand.

    Raises ``CouldNotRun`` where the subject cannot be reached, or was started and did not come up, ``SettingsInvalid``
    where the suite's own side cannot be where the subject expects it.
    """
    with _at_port(serve(_port_for(declaration, start)), given) as own, _up(declaration, given, own, start, ask) as url:
        yield own, url


@contextmanager
def _up(
    declaration: Declaration, given: Prepared, gateway: str, start: Start | None, ask: Callable[[str], str]
) -> Iterator[str]:
    reach, environment = declaration.reach, given.environment(gateway)
    if start is not None:
        with start(environment) as url:
            yield url
    elif reach.start:
        with started(reach.start, declaration.folder, environment, given.log) as url:
            yield url
    else:
        lines = "".join(f"{name}={shlex.quote(value)}\n" for name, value in environment.items())
        (given.folder / "subject.env").write_text(lines, encoding="utf-8")
        (given.folder / _PORT).write_text(gateway.rpartition(":")[2], encoding="ascii")
        yield _by_hand(given, ask) if reach.manual else _running(reach.control, given, declaration.patience)


def _running(url: str, given: Prepared, patience: float) -> str:
    until = time.monotonic() + patience
    said = ""
    with http_client(url, 2.0) as client:
        while time.monotonic() < until:
            try:
                answer = client.get("/health")
            except httpx.TransportError as error:
                said = f"{type(error).__name__} {error}".strip()
            else:
                if answer.status_code == 200:
                    return url
                said = f"GET /health answers {answer.status_code}"
            time.sleep(0.05)
    raise CouldNotRun(
        f"reach.control {url} 无法连通 cannot be reached: {said}; 按此环境启动被测方 start the subject with the "
        f"environment in {given.folder / 'subject.env'}"
    )


def _by_hand(given: Prepared, ask: Callable[[str], str]) -> str:
    return ask(
        f"被测系统的环境见 {given.folder / 'subject.env'}。请启动后输入其接收地址（不接收的直接回车）：\n"
        f"The subject's environment is in {given.folder / 'subject.env'}. Start it, then type the address at which it "
        "takes messages (just Enter where it takes none): "
    )


def new_case() -> str:
    """Return the number of a case that the subject has not seen."""
    return f"CONF-{uuid4().hex[:16].upper()}"


def person(patience: float) -> Callable[[str], str]:
    """Return how a person is asked, who has so many seconds for each answer. Raises ``CouldNotRun``: none came."""

    def ask(question: str) -> str:
        print(question, end="", file=sys.stderr, flush=True)
        if not select.select([sys.stdin], [], [], patience)[0]:
            raise CouldNotRun(
                f"{patience:g} 秒内无人作答 nobody answered within {patience:g} s; 声明中的 patience 为等待时间 "
                "patience in the declaration says how long to wait"
            )
        return sys.stdin.readline().strip()

    return ask


def done(client: httpx.Client, step: str, query: Mapping[str, str]) -> Told:
    """Have the subject do something and return what it says. Raises ``httpx.TransportError``."""
    answer = client.post(f"/do/{step}", params=dict(query))
    said = _object(answer.content)
    message_id, outcome = said.get("messageId"), said.get("outcome")
    return Told(answer.status_code, str(message_id or "")[:_WORD], str(outcome or "")[:_WORD])


def _object(content: bytes) -> Json:
    try:
        said = orjson.loads(content)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
