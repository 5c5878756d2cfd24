"""What is said of a file of lines that cannot be read: the file as a whole, or one record of it."""

from xinqiao.errors import ContentRefused, Rejected
from xinqiao.expectation import shown
from xinqiao.finding import Finding, Text

__all__ = ["bad_record", "refused", "said_by"]

_WHOLE = Text("请对方核对后重新生成整个文件并重发", "let the sender check and write the whole file again")


def refused(
    rule: str, place: str, said: Text, *, value: str | None = None, expected: str | None = None, fix: Text = _WHOLE
) -> ContentRefused:
    """Return the refusal of a whole file with its one finding; ``place`` is the partner's name of the place."""
    finding = Finding(
        rule=rule,
        path=place,
        text=said,
        value=shown(value) if value else None,
        expected=shown(expected) if expected else None,
        fix=fix,
        partner_path=place,
    )
    return ContentRefused(said.en, findings=[finding])


def bad_record(number: int, start: int, end: int, said: Text, expected: str, place: str = "Record") -> Finding:
    """Return what is said of a record that cannot be split into columns; bytes count from 0, ``end`` exclusive."""
    return Finding(
        rule="format.record",
        path=place,
        text=said,
        expected=expected,
        fix=Text("按接口规范的各栏宽度（字节）重发该记录", "send the record again with the widths agreed, in bytes"),
        partner_path=f"{place}, record {number}, bytes {start}–{end}",
    )


def said_by(error: Rejected, place: str | None = None) -> list[Finding]:
    """Return the findings of a refusal; one that has none becomes a finding itself, at ``place``."""
    if error.findings:
        return list(error.findings)
    return [
        Finding(rule=error.reason, path="/", text=error.text, fix=error.fix, partner_path=place or error.detail or None)
    ]
