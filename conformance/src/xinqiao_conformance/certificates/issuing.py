"""Certificates over results: what passed is said in numbers, and nothing that was not seen."""

from datetime import datetime, timedelta
from hashlib import sha256

from xinqiao.certificate import YEAR, CertifiedKit, Seen, Subject, issue
from xinqiao.errors import NotValid, SettingsInvalid
from xinqiao.keys import SigningKey
from xinqiao.signed import Issuer
from xinqiao_conformance.results.model import How, KitResult, Results, parse_results

__all__ = ["certify"]

_NAMED = 10


def certify(
    results: bytes,
    issuer: Issuer,
    key: SigningKey,
    *,
    channel: bool = False,
    lasting: timedelta = YEAR,
    at: datetime | None = None,
) -> bytes:
    """Return the file of a certificate over the content of a ``results.json``; how it was looked at is taken from it.

    ``channel``: the run went to the address that a channel of the issuer's gateway is set to. Raises ``NotValid``
    where the results failed, ``SettingsInvalid`` where they cannot be in such a certificate, and what ``parse_results``
    raises.
    """
    found = parse_results(results)
    if found.verdict != "passed":
        lacking = [f"{kit.kit} {each.id}" for kit in found.kits for each in kit.requirements if each.result == "failed"]
        more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
        said = ", ".join(lacking[:_NAMED]) or "nothing was run"
        raise NotValid(f"results that failed are not certified: {said}{more}")
    declared = found.declaration
    seen = Seen(
        subject=Subject(**declared.subject.model_dump()),
        standard=found.standard,
        kits=tuple(_counted(each) for each in found.kits),
        suite=found.suite.digest,
        declaration=declared.digest,
        results=f"sha256:{sha256(results).hexdigest()}",
        root=found.evidence.root,
        exchanges=found.evidence.exchanges,
        how=_how(found, channel=channel),
        tested_at=found.finished_at,
        supports=declared.supports,
    )
    return issue(seen, issuer, key, lasting=lasting, at=at)


def _how(found: Results, *, channel: bool) -> How:
    if not channel:
        return found.how
    if found.how == "recordings":
        raise SettingsInvalid("results of recordings are not of a channel: nothing was sent to it")
    return "channel"


def _counted(kit: KitResult) -> CertifiedKit:
    results = [each.result for each in kit.requirements]
    cases = [each for each in kit.cases if each.result != "unseen"]
    return CertifiedKit(
        kit=kit.kit,
        requirements=results.count("passed"),
        warnings=len(kit.warnings),
        unseen=results.count("unseen"),
        cases=len(cases),
        negative=sum(each.negative for each in cases),
    )
