"""The declaration: what an implementer says they support. Only that is run, and all of that is run."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
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
from xinqiao.finding import Text
from xinqiao.rules.values import check_institution_code
from xinqiao_conformance.kits import Kit, kit_named

__all__ = ["FEATURES", "Declaration", "GatewayReach", "Link", "Reach", "Subject", "read_declaration"]

_MOST = 65_536
# What a subject may support beyond what every one must -> what it means.
FEATURES: Mapping[str, Text] = {
    "corrections": Text(
        "按要求更正先前所发", "what was sent earlier is corrected when the suite asks for it (/do/correction, mends)"
    ),
    "xml": Text("接收 XML 形式的消息", "the XML form of messages is taken"),
    "pull": Text("消息由对方取走", "messages are fetched by GET /v1/channels/{channel}/messages"),
    "proofs": Text("受理回执附存在性证明", "receipts lead to inclusion proofs"),
    "reactions": Text(
        "接收方按业务流程作出应有的答复", "a receiver answers what the process of its business expects of it"
    ),
    "process": Text(
        "接收方拒绝业务流程所禁止的，如委托人死亡或冻结之后",
        "a receiver refuses what the process of a case forbids, as after a death or under a freeze",
    ),
    "lines": Text("文件逐行为标准消息", "the files of a file partner hold messages of the standard, one a line"),
    "embedding": Text("嵌入页面并写明嵌入方", "an H5 host embeds the pages, and names the page that does"),
}


def _institution(value: str) -> str:
    if wrong := check_institution_code(value):
        raise ValueError(f"应为统一社会信用代码 a unified social credit code is expected: {wrong}")
    return value


def _quoted(value: object) -> object:
    # YAML reads digits alone as a number.
    if isinstance(value, int):
        raise ValueError(f'请加引号 write it in quotes: "{value}"')  # noqa: TRY004 -- pydantic wants a ValueError
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
    """How a subject is reached: a command that starts it, its address, or a gateway's channels; or by hand.

    None of them where nothing is run, and recordings are judged.
    """

    start: str = Field(default="", max_length=2_000)
    control: str = Field(default="", max_length=300)
    manual: bool = False
    folder: Path | None = None
    gateway: GatewayReach | None = None

    @field_validator("control")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise ValueError("应为地址 an address such as http://127.0.0.1:9000 is expected")
        return value

    @property
    def ways(self) -> int:
        """How many ways it names: one, or none where nothing is run."""
        return sum([bool(self.start), bool(self.control), self.manual, self.gateway is not None])

    @model_validator(mode="after")
    def _one_way(self) -> "Reach":
        if self.ways > 1:
            raise ValueError("四者取一 one of start, control, manual and gateway is expected")
        return self


class _Text(_Part):
    declaration: Literal["1"]
    standard: Literal["1.0"]
    subject: Subject
    kits: list[str] = Field(min_length=1, max_length=200)
    supports: list[str] = Field(default=[], max_length=20)
    reach: Reach = Reach()
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


def read_declaration(path: Path, *, to_run: bool = True) -> Declaration:
    """Read ``declaration.yaml``. Raises ``SettingsInvalid`` with everything that is wrong in it.

    ``to_run``: it has to say how the subject is reached, which recordings and results of it need not.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST + 1)
    except OSError as error:
        raise SettingsInvalid(f"{path}: 无法读取 cannot be read: {error.strerror}") from error
    if len(raw) > _MOST:
        raise SettingsInvalid(f"{path}: 超过 larger than {_MOST} bytes")
    try:
        said = _Text.model_validate(yaml.safe_load(raw))
    except yaml.YAMLError as error:
        raise SettingsInvalid(f"{path}: 不是合法的 YAML no YAML: {error}") from error
    except ValidationError as error:
        raise SettingsInvalid(f"{path}: {_listed(error)}") from error
    unknown = sorted(set(said.supports) - FEATURES.keys())
    if unknown:
        raise SettingsInvalid(
            f"{path}: supports: 没有特性 no features {', '.join(unknown)}; 可用 there are {', '.join(FEATURES)}"
        )
    try:
        kits = tuple(dict.fromkeys(kit_named(each) for each in said.kits))
    except ValueError as error:
        raise SettingsInvalid(f"{path}: kits: {error}") from error
    if to_run:
        _require_reached(path, kits, said.reach)
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    return Declaration(
        said.subject, kits, frozenset(said.supports), said.reach, said.patience, said.test, digest,
        path.absolute().parent,
    )  # fmt: skip


def _require_reached(path: Path, kits: Iterable[Kit], reach: Reach) -> None:
    """Hold kits to a way on which their role can be reached."""
    if not reach.ways:
        raise SettingsInvalid(f"{path}: reach: 四者取一 one of start, control, manual and gateway is expected")
    for kit in kits:
        if (kit.role == "gateway") != (reach.gateway is not None):
            wanted = "reach.gateway" if kit.role == "gateway" else "reach.start, control, manual"
            apart = "网关与其他角色分别声明 a gateway has a declaration of its own"
            raise SettingsInvalid(f"{path}: reach: {kit.id} 须用 needs {wanted}; {apart}")
        if kit.role == "gateway" and kit.transport == "grpc" and not (reach.gateway and reach.gateway.grpc):
            raise SettingsInvalid(f"{path}: reach.gateway.grpc: {kit.id} 须写明 needs HOST:PORT")


def _listed(error: ValidationError) -> str:
    return "; ".join(f"{_place(each)}: {_said(each)}" for each in error.errors())


def _place(problem: Any) -> str:  # noqa: ANN401 -- pydantic's own dict
    return ".".join(map(str, problem["loc"])) or "全文 the file"


def _said(problem: Any) -> str:  # noqa: ANN401 -- as above
    """Return what is wrong in both languages, and for a name that is none those there are."""
    said = str(problem["msg"]).removeprefix("Value error, ")
    chinese = _CHINESE.get(problem["type"], "有误")
    if problem["type"].startswith("model_"):
        return f"{chinese} a mapping of its members is expected"
    if problem["type"] != "extra_forbidden":
        return f"{chinese} {said}"
    names = _names(problem["loc"][:-1])
    near = get_close_matches(str(problem["loc"][-1]), names, 1)
    there_are = f"可用 there are {', '.join(names)}"
    return f"没有此项 no such member; {there_are}" + (f"; 是否为 is it {near[0]}?" if near else "")


_CHINESE = {
    "missing": "缺少此项",
    "literal_error": "取值不符",
    "string_type": "应为文本",
    "list_type": "应为列表",
    "too_short": "不得为空",
    "model_type": "应为各项的映射",
    "model_attributes_type": "应为各项的映射",
    "string_pattern_mismatch": "格式不符",
}


def _names(place: Sequence[str | int]) -> list[str]:
    """Return the members that the part of a declaration at a place has."""
    part: type[BaseModel] = _Text
    for name in place:
        annotation = part.model_fields[str(name)].annotation
        kinds = [annotation, *get_args(annotation)]
        part = next(each for each in kinds if isinstance(each, type) and issubclass(each, BaseModel))
    return list(part.model_fields)
