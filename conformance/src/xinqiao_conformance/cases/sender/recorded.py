"""The passive checks of the standard over all that the sender sent in this run; each is a case of its requirement."""

from collections.abc import Mapping

from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao.recording import Check, Context, Recorded
from xinqiao.recording.checks import checks
from xinqiao.testing import vectors
from xinqiao_conformance.benches.sender import SenderBench
from xinqiao_conformance.case import Test
from xinqiao_conformance.cases.sender import case
from xinqiao_conformance.kits import kits
from xinqiao_conformance.passive import look, named, nothing_shown

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
        if not look(check, bench) and _is_always_shown(check, bench):
            raise nothing_shown(check, fix=_FIX)

    return named(test, check.id, __name__, check.title.en)


def _is_always_shown(check: Check, bench: SenderBench) -> bool:
    """Say whether a type of the kit always holds what the check is about, as each of its published examples does.

    The standard leaves the rest to the sender: where it does not occur there is nothing to show.
    """
    return any(all(_shows(check, each["message"], bench) for each in vectors(body)) for body in bench.kit.types)


def _shows(check: Check, message: Json, bench: SenderBench) -> bool:
    looked = check.test([Recorded("subject", "rest", message, number=1)], Context(bench.recording.head, "sender"))
    while True:
        try:
            next(looked)
        except StopIteration as end:
            return bool(end.value)


def _businesses(check: Check) -> frozenset[str]:
    """Return the only businesses of a check, none for every one."""
    wanted = _ONLY_OF.get(check.id, frozenset())
    return frozenset(each.business for each in kits() if each.role == "sender" and wanted.intersection(each.types))


for _check in checks().values():
    if "sender" in _check.roles and _check.id not in _OF_FILES:
        case(_check.requirement, last=True, businesses=_businesses(_check))(_case_of(_check))
