"""What the trust company does about each message. Pure but for its own state: no network, no clock of its own."""

import hashlib
import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from importlib.resources import files
from typing import Any

import yaml

from xinqiao.message import Json, message_type, new_message_id, timestamp
from xinqiao.standard import STANDARD_VERSION
from xinqiao_conformance.simulators.core.contracts import Contract, Contracts
from xinqiao_conformance.simulators.core.funds import Funds, Instruction
from xinqiao_conformance.simulators.institution import Unable

__all__ = ["Behaviour", "Core", "read_behaviour"]

Behaviour = Mapping[str, Any]
Reaction = Callable[[Json], list[Json]]


def read_behaviour() -> Behaviour:
    """Return the shipped behaviour, ``core.yaml``."""
    text = (files(__package__) / "core.yaml").read_text(encoding="utf-8")
    behaviour: Behaviour = yaml.safe_load(text)
    return behaviour


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)


class Core:
    """A trust company's core system. ``react`` and the steps return the messages that it wants sent, in order.

    ``now`` gives the instant that it writes into what it sends.
    """

    def __init__(self, behaviour: Behaviour, now: Callable[[], datetime]) -> None:
        self._behaviour = behaviour
        self._zone = timezone(timedelta(hours=behaviour["utc_offset_hours"]))
        self._clock = now
        self._lock = threading.Lock()
        self._contracts = Contracts()
        self._funds = Funds(Decimal(behaviour["funds"]["tolerance"]))
        self._disclosures = 0
        self._reactions: dict[str, Reaction] = {
            "kycApplication": self._decide,
            "contractProposal": self._sign,
            "deliveryInstruction": self._note_instruction,
            "accountEntry": self._match,
        }

    def react(self, message: Json) -> list[Json]:
        """Return the answers to a message; most facts need none."""
        reaction = self._reactions.get(message_type(message).body)
        if reaction is None or "caseId" not in message["header"]:
            return []
        with self._lock:
            return reaction(message)

    def report_nav(self, case_id: str | None = None) -> Json:
        """Return a NAV report of an effective trust, by default the latest. Raises ``Unable`` without one."""
        contract = self._effective(case_id)
        nav = self._behaviour["nav"]
        units = Decimal(contract.scale["value"])
        assets = (units * Decimal(nav["unit_nav"])).quantize(Decimal("0.01"), ROUND_HALF_UP)
        body = {
            "instrument": {"code": contract.trust_code, "name": contract.trust_name},
            "navDate": self._today().isoformat(),
            "unitNav": nav["unit_nav"],
            "cumulativeNav": nav["unit_nav"],
            "units": f"{units:.2f}",
            "netAssets": {"value": str(assets), "currency": contract.scale["currency"]},
            "state": nav["state"],
        }
        return self._to_partner(contract, "navReport", body)

    def disclose(self, case_id: str | None = None) -> Json:
        """Return a disclosure notice about an effective trust, by default the latest. Raises ``Unable``."""
        contract = self._effective(case_id)
        with self._lock:
            self._disclosures += 1
            number = f"DS{self._today():%Y%m%d}{self._disclosures:04d}"
        about, today = self._behaviour["disclosure"], self._today()
        title = about["title"].format(name=contract.trust_name, month=f"{today.year}年{today.month}月")
        paper = f"{number} {title}".encode()
        digest = {"algorithm": "SHA256", "value": hashlib.sha256(paper).hexdigest()}
        document = {"name": f"{number}.pdf", "mediaType": "application/pdf", "digest": digest}
        body = {
            "disclosureNo": number,
            "kind": about["kind"],
            "instrument": {"code": contract.trust_code, "name": contract.trust_name},
            "title": title,
            "periodStart": today.replace(day=1).isoformat(),
            "periodEnd": today.isoformat(),
            "documents": [document],
            "recipients": about["recipients"],
            "publishedAt": self._instant(),
            "receiptDueBy": self._instant(timedelta(days=about["receipt_due_days"])),
        }
        return self._to_partner(contract, "disclosureNotice", body)

    def _decide(self, message: Json) -> list[Json]:
        rule = self._behaviour["kyc"]
        body = {
            "applicationNo": message["kycApplication"]["applicationNo"],
            "outcome": rule["outcome"],
            "amlRisk": rule["aml_risk"],
            "validUntil": _years_later(self._today(), rule["valid_years"]).isoformat(),
            "decidedAt": self._instant(),
        }
        return [self._answer(message, "kycDecision", body)]

    def _sign(self, message: Json) -> list[Json]:
        contract = self._contracts.propose(message["header"]["caseId"], message)
        if contract.trustee is None:
            return []
        how = self._behaviour["signature"]
        body = {
            "contractNo": contract.number,
            "partyId": contract.trustee["partyId"],
            "signerName": contract.trustee["name"],
            "method": how["method"],
            "signedAt": self._instant(),
            "certificateSerial": how["certificate_serial"],
            "certificateIssuer": how["certificate_issuer"],
            "documentDigest": contract.document,
            "place": how["place"],
        }
        return [self._answer(message, "signatureEvidence", body)]

    def _note_instruction(self, message: Json) -> list[Json]:
        body = message["deliveryInstruction"]
        if "cash" in body:
            case_id = message["header"]["caseId"]
            self._funds.instruct(Instruction(case_id, body["instructionNo"], body["contractNo"], body["cash"]))
        return []

    def _match(self, message: Json) -> list[Json]:
        entry, case_id = message["accountEntry"], message["header"]["caseId"]
        if entry["direction"] != "CREDIT":
            return []
        verdict = self._funds.match(case_id, entry)
        instruction = verdict.instruction
        body = {
            "bankReference": entry["bankReference"],
            "result": verdict.result,
            "amount": entry["amount"],
            "matchedAt": self._instant(),
        }
        if verdict.reason:
            body["reason"] = verdict.reason
        if instruction:
            body["instructionNo"] = instruction.number
        if instruction and verdict.reason:
            body["expectedAmount"] = instruction.cash["amount"]
        answers = [self._answer(message, "fundsMatch", body)]
        if instruction and not verdict.reason:
            answers += self._deliver(message, instruction)
        return answers

    def _deliver(self, message: Json, instruction: Instruction) -> list[Json]:
        today = self._today().isoformat()
        confirmation = {
            "instructionNo": instruction.number,
            "contractNo": instruction.contract_no,
            "deliveredOn": today,
            "cash": instruction.cash,
        }
        answers = [self._answer(message, "deliveryConfirmation", confirmation)]
        contract = self._contracts.of(instruction.case_id)
        if contract is None or contract.trust_code or self._funds.has_open(instruction.case_id):
            return answers
        contract = self._contracts.make_effective(contract, self._behaviour["trust_code_prefix"], today)
        effective = {
            "contractNo": contract.number,
            "trustCode": contract.trust_code,
            "trustName": contract.trust_name,
            "effectiveDate": today,
            "scale": contract.scale,
            "trustAccount": instruction.cash["payeeAccount"],
        }
        return [*answers, self._answer(message, "contractEffective", effective)]

    def _effective(self, case_id: str | None) -> Contract:
        with self._lock:
            contract = self._contracts.of(case_id) if case_id else self._contracts.latest_effective()
        if contract is None or not contract.trust_code:
            raise Unable(409, f"no trust is effective{f' in case {case_id}' if case_id else ''}")
        return contract

    def _answer(self, message: Json, body_key: str, body: Json) -> Json:
        asked = message["header"]
        header = self._header(asked["sender"], asked["caseId"], asked.get("test", False))
        return {"header": {**header, "correlationId": asked["messageId"]}, body_key: body}

    def _to_partner(self, contract: Contract, body_key: str, body: Json) -> Json:
        return {"header": self._header(contract.partner, contract.case_id, contract.test), body_key: body}

    def _header(self, receiver: str, case_id: str, test: bool) -> Json:
        header: Json = {
            "messageId": new_message_id(),
            "standardVersion": STANDARD_VERSION,
            "sender": self._behaviour["institution"],
            "receiver": receiver,
            "caseId": case_id,
            "businessDate": self._today().isoformat(),
            "createdAt": timestamp(self._clock()),
        }
        return {**header, "test": True} if test else header

    def _today(self) -> date:
        return self._clock().astimezone(self._zone).date()

    def _instant(self, later: timedelta = timedelta()) -> str:
        return (self._clock() + later).astimezone(self._zone).isoformat(timespec="seconds")
