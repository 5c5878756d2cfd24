"""What the samples of a channel become as its profile now stands, written beside them for people to review."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from xinqiao.adapter import Decoded, Undecoded
from xinqiao.errors import Rejected
from xinqiao.finding import Finding
from xinqiao.message import ROUTING, Json
from xinqiao_adapters.channel import Channel
from xinqiao_adapters.check.samples import Readers, sample_files
from xinqiao_adapters.profile_adapter import ProfileAdapter

__all__ = ["Expectation", "expect", "write_unreviewed"]


@dataclass(frozen=True)
class Expectation:
    """A sample without a reviewed message: the file written beside it, its messages, what keeps it from being read."""

    sample: str
    written: str
    messages: int
    findings: tuple[str, ...]


def expect(channel: Channel) -> Iterator[Expectation]:
    """Write ``<sample>.unreviewed.json`` beside each sample that has no reviewed message, and yield what was written.

    What somebody has reviewed (``<sample>.json``, ``<sample>.expected.json``) stays as it is.
    """
    readers = Readers(channel.compiled)
    for path in sample_files(channel):
        reviewed = path.with_suffix(".expected.json" if path.suffix == ".json" else ".json")
        if not reviewed.is_file():
            messages, findings = _read(readers.told_by(path.stem), path.read_bytes())
            written = write_unreviewed(path, messages)
            yield Expectation(path.name, written.name, len(messages), tuple(findings))


def write_unreviewed(path: Path, messages: Sequence[Json]) -> Path:
    """Write what a sample becomes, under a name that says that nobody has looked at it."""
    content = [_without_routing(each) for each in messages]
    written = path.with_suffix(".unreviewed.json")
    said: object = content[0] if len(content) == 1 else content
    written.write_bytes(orjson.dumps(said, option=orjson.OPT_INDENT_2) + b"\n")
    return written


def _without_routing(message: Json) -> Json:
    """Leave out of the header what the profile and the gateway say: nobody has to review it."""
    header = {name: part for name, part in message.get("header", {}).items() if name not in ROUTING}
    return {**message, "header": header}


def _read(adapters: Sequence[ProfileAdapter], raw: bytes) -> tuple[list[Json], list[str]]:
    """Return the messages and the findings of the first adapter that has none of the latter, else of the last."""
    messages: list[Json] = []
    findings: list[str] = []
    for adapter in adapters:
        try:
            decoded = list(adapter.decode(raw, ""))
        except Rejected as error:
            messages, findings = [], [_said(each) for each in error.findings] or [str(error)]
            continue
        messages = [each.message for each in decoded if isinstance(each, Decoded)]
        findings = [_said(each) for one in decoded if isinstance(one, Undecoded) for each in one.findings]
        if not findings:
            break
    return messages, findings


def _said(finding: Finding) -> str:
    return f"{finding.partner_path or finding.path}: {finding.text.zh} / {finding.text.en}"
