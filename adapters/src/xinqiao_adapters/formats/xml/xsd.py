"""Violations of a partner's XSD as findings: in both languages, in the partner's terms, values masked."""

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import takewhile

from lxml import etree

from xinqiao.expectation import shown
from xinqiao.finding import Finding, Text
from xinqiao.masking import mask
from xinqiao_adapters.formats.xml.document import Violation
from xinqiao_adapters.mapping.trace import Reading

__all__ = ["record_findings", "xsd_findings"]

_EXPECTED = re.compile(r"Expected is (?:one of )?\( (.*?) \)\.")
_NAMESPACE = re.compile(r"\{[^}]*\}")
_FACETS = (
    ("PATTERN", re.compile(r"pattern '(.*)'"), Text("格式 {}", "the pattern {}")),
    ("ENUMERATION", re.compile(r"set \{(.*)\}"), Text("{} 之一", "one of {}")),
    ("MAXLENGTH", re.compile(r"maximum length of '(\d+)'"), Text("至多 {} 个字符", "{} characters at most")),
    ("MINLENGTH", re.compile(r"minimum length of '(\d+)'"), Text("至少 {} 个字符", "{} characters at least")),
    ("LENGTH", re.compile(r"required length of '(\d+)'"), Text("{} 个字符", "{} characters")),
    ("DATATYPE", re.compile(r"type '(?:\{[^}]*\})?(.*)'"), Text("类型 {}", "the type {}")),
)


def xsd_findings(violations: Iterable[Violation], readings: Iterable[Reading]) -> list[Finding]:
    """Return one finding for each node in violation; ``readings`` tell which field stands at which node."""
    return [finding for _, finding in _found(violations, readings)]


def record_findings(violations: Iterable[Violation], record: etree._Element, number: int) -> tuple[Finding, ...]:
    """Return the findings of the ``number``-th record of a file; their places start at the record."""
    placed = []
    for violation, finding in _found(violations, ()):
        where = f"{_own_path(violation.node, record)}, record {number}, line {violation.line}"
        placed.append(replace(finding, path=where.partition(",")[0], partner_path=where))
    return tuple(placed)


def _found(violations: Iterable[Violation], readings: Iterable[Reading]) -> list[tuple[Violation, Finding]]:
    by_node = {reading.node: reading for reading in readings if reading.node is not None}
    findings: dict[object, tuple[Violation, Finding]] = {}
    for violation in violations:
        key = violation.node if violation.node is not None else violation.line
        if key not in findings:
            findings[key] = violation, _finding(violation, by_node.get(violation.node))
    return list(findings.values())


def _finding(violation: Violation, reading: Reading | None) -> Finding:
    partner_path = reading.partner_path if reading else _own_path(violation.node)
    path = (reading.path if reading else "") or partner_path
    names = _EXPECTED.search(violation.message)
    if names is not None or violation.kind == "SCHEMAV_ELEMENT_CONTENT":
        return _structure(violation, path, partner_path, _NAMESPACE.sub("", names[1]) if names else "")
    expected = _facet(violation)
    value = violation.node.text if violation.node is not None else None
    return Finding(
        rule="format.xsd",
        path=path,
        text=Text(f"值不符合 XSD，应为{expected.zh}", f"the value violates the XSD, expected {expected.en}"),
        value=shown(mask(value, reading.leaf.sensitivity if reading else "C2")) if value and value.strip() else None,
        expected=shown(expected.zh),
        fix=Text(f"按接口规范填写：{expected.zh}", f"send {expected.en}, after the interface's specification"),
        partner_path=f"{partner_path}, line {violation.line}",
    )


def _structure(violation: Violation, path: str, partner_path: str, expected: str) -> Finding:
    missing = "Missing child" in violation.message
    said = (
        Text("缺少子元素", "child elements are missing")
        if missing
        else Text("此处不应出现该元素", "the element is out of place")
    )
    return Finding(
        rule="format.xsd",
        path=path,
        text=Text(
            f"{said.zh}{f'，应为 {expected}' if expected else ''}",
            f"{said.en}{f', expected {expected}' if expected else ''}",
        ),
        expected=expected or None,
        fix=Text("按接口规范的元素顺序填写", "keep to the order of elements in the interface's specification"),
        partner_path=f"{partner_path}, line {violation.line}",
    )


def _facet(violation: Violation) -> Text:
    for name, pattern, said in _FACETS:
        found = pattern.search(violation.message) if name in violation.kind else None
        if found is not None:
            return Text(said.zh.format(found[1]), said.en.format(found[1]))
    return Text("接口规范所定的值", "a value that the interface's specification allows")


def _own_path(node: etree._Element | None, top: etree._Element | None = None) -> str:
    """Name a node that no row reads, from below ``top`` or the document's root."""
    if node is None:
        return "?"
    way = takewhile(lambda each: each is not top, node.iterancestors())
    steps = [str(each.tag).rpartition("}")[2] for each in (node, *way)]
    return "/".join(reversed(steps if top is not None else steps[:-1])) or steps[0]
