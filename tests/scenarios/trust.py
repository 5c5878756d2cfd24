"""The set-up of a family trust on the stage: a bank that sends GB18030 XML, and the trustee's core.

What the bank's own format has no message for comes over a second channel of the bank, in the standard's words.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import xinqiao_adapters
from tests.scenarios.stage import BANK, TRUST, Stage, message

CASE, CONTRACT = "CASE-2026-0001", "JZ2026-0001"
_SAMPLES = Path(xinqiao_adapters.__file__).parent / "channels" / "demo-bank" / "samples"
# What the demo bank has no format for.
_MORE = (
    "additionalDelivery", "beneficiaryChange", "contractAmendment", "contractTermination", "distributionApplication",
    "distributionPayment", "investmentInstruction", "kycExpired", "kycUpdate", "paymentInstruction", "paymentResult",
    "personEvent", "recordingSession", "regulatorDirective", "requestResult", "returnOfFunds", "signatureRequest",
    "distributionNotice",
)  # fmt: skip


def trust(stage: Callable[[str], Stage], start: str = "2026-01-15 09:00") -> Stage:
    """Return a stage with the demo bank, its second channel, and the core."""
    found = stage(start)
    found.add("bank", extends="demo-bank")
    add_some(found, "bank-more", BANK, *_MORE)
    found.add("core", extends="canonical", institution=TRUST)
    return found


def add_some(play: Stage, channel: str, institution: str, *bodies: str, **more: Any) -> None:
    """Add a channel that carries some messages in the standard's own format."""
    one = {"title": {"zh": "补充消息", "en": "More"}, "direction": "both", "format": {"kind": "canonical"}}
    interfaces = {"messages": None} | {_name(body): one | {"message": body} for body in bodies}
    play.draw(channel, institution, extends="canonical", interfaces=interfaces, **more)


def _name(body: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in body)


def bank_xml(name: str, *changes: tuple[str, str]) -> bytes:
    """Return one of the bank's messages as it comes (GB18030), with texts of it changed."""
    text = (_SAMPLES / f"{name}.xml").read_bytes().decode("gb18030")
    for old, new in changes:
        assert old in text, f"{old} is not in {name}"
        text = text.replace(old, new)
    return text.encode("gb18030")


def from_bank(play: Stage, name: str, *changes: tuple[str, str]) -> str:
    """Send one of the bank's messages; return the code that the bank is answered."""
    response = play.post("bank", bank_xml(name, *changes), "application/xml")
    text = response.content.decode("gb18030")
    return text.partition("<RetCode>")[2].partition("</RetCode>")[0]


def core(play: Stage, body: str, receiver: str = BANK, **fields: Any) -> str:
    """Send a message of the core about the case; return its id."""
    return play.send("core", message(body, CASE, TRUST, receiver, **fields))


def approve_kyc(play: Stage, until: str = "2027-01-16") -> None:
    """Let the bank apply and the core approve."""
    assert from_bank(play, "kyc_apply") == "0000"
    core(play, "kycDecision", applicationNo="KYC2026-0001", outcome="APPROVED", validUntil=until)


def propose(play: Stage, until: str = "2027-01-16") -> None:
    """Go on to where the parties sign."""
    approve_kyc(play, until)
    assert from_bank(play, "contract_propose") == "0000"


def sign(play: Stage) -> None:
    """Let the settlor, the protector and the trustee sign."""
    settlor, protector = ("20260119000011", "20260119000011"), ("20260119000011", "20260119000012")
    assert from_bank(play, "sign_evidence", settlor) == "0000"
    assert (
        from_bank(play, "sign_evidence", protector, ("<PtyNo>P1<", "<PtyNo>P4<"), ("EV-2026-0001", "EV-2026-0009"))
        == "0000"
    )
    core(play, "signatureEvidence", contractNo=CONTRACT, partyId="T1", signerName="示例信托有限公司")


def instruct(play: Stage, until: str = "2027-01-16") -> None:
    """Go on to where ten million yuan are to be delivered."""
    propose(play, until)
    sign(play)
    assert from_bank(play, "delivery_instruct") == "0000"


def pay(play: Stage, *changes: tuple[str, str]) -> None:
    """Let the bank report the money on the account."""
    assert from_bank(play, "account_entry", *changes) == "0000"


def match(play: Stage, **fields: Any) -> str:
    """Let the core match the money, or leave it in suspense."""
    given = {"bankReference": "BR202601210001", "instructionNo": "DI2026-0001"} | fields
    return core(play, "fundsMatch", **given)


def deliver(play: Stage) -> None:
    """Let the core confirm the delivery."""
    core(play, "deliveryConfirmation", instructionNo="DI2026-0001", contractNo=CONTRACT)


def effective(**fields: Any) -> dict[str, Any]:
    """Return the message that the trust has become effective."""
    return message("contractEffective", CASE, TRUST, BANK, contractNo=CONTRACT, **fields)


def make_effective(play: Stage, until: str = "2027-01-16") -> None:
    """Set the trust up, with its ten million yuan."""
    instruct(play, until)
    pay(play)
    match(play)
    deliver(play)
    play.send("core", effective())
    assert play.state(CASE, BANK) == "effective"
