"""Results as JUnit XML, for machines that show tests: a kit is a suite, a case is a test of its requirement.

A requirement that should be met and is not fails nothing, so its case passes here and says why on standard output.
"""

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import orjson

from xinqiao_conformance.results.model import CaseResult, Finding, KitResult, RequirementResult, Results

__all__ = ["junit_of"]

# What XML 1.0 cannot hold; an answer may have it.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOST_TEXT = 20_000
_UNSEEN = "所见往来未涉及该要求 nothing in the exchanges is about it"


def junit_of(results: Results) -> bytes:
    """Return the XML of results."""
    subject = results.declaration.subject
    root = Element("testsuites", name=_text(f"{subject.name} {subject.product} {subject.version}".strip()))
    for kit in results.kits:
        _add_kit(root, kit, results)
    indent(root)
    content: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _add_kit(root: Element, kit: KitResult, results: Results) -> None:
    suite = SubElement(root, "testsuite", name=kit.kit, timestamp=results.started_at.isoformat(timespec="seconds"))
    properties = SubElement(suite, "properties")
    for name, value in (
        ("standard", results.standard),
        ("suite", results.suite.digest),
        ("declaration", results.declaration.digest),
        ("evidence", results.evidence.root),
        ("how", results.how),
    ):
        SubElement(properties, "property", name=name, value=value)
    for each in kit.requirements:
        _add_requirement(suite, each, kit)
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", "0")
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    suite.set("time", f"{sum(each.seconds for each in kit.requirements):.3f}")


def _add_requirement(suite: Element, requirement: RequirementResult, kit: KitResult) -> None:
    classname = f"{kit.kit}.{requirement.id}"
    for case in requirement.cases:
        test = SubElement(suite, "testcase", classname=classname, name=_text(case.case), time=f"{case.seconds:.3f}")
        _add_finding(test, case, requirement)
        if case.result == "unseen":
            SubElement(test, "skipped", message=_UNSEEN)
    if not requirement.cases:
        test = SubElement(suite, "testcase", classname=classname, name="unseen", time="0.000")
        SubElement(test, "skipped", message=_UNSEEN)


def _add_finding(test: Element, case: CaseResult, requirement: RequirementResult) -> None:
    if case.finding is None:
        return
    said = _text(_said(case.finding))
    if requirement.level == "MUST":
        message = _text(f"{requirement.id}: {case.finding.expected.zh} / {case.finding.expected.en}")
        SubElement(test, "failure", message=message, type=case.finding.owner).text = said
    else:
        SubElement(test, "system-out").text = f"提醒 warning ({requirement.level}):\n{said}"


def _said(finding: Finding) -> str:
    lines = [
        f"期望 expected: {finding.expected.zh} / {finding.expected.en}",
        f"条款 clause: {finding.clause}",
        f"责任方 owner: {finding.owner}",
    ]
    lines += [f"不同 difference: {orjson.dumps(each.model_dump()).decode()}" for each in finding.difference[:20]]
    lines += [f"发送 sent: {orjson.dumps(finding.sent).decode()}"] if finding.sent is not None else []
    lines += [f"所见 seen: {orjson.dumps(finding.seen).decode()}"] if finding.seen is not None else []
    lines += [f"修正 fix: {finding.fix.zh} / {finding.fix.en}"] if finding.fix else []
    return "\n".join(lines)


def _text(value: str) -> str:
    return _FORBIDDEN.sub("\ufffd", value[:_MOST_TEXT])
