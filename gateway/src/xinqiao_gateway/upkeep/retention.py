"""Retention: what the rules say may go, goes, some of it in each turn; what was done is a message of the journal.

An erasure cannot be undone, so a rule only proposes it (an operator approves each, as for any proposal) unless it says
``approval: false``: where the law wants deletion without a person's doing, the rule itself is the decision.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog
from sqlalchemy import ColumnElement, Connection, and_, func, select

from xinqiao.errors import NotFound
from xinqiao.message import Json, new_message_id
from xinqiao.seal import SigningKey
from xinqiao.standard import STANDARD_VERSION
from xinqiao_gateway.journal import Journal, Refused
from xinqiao_gateway.journal.alarms import forget_alarms
from xinqiao_gateway.journal.erasure import erase_case
from xinqiao_gateway.journal.file_retention import count_kept_files, forget_files
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.journal.mark_tables import marks
from xinqiao_gateway.journal.marks import prune_marks
from xinqiao_gateway.journal.obligation_tables import alarms, obligations
from xinqiao_gateway.journal.obligations import forget
from xinqiao_gateway.journal.retention import EndedCase, count_attempts, ended_cases, thin_attempts
from xinqiao_gateway.operators import Operator
from xinqiao_gateway.policy.judgement import SUPERSEDED
from xinqiao_gateway.resolution.desk import Wish
from xinqiao_gateway.resolution.notice import notice, recorded
from xinqiao_gateway.upkeep.rules import EraseRule, RetentionRules

__all__ = ["MAKER", "Proposing", "Retention", "Swept"]

# Who proposes: no operator's token has this name, so any operator may check.
MAKER = "retention"
# What one commit deletes, and what one turn erases or proposes: operators are not to find thousands at once.
_PAGE = 5000
_MOST_CASES = 200

T = TypeVar("T")

_log = structlog.get_logger("retention")


class Proposing(Protocol):
    """Takes proposals (the desk)."""

    async def propose(self, operator: Operator, wish: Wish) -> Json:
        """Record what is asked for."""
        ...


@dataclass(frozen=True, slots=True)
class Swept:
    """What went, or would go: cases proposed for erasure, cases erased, and rows forgotten by kind."""

    proposed: tuple[EndedCase, ...]
    erased: tuple[EndedCase, ...]
    forgotten: dict[str, int]

    @property
    def is_nothing(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.proposed or self.erased or any(self.forgotten.values()))


class Retention:
    """Applies rules to a journal; ``institution`` is the gateway's own code, ``now`` the clock (Unix seconds)."""

    def __init__(
        self,
        journal: Journal,
        desk: Proposing,
        rules: RetentionRules,
        institution: str,
        key: SigningKey,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._journal = journal
        self._desk = desk
        self.rules = rules
        self._institution = institution
        self._key = key
        self._now = now

    def foreseen(self) -> Swept:
        """Return what a turn would do (of cases at most 200 a rule), and change nothing."""
        proposed, erased = self._cases(approval=True), self._cases(approval=False)
        return Swept(tuple(proposed), tuple(erased), self._read(self._counts))

    async def turn(self) -> Swept:
        """Do what there is to do now, at most 200 cases a rule and 5,000 rows a commit; record it in the journal."""
        to_propose = await self._journal.read(self._cases, approval=True)
        proposed = [each for each in to_propose if await self._propose(each)]
        to_erase = await self._journal.read(self._cases, approval=False)
        erased = [each for each in to_erase if await self._erase(each)]
        forgotten = await self._forget()
        swept = Swept(tuple(proposed), tuple(erased), forgotten)
        if any(forgotten.values()):
            await self._record(forgotten)
        if not swept.is_nothing:
            _log.info("retention.swept", proposed=len(proposed), erased=len(erased), **forgotten)
        return swept

    def _cases(self, *, approval: bool) -> list[EndedCase]:
        found: dict[tuple[str, bool, str], EndedCase] = {}
        for rule in self.rules.erase:
            if rule.approval == approval:
                for each in self._read(lambda c, rule=rule: self._ended(c, rule)):  # type: ignore[misc]
                    found.setdefault((each.case_id, each.test, each.parties), each)
        return list(found.values())

    def _ended(self, connection: Connection, rule: EraseRule) -> list[EndedCase]:
        before = self._now() - rule.after
        return ended_cases(connection, rule.process, rule.states, before, _MOST_CASES, MAKER)

    async def _propose(self, case: EndedCase) -> bool:
        reason = f"retention: {case.state} since {case.changed_at[:10]}"
        wish = Wish("erase", reason, case_id=case.case_id, institution=case.parties.split("|")[0], test=case.test)
        try:
            await self._desk.propose(Operator(MAKER), wish)
        except NotFound:
            return False
        return True

    async def _erase(self, case: EndedCase) -> bool:
        """Erase a case in the very commit that records it; say whether it was there."""
        at = written(self._journal.now())
        reason = f"retention: {case.state} since {case.changed_at[:10]}"
        about = {"proposal_id": None, "exception_id": None, "action": "erase", "arguments": case.arguments}
        done = about | {"reason": reason, "maker": MAKER, "checker": None, "proposed_at": at, "decided_at": at}

        def effect(connection: Connection, _position: int) -> None:
            erase_case(connection, case.case_id, case.test, case.parties, reason, at)

        message = notice(self._institution, done, None, "RESOLVED")
        # Under a key of its own: the record outlives what it is about. The body still names the case.
        del message["header"]["caseId"]
        try:
            await self._submit(message, effect)
        except NotFound:
            return False
        return True

    async def _forget(self) -> dict[str, int]:
        rules, now = self.rules, self._now()
        return {
            "obligations": await self._once(rules.obligations, lambda c, age: forget(c, now - age)),
            "alarms": await self._once(rules.alarms, lambda c, age: forget_alarms(c, now - age)),
            "marks": await self._paged(rules.marks, lambda c, age: prune_marks(c, now - age, _PAGE)),
            "attempts": await self._paged(rules.attempts, lambda c, age: thin_attempts(c, now - age, _PAGE)),
            "files": await self._paged(rules.files, lambda c, age: forget_files(c, now - age, _PAGE, now)),
        }

    async def _once(self, age: float | None, act: Callable[[Connection, float], int]) -> int:
        return 0 if age is None else await self._journal.run(lambda c: act(c, age))

    async def _paged(self, age: float | None, act: Callable[[Connection, float], int]) -> int:
        count = 0
        while (gone := await self._once(age, act)) > 0:
            count += gone
            if gone < _PAGE:
                break
        return count

    def _counts(self, connection: Connection) -> dict[str, int]:
        """Return how many rows would be forgotten."""
        rules, now, o, a, m = self.rules, self._now(), obligations.c, alarms.c, marks.c

        def rows(age: float | None, old: Callable[[float], ColumnElement[bool]]) -> int:
            if age is None:
                return 0
            return int(connection.execute(select(func.count()).where(old(now - age))).scalar_one())

        return {
            "obligations": rows(
                rules.obligations, lambda at: and_(o.state != "open", o.settled_at < at, o.due_at < at)
            ),
            "alarms": rows(rules.alarms, lambda at: a.raised_at < at),
            "marks": rows(rules.marks, lambda at: and_(m.at < at, m.rule != SUPERSEDED)),
            "attempts": 0 if rules.attempts is None else count_attempts(connection, now - rules.attempts),
            "files": 0 if rules.files is None else count_kept_files(connection, now - rules.files),
        }

    async def _record(self, forgotten: dict[str, int]) -> None:
        """Say in the journal what was forgotten."""
        at = written(self._journal.now())
        counts = ", ".join(f"{name} {count}" for name, count in forgotten.items() if count)
        header = {
            "messageId": new_message_id(),
            "standardVersion": STANDARD_VERSION,
            "sender": self._institution,
            "receiver": self._institution,
            "operator": MAKER,
            "createdAt": at,
        }
        body = {
            "exceptionNo": f"retention-{at[:19]}",
            "kind": "retention",
            "state": "RESOLVED",
            "text": {"zh": "到期清理", "en": "forgotten after their time"},
            "raisedAt": at,
            "resolvedAt": at,
            "handledBy": MAKER,
            "resolution": f"forgotten: {counts}",
        }
        await self._submit({"header": header, "exceptionNotice": body}, lambda _connection, _position: None)

    async def _submit(self, message: Json, effect: Callable[[Connection, int], None]) -> None:
        for outcome in await self._journal.submit(recorded(message, self._key, effect)):
            if isinstance(outcome, Refused):
                raise outcome.error

    def _read(self, act: Callable[[Connection], T]) -> T:
        with self._journal.reading.engine.begin() as connection:
            return act(connection)
