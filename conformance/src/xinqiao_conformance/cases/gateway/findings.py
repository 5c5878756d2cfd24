"""What a gateway says about a message that is not valid, and what it never tells."""

import re
from collections.abc import Callable, Iterator
from importlib.resources import files

import orjson
import yaml

from xinqiao.errors import NotValid
from xinqiao.finding import errors_in
from xinqiao.message import Json
from xinqiao.standard import field_at, message_types
from xinqiao.validation import check
from xinqiao_conformance.benches.gateway import GatewayBench, with_value
from xinqiao_conformance.cases.gateway import case
from xinqiao_conformance.cases.gateway.stories import opening, types
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Exchange, personal_values

__all__ = ["require_findings", "require_untold"]

# From how many characters on a value does not turn up by chance.
_LONG = 10
_VIOLATIONS: dict[str, dict[str, object]] = yaml.safe_load((files(__package__) / "violations.yaml").read_bytes())


def require_findings(bench: GatewayBench, exchange: Exchange) -> None:
    """Raise ``Breach`` unless a message was refused with all its violations, each complete, none telling a value."""
    bench.require_refusal(exchange, NotValid)
    findings = exchange.rejection.get("findings")
    listed = [each for each in findings if isinstance(each, dict)] if isinstance(findings, list) else []
    exchange.require(listed, "findings 为非空列表", "a list of findings")
    seen = {(each.get("rule"), each.get("path")) for each in listed}
    missing = [
        f"{each.rule} {each.path}" for each in errors_in(check(exchange.sent)) if (each.rule, each.path) not in seen
    ]
    exchange.require(not missing, f"并指出 {'; '.join(missing[:10])}", f"findings {'; '.join(missing[:10])} as well")
    complete = all(map(_is_complete, listed))
    exchange.require(
        complete, "每条都有 rule、path、text.zh 与 text.en", "rule, path, text.zh and text.en in every finding"
    )
    require_untold(bench, exchange)


def require_untold(bench: GatewayBench, exchange: Exchange, personal: Json | None = None) -> None:
    """Raise ``Breach`` where an answer tells a personal value of its message, or none came."""
    exchange.require(exchange.status, "得到应答", "an answer")
    personal = _telling(bench, exchange.sent) if personal is None else personal
    for zh, en, told in (("正文", "body", exchange.told), ("标头", "headers", exchange.told_in_headers)):
        paths = ", ".join(sorted(path for value, path in personal.items() if _is_told(value, told)))
        exchange.require(
            not paths, f"应答{zh}中不含 {paths} 的原值", f"no raw value of {paths} in the {en} of the answer"
        )


def _telling(bench: GatewayBench, message: Json) -> Json:
    """Return the personal values of a message that tell something where they stand, each with its path.

    The code of an institution of a channel, and the name of an enumeration's value tell nothing.
    """
    body = next((name for name in message if name != "header"), "")
    found = personal_values(message) if body in message_types() else {}
    codes = {bench.partner.institution, bench.core.institution}
    fields = {value: field_at(body, path) for value, path in found.items()}
    return {
        value: path
        for value, path in found.items()
        if value not in codes and not ((known := fields[value]) and "enum" in known.schema)
    }


def _is_told(value: str, told: str) -> bool:
    """Say whether a text holds a value; a short one only where it stands by itself, as any number may turn up."""
    if len(value) >= _LONG or not value.isascii():
        return value in told
    return re.search(rf"(?<![0-9A-Za-z.-]){re.escape(value)}(?![0-9A-Za-z.-])", told) is not None


def _is_complete(finding: Json) -> bool:
    text = finding.get("text")
    both = isinstance(text, dict) and text.get("zh") and text.get("en")
    return bool(finding.get("rule") and finding.get("path") and both)


def _violations(kit: Kit) -> Iterator[tuple[str, str]]:
    yield from ((body, body) for body in _VIOLATIONS if body in kit.types)


def _invalid(message: Json, body: str) -> Json:
    for path, value in _VIOLATIONS[body].items():
        message = with_value(message, path, value)
    return message


@case("MSG-001", negative=True, over=_violations)
def all_violations_are_named_at_once_and_no_personal_value_is_told(bench: GatewayBench, body: str) -> None:
    require_findings(bench, bench.send(_invalid(bench.message(body), body)))


@case("MSG-001", negative=True, over=types)
def a_message_whose_parts_are_all_of_another_structure_is_refused_with_a_finding_for_each(
    bench: GatewayBench, body: str
) -> None:
    message = bench.message(body)
    wrong = {name: [] if isinstance(value, dict) else {"value": "1"} for name, value in message[body].items()}
    require_findings(bench, bench.send({**message, body: wrong}))


@case("MSG-001", negative=True, over=types)
def an_empty_message_is_refused_with_a_finding_for_each_part_that_it_lacks(bench: GatewayBench, body: str) -> None:
    require_findings(bench, bench.send({**bench.message(body), body: {}}))


@case("MSG-001", negative=True)
def what_was_refused_has_no_effect_and_may_be_mended(bench: GatewayBench) -> None:
    message = opening(bench)
    body = next(name for name in message if name != "header")
    bench.require_refusal(bench.send({**message, body: {}}), NotValid)
    mended = bench.send(message)
    mended.require_receipt()


# Ways to go wrong with a message that holds personal values; the answer is about something else each time.
_Wrong = Callable[[GatewayBench, Json], Exchange]


def _cut_off(bench: GatewayBench, message: Json) -> Exchange:
    return bench.send(message, bench.partner.sealed_bytes(orjson.dumps(message)[:-2]), "cut off")


def _with_a_key_twice(bench: GatewayBench, message: Json) -> Exchange:
    content = orjson.dumps(message)[:-1] + b"," + orjson.dumps(message)[1:]
    return bench.send(message, bench.partner.sealed_bytes(content), "every key twice")


def _in_gbk(bench: GatewayBench, message: Json) -> Exchange:
    content = orjson.dumps(message).decode().encode("gb18030")
    return bench.send(message, bench.partner.sealed_bytes(content), "in GB18030")


def _of_another_type(bench: GatewayBench, message: Json) -> Exchange:
    body = next(name for name in message if name != "header")
    other = {"header": message["header"], "noSuchMessage": message[body]}
    return bench.send(message, bench.partner.sealed(other), "under an unknown type")


def _from_somebody_else(bench: GatewayBench, message: Json) -> Exchange:
    return bench.send(with_value(message, "header.sender", bench.core.institution))


def _in_conflict(bench: GatewayBench, message: Json) -> Exchange:
    bench.send(message)
    body = next(name for name in message if name != "header")
    return bench.send(with_value(message, f"{body}.fieldOfTomorrow", "1"))


def _under_a_wrong_seal(bench: GatewayBench, message: Json) -> Exchange:
    return bench.send(message, bench.core.sealed(message), "the core's seal")


def _that_is_accepted(bench: GatewayBench, message: Json) -> Exchange:
    return bench.send(message)


def _wrongs(_kit: Kit) -> Iterator[tuple[str, _Wrong]]:
    for each in (
        *(_cut_off, _with_a_key_twice, _in_gbk, _of_another_type),
        *(_from_somebody_else, _in_conflict, _under_a_wrong_seal, _that_is_accepted),
    ):
        yield each.__name__.strip("_"), each


@case("PRV-003", negative=True, over=_wrongs)
def no_answer_tells_a_personal_value(bench: GatewayBench, wrong: _Wrong) -> None:
    for body in bench.kit.types:
        require_untold(bench, wrong(bench, bench.message(body)))


_UNHEARD = "ZHANGSAN-310101199001010011"


@case("PRV-007", negative=True)
def the_value_of_an_unknown_field_is_not_told_in_a_receipt(bench: GatewayBench) -> None:
    message = opening(bench)
    body = next(name for name in message if name != "header")
    exchange = bench.send(with_value(message, f"{body}.fieldOfTomorrow", _UNHEARD))
    exchange.require_receipt()
    require_untold(bench, exchange, {_UNHEARD: f"{body}.fieldOfTomorrow"})


@case("PRV-007", negative=True)
def the_value_of_an_unknown_field_is_not_told_in_a_rejection(bench: GatewayBench) -> None:
    message = opening(bench)
    body = next(name for name in message if name != "header")
    invalid = with_value(with_value(message, body, {"fieldOfTomorrow": _UNHEARD}), "header.laterToo", [_UNHEARD])
    exchange = bench.send(invalid)
    bench.require_reason(exchange, NotValid)
    require_untold(bench, exchange, {_UNHEARD: f"{body}.fieldOfTomorrow"})
