"""The partner's own reply and its return codes, in words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from xinqiao.errors import ConfigurationError, XinqiaoError, error_table
from xinqiao.finding import Text
from xinqiao.standard import field_at
from xinqiao_adapters.profile import AnswerTable, AnswerValue, Profile

__all__ = ["ErrorLine", "Reply", "ReplyLine", "error_lines", "replies_of"]

_SCOPES = {
    "header": Text("所答复报文的", "of the message answered:"),
    "receipt": Text("受理回执的", "of the receipt:"),
    "rejection": Text("拒绝的", "of the rejection:"),
    "finding": Text("该项问题的", "of the finding:"),
}
_WHERE = {"header": "header", "receipt": "receipt", "rejection": "rejection", "finding": "rejection.findings"}
_FINDING = {
    "code": Text("规则编号", "rule"),
    "path": Text("字段路径", "path of the field"),
    "text": Text("说明", "text"),
}


@dataclass(frozen=True, slots=True)
class ReplyLine:
    """A place in a reply and what stands there; ``literal`` is a text that is always so."""

    path: str
    depth: int
    content: Text
    literal: str | None = None
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of the partner's own: for which interfaces (none: for all), its root, what a yes and a no hold."""

    interfaces: tuple[str, ...]
    root: str
    code: str
    accepted: Sequence[ReplyLine]
    rejected: Sequence[ReplyLine]


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """A return code: the partner's, the standard's reason, what it means and what to do."""

    code: str
    reason: str
    status: int
    text: Text
    fix: Text
    again: bool
    is_other: bool = False


def replies_of(profile: Profile) -> list[Reply]:
    """Return the replies of a profile: that of the channel, and those of single interfaces."""
    found = [_reply((), profile.answer)] if profile.answer is not None else []
    own = {name: each.answer for name, each in profile.interfaces.items() if each.answer is not None}
    return found + [_reply((name,), answer) for name, answer in own.items() if answer != profile.answer]


def _reply(interfaces: tuple[str, ...], table: AnswerTable) -> Reply:
    return Reply(interfaces, table.root, table.code, list(_lines(table.accepted)), list(_lines(table.rejected)))


def _lines(entries: Mapping[str, AnswerValue]) -> Iterator[ReplyLine]:
    for path, entry in entries.items():
        if entry.map is None:
            yield _line(path, 0, entry.value or "")
            continue
        yield ReplyLine(path, 0, Text("每项问题一组", "one for each finding"), repeats=True)
        for name, value in entry.map.items():
            yield _line(name, 1, value)


def _line(path: str, depth: int, said: str) -> ReplyLine:
    scope, _, name = said.partition(".")
    if scope not in _SCOPES or not name.isalpha():
        return ReplyLine(path, depth, Text("固定值", "always"), literal=said)
    if said == "rejection.reason":
        return ReplyLine(path, depth, Text("返回码，见错误码", "the return code, see error codes"))
    field = field_at("rejection" if scope in ("rejection", "finding") else "receipt", f"{_WHERE[scope]}.{name}")
    title = _FINDING.get(name) if scope == "finding" else None
    title = title or (field.title if field else Text(name, name))
    return ReplyLine(path, depth, Text(f"{_SCOPES[scope].zh}{title.zh}", f"{_SCOPES[scope].en} {title.en}"))


def error_lines(profile: Profile) -> list[ErrorLine]:
    """Return what the gateway may answer, in the channel's return codes where it has a table of them.

    Reasons without a code of their own are those of the table's ``other``. Faults of this side's configuration are
    no answer to a partner.
    """
    tables = [each for each in [profile.answer, *(one.answer for one in profile.interfaces.values())] if each]
    said = next((found for each in tables if (found := each.rejected.get(each.code)) and found.codes), None)
    reasons = [each for each in error_table() if not issubclass(each, ConfigurationError)]
    if said is None or said.codes not in profile.codes:
        return [_error(each.reason, each) for each in reasons]
    table = profile.codes[said.codes]
    codes = {reason: code for code, reason in table.values.items()} | table.send
    known = [_error(codes[each.reason], each) for each in reasons if each.reason in codes]
    others = [_error(table.other or "–", each, is_other=True) for each in reasons if each.reason not in codes]
    return sorted(known, key=lambda line: line.code) + others


def _error(code: str, each: type[XinqiaoError], *, is_other: bool = False) -> ErrorLine:
    return ErrorLine(code, each.reason, each.http_status, each.text, each.fix, each.retryable, is_other)
