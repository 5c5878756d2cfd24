"""The terms of obligations as data: of an installation's ``obligations.yaml``, of a product, of a contract."""

from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from xinqiao import standard
from xinqiao_gateway.calendars import Shift
from xinqiao_gateway.obligations.spans import By, Duration, Plus, Span

__all__ = ["CutoffBatch", "CutoffTerms", "Every", "Named", "Opener", "Rule", "Subject", "Terms"]


def _known(message: str) -> str:
    if message not in standard.message_types():
        raise ValueError(f"{message!r} is no message type; write its key in JSON, such as navReport")
    return message


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,59}$")]
MessageKey = Annotated[str, AfterValidator(_known)]
Conditions = dict[str, Any]


class _Terms(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Subject(_Terms):
    """What a message must arrive for, each apart: the values of a field, such as product codes."""

    path: str
    in_: tuple[str, ...] = Field(alias="in", min_length=1, max_length=10_000)


class Named(_Terms):
    """Days by name: the open days of a product, the dates of a contract."""

    on: tuple[date, ...] = Field(min_length=1, max_length=1000)


Every = Literal["day", "week", "month", "quarter", "year"] | Named


class Opener(_Terms):
    """The message that opens an obligation. ``date`` is where it says the day or instant to count from."""

    message: MessageKey
    from_: str | None = Field(None, alias="from")
    when: Conditions = {}
    date: str | None = None


class Rule(_Terms):
    """One obligation: what must arrive, about which day, by when, and who is told.

    Either ``every`` period (the day is the period's last open one), or ``after`` a message, the two held together by
    ``same`` (a path in the opener to a path in what is expected). Due is ``by`` on the day ``plus`` later.
    """

    id: Name
    message: MessageKey | None = None
    file: str | None = None
    from_: str | None = Field(None, alias="from")
    test: bool = False
    when: Conditions = {}
    date: str | None = None
    subject: Subject | None = None
    every: Every | None = None
    after: Opener | None = None
    same: dict[str, str] = {}
    calendar: str = "exchange"
    plus: Plus = Span(0, natural=False)
    shift: Shift = "following"
    by: By = None
    warn: Duration | None = None
    escalate: tuple[Duration, ...] = Field((), max_length=10)
    to: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.message is None) == (self.file is None):
            raise ValueError("write message or file, one of them")
        if (self.every is None) == (self.after is None):
            raise ValueError("write every or after, one of them")
        if (self.after is None) != (not self.same):
            raise ValueError("after and same go together: same says which fields hold opener and answer together")
        if self.file is not None and (self.after or self.subject or self.when or self.date):
            raise ValueError("a file is expected every period; leave out after, subject, when and date")
        if self.after is not None and (self.subject or self.date):
            raise ValueError("an obligation that a message opens has no subject or date; write same, and date in after")
        if list(self.escalate) != sorted(set(self.escalate)):
            raise ValueError("escalate goes from short to long, such as [1h, 4h, 1d]")
        return self

    @model_validator(mode="after")
    def _names_fields(self) -> Self:
        expected = [self.date, self.subject.path if self.subject else None, *self.when, *self.same.values()]
        _check_paths(self.message, expected)
        _check_date(self.message, self.date)
        if self.after:
            _check_date(self.after.message, self.after.date)
            _check_paths(self.after.message, [self.after.date, *self.after.when, *self.same])
        return self


class CutoffBatch(_Terms):
    """A named batch of a trading day, closed ``by`` a time ``plus`` open days later."""

    name: Name
    by: By
    plus: int = Field(0, ge=0, le=30)


class CutoffTerms(_Terms):
    """The batches of an interface. ``until``: when a trading day ends for its rows (by default the last cut-off)."""

    id: Name
    interface: str
    from_: str = Field(alias="from")
    calendar: str = "exchange"
    until: By = None
    batches: tuple[CutoffBatch, ...] = Field(min_length=1, max_length=50)
    warn: Duration | None = None
    escalate: tuple[Duration, ...] = Field((), max_length=10)
    to: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        closed = [(each.plus, each.by is None, each.by) for each in self.batches]
        if any(after <= before for before, after in pairwise(closed)):
            raise ValueError("batches go from the first cut-off of the day to the last")
        return self

    def rules(self) -> list[Rule]:
        """Return the obligations that the file of each batch is there by its cut-off."""
        shared = {
            "file": self.interface,
            "from": self.from_,
            "every": "day",
            "calendar": self.calendar,
            "warn": self.warn and _minutes(self.warn),
            "escalate": [_minutes(each) for each in self.escalate],
            "to": self.to,
        }
        return [
            Rule.model_validate(
                {
                    "id": f"{self.id}-{batch.name}",
                    "plus": batch.plus,
                    "by": "24:00" if batch.by is None else f"{batch.by:%H:%M}",
                    **shared,
                }
            )
            for batch in self.batches
        ]


class Terms(_Terms):
    """What ``obligations.yaml`` holds."""

    obligations: tuple[Rule, ...] = ()
    cutoffs: tuple[CutoffTerms, ...] = ()


def _check_paths(message: str | None, paths: list[str | None]) -> None:
    for path in paths:
        if message and path and _field(message, path) is None:
            raise ValueError(f"{message} has no field {path!r}; write a path in its body, or header.…")


def _check_date(message: str | None, path: str | None) -> None:
    field = _field(message, path) if message and path else None
    if field is not None and field.kind not in {"DATE", "TIMESTAMP"}:
        raise ValueError(f"{path!r} is no date of {message}; write the path of a date or a time")


def _field(message: str, path: str) -> standard.Field | None:
    return standard.field_at(message, path if path.startswith("header.") else f"{message}.{path}")


def _minutes(seconds: float) -> str:
    return f"{int(seconds // 60)}m"
