"""What DATA/policy.yaml may say: rules, their conditions and verdicts. Shape only; meaning is in ``compilation``."""

import re
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, model_validator

from xinqiao_gateway.policy.watch_list import LIST_NAME

__all__ = [
    "Among",
    "Condition",
    "Count",
    "Listed",
    "Rule",
    "RuleVerdict",
    "Similar",
    "Total",
    "Undo",
    "named",
    "seconds",
]

RuleVerdict = Literal["pass", "approve", "forbid", "alert"]

_DURATION = re.compile(r"P(?=.)(?:(\d{1,3})D)?(?:T(?=.)(?:(\d{1,4})H)?(?:(\d{1,5})M)?)?")
# Marks are kept as long as the longest window; a year is what laundering rules look back on.
_LONGEST = timedelta(days=366)


def seconds(written: str) -> int:
    """Return an ISO 8601 duration of days, hours and minutes (``P1D``, ``PT30M``) in seconds; raise ``ValueError``."""
    found = _DURATION.fullmatch(written)
    if not found:
        raise ValueError("a duration is written P1D, PT2H or PT30M")
    days, hours, minutes = (int(each or 0) for each in found.groups())
    length = timedelta(days=days, hours=hours, minutes=minutes)
    if not timedelta() < length <= _LONGEST:
        raise ValueError("a window is longer than nothing and at most P366D")
    return int(length.total_seconds())


def _check_duration(written: str) -> str:
    seconds(written)
    return written


Duration = Annotated[str, AfterValidator(_check_duration)]
Number = Annotated[StrictStr, Field(pattern=r"^-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,8})?$")]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]
ListName = Annotated[str, Field(pattern=LIST_NAME)]
Paths = Annotated[tuple[str, ...], Field(min_length=1, max_length=10)]
Scalar = StrictStr | StrictBool | StrictInt


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Total(_Model):
    """The sum of ``of`` over messages alike in ``by`` within a window, this one included, is above an amount."""

    of: str
    by: Paths
    within: Duration
    above: Number
    currency: Currency | None = None

    @property
    def limit(self) -> Decimal:
        """What the sum may reach."""
        return Decimal(self.above)


class Count(_Model):
    """More than ``above`` messages alike in ``by`` within a window, this one included."""

    by: Paths
    within: Duration
    above: Annotated[int, Field(ge=1, le=1_000_000)]


class Similar(_Model):
    """A message alike in ``by`` came within a window before this one."""

    by: Paths
    within: Duration


class Listed(_Model):
    """A value at one of the paths is on a list of keyed digests."""

    list: ListName
    paths: Paths


class Among(_Model):
    """A value at one of the paths is looked for among what other messages left."""

    paths: Paths


class Condition(_Model):
    """One test. Exactly one of its keys says which; ``path``, ``currency`` and ``where`` belong to some of them."""

    path: str | None = None
    equals: Scalar | None = None
    in_: Annotated[tuple[Scalar, ...], Field(min_length=1)] | None = Field(None, alias="in")
    not_in: Annotated[tuple[Scalar, ...], Field(min_length=1)] | None = None
    exists: StrictBool | None = None
    above: Number | None = None
    below: Number | None = None
    currency: Currency | None = None
    before: str | None = None
    after: str | None = None
    differs_from: str | None = None
    any: str | None = None
    where: Annotated[tuple["Condition", ...], Field(min_length=1)] | None = None
    total: Total | None = None
    count: Count | None = None
    similar: Similar | None = None
    watch_list: Listed | None = None
    related: Listed | None = None
    superseded: Among | None = None
    other_than_payer: Among | None = None

    @property
    def test(self) -> str:
        """The key that says which test this is."""
        return next(name for name in (*_OF_A_VALUE, *_OTHERS) if getattr(self, name) is not None)

    @model_validator(mode="after")
    def _check(self) -> "Condition":
        tests = [name for name in (*_OF_A_VALUE, *_OTHERS) if getattr(self, name) is not None]
        written = ", ".join(name.rstrip("_") for name in (*_OF_A_VALUE, *_OTHERS))
        if len(tests) != 1:
            raise ValueError(f"a condition has exactly one of: {written}")
        if (self.path is not None) != (tests[0] in _OF_A_VALUE):
            raise ValueError(f"{tests[0].rstrip('_')}: {'needs a path' if self.path is None else 'takes no path'}")
        if self.currency is not None and tests[0] not in {"above", "below"}:
            raise ValueError("currency goes with above or below")
        if (self.where is not None) != (tests[0] == "any"):
            raise ValueError("any and where go together")
        return self


def named(conditions: Iterable[Condition]) -> frozenset[str]:
    """Return which tests there are among conditions and those inside them, however deep."""
    found: set[str] = set()
    for each in conditions:
        found |= {each.test} | named(each.where or ())
    return frozenset(found)


_OF_A_VALUE = ("equals", "in_", "not_in", "exists", "above", "below", "before", "after", "differs_from")
_OTHERS = ("any", "total", "count", "similar", "watch_list", "related", "superseded", "other_than_payer")


class Undo(_Model):
    """A message that takes back what a rule remembers of the one with the same ``reference``."""

    message: str
    reference: str
    when: tuple[Condition, ...] = ()


class Rule(_Model):
    """One rule: for which messages, when it applies, and what then."""

    id: Annotated[str, Field(pattern="^[a-z][a-z0-9-]{0,50}$")]
    title: dict[Literal["zh", "en"], Annotated[str, Field(min_length=1, max_length=200)]]
    for_: Annotated[tuple[str, ...], Field(min_length=1)] = Field(alias="for")
    channels: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    when: tuple[Condition, ...] = ()
    verdict: RuleVerdict
    say: StrictBool = False
    reference: str | None = None
    undone_by: tuple[Undo, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, value: Any) -> Any:  # noqa: ANN401
        """Read a single text under ``for`` or ``channels`` as a list of one."""
        if isinstance(value, dict):
            return value | {k: [value[k]] for k in ("for", "channels") if isinstance(value.get(k), str)}
        return value

    @model_validator(mode="after")
    def _check(self) -> "Rule":
        if self.title.keys() != {"zh", "en"}:
            raise ValueError("title: give both zh and en")
        if (self.reference is None) != (not self.undone_by):
            raise ValueError("reference and undone_by go together")
        if self.verdict == "forbid" and not self.say and "watch_list" in named(self.when):
            raise ValueError(
                "a refusal for a watch list tips the partner off: use verdict approve, or write say: true to mean it"
            )
        return self
