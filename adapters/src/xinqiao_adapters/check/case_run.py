"""Runs the cases beside a profile."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from xinqiao.adapter import Undecoded
from xinqiao.errors import Rejected
from xinqiao.finding import Finding
from xinqiao.message import Json
from xinqiao.testing.observed import leaves
from xinqiao_adapters.check.cases import Case, PlacedCase, Value
from xinqiao_adapters.check.samples import Readers, said
from xinqiao_adapters.formats.encoding import codec_of
from xinqiao_adapters.interface import CompiledInterface, Traced
from xinqiao_adapters.mapping.converters import Converter, Unfit
from xinqiao_adapters.mapping.shapes import parse_steps, put
from xinqiao_adapters.marked import Mark
from xinqiao_adapters.plan_leaves import PlanLeaves

__all__ = ["CaseRun"]

_FIRST = re.compile(r"\[1\]")
_PLACE = re.compile(r"\[[0-9]+\]")


class _Unusable(ValueError):
    """A case that cannot be run: what it names is not there."""


@dataclass
class CaseRun:
    """Cases run against the interfaces of a channel.

    ``exercised`` gets the marks of rows whose values a case names.
    """

    compiled: Mapping[str, CompiledInterface]
    readers: Readers
    exercised: set[Mark] = field(default_factory=set)

    def problems(self, placed: PlacedCase) -> Iterator[str]:
        """Yield what is wrong with one case, its file and line first."""
        case = placed.case
        try:
            found = list(self._problems(case, placed))
        except (_Unusable, OSError, UnicodeError) as error:
            found = [str(error)]
        except Rejected as error:
            found = [f"refused: {said(error.findings) or error}"]
        yield from (f"{placed.mark}: {case.name}: {each}" for each in found)

    def _problems(self, case: Case, placed: PlacedCase) -> Iterator[str]:
        if case.texts is not None:
            yield from self._texts(case, case.texts)
        elif case.finding is not None:
            yield from _without_finding(case, self._findings(case, placed))
        elif case.direction == "in":
            yield from self._values(case, self._read(case, self._input(case, placed)))
        else:
            yield from self._places(case, self._message(case, placed))

    # --- a converter alone ---

    def _texts(self, case: Case, texts: Mapping[str, Value]) -> Iterator[str]:
        converters = self._converters(case)
        for text, value in texts.items():
            if not any(_reads(each, text, value) for each in converters):
                got = ", ".join(_shown(each, text) for each in converters)
                yield f"{text!r} means {got}, expected {value!r}"
            elif value is not None and not any(_writes(each, value) for each in converters):
                yield f"{text!r} means {value!r}, which cannot be written"

    def _converters(self, case: Case) -> Sequence[Converter]:
        interface = self._interface(case)
        names = tuple(name for name, _ in parse_steps(_whole(interface, str(case.path))) or ())
        rows = PlanLeaves(interface.mapping.plan).by_names.get(names, ())
        found = [each.converter for each in rows if each.source is not None]
        if not found:
            raise _Unusable(f"no row of {interface.name} reads {case.path}")
        return found

    def _interface(self, case: Case) -> CompiledInterface:
        found = self.compiled.get(case.interface)
        if found is None:
            raise _Unusable(f"there is no interface {case.interface!r}; known: {', '.join(self.compiled)}")
        return found

    # --- what comes in ---

    def _input(self, case: Case, placed: PlacedCase) -> bytes:
        codec = codec_of(getattr(self._interface(case).spec.format, "encoding", "UTF-8"))
        if case.file is not None and not case.replace:
            return (placed.folder / case.file).read_bytes()
        text = case.input if case.file is None else (placed.folder / case.file).read_bytes().decode(codec)
        for old, new in case.replace.items():
            if (text or "").count(old) != 1:
                raise _Unusable(f"replace: {old!r} stands {(text or '').count(old)} times in the input, expected once")
            text = (text or "").replace(old, new)
        return (text or "").encode(codec)

    def _read(self, case: Case, raw: bytes) -> list[Traced]:
        interface = self._interface(case)
        found = list(self.readers.of(interface.name).decode(raw, ""))
        refused = [each for each in found if isinstance(each, Undecoded)]
        if refused:
            raise _Unusable("; ".join(f"refused: {said(each.findings)}" for each in refused))
        others = {str(each.interface) for each in found} - {interface.name}
        if others:
            raise _Unusable(f"the input is of {', '.join(sorted(others))}")
        return [each for each in found if isinstance(each, Traced)]

    def _values(self, case: Case, found: Sequence[Traced]) -> Iterator[str]:
        expected = case.expect if isinstance(case.expect, list) else [case.expect or {}]
        if len(found) != len(expected):
            yield f"{len(found)} messages, expected {len(expected)}"
            return
        interface = self._interface(case)
        for each, values in zip(found, expected, strict=True):
            wanted = {_whole(interface, path): value for path, value in values.items()}
            yield from _other_values(each.message, wanted)
            readings = each.mapping.readings(each.record)
            self.exercised |= {one.leaf.mark for one in readings if one.path in wanted and one.text is not None}

    # --- what goes out ---

    def _message(self, case: Case, placed: PlacedCase) -> Json:
        content = case.input if case.file is None else (placed.folder / case.file).read_bytes()
        try:
            message: Json = orjson.loads(content or "")
        except orjson.JSONDecodeError as error:
            raise _Unusable(f"the message is no JSON: {error}") from error
        if not isinstance(message, dict):
            raise _Unusable("a message is an object")
        for path, value in case.set.items():
            _set(message, _whole(self._interface(case), path), value)
        return message

    def _places(self, case: Case, message: Json) -> Iterator[str]:
        interface = self._interface(case)
        written = interface.encode(message).content
        found: dict[str, str] = {}
        for each in self.readers.alone(interface.name).decode(written, ""):
            found = _texts_of(each) if isinstance(each, Traced) else {}
        assert not isinstance(case.expect, list)  # noqa: S101 -- the model refuses it
        for path, text in (case.expect or {}).items():
            got = found.get(_FIRST.sub("", path))
            if got != text:
                yield f"{path} is {got!r}, expected {text!r}"
        self._note(interface, case.expect or {})

    def _note(self, interface: CompiledInterface, paths: Iterable[str]) -> None:
        wanted = {_PLACE.sub("", path) for path in paths}
        shown = interface.mapping.access.shown
        for each in PlanLeaves(interface.mapping.plan).leaves:
            if any(shown(source) in wanted for source in each.sources):
                self.exercised.add(each.leaf.mark)

    # --- what is refused ---

    def _findings(self, case: Case, placed: PlacedCase) -> list[Finding | str]:
        try:
            if case.direction == "out":
                self._interface(case).encode(self._message(case, placed))
                return []
            raw = self._input(case, placed)
            decoded = list(self.readers.of(self._interface(case).name).decode(raw, ""))
        except Rejected as error:
            return [*error.findings, error.reason]
        return [finding for each in decoded if isinstance(each, Undecoded) for finding in each.findings]


def _without_finding(case: Case, found: Sequence[Finding | str]) -> Iterator[str]:
    wanted = case.finding
    if wanted is None or any(_is_wanted(case, each) for each in found):
        return
    got = "; ".join(
        each if isinstance(each, str) else f"{each.rule} at {each.partner_path or ''} ({each.path})" for each in found
    )
    where = wanted.partner_path or wanted.path
    yield f"expected the finding {wanted.rule}{f' at {where}' if where else ''}, found {got or 'none'}"


def _is_wanted(case: Case, found: Finding | str) -> bool:
    wanted = case.finding
    if wanted is None or isinstance(found, str):
        return wanted is not None and (found, wanted.path, wanted.partner_path) == (wanted.rule, None, None)
    path, place = wanted.path, wanted.partner_path
    return (
        found.rule == wanted.rule
        and (path is None or found.path == path or found.path.partition(".")[2] == path)
        and (place is None or found.partner_path == place or (found.partner_path or "").startswith(f"{place},"))
    )


def _whole(interface: CompiledInterface, path: str) -> str:
    """Return a canonical path as profiles write it, from the message."""
    return path if path.startswith("header.") else f"{interface.mapping.plan.body}.{path}"


def _other_values(message: Json, wanted: Mapping[str, Value]) -> Iterator[str]:
    found = leaves(message)
    for path, value in wanted.items():
        got = found.get(path)
        if value is None and got is None:
            below = [each for each in found if each.startswith((f"{path}.", f"{path}["))]
            if below:
                yield f"{path} holds {', '.join(below)}, expected nothing"
        elif got != value or type(got) is not type(value):
            yield f"{path} is {got!r}, expected {value!r}"


def _set(message: Json, path: str, value: Value) -> None:
    steps = parse_steps(path)
    if steps is None:
        raise _Unusable(f"set: {path} is no canonical path")
    if value is not None:
        put(message, steps, value)
        return
    node: object = message
    for name, index in steps[:-1]:
        node = node.get(name, {}) if isinstance(node, dict) else {}
        node = node[index] if isinstance(index, int) and isinstance(node, list) and len(node) > index else node
    if isinstance(node, dict):
        node.pop(steps[-1][0], None)


def _texts_of(traced: Traced) -> dict[str, str]:
    """Return the texts of a written document by the partner's paths; the first of several needs no number."""
    access, record = traced.mapping.access, traced.record
    found: dict[str, str] = {}
    inner = access.shown(traced.mapping.plan.records) if record.of_file else ""
    for node, prefix in ((record.root, ""), (record.node, inner)) if record.of_file else ((record.root, ""),):
        for trail, text in access.leaves(node):
            names = access.shown([step for step, _ in trail]).split("/")
            numbered = (
                f"{name}[{place + 1}]" if place else name for name, (_, place) in zip(names, trail, strict=False)
            )
            path = "/".join(numbered)
            found[f"{prefix}/{path}" if prefix else path] = text
    return found


def _reads(converter: Converter, text: str, value: Value) -> bool:
    try:
        got = converter.read(text)
    except Unfit:
        return False
    return got == value and type(got) is type(value)


def _writes(converter: Converter, value: str | bool | int) -> bool:
    try:
        converter.write(value)
    except Unfit:
        return False
    return True


def _shown(converter: Converter, text: str) -> str:
    try:
        return repr(converter.read(text))
    except Unfit:
        return "nothing that fits"
