"""The channel profile: what a YAML file may say, as pydantic models. What it means is for mapping and channel.

Every model forbids names that it does not know, so that a misspelt key is an error and not a silence.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from xinqiao.rules.values import check_institution_code
from xinqiao_adapters.docking import H5, Conformance, Files, Mail, Push, Tcp
from xinqiao_adapters.formats.spec import STRICT, CanonicalSpec, FormatSpec
from xinqiao_adapters.security.spec import JwsSecurity, Security

__all__ = [
    "AnswerTable",
    "AnswerValue",
    "Capacity",
    "CodeTable",
    "Digits",
    "Drop",
    "Institution",
    "InstitutionCode",
    "Interface",
    "Limits",
    "Nothing",
    "Pad",
    "Profile",
    "Proposal",
    "Push",
    "QueryReply",
    "Row",
    "Security",
    "Sign",
    "Title",
    "WhenUnknown",
]

Direction = Literal["in", "out", "both", "query"]
WhenUnknown = Literal["repeat", "hold", "query"]


def _with_check_character(code: str) -> str:
    if expected := check_institution_code(code):
        raise ValueError(f"{expected} is expected at its end (GB 32100)")
    return code


InstitutionCode = Annotated[str, Field(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$"), AfterValidator(_with_check_character)]
CodePoint = Annotated[str, Field(pattern=r"^U\+[0-9A-F]{4,6}$")]


class _Part(BaseModel):
    model_config = STRICT


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
    code: InstitutionCode


Count = Annotated[int, Field(gt=0)]


class Limits(_Part):
    """What a channel may take of the gateway; the gateway keeps to it, and nothing said means the gateway's own limit.

    ``body``: the largest raw input, in bytes. ``rate``: messages that may come in each second; ``burst``: as many may
    come at once after a rest. ``concurrency``: inputs under way at once. ``queue``: deliveries that may wait for the
    channel. ``parallel``: deliveries under way to it at once. ``documents``: the largest bytes of each media type, 0
    for one that is not taken.
    """

    body: Count | None = None
    rate: Annotated[float | int, Field(gt=0)] | None = None
    burst: Count | None = None
    concurrency: Count | None = None
    queue: Count | None = None
    parallel: Count | None = None
    documents: dict[str, Annotated[int, Field(ge=0)]] = {}

    @model_validator(mode="after")
    def _burst_has_rate(self) -> "Limits":
        if self.burst is not None and self.rate is None:
            raise ValueError("burst goes with rate: say how many messages may come each second")
        return self


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


class Proposal(_Part):
    """A guess of ``channel new``: how sure (0 to 1), why, and who confirmed it; a gateway serves no guesses."""

    confidence: Annotated[float | int, Field(ge=0, le=1)]
    reason: str
    confirmed: Annotated[str, Field(min_length=1)] | None = None


class Pad(_Part):
    """A text filled up to ``width`` characters on its left or right; the fill is taken away on reading."""

    width: Annotated[int, Field(gt=0)]
    fill: Annotated[str, Field(min_length=1, max_length=1)] = "0"
    side: Literal["left", "right"] = "left"


class Sign(_Part):
    """How a partner writes the sign: a word after the number, or in a field of its own at ``source``."""

    source: str | None = Field(None, alias="from")
    minus: str
    plus: str = ""


class Capacity(_Part):
    """How long a text the partner holds, in characters or in bytes of the format's encoding."""

    characters: Annotated[int, Field(gt=0)] | None = None
    bytes: Annotated[int, Field(gt=0)] | None = None


def _whole_capacity(value: object) -> object:
    return {"characters": value} if isinstance(value, int) and not isinstance(value, bool) else value


class Nothing(_Part):
    """Texts that say nothing (``99991231``), and the one that is written where there is nothing to say."""

    read: Annotated[list[str], Field(min_length=1)]
    write: str | None = None


def _whole_nothing(value: object) -> object:
    return {"read": [value]} if isinstance(value, str) else {"read": value} if isinstance(value, list) else value


def _whole_choices(value: object) -> object:
    parts = value if isinstance(value, dict) else {}
    return {name: [said] if not isinstance(said, list) else said for name, said in parts.items()} or value


Choices = Annotated[dict[str, list[str | bool | int]], BeforeValidator(_whole_choices)]


class Row(_Part):
    """One row of a mapping; ``mapping.rows`` says which parts go together."""

    source: str | list[str] | None = Field(None, alias="from")
    at: str | None = None
    each: str | None = None
    use: str | None = None
    map: "dict[str, Row] | None" = None
    # which node, which message
    where: dict[str, str] = {}
    when: Choices = {}
    # the text
    join: str | None = None
    lengths: Annotated[list[int], Field(min_length=1)] | None = None
    split: str | None = None
    piece: Annotated[int, Field(ge=0)] | None = None
    pieces: Annotated[int, Field(gt=1)] | None = None
    nothing: Annotated[Nothing, BeforeValidator(_whole_nothing)] | None = None
    only: dict[str, str | bool | int] | None = None
    halfwidth: Literal[True] | None = None
    pad: Pad | None = None
    length: Annotated[Capacity, BeforeValidator(_whole_capacity)] | None = None
    # the value
    date: str | None = None
    datetime: str | None = None
    time: str | None = None
    zone: str | None = None
    fraction: Literal["refuse", "drop"] | None = None
    amount: Literal["fen", "yuan", "wan"] | None = None
    percent: Literal["ratio", "sign"] | None = None
    decimal: Annotated[int, Field(ge=0, le=8)] | Digits | None = None
    implied: Annotated[int, Field(ge=1, le=8)] | None = None
    grouping: Literal[True] | None = None
    sign: Sign | None = None
    integer: Literal[True] | None = None
    boolean: Annotated[dict[Literal["true", "false"], str | list[str]], Field(min_length=2, max_length=2)] | None = None
    codes: str | None = None
    constant: str | bool | int | None = None
    default: str | bool | int | None = None
    oneway: Literal["in", "out"] | None = None
    # a total of the message
    count: str | None = None
    sum: str | None = None
    # how it came to be
    proposed: Proposal | None = None


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

    ``root`` is the key or element around the values (``.`` in JSON: none). ``code`` names the place of the return
    code; a reply whose code is the one of ``accepted`` is a yes.
    """

    root: str
    code: str
    accepted: dict[str, AnswerValue]
    rejected: dict[str, AnswerValue]


Codes = Annotated[dict[str, list[str]], BeforeValidator(_whole_choices), Field(min_length=1)]


class QueryReply(_Part):
    """What a partner says of a message that it is asked about: places of its reply, and the codes that say so.

    All places of an entry have to fit. A reply that fits none of the three, or several, proves nothing.
    ``root`` is as in ``AnswerTable``. ``missing``: the partner has no such message.
    """

    root: str
    accepted: Codes
    rejected: Codes | None = None
    missing: Codes


def _known_way(said: str) -> str:
    if said not in ("repeat", "hold") and not re.fullmatch(r"query \S+", said):
        raise ValueError(f"repeat, hold, or query and the name of an interface with direction: query; not {said!r}")
    return said


class Interface(_Part):
    """One exchange: message type (``*``: all of them), direction as the gateway sees it, format, mapping.

    ``match`` tells its input from that of others, ``when`` (canonical path → values) the messages that go out by it.
    ``changed`` says what a known key with another body is: a conflict, or a correction that a person approves.
    ``unknown`` says what to do where nobody knows whether what was sent has arrived; an interface whose direction is
    ``query`` is for that only, and ``reply`` is how its answer is read.
    """

    title: Title | None = None
    message: str
    direction: Direction
    format: FormatSpec = CanonicalSpec(kind="canonical")
    match: Annotated[dict[str, list[str]], BeforeValidator(_whole_choices)] = {}
    when: Choices = {}
    records: str | None = None
    atomic: bool = True
    key: list[str] = []
    case: str | None = None
    map: Annotated[dict[str, Row], BeforeValidator(lambda value: {} if value is None else value)] = {}
    dropped: Dropped = {}
    answer: AnswerTable | None = None
    changed: Literal["refuse", "correct"] = "refuse"
    unknown: Annotated[str, AfterValidator(_known_way)] = "repeat"
    reply: QueryReply | None = None
    proposed: Proposal | None = None

    @property
    def comes_in(self) -> bool:
        """Whether messages of the partner's come by it."""
        return self.direction in ("in", "both")

    @property
    def goes_out(self) -> bool:
        """Whether messages are sent by it; a query carries none."""
        return self.direction in ("out", "both")

    @property
    def when_unknown(self) -> WhenUnknown:
        """What to do where the outcome of sending is unknown."""
        return "query" if self.asked_by else "hold" if self.unknown == "hold" else "repeat"

    @property
    def asked_by(self) -> str | None:
        """The interface that asks what became of a message, None where none does."""
        way, _, name = self.unknown.partition(" ")
        return name if way == "query" else None


class Profile(_Part):
    """A channel, whole, after ``extends``.

    ``characters`` are the partner's code points for rare characters (生僻字): a private one ⇄ the one of Unicode.
    """

    channel: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")]
    title: Title
    institution: Institution
    receiver: Annotated[str, Field(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")] | None = None
    test: bool = False
    security: Security = JwsSecurity()
    push: Push | None = None
    files: Files | None = None
    tcp: Tcp | None = None
    mail: Mail | None = None
    h5: H5 | None = None
    conformance: Conformance | None = None
    limits: Limits = Limits()
    adapter: str | None = None
    format: dict[str, Any] = {}
    characters: dict[CodePoint, CodePoint] = {}
    answer: AnswerTable | None = None
    interfaces: Annotated[dict[str, Interface], Field(min_length=1)]
    dropped: Dropped = {}
    parts: dict[str, dict[str, Row]] = {}
    codes: dict[str, CodeTable] = {}

    @property
    def is_vouched_for(self) -> bool:
        """Whether a front may vouch for what comes, so that the partner needs no key to sign with."""
        files, tcp = self.files, self.tcp
        unsealed = (files is not None and files.seal == "none", tcp is not None and tcp.trust != "seal")
        return self.mail is not None or any(unsealed)
