"""``docs/processes.md`` and its Chinese twin: diagrams and tables of the processes, between two marks of the page.

What people wrote around the marks stays as it is.
"""

from collections.abc import Iterator
from pathlib import Path

from xinqiao.standard import message_types
from xinqiao_gateway.processes.diagram import Language, diagram
from xinqiao_gateway.processes.model import ItemKind, Process, Transition, definitions

_BEGIN = "<!-- Generated from schemas/processes by make generate. Do not edit from here. -->\n"
_END = "<!-- Generated up to here. -->\n"

_WORDS: dict[str, dict[Language, str]] = {
    "message": {"en": "message", "zh": "消息"},
    "class": {"en": "class", "zh": "类别"},
    "sender": {"en": "from whom", "zh": "发送方"},
    "states": {"en": "in which state", "zh": "所处状态"},
    "exception": {"en": "raises", "zh": "触发异常"},
    "opener": {"en": "opener", "zh": "发起方"},
    "counterparty": {"en": "counterparty", "zh": "对方"},
    "either": {"en": "either", "zh": "任一方"},
    "any": {"en": "any that is not final", "zh": "任一未终结状态"},
    "new": {"en": "opens it", "zh": "开立"},
    "items": {"en": "Items", "zh": "明细"},
    "REQUEST": {"en": "request", "zh": "请求"},
    "FACT": {"en": "fact", "zh": "事实"},
    "DIRECTIVE": {"en": "directive", "zh": "指令"},
    "with": {"en": "Takes in", "zh": "包含"},
    "hold": {"en": "Hold", "zh": "暂停状态"},
    "ends": {"en": "ended by", "zh": "由以下消息解除："},
    "file": {"en": "File", "zh": "文件"},
}


def write_processes(folder: Path) -> None:
    """Write what is between the marks of both pages in a folder."""
    _write(folder / "processes.md", "en")
    _write(folder / "processes.zh-CN.md", "zh")


def _write(page: Path, language: Language) -> None:
    before, _, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    # Whole matters first, then the parts that they take in.
    shown = sorted(definitions().values(), key=lambda each: (not each.opens, each.process))
    sections = "\n".join(_section(each, language) for each in shown)
    page.write_text(f"{before}{_BEGIN}\n{sections}\n{_END}{after}", encoding="utf-8")


def _section(process: Process, language: Language) -> str:
    name = process.process
    about = f"{_WORDS['file'][language]} [`{name}.yaml`](../schemas/processes/{name}.yaml)"
    if process.extends:
        parts = ", ".join(f"[{definitions()[each].title[language]}](#{each})" for each in process.extends)
        about += f" · {_WORDS['with'][language]} {parts}"
    lines = [f'<a id="{name}"></a>', "", f"### {process.title[language]}", "", about, ""]
    lines += [*_picture(process, language), *_holds(process, language), *_table(process, language)]
    for kind, item in process.items.items():
        lines += [f"#### {_WORDS['items'][language]}: {item.title[language]} `{kind}`", ""]
        lines += [*_picture(item, language), *_table(item, language)]
    return "\n".join(lines)


def _picture(data: Process | ItemKind, language: Language) -> list[str]:
    drawn = diagram(data, language)
    return ["```mermaid", drawn, "```", ""] if drawn else []


def _holds(process: Process, language: Language) -> Iterator[str]:
    for state, each in process.states.items():
        if "during" in each:
            ends = ", ".join(f"`{message}`" for message in each.get("ends", ()))
            yield f"{_WORDS['hold'][language]} `{state}` {each[language]}: {_WORDS['ends'][language]} {ends}"
            yield ""


def _table(data: Process | ItemKind, language: Language) -> list[str]:
    if not data.transitions:
        return []
    heads = [_WORDS[each][language] for each in ("message", "class", "sender", "states", "exception")]
    messages = dict.fromkeys(each.message for each in data.transitions)
    rows = [_row(data, message, language) for message in messages]
    return [f"| {' | '.join(heads)} |", "|---|---|---|---|---|", *rows, ""]


def _row(data: Process | ItemKind, message: str, language: Language) -> str:
    kind = message_types()[message]
    arrows = [each for each in data.transitions if each.message == message]
    title = kind.title.zh if language == "zh" else kind.title.en
    raised = ", ".join(dict.fromkeys(f"`{each.exception}`" for each in arrows if each.exception))
    senders = dict.fromkeys(_WORDS[each.by or "either"][language] for each in arrows)
    cells = [
        f"[`{message}`](dictionary/{kind.name}.md) {title}",
        _WORDS[kind.message_class][language],
        ", ".join(senders),
        _states(data, arrows, language),
        raised,
    ]
    return f"| {' | '.join(cells)} |"


def _states(data: Process | ItemKind, arrows: list[Transition], language: Language) -> str:
    if any(each.from_ == "any" for each in arrows):
        return _WORDS["any"][language]
    named = dict.fromkeys(state for each in arrows for state in each.from_)
    return ("、" if language == "zh" else ", ").join(
        _WORDS["new"][language] if state == "new" else data.states[state][language] for state in named
    )
