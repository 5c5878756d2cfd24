"""The smallest file partner that meets the requirements, in this process. Each step is a method, so that a mutant is
one of them done wrong.
"""

import hashlib
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import orjson

from xinqiao.errors import Rejected, SealMissing
from xinqiao.keys import VerifyingKey
from xinqiao.manifest import Batch, Contents, manifest_of, sealed_manifest, split_seal
from xinqiao.message import Json, read_json, write_json
from xinqiao.seal import CONTENT_TYPE_JSON, KeyRing, Sealed, open_stored, read_signing_key
from xinqiao_conformance.benches.totals import totals_of
from xinqiao_conformance.benches.web import Request, Response, web_server
from xinqiao_conformance.simulators.drafting import CaseFile, Parties, Sending, drawn_up

__all__ = ["Known", "ReferencePartner", "partner_at"]

_CHINA = timezone(timedelta(hours=8))
_LINES = "application/x-ndjson"
# Seconds that a result is waited for, and between two looks.
_PATIENCE = 3.0
_LOOK = 0.01
_COUNTS = ("acceptedCount", "rejectedCount", "ignoredCount", "heldCount")


@dataclass(frozen=True, slots=True)
class Known:
    """A batch that was laid: the name of its file, its lines, its manifest, and its result once that was read."""

    name: str
    lines: tuple[bytes, ...]
    manifest: Json
    result: Json

    @property
    def batch_no(self) -> str:
        """Return its number."""
        return str(self.manifest["batchManifest"]["batchNo"])


class ReferencePartner:
    """A file partner of the contract, by its environment; its files hold messages of the standard, one a line."""

    def __init__(self, environment: Mapping[str, str], types: Sequence[str]) -> None:
        self.key = read_signing_key(environment["XINQIAO_KEY"])
        keys = orjson.loads(Path(environment["XINQIAO_GATEWAY_KEYS"]).read_bytes())["keys"]
        self.keys = KeyRing([VerifyingKey.from_jwk(each) for each in keys])
        self.parties = Parties(
            environment["XINQIAO_SENDER"], environment["XINQIAO_RECEIVER"], environment["XINQIAO_TEST"] == "1"
        )
        self.folder = Path(environment["XINQIAO_FOLDER"])
        self.types = types
        self.known: dict[str, Known] = {}
        self.sequence = 0
        self._lock = threading.Lock()

    def handle(self, request: Request) -> Response:
        """Answer on the control side."""
        if request.path == "/health":
            return Response(200)
        if request.method != "POST" or request.path != "/do/batch":
            return Response(404)
        query = request.query
        named = query.get("again") or query.get("mends")
        if named and named not in self.known:
            return Response(404)
        with self._lock:
            if query.get("again"):
                return self.sent(self.again(self.known[query["again"]]))
            if query.get("mends"):
                return self.sent(self.mended(self.known[query["mends"]]))
            return self.sent(self.drawn_up(self.records(query.get("case", ""))))

    def sent(self, batch: Known) -> Response:
        """Lay a batch, wait for its result and say what became of it."""
        self.lay(batch)
        said, result = self.awaited(batch)
        self.known[batch.batch_no] = Known(batch.name, batch.lines, batch.manifest, result)
        files = [batch.name, f"{batch.name}.manifest", f"{batch.name}.ok"]
        return Response(200, orjson.dumps({"batchNo": batch.batch_no, "files": files, "outcome": said}))

    # --- what is in a batch

    def records(self, case_id: str) -> list[Json]:
        """Return the messages of a new batch."""
        case, now = CaseFile(self.case_of(case_id)), datetime.now(UTC)
        for each in self.types:
            case.add(drawn_up(Sending(each), self.parties, case, now))
        return [message for each in self.types for message in case.all(each)]

    def case_of(self, case_id: str) -> str:
        """Return the case of the messages: the one that was asked for, or where that is none, one of its own."""
        fits = 0 < len(case_id) <= 64 and all(
            each.isascii() and (each.isalnum() or each in "._:/-") for each in case_id
        )
        return case_id if fits else f"CASE-{hashlib.sha256(case_id.encode()).hexdigest()[:16].upper()}"

    def drawn_up(self, records: Sequence[Json], *, replaces: str = "") -> Known:
        """Return a new batch of messages."""
        self.sequence += 1
        lines = tuple(write_json(each) for each in records)
        number = self.number()
        name = self.name(number, records)
        return Known(name, lines, self.manifest(number, name, lines, replaces), {})

    def number(self) -> str:
        """Return the number of the next batch."""
        return f"{self.day():%Y%m%d}-{self.sequence}"

    def day(self) -> date:
        """Return the business day."""
        return datetime.now(_CHINA).date()

    def name(self, number: str, records: Sequence[Json]) -> str:  # noqa: ARG002 -- a mutant names them after a person
        """Return the name of a data file."""
        return f"{number}.jsonl"

    def manifest(self, number: str, name: str, lines: Sequence[bytes], replaces: str) -> Json:
        """Return the manifest of a batch."""
        content = b"".join(line + b"\n" for line in lines)
        totals = totals_of(orjson.loads(line) for line in lines)
        controls = tuple(
            {"currency": currency, "recordCount": str(count), "amount": format(amount, "f")}
            for currency, (count, amount, _) in sorted(totals.items())
        )
        contents = Contents(name, _LINES, hashlib.sha256(content).hexdigest(), len(content), len(lines), controls)
        parties = self.parties
        batch = Batch(
            parties.sender, parties.receiver, self.day(), self.sequence, None, parties.test, number, None, replaces
        )
        return manifest_of(batch, contents)

    def again(self, batch: Known) -> Known:
        """Return an earlier batch as it was."""
        return batch

    def mended(self, batch: Known) -> Known:
        """Return a batch with what was refused put right: accepted records as they were, under a new number."""
        refused = {each["lineNo"] for each in batch.result.get("batchResult", {}).get("records", ())}
        now = datetime.now(UTC)
        lines = list(batch.lines)
        for number in refused or range(1, len(lines) + 1):
            message = orjson.loads(lines[number - 1])
            body = next(name for name in message if name != "header")
            parties = self.parties
            lines[number - 1] = write_json(drawn_up(Sending(body), parties, CaseFile(message["header"]["caseId"]), now))
        return self.drawn_up([orjson.loads(line) for line in lines])

    # --- how it is laid

    def lay(self, batch: Known) -> None:
        """Lay data file, manifest and done mark, in this order."""
        self.put(batch.name, b"".join(line + b"\n" for line in batch.lines))
        self.put(f"{batch.name}.manifest", self.sealed(batch.manifest))
        self.put_mark(batch.name)

    def put(self, name: str, content: bytes) -> None:
        """Write a file under a temporary name, then rename it."""
        inbox = self.folder / "in"
        temporary = inbox / f"{name}.part"
        temporary.write_bytes(content)
        os.rename(temporary, inbox / name)

    def put_mark(self, name: str) -> None:
        """Say that a file is finished."""
        (self.folder / "in" / f"{name}.ok").touch()

    def sealed(self, manifest: Json) -> bytes:
        """Seal a manifest."""
        return sealed_manifest(manifest, self.key)

    # --- what became of it

    def awaited(self, batch: Known) -> tuple[str, Json]:
        """Wait for the result of a batch; return what became of it, and the result."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            result = None if self.is_waiting(batch) else self.result(batch)
            if result is not None:
                return self.outcome(result), result
            time.sleep(_LOOK)
        return "failed: no result", {}

    def is_waiting(self, batch: Known) -> bool:
        """Say whether the gateway has not taken the file yet: what lies there is an earlier result."""
        return (self.folder / "in" / batch.name).exists()

    def result(self, batch: Known) -> Json | None:
        """Return the result of a batch where it is there and may be believed."""
        try:
            raw = (self.folder / "result" / f"{batch.name}.result").read_bytes()
        except FileNotFoundError:
            return None
        content, seal = split_seal(raw)
        try:
            self.verify(Sealed(content, CONTENT_TYPE_JSON, seal))
            message = read_json(content)
        except Rejected:
            return None
        return message if self.is_of(batch, message) else None

    def verify(self, sealed: Sealed) -> None:
        """Verify the seal of a result. Raises ``SealInvalid`` or ``SealMissing``."""
        if not sealed.signature:
            raise SealMissing("the result has no seal")
        open_stored(sealed, self.keys)

    def is_of(self, batch: Known, message: Json) -> bool:
        """Say whether a result is that of the batch, and whole."""
        return not self.flaws(batch, message)

    def flaws(self, batch: Known, message: Json) -> set[str]:
        """Return what speaks against a result whose seal is right."""
        header, body = message.get("header", {}), message.get("batchResult")
        right = {
            "sender": header.get("sender") == self.parties.receiver,
            "receiver": header.get("receiver") == self.parties.sender,
        }
        if body is None:
            about = message.get("rejection", {}).get("rejectedMessageId")
            right["number"] = about == batch.manifest["header"]["messageId"]
        else:
            right["number"] = body["batchNo"] == batch.batch_no
            right["count"] = int(body["recordCount"]) == len(batch.lines)
            right["sum"] = sum(int(body.get(name, "0")) for name in _COUNTS) == int(body["recordCount"])
        return {name for name, fits in right.items() if not fits}

    def outcome(self, result: Json) -> str:
        """Return what a result says in the words of the contract."""
        if "rejection" in result:
            return f"rejected: {result['rejection']['reason']}"
        return "accepted" if result["batchResult"]["rejectedCount"] == "0" else "partly"


@contextmanager
def partner_at(environment: Mapping[str, str], kind: type[ReferencePartner], types: Sequence[str]) -> Iterator[str]:
    """Serve a file partner in this process and yield its address."""
    with web_server(kind(environment, types).handle, int(environment["XINQIAO_PORT"])) as url:
        yield url
