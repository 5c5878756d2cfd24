"""The rows of one commit as they come to be: numbered, encrypted, inserted, chained and signed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from xinqiao.evidence import CHAIN_TYPE, Tree, chain_value, leaf_hash
from xinqiao.seal import SigningKey, seal
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.bulk import insert_rows
from xinqiao_gateway.journal.cases import CaseKey, case_key, moved, save
from xinqiao_gateway.journal.entry import Effect, Entry, Hold, Submission
from xinqiao_gateway.journal.lanes import lane_of
from xinqiao_gateway.journal.receipts import Proofs, commitment_of, digest_of, witness_of
from xinqiao_gateway.journal.vault import DataKey, Vault
from xinqiao_gateway.processes import CaseState, Decision

__all__ = ["Batch", "Key", "Row", "case_scope", "scope_of"]

Key = tuple[str, str, str]
Row = dict[str, Any]


def case_scope(case_id: str, test: bool, parties: str) -> str:
    """Return the scope of the data key that protects a case; see ``case_key``."""
    return f"case:{'test' if test else 'production'}:{parties}:{case_id}"


def scope_of(entry: Entry) -> str:
    """Return whose data key protects a message: its case's, or its own where it belongs to no case."""
    if entry.header.case_id is None:
        return f"message:{entry.channel}:{entry.header.message_id}"
    return case_scope(*case_key(entry.header))


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
    previous: bytes
    accepted_at: str
    now: float
    known: dict[Key, Row]
    cases: dict[CaseKey, CaseState]
    stored_cases: frozenset[CaseKey]
    data_keys: dict[str, DataKey]
    new_keys: list[DataKey] = field(default_factory=list)
    changed_cases: dict[CaseKey, CaseState] = field(default_factory=dict)
    raws: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    deliveries: list[Row] = field(default_factory=list)
    exceptions: list[Row] = field(default_factory=list)
    effects: list[tuple[Effect, int]] = field(default_factory=list)

    def stage_raw(self, submission: Submission, scopes: set[str]) -> Row:
        """Stage a raw input under the key of its messages, or under its own where it holds several cases.

        A piece of a file is under that of the file.
        """
        raw_id = self.first_raw + len(self.raws)
        scope = submission.scope or (min(scopes) if len(scopes) == 1 else f"input:{raw_id}")
        content = self._data_key(scope).encrypt(submission.content, f"raw:{raw_id}")
        row = {
            "raw_id": raw_id,
            "scope": scope,
            "content_type": submission.content_type,
            "signature": submission.signature,
            "content": content,
            "content_digest": digest_of(content),
        }
        self.raws.append(row)
        return row

    def stage_message(
        self, entry: Entry, decision: Decision, holds: Sequence[Hold], alerts: Sequence[Hold], raw: Row
    ) -> Row:
        """Stage a message with what follows from it; return its row.

        With ``holds`` it waits for a person; ``alerts`` only tell one.
        """
        scope, position = scope_of(entry), self.first_position + len(self.messages)
        kept = entry.canonical
        row = self._message_row(entry, position)
        row["raw_id"], row["scope"] = raw["raw_id"], scope
        row["canonical"] = kept and self._data_key(scope).encrypt(kept, f"canonical:{position}")
        row["canonical_digest"] = digest_of(row["canonical"])
        row["case_state"] = decision.case.state if decision.case else None
        row["commitment"] = commitment_of(row, entry.digest, self.vault)
        row["witness"] = witness_of(row, raw)
        self.messages.append(row)
        self.known[entry.channel, entry.interface, entry.key] = row
        if not holds:
            self.changed_cases |= moved(decision, entry.header)
        self._stage_exceptions(entry, decision, (*holds, *alerts), position)
        self._stage_deliveries(entry, position, parked=bool(holds) or decision.verdict == "park")
        if entry.effect is not None:
            self.effects.append((entry.effect, position))
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

    def _stage_exceptions(self, entry: Entry, decision: Decision, holds: Sequence[Hold], position: int) -> None:
        if decision.exception:
            self._raise(entry, Hold(decision.exception, decision.about or ""), position, ", ".join(decision.expected))
        for hold in holds:
            self._raise(entry, hold, position)

    def raise_refused(self, entry: Entry, raised: Iterable[Hold]) -> None:
        """Tell a person of a message that was refused; it has no position."""
        for each in raised:
            self._raise(entry, each, None)

    def _raise(self, entry: Entry, hold: Hold, position: int | None, expected: str = "") -> None:
        self.exceptions.append(
            {
                "position": position,
                "case_id": entry.header.case_id,
                "channel": entry.channel,
                "kind": hold.kind,
                "expected": expected,
                "detail": hold.detail,
                "state": "open",
                "raised_at": self.accepted_at,
            }
        )

    def _stage_deliveries(self, entry: Entry, position: int, *, parked: bool) -> None:
        # A directive outranks what is queued: it has a lane of its own, which nothing of the case can block.
        is_directive = entry.message_type.message_class == "DIRECTIVE"
        lane = lane_of(entry.header, is_directive=is_directive)
        for channel, pushed in entry.destinations:
            # A parked message waits for a person; a channel without push is read from by the partner.
            state = "parked" if parked else "pending" if pushed else "waiting"
            self.deliveries.append(
                {
                    "position": position,
                    "channel": channel,
                    "lane": lane,
                    "rank": 0 if is_directive else 1,
                    "sequence": self.first_sequence + len(self.deliveries),
                    "state": state,
                    "attempts": 0,
                    "created_at": self.now,
                    "due_at": self.now,
                    "changed_at": self.accepted_at,
                }
            )

    def insert(self, connection: Connection, key: SigningKey) -> Proofs:
        """Write everything staged and the batch's signed chain value; return the proofs of its rows."""
        proofs = self._proofs(key)
        keys = [{"scope": each.scope, "wrapped": each.wrapped} for each in self.new_keys]
        insert_rows(connection, tables.data_keys, keys)
        insert_rows(connection, tables.raws, self.raws)
        insert_rows(connection, tables.messages, self.messages)
        save(connection, self.changed_cases, self.stored_cases, self.accepted_at, self.now)
        insert_rows(connection, tables.deliveries, self.deliveries)
        row = {
            "batch": self.number,
            "first_position": self.first_position,
            "size": len(self.messages),
            "root": proofs.tree.root,
            "previous": proofs.previous,
            "chain": proofs.chain,
            "signature": proofs.signature,
            "accepted_at": self.accepted_at,
        }
        insert_rows(connection, tables.batches, [row])
        for effect, position in self.effects:
            effect(connection, position)
        return proofs

    def _proofs(self, key: SigningKey) -> Proofs:
        tree = Tree.over([leaf_hash(row["commitment"], row["witness"]) for row in self.messages])
        chain = chain_value(self.previous, self.number, len(self.messages), tree.root)
        signature = seal(chain, CHAIN_TYPE, key).signature
        return Proofs(self.number, self.first_position, tree, self.previous, chain, signature)
