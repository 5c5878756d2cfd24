"""The rows of one commit as they come to be: numbered, encrypted, inserted, chained and signed."""

import time
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select

from xinqiao.evidence import CHAIN_START, CHAIN_TYPE, Tree, chain_value, leaf_hash
from xinqiao.message import Header
from xinqiao.seal import SigningKey, seal
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.entry import Entry, Submission
from xinqiao_gateway.journal.receipts import Proofs, commitment_of, witness_of
from xinqiao_gateway.journal.vault import DataKey, Vault
from xinqiao_gateway.processes import CaseState, Decision

__all__ = ["Batch", "CaseKey", "Key", "Row", "case_key", "scope_of"]

Key = tuple[str, str, str]
# Case id, test, and the two institutions: each pair numbers its cases by itself.
CaseKey = tuple[str, bool, str]
Row = dict[str, Any]


def case_key(header: Header) -> CaseKey:
    """Return which case a message belongs to; the id is empty where it belongs to none."""
    return header.case_id or "", header.test, "|".join(sorted((header.sender, header.receiver)))


def scope_of(entry: Entry) -> str:
    """Return whose data key protects a message: its case's, or its own where it belongs to no case."""
    if entry.header.case_id is None:
        return f"message:{entry.channel}:{entry.header.message_id}"
    case_id, test, parties = case_key(entry.header)
    return f"case:{'test' if test else 'production'}:{parties}:{case_id}"


@dataclass(slots=True)
class Batch:
    """A commit under construction.

    ``known`` are the rows of keys seen before, in this batch or earlier; ``data_keys`` the keys in use, of which
    ``new_keys`` are stored by this commit and by no other.
    """

    vault: Vault
    number: int
    first_position: int
    first_raw: int
    first_sequence: int
    accepted_at: str
    known: dict[Key, Row]
    cases: dict[CaseKey, CaseState]
    stored_cases: frozenset[CaseKey]
    data_keys: dict[str, DataKey]
    new_keys: list[DataKey] = field(default_factory=list)
    changed_cases: set[CaseKey] = field(default_factory=set)
    raws: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    deliveries: list[Row] = field(default_factory=list)
    exceptions: list[Row] = field(default_factory=list)

    def stage_raw(self, submission: Submission, scope: str) -> Row:
        """Stage a raw input under the key of its first message."""
        raw_id = self.first_raw + len(self.raws)
        row = {
            "raw_id": raw_id,
            "scope": scope,
            "content_type": submission.content_type,
            "signature": submission.signature,
            "content": self._data_key(scope).encrypt(submission.content, f"raw:{raw_id}"),
        }
        self.raws.append(row)
        return row

    def stage_message(self, entry: Entry, decision: Decision, raw: Row) -> Row:
        """Stage a message with what follows from it; return its row."""
        scope, position = scope_of(entry), self.first_position + len(self.messages)
        kept = entry.canonical
        row = self._message_row(entry, position)
        row["raw_id"], row["scope"] = raw["raw_id"], scope
        row["canonical"] = kept and self._data_key(scope).encrypt(kept, f"canonical:{position}")
        row["case_state"] = decision.case.state if decision.case else None
        row["commitment"] = commitment_of(row, entry.digest, self.vault)
        row["witness"] = witness_of(row, raw)
        self.messages.append(row)
        self.known[entry.channel, entry.interface, entry.key] = row
        self._stage_case(entry, decision, position)
        self._stage_deliveries(entry, decision, position)
        return row

    def _data_key(self, scope: str) -> DataKey:
        key = self.data_keys.get(scope)
        if key is None:
            key = self.data_keys[scope] = self.vault.new_key(scope)
            self.new_keys.append(key)
        return key

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
            self.changed_cases.add(case_key(header))
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
                    "sequence": self.first_sequence + len(self.deliveries),
                    "state": state,
                    "attempts": 0,
                    "due_at": time.time(),
                    "changed_at": self.accepted_at,
                }
            )

    def insert(self, connection: Connection, key: SigningKey) -> Proofs:
        """Write everything staged and the batch's signed chain value; return the proofs of its rows."""
        proofs = self._proofs(connection, key)
        if self.new_keys:
            rows = [{"scope": each.scope, "wrapped": each.wrapped} for each in self.new_keys]
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
        tree = Tree.over([leaf_hash(row["commitment"], row["witness"]) for row in self.messages])
        chain = chain_value(previous, self.number, len(self.messages), tree.root)
        signature = seal(chain, CHAIN_TYPE, key).signature
        return Proofs(self.number, self.first_position, tree, previous, chain, signature)

    def _write_cases(self, connection: Connection) -> None:
        c = tables.cases.c
        opened = sorted(self.changed_cases - self.stored_cases)
        if opened:
            rows = [self._case_row(key) | {"opened_at": self.accepted_at} for key in opened]
            connection.execute(insert(tables.cases), rows)
        for key in sorted(self.changed_cases & self.stored_cases):
            same = (c.case_id == key[0], c.test == key[1], c.parties == key[2])
            connection.execute(tables.cases.update().where(*same).values(self._case_row(key)))

    def _case_row(self, key: CaseKey) -> Row:
        now = self.cases[key]
        return {
            "case_id": key[0],
            "test": key[1],
            "parties": key[2],
            "opener": now.opener,
            "process": now.process,
            "state": now.state,
            "memory": orjson.dumps(now.memory).decode(),
            "changed_at": self.accepted_at,
        }
