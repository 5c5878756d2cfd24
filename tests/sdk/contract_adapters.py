"""An adapter that keeps the contract of the port, and one for each way to break it."""

import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from typing import BinaryIO

from xinqiao.adapter import Answer, Decoded, Encoded, Reply, Undecoded
from xinqiao.errors import ContentRefused, InterfaceUnknown
from xinqiao.finding import Finding, Text
from xinqiao.masking import mask
from xinqiao.message import Json
from xinqiao.testing import BANK, TRUST_COMPANY
from xinqiao.testing.adapter_contract import AdapterContract
from xinqiao.testing.file_adapter_contract import FileAdapterContract
from xinqiao.testing.observed import leaves
from xinqiao.testing.samples import Sample

CONTENT_TYPE = "text/x-nav"
COLUMNS = (
    "header.partnerSerial",
    "navReport.instrument.code",
    "navReport.instrument.name",
    "navReport.navDate",
    "navReport.unitNav",
    "navReport.units",
    "navReport.state",
)
CARRYING = {f"header.{name}" for name in ("messageId", "standardVersion", "sender", "receiver", "channelId")} | {
    "header.createdAt",
    "header.test",
}
LONGEST = 40
HEADER = {"standardVersion": "1.0", "sender": BANK, "receiver": TRUST_COMPANY}


def finding(path: str, value: str | None = None) -> Finding:
    return Finding("lines.unfit", path, Text("无法转换", "it does not fit"), value=value)


class Lines:
    """Net asset values, one on each line in GBK, and a last line with their number."""

    errors = "strict"
    longest = LONGEST

    def decode(self, raw: bytes, content_type: str) -> Iterable[Decoded | Undecoded]:
        return self.records(BytesIO(raw))

    def decode_file(self, file: BinaryIO, content_type: str) -> Iterable[Decoded | Undecoded]:
        return self.records(file)

    def records(self, file: BinaryIO) -> Iterator[Decoded | Undecoded]:
        for number, line in enumerate(file, 1):
            if line == b"END|%d\n" % (number - 1):
                self.ends(file.read(1))
                return
            if not line.endswith(b"\n"):
                break
            yield self.record(line, number)
        self.cut()

    def ends(self, rest: bytes) -> None:
        if rest:
            raise ContentRefused("something follows the last line", findings=[finding("header")])

    def cut(self) -> None:
        raise ContentRefused("the last line is missing", findings=[finding("header")])

    def record(self, line: bytes, number: int) -> Decoded | Undecoded:
        try:
            parts = line[:-1].decode("gbk", self.errors).split("|")
        except UnicodeDecodeError:
            return Undecoded("nav", [finding("navReport")])
        if len(parts) != len(COLUMNS) or not parts[0]:
            return Undecoded("nav", [finding("navReport")])
        return Decoded("nav", self.message(parts), parts[0], self.place(number))

    def message(self, parts: Sequence[str]) -> Json:
        message: Json = {"header": dict(HEADER), "navReport": {}}
        for path, part in zip(COLUMNS, parts, strict=True):
            *groups, name = path.split(".")
            node = message
            for group in groups:
                node = node.setdefault(group, {})
            if part:
                node[name] = part
        return message

    def place(self, number: int) -> Callable[[str], str | None]:
        return lambda path: f"column {COLUMNS.index(path) + 1}, line {number}" if path in COLUMNS else None

    def encode(self, messages: Iterable[Json]) -> Iterator[Encoded]:
        for message in messages:
            if "navReport" not in message:
                raise InterfaceUnknown("only navReport goes out")
            yield Encoded("nav", self.line(message) + b"END|1\n", CONTENT_TYPE)

    def line(self, message: Json) -> bytes:
        values = {path: value for path, value in leaves(message).items() if path not in CARRYING}
        unfit = [self.unfit(path, value) for path, value in values.items() if not self.fits(path, value)]
        if unfit or "header.partnerSerial" not in values:
            raise ContentRefused("it does not fit", findings=unfit or [finding("header.partnerSerial")])
        return "|".join(str(values.get(path, "")) for path in COLUMNS).encode("gbk") + b"\n"

    def fits(self, path: str, value: object) -> bool:
        text = str(value)
        encodes = text == text.encode("gbk", "replace").decode("gbk")
        return path in COLUMNS and len(text) <= self.longest and "|" not in text and encodes

    def unfit(self, path: str, value: object) -> Finding:
        return finding(path, mask(value, "C2"))

    def answer(
        self, interface: str | None, outcomes: Sequence[Json], request: Sequence[Decoded | Undecoded]
    ) -> Answer | None:
        return Answer(b"YES" if all("receipt" in each for each in outcomes) else b"NO", CONTENT_TYPE)

    def read_reply(self, interface: str, status: int, content: bytes, sent: Json) -> Reply:
        return Reply({b"YES": True, b"NO": False}.get(content) if status == 200 else None)


def sample(*rows: str) -> Sample:
    raw = "".join(f"{row}\n" for row in rows).encode("gbk") + b"END|%d\n" % len(rows)
    messages = tuple(Lines().message(row.split("|")) for row in rows)
    return Sample(rows[0].partition("|")[0] if rows else "none", raw, CONTENT_TYPE, messages)


ONE = "S-1|P1|示例信托|2026-01-30|1.0021|10000000.00|FORMAL"
TWO = "S-2|P2||2026-01-30|0.9950||ESTIMATED"
SAMPLES: tuple[Sample, ...] = (sample(ONE), sample(TWO, ONE), sample())


class TestLines(FileAdapterContract):
    """The one that keeps every law."""

    samples = SAMPLES
    adapter_class = Lines

    def adapter(self) -> Lines:
        return self.adapter_class()

    def write_file(self, file: BinaryIO, records: int) -> str:
        row = f"S|P1|{'信' * 400}|2026-01-30|1.0021||FORMAL\n".encode("gbk")
        for _ in range(records):
            file.write(row)
        file.write(b"END|%d\n" % records)
        return CONTENT_TYPE


class WithLines(AdapterContract):
    samples = SAMPLES
    adapter_class: type[Lines]

    def adapter(self) -> Lines:
        return self.adapter_class()


class TestSendsOnly(WithLines):
    """A format that only goes out: its samples are what has to be written."""

    samples = tuple(replace(each, direction="out") for each in (*SAMPLES[:1], sample(TWO)))

    class adapter_class(Lines):
        def decode(self, raw: bytes, content_type: str) -> Iterable[Decoded | Undecoded]:
            raise InterfaceUnknown("nothing comes in")


class TestHoldsLess(WithLines):
    """A format that has no place for a field, and a decision that it may be lost."""

    samples = (sample(ONE.replace("示例信托", "")), sample(TWO))
    lost = frozenset({"navReport.instrument.name", "header.businessDate"})

    class adapter_class(Lines):
        def line(self, message: Json) -> bytes:
            header = {name: part for name, part in message["header"].items() if name != "businessDate"}
            instrument = {name: part for name, part in message["navReport"]["instrument"].items() if name != "name"}
            return super().line({"header": header, "navReport": {**message["navReport"], "instrument": instrument}})


class TestHasNoEnd(WithLines):
    """A format of lines without a last one: a file that ends early looks whole."""

    samples = tuple(replace(each, content=each.content.partition(b"END")[0]) for each in SAMPLES[:2])
    end_shows = False

    class adapter_class(Lines):
        def cut(self) -> None:
            """Nothing tells."""

        def decode(self, raw: bytes, content_type: str) -> Iterable[Decoded | Undecoded]:
            yield from super().decode(raw, content_type)
            if not raw.endswith(b"\n"):
                raise ContentRefused("the last line is cut", findings=[finding("header")])

        def encode(self, messages: Iterable[Json]) -> Iterator[Encoded]:
            return (replace(each, content=each.content.partition(b"END")[0]) for each in super().encode(messages))


# --- broken: the samples ---------------------------------------------------------------------------------------------


class TestOneMessage(WithLines):
    samples = SAMPLES[:1]
    adapter_class = Lines


# --- broken: decoding ------------------------------------------------------------------------------------------------


class TestSwapsFields(WithLines):
    class adapter_class(Lines):
        def message(self, parts: Sequence[str]) -> Json:
            message = super().message(parts)
            message["navReport"]["instrument"]["code"] += "0"
            return message


class TestKeepsState(WithLines):
    class adapter_class(Lines):
        def __init__(self) -> None:
            self.count = 0

        def message(self, parts: Sequence[str]) -> Json:
            self.count += 1
            return super().message([*parts[:2], f"{parts[2]}{self.count // 3 or ''}", *parts[3:]])


class TestSharesItsHeader(WithLines):
    class adapter_class(Lines):
        def __init__(self) -> None:
            self.header = dict(HEADER)

        def message(self, parts: Sequence[str]) -> Json:
            self.header["partnerSerial"] = parts[0]
            return super().message(parts) | {"header": self.header}


class TestInventsAField(WithLines):
    class adapter_class(Lines):
        def message(self, parts: Sequence[str]) -> Json:
            message = super().message(parts)
            message["navReport"]["colour"] = "red"
            return message


class TestHasOneKeyForAll(WithLines):
    class adapter_class(Lines):
        def record(self, line: bytes, number: int) -> Decoded | Undecoded:
            found = super().record(line, number)
            return replace(found, key="KEY") if isinstance(found, Decoded) else found


class TestHasNoKey(WithLines):
    class adapter_class(Lines):
        def record(self, line: bytes, number: int) -> Decoded | Undecoded:
            found = super().record(line, number)
            return replace(found, key="") if isinstance(found, Decoded) else found


class TestKnowsNoPlace(WithLines):
    class adapter_class(Lines):
        def place(self, number: int) -> Callable[[str], str | None]:
            return lambda path: None


class TestGivesOurPlaces(WithLines):
    class adapter_class(Lines):
        def place(self, number: int) -> Callable[[str], str | None]:
            return lambda path: path if path in COLUMNS else None


class TestStumblesOverAPlace(WithLines):
    class adapter_class(Lines):
        def place(self, number: int) -> Callable[[str], str | None]:
            return {path: f"column {index}" for index, path in enumerate(COLUMNS)}.__getitem__


class TestReplacesBytes(WithLines):
    class adapter_class(Lines):
        errors = "ignore"


class TestTakesNothingForAnInput(WithLines):
    class adapter_class(Lines):
        def decode(self, raw: bytes, content_type: str) -> Iterable[Decoded | Undecoded]:
            return super().decode(raw, content_type) if raw.strip() else []


class TestMissesTheEnd(WithLines):
    class adapter_class(Lines):
        def cut(self) -> None:
            """Miss it."""


class TestRaisesWhatPythonRaises(WithLines):
    class adapter_class(Lines):
        def record(self, line: bytes, number: int) -> Decoded | Undecoded:
            parts = line[:-1].decode("gbk").split("|")
            return Decoded("nav", self.message(parts), parts[0], self.place(number))


class TestRefusesWithoutAFinding(WithLines):
    class adapter_class(Lines):
        def cut(self) -> None:
            raise ContentRefused("the last line is missing")


# --- broken: encoding -------------------------------------------------------------------------------------------------


class TestLosesAField(WithLines):
    class adapter_class(Lines):
        def line(self, message: Json) -> bytes:
            instrument = {name: part for name, part in message["navReport"]["instrument"].items() if name != "name"}
            return super().line({**message, "navReport": {**message["navReport"], "instrument": instrument}})


class TestChangesTheMessage(WithLines):
    class adapter_class(Lines):
        def line(self, message: Json) -> bytes:
            message["header"].pop("createdAt", None)
            return super().line(message)


class TestCountsWhatItEncodes(WithLines):
    class adapter_class(Lines):
        def __init__(self) -> None:
            self.count = 0

        def line(self, message: Json) -> bytes:
            self.count += 1
            return super().line(message).replace(b"\n", b" " * self.count + b"\n")

        def message(self, parts: Sequence[str]) -> Json:
            return super().message([*parts[:-1], parts[-1].rstrip()])


class TestCutsWhatIsTooLong(WithLines):
    class adapter_class(Lines):
        def line(self, message: Json) -> bytes:
            instrument = message["navReport"]["instrument"]
            cut = {**instrument, **({"name": instrument["name"][:LONGEST]} if "name" in instrument else {})}
            return super().line({**message, "navReport": {**message["navReport"], "instrument": cut}})


class TestWritesQuestionMarks(WithLines):
    class adapter_class(Lines):
        def line(self, message: Json) -> bytes:
            instrument = message["navReport"]["instrument"]
            name = instrument.get("name", "").encode("gbk", "replace").decode("gbk")
            cut = {**instrument, **({"name": name} if name else {})}
            return super().line({**message, "navReport": {**message["navReport"], "instrument": cut}})


class TestRefusesInGeneral(WithLines):
    class adapter_class(Lines):
        def unfit(self, path: str, value: object) -> Finding:
            return finding("remark")


class TestShowsWhatItRefuses(WithLines):
    class adapter_class(Lines):
        longest = 12

        def unfit(self, path: str, value: object) -> Finding:
            return finding(path, str(value))


class TestSendsWhatNoInterfaceTakes(WithLines):
    class adapter_class(Lines):
        def encode(self, messages: Iterable[Json]) -> Iterator[Encoded]:
            for message in messages:
                yield from super().encode([message]) if "navReport" in message else [Encoded("", b"?", CONTENT_TYPE)]


# --- broken: answers --------------------------------------------------------------------------------------------------


class TestAnswersYesToAll(WithLines):
    class adapter_class(Lines):
        def answer(
            self, interface: str | None, outcomes: Sequence[Json], request: Sequence[Decoded | Undecoded]
        ) -> Answer | None:
            return Answer(b"YES", CONTENT_TYPE)

    def refusing_reply(self, sent: Json) -> bytes:
        return b"NO"


class TestReadsAnyReplyAsYes(WithLines):
    class adapter_class(Lines):
        def read_reply(self, interface: str, status: int, content: bytes, sent: Json) -> Reply:
            return Reply(status == 200)


# --- broken: input and output -----------------------------------------------------------------------------------------


class TestOpensAFile(WithLines):
    class adapter_class(Lines):
        def message(self, parts: Sequence[str]) -> Json:
            with open(__file__, "rb"):
                return super().message(parts)


class TestTriesTheNetworkAndSaysNothing(WithLines):
    class adapter_class(Lines):
        def line(self, message: Json) -> bytes:
            with suppress(OSError), socket.socket():
                """Ask somebody."""
            return super().line(message)


# --- broken: files ----------------------------------------------------------------------------------------------------


class TestReadsFilesOtherwise(TestLines):
    class adapter_class(Lines):
        def decode_file(self, file: BinaryIO, content_type: str) -> Iterable[Decoded | Undecoded]:
            return (replace(each, key="") if isinstance(each, Decoded) else each for each in self.records(file))


class TestReadsAFileWhole(TestLines):
    class adapter_class(Lines):
        def decode_file(self, file: BinaryIO, content_type: str) -> Iterable[Decoded | Undecoded]:
            return self.records(BytesIO(file.read()))


class TestOpensAnotherFile(TestLines):
    class adapter_class(Lines):
        def decode_file(self, file: BinaryIO, content_type: str) -> Iterable[Decoded | Undecoded]:
            with open(__file__, "rb"):
                return super().decode_file(file, content_type)
