"""Findings, receipts, refusals and foreign answers as lines that people read, in Chinese and English."""

import json
import re
from typing import TYPE_CHECKING

from xinqiao.errors import XinqiaoError
from xinqiao.finding import Finding, Text
from xinqiao.message import Json

if TYPE_CHECKING:
    from xinqiao.explanation import Answer, Entry

__all__ = ["answer_lines", "bilingual", "error_lines", "finding_lines", "foreign_lines", "plain_text", "receipt_lines"]

_LEVELS = {"ERROR": "错误", "WARNING": "警告", "INFORMATION": "提示"}
_SEAM = re.compile(r"(?<=[\u4e00-\u9fff])(?=[0-9A-Za-z])|(?<=[0-9A-Za-z])(?=[\u4e00-\u9fff])")
_XML_ENCODING = re.compile(rb"""^(?:\xef\xbb\xbf)?<\?xml[^>]{0,200}?encoding=["']([0-9A-Za-z._-]{1,40})["']""")
# Entries of the dictionary: so many are printed in full or listed.
_FEW = 5
_MOST_LISTED = 20
_KINDS = {
    "message": "消息类型 message type",
    "part": "结构 part",
    "field": "字段 field",
    "value": "枚举值 value",
    "rule": "规则 rule",
    "list": "代码表 code list",
    "code": "代码 code",
}
_FACTS = {
    "class": "类别 class",
    "body": "消息体 body",
    "type": "类型 type",
    "form": "形式 form",
    "cardinality": "次数 cardinality",
    "sensitivity": "敏感级别 sensitivity",
    "example": "示例 example",
    "description": "说明 description",
    "values": "枚举值 values",
    "valueOf": "所属字段 value of",
    "codes": "代码表 codes",
    "codesOf": "使用字段 codes of",
    "list": "代码表 list",
    "sign": "正负 sign",
    "synonyms": "同义名 synonyms",
    "fields": "字段 fields",
    "level": "级别 level",
    "source": "来源 source",
    "provenance": "取得方式 provenance",
    "until": "使用至 until",
    "count": "数量 count",
    "appliesTo": "适用于 applies to",
    "fix": "修正 fix",
    "rules": "规则 rules",
    "paths": "路径 paths",
    "usedIn": "用于 used in",
}
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
        f"    流水库位置 position: {receipt['position']}",
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


def answer_lines(answer: "Answer") -> list[str]:
    """Return the one entry in full, of a few the first in full, a line for each of many, or the nearest names."""
    if not answer.entries:
        nearest = [f"    相近 nearest: {', '.join(answer.nearest)}"] if answer.nearest else []
        return [f"标准中没有 not in the standard: {answer.what}", *nearest]
    if len(answer.entries) <= _FEW:
        first, *others = answer.entries
        return [*_entry_lines(first), *(["另见 see also:"] if others else []), *map(_entry_line, others)]
    more = len(answer.entries) - _MOST_LISTED
    lines = [f"{answer.what}: {len(answer.entries)} 项 entries", *map(_entry_line, answer.entries[:_MOST_LISTED])]
    return [*lines, f"    另有 {more} 项，见 --json / {more} more, see --json"] if more > 0 else lines


def _entry_line(entry: "Entry") -> str:
    where = "".join(f"  {path}" for path in entry.facts.get("paths", ())[:1])
    used = len(entry.facts.get("usedIn", ()))
    count = f"  用于 {used} 种消息 used in {used} message type{'s' if used > 1 else ''}" if used else ""
    return f"    {entry.path}  {_title_of(entry)}{where}{count}"


def _title_of(entry: "Entry") -> str:
    return bilingual(entry.title) if all(entry.title) else "".join(entry.title)


def _entry_lines(entry: "Entry") -> list[str]:
    lines = [f"{entry.path}  {_title_of(entry)}", f"    种类 kind: {_KINDS[entry.kind]}"]
    for name, fact in entry.facts.items():
        lines += _fact_lines(_FACTS.get(name, name), fact)
    return lines


def _fact_lines(label: str, fact: object) -> list[str]:
    """Return a fact in one line, or its label and a line for each thing that it lists."""
    if isinstance(fact, dict) and "zh" not in fact:
        return [f"    {label}:", *(f"        {name}  {_fact_text(each)}" for name, each in fact.items())]
    if isinstance(fact, list) and all(isinstance(each, dict) for each in fact):
        return [f"    {label}:", *(f"        {each['id']}  {each['level']}  {_fact_text(each)}" for each in fact)]
    return [f"    {label}: {_fact_text(fact)}"]


def _fact_text(fact: object) -> str:
    if isinstance(fact, list):
        listed = ", ".join(map(str, fact[:_MOST_LISTED]))
        return listed if len(fact) <= _MOST_LISTED else f"{listed} … ({len(fact)})"
    if not isinstance(fact, dict):
        return json.dumps(fact) if isinstance(fact, bool) else str(fact)
    if "zh" in fact:
        return bilingual(Text(fact["zh"], fact["en"]))
    return "  ".join(_fact_text(fact[key]) for key in ("cardinality", "title", "text") if key in fact)
