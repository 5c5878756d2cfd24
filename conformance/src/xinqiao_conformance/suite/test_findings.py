# ruff: noqa: D103 -- the names say it
"""What a gateway says about a message that is not valid."""

from importlib.resources import files

import pytest
import yaml

from xinqiao.message import Json
from xinqiao_conformance.suite import requirement
from xinqiao_conformance.target import Target, personal_values, with_value

_VIOLATIONS: dict[str, dict[str, object]] = yaml.safe_load((files(__package__) / "violations.yaml").read_bytes())


def _invalid(message: Json, body: str) -> Json:
    for path, value in _VIOLATIONS[body].items():
        message = with_value(message, path, value)
    return message


def _is_complete(finding: Json) -> bool:
    text = finding.get("text")
    both = isinstance(text, dict) and text.get("zh") and text.get("en")
    return bool(finding.get("rule") and finding.get("path") and both)


@requirement("MSG-001")
@pytest.mark.parametrize("body", _VIOLATIONS)
def test_all_violations_are_named_at_once_and_no_personal_value_is_told(target: Target, body: str) -> None:
    exchange = target.send(_invalid(target.message(body), body))
    exchange.require_refusal(422, "not_valid")
    findings = exchange.rejection.get("findings")
    listed = isinstance(findings, list) and all(isinstance(each, dict) for each in findings)
    exchange.require(listed and findings, "a list of findings")
    assert isinstance(findings, list)
    missing = _VIOLATIONS[body].keys() - {each.get("path") for each in findings}
    exchange.require(not missing, f"findings at {', '.join(sorted(missing))} as well")
    exchange.require(all(map(_is_complete, findings)), "rule, path, text.zh and text.en in every finding")
    personal = personal_values(exchange.sent)
    for place, told in (("body", exchange.told), ("headers", exchange.told_in_headers)):
        paths = sorted(path for value, path in personal.items() if value in told)
        exchange.require(not paths, f"no raw value of {', '.join(paths)} in the {place} of the answer")
