"""From a confirmed visit to its messages, mostly one: first what is sent is fixed, then handed in, then noted.

Between these anything may break off. What is fixed is handed in again as it is, and the intake knows it by its id: so a
visit ends in one message, and every page about it says the same.
"""

from collections.abc import Sequence
from dataclasses import replace

import orjson

from xinqiao.errors import BatchRefused, Rejected, XinqiaoError
from xinqiao.finding import Finding
from xinqiao.message import Json
from xinqiao.seal import CONTENT_TYPE_JSON
from xinqiao_gateway.fronts.h5.drafting import message_of
from xinqiao_gateway.fronts.h5.model import Context, Visit
from xinqiao_gateway.intake import Raw
from xinqiao_gateway.journal import Accepted

__all__ = ["send", "submit"]

_LONGEST = 400
_MOST_FINDINGS = 50


def submit(visit: Visit, context: Context, messages: Sequence[Json] = ()) -> Visit:
    """Fix what is sent, the message of the body or several: from here on nothing that anybody types changes it."""
    sent = [*messages] or [message_of(visit, context)]
    return visit.with_content(sent=sent if len(sent) > 1 else sent[0]).with_state("submitting")


async def send(visit: Visit, context: Context) -> Visit:
    """Hand in what is fixed; return the visit submitted or refused, or as it was where nobody knows yet."""
    raw = Raw(
        channel_id=visit.stored.channel,
        content=orjson.dumps(visit.content["sent"]),
        content_type=CONTENT_TYPE_JSON,
        signature="",
        attested=_attested(visit),
        atomic=True,
    )
    try:
        acceptance = await context.gateway.service.intake.accept(raw)
    except Rejected as error:
        return _refused(visit, error)
    except XinqiaoError:
        return visit
    errors = [each.error for each in acceptance.outcomes if not isinstance(each, Accepted)]
    if errors:
        # Of several all are refused together: the one that says why goes first.
        why = next((each for each in errors if not isinstance(each, BatchRefused)), errors[0])
        return _refused(visit, why) if isinstance(why, Rejected) else visit
    return _submitted(visit, [each.receipt for each in acceptance.outcomes if isinstance(each, Accepted)])


def _submitted(visit: Visit, receipts: Sequence[Json]) -> Visit:
    """Keep the receipts, and no longer what was typed: that is in the journal now."""
    kept = {"messageId", "language", "large", "actors", "done"}
    content = {name: part for name, part in visit.content.items() if name in kept}
    names = ("acceptedMessageId", "acceptedAt", "position")
    first, *others = ({name: receipt[name] for name in names} for receipt in receipts)
    content |= {"body": {}, "facts": {}, "steps": {}, "receipt": first, **({"further": others} if others else {})}
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
