"""The commands ``xinqiao-conformance simulate …``: one process for each simulated institution or gateway.

Each option that the contract for a subject names may come from its environment variable as well.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import orjson
import typer
from starlette.applications import Starlette

from xinqiao.client import Client, Retry
from xinqiao.errors import SettingsInvalid
from xinqiao.seal import KeyRing, read_signing_key, read_verifying_key
from xinqiao_conformance.clock import Clock, RealClock, VirtualClock
from xinqiao_conformance.reach import http_client
from xinqiao_conformance.references.gateway_open import OpenGateway, gateway_application
from xinqiao_conformance.simulators.bank.bank import Bank, read_knowledge
from xinqiao_conformance.simulators.bank.system import BankSystem
from xinqiao_conformance.simulators.controls import controls
from xinqiao_conformance.simulators.core.core import Core, read_behaviour
from xinqiao_conformance.simulators.core.system import CoreSystem
from xinqiao_conformance.simulators.engine import Engine
from xinqiao_conformance.simulators.institution import Unable
from xinqiao_conformance.simulators.rules import Rule, read_rules
from xinqiao_conformance.simulators.script import Script, script_of
from xinqiao_conformance.simulators.serving import application, listen, serve

__all__ = ["simulate"]

simulate = typer.Typer(
    no_args_is_help=True, help="扮演对手方的独立进程 / Play the other side, as a process of its own."
)


class Form(StrEnum):
    """In which form a bank sends: canonical messages, or an XML of its own."""

    XML = "xml"
    CANONICAL = "canonical"


Port = Annotated[
    int, typer.Option(envvar="XINQIAO_PORT", help="监听端口，0 为任一空闲端口 / Port to serve on; 0 takes a free one.")
]
Gateway = Annotated[str, typer.Option(envvar="XINQIAO_GATEWAY", help="网关地址 / Base address of the gateway.")]
Channel = Annotated[
    str,
    typer.Option(envvar="XINQIAO_CHANNEL", help="渠道编号 / Channel under which the gateway knows the institution."),
]
Key = Annotated[Path, typer.Option(envvar="XINQIAO_KEY", help="签名私钥 JWK / Private JWK that signs what is sent.")]
GatewayKey = Annotated[
    Path,
    typer.Option(envvar="XINQIAO_GATEWAY_KEYS", help="网关公钥 JWK 或 JWKS / Public JWK or JWK set of the gateway."),
]
Sender = Annotated[
    str, typer.Option(envvar="XINQIAO_SENDER", help="本机构代码 / Its own institution code, for that of its script.")
]
Receiver = Annotated[
    str, typer.Option(envvar="XINQIAO_RECEIVER", help="对方机构代码 / Institution code of whom it begins with.")
]
Test = Annotated[
    bool, typer.Option("--test", envvar="XINQIAO_TEST", help="只收发测试报文 / Test traffic, and nothing else.")
]
Patience = Annotated[
    float, typer.Option(help="网关不可用时持续重试的秒数 / Seconds to keep trying while the gateway is down.")
]
Rules = Annotated[
    list[str],
    typer.Option(
        "--rule",
        help="规则：类型 动作 [时长]，或 YAML 文件 / 'kycDecision delay PT5M', or a YAML file.",
    ),
]
StartAt = Annotated[
    str,
    typer.Option("--clock", help="虚拟时钟的起始时刻 / A virtual clock from this instant, as 2026-01-05T09:00+08:00."),
]
PartnerKey = Annotated[Path, typer.Option(help="发送方公钥 JWK 或 JWKS / Public JWK or JWK set of whoever sends.")]
Institution = Annotated[str, typer.Option(help="网关应答所用机构代码 / Institution code that the gateway answers as.")]


@dataclass(frozen=True, slots=True)
class _Link:
    """How a simulated institution reaches its gateway."""

    gateway: str
    channel: str
    key: Path
    gateway_key: Path
    patience: float

    def client(self) -> Client:
        retry = Retry(attempts=1_000, within=self.patience, longest=2.0)
        http = http_client(self.gateway, timeout=10.0)
        return Client(self.gateway, self.channel, read_signing_key(self.key), retry=retry, http=http)

    def keys(self) -> KeyRing:
        return _key_ring(self.gateway_key)

    def wait(self) -> timedelta:
        return timedelta(seconds=self.patience + 5)


def _now() -> datetime:
    return datetime.now(UTC)


def _key_ring(path: Path) -> KeyRing:
    try:
        jwks = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        jwks = None
    if isinstance(jwks, dict) and "keys" in jwks:
        return KeyRing.from_jwks(jwks)
    return KeyRing([read_verifying_key(path)])


def _clock(start: str) -> Clock:
    if not start:
        return RealClock()
    try:
        instant = datetime.fromisoformat(start)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--clock") from error
    if instant.tzinfo is None:
        raise typer.BadParameter("an instant has an offset, as 2026-01-05T09:00+08:00", param_hint="--clock")
    return VirtualClock(instant)


def _rules(written: list[str]) -> list[Rule]:
    rules: list[Rule] = []
    for each in written:
        path = Path(each)
        rules += read_rules(path) if path.suffix in (".yaml", ".yml") else [Rule.of_text(each)]
    return rules


def _of(name: str, sender: str, receiver: str) -> Script:
    script = script_of(name)
    return replace(script, institution=sender or script.institution, counterparty=receiver or script.counterparty)


def _serve(app: Starlette, port: int) -> None:
    serve(app, listen("127.0.0.1", port))


def _play(make: Callable[[], Engine], port: int) -> None:
    try:
        engine = make()
    except Unable as error:
        raise SettingsInvalid(f"--rule: {error}") from error
    _serve(application(engine, controls(engine)), port)


@simulate.command()
def core(
    *,
    gateway: Gateway,
    channel: Channel,
    key: Key,
    gateway_key: GatewayKey,
    sender: Sender = "",
    receiver: Receiver = "",
    port: Port = 0,
    test: Test = False,
    rule: Rules = [],  # noqa: B006 -- typer reads the default and never changes it
    clock: StartAt = "",
    patience: Patience = 60.0,
) -> None:
    """信托公司核心系统 / A trust company's core: decides, signs, matches money, confirms, reports, discloses."""
    link = _Link(gateway, channel, key, gateway_key, patience)
    script = _of("core", sender, receiver)
    behaviour = {**read_behaviour(), "institution": script.institution}
    time, rules = _clock(clock), _rules(rule)

    def make() -> Engine:
        decisions = Core(behaviour, time.now)
        return CoreSystem(
            decisions, behaviour, link.client(), link.keys(), link.wait(), clock=time, rules=rules, test=test,
            script=script,
        )  # fmt: skip

    _play(make, port)


def _scripted(name: str) -> None:
    """Add the command of an institution that is nothing but a script."""
    title = script_of(name).title

    @simulate.command(name, help=f"{title.zh} / {title.en[:1].upper()}{title.en[1:]}: sends and answers by its script.")
    def play(
        *,
        gateway: Gateway,
        channel: Channel,
        key: Key,
        gateway_key: GatewayKey,
        sender: Sender = "",
        receiver: Receiver = "",
        port: Port = 0,
        test: Test = False,
        rule: Rules = [],  # noqa: B006 -- as above
        clock: StartAt = "",
        patience: Patience = 60.0,
    ) -> None:
        link = _Link(gateway, channel, key, gateway_key, patience)
        _play_script(name, link, (sender, receiver), (rule, clock), port, test=test)


def _play_script(
    name: str, link: _Link, codes: tuple[str, str], steering: tuple[list[str], str], port: int, *, test: bool
) -> None:
    script, rules, clock = _of(name, *codes), _rules(steering[0]), _clock(steering[1])
    _play(lambda: Engine(script, link.client(), link.keys(), link.wait(), clock=clock, rules=rules, test=test), port)


for _name in ("insurer", "wealth", "prepaid", "servicer", "registry"):
    _scripted(_name)


@simulate.command()
def bank(
    *,
    gateway: Gateway,
    channel: Channel,
    key: Key,
    gateway_key: GatewayKey,
    form: Annotated[Form, typer.Option(help="报文形式 / Its own XML, or canonical messages.")] = Form.XML,
    sender: Sender = "",
    receiver: Receiver = "",
    port: Port = 0,
    case: Annotated[str, typer.Option(help="业务编号 / Case number of the XML form; by default a fresh one.")] = "",
    test: Test = False,
    rule: Rules = [],  # noqa: B006 -- as above
    clock: StartAt = "",
    patience: Patience = 60.0,
) -> None:
    """银行 / A bank: one customer's family trust, in an XML of its own or in canonical messages."""
    link = _Link(gateway, channel, key, gateway_key, patience)
    if form is Form.CANONICAL:
        _play_script("bank", link, (sender, receiver), (rule, clock), port, test=test)
        return
    if rule or clock:
        raise typer.BadParameter("rules and a virtual clock need --form canonical", param_hint="--rule, --clock")
    knowledge = read_knowledge()
    case_id = case or f"FT{_now():%Y%m%d}{uuid4().hex[:8].upper()}"
    system = BankSystem(Bank(case_id, knowledge, _now), knowledge, link.client(), link.keys(), link.wait())
    _serve(application(system), port)


@simulate.command("reference-gateway")
def reference_gateway(channel: Channel, partner_key: PartnerKey, institution: Institution, port: Port = 0) -> None:
    """不设业务限制的参考网关 / A gateway in memory that takes whatever is valid and sealed, and delivers nothing."""
    _serve(gateway_application(OpenGateway(channel, institution, _key_ring(partner_key))), port)
