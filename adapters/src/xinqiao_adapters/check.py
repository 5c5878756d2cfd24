"""Proves a channel on its own samples: expected messages, both laws of the lens, every row and code exercised."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from xinqiao.errors import Rejected
from xinqiao.message import Json
from xinqiao_adapters.channel import Channel
from xinqiao_adapters.coverage import Coverage, coverage_of, unexplained_codes
from xinqiao_adapters.interface import CompiledInterface
from xinqiao_adapters.mapping.compiled import Record
from xinqiao_adapters.mapping.plan import Leaf, Repeat, Rows
from xinqiao_adapters.mapping.trace import Reading
from xinqiao_adapters.marked import Mark

__all__ = ["CheckReport", "check_channel", "check_sample", "sample_files"]

# What the profile, and not the document, says of a header.
_PROFILE_SAYS = frozenset({"standardVersion", "sender", "receiver", "channelId", "test"})


@dataclass
class CheckReport:
    """What a check found. ``passed`` is false where a law is broken or a row is exercised by no sample."""

    channel: str
    problems: list[str] = field(default_factory=list)
    samples: int = 0
    rows: int = 0
    coverage: dict[str, Coverage] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Return the report for machines."""
        return {
            "channel": self.channel,
            "passed": self.passed,
            "samples": self.samples,
            "rows": self.rows,
            "problems": self.problems,
            "coverage": {name: each.as_json() for name, each in self.coverage.items()},
        }

    def as_text(self) -> str:
        """Return the report for people."""
        lines = [f"{self.channel}: {self.samples} samples, {self.rows} rows, {len(self.problems)} problems"]
        lines += [f"  {name}: {each.as_text()}" for name, each in self.coverage.items()]
        return "\n".join([*lines, *(f"  ✗ {problem}" for problem in self.problems)])


def check_channel(channel: Channel) -> CheckReport:
    """Check a channel against the samples beside its profile.

    A sample ``<interface>.xml`` or ``<interface>-<what>.xml`` has its expected message (an array where the
    document holds several) in a ``.json`` beside it. For each: decoding gives what is expected, encoding what
    was decoded gives the sample (unmapped leaves aside), and all samples together exercise every row.
    """
    report = CheckReport(channel.channel_id)
    exercised: set[Mark] = set()
    for path in sample_files(channel):
        report.samples += 1
        name = path.stem.partition("-")[0]
        interface = channel.compiled.get(name)
        if interface is None:
            report.problems.append(f"{path.name}: there is no interface {name!r}")
        else:
            report.problems += [f"{path.name}: {each}" for each in check_sample(interface, path, exercised)]
    rows = {leaf.mark: name for name, each in channel.compiled.items() for leaf in _leaves(each.mapping.plan.rows)}
    report.rows = len(rows)
    for mark in sorted(set(rows) - exercised, key=str):
        report.problems.append(f"{mark}: no sample exercises this row ({rows[mark]})")
    for name, interface in channel.compiled.items():
        report.coverage[name] = coverage_of(interface.mapping.plan)
    report.problems += unexplained_codes(channel.profile, channel.compiled)
    return report


def check_sample(interface: CompiledInterface, path: Path, exercised: set[Mark]) -> list[str]:
    """Return what is wrong with one sample; the marks of the rows that it exercises go into ``exercised``."""
    try:
        return list(_problems(interface, path, exercised))
    except Rejected as error:
        said = [f"{each.partner_path or each.path}: {each.text.en}" for each in error.findings]
        return ["; ".join([str(error), *said])]


def sample_files(channel: Channel) -> list[Path]:
    """Return the samples of a channel: those of the nearest profile on the way of ``extends`` that has any."""
    for folder in channel.folders:
        found = sorted(path for path in (folder / "samples").glob("*") if path.suffix != ".json" or _is_partners(path))
        if found:
            return found
    return []


def _is_partners(path: Path) -> bool:
    """Whether a ``.json`` file is the partner's own document: its expected message is ``….expected.json``."""
    return path.with_suffix(".expected.json").is_file()


def _expected(path: Path) -> list[Json]:
    beside = path.with_suffix(".expected.json" if path.suffix == ".json" else ".json")
    value = orjson.loads(beside.read_bytes())
    return value if isinstance(value, list) else [value]


def _problems(interface: CompiledInterface, path: Path, exercised: set[Mark]) -> Iterator[str]:
    root = interface.format.parse(path.read_bytes())
    if not interface.takes(root):
        yield "the document is not of its interface"
        return
    decoded = interface.decode(root)
    records = interface.mapping.records(root)
    try:
        expected = _expected(path)
    except OSError as error:
        yield f"no expected message beside it: {error}"
        return
    messages = [each.message for each in decoded]
    if [_without_profile(each) for each in messages] != [_without_profile(each) for each in expected]:
        yield f"decoded other than expected: {', '.join(_differences(messages, expected))}"
    for record, message in zip(records, messages, strict=True):
        readings = list(interface.mapping.readings(record))
        exercised |= {reading.leaf.mark for reading in readings if reading.text is not None}
        exercised |= _need_no_text(interface.mapping.plan.rows)
        yield from _check_way_back(interface, record, readings, message)


def _need_no_text(rows: Rows) -> set[Mark]:
    """Return the rows that no text of the partner's exercises: constants of the standard, and what only goes out."""
    return {leaf.mark for leaf in _leaves(rows) if leaf.source is None or not leaf.reads}


def _check_way_back(
    interface: CompiledInterface, record: Record, readings: list[Reading], message: Json
) -> Iterator[str]:
    root = interface.format.parse(interface.encode(message).content)
    (again,) = interface.mapping.records(root)
    texts = [(_alone(each, record), each.text) for each in interface.mapping.readings(again) if each.text is not None]
    wanted = [(_alone(each, record), _canonical_text(each)) for each in readings if each.text is not None]
    if dict(texts) != dict(wanted):
        different = sorted({path for path, _ in set(texts) ^ set(wanted)})
        yield f"encoding what was decoded differs at {', '.join(different)}"
    elif record.place is None and _mapped_order(interface, root) != _mapped_order(interface, record.root):
        yield "encoding what was decoded puts elements in another order"
    (back,) = interface.decode(root)
    if back.message != message:
        yield f"decoding what was encoded differs: {', '.join(_differences([back.message], [message]))}"


def _alone(reading: Reading, record: Record) -> str:
    """Return a reading's path as if its record were the only one: a message is written to a document of its own."""
    if record.place:
        return reading.partner_path.replace(f"[{record.place + 1}]", "[1]", 1)
    return reading.partner_path


def _canonical_text(reading: Reading) -> str:
    converter = reading.leaf.converter
    return converter.write(converter.read(reading.text or ""))


def _mapped_order(interface: CompiledInterface, root: object) -> list[tuple[str, ...]]:
    mapping = interface.mapping
    trails = (tuple(step for step, _ in trail) for trail, _ in mapping.access.leaves(root))
    return [trail for trail in trails if trail in mapping.partner_paths]


def _leaves(rows: Rows) -> Iterator[Leaf]:
    for row in rows:
        if isinstance(row, Repeat):
            yield from _leaves(row.rows)
        else:
            yield row


def _without_profile(message: Json) -> Json:
    header = {name: part for name, part in message.get("header", {}).items() if name not in _PROFILE_SAYS}
    return {**message, "header": header}


def _differences(left: object, right: object, path: str = "") -> list[str]:
    if isinstance(left, dict) and isinstance(right, dict):
        names = [name for name in {**left, **right} if name not in _PROFILE_SAYS]
        return [each for name in names for each in _differences(left.get(name), right.get(name), f"{path}.{name}")]
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        pairs = enumerate(zip(left, right, strict=True))
        return [each for place, pair in pairs for each in _differences(*pair, f"{path}[{place}]")]
    return [] if left == right else [path.lstrip(".")]
