"""The trust contracts that the core knows, by case."""

from dataclasses import dataclass, replace

from xinqiao.message import Json, content_digest
from xinqiao_conformance.simulators.newest import Newest

__all__ = ["Contract", "Contracts"]

# Contracts that are remembered.
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Contract:
    """What the core keeps of a proposal: who sent it, what was agreed, who signs as trustee.

    ``trust_code`` is empty until the contract is effective. ``document`` is the digest that is signed.
    """

    case_id: str
    partner: str
    number: str
    trust_name: str
    scale: Json
    document: Json
    trustee: Json | None
    test: bool
    trust_code: str = ""


def _trustee_of(proposal: Json) -> Json | None:
    for each in proposal["parties"]:
        if "TRUSTEE" in each["roles"] and each.get("signs"):
            party: Json = each["party"]
            return party
    return None


class Contracts:
    """Contracts by case; a later proposal of the same case takes the place of the earlier one."""

    def __init__(self) -> None:
        self._by_case: Newest[str, Contract] = Newest(_MOST)
        self._effective = 0

    def propose(self, case_id: str, message: Json) -> Contract:
        """Take note of a proposal."""
        proposal, header = message["contractProposal"], message["header"]
        documents = proposal.get("documents")
        digest = {"algorithm": "SHA256", "value": content_digest(message)}
        contract = Contract(
            case_id=case_id,
            partner=header["sender"],
            number=proposal["contractNo"],
            trust_name=proposal["trustName"],
            scale=proposal["scale"],
            document=documents[0]["digest"] if documents else digest,
            trustee=_trustee_of(proposal),
            test=header.get("test", False),
        )
        self._by_case[case_id] = contract
        return contract

    def of(self, case_id: str) -> Contract | None:
        """Return the contract of a case, or None."""
        return self._by_case.get(case_id)

    def make_effective(self, contract: Contract, prefix: str, date: str) -> Contract:
        """Give a contract its registration code: ``prefix``, the date's digits, a running number of seven."""
        self._effective += 1
        code = f"{prefix}{date.replace('-', '')}{self._effective:07d}"
        effective = replace(contract, trust_code=code)
        self._by_case[contract.case_id] = effective
        return effective

    def latest_effective(self) -> Contract | None:
        """Return the contract that became effective last, or None."""
        return max(
            (each for each in self._by_case.values() if each.trust_code),
            key=lambda each: each.trust_code[-7:],
            default=None,
        )
