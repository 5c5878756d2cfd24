"""The partner's own reply: rendered from the standard's outcomes, and read from the partner's side.

Values are literals or references: ``header.…`` of the request, ``receipt.…``, ``rejection.…`` (``text`` in
Chinese), ``finding.…`` (``code``, ``path``, ``value``, ``expected``, ``text``, ``fix``, ``level``).
"""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import orjson
from lxml import etree

from xinqiao.adapter import Answer, Decoded, Reply, Undecoded
from xinqiao.errors import Rejected, error_table
from xinqiao.message import Json
from xinqiao_adapters.formats.encoding import NO_CHARACTERS, charset_for
from xinqiao_adapters.formats.spec import FormatSpec, FormSpec, XmlSpec
from xinqiao_adapters.formats.xml.document import write_xml
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.marked import Where
from xinqiao_adapters.profile import AnswerTable, AnswerValue
from xinqiao_adapters.replies import ReplyForm

__all__ = ["Answers", "compile_answers"]

_REFERENCE = re.compile(r"(header|receipt|rejection|finding)\.([A-Za-z]+)")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# What a value is made from: {"header": …, "receipt": …, "rejection": …, "finding": …}.
Facts = Mapping[str, Mapping[str, Any]]
Value = Callable[[Facts], str | None]
# A node: its name and its text or its nodes.
Tree = list[tuple[str, "str | Tree"]]


@dataclass(frozen=True)
class _Table:
    """One of the two tables, its values ready to be asked; ``lists`` repeat for each finding."""

    values: dict[tuple[str, ...], Value]
    lists: dict[tuple[str, ...], dict[str, Value]]

    def render(self, facts: Facts, findings: Sequence[Json]) -> Tree:
        """Return the nodes of a reply; what has no value is left out."""
        tree: Tree = []
        for path, value in self.values.items():
            text = value(facts)
            if text:
                _node_at(tree, path[:-1]).append((path[-1], text))
        for path, parts in self.lists.items():
            for finding in findings:
                about = {**facts, "finding": _finding(finding)}
                texts = [(name, text) for name, value in parts.items() if (text := value(about))]
                _node_at(tree, path[:-1]).append((path[-1], list(texts)))
        return tree


def _node_at(tree: Tree, path: tuple[str, ...]) -> Tree:
    for step in path:
        found = next((inner for name, inner in tree if name == step and isinstance(inner, list)), None)
        if found is None:
            found = []
            tree.append((step, found))
        tree = found
    return tree


def _finding(finding: Json) -> Json:
    """Return a finding as a partner reads it: its own path, Chinese text."""
    return {
        **finding,
        "code": finding["rule"],
        "path": finding.get("partnerPath") or finding["path"],
        "text": finding["text"]["zh"],
        "fix": finding.get("fix", {}).get("zh"),
    }


@dataclass(frozen=True)
class Answers:
    """A table of answers, compiled; serves both directions.

    ``yes`` is the code that accepts, ``again`` are those that mean a reason of the standard to try again.
    """

    spec: AnswerTable
    form: ReplyForm
    accepted: _Table
    rejected: _Table
    yes: str
    again: frozenset[str]

    def answer(self, outcomes: Sequence[Json], request: Sequence[Decoded | Undecoded]) -> Answer:
        """Render the reply to one raw input: a yes only where every message was accepted."""
        refused = [each["rejection"] for each in outcomes if "rejection" in each]
        facts: dict[str, Any] = {
            "header": next((each.message.get("header", {}) for each in request if isinstance(each, Decoded)), {}),
            "receipt": outcomes[0].get("receipt", {}),
        }
        if not refused:
            return self._written(self.accepted.render(facts, ()))
        findings = [finding for each in refused for finding in each.get("findings", ())]
        facts["rejection"] = {**refused[0], "text": refused[0]["text"]["zh"]}
        facts["finding"] = _finding(findings[0]) if findings else {}
        return self._written(self.rejected.render(facts, findings))

    def read_reply(self, status: int, content: bytes) -> Reply | None:
        """Read what the partner replied, None where it is not of the partner's own format.

        The code of a yes with a status that says no proves nothing; a code of ``again`` asks to try again.
        """
        try:
            text = self.form.opened(content)
        except Rejected:
            return None
        code = text(self.spec.code) if text is not None else None
        if code is None:
            return None
        if code == self.yes:
            return Reply(True if 200 <= status < 300 else None, code)
        return Reply(None if code in self.again else False, code[:64])

    def _written(self, tree: Tree) -> Answer:
        form, spec, root = self.form.form, self.form.format, self.form.root
        if form is not None:
            return Answer(form.write({name: text for name, text in tree if isinstance(text, str)}), form.content_type)
        if not isinstance(spec, XmlSpec):
            reply = _plain(tree, {*self.accepted.lists, *self.rejected.lists})
            return Answer(orjson.dumps(reply if self.form.is_bare else {root: reply}), "application/json")
        markup = etree.tostring(_element(root, tree), encoding="unicode")
        content = write_xml(markup, spec.encoding, self.form.characters)
        return Answer(content, f"application/xml; charset={spec.encoding}")


def _element(name: str, inner: "str | Tree") -> etree._Element:
    node = etree.Element(name)
    if isinstance(inner, str):
        node.text = _UNPRINTABLE.sub("", inner)
    else:
        node.extend(_element(*each) for each in inner)
    return node


def _plain(tree: Tree, lists: Set[tuple[str, ...]], at: tuple[str, ...] = ()) -> Json:
    """Return nodes as JSON; those at the paths ``lists`` are items of a list, however many there are."""
    plain: Json = {}
    for name, inner in tree:
        path = (*at, name)
        value = inner if isinstance(inner, str) else _plain(inner, lists, path)
        if path in lists:
            plain.setdefault(name, []).append(value)
        else:
            plain[name] = value
    return plain


def compile_answers(loaded: LoadedProfile, where: Where, spec: AnswerTable, form: FormatSpec) -> Answers:
    """Compile a table of answers.

    Raises ``ProfileInvalid`` where a code table is unknown, ``accepted`` has no literal at ``code``, or the fields of a
    form are said to hold others.
    """
    if isinstance(form, FormSpec):
        _refuse_nested(loaded, where, spec)
    yes = spec.accepted.get(spec.code)
    if yes is None or yes.value is None or _REFERENCE.fullmatch(yes.value):
        loaded.fail((*where, "accepted"), f"{spec.code} needs the literal that says yes")
    tables = [_table(loaded, (*where, name), getattr(spec, name)) for name in ("accepted", "rejected")]
    characters = charset_for(loaded, form).characters if isinstance(form, XmlSpec) else NO_CHARACTERS
    reply = ReplyForm(spec.root, form, characters)
    return Answers(spec, reply, tables[0], tables[1], yes.value, _codes_to_try_again(loaded, spec))


def _refuse_nested(loaded: LoadedProfile, where: Where, spec: AnswerTable) -> None:
    for name, entries in (("accepted", spec.accepted), ("rejected", spec.rejected)):
        for path, entry in entries.items():
            if "/" in path or entry.each is not None:
                loaded.fail((*where, name, path), "a form has fields, no lists and nothing below them")


def _codes_to_try_again(loaded: LoadedProfile, spec: AnswerTable) -> frozenset[str]:
    said = spec.rejected.get(spec.code)
    table = loaded.profile.codes.get(str(said.codes)) if said is not None else None
    reasons = {error.reason for error in error_table() if error.retryable}
    return frozenset(code for code, reason in table.values.items() if reason in reasons) if table else frozenset()


def _table(loaded: LoadedProfile, where: Where, entries: Mapping[str, AnswerValue]) -> _Table:
    values: dict[tuple[str, ...], Value] = {}
    lists: dict[tuple[str, ...], dict[str, Value]] = {}
    for path, entry in entries.items():
        steps = tuple(path.split("/"))
        if entry.map is not None:
            lists[steps] = {name: _value(text) for name, text in entry.map.items()}
            continue
        value = _value(entry.value or "")
        values[steps] = value if entry.codes is None else _coded(loaded, (*where, path), value, entry.codes)
    return _Table(values, lists)


def _value(said: str) -> Value:
    reference = _REFERENCE.fullmatch(said)
    if reference is None:
        return lambda facts: said  # noqa: ARG005 -- a literal needs no facts
    scope, name = reference[1], reference[2]

    def ask(facts: Facts) -> str | None:
        found = facts.get(scope, {}).get(name)
        return None if found is None else str(found)

    return ask


def _coded(loaded: LoadedProfile, where: Where, value: Value, table: str) -> Value:
    tables = loaded.profile.codes
    if table not in tables:
        loaded.fail((*where, "codes"), f"there is no code table {table!r}; known: {', '.join(tables) or 'none'}")
    known = {meaning: code for code, meaning in tables[table].values.items()} | tables[table].send
    other = tables[table].other

    def ask(facts: Facts) -> str | None:
        found = value(facts)
        return None if found is None else known.get(found, other)

    return ask
