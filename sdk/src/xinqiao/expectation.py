"""What a field expects, in words (``a date yyyy-MM-dd``), and how texts are shown."""

import re
from collections.abc import Mapping

from xinqiao.finding import Text
from xinqiao.standard import Schema

__all__ = [
    "COUNTRY",
    "CURRENCY",
    "DATE",
    "INSTITUTION_CODE",
    "ISIN",
    "LATIN",
    "LINES",
    "PATTERNS",
    "TEXT",
    "TIMESTAMP",
    "expectation_of",
    "shown",
]

# What no text holds: control characters, those that turn the text around them or are not seen, non-characters.
_REFUSED = "\\x00-\\x1f\\x7f-\\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff"
_REFUSED_IN_LINES = _REFUSED.replace("\\x00-\\x1f", "\\x00-\\x09\\x0b-\\x1f")
_BLANK = " \\xa0\u115f\u1160\u1680\u180e\u2000-\u200d\u202f\u205f\u2800\u3000\u3164\uffa0"
_REFUSED_CHARACTERS = re.compile(f"[{_REFUSED}]")
_VISIBLE = re.compile(f"[^{_REFUSED}{_BLANK}]")

DATE = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
TIMESTAMP = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
INSTITUTION_CODE = r"^[0-9A-HJ-NPQRTUWXY]{18}$"
CURRENCY = r"^[A-Z]{3}$"
COUNTRY = r"^[A-Z]{2}$"
ISIN = r"^[A-Z]{2}[0-9A-Z]{9}[0-9]$"
# Empty text passes the pattern: the least length speaks about it.
TEXT = f"^([^{_REFUSED}]*[^{_REFUSED}{_BLANK}][^{_REFUSED}]*)?$"
LINES = f"^([^{_REFUSED_IN_LINES}]*[^{_REFUSED}{_BLANK}][^{_REFUSED_IN_LINES}]*)?$"
LATIN = "^([0-9A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ][0-9A-Za-zÀ-ÖØ-öø-ɏ\u0300-\u036fḀ-ỿ &()/’.,'-]*)?$"

# The patterns of the standard that have a name people use; others are shown as they are.
PATTERNS: Mapping[str, Text] = {
    DATE: Text("日期 yyyy-MM-dd", "a date yyyy-MM-dd"),
    TIMESTAMP: Text("带时区的时间 yyyy-MM-ddTHH:mm:ss+08:00", "a time with its offset yyyy-MM-ddTHH:mm:ss+08:00"),
    r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$": Text(
        "小写的 UUID 第 7 版", "a UUID version 7 in lower case"
    ),
    INSTITUTION_CODE: Text("18 位统一社会信用代码", "a unified social credit code of 18 characters"),
    CURRENCY: Text("ISO 4217 三位字母币种代码", "a currency in three letters (ISO 4217)"),
    COUNTRY: Text("ISO 3166-1 两位字母国家或地区代码", "a country in two letters (ISO 3166-1)"),
    r"^(0|[1-9][0-9]{0,15})(\.[0-9]{1,8})?$": Text(
        "非负十进制数字符串，至多 16 位整数、8 位小数",
        "a decimal string, up to 16 digits and 8 decimals, not negative",
    ),
    r"^-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,8})?$": Text(
        "十进制数字符串，至多 16 位整数、8 位小数", "a decimal string, up to 16 digits and 8 decimals"
    ),
    r"^[^\x00-\x1f\x7f]*$": Text("不含控制字符的文本", "text without control characters"),
    TEXT: Text("不含控制字符、不全为空白的文本", "text that is not blank, without control characters"),
    LINES: Text(
        "不含换行以外控制字符、不全为空白的文本", "text that is not blank, without control characters but line feeds"
    ),
    LATIN: Text(
        "拉丁字母姓名或名称，可含数字及 & ( ) / ’ . , ' -", "a name in Latin letters, with digits and & ( ) / ’ . , ' -"
    ),
    r"^[0-9A-Za-z._:/-]{1,64}$": Text("1 至 64 位字母、数字及 . _ : / -", "1 to 64 letters, digits and . _ : / -"),
    r"^[0-9a-f]{64}$": Text("64 位小写十六进制", "64 hexadecimal digits in lower case"),
    r"^1\.(0|[1-9][0-9]{0,3})$": Text("标准版本 1.x", "a version 1.x of the standard"),
    ISIN: Text("12 位 ISIN", "an ISIN of 12 characters"),
    r"^[0-9]{12}$": Text("12 位数字", "12 digits"),
    r"^[0-9]{6}$": Text("6 位数字", "6 digits"),
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
    clean = _REFUSED_CHARACTERS.sub("\ufffd", text)
    if clean and not _VISIBLE.search(clean):
        clean = "\ufffd" * len(clean)
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"


def expectation_of(schema: Schema, *, item: bool = False) -> Text:
    """Return what a field's schema (or, for an array's ``item``, that of its items) accepts."""
    if item:
        schema = schema.get("items", schema)
    parts = [part for part in (_values(schema), _pattern(schema), _length(schema), _range(schema)) if part]
    if not parts:
        parts = [_TYPES[schema.get("type", "object")]]
    return Text(shown("，".join(part.zh for part in parts)), shown(", ".join(part.en for part in parts)))


def _values(schema: Schema) -> Text | None:
    if "enum" not in schema:
        return None
    values = ", ".join(schema["enum"])
    return Text(f"以下之一：{values}", f"one of {values}")


def _pattern(schema: Schema) -> Text | None:
    pattern = schema.get("pattern")
    if pattern is None:
        return None
    return PATTERNS.get(pattern, Text(f"符合 {pattern}", f"what matches {pattern}"))


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
