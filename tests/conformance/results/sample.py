"""Results as a run leaves them: requirements of a role with their cases, some of which failed."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from xinqiao.finding import Text
from xinqiao.masking import mask_message
from xinqiao.testing import BANK, example
from xinqiao_conformance.requirements import requirement_of
from xinqiao_conformance.results.model import (
    CaseResult,
    Declared,
    Difference,
    Evidence,
    Finding,
    How,
    KitResult,
    RequirementResult,
    Results,
    Subject,
    SuiteVersion,
)

__all__ = ["FINDINGS", "KITS", "TESTED", "TWICE", "digest", "results"]

TESTED = datetime(2026, 1, 22, 6, 30, tzinfo=UTC)
KITS = ("sender/family-trust/rest", "receiver/family-trust/rest")
_TESTED = {
    "sender": "ENV-004 ENV-005 ENV-006 ENV-007 ENV-010 ENV-011 ENV-012 ENV-015 ENV-016 MSG-002 MSG-003 MSG-006 MSG-007 "
    "MSG-008 MSG-009 MSG-011 MSG-012 MSG-014 MSG-015 MSG-016 MSG-017 MSG-018 MSG-019 PRC-007 PRC-009 PRC-014 TRN-004 "
    "TRN-005 TRN-010 SEC-002 SEC-005 PRV-001 PRV-005 PRV-006",
    "receiver": "ENV-013 ENV-020 ENV-021 ENV-022 MSG-004 MSG-005 MSG-010 PRC-006 PRC-008 PRC-010 PRC-012 SEC-003 "
    "SEC-004 SEC-009",
}
_THEMES = {"ENV": "envelope", "MSG": "content", "PRC": "process", "PRV": "privacy", "SEC": "seal", "TRN": "transport"}
_SENT = example("contractProposal", messageId="01961b4a-9d11-7c3e-9a42-6b1d0f6e8c70", createdAt="2026-01-22T06:29:31Z")
_MESSAGE = mask_message(_SENT, "contractProposal")

# requirement -> what one of its cases found; of ``TWICE`` two did
TWICE = "ENV-005"
FINDINGS = {
    "ENV-005": Finding(
        expected=Text("重发时沿用首次的消息编号", "the same message id as the first time"),
        sent={"status": 503, "headers": {"retry-after": "1"}},
        seen=_MESSAGE,
        difference=(
            Difference(
                path="header.messageId",
                expected="01961b4a-7c00-7abc-8def-0123456789ab",
                seen="01961b4a-9d11-7c3e-9a42-6b1d0f6e8c70",
            ),
        ),
        fix=Text(
            "重试前不要新建消息：把首次生成的编号与报文一起保存，重发同样的字节",
            "make no new message for a retry: keep the id with the message and send the same bytes again",
        ),
        clause=requirement_of("ENV-005").source,
        exchanges=(12, 13),
    ),
    "ENV-011": Finding(
        expected=Text("签署证据的关联编号为所答复合同的编号", "the evidence names the proposal that it answers"),
        seen={"header": {"messageId": "01961b4a-7c00-7abc-8def-0123456789ab"}, "signatureEvidence": {"note": "***"}},
        difference=(
            Difference(
                path="header.correlationId",
                expected={"zh": "所答复合同的消息编号", "en": "the message id of the proposal that it answers"},
            ),
        ),
        fix=Text("填写 header.correlationId", "fill in header.correlationId"),
        clause=requirement_of("ENV-011").source,
        exchanges=(31,),
    ),
    "MSG-006": Finding(
        expected=Text("得到应答", "an answer"),
        sent=_MESSAGE,
        seen={"error": "ReadTimeout", "<script>alert(1)</script>": "\x07"},
        clause=requirement_of("MSG-006").source,
        owner="suite",
    ),
}


_UNSEEN = [CaseResult(case="sender.recorded.nothing", negative=False, result="unseen", seconds=0.0)]


def digest(said: str) -> str:
    return f"sha256:{sha256(said.encode()).hexdigest()}"


def results(
    failing: Collection[str] = (),
    *,
    kits: Collection[str] = KITS,
    how: How = "run",
    unseen: Collection[str] = (),
    without: Collection[str] = (),
    name: str = "示例银行",
    institution: str = BANK,
    suite: str = "0.1.0",
) -> Results:
    """Return results in which the requirements of ``failing`` are not met; of ``unseen`` nothing occurred."""
    return Results.of(
        [_kit(kit, failing, unseen, without) for kit in kits],
        standard="1.0",
        suite=SuiteVersion(version=suite, digest=digest(f"suite {suite}")),
        declaration=Declared(
            digest=digest("declaration"),
            subject=Subject(name=name, institution=institution, product="信托直连", version="2.3"),
            supports=("corrections", "pull"),
        ),
        how=how,
        started_at=TESTED - timedelta(seconds=41),
        finished_at=TESTED,
        evidence=Evidence(root=digest("evidence"), exchanges=312),
    )


def _kit(kit: str, failing: Collection[str], unseen: Collection[str], without: Collection[str]) -> KitResult:
    role = kit.partition("/")[0]
    tested = [requirement_of(each) for each in _TESTED[role].split() if each not in without]
    judged = [
        RequirementResult.of(each.id, each.level, _UNSEEN if each.id in unseen else _cases(role, each.id, failing))
        for each in tested
    ]
    return KitResult.of(kit, judged)


def _cases(role: str, requirement: str, failing: Collection[str]) -> list[CaseResult]:
    theme, number = _THEMES[requirement[:3]], requirement[4:]
    names = (f"{role}.{theme}.what_{number}_asks_for_is_done", f"{role}.{theme}.the_opposite_of_{number}_is_refused")
    cases = [
        CaseResult(case=name, negative=number_of > 0, result="passed", seconds=0.04 + number_of / 10)
        for number_of, name in enumerate((*names, f"{names[1]}[a 503 first]"))
    ]
    if requirement in failing:
        finding = FINDINGS.get(requirement) or _finding(requirement)
        for place in (1, 2) if requirement == TWICE else (1,):
            found = finding.model_copy(update={"exchanges": tuple(each + place - 1 for each in finding.exchanges)})
            cases[place] = cases[place].model_copy(update={"result": "failed", "finding": found})
    return cases


def _finding(requirement: str) -> Finding:
    known = requirement_of(requirement)
    return Finding(expected=known.text, seen={"status": 200}, clause=known.source)
