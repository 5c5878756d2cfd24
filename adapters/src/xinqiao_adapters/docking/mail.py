"""``mail``: a mailbox that partners write to, or mails that lie in a folder as ``.eml`` files.

From whom mails are taken, what of a mail is input, and what becomes of the mail. ``mail`` lets input in without a seal:
the sender is all that is known, and ``docs/mail.md`` says what that proves.
"""

import re
from fnmatch import fnmatchcase
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BaseModel, Field, model_validator

from xinqiao_adapters.formats.spec import STRICT

__all__ = ["Mail", "MailPart", "Mailbox"]

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_LOCAL_PART = re.compile(r"[a-z0-9.!#$%&'+/=?^_`{|}~-]{1,64}")
_FOLDER = re.compile(r"folder:([A-Za-z0-9][A-Za-z0-9._-]{0,63})")


class _Part(BaseModel):
    model_config = STRICT


class Mailbox(_Part):
    """A folder on an IMAP server, reached by TLS."""

    user: str
    host: str
    port: int
    folder: str

    @classmethod
    def parse(cls, said: str) -> "Mailbox":
        """Read ``imaps://user@host:port/FOLDER``. Raises ``ValueError`` that says what is wrong."""
        try:
            url = urlsplit(said)
            user, host, port = unquote(url.username or ""), url.hostname, url.port or 993
        except ValueError as error:
            raise ValueError(f"{said!r}: {error}") from error
        if "@" in (url.username or "").partition(":")[0]:
            raise ValueError(f"{said!r}: the user holds an @; write it %40: imaps://nav%40trust.example@host/FOLDER")
        if url.scheme != "imaps" or not user or not host or url.password is not None or url.query or url.fragment:
            raise ValueError("write imaps://user@host:port/FOLDER (an @ in the user as %40), or folder:NAME")
        folder = unquote(url.path.removeprefix("/")) or "INBOX"
        if not (user + folder).isprintable():
            raise ValueError(f"{said!r}: a user and a folder are printable")
        return cls(user=user, host=host, port=port, folder=folder)


def _source(said: str) -> str:
    if not _FOLDER.fullmatch(said):
        Mailbox.parse(said)
    return said


def _sender(said: str) -> str:
    local, at, domain = said.lower().rpartition("@")
    if not _DOMAIN.fullmatch(domain) or (at and not _LOCAL_PART.fullmatch(local)):
        raise ValueError(f"{said!r} is no sender: write an address, nav@bank.example, or a domain, bank.example")
    return said.lower()


def _pattern(said: str) -> str:
    if not said or not said.isprintable() or len(said) > 200:
        raise ValueError(f"{said!r} is no pattern, such as *.xlsx")
    return said


Pattern = Annotated[str, AfterValidator(_pattern)]
FolderName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
FileName = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f\x7f]+$")]


class MailPart(_Part):
    """What of a mail is input: an attachment by its file name (and ``type``), or the body; ``subject`` narrows it.

    ``body: text`` is all that a person reads in it, ``body: table`` the largest table of an HTML body, its cells
    between tabs. Patterns take no notice of the case of letters.
    """

    attachment: Pattern | None = None
    type: Pattern | None = None
    body: Literal["text", "table"] | None = None
    subject: Pattern | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "MailPart":
        if (self.attachment is None) == (self.body is None):
            raise ValueError("say attachment or body")
        if self.type is not None and self.attachment is None:
            raise ValueError("type is that of an attachment")
        return self

    def takes(self, name: str, content_type: str, subject: str) -> bool:
        """Whether it is about an attachment of that name."""
        fits = self.attachment is not None and matches(self.attachment, name)
        return fits and (self.type is None or matches(self.type, content_type)) and self.is_about(subject)

    def is_about(self, subject: str) -> bool:
        """Whether it is about mails of that subject."""
        return self.subject is None or matches(self.subject, subject)


def matches(pattern: str, text: str) -> bool:
    """Say whether a text fits a pattern with ``*`` and ``?``, whatever the case of letters."""
    return fnmatchcase(text.casefold(), pattern.casefold())


class Mail(_Part):
    """The section ``mail`` of a profile.

    ``from``: an IMAP folder, or ``folder:in``, a folder of the channel's own. ``password`` and ``authority`` (PEM, who
    issues the server's certificate where the system does not know them) name files in the channel's folder ``keys``,
    or whole paths. ``senders`` are addresses and domains (without those below them); ``authenticated_by`` names the
    server whose Authentication-Results must say that the sender's domain signed. Every attachment is one of ``parts``,
    or its name is one of ``ignore``; else a person looks at the mail. ``after``: move a mail to the folder ``done`` or
    ``exceptions``, or flag it where it is. ``largest``: bytes of one mail.
    """

    source: Annotated[str, AfterValidator(_source)] = Field("folder:in", alias="from")
    password: FileName | None = None
    authority: FileName | None = None
    every: Annotated[float | int, Field(ge=1, le=86_400)] = 60
    senders: Annotated[list[Annotated[str, AfterValidator(_sender)]], Field(min_length=1, max_length=1000)]
    authenticated_by: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,253}$")] | None = None
    parts: Annotated[list[MailPart], Field(min_length=1, max_length=64)]
    ignore: Annotated[list[Pattern], Field(max_length=64)] = []
    after: Literal["move", "flag"] = "move"
    done: FolderName = "done"
    exceptions: FolderName = "exceptions"
    largest: Annotated[int, Field(ge=1024, le=268_435_456)] = 33_554_432

    @property
    def mailbox(self) -> Mailbox | None:
        """The IMAP folder; None for a folder of the channel's own."""
        return None if _FOLDER.fullmatch(self.source) else Mailbox.parse(self.source)

    @property
    def folder(self) -> str:
        """The channel's own folder; empty for an IMAP folder."""
        found = _FOLDER.fullmatch(self.source)
        return found[1] if found else ""

    @model_validator(mode="after")
    def _fits(self) -> "Mail":
        box = self.mailbox
        watched = box.folder if box else self.folder
        problems = []
        if (box is None) != (self.password is None):
            problems.append("an imaps address and password go together; a folder has neither")
        if box is None and (self.after == "flag" or self.authority is not None):
            problems.append("a file can be moved only, and needs no authority")
        if self.after == "move" and len({watched, self.done, self.exceptions}) < 3:
            problems.append("from, done and exceptions are three folders")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def is_sender(self, address: str) -> bool:
        """Whether mails of an address (in lower case) are taken."""
        return address in self.senders or address.rpartition("@")[2] in self.senders

    def is_ignored(self, name: str) -> bool:
        """Whether an attachment of that name is no input, and known to be none."""
        return any(matches(each, name) for each in self.ignore)
