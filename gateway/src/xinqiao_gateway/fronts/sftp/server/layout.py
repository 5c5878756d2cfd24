"""What a partner sees of its channel's folder, and what it may do where."""

import unicodedata
from dataclasses import dataclass

from xinqiao.errors import FileRefused
from xinqiao_adapters.docking.files import Files
from xinqiao_adapters.profile import Profile
from xinqiao_gateway.fronts.sftp.names import LONGEST, checked_path, refusal

__all__ = ["DONE", "Layout", "Path"]

Path = tuple[str, ...]

# Where the partner may move what it has fetched.
DONE = "done"


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders that a partner sees; all else in the channel's folder is the gateway's.

    ``inbox``: it writes, renames and removes. ``out``: it reads, removes, and moves into ``done`` below. ``results``:
    it reads. Names there that end with ``unfinished`` are not whole yet, and not shown.
    """

    inbox: Path = ("in",)
    out: Path = ("out",)
    results: Path = ("result",)
    unfinished: tuple[str, ...] = (".tmp", ".part")

    @classmethod
    def of(cls, profile: Profile) -> "Layout":
        """Return the layout that a profile asks for: as ``files`` and ``push`` name the channel's own folders."""
        files, push = profile.files, profile.push
        own = files if files is not None and files.source is None else Files()
        out = push.url.partition(":")[2] if push is not None and push.url.lower().startswith("folder:") else "out"
        unfinished = (".tmp", push.files.temporary if push is not None else ".part")
        return cls(_parts(own.watched), _parts(out) or ("out",), _parts(own.results), unfinished)

    @property
    def done(self) -> Path:
        """Where what was fetched may be moved."""
        return (*self.out, DONE)

    @property
    def folders(self) -> tuple[Path, ...]:
        """All folders with files."""
        return (self.inbox, self.out, self.done, self.results)

    def subfolders(self, path: Path) -> set[str]:
        """Return the names of the folders seen in one; for what is no folder there are none."""
        return {each[len(path)] for each in self.folders if len(each) > len(path) and each[: len(path)] == path}

    def is_folder(self, path: Path) -> bool:
        """Whether a path is a folder that the partner sees."""
        return path in self.folders or bool(self.subfolders(path))

    def shows(self, folder: Path, name: str) -> bool:
        """Whether a name in a folder is shown: one that the partner could also ask for, and that is whole."""
        if folder != self.inbox and (name.startswith(".") or name.endswith(self.unfinished)):
            return False
        return refusal(name) is None


def located(path: bytes, *, upward: bool = False) -> Path:
    """Return the parts of a path that a client names; composed characters, one spelling for each name.

    ``upward`` takes ``..`` as far as the root, for clients that walk. Raises ``FileRefused``.
    """
    try:
        text = unicodedata.normalize("NFC", path.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise FileRefused("a name is UTF-8, this one is not") from error
    parts: list[str] = []
    for part in text.split("/"):
        if part in {"", "."}:
            continue
        if upward and part == "..":
            del parts[-1:]
        else:
            parts.append(part)
    return checked_path("/".join(parts), LONGEST)


def _parts(path: str) -> Path:
    return tuple(each for each in path.split("/") if each)
