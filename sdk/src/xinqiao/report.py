"""Findings, receipts, refusals and foreign answers as lines that people read, in Chinese and English."""

import re

from xinqiao.errors import XinqiaoError
from xinqiao.finding import Finding, Text
from xinqiao.message import Json

__all__ = ["bilingual", "error_lines", "finding_lines", "foreign_lines", "plain_text", "receipt_lines"]

_LEVELS = {"ERROR": "错误", "WARNING": "警告", "INFORMATION": "提示"}
_SEAM = re.compile(r"(?<=[\u4e00-\u9fff])(?=[0-9A-Za-z])|(?<=[0-9A-Za-z])(?=[\u4e00-\u9fff])")
_XML_ENCODING = re.compile(rb"""^(?:\xef\xbb\xbf)?<\?xml[^>]{0,200}?encoding=["']([0-9A-Za-z._-]{1,40})["']""")
_CHARSET = re.compile(r"""charset="?([0-9A-Za-z._-]{1,40})""", re.IGNORECASE)


def bilingual(text: Text) -> str:
    """Return both languages in one line, with a space where Chinese meets letters or digits."""
    return f"{_SEAM.sub(' ', text.zh)} / {text.en}"


def finding_lines(finding: Finding) -> list[str]:
    """Return a finding: where and which rule, what is wrong, what is there and expected, how to mend it."""
    place = finding.path
    if finding.partner_path not in (None, finding.path):
        place = f"{finding.partner_path} ({finding.path})"
    lines = [f"{_LEVELS[finding.level]} {finding.level}  {finding.rule}  {place}"]
    lines.append(f"    {bilingual(finding.text)}")
    if finding.value is not None:
        lines.append(f"    当前值 value: {finding.value}")
    if finding.expected is not None:
        lines.append(f"    期望 expected: {finding.expected}")
    if finding.fix is not None:
        lines.append(f"    修正 fix: {bilingual(finding.fix)}")
    return lines


def error_lines(error: XinqiaoError, fix: Text | None = None) -> list[str]:
    """Return an error: what is wrong, what was expected, then how to mend it, or each finding with its own mending.

    ``fix`` says it better than the error's class where the caller knows more.
    """
    detail = f": {error.detail}" if error.detail else ""
    lines = [f"{error.reason}  {bilingual(error.text)}{detail}"]
    lines += [f"    期望 expected: {each}" for each in error.expected]
    if not error.findings:
        return [*lines, f"    修正 fix: {bilingual(fix or error.fix)}"]
    return lines + [line for finding in error.findings for line in finding_lines(finding)]


def receipt_lines(receipt: Json) -> list[str]:
    """Return a receipt's body: which message was accepted, when and where in the journal; then what was noted."""
    lines = [
        f"已受理 accepted: {receipt['acceptedMessageId']}",
        f"    时间 at: {receipt['acceptedAt']}",
        f"    日志位置 position: {receipt['position']}",
    ]
    notes = [Finding.from_json(note) for note in receipt.get("notes", ())]
    return lines + [line for note in notes for line in finding_lines(note)]


def foreign_lines(status: int, content_type: str, text: str) -> list[str]:
    """Return an answer that is not the standard's, as it came but for control characters."""
    shown = "".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in text.replace("\r\n", "\n"))
    return [f"HTTP {status}  {content_type}", shown.rstrip("\n")]


def plain_text(content: bytes, content_type: str) -> str:
    """Return the text of an answer, in the character set of its content type, of its XML declaration, or in UTF-8.

    Bytes that are not in that set are replaced: the text is for people.
    """
    declared = _CHARSET.search(content_type)
    written = _XML_ENCODING.match(content)
    name = declared[1] if declared else written[1].decode() if written else "utf-8"
    try:
        return content.decode(name, errors="replace").removeprefix("\ufeff")
    except LookupError:
        return content.decode("utf-8", errors="replace").removeprefix("\ufeff")
