"""Where a channel's files go: its own folder on this machine, or one on the partner's server."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from xinqiao.errors import ProfileInvalid
from xinqiao_adapters.docking.files import Address
from xinqiao_adapters.docking.login import Login, Permissions
from xinqiao_adapters.docking.push import OutgoingFiles
from xinqiao_gateway.calendars import Calendars
from xinqiao_gateway.channels import Push, ServedChannel
from xinqiao_gateway.delivery.file_writing import FileWriting
from xinqiao_gateway.fronts.sftp.places import own_folder, partner_folder

__all__ = ["check_files", "outgoing_files", "writing_to"]


@dataclass(frozen=True, slots=True)
class _Place:
    address: Address
    login: Login


def outgoing_files(channel: ServedChannel) -> OutgoingFiles:
    """Return how a channel's messages go out in files."""
    push = channel.channel.profile.push
    return push.files if push is not None else OutgoingFiles()


def writing_to(channel: ServedChannel, push: Push, data: Path) -> FileWriting:
    """Return what writes a channel's files; ``data`` is the installation's folder. Raises ``ProfileInvalid``."""
    files = outgoing_files(channel)
    if push.scheme == "folder":
        own = own_folder(data, channel.channel_id)
        return FileWriting(own, push.url.partition(":")[2].lower(), files, Permissions(), push.timeout)
    place = _place(channel, push)
    remote = partner_folder(data, channel.channel_id, place.address, place.login)
    return FileWriting(remote, "", files, place.login.permissions, push.timeout)


def check_files(channels: Iterable[ServedChannel], calendars: Calendars) -> None:
    """Refuse what would let files wait for ever: no login, no such calendar. Raises ``ProfileInvalid``."""
    for channel in channels:
        push, files = channel.push, outgoing_files(channel)
        if push is None or not push.carries_files:
            continue
        if push.scheme == "sftp":
            _place(channel, push)
        if files.calendar is not None and files.calendar not in calendars.names:
            known = ", ".join(calendars.names)
            raise ProfileInvalid(
                f"channel {channel.channel_id}: push.files.calendar {files.calendar} is none of {known}"
            )


def _place(channel: ServedChannel, push: Push) -> _Place:
    where, profile = f"channel {channel.channel_id}: push", channel.channel.profile
    try:
        address = Address.parse(push.url)
    except ValueError as error:
        raise ProfileInvalid(f"{where}.url: {error}") from error
    login = outgoing_files(channel).login or (profile.files.login if profile.files else None)
    if login is None:
        raise ProfileInvalid(f"{where}.files.login says how that server is entered, and is missing")
    return _Place(address, login)
