"""The samples beside a profile: a document or file of the partner's, and the messages that it must become."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson

from xinqiao.adapter import Decoded, Undecoded
from xinqiao.errors import Rejected
from xinqiao.finding import Finding
from xinqiao.message import Json
from xinqiao_adapters.channel import Channel
from xinqiao_adapters.interface import CompiledInterface, Traced
from xinqiao_adapters.profile_adapter import ProfileAdapter

__all__ = ["Readers", "Sample", "SampleRecord", "nearest", "read_sample", "refusal", "said", "sample_files"]

_UNREVIEWED = ".unreviewed.json"


def nearest(channel: Channel, pattern: str) -> tuple[Path, ...]:
    """Return the files of the nearest profile on the way of ``extends`` that has any of a pattern."""
    return next((found for each in channel.folders if (found := tuple(sorted(each.glob(pattern))))), ())


def sample_files(channel: Channel) -> list[Path]:
    """Return the samples of a channel: those of the nearest profile on the way of ``extends`` that has any."""
    files = nearest(channel, "samples/*")
    others = {path.stem for path in files if path.suffix != ".json"}
    return [path for path in files if path.suffix != ".json" or _is_partners(path, others)]


def _is_partners(path: Path, others: set[str]) -> bool:
    """Whether a ``.json`` file is the partner's own document: its expected message is ``….expected.json``."""
    if path.name.endswith((".expected.json", _UNREVIEWED)):
        return False
    unreviewed = path.with_suffix(_UNREVIEWED).is_file() and path.stem not in others
    return unreviewed or path.with_suffix(".expected.json").is_file()


class Readers:
    """Adapters that read what the interfaces of a channel bring in, and what they send."""

    def __init__(self, interfaces: Mapping[str, CompiledInterface]) -> None:
        self._interfaces = interfaces
        self._incoming = {name for name, each in interfaces.items() if each.spec.comes_in}
        self._made: dict[frozenset[str], ProfileAdapter] = {}

    def alone(self, name: str) -> ProfileAdapter:
        """Return the adapter that knows one interface only."""
        return self._of({name})

    def of(self, name: str) -> ProfileAdapter:
        """Return the adapter of all interfaces of one's direction."""
        return self._of(self._incoming if name in self._incoming else set(self._interfaces) - self._incoming)

    def sent(self) -> ProfileAdapter:
        """Return the adapter that reads what the channel sends."""
        return self._of({name for name, each in self._interfaces.items() if each.spec.goes_out})

    def told_by(self, stem: str) -> list[ProfileAdapter]:
        """Return the adapters that may read a sample: the one its name tells, else those of both directions."""
        name = stem.partition("-")[0]
        if name in self._interfaces:
            return [self.of(name)]
        sides = (self._incoming, set(self._interfaces) - self._incoming)
        return [self._of(names) for names in sides if names]

    def _of(self, names: set[str]) -> ProfileAdapter:
        known = frozenset(names)
        if known not in self._made:
            both = {name: _readable(each, known) for name, each in self._interfaces.items() if name in known}
            self._made[known] = ProfileAdapter(both, {})
        return self._made[known]


def _readable(interface: CompiledInterface, known: frozenset[str]) -> CompiledInterface:
    """Return the interface as one whose documents are read, too.

    What tells the input of one that only brings messages in is the partner's to write: alone, it needs no telling.
    """
    if interface.spec.direction == "out":
        return replace(interface, spec=interface.spec.model_copy(update={"direction": "both"}))
    return replace(interface, match=()) if interface.spec.direction == "in" and len(known) == 1 else interface


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """One message of a sample as it was read, and as it must be."""

    traced: Traced
    expected: Json


@dataclass(slots=True)
class Sample:
    """A sample, read: its records, and what is wrong with it before any law is asked."""

    path: Path
    records: list[SampleRecord] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_sample(readers: Readers, path: Path) -> Sample:
    """Read a sample and what it must become; ``problems`` says what cannot be."""
    sample = Sample(path)
    decoded = list(_decoded(readers, sample))
    expected = _expected(sample)
    if expected is None:
        return sample
    if len(decoded) != len(expected):
        sample.problems.append(f"{len(decoded)} messages, expected {len(expected)}")
    for traced, message in zip(decoded, expected, strict=False):
        sample.records.append(SampleRecord(traced, message))
    return sample


def _decoded(readers: Readers, sample: Sample) -> Iterator[Traced]:
    """Yield the messages; those of the last adapter that may read it are the ones that count."""
    raw = sample.path.read_bytes()
    readable: list[Decoded | Undecoded] = []
    refusals: list[str] = []
    for adapter in readers.told_by(sample.path.stem):
        refusals = []
        try:
            readable = list(adapter.decode(raw, ""))
            refusals = [said(each.findings) for each in readable if isinstance(each, Undecoded)]
        except Rejected as error:
            readable, refusals = [], ["; ".join([str(error), said(error.findings)]).strip("; ")]
        if not refusals:
            break
    sample.problems += refusals
    yield from (each for each in readable if isinstance(each, Traced))


def refusal(each: Decoded | Undecoded) -> str:
    """Return why a record is not one that a mapping reads."""
    return said(each.findings) if isinstance(each, Undecoded) else "no mapping has read it"


def said(findings: Iterable[Finding]) -> str:
    """Return findings in one line."""
    return "; ".join(f"{each.partner_path or each.path}: {each.text.en}" for each in findings)


def _expected(sample: Sample) -> list[Json] | None:
    path = sample.path
    reviewed = path.with_suffix(".expected.json" if path.suffix == ".json" else ".json")
    guessed = path.with_suffix(_UNREVIEWED)
    if guessed.is_file():
        sample.problems.append(
            f"{guessed.name} was written by a machine and read by nobody: check it against the partner's document, "
            f"then rename it to {reviewed.name}"
        )
    source = reviewed if reviewed.is_file() else guessed
    if not source.is_file():
        sample.problems.append(f"no expected message beside it: write {reviewed.name} ([] for none)")
        return None
    try:
        value = orjson.loads(source.read_bytes())
    except orjson.JSONDecodeError as error:
        sample.problems.append(f"{source.name} is no JSON: {error}")
        return None
    return value if isinstance(value, list) else [value]
