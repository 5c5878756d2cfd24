"""The passive checks of the standard over all that the receiver answered in this run; each is a case."""

from xinqiao.recording import Check
from xinqiao.recording.checks import checks
from xinqiao_conformance.benches.receiver import ReceiverBench
from xinqiao_conformance.case import Test
from xinqiao_conformance.cases.receiver import case
from xinqiao_conformance.passive import look, named, nothing_shown

# Requests of the suite stand for themselves, without the case around them that would be answered.
_OF_WHOLE_CASES = frozenset({"answered"})


def _case_of(check: Check) -> Test:
    def test(bench: ReceiverBench) -> None:
        if not look(check, bench):
            raise nothing_shown(check, owner="suite")

    return named(test, check.id, __name__, check.title.en)


for _check in checks().values():
    if "receiver" in _check.roles and _check.id not in _OF_WHOLE_CASES:
        case(_check.requirement, last=True)(_case_of(_check))
