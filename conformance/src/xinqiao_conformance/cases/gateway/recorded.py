"""The passive checks of the standard over all that was exchanged with the gateway in this run; each is a case."""

from xinqiao.recording import Check
from xinqiao.recording.checks import checks
from xinqiao_conformance.benches.gateway import GatewayBench
from xinqiao_conformance.case import Test
from xinqiao_conformance.cases.gateway import case
from xinqiao_conformance.passive import look, named, nothing_shown

# Batches of files are taken by other fronts than those of this kit.
_OF_FILES = frozenset({"accounted", "refused_whole"})
# What only the deliveries show, and what only HTTP does.
_OF_DELIVERIES = frozenset({"lost_attributes", "unknown_kept"})
_OF_HTTP = frozenset({"statuses"})


def _case_of(check: Check) -> Test:
    def test(bench: GatewayBench) -> None:
        if not look(check, bench):
            raise nothing_shown(check, owner="suite")

    return named(test, check.id, __name__, check.title.en)


for _check in checks().values():
    if "gateway" in _check.roles and _check.id not in _OF_FILES:
        _needs = {"pull"} if _check.id in _OF_DELIVERIES else set()
        _transports = {"rest"} if _check.id in _OF_HTTP else set()
        case(_check.requirement, needs=_needs, transports=_transports, last=True)(_case_of(_check))
