"""What the fronts read before they begin, read as they read it: for whoever checks without starting anything."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from xinqiao.keys import read_key_file
from xinqiao_adapters.docking.login import Login
from xinqiao_adapters.problems import Problems
from xinqiao_adapters.profile import Profile
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.fronts.grpc.tls import read_tls_files
from xinqiao_gateway.fronts.h5.payment.port import provider_named
from xinqiao_gateway.fronts.mail.places import mailbox_of
from xinqiao_gateway.fronts.sftp.server.keys import login_keys
from xinqiao_gateway.fronts.tcp.tls import client_context, read_listening
from xinqiao_gateway.settings import Settings

__all__ = ["unfit_channel", "unfit_settings"]


def unfit_settings(data: Path, settings: Settings) -> list[str]:
    """Return what the settings name for the fronts and cannot be had, each a line."""
    problems = Problems()
    problems.attempt(provider_named, settings.payment)
    if settings.grpc_port is not None:
        problems.attempt(read_tls_files, settings)
    host_key = data / "keys" / "ssh_host_ed25519"
    if settings.sftp_port is not None and host_key.exists():  # else the first start makes it
        problems.attempt(read_key_file, host_key, secret=True)
    return problems.lines


def unfit_channel(data: Path, settings: Settings, channel: ServedChannel) -> list[str]:
    """Return which files a channel's sections name that its fronts cannot use, each a line with the profile's place."""
    found: list[str] = []
    for section, act in _readings(data, settings, channel):
        problems = Problems()
        problems.attempt(act)
        where = data / "channels" / channel.channel_id / "channel.yaml"
        found += [f"{where}: {section}: {each}" for each in problems.lines]
    return found


def _readings(data: Path, settings: Settings, channel: ServedChannel) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield by its section what a channel's fronts do with its files."""
    profile, folder = channel.channel.profile, data / "channels" / channel.channel_id
    if profile.mail is not None:
        yield "mail", partial(mailbox_of, data, channel.channel_id, profile.mail)
    if profile.tcp is not None and profile.tcp.listen is not None:
        yield "tcp.listen", partial(read_listening, settings, channel.channel.folders, profile.tcp.listen)
    if profile.tcp is not None and channel.push is not None and channel.push.scheme == "tls":
        yield "tcp.call", partial(client_context, profile.tcp.call, channel.channel.folders)
    for section, login in _logins(profile, channel):
        for name, is_secret in _files(login):
            yield f"{section}.{name}", partial(read_key_file, folder / "keys" / getattr(login, name), secret=is_secret)
    if settings.sftp_port is not None:
        yield "ssh", partial(login_keys, folder / "ssh")


def _logins(profile: Profile, channel: ServedChannel) -> Iterator[tuple[str, Login]]:
    """Yield how a channel enters its partner's servers, each once."""
    files, push = profile.files, profile.push
    if files is not None and files.login is not None:
        yield "files.login", files.login
    if push is not None and channel.push is not None and channel.push.scheme == "sftp" and push.files.login is not None:
        yield "push.files.login", push.files.login


def _files(login: Login) -> Iterator[tuple[str, bool]]:
    """Yield which files a login names, and whether each is a secret."""
    for name, is_secret in (("password_file", True), ("key_file", True), ("certificate_file", False)):
        if getattr(login, name) is not None:
            yield name, is_secret
