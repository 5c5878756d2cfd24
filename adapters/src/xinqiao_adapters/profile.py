"""The channel profile: what a YAML file may say, as pydantic models. What it means is for mapping and channel.

Every model forbids names that it does not know, so that a misspelt key is an error and not a silence.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from xinqiao.keys import ALGORITHMS

__all__ = [
    "AnswerTable",
    "AnswerValue",
    "CodeTable",
    "Digits",
    "Drop",
    "FormatSpec",
    "Institution",
    "Interface",
    "Limits",
    "Profile",
    "Push",
    "Row",
    "Security",
    "Title",
]

Direction = Literal["in", "out", "both"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=False)


class Title(_Part):
    """A name for people, in both languages."""

    zh: str
    en: str


class Institution(_Part):
    """Who is at the other end: ``code`` is the 18-digit unified social credit code (统一社会信用代码)."""

    name: str
    type: Literal[
        "bank", "insurer", "wealth-manager", "fund-distributor", "platform", "asset-servicer", "trust-company"
    ]
    code: Annotated[str, Field(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")]


class Security(_Part):
    """How raw input is sealed, and the algorithms that the channel's keys may have."""

    scheme: Literal["xinqiao-jws"] = "xinqiao-jws"
    algorithms: Annotated[list[str], Field(min_length=1)] = list(ALGORITHMS)

    @field_validator("algorithms")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        unknown = [name for name in names if name not in ALGORITHMS]
        if unknown:
            raise ValueError(f"unknown algorithm {', '.join(unknown)}; known: {', '.join(ALGORITHMS)}")
        return names


class Push(_Part):
    """Where messages for this channel are posted; ``timeout`` in seconds."""

    url: str
    timeout: float | int | None = None


class Limits(_Part):
    """``body``: the largest raw input, in bytes."""

    body: Annotated[int, Field(gt=0)] | None = None


class FormatSpec(_Part):
    """A partner's format. ``xsd`` is a path beside the profile; ``namespaces`` give prefixes to paths.

    ``trim`` takes blanks around a text away; a text that is blank is nothing either way.
    """

    kind: Literal["xml", "json", "canonical"]
    root: str | None = None
    xsd: str | None = None
    encoding: Literal["UTF-8", "GBK", "GB2312", "GB18030"] = "UTF-8"
    namespaces: dict[str, str] = {}
    trim: bool = True


def _whole_table(value: object) -> object:
    return value if isinstance(value, dict) and "values" in value else {"values": value}


class _CodeTable(_Part):
    """The partner's codes and what they mean in the standard.

    ``send`` names the code that goes out where several mean the same; ``other`` what goes out for a value
    that has none (answers only); ``missing`` says why a value of the standard has no code.
    """

    values: dict[str, str]
    send: dict[str, str] = {}
    other: str | None = None
    missing: dict[str, str] = {}


CodeTable = Annotated[_CodeTable, BeforeValidator(_whole_table)]


class Digits(_Part):
    """Digits after the point: what goes out is padded to ``least``, what does not fit into ``most`` is refused."""

    least: Annotated[int, Field(ge=0, le=8)] = 0
    most: Annotated[int, Field(ge=0, le=8)]


class Drop(_Part):
    """Why outgoing messages lose a field; ``only`` are the values that may be lost, where not all may."""

    reason: str
    only: list[str | bool | int] = []


def _whole_drop(value: object) -> object:
    return {"reason": value} if isinstance(value, str) else value


Dropped = dict[str, Annotated[Drop, BeforeValidator(_whole_drop)]]


class Row(_Part):
    """One row of a mapping; ``mapping.rows`` says which parts go together."""

    source: str | None = Field(None, alias="from")
    at: str | None = None
    each: str | None = None
    use: str | None = None
    map: "dict[str, Row] | None" = None
    date: str | None = None
    datetime: str | None = None
    zone: str | None = None
    fraction: Literal["refuse", "drop"] | None = None
    amount: Literal["fen", "yuan"] | None = None
    decimal: Annotated[int, Field(ge=0, le=8)] | Digits | None = None
    integer: Literal[True] | None = None
    boolean: Annotated[dict[Literal["true", "false"], str | list[str]], Field(min_length=2, max_length=2)] | None = None
    codes: str | None = None
    constant: str | bool | int | None = None
    default: str | bool | int | None = None
    oneway: Literal["in", "out"] | None = None


def _whole_value(value: object) -> object:
    return {"value": value} if isinstance(value, str) else value


class _AnswerValue(_Part):
    """A literal, or a reference such as ``finding.text``; or a list with ``each: findings``."""

    value: str | None = None
    codes: str | None = None
    each: Literal["findings"] | None = None
    map: dict[str, str] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "_AnswerValue":
        if (self.value is None) == (self.each is None) or (self.each is None) != (self.map is None):
            raise ValueError("give a value, or each and map")
        return self


AnswerValue = Annotated[_AnswerValue, BeforeValidator(_whole_value)]


class AnswerTable(_Part):
    """The partner's own reply; the same table reads what the partner replies to us.

    ``code`` names the place of the return code; a reply whose code is the one of ``accepted`` is a yes.
    """

    root: str
    code: str
    accepted: dict[str, AnswerValue]
    rejected: dict[str, AnswerValue]


class Interface(_Part):
    """One exchange: message type (``*``: all of them), direction as the gateway sees it, format, mapping."""

    title: Title | None = None
    message: str
    direction: Direction
    format: FormatSpec
    match: dict[str, str] = {}
    records: str | None = None
    atomic: bool = True
    key: list[str] = []
    case: str | None = None
    map: dict[str, Row] = {}
    dropped: Dropped = {}
    answer: AnswerTable | None = None


class Profile(_Part):
    """A channel, whole, after ``extends``."""

    channel: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")]
    title: Title
    institution: Institution
    receiver: Annotated[str, Field(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")] | None = None
    test: bool = False
    security: Security = Security()
    push: Push | None = None
    limits: Limits = Limits()
    adapter: str | None = None
    format: dict[str, Any] = {}
    answer: AnswerTable | None = None
    interfaces: Annotated[dict[str, Interface], Field(min_length=1)]
    dropped: Dropped = {}
    parts: dict[str, dict[str, Row]] = {}
    codes: dict[str, CodeTable] = {}
