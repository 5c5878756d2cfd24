"""Findings as the person at a form reads them: beside their field, with a fix that a layman can use."""

from collections.abc import Iterable, Mapping, Sequence

from xinqiao.finding import Finding, Text
from xinqiao_gateway.fronts.h5.fields import FormField
from xinqiao_gateway.fronts.h5.model import Problem

__all__ = ["is_within", "missing", "problem_of", "problems_about"]

_CHOOSE = Text("请选择一项", "choose one")
_FILL_IN = Text("请填写", "fill it in")


def is_within(path: str, above: str) -> bool:
    """Say whether a path is another one, or leads into it."""
    return path == above or path.startswith((f"{above}.", f"{above}["))


def problems_about(found: Iterable[tuple[str, Finding]], fields: Mapping[str, FormField]) -> list[Problem]:
    """Return the problems of fields by their paths; one for each rule and field, in the order of the fields."""
    problems: dict[tuple[int, str], Problem] = {}
    order = {path: number for number, path in enumerate(fields)}
    for path, finding in found:
        field = _field_at(path, list(fields))
        if field is not None:
            said = Text(*finding.text)
            problems.setdefault((order[field], said.en), Problem(said, _fix(finding, fields[field]), field))
    return [problems[key] for key in sorted(problems)]


def problem_of(finding: Finding) -> Problem:
    """Return a finding as a problem of no field."""
    return Problem(finding.text, finding.fix)


def missing(path: str, field: FormField) -> Problem:
    """Return the problem of a field that the flow needs and nobody filled in."""
    text = Text(f"缺少必填项：{field.title.zh}", f"{field.title.en} is missing")
    return Problem(text, _CHOOSE if field.options else _FILL_IN, path)


def _field_at(path: str, fields: Sequence[str]) -> str | None:
    """Return the field that a finding is about: that of its path, one that it leads into, or the first one below it."""
    into = [each for each in fields if is_within(path, each)]
    if into:
        return max(into, key=len)
    return next((each for each in fields if is_within(each, path)), None)


def _fix(finding: Finding, field: FormField) -> Text | None:
    """Return what to do: people choose from what is offered, or look at an example; they read no patterns."""
    if not finding.rule.startswith("schema."):
        return finding.fix
    if field.options:
        return _CHOOSE
    if finding.fix is not None and "^" in finding.fix.en:
        return _example(field)
    return finding.fix


def _example(field: FormField) -> Text | None:
    if field.field.example is None:
        return None
    return Text(f"例如：{field.field.example}", f"for example: {field.field.example}")
