"""A process as a picture: a Mermaid state diagram, with titles in one language."""

from collections.abc import Iterator, Mapping
from typing import Literal

from xinqiao_gateway.processes.machine import NEW
from xinqiao_gateway.processes.model import ItemKind, Process, Transition

__all__ = ["Language", "diagram"]

Language = Literal["zh", "en"]

_DONE: Mapping[Language, str] = {"zh": "齐备后自动", "en": "once all is there"}
_AFTER: Mapping[Language, str] = {"zh": "{} 无变化", "en": "{} without a change"}
_GIVEN_UP: Mapping[Language, str] = {"zh": "经办放弃", "en": "given up by an operator"}


def diagram(data: Process | ItemKind, language: Language) -> str:
    """Return the diagram; empty where no arrow leads from one state to another.

    Not drawn are arrows that stay in their state, from any state, or back by what nobody waits for and raises an
    exception: a table says more.
    """
    edges = _edges(data, language)
    if not edges:
        return ""
    drawn = {state for edge in edges for state in edge}
    lines = ["stateDiagram-v2"]
    lines += [f'  state "{each[language]}" as {name}' for name, each in data.states.items() if name in drawn]
    lines += [f"  {_name(source)} --> {to} : {'<br/>'.join(said)}" for (source, to), said in edges.items()]
    lines += [f"  {name} --> [*]" for name, each in data.states.items() if name in drawn and each.get("final")]
    return "\n".join(lines)


def _edges(data: Process | ItemKind, language: Language) -> dict[tuple[str, str], list[str]]:
    edges: dict[tuple[str, str], list[str]] = {}
    for source, to, said in _moves(data, language):
        known = edges.setdefault((source, to), [])
        if source != to and said not in known:
            known.append(said)
    return {edge: said for edge, said in edges.items() if said}


def _moves(data: Process | ItemKind, language: Language) -> Iterator[tuple[str, str, str]]:
    for each in data.transitions:
        if each.to and each.from_ != "any" and not (each.optional and each.exception):
            yield from ((source, each.to, _label(each)) for source in each.from_)
    for then in data.then:
        yield from ((source, then.to, _DONE[language]) for source in then.from_)
    if isinstance(data, Process):
        yield from _endings(data, language)


def _endings(process: Process, language: Language) -> Iterator[tuple[str, str, str]]:
    for each in process.expires:
        yield from ((source, each.to, _AFTER[language].format(each.after)) for source in each.in_)
    if process.abandon:
        yield from ((source, process.abandon.to, _GIVEN_UP[language]) for source in process.abandon.in_)


def _label(transition: Transition) -> str:
    """Return the message, with the values that the arrow asks for: ``kycDecision APPROVED``."""
    wanted = (each if isinstance(each, tuple) else (each,) for each in transition.when.values())
    words = ["/".join(map(_word, values)) for values in wanted]
    return " ".join([transition.message, *words])


def _word(value: str | bool | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _name(state: str) -> str:
    return "[*]" if state == NEW else state
