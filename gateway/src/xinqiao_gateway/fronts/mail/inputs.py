"""What of a mail is input, as the channel's profile says: every attachment is named by it, or a person looks.

An attachment goes on as it came, without the content type that the mail gives it: that is whatever the writer's
program thought of the file's name, and the formats look at the bytes themselves. A body goes on as text in UTF-8.
"""

from dataclasses import dataclass

from xinqiao.errors import BodyTooLarge, ContentRefused, FileRefused
from xinqiao_adapters.docking.mail import Mail, MailPart
from xinqiao_adapters.formats.html_text import largest_table, text_of
from xinqiao_gateway.fronts.mail.letter import Attachment, Letter

__all__ = ["Input", "inputs_of"]

# Four seconds of reading.
_LONGEST_HTML = 4_194_304
_ANYTHING = "application/octet-stream"
_TEXT = "text/plain; charset=UTF-8"
# Beside archives proper: what Outlook wraps attachments in. A workbook and an OFD document are archives by their bytes.
_ARCHIVES = (".zip", ".rar", ".7z", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".zst", ".cab", ".iso", "winmail.dat")
_ARCHIVE_TYPES = frozenset({"application/zip", "application/ms-tnef", "application/vnd.ms-tnef"})


@dataclass(frozen=True, slots=True)
class Input:
    """One input; ``name`` is what it is called where a person is told of it."""

    name: str
    content: bytes
    content_type: str


def inputs_of(letter: Letter, mail: Mail) -> list[Input]:
    """Return what of a mail is input, the attachments first.

    Raises ``FileRefused`` for an attachment that is an archive or that the profile does not name, ``BodyTooLarge``, and
    ``ContentRefused`` where nothing in the mail is input.
    """
    found = [_attached(each, letter, mail) for each in letter.attachments if not mail.is_ignored(each.name)]
    rule = next((each for each in mail.parts if each.body and each.is_about(letter.head.subject)), None)
    if rule is not None and (letter.text.strip() or letter.html.strip()):
        found.append(_body(rule, letter))
    if not found:
        raise ContentRefused("nothing in the mail is what the profile's parts name")
    return found


def _attached(attachment: Attachment, letter: Letter, mail: Mail) -> Input:
    name = attachment.name.casefold()
    if name.endswith(_ARCHIVES) or (attachment.content_type in _ARCHIVE_TYPES and not name.endswith((".xlsx", ".ofd"))):
        raise FileRefused(f"{attachment.shown} is an archive; archives are not opened: send what is in it")
    subject = letter.head.subject
    if not any(each.takes(attachment.name, attachment.content_type, subject) for each in mail.parts):
        raise FileRefused(f"{attachment.shown} is neither one of the profile's parts nor one to ignore")
    if not attachment.content:
        raise ContentRefused(f"{attachment.shown} is empty")
    return Input(attachment.shown, attachment.content, _ANYTHING)


def _body(rule: MailPart, letter: Letter) -> Input:
    if len(letter.html) > _LONGEST_HTML:
        raise BodyTooLarge(f"the HTML of the body is longer than {_LONGEST_HTML} characters")
    if rule.body == "table":
        text = largest_table(letter.html)
    else:
        text = letter.text if letter.text.strip() else text_of(letter.html)
    return Input("body", text.encode("utf-8", "replace"), _TEXT)
