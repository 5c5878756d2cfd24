"""The commands ``xinqiao-conformance simulate …``: one process for each simulated institution or gateway."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import orjson
import typer
from starlette.applications import Starlette

from xinqiao.client import Client, Retry
from xinqiao.seal import KeyRing, read_signing_key, read_verifying_key
from xinqiao_conformance.reach import http_client
from xinqiao_conformance.simulators.bank.bank import Bank, read_knowledge
from xinqiao_conformance.simulators.bank.system import BankSystem
from xinqiao_conformance.simulators.core.core import Core, read_behaviour
from xinqiao_conformance.simulators.core.system import CoreSystem
from xinqiao_conformance.simulators.serving import application, listen, serve
from xinqiao_conformance.targets.defects import DEFECTS
from xinqiao_conformance.targets.reference import ReferenceGateway, gateway_application

__all__ = ["simulate"]

simulate = typer.Typer(no_args_is_help=True, help="Play the other side, as a process of its own.")

Port = Annotated[int, typer.Option(help="Port to serve on; 0 takes a free one.")]
Gateway = Annotated[str, typer.Option(help="Base address of the gateway.")]
Channel = Annotated[str, typer.Option(help="Channel under which the gateway knows the institution.")]
Key = Annotated[Path, typer.Option(help="Private JWK that signs what is sent.")]
GatewayKey = Annotated[Path, typer.Option(help="Public JWK or JWK set of the gateway.")]
Patience = Annotated[float, typer.Option(help="Seconds to keep trying while the gateway is down.")]
PartnerKey = Annotated[Path, typer.Option(help="Public JWK or JWK set of whoever sends.")]
Institution = Annotated[str, typer.Option(help="Institution code that the gateway answers as.")]


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


def _serve(app: Starlette, port: int) -> None:
    serve(app, listen("127.0.0.1", port))


def _client(gateway: str, channel: str, key: Path, patience: float) -> Client:
    retry = Retry(attempts=1_000, within=patience, longest=2.0)
    return Client(gateway, channel, read_signing_key(key), retry=retry, http=http_client(gateway, timeout=10.0))


@simulate.command()
def core(
    *,
    gateway: Gateway,
    channel: Channel,
    key: Key,
    gateway_key: GatewayKey,
    port: Port = 0,
    test: Annotated[bool, typer.Option("--test", help="Take test traffic, and nothing else.")] = False,
    patience: Patience = 60.0,
) -> None:
    """A trust company's core: decides on KYC, signs as trustee, matches money, reports NAV, discloses."""
    behaviour = read_behaviour()
    client, keys = _client(gateway, channel, key, patience), _key_ring(gateway_key)
    wait = timedelta(seconds=patience + 5)
    _serve(application(CoreSystem(Core(behaviour, _now), behaviour, client, keys, wait, test=test)), port)


@simulate.command()
def bank(
    *,
    gateway: Gateway,
    channel: Channel,
    key: Key,
    gateway_key: GatewayKey,
    port: Port = 0,
    case: Annotated[str, typer.Option(help="Case number; by default a fresh one.")] = "",
    patience: Patience = 60.0,
) -> None:
    """A bank with its own XML: sends one customer's family trust step by step, acknowledges disclosures."""
    knowledge = read_knowledge()
    client, keys = _client(gateway, channel, key, patience), _key_ring(gateway_key)
    case_id = case or f"FT{_now():%Y%m%d}{uuid4().hex[:8].upper()}"
    wait = timedelta(seconds=patience + 5)
    _serve(application(BankSystem(Bank(case_id, knowledge, _now), knowledge, client, keys, wait)), port)


@simulate.command("reference-gateway")
def reference_gateway(channel: Channel, partner_key: PartnerKey, institution: Institution, port: Port = 0) -> None:
    """The smallest gateway that meets every requirement, in memory."""
    _serve(gateway_application(ReferenceGateway(channel, institution, _key_ring(partner_key))), port)


@simulate.command("wrong-gateway")
def wrong_gateway(
    *,
    defect: Annotated[str, typer.Option(help=f"What is wrong: {', '.join(DEFECTS)}.")],
    channel: Channel,
    partner_key: PartnerKey,
    institution: Institution,
    port: Port = 0,
) -> None:
    """The reference gateway with one defect, which the suite must find."""
    if defect not in DEFECTS:
        raise typer.BadParameter(f"no defect {defect}; there are {', '.join(DEFECTS)}", param_hint="--defect")
    _serve(gateway_application(DEFECTS[defect].gateway(channel, institution, _key_ring(partner_key))), port)
