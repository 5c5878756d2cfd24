"""What a field expects, in words (``a date yyyy-MM-dd``), and how texts are shown."""

import re
from collections.abc import Mapping

from xinqiao.finding import Text
from xinqiao.standard import Schema

__all__ = ["expectation_of", "shown", "unseen"]

# What no text holds: control characters, those that turn the text around them or are not seen, non-characters.
_REFUSED = "\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff"
_BLANK = " \\n\\xa0\u115f\u1160\u1680\u180e\u2000-\u200d\u202f\u205f\u2800\u3000\u3164\uffa0"
_REFUSED_CHARACTERS = re.compile(f"[{_REFUSED}]")
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f]")
_VISIBLE = re.compile(f"[^{_REFUSED}{_BLANK}]")

# What each kind of value looks like, for people; other forms are shown as their pattern.
_KINDS: Mapping[str, Text] = {
    "TEXT": Text("不含控制字符的文本", "text without control characters"),
    "LINES": Text("不含换行以外控制字符的文本", "text without control characters but line feeds"),
    "LATIN": Text(
        "拉丁字母文本，可含数字及 & ( ) / ’ . , ' -", "text in Latin letters, with digits and & ( ) / ’ . , ' -"
    ),
    "IDENTIFIER": Text("1 至 64 位字母、数字及 . _ : / -", "1 to 64 letters, digits and . _ : / -"),
    "DATE": Text("日期 yyyy-MM-dd", "a date yyyy-MM-dd"),
    "TIMESTAMP": Text("带时区的时间 yyyy-MM-ddTHH:mm:ss+08:00", "a time with its offset yyyy-MM-ddTHH:mm:ss+08:00"),
    "TIME": Text("时刻 HH:mm 或 HH:mm:ss", "a time of day HH:mm or HH:mm:ss"),
    "MONTH": Text("年月 yyyy-MM", "a month yyyy-MM"),
    "DECIMAL": Text("十进制数字符串，至多 16 位整数、8 位小数", "a decimal string, up to 16 digits and 8 decimals"),
    "QUANTITY": Text(
        "非负十进制数字符串，至多 16 位整数、8 位小数",
        "a decimal string, up to 16 digits and 8 decimals, not negative",
    ),
    "PERCENTAGE": Text(
        "非负百分数字符串，至多 6 位整数、8 位小数",
        "per cent as a decimal string, up to 6 digits and 8 decimals, not negative",
    ),
    "RATE": Text(
        "百分数字符串，至多 6 位整数、8 位小数", "per cent as a decimal string, up to 6 digits and 8 decimals"
    ),
    "FACTOR": Text("非负倍数字符串，1 为全额", "a multiple as a decimal string, 1 for the whole, not negative"),
    "COUNT": Text("非负整数字符串，至多 19 位", "a whole number as a string, up to 19 digits"),
    "COUNTRY": Text("ISO 3166-1 两位字母国家或地区代码", "a country in two letters (ISO 3166-1)"),
    "CURRENCY": Text("ISO 4217 三位字母币种代码", "a currency in three letters (ISO 4217)"),
    "REGION": Text("GB/T 2260 六位行政区划代码", "a region in six digits (GB/T 2260)"),
    "INSTITUTION_CODE": Text("18 位统一社会信用代码", "a unified social credit code of 18 characters"),
    "ISIN": Text("12 位 ISIN", "an ISIN of 12 characters"),
    "MESSAGE_ID": Text("小写的 UUID 第 7 版", "a UUID version 7 in lower case"),
    "HASH": Text("64 位小写十六进制", "64 hexadecimal digits in lower case"),
    "CODE": Text("1 至 40 位字母、数字及 . _ -", "1 to 40 letters, digits and . _ -"),
}
_TYPES = {
    "string": Text("字符串", "a string"),
    "integer": Text("整数", "a whole number"),
    "boolean": Text("true 或 false", "true or false"),
    "array": Text("数组", "an array"),
    "object": Text("对象", "an object"),
}


def shown(text: str, most: int = 300) -> str:
    """Return text fit for a finding: something to see, no control characters, at most ``most`` characters."""
    clean = _CONTROL.sub("\ufffd", _REFUSED_CHARACTERS.sub("\ufffd", text))
    if clean and not _VISIBLE.search(clean):
        clean = "\ufffd" * len(clean)
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"


def unseen(text: str) -> str | None:
    """Return what is expected of text that is blank, hides something or turns the text around it; None of other."""
    if _REFUSED_CHARACTERS.search(text):
        return "text without characters that nobody sees or that turn the text around them"
    return None if _VISIBLE.search(text) else "text that is not blank"


def expectation_of(schema: Schema, *, item: bool = False) -> Text:
    """Return what a field's schema (or, for an array's ``item``, that of its items) accepts."""
    kind = schema.get("x-xinqiao", {}).get("kind")
    if item:
        schema = schema.get("items", schema)
    parts = [part for part in (_values(schema), _form(kind, schema), _length(schema), _range(schema)) if part]
    if not parts:
        parts = [_TYPES[schema.get("type", "object")]]
    return Text(shown("，".join(part.zh for part in parts)), shown(", ".join(part.en for part in parts)))


def _values(schema: Schema) -> Text | None:
    if "enum" not in schema:
        return None
    values = ", ".join(schema["enum"])
    return Text(f"以下之一：{values}", f"one of {values}")


def _form(kind: str | None, schema: Schema) -> Text | None:
    pattern = schema.get("pattern")
    if pattern is None:
        return None
    return _KINDS.get(kind or "", Text(f"符合 {pattern}", f"what matches {pattern}"))


def _length(schema: Schema) -> Text | None:
    if "maxLength" in schema:
        least, most = schema.get("minLength", 0), schema["maxLength"]
        return Text(f"{least} 至 {most} 个字符", f"{least} to {most} characters")
    if schema.get("type") == "array":
        least, most = schema.get("minItems", 0), schema.get("maxItems", "")
        return Text(f"数组，{least} 至 {most} 项", f"an array of {least} to {most} items")
    return None


def _range(schema: Schema) -> Text | None:
    if "minimum" not in schema:
        return None
    least, most = schema["minimum"], schema["maximum"]
    return Text(f"{least} 至 {most} 的整数", f"a whole number from {least} to {most}")
