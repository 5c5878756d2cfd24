"""The rows of one commit as they come to be: numbered, encrypted, inserted, chained and signed."""

import hashlib
import time
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select

from xinqiao.evidence import CHAIN_START, CHAIN_TYPE, Tree, chain_value
from xinqiao.message import write_json
from xinqiao.seal import SigningKey, seal
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.entry import Entry, Submission
from xinqiao_gateway.journal.receipts import Proofs, leaf_of
from xinqiao_gateway.journal.vault import Vault
from xinqiao_gateway.processes import CaseState, Decision

__all__ = ["Batch", "CaseKey", "Key", "Row", "scope_of"]

Key = tuple[str, str, str]
CaseKey = tuple[str, bool]
Row = dict[str, Any]


def scope_of(entry: Entry) -> str:
    """Return whose data key protects a message: its case's, or its own where it belongs to no case."""
    header = entry.header
    if header.case_id is None:
        return f"message:{entry.channel}:{header.message_id}"
    return f"case:{'test' if header.test else 'production'}:{header.case_id}"


@dataclass(slots=True)
class Batch:
    """A commit under construction. ``known`` are the rows of keys seen before, in this batch or earlier."""

    vault: Vault
    number: int
    first_position: int
    first_raw: int
    accepted_at: str
    known: dict[Key, Row]
    cases: dict[CaseKey, CaseState]
    stored_cases: frozenset[CaseKey]
    new_scopes: dict[str, bytes] = field(default_factory=dict)
    changed_cases: set[CaseKey] = field(default_factory=set)
    raws: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    deliveries: list[Row] = field(default_factory=list)
    exceptions: list[Row] = field(default_factory=list)

    def stage_raw(self, submission: Submission, scope: str) -> Row:
        """Stage a raw input under the key of its first message."""
        self._ensure_key(scope)
        raw_id = self.first_raw + len(self.raws)
        content = self.vault.encrypt(scope, submission.content, f"raw:{raw_id}")
        row = {
            "raw_id": raw_id,
            "scope": scope,
            "content_type": submission.content_type,
            "signature": submission.signature,
            "content": content,
        }
        self.raws.append(row)
        return row

    def stage_message(self, entry: Entry, decision: Decision, raw: Row, canonical_is_raw: bool) -> Row:
        """Stage a message with what follows from it; return its row."""
        scope = scope_of(entry)
        self._ensure_key(scope)
        position = self.first_position + len(self.messages)
        canonical = (
            None if canonical_is_raw else self.vault.encrypt(scope, write_json(entry.message), f"canonical:{position}")
        )
        row = self._message_row(entry, position)
        row |= {"raw_id": raw["raw_id"], "scope": scope, "canonical": canonical}
        row["case_state"] = decision.case.state if decision.case else None
        row["leaf"] = leaf_of(row, hashlib.sha256(raw["content"]).digest(), _digest(canonical))
        self.messages.append(row)
        self.known[entry.channel, entry.interface, entry.key] = row
        self._stage_case(entry, decision, position)
        self._stage_deliveries(entry, decision, position)
        return row

    def _ensure_key(self, scope: str) -> None:
        if not self.vault.holds(scope):
            self.new_scopes[scope] = self.vault.new_key(scope)

    def _message_row(self, entry: Entry, position: int) -> Row:
        header = entry.header
        return {
            "position": position,
            "batch": self.number,
            "channel": entry.channel,
            "interface": entry.interface,
            "partner_key": entry.key,
            "digest": self.vault.keyed_digest(entry.digest),
            "message_id": header.message_id,
            "message_type": entry.message_type.body,
            "sender": header.sender,
            "receiver": header.receiver,
            "case_id": header.case_id,
            "correlation_id": header.correlation_id,
            "partner_serial": header.partner_serial,
            "business_date": header.business_date,
            "replaces": header.replaces,
            "test": header.test,
            "accepted_at": self.accepted_at,
        }

    def _stage_case(self, entry: Entry, decision: Decision, position: int) -> None:
        header = entry.header
        if decision.verdict == "advance" and header.case_id is not None:
            self.changed_cases.add((header.case_id, header.test))
        if decision.exception:
            self.exceptions.append(
                {
                    "position": position,
                    "case_id": header.case_id,
                    "kind": decision.exception,
                    "expected": ", ".join(decision.expected),
                    "state": "open",
                    "raised_at": self.accepted_at,
                }
            )

    def _stage_deliveries(self, entry: Entry, decision: Decision, position: int) -> None:
        for channel, pushed in entry.destinations:
            # A parked fact waits for a person; a channel without push is read from by the partner.
            state = "parked" if decision.verdict == "park" else "pending" if pushed else "waiting"
            self.deliveries.append(
                {
                    "position": position,
                    "channel": channel,
                    "lane": entry.header.case_id or entry.header.message_id,
                    "state": state,
                    "attempts": 0,
                    "due_at": time.time(),
                    "changed_at": self.accepted_at,
                }
            )

    def insert(self, connection: Connection, key: SigningKey) -> Proofs:
        """Write everything staged and the batch's signed chain value; return the proofs of its rows."""
        proofs = self._proofs(connection, key)
        if self.new_scopes:
            rows = [{"scope": scope, "wrapped": wrapped} for scope, wrapped in self.new_scopes.items()]
            connection.execute(insert(tables.data_keys), rows)
        connection.execute(insert(tables.raws), self.raws)
        connection.execute(insert(tables.messages), self.messages)
        self._write_cases(connection)
        if self.deliveries:
            connection.execute(insert(tables.deliveries), self.deliveries)
        if self.exceptions:
            connection.execute(insert(tables.exceptions), self.exceptions)
        connection.execute(
            insert(tables.batches).values(
                batch=self.number,
                first_position=self.first_position,
                size=len(self.messages),
                root=proofs.tree.root,
                previous=proofs.previous,
                chain=proofs.chain,
                signature=proofs.signature,
            )
        )
        return proofs

    def _proofs(self, connection: Connection, key: SigningKey) -> Proofs:
        b = tables.batches.c
        last = connection.execute(select(b.chain).where(b.batch == self.number - 1)).scalar()
        previous = last or CHAIN_START
        tree = Tree.over([row["leaf"] for row in self.messages])
        chain = chain_value(previous, self.number, len(self.messages), tree.root)
        signature = seal(chain, CHAIN_TYPE, key).signature
        return Proofs(self.number, self.first_position, tree, previous, chain, signature)

    def _write_cases(self, connection: Connection) -> None:
        rows = [self._case_row(case) for case in sorted(self.changed_cases)]
        fresh = [row for row in rows if (row["case_id"], row["test"]) not in self.stored_cases]
        if fresh:
            opened = [row | {"opened_at": self.accepted_at} for row in fresh]
            connection.execute(insert(tables.cases), opened)
        stored = [row for row in rows if (row["case_id"], row["test"]) in self.stored_cases]
        for row in stored:
            c = tables.cases.c
            connection.execute(
                tables.cases.update()
                .where(c.case_id == row["case_id"], c.test == row["test"])
                .values(state=row["state"], memory=row["memory"], changed_at=row["changed_at"])
            )

    def _case_row(self, case: CaseKey) -> Row:
        now = self.cases[case]
        return {
            "case_id": case[0],
            "test": case[1],
            "process": now.process,
            "state": now.state,
            "memory": orjson.dumps(now.memory).decode(),
            "changed_at": self.accepted_at,
        }


def _digest(content: bytes | None) -> bytes:
    return b"" if content is None else hashlib.sha256(content).digest()
