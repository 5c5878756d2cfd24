"""The passive checks of the standard over all that the sender sent in this run; each is a case of its requirement."""

from collections.abc import Mapping

from xinqiao.finding import Text
from xinqiao.recording import Check
from xinqiao.recording.checks import checks
from xinqiao_conformance.benches.sender import SenderBench
from xinqiao_conformance.case import Test
from xinqiao_conformance.cases.sender import case
from xinqiao_conformance.kits import kits
from xinqiao_conformance.passive import named, require_shown

# Checks of messages that travel with files: no kit of this role has them.
_OF_FILES = frozenset({"manifests"})
# Checks of certain messages only: for the kits of those who send them.
_ONLY_OF: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("arithmetic", "conserved", "finished", "value"), frozenset({"orderConfirmation"})),
    "tipping_off": frozenset({"kycDecision", "kycExpired"}),
}
_FIX = Text("在声明的数据中提供该内容后重新运行", "let the subject's own data hold it, and run again")


def _case_of(check: Check) -> Test:
    def test(bench: SenderBench) -> None:
        bench.send_each_type()
        require_shown(check, bench, bench.kit.types, _FIX)

    return named(test, check.id, __name__, check.title.en)


def _businesses(check: Check) -> frozenset[str]:
    """Return the only businesses of a check, none for every one."""
    wanted = _ONLY_OF.get(check.id, frozenset())
    return frozenset(each.business for each in kits() if each.role == "sender" and wanted.intersection(each.types))


for _check in checks().values():
    if "sender" in _check.roles and _check.id not in _OF_FILES:
        case(_check.requirement, last=True, businesses=_businesses(_check))(_case_of(_check))
