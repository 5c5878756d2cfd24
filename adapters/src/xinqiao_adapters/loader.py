"""From a channel's id to its whole profile: search path, ``extends``, and errors with file and line."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

from xinqiao.errors import ProfileInvalid, UnknownChannel
from xinqiao_adapters.marked import Mark, Marked, Where, merge, read_marked, validated
from xinqiao_adapters.profile import Profile

__all__ = ["LoadedProfile", "load_profile", "shipped_channels", "shipped_directory"]


@dataclass(frozen=True, slots=True)
class LoadedProfile:
    """A profile, where each of its parts stands, and the folders it came from (its own first)."""

    profile: Profile
    marks: Marked
    folders: tuple[Path, ...]

    def fail(self, where: Where, problem: str) -> NoReturn:
        """Raise ``ProfileInvalid`` that names the file and line of ``where``."""
        raise ProfileInvalid(f"{self.marks.mark(where)}: {'.'.join(map(str, where))}: {problem}")

    def mark(self, where: Where) -> Mark:
        """Return the file and line of ``where``."""
        return self.marks.mark(where)


def shipped_directory() -> Path:
    """Return the folder of the channels that come with this package."""
    return Path(str(files("xinqiao_adapters") / "channels"))


def shipped_channels() -> list[str]:
    """Return the ids of the channels that come with this package."""
    return sorted(path.parent.name for path in shipped_directory().glob("*/channel.yaml"))


def load_profile(channel_id: str, directories: Sequence[Path]) -> LoadedProfile:
    """Load ``<directory>/<channel_id>/channel.yaml`` from the first directory that has it, else a shipped one.

    A profile may ``extends`` another channel; one of the same id is looked for further down the search path,
    so that an installation overrides a shipped channel under its own name.
    Raises ``UnknownChannel``, ``ProfileInvalid`` (file, line, what to do).
    """
    search = [*directories, shipped_directory()]
    layers = _layers(channel_id, search, ())
    whole = layers[-1][1]
    for _, layer in reversed(layers[:-1]):
        whole = merge(whole, layer)
    _spread_format(whole)
    folders = tuple(path.parent for path, _ in layers)
    return LoadedProfile(validated(whole, Profile), whole, folders)


def _layers(channel_id: str, search: list[Path], seen: tuple[Path, ...]) -> list[tuple[Path, Marked]]:
    candidates = [directory / channel_id / "channel.yaml" for directory in search]
    path = next((each for each in candidates if each not in seen and each.is_file()), None)
    if path is None:
        if any(each in seen[:-1] for each in candidates):
            raise ProfileInvalid(f"{seen[-1]}:1: extends {channel_id!r} runs in a circle")
        raise UnknownChannel(f"no channel {channel_id!r}{' to lay it upon' * bool(seen)}; {_known(search, seen)}")
    layer = read_marked(path)
    _resolve_files(layer.value, path.parent)
    parent = layer.value.pop("extends", None)
    if parent is None:
        return [(path, layer)]
    try:
        return [(path, layer), *_layers(str(parent), search, (*seen, path))]
    except UnknownChannel as error:
        line = layer.mark(("extends",)).line
        raise ProfileInvalid(f"{path}:{line}: extends: {error.detail}") from error


def _known(search: list[Path], seen: tuple[Path, ...]) -> str:
    found = {path.parent.name for directory in search for path in directory.glob("*/channel.yaml") if path not in seen}
    names = ", ".join(sorted(found)) or "none"
    return f"there are: {names} (in {', '.join(map(str, search))}); name one of them under extends"


def _resolve_files(value: dict[str, Any], folder: Path) -> None:
    """Make the paths of XSDs absolute while it is known which file named them."""
    formats = [value.get("format")]
    interfaces = value.get("interfaces")
    if isinstance(interfaces, dict):
        formats += [each.get("format") for each in interfaces.values() if isinstance(each, dict)]
    for each in formats:
        if isinstance(each, dict) and isinstance(each.get("xsd"), str):
            each["xsd"] = str(folder / each["xsd"])


def _spread_format(whole: Marked) -> None:
    """Lay the channel's ``format`` and ``answer`` under those of each interface."""
    shared = whole.value.get("format", {})
    interfaces = whole.value.get("interfaces")
    if not isinstance(interfaces, dict) or not isinstance(shared, dict):
        return
    for interface in interfaces.values():
        if isinstance(interface, dict) and isinstance(interface.get("format", {}), dict):
            own = interface.get("format", {})
            if shared and own.get("kind") in (None, shared.get("kind")):
                interface["format"] = {**shared, **own}
