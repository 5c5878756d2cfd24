"""``push``: where messages for a channel go. Without it the partner pulls."""

import re
from datetime import date, datetime, time
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from xinqiao_adapters.docking.files import Suffix
from xinqiao_adapters.docking.login import Login
from xinqiao_adapters.formats.spec import STRICT

__all__ = ["OutgoingFiles", "OutgoingIndex", "Push"]

# What stands in a name, each with an example of its value.
_NAMED: dict[str, Any] = {
    "channel": "bank-a",
    "interface": "orders",
    "type": "03",
    "sender": "913100001000100012",
    "receiver": "91110000100000000R",
    "date": date(2026, 1, 22),
    "time": datetime(2026, 1, 22, 15),
    "sequence": 1,
    "number": 1,
}
_PLAIN = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+-]{0,159}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_FORMATS = {"date": "%Y%m%d", "time": "%H%M%S"}
_NUMBERS = frozenset({"sequence", "number"})
# How a value may be written, by whether it is a number.
_SPECS = {True: re.compile(r"0?[0-9]?"), False: re.compile("")}


class _Part(BaseModel):
    model_config = STRICT


class _Template:
    """A name with places to fill in, such as ``ORD_{date}_{sequence:03}.csv``; only numbers say how they are written.

    Raises ``ValueError`` for what is none.
    """

    def __init__(self, said: str) -> None:
        self._parts = list(Formatter().parse(said))
        self.fields = {field for _, field, _, _ in self._parts if field is not None}
        for _, field, spec, conversion in self._parts:
            if field is not None and (
                field not in _NAMED or conversion or not _SPECS[field in _NUMBERS].fullmatch(spec or "")
            ):
                known = ", ".join(f"{{{each}}}" for each in _NAMED)
                raise ValueError(f"{{{field}}} is none of {known}; numbers are written as {{sequence:03}}")

    def filled(self, values: dict[str, Any]) -> str:
        return "".join(
            text + ("" if field is None else format(values[field], spec or _FORMATS.get(field, "")))
            for text, field, spec, _ in self._parts
        )


def _fields(said: str) -> set[str]:
    """Return what a name is filled with. Raises ``ValueError`` for what names no file."""
    try:
        template = _Template(said)
    except ValueError as error:
        raise ValueError(f"{said!r} is no name of files: {error}") from error
    if not _PLAIN.fullmatch(template.filled(_NAMED)):
        raise ValueError(f"{said!r} is no name of files: Latin letters, digits and . _ + - outside the braces")
    return template.fields


def _name(said: str) -> str:
    fields = _fields(said)
    if "date" not in fields or not ("sequence" in fields or ("number" in fields and fields & {"interface", "type"})):
        raise ValueError(
            f"{said!r} names two files alike; write {{date}} and {{sequence}}, or {{date}}, {{type}} and {{number}}"
        )
    return said


def _index_name(said: str) -> str:
    if unfit := _fields(said) - {"channel", "sender", "receiver", "date", "time", "number"}:
        raise ValueError(f"{said!r}: {{{min(unfit)}}} is one file's own, and an index lists several")
    if "date" not in _fields(said):
        raise ValueError(f"{said!r} names two files alike; write {{date}}")
    return said


def _clock(said: str) -> str:
    if not _TIME.fullmatch(said):
        raise ValueError(f"{said!r} is no time of a day; write it as '15:00', in quotes")
    return said


def _listed(said: object) -> object:
    return [said] if isinstance(said, str) else said


class OutgoingIndex(_Part):
    """The index file of JR/T 0017 that follows the files of one time of the day and lists them.

    ``creator`` and ``receiver`` are the codes that the two have in it. Where there are several times a day, ``name``
    holds ``{number}`` or ``{time}``.
    """

    name: Annotated[str, AfterValidator(_index_name)]
    creator: Annotated[str, Field(pattern=r"^[0-9A-Z]{1,20}$")]
    receiver: Annotated[str, Field(pattern=r"^[0-9A-Z]{1,20}$")]
    version: Literal["20", "21", "22"] = "21"

    def named(self, **values: Any) -> str:  # noqa: ANN401 -- each place has a type of its own
        """Return an index file's name."""
        return _Template(self.name).filled(values)

    @property
    def fits_once_a_day(self) -> bool:
        """Whether a second one of a day would have the same name."""
        return not _fields(self.name) & {"number", "time"}


class OutgoingFiles(_Part):
    """How messages go out in files.

    ``every`` some seconds, or ``at`` times of the day in China, on the open days of ``calendar`` (``bank``,
    ``exchange``, or one of a product); without both, as soon as there is something. ``most`` messages stand in one
    file. ``mark`` is the ending of the file that says that one is finished, ``manifest`` that of what says what is in
    it, ``index`` what follows all files of a time of the day. ``empty``: that there was nothing at such a time is said,
    too, by a manifest without files. ``login`` is for the partner's server; where it is missing, that of ``files`` is
    taken.
    """

    login: Login | None = None
    every: Annotated[float | int, Field(ge=1, le=86_400)] | None = None
    at: (
        Annotated[
            list[Annotated[str, AfterValidator(_clock)]], Field(min_length=1, max_length=48), BeforeValidator(_listed)
        ]
        | None
    ) = None
    calendar: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,60}$")] | None = None
    most: Annotated[int, Field(ge=1, le=50_000)] = 5000
    name: Annotated[str, AfterValidator(_name)] = "{interface}_{date}_{sequence:04}"
    temporary: Suffix = ".part"
    mark: Suffix | None = ".ok"
    manifest: Suffix | None = ".manifest"
    index: OutgoingIndex | None = None
    empty: bool = False

    @property
    def times(self) -> tuple[time, ...]:
        """The times of the day, in order."""
        return tuple(sorted(time.fromisoformat(each) for each in self.at or ()))

    def named(self, **values: Any) -> str:  # noqa: ANN401 -- each place has a type of its own
        """Return a file's name; ``values`` are those of all places that may stand in one."""
        return _Template(self.name).filled(values)

    @model_validator(mode="after")
    def _fits(self) -> "OutgoingFiles":
        endings = [each for each in (self.temporary, self.mark, self.manifest) if each]
        listed, often = self.index, len(self.at or ()) > 1
        problems = {
            "say every or at, and not both": self.every is not None and self.at is not None,
            "calendar goes with at: it says on which days": self.calendar is not None and self.at is None,
            "empty needs at and manifest: it is the manifest of a time of the day": self.empty
            and (self.at is None or self.manifest is None),
            "temporary, mark and manifest are three endings": len(set(endings)) < len(endings),
            "index needs at: it lists the files of a time of the day": listed is not None and self.at is None,
            "index and empty do not go together": listed is not None and self.empty,
            "index.name needs {number} or {time}, as there are several times a day": listed is not None
            and often
            and listed.fits_once_a_day,
        }
        said = [problem for problem, there in problems.items() if there]
        if said:
            raise ValueError("; ".join(said))
        return self


class Push(_Part):
    """Where messages go, by one line: the scheme of ``url`` says how. ``timeout`` of one push, in seconds.

    ``https://…`` posts each; ``tcp://host:port`` and ``tls://host:port`` send each in the frame that ``tcp`` describes;
    ``sftp://user@host/folder`` writes files into the partner's server, ``folder:out`` into the channel's own folder.
    ``files`` says how files go out, and may stand there whatever the address is.
    """

    url: str
    timeout: float | int | None = None
    files: OutgoingFiles = OutgoingFiles()
