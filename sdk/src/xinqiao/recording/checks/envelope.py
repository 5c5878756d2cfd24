"""The header of messages: ids, versions, institutions, corrections, dates, test traffic."""

import re
from collections.abc import Iterable, Iterator
from functools import cache

from xinqiao.finding import Text
from xinqiao.message import NOBODY, Json, content_digest
from xinqiao.recording.checking import Broken, Context, Looks, check, in_words, sent
from xinqiao.recording.index import Index
from xinqiao.recording.model import Recorded
from xinqiao.rules.check_digits import social_credit_check_character
from xinqiao.standard import STANDARD_VERSION, field_at

__all__: list[str] = []

_SENDERS = ("sender", "file-partner")
_ONE_BODY = Text("一个消息头和一个标准定义的消息体", "one header and one body that the standard defines")
_ID = Text("小写的 UUID 第 7 版", "a UUID version 7 in lower case")
_OWN_ID = Text("每条消息有自己的编号；内容不同则编号不同", "an id of its own; other content, another id")
_VERSION = Text("1.x", "1.x")
_CODE = Text("校验位正确的 18 位统一社会信用代码", "a unified social credit code with the right check character")
_REPLACES = Text("所更正消息的编号，且不是自己的", "the id of the message that it corrects, not its own")
_REVISION = Text("所更正消息的修订号加一", "the revision of the corrected message and one")
_TEST = Text("测试流量的 header.test 为 true", "header.test true in test traffic")
_DATES = Text("与消息体一致的日期", "the date that the body says")


@cache
def _form(name: str) -> re.Pattern[str]:
    """Return the form that the standard gives a header field."""
    field = field_at("ping", f"header.{name}")
    assert field is not None  # noqa: S101 -- the standard has it
    return re.compile(field.schema["pattern"].removeprefix("^").removesuffix("$"))


def _has_form(header: Json, name: str) -> bool:
    value = header.get(name)
    return isinstance(value, str) and _form(name).fullmatch(value) is not None


def _read(recorded: Iterable[Recorded]) -> Iterator[Recorded]:
    """Yield the subject's messages that could be read."""
    return (each for each in sent(recorded) if each.message is not None)


def _said(header: Json, name: str) -> str:
    return str(header.get(name, "nothing"))[:80]


@check(
    "one_body", "ENV-004", *_SENDERS, zh="消息头或消息体缺少或多余", en="a header or body is missing or one too many"
)
def look_at_bodies(recorded: Iterable[Recorded], _: Context) -> Looks:
    """A body of a later version is none of this one's, and not judged."""
    looked = 0
    for each in _read(recorded):
        looked += 1
        later = _has_form(each.header, "standardVersion") and each.header["standardVersion"] != STANDARD_VERSION
        if not each.header or (each.body is None and not later):
            names = sorted(map(in_words, each.message or ()))[:5]
            yield Broken(each.number, "", _ONE_BODY, ", ".join(names)[:80] or "nothing")
    return looked


@check(
    "message_ids",
    "ENV-005",
    *_SENDERS,
    zh="编号不是 UUID 第 7 版，或用于两条消息",
    en="an id is none, or of two messages",
)
def look_at_ids(recorded: Iterable[Recorded], _: Context) -> Looks:
    """The form of each id, and whether one id was given to two contents."""
    looked = 0
    with Index() as known:
        for each in _read(recorded):
            looked += 1
            if not _has_form(each.header, "messageId"):
                yield Broken(each.number, "header.messageId", _ID, _said(each.header, "messageId"))
                continue
            digest, before = content_digest(each.message or {}), known.get(each.message_id)
            if before is None:
                known.put(each.message_id, value=[digest, each.number])
            elif before[0] != digest:
                yield Broken(each.number, "header.messageId", _OWN_ID, f"{each.message_id}, as in exchange {before[1]}")
    return looked


@check("version", "ENV-006", *_SENDERS, zh="未写明标准版本 1.x", en="the version of the standard is not named")
def look_at_versions(recorded: Iterable[Recorded], _: Context) -> Looks:
    """The header names 1.x."""
    looked = 0
    for each in _read(recorded):
        looked += 1
        if not _has_form(each.header, "standardVersion"):
            yield Broken(each.number, "header.standardVersion", _VERSION, _said(each.header, "standardVersion"))
    return looked


@check("institutions", "ENV-007", *_SENDERS, zh="机构代码不对", en="the code of an institution is wrong")
def look_at_institutions(recorded: Iterable[Recorded], _: Context) -> Looks:
    """Sender and receiver, with their check characters."""
    looked = 0
    for each in _read(recorded):
        looked += 1
        for name in ("sender", "receiver"):
            if not _is_institution(each, name):
                yield Broken(each.number, f"header.{name}", _CODE, _said(each.header, name))
    return looked


def _is_institution(each: Recorded, name: str) -> bool:
    if not _has_form(each.header, name):
        return False
    code = each.header[name]
    # Only who refuses what cannot be read answers nobody.
    nobody = code == NOBODY and (name, each.body) != ("receiver", "rejection")
    return not nobody and social_credit_check_character(code[:17]) == code[17]


@check(
    "corrections", "ENV-012", *_SENDERS, zh="更正没有写明修订号和原消息", en="a correction without revision or original"
)
def look_at_corrections(recorded: Iterable[Recorded], _: Context) -> Looks:
    """A correction names what it replaces and is its next revision; also against the original where it is recorded."""
    looked = 0
    with Index() as revisions:
        for each in _read(recorded):
            revision, replaces = each.header.get("revision", 1), each.header.get("replaces")
            revisions.put(each.message_id, value=revision)
            if replaces is None and revision == 1:
                continue
            looked += 1
            if not isinstance(replaces, str) or replaces == each.message_id:
                yield Broken(each.number, "header.replaces", _REPLACES, _said(each.header, "replaces"))
                continue
            before = revisions.get(replaces)
            if (revision != before + 1) if isinstance(before, int) else revision == 1:
                yield Broken(each.number, "header.revision", _REVISION, _said(each.header, "revision"))
    return looked


# Header fields and the fields of bodies that say the same day.
_SAME_DAYS = (("tradeDate", "tradeDate"), ("settlementDate", "settlementDate"), ("confirmationDate", "confirmedOn"))


@check("dates", "ENV-015", *_SENDERS, zh="消息头的日期与消息体不一致", en="a date of the header is not the body's")
def look_at_dates(recorded: Iterable[Recorded], _: Context) -> Looks:
    """Trade, settlement and confirmation dates; one that only the body gives is given."""
    looked = 0
    for each in _read(recorded):
        body = (each.message or {})[each.body] if each.body else {}
        for name, said in _SAME_DAYS:
            if name in each.header and said in body:
                looked += 1
                if each.header[name] != body[said]:
                    yield Broken(
                        each.number, f"header.{name}", _DATES, f"{_said(each.header, name)}, {body[said]}"[:80]
                    )
    return looked


@check("test_flag", "ENV-016", *_SENDERS, zh="测试流量没有写明 test", en="test traffic that does not say so")
def look_at_test_flags(recorded: Iterable[Recorded], context: Context) -> Looks:
    """Where the recording says that it is of test traffic."""
    looked = 0
    for each in _read(recorded) if context.head.test else ():
        looked += 1
        if each.header.get("test") is not True:
            yield Broken(each.number, "header.test", _TEST, _said(each.header, "test"))
    return looked
