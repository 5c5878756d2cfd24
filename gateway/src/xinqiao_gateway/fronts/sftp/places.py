"""Where a channel's files are in an installation: its own folder, its spool, and what it logs in with elsewhere."""

from pathlib import Path

from xinqiao_adapters.docking.files import Address, Files
from xinqiao_adapters.docking.login import Login
from xinqiao_gateway.fronts.sftp.folder import Folder
from xinqiao_gateway.fronts.sftp.local_folder import LocalFolder

__all__ = ["folder_of", "own_folder", "partner_folder", "spool_of"]


def own_folder(data: Path, channel_id: str) -> LocalFolder:
    """Return the folder of a channel that an SFTP server of ours serves."""
    return LocalFolder(data / "files" / channel_id)


def partner_folder(data: Path, channel_id: str, address: Address, login: Login) -> Folder:
    """Return a folder on a partner's server; the files that the login names are in the channel's folder ``keys``."""
    # Its library takes a quarter of a second to load: for who has such a partner.
    from xinqiao_gateway.fronts.sftp.remote_folder import RemoteFolder  # noqa: PLC0415

    return RemoteFolder(address, login, data / "channels" / channel_id / "keys")


def folder_of(data: Path, channel_id: str, files: Files) -> Folder:
    """Return the folder that a section ``files`` names."""
    if files.address is None or files.login is None:
        return own_folder(data, channel_id)
    return partner_folder(data, channel_id, files.address, files.login)


def spool_of(data: Path, channel_id: str) -> Path:
    """Return where a channel's files lie while they are fetched."""
    return data / "spool" / "fetched" / channel_id
