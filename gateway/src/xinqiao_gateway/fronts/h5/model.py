"""What the pages are made of: a flow and its steps as data, a visit as a value, and the protocol of a kind of step.

A kind of step is one module in ``steps``; it knows how to show itself and how to take what came, and nothing of HTTP,
of the journal or of other steps. The engine (``visiting``) knows no kind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, RootModel

from xinqiao.finding import Text
from xinqiao.launch import Role
from xinqiao.message import Json
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.fronts.h5.form_data import FormData
from xinqiao_gateway.fronts.h5.tree import value_at
from xinqiao_gateway.journal.visits import Door, StoredVisit

if TYPE_CHECKING:
    # What loads channels reads the names of flows, too; it is read before the gateway is.
    from xinqiao_gateway.gateway import Gateway

__all__ = [
    "STRICT",
    "Context",
    "Ending",
    "Flow",
    "Problem",
    "Row",
    "Said",
    "Section",
    "Shown",
    "Step",
    "StepSpec",
    "Taken",
    "Value",
    "Visit",
]

# A flow's file forbids names that it does not know, as a profile does.
STRICT = ConfigDict(extra="forbid", frozen=True)

# States in which no step is shown; of awaiting_confirmation that depends on the role.
_ENDED = frozenset({"submitting", "submitted", "refused"})

Value = str | int | bool
Ending = Literal["submit", "hand_over"]


class Said(BaseModel):
    """A text in both languages, as a flow's file has it."""

    model_config = STRICT

    zh: str
    en: str

    @property
    def text(self) -> Text:
        """The text as findings have it."""
        return Text(self.zh, self.en)


class Values(RootModel[Value | tuple[Value, ...]]):
    """One value, or any of several."""

    def hold(self, value: object) -> bool:
        """Say whether a value is one of them."""
        return value in (self.root if isinstance(self.root, tuple) else (self.root,))


class StepSpec(BaseModel):
    """What every step says in a flow's file.

    ``by`` are the roles that may do it; it is skipped for others. ``when``: it is asked only where the body holds these
    values; else what it filled in is left out of the message.
    """

    model_config = STRICT

    step: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")
    kind: str
    title: Said
    note: Said | None = None
    by: tuple[Role, ...] = ("CUSTOMER", "RELATIONSHIP_MANAGER", "INSTITUTION_OPERATOR")
    when: dict[str, Values] = {}

    def applies(self, body: Json) -> bool:
        """Say whether the step is asked of a body."""
        return all(values.hold(value_at(body, path)) for path, values in self.when.items())


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and how to mend it; ``field`` is the path of the field that it stands beside."""

    text: Text
    fix: Text | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A page: its template in ``templates``, and what that needs beside what every page has.

    ``problems`` are listed at its head. ``policy`` adds to the content security policy, as ``img-src 'self'``.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One value on the page that is confirmed: its title, what is shown of it, and what it is in full."""

    title: Text
    masked: str | Text
    full: str | Text


@dataclass(frozen=True, slots=True)
class Section:
    """Values that belong together."""

    title: Text
    rows: tuple[Row, ...]


class Step(Protocol):
    """One step of a flow. Methods get the visit as a value and return another; they change nothing themselves."""

    @property
    def spec(self) -> StepSpec:
        """What the flow's file says of it."""
        ...

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths in the body that it fills in; of repeated parts that of the list."""
        ...

    def sections(self, visit: "Visit") -> Sequence[Section]:
        """Return what the page that is confirmed shows of it."""
        ...

    def wrong(self, visit: "Visit", context: "Context") -> Sequence[Problem]:
        """Return what is wrong with what it filled in so far, or missing."""
        ...

    async def show(self, visit: "Visit", context: "Context", problems: Sequence[Problem] = ()) -> Shown:
        """Return its page, with the problems of what was typed."""
        ...

    async def keep(self, visit: "Visit", form: FormData, context: "Context") -> "Visit":
        """Take what was typed as it is, unchecked: the person goes back, or turns to another language."""
        ...

    async def take(self, visit: "Visit", form: FormData, context: "Context") -> "Taken":
        """Take what came and check it. ``form.act`` is the button that was pressed."""
        ...


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a form: the visit after it, and either problems, or where it goes on.

    Without problems the step is done and the next one comes; ``stay`` shows the step once more, ``ending`` ends the
    visit: its message is submitted, or handed over to whoever confirms it. ``messages`` are submitted in place of the
    one of the body, all or nothing; each has an id that it always has.
    """

    visit: "Visit"
    problems: tuple[Problem, ...] = ()
    stay: bool = False
    ending: Ending | None = None
    messages: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow: the steps to one message (``body``), who may enter it and who confirms it.

    ``constants`` and ``derived`` are filled in by the gateway: the latter are ``case`` (with the entry), ``now`` or
    ``today``. ``of_launch`` are facts that hold for one launch of whoever confirms, such as how the partner verified
    them; others stay with the visit.
    """

    name: str
    title: Text
    body: str | None
    entered_by: frozenset[Role]
    confirmed_by: frozenset[Role]
    constants: Mapping[str, Value]
    derived: Mapping[str, Literal["case", "now", "today"]]
    steps: tuple[Step, ...]
    of_launch: frozenset[str] = frozenset()

    def step(self, name: str) -> Step | None:
        """Return a step by its name."""
        return next((each for each in self.steps if each.spec.step == name), None)


@dataclass(frozen=True, slots=True)
class Context:
    """What a step may use beside the visit: the gateway, the channel, the time (Unix seconds), the visit's address."""

    gateway: "Gateway"
    channel: ServedChannel
    now: float
    address: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as one launch sees it. ``with_…`` return another with one thing changed."""

    stored: StoredVisit
    door: Door
    flow: Flow

    @property
    def content(self) -> Json:
        """All that is kept of it; see ``content.new_content``."""
        return self.stored.content

    @property
    def body(self) -> Json:
        """The body of the message as far as it is known, facts among it."""
        body: Json = self.content["body"]
        return body

    @property
    def facts(self) -> Mapping[str, Value]:
        """What the partner states, by paths in the body: nobody may change it here."""
        facts: Mapping[str, Value] = self.content["facts"]
        return facts

    @property
    def language(self) -> Literal["zh", "en"]:
        """The language of its pages."""
        return "en" if self.content["language"] == "en" else "zh"

    @property
    def role(self) -> Role:
        """Who looks at it."""
        role: Role = self.door.role  # type: ignore[assignment]  # stored as it came in a launch
        return role

    @property
    def may_submit(self) -> bool:
        """Whether what this one confirms is submitted."""
        return self.role in self.flow.confirmed_by

    @property
    def has_ended(self) -> bool:
        """Whether it is at an end for this one; whoever confirms goes on where another handed over."""
        state = self.stored.state
        return state in _ENDED or (state == "awaiting_confirmation" and not self.may_submit)

    def asked(self) -> list[Step]:
        """Return the steps that are asked of this one, in order."""
        return [each for each in self.flow.steps if self.role in each.spec.by and each.spec.applies(self.body)]

    def next_step(self) -> Step:
        """Return the first step that is not done; the last where all are."""
        asked = self.asked()
        return next((each for each in asked if each.spec.step not in self.content["done"]), asked[-1])

    def own(self, step: str) -> Json:
        """Return what a step keeps for itself."""
        own: Json = self.content["steps"].get(step, {})
        return own

    def with_content(self, **changed: Any) -> Self:  # noqa: ANN401 -- any JSON
        """Return it with parts of its content replaced."""
        return replace(self, stored=replace(self.stored, content={**self.content, **changed}))

    def with_state(self, state: str) -> Self:
        """Return it in another state."""
        return replace(self, stored=replace(self.stored, state=state))

    def with_done(self, step: str, *, done: bool = True) -> Self:
        """Return it with a step done, or to be done again."""
        others = [each for each in self.content["done"] if each != step]
        return self.with_content(done=[*others, step] if done else others)

    def with_own(self, step: str, own: Json) -> Self:
        """Return it with what a step keeps for itself."""
        return self.with_content(steps={**self.content["steps"], step: own})
