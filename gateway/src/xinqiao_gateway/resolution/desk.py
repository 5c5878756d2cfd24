"""The desk where operators resolve exceptions: a maker proposes, another operator checks, and then it happens.

Both steps are messages of the journal; what is approved happens in the very commit that records the approval.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from xinqiao.errors import Conflict, MalformedQuery, NotFound, NotValid
from xinqiao.finding import errors_in
from xinqiao.message import Json, message_type, read_json
from xinqiao.seal import SigningKey
from xinqiao.validation import check
from xinqiao_gateway.channels import Channels
from xinqiao_gateway.documents import DocumentDigest, Documents
from xinqiao_gateway.journal import Effect, Entry, Journal, Refused, holds, proposals
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.journal.listing import waiting_of
from xinqiao_gateway.journal.proposals import Proposed
from xinqiao_gateway.operators import Operator
from xinqiao_gateway.processes import CaseState, abandoned
from xinqiao_gateway.resolution.actions import ACTIONS, Action, explained, possible
from xinqiao_gateway.resolution.batches import late_batch
from xinqiao_gateway.resolution.effects import EFFECTS, Approved
from xinqiao_gateway.resolution.notice import CHANNEL, notice, recorded
from xinqiao_gateway.resolution.result import entry_of, refusal_of

__all__ = ["Desk", "Wish"]

_LONGEST_REASON = 400
_LARGEST_MESSAGE = 1_048_576

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operator asks for: an action on an exception, a case or a document.

    A case is named by ``case_id``, ``institution``, ``test``; a ``document`` by its digest, ``sha256:…`` or ``sm3:…``.
    ``message``: the canonical JSON that a supplement or a reversal sends. ``batch``: the named batch that a late file
    is released into.
    """

    action: str
    reason: str
    exception_id: int | None = None
    case_id: str | None = None
    institution: str | None = None
    test: bool = False
    document: str | None = None
    batch: str | None = None
    message: bytes | None = None


def _no_documents() -> Documents:
    raise NotFound("there are no documents here")


class Desk:
    """Takes proposals and decisions; ``institution`` is the gateway's own code, ``key`` its signing key.

    ``documents`` opens those that an operator may remove.
    """

    def __init__(
        self,
        journal: Journal,
        channels: Channels,
        institution: str,
        key: SigningKey,
        documents: Callable[[], Documents] = _no_documents,
    ) -> None:
        self._journal = journal
        self._channels = channels
        self._institution = institution
        self._key = key
        self._documents = documents

    async def propose(self, operator: Operator, wish: Wish) -> Json:
        """Record what an operator asks for and return the proposal, which another operator decides.

        Raises ``MalformedQuery`` where the action does not fit, ``NotValid`` for a message that no one could take,
        ``NotFound``, ``Conflict`` where the exception is in hand or resolved.
        """
        action = _action(wish)
        if wish.message is not None:
            self._entry(wish.message)
        exception = await self._exception(wish.exception_id)
        if exception is not None:
            await self._read(lambda c: proposals.require_open(c, exception))
            self._check_fit(action, wish, exception)
        asked = Proposed(
            action=action.name,
            exception_id=wish.exception_id,
            arguments=await self._journal.read(self._arguments, wish),
            reason=wish.reason,
            maker=operator.name,
            message=wish.message,
        )
        vault, at = self._journal.reading.vault, self._time()
        made: list[int] = []

        def effect(connection: Connection, _position: int) -> None:
            made[:] = [proposals.propose(connection, vault, asked, at)]

        await self._submit(_asked(asked, at), exception, "IN_HAND", effect)
        return explained(await self._proposal(made[0]))

    async def decide(self, operator: Operator, proposal_id: int, *, approved: bool) -> Json:
        """Approve or decline a proposal; what is approved is done when this returns.

        Raises ``FourEyes`` where the maker would approve it, ``Conflict`` where it is decided or cannot be done any
        more, ``NotFound``, or why its message is refused: then nothing was done, and it stays open.
        """
        proposal = await self._proposal(proposal_id)
        exception = await self._exception(proposal["exception_id"])
        action, at = ACTIONS[proposal["action"]], self._time()
        # Something of it still waits: what was sent does not resolve it.
        is_done = approved and not (action.message and exception and exception["waits"])
        decided = proposal | {"checker": operator.name, "decided_at": at, "approved": approved}

        def effect(connection: Connection, _position: int) -> None:
            proposals.decide(connection, proposal_id, operator.name, approved=approved, at=at)
            if approved:
                self._do(connection, decided, exception or {}, at, is_done=is_done)

        others = await self._others(decided, exception) if approved and proposal["state"] == "open" else []
        await self._submit(decided, exception, "RESOLVED" if is_done else "OPEN", effect, *others)
        return explained(await self._proposal(proposal_id))

    def _time(self) -> str:
        return written(self._journal.now())

    def _check_fit(self, action: Action, wish: Wish, exception: Json) -> None:
        """Refuse what cannot be done about an exception as it stands. Raises ``MalformedQuery``."""
        if not action.resolves(exception["kind"], exception["waits"]):
            instead = ", ".join(possible(exception["kind"], exception["waits"]))
            where = f" of which something is {', '.join(exception['waits'])}" if exception["waits"] else ""
            raise MalformedQuery(
                f"{action.name} is nothing to do about {exception['kind']}{where}; possible: {instead}"
            )
        if action.name == "release" and exception["kind"] == "late":
            late_batch(exception, wish.batch, self._journal.governance.book)
        elif wish.batch is not None:
            raise MalformedQuery("a batch is named when a late file is released, and for nothing else")

    async def _others(self, proposal: Json, exception: Json | None) -> list[Entry]:
        """Return the messages that go with an approved proposal: what it sends, or whom it tells."""
        if ACTIONS[proposal["action"]].message:
            return [self._entry(await self._message(proposal["proposal_id"]))]
        if proposal["action"] == "decline" and exception is not None:
            return await self._read(lambda c: self._refusals(c, proposal, exception))
        return []

    def _refusals(self, connection: Connection, proposal: Json, exception: Json) -> list[Entry]:
        found = []
        for position in holds.held_with(connection, exception):
            # Nobody is tipped off: who is on a watch list hears no reason.
            is_listed = "watch_list" in proposals.kinds_at(connection, position)
            request = self._journal.reading.at(connection, position)
            reason = None if is_listed else proposal["reason"]
            found.append(refusal_of(self._channels, CHANNEL, request, reason, proposal["decided_at"]))
        return [each for each in found if each is not None]

    def _do(self, connection: Connection, proposal: Json, exception: Json, at: str, *, is_done: bool) -> None:
        it = Approved(
            proposal=proposal,
            exception=exception,
            reading=self._journal.reading,
            book=self._journal.governance.book,
            pushed=self._channels.pushed,
            documents=self._documents,
            now=self._journal.now(),
            by=f"{proposal['maker']}+{proposal['checker']}",
        )
        EFFECTS[proposal["action"]](connection, it)
        if proposal["exception_id"] is None:
            return
        if is_done:
            proposals.close_exception(connection, proposal["exception_id"], proposal["action"], it.by, at)
        else:
            proposals.open_again(connection, proposal["exception_id"])

    async def _submit(self, proposal: Json, exception: Json | None, state: str, effect: Effect, *others: Entry) -> None:
        message = notice(self._institution, proposal, exception, state)
        for outcome in await self._journal.submit(recorded(message, self._key, effect, *others)):
            if isinstance(outcome, Refused):
                raise outcome.error
        self._journal.look_again(channel.channel_id for channel in self._channels)

    def _arguments(self, wish: Wish) -> Json:
        """Return what a proposal is about, as it is kept."""
        if wish.document is not None:
            return {"document": str(self._document(wish.document))}
        if wish.case_id is None:
            return {"batch": wish.batch} if wish.batch else {}
        reading = self._journal.reading
        with reading.engine.begin() as connection:
            case = reading.case_row(connection, wish.case_id, wish.test, wish.institution)
        if case is None:
            raise NotFound(
                f"no case {wish.case_id}{f' of {wish.institution}' if wish.institution else ''} has a process"
            )
        state = CaseState(case["process"], case["state"], case["opener"], case["memory"])
        if wish.action == "abandon" and abandoned(state) is None:
            raise Conflict(f"case {wish.case_id} is at {case['state']!r}, which is not given up")
        return {"case_id": wish.case_id, "test": wish.test, "parties": "|".join(case["parties"])}

    def _document(self, named: str) -> DocumentDigest:
        """Return the SHA-256 digest of a document. Raises ``MalformedQuery``, ``NotFound``."""
        kept = self._documents().kept_as(DocumentDigest.parse(named))
        if kept is None:
            raise NotFound(f"no document {named} is here; see document list")
        return kept

    def _entry(self, content: bytes) -> Entry:
        """Return the entry of a message that an operator gives. Raises a ``Rejected`` as the intake would."""
        message = read_json(content)
        message_type(message)
        findings = check(message)
        if errors := errors_in(findings):
            raise NotValid(f"{len(errors)} findings, the first at {errors[0].path}", findings=findings)
        return entry_of(self._channels, CHANNEL, message, "supplement")

    async def _exception(self, exception_id: int | None) -> Json | None:
        if exception_id is None:
            return None

        def read(connection: Connection) -> Json:
            found = proposals.exception_of(connection, exception_id)
            return found | {"waits": waiting_of(connection, found)}

        return await self._read(read)

    async def _proposal(self, proposal_id: int) -> Json:
        return await self._read(lambda c: proposals.proposal_of(c, proposal_id))

    async def _message(self, proposal_id: int) -> bytes:
        vault = self._journal.reading.vault
        content = await self._read(lambda c: proposals.message_of(c, vault, proposal_id))
        assert content is not None  # noqa: S101 -- it was required when it was proposed
        return content

    async def _read(self, act: Callable[[Connection], T]) -> T:
        def read() -> T:
            with self._journal.reading.engine.begin() as connection:
                return act(connection)

        return await self._journal.read(read)


def _asked(asked: Proposed, at: str) -> Json:
    """Return a proposal as it will be stored; its number is not known yet."""
    return {
        "proposal_id": None,
        "exception_id": asked.exception_id,
        "action": asked.action,
        "arguments": asked.arguments,
        "reason": asked.reason,
        "maker": asked.maker,
        "proposed_at": at,
        "checker": None,
        "decided_at": None,
    }


def _action(wish: Wish) -> Action:
    """Return the action of a wish that makes sense. Raises ``MalformedQuery``."""
    action = ACTIONS.get(wish.action)
    if action is None:
        raise MalformedQuery(f"{wish.action[:40]!r} is no action: {', '.join(ACTIONS)}")
    given = {"exception": wish.exception_id, "case": wish.case_id, "document": wish.document}
    if [name for name, value in given.items() if value is not None] != [action.about]:
        raise MalformedQuery(f"{action.name} is about {'an' if action.about == 'exception' else 'a'} {action.about}")
    if action.message != (wish.message is not None):
        raise MalformedQuery(f"{action.name} {'needs a' if action.message else 'takes no'} message")
    if wish.message is not None and len(wish.message) > _LARGEST_MESSAGE:
        raise MalformedQuery("the message is larger than 1 MiB")
    if not wish.reason.strip() or len(wish.reason) > _LONGEST_REASON:
        raise MalformedQuery(f"a reason is given, in at most {_LONGEST_REASON} characters")
    return action
