"""A dry run: what a raw input would become. Nothing is stored, nothing is sent; nothing raises for bad input.

A file of any size is read in constant memory: of messages, findings and unmapped leaves the first ones are kept, and
all are counted.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any, BinaryIO

from xinqiao.adapter import Decoded, FileAdapter, Undecoded
from xinqiao.errors import Rejected
from xinqiao.finding import Finding, errors_in
from xinqiao.message import Json, write_json
from xinqiao.validation import check
from xinqiao_adapters.channel import Channel
from xinqiao_adapters.formats.findings import said_by

__all__ = ["Trial", "try_file", "try_input"]

# As many as a rejection holds.
_KEPT = 1000
# Bytes of a message at most, where nothing else is agreed.
_MESSAGE = 1_048_576
# Leaves that no row reads are the same in every record: the first ones tell.
_RECORDS_ASKED_FOR_LEAVES = 100


@dataclass
class Trial:
    """What a raw input becomes. ``valid`` counts messages without an error, ``records`` all that were read.

    ``refused`` says that the input as a whole is: nothing of it counts then. Messages and unmapped leaves are shown in
    clear: they are the document that the operator has just passed in. Findings mask what is personal, and name the
    partner's own paths.
    """

    records: int = 0
    valid: int = 0
    refused: bool = False
    levels: Counter[str] = field(default_factory=Counter)
    messages: list[Json] = field(default_factory=list)
    unmapped: dict[tuple[str, str], None] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.refused and not self.levels["ERROR"]

    def as_json(self) -> dict[str, Any]:
        """Return the trial for machines."""
        return {
            "records": self.records,
            "valid": self.valid,
            "refused": self.refused,
            "levels": dict(self.levels),
            "messages": self.messages,
            "unmapped": [{"path": path, "value": value} for path, value in self.unmapped],
            "findings": [each.as_json() for each in self.findings],
        }

    def say(self, findings: Iterable[Finding]) -> None:
        """Count findings and keep the first."""
        for finding in findings:
            self.levels[finding.level] += 1
            if len(self.findings) < _KEPT:
                self.findings.append(finding)


def try_input(channel: Channel, raw: bytes, content_type: str = "") -> Trial:
    """Return what a raw input becomes."""
    return try_file(channel, BytesIO(raw), content_type)


def try_file(
    channel: Channel,
    file: BinaryIO,
    content_type: str = "",
    *,
    keep: int = _KEPT,
    write: Callable[[bytes], object] | None = None,
) -> Trial:
    """Return what a seekable file becomes, the first ``keep`` messages with it.

    ``write`` gets each valid message as a line of canonical JSON; what it got counts only where the trial is not
    ``refused``.
    """
    trial = Trial()
    try:
        for each in _decoded(channel, file, content_type):
            trial.records += 1
            message = _tried(channel, each, trial)
            if message is not None and len(trial.messages) < keep:
                trial.messages.append(message)
            if message is not None and write is not None:
                write(write_json(message) + b"\n")
    except Rejected as error:
        trial.refused = True
        trial.say(said_by(error))
    return trial


def _decoded(channel: Channel, file: BinaryIO, content_type: str) -> Iterator[Decoded | Undecoded]:
    """Decode as the intake does what a message may be as large as, and all else as a file."""
    adapter = channel.adapter
    head = file.read(_MESSAGE + 1)
    if len(head) <= _MESSAGE or not isinstance(adapter, FileAdapter):
        yield from adapter.decode(head + file.read(), content_type)
    else:
        file.seek(0)
        yield from adapter.decode_file(file, content_type)


def _tried(channel: Channel, each: Decoded | Undecoded, trial: Trial) -> Json | None:
    """Note what is found in one message and return it, None where it could not be read."""
    if isinstance(each, Undecoded):
        trial.say(each.findings)
        return None
    if trial.records <= _RECORDS_ASKED_FOR_LEAVES:
        trial.unmapped |= dict.fromkeys((leaf.path, leaf.value) for leaf in each.unmapped())
    message = channel.completed(each.message)
    try:
        found = check(message)
    except Rejected as error:
        trial.say(said_by(error))
        return None
    if found:
        trial.say(replace(finding, partner_path=each.place(finding.path)) for finding in found)
    trial.valid += not errors_in(found)
    return message
