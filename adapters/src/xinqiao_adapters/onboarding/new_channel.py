"""``channel new`` from end to end: samples and a field table become a folder with a draft profile and its samples."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from xinqiao.adapter import Decoded, Undecoded
from xinqiao.errors import ProfileInvalid, Rejected
from xinqiao.finding import Finding
from xinqiao.standard import message_types
from xinqiao_adapters.channel import Channel, load_channel
from xinqiao_adapters.onboarding.dictionary import Dictionary
from xinqiao_adapters.onboarding.draft import Draft, DraftInterface, DraftRow, draft_interface, named
from xinqiao_adapters.onboarding.draft_text import written
from xinqiao_adapters.onboarding.expectation import write_unreviewed
from xinqiao_adapters.onboarding.interface_table import FieldTable, describe, read_field_tables
from xinqiao_adapters.onboarding.proposal import propose
from xinqiao_adapters.onboarding.recognition import Recognised, recognise
from xinqiao_adapters.onboarding.words import words

__all__ = ["NewChannelReport", "SampleReport", "Wanted", "flat_rows", "new_channel"]

_CHANNEL_ID = re.compile(r"[a-z][a-z0-9-]{1,40}")


@dataclass(frozen=True)
class Wanted:
    """What ``new_channel`` is asked for.

    ``incoming`` are samples of what the partner sends, ``outgoing`` of what it wants to receive; ``message`` is the
    type of all of them where it is known; ``institution`` has name, type and code, ``receiver`` is our own code.
    """

    channel: str
    incoming: Sequence[Path]
    outgoing: Sequence[Path] = ()
    field_table: Path | None = None
    message: str | None = None
    institution: Mapping[str, str] = field(default_factory=dict)
    receiver: str = ""


@dataclass(frozen=True)
class SampleReport:
    """A sample as the draft reads it now: how many messages, and what speaks against it."""

    sample: str
    messages: int
    findings: tuple[str, ...]


@dataclass(frozen=True)
class NewChannelReport:
    """What was written. ``problem`` says why the draft does not load yet, with file and line."""

    profile: Path
    draft: Draft
    samples: tuple[SampleReport, ...]
    problem: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the report for machines."""
        return {
            "channel": self.draft.channel,
            "profile": str(self.profile),
            "interfaces": [_interface(each) for each in self.draft.interfaces],
            "samples": [
                {"sample": each.sample, "messages": each.messages, "findings": list(each.findings)}
                for each in self.samples
            ],
            "problem": self.problem,
        }


def _interface(each: DraftInterface) -> dict[str, Any]:
    return {
        "interface": each.name,
        "message": each.message,
        "confidence": each.confidence,
        "reason": each.reason,
        "others": list(each.others),
        "direction": each.direction,
        "format": dict(each.format),
        "records": each.records,
        "key": list(each.key),
        "rows": list(flat_rows(each.rows, "")),
        "unproposed": [{"from": row.partner, "near": dict(row.near)} for row in each.unproposed],
        "codes": {
            name: {"values": dict(table.values), "unknown": dict(table.unknown)} for name, table in each.codes.items()
        },
    }


def flat_rows(rows: Iterable[DraftRow], group: str) -> Iterator[dict[str, Any]]:
    """Yield rows, those inside lists after their list, by their whole canonical path."""
    for row in rows:
        path = f"{group}.{row.path}" if group else row.path
        yield {"path": path, **row.parts, "confidence": row.confidence, "reason": row.reason}
        yield from flat_rows(row.rows, path)


def new_channel(wanted: Wanted, folder: Path, dictionary: Dictionary | None = None) -> NewChannelReport:
    """Write ``folder/<channel>`` with a draft profile and its samples; it appears whole or not at all.

    Raises ``ProfileInvalid`` for an id that is none or is taken, a message type that the standard does not have,
    and a field table without headings; ``Rejected`` errors of the formats for a sample that cannot be read.
    """
    target = folder / wanted.channel
    _refuse(wanted, target)
    tables = read_field_tables(wanted.field_table) if wanted.field_table else []
    draft, samples = _drafted(wanted, tables, dictionary or Dictionary())
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".drafting-", dir=folder) as beside:
        made = Path(beside) / wanted.channel
        (made / "samples").mkdir(parents=True)
        (made / "channel.yaml").write_text(written(draft), encoding="utf-8")
        for name, path in samples.items():
            shutil.copyfile(path, made / "samples" / name)
        report = _tried(draft, made, list(samples), folder)
        made.rename(target)
    problem = report.problem.replace(str(made), str(target)) if report.problem else None
    return replace(report, profile=target / "channel.yaml", problem=problem)


def _refuse(wanted: Wanted, target: Path) -> None:
    if not _CHANNEL_ID.fullmatch(wanted.channel):
        said = "2 to 41 lower-case letters, digits and hyphens, a letter first"
        raise ProfileInvalid(f"{wanted.channel[:60]!r} is no id of a channel: {said}")
    if os.path.lexists(target):
        raise ProfileInvalid(f"{target} exists already; choose another id or take it away")
    if wanted.message is not None and wanted.message not in message_types():
        known = ", ".join(message_types())
        raise ProfileInvalid(f"unknown message type {wanted.message!r}; known: {known}")
    if not wanted.incoming and not wanted.outgoing:
        raise ProfileInvalid("no sample: give one file of the partner's at least")


def _drafted(wanted: Wanted, tables: Sequence[FieldTable], dictionary: Dictionary) -> tuple[Draft, dict[str, Path]]:
    interfaces: list[DraftInterface] = []
    samples: dict[str, Path] = {}
    private: set[str] = set()
    for direction, paths in (("in", wanted.incoming), ("out", wanted.outgoing)):
        for found in recognise(paths, tables):
            interface = _drafted_interface(wanted, found, tables, dictionary, direction, interfaces)
            interfaces.append(interface)
            private |= found.private
            samples |= _sample_names(interface.name, found.samples)
    draft = Draft(wanted.channel, wanted.institution, wanted.receiver, tuple(_rooted(interfaces)), _meant(private))
    return draft, samples


def _meant(private: Iterable[str]) -> dict[str, str]:
    points = sorted(f"U+{ord(each):04X}" for each in private)
    return {point: words().rare.get(point, "") for point in points}


def _drafted_interface(
    wanted: Wanted,
    found: Recognised,
    tables: Sequence[FieldTable],
    dictionary: Dictionary,
    direction: str,
    others: Sequence[DraftInterface],
) -> DraftInterface:
    title = describe(found.top, tables)
    outgoing = direction == "out"
    proposal = propose(dictionary, found.top, found.names, wanted.message, title, outgoing=outgoing)
    codes = {name: table for each in others for name, table in each.codes.items()}
    name = named(proposal.body, [each.name for each in others])
    return draft_interface(name, found, proposal, direction, title, codes)


def _rooted(interfaces: Sequence[DraftInterface]) -> list[DraftInterface]:
    """Leave out the root of JSON where there is nothing that it is told from."""
    if len(interfaces) > 1:
        return list(interfaces)
    return [
        replace(each, format={name: part for name, part in each.format.items() if name != "root"})
        if each.format["kind"] == "json"
        else each
        for each in interfaces
    ]


def _sample_names(interface: str, paths: Sequence[Path]) -> dict[str, Path]:
    return {f"{interface}{f'-{at}' if at > 1 else ''}{path.suffix or '.txt'}": path for at, path in enumerate(paths, 1)}


# --- trying the draft ----------------------------------------------------------------------------------------


def _tried(draft: Draft, made: Path, samples: Sequence[str], folder: Path) -> NewChannelReport:
    """Read the samples with the draft; write what they become beside them, to be reviewed."""
    profile = made / "channel.yaml"
    try:
        load_channel(draft.channel, [made.parent, folder])
        reading = _reading(draft)
    except ProfileInvalid as error:
        return NewChannelReport(profile, draft, (), error.detail)
    reports = tuple(_tried_sample(reading, made / "samples" / name) for name in samples)
    return NewChannelReport(profile, draft, reports)


def _reading(draft: Draft) -> Channel:
    """Load the draft so that it reads what it is to write as well."""
    with tempfile.TemporaryDirectory(prefix="xinqiao-draft-") as temporary:
        folder = Path(temporary) / draft.channel
        folder.mkdir()
        both = replace(draft, interfaces=tuple(replace(each, direction="in") for each in draft.interfaces))
        (folder / "channel.yaml").write_text(written(both), encoding="utf-8")
        return load_channel(draft.channel, [Path(temporary)])


def _tried_sample(channel: Channel, path: Path) -> SampleReport:
    try:
        decoded = list(channel.adapter.decode(path.read_bytes(), ""))
    except Rejected as error:
        said = tuple(_said(each) for each in error.findings) or (f"{error.reason}: {error.detail or error.text.en}",)
        write_unreviewed(path, [])
        return SampleReport(path.name, 0, tuple(_shortened(said)))
    messages = [each.message for each in decoded if isinstance(each, Decoded)]
    findings = [_said(each) for one in decoded if isinstance(one, Undecoded) for each in one.findings]
    write_unreviewed(path, messages)
    return SampleReport(path.name, len(messages), tuple(_shortened(findings)))


def _shortened(findings: Sequence[str]) -> Iterator[str]:
    """Yield each finding once where only the number of a record or line differs."""
    seen: set[str] = set()
    for each in findings:
        key = re.sub(r"\d+", "", each)
        if key not in seen:
            seen.add(key)
            yield each


def _said(finding: Finding) -> str:
    return f"{finding.partner_path or finding.path}: {finding.text.zh} / {finding.text.en}"
