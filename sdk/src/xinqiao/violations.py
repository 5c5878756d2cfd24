"""From a schema's errors to findings: the field's name, a masked value, what is expected and how to mend it."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from jsonschema_rs import ValidationError, ValidationErrorKind

from xinqiao.expectation import expectation_of, shown
from xinqiao.finding import Finding, Text
from xinqiao.masking import mask_field
from xinqiao.message import Json
from xinqiao.standard import Field, MessageType, field_at, names_beside, schema_of

__all__ = ["Path", "Violations", "canonical_path", "listed", "masked"]

# What a rejection and a receipt hold.
_MOST_FINDINGS = 1000
_MOST_NOTES = 100
_ORDER = {"ERROR": 0, "WARNING": 1, "INFORMATION": 2}

Path = tuple[str | int, ...]

# JSON Schema keyword -> last part of the rule's id, text
_KEYWORDS = {
    "required": ("required", Text("缺少必填项：{zh}", "{en} is missing")),
    "type": ("type", Text("{zh}的数据类型不正确", "{en} has the wrong type")),
    "enum": ("enum", Text("{zh}不在取值范围内", "{en} is not one of the values allowed")),
    "pattern": ("pattern", Text("{zh}的格式不正确", "{en} does not have the right form")),
    "minLength": ("min_length", Text("{zh}过短", "{en} is too short")),
    "maxLength": ("max_length", Text("{zh}过长", "{en} is too long")),
    "minItems": ("min_items", Text("{zh}的项数过少", "{en} has too few items")),
    "maxItems": ("max_items", Text("{zh}的项数过多", "{en} has too many items")),
    "minimum": ("minimum", Text("{zh}小于下限", "{en} is below its least value")),
    "maximum": ("maximum", Text("{zh}大于上限", "{en} is above its greatest value")),
}


def canonical_path(steps: Iterable[str | int]) -> str:
    """Return a path as findings write it: ``kycApplication.applicant.documents[0].number``."""
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            path += f".{step}" if path else step
    return shown(path) or "\ufffd"


def masked(value: object, field: Field | None) -> str | None:
    """Return what a finding may show of a value: never a raw C2 value, of a structure only its kind."""
    if isinstance(value, dict):
        return "{…}"
    if isinstance(value, list):
        return "[…]"
    if value is None:
        return "null"
    text = mask_field(value, field)
    return shown(text.lower() if isinstance(value, bool) else text) or None


def listed(findings: list[Finding]) -> list[Finding]:
    """Return findings with errors first, as many as a rejection holds."""
    return sorted(findings, key=lambda finding: _ORDER[finding.level])[:_MOST_FINDINGS]


class Violations:
    """Collects a schema's errors about one message in ``findings``.

    ``unreadable`` holds every path at or above an error, for the rules: what is there cannot be relied on.
    """

    def __init__(self, kind: MessageType, message: Json, *, strict: bool) -> None:
        self._kind = kind
        self._message = message
        self._strict = strict
        self._notes = 0
        self.findings: list[Finding] = []
        self.unreadable: set[Path] = set()

    @property
    def full(self) -> bool:
        """Say whether a rejection could hold no more errors."""
        return len(self.findings) - self._notes >= _MOST_FINDINGS

    def add(self, error: ValidationError) -> None:
        """Add what one error of the schema says about the message."""
        path = tuple(error.instance_path)
        if isinstance(error.kind, ValidationErrorKind.AdditionalProperties):
            for name in error.kind.unexpected:
                self._add_unknown((*path, name))
            return
        if isinstance(error.kind, ValidationErrorKind.Required):
            path = (*path, error.kind.property)
        self.unreadable.update(path[:length] for length in range(1, len(path) + 1))
        if error.kind.name == "oneOf":
            self._add_choice(path, error.schema_path)
        else:
            self._add_field(path, error.kind.name)

    def _add_unknown(self, path: Path) -> None:
        # Notes stop by themselves: a flood of unknown fields must not hide errors that come after it.
        if not self._strict:
            if self._notes == _MOST_NOTES:
                return
            self._notes += 1
        name = shown(str(path[-1]), 60)
        self.findings.append(
            Finding(
                rule="schema.unknown_field",
                path=canonical_path(path),
                text=Text(f"标准未定义的字段：{name}", f"{name} is no field of the standard"),
                level="ERROR" if self._strict else "INFORMATION",
                value=masked(self._value_at(path), None),
                fix=self._spelling(path),
            )
        )

    def _spelling(self, path: Path) -> Text:
        names = names_beside(self._kind.body, canonical_path(path))
        near = get_close_matches(str(path[-1])[:60], names, n=1)
        if near:
            return Text(f"是否为 {near[0]}？否则去掉该字段", f"is it {near[0]}? If not, leave the field out")
        return Text("检查拼写，或去掉该字段", "check the spelling, or leave the field out")

    def _add_choice(self, path: Path, schema_path: Sequence[str | int]) -> None:
        branches = self._branches(schema_path)
        choices = ", ".join(branch["required"][0] for branch in branches if "required" in branch)
        needed = all("required" in branch for branch in branches)
        most = Text("应有且仅有一项", "exactly one of") if needed else Text("至多一项", "at most one of")
        field = self._field_at(path)
        title = field.title if field else self._kind.title
        self.findings.append(
            Finding(
                rule="schema.one_of",
                path=canonical_path(path),
                text=Text(f"{title.zh}：{choices} {most.zh}", f"{title.en}: {most.en} {choices} may be there"),
                expected=f"{most.en} {choices}",
                fix=Text(f"只填写 {choices} 中的一项", f"give {most.en} {choices}"),
            )
        )

    def _add_field(self, path: Path, keyword: str) -> None:
        name, text = _KEYWORDS[keyword]
        field = self._field_at(path)
        title = field.title if field else Text(shown(str(path[-1])), shown(str(path[-1])))
        expected = expectation_of(field.schema, item=isinstance(path[-1], int)) if field else None
        self.findings.append(
            Finding(
                rule=f"schema.{name}",
                path=canonical_path(path),
                text=Text(text.zh.format(zh=title.zh), text.en.format(en=title.en)),
                value=None if keyword == "required" else masked(self._value_at(path), field),
                expected=expected.en if expected else None,
                fix=Text(f"应为{expected.zh}", f"give {expected.en}") if expected else None,
            )
        )

    def _field_at(self, path: Path) -> Field | None:
        return field_at(self._kind.body, ".".join(step for step in path if isinstance(step, str)))

    def _branches(self, schema_path: Sequence[str | int]) -> list[Json]:
        part: object = schema_of(self._kind.name)
        for step in schema_path:
            part = part[step]  # type: ignore[index]  # the path is the schema's own
        assert isinstance(part, list)  # noqa: S101 -- oneOf holds an array
        return part

    def _value_at(self, path: Path) -> object:
        value: object = self._message
        for step in path:
            value = value[step]  # type: ignore[index]  # the path is the message's own
        return value
