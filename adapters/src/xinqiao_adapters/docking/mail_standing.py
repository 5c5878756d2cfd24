"""What a profile may say of mail beside its other parts; each doubt an error with its line."""

from xinqiao_adapters.loader import LoadedProfile

__all__ = ["check_mail"]


def check_mail(loaded: LoadedProfile) -> None:
    """Refuse a folder of the channel's own that both mail and files look into, or one into what the other leaves there.

    Raises ``ProfileInvalid`` with file and line.
    """
    mail, files = loaded.profile.mail, loaded.profile.files
    if mail is None or files is None or mail.mailbox is not None or files.source is not None:
        return
    ours = {mail.folder: "from", mail.done: "done", mail.exceptions: "exceptions"}
    theirs = {files.watched: "inbox", files.archive: "archive", files.error: "error", files.results: "results"}
    for folder in (files.watched, mail.folder):
        if folder in ours and folder in theirs:
            problem = (
                f"{folder} is files.{theirs[folder]} as well, and what lies in it would be taken by both: "
                "give mail folders of its own, such as from: folder:mail"
            )
            loaded.fail(("mail", ours[folder]), problem)
