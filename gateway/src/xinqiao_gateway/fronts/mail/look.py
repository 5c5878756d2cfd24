"""One look at one mailbox: each mail that lies there is taken, and settled once the journal has it.

A mail that cannot be taken goes to ``exceptions``, and a person is told: an exception without a message, of ids and
reasons only. A crash between the journal and the mailbox costs nothing: the next look finds the mail again, and the
journal knows what was in it. Mails of strangers go there too, counted, neither fetched nor told.
"""

import hashlib
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

import structlog

from xinqiao.errors import (
    BodyTooLarge,
    ContentRefused,
    DestinationDown,
    InternalError,
    Rejected,
    Retryable,
    SenderMismatch,
    UnknownChannel,
    XinqiaoError,
)
from xinqiao_adapters.docking import Mail
from xinqiao_gateway.fronts.mail.head import LARGEST_HEAD, Head, read_head
from xinqiao_gateway.fronts.mail.inputs import Input, inputs_of
from xinqiao_gateway.fronts.mail.letter import Letter, read_letter
from xinqiao_gateway.fronts.mail.mailbox import Item, Mailbox, Verdict
from xinqiao_gateway.fronts.mail.sender import Sender, known_sender, proved_sender
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.intake import Acceptance, Raw
from xinqiao_gateway.journal import Refused
from xinqiao_gateway.journal.raised import raise_once
from xinqiao_gateway.telemetry.observer import Taken

__all__ = ["KIND", "Look"]

P = ParamSpec("P")
T = TypeVar("T")

# The kind of exception of a mail that could not be taken.
KIND = "mail_unreadable"
_LONGEST_DETAIL = 600
_MOST_PLACES = 5

_log = structlog.get_logger("mail")


class Call(Protocol):
    """Runs a blocking function beside the event loop, for a bounded time."""

    def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run it."""
        ...


class Look:
    """Looks at the mailbox of a channel; ``stopping`` says that nothing new is to be begun."""

    def __init__(
        self,
        gateway: Gateway,
        channel_id: str,
        mail: Mail,
        mailbox: Mailbox,
        call: Call,
        stopping: Callable[[], bool],
    ) -> None:
        self._gateway = gateway
        self._channel_id = channel_id
        self._mail = mail
        self._mailbox = mailbox
        self._call = call
        self._stopping = stopping

    async def turn(self) -> int:
        """Take all that lies there; return how many were settled.

        Raises a ``Retryable`` where the mailbox or the gateway cannot go on now; what is left is for the next look.
        """
        try:
            await self._call(self._mailbox.open)
            waiting = await self._call(self._mailbox.waiting)
            settled = 0
            for item in waiting:
                if self._stopping():
                    break
                settled += await self._take(item)
            return settled
        finally:
            await self._call(self._mailbox.close)

    async def _take(self, item: Item) -> bool:
        """Take one mail and settle it. Return whether it was still there."""
        began = time.perf_counter()
        start = await self._call(self._mailbox.head, item.name, LARGEST_HEAD + 4)
        if start is None:
            return False
        try:
            head = await self._call(read_head, start)
            known_sender(self._mail, head)
        except Rejected as error:
            self._count(error, began)
            _log.info("mail of a stranger", channel=self._channel_id, reason=error.reason)
            await self._settle(item, "exceptions")
            return True
        which = f"mail {head.digest[:16] or 'without id'} from {head.domain}: "
        try:
            refusals = await self._read(item, head)
        except SenderMismatch as error:
            # Once for each domain: whoever forges it may send without end.
            which, refusals = "", [error.detail]
            self._count(error, began)
        except UnknownChannel:
            raise  # the profile went meanwhile; the mail is nobody's to judge
        except Rejected as error:
            refusals = [_said(error)]
            self._count(error, began)
        except XinqiaoError:
            raise
        except Exception as error:  # noqa: BLE001 -- an adapter's fault is one mail's own, not that of all after it
            _log.exception("mail failed", channel=self._channel_id)
            refusals = [_said(error)]
            self._count(InternalError(), began)
        if refusals:
            await self._raise((which + "; ".join(refusals))[:_LONGEST_DETAIL])
        await self._settle(item, "exceptions" if refusals else "done")
        return True

    async def _read(self, item: Item, head: Head) -> list[str]:
        """Read a mail and hand in what is input; return why parts of it were refused."""
        sender = proved_sender(self._mail, head)
        if item.size > self._mail.largest:
            raise BodyTooLarge(f"the mail has {item.size} bytes, {self._mail.largest} are taken")
        content = await self._call(self._mailbox.content, item.name, self._mail.largest + 1)
        if content is None:
            raise DestinationDown("a mail that was there is not there: the next look says whether it is")
        if len(content) > self._mail.largest:
            raise BodyTooLarge(f"the mail has more than {self._mail.largest} bytes")
        letter, inputs = await self._call(_opened, content, self._mail)
        if letter.head != head:
            raise ContentRefused("the mail is not the one whose head was read")
        attested = _attested(letter.head, sender, content)
        refusals = [await self._accept(each, attested) for each in inputs]
        return [each for each in refusals if each]

    async def _accept(self, given: Input, attested: str) -> str:
        """Hand in one input; return why it was refused, nothing where all of it was taken."""
        limit = self._gateway.channels.find(self._channel_id).body_limit
        if len(given.content) > limit:
            return f"{given.name}: {BodyTooLarge.reason}: {len(given.content)} bytes, {limit} are taken"
        raw = Raw(self._channel_id, given.content, given.content_type, "", attested)
        try:
            acceptance = await self._gateway.intake.accept(raw)
        except UnknownChannel:
            raise
        except Rejected as error:
            return f"{given.name}: {_said(error)}"
        return _refusals(given, acceptance)

    async def _raise(self, detail: str) -> None:
        journal = self._gateway.journal
        raised = partial(raise_once, channel=self._channel_id, kind=KIND, detail=detail, now=journal.now())
        is_new = await journal.run(raised)
        _log.warning("mail not taken", channel=self._channel_id, why=detail, told=is_new)

    async def _settle(self, item: Item, verdict: Verdict) -> None:
        await self._call(self._mailbox.settle, item.name, verdict)

    def _count(self, error: XinqiaoError, began: float) -> None:
        told = (Taken("unknown", "refused", error.reason),)
        self._gateway.metrics.took(self._channel_id, told, time.perf_counter() - began)


def _opened(content: bytes, mail: Mail) -> tuple[Letter, list[Input]]:
    letter = read_letter(content)
    return letter, inputs_of(letter, mail)


def _attested(head: Head, sender: Sender, content: bytes) -> str:
    """Return what is known of a mail, for the journal: digests and a domain, nobody's address."""
    which = f"mail {head.digest or 'without id'} from {sender.domain} ({sender.known_by})"
    return f"{which}, SHA-256 of the mail {hashlib.sha256(content).hexdigest()}"


def _refusals(given: Input, acceptance: Acceptance) -> str:
    """Return which messages of an input were refused, and why. Raises the ``Retryable`` that one was refused with."""
    said: list[str] = []
    for number, outcome in enumerate(acceptance.outcomes, 1):
        if isinstance(outcome, Refused):
            if isinstance(outcome.error, Retryable):
                raise outcome.error
            which = f"record {number} of {len(acceptance.outcomes)}: " if len(acceptance.outcomes) > 1 else ""
            said.append(f"{which}{_said(outcome.error)}")
    return f"{given.name}: {'; '.join(said)}" if said else ""


def _said(error: Exception) -> str:
    """Return a reason with the places that it is about; values stay where they are."""
    if not isinstance(error, Rejected):
        return f"{InternalError.reason}: {type(error).__name__}"
    places = [f"{each.rule} at {each.partner_path or each.path}" for each in error.findings[:_MOST_PLACES]]
    # A detail names the place and what was expected; that of findings only counts them.
    said = ", ".join(places) or error.detail
    return f"{error.reason}: {said}" if said else error.reason
