"""What one commit does: decide on a batch of submissions and store it, in one transaction.

Whether a key was seen, what a case expects and which position comes next is read and written inside the same
transaction, so the answers hold when it commits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, bindparam, func, select

from xinqiao.errors import (
    BatchRefused,
    CaseMissing,
    Conflict,
    ContentGone,
    KeyUnusable,
    OutOfOrder,
    PolicyForbids,
    XinqiaoError,
)
from xinqiao.evidence import CHAIN_START
from xinqiao.message import Header, new_message_id, write_json
from xinqiao.seal import SigningKey
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.batch import Batch, Key, Row, scope_of
from xinqiao_gateway.journal.bulk import insert_rows
from xinqiao_gateway.journal.cases import CaseKey, awaited, decided, ids_of, load, moved, with_flight
from xinqiao_gateway.journal.consequences import follow
from xinqiao_gateway.journal.entry import Accepted, Entry, Hold, Outcome, Refused, Submission
from xinqiao_gateway.journal.governance import Governance
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.journal.marks import JournalPast, marks_key
from xinqiao_gateway.journal.receipts import Proofs, proofs_of, receipt_body
from xinqiao_gateway.journal.vault import DataKey, Vault
from xinqiao_gateway.policy import PASSED, Judgement
from xinqiao_gateway.processes import CaseState, Decision

__all__ = ["Committed", "commit_batch"]


_m, _k, _b, _x = tables.messages.c, tables.data_keys.c, tables.batches.c, tables.exceptions.c

# Built once: making a statement costs more than running it.
_HEAD = select(
    select(func.max(_m.position)).scalar_subquery(),
    select(func.max(tables.raws.c.raw_id)).scalar_subquery(),
    select(func.max(tables.batches.c.batch)).scalar_subquery(),
    select(func.max(tables.deliveries.c.sequence)).scalar_subquery(),
    select(func.max(tables.erasures.c.erasure_id)).scalar_subquery(),
    select(_b.accepted_at).order_by(_b.batch.desc()).limit(1).scalar_subquery(),
    select(_b.chain).order_by(_b.batch.desc()).limit(1).scalar_subquery(),
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
    holds: tuple[Hold, ...] = ()
    alerts: tuple[Hold, ...] = ()
    judgement: Judgement = PASSED
    row: Row | None = None
    repeat: bool = False


@dataclass(slots=True)
class _Deciding:
    """What the decisions of one commit are taken from: the rows so far, the rules, and the past of their windows."""

    batch: Batch
    unusable: dict[str, XinqiaoError]
    governance: Governance
    past: JournalPast


def commit_batch(
    connection: Connection,
    vault: Vault,
    key: SigningKey,
    submissions: Sequence[Submission],
    now: float,
    governance: Governance,
) -> Committed:
    """Store a batch in the caller's transaction; nothing of it counts before that commits. ``now``: Unix seconds."""
    entries = [entry for submission in submissions for entry in submission.entries]
    pieces = {each.scope for each in submissions if each.scope is not None}
    batch, unusable = _begin(connection, vault, entries, pieces, now)
    deciding = _Deciding(batch, unusable, governance, JournalPast(connection, marks_key(vault)))
    verdicts = [_settle(deciding, submission) for submission in submissions]
    fresh = batch.insert(connection, key) if batch.messages else None
    insert_rows(connection, tables.exceptions, batch.exceptions)
    follow(connection, governance, deciding.past, _accepted(verdicts), now)
    proofs = _proofs(connection, fresh, (each for group in verdicts for each in group))
    outcomes = [[_outcome(vault, each, proofs) for each in group] for group in verdicts]
    for submission, found in zip(submissions, outcomes, strict=True):
        if submission.follow is not None:
            submission.follow(connection, found)
    return Committed(outcomes, list(batch.data_keys.values()))


def _begin(
    connection: Connection, vault: Vault, entries: Sequence[Entry], pieces: set[str], now: float
) -> tuple[Batch, dict[str, XinqiaoError]]:
    position, raw_id, number, sequence, erasure, last, chain = connection.execute(_HEAD).one()
    vault.forget_before(erasure or 0)
    cases = _cases(connection, entries)
    data_keys, unusable = _data_keys(connection, vault, {scope_of(entry) for entry in entries} | pieces)
    batch = Batch(
        vault=vault,
        number=(number or 0) + 1,
        first_position=(position or 0) + 1,
        first_raw=(raw_id or 0) + 1,
        first_sequence=(sequence or 0) + 1,
        previous=chain or CHAIN_START,
        # A clock that is set back does not take the journal's order with it.
        accepted_at=max(written(now), last or ""),
        now=now,
        known=_known(connection, entries),
        cases=cases,
        stored_cases=frozenset(cases),
        data_keys=data_keys,
    )
    return batch, unusable


def _known(connection: Connection, entries: Sequence[Entry]) -> dict[Key, Row]:
    """Return the rows of keys that came before, and for what may correct one, those of all its corrections."""
    known = _by_key(connection, {entry.key for entry in entries})
    wanted = _later(known, entries)
    while wanted and (found := _by_key(connection, wanted)):
        known |= found
        wanted = _later(known, entries) - wanted
    return known


def _by_key(connection: Connection, keys: set[str]) -> dict[Key, Row]:
    rows = connection.execute(_BY_KEY, {"keys": list(keys)}).mappings()
    return {(row["channel"], row["interface"], row["partner_key"]): dict(row) for row in rows}


def _later(known: dict[Key, Row], entries: Sequence[Entry]) -> set[str]:
    """Return the keys under which something would correct the last that is known of each record."""
    last = ((entry, _last(known, entry)) for entry in entries if entry.corrects)
    return {_correction_key(entry, row) for entry, row in last if row is not None}


def _last(known: dict[Key, Row], entry: Entry) -> Row | None:
    """Return what came last under the entry's key: the first message, or the last of its corrections."""
    row = known.get((entry.channel, entry.interface, entry.key))
    while row is not None:
        later = known.get((entry.channel, entry.interface, _correction_key(entry, row)))
        if later is None:
            break
        row = later
    return row


def _cases(connection: Connection, entries: Sequence[Entry]) -> dict[CaseKey, CaseState]:
    ids = {each for entry in entries for each in ids_of(entry.header, entry.message_type.body, entry.message)}
    return load(connection, ids)


def _data_keys(
    connection: Connection, vault: Vault, scopes: set[str]
) -> tuple[dict[str, DataKey], dict[str, XinqiaoError]]:
    """Return the keys of scopes that have one, and those that the master key does not open."""
    found = vault.kept(scopes)
    unusable: dict[str, XinqiaoError] = {}
    missing = scopes - found.keys()
    rows = connection.execute(_BY_SCOPE, {"scopes": list(missing)}).all() if missing else []
    for row in rows:
        if not row.wrapped:
            unusable[row.scope] = ContentGone("the case was erased; go on under a case of its own")
            continue
        try:
            found[row.scope] = vault.open_key(row.scope, row.wrapped)
        except KeyUnusable as error:
            unusable[row.scope] = error
    return found, unusable


def _accepted(verdicts: Sequence[Sequence[_Verdict]]) -> list[tuple[Row, Entry, Judgement]]:
    """Return what this commit stores, with the positions it got; a repeat is not among it."""
    return [
        (each.row, each.entry, each.judgement)
        for group in verdicts
        for each in group
        if each.row is not None and not each.repeat
    ]


def _settle(deciding: _Deciding, submission: Submission) -> list[_Verdict]:
    """Decide a submission's entries in order and stage what is accepted; all or nothing where it is atomic."""
    batch, past = deciding.batch, deciding.past
    cases, checkpoint = dict(batch.cases), past.checkpoint()
    first: dict[Key, Entry] = {}
    if (lost := deciding.unusable.get(submission.scope or "")) is not None:
        return [_Verdict(entry, error=lost) for entry in submission.entries]
    verdicts = [_judge(deciding, cases, first, entry) for entry in submission.entries]
    if submission.atomic and any(each.error for each in verdicts):
        past.back_to(checkpoint)
        refusal = BatchRefused("correct the refused messages and send the input again")
        return [each if each.error else _Verdict(each.entry, error=refusal) for each in verdicts]
    batch.cases.update(cases)
    _stage(batch, submission, verdicts)
    return verdicts


def _judge(deciding: _Deciding, cases: dict[CaseKey, CaseState], first: dict[Key, Entry], entry: Entry) -> _Verdict:
    """Decide one entry; ``cases`` are the states so far inside its submission and move on with it.

    A key that came earlier in the same submission (``first``) is left open: it repeats that entry's row.
    """
    batch, scope = deciding.batch, scope_of(entry)
    if scope in deciding.unusable:
        return _Verdict(entry, error=deciding.unusable[scope])
    key = (entry.channel, entry.interface, entry.key)
    known = _last(batch.known, entry) if entry.corrects else batch.known.get(key)
    if known is not None and entry.corrects and known["digest"] != batch.vault.keyed_digest(entry.digest):
        return _judge(deciding, cases, first, _correction(entry, known))
    if known is not None:
        return _repeat(batch, entry, known)
    earlier = first.setdefault(key, entry)
    if earlier is not entry:
        return _Verdict(entry) if earlier.digest == entry.digest else _Verdict(entry, error=_conflict(entry))
    return _decide(deciding, cases, entry)


def _decide(deciding: _Deciding, cases: dict[CaseKey, CaseState], entry: Entry) -> _Verdict:
    """Ask the case, then the policy, then the clock."""
    header, kind, now = entry.header, entry.message_type, deciding.batch.now
    is_request = kind.message_class == "REQUEST"
    decision = decided(cases, header, kind.body, entry.message, is_request=is_request)
    if kind.message_class == "DIRECTIVE":
        decision = with_flight(deciding.past.connection, decision, header)
    if decision.verdict == "nameless":
        return _Verdict(entry, error=CaseMissing(f"{kind.name} opens a case"))
    if decision.verdict == "refuse":
        return _Verdict(entry, error=_out_of_order(entry, decision))
    judgement = deciding.governance.policy.judge(entry.message, kind, entry.channel, now, deciding.past)
    raised = () if judgement.exception is None else (Hold(judgement.exception, _rules(judgement)),)
    if judgement.verdict == "forbid":
        deciding.batch.raise_refused(entry, _not_raised_yet(deciding, entry, raised))
        return _Verdict(entry, error=PolicyForbids(findings=judgement.findings(kind.body)))
    deciding.past.stage(judgement)
    waits = [each for each in (entry.hold, _late(deciding, entry)) if each is not None]
    holds = (*waits, *(raised if judgement.parks else ()))
    if not holds:
        cases |= moved(decision, header)
    alerts = () if judgement.parks else raised
    return _Verdict(entry, decision=decision, holds=holds, alerts=alerts, judgement=judgement)


def _not_raised_yet(deciding: _Deciding, entry: Entry, raised: Sequence[Hold]) -> list[Hold]:
    """Return what a person has not been told of a refused message: a sender may try again without end."""
    batch = deciding.batch
    digest = batch.vault.keyed_digest(f"refused {entry.channel} {entry.interface} {entry.key}")[:16]
    told = [replace(each, detail=f"{each.detail}; {entry.interface} {digest}") for each in raised]
    staged = {(each["channel"], each["kind"], each["detail"]) for each in batch.exceptions}
    query = select(_x.kind, _x.detail).where(
        _x.state.in_(("open", "in_hand")),
        _x.case_id == entry.header.case_id,
        _x.channel == entry.channel,
        _x.detail.in_([each.detail for each in told]),
    )
    stored = {(row.kind, row.detail) for row in deciding.past.connection.execute(query)} if told else set()
    return [
        each
        for each in told
        if (entry.channel, each.kind, each.detail) not in staged and (each.kind, each.detail) not in stored
    ]


def _rules(judgement: Judgement) -> str:
    return "rules " + ", ".join(judgement.rules)


def _late(deciding: _Deciding, entry: Entry) -> Hold | None:
    """Return why an entry waits that came after the last cut-off of its trade day."""
    body = entry.message[entry.message_type.body]
    batch = deciding.governance.batch_for(entry.channel, entry.interface, body, deciding.batch.now)
    return Hold("late", f"batch {batch.name} of {batch.rule}") if batch is not None and batch.late else None


def _repeat(batch: Batch, entry: Entry, known: Row) -> _Verdict:
    if known["digest"] == batch.vault.keyed_digest(entry.digest):
        return _Verdict(entry, row=known, repeat=True)
    return _Verdict(entry, error=_conflict(entry))


def _correction_key(entry: Entry, replaced: Row) -> str:
    """Return the key of what corrects a message: it says which, so that a record may return to what it once said."""
    return f"{entry.key}#{replaced['message_id'].replace('-', '')}"


def _correction(entry: Entry, known: Row) -> Entry:
    """Return what came under a known key with another body as a message of its own that names the one it corrects."""
    header = {**entry.message["header"], "messageId": new_message_id(), "replaces": known["message_id"]}
    message = {**entry.message, "header": header}
    return replace(
        entry,
        header=Header.of(message),
        message=message,
        key=_correction_key(entry, known),
        canonical=write_json(message),
        hold=Hold("correction", f"corrects position {known['position']}"),
        corrects=False,
    )


def _conflict(entry: Entry) -> Conflict:
    return Conflict(f"key {entry.key[:80]!r} of {entry.interface} came with another body")


def _out_of_order(entry: Entry, decision: Decision) -> OutOfOrder:
    state = f"is at {decision.case.state!r}" if decision.case else "does not exist yet"
    expected = awaited(decision, entry.header)
    detail = f"case {entry.header.case_id} {state} and expects {expected}, not {entry.message_type.body}"
    if decision.reason:
        detail = f"{decision.reason['zh']} / {decision.reason['en']}; {detail}"
    return OutOfOrder(detail, expected=decision.expected)


def _stage(batch: Batch, submission: Submission, verdicts: Sequence[_Verdict]) -> None:
    raw: Row | None = None
    for verdict in verdicts:
        entry, decision = verdict.entry, verdict.decision
        if decision is not None:
            raw = raw or batch.stage_raw(submission, {scope_of(each.entry) for each in verdicts})
            verdict.row = batch.stage_message(entry, decision, verdict.holds, verdict.alerts, raw)
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
    parked = verdict.decision is not None and verdict.decision.verdict == "park"
    return Accepted(body, repeat=verdict.repeat, held=bool(verdict.holds) or parked)
