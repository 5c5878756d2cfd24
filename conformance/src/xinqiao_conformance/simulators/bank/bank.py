"""What the bank does: which document it writes at which step, and what it says to each notice."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from importlib.resources import files
from typing import Any

import yaml

from xinqiao_conformance.simulators.bank.documents import Document, fen, write_document
from xinqiao_conformance.simulators.institution import Unable

__all__ = ["Bank", "Knowledge", "Outgoing", "read_knowledge"]

Knowledge = Mapping[str, Any]


def read_knowledge() -> Knowledge:
    """Return what the shipped bank knows, ``bank.yaml``."""
    knowledge: Knowledge = yaml.safe_load((files(__package__) / "bank.yaml").read_text(encoding="utf-8"))
    return knowledge


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A document on its way out; its bytes and serial stay the same however often it is sent."""

    root: str
    serial: str
    case_id: str
    title: str
    content: bytes


def _on_the_same_day(day: date, years_later: int) -> str:
    year = day.year + years_later
    last = day.day if (day.month, day.day) != (2, 29) else 28
    return f"{day.replace(year=year, day=last):%Y%m%d}"


class Bank:
    """One customer's family trust, from the bank's side. ``now`` gives the instant that it writes."""

    def __init__(self, case_id: str, knowledge: Knowledge, now: Callable[[], datetime]) -> None:
        self.case_id = case_id
        self._knowledge = knowledge
        self._clock = now
        self._zone = timezone(timedelta(hours=knowledge["utc_offset_hours"]))
        self._lock = threading.Lock()
        self._written = 0
        self._disclosure: Mapping[str, Any] | None = None

    def step(self, name: str, options: Mapping[str, str]) -> Outgoing:
        """Write the document of a step. Raises ``Unable`` for a step that it does not know or cannot take."""
        if name not in self._knowledge["documents"]:
            known = ", ".join(self._knowledge["documents"])
            raise Unable(404, f"no step {name}; there are {known}")
        further: dict[str, Any] = {}
        if name == "payment":
            further["amount"] = self._amount(options)
        if name == "receipt":
            if self._disclosure is None:
                raise Unable(409, "nothing was disclosed yet")
            further["disclosure"] = self._disclosure
        return self._write(name, further)

    def react(self, document: Document) -> list[Outgoing]:
        """Return what the bank sends because of a notice: a receipt for a disclosure."""
        if document.root != "DiscNtc":
            return []
        digests = [
            {"algorithm": file.findtext("HashAlg"), "value": file.findtext("HashVal")}
            for file in document.body.iterfind("FileList/File")
        ]
        self._disclosure = {"number": document.text("DiscNo"), "files": digests}
        return [self._write("receipt", {"disclosure": self._disclosure}, document.case_id)]

    def describe(self, document: Document) -> str:
        """Return what a notice says, in the bank's words and without anything personal."""
        about = self._knowledge["notices"][document.root]
        values = ((document.text(path), meanings) for path, meanings in about["shown"].items())
        return " ".join([about["title"], *(meanings.get(value, value) for value, meanings in values if value)])

    def _amount(self, options: Mapping[str, str]) -> str:
        amount = options.get("amount", str(self._knowledge["trust"]["scale"]))
        try:
            fen(amount)
        except ValueError as error:
            raise Unable(400, str(error)) from error
        return amount

    def _write(self, name: str, further: Mapping[str, Any], case_id: str | None = None) -> Outgoing:
        about = self._knowledge["documents"][name]
        now = self._clock().astimezone(self._zone)
        head = {**self._knowledge["head"], "code": about["code"], "date": f"{now:%Y%m%d}"}
        head |= {"serial": self._next_serial(now), "case": case_id or self.case_id}
        today = now.date()
        values = {
            "bank": self._knowledge,
            "head": head,
            "time": f"{now:%Y%m%d%H%M%S}",
            "application": f"KYC-{self.case_id}",
            "contract": f"JZ-{self.case_id}",
            "instruction": f"DI-{self.case_id}",
            "next_year": _on_the_same_day(today, 1),
            "end_date": _on_the_same_day(today, self._knowledge["trust"]["years"]),
            "due_date": f"{today + timedelta(days=7):%Y%m%d}",
            **further,
        }
        content = write_document(about["root"], values)
        return Outgoing(about["root"], head["serial"], head["case"], about["title"], content)

    def _next_serial(self, now: datetime) -> str:
        with self._lock:
            self._written += 1
            return f"{now:%Y%m%d%H%M%S%f}{self._written:04d}"
