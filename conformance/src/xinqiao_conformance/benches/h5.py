"""The bench of an H5 host: it is asked for launches, which the suite opens as a gateway's pages would."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from threading import Lock
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import orjson

from xinqiao.errors import NotAuthorized
from xinqiao.finding import Text
from xinqiao.masking import mask
from xinqiao.message import Json
from xinqiao.recording import Answer, Recorded, Recording
from xinqiao.seal import KeyRing, Sealed, open_token
from xinqiao_conformance.benches.flows import Flow, flows_of
from xinqiao_conformance.benches.subject import (
    CHANNEL,
    Prepared,
    Start,
    new_case,
    person,
    prepared,
    reached,
    recorded,
)
from xinqiao_conformance.benches.web import Request, Response, web_server
from xinqiao_conformance.declaration import Declaration
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Breach
from xinqiao_conformance.reach import http_client

__all__ = ["H5Bench", "Launched", "Pages", "h5_bench"]

_SHOWN = 300
# Claims that say nothing of a person.
_OPEN = frozenset({"aud", "jti", "iat", "exp", "flow", "locale", "origin", "return"})


@dataclass(frozen=True, slots=True)
class Launched:
    """What came of one request for a launch: ``status`` and ``url`` as answered, ``at`` which time (Unix seconds).

    ``claims`` are those of its token, empty where there is none that the subject's registered key signed.
    """

    asked: Mapping[str, str]
    status: int
    url: str
    at: float
    token: str
    claims: Json

    def require(self, met: object, zh: str, en: str, fix: Text | None = None, *, claim: str = "") -> None:
        """Raise ``Breach`` unless ``met``; ``claim`` is the one that it is about."""
        if met:
            return
        seen: Json = {"status": self.status, "claims": self._shown()}
        difference = [{"path": claim, "expected": en, "seen": seen["claims"].get(claim)}] if claim else []
        raise Breach(Text(zh, en), sent=dict(self.asked), seen=seen, difference=difference, fix=fix)

    def _shown(self) -> Json:
        shown = {}
        for name, value in self.claims.items():
            said = value if isinstance(value, str) else orjson.dumps(value).decode()
            shown[name] = said[:_SHOWN] if name in _OPEN else mask(said[:_SHOWN], "C2")
        return shown


class Pages:
    """The gateway's pages, as far as a launch gets: a GET shows a button and uses nothing, a POST uses the token."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._lock = Lock()

    def handle(self, request: Request) -> Response:
        """Serve one request."""
        if not request.path.startswith("/h5/"):
            return Response(404)
        if request.method == "POST":
            typed = (request.body or b"").decode("utf-8", "replace")
            with self._lock:
                self._used |= {value for name, value in parse_qsl(typed) if name == "token"}
        return Response(200, b"<!doctype html><title>launch</title>", "text/html; charset=utf-8")

    def was_used(self, token: str) -> bool:
        """Say whether somebody has used a token."""
        with self._lock:
            return token in self._used


class H5Bench:
    """An H5 host under test. ``recording`` holds every launch that it signed."""

    def __init__(
        self,
        kit: Kit,
        given: Prepared,
        base: str,
        pages: Pages,
        recording: Recording,
        ask: Callable[..., httpx.Response],
    ) -> None:
        self.kit, self.pages, self.recording = kit, pages, recording
        self.gateway_code = given.other
        self.audience = f"{given.other}/{CHANNEL}"
        self.address = f"{base}/h5/{CHANNEL}/launch"
        self._keys = KeyRing([given.key.public()])
        self._ask = ask

    def launch(self, flow: str, case: str = "") -> Launched:
        """Ask for a launch of a flow, in a case that the host has not seen where none is named."""
        query = {"flow": flow, "case": case or new_case()}
        answer = self._ask("/do/launch", params=query)
        url = _url_in(answer)
        token = dict(parse_qsl(_query_of(url))).get("token", "")
        claims = self._claims(token)
        if claims:
            self._record(token, claims)
        asked = {"asked": "POST /do/launch", **query}
        return Launched(asked, answer.status_code, url, time.time(), token, claims)

    @cached_property
    def launches(self) -> Mapping[str, Launched]:
        """One launch of each flow of the business that the host launches. Raises ``Breach`` where it launches none."""
        asked = {flow: self.launch(flow) for flow in self.flows}
        found = {flow: each for flow, each in asked.items() if each.status != 404}
        first = next(iter(asked.values()))
        names = "、".join(asked)
        first.require(found, f"至少启动一个流程：{names}", f"a launch of one flow at the least: {', '.join(asked)}")
        for each in found.values():
            each.require(
                each.claims,
                "以登记的密钥签名的启动令牌",
                "a launch signed by the registered key",
                Text("以 XINQIAO_KEY 签名，kid 为其编号", "sign it with XINQIAO_KEY and name its kid"),
            )
        return found

    def use(self, launched: Launched) -> None:
        """Use a launch, as the person does who opens it and presses the button."""
        typed = urlencode({"token": launched.token}).encode()
        self.pages.handle(Request("POST", urlsplit(self.address).path, {}, {}, typed))

    @cached_property
    def flows(self) -> Mapping[str, Flow]:
        """The flows that belong to the kit's business."""
        return flows_of(self.kit.business)

    @property
    def first(self) -> str:
        """The first flow that the host launches."""
        return next(iter(self.launches))

    def _claims(self, token: str) -> Json:
        try:
            return open_token(token, self._keys)[1] if token else {}
        except NotAuthorized:
            return {}

    def _record(self, token: str, claims: Json) -> None:
        protected, _, rest = token.partition(".")
        sealed = Sealed(rest.encode(), "application/jwt", f"{protected}..{rest.rpartition('.')[2]}")
        self.recording.append(Recorded("subject", "h5", {"launch": claims}, answer=Answer(200, None), sealed=sealed))


def _url_in(answer: httpx.Response) -> str:
    try:
        said = orjson.loads(answer.content)
    except ValueError:
        return ""
    url = said.get("url") if isinstance(said, dict) else None
    return url if isinstance(url, str) else ""


def _query_of(url: str) -> str:
    try:
        return urlsplit(url).query
    except ValueError:
        return ""


@contextmanager
def h5_bench(
    declaration: Declaration, kit: Kit, *, start: Start | None = None, ask: Callable[[str], str] | None = None
) -> Iterator[H5Bench]:
    """Reach the H5 host of a declaration; ``start`` one that runs in this process.

    Raises ``CouldNotRun``, ``Breach``, ``SettingsInvalid``, ``KeyUnusable``.
    """
    given, pages = prepared(declaration), Pages()
    with ExitStack() as stack:
        recording = stack.enter_context(recorded(declaration, given))
        serve, ask = partial(web_server, pages.handle), ask or person(declaration.patience)
        base, url = stack.enter_context(reached(declaration, given, serve, start, ask))
        client = stack.enter_context(http_client(url, declaration.patience))
        yield H5Bench(kit, given, base, pages, recording, client.post)
