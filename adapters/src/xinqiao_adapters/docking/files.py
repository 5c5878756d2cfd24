"""``files``: batch files, by SFTP.

Where they come from, how a finished one is told, and what becomes of it. ``files: {}`` is the channel's own folder.
"""

import fnmatch
import re
from typing import Annotated, Literal
from urllib.parse import unquote

from pydantic import AfterValidator, BaseModel, BeforeValidator, Discriminator, Field, Tag, model_validator

from xinqiao_adapters.docking.login import Login, Permissions
from xinqiao_adapters.formats.spec import STRICT

__all__ = ["Address", "Done", "Files", "Index", "Login", "Manifest", "Marker", "Permissions", "Stable", "Temporary"]

_ADDRESS = re.compile(
    r"sftp://(?P<user>[^\s:@/]{1,64})@(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:@/\[\]]{1,253})(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<folder>/\S*)?"
)
_USER_WITH_AT = re.compile(r"sftp://[^/]*@[^/]*@")
_LONGEST_PATH = 500
# Bytes of a result's name beside the input's, which may have 200; an ending and a number come to it meanwhile.
_LONGEST_AROUND = 24


class _Part(BaseModel):
    model_config = STRICT


class Address(_Part):
    """A folder on an SFTP server: ``sftp://user@host:port/folder``, an ``@`` in the user written ``%40``.

    ``/~/folder`` begins where the login leads, and no folder is that place itself.
    """

    user: str
    host: str
    port: int
    folder: str

    @classmethod
    def parse(cls, said: str) -> "Address":
        """Read an address. Raises ``ValueError`` that says what is wrong."""
        found = _ADDRESS.fullmatch(said)
        if found is None and _USER_WITH_AT.match(said):
            raise ValueError(f"{said!r}: the user holds an @; write it %40: sftp://us%40trust.example@host/folder")
        if found is None:
            raise ValueError(f"{said!r} is no address; write sftp://user@host:port/folder, the password in a file")
        port = int(found["port"] or 22)
        if not 0 < port < 65_536:
            raise ValueError(f"{said!r}: a port is between 1 and 65535")
        folder = _path(found["folder"] or "/~")
        user = unquote(found["user"])
        if not user.isprintable():
            raise ValueError(f"{said!r}: a user is printable")
        return cls(user=user, host=found["host"].strip("[]"), port=port, folder=folder)


def _path(said: str) -> str:
    parts = said.split("/")
    if {"..", "."} & set(parts) or "//" in said or not said.isprintable() or "\\" in said or len(said) > _LONGEST_PATH:
        raise ValueError(
            f"{said!r} is no folder here: at most {_LONGEST_PATH} characters, without . or .., // and backslashes"
        )
    return said.rstrip("/") or said[:1]


def _address(said: str) -> str:
    Address.parse(said)
    return said


def _suffix(said: str) -> str:
    if not said or "/" in said or "\\" in said or not said.isprintable() or len(said) > 32:
        raise ValueError(f"{said!r} is no ending of a file name, such as .ok")
    return said


def _pattern(said: str) -> str:
    if not said or "/" in said or "\\" in said or not said.isprintable() or len(said) > 200:
        raise ValueError(f"{said!r} is no pattern of file names, such as ORD_*.csv")
    return said


Folder = Annotated[str, Field(min_length=1), AfterValidator(_path)]
Suffix = Annotated[str, AfterValidator(_suffix)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Patterns = Annotated[
    list[Pattern], Field(min_length=1, max_length=32), BeforeValidator(lambda v: [v] if isinstance(v, str) else v)
]


class Marker(_Part):
    """A file is finished when its marker is there: ``a.csv.ok``, or ``a.ok`` with ``replaces``.

    What the marker holds is not read.
    """

    marker: Suffix
    replaces: bool = False

    def name(self, of: str) -> str:
        """Return the name of a file's marker."""
        stem, point, _ = of.rpartition(".")
        return (stem if self.replaces and point and stem else of) + self.marker


class Temporary(_Part):
    """A file is finished when it has its final name; while it grows it has a name that fits one of the patterns."""

    temporary: Patterns


class Stable(_Part):
    """A file is finished when size and time of change stayed the same for some seconds, by our own clock."""

    stable: Annotated[float | int, Field(gt=0, le=86_400)]


class Index(_Part):
    """Files are finished when an index that fits the pattern (OFD's ``OFI_*.TXT``) lists them, and all are there."""

    index: Pattern


_WORDS = ("marker", "temporary", "stable", "index")


def _done_word(said: object) -> str | None:
    """Let the one word that a mark begins with choose its model, so that an error is about that one alone."""
    found = [word for word in _WORDS if (word in said if isinstance(said, dict) else hasattr(said, word))]
    return found[0] if len(found) == 1 else None


Done = Annotated[
    Annotated[Marker, Tag("marker")]
    | Annotated[Temporary, Tag("temporary")]
    | Annotated[Stable, Tag("stable")]
    | Annotated[Index, Tag("index")],
    Discriminator(
        _done_word,
        custom_error_type="done",
        custom_error_message="say one way by which a finished file is told: marker, temporary, stable or index",
    ),
]


def _whole_names(said: object) -> object:
    return {"": said} if isinstance(said, str | list) else said


def _whole_manifest(said: object) -> object:
    return {"presence": said} if isinstance(said, str) else said


Presence = Literal["required", "optional", "none"]


class _Manifest(_Part):
    presence: Presence = "required"
    suffix: Suffix = ".manifest"


Manifest = Annotated[_Manifest, BeforeValidator(_whole_manifest)]


class Files(_Part):
    """The section ``files`` of a profile.

    ``from``: the partner's server; nothing is the channel's own folder, where ``inbox`` is ``in``. ``inbox``,
    ``archive``, ``error`` and ``results`` are below ``from``, or begin at the server's root with ``/``. ``names`` are
    patterns, or patterns for each interface. ``manifest`` says what accompanies a file, ``seal`` whether what is in it
    must be signed; without, the login stands for the partner. ``after``: what becomes of a file that was taken; one
    that was refused goes to ``error``. ``result`` names the file that is written back, ``{name}`` is the input's.
    ``largest``: bytes of one file.
    """

    source: Annotated[str, AfterValidator(_address)] | None = Field(None, alias="from")
    login: Login | None = None
    inbox: Folder | None = None
    every: Annotated[float | int, Field(ge=1, le=86_400)] = 30
    names: Annotated[dict[str, Patterns], Field(min_length=1), BeforeValidator(_whole_names)] = {"": ["*"]}
    done: Done = Marker(marker=".ok")
    manifest: Manifest = _Manifest()
    seal: Literal["required", "none"] = "required"
    after: Literal["archive", "remove", "leave"] = "archive"
    archive: Folder = "archive"
    error: Folder = "error"
    results: Folder = "result"
    result: Annotated[str, Field(min_length=1, max_length=100)] = "{name}.result"
    largest: Annotated[int, Field(gt=0)] = 2_000_000_000

    @property
    def address(self) -> Address | None:
        """Where the partner's server is; None for the channel's own folder."""
        return Address.parse(self.source) if self.source is not None else None

    @property
    def watched(self) -> str:
        """The folder that is watched, below ``from``; empty where it is that one itself."""
        return self.inbox or ("in" if self.source is None else "")

    @property
    def permissions(self) -> Permissions:
        """What may be done where the files lie."""
        return self.login.permissions if self.login else Permissions()

    def interface_of(self, name: str) -> str | None:
        """Return the interface whose pattern a name fits, empty where none is named; None where it fits no pattern."""
        for interface, patterns in self.names.items():
            if any(fnmatch.fnmatchcase(name, each) for each in patterns):
                return interface
        return None

    def result_name(self, name: str) -> str:
        """Return the name of the result file of an input."""
        return self.result.replace("{name}", name)

    @model_validator(mode="after")
    def _fits(self) -> "Files":
        problems = [*self._place_problems(), *self._done_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _place_problems(self) -> list[str]:
        said = []
        if (self.source is None) != (self.login is None):
            said.append("from and login go together: a partner's server, and how it is entered")
        folders = {"archive": self.archive, "error": self.error, "results": self.results}
        if self.inbox:
            folders["inbox"] = self.inbox
        if self.source is None and any(each.startswith("/") for each in folders.values()):
            said.append("a folder of the channel's own is named without a leading /")
        if len(set(folders.values()) | {self.watched}) < 4:
            said.append("inbox, archive, error and results are four folders")
        if self.after == "archive" and not self.permissions.rename:
            said.append("after: archive needs permissions.rename; write after: remove or after: leave")
        if self.after == "remove" and not self.permissions.remove:
            said.append("after: remove needs permissions.remove; write after: leave")
        return said

    def _done_problems(self) -> list[str]:
        said = []
        if isinstance(self.done, Marker) and self.done.marker == self.manifest.suffix:
            said.append("the marker of done and the suffix of manifest are the same")
        if self.seal == "required" and self.manifest.presence != "required":
            said.append("the seal comes with the manifest: write manifest: required, or seal: none")
        around = self.result.replace("{name}", "", 1)
        if "{name}" not in self.result or not set("{}/\\").isdisjoint(around) or not around.isprintable():
            said.append("result is a name with {name} in it, once")
        elif self.result != self.result.strip() or len(around.encode()) > _LONGEST_AROUND:
            said.append(f"result has at most {_LONGEST_AROUND} bytes around {{name}}, and no blank at either end")
        return said
