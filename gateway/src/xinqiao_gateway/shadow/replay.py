"""One case, replayed: what this gateway would hand on and answer, and how that differs from what was recorded.

Each case stands by itself: what needs the state of a journal (a repeat, a process's order, a policy) is not asked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from xinqiao.adapter import Decoded, Reply, Undecoded
from xinqiao.errors import BatchRefused, ContentRefused, NotValid, Rejected, SenderMismatch, TestMismatch
from xinqiao.finding import Finding, errors_in
from xinqiao.message import NOBODY, Header, Json, message_type, new_message_id, timestamp
from xinqiao.outcome import receipt, rejection
from xinqiao.validation import check
from xinqiao_adapters.profile_adapter import ProfileAdapter
from xinqiao_gateway.shadow.comparison import ANSWER, Difference, compare_answers, compare_messages
from xinqiao_gateway.shadow.recording import Broken, Case, Part
from xinqiao_gateway.shadow.sides import Core, Partner

__all__ = ["Replay"]

# As many findings of one case as are worth a row each.
_MOST_FINDINGS = 20
# Codes of partners are short.
_LONGEST_CODE = 8


@dataclass
class _Ours:
    """What this gateway makes of a request.

    ``errors`` has one for each message, None where it is accepted; ``forwarded`` are the messages that the core gets.
    """

    decoded: Sequence[Decoded | Undecoded] = ()
    messages: list[Json] = field(default_factory=list)
    errors: list[Rejected | None] = field(default_factory=list)
    forwarded: list[Json] = field(default_factory=list)

    @property
    def refusals(self) -> list[Rejected]:
        """Why messages are refused."""
        return [each for each in self.errors if each is not None]


@dataclass(frozen=True)
class Replay:
    """Replays cases; ``forwarded`` says whether the recording holds what was handed on."""

    partner: Partner
    core: Core
    forwarded: bool = True

    def differences(self, case: Case) -> Iterator[Difference] | Broken:
        """Return what differs in one case, or why the recording of it cannot be compared."""
        theirs: list[Json] = []
        for number, part in enumerate(case.forwarded, 1):
            try:
                theirs += self.core.read(part.content, part.content_type)
            except Rejected as error:
                return Broken(case.name, f"forwarded {number} is not in the core's format: {_reason(error)}")
        ours = self._ours(case.request)
        accepted: bool | None = True if theirs else None
        if case.answer is not None:
            accepted = self._reply(case.answer, ours).accepted
            if accepted is None:
                return Broken(case.name, "the answer says neither yes nor no in the channel's own terms")
        return self._differences(case, ours, theirs, accepted)

    def _differences(self, case: Case, ours: _Ours, theirs: list[Json], accepted: bool | None) -> Iterator[Difference]:
        """Yield what differs; where one side refuses, what the other alone has handed on says nothing more."""
        disagree = accepted is bool(ours.refusals)
        if disagree and accepted:
            yield from _refused_here(ours.refusals)
        elif disagree:
            code = self._reply(case.answer, ours).code[:_LONGEST_CODE] if case.answer else ""
            yield Difference(ANSWER, "accepted_here", "accepted", f"refused {code}".strip(), None)
        elif case.answer is not None:
            yield from self._answers(case.answer, ours)
        if self.forwarded and (not disagree or (ours.forwarded and theirs)):
            yield from compare_messages(ours.forwarded, theirs)

    # --- ours -----------------------------------------------------------------------------------------------------

    def _ours(self, request: Part) -> _Ours:
        ours = _Ours()
        try:
            content, content_type = self.partner.opened(request)
            ours.decoded = list(self.partner.channel.adapter.decode(content, content_type))
            if not ours.decoded:
                raise ContentRefused("the input holds no message")
        except Rejected as error:
            ours.decoded, ours.errors = (), [error]
            return ours
        for each in ours.decoded:
            self._take(each, ours)
        atomic = all(self.partner.channel.atomic(each.interface) for each in ours.decoded if each.interface)
        if ours.refusals and atomic:
            ours.errors = [each or BatchRefused() for each in ours.errors]
            ours.forwarded = []
        return ours

    def _take(self, decoded: Decoded | Undecoded, ours: _Ours) -> None:
        """Check one message and write it for the core, as the gateway would."""
        if isinstance(decoded, Undecoded):
            ours.errors.append(ContentRefused(_count(decoded.findings), findings=decoded.findings))
            return
        message = self.partner.channel.completed(decoded.message)
        ours.messages.append(message)
        try:
            message_type(message)
            findings = [replace(each, partner_path=decoded.place(each.path)) for each in check(message)]
            if errors_in(findings):
                raise NotValid(_count(errors_in(findings)), findings=findings)
            self._check_origin(Header.of(message))
            ours.forwarded += self.core.written([message])
        except Rejected as error:
            ours.errors.append(error)
        else:
            ours.errors.append(None)

    def _check_origin(self, header: Header) -> None:
        profile = self.partner.channel.profile
        if header.sender != profile.institution.code:
            raise SenderMismatch(f"header.sender is {header.sender}")
        if header.test != profile.test:
            raise TestMismatch("test traffic and production traffic have channels of their own")

    # --- answers --------------------------------------------------------------------------------------------------

    def _reply(self, answer: Part, ours: _Ours) -> Reply:
        """Read an answer as its partner would; where no interface is known, by the first that it says something in."""
        sent = ours.messages[0] if ours.messages else {"header": {"messageId": NOBODY}}
        reply = Reply(None)
        for interface in self._interfaces(ours):
            reply = self.partner.channel.adapter.read_reply(interface, answer.status, answer.content, sent)
            if reply.accepted is not None:
                break
        return reply

    def _interfaces(self, ours: _Ours) -> list[str]:
        known = [each.interface for each in ours.decoded if each.interface]
        every = self.partner.channel.profile.interfaces
        return known[:1] or [name for name, each in every.items() if each.comes_in]

    def _answers(self, theirs: Part, ours: _Ours) -> Iterator[Difference]:
        """Yield what differs in answers that say the same: values where the partner has its own, else the reason."""
        adapter = self.partner.channel.adapter
        interface = next(iter(self._interfaces(ours)), None)
        written = adapter.answer(interface, self._outcomes(ours), ours.decoded)
        if written is None:
            reason = ours.refusals[0].reason if ours.refusals else ""
            code = self._reply(theirs, ours).code if ours.refusals else ""
            if reason != code:
                yield Difference(f"{ANSWER}.reason", "different", reason, code, None)
        elif isinstance(adapter, ProfileAdapter):
            mine, others = (adapter.reply_values(interface, each) for each in (written.content, theirs.content))
            if mine is not None and others is not None:
                yield from compare_answers(mine[1], others[1], mine[0])

    def _outcomes(self, ours: _Ours) -> list[Json]:
        partner = self.partner.channel.profile
        gateway = partner.receiver or NOBODY
        taken = {"acceptedMessageId": new_message_id(), "acceptedAt": timestamp(), "position": "1"}
        return [
            receipt(gateway, partner.institution.code, taken)
            if each is None
            else rejection(gateway, partner.institution.code, each)
            for each in ours.errors
        ]


def _refused_here(errors: Sequence[Rejected]) -> Iterator[Difference]:
    """Yield a difference for each finding that refuses, at its path; for a refusal without one, at the answer."""
    found: list[Finding] = [each for error in errors for each in errors_in(error.findings)]
    for each in found[:_MOST_FINDINGS]:
        yield Difference(each.path, "refused_here", each.rule, "accepted", None)
    if not found:
        yield Difference(ANSWER, "refused_here", errors[0].reason, "accepted", None)


def _reason(error: Rejected) -> str:
    """Return why, by reason and places: the words may hold values."""
    places = ", ".join(f"{each.rule} at {each.path}" for each in error.findings[:3])
    return f"{error.reason}{f' ({places})' if places else ''}"


def _count(findings: Sequence[Finding]) -> str:
    return f"{len(findings)} finding{'s' if len(findings) > 1 else ''}"
