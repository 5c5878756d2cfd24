"""Senders that break one requirement each, made from the error table, the published vectors, and the forms of seals."""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from xinqiao.errors import Rejected, Retryable, error_table
from xinqiao.message import Json
from xinqiao.seal import Sealed
from xinqiao.standard import field_at
from xinqiao.testing import example, faults_of
from xinqiao.transport import Answer
from xinqiao.validation import check
from xinqiao_conformance.benches.forging import FOREIGN, FORGERIES, FORM, MEMBERS, Forge
from xinqiao_conformance.kits import businesses
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.mutants.partners import mutant_sender
from xinqiao_conformance.published import form_vectors
from xinqiao_conformance.references.sender import ReferenceSender, said_in

__all__ = ["MUTANTS"]

_BUSINESS = "family-trust"
_PROXIES = (502, 503, 504)


def _reason(answer: Answer | None) -> str:
    return str(said_in(answer).get("rejection", {}).get("reason", "")) if answer is not None else ""


def _giving_up(reason: str) -> type[ReferenceSender]:
    class GivesUp(ReferenceSender):
        def is_final(self, answer: Answer | None) -> bool:
            return _reason(answer) == reason or super().is_final(answer)

    return GivesUp


def _giving_up_at(status: int) -> type[ReferenceSender]:
    class GivesUp(ReferenceSender):
        def is_final(self, answer: Answer | None) -> bool:
            a_page = answer is not None and answer.status_code == status and not said_in(answer)
            return a_page or super().is_final(answer)

    return GivesUp


def _sending_again(reason: str) -> type[ReferenceSender]:
    class SendsAgain(ReferenceSender):
        def submit(self, message: Json) -> str:
            outcome = super().submit(message)
            if outcome == f"rejected: {reason}":
                self.post(self.sealed(message))
            return outcome

    return SendsAgain


def _telling_success(reason: str) -> type[ReferenceSender]:
    class TellsSuccess(ReferenceSender):
        def outcome(self, message: Json, answer: Answer | None) -> str:
            return "accepted" if _reason(answer) == reason else super().outcome(message, answer)

    return TellsSuccess


def _of_reasons() -> Iterator[Mutant]:
    for error in error_table():
        reason = error.reason
        if issubclass(error, Retryable):
            yield mutant_sender(f"gives up on {reason}", "TRN-004", _giving_up(reason), mechanical=True)
        elif issubclass(error, Rejected):
            yield mutant_sender(f"sends again after {reason}", "TRN-005", _sending_again(reason), mechanical=True)
            yield mutant_sender(f"tells {reason} as success", "TRN-008", _telling_success(reason), mechanical=True)
    for status in _PROXIES:
        name = f"gives up on a proxy's page with status {status}"
        yield mutant_sender(name, "TRN-004", _giving_up_at(status), mechanical=True)


def _sealing(forge: Forge) -> type[ReferenceSender]:
    class Forges(ReferenceSender):
        def sealed(self, message: Json) -> Sealed:
            sealed = super().sealed(message)
            return forge(sealed.content, self.key)

    return Forges


def _of_seals() -> Iterator[Mutant]:
    for name in (*FOREIGN, *FORM, *MEMBERS):
        # The bytes are what they are: a sender cannot change them after the seal and still be read as what it meant.
        yield mutant_sender(f"seals with {name}", "SEC-002", _sealing(FORGERIES[name]), mechanical=True)


def _saying(body: str, wrong: Json, paths: Iterable[str]) -> type[ReferenceSender]:
    """Return a sender whose messages of a type have the body of a wrong one, and what is wrong in its header."""
    names = [path.split(".")[1].partition("[")[0] for path in paths if path.startswith("header.")]

    class SaysWrong(ReferenceSender):
        def message(self, kind: str, case_id: str, correlation: str | None) -> Json:
            message = super().message(kind, case_id, correlation)
            if kind != body:
                return message
            header = {name: value for name, value in message["header"].items() if name not in names}
            said = {name: value for name, value in wrong["header"].items() if name in names}
            return {"header": header | said, body: copy.deepcopy(wrong[body])}

    return SaysWrong


# Of what the standard says more exactly than that a message keeps its schema and rules: rule -> requirement.
_RULES: Mapping[str, str] = {
    "XQ-R-001": "MSG-008", "XQ-R-002": "MSG-008", "XQ-R-003": "MSG-007", "XQ-R-008": "MSG-011",
    "XQ-R-031": "MSG-015", "XQ-R-034": "MSG-015", "XQ-R-100": "ENV-012", "XQ-R-101": "ENV-012",
    **dict.fromkeys((f"XQ-R-{number:03}" for number in (10, 11, 12, 15, 24, 25, 26, 105)), "MSG-014"),
    **dict.fromkeys(("XQ-R-045", "XQ-R-046", "XQ-R-054", "XQ-R-132", "XQ-R-135"), "MSG-016"),
}  # fmt: skip
_HEADER = {
    "header.messageId": "ENV-005", "header.standardVersion": "ENV-006", "header.sender": "ENV-007",
    "header.receiver": "ENV-007", "header.caseId": "ENV-010",
}  # fmt: skip
_NUMBERS = {"DECIMAL", "QUANTITY", "PERCENTAGE", "RATE", "FACTOR", "COUNT", "CURRENCY"}
_DAYS = {"DATE", "TIMESTAMP", "TIME", "MONTH"}
_TEXTS = {"TEXT", "LINES", "LATIN"}


def _exactly(body: str, rule: str, path: str, level: str) -> str:
    """Return the requirement that says most exactly what is broken, empty where only the general one does."""
    if path in _HEADER:
        return _HEADER[path]
    if not rule.startswith("schema."):
        return _RULES.get(rule, "") if level == "ERROR" else ""
    field = field_at(body, path)
    if field is None:
        return ""
    if rule == "schema.enum":
        return "MSG-009"
    kinds = ((_NUMBERS, "MSG-007"), (_DAYS, "MSG-008"))
    exact = next((requirement for kind, requirement in kinds if field.kind in kind), "")
    return "MSG-011" if field.kind in _TEXTS and rule == "schema.pattern" else exact


def _said_wrong(body: str, name: str, wrong: Json, findings: Sequence[Mapping[str, Any]]) -> Mutant:
    exact, general = set(), set()
    for each in findings:
        exact.add(_exactly(body, each["rule"], each["path"], each["level"]))
        general.add("MSG-002" if each["rule"].startswith("schema.") else _GENERAL[each["level"]])
        # Who gives no day of a consent has none.
        exact |= {"PRV-005"} if each["path"].endswith("consent.givenAt") and each["level"] == "ERROR" else set()
    broken = sorted(exact - {""}) or sorted(general)
    kind = _saying(body, wrong, [each["path"] for each in findings])
    also = (exact | general) - {"", broken[0]}
    return mutant_sender(f"sends {body}, {name}", broken[0], kind, f"sender/{_BUSINESS}/rest", also, mechanical=True)


_GENERAL = {"ERROR": "MSG-003", "WARNING": "MSG-019"}


def _of_faults() -> Iterator[Mutant]:
    for body in businesses()[_BUSINESS].partner:
        for fault in faults_of(example(body), body):
            findings = [each.as_json() for each in check(fault.message, strict=True)]
            yield _said_wrong(body, fault.name, fault.message, findings)


def _of_rules() -> Iterator[Mutant]:
    seen: set[str] = set()
    for body in businesses()[_BUSINESS].partner:
        for each in form_vectors(body):
            rules = {finding["rule"] for finding in each.get("findings", ())}
            if rules and not rules & seen and not any(rule.startswith("schema.") for rule in rules):
                seen |= rules
                level = "ERROR" if not each["valid"] else "WARNING"
                findings = [{**finding, "level": level} for finding in each["findings"]]
                yield _said_wrong(body, each["name"], each["json"], findings)


MUTANTS: tuple[Mutant, ...] = (*_of_reasons(), *_of_seals(), *_of_faults(), *_of_rules())
