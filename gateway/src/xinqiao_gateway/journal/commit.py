"""What one commit does: decide on a batch of submissions and store it, in one transaction.

Whether a key was seen, what a case expects and which position comes next is read and written inside the same
transaction, so the answers hold when it commits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, bindparam, func, select

from xinqiao.errors import BatchRefused, CaseMissing, Conflict, KeyUnusable, OutOfOrder, XinqiaoError
from xinqiao.message import timestamp
from xinqiao.seal import SigningKey
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.batch import Batch, CaseKey, Key, Row, case_key, scope_of
from xinqiao_gateway.journal.entry import Accepted, Entry, Outcome, Refused, Submission
from xinqiao_gateway.journal.receipts import Proofs, proofs_of, receipt_body
from xinqiao_gateway.journal.vault import DataKey, Vault
from xinqiao_gateway.processes import CaseState, Decision, decide

__all__ = ["Committed", "commit_batch"]


_m, _c, _k = tables.messages.c, tables.cases.c, tables.data_keys.c

# Built once: making a statement costs more than running it.
_HEAD = select(
    select(func.max(_m.position)).scalar_subquery(),
    select(func.max(tables.raws.c.raw_id)).scalar_subquery(),
    select(func.max(tables.batches.c.batch)).scalar_subquery(),
    select(func.max(tables.deliveries.c.sequence)).scalar_subquery(),
)
_BY_KEY = select(
    _m.channel,
    _m.interface,
    _m.partner_key,
    _m.digest,
    _m.position,
    _m.batch,
    _m.message_id,
    _m.accepted_at,
    _m.witness,
).where(_m.partner_key.in_(bindparam("keys", expanding=True)))
_BY_CASE = select(tables.cases).where(_c.case_id.in_(bindparam("named", expanding=True)))
_BY_SCOPE = select(_k.scope, _k.wrapped).where(_k.scope.in_(bindparam("scopes", expanding=True)))


@dataclass(frozen=True, slots=True)
class Committed:
    """The outcomes of each submission, and the keys that may be kept once the transaction is durable."""

    outcomes: list[list[Outcome]]
    data_keys: list[DataKey]


@dataclass(slots=True)
class _Verdict:
    """What becomes of one entry: an error, a row of before (``repeat``), or a decision and then its own row."""

    entry: Entry
    error: XinqiaoError | None = None
    decision: Decision | None = None
    row: Row | None = None
    repeat: bool = False


def commit_batch(connection: Connection, vault: Vault, key: SigningKey, submissions: Sequence[Submission]) -> Committed:
    """Store a batch in the caller's transaction; nothing of it counts before that commits."""
    entries = [entry for submission in submissions for entry in submission.entries]
    batch, unusable = _begin(connection, vault, entries)
    verdicts = [_settle(batch, unusable, submission) for submission in submissions]
    fresh = batch.insert(connection, key) if batch.messages else None
    proofs = _proofs(connection, fresh, (each for group in verdicts for each in group))
    outcomes = [[_outcome(vault, each, proofs) for each in group] for group in verdicts]
    return Committed(outcomes, list(batch.data_keys.values()))


def _begin(connection: Connection, vault: Vault, entries: Sequence[Entry]) -> tuple[Batch, dict[str, KeyUnusable]]:
    position, raw_id, number, sequence = connection.execute(_HEAD).one()
    cases = _cases(connection, entries)
    data_keys, unusable = _data_keys(connection, vault, {scope_of(entry) for entry in entries})
    batch = Batch(
        vault=vault,
        number=(number or 0) + 1,
        first_position=(position or 0) + 1,
        first_raw=(raw_id or 0) + 1,
        first_sequence=(sequence or 0) + 1,
        accepted_at=timestamp(),
        known=_known(connection, entries),
        cases=cases,
        stored_cases=frozenset(cases),
        data_keys=data_keys,
    )
    return batch, unusable


def _known(connection: Connection, entries: Sequence[Entry]) -> dict[Key, Row]:
    rows = connection.execute(_BY_KEY, {"keys": [entry.key for entry in entries]}).mappings()
    return {(row["channel"], row["interface"], row["partner_key"]): dict(row) for row in rows}


def _cases(connection: Connection, entries: Sequence[Entry]) -> dict[CaseKey, CaseState]:
    named = {entry.header.case_id for entry in entries if entry.header.case_id is not None}
    if not named:
        return {}
    return {
        (row.case_id, row.test, row.parties): CaseState(row.process, row.state, row.opener, orjson.loads(row.memory))
        for row in connection.execute(_BY_CASE, {"named": list(named)})
    }


def _data_keys(
    connection: Connection, vault: Vault, scopes: set[str]
) -> tuple[dict[str, DataKey], dict[str, KeyUnusable]]:
    """Return the keys of scopes that have one, and those that the master key does not open."""
    found, unusable = vault.kept(scopes), {}
    missing = scopes - found.keys()
    rows = connection.execute(_BY_SCOPE, {"scopes": list(missing)}).all() if missing else []
    for row in rows:
        try:
            found[row.scope] = vault.open_key(row.scope, row.wrapped)
        except KeyUnusable as error:
            unusable[row.scope] = error
    return found, unusable


def _settle(batch: Batch, unusable: dict[str, KeyUnusable], submission: Submission) -> list[_Verdict]:
    """Decide a submission's entries in order and stage what is accepted; all or nothing where it is atomic."""
    cases = dict(batch.cases)
    first: dict[Key, Entry] = {}
    verdicts = [
        _Verdict(entry, error=unusable[scope_of(entry)])
        if scope_of(entry) in unusable
        else _judge(batch, cases, first, entry)
        for entry in submission.entries
    ]
    if submission.atomic and any(each.error for each in verdicts):
        refusal = BatchRefused("correct the refused messages and send the input again")
        return [each if each.error else _Verdict(each.entry, error=refusal) for each in verdicts]
    batch.cases.update(cases)
    _stage(batch, submission, verdicts)
    return verdicts


def _judge(batch: Batch, cases: dict[CaseKey, CaseState], first: dict[Key, Entry], entry: Entry) -> _Verdict:
    """Decide one entry; ``cases`` are the states so far inside its submission and move on with it.

    A key that came earlier in the same submission (``first``) is left open: it repeats that entry's row.
    """
    header = entry.header
    key = (entry.channel, entry.interface, entry.key)
    known = batch.known.get(key)
    if known is not None:
        return _repeat(batch, entry, known)
    earlier = first.setdefault(key, entry)
    if earlier is not entry:
        return _Verdict(entry) if earlier.digest == entry.digest else _Verdict(entry, error=_conflict(entry))
    case = cases.get(case_key(header))
    is_request = entry.message_type.message_class == "REQUEST"
    decision = decide(header.case_id, case, entry.message_type.body, entry.message, is_request)
    if decision.verdict == "nameless":
        return _Verdict(entry, error=CaseMissing(f"{entry.message_type.name} opens a case"))
    if decision.verdict == "refuse":
        return _Verdict(entry, error=_out_of_order(entry, decision))
    if decision.verdict == "advance" and decision.case:
        cases[case_key(header)] = decision.case
    return _Verdict(entry, decision=decision)


def _repeat(batch: Batch, entry: Entry, known: Row) -> _Verdict:
    if known["digest"] == batch.vault.keyed_digest(entry.digest):
        return _Verdict(entry, row=known, repeat=True)
    return _Verdict(entry, error=_conflict(entry))


def _conflict(entry: Entry) -> Conflict:
    return Conflict(f"key {entry.key[:80]!r} of {entry.interface} came with another body")


def _out_of_order(entry: Entry, decision: Decision) -> OutOfOrder:
    state = f"is at {decision.case.state!r}" if decision.case else "does not exist yet"
    expected = ", ".join(decision.expected) or "nothing more"
    detail = f"case {entry.header.case_id} {state} and expects {expected}, not {entry.message_type.body}"
    return OutOfOrder(detail, expected=decision.expected)


def _stage(batch: Batch, submission: Submission, verdicts: Sequence[_Verdict]) -> None:
    raw: Row | None = None
    for verdict in verdicts:
        entry, decision = verdict.entry, verdict.decision
        if decision is not None:
            raw = raw or batch.stage_raw(submission, scope_of(entry))
            verdict.row = batch.stage_message(entry, decision, raw)
        elif verdict.row is None and verdict.error is None:
            earlier = batch.known.get((entry.channel, entry.interface, entry.key))
            refused = BatchRefused("the same key came earlier in this input and was refused")
            verdict.row, verdict.error, verdict.repeat = earlier, None if earlier else refused, True


def _proofs(connection: Connection, fresh: Proofs | None, verdicts: Iterable[_Verdict]) -> dict[int, Proofs]:
    proofs = {fresh.batch: fresh} if fresh else {}
    return proofs | proofs_of(connection, {each.row["batch"] for each in verdicts if each.row} - proofs.keys())


def _outcome(vault: Vault, verdict: _Verdict, proofs: dict[int, Proofs]) -> Outcome:
    if verdict.row is None:
        assert verdict.error is not None  # noqa: S101 -- a verdict is an error or a row
        return Refused(verdict.error)
    body = receipt_body(verdict.row, verdict.entry.digest, proofs[verdict.row["batch"]], vault)
    return Accepted(body, repeat=verdict.repeat)
