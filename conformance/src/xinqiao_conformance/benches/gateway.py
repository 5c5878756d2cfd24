"""The bench of a gateway: the suite is its partner on one channel, and the core behind it on another."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property

import httpx

from xinqiao.errors import Rejected, SettingsInvalid, XinqiaoError
from xinqiao.finding import Text
from xinqiao.message import Json, new_message_id, timestamp
from xinqiao.recording import Context, Head, Recorded
from xinqiao.seal import KeyRing, Sealed, SigningKey, read_signing_key
from xinqiao.testing import example, patched
from xinqiao_conformance.benches.channel import Channel
from xinqiao_conformance.benches.subject import new_case
from xinqiao_conformance.benches.ways import RestWay, Way, grpc_way
from xinqiao_conformance.declaration import Declaration, GatewayReach, Link
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Breach, CouldNotRun, Exchange
from xinqiao_conformance.reach import http_client

__all__ = ["GatewayBench", "gateway_bench", "opened", "with_value", "without_value"]

# The status of a first acceptance.
_ACCEPTED = 202
# What opens a case has its own number there.
_NUMBERS = {"kycApplication": "applicationNo", "contractProposal": "contractNo"}


class GatewayBench:
    """A gateway under test: ``partner`` sends, ``core`` is whom it delivers to; ``stranger`` has part in neither."""

    def __init__(
        self, declaration: Declaration, kit: Kit, keys: Mapping[str, SigningKey], client: httpx.Client, way: Way
    ) -> None:
        self.kit = kit
        self.patience = declaration.patience
        self.way = way
        self.fetches = "pull" in declaration.supports
        self._client, self._declaration = client, declaration
        self._recording: list[Recorded] = []
        reach = _reach(declaration)
        self.partner, self.core = self._channel(reach.partner, keys), self._channel(reach.core, keys)
        self.stranger = self._channel(reach.stranger, keys) if reach.stranger else None
        self.is_test = declaration.test
        self._test = {"test": True} if declaration.test else {}

    def _channel(self, link: Link, keys: Mapping[str, SigningKey]) -> Channel:
        transport = self.kit.transport
        return Channel(self.way, link, keys[link.channel], transport, self._recording, self.patience)

    def begin(self) -> None:
        """Pass over what waited before: it is none of this run's."""
        if self.fetches:
            for each in (self.partner, self.core):
                each.skip()

    @property
    def recording(self) -> Iterator[Recorded]:
        """Yield what was exchanged, each message with what was delivered because of it."""
        delivered = {**self.partner.by_id, **self.core.by_id}
        for each in self._recording:
            is_accepted = each.answer is not None and each.answer.status == _ACCEPTED
            found = delivered.pop(each.message_id or "", None) if is_accepted else None
            yield replace(each, delivered=(found.message,)) if found else each

    @cached_property
    def context(self) -> Context:
        """Return what passive checks know of this run."""
        head = Head(self._declaration.subject.institution, self._declaration.test)
        return Context(head, "gateway", patience=self.patience)

    @cached_property
    def gateway_keys(self) -> KeyRing:
        """The keys with which the gateway seals what it delivers and proves what it accepted (``GET /v1/keys``)."""
        try:
            return KeyRing.from_jwks(self._client.get("/v1/keys").json())
        except (httpx.TransportError, XinqiaoError, ValueError, KeyError, TypeError) as error:
            expected = Text("GET /v1/keys 返回网关公钥的 JWKS", "GET /v1/keys gives the gateway's public keys as JWKS")
            raise Breach(expected, seen={"error": type(error).__name__}) from error

    def message(self, body: str, case_id: str | None = None, *, back: bool = False, **header: object) -> Json:
        """Return a valid message of a new case from the partner to the core; ``back``: the other way round."""
        case_id = case_id or new_case()
        message = example(body, **{**self._parties(back=back), "caseId": case_id, "channelId": None, **header})
        number = _NUMBERS.get(body)
        return message if number is None else with_value(message, f"{body}.{number}", case_id)

    def readdressed(self, message: Json, kept: tuple[str, ...] = ()) -> Json:
        """Return a published message as a new one of this run; header fields that are ``kept`` stay as they are."""
        fresh = {"messageId": new_message_id(), "createdAt": timestamp(), "caseId": new_case(), **self._parties()}
        dropped = {"channelId", "test"} - set(kept) - fresh.keys()
        header = {name: value for name, value in message["header"].items() if name not in dropped}
        return {**message, "header": header | {name: value for name, value in fresh.items() if name not in kept}}

    def _parties(self, *, back: bool = False) -> dict[str, object]:
        sender, receiver = (self.core, self.partner) if back else (self.partner, self.core)
        return {"sender": sender.institution, "receiver": receiver.institution, **self._test}

    def send(self, message: Json, sealed: Sealed | None = None, note: str = "") -> Exchange:
        """Send as the partner."""
        return self.partner.send(message, sealed, note)

    def send_bytes(self, content: bytes, content_type: str = "application/json", note: str = "") -> Exchange:
        """Send bytes as the partner, sealed as they are."""
        return self.partner.send({}, self.partner.sealed_bytes(content, content_type), note)

    def require_refusal(self, exchange: Exchange, error: type[XinqiaoError]) -> None:
        """Raise ``Breach`` unless a message was refused for this reason, with the status that the table gives it."""
        code = self.way.code_for(error)
        met = exchange.reason == error.reason and self.way.code(exchange.status, exchange.headers) == code
        exchange.require(
            met,
            f"{code} 与原因为 {error.reason} 的拒绝",
            f"{code} with a rejection whose reason is {error.reason}",
            Text(f"见 docs/errors.md 中 {error.reason} 一行", f"see the row {error.reason} of docs/errors.md"),
        )

    def require_reason(self, exchange: Exchange, error: type[Rejected]) -> None:
        """Raise ``Breach`` unless a message was refused for this reason."""
        exchange.require(
            exchange.reason == error.reason,
            f"原因为 {error.reason} 的拒绝",
            f"a rejection whose reason is {error.reason}",
        )

    def require_delivery(self, exchange: Exchange, to: Channel) -> Sealed:
        """Return what a channel got for an accepted message; raise ``Breach`` where it does not come in time."""
        message_id = exchange.sent["header"]["messageId"]
        deadline = time.monotonic() + self.patience
        while message_id not in to.collected():
            if time.monotonic() > deadline:
                exchange.require(
                    met=False,
                    zh=f"{self.patience:g} 秒内送达 {to.institution}",
                    en=f"its delivery to {to.institution} within {self.patience:g} s",
                )
            time.sleep(0.02)
        return to.by_id[message_id].sealed


@contextmanager
def gateway_bench(declaration: Declaration, kit: Kit) -> Iterator[GatewayBench]:
    """Reach the gateway of a declaration. Raises ``SettingsInvalid``, ``KeyUnusable``, ``CouldNotRun``."""
    reach = _reach(declaration)
    links = [each for each in (reach.partner, reach.core, reach.stranger) if each]
    keys = {each.channel: read_signing_key(declaration.folder / each.key) for each in links}
    with ExitStack() as stack:
        client = stack.enter_context(http_client(reach.url, declaration.patience))
        _require_reached(client, reach.url)
        way: Way = RestWay(client)
        if kit.transport == "grpc":
            if not reach.grpc:
                raise SettingsInvalid(f"{kit.id}: reach.gateway.grpc names no HOST:PORT")
            way = stack.enter_context(grpc_way(reach.grpc, declaration.patience))
        yield _begun(GatewayBench(declaration, kit, keys, client, way))


def _require_reached(client: httpx.Client, url: str) -> None:
    """Raise ``CouldNotRun`` where nobody answers: whatever is answered comes from somebody."""
    try:
        client.get("/v1/health")
    except httpx.TransportError as error:
        said = f"{type(error).__name__} {error}".strip()
        raise CouldNotRun(
            f"reach.gateway.url {url} 无法连通 cannot be reached: {said}; 核对地址，并启动网关 see whether the "
            "address is right and the gateway runs"
        ) from error


def opened(
    declaration: Declaration,
    kit: Kit,
    keys: Mapping[str, SigningKey],
    client: httpx.Client,
    way: Way | None = None,
) -> GatewayBench:
    """Reach a gateway in this process by a client that is there already, with keys by channel; over REST by default."""
    return _begun(GatewayBench(declaration, kit, keys, client, way or RestWay(client)))


def _reach(declaration: Declaration) -> GatewayReach:
    if declaration.reach.gateway is None:
        raise SettingsInvalid("kits of gateways need reach.gateway in the declaration")
    return declaration.reach.gateway


def _begun(bench: GatewayBench) -> GatewayBench:
    bench.begin()
    return bench


def with_value(message: Json, path: str, value: object) -> Json:
    """Return a copy of a message with a value, new or another, at a canonical path such as ``a.b[0].c``."""
    op = "replace" if path.endswith("]") else "add"
    return patched(message, [{"op": op, "path": _pointer(path), "value": value}])


def without_value(message: Json, path: str) -> Json:
    """Return a copy of a message without what is at a canonical path."""
    return patched(message, [{"op": "remove", "path": _pointer(path)}])


def _pointer(path: str) -> str:
    return "/" + path.replace("]", "").replace("[", ".").replace(".", "/")
