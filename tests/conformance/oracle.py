"""What the gateway decides about the messages of a case: the walker of a path without any network."""

from datetime import UTC, datetime, timedelta

from xinqiao.errors import OutOfOrder
from xinqiao.finding import errors_in
from xinqiao.message import Json, message_type, timestamp, write_json
from xinqiao.outcome import receipt, rejection
from xinqiao.standard import message_types
from xinqiao.testing import BANK, TRUST_COMPANY
from xinqiao.validation import check
from xinqiao_conformance.observing import Exchange
from xinqiao_conformance.scenarios import Side
from xinqiao_conformance.simulators.drafting import Parties
from xinqiao_gateway.processes import CaseState, decide, item_ids

NOW = datetime(2026, 1, 5, 2, tzinfo=UTC)


class Oracle:
    """Both sides are the suite's, and the gateway is its decision on processes alone, taken from the real gateway."""

    def __init__(self) -> None:
        self.case: CaseState | None = None
        self.items: dict[str, CaseState] = {}
        self.verdicts: list[str] = []
        self.states: list[str] = []
        self.late: list[Json] = []
        self.advanced = timedelta()
        self.silent = False

    def parties(self, by: Side) -> Parties:
        return Parties(*((BANK, TRUST_COMPANY) if by == "opener" else (TRUST_COMPANY, BANK)))

    def now(self) -> datetime:
        return NOW + self.advanced

    def sends_itself(self, by: Side, body: str) -> bool:
        return False

    def send(self, by: Side, message: Json) -> Exchange:
        body, case_id = message_type(message).body, message["header"]["caseId"]
        assert errors_in(check(message, strict=True)) == []
        known = {each: self.items[each] for each in item_ids(case_id, body, message) if each in self.items}
        is_request = message_types()[body].message_class == "REQUEST"
        decision = decide(case_id, self.case, body, message, is_request, items=known)
        self.verdicts.append(decision.verdict)
        if decision.verdict == "advance":
            self.case = decision.case
            self.items |= decision.items
        self.states.append(self.case.state if self.case else "new")
        if decision.verdict == "refuse":
            said = rejection(TRUST_COMPANY, BANK, OutOfOrder(), message["header"]["messageId"])
            return Exchange(message, 409, write_json(said).decode())
        taken = {"acceptedMessageId": message["header"]["messageId"], "acceptedAt": timestamp(), "position": "1"}
        return Exchange(message, 202, write_json(receipt(TRUST_COMPANY, BANK, taken)).decode())

    def await_message(self, by: Side, body: str, case_id: str) -> Json | None:
        return self.late.pop() if self.late and self.advanced else None

    def advance(self, by: timedelta) -> None:
        self.advanced += by
