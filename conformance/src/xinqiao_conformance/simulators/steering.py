"""Carries out steering rules: when each message goes, how often, and what follows it."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any

from xinqiao.errors import Overloaded
from xinqiao.message import Json, message_type
from xinqiao_conformance.clock import Clock
from xinqiao_conformance.simulators.cases import CaseFile
from xinqiao_conformance.simulators.drafting import corrected, instant_in
from xinqiao_conformance.simulators.institution import Unable
from xinqiao_conformance.simulators.outbox import Outbox
from xinqiao_conformance.simulators.rules import Rule, Rulebook
from xinqiao_conformance.simulators.script import Script

__all__ = ["Outcome", "Steering"]

Outcome = dict[str, Any]
# Takes note that something became of a message other than its being sent: the message and what.
Note = Callable[[Json, str], None]


class Steering:
    """Lets messages go to an outbox as the rules in force say."""

    def __init__(self, script: Script, clock: Clock, outbox: "Outbox[Json, Outcome]", note: Note) -> None:
        self._due = script.due
        self._clock = clock
        self._outbox = outbox
        self._note = note
        self._rulebook = Rulebook()
        self._held: dict[str, list[Json]] = {}
        self._lock = threading.Lock()

    def rules(self) -> list[Rule]:
        """Return the rules in force."""
        return self._rulebook.rules()

    def add(self, rules: Sequence[Rule]) -> None:
        """Put rules in force. Raises ``Unable`` for one that cannot be kept: late without a time that is due."""
        for each in rules:
            if each.do == "late" and each.message not in self._due:
                known = ", ".join(self._due) or "none"
                raise Unable(400, f"{each.message} is not due by any time (those that are: {known}); take delay")
        self._rulebook.add(rules)

    def clear(self) -> None:
        """Take all rules away; what is held back or planned stays so."""
        self._rulebook.clear()

    def send(self, message: Json, file: CaseFile) -> "Future[Outcome]":
        """Let a message go, now or later; the future of one that does not go now says so at once."""
        body = message_type(message).body
        rule = self._rulebook.rule_for(body, file.case_id)
        if rule is None:
            return self._let_go(message, file)
        self._note(message, str(rule))
        now = self._clock.now()
        match rule.do:
            case "delay":
                self._later(now + rule.by, message)
            case "late":
                self._later(max(now, instant_in(self._due[body], file, now) or now) + rule.by, message)
            case "reorder":
                self._hold(message, file, now + rule.by)
            case "duplicate":
                return self._and_later(message, file, now + rule.by, message)
            case "correct":
                correction = corrected(message, rule.set, now)
                file.add(correction)
                return self._and_later(message, file, now + rule.by, correction)
        return _steered(message, rule)

    def _and_later(self, message: Json, file: CaseFile, at: datetime, more: Json) -> "Future[Outcome]":
        outcome = self._let_go(message, file)
        self._later(at, more)
        return outcome

    def _let_go(self, message: Json, file: CaseFile) -> "Future[Outcome]":
        with self._lock:
            # Where they do not all fit, what is held stays so.
            outcome = self._outbox.post([message, *self._held.get(file.case_id, [])])[0]
            self._held.pop(file.case_id, None)
        return outcome

    def _hold(self, message: Json, file: CaseFile, until: datetime) -> None:
        with self._lock:
            self._held.setdefault(file.case_id, []).append(message)
        self._at(until, message, lambda: self._free(message, file.case_id))

    def _free(self, message: Json, case_id: str) -> None:
        if self._release(message, case_id):
            self._post(message)

    def _release(self, message: Json, case_id: str) -> bool:
        """Take a message out of those that are held, and say whether it was one of them."""
        with self._lock:
            held = self._held.get(case_id, [])
            was_held = message in held
            if was_held:
                held.remove(message)
            if not held:
                self._held.pop(case_id, None)
        return was_held

    def _later(self, at: datetime, message: Json) -> None:
        self._at(at, message, lambda: self._post(message))

    def _at(self, at: datetime, message: Json, action: Callable[[], None]) -> None:
        try:
            self._clock.call_at(at, action)
        except Overloaded as error:
            self._release(message, message["header"]["caseId"])
            self._note(message, f"failed: {error.reason}")

    def _post(self, message: Json) -> None:
        try:
            self._outbox.post([message])
        except Overloaded as error:
            self._note(message, f"failed: {error.reason}")


def _steered(message: Json, rule: Rule) -> "Future[Outcome]":
    header = message["header"]
    future: Future[Outcome] = Future()
    future.set_result({"messageId": header["messageId"], "caseId": header["caseId"], "outcome": f"steered: {rule}"})
    return future
