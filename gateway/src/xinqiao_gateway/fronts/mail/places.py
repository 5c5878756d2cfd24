"""Where a channel's mails are in an installation: a mailbox on a server, or its own folder on this machine."""

from pathlib import Path

from xinqiao_adapters.docking import Mail
from xinqiao_gateway.fronts.mail.mailbox import Mailbox
from xinqiao_gateway.fronts.sftp.places import own_folder

__all__ = ["mailbox_of"]


def mailbox_of(data: Path, channel_id: str, mail: Mail) -> Mailbox:
    """Return the mailbox that a section ``mail`` names; no server is asked yet.

    Raises a ``ConfigurationError`` where a password or certificate that it needs cannot be read.
    """
    # Each of the two loads what the other does not need.
    if mail.mailbox is None:
        from xinqiao_gateway.fronts.mail.folder_mailbox import FolderMailbox  # noqa: PLC0415

        return FolderMailbox(mail, own_folder(data, channel_id))
    from xinqiao_gateway.fronts.mail.imap_mailbox import ImapMailbox  # noqa: PLC0415

    mailbox = ImapMailbox(mail, mail.mailbox, data / "channels" / channel_id / "keys")
    mailbox.check()
    return mailbox
