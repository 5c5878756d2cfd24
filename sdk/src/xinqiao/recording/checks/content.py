"""What messages say: their schema, the rules of the standard, and what becomes of characters and files."""

import re
from collections.abc import Callable, Iterable, Iterator

from xinqiao.finding import Finding, Text
from xinqiao.forms import form_of
from xinqiao.message import Json
from xinqiao.recording.checking import Broken, Context, Look, Looks, check, in_words, sent, shown
from xinqiao.recording.model import Recorded
from xinqiao.recording.quoting import leaves
from xinqiao.report import bilingual
from xinqiao.seal import Sealed
from xinqiao.standard import STANDARD_VERSION, Field, field_at

__all__: list[str] = []

_SENDERS = ("sender", "file-partner")
_NUMBERS = frozenset({"DECIMAL", "QUANTITY", "PERCENTAGE", "RATE", "FACTOR", "COUNT", "CURRENCY"})
_DAYS = frozenset({"DATE", "TIMESTAMP", "TIME", "MONTH"})
_TEXTS = frozenset({"TEXT", "LINES", "LATIN"})
_DOCUMENT_NUMBERS = frozenset(f"XQ-R-{number:03}" for number in (10, 11, 12, 15, 19, 24, 25, 26, 105))
_SHARES = frozenset({"XQ-R-045", "XQ-R-046", "XQ-R-054", "XQ-R-132", "XQ-R-135"})
_ARITHMETIC = frozenset({"XQ-R-221", "XQ-R-222", "XQ-R-223", "XQ-R-227", "XQ-R-237"})

Breaks = Callable[[Finding, Field | None], bool]
About = Callable[[str, Field | None], bool]


def _is_schema(finding: Finding, _: Field | None) -> bool:
    return finding.rule.startswith("schema.")


def _is_rule(level: str) -> Breaks:
    return lambda finding, _: finding.level == level and not finding.rule.startswith("schema.")


def _is_of(rules: frozenset[str], kinds: frozenset[str] = frozenset()) -> Breaks:
    def breaks(finding: Finding, field: Field | None) -> bool:
        formed = field is not None and field.kind in kinds and finding.rule.startswith("schema.")
        return finding.rule in rules or formed

    return breaks


def _has_kind(kinds: frozenset[str]) -> About:
    return lambda _, field: field is not None and field.kind in kinds


def _has_path(pattern: str) -> About:
    matching = re.compile(pattern)
    return lambda path, _: matching.search(path) is not None


def _of_validation(breaks: Breaks, about: About | None = None) -> Look:
    """Return the check of what validation finds; ``about`` says which fields it is about, None any message."""

    def look(recorded: Iterable[Recorded], context: Context) -> Looks:
        looked = 0
        for each in sent(recorded):
            findings = context.findings(each)
            if findings is None:
                continue
            looked += about is None or _concerns(each, about)
            for finding in findings:
                if breaks(finding, field_at(each.body or "ping", finding.path)) and not _is_later(each, finding):
                    yield _broken(each, finding)
        return looked

    return look


def _concerns(each: Recorded, about: About) -> bool:
    body = each.body or "ping"
    return any(about(path, field_at(body, path)) for path, _ in leaves(each.message))


def _is_later(each: Recorded, finding: Finding) -> bool:
    """Say whether a field is unknown only because the message is written to a later version."""
    return finding.rule == "schema.unknown_field" and each.header.get("standardVersion") != STANDARD_VERSION


def _broken(each: Recorded, finding: Finding) -> Broken:
    seen = f"{finding.rule} {finding.value or ''}".strip()
    if in_words(finding.path) == finding.path:
        # Of a field that is no word the text repeats the name.
        seen = f"{seen}: {bilingual(finding.text)}"
    return Broken(each.number, finding.path, finding.fix or finding.text, seen)


def _register(name: str, requirement: str, zh: str, en: str, breaks: Breaks, about: About | None = None) -> None:
    look = _of_validation(breaks, about)
    check(name, requirement, *_SENDERS, zh=zh, en=en, veiled=True)(look)


_register("schema", "MSG-002", "不符合其类型的 JSON Schema", "breaks the JSON Schema of its type", _is_schema)
_register("rules", "MSG-003", "违反级别为 ERROR 的规则", "breaks a rule that is an ERROR", _is_rule("ERROR"))
_register(
    "numbers", "MSG-007", "金额或数量不是十进制字符串，或没有币种", "an amount is no decimal string or has no currency",
    _is_of(frozenset({"XQ-R-003"}), _NUMBERS), _has_kind(_NUMBERS),
)  # fmt: skip
_register(
    "days", "MSG-008", "日期或时间的写法不对", "a date or time is not written as it must be",
    _is_of(frozenset({"XQ-R-001", "XQ-R-002"}), _DAYS), _has_kind(_DAYS),
)  # fmt: skip
_register(
    "enumerations", "MSG-009", "枚举值不在标准之内", "a value is not in its enumeration",
    lambda finding, _: finding.rule == "schema.enum",
    lambda _, field: field is not None and "enum" in field.schema.get("items", field.schema),
)  # fmt: skip
_register(
    "text", "MSG-011", "文本空白，或含看不见的字符", "text is blank or has characters that nobody sees",
    lambda finding, field: finding.rule == "XQ-R-008"
    or (finding.rule == "schema.pattern" and field is not None and field.kind in _TEXTS),
    _has_kind(_TEXTS),
)  # fmt: skip
_register(
    "document_numbers", "MSG-014", "证件号码或校验位不对", "the number of a document or its check digit is wrong",
    lambda finding, _: finding.rule in _DOCUMENT_NUMBERS and finding.level == "ERROR",
    _has_path(r"ocuments?(\[[0-9]+\])?\.number$"),
)  # fmt: skip
_register(
    "tax_residences", "MSG-015", "税收居民国既无识别号也无原因", "a tax residence has neither number nor reason",
    _is_of(frozenset({"XQ-R-031", "XQ-R-034"})), _has_path(r"\.residences\["),
)  # fmt: skip
_register(
    "shares", "MSG-016", "比例合计不是百分之百，或引用了不在其中的当事人", "shares do not add up, or name no party",
    _is_of(_SHARES), _has_path(r"^(contractProposal|beneficiaryChange|contractTermination)\.|ercentage$"),
)  # fmt: skip
_register(
    "arithmetic", "MSG-017", "确认的份额、金额与费用不符", "units, amounts and fees of a confirmation do not fit",
    _is_of(_ARITHMETIC), _has_path(r"^(orderConfirmation|launchResult)\."),
)  # fmt: skip
_register("warnings", "MSG-019", "触发级别为 WARNING 的规则", "raises a rule of level WARNING", _is_rule("WARNING"))


_UNREADABLE = Text("可以读出的消息", "a message that can be read")
_UTF_8 = Text("不带字节顺序标记的 UTF-8", "UTF-8 without a byte order mark")
_DECLARED = re.compile(rb"""^<\?xml[^>]{0,200}?encoding=["']([0-9A-Za-z._-]{1,40})["']""")


@check("readable", "MSG-002", *_SENDERS, zh="报文无法读出", en="a message cannot be read")
def look_at_reading(recorded: Iterable[Recorded], _: Context) -> Looks:
    """What cannot be read has no schema; why it cannot is in the recording, masked or not."""
    looked = 0
    for each in sent(recorded):
        looked += 1
        if each.message is None and each.unreadable != "wrong_encoding":
            yield Broken(each.number, "", _UNREADABLE, each.unreadable or "null")
    return looked


@check("encoding", "MSG-006", *_SENDERS, zh="不是 UTF-8，或带字节顺序标记", en="not UTF-8, or with a mark", veiled=True)
def look_at_encoding(recorded: Iterable[Recorded], _: Context) -> Looks:
    """The bytes themselves are looked at; a masked recording has none."""
    looked = 0
    for each in sent(recorded):
        looked += each.sealed is not None
        if each.unreadable == "wrong_encoding":
            yield Broken(each.number, "", _UTF_8, each.unreadable)
        elif each.sealed and (seen := _odd_encoding(each.sealed)):
            yield Broken(each.number, "", _UTF_8, seen)
    return looked


def _odd_encoding(sealed: Sealed) -> str | None:
    """Return how content in the standard's JSON or XML is encoded otherwise; None where all is well."""
    content = sealed.content
    if form_of(content) == "binary":
        return None
    if content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return "a byte order mark"
    declared = _DECLARED.match(content)
    if declared and declared[1].upper() != b"UTF-8":
        return f"declared as {declared[1].decode('ascii')}"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"byte {error.start} is not UTF-8"
    return None


_HAN = "\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af"
# A mark or blank that stands where a character was, beside one that came through.
_REPLACED = re.compile(f"[{_HAN}][?？□ \u3000]+([{_HAN}]|$)|^[?？□]+[{_HAN}]")
_NO_CHARACTER = re.compile("[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]")
_PARTY_NAMES = ("姓名", "姓名或名称", "户名", "曾用名")
_CHARACTERS = Text("生僻字以其 Unicode 字符传送", "a rare character as its Unicode character")


@check("rare_characters", "MSG-012", *_SENDERS, zh="生僻字被替换", en="a rare character was replaced", veiled=True)
def look_at_characters(recorded: Iterable[Recorded], _: Context) -> Looks:
    """Names with a mark or blank between Chinese characters; anywhere, characters that stand for none."""
    looked = 0
    for each in sent(recorded):
        for path, text in _texts(each.message):
            named = _is_name(field_at(each.body or "ping", path))
            looked += named
            if _NO_CHARACTER.search(text) or (named and _REPLACED.search(text)):
                yield Broken(each.number, path, _CHARACTERS, shown(each.message, path, text))
    return looked


def _is_name(field: Field | None) -> bool:
    """Say whether a field holds the name of a party; those of files and products may have blanks and marks."""
    return field is not None and field.kind == "TEXT" and field.title.zh.endswith(_PARTY_NAMES)


def _texts(message: Json | None) -> Iterator[tuple[str, str]]:
    return ((path, value) for path, value in leaves(message) if isinstance(value, str))


_BY_DIGEST = Text("文件以摘要引用，不放在消息里", "a file by its digest, not inside the message")
# More than any field of a file reference holds.
_CONTENT = 500


@check("files_by_digest", "MSG-018", *_SENDERS, zh="文件没有以摘要引用", en="a file is not referred to by digest")
def look_at_files(recorded: Iterable[Recorded], _: Context) -> Looks:
    """Each reference to a file has its digest, and nothing long enough to be the file."""
    looked = 0
    for each in sent(recorded):
        for path, part in _references(each.message, ""):
            looked += 1
            digest = part.get("digest")
            if not isinstance(digest, dict) or not digest.get("value"):
                yield Broken(each.number, f"{path}.digest", _BY_DIGEST, "no digest")
            elif any(isinstance(value, str) and len(value) > _CONTENT for value in part.values()):
                yield Broken(each.number, path, _BY_DIGEST, "the file's content")
    return looked


def _references(part: object, path: str) -> Iterator[tuple[str, Json]]:
    if isinstance(part, dict):
        if "mediaType" in part:
            yield path, part
        for name, each in part.items():
            yield from _references(each, f"{path}.{name}" if path else name)
    elif isinstance(part, list):
        for index, each in enumerate(part):
            yield from _references(each, f"{path}[{index}]")
