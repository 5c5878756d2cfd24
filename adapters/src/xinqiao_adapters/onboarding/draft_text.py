"""A draft as people read it: YAML in the order of the partner's document, what is doubtful as comments."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from xinqiao_adapters.onboarding.conversion import CodeDraft
from xinqiao_adapters.onboarding.draft import Draft, DraftInterface, DraftRow

__all__ = ["written"]

_UNKNOWN_CODE = "000000000000000000"
_HEAD = """\
# 由 channel new 从样例推测的草稿，逐行确认后网关才会启用；说明见 docs 中的接入指南。
# A draft: every row with `proposed` is a guess. Look at each, correct or delete it, and stand for it by name with
# `channel confirm`; a row of your own needs no `proposed`. A gateway serves no channel with an unconfirmed guess.
"""
_KEY = "# 合作方的唯一标识，请核实 what the partner tells repeats by: check it"


def written(draft: Draft) -> str:
    """Return the profile as YAML."""
    institution = dict(draft.institution)
    placeholder = "" if institution["code"] != _UNKNOWN_CODE else "  # 待填 fill in: 统一社会信用代码"
    lines = [
        f"channel: {draft.channel}",
        f"title: {_flow({'zh': institution['name'], 'en': draft.channel})}",
        f"institution: {_flow(institution)}{placeholder}",
        f"receiver: {_flow(draft.receiver)}",
        *_characters(draft.characters),
        "",
        "interfaces:",
    ]
    codes: dict[str, CodeDraft] = {}
    for interface in draft.interfaces:
        lines += _interface(interface)
        codes |= interface.codes
    if codes:
        lines += ["codes:", *(line for name, table in codes.items() for line in _table(name, table))]
    return _HEAD + "\n".join(lines).rstrip() + "\n"


def _characters(said: Mapping[str, str]) -> Iterator[str]:
    known = {point: meant for point, meant in said.items() if meant}
    unknown = [point for point in said if point not in known]
    if known:
        yield f"characters: {_flow(known)}  # 生僻字：合作方的码位与 Unicode 码位 rare characters"
    if unknown:
        yield f"# 样例中还有含义不明的码位，请补入 characters: code points to add: {', '.join(unknown)}"


def _interface(interface: DraftInterface) -> Iterator[str]:
    yield f"  {interface.name}:"
    yield f"    title: {_flow({'zh': interface.title[0], 'en': interface.title[1]})}"
    yield f"    message: {interface.message}" + (
        f"  # 其次 next: {', '.join(interface.others)}" if interface.others else ""
    )
    yield f"    proposed: {_proposed(interface.confidence, interface.reason)}"
    yield f"    direction: {interface.direction}"
    yield from _format(interface.format)
    if interface.match:
        yield f"    match: {_flow(dict(interface.match))}"
    if interface.records:
        yield f"    records: {_flow(interface.records)}"
    yield f"    key: {_flow(list(interface.key))}  {_KEY}"
    yield "    map:"
    for row in interface.rows:
        yield from _row(row, 6)
    if interface.unproposed:
        yield "    # 未提出 not proposed; write a row for each that the standard has:"
    for each in interface.unproposed:
        near = ", ".join(f"{path} {score}" for path, score in each.near)
        said = "; ".join(part for part in (each.about.replace("\n", " "), f"near: {near}" if near else "") if part)
        yield f"    #   {each.partner}{' – ' if said else ''}{said}"
    yield ""


def _format(said: Mapping[str, Any]) -> Iterator[str]:
    """Yield the format; tables and namespaces one a line."""
    long = {name: part for name, part in said.items() if name in ("columns", "labels", "namespaces", "record")}
    if not long:
        yield f"    format: {_flow(dict(said))}"
        return
    yield "    format:"
    for name, part in said.items():
        if name not in long:
            yield f"      {name}: {_flow(part)}"
    for name, part in long.items():
        yield f"      {name}:"
        if isinstance(part, Mapping):
            yield from (f"        {_flow(key)}: {_flow(about)}" for key, about in part.items())
        else:
            yield from (f"        - {_flow(each)}" for each in part)


def _row(row: DraftRow, indent: int) -> Iterator[str]:
    blank = " " * indent
    yield f"{blank}{row.path}:"
    yield from (f"{blank}  {name}: {_flow(part)}" for name, part in row.parts.items())
    yield f"{blank}  proposed: {_proposed(row.confidence, row.reason)}"
    if row.rows:
        yield f"{blank}  map:"
        for inner in row.rows:
            yield from _row(inner, indent + 4)


def _proposed(confidence: float, reason: str) -> str:
    return _flow({"confidence": confidence, "reason": reason})


def _table(name: str, table: CodeDraft) -> Iterator[str]:
    if table.unknown:
        yield f"  # {name}: 待补 to be completed: {', '.join(_unknown(table))}"
        yield f"  #   标准的取值 values: {', '.join(f'{value} {title}' for value, title in table.choices.items())}"
    yield f"  {name}: {_flow(dict(table.values))}"


def _unknown(table: CodeDraft) -> list[str]:
    return [f"{code} {meaning}".strip().replace("\n", " ") for code, meaning in table.unknown.items()]


def _flow(value: object) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")
