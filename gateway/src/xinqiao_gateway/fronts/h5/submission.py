"""From a confirmed visit to an accepted message: first what is sent is fixed, then it is handed in, then noted.

Between these anything may break off. What is fixed is handed in again as it is, and the intake knows it by its id: so a
visit ends in one message, and every page about it says the same.
"""

from dataclasses import replace

from xinqiao.errors import Rejected, XinqiaoError
from xinqiao.finding import Finding
from xinqiao.message import Json, write_json
from xinqiao.seal import CONTENT_TYPE_JSON
from xinqiao_gateway.fronts.h5.drafting import message_of
from xinqiao_gateway.fronts.h5.model import Context, Visit
from xinqiao_gateway.intake import Raw
from xinqiao_gateway.journal import Accepted

__all__ = ["send", "submit"]

_LONGEST = 400
_MOST_FINDINGS = 50


def submit(visit: Visit, context: Context) -> Visit:
    """Fix what is sent: from here on nothing that anybody types changes it."""
    return visit.with_content(sent=message_of(visit, context)).with_state("submitting")


async def send(visit: Visit, context: Context) -> Visit:
    """Hand in what is fixed; return the visit submitted or refused, or as it was where nobody knows yet."""
    raw = Raw(
        channel_id=visit.stored.channel,
        content=write_json(visit.content["sent"]),
        content_type=CONTENT_TYPE_JSON,
        signature="",
        attested=_attested(visit),
    )
    try:
        acceptance = await context.gateway.service.intake.accept(raw)
    except Rejected as error:
        return _refused(visit, error)
    except XinqiaoError:
        return visit
    (outcome,) = acceptance.outcomes
    if not isinstance(outcome, Accepted):
        return _refused(visit, outcome.error) if isinstance(outcome.error, Rejected) else visit
    return _submitted(visit, outcome.receipt)


def _submitted(visit: Visit, receipt: Json) -> Visit:
    """Keep the receipt, and no longer what was typed: that is in the journal now."""
    kept = {"messageId", "language", "large", "actors", "done"}
    content = {name: part for name, part in visit.content.items() if name in kept}
    said = {name: receipt[name] for name in ("acceptedMessageId", "acceptedAt", "position")}
    content |= {"body": {}, "facts": {}, "steps": {}, "receipt": said}
    return replace(visit, stored=replace(visit.stored, content=content, state="submitted"))


def _refused(visit: Visit, error: XinqiaoError) -> Visit:
    refusal = {
        "reason": error.reason,
        "text": error.text.as_json(),
        "fix": error.fix.as_json(),
        "findings": [each.as_json() for each in _shown(error.findings)],
    }
    return visit.with_content(refusal=refusal).with_state("refused")


def _shown(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(each for each in findings if each.level == "ERROR")[:_MOST_FINDINGS]


def _attested(visit: Visit) -> str:
    """Return what the gateway itself knows of who entered and confirmed: roles, keys, digests of ids."""
    people = [
        f"{each['act']} {each['role']} {each['actor'][:16]} by key {each['kid'][:40]}"
        for each in visit.stored.trail
        if each["act"] in {"handed_over", "confirmed"}
    ]
    launched = f"h5 visit {visit.stored.visit_id} launched by {visit.door.kid} role {visit.door.role}"
    return "; ".join([launched, *people[-3:]])[:_LONGEST]
