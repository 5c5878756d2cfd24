"""Findings, receipts and refusals as lines that people read, in Chinese and English."""

from xinqiao.errors import XinqiaoError
from xinqiao.finding import Finding
from xinqiao.message import Json

__all__ = ["error_lines", "finding_lines", "receipt_lines"]

_LEVELS = {"ERROR": "错误", "WARNING": "警告", "INFORMATION": "提示"}


def finding_lines(finding: Finding) -> list[str]:
    """Return a finding: where and which rule, what is wrong, what is there and expected, how to mend it."""
    place = finding.path if finding.partner_path is None else f"{finding.partner_path} ({finding.path})"
    lines = [f"{_LEVELS[finding.level]} {finding.level}  {finding.rule}  {place}"]
    lines.append(f"    {finding.text.zh} / {finding.text.en}")
    if finding.value is not None:
        lines.append(f"    当前值 value: {finding.value}")
    if finding.expected is not None:
        lines.append(f"    期望 expected: {finding.expected}")
    if finding.fix is not None:
        lines.append(f"    修正 fix: {finding.fix.zh} / {finding.fix.en}")
    return lines


def error_lines(error: XinqiaoError) -> list[str]:
    """Return an error: what is wrong, what was expected, each finding, how to mend it."""
    detail = f": {error.detail}" if error.detail else ""
    lines = [f"{error.reason}  {error.text.zh} / {error.text.en}{detail}"]
    lines += [f"    期望 expected: {each}" for each in error.expected]
    for finding in error.findings:
        lines += finding_lines(finding)
    lines.append(f"    修正 fix: {error.fix.zh} / {error.fix.en}")
    return lines


def receipt_lines(receipt: Json) -> list[str]:
    """Return a receipt's body: which message was accepted, when and where in the journal."""
    return [
        f"已受理 accepted: {receipt['acceptedMessageId']}",
        f"    时间 at: {receipt['acceptedAt']}",
        f"    日志位置 position: {receipt['position']}",
    ]
