"""The declaration: what an implementer says they support. Only that is run, and all of that is run."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from xinqiao.errors import SettingsInvalid
from xinqiao.rules.values import check_institution_code
from xinqiao_conformance.kits import Kit, kit_named

__all__ = ["FEATURES", "Declaration", "GatewayReach", "Link", "Reach", "Subject", "read_declaration"]

_MOST = 65_536
# What a subject may support beyond what every one must -> what it means.
FEATURES: Mapping[str, str] = {
    "corrections": "POST /do/correction sends a correction of an earlier message",
    "xml": "the XML form of messages is taken",
    "pull": "messages are fetched by GET /v1/channels/{channel}/messages",
    "proofs": "receipts lead to inclusion proofs",
    "reactions": "a receiver answers what the process of its business expects of it",
    "process": "a receiver refuses what the process of a case forbids, as after a death or under a freeze",
}


def _institution(value: str) -> str:
    if wrong := check_institution_code(value):
        raise ValueError(f"a unified social credit code is expected: {wrong}")
    return value


def _quoted(value: object) -> object:
    # YAML reads digits alone as a number.
    if isinstance(value, int):
        raise ValueError(f'write it in quotes: "{value}"')  # noqa: TRY004 -- pydantic wants a ValueError
    return value


_CODE = Field(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")
Institution = Annotated[str, BeforeValidator(_quoted), _CODE, AfterValidator(_institution)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Subject(_Part):
    """Who is tested: ``institution`` is a unified social credit code, ``product`` and ``version`` what they run."""

    name: str = Field(min_length=1, max_length=120)
    institution: Institution
    product: str = Field(default="", max_length=120)
    version: str = Field(default="", max_length=60)


class Link(_Part):
    """A channel of a gateway under test: whom it knows there, by which key, and over which addresses."""

    channel: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")
    key: Path
    institution: Institution


class GatewayReach(_Part):
    """A gateway under test: ``partner`` sends, ``core`` is what it delivers to and answers."""

    url: str
    grpc: str = ""
    partner: Link
    core: Link
    stranger: Link | None = None


class Reach(_Part):
    """How a subject is reached: a command that starts it, its address, or a gateway's channels; or by hand."""

    start: str = Field(default="", max_length=2_000)
    control: str = Field(default="", max_length=300)
    manual: bool = False
    folder: Path | None = None
    gateway: GatewayReach | None = None

    @field_validator("control")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise ValueError("an address such as http://127.0.0.1:9000 is expected")
        return value

    @model_validator(mode="after")
    def _one_way(self) -> "Reach":
        ways = [bool(self.start), bool(self.control), self.manual, self.gateway is not None]
        if sum(ways) != 1:
            raise ValueError("one of start, control, manual and gateway is expected")
        return self


class _Text(_Part):
    declaration: Literal["1"]
    standard: Literal["1.0"]
    subject: Subject
    kits: list[str] = Field(min_length=1, max_length=49)
    supports: list[str] = Field(default=[], max_length=20)
    reach: Reach
    patience: float = Field(default=10.0, ge=0.5, le=600)
    test: bool = True


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is run: ``kits`` with the features ``supports``; ``patience`` bounds each wait in seconds.

    ``digest`` is that of the file's bytes, which the certificate is bound to; paths in it are relative to ``folder``.
    """

    subject: Subject
    kits: tuple[Kit, ...]
    supports: frozenset[str]
    reach: Reach
    patience: float
    test: bool
    digest: str
    folder: Path = field(default=Path())


def read_declaration(path: Path) -> Declaration:
    """Read ``declaration.yaml``. Raises ``SettingsInvalid`` with everything that is wrong in it."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST + 1)
    except OSError as error:
        raise SettingsInvalid(f"{path}: cannot be read: {error.strerror}") from error
    if len(raw) > _MOST:
        raise SettingsInvalid(f"{path}: larger than {_MOST} bytes")
    try:
        said = _Text.model_validate(yaml.safe_load(raw))
    except yaml.YAMLError as error:
        raise SettingsInvalid(f"{path}: no YAML: {error}") from error
    except ValidationError as error:
        raise SettingsInvalid(f"{path}: {_listed(error)}") from error
    unknown = sorted(set(said.supports) - FEATURES.keys())
    if unknown:
        raise SettingsInvalid(f"{path}: supports: no features {', '.join(unknown)}; there are {', '.join(FEATURES)}")
    try:
        kits = tuple(dict.fromkeys(kit_named(each) for each in said.kits))
    except ValueError as error:
        raise SettingsInvalid(f"{path}: kits: {error}") from error
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    return Declaration(
        said.subject, kits, frozenset(said.supports), said.reach, said.patience, said.test, digest,
        path.absolute().parent,
    )  # fmt: skip


def _listed(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {_said(each)}" for each in error.errors())


def _said(problem: Any) -> str:  # noqa: ANN401 -- pydantic's own dict
    return str(problem["msg"]).removeprefix("Value error, ")
